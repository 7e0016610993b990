//! Tasks one a line.
//!
//! In: a graph and a [`Filter`]. Out: a [`Listing`], for people a table, for programs a document.
//! Invariant: any number of tasks is listed in linear time but for one sort.

use super::at_work::AtWork;
use super::graph::json::standing as standing_word;
use super::graph::text::style;
use super::graph::{Look, look, word};
use super::table::{Cell, Table, paint};
use super::{plural, safe};
use crate::select::{Rules, queue, why_not};
use crate::state::graph::{Graph, Index, Node, Standing};
use crate::state::status::Status;
use crate::state::task::Kind;
use anstyle::Style;
use serde::Serialize;
use std::collections::HashMap;

/// How many tasks that are waited for are named.
const NEEDS_MAX: usize = 3;
/// Columns that a title keeps on a narrow terminal.
const TITLE_MIN: usize = 24;

/// A word for where tasks stand: a status, or one that is derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// This very status; an epic's is derived.
    Status(Status),
    /// A step may take it.
    Ready,
    /// To be done once other tasks are.
    Waiting,
    /// Somebody works on it.
    InProgress,
}

impl Word {
    /// The word that a text is.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "ready" => Some(Self::Ready),
            "waiting" => Some(Self::Waiting),
            "in_progress" => Some(Self::InProgress),
            other => Status::parse(other).map(Self::Status),
        }
    }

    /// All texts that are words.
    #[must_use]
    pub fn all() -> Vec<&'static str> {
        let derived = ["ready", "waiting", "in_progress"];
        derived.into_iter().chain(Status::ALL.into_iter().map(Status::as_str)).collect()
    }

    fn fits(self, status: Status, look: Look) -> bool {
        match self {
            // What a cancelled dependency blocks is blocked, too.
            Self::Status(Status::Blocked) => look == Look::Blocked,
            Self::Status(word) => status == word && look != Look::Running,
            Self::Ready => look == Look::Ready,
            Self::Waiting => look == Look::Waiting,
            Self::InProgress => look == Look::Running,
        }
    }
}

/// Which tasks are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Any of these; what is open, if there are none.
    pub words: Vec<Word>,
    /// Any of these; every kind, if there are none.
    pub kinds: Vec<Kind>,
    /// All of these.
    pub labels: Vec<String>,
    /// Any of these; every priority, if there are none.
    pub priorities: Vec<u8>,
    /// Children of this epic alone.
    pub parent: Option<String>,
    /// All of these texts, in lower case, in an id, a title or a label.
    pub texts: Vec<String>,
    /// What is closed, too.
    pub closed: bool,
}

impl Filter {
    /// Whether a task is wanted, wherever it stands.
    fn wants(&self, node: &Node) -> bool {
        let has = |text: &String| {
            let holds = |words: &str| words.to_lowercase().contains(text.as_str());
            holds(node.id.as_str()) || holds(&node.title) || node.labels.iter().any(|label| holds(label))
        };
        let of = |parent: &String| {
            node.parent.as_ref().is_some_and(|each| each.as_str().eq_ignore_ascii_case(parent))
        };
        (self.kinds.is_empty() || self.kinds.contains(&node.kind))
            && (self.priorities.is_empty() || self.priorities.contains(&node.priority))
            && self.labels.iter().all(|label| node.labels.iter().any(|each| **each == **label))
            && self.parent.iter().all(of)
            && self.texts.iter().all(has)
    }
}

/// A task that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its place in the graph.
    pub index: Index,
    /// What it looks like.
    pub look: Look,
    /// Where it stands.
    pub standing: Standing,
}

/// The tasks that are wanted, and how many others there are.
#[derive(Debug)]
pub struct Listing<'g> {
    graph: &'g Graph,
    rules: Rules,
    /// Who works on what.
    pub at_work: Vec<AtWork>,
    /// What a step would take first comes first.
    pub rows: Vec<Row>,
    /// How many would be listed without a limit.
    pub matching: usize,
    /// Closed tasks that are left out because nobody asked for them.
    pub hidden_closed: usize,
    /// Whether there are files that cannot be read.
    pub has_unreadable: bool,
}

impl<'g> Listing<'g> {
    /// Picks tasks, at most `limit`.
    #[must_use]
    pub fn new(
        graph: &'g Graph,
        rules: Rules,
        running: &[Index],
        filter: &Filter,
        limit: Option<usize>,
    ) -> Self {
        let (mut rows, mut hidden_closed) = (Vec::new(), 0);
        for (index, node) in graph.nodes().iter().enumerate() {
            let status = graph.status(index);
            if !filter.wants(node) {
                continue;
            }
            if filter.words.is_empty() && !filter.closed && status.is_closed() {
                hidden_closed += 1;
                continue;
            }
            let look = look(graph, index, rules.agent_review, running.contains(&index));
            let standing = graph.standing(index, rules.agent_review);
            if filter.words.is_empty() || filter.words.iter().any(|word| word.fits(status, look)) {
                rows.push(Row { index, look, standing });
            }
        }
        let queue = places(graph, rules, limit);
        let age = |index: Index| graph.nodes()[index].created.unwrap_or(jiff::Timestamp::MAX);
        rows.sort_by_cached_key(|row| {
            let place = queue.get(&row.index).filter(|_| row.look == Look::Ready);
            let node = &graph.nodes()[row.index];
            (rank(row.look), place.copied().unwrap_or(usize::MAX), node.priority, age(row.index))
        });
        let matching = rows.len();
        rows.truncate(limit.unwrap_or(usize::MAX));
        Self { graph, rules, at_work: Vec::new(), rows, matching, hidden_closed, has_unreadable: false }
    }

    /// The listing for people.
    #[must_use]
    pub fn human(&self, width: Option<usize>, colour: bool) -> String {
        let mut table = Table::with_head(&["", "ID", "PRI", "KIND", "STATUS", "TITLE", ""]);
        let room = width.map(|width| self.title_room(width));
        for row in &self.rows {
            let node = &self.graph.nodes()[row.index];
            let title = match room {
                Some(room) => Cell::new(safe::truncate(&safe::text(&node.title), room)),
                None => Cell::new(&node.title),
            };
            table.row([
                Cell::new(row.look.glyph(false)).styled(style(row.look)),
                Cell::new(node.id.as_str()),
                Cell::from(node.priority),
                Cell::new(node.kind.as_str()),
                Cell::new(self.status(row)).styled(style(row.look)),
                title,
                Cell::new(self.reason(row)).styled(Style::new().dimmed()),
            ]);
        }
        let mut out = table.render(width, colour);
        let left_out = self.left_out();
        if !left_out.is_empty() {
            let gap = if out.is_empty() { "" } else { "\n" };
            out = format!("{out}{gap}{}\n", paint(&left_out, Style::new().dimmed(), colour));
        }
        out
    }

    /// What is not in the table, and how to see it.
    fn left_out(&self) -> String {
        let more = self.matching - self.rows.len();
        let closed = self.hidden_closed;
        match (more, closed) {
            (0, 0) if self.graph.nodes().is_empty() && self.has_unreadable => {
                "no task can be read: `orch fsck`".to_owned()
            }
            (0, 0) if self.graph.nodes().is_empty() => "no tasks yet: `orch add \"what to do\"`".to_owned(),
            (0, 0) if self.rows.is_empty() => "no such task".to_owned(),
            (0, 0) => String::new(),
            (0, closed) if self.rows.is_empty() => {
                format!("nothing is open; {closed} closed: `orch list --all`")
            }
            (0, closed) => format!("{closed} closed: `orch list --all`"),
            (more, 0) => format!("{} more: `--limit {}`", plural(more, "task"), self.matching),
            (more, closed) => {
                format!(
                    "{} more: `--limit {}`; {closed} closed: `--all`",
                    plural(more, "task"),
                    self.matching
                )
            }
        }
    }

    /// Columns that titles may have, so that something is left for why a task waits.
    fn title_room(&self, width: usize) -> usize {
        let ids = self.rows.iter().map(|row| self.graph.nodes()[row.index].id.as_str().len()).max();
        let kinds = self.rows.iter().map(|row| self.graph.nodes()[row.index].kind.as_str().len()).max();
        let statuses = self.rows.iter().map(|row| self.status(row).len()).max();
        let fixed =
            1 + ids.unwrap_or(2).max(2) + 3 + kinds.unwrap_or(4).max(4) + statuses.unwrap_or(6).max(6);
        let free = width.saturating_sub(fixed + 12);
        let why = self.rows.iter().map(|row| safe::width(&self.reason(row))).max().unwrap_or(0);
        // Titles give way to reasons, but never by more than a third.
        free.saturating_sub(why.min(free / 3)).max(TITLE_MIN)
    }

    fn status(&self, row: &Row) -> String {
        word(self.graph, row.index, row.look)
    }

    /// Why a task waits, in a few words; nothing where its status says it all.
    fn reason(&self, row: &Row) -> String {
        let id = |index: Index| &self.graph.nodes()[index].id;
        match &row.standing {
            _ if row.look == Look::Running => self
                .at_work
                .iter()
                .find(|each| each.task == id(row.index).as_str())
                .map_or_else(String::new, AtWork::by),
            Standing::Waiting(on) => {
                let names: Vec<&str> = on.iter().take(NEEDS_MAX).map(|&on| id(on).as_str()).collect();
                let more = on.len().saturating_sub(NEEDS_MAX);
                let more = if more > 0 { format!(", +{more}") } else { String::new() };
                format!("← {}{more}", names.join(", "))
            }
            Standing::DependencyCancelled(on) => format!("← {} (cancelled)", id(*on)),
            Standing::DependencyMissing(missing) => format!("← {missing} (not there)"),
            Standing::InCycle => "in a cycle".to_owned(),
            Standing::Runnable | Standing::Container | Standing::Held(_) | Standing::Closed(_) => {
                String::new()
            }
        }
    }

    fn why(&self, row: &Row) -> Option<String> {
        if row.look == Look::Running {
            let id = self.graph.nodes()[row.index].id.as_str();
            let who = self.at_work.iter().find(|each| each.task == id).map(AtWork::who);
            return Some(who.unwrap_or_else(|| "it is in progress".to_owned()));
        }
        why_not(self.graph, self.rules, row.index)
    }

    /// The listing for programs, as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        let document = Document {
            tasks: self.rows.iter().map(|row| self.item(row)).collect(),
            matching: self.matching,
            hidden_closed: self.hidden_closed,
        };
        // Strings, numbers and lists always serialise.
        serde_json::to_string(&document).unwrap_or_default()
    }

    fn item(&self, row: &Row) -> Item<'g> {
        let node = &self.graph.nodes()[row.index];
        let running = row.look == Look::Running;
        Item {
            id: node.id.as_str(),
            title: &node.title,
            kind: node.kind.as_str(),
            status: if running { "in_progress" } else { self.graph.status(row.index).as_str() },
            standing: if running { "in_progress" } else { standing_word(&row.standing) },
            why: self.why(row),
            priority: node.priority,
            complexity: node.complexity,
            parent: node.parent.as_ref().map(crate::state::id::TaskId::as_str),
            depends_on: node.depends_on.iter().map(crate::state::id::TaskId::as_str).collect(),
            labels: node.labels.iter().map(|label| &**label).collect(),
            created: node.created.map(|time| time.to_string()),
            attempts: node.attempts,
            path: &node.path,
        }
    }
}

/// Where tasks are in the queue, so that a list has the order in which they would be taken.
fn places(graph: &Graph, rules: Rules, limit: Option<usize>) -> HashMap<Index, usize> {
    let queue = queue(graph, Rules { has_agent: true, ..rules }, limit.unwrap_or(usize::MAX));
    queue.into_iter().enumerate().map(|(place, candidate)| (candidate.index, place)).collect()
}

/// The order of a list: what goes on, what could, what a person has to do, what waits, what is over.
fn rank(look: Look) -> u8 {
    match look {
        Look::Running => 0,
        Look::Ready => 1,
        Look::Person => 2,
        Look::Blocked => 3,
        Look::Proposed => 4,
        Look::Waiting => 5,
        Look::Epic => 6,
        Look::Done => 7,
        Look::Cancelled => 8,
    }
}

#[derive(Serialize)]
struct Document<'g> {
    tasks: Vec<Item<'g>>,
    matching: usize,
    hidden_closed: usize,
}

#[derive(Serialize)]
struct Item<'g> {
    id: &'g str,
    title: &'g str,
    kind: &'static str,
    status: &'static str,
    standing: &'static str,
    why: Option<String>,
    priority: u8,
    complexity: Option<u8>,
    parent: Option<&'g str>,
    depends_on: Vec<&'g str>,
    labels: Vec<&'g str>,
    created: Option<String>,
    attempts: u32,
    path: &'g str,
}

#[cfg(test)]
mod tests {
    use super::super::graph::samples::{ATTACKS, graph, small, task, with};
    use super::*;
    use crate::state::id::TaskId;

    const RULES: Rules =
        Rules { agent_review: false, has_agent: true, mode: crate::select::mode::Mode::Balance };

    fn ids<'g>(graph: &'g Graph, filter: &Filter) -> Vec<&'g str> {
        let listing = Listing::new(graph, RULES, &[], filter, None);
        listing.rows.iter().map(|row| graph.nodes()[row.index].id.as_str()).collect()
    }

    fn words(words: &[&str]) -> Filter {
        Filter { words: words.iter().map(|word| Word::parse(word).unwrap()).collect(), ..Filter::default() }
    }

    #[test]
    fn every_word_is_read_and_no_other() {
        assert!(Word::all().into_iter().all(|word| Word::parse(word).is_some()));
        assert_eq!(Word::all().len(), 10);
        assert_eq!(Word::parse("Ready"), None);
    }

    #[test]
    fn the_whole_table_of_a_small_graph() {
        let graph = small();
        let all = Filter { closed: true, ..Filter::default() };
        insta::assert_snapshot!(Listing::new(&graph, RULES, &[], &all, None).human(Some(100), false));
    }

    #[test]
    fn what_is_open_is_listed_and_what_is_closed_is_counted() {
        let graph = graph(&[
            with(task("a", "A", &[]), Status::Done, ""),
            with(task("b", "B", &["a"]), Status::Pending, ""),
            with(task("c", "C", &["b"]), Status::Pending, ""),
            with(task("d", "D", &[]), Status::Cancelled, ""),
        ]);
        assert_eq!(ids(&graph, &Filter::default()), ["b", "c"]);
        assert_eq!(ids(&graph, &words(&["ready"])), ["b"]);
        assert_eq!(ids(&graph, &words(&["waiting"])), ["c"]);
        assert_eq!(ids(&graph, &words(&["pending"])), ["b", "c"]);
        assert_eq!(ids(&graph, &words(&["done", "waiting"])), ["c", "a"]);
        assert_eq!(ids(&graph, &Filter { closed: true, ..Filter::default() }), ["b", "c", "a", "d"]);
        let text = Listing::new(&graph, RULES, &[], &Filter::default(), Some(1)).human(None, false);
        assert!(text.ends_with("\n1 task more: `--limit 2`; 2 closed: `--all`\n"), "{text}");
    }

    #[test]
    fn a_task_that_somebody_works_on_is_in_progress_and_nothing_else() {
        let graph = graph(&[task("a", "A", &[])]);
        for (word, found) in [("in_progress", 1), ("ready", 0), ("pending", 0)] {
            let listing = Listing::new(&graph, RULES, &[0], &words(&[word]), None);
            assert_eq!(listing.rows.len(), found, "{word}");
        }
    }

    #[test]
    fn a_text_a_priority_and_an_epic_pick_tasks() {
        let mut login = task("login", "Ask for the PASSWORD again", &[]);
        login.priority = 1;
        login.labels = vec!["Auth".to_owned()];
        let mut child = task("x", "Straße und Weg", &[]);
        child.parent = Some(TaskId::new("login").unwrap());
        let graph = graph(&[login, child]);
        let texts = |texts: &[&str]| Filter {
            texts: texts.iter().map(|&text| text.to_owned()).collect(),
            ..Filter::default()
        };
        assert_eq!(ids(&graph, &texts(&["password"])), ["login"]);
        assert_eq!(ids(&graph, &texts(&["auth", "log"])), ["login"]);
        assert_eq!(ids(&graph, &texts(&["auth", "weg"])), Vec::<String>::new());
        assert_eq!(ids(&graph, &Filter { priorities: vec![1, 0], ..Filter::default() }), ["login"]);
        assert_eq!(ids(&graph, &Filter { parent: Some("Login".to_owned()), ..Filter::default() }), ["x"]);
    }

    #[test]
    fn what_is_ready_has_the_order_in_which_steps_would_take_it() {
        let mut first = task("z", "Unblocks another", &[]);
        first.priority = 1;
        let mut second = task("a", "Unblocks nothing", &[]);
        second.priority = 1;
        let graph = graph(&[second, first, task("w", "Waits", &["z"])]);
        assert_eq!(ids(&graph, &words(&["ready"])), ["z", "a"]);
        let listing = Listing::new(&graph, RULES, &[], &Filter::default(), Some(1));
        assert_eq!(graph.nodes()[listing.rows[0].index].id.as_str(), "z");
    }

    #[test]
    fn kinds_are_alternatives_and_labels_are_not() {
        let mut one = task("a", "A", &[]);
        one.labels = vec!["x".into(), "y".into()];
        one.kind = Kind::Bug;
        let mut two = task("b", "B", &[]);
        two.labels = vec!["x".into()];
        let graph = graph(&[one, two]);
        let kinds = |kinds: &[Kind]| Filter { kinds: kinds.to_vec(), ..Filter::default() };
        let labels = |labels: &[&str]| Filter {
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            ..Filter::default()
        };
        assert_eq!(ids(&graph, &kinds(&[Kind::Bug])), ["a"]);
        assert_eq!(ids(&graph, &kinds(&[Kind::Bug, Kind::Feature])), ["a", "b"]);
        assert_eq!(ids(&graph, &labels(&["x"])), ["a", "b"]);
        assert_eq!(ids(&graph, &labels(&["x", "y"])), ["a"]);
        assert!(ids(&graph, &labels(&["z"])).is_empty());
    }

    #[test]
    fn the_document_says_why_a_task_is_not_run() {
        let graph = graph(&[task("a", "A", &[]), task("b", "B", &["a"])]);
        let json = Listing::new(&graph, RULES, &[], &Filter::default(), None).json();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["tasks"][0]["why"], serde_json::Value::Null);
        assert_eq!(value["tasks"][1]["why"], "waits for `a`");
        assert_eq!(value["tasks"][1]["standing"], "waiting");
    }

    #[test]
    fn no_title_reaches_the_terminal_as_it_is() {
        for attack in ATTACKS {
            let graph = graph(&[task("a", attack, &[])]);
            let text = Listing::new(&graph, RULES, &[], &Filter::default(), None).human(Some(60), true);
            let plain = text.replace(['\u{1b}', '\n'], "");
            assert!(!plain.chars().any(safe::is_dangerous), "{text:?}");
            assert_eq!(text.lines().count(), 2, "{text:?}");
        }
    }
}
