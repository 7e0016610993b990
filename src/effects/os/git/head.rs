//! The `HEAD` of a work tree that somebody worked in, and what git has under way there.

use super::bring::remove_any;
use super::refs::read_small;
use super::{Astray, EffectError, Oid, OsGit, Result, Trouble};
use std::path::Path;

/// What says that something was begun, and what that is.
const BEGUN: [(&str, &str); 7] = [
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("sequencer", "cherry-pick"),
    ("BISECT_LOG", "bisect"),
];
/// What git notes beside that.
const NOTES: [&str; 15] = [
    "AUTO_MERGE",
    "BISECT_ANCESTORS_OK",
    "BISECT_EXPECTED_REV",
    "BISECT_FIRST_PARENT",
    "BISECT_HEAD",
    "BISECT_NAMES",
    "BISECT_RUN",
    "BISECT_START",
    "BISECT_TERMS",
    "MERGE_AUTOSTASH",
    "MERGE_MODE",
    "MERGE_MSG",
    "MERGE_RR",
    "REBASE_HEAD",
    "SQUASH_MSG",
];
/// Where git names the commit of changes that it put aside for as long as something is under way.
const PUT_ASIDE: [&str; 3] = ["rebase-merge/autostash", "rebase-apply/autostash", "MERGE_AUTOSTASH"];

/// What there is that is not this branch, or not at rest.
pub(super) fn astray(git_dir: &Path, branch: &str) -> Result<Astray> {
    let head = read_small(&git_dir.join("HEAD"))?.unwrap_or_default();
    let head = head.trim_end();
    let on = head.strip_prefix("ref: refs/heads/");
    let unfinished = BEGUN.iter().find(|(name, _)| git_dir.join(name).exists()).map(|(_, what)| *what);
    let mut commits: Vec<Oid> = Oid::from_hex(head).into_iter().collect();
    if unfinished.is_some() {
        for name in PUT_ASIDE {
            let text = read_small(&git_dir.join(name))?;
            commits.extend(text.and_then(|text| Oid::from_hex(text.trim_end())));
        }
    }
    let other = (on != Some(branch)).then(|| match on {
        Some(on) => format!("branch `{on}`"),
        None => {
            Oid::from_hex(head).map_or_else(|| format!("`{head}`"), |oid| format!("commit {}", oid.short()))
        }
    });
    let is_branch = other.is_some() && on.is_some();
    Ok(Astray { checked_out: other, is_branch, unfinished, commits })
}

/// Forgets what was begun and not ended.
fn forget_begun(git_dir: &Path) -> Result<()> {
    if !BEGUN.iter().any(|(name, _)| git_dir.join(name).exists()) {
        return Ok(());
    }
    // What says that something was begun goes last: whoever is cut off in between begins again.
    let begun = BEGUN.iter().map(|(name, _)| *name);
    NOTES.into_iter().chain(begun).try_for_each(|name| remove_any(&git_dir.join(name)))
}

/// Whether a rebase is under way that moves this branch when it ends: its own, or one with `--update-refs`.
pub(super) fn rebasing(git_dir: &Path, branch: &str) -> bool {
    let says = |name: &str, moves: fn(&str, &str) -> bool| {
        std::fs::read_to_string(git_dir.join(name)).is_ok_and(|text| moves(&text, branch))
    };
    let is_it = |text: &str, branch: &str| text.trim() == branch;
    // Each in three lines: the branch, where it was, where it is to be.
    let names_it = |text: &str, branch: &str| text.lines().step_by(3).any(|line| line == branch);
    says("rebase-merge/head-name", is_it)
        || says("rebase-apply/head-name", is_it)
        || says("rebase-merge/update-refs", names_it)
}

/// What git calls what is under way.
pub(super) fn in_progress(state: &gix::state::InProgress) -> &'static str {
    use gix::state::InProgress as State;
    match state {
        State::ApplyMailbox => "am",
        State::ApplyMailboxRebase | State::Rebase | State::RebaseInteractive => "rebase",
        State::Bisect => "bisect",
        State::CherryPick | State::CherryPickSequence => "cherry-pick",
        State::Merge => "merge",
        State::Revert | State::RevertSequence => "revert",
    }
}

impl OsGit {
    /// Makes `HEAD` of a work tree name a branch, with nothing under way.
    pub(super) fn attach_head(&self, git_dir: &Path, branch: &str) -> Result<()> {
        forget_begun(git_dir)?;
        let wanted = format!("refs/heads/{branch}");
        let (head, line) = (git_dir.join("HEAD"), format!("ref: {wanted}"));
        let is_there = || Ok(read_small(&head)?.is_some_and(|head| head.trim_end() == line));
        if is_there()? {
            return Ok(());
        }
        let reason = format!("orch: back to {branch}");
        let git_dir = format!("--git-dir={}", git_dir.display());
        let output = self.git(&[&git_dir, "symbolic-ref", "-m", &reason, "HEAD", &wanted])?;
        if is_there()? {
            return Ok(());
        }
        let fact = format!("git did not check out `{branch}` again: {}", output.stderr_line());
        Err(EffectError::new(Trouble::Repository, fact))
    }
}
