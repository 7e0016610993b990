//! Cycles in edges given by indices, in linear time and without recursion.

/// The edges that close a cycle when nodes and edges are walked in their order; without them the
/// graph is acyclic.
pub(super) fn closing_edges(edges: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    walk(edges, |from, to| found.push((from, to)));
    found
}

/// The strongly connected group that each node belongs to, by number.
///
/// Source: Kosaraju's algorithm: nodes by falling finishing time, then along reversed edges.
pub(super) fn groups(edges: &[Vec<usize>]) -> Vec<usize> {
    let order = walk(edges, |_, _| {});
    let mut reversed = vec![Vec::new(); edges.len()];
    for (from, targets) in edges.iter().enumerate() {
        for &to in targets {
            reversed[to].push(from);
        }
    }
    let mut group = vec![usize::MAX; edges.len()];
    let mut stack = Vec::new();
    for &root in order.iter().rev() {
        stack.push(root);
        while let Some(at) = stack.pop() {
            if group[at] == usize::MAX {
                group[at] = root;
                stack.extend(reversed[at].iter().copied().filter(|&next| group[next] == usize::MAX));
            }
        }
    }
    group
}

/// Walks depth first; calls `closing` for every edge to a node that is still open, and returns the
/// nodes in the order in which they were finished.
fn walk(edges: &[Vec<usize>], mut closing: impl FnMut(usize, usize)) -> Vec<usize> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Not,
        Open,
        Finished,
    }
    let mut seen = vec![Seen::Not; edges.len()];
    let mut finished = Vec::with_capacity(edges.len());
    for root in 0..edges.len() {
        if seen[root] != Seen::Not {
            continue;
        }
        seen[root] = Seen::Open;
        let mut stack = vec![(root, 0)];
        while let Some((at, next)) = stack.last_mut() {
            let at = *at;
            let Some(&to) = edges[at].get(*next) else {
                seen[at] = Seen::Finished;
                finished.push(at);
                stack.pop();
                continue;
            };
            *next += 1;
            match seen[to] {
                Seen::Not => {
                    seen[to] = Seen::Open;
                    stack.push((to, 0));
                }
                Seen::Open => closing(at, to),
                Seen::Finished => {}
            }
        }
    }
    finished
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_acyclic(edges: &[Vec<usize>]) -> bool {
        let mut missing: Vec<usize> = vec![0; edges.len()];
        edges.iter().flatten().for_each(|&to| missing[to] += 1);
        let mut ready: Vec<usize> = (0..edges.len()).filter(|&n| missing[n] == 0).collect();
        let mut taken = 0;
        while let Some(at) = ready.pop() {
            taken += 1;
            for &to in &edges[at] {
                missing[to] -= 1;
                if missing[to] == 0 {
                    ready.push(to);
                }
            }
        }
        taken == edges.len()
    }

    fn reaches(edges: &[Vec<usize>], from: usize, to: usize) -> bool {
        let mut seen = vec![false; edges.len()];
        let mut stack = vec![from];
        while let Some(at) = stack.pop() {
            if at == to {
                return true;
            }
            if !std::mem::replace(&mut seen[at], true) {
                stack.extend(&edges[at]);
            }
        }
        false
    }

    #[test]
    fn the_closing_edge_of_a_ring_is_the_last() {
        assert_eq!(closing_edges(&[vec![1], vec![2], vec![0], vec![3]]), [(2, 0), (3, 3)]);
        let groups = groups(&[vec![1], vec![2], vec![0], vec![0]]);
        assert!(groups[0] == groups[1] && groups[1] == groups[2] && groups[3] != groups[0]);
    }

    #[test]
    fn a_chain_of_any_length_fits() {
        let n = 300_000;
        let mut edges: Vec<Vec<usize>> = (0..n).map(|i| vec![(i + 1) % n]).collect();
        assert_eq!(closing_edges(&edges), [(n - 1, 0)]);
        edges[n - 1].clear();
        assert!(closing_edges(&edges).is_empty());
    }

    proptest! {
        #[test]
        fn without_the_closing_edges_no_cycle_is_left(edges in prop::collection::vec(prop::collection::vec(0..12_usize, 0..4), 12)) {
            let closing = closing_edges(&edges);
            let mut left = edges.clone();
            for (from, targets) in left.iter_mut().enumerate() {
                targets.retain(|&to| !closing.contains(&(from, to)));
            }
            prop_assert!(is_acyclic(&left));
            prop_assert_eq!(closing.is_empty(), is_acyclic(&edges));
            let groups = groups(&edges);
            // Within one group every node lies on a cycle; between groups there is none.
            let mut between = vec![Vec::new(); edges.len()];
            for (from, targets) in edges.iter().enumerate() {
                for &to in targets {
                    if groups[from] == groups[to] {
                        prop_assert!(reaches(&edges, to, from));
                    } else {
                        between[groups[from]].push(groups[to]);
                    }
                }
            }
            prop_assert!(is_acyclic(&between));
        }
    }
}
