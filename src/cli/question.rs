//! Where questions about the state are answered from: a revision, another branch, or the work tree.

use super::context::Context;
use super::error::CliError;
use super::exit::Exit;
use super::tip::has_project;
use crate::config::Config;
use crate::effects::{Head, Oid};
use crate::select::mode::{self, InForce};
use crate::state::layout;
use crate::state::store::{Snapshot, Source, load};
use crate::step::base::{mode_in_force, target};
use crate::step::in_place;

impl Context {
    /// Where questions about the state are answered from: a revision, the work tree, or (bare) the tip.
    ///
    /// # Errors
    /// When there is nothing there.
    pub fn source(&self, revision: Option<&str>) -> Result<Source, CliError> {
        let world = self.world();
        if let Some(revision) = revision {
            let commit = world.git.resolve(revision)?;
            let commit = commit.ok_or_else(|| CliError::usage(format!("there is no commit `{revision}`")))?;
            has_project(world, commit)?;
            return Ok(Source::Tree(world.git.commit(commit)?.tree));
        }
        if self.other_branch()?.is_some() {
            let (_, tip) = target(world, &self.caller)?;
            has_project(world, tip)?;
            return Ok(Source::Tree(world.git.commit(tip)?.tree));
        }
        if let Head::Branch(branch, Some(tip)) = world.git.head()?
            && in_place::at_work(world, &branch)?.is_some()
        {
            // The work tree is an agent's just now.
            return Ok(Source::Tree(world.git.commit(tip)?.tree));
        }
        match world.git.work_dir() {
            Some(root)
                if root.join(layout::CONFIG).is_file() || !world.git.skipped(layout::ROOT)?.is_empty() =>
            {
                Ok(Source::Work(root.to_owned()))
            }
            Some(_) => Err(CliError::new(Exit::NoProject, "there is no `.orchestrator/` here")
                .hint("type `orch init` to begin")),
            None => Ok(Source::Tree(self.base()?.commit.tree)),
        }
    }

    /// The branch that was named, where it is not the one that is checked out.
    ///
    /// # Errors
    /// When it cannot be seen what is checked out.
    pub fn other_branch(&self) -> Result<Option<&str>, CliError> {
        let world = self.world();
        let Some(named) = self.caller.branch.as_deref() else { return Ok(None) };
        let is_here = matches!(world.git.head()?, Head::Branch(branch, _) if branch == named);
        Ok(Some(named).filter(|_| !is_here))
    }

    /// Tasks and their graph, for questions.
    ///
    /// # Errors
    /// When they cannot be read at all; bad files are in the snapshot's problems.
    pub fn snapshot(&self, revision: Option<&str>) -> Result<Snapshot, CliError> {
        Ok(load(self.world(), self.source(revision)?)?)
    }

    /// Now, or when a revision was committed: what was is judged by the clock of its own time.
    ///
    /// # Errors
    /// When the commit cannot be read.
    pub fn time_of(&self, revision: Option<&str>) -> Result<jiff::Timestamp, CliError> {
        let world = self.world();
        let commit = match revision {
            Some(revision) => world.git.resolve(revision)?,
            None => None,
        };
        Ok(match commit {
            Some(commit) => world.git.commit(commit)?.time,
            None => world.clock.now(),
        })
    }

    /// The scheduling policy in force, by what is committed: at a revision, on a branch, or at `HEAD`.
    ///
    /// # Errors
    /// When the records of runs cannot be read.
    pub fn mode_of(&self, config: Option<&Config>, revision: Option<&str>) -> Result<InForce, CliError> {
        let world = self.world();
        let commit = match (revision, world.git.head()?) {
            (Some(revision), _) => world.git.resolve(revision)?,
            (None, _) if self.other_branch()?.is_some() => Some(target(world, &self.caller)?.1),
            (None, Head::Branch(_, tip)) => tip,
            (None, Head::Detached(tip)) => Some(tip),
        };
        let Some(config) = config else { return Ok(InForce::default()) };
        // Without a commit there is no run either.
        let Some(commit) = commit else {
            return Ok(mode::fixed(config.policy.mode).unwrap_or_else(|| mode::from_runs(&[])));
        };
        let commit = world.git.commit(commit)?;
        Ok(mode_in_force(world, config, &Source::Tree(commit.tree), None, commit.time)?)
    }
}

/// Where a look back begins.
///
/// # Errors
/// When there is no such commit.
pub(super) fn tip(context: &Context, at: Option<&str>) -> Result<Oid, CliError> {
    let world = context.world();
    match at {
        Some(revision) => world
            .git
            .resolve(revision)?
            .ok_or_else(|| CliError::usage(format!("there is no commit `{revision}`"))),
        None => match world.git.head()? {
            // To look back, any commit will do.
            Head::Detached(tip) if context.caller.branch.is_none() => Ok(tip),
            Head::Detached(_) | Head::Branch(..) => Ok(target(world, &context.caller)?.1),
        },
    }
}
