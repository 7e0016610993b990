//! The repository's own hooks: they run on accepted work, and are never bypassed.

use crate::sandbox::{Sandbox, agent, gate, table};
use crate::transcript;

fn project(script: &str) -> Sandbox {
    let sandbox = Sandbox::with(&[
        agent(script),
        gate("test", "cat src/code > /dev/null"),
        table("policy", "max_attempts = 2"),
    ]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox
}

#[test]
fn pre_commit_sees_what_is_staged_and_may_refuse() {
    let sandbox = project("echo try-$ORCH_ATTEMPT >> src/code");
    sandbox.program(
        ".git/hooks/pre-commit",
        "#!/bin/sh\ngit diff --cached --name-status\ngit diff --cached | grep -q try-2 && exit 0\necho 'not yet'\nexit 1\n",
    );
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.show_git(&["log", "-1", "--format=%(trailers:key=Orch-Gates)"]);
    sandbox.program(".git/hooks/pre-commit", "#!/bin/sh\necho never\nexit 1\n");
    sandbox.task("t-2", "Do more", &["--kind", "chore"]);
    assert_eq!(sandbox.orch(&["step"]).code, 20);
    sandbox.show_git(&["status", "--short"]);
    transcript!(sandbox);
}

#[test]
fn what_pre_commit_changes_is_gated_again_and_committed() {
    let sandbox = project("echo 'new  ' >> src/code");
    sandbox.program(".git/hooks/pre-commit", "#!/bin/sh\necho formatted >> src/code\necho made > made\n");
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.show_git(&["show", "--format=", "--stat", "HEAD", "--", ".", ":!.orchestrator"]);
    sandbox.show_git(&["status", "--short"]);
    transcript!(sandbox);
}

#[test]
fn what_pre_commit_breaks_is_rejected() {
    let sandbox = project("echo new >> src/code");
    sandbox.program(".git/hooks/pre-commit", "#!/bin/sh\nrm src/code\n");
    assert_eq!(sandbox.orch(&["step"]).code, 20);
    assert!(sandbox.has("src/code"));
    transcript!(sandbox);
}

#[test]
fn what_a_hook_calls_is_not_hollowed_out() {
    let sandbox = project("echo TODO > src/code; printf '#!/bin/sh\\nexit 0\\n' > scripts/check.sh");
    sandbox.program("scripts/check.sh", "#!/bin/sh\n! git diff --cached | grep -q '^+.*TODO'\n");
    sandbox.commit("check");
    sandbox.program(".git/hooks/pre-commit", "#!/bin/sh\nsh scripts/check.sh\n");
    let said = sandbox.orch(&["step"]);
    assert_eq!(said.code, 20);
    let fact = "scripts/check.sh:2: gate-changed: this script, which gate `pre-commit` runs, was changed";
    assert!(sandbox.transcript().contains(fact), "{}", sandbox.transcript());
}

#[test]
fn commit_msg_may_refuse() {
    let sandbox = project("echo new >> src/code");
    sandbox.program(
        ".git/hooks/commit-msg",
        "#!/bin/sh\ngrep -q '^Change-Id:' \"$1\" || { echo 'no Change-Id'; exit 1; }\n",
    );
    assert_eq!(sandbox.orch(&["step"]).code, 20);
    sandbox.show_git(&["log", "-1", "--format=%s"]);
    sandbox.show_git(&["for-each-ref", "--format=%(refname) %(contents:subject)", "refs/orch"]);
    transcript!(sandbox);
}

#[test]
fn commit_msg_may_add_but_not_forge() {
    let sandbox = project("echo new >> src/code");
    sandbox.program(".git/hooks/commit-msg", "#!/bin/sh\necho 'Change-Id: I123' >> \"$1\"\n");
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 0);
    sandbox.show_git(&["log", "-1", "--format=%(trailers)"]);
    sandbox.program(".git/hooks/commit-msg", "#!/bin/sh\necho 'Orch-Task: other' >> \"$1\"\n");
    sandbox.task("t-2", "Do more", &["--kind", "chore"]);
    assert_eq!(sandbox.orch(&["step"]).code, 20);
    transcript!(sandbox);
}

#[test]
fn hooks_of_the_tree_are_those_of_the_base() {
    let sandbox = project("echo new >> src/code; echo '#!/bin/sh' > hooks/pre-commit");
    sandbox.program("hooks/pre-commit", "#!/bin/sh\necho 'the base says no'\nexit 1\n");
    sandbox.commit("hooks");
    sandbox.git(&["config", "core.hooksPath", "hooks"]);
    assert_eq!(sandbox.orch(&["step"]).code, 20);
    transcript!(sandbox);
}

#[test]
fn hooks_that_an_agent_plants_in_its_workspace_do_not_run() {
    let sandbox = project(
        "echo new >> src/code; mkdir -p .git/hooks; printf '#!/bin/sh\\ntouch \"$HOME/planted\"\\n' > \
         .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit; cp .git/hooks/pre-commit .git/hooks/commit-msg; \
         git config core.fsmonitor \"touch $HOME/planted\"; git config filter.x.clean \"touch $HOME/planted\"",
    );
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 0);
    assert!(!sandbox.signal("planted").exists());
    transcript!(sandbox);
}

#[test]
fn a_hook_that_stages_by_itself_works_on_the_disposable_index() {
    let sandbox = project("echo new >> src/code");
    sandbox.write("staged", "mine\n");
    sandbox.git(&["add", "staged"]);
    sandbox.program(".git/hooks/pre-commit", "#!/bin/sh\necho made > made\ngit add made\n");
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 0);
    sandbox.show_git(&["status", "--short"]);
    sandbox.show_git(&["show", "--format=", "--name-status", "HEAD"]);
    transcript!(sandbox);
}

#[test]
fn commits_that_change_only_the_state_run_no_hook() {
    let sandbox = project("false");
    for hook in ["pre-commit", "commit-msg"] {
        sandbox.program(&format!(".git/hooks/{hook}"), "#!/bin/sh\ntouch \"$HOME/hook\"\nexit 1\n");
    }
    assert_eq!(sandbox.orch(&["add", "More", "--id", "t-2"]).code, 0);
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 21);
    assert_eq!(sandbox.orch(&["block", "t-2"]).code, 0);
    assert!(!sandbox.signal("hook").exists());
    transcript!(sandbox);
}

#[test]
fn a_hooks_git_does_not_obey_what_an_agent_wrote_into_its_repository() {
    let sandbox = project("git config diff.external \"touch $HOME/obeyed; true\"; echo new >> src/code");
    sandbox.program(".git/hooks/pre-commit", "#!/bin/sh\ngit diff --cached\n");
    assert_eq!(sandbox.orch(&["step"]).code, 0, "{}", sandbox.transcript());
    assert!(!sandbox.signal("obeyed").exists());
}

#[test]
fn what_pre_commit_changes_is_judged_by_the_built_in_gates_too() {
    let marks = "printf '<<<<<<< a\\nx\\n=======\\ny\\n>>>>>>> b\\n' > conf.txt; git add conf.txt";
    let marked = (marks, 20, "rejected, gate conflict-markers failed");
    let undone = ("git checkout -q HEAD src/code", 21, "rejected, agent failed: it changed nothing");
    for (hook, code, said) in [marked, undone] {
        let sandbox = project("echo new >> src/code");
        sandbox.program(".git/hooks/pre-commit", &format!("#!/bin/sh\n{hook}\n"));
        assert_eq!(sandbox.orch(&["step"]).code, code, "{}", sandbox.transcript());
        assert_eq!(sandbox.git(&["log", "-1", "--format=%s"]), format!("orch(t-1): {said}\n"));
    }
}

/// Work waits for a review, or to be merged.
const WAITING: [&str; 2] = ["review = \"human\"", "integration = \"pull-request\""];

#[test]
fn commit_msg_sees_what_a_person_approves_and_what_waits_to_be_merged() {
    for policy in WAITING {
        let sandbox = Sandbox::with(&[agent("echo new >> src/$ORCH_TASK"), table("policy", policy)]);
        sandbox.program(".git/hooks/commit-msg", "#!/bin/sh\necho 'Change-Id: I1' >> \"$1\"\n");
        sandbox.task("t-2", "Do it", &["--kind", "bug"]);
        assert_eq!(sandbox.orch(&["step"]).code, 23);
        let waits = if policy.starts_with("review") {
            assert_eq!(sandbox.orch(&["approve", "t-2"]).code, 0);
            "main"
        } else {
            "orch/t-2"
        };
        let trailers = sandbox.git(&["log", "-1", "--format=%(trailers)", waits]);
        assert!(trailers.contains("Change-Id: I1") && trailers.contains("Orch-Task: t-2"), "{trailers}");
    }
}

#[test]
fn what_commit_msg_will_refuse_does_not_wait_for_a_review() {
    let hook = "#!/bin/sh\ngrep -q '^chore' \"$1\" && { echo 'no chores'; exit 1; }\nexit 0\n";
    for policy in WAITING {
        let sandbox = Sandbox::with(&[agent("echo new >> src/$ORCH_TASK"), table("policy", policy)]);
        sandbox.program(".git/hooks/commit-msg", hook);
        sandbox.task("t-1", "Do it", &["--kind", "chore"]);
        let step = sandbox.orch(&["step"]);
        assert_eq!(step.code, 20, "{policy}");
        let task = sandbox.read(".orchestrator/tasks/t-1.toml");
        assert!(task.contains("status = \"needs_improvement\""), "{policy}: {task}");
        assert!(sandbox.quietly(&["prompt", "t-1"]).stdout.contains("no chores"), "the next attempt is told");
        if policy.starts_with("review") {
            transcript!(sandbox);
        }
    }
}

#[test]
fn commit_msg_may_still_refuse_what_a_person_approves() {
    let sandbox = Sandbox::with(&[agent("echo new >> src/code"), table("policy", WAITING[0])]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    assert_eq!(sandbox.orch(&["step"]).code, 23);
    sandbox.program(".git/hooks/commit-msg", "#!/bin/sh\necho 'no chores'\nexit 1\n");
    assert_eq!(sandbox.orch(&["approve", "t-1"]).code, 20);
    transcript!(sandbox);
}

/// A hook that passes what an agent made, and not what that becomes with what others did.
const NOT_TOGETHER: &str =
    "#!/bin/sh\necho ran >> \"$HOME/ran\"\ntest -e src/other || exit 0\necho 'not together'\nexit 1\n";

#[test]
fn pre_commit_sees_what_approved_work_has_become() {
    let changes = "#!/bin/sh\ntest ! -e src/other || echo made > made\n";
    for hook in [NOT_TOGETHER, changes] {
        let sandbox = Sandbox::with(&[agent("echo new >> src/code"), table("policy", WAITING[0])]);
        sandbox.task("t-1", "Do it", &["--kind", "chore"]);
        sandbox.program(".git/hooks/pre-commit", hook);
        assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 23);
        sandbox.write("src/other", "other\n");
        sandbox.git(&["add", "src/other"]);
        sandbox.git(&["commit", "--quiet", "--no-verify", "--message", "other"]);
        assert_eq!(sandbox.orch(&["approve", "t-1"]).code, 20);
        assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\n");
        std::fs::remove_file(sandbox.repo().join(".git/hooks/pre-commit")).expect("removed");
        assert_eq!(sandbox.orch(&["approve", "t-1", "--quiet"]).code, 0);
        if hook == NOT_TOGETHER {
            transcript!(sandbox);
        }
    }
}

#[test]
fn pre_commit_runs_again_where_the_gates_do() {
    let meanwhile = |path: &str| {
        format!(
            "echo new >> src/code; ( cd \"$HOME/../repo\" && unset GIT_DIR && echo other > {path} && git add {path} && \
             git commit --quiet --no-verify -m meanwhile )"
        )
    };
    for (path, code, ran) in [("elsewhere", 0, "ran\n"), ("src/other", 12, "ran\nran\n")] {
        let sandbox = project(&meanwhile(path));
        sandbox.program(".git/hooks/pre-commit", NOT_TOGETHER);
        assert_eq!(sandbox.orch(&["step"]).code, code, "{path}");
        let ran_then = std::fs::read_to_string(sandbox.signal("ran")).expect("the hook ran");
        assert_eq!(ran_then, ran, "{path}");
        if code == 12 {
            transcript!(sandbox);
        }
    }
}

#[test]
fn a_submodule_that_an_agent_fetches_to_build_with_it_is_no_change() {
    let sandbox = project(
        "mkdir .git/modules; git clone --quiet --separate-git-dir .git/modules/lib \"$HOME/../lib\" lib; \
         cat lib/code >> src/code",
    );
    let lib = sandbox.root().join("lib");
    let from = lib.display().to_string();
    sandbox.git(&["init", "--quiet", "--initial-branch", "main", &from]);
    sandbox.identify(&lib);
    std::fs::write(lib.join("code"), "lib\n").expect("a file");
    sandbox.git_in(&lib, &["add", "code"]);
    sandbox.git_in(&lib, &["commit", "--quiet", "--message", "lib"]);
    sandbox.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &from, "lib"]);
    sandbox.commit("a submodule");
    sandbox.program(".git/hooks/pre-commit", "#!/bin/sh\ntrue\n");
    let step = sandbox.quietly(&["step"]);
    assert_eq!(step.code, 0, "{}", step.stderr);
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\nlib\n");
}
