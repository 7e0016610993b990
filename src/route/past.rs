//! What past runs say about profiles: how often work is accepted, what it costs, who has done how much.
//!
//! Priors are stated and weigh as much as a few runs, so that the first results of a new profile
//! neither make nor break it.

use super::predict::{Sample, samples};
use super::{STRATEGIST, count, tokens};
use crate::config::{Adapter, Price, Profile};
use crate::state::digest::{Digest, REREAD};
use crate::state::id::TaskId;
use crate::state::task::Kind;
use std::collections::HashMap;

/// So many runs weigh as much as the prior of acceptance.
const ACCEPT_PRIOR: f64 = 4.0;
/// So many runs weigh as much as the prior of cost.
const COST_PRIOR: f64 = 3.0;
/// What a run of another kind of task counts for.
const OTHER_KIND: f64 = 0.5;
/// A claim that was not so counts as so much of a rejection, and so many of a run at the most.
const FALSE_CLAIM: f64 = 0.5;
const CLAIMS_MAX: u32 = 2;
/// How a token of an estimate is thought to be paid for until runs say otherwise: most are read,
/// some written, and what was read is read again from the cache ([`REREAD`]).
const READ: f64 = 0.85;
const WRITTEN: f64 = 0.15;
/// Workers' runs for one of a strategist: below that is an alert.
pub const RATIO: usize = 5;
/// With fewer runs the ratio says nothing.
const RATIO_RUNS: usize = 12;

/// What runs of the past say.
#[derive(Debug, Clone, Default)]
pub struct Past<'p> {
    /// The runs, the newest first.
    pub runs: &'p [Digest],
    /// Kinds of the tasks that they worked on, as far as these are still there.
    kinds: HashMap<&'p TaskId, Kind>,
    /// What was predicted for them, and what it came to.
    pub samples: Vec<Sample>,
}

impl<'p> Past<'p> {
    /// What runs say, with the kinds of their tasks.
    #[must_use]
    pub fn new(runs: &'p [Digest], kind: impl Fn(&TaskId) -> Option<Kind>) -> Self {
        let kinds: HashMap<&TaskId, Kind> =
            runs.iter().filter_map(|run| Some((&run.task, kind(&run.task)?))).collect();
        let samples = samples(runs, |task| kinds.get(task).copied());
        Self { runs, kinds, samples }
    }

    /// How likely a step of a profile is to be accepted, whose capability is so much above what is
    /// needed: 3 in 4 where it is just enough, and what its runs say.
    #[must_use]
    pub fn accept(&self, profile: &str, margin: i16, kind: Kind) -> f64 {
        let step = if margin < 0 { 0.15 } else { 0.05 };
        let prior = (0.75 + step * f64::from(margin)).clamp(0.2, 0.95);
        let (mut good, mut all) = (ACCEPT_PRIOR * prior, ACCEPT_PRIOR);
        // Who only reviewed or planned has not worked.
        for run in self.runs.iter().filter(|run| run.agent == profile && run.attempts > 0) {
            let Some(passed) = run.passed() else { continue };
            let same = self.kinds.get(&run.task).is_none_or(|own| *own == kind);
            let weight = if same { 1.0 } else { OTHER_KIND };
            good += if passed { weight } else { 0.0 };
            // Whoever says what is not so is trusted less, whatever the gates caught.
            all += weight + FALSE_CLAIM * f64::from(run.false_claims.min(CLAIMS_MAX));
        }
        good / all
    }

    /// What a step of a profile costs on a task of so many tokens; none where neither a price nor a run says.
    #[must_use]
    pub fn run_usd(&self, profile: &str, price: Option<Price>, size: u64) -> Option<f64> {
        let told: Vec<f64> = self
            .runs
            .iter()
            .filter(|run| run.agent == profile)
            .filter_map(|run| Some(run.work_usd()? / tokens(run.estimated_tokens.filter(|size| *size > 0)?)))
            .collect();
        let prior = price.map(|price| {
            (price.input * READ + price.output * WRITTEN + price.cached * tokens(REREAD)) / 1_000_000.0
        });
        let (known, weight) = prior.map_or((0.0, 0.0), |prior| (prior * COST_PRIOR, COST_PRIOR));
        let all = weight + count(told.len());
        (all > 0.0).then(|| (known + told.iter().sum::<f64>()) / all * tokens(size))
    }

    /// Profiles that have worked on a task in vain.
    #[must_use]
    pub fn rejected(&self, task: &TaskId) -> Vec<&'p str> {
        let here = self.runs.iter().filter(|run| run.task == *task);
        // What was rejected before it was accepted, and taken up again, is another story.
        here.take_while(|run| run.passed() != Some(true))
            .filter(|run| run.passed() == Some(false) && run.attempts > 0)
            .map(|run| run.agent.as_str())
            .collect()
    }

    /// How many of the runs were a worker's, and how many a strategist's. Who was only asked, for a review or a
    /// plan, did nothing that a worker could have done.
    #[must_use]
    pub fn ratio(&self, profiles: &[Profile]) -> Ratio {
        let agents = || profiles.iter().filter(|profile| profile.adapter != Adapter::Shell);
        let capability = |name: &str| agents().find(|each| each.name == name).map(|each| each.capability);
        let mut ratio = Ratio::default();
        let parts = self.runs.iter().flat_map(|run| &run.parts);
        for part in parts.filter(|part| !part.asked) {
            match capability(&part.agent) {
                Some(STRATEGIST..) => ratio.strategists += 1,
                Some(_) => ratio.workers += 1,
                None => {}
            }
        }
        ratio
    }
}

/// How much each sort of profile has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ratio {
    /// Runs of workers.
    pub workers: usize,
    /// Runs of strategists.
    pub strategists: usize,
}

impl Ratio {
    /// Whether a strategist may do one more that a worker could do.
    #[must_use]
    pub fn has_room(self) -> bool {
        (self.strategists + 1) * RATIO <= self.workers
    }

    /// Whether strategists do more than their share of the work.
    #[must_use]
    pub fn is_broken(self) -> bool {
        self.workers + self.strategists >= RATIO_RUNS && self.strategists * RATIO > self.workers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::digest::{Part, sample};
    use crate::state::run::OutcomeKind;

    fn runs(outcomes: &[(&str, OutcomeKind)]) -> Vec<Digest> {
        let run = |(n, (agent, outcome)): (usize, &(&str, OutcomeKind))| {
            sample(&format!("2026-11-{:02}T{:02}:00:00Z", 28 - n / 24, 23 - n % 24), agent, *outcome)
        };
        outcomes.iter().enumerate().map(run).collect()
    }

    #[test]
    fn acceptance_begins_with_the_margin_and_follows_the_runs() {
        let none = Past::default();
        assert!((none.accept("a", 0, Kind::Bug) - 0.75).abs() < 1e-9);
        assert!((none.accept("a", 4, Kind::Bug) - 0.95).abs() < 1e-9);
        assert!((none.accept("a", -2, Kind::Bug) - 0.45).abs() < 1e-9);
        let bad = runs(&[("a", OutcomeKind::Rejected); 8]);
        let past = Past::new(&bad, |_| Some(Kind::Bug));
        assert!(past.accept("a", 0, Kind::Bug) < 0.3);
        // Docs are another story, and another profile is not concerned.
        assert!(past.accept("a", 0, Kind::Docs) > past.accept("a", 0, Kind::Bug));
        assert!((past.accept("b", 0, Kind::Bug) - 0.75).abs() < 1e-9);
    }

    #[test]
    fn whoever_claims_what_is_not_so_loses_standing() {
        let honest = runs(&[("a", OutcomeKind::Accepted); 8]);
        let mut boasting = honest.clone();
        for run in &mut boasting {
            run.false_claims = 1;
        }
        let accept = |runs: &[Digest]| Past::new(runs, |_| None).accept("a", 0, Kind::Bug);
        assert!(accept(&boasting) < accept(&honest) - 0.1);
        // A review is no work, however it ended.
        let mut reviews = runs(&[("a", OutcomeKind::Rejected); 8]);
        for run in &mut reviews {
            run.attempts = 0;
        }
        assert!((accept(&reviews) - 0.75).abs() < 1e-9);
    }

    #[test]
    fn cost_begins_with_the_price_and_follows_the_runs() {
        let price = Some(Price { input: 2.0, cached: 0.1, output: 10.0 });
        let none = Past::default();
        assert_eq!(none.run_usd("a", None, 46_800), None);
        let prior = none.run_usd("a", price, 46_800).unwrap();
        assert!((prior - 0.0468 * (1.7 + 1.5 + 0.6)).abs() < 1e-9);
        let some = runs(&[("a", OutcomeKind::Accepted); 30]);
        let past = Past::new(&some, |_| None);
        assert!((past.run_usd("a", price, 46_800).unwrap() - 0.5).abs() < 0.05);
        assert!((past.run_usd("a", None, 93_600).unwrap() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn rejections_of_a_task_count_until_it_is_accepted() {
        let some = runs(&[
            ("b", OutcomeKind::Rejected),
            ("x", OutcomeKind::Deferred),
            ("a", OutcomeKind::Rejected),
            ("a", OutcomeKind::Accepted),
            ("z", OutcomeKind::Rejected),
        ]);
        let past = Past::new(&some, |_| None);
        assert_eq!(past.rejected(&TaskId::new("t-1").unwrap()), ["b", "a"]);
        assert!(past.rejected(&TaskId::new("t-2").unwrap()).is_empty());
    }

    #[test]
    fn the_ratio_is_five_to_one_and_needs_some_runs() {
        let profiles = [("small", 5), ("large", 9)]
            .map(|(name, capability)| Profile { capability, ..Profile::new(name, Adapter::Command) });
        let of = |workers: usize, strategists: usize| {
            let mut all = vec![("small", OutcomeKind::Accepted); workers];
            all.extend(vec![("large", OutcomeKind::Accepted); strategists]);
            all.push(("gone", OutcomeKind::Accepted));
            let all = runs(&all);
            Past::new(&all, |_| None).ratio(&profiles)
        };
        assert_eq!(of(10, 2), Ratio { workers: 10, strategists: 2 });
        let mut reviewed = runs(&[("small", OutcomeKind::Accepted); 12]);
        for run in &mut reviewed {
            run.parts.push(Part::new("large", true));
        }
        let ratio = Past::new(&reviewed, |_| None).ratio(&profiles);
        assert_eq!(ratio, Ratio { workers: 12, strategists: 0 }, "a review is no work");
        assert!(of(10, 1).has_room() && !of(10, 2).has_room() && !of(0, 0).has_room());
        assert!(!of(10, 2).is_broken() && of(9, 3).is_broken() && !of(1, 4).is_broken());
    }
}
