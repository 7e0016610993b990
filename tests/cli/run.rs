//! `orch run`: steps until idle or a limit.

use crate::sandbox::{Sandbox, agent, agent_with, gate, send, table};
use crate::transcript;
use rustix::process::Signal;
use std::io::{BufRead as _, BufReader};

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
    send(&run, Signal::INT);
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

#[test]
fn who_waits_goes_on_after_a_step_that_could_not_land() {
    let others = "echo x > $ORCH_TASK; case $ORCH_TASK in t-2) \
         ORCH_TEST_CLOCK=2026-11-20T11:00:00Z orch -C \"$HOME/../repo\" cancel t-2 --reason 'not any more' >&2;; esac";
    let project = || {
        let sandbox = Sandbox::with(&[agent(others)]);
        for id in ["t-1", "t-2", "t-3"] {
            sandbox.task(id, "Do it", &["--kind", "chore"]);
        }
        sandbox
    };
    let sandbox = project();
    assert_eq!(sandbox.orch(&["run", "--wait"]).code, 10);
    transcript!(sandbox);
    let said = project().quietly(&["run", "--wait", "--max-steps", "2"]);
    assert_eq!((said.code, said.stdout.contains("t-3")), (0, false), "what is lost counts: {}", said.stdout);
}

/// A project in which the second task costs more than is left of the day.
fn spent() -> Sandbox {
    let sandbox = Sandbox::with(&[
        agent("echo x > $ORCH_TASK; printf 'cost_usd: 1.0\\n' > \"$ORCH_OUTCOME\""),
        table("budget", "day_usd = 1.0"),
    ]);
    for id in ["t-1", "t-2"] {
        sandbox.task(id, "Do it", &["--kind", "chore"]);
    }
    sandbox
}

#[test]
fn who_waits_goes_on_when_the_time_has_come_that_was_told() {
    let sandbox = spent();
    assert_eq!(sandbox.orch(&["run"]).code, 13);
    assert_eq!(sandbox.orch(&["run", "--wait", "--for", "1h"]).code, 13);
    assert_eq!(sandbox.orch(&["run", "--wait", "--max-cost", "0"]).code, 13);
    assert_eq!(sandbox.orch(&["run", "--wait"]).code, 10);
    transcript!(sandbox);
}

#[test]
fn what_it_may_spend_holds_within_a_step_too() {
    const STEP: &str = "cost_usd = 1.2\ncost_usd = 0.4\ncost_usd = 0.4\ncost_usd = 0.4\n";
    for jobs in [1, 2] {
        let sandbox = Sandbox::with(&[
            agent("echo x >> done; echo 'cost_usd: 0.4' > \"$ORCH_OUTCOME\""),
            gate("test", "false"),
            table("policy", "max_attempts = 9"),
        ]);
        sandbox.task("t-1", "Do it", &["--kind", "chore"]);
        let said = sandbox.quietly(&["run", "--jobs", &jobs.to_string(), "--max-cost", "1"]);
        assert_eq!(said.code, 13, "{}", said.stderr);
        let records = sandbox.git(&["grep", "-h", "^cost_usd", "HEAD", "--", ".orchestrator/runs"]);
        // A worker that had begun before another one's step ended may spend what was left then.
        let steps = records.matches(STEP).count();
        assert!((1..=jobs).contains(&steps), "{records}");
        assert_eq!(records, STEP.repeat(steps));
    }
}

#[test]
fn what_it_may_spend_counts_no_tokens_without_a_price_which_is_told() {
    let sandbox = Sandbox::with(&[agent("echo x > done; echo 'tokens: {input: 7}' > \"$ORCH_OUTCOME\"")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    let said = sandbox.quietly(&["run", "--max-cost", "1"]);
    assert!(said.stderr.contains("`--max-cost` does not count the 7 tokens of"), "{}", said.stderr);
}

/// A project in which somebody works on the first of two tasks of the same files until they may go on.
fn held() -> (Sandbox, std::process::Child) {
    let hold = "touch \"$HOME/$ORCH_TASK.here\"; case $ORCH_TASK in t-1) \
        until test -e \"$HOME/go-on\"; do sleep 0.01; done;; esac; echo x > $ORCH_TASK";
    let sandbox = Sandbox::with(&[agent_with(hold, "timeout = \"60s\"\nmax_parallel = 4")]);
    for id in ["t-1", "t-2"] {
        sandbox.task(id, "Do it", &["--kind", "chore", "--file", "src/api/**"]);
    }
    // It has a slot of its own, as another clone on this machine would have.
    let somebody = sandbox.start(&["step", &format!("--job=9:{}:never:", std::process::id())]);
    sandbox.wait_for(&sandbox.signal("t-1.here"));
    (sandbox, somebody)
}

#[test]
fn who_waits_for_others_takes_what_they_leave() {
    for (jobs, to_type) in [("1", "type `orch run --wait`"), ("2", "type `orch run --jobs 2 --wait`")] {
        let (sandbox, mut somebody) = held();
        let said = sandbox.quietly(&["run", "--jobs", jobs]);
        assert_eq!(said.code, 12);
        assert!(said.stderr.contains(to_type), "{}", said.stderr);
        let said = sandbox.quietly(&["run", "--jobs", jobs, "--wait", "--for", "30s"]);
        assert_eq!(said.code, 0, "{}", said.stderr);
        let mut run = sandbox.start(&["run", "--jobs", jobs, "--wait", "--format", "jsonl"]);
        let lines = BufReader::new(run.stdout.take().expect("a pipe")).lines();
        let waits = |line: &String| line.contains("\"event\":\"run.waiting\"");
        let mut told = lines.map_while(Result::ok).inspect(|line| {
            if waits(line) {
                std::fs::write(sandbox.signal("go-on"), "").expect("written");
            }
        });
        assert!(told.by_ref().any(|line| waits(&line)));
        assert!(told.last().is_some_and(|line| line.contains("everything is done")));
        assert_eq!(run.wait().expect("it ends").code(), Some(10));
        assert!(somebody.wait().expect("it ends").success());
    }
}

#[test]
fn an_interrupt_ends_the_wait_at_once() {
    for jobs in ["1", "2"] {
        let (sandbox, mut somebody) = held();
        let mut run = sandbox.start(&["run", "--jobs", jobs, "--wait", "--format", "jsonl"]);
        let mut lines = BufReader::new(run.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("\"event\":\"run.waiting\"")));
        send(&run, Signal::INT);
        for _ in lines {}
        assert_eq!(run.wait().expect("it ends").code(), Some(130));
        std::fs::write(sandbox.signal("go-on"), "").expect("written");
        assert!(somebody.wait().expect("it ends").success());
    }
}

#[test]
fn the_first_interrupt_lets_a_hook_come_to_its_end_as_well() {
    let sandbox = project();
    sandbox.program(
        ".git/hooks/pre-commit",
        "#!/bin/sh\ntouch \"$HOME/at-work\"; while test ! -f \"$HOME/go-on\"; do sleep 0.01; done; sleep 0.3\n",
    );
    let run = sandbox.start(&["run"]);
    sandbox.wait_for(&sandbox.signal("at-work"));
    send(&run, Signal::INT);
    std::fs::write(sandbox.signal("go-on"), "").expect("written");
    assert_eq!(sandbox.ended(&["run"], run).code, 130);
    assert_eq!(sandbox.read("done"), "t-1\n", "{}", sandbox.transcript());
    assert!(sandbox.transcript().contains("1 step, 1 accepted; interrupted"), "{}", sandbox.transcript());
}

#[test]
fn what_a_run_may_spend_is_all_that_its_steps_hold_of_a_budget_of_the_day() {
    let hold = "touch \"$HOME/$ORCH_TASK.here\"; case $ORCH_TASK in t-1) \
        until test -e \"$HOME/go-on\"; do sleep 0.01; done;; esac; echo x > $ORCH_TASK";
    let parts = [agent_with(hold, "timeout = \"60s\"\nmax_parallel = 4"), table("budget", "day_usd = 20")];
    let sandbox = Sandbox::with(&parts);
    for id in ["t-1", "t-2"] {
        sandbox.task(id, "Do it", &["--kind", "chore", "--file", &format!("{id}/**")]);
    }
    let mut somebody = sandbox.start(&["step", &format!("--job=9:{}:never:0.5", std::process::id())]);
    sandbox.wait_for(&sandbox.signal("t-1.here"));
    let said = sandbox.quietly(&["step"]);
    std::fs::write(sandbox.signal("go-on"), "").expect("a file");
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(somebody.wait().expect("it ends").success());
}
