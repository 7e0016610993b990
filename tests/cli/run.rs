//! `orch run`: steps until idle or a limit.

use crate::sandbox::{Sandbox, agent, gate};
use crate::transcript;

fn project() -> Sandbox {
    let sandbox = Sandbox::with(&[agent("echo $ORCH_TASK >> done"), gate("test", "! grep -q bad done")]);
    for id in ["t-1", "t-2", "t-3"] {
        sandbox.task(id, "Do it", &["--kind", "chore"]);
    }
    sandbox
}

#[test]
fn it_goes_on_until_everything_is_done() {
    let sandbox = project();
    assert_eq!(sandbox.orch(&["run"]).code, 10);
    sandbox.show("done");
    sandbox.show_git(&["status", "--short"]);
    transcript!(sandbox);
}

#[test]
fn a_limit_of_its_own_ends_it_well() {
    let sandbox = project();
    assert_eq!(sandbox.orch(&["run", "--max-steps", "2", "--json"]).code, 0);
    assert_eq!(sandbox.orch(&["run", "--max-steps", "0"]).code, 0);
    sandbox.show("done");
    transcript!(sandbox);
}

#[test]
fn a_task_that_fails_does_not_keep_the_others_waiting_for_ever() {
    let sandbox = project();
    sandbox.task("bad", "Fail", &["--priority", "0", "--kind", "chore"]);
    let said = sandbox.orch(&["run", "--quiet"]);
    assert_eq!(said.code, 11);
    assert_eq!(sandbox.read("done"), "t-1\nt-2\nt-3\n");
    transcript!(sandbox);
}

#[test]
fn the_first_interrupt_lets_it_finish_its_step() {
    let sandbox = Sandbox::with(&[agent(
        "touch \"$HOME/at-work\"; while test ! -f \"$HOME/go-on\"; do sleep 0.01; done; echo x > $ORCH_TASK",
    )]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox.task("t-2", "Do it", &[]);
    let run = sandbox.start(&["run"]);
    sandbox.wait_for(&sandbox.signal("at-work"));
    rustix::process::kill_process(rustix::process::Pid::from_child(&run), rustix::process::Signal::INT)
        .expect("it is alive");
    std::fs::write(sandbox.signal("go-on"), "").expect("written");
    assert_eq!(sandbox.ended(&["run"], run).code, 130);
    sandbox.show_git(&["log", "--format=%s"]);
    transcript!(sandbox);
}

#[test]
fn what_was_done_is_told_although_a_later_step_could_not_land() {
    let sandbox = Sandbox::with(&[agent(
        "echo x > $ORCH_TASK; case $ORCH_TASK in t-2) \
         ORCH_TEST_CLOCK=2026-11-20T11:00:00Z orch -C \"$HOME/../repo\" cancel t-2 --reason 'not any more' >&2;; esac",
    )]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox.task("t-2", "Do it", &["--kind", "chore"]);
    assert_eq!(sandbox.orch(&["run"]).code, 12);
    transcript!(sandbox);
}

#[test]
fn an_error_before_any_step_is_an_error() {
    let sandbox = Sandbox::with(&[agent("exit 0")]);
    sandbox.write(".orchestrator/config.toml", "broken");
    sandbox.commit("broken");
    let said = sandbox.quietly(&["run", "--json"]);
    assert!(said.code == 3 && said.stdout.contains("\"errors\""), "{}", said.stdout);
}
