//! `orch completions`: a script that completes commands and flags.

use super::Cli;
use super::output::Answer;
use clap::{Command, CommandFactory as _};
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
    let mut command = shown(&Cli::command()).version(env!("CARGO_PKG_VERSION")).propagate_version(true);
    clap_complete::generate(args.shell, &mut command, "orch", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    Answer::ok(json!({"shell": args.shell.to_string(), "script": script}), script)
}

/// A command as people type it: without commands and flags by which orch calls itself.
fn shown(command: &Command) -> Command {
    let own = |command: &&Command| !command.get_name().starts_with("__");
    let mut shown = Command::new(command.get_name().to_owned())
        .args(command.get_arguments().filter(|arg| !arg.is_hide_set()).cloned())
        .subcommands(command.get_subcommands().filter(own).map(shown));
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    #[test]
    fn no_shell_offers_what_orch_calls_itself_by() {
        for shell in clap_complete::Shell::value_variants() {
            let script = run(&Args { shell: *shell }).human;
            assert!(script.contains("max-cost") && script.contains("exit-codes"), "{shell}");
            assert!(!script.contains("sandbox-exec") && !script.contains("job "), "{shell}");
            assert!(!script.contains("job=") && !script.contains("'job'"), "{shell}");
        }
    }
}
