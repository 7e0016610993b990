//! Errors as people read them: the fact, then at most two hints with something to type.
//!
//! Invariant: no hint names a command that destroys work.

use super::exit::Exit;
use crate::agent::sandbox::{Level, SandboxError};
use crate::config::shell;
use crate::config::trust::{Difference, TrustedCommand};
use crate::effects::{EffectError, Trouble};
use crate::prompt::TooLarge;
use crate::state::problem::Problem;
use crate::state::task::TooLong;
use crate::step::error::{Way, take_over};
use crate::step::{StepError, wait};
use crate::upkeep::delivery::Refused;
use crate::upkeep::edit::EditError;
use crate::upkeep::note::NoteError;
use std::fmt::Write as _;
use std::path::Path;

/// How many problems of the state are shown where a command cannot go on because of them.
const PROBLEMS_SHOWN: usize = 20;
/// How many commands that are not trusted are named.
const UNTRUSTED_SHOWN: usize = 5;

/// A command that could not do what it was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct CliError {
    /// How the program ends.
    pub exit: Exit,
    /// The facts, one a line.
    pub facts: Vec<String>,
    /// What to type or edit.
    pub hints: Vec<String>,
    /// When to come back, if that is known.
    pub retry_after: Option<jiff::Timestamp>,
    /// Whether a remote is away that may be there later by itself.
    pub is_away: bool,
}

impl CliError {
    /// An error without a hint.
    pub fn new(exit: Exit, fact: impl Into<String>) -> Self {
        Self { exit, facts: vec![fact.into()], hints: Vec::new(), retry_after: None, is_away: false }
    }

    /// The same error with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The error of a step, told as an end by a signal where that came first: what fails then fails because of it, and
    /// nothing has to be mended. Where work is kept, and what git needs of a person, is told all the same.
    #[must_use]
    pub fn of_step(error: StepError, signal: Option<i32>) -> Self {
        let stays = matches!(error, StepError::Moved { kept: Some(_), .. } | StepError::Git { .. });
        let Some(signal) = signal else { return error.into() };
        let Self { facts, hints, retry_after, .. } = error.into();
        let hints = if stays { hints } else { Vec::new() };
        Self { exit: Exit::of_signal(signal), facts, hints, retry_after, is_away: false }
    }

    /// A wrong flag or argument.
    pub fn usage(fact: impl Into<String>) -> Self {
        Self::new(Exit::Usage, fact)
    }

    /// Files that cannot be used.
    #[must_use]
    pub fn problems(problems: &[Problem]) -> Self {
        let mut facts: Vec<String> = Vec::new();
        let mut hints: Vec<String> = Vec::new();
        for problem in problems.iter().filter(|problem| problem.is_error()) {
            facts.push(problem.to_string());
            if let Some(remedy) = problem.remedy.as_ref().filter(|remedy| !hints.contains(remedy)) {
                hints.push(remedy.clone());
            }
        }
        hints.truncate(2);
        let more = facts.len().saturating_sub(PROBLEMS_SHOWN);
        if more > 1 {
            facts.truncate(PROBLEMS_SHOWN);
            facts.push(format!("{more} more problems: type `orch fsck`"));
        }
        Self { exit: Exit::Invalid, facts, hints, retry_after: None, is_away: false }
    }

    /// The same error where a person's text of a task is kept, and how to take it up again.
    #[must_use]
    pub fn kept(self, id: &str, copy: &Path) -> Self {
        let again = format!(
            "your text is kept: type `orch edit {id} --from {}`",
            shell::word(&copy.to_string_lossy())
        );
        Self { hints: std::iter::once(again).chain(self.hints).collect(), ..self }
    }

    /// The same error with what to type about work that waits for a review.
    fn way(self, way: &Way, id: &str) -> Self {
        let redo = format!("type `{}`: the next step does it again", Way::Redo.command(id));
        match way {
            Way::Decide => self.hint(format!(
                "type `orch show {id}`, then `orch approve {id}`, or `orch reject {id} --reason` and why"
            )),
            Way::Redo => self.hint(redo),
            Way::Fetch(command) => self.hint(format!("type `{command}` if it was pushed")).hint(redo),
        }
    }

    /// As it is printed.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        for fact in &self.facts {
            let _ = writeln!(text, "error: {fact}");
        }
        for hint in self.hints.iter().take(2) {
            let _ = writeln!(text, "hint: {hint}");
        }
        text
    }
}

impl From<Refused> for CliError {
    fn from(refused: Refused) -> Self {
        let exit = match refused {
            Refused::Unproved | Refused::NoSecret => Exit::Usage,
            Refused::TooLarge | Refused::Forged(_) => Exit::Invalid,
        };
        let error = Self::new(exit, refused.to_string());
        match refused {
            Refused::Unproved => error
                .hint("add `--signature \"$X_HUB_SIGNATURE_256\"` (or `--token` for GitLab)")
                .hint("add `--unsigned` where the CI runner itself vouches for it"),
            Refused::NoSecret => error.hint("set `ORCH_WEBHOOK_SECRET`, or name a file with `--secret-file`"),
            Refused::Forged(_) => {
                error.hint("the secret here has to be the one in the forge's webhook settings")
            }
            Refused::TooLarge => error,
        }
    }
}

impl From<EffectError> for CliError {
    fn from(error: EffectError) -> Self {
        let made = |exit| Self::new(exit, error.fact.clone());
        match error.trouble {
            Trouble::Full => made(Exit::Error).hint("make room on the disk, then type the command again"),
            Trouble::Denied if error.fact.ends_with(ANOTHERS) => {
                let dir = error.fact.strip_suffix(ANOTHERS).unwrap_or_default().trim_start_matches('`');
                let command = format!("git config --global --add safe.directory {}", shell::word(dir));
                made(Exit::Git).hint(format!("type `{command}` if you trust its owner"))
            }
            Trouble::Denied => made(Exit::Error).hint("see who may write there with `ls -ld`"),
            Trouble::Foreign => made(Exit::Git).hint(take_over(&error.fact)),
            Trouble::ReadOnly => made(Exit::Error)
                .hint("the file system is mounted read-only: type `findmnt -T .` to see how")
                .hint("`orch list`, `orch show`, `orch next` and `orch status` work all the same"),
            Trouble::Missing if error.fact.contains("not in a git repository") => {
                made(Exit::NoProject).hint("type `git init`, then `orch init`")
            }
            Trouble::Missing if error.fact.contains("temporary files in") => {
                made(Exit::Error).hint("set `TMPDIR` to a folder that is there, or type `unset TMPDIR`")
            }
            Trouble::Missing => made(Exit::Error),
            Trouble::Promised => {
                made(Exit::Git).hint("type the command again when the remote can be reached").hint(WHOLE)
            }
            Trouble::Unsupported if error.fact.contains("is sparse") => made(Exit::Git)
                .hint("type `git sparse-checkout reapply --no-sparse-index`: the files stay as they are"),
            Trouble::Unsupported if error.fact.contains("`reftable`") => {
                made(Exit::Git).hint("type `git refs migrate --ref-format=files` (git 2.46 or newer)")
            }
            Trouble::Unsupported => made(Exit::Git),
            Trouble::Locked => made(Exit::Busy).hint("wait for the other command to end"),
            Trouble::Identity => made(Exit::Git)
                .hint("type `git config user.name \"Your Name\"`")
                .hint("type `git config user.email you@example.com`"),
            Trouble::Signing => made(Exit::Git)
                .hint("type `git config --get-regexp '^(commit|gpg|user)[.]'` to see how git signs here"),
            Trouble::Unreachable => Self { is_away: wait::comes_back(&error.fact), ..made(Exit::Git) }
                .hint("type `git fetch` to see whether git reaches it, then type the command again"),
            Trouble::Repository => made(Exit::Git),
            Trouble::Other => made(Exit::Error),
        }
    }
}

/// How the fact ends where the whole repository is another user's.
const ANOTHERS: &str = "` belongs to another user";

/// How to get all that a partial clone lacks.
pub(super) const WHOLE: &str = "type `git fetch --refetch --no-filter` for a clone that lacks nothing";

/// How it ends where work is not there that a person wants.
fn no_work(way: &Way) -> Exit {
    match way {
        Way::Fetch(_) => Exit::Git,
        Way::Decide | Way::Redo => Exit::Usage,
    }
}

/// Commands that are not trusted: what changed, or all of them where none were.
fn untrusted(fact: String, commands: &[TrustedCommand], since: &Difference) -> CliError {
    let mut error = CliError::new(Exit::NoAgent, fact);
    let all = || commands.iter().map(|each| format!("{}: {}", each.what, each.command)).collect();
    let lines: Vec<String> = if since.is_empty() { all() } else { since.lines() };
    if !since.is_empty() {
        error.facts[0].push_str(" any more, because they changed");
    }
    let more = lines.len().saturating_sub(UNTRUSTED_SHOWN);
    error.facts.extend(lines.into_iter().take(UNTRUSTED_SHOWN));
    error.facts.extend((more > 0).then(|| format!("and {more} more")));
    error.hint("type `orch trust` to see and trust them").hint("in CI, set `ORCH_TRUST=1` or give `--trust`")
}

impl From<StepError> for CliError {
    fn from(error: StepError) -> Self {
        let fact = error.to_string();
        match error {
            StepError::Effect(error) => error.into(),
            StepError::NoProject(_) => Self::new(Exit::NoProject, fact).hint("type `orch init` to begin"),
            StepError::Invalid(problems) => Self::problems(&problems),
            StepError::UnknownTask(_) => {
                Self::new(Exit::Usage, fact).hint("type `orch list` to see the tasks")
            }
            StepError::UnknownStep(_) | StepError::UnknownRun(_) => {
                Self::new(Exit::Usage, fact).hint("type `orch log` to see the steps")
            }
            StepError::UnknownAgent(_) => Self::new(Exit::Invalid, fact)
                .hint("type `orch agents` to see the agents of this repository"),
            StepError::Unreviewed { id, way, .. } => Self::new(Exit::Waiting, fact).way(&way, &id),
            StepError::NoWork { id, way, .. } => Self::new(no_work(&way), fact).way(&way, &id),
            StepError::NotRunnable { id, .. } => {
                Self::new(Exit::Waiting, fact).hint(format!("type `orch show {id}` to see how it stands"))
            }
            StepError::TooLarge(too_large) => too_large.into(),
            StepError::Untrusted { commands, since } => untrusted(fact, &commands, &since),
            StepError::NoAgent(_) => Self::new(Exit::NoAgent, fact)
                .hint("add an `[[agent]]` to `.orchestrator/config.toml` (`orch help config` shows one), or give the task a `run` command"),
            StepError::Setup { .. } => Self::new(Exit::NoAgent, fact)
                .hint("mend `setup` in `[workspace]` of `.orchestrator/config.toml`; it runs in a new checkout of the branch"),
            StepError::NoSandbox(error) => no_sandbox(&error),
            StepError::Paused { until, .. } => paused(fact, until),
            StepError::Unusable { todo, .. } => Self::new(Exit::NoAgent, fact).hint(todo),
            StepError::Busy(_) | StepError::Taken(_) => {
                Self::new(Exit::Busy, fact).hint("wait for it to end, then type the command again")
            }
            StepError::Git { hint, .. } => {
                let error = Self::new(Exit::Git, fact);
                match hint {
                    Some(hint) => error.hint(hint),
                    None => error,
                }
            }
            StepError::Unanswered { .. } => {
                Self { is_away: wait::comes_back(&fact), ..Self::new(Exit::Git, fact) }
                    .hint("type the command again when it can be reached: it looks there first")
            }
            StepError::Moved { kept, .. } => {
                let error = Self::new(Exit::Busy, fact);
                match kept {
                    Some(kept) => error.hint(format!("the work is kept: type `git show {kept}`")),
                    None => error.hint("type the command again"),
                }
            }
        }
    }
}

impl From<TooLarge> for CliError {
    fn from(too_large: TooLarge) -> Self {
        Self::new(Exit::Invalid, too_large.to_string()).hint(too_large.remedy())
    }
}

impl From<TooLong> for CliError {
    fn from(too_long: TooLong) -> Self {
        Self::usage(too_long.to_string())
    }
}

impl From<NoteError> for CliError {
    fn from(error: NoteError) -> Self {
        let fact = error.to_string();
        match error {
            NoteError::NoText | NoteError::TooLong(_) => Self::usage(fact),
            NoteError::Lasting => {
                Self::usage(fact).hint("type `orch note retire ID` when it no longer holds")
            }
            NoteError::Unknown { meant: Some(meant), .. } => {
                Self::usage(fact).hint(format!("did you mean `{meant}`?"))
            }
            NoteError::Unknown { meant: None, .. } => {
                Self::usage(fact).hint("type `orch notes --all` to see the notes")
            }
            NoteError::Illegal { .. } => Self::new(Exit::Usage, fact),
            NoteError::Step(error) => error.into(),
        }
    }
}

impl From<EditError> for CliError {
    fn from(error: EditError) -> Self {
        let fact = error.to_string();
        match error {
            EditError::Unusable(problems) => Self::problems(&problems),
            EditError::Fault(_) => {
                Self::new(Exit::Invalid, fact).hint("remove one of these `depends_on` or `parent` entries")
            }
            EditError::Unchanged(_) | EditError::Editor(_) => Self::new(Exit::Error, fact),
            EditError::Moved(_) => Self::new(Exit::Busy, fact),
            EditError::Kept { why, id, copy } => Self::from(*why).kept(&id, &copy),
            EditError::Effect(error) => error.into(),
        }
    }
}

fn paused(fact: String, until: Option<jiff::Timestamp>) -> CliError {
    let hint = if fact.contains("`budget.") {
        "type `orch status` to see what was spent, or raise it in `.orchestrator/config.toml`"
    } else {
        "type `orch route` to see who may take what, and when"
    };
    CliError { retry_after: until, ..CliError::new(Exit::Paused, fact) }.hint(hint)
}

fn no_sandbox(error: &SandboxError) -> CliError {
    let install = match error.level {
        Level::Bwrap if error.why.contains("not installed") => {
            "install bubblewrap: type `apt-get install bubblewrap`"
        }
        Level::Bwrap => {
            "let users have namespaces of their own: see `sysctl kernel.apparmor_restrict_unprivileged_userns`"
        }
        Level::Landlock | Level::None => "it needs Linux 5.13 or later, with `landlock` in its `lsm=` list",
    };
    let lower = "or write `sandbox = \"auto\"`: the best level that works here";
    CliError::new(Exit::NoAgent, error.to_string()).hint(install).hint(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_work_is_kept_is_told_after_a_signal_too() {
        let moved = |kept: Option<&str>| StepError::Moved {
            fact: "the branch moved".to_owned(),
            kept: kept.map(ToOwned::to_owned),
        };
        let error = CliError::of_step(moved(Some("refs/orch/attempts/1")), Some(2));
        assert_eq!(error.exit, Exit::of_signal(2));
        assert_eq!(error.hints, ["the work is kept: type `git show refs/orch/attempts/1`"]);
        assert!(CliError::of_step(moved(None), Some(2)).hints.is_empty());
        assert!(CliError::of_step(StepError::Busy("another step".to_owned()), Some(2)).hints.is_empty());
    }
}
