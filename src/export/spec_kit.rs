//! Spec Kit: `tasks.md`, checkboxes with ids under phases.
//!
//! There a task waits for what stands before it unless it is marked `[P]`, and a phase for the one before unless it
//! is a user story's. Where that is just what waits for what here, it is written so; else all is marked, and what a
//! task waits for is named in its line. What is not to be worked on now is left out, and so are epics without work.

use super::{Written, children, file, words};
use crate::state::id::TaskId;
use crate::state::task::{Kind, PRIORITY_DEFAULT, Task};
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

/// The feature of tasks that come from nowhere, or from several.
const FEATURE: &str = "000-orch";

/// Whether a task can be in a list.
pub(super) fn can_hold(task: &Task) -> bool {
    task.kind == Kind::Epic || words::is_to_do_or_done(task.status)
}

/// Writes the list: by order, or with all that a task waits for named.
pub(super) fn write(tasks: &[Task], by_order: bool) -> Written {
    let plan = Plan::new(tasks, by_order);
    let mut text = format!(
        "# Tasks: orch\n\n**Feature**: {}\n\n### Format: `[ID] [P?] [Story] Description`\n\n",
        plan.feature
    );
    for phase in &plan.phases {
        if let Some(epic) = phase.epic {
            let _ = write!(text, "\n## {}\n\n", plan.heading(epic, phase));
            text.extend(epic.description.lines().map(|line| format!("{}\n", harmless(line))));
            text.push('\n');
        }
        plan.tasks_of(phase, &mut text);
    }
    let names = plan.ids.iter().map(|(id, name)| ((*id).clone(), format!("{}/{name}", plan.feature)));
    Written { files: vec![file("tasks.md".to_owned(), text)], names: names.collect() }
}

/// An epic with what is part of it; those of none come first.
struct Phase<'t> {
    epic: Option<&'t Task>,
    tasks: Vec<&'t Task>,
}

struct Plan<'t> {
    by_order: bool,
    feature: String,
    phases: Vec<Phase<'t>>,
    /// What epics and tasks are called there.
    ids: HashMap<&'t TaskId, String>,
}

impl<'t> Plan<'t> {
    fn new(tasks: &'t [Task], by_order: bool) -> Self {
        let below = children(tasks);
        let mut epics: Vec<&Task> = tasks.iter().filter(|task| task.kind == Kind::Epic).collect();
        epics.sort_by_key(|epic| natural(epic.id.as_str()));
        let part = |of: &Task| {
            let mut part: Vec<&Task> = below.get(&Some(of.id.folded())).cloned().unwrap_or_default();
            part.retain(|task| task.kind != Kind::Epic);
            part
        };
        let mut phases: Vec<Phase<'_>> =
            epics.into_iter().map(|epic| Phase { epic: Some(epic), tasks: part(epic) }).collect();
        phases.retain(|phase| !phase.tasks.is_empty());
        let placed: HashSet<&TaskId> =
            phases.iter().flat_map(|phase| &phase.tasks).map(|task| &task.id).collect();
        let alone = |task: &&Task| task.kind != Kind::Epic && !placed.contains(&task.id);
        phases.insert(0, Phase { epic: None, tasks: tasks.iter().filter(alone).collect() });
        for phase in &mut phases {
            phase.tasks.sort_by_key(|task| natural(task.id.as_str()));
        }
        let ids = ids(&phases);
        Self { by_order, feature: feature(tasks), phases, ids }
    }

    /// The heading of a phase. A reader calls it by what stands before the colon.
    fn heading(&self, epic: &Task, phase: &Phase<'_>) -> String {
        let number = self.ids.get(&epic.id).and_then(|name| name.strip_prefix("phase-")).unwrap_or_default();
        let is_named = phase_number(&epic.title).is_some_and(|own| own == number);
        let mut heading =
            if is_named { epic.title.clone() } else { format!("Phase {number}: {}", epic.title) };
        if !self.by_order && !heading.contains("User Story") {
            heading.push_str(" (User Story)");
        }
        let priority = phase.tasks.first().map_or(PRIORITY_DEFAULT, |task| task.priority);
        if priority != PRIORITY_DEFAULT && !heading.contains("(Priority:") {
            let _ = write!(heading, " (Priority: P{priority})");
        }
        heading
    }

    fn tasks_of(&self, phase: &Phase<'_>, text: &mut String) {
        let order = self.by_order.then(|| in_order(&phase.tasks)).flatten();
        for (at, task) in phase.tasks.iter().enumerate() {
            let (is_parallel, implied) = match &order {
                Some(order) => (order[at].0, order[at].1.as_slice()),
                None => (true, [].as_slice()),
            };
            self.line(task, is_parallel, implied, text);
        }
    }

    fn line(&self, task: &Task, is_parallel: bool, implied: &[&TaskId], text: &mut String) {
        let is_done = task.status == crate::state::status::Status::Done;
        let mark = if is_done { 'x' } else { ' ' };
        let id = self.ids.get(&task.id).map_or("", String::as_str);
        let parallel = if is_parallel { " [P]" } else { "" };
        let _ = write!(text, "- [{mark}] {id}{parallel}");
        let story = |label: &&String| {
            label.starts_with("US") && label.len() <= 8 && label.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        text.extend(task.labels.iter().filter(story).map(|label| format!(" [{label}]")));
        let _ = write!(text, " {}", task.title);
        let named: Vec<&str> = task
            .depends_on
            .iter()
            .filter(|id| !implied.contains(id))
            .filter_map(|id| self.ids.get(id).map(String::as_str))
            .filter(|name| name.starts_with('T') && !is_named(&task.title, name))
            .collect();
        if !named.is_empty() {
            let _ = write!(text, " (depends on {})", named.join(", "));
        }
        text.push('\n');
        if !task.description.starts_with(task.title.as_str()) {
            let lines = task.description.lines().filter(|line| !line.trim().is_empty());
            text.extend(lines.map(|line| format!("  {}\n", harmless(line))));
        }
    }
}

/// Whether a title names what its task depends on itself.
fn is_named(title: &str, name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric();
    title.to_ascii_lowercase().contains("depends on") && title.split(|c| !word(c)).any(|part| part == name)
}

/// A line that a reader takes for nothing but text.
fn harmless(line: &str) -> String {
    let begin = line.trim_start();
    let is_taken = ["#", "- [", "* [", "```", "~~~"].iter().any(|mark| begin.starts_with(mark));
    if is_taken || begin == "---" { format!("> {begin}") } else { line.trim_end().to_owned() }
}

/// For each task in its order whether it is marked, and what it then waits for without a word; none where that is
/// not what it waits for here.
fn in_order<'t>(tasks: &[&'t Task]) -> Option<Vec<(bool, Vec<&'t TaskId>)>> {
    let (mut barrier, mut since): (Option<&TaskId>, Vec<&TaskId>) = (None, Vec::new());
    let mut order = Vec::with_capacity(tasks.len());
    for (at, task) in tasks.iter().enumerate() {
        let fits = |waits: &[&TaskId]| waits.iter().all(|id| task.depends_on.contains(id));
        let last: Vec<&TaskId> = if since.is_empty() { barrier.into_iter().collect() } else { since.clone() };
        let marked: Vec<&TaskId> = barrier.into_iter().collect();
        // What is not marked is waited for by whatever comes next.
        let is_waited_for = tasks.get(at + 1).is_none_or(|next| next.depends_on.contains(&task.id));
        if fits(&last) && is_waited_for {
            since.clear();
            barrier = Some(&task.id);
            order.push((false, last));
        } else if fits(&marked) {
            since.push(&task.id);
            order.push((true, marked));
        } else {
            return None;
        }
    }
    Some(order)
}

/// What everything is called: as here where that is the form of such ids, else by the next number.
fn ids<'t>(phases: &[Phase<'t>]) -> HashMap<&'t TaskId, String> {
    let mut ids = HashMap::new();
    let epics: Vec<&'t Task> = phases.iter().filter_map(|phase| phase.epic).collect();
    number(&epics, &mut ids, |epic| phase_number(&epic.title), |number| format!("phase-{number}"));
    let tasks: Vec<&'t Task> = phases.iter().flat_map(|phase| phase.tasks.iter().copied()).collect();
    number(&tasks, &mut ids, |task| task_number(task.id.as_str()), |number| format!("T{number:0>3}"));
    ids
}

/// Gives each its own number where it has one that nobody had before, else the next one after all of them.
fn number<'t>(
    tasks: &[&'t Task],
    ids: &mut HashMap<&'t TaskId, String>,
    own: impl Fn(&Task) -> Option<String>,
    name: impl Fn(&str) -> String,
) {
    let mut taken = HashSet::new();
    let all: Vec<Option<String>> =
        tasks.iter().map(|task| own(task).filter(|number| taken.insert(name(number)))).collect();
    let mut next = 1_usize;
    for (task, own) in tasks.iter().zip(all) {
        let number = own.unwrap_or_else(|| {
            while !taken.insert(name(&next.to_string())) {
                next += 1;
            }
            next.to_string()
        });
        ids.insert(&task.id, name(&number));
    }
}

/// The digits of `T001`, but for what would be written otherwise.
fn task_number(id: &str) -> Option<String> {
    let digits = id.strip_prefix('T').filter(|digits| (3..=9).contains(&digits.len()))?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.to_owned())
}

/// The number in `Phase 3: Setup`.
fn phase_number(title: &str) -> Option<String> {
    let number = title.strip_prefix("Phase ")?.split([':', '-', '(']).next()?.trim_end();
    let is_number = !number.starts_with('0') && (1..=6).contains(&number.len());
    (is_number && number.bytes().all(|b| b.is_ascii_digit())).then(|| number.to_owned())
}

/// The feature that all come from, if it is one, and numbered.
fn feature(tasks: &[Task]) -> String {
    let from =
        |task: &Task| Some(task.source.as_deref()?.strip_prefix("spec-kit:")?.rsplit_once('/')?.0.to_owned());
    let all: HashSet<Option<String>> = tasks.iter().map(from).collect();
    let one = all.iter().next().cloned().flatten().filter(|_| all.len() == 1);
    let is_numbered = |name: &String| {
        let (number, rest) = name.split_at_checked(3).unwrap_or_default();
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        number.bytes().all(|b| b.is_ascii_digit())
            && rest.len() > 1
            && rest.starts_with('-')
            && rest.bytes().all(legal)
    };
    one.filter(is_numbered).unwrap_or_else(|| FEATURE.to_owned())
}

/// A key by which numbers in ids are in their order.
fn natural(id: &str) -> (String, u64, String) {
    let digits = id.len() - id.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (stem, number) = id.split_at(id.len() - digits);
    (stem.to_ascii_lowercase(), number.parse().unwrap_or(u64::MAX), id.to_owned())
}
