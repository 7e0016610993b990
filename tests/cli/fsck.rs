//! Files of the state that are no files, and records that somebody changed.

use crate::sandbox::{Sandbox, agent};
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

#[test]
fn a_damaged_checkpoint_or_record_is_named_by_who_shows_its_task() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("c", "Do it", &["--run", "exit 3"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 21);
    let checkpoint = ".orchestrator/checkpoints/c/1.yaml";
    sandbox.write(checkpoint, &format!("{}number: 1\n", sandbox.read(checkpoint)));
    for command in
        [&["checkpoint", "show", "c"][..], &["checkpoint", "show", "c", "1"], &["checkpoint", "diff", "c"]]
    {
        let said = sandbox.quietly(command);
        assert_eq!(said.code, 3, "{command:?}");
        assert!(said.stderr.contains("checkpoints/c/1.yaml:"), "{}", said.stderr);
    }
    let record = sandbox.git(&["ls-files", ".orchestrator/runs"]).trim().to_owned();
    sandbox.write(&record, "");
    let said = sandbox.quietly(&["show", "c"]);
    assert_eq!(said.code, 0);
    assert!(said.stderr.contains(&record), "{}", said.stderr);
}

#[test]
fn damage_is_neither_taken_for_nothing_nor_proposed_for_a_commit() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("a", "Do it", &[]);
    let path = ".orchestrator/tasks/a.toml";
    sandbox.write(path, &sandbox.read(path).replace("feature", "featur"));
    for command in ["list", "status", "show"] {
        let said = sandbox.quietly(&[command, "a"][..if command == "show" { 2 } else { 1 }]);
        let all = format!("{}{}", said.stdout, said.stderr);
        assert!(!all.contains("git add") && !all.contains("no tasks yet"), "{command}: {all}");
    }
    let said = sandbox.quietly(&["status"]);
    assert!(said.stdout.contains("no task can be read: `orch fsck`"), "{}", said.stdout);
    assert!(
        said.stderr.contains("1 file of the state cannot be read, and may not be committed so"),
        "{}",
        said.stderr
    );
    sandbox.write(".orchestrator/notes/n-1.yaml", "what\n");
    let said = sandbox.quietly(&["notes"]);
    assert!(said.stderr.contains("no note can be read: type `orch fsck`"), "{}", said.stderr);
}

/// A remote with one accepted step, which serves partial clones.
fn remote_with_a_step() -> (Sandbox, String) {
    let sandbox = with_a_task();
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    sandbox.git(&["config", "uploadpack.allowFilter", "true"]);
    let from = format!("file://{}", sandbox.repo().display());
    (sandbox, from)
}

/// Goes on in a clone that was made with these options.
fn clone_with(sandbox: &mut Sandbox, from: &str, name: &str, options: &[&str]) {
    let clone = sandbox.root().join(name);
    sandbox.git(&[&["clone", "--quiet"], options, &[from, &clone.to_string_lossy()]].concat());
    sandbox.identify(&clone);
    sandbox.enter(clone);
}

#[test]
fn what_a_shallow_clone_lacks_is_not_proved() {
    let (mut sandbox, from) = remote_with_a_step();
    clone_with(&mut sandbox, &from, "shallow", &["--depth=1"]);
    assert_eq!(sandbox.orch(&["verify"]).code, 31);
    assert_eq!(sandbox.orch(&["verify", "--json"]).code, 31);
    assert_eq!(sandbox.orch(&["fsck"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn what_a_partial_clone_lacks_is_fetched_when_it_is_needed() {
    let (mut sandbox, from) = remote_with_a_step();
    for filter in ["blob:none", "tree:0"] {
        clone_with(&mut sandbox, &from, &filter.replace(':', "-"), &[&format!("--filter={filter}")]);
        for command in ["verify", "fsck", "log"] {
            assert_eq!(sandbox.orch(&[command]).code, 0, "{}", sandbox.transcript());
        }
    }
    transcript!(sandbox);
}

#[test]
fn what_the_remote_of_a_partial_clone_does_not_give_is_no_damage_and_not_proved() {
    let (mut sandbox, from) = remote_with_a_step();
    clone_with(&mut sandbox, &from, "partial", &["--filter=tree:0"]);
    sandbox.git(&["remote", "set-url", "origin", "file:///nowhere"]);
    assert_eq!(sandbox.orch(&["verify"]).code, 31);
    assert_eq!(sandbox.orch(&["fsck"]).code, 0);
    assert_eq!(sandbox.orch(&["log"]).code, 31);
    transcript!(sandbox);
}

#[test]
fn a_step_in_a_sparse_and_partial_clone_has_all_files() {
    let (mut sandbox, from) = remote_with_a_step();
    sandbox.write("src/m.c", "int m;\n");
    sandbox.configure(&[agent("cat src/m.c > b")]);
    sandbox.task("b", "B", &[]);
    clone_with(&mut sandbox, &from, "sparse", &["--no-checkout", "--filter=blob:none"]);
    sandbox.git(&["sparse-checkout", "set", "nothing"]);
    sandbox.git(&["checkout", "--quiet", "main"]);
    for arguments in [&["list"][..], &["show", "b"], &["step", "--quiet"], &["list", "--all"], &["fsck"]] {
        assert_eq!(sandbox.orch(arguments).code, 0, "{}", sandbox.transcript());
    }
    assert!(!sandbox.has("src/m.c") && !sandbox.has(".orchestrator/config.toml"));
    assert_eq!(sandbox.orch(&["verify"]).code, 0);
    sandbox.show_git(&["status", "--short"]);
    sandbox.git(&["sparse-checkout", "reapply", "--sparse-index"]);
    assert_eq!(sandbox.orch(&["list"]).code, 31);
    transcript!(sandbox);
}

#[test]
fn a_commit_whose_objects_are_gone_is_not_verified() {
    let (sandbox, _) = remote_with_a_step();
    let files = sandbox.git(&["ls-tree", "-r", "HEAD", ".orchestrator/runs"]);
    let record = files.split_whitespace().nth(2).unwrap();
    let (folder, rest) = record.split_at(2);
    std::fs::remove_file(sandbox.repo().join(".git/objects").join(folder).join(rest)).unwrap();
    let said = sandbox.quietly(&["verify"]);
    assert_eq!(said.code, 3, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("broken") && !said.stdout.contains("all good"), "{}", said.stdout);
}

#[test]
fn a_step_proposes_no_commit_of_what_cannot_be_read_or_is_none_of_the_state() {
    let sandbox = with_a_task();
    sandbox.task("b", "Then", &["--kind", "chore"]);
    sandbox.write(".orchestrator/tasks/.DS_Store", "x");
    for command in ["step", "list", "status"] {
        let said = sandbox.quietly(&[command]);
        assert_eq!(said.code, 0, "{}", said.stderr);
        assert!(!said.stderr.contains("not committed"), "{command}: {}", said.stderr);
    }
    // As `git mergetool` leaves it.
    let copy = sandbox.read(".orchestrator/tasks/b.toml");
    sandbox.write(".orchestrator/tasks/b_BACKUP_1.toml", &copy);
    for command in ["step", "next", "list"] {
        let said = sandbox.quietly(&[command]);
        assert!(!said.stderr.contains("git add"), "{command}: {}", said.stderr);
        assert!(
            said.stderr.contains("may not be committed so: type `orch fsck`"),
            "{command}: {}",
            said.stderr
        );
    }
}

#[test]
fn a_task_whose_newest_checkpoint_cannot_be_read_holds_nobody_else() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("a", "Do it", &["--run", "exit 3"]);
    for _ in 0..2 {
        assert_eq!(sandbox.quietly(&["step"]).code, 21);
    }
    sandbox.task("b", "Do that", &["--run", "echo 1 >file"]);
    let damage = |number: u32| {
        let path = format!(".orchestrator/checkpoints/a/{number}.yaml");
        sandbox.write(&path, "schema: 99\n");
        sandbox.commit("damage");
        path
    };
    damage(1);
    assert_eq!(sandbox.quietly(&["prompt", "a"]).code, 0, "no prompt shows an older one");
    let path = damage(2);
    for arguments in [&["step", "--task", "a"][..], &["prompt", "a"]] {
        let said = sandbox.orch(arguments);
        assert_eq!(said.code, 3, "{}", sandbox.transcript());
        assert!(said.stderr.contains(&path), "{}", said.stderr);
    }
    assert!(sandbox.orch(&["next", "--limit", "2"]).stdout.contains("b  "), "{}", sandbox.transcript());
    let said = sandbox.orch(&["step"]);
    assert_eq!(said.code, 0, "{}", sandbox.transcript());
    assert!(said.stderr.contains(&format!("`a` is passed over: {path}: ")), "{}", said.stderr);
    let said = sandbox.orch(&["step"]);
    assert_eq!(said.code, 3, "nothing else is left: {}", sandbox.transcript());
    assert!(!said.stderr.contains("is passed over"), "{}", said.stderr);
    assert_eq!(sandbox.quietly(&["next"]).code, 3);
    sandbox.task("c", "Do more", &["--run", "echo 2 >file"]);
    sandbox.task("d", "Do all", &["--run", "echo 3 >file", "--depends-on", "c"]);
    let said = sandbox.orch(&["run", "--jobs", "2"]);
    assert_eq!(said.code, 3, "{}", sandbox.transcript());
    assert!(said.stderr.contains(&path), "{}", sandbox.transcript());
    assert!(
        said.stdout.contains("  d  accepted"),
        "what one at work frees is taken: {}",
        sandbox.transcript()
    );
}
