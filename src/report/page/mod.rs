//! One page about everything: where it stands, the graph, how it goes, what it cost, what was done.
//!
//! In: the state of affairs, trends, runs, the graph. Out: a [`Page`], as HTML, Markdown and JSON.
//! Invariant: however large the state, the page is bounded, and says how much it leaves out; it needs
//! nothing from elsewhere and no script; no text gets out of its element.

mod chart;
mod html;
mod markdown;
mod pick;

use super::graph::{Look, Options, View, mermaid, svg};
use super::status::{Status, unpriced};
use super::trends::Trends;
use crate::select::{Rules, why_not};
use crate::state::digest::Digest;
use crate::state::graph::{Graph, Index, Standing};
use crate::state::run::{OutcomeKind, plain_usd};
pub use html::html;
use jiff::Timestamp;
pub use markdown::markdown;
use serde::Serialize;
use std::collections::HashMap;

/// How many steps are told of.
const STEPS_MAX: usize = 100;
/// How many open tasks are listed.
const OPEN_MAX: usize = 200;
/// How many tasks are named by what they cost.
const DEAR_MAX: usize = 10;
/// How many tasks the picture shows, and the one in a job's summary.
const DRAWN_MAX: usize = 120;
const SUMMARY_DRAWN_MAX: usize = 40;

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The run.
    pub run: String,
    /// The task.
    pub task: String,
    /// Its title, if it is still there.
    pub title: Option<String>,
    /// The judgement.
    pub outcome: &'static str,
    /// Why.
    pub reason: String,
    /// The profile.
    pub agent: String,
    /// Its sessions.
    pub attempts: u32,
    /// Tokens that were read anew or written.
    pub tokens: u64,
    /// What it cost, where it is known.
    pub cost_usd: Option<f64>,
    /// How long it took.
    pub duration_ms: u64,
    /// When it ended.
    pub finished: String,
}

/// What a profile, or a task, cost.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Cost {
    /// The profile's name, or the task's id.
    pub name: String,
    /// The task's title.
    pub title: Option<String>,
    /// Steps.
    pub steps: usize,
    /// Accepted ones.
    pub accepted: usize,
    /// What they cost, as far as it is known, in USD.
    pub cost_usd: f64,
    /// Tokens of which nobody knows what they cost.
    pub unpriced: u64,
    /// Tokens that were read anew or written.
    pub tokens: u64,
}

/// A task that is not closed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Open {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its kind.
    pub kind: &'static str,
    /// 0..=4.
    pub priority: u8,
    /// How it stands, in a word.
    pub stands: &'static str,
    /// Why no step takes it, if none does.
    pub why: Option<String>,
}

/// A picture of the graph, or of the part of it that matters now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Picture {
    /// As SVG.
    pub svg: String,
    /// The same, smaller, as Mermaid.
    pub mermaid: String,
    /// How many tasks are in it.
    pub drawn: usize,
    /// How many there are.
    pub total: usize,
}

/// One page about everything.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page<'p> {
    /// The state of affairs.
    pub status: &'p Status,
    /// How it goes.
    pub trends: &'p Trends,
    /// What each profile cost in that time, the dearest first.
    pub profiles: Vec<Cost>,
    /// The tasks that cost most in that time.
    pub tasks: Vec<Cost>,
    /// The newest steps of that time, the newest first.
    pub steps: Vec<Step>,
    /// How many steps there were.
    pub steps_total: usize,
    /// Open tasks: who needs a person, what is next, what waits.
    pub open: Vec<Open>,
    /// How many are open.
    pub open_total: usize,
    /// The graph.
    #[serde(skip)]
    pub picture: Picture,
    /// When it was made.
    pub at: Timestamp,
}

/// What a page is made from.
#[derive(Debug, Clone, Copy)]
pub struct Given<'g> {
    /// The state of affairs.
    pub status: &'g Status,
    /// How it goes.
    pub trends: &'g Trends,
    /// The runs that it tells of, in any order.
    pub runs: &'g [Digest],
    /// Tasks and their edges.
    pub graph: &'g Graph,
    /// What selection has to know.
    pub rules: Rules,
    /// Tasks that are being worked on.
    pub running: &'g [Index],
    /// Now.
    pub at: Timestamp,
}

impl<'p> Page<'p> {
    /// Makes a page.
    #[must_use]
    pub fn new(given: &Given<'p>) -> Self {
        let graph = given.graph;
        let mut runs: Vec<&Digest> = given.runs.iter().collect();
        runs.sort_by(|a, b| b.finished.cmp(&a.finished).then_with(|| b.id.as_str().cmp(a.id.as_str())));
        let looks = super::status::looks(graph, given.rules, given.running);
        let order = pick::open(graph, &looks);
        // What a person holds says so in the column beside it; why is told where it needs somebody.
        let held = |index| matches!(graph.standing(index, given.rules.agent_review), Standing::Held(_));
        let why = |index: Index| why_not(graph, given.rules, index).filter(|_| !held(index));
        let open = order.iter().take(OPEN_MAX).map(|&index| {
            let node = &graph.nodes()[index];
            Open {
                id: node.id.to_string(),
                title: node.title.to_string(),
                kind: node.kind.as_str(),
                priority: node.priority,
                stands: looks[index].word(),
                why: if looks[index] == Look::Ready { None } else { why(index) },
            }
        });
        let whole = |run: &Digest| Share {
            cost_usd: run.cost_usd.unwrap_or_default(),
            unpriced: unpriced(run).map(|(_, tokens)| tokens).sum(),
            tokens: run.tokens.total(),
        };
        let mut tasks = costs(runs.iter().map(|run| (run.task.as_str(), *run, whole(run))));
        tasks.truncate(DEAR_MAX);
        for cost in &mut tasks {
            cost.title = title(graph, &cost.name);
        }
        Self {
            status: given.status,
            trends: given.trends,
            profiles: costs(runs.iter().flat_map(|run| parts(run))),
            tasks,
            steps: runs.iter().take(STEPS_MAX).map(|run| step(graph, run)).collect(),
            steps_total: runs.len(),
            open: open.collect(),
            open_total: order.len(),
            picture: picture(given, &looks),
            at: given.at,
        }
    }
}

fn title(graph: &Graph, id: &str) -> Option<String> {
    graph.find(id).map(|index| graph.nodes()[index].title.to_string())
}

fn step(graph: &Graph, run: &Digest) -> Step {
    let took = run.finished.as_millisecond() - run.started.as_millisecond();
    Step {
        run: run.id.to_string(),
        task: run.task.to_string(),
        title: title(graph, run.task.as_str()),
        outcome: run.outcome.as_str(),
        reason: run.reason.clone(),
        agent: run.agent.clone(),
        attempts: run.attempts,
        tokens: run.tokens.total(),
        cost_usd: run.cost_usd,
        duration_ms: u64::try_from(took).unwrap_or_default(),
        finished: run.finished.to_string(),
    }
}

/// Who had a hand in a run, with what each cost and used.
fn parts(run: &Digest) -> impl Iterator<Item = (&str, &Digest, Share)> {
    run.parts.iter().map(move |part| {
        let tokens = part.tokens.total();
        let unpriced = if part.cost_usd.is_none() { tokens } else { 0 };
        (part.agent.as_str(), run, Share { cost_usd: part.cost_usd.unwrap_or_default(), unpriced, tokens })
    })
}

/// What somebody's share in a run cost and used.
struct Share {
    cost_usd: f64,
    unpriced: u64,
    tokens: u64,
}

/// What runs cost, by a name that each has, the dearest first.
fn costs<'r>(runs: impl Iterator<Item = (&'r str, &'r Digest, Share)>) -> Vec<Cost> {
    let mut by_name: HashMap<&str, Cost> = HashMap::new();
    for (name, run, share) in runs {
        let cost = by_name.entry(name).or_default();
        cost.steps += 1;
        cost.accepted += usize::from(run.outcome == OutcomeKind::Accepted);
        cost.cost_usd = plain_usd(cost.cost_usd + share.cost_usd);
        cost.unpriced = cost.unpriced.saturating_add(share.unpriced);
        cost.tokens = cost.tokens.saturating_add(share.tokens);
    }
    let named = |(name, cost): (&str, Cost)| Cost { name: name.to_owned(), ..cost };
    let mut all: Vec<Cost> = by_name.into_iter().map(named).collect();
    all.sort_by(|a, b| {
        b.cost_usd.total_cmp(&a.cost_usd).then(b.steps.cmp(&a.steps)).then_with(|| a.name.cmp(&b.name))
    });
    all
}

fn picture(given: &Given<'_>, looks: &[Look]) -> Picture {
    let graph = given.graph;
    let draw = |most: usize| Options {
        only: pick::picture(graph, looks, most),
        agent_review: given.rules.agent_review,
        running: given.running.to_vec(),
        ..Options::default()
    };
    let large = View::new(graph, &draw(DRAWN_MAX));
    let small = View::new(graph, &draw(SUMMARY_DRAWN_MAX));
    Picture {
        svg: svg::render(&large),
        mermaid: mermaid::render(&small),
        drawn: large.picked().len(),
        total: graph.nodes().len(),
    }
}

#[cfg(test)]
pub(super) mod tests;
