//! `orch trends`, and what past runs do to prompts: trouble in the area, and replay.

use crate::sandbox::{Sandbox, gate, table};
use crate::transcript;

/// A project where every third task is rejected once.
fn project() -> Sandbox {
    let agent = "\n[[agent]]\nname = \"sonnet\"\nadapter = \"command\"\ncapability = 7\n\
        command = [\"sh\", \"-c\", '''echo $ORCH_RUN >> $ORCH_TASK; \
        printf 'tokens: {input: 30000, output: 5000}\\ncost_usd: 0.25\\n' > \"$ORCH_OUTCOME\"''']\n";
    let opus = "\n[[agent]]\nname = \"opus\"\nadapter = \"command\"\ncapability = 10\ncommand = [\"true\"]\n\
        price = { input = 5.0, cached = 0.5, output = 25.0 }\n";
    let sandbox = Sandbox::with(&[
        agent.to_owned(),
        opus.to_owned(),
        gate("test", "test ! -e bad || test $(grep -c . bad) -gt 1"),
        table("policy", "max_attempts = 1"),
    ]);
    for id in ["a", "b", "bad", "c", "d"] {
        sandbox.task(id, "Add a flag", &["--label", "cli"]);
    }
    sandbox
}

#[test]
fn a_week_is_summed_up_from_its_records() {
    let sandbox = project();
    sandbox.orch(&["trends"]);
    for (task, expected) in [("a", 0), ("b", 0), ("bad", 20)] {
        assert_eq!(sandbox.quietly(&["step", "--agent", "sonnet", "--task", task]).code, expected);
    }
    let before = sandbox.git(&["rev-parse", "HEAD~2"]);
    sandbox.orch(&["trends"]);
    sandbox.orch(&["trends", "--at", before.trim(), "--since", "2026-11-20"]);
    let said = sandbox.quietly(&["trends", "--json"]);
    let read: serde_json::Value = serde_json::from_str(&said.stdout).expect("one document");
    assert_eq!(read["data"]["all"]["judged"], 3);
    assert_eq!(read["data"]["all"]["accepted"], 2);
    assert_eq!(read["data"]["rejected_by"][0][0], "test");
    assert_eq!(read["data"]["saving"]["strongest"], "opus");
    sandbox.orch(&["trends", "--since", "yesterday"]);
    transcript!(sandbox);
}

#[test]
fn a_prompt_tells_of_trouble_in_the_area_and_can_be_rebuilt() {
    let sandbox = project();
    assert_eq!(sandbox.quietly(&["step", "--agent", "sonnet", "--task", "bad"]).code, 20);
    sandbox.orch(&["prompt", "c", "--explain"]);
    sandbox.orch(&["prompt", "c"]);
    assert_eq!(sandbox.quietly(&["step", "--agent", "sonnet", "--task", "c"]).code, 0);
    sandbox.quietly(&["note", "decision", "Flags have long names", "--task", "c"]);
    let records = sandbox.git(&["ls-files", ".orchestrator/runs"]);
    for record in records.lines() {
        let run = record.rsplit('/').next().unwrap_or_default().trim_end_matches(".toml");
        let said = sandbox.quietly(&["prompt", "--run", run, "--json"]);
        let read: serde_json::Value = serde_json::from_str(&said.stdout).expect("one document");
        assert_eq!(
            (said.code, &read["data"]["same"]),
            (0, &serde_json::Value::Bool(true)),
            "{}",
            said.stdout
        );
    }
    sandbox.orch(&["prompt", "--run", "01JD0000000000000000000000"]);
    transcript!(sandbox);
}

/// What `status`, `trends` and `agents` say of work that a person looks at.
fn told(sandbox: &Sandbox) -> (String, serde_json::Value, serde_json::Value, serde_json::Value) {
    let ask = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(&sandbox.quietly(arguments).stdout).expect("one document")
    };
    let status = ask(&["status", "--json"])["data"].take();
    let mode = format!("{}: {}", status["mode"], status["mode_because"]).replace('"', "");
    let trends = ask(&["trends", "--json"])["data"]["all"]["judged"].take();
    let agents = ask(&["agents", "--json"])["data"]["agents"][0]["runs"].take();
    (mode, status["health"]["accepted_percent"].clone(), trends, agents)
}

#[test]
fn work_that_a_person_looks_at_counts_once_and_as_the_person_had_it() {
    let agent = crate::sandbox::agent("echo $ORCH_RUN >> $ORCH_TASK.txt");
    let sandbox = Sandbox::with(&[agent, table("policy", "review = \"human\"")]);
    for (n, word) in ["approve"; 5].into_iter().chain(["reject"; 5]).enumerate() {
        let id = format!("t-{n}");
        sandbox.task(&id, "Do it", &[]);
        assert_eq!(sandbox.quietly(&["step", "--task", &id]).code, 23);
        if n == 0 {
            let waits = (told(&sandbox).0, told(&sandbox).2);
            assert_eq!(waits, ("balance: 0 judged runs say little".to_owned(), 0.into()));
        }
        assert_eq!(sandbox.quietly(&[word, &id]).code, 0);
        let expected = match n {
            4 => ("balance: 5 of the last 5 runs passed, 5 at the first attempt", 100.0, 5, 5),
            9 => ("stabilize: the last 3 runs were rejected", 50.0, 10, 10),
            _ => continue,
        };
        let (mode, accepted, judged, runs) = expected;
        assert_eq!(told(&sandbox), (mode.to_owned(), accepted.into(), judged.into(), runs.into()));
    }
    // What was turned down and done again counts as both.
    assert_eq!(sandbox.quietly(&["step", "--task", "t-9"]).code, 23);
    assert_eq!(sandbox.quietly(&["approve", "t-9"]).code, 0);
    assert_eq!((told(&sandbox).2, told(&sandbox).3), (11.into(), 11.into()));
}
