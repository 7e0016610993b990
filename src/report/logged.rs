//! Talk for programs: what standard error says, as one JSON object a line, each with its time and severity.

use super::human::print_line;
use super::json::Lines;
use super::safe;
use crate::effects::Clock;
use crate::step::{Event, Reporter};
use jiff::Timestamp;
use serde_json::{Value, json};

/// How much something matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// What happens.
    Info,
    /// What a person should know.
    Warn,
    /// What went wrong.
    Error,
}

/// A line of the log: an object, with when it was said and how much it matters.
#[must_use]
pub fn line(time: Timestamp, level: Level, mut object: Value) -> String {
    let word = match level {
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    object["time"] = json!(time.to_string());
    object["severity"] = json!(word);
    safe::json(&object.to_string())
}

/// A line of the log that says something in words.
#[must_use]
pub fn said(time: Timestamp, level: Level, event: &str, text: &str) -> String {
    line(time, level, json!({"event": event, "text": text}))
}

/// Tells programs, on standard error, what happens in a step.
pub struct Logged {
    lines: Lines,
    clock: Box<dyn Clock>,
}

impl Logged {
    /// A log by this clock.
    #[must_use]
    pub fn new(clock: Box<dyn Clock>) -> Self {
        Self { lines: Lines::default(), clock }
    }

    /// The time by its clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Writes a line.
    pub fn put(&self, level: Level, object: Value) {
        print_line(&line(self.clock.now(), level, object));
    }
}

impl Reporter for Logged {
    fn event(&self, event: &Event) {
        let level = if matches!(event, Event::Warning { .. }) { Level::Warn } else { Level::Info };
        if let Some(object) = self.lines.next(event) {
            self.put(level, object);
        }
    }
}
