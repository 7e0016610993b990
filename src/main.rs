//! Arguments in, exit code out.

use std::io::{ErrorKind, Result, Write as _, stderr, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().map(|each| each.to_string_lossy().into_owned()).collect();
    let (written, code) = match orch::cli::read(&arguments) {
        Ok(cli) => print(&orch::cli::main(&cli)),
        Err(error) => {
            if let Some(printed) = orch::cli::refused(&error, &arguments) {
                print(&printed)
            } else {
                let shown = error.print();
                // That nobody can be told of a mistake does not make it another one.
                let shown = if error.use_stderr() { Ok(()) } else { shown };
                (shown, ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)))
            }
        }
    };
    match written.and_then(|()| stdout().flush()) {
        // A reader that has gone is not an error: the command has done its work.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let _ = writeln!(stderr(), "error: cannot write to standard output: {error}");
            ExitCode::FAILURE
        }
        Ok(()) | Err(_) => code,
    }
}

/// Whether the data could be written, and how to end.
fn print(printed: &orch::cli::Printed) -> (Result<()>, ExitCode) {
    let written = stdout().write_all(printed.stdout.as_bytes());
    let _ = stderr().write_all(printed.stderr.as_bytes());
    (written, ExitCode::from(printed.code))
}
