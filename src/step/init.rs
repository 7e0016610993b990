//! Beginning: the first commit of `.orchestrator/`, where there is none to load a base from.

use super::base::{Base, Caller, branch_ref, target_branch};
use super::error::StepError;
use super::event::Reporter;
use super::land::{FileEdit, Judged, Plan, land_first, tree_with};
use super::person::land_files;
use crate::config::read::{Layers, read};
use crate::effects::{Oid, World};
use crate::select::mode::InForce;
use crate::state::store::{Source, load};

/// Commits the files that a project begins with: on top of the target branch, or as its first commit.
///
/// # Errors
/// When there is no branch to begin on, or they cannot land.
pub fn begin(
    world: World<'_>,
    caller: &Caller,
    files: &[FileEdit],
    subject: &str,
    reporter: &dyn Reporter,
) -> Result<(), StepError> {
    let branch = target_branch(world, caller)?;
    let Some(tip) = world.git.tip(&branch_ref(&branch))? else {
        let tree = tree_with(world, world.git.empty_tree(), files)?;
        return first_commit(world, &branch, tree, subject, reporter);
    };
    let base = empty_base(world, branch, tip)?;
    land_files(world, &base, files, subject, reporter).map(|_| ())
}

/// A base without a configuration of its own, to land the first files on.
///
/// # Errors
/// When the commit cannot be read.
pub fn empty_base(world: World<'_>, branch: String, tip: Oid) -> Result<Base, StepError> {
    let commit = world.git.commit(tip)?;
    let read = read(&Layers { repository: None, user: None });
    let Some(config) = read.value else { return Err(StepError::Invalid(read.problems)) };
    let snapshot = load(world, Source::Tree(commit.tree))?;
    Ok(Base::of(&Caller::default(), (branch, commit), (config, snapshot), InForce::default()))
}

/// The first commit of an unborn branch. What the user staged for a commit of their own stays
/// staged beside it.
///
/// # Errors
/// When it cannot be written, or the branch was born meanwhile.
pub fn first_commit(
    world: World<'_>,
    branch: &str,
    tree: Oid,
    subject: &str,
    reporter: &dyn Reporter,
) -> Result<(), StepError> {
    let replay = |_| Ok(Judged::Fits);
    let plan = Plan {
        branch,
        base: world.git.empty_tree(),
        tree,
        message: format!("{subject}\n"),
        author: None,
        run: None,
        in_place: None,
        push: None,
        replay: &replay,
    };
    land_first(world, &plan, reporter).map(|_| ())
}
