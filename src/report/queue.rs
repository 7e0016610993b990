//! The queue on a terminal: what a step would take, and what waits, with the reasons.

use super::safe::{text, truncate};
use super::table::{Cell, Table};
use crate::select::Candidate;
use crate::state::graph::{Graph, Index};

/// A line for each task; a title leaves room for the reason.
#[must_use]
pub fn rows(graph: &Graph, queue: &[Candidate], waits: &[(Index, String)], width: Option<usize>) -> Table {
    let room = width.map_or(usize::MAX, |width| width / 2);
    let mut table = Table::new();
    let mut row = |index: Index, why: &str| {
        let node = &graph.nodes()[index];
        let title = truncate(&text(&node.title), room);
        table.row([Cell::new(node.id.as_str()), Cell::new(title), Cell::new(why)]);
    };
    for candidate in queue {
        row(candidate.index, &candidate.because);
    }
    for (index, why) in waits {
        row(*index, &format!("waits: {why}"));
    }
    table
}
