//! Files of the state that are no files, and records that somebody changed.

use crate::sandbox::Sandbox;
use crate::transcript;

/// A project with one task.
fn with_a_task() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.configure(&[]);
    sandbox.task("a", "A", &["--run", "echo 1 > a"]);
    sandbox
}

#[test]
fn a_pipe_among_the_tasks_is_told_of_and_waited_for_by_nobody() {
    let sandbox = with_a_task();
    let pipe = sandbox.repo().join(".orchestrator/tasks/ff.toml");
    assert_eq!(sandbox.told("mkfifo", &[&pipe.to_string_lossy()]).code, 0);
    for arguments in [&["fsck"][..], &["list"], &["status"], &["show", "a"], &["doctor"], &["trends"]] {
        assert_ne!(sandbox.quietly(arguments).code, 143, "{arguments:?}");
    }
    assert_eq!(sandbox.orch(&["list"]).code, 0);
    assert_eq!(sandbox.orch(&["fsck"]).code, 3);
    transcript!(sandbox);
}

#[test]
fn a_link_among_the_tasks_is_one_error_wherever_it_leads() {
    let sandbox = with_a_task();
    let tasks = sandbox.repo().join(".orchestrator/tasks");
    let outside = sandbox.signal("outside.toml");
    std::fs::write(
        &outside,
        std::fs::read_to_string(tasks.join("a.toml")).unwrap().replace("\"a\"", "\"e\""),
    )
    .unwrap();
    for to in [outside.to_str().unwrap(), "/etc/passwd", "/nowhere"] {
        let _ = std::fs::remove_file(tasks.join("e.toml"));
        std::os::unix::fs::symlink(to, tasks.join("e.toml")).unwrap();
        sandbox.git(&["add", "-A"]);
        sandbox.git(&["commit", "-qm", "link"]);
        for arguments in [&["list"][..], &["show", "e"], &["next"], &["fsck"]] {
            let ended = sandbox.quietly(arguments);
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert_eq!(ended.code, if arguments == ["list"] { 0 } else { 3 }, "{arguments:?} {said}");
            assert_eq!(said.matches("e.toml: is a symlink").count(), 1, "{arguments:?} {said}");
            assert!(!said.contains("TOML") && !said.contains("gone"), "{arguments:?} {said}");
        }
    }
    assert_eq!(sandbox.orch(&["list"]).code, 0);
    assert_eq!(sandbox.orch(&["next"]).code, 3);
    transcript!(sandbox);
}

#[test]
fn a_record_that_was_changed_and_put_back_is_a_warning() {
    let sandbox = with_a_task();
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    let runs = sandbox.git(&["ls-files", ".orchestrator/runs"]);
    let record = sandbox.repo().join(runs.lines().find(|path| path.ends_with(".toml")).unwrap());
    let text = std::fs::read_to_string(&record).unwrap();
    std::fs::write(&record, text.replace("outcome = \"accepted\"", "outcome = \"rejected\"")).unwrap();
    sandbox.git(&["commit", "-qam", "tamper"]);
    assert_eq!(sandbox.orch(&["fsck"]).code, 3);
    sandbox.git(&["revert", "--no-edit", "HEAD"]);
    assert_eq!(sandbox.orch(&["fsck"]).code, 0);
    transcript!(sandbox);
}
