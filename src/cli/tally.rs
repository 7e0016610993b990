//! What the steps of a run came to, in all.

use super::error::CliError;
use super::exit::Exit;
use super::output::Answer;
use crate::report::{plural, summary};
use crate::step::crew::Reached;
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
    /// When to come back, if that is known.
    pub(super) retry_after: Option<String>,
}

impl End {
    /// An end of its own accord.
    pub(super) fn new(why: &str, exit: Exit) -> Self {
        Self { why: why.to_owned(), exit, hints: Vec::new(), retry_after: None }
    }

    /// The end by a limit of the run's own.
    pub(super) fn limit(reached: Reached) -> Self {
        match reached {
            Reached::Steps => Self::new("the limit of steps is reached", Exit::Ok),
            Reached::Time => Self::new("the time is over", Exit::Ok),
            Reached::Cost => Self::new("the cost limit is reached", Exit::Paused),
        }
    }

    /// The end by a signal.
    pub(super) fn interrupted(signal: i32) -> Self {
        Self::new("interrupted", if signal == 15 { Exit::Terminated } else { Exit::Interrupted })
    }

    /// The end that a step's last word says, as programs are told of it.
    pub(super) fn of(doc: &Value) -> Self {
        let data = &doc["data"];
        let said = [&data["errors"][0], &data["why"], &data["reason"]];
        let why = said.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned();
        let code = doc["exit"].as_u64();
        let exit = Exit::ALL.into_iter().find(|exit| Some(u64::from(exit.code())) == code);
        let retry_after = data["retry_after"].as_str().map(str::to_owned);
        Self { why, exit: exit.unwrap_or(Exit::Error), hints: texts(&data["hints"]), retry_after }
    }
}

/// The texts of a list, as programs are told of them.
pub(super) fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

impl From<Answer> for End {
    fn from(answer: Answer) -> Self {
        let why = answer.human.lines().next().unwrap_or_default().to_owned();
        let retry_after = answer.data["retry_after"].as_str().map(str::to_owned);
        Self { why, exit: answer.exit, hints: answer.hints, retry_after }
    }
}

impl From<CliError> for End {
    fn from(error: CliError) -> Self {
        let retry_after = error.retry_after.map(|time| time.to_string());
        Self { why: error.facts.join("; "), exit: error.exit, hints: error.hints, retry_after }
    }
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
        let _ = writeln!(human, "{}, {accepted} accepted; {}", plural(self.steps.len(), "step"), end.why);
        let mut data = json!({"steps": self.steps, "accepted": accepted, "ended_because": end.why});
        if let Some(time) = end.retry_after {
            data["retry_after"] = json!(time);
        }
        let md = summary::steps(&self.steps, &end.why);
        let mut answer = Answer::ok(data, human).exit(end.exit);
        answer.md = Some(md);
        answer.hints = [self.hints, end.hints].concat();
        answer.warnings = self.warnings;
        answer
    }
}
