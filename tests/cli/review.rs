//! Work that waits for a person, and what persons do: approve, reject, block, cancel, reopen.

use crate::sandbox::{Sandbox, agent, gate, table};
use crate::transcript;

fn waiting() -> Sandbox {
    let sandbox = Sandbox::with(&[
        agent(
            "echo new >> src/code; \
             printf 'summary: did it\\ncost_usd: 0.5\\ntokens: {input: 7}\\n' > \"$ORCH_OUTCOME\"",
        ),
        gate("test", "test ! -f broken"),
        table("policy", "review = \"human\""),
    ]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    assert_eq!(sandbox.orch(&["step"]).code, 23);
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\n");
    sandbox
}

#[test]
fn approved_work_lands_after_the_gates_ran_again() {
    let sandbox = waiting();
    sandbox.show(".orchestrator/tasks/t-1.toml");
    assert_eq!(sandbox.orch(&["next"]).code, 11);
    assert_eq!(sandbox.orch(&["step", "--ci"]).code, 0);
    sandbox.write("other", "meanwhile\n");
    sandbox.commit("meanwhile");
    assert_eq!(sandbox.orch(&["approve", "t-1", "--reason", "looks good"]).code, 0);
    sandbox.show_git(&["log", "-1", "--format=%B", "--name-status"]);
    sandbox.show_git(&["status", "--short"]);
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\nnew\n");
    assert_eq!(sandbox.orch(&["approve", "t-1"]).code, 2);
    transcript!(sandbox);
}

#[test]
fn work_that_fails_on_the_tip_is_not_approved() {
    let sandbox = waiting();
    sandbox.write("broken", "\n");
    sandbox.commit("break it");
    assert_eq!(sandbox.orch(&["approve", "t-1"]).code, 20);
    sandbox.show_git(&["log", "-1", "--format=%s"]);
    transcript!(sandbox);
}

#[test]
fn work_that_conflicts_with_the_tip_is_not_approved() {
    let sandbox = waiting();
    sandbox.write("src/code", "one\ntwo\nthree\nsomething else\n");
    sandbox.commit("meanwhile");
    assert_eq!(sandbox.orch(&["approve", "t-1"]).code, 12);
    sandbox.show_git(&["log", "-1", "--format=%s"]);
    transcript!(sandbox);
}

#[test]
fn work_that_is_not_in_this_clone_says_how_to_fetch_it() {
    let mut sandbox = waiting();
    let clone = sandbox.root().join("clone");
    sandbox.git(&["clone", "--quiet", ".", &clone.to_string_lossy()]);
    sandbox.identify(&clone);
    sandbox.enter(clone);
    assert_eq!(sandbox.orch(&["approve", "t-1"]).code, 31);
    let said = sandbox.quietly(&["approve", "t-1"]).stderr;
    let typed = said.split("`git ").nth(1).and_then(|rest| rest.split('`').next()).expect("a command");
    sandbox.git(&typed.split(' ').collect::<Vec<_>>());
    assert_eq!(sandbox.orch(&["approve", "t-1"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn rejected_work_goes_back_with_the_reason() {
    let sandbox = waiting();
    assert_eq!(sandbox.orch(&["reject", "t-1", "--reason", "too clever\nby half"]).code, 0);
    sandbox.show_git(&["log", "-1", "--format=%s"]);
    sandbox.orch(&["next"]);
    sandbox.orch(&["prompt"]);
    transcript!(sandbox);
}

#[test]
fn every_move_of_a_person_is_one_commit_or_an_error_that_says_what_is_allowed() {
    let sandbox = Sandbox::with(&[agent("true")]);
    sandbox.task("t-1", "Do it", &[]);
    for arguments in [
        &["block", "t-1", "--reason", "needs a key"][..],
        &["block", "t-1"],
        &["unblock", "t-1"],
        &["unblock", "t-1"],
        &["cancel", "t-1", "--reason", "no longer"],
        &["cancel", "t-1"],
        &["reopen", "t-1"],
        &["reject", "t-1"],
        &["approve", "t-1"],
        &["approve", "nowhere"],
        &["block", "nowhere"],
    ] {
        sandbox.orch(arguments);
    }
    sandbox.show_git(&["log", "--format=%s"]);
    sandbox.show(".orchestrator/tasks/t-1.toml");
    transcript!(sandbox);
}

#[test]
fn a_proposed_task_waits_for_approval() {
    let sandbox = Sandbox::with(&[agent(
        "echo x > x; printf 'follow_ups: [{title: Clean up, kind: refactor}]\\n' > \"$ORCH_OUTCOME\"",
    )]);
    sandbox.task("t-1", "Do it", &[]);
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 0);
    assert_eq!(sandbox.orch(&["next"]).code, 11);
    let tasks = sandbox.git(&["ls-tree", "--name-only", "HEAD", ".orchestrator/tasks/"]);
    let proposed = tasks.lines().find(|path| path.contains("/t-") && !path.ends_with("/t-1.toml"));
    let path = proposed.expect("a follow-up");
    sandbox.show(path);
    let id = path.rsplit('/').next().and_then(|name| name.strip_suffix(".toml")).expect("an id");
    assert_eq!(sandbox.orch(&["approve", id]).code, 0);
    assert_eq!(sandbox.orch(&["next"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_move_without_a_commit_changes_only_the_file() {
    let sandbox = Sandbox::with(&[agent("true")]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox.orch(&["block", "t-1", "--reason", "later", "--no-commit"]);
    sandbox.show_git(&["diff"]);
    sandbox.show_git(&["log", "-1", "--format=%s"]);
    transcript!(sandbox);
}

/// The agent of the next step finds the work of the last one by what its prompt says.
#[test]
fn the_next_agent_can_look_at_work_that_was_turned_down() {
    let script = "cat > prompt; ref=$(grep -o 'refs/orch/attempts/[0-9A-Z]*' prompt) && git show --format=%s $ref -- src/code > seen; \
                  echo new >> src/code; test -e seen || echo first >> src/code";
    let sandbox = Sandbox::with(&[agent(script), table("policy", "review = \"human\"")]);
    for (id, turned_down) in [("t-1", &["reject"][..]), ("t-2", &["block", "unblock"])] {
        sandbox.task(id, "Do it", &["--kind", "chore"]);
        assert_eq!(sandbox.quietly(&["step"]).code, 23);
        sandbox.orch(&[turned_down[0], id, "--reason", "too clever by half"]);
        if let Some(second) = turned_down.get(1) {
            sandbox.orch(&[second, id]);
        }
        sandbox.orch(&["prompt", id]);
        assert_eq!(sandbox.quietly(&["step", "--task", id]).code, 23);
        assert_eq!(sandbox.quietly(&["approve", id]).code, 0);
        sandbox.show("seen");
        sandbox.git(&["rm", "--quiet", "prompt", "seen"]);
        sandbox.commit("tidy up");
    }
    transcript!(sandbox);
}

#[test]
fn a_person_who_turns_down_all_the_steps_of_a_task_blocks_it() {
    let sandbox = Sandbox::with(&[
        agent("echo new >> src/code"),
        table("policy", "review = \"human\"\nmax_steps_per_task = 2"),
    ]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    for _ in 0..2 {
        assert_eq!(sandbox.quietly(&["step"]).code, 23);
        sandbox.orch(&["reject", "t-1", "--reason", "too clever"]);
    }
    sandbox.show(".orchestrator/tasks/t-1.toml");
    // Whoever unblocks it is heard; the agent is told what was wrong.
    assert_eq!(sandbox.quietly(&["unblock", "t-1"]).code, 0);
    assert!(sandbox.quietly(&["prompt", "t-1"]).stdout.contains("too clever"));
    assert_eq!(sandbox.quietly(&["step"]).code, 23);
    transcript!(sandbox);
}

#[test]
fn what_came_before_accepted_work_is_not_held_against_what_comes_after() {
    let sandbox = Sandbox::with(&[
        agent("cat $HOME/say > src/code"),
        gate("test", "! grep -q bad src/code"),
        table("policy", "max_attempts = 1\nmax_steps_per_task = 2"),
    ]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    for (say, code) in [("bad", 20), ("good", 0), ("worse and bad", 20)] {
        std::fs::write(sandbox.signal("say"), say).expect("a file");
        assert_eq!(sandbox.quietly(&["step"]).code, code, "{say}");
        if code == 0 {
            sandbox.orch(&["reopen", "t-1"]);
            sandbox.orch(&["prompt"]);
        }
    }
    sandbox.orch(&["next"]);
    // All that was ever done for it is still there to see.
    let said = sandbox.quietly(&["show", "t-1", "--json"]).stdout;
    let read: serde_json::Value = serde_json::from_str(&said).expect("one document");
    assert_eq!(read["data"]["runs"].as_array().map(Vec::len), Some(3), "{read}");
    transcript!(sandbox);
}

#[test]
fn what_is_learned_again_is_noted_once() {
    let learn =
        "printf 'notes:\\n  - {kind: learning, topic: api, text: the limit is per key}\\n' > $ORCH_OUTCOME";
    let sandbox = Sandbox::with(&[
        agent(&format!("echo new >> src/code; {learn}")),
        gate("test", "! test -e src/code"),
        table("policy", "max_attempts = 1"),
    ]);
    sandbox.task("t-1", "Limit the API", &["--kind", "chore"]);
    for _ in 0..3 {
        assert_eq!(sandbox.quietly(&["step"]).code, 20);
    }
    sandbox.orch(&["notes"]);
    transcript!(sandbox);
}

#[test]
fn work_is_approved_by_the_rules_of_the_tip() {
    let script = "mkdir -p infra; echo x > infra/x; echo AKIAQYLPMN5HHHFPZAM2 > key; echo 1 > Notes";
    let sandbox = Sandbox::with(&[agent(script), table("policy", "review = \"human\"")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore", "--allow", "secrets"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 23);
    let config = sandbox.read(".orchestrator/config.toml");
    let commit = |what: &str| sandbox.commit(what);
    sandbox.write(".orchestrator/config.toml", &format!("{config}protect = [\"infra/**\"]\n"));
    commit("protect");
    assert_eq!(sandbox.orch(&["approve", "t-1"]).code, 20);
    sandbox.write(".orchestrator/config.toml", &config);
    sandbox.write("NOTES", "there\n");
    commit("another name");
    assert_eq!(sandbox.orch(&["approve", "t-1"]).code, 20);
    sandbox.git(&["rm", "--quiet", "NOTES"]);
    let task = sandbox.read(".orchestrator/tasks/t-1.toml").replace("allow = [\n  \"secrets\",\n]\n", "");
    sandbox.write(".orchestrator/tasks/t-1.toml", &task);
    commit("no secrets");
    assert_eq!(sandbox.orch(&["approve", "t-1"]).code, 20);
    transcript!(sandbox);
}

#[test]
fn a_change_without_lines_is_never_too_small_for_a_rule() {
    let rule = "[[review]]\nname = \"large\"\nby = \"human\"\nmin_lines = 1000\n".to_owned();
    for script in ["printf '\\0\\1' > logo.png", "chmod +x src/code"] {
        let sandbox = Sandbox::with(&[agent(script), rule.clone()]);
        sandbox.task("t-1", "Do it", &[]);
        assert_eq!(sandbox.quietly(&["step"]).code, 23, "{script}");
    }
}
