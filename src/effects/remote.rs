//! The repository that several clones share, reached through git.

use super::{Oid, Result};
use std::time::Duration;

/// Where a branch is pushed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// The remote's name.
    pub remote: String,
    /// The branch there, without `refs/heads/`.
    pub branch: String,
}

/// A ref of the remote that is to move from one value to another; none is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Its full name.
    pub reference: String,
    /// What it has to be.
    pub expected: Option<Oid>,
    /// What it is to become.
    pub new: Option<Oid>,
}

/// What a remote said to a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// Every ref has moved.
    Done,
    /// Some refs had other values than were expected; where the server can, nothing has moved.
    Moved,
    /// The server refuses these refs, in its own words.
    Refused {
        /// Their full names; none where it said so about the push as a whole.
        references: Vec<String>,
        /// Its words, on one line.
        words: String,
    },
}

/// The repository that several clones share.
pub trait Remote {
    /// Where a branch is pushed to: its upstream, else the only remote, else `origin`. None without one.
    ///
    /// # Errors
    /// When the configuration cannot be read.
    fn upstream(&self, branch: &str) -> Result<Option<Upstream>>;

    /// Where a branch of the remote was when git saw it, as git's own log has it: the newest first.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn was(&self, upstream: &Upstream) -> Result<Vec<Oid>>;

    /// Where a remote is, as its configuration has it.
    ///
    /// # Errors
    /// When the configuration cannot be read.
    fn url(&self, remote: &str) -> Result<Option<String>>;

    /// Fetches refs of the remote; each pair is what to fetch and where to put it. With `*` in both,
    /// what is gone there is removed here.
    ///
    /// # Errors
    /// [`Trouble::Missing`](super::Trouble::Missing) when one without `*` is not there, and
    /// [`Trouble::Unreachable`](super::Trouble::Unreachable) when the remote does not answer in time.
    fn fetch(&self, remote: &str, refs: &[(String, String)], patience: Duration) -> Result<()>;

    /// Moves refs of the remote, all or none where the server can. `hook` says whether the repository's
    /// own `pre-push` hook is asked.
    ///
    /// # Errors
    /// [`Trouble::Unreachable`](super::Trouble::Unreachable) when it is not known what became of it.
    fn push(&self, remote: &str, updates: &[Update], patience: Duration, hook: bool) -> Result<Pushed>;
}
