//! The flags that describe a task, shared by `add` and `edit`, and those that pick tasks, by `list` and `export`.

use super::error::CliError;
use super::one_of::OneOf;
use crate::import::priority;
use crate::report::list::{Filter, Word};
use crate::state::concern::check_name;
use crate::state::graph::Graph;
use crate::state::id::TaskId;
use crate::state::task::{Kind, LINE_CHARS, Task, whole_line};

/// Which tasks are wanted.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Wanted {
    /// Only what stands so: a status, or `ready`, `waiting`, `in_progress` (several: any of them)
    #[arg(long = "status", value_name = "STATUS", value_parser = WORD, hide_possible_values = true)]
    #[arg(value_delimiter = ',')]
    statuses: Vec<Word>,
    /// Only this kind (several: any of them)
    #[arg(long = "kind", value_name = "KIND", value_parser = KIND, hide_possible_values = true)]
    #[arg(value_delimiter = ',')]
    kinds: Vec<Kind>,
    /// Only what has this label (may be repeated: all of them)
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    /// Only this priority, 0 to 4 (several: any of them)
    #[arg(long = "priority", value_name = "PRIORITY", value_parser = PRIORITY, hide_possible_values = true)]
    #[arg(value_delimiter = ',')]
    priorities: Vec<u8>,
    /// Only what belongs to this epic
    #[arg(long, value_name = "ID")]
    parent: Option<String>,
    /// Only what has this text in its id, title or labels, in whatever case (may be repeated: all of them)
    #[arg(long = "search", value_name = "TEXT")]
    texts: Vec<String>,
}

impl Wanted {
    /// What picks them; closed ones only if they are asked for.
    pub(super) fn filter(&self, closed: bool) -> Filter {
        Filter {
            words: self.statuses.clone(),
            kinds: self.kinds.clone(),
            labels: self.labels.clone(),
            priorities: self.priorities.clone(),
            parent: self.parent.clone(),
            texts: self.texts.iter().map(|text| text.to_lowercase()).collect(),
            closed,
        }
    }
}

const WORD: OneOf<Word> = OneOf { words: Word::all, read: Word::parse };
const KIND: OneOf<Kind> =
    OneOf { words: || Kind::ALL.iter().map(|kind| kind.as_str()).collect(), read: Kind::parse };
// Read as importers read it, so that `high` and `P1` of other tools are understood, too.
const PRIORITY: OneOf<u8> = OneOf { words: || vec!["0", "1", "2", "3", "4"], read: priority };

/// What a task is to be.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct TaskFlags {
    /// Kind: epic, feature, bug, refactor, test, docs, chore, research, review
    #[arg(long, value_parser = KIND, hide_possible_values = true)]
    pub kind: Option<Kind>,
    /// Priority: 0 urgent, 1 high, 2 normal, 3 low, 4 someday, or one of these words
    #[arg(long, value_parser = PRIORITY, hide_possible_values = true)]
    pub priority: Option<u8>,
    /// Complexity, 1 to 10
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=10))]
    pub complexity: Option<u8>,
    /// A task that has to be done first (may be repeated); `+ID` is one more than those that are named already
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub depends_on: Vec<String>,
    /// The epic that it belongs to
    #[arg(long, value_name = "ID")]
    pub parent: Option<String>,
    /// A label (may be repeated)
    #[arg(long = "label", value_name = "LABEL")]
    pub labels: Vec<String>,
    /// A file or glob that it is expected to change (may be repeated)
    #[arg(long = "file", value_name = "GLOB")]
    pub files: Vec<String>,
    /// What "done" means (may be repeated)
    #[arg(long = "accept", value_name = "CRITERION")]
    pub acceptance: Vec<String>,
    /// What built-in gates may find in its work and only report, such as `tests-changed` (may be repeated)
    #[arg(long, value_name = "NAME", value_parser = concern)]
    pub allow: Vec<String>,
    /// What it is about
    #[arg(long)]
    pub body: Option<String>,
    /// The command that does it, for the built-in `shell` agent
    #[arg(long, value_name = "COMMAND")]
    pub run: Option<String>,
}

/// A name of what a built-in gate finds.
fn concern(name: &str) -> Result<String, String> {
    check_name(name).map(|()| name.to_owned())
}

impl TaskFlags {
    /// Whether any was given.
    #[must_use]
    pub(super) fn any(&self) -> bool {
        let lists = [&self.depends_on, &self.labels, &self.files, &self.acceptance, &self.allow];
        let texts = [&self.parent, &self.body, &self.run];
        self.kind.is_some()
            || self.priority.is_some()
            || self.complexity.is_some()
            || lists.iter().any(|list| !list.is_empty())
            || texts.iter().any(|text| text.is_some())
    }

    /// Puts the flags that were given into a task; lists replace lists, what is empty takes away.
    ///
    /// # Errors
    /// When a task that is named is not there.
    pub(super) fn apply(&self, task: &mut Task, graph: &Graph) -> Result<(), CliError> {
        task.kind = self.kind.unwrap_or(task.kind);
        task.priority = self.priority.unwrap_or(task.priority);
        task.complexity = self.complexity.or(task.complexity);
        if !self.depends_on.is_empty() {
            if !self.depends_on.iter().all(|id| id.starts_with('+')) {
                task.depends_on.clear();
            }
            let named =
                self.depends_on.iter().map(|id| id.trim_start_matches('+')).filter(|id| !id.is_empty());
            for id in named {
                task.depends_on.push(known(graph, id)?);
            }
        }
        if let Some(parent) = &self.parent {
            task.parent = Some(parent).filter(|id| !id.is_empty()).map(|id| known(graph, id)).transpose()?;
        }
        for (what, given, list) in [
            ("label", &self.labels, &mut task.labels),
            ("file", &self.files, &mut task.files),
            ("criterion", &self.acceptance, &mut task.acceptance),
            ("name", &self.allow, &mut task.allow),
        ] {
            if !given.is_empty() {
                let lines = given.iter().map(|text| whole_line(what, text, LINE_CHARS));
                *list = lines
                    .filter(|line| line.as_ref().map_or(true, |line| !line.is_empty()))
                    .collect::<Result<_, _>>()?;
            }
        }
        if let Some(body) = &self.body {
            task.description.clone_from(body);
        }
        if let Some(run) = &self.run {
            task.run = Some(run.clone()).filter(|run| !run.is_empty());
        }
        task.normalise();
        Ok(())
    }
}

fn known(graph: &Graph, id: &str) -> Result<TaskId, CliError> {
    let found = graph.find(id).map(|index| graph.nodes()[index].id.clone());
    found.ok_or_else(|| {
        CliError::usage(format!("there is no task `{id}`")).hint("type `orch list` to see the tasks")
    })
}

/// What a task waits for no longer, because a list that was named took the place of the one that was there.
pub(super) fn no_longer(before: &Task, after: &Task) -> Option<String> {
    let gone = before.depends_on.iter().filter(|id| !after.depends_on.contains(id));
    let gone: Vec<String> = gone.map(|id| format!("`{id}`")).collect();
    let more = "`--depends-on +ID` leaves what is there";
    let is_told = !gone.is_empty() && !after.depends_on.is_empty();
    is_told.then(|| format!("`{}` no longer waits for {}: {more}", after.id, gone.join(", ")))
}
