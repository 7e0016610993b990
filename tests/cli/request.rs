//! Work that lands by a pull request: a branch of the task's own waits, and whichever way it is merged, state
//! and work arrive together.

use crate::sandbox::{Sandbox, agent, gate, table};
use crate::transcript;

/// A step whose work waits on `orch/t-1`.
fn waiting() -> Sandbox {
    let sandbox = Sandbox::with(&[
        agent("echo new >> src/code; printf 'summary: did it\\n' > \"$ORCH_OUTCOME\""),
        gate("test", "test ! -f broken"),
        table("policy", "integration = \"pull-request\""),
    ]);
    sandbox.task("t-1", "Do it", &["--kind", "chore", "--accept", "it is done"]);
    sandbox.task("t-2", "Do more", &["--depends-on", "t-1"]);
    assert_eq!(sandbox.orch(&["step"]).code, 23);
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\n");
    sandbox
}

/// What has to hold once the branch is merged, in whichever way.
fn merged(sandbox: &Sandbox) {
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\nnew\n");
    assert!(sandbox.read(".orchestrator/tasks/t-1.toml").contains("status = \"done\""));
    assert_eq!(sandbox.git(&["status", "--short"]), "");
    let fsck = sandbox.quietly(&["fsck"]);
    assert_eq!(fsck.code, 0, "{}{}", fsck.stdout, fsck.stderr);
    let next = sandbox.quietly(&["next", "--json"]);
    assert!(next.stdout.contains("\"id\":\"t-2\""), "what waited for it goes on: {}", next.stdout);
}

#[test]
fn accepted_work_waits_on_a_branch_and_its_merge_is_the_approval() {
    let sandbox = waiting();
    sandbox.show(".orchestrator/tasks/t-1.toml");
    sandbox.show_git(&["log", "--graph", "--format=%s", "--all", "--exclude=refs/orch/*"]);
    sandbox.show_git(&["log", "-1", "--format=%B", "--name-status", "orch/t-1"]);
    assert_eq!(sandbox.orch(&["approve", "t-1"]).code, 2);
    assert_eq!(sandbox.orch(&["step"]).code, 11);
    sandbox.git(&["merge", "--quiet", "--no-ff", "--no-edit", "orch/t-1"]);
    merged(&sandbox);
    assert_eq!(sandbox.orch(&["log"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_squash_is_recognised_by_the_record_that_it_brings() {
    let sandbox = waiting();
    sandbox.write("other", "meanwhile\n");
    sandbox.commit("meanwhile");
    sandbox.git(&["merge", "--quiet", "--squash", "orch/t-1"]);
    sandbox.git(&["commit", "--quiet", "--message", "Do it (#12)\n\nSquashed by the forge."]);
    merged(&sandbox);
    assert_eq!(sandbox.orch(&["log"]).code, 0);
    assert_eq!(sandbox.orch(&["log", "--task", "t-1", "--json"]).code, 0);
    assert_eq!(sandbox.orch(&["verify"]).code, 0);
    assert_eq!(sandbox.orch(&["undo"]).code, 0);
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\n");
    assert!(sandbox.read(".orchestrator/tasks/t-1.toml").contains("status = \"blocked\""));
    assert_eq!(sandbox.quietly(&["fsck"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn what_a_person_added_to_a_squash_is_neither_damage_nor_what_the_gates_judged() {
    let sandbox = waiting();
    sandbox.git(&["merge", "--quiet", "--squash", "orch/t-1"]);
    sandbox.write("src/code", "one\ntwo\nthree\nnewer\n");
    sandbox.git(&["add", "src/code"]);
    sandbox.git(&["commit", "--quiet", "--message", "Do it, better (#12)"]);
    assert_eq!(sandbox.orch(&["fsck"]).code, 0);
    assert_eq!(sandbox.orch(&["verify"]).code, 0);
    assert_eq!(sandbox.orch(&["verify", "--rerun"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_squash_of_several_steps_is_all_of_them_and_is_not_undone_by_halves() {
    let sandbox = Sandbox::with(&[agent("echo $ORCH_TASK > new-$ORCH_TASK")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox.task("t-2", "Do more", &["--kind", "chore"]);
    sandbox.git(&["switch", "--quiet", "--create", "work"]);
    assert_eq!(sandbox.orch(&["run", "--quiet", "--branch", "work"]).code, 10);
    sandbox.git(&["switch", "--quiet", "main"]);
    sandbox.git(&["merge", "--quiet", "--squash", "work"]);
    sandbox.git(&["commit", "--quiet", "--message", "Both"]);
    assert_eq!(sandbox.orch(&["log"]).code, 0);
    assert_eq!(sandbox.orch(&["undo", "t-1"]).code, 31);
    assert_eq!(sandbox.git(&["status", "--short"]), "");
    assert_eq!(sandbox.orch(&["fsck"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_squash_may_repeat_the_text_of_the_request() {
    let sandbox = waiting();
    sandbox.write("other", "meanwhile\n");
    sandbox.commit("meanwhile");
    let body = sandbox.git(&["log", "-1", "--format=%B", "orch/t-1"]);
    sandbox.git(&["merge", "--quiet", "--squash", "orch/t-1"]);
    sandbox.git(&["commit", "--quiet", "--message", &body]);
    merged(&sandbox);
}

#[test]
fn a_rebase_is_recognised_too_after_the_target_moved_in_other_tasks_and_files() {
    let sandbox = waiting();
    sandbox.task("t-3", "Added meanwhile", &[]);
    sandbox.write("other", "meanwhile\n");
    sandbox.commit("meanwhile");
    sandbox.git(&["cherry-pick", "orch/t-1"]);
    merged(&sandbox);
}

#[test]
fn a_target_that_moved_merges_without_a_conflict_in_the_state() {
    let sandbox = waiting();
    sandbox.task("t-3", "Added meanwhile", &[]);
    assert_eq!(sandbox.quietly(&["edit", "t-1", "--label", "urgent"]).code, 0);
    assert_eq!(sandbox.quietly(&["step", "--task", "t-3"]).code, 23);
    sandbox.git(&["merge", "--quiet", "--no-edit", "orch/t-1"]);
    assert!(sandbox.read(".orchestrator/tasks/t-1.toml").contains("urgent"));
    merged(&sandbox);
}

#[test]
fn a_request_that_is_turned_down_is_improved_and_offered_again() {
    let sandbox = waiting();
    let first = sandbox.git(&["rev-parse", "orch/t-1"]);
    assert_eq!(sandbox.orch(&["reject", "t-1", "--reason", "not like this"]).code, 0);
    assert_eq!(sandbox.orch(&["step"]).code, 23);
    let second = sandbox.git(&["rev-parse", "orch/t-1"]);
    assert_ne!(first, second);
    assert_eq!(sandbox.git(&["rev-parse", "orch/t-1^"]), sandbox.git(&["rev-parse", "main"]));
    // What others added to it is theirs.
    sandbox.git(&["switch", "--quiet", "orch/t-1"]);
    sandbox.write("src/code", "one\ntwo\nthree\nnew\nand more\n");
    sandbox.commit("a reviewer's own hand");
    sandbox.git(&["switch", "--quiet", "main"]);
    assert_eq!(sandbox.orch(&["step"]).code, 11);
    assert_eq!(sandbox.orch(&["reject", "t-1", "--reason", "still not"]).code, 0);
    assert_eq!(sandbox.orch(&["step"]).code, 23);
    assert_eq!(sandbox.git(&["log", "-1", "--format=%s", "orch/t-1"]), "a reviewer's own hand\n");
    transcript!(sandbox);
}

#[test]
fn a_branch_that_is_missing_is_made_by_the_next_step() {
    let sandbox = waiting();
    // As if the step had been killed between its two commits.
    sandbox.git(&["branch", "--quiet", "--delete", "--force", "orch/t-1"]);
    assert_eq!(sandbox.orch(&["step"]).code, 11);
    sandbox.git(&["merge", "--quiet", "--no-edit", "orch/t-1"]);
    merged(&sandbox);
}

#[test]
fn work_that_does_not_fit_the_target_any_more_is_told_and_kept() {
    let sandbox = waiting();
    sandbox.git(&["branch", "--quiet", "--delete", "--force", "orch/t-1"]);
    sandbox.write("src/code", "something else\n");
    sandbox.commit("meanwhile");
    assert_eq!(sandbox.orch(&["step"]).code, 11);
    assert_eq!(sandbox.git(&["branch", "--list", "orch/*"]), "");
    transcript!(sandbox);
}

#[test]
fn work_without_code_needs_no_request() {
    let sandbox = Sandbox::with(&[
        agent("printf 'summary: nothing to change\\n' > \"$ORCH_OUTCOME\""),
        table("policy", "integration = \"pull-request\""),
    ]);
    sandbox.task("t-1", "Find out", &["--kind", "research"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    assert_eq!(sandbox.git(&["branch", "--list", "orch/*"]), "");
}

/// A remote that is said to be at a forge, and is a bare clone of the repository.
fn with_remote(sandbox: &Sandbox) -> std::path::PathBuf {
    let remote = sandbox.root().join("remote.git");
    let path = remote.to_string_lossy().into_owned();
    sandbox.git(&["clone", "--quiet", "--bare", ".", &path]);
    sandbox.git(&["config", &format!("url.{path}.insteadOf"), "https://github.com/acme/x"]);
    sandbox.git(&["remote", "add", "origin", "https://github.com/acme/x"]);
    sandbox.git(&["push", "--quiet", "--set-upstream", "origin", "main"]);
    remote
}

fn forge(sandbox: &Sandbox, ends: &str) {
    let script = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$HOME/asked\"\n{ends}\n");
    sandbox.program("../bin/gh", &script);
}

fn project() -> Sandbox {
    let sandbox = Sandbox::with(&[
        agent("echo new >> src/code; printf 'summary: did it\\n' > \"$ORCH_OUTCOME\""),
        table("policy", "integration = \"pull-request\""),
    ]);
    sandbox.task("t-1", "Do it", &["--kind", "chore", "--accept", "it is done"]);
    sandbox.task("t-2", "Do more", &["--depends-on", "t-1"]);
    sandbox
}

#[test]
fn by_push_the_branch_goes_to_the_remote_and_the_forges_program_opens_the_request() {
    let sandbox = project();
    let remote = with_remote(&sandbox);
    forge(&sandbox, "echo https://github.com/acme/x/pull/1");
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 23);
    let there = |name: &str| sandbox.git_in(&remote, &["rev-parse", name]);
    assert_eq!(there("orch/t-1^"), there("main"));
    assert_eq!(there("main"), sandbox.git(&["rev-parse", "main"]));
    sandbox.note(&std::fs::read_to_string(sandbox.signal("asked")).expect("it was asked"));
    sandbox.show(".git/orch/requests/t-1.md");
    // The forge squashes it, with the text of the request for a message.
    let forge = sandbox.root().join("forge");
    sandbox.git(&["clone", "--quiet", &remote.to_string_lossy(), &forge.to_string_lossy()]);
    sandbox.identify(&forge);
    sandbox.git_in(&forge, &["merge", "--quiet", "--squash", "origin/orch/t-1"]);
    let body = format!("chore: do it (t-1) (#1)\n\n{}", sandbox.read(".git/orch/requests/t-1.md"));
    sandbox.git_in(&forge, &["commit", "--quiet", "--message", &body]);
    sandbox.git_in(&forge, &["push", "--quiet", "origin", "main", ":orch/t-1"]);
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 23);
    assert!(sandbox.read(".orchestrator/tasks/t-1.toml").contains("status = \"done\""));
    assert_eq!(there("orch/t-2^"), there("main"));
    assert_eq!(sandbox.quietly(&["fsck"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_forge_that_opens_no_request_leaves_its_command_to_type() {
    let sandbox = project();
    let remote = with_remote(&sandbox);
    forge(&sandbox, "echo 'no login' >&2; exit 4");
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 23);
    assert_eq!(sandbox.git_in(&remote, &["branch", "--list", "orch/*"]), "  orch/t-1\n");
    transcript!(sandbox);
}

#[test]
fn a_branch_that_others_added_to_on_the_remote_is_left_alone() {
    let sandbox = project();
    let remote = with_remote(&sandbox);
    assert_eq!(sandbox.quietly(&["step", "--push"]).code, 23);
    let forge = sandbox.root().join("forge");
    sandbox.git(&[
        "clone",
        "--quiet",
        "--branch",
        "orch/t-1",
        &remote.to_string_lossy(),
        &forge.to_string_lossy(),
    ]);
    sandbox.identify(&forge);
    sandbox.git_in(&forge, &["commit", "--quiet", "--allow-empty", "--message", "a reviewer's own hand"]);
    sandbox.git_in(&forge, &["push", "--quiet"]);
    assert_eq!(sandbox.quietly(&["reject", "t-1", "--reason", "not like this"]).code, 0);
    sandbox.git(&["push", "--quiet"]);
    let said = sandbox.quietly(&["step", "--push"]);
    assert!(said.code == 23 && said.stderr.contains("has commits that orch did not make"), "{}", said.stderr);
    assert_eq!(sandbox.git_in(&remote, &["log", "-1", "--format=%s", "orch/t-1"]), "a reviewer's own hand\n");
    // What is told to type keeps theirs, and the next step offers what waits.
    let typed = typed(&sandbox, "git push ");
    assert!(said.stderr.contains(&typed), "{typed}: {}", said.stderr);
    type_it(&sandbox, &typed.replace("NAME", "theirs"));
    assert_eq!(sandbox.git_in(&remote, &["log", "-1", "--format=%s", "theirs"]), "a reviewer's own hand\n");
    assert_eq!(sandbox.quietly(&["step", "--push"]).code, 11);
    assert_eq!(
        sandbox.git_in(&remote, &["rev-parse", "orch/t-1^"]),
        sandbox.git_in(&remote, &["rev-parse", "main"])
    );
}

/// What `orch status` says to type for the task that waits.
fn typed(sandbox: &Sandbox, begins: &str) -> String {
    let status = sandbox.quietly(&["status", "--json"]);
    let (_, rest) = status.stdout.split_once("\"todo\":\"").expect("something to do");
    let (todo, _) = rest.split_once('"').expect("a string");
    assert!(todo.starts_with(begins), "{todo}");
    todo.replace("\\u0026", "&")
}

/// Types commands of git, one after the other.
fn type_it(sandbox: &Sandbox, line: &str) {
    for command in line.split(" && ") {
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        sandbox.git(&words);
    }
}

#[test]
fn what_is_told_to_type_merges_what_waits_wherever_its_branch_is() {
    let sandbox = project();
    with_remote(&sandbox);
    assert_eq!(sandbox.quietly(&["step", "--push"]).code, 23);
    assert_eq!(typed(&sandbox, ""), "git merge orch/t-1");
    sandbox.git(&["branch", "--quiet", "-D", "orch/t-1"]);
    assert_eq!(typed(&sandbox, ""), "git merge origin/orch/t-1");
    sandbox.git(&["update-ref", "-d", "refs/remotes/origin/orch/t-1"]);
    assert_eq!(typed(&sandbox, ""), "git fetch");
    sandbox.git(&["fetch", "--quiet"]);
    let typed = typed(&sandbox, "git merge ");
    type_it(&sandbox, &format!("{typed} --quiet --no-edit"));
    assert!(sandbox.read(".orchestrator/tasks/t-1.toml").contains("status = \"done\""));
}

#[test]
fn no_earlier_work_is_told_to_be_merged() {
    let sandbox = waiting();
    sandbox.git(&["switch", "--quiet", "orch/t-1"]);
    sandbox.git(&["commit", "--quiet", "--allow-empty", "--message", "a reviewer's own hand"]);
    sandbox.git(&["switch", "--quiet", "main"]);
    assert_eq!(typed(&sandbox, ""), "git merge orch/t-1", "with what others added to it");
    assert_eq!(sandbox.quietly(&["reject", "t-1", "--reason", "not like this"]).code, 0);
    assert_eq!(sandbox.orch(&["step"]).code, 23);
    assert_eq!(typed(&sandbox, ""), "git branch --move orch/t-1 NAME");
    sandbox.git(&["branch", "--move", "orch/t-1", "theirs"]);
    assert_eq!(typed(&sandbox, ""), "orch step");
    assert_eq!(sandbox.orch(&["step"]).code, 11);
    assert_eq!(typed(&sandbox, ""), "git merge orch/t-1");
    transcript!(sandbox);
}

/// A request whose branch the forge deleted as it closed it, and whose task was sent back.
fn closed() -> Sandbox {
    let (sandbox, remote) = several(&["t-1"]);
    assert_eq!(sandbox.quietly(&["step", "--push"]).code, 23);
    sandbox.git_in(&remote, &["branch", "--quiet", "--delete", "--force", "orch/t-1"]);
    assert_eq!(sandbox.quietly(&["reject", "t-1", "--reason", "not like this"]).code, 0);
    sandbox.git(&["push", "--quiet"]);
    sandbox
}

#[test]
fn work_that_is_offered_again_takes_the_place_of_the_rejected_one_here_too() {
    let sandbox = closed();
    let first = sandbox.git(&["rev-parse", "orch/t-1"]);
    let said = sandbox.quietly(&["step", "--push"]);
    assert_eq!(said.code, 23, "{}", said.stderr);
    sandbox.git(&["fetch", "--quiet"]);
    let here = sandbox.git(&["rev-parse", "orch/t-1"]);
    assert_ne!(here, first);
    assert_eq!(here, sandbox.git(&["rev-parse", "origin/orch/t-1"]));
}

#[test]
fn what_a_person_did_on_a_branch_that_was_closed_stays_and_is_told() {
    let sandbox = closed();
    sandbox.git(&["switch", "--quiet", "orch/t-1"]);
    sandbox.write("mine", "by hand\n");
    sandbox.commit("a person's own hand");
    sandbox.git(&["switch", "--quiet", "main"]);
    let said = sandbox.quietly(&["step", "--push"]);
    assert_eq!(said.code, 23, "{}", said.stderr);
    let told = "warning: branch `orch/t-1` here has commits that orch did not make; \
                what waits to be merged is `orch/t-1` of `origin`";
    assert!(said.stderr.contains(told), "{}", said.stderr);
    assert_eq!(sandbox.git(&["log", "-1", "--format=%s", "orch/t-1"]), "a person's own hand\n");
}

#[test]
fn saying_what_would_be_done_makes_no_branch() {
    let sandbox = waiting();
    sandbox.git(&["branch", "--quiet", "--delete", "--force", "orch/t-1"]);
    let objects = sandbox.git(&["count-objects"]);
    assert_eq!(sandbox.quietly(&["step", "--dry-run"]).code, 11);
    assert_eq!(sandbox.git(&["branch", "--list", "orch/*"]), "");
    assert_eq!(sandbox.git(&["count-objects"]), objects);
}

#[test]
fn a_branch_that_is_made_good_is_told_of_like_one_that_is_made_at_once() {
    let sandbox = waiting();
    for command in [&["step"][..], &["run"], &["run", "--jobs", "2"]] {
        sandbox.git(&["branch", "--quiet", "--delete", "--force", "orch/t-1"]);
        let said = sandbox.quietly(command);
        assert_eq!(said.code, 11, "{}", said.stderr);
        assert!(said.stderr.contains("hint: type `git merge orch/t-1`"), "{command:?}: {}", said.stderr);
    }
}

#[test]
fn a_request_is_opened_for_a_branch_that_is_made_good_on_the_remote() {
    let sandbox = project();
    with_remote(&sandbox);
    assert_eq!(sandbox.quietly(&["step", "--push"]).code, 23);
    sandbox.git(&["push", "--quiet", "origin", ":orch/t-1"]);
    sandbox.git(&["branch", "--quiet", "--delete", "--force", "orch/t-1"]);
    forge(&sandbox, "echo https://github.com/acme/x/pull/1");
    let said = sandbox.quietly(&["step", "--push"]);
    assert_eq!(said.code, 11, "{}", said.stderr);
    assert!(said.stderr.contains("hint: look at https://github.com/acme/x/pull/1"), "{}", said.stderr);
}

#[test]
fn what_a_forge_leaves_to_be_typed_is_told_by_several_jobs_too() {
    let sandbox = project();
    with_remote(&sandbox);
    forge(&sandbox, "echo 'no login' >&2; exit 4");
    let said = sandbox.quietly(&["run", "--jobs", "2", "--push"]);
    assert_eq!(said.code, 11, "{}", said.stderr);
    assert!(
        said.stderr.contains("warning: `gh` opened no request for `orch/t-1`: no login"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("hint: type `gh pr create "), "{}", said.stderr);
}

#[test]
fn the_remote_is_asked_once_for_the_branches_of_all_that_waits() {
    let sandbox = Sandbox::with(&[
        agent("echo new > $ORCH_TASK; printf 'summary: did it\\n' > \"$ORCH_OUTCOME\""),
        table("policy", "integration = \"pull-request\""),
    ]);
    for id in ["t-1", "t-2", "t-3"] {
        sandbox.task(id, "Do it", &["--kind", "chore"]);
    }
    let remote = with_remote(&sandbox);
    let asked = sandbox.signal("asked-there");
    let script = format!("#!/bin/sh\necho x >> '{}'\nexec git-upload-pack \"$@\"\n", asked.display());
    sandbox.program("../bin/counting-upload-pack", &script);
    let program = sandbox.root().join("bin/counting-upload-pack");
    sandbox.git(&["config", "remote.origin.uploadpack", &program.to_string_lossy()]);
    let times = || std::fs::read_to_string(&asked).map_or(0, |text| text.lines().count());
    for _ in 0..3 {
        assert_eq!(sandbox.quietly(&["step", "--push"]).code, 23);
    }
    let before = times();
    assert_eq!(sandbox.quietly(&["step", "--push"]).code, 11);
    assert_eq!(times() - before, 2, "for the target, and for all branches");
    assert_eq!(sandbox.git_in(&remote, &["branch", "--list", "orch/*"]).lines().count(), 3);
}

/// Several tasks, each with a file of its own, whose requests wait on a remote.
fn several(tasks: &[&str]) -> (Sandbox, std::path::PathBuf) {
    let sandbox = Sandbox::with(&[
        agent("echo new > $ORCH_TASK; printf 'summary: did it\\n' > \"$ORCH_OUTCOME\"")
            .replace("timeout", "max_parallel = 4\ntimeout"),
        gate("test", "test ! -f broken"),
        table("policy", "integration = \"pull-request\""),
    ]);
    for id in tasks {
        sandbox.task(id, "Do it", &["--kind", "chore"]);
    }
    let remote = with_remote(&sandbox);
    (sandbox, remote)
}

#[test]
fn a_task_and_its_branch_arrive_in_one_push() {
    let (sandbox, remote) = several(&["t-1"]);
    let log = sandbox.signal("pushes");
    let script = format!(
        "#!/bin/sh\nline=push\nwhile read -r _ _ name; do line=\"$line $name\"; done\necho \"$line\" >> '{}'\n",
        log.display()
    );
    sandbox.program("../remote.git/hooks/pre-receive", &script);
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 23);
    sandbox.note(&std::fs::read_to_string(log).expect("it was pushed to"));
    for (branch, here) in [("main", "main"), ("orch/t-1", "orch/t-1"), ("orch/t-1^", "main")] {
        assert_eq!(sandbox.git_in(&remote, &["rev-parse", branch]), sandbox.git(&["rev-parse", here]));
    }
    assert_eq!(sandbox.quietly(&["step", "--push"]).code, 11);
    transcript!(sandbox);
}

#[test]
fn a_branch_that_is_missing_is_made_by_any_clone_that_finds_out() {
    let (mut sandbox, remote) = several(&["t-1"]);
    assert_eq!(sandbox.quietly(&["step", "--push"]).code, 23);
    // As where the two could not be pushed in one, and the step was killed between them.
    sandbox.git_in(&remote, &["branch", "--quiet", "--delete", "--force", "orch/t-1"]);
    let clone = sandbox.root().join("clone");
    sandbox.git(&["clone", "--quiet", &remote.to_string_lossy(), &clone.to_string_lossy()]);
    sandbox.identify(&clone);
    sandbox.enter(clone);
    let said = sandbox.quietly(&["step", "--push"]);
    assert_eq!(said.code, 11, "{}", said.stderr);
    assert!(said.stderr.contains("`orch/t-1` waits to be merged into `main`"), "{}", said.stderr);
    assert_eq!(sandbox.git_in(&remote, &["rev-parse", "orch/t-1^"]), sandbox.git(&["rev-parse", "main"]));
}

#[test]
fn a_server_that_takes_no_such_branches_takes_the_state_all_the_same() {
    let (sandbox, remote) = several(&["t-1"]);
    let refuse = "#!/bin/sh\ncase $1 in refs/heads/orch/*) echo 'main only'; exit 1;; esac\n";
    sandbox.program("../remote.git/hooks/update", refuse);
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 23);
    assert_eq!(sandbox.git_in(&remote, &["rev-parse", "main"]), sandbox.git(&["rev-parse", "main"]));
    transcript!(sandbox);
}

#[test]
fn several_jobs_offer_their_work_to_one_remote() {
    let tasks = ["t-1", "t-2", "t-3", "t-4"];
    let (sandbox, remote) = several(&tasks);
    let said = sandbox.quietly(&["run", "--jobs", "2", "--push"]);
    assert_eq!(said.code, 11, "{}{}", said.stdout, said.stderr);
    assert!(!said.stderr.contains("warning"), "{}", said.stderr);
    assert_eq!(sandbox.git_in(&remote, &["rev-parse", "main"]), sandbox.git(&["rev-parse", "main"]));
    assert_eq!(sandbox.git(&["log", "--merges", "--oneline"]), "", "the history is a line");
    for id in tasks {
        let there = sandbox.git_in(&remote, &["rev-parse", &format!("orch/{id}")]);
        assert_eq!(there, sandbox.git(&["rev-parse", &format!("orch/{id}")]));
        sandbox.git(&["merge-base", "--is-ancestor", &format!("orch/{id}^"), "main"]);
        sandbox.git(&["merge", "--quiet", "--no-edit", &format!("orch/{id}")]);
        assert!(sandbox.has(id), "{}", said.stderr);
        assert!(said.stderr.contains(&format!("`orch/{id}` waits to be merged")), "{}", said.stderr);
    }
    let fsck = sandbox.quietly(&["fsck"]);
    assert_eq!(fsck.code, 0, "{}{}", fsck.stdout, fsck.stderr);
    assert!(sandbox.quietly(&["next"]).stdout.contains("everything is done"));
}

#[test]
fn what_others_added_to_the_branch_on_a_remote_is_what_is_merged() {
    let sandbox = waiting();
    let remote = sandbox.root().join("remote.git");
    sandbox.git(&["init", "--quiet", "--bare", &remote.to_string_lossy()]);
    sandbox.git(&["remote", "add", "origin", &remote.to_string_lossy()]);
    sandbox.git(&["push", "--quiet", "origin", "main", "orch/t-1"]);
    let status = || sandbox.quietly(&["status"]).stdout;
    assert!(status().contains("git merge orch/t-1"), "{}", status());
    sandbox.git(&["switch", "--quiet", "--detach", "orch/t-1"]);
    sandbox.write("fixup", "by a reviewer\n");
    sandbox.commit("fixup");
    sandbox.git(&["push", "--quiet", "origin", "HEAD:refs/heads/orch/t-1"]);
    sandbox.git(&["switch", "--quiet", "main"]);
    assert!(status().contains("git merge origin/orch/t-1"), "{}", status());
    sandbox.git(&["merge", "--quiet", "--no-edit", "origin/orch/t-1"]);
    assert_eq!(sandbox.read("fixup"), "by a reviewer\n");
    merged(&sandbox);
}

#[test]
fn a_request_that_was_not_opened_is_opened_by_a_later_step() {
    let sandbox = project();
    with_remote(&sandbox);
    forge(&sandbox, "echo 'try again later' >&2; exit 1");
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 23);
    std::fs::remove_file(sandbox.signal("asked")).expect("it was asked");
    forge(&sandbox, "echo https://github.com/acme/x/pull/1");
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 11);
    std::fs::remove_file(sandbox.signal("asked")).expect("it was asked once more");
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 11);
    assert!(!sandbox.signal("asked").exists(), "it is open");
    // A request that was closed with its branch is opened again for work that was done again.
    assert_eq!(sandbox.quietly(&["reject", "t-1", "--reason", "not like this"]).code, 0);
    sandbox.git(&["push", "--quiet"]);
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 23);
    std::fs::remove_file(sandbox.signal("asked")).expect("it was asked");
    // One that is open still is told of by nobody.
    forge(&sandbox, "echo 'a pull request for branch orch/t-1 already exists' >&2; exit 1");
    assert_eq!(sandbox.quietly(&["reject", "t-1", "--reason", "nor like this"]).code, 0);
    sandbox.git(&["push", "--quiet"]);
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 23);
    transcript!(sandbox);
}

#[test]
fn a_branch_that_the_forge_deleted_without_a_merge_leaves_a_way_out() {
    let sandbox = project();
    let remote = with_remote(&sandbox);
    forge(&sandbox, "echo https://github.com/acme/x/pull/1");
    assert_eq!(sandbox.quietly(&["step", "--push"]).code, 23);
    sandbox.git_in(&remote, &["update-ref", "-d", "refs/heads/orch/t-1"]);
    sandbox.git(&["fetch", "--quiet", "--prune"]);
    sandbox.git(&["update-ref", "-d", "refs/heads/orch/t-1"]);
    let status = sandbox.quietly(&["status"]);
    assert!(status.stdout.contains("or `orch reject t-1`"), "{}", status.stdout);
    let said = sandbox.quietly(&["approve", "t-1"]);
    assert!(said.code == 2 && said.stderr.contains("`orch reject t-1`, or push it again"), "{}", said.stderr);
    assert_eq!(sandbox.quietly(&["reject", "t-1", "--reason", "declined"]).code, 0);
}
