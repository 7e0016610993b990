//! Several steps at once, for people: a line for each on a terminal, lines with its number elsewhere.
//!
//! In: the events of each step as programs are told of them ([`super::json`]), because each step is a
//! process of its own. Events that are not known say nothing.

use super::human::print_line;
use super::logged::{Level, Logged};
use super::{progress, safe, spell_ms, table, timed};
use crate::state::run::Tokens;
use crate::step::event::Progress;
use anstyle::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Shows people, on standard error, what several steps do.
pub struct Board {
    terminal: bool,
    colour: bool,
    /// The log for programs, in place of lines for people.
    log: Option<Logged>,
    all: MultiProgress,
    bars: BTreeMap<u32, ProgressBar>,
    /// The task of each.
    tasks: BTreeMap<u32, String>,
}

/// Something that is over, in a line.
struct Line {
    mark: &'static str,
    colour: AnsiColor,
    text: String,
}

impl Board {
    /// A board; `terminal` says whether standard error is one. With a log, all goes there.
    #[must_use]
    pub fn new(terminal: bool, colour: bool, log: Option<Logged>) -> Self {
        let (all, bars, tasks) = (MultiProgress::new(), BTreeMap::new(), BTreeMap::new());
        Self { terminal: terminal && log.is_none(), colour, log, all, bars, tasks }
    }

    /// Shows one event of a step.
    pub fn event(&mut self, job: u32, event: &Value) {
        if let Some(log) = &self.log {
            let level = if event["event"] == "warning" { Level::Warn } else { Level::Info };
            let mut event = event.clone();
            event["job"] = json!(job + 1);
            return log.put(level, event);
        }
        if event["event"] == "task.selected" {
            self.tasks.insert(job, text(event, "task"));
        }
        if let Some(line) = line(event) {
            self.say(Some(job), line.mark, line.colour, &line.text);
        }
        if let Some(phase) = phase(event).filter(|_| self.terminal) {
            let task = self.tasks.get(&job).cloned().unwrap_or_default();
            let all = &self.all;
            let bar = self.bars.entry(job).or_insert_with(|| bar(all, job));
            bar.set_message(safe::text(&format!("{task}  {phase}")));
        }
    }

    /// A step has ended.
    pub fn ended(&mut self, job: u32) {
        self.tasks.remove(&job);
        if let Some(bar) = self.bars.remove(&job) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    /// Says something about the whole run.
    pub fn note(&self, text: &str) {
        if let Some(log) = &self.log {
            return log.put(Level::Info, json!({"event": "run.note", "text": text}));
        }
        self.say(None, "…", AnsiColor::Yellow, text);
    }

    /// Says what went wrong in a step.
    pub fn fail(&self, job: u32, text: &str) {
        if let Some(log) = &self.log {
            return log.put(Level::Error, json!({"event": "job.failed", "job": job + 1, "text": text}));
        }
        self.say(Some(job), "✖", AnsiColor::Red, text);
    }

    fn say(&self, job: Option<u32>, mark: &str, colour: AnsiColor, text: &str) {
        let number = job.map_or(String::new(), |job| format!("[{}] ", job + 1));
        let mark = table::paint(mark, Style::new().fg_color(Some(colour.into())), self.colour);
        let line = format!("{number}{mark} {}", safe::text(text));
        self.all.suspend(|| print_line(&line));
    }
}

fn bar(all: &MultiProgress, job: u32) -> ProgressBar {
    let bar = all.add(ProgressBar::new_spinner());
    if let Ok(style) = ProgressStyle::with_template("[{prefix}] {spinner} {elapsed:>4} {wide_msg}") {
        bar.set_style(style);
    }
    bar.set_prefix((job + 1).to_string());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn text(event: &Value, key: &str) -> String {
    event[key].as_str().unwrap_or_default().to_owned()
}

/// What a step does now, where an event says that.
fn phase(event: &Value) -> Option<String> {
    Some(match event["event"].as_str()? {
        "task.selected" => "prepares".to_owned(),
        "agent.started" => format!("{} at work", text(event, "agent")),
        "agent.progress" => {
            let seconds = event["silent_s"].as_u64().unwrap_or_default();
            let told = progress::line(&progress_of(event), Duration::from_secs(seconds));
            format!("{} at work{told}", text(event, "agent"))
        }
        "gate.started" => format!("gate {}", text(event, "gate")),
        "step.landed" => "landed".to_owned(),
        _ => return None,
    })
}

fn progress_of(event: &Value) -> Progress {
    let count = |key: &str| event["tokens"][key].as_u64().unwrap_or_default();
    Progress {
        tokens: Tokens {
            input: count("input"),
            cached: count("cached"),
            output: count("output"),
            reasoning: count("reasoning"),
        },
        cost_usd: event["cost_usd"].as_f64(),
        context: event["context"].as_f64(),
        tool: event["tool"].as_str().map(str::to_owned),
    }
}

/// What is over and worth a line.
fn line(event: &Value) -> Option<Line> {
    use AnsiColor::{BrightBlack, Cyan, Green, Red, Yellow};
    let said = |mark, colour, text| Some(Line { mark, colour, text });
    match event["event"].as_str()? {
        "recovered" => said("↺", Yellow, format!("recovered: {}", text(event, "what"))),
        "task.selected" => said("▶", Cyan, format!("{}  {}", text(event, "task"), text(event, "title"))),
        "agent.finished" => {
            let ended = text(event, "ended");
            let took = spell_ms(event["duration_ms"].as_u64().unwrap_or_default());
            let (mark, colour) = if ended == "exit 0" { ("  ✔", Green) } else { ("  ✖", Red) };
            let files = event["files_changed"].as_u64().unwrap_or_default();
            let files = super::plural(usize::try_from(files).unwrap_or(usize::MAX), "file");
            said(mark, colour, format!("{}  {ended}, {files} changed", timed("agent", &took)))
        }
        "agent.started" | "agent.progress" => None,
        event_of_agent if event_of_agent.starts_with("agent.") => said("  ↻", Yellow, text(event, "text")),
        "gate.finished" if matches!(event["verdict"].as_str(), Some("fail" | "error")) => {
            let took = spell_ms(event["duration_ms"].as_u64().unwrap_or_default());
            let last = text(event, "evidence").lines().last().unwrap_or_default().to_owned();
            said("  ✖", Red, format!("{}  {last}", timed(&text(event, "gate"), &took)))
        }
        "hook.finished" if event["passed"] == false => {
            said("  ✖", Red, format!("{} refused", text(event, "hook")))
        }
        "step.replayed" => {
            let again = if event["regated"] == true { ", the gates ran again" } else { "" };
            said("  ↻", Yellow, format!("the branch moved; replayed on its new tip{again}"))
        }
        "step.landed" => {
            let commit: String = text(event, "commit").chars().take(9).collect();
            let outcome = text(event, "outcome");
            let (mark, colour) = match outcome.as_str() {
                "accepted" => ("✔", Green),
                "needs_review" => ("?", Yellow),
                _ => ("✖", Red),
            };
            said(
                mark,
                colour,
                format!("{outcome}: {}  [{} {commit}]", text(event, "reason"), text(event, "branch")),
            )
        }
        "work.offered" => {
            let (branch, target) = (text(event, "branch"), text(event, "target"));
            said("  ·", Cyan, format!("`{branch}` waits to be merged into `{target}`"))
        }
        "work.kept" => said("  ·", BrightBlack, format!("work kept at {}", text(event, "ref"))),
        "warning" => said("warning:", Yellow, text(event, "text")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(event: &Value) -> Option<String> {
        line(event).map(|line| format!("{} {}", line.mark, line.text))
    }

    #[test]
    fn what_is_over_is_a_line_and_what_is_under_way_a_phase() {
        let selected = json!({"event": "task.selected", "task": "t-1", "title": "Do it"});
        assert_eq!(told(&selected).as_deref(), Some("▶ t-1  Do it"));
        assert_eq!(phase(&selected).as_deref(), Some("prepares"));
        let progress = json!({"event": "agent.progress", "agent": "sonnet", "silent_s": 20, "cost_usd": 0.126,
            "tokens": {"input": 12_034, "cached": 0, "output": 7}, "context": null, "tool": null});
        assert_eq!(told(&progress), None);
        let phase = phase(&progress);
        assert_eq!(phase.as_deref(), Some("sonnet at work, in 12k cached 0 out 7, $0.13, silent 20 s"));
        let gate = |verdict: &str| {
            json!({"event": "gate.finished", "gate": "test", "verdict": verdict,
                "duration_ms": 100, "evidence": "a\nb"})
        };
        assert_eq!(told(&gate("pass")), None);
        assert_eq!(told(&gate("fail")).as_deref(), Some("  ✖ test                 0.1 s  b"));
        let landed = json!({"event": "step.landed", "outcome": "accepted", "reason": "all gates passed",
            "commit": "0123456789abcdef", "branch": "main"});
        assert_eq!(told(&landed).as_deref(), Some("✔ accepted: all gates passed  [main 012345678]"));
    }

    #[test]
    fn what_is_not_known_says_nothing() {
        for event in [json!(null), json!({}), json!({"event": "new"}), json!({"event": 7}), json!([1])] {
            assert!(line(&event).is_none() && phase(&event).is_none());
        }
    }
}
