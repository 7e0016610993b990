//! Claude Code: `claude -p`, the prompt on standard input, one JSON object a line.
//!
//! The repository is not trusted: its settings, hooks and MCP servers are left out. Nothing else holds
//! its tools inside the workspace; that is the sandbox's work.

use super::account::{Account, Tally};
use super::failure::{Failure, FailureKind};
use super::stream::{Listener, Session, Signal};
use super::wire::claude::{Block, Event, Line, Message, ModelUsage, RateLimitInfo, Usage};
use super::wire::{parse, part};
use super::{Brief, Known, ending, invoke_with, reset, words};
use crate::config::{Adapter, Profile};
use crate::effects::{Finished, Invocation};
use crate::state::run::Tokens;

/// The tools that an unattended agent needs; what is not named here is denied.
const TOOLS: &str = "Bash,Edit,Write,NotebookEdit,Read,Glob,Grep,Task,TodoWrite,WebFetch,WebSearch";
/// Tools that outlive the turn, or leave the workspace.
const NO_TOOLS: &str =
    "CronCreate,CronDelete,CronList,EnterWorktree,ExitWorktree,Monitor,ScheduleWakeup,Workflow";
/// What is left out of the repository's own settings.
const SETTINGS: &str = r#"{"disableAllHooks":true}"#;
/// Without the repository's settings its instructions are not read by themselves either.
const INSTRUCTIONS: &str = "If there is a CLAUDE.md or an AGENTS.md in the working directory, read it first.";
/// Retries are few and waits short, since orch decides what is worth waiting for. A shell in the
/// background would keep the process alive behind its result.
const WANTED: &[(&str, &str)] = &[
    ("API_TIMEOUT_MS", "300000"),
    ("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("CLAUDE_CODE_MAX_RETRIES", "3"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    ("DISABLE_TELEMETRY", "1"),
];

/// What to run.
pub(super) fn invocation(profile: &Profile, brief: &Brief<'_>) -> Invocation {
    let mut argv: Vec<String> =
        ["claude", "-p", "--output-format", "stream-json", "--verbose"].map(str::to_owned).into();
    let mut add = |words: &[&str]| argv.extend(words.iter().map(|word| (*word).to_owned()));
    add(&["--include-partial-messages", "--permission-mode", "acceptEdits", "--allowedTools", TOOLS]);
    add(&["--disallowedTools", NO_TOOLS]);
    add(&["--setting-sources", "user", "--strict-mcp-config", "--settings", SETTINGS]);
    add(&["--append-system-prompt", INSTRUCTIONS]);
    if let Some(model) = &profile.model {
        add(&["--model", model]);
    }
    if let Some(effort) = &profile.effort {
        add(&["--effort", effort]);
    }
    if let Some(budget) = brief.budget_usd {
        add(&["--max-budget-usd", &format!("{budget:.4}")]);
    }
    let mut stdin = brief.prompt.as_bytes().to_vec();
    match &brief.session {
        Session::New => {}
        Session::Named(id) => add(&["--session-id", id]),
        Session::Resumed(id) => add(&["--resume", id]),
        Session::Compacted(id) => {
            add(&["--resume", id, "/compact"]);
            stdin.clear();
        }
    }
    invoke_with(profile, brief, argv, stdin, WANTED)
}

/// Tools that change nothing.
const READERS: &[&str] = &[
    "Read",
    "Glob",
    "Grep",
    "Task",
    "TodoWrite",
    "WebFetch",
    "WebSearch",
    "Skill",
    "ToolSearch",
    "ListAgents",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskStop",
    "TaskUpdate",
    "SendMessage",
    "ReportFindings",
];
/// The model of what the CLI says by itself.
const SYNTHETIC: &str = "<synthetic>";

/// What Claude Code has said so far.
#[derive(Debug)]
pub(super) struct Claude {
    account: Account,
    tally: Tally,
    /// What earlier results of this process said.
    results: Tokens,
    window: Option<u64>,
    session: String,
    model: String,
    /// When the limit that was told last is over.
    limit_until: Option<i64>,
    /// The last error line: results know less of it.
    error: Option<Failure>,
}

/// Who understands it.
pub(super) fn listener(profile: &Profile, known: &Known) -> Claude {
    Claude {
        account: Account::new(Adapter::Claude, known),
        tally: Tally::default(),
        results: Tokens::default(),
        window: profile.context_window,
        session: String::new(),
        model: String::new(),
        limit_until: None,
        error: None,
    }
}

impl Listener for Claude {
    fn line(&mut self, line: &[u8], signal: &mut dyn FnMut(Signal)) {
        let Some(line) = parse::<Line<'_>>(line) else { return };
        self.account.heard();
        match (&*line.kind, line.subtype.as_deref().unwrap_or_default()) {
            ("system", "init") => self.init(&line, signal),
            ("system", "api_retry") => self.retry(&line, signal),
            ("system", "permission_denied") => {
                self.account.deny(line.tool_name.as_deref().unwrap_or("a tool"), signal);
            }
            ("system", "compact_boundary") => self.compacted(&line, signal),
            ("system", "model_fallback") => self.answers(line.fallback_model.as_deref(), signal),
            ("rate_limit_event", _) => self.limit(line.rate_limit_info.as_ref()),
            ("assistant", _) => self.assistant(&line, signal),
            ("stream_event", _) => self.event(&line, signal),
            ("result", _) => self.result(&line, signal),
            _ => {}
        }
    }

    fn end(&mut self, finished: &Finished, signal: &mut dyn FnMut(Signal)) {
        if let Some(failure) = self.error.take().filter(|_| !ending::was_stopped(&finished.ended)) {
            self.account.fail(failure, signal);
        }
        self.account.end(finished, signal);
    }
}

impl Claude {
    fn init(&mut self, line: &Line<'_>, signal: &mut dyn FnMut(Signal)) {
        let id = line.session_id.as_deref().unwrap_or_default();
        if !id.is_empty() && self.session != id {
            id.clone_into(&mut self.session);
            signal(Signal::Session(words::start(id).to_owned()));
        }
        self.answers(line.model.as_deref(), signal);
    }

    fn answers(&mut self, model: Option<&str>, signal: &mut dyn FnMut(Signal)) {
        let model = words::start(model.unwrap_or_default());
        if !model.is_empty() && self.model != model {
            model.clone_into(&mut self.model);
            signal(Signal::Model(model.to_owned()));
        }
    }

    fn retry(&mut self, line: &Line<'_>, signal: &mut dyn FnMut(Signal)) {
        let kind = class(line, line.error_status);
        let said = match line.error_status {
            Some(status) => format!("HTTP status {status}: {}", line.error.as_deref().unwrap_or("error")),
            None => "the connection broke".to_owned(),
        };
        let wait = line.retry_delay_ms.and_then(|ms| reset::seconds(ms / 1000.0));
        self.account.retry(Failure { wait, ..Failure::new(kind, &said) }, signal);
    }

    fn limit(&mut self, info: Option<&RateLimitInfo>) {
        self.limit_until = info.filter(|info| info.status == "rejected").and_then(|info| info.resets_at);
    }

    fn compacted(&mut self, line: &Line<'_>, signal: &mut dyn FnMut(Signal)) {
        signal(Signal::Compacted);
        if let Some(used) = line.compact_metadata.as_ref().and_then(|metadata| metadata.post_tokens) {
            signal(Signal::Context { used, window: self.window });
        }
    }

    fn assistant(&mut self, line: &Line<'_>, signal: &mut dyn FnMut(Signal)) {
        let Some(message) = part::<Message<'_>>(line.message) else { return };
        let main = line.parent_tool_use_id.is_none_or(|id| id.get() == "null");
        if message.model == SYNTHETIC {
            if line.error.is_some() {
                let said: String = message.content.iter().map(|block| &*block.text).collect();
                self.error = Some(self.failure(line, &said));
            }
            return;
        }
        self.account.goes_on();
        if main {
            self.answers(Some(&message.model), signal);
        }
        if let Some(usage) = message.usage {
            self.used(&message.id, usage, main, signal);
        }
        for block in &message.content {
            self.block(block, main, signal);
        }
    }

    fn block(&mut self, block: &Block<'_>, main: bool, signal: &mut dyn FnMut(Signal)) {
        match &*block.kind {
            "tool_use" => {
                let on = block.input.as_ref().map_or("", |input| input.on());
                self.account.tool(&block.name, on, READERS.contains(&&*block.name), signal);
            }
            "text" if main => self.account.text(&block.text, signal),
            _ => {}
        }
    }

    /// What one request has used up to now. Events tell it again when its output is counted.
    fn used(&mut self, id: &str, usage: Usage, main: bool, signal: &mut dyn FnMut(Signal)) {
        let before = self.tally.spent();
        self.tally.answer(id, usage.tokens());
        let spent = self.tally.spent();
        if spent == before {
            return;
        }
        signal(Signal::Spent(spent));
        if main {
            let tokens = usage.tokens();
            let used = tokens.total();
            signal(Signal::Context { used, window: self.window });
        }
    }

    fn event(&mut self, line: &Line<'_>, signal: &mut dyn FnMut(Signal)) {
        let Some(event) = part::<Event<'_>>(line.event) else { return };
        self.account.goes_on();
        let Some(usage) = event.usage.filter(|_| event.kind == "message_delta") else { return };
        let main = line.parent_tool_use_id.is_none_or(|id| id.get() == "null");
        if let Some(id) = line.api_message_id.as_deref() {
            self.used(id, usage, main, signal);
        }
    }

    fn result(&mut self, line: &Line<'_>, signal: &mut dyn FnMut(Signal)) {
        self.account.goes_on();
        for _ in usize::try_from(self.account.denied()).unwrap_or(usize::MAX)..line.permission_denials.len() {
            let name = line.permission_denials.last().map_or("a tool", |denial| &denial.tool_name);
            self.account.deny(name, signal);
        }
        self.sum(line, signal);
        let failed = line.is_error || line.subtype.as_deref().is_some_and(|word| word.starts_with("error"));
        if failed {
            let said = line.result.clone().filter(|text| !text.is_empty());
            let said = said.or_else(|| line.errors.first().cloned()).unwrap_or_default();
            let failure = self.failure(line, &said);
            // The answer that failed knows more of an error of the provider's; the result of all else.
            let error = self.error.take().filter(|_| is_providers(failure.kind));
            let failure = error.unwrap_or(failure);
            self.account.fail(failure, signal);
        } else if let Some(text) = &line.result {
            self.account.text(text, signal);
        }
        self.error = None;
        self.account.finish(signal);
    }

    /// What this result used: it counts from the one before, even where a session was taken up.
    fn sum(&mut self, line: &Line<'_>, signal: &mut dyn FnMut(Signal)) {
        let models = || line.model_usage.values();
        if line.model_usage.is_empty() {
            return self.session_total(line.total_cost_usd, signal);
        }
        self.results = models().map(ModelUsage::tokens).fold(self.results, |sum, tokens| sum + tokens);
        self.tally.set(self.results);
        let cost: f64 =
            models().map(|usage| usage.cost_usd).filter(|cost| cost.is_finite() && *cost > 0.0).sum();
        self.tally.cost_usd = Some(self.tally.cost_usd.unwrap_or_default() + cost);
        signal(Signal::Spent(self.tally.spent()));
        let window = line.model_usage.get(&self.model).and_then(|usage| usage.context_window);
        self.window = self.window.or(window.filter(|window| *window > 0));
    }

    /// What the whole session has cost is all that some versions tell.
    fn session_total(&mut self, total: Option<f64>, signal: &mut dyn FnMut(Signal)) {
        if let Some(total) = total.filter(|total| total.is_finite() && *total > 0.0) {
            self.tally.cost_usd = Some(self.account.own_usd(total));
            signal(Signal::Spent(self.tally.spent()));
        }
    }

    fn failure(&self, line: &Line<'_>, said: &str) -> Failure {
        let mut kind = class(line, line.api_error_status);
        if kind == FailureKind::Crash {
            return Failure::new(kind, "its turn was interrupted");
        }
        let params = line.api_error_params.as_ref().and_then(|params| params.rate_limit_info.as_ref());
        let resets_at = params.and_then(|info| info.resets_at).or(self.limit_until);
        let until = resets_at.and_then(|seconds| reset::epoch(seconds, self.account.known().now));
        if kind == FailureKind::RateLimit
            && (until.is_some() || words::class(said) == Some(FailureKind::UsageLimit))
        {
            kind = FailureKind::UsageLimit;
        }
        if matches!(kind, FailureKind::BadRequest | FailureKind::Network | FailureKind::Server) {
            kind = words::class(said).unwrap_or(kind);
        }
        if kind == FailureKind::UsageLimit && until.is_some() {
            return Failure { until, ..Failure::new(kind, said) };
        }
        self.account.dated(kind, said)
    }
}

/// Whether the provider's answer says more of it than the end of the turn.
fn is_providers(kind: FailureKind) -> bool {
    use FailureKind as K;
    !matches!(kind, K::ContextOverflow | K::MaxTurns | K::Budget | K::Denied | K::Crash | K::LostSession)
}

/// The class of an error by its fields, the particular ones first.
fn class(line: &Line<'_>, status: Option<u16>) -> FailureKind {
    use FailureKind as K;
    let cut = line.api_error_params.as_ref().and_then(|params| params.cut.as_deref());
    match line.terminal_reason.as_deref().unwrap_or_default() {
        "prompt_too_long" | "blocking_limit" | "rapid_refill_breaker" => return K::ContextOverflow,
        "max_turns" => return K::MaxTurns,
        "budget_exhausted" => return K::Budget,
        "aborted_streaming" | "aborted_tools" => return K::Crash,
        "stop_hook_prevented" | "hook_stopped" => return K::Denied,
        _ => {}
    }
    if line.stop_reason.as_deref() == Some("refusal") {
        return K::Refusal;
    }
    match line.api_error.as_deref().unwrap_or_default() {
        "usage_limit_reached" => return K::UsageLimit,
        "max_output_tokens" if cut == Some("context_window") => return K::ContextOverflow,
        "max_output_tokens" => return K::OutputLimit,
        "connection_failed" => return K::Network,
        _ => {}
    }
    match line.error.as_deref().unwrap_or_default() {
        "authentication_failed" if status.is_none() => K::NotLoggedIn,
        "authentication_failed" | "oauth_org_not_allowed" | "account_on_hold" => K::BadKey,
        "verification_required" | "cloud_credential_error" => K::BadKey,
        "billing_error" => K::Billing,
        "rate_limit" => K::RateLimit,
        "overloaded" => K::Overloaded,
        "model_not_found" => K::UnknownModel,
        "max_output_tokens" => K::OutputLimit,
        "server_error" => status.and_then(words::class_of_status).unwrap_or(K::Server),
        "unknown" if line.kind == "system" => K::Network,
        "unknown" => K::Server,
        _ => status.and_then(words::class_of_status).unwrap_or(K::BadRequest),
    }
}
