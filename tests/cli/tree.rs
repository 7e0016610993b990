//! What a step does to the user's work tree, index and branches: what `git merge --ff-only` would.

use crate::sandbox::{Sandbox, agent, gate, table};
use crate::transcript;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A project with one task, whose agent is a line of shell.
fn project(script: &str) -> Sandbox {
    let sandbox = Sandbox::with(&[agent(script)]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox
}

/// Every file of the work tree but orch's own, byte by byte, and what git says about them.
fn everything(sandbox: &Sandbox) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, dir: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(dir).expect("a folder").flatten() {
            let path = entry.path();
            let name = path.strip_prefix(root).expect("below").to_string_lossy().into_owned();
            if name == ".git" || name == ".orchestrator" {
                continue;
            }
            if entry.file_type().expect("a type").is_dir() {
                walk(root, &path, found);
            } else {
                found.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(sandbox.repo(), sandbox.repo(), &mut found);
    for arguments in [
        &["status", "--porcelain=v2", "--untracked-files=all"][..],
        &["diff"],
        &["diff", "--cached"],
        &["stash", "list"],
    ] {
        found.insert(arguments.join(" "), sandbox.git(arguments).into_bytes());
    }
    found.insert("config".to_owned(), fs::read(sandbox.repo().join(".git/config")).expect("a configuration"));
    found
}

#[test]
fn unrelated_changes_stay_as_they_are_byte_for_byte() {
    let sandbox = project("echo new > new");
    sandbox.write("staged", "added\n");
    sandbox.git(&["add", "staged"]);
    sandbox.write("staged", "added\nand changed again\n");
    sandbox.write("src/code", "one\ntwo changed\nthree\n");
    sandbox.git(&["add", "src/code"]);
    sandbox.write("src/code", "one\ntwo changed\nthree changed\n");
    sandbox.git(&["rm", "--quiet", "--cached", "README"]);
    sandbox.write("untracked/deep/file", "\u{0}\u{1}binary");
    sandbox.git(&["stash", "create"]);
    let mut before = everything(&sandbox);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.show_git(&["status", "--short"]);
    before.insert("new".to_owned(), b"new\n".to_vec());
    assert_eq!(everything(&sandbox), before);
    transcript!(sandbox);
}

#[test]
fn a_rejected_step_changes_nothing_but_the_state() {
    let sandbox = Sandbox::with(&[agent("echo bad >> src/code; rm -f README"), gate("test", "exit 1")]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox.write("src/code", "mine\n");
    sandbox.write("README", "mine\n");
    let before = everything(&sandbox);
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 20);
    assert_eq!(everything(&sandbox), before);
    sandbox.show_git(&["status", "--short"]);
    transcript!(sandbox);
}

/// The step changes a file that the user changed as well.
fn overlapping(change: impl Fn(&Sandbox)) -> Sandbox {
    let sandbox = project("echo agent >> src/code; echo agent > new");
    change(&sandbox);
    let before = everything(&sandbox);
    let tip = sandbox.git(&["rev-parse", "HEAD"]);
    assert_eq!(sandbox.orch(&["step"]).code, 31);
    assert_eq!(everything(&sandbox), before);
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), tip);
    let kept = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch"]);
    sandbox.show_git(&["show", &format!("{}:src/code", kept.trim())]);
    sandbox.orch(&["next"]);
    sandbox
}

#[test]
fn a_file_that_the_user_changed_too_is_in_the_way() {
    transcript!(overlapping(|sandbox| sandbox.write("src/code", "one\ntwo, mine\nthree\n")));
}

#[test]
fn a_file_that_the_user_staged_is_in_the_way() {
    transcript!(overlapping(|sandbox| {
        sandbox.write("src/code", "one\ntwo, mine\nthree\n");
        sandbox.git(&["add", "src/code"]);
        sandbox.write("src/code", "one\ntwo\nthree\n");
    }));
}

#[test]
fn an_untracked_file_is_in_the_way() {
    transcript!(overlapping(|sandbox| sandbox.write("new", "mine\n")));
}

#[test]
fn an_ignored_file_is_in_the_way_too() {
    transcript!(overlapping(|sandbox| {
        sandbox.write(".gitignore", "new\n");
        sandbox.write("new", "mine, ignored\n");
    }));
}

#[test]
fn a_folder_is_in_the_way_of_a_file() {
    transcript!(overlapping(|sandbox| sandbox.write("new/inside", "mine\n")));
}

#[test]
fn a_file_that_the_user_deleted_is_in_the_way() {
    transcript!(overlapping(|sandbox| fs::remove_file(sandbox.repo().join("src/code")).expect("removed")));
}

#[test]
fn a_file_that_the_user_untracked_and_kept_is_in_the_way_of_its_removal() {
    let sandbox = project("rm README");
    sandbox.git(&["rm", "--quiet", "--cached", "README"]);
    let before = everything(&sandbox);
    assert_eq!(sandbox.orch(&["step"]).code, 31);
    assert_eq!(everything(&sandbox), before);
    transcript!(sandbox);
}

#[test]
fn empty_folders_in_the_way_go_as_they_do_with_git() {
    let sandbox = project("echo new > new; rm -r src; echo file > src");
    for empty in ["new/empty/inside", "src/empty"] {
        fs::create_dir_all(sandbox.repo().join(empty)).expect("a folder");
    }
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 0);
    assert_eq!((sandbox.read("new"), sandbox.read("src")), ("new\n".to_owned(), "file\n".to_owned()));
    sandbox.show_git(&["status", "--short"]);
    transcript!(sandbox);
}

#[test]
fn work_that_the_user_has_done_already_is_not_in_the_way() {
    let sandbox = project("echo agent > new");
    sandbox.write("new", "agent\n");
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 0);
    sandbox.show_git(&["status", "--short"]);
    transcript!(sandbox);
}

#[test]
fn after_the_user_has_committed_the_step_goes_through() {
    let sandbox = project("echo agent > new");
    sandbox.write("new", "mine\n");
    assert_eq!(sandbox.orch(&["step"]).code, 31);
    fs::rename(sandbox.repo().join("new"), sandbox.repo().join("elsewhere")).expect("moved");
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.show_git(&["status", "--short"]);
    transcript!(sandbox);
}

/// Two branches that conflict in `src/code`.
fn conflicting(sandbox: &Sandbox) {
    sandbox.git(&["switch", "--quiet", "--create", "other"]);
    sandbox.write("src/code", "one\ntheirs\nthree\n");
    sandbox.commit("theirs");
    sandbox.git(&["switch", "--quiet", "main"]);
    sandbox.write("src/code", "one\nours\nthree\n");
    sandbox.commit("ours");
}

/// Refused before the agent runs, while git is in the middle of something.
fn in_the_middle_of(arguments: &[&str]) -> Sandbox {
    let sandbox = project("touch \"$HOME/ran\"; echo new > new");
    conflicting(&sandbox);
    assert_ne!(sandbox.git_tried(sandbox.repo(), arguments).code, 0, "it conflicts");
    let before = everything(&sandbox);
    assert_eq!(sandbox.orch(&["step", "--branch", "main"]).code, 31);
    assert!(!sandbox.signal("ran").exists(), "no money is spent on what cannot land");
    assert_eq!(sandbox.orch(&["add", "Meanwhile", "--branch", "main"]).code, 31);
    assert_eq!(everything(&sandbox), before);
    sandbox
}

#[test]
fn in_the_middle_of_a_merge_no_agent_is_started() {
    transcript!(in_the_middle_of(&["merge", "other"]));
}

#[test]
fn in_the_middle_of_a_rebase_no_agent_is_started() {
    transcript!(in_the_middle_of(&["rebase", "other"]));
}

#[test]
fn in_the_middle_of_a_cherry_pick_no_agent_is_started() {
    transcript!(in_the_middle_of(&["cherry-pick", "other"]));
}

#[test]
fn what_a_revert_changed_is_not_to_be_committed_without_its_code() {
    let sandbox = project("echo $ORCH_TASK >>src/code");
    sandbox.task("t-2", "Change it again", &[]);
    assert_eq!(sandbox.orch(&["run", "--quiet"]).code, 10);
    assert_ne!(sandbox.git_tried(sandbox.repo(), &["revert", "--no-edit", "HEAD~1"]).code, 0, "it conflicts");
    for question in ["status", "list", "next"] {
        let said = sandbox.quietly(&[question]);
        assert!(said.stderr.contains("a revert is in progress"), "{question}: {}", said.stderr);
        assert!(!said.stderr.contains("git commit"), "that would end the revert: {}", said.stderr);
    }
}

#[test]
fn a_branch_that_a_rebase_of_another_is_to_move_is_left_alone() {
    let sandbox = project("echo new > new");
    sandbox.git(&["switch", "--quiet", "--create", "lower"]);
    sandbox.write("other", "other\n");
    sandbox.commit("other");
    conflicting(&sandbox);
    sandbox.git(&["switch", "--quiet", "other"]);
    let rebase = sandbox.git_tried(sandbox.repo(), &["rebase", "--update-refs", "main"]);
    assert_ne!(rebase.code, 0, "it conflicts");
    let before = sandbox.git(&["rev-parse", "lower"]);
    assert_eq!(sandbox.quietly(&["step", "--branch", "lower"]).code, 31);
    assert_eq!(sandbox.git(&["rev-parse", "lower"]), before);
    sandbox.write("src/code", "one\nboth\nthree\n");
    sandbox.git(&["add", "-A"]);
    sandbox.git(&["-c", "core.editor=true", "rebase", "--continue"]);
    assert_eq!(sandbox.orch(&["step", "--branch", "lower"]).code, 0);
}

#[test]
fn while_git_holds_the_index_no_agent_is_started() {
    let sandbox = project("touch \"$HOME/ran\"; echo new > new");
    sandbox.write(".git/index.lock", "");
    assert_eq!(sandbox.orch(&["step"]).code, 31);
    assert!(!sandbox.signal("ran").exists(), "no money is spent on what cannot land");
    assert!(sandbox.has(".git/index.lock"), "somebody else's lock is left alone");
    fs::remove_file(sandbox.repo().join(".git/index.lock")).expect("removed");
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn on_a_detached_head_a_branch_has_to_be_named() {
    let sandbox = project("echo new > new");
    sandbox.git(&["switch", "--quiet", "--detach"]);
    assert_eq!(sandbox.orch(&["step"]).code, 31);
    assert_eq!(sandbox.orch(&["step", "--branch", "nowhere"]).code, 31);
    let before = everything(&sandbox);
    assert_eq!(sandbox.orch(&["step", "--branch", "main"]).code, 0);
    assert_eq!(everything(&sandbox), before, "the branch is checked out nowhere, so no file changes");
    sandbox.show_git(&["log", "--format=%s", "-1", "main"]);
    transcript!(sandbox);
}

#[test]
fn a_configured_branch_that_is_not_checked_out_has_to_be_named() {
    let sandbox = Sandbox::with(&["\n[project]\nbranch = \"main\"\n".to_owned(), agent("echo new > new")]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox.git(&["switch", "--quiet", "--create", "what-if"]);
    assert_eq!(sandbox.orch(&["step"]).code, 31);
    assert_eq!(sandbox.orch(&["step", "--branch", "what-if", "--quiet"]).code, 0);
    sandbox.show_git(&["log", "--format=%S %s", "-1", "what-if"]);
    assert_eq!(sandbox.orch(&["step", "--branch", "main", "--quiet"]).code, 0);
    sandbox.show_git(&["log", "--format=%S %s", "-1", "main"]);
    sandbox.show_git(&["status", "--short"]);
    transcript!(sandbox);
}

#[test]
fn the_work_tree_that_follows_is_the_one_that_has_the_branch() {
    let mut sandbox = project("echo new > new");
    let main = sandbox.repo().to_owned();
    let linked = sandbox.root().join("linked");
    sandbox.git(&["worktree", "add", "--quiet", "-b", "side", &linked.to_string_lossy()]);
    // Typed in the main work tree, for the branch of the linked one.
    assert_eq!(sandbox.orch(&["step", "--branch", "side", "--quiet"]).code, 0);
    assert!(!sandbox.has("new"));
    sandbox.show_git(&["status", "--short"]);
    sandbox.enter(linked);
    assert!(sandbox.has("new"));
    sandbox.show_git(&["status", "--short"]);
    // Typed in the linked one.
    sandbox.task("t-2", "Do more", &["--run", "echo more > more"]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.show_git(&["log", "--format=%s", "main..side"]);
    sandbox.show_git(&["status", "--short"]);
    sandbox.enter(main);
    assert_eq!(sandbox.orch(&["next"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_command_works_in_a_folder_of_the_work_tree() {
    let mut sandbox = project("echo new > new");
    let deep = sandbox.repo().join("src");
    sandbox.enter(deep);
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 0);
    sandbox.show_git(&["status", "--short"]);
    sandbox.enter(sandbox.root());
    assert_eq!(sandbox.orch(&["-C", "repo", "step"]).code, 10);
    transcript!(sandbox);
}

#[test]
fn a_shallow_clone_is_enough() {
    let mut sandbox = project("git log --format=%s > seen; echo new > new");
    let clone = sandbox.root().join("clone");
    let from = format!("file://{}", sandbox.repo().display());
    sandbox.git(&["clone", "--quiet", "--depth=1", &from, &clone.to_string_lossy()]);
    sandbox.identify(&clone);
    sandbox.enter(clone);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.show_git(&["log", "--format=%s"]);
    sandbox.show("seen");
    sandbox.orch(&["undo"]);
    transcript!(sandbox);
}

#[test]
fn a_submodule_stays_as_it_is() {
    let sandbox = project("echo new > new; rm -rf lib; mkdir lib");
    let library = sandbox.root().join("library");
    fs::create_dir(&library).expect("a folder");
    sandbox.git_in(&library, &["init", "--quiet", "--initial-branch=main"]);
    sandbox.identify(&library);
    fs::write(library.join("file"), "library\n").expect("written");
    sandbox.git_in(&library, &["add", "."]);
    sandbox.git_in(&library, &["commit", "--quiet", "--message=library"]);
    let from = library.to_string_lossy().into_owned();
    sandbox.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &from, "lib"]);
    sandbox.commit("a library");
    sandbox.write("lib/file", "changed by the user\n");
    let before = everything(&sandbox);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    let mut after = everything(&sandbox);
    assert_eq!(after.remove("new"), Some(b"new\n".to_vec()));
    assert_eq!(after, before);
    sandbox.show_git(&["ls-tree", "HEAD", "lib"]);
    transcript!(sandbox);
}

#[test]
fn a_bare_repository_takes_steps() {
    let mut sandbox = project("echo new > new");
    let bare = sandbox.root().join("bare.git");
    sandbox.git(&["clone", "--quiet", "--bare", ".", &bare.to_string_lossy()]);
    sandbox.identify(&bare);
    sandbox.enter(bare);
    assert_eq!(sandbox.orch(&["next"]).code, 0);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.show_git(&["show", "HEAD:new"]);
    assert_eq!(sandbox.orch(&["add", "More", "--id", "t-2"]).code, 0);
    assert_eq!(sandbox.orch(&["add", "More", "--id", "t-3", "--no-commit"]).code, 31);
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 31);
    transcript!(sandbox);
}

#[test]
fn without_an_identity_no_agent_is_started_unless_the_configuration_names_one() {
    let script = "touch \"$HOME/ran\"; echo new > new";
    let sandbox = project(script);
    sandbox.git(&["config", "--unset", "user.name"]);
    sandbox.git(&["config", "--unset", "user.email"]);
    assert_eq!(sandbox.orch(&["step"]).code, 31);
    assert!(!sandbox.signal("ran").exists());
    sandbox.identify(sandbox.repo());
    let author = "author = { name = \"Bot\", email = \"bot@example.com\" }";
    sandbox.configure(&[agent(script), table("project", author)]);
    sandbox.git(&["config", "--unset", "user.name"]);
    sandbox.git(&["config", "--unset", "user.email"]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.show_git(&["log", "-1", "--format=%an <%ae>"]);
    transcript!(sandbox);
}

#[test]
fn odd_names_and_modes_come_through() {
    let sandbox = project(
        "echo '#!/bin/sh' > run; chmod +x run; ln -s src/code link; echo x > 'a name'; echo y > '-n'; \
         echo u > ü; printf 'a\\r\\nb\\n' > crlf; rm README; mkdir -p src/code.d; mv src/code src/code.d/code",
    );
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.show_git(&["-c", "core.quotePath=false", "ls-tree", "-r", "HEAD"]);
    sandbox.show_git(&["status", "--short"]);
    assert_eq!(sandbox.read("crlf"), "a\r\nb\n");
    transcript!(sandbox);
}

#[test]
fn ignored_files_of_an_agent_do_not_land() {
    let sandbox = project("mkdir target; echo junk > target/junk; echo new > new");
    sandbox.write(".gitignore", "target/\n");
    sandbox.commit("ignore");
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 0);
    sandbox.show_git(&["show", "--format=", "--name-status", "HEAD"]);
    assert!(!sandbox.has("target"));
    transcript!(sandbox);
}

/// Steps go through whatever form the user's index has, and git finds nothing wrong afterwards.
fn with_an_index(prepare: &[&[&str]]) {
    let sandbox = project("echo new >> src/code");
    for arguments in prepare {
        sandbox.git(arguments);
    }
    sandbox.write("staged", "mine\n");
    sandbox.git(&["add", "staged"]);
    assert_eq!(sandbox.quietly(&["add", "More"]).code, 0);
    let said = sandbox.quietly(&["step", "--task", "t-1"]);
    assert_eq!(said.code, 0, "{prepare:?}: {}", said.stderr);
    assert_eq!(sandbox.git(&["status", "--short"]), "A  staged\n", "{prepare:?}");
    sandbox.git(&["fsck", "--strict", "--no-dangling"]);
}

#[test]
fn every_form_of_an_index_is_one_to_work_with() {
    with_an_index(&[&["config", "index.skipHash", "true"]]);
    with_an_index(&[&["update-index", "--split-index"]]);
    with_an_index(&[&["update-index", "--index-version", "4"]]);
    with_an_index(&[&["config", "core.untrackedCache", "true"], &["update-index", "--untracked-cache"]]);
    with_an_index(&[&["sparse-checkout", "set", "--no-cone", "src", "staged"]]);
    with_an_index(&[&["update-index", "--assume-unchanged", "README"]]);
}

#[test]
fn new_files_outside_of_a_sparse_checkout_are_left_out_of_it() {
    let sandbox =
        project("mkdir -p docs src/deep; echo new > docs/new; echo new > src/deep/new; echo new > new");
    sandbox.git(&["sparse-checkout", "set", "--cone", "src"]);
    assert_eq!(sandbox.quietly(&["step", "--quiet"]).code, 0);
    assert!(sandbox.has("new") && sandbox.has("src/deep/new"));
    assert!(!sandbox.has("docs") && !sandbox.has(".orchestrator"));
    assert_eq!(sandbox.git(&["status", "--short"]), "");
    assert_eq!(sandbox.git(&["sparse-checkout", "reapply"]), "");
    assert_eq!(sandbox.quietly(&["list", "--all"]).stdout.lines().count(), 2);
    sandbox.git(&["sparse-checkout", "disable"]);
    assert!(sandbox.has("docs/new"));
    assert_eq!(sandbox.git(&["status", "--short"]), "");
}

#[test]
fn a_repository_of_sha_256_takes_steps() {
    let sandbox = Sandbox::nowhere();
    sandbox.git(&["init", "--quiet", "--initial-branch=main", "--object-format=sha256", "."]);
    sandbox.identify(sandbox.repo());
    sandbox.configure(&[agent("git log --format=%s > seen")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.show("seen");
    assert_eq!(sandbox.orch(&["undo"]).code, 0);
    sandbox.show_git(&["status", "--short"]);
    transcript!(sandbox);
}

#[test]
fn a_hook_of_the_user_may_call_orch() {
    let sandbox = project("git log -1 --format=%s > seen");
    sandbox.program(
        ".git/hooks/post-commit",
        "#!/bin/sh\n\"$HOME/../bin/orch\" step --trust > \"$HOME/said\" 2>&1\n",
    );
    sandbox.git(&["commit", "--quiet", "--allow-empty", "--message", "by hand"]);
    let said = std::fs::read_to_string(sandbox.signal("said")).expect("the hook ran");
    assert!(said.contains("accepted"), "{said}");
    sandbox.show("seen");
    sandbox.show_git(&["log", "--format=%s", "-2"]);
    transcript!(sandbox);
}

#[test]
fn a_branch_of_a_work_tree_that_is_away_and_locked_is_not_moved() {
    let sandbox = Sandbox::with(&[agent("touch \"$HOME/ran\"; echo x > x")]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox.git(&["switch", "--quiet", "-c", "other"]);
    let (there, away) = (sandbox.root().join("there"), sandbox.root().join("away"));
    sandbox.git(&["worktree", "add", "--quiet", &there.display().to_string(), "main"]);
    sandbox.git(&["worktree", "lock", &there.display().to_string()]);
    std::fs::rename(&there, &away).expect("moved");
    let said = sandbox.quietly(&["step", "--branch", "main"]);
    assert_eq!(said.code, 31, "{}", said.stderr);
    assert!(said.stderr.contains("which is away, and locked"), "{}", said.stderr);
    assert!(!sandbox.signal("ran").exists());
    std::fs::rename(&away, &there).expect("moved");
    assert_eq!(sandbox.quietly(&["step", "--branch", "main"]).code, 0);
    assert_eq!(sandbox.git_in(&there, &["status", "--short"]), "");
}
