//! `orch import`: the tasks of other tools, once and again.

use crate::sandbox::Sandbox;

const ROADMAP: &str = "\
epics:
  - id: e1
    title: The first
    tasks:
      - id: t1
        title: Say hello
        priority: high
        exit_criteria:
          - \"Documentation: the README says how\"
          - test: cargo test
          - [a, b]
";

#[test]
fn what_a_person_edited_outlives_the_next_import() {
    let sandbox = Sandbox::with(&[]);
    sandbox.write("roadmap.yaml", ROADMAP);
    let import = || sandbox.quietly(&["import", "weathervane", "roadmap.yaml"]);
    assert_eq!(import().code, 0);
    let edit = ["edit", "t1", "--title", "Say it well", "--accept", "mine", "--kind", "bug"];
    assert_eq!(sandbox.quietly(&edit).code, 0);
    let task = sandbox.read(".orchestrator/tasks/t1.toml");
    assert!(import().stdout.contains("nothing changed: 2 tasks as it should be"), "{}", import().stdout);

    sandbox.write("roadmap.yaml", &ROADMAP.replace("high", "low"));
    let said = import();
    assert!(said.stdout.contains("0 new, 1 changed") && !said.stdout.contains("not kept"), "{}", said.stdout);
    let now = sandbox.read(".orchestrator/tasks/t1.toml");
    assert!(now.contains("Say it well") && now.contains("mine") && now.contains("\"bug\""), "{now}");
    assert_ne!(now, task, "the priority is another one there");

    sandbox.write("roadmap.yaml", &ROADMAP.replace("Say hello", "Say goodbye"));
    let said = import();
    let told = "t1: its `title` was `Say it well` here, and gave way to what is there";
    assert!(said.stdout.contains(told), "{}", said.stdout);
    assert!(sandbox.read(".orchestrator/tasks/t1.toml").contains("Say goodbye"));
}

#[test]
fn a_criterion_with_a_colon_is_kept() {
    let sandbox = Sandbox::with(&[]);
    sandbox.write("roadmap.yaml", ROADMAP);
    assert_eq!(sandbox.quietly(&["import", "auto", "roadmap.yaml"]).code, 0);
    let task = sandbox.read(".orchestrator/tasks/t1.toml");
    let list =
        "acceptance = [\n  \"Documentation: the README says how\",\n  \"test: cargo test\",\n  \"a, b\",\n]";
    assert!(task.contains(list), "{task}");
}

#[test]
fn two_projects_whose_tools_count_alike_keep_their_tasks() {
    let sandbox = Sandbox::with(&[]);
    let tasks = |titles: [&str; 2]| {
        let task = |number: usize, title: &str| {
            format!(r#"{{"id": {number}, "title": "{title}", "description": "All about: {title}."}}"#)
        };
        format!(r#"{{"master": {{"tasks": [{}, {}]}}}}"#, task(1, titles[0]), task(2, titles[1]))
    };
    sandbox.write("web/tasks.json", &tasks(["Draw the page", "Style it"]));
    sandbox.write("api/tasks.json", &tasks(["Open the port", "Answer"]));
    let import = |path: &str| sandbox.quietly(&["import", "task-master", path]).stdout;
    assert!(import("web/tasks.json").contains("2 new, 0 changed"));
    let said = import("api/tasks.json");
    assert!(said.contains("2 new, 0 changed"), "{said}");
    assert!(said.contains("renamed (2)\n  1: another task has this id; it is `1-"), "{said}");
    assert!(
        said.contains("task-master: another project than the one that is here: its tasks have `@"),
        "{said}"
    );
    assert!(sandbox.read(".orchestrator/tasks/1.toml").contains("Draw the page"));
    for path in ["web/tasks.json", "api/tasks.json"] {
        assert!(import(path).contains("nothing changed: 2 tasks as it should be"), "{path}");
    }
    sandbox.write("apps/api.json", &tasks(["Open the port", "Answer well"]));
    let said = import("apps/api.json");
    assert!(said.contains("0 new, 1 changed"), "{said}");
    assert!(sandbox.read(".orchestrator/tasks/2.toml").contains("Style it"));
}

#[test]
fn issues_of_beads_are_no_tasks_of_ralph() {
    let sandbox = Sandbox::with(&[]);
    sandbox.write("issues.jsonl", "{\"id\":\"bd-1\",\"title\":\"A\",\"issue_type\":\"task\"}\n");
    let refused = sandbox.quietly(&["import", "ralph", "issues.jsonl"]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("issues.jsonl:1: an issue of beads, not a task of ralph"),
        "{}",
        refused.stderr
    );
}
