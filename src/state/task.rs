//! A task: a unit of work.

use super::id::{RunId, TaskId};
use super::status::Status;
use jiff::Timestamp;

/// What sort of work a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A container: done when its children are.
    Epic,
    /// New behaviour.
    Feature,
    /// Wrong behaviour put right.
    Bug,
    /// Same behaviour, better code.
    Refactor,
    /// Tests.
    Test,
    /// Documentation.
    Docs,
    /// Upkeep: dependencies, formatting, configuration.
    Chore,
    /// Finding something out.
    Research,
    /// Judging somebody else's work.
    Review,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Epic,
        Self::Feature,
        Self::Bug,
        Self::Refactor,
        Self::Test,
        Self::Docs,
        Self::Chore,
        Self::Research,
        Self::Review,
    ];

    /// The word in files and output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Epic => "epic",
            Self::Feature => "feature",
            Self::Bug => "bug",
            Self::Refactor => "refactor",
            Self::Test => "test",
            Self::Docs => "docs",
            Self::Chore => "chore",
            Self::Research => "research",
            Self::Review => "review",
        }
    }

    /// The kind that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The least urgent priority.
pub const PRIORITY_MAX: u8 = 4;
/// The priority of a task that says nothing: normal.
pub const PRIORITY_DEFAULT: u8 = 2;

/// How big a task is thought to be, and why.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Estimate {
    /// Files that will change.
    pub files: Option<u32>,
    /// `low`, `medium` or `high`.
    pub tests: Option<String>,
    /// `none`, `light`, `medium` or `heavy`.
    pub docs: Option<String>,
    /// Predicted tokens, input and output together.
    pub tokens: Option<u64>,
    /// 0..1.
    pub confidence: Option<f64>,
}

/// What orch keeps about a task's past.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Steps that ran the task, accepted or not.
    pub attempts: u32,
    /// The newest of them.
    pub last_run: Option<RunId>,
}

/// A unit of work: the content of one task file.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its id: the stem of its file.
    pub id: TaskId,
    /// One line, no control characters, not empty.
    pub title: String,
    /// What sort of work it is.
    pub kind: Kind,
    /// 1..=10.
    pub complexity: Option<u8>,
    /// When it was written down.
    pub created: Option<Timestamp>,
    /// Where it came from, such as `github:acme/api#42` or `beads:bd-a1b2`.
    pub source: Option<String>,
    /// What the source said when it was last imported, as digests of its fields.
    pub source_digest: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// Why it is blocked, rejected, cancelled.
    pub reason: Option<String>,
    /// 0 (urgent) ..= 4 (someday).
    pub priority: u8,
    /// The epic that it belongs to.
    pub parent: Option<TaskId>,
    /// Tasks that have to be done first; sorted, no duplicates.
    pub depends_on: Vec<TaskId>,
    /// Sorted, no duplicates.
    pub labels: Vec<String>,
    /// Expected scope, as globs; sorted, no duplicates.
    pub files: Vec<String>,
    /// What "done" means, in the order that it was written.
    pub acceptance: Vec<String>,
    /// What built-in gates may find and only report, by name; sorted, no duplicates.
    pub allow: Vec<String>,
    /// The command of the built-in `shell` agent.
    pub run: Option<String>,
    /// Free text.
    pub description: String,
    /// How big it is thought to be.
    pub estimate: Option<Estimate>,
    /// What happened to it.
    pub history: History,
}

impl Task {
    /// A new task with defaults everywhere else.
    #[must_use]
    pub fn new(id: TaskId, title: impl Into<String>) -> Self {
        Self {
            id,
            title: title.into(),
            kind: Kind::Feature,
            complexity: None,
            created: None,
            source: None,
            source_digest: None,
            status: Status::Pending,
            reason: None,
            priority: PRIORITY_DEFAULT,
            parent: None,
            depends_on: Vec::new(),
            labels: Vec::new(),
            files: Vec::new(),
            acceptance: Vec::new(),
            allow: Vec::new(),
            run: None,
            description: String::new(),
            estimate: None,
            history: History::default(),
        }
    }

    /// Puts lists whose order means nothing into their one order, without duplicates.
    pub fn normalise(&mut self) {
        for list in [&mut self.labels, &mut self.files, &mut self.allow] {
            list.sort();
            list.dedup();
        }
        self.depends_on.sort();
        self.depends_on.dedup_by(|a, b| a.folded() == b.folded());
    }
}

/// One line without control, bidi or invisible characters: what a title may be.
///
/// Runs of white space become one space; at most `max` characters are kept.
#[must_use]
pub fn one_line(text: &str, max: usize) -> String {
    let visible: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !is_unprintable(*c))
        .collect();
    let words: Vec<&str> = visible.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(max).collect()
}

/// The most characters that a title may have.
pub const TITLE_CHARS: usize = 200;
/// The most characters that a reason may have.
pub const REASON_CHARS: usize = 300;
/// The most characters that an entry of a list, or a line of a note, may have.
pub const LINE_CHARS: usize = 500;

/// A text that a person wrote and that does not fit: it is theirs to shorten.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {what} has {count} characters, and {max} are the most")]
pub struct TooLong {
    what: &'static str,
    count: usize,
    max: usize,
}

/// One line as [`one_line`] has it, whole.
///
/// # Errors
/// When it has more than `max` characters.
pub fn whole_line(what: &'static str, text: &str, max: usize) -> Result<String, TooLong> {
    fits(what, one_line(text, usize::MAX), max)
}

/// Lines as [`plain_lines`] has them, whole.
///
/// # Errors
/// When they have more than `max` characters.
pub fn whole_lines(what: &'static str, text: &str, max: usize) -> Result<String, TooLong> {
    fits(what, plain_lines(text, usize::MAX), max)
}

fn fits(what: &'static str, text: String, max: usize) -> Result<String, TooLong> {
    let count = text.chars().count();
    if count > max { Err(TooLong { what, count, max }) } else { Ok(text) }
}

/// Lines without what could hide text or steer a terminal, at most `max` characters of them.
#[must_use]
pub fn plain_lines(text: &str, max: usize) -> String {
    let kept: String =
        text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_unprintable(*c)).take(max).collect();
    kept.trim().to_owned()
}

/// Whether a character could hide text or steer a terminal.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}')
}
