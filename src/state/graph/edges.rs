//! Edges between nodes, and ways along them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// A node's place in the list of nodes.
pub type Index = usize;

/// Edges of all nodes in one list: those of node `n` are `to[starts[n]..starts[n + 1]]`.
#[derive(Debug, Default)]
pub(super) struct Edges {
    starts: Vec<usize>,
    to: Vec<Index>,
}

impl Edges {
    /// Edges between `nodes` nodes, each pair from the first to the second, in the order given.
    pub(super) fn new(nodes: usize, pairs: &[(Index, Index)]) -> Self {
        let mut starts = vec![0; nodes + 1];
        for (from, _) in pairs {
            starts[from + 1] += 1;
        }
        for index in 0..nodes {
            starts[index + 1] += starts[index];
        }
        let mut next = starts.clone();
        let mut to = vec![0; pairs.len()];
        for &(from, target) in pairs {
            to[next[from]] = target;
            next[from] += 1;
        }
        Self { starts, to }
    }

    /// Where a node's edges lead.
    pub(super) fn of(&self, index: Index) -> &[Index] {
        &self.to[self.starts[index]..self.starts[index + 1]]
    }

    /// How many edges there are.
    pub(super) fn len(&self) -> usize {
        self.to.len()
    }

    /// How many nodes there are.
    pub(super) fn nodes(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }
}

/// Whether all nodes can be put in an order (Kahn's algorithm).
fn is_acyclic(edges: &Edges) -> bool {
    let mut incoming = vec![0_u32; edges.nodes()];
    for &to in &edges.to {
        incoming[to] += 1;
    }
    let mut free: Vec<Index> = (0..edges.nodes()).filter(|&index| incoming[index] == 0).collect();
    let mut ordered = 0;
    while let Some(at) = free.pop() {
        ordered += 1;
        for &next in edges.of(at) {
            incoming[next] -= 1;
            if incoming[next] == 0 {
                free.push(next);
            }
        }
    }
    ordered == edges.nodes()
}

/// One shortest cycle for every strongly connected group of nodes, the smallest index first.
///
/// Source of the grouping: Tarjan's algorithm, without recursion so that a chain of any length fits.
pub(super) fn cycles(edges: &Edges) -> Vec<Vec<Index>> {
    let mut found = Vec::new();
    if is_acyclic(edges) {
        return found;
    }
    for group in strongly_connected(edges) {
        let smallest = group.iter().copied().min().unwrap_or_default();
        let itself = edges.of(smallest).contains(&smallest);
        if itself {
            found.push(vec![smallest]);
        } else if let Some(path) = shortest_cycle(edges, smallest) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The shortest way from a node back to itself, by breadth-first search.
fn shortest_cycle(edges: &Edges, start: Index) -> Option<Vec<Index>> {
    let mut came_from: HashMap<Index, Index> = HashMap::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for &next in edges.of(at) {
            if next == start {
                let mut path = vec![at];
                while let Some(&before) = came_from.get(&path[path.len() - 1]) {
                    path.push(before);
                }
                path.reverse();
                return Some(path);
            }
            if let Entry::Vacant(vacant) = came_from.entry(next) {
                vacant.insert(at);
                queue.push_back(next);
            }
        }
    }
    None
}

/// The groups of nodes that can all reach each other; single nodes only if they reach themselves.
fn strongly_connected(edges: &Edges) -> Vec<Vec<Index>> {
    const NEW: usize = usize::MAX;
    let mut order = vec![NEW; edges.nodes()];
    let mut low = vec![0; edges.nodes()];
    let mut on_stack = vec![false; edges.nodes()];
    let mut stack = Vec::new();
    let mut groups = Vec::new();
    let mut counter = 0;
    for root in 0..edges.nodes() {
        if order[root] != NEW {
            continue;
        }
        let mut work = vec![(root, 0)];
        while let Some(&mut (at, ref mut edge)) = work.last_mut() {
            if *edge == 0 {
                order[at] = counter;
                low[at] = counter;
                counter += 1;
                stack.push(at);
                on_stack[at] = true;
            }
            if let Some(&next) = edges.of(at).get(*edge) {
                *edge += 1;
                if order[next] == NEW {
                    work.push((next, 0));
                } else if on_stack[next] {
                    low[at] = low[at].min(order[next]);
                }
                continue;
            }
            // A node without edges has been entered above and leaves here at once.
            *edge = edges.of(at).len().max(1);
            work.pop();
            if let Some(&(above, _)) = work.last() {
                low[above] = low[above].min(low[at]);
            }
            if low[at] == order[at] {
                let mut group = Vec::new();
                while let Some(member) = stack.pop() {
                    on_stack[member] = false;
                    group.push(member);
                    if member == at {
                        break;
                    }
                }
                if group.len() > 1 || edges.of(at).contains(&at) {
                    groups.push(group);
                }
            }
        }
    }
    groups
}
