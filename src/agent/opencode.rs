//! opencode: `opencode run`, the prompt on standard input, one JSON object a line.
//!
//! It goes on for ever where a context stays too large or a stream breaks again and again: the third
//! time is a failure.

use super::account::{Account, Tally};
use super::failure::{Failure, FailureKind};
use super::stream::{Listener, Session, Signal};
use super::wire::opencode::{Counted, Fault, Line, Part};
use super::wire::parse;
use super::{Brief, Known, invoke_with, reset, words};
use crate::config::{Adapter, Profile};
use crate::effects::{Finished, Invocation};
use crate::state::run::Tokens;

/// Tools that change nothing.
const READERS: &[&str] =
    &["read", "glob", "grep", "list", "webfetch", "todowrite", "todoread", "task", "skill"];
/// How often the same trouble may come again.
const PATIENCE: u32 = 3;

/// What the repository configures is code, and left out.
pub(super) const WANTED: &[(&str, &str)] = &[
    ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
    ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
    ("OPENCODE_DISABLE_PROJECT_CONFIG", "1"),
];

/// What to run.
pub(super) fn invocation(profile: &Profile, brief: &Brief<'_>) -> Invocation {
    let mut argv: Vec<String> = ["opencode", "run", "--format", "json", "--auto"].map(str::to_owned).into();
    let mut add = |words: &[&str]| argv.extend(words.iter().map(|word| (*word).to_owned()));
    if let Some(model) = &profile.model {
        add(&["-m", model]);
    }
    if let Some(effort) = &profile.effort {
        add(&["--variant", effort]);
    }
    match &brief.session {
        Session::New | Session::Named(_) => {}
        Session::Resumed(id) | Session::Compacted(id) => add(&["--session", id]),
    }
    invoke_with(profile, brief, argv, brief.prompt.as_bytes().to_vec(), WANTED)
}

/// What opencode has said so far.
#[derive(Debug)]
pub(super) struct Opencode {
    account: Account,
    tally: Tally,
    window: Option<u64>,
    session: String,
    cost_usd: f64,
    overflows: u32,
    cuts: u32,
}

/// Who understands it.
pub(super) fn listener(profile: &Profile, known: &Known) -> Opencode {
    Opencode {
        account: Account::new(Adapter::Opencode, known),
        tally: Tally::default(),
        window: profile.context_window,
        session: String::new(),
        cost_usd: 0.0,
        overflows: 0,
        cuts: 0,
    }
}

impl Listener for Opencode {
    fn line(&mut self, line: &[u8], signal: &mut dyn FnMut(Signal)) {
        let Some(line) = parse::<Line<'_>>(line) else { return };
        self.account.heard();
        if !line.session_id.is_empty() && self.session != line.session_id {
            words::start(&line.session_id).clone_into(&mut self.session);
            signal(Signal::Session(self.session.clone()));
        }
        match (&*line.kind, &line.part) {
            ("text", Some(part)) => self.account.text(&part.text, signal),
            ("tool_use", Some(part)) => self.tool(part, signal),
            ("step_finish", Some(part)) => self.finished(part, signal),
            ("error", _) => {
                if let Some(fault) = &line.error {
                    self.error(fault, signal);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, finished: &Finished, signal: &mut dyn FnMut(Signal)) {
        self.account.end(finished, signal);
    }
}

impl Opencode {
    fn tool(&mut self, part: &Part<'_>, signal: &mut dyn FnMut(Signal)) {
        let title = part.state.as_ref().map_or("", |state| &state.title);
        self.account.tool(&part.tool, title, READERS.contains(&&*part.tool), signal);
        let error = part.state.as_ref().and_then(|state| state.error.as_deref()).unwrap_or_default();
        if error.contains("rejected permission") || error.contains("permission denied by") {
            self.account.deny(&part.tool, signal);
        }
    }

    fn finished(&mut self, part: &Part<'_>, signal: &mut dyn FnMut(Signal)) {
        if let Some(counted) = &part.tokens {
            self.used(part, counted, signal);
        }
        if part.reason != "unknown" {
            self.cuts = 0;
        }
        match &*part.reason {
            "tool-calls" => self.account.goes_on(),
            "length" => {
                self.last(FailureKind::OutputLimit, "one answer was longer than the model may write", signal);
            }
            "content-filter" => {
                self.last(FailureKind::Refusal, "the answer was held back by a filter", signal);
            }
            "unknown" => {
                self.cuts += 1;
                let failure = Failure::new(FailureKind::Cut, "an answer ended without a reason");
                self.again(self.cuts, failure, signal);
            }
            "stop" => self.account.finish(signal),
            _ => {}
        }
    }

    fn last(&mut self, kind: FailureKind, said: &str, signal: &mut dyn FnMut(Signal)) {
        self.account.fail(Failure::new(kind, said), signal);
        self.account.finish(signal);
    }

    fn again(&mut self, times: u32, failure: Failure, signal: &mut dyn FnMut(Signal)) {
        if times < PATIENCE {
            self.account.retry(failure, signal);
        } else {
            self.account.fail(failure, signal);
        }
    }

    fn used(&mut self, part: &Part<'_>, counted: &Counted, signal: &mut dyn FnMut(Signal)) {
        let tokens = Tokens {
            input: counted.input.saturating_add(counted.cache.write),
            cached: counted.cache.read,
            output: counted.output.saturating_add(counted.reasoning),
            reasoning: counted.reasoning,
        };
        let before = self.tally.spent();
        self.tally.answer(&part.id, tokens);
        if part.cost.is_finite() && part.cost > 0.0 {
            self.cost_usd += part.cost;
            self.tally.cost_usd = Some(self.cost_usd);
        }
        if self.tally.spent() == before {
            return;
        }
        signal(Signal::Spent(self.tally.spent()));
        let used = tokens.total();
        signal(Signal::Context { used, window: self.window });
    }

    fn error(&mut self, fault: &Fault, signal: &mut dyn FnMut(Signal)) {
        let said = if fault.data.message.is_empty() { &fault.name } else { &fault.data.message };
        let known = words::class(&fault.name).or_else(|| words::class(said));
        let kind = known.or_else(|| fault.data.status_code.and_then(words::class_of_status));
        let mut failure = self.account.dated(kind.unwrap_or(FailureKind::BadRequest), said);
        let header = fault.data.response_headers.get("retry-after");
        let wait = header.and_then(|value| reset::retry_after(value, self.account.known().now));
        failure.wait = wait.or(failure.wait);
        if failure.kind == FailureKind::ContextOverflow {
            self.overflows += 1;
            self.again(self.overflows, failure, signal);
        } else {
            self.account.fail(failure, signal);
        }
    }
}
