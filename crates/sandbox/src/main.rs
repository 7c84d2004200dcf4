//! The sandbox as a program: two loopback listeners around the library, and a courier for Slack's deliveries.

// A refusal is a whole response here.
#![allow(clippy::result_large_err)]

mod serve;

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if std::env::args().any(|word| word == "--help") {
        println!("{}", serve::USAGE);
        return ExitCode::SUCCESS;
    }
    let arguments = match serve::Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    match serve::run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(1)
        }
    }
}
