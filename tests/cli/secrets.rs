//! What an agent is told in confidence is nowhere to be read afterwards; what it leaves in place of its
//! outcome leads nowhere.

use crate::sandbox::{Sandbox, agent, gate, table};
use std::os::unix::fs::PermissionsExt as _;

/// A key of no known form.
const KEY: &str = "tell-n0body/this=one+ever";
/// The same in base64.
const IN_BASE64: &str = "dGVsbC1uMGJvZHkvdGhpcz1vbmUrZXZlcg";

/// A step whose agent is given a key, and says this.
fn told(script: &str, more: &[String]) -> Sandbox {
    let sandbox = Sandbox::new();
    let profile = format!("{}env = [\"A_KEY\"]\n", agent(script));
    sandbox.configure(&[&[profile, table("policy", "max_attempts = 1")], more].concat());
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    let said = sandbox.with_env("A_KEY", KEY, &["step"]);
    assert!(!said.stderr.contains(KEY) && !said.stdout.contains(KEY), "{}{}", said.stdout, said.stderr);
    sandbox
}

/// Everything that is kept of a step, here and in the repository.
fn kept(sandbox: &Sandbox) -> String {
    let mut all = sandbox.git(&["log", "--all", "-p", "--format=%B"]);
    let steps = sandbox.repo().join(".git/orch/steps");
    for run in std::fs::read_dir(steps).expect("steps").flatten() {
        for file in std::fs::read_dir(run.path()).expect("a step").flatten() {
            let name = file.file_name();
            if name == "outcome.yaml" && file.file_type().is_ok_and(|kind| kind.is_file()) {
                all += &std::fs::read_to_string(file.path()).expect("an outcome is text");
            }
            if name.to_string_lossy().starts_with("transcript") {
                let mode = file.metadata().expect("a file").permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
                all += &std::fs::read_to_string(file.path()).expect("a transcript is text");
            }
        }
    }
    all
}

#[test]
fn a_key_that_an_agent_says_is_written_nowhere() {
    let script = "echo \"the key is $A_KEY\"; printf 'in pieces: '; printf %s \"$A_KEY\"; echo; \
                  echo \"stderr: $A_KEY\" >&2; printf 'Authorization: %s%s\\n' dGVsbC1uMGJvZHkv dGhpcz1vbmUrZXZlcg==; \
                  printf 'summary: \"used %s\"\\nnotes: [{kind: learning, text: \"%s opens it\"}]\\n' \"$A_KEY\" \"$A_KEY\" >\"$ORCH_OUTCOME\"; \
                  echo two >made";
    let sandbox = told(script, &[]);
    let kept = kept(&sandbox);
    assert!(!kept.contains(KEY) && !kept.contains(IN_BASE64), "{kept}");
    for wanted in [
        "the key is [redacted]",
        "used [redacted]",
        "[redacted] opens it",
        "stderr: [redacted]",
        "Authorization: ",
    ] {
        assert!(kept.contains(wanted), "{wanted}: {kept}");
    }
}

#[test]
fn a_setting_that_an_agent_is_given_is_no_secret() {
    let sandbox = Sandbox::new();
    let script = "echo two >made; printf 'summary: the production build works\\n' >\"$ORCH_OUTCOME\"";
    sandbox.configure(&[format!("{}env = [\"NODE_ENV\"]\n", agent(script))]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    assert_eq!(sandbox.with_env("NODE_ENV", "production", &["step"]).code, 0);
    let message = sandbox.git(&["log", "-1", "--format=%b"]);
    assert!(message.starts_with("the production build works"), "{message}");
}

#[test]
fn a_key_in_the_evidence_of_a_failure_is_written_nowhere() {
    let sandbox = told("echo two >made; echo \"cannot use $A_KEY\" >&2; exit 3", &[]);
    let kept = kept(&sandbox);
    assert!(kept.contains("cannot use [redacted]") && !kept.contains(KEY), "{kept}");
}

#[test]
fn a_gate_sees_its_own_keys_and_says_none() {
    let own =
        format!("{}env = [\"B_KEY\"]\n", gate("keys", "echo \"mine: $B_KEY, another: ($A_KEY)\"; false"));
    let sandbox = Sandbox::with(&[agent("echo two >made"), own, table("policy", "max_attempts = 1")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    let said = sandbox.with_env("B_KEY", KEY, &["step"]);
    assert!(said.stderr.contains("mine: [redacted], another: ()"), "{}", said.stderr);
    let kept = kept(&sandbox);
    assert!(kept.contains("mine: [redacted]") && !kept.contains(KEY), "{kept}");
}

#[test]
fn an_outcome_that_is_no_plain_file_is_none() {
    for plant in [
        "ln -s \"$HOME/private.yaml\" \"$ORCH_OUTCOME\"",
        "mkfifo \"$ORCH_OUTCOME\"",
        "mkdir -p \"$ORCH_OUTCOME/x\"",
    ] {
        let sandbox = Sandbox::with(&[
            agent(&format!("{plant}; echo two >>made")),
            table("policy", "max_attempts = 2"),
        ]);
        std::fs::write(sandbox.root().join("home/private.yaml"), "summary: for nobody else\n")
            .expect("a file");
        sandbox.task("t-1", "Do it", &["--kind", "chore"]);
        let said = sandbox.quietly(&["step"]);
        assert_eq!(said.code, 21, "{plant}: {}", said.stderr);
        let kept = kept(&sandbox);
        assert!(
            kept.contains("the outcome file cannot be read") && !kept.contains("for nobody else"),
            "{kept}"
        );
    }
}
