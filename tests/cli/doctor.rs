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
