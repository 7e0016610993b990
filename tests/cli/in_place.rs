//! `orch step --in-place`: the agent works in the work tree itself.

use crate::sandbox::{Sandbox, agent, gate, table};
use crate::transcript;

/// A project with one task, whose agent is a line of shell.
fn project(script: &str, more: &[String]) -> Sandbox {
    let sandbox = Sandbox::with(&[&[agent(script)], more].concat());
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox
}

fn show_where_it_stands(sandbox: &Sandbox) {
    sandbox.show_git(&["status", "--short", "--branch"]);
    sandbox.show_git(&["log", "--format=%s"]);
    sandbox.show_git(&["for-each-ref", "--format=%(refname) %(contents:subject)", "refs/orch"]);
    sandbox.show_git(&["diff", "--stat", "HEAD"]);
}

#[test]
fn accepted_work_is_where_it_was_made() {
    let sandbox = project("echo new >> src/code; test -d .git && echo here", &[gate("test", "test -d .git")]);
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 0);
    show_where_it_stands(&sandbox);
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\nnew\n");
    transcript!(sandbox);
}

#[test]
fn rejected_work_is_kept_and_the_tree_is_at_the_new_tip() {
    let sandbox = project(
        "echo bad >> src/code; rm README; echo junk > junk",
        &[gate("test", "exit 1"), table("policy", "max_attempts = 1")],
    );
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 20);
    show_where_it_stands(&sandbox);
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\n");
    assert!(sandbox.has("README") && !sandbox.has("junk"));
    transcript!(sandbox);
}

#[test]
fn a_tree_that_is_not_clean_is_refused_before_the_agent_runs() {
    let sandbox = project("touch \"$HOME/ran\"; echo new >> src/code", &[]);
    sandbox.write("untracked", "mine\n");
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 31);
    std::fs::remove_file(sandbox.repo().join("untracked")).expect("removed");
    sandbox.write("src/code", "mine\n");
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 31);
    sandbox.git(&["add", "src/code"]);
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 31);
    assert!(!sandbox.signal("ran").exists());
    assert_eq!(sandbox.read("src/code"), "mine\n");
    transcript!(sandbox);
}

#[test]
fn build_caches_stay_and_do_not_land() {
    let sandbox = project("cat cache/x > seen; echo more >> cache/x", &[]);
    sandbox.write(".gitignore", "cache/\n");
    sandbox.commit("ignore");
    sandbox.write("cache/x", "warm\n");
    assert_eq!(sandbox.orch(&["step", "--in-place", "--quiet"]).code, 0);
    assert_eq!(sandbox.read("cache/x"), "warm\nmore\n");
    sandbox.show_git(&["show", "--format=", "--name-status", "HEAD"]);
    transcript!(sandbox);
}

#[test]
fn what_a_gate_writes_in_place_does_not_land() {
    let sandbox = project("echo new > new", &[gate("test", "echo junk > junk; echo junk >> src/code")]);
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 0);
    show_where_it_stands(&sandbox);
    transcript!(sandbox);
}

#[test]
fn an_agent_that_commits_by_itself_in_place_is_judged_by_its_files() {
    let sandbox =
        project("echo new > new; git add new; git commit --quiet -m 'my own'; echo late > late", &[]);
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 0);
    show_where_it_stands(&sandbox);
    transcript!(sandbox);
}

#[test]
fn an_agent_that_commits_by_itself_and_is_rejected_loses_nothing() {
    let sandbox = project(
        "echo new > new; git add new; git commit --quiet -m 'my own'",
        &[gate("test", "exit 1"), table("policy", "max_attempts = 1")],
    );
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 20);
    show_where_it_stands(&sandbox);
    assert!(!sandbox.has("new"));
    transcript!(sandbox);
}

#[test]
fn an_agent_that_edits_the_state_in_place_is_rejected_and_the_state_is_back() {
    let sandbox = project(
        "echo new > new; rm -r .orchestrator/tasks; echo '# mine' >> .orchestrator/config.toml",
        &[table("policy", "max_attempts = 1")],
    );
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 20);
    show_where_it_stands(&sandbox);
    transcript!(sandbox);
}

#[test]
fn interrupted_in_place_the_work_is_kept_and_the_tree_is_at_the_new_tip() {
    let sandbox = project("echo half > half; touch \"$HOME/at-work\"; exec sleep 600", &[]);
    let step = sandbox.start(&["step", "--in-place"]);
    sandbox.wait_for(&sandbox.signal("at-work"));
    rustix::process::kill_process(rustix::process::Pid::from_child(&step), rustix::process::Signal::INT)
        .expect("it is alive");
    assert_eq!(sandbox.ended(&["step", "--in-place"], step).code, 130);
    show_where_it_stands(&sandbox);
    transcript!(sandbox);
}

#[test]
fn killed_in_place_the_next_command_keeps_the_work_and_puts_the_tree_back() {
    let sandbox = project("echo half > half; rm README; touch \"$HOME/at-work\"; exec sleep 600", &[]);
    let step = sandbox.start(&["step", "--in-place"]);
    sandbox.wait_for(&sandbox.signal("at-work"));
    rustix::process::kill_process(rustix::process::Pid::from_child(&step), rustix::process::Signal::KILL)
        .expect("it is alive");
    sandbox.ended(&["step", "--in-place"], step);
    sandbox.orch(&["next"]);
    show_where_it_stands(&sandbox);
    transcript!(sandbox);
}
