//! `orch ci`: recipes are printed and written, never over what somebody else wrote; those for this machine
//! do their work there.

use crate::sandbox::{Sandbox, agent, agent_with, find, finish, gate};
use crate::transcript;
use std::path::PathBuf;

fn project() -> Sandbox {
    let sandbox = Sandbox::with(&[
        agent_with("echo x >> src/code", "env = [\"ROBOT_KEY\"]\ntimeout = \"45m\"\n"),
        "\n[[agent]]\nname = \"sonnet\"\nadapter = \"claude\"\nenv = [\"ANTHROPIC_API_KEY\", \"CLAUDE_CONFIG_DIR\"]\n".to_owned(),
        gate("test", "true"),
    ]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox
}

#[test]
fn a_recipe_is_filled_from_the_configuration() {
    let sandbox = project();
    sandbox.git(&["branch", "--move", "odd-'\"$(x)@secret@"]);
    assert_eq!(sandbox.orch(&["ci", "github"]).code, 0);
    assert_eq!(sandbox.orch(&["ci", "gitlab"]).code, 0);
    assert_eq!(sandbox.orch(&["ci", "travis"]).code, 2);
    transcript!(sandbox);
}

#[test]
fn a_recipe_is_written_again_until_somebody_changes_it() {
    let sandbox = project();
    let path = ".github/workflows/orch.yml";
    assert_eq!(sandbox.orch(&["ci", "github", "--write"]).code, 0);
    assert_eq!(sandbox.read(path), sandbox.quietly(&["ci", "github"]).stdout);
    assert_eq!(sandbox.orch(&["ci", "github", "--write"]).code, 0);
    sandbox.commit("take steps");
    sandbox.configure(&[agent("true"), gate("test", "true")]);
    assert_eq!(sandbox.orch(&["ci", "github", "--write"]).code, 0);
    assert!(!sandbox.read(path).contains("ROBOT_KEY"));
    sandbox.write(path, &sandbox.read(path).replace("17,47", "*/5"));
    assert_eq!(sandbox.orch(&["ci", "github", "--write"]).code, 1);
    sandbox.write(".gitlab-ci.yml", "mine: {script: make}\n");
    assert_eq!(sandbox.orch(&["ci", "gitlab", "--write"]).code, 1);
    assert_eq!(sandbox.read(".gitlab-ci.yml"), "mine: {script: make}\n");
    for provider in ["forgejo", "woodpecker"] {
        assert_eq!(sandbox.orch(&["ci", provider, "--write"]).code, 0);
    }
    sandbox.show_git(&["status", "--short", "--untracked-files=all"]);
    transcript!(sandbox);
}

#[test]
fn a_link_in_the_place_of_a_recipe_is_not_followed() {
    let sandbox = project();
    let outside = sandbox.root().join("outside");
    std::fs::create_dir(&outside).expect("a folder");
    std::os::unix::fs::symlink(&outside, sandbox.repo().join(".github")).expect("a link");
    assert_ne!(sandbox.quietly(&["ci", "github", "--write"]).code, 0);
    assert_eq!(std::fs::read_dir(&outside).expect("a folder").count(), 0);
}

/// What cron would run, in the environment that it gives: a shell, a home, and a `PATH` of two folders.
fn by_cron(sandbox: &Sandbox, crontab: &str) -> (i32, String) {
    let line = crontab.lines().last().expect("a line");
    let command = line.strip_prefix("17,47 * * * * ").expect("its minutes").replace("\\%", "%");
    let mut shell = Sandbox::bare(&find("sh"));
    shell.args(["-c", &command]).current_dir(sandbox.root());
    shell.env("HOME", sandbox.root().join("home")).env("PATH", "/usr/bin:/bin").env("SHELL", "/bin/sh");
    let said = finish(&mut shell);
    (said.code, said.stdout + &said.stderr)
}

#[test]
fn the_line_of_a_crontab_takes_steps_and_prints_only_what_needs_a_person() {
    let sandbox = project();
    sandbox.task("t-2", "Run something", &["--run", "echo \"$ROBOT_KEY\" > made"]);
    let config = sandbox.read(".orchestrator/config.toml");
    sandbox.configure(&[config
        .replace("schema = 1\n", "")
        .replace("adapter = \"claude\"", "adapter = \"claude\"\ncapability = 1")]);
    let home = sandbox.root().join("home");
    let crontab = home.join("crontab");
    let program = sandbox.root().join("bin/crontab");
    let script =
        format!("#!/bin/sh\nif test \"$1\" = -l; then cat '{0}'; else cat > '{0}'; fi\n", crontab.display());
    std::fs::write(&program, script).expect("a program");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("permissions");
    std::fs::write(&crontab, "0 5 * * * backup\n").expect("a crontab");
    for _ in 0..2 {
        let said = sandbox.quietly(&["ci", "cron", "--write"]);
        assert_eq!(said.code, 0, "{}", said.stderr);
    }
    let read = || std::fs::read_to_string(&crontab).expect("the crontab");
    assert!(
        read().starts_with("0 5 * * * backup\n# Written by") && read().lines().count() == 4,
        "{}",
        read()
    );
    // Not trusted: a person is needed, and told.
    std::fs::remove_file(home.join(".local/state/orch/trust.toml")).expect("`add --run` trusts");
    let (code, printed) = by_cron(&sandbox, &read());
    assert!(
        code == 0 && printed.contains("orch trust"),
        "{code} {printed}\n{}",
        sandbox.read(".git/orch/cron.log")
    );
    assert_eq!(sandbox.quietly(&["trust"]).code, 0);
    std::fs::create_dir_all(home.join(".config/orch")).expect("a folder");
    std::fs::write(home.join(".config/orch/env"), "ROBOT_KEY=key\n").expect("a file");
    let (code, printed) = by_cron(&sandbox, &read());
    assert_eq!((code, printed.as_str()), (0, ""), "{}", sandbox.read(".git/orch/cron.log"));
    assert!(sandbox.read(".git/orch/cron.log").contains("2 steps, 2 accepted"));
    // What cannot be read is not replaced.
    let before = read();
    let refusing = format!(
        "#!/bin/sh\nif test \"$1\" = -l; then echo 'you are not allowed to use it' >&2; exit 1; fi\ncat > '{}'\n",
        crontab.display()
    );
    let working = std::fs::read(&program).expect("the program");
    std::fs::write(&program, refusing).expect("a program");
    let said = sandbox.quietly(&["ci", "cron", "--write"]);
    assert!(said.code == 1 && said.stderr.contains("not allowed"), "{}", said.stderr);
    assert_eq!(read(), before);
    std::fs::write(&program, working).expect("a program");
    // What somebody changed is left alone.
    std::fs::write(&crontab, read().replace("17,47", "*/5")).expect("a crontab");
    assert_eq!(sandbox.quietly(&["ci", "cron", "--write"]).code, 1);
}

#[test]
fn the_units_of_systemd_are_what_systemd_reads() {
    let sandbox = project();
    let said = sandbox.quietly(&["ci", "systemd", "--write", "--json"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let value: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let files: Vec<PathBuf> = value["data"]["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| PathBuf::from(file["path"].as_str().expect("a path")))
        .collect();
    assert_eq!(files.len(), 2);
    assert!(files.iter().all(|file| file.starts_with(sandbox.root().join("home/.config/systemd/user"))));
    if !sandbox.lend("systemd-analyze") {
        assert!(std::env::var_os("ORCH_NEED_SYSTEMD").is_none(), "systemd-analyze is not here");
        eprintln!("systemd-analyze is not here: the units are not verified");
        return;
    }
    let mut verify = Sandbox::bare(&find("systemd-analyze"));
    verify.args(["verify", "--user"]).args(&files).env("HOME", sandbox.root().join("home"));
    let said =
        finish(verify.env("XDG_RUNTIME_DIR", sandbox.root().join("tmp")).env("SYSTEMD_LOG_LEVEL", "warning"));
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
}
