//! What other programs are told beside answers: metrics, traces, and talk as objects.

use crate::sandbox::{Sandbox, agent, gate};
use serde_json::Value;

const TOLD: &str =
    "touch done; printf 'tokens: {input: 100, cached: 20, output: 5}\\ncost_usd: 0.25\\n' >\"$ORCH_OUTCOME\"";

fn after_a_step() -> (Sandbox, String) {
    let sandbox = Sandbox::with(&[agent(TOLD), gate("test", "echo 3 passed")]);
    sandbox.task("t-1", "Say hello", &[]);
    sandbox.task("t-2", "Wait for it", &["--depends-on", "t-1"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    let said = sandbox.quietly(&["log", "--json"]).stdout;
    let log: Value = serde_json::from_str(&said).expect("a document");
    let run = log["data"]["steps"][0]["run"].as_str().expect("a run").to_owned();
    (sandbox, run)
}

#[test]
fn the_state_of_affairs_is_told_as_metrics() {
    let (sandbox, _) = after_a_step();
    let said = sandbox.quietly(&["status", "--format", "openmetrics"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stdout.ends_with("\n# EOF\n"), "{}", said.stdout);
    for line in [
        "orch_tasks{state=\"done\"} 1",
        "orch_tasks{state=\"ready\"} 1",
        "orch_steps{period=\"day\",accepted=\"true\"} 1",
        "orch_tokens{period=\"month\",kind=\"cached\"} 20",
        "orch_cost_usd{period=\"day\"} 0.25",
    ] {
        assert!(said.stdout.lines().any(|each| each == line), "{line}\n{}", said.stdout);
    }
    let refused = sandbox.quietly(&["list", "--format", "openmetrics"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("only `orch status` has"), "{}", refused.stderr);
}

#[test]
fn a_run_is_told_as_a_trace() {
    let (sandbox, run) = after_a_step();
    let said = sandbox.quietly(&["show", &run, "--format", "otlp"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(sandbox.quietly(&["show", "t-1", "--format", "otlp"]).stdout, said.stdout);
    let trace: Value = serde_json::from_str(&said.stdout).expect("a document");
    let spans = trace["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("spans");
    let value = |span: &Value, key: &str| {
        let attributes = span["attributes"].as_array().expect("attributes");
        attributes.iter().find(|each| each["key"] == key).map(|each| each["value"].clone())
    };
    let root = &spans[0];
    assert_eq!(value(root, "orch.outcome").expect("an outcome")["stringValue"], "accepted");
    for span in &spans[1..] {
        assert_eq!((&span["traceId"], &span["parentSpanId"]), (&root["traceId"], &root["spanId"]));
        assert_eq!(span["spanId"].as_str().map(str::len), Some(16));
    }
    let session = spans.iter().find(|span| span["name"] == "invoke_agent script").expect("a session");
    assert_eq!(value(session, "gen_ai.usage.input_tokens").expect("tokens")["intValue"], "120");
    assert_eq!(value(session, "gen_ai.operation.name").expect("a name")["stringValue"], "invoke_agent");
    assert!(spans.iter().any(|span| span["name"] == "orch.gate test"));
    assert_eq!(sandbox.quietly(&["show", "t-2", "--format", "otlp"]).code, 0);
}

/// Every line of talk, which has to be an object with a time and a severity.
fn talk(stderr: &str) -> Vec<(String, String)> {
    let word = |object: &Value, key: &str| object[key].as_str().unwrap_or_default().to_owned();
    let read = |line: &str| {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(word(&object, "time").starts_with("2026-11-20T"), "{line}");
        assert_ne!(object["level"], object["severity"], "{line}");
        (word(&object, "severity"), word(&object, "event"))
    };
    stderr.lines().map(read).collect()
}

#[test]
fn talk_is_one_object_a_line_where_a_log_is_wanted() {
    let sandbox = Sandbox::with(&[agent("touch done-$ORCH_TASK")]);
    for id in ["t-1", "t-2", "t-3"] {
        sandbox.task(id, "Say hello", &[]);
    }
    let step = sandbox.quietly(&["step", "--log-format", "json"]);
    assert!(step.stdout.contains("accepted: all gates passed"), "{}", step.stdout);
    let told = talk(&step.stderr);
    for event in ["task.selected", "agent.finished", "step.landed", "hint"] {
        assert!(told.contains(&("info".to_owned(), event.to_owned())), "{event}: {told:?}");
    }
    let jobs = sandbox.with_env("ORCH_LOG_FORMAT", "json", &["run", "--jobs", "2"]);
    let landed = talk(&jobs.stderr).into_iter().filter(|(_, event)| event == "step.landed").count();
    assert_eq!((jobs.code, landed), (10, 2), "{}", jobs.stderr);
    let wrong = sandbox.quietly(&["show", "nothing", "--log-format", "json"]);
    assert_eq!(talk(&wrong.stderr)[0], ("error".to_owned(), "error".to_owned()));
    let quiet = sandbox.quietly(&["list", "-q", "--log-format", "json"]);
    assert_eq!(quiet.stderr, "");
}
