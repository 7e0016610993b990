//! What the steps of a run came to, in all.

use super::exit::Exit;
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

/// Why a run ended.
#[derive(Debug, Clone)]
pub(super) struct End {
    /// In words.
    pub(super) why: String,
    /// How the program ends.
    pub(super) exit: Exit,
    /// What to type next.
    pub(super) hints: Vec<String>,
}

impl End {
    /// An end of its own accord.
    pub(super) fn new(why: &str, exit: Exit) -> Self {
        Self { why: why.to_owned(), exit, hints: Vec::new() }
    }
}

impl End {
    /// The end that a step's last word says, as programs are told of it.
    pub(super) fn of(doc: &Value) -> Self {
        let data = &doc["data"];
        let said = [&data["errors"][0], &data["why"], &data["reason"]];
        let why = said.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned();
        let code = doc["exit"].as_u64();
        let exit = Exit::ALL.into_iter().find(|exit| Some(u64::from(exit.code())) == code);
        let hints = data["hints"].as_array().into_iter().flatten();
        let hints = hints.filter_map(Value::as_str).map(str::to_owned).collect();
        Self { why, exit: exit.unwrap_or(Exit::Error), hints }
    }
}

impl From<Answer> for End {
    fn from(answer: Answer) -> Self {
        let why = answer.human.lines().next().unwrap_or_default().to_owned();
        Self { why, exit: answer.exit, hints: answer.hints }
    }
}

impl Tally {
    /// One more step.
    pub(super) fn add(&mut self, step: Value, warnings: &[String]) {
        self.steps.push(step);
        self.warnings.extend_from_slice(warnings);
    }

    /// What a step leaves to be done.
    pub(super) fn hint(&mut self, hints: Vec<String>) {
        self.hints.extend(hints);
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
        let _ = writeln!(human, "{}, {accepted} accepted; {}", plural(self.steps.len(), "step"), end.why);
        let data = json!({"steps": self.steps, "accepted": accepted, "ended_because": end.why});
        let md = summary::steps(&self.steps, &end.why);
        let mut answer = Answer::ok(data, human).exit(end.exit);
        answer.md = Some(md);
        answer.hints = [self.hints, end.hints].concat();
        answer.warnings = self.warnings;
        answer
    }
}
