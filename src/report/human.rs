//! For people: a line for each thing that is over, a spinner for what is under way.
//!
//! Lines are printed by this module itself, also where the spinner is hidden: without a terminal
//! indicatif drops what is printed through it. There, a heartbeat says once a minute that an agent
//! or a gate is still at work.

use super::{plural, safe, spell_ms, timed};
use crate::agent::sandbox::Level;
use crate::gate::Verdict;
use crate::state::run::{Tokens, VerdictKind};
use crate::step::{Event, Reporter};
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use std::cell::{Cell, RefCell};
use std::io::Write as _;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

const HEARTBEAT: Duration = Duration::from_secs(60);

/// Tells people, on standard error.
pub struct Human {
    colour: bool,
    terminal: bool,
    under_way: RefCell<Option<UnderWay>>,
    /// Gates that run now.
    gates: RefCell<Vec<String>>,
    /// The last minute of an agent's work that was told.
    minute: Cell<u64>,
}

/// Something that takes a while.
enum UnderWay {
    Spinner(ProgressBar),
    Heart(#[expect(dead_code, reason = "dropping it stops the heartbeat")] Sender<()>),
}

impl Human {
    /// A reporter for people; `terminal` says whether standard error is one.
    #[must_use]
    pub fn new(terminal: bool, colour: bool) -> Self {
        Self {
            colour,
            terminal,
            under_way: RefCell::new(None),
            gates: RefCell::default(),
            minute: Cell::new(0),
        }
    }

    fn line(&self, mark: &str, colour: AnsiColor, text: &str) {
        self.stop();
        let style = Style::new().fg_color(Some(colour.into()));
        let mark = super::table::paint(mark, style, self.colour);
        print_line(&format!("{mark} {}", safe::text(text)));
    }

    fn good(&self, text: &str) {
        self.line("  ✔", AnsiColor::Green, text);
    }

    fn bad(&self, text: &str) {
        self.line("  ✖", AnsiColor::Red, text);
    }

    fn start(&self, what: String) {
        self.stop();
        let under_way = if self.terminal { spinner(&what) } else { heart(what) };
        *self.under_way.borrow_mut() = Some(under_way);
    }

    fn prompted(&self, tokens: u64, budget_tokens: u64, sections: &[String], omitted: usize) {
        let left_out = if omitted > 0 { format!(", {omitted} left out") } else { String::new() };
        let size = format!("≈{tokens}/{budget_tokens} tokens");
        self.good(&format!("{:<18} {size}: {}{left_out}", "prompt", sections.join(", ")));
    }

    fn agent_started(&self, agent: &str, attempt: u32, max_attempts: u32) {
        self.minute.set(0);
        // Elsewhere its own progress is the heartbeat.
        if self.terminal {
            let attempts = if max_attempts > 1 {
                format!(" (attempt {attempt} of {max_attempts})")
            } else {
                String::new()
            };
            self.start(format!("{agent} at work{attempts}"));
        }
    }

    /// Says which gates run now, if any does.
    fn gates(&self) {
        let gates = self.gates.borrow().join(", ");
        if !gates.is_empty() {
            self.start(format!("gates: {gates}"));
        }
    }

    /// Tells how an agent gets on: at once on a terminal, elsewhere once a minute.
    fn progress(&self, agent: &str, elapsed: Duration, line: &str) {
        if let Some(UnderWay::Spinner(bar)) = &*self.under_way.borrow() {
            bar.set_message(safe::text(&format!("{agent} at work{line}")));
        }
        if let Some(minute) = self.beat(elapsed) {
            print_line(&safe::text(&format!("  … {agent} at work for {minute} min{line}")));
        }
    }

    /// The minute that is to be told, where nobody sees it go on.
    fn beat(&self, elapsed: Duration) -> Option<u64> {
        let minute = elapsed.as_secs() / 60;
        (!self.terminal && minute > self.minute.replace(minute)).then_some(minute)
    }

    fn stop(&self) {
        if let Some(UnderWay::Spinner(bar)) = self.under_way.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }

    fn gate_started(&self, gate: &str) {
        self.gates.borrow_mut().push(gate.to_owned());
        self.gates();
    }

    fn gate_finished(&self, verdict: &Verdict) {
        // What ran on another tree was of the same gate.
        let other_tree = format!("{} on ", verdict.name);
        let ended = |gate: &String| *gate == verdict.name || gate.starts_with(&other_tree);
        self.gates.borrow_mut().retain(|gate| !ended(gate));
        self.verdict(verdict);
        self.gates();
    }

    fn hook_finished(&self, hook: &str, passed: bool, said: &str) {
        if passed {
            return self.good(hook);
        }
        self.bad(&format!("{hook} refused"));
        evidence(said);
    }

    fn landed(&self, outcome: &str, text: &str) {
        match outcome {
            "accepted" => self.line("✔", AnsiColor::Green, text),
            "needs_review" => self.line("?", AnsiColor::Yellow, text),
            _ => self.line("✖", AnsiColor::Red, text),
        }
    }

    fn verdict(&self, verdict: &Verdict) {
        let metric =
            verdict.metric.as_ref().map_or(String::new(), |(name, value)| format!("  {name} {value}"));
        let how = verdict.record().how().map_or(String::new(), |how| format!("  {how}"));
        let text = format!("{}{metric}{how}", timed(&verdict.name, &spell_ms(verdict.duration_ms)));
        match verdict.kind {
            VerdictKind::Pass => {
                self.good(&text);
                evidence(&verdict.evidence);
            }
            VerdictKind::Skipped => {
                self.line("  ·", AnsiColor::BrightBlack, &format!("{:<18} not run", verdict.name));
            }
            VerdictKind::Fail | VerdictKind::Error => {
                let mark = if verdict.required { "  ✖" } else { "  !" };
                self.line(mark, AnsiColor::Red, &text);
                evidence(&verdict.evidence);
            }
        }
    }
}

/// The last lines of what speaks against the work, or of what is only reported.
fn evidence(text: &str) {
    for line in text.lines().rev().take(8).collect::<Vec<_>>().into_iter().rev() {
        print_line(&format!("      {}", safe::text(line)));
    }
}

fn spinner(what: &str) -> UnderWay {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(safe::text(what));
    bar.enable_steady_tick(Duration::from_millis(120));
    UnderWay::Spinner(bar)
}

fn heart(what: String) -> UnderWay {
    let (stop, stopped) = channel::<()>();
    std::thread::spawn(move || {
        let started = Instant::now();
        while stopped.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
            let minutes = started.elapsed().as_secs() / 60;
            print_line(&format!("  … {} for {minutes} min", safe::text(&what)));
        }
    });
    UnderWay::Heart(stop)
}

pub(super) fn print_line(line: &str) {
    // A reader that has gone (`orch step 2>&1 | head`) must not end a step half-way.
    let _ = writeln!(std::io::stderr(), "{}", safe::inert(line));
}

impl Reporter for Human {
    fn event(&self, event: &Event) {
        match event {
            Event::Recovered { what } => self.line("↺", AnsiColor::Yellow, &format!("recovered: {what}")),
            Event::Selected { task, title, because } => {
                self.line("▶", AnsiColor::Cyan, &format!("{task}  {title}"));
                print_line(&format!("    {}", safe::text(because)));
            }
            Event::Prompted { tokens, budget_tokens, sections, omitted } => {
                self.prompted(*tokens, *budget_tokens, sections, *omitted);
            }
            Event::Prepared { .. } => {}
            // No walls are what was asked for, or are told in a warning.
            Event::Confined { level: Level::None } => {}
            Event::Confined { level } => self.good(&format!("{:<18} {}", "sandbox", level.as_str())),
            Event::AgentStarted { agent, attempt, max_attempts } => {
                self.agent_started(agent, *attempt, *max_attempts);
            }
            Event::Progress { agent, elapsed, silent, progress } => {
                self.progress(agent, *elapsed, &super::progress::line(progress, *silent));
            }
            Event::Turned { text, .. } => self.line("  ↻", AnsiColor::Yellow, text),
            Event::AgentFinished { agent, role, ended, duration_ms, tokens, files_changed, survivors } => {
                // Who was only asked has nothing to change.
                let (who, changed) = match role {
                    Some(role) => (format!("{role} ({agent})"), String::new()),
                    None => ("agent".to_owned(), format!(", {} changed", plural(*files_changed, "file"))),
                };
                let (took, used, left) = (spell_ms(*duration_ms), used(tokens), left(*survivors));
                let text = format!("{}  {ended}{changed}{used}{left}", timed(&who, &took));
                if ended == "exit 0" { self.good(&text) } else { self.bad(&text) }
            }
            Event::GateStarted { gate } => self.gate_started(gate),
            Event::GateFinished { verdict } => self.gate_finished(verdict),
            Event::HookFinished { hook, passed, said } => self.hook_finished(hook, *passed, said),
            Event::Pushed { remote, branch, .. } => {
                self.good(&format!("{:<18} {remote}/{branch}", "pushed"));
            }
            Event::Replayed { regated } => {
                let again = if *regated { ", the gates ran again" } else { "" };
                let text = format!("the branch moved; replayed on its new tip{again}");
                self.line("  ↻", AnsiColor::Yellow, &text);
            }
            Event::Landed { outcome, reason, commit, branch } => {
                self.landed(outcome, &format!("{outcome}: {reason}  [{branch} {}]", short(commit)));
            }
            Event::Offered { branch, target, commit } => {
                let text = format!("`{branch}` waits to be merged into `{target}`  [{}]", short(commit));
                self.line("  ·", AnsiColor::Cyan, &text);
            }
            Event::Kept { reference } => {
                self.line("  ·", AnsiColor::BrightBlack, &format!("work kept at {reference}"));
            }
            Event::Waiting { text, .. } => self.line("…", AnsiColor::Yellow, text),
            Event::Warning { text } => self.line("warning:", AnsiColor::Yellow, text),
        }
    }
}

/// The tokens that an agent used, where it said so.
fn used(tokens: &Tokens) -> String {
    if tokens.input + tokens.cached + tokens.output == 0 {
        return String::new();
    }
    format!(", in {} cached {} out {}", tokens.input, tokens.cached, tokens.output)
}

/// The processes that an agent left and that were ended.
fn left(survivors: u32) -> String {
    match survivors {
        0 => String::new(),
        1 => ", 1 process ended".to_owned(),
        many => format!(", {many} processes ended"),
    }
}

/// The beginning of a commit's name.
fn short(commit: &str) -> String {
    commit.chars().take(9).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heart_beats_once_a_minute_and_not_on_a_terminal() {
        let seconds = [0, 30, 59, 60, 61, 119, 120, 400, 401];
        let beats = |terminal| {
            let human = Human::new(terminal, false);
            seconds.iter().filter_map(|second| human.beat(Duration::from_secs(*second))).collect::<Vec<u64>>()
        };
        assert_eq!(beats(false), [1, 2, 6]);
        assert_eq!(beats(true), [0; 0]);
    }
}
