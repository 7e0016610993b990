//! Planning: what an agent proposes to do next, checked before it becomes tasks.
//!
//! In: [`FollowUp`]s, by a planner that was asked for them or by any agent that saw something. Out: tasks,
//! and what was refused with the reason. Invariant: what leaves here keeps the graph closed and acyclic,
//! repeats nothing that is there, and is small enough for one session.

mod similar;
mod check;
pub mod ask;

pub use check::{Found, Plan, Refusal, check, dangling};

use crate::agent::FollowUp;
use crate::state::graph::{Graph, Index, Node};
use crate::state::status::Status;
use crate::state::task::Kind;
use similar::Title;

/// The title of the task that plans of the roadmap are runs of.
pub const ROADMAP: &str = "Plan what comes next";

/// Whether two titles mean the same work.
#[must_use]
pub fn is_same_work(title: &str, other: &str) -> bool {
    Title::new(title).is_like(&Title::new(other))
}

/// Whether a task stands for planning the roadmap.
#[must_use]
pub fn is_roadmap(node: &Node) -> bool {
    node.title == ROADMAP && node.kind == Kind::Research && node.status.is_closed()
}

/// What proposals are checked against.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'r> {
    /// What is there.
    pub graph: &'r Graph,
    /// The epic that they become a part of.
    pub parent: Option<Index>,
    /// The status that they get.
    pub status: Status,
    /// The most tokens that one of them may be expected to need: the share of the largest window.
    pub most_tokens: Option<u64>,
    /// The most of them.
    pub most: usize,
    /// Whether somebody asked for a plan: it has to be whole. What an agent mentions in passing need
    /// not say when it is done, and loses edges to what is not there.
    pub is_asked: bool,
}
