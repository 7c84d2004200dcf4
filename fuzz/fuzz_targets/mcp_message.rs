//! The body of a request at the MCP door: read as messages, or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let _ = vedette::mcp::message::read(body);
});
