//! What is planned: a task that is to be split, or the roadmap.
//!
//! Invariant: every run is of a task. Plans of the roadmap are all runs of one task, which the first of
//! them that planned something adds: it is done, and stays so. Those before it, of which nothing came, are runs
//! of one that is cancelled.

use super::base::Base;
use super::error::StepError;
use super::planning::Wanted;
use super::record::new_task_id_in;
use crate::effects::World;
use crate::plan::ask::Goal;
use crate::plan::{ROADMAP, is_roadmap};
use crate::route::is_oversized;
use crate::state::graph::{Index, Node};
use crate::state::id::TaskId;
use crate::state::run::Run;
use crate::state::status::Status;
use crate::state::store::Snapshot;
use crate::state::task::{Kind, Task};
use crate::state::{file, layout};

/// A task that planning is a run of.
pub(super) struct Subject {
    /// The task.
    pub(super) task: Task,
    place: Place,
}

enum Place {
    /// It is split: its place in the graph, and the text of its file.
    Split(Index, String),
    /// It stands for planning the roadmap, and did so before.
    Roadmap(Index, String),
    /// The same for the first time; with the task that stands for plans of which nothing came, if there is one.
    New(Option<Box<Failed>>),
}

/// The task that stands for plans of which nothing came.
struct Failed {
    task: Task,
    index: Index,
    text: String,
}

impl Subject {
    pub(super) fn new(world: World<'_>, base: &Base, wanted: &Wanted) -> Result<Self, StepError> {
        match wanted {
            Wanted::Split(id) => {
                let index = base.find(id)?;
                let (text, task) = base.snapshot.task(world, index)?;
                if task.status.is_closed() {
                    let why = format!("it is `{}`", task.status.as_str());
                    return Err(StepError::NotRunnable { id: id.clone(), why });
                }
                Ok(Self { task, place: Place::Split(index, text) })
            }
            Wanted::Extend => Self::roadmap(world, base),
        }
    }

    fn roadmap(world: World<'_>, base: &Base) -> Result<Self, StepError> {
        let graph = &base.snapshot.graph;
        let known = |status| {
            let is_it =
                |index: &Index| is_roadmap(&graph.nodes()[*index]) && graph.nodes()[*index].status == status;
            (0..graph.nodes().len()).find(is_it)
        };
        if let Some(index) = known(Status::Done) {
            let (text, task) = base.snapshot.task(world, index)?;
            return Ok(Self { task, place: Place::Roadmap(index, text) });
        }
        let failed = match known(Status::Cancelled) {
            Some(index) => {
                let (text, task) = base.snapshot.task(world, index)?;
                Some(Box::new(Failed { task, index, text }))
            }
            None => None,
        };
        let mut task = Task::new(new_task_id_in(world, graph)?, ROADMAP);
        task.kind = Kind::Research;
        Ok(Self { task, place: Place::New(failed) })
    }

    pub(super) fn goal(&self) -> Goal<'_> {
        match self.place {
            Place::Split(index, _) => Goal::Split { task: &self.task, index },
            Place::Roadmap(..) | Place::New(_) => Goal::Extend,
        }
    }

    /// The task that earlier plans of this were runs of, if there were any.
    pub(super) fn planned_before(&self) -> Option<&TaskId> {
        match &self.place {
            Place::Split(..) | Place::Roadmap(..) => Some(&self.task.id),
            Place::New(failed) => failed.as_ref().map(|failed| &failed.task.id),
        }
    }

    /// Whether it is a task that is not there yet.
    pub(super) fn is_new(&self) -> bool {
        matches!(self.place, Place::New(_))
    }

    /// The task whose parts are planned.
    pub(super) fn parent(&self) -> Option<Index> {
        match self.place {
            Place::Split(index, _) => Some(index),
            Place::Roadmap(..) | Place::New(_) => None,
        }
    }

    /// Why what was planned for it is not wanted any more where the state is this now, if it is not.
    pub(super) fn no_longer_wanted(
        &self,
        world: World<'_>,
        now: &Snapshot,
    ) -> Result<Option<String>, StepError> {
        let id = &self.task.id;
        match &self.place {
            Place::Split(..) | Place::Roadmap(..) => {
                let Some(index) = now.graph.find(id.as_str()) else {
                    return Ok(Some(format!("task `{id}` is gone")));
                };
                let (_, task) = now.task(world, index)?;
                let is_settled = task.status != self.task.status && task.status.is_closed();
                Ok(if is_settled {
                    Some(format!("task `{id}` is `{}` now", task.status.as_str()))
                } else if task.history.last_run != self.task.history.last_run {
                    Some(format!("task `{id}` was planned, or run, by others meanwhile"))
                } else {
                    None
                })
            }
            Place::New(_) => {
                let is_planned = |node: &Node| is_roadmap(node) && node.status == Status::Done;
                let others = now.graph.nodes().iter().any(is_planned);
                Ok(others.then(|| "others have planned what comes next meanwhile".to_owned()))
            }
        }
    }

    /// The task after a run that planned so many others, which becomes a run of it, with the path and the text of
    /// its file.
    pub(super) fn after(
        &self,
        base: &Base,
        run: &mut Run,
        planned: usize,
    ) -> Result<(Task, String, String), StepError> {
        let mut task = self.task.clone();
        let (index, text) = match &self.place {
            Place::Split(index, text) => {
                // Its parts are done in its place: from now on it stands where they make it stand.
                if planned > 0 {
                    task.kind = Kind::Epic;
                    if task.status == Status::Blocked && task.reason.as_deref().is_some_and(is_oversized) {
                        (task.status, task.reason) = (Status::Pending, None);
                    }
                }
                (*index, text)
            }
            Place::Roadmap(index, text) => (*index, text),
            Place::New(Some(failed)) if planned == 0 => {
                task = failed.task.clone();
                task.reason = Some(run.reason.clone());
                run.task = task.id.clone();
                (failed.index, &failed.text)
            }
            Place::New(_) => {
                (task.status, task.reason) = match planned {
                    0 => (Status::Cancelled, Some(run.reason.clone())),
                    _ => (Status::Done, None),
                };
                task.created = Some(run.finished);
                task.source = Some(format!("run:{}", run.id));
                task.history.last_run = Some(run.id.clone());
                let path = layout::new_task(&task.id, base.snapshot.flat_tasks() + planned);
                let text = file::task::write(&task);
                return Ok((task, path, text));
            }
        };
        task.history.last_run = Some(run.id.clone());
        let path = base.snapshot.graph.nodes()[index].path.to_string();
        let text = file::task::rewrite(&path, text, &task).map_err(|why| StepError::Invalid(vec![why]))?;
        Ok((task, path, text))
    }
}
