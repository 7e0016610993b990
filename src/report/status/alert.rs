//! What a person should look at before it becomes worse.
//!
//! In: the state of affairs and the newest runs. Out: [`Alert`]s, each with its numbers. Every threshold
//! is stated here.

use super::{Health, Usage, as_f64, count_f64};
use crate::config::{Adapter, Budget, Config};
use crate::report::{plural, spell_count, spell_usd};
use crate::route::past::Past;
use crate::state::cooldown::Cooldown;
use crate::state::digest::Digest;
use jiff::Timestamp;
use serde::Serialize;

/// From so many blocked tasks, and this share of what is open, the backlog is blocked.
const BLOCKED_MIN: usize = 3;
const BLOCKED_SHARE: f64 = 30.0;
/// A profile that had none of so many runs is idle.
const IDLE_RUNS: usize = 20;
/// Quality falls where the last so many judged runs passed so many points less often than those before.
const QUALITY_RUNS: usize = 10;
const QUALITY_POINTS: f64 = 20.0;
/// A budget burns where so much of it is gone, or will be at this pace.
const BURN_SHARE: f64 = 0.8;
/// Estimates drift where the last so many tasks came to so many times more, or less, than those before.
const DRIFT_RUNS: usize = 10;
const DRIFT_TIMES: f64 = 1.5;

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// Its kind: `blocked_backlog`, `idle_profile`, `falling_quality`, `budget_burn`, `estimate_drift`,
    /// `strategist_share`, `unusable_profile`,
    /// `unpriced`.
    pub kind: &'static str,
    /// What is the matter, with numbers.
    pub text: String,
}

impl Alert {
    fn new(kind: &'static str, text: String) -> Self {
        Self { kind, text }
    }
}

/// What alerts are made from.
#[derive(Debug, Clone, Copy)]
pub struct Given<'g> {
    /// How it goes.
    pub health: &'g Health,
    /// How many tasks a step could take.
    pub ready: usize,
    /// What was spent since midnight, and since the first of the month.
    pub usage: (&'g Usage, &'g Usage),
    /// The configuration, if it can be used.
    pub config: Option<&'g Config>,
    /// Profiles that cannot work before a person has acted.
    pub unusable: &'g [Cooldown],
    /// The newest runs, the newest first.
    pub runs: &'g [Digest],
    /// Now.
    pub now: Timestamp,
}

/// What a person should look at, the most urgent first.
#[must_use]
pub fn alerts(given: &Given<'_>) -> Vec<Alert> {
    let mut all = Vec::new();
    all.extend(given.unusable.iter().filter_map(unusable));
    all.extend(given.config.and_then(|config| unpriced(&config.budget, given)));
    all.extend(budget(given));
    all.extend(blocked(given));
    all.extend(quality(given.runs));
    all.extend(drift(given.runs));
    all.extend(given.config.into_iter().flat_map(|config| idle(config, given)));
    all.extend(given.config.and_then(|config| share(config, given.runs)));
    all
}

fn unusable(rest: &Cooldown) -> Option<Alert> {
    let todo = rest.todo.as_ref()?;
    let text = format!("profile `{}` cannot work: {}; {todo}", rest.profile, rest.why);
    Some(Alert::new("unusable_profile", text))
}

fn unpriced(budget: &Budget, given: &Given<'_>) -> Option<Alert> {
    let key = budget.in_usd()?;
    let tokens = given.usage.1.unpriced;
    let mut names: Vec<&str> =
        given.runs.iter().flat_map(super::unpriced).map(|(profile, _)| profile).collect();
    names.sort_unstable();
    names.dedup();
    let of = if names.is_empty() { String::new() } else { format!(" of `{}`", names.join("`, `")) };
    let text = format!(
        "`{key}` does not count {} tokens{of} this month: nobody knows what they cost; set `price`, or a budget in tokens",
        spell_count(tokens)
    );
    (tokens > 0).then(|| Alert::new("unpriced", text))
}

fn blocked(given: &Given<'_>) -> Option<Alert> {
    let health = given.health;
    let much = health.blocked >= BLOCKED_MIN && health.blocked_percent >= BLOCKED_SHARE;
    let nothing_else = health.blocked > 0 && given.ready == 0;
    let text = || {
        let rest = if given.ready == 0 { ", and nothing else is ready" } else { "" };
        let verb = if health.blocked == 1 { "is" } else { "are" };
        format!("{} of {} {verb} blocked{rest}", health.blocked, plural(health.open, "open task"))
    };
    (much || nothing_else).then(|| Alert::new("blocked_backlog", text()))
}

fn idle(config: &Config, given: &Given<'_>) -> Vec<Alert> {
    let runs = || given.runs.iter().filter(|run| !run.is_shell()).take(IDLE_RUNS);
    if given.ready == 0 || runs().count() < IDLE_RUNS {
        return Vec::new();
    }
    let profiles = config.agents.iter().filter(|profile| profile.adapter != Adapter::Shell);
    profiles
        .filter(|profile| runs().all(|run| !run.is_by(&profile.name)))
        .map(|profile| {
            let text = format!("profile `{}` had none of the last {IDLE_RUNS} runs", profile.name);
            Alert::new("idle_profile", text)
        })
        .collect()
}

fn quality(runs: &[Digest]) -> Option<Alert> {
    let passed: Vec<bool> = runs.iter().filter(|run| !run.is_shell()).filter_map(Digest::passed).collect();
    let share =
        |part: &[bool]| as_f64(part.iter().filter(|passed| **passed).count()) * 100.0 / as_f64(part.len());
    let (last, before) = (passed.get(..QUALITY_RUNS)?, passed.get(QUALITY_RUNS..QUALITY_RUNS * 2)?);
    let (last, before) = (share(last), share(before));
    let text = format!("{last:.0} % of the last {QUALITY_RUNS} runs passed, {before:.0} % of those before");
    (before - last >= QUALITY_POINTS).then(|| Alert::new("falling_quality", text))
}

fn budget(given: &Given<'_>) -> Vec<Alert> {
    let Some(budget) = given.config.map(|config| &config.budget) else { return Vec::new() };
    let (day, month) = given.usage;
    let usd = Burn {
        spent: (day.cost_usd, month.cost_usd),
        limits: (budget.day_usd, budget.month_usd),
        spell: spell_usd,
        unit: "",
    };
    let tokens = Burn {
        spent: (count_f64(day.tokens()), count_f64(month.tokens())),
        limits: (budget.day_tokens.map(count_f64), budget.month_tokens.map(count_f64)),
        spell: spell_tokens,
        unit: " tokens",
    };
    let texts = usd.told(given.now).into_iter().chain(tokens.told(given.now));
    texts.map(|text| Alert::new("budget_burn", text)).collect()
}

fn spell_tokens(tokens: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of tokens")]
    spell_count(tokens.max(0.0) as u64)
}

/// How budgets of one unit burn: of the day, and of the month.
struct Burn {
    spent: (f64, f64),
    limits: (Option<f64>, Option<f64>),
    spell: fn(f64) -> String,
    unit: &'static str,
}

impl Burn {
    fn told(&self, now: Timestamp) -> Vec<String> {
        let ((day, month), spell, unit) = (self.spent, self.spell, self.unit);
        let of = |limit: Option<f64>| limit.filter(|limit| *limit > 0.0);
        let mut all = Vec::new();
        if let Some(limit) = of(self.limits.0).filter(|limit| day >= limit * BURN_SHARE) {
            all.push(format!("{} of today's {}{unit} are spent", spell(day), spell(limit)));
        }
        if let Some(limit) = of(self.limits.1) {
            let days = now.to_zoned(jiff::tz::TimeZone::UTC).date().days_in_month();
            // The first days of a month say little about the others.
            let gone = super::days_between(super::periods(now).1, now).max(3.0);
            let pace = month / gone * f64::from(days);
            if month >= limit * BURN_SHARE {
                all.push(format!("{} of the month's {}{unit} are spent", spell(month), spell(limit)));
            } else if pace > limit {
                let (pace, limit) = (spell(pace), spell(limit));
                all.push(format!(
                    "at this pace the month costs {pace}{unit}, and its budget is {limit}{unit}"
                ));
            }
        }
        all
    }
}

fn drift(runs: &[Digest]) -> Option<Alert> {
    let mut ratios: Vec<f64> = crate::route::predict::samples(runs, |_| None)
        .iter()
        .rev()
        .map(|sample| sample.actual / sample.predicted)
        .collect();
    if ratios.len() < DRIFT_RUNS * 2 {
        return None;
    }
    let (last, before) = ratios.split_at_mut(DRIFT_RUNS);
    let middle = |part: &mut [f64]| {
        part.sort_by(f64::total_cmp);
        part[part.len() / 2]
    };
    let (last, before) = (middle(last), middle(before));
    let off = (last / before).max(before / last);
    let text = format!(
        "the last {DRIFT_RUNS} tasks came to {last:.1} times their estimate, those before to {before:.1} times"
    );
    (off >= DRIFT_TIMES).then(|| Alert::new("estimate_drift", text))
}

fn share(config: &Config, runs: &[Digest]) -> Option<Alert> {
    let ratio = Past::new(runs, |_| None).ratio(&config.agents);
    let workers = config
        .agents
        .iter()
        .any(|profile| profile.adapter != Adapter::Shell && profile.capability < crate::route::STRATEGIST);
    let text = format!(
        "{} of the last {} runs were a strategist's, more than one in six",
        ratio.strategists,
        ratio.strategists + ratio.workers
    );
    (ratio.is_broken() && workers).then(|| Alert::new("strategist_share", text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read::{Layers, read};
    use crate::state::digest::sample;
    use crate::state::run::{OutcomeKind, Tokens};

    const CONFIG: &str = "schema = 1\n[budget]\nday_usd = 10.0\nmonth_usd = 100.0\n\
        [[agent]]\nname = \"small\"\nadapter = \"command\"\ncommand = [\"true\"]\ncapability = 5\n\
        [[agent]]\nname = \"large\"\nadapter = \"command\"\ncommand = [\"true\"]\ncapability = 9\n";

    fn runs(of: &[(&str, OutcomeKind, u64, usize)]) -> Vec<Digest> {
        let mut all = Vec::new();
        for (agent, outcome, input, times) in of {
            for _ in 0..*times {
                let started = format!("2026-11-{:02}T{:02}:00:00Z", 20 - all.len() / 24, 23 - all.len() % 24);
                let tokens = Tokens { input: *input, ..Tokens::default() };
                all.push(Digest { tokens, ..sample(&started, agent, *outcome) });
            }
        }
        all
    }

    fn told(health: Health, ready: usize, day: f64, month: f64, runs: &[Digest]) -> Vec<String> {
        let config = read(&Layers { repository: Some(CONFIG.as_bytes()), user: None }).value;
        let usage = |cost_usd| Usage { cost_usd, ..Usage::default() };
        let now = "2026-11-16T00:00:00Z".parse().unwrap();
        let given = Given {
            health: &health,
            ready,
            usage: (&usage(day), &usage(month)),
            config: config.as_ref(),
            unusable: &[],
            runs,
            now,
        };
        alerts(&given).into_iter().map(|alert| format!("{}: {}", alert.kind, alert.text)).collect()
    }

    #[test]
    fn where_all_is_well_nothing_is_said() {
        let health = Health { open: 9, blocked: 2, blocked_percent: 22.2, ..Health::default() };
        let good = runs(&[
            ("small", OutcomeKind::Accepted, 50_000, 17),
            ("large", OutcomeKind::Accepted, 50_000, 3),
        ]);
        assert_eq!(told(health, 4, 5.0, 40.0, &good), Vec::<String>::new());
        assert_eq!(told(Health::default(), 0, 0.0, 0.0, &[]), Vec::<String>::new());
    }

    #[test]
    fn budgets_in_tokens_burn_like_those_in_money() {
        let burn = |day, month| {
            let limits = (Some(2_500.0), Some(30_000.0));
            let burn = Burn { spent: (day, month), limits, spell: spell_tokens, unit: " tokens" };
            burn.told("2026-11-16T00:00:00Z".parse().unwrap())
        };
        assert_eq!(
            burn(2_840.0, 24_000.0),
            ["2.84k of today's 2.50k tokens are spent", "24.0k of the month's 30.0k tokens are spent",]
        );
        assert_eq!(
            burn(0.0, 20_000.0),
            ["at this pace the month costs 40.0k tokens, and its budget is 30.0k tokens",]
        );
        assert_eq!(burn(100.0, 100.0), Vec::<String>::new());
    }

    #[test]
    fn every_alert_has_its_numbers() {
        let health = Health { open: 9, blocked: 4, blocked_percent: 44.4, ..Health::default() };
        let bad = runs(&[
            ("large", OutcomeKind::Rejected, 50_000, 5),
            ("large", OutcomeKind::Accepted, 150_000, 15),
            ("large", OutcomeKind::Accepted, 50_000, 15),
        ]);
        insta::assert_snapshot!(told(health, 4, 8.5, 60.0, &bad).join("\n"), @r"
        budget_burn: $8.50 of today's $10.00 are spent
        budget_burn: at this pace the month costs $120.00, and its budget is $100.00
        blocked_backlog: 4 of 9 open tasks are blocked
        falling_quality: 50 % of the last 10 runs passed, 100 % of those before
        estimate_drift: the last 10 tasks came to 3.2 times their estimate, those before to 1.1 times
        idle_profile: profile `small` had none of the last 20 runs
        strategist_share: 35 of the last 35 runs were a strategist's, more than one in six
        ");
        let stuck = Health { open: 1, blocked: 1, blocked_percent: 100.0, ..Health::default() };
        assert_eq!(
            told(stuck, 0, 0.0, 85.0, &[]),
            [
                "budget_burn: $85.00 of the month's $100.00 are spent",
                "blocked_backlog: 1 of 1 open task is blocked, and nothing else is ready"
            ]
        );
    }
}
