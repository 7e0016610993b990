//! `orch run --jobs`: several steps at once, and what becomes of them when something is killed.

use crate::sandbox::{Sandbox, agent, agent_with, gate, table};
use crate::transcript;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader};
use std::process::Child;

/// Says that it is there and waits for whoever is named.
const ARRIVE: &str = "touch \"$HOME/$ORCH_TASK.here\"; ";
/// Notes itself and the orch that it works for, and waits until it may go on.
const HOLD: &str = "echo $$ $PPID > \"$HOME/$ORCH_TASK.pids\"; touch \"$HOME/$ORCH_TASK.here\"; \
    until test -e \"$HOME/go-on\"; do sleep 0.01; done; echo x > $ORCH_TASK";

/// A line of shell that waits for a signal of the test's home.
fn until(signal: &str) -> String {
    format!("until test -e \"$HOME/{signal}\"; do sleep 0.01; done; ")
}

fn project(script: &str, tasks: &[&str]) -> Sandbox {
    let sandbox = Sandbox::with(&[
        agent_with(script, "timeout = \"60s\"\nmax_parallel = 4"),
        gate("test", "! grep -q bad README"),
    ]);
    for id in tasks {
        sandbox.task(id, "Do it", &["--kind", "chore"]);
    }
    sandbox
}

fn data(said: &crate::sandbox::Said) -> serde_json::Value {
    serde_json::from_str::<serde_json::Value>(&said.stdout).expect("a document")["data"].clone()
}

/// Nothing is left of any step: no lease, no journal, no process; and the history is sound.
fn is_tidy(sandbox: &Sandbox) {
    assert_eq!(sandbox.git(&["for-each-ref", "refs/orch/leases"]), "");
    assert!(!sandbox.has(".git/orch/journal.json"));
    let slots = std::fs::read_dir(sandbox.repo().join(".git/orch/slots")).expect("slots").flatten();
    let journals: Vec<_> =
        slots.filter(|entry| entry.path().extension().is_some_and(|e| e == "json")).collect();
    assert!(journals.is_empty(), "{journals:?}");
    let fsck = sandbox.quietly(&["fsck"]);
    assert_eq!(fsck.code, 0, "{}{}", fsck.stdout, fsck.stderr);
}

/// The processes that an agent noted: its own and its orch's.
fn pids(sandbox: &Sandbox, task: &str) -> [i32; 2] {
    sandbox.wait_for(&sandbox.signal(&format!("{task}.here")));
    let text = std::fs::read_to_string(sandbox.signal(&format!("{task}.pids"))).expect("written");
    let mut numbers = text.split_whitespace().map(|number| number.parse().expect("a number"));
    [numbers.next().expect("its own"), numbers.next().expect("its orch's")]
}

fn lives(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

fn send(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).expect("a process"), signal).expect("it is alive");
}

fn number(child: &Child) -> i32 {
    i32::try_from(child.id()).expect("a process")
}

#[test]
fn steps_are_at_work_at_the_same_time() {
    let tasks = ["t-1", "t-2", "t-3", "t-4"];
    let meet: String = tasks.iter().map(|task| until(&format!("{task}.here"))).collect();
    // The run only ends if all four are at work at once.
    let sandbox = project(&format!("{ARRIVE}{meet}echo x > $ORCH_TASK"), &tasks);
    let said = sandbox.quietly(&["run", "--jobs", "4", "--json"]);
    assert_eq!(said.code, 10, "{}{}", said.stdout, said.stderr);
    assert_eq!(data(&said)["accepted"], 4);
    is_tidy(&sandbox);
    for task in tasks {
        assert!(sandbox.has(task), "the work tree follows");
    }
    assert_eq!(sandbox.git(&["log", "--merges", "--oneline"]), "", "the history is a line");
}

#[test]
fn a_task_that_becomes_runnable_is_begun_while_others_are_at_work() {
    // The long one waits for the last of a chain, which the other worker goes through meanwhile.
    let script = format!(
        "{ARRIVE}case $ORCH_TASK in long) {};; esac; echo x > $ORCH_TASK",
        until("c-3.here").trim_end_matches("; ")
    );
    let sandbox = project(&script, &["long"]);
    sandbox.task("c-1", "Begin", &["--kind", "chore"]);
    sandbox.task("c-2", "Go on", &["--kind", "chore", "--depends-on", "c-1"]);
    sandbox.task("c-3", "End", &["--kind", "chore", "--depends-on", "c-2"]);
    let said = sandbox.quietly(&["run", "--jobs", "2", "--json"]);
    assert_eq!((said.code, &data(&said)["accepted"]), (10, &4.into()), "{}", said.stderr);
    is_tidy(&sandbox);
}

#[test]
fn tasks_that_touch_the_same_files_are_not_at_work_at_once() {
    let script = format!(
        "{ARRIVE}case $ORCH_TASK in \
         t-1) {}orch -C \"$HOME/../repo\" next --limit 5 > \"$HOME/next\"; touch \"$HOME/t-1.done\";; \
         t-2) test -e \"$HOME/t-1.done\" || touch \"$HOME/clash\";; \
         esac; echo x > $ORCH_TASK",
        until("t-3.here")
    );
    let sandbox = project(&script, &[]);
    sandbox.task("t-1", "Limit", &["--kind", "chore", "--file", "src/api/**"]);
    sandbox.task("t-2", "Burst", &["--kind", "chore", "--file", "src/api/burst.rs"]);
    sandbox.task("t-3", "Describe", &["--kind", "chore", "--file", "docs/**"]);
    let said = sandbox.quietly(&["run", "--jobs", "3", "--json"]);
    assert_eq!((said.code, &data(&said)["accepted"]), (10, &3.into()), "{}", said.stderr);
    assert!(!sandbox.signal("clash").exists(), "t-2 began before t-1 had ended");
    is_tidy(&sandbox);
}

#[test]
fn what_has_to_wait_says_for_what() {
    let sandbox = project(HOLD, &[]);
    sandbox.task("t-1", "Limit", &["--kind", "chore", "--file", "src/api/**"]);
    sandbox.task("t-2", "Burst", &["--kind", "chore", "--file", "src/api/burst.rs"]);
    let run = sandbox.start(&["run", "--jobs", "2", "--quiet"]);
    pids(&sandbox, "t-1");
    // Another step has a slot of its own, as that of another clone on this machine would have.
    let job = format!("--job=9:{}:never:", std::process::id());
    let said = sandbox.quietly(&["step", &job]);
    assert_eq!(said.code, 12);
    assert!(said.stderr.contains("task `t-2` touches files of `t-1` (`src/api/**`)"), "{}", said.stderr);
    let said = sandbox.quietly(&["next"]);
    assert_eq!(said.code, 11, "{}", said.stdout);
    assert!(said.stdout.contains("touches files of `t-1`"), "{}", said.stdout);
    std::fs::write(sandbox.signal("go-on"), "").expect("written");
    assert_eq!(sandbox.ended(&["run", "--jobs", "2", "--quiet"], run).code, 10);
    is_tidy(&sandbox);
}

#[test]
fn a_profile_has_no_more_sessions_than_it_may() {
    let sandbox = Sandbox::with(&[agent(HOLD)]);
    for id in ["t-1", "t-2"] {
        sandbox.task(id, "Do it", &["--kind", "chore"]);
    }
    let run = sandbox.start(&["run", "--jobs", "2", "--quiet"]);
    pids(&sandbox, "t-1");
    let job = format!("--job=9:{}:never:", std::process::id());
    let said = sandbox.orch(&["step", &job.replace(&std::process::id().to_string(), "1")]);
    assert_eq!(said.code, 143, "a worker whose run has gone does nothing");
    let said = sandbox.quietly(&["step", &job]);
    assert_eq!(said.code, 13);
    assert!(said.stderr.contains("all agents that may take it are at work"), "{}", said.stderr);
    std::fs::write(sandbox.signal("go-on"), "").expect("written");
    assert_eq!(sandbox.ended(&["run", "--jobs", "2", "--quiet"], run).code, 10);
    is_tidy(&sandbox);
    transcript!(sandbox);
}

#[test]
fn what_steps_at_work_may_spend_is_gone_from_the_budget() {
    let more = |budget: &str| {
        let more = "timeout = \"60s\"\nmax_parallel = 4";
        let sandbox = Sandbox::with(&[agent_with(HOLD, more), table("budget", budget)]);
        for id in ["t-1", "t-2"] {
            sandbox.task(id, "Do it", &["--kind", "chore"]);
        }
        sandbox
    };
    let sandbox = more("day_usd = 1.0");
    let run = sandbox.start(&["run", "--jobs", "2", "--quiet"]);
    pids(&sandbox, "t-1");
    let job = format!("--job=9:{}:never:", std::process::id());
    let said = sandbox.quietly(&["step", &job]);
    assert_eq!(said.code, 13, "{}", said.stderr);
    let fact = "`budget.day_usd` is spent: $1.00 of $1.00, with what steps at work may spend";
    assert!(said.stderr.contains(fact), "{}", said.stderr);
    std::fs::write(sandbox.signal("go-on"), "").expect("written");
    // Once it is known that the first one cost nothing, the second one may.
    assert_eq!(sandbox.ended(&["run"], run).code, 10);

    let sandbox = more("day_usd = 1.0\nstep_usd = 0.5");
    let run = sandbox.start(&["run", "--jobs", "2", "--quiet"]);
    pids(&sandbox, "t-1");
    pids(&sandbox, "t-2");
    std::fs::write(sandbox.signal("go-on"), "").expect("written");
    assert_eq!(sandbox.ended(&["run"], run).code, 10);
}

#[test]
fn limits_hold_over_all_of_them() {
    let sandbox = project("echo x > $ORCH_TASK", &["t-1", "t-2", "t-3", "t-4"]);
    let said = sandbox.quietly(&["run", "--jobs", "3", "--max-steps", "2", "--json"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let data = data(&said);
    assert_eq!((data["steps"].as_array().map(Vec::len), &data["accepted"]), (Some(2), &2.into()));
    assert_eq!(data["ended_because"], "the limit of steps is reached");
    let said = sandbox.quietly(&["run", "--jobs", "2", "--max-steps", "0"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (0, "0 steps, 0 accepted; the limit of steps is reached\n")
    );
    is_tidy(&sandbox);
}

#[test]
fn the_first_interrupt_lets_all_come_to_their_end() {
    let sandbox = project(HOLD, &["t-1", "t-2", "t-3"]);
    let run = sandbox.start(&["run", "--jobs", "2", "--json"]);
    pids(&sandbox, "t-1");
    pids(&sandbox, "t-2");
    send(number(&run), Signal::INT);
    std::fs::write(sandbox.signal("go-on"), "").expect("written");
    let said = run.wait_with_output().expect("it ends");
    assert_eq!(said.status.code(), Some(130), "{}", String::from_utf8_lossy(&said.stderr));
    assert!(sandbox.has("t-1") && sandbox.has("t-2") && !sandbox.has("t-3"));
    is_tidy(&sandbox);
}

#[test]
fn the_second_interrupt_ends_all_and_keeps_what_they_made() {
    let sandbox = project(&format!("echo half > $ORCH_TASK; {HOLD}"), &["t-1", "t-2"]);
    let mut run = sandbox.start(&["run", "--jobs", "2"]);
    let agents = [pids(&sandbox, "t-1"), pids(&sandbox, "t-2")];
    send(number(&run), Signal::INT);
    // It says that it has understood; only then is another one another one.
    let mut talk = BufReader::new(run.stderr.take().expect("a pipe")).lines();
    assert!(talk.any(|line| line.expect("talk").contains("once more ends them now")));
    assert!(agents.iter().all(|[agent, _]| lives(*agent)), "they go on");
    send(number(&run), Signal::INT);
    let rest: Vec<String> = talk.map_while(Result::ok).collect();
    assert_eq!(run.wait().expect("it ends").code(), Some(130), "{rest:?}");
    assert!(agents.iter().flatten().all(|pid| !lives(*pid)), "nobody survives");
    let kept = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch/attempts"]);
    assert_eq!(kept.lines().count(), 2, "{kept}");
    for (kept, task) in kept.lines().zip(["t-1", "t-2"]) {
        assert_eq!(sandbox.git(&["show", &format!("{kept}:{task}")]), "half\n");
    }
    is_tidy(&sandbox);
}

#[test]
fn a_run_that_is_killed_takes_its_steps_with_it_and_the_next_one_goes_on() {
    let sandbox = project(HOLD, &["t-1", "t-2"]);
    let mut run = sandbox.start(&["run", "--jobs", "2"]);
    let agents = [pids(&sandbox, "t-1"), pids(&sandbox, "t-2")];
    run.kill().expect("it is alive");
    run.wait().expect("it has ended");
    // Nobody has to come and look: the steps end by themselves.
    sandbox.wait_until("all have ended", || agents.iter().flatten().all(|pid| !lives(*pid)));
    is_tidy(&sandbox);
    std::fs::write(sandbox.signal("go-on"), "").expect("written");
    let said = sandbox.quietly(&["run", "--jobs", "2", "--json"]);
    assert_eq!((said.code, &data(&said)["accepted"]), (10, &2.into()), "{}", said.stderr);
    is_tidy(&sandbox);
}

#[test]
fn a_step_that_is_killed_takes_nothing_from_the_others_and_is_taken_up_again() {
    let sandbox = project(HOLD, &["t-1", "t-2"]);
    let run = sandbox.start(&["run", "--jobs", "2", "--json"]);
    let [agent, orch] = pids(&sandbox, "t-1");
    let [other, _] = pids(&sandbox, "t-2");
    for name in ["t-1.here", "t-1.pids"] {
        std::fs::remove_file(sandbox.signal(name)).expect("it is there");
    }
    send(orch, Signal::KILL);
    let [again, _] = pids(&sandbox, "t-1");
    assert!(again != agent && !lives(agent), "its agent does not survive it");
    assert!(lives(other), "the other one goes on");
    std::fs::write(sandbox.signal("go-on"), "").expect("written");
    let said = run.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(10), "{told}");
    assert!(told.contains("its process ended without a word (signal 9)"), "{told}");
    assert!(told.contains("recovered: run "), "{told}");
    assert_eq!(
        sandbox
            .git(&["log", "--format=%(trailers:key=Orch-Outcome,valueonly,separator=)"])
            .matches("accepted")
            .count(),
        2
    );
    is_tidy(&sandbox);
}

#[test]
fn two_runs_of_several_jobs_are_not_at_work_in_one_clone() {
    let sandbox = project(HOLD, &["t-1"]);
    let run = sandbox.start(&["run", "--jobs", "2", "--quiet"]);
    pids(&sandbox, "t-1");
    assert_eq!(sandbox.orch(&["run", "--jobs", "2"]).code, 12);
    assert_eq!(sandbox.orch(&["step"]).code, 12);
    assert_eq!(sandbox.orch(&["run", "--jobs", "0"]).code, 2);
    assert_eq!(sandbox.orch(&["run", "--jobs", "2", "--in-place"]).code, 2);
    std::fs::write(sandbox.signal("go-on"), "").expect("written");
    assert_eq!(sandbox.ended(&["run", "--jobs", "2", "--quiet"], run).code, 10);
    transcript!(sandbox);
}

#[test]
fn programs_are_told_whose_step_each_event_is_of() {
    let sandbox = project("echo x > $ORCH_TASK", &["t-1", "t-2"]);
    let said = sandbox.quietly(&["--format", "jsonl", "run", "--jobs", "2"]);
    assert_eq!((said.code, said.stderr.as_str()), (10, ""));
    let events: Vec<serde_json::Value> =
        said.stdout.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let landed = events.iter().filter(|event| event["event"] == "step.landed");
    assert!(landed.clone().all(|event| event["job"].is_u64()) && landed.count() == 2);
    assert_eq!(events.last().expect("an end")["data"]["accepted"], 2);
}

#[test]
fn a_run_whose_steps_all_lose_their_landing_says_so() {
    let script =
        "echo x > $ORCH_TASK; orch -C \"$HOME/../repo\" cancel $ORCH_TASK --reason 'not any more' >&2";
    let tasks: Vec<String> = (1..=8).map(|n| format!("t-{n}")).collect();
    let sandbox = project(script, &tasks.iter().map(String::as_str).collect::<Vec<_>>());
    let said = sandbox.quietly(&["run", "--jobs", "2", "--json"]);
    assert_eq!(said.code, 12, "{}{}", said.stdout, said.stderr);
    let why = data(&said)["ended_because"].as_str().unwrap_or_default().to_owned();
    assert!(why.starts_with("branch `main` moved: "), "{why}");
    is_tidy(&sandbox);
}

#[test]
fn a_reviewer_has_no_more_sessions_at_one_time_than_it_may_have() {
    let eyes = "mkdir \"$HOME/here\" || touch \"$HOME/crowded\"; sleep 0.3; rm -r \"$HOME/here\"; \
                printf 'review: {verdict: approve}\\n' > $ORCH_OUTCOME";
    let worker =
        agent_with("echo x > $ORCH_TASK", "max_parallel = 3").replace("capability = 10", "capability = 5");
    let reviewer = agent_with(eyes, "").replace("name = \"script\"", "name = \"eyes\"");
    let sandbox = Sandbox::with(&[table("policy", "review = \"agent\""), worker, reviewer]);
    for id in ["t-1", "t-2", "t-3"] {
        sandbox.task(id, "Do it", &["--kind", "chore", "--complexity", "3"]);
    }
    let said = sandbox.quietly(&["run", "--jobs", "3"]);
    assert_eq!(said.code, 10, "{}", said.stderr);
    assert!(!sandbox.signal("crowded").exists(), "{}", said.stderr);
}
