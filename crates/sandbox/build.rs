//! Lists the page's files, so that the program carries whatever stands in `page/`.

use std::io::Result;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<()> {
    let root = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let out = env::var("OUT_DIR").unwrap_or_default();
    let mut files: Vec<_> = fs::read_dir(Path::new(&root).join("page"))?.collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.path().is_file());
    files.sort_by_key(fs::DirEntry::file_name);
    let entry = |file: fs::DirEntry| format!("({:?}, include_bytes!({:?})),\n", file.file_name(), file.path());
    let list: String = files.into_iter().map(entry).collect();
    fs::write(Path::new(&out).join("page_files.rs"), format!("&[\n{list}]\n"))?;
    println!("cargo::rerun-if-changed=page");
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
