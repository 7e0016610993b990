//! Who does a task, who can take over from them, and what they may spend.

use super::base::Base;
use super::budget::{self, Allowance, Span};
use super::error::StepError;
use crate::config::{Adapter, Profile};
use crate::effects::World;
use crate::route::Route;
use crate::state::ledger::{self, Spending};
use crate::state::task::Task;
use jiff::Timestamp;

/// Who does a task.
#[derive(Debug)]
pub struct Who {
    /// The profile.
    pub profile: Profile,
    /// Why it and no other.
    pub because: String,
    /// Those that can take over, the best first.
    pub others: Vec<Profile>,
    /// What the step may spend.
    pub allowance: Allowance,
}

impl Who {
    /// Nobody: what there is to judge is there already.
    #[must_use]
    pub fn nobody() -> Self {
        Self {
            profile: Profile::new("review", Adapter::Shell),
            because: String::new(),
            others: Vec::new(),
            allowance: Allowance::default(),
        }
    }
}

/// What speaks against running a task now.
#[derive(Debug)]
pub enum Halt {
    /// A budget is spent until then.
    Pause(String, Timestamp),
    /// A person has to act first; why.
    Hold(String),
}

/// Those that could have been chosen as well, the cheapest first; none where one was named.
#[must_use]
pub fn successors(base: &Base, route: &Route, chosen: usize, wanted: Option<&str>) -> Vec<Profile> {
    if wanted.is_some() {
        return Vec::new();
    }
    let mut free: Vec<usize> = (0..route.candidates.len())
        .filter(|&at| at != chosen && route.candidates[at].refusal.is_none())
        .collect();
    free.sort_by(|&a, &b| route.candidates[a].expected_usd.total_cmp(&route.candidates[b].expected_usd));
    free.into_iter().map(|at| base.config.agents[at].clone()).collect()
}

/// What a step may spend on a task now.
///
/// # Errors
/// When the records cannot be read. A budget that is spent is the inner result.
pub fn allowance(world: World<'_>, base: &Base, task: &Task) -> Result<Result<Allowance, Halt>, StepError> {
    let limits = &base.config.budget;
    if !budget::looks_back(limits) {
        return Ok(budget::allowance(limits, &Spending::default()).map_err(|spent| Halt::Hold(spent.fact)));
    }
    let now = world.clock.now();
    let whole = limits.task_usd.is_some() || limits.task_tokens.is_some();
    let attempts = Some(u32::MAX).filter(|_| whole);
    let spending = ledger::spending(world, &base.snapshot.source, &task.id, attempts, now)?;
    let (day, month) = ledger::ends(now);
    Ok(budget::allowance(limits, &spending).map_err(|spent| match spent.span {
        Span::Step | Span::Task => Halt::Hold(spent.fact),
        Span::Day => Halt::Pause(spent.fact, day),
        Span::Month => Halt::Pause(spent.fact, month),
    }))
}
