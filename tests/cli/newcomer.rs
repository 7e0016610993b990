//! Who comes from another tool: its words, its files, and where everything is written.

use crate::sandbox::Sandbox;
use crate::transcript;

#[test]
fn words_of_other_tools_are_answered_with_what_to_type_here() {
    let sandbox = Sandbox::with(&[]);
    for words in [
        &["close", "t-1"][..],
        &["search", "login"],
        &["ready", "--json"],
        &["grap"],
        &["frobnicate"],
        &["edit", "t-1", "--status", "done"],
        &["edit", "t-1", "--titel", "New"],
        &["list", "log in"],
        &["list", "--status=done", "--sort", "age"],
        &["add", "Fix", "the", "bug"],
        &["add", "-v is ignored"],
        &["add", "Fix it", "--body", "- first step"],
        &["reject", "t-1", "--reason", "- no"],
        &["note", "decision", "Errors", "are", "values"],
        &["note", "retire", "n-1", "--reson", "it is over"],
        &["note", "approve", "n-1", "extra"],
        &["remove-dependency", "t-1"],
        &["checkpoint", "lst"],
        &["checkpoint", "open"],
        &["next", "t-1"],
    ] {
        assert_eq!(sandbox.orch(words).code, 2, "{words:?}");
    }
    transcript!(sandbox);
}

#[test]
fn tasks_are_found_by_a_text_a_priority_and_an_epic() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-0", "Begin", &[]);
    sandbox.task("auth", "Accounts", &["--kind", "epic"]);
    sandbox.task("t-1", "Log in with a Password", &["--parent", "auth", "--priority", "high"]);
    sandbox.task("t-2", "Log out", &["--parent", "auth", "--label", "login", "--depends-on", "t-1,+t-0"]);
    sandbox.task("t-3", "Draw the graph", &["--priority", "P4"]);
    sandbox.orch(&["list", "--search", "LOG"]);
    sandbox.orch(&["list", "--search", "login", "--search", "out"]);
    sandbox.orch(&["list", "--parent", "auth", "--priority", "0,1"]);
    sandbox.orch(&["list", "--kind", "epic,bug", "--status", "pending,blocked"]);
    sandbox.orch(&["list", "--search", "nothing"]);
    transcript!(sandbox);
}

#[test]
fn every_key_of_the_configuration_can_be_looked_up() {
    let sandbox = Sandbox::new();
    let said = sandbox.orch(&["help", "config"]);
    let defaults = include_str!("../../src/config/default.toml");
    assert!(said.stdout.ends_with(defaults), "{}", said.stdout);
    assert_eq!(sandbox.orch(&["config"]).stdout, said.stdout);
}

#[test]
fn a_picture_is_what_its_name_says() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-1", "Draw it", &[]);
    for (name, begins) in
        [("a.svg", "<svg"), ("a.dot", "digraph"), ("a.mmd", "flowchart"), ("a.json", "{"), ("a.txt", "●")]
    {
        sandbox.orch(&["graph", "-o", name]);
        assert!(sandbox.read(name).starts_with(begins), "{name}: {}", sandbox.read(name));
    }
    sandbox.orch(&["graph", "--format", "dot", "-o", "b.svg"]);
    assert!(sandbox.read("b.svg").starts_with("digraph"));
    sandbox.orch(&["graph", "-o", "my plan.png"]);
    transcript!(sandbox);
}

#[test]
fn a_picture_that_mermaid_would_not_draw_is_told() {
    let sandbox = Sandbox::with(&[]);
    let lines: Vec<String> = (1..1000)
        .map(|n| format!("{{\"id\":\"bd-{n}\",\"title\":\"One of many tasks, with a title that is long enough\",\"status\":\"open\",\"issue_type\":\"task\"}}"))
        .collect();
    sandbox.write("issues.jsonl", &lines.join("\n"));
    assert_eq!(sandbox.orch(&["import", "beads", "issues.jsonl", "-q"]).code, 0);
    let said = sandbox.orch(&["graph", "--format", "mermaid"]);
    assert!(said.stderr.contains("Mermaid draws no more than 50000 characters"), "{}", said.stderr);
    let said = sandbox.orch(&["graph", "bd-1", "--format", "mermaid"]);
    assert_eq!(said.stderr, "");
}

#[test]
fn files_of_another_tool_beside_those_that_are_read_are_told() {
    let sandbox = Sandbox::with(&[]);
    let bead = "{\"id\":\"bd-1\",\"title\":\"A bead\",\"status\":\"open\",\"issue_type\":\"task\"}\n";
    sandbox.write("old/.beads/issues.jsonl", bead);
    let task = "{\"master\":{\"tasks\":[{\"id\":1,\"title\":\"A task\",\"status\":\"pending\"}]}}\n";
    sandbox.write("old/.taskmaster/tasks/tasks.json", task);
    sandbox.orch(&["import", "auto", "old"]);
    sandbox.orch(&["import", "taskmaster", "old"]);
    transcript!(sandbox);
}

#[test]
fn one_more_dependency_leaves_those_that_are_there() {
    let sandbox = Sandbox::with(&[]);
    for id in ["a", "b", "c"] {
        sandbox.task(id, "Do it", &[]);
    }
    sandbox.task("t-1", "Wait", &["--depends-on", "a"]);
    sandbox.orch(&["edit", "t-1", "--depends-on", "+b"]);
    assert!(sandbox.read(".orchestrator/tasks/t-1.toml").contains("  \"a\",\n  \"b\",\n"));
    sandbox.orch(&["edit", "t-1", "--depends-on", "c"]);
    sandbox.orch(&["edit", "t-1", "--depends-on", ""]);
    sandbox.orch(&["edit", "t-1", "--depends-on", "+t-1"]);
    transcript!(sandbox);
}

#[test]
fn a_new_task_does_not_wait_for_the_epic_that_waits_for_it() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("epic", "All of it", &["--kind", "epic"]);
    let said = sandbox.orch(&["add", "A part", "--id", "part", "--parent", "epic", "--depends-on", "epic"]);
    assert_eq!(said.code, 3, "{}", said.stderr);
    assert!(!sandbox.has(".orchestrator/tasks/part.toml"));
    transcript!(sandbox);
}
