//! Drafts made tasks: legal ids, closed and acyclic edges, bounded texts.
//!
//! Invariant: what leaves here makes a graph without faults, and no task file grows beyond
//! `layout::MAX_FILE_BYTES`.

use super::draft::{Draft, Harvest, Losses};
use super::text::{self, one_line};
use super::{Format, Import, LossKind, OuterEdge};
use super::{cycles, notes};
use crate::state::graph::{Graph, Node};
use crate::state::id::{self, TaskId};
use crate::state::status::Status;
use crate::state::task::{Kind, TITLE_CHARS, Task};
use std::collections::{HashMap, HashSet};

/// Characters in a title.
const MAX_TITLE: usize = TITLE_CHARS;
/// Characters in a reason.
const MAX_REASON: usize = 500;
/// Characters in a label.
const MAX_LABEL: usize = 64;
/// Bytes in a description.
const MAX_DESCRIPTION: usize = 256 << 10;
/// Bytes in all criteria of a task.
const MAX_ACCEPTANCE: usize = 64 << 10;
/// Characters in one criterion.
const MAX_CRITERION: usize = 2_000;
/// Dependencies of a task.
const MAX_DEPENDENCIES: usize = 2_000;
/// Labels, or files, of a task.
const MAX_LIST: usize = 200;
/// Parents above each other.
const MAX_NESTING: usize = 64;

/// Makes an import of what a reader found.
pub(super) fn assemble(format: Format, harvest: Harvest) -> Import {
    let Harvest { drafts, notes, mut losses, .. } = harvest;
    let (drafts, keys) = without_repetitions(drafts, &mut losses);
    let ids = task_ids(format, &drafts, &keys, &mut losses);
    let edges = Edges::resolve(format, &drafts, &keys, &ids, &mut losses);
    let is_reopened: Vec<bool> = drafts.iter().map(|draft| draft.is_reopened).collect();
    let mut tasks: Vec<Task> = drafts
        .into_iter()
        .enumerate()
        .map(|(index, draft)| {
            task(format, draft, &keys[index], &ids[index], &edges.of(index, &ids), &mut losses)
        })
        .collect();
    let reopened = tasks.iter().zip(is_reopened).filter(|(_, is_reopened)| *is_reopened);
    let reopened = reopened.filter_map(|(task, _)| task.source.clone()).collect();
    tasks.sort_by(|a, b| a.id.cmp(&b.id));
    report_epics(&tasks, &mut losses);
    let notes = notes::finish(format, notes, &mut losses);
    Import { tasks, notes, outer: edges.outer, reopened, losses: losses.into_list() }
}

/// Drops records that are there twice, and gives others with a key that was there a key of their own.
fn without_repetitions(drafts: Vec<Draft>, losses: &mut Losses) -> (Vec<Draft>, Vec<String>) {
    let mut first: HashMap<String, usize> = HashMap::with_capacity(drafts.len());
    let mut times: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<Draft> = Vec::with_capacity(drafts.len());
    let mut keys = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let Some(&at) = first.get(&draft.key) else {
            first.insert(draft.key.clone(), kept.len());
            keys.push(draft.key.clone());
            kept.push(draft);
            continue;
        };
        let fact = format!("`{}` is there already, at {}", draft.key, kept[at].place);
        let is_same = Draft { place: kept[at].place.clone(), ..draft.clone() } == kept[at];
        if is_same {
            losses.tell(LossKind::Duplicate, &draft.place, format!("{fact}; the same record, left out"));
            continue;
        }
        losses.tell(LossKind::Duplicate, &draft.place, format!("{fact}; this one gets another id"));
        let number = times.entry(draft.key.clone()).or_insert(1);
        *number += 1;
        keys.push(format!("{}#{number}", draft.key));
        kept.push(draft);
    }
    (kept, keys)
}

/// An id for every draft: the one it wants where that is legal and free, else one made of it.
fn task_ids(format: Format, drafts: &[Draft], keys: &[String], losses: &mut Losses) -> Vec<TaskId> {
    let mut taken = HashSet::with_capacity(drafts.len());
    let mut wanted: Vec<Option<TaskId>> = Vec::with_capacity(drafts.len());
    for (draft, key) in drafts.iter().zip(keys) {
        let id = TaskId::new(draft.id.as_str()).ok().filter(|_| draft.key == *key);
        wanted.push(id.filter(|id| taken.insert(id.folded())));
    }
    let all = wanted.into_iter().zip(drafts.iter().zip(keys));
    all.filter_map(|(id, (draft, key))| {
        id.or_else(|| {
            let id = made_id(&draft.id, &[format.as_str(), key], &mut taken)?;
            losses.tell(LossKind::Renamed, &draft.place, format!("`{}` is `{id}` here", draft.id));
            Some(id)
        })
    })
    .collect()
}

/// A legal id that is not taken: what is legal of the wish, and a short hash of where it comes from.
pub(super) fn made_id(wish: &str, origin: &[&str], taken: &mut HashSet<String>) -> Option<TaskId> {
    let stem = stem(wish);
    (0_u32..1_000).find_map(|attempt| {
        let number = attempt.to_string();
        let mut parts = origin.to_vec();
        if attempt > 0 {
            parts.push(&number);
        }
        let id = TaskId::new(format!("{stem}-{}", id::short(text::hash(&parts), 6))).ok()?;
        taken.insert(id.folded()).then_some(id)
    })
}

fn stem(wish: &str) -> String {
    let mut stem = String::new();
    for c in wish.chars().take(200) {
        if c.is_ascii_alphanumeric() || c == '_' {
            stem.push(c);
        } else if !stem.is_empty() && !stem.ends_with('-') {
            stem.push('-');
        }
    }
    let stem: String = stem.trim_matches(['-', '_']).chars().take(40).collect();
    if stem.is_empty() { "task".to_owned() } else { stem }
}

/// The edges between drafts, by index.
struct Edges {
    parent: Vec<Option<usize>>,
    depends_on: Vec<Vec<usize>>,
    /// To what is not among the drafts.
    outer: Vec<OuterEdge>,
}

impl Edges {
    fn resolve(
        format: Format,
        drafts: &[Draft],
        keys: &[String],
        ids: &[TaskId],
        losses: &mut Losses,
    ) -> Self {
        let mut exact: HashMap<&str, usize> = HashMap::with_capacity(drafts.len());
        let mut folded: HashMap<String, usize> = HashMap::with_capacity(drafts.len());
        for (index, key) in keys.iter().enumerate() {
            exact.insert(key, index);
            folded.entry(key.to_lowercase()).or_insert(index);
        }
        let find = |name: &String| {
            let name = name.trim();
            exact.get(name).or_else(|| folded.get(&name.to_lowercase())).copied()
        };
        let mut edges = Self { parent: Vec::new(), depends_on: Vec::new(), outer: Vec::new() };
        let outer = |index: usize, name: &str, is_parent| OuterEdge {
            from: ids[index].clone(),
            to: source(format, name.trim()),
            is_parent,
        };
        for (index, draft) in drafts.iter().enumerate() {
            let parent = draft.parent.as_ref().and_then(|name| {
                let found = find(name);
                if found.is_none() && format.is_forge() {
                    edges.outer.push(outer(index, name, true));
                } else if found.is_none() {
                    losses.tell(
                        LossKind::Dangling,
                        keys[index].as_str(),
                        format!("the parent `{name}` is not there"),
                    );
                }
                found
            });
            edges.parent.push(parent);
            let mut targets = Vec::with_capacity(draft.depends_on.len());
            for name in &draft.depends_on {
                match find(name) {
                    Some(target) => targets.push(target),
                    None if format.is_forge() => edges.outer.push(outer(index, name, false)),
                    None => losses.tell(
                        LossKind::Dangling,
                        keys[index].as_str(),
                        format!("depends on `{name}`, which is not there"),
                    ),
                }
            }
            targets.sort_by(|a, b| ids[*a].cmp(&ids[*b]));
            targets.dedup();
            edges.depends_on.push(targets);
        }
        edges.make_acyclic(drafts, ids, losses);
        edges
    }

    fn make_acyclic(&mut self, drafts: &[Draft], ids: &[TaskId], losses: &mut Losses) {
        for (child, parent) in cycles::closing_edges(
            &self.parent.iter().map(|p| p.iter().copied().collect()).collect::<Vec<_>>(),
        ) {
            self.parent[child] = None;
            let fact = format!("the parent `{}` would close a cycle, left out", ids[parent]);
            losses.tell(LossKind::Cycle, ids[child].as_str(), fact);
        }
        self.bound_nesting(ids, losses);
        for (from, to) in cycles::closing_edges(&self.depends_on) {
            self.drop_dependency(from, to, ids, losses, "would close a cycle");
        }
        self.part_epics(drafts, ids, losses);
    }

    fn drop_dependency(&mut self, from: usize, to: usize, ids: &[TaskId], losses: &mut Losses, why: &str) {
        self.depends_on[from].retain(|&target| target != to);
        losses.tell(
            LossKind::Cycle,
            ids[from].as_str(),
            format!("its dependency `{}` {why}, left out", ids[to]),
        );
    }

    /// Cuts what is nested deeper than anybody means it.
    fn bound_nesting(&mut self, ids: &[TaskId], losses: &mut Losses) {
        let mut depth: Vec<Option<usize>> = vec![None; self.parent.len()];
        for start in 0..self.parent.len() {
            let mut path = vec![];
            let mut at = Some(start);
            while let Some(index) = at.filter(|&index| depth[index].is_none()) {
                path.push(index);
                at = self.parent[index];
            }
            let mut above = at.and_then(|index| depth[index]);
            for index in path.into_iter().rev() {
                let own = above.map_or(0, |above| above + 1);
                if own > MAX_NESTING {
                    self.parent[index] = None;
                    let fact = format!("it is nested deeper than {MAX_NESTING}; its parent was left out");
                    losses.tell(LossKind::Dropped, ids[index].as_str(), fact);
                    above = Some(0);
                } else {
                    above = Some(own);
                }
                depth[index] = above;
            }
        }
    }

    /// Drops dependencies on an epic that cannot be done before the dependent, because that is, by
    /// way of others, one of its own children.
    ///
    /// Every cycle that needs the step from an epic to its child also enters an epic by a dependency;
    /// without those inside a group no such cycle is left.
    fn part_epics(&mut self, drafts: &[Draft], ids: &[TaskId], losses: &mut Losses) {
        let mut needs = self.depends_on.clone();
        for (child, parent) in self.parent.iter().enumerate() {
            if let Some(parent) = parent.filter(|&parent| drafts[parent].kind == Kind::Epic) {
                needs[parent].push(child);
            }
        }
        let group = cycles::groups(&needs);
        for from in 0..self.depends_on.len() {
            let wrong: Vec<usize> = self.depends_on[from]
                .iter()
                .copied()
                .filter(|&to| group[from] == group[to] && drafts[to].kind == Kind::Epic)
                .collect();
            for to in wrong {
                self.drop_dependency(from, to, ids, losses, "is an epic that waits for it");
            }
        }
    }

    fn of(&self, index: usize, ids: &[TaskId]) -> (Option<TaskId>, Vec<TaskId>) {
        let parent = self.parent[index].map(|parent| ids[parent].clone());
        (parent, self.depends_on[index].iter().map(|&target| ids[target].clone()).collect())
    }
}

fn task(
    format: Format,
    draft: Draft,
    key: &str,
    id: &TaskId,
    (parent, depends_on): &(Option<TaskId>, Vec<TaskId>),
    losses: &mut Losses,
) -> Task {
    let title = line(&draft.title, MAX_TITLE, "title", id.as_str(), losses);
    let mut task = Task::new(id.clone(), title);
    if task.title.is_empty() {
        task.title = one_line(&format!("untitled {key}"), MAX_TITLE);
        losses.tell(LossKind::Mapped, &draft.place, format!("`{key}` has no title"));
    }
    task.kind = draft.kind;
    task.complexity = draft.complexity.map(|complexity| complexity.clamp(1, 10));
    task.created = draft.created;
    task.source = Some(source(format, key));
    task.status = draft.status;
    let reason = draft.reason.map(|reason| line(&reason, MAX_REASON, "reason", id.as_str(), losses));
    task.reason = reason.filter(|reason| !reason.is_empty());
    task.priority = draft.priority.min(crate::state::task::PRIORITY_MAX);
    task.parent.clone_from(parent);
    task.depends_on = bounded(depends_on.clone(), MAX_DEPENDENCIES, id, "dependencies", losses);
    let labels = draft.labels.iter().map(|label| line(label, MAX_LABEL, "label", id.as_str(), losses));
    let labels = labels.filter(|label| !label.is_empty()).collect();
    task.labels = bounded(labels, MAX_LIST, id, "labels", losses);
    task.files = bounded(draft.files, MAX_LIST, id, "files", losses);
    task.acceptance = criteria(&draft.acceptance, id, losses);
    task.estimate = draft.estimate;
    task.description = text::lines(&draft.description);
    if text::cut(&mut task.description, MAX_DESCRIPTION) {
        let fact = format!("its description was cut to {} KiB", MAX_DESCRIPTION >> 10);
        losses.tell(LossKind::Truncated, id.as_str(), fact);
    }
    task.normalise();
    task
}

/// One line, and what was cut off it told.
pub(super) fn line(text: &str, max: usize, what: &str, item: &str, losses: &mut Losses) -> String {
    let whole = one_line(text, usize::MAX);
    if whole.chars().count() <= max {
        return whole;
    }
    losses.tell(LossKind::Truncated, item, format!("its {what} was cut to {max} characters"));
    one_line(&whole, max)
}

/// What `source` says of a task with this key; a very long key by its hash.
#[must_use]
pub fn source(format: Format, key: &str) -> String {
    let short = one_line(key, 120);
    if short == key {
        format!("{format}:{key}")
    } else {
        format!("{format}:{short}~{}", id::short(text::hash(&[key]), 8))
    }
}

fn bounded<T>(mut list: Vec<T>, max: usize, id: &TaskId, what: &str, losses: &mut Losses) -> Vec<T> {
    if list.len() > max {
        losses.tell(
            LossKind::Truncated,
            id.as_str(),
            format!("{max} of its {} {what} were kept", list.len()),
        );
        list.truncate(max);
    }
    list
}

fn criteria(texts: &[String], id: &TaskId, losses: &mut Losses) -> Vec<String> {
    let mut kept = Vec::new();
    let mut bytes = 0;
    for text in texts {
        let criterion = line(text, MAX_CRITERION, "criterion", id.as_str(), losses);
        bytes += criterion.len() + 1;
        if bytes > MAX_ACCEPTANCE {
            let fact = format!("{} of its {} criteria were kept", kept.len(), texts.len());
            losses.tell(LossKind::Truncated, id.as_str(), fact);
            break;
        }
        if !criterion.is_empty() {
            kept.push(criterion);
        }
    }
    kept
}

/// Tells where an epic's stored status is not what its children make of it.
fn report_epics(tasks: &[Task], losses: &mut Losses) {
    let graph = Graph::new(tasks.iter().map(|task| Node::of(task, "")).collect());
    for task in tasks.iter().filter(|task| task.kind == Kind::Epic && task.status != Status::Cancelled) {
        let Some(index) = graph.find(task.id.as_str()) else { continue };
        let derived = graph.status(index);
        if derived.is_closed() != task.status.is_closed() {
            let children =
                if derived.is_closed() { "all its children are closed" } else { "children are open" };
            let fact = format!(
                "the epic is `{}` there, but {children}: it is `{}` here",
                task.status.as_str(),
                derived.as_str()
            );
            losses.tell(LossKind::Conflict, task.id.as_str(), fact);
        }
    }
}
