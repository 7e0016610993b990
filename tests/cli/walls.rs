//! How far an agent is confined: the attacks that each level withstands, and those that it does not.
//!
//! Each attack is a line of shell in a real step. What a level is known not to withstand is written
//! down here as well: a change for the better has to be noticed too.

use crate::sandbox::{Sandbox, agent, gate, table};
use crate::transcript;
use std::collections::BTreeMap;
use std::net::TcpListener;

/// What each level does about an attack.
struct Attack {
    name: &'static str,
    /// Succeeds where the attack does.
    line: &'static str,
    none: bool,
    landlock: bool,
    bwrap: bool,
}

const fn attack(name: &'static str, line: &'static str, allowed: [bool; 3]) -> Attack {
    let [none, landlock, bwrap] = allowed;
    Attack { name, line, none, landlock, bwrap }
}

/// The attacks; `OUT` is a folder beside the repository, `PORT` listens, `PEER` is the test's process.
const ATTACKS: [Attack; 16] = [
    attack("write in the workspace", "echo x >work", [true, true, true]),
    attack("write outside", "echo x >OUT/a", [true, false, false]),
    attack("write through a link", "ln -s OUT way && echo x >way/b", [true, false, false]),
    attack("write through /proc", "echo x >/proc/self/root//OUT/c", [true, false, false]),
    attack("move a file of the user", "mv REPO/README REPO/README.old", [true, false, false]),
    attack("edit .git/config", "echo '[x]' >>.git/config", [true, true, false]),
    attack("plant a hook", "mkdir -p .git/hooks && echo x >.git/hooks/post-checkout", [true, true, false]),
    attack("edit the state", "echo '# x' >>.orchestrator/config.toml", [true, true, false]),
    attack("move the state away", "mv .orchestrator .o && mv .o .orchestrator", [true, true, false]),
    attack(
        "make settings of an agent",
        "mkdir -p .claude && echo x >.claude/settings.json",
        [true, true, false],
    ),
    attack(
        "make a workflow",
        "mkdir -p .github/workflows && echo x >.github/workflows/x",
        [true, true, false],
    ),
    attack("read what is in the home", "grep -q canary-in-home HOME/.bashrc", [true, true, false]),
    attack("read what lies beside the code", "grep -q canary-in-tree REPO/.env", [true, true, false]),
    attack("connect to a port", "bash -c 'exec 3<>/dev/tcp/127.0.0.1/PORT'", [true, false, false]),
    attack("signal a process", "kill -0 PEER", [true, false, false]),
    attack("find a secret of orch", "grep -aq canary-in-env /proc/[0-9]*/environ", [true, true, false]),
];

/// Attacks that only a person who may do everything could carry out: nobody is let try them in vain.
const AS_ROOT: [Attack; 2] = [
    attack("mount", "mount -t tmpfs none OUT/m && umount OUT/m", [true, false, false]),
    attack("write to /proc/sys", ": >>/proc/sys/kernel/printk_delay", [true, false, false]),
];

/// Takes a step whose agent carries out all attacks; which of them succeeded.
fn attacked(level: &str, attacks: &[&Attack]) -> Option<BTreeMap<String, bool>> {
    let sandbox = Sandbox::on_disk();
    for program in ["bwrap", "bash", "mount", "umount"] {
        sandbox.lend(program);
    }
    let root = sandbox.root();
    std::fs::create_dir_all(root.join("out/m")).expect("a folder");
    std::fs::write(root.join("home/.bashrc"), "canary-in-home\n").expect("a file");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mut script = String::new();
    for attack in attacks {
        let line = attack
            .line
            .replace("OUT", &root.join("out").to_string_lossy())
            .replace("HOME", &root.join("home").to_string_lossy())
            .replace("REPO", &sandbox.repo().to_string_lossy())
            .replace("PORT", &port.to_string())
            .replace("PEER", &std::process::id().to_string());
        script += &format!(
            "if ( {line} ) 2>/dev/null; then echo '{} = yes'; else echo '{} = no'; fi\n",
            attack.name, attack.name
        );
    }
    sandbox.program("attack.sh", &script);
    let profile = agent("sh ./attack.sh").replace("\"none\"", &format!("\"{level}\""));
    sandbox.configure(&[format!("{profile}network = false\n"), table("policy", "max_attempts = 1")]);
    sandbox.write(".env", "canary-in-tree\n");
    sandbox.task("t-1", "Attack", &["--kind", "chore"]);
    let said = sandbox.with_env("ORCH_CANARY", "canary-in-env", &["step"]);
    if said.code == 30 {
        assert!(said.stderr.contains(&format!("asks for `sandbox = \"{level}\"`")), "{}", said.stderr);
        return None;
    }
    assert!(level == "none" || said.stderr.contains(&format!(" {level}\n")), "{}", said.stderr);
    let record = sandbox.git(&["log", "-1", "--format=", "-p"]);
    assert!(record.contains(&format!("+sandbox = \"{level}\"")), "{record}\n{}", said.stderr);
    let printed = sandbox.quietly(&["show", "t-1", "--transcript"]).stdout;
    let found = printed.lines().filter_map(|line| line.trim().rsplit_once(" = "));
    Some(found.map(|(name, found)| (name.to_owned(), found == "yes")).collect())
}

fn withstands(level: &str, allowed: impl Fn(&Attack) -> bool) {
    // Without walls it depends on the machine whether root may do these.
    let root = rustix::process::geteuid().is_root() && level != "none";
    let attacks: Vec<&Attack> = ATTACKS.iter().chain(AS_ROOT.iter().filter(|_| root)).collect();
    let Some(found) = attacked(level, &attacks) else {
        assert!(std::env::var_os("ORCH_NEED_SANDBOX").is_none(), "`{level}` does not work on this machine");
        return;
    };
    let told = |name: &str, is: bool| format!("{name}: {}", if is { "allowed" } else { "denied" });
    let wanted: Vec<String> = attacks.iter().map(|attack| told(attack.name, allowed(attack))).collect();
    let is: Vec<String> =
        attacks.iter().map(|attack| told(attack.name, found.get(attack.name) == Some(&true))).collect();
    assert_eq!(is, wanted, "{found:?}");
}

#[test]
fn without_walls_every_attack_succeeds() {
    withstands("none", |attack| attack.none);
}

#[test]
fn landlock_withstands_writes_signals_and_connections() {
    // Only root may look into the environment of a process outside of these walls.
    let root = rustix::process::geteuid().is_root();
    withstands("landlock", |attack| attack.landlock && (root || attack.name != "find a secret of orch"));
}

#[test]
fn bwrap_withstands_every_attack() {
    withstands("bwrap", |attack| attack.bwrap);
}

/// A sandbox where bubblewrap works; none where the machine does not let it, unless it has to.
fn with_bwrap() -> Option<Sandbox> {
    let sandbox = Sandbox::on_disk();
    sandbox.lend("bwrap");
    let works =
        sandbox.tried("bwrap", &["--ro-bind", "/", "/", "--unshare-user", "--unshare-pid", "sh", "-c", ":"]);
    assert!(works || std::env::var_os("ORCH_NEED_SANDBOX").is_none(), "bwrap does not work on this machine");
    works.then_some(sandbox)
}

/// An agent that is a program of the repository, confined by bubblewrap.
fn confined(sandbox: &Sandbox, script: &str, more: &[String]) {
    sandbox.program("agent.sh", script);
    let profile = agent("sh ./agent.sh").replace("\"none\"", "\"bwrap\"");
    sandbox.configure(&[&[profile, table("policy", "max_attempts = 1")], more].concat());
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
}

#[test]
fn what_is_made_behind_walls_lands_and_the_walls_leave_nothing() {
    let Some(sandbox) = with_bwrap() else { return };
    let script = "git status --short\ngit log -1 --format=%s\necho two >made\necho 'summary: made it' >\"$ORCH_OUTCOME\"\n";
    confined(&sandbox, script, &[gate("made", "grep -q two made")]);
    sandbox.orch(&["step"]);
    sandbox.orch(&["show", "t-1", "--transcript"]);
    sandbox.show_git(&["show", "--stat", "--format=%s"]);
    let workspaces = sandbox.root().join("home/.local/state/orch");
    let repository =
        std::fs::read_dir(workspaces).expect("a folder").flatten().find(|entry| entry.path().is_dir());
    let workspace = repository.expect("a workspace").path().join("workspaces/0");
    let mut left: Vec<String> = std::fs::read_dir(workspace)
        .expect("a folder")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    left.sort();
    sandbox.note(&format!("left in the workspace: {}", left.join(" ")));
    transcript!(sandbox);
}

/// A tool that keeps what it has loaded in a folder of the home, which the agent may write or not.
fn with_a_cache(named: &str) -> Option<(Sandbox, i32, String)> {
    let sandbox = with_bwrap()?;
    std::fs::create_dir_all(sandbox.root().join("home/.tool")).expect("a folder");
    let script = "echo x >\"$HOME/.tool/cache/one\" || { echo 'tool: Read-only file system'; exit 1; }\necho two >made\n";
    sandbox.program("agent.sh", script);
    let profile = agent("sh ./agent.sh").replace("\"none\"", "\"bwrap\"");
    sandbox.configure(&[format!("{profile}{named}\n"), table("policy", "max_attempts = 1")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    let said = sandbox.orch(&["step"]);
    Some((sandbox, said.code, said.stderr))
}

#[test]
fn folders_that_a_profile_names_are_writable_and_outlive_the_session() {
    let Some((sandbox, code, told)) = with_a_cache("writable = [\"~/.tool/cache\"]") else { return };
    assert_eq!(code, 0, "{told}");
    let kept = std::fs::read_to_string(sandbox.root().join("home/.tool/cache/one"));
    assert_eq!(kept.expect("it is made where it was not, and kept"), "x\n");
    let trust = sandbox.orch(&["trust"]).stdout;
    assert!(trust.contains("`writable` of agent `script`") && trust.contains("'~/.tool/cache'"), "{trust}");
}

#[test]
fn a_write_that_the_walls_refused_is_told_with_the_key_that_allows_it() {
    let Some((_sandbox, code, told)) = with_a_cache("") else { return };
    assert_eq!(code, 21, "{told}");
    assert!(told.contains("the sandbox refused a write; `writable` of agent `script`"), "{told}");
}

#[test]
fn an_agent_behind_walls_works_in_place() {
    let Some(sandbox) = with_bwrap() else { return };
    confined(&sandbox, "echo two >made\necho x >.git/x || echo 'the repository is closed'\n", &[]);
    sandbox.orch(&["step", "--in-place"]);
    sandbox.orch(&["show", "t-1", "--transcript"]);
    sandbox.show_git(&["status", "--short", "--ignored"]);
    assert!(!sandbox.has(".claude") && !sandbox.has(".github") && !sandbox.has("Jenkinsfile"));
    transcript!(sandbox);
}

#[test]
fn a_level_that_the_machine_lacks_is_refused_before_anything_is_spent() {
    let sandbox = Sandbox::on_disk();
    confined(&sandbox, "echo two >made\n", &[]);
    assert_eq!(sandbox.orch(&["step"]).code, 30);
    sandbox.orch(&["step", "--json"]);
    sandbox.show_git(&["log", "--format=%s"]);
    transcript!(sandbox);
}

#[test]
fn an_agent_that_is_known_gets_its_own_folder_and_no_other() {
    let Some(sandbox) = with_bwrap() else { return };
    let home = sandbox.root().join("home");
    std::fs::create_dir_all(home.join(".codex")).expect("a folder");
    std::fs::write(home.join(".codex/auth.json"), "canary-of-another\n").expect("a file");
    std::fs::write(home.join(".netrc"), "canary-of-the-user\n").expect("a file");
    let script = "#!/bin/sh\nwc=$(grep -rs canary- \"$HOME\" /tmp)\necho \"found: $wc\"\necho \"keys: $ONE_KEY $OTHER_KEY\"\n\
                  echo talk >>\"$HOME/.claude/talk\"\necho two >made\n";
    std::fs::write(home.join("claude.sh"), script).expect("a file");
    let bin = sandbox.root().join("bin");
    std::fs::write(bin.join("claude"), script).expect("a program");
    make_program(&bin.join("claude"));
    let profile = |name: &str, command: &str, key: &str| {
        format!(
            "\n[[agent]]\nname = \"{name}\"\nadapter = \"command\"\ncommand = [\"{command}\"]\nenv = [\"{key}\"]\ncapability = 10\n"
        )
    };
    sandbox.configure(&[
        profile("one", "claude", "ONE_KEY"),
        profile("other", "codex", "OTHER_KEY"),
        gate("keys", "test -z \"$ONE_KEY$OTHER_KEY\""),
    ]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    let said = sandbox.with_env("OTHER_KEY", "canary-of-the-environment", &["step"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stderr.contains("sandbox            bwrap\n"), "{}", said.stderr);
    let printed = sandbox.quietly(&["show", "t-1", "--transcript"]).stdout;
    assert!(printed.contains("found: \n") && printed.contains("keys:  \n"), "{printed}");
    assert_eq!(std::fs::read_to_string(home.join(".claude/talk")).expect("it is kept"), "talk\n");
}

#[test]
fn nothing_survives_a_killed_orch_behind_walls() {
    let Some(sandbox) = with_bwrap() else { return };
    // A length of sleep that no other process has.
    let mark = format!("86399.{:05}", std::process::id() % 100_000);
    sandbox.lend("setsid");
    confined(
        &sandbox,
        &format!(
            "setsid sh -c 'trap \"\" TERM INT HUP; sleep {mark}; sleep {mark}' &\n(sleep {mark} &)\nsleep {mark}\n"
        ),
        &[],
    );
    let mut orch = sandbox.start(&["step"]);
    sandbox.wait_until("all of the agent is at work", || processes_with(&mark) == 3);
    orch.kill().expect("orch is killed");
    orch.wait().expect("orch has ended");
    sandbox.wait_until("every process of the agent has ended", || processes_with(&mark) == 0);
}

/// How many processes are called with an argument.
fn processes_with(argument: &str) -> usize {
    let all = std::fs::read_dir("/proc").expect("processes").flatten();
    let called = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    called
        .filter(|line| {
            line.starts_with(b"sleep\0") && line.windows(argument.len()).any(|at| at == argument.as_bytes())
        })
        .count()
}

fn make_program(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
}
