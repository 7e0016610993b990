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
