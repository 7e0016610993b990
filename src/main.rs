//! Arguments in, exit code out.

use clap::Parser as _;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().map(|each| each.to_string_lossy().into_owned()).collect();
    let printed = match orch::cli::Cli::try_parse() {
        Ok(cli) => orch::cli::main(&cli),
        Err(error) => match orch::cli::refused(&error, &arguments) {
            Some(printed) => printed,
            None => error.exit(),
        },
    };
    // A reader that has gone is not an error: the command has done its work.
    let _ = std::io::stdout().write_all(printed.stdout.as_bytes());
    let _ = std::io::stderr().write_all(printed.stderr.as_bytes());
    ExitCode::from(printed.code)
}
