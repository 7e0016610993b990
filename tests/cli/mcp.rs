//! `orch mcp` as an agent or an editor uses it: lines of JSON-RPC on standard input and output.

use crate::sandbox::{Sandbox, agent, table};
use serde_json::{Value, json};

/// Asks these methods in turn, and returns the answers.
fn conversation(sandbox: &Sandbox, asked: &[(&str, Value)]) -> Vec<Value> {
    let lines: Vec<String> = asked
        .iter()
        .enumerate()
        .map(|(id, (method, params))| {
            json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string() + "\n"
        })
        .collect();
    let said = sandbox.fed(&["mcp"], lines.concat().as_bytes());
    assert_eq!(said.code, 0, "{}", said.stderr);
    said.stdout.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn call(tool: &str, arguments: &Value) -> (&'static str, Value) {
    ("tools/call", json!({"name": tool, "arguments": arguments}))
}

#[test]
fn an_editor_reads_and_writes_tasks_and_notes() {
    let sandbox = Sandbox::with(&[agent("true")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "a test", "version": "1"}});
    let said = conversation(
        &sandbox,
        &[
            ("initialize", hello),
            ("tools/list", json!({})),
            call("next", &json!({})),
            call("task_add", &json!({"title": "--help", "kind": "bug", "depends_on": ["t-1"], "body": "-x"})),
            call("note", &json!({"kind": "decision", "text": "Errors are values", "topic": "style"})),
            call("task_list", &json!({})),
            call("task_show", &json!({"id": "t-1"})),
            call("status", &json!({})),
            call("task_show", &json!({"id": "t-none"})),
            call("task_add", &json!({"title": "x", "run": "touch ran"})),
            call("approve", &json!({"id": "t-1"})),
        ],
    );
    assert_eq!(said.len(), 11);
    assert_eq!(said[0]["result"]["serverInfo"]["name"], "orch");
    let names: Vec<&str> = said[1]["result"]["tools"]
        .as_array()
        .expect("tools")
        .iter()
        .filter_map(|tool| tool["name"].as_str())
        .collect();
    assert_eq!(
        names,
        ["status", "auth_status", "next", "task_list", "task_show", "task_add", "note", "plan_propose"]
    );
    for answer in &said[2..8] {
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        assert!(answer["result"]["structuredContent"]["data"].is_object(), "{answer}");
    }
    for answer in &said[8..10] {
        assert_eq!(answer["result"]["isError"], true, "{answer}");
    }
    assert_eq!(said[10]["error"]["code"], -32602);
    let log = sandbox.git(&["log", "--format=%s", "-3"]);
    assert!(log.contains("orch: add ") && log.contains("--help") && log.contains("note"), "{log}");
    let tasks = sandbox.quietly(&["list", "--json"]).stdout;
    assert!(tasks.contains("--help"), "{tasks}");
}

#[test]
fn hostile_lines_end_nothing_and_change_nothing() {
    let sandbox = Sandbox::with(&[agent("true")]);
    let before = sandbox.git(&["rev-parse", "HEAD"]);
    let mut input =
        b"\n{\n\xff\xfe\n[]\nnull\n\"x\"\n{\"id\":1}\n{\"jsonrpc\":\"2.0\",\"method\":\"exit\"}\n".to_vec();
    input.extend(b"[".repeat(50_000));
    input.push(b'\n');
    input.extend(b"x".repeat((1 << 20) + 7));
    input.extend(b"\n{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"ping\"}");
    let said = sandbox.fed(&["mcp"], &input);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let answers: Vec<Value> =
        said.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let codes: Vec<_> = answers.iter().filter_map(|answer| answer["error"]["code"].as_i64()).collect();
    let expected = [-32700, -32700, -32600, -32600, -32600, -32600, -32700, -32600];
    assert_eq!(codes, expected, "{}", said.stdout);
    let ids: Vec<&Value> = answers[..8].iter().map(|answer| answer.get("id").expect("an id")).collect();
    assert!(
        ids.iter().enumerate().all(|(at, id)| **id == if at == 5 { json!(1) } else { json!(null) }),
        "{ids:?}"
    );
    assert_eq!(answers[8..], [json!({"jsonrpc": "2.0", "id": 9, "result": {}})]);
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), before);
}

/// A step whose agent asks `orch mcp`, at this level.
fn an_agent_proposes(level: &str) {
    let sandbox = Sandbox::on_disk();
    sandbox.lend("bwrap");
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a test", "version": "1"}});
    let lines = [
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}),
        json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "note", "arguments": {"kind": "learning", "text": "it was hard"}}}),
        json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "task_add", "arguments": {"title": "Make it easy", "kind": "refactor"}}}),
        json!({"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": {"name": "plan_propose", "arguments": {"tasks": [{"title": "Then rest"}]}}}),
        json!({"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {"name": "task_list", "arguments": {}}}),
    ];
    let asked: String = lines.iter().map(|line| format!("{line}\n")).collect();
    sandbox.write("asked", &asked);
    let profile = agent("orch mcp <asked >answered; cat answered; echo two >made")
        .replace("\"none\"", &format!("\"{level}\""));
    sandbox.configure(&[profile, table("policy", "max_attempts = 1")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    let said = sandbox.quietly(&["step"]);
    if said.code == 30 && std::env::var_os("ORCH_NEED_SANDBOX").is_none() {
        return;
    }
    assert_eq!(said.code, 0, "{}", said.stderr);
    let answers: Vec<Value> =
        sandbox.read("answered").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers.len(), 5, "{answers:?}");
    assert!(answers[1..].iter().all(|answer| answer["result"]["isError"] == false), "{level}: {answers:?}");
    let landed = sandbox.git(&["show", "--format=%B", "HEAD", "--", ".orchestrator"]);
    for wanted in
        ["it was hard", "Make it easy", "Then rest", "status = \"proposed\"", "Orch-Outcome: accepted"]
    {
        assert!(landed.contains(wanted), "{wanted}: {landed}");
    }
    assert_eq!(sandbox.git(&["log", "--format=%s"]).lines().count(), 4, "one commit is the step's");
}

#[test]
fn what_a_step_would_not_take_up_is_refused_while_it_can_be_mended() {
    let sandbox = Sandbox::with(&[]);
    let ask = |tool: &str, arguments: &Value| json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a test", "version": "1"}});
    let lines = [
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}),
        ask("note", &json!({"kind": "nonsense", "text": "x"})),
        ask("note", &json!({"kind": "learning", "text": " "})),
        ask("task_add", &json!({"title": "Bad", "depends_on": ["nope"]})),
        ask("task_add", &json!({"title": "Hard", "complexity": 11})),
        ask("plan_propose", &json!({"tasks": [{"title": "Odd", "kind": "odd"}]})),
        ask(
            "plan_propose",
            &json!({"tasks": [{"title": "Dig", "key": "dig"}, {"title": "Fill", "depends_on": ["dig", "t-1"]}]}),
        ),
        ask("task_add", &json!({"title": "Plant", "kind": "chore", "depends_on": ["Fill"]})),
    ];
    sandbox.write("asked", &lines.map(|line| format!("{line}\n")).concat());
    sandbox.configure(&[agent("orch mcp <asked >answered; echo two >made")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    let said = sandbox.quietly(&["step"]);
    assert!(said.code == 0 && !said.stderr.contains("warning"), "{}", said.stderr);
    let answers = sandbox.read("answered");
    let told: Vec<(bool, String)> = answers
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .map(|answer: Value| {
            let result = &answer["result"];
            (result["isError"] == true, result["content"][0]["text"].as_str().unwrap_or_default().to_owned())
        })
        .collect();
    let refused: Vec<&str> = told[..5].iter().filter(|told| told.0).map(|told| told.1.as_str()).collect();
    assert_eq!(
        refused,
        [
            "`kind` is not one of decision, constraint, hypothesis, learning",
            "nothing is proposed: a note has no text",
            "nothing is proposed: `Bad` depends on `nope`, which is not there",
            "nothing is proposed: the follow-up `Hard` has complexity 10: 11 is not from 1 to 10",
            "nothing is proposed: the follow-up `Odd` is a chore: unknown kind `odd`",
        ]
    );
    assert!(told[5..].iter().all(|told| !told.0), "{told:?}");
    let landed = sandbox.git(&["show", "--format=", "HEAD", "--", ".orchestrator/tasks"]);
    for title in ["Dig", "Fill", "Plant"] {
        assert!(landed.contains(&format!("+title = \"{title}\"")), "{landed}");
    }
}

#[test]
fn what_an_agent_proposes_lands_with_its_step() {
    an_agent_proposes("none");
}

#[test]
fn what_an_agent_proposes_from_behind_walls_lands_too() {
    an_agent_proposes("bwrap");
    an_agent_proposes("landlock");
}
