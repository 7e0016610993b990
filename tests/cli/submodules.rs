//! Submodules: what an agent does in them is no part of its work, and is not lost.

use crate::sandbox::{Sandbox, agent, gate, table};
use crate::transcript;

/// A project with one task, whose agent is a line of shell.
fn project(script: &str, more: &[String]) -> Sandbox {
    let sandbox = Sandbox::with(&[&[agent(script)], more].concat());
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox
}

/// What fills submodules in a workspace, and says that it did.
const FILLS: &str =
    "git -c protocol.file.allow=always submodule --quiet update --init && echo filled >> \"$HOME/filled\"";

/// Lends what git fills them with.
fn can_fill(sandbox: &Sandbox) -> bool {
    ["basename", "sed", "uname"].iter().all(|program| sandbox.lend(program))
}

fn filled_by_setup() -> String {
    table("workspace", &format!("setup = {FILLS:?}"))
}

/// A repository that is a submodule of another: `lib`, where it is checked out.
fn with_submodule(sandbox: &Sandbox) {
    let lib = sandbox.root().join("lib");
    sandbox.git(&["init", "--quiet", "--initial-branch", "main", &lib.display().to_string()]);
    sandbox.identify(&lib);
    std::fs::write(lib.join("code"), "lib\n").expect("a file");
    sandbox.git_in(&lib, &["add", "code"]);
    sandbox.git_in(&lib, &["commit", "--quiet", "--message", "lib"]);
    let from = lib.display().to_string();
    sandbox.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &from, "lib"]);
    sandbox.commit("a submodule");
}

#[test]
fn what_is_written_where_a_submodule_belongs_is_kept_and_rejected() {
    let sandbox =
        project("mkdir -p lib; echo q > lib/inside; echo new > new", &[table("policy", "max_attempts = 1")]);
    with_submodule(&sandbox);
    assert_eq!(sandbox.orch(&["step"]).code, 20);
    let kept = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch/attempts"]);
    sandbox.show_git(&["diff", "--name-status", "main~", kept.trim(), "--", ".", ":!.orchestrator"]);
    sandbox.task("t-2", "Go on", &["--run", "test -d lib; echo 2 > two"]);
    assert_eq!(sandbox.orch(&["step", "--task", "t-2"]).code, 0);
    sandbox.show_git(&["status", "--short"]);
    transcript!(sandbox);
}

#[test]
fn a_submodule_that_an_agent_moved_in_place_is_told_and_stays_for_a_person() {
    let sandbox = project(
        "echo new > new; cd lib; echo y > f; git add f; git -c user.name=a -c user.email=a@b -c maintenance.auto=false commit --quiet -m in",
        &[table("policy", "max_attempts = 1")],
    );
    with_submodule(&sandbox);
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 20);
    sandbox.show_git(&["status", "--short", "--branch"]);
    sandbox.show_git(&["for-each-ref", "--format=%(refname) %(contents:subject)", "refs/orch"]);
    sandbox.git(&["submodule", "--quiet", "update"]);
    sandbox.task("t-2", "Leave it alone", &["--run", "echo 2 > two"]);
    assert_eq!(sandbox.orch(&["step", "--in-place", "--task", "t-2"]).code, 0);
    sandbox.show_git(&["status", "--short"]);
    transcript!(sandbox);
}

#[test]
fn a_submodule_that_is_not_where_the_branch_says_is_named_with_what_to_type() {
    let sandbox = project("echo new > new", &[]);
    with_submodule(&sandbox);
    let lib = sandbox.repo().join("lib");
    sandbox.identify(&lib);
    sandbox.git_in(&lib, &["commit", "--quiet", "--allow-empty", "--message", "more"]);
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 31);
    sandbox.git(&["submodule", "--quiet", "update", "--", "lib"]);
    assert_eq!(sandbox.orch(&["step", "--in-place", "--quiet"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_second_step_finds_its_submodules_as_they_were_filled() {
    let sandbox = project(
        "git status --short && git -C lib log --format=%s && cat lib/code && echo $ORCH_RUN > new",
        &[filled_by_setup(), gate("test", "git status && test -f lib/code")],
    );
    with_submodule(&sandbox);
    assert!(can_fill(&sandbox));
    sandbox.program(".git/hooks/pre-commit", "#!/bin/sh\ngit status >/dev/null && git diff --quiet\n");
    assert_eq!(sandbox.orch(&["step"]).code, 0, "{}", sandbox.transcript());
    sandbox.task("t-2", "Again", &["--kind", "chore"]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn what_is_left_in_a_submodule_of_a_workspace_is_kept_and_nobody_else_finds_it() {
    let sandbox = project(
        "cat lib/* > new; case $ORCH_TASK in \
         t-1) echo edited > lib/code; echo staged > lib/staged; git -C lib add staged; echo u > lib/untracked;; \
         t-2) echo again >> new;; esac",
        &[filled_by_setup()],
    );
    with_submodule(&sandbox);
    assert!(can_fill(&sandbox));
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    let kept = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch/attempts/*-submodules"]);
    let kept = kept.trim();
    assert!(!kept.is_empty(), "{}", sandbox.transcript());
    for (path, content) in [("lib/code", "edited\n"), ("lib/staged", "staged\n"), ("lib/untracked", "u\n")] {
        assert_eq!(sandbox.git(&["show", &format!("{kept}:{path}")]), content);
    }
    sandbox.task("t-2", "Again", &["--kind", "chore"]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    assert_eq!(sandbox.read("new"), "lib\nagain\n");
    transcript!(sandbox);
}

#[test]
fn what_is_left_in_a_submodule_in_place_is_told_kept_and_stays() {
    let sandbox = project("echo edited > lib/code; echo new > new", &[]);
    with_submodule(&sandbox);
    assert_eq!(sandbox.orch(&["step", "--in-place"]).code, 0);
    assert_eq!(sandbox.read("lib/code"), "edited\n");
    sandbox.show_git(&["for-each-ref", "--format=%(refname) %(contents:subject)", "refs/orch/attempts"]);
    transcript!(sandbox);
}

#[test]
fn a_submodule_that_the_branch_moved_is_filled_anew() {
    let sandbox = project("cat lib/code > new", &[filled_by_setup()]);
    with_submodule(&sandbox);
    assert!(can_fill(&sandbox));
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    assert_eq!(sandbox.read("new"), "lib\n");
    let lib = sandbox.root().join("lib");
    std::fs::write(lib.join("code"), "newer\n").expect("a file");
    sandbox.git_in(&lib, &["commit", "--quiet", "--all", "--message", "newer"]);
    let here = sandbox.repo().join("lib");
    sandbox.git_in(&here, &["-c", "protocol.file.allow=always", "pull", "--quiet", "origin", "main"]);
    sandbox.commit("moved");
    sandbox.task("t-2", "Again", &["--kind", "chore"]);
    let said = sandbox.quietly(&["step"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(sandbox.read("new"), "newer\n");
}

#[test]
fn what_a_project_needs_is_prepared_anew_when_that_changed() {
    let setup = table("workspace", "setup = \"echo once >> $HOME/prepared\"");
    let sandbox = project("echo $ORCH_TASK > new", &[setup]);
    let prepared = || std::fs::read_to_string(sandbox.signal("prepared")).expect("a file").lines().count();
    let step = |id: &str, times: usize| {
        sandbox.task(id, "Do it", &["--kind", "chore"]);
        let said = sandbox.quietly(&["step", "--task", id]);
        assert_eq!(said.code, 0, "{}", said.stderr);
        assert_eq!(prepared(), times);
    };
    step("a", 1);
    step("b", 1);
    sandbox.write("package-lock.json", "{}");
    sandbox.commit("needs");
    step("c", 2);
    sandbox.write("web/package-lock.json", "{}");
    sandbox.commit("needs of a folder");
    step("d", 3);
    step("e", 3);
}

#[test]
fn a_submodule_that_is_named_by_where_it_lies_beside_its_superproject_is_filled() {
    let sandbox = project("cat lib/code > new", &[filled_by_setup(), gate("test", "test -f lib/code")]);
    with_submodule(&sandbox);
    assert!(can_fill(&sandbox));
    sandbox.git(&["config", "--file", ".gitmodules", "submodule.lib.url", "../lib"]);
    sandbox.commit("beside");
    let said = sandbox.quietly(&["step"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(sandbox.read("new"), "lib\n");
}
