//! Hints for who named a branch: what is to be typed next is meant for the same one.

use super::error::CliError;
use super::output::Answer;
use crate::config::shell;

/// The same answer, whose hints name the branch that was named.
pub(super) fn on_branch(result: &mut Result<Answer, CliError>, branch: &str) {
    let hints = match result {
        Ok(answer) => &mut answer.hints,
        Err(error) => &mut error.hints,
    };
    for hint in hints {
        *hint = named(hint, branch);
    }
}

/// A hint with the branch in each command of orch's that does not name one.
fn named(hint: &str, branch: &str) -> String {
    let is_open = |command: &str| command.starts_with("orch ") && !command.contains("--branch");
    // What stands between two backticks is every second part.
    let parts = hint.split('`').enumerate().map(|(at, part)| {
        if at % 2 == 1 && is_open(part) {
            format!("{part} --branch {}", shell::word(branch))
        } else {
            part.to_owned()
        }
    });
    parts.collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn a_command_of_orchs_names_the_branch_and_nothing_else_does() {
        for (hint, expected) in [
            ("type `orch unblock a`", "type `orch unblock a --branch x`"),
            ("type `git log` or `orch log`", "type `git log` or `orch log --branch x`"),
            ("name one with `--branch NAME`", "name one with `--branch NAME`"),
            ("edit `.orchestrator/config.toml`", "edit `.orchestrator/config.toml`"),
        ] {
            assert_eq!(named(hint, "x"), expected);
        }
    }
}
