//! What a configuration asks for and this version of orch cannot do yet.
//!
//! In: a configuration. Out: problems with the line that asks for it, and what works instead.
//! Invariant: whoever only asks is answered, with a warning; nothing is run by half.

use super::error::StepError;
use crate::config::Config;
use crate::state::layout;
use crate::state::problem::{Problem, Severity};

/// Refuses a policy that cannot be carried out.
///
/// # Errors
/// When there is one.
pub fn refuse(config: &Config) -> Result<(), StepError> {
    let problems = policy(config);
    if problems.is_empty() { Ok(()) } else { Err(StepError::Invalid(problems)) }
}

/// The same as warnings, for who only asks.
#[must_use]
pub fn warnings(config: &Config) -> Vec<Problem> {
    let mut problems = policy(config);
    for problem in &mut problems {
        problem.severity = Severity::Warning;
    }
    problems
}

fn policy(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut refuse = |key: &str, word: &str, remedy: &str| {
        let fact = format!("`{key} = \"{word}\"` is not in this version of orch yet");
        problems.push(problem_at(config, key, fact).with_remedy(remedy));
    };
    if let Some(root) = &config.workspace.root {
        refuse("workspace.root", root, "leave it out, and set `XDG_STATE_HOME` to move the workspaces");
    }
    problems
}

/// A problem where a key was set.
fn problem_at(config: &Config, key: &str, fact: String) -> Problem {
    let source = config.provenance.get(key).and_then(|source| source.rsplit_once(':'));
    let (path, line) = source.unwrap_or((layout::CONFIG, ""));
    Problem::error(path, line.parse().ok(), fact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read::{Layers, read};

    fn config(text: &str) -> Config {
        let text = format!("schema = 1\n{text}");
        read(&Layers { repository: Some(text.as_bytes()), user: None }).value.unwrap()
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_its_line() {
        let config = config("[workspace]\nroot = \"/elsewhere\"\n");
        let Err(StepError::Invalid(problems)) = refuse(&config) else { panic!("it is not refused") };
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                ".orchestrator/config.toml:3: `workspace.root = \"/elsewhere\"` is not in this version of orch yet",
            ]
        );
        assert!(warnings(&config).iter().all(|problem| !problem.is_error()));
    }
}
