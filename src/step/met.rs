//! What stood in the way of one step so far: tasks that others took first, profiles that need a person first, tasks
//! of which a file cannot be read.
//!
//! Invariant: each of them is met a bounded number of times, and told where others go on.

use super::Options;
use super::error::StepError;
use super::event::{Event, Reporter};
use super::passed::Pass;
use crate::state::id::TaskId;
use std::collections::BTreeSet;

/// How many tasks in a row may be taken by others before a step gives up.
const TAKEN_MAX: usize = 100;

/// What stood in the way so far.
#[derive(Debug, Default)]
pub(super) struct Met {
    /// How many tasks were taken by others first.
    pub(super) taken: usize,
    /// Profiles that turned out to need a person first.
    pub(super) unusable: Vec<String>,
    unread: BTreeSet<TaskId>,
    untold: Vec<String>,
}

impl Met {
    /// One more task was taken by others first.
    ///
    /// # Errors
    /// When it were too many.
    pub(super) fn others(&mut self) -> Result<(), StepError> {
        self.taken += 1;
        if self.taken > TAKEN_MAX {
            return Err(StepError::Busy("others take each task first".to_owned()));
        }
        Ok(())
    }

    /// A step could not be taken: where the profile needs a person first, others may go on.
    ///
    /// # Errors
    /// When nobody else may.
    pub(super) fn passes(&mut self, error: StepError, options: Options<'_>) -> Result<(), StepError> {
        let may_choose = options.task.is_none() && options.agent.is_none();
        let StepError::Unusable { agent: Some(agent), fact, todo } = &error else { return Err(error) };
        if !may_choose {
            return Err(error);
        }
        self.untold.push(format!("{fact}; {todo}"));
        self.unusable.push(agent.clone());
        Ok(())
    }

    /// A task is passed over: others go on, and are told if it is because a file of it cannot be read.
    pub(super) fn unread(&mut self, task: &TaskId, why: &Pass) {
        if matches!(why, Pass::Nobody(StepError::Invalid(_))) && self.unread.insert(task.clone()) {
            self.untold.push(format!("`{task}` is passed over: {}", why.spell()));
        }
    }

    /// Tells who was passed over, before something else comes of the step. Where nobody is left, the error says it.
    pub(super) fn tell<T>(&mut self, came: &Result<T, StepError>, reporter: &dyn Reporter) {
        if !matches!(came, Err(StepError::Unusable { .. } | StepError::Invalid(_))) {
            self.untold.drain(..).for_each(|text| reporter.event(&Event::Warning { text }));
        }
    }
}
