//! How much of an agent's window a task is expected to need: what the 50 % rule looks at.
//!
//! In: a [`Prediction`], and what comparable tasks of the same profile reached at their peak. Out: a share.
//! Invariant: without such tasks it is the estimate over the window: the formula's, or what was learned where that
//! is less. What was learned is no reason to expect more: a session sends many requests, and its tokens are the sum
//! of them, while the window holds one at a time; but it never holds more than all of them together. As far as there are tasks of about this size, it is the median of what those reached: what a profile reads
//! beside the task (its own instructions, tools, what it reads twice) is in that, and in no estimate.

use super::predict::{Prediction, Sample, alike, median};
use super::tokens;
use crate::state::task::Kind;

/// So many comparable tasks weigh as much as the estimate.
const PRIOR: f64 = 3.0;

/// The share of a profile's window that a task is expected to need.
#[must_use]
pub fn share(
    prediction: &Prediction,
    profile: &str,
    kind: Option<Kind>,
    window: u64,
    samples: &[Sample],
) -> f64 {
    let size = prediction.formula.min(prediction.tokens);
    let predicted = tokens(size) / tokens(window.max(1));
    let reached = samples.iter().filter(|sample| sample.profile == profile).filter_map(|sample| {
        let peak = sample.peak.filter(|peak| *peak > 0.0)?;
        Some((peak.ln(), alike(tokens(prediction.formula.max(1)), profile, kind, sample)))
    });
    let (typical, weight) = median(reached.collect());
    if weight <= 0.0 || predicted <= 0.0 {
        return predicted;
    }
    let trust = weight / (weight + PRIOR);
    (predicted.ln() + (typical - predicted.ln()) * trust).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::predict::predict;
    use proptest::prelude::*;

    fn samples(count: usize, peak: Option<f64>, predicted: f64) -> Vec<Sample> {
        let profile = "a".to_owned();
        vec![Sample { predicted, actual: predicted, profile, kind: Some(Kind::Bug), peak }; count]
    }

    fn told(samples: &[Sample]) -> f64 {
        let prediction = predict(40_000, Some("a"), Some(Kind::Bug), samples);
        share(&prediction, "a", Some(Kind::Bug), 200_000, samples)
    }

    #[test]
    fn what_comparable_tasks_reached_counts_more_than_what_was_predicted() {
        assert!((told(&[]) - 0.2).abs() < 1e-9);
        assert!((told(&samples(20, None, 40_000.0)) - 0.2).abs() < 0.01);
        // Few tell little, many nearly all.
        let (few, many) = (told(&samples(1, Some(0.7), 40_000.0)), told(&samples(20, Some(0.7), 40_000.0)));
        assert!(0.2 < few && few < 0.4 && 0.5 < many && many < 0.7, "{few} {many}");
        // It also says when there is more room than was thought.
        assert!(told(&samples(20, Some(0.05), 40_000.0)) < 0.1);
    }

    #[test]
    fn what_all_requests_of_a_session_came_to_together_fills_no_window() {
        let many = |peak| vec![Sample { actual: 265_000.0, ..samples(1, peak, 40_000.0)[0].clone() }; 20];
        assert!((told(&many(None)) - 0.2).abs() < 1e-9);
        assert!(told(&many(Some(0.1))) < 0.2);
    }

    #[test]
    fn a_window_is_never_expected_to_hold_more_than_all_that_tasks_came_to() {
        let small = vec![Sample { actual: 10_000.0, ..samples(1, None, 40_000.0)[0].clone() }; 20];
        let prediction = predict(40_000, Some("a"), Some(Kind::Bug), &small);
        assert!((told(&small) - tokens(prediction.tokens) / 200_000.0).abs() < 1e-9);
        assert!(told(&small) < 0.1);
    }

    #[test]
    fn tasks_of_another_size_or_profile_tell_nothing_of_this_one() {
        let small = samples(20, Some(0.9), 4_000.0);
        let prediction = predict(40_000, Some("a"), None, &[]);
        assert!(share(&prediction, "a", None, 200_000, &small) < 0.21);
        let own = samples(20, Some(0.9), 40_000.0);
        assert!((share(&prediction, "b", None, 200_000, &own) - 0.2).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn it_is_finite_and_lies_between_what_was_predicted_and_what_was_reached(
            formula in 1_u64..1_000_000, window in 1_u64..2_000_000,
            peaks in proptest::collection::vec((1_f64..1e6, 0_f64..1.0), 0..20),
        ) {
            let samples: Vec<Sample> = peaks
                .iter()
                .map(|(size, peak)| Sample { peak: Some(*peak), ..samples(1, None, *size)[0].clone() })
                .collect();
            let prediction = predict(formula, Some("a"), None, &samples);
            let told = share(&prediction, "a", None, window, &samples);
            let predicted = tokens(formula.min(prediction.tokens)) / tokens(window);
            let most = peaks.iter().map(|(_, peak)| *peak).fold(predicted, f64::max);
            let least = peaks.iter().map(|(_, peak)| *peak).filter(|peak| *peak > 0.0).fold(predicted, f64::min);
            prop_assert!(told.is_finite(), "{}", told);
            prop_assert!(least * 0.9999 <= told && told <= most * 1.0001, "{} {} {}", least, told, most);
        }
    }
}
