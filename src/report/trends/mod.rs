//! How it goes over time: quality, cost, pace, estimates, prompts.
//!
//! In: digests of runs, the graph, the profiles. Out: [`Trends`], for people and programs. Invariant:
//! every number is from the run records of the stretch of time in question; what they do not say is
//! left out, never guessed.

pub mod gather;
pub(in crate::report) mod render;

use super::status::{Health, as_f64, days_between, percent, unpriced};
use crate::config::Profile;
use crate::route::past::Past;
use crate::route::predict::{Accuracy, accuracy};
use crate::state::digest::Digest;
use crate::state::run::{OutcomeKind, plain_usd};
use jiff::{Timestamp, ToSpan as _};
pub use render::human;
use serde::Serialize;
use std::collections::BTreeMap;

/// What one stretch of time was like.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Stretch {
    /// Its first day.
    pub from: String,
    /// Runs that were judged.
    pub judged: usize,
    /// Work that was accepted.
    pub accepted: usize,
    /// Judged runs that passed, in percent.
    pub passed_percent: Option<f64>,
    /// Judged runs that passed at the first attempt, in percent.
    pub first_pass_percent: Option<f64>,
    /// What was spent, in USD, as far as it is known.
    pub cost_usd: f64,
    /// Tokens of all kinds of which nobody knows what they cost.
    pub unpriced: u64,
    /// What is known for each accepted task.
    pub usd_per_accepted: Option<f64>,
    /// Coverage that the last gate measured, in percent.
    pub coverage: Option<f64>,
    /// Tokens of a prompt, on average.
    pub prompt_tokens: Option<f64>,
}

/// Days until nothing is open, with an interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Forecast {
    /// At the pace of the whole stretch.
    pub days: f64,
    /// At the pace of its good weeks: the upper quartile.
    pub low: f64,
    /// At the pace of its bad weeks: the lower quartile; none where those had nothing accepted.
    pub high: Option<f64>,
}

/// What was saved against always taking the strongest profile.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Saving {
    /// The strongest profile.
    pub strongest: String,
    /// What its steps cost for a token of the estimate, over all accepted work, in USD.
    pub always_usd: f64,
    /// What was spent.
    pub spent_usd: f64,
    /// The difference, in percent of the former.
    pub percent: f64,
    /// Whether the strongest has runs of its own, or only a price.
    pub measured: bool,
}

/// How it goes over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trends {
    /// Since when.
    pub since: String,
    /// Until when.
    pub until: String,
    /// All of it.
    pub all: Stretch,
    /// Week by week, the oldest first.
    pub weeks: Vec<Stretch>,
    /// Sessions that each gate rejected, the most first.
    pub rejected_by: Vec<(String, usize)>,
    /// Passes of each gate at a later try only, the most first.
    pub flaky: Vec<(String, usize)>,
    /// Accepted tasks a day.
    pub velocity: f64,
    /// When nothing is open any more.
    pub forecast: Option<Forecast>,
    /// Against always the strongest.
    pub saving: Option<Saving>,
    /// How good estimates were.
    #[serde(skip)]
    pub estimates: Accuracy,
    /// Open tasks, closed ones, notes and runs: what a prompt is made out of.
    pub state_files: usize,
}

/// What trends are made from.
#[derive(Debug, Clone, Copy)]
pub struct Given<'g> {
    /// The runs of the stretch, in any order.
    pub runs: &'g [Digest],
    /// When it begins.
    pub since: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// How much is open.
    pub health: &'g Health,
    /// All profiles.
    pub profiles: &'g [Profile],
    /// How many files the state has.
    pub state_files: usize,
}

/// Makes them.
#[must_use]
pub fn trends(given: &Given<'_>, past: &Past<'_>) -> Trends {
    let runs: Vec<&Digest> = given.runs.iter().filter(|run| run.started >= given.since).collect();
    // A young project is measured over its own age.
    let began = runs.iter().map(|run| run.started).min().unwrap_or(given.until).max(given.since);
    let weeks = weeks(&runs, began, given.until);
    let all = stretch(&runs, began);
    let days = days_between(began, given.until).max(1.0);
    let velocity = as_f64(all.accepted) / days;
    Trends {
        since: day(if runs.is_empty() { given.since } else { began }),
        until: day(given.until),
        forecast: forecast(&weeks, velocity, given.health.open),
        saving: saving(&runs, given.profiles, past),
        estimates: accuracy(&past.samples),
        all,
        weeks,
        rejected_by: counted(runs.iter().flat_map(|run| &run.rejected_by)),
        flaky: counted(runs.iter().flat_map(|run| &run.flaky)),
        velocity,
        state_files: given.state_files,
    }
}

/// How often each gate is among some, the most first.
fn counted<'g>(gates: impl Iterator<Item = &'g String>) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for gate in gates {
        *counts.entry(gate).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> =
        counts.into_iter().map(|(gate, count)| (gate.to_owned(), count)).collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

fn stretch(runs: &[&Digest], from: Timestamp) -> Stretch {
    let judged: Vec<&&Digest> = runs.iter().filter(|run| run.passed().is_some()).collect();
    let passed = judged.iter().filter(|run| run.passed() == Some(true)).count();
    let first = judged.iter().filter(|run| run.first_pass() == Some(true)).count();
    let accepted = runs.iter().filter(|run| run.outcome == OutcomeKind::Accepted).count();
    // Nothing adds up to -0.0.
    let cost_usd = plain_usd(runs.iter().filter_map(|run| run.cost_usd).sum::<f64>() + 0.0);
    let priced = runs.iter().any(|run| run.cost_usd.is_some());
    let prompts: Vec<u64> = runs.iter().map(|run| run.prompt_tokens).filter(|tokens| *tokens > 0).collect();
    let prompt_tokens = crate::route::tokens(prompts.iter().sum()) / as_f64(prompts.len().max(1));
    let newest = runs.iter().filter(|run| run.coverage.is_some()).max_by_key(|run| run.finished);
    Stretch {
        from: day(from),
        judged: judged.len(),
        accepted,
        passed_percent: percent(passed, judged.len()),
        first_pass_percent: percent(first, judged.len()),
        cost_usd,
        unpriced: runs.iter().flat_map(|run| unpriced(run)).map(|(_, tokens)| tokens).sum(),
        usd_per_accepted: (priced && accepted > 0).then(|| plain_usd(cost_usd / as_f64(accepted))),
        coverage: newest.and_then(|run| run.coverage),
        prompt_tokens: (!prompts.is_empty()).then(|| prompt_tokens.round()),
    }
}

/// Stretches of seven days that end with the whole, the oldest first; at most a year of them.
fn weeks(runs: &[&Digest], began: Timestamp, until: Timestamp) -> Vec<Stretch> {
    let mut weeks = Vec::new();
    let mut end = until;
    while end > began && weeks.len() < 53 {
        let start = end.checked_sub((7 * 24).hours()).unwrap_or(began);
        let own: Vec<&Digest> =
            runs.iter().copied().filter(|run| run.started > start && run.started <= end).collect();
        weeks.push(stretch(&own, start));
        end = start;
    }
    weeks.reverse();
    weeks
}

fn forecast(weeks: &[Stretch], velocity: f64, open: usize) -> Option<Forecast> {
    if velocity <= 0.0 || open == 0 {
        return None;
    }
    let mut paces: Vec<f64> = weeks.iter().map(|week| as_f64(week.accepted) / 7.0).collect();
    paces.sort_by(f64::total_cmp);
    let quartile = |quarters: usize| paces[(paces.len() - 1) * quarters / 4];
    let days = as_f64(open) / velocity;
    let several = paces.len() >= 3;
    let (slow, fast) = if several { (quartile(1), quartile(3)) } else { (0.0, velocity) };
    Some(Forecast {
        days,
        low: if fast > 0.0 { (as_f64(open) / fast).min(days) } else { days },
        high: (slow > 0.0).then(|| (as_f64(open) / slow).max(days)),
    })
}

/// What all accepted work would have cost with the strongest profile: by its own runs, or by its price where
/// there are none.
fn saving(runs: &[&Digest], profiles: &[Profile], past: &Past<'_>) -> Option<Saving> {
    let paid = runs.iter().filter(|run| !run.is_shell() && run.cost_usd.is_some());
    let (mut spent_usd, mut always_usd) = (0.0, 0.0);
    let agents = profiles.iter().filter(|profile| profile.adapter != crate::config::Adapter::Shell);
    let strongest = agents.max_by_key(|profile| profile.capability)?;
    let by_runs = |size| past.run_usd(&strongest.name, None, size);
    for run in paid {
        let cost = run.cost_usd.unwrap_or_default();
        spent_usd += cost;
        let size = run.estimated_tokens.unwrap_or_default();
        if run.agent == strongest.name {
            // What it did itself would have been no other.
            always_usd += cost;
        } else if run.outcome == OutcomeKind::Accepted {
            always_usd += by_runs(size).or_else(|| past.run_usd(&strongest.name, strongest.price, size))?;
        }
    }
    let measured = by_runs(1).is_some();
    (always_usd > 0.0).then(|| Saving {
        strongest: strongest.name.clone(),
        always_usd: plain_usd(always_usd),
        spent_usd: plain_usd(spent_usd),
        percent: ((1.0 - spent_usd / always_usd) * 1000.0).round() / 10.0,
        measured,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Adapter, Price};
    use crate::state::digest::sample;

    fn runs() -> Vec<Digest> {
        let mut all = Vec::new();
        for day in 1..=28 {
            let outcome = if day % 4 == 0 { OutcomeKind::Rejected } else { OutcomeKind::Accepted };
            let agent = if day % 7 == 0 { "large" } else { "small" };
            let cost_usd = Some(if agent == "large" { 2.0 } else { 0.2 });
            let mut run = sample(&format!("2026-11-{day:02}T10:00:00Z"), agent, outcome);
            run.cost_usd = cost_usd;
            run.flaky = if day % 9 == 0 { vec!["e2e".to_owned()] } else { Vec::new() };
            run.coverage = Some(80.0 + f64::from(day) / 10.0);
            all.push(run);
        }
        all
    }

    fn profiles() -> Vec<Profile> {
        let profile = |name: &str, capability| Profile {
            capability,
            price: Some(Price { input: 10.0, cached: 1.0, output: 50.0 }),
            ..Profile::new(name, Adapter::Command)
        };
        vec![profile("small", 5), profile("large", 9), Profile::new("shell", Adapter::Shell)]
    }

    fn of(runs: &[Digest], since: &str) -> Trends {
        let health = Health { open: 10, ..Health::default() };
        let given = Given {
            runs,
            since: since.parse().unwrap(),
            until: "2026-11-29T00:00:00Z".parse().unwrap(),
            health: &health,
            profiles: &profiles(),
            state_files: 120,
        };
        trends(&given, &Past::new(runs, |_| None))
    }

    #[test]
    fn a_month_week_by_week() {
        insta::assert_snapshot!(human(&of(&runs(), "2026-11-01T00:00:00Z"), None, false), @r"
        WEEK FROM   JUDGED  PASSED  AT FIRST  ACCEPTED    COST   EACH  COVERAGE  PROMPT
        2026-11-01       7    86 %      86 %         6   $3.20  $0.53      81 %    ≈400
        2026-11-08       7    71 %      71 %         5   $3.20  $0.64      81 %    ≈400
        2026-11-15       7    71 %      71 %         5   $3.20  $0.64      82 %    ≈400
        2026-11-22       7    71 %      71 %         5   $3.20  $0.64      83 %    ≈400
        all             28    75 %      75 %        21  $12.80  $0.61      83 %    ≈400

        pace         0.8 accepted a day; what is open takes about 13 days (13 at the pace of good weeks, 14 of bad ones)
        rejected by  test 7
        flaky        e2e 3 (passed at a later try)
        saving       71 % less than `large` for everything ($12.80 against $44.00, by its runs)
        estimates    71 % within 20 % (the formula 71 %), off by 30 % on average (37 %), 90 % in the 80 % interval, of the newest 21
        prompts      ≈400 tokens on average, out of 120 files of state
        ");
    }

    #[test]
    fn the_strongest_saves_nothing_against_itself() {
        let mut alone: Vec<Digest> = runs().into_iter().filter(|run| run.agent == "large").collect();
        alone[0].outcome = OutcomeKind::Rejected;
        let saving = of(&alone, "2026-11-01T00:00:00Z").saving.unwrap();
        assert!(saving.percent.abs() < f64::EPSILON && saving.measured, "{saving:?}");
    }

    #[test]
    fn only_what_was_asked_for_is_counted() {
        let week = of(&runs(), "2026-11-22T00:00:00Z");
        assert_eq!((week.all.judged, week.all.accepted, week.weeks.len()), (7, 5, 1));
        assert_eq!(week.forecast.unwrap().high, None, "one week says nothing about bad ones");
    }

    #[test]
    fn nothing_is_said_where_there_is_nothing() {
        let none = of(&[], "2026-11-01T00:00:00Z");
        assert!(none.all.cost_usd.is_sign_positive());
        assert!(none.forecast.is_none() && none.saving.is_none() && none.all.usd_per_accepted.is_none());
        assert!(human(&none, None, false).starts_with("no run"));
    }

    #[test]
    fn what_nobody_knows_the_cost_of_is_not_nothing() {
        let mut runs = runs();
        for run in &mut runs {
            run.cost_usd = None;
            run.parts.iter_mut().for_each(|part| part.cost_usd = None);
        }
        let mut spelled = |known: Option<f64>| {
            (runs[27].cost_usd, runs[27].parts[0].cost_usd) = (known, known);
            render::spelled(&of(&runs, "2026-11-22T00:00:00Z").all)
        };
        let [.., cost, each, _, _] = spelled(None);
        assert_eq!((cost.as_str(), each.as_str()), ("unknown", "-"));
        let [.., cost, each, _, _] = spelled(Some(0.5));
        assert_eq!((cost.as_str(), each.as_str()), ("≥ $0.50", "≥ $0.10"));
    }

    #[test]
    fn a_pace_of_nothing_is_no_forecast() {
        let rejected: Vec<Digest> = (1..9)
            .map(|day| sample(&format!("2026-11-{day:02}T10:00:00Z"), "small", OutcomeKind::Rejected))
            .collect();
        assert_eq!(of(&rejected, "2026-11-01T00:00:00Z").forecast, None);
    }
}
