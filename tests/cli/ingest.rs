//! `orch ingest`: issues that come by webhook.

use crate::sandbox::{Sandbox, agent};
use crate::transcript;
use std::fs;
use std::path::Path;

const SECRET: &str = "a secret of the forge and us";

fn payload(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/imports/forge").join(name);
    fs::read_to_string(path).expect("a fixture")
}

fn with_secret() -> (Sandbox, String) {
    let sandbox = Sandbox::with(&[agent("true")]);
    sandbox.write(".git/secret", &format!("{SECRET}\n"));
    (sandbox, ".git/secret".to_owned())
}

#[test]
fn an_issue_becomes_a_task_once_and_changes_it_later() {
    let sandbox = Sandbox::with(&[agent("true")]);
    let first = payload("gitlab.json");
    assert_eq!(sandbox.orch_reading(&["ingest", "--unsigned"], &first).code, 0);
    sandbox.show(".orchestrator/tasks/gl-23.toml");
    assert_eq!(sandbox.orch_reading(&["ingest", "--unsigned"], &first).code, 0);
    let later = first.replace("Warn about unused rules", "Refuse unused rules");
    assert_eq!(sandbox.orch_reading(&["ingest", "--unsigned"], &later).code, 0);
    let closed = later.replace("\"opened\"", "\"closed\"");
    assert_eq!(sandbox.orch_reading(&["ingest", "--unsigned", "--json"], &closed).code, 0);
    sandbox.show_git(&["log", "--format=%s"]);
    transcript!(sandbox);
}

#[test]
fn what_an_issue_depends_on_may_have_come_earlier() {
    let sandbox = Sandbox::with(&[agent("true")]);
    let issue = |number: u32, body: &str| {
        format!(
            r#"{{"issue": {{"number": {number}, "title": "T", "state": "open", "body": "{body}", "node_id": "I"}},
                "repository": {{"full_name": "acme/api"}}}}"#
        )
    };
    let first = issue(1, "- Complexity: 2\\n- Priority: low");
    assert_eq!(sandbox.orch_reading(&["ingest", "--unsigned"], &first).code, 0);
    let second = issue(2, "- Complexity: 2\\n- Priority: low\\n- Depends on: #1, #9");
    assert_eq!(sandbox.orch_reading(&["ingest", "--unsigned"], &second).code, 0);
    sandbox.show(".orchestrator/tasks/gh-2.toml");
    transcript!(sandbox);
}

#[test]
fn a_payload_that_is_not_proved_to_be_the_forges_changes_nothing() {
    let (sandbox, secret) = with_secret();
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    let payload = payload("gitea.json");
    let forged = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert_eq!(sandbox.orch_reading(&["ingest"], &payload).code, 2);
    assert_eq!(sandbox.orch_reading(&["ingest", "--signature", forged], &payload).code, 2);
    let with_file = ["ingest", "--secret-file", &secret, "--signature", forged];
    assert_eq!(sandbox.orch_reading(&with_file, &payload).code, 3);
    let token = ["ingest", "--secret-file", &secret, "--token", "a secret of nobody"];
    assert_eq!(sandbox.orch_reading(&token, &payload).code, 3);
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), head);
    let right = ["ingest", "--secret-file", &secret, "--token", SECRET, "--delivery", "d-1"];
    assert_eq!(sandbox.orch_reading(&right, &payload).code, 0);
    // The same delivery with other bytes: whoever saw it once cannot use its name again.
    assert_eq!(sandbox.orch_reading(&right, &payload.replace("docs:", "feat:")).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_short_secret_holds_with_a_warning_and_metadata_is_sure() {
    let sandbox = Sandbox::with(&[agent("true")]);
    sandbox.write(".git/secret", "short");
    let arguments =
        ["ingest", "--secret-file", ".git/secret", "--token", "short", "--forge", "github", "--json"];
    let issue = r#"{"action": "opened", "repository": {"full_name": "acme/api"}, "issue": {"number": 42,
        "title": "Crash on empty name", "body": "**Complexity:** 3\n**Kind:** bug\n", "state": "open"}}"#;
    let said = sandbox.fed(&arguments, issue.as_bytes());
    let answer: serde_json::Value = serde_json::from_str(&said.stdout).expect("a document");
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert!(answer["warnings"].to_string().contains("it may be guessed"), "{answer}");
    let confidence = answer["data"]["task"]["estimate"]["confidence"].as_f64().expect("a number");
    assert!(confidence >= 0.95, "{answer}");
    assert!(sandbox.read(".orchestrator/tasks/gh-42.toml").contains("\nconfidence = 0.95\n"));
}

#[test]
fn an_event_that_is_about_something_else_is_nothing_to_do() {
    let sandbox = Sandbox::with(&[agent("true")]);
    for payload in [r#"{"ref": "refs/heads/main", "commits": []}"#, r#"{"zen": "Keep it simple."}"#] {
        assert_eq!(sandbox.orch_reading(&["ingest", "--unsigned"], payload).code, 0);
    }
    assert_eq!(sandbox.orch_reading(&["ingest", "--unsigned"], "{\"issue\": ").code, 3);
    transcript!(sandbox);
}

/// An issue with this body.
fn issue(action: &str, body: &str) -> String {
    let body = body.replace('\n', "\\n");
    format!(
        r#"{{"action": "{action}", "repository": {{"full_name": "acme/api"}}, "issue": {{"number": 42,
            "title": "Limit requests", "body": "{body}", "state": "open", "node_id": "I"}}}}"#
    )
}

#[test]
fn an_issue_that_is_opened_again_is_a_task_again() {
    let sandbox = Sandbox::with(&[agent("true")]);
    let body = "**Complexity:** 3\n**Kind:** bug";
    let closed = |action: &str| issue(action, body).replace("\"open\"", "\"closed\"");
    let dropped = closed("closed").replace("\"node_id\"", "\"state_reason\": \"not_planned\", \"node_id\"");
    // An edit of an issue that is still open opens nothing again.
    for payload in [issue("opened", body), closed("closed"), issue("edited", body), issue("reopened", body)] {
        assert_eq!(sandbox.orch_reading(&["ingest", "--unsigned"], &payload).code, 0);
    }
    let again = issue("reopened", body).replace("\"number\"", "\"id\": 2, \"number\"");
    for payload in [dropped, again] {
        assert_eq!(sandbox.orch_reading(&["ingest", "--unsigned"], &payload).code, 0);
    }
    let task = sandbox.read(".orchestrator/tasks/gh-42.toml");
    assert!(task.contains("status = \"pending\"") && !task.contains("reason"), "{task}");
    transcript!(sandbox);
}

#[test]
fn what_an_issue_says_of_its_size_counts_now_and_later() {
    let sandbox = Sandbox::with(&[agent("true")]);
    let bodies = [
        "Limit them.",
        "**Complexity:** 2\n**Docs:** none\n**Tests:** low\n**Files:** a.rs",
        "**Complexity:** 2\n**Docs:** heavy\n**Tests:** high\n**Files:** a.rs",
        "**Complexity:** 2\n**Docs:** heavy\n**Tests:** high\n**Files:** a.rs\n**Estimated tokens:** 90000",
        "",
    ];
    for body in bodies {
        for change in ["changed", "none"] {
            // The bytes are others, the issue is the same.
            let said = sandbox.fed(&["ingest", "--unsigned", "--json"], issue(change, body).as_bytes());
            let answer: serde_json::Value = serde_json::from_str(&said.stdout).expect("a document");
            let told = answer["data"]["change"].as_str().expect("a word");
            assert_eq!(told == "none", change == "none", "{body}: {answer}");
        }
        let task = sandbox.read(".orchestrator/tasks/gh-42.toml");
        let (status, estimate) =
            (task.lines().find(|line| line.starts_with("status")), task.split("[estimate]"));
        let estimate = estimate.last().and_then(|text| text.split("\n[").next()).unwrap_or_default();
        sandbox.note(&format!("{body}\n=> {}{estimate}", status.unwrap_or_default()));
    }
    transcript!(sandbox);
}

#[test]
fn a_delivery_that_another_clone_took_in_is_not_taken_in_again() {
    let (mut sandbox, secret) = with_secret();
    let text = issue("opened", "**Complexity:** 2\n**Tests:** low");
    let arguments = |secret: &str| {
        ["ingest", "--secret-file", secret, "--token", SECRET, "--delivery", "d-1"].map(str::to_owned)
    };
    let ingest = |sandbox: &Sandbox, text: &str| {
        let all = arguments(&sandbox.root().join("repo").join(&secret).to_string_lossy());
        sandbox.fed(&all.each_ref().map(String::as_str), text.as_bytes())
    };
    let said = ingest(&sandbox, &text);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert_eq!(sandbox.quietly(&["edit", "gh-42", "--title", "A better title"]).code, 0);
    let clone = sandbox.root().join("clone");
    sandbox.git(&["clone", "--quiet", ".", &clone.to_string_lossy()]);
    sandbox.identify(&clone);
    sandbox.enter(clone);
    assert!(ingest(&sandbox, &text).stdout.contains("was taken in before"));
    let same_id = text.replace("Limit", "Refuse");
    assert!(ingest(&sandbox, &same_id).stdout.contains("was taken in before"));
    assert!(sandbox.read(".orchestrator/tasks/gh-42.toml").contains("A better title"));
    assert_eq!(sandbox.quietly(&["fsck"]).code, 0);
    sandbox.show_git(&["log", "-1", "--grep", "ingest", "--format=%B"]);
    transcript!(sandbox);
}
