//! `orch __sandbox-exec`: restricts itself by landlock and becomes another program. Called by orch alone.

use super::error::CliError;
use super::exit::Exit;
use crate::effects::os::sandbox::{Restriction, restrict_and_become};
use std::path::PathBuf;

/// Restrict this process by landlock and become a program
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A file, or a folder with everything below, that stays writable
    #[arg(long, value_name = "PATH")]
    write: Vec<PathBuf>,
    /// Close TCP
    #[arg(long)]
    no_network: bool,
    /// Let no process outside be signalled
    #[arg(long)]
    no_signals: bool,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    argv: Vec<String>,
}

/// Becomes the program; returns only when it cannot. Whoever called it knows this by one line and no hint
/// (`agent::sandbox::not_begun`), whatever the trouble is.
pub(super) fn run(args: &Args) -> CliError {
    let restriction =
        Restriction { writable: args.write.clone(), network: !args.no_network, signals: !args.no_signals };
    CliError::new(Exit::Error, restrict_and_become(&restriction, &args.argv).fact)
}
