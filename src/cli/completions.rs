//! `orch completions`: a script that completes commands and flags.

use super::Cli;
use super::output::Answer;
use clap::CommandFactory as _;
use serde_json::json;

/// Print a script that completes commands and flags in a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: orch completions bash > ~/.local/share/bash-completion/completions/orch")]
pub(super) struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

/// Writes the script.
pub(super) fn run(args: &Args) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "orch", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    Answer::ok(json!({"shell": args.shell.to_string(), "script": script}), script)
}
