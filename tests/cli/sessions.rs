//! What `orch step` makes of the sessions of a real adapter: a scripted `claude` on the PATH prints what the
//! real one was recorded to print, turn by turn, and notes what it was asked.

use crate::sandbox::{Said, Sandbox, agent, gate, table};
use crate::transcript;
use std::fs;

/// The session of the recordings that go on with one.
const SESSION: &str = "11111111-2222-4333-8444-555555555555";
/// Plays one turn after another; notes the arguments that matter, and what was read.
const PLAYER: &str = r#"#!/bin/sh
n=1; while [ -e "$HOME/turn-$n.asked" ]; do n=$((n+1)); done
{
  while [ $# -gt 0 ]; do
    case "$1" in --model|--resume|--session-id|--max-budget-usd) echo "$1 $2"; shift;; /compact) echo "$1";; esac
    shift
  done
  echo "--- reads"
  cat
} > "$HOME/turn-$n.asked"
[ -e "$HOME/turn-$n" ] || { echo "nothing is left to play"; exit 99; }
. "$HOME/turn-$n"
"#;

/// A place where `claude` plays these turns.
fn playing(parts: &[String], turns: &[String]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.program("../bin/claude", PLAYER);
    for (at, turn) in turns.iter().enumerate() {
        fs::write(sandbox.signal(&format!("turn-{}", at + 1)), turn).expect("a turn is written");
    }
    sandbox.configure(parts);
    sandbox.task("t-1", "Do it", &["--complexity", "3", "--accept", "it is done"]);
    sandbox
}

/// A profile of Claude Code.
fn claude(name: &str, more: &str) -> String {
    format!(
        "\n[[agent]]\nname = \"{name}\"\nadapter = \"claude\"\nmodel = \"claude-opus-5-5\"\ncapability = 10\n\
         timeout = \"60s\"\nsandbox = \"none\"\n{more}\n"
    )
}

/// What was recorded of the real one.
fn recorded(name: &str) -> String {
    let path = format!("{}/fixtures/agents/claude/{name}", env!("CARGO_MANIFEST_DIR"));
    let exit = fs::read_to_string(format!("{path}.exit")).expect("a recording");
    let end =
        exit.trim().strip_prefix("exit ").map_or("exec sleep 60".to_owned(), |code| format!("exit {code}"));
    format!("cat '{path}.stdout'\n{end}\n")
}

/// An answer, which leaves so many tokens in the context.
fn says(text: &str, tokens: u64) -> String {
    let init =
        format!(r#"{{"type":"system","subtype":"init","session_id":"{SESSION}","model":"claude-opus-5-5"}}"#);
    let message = format!(
        r#"{{"id":"m-{tokens}","model":"claude-opus-5-5","content":[{{"type":"text","text":"{text}"}}],"usage":{{"input_tokens":{tokens},"output_tokens":0}}}}"#
    );
    let answer = format!(
        r#"{{"type":"assistant","message":{message},"parent_tool_use_id":null,"session_id":"{SESSION}"}}"#
    );
    format!("cat <<'END'\n{init}\n{answer}\nEND\n")
}

/// The end of a turn that cost so much.
fn ends(text: &str, tokens: u64, usd: f64) -> String {
    let usage =
        format!(r#"{{"claude-opus-5-5":{{"inputTokens":{tokens},"outputTokens":0,"costUSD":{usd}}}}}"#);
    format!(
        "cat <<'END'\n{{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"result\":\"{text}\",\
         \"session_id\":\"{SESSION}\",\"model_usage_since_last_result\":{usage}}}\nEND\n"
    )
}

/// A turn that does something and ends well.
fn works(act: &str, text: &str) -> String {
    format!("{act}\n{}{}", says(text, 1_000), ends(text, 1_000, 0.01))
}

/// Never ends by itself.
fn stays() -> String {
    "exec sleep 60\n".to_owned()
}

/// Puts what a turn was asked into the transcript.
fn show_asked(sandbox: &Sandbox, turn: u32) {
    let asked = fs::read_to_string(sandbox.signal(&format!("turn-{turn}.asked"))).expect("it was asked");
    sandbox.note(&format!("turn {turn} was asked:\n{asked}"));
}

/// How often the agent was asked.
fn asked(sandbox: &Sandbox) -> usize {
    (1..=9).take_while(|turn| sandbox.signal(&format!("turn-{turn}.asked")).exists()).count()
}

/// What the newest run's record says.
fn show_record(sandbox: &Sandbox) {
    sandbox.show_git(&["log", "-1", "--name-only", "--format=%B"]);
    let files = sandbox.git(&[
        "ls-tree",
        "-r",
        "--name-only",
        "HEAD",
        ".orchestrator/runs",
        ".orchestrator/checkpoints",
    ]);
    for file in files.lines() {
        let text = sandbox.git(&["show", &format!("HEAD:{file}")]);
        let text = text.split("\n[[gate]]").next().unwrap_or_default();
        sandbox.note(&format!("$ git show HEAD:{file}\n{text}"));
    }
}

fn data(said: &Said) -> serde_json::Value {
    serde_json::from_str(&said.stdout).expect("one document")
}

#[test]
fn at_a_usage_limit_the_profile_rests_and_another_takes_over_in_the_same_step() {
    let second = claude("second", "price = { input = 20, cached = 2, output = 100 }");
    let first = claude("first", "price = { input = 2, cached = 0.1, output = 10 }");
    let turns = [
        format!("echo half > half.txt\n{}", recorded("usage-limit")),
        works("echo x > made.txt", "All is done."),
    ];
    let sandbox = playing(&[second, first], &turns);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    show_asked(&sandbox, 2);
    show_record(&sandbox);
    sandbox.orch(&["agents"]);
    transcript!(sandbox);
}

#[test]
fn what_is_overloaded_is_tried_again_after_a_wait() {
    let turns = [recorded("overloaded"), works("echo x > made.txt", "All is done.")];
    let sandbox = playing(&[claude("first", "")], &turns);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    show_asked(&sandbox, 2);
    show_record(&sandbox);
    transcript!(sandbox);
}

#[test]
fn what_stays_overloaded_is_tried_twice_more_and_then_rests() {
    let turns = [recorded("overloaded"), recorded("overloaded"), recorded("overloaded")];
    let sandbox = playing(&[claude("first", "")], &turns);
    let said = sandbox.orch(&["step"]);
    assert_eq!(said.code, 13, "{}", said.stderr);
    assert_eq!(asked(&sandbox), 3);
    transcript!(sandbox);
}

#[test]
fn a_limit_without_another_profile_defers_and_the_next_process_asks_nobody() {
    let sandbox = playing(&[claude("first", "")], &[recorded("usage-limit")]);
    let first = sandbox.orch(&["step", "--json"]);
    assert_eq!((first.code, data(&first)["data"]["retry_after"].as_str().is_some()), (13, true));
    let next = sandbox.orch(&["step", "--json"]);
    assert_eq!((next.code, data(&next)["data"]["retry_after"].as_str().is_some()), (13, true));
    assert_eq!(sandbox.orch(&["step"]).code, 13);
    assert_eq!(sandbox.orch(&["next"]).code, 13);
    assert_eq!(sandbox.orch(&["status"]).code, 0);
    let next = sandbox.orch(&["next", "--json"]);
    assert_eq!((next.code, data(&next)["data"]["retry_after"].as_str().is_some()), (13, true));
    assert_eq!(asked(&sandbox), 1);
    transcript!(sandbox);
}

#[test]
fn a_rejected_attempt_goes_on_in_the_same_session_with_only_what_is_new() {
    let turns =
        [works("echo wrong > made.txt", "All is done."), works("echo right > made.txt", "Now it is.")];
    let sandbox = playing(&[claude("first", ""), gate("right", "grep right made.txt")], &turns);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    show_asked(&sandbox, 2);
    show_record(&sandbox);
    transcript!(sandbox);
}

#[test]
fn a_large_context_is_made_smaller_and_the_session_goes_on() {
    let large = format!("echo half > half.txt\n{}{}", says("Half is done.", 85_000), stays());
    let turns = [large, recorded("compacted"), works("echo x > made.txt", "All is done.")];
    let sandbox = playing(&[claude("first", "context_window = 100000")], &turns);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    show_asked(&sandbox, 2);
    show_asked(&sandbox, 3);
    show_record(&sandbox);
    transcript!(sandbox);
}

#[test]
fn a_full_context_is_followed_by_a_fresh_session_with_a_handoff_and_a_checkpoint() {
    let full = format!("echo half > half.txt\n{}{}", says("Half is done.", 96_000), stays());
    let turns = [full, works("echo x > made.txt", "All is done.")];
    let sandbox = playing(&[claude("first", "context_window = 100000")], &turns);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    show_asked(&sandbox, 2);
    show_record(&sandbox);
    transcript!(sandbox);
}

#[test]
fn sessions_that_are_full_at_once_do_not_follow_each_other_for_ever() {
    let full = |tokens| format!("{}{}", says("I read.", tokens), stays());
    let window = "context_window = 100000";
    let at_once = [full(96_000), full(96_000), works("echo x > made.txt", "All is done.")];
    let sandbox = playing(&[claude("first", window)], &at_once);
    assert_eq!(sandbox.orch(&["step"]).code, 21);
    assert_eq!(asked(&sandbox), 2);
    // What cannot be made smaller is followed by a fresh one as often.
    let small = || "exit 1\n".to_owned();
    let turns = [full(85_000), small(), full(85_000), small(), works("echo x > made.txt", "All is done.")];
    let other = playing(&[claude("first", window)], &turns);
    assert_eq!((other.quietly(&["step"]).code, asked(&other)), (21, 4));
    transcript!(sandbox);
}

#[test]
fn an_agent_that_is_silent_for_too_long_is_ended_and_its_work_kept() {
    let turn = format!("echo half > half.txt\n{}", recorded("hang"));
    let sandbox = playing(&[claude("first", "idle_timeout = \"2s\"")], &[turn]);
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 22);
    sandbox.show_git(&["log", "-1", "--name-only", "--format=%B"]);
    let kept = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch/attempts"]);
    assert_eq!(sandbox.git(&["show", &format!("{}:half.txt", kept.trim())]), "half\n");
    transcript!(sandbox);
}

#[test]
fn a_budget_of_tokens_ends_the_session_that_uses_it_up() {
    let turn = format!("echo half > half.txt\n{}{}", says("Half is done.", 85_000), stays());
    let budget = table("budget", "step_tokens = 50000");
    let sandbox = playing(&[claude("first", ""), budget], &[turn]);
    assert_eq!(sandbox.orch(&["step"]).code, 21);
    assert_eq!(asked(&sandbox), 1);
    transcript!(sandbox);
}

#[test]
fn a_budget_of_a_day_ends_the_session_and_nobody_is_asked_before_midnight() {
    let turn = format!("{}{}", says("Half is done.", 85_000), stays());
    let price = "price = { input = 20, cached = 2, output = 100 }";
    let sandbox = playing(&[claude("first", price), table("budget", "day_usd = 1.0")], &[turn]);
    assert_eq!(sandbox.orch(&["step"]).code, 13);
    let next = sandbox.orch(&["step", "--json"]);
    assert_eq!((next.code, &data(&next)["data"]["retry_after"]), (13, &"2026-11-21T00:00:00Z".into()));
    assert_eq!(sandbox.orch(&["step"]).code, 13);
    assert_eq!(sandbox.orch(&["next"]).code, 13);
    assert_eq!(sandbox.orch(&["status"]).code, 0);
    assert_eq!(asked(&sandbox), 1);
    show_asked(&sandbox, 1);
    transcript!(sandbox);
}

#[test]
fn a_budget_of_a_task_that_is_used_up_blocks_the_task() {
    let turn = format!("{}{}", says("Half is done.", 85_000), stays());
    let sandbox = playing(&[claude("first", ""), table("budget", "task_tokens = 50000")], &[turn]);
    sandbox.orch(&["step"]);
    sandbox.orch(&["unblock", "t-1"]);
    sandbox.orch(&["step"]);
    assert_eq!(asked(&sandbox), 1);
    transcript!(sandbox);
}

#[test]
fn a_session_whose_tools_were_denied_has_failed_whatever_it_says() {
    let sandbox = playing(&[claude("first", "")], &[recorded("denied")]);
    assert_eq!(sandbox.orch(&["step"]).code, 21);
    assert_eq!(asked(&sandbox), 1, "the next attempt would be denied the same");
    transcript!(sandbox);
}

#[test]
fn what_is_no_output_of_the_agent_is_a_failure_whatever_was_changed() {
    let sandbox = playing(
        &[claude("first", ""), table("policy", "max_attempts = 1")],
        &[format!("echo half > half.txt\n{}", recorded("garbage"))],
    );
    assert_eq!(sandbox.orch(&["step"]).code, 21);
    transcript!(sandbox);
}

#[test]
fn who_is_not_logged_in_is_told_what_to_type_and_nothing_is_recorded() {
    let sandbox = playing(&[claude("first", "")], &[recorded("not-logged-in")]);
    let before = sandbox.git(&["rev-parse", "HEAD"]);
    assert_eq!(sandbox.orch(&["step"]).code, 30);
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), before);
    transcript!(sandbox);
}

#[test]
fn who_is_not_logged_in_does_not_stop_what_others_can_do() {
    let other = agent("echo $ORCH_TASK > $ORCH_TASK.md").replace("capability = 10", "capability = 5");
    let sandbox = playing(&[other, claude("first", "")], &[recorded("not-logged-in")]);
    sandbox.task("t-0", "Do what is hard", &["--complexity", "9", "--priority", "0"]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.task("t-2", "Do more", &["--complexity", "3"]);
    sandbox.orch(&["next", "--limit", "3"]);
    assert_eq!((sandbox.quietly(&["step"]).code, asked(&sandbox)), (0, 1), "it is asked once");
    transcript!(sandbox);
}

#[test]
fn the_same_work_that_fails_the_same_way_three_times_is_quarantined() {
    let turns = [recorded("refusal"), recorded("refusal"), recorded("refusal"), recorded("refusal")];
    let policy = table("policy", "max_attempts = 1\nmax_steps_per_task = 9");
    let sandbox = playing(&[claude("first", ""), policy], &turns);
    for _ in 0..4 {
        sandbox.orch(&["step", "--quiet"]);
    }
    assert_eq!(asked(&sandbox), 3);
    sandbox.orch(&["list"]);
    transcript!(sandbox);
}

#[test]
fn one_that_failed_leaves_its_work_to_the_next_of_another_kind() {
    let turn = format!("echo half > half.txt\n{}", recorded("bad-key"));
    let price = "price = { input = 20, cached = 2, output = 100 }\n";
    let script = agent("cat > \"$HOME/read\"; echo x > made.txt") + price;
    let sandbox = playing(&[claude("first", ""), script], &[turn]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.note(&fs::read_to_string(sandbox.signal("read")).expect("it was asked"));
    show_record(&sandbox);
    transcript!(sandbox);
}

#[test]
fn the_tokens_of_any_program_are_priced_by_its_profile() {
    let price = "price = { input = 1.0, cached = 0.1, output = 5.0 }\n";
    let writes =
        "echo x >> made.txt; echo 'tokens: {input: 100000, cached: 0, output: 100000}' > $ORCH_OUTCOME";
    let sandbox = Sandbox::with(&[agent(writes) + price, table("budget", "day_usd = 0.5")]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox.task("t-2", "Do more", &[]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    assert_eq!(sandbox.orch(&["step"]).code, 13);
    let record = sandbox.git(&["grep", "-h", "cost_usd", "HEAD", "--", ".orchestrator/runs"]);
    // Of the run, and of its one session.
    assert_eq!(record.trim(), "cost_usd = 0.6\ncost_usd = 0.6");
    transcript!(sandbox);
}

#[test]
fn what_nobody_knows_the_price_of_is_told_where_a_budget_is_in_money() {
    let writes = "echo $ORCH_TASK > made.txt; echo 'tokens: {input: 1000000}' > $ORCH_OUTCOME";
    let sandbox = Sandbox::with(&[agent(writes), table("budget", "day_usd = 0.5")]);
    sandbox.task("t-1", "Do it", &[]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.orch(&["status"]);
    let said = sandbox.quietly(&["doctor"]);
    assert!(said.stdout.contains("`budget.day_usd` counts of `script` only what it says"), "{}", said.stdout);
    let price = "price = { input = 0.1, cached = 0.1, output = 0.1 }\n";
    sandbox.configure(&[agent(writes) + price, table("budget", "day_usd = 0.5")]);
    sandbox.task("t-2", "Do more", &[]);
    assert!(!sandbox.quietly(&["step"]).stderr.contains("nobody knows"));
    sandbox.orch(&["status"]);
    assert!(!sandbox.quietly(&["doctor"]).stdout.contains("budget.day_usd` counts"));
    transcript!(sandbox);
}

#[test]
fn what_is_used_of_a_budget_of_tokens_is_shown() {
    let writes = "echo x >> made.txt; echo 'tokens: {input: 2840}' > $ORCH_OUTCOME";
    let sandbox = Sandbox::with(&[agent(writes), table("budget", "month_tokens = 2500")]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox.task("t-2", "Do more", &[]);
    sandbox.quietly(&["step"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 13);
    let said = sandbox.quietly(&["status"]).stdout;
    for wanted in ["2.84k of 2.50k tokens", "2.84k of the month's 2.50k tokens are spent"] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    let said = sandbox.quietly(&["status", "--format", "openmetrics"]).stdout;
    assert!(said.contains("orch_budget_tokens{period=\"month\"} 2500"), "{said}");
}

#[test]
fn a_limit_that_any_program_tells_makes_it_rest_and_another_takes_over() {
    let says =
        "echo half > half.txt; echo 'You have hit your usage limit. Try again in 2 hours.' >&2; exit 1";
    let second = "\n[[agent]]\nname = \"second\"\nadapter = \"command\"\ncapability = 10\n\
        command = [\"sh\", \"-c\", \"echo x > made.txt\"]\n";
    let sandbox = Sandbox::with(&[agent(says), second.to_owned()]);
    sandbox.task("t-1", "Do it", &[]);
    assert_eq!(sandbox.orch(&["step", "--task", "t-1"]).code, 0);
    sandbox.orch(&["agents"]);
    transcript!(sandbox);
}

#[test]
fn who_takes_over_after_a_rejected_attempt_is_told_what_was_rejected() {
    let first = "if [ $ORCH_ATTEMPT = 1 ]; then echo one > made.txt; else \
        echo 'You have hit your usage limit. Try again in 2 hours.' >&2; exit 1; fi";
    let second = "\n[[agent]]\nname = \"second\"\nadapter = \"command\"\ncapability = 10\n\
        command = [\"sh\", \"-c\", \"cat > $HOME/read; echo two >> made.txt\"]\n";
    let sandbox = Sandbox::with(&[
        agent(first),
        second.to_owned(),
        gate("both", "grep -q two made.txt || { echo no two in it; exit 1; }"),
    ]);
    sandbox.task("t-1", "Do it", &[]);
    assert_eq!(sandbox.orch(&["step", "--task", "t-1"]).code, 0);
    let read = std::fs::read_to_string(sandbox.signal("read")).expect("it was asked");
    for wanted in ["## Begun", "`both` failed", "no two in it"] {
        assert!(read.contains(wanted), "{wanted}: {read}");
    }
}

#[test]
fn an_agent_that_fails_alike_on_one_task_after_the_other_rests_before_it_has_been_through_all() {
    let sandbox = Sandbox::with(&[agent("echo Cannot find module 7 >&2; exit 1")]);
    for number in 1..9 {
        sandbox.task(&format!("t-{number}"), "Do it", &[]);
    }
    let said = sandbox.quietly(&["run"]);
    assert_eq!(said.code, 13, "{}", said.stderr);
    assert!(said.stderr.contains("on one task after the other"), "{}", said.stderr);
    let log = sandbox.git(&["log", "--format=%(trailers:key=Orch-Task,valueonly,separator=)"]);
    assert_eq!(log.lines().filter(|task| !task.is_empty()).count(), 4, "{log}");
}
