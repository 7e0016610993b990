//! `orch edit` in an editor: what it makes is landed, and what cannot land is not lost.

use crate::sandbox::{Said, Sandbox};
use std::fs;
use std::path::PathBuf;

const TASK: &str = ".orchestrator/tasks/t-1.toml";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox
}

/// Edits with a shell script as the editor; the file is its `$0`.
fn edited(sandbox: &Sandbox, script: &str) -> Said {
    sandbox.with_env("VISUAL", &format!("sh -c '{script}'"), &["edit", "t-1"])
}

/// The file that a text was kept in, as the hint names it.
fn kept(said: &Said) -> PathBuf {
    let (_, after) =
        said.stderr.split_once("your text is kept: type `orch edit t-1 --from ").expect("a hint");
    PathBuf::from(after.split_once('`').expect("its end").0)
}

/// How many copies lie where they are edited.
fn copies(sandbox: &Sandbox) -> usize {
    fs::read_dir(sandbox.repo().join(".git/orch/edit")).into_iter().flatten().count()
}

#[test]
fn what_an_editor_made_is_a_commit_and_leaves_no_copy() {
    let sandbox = sandbox();
    let said = edited(&sandbox, "echo \"# mine\" >>\"$0\"");
    assert_eq!((said.code, said.stdout.as_str()), (0, "t-1\n"), "{}", said.stderr);
    assert!(sandbox.git(&["show", &format!("HEAD:{TASK}")]).contains("# mine"));
    assert_eq!(copies(&sandbox), 0);

    let again = edited(&sandbox, ":");
    assert_eq!((again.code, again.stdout.as_str()), (0, "nothing changed\n"), "{}", again.stderr);
    assert_eq!(copies(&sandbox), 0);
}

#[test]
fn a_text_that_is_no_task_is_kept_and_can_be_taken_up_again() {
    let sandbox = sandbox();
    let before = sandbox.read(TASK);
    let said = edited(&sandbox, "echo mine >>\"$0\"");
    assert_eq!(said.code, 3, "{}", said.stderr);
    let copy = kept(&said);
    let text = fs::read_to_string(&copy).expect("the text is there");
    assert!(text.ends_with("mine\n"), "{text}");
    assert_eq!(sandbox.read(TASK), before);

    fs::write(&copy, text.replace("mine\n", "# mine\n")).expect("a file");
    let path = copy.to_string_lossy();
    assert_eq!(sandbox.quietly(&["edit", "t-1", "--from", &path]).code, 0);
    assert!(sandbox.read(TASK).ends_with("# mine\n"));
}

#[test]
fn an_editor_that_does_not_end_well_changes_nothing_and_loses_nothing() {
    let sandbox = sandbox();
    let before = sandbox.read(TASK);
    let said = edited(&sandbox, "exit 1");
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("did not end well; nothing changed"), "{}", said.stderr);
    assert_eq!(copies(&sandbox), 0);

    let said = edited(&sandbox, "echo \"# mine\" >>\"$0\"; exit 1");
    assert_eq!(said.code, 1);
    assert!(fs::read_to_string(kept(&said)).expect("the text is there").ends_with("# mine\n"));
    assert_eq!(sandbox.read(TASK), before);
}

#[test]
fn a_task_that_changed_meanwhile_is_not_overwritten() {
    let sandbox = sandbox();
    let said = edited(&sandbox, &format!("echo \"# theirs\" >>{TASK}; echo \"# mine\" >>\"$0\""));
    assert!(said.stderr.contains(&format!("`{TASK}` changed while you edited it")), "{}", said.stderr);
    assert!(fs::read_to_string(kept(&said)).expect("the text is there").ends_with("# mine\n"));
    assert!(sandbox.read(TASK).ends_with("# theirs\n"));
}

#[test]
fn a_checkout_with_other_line_ends_is_edited_like_any_other() {
    let sandbox = sandbox();
    sandbox.git(&["config", "core.autocrlf", "true"]);
    fs::remove_file(sandbox.repo().join(TASK)).expect("it was there");
    sandbox.git(&["checkout", "--quiet", "."]);
    assert!(sandbox.read(TASK).contains("\r\n"));
    let said = sandbox.quietly(&["edit", "t-1", "--title", "Do that"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let said = edited(&sandbox, "echo \"# mine\" >>\"$0\"");
    assert_eq!(said.code, 0, "{}", said.stderr);
    // What the user has not committed goes with it.
    let mine = format!("{}# mine too\r\n", sandbox.read(TASK));
    sandbox.write(TASK, &mine);
    assert_eq!(sandbox.quietly(&["edit", "t-1", "--priority", "1"]).code, 0);
    let committed = sandbox.git(&["show", &format!("HEAD:{TASK}")]);
    assert!(committed.contains("# mine\n# mine too\n"), "{committed}");
    assert_eq!(sandbox.git(&["status", "--short"]), "");
}

#[test]
fn a_damaged_file_is_named_and_not_denied() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("a", "Do it", &[]);
    let path = ".orchestrator/tasks/a.toml";
    sandbox.write(path, &sandbox.read(path).replace("feature", "featur"));
    let said = sandbox.quietly(&["edit", "a", "--kind", "bug"]);
    assert_eq!(said.code, 3);
    assert!(said.stderr.contains("a.toml:5: unknown kind `featur`"), "{}", said.stderr);
}

#[test]
fn a_dependency_and_a_parent_are_taken_away_by_an_empty_value() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("e", "All of it", &["--kind", "epic"]);
    sandbox.task("a", "First", &[]);
    sandbox.task("b", "Second", &["--depends-on", "a", "--parent", "e"]);
    let said = sandbox.quietly(&["edit", "b", "--depends-on", "", "--parent", ""]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let task = sandbox.read(".orchestrator/tasks/b.toml");
    assert!(!task.contains("depends_on") && !task.contains("parent"), "{task}");
}

#[test]
fn an_epic_that_stands_by_its_children_takes_no_move_of_its_own() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("e", "All of it", &["--kind", "epic"]);
    sandbox.task("c", "A part", &["--parent", "e"]);
    sandbox.task("later", "After it", &["--depends-on", "e"]);
    assert_eq!(sandbox.quietly(&["cancel", "c"]).code, 0);
    for action in ["block", "cancel", "reopen"] {
        let said = sandbox.quietly(&[action, "e"]);
        assert_eq!(said.code, 2, "{action}: {}", said.stdout);
        let why = "`e` is `cancelled` because all its children are closed: reopen one of them";
        assert!(said.stderr.contains(why), "{}", said.stderr);
    }
    assert_eq!(sandbox.quietly(&["reopen", "c"]).code, 0);
    assert_eq!(sandbox.quietly(&["block", "e"]).code, 0);
    assert_eq!(sandbox.quietly(&["unblock", "e"]).code, 0);
}
