//! `orch route` and `orch estimate`, and that a step does what they say.

use crate::sandbox::{Sandbox, gate, table};
use crate::transcript;

/// A profile that costs something: its agent writes how much it used.
fn profile(name: &str, capability: u8, scale: f64) -> String {
    format!(
        "\n[[agent]]\nname = \"{name}\"\nadapter = \"command\"\n\
         command = [\"sh\", \"-c\", '''echo $ORCH_RUN >> {name}; printf 'tokens: {{input: 40000, output: 10000}}\\ncost_usd: {scale}\\n' > \"$ORCH_OUTCOME\"''']\n\
         capability = {capability}\ncontext_window = 200000\n\
         price = {{ input = {scale}, cached = {}, output = {} }}\n",
        scale / 10.0,
        scale * 5.0
    )
}

fn project(gates: &str) -> Sandbox {
    let sandbox = Sandbox::with(&[
        profile("large", 10, 10.0),
        profile("small", 4, 0.5),
        profile("middle", 7, 2.0),
        gate("test", gates),
        table("policy", "max_attempts = 1"),
    ]);
    sandbox.task("easy", "Add a flag", &["--complexity", "3"]);
    sandbox.task("hard", "Design the wire format", &[]);
    sandbox
}

#[test]
fn every_candidate_is_shown_with_its_reason_and_the_step_does_it() {
    let sandbox = project("true");
    sandbox.orch(&["route"]);
    sandbox.orch(&["route", "hard"]);
    sandbox.orch(&["route", "hard", "--agent", "small"]);
    sandbox.orch(&["route", "easy", "--json"]);
    sandbox.orch(&["route", "gone"]);
    assert_eq!(sandbox.quietly(&["step", "--task", "hard"]).code, 0);
    let run =
        sandbox.git(&["diff-tree", "--no-commit-id", "--name-only", "-r", "HEAD", ".orchestrator/runs"]);
    let record = sandbox.read(run.trim());
    for key in ["agent = ", "chosen_because = ", "estimated_tokens = "] {
        sandbox.note(record.lines().find(|line| line.starts_with(key)).unwrap_or(key));
    }
    transcript!(sandbox);
}

#[test]
fn what_is_rejected_goes_to_a_stronger_profile() {
    let sandbox = project("test -e middle");
    for expected in [20, 0] {
        assert_eq!(sandbox.quietly(&["step", "--task", "easy"]).code, expected);
    }
    sandbox.show_git(&["log", "-3", "--format=%s | %(trailers:key=Orch-Agent,valueonly,separator=%x20)"]);
    sandbox.task("other", "Add another flag", &["--complexity", "3"]);
    sandbox.orch(&["route", "other"]);
    transcript!(sandbox);
}

#[test]
fn a_task_that_is_too_large_is_held_and_others_go_on() {
    let sandbox = project("true");
    let files: Vec<String> = (0..30).map(|n| format!("src/{n}.rs")).collect();
    let flags: Vec<&str> = files.iter().flat_map(|file| ["--file", file.as_str()]).collect();
    sandbox.task("huge", "Change everything", &[&["--priority", "0"], flags.as_slice()].concat());
    sandbox.orch(&["estimate", "huge"]);
    sandbox.orch(&["route", "huge"]);
    sandbox.orch(&["step"]);
    sandbox.orch(&["show", "huge"]);
    transcript!(sandbox);
}

#[test]
fn an_estimate_says_how_good_such_estimates_were() {
    let sandbox = project("true");
    sandbox.orch(&["estimate", "hard"]);
    for n in 0..12 {
        sandbox.task(&format!("t{n}"), "Add a flag", &["--complexity", "3"]);
        assert_eq!(sandbox.quietly(&["step", "--task", &format!("t{n}")]).code, 0);
    }
    sandbox.orch(&["estimate", "easy"]);
    let said = sandbox.quietly(&["estimate", "easy", "--json"]);
    let read: serde_json::Value = serde_json::from_str(&said.stdout).expect("one document");
    assert_eq!(read["data"]["accuracy"]["count"], 12);
    assert_eq!(read["data"]["estimate"]["samples"], 12);
    sandbox.orch(&["estimate", "gone"]);
    transcript!(sandbox);
}
