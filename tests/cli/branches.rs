//! `orch list --branches`: what is on other branches, without checking them out.

use crate::sandbox::{Sandbox, agent};
use crate::transcript;

/// A branch `topic` that has its own view of three tasks and of the code, and `main`, which has gone on.
fn project() -> Sandbox {
    let sandbox = Sandbox::with(&[agent("true")]);
    for (id, title) in [("t-1", "Limit"), ("t-2", "Burst"), ("t-3", "Describe"), ("t-4", "Measure")] {
        sandbox.task(id, title, &[]);
    }
    sandbox.git(&["switch", "--quiet", "--create", "topic"]);
    let quietly = |arguments: &[&str]| assert_eq!(sandbox.quietly(arguments).code, 0, "{arguments:?}");
    quietly(&["cancel", "t-1", "--reason", "not worth it"]);
    quietly(&["block", "t-2", "--reason", "waits for the vendor"]);
    quietly(&["cancel", "t-4", "--reason", "elsewhere"]);
    sandbox.task("t-9", "New there | <b>", &[]);
    sandbox.write("src/code", "one\nthere\nthree\n");
    sandbox.commit("code there");
    sandbox.git(&["switch", "--quiet", "main"]);
    sandbox
}

#[test]
fn tasks_that_stand_otherwise_there_and_conflicts_to_come_are_told() {
    let sandbox = project();
    sandbox.orch(&["list", "--branches"]);
    sandbox.quietly(&["block", "t-2", "--reason", "waits for us"]);
    sandbox.quietly(&["cancel", "t-4", "--reason", "here as well"]);
    sandbox.write("src/code", "one\nhere\nthree\n");
    sandbox.commit("code here");
    let objects = sandbox.git(&["count-objects"]);
    sandbox.orch(&["list", "--branches"]);
    sandbox.orch(&["list", "--branches", "--json"]);
    sandbox.orch(&["list", "--branches", "--format", "md"]);
    assert_eq!(sandbox.git(&["count-objects"]), objects, "nothing is written");
    assert_eq!(sandbox.git(&["status", "--short"]), "");
    // What was predicted is what comes.
    let merged = sandbox.git_tried(sandbox.repo(), &["merge", "--quiet", "topic"]);
    assert_ne!(merged.code, 0);
    let conflicts = sandbox.git(&["diff", "--name-only", "--diff-filter=U"]);
    assert_eq!(conflicts, ".orchestrator/tasks/t-2.toml\n.orchestrator/tasks/t-4.toml\nsrc/code\n");
    transcript!(sandbox);
}

#[test]
fn branches_at_one_commit_are_told_once_and_those_without_work_of_their_own_are_counted() {
    let sandbox = project();
    sandbox.git(&["update-ref", "refs/remotes/origin/topic", "topic"]);
    sandbox.git(&["update-ref", "refs/remotes/origin/main", "main"]);
    sandbox.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]);
    sandbox.git(&["branch", "old", "HEAD~2"]);
    sandbox.git(&["switch", "--quiet", "--orphan", "pages"]);
    sandbox.write("index.html", "hello\n");
    sandbox.commit("pages");
    sandbox.git(&["switch", "--quiet", "main"]);
    sandbox.orch(&["list", "--branches"]);
    sandbox.orch(&["--branch", "topic", "list", "--branches"]);
    assert_eq!(sandbox.orch(&["list", "--branches", "--all"]).code, 2);
    transcript!(sandbox);
}

#[test]
fn a_branch_that_cannot_be_read_hides_no_other() {
    let sandbox = project();
    let blob = sandbox.git(&["rev-parse", "HEAD:README"]);
    let file = sandbox.repo().join(".git/refs/heads/broken");
    std::fs::write(file, blob).expect("written");
    sandbox.git(&["switch", "--quiet", "--create", "bad-task"]);
    sandbox.write(".orchestrator/tasks/t-3.toml", "<<<<<<< HEAD\n");
    sandbox.write(".orchestrator/tasks/t-1.toml", "");
    sandbox.commit("broken tasks");
    sandbox.git(&["switch", "--quiet", "main"]);
    let said = sandbox.orch(&["list", "--branches"]);
    assert_eq!(said.code, 0);
    assert!(said.stdout.contains("topic: "), "{}", said.stdout);
    transcript!(sandbox);
    let said = sandbox.quietly(&["list", "--branches", "--format", "md"]);
    assert!(said.stdout.contains("- broken: cannot be read: "), "{}", said.stdout);
}
