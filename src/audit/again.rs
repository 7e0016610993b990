//! Judging accepted work again: the gates of its base, on exactly the tree that its commit has.
//!
//! In: a commit of a step. Out: verdicts, as if the step had just been made. What was remembered
//! does not count.

use super::history::Accepted;
use crate::config::Config;
use crate::config::read::{Layers, read};
use crate::config::trust::{self, TrustedCommand};
use crate::effects::World;
use crate::gate::Verdict;
use crate::state::file;
use crate::state::layout;
use crate::step::judge::{Case, Site, judge};
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
    let task = match world.git.entry(commit.tree, &step.task_path)? {
        Some((_, blob)) => file::task::read(&step.task_path, &world.git.blob(blob)?).value,
        None => None,
    };
    let verdicts = judge(&Case {
        world,
        config: &config,
        gates: &config.gates,
        branch,
        base: &base,
        tree: commit.tree,
        kind: task.as_ref().map(|task| task.kind),
        allow: task.as_ref().map_or(&[], |task| &task.allow),
        site: Site::Rooms,
        recall: false,
        reporter,
    })?;
    Ok(Again::Judged(verdicts))
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
