//! What the steps of a run came to, in all.

use super::end::End;
use super::output::Answer;
use crate::report::{plural, summary};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Steps that were taken, as programs are told of them.
#[derive(Debug, Default)]
pub(super) struct Tally {
    steps: Vec<Value>,
    warnings: Vec<String>,
    hints: Vec<String>,
}

impl Tally {
    /// One more step.
    pub(super) fn add(&mut self, step: Value) {
        self.steps.push(step);
    }

    /// What somebody leaves to be done, and to be known.
    pub(super) fn left(&mut self, hints: Vec<String>, warnings: Vec<String>) {
        self.hints.extend(hints);
        self.warnings.extend(warnings);
    }

    /// How many there were.
    pub(super) fn steps(&self) -> usize {
        self.steps.len()
    }

    /// What they cost, in USD.
    pub(super) fn usd(&self) -> f64 {
        self.steps.iter().filter_map(|step| step["run"]["cost_usd"].as_f64()).sum()
    }

    /// All of it.
    pub(super) fn answer(self, end: End) -> Answer {
        let mut human = String::new();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for step in &self.steps {
            let commit: String = text(&step["commit"]).chars().take(9).collect();
            let (task, outcome, reason) =
                (text(&step["task"]["id"]), text(&step["outcome"]), text(&step["reason"]));
            let _ = writeln!(human, "{commit}  {task}  {outcome}: {reason}");
        }
        let accepted = self.steps.iter().filter(|step| step["outcome"] == "accepted").count();
        let ended = format!("{}, {accepted} accepted; {}", plural(self.steps.len(), "step"), end.why);
        let _ = writeln!(human, "{ended}");
        let mut data = json!({"steps": self.steps, "accepted": accepted, "ended_because": end.why});
        if let Some(time) = end.retry_after {
            data["retry_after"] = json!(time);
        }
        let md = summary::steps(&self.steps, &end.why);
        let mut answer = Answer::ok(data, human).exit(end.exit);
        answer.md = Some(md);
        answer.ended = Some(ended);
        answer.hints = [self.hints, end.hints].concat();
        answer.warnings = self.warnings;
        answer
    }
}
