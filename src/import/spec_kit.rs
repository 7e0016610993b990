//! spec-kit: `tasks.md`, checkboxes with ids under phases.
//!
//! A phase becomes an epic. A task without `[P]` waits for what is before it in its phase; `[P]` tasks
//! wait for the last one without. Phases follow each other, but those of user stories only wait for
//! the last phase before the stories. The ids start anew in each feature, so a task's name has its
//! feature's before it, and where several features are read at once its id has the number too.

use super::draft::{Draft, Harvest};
use super::markdown::{Fence, checkbox, heading};
use super::text::{decode, name_of, paths_in};
use super::{ForeignFile, LossKind, words};
use crate::state::status::Status;
use crate::state::task::{Kind, PRIORITY_DEFAULT};
use std::collections::HashSet;

/// The longest range (`T031-T036`) that is read.
const MAX_RANGE: u32 = 200;

/// Reads the tasks of all features.
pub(super) fn read(files: &[&ForeignFile]) -> Harvest {
    let mut harvest = Harvest::default();
    for file in files {
        let content = decode(&file.bytes);
        let feature = feature_of(&file.path, &content);
        let prefix = if files.len() > 1 { id_prefix(&feature) } else { String::new() };
        let before = harvest.drafts.len();
        let mut reader = Reader {
            harvest: &mut harvest,
            path: &file.path,
            feature,
            prefix,
            phases: Vec::new(),
            known: HashSet::new(),
        };
        reader.read(&content);
        reader.connect();
        if harvest.drafts.len() == before {
            harvest.losses.tell(LossKind::Skipped, &file.path, "no line such as `- [ ] T001 …` in it");
        }
    }
    harvest
}

/// Whether a line is a task: a checkbox and an id.
pub(super) fn is_task_line(line: &str) -> bool {
    checkbox(line).is_some_and(|(_, rest)| split_id(rest).is_some())
}

/// The feature: the folder below `specs/`, else what the file says of itself, else its name.
fn feature_of(path: &str, content: &str) -> String {
    let is_numbered = |part: &&str| {
        part.len() > 4 && part.bytes().take(3).all(|b| b.is_ascii_digit()) && part.as_bytes()[3] == b'-'
    };
    let folder = path.split('/').rev().skip(1).find(is_numbered);
    let head: String = content.lines().take(20).collect::<Vec<_>>().join("\n");
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let said = head.split(|c| !legal(c)).find(is_numbered);
    folder.or(said).map_or_else(|| feature_by_title(path, content), str::to_owned)
}

/// The title in one word, so that two features without a number are not taken for one.
fn feature_by_title(path: &str, content: &str) -> String {
    let title = content.lines().find_map(heading).map(|(_, title)| title).unwrap_or_default();
    let name = words::plain(title.trim_start_matches("Tasks:")).trim_matches('_').replace('_', "-");
    if name.is_empty() { name_of(path).trim_end_matches(".md").to_owned() } else { name }
}

fn id_prefix(feature: &str) -> String {
    let digits: String = feature.chars().take_while(char::is_ascii_digit).collect();
    if digits.is_empty() { format!("{feature}-") } else { format!("{digits}-") }
}

/// The id at the beginning of a task line, and the rest: `T001`, or `1.2`.
fn split_id(text: &str) -> Option<(&str, &str)> {
    let (id, rest) = text.split_once(char::is_whitespace)?;
    let id = id.trim_matches(['*', ':']);
    let digits = id.strip_prefix('T').unwrap_or(id);
    let is_id = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.ends_with(|c: char| c.is_ascii_alphanumeric())
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || b == b'.' || (id.starts_with('T') && b.is_ascii_lowercase()));
    (is_id && id.len() <= 16 && (id.starts_with('T') || id.contains('.'))).then_some((id, rest.trim()))
}

struct Phase {
    /// Where its epic is among the drafts; none for tasks before the first heading.
    epic: Option<usize>,
    is_story: bool,
    priority: u8,
    tasks: Vec<usize>,
    parallel: Vec<bool>,
}

struct Reader<'a> {
    harvest: &'a mut Harvest,
    path: &'a str,
    feature: String,
    prefix: String,
    phases: Vec<Phase>,
    known: HashSet<String>,
}

impl Reader<'_> {
    fn read(&mut self, content: &str) {
        let mut fence = Fence::default();
        let mut open = None;
        for (number, line) in content.lines().enumerate() {
            if fence.holds(line) {
                continue;
            }
            if let Some((level, title)) = heading(line) {
                open = None;
                if level == 2 {
                    self.phase(title, number + 1);
                }
            } else if let Some((done, rest)) = checkbox(line) {
                open = self.task(done, rest, number + 1);
            } else if let Some(index) =
                open.filter(|_| line.starts_with([' ', '\t']) && !line.trim().is_empty())
            {
                let draft: &mut Draft = &mut self.harvest.drafts[index];
                draft.description.push('\n');
                draft.description.push_str(line);
            } else {
                open = None;
                self.introduce(line);
            }
        }
    }

    /// Keeps what a phase says before its first task.
    fn introduce(&mut self, line: &str) {
        let phase = self.phases.last().filter(|phase| phase.tasks.is_empty());
        if let Some(epic) = phase.and_then(|phase| phase.epic)
            && line.trim() != "---"
        {
            let text = &mut self.harvest.drafts[epic].description;
            text.push_str(line);
            text.push('\n');
        }
    }

    fn phase(&mut self, title: &str, line: usize) {
        let words: String =
            title.split([':', '-', '(']).next().unwrap_or_default().chars().take(40).collect();
        let name = words::plain(&words).trim_matches('_').replace('_', "-");
        let name = if name.is_empty() { format!("line-{line}") } else { name };
        let mut draft = Draft::new(format!("{}/{name}", self.feature), format!("{}:{line}", self.path));
        draft.id = format!("{}{name}", self.prefix);
        draft.kind = Kind::Epic;
        title.clone_into(&mut draft.title);
        let priority = title.find("(Priority:").and_then(|at| {
            words::priority(
                title[at..].trim_start_matches("(Priority:").split(')').next().unwrap_or_default(),
            )
        });
        draft.priority = priority.unwrap_or(PRIORITY_DEFAULT);
        let is_story = title.contains("User Story") || title.contains("(US");
        let priority = draft.priority;
        self.phases.push(Phase {
            epic: Some(self.harvest.drafts.len()),
            is_story,
            priority,
            tasks: Vec::new(),
            parallel: Vec::new(),
        });
        self.harvest.drafts.push(draft);
    }

    fn task(&mut self, done: bool, rest: &str, line: usize) -> Option<usize> {
        let Some((id, mut text)) = split_id(rest) else {
            self.harvest.losses.count(LossKind::Skipped, "checkboxes without an id", "are not tasks");
            return None;
        };
        let mut draft = Draft::new(format!("{}/{id}", self.feature), format!("{}:{line}", self.path));
        draft.id = format!("{}{id}", self.prefix);
        let mut parallel = false;
        while let Some((tag, after)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            match tag {
                "P" => parallel = true,
                tag if tag.starts_with("US") && tag.len() <= 8 => draft.labels.push(tag.to_owned()),
                _ => break,
            }
            text = after.trim_start();
        }
        text.clone_into(&mut draft.title);
        if text.chars().count() > 200 {
            text.clone_into(&mut draft.description);
        }
        draft.files = paths_in(text);
        draft.depends_on = self.named_dependencies(text);
        if done {
            draft.status = Status::Done;
        }
        if self.phases.is_empty() {
            self.phases.push(Phase {
                epic: None,
                is_story: false,
                priority: PRIORITY_DEFAULT,
                tasks: Vec::new(),
                parallel: Vec::new(),
            });
        }
        let index = self.harvest.drafts.len();
        if let Some(phase) = self.phases.last_mut() {
            draft.priority = phase.priority;
            draft.parent = phase.epic.map(|epic| self.harvest.drafts[epic].key.clone());
            phase.tasks.push(index);
            phase.parallel.push(parallel);
        }
        self.known.insert(id.to_owned());
        self.harvest.drafts.push(draft);
        Some(index)
    }

    /// The tasks named after "depends on", ranges included.
    fn named_dependencies(&self, text: &str) -> Vec<String> {
        let lower = text.to_ascii_lowercase();
        let Some(at) = lower.find("depends on") else { return Vec::new() };
        let rest = &text[at + "depends on".len()..];
        let rest = &rest[..rest.find([')', ';']).unwrap_or(rest.len())];
        let mut found = Vec::new();
        for word in rest.split(|c: char| c.is_whitespace() || c == ',').filter(|word| word.starts_with('T')) {
            let word = word.trim_end_matches('.');
            match word.split_once(['-', '\u{2013}']).and_then(|(from, to)| range(from, to)) {
                Some(ids) => found.extend(ids.into_iter().filter(|id| self.known.contains(id))),
                None => found.push(word.to_owned()),
            }
        }
        found.iter().map(|id| format!("{}/{id}", self.feature)).collect()
    }

    /// Adds the edges that follow from the order, and drops phases without tasks.
    fn connect(&mut self) {
        let phases = std::mem::take(&mut self.phases);
        let mut before: Vec<String> = Vec::new();
        let mut stories: Vec<String> = Vec::new();
        let mut empty = Vec::new();
        for phase in phases {
            if phase.tasks.is_empty() {
                empty.extend(phase.epic);
                continue;
            }
            let roots = self.order_within(&phase);
            if !phase.is_story && !stories.is_empty() {
                before = std::mem::take(&mut stories);
            }
            if !before.is_empty() {
                let place = self.harvest.drafts[phase.tasks[0]].place.clone();
                self.harvest.chain(&roots, &before, &place);
            }
            if let Some(epic) = phase.epic {
                let is_done =
                    phase.tasks.iter().all(|&task| self.harvest.drafts[task].status == Status::Done);
                let draft = &mut self.harvest.drafts[epic];
                draft.status = if is_done { Status::Done } else { Status::Pending };
                if phase.is_story {
                    stories.push(draft.key.clone());
                } else {
                    before = vec![draft.key.clone()];
                }
            }
        }
        let mut index = 0;
        let empty: HashSet<usize> = empty.into_iter().collect();
        self.harvest.drafts.retain(|_| {
            index += 1;
            !empty.contains(&(index - 1))
        });
    }

    /// Orders the tasks of a phase; the ones that wait for none of the others are returned.
    fn order_within(&mut self, phase: &Phase) -> Vec<usize> {
        let mut barrier: Option<String> = None;
        let mut since: Vec<String> = Vec::new();
        let mut roots = Vec::new();
        for (&task, &parallel) in phase.tasks.iter().zip(&phase.parallel) {
            let draft = &mut self.harvest.drafts[task];
            let key = draft.key.clone();
            if barrier.is_none() && (parallel || since.is_empty()) {
                roots.push(task);
            }
            if parallel {
                draft.depends_on.extend(barrier.clone());
                since.push(key);
            } else {
                let waits =
                    if since.is_empty() { barrier.into_iter().collect() } else { std::mem::take(&mut since) };
                draft.depends_on.extend(waits);
                barrier = Some(key);
            }
        }
        roots
    }
}

fn range(from: &str, to: &str) -> Option<Vec<String>> {
    let number = |text: &str| text.strip_prefix('T')?.parse::<u32>().ok();
    let (first, last) = (number(from)?, number(to)?);
    let width = from.len() - 1;
    (first <= last && last - first <= MAX_RANGE)
        .then(|| (first..=last).map(|n| format!("T{n:0width$}")).collect())
}
