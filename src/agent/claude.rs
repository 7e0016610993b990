//! Claude Code: `claude -p`, the prompt on standard input, one JSON object a line.
//!
//! The repository is not trusted: its settings, hooks and MCP servers are left out. Nothing else holds
//! its tools inside the workspace; that is the sandbox's work.

use super::command::Plain;
use super::stream::{Listener, Session};
use super::{Brief, Known, invoke_with};
use crate::config::Profile;
use crate::effects::Invocation;

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

/// Who understands it.
pub(super) fn listener(_profile: &Profile, _known: &Known) -> impl Listener + use<> {
    Plain
}
