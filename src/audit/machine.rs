//! The environment: what orch needs of the machine and the repository, judged from facts.

use crate::effects::{EffectError, Head, Identity, Trouble};
use crate::step::error::how_to_end;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// As it should be.
    Ok,
    /// It works, but a person should know.
    Warning,
    /// Orch cannot work like this.
    Failed,
}

impl Health {
    /// The word in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How it came out.
    pub health: Health,
    /// The fact.
    pub detail: String,
    /// What to type or edit.
    pub hint: Option<String>,
}

impl Check {
    /// A check that came out well.
    pub fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, health: Health::Ok, detail: detail.into(), hint: None }
    }

    /// A check that a person should know about.
    pub fn warning(name: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { health: Health::Warning, hint: Some(hint.into()), ..Self::ok(name, detail) }
    }

    /// A check that failed.
    pub fn failed(name: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { health: Health::Failed, ..Self::warning(name, detail, hint) }
    }

    /// What a work tree has that is not committed and does not count, in words that end with what to do.
    #[must_use]
    pub fn edited(told: &str) -> Self {
        let (what, todo) = told.split_once(": ").unwrap_or((told, "type `git status`"));
        Self::warning("edited", what, todo)
    }
}

/// The oldest git that orch works with.
const GIT_OLDEST: (u32, u32) = (2, 34);
/// The least room on a disk without a warning, in bytes.
const ROOM: u64 = 512 << 20;

/// Judges what `git --version` printed.
#[must_use]
pub fn git_version(printed: Option<&str>) -> Check {
    let name = "git";
    let wanted = format!("install git {}.{} or newer", GIT_OLDEST.0, GIT_OLDEST.1);
    let Some(printed) = printed else { return Check::failed(name, "git is not on `PATH`", wanted) };
    let version = printed.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let mut numbers = version.unwrap_or_default().split('.').map(|part| part.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) if (major, minor) >= GIT_OLDEST => {
            Check::ok(name, version.unwrap_or_default())
        }
        (Some(_), Some(_)) => {
            Check::failed(name, format!("git {} is too old", version.unwrap_or_default()), wanted)
        }
        _ => Check::warning(name, format!("git says `{}`", printed.trim()), wanted),
    }
}

/// What a repository is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Without a work tree.
    pub bare: bool,
    /// History is cut off.
    pub shallow: bool,
    /// A work tree beside the main one.
    pub linked: bool,
    /// Where `HEAD` points.
    pub head: Head,
    /// What is under way, if anything.
    pub in_progress: Option<&'static str>,
    /// Whether the index can be read; why not.
    pub index: Result<(), String>,
}

/// Judges a repository.
#[must_use]
pub fn repository(facts: &Repository) -> Vec<Check> {
    let kind = match (facts.bare, facts.linked) {
        (true, _) => "bare",
        (false, true) => "a linked work tree",
        (false, false) => "an ordinary work tree",
    };
    let mut checks = vec![Check::ok("repository", kind)];
    checks.push(match &facts.head {
        Head::Branch(branch, Some(_)) => Check::ok("branch", branch.clone()),
        Head::Branch(branch, None) => {
            Check::warning("branch", format!("`{branch}` has no commit yet"), "type `orch init`")
        }
        Head::Detached(tip) => {
            let detail = format!("HEAD is detached at {}", tip.short());
            match facts.in_progress {
                Some(what) => Check::warning("branch", format!("{detail} by a {what}"), how_to_end(what)),
                None => Check::warning("branch", detail, "name a branch with `--branch NAME`"),
            }
        }
    });
    if facts.shallow {
        checks.push(Check::warning(
            "history",
            "the clone is shallow, so `orch fsck` and `orch log` see only a part",
            "type `git fetch --unshallow`",
        ));
    }
    if let Some(what) = facts.in_progress {
        let detail = format!("a {what} is in progress, so nothing can land here");
        checks.push(Check::warning("operation", detail, how_to_end(what)));
    }
    if let Err(why) = &facts.index {
        let hint = "type `git sparse-checkout reapply --no-sparse-index` if the index is sparse";
        checks.push(Check::failed("index", why.clone(), hint));
    }
    checks
}

/// Judges whether git knows who commits.
#[must_use]
pub fn identity(known: Option<&Identity>) -> Check {
    match known {
        Some(identity) => Check::ok("identity", format!("{} <{}>", identity.name, identity.email)),
        None => Check::failed(
            "identity",
            "git does not know who you are",
            "type `git config user.name \"Your Name\"` and `git config user.email you@example.com`",
        ),
    }
}

/// Judges the room on a disk, or why it cannot be written.
#[must_use]
pub fn room(name: &'static str, path: &str, free_bytes: Result<u64, EffectError>) -> Check {
    let free = match free_bytes {
        Ok(free) => free,
        Err(error) if error.trouble == Trouble::ReadOnly => {
            let hint = format!("the file system is mounted read-only: type `findmnt -T {path}` to see how");
            return Check::failed(name, error.fact, hint);
        }
        Err(error) => return Check::failed(name, error.fact, format!("see `ls -ld {path}`")),
    };
    let mib = free >> 20;
    if free < ROOM {
        return Check::warning(name, format!("{mib} MiB free at `{path}`"), "make room on the disk");
    }
    Check::ok(name, format!("{mib} MiB free at `{path}`"))
}

/// How all checks together came out: the worst of them.
#[must_use]
pub fn worst(checks: &[Check]) -> Health {
    let is = |health| checks.iter().any(|check| check.health == health);
    if is(Health::Failed) {
        Health::Failed
    } else if is(Health::Warning) {
        Health::Warning
    } else {
        Health::Ok
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::Oid;

    fn facts() -> Repository {
        Repository {
            bare: false,
            shallow: false,
            linked: false,
            head: Head::Branch("main".to_owned(), Some(Oid::from_bytes(&[1; 20]))),
            in_progress: None,
            index: Ok(()),
        }
    }

    #[test]
    fn an_old_git_is_refused_and_odd_versions_are_read() {
        for (printed, health) in [
            ("git version 2.34.0", Health::Ok),
            ("git version 2.39.5 (Apple Git-154)", Health::Ok),
            ("git version 3.0.0-rc1", Health::Ok),
            ("git version 2.53.0.windows.1", Health::Ok),
            ("git version 2.33.9", Health::Failed),
            ("git version 1.99", Health::Failed),
            ("something else", Health::Warning),
        ] {
            assert_eq!(git_version(Some(printed)).health, health, "{printed}");
        }
        assert_eq!(git_version(None).health, Health::Failed);
    }

    #[test]
    fn an_ordinary_repository_is_well() {
        assert_eq!(worst(&repository(&facts())), Health::Ok);
    }

    #[test]
    fn what_keeps_orch_from_landing_is_told_with_what_to_do() {
        let odd = Repository {
            shallow: true,
            in_progress: Some("rebase"),
            head: Head::Detached(Oid::from_bytes(&[1; 20])),
            index: Err("the index is sparse".to_owned()),
            ..facts()
        };
        let checks = repository(&odd);
        let names: Vec<&str> =
            checks.iter().filter(|check| check.hint.is_some()).map(|check| check.name).collect();
        assert_eq!(names, ["branch", "history", "operation", "index"]);
        assert_eq!(worst(&checks), Health::Failed);
    }

    #[test]
    fn a_full_disk_is_a_warning_and_one_that_cannot_be_written_a_failure() {
        assert_eq!(room("workspaces", "/w", Ok(1 << 30)).health, Health::Ok);
        assert_eq!(room("workspaces", "/w", Ok(1 << 20)).health, Health::Warning);
        let denied =
            |trouble| room("workspaces", "/w", Err(EffectError::new(trouble, "cannot write to `/w`")));
        assert_eq!(denied(Trouble::Denied).hint.unwrap(), "see `ls -ld /w`");
        let read_only = denied(Trouble::ReadOnly);
        assert_eq!(read_only.health, Health::Failed);
        assert!(read_only.hint.unwrap().contains("`findmnt -T /w`"));
    }
}
