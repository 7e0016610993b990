//! What belongs together: epics with their tasks, a task with its neighbours, a cycle with its arrows.
//!
//! Invariant: containment is a forest, even where a merge made epics contain each other.

use super::Progress;
use crate::state::graph::{Fault, Graph, Index};
use crate::state::status::Status;
use std::collections::HashSet;

/// The parent of every task, with cycles cut open, and an order in which parents come first.
pub(super) fn forest(graph: &Graph) -> (Vec<Option<Index>>, Vec<Index>) {
    let count = graph.nodes().len();
    let mut above = vec![None; count];
    for index in 0..count {
        for &child in graph.children(index) {
            above[child] = Some(index);
        }
    }
    let mut order = Vec::with_capacity(count);
    let mut seen = vec![false; count];
    let roots = (0..count).filter(|&index| above[index].is_none());
    // What no root leads to is in a parent cycle, or below one: its first task becomes a root.
    for start in roots.chain(0..count).collect::<Vec<_>>() {
        if seen[start] {
            continue;
        }
        seen[start] = true;
        above[start] = None;
        let mut stack = vec![start];
        while let Some(index) = stack.pop() {
            order.push(index);
            for &child in graph.children(index).iter().rev().filter(|&&child| child != index) {
                if !std::mem::replace(&mut seen[child], true) {
                    stack.push(child);
                }
            }
        }
    }
    (above, order)
}

/// How much of every task is done, counted in tasks without children.
pub(super) fn progress(graph: &Graph, above: &[Option<Index>], order: &[Index]) -> Vec<Progress> {
    let mut all = vec![Progress::default(); above.len()];
    for &index in order.iter().rev() {
        if graph.children(index).is_empty() && graph.status(index) != Status::Cancelled {
            all[index] = Progress { done: usize::from(graph.status(index) == Status::Done), total: 1 };
        }
        if let Some(parent) = above[index] {
            let Progress { done, total } = all[index];
            all[parent].done += done;
            all[parent].total += total;
        }
    }
    all
}

/// A task, what it needs, what needs it, and the epics around them.
pub(super) fn neighbourhood(graph: &Graph, above: &[Option<Index>], start: Index) -> Vec<bool> {
    let needs = reach(graph, start, |index| {
        graph.dependencies(index).iter().chain(graph.children(index)).copied().collect()
    });
    // An epic ends with its last task, so what waits for the epic waits for the task.
    let needed_by =
        reach(graph, start, |index| graph.dependents(index).iter().copied().chain(above[index]).collect());
    let mut shown: Vec<bool> = needs.iter().zip(&needed_by).map(|(a, b)| *a || *b).collect();
    for index in 0..shown.len() {
        let mut around = above[index].filter(|_| shown[index]);
        while let Some(epic) = around.filter(|&epic| !shown[epic]) {
            shown[epic] = true;
            around = above[epic];
        }
    }
    shown
}

fn reach(graph: &Graph, start: Index, next: impl Fn(Index) -> Vec<Index>) -> Vec<bool> {
    let mut seen = vec![false; graph.nodes().len()];
    seen[start] = true;
    let mut stack = vec![start];
    while let Some(index) = stack.pop() {
        for other in next(index) {
            if !std::mem::replace(&mut seen[other], true) {
                stack.push(other);
            }
        }
    }
    seen
}

/// The arrows of the cycles that are reported.
pub(super) fn faulty_edges(graph: &Graph) -> HashSet<(Index, Index)> {
    let mut found = HashSet::new();
    for fault in graph.faults() {
        match fault {
            Fault::Cycle(ids) => {
                let places: Vec<Index> = ids.iter().filter_map(|id| graph.find(id.as_str())).collect();
                for (at, &task) in places.iter().enumerate() {
                    found.insert((places[(at + 1) % places.len()], task));
                }
            }
            Fault::ParentCycle(_) | Fault::DanglingDependency { .. } | Fault::DanglingParent { .. } => {}
        }
    }
    found
}
