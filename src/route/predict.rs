//! How large a task will turn out to be, learned from how earlier ones turned out.
//!
//! In: the formula's estimate, and [`Sample`]s: what was predicted and what it came to. Out: a
//! [`Prediction`] with an interval. Invariant: without samples it is the formula.
//!
//! Two robust steps. First the formula times the median of actual over predicted, shrunk towards 1;
//! then, as far as there are tasks of about this size, towards the median of what those came to:
//! tasks differ less than the formula thinks. Samples of another profile or kind count for half. The
//! interval is conformal: the quantiles of what such predictions of past tasks, each from all others,
//! were off by. Where there are too few for that, those of [`REFERENCE`] are borrowed.

use super::{count, tokens};
use crate::state::digest::Digest;
use crate::state::id::TaskId;
use crate::state::task::Kind;

/// What the interval claims to cover.
pub const CLAIM: f64 = 0.8;
/// How near in size another task has to be to say much, as a power of two.
const NEAR: f64 = 0.5;
/// So many tasks of this size weigh as much as the formula.
const SIZE_PRIOR: f64 = 3.0;
/// So many tasks weigh as much as the belief that the formula is right on the whole.
const RATIO_PRIOR: f64 = 5.0;
/// What a sample of another profile, or of another kind, counts for.
const OTHER: f64 = 0.5;
/// With fewer residuals, an interval of [`CLAIM`] cannot be had from them alone.
const ENOUGH: usize = 9;

/// Estimate and outcome of 16 issues of the system whose formula this is, in thousands of tokens:
/// what the formula was worth elsewhere.
pub const REFERENCE: [(f64, f64); 16] = [
    (15.0, 8.5),
    (52.0, 58.0),
    (46.8, 71.0),
    (46.8, 60.656),
    (49.4, 51.2),
    (58.5, 50.4),
    (40.3, 40.0),
    (71.5, 65.0),
    (31.2, 28.0),
    (46.8, 45.0),
    (46.8, 47.5),
    (40.3, 50.5),
    (62.4, 60.0),
    (64.35, 20.0),
    (40.3, 53.0),
    (71.5, 50.0),
];

/// What was predicted for a task, and what it came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Tokens by the formula.
    pub predicted: f64,
    /// Tokens that were read anew or written.
    pub actual: f64,
    /// The profile that did it.
    pub profile: String,
    /// The kind of the task, if it is known.
    pub kind: Option<Kind>,
    /// The share of its window that the profile reached; all of it where it was full.
    pub peak: Option<f64>,
}

/// How large a task will be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// By the formula alone.
    pub formula: u64,
    /// With what was learned.
    pub tokens: u64,
    /// The lower end of the interval.
    pub low: u64,
    /// Its upper end.
    pub high: u64,
    /// How many past tasks it is from.
    pub samples: usize,
    /// Whether the interval is that of other projects, for want of own tasks.
    pub borrowed: bool,
}

/// The samples in some runs: work that passed its gates and whose tokens are known, the oldest first. What was
/// rejected of the same task before belongs to what it came to.
#[must_use]
pub fn samples(runs: &[Digest], kind: impl Fn(&TaskId) -> Option<Kind>) -> Vec<Sample> {
    let usable = |run: &&Digest| run.passed() == Some(true) && !run.is_shell() && run.size_tokens() > 0;
    let mut found: Vec<&Digest> = runs.iter().filter(usable).collect();
    found.sort_by_key(|run| run.started);
    found
        .into_iter()
        .filter_map(|run| {
            let predicted = run.estimated_tokens.filter(|tokens| *tokens > 0)?;
            Some(Sample {
                predicted: tokens(predicted),
                actual: tokens(whole_size(run, runs)),
                profile: run.agent.clone(),
                kind: kind(&run.task),
                peak: run.context_peak.map(|peak| if run.full > 0 { peak.max(1.0) } else { peak }),
            })
        })
        .collect()
}

/// What a task came to by the run with which it passed: that one's work, and all that was done on it in vain since it
/// last passed.
fn whole_size(passed: &Digest, runs: &[Digest]) -> u64 {
    let mut of_task: Vec<&Digest> =
        runs.iter().filter(|run| run.task == passed.task && run.started < passed.started).collect();
    of_task.sort_by_key(|run| std::cmp::Reverse(run.started));
    let in_vain =
        of_task.into_iter().take_while(|run| run.passed() != Some(true)).filter(|run| !run.is_shell());
    in_vain.fold(passed.size_tokens(), |size, run| size.saturating_add(run.size_tokens()))
}

/// What a prediction is asked for.
#[derive(Debug, Clone, Copy)]
struct Asked<'a> {
    predicted: f64,
    profile: Option<&'a str>,
    kind: Option<Kind>,
}

impl<'a> Asked<'a> {
    fn of(sample: &'a Sample) -> Self {
        Self { predicted: sample.predicted, profile: Some(&sample.profile), kind: sample.kind }
    }

    /// What a sample counts for, size aside.
    fn weight(&self, sample: &Sample) -> f64 {
        let differs = |differs: bool| if differs { OTHER } else { 1.0 };
        let profile = self.profile.is_some_and(|profile| profile != sample.profile);
        let kind = self.kind.zip(sample.kind).is_some_and(|(a, b)| a != b);
        differs(profile) * differs(kind)
    }

    /// How near a sample is in size.
    fn nearness(&self, sample: &Sample) -> f64 {
        let apart = (sample.predicted / self.predicted).log2() / NEAR;
        (-0.5 * apart * apart).exp()
    }
}

/// How much a sample is like a task that the formula thinks so large, for a profile.
pub(super) fn alike(predicted: f64, profile: &str, kind: Option<Kind>, sample: &Sample) -> f64 {
    let asked = Asked { predicted, profile: Some(profile), kind };
    asked.weight(sample) * asked.nearness(sample)
}

/// Predicts how large a task is that the formula thinks so large.
#[must_use]
pub fn predict(formula: u64, profile: Option<&str>, kind: Option<Kind>, samples: &[Sample]) -> Prediction {
    let asked = Asked { predicted: tokens(formula.max(1)), profile, kind };
    let centre = centre(asked, samples.iter());
    let mut off = residuals(samples);
    let borrowed = off.len() < ENOUGH;
    if borrowed {
        off.extend(REFERENCE.iter().map(|(predicted, actual)| (actual / predicted).ln()));
    }
    let (below, above) = interval(&mut off);
    Prediction {
        formula,
        tokens: whole(centre),
        low: whole(centre + below.min(0.0)),
        high: whole(centre + above.max(0.0)),
        samples: samples.len(),
        borrowed,
    }
}

/// The logarithm of the most likely size.
fn centre<'s>(asked: Asked<'_>, samples: impl Iterator<Item = &'s Sample> + Clone) -> f64 {
    let ratios =
        samples.clone().map(|sample| ((sample.actual / sample.predicted).ln(), asked.weight(sample)));
    let (ratio, weight) = median(ratios.collect());
    let scaled = asked.predicted.ln() + ratio * weight / (weight + RATIO_PRIOR);
    let near = samples.map(|sample| (sample.actual.ln(), asked.weight(sample) * asked.nearness(sample)));
    let (typical, weight) = median(near.collect());
    let trust = weight / (weight + SIZE_PRIOR);
    scaled + (typical - scaled) * trust
}

/// The weighted median of some values, and what they weigh together; 0 where there are none.
pub(super) fn median(mut weighted: Vec<(f64, f64)>) -> (f64, f64) {
    weighted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = weighted.iter().map(|(_, weight)| weight).sum();
    let mut passed = 0.0;
    for (value, weight) in &weighted {
        passed += weight;
        if passed * 2.0 >= total && total > 0.0 {
            return (*value, total);
        }
    }
    (0.0, 0.0)
}

/// What predictions of the samples, each from all others, are off by: logarithms of actual over predicted.
fn residuals(samples: &[Sample]) -> Vec<f64> {
    let off = |(at, sample): (usize, &Sample)| {
        let others = samples.iter().enumerate().filter(move |(other, _)| *other != at);
        sample.actual.ln() - centre(Asked::of(sample), others.map(|(_, sample)| sample))
    };
    samples.iter().enumerate().map(off).collect()
}

/// The ends of an interval that covers [`CLAIM`] of what is yet to come: those ranks of the residuals.
fn interval(residuals: &mut [f64]) -> (f64, f64) {
    residuals.sort_by(f64::total_cmp);
    let many = count(residuals.len() + 1);
    let last = residuals.len().saturating_sub(1);
    let tail = (1.0 - CLAIM) / 2.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank, not negative")]
    let rank = |at: f64| (at as usize).saturating_sub(1).min(last);
    let end = |rank: usize| residuals.get(rank).copied().unwrap_or_default();
    (end(rank((many * tail).floor())), end(rank((many * (1.0 - tail)).ceil())))
}

fn whole(logarithm: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded, not negative")]
    let tokens = logarithm.exp().min(1e12).round() as u64;
    tokens
}

/// How good predictions were: of each task from those that were done before it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Accuracy {
    /// Tasks that were predicted.
    pub count: usize,
    /// The share of them within 20 % of what was predicted.
    pub within: f64,
    /// The same of the formula alone.
    pub formula_within: f64,
    /// The mean of how far off they were, as a share of what was predicted.
    pub error: f64,
    /// The same of the formula alone.
    pub formula_error: f64,
    /// The share that lay in the interval.
    pub covered: f64,
}

/// Goes through the samples as time did, and looks at how good each prediction was.
#[must_use]
pub fn accuracy(samples: &[Sample]) -> Accuracy {
    let mut sums = Accuracy { count: samples.len(), ..Accuracy::default() };
    let mut off: Vec<f64> = REFERENCE.iter().map(|(predicted, actual)| (actual / predicted).ln()).collect();
    let mut own: Vec<f64> = Vec::with_capacity(samples.len());
    for (at, sample) in samples.iter().enumerate() {
        let centre = centre(Asked::of(sample), samples[..at].iter());
        let (below, above) = interval(if own.len() < ENOUGH { &mut off } else { &mut own });
        let residual = sample.actual.ln() - centre;
        let share = |predicted: f64| (sample.actual - predicted).abs() / predicted;
        let yes = |yes: bool| if yes { 1.0 } else { 0.0 };
        sums.within += yes(share(centre.exp()) <= 0.2);
        sums.formula_within += yes(share(sample.predicted) <= 0.2);
        sums.error += share(centre.exp());
        sums.formula_error += share(sample.predicted);
        sums.covered += yes((below.min(0.0)..=above.max(0.0)).contains(&residual));
        own.push(residual);
        off.push(residual);
    }
    let mean = |sum: f64| if samples.is_empty() { 0.0 } else { sum / count(samples.len()) };
    Accuracy {
        count: sums.count,
        within: mean(sums.within),
        formula_within: mean(sums.formula_within),
        error: mean(sums.error),
        formula_error: mean(sums.formula_error),
        covered: mean(sums.covered),
    }
}

/// How long the agent will be at work, in milliseconds: as long for a token as in the middle of what
/// was; none where fewer than three runs tell.
#[must_use]
pub fn duration_ms(prediction: &Prediction, profile: &str, runs: &[Digest]) -> Option<u64> {
    let told = |run: &&Digest| run.agent == profile && run.passed().is_some() && run.work_tokens() > 0;
    let paces: Vec<(f64, f64)> =
        runs.iter().filter(told).map(|run| (tokens(run.agent_ms) / tokens(run.work_tokens()), 1.0)).collect();
    let enough = paces.len() >= 3;
    let (pace, _) = median(paces);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time, not negative")]
    let duration = (pace * tokens(prediction.tokens)).min(1e12) as u64;
    enough.then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fmt::Write as _;

    /// The profiles of [`REFERENCE`].
    const MODELS: [&str; 16] = [
        "haiku", "sonnet", "sonnet", "sonnet", "sonnet", "sonnet", "sonnet", "opus", "haiku", "sonnet",
        "sonnet", "sonnet", "sonnet", "sonnet", "sonnet", "opus",
    ];

    fn reference() -> Vec<Sample> {
        REFERENCE
            .iter()
            .zip(MODELS)
            .map(|(&(predicted, actual), profile)| Sample {
                predicted: predicted * 1e3,
                actual: actual * 1e3,
                profile: profile.to_owned(),
                kind: None,
                peak: None,
            })
            .collect()
    }

    fn without(samples: &[Sample], at: usize) -> Vec<Sample> {
        let mut others = samples.to_vec();
        others.remove(at);
        others
    }

    #[test]
    fn on_the_real_pairs_it_beats_the_formula_each_predicted_from_all_others() {
        let all = reference();
        let (mut within, mut error, mut formula_within, mut formula_error, mut covered) = (0, 0.0, 0, 0.0, 0);
        let mut table = String::new();
        for (at, sample) in all.iter().enumerate() {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "thousands of tokens"
            )]
            let formula = sample.predicted as u64;
            let told = predict(formula, Some(&sample.profile), None, &without(&all, at));
            let off = |predicted: f64| (sample.actual - predicted).abs() / predicted;
            let (own, formulas) = (off(tokens(told.tokens)), off(sample.predicted));
            within += usize::from(own <= 0.2);
            formula_within += usize::from(formulas <= 0.2);
            error += own / 16.0;
            formula_error += formulas / 16.0;
            let inside = tokens(told.low) <= sample.actual && sample.actual <= tokens(told.high);
            covered += usize::from(inside);
            let _ = writeln!(
                table,
                "{:>6} {:>6.1} -> {:>5.1}k, told {:>5.1}k ({:.1}..{:.1}){}",
                sample.profile,
                sample.predicted / 1e3,
                sample.actual / 1e3,
                tokens(told.tokens) / 1e3,
                tokens(told.low) / 1e3,
                tokens(told.high) / 1e3,
                if inside { "" } else { " outside" }
            );
        }
        let _ = write!(
            table,
            "within 20 %: {within} of 16, the formula {formula_within}; mean error {error:.3}, the formula \
             {formula_error:.3}; inside the interval: {covered} of 16"
        );
        assert!(within > formula_within && error < formula_error, "{table}");
        assert!(count(covered) >= CLAIM * 16.0, "{table}");
        insta::assert_snapshot!(table, @r"
         haiku   15.0 ->   8.5k, told  15.1k (5.5..21.6)
        sonnet   52.0 ->  58.0k, told  50.8k (18.6..73.3)
        sonnet   46.8 ->  71.0k, told  49.6k (18.2..61.2) outside
        sonnet   46.8 ->  60.7k, told  49.6k (18.2..71.6)
        sonnet   49.4 ->  51.2k, told  50.2k (18.0..72.5)
        sonnet   58.5 ->  50.4k, told  53.0k (18.8..75.9)
        sonnet   40.3 ->  40.0k, told  48.4k (17.3..69.8)
          opus   71.5 ->  65.0k, told  57.6k (21.1..82.5)
         haiku   31.2 ->  28.0k, told  39.1k (14.3..55.9)
        sonnet   46.8 ->  45.0k, told  50.3k (17.9..71.4)
        sonnet   46.8 ->  47.5k, told  50.1k (17.9..71.5)
        sonnet   40.3 ->  50.5k, told  48.2k (17.3..69.6)
        sonnet   62.4 ->  60.0k, told  53.4k (19.5..76.6)
        sonnet   64.3 ->  20.0k, told  54.5k (30.2..78.1) outside
        sonnet   40.3 ->  53.0k, told  47.7k (17.5..68.9)
          opus   71.5 ->  50.0k, told  62.6k (22.3..89.6)
        within 20 %: 10 of 16, the formula 9; mean error 0.198, the formula 0.212; inside the interval: 14 of 16
        ");
    }

    #[test]
    fn without_samples_it_is_the_formula_with_a_borrowed_interval() {
        let told = predict(46_800, None, None, &[]);
        assert_eq!((told.tokens, told.samples, told.borrowed), (46_800, 0, true));
        assert!(told.low < 46_800 && told.high > 46_800);
    }

    /// Tasks that come to `ratio` of the formula, give or take `noise`, in an order that only looks random.
    fn series(len: u32, ratio: f64, noise: f64, profile: &str) -> Vec<Sample> {
        (0..len)
            .map(|n| {
                let turn = f64::from(n * 37 % 101) / 101.0;
                let sway = f64::from(n * 53 % 97) / 97.0 - 0.5;
                let predicted = 20_000.0 * 4.0_f64.powf(turn);
                let actual = predicted * ratio * (1.0 + noise * sway);
                Sample { predicted, actual, profile: profile.to_owned(), kind: Some(Kind::Bug), peak: None }
            })
            .collect()
    }

    #[test]
    fn it_learns_what_a_project_is_like_and_the_interval_covers_what_it_claims() {
        let learned = accuracy(&series(100, 1.6, 0.3, "a"));
        // What it knows little yet is in these numbers, too.
        assert!(learned.within > 0.75 && learned.formula_within < 0.1, "{learned:?}");
        assert!(learned.error < 0.15 && learned.formula_error > 0.5, "{learned:?}");
        assert!((0.75..0.95).contains(&learned.covered), "{learned:?}");
    }

    #[test]
    fn a_profile_is_told_apart_from_another() {
        let mut both = series(30, 0.6, 0.1, "quick");
        both.extend(series(30, 2.0, 0.1, "slow"));
        let of = |profile| predict(40_000, Some(profile), Some(Kind::Bug), &both).tokens;
        assert!(of("quick") < 32_000 && of("slow") > 60_000, "{} {}", of("quick"), of("slow"));
    }

    #[test]
    fn one_odd_task_changes_little() {
        let mut odd = series(20, 1.0, 0.1, "a");
        let before = predict(40_000, Some("a"), None, &odd).tokens;
        odd[7].actual *= 50.0;
        let after = predict(40_000, Some("a"), None, &odd).tokens;
        assert!(before.abs_diff(after) < 2_000, "{before} {after}");
    }

    #[test]
    fn only_work_that_passed_teaches_and_the_pace_needs_three_runs() {
        use crate::state::digest::sample;
        use crate::state::run::OutcomeKind;
        let run = |day: u32, outcome| sample(&format!("2026-11-{day:02}T10:00:00Z"), "sonnet", outcome);
        let shell = Digest { adapter: "shell".to_owned(), ..run(4, OutcomeKind::Accepted) };
        let runs = [
            run(3, OutcomeKind::Accepted),
            run(2, OutcomeKind::Rejected),
            run(1, OutcomeKind::Accepted),
            shell,
        ];
        let found = samples(&runs, |_| Some(Kind::Bug));
        assert_eq!((found.len(), found[0].actual), (2, 50_000.0));
        let told = predict(50_000, None, None, &[]);
        // A minute for 50 000 tokens, and what is done by a command of its own tells nothing.
        assert_eq!(duration_ms(&told, "sonnet", &runs[..3]), Some(60_000));
        assert_eq!(duration_ms(&told, "sonnet", &runs[..2]), None);
    }

    #[test]
    fn what_was_done_in_vain_and_what_came_from_the_cache_belongs_to_what_a_task_came_to() {
        use crate::state::digest::sample;
        use crate::state::run::{OutcomeKind, Tokens};
        let run = |day: u32, outcome| sample(&format!("2026-11-{day:02}T10:00:00Z"), "a", outcome);
        let mut runs = vec![
            run(4, OutcomeKind::Accepted),
            run(3, OutcomeKind::Rejected),
            run(2, OutcomeKind::Rejected),
            run(1, OutcomeKind::Accepted),
        ];
        let actual = |runs: &[Digest]| samples(runs, |_| None).last().map(|sample| sample.actual);
        assert_eq!(actual(&runs), Some(150_000.0));
        runs.truncate(1);
        runs[0].tokens = Tokens { input: 1_000, cached: 500_000, output: 1_000, reasoning: 0 };
        runs[0].parts[0].tokens = runs[0].tokens;
        assert!(actual(&runs) > Some(70_000.0), "{:?}", actual(&runs));
    }

    proptest! {
        #[test]
        fn a_prediction_lies_in_its_interval_and_is_finite(
            formula in 0_u64..10_000_000,
            pairs in proptest::collection::vec((1_f64..1e9, 1_f64..1e9), 0..30),
        ) {
            let samples: Vec<Sample> = pairs
                .into_iter()
                .map(|(predicted, actual)| Sample { predicted, actual, profile: "p".to_owned(), kind: None, peak: None })
                .collect();
            let told = predict(formula, Some("p"), None, &samples);
            prop_assert!(told.low <= told.tokens && told.tokens <= told.high, "{:?}", told);
            let told = accuracy(&samples);
            prop_assert!(told.error.is_finite() && (0.0..=1.0).contains(&told.covered));
        }
    }
}
