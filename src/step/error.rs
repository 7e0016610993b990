//! Why a step could not be taken. A rejected task is not an error: it is an outcome.

use crate::config::shell;
use crate::config::trust::{Difference, TrustedCommand};
use crate::effects::EffectError;
use crate::prompt::TooLarge;
use crate::state::problem::Problem;
use thiserror::Error;

/// Why a step, or a change of the state, could not be made.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum StepError {
    /// The machine or the repository failed.
    #[error(transparent)]
    Effect(#[from] EffectError),
    /// There is no `.orchestrator/` at the branch's tip.
    #[error("branch `{0}` has no `.orchestrator/`")]
    NoProject(String),
    /// Files cannot be used.
    #[error("{} of the state cannot be used", count(.0))]
    Invalid(Vec<Problem>),
    /// No task has this id.
    #[error("there is no task `{0}`")]
    UnknownTask(String),
    /// No accepted step has this id, nor is it of a task with it; there is none at all where none was named.
    #[error("there is no accepted step{} on this branch", .0.as_ref().map_or_else(String::new, |id| format!(" `{id}`")))]
    UnknownStep(Option<String>),
    /// No run has this id.
    #[error("there is no record of run `{0}`")]
    UnknownRun(String),
    /// No profile has this name.
    #[error("no agent profile is called `{0}`")]
    UnknownAgent(String),
    /// A named task may not run now.
    #[error("task `{id}` cannot run: {why}")]
    NotRunnable {
        /// The task.
        id: String,
        /// Why not.
        why: String,
    },
    /// No agent reviews the work of a task that waits for that.
    #[error("the work of `{id}` waits for a person: {why}")]
    Unreviewed {
        /// The task.
        id: String,
        /// Why not.
        why: String,
        /// What a person can do.
        way: Way,
    },
    /// The work of a task that waits for a review is not there to be looked at.
    #[error("the work of `{id}` is not there: {why}")]
    NoWork {
        /// The task.
        id: String,
        /// Why not.
        why: String,
        /// What a person can do.
        way: Way,
    },
    /// No task fits into a prompt.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The repository's commands are not trusted.
    #[error("the commands that this repository's files name are not trusted")]
    Untrusted {
        /// All of them.
        commands: Vec<TrustedCommand>,
        /// What differs from what was trusted here last; nothing where nothing ever was.
        since: Difference,
    },
    /// No profile can take the task.
    #[error("{0}")]
    NoAgent(String),
    /// What prepares workspaces failed.
    #[error("the workspace cannot be set up: `{setup}` failed: {why}")]
    Setup {
        /// The command.
        setup: String,
        /// How it ended.
        why: String,
    },
    /// A profile asks for walls that the machine cannot build.
    #[error(transparent)]
    NoSandbox(#[from] crate::agent::sandbox::SandboxError),
    /// Whoever could take it has to rest first, or is at work.
    #[error("{fact}")]
    Paused {
        /// What is the matter.
        fact: String,
        /// When to come back, if it is known.
        until: Option<jiff::Timestamp>,
    },
    /// The agent cannot work before a person has acted.
    #[error("{fact}")]
    Unusable {
        /// The profile, where it is one that was asked.
        agent: Option<String>,
        /// What is the matter.
        fact: String,
        /// What a person can do.
        todo: String,
    },
    /// Another step is at work.
    #[error("{0}")]
    Busy(String),
    /// Others plan it, or work on it, just now.
    #[error("others are at work on `{0}`")]
    Taken(String),
    /// The repository is not in a state to work on.
    #[error("{fact}")]
    Git {
        /// What is the matter.
        fact: String,
        /// What a person can do.
        hint: Option<String>,
    },
    /// Nobody answered a push: it may have landed, or still land.
    #[error("{fact}")]
    Unanswered {
        /// What is the matter.
        fact: String,
    },
    /// The work does not fit on what the branch has become.
    #[error("{fact}")]
    Moved {
        /// What is the matter.
        fact: String,
        /// Where the work is kept.
        kept: Option<String>,
    },
}

/// What a person can do about work that waits for a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Look at it, and decide.
    Decide,
    /// Turn it down, so that it is done again.
    Redo,
    /// Bring it by this command; where it cannot be had, the same.
    Fetch(String),
}

impl Way {
    /// What is typed first about a task.
    #[must_use]
    pub fn command(&self, id: &str) -> String {
        match self {
            Self::Decide => format!("orch approve {id}"),
            Self::Redo => format!("orch reject {id} --reason \"do it again\""),
            Self::Fetch(command) => command.clone(),
        }
    }
}

impl StepError {
    /// Whether it keeps nobody from working but a planner: who plans, or what it would read, is the matter.
    #[must_use]
    pub fn is_of_planner(&self) -> bool {
        matches!(
            self,
            Self::UnknownAgent(_)
                | Self::NoAgent(_)
                | Self::NotRunnable { .. }
                | Self::Paused { .. }
                | Self::Unusable { .. }
        )
    }

    /// A repository that is not in a state to work on.
    pub fn git(fact: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Git { fact: fact.into(), hint: Some(hint.into()) }
    }
}

fn count(problems: &[Problem]) -> String {
    match problems.iter().filter(|problem| problem.is_error()).count() {
        1 => "1 file".to_owned(),
        many => format!("{many} files"),
    }
}

/// What to type to end what git has in progress.
#[must_use]
pub fn how_to_end(what: &str) -> String {
    match what {
        "bisect" => "finish it with `git bisect reset`".to_owned(),
        "merge" => "finish it with `git commit` once `git status` names nothing unmerged".to_owned(),
        other => {
            format!("finish it with `git {other} --continue`, or type `git status` to see how it stands")
        }
    }
}

/// What to type where something is another user's, which the fact names first.
#[must_use]
pub fn take_over(fact: &str) -> String {
    // A name may have a quote of its own.
    let named = fact.strip_prefix('`').and_then(|fact| fact.rsplit_once("` belongs to user "));
    named.map_or_else(
        || "see whose it is with `ls -ln`".to_owned(),
        |(path, _)| format!("type `sudo chown -R \"$(id -u)\" {}`", shell::word(path)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_another_users_is_taken_over_by_a_command_for_just_that() {
        let fact = "`/w/it's made` belongs to user 0, so that orch cannot read or remove what is there";
        assert_eq!(take_over(fact), r#"type `sudo chown -R "$(id -u)" '/w/it'\''s made'`"#);
        assert_eq!(take_over("`/w/a`b` belongs to user 0"), r#"type `sudo chown -R "$(id -u)" '/w/a`b'`"#);
    }
}
