//! `orch init`.

use crate::sandbox::Sandbox;
use crate::transcript;

#[test]
fn an_unborn_branch_gets_a_first_commit_of_nothing_but_the_state() {
    let sandbox = Sandbox::unborn();
    sandbox.write("staged", "mine\n");
    sandbox.git(&["add", "staged"]);
    sandbox.write("untracked", "mine too\n");
    sandbox.orch(&["init"]);
    sandbox.show_git(&["log", "--format=%s by %an", "--name-status"]);
    sandbox.show_git(&["status", "--short"]);
    sandbox.show(".orchestrator/config.toml");
    transcript!(sandbox);
}

#[test]
fn a_rust_project_gets_gates_that_fit_it_on_top_of_its_history() {
    let sandbox = Sandbox::new();
    sandbox.write("Cargo.toml", "[package]\nname = \"x\"\nversion = \"0.1.0\"\n");
    sandbox.write("Cargo.lock", "version = 4\n");
    sandbox.commit("a crate");
    sandbox.orch(&["init", "--dry-run"]);
    assert!(!sandbox.has(".orchestrator"), "a dry run writes nothing");
    sandbox.orch(&["init"]);
    sandbox.show_git(&["log", "--format=%s", "--name-status", "-1"]);
    sandbox.show_git(&["status", "--short"]);
    transcript!(sandbox);
}

#[test]
fn what_init_wrote_is_trusted_and_nothing_else() {
    let sandbox = Sandbox::new().untrusted();
    sandbox.write("Makefile", "test:\n\ttrue\n");
    sandbox.commit("make");
    sandbox.orch(&["init"]);
    sandbox.orch(&["trust", "--show"]);
    transcript!(sandbox);
}

#[test]
fn beginning_twice_changes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.orch(&["init"]);
    let before = sandbox.git(&["rev-parse", "HEAD"]);
    sandbox.orch(&["init"]);
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), before);
    transcript!(sandbox);
}

#[test]
fn a_folder_that_orch_did_not_write_is_refused_and_kept() {
    let sandbox = Sandbox::new();
    sandbox.write(".orchestrator/theirs", "not ours\n");
    sandbox.orch(&["init"]);
    assert_eq!(sandbox.read(".orchestrator/theirs"), "not ours\n");
    sandbox.show_git(&["log", "--format=%s"]);
    transcript!(sandbox);
}

#[test]
fn a_link_in_the_place_of_the_state_is_not_followed() {
    let sandbox = Sandbox::new();
    std::os::unix::fs::symlink("src", sandbox.repo().join(".orchestrator")).expect("a link");
    sandbox.orch(&["init"]);
    sandbox.show_git(&["status", "--short"]);
    assert!(!sandbox.has("src/config.toml"));
    transcript!(sandbox);
}

#[test]
fn a_state_that_was_written_but_not_committed_is_begun_with_as_it_is() {
    let sandbox = Sandbox::new().untrusted();
    sandbox.orch(&["init", "--no-commit"]);
    sandbox.orch(&["init", "--no-commit"]);
    let config = sandbox.read(".orchestrator/config.toml");
    sandbox.write(
        ".orchestrator/config.toml",
        &format!("{config}\n[[gate]]\nname = \"mine\"\nrun = \"true\"\n"),
    );
    sandbox.orch(&["next"]);
    sandbox.orch(&["init"]);
    sandbox.show_git(&["status", "--short"]);
    sandbox.show_git(&["log", "--format=%s", "--name-status", "-1"]);
    // It may be from elsewhere.
    sandbox.orch(&["trust", "--show"]);
    sandbox.orch(&["init"]);
    transcript!(sandbox);
}

#[test]
fn a_state_that_cannot_be_used_is_not_begun_with() {
    let sandbox = Sandbox::new();
    sandbox.write(".orchestrator/config.toml", "schema = 1\nagents = 3\n");
    assert_eq!(sandbox.orch(&["init"]).code, 3);
    sandbox.show_git(&["log", "--format=%s"]);
    transcript!(sandbox);
}

#[test]
fn a_branch_that_is_named_is_begun_on_and_no_other() {
    let sandbox = Sandbox::new();
    sandbox.git(&["branch", "other"]);
    let before = sandbox.git(&["rev-parse", "main"]);
    sandbox.orch(&["init", "--branch", "other"]);
    sandbox.orch(&["init", "--branch", "other"]);
    assert_eq!(sandbox.orch(&["init", "--branch", "none"]).code, 31);
    assert_eq!(sandbox.orch(&["init", "--branch", "other", "--no-commit"]).code, 0);
    assert_eq!(sandbox.git(&["rev-parse", "main"]), before);
    assert!(!sandbox.has(".orchestrator"));
    sandbox.show_git(&["log", "--format=%s", "other"]);
    sandbox.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(sandbox.quietly(&["init", "--branch", "main", "--no-commit"]).code, 2);
    assert_eq!(sandbox.orch(&["init", "--branch", "main"]).code, 0);
    assert_ne!(sandbox.git(&["rev-parse", "main"]), before);
    transcript!(sandbox);
}

#[test]
fn a_detached_head_has_no_branch_to_begin_on() {
    let sandbox = Sandbox::new();
    sandbox.git(&["checkout", "--quiet", "--detach"]);
    sandbox.orch(&["init"]);
    assert!(!sandbox.has(".orchestrator"));
    transcript!(sandbox);
}

#[test]
fn outside_of_a_repository_every_command_says_so() {
    let sandbox = Sandbox::nowhere();
    for command in [&["init"][..], &["next"], &["step"], &["add", "x"], &["undo"], &["step", "--json"]] {
        assert_eq!(sandbox.orch(command).code, 4);
    }
    transcript!(sandbox);
}

#[test]
fn without_a_project_every_command_says_how_to_begin() {
    let sandbox = Sandbox::new();
    for command in
        [&["next"][..], &["step"], &["add", "x"], &["prompt"], &["undo"], &["trust"], &["log"], &["verify"]]
    {
        assert_eq!(sandbox.orch(command).code, 4);
    }
    transcript!(sandbox);
}

#[test]
fn a_bare_repository_has_no_work_tree_to_begin_in() {
    let mut sandbox = Sandbox::new();
    let bare = sandbox.root().join("bare.git");
    sandbox.git(&["clone", "--quiet", "--bare", ".", &bare.to_string_lossy()]);
    sandbox.enter(bare);
    sandbox.orch(&["init"]);
    transcript!(sandbox);
}

#[test]
fn where_the_tools_of_the_gates_lie_is_named_where_it_is_set() {
    let sandbox = Sandbox::new();
    sandbox.write("Makefile", "test:\n\tcargo test\n");
    sandbox.commit("make");
    assert_eq!(sandbox.with_env("RUSTUP_HOME", "/usr/local/rustup", &["init"]).code, 0);
    assert!(sandbox.read(".orchestrator/config.toml").contains("env = [\"RUSTUP_HOME\"]"));
}
