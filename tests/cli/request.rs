//! Work that lands by a pull request: a branch of the task's own waits, and whichever way it is merged, state
//! and work arrive together.

use crate::sandbox::{Sandbox, agent, gate, table};
use crate::transcript;

/// A step whose work waits on `orch/t-1`.
fn waiting() -> Sandbox {
    let sandbox = Sandbox::with(&[
        agent("echo new >> src/code; printf 'summary: did it\\n' > \"$ORCH_OUTCOME\""),
        gate("test", "test ! -f broken"),
        table("policy", "integration = \"pull-request\""),
    ]);
    sandbox.task("t-1", "Do it", &["--kind", "chore", "--accept", "it is done"]);
    sandbox.task("t-2", "Do more", &["--depends-on", "t-1"]);
    assert_eq!(sandbox.orch(&["step"]).code, 23);
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\n");
    sandbox
}

/// What has to hold once the branch is merged, in whichever way.
fn merged(sandbox: &Sandbox) {
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\nnew\n");
    assert!(sandbox.read(".orchestrator/tasks/t-1.toml").contains("status = \"done\""));
    assert_eq!(sandbox.git(&["status", "--short"]), "");
    let fsck = sandbox.quietly(&["fsck"]);
    assert_eq!(fsck.code, 0, "{}{}", fsck.stdout, fsck.stderr);
    let next = sandbox.quietly(&["next", "--json"]);
    assert!(next.stdout.contains("\"id\":\"t-2\""), "what waited for it goes on: {}", next.stdout);
}

#[test]
fn accepted_work_waits_on_a_branch_and_its_merge_is_the_approval() {
    let sandbox = waiting();
    sandbox.show(".orchestrator/tasks/t-1.toml");
    sandbox.show_git(&["log", "--graph", "--format=%s", "--all", "--exclude=refs/orch/*"]);
    sandbox.show_git(&["log", "-1", "--format=%B", "--name-status", "orch/t-1"]);
    assert_eq!(sandbox.orch(&["approve", "t-1"]).code, 2);
    assert_eq!(sandbox.orch(&["step"]).code, 11);
    sandbox.git(&["merge", "--quiet", "--no-ff", "--no-edit", "orch/t-1"]);
    merged(&sandbox);
    assert_eq!(sandbox.orch(&["log"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_squash_is_recognised_by_the_record_that_it_brings() {
    let sandbox = waiting();
    sandbox.write("other", "meanwhile\n");
    sandbox.commit("meanwhile");
    sandbox.git(&["merge", "--quiet", "--squash", "orch/t-1"]);
    sandbox.git(&["commit", "--quiet", "--message", "Do it (#12)\n\nSquashed by the forge."]);
    merged(&sandbox);
}

#[test]
fn a_squash_may_repeat_the_text_of_the_request() {
    let sandbox = waiting();
    sandbox.write("other", "meanwhile\n");
    sandbox.commit("meanwhile");
    let body = sandbox.git(&["log", "-1", "--format=%B", "orch/t-1"]);
    sandbox.git(&["merge", "--quiet", "--squash", "orch/t-1"]);
    sandbox.git(&["commit", "--quiet", "--message", &body]);
    merged(&sandbox);
}

#[test]
fn a_rebase_is_recognised_too_after_the_target_moved_in_other_tasks_and_files() {
    let sandbox = waiting();
    sandbox.task("t-3", "Added meanwhile", &[]);
    sandbox.write("other", "meanwhile\n");
    sandbox.commit("meanwhile");
    sandbox.git(&["cherry-pick", "orch/t-1"]);
    merged(&sandbox);
}

#[test]
fn a_target_that_moved_merges_without_a_conflict_in_the_state() {
    let sandbox = waiting();
    sandbox.task("t-3", "Added meanwhile", &[]);
    assert_eq!(sandbox.quietly(&["edit", "t-1", "--label", "urgent"]).code, 0);
    assert_eq!(sandbox.quietly(&["step", "--task", "t-3"]).code, 23);
    sandbox.git(&["merge", "--quiet", "--no-edit", "orch/t-1"]);
    assert!(sandbox.read(".orchestrator/tasks/t-1.toml").contains("urgent"));
    merged(&sandbox);
}

#[test]
fn a_request_that_is_turned_down_is_improved_and_offered_again() {
    let sandbox = waiting();
    let first = sandbox.git(&["rev-parse", "orch/t-1"]);
    assert_eq!(sandbox.orch(&["reject", "t-1", "--reason", "not like this"]).code, 0);
    assert_eq!(sandbox.orch(&["step"]).code, 23);
    let second = sandbox.git(&["rev-parse", "orch/t-1"]);
    assert_ne!(first, second);
    assert_eq!(sandbox.git(&["rev-parse", "orch/t-1^"]), sandbox.git(&["rev-parse", "main"]));
    // What others added to it is theirs.
    sandbox.git(&["switch", "--quiet", "orch/t-1"]);
    sandbox.write("src/code", "one\ntwo\nthree\nnew\nand more\n");
    sandbox.commit("a reviewer's own hand");
    sandbox.git(&["switch", "--quiet", "main"]);
    assert_eq!(sandbox.orch(&["step"]).code, 11);
    assert_eq!(sandbox.orch(&["reject", "t-1", "--reason", "still not"]).code, 0);
    assert_eq!(sandbox.orch(&["step"]).code, 23);
    assert_eq!(sandbox.git(&["log", "-1", "--format=%s", "orch/t-1"]), "a reviewer's own hand\n");
    transcript!(sandbox);
}

#[test]
fn a_branch_that_is_missing_is_made_by_the_next_step() {
    let sandbox = waiting();
    // As if the step had been killed between its two commits.
    sandbox.git(&["branch", "--quiet", "--delete", "--force", "orch/t-1"]);
    assert_eq!(sandbox.orch(&["step"]).code, 11);
    sandbox.git(&["merge", "--quiet", "--no-edit", "orch/t-1"]);
    merged(&sandbox);
}

#[test]
fn work_that_does_not_fit_the_target_any_more_is_told_and_kept() {
    let sandbox = waiting();
    sandbox.git(&["branch", "--quiet", "--delete", "--force", "orch/t-1"]);
    sandbox.write("src/code", "something else\n");
    sandbox.commit("meanwhile");
    assert_eq!(sandbox.orch(&["step"]).code, 11);
    assert_eq!(sandbox.git(&["branch", "--list", "orch/*"]), "");
    transcript!(sandbox);
}

#[test]
fn work_without_code_needs_no_request() {
    let sandbox = Sandbox::with(&[
        agent("printf 'summary: nothing to change\\n' > \"$ORCH_OUTCOME\""),
        table("policy", "integration = \"pull-request\""),
    ]);
    sandbox.task("t-1", "Find out", &["--kind", "research"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    assert_eq!(sandbox.git(&["branch", "--list", "orch/*"]), "");
}
