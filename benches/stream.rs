//! How fast the output of an agent is understood, and how much memory that takes.
//!
//! `cargo bench --bench stream`: 100 MB of each agent's lines, through the listener that a step uses. The
//! time is that on a processor, so that other work on the machine counts little.

use jiff::tz::TimeZone;
use orch::agent::stream::{Session, Signal, Spent};
use orch::agent::{Known, listener};
use orch::config::{Adapter, Profile};
use std::io::Write as _;
use std::path::PathBuf;

/// How much is understood, in bytes.
const SIZE: usize = 100 << 20;
/// The goal, in megabytes a second.
const GOAL: f64 = 200.0;
/// How often each is measured.
const ROUNDS: usize = 5;

fn main() {
    // `cargo test --benches` only wants to know that it builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let mut out = std::io::stdout().lock();
    let _ = writeln!(
        out,
        "| agent | MB/s, median (smallest..largest) | goal | met | signals | peak MB beside the stream |"
    );
    let _ = writeln!(out, "|---|---|---|---|---|---|");
    let adapters =
        [Adapter::Claude, Adapter::Codex, Adapter::Gemini, Adapter::Opencode, Adapter::Copilot, Adapter::Acp];
    for adapter in adapters {
        let stream = stream(adapter);
        let megabytes = f64::from(u32::try_from(stream.len()).unwrap_or(u32::MAX)) / 1e6;
        let before = peak_mb();
        let mut speeds = Vec::new();
        let mut signals = 0;
        for _ in 0..ROUNDS {
            let started = busy_seconds();
            signals = understand(adapter, &stream);
            speeds.push(megabytes / (busy_seconds() - started));
        }
        speeds.sort_by(f64::total_cmp);
        let (median, met) = (speeds[ROUNDS / 2], speeds[ROUNDS / 2] >= GOAL);
        let _ = writeln!(
            out,
            "| {} | {median:.0} ({:.0}..{:.0}) | {GOAL:.0} | {} | {signals} | {} |",
            adapter.as_str(),
            speeds[0],
            speeds[ROUNDS - 1],
            if met { "yes" } else { "**no**" },
            peak_mb().saturating_sub(before),
        );
    }
}

fn understand(adapter: Adapter, stream: &[u8]) -> u64 {
    let known = Known {
        session: Session::New,
        prompt: String::new(),
        dir: PathBuf::new(),
        earlier: Spent::default(),
        now: jiff::Timestamp::UNIX_EPOCH,
        zone: || TimeZone::UTC,
    };
    let mut listener = listener(&Profile::new("agent", adapter), &known);
    let mut signals = 0;
    let mut count = |_: Signal| signals += 1;
    for line in stream.split(|byte| *byte == b'\n') {
        listener.line(line, &mut count);
    }
    signals
}

/// A session's lines over and over: small pieces of text, tools, and results of 20 kB.
fn stream(adapter: Adapter) -> Vec<u8> {
    let output = "a line of a log that a tool printed, with a \\\"quote\\\" and a tab\\t\\n".repeat(300);
    let mut stream = Vec::with_capacity(SIZE + (1 << 20));
    for turn in 0_u64.. {
        for line in turn_of(adapter, turn, &output) {
            stream.extend_from_slice(line.as_bytes());
            stream.push(b'\n');
        }
        if stream.len() >= SIZE {
            break;
        }
    }
    stream
}

fn turn_of(adapter: Adapter, turn: u64, output: &str) -> Vec<String> {
    let mut lines = Vec::new();
    match adapter {
        Adapter::Claude => {
            let tail = format!(
                r#""session_id":"390fbc16-77bd-47e7-bd0b-0f3cf1cadeff","parent_tool_use_id":null,"api_message_id":"msg_{turn}"}}"#
            );
            for _ in 0..60 {
                lines.push(format!(r#"{{"type":"stream_event","event":{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"some words of it"}}}},{tail}"#));
            }
            let usage = r#""usage":{"input_tokens":1200,"cache_creation_input_tokens":300,"cache_read_input_tokens":8000,"output_tokens":1}"#;
            lines.push(format!(r#"{{"type":"assistant","message":{{"id":"msg_{turn}","model":"claude-opus-5-5","content":[{{"type":"tool_use","id":"t{turn}","name":"Bash","input":{{"command":"cargo test"}}}}],{usage}}},{tail}"#));
            lines.push(format!(r#"{{"type":"stream_event","event":{{"type":"message_delta","usage":{{"input_tokens":1200,"cache_read_input_tokens":8000,"output_tokens":42}}}},{tail}"#));
            lines.push(format!(r#"{{"type":"user","message":{{"role":"user","content":[{{"type":"tool_result","content":"{output}"}}]}},{tail}"#));
        }
        Adapter::Codex => {
            lines.push(format!(r#"{{"type":"item.started","item":{{"id":"item_{turn}","type":"command_execution","command":"cargo test","aggregated_output":"","exit_code":null,"status":"in_progress"}}}}"#));
            lines.push(format!(r#"{{"type":"item.completed","item":{{"id":"item_{turn}","type":"command_execution","command":"cargo test","aggregated_output":"{output}","exit_code":0,"status":"completed"}}}}"#));
            lines.push(format!(r#"{{"type":"item.completed","item":{{"id":"item_{turn}m","type":"agent_message","text":"turn {turn} went well"}}}}"#));
        }
        Adapter::Gemini => {
            for _ in 0..60 {
                lines.push(r#"{"type":"message","timestamp":"2026-11-21T00:27:24.828Z","role":"assistant","content":"some words of it","delta":true}"#.to_owned());
            }
            lines.push(format!(r#"{{"type":"tool_use","tool_name":"run_shell_command","tool_id":"{turn}","parameters":{{"command":"cargo test"}}}}"#));
            lines.push(format!(
                r#"{{"type":"tool_result","tool_id":"{turn}","status":"success","output":"{output}"}}"#
            ));
        }
        Adapter::Opencode => {
            lines.push(format!(r#"{{"type":"tool_use","sessionID":"ses_1","part":{{"type":"tool","tool":"bash","callID":"{turn}","state":{{"status":"completed","input":{{"command":"cargo test"}},"output":"{output}","title":"cargo test"}}}}}}"#));
            lines.push(format!(r#"{{"type":"step_finish","sessionID":"ses_1","part":{{"id":"p{turn}","reason":"tool-calls","tokens":{{"total":9542,"input":1500,"output":35,"reasoning":7,"cache":{{"write":0,"read":8000}}}},"cost":0.0075}}}}"#));
        }
        Adapter::Acp => {
            if turn == 0 {
                lines.push(r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1}}"#.to_owned());
                lines.push(r#"{"jsonrpc":"2.0","id":1,"result":{"sessionId":"ses_1"}}"#.to_owned());
            }
            let update =
                r#"{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"ses_1","update":"#;
            for _ in 0..60 {
                lines.push(format!(r#"{update}{{"sessionUpdate":"agent_message_chunk","content":{{"type":"text","text":"some words of it"}}}}}}}}"#));
            }
            lines.push(format!(r#"{update}{{"sessionUpdate":"tool_call","toolCallId":"{turn}","title":"cargo test","kind":"execute","status":"pending"}}}}}}"#));
            lines.push(format!(r#"{update}{{"sessionUpdate":"tool_call_update","toolCallId":"{turn}","status":"completed","content":[{{"type":"content","content":{{"type":"text","text":"{output}"}}}}]}}}}}}"#));
        }
        Adapter::Copilot | Adapter::Aider | Adapter::Command | Adapter::Shell => {
            lines.push(format!(r#"{{"type":"tool.execution_start","data":{{"toolCallId":"{turn}","toolName":"bash","arguments":{{"command":"cargo test"}}}}}}"#));
            for _ in 0..60 {
                lines.push(r#"{"type":"session.background_tasks_changed","data":{},"ephemeral":true,"id":"27acc1b5-0000","timestamp":"2026-11-21T00:19:59.068Z"}"#.to_owned());
            }
            lines.push(format!(r#"{{"type":"tool.execution_complete","data":{{"toolCallId":"{turn}","success":true,"result":{{"content":"{output}"}},"toolTelemetry":{{"metrics":{{"context_token_limit":922000,"context_current_tokens":11194}}}}}}}}"#));
        }
    }
    lines
}

/// How long the process was on a processor.
fn busy_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|number| number.parse().ok());
    std::time::Duration::from_nanos(nanoseconds.unwrap_or_default()).as_secs_f64()
}

/// The most memory that the process had so far.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1024
}
