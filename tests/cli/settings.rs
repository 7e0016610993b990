//! What directs git in a repository, while an agent works in place: hooks and configuration stay the user's.

use crate::sandbox::{Sandbox, agent, gate, table};
use crate::transcript;

/// A project with one task, whose agent is a line of shell.
fn project(script: &str) -> Sandbox {
    let sandbox = Sandbox::with(&[agent(script), gate("test", "true"), table("policy", "max_attempts = 1")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox
}

/// A line of shell that plants a hook of each kind.
const PLANTS: &str = "echo new > new; printf '#!/bin/sh\\ntouch \"$HOME/planted\"\\n' > .git/hooks/pre-commit; \
     chmod +x .git/hooks/pre-commit; for hook in commit-msg reference-transaction post-index-change; do \
     cp .git/hooks/pre-commit .git/hooks/$hook; done; git config core.hooksPath \"$PWD/.git/hooks\"; \
     git config core.fsmonitor \"touch $HOME/planted\"";

#[test]
fn hooks_that_an_agent_plants_in_place_do_not_run_and_are_told() {
    let sandbox = project(PLANTS);
    let before = sandbox.read(".git/config");
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 0);
    sandbox.task("t-2", "Do more", &["--run", "echo 2 > two"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    assert!(!sandbox.signal("planted").exists(), "a hook of the agent's ran");
    assert_eq!(sandbox.read(".git/config"), before);
    for hook in ["pre-commit", "commit-msg", "reference-transaction", "post-index-change"] {
        assert!(!sandbox.has(&format!(".git/hooks/{hook}")), "{hook} is still there");
    }
    transcript!(sandbox);
}

#[test]
fn hooks_that_an_agent_switches_off_in_place_run_all_the_same() {
    for deed in [
        "rm .git/hooks/pre-commit",
        "chmod -x .git/hooks/pre-commit",
        "printf '#!/bin/sh\\nexit 0\\n' > .git/hooks/pre-commit",
        "git config core.hooksPath /dev/null",
        "rm -r .git/hooks; ln -s /tmp .git/hooks",
    ] {
        let sandbox = project(&format!("echo TODO > new; {deed}"));
        sandbox.program(".git/hooks/pre-commit", "#!/bin/sh\n! git diff --cached | grep TODO\n");
        let before = sandbox.read(".git/config");
        let step = sandbox.quietly(&["step", "--in-place"]);
        assert_eq!(step.code, 20, "{deed}: {}", step.stderr);
        assert!(step.stderr.contains("pre-commit refused") && step.stderr.contains("was changed"), "{deed}");
        assert_eq!(sandbox.read(".git/config"), before, "{deed}");
        let said = sandbox.git(&["hook", "run", "pre-commit"]);
        assert_eq!(said.trim(), "", "{deed}: the hook is there again and passes what is clean");
    }
}

#[test]
fn hooks_of_the_tree_that_an_agent_changes_in_place_are_not_run_by_git_either() {
    let plants = "mkdir -p hooks; printf '#!/bin/sh\\ntouch \"$HOME/planted\"\\n' > hooks/reference-transaction; \
         chmod +x hooks/reference-transaction";
    let sandbox = project(plants);
    sandbox.program("hooks/pre-commit", "#!/bin/sh\nexit 0\n");
    sandbox.commit("hooks");
    sandbox.git(&["config", "core.hooksPath", "hooks"]);
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 0);
    assert!(!sandbox.signal("planted").exists(), "a hook of the agent's ran");
    transcript!(sandbox);
}

#[test]
fn after_a_kill_hooks_and_locks_that_an_agent_left_in_place_are_put_right_first() {
    let sandbox = project(&format!(
        "{PLANTS}; touch .git/index.lock .git/HEAD.lock .git/refs/heads/main.lock; touch \"$HOME/at-work\"; \
         exec sleep 600"
    ));
    sandbox.killed(&["step", "--in-place"]);
    assert_eq!(sandbox.orch(&["next"]).code, 0);
    sandbox.show_git(&["status", "--short", "--branch"]);
    assert!(!sandbox.signal("planted").exists(), "a hook of the agent's ran");
    for left in ["index.lock", "HEAD.lock", "refs/heads/main.lock", "hooks/pre-commit"] {
        assert!(!sandbox.has(&format!(".git/{left}")), "{left} is still there");
    }
    transcript!(sandbox);
}

#[test]
fn a_lock_that_a_git_of_the_agent_left_in_place_is_in_nobodys_way() {
    let sandbox = project("echo new > new; touch .git/index.lock");
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 0);
    assert!(!sandbox.has(".git/index.lock"));
    transcript!(sandbox);
}

#[test]
fn an_index_that_is_locked_before_is_somebody_elses() {
    let sandbox = project("touch \"$HOME/ran\"");
    sandbox.write(".git/index.lock", "");
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 31);
    assert!(sandbox.has(".git/index.lock") && !sandbox.signal("ran").exists());
    transcript!(sandbox);
}

/// What husky 9 makes of `core.hooksPath`: scripts that no commit has, and that call those which one has.
fn husky(sandbox: &Sandbox) {
    sandbox.write(".husky/_/.gitignore", "*\n");
    let calls =
        "#!/bin/sh\ndir=${0%/*}\ns=${dir%/*}/${0##*/}\n[ ! -f \"$s\" ] && exit 0\nsh -e \"$s\" \"$@\"\n";
    sandbox.program(".husky/_/h", calls);
    for hook in ["pre-commit", "commit-msg"] {
        sandbox.program(&format!(".husky/_/{hook}"), "#!/bin/sh\n. \"${0%/*}/h\"\n");
    }
    sandbox.git(&["config", "core.hooksPath", ".husky/_"]);
}

#[test]
fn hooks_that_husky_calls_run() {
    let sandbox = project("echo TODO > new");
    husky(&sandbox);
    sandbox.write(".husky/pre-commit", "! git diff --cached | grep '^+.*TODO'\n");
    sandbox.git(&["add", "--all"]);
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message", "husky"]);
    assert_eq!(sandbox.orch(&["step"]).code, 20);
    sandbox.task("t-2", "Do it there", &["--kind", "chore"]);
    assert_eq!(sandbox.orch(&["step", "--in-place", "--task", "t-2"]).code, 20);
    transcript!(sandbox);
}

#[test]
fn hooks_that_cannot_run_are_told() {
    let sandbox = project("echo new >> src/code");
    sandbox.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 1\n");
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.git(&["config", "core.hooksPath", ".husky/_"]);
    sandbox.task("t-2", "Do more", &["--kind", "chore"]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    let doctor = sandbox.quietly(&["doctor"]);
    assert!(doctor.stdout.contains("`core.hooksPath` is `.husky/_`"), "{}", doctor.stdout);
    transcript!(sandbox);
}

#[test]
fn a_folder_of_hooks_outside_of_the_repository_is_the_users_alone() {
    let sandbox = project(
        "echo new > new; echo theirs > ../githooks/theirs; rm ../githooks/commit-msg; chmod 755 ../githooks/mine",
    );
    let shared = sandbox.root().join("githooks");
    std::fs::create_dir_all(&shared).expect("a folder");
    for name in ["commit-msg", "mine"] {
        std::fs::write(shared.join(name), "mine\n").expect("a file");
    }
    sandbox.git(&["config", "core.hooksPath", &shared.display().to_string()]);
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 0, "{}", sandbox.transcript());
    assert!(shared.join("theirs").exists() && !shared.join("commit-msg").exists());
    assert!(!sandbox.transcript().contains("was changed"), "{}", sandbox.transcript());
}

#[test]
fn hooks_that_are_switched_off_are_not_told_of() {
    for off in ["/dev/null", ""] {
        let sandbox = project("echo new > new");
        sandbox.program(".git/hooks/pre-commit", "#!/bin/sh\nexit 1\n");
        sandbox.git(&["config", "core.hooksPath", off]);
        let step = sandbox.quietly(&["step", "--in-place"]);
        assert_eq!(step.code, 0, "{off:?}: {}", step.stderr);
        assert!(!step.stderr.contains("no hook runs"), "{off:?}: {}", step.stderr);
    }
}

#[test]
fn what_an_agent_puts_in_the_place_of_objects_counts_for_nothing() {
    // The configuration of the tip, as the agent would have it: with a gate that passes.
    let plants = "echo new >> src/code; test -f \"$HOME/done\" || git replace -f \
         $(git rev-parse HEAD:.orchestrator/config.toml) $(git hash-object -w \"$HOME/mine\"); touch \"$HOME/done\"";
    let sandbox = Sandbox::with(&[agent(plants), gate("test", "never"), table("policy", "max_attempts = 1")]);
    for task in ["t-1", "t-2", "t-3"] {
        sandbox.task(task, "Do it", &["--kind", "chore"]);
    }
    let mine = sandbox.read(".orchestrator/config.toml").replace("never", "true");
    std::fs::write(sandbox.signal("mine"), &mine).expect("a file");
    assert_eq!(sandbox.quietly(&["step", "--in-place"]).code, 20);
    assert_eq!(sandbox.git(&["cat-file", "-p", "HEAD:.orchestrator/config.toml"]), mine);
    for flags in [&["step"][..], &["step", "--in-place"]] {
        let step = sandbox.quietly(flags);
        assert_eq!(step.code, 20, "{}", step.stderr);
        assert!(step.stderr.contains("gate test failed"), "{}", step.stderr);
    }
}
