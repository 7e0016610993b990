//! What is next, and what would be next and has to wait.

use super::NAMED_MAX;
use crate::select::{self, Candidate, Rules};
use crate::state::graph::{Graph, Index};
use crate::step::choice::Queue;
use crate::step::occupied::Waiting;
use serde::Serialize;

/// A task that a step would take.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Next {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// 0..=4.
    pub priority: u8,
    /// Its kind.
    pub kind: &'static str,
    /// Why it is where it is in the queue.
    pub because: String,
}

/// A task that could run, and that no step takes now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Why, and until when where that is known.
    pub why: String,
}

/// The first tasks that a step would take, if there is an agent for them that is free.
#[must_use]
pub fn next(graph: &Graph, rules: Rules, running: &[Index]) -> Vec<Candidate> {
    let rules = Rules { has_agent: true, ..rules };
    let mut queue = select::queue(graph, rules, NAMED_MAX + running.len());
    queue.retain(|candidate| !running.contains(&candidate.index));
    queue
}

/// The first of some tasks, by their names.
#[must_use]
pub fn named(graph: &Graph, queue: &[Candidate]) -> Vec<Next> {
    let shape = |candidate: &Candidate| {
        let node = &graph.nodes()[candidate.index];
        Next {
            id: node.id.to_string(),
            title: node.title.to_string(),
            priority: node.priority,
            kind: node.kind.as_str(),
            because: candidate.because.clone(),
        }
    };
    queue.iter().take(NAMED_MAX).map(shape).collect()
}

/// What has to wait, or to be changed first. Who is at work on what, and what a person has to look at, is told of by
/// itself.
pub(super) fn waits(graph: &Graph, queue: &Queue, running: &[Index]) -> Vec<Wait> {
    let shape = |(index, why): &Waiting| {
        let node = &graph.nodes()[*index];
        Wait { id: node.id.to_string(), title: node.title.to_string(), why: why.clone() }
    };
    let is_told = |index: &Index| running.contains(index) || queue.people.iter().any(|(at, ..)| at == index);
    let all = queue.waits.iter().filter(|(index, _)| !is_told(index));
    all.take(NAMED_MAX).map(shape).collect()
}
