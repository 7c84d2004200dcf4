//! `vedette`: lists the catalogue. It is built of the crates alone, which shows that a command needs nothing of the Worker.

use std::io::{self, Write};

use vedette_commands::catalogue;

fn main() -> io::Result<()> {
    let mut output = io::stdout().lock();
    for entry in catalogue() {
        writeln!(output, "{}\n    {}", entry.spec.usage, entry.spec.summary)?;
    }
    Ok(())
}
