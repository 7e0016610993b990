//! In which order gates run, and which may run now.
//!
//! Invariant: a gate runs once all that it needs has passed, and never when one of these has not;
//! among those that may run the first of the configuration comes first.

use crate::config::GateConfig;

/// Where a gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Waiting,
    Running,
    Done { passed: bool },
}

/// Gates on their way.
#[derive(Debug, Clone)]
pub struct Queue {
    /// For each gate the places of those that it needs; what was left out is not waited for.
    needs: Vec<Vec<usize>>,
    standing: Vec<Standing>,
}

impl Queue {
    /// All gates, waiting.
    #[must_use]
    pub fn new(gates: &[GateConfig]) -> Self {
        let place = |name: &String| gates.iter().position(|gate| gate.name == *name);
        let needs = gates.iter().map(|gate| gate.needs.iter().filter_map(place).collect()).collect();
        Self { needs, standing: vec![Standing::Waiting; gates.len()] }
    }

    /// Takes out the first gate that may run now, of those that the caller would run.
    pub fn next(&mut self, would: impl Fn(usize) -> bool) -> Option<usize> {
        let passed = |need: &usize| self.standing[*need] == Standing::Done { passed: true };
        let may = |at: &usize| {
            self.standing[*at] == Standing::Waiting && self.needs[*at].iter().all(passed) && would(*at)
        };
        let at = (0..self.standing.len()).find(may)?;
        self.standing[at] = Standing::Running;
        Some(at)
    }

    /// Puts a gate back that is to run again.
    pub fn again(&mut self, at: usize) {
        self.standing[at] = Standing::Waiting;
    }

    /// Notes how a gate ended.
    pub fn done(&mut self, at: usize, passed: bool) {
        self.standing[at] = Standing::Done { passed };
    }

    /// The first waiting gate that cannot run any more, and which of its needs did not pass.
    #[must_use]
    pub fn hopeless(&self) -> Option<(usize, usize)> {
        let failed = |need: &&usize| self.standing[**need] == Standing::Done { passed: false };
        let mut waiting = (0..self.standing.len()).filter(|at| self.standing[*at] == Standing::Waiting);
        waiting.find_map(|at| Some((at, *self.needs[at].iter().find(failed)?)))
    }

    /// Whether a gate has not begun.
    #[must_use]
    pub fn is_waiting(&self, at: usize) -> bool {
        self.standing[at] == Standing::Waiting
    }
}

/// The gates in an order in which each comes after all that it needs, and else as in the
/// configuration.
#[must_use]
pub fn in_order(gates: &[GateConfig]) -> Vec<GateConfig> {
    let mut queue = Queue::new(gates);
    let mut ordered = Vec::with_capacity(gates.len());
    while let Some(at) = queue.next(|_| true) {
        queue.done(at, true);
        ordered.push(gates[at].clone());
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn gate(name: &str, needs: &[&str]) -> GateConfig {
        GateConfig {
            needs: needs.iter().map(|need| (*need).to_owned()).collect(),
            ..GateConfig::new(name, "true")
        }
    }

    #[test]
    fn independent_gates_may_run_together_and_others_wait() {
        let mut queue = Queue::new(&[gate("test", &["build"]), gate("fmt", &[]), gate("build", &[])]);
        assert_eq!(
            (queue.next(|_| true), queue.next(|_| true), queue.next(|_| true)),
            (Some(1), Some(2), None)
        );
        queue.done(2, true);
        assert_eq!(queue.next(|at| at != 0), None, "the caller would not");
        assert_eq!(queue.next(|_| true), Some(0));
        queue.again(0);
        assert_eq!(queue.next(|_| true), Some(0));
    }

    #[test]
    fn what_needs_a_failed_gate_is_hopeless_however_far_away() {
        let mut queue = Queue::new(&[gate("a", &[]), gate("b", &["a"]), gate("c", &["b"])]);
        assert_eq!((queue.next(|_| true), queue.hopeless()), (Some(0), None));
        queue.done(0, false);
        assert_eq!(queue.hopeless(), Some((1, 0)));
        queue.done(1, false);
        assert_eq!(queue.hopeless(), Some((2, 1)));
        assert_eq!(queue.next(|_| true), None);
    }

    #[test]
    fn a_need_that_was_left_out_is_not_waited_for() {
        assert_eq!(Queue::new(&[gate("test", &["build"])]).next(|_| true), Some(0));
    }

    proptest! {
        #[test]
        fn an_order_has_every_gate_once_after_its_needs(edges in proptest::collection::vec((0_usize..8, 0_usize..8), 0..16)) {
            let names: Vec<String> = (0..8).map(|n| format!("g{n}")).collect();
            let mut gates: Vec<GateConfig> = names.iter().map(|name| gate(name, &[])).collect();
            for (from, to) in edges {
                // Only towards smaller numbers, so that there is no cycle; the list is turned around.
                if to < from {
                    gates[from].needs.push(names[to].clone());
                }
            }
            gates.reverse();
            let ordered = in_order(&gates);
            prop_assert_eq!(ordered.len(), 8);
            for (at, gate) in ordered.iter().enumerate() {
                for need in &gate.needs {
                    prop_assert!(ordered[..at].iter().any(|earlier| earlier.name == *need));
                }
            }
        }
    }
}
