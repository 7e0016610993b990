//! GitHub Copilot CLI: the prompt on standard input, one JSON object a line.
//!
//! Its output says how full its context is at every tool, and never how many tokens it used; the file of the
//! session says both after every request, and is followed for that.

use super::account::Account;
use super::failure::{Failure, FailureKind};
use super::stream::{Listener, Session, Signal, Spent};
use super::wire::copilot::{Data, Line};
use super::wire::parse;
use super::{Brief, Known, ending, invoke_with, words};
use crate::config::{Adapter, Profile};
use crate::effects::{Finished, Invocation};

/// Tools that change nothing.
const READERS: &[&str] =
    &["view", "glob", "grep", "web_fetch", "web_search", "report_intent", "update_todo", "task"];

/// It is not to change itself, nor to colour what is read.
pub(super) const WANTED: &[(&str, &str)] = &[("COPILOT_AUTO_UPDATE", "false"), ("NO_COLOR", "1")];

/// What to run.
pub(super) fn invocation(profile: &Profile, brief: &Brief<'_>) -> Invocation {
    let mut argv: Vec<String> =
        ["copilot", "--allow-all", "--output-format", "json", "--no-ask-user"].map(str::to_owned).into();
    let mut add = |words: &[&str]| argv.extend(words.iter().map(|word| (*word).to_owned()));
    if let Some(model) = &profile.model {
        add(&["--model", model]);
    }
    if let Some(effort) = &profile.effort {
        add(&["--reasoning-effort", effort]);
    }
    match &brief.session {
        Session::New => {}
        Session::Named(id) => add(&["--session-id", id]),
        Session::Resumed(id) | Session::Compacted(id) => add(&["--resume", id]),
    }
    invoke_with(profile, brief, argv, brief.prompt.as_bytes().to_vec(), WANTED)
}

/// What Copilot CLI has said so far.
#[derive(Debug)]
pub(super) struct Copilot {
    account: Account,
    session: Option<String>,
    window: Option<u64>,
    model: String,
    spent: Spent,
    /// What went wrong with the newest request.
    trouble: Option<Failure>,
}

/// Who understands it.
pub(super) fn listener(profile: &Profile, known: &Known) -> Copilot {
    let session = match &known.session {
        Session::Named(id) | Session::Resumed(id) | Session::Compacted(id) => Some(id.clone()),
        Session::New => None,
    };
    Copilot {
        account: Account::new(Adapter::Copilot, known),
        session,
        window: profile.context_window,
        model: String::new(),
        spent: Spent::default(),
        trouble: None,
    }
}

impl Listener for Copilot {
    fn line(&mut self, line: &[u8], signal: &mut dyn FnMut(Signal)) {
        let Some(line) = parse::<Line<'_>>(line) else { return };
        self.account.heard();
        match (&*line.kind, &line.data) {
            ("model.call_start", Some(data)) => self.answers(data, signal),
            ("model.call_failure", Some(data)) => {
                self.trouble = Some(self.failure(data, data.error_message.as_deref()));
            }
            ("assistant.turn_retry", Some(data)) => self.retry(data, signal),
            ("assistant.message", Some(data)) => {
                self.account.goes_on();
                self.account.text(&data.content, signal);
            }
            ("tool.execution_start", Some(data)) => {
                let on = data.arguments.as_ref().map_or("", |arguments| arguments.on());
                self.account.tool(&data.tool_name, on, READERS.contains(&&*data.tool_name), signal);
            }
            ("tool.execution_complete", Some(data)) => self.used(data, signal),
            ("session.error", Some(data)) => {
                let failure = self.failure(data, data.message.as_deref());
                self.account.fail(failure, signal);
            }
            ("result", _) => {
                if let Some(id) = line.session_id.filter(|id| words::is_id(id)) {
                    self.session = Some(id.clone());
                    signal(Signal::Session(id));
                }
                // After a signal it says that all is well.
                if line.exit_code == Some(0) || self.trouble.is_none() {
                    self.account.finish(signal);
                }
            }
            _ => {}
        }
    }

    fn follows(&self) -> Option<String> {
        self.session.as_ref().map(|id| format!("{id}/events.jsonl"))
    }

    fn side_line(&mut self, line: &[u8], signal: &mut dyn FnMut(Signal)) {
        let Some(line) = parse::<Line<'_>>(line).filter(|line| line.kind == "session.usage_record") else {
            return;
        };
        let Some(usage) = line.data.and_then(|data| data.usage) else { return };
        self.spent.tokens = self.spent.tokens + usage.tokens();
        signal(Signal::Spent(self.spent));
        signal(Signal::Context { used: usage.all(), window: self.window.or(usage.window) });
    }

    fn end(&mut self, finished: &Finished, signal: &mut dyn FnMut(Signal)) {
        if let Some(failure) =
            self.trouble.take().filter(|_| !ending::was_stopped(&finished.ended) && !self.account.is_over())
        {
            self.account.fail(failure, signal);
        }
        self.account.end(finished, signal);
    }
}

impl Copilot {
    fn answers(&mut self, data: &Data<'_>, signal: &mut dyn FnMut(Signal)) {
        let model = words::start(data.model.as_deref().unwrap_or_default());
        if !model.is_empty() && self.model != model {
            model.clone_into(&mut self.model);
            signal(Signal::Model(model.to_owned()));
        }
    }

    fn retry(&mut self, data: &Data<'_>, signal: &mut dyn FnMut(Signal)) {
        let kind = match &*data.reason {
            "rate_limit" => FailureKind::RateLimit,
            "transient_auth_error" => FailureKind::BadKey,
            "streaming_error" => FailureKind::Cut,
            "forced_compaction" => FailureKind::ContextOverflow,
            _ => FailureKind::Server,
        };
        let failure = self.trouble.take().unwrap_or_else(|| Failure::new(kind, &data.reason));
        self.account.retry(failure, signal);
    }

    fn used(&mut self, data: &Data<'_>, signal: &mut dyn FnMut(Signal)) {
        if data.error.as_ref().is_some_and(|error| error.code == "denied") {
            self.account.deny("a tool", signal);
        }
        let metrics = data.tool_telemetry.as_ref().and_then(|telemetry| telemetry.metrics.as_ref());
        if let Some(used) = metrics.and_then(|metrics| metrics.context_current_tokens) {
            let limit = metrics.and_then(|metrics| metrics.context_token_limit);
            signal(Signal::Context { used, window: self.window.or(limit) });
        }
    }

    fn failure(&self, data: &Data<'_>, said: Option<&str>) -> Failure {
        let said = said.unwrap_or_default();
        let by_type = match data.error_type.as_deref() {
            Some("rate_limit") => Some(FailureKind::RateLimit),
            Some("authentication") => Some(FailureKind::BadKey),
            _ => None,
        };
        let kind =
            words::class(said).or_else(|| data.status_code.and_then(words::class_of_status)).or(by_type);
        self.account.dated(kind.unwrap_or(FailureKind::Server), said)
    }
}
