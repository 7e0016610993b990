//! What an agent committed, stashed or added by force in the repository of its workspace.

use crate::sandbox::{Sandbox, agent};
use crate::transcript;

/// An accepted step whose agent does that, and leaves a new file.
fn left(script: &str) -> Sandbox {
    let sandbox = Sandbox::with(&[agent(&format!("{script}; echo new > new"))]);
    sandbox.write(".gitignore", "dist/\n");
    sandbox.commit("ignore");
    sandbox.task("t-1", "Do it", &[]);
    let said = sandbox.orch(&["step"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(sandbox.git(&["show", "--name-only", "--format=", "HEAD", "--", "n", "new", "dist"]), "new\n");
    sandbox
}

fn kept(sandbox: &Sandbox) -> String {
    sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch/attempts"])
}

/// What it holds of a file that is nowhere else.
fn assert_kept(sandbox: &Sandbox, path: &str) {
    let kept = kept(sandbox);
    assert!(kept.trim_end().ends_with("-commits"), "{kept}");
    assert_eq!(sandbox.git(&["show", &format!("{}:{path}", kept.trim_end())]), "precious\n");
}

#[test]
fn an_ignored_file_that_it_committed_by_force_is_kept_and_told() {
    let sandbox = left("mkdir dist; echo precious > dist/x; git add -f dist/x; git commit -qm c");
    assert_kept(&sandbox, "dist/x");
    transcript!(sandbox);
}

#[test]
fn what_it_committed_and_left_is_kept() {
    for script in [
        "git checkout -qb feat; echo precious > n; git add n; git commit -qm c; git checkout -q -",
        "git worktree add -q ../wt -b feat; cd ../wt; echo precious > n; git add n; git commit -qm c; cd -; rm -rf ../wt",
        "echo precious > n; git add n; git stash -q",
        "echo precious > n; git add n; git commit -qm c; git reset -q --hard HEAD~1",
        "echo precious > n; git add n; git commit -qm c; git gc -q --prune=now; git reset -q --hard HEAD~1",
    ] {
        assert_kept(&left(script), "n");
    }
}

#[test]
fn what_it_committed_and_has_among_its_files_is_not_kept_twice() {
    let sandbox = left("echo 1 > new; git add new; git commit -qm c; echo new > new; git commit -qam d");
    assert_eq!(kept(&sandbox), "");
}

#[test]
fn nobody_waits_for_a_pipe_among_its_objects() {
    let sandbox = left("echo 1 > n; git add n; git commit -qm c; rm n; mkfifo .git/objects/pipe");
    assert_eq!(kept(&sandbox), "");
    transcript!(sandbox);
}

#[test]
fn nothing_is_taken_out_of_a_repository_that_its_own_only_points_to() {
    for pointer in [
        "echo \"$there\" > .git/objects/info/alternates",
        "echo \"$there\" >> .git/objects/info/alternates",
        "rm -rf .git/objects; ln -s \"$there\" .git/objects",
    ] {
        let sandbox = left(&format!(
            "git init -q ../other; cd ../other; echo 1 > n; git add n; git -c user.name=a -c user.email=a@b commit -qm c; \
             there=\"$PWD/.git/objects\"; id=$(git rev-parse HEAD); cd -; echo $id > .git/refs/heads/more; {pointer}"
        ));
        assert_eq!(kept(&sandbox), "", "{pointer}");
        let said = sandbox.transcript();
        assert!(
            said.contains("warning: what the agent committed in its own repository cannot be kept"),
            "{said}"
        );
    }
}

#[test]
fn refs_come_before_reflogs_and_it_is_told_what_is_left_out() {
    let script = "git checkout -qb feat; echo precious > n; git add n; git commit -qm c; git checkout -q -; \
                  i=0; while [ $i -lt 2000 ]; do i=$((i+1)); printf '%040x %040x a <a> 0 +0\\tx\\n' $i $i; done > .git/logs/x";
    let sandbox = left(script);
    assert_kept(&sandbox, "n");
    let said = sandbox.transcript();
    assert!(said.contains("names more commits than are looked at: 1001 are not kept"), "{said}");
    let strays = std::fs::read_dir(sandbox.repo().join(".git")).expect("a folder").flatten();
    assert!(strays.into_iter().all(|each| !each.file_name().to_string_lossy().starts_with(".tmp")));
}

#[test]
fn what_it_committed_before_it_was_killed_is_kept_by_the_next_command() {
    let script = "git checkout -qb feat; echo precious > n; git add n; git commit -qm c; git checkout -q -; \
                  touch \"$HOME/ran\"; sleep 60";
    let sandbox = Sandbox::with(&[agent(script)]);
    sandbox.task("t-1", "Do it", &[]);
    let mut step = sandbox.start(&["step"]);
    sandbox.wait_for(&sandbox.signal("ran"));
    step.kill().expect("killed");
    step.wait().expect("ended");
    assert_eq!(sandbox.quietly(&["list"]).code, 0);
    assert_kept(&sandbox, "n");
}
