//! `orch undo`, and what plain git can do with a step's commit.

use crate::sandbox::{Sandbox, agent};
use crate::transcript;

fn landed() -> Sandbox {
    let sandbox = Sandbox::with(&[agent("echo $ORCH_TASK >> src/code; echo new > new-$ORCH_TASK")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 0);
    sandbox
}

#[test]
fn undoing_takes_the_code_back_blocks_the_task_and_keeps_the_record() {
    let sandbox = landed();
    assert_eq!(sandbox.orch(&["undo"]).code, 0);
    sandbox.show_git(&["log", "-1", "--format=%B", "--name-status"]);
    sandbox.show_git(&["status", "--short"]);
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\n");
    assert!(!sandbox.has("new-t-1"));
    sandbox.show(".orchestrator/tasks/t-1.toml");
    assert_eq!(sandbox.orch(&["step"]).code, 11);
    assert_eq!(sandbox.orch(&["undo"]).code, 2);
    assert_eq!(sandbox.orch(&["undo", "t-1"]).code, 2);
    sandbox.orch(&["unblock", "t-1"]);
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 0);
    // Of two steps on one task, that one is told as undone which was.
    sandbox.orch(&["log"]);
    transcript!(sandbox);
}

#[test]
fn a_step_is_undone_by_the_commit_that_log_shows() {
    let sandbox = landed();
    let commit = sandbox.git(&["rev-parse", "--short", "HEAD"]);
    assert_eq!(sandbox.quietly(&["undo", "HEAD~1"]).code, 2);
    assert_eq!(sandbox.quietly(&["undo", commit.trim()]).code, 0);
    assert!(sandbox.read(".orchestrator/tasks/t-1.toml").contains("status = \"blocked\""));
    // A task goes before a commit of the same name.
    sandbox.task("main", "Do more", &["--kind", "chore"]);
    assert_eq!(sandbox.quietly(&["undo", "main"]).code, 2);
}

#[test]
fn of_two_that_undo_at_once_one_does() {
    let sandbox = landed();
    let both = [sandbox.start(&["undo"]), sandbox.start(&["undo"])];
    let codes = both.map(|child| sandbox.ended(&["undo"], child).code);
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    let subjects = sandbox.git(&["log", "--format=%s"]);
    assert_eq!(subjects.matches("undone t-1").count(), 1, "{subjects}");
}

#[test]
fn a_run_or_a_task_can_be_named() {
    let sandbox = landed();
    sandbox.task("t-2", "Do more", &["--kind", "chore", "--run", "echo more > more"]);
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 0);
    let run = sandbox.git(&["log", "-1", "--skip=2", "--format=%(trailers:key=Orch-Run,valueonly)"]);
    assert_eq!(sandbox.orch(&["undo", run.trim()]).code, 0);
    assert_eq!(sandbox.orch(&["undo", "t-2"]).code, 0);
    assert_eq!(sandbox.orch(&["undo", "t-3"]).code, 2);
    sandbox.show_git(&["log", "--format=%s"]);
    sandbox.show_git(&["ls-tree", "-r", "--name-only", "HEAD"]);
    transcript!(sandbox);
}

#[test]
fn later_work_on_the_same_lines_is_a_conflict_and_nothing_changes() {
    let sandbox = landed();
    sandbox.write("src/code", "one\ntwo\nthree\nt-1, edited\n");
    sandbox.commit("later work");
    let before = sandbox.git(&["rev-parse", "HEAD"]);
    assert_eq!(sandbox.orch(&["undo"]).code, 31);
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), before);
    sandbox.show_git(&["status", "--short"]);
    transcript!(sandbox);
}

#[test]
fn a_dirty_file_in_the_way_of_undo_is_not_touched() {
    let sandbox = landed();
    sandbox.write("src/code", "mine\n");
    assert_eq!(sandbox.orch(&["undo"]).code, 31);
    assert_eq!(sandbox.read("src/code"), "mine\n");
    transcript!(sandbox);
}

#[test]
fn reverting_the_commit_with_git_leaves_a_valid_state() {
    let sandbox = landed();
    sandbox.git(&["revert", "--no-edit", "HEAD"]);
    sandbox.show_git(&["show", "--format=%s", "--name-status", "HEAD"]);
    assert_eq!(sandbox.orch(&["next"]).code, 0);
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_squash_merge_loses_nothing_of_the_state() {
    let sandbox = Sandbox::with(&[agent("echo $ORCH_TASK > new-$ORCH_TASK")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox.git(&["switch", "--quiet", "--create", "work"]);
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 0);
    sandbox.git(&["switch", "--quiet", "main"]);
    sandbox.task("t-2", "Do more", &["--kind", "chore"]);
    sandbox.git(&["merge", "--quiet", "--squash", "work"]);
    sandbox.git(&["commit", "--quiet", "--no-edit"]);
    sandbox.show_git(&["show", "--format=", "--name-status", "HEAD"]);
    sandbox.orch(&["next", "--limit", "9"]);
    transcript!(sandbox);
}

#[test]
fn work_that_was_taken_back_does_not_count_as_good_and_the_next_attempt_is_told() {
    let sandbox = Sandbox::with(&[agent("echo $ORCH_TASK > made.txt")]);
    for id in ["t-1", "t-2", "t-3"] {
        sandbox.task(id, "Do it", &["--kind", "chore"]);
        assert_eq!(sandbox.quietly(&["step", "--task", id]).code, 0);
        assert_eq!(sandbox.quietly(&["undo"]).code, 0);
    }
    sandbox.orch(&["status"]);
    sandbox.orch(&["trends"]);
    sandbox.quietly(&["unblock", "t-1"]);
    sandbox.orch(&["prompt", "t-1"]);
    assert_eq!(sandbox.quietly(&["step", "--task", "t-1"]).code, 0);
    let said = sandbox.quietly(&["status"]).stdout;
    assert!(said.contains("25 % of recent steps accepted"), "{said}");
    assert_eq!(sandbox.quietly(&["fsck"]).code, 0);
    transcript!(sandbox);
}
