//! Leases: who is at work on what is seen, respected, and forgotten.

use crate::sandbox::{Sandbox, agent};
use crate::transcript;

const LEASES: [&str; 3] = ["for-each-ref", "--format=%(refname) %(contents:subject)", "refs/orch/leases"];

/// Two tasks, of which the first is the first.
fn project(script: &str) -> Sandbox {
    let sandbox = Sandbox::with(&[agent(script)]);
    sandbox.task("t-1", "First", &["--kind", "chore", "--priority", "1"]);
    sandbox.task("t-2", "Second", &["--kind", "chore"]);
    sandbox
}

/// Leaves a lease as it would have been seen elsewhere.
fn plant(sandbox: &Sandbox, task: &str, taken: &str, until: &str) {
    let message = format!(
        "orch({task}): taken by build-7\n\nOrch-Task: {task}\nOrch-Run: 01JDOTHER\nOrch-Agent: sonnet\n\
         Orch-Holder: build-7\nOrch-Renewals: 0\nOrch-Taken: {taken}\nOrch-Until: {until}\n"
    );
    let commit = sandbox.git(&["commit-tree", "-p", "HEAD", "-m", &message, "HEAD^{tree}"]);
    sandbox.git(&["update-ref", &format!("refs/orch/remotes/origin/leases/{task}"), commit.trim()]);
}

#[test]
fn who_is_at_work_is_seen_and_leaves_nothing_behind() {
    let sandbox = project(
        "git --git-dir=\"$HOME/../repo/.git\" for-each-ref --format='%(contents)' refs/orch/leases > \"$HOME/seen\"; \
         ORCH_TEST_CLOCK=2026-11-20T10:10:00Z orch -C \"$HOME/../repo\" list --json > \"$HOME/list\"; echo new > new",
    );
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    let read = |name| std::fs::read_to_string(sandbox.signal(name)).expect("the agent looked");
    let lease = read("seen");
    assert!(lease.starts_with("orch(t-1): taken by ") && lease.contains("\nOrch-Agent: script\n"), "{lease}");
    assert!(read("list").contains(r#""status":"in_progress""#), "{}", read("list"));
    assert_eq!(sandbox.git(&LEASES), "");
}

#[test]
fn a_task_that_somebody_works_on_is_left_to_them() {
    let sandbox = project("echo new > new");
    plant(&sandbox, "t-1", "2026-11-20T10:00:00Z", "2026-11-20T10:15:00Z");
    sandbox.orch(&["list"]);
    assert_eq!(sandbox.orch(&["step", "--task", "t-1"]).code, 12);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    assert_eq!(sandbox.orch(&["step"]).code, 12);
    transcript!(sandbox);
}

#[test]
fn a_lease_that_nobody_renews_is_taken_over_and_the_record_says_why() {
    let sandbox = project("echo new > new");
    plant(&sandbox, "t-1", "2026-11-20T09:00:00Z", "2026-11-20T09:15:00Z");
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    let record = sandbox.git(&["log", "-1", "-p", "--format=%s", "--", ".orchestrator/runs"]);
    let line = record.lines().find(|line| line.starts_with("+took_over")).expect("the record says it");
    sandbox.note(line);
    assert_eq!(sandbox.git(&LEASES), "");
    transcript!(sandbox);
}

#[test]
fn a_lease_of_a_clock_that_was_far_ahead_is_taken_over() {
    let sandbox = project("echo new > new");
    plant(&sandbox, "t-1", "2026-11-23T10:00:00Z", "2026-11-23T10:15:00Z");
    assert_eq!(sandbox.orch(&["step", "--task", "t-1"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_lease_that_cannot_be_read_is_respected_until_it_is_old() {
    let sandbox = project("echo new > new");
    sandbox.git(&["update-ref", "refs/orch/remotes/origin/leases/t-1", "HEAD"]);
    assert_eq!(sandbox.orch(&["step", "--task", "t-1"]).code, 12);
    // Each command comes five minutes after the one before.
    while sandbox.quietly(&["list"]).code == 0 && sandbox.quietly(&["step", "--task", "t-1"]).code == 12 {}
    assert!(sandbox.git(&["log", "-1", "--format=%s"]).contains("t-1"));
    assert_eq!(sandbox.git(&LEASES), "");
    transcript!(sandbox);
}

#[test]
fn leases_that_cannot_be_read_are_each_one_even_if_they_are_the_same_commit() {
    let sandbox = project("echo new > new");
    for task in ["t-1", "t-2"] {
        sandbox.git(&["update-ref", &format!("refs/orch/remotes/origin/leases/{task}"), "HEAD"]);
    }
    assert_eq!(sandbox.orch(&["step"]).code, 12);
    assert_eq!(sandbox.orch(&["next"]).code, 11);
    transcript!(sandbox);
}

#[test]
fn a_lease_whose_step_has_ended_is_nobodys() {
    let sandbox = project("echo new > new");
    plant(&sandbox, "t-1", "2026-11-20T10:00:00Z", "2026-11-20T10:15:00Z");
    let lease = sandbox.git(&["rev-parse", "refs/orch/remotes/origin/leases/t-1"]);
    sandbox.git(&["update-ref", "refs/orch/leases/t-1", lease.trim()]);
    assert_eq!(sandbox.quietly(&["step", "--task", "t-1"]).code, 0);
    assert_eq!(sandbox.git(&LEASES), "");
}

#[test]
fn a_lock_that_a_killed_step_left_on_its_lease_is_gone_with_the_recovery() {
    let sandbox = project("kill -9 $PPID");
    sandbox.orch(&["step"]);
    let refs = sandbox.repo().join(".git/refs/orch/leases");
    // As if it had been killed within the very call that gives the task back.
    std::fs::remove_file(refs.join("t-1")).expect("the lease of the step that was killed");
    std::fs::write(refs.join("t-1.lock"), "").expect("a lock");
    sandbox.orch(&["step", "--task", "t-2"]);
    assert!(!refs.join("t-1.lock").exists());
}

#[test]
fn the_state_as_of_a_revision_is_told_without_asking_a_remote() {
    let sandbox = project("true");
    sandbox.git(&["remote", "add", "origin", "/nowhere/at-all.git"]);
    sandbox.git(&["update-ref", "refs/orch/remotes/origin/heads/main", "HEAD"]);
    let asked = "as of the last look";
    let told = sandbox.quietly(&["status"]);
    assert!(told.code == 0 && told.stderr.contains(asked), "{}", told.stderr);
    let told = sandbox.quietly(&["status", "--at", "HEAD"]);
    assert!(told.code == 0 && !told.stderr.contains(asked), "{}", told.stderr);
    let told = sandbox.quietly(&["status", "--at", "HEAD", "--fetch"]);
    assert!(told.code == 2 && told.stderr.contains("cannot be used with"), "{}", told.stderr);
}

#[test]
fn what_lies_among_leases_and_is_none_is_told_by_doctor_and_counts_for_nothing() {
    let sandbox = project("echo new > new");
    for name in ["evil", "t-2/sub"] {
        sandbox.git(&["update-ref", &format!("refs/orch/remotes/origin/leases/{name}"), "HEAD"]);
    }
    sandbox.git(&["update-ref", "refs/orch/remotes/origin/leases/t-1", "HEAD"]);
    let doctor = sandbox.quietly(&["doctor"]);
    assert!(doctor.stderr.contains("`git push origin :refs/orch/leases/evil`"), "{}", doctor.stderr);
    sandbox.orch(&["next"]);
    let status = sandbox.quietly(&["status"]);
    assert!(!status.stdout.contains("evil") && !status.stdout.contains("sub"), "{}", status.stdout);
    assert_eq!(sandbox.orch(&["step", "--task", "t-1"]).code, 12);
    assert_eq!(sandbox.orch(&["step", "--task", "t-2"]).code, 0);
    transcript!(sandbox);
}
