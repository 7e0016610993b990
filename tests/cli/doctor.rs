//! `orch doctor`, and what it is asked about most: where workspaces lie, what a merge left.

use crate::sandbox::{Sandbox, agent, gate, table};
use crate::transcript;
use std::fs;
use std::path::PathBuf;

/// Writes the person's own settings.
fn own(sandbox: &Sandbox, text: &str) {
    let folder = sandbox.root().join("home/.config/orch");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("config.toml"), format!("schema = 1\n{text}")).expect("a file");
}

/// The folders in a folder, by name.
fn folders(dir: PathBuf) -> Vec<PathBuf> {
    let found = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    found.filter(|path| path.is_dir()).collect()
}

#[test]
fn workspaces_lie_where_the_person_says_and_nothing_that_was_there_is_touched() {
    let sandbox = Sandbox::with(&[agent("pwd >made"), gate("made", "test -s made")]);
    sandbox.task("t-1", "Do it", &[]);
    own(&sandbox, "[workspace]\nroot = \"~/fast disk\"\n");
    let root = sandbox.root().join("home/fast disk");
    fs::create_dir_all(root.join("workspaces/0")).expect("a folder");
    fs::write(root.join("workspaces/0/mine"), "precious").expect("a file");

    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    let here = folders(root.clone()).into_iter().find(|path| path.to_string_lossy().contains("repo-"));
    let here = here.expect("a folder of the repository's own");
    assert!(sandbox.read("made").trim().starts_with(&*here.to_string_lossy()), "the agent was elsewhere");
    assert_eq!(fs::read_to_string(root.join("workspaces/0/mine")).expect("it is there"), "precious");
    assert!(folders(sandbox.root().join("home/.local/state/orch")).is_empty(), "the usual place was used");

    let said = sandbox.quietly(&["doctor"]);
    assert!(said.stdout.contains(&*here.to_string_lossy()), "{}", said.stdout);
    assert!(said.stdout.contains("home/.config/orch/config.toml:3"), "{}", said.stdout);
}

#[test]
fn a_repository_cannot_say_where_workspaces_lie() {
    let policy = table("workspace", "root = \"/var/lib/orch\"");
    let sandbox = Sandbox::with(&[agent("touch \"$HOME/ran\"; echo x > x"), policy]);
    assert_eq!(sandbox.orch(&["step"]).code, 3);
    assert_eq!(sandbox.orch(&["list"]).code, 0);
    // Whoever sets it, the repository may not.
    own(&sandbox, "[workspace]\nroot = \"~/elsewhere\"\n");
    assert_eq!(sandbox.orch(&["step"]).code, 3);
    assert!(!sandbox.signal("ran").exists());
    transcript!(sandbox);
}

#[test]
fn workspaces_never_lie_in_the_work_tree_or_in_git() {
    let sandbox = Sandbox::with(&[agent("echo x > x")]);
    sandbox.task("t-1", "Do it", &[]);
    let repo = sandbox.repo().canonicalize().expect("a path");
    std::os::unix::fs::symlink(&repo, sandbox.signal("a-link")).expect("a link");
    fs::create_dir_all(sandbox.signal("other/.git")).expect("a folder");
    let roots = [
        format!("{}", repo.display()),
        format!("{}/target/orch", repo.display()),
        format!("{}/.git/orch", repo.display()),
        "~/a-link/below".to_owned(),
        "~/other/.git/below".to_owned(),
        "~/../outside".to_owned(),
        "elsewhere".to_owned(),
    ];
    for root in roots {
        own(&sandbox, &format!("[workspace]\nroot = \"{root}\"\n"));
        sandbox.note(&format!("root = \"{root}\""));
        assert_eq!(sandbox.orch(&["step"]).code, 3);
    }
    own(&sandbox, "this is no TOML\n");
    assert_eq!(sandbox.orch(&["step"]).code, 3);
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    transcript!(sandbox);
}

/// Changes a task file by replacing text, on a branch that is made for it, and goes back to `main`.
fn on_a_branch(sandbox: &Sandbox, path: &str, changes: &[(&str, &str)]) {
    sandbox.git(&["switch", "--quiet", "--create", "other"]);
    replace(sandbox, path, changes);
    sandbox.git(&["switch", "--quiet", "main"]);
}

fn replace(sandbox: &Sandbox, path: &str, changes: &[(&str, &str)]) {
    let mut text = sandbox.read(path);
    for (from, to) in changes {
        assert!(text.contains(from), "`{from}` is not in\n{text}");
        text = text.replace(from, to);
    }
    sandbox.write(path, &text);
    sandbox.commit("edit by hand");
}

const TASK: &str = ".orchestrator/tasks/t-1.toml";

/// A repository with one task that has labels.
fn with_a_task() -> Sandbox {
    let sandbox = Sandbox::with(&[agent("echo x > x")]);
    sandbox.task("t-1", "Do it", &["--label", "b", "--accept", "one"]);
    sandbox
}

#[test]
fn what_a_merge_left_is_resolved_field_by_field() {
    let sandbox = with_a_task();
    let ours = [("\"b\"", "\"a\""), ("status = \"pending\"", "status = \"blocked\"\nreason = \"a key\"")];
    on_a_branch(
        &sandbox,
        TASK,
        &[("\"b\"", "\"b\",\n  \"c\""), ("status = \"pending\"", "status = \"pending\"\npriority = 0")],
    );
    replace(&sandbox, TASK, &ours);
    assert_ne!(sandbox.git_tried(sandbox.repo(), &["merge", "--quiet", "other"]).code, 0);
    let conflicted = sandbox.read(TASK);
    assert!(conflicted.contains("<<<<<<<"), "{conflicted}");
    let index = sandbox.git(&["ls-files", "--stage"]);

    // A commit of what has markers is proposed by nobody.
    for question in ["status", "next"] {
        let said = sandbox.quietly(&[question]);
        assert!(!said.stderr.contains("git add"), "{}", said.stderr);
        assert!(said.stderr.contains("1 file of the state undecided: type `orch doctor`"), "{}", said.stderr);
    }
    let said = sandbox.quietly(&["doctor"]);
    assert_eq!(said.code, 3);
    assert!(said.stderr.contains("type `orch doctor --fix`"), "{}", said.stderr);
    assert_eq!(sandbox.read(TASK), conflicted, "only `--fix` changes anything");

    let said = sandbox.quietly(&["doctor", "--fix"]);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("resolved by fields: `.orchestrator/tasks/t-1.toml`"), "{}", said.stdout);
    assert!(said.stderr.contains("type `git add .orchestrator/tasks/t-1.toml`"), "{}", said.stderr);
    assert_eq!(sandbox.git(&["ls-files", "--stage"]), index, "what git knows is the person's");
    sandbox.show(TASK);

    // Until git is told, that is what is said, and nothing is written again.
    let resolved = sandbox.read(TASK);
    let said = sandbox.quietly(&["doctor", "--fix"]);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("resolved, and git was not told"), "{}", said.stdout);
    assert_eq!(sandbox.read(TASK), resolved);
    sandbox.git(&["add", TASK]);
    sandbox.git(&["commit", "--quiet", "--no-edit"]);
    assert_eq!(sandbox.quietly(&["fsck"]).code, 0);
    let said = sandbox.quietly(&["doctor"]);
    assert!(!said.stdout.contains("conflict"), "{}", said.stdout);
    transcript!(sandbox);
}

#[test]
fn edits_of_different_groups_merge_and_their_estimates_are_no_dispute() {
    let sandbox = with_a_task();
    let edited_there = |edit: &[&str]| {
        sandbox.git(&["switch", "--quiet", "-c", edit[0].trim_start_matches('-')]);
        sandbox.quietly(&[&["edit", "t-1"], edit].concat());
        sandbox.git(&["switch", "--quiet", "main"]);
    };
    // Plain git: what is known of a task's size is the same with another text.
    edited_there(&["--body", "The whole story."]);
    sandbox.quietly(&["edit", "t-1", "--file", "src/**"]);
    sandbox.git(&["merge", "--quiet", "--no-edit", "body"]);
    assert!(sandbox.read(TASK).contains("The whole story.") && sandbox.read(TASK).contains("src/**"));
    // Both sides change what the size is estimated by: nobody disputes that.
    edited_there(&["--complexity", "9"]);
    sandbox.quietly(&["edit", "t-1", "--file", "src/**", "--file", "docs/**"]);
    assert_ne!(sandbox.git_tried(sandbox.repo(), &["merge", "--quiet", "complexity"]).code, 0);
    let said = sandbox.quietly(&["doctor", "--fix"]);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    let merged = sandbox.read(TASK);
    // 1.3 times 2 files, a complexity of 9, medium tests and light docs.
    assert!(merged.contains("complexity = 9") && merged.contains("tokens = 72800"), "{merged}");
    assert!(merged.contains("docs/**"), "{merged}");
}

#[test]
fn what_both_sides_changed_is_named_and_left_to_the_person() {
    let sandbox = with_a_task();
    on_a_branch(&sandbox, TASK, &[("status = \"pending\"", "status = \"cancelled\"")]);
    replace(&sandbox, TASK, &[("status = \"pending\"", "status = \"blocked\"")]);
    assert_ne!(sandbox.git_tried(sandbox.repo(), &["merge", "--quiet", "other"]).code, 0);
    let conflicted = sandbox.read(TASK);
    let said = sandbox.quietly(&["doctor", "--fix"]);
    assert_eq!(said.code, 3);
    assert!(said.stdout.contains("`status` is \"blocked\" here and \"cancelled\" there"), "{}", said.stdout);
    assert!(said.stderr.contains("keep one side of each"), "{}", said.stderr);
    assert_eq!(sandbox.read(TASK), conflicted);

    // Resolved by hand: it is not touched, and git is to be told.
    let by_hand = "# by hand\n".to_owned() + &sandbox.git(&["show", &format!(":2:{TASK}")]);
    sandbox.write(TASK, &by_hand);
    let said = sandbox.quietly(&["doctor", "--fix"]);
    assert!(said.stdout.contains("resolved, and git was not told"), "{}", said.stdout);
    assert_eq!(sandbox.read(TASK), by_hand);
}

#[test]
fn markers_that_were_committed_are_resolved_from_what_was_merged() {
    let sandbox = with_a_task();
    on_a_branch(&sandbox, TASK, &[("\"b\"", "\"b\",\n  \"c\"")]);
    replace(&sandbox, TASK, &[("\"b\"", "\"a\"")]);
    assert_ne!(sandbox.git_tried(sandbox.repo(), &["merge", "--quiet", "other"]).code, 0);
    // What the person added beside the markers is kept.
    sandbox.write(TASK, &sandbox.read(TASK).replace("title = \"Do it\"", "title = \"Do it well\""));
    sandbox.commit("a merge that nobody looked at");
    assert_eq!(sandbox.quietly(&["doctor"]).code, 3);
    let said = sandbox.quietly(&["doctor", "--fix"]);
    assert!(said.stdout.contains("resolved by fields"), "{}", said.stdout);
    sandbox.commit("resolved");
    let said = sandbox.quietly(&["show", "t-1", "--json"]);
    assert!(said.stdout.contains("\"labels\":[\"a\",\"c\"]"), "{}", said.stdout);
    assert!(said.stdout.contains("Do it well"), "{}", said.stdout);
}

#[test]
fn half_of_a_conflict_is_a_persons_to_mend() {
    let sandbox = with_a_task();
    sandbox.write(TASK, &format!("{}<<<<<<< HEAD\n", sandbox.read(TASK)));
    for arguments in [&["doctor"][..], &["doctor", "--fix"]] {
        let said = sandbox.quietly(arguments);
        assert_eq!(said.code, 3, "{}", said.stdout);
        assert!(said.stdout.contains("markers do not say which line is whose"), "{}", said.stdout);
    }
    assert!(sandbox.read(TASK).contains("<<<<<<<"));
}

#[test]
fn what_has_no_fields_or_only_one_side_is_named() {
    let sandbox = with_a_task();
    let config = ".orchestrator/config.toml";
    on_a_branch(&sandbox, config, &[("capability = 10", "capability = 9")]);
    replace(&sandbox, config, &[("capability = 10", "capability = 8")]);
    sandbox.git(&["switch", "--quiet", "other"]);
    sandbox.git(&["rm", "--quiet", TASK]);
    sandbox.commit("gone");
    sandbox.git(&["switch", "--quiet", "main"]);
    replace(&sandbox, TASK, &[("Do it", "Do it well")]);
    assert_ne!(sandbox.git_tried(sandbox.repo(), &["merge", "--quiet", "other"]).code, 0);
    let said = sandbox.quietly(&["doctor", "--fix"]);
    assert_eq!(said.code, 3);
    assert!(said.stdout.contains("settings are a person's to merge"), "{}", said.stdout);
    assert!(said.stdout.contains("one side removed it, the other one changed it"), "{}", said.stdout);
    assert!(
        said.stderr.contains(&format!("type `git add {TASK}` to keep it, or `git rm {TASK}`")),
        "{}",
        said.stderr
    );
    assert!(sandbox.read(TASK).contains("Do it well"));
}

#[test]
fn what_git_has_in_progress_is_named_with_how_to_end_it() {
    let sandbox = Sandbox::new();
    on_a_branch(&sandbox, "src/code", &[("two", "theirs")]);
    replace(&sandbox, "src/code", &[("two", "mine")]);
    assert_ne!(sandbox.git_tried(sandbox.repo(), &["rebase", "other"]).code, 0);
    let doctor = sandbox.quietly(&["doctor"]);
    let told: Vec<&str> = doctor.stdout.lines().filter(|line| line.contains("rebase")).collect();
    sandbox.note(&told.join("\n"));
    assert_eq!(sandbox.orch(&["next"]).code, 31);
    assert_eq!(sandbox.orch(&["step"]).code, 31);
    transcript!(sandbox);
}

#[test]
fn a_rebase_of_work_that_was_done_twice_is_no_damage() {
    let sandbox = Sandbox::with(&[agent("echo $ORCH_RUN > made")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox.git(&["branch", "other"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    sandbox.git(&["switch", "--quiet", "other"]);
    assert_eq!(sandbox.quietly(&["step", "--branch", "other"]).code, 0);
    sandbox.git(&["switch", "--quiet", "main"]);
    assert_ne!(sandbox.git_tried(sandbox.repo(), &["rebase", "other"]).code, 0);
    sandbox.quietly(&["doctor", "--fix"]);
    sandbox.git(&["checkout", "--theirs", "made"]);
    sandbox.git(&["add", "--all"]);
    sandbox.git(&["-c", "core.editor=true", "rebase", "--continue"]);
    let fsck = sandbox.quietly(&["fsck"]);
    assert_eq!(fsck.code, 0, "{}{}", fsck.stdout, fsck.stderr);
    assert_eq!(sandbox.quietly(&["verify"]).code, 0);
}

#[test]
fn what_the_persons_own_settings_may_not_say_is_told_where_it_would_have_counted() {
    let sandbox = Sandbox::with(&[agent("echo x > x")]);
    sandbox.task("t-1", "Do it", &[]);
    own(&sandbox, "[context]\nrotate_at = 1.0\ntask_share = 0.2\n");
    for command in ["next", "route", "estimate", "doctor"] {
        let said = sandbox.quietly(&[command]);
        let told = format!("{}{}", said.stdout, said.stderr);
        assert_eq!(told.matches("`context.rotate_at` is ignored").count(), 1, "{command}: {told}");
        assert!(!told.contains("`context.task_share` is ignored"), "{command}: {told}");
    }
}

#[test]
fn checkpoints_that_two_branches_gave_one_number_are_both_kept() {
    let sandbox =
        Sandbox::with(&[agent("echo x > x"), gate("test", "false"), table("policy", "max_attempts = 1")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox.git(&["switch", "--quiet", "-c", "other"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 20);
    sandbox.git(&["switch", "--quiet", "main"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 20);
    let run = |branch: &str| {
        let text = sandbox.git(&["show", &format!("{branch}:.orchestrator/checkpoints/t-1/1.yaml")]);
        text.lines().find(|line| line.starts_with("run:")).map(str::to_owned).expect("a run")
    };
    let (earlier, later) = (run("other"), run("main"));
    assert!(earlier < later);
    assert_ne!(sandbox.git_tried(sandbox.repo(), &["merge", "--quiet", "other"]).code, 0);
    let said = sandbox.quietly(&["doctor"]);
    assert_eq!(said.code, 3);
    assert!(!said.stdout.contains("never edited"), "{}", said.stdout);
    let said = sandbox.quietly(&["doctor", "--fix"]);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert!(
        said.stderr
            .contains("git add .orchestrator/checkpoints/t-1/1.yaml .orchestrator/checkpoints/t-1/2.yaml"),
        "{}",
        said.stderr
    );
    for (number, run) in [(1, earlier), (2, later)] {
        let text = sandbox.read(&format!(".orchestrator/checkpoints/t-1/{number}.yaml"));
        assert!(text.contains(&run) && text.contains(&format!("number: {number}")), "{text}");
    }
    sandbox.commit("merged");
    assert_eq!(sandbox.quietly(&["fsck"]).code, 0);
}

#[test]
fn an_older_checkpoint_is_not_put_above_a_later_one() {
    let sandbox =
        Sandbox::with(&[agent("echo x > x"), gate("test", "false"), table("policy", "max_attempts = 3")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox.git(&["switch", "--quiet", "-c", "other"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 20);
    sandbox.git(&["switch", "--quiet", "main"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 20);
    assert_eq!(sandbox.quietly(&["step"]).code, 20);
    let current = ".orchestrator/checkpoints/t-1/2.yaml";
    let before = sandbox.read(current);
    assert_ne!(sandbox.git_tried(sandbox.repo(), &["merge", "--quiet", "other"]).code, 0);
    let said = sandbox.quietly(&["doctor", "--fix"]);
    assert_eq!(said.code, 3, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("of a later one than both"), "{}", said.stdout);
    assert_eq!(sandbox.read(current), before);
    assert!(!sandbox.repo().join(".orchestrator/checkpoints/t-1/3.yaml").exists());
}

#[test]
fn a_task_that_was_moved_to_two_places_is_named_as_what_it_is() {
    let sandbox = with_a_task();
    sandbox.git(&["switch", "--quiet", "-c", "other"]);
    std::fs::create_dir_all(sandbox.repo().join(".orchestrator/tasks/theirs")).expect("a folder");
    sandbox.git(&["mv", TASK, ".orchestrator/tasks/theirs/t-1.toml"]);
    sandbox.commit("there");
    sandbox.git(&["switch", "--quiet", "main"]);
    std::fs::create_dir_all(sandbox.repo().join(".orchestrator/tasks/mine")).expect("a folder");
    sandbox.git(&["mv", TASK, ".orchestrator/tasks/mine/t-1.toml"]);
    sandbox.commit("here");
    assert_ne!(sandbox.git_tried(sandbox.repo(), &["merge", "--quiet", "other"]).code, 0);
    let said = sandbox.quietly(&["doctor"]);
    assert_eq!(said.code, 3);
    assert!(said.stdout.contains("mine/t-1.toml`: only one side has it there"), "{}", said.stdout);
    assert!(said.stderr.contains(&format!("type `git rm {TASK}`")), "{}", said.stderr);
    let said = sandbox.quietly(&["fsck"]);
    assert!(said.stdout.contains("remove one of the two files if they are one task"), "{}", said.stdout);
}

#[test]
fn a_configuration_that_is_edited_and_not_committed_is_told_by_whoever_shows_it_or_what_is_in_force() {
    let sandbox = Sandbox::with(&[agent("echo x > x")]);
    sandbox.task("t-1", "Do it", &[]);
    let config = ".orchestrator/config.toml";
    sandbox.write(config, &format!("{}# edited\n", sandbox.read(config)));
    let told = |command: &str| {
        let said = sandbox.quietly(&[command]);
        said.stdout + &said.stderr
    };
    for command in ["agents", "auth", "doctor", "next", "status"] {
        let said = told(command);
        assert!(said.contains("is not committed, so no step sees it"), "{command}: {said}");
    }
    // What would stop every step is nobody's advice to commit.
    sandbox.write(config, "schema = 1\n[[agent]]\nname = 3\n");
    for command in ["agents", "auth", "doctor", "next", "status"] {
        let said = told(command);
        assert!(said.contains("may not be committed so"), "{command}: {said}");
        assert!(!said.contains("git commit"), "{command}: {said}");
    }
    // So it is with every file of the state.
    sandbox.git(&["checkout", "--quiet", config]);
    sandbox.write(".orchestrator/checkpoints/t-1/1.yaml", "schema: [\n");
    for command in ["next", "status", "list", "agents"] {
        let said = told(command);
        assert!(!said.contains("git commit"), "{command}: {said}");
    }
    assert!(told("status").contains("may not be committed so"), "{}", told("status"));
}
