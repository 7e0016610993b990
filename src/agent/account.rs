//! What a process has said so far of how it goes, and what follows when it ends.
//!
//! Shared by all that listen. Invariant: a failure is told once; what the output said goes before what
//! the end says.

use super::ending;
use super::failure::{Failure, FailureKind};
use super::reset;
use super::stream::{Signal, Spent};
use super::words;
use super::{Known, facts};
use crate::config::Adapter;
use crate::effects::{Ended, Finished};
use crate::state::run::{Tokens, plain_usd};
use crate::state::task::one_line;
use std::collections::VecDeque;

/// The longest text that is passed on, in characters.
const TEXT: usize = 4_000;

/// How it goes.
#[derive(Debug)]
pub(super) struct Account {
    adapter: Adapter,
    known: Known,
    understood: bool,
    failed: bool,
    finished: bool,
    /// What it tries again because of, until something goes on.
    retrying: Option<Failure>,
    denied: u32,
    acts: u32,
    /// The newest text, so that it is not told twice.
    text: String,
}

impl Account {
    pub(super) fn new(adapter: Adapter, known: &Known) -> Self {
        Self {
            adapter,
            known: known.clone(),
            understood: false,
            failed: false,
            finished: false,
            retrying: None,
            denied: 0,
            acts: 0,
            text: String::new(),
        }
    }

    /// What a listener cannot hear.
    pub(super) fn known(&self) -> &Known {
        &self.known
    }

    /// What this process has cost, of what its session has in all: earlier processes had their share.
    pub(super) fn own_usd(&self, total: f64) -> f64 {
        plain_usd((total - self.known.earlier.cost_usd.unwrap_or_default()).max(0.0))
    }

    /// A line was of the sort that this agent prints.
    pub(super) fn heard(&mut self) {
        self.understood = true;
    }

    /// Whether a line was of that sort.
    pub(super) fn is_heard(&self) -> bool {
        self.understood
    }

    /// Whether its turn is over.
    pub(super) fn is_over(&self) -> bool {
        self.finished
    }

    /// A failure with what its words say about its end.
    pub(super) fn dated(&self, kind: FailureKind, said: &str) -> Failure {
        reset::dated(Failure::new(kind, words::start(said)), said, self.known.now, self.known.zone)
    }

    /// It tries again by itself.
    pub(super) fn retry(&mut self, failure: Failure, signal: &mut dyn FnMut(Signal)) {
        self.retrying = Some(failure.clone());
        signal(Signal::Retrying(failure));
    }

    /// The model answers: what was tried again has worked.
    pub(super) fn goes_on(&mut self) {
        self.retrying = None;
    }

    /// The work has failed; the first word counts.
    pub(super) fn fail(&mut self, failure: Failure, signal: &mut dyn FnMut(Signal)) {
        if !std::mem::replace(&mut self.failed, true) {
            signal(Signal::Failed(failure));
        }
    }

    /// A tool is used; what only reads is no act.
    pub(super) fn tool(&mut self, name: &str, on: &str, reads: bool, signal: &mut dyn FnMut(Signal)) {
        self.goes_on();
        self.acts += u32::from(!reads);
        let name = one_line(words::start(name), 60);
        let on = one_line(words::start(on), 120);
        signal(Signal::Tool(if on.is_empty() { name } else { format!("{name}: {on}") }));
    }

    /// A tool was denied.
    pub(super) fn deny(&mut self, name: &str, signal: &mut dyn FnMut(Signal)) {
        self.denied += 1;
        signal(Signal::Denied(one_line(words::start(name), 60)));
    }

    /// How many tools were denied so far.
    pub(super) fn denied(&self) -> u32 {
        self.denied
    }

    /// It says something to people.
    pub(super) fn text(&mut self, text: &str, signal: &mut dyn FnMut(Signal)) {
        let text: String = text.trim().chars().take(TEXT).collect();
        if !text.is_empty() && text != self.text {
            self.text.clone_from(&text);
            signal(Signal::Text(text));
        }
    }

    /// The turn is over. One in which every act was denied has failed, whatever it says.
    pub(super) fn finish(&mut self, signal: &mut dyn FnMut(Signal)) {
        self.goes_on();
        if self.denied > 0 && self.acts <= self.denied {
            let said = format!("every tool that changes something was denied, {} times", self.denied);
            self.fail(Failure::new(FailureKind::Denied, &said), signal);
        }
        self.finished = true;
        signal(Signal::Finished);
    }

    /// The process has ended.
    pub(super) fn end(&mut self, finished: &Finished, signal: &mut dyn FnMut(Signal)) {
        let failure = match &finished.ended {
            _ if self.failed => None,
            Ended::Exited(_) if self.finished => None,
            Ended::Exited(code) => Some(self.silent_exit(*code, finished)),
            // Endless retries are told as what they are.
            Ended::Silent | Ended::TimedOut => self.retrying.take().or_else(|| ending::failure(finished)),
            Ended::Signalled(_) if self.finished => None,
            Ended::Signalled(_)
            | Ended::Flooded
            | Ended::Interrupted
            | Ended::Stopped(_)
            | Ended::Dismissed
            | Ended::NotStarted(_) => ending::failure(finished),
        };
        if let Some(failure) = failure {
            self.fail(failure, signal);
        }
    }

    /// It ended by itself and has not said how its work went.
    fn silent_exit(&mut self, code: i32, finished: &Finished) -> Failure {
        let stderr = String::from_utf8_lossy(&finished.stderr);
        let last = ending::last_line(&finished.stderr);
        if code != 0
            && let Some(kind) = words::class_of_stderr(&stderr)
        {
            let line = ending::telling_line(&finished.stderr, kind);
            return self.dated(kind, line.as_deref().unwrap_or_default());
        }
        if let Some(failure) = self.retrying.take() {
            return failure;
        }
        let title = facts(self.adapter).title;
        let said = last.map_or_else(String::new, |line| format!(": {line}"));
        match (code, self.understood) {
            (0, true) => Failure::new(FailureKind::Cut, &format!("{title} ended before its turn did{said}")),
            (_, false) if finished.stdout.iter().any(|byte| !byte.is_ascii_whitespace()) => Failure::new(
                FailureKind::Garbage,
                &format!("what it printed is not what {title} prints (exit {code}){said}"),
            ),
            (0, false) => Failure::new(FailureKind::Garbage, &format!("{title} printed nothing{said}")),
            (_, _) => Failure::new(FailureKind::Crash, &format!("exit {code}{said}")),
        }
    }
}

/// What was used, by one process, summed from its answers.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Answers that are not changed any more.
    done: Tokens,
    /// The newest ones, which may be told again with larger figures.
    open: VecDeque<(String, Tokens)>,
    /// What the agent itself says it cost.
    pub(super) cost_usd: Option<f64>,
}

impl Tally {
    /// An answer was told, perhaps again.
    pub(super) fn answer(&mut self, id: &str, tokens: Tokens) {
        if let Some((_, known)) = self.open.iter_mut().find(|(open, _)| open == id) {
            *known = Tokens {
                input: known.input.max(tokens.input),
                cached: known.cached.max(tokens.cached),
                output: known.output.max(tokens.output),
                reasoning: known.reasoning.max(tokens.reasoning),
            };
            return;
        }
        self.open.push_back((words::start(id).to_owned(), tokens));
        if self.open.len() > 32
            && let Some((_, tokens)) = self.open.pop_front()
        {
            self.done = self.done + tokens;
        }
    }

    /// The agent's own sum; it replaces what was summed here.
    pub(super) fn set(&mut self, tokens: Tokens) {
        self.open.clear();
        self.done = tokens;
    }

    /// So far.
    pub(super) fn spent(&self) -> Spent {
        let tokens = self.open.iter().fold(self.done, |sum, (_, tokens)| sum + *tokens);
        Spent { tokens, cost_usd: self.cost_usd }
    }
}
