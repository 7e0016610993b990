//! Which tasks a bounded page shows: what matters now, and what that hangs together with.

use crate::report::graph::Look;
use crate::state::graph::{Graph, Index};
use std::collections::HashSet;

/// Open tasks: what needs a person, what is at work, what is next, what waits.
pub(super) fn open(graph: &Graph, looks: &[Look]) -> Vec<Index> {
    let mut open: Vec<(u8, u8, Index)> = (0..looks.len())
        .filter_map(|index| Some((rank(looks[index])?, graph.nodes()[index].priority, index)))
        .collect();
    open.sort_unstable();
    open.into_iter().map(|(.., index)| index).collect()
}

fn rank(look: Look) -> Option<u8> {
    match look {
        Look::Running => Some(0),
        Look::Person => Some(1),
        Look::Blocked => Some(2),
        Look::Ready => Some(3),
        Look::Waiting => Some(4),
        Look::Proposed => Some(5),
        Look::Epic => Some(6),
        Look::Done | Look::Cancelled => None,
    }
}

/// What a picture of at most so many tasks shows; none where all of them fit.
///
/// Half of it is what matters now, each with its epic; the rest is what these need and what needs them.
pub(super) fn picture(graph: &Graph, looks: &[Look], most: usize) -> Option<Vec<Index>> {
    let count = graph.nodes().len();
    if count <= most {
        return None;
    }
    let mut order = open(graph, looks);
    if order.is_empty() {
        order = (0..count).collect();
        order.sort_by_key(|index| std::cmp::Reverse(graph.nodes()[*index].created));
    }
    let mut picked: Vec<Index> = Vec::new();
    let mut seen: HashSet<Index> = HashSet::new();
    let mut add = |picked: &mut Vec<Index>, index: Index| {
        if picked.len() < most && seen.insert(index) {
            picked.push(index);
        }
    };
    for &index in order.iter().take(most / 2) {
        add(&mut picked, index);
        graph.parent(index).into_iter().for_each(|parent| add(&mut picked, parent));
    }
    let mut at = 0;
    while at < picked.len() && picked.len() < most {
        let index = picked[at];
        for &other in graph.dependencies(index).iter().chain(graph.dependents(index)) {
            add(&mut picked, other);
        }
        at += 1;
    }
    for index in order {
        add(&mut picked, index);
    }
    Some(picked)
}
