//! The state of affairs as metrics, in the text of `OpenMetrics` 1.0.
//!
//! Every metric is a gauge: what is told is how it stands, and days and months begin anew.

use super::{Status, Usage};
use crate::report::graph::Look;
use std::fmt::Write as _;

/// Metrics under way to their text.
struct Metrics {
    text: String,
}

impl Metrics {
    /// A metric with its samples: labels and value each. One without samples is left out.
    fn gauge(&mut self, name: &str, help: &str, samples: &[(Vec<(&str, &str)>, f64)]) {
        if samples.is_empty() {
            return;
        }
        let _ = writeln!(self.text, "# TYPE orch_{name} gauge\n# HELP orch_{name} {help}");
        for (labels, value) in samples {
            let labels: Vec<String> =
                labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(self.text, "orch_{name}{labels} {}", plain(*value));
        }
    }

    fn single(&mut self, name: &str, help: &str, value: f64) {
        self.gauge(name, help, &[(Vec::new(), value)]);
    }
}

/// The value without what only adding and dividing made of it: six decimals are more than anything here means.
fn plain(value: f64) -> f64 {
    if value.fract() == 0.0 { value } else { (value * 1e6).round() / 1e6 }
}

/// The value of a label.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The metrics.
#[must_use]
pub fn openmetrics(status: &Status) -> String {
    let mut metrics = Metrics { text: String::new() };
    let project = super::super::safe::text(&status.project);
    let branch = super::super::safe::text(status.branch.as_deref().unwrap_or_default());
    let named = vec![("project", &*project), ("branch", &*branch), ("version", env!("CARGO_PKG_VERSION"))];
    metrics.gauge("project", "What is told about: always 1.", &[(named, 1.0)]);
    let counted = |look: Look| status.counts.iter().find(|(each, _)| *each == look).map_or(0, |(_, n)| *n);
    let tasks: Vec<_> =
        Look::ALL.map(|look| (vec![("state", look.word())], super::as_f64(counted(look)))).to_vec();
    metrics.gauge("tasks", "Tasks by how they stand.", &tasks);
    let health = &status.health;
    metrics.single("tasks_done_ratio", "Done ones among all that count.", health.done_percent / 100.0);
    metrics.single("tasks_blocked_ratio", "Blocked ones among the open.", health.blocked_percent / 100.0);
    metrics.single(
        "tasks_needing_a_person",
        "Tasks and notes that wait for one.",
        super::as_f64(status.needs_you_total),
    );
    metrics.single("accepted_per_day", "Accepted steps a day, over 14 days at most.", health.velocity);
    if let Some(percent) = health.accepted_percent {
        metrics.single("accepted_ratio", "Accepted steps among those judged.", percent / 100.0);
    }
    if let Some(days) = health.forecast_days {
        metrics.single("forecast_days", "Days until nothing is open, at this pace.", days);
    }
    metrics.single("leases", "Tasks that somebody is at work on.", super::as_f64(status.leases.len()));
    used(&mut metrics, &[("day", &status.today), ("month", &status.month)]);
    let lost = &status.not_landed;
    metrics.single(
        "unlanded_steps",
        "Steps of this clone in the month without a record.",
        super::as_f64(lost.steps),
    );
    metrics.single("unlanded_cost_usd", "What those cost, as far as it is known.", lost.cost_usd);
    let limits = [("day", status.day_usd), ("month", status.month_usd)];
    let limits: Vec<_> =
        limits.iter().filter_map(|(period, usd)| Some((vec![("period", *period)], (*usd)?))).collect();
    metrics.gauge("budget_usd", "What may be spent, where that is limited.", &limits);
    let limits = [("day", status.day_tokens), ("month", status.month_tokens)];
    let limit =
        |(period, tokens): (_, Option<u64>)| Some((vec![("period", period)], super::count_f64(tokens?)));
    let limits: Vec<_> = limits.into_iter().filter_map(limit).collect();
    metrics.gauge("budget_tokens", "Tokens that may be used, where that is limited.", &limits);
    let modes: Vec<_> = ["balance", "stabilize", "accelerate"]
        .map(|mode| (vec![("mode", mode)], f64::from(u8::from(status.mode == mode))))
        .to_vec();
    metrics.gauge("mode", "The scheduling policy in force: 1.", &modes);
    let mut alerts: Vec<&str> = status.alerts.iter().map(|alert| alert.kind).collect();
    alerts.sort_unstable();
    alerts.dedup();
    let alerts: Vec<_> = alerts.into_iter().map(|kind| (vec![("kind", kind)], 1.0)).collect();
    metrics.gauge("alert", "What a person should look at: 1 each.", &alerts);
    if let Some(last) = &status.last_step {
        let age = last.age_seconds.max(0);
        let age = super::as_f64(usize::try_from(age).unwrap_or_default());
        metrics.single("last_step_age_seconds", "Since the newest step ended.", age);
    }
    metrics.text.push_str("# EOF\n");
    metrics.text
}

/// What was used since midnight, and since the first of the month.
fn used(metrics: &mut Metrics, periods: &[(&str, &Usage); 2]) {
    let (mut steps, mut flaky, mut tokens, mut cost) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (period, usage) in periods {
        let sample =
            |label, word, count: u64| (vec![("period", *period), (label, word)], super::count_f64(count));
        let accepted = usage.accepted as u64;
        steps.push(sample("accepted", "true", accepted));
        steps.push(sample("accepted", "false", (usage.steps as u64).saturating_sub(accepted)));
        flaky.push((vec![("period", *period)], super::as_f64(usage.flaky)));
        tokens.push(sample("kind", "input", usage.input));
        tokens.push(sample("kind", "cached", usage.cached));
        tokens.push(sample("kind", "output", usage.output));
        cost.push((vec![("period", *period)], usage.cost_usd));
    }
    metrics.gauge("steps", "Steps since the period began.", &steps);
    metrics.gauge("flaky_passes", "Passes of gates at a later try only.", &flaky);
    metrics.gauge("tokens", "Tokens that they used.", &tokens);
    metrics.gauge("cost_usd", "What they cost, as far as it is known.", &cost);
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::super::alert::Alert;
    use super::*;

    #[test]
    fn each_metric_has_a_type_and_nothing_breaks_out_of_a_label() {
        let alert = || Alert { kind: "budget_burn", text: String::new() };
        let status = Status {
            project: "a \"b\" \\ c\n# EOF".to_owned(),
            branch: Some("main".to_owned()),
            counts: vec![(Look::Done, 3), (Look::Ready, 1)],
            health: Health { done_percent: 33.3, velocity: 1.0 / 3.0, ..Health::default() },
            today: Usage {
                steps: 4,
                accepted: 3,
                flaky: 2,
                cost_usd: 0.1 + 0.2,
                input: 12_034,
                cached: 7,
                output: 5,
                unpriced: 0,
            },
            day_usd: Some(20.0),
            mode: "balance",
            alerts: vec![alert(), alert()],
            ..Status::default()
        };
        insta::assert_snapshot!(openmetrics(&status));
    }
}
