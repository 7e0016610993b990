//! The state of affairs: what stands where, what is next, who is needed, how it goes.
//!
//! In: a graph, digests of runs, the time. Out: [`Status`], for people, programs and job summaries.
//! Invariant: days and months are those of UTC. Nothing here reads a file.

pub mod alert;
pub mod gather;
mod metrics;
mod queue;
mod uncommitted;
pub(in crate::report) mod render;

use super::at_work::AtWork;
use super::graph::{Look, look};
use super::plural;
use crate::route::is_oversized;
use crate::select::Rules;
use crate::state::digest::Digest;
use crate::state::graph::{Graph, Index, Standing};
use crate::state::run::{OutcomeKind, plain_usd};
use crate::state::status::Status as Stands;
use crate::state::task::Kind;
use jiff::Timestamp;
pub use metrics::openmetrics;
pub use queue::{Next, Wait, named, next};
pub use render::{human, markdown};
use serde::Serialize;
pub use uncommitted::{Unfit, not_committed};

/// How many days back velocity and quality look.
pub const WINDOW_DAYS: i64 = 14;
const DAY_SECONDS: i64 = 86_400;
/// How many tasks of each sort are named.
pub const NAMED_MAX: usize = 5;

/// How much of the work is done, and how fast the rest gets done.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Health {
    /// Tasks that are done; epics are not counted, here and below.
    pub done: usize,
    /// Tasks that remain, without those that nobody approved yet.
    pub open: usize,
    /// Done ones among all that were not cancelled or only proposed, in percent.
    pub done_percent: f64,
    /// Open tasks that somebody has to put right first.
    pub blocked: usize,
    /// The same among all that are open, in percent.
    pub blocked_percent: f64,
    /// Accepted steps per day.
    pub velocity: f64,
    /// Over how many days.
    pub days: f64,
    /// Days until nothing is open, if it goes on like this.
    pub forecast_days: Option<f64>,
    /// Accepted steps among all that were judged, in percent.
    pub accepted_percent: Option<f64>,
}

/// What was spent since some time.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Usage {
    /// Steps.
    pub steps: usize,
    /// Accepted ones.
    pub accepted: usize,
    /// Passes of gates at a later try only.
    pub flaky: usize,
    /// Cost in USD, as far as it is known.
    pub cost_usd: f64,
    /// Tokens read by models, not from their cache.
    pub input: u64,
    /// Tokens read from the cache.
    pub cached: u64,
    /// Tokens written by models.
    pub output: u64,
    /// Tokens of all kinds of which nobody knows what they cost.
    pub unpriced: u64,
}

impl Usage {
    /// Tokens of all kinds, as budgets count them.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.input.saturating_add(self.cached).saturating_add(self.output)
    }
}

/// A task, or a note, that a person has to do something about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Need {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its status.
    pub status: &'static str,
    /// Why.
    pub why: String,
    /// What to type.
    pub todo: String,
    /// What it looks like.
    #[serde(skip)]
    pub look: Look,
}

/// The newest step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LastStep {
    /// The run.
    pub run: String,
    /// The task.
    pub task: String,
    /// The judgement.
    pub outcome: &'static str,
    /// Why.
    pub reason: String,
    /// When it ended.
    pub finished: String,
    /// Seconds since.
    pub age_seconds: i64,
}

/// Steps that left no record on the branch: they were killed, or could not land.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct NotLanded {
    /// How many.
    pub steps: usize,
    /// What they cost, in USD, as far as it is known.
    pub cost_usd: f64,
    /// Tokens of all kinds.
    pub tokens: u64,
}

/// The state of affairs.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Status {
    /// The name of the project's folder.
    pub project: String,
    /// The branch; none where `HEAD` is detached or another revision was asked for.
    pub branch: Option<String>,
    /// The commit at its tip, or that was asked for.
    pub commit: Option<String>,
    /// Paths below `.orchestrator/` that are not committed; none where there is no work tree.
    pub uncommitted: Option<Vec<String>>,
    /// What speaks against committing them.
    #[serde(skip)]
    pub unfit: Unfit,
    /// Whether there are tasks that cannot be read.
    #[serde(skip)]
    pub has_unreadable: bool,
    /// How many tasks look like what, in the order of a legend.
    #[serde(serialize_with = "counts_as_map")]
    pub counts: Vec<(Look, usize)>,
    /// Tasks that are being worked on.
    pub running: Vec<String>,
    /// Who works on them.
    pub leases: Vec<AtWork>,
    /// What is next, the first of it.
    pub next: Vec<Next>,
    /// What would be next and has to wait, or to be changed first, the first of it.
    pub waits: Vec<Wait>,
    /// How many tasks may run, whoever is free to take them.
    pub ready: usize,
    /// How many of them no agent profile can take.
    pub without_agent: usize,
    /// What a person has to do, the first of it.
    pub needs_you: Vec<Need>,
    /// How many tasks and notes need a person.
    pub needs_you_total: usize,
    /// How it goes.
    pub health: Health,
    /// The newest step.
    pub last_step: Option<LastStep>,
    /// Since midnight.
    pub today: Usage,
    /// Since the first of the month.
    pub month: Usage,
    /// Steps of this clone since then that left no record on the branch, which budgets count as well.
    pub not_landed: NotLanded,
    /// The limit for a day in USD, if there is one.
    pub day_usd: Option<f64>,
    /// The limit for a month in USD, if there is one.
    pub month_usd: Option<f64>,
    /// The limit for a day in tokens, if there is one.
    pub day_tokens: Option<u64>,
    /// The limit for a month in tokens, if there is one.
    pub month_tokens: Option<u64>,
    /// How work is scheduled: `balance`, `stabilize` or `accelerate`.
    pub mode: &'static str,
    /// Why.
    pub mode_because: String,
    /// What the configuration says about it.
    pub mode_policy: &'static str,
    /// What a person should look at.
    pub alerts: Vec<alert::Alert>,
}

impl Status {
    /// What a person should know beside the answer.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let stuck = (self.without_agent > 0).then(|| {
            let tasks = plural(self.without_agent, "ready task");
            format!("no agent profile can take {tasks}: add an `[[agent]]` to `.orchestrator/config.toml`: `orch help config` shows one")
        });
        let uncommitted = self.uncommitted.as_deref().and_then(|paths| not_committed(paths, self.unfit));
        stuck.into_iter().chain(uncommitted).collect()
    }
}

fn counts_as_map<S: serde::Serializer>(counts: &[(Look, usize)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(Look::ALL.into_iter().map(|look| {
        let count = counts.iter().find(|(each, _)| *each == look).map_or(0, |(_, count)| *count);
        (look.word(), count)
    }))
}

/// What every task looks like.
#[must_use]
pub fn looks(graph: &Graph, rules: Rules, running: &[Index]) -> Vec<Look> {
    let look = |index| look(graph, index, rules.agent_review, running.contains(&index));
    (0..graph.nodes().len()).map(look).collect()
}

/// How many tasks look like what.
#[must_use]
pub fn counts(looks: &[Look]) -> Vec<(Look, usize)> {
    let count = |look| looks.iter().filter(|each| **each == look).count();
    Look::ALL.into_iter().map(|look| (look, count(look))).filter(|(_, count)| *count > 0).collect()
}

/// Tasks that a person has to do something about, the most urgent first.
#[must_use]
pub fn needing_a_person(graph: &Graph, looks: &[Look]) -> Vec<Index> {
    let rank = |look: Look| match look {
        Look::Person => Some(0),
        Look::Blocked => Some(1),
        Look::Proposed => Some(2),
        Look::Done | Look::Running | Look::Ready | Look::Waiting | Look::Epic | Look::Cancelled => None,
    };
    let mut all: Vec<Index> = (0..looks.len()).filter(|&index| rank(looks[index]).is_some()).collect();
    all.sort_by_key(|&index| (rank(looks[index]), graph.nodes()[index].priority));
    all
}

/// Why a person has to do something about a task, and what to type.
///
/// `reason` is what its file says; `derived` is what the graph says; `review` is why, and what to type, where work waits
/// for a review.
#[must_use]
pub fn advice(
    graph: &Graph,
    index: Index,
    look: Look,
    reason: Option<String>,
    (derived, review): (impl FnOnce() -> String, impl FnOnce() -> (String, String)),
) -> (String, String) {
    let node = &graph.nodes()[index];
    let (status, id) = (graph.status(index), &node.id);
    match look {
        Look::Person => review(),
        Look::Proposed => (format!("proposed: {}", node.title), format!("orch approve {id}")),
        Look::Blocked if status == Stands::Blocked => {
            let reason = reason.unwrap_or_else(|| "blocked, nobody said why".to_owned());
            // As it is, it would be blocked again.
            let todo = if is_oversized(&reason) { "split" } else { "unblock" };
            (reason, format!("orch {todo} {id}"))
        }
        Look::Blocked
        | Look::Done
        | Look::Running
        | Look::Ready
        | Look::Waiting
        | Look::Epic
        | Look::Cancelled => (derived(), format!("orch show {id}")),
    }
}

/// How many tasks would be taken if there was an agent for them.
#[must_use]
pub fn without_agent(graph: &Graph, rules: Rules) -> usize {
    if rules.has_agent {
        return 0;
    }
    let ready = |index: Index| graph.standing(index, rules.agent_review) == Standing::Runnable;
    (0..graph.nodes().len()).filter(|&index| graph.nodes()[index].run.is_none() && ready(index)).count()
}

/// When velocity begins to be measured.
#[must_use]
pub fn window(now: Timestamp) -> Timestamp {
    earlier(now, WINDOW_DAYS * DAY_SECONDS)
}

fn earlier(now: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(now.as_second().saturating_sub(seconds)).unwrap_or(Timestamp::MIN)
}

/// The first instants of the day and of the month that a time lies in.
#[must_use]
pub fn periods(now: Timestamp) -> (Timestamp, Timestamp) {
    let date = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let start = |date: jiff::civil::Date| {
        date.to_zoned(jiff::tz::TimeZone::UTC).map_or(now, |zoned| zoned.timestamp())
    };
    (start(date), start(date.first_of_month()))
}

/// How it goes: what is done, and how fast the rest gets done.
///
/// Velocity is over the last 14 days, or over the project's age where that is less.
#[must_use]
pub fn health(graph: &Graph, looks: &[Look], runs: &[Digest], now: Timestamp) -> Health {
    let work = || graph.nodes().iter().zip(looks).filter(|(node, _)| node.kind != Kind::Epic);
    let done = work().filter(|(_, look)| **look == Look::Done).count();
    let out = |look: Look| matches!(look, Look::Done | Look::Cancelled | Look::Proposed);
    let open = work().filter(|(_, look)| !out(**look)).count();
    let blocked = work().filter(|(_, look)| **look == Look::Blocked).count();
    let recent: Vec<&Digest> = runs.iter().filter(|run| run.finished >= window(now)).collect();
    let accepted = recent.iter().filter(|run| run.outcome == OutcomeKind::Accepted).count();
    let passed: Vec<bool> = recent.iter().filter_map(|run| run.passed()).collect();
    let created = graph.nodes().iter().filter_map(|node| node.created).min();
    let began = created.into_iter().chain(runs.iter().map(|run| run.started)).min();
    let days = began.map_or(1.0, |began| days_between(began, now)).clamp(1.0, as_f64(14));
    let velocity = as_f64(accepted) / days;
    Health {
        done,
        open,
        done_percent: percent(done, done + open).unwrap_or(0.0),
        blocked,
        blocked_percent: percent(blocked, open).unwrap_or(0.0),
        velocity,
        days,
        forecast_days: (velocity > 0.0).then(|| as_f64(open) / velocity),
        accepted_percent: percent(passed.iter().filter(|passed| **passed).count(), passed.len()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of tasks and seconds are far below 2^52")]
pub(super) fn days_between(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_second() - from.as_second()) as f64 / DAY_SECONDS as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts of tasks and steps are far below 2^52")]
pub(super) fn as_f64(count: usize) -> f64 {
    count as f64
}

fn count_f64(count: u64) -> f64 {
    as_f64(usize::try_from(count).unwrap_or(usize::MAX))
}

pub(super) fn percent(part: usize, whole: usize) -> Option<f64> {
    // One decimal is kept: more would only be noise to whoever reads it.
    (whole > 0).then(|| (as_f64(part) * 1000.0 / as_f64(whole)).round() / 10.0)
}

/// What runs that began at or after a time have used.
#[must_use]
pub fn usage(runs: &[Digest], from: Timestamp) -> Usage {
    runs.iter().filter(|run| run.started >= from).fold(Usage::default(), |sum, run| Usage {
        // A person's approval is no step.
        steps: sum.steps + usize::from(!run.parts.is_empty()),
        accepted: sum.accepted + usize::from(run.outcome == OutcomeKind::Accepted),
        flaky: sum.flaky + run.flaky.len(),
        cost_usd: plain_usd(sum.cost_usd + run.cost_usd.unwrap_or_default()),
        input: sum.input.saturating_add(run.tokens.input),
        cached: sum.cached.saturating_add(run.tokens.cached),
        output: sum.output.saturating_add(run.tokens.output),
        unpriced: sum.unpriced.saturating_add(unpriced(run).map(|(_, tokens)| tokens).sum()),
    })
}

/// Tokens in a run of which nobody knows what they cost, by profile.
pub(super) fn unpriced(run: &Digest) -> impl Iterator<Item = (&str, u64)> {
    let unknown = run.parts.iter().filter(|part| part.cost_usd.is_none() && part.tokens.total() > 0);
    unknown.map(|part| (part.agent.as_str(), part.tokens.total()))
}

/// The newest of some runs.
#[must_use]
pub fn last_step(runs: &[Digest], now: Timestamp) -> Option<LastStep> {
    let run = runs.iter().max_by_key(|run| run.finished)?;
    Some(LastStep {
        run: run.id.to_string(),
        task: run.task.to_string(),
        outcome: run.outcome.as_str(),
        reason: run.reason.clone(),
        finished: run.finished.to_string(),
        age_seconds: (now.as_second() - run.finished.as_second()).max(0),
    })
}

#[cfg(test)]
mod tests {
    use super::super::graph::samples::{epic, graph, task, with};
    use super::*;
    use crate::state::digest::sample;
    use crate::state::run::Tokens;
    use jiff::ToSpan as _;

    const RULES: Rules =
        Rules { agent_review: false, has_agent: true, mode: crate::select::mode::Mode::Balance };

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn run(days_ago: i64, outcome: OutcomeKind) -> Digest {
        let started = now().checked_sub((days_ago * 24).hours()).unwrap();
        Digest {
            started,
            finished: started,
            tokens: Tokens { input: 1, cached: 2, output: 3, reasoning: 0 },
            ..sample("2026-11-20T12:00:00Z", "script", outcome)
        }
    }

    /// Three done, four to do, one of them blocked; and what is not counted.
    fn some() -> Graph {
        let mut tasks = vec![
            with(task("d1", "", &[]), Stands::Done, "e"),
            with(task("d2", "", &[]), Stands::Done, ""),
            with(task("d3", "", &[]), Stands::Done, ""),
            task("o1", "", &[]),
            task("o2", "", &["o1"]),
            with(task("o3", "", &[]), Stands::NeedsReview, ""),
            with(task("b", "", &[]), Stands::Blocked, ""),
            with(task("p", "", &[]), Stands::Proposed, ""),
            with(task("c", "", &[]), Stands::Cancelled, ""),
            epic("e", ""),
        ];
        tasks[0].created = Some("2026-01-01T00:00:00Z".parse().unwrap());
        graph(&tasks)
    }

    #[test]
    fn health_counts_work_and_not_what_holds_it() {
        let graph = some();
        let health = health(&graph, &looks(&graph, RULES, &[]), &[], now());
        assert_eq!((health.done, health.open, health.blocked), (3, 4, 1));
        assert!((health.done_percent - 42.9).abs() < 1e-9 && (health.blocked_percent - 25.0).abs() < 1e-9);
        assert_eq!((health.forecast_days, health.accepted_percent), (None, None));
    }

    #[test]
    fn velocity_is_what_was_accepted_a_day_in_the_last_two_weeks() {
        let graph = some();
        let mut runs: Vec<Digest> = (0..7).map(|day| run(day, OutcomeKind::Accepted)).collect();
        runs.extend((0..3).map(|day| run(day, OutcomeKind::Rejected)));
        runs.push(run(1, OutcomeKind::Deferred));
        runs.push(run(15, OutcomeKind::Accepted));
        let health = health(&graph, &looks(&graph, RULES, &[]), &runs, now());
        assert!((health.velocity - 0.5).abs() < 1e-9, "{health:?}");
        assert_eq!((health.forecast_days, health.accepted_percent), (Some(8.0), Some(70.0)));
    }

    #[test]
    fn a_young_project_is_measured_over_its_own_age() {
        let graph = graph(&[task("a", "", &[])]);
        let of = |runs: &[Digest]| health(&graph, &looks(&graph, RULES, &[]), runs, now());
        let two_days = [run(2, OutcomeKind::Accepted), run(1, OutcomeKind::Accepted)];
        assert!((of(&two_days).velocity - 1.0).abs() < 1e-9);
        // A first hour does not make a day's work of it.
        assert!((of(&[run(0, OutcomeKind::Accepted)]).velocity - 1.0).abs() < 1e-9);
    }

    #[test]
    fn an_empty_project_has_no_forecast() {
        let health = health(&Graph::default(), &[], &[], now());
        assert_eq!(health, Health { days: 1.0, ..Health::default() });
    }

    #[test]
    fn usage_is_of_the_day_and_of_the_month() {
        let runs =
            [run(0, OutcomeKind::Accepted), run(1, OutcomeKind::Rejected), run(25, OutcomeKind::Accepted)];
        let (day, month) = periods(now());
        assert_eq!(day.to_string(), "2026-11-20T00:00:00Z");
        assert_eq!(month.to_string(), "2026-11-01T00:00:00Z");
        assert_eq!((usage(&runs, day).steps, usage(&runs, month).steps), (1, 2));
        let month = usage(&runs, month);
        assert_eq!((month.accepted, month.input, month.cached, month.output), (1, 2, 4, 6));
        assert!((month.cost_usd - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_needs_a_person_begins_with_reviews() {
        let graph = some();
        let all = needing_a_person(&graph, &looks(&graph, RULES, &[]));
        let ids: Vec<&str> = all.iter().map(|&index| graph.nodes()[index].id.as_str()).collect();
        assert_eq!(ids, ["o3", "b", "p"]);
    }

    #[test]
    fn what_is_at_work_is_not_next() {
        let graph = graph(&[task("a", "A", &[]), task("b", "B", &[])]);
        let ids = |running: &[Index]| -> Vec<String> {
            named(&graph, &next(&graph, RULES, running)).into_iter().map(|next| next.id).collect()
        };
        assert_eq!(ids(&[]), ["a", "b"]);
        assert_eq!(ids(&[0]), ["b"]);
    }

    #[test]
    fn a_task_with_a_command_of_its_own_needs_no_profile() {
        let mut own = task("a", "A", &[]);
        own.run = Some("true".into());
        let graph = graph(&[own, task("b", "B", &[]), task("c", "C", &["b"])]);
        assert_eq!(without_agent(&graph, RULES), 0);
        assert_eq!(without_agent(&graph, Rules { has_agent: false, ..RULES }), 1);
    }

    #[test]
    fn what_is_not_committed_comes_with_the_commit_to_make() {
        let of = |paths: &[&str]| Status {
            uncommitted: Some(paths.iter().map(|path| (*path).to_owned()).collect()),
            ..Status::default()
        };
        assert!(of(&[]).warnings().is_empty());
        assert!(
            of(&["a"]).warnings()[0].starts_with("`a` is not committed, so no step sees it: type `git add")
        );
        assert!(of(&["a", "b"]).warnings()[0].starts_with("2 files below"));
        let merging = Status { unfit: Unfit { undecided: 1, ..Unfit::default() }, ..of(&["a"]) };
        assert_eq!(
            merging.warnings(),
            ["a merge left 1 file of the state undecided: type `orch doctor` to see which"]
        );
        let reverting =
            Status { unfit: Unfit { in_progress: Some("revert"), ..Unfit::default() }, ..of(&["a"]) };
        let [warning] = &reverting.warnings()[..] else { panic!("one warning") };
        assert!(
            warning.starts_with("`a` is not committed, and a revert is in progress: finish it"),
            "{warning}"
        );
        assert!(!warning.contains("git commit"), "that would end the revert without its code: {warning}");
    }

    #[test]
    fn the_last_step_is_the_one_that_ended_last() {
        assert_eq!(last_step(&[], now()), None);
        let runs =
            [run(3, OutcomeKind::Accepted), run(1, OutcomeKind::Blocked), run(2, OutcomeKind::Rejected)];
        let last = last_step(&runs, now()).unwrap();
        assert_eq!((last.outcome, last.age_seconds), ("blocked", 86_400));
    }
}
