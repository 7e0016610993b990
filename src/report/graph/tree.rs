//! Which tasks a terminal shows, in which order, and the lines that join them.
//!
//! Invariant: a task stands after all that it needs in the same epic, under the last of it, unless
//! they are in a cycle. Nothing recurses, and no line is indented further than a fixed depth.

use super::rank;
use super::{Look, View};
use crate::state::graph::Index;

/// How many levels of branches are indented; deeper ones stay at the last.
const BRANCHES_MAX: usize = 6;
/// A line before it is laid out.
pub(super) struct Row {
    /// What stands before its sign.
    pub(super) lead: String,
    /// What it is about.
    pub(super) what: What,
}

/// What a line is about.
pub(super) enum What {
    /// A task.
    Task(Index),
    /// Closed and open tasks of one epic that are not drawn.
    More(usize, usize),
}

/// The tasks of a view that are drawn, with what joins them.
pub(super) struct Tree<'a, 'v> {
    view: &'a View<'v>,
    ascii: bool,
    /// Every task's place in the order of doing.
    pub(super) place: Vec<usize>,
    /// The first place inside every task: its own, or that of a task in it.
    first: Vec<usize>,
    next: Vec<Vec<Index>>,
    height: Vec<usize>,
    /// Whether a task is drawn.
    pub(super) drawn: Vec<bool>,
}

impl<'a, 'v> Tree<'a, 'v> {
    /// Joins the tasks of a view, at most `limit` of them and the epics around them.
    pub(super) fn new(view: &'a View<'v>, ascii: bool, limit: Option<usize>) -> Self {
        let count = view.graph().nodes().len();
        let all = rank::successors(view);
        let order = rank::order(view, &all);
        let place = rank::places(&order, count);
        let drawn = drawn(view, &place, limit);
        let beside = |from: Index, to: Index| {
            drawn[from] && drawn[to] && view.container(from) == view.container(to) && place[from] < place[to]
        };
        let next: Vec<Vec<Index>> = all
            .into_iter()
            .enumerate()
            .map(|(from, next)| next.into_iter().filter(|&to| beside(from, to)).collect())
            .collect();
        let (mut height, mut first) = (vec![0; count], place.clone());
        for &index in order.iter().rev() {
            height[index] = next[index].iter().map(|&to| height[to] + 1).max().unwrap_or(0);
        }
        rank::first_inside(view, &mut first);
        Self { view, ascii, place, first, next, height, drawn }
    }

    fn sign(&self, sign: &'static str, ascii: &'static str) -> &'static str {
        if self.ascii { ascii } else { sign }
    }

    /// The lines from top to bottom.
    pub(super) fn rows(&self) -> Vec<Row> {
        let mut open = vec![0_usize; self.drawn.len()];
        self.next.iter().flatten().for_each(|&to| open[to] += 1);
        let mut rows = Vec::new();
        let mut stack: Vec<Visit> = Vec::new();
        self.push_group(&mut stack, &self.view.roots(), "", 0, &open);
        while let Some(visit) = stack.pop() {
            let index = match visit.what {
                What::Task(index) => index,
                What::More(..) => {
                    rows.push(Row { lead: visit.lead, what: visit.what });
                    continue;
                }
            };
            rows.push(Row { lead: visit.lead, what: What::Task(index) });
            let released = self.release(index, &mut open);
            self.push_released(&mut stack, &released, &visit.rest, visit.branches);
            let inside = format!("{}{}", visit.rest, self.sign("┊  ", ":  "));
            self.push_group(&mut stack, self.view.members(index), &inside, visit.branches, &open);
        }
        rows
    }

    /// The tasks that have nothing to wait for once this one is drawn; the one with most to come is last.
    fn release(&self, index: Index, open: &mut [usize]) -> Vec<Index> {
        let mut released = Vec::new();
        for &to in &self.next[index] {
            open[to] = open[to].saturating_sub(1);
            if open[to] == 0 {
                released.push(to);
            }
        }
        released.sort_by_key(|&to| (self.height[to], self.first[to]));
        released
    }

    fn push_released(&self, stack: &mut Vec<Visit>, released: &[Index], rest: &str, branches: usize) {
        for (at, &index) in released.iter().enumerate().rev() {
            let last = at + 1 == released.len();
            let alone = released.len() == 1;
            let leaf = self.height[index] == 0 && self.view.members(index).is_empty();
            let visit = if branches >= BRANCHES_MAX || alone || (last && !leaf) {
                Visit { lead: rest.to_owned(), rest: rest.to_owned(), what: What::Task(index), branches }
            } else {
                let (line, below) = if last {
                    (self.sign("└─ ", "`- "), "   ")
                } else {
                    (self.sign("├─ ", "|- "), self.sign("│  ", "|  "))
                };
                Visit {
                    lead: format!("{rest}{line}"),
                    rest: format!("{rest}{below}"),
                    what: What::Task(index),
                    branches: branches + 1,
                }
            };
            stack.push(visit);
        }
    }

    /// What stands in one epic, or in none: first what needs nothing beside it, at the end what is left out.
    fn push_group(
        &self,
        stack: &mut Vec<Visit>,
        members: &[Index],
        rest: &str,
        branches: usize,
        open: &[usize],
    ) {
        let visit = |what| Visit { lead: rest.to_owned(), rest: rest.to_owned(), what, branches };
        let (drawn, hidden): (Vec<Index>, Vec<Index>) = members.iter().partition(|&&index| self.drawn[index]);
        let closed = hidden.iter().filter(|&&index| self.view.graph().status(index).is_closed()).count();
        if !hidden.is_empty() {
            stack.push(visit(What::More(closed, hidden.len() - closed)));
        }
        let mut roots: Vec<Index> = drawn.into_iter().filter(|&index| open[index] == 0).collect();
        roots.sort_by_key(|&index| self.first[index]);
        stack.extend(roots.into_iter().rev().map(|index| visit(What::Task(index))));
    }
}

/// A task that is still to be drawn.
struct Visit {
    lead: String,
    rest: String,
    what: What,
    branches: usize,
}

/// Which tasks are drawn: all that fit, else those that a person would look for first, with their epics.
fn drawn(view: &View, place: &[usize], limit: Option<usize>) -> Vec<bool> {
    let mut drawn = vec![false; place.len()];
    let mut needed = vec![false; place.len()];
    for edge in view.edges().iter().filter(|edge| !view.graph().status(edge.to).is_closed()) {
        needed[edge.from] = true;
    }
    let urgency = |index: Index| match view.look(index) {
        _ if view.focus() == Some(index) => (0, 0),
        Look::Running | Look::Ready | Look::Person => (1, place[index]),
        Look::Blocked => (2, place[index]),
        Look::Waiting | Look::Proposed => (3, place[index]),
        Look::Epic => (4, place[index]),
        Look::Done | Look::Cancelled if needed[index] => (5, usize::MAX - place[index]),
        Look::Done | Look::Cancelled => (6, usize::MAX - place[index]),
    };
    let mut picked = view.picked().to_vec();
    if limit.is_some_and(|limit| limit < picked.len()) {
        picked.sort_by_key(|&index| urgency(index));
    }
    for index in picked.into_iter().take(limit.unwrap_or(usize::MAX)) {
        drawn[index] = true;
        let mut around = view.container(index);
        while let Some(epic) = around.filter(|&epic| !drawn[epic]) {
            drawn[epic] = true;
            around = view.container(epic);
        }
    }
    drawn
}
