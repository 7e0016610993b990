//! `orch completions`: a script that completes commands and flags.

use super::output::Answer;
use super::{Cli, own};
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
    let typed = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    let mut shown = Command::new(command.get_name().to_owned())
        .args(command.get_arguments().filter(|arg| !arg.is_hide_set()).cloned())
        .subcommands(command.get_subcommands().filter(typed).map(shown))
        .subcommands(command.find_subcommand("help").map(|help| helped(help, command)))
        .disable_help_subcommand(true);
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    shown
}

/// `help`, with all that it knows of: topics are no commands that people type.
fn helped(help: &Command, of: &Command) -> Command {
    let known = of.get_subcommands().filter(|command| !own(command) && command.get_name() != "help");
    let known = known.map(|command| {
        let name = Command::new(command.get_name().to_owned()).disable_help_flag(true);
        command
            .get_about()
            .filter(|_| !command.is_hide_set())
            .map_or(name.clone(), |about| name.about(about.clone()))
    });
    let about = help.get_about().cloned().unwrap_or_default();
    Command::new("help").about(about).disable_help_subcommand(true).subcommands(known)
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
