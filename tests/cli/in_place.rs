//! `orch step --in-place`: the agent works in the work tree itself.

use crate::sandbox::{Sandbox, agent, gate, send, table};
use crate::transcript;
use rustix::process::Signal;

/// A project with one task, whose agent is a line of shell.
fn project(script: &str, more: &[String]) -> Sandbox {
    let sandbox = Sandbox::with(&[&[agent(script)], more].concat());
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox
}

fn show_where_it_stands(sandbox: &Sandbox) {
    sandbox.show_git(&["status", "--short", "--branch"]);
    sandbox.show_git(&["log", "--format=%s"]);
    sandbox.show_git(&["for-each-ref", "--format=%(refname) %(contents:subject)", "refs/orch"]);
    sandbox.show_git(&["diff", "--stat", "HEAD"]);
}

#[test]
fn accepted_work_is_where_it_was_made() {
    let sandbox = project("echo new >> src/code; test -d .git && echo here", &[gate("test", "test -d .git")]);
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 0);
    show_where_it_stands(&sandbox);
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\nnew\n");
    transcript!(sandbox);
}

#[test]
fn rejected_work_is_kept_and_the_tree_is_at_the_new_tip() {
    let sandbox = project(
        "echo bad >> src/code; rm README; echo junk > junk",
        &[gate("test", "exit 1"), table("policy", "max_attempts = 1")],
    );
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 20);
    show_where_it_stands(&sandbox);
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\n");
    assert!(sandbox.has("README") && !sandbox.has("junk"));
    transcript!(sandbox);
}

#[test]
fn a_tree_that_is_not_clean_is_refused_before_the_agent_runs() {
    let sandbox = project("touch \"$HOME/ran\"; echo new >> src/code", &[]);
    sandbox.write("untracked", "mine\n");
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 31);
    std::fs::remove_file(sandbox.repo().join("untracked")).expect("removed");
    sandbox.write("src/code", "mine\n");
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 31);
    sandbox.git(&["add", "src/code"]);
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 31);
    assert!(!sandbox.signal("ran").exists());
    assert_eq!(sandbox.read("src/code"), "mine\n");
    transcript!(sandbox);
}

#[test]
fn where_nothing_could_be_done_in_place_what_is_not_committed_is_told() {
    let sandbox = project("echo new >> src/code", &[]);
    assert_eq!(sandbox.orch(&["cancel", "t-1"]).code, 0);
    sandbox.orch(&["add", "Not committed", "--no-commit"]);
    let said = sandbox.orch(&["step", "--in-place"]);
    assert_eq!(said.code, 10);
    assert!(said.stderr.contains(".toml` is not committed"), "{}", said.stderr);
}

#[test]
fn build_caches_stay_and_do_not_land() {
    let sandbox = project("cat cache/x > seen; echo more >> cache/x", &[]);
    sandbox.write(".gitignore", "cache/\n");
    sandbox.commit("ignore");
    sandbox.write("cache/x", "warm\n");
    assert_eq!(sandbox.orch(&["step", "--in-place", "--quiet"]).code, 0);
    assert_eq!(sandbox.read("cache/x"), "warm\nmore\n");
    sandbox.show_git(&["show", "--format=", "--name-status", "HEAD"]);
    transcript!(sandbox);
}

#[test]
fn what_a_gate_writes_in_place_does_not_land() {
    let sandbox = project("echo new > new", &[gate("test", "echo junk > junk; echo junk >> src/code")]);
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 0);
    show_where_it_stands(&sandbox);
    transcript!(sandbox);
}

#[test]
fn an_agent_that_commits_by_itself_in_place_is_judged_by_its_files() {
    let sandbox =
        project("echo new > new; git add new; git commit --quiet -m 'my own'; echo late > late", &[]);
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 0);
    show_where_it_stands(&sandbox);
    transcript!(sandbox);
}

#[test]
fn an_agent_that_commits_by_itself_and_is_rejected_loses_nothing() {
    let sandbox = project(
        "echo new > new; git add new; git commit --quiet -m 'my own'",
        &[gate("test", "exit 1"), table("policy", "max_attempts = 1")],
    );
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 20);
    show_where_it_stands(&sandbox);
    assert!(!sandbox.has("new"));
    transcript!(sandbox);
}

#[test]
fn an_agent_that_edits_the_state_in_place_is_rejected_and_the_state_is_back() {
    let sandbox = project(
        "echo new > new; rm -r .orchestrator/tasks; echo '# mine' >> .orchestrator/config.toml",
        &[table("policy", "max_attempts = 1")],
    );
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 20);
    show_where_it_stands(&sandbox);
    transcript!(sandbox);
}

#[test]
fn interrupted_in_place_the_work_is_kept_and_the_tree_is_at_the_new_tip() {
    let sandbox = project("echo half > half; touch \"$HOME/at-work\"; exec sleep 600", &[]);
    let step = sandbox.start(&["step", "--in-place"]);
    sandbox.wait_for(&sandbox.signal("at-work"));
    send(&step, Signal::INT);
    assert_eq!(sandbox.ended(&["step", "--in-place"], step).code, 130);
    show_where_it_stands(&sandbox);
    transcript!(sandbox);
}

#[test]
fn killed_in_place_the_next_command_keeps_the_work_and_puts_the_tree_back() {
    let sandbox = project("echo half > half; rm README; touch \"$HOME/at-work\"; exec sleep 600", &[]);
    killed(&sandbox);
    show_where_it_stands(&sandbox);
    transcript!(sandbox);
}

/// Kills a step while its agent is at work, and asks what is next.
fn killed(sandbox: &Sandbox) {
    sandbox.killed(&["step", "--in-place"]);
    sandbox.orch(&["next"]);
}

#[test]
fn killed_in_place_no_question_moves_what_a_person_has_checked_out_since() {
    let sandbox = project("echo half > half; touch \"$HOME/at-work\"; exec sleep 600", &[]);
    sandbox.git(&["branch", "topic"]);
    sandbox.killed(&["step", "--in-place"]);
    sandbox.git(&["stash", "--quiet", "--include-untracked"]);
    sandbox.git(&["switch", "--quiet", "topic"]);
    sandbox.write("src/code", "precious\n");
    sandbox.write("mine", "mine\n");
    sandbox.git(&["add", "mine"]);
    assert_eq!(sandbox.orch(&["list"]).code, 0);
    // What directs git was put back by the first command; from then on it is the person's.
    sandbox.git(&["config", "branch.topic.description", "mine"]);
    sandbox.orch(&["step", "--dry-run", "--quiet"]);
    // What lands meanwhile stays, also on what a person has put there, and the work tree that is not its branch's is
    // left alone.
    let theirs = sandbox.git(&["commit-tree", "main^{tree}", "-p", "main", "-m", "theirs"]);
    sandbox.git(&["update-ref", "refs/heads/main", theirs.trim()]);
    assert_eq!(sandbox.orch(&["add", "Another", "--id", "t-2", "--branch", "main"]).code, 0);
    sandbox.git(&["merge-base", "--is-ancestor", theirs.trim(), "main"]);
    sandbox.show_git(&["status", "--short", "--branch"]);
    assert_eq!(sandbox.read("src/code"), "precious\n");
    assert_eq!(sandbox.git(&["config", "branch.topic.description"]), "mine\n");
    sandbox.commit("mine");
    sandbox.git(&["switch", "--quiet", "main"]);
    assert_eq!(sandbox.orch(&["list"]).code, 0);
    show_where_it_stands(&sandbox);
    assert_eq!(sandbox.git(&["config", "branch.topic.description"]), "mine\n");
    transcript!(sandbox);
}

#[test]
fn killed_in_place_the_branch_is_where_orch_had_left_it_and_the_agents_commits_are_kept() {
    let sandbox = project(
        "echo one > one; git add one; git commit -q -m 'on the branch'; git checkout -q --detach; \
         echo two > two; git add two; git commit -q -m 'on no branch'; echo late > late; touch \"$HOME/at-work\"; \
         exec sleep 600",
        &[],
    );
    let base = sandbox.git(&["rev-parse", "main"]);
    killed(&sandbox);
    assert_eq!(sandbox.git(&["symbolic-ref", "HEAD"]), "refs/heads/main\n");
    assert_eq!(sandbox.git(&["rev-parse", "main"]), base);
    assert!(!sandbox.has("one") && !sandbox.has("two") && !sandbox.has("late"));
    show_where_it_stands(&sandbox);
    for name in sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch/attempts"]).lines() {
        sandbox.show_git(&["ls-tree", "--name-only", name, "one", "two", "late"]);
    }
    transcript!(sandbox);
}

/// Another line of history, and what of git's an agent begins with it and does not end.
fn unfinished(begins: &str) -> Sandbox {
    let script = format!("{begins}; touch \"$HOME/at-work\"; test ! -e \"$HOME/stays\" || exec sleep 600");
    let sandbox = project(&script, &[table("policy", "max_attempts = 1")]);
    sandbox.git(&["switch", "--quiet", "--create", "other"]);
    sandbox.write("src/code", "one\nother\nthree\n");
    sandbox.commit("other");
    sandbox.git(&["switch", "--quiet", "main"]);
    sandbox.write("src/code", "one\nmine\nthree\n");
    sandbox.commit("mine");
    sandbox
}

/// Each way to begin something that conflicts, and what git calls it.
const BEGINNINGS: [&str; 4] = [
    "git merge -q other",
    "git cherry-pick other",
    "git revert --no-edit other",
    "echo aside >> README; git rebase -q --autostash other",
];

#[test]
fn what_an_agent_in_place_begins_with_git_and_does_not_end_is_forgotten() {
    for begins in BEGINNINGS {
        let sandbox = unfinished(&format!("{{ {begins}; }} >/dev/null 2>&1; echo more >> more"));
        let base = sandbox.git(&["rev-parse", "main"]);
        let step = sandbox.quietly(&["step", "--in-place"]);
        assert_eq!(step.code, 20, "{begins}: {}{}", step.stdout, step.stderr);
        assert!(
            step.stderr.contains("was begun in the work tree and not ended"),
            "{begins}: {}",
            step.stderr
        );
        assert_eq!(sandbox.git(&["symbolic-ref", "HEAD"]), "refs/heads/main\n", "{begins}");
        assert_eq!(sandbox.git(&["rev-parse", "main^"]), base, "{begins}");
        assert_eq!(sandbox.git(&["status", "--short"]), "", "{begins}");
        assert!(!sandbox.git(&["status"]).contains("in progress"), "{begins}");
        assert_eq!(sandbox.read("src/code"), "one\nmine\nthree\n", "{begins}");
    }
}

#[test]
fn a_conflict_that_an_agent_in_place_has_resolved_and_not_staged_is_what_lies_there() {
    let sandbox =
        unfinished("git merge -q other >/dev/null 2>&1; git checkout -q --ours src/code; echo more > more");
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 0);
    sandbox.show_git(&["show", "--format=%s", "--name-status", "HEAD"]);
    assert_eq!(sandbox.git(&["status", "--short"]), "");
    assert_eq!(sandbox.read("src/code"), "one\nmine\nthree\n");
    transcript!(sandbox);
}

#[test]
fn killed_in_the_middle_of_an_agents_rebase_nothing_of_it_is_left_or_lost() {
    let sandbox = unfinished("echo aside >> README; git rebase -q --autostash other");
    std::fs::write(sandbox.signal("stays"), "").expect("a signal");
    let base = sandbox.git(&["rev-parse", "main"]);
    killed(&sandbox);
    assert_eq!(sandbox.git(&["rev-parse", "main"]), base);
    assert!(!sandbox.git(&["status"]).contains("in progress"));
    show_where_it_stands(&sandbox);
    let aside =
        sandbox.git(&["for-each-ref", "--format=%(refname) %(contents:subject)", "refs/orch/attempts"]);
    assert!(aside.contains("autostash"), "{aside}");
    transcript!(sandbox);
}

/// An agent in place that waits until it may go on.
const WAITING: &str =
    "touch \"$HOME/at-work\"; until test -e \"$HOME/go\"; do sleep 0.02; done; echo new >> src/code";

/// Takes a step in place; what others do meanwhile is done while the agent is at work.
fn meanwhile(sandbox: &Sandbox, others: impl FnOnce(&Sandbox)) -> i32 {
    let step = sandbox.start(&["step", "--in-place", "--task", "t-1"]);
    sandbox.wait_for(&sandbox.signal("at-work"));
    others(sandbox);
    std::fs::write(sandbox.signal("go"), "").expect("a signal");
    sandbox.ended(&["step", "--in-place", "--task", "t-1"], step).code
}

#[test]
fn what_others_land_while_an_agent_works_in_place_stays() {
    let sandbox = project(WAITING, &[]);
    let code = meanwhile(&sandbox, |sandbox| {
        assert_eq!(sandbox.orch(&["add", "Another", "--id", "t-2"]).code, 0);
        assert_eq!(sandbox.orch(&["edit", "t-2", "--priority", "1"]).code, 0);
        assert_eq!(sandbox.orch(&["note", "decision", "keep it"]).code, 0);
        assert_eq!(sandbox.orch(&["list"]).code, 0);
    });
    assert_eq!(code, 0);
    show_where_it_stands(&sandbox);
    assert_eq!(sandbox.orch(&["list"]).code, 0);
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\nnew\n");
    transcript!(sandbox);
}

#[test]
fn what_others_land_on_commits_of_an_agent_in_place_stays_without_those() {
    let script = format!("echo mine > mine; git add mine; git commit --quiet -m 'my own'; {WAITING}");
    let sandbox = project(&script, &[gate("test", "exit 1"), table("policy", "max_attempts = 1")]);
    let code = meanwhile(&sandbox, |sandbox| {
        assert_eq!(sandbox.orch(&["add", "Another", "--id", "t-2"]).code, 0);
    });
    assert_eq!(code, 20);
    show_where_it_stands(&sandbox);
    assert!(!sandbox.has("mine"));
    transcript!(sandbox);
}

#[test]
fn a_task_that_is_blocked_while_an_agent_works_on_it_in_place_is_put_off() {
    let sandbox = project(WAITING, &[]);
    let code = meanwhile(&sandbox, |sandbox| {
        assert_eq!(sandbox.orch(&["block", "t-1", "--reason", "wait"]).code, 0);
        assert_eq!(sandbox.orch(&["add", "Another", "--id", "t-2"]).code, 0);
    });
    assert_eq!(code, 12);
    show_where_it_stands(&sandbox);
    assert_eq!(sandbox.orch(&["list"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn whatever_an_agent_in_place_checks_out_the_branch_is_checked_out_afterwards() {
    for (checkout, code) in [("git checkout -q -b mine", 0), ("git checkout -q --detach", 20)] {
        let script = format!("{checkout}; git branch -q -D main; echo new >> src/code; git add src");
        let gate = gate("test", &format!("exit {}", i32::from(code != 0)));
        let sandbox = project(&script, &[gate, table("policy", "max_attempts = 1")]);
        assert_eq!(sandbox.orch(&["step", "--in-place"]).code, code);
        assert_eq!(sandbox.git(&["symbolic-ref", "HEAD"]), "refs/heads/main\n");
        assert_eq!(sandbox.git(&["status", "--short"]), "");
    }
}

#[test]
fn killed_in_a_linked_work_tree_that_is_then_removed_nothing_is_stuck() {
    let sandbox = project("echo half > half; touch \"$HOME/at-work\"; exec sleep 600", &[]);
    let linked = sandbox.root().join("linked").display().to_string();
    sandbox.git(&["worktree", "add", "--quiet", "-b", "wt", &linked]);
    sandbox.killed(&["-C", &linked, "step", "--in-place"]);
    sandbox.git(&["worktree", "remove", "--force", &linked]);
    let said = sandbox.orch(&["next"]);
    assert_eq!(said.code, 0);
    assert!(said.stderr.contains("is gone"), "{}", said.stderr);
    assert_eq!(sandbox.orch(&["fsck"]).code, 0);
}

#[test]
fn a_branch_whose_work_tree_is_gone_is_checked_out_nowhere() {
    let sandbox = project("echo new > new", &[]);
    let linked = sandbox.root().join("linked").display().to_string();
    sandbox.git(&["worktree", "add", "--quiet", "-b", "wt", &linked]);
    std::fs::remove_dir_all(&linked).expect("it is there");
    assert_eq!(sandbox.orch(&["step", "--branch", "wt"]).code, 0);
    assert_eq!(sandbox.git(&["show", "wt:new"]), "new\n");
}

#[test]
fn what_an_agent_made_a_repository_of_its_own_is_kept_and_gone_from_the_work_tree() {
    let sandbox = project(
        "mkdir app; cd app; git init --quiet; echo precious > main.rs; git add .; git -c maintenance.auto=false commit --quiet -m inner; \
         echo late > late; echo outer > ../outer",
        &[table("policy", "max_attempts = 1")],
    );
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 20);
    show_where_it_stands(&sandbox);
    let kept = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch/attempts"]);
    sandbox.show_git(&["ls-tree", "-r", "--name-only", kept.trim(), "app", "outer"]);
    assert!(!sandbox.has("app"));
    transcript!(sandbox);
}

#[test]
fn what_an_agents_own_ignore_file_hid_is_kept_and_gone_when_that_is_rejected() {
    let sandbox = project(
        "echo more/ >> .gitignore; mkdir more target; echo 1 > more/x; echo 1 > target/x",
        &[gate("test", "false"), table("policy", "max_attempts = 1")],
    );
    sandbox.write(".gitignore", "target/\n");
    sandbox.commit("ignore");
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 20);
    show_where_it_stands(&sandbox);
    let all = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch/attempts"]);
    for kept in all.lines() {
        sandbox.show_git(&["diff", "--name-status", "main~", kept, "--", ".", ":!.orchestrator"]);
    }
    assert!(sandbox.has("target/x"), "what the project ignores is a build cache");
    transcript!(sandbox);
}

#[test]
fn what_is_too_deep_to_be_named_is_left_out_and_told() {
    let deep =
        "echo out > out; for i in $(seq 1 60); do d=$(printf %0100d $i); mkdir $d; cd $d; done; echo 1 > f";
    let sandbox = project(deep, &[table("policy", "max_attempts = 1")]);
    assert_eq!(sandbox.orch(&["step"]).code, 20);
    sandbox.task("t-2", "Do it there", &["--kind", "chore"]);
    assert_eq!(sandbox.quietly(&["step", "--in-place", "--task", "t-2"]).code, 20);
    sandbox.task("t-3", "Go on", &["--run", "echo 3 > three"]);
    assert_eq!(sandbox.quietly(&["step", "--task", "t-3"]).code, 0);
    show_where_it_stands(&sandbox);
    transcript!(sandbox);
}

#[test]
fn an_index_that_an_agent_emptied_in_place_is_made_again() {
    let sandbox = project("echo new > new; : > .git/index", &[]);
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 0);
    show_where_it_stands(&sandbox);
    sandbox.write(".git/index", &"\0".repeat(4_096));
    assert_eq!(sandbox.orch(&["list"]).code, 0);
    assert_eq!(sandbox.orch(&["next"]).code, 10);
    transcript!(sandbox);
}

#[test]
fn killed_in_place_with_an_empty_index_the_next_command_makes_it_again() {
    let sandbox = project(": > .git/index; touch \"$HOME/at-work\"; exec sleep 600", &[]);
    killed(&sandbox);
    sandbox.show_git(&["status", "--short", "--branch"]);
    transcript!(sandbox);
}

/// A repository in a folder that is ignored, with a commit that nothing else has.
fn with_a_repository_of_the_users(sandbox: &Sandbox) -> String {
    sandbox.write(".gitignore", "deps/\n");
    sandbox.commit("ignore");
    sandbox.write("deps/foo/code", "mine\n");
    let inner = sandbox.repo().join("deps/foo");
    sandbox.git(&["init", "--quiet", "--initial-branch", "main", &inner.display().to_string()]);
    sandbox.identify(&inner);
    sandbox.git_in(&inner, &["add", "code"]);
    sandbox.git_in(&inner, &["commit", "--quiet", "--message", "only here"]);
    sandbox.git_in(&inner, &["rev-parse", "HEAD"])
}

#[test]
fn a_repository_of_the_users_that_an_agent_uncovers_in_place_is_as_it_was() {
    for uncovers in ["rm .gitignore", "echo '# none' > .gitignore", "echo '!deps/' >> .gitignore"] {
        let sandbox = project(&format!("{uncovers}; echo new > new"), &[table("policy", "max_attempts = 1")]);
        let head = with_a_repository_of_the_users(&sandbox);
        assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 20, "{uncovers}: {}", sandbox.transcript());
        let inner = sandbox.repo().join("deps/foo");
        assert_eq!(sandbox.git_in(&inner, &["rev-parse", "HEAD"]), head, "{uncovers}");
        assert_eq!(sandbox.git_in(&inner, &["status", "--short"]), "", "{uncovers}");
        assert_eq!(sandbox.git(&["status", "--short"]), "", "{uncovers}");
    }
}

#[test]
fn the_git_directory_of_a_repository_that_goes_from_a_persons_work_tree_is_moved_aside() {
    let nested = "mkdir app; cd app; git init --quiet; echo precious > main.rs; git add .; \
                  git -c maintenance.auto=false -c user.name=a -c user.email=a@b commit --quiet -m inner";
    let sandbox = project(nested, &[table("policy", "max_attempts = 1")]);
    for task in ["t-1", "t-2"] {
        if task == "t-2" {
            sandbox.task(task, "Once more", &["--kind", "chore"]);
        }
        let step = sandbox.quietly(&["step", "--in-place", "--task", task]);
        assert_eq!(step.code, 20, "{}", step.stderr);
        assert!(step.stderr.contains(".git/orch/repositories"), "{}", step.stderr);
        assert!(!sandbox.has("app"));
    }
    for aside in ["app.git", "app.git.1"] {
        let dir = sandbox.repo().join(".git/orch/repositories").join(aside);
        let said = sandbox.git(&["--git-dir", &dir.display().to_string(), "log", "--format=%s"]);
        assert_eq!(said, "inner\n");
    }
}
