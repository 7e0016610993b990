//! The history by step, from commits alone.
//!
//! In: commits, newest first. Out: [`Entry`]s, for people a table, for programs a document.
//! Invariant: a commit is a step when its trailers say so, each once and of a legal form; one without them (a squash
//! merge with a message of its own) is the steps whose records it brought. One that brought no record only claims a
//! step, and is marked.

use super::table::{Cell, Table};
use super::{spell_age, spell_ms, spell_usd};
use crate::commit::{read_trailers, trailer, trailers};
use crate::effects::{Commit, EffectError, Oid, World};
use crate::state::id::{RunId, TaskId};
use crate::state::recorded::Recorded;
use crate::state::run::{OutcomeKind, Run, Tokens};
use crate::state::runs::began;
use crate::state::store::{self, Source};
use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use serde::Serialize;

/// The longest that a step is believed to take: what is longer is a clock that was wrong.
const STEP_MAX_MS: i64 = 7 * 24 * 3_600 * 1_000;

/// One commit of orch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// The commit.
    pub commit: String,
    /// When it was made.
    pub time: String,
    /// The first line of its message.
    pub subject: String,
    /// The step that it records; none where a person's command changed the state.
    #[serde(flatten)]
    pub step: Option<Step>,
    #[serde(skip)]
    at: Timestamp,
}

/// What the trailers of a step's commit say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The run.
    pub run: String,
    /// The task.
    pub task: String,
    /// The judgement.
    pub outcome: &'static str,
    /// The gates that did not pass and had to.
    pub failed_gates: Vec<String>,
    /// The gates, with their verdicts.
    pub gates: String,
    /// The profile's name.
    pub agent: String,
    /// Agent sessions.
    pub attempts: u32,
    /// Tokens read by models, not from their cache.
    pub input: u64,
    /// Tokens read from the cache.
    pub cached: u64,
    /// Tokens written by models.
    pub output: u64,
    /// Cost in USD, where it is known.
    pub cost_usd: Option<f64>,
    /// From the beginning of the step to its commit.
    pub duration_ms: Option<u64>,
    /// Whether its commit has a record to show for it.
    pub recorded: bool,
    /// Whether its work was taken back later.
    pub undone: bool,
    #[serde(skip)]
    kind: OutcomeKind,
}

/// Which commits are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only steps of this task.
    pub task: Option<String>,
    /// Commits of orch that are no steps, too.
    pub all: bool,
}

/// The runs of a task that were undone.
type Undone<'w> = Box<dyn Fn(&TaskId) -> Vec<RunId> + 'w>;

/// A history that is read commit by commit.
pub struct Steps<'w> {
    recorded: Recorded<'w>,
    undone: Undone<'w>,
    wanted: Wanted,
}

impl<'w> Steps<'w> {
    /// What is wanted of the history of a commit.
    ///
    /// # Errors
    /// When its tree cannot be read.
    pub fn of(world: World<'w>, tip: Oid, wanted: Wanted) -> Result<Self, EffectError> {
        let undone = Box::new(store::undone(world, &Source::Tree(world.git.commit(tip)?.tree)));
        Ok(Self { recorded: Recorded::of(world, tip)?, undone, wanted })
    }

    /// What a commit is in this history: mostly nothing.
    ///
    /// # Errors
    /// When the repository is damaged.
    pub fn at(&mut self, commit: &Commit) -> Result<Vec<Entry>, EffectError> {
        let mut entries = if let Some(mut step) = Step::of(commit) {
            step.recorded = self.recorded.holds(commit, &step.run)?;
            vec![Entry::new(commit, Some(step))]
        } else {
            let brought = self.recorded.brought(commit)?;
            brought.iter().map(|run| Entry::new(commit, Step::recorded(run))).collect()
        };
        if entries.is_empty() && self.wanted.all && commit.message.starts_with("orch") {
            entries.push(Entry::new(commit, None));
        }
        entries.retain(|entry| entry.is_wanted(&self.wanted));
        for step in entries.iter_mut().filter_map(|entry| entry.step.as_mut()) {
            step.undone = step.kind == OutcomeKind::Accepted && self.is_undone(step);
        }
        Ok(entries)
    }
}

impl Steps<'_> {
    fn is_undone(&self, step: &Step) -> bool {
        let runs = TaskId::new(&step.task).map(|task| (self.undone)(&task)).unwrap_or_default();
        runs.iter().any(|run| run.as_str() == step.run)
    }
}

impl Entry {
    fn new(commit: &Commit, step: Option<Step>) -> Self {
        Self {
            commit: commit.id.to_string(),
            time: commit.time.to_string(),
            subject: commit.message.lines().next().unwrap_or_default().to_owned(),
            step,
            at: commit.time,
        }
    }

    fn is_wanted(&self, wanted: &Wanted) -> bool {
        match (&self.step, &wanted.task) {
            (Some(step), Some(task)) => step.task.eq_ignore_ascii_case(task),
            (Some(_), None) => true,
            (None, Some(task)) => wanted.all && is_of_orch(&self.subject) && names(&self.subject, task),
            (None, None) => wanted.all && is_of_orch(&self.subject),
        }
    }

    /// The task whose work was accepted; none where this is no such step.
    #[must_use]
    pub fn accepted(&self) -> Option<&str> {
        let step = self.step.as_ref().filter(|step| step.kind == OutcomeKind::Accepted && step.recorded)?;
        Some(&step.task)
    }

    /// Whether it claims a step, and has nothing to show for it.
    #[must_use]
    pub fn is_only_claimed(&self) -> bool {
        self.step.as_ref().is_some_and(|step| !step.recorded)
    }
}

fn is_of_orch(subject: &str) -> bool {
    subject.starts_with("orch: ") || subject.starts_with("orch(")
}

fn names(subject: &str, task: &str) -> bool {
    let part_of_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    subject.split(|c| !part_of_id(c)).any(|word| word.eq_ignore_ascii_case(task))
}

impl Step {
    fn of(commit: &Commit) -> Option<Self> {
        // Most commits of most repositories are no steps, and this is the cheapest way to know.
        let may_be = commit.message.contains("Orch-Run:");
        may_be.then(|| Self::read(&commit.message, commit.time)).flatten()
    }

    /// A step by its record: what its trailers would say.
    fn recorded(run: &Run) -> Option<Self> {
        Self::read(&format!("subject\n\n{}", trailers(run)), run.finished)
    }

    fn read(message: &str, ended: Timestamp) -> Option<Self> {
        let trailers = read_trailers(message);
        let named = |name| trailer(&trailers, name);
        let run = RunId::new(named("Orch-Run")?).ok()?;
        let task = TaskId::new(named("Orch-Task")?).ok()?;
        let kind = OutcomeKind::parse(named("Orch-Outcome")?)?;
        let gates = named("Orch-Gates").unwrap_or_default().to_owned();
        let tokens = named("Orch-Tokens").map(tokens).unwrap_or_default();
        let duration = began(run.as_str()).map(|began| {
            // Commits have whole seconds: a step is at least as long as it is said to be.
            ended.as_millisecond() - began.as_millisecond().div_euclid(1000) * 1000
        });
        Some(Self {
            run: run.to_string(),
            task: task.to_string(),
            outcome: kind.as_str(),
            failed_gates: failed(&gates),
            gates,
            agent: named("Orch-Agent").map(profile).unwrap_or_default(),
            attempts: named("Orch-Attempts").and_then(|text| text.parse().ok()).unwrap_or_default(),
            input: tokens.input,
            cached: tokens.cached,
            output: tokens.output,
            cost_usd: named("Orch-Cost-USD")
                .and_then(|text| text.parse().ok())
                .filter(|usd: &f64| usd.is_finite()),
            duration_ms: duration
                .filter(|ms| (0..STEP_MAX_MS).contains(ms))
                .and_then(|ms| u64::try_from(ms).ok()),
            recorded: true,
            undone: false,
            kind,
        })
    }
}

/// The profile's name in `name (adapter model)`.
fn profile(agent: &str) -> String {
    agent.split_once(" (").map_or(agent, |(name, _)| name).to_owned()
}

fn tokens(text: &str) -> Tokens {
    let mut tokens = Tokens::default();
    for part in text.split(' ') {
        match part.split_once('=').map(|(name, count)| (name, count.parse().unwrap_or_default())) {
            Some(("in", count)) => tokens.input = count,
            Some(("cached", count)) => tokens.cached = count,
            Some(("out", count)) => tokens.output = count,
            _ => {}
        }
    }
    tokens
}

/// The gates that did not pass and had to, in `build=pass test=fail lint=fail?`.
fn failed(gates: &str) -> Vec<String> {
    let failing = |gate: &str| {
        let (name, verdict) = gate.split_once('=')?;
        let word = verdict.split('(').next().unwrap_or_default();
        matches!(word, "fail" | "error").then(|| name.to_owned())
    };
    gates.split(' ').filter_map(failing).collect()
}

/// The history for people.
#[must_use]
pub fn human(entries: &[Entry], now: Timestamp, width: Option<usize>, colour: bool) -> String {
    let mut table = Table::new();
    let dim = Style::new().dimmed();
    for entry in entries {
        let short: String = entry.commit.chars().take(9).collect();
        let age = spell_age(now.as_second() - entry.at.as_second());
        let yellow = AnsiColor::Yellow.on_default();
        let mut cells = vec![Cell::new(short).styled(yellow), Cell::right(age).styled(dim)];
        if let Some(step) = &entry.step {
            cells.extend(step_cells(step, &entry.subject));
        } else {
            cells.extend(std::iter::repeat_n(Cell::default(), 6));
            cells.push(Cell::new(&entry.subject).styled(dim));
        }
        table.row(cells);
    }
    table.render(width, colour)
}

fn step_cells(step: &Step, subject: &str) -> [Cell; 7] {
    let shown = if step.undone { OutcomeKind::Rejected } else { step.kind };
    let (glyph, style) = if step.recorded { look(shown) } else { ("!", AnsiColor::Red.on_default()) };
    let gates = step.failed_gates.first().map_or(String::new(), |first| match step.failed_gates.len() {
        1 => format!(" ({first})"),
        more => format!(" ({first} +{})", more - 1),
    });
    let outcome = match step.kind {
        _ if !step.recorded => format!("{glyph} no record"),
        OutcomeKind::Accepted if step.undone => format!("{glyph} undone"),
        OutcomeKind::Accepted => glyph.to_owned(),
        OutcomeKind::Rejected | OutcomeKind::NeedsReview | OutcomeKind::Blocked | OutcomeKind::Deferred => {
            format!("{glyph} {}{gates}", step.outcome)
        }
    };
    let attempts = if step.attempts > 1 { format!("#{}", step.attempts) } else { String::new() };
    [
        Cell::new(&step.task),
        Cell::new(outcome).styled(style),
        Cell::new(&step.agent),
        // Times of commits are whole seconds: less than one is not known.
        Cell::right(step.duration_ms.filter(|ms| *ms >= 1_000).map(spell_ms).unwrap_or_default()),
        Cell::right(attempts),
        Cell::right(step.cost_usd.map(spell_usd).unwrap_or_default()),
        Cell::new(about(subject, step)).styled(Style::new().dimmed()),
    ]
}

/// A subject without the task's id and the outcome, which have columns of their own.
fn about(subject: &str, step: &Step) -> String {
    let plain = subject.strip_suffix(&format!(" ({})", step.task)).unwrap_or(subject);
    let plain = plain.strip_prefix(&format!("orch({}): ", step.task)).unwrap_or(plain);
    plain.strip_prefix(&format!("{}, ", step.outcome)).unwrap_or(plain).to_owned()
}

/// The sign of an outcome, and how it is painted.
#[must_use]
pub fn look(outcome: OutcomeKind) -> (&'static str, Style) {
    match outcome {
        OutcomeKind::Accepted => ("✔", AnsiColor::Green.on_default()),
        OutcomeKind::Rejected => ("✖", AnsiColor::Red.on_default()),
        OutcomeKind::NeedsReview => ("?", AnsiColor::Yellow.on_default()),
        OutcomeKind::Blocked => ("■", AnsiColor::Red.on_default()),
        OutcomeKind::Deferred => ("·", Style::new().dimmed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::Oid;
    use crate::state::id::ulid;
    use proptest::prelude::*;

    fn commit(message: &str) -> Commit {
        let oid = Oid::from_bytes(&[7; 20]);
        let time = Timestamp::from_second(1_800_000_135).unwrap();
        Commit {
            id: oid,
            tree: oid,
            parents: Vec::new(),
            time,
            author: String::new(),
            message: message.to_owned(),
        }
    }

    fn step(outcome: &str, more: &str) -> Commit {
        let run = ulid(1_800_000_000_500, 5);
        commit(&format!(
            "feat(api): rate-limit it (t-1)\n\nDone.\n\nOrch-Task: t-1\nOrch-Run: {run}\nOrch-Outcome: {outcome}\n\
             Orch-Agent: sonnet (claude model-5)\nOrch-Attempts: 2\nOrch-Tokens: in=1 cached=2 out=3\n{more}"
        ))
    }

    /// What a commit is by its message.
    fn among(commit: &Commit, wanted: &Wanted) -> Option<Entry> {
        let entry = Entry::new(commit, Step::of(commit));
        entry.is_wanted(wanted).then_some(entry)
    }

    fn of(commit: &Commit) -> Option<Entry> {
        among(commit, &Wanted::default())
    }

    #[test]
    fn a_step_is_read_from_its_trailers() {
        let gates = "Orch-Cost-USD: 0.1234\nOrch-Gates: build=pass test=fail lint=fail? size=error cover=pass(87.2)\n";
        let entry = of(&step("rejected", gates)).unwrap();
        let step = entry.step.unwrap();
        assert_eq!((step.task.as_str(), step.outcome, step.agent.as_str()), ("t-1", "rejected", "sonnet"));
        assert_eq!(step.failed_gates, ["test", "size"]);
        assert_eq!((step.attempts, step.input, step.cached, step.output), (2, 1, 2, 3));
        assert_eq!((step.cost_usd, step.duration_ms), (Some(0.1234), Some(135_000)));
    }

    #[test]
    fn what_only_looks_like_a_step_is_none() {
        let body = "x\n\nOrch-Run: 01JD\n\nThat was the trailer of another commit.\n";
        let twice = step("accepted", "Orch-Outcome: rejected\n");
        for message in [body, "Orch-Run: 01JD\nOrch-Task: t\nOrch-Outcome: accepted", &twice.message] {
            assert_eq!(of(&commit(message)), None, "{message}");
        }
        assert_eq!(of(&step("wonderful", "")), None);
    }

    #[test]
    fn a_task_is_asked_for_by_its_id_in_any_case() {
        let wanted = |task: &str, all| Wanted { task: Some(task.to_owned()), all };
        assert!(among(&step("accepted", ""), &wanted("T-1", false)).is_some());
        assert!(among(&step("accepted", ""), &wanted("t-10", false)).is_none());
        let added = commit("orch: add t-1 Rate-limit it\n");
        assert!(among(&added, &wanted("t-1", true)).is_some());
        assert!(among(&added, &wanted("t-1", false)).is_none());
        assert!(among(&added, &wanted("t-10", true)).is_none());
    }

    #[test]
    fn what_persons_did_is_told_on_request_only() {
        let all = Wanted { task: None, all: true };
        for (message, found) in [("orch: begin", true), ("orch(t-1): blocked", true), ("orchard: x", false)] {
            assert_eq!(among(&commit(message), &all).is_some(), found, "{message}");
            assert_eq!(of(&commit(message)), None);
        }
    }

    #[test]
    fn what_has_a_column_of_its_own_is_not_said_twice() {
        let rejected = step("rejected", "")
            .message
            .replace("feat(api): rate-limit it (t-1)", "orch(t-1): rejected, gate x failed");
        let entry = of(&commit(&rejected)).unwrap();
        assert_eq!(about(&entry.subject, &entry.step.unwrap()), "gate x failed");
    }

    #[test]
    fn the_whole_table() {
        let all = Wanted { task: None, all: true };
        let messages = [
            step("accepted", "Orch-Gates: test=pass\n"),
            step("rejected", "Orch-Cost-USD: 0.0312\nOrch-Gates: test=fail size=fail\n"),
            commit("orch: add t-1 Rate-limit it"),
        ];
        let entries: Vec<Entry> = messages.iter().filter_map(|each| among(each, &all)).collect();
        let now = Timestamp::from_second(1_800_000_135 + 720).unwrap();
        insta::assert_snapshot!(human(&entries, now, Some(110), false));
    }

    proptest! {
        #[test]
        fn any_message_is_read(message in "(orch|Orch-Run: |Orch-Task: |Orch-Outcome: accepted|[a-z=?() \n]){0,40}") {
            let _ = among(&commit(&message), &Wanted { task: None, all: true });
        }
    }
}
