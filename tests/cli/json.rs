//! `--json` and `--format`: exactly one document, also on failure.

use crate::sandbox::{Sandbox, agent, gate, table};
use crate::transcript;
use serde_json::Value;

/// Types a command and reads its only document.
fn document(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let said = sandbox.orch(arguments);
    let value: Value = serde_json::from_str(&said.stdout)
        .unwrap_or_else(|error| panic!("{arguments:?} printed no document: {error}\n{}", said.stdout));
    let keys: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["code", "data", "exit", "ok", "schema", "warnings"]);
    assert_eq!(value["exit"], said.code, "{arguments:?}");
    assert_eq!(value["ok"], said.code == 0);
    assert_eq!(said.stdout.lines().count(), 1, "one document on one line");
    value
}

#[test]
fn every_command_prints_one_document() {
    let sandbox = Sandbox::new();
    assert_eq!(document(&sandbox, &["step", "--json"])["code"], "no_project");
    assert_eq!(document(&sandbox, &["init", "--json"])["schema"], "orch.init/1");
    sandbox.configure(&[agent("echo x >> x"), gate("test", "true")]);
    assert_eq!(document(&sandbox, &["next", "--json"])["code"], "idle");
    assert_eq!(document(&sandbox, &["add", "Do it", "--id", "t-1", "--json"])["data"]["task"]["id"], "t-1");
    assert_eq!(document(&sandbox, &["add", "Again", "--id", "t-1", "--json"])["code"], "usage");
    assert_eq!(document(&sandbox, &["next", "--json"])["data"]["next"]["id"], "t-1");
    assert_eq!(document(&sandbox, &["prompt", "--json"])["data"]["task"], "t-1");
    assert_eq!(document(&sandbox, &["block", "t-1", "--json"])["data"]["task"]["status"], "blocked");
    assert_eq!(document(&sandbox, &["approve", "t-1", "--json"])["code"], "usage");
    assert_eq!(document(&sandbox, &["unblock", "t-1", "--json"])["ok"], true);
    assert_eq!(document(&sandbox, &["step", "--json"])["data"]["outcome"], "accepted");
    assert_eq!(document(&sandbox, &["undo", "--json"])["data"]["task"]["status"], "blocked");
    assert_eq!(document(&sandbox, &["undo", "nothing", "--json"])["code"], "usage");
    assert_eq!(document(&sandbox, &["run", "--json"])["code"], "waiting");
    transcript!(sandbox);
}

#[test]
fn a_step_that_does_not_accept_prints_one_document_too() {
    let sandbox = Sandbox::with(&[
        agent("echo x >> x; test $ORCH_TASK = good"),
        gate("test", "exit 1"),
        table("policy", "max_attempts = 1"),
    ]);
    sandbox.task("bad", "Fail", &[]);
    sandbox.task("good", "Be rejected", &[]);
    assert_eq!(document(&sandbox, &["step", "--task", "bad", "--json"])["code"], "agent_failed");
    assert_eq!(document(&sandbox, &["step", "--task", "good", "--json"])["code"], "rejected");
    assert_eq!(document(&sandbox, &["step", "--task", "none", "--json"])["code"], "usage");
    transcript!(sandbox);
}

#[test]
fn bad_flags_print_one_document_too() {
    let sandbox = Sandbox::new();
    for arguments in [&["step", "--json", "--nonsense"][..], &["--json", "nonsense"], &["add", "--json"]] {
        let said = sandbox.orch(arguments);
        assert_eq!(said.code, 2);
        let value: Value = serde_json::from_str(&said.stdout).expect("one document");
        assert_eq!(value["code"], "usage");
    }
    transcript!(sandbox);
}

#[test]
fn lines_tell_events_as_they_happen_and_end_with_the_answer() {
    let sandbox = Sandbox::with(&[agent("echo x >> x"), gate("test", "true")]);
    sandbox.task("t-1", "Do it", &[]);
    let said = sandbox.orch(&["step", "--format", "jsonl"]);
    let lines: Vec<Value> =
        said.stdout.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!(lines.last().expect("an end")["event"], "end");
    transcript!(sandbox);
}

#[test]
fn markdown_is_a_job_summary() {
    let sandbox = Sandbox::with(&[agent("echo x >> x"), gate("test", "true")]);
    sandbox.task("t-1", "Do | <b>it</b>", &[]);
    sandbox.orch(&["step", "--format", "md"]);
    sandbox.orch(&["step", "--format", "md"]);
    sandbox.orch(&["step", "--task", "gone", "--format", "md"]);
    transcript!(sandbox);
}

#[test]
fn no_text_ends_the_block_of_a_job_summary() {
    let sandbox = Sandbox::with(&[agent("true")]);
    sandbox.task("t-1", "Do it", &["--body", "```text\nan example\n```\n# Not a heading"]);
    let said = sandbox.quietly(&["prompt", "t-1", "--format", "md"]);
    assert!(said.stdout.starts_with("````text\n") && said.stdout.ends_with("\n````\n"), "{}", said.stdout);
}

#[test]
fn manual_pages_are_those_of_commands_for_people() {
    let sandbox = Sandbox::nowhere();
    let pages = sandbox.root().join("pages").to_string_lossy().into_owned();
    let said = sandbox.quietly(&["man", &pages]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stdout.contains("/orch-step.1\n") && !said.stdout.contains("orch-__"), "{}", said.stdout);
}

#[test]
fn quiet_says_only_the_answer() {
    let sandbox = Sandbox::with(&[agent("echo x >> x")]);
    sandbox.task("t-1", "Do it", &[]);
    let said = sandbox.orch(&["step", "-q"]);
    assert_eq!(said.stderr, "");
    transcript!(sandbox);
}

#[cfg(target_os = "linux")]
#[test]
fn data_that_could_not_be_written_is_an_error_and_a_reader_that_left_is_none() {
    let sandbox = Sandbox::with(&[agent("true")]);
    sandbox.task("t-1", "Do it", &[]);
    let shell = |script: String| sandbox.told("sh", &["-c", &script]);
    let repo = sandbox.repo().display();
    for command in
        ["list", "list --json", "export beads", "man", "--help", "step --json", "list --nope --json"]
    {
        let said = shell(format!("cd '{repo}'; orch {command} >/dev/full"));
        assert_eq!(said.code, 1, "{command}: {}", said.stderr);
        assert!(said.stderr.contains("error: cannot write to standard output"), "{command}: {}", said.stderr);
    }
    let gone = shell(format!("cd '{repo}'; (orch list; echo $? >code) | :"));
    assert_eq!((gone.stderr.as_str(), sandbox.read("code").as_str()), ("", "0\n"));
}
