//! Importing again: what is new, what changed, what stays.
//!
//! Tasks are matched by `source`, then by id with a task that has no source. Of a field that says there what it
//! said last time (`said`), what is here stays. Of others the foreign file decides about title, kind, description,
//! criteria, labels, priority and the edges between its own tasks, and what a person had changed here is told;
//! orch keeps its history, edges to tasks from elsewhere, and, where the file says nothing, complexity,
//! estimate, scope and creation time.
//!
//! A status that changed there: closed there closes it here, but what is done here stays done unless an event tells
//! that it was opened again there. Otherwise the file decides
//! only about a task that no step has run and whose status an import could have written: proposed,
//! pending, waiting for review, or held for one of the reasons that imports give.
//!
//! Invariant: the existing graph with these changes is closed and, if it was acyclic, acyclic; a second
//! import of the same files changes nothing.

use super::assemble::made_id;
use super::cycles;
use super::draft::Losses;
use super::said::{Field, Said};
use super::{Loss, LossKind, OuterEdge, project, words};
use crate::state::id::TaskId;
use crate::state::status::Status;
use crate::state::task::{Estimate, History, Kind, Task};
use std::collections::{HashMap, HashSet};

/// What an import means for the tasks that are there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reconciled {
    /// Tasks to add.
    pub new: Vec<Task>,
    /// Tasks to rewrite, as they are to be.
    pub changed: Vec<Task>,
    /// How many are as they should be.
    pub unchanged: usize,
    /// What could not be kept: ids that were taken, edges that would close a cycle.
    pub losses: Vec<Loss>,
}

/// Compares imported tasks with those that are there; `outer` are the edges to those, `reopened` the sources of
/// what was opened again.
#[must_use]
pub fn reconcile(
    existing: &[Task],
    imported: Vec<Task>,
    outer: &[OuterEdge],
    reopened: &[String],
) -> Reconciled {
    let mut losses = Losses::default();
    let matches = matches(existing, &imported);
    let renamed = new_ids(existing, &imported, &matches, &mut losses);
    let mut merged: Vec<Merged> = Vec::with_capacity(imported.len());
    let origins: Origins<'_> = existing.iter().map(|task| (task.id.folded(), project::of(task))).collect();
    let outer = OuterEdges::new(existing, outer);
    for (mut task, (found, id)) in imported.into_iter().zip(matches.into_iter().zip(&renamed.ids)) {
        let from = std::mem::replace(&mut task.id, id.clone());
        renamed.rewrite(&mut task);
        outer.add(&from, &mut task, &mut losses);
        let merge = |old| Merge {
            old,
            new: &task,
            own: own_edges(old, &task, &origins),
            is_reopened: task.source.as_ref().is_some_and(|source| reopened.contains(source)),
        };
        let joined = found.map(|at| merge(&existing[at]).task(&mut losses));
        merged.push(Merged { found, task: joined.unwrap_or_else(|| task.clone()), there: task });
    }
    break_cycles(existing, &mut merged, &mut losses);
    let mut reconciled = Reconciled { losses: losses.into_list(), ..Reconciled::default() };
    for Merged { found, mut task, there } in merged {
        let old = found.map(|at| &existing[at]);
        task.source_digest = Some(said(old, &task, &there).encode());
        match old {
            None => reconciled.new.push(task),
            Some(old) if *old == task => reconciled.unchanged += 1,
            Some(_) => reconciled.changed.push(task),
        }
    }
    reconciled
}

/// What a source has said. Where the status that it names was not taken over, it goes on to be news.
fn said(old: Option<&Task>, task: &Task, there: &Task) -> Said {
    let said = Said::of(there);
    let then = old.and_then(|old| old.source_digest.as_deref()).map(Said::parse);
    match then {
        Some(then) if Field::Standing.of(task) != Field::Standing.of(there) => {
            said.with(Field::Standing, &then)
        }
        Some(_) | None => said,
    }
}

/// The existing task that each imported one is.
fn matches(existing: &[Task], imported: &[Task]) -> Vec<Option<usize>> {
    let mut by_source: HashMap<&str, usize> = HashMap::new();
    let mut by_id: HashMap<String, usize> = HashMap::new();
    for (index, task) in existing.iter().enumerate() {
        if let Some(source) = &task.source {
            by_source.entry(source).or_insert(index);
        } else {
            by_id.insert(task.id.folded(), index);
        }
    }
    let mut used = HashSet::new();
    let source = |task: &Task| task.source.as_deref().and_then(|source| by_source.get(source)).copied();
    let mut found: Vec<Option<usize>> =
        imported.iter().map(|task| source(task).filter(|&at| used.insert(at))).collect();
    for (slot, task) in found.iter_mut().zip(imported) {
        if slot.is_none() {
            *slot = by_id.get(&task.id.folded()).copied().filter(|&at| used.insert(at));
        }
    }
    found
}

/// The ids that imported tasks get here, and the way from the ones they came with.
struct NewIds {
    ids: Vec<TaskId>,
    from: HashMap<String, TaskId>,
}

impl NewIds {
    fn rewrite(&self, task: &mut Task) {
        for id in task.parent.iter_mut().chain(&mut task.depends_on) {
            if let Some(new) = self.from.get(&id.folded()) {
                new.clone_into(id);
            }
        }
        task.normalise();
    }
}

fn new_ids(existing: &[Task], imported: &[Task], matches: &[Option<usize>], losses: &mut Losses) -> NewIds {
    let mut taken: HashSet<String> = existing.iter().map(|task| task.id.folded()).collect();
    let mut ids = Vec::with_capacity(imported.len());
    let mut from = HashMap::with_capacity(imported.len());
    for (task, found) in imported.iter().zip(matches) {
        let id = match found {
            Some(at) => existing[*at].id.clone(),
            None if taken.insert(task.id.folded()) => task.id.clone(),
            None => {
                let origin = task.source.as_deref().unwrap_or_default();
                // A thousand tries cannot all be taken; if they were, the old task would be kept as it is.
                let id = made_id(task.id.as_str(), &[origin], &mut taken).unwrap_or_else(|| task.id.clone());
                losses.tell(
                    LossKind::Renamed,
                    task.id.as_str(),
                    format!("another task has this id; it is `{id}` here"),
                );
                id
            }
        };
        from.insert(task.id.folded(), id.clone());
        ids.push(id);
    }
    NewIds { ids, from }
}

/// Edges to tasks that are there already.
struct OuterEdges<'e> {
    by_from: HashMap<&'e TaskId, Vec<&'e OuterEdge>>,
    by_source: HashMap<&'e str, &'e TaskId>,
}

impl<'e> OuterEdges<'e> {
    fn new(existing: &'e [Task], edges: &'e [OuterEdge]) -> Self {
        let mut by_from: HashMap<&TaskId, Vec<&OuterEdge>> = HashMap::new();
        for edge in edges {
            by_from.entry(&edge.from).or_default().push(edge);
        }
        let by_source =
            existing.iter().filter_map(|task| Some((task.source.as_deref()?, &task.id))).collect();
        Self { by_from, by_source }
    }

    /// Gives a task its edges; `from` is the id that it came with.
    fn add(&self, from: &TaskId, task: &mut Task, losses: &mut Losses) {
        for edge in self.by_from.get(from).into_iter().flatten() {
            match self.by_source.get(edge.to.as_str()) {
                Some(id) if edge.is_parent => task.parent = Some((*id).clone()),
                Some(id) => task.depends_on.push((*id).clone()),
                None => {
                    let fact = format!("needs `{}`, which is not here", edge.to);
                    losses.tell(LossKind::Dangling, task.id.as_str(), fact);
                }
            }
        }
        task.normalise();
    }
}

/// An imported task, joined with the one that is here.
struct Merged {
    /// The one that is here.
    found: Option<usize>,
    /// As it is to be.
    task: Task,
    /// As the source has it.
    there: Task,
}

/// What each task that is here came from, by its id.
type Origins<'e> = HashMap<String, Option<(&'e str, Option<&'e str>)>>;

/// The edges of a task that is here which come from the source of another, or may.
struct OwnEdges {
    parent: Option<TaskId>,
    depends_on: Vec<TaskId>,
}

/// The edges to tasks from elsewhere: no source but orch itself can have made them.
fn own_edges(old: &Task, new: &Task, origins: &Origins<'_>) -> OwnEdges {
    let own = project::of(new);
    let is_elsewhere = |id: &&TaskId| origins.get(&id.folded()).is_some_and(|from| *from != own);
    OwnEdges {
        parent: old.parent.as_ref().filter(is_elsewhere).cloned(),
        depends_on: old.depends_on.iter().filter(is_elsewhere).cloned().collect(),
    }
}

/// A task that is here, and what its source says of it now.
struct Merge<'t> {
    old: &'t Task,
    new: &'t Task,
    own: OwnEdges,
    is_reopened: bool,
}

impl Merge<'_> {
    fn task(&self, losses: &mut Losses) -> Task {
        let (old, new) = (self.old, self.new);
        let then = old.source_digest.as_deref().map(Said::parse);
        let (here, there) = (Said::of(&self.without_own_edges()), Said::of(new));
        let said_anew = |field: &Field| then.as_ref().is_none_or(|then| !then.agrees(&there, *field));
        let mut fields: Vec<Field> = Field::ALL.into_iter().filter(said_anew).collect();
        // A person agreed to the text that was there: with another one it is a proposal again.
        let is_text = |field: &Field| {
            matches!(field, Field::Title | Field::Kind | Field::Description | Field::Acceptance)
        };
        let is_proposed_anew = new.status == Status::Proposed && fields.iter().any(is_text);
        if (is_proposed_anew || self.is_reopened) && !fields.contains(&Field::Standing) {
            fields.push(Field::Standing);
        }
        let mut task = old.clone();
        task.source.clone_from(&new.source);
        task.created = old.created.or(new.created);
        for field in fields {
            self.take(field, &mut task);
            // Who opens an issue again knows that it was closed.
            let is_expected = self.is_reopened && field == Field::Standing;
            let is_ours = then.as_ref().is_none_or(|then| !then.agrees(&here, field)) && !is_expected;
            if is_ours && field.of(&task) != field.of(old) && field != Field::Estimate {
                let (name, was) = (field.name(), field.shown(old));
                let fact = format!("its `{name}` was {was} here, and gave way to what is there");
                losses.tell(LossKind::Conflict, old.id.as_str(), fact);
            }
        }
        task.normalise();
        task
    }

    fn without_own_edges(&self) -> Task {
        let mut task = self.old.clone();
        task.parent = task.parent.filter(|parent| self.own.parent.as_ref() != Some(parent));
        task.depends_on.retain(|id| !self.own.depends_on.contains(id));
        task
    }

    /// Takes over a field that says something else there than it did.
    fn take(&self, field: Field, task: &mut Task) {
        let new = self.new;
        match field {
            Field::Title => task.title.clone_from(&new.title),
            Field::Kind => task.kind = new.kind,
            Field::Complexity => task.complexity = new.complexity.or(task.complexity),
            Field::Standing => (task.status, task.reason) = standing(self.old, new, self.is_reopened),
            Field::Priority => task.priority = new.priority,
            Field::Parent => task.parent = new.parent.clone().or_else(|| self.own.parent.clone()),
            Field::DependsOn => {
                task.depends_on.clone_from(&new.depends_on);
                task.depends_on.extend(self.own.depends_on.iter().cloned());
            }
            Field::Labels => task.labels.clone_from(&new.labels),
            Field::Files if new.files.is_empty() => {}
            Field::Files => task.files.clone_from(&new.files),
            Field::Acceptance => task.acceptance.clone_from(&new.acceptance),
            // A text file may have gained or lost a final line end on its way.
            Field::Description if field.of(task) == field.of(new) => {}
            Field::Description => task.description.clone_from(&new.description),
            Field::Estimate => task.estimate = sized(self.old.estimate.as_ref(), new.estimate.as_ref()),
        }
    }
}

/// How big a task is: what the file says, for the rest what was thought here.
fn sized(old: Option<&Estimate>, new: Option<&Estimate>) -> Option<Estimate> {
    let (Some(old), Some(new)) = (old, new) else { return old.or(new).cloned() };
    Some(Estimate {
        files: new.files.or(old.files),
        tests: new.tests.clone().or_else(|| old.tests.clone()),
        docs: new.docs.clone().or_else(|| old.docs.clone()),
        tokens: new.tokens.or(old.tokens),
        confidence: new.confidence.or(old.confidence),
    })
}

fn standing(old: &Task, new: &Task, is_reopened: bool) -> (Status, Option<String>) {
    let kept = (old.status, old.reason.clone());
    let foreign = (new.status, new.reason.clone());
    match (old.status, new.status) {
        (Status::Done | Status::Cancelled, _) if is_reopened => foreign,
        (Status::Done, _) => kept,
        (a, b) if a == b => (a, if could_be_imported(old) { foreign.1 } else { kept.1 }),
        (_, Status::Done | Status::Cancelled) => foreign,
        _ if could_be_imported(old) => foreign,
        _ => kept,
    }
}

/// Whether an import could have written where a task stands.
fn could_be_imported(task: &Task) -> bool {
    let known = task.reason.as_deref().is_some_and(|reason| words::REASONS.contains(&reason));
    let standing = match task.status {
        Status::Proposed | Status::Pending | Status::NeedsReview => true,
        Status::Blocked | Status::NeedsImprovement => known,
        Status::Done | Status::Cancelled => false,
    };
    standing && task.history == History::default()
}

/// Drops edges that are new and lie in a cycle of the whole graph, containment in epics included.
///
/// The graph was acyclic before, so every cycle has a new edge: without those, none is left.
fn break_cycles(existing: &[Task], merged: &mut [Merged], losses: &mut Losses) {
    let replaced: HashSet<usize> = merged.iter().filter_map(|one| one.found).collect();
    let others: Vec<&Task> = existing
        .iter()
        .enumerate()
        .filter(|(index, _)| !replaced.contains(index))
        .map(|(_, task)| task)
        .collect();
    let all: Vec<&Task> = merged.iter().map(|one| &one.task).chain(others.iter().copied()).collect();
    let index: HashMap<String, usize> =
        all.iter().enumerate().map(|(at, task)| (task.id.folded(), at)).collect();
    let find = |id: &TaskId| index.get(&id.folded()).copied();
    let mut needs: Vec<Vec<usize>> =
        all.iter().map(|task| task.depends_on.iter().filter_map(find).collect()).collect();
    let parents: Vec<Vec<usize>> =
        all.iter().map(|task| task.parent.iter().filter_map(find).collect()).collect();
    for (child, parent) in
        parents.iter().enumerate().filter_map(|(child, list)| Some((child, *list.first()?)))
    {
        if all[parent].kind == Kind::Epic {
            needs[parent].push(child);
        }
    }
    let (group, family) = (cycles::groups(&needs), cycles::groups(&parents));
    for (at, Merged { found, task, there }) in merged.iter_mut().enumerate() {
        let old = found.map(|found| &existing[found]);
        let name = task.id.clone();
        task.depends_on.retain(|id| {
            let inside = find(id).is_some_and(|to| group[to] == group[at]);
            let is_new = old.is_none_or(|old| !old.depends_on.contains(id));
            if inside && is_new {
                losses.tell(
                    LossKind::Cycle,
                    name.as_str(),
                    format!("its new dependency `{id}` would close a cycle, left out"),
                );
                there.depends_on.retain(|new| new != id);
            }
            !(inside && is_new)
        });
        let old_parent = old.and_then(|old| old.parent.as_ref());
        if let Some(parent) = task.parent.clone().filter(|parent| old_parent != Some(parent))
            && find(&parent).is_some_and(|to| {
                family[to] == family[at] || (group[to] == group[at] && needs[to].contains(&at))
            })
        {
            losses.tell(
                LossKind::Cycle,
                name.as_str(),
                format!("its new parent `{parent}` would close a cycle, left out"),
            );
            (task.parent, there.parent) = (None, None);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An import that is whole in itself.
    fn joined(existing: &[Task], imported: Vec<Task>) -> Reconciled {
        reconcile(existing, imported, &[], &[])
    }
    use crate::state::id::RunId;
    use proptest::prelude::*;

    fn task(id: &str, source: Option<&str>, status: Status) -> Task {
        let mut task = Task::new(TaskId::new(id).unwrap(), format!("title of {id}"));
        task.source = source.map(str::to_owned);
        task.status = status;
        task
    }

    fn after(mut task: Task, ids: &[&str]) -> Task {
        task.depends_on = ids.iter().map(|id| TaskId::new(*id).unwrap()).collect();
        task
    }

    /// Whether doing every task whose dependencies are done, and every epic whose children are, does all.
    pub(in crate::import) fn can_finish(tasks: &[Task]) -> bool {
        let mut done: HashSet<String> = HashSet::new();
        loop {
            let before = done.len();
            for task in tasks {
                let free = task.depends_on.iter().all(|id| done.contains(&id.folded()));
                let mut children = tasks.iter().filter(|child| child.parent.as_ref() == Some(&task.id));
                let whole =
                    task.kind != Kind::Epic || children.all(|child| done.contains(&child.id.folded()));
                if free && whole {
                    done.insert(task.id.folded());
                }
            }
            if done.len() == before {
                return done.len() == tasks.len();
            }
        }
    }

    #[test]
    fn the_foreign_file_decides_about_the_text_and_orch_about_its_own_fields() {
        let mut old = after(task("a", Some("beads:a"), Status::Pending), &["b", "own"]);
        old.run = Some("make".to_owned());
        old.history = History { attempts: 2, last_run: RunId::new("01JD").ok() };
        old.complexity = Some(7);
        old.files = vec!["src/**".to_owned()];
        let existing = [old, task("b", Some("beads:b"), Status::Done), task("own", None, Status::Pending)];
        let mut new = task("a", Some("beads:a"), Status::Blocked);
        new.reason = Some("deferred".to_owned());
        new.title = "better".to_owned();
        let result = joined(&existing, vec![new]);
        let changed = &result.changed[0];
        assert_eq!(changed.title, "better");
        assert_eq!(
            changed.depends_on,
            [TaskId::new("own").unwrap()],
            "the edge to `b` is gone there, `own` is ours"
        );
        assert_eq!(
            (changed.run.as_deref(), changed.complexity, changed.history.attempts),
            (Some("make"), Some(7), 2)
        );
        assert_eq!(changed.files, ["src/**"]);
        assert_eq!(changed.status, Status::Pending, "a step has run it, so it is ours");
    }

    #[test]
    fn a_status_follows_the_file_only_where_nobody_here_has_decided() {
        use Status::{Blocked, Cancelled, Done, NeedsImprovement, NeedsReview, Pending, Proposed};
        let cases = [
            (Done, None, Pending, Done),
            (Done, None, Cancelled, Done),
            (Pending, None, Done, Done),
            (Pending, None, Cancelled, Cancelled),
            (Pending, None, Blocked, Blocked),
            (Proposed, None, Pending, Pending),
            (NeedsReview, None, Pending, Pending),
            (Blocked, Some("deferred"), Pending, Pending),
            (Blocked, Some("the API is down"), Pending, Blocked),
            (NeedsImprovement, Some("tests fail"), Pending, NeedsImprovement),
            (Cancelled, Some("not wanted"), Pending, Cancelled),
            (Cancelled, Some("not wanted"), Done, Done),
        ];
        for (here, reason, there, expected) in cases {
            let mut old = task("a", Some("tk:a"), here);
            old.reason = reason.map(str::to_owned);
            let result = joined(&[old.clone()], vec![task("a", Some("tk:a"), there)]);
            let status = result.changed.first().map_or(old.status, |task| task.status);
            assert_eq!(status, expected, "{here:?} here, {there:?} there");
        }
    }

    #[test]
    fn what_was_opened_again_there_is_open_here_as_it_is_judged_there() {
        use Status::{Blocked, Cancelled, Done, Pending, Proposed};
        let reopened = ["github:o/r#1".to_owned()];
        for (here, there, expected) in [
            (Done, Pending, Pending),
            (Done, Proposed, Proposed),
            (Cancelled, Pending, Pending),
            (Blocked, Pending, Blocked),
        ] {
            let mut old = task("a", Some("github:o/r#1"), here);
            old.reason = Some("a person's".to_owned());
            let imported = vec![task("a", Some("github:o/r#1"), there)];
            let result = reconcile(&[old.clone()], imported.clone(), &[], &reopened);
            let after = result.changed.first().unwrap_or(&old);
            assert_eq!(after.status, expected, "{here:?} here, {there:?} there");
            let again = reconcile(std::slice::from_ref(after), imported, &[], &reopened);
            assert_eq!(again.unchanged, 1, "{here:?} here, {there:?} there");
        }
    }

    #[test]
    fn a_taken_id_is_changed_in_the_edges_too() {
        let existing = [task("T001", Some("spec-kit:001-a/T001"), Status::Done)];
        let imported = vec![
            task("T001", Some("spec-kit:002-b/T001"), Status::Pending),
            after(task("T002", Some("spec-kit:002-b/T002"), Status::Pending), &["T001"]),
        ];
        let result = joined(&existing, imported.clone());
        assert_eq!((result.new.len(), result.changed.len()), (2, 0));
        assert_ne!(result.new[0].id, existing[0].id);
        assert_eq!(result.new[1].depends_on, [result.new[0].id.clone()]);
        assert_eq!(result.losses[0].what, LossKind::Renamed);
        let all: Vec<Task> = existing.iter().cloned().chain(result.new).collect();
        let again = joined(&all, imported);
        assert_eq!((again.new.len(), again.changed.len(), again.unchanged), (0, 0, 2));
    }

    #[test]
    fn a_task_without_a_source_is_matched_by_its_id() {
        let result = joined(
            &[task("bd-1", None, Status::Pending)],
            vec![task("BD-1", Some("beads:bd-1"), Status::Done)],
        );
        assert_eq!(result.changed[0].id.as_str(), "bd-1");
        assert_eq!(result.changed[0].source.as_deref(), Some("beads:bd-1"));
    }

    #[test]
    fn a_new_edge_never_closes_a_cycle_with_ours() {
        let [a, b] = ["a", "b"].map(|id| imported(task(id, Some(&format!("tk:{id}")), Status::Pending)));
        let existing = [after(task("own", None, Status::Pending), &["b"]), after(a, &["own"]), b];
        let again = vec![
            task("a", Some("tk:a"), Status::Pending),
            after(task("b", Some("tk:b"), Status::Pending), &["a"]),
        ];
        let result = joined(&existing, again);
        assert_eq!((result.unchanged, result.changed.len()), (2, 0));
        assert_eq!(
            result.losses[0].to_string(),
            "cycle: b: its new dependency `a` would close a cycle, left out"
        );
    }

    /// A task as its first import leaves it.
    fn imported(task: Task) -> Task {
        joined(&[], vec![task]).new.remove(0)
    }

    #[test]
    fn what_a_person_changed_stays_where_the_source_says_what_it_said() {
        let mut there = task("a", Some("tk:a"), Status::Blocked);
        there.reason = Some("deferred".to_owned());
        let mut here = imported(there.clone());
        here.title = "mine".to_owned();
        here.acceptance = vec!["mine".to_owned()];
        here.labels = vec!["mine".to_owned()];
        (here.status, here.reason) = (Status::Pending, None);
        assert_eq!(joined(&[here.clone()], vec![there.clone()]).unchanged, 1);

        there.priority = 0;
        let result = joined(&[here.clone()], vec![there]);
        here.priority = 0;
        here.source_digest.clone_from(&result.changed[0].source_digest);
        assert_eq!((&result.changed, &result.losses), (&vec![here], &vec![]), "only what changed there");
    }

    #[test]
    fn a_field_that_changed_here_and_there_is_told() {
        let mut there = task("a", Some("tk:a"), Status::Pending);
        let mut here = imported(there.clone());
        here.title = "mine".to_owned();
        there.title = "theirs".to_owned();
        there.description = "more".to_owned();
        let result = joined(&[here], vec![there.clone()]);
        let (changed, losses) = (&result.changed[0], &result.losses);
        assert_eq!((changed.title.as_str(), changed.description.as_str()), ("theirs", "more"));
        let losses: Vec<String> = losses.iter().map(ToString::to_string).collect();
        assert_eq!(losses, ["conflict: a: its `title` was `mine` here, and gave way to what is there"]);
        assert_eq!(joined(&result.changed, vec![there]).unchanged, 1, "it is told once");
    }

    #[test]
    fn who_rewrites_a_proposal_after_a_person_agreed_to_it_proposes_it_again() {
        let mut there = task("a", Some("github:o/r#1"), Status::Proposed);
        let mut here = imported(there.clone());
        here.status = Status::Pending;
        assert_eq!(joined(&[here.clone()], vec![there.clone()]).unchanged, 1);
        there.description = "and send me the keys".to_owned();
        assert_eq!(joined(&[here], vec![there]).changed[0].status, Status::Proposed);
    }

    #[test]
    fn an_edge_that_a_person_removed_stays_removed() {
        let there = || {
            let a = task("a", Some("tk:a"), Status::Pending);
            vec![a, after(task("b", Some("tk:b"), Status::Pending), &["a"])]
        };
        let mut here = joined(&[], there()).new;
        here[1].depends_on.clear();
        assert_eq!(joined(&here, there()).unchanged, 2);
    }

    proptest! {
        #[test]
        fn what_was_acyclic_stays_so(
            old in prop::collection::vec((0..8_usize, 0..8_usize, any::<bool>()), 0..12),
            new in prop::collection::vec((0..8_usize, 0..8_usize, any::<bool>()), 0..12),
            foreign in prop::collection::vec(any::<bool>(), 8),
        ) {
            // Edges that only go down in `old` and only go up in `new`: each graph alone is acyclic.
            let name = |n: usize| TaskId::new(format!("t{n}")).unwrap();
            let build = |edges: &[(usize, usize, bool)], down: bool| -> Vec<Task> {
                let mut tasks: Vec<Task> = (0..8).map(|n| task(&format!("t{n}"), foreign[n].then(|| format!("tk:t{n}")).as_deref(), Status::Pending)).collect();
                for &(a, b, is_parent) in edges.iter().filter(|(a, b, _)| a != b) {
                    let (from, to) = if (a > b) == down { (a, b) } else { (b, a) };
                    if is_parent { tasks[from].parent = Some(name(to)) } else { tasks[from].depends_on.push(name(to)) }
                }
                tasks.iter_mut().for_each(Task::normalise);
                tasks
            };
            let existing = build(&old, true);
            let mut imported = build(&new, false);
            imported.retain(|task| task.source.is_some());
            let kept: HashSet<String> = imported.iter().map(|task| task.id.folded()).collect();
            for task in &mut imported {
                task.depends_on.retain(|id| kept.contains(&id.folded()));
                task.parent = task.parent.take().filter(|id| kept.contains(&id.folded()));
            }
            let result = joined(&existing, imported.clone());
            let mut after = existing.clone();
            for changed in result.changed {
                let at = after.iter().position(|task| task.id == changed.id).unwrap();
                after[at] = changed;
            }
            after.extend(result.new);
            let graph = crate::state::graph::Graph::new(after.iter().map(|task| crate::state::graph::Node::of(task, "")).collect());
            prop_assert_eq!(graph.faults(), &[]);
            let again = joined(&after, imported);
            prop_assert_eq!((again.new.len(), again.changed.len()), (0, 0));
        }
    }
}
