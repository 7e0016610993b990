//! A crew: which of several workers takes a step next, and when there is no more to take.
//!
//! In: what workers tell of themselves. Out: who begins, or that the work is over. Pure. Invariants: one
//! worker at a time chooses its task, so that each sees what those before it claimed; one at a time plans;
//! limits hold over all of them together, and count what those at work have cost so far.

use super::Plans;
use std::collections::BTreeMap;
use std::time::Duration;

/// How many more workers than there are may be killed, or lose their work to the others', one after the other.
pub const LOSSES: u32 = 3;

/// What limits a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// The most steps.
    pub max_steps: Option<u32>,
    /// What they may have cost before another one begins, in USD.
    pub max_usd: Option<f64>,
    /// When the last one may begin.
    pub period: Option<Duration>,
}

/// Which limit of a run is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// That of the steps.
    Steps,
    /// That of the time.
    Time,
    /// That of the cost.
    Cost,
}

impl Limits {
    /// What may still be spent after so much, in USD.
    #[must_use]
    pub fn left(&self, usd: f64) -> Option<f64> {
        self.max_usd.map(|max| (max - usd).max(0.0))
    }

    /// The limit that so much reaches.
    #[must_use]
    pub fn reached(&self, steps: usize, usd: f64, elapsed: Duration) -> Option<Reached> {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        let all = [
            (self.max_steps.is_some_and(|max| steps >= max), Reached::Steps),
            (self.period.is_some_and(|period| elapsed >= period), Reached::Time),
            (self.max_usd.is_some_and(|max| usd >= max), Reached::Cost),
        ];
        all.into_iter().find(|(is_so, _)| *is_so).map(|(_, reached)| reached)
    }
}

/// What a worker came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Came {
    /// A step, which cost so much.
    Step(f64),
    /// A plan, which cost so much; none where the planner brought nothing.
    Plan(Option<f64>),
    /// No planner can be asked just now, which it cost so much to find out; other tasks are none the worse for it.
    Unplanned(f64),
    /// There was nothing that it could take now.
    Nothing,
    /// A step whose work could not land; it is kept.
    Lost,
    /// Something that ends the whole run.
    Stop,
    /// It was killed.
    Died,
}

/// A worker at work.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Worker {
    /// Whether it has yet to say what it does.
    chooses: bool,
    /// Whether it has taken a task.
    has_task: bool,
    /// Whether another one has ended since it began to choose: what it does not find may be there now.
    is_late: bool,
    /// Whether it is the one that may plan.
    may_plan: bool,
    /// What it has cost so far, in USD.
    usd: f64,
}

/// Several workers, each in a slot of its own.
#[derive(Debug, Default)]
pub struct Crew {
    jobs: u32,
    limits: Limits,
    at_work: BTreeMap<u32, Worker>,
    steps: usize,
    usd: f64,
    deaths: u32,
    /// Whether the last one found nothing, and nothing has changed since.
    idle: bool,
    stops: bool,
    /// Whether the planner has brought nothing: it is not asked again.
    stuck: bool,
    /// Whether no planner can be asked just now.
    unplanned: bool,
}

impl Crew {
    /// A crew of so many.
    #[must_use]
    pub fn new(jobs: u32, limits: Limits) -> Self {
        Self { jobs, limits, ..Self::default() }
    }

    /// The slot in which another worker begins, and what it does about planning; none where one at work has
    /// to come to its end first, or the run is over.
    pub fn next(&mut self, elapsed: Duration) -> Option<(u32, Plans)> {
        let waits = self.stops || self.idle || self.at_work.values().any(|worker| worker.chooses);
        if waits || self.reached(elapsed).is_some() {
            return None;
        }
        let slot = (0..self.jobs).find(|slot| !self.at_work.contains_key(slot))?;
        let planned_for = self.unplanned || self.at_work.values().any(|worker| worker.may_plan);
        let plans = match (self.stuck, planned_for) {
            (true, _) => Plans::Never,
            (false, true) => Plans::Others,
            (false, false) => Plans::Caller,
        };
        let worker = Worker { chooses: true, may_plan: plans == Plans::Caller, ..Worker::default() };
        self.at_work.insert(slot, worker);
        Some((slot, plans))
    }

    /// The limit that the steps so far and those at work reach.
    #[must_use]
    pub fn reached(&self, elapsed: Duration) -> Option<Reached> {
        self.limits.reached(self.steps + self.at_work.len(), self.spent_so_far(), elapsed)
    }

    /// What is left for who begins now, in USD. Those at work may spend it as well: what they may and do not spend would
    /// otherwise keep the others from beginning.
    #[must_use]
    pub fn left(&self) -> Option<f64> {
        self.limits.left(self.spent_so_far())
    }

    fn spent_so_far(&self) -> f64 {
        self.usd + self.at_work.values().map(|worker| worker.usd).sum::<f64>()
    }

    /// Whether no further worker is to begin, whatever those at work come to.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stops
    }

    /// Whether a worker has taken a task.
    #[must_use]
    pub fn has_chosen(&self, slot: u32) -> bool {
        self.at_work.get(&slot).is_some_and(|worker| worker.has_task)
    }

    /// No further worker is to begin.
    pub fn stop(&mut self) {
        self.stops = true;
    }

    /// Time has passed: what nobody found may be there now.
    pub fn look_again(&mut self) {
        self.idle = false;
        self.unplanned = false;
    }

    /// A worker has taken a task.
    pub fn chose(&mut self, slot: u32) {
        if let Some(worker) = self.at_work.get_mut(&slot) {
            *worker = Worker { chooses: false, may_plan: false, has_task: true, ..*worker };
        }
    }

    /// A worker has begun to plan.
    pub fn plans(&mut self, slot: u32) {
        if let Some(worker) = self.at_work.get_mut(&slot) {
            worker.chooses = false;
        }
    }

    /// A worker has cost so much so far.
    pub fn spent(&mut self, slot: u32, usd: f64) {
        if let Some(worker) = self.at_work.get_mut(&slot) {
            worker.usd = worker.usd.max(usd);
        }
    }

    /// A worker has ended. Whether the run goes on as far as that matters.
    pub fn ended(&mut self, slot: u32, came: Came) {
        let worker = self.at_work.remove(&slot).unwrap_or_default();
        let Worker { usd: spent, is_late, .. } = worker;
        // A planner that was asked, and whose plan could not land.
        let has_planned = came == Came::Nothing && !worker.chooses && !worker.has_task;
        for other in self.at_work.values_mut() {
            other.is_late |= other.chooses;
        }
        let is_loss = has_planned || matches!(came, Came::Died | Came::Lost);
        self.deaths = if is_loss { self.deaths + 1 } else { 0 };
        match came {
            Came::Step(usd) => {
                self.steps += 1;
                self.usd += usd;
            }
            Came::Plan(usd) => {
                self.usd += usd.unwrap_or_default().max(spent);
                self.stuck |= usd.is_none();
            }
            // What the dead have spent is spent, and so is what a plan cost that could not land.
            Came::Died | Came::Nothing => self.usd += spent,
            Came::Lost => {
                self.steps += 1;
                self.usd += spent;
            }
            Came::Unplanned(usd) => {
                self.usd += usd.max(spent);
                self.unplanned = true;
            }
            Came::Stop => self.stops = true,
        }
        self.stops |= self.deaths >= LOSSES + self.jobs;
        self.idle = came == Came::Nothing && !is_late;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    fn crew(jobs: u32) -> Crew {
        Crew::new(jobs, Limits::default())
    }

    /// Lets as many begin as may, each of which takes a task at once.
    fn fill(crew: &mut Crew) -> Vec<u32> {
        let mut slots = Vec::new();
        while let Some((slot, _)) = crew.next(NOW) {
            crew.chose(slot);
            slots.push(slot);
        }
        slots
    }

    #[test]
    fn one_at_a_time_chooses_until_all_are_at_work() {
        let mut crew = crew(2);
        assert_eq!(crew.next(NOW), Some((0, Plans::Caller)));
        assert_eq!(crew.next(NOW), None, "the first has not said what it does");
        crew.chose(0);
        assert_eq!(crew.next(NOW), Some((1, Plans::Caller)));
        crew.chose(1);
        assert_eq!(crew.next(NOW), None, "all are at work");
        crew.ended(0, Came::Step(0.0));
        assert_eq!(crew.next(NOW), Some((0, Plans::Caller)));
    }

    #[test]
    fn who_finds_nothing_is_followed_by_nobody_until_somebody_has_ended() {
        let mut crew = crew(3);
        crew.next(NOW);
        crew.chose(0);
        crew.next(NOW);
        crew.ended(1, Came::Nothing);
        assert_eq!(crew.next(NOW), None, "what one did not find the next one does not");
        crew.ended(0, Came::Step(0.0));
        assert_eq!(crew.next(NOW), Some((0, Plans::Caller)), "what ended may have freed others");
        crew.ended(0, Came::Nothing);
        assert!(crew.next(NOW).is_none(), "that is the end");
        crew.look_again();
        assert_eq!(crew.next(NOW), Some((0, Plans::Caller)), "unless somebody has waited");
    }

    #[test]
    fn who_found_nothing_before_another_ended_is_followed_by_somebody_who_looks_again() {
        let mut crew = crew(2);
        crew.next(NOW);
        crew.chose(0);
        crew.next(NOW);
        crew.ended(0, Came::Step(0.0));
        crew.ended(1, Came::Nothing);
        assert_eq!(crew.next(NOW), Some((0, Plans::Caller)));
        crew.ended(0, Came::Nothing);
        assert_eq!(crew.next(NOW), None);
    }

    #[test]
    fn one_at_a_time_plans_and_the_others_go_on() {
        let mut crew = crew(3);
        assert_eq!(crew.next(NOW), Some((0, Plans::Caller)));
        crew.plans(0);
        assert_eq!(crew.next(NOW), Some((1, Plans::Others)));
        crew.chose(1);
        crew.ended(0, Came::Plan(Some(0.5)));
        assert_eq!(crew.next(NOW), Some((0, Plans::Caller)));
        crew.plans(0);
        crew.ended(0, Came::Plan(None));
        assert_eq!(crew.next(NOW), Some((0, Plans::Never)), "who brought nothing is not asked again");
    }

    #[test]
    fn a_plan_that_could_not_land_is_paid_for_and_not_asked_for_without_end() {
        let mut crew = Crew::new(1, Limits { max_usd: Some(1e6), ..Limits::default() });
        for lost in 1..=LOSSES + 1 {
            assert_eq!(crew.next(NOW), Some((0, Plans::Caller)));
            crew.plans(0);
            crew.spent(0, 0.5);
            crew.ended(0, Came::Nothing);
            assert_eq!(crew.left(), Some(1e6 - 0.5 * f64::from(lost)));
            crew.look_again();
        }
        assert!(crew.is_stopped() && crew.next(NOW).is_none());
        assert_eq!(crew.steps, 0, "a plan is no step");
    }

    #[test]
    fn where_no_planner_can_be_asked_the_others_go_on() {
        let mut crew = crew(2);
        crew.next(NOW);
        crew.ended(0, Came::Unplanned(0.5));
        assert!(
            (crew.spent_so_far() - 0.5).abs() < f64::EPSILON,
            "who met a limit has cost something all the same"
        );
        assert_eq!(crew.next(NOW), Some((0, Plans::Others)));
        crew.chose(0);
        assert_eq!(crew.next(NOW), Some((1, Plans::Others)));
        crew.ended(1, Came::Nothing);
        crew.ended(0, Came::Nothing);
        crew.look_again();
        assert_eq!(crew.next(NOW), Some((0, Plans::Caller)), "unless somebody has waited");
    }

    #[test]
    fn limits_count_those_at_work() {
        let limits = Limits { max_steps: Some(2), ..Limits::default() };
        let mut of_steps = Crew::new(4, limits);
        assert_eq!(fill(&mut of_steps), [0, 1]);
        assert_eq!(of_steps.reached(NOW), Some(Reached::Steps));
        of_steps.ended(0, Came::Nothing);
        of_steps.ended(1, Came::Step(0.0));
        assert_eq!(fill(&mut of_steps), [0], "what was no step does not count");

        let mut of_cost = Crew::new(4, Limits { max_usd: Some(1.0), ..Limits::default() });
        assert_eq!(fill(&mut of_cost).len(), 4);
        of_cost.ended(0, Came::Step(0.25));
        of_cost.spent(1, 0.5);
        assert_eq!((of_cost.reached(NOW), of_cost.left()), (None, Some(0.25)));
        of_cost.spent(2, 0.25);
        assert_eq!(of_cost.next(NOW), None);
        assert_eq!(of_cost.reached(NOW), Some(Reached::Cost));

        let mut of_time = Crew::new(1, Limits { period: Some(Duration::from_secs(5)), ..Limits::default() });
        assert_eq!(of_time.next(Duration::from_secs(5)), None);
    }

    #[test]
    fn somebody_who_is_killed_is_replaced_but_not_for_ever() {
        let mut crew = crew(1);
        for _ in 0..=LOSSES {
            assert_eq!(fill(&mut crew), [0]);
            crew.ended(0, Came::Died);
        }
        assert_eq!(crew.next(NOW), None);
    }

    #[test]
    fn a_lost_step_counts_and_the_run_ends_when_nothing_but_that_comes() {
        let limits = Limits { max_steps: Some(2), max_usd: Some(1.0), ..Limits::default() };
        let mut of_limits = Crew::new(1, limits);
        assert_eq!(fill(&mut of_limits), [0]);
        of_limits.spent(0, 0.5);
        of_limits.ended(0, Came::Lost);
        assert_eq!(fill(&mut of_limits), [0], "another one may try");
        of_limits.spent(0, 0.5);
        of_limits.ended(0, Came::Lost);
        assert_eq!(of_limits.reached(NOW), Some(Reached::Steps));
        let mut of_cost = Crew::new(1, Limits { max_steps: None, ..limits });
        fill(&mut of_cost);
        of_cost.spent(0, 1.0);
        of_cost.ended(0, Came::Lost);
        assert_eq!(of_cost.reached(NOW), Some(Reached::Cost), "what it spent is spent");

        let mut crew = crew(2);
        for _ in 0..LOSSES + 2 {
            assert!(!crew.is_stopped());
            fill(&mut crew);
            crew.ended(0, Came::Lost);
        }
        assert!(crew.is_stopped());
        assert_eq!(crew.next(NOW), None);
    }

    #[test]
    fn after_a_stop_nobody_begins() {
        let mut crew = crew(2);
        assert_eq!(fill(&mut crew), [0, 1]);
        crew.ended(0, Came::Stop);
        assert_eq!(crew.next(NOW), None);
    }
}
