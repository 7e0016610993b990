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
    assert_eq!(sandbox.orch(&["export", "spec-kit"]).code, 0);
    assert_eq!(sandbox.orch(&["export", "nothing"]).code, 2);
    transcript!(sandbox);
}

#[test]
fn a_dash_is_standard_output() {
    let sandbox = with_tasks();
    for (command, begins) in [
        (&["export", "beads"][..], "{"),
        (&["report"], "<!doctype html>"),
        (&["report", "--markdown"], "#"),
        (&["graph", "--format", "svg"], "<svg"),
    ] {
        let said = sandbox.quietly(&[command, &["-o", "-"]].concat());
        assert!(
            said.code == 0 && said.stdout.starts_with(begins),
            "{command:?}: {}{}",
            said.stdout,
            said.stderr
        );
    }
    assert_eq!(sandbox.quietly(&["export", "tk", "-o", "-"]).code, 2, "a folder is none");
    assert!(!sandbox.has("-"));
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

#[test]
fn the_issue_that_a_done_task_came_from_is_closed_by_what_is_printed() {
    let sandbox = Sandbox::with(&[agent(
        "touch done; printf 'summary: \"It is done: `code`, @you.\"\\n' >\"$ORCH_OUTCOME\"",
    )]);
    for (id, source) in [("gh-42", "github:acme/api#42"), ("gl-7", "gitlab:acme/api#7"), ("a-1", "beads:a-1")]
    {
        sandbox.task(id, "Say hello", &[]);
        let path = format!(".orchestrator/tasks/{id}.toml");
        let text = sandbox
            .read(&path)
            .replace("\n\n\n# standing", &format!("\nsource = \"{source}\"\n\n\n# standing"));
        sandbox.write(&path, &text);
    }
    sandbox.commit("where they came from");
    assert_eq!(sandbox.orch(&["export", "--close"]).stdout, "");
    assert_eq!(sandbox.quietly(&["step", "--task", "gh-42"]).code, 0);
    sandbox.orch(&["export", "--close"]);
    assert_eq!(sandbox.orch(&["export", "github", "--close", "--task", "gh-42", "--json"]).code, 0);
    assert_eq!(sandbox.quietly(&["export", "gitlab", "--close"]).stdout, "");
    assert_eq!(sandbox.orch(&["export", "beads", "--close"]).code, 2);
    assert_eq!(sandbox.quietly(&["export"]).code, 2);
    // What a person set to done by hand has no commit that settles it.
    let path = ".orchestrator/tasks/gl-7.toml";
    sandbox.write(path, &sandbox.read(path).replace("\"pending\"", "\"done\""));
    sandbox.commit("done by hand");
    let said = sandbox.orch(&["export", "gitlab", "--close"]);
    assert!(said.stderr.contains("`gl-7` is done, but by no step"), "{}", said.stderr);
    transcript!(sandbox);
}
