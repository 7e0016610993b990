//! Landing by push: what is on the remote counts, and everybody who works there is respected.

use crate::sandbox::{Sandbox, agent, send, table};
use crate::transcript;
use rustix::process::Signal;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;

/// A project with one remote, a bare repository beside it.
fn project(script: &str) -> Sandbox {
    let sandbox = Sandbox::with(&[agent(script), table("policy", "max_attempts = 1")]);
    sandbox.task("t-1", "First", &["--kind", "chore", "--priority", "1"]);
    let remote = remote(&sandbox);
    sandbox.git(&["init", "--quiet", "--bare", "--initial-branch=main", &remote.to_string_lossy()]);
    // Without upkeep in the background: it would be one process more or less.
    there(&sandbox, &["config", "receive.autogc", "false"]);
    sandbox.git(&["remote", "add", "origin", &remote.to_string_lossy()]);
    sandbox.git(&["push", "--quiet", "--set-upstream", "origin", "main"]);
    sandbox
}

fn remote(sandbox: &Sandbox) -> PathBuf {
    sandbox.root().join("remote.git")
}

/// What a command in the remote prints.
fn there(sandbox: &Sandbox, arguments: &[&str]) -> String {
    sandbox.git_in(&remote(sandbox), arguments)
}

/// A second clone of the same remote, in which commands are typed from now on.
fn another_clone(mut sandbox: Sandbox) -> Sandbox {
    let clone = sandbox.root().join("clone");
    sandbox.git(&["clone", "--quiet", &remote(&sandbox).to_string_lossy(), &clone.to_string_lossy()]);
    sandbox.identify(&clone);
    sandbox.enter(clone);
    sandbox
}

/// A hook of the remote.
fn hook(sandbox: &Sandbox, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = remote(sandbox).join("hooks").join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a hook");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
}

const REFS: [&str; 3] = ["for-each-ref", "--format=%(refname) %(contents:subject)", "refs"];

#[test]
fn a_step_lands_on_the_remote_and_the_local_branch_follows() {
    let sandbox = project("echo new > new");
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 0);
    assert_eq!(there(&sandbox, &["rev-parse", "main"]), sandbox.git(&["rev-parse", "main"]));
    assert_eq!(sandbox.git(&["status", "--short"]), "");
    sandbox.note(&there(&sandbox, &REFS));
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 10);
    transcript!(sandbox);
}

#[test]
fn what_others_pushed_comes_first() {
    let sandbox = another_clone(project("cat other > new"));
    let first = sandbox.root().join("repo");
    std::fs::write(first.join("other"), "theirs\n").expect("a file");
    sandbox.git_in(&first, &["add", "other"]);
    sandbox.git_in(&first, &["commit", "--quiet", "-m", "theirs"]);
    sandbox.git_in(&first, &["push", "--quiet"]);
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 0);
    assert_eq!(sandbox.read("new"), "theirs\n");
    assert_eq!(there(&sandbox, &["rev-list", "--merges", "main"]), "");
    transcript!(sandbox);
}

#[test]
fn a_branch_that_others_push_to_meanwhile_is_landed_on_top_of() {
    let sandbox = project(
        "echo new > new; ( unset GIT_DIR; git clone --quiet -c gc.auto=0 -c maintenance.auto=false \"$HOME/../remote.git\" \"$HOME/theirs\" && cd \"$HOME/theirs\" && \
         echo x > theirs && git add theirs && git -c user.name=B -c user.email=b@b commit --quiet -m theirs && git push --quiet )",
    );
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 0);
    assert_eq!(there(&sandbox, &["rev-parse", "main"]), sandbox.git(&["rev-parse", "main"]));
    assert_eq!(sandbox.read("theirs"), "x\n");
    transcript!(sandbox);
}

#[test]
fn a_task_that_others_did_meanwhile_is_not_done_twice() {
    let sandbox = project(
        "echo mine > new; ( unset GIT_DIR; git clone --quiet -c gc.auto=0 -c maintenance.auto=false \"$HOME/../remote.git\" \"$HOME/theirs\" && cd \"$HOME/theirs\" && \
         git config user.name B && git config user.email b@b && orch cancel t-1 --reason 'not any more' && git push --quiet ) >&2",
    );
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 12);
    let kept = there(&sandbox, &["for-each-ref", "--format=%(refname)", "refs/orch/attempts"]);
    assert_eq!(kept.lines().count(), 1, "{kept}");
    assert_eq!(there(&sandbox, &["for-each-ref", "refs/orch/leases"]), "");
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 10);
    transcript!(sandbox);
}

#[test]
fn a_task_that_another_clone_works_on_is_left_to_it() {
    let sandbox = another_clone(project("echo new > new"));
    let message = "orch(t-1): taken by build-7\n\nOrch-Task: t-1\nOrch-Run: 01JDOTHER\nOrch-Agent: sonnet\n\
                   Orch-Holder: build-7\nOrch-Renewals: 0\nOrch-Taken: 2026-11-20T10:00:00Z\nOrch-Until: 2026-11-20T10:15:00Z\n";
    let lease = there(
        &sandbox,
        &["-c", "user.name=B", "-c", "user.email=b@b", "commit-tree", "-m", message, "main^{tree}"],
    );
    there(&sandbox, &["update-ref", "refs/orch/leases/t-1", lease.trim()]);
    assert_eq!(sandbox.orch(&["step", "--push", "--task", "t-1"]).code, 12);
    sandbox.orch(&["list"]);
    // Each command comes five minutes after the one before: at last nobody can be at work any more.
    while sandbox.quietly(&["step", "--push"]).code == 12 {}
    assert!(there(&sandbox, &["log", "-1", "--format=%s", "main"]).contains("t-1"));
    assert_eq!(there(&sandbox, &["for-each-ref", "refs/orch/leases"]), "");
    transcript!(sandbox);
}

#[test]
fn work_that_is_rejected_is_kept_on_the_remote_as_well() {
    let sandbox = project("echo bad > new; exit 1");
    assert_eq!(sandbox.quietly(&["step", "--push"]).code, 21);
    let refs = there(&sandbox, &["for-each-ref", "--format=%(refname)", "refs/orch"]);
    assert!(refs.starts_with("refs/orch/attempts/") && refs.lines().count() == 1, "{refs}");
    let sandbox = another_clone(sandbox);
    assert_eq!(sandbox.quietly(&["step", "--push"]).code, 21);
    let here = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch/attempts"]);
    assert_eq!(here.lines().count(), 2, "what is to be continued was brought: {here}");
}

#[test]
fn a_server_that_refuses_is_quoted_and_the_work_is_kept() {
    let sandbox = project("echo new > new");
    hook(
        &sandbox,
        "update",
        "case $1 in refs/heads/*) echo \"no pushes to $1 on \\033[31mFridays\"; exit 1;; esac",
    );
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 31);
    assert_eq!(sandbox.git(&["rev-parse", "main"]), there(&sandbox, &["rev-parse", "main"]));
    sandbox.note(&there(&sandbox, &REFS));
    std::fs::remove_file(remote(&sandbox).join("hooks/update")).expect("the hook goes");
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_server_that_takes_branches_alone_is_worked_with() {
    let sandbox = project("echo new > new");
    hook(&sandbox, "update", "case $1 in refs/orch/*) echo 'branches only'; exit 1;; esac");
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 0);
    assert_eq!(sandbox.git(&["rev-parse", "main"]), there(&sandbox, &["rev-parse", "main"]));
    transcript!(sandbox);
}

#[test]
fn work_that_a_server_will_not_have_keeps_no_record_from_landing() {
    let sandbox = project("echo secret > new; exit 1");
    // As a forge does that looks into what is pushed, and refuses all of it.
    hook(
        &sandbox,
        "pre-receive",
        "while read -r old new ref; do git ls-tree -r --name-only $new 2>/dev/null | grep -qx new && \
         { echo \"a secret in $ref\"; exit 1; }; done; exit 0",
    );
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 21);
    assert_eq!(sandbox.git(&["rev-parse", "main"]), there(&sandbox, &["rev-parse", "main"]));
    assert_eq!(there(&sandbox, &["for-each-ref", "refs/orch"]), "", "neither lease nor work is left there");
    transcript!(sandbox);
}

#[test]
fn a_remote_that_does_not_answer_is_named_before_anything_is_spent() {
    let sandbox = project("echo ran > \"$HOME/ran\"");
    std::fs::rename(remote(&sandbox), sandbox.root().join("gone")).expect("it goes");
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 31);
    assert!(!sandbox.signal("ran").exists());
    std::fs::rename(sandbox.root().join("gone"), remote(&sandbox)).expect("it comes back");
    sandbox.git(&["remote", "remove", "origin"]);
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 31);
    transcript!(sandbox);
}

/// A remote that goes away while the file `away` is there.
fn unsteady(script: &str) -> Sandbox {
    let sandbox = project(script);
    let away = sandbox.signal("away");
    for (key, serve) in [("uploadpack", "upload-pack"), ("receivepack", "receive-pack")] {
        let name = format!("../{serve}");
        sandbox.program(
            &name,
            &format!("#!/bin/sh\ntest ! -e '{}' && exec git {serve} \"$@\"\n", away.display()),
        );
        let program = sandbox.root().join(serve).to_string_lossy().into_owned();
        sandbox.git(&["config", &format!("remote.origin.{key}"), &program]);
    }
    sandbox
}

#[test]
fn who_waits_goes_on_when_the_remote_is_back() {
    for jobs in ["1", "2"] {
        // It goes while the first step is at work: nobody can know whether that has landed.
        let sandbox = unsteady("mkdir \"$HOME/once\" && touch \"$HOME/away\"; echo new > $ORCH_TASK");
        let mut run = sandbox.start(&["run", "--push", "--jobs", jobs, "--wait", "--format", "jsonl"]);
        let lines = BufReader::new(run.stdout.take().expect("a pipe")).lines();
        // The other worker may wait for the first one before.
        let waits = |line: &String| {
            line.contains("\"event\":\"run.waiting\"")
                && ["waits: `origin` cannot be reached", "it is not known"]
                    .iter()
                    .any(|why| line.contains(why))
        };
        let mut told = lines.map_while(Result::ok).inspect(|line| {
            if waits(line) {
                let _ = std::fs::remove_file(sandbox.signal("away"));
            }
        });
        assert!(told.by_ref().any(|line| waits(&line)), "it waits");
        assert!(told.last().is_some_and(|line| line.contains("everything is done")));
        assert_eq!(run.wait().expect("it ends").code(), Some(10));
        let landed = there(&sandbox, &["log", "--format=%s", "main"]);
        assert_eq!(landed.matches("(t-1)").count(), 1, "{landed}");
    }
}

#[test]
fn a_task_is_given_back_once_the_remote_is_there_again() {
    let sandbox = unsteady("touch \"$HOME/away\"; echo new > $ORCH_TASK");
    assert_eq!(sandbox.quietly(&["step", "--push"]).code, 31);
    let leases = || there(&sandbox, &["for-each-ref", "refs/orch/leases"]);
    assert!(leases().contains("refs/orch/leases/t-1"));
    std::fs::remove_file(sandbox.signal("away")).expect("it was away");
    assert_eq!(sandbox.quietly(&["status", "--fetch"]).code, 0);
    assert_eq!(leases(), "");
    assert_eq!(sandbox.git(&["for-each-ref", "refs/orch/leases"]), "");
}

#[test]
fn a_remote_is_waited_for_only_by_who_waits_and_as_long_as_the_run_may_last() {
    let sandbox = unsteady("echo new > new");
    std::fs::write(sandbox.signal("away"), "").expect("it goes");
    assert_eq!(sandbox.orch(&["run", "--push"]).code, 31);
    let said = sandbox.quietly(&["run", "--push", "--wait", "--for", "20s"]);
    assert!(
        said.code == 31 && said.stdout.contains("cannot be reached"),
        "nothing was done: {}",
        said.stdout
    );
    // One that says no is for a person.
    std::fs::rename(remote(&sandbox), sandbox.root().join("gone")).expect("it goes");
    std::fs::remove_file(sandbox.signal("away")).expect("it was away");
    let said = sandbox.quietly(&["run", "--push", "--wait", "--for", "20s"]);
    assert!(
        said.code == 31 && said.stderr.contains("remote.git` is not there"),
        "of a disk: {}",
        said.stderr
    );
    std::fs::create_dir(remote(&sandbox)).expect("a folder");
    for jobs in ["1", "2"] {
        assert_eq!(sandbox.orch(&["run", "--push", "--wait", "--jobs", jobs]).code, 31);
    }
    transcript!(sandbox);
}

#[test]
fn commits_that_are_only_here_are_for_a_person_to_push() {
    let sandbox = project("echo new > new");
    sandbox.task("t-2", "Second", &[]);
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 31);
    let sandbox = another_clone(sandbox);
    assert_eq!(sandbox.quietly(&["step", "--push"]).code, 0);
    let mut sandbox = sandbox;
    let first = sandbox.root().join("repo");
    sandbox.enter(first);
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 31);
    transcript!(sandbox);
}

#[test]
fn commits_that_are_made_here_meanwhile_do_not_keep_the_step_from_landing() {
    let sandbox = project(
        "echo new > new; ORCH_TEST_CLOCK=2026-11-20T11:00:00Z orch -C \"$HOME/../repo\" add Meanwhile --id t-2 >&2",
    );
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 0);
    assert!(there(&sandbox, &["log", "-1", "--format=%s", "main"]).contains("t-1"));
    assert!(sandbox.git(&["log", "-1", "--format=%s", "main"]).contains("t-2"));
    transcript!(sandbox);
}

#[test]
fn the_users_changes_in_the_way_are_named_before_the_push() {
    let sandbox = project("echo new >> src/code; echo mine > \"$HOME/../repo/src/code\"");
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 31);
    assert_eq!(
        there(&sandbox, &["log", "--format=%s", "-1", "main"]),
        sandbox.git(&["log", "--format=%s", "-1", "main"])
    );
    assert_eq!(sandbox.read("src/code"), "mine\n");
    transcript!(sandbox);
}

#[test]
fn what_has_landed_there_has_landed_whatever_holds_the_branch_here() {
    let sandbox = project("echo new > new");
    let lock = sandbox.repo().join(".git/refs/heads/main.lock");
    let hold = format!("case $name in refs/heads/main) echo held > '{}';; esac", lock.display());
    hook(&sandbox, "post-receive", &format!("while read -r _ _ name; do {hold}; done"));
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 0);
    let tip = there(&sandbox, &["rev-parse", "main"]);
    assert_ne!(tip, sandbox.git(&["rev-parse", "main"]), "somebody holds it");
    for refs in ["refs/orch/attempts", "refs/orch/leases"] {
        assert_eq!(sandbox.git(&["for-each-ref", refs]) + &there(&sandbox, &["for-each-ref", refs]), "");
    }
    std::fs::remove_file(lock).expect("somebody lets it go");
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 10);
    assert_eq!(tip, sandbox.git(&["rev-parse", "main"]));
    assert_eq!(tip, there(&sandbox, &["rev-parse", "main"]));
    assert_eq!(sandbox.git(&["status", "--short"]), "");
    assert_eq!(sandbox.git(&["for-each-ref", "refs/orch/attempts"]), "");
    assert_eq!(sandbox.quietly(&["fsck"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn nobodys_own_git_waits_for_a_push() {
    let sandbox = project("echo new > new");
    let typed = format!("cd '{}' && echo mine > mine && git add mine", sandbox.repo().display());
    hook(
        &sandbox,
        "update",
        &format!("case $1 in refs/heads/main) unset GIT_DIR; {typed} && touch \"$HOME/typed\";; esac"),
    );
    let said = sandbox.quietly(&["step", "--push"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(sandbox.signal("typed").exists(), "the index was locked while the remote was waited for");
    assert_eq!(there(&sandbox, &["rev-parse", "main"]), sandbox.git(&["rev-parse", "main"]));
    assert_eq!(sandbox.git(&["status", "--short"]), "A  mine\n");
}

#[test]
fn what_comes_into_the_way_during_a_push_stays_and_is_named() {
    let sandbox = project("echo new > new");
    let mine = sandbox.repo().join("new");
    let typed = format!("case $1 in refs/heads/main) echo mine > '{}';; esac", mine.display());
    hook(&sandbox, "update", &typed);
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 0);
    assert_eq!(sandbox.read("new"), "mine\n");
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 31);
    std::fs::remove_file(mine).expect("the user moves it away");
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 10);
    assert_eq!(sandbox.read("new"), "new\n");
    assert_eq!(sandbox.git(&["status", "--short"]), "");
    transcript!(sandbox);
}

#[test]
fn a_clone_that_only_looks_on_sees_who_is_at_work() {
    let sandbox = project("cp -r \"$HOME/../remote.git\" \"$HOME/../then.git\"; echo new > new");
    assert_eq!(sandbox.quietly(&["step", "--push"]).code, 0);
    // As it was while the agent worked.
    std::fs::remove_dir_all(remote(&sandbox)).expect("it goes");
    std::fs::rename(sandbox.root().join("then.git"), remote(&sandbox)).expect("it is as it was");
    let sandbox = another_clone(sandbox);
    assert_eq!(sandbox.orch(&["next"]).code, 11);
    let status = sandbox.quietly(&["status", "--json"]);
    assert!(status.stdout.contains("\"agent\":\"script\""), "{}", status.stdout);
    transcript!(sandbox);
}

#[test]
fn a_clone_that_takes_its_own_steps_asks_nobody() {
    let sandbox = project("echo new > new");
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    std::fs::remove_dir_all(remote(&sandbox)).expect("it goes");
    let said = sandbox.quietly(&["status"]);
    assert!(said.code == 0 && said.stderr.is_empty(), "{}", said.stderr);
}

/// A step whose orch is killed when its commit arrives at the remote, which is away after that.
fn cut_off(name: &str, end: &str) -> Sandbox {
    let sandbox = project("echo $PPID > \"$HOME/orch.pid\"; echo new > new");
    let kill = format!("kill -9 $(cat '{}'); {end}", sandbox.signal("orch.pid").display());
    let arrives = format!("case $name in refs/heads/main) {kill};; esac");
    hook(&sandbox, name, &format!("while read -r _ _ name; do {arrives} done"));
    assert_eq!(sandbox.orch(&["step", "--push"]).code, -9);
    std::fs::remove_file(remote(&sandbox).join("hooks").join(name)).expect("the hook goes");
    std::fs::rename(remote(&sandbox), sandbox.root().join("away")).expect("it goes");
    // Whoever needs no remote works on, and is told once.
    assert_eq!(sandbox.orch(&["next"]).code, 0);
    assert_eq!(sandbox.orch(&["status", "--fetch", "--quiet"]).code, 0);
    std::fs::rename(sandbox.root().join("away"), remote(&sandbox)).expect("it comes back");
    sandbox
}

#[test]
fn that_a_push_without_an_answer_had_landed_is_told_once_the_remote_is_back() {
    let sandbox = cut_off("post-receive", "");
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 10);
    assert_eq!(sandbox.quietly(&["step", "--push"]).stderr, "");
    assert_eq!(sandbox.read("new"), "new\n");
    transcript!(sandbox);
}

#[test]
fn that_a_push_without_an_answer_had_not_landed_is_told_once_the_remote_is_back() {
    let sandbox = cut_off("pre-receive", "exit 1");
    assert_eq!(sandbox.orch(&["status", "--fetch"]).code, 0);
    assert_eq!(sandbox.orch(&["step", "--push"]).code, 0);
    assert_eq!(sandbox.read("new"), "new\n");
    transcript!(sandbox);
}

#[test]
fn several_jobs_of_one_clone_land_on_one_remote_and_the_clone_follows() {
    let sandbox = project("echo new > $ORCH_TASK");
    let agent = agent("echo new > $ORCH_TASK").replace("timeout", "max_parallel = 4\ntimeout");
    sandbox.configure(&[agent, table("policy", "max_attempts = 1")]);
    for id in ["t-2", "t-3", "t-4", "t-5", "t-6"] {
        sandbox.task(id, "More", &["--kind", "chore"]);
    }
    sandbox.git(&["push", "--quiet"]);
    let said = sandbox.quietly(&["run", "--jobs", "3", "--push"]);
    assert_eq!(said.code, 10, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("6 steps, 6 accepted"), "{}", said.stdout);
    assert!(!said.stderr.contains("warning"), "{}", said.stderr);
    assert_eq!(there(&sandbox, &["rev-parse", "main"]), sandbox.git(&["rev-parse", "main"]));
    assert_eq!(there(&sandbox, &["rev-list", "--merges", "main"]), "");
    assert_eq!(there(&sandbox, &["for-each-ref", "refs/orch/leases"]), "");
    assert_eq!(sandbox.git(&["status", "--short"]), "");
    assert_eq!(sandbox.quietly(&["fsck"]).code, 0);
}

#[test]
fn a_ref_in_the_way_of_a_lease_is_told_and_stops_nobody() {
    let sandbox = project("echo new > new");
    there(&sandbox, &["update-ref", "refs/orch/leases/t-1/sub", "main"]);
    let said = sandbox.quietly(&["step", "--push"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stderr.contains("something is in the way of `refs/orch/leases/t-1`"), "{}", said.stderr);
    assert_eq!(said.stderr.matches("t-1 ").count(), 1, "{}", said.stderr);
}

#[test]
fn what_was_taken_out_of_the_history_there_is_not_brought_back() {
    let sandbox = project("echo new > new");
    sandbox.write("secret", "x\n");
    sandbox.commit("a secret");
    sandbox.git(&["push", "--quiet"]);
    let mut sandbox = another_clone(sandbox);
    let (clone, first) = (sandbox.root().join("clone"), sandbox.root().join("repo"));
    sandbox.git_in(&first, &["reset", "--quiet", "--hard", "HEAD^"]);
    sandbox.git_in(&first, &["push", "--quiet", "--force"]);
    let said = sandbox.orch(&["step", "--push"]);
    assert_eq!(said.code, 31);
    assert!(said.stderr.contains("`git pull --rebase origin main` to follow it"), "{}", said.stderr);
    sandbox.write("own", "x\n");
    sandbox.commit("of my own");
    let said = sandbox.orch(&["step", "--push"]);
    assert!(said.stderr.contains("`git pull --rebase origin main`"), "{}", said.stderr);
    sandbox.git(&["pull", "--quiet", "--rebase", "origin", "main"]);
    assert!(!sandbox.has("secret") && sandbox.has("own"));
    sandbox.git(&["push", "--quiet", "origin", "main"]);
    sandbox.enter(clone);
    assert_eq!(sandbox.quietly(&["step", "--push"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_branch_that_is_deleted_there_meanwhile_is_told_with_what_to_type() {
    let sandbox =
        project("echo new > new; git --git-dir=\"$HOME/../remote.git\" update-ref -d refs/heads/main");
    let said = sandbox.quietly(&["step", "--push"]);
    assert_eq!(said.code, 31, "{}", said.stderr);
    assert!(said.stderr.contains("`git push --set-upstream origin main`"), "{}", said.stderr);
}

#[test]
fn an_interrupt_ends_the_wait_for_a_remote_that_is_silent() {
    let sandbox = project("touch \"$HOME/ran\"; echo x > x");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    sandbox.git(&["remote", "set-url", "origin", &format!("git://127.0.0.1:{port}/x")]);
    let step = sandbox.start(&["step", "--push"]);
    // It hears that somebody calls, and says nothing.
    let _call = listener.accept().expect("a call");
    let began = std::time::Instant::now();
    send(&step, Signal::INT);
    let said = sandbox.ended(&["step", "--push"], step);
    assert_eq!(said.code, 130, "{}", said.stderr);
    assert!(began.elapsed() < std::time::Duration::from_secs(60), "git would have been given two minutes");
    assert!(!sandbox.signal("ran").exists());
}

#[test]
fn what_one_clone_plans_no_other_one_does_meanwhile() {
    let asks = "if grep -q 'Split a task' $ORCH_PROMPT_FILE; then echo x >> \"$HOME/asked\"; \
                ORCH_TRUST=1 ORCH_TEST_CLOCK=2026-11-20T10:20:00Z orch -C \"$HOME/../clone\" run --push > \"$HOME/other\" 2>&1; \
                printf 'follow_ups:\\n  - {title: Parse dates, acceptance: [they are read]}\\n' > $ORCH_OUTCOME; \
                else echo x > new; fi";
    let sandbox = project(asks);
    sandbox.configure(&[agent(asks), table("policy", "max_attempts = 1"), table("plan", "split = true")]);
    sandbox.task("e-1", "Dates everywhere", &["--kind", "epic"]);
    sandbox.git(&["push", "--quiet", "origin", "main"]);
    let clone = sandbox.root().join("clone");
    sandbox.git(&["clone", "--quiet", &remote(&sandbox).to_string_lossy(), &clone.to_string_lossy()]);
    sandbox.identify(&clone);
    let said = sandbox.quietly(&["run", "--push"]);
    let other = std::fs::read_to_string(sandbox.signal("other")).expect("it was asked");
    assert_eq!(said.code, 11, "{}{other}", said.stderr);
    // The other one has done what was there to be done.
    assert!(other.contains("1 step, 1 accepted; others are at work on `e-1`"), "{other}");
    let asked = std::fs::read_to_string(sandbox.signal("asked")).expect("it was asked");
    assert_eq!(asked.lines().count(), 1, "{other}");
    assert_eq!(sandbox.quietly(&["list"]).stdout.matches("Parse dates").count(), 1);
    assert_eq!(there(&sandbox, &["for-each-ref", "refs/orch/leases"]), "");
    assert_eq!(sandbox.quietly(&["fsck"]).code, 0);
}
