//! What is lost: the files are read as `import` reads them, and compared with the tasks.

use super::Written;
use crate::import::{self, Format, Loss, LossKind, Losses};
use crate::state::id::TaskId;
use crate::state::task::{Estimate, Task};
use std::collections::{BTreeSet, HashMap};

/// Everything that a reader of the files does not get as it is here, and how many dependencies are among that.
pub(super) fn losses(format: Format, tasks: &[Task], written: &Written) -> (Vec<Loss>, usize) {
    let read = import::read(format, &written.files).map(|import| import.tasks).unwrap_or_default();
    let by_source: HashMap<&str, &Task> =
        read.iter().filter_map(|task| Some((task.source.as_deref()?, task))).collect();
    let found = |task: &Task| {
        let name = written.names.get(&task.id)?;
        by_source.get(import::source(format, name).as_str()).copied()
    };
    let pairs: Vec<(&Task, Option<&Task>)> = tasks.iter().map(|task| (task, found(task))).collect();
    let ids: HashMap<String, &TaskId> =
        pairs.iter().filter_map(|(task, read)| Some((task.id.folded(), &read.as_ref()?.id))).collect();
    let mut comparison = Comparison { ids, losses: Losses::default(), edges: 0 };
    for (task, read) in pairs {
        match read {
            Some(read) => comparison.compare(task, read),
            None => comparison.losses.tell(
                LossKind::Skipped,
                task.id.as_str(),
                format!(
                    "{format} has no place for a task that is {} and `{}`",
                    kind(task),
                    task.status.as_str()
                ),
            ),
        }
    }
    (comparison.losses.into_list(), comparison.edges)
}

fn kind(task: &Task) -> String {
    let kind = task.kind.as_str();
    if kind.starts_with('e') { format!("an {kind}") } else { format!("a {kind}") }
}

struct Comparison<'t> {
    /// What tasks are called once they are read, by their ids here.
    ids: HashMap<String, &'t TaskId>,
    losses: Losses,
    /// Dependencies that are lost, or made up.
    edges: usize,
}

impl Comparison<'_> {
    fn compare(&mut self, task: &Task, read: &Task) {
        if task.id != read.id {
            self.losses.tell(LossKind::Renamed, task.id.as_str(), format!("it is `{}` there", read.id));
        }
        for (name, here, there) in words(task, read) {
            if here != there {
                self.losses.count(
                    LossKind::Mapped,
                    &format!("{name} `{here}`"),
                    &format!("is `{there}` there"),
                );
            }
        }
        for (name, here, there) in texts(task, read) {
            if here == there {
                continue;
            }
            // A reader writes down its own source.
            if there.is_empty() || name == "source" {
                self.losses.count(LossKind::Dropped, &format!("field `{name}`"), "has no place there");
            } else {
                self.losses.tell(
                    LossKind::Mapped,
                    task.id.as_str(),
                    format!("its `{name}` is not quite the same there"),
                );
            }
        }
        self.edges(task, read);
    }

    fn edges(&mut self, task: &Task, read: &Task) {
        let there: BTreeSet<String> = read.depends_on.iter().map(TaskId::folded).collect();
        let mut expected = BTreeSet::new();
        for id in &task.depends_on {
            let name = self.ids.get(&id.folded()).map(|name| name.folded());
            if !name.as_ref().is_some_and(|name| there.contains(name)) {
                let fact = format!("its dependency on `{id}` is not there");
                self.edges += 1;
                self.losses.tell(LossKind::Dropped, task.id.as_str(), fact);
            }
            expected.extend(name);
        }
        for id in there.difference(&expected) {
            let fact = format!("it depends on `{id}` there, which it does not here");
            self.edges += 1;
            self.losses.tell(LossKind::Mapped, task.id.as_str(), fact);
        }
        let parent = task.parent.as_ref().and_then(|id| self.ids.get(&id.folded()));
        match (&task.parent, &read.parent) {
            (None, None) => {}
            (Some(_), Some(there)) if parent.is_some_and(|parent| *parent == there) => {}
            (Some(here), _) => self.losses.tell(
                LossKind::Dropped,
                task.id.as_str(),
                format!("its parent `{here}` is not its parent there"),
            ),
            (None, Some(there)) => {
                self.losses.tell(
                    LossKind::Mapped,
                    task.id.as_str(),
                    format!("its parent is `{there}` there"),
                );
            }
        }
    }
}

/// Fields that hold one of a few words.
fn words(task: &Task, read: &Task) -> [(&'static str, String, String); 3] {
    [
        ("status", task.status.as_str().to_owned(), read.status.as_str().to_owned()),
        ("kind", task.kind.as_str().to_owned(), read.kind.as_str().to_owned()),
        ("priority", task.priority.to_string(), read.priority.to_string()),
    ]
}

/// Fields that hold anything, empty where they hold nothing.
fn texts(task: &Task, read: &Task) -> Vec<(&'static str, String, String)> {
    type Field = (&'static str, fn(&Task) -> String);
    const FIELDS: [Field; 13] = [
        ("title", |task| task.title.clone()),
        ("reason", |task| task.reason.clone().unwrap_or_default()),
        ("complexity", |task| task.complexity.map(|complexity| complexity.to_string()).unwrap_or_default()),
        ("created", |task| task.created.map(|at| at.to_string()).unwrap_or_default()),
        ("source", |task| task.source.clone().unwrap_or_default()),
        ("labels", |task| listed(&task.labels)),
        ("files", |task| listed(&task.files)),
        ("acceptance", |task| listed(&task.acceptance)),
        ("allow", |task| listed(&task.allow)),
        ("run", |task| task.run.clone().unwrap_or_default()),
        ("description", |task| task.description.trim().to_owned()),
        ("estimate", |task| task.estimate.as_ref().map(size).unwrap_or_default()),
        (
            "history",
            |task| if task.history.attempts > 0 { format!("{:?}", task.history) } else { String::new() },
        ),
    ];
    let pair = |(name, field): Field| (name, field(task), field(read));
    // A reader's own source and reason say what was said; anything else that it adds is no longer the task.
    let added = |name: &str| !matches!(name, "source" | "reason");
    FIELDS.into_iter().map(pair).filter(|(name, here, _)| !here.is_empty() || added(name)).collect()
}

fn listed(list: &[String]) -> String {
    if list.is_empty() { String::new() } else { format!("{list:?}") }
}

/// How big a task is thought to be; how sure that is, a reader judges by itself.
fn size(estimate: &Estimate) -> String {
    let size = Estimate { confidence: None, ..estimate.clone() };
    if size == Estimate::default() { String::new() } else { format!("{size:?}") }
}
