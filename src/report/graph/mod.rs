//! Pictures of the graph.
//!
//! In: a [`Graph`] and which part of it to show. Out: a [`View`], which one file per format draws.
//! Invariant: the same graph and options give the same bytes; whatever a merge did to `parent`,
//! containment in a view is a forest. Everything here is linear but for sorting.

pub mod dot;
mod forest;
pub mod json;
mod layers;
mod layout;
mod look;
pub mod mermaid;
mod rank;
mod shelf;
pub mod svg;
mod svg_style;
pub mod text;
mod tree;

#[cfg(test)]
pub(in crate::report) mod samples;

use crate::report::safe;
use crate::state::graph::{Fault, Graph, Index, Standing};
use forest::{faulty_edges, forest, neighbourhood, progress};
pub use look::{Look, look, word};
use std::collections::{BTreeSet, HashSet};

/// How deep epics are drawn inside epics; deeper ones are drawn at this depth.
const DEPTH_MAX: usize = 8;

/// Which part of a graph to show.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only this task, what it needs and what needs it.
    pub around: Option<Index>,
    /// Only these tasks.
    pub only: Option<Vec<Index>>,
    /// Leaves out what is done or cancelled.
    pub hide_closed: bool,
    /// Whether an agent may take tasks that need a review.
    pub agent_review: bool,
    /// Tasks that somebody works on now.
    pub running: Vec<Index>,
}

/// An arrow from what has to be done first to what waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// What has to be done first.
    pub from: Index,
    /// What waits for it.
    pub to: Index,
    /// Whether the arrow is part of a cycle that is reported.
    pub faulty: bool,
}

/// How much of an epic is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Tasks in it, at any depth, that are done.
    pub done: usize,
    /// Tasks in it, at any depth, without those that were cancelled.
    pub total: usize,
}

/// A part of a graph, with what every picture needs to know of it.
#[derive(Debug)]
pub struct View<'a> {
    graph: &'a Graph,
    shown: Vec<bool>,
    picked: Vec<Index>,
    looks: Vec<Look>,
    container: Vec<Option<Index>>,
    members: Vec<Vec<Index>>,
    progress: Vec<Progress>,
    depth: Vec<usize>,
    edges: Vec<Edge>,
    joined: Vec<bool>,
    focus: Option<Index>,
    hidden_closed: usize,
    agent_review: bool,
}

impl<'a> View<'a> {
    /// Picks a part of the graph.
    #[must_use]
    pub fn new(graph: &'a Graph, options: &Options) -> Self {
        let count = graph.nodes().len();
        let (above, order) = forest(graph);
        let focus = options.around.filter(|&index| index < count);
        let mut shown = focus.map_or_else(|| vec![true; count], |index| neighbourhood(graph, &above, index));
        if let Some(only) = &options.only {
            let only: HashSet<Index> = only.iter().copied().collect();
            shown.iter_mut().enumerate().for_each(|(index, shown)| *shown &= only.contains(&index));
        }
        let closed = |index: Index| graph.status(index).is_closed() && focus != Some(index);
        let hidden_closed =
            if options.hide_closed { (0..count).filter(|&i| shown[i] && closed(i)).count() } else { 0 };
        if options.hide_closed {
            (0..count).filter(|&index| closed(index)).for_each(|index| shown[index] = false);
        }
        let running: HashSet<Index> = options.running.iter().copied().collect();
        let looks = (0..count)
            .map(|index| look::look(graph, index, options.agent_review, running.contains(&index)))
            .collect();
        let progress = progress(graph, &above, &order);
        let mut view = Self {
            graph,
            picked: (0..count).filter(|&index| shown[index]).collect(),
            shown,
            looks,
            container: above,
            members: vec![Vec::new(); count],
            progress,
            depth: vec![0; count],
            edges: Vec::new(),
            joined: vec![false; count],
            focus,
            hidden_closed,
            agent_review: options.agent_review,
        };
        view.nest(&order);
        view.connect();
        view
    }

    /// Restricts containment to what is shown, and flattens what is nested too deep.
    fn nest(&mut self, order: &[Index]) {
        for &index in order {
            let shown = self.shown[index];
            let mut container = self.container[index].filter(|&above| shown && self.shown[above]);
            if let Some(above) = container {
                if self.depth[above] == DEPTH_MAX {
                    container = self.container[above];
                }
                self.depth[index] = container.map_or(0, |above| self.depth[above] + 1);
            }
            self.container[index] = container;
        }
        for &index in &self.picked {
            if let Some(above) = self.container[index] {
                self.members[above].push(index);
            }
        }
    }

    fn connect(&mut self) {
        let faulty = faulty_edges(self.graph);
        for &to in &self.picked {
            let dependencies: BTreeSet<Index> = self.graph.dependencies(to).iter().copied().collect();
            for from in dependencies.into_iter().filter(|&from| self.shown[from]) {
                self.edges.push(Edge { from, to, faulty: faulty.contains(&(from, to)) });
                self.joined[from] = true;
                self.joined[to] = true;
            }
        }
    }

    /// The graph that the view is of.
    #[must_use]
    pub fn graph(&self) -> &'a Graph {
        self.graph
    }

    /// What is shown, in the order of ids.
    #[must_use]
    pub fn picked(&self) -> &[Index] {
        &self.picked
    }

    /// The arrows between what is shown, in the order of ids, without repetition.
    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// What a task looks like.
    #[must_use]
    pub fn look(&self, index: Index) -> Look {
        self.looks[index]
    }

    /// Where a task stands.
    #[must_use]
    pub fn standing(&self, index: Index) -> Standing {
        self.graph.standing(index, self.agent_review)
    }

    /// The epic inside which a task is drawn.
    #[must_use]
    pub fn container(&self, index: Index) -> Option<Index> {
        self.container[index]
    }

    /// What is drawn inside an epic.
    #[must_use]
    pub fn members(&self, index: Index) -> &[Index] {
        &self.members[index]
    }

    /// What is drawn inside no epic.
    #[must_use]
    pub fn roots(&self) -> Vec<Index> {
        self.picked.iter().copied().filter(|&index| self.container[index].is_none()).collect()
    }

    /// What is shown, an epic before what is drawn inside it.
    fn outer_first(&self) -> Vec<Index> {
        let mut order = self.picked.clone();
        order.sort_by_key(|&index| self.depth[index]);
        order
    }

    /// How much of an epic is done.
    #[must_use]
    pub fn progress(&self, index: Index) -> Progress {
        self.progress[index]
    }

    /// Whether a task is a box around others.
    #[must_use]
    pub fn is_container(&self, index: Index) -> bool {
        !self.members[index].is_empty()
    }

    /// Whether a task needs a place of its own for arrows to begin or end at.
    #[must_use]
    pub fn is_point(&self, index: Index) -> bool {
        !self.is_container(index) || self.joined[index]
    }

    /// Whether an arrow begins or ends at a task.
    #[must_use]
    pub fn is_joined(&self, index: Index) -> bool {
        self.joined[index]
    }

    /// The task that the view is about, if it is about one.
    #[must_use]
    pub fn focus(&self) -> Option<Index> {
        self.focus
    }

    /// How many closed tasks were left out on request.
    #[must_use]
    pub fn hidden_closed(&self) -> usize {
        self.hidden_closed
    }

    /// A task's id.
    #[must_use]
    pub fn id(&self, index: Index) -> &'a str {
        self.graph.nodes()[index].id.as_str()
    }

    /// A task's title, safe to show.
    #[must_use]
    pub fn title(&self, index: Index) -> String {
        safe::text(&self.graph.nodes()[index].title)
    }

    /// A title with the progress of its epic behind it.
    #[must_use]
    pub fn title_with_progress(&self, index: Index) -> String {
        let Progress { done, total } = self.progress[index];
        let title = self.title(index);
        if self.graph.children(index).is_empty() { title } else { format!("{title} ({done}/{total})") }
    }

    /// Dependencies of what is shown that are not there: the task and the missing id.
    pub fn missing(&self) -> impl Iterator<Item = (Index, &'a str)> + '_ {
        self.faults().filter_map(|fault| match fault {
            Fault::DanglingDependency { task, missing } => {
                self.graph.find(task.as_str()).map(|index| (index, missing.as_str()))
            }
            Fault::Cycle(_) | Fault::DanglingParent { .. } | Fault::ParentCycle(_) => None,
        })
    }

    /// The faults that touch what is shown.
    pub fn faults(&self) -> impl Iterator<Item = &'a Fault> + '_ {
        let graph = self.graph;
        graph.faults().iter().filter(move |fault| match fault {
            Fault::Cycle(ids) | Fault::ParentCycle(ids) => ids.iter().any(|id| self.shows(id.as_str())),
            Fault::DanglingDependency { task, .. } | Fault::DanglingParent { task, .. } => {
                self.shows(task.as_str())
            }
        })
    }

    fn shows(&self, id: &str) -> bool {
        self.graph.find(id).is_some_and(|index| self.shown[index])
    }

    /// How many tasks look like each look, without those that none does.
    #[must_use]
    pub fn counts(&self) -> Vec<(Look, usize)> {
        let count = |look| self.picked.iter().filter(|&&index| self.looks[index] == look).count();
        Look::ALL.into_iter().map(|look| (look, count(look))).filter(|&(_, count)| count > 0).collect()
    }
}

/// A piece of a picture in which epics are boxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// The box of an epic begins.
    Open(Index),
    /// A task, or the point of an epic at which arrows begin and end.
    Point(Index),
    /// A box ends.
    Close,
}

/// Says what stands inside what, from the outside in, each piece with its depth.
fn nested(view: &View, say: &mut dyn FnMut(usize, Piece)) {
    let mut stack: Vec<(usize, Piece)> = Vec::new();
    let push = |stack: &mut Vec<(usize, Piece)>, members: &[Index], depth| {
        for &index in members.iter().rev() {
            let piece = if view.is_container(index) { Piece::Open(index) } else { Piece::Point(index) };
            stack.push((depth, piece));
        }
    };
    push(&mut stack, &view.roots(), 0);
    while let Some((depth, piece)) = stack.pop() {
        say(depth, piece);
        match piece {
            Piece::Open(epic) => {
                stack.push((depth, Piece::Close));
                push(&mut stack, view.members(epic), depth + 1);
                if view.is_point(epic) {
                    stack.push((depth + 1, Piece::Point(epic)));
                }
            }
            Piece::Point(_) | Piece::Close => {}
        }
    }
}

/// A text in lines of at most `width` columns, broken between words; the last one is cut.
fn wrapped(text: &str, width: usize, lines: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() && out.len() + 1 < lines {
        let (mut used, mut end) = (0, 0);
        for word in rest.split_inclusive(' ') {
            if used + safe::width(word.trim_end()) > width {
                break;
            }
            used += safe::width(word);
            end += word.len();
        }
        if end == 0 {
            break;
        }
        out.push(rest[..end].trim_end().to_owned());
        rest = rest[end..].trim_start();
    }
    if !rest.is_empty() {
        out.push(safe::truncate(rest, width));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::samples::{epic, graph, small, task, with};
    use super::*;
    use crate::state::status::Status;

    fn ids<'a>(view: &View<'a>) -> Vec<&'a str> {
        view.picked().iter().map(|&index| view.id(index)).collect()
    }

    #[test]
    fn a_neighbourhood_has_what_a_task_needs_and_what_needs_it() {
        let graph = small();
        let around = |id| View::new(&graph, &Options { around: graph.find(id), ..Options::default() });
        assert_eq!(
            ids(&around("t-limit")),
            ["e-api", "e-docs", "t-client", "t-guide", "t-launch", "t-limit", "t-routes", "t-schema"]
        );
        assert_eq!(ids(&around("t-feed")), ["t-feed", "t-old"]);
        let nobody = View::new(&graph, &Options { around: Some(99), ..Options::default() });
        assert_eq!(nobody.picked().len(), graph.nodes().len(), "a task that is not there restricts nothing");
    }

    #[test]
    fn progress_counts_tasks_at_any_depth_and_not_cancelled_ones() {
        let graph = graph(&[
            epic("e", "E"),
            with(epic("f", "F"), Status::Pending, "e"),
            with(task("a", "A", &[]), Status::Done, "f"),
            with(task("b", "B", &[]), Status::Cancelled, "f"),
            with(task("c", "C", &[]), Status::Pending, "e"),
        ]);
        let view = View::new(&graph, &Options { hide_closed: true, ..Options::default() });
        assert_eq!(view.progress(graph.find("e").unwrap()), Progress { done: 1, total: 2 });
        assert_eq!(view.hidden_closed(), 3, "the inner epic is done too");
    }

    #[test]
    fn epics_that_contain_each_other_are_still_a_forest() {
        let inside = |id, parent| with(epic(id, id), Status::Pending, parent);
        let graph = graph(&[
            inside("a", "b"),
            inside("b", "c"),
            inside("c", "a"),
            inside("d", "d"),
            inside("e", "c"),
        ]);
        let view = View::new(&graph, &Options::default());
        assert_eq!(view.roots().len(), 2);
        let inner: usize = view.picked().iter().map(|&index| view.members(index).len()).sum();
        assert_eq!(inner, 3);
    }

    #[test]
    fn every_look_has_its_own_sign_and_word() {
        for ascii in [true, false] {
            let signs: BTreeSet<_> = Look::ALL.iter().map(|look| look.glyph(ascii)).collect();
            assert_eq!(signs.len(), Look::ALL.len());
            assert!(!ascii || signs.iter().all(|sign| sign.is_ascii()));
        }
        assert_eq!(Look::ALL.iter().map(|look| look.word()).collect::<BTreeSet<_>>().len(), Look::ALL.len());
    }

    #[test]
    fn a_title_is_broken_between_words_and_cut_at_the_end() {
        assert_eq!(wrapped("one two three four", 9, 2), ["one two", "three fo…"]);
        assert_eq!(wrapped("abcdefghijkl", 5, 2), ["abcd…"]);
        assert_eq!(wrapped("  ", 5, 2), Vec::<String>::new());
    }
}
