//! Every adapter on recorded output of the real CLIs: what it hears, and how each failure is classed.
//!
//! The recordings lie in `fixtures/agents/<cli>/<case>.{stdout,stderr,exit}`.

use super::failure::{FailureKind, Remedy};
use super::stream::{Session, Signal, Spent};
use super::{Known, listener};
use crate::config::{Adapter, Profile};
use crate::effects::{Ended, Finished};
use crate::state::run::Tokens;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

/// Shortly before the recordings were made.
const NOW: &str = "2026-11-20T23:30:00Z";

struct Recording {
    case: String,
    stdout: Vec<u8>,
    finished: Finished,
    side: Vec<u8>,
}

fn folder(adapter: Adapter) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/agents").join(adapter.as_str())
}

fn recordings(adapter: Adapter) -> Vec<Recording> {
    let dir = folder(adapter);
    let mut cases: Vec<String> = fs::read_dir(&dir)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".exit").map(str::to_owned))
        .collect();
    cases.sort();
    cases.into_iter().map(|case| recording(&dir, case)).collect()
}

fn recording(dir: &Path, case: String) -> Recording {
    let read = |end: &str| fs::read(dir.join(format!("{case}.{end}"))).unwrap_or_default();
    let exit = String::from_utf8(read("exit")).unwrap();
    let ended = match exit.trim().split_once(' ') {
        Some(("exit", code)) => Ended::Exited(code.parse().unwrap()),
        Some(("signal", signal)) => Ended::Signalled(signal.parse().unwrap()),
        Some(("missing", why)) => Ended::NotStarted(why.to_owned()),
        None if exit.trim() == "silent" => Ended::Silent,
        other => panic!("{case}: {other:?}"),
    };
    let (stdout, side) = (read("stdout"), read("side"));
    let finished =
        Finished { ended, stdout: stdout.clone(), stderr: read("stderr"), duration_ms: 1, survivors: 0 };
    Recording { case, stdout, finished, side }
}

fn known(session: Session, earlier: Spent) -> Known {
    Known {
        session,
        prompt: "Do it.\n".to_owned(),
        dir: PathBuf::from("/work"),
        earlier,
        now: NOW.parse().unwrap(),
        zone: || TimeZone::UTC,
    }
}

fn hear(adapter: Adapter, recording: &Recording) -> Vec<Signal> {
    let taken_up = ["resumed", "lost-session"].iter().any(|end| recording.case.ends_with(end));
    let taken_up = taken_up && adapter == Adapter::Acp;
    let session = if taken_up { Session::Resumed("ses-1".to_owned()) } else { Session::New };
    let known = known(session, Spent::default());
    let mut listener = listener(&Profile::new("agent", adapter), &known);
    let mut heard = Vec::new();
    for line in recording.stdout.split(|byte| *byte == b'\n') {
        listener.line(line, &mut |signal| heard.push(signal));
    }
    if !recording.side.is_empty() {
        assert!(listener.follows().is_some(), "{}: its file is not looked for", recording.case);
    }
    for line in recording.side.split(|byte| *byte == b'\n') {
        listener.side_line(line, &mut |signal| heard.push(signal));
    }
    listener.end(&recording.finished, &mut |signal| heard.push(signal));
    heard
}

fn told(signal: &Signal) -> String {
    let failure = |failure: &super::failure::Failure| {
        let until = failure.until.map_or_else(String::new, |until| format!(" until {until}"));
        let wait = failure.wait.map_or_else(String::new, |wait| format!(" wait {wait:?}"));
        format!(
            "{}{until}{wait}: {}",
            failure.kind.as_str(),
            failure.said.chars().take(100).collect::<String>()
        )
    };
    match signal {
        Signal::Session(id) => format!("session {id}"),
        Signal::Model(model) => format!("model {model}"),
        Signal::Spent(spent) => {
            let cost = spent.cost_usd.map_or_else(String::new, |cost| format!(" ${cost:.5}"));
            let tokens = spent.tokens;
            let thought =
                if tokens.reasoning > 0 { format!(" thought={}", tokens.reasoning) } else { String::new() };
            format!("spent in={} cached={} out={}{thought}{cost}", tokens.input, tokens.cached, tokens.output)
        }
        Signal::Context { used, window } => match window {
            Some(window) => format!("context {used}/{window}"),
            None => format!("context {used}"),
        },
        Signal::Tool(tool) => format!("tool {tool}"),
        Signal::Text(text) => format!("text {}", text.replace('\n', " ")),
        Signal::Compacted => "compacted".to_owned(),
        Signal::Denied(tool) => format!("denied {tool}"),
        Signal::Retrying(retried) => format!("retrying {}", failure(retried)),
        Signal::Failed(failed) => format!("FAILED {}", failure(failed)),
        Signal::Finished => "finished".to_owned(),
    }
}

/// What all recordings of an adapter say, told in lines; the same line again is only counted.
fn transcript(adapter: Adapter) -> String {
    let mut text = String::new();
    for recording in recordings(adapter) {
        text.push_str(&format!("== {} ({})\n", recording.case, recording.finished.ended));
        let lines: Vec<String> = hear(adapter, &recording).iter().map(told).collect();
        for same in lines.chunk_by(|one, other| one == other) {
            let times = if same.len() > 1 { format!("  x{}", same.len()) } else { String::new() };
            text.push_str(&format!("{}{times}\n", same[0]));
        }
    }
    text
}

fn failure_of(adapter: Adapter, case: &str) -> Option<(FailureKind, Option<Timestamp>)> {
    let recording = recording(&folder(adapter), case.to_owned());
    let failed = |signal| {
        if let Signal::Failed(failure) = signal { Some((failure.kind, failure.until)) } else { None }
    };
    let all: Vec<_> = hear(adapter, &recording).into_iter().filter_map(failed).collect();
    assert!(all.len() <= 1, "{case}: a failure is told once: {all:?}");
    all.into_iter().next()
}

/// Case, class, remedy, and when it is over.
type Row = (&'static str, FailureKind, Remedy, Option<&'static str>);

fn is_classed(adapter: Adapter, fine: &[&str], failing: &[Row]) {
    let mut cases: Vec<String> = recordings(adapter).into_iter().map(|recording| recording.case).collect();
    for case in fine {
        assert_eq!(failure_of(adapter, case), None, "{case}");
        cases.retain(|other| other != case);
    }
    for (case, kind, remedy, until) in failing {
        let until = until.map(|until| until.parse().unwrap());
        assert_eq!(failure_of(adapter, case), Some((*kind, until)), "{case}");
        assert_eq!(kind.remedy(), *remedy, "{case}");
        cases.retain(|other| other != case);
    }
    assert_eq!(cases, Vec::<String>::new(), "every recording is classed");
}

#[test]
fn claude_is_understood() {
    insta::assert_snapshot!(transcript(Adapter::Claude));
}

#[test]
fn every_failure_of_claude_has_its_class() {
    use FailureKind as K;
    use Remedy as R;
    let reset = Some("2026-11-21T00:43:48Z");
    is_classed(
        Adapter::Claude,
        &["success", "partial-messages", "resumed", "compacted", "context-compacted", "model-fallback"],
        &[
            ("rate-limit", K::RateLimit, R::CoolDown, None),
            ("rate-limit-of-a-plan", K::RateLimit, R::CoolDown, None),
            ("usage-limit", K::UsageLimit, R::CoolDown, reset),
            ("usage-limit-later", K::UsageLimit, R::CoolDown, Some("2026-11-21T00:43:49Z")),
            ("overloaded", K::Overloaded, R::Retry, None),
            ("server-error", K::Server, R::Retry, None),
            ("malformed-response", K::Server, R::Retry, None),
            ("cut", K::Cut, R::Retry, None),
            ("no-network", K::Network, R::Retry, None),
            ("no-reply", K::Network, R::Retry, None),
            ("retrying-until-silent", K::Network, R::Retry, None),
            ("bad-key", K::BadKey, R::Person, None),
            ("bad-token", K::BadKey, R::Person, None),
            ("forbidden", K::BadKey, R::Person, None),
            ("not-logged-in", K::NotLoggedIn, R::Person, None),
            ("no-credit", K::Billing, R::Person, None),
            ("unknown-model", K::UnknownModel, R::Person, None),
            ("unknown-flag", K::WrongVersion, R::Person, None),
            ("missing", K::Missing, R::Person, None),
            ("context-overflow", K::ContextOverflow, R::Rotate, None),
            ("context-overflow-later", K::ContextOverflow, R::Rotate, None),
            ("context-full", K::ContextOverflow, R::Rotate, None),
            ("context-blocked", K::ContextOverflow, R::Rotate, None),
            ("lost-session", K::LostSession, R::Rotate, None),
            ("crash", K::Crash, R::Attempt, None),
            ("output-limit", K::OutputLimit, R::Attempt, None),
            ("refusal", K::Refusal, R::Attempt, None),
            ("max-turns", K::MaxTurns, R::Attempt, None),
            ("budget", K::Budget, R::Attempt, None),
            ("denied", K::Denied, R::Attempt, None),
            ("garbage", K::Garbage, R::Attempt, None),
            ("interrupted", K::Crash, R::Attempt, None),
            ("terminated", K::Crash, R::Attempt, None),
            ("killed", K::Crash, R::Attempt, None),
            ("hang", K::Hang, R::Attempt, None),
        ],
    );
}

#[test]
fn codex_is_understood() {
    insta::assert_snapshot!(transcript(Adapter::Codex));
}

#[test]
fn every_failure_of_codex_has_its_class() {
    use FailureKind as K;
    use Remedy as R;
    is_classed(
        Adapter::Codex,
        &["success", "patch", "resumed", "compacted", "model-warning", "read-only", "escalation-refused"],
        &[
            ("usage-limit", K::UsageLimit, R::CoolDown, Some("2026-11-21T00:47:35Z")),
            ("rate-limit", K::RateLimit, R::CoolDown, None),
            ("rate-limit-at-once", K::RateLimit, R::CoolDown, None),
            ("rate-limit-sleeping", K::RateLimit, R::CoolDown, None),
            ("rate-limit-in-stream", K::RateLimit, R::CoolDown, None),
            ("no-credit", K::Billing, R::Person, None),
            ("overloaded", K::Overloaded, R::Retry, None),
            ("server-error", K::Server, R::Retry, None),
            ("cut", K::Cut, R::Retry, None),
            ("stalled", K::Cut, R::Retry, None),
            ("no-network", K::Network, R::Retry, None),
            ("no-network-for-ever", K::Network, R::Retry, None),
            ("bad-key", K::BadKey, R::Person, None),
            ("forbidden", K::BadKey, R::Person, None),
            ("unknown-model", K::UnknownModel, R::Person, None),
            ("unknown-model-of-another-provider", K::UnknownModel, R::Person, None),
            ("unknown-flag", K::WrongVersion, R::Person, None),
            ("missing", K::Missing, R::Person, None),
            ("context-overflow", K::ContextOverflow, R::Rotate, None),
            ("lost-session", K::LostSession, R::Rotate, None),
            ("output-limit", K::OutputLimit, R::Attempt, None),
            ("refusal", K::Refusal, R::Attempt, None),
            ("garbage", K::Garbage, R::Attempt, None),
            ("crash", K::Crash, R::Attempt, None),
            ("interrupted", K::Crash, R::Attempt, None),
            ("terminated", K::Crash, R::Attempt, None),
            ("killed", K::Crash, R::Attempt, None),
            ("hang", K::Hang, R::Attempt, None),
        ],
    );
}

#[test]
fn gemini_is_understood() {
    insta::assert_snapshot!(transcript(Adapter::Gemini));
}

#[test]
fn every_failure_of_gemini_has_its_class() {
    use FailureKind as K;
    use Remedy as R;
    is_classed(
        Adapter::Gemini,
        &["success", "success-on-stdin"],
        &[
            ("usage-limit", K::UsageLimit, R::CoolDown, None),
            ("rate-limit", K::RateLimit, R::CoolDown, None),
            ("overloaded", K::Overloaded, R::Retry, None),
            ("malformed-response", K::Server, R::Retry, None),
            ("cut", K::Cut, R::Retry, None),
            ("bad-key", K::BadKey, R::Person, None),
            ("forbidden", K::BadKey, R::Person, None),
            ("not-logged-in", K::NotLoggedIn, R::Person, None),
            ("unknown-model", K::UnknownModel, R::Person, None),
            ("unknown-flag", K::WrongVersion, R::Person, None),
            ("missing", K::Missing, R::Person, None),
            ("context-overflow", K::ContextOverflow, R::Rotate, None),
            ("not-trusted", K::Denied, R::Attempt, None),
            ("garbage", K::Garbage, R::Attempt, None),
            ("interrupted", K::Cut, R::Retry, None),
            ("killed", K::Crash, R::Attempt, None),
            ("hang", K::Hang, R::Attempt, None),
        ],
    );
}

#[test]
fn opencode_is_understood() {
    insta::assert_snapshot!(transcript(Adapter::Opencode));
}

#[test]
fn every_failure_of_opencode_has_its_class() {
    use FailureKind as K;
    use Remedy as R;
    is_classed(
        Adapter::Opencode,
        &["success"],
        &[
            ("rate-limit", K::RateLimit, R::CoolDown, None),
            ("usage-limit", K::UsageLimit, R::CoolDown, None),
            ("no-credit", K::Billing, R::Person, None),
            ("overloaded", K::Overloaded, R::Retry, None),
            ("server-error", K::Server, R::Retry, None),
            ("server-error-without-a-word", K::Server, R::Retry, None),
            ("cut", K::Cut, R::Retry, None),
            ("bad-key", K::BadKey, R::Person, None),
            ("unknown-model", K::UnknownModel, R::Person, None),
            ("unknown-flag", K::WrongVersion, R::Person, None),
            ("missing", K::Missing, R::Person, None),
            ("context-overflow", K::ContextOverflow, R::Rotate, None),
            ("output-limit", K::OutputLimit, R::Attempt, None),
            ("garbage", K::Garbage, R::Attempt, None),
            ("killed", K::Crash, R::Attempt, None),
            ("hang", K::Hang, R::Attempt, None),
        ],
    );
}

#[test]
fn copilot_is_understood() {
    insta::assert_snapshot!(transcript(Adapter::Copilot));
}

#[test]
fn every_failure_of_copilot_has_its_class() {
    use FailureKind as K;
    use Remedy as R;
    is_classed(
        Adapter::Copilot,
        &["success", "counted", "success-on-stdin", "resumed"],
        &[
            ("rate-limit", K::RateLimit, R::CoolDown, None),
            ("usage-limit", K::UsageLimit, R::CoolDown, None),
            ("no-credit", K::Billing, R::Person, None),
            ("overloaded", K::Overloaded, R::Retry, None),
            ("overloaded-in-stream", K::Overloaded, R::Retry, None),
            ("server-error", K::Server, R::Retry, None),
            ("cut", K::Cut, R::Retry, None),
            ("bad-key", K::BadKey, R::Person, None),
            ("not-logged-in", K::NotLoggedIn, R::Person, None),
            ("unknown-flag", K::WrongVersion, R::Person, None),
            ("missing", K::Missing, R::Person, None),
            ("context-overflow", K::ContextOverflow, R::Rotate, None),
            ("denied", K::Denied, R::Attempt, None),
            ("garbage", K::Garbage, R::Attempt, None),
            ("interrupted", K::Cut, R::Retry, None),
            ("killed", K::Crash, R::Attempt, None),
            ("hang", K::Hang, R::Attempt, None),
        ],
    );
}

#[test]
fn aider_is_understood() {
    insta::assert_snapshot!(transcript(Adapter::Aider));
}

#[test]
fn every_failure_of_aider_has_its_class() {
    use FailureKind as K;
    use Remedy as R;
    is_classed(
        Adapter::Aider,
        &["success", "ran-success"],
        &[
            ("rate-limit", K::RateLimit, R::CoolDown, None),
            ("overloaded", K::Overloaded, R::Retry, None),
            ("no-network", K::Network, R::Retry, None),
            ("bad-key", K::BadKey, R::Person, None),
            ("ran-bad-key", K::BadKey, R::Person, None),
            ("unknown-model", K::UnknownModel, R::Person, None),
            ("unknown-flag", K::WrongVersion, R::Person, None),
            ("missing", K::Missing, R::Person, None),
            ("context-overflow", K::ContextOverflow, R::Rotate, None),
            ("garbage", K::Garbage, R::Attempt, None),
            ("crash", K::Crash, R::Attempt, None),
        ],
    );
}

#[test]
fn acp_is_understood() {
    insta::assert_snapshot!(transcript(Adapter::Acp));
}

#[test]
fn every_failure_told_by_acp_has_its_class() {
    use FailureKind as K;
    use Remedy as R;
    is_classed(
        Adapter::Acp,
        &["gemini-success", "copilot-success", "copilot-resumed", "opencode-success", "opencode-resumed"],
        &[
            ("gemini-bad-key", K::BadKey, R::Person, None),
            ("copilot-bad-key", K::BadKey, R::Person, None),
            ("opencode-bad-key", K::BadKey, R::Person, None),
            ("not-logged-in", K::NotLoggedIn, R::Person, None),
            ("gemini-quota", K::UsageLimit, R::CoolDown, None),
            ("gemini-context-overflow", K::ContextOverflow, R::Rotate, None),
            ("copilot-context-overflow", K::ContextOverflow, R::Rotate, None),
            ("gemini-unknown-model", K::UnknownModel, R::Person, None),
            ("copilot-unknown-model", K::UnknownModel, R::Person, None),
            ("opencode-unknown-model", K::UnknownModel, R::Person, None),
            ("gemini-lost-session", K::LostSession, R::Rotate, None),
            ("copilot-lost-session", K::LostSession, R::Rotate, None),
            ("opencode-lost-session", K::LostSession, R::Rotate, None),
            ("opencode-refusal", K::Refusal, R::Attempt, None),
            ("newer", K::WrongVersion, R::Person, None),
            ("missing", K::Missing, R::Person, None),
            ("cut", K::Cut, R::Retry, None),
            ("garbage", K::Garbage, R::Attempt, None),
            ("crash", K::Crash, R::Attempt, None),
        ],
    );
}

/// Totals of a session are not this process's figures.
#[test]
fn a_session_that_was_taken_up_counts_only_what_is_new() {
    let recording = recording(&folder(Adapter::Codex), "resumed".to_owned());
    let id = "01a1fb60-5c85-7e62-8c91-04719c331933";
    let before = Tokens { input: 3_000, cached: 16_000, output: 84, reasoning: 14 };
    let known = known(Session::Resumed(id.to_owned()), Spent { tokens: before, cost_usd: None });
    let mut listener = listener(&Profile::new("codex", Adapter::Codex), &known);
    assert_eq!(listener.follows().as_deref(), Some(format!("{id}.jsonl").as_str()), "from the beginning");
    let mut spent = Spent::default();
    for line in recording.stdout.split(|byte| *byte == b'\n') {
        listener.line(line, &mut |signal| {
            if let Signal::Spent(new) = signal {
                spent = new;
            }
        });
    }
    assert_eq!(
        spent.tokens,
        Tokens { input: 3_000, cached: 16_000, output: 84, reasoning: 14 },
        "38 000 less 19 000"
    );
}

#[test]
fn what_a_session_cost_in_all_is_less_what_it_cost_before() {
    let earlier = Spent { cost_usd: Some(0.1), ..Spent::default() };
    let known = known(Session::Resumed("s".to_owned()), earlier);
    let mut listener = listener(&Profile::new("claude", Adapter::Claude), &known);
    let result =
        br#"{"type":"result","subtype":"success","is_error":false,"result":"Done.","total_cost_usd":0.3}"#;
    let mut cost_usd = None;
    listener.line(result, &mut |signal| {
        if let Signal::Spent(now) = signal {
            cost_usd = now.cost_usd;
        }
    });
    assert_eq!(cost_usd, Some(0.2));
}

/// The adapters that listen to what a CLI prints.
const LISTENERS: [Adapter; 7] = [
    Adapter::Claude,
    Adapter::Codex,
    Adapter::Gemini,
    Adapter::Opencode,
    Adapter::Copilot,
    Adapter::Aider,
    Adapter::Acp,
];

fn listeners() -> impl Strategy<Value = Adapter> {
    prop::sample::select(LISTENERS.to_vec())
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(adapter in listeners(), lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20)) {
        let stdout = lines.join(&b'\n');
        let finished = Finished { ended: Ended::Exited(1), stdout: stdout.clone(), stderr: stdout.clone(), duration_ms: 1, survivors: 0 };
        hear(adapter, &Recording { case: String::new(), stdout: stdout.clone(), finished, side: Vec::new() });
    }

    #[test]
    fn any_order_and_any_cut_is_heard(adapter in listeners(), seed in any::<prop::sample::Index>(), other in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>()) {
        let all = recordings(adapter);
        let (one, other) = (&all[seed.index(all.len())], &all[other.index(all.len())]);
        let mut lines: Vec<&[u8]> = one.stdout.split(|byte| *byte == b'\n').collect();
        lines.extend(other.stdout.split(|byte| *byte == b'\n'));
        let at = cut.index(lines.len());
        lines.rotate_left(at);
        let line = lines[0];
        lines[0] = &line[..cut.index(line.len() + 1)];
        let stdout = lines.join(&b'\n');
        hear(adapter, &Recording { case: String::new(), stdout, finished: other.finished.clone(), side: Vec::new() });
    }
}

#[test]
fn a_line_of_ten_megabytes_is_one_line() {
    let long = "x".repeat(10 << 20);
    let lines = [
        format!(r#"{{"type":"user","message":{{"content":[{{"type":"tool_result","content":"{long}"}}]}}}}"#),
        format!(
            r#"{{"type":"assistant","message":{{"id":"m","model":"m","content":[{{"type":"text","text":"{long}"}}]}}}}"#
        ),
        format!(r#"{{"type":"result","is_error":true,"result":"{long}"}}"#),
        long.clone(),
        "[".repeat(10 << 20),
    ];
    for adapter in LISTENERS {
        let mut listener = listener(&Profile::new("agent", adapter), &known(Session::New, Spent::default()));
        let mut kept = 0;
        for line in &lines {
            listener.line(line.as_bytes(), &mut |signal| kept += told(&signal).len());
        }
        assert!(kept < 10_000, "{}: {kept} bytes are passed on", adapter.as_str());
    }
}
