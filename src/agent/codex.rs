//! Codex CLI: `codex exec`, the prompt on standard input, one JSON object a line.
//!
//! Its own sandbox holds it in the workspace, without network and without `.git`; inside of orch's walls
//! that cannot be built, and is left out. Its output says what
//! was used only at the end, and as a total of the thread; the file of the thread says it after every
//! request, and is followed for that.

use super::account::Account;
use super::failure::{Failure, FailureKind};
use super::sandbox::Level;
use super::stream::{Listener, Session, Signal, Spent};
use super::wire::codex::{Item, Line, Payload, SideLine};
use super::wire::{Usage, parse, part};
use super::{Brief, Known, ending, invoke, reset, words};
use crate::config::{Adapter, Profile};
use crate::effects::{Finished, Invocation};

/// What to run.
pub(super) fn invocation(profile: &Profile, brief: &Brief<'_>) -> Invocation {
    let own_walls = match brief.confined {
        Level::None => "workspace-write",
        // The kernel lets nobody build namespaces or mount inside of either.
        Level::Landlock | Level::Bwrap => "danger-full-access",
    };
    let mut argv: Vec<String> = ["codex", "exec", "--json", "--sandbox", own_walls].map(str::to_owned).into();
    let mut add = |words: &[&str]| argv.extend(words.iter().map(|word| (*word).to_owned()));
    // Without the network it would otherwise wait for ever.
    add(&["--skip-git-repo-check", "--disable", "unbounded_connection_retries"]);
    if let Some(folder) = brief.outcome_file.parent() {
        add(&["--add-dir", &folder.to_string_lossy()]);
    }
    if let Some(model) = &profile.model {
        add(&["-m", model]);
    }
    if let Some(effort) = &profile.effort {
        add(&["-c", &format!("model_reasoning_effort={effort}")]);
    }
    match &brief.session {
        Session::New | Session::Named(_) => {}
        Session::Resumed(id) | Session::Compacted(id) => add(&["resume", id]),
    }
    add(&["-"]);
    invoke(profile, brief, argv, brief.prompt.as_bytes().to_vec())
}

/// What Codex has said so far.
#[derive(Debug)]
pub(super) struct Codex {
    account: Account,
    thread: Option<String>,
    model: String,
    window: Option<u64>,
    spent: Spent,
    resets_at: Option<i64>,
    /// What the thread's file says of why the turn failed.
    fault: Option<FailureKind>,
    /// Told at the end, when the file of the thread has said when a limit is over.
    failure: Option<Failure>,
}

/// Who understands it.
pub(super) fn listener(profile: &Profile, known: &Known) -> Codex {
    let thread = match &known.session {
        Session::Resumed(id) | Session::Compacted(id) => Some(id.clone()),
        Session::New | Session::Named(_) => None,
    };
    Codex {
        account: Account::new(Adapter::Codex, known),
        thread,
        model: String::new(),
        window: profile.context_window,
        spent: Spent::default(),
        resets_at: None,
        fault: None,
        failure: None,
    }
}

impl Listener for Codex {
    fn line(&mut self, line: &[u8], signal: &mut dyn FnMut(Signal)) {
        let Some(line) = parse::<Line<'_>>(line) else { return };
        self.account.heard();
        match &*line.kind {
            "thread.started" => {
                if let Some(id) = line.thread_id.filter(|id| words::is_id(id)) {
                    self.thread = Some(id.clone());
                    signal(Signal::Session(id));
                }
            }
            "item.started" => self.started(part(line.item), signal),
            "item.completed" => self.completed(part(line.item), signal),
            "error" => self.error(line.message.as_deref().unwrap_or_default(), signal),
            "turn.failed" => {
                let said = line.error.map(|error| error.message).unwrap_or_default();
                self.failure = Some(self.failure(&said));
                self.account.finish(signal);
            }
            "turn.completed" => {
                self.failure = None;
                self.total(line.usage, signal);
                self.account.finish(signal);
            }
            _ => {}
        }
    }

    fn follows(&self) -> Option<String> {
        self.thread.as_ref().map(|id| format!("{id}.jsonl"))
    }

    fn side_line(&mut self, line: &[u8], signal: &mut dyn FnMut(Signal)) {
        let Some(line) = parse::<SideLine<'_>>(line) else { return };
        if line.kind == "compacted" {
            signal(Signal::Compacted);
            return;
        }
        let Some(payload) = part::<Payload<'_>>(line.payload) else { return };
        match (&*line.kind, &*payload.kind) {
            ("turn_context", _) => self.answers(payload.model, signal),
            ("event_msg", "task_started") => self.window = self.window.or(payload.model_context_window),
            ("event_msg", "token_count") => self.counted(&payload, signal),
            ("event_msg", "task_complete") => {
                self.fault = payload.error.and_then(|fault| fault.word().and_then(class_of_fault));
            }
            _ => {}
        }
    }

    fn end(&mut self, finished: &Finished, signal: &mut dyn FnMut(Signal)) {
        if let Some(failure) = self.failure.take().filter(|_| !ending::was_stopped(&finished.ended)) {
            // The words are the provider's own, and say more where they are known.
            let unknown = failure.kind == FailureKind::BadRequest;
            let kind = self.fault.filter(|_| unknown).unwrap_or(failure.kind);
            let failure = Failure { kind, ..failure };
            let until = self.resets_at.and_then(|seconds| reset::epoch(seconds, self.account.known().now));
            let limit = failure.kind == FailureKind::UsageLimit;
            let until = if limit { until.or(failure.until) } else { failure.until };
            self.account.fail(Failure { until, ..failure }, signal);
        }
        self.account.end(finished, signal);
    }
}

impl Codex {
    fn started(&mut self, item: Option<Item<'_>>, signal: &mut dyn FnMut(Signal)) {
        let Some(item) = item else { return };
        let changed = item.changes.first().map_or("", |change| &change.path);
        match &*item.kind {
            "command_execution" => self.account.tool("shell", &item.command, false, signal),
            "file_change" => self.account.tool("edit", changed, false, signal),
            "web_search" => self.account.tool("search", &item.query, true, signal),
            "mcp_tool_call" => self.account.tool("mcp", &item.tool, false, signal),
            _ => {}
        }
    }

    fn completed(&mut self, item: Option<Item<'_>>, signal: &mut dyn FnMut(Signal)) {
        self.account.goes_on();
        if let Some(item) = item.filter(|item| item.kind == "agent_message") {
            self.account.text(&item.text, signal);
        }
    }

    /// Not the end: most of these are about a request that is sent again.
    fn error(&mut self, said: &str, signal: &mut dyn FnMut(Signal)) {
        let failure = self.failure(said);
        if said.starts_with("Reconnecting...") {
            self.account.retry(failure, signal);
        } else {
            self.failure = Some(failure);
        }
    }

    fn failure(&self, said: &str) -> Failure {
        self.account.dated(words::class(said).unwrap_or(FailureKind::BadRequest), said)
    }

    /// The thread's total, of which this process used what earlier ones did not.
    fn total(&mut self, usage: Option<Usage>, signal: &mut dyn FnMut(Signal)) {
        let Some(usage) = usage else { return };
        let tokens = usage.tokens() - self.account.known().earlier.tokens;
        let spent = Spent { tokens, cost_usd: None };
        if spent != self.spent {
            self.spent = spent;
            signal(Signal::Spent(spent));
        }
    }

    fn answers(&mut self, model: Option<String>, signal: &mut dyn FnMut(Signal)) {
        let model = words::start(&model.unwrap_or_default()).to_owned();
        if !model.is_empty() && self.model != model {
            self.model.clone_from(&model);
            signal(Signal::Model(model));
        }
    }

    fn counted(&mut self, payload: &Payload<'_>, signal: &mut dyn FnMut(Signal)) {
        self.resets_at = payload.rate_limits.as_ref().and_then(super::wire::codex::RateLimits::resets_at);
        let Some(info) = &payload.info else { return };
        self.account.goes_on();
        self.window = self.window.or(info.model_context_window);
        self.total(info.total_token_usage, signal);
        if let Some(usage) = info.last_token_usage {
            signal(Signal::Context { used: usage.all(), window: self.window });
        }
    }
}

/// The class that Codex itself gives a failure.
fn class_of_fault(word: &str) -> Option<FailureKind> {
    Some(match word {
        "usage_limit_exceeded" => FailureKind::UsageLimit,
        "rate_limit_exceeded" | "response_too_many_failed_attempts" => FailureKind::RateLimit,
        "server_overloaded" => FailureKind::Overloaded,
        "internal_server_error" => FailureKind::Server,
        "http_connection_failed" | "response_stream_connection_failed" => FailureKind::Network,
        "response_stream_disconnected" => FailureKind::Cut,
        "unauthorized" => FailureKind::BadKey,
        "model_not_found" => FailureKind::UnknownModel,
        "context_window_exceeded" => FailureKind::ContextOverflow,
        _ => return None,
    })
}
