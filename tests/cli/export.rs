//! `orch export`: tasks as another tool's files, and what those cannot hold.

use crate::sandbox::{Sandbox, agent};
use crate::transcript;

fn with_tasks() -> Sandbox {
    let sandbox = Sandbox::with(&[agent("true")]);
    sandbox.task("epic", "Greet people", &["--kind", "epic"]);
    sandbox.task("t-1", "Say hello", &["--parent", "epic", "--accept", "it says hello", "--label", "ui"]);
    let more = ["--depends-on", "t-1", "--priority", "0", "--complexity", "3", "--kind", "docs"];
    sandbox.task("t-2", "Tell how: \"hello\"", &more);
    sandbox
}

#[test]
fn tasks_are_written_for_other_tools_and_every_loss_is_told() {
    let sandbox = with_tasks();
    assert_eq!(sandbox.orch(&["export", "beads"]).code, 0);
    assert_eq!(sandbox.orch(&["export", "task-master", "-o", "tasks.json"]).code, 0);
    assert_eq!(sandbox.orch(&["export", "tk", "-o", ".tickets", "--label", "ui"]).code, 0);
    sandbox.show(".tickets/t-1.md");
    assert_eq!(sandbox.orch(&["export", "ralph", "--json", "--kind", "docs"]).code, 0);
    assert_eq!(sandbox.orch(&["export", "tk"]).code, 2);
    assert_eq!(sandbox.orch(&["export", "spec-kit"]).code, 2);
    transcript!(sandbox);
}

#[test]
fn a_folder_is_written_again_but_nothing_else_in_it_is_overwritten() {
    let sandbox = with_tasks();
    for _ in 0..2 {
        assert_eq!(sandbox.quietly(&["export", "backlog-md", "-o", "backlog"]).code, 0);
    }
    let path = "backlog/tasks/t-1 - Say-hello.md";
    sandbox.write(path, "mine\n");
    let refused = sandbox.quietly(&["export", "backlog-md", "-o", "backlog"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("says something else"), "{}", refused.stderr);
    assert_eq!(sandbox.read(path), "mine\n");
}

#[test]
fn what_was_exported_is_imported_as_the_same_tasks() {
    let sandbox = with_tasks();
    assert_eq!(sandbox.quietly(&["export", "weathervane", "-o", "roadmap.yaml"]).code, 0);
    let other = Sandbox::with(&[agent("true")]);
    other.write("roadmap.yaml", &sandbox.read("roadmap.yaml"));
    assert_eq!(other.quietly(&["import", "auto", "roadmap.yaml"]).code, 0);
    let list = |sandbox: &Sandbox| sandbox.quietly(&["list", "--json"]).stdout;
    assert_eq!(list(&other), list(&sandbox));
}
