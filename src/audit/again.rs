//! Judging accepted work again: the built-in gates and those of its base, on exactly the tree that they judged.
//!
//! In: a commit of a step. Out: verdicts, as if the step had just been made, but for those on what its agent did
//! beside the tree. What was remembered does not count.

use super::history::Accepted;
use crate::config::Config;
use crate::config::read::{Layers, read};
use crate::config::trust::{self, TrustedCommand};
use crate::effects::{Edit, Oid, World};
use crate::gate::Verdict;
use crate::gate::protect::Protected;
use crate::state::file;
use crate::state::layout;
use crate::step::candidate::Bench;
use crate::step::site::Left;
use crate::step::{Caller, Reporter, StepError};

/// What judging again came to.
#[derive(Debug)]
pub enum Again {
    /// What the gates say.
    Judged(Vec<Verdict>),
    /// It cannot be judged in this clone; why.
    Impossible(String),
}

/// Runs the gates of a step's base on what the step committed.
///
/// # Errors
/// When the machine fails, or a command that the base names is not trusted.
pub fn again(
    world: World<'_>,
    caller: &Caller,
    branch: &str,
    step: &Accepted,
    reporter: &dyn Reporter,
) -> Result<Again, StepError> {
    let commit = world.git.commit(step.commit)?;
    let Some(Ok(base)) = commit.parents.first().map(|parent| world.git.commit(*parent)) else {
        return Ok(Again::Impossible("its base is not in this clone".to_owned()));
    };
    let text = match world.git.entry(base.tree, layout::CONFIG)? {
        Some((_, blob)) => world.git.blob(blob)?,
        None => return Ok(Again::Impossible("its base has no configuration".to_owned())),
    };
    let Some(config) = read(&Layers { repository: Some(&text), user: None }).value else {
        return Ok(Again::Impossible("the configuration of its base cannot be read any more".to_owned()));
    };
    check_trust(caller, &config)?;
    let task = match world.git.entry(base.tree, &step.task_path)? {
        Some((_, blob)) => file::task::read(&step.task_path, &world.git.blob(blob)?).value,
        None => None,
    };
    let Some(task) = task else {
        return Ok(Again::Impossible("its task is not in its base".to_owned()));
    };
    let bench = Bench {
        world,
        branch,
        base: &base,
        config: &config,
        task: &task,
        protected: &Protected::new(&config.policy.protect),
        recall: false,
        reporter,
    };
    let left = Left::of(world, base.tree, judged(world, base.tree, commit.tree)?)?;
    Ok(Again::Judged(bench.judge(&left, None)?))
}

/// What gates saw of a tree: the state was still that of the base.
fn judged(world: World<'_>, base: Oid, tree: Oid) -> Result<Oid, StepError> {
    let mut changes = world.git.changes(base, tree)?;
    changes.retain(|change| Protected::is_state(&change.path));
    let back: Vec<Edit> =
        changes.into_iter().map(|change| Edit { path: change.path, new: change.old }).collect();
    Ok(world.git.edit_tree(tree, &back)?)
}

/// Commands of the past run only where a person has trusted each of them at some time.
fn check_trust(caller: &Caller, config: &Config) -> Result<(), StepError> {
    let runs = |command: &TrustedCommand| !command.what.starts_with("agent");
    let commands: Vec<TrustedCommand> = trust::commands(config, &[]).into_iter().filter(runs).collect();
    if caller.trust_all || caller.trust.knows(&caller.repository, &commands) {
        return Ok(());
    }
    let since = trust::Difference::default();
    Err(StepError::Untrusted { commands, since })
}
