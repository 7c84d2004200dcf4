//! The path of a protected resource: what is read is written again as what leads to the same place.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vedette::sessions::terms::Limit;

fuzz_target!(|path: &str| {
    let Some(limit) = Limit::from_path(path) else { return };
    assert_eq!(Limit::from_path(&limit.path()).as_ref(), Some(&limit), "{path:?}");
    assert!(Limit::default().contains(&limit) && limit.contains(&limit));
});
