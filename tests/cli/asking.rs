//! Questions that are put in the wrong place or the wrong form are answered clearly, with the exit code that says so.

use crate::sandbox::{Sandbox, agent};
use crate::transcript;

#[test]
fn what_cannot_be_answered_says_so() {
    let sandbox = Sandbox::nowhere();
    sandbox.orch(&["-C", "not-there", "status"]);
    sandbox.orch(&["init", "-C", "not-there"]);
    assert_eq!(sandbox.quietly(&["doctor", "-C", "not-there"]).code, 2);
    assert_eq!(sandbox.quietly(&["doctor"]).code, 4, "no repository");
    transcript!(sandbox);
}

#[test]
fn what_has_no_such_form_says_so() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.quietly(&["doctor"]).code, 4, "no project");
    sandbox.orch(&["list", "--format", "dot"]);
    sandbox.orch(&["status", "--format", "svg"]);
    sandbox.configure(&[agent("true")]);
    assert_eq!(sandbox.quietly(&["doctor"]).code, 0);
    sandbox.orch(&["log", "--format", "md"]);
    transcript!(sandbox);
}

#[test]
fn another_branch_can_be_asked_about() {
    let sandbox = Sandbox::with(&[agent("true")]);
    sandbox.task("both", "On both branches", &[]);
    sandbox.git(&["branch", "-q", "idea"]);
    sandbox.task("here", "On this one", &[]);
    sandbox.orch(&["list", "--branch", "idea"]);
    sandbox.orch(&["status", "--branch", "idea"]);
    sandbox.orch(&["list", "--branch", "main"]);
    sandbox.orch(&["show", "here", "--branch", "idea"]);
    sandbox.orch(&["status", "--branch", "nowhere"]);
    let said = sandbox.quietly(&["status", "--branch", "idea", "--json"]);
    let read: serde_json::Value = serde_json::from_str(&said.stdout).expect("one document");
    assert_eq!(read["data"]["branch"], "idea");
    transcript!(sandbox);
}
