//! `orch step` where no work is judged: nothing to do, nobody to do it, interrupted, busy.

use crate::sandbox::{Sandbox, agent, gate, send, table};
use crate::transcript;
use rustix::process::Signal;

#[test]
fn nothing_to_do_is_idle() {
    let sandbox = Sandbox::with(&[agent("echo x > x")]);
    assert_eq!(sandbox.orch(&["step"]).code, 10);
    sandbox.task("t-1", "Do it", &[]);
    sandbox.orch(&["step", "--quiet"]);
    assert_eq!(sandbox.orch(&["step"]).code, 10);
    assert_eq!(sandbox.orch(&["step", "--ci"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn tasks_that_wait_are_not_idle() {
    let sandbox = Sandbox::with(&[agent("true")]);
    sandbox.task("a", "First", &[]);
    sandbox.task("b", "Second", &["--depends-on", "a"]);
    sandbox.orch(&["block", "a", "--reason", "needs a key"]);
    assert_eq!(sandbox.orch(&["step"]).code, 11);
    assert_eq!(sandbox.orch(&["step", "--task", "b"]).code, 11);
    assert_eq!(sandbox.orch(&["step", "--task", "a"]).code, 11);
    assert_eq!(sandbox.orch(&["step", "--task", "nowhere"]).code, 2);
    assert_eq!(sandbox.orch(&["step", "--ci"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn without_an_agent_nothing_runs() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-1", "Do it", &[]);
    assert_eq!(sandbox.orch(&["step"]).code, 30);
    assert_eq!(sandbox.orch(&["step", "--task", "t-1"]).code, 30);
    assert_eq!(sandbox.orch(&["next"]).code, 11);
    transcript!(sandbox);
}

#[test]
fn an_unknown_agent_is_an_invalid_request() {
    let sandbox = Sandbox::with(&[agent("true")]);
    // Also where there is nothing to do.
    assert_eq!(sandbox.orch(&["step", "--agent", "nobody"]).code, 3);
    sandbox.task("t-1", "Do it", &[]);
    assert_eq!(sandbox.orch(&["step", "--agent", "nobody"]).code, 3);
    assert_eq!(sandbox.orch(&["step", "--agent", "shell"]).code, 30);
    transcript!(sandbox);
}

#[test]
fn commands_that_are_not_trusted_do_not_run() {
    let sandbox =
        Sandbox::with(&[agent("touch \"$HOME/ran\"; echo x > x"), gate("test", "true")]).untrusted();
    sandbox.task("t-1", "Do it", &[]);
    assert_eq!(sandbox.orch(&["step"]).code, 30);
    assert_eq!(sandbox.orch(&["step", "--dry-run"]).code, 30);
    assert!(!sandbox.signal("ran").exists());
    sandbox.orch(&["trust", "--show"]);
    assert_eq!(sandbox.orch(&["step"]).code, 30);
    sandbox.orch(&["trust"]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn what_was_trusted_is_the_command_and_not_the_repository() {
    let sandbox = Sandbox::with(&[agent("echo x > x"), gate("test", "true")]).untrusted();
    sandbox.task("t-1", "Do it", &[]);
    sandbox.orch(&["trust"]);
    let text = sandbox.read(".orchestrator/config.toml").replace("'''true'''", "'''touch \"$HOME/ran\"'''");
    sandbox.write(".orchestrator/config.toml", &text);
    sandbox.commit("what a pull brings");
    assert_eq!(sandbox.orch(&["step"]).code, 30);
    sandbox.orch(&["trust", "--show"]);
    assert_eq!(sandbox.orch(&["step", "--trust", "--quiet"]).code, 0);
    assert!(sandbox.signal("ran").exists());
    transcript!(sandbox);
}

#[test]
fn an_unusable_configuration_is_named_with_what_was_meant() {
    let sandbox = Sandbox::with(&[table("policy", "max_atempts = 2")]);
    assert_eq!(sandbox.orch(&["step"]).code, 3);
    sandbox.configure(&[gate("test", "true") + "needs = [\"test\"]\n"]);
    assert_eq!(sandbox.orch(&["step"]).code, 3);
    sandbox.configure(&["[[".to_owned()]);
    assert_eq!(sandbox.orch(&["step"]).code, 3);
    transcript!(sandbox);
}

fn at_work() -> Sandbox {
    let sandbox = Sandbox::with(&[agent("echo half > half; touch \"$HOME/at-work\"; exec sleep 600")]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox
}

fn interrupted(signal: Signal) -> Sandbox {
    let sandbox = at_work();
    let step = sandbox.start(&["step"]);
    sandbox.wait_for(&sandbox.signal("at-work"));
    send(&step, signal);
    sandbox.ended(&["step"], step);
    sandbox.show_git(&["log", "-1", "--format=%B", "--name-status"]);
    sandbox.show_git(&["status", "--short"]);
    sandbox.show_git(&["for-each-ref", "--format=%(refname) %(contents:subject)", "refs/orch"]);
    sandbox.orch(&["next"]);
    sandbox
}

#[test]
fn an_interrupted_step_records_what_it_has_and_the_task_stays() {
    let sandbox = interrupted(Signal::INT);
    sandbox.show(".orchestrator/checkpoints/t-1/1.yaml");
    transcript!(sandbox);
}

#[test]
fn a_terminated_step_records_what_it_has_and_the_task_stays() {
    transcript!(interrupted(Signal::TERM));
}

#[test]
fn a_second_step_does_not_start_while_one_is_at_work() {
    let sandbox = at_work();
    let step = sandbox.start(&["step"]);
    sandbox.wait_for(&sandbox.signal("at-work"));
    assert_eq!(sandbox.orch(&["step"]).code, 12);
    assert_eq!(sandbox.orch(&["step", "--ci"]).code, 0);
    sandbox.orch(&["next"]);
    assert_eq!(sandbox.orch(&["add", "Meanwhile", "--id", "t-2"]).code, 0);
    send(&step, Signal::INT);
    assert_eq!(sandbox.ended(&["step"], step).code, 130);
    sandbox.show_git(&["log", "--format=%s"]);
    transcript!(sandbox);
}

#[test]
fn a_step_that_was_killed_is_recovered_by_the_next_command() {
    let sandbox = at_work();
    sandbox.killed(&["step"]);
    sandbox.orch(&["next"]);
    sandbox.show_git(&["status", "--short"]);
    sandbox.show_git(&["for-each-ref", "--format=%(refname) %(contents:subject)", "refs/orch"]);
    sandbox.orch(&["next"]);
    transcript!(sandbox);
}

#[test]
fn a_program_that_cannot_be_started_is_for_a_person_and_no_attempt_whatever_confines_it() {
    let profile = "\n[[agent]]\nname = \"script\"\nadapter = \"command\"\ncommand = [\"./tools/agent.sh\"]\n";
    let sandbox = Sandbox::new();
    sandbox.write("tools/agent.sh", "#!/bin/sh\necho x > made\n");
    sandbox.configure(&[profile.to_owned()]);
    sandbox.task("t-1", "Do it", &[]);
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    let said = sandbox.quietly(&["step"]);
    assert!(said.code == 30 && said.stderr.contains("missing: Permission denied"), "{}", said.stderr);
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), head, "no attempt is counted");
    sandbox.configure(&[format!("{profile}sandbox = \"none\"\n")]);
    let said = sandbox.quietly(&["step"]);
    assert!(said.code == 30 && said.stderr.contains("missing: Permission denied"), "{}", said.stderr);
}

#[test]
fn a_task_whose_steps_are_killed_each_time_is_not_run_for_ever() {
    let sandbox = at_work();
    sandbox.task("t-2", "Something else", &["--priority", "4"]);
    for _ in 0..3 {
        sandbox.killed(&["step", "--task", "t-1"]);
    }
    sandbox.orch(&["status"]);
    assert_eq!(sandbox.orch(&["step", "--task", "t-1"]).code, 11);
    sandbox.orch(&["show", "t-1"]);
    // Who unblocks it gives it as many steps again.
    assert_eq!(sandbox.orch(&["unblock", "t-1"]).code, 0);
    sandbox.orch(&["next"]);
    transcript!(sandbox);
}

#[test]
fn a_terminal_that_is_closed_ends_a_step_as_an_order_to_end_does() {
    transcript!(interrupted(Signal::HUP));
}

#[test]
fn without_a_home_folder_nothing_is_trusted_and_nothing_is_put_elsewhere() {
    let sandbox = Sandbox::with(&[]);
    let typed =
        format!("cd '{}' && HOME=here XDG_STATE_HOME= XDG_CONFIG_HOME= orch next", sandbox.repo().display());
    let told = sandbox.told("sh", &["-c", &typed]);
    assert_eq!(told.code, 1, "{}", told.stderr);
    assert!(told.stderr.contains("set `HOME`"), "{}", told.stderr);
    assert!(!sandbox.repo().join("here").exists());
}

/// A project whose workspaces are prepared by this.
fn prepared_by(setup: &str) -> Sandbox {
    let sandbox = Sandbox::with(&[agent("echo x > x"), table("workspace", &format!("setup = '{setup}'"))]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox
}

/// Nothing is left of a step that nobody began to work in.
fn is_as_before(sandbox: &Sandbox) {
    assert_eq!(sandbox.git(&["for-each-ref", "refs/orch"]), "");
    let said = sandbox.quietly(&["next"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{}", said.stdout);
}

#[test]
fn an_interrupt_while_the_workspace_is_prepared_is_one_and_nothing_is_left() {
    let sandbox = prepared_by("touch \"$HOME/at-work\"; exec sleep 600");
    let step = sandbox.start(&["step"]);
    sandbox.wait_for(&sandbox.signal("at-work"));
    send(&step, Signal::INT);
    let said = sandbox.ended(&["step"], step);
    assert_eq!(said.code, 130, "{}", said.stderr);
    assert!(!said.stderr.contains("mend"), "{}", said.stderr);
    is_as_before(&sandbox);
}

#[test]
fn of_a_workspace_that_cannot_be_prepared_nothing_is_left() {
    let sandbox = prepared_by("exit 3");
    let said = sandbox.quietly(&["step"]);
    assert_eq!(said.code, 30, "{}", said.stderr);
    assert!(said.stderr.contains("mend `setup`"), "{}", said.stderr);
    is_as_before(&sandbox);
}

#[test]
fn a_task_that_is_changed_and_not_committed_is_not_begun() {
    let sandbox = Sandbox::with(&[agent("touch \"$HOME/ran\"; echo x > x")]);
    sandbox.task("t-1", "Do it", &[]);
    let path = ".orchestrator/tasks/t-1.toml";
    assert_eq!(sandbox.orch(&["edit", "t-1", "--priority", "0", "--no-commit"]).code, 0);
    for arguments in [&["step"][..], &["run"]] {
        let said = sandbox.quietly(arguments);
        assert_eq!(said.code, 31, "{}", said.stderr);
        assert!(said.stderr.contains(&format!("are in the way: `{path}`")), "{}", said.stderr);
    }
    assert!(!sandbox.signal("ran").exists(), "nobody is paid for what cannot land");
    sandbox.commit("what I meant");
    // Git may write it otherwise than it keeps it.
    sandbox.write(path, &sandbox.read(path).replace('\n', "\r\n"));
    sandbox.git(&["config", "core.autocrlf", "true"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
}

#[test]
fn whoever_is_interrupted_while_a_gate_or_a_planner_works_is_told_so() {
    let hold = "if test -f \"$HOME/hold\"; then touch \"$HOME/at-work\"; exec sleep 600; fi";
    let sandbox = Sandbox::with(&[
        agent(&format!("echo x > $ORCH_TASK; {hold}")),
        gate("test", hold),
        table("policy", "review = \"human\""),
    ]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox.task("e-1", "Do much", &["--kind", "epic"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 23);
    std::fs::write(sandbox.signal("hold"), "").expect("written");
    // What was judged before is not judged again.
    sandbox.write("src/more", "x\n");
    sandbox.commit("meanwhile");
    for arguments in [["approve", "t-1"], ["split", "e-1"]] {
        let child = sandbox.start(&arguments);
        sandbox.wait_for(&sandbox.signal("at-work"));
        std::fs::remove_file(sandbox.signal("at-work")).expect("it is there");
        send(&child, Signal::INT);
        let said = sandbox.ended(&arguments, child);
        assert_eq!(said.code, 130, "{}{}", said.stdout, said.stderr);
        assert!(
            said.stdout.contains("interrupted") && !said.stderr.contains("orch reject"),
            "{}",
            said.stderr
        );
    }
}

#[test]
fn a_second_interrupt_leaves_nobody_at_work() {
    let sandbox = Sandbox::with(&[agent(
        "echo $$ > \"$HOME/pid\"; trap 'touch \"$HOME/asked\"' TERM; touch \"$HOME/at-work\"; while :; do sleep 0.02; done",
    )]);
    sandbox.task("t-1", "Do it", &[]);
    let step = sandbox.start(&["step"]);
    sandbox.wait_for(&sandbox.signal("at-work"));
    send(&step, Signal::INT);
    // It is asked to end, and does not.
    sandbox.wait_for(&sandbox.signal("asked"));
    send(&step, Signal::INT);
    let said = sandbox.ended(&["step"], step);
    assert_eq!(said.code, 130, "{}", said.stderr);
    let agent = std::fs::read_to_string(sandbox.signal("pid")).expect("a number");
    let agent = agent.trim().parse().ok().and_then(rustix::process::Pid::from_raw).expect("a process");
    sandbox.wait_until("the agent has ended", || rustix::process::test_kill_process(agent).is_err());
    assert_eq!(sandbox.quietly(&["next"]).code, 0);
}

#[test]
fn what_rejected_work_proposes_is_left_out_and_told() {
    let sandbox = Sandbox::with(&[
        agent("echo x > x; printf 'follow_ups: [{title: Go on}]\\n' > $ORCH_OUTCOME"),
        gate("test", "false"),
        table("policy", "max_attempts = 1"),
    ]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    let said = sandbox.quietly(&["step"]);
    assert_eq!(said.code, 20);
    let told = "1 follow-up is left out, as the work was not accepted";
    assert!(said.stderr.contains(told), "{}", said.stderr);
}
