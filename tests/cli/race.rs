//! The branch moves while a step is at work.

use crate::sandbox::{Sandbox, agent, gate, table};
use crate::transcript;

/// A project whose agent does something to the user's repository while it works.
fn project(script: &str, more: &[String]) -> Sandbox {
    let sandbox = Sandbox::with(&[&[agent(script)], more].concat());
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox
}

/// A line of shell that commits a file in the user's repository, as a person would meanwhile.
fn meanwhile(path: &str, content: &str) -> String {
    format!(
        "( cd \"$HOME/../repo\" && unset GIT_DIR && mkdir -p \"$(printf %s {path}.d)\" && echo {content} > {path} \
         && git add {path} && git commit --quiet -m meanwhile )"
    )
}

#[test]
fn tasks_that_were_added_meanwhile_are_no_reason_to_wait() {
    let sandbox = project(
        "echo new >> src/code; ORCH_TEST_CLOCK=2026-11-20T11:00:00Z orch -C \"$HOME/../repo\" add Meanwhile --id \
         t-2 > \"$HOME/added\"",
        &[gate("test", "echo ran >> \"$HOME/gate\"")],
    );
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.show_git(&["log", "--format=%s"]);
    sandbox.show_git(&["status", "--short"]);
    let ran = std::fs::read_to_string(sandbox.signal("gate")).expect("the gate ran");
    assert_eq!(ran, "ran\n", "only the state moved, so the gates need not run again");
    sandbox.orch(&["next"]);
    transcript!(sandbox);
}

#[test]
fn code_that_was_committed_elsewhere_meanwhile_is_merged() {
    let sandbox = project(
        &format!("echo new >> src/code; {}", meanwhile("README", "other")),
        &[gate("test", "echo ran >> \"$HOME/gate\"")],
    );
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.show_git(&["log", "--format=%s"]);
    sandbox.show_git(&["status", "--short"]);
    assert_eq!(sandbox.read("README"), "other\n");
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\nnew\n");
    assert_eq!(std::fs::read_to_string(sandbox.signal("gate")).expect("the gate ran"), "ran\n");
    transcript!(sandbox);
}

#[test]
fn code_in_the_same_folder_is_gated_again_together() {
    let gates =
        [gate("test", "echo ran >> \"$HOME/gate\"; test ! -f src/bad"), table("policy", "max_attempts = 1")];
    let fine = project(&format!("echo new >> src/code; {}", meanwhile("src/good", "x")), &gates);
    assert_eq!(fine.orch(&["step"]).code, 0);
    assert_eq!(std::fs::read_to_string(fine.signal("gate")).expect("the gate ran"), "ran\nran\n");
    transcript!(fine);
}

#[test]
fn another_command_commits_while_a_step_is_gated_again() {
    let again = "echo ran >> \"$HOME/gate\"; test ! -f src/good || ORCH_TEST_CLOCK=2026-11-20T11:00:00Z orch -C \
                 \"$HOME/../repo\" add Meanwhile --id t-2 > \"$HOME/added\"";
    let sandbox =
        project(&format!("echo new >> src/code; {}", meanwhile("src/good", "x")), &[gate("test", again)]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.show_git(&["log", "--format=%s"]);
    sandbox.show_git(&["status", "--short"]);
    let ran = std::fs::read_to_string(sandbox.signal("gate")).expect("the gate ran");
    assert_eq!(ran, "ran\nran\n", "what was added meanwhile is no reason to run them a third time");
    transcript!(sandbox);
}

#[test]
fn work_that_fails_on_what_the_branch_has_become_is_kept() {
    let gates = [gate("test", "test ! -f src/bad"), table("policy", "max_attempts = 1")];
    let sandbox = project(&format!("echo new >> src/code; {}", meanwhile("src/bad", "x")), &gates);
    assert_eq!(sandbox.orch(&["step"]).code, 12);
    sandbox.show_git(&["log", "--format=%s"]);
    sandbox.show_git(&["for-each-ref", "--format=%(refname) %(contents:subject)", "refs/orch"]);
    sandbox.show_git(&["status", "--short"]);
    assert_eq!(sandbox.orch(&["next"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn work_that_conflicts_with_what_was_committed_meanwhile_is_kept() {
    let sandbox = project(&format!("echo new >> src/code; {}", meanwhile("src/code", "other")), &[]);
    assert_eq!(sandbox.orch(&["step"]).code, 12);
    sandbox.show_git(&["log", "--format=%s"]);
    sandbox.show_git(&["for-each-ref", "--format=%(refname) %(contents:subject)", "refs/orch"]);
    assert_eq!(sandbox.read("src/code"), "other\n");
    sandbox.show_git(&["log", "-1", "--format=%B", "--name-status"]);
    sandbox.show_git(&["status", "--short"]);
    assert_eq!(sandbox.orch(&["next"]).code, 0);
    sandbox.orch(&["prompt"]);
    assert_eq!(sandbox.orch(&["fsck"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_task_that_was_cancelled_meanwhile_does_not_land() {
    let sandbox =
        project("echo new >> src/code; orch -C \"$HOME/../repo\" cancel t-1 --reason 'not any more'", &[]);
    assert_eq!(sandbox.orch(&["step"]).code, 12);
    sandbox.show_git(&["log", "--format=%s"]);
    sandbox.show_git(&["for-each-ref", "--format=%(refname) %(contents:subject)", "refs/orch"]);
    assert_eq!(sandbox.orch(&["next"]).code, 10);
    transcript!(sandbox);
}

#[test]
fn a_branch_that_the_user_left_meanwhile_moves_without_a_work_tree() {
    let sandbox = project("echo new > new; git -C \"$HOME/../repo\" switch --quiet --create other", &[]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.show_git(&["log", "-1", "--format=%S %s", "main"]);
    sandbox.show_git(&["log", "-1", "--format=%S %s", "other"]);
    sandbox.show_git(&["status", "--short"]);
    assert!(!sandbox.has("new"));
    transcript!(sandbox);
}

#[test]
fn a_branch_that_was_deleted_meanwhile_leaves_the_work_kept() {
    let sandbox = project(
        "echo new > new; cd \"$HOME/../repo\" && git switch --quiet --create other && git branch --quiet -D main",
        &[],
    );
    assert_eq!(sandbox.orch(&["step"]).code, 31);
    sandbox.show_git(&["for-each-ref", "--format=%(refname)"]);
    transcript!(sandbox);
}

/// A line of shell that does something in the user's repository, as a person would meanwhile.
fn there(commands: &str) -> String {
    format!(
        "( cd \"$HOME/../repo\" && unset GIT_DIR && export ORCH_TEST_CLOCK=2026-11-20T11:00:00Z && {commands} )"
    )
}

#[test]
fn built_in_gates_judge_what_the_work_has_become_on_the_new_tip() {
    for policy in ["regate = \"always\"", "regate = \"never\""] {
        let script = format!("echo 1 > Notes; {}", meanwhile("notes", "x"));
        let sandbox = project(&script, &[table("policy", policy)]);
        assert_eq!(sandbox.orch(&["step"]).code, 12, "{policy}");
        assert!(!sandbox.has("Notes"));
        sandbox.show_git(&["log", "-1", "--format=%B"]);
        if policy.contains("always") {
            transcript!(sandbox);
        }
    }
}

#[test]
fn a_path_that_is_protected_meanwhile_does_not_land() {
    let protect =
        "printf 'protect = [\"infra/**\"]\\n' >> .orchestrator/config.toml && git commit -qam protect";
    let script = format!("mkdir infra; echo 1 > infra/x; {}", there(protect));
    let sandbox = project(&script, &[table("policy", "max_attempts = 1")]);
    assert_eq!(sandbox.orch(&["step"]).code, 12);
    sandbox.show_git(&["log", "--format=%s"]);
    assert!(!sandbox.has("infra"));
    transcript!(sandbox);
}

#[test]
fn the_record_names_the_tree_that_landed_and_its_gates() {
    let sandbox = project(
        &format!("echo new >> src/code; {}", meanwhile("README", "other")),
        &[gate("test", "true"), table("policy", "regate = \"always\"")],
    );
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    let run = sandbox.git(&["ls-tree", "-r", "--name-only", "HEAD", ".orchestrator/runs"]);
    let record = sandbox.git(&["show", &format!("HEAD:{}", run.trim())]);
    sandbox.git(&["rm", "-r", "--quiet", "--cached", ".orchestrator"]);
    let tree = sandbox.git(&["write-tree"]);
    assert!(record.contains(&format!("tree = \"{}\"", tree.trim())), "{record}");
}

#[test]
fn a_task_that_waits_for_another_meanwhile_is_put_off() {
    let script = format!("echo new >> src/code; {}", there("orch edit t-1 --depends-on t-2"));
    let sandbox = project(&script, &[]);
    sandbox.task("t-2", "First", &["--priority", "4"]);
    assert_eq!(sandbox.orch(&["step", "--task", "t-1"]).code, 12);
    sandbox.show_git(&["log", "--format=%s"]);
    transcript!(sandbox);
}

#[test]
fn a_task_that_is_told_otherwise_meanwhile_lands_under_its_new_name() {
    let script = format!("echo new >> src/code; {}", there("orch edit t-1 --title 'Repair it' --kind bug"));
    let sandbox = project(&script, &[]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.show_git(&["log", "-1", "--format=%s"]);
    assert!(sandbox.read(".orchestrator/tasks/t-1.toml").contains("Repair it"));
    transcript!(sandbox);
}

#[test]
fn what_a_person_tightens_meanwhile_decides_what_lands() {
    let settings = [
        ("[[gate]]\nname = \"nope\"\nrun = \"exit 1\"\n", "`nope` fails"),
        ("review = \"human\"\n", "asks for a review"),
        ("integration = \"pull-request\"\n", "by pull requests"),
    ];
    for (setting, why) in settings {
        let change =
            there(&format!("printf '{setting}' >> .orchestrator/config.toml && git commit -qam tightened"));
        let policy = table("policy", "max_attempts = 1");
        let sandbox = project(&format!("echo new >> src/code; {change}"), &[gate("test", "true"), policy]);
        let said = sandbox.quietly(&["step"]);
        assert_eq!(said.code, 12, "{setting}: {}{}", said.stdout, said.stderr);
        assert!(said.stderr.contains(why), "{}", said.stderr);
        assert!(sandbox.git(&["log", "-1", "--format=%s"]).contains("deferred"));
        assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\n");
    }
}

#[test]
fn a_gate_that_passes_on_the_new_tip_keeps_nothing_from_landing() {
    let setting = "[[gate]]\nname = \"more\"\nrun = \"echo ran >> $HOME/more\"\n";
    let change =
        there(&format!("printf '{setting}' >> .orchestrator/config.toml && git commit -qam tightened"));
    let sandbox = project(&format!("echo new >> src/code; {change}"), &[gate("test", "true")]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    assert!(sandbox.signal("more").exists(), "what counts now has run");
}

#[test]
fn what_a_task_asks_for_meanwhile_is_not_said_to_be_judged() {
    let script = format!("echo new >> src/code; {}", there("orch edit t-1 --accept 'it prints the sum'"));
    let sandbox = project(&script, &[]);
    let said = sandbox.quietly(&["step"]);
    assert_eq!(said.code, 0);
    assert!(
        said.stderr.contains("task `t-1` was edited meanwhile: what was judged is its text at"),
        "{}",
        said.stderr
    );
}

#[test]
fn what_others_proposed_or_noted_meanwhile_is_not_added_again() {
    let orch = "ORCH_TEST_CLOCK=2026-11-20T11:00:00Z orch -C \"$HOME/../repo\"";
    let sandbox = project(
        &format!(
            "echo new >> src/code; {orch} add 'Handle the burst case' --id t-2 > \"$HOME/said\"; \
             {orch} note learning 'Bursts are counted twice' > \"$HOME/said\"; \
             printf 'follow_ups:\\n  - {{key: a, title: Handle burst cases}}\\n  - {{title: Document bursts, depends_on: [a]}}\\n\
             notes:\\n  - {{kind: learning, text: Bursts are counted twice}}\\n  - {{kind: learning, text: Clocks drift}}\\n' \
             > $ORCH_OUTCOME"
        ),
        &[],
    );
    let said = sandbox.quietly(&["step"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(
        said.stderr.contains("`Handle burst cases` is left out: `t-2` is the same work"),
        "{}",
        said.stderr
    );
    let list = sandbox.quietly(&["list", "--json"]).stdout;
    let read: serde_json::Value = serde_json::from_str(&list).expect("one document");
    let tasks = read["data"]["tasks"].as_array().expect("tasks");
    let edges: Vec<_> = tasks.iter().map(|task| (&task["title"], &task["depends_on"])).collect();
    assert_eq!(tasks.len(), 2, "{edges:?}");
    let document = tasks.iter().find(|task| task["title"] == "Document bursts").expect("it is there");
    assert_eq!(document["depends_on"], serde_json::json!(["t-2"]));
    assert_eq!(sandbox.git(&["ls-files", ".orchestrator/notes"]).lines().count(), 2);
    assert_eq!(sandbox.quietly(&["fsck"]).code, 0);
}
