//! What a step has made is there until it has landed or is kept, whatever else tidies the repository.

use crate::sandbox::{Sandbox, agent, gate};

/// A project whose gate has git throw away all that nothing refers to, after `before` and before `after`.
fn tidied(before: &str, after: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let git = format!("git --git-dir='{}'", sandbox.repo().join(".git").display());
    let run = format!("{} && {git} prune --expire=now && {after}", before.replace("git", &git));
    sandbox.configure(&[agent("mkdir deep; echo 1 > deep/file; echo 2 > new"), gate("test", &run)]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox
}

/// Nothing is missing in the repository, and nothing is held any more.
fn assert_whole(sandbox: &Sandbox) {
    sandbox.git(&["fsck", "--connectivity-only"]);
    assert_eq!(sandbox.git(&["for-each-ref", "refs/orch/held"]), "");
}

#[test]
fn git_that_tidies_up_while_gates_run_takes_nothing_of_what_lands() {
    let sandbox = tidied("true", "true");
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    assert_whole(&sandbox);
    assert_eq!(sandbox.git(&["show", "HEAD:deep/file"]), "1\n");
    assert_eq!(sandbox.quietly(&["verify"]).code, 0);
}

#[test]
fn git_that_tidies_up_while_gates_run_takes_nothing_of_what_is_kept() {
    let sandbox = tidied("true", "false");
    assert_eq!(sandbox.quietly(&["step"]).code, 20);
    assert_whole(&sandbox);
    let kept = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch/attempts"]);
    assert_eq!(sandbox.git(&["show", &format!("{}:deep/file", kept.trim())]), "1\n");
}

#[test]
fn what_was_taken_all_the_same_does_not_land_and_is_kept_by_the_next_command() {
    let sandbox = tidied("git update-ref -d refs/orch/held/0", "true");
    let tip = sandbox.git(&["rev-parse", "HEAD"]);
    let said = sandbox.quietly(&["step"]);
    assert_eq!(said.code, 31, "{}", said.stderr);
    assert!(said.stderr.contains("the repository lacks"), "{}", said.stderr);
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), tip);
    assert_eq!(sandbox.quietly(&["list"]).code, 0);
    assert_whole(&sandbox);
    let kept = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch/attempts"]);
    assert_eq!(sandbox.git(&["show", &format!("{}:deep/file", kept.trim())]), "1\n");
}
