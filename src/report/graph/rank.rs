//! The order in which a view's tasks can be done.
//!
//! Out: a place for every task, after those of what it needs, an epic's after its tasks'.
//! Invariant: every task has a place; a cycle is entered at its first task instead of being left out.

use super::View;
use crate::state::graph::Index;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Place of a task that is not shown.
pub(super) const NOWHERE: usize = usize::MAX;

/// What comes directly after every task: what depends on it, and its epic.
///
/// A task that waits for its own epic closes a ring that is no fault of the graph: then epics count
/// for nothing, so that at least the dependencies keep their order.
pub(super) fn successors(view: &View) -> Vec<Vec<Index>> {
    let mut next = vec![Vec::new(); view.graph().nodes().len()];
    for edge in view.edges() {
        if edge.from != edge.to {
            next[edge.from].push(edge.to);
        }
    }
    let mut with_epics = next.clone();
    for &index in view.picked() {
        with_epics[index].extend(view.container(index));
    }
    let broken = |next: &[Vec<Index>]| {
        let place = places(&order(view, next), next.len());
        view.edges().iter().filter(|edge| place[edge.from] > place[edge.to]).count()
    };
    if broken(&with_epics) <= broken(&next) { with_epics } else { next }
}

/// Lowers every epic's place to that of the first task in it.
pub(super) fn first_inside(view: &View, place: &mut [usize]) {
    for &index in view.outer_first().iter().rev() {
        if let Some(epic) = view.container(index) {
            place[epic] = place[epic].min(place[index]);
        }
    }
}

/// The tasks in an order in which they can be done, the more urgent first.
pub(super) fn order(view: &View, next: &[Vec<Index>]) -> Vec<Index> {
    let nodes = view.graph().nodes();
    let mut open = vec![0_usize; nodes.len()];
    next.iter().flatten().for_each(|&after| open[after] += 1);
    let key = |index: Index| Reverse((nodes[index].priority, index));
    let mut ready: BinaryHeap<_> =
        view.picked().iter().filter(|&&index| open[index] == 0).map(|&index| key(index)).collect();
    let mut taken = vec![false; nodes.len()];
    let mut rest = view.picked().iter();
    let mut order = Vec::with_capacity(view.picked().len());
    loop {
        let index = match ready.pop() {
            Some(Reverse((_, index))) => index,
            // All that is left waits for a cycle.
            None => match rest.find(|&&index| !taken[index]) {
                Some(&index) => index,
                None => return order,
            },
        };
        if std::mem::replace(&mut taken[index], true) {
            continue;
        }
        order.push(index);
        for &after in &next[index] {
            open[after] = open[after].saturating_sub(1);
            if open[after] == 0 && !taken[after] {
                ready.push(key(after));
            }
        }
    }
}

/// Every task's place in an order; [`NOWHERE`] for tasks that are not in it.
pub(super) fn places(order: &[Index], count: usize) -> Vec<usize> {
    let mut places = vec![NOWHERE; count];
    for (place, &index) in order.iter().enumerate() {
        places[index] = place;
    }
    places
}
