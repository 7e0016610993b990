//! What a step costs while it is at work, in case that it cannot land.

use super::event::{Event, Reporter};
use std::cell::Cell;

/// Passes on what happens, and notes what it costs.
pub struct Meter {
    inner: Box<dyn Reporter>,
    usd: Cell<Option<f64>>,
}

impl Meter {
    /// A meter before somebody who is told.
    #[must_use]
    pub fn new(inner: Box<dyn Reporter>) -> Self {
        Self { inner, usd: Cell::default() }
    }

    /// Another step begins.
    pub fn begin(&self) {
        self.usd.take();
    }

    /// What the step has cost so far, in USD; none before it has taken a task, or asks a planner.
    #[must_use]
    pub fn usd(&self) -> Option<f64> {
        self.usd.get()
    }
}

impl Reporter for Meter {
    fn event(&self, event: &Event) {
        // A planner has no task, but a session.
        if matches!(event, Event::Prepared { .. } | Event::AgentStarted { .. }) {
            self.usd.set(self.usd.get().or(Some(0.0)));
        }
        if let Event::Progress { progress, .. } = event {
            let known = self.usd.get().unwrap_or_default();
            self.usd.set(Some(progress.cost_usd.unwrap_or_default().max(known)));
        }
        self.inner.event(event);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Silent;
    use super::super::event::Progress;
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_a_step_costs_is_the_most_that_was_told_since_it_took_a_task() {
        let meter = Meter::new(Box::new(Silent));
        assert_eq!(meter.usd(), None);
        meter.event(&Event::Prepared { dir: String::new() });
        for cost_usd in [Some(0.25), None, Some(0.5), Some(0.0)] {
            let (agent, time) = (String::new(), Duration::ZERO);
            let progress = Progress { cost_usd, ..Progress::default() };
            meter.event(&Event::Progress { agent, elapsed: time, silent: time, progress });
        }
        assert_eq!(meter.usd(), Some(0.5));
        meter.begin();
        assert_eq!(meter.usd(), None);
        // A planner has no place of a task's.
        meter.event(&Event::AgentStarted { agent: String::new(), attempt: 1, max_attempts: 1 });
        assert_eq!(meter.usd(), Some(0.0));
    }
}
