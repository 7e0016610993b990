//! `orch note`, `orch notes` and `orch checkpoint`.

use crate::sandbox::{Sandbox, agent, gate, table};
use crate::transcript;

fn project() -> Sandbox {
    let sandbox = Sandbox::with(&[agent("true")]);
    sandbox.task("t-1", "Store the records", &[]);
    sandbox
}

/// The id that a command printed.
fn id(sandbox: &Sandbox, arguments: &[&str]) -> String {
    sandbox.orch(arguments).stdout.trim().to_owned()
}

#[test]
fn a_note_is_one_file_and_one_commit() {
    let sandbox = project();
    let id = id(
        &sandbox,
        &[
            "note",
            "decision",
            "Run records are one file each.",
            "--topic",
            "storage",
            "--task",
            "T-1",
            "--because",
            "two machines then never touch the same file",
        ],
    );
    sandbox.show_git(&["log", "-1", "--format=%s by %an", "--name-status"]);
    sandbox.show(&format!(".orchestrator/notes/{id}.yaml"));
    sandbox.orch(&["notes"]);
    sandbox.orch(&["notes", "--json"]);
    transcript!(sandbox);
}

#[test]
fn a_note_that_takes_anothers_place_changes_both_in_one_commit() {
    let sandbox = project();
    let old = id(&sandbox, &["note", "constraint", "No file over 1 MB", "--topic", "size"]);
    let before = sandbox.git(&["rev-parse", "HEAD"]);
    let new = id(&sandbox, &["note", "constraint", "No file over 2 MB", "--supersedes", &old]);
    sandbox.show_git(&["log", "-1", "--format=%s", "--name-status"]);
    sandbox.show(&format!(".orchestrator/notes/{old}.yaml"));
    sandbox.show(&format!(".orchestrator/notes/{new}.yaml"));
    sandbox.orch(&["notes"]);
    sandbox.orch(&["notes", "--all", "--kind", "constraint"]);
    sandbox.orch(&["notes", "--at", before.trim()]);
    let prompt = sandbox.orch(&["prompt", "t-1"]);
    assert!(prompt.stdout.contains("2 MB") && !prompt.stdout.contains("1 MB"));
    sandbox.orch(&["note", "decision", "x", "--supersedes", &old]);
    transcript!(sandbox);
}

#[test]
fn what_cannot_be_written_down_is_refused() {
    let sandbox = project();
    sandbox.orch(&["note", "rule", "x"]);
    sandbox.orch(&["note", "decision", " \u{200b}\n"]);
    sandbox.orch(&["note", "decision"]);
    sandbox.orch(&["note", "decision", "x", "--task", "t-2"]);
    sandbox.orch(&["note", "decision", "x", "--supersedes", "n-1"]);
    sandbox.orch(&["note", "constraint", "x", "--expires", "30d"]);
    sandbox.orch(&["note", "learning", "x", "--expires", "soon"]);
    sandbox.orch(&["notes", "--task", "t-2"]);
    sandbox.show_git(&["log", "--format=%s"]);
    transcript!(sandbox);
}

#[test]
fn learnings_fade_and_hypotheses_are_settled() {
    let sandbox = project();
    let faded = id(&sandbox, &["note", "learning", "The tests need a terminal", "--expires", "2026-11-20"]);
    sandbox.orch(&["note", "learning", "The cache is slow", "--expires", "never"]);
    sandbox.orch(&["note", "learning", "The lock is fast"]);
    let guess = id(&sandbox, &["note", "hypothesis", "Most steps wait for the disk"]);
    sandbox.orch(&["note", "confirm", &guess]);
    sandbox.orch(&["notes"]);
    sandbox.orch(&["note", "refute", &guess, "--reason", "it was the network"]);
    sandbox.orch(&["note", "confirm", &faded]);
    sandbox.orch(&["notes", "--all"]);
    sandbox.orch(&["note", "retire", &guess, "--json"]);
    sandbox.show_git(&["log", "-2", "--format=%s"]);
    transcript!(sandbox);
}

#[test]
fn a_constraint_of_an_agent_waits_for_a_person() {
    let sandbox = Sandbox::with(&[agent(
        "echo x > x\nprintf 'notes:\\n- kind: constraint\\n  text: Never use the network\\n' > \"$ORCH_OUTCOME\"",
    )]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox.task("t-2", "Do more", &[]);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    let said = sandbox.orch(&["notes"]);
    let note = said.stdout.lines().nth(1).and_then(|line| line.split(' ').next()).unwrap_or_default();
    assert!(!sandbox.quietly(&["prompt", "t-2"]).stdout.contains("network"));
    sandbox.orch(&["note", "approve", note]);
    sandbox.orch(&["note", "approve", note]);
    assert!(sandbox.quietly(&["prompt", "t-2"]).stdout.contains("network"));
    sandbox.show(&format!(".orchestrator/notes/{note}.yaml"));
    transcript!(sandbox);
}

#[test]
fn without_a_commit_only_the_files_change() {
    let sandbox = project();
    let old = id(&sandbox, &["note", "decision", "One"]);
    sandbox.orch(&["note", "decision", "Two", "--supersedes", &old, "--no-commit"]);
    sandbox.show_git(&["status", "--short"]);
    sandbox.orch(&["notes"]);
    transcript!(sandbox);
}

#[test]
fn checkpoints_are_listed_shown_and_compared() {
    let sandbox = Sandbox::with(&[
        agent("echo $ORCH_RUN >> x; echo \"Tried: $(grep -c . x)\""),
        gate("test", "echo 1 failed in $(grep -c . x); exit 1"),
        table("policy", "max_attempts = 1"),
    ]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox.orch(&["checkpoint"]);
    sandbox.orch(&["checkpoint", "diff", "t-1"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 20);
    sandbox.orch(&["checkpoint", "diff", "t-1"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 20);
    sandbox.orch(&["checkpoint"]);
    sandbox.orch(&["checkpoint", "list", "t-1", "--json"]);
    sandbox.orch(&["checkpoint", "show", "t-1"]);
    sandbox.orch(&["checkpoint", "show", "t-1", "1", "--json"]);
    sandbox.orch(&["checkpoint", "diff", "t-1"]);
    sandbox.orch(&["checkpoint", "diff", "t-1", "1", "1"]);
    sandbox.orch(&["checkpoint", "show", "t-1", "7"]);
    sandbox.orch(&["checkpoint", "show", "t-2"]);
    transcript!(sandbox);
}

#[test]
fn a_note_in_a_prompt_is_no_item_of_the_list_above_it() {
    let sandbox = Sandbox::with(&[agent("true")]);
    sandbox.task("t-1", "Make the tests fast", &[]);
    for (kind, text) in [("constraint", "No new dependency."), ("learning", "The tests wait for the disk.")] {
        assert_eq!(sandbox.quietly(&["note", kind, text]).code, 0);
    }
    let prompt = sandbox.quietly(&["prompt", "t-1"]).stdout;
    assert!(
        prompt.contains("## Constraints\n\n- No new dependency.\n\n## Learning\n\nThe tests wait"),
        "{prompt}"
    );
}

#[test]
fn a_constraint_that_waits_for_a_person_is_among_what_needs_one() {
    let sandbox = Sandbox::with(&[agent(
        "echo x >x; printf 'notes:\\n  - {kind: constraint, topic: q, text: never X}\\n' >\"$ORCH_OUTCOME\"",
    )]);
    sandbox.task("a", "Do it", &[]);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    let said = sandbox.quietly(&["status"]);
    let line = said.stdout.lines().find(|line| line.contains("orch note approve n-")).unwrap_or_default();
    assert!(line.ends_with("constraint proposed by an agent: never X"), "{}", said.stdout);
    assert!(sandbox.quietly(&["status", "--json"]).stdout.contains("\"needs_you_total\":1"));
}

#[test]
fn constraints_that_no_task_fits_beside_block_none_of_them() {
    let sandbox = Sandbox::with(&[agent("echo $ORCH_TASK > made"), table("prompt", "budget_tokens = 120")]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox.task("t-2", "Do more", &[]);
    let words =
        "Each public function has a documented contract and a test that tries to break it. ".repeat(9);
    let note = sandbox.quietly(&["note", "constraint", &words]).stdout.trim().to_owned();
    assert_eq!(sandbox.orch(&["step"]).code, 3);
    sandbox.orch(&["next"]);
    sandbox.orch(&["status"]);
    assert!(!sandbox.read(".orchestrator/tasks/t-1.toml").contains("blocked"));
    assert_eq!(sandbox.quietly(&["note", "retire", &note]).code, 0);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    // What is only one task's is held with what helps, and others go on.
    sandbox.task(
        "t-0",
        "Do too much",
        &["--priority", "0", "--accept", &words[..400], "--accept", &words[400..]],
    );
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_description_has_the_room_that_nothing_else_needs() {
    let sandbox = Sandbox::with(&[agent("true")]);
    let body = |paragraphs: usize| -> String {
        (0..paragraphs).map(|n| format!("Paragraph {n} is about dates and what they are for.\n\n")).collect()
    };
    sandbox.task("t-1", "Parse dates", &["--body", &body(35)]);
    sandbox.task("t-2", "Print times", &["--body", &body(300)]);
    let prompt = |id: &str| -> serde_json::Value {
        let said = sandbox.quietly(&["prompt", id, "--json"]);
        serde_json::from_str::<serde_json::Value>(&said.stdout).expect("one document")["data"].clone()
    };
    let (fits, cut) = (prompt("t-1"), prompt("t-2"));
    assert_eq!(fits["omitted"], serde_json::json!([]), "{}", fits["tokens"]);
    let tokens = cut["tokens"].as_u64().expect("a number");
    assert!((560..=600).contains(&tokens), "{tokens}");
    assert_eq!(cut["omitted"][0]["name"], "task (rest)");
    // A note that matters comes before the rest of a description.
    let said = sandbox.quietly(&["note", "decision", "Times are in UTC", "--task", "t-2"]);
    assert_eq!(said.code, 0);
    assert!(prompt("t-2")["text"].as_str().expect("a text").contains("Times are in UTC"));
}
