//! Why a run ended, and whether waiting would have helped.

use super::error::CliError;
use super::exit::Exit;
use super::output::Answer;
use crate::step::crew::Reached;
use crate::step::wait::Cause;
use serde_json::Value;

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
    /// Whether a remote is away that may be there later by itself.
    pub(super) is_away: bool,
}

impl End {
    /// An end of its own accord.
    pub(super) fn new(why: &str, exit: Exit) -> Self {
        Self { why: why.to_owned(), exit, hints: Vec::new(), retry_after: None, is_away: false }
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
        Self::new("interrupted", Exit::of_signal(signal))
    }

    /// The end that a step's last word says, as programs are told of it.
    pub(super) fn of(doc: &Value) -> Self {
        let data = &doc["data"];
        let said = [&data["errors"][0], &data["why"], &data["reason"]];
        let why = said.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned();
        let code = doc["exit"].as_u64();
        let exit = Exit::ALL.into_iter().find(|exit| Some(u64::from(exit.code())) == code);
        let retry_after = data["retry_after"].as_str().map(str::to_owned);
        let (exit, is_away) = (exit.unwrap_or(Exit::Error), data["unreachable"] == true);
        Self { why, exit, hints: texts(&data["hints"]), retry_after, is_away }
    }
}

impl End {
    /// What there is to wait for, if that may be there later by itself.
    pub(super) fn cause(&self) -> Option<Cause> {
        let told = || self.retry_after.as_ref().and_then(|time| time.parse().ok()).map(Cause::Told);
        match self.exit {
            Exit::Busy => Some(Cause::Others),
            Exit::Paused => told(),
            Exit::Git if self.is_away => Some(Cause::Remote),
            Exit::Ok
            | Exit::Error
            | Exit::Usage
            | Exit::Invalid
            | Exit::NoProject
            | Exit::Idle
            | Exit::Waiting
            | Exit::Rejected
            | Exit::AgentFailed
            | Exit::AgentTimeout
            | Exit::NeedsReview
            | Exit::NoAgent
            | Exit::Git
            | Exit::Interrupted
            | Exit::Terminated => None,
        }
    }

    /// The same end; with what to type instead, if there is something, where waiting would have helped.
    pub(super) fn advised(mut self, advice: Option<&str>) -> Self {
        self.hints.extend(advice.filter(|_| self.cause().is_some()).map(str::to_owned));
        self
    }

    /// The same for the error that this is the end by.
    pub(super) fn advise(&self, advice: Option<&str>, error: CliError) -> CliError {
        match advice.filter(|_| self.cause().is_some()) {
            Some(advice) => error.hint(advice),
            None => error,
        }
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
        Self { why, exit: answer.exit, hints: answer.hints, retry_after, is_away: false }
    }
}

impl From<CliError> for End {
    fn from(error: CliError) -> Self {
        let retry_after = error.retry_after.map(|time| time.to_string());
        let (why, is_away) = (error.facts.join("; "), error.is_away);
        Self { why, exit: error.exit, hints: error.hints, retry_after, is_away }
    }
}
