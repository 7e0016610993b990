//! `orch agents` and `orch auth`, and the profiles that `orch init` writes for what is installed.

use crate::sandbox::{Sandbox, agent, gate, table};
use crate::transcript;
use std::fs;

/// Programs that answer as the real ones do, and leave a mark when they are asked for more.
fn with_programs() -> Sandbox {
    let sandbox = Sandbox::new();
    let asked = "*) touch \"$HOME/asked\"; exit 9;; esac\n";
    sandbox.program(
        "../bin/claude",
        &format!(
            "#!/bin/sh\ncase \"$*\" in --version) echo '2.1.329 (Claude Code)';;\n\
             'auth status') echo '{{\"loggedIn\": false}}'; exit 1;;\n{asked}"
        ),
    );
    sandbox.program(
        "../bin/codex",
        &format!(
            "#!/bin/sh\ncase \"$*\" in --version) echo 'codex-cli 0.169.0';;\n\
             'login status') echo 'API key configured - sk-abc***xyz' >&2;;\n{asked}"
        ),
    );
    sandbox
}

#[test]
fn init_writes_profiles_for_the_agents_that_are_installed() {
    let sandbox = with_programs();
    assert_eq!(sandbox.orch(&["init"]).code, 0);
    let config = sandbox.read(".orchestrator/config.toml");
    for line in [
        "model = \"claude-opus-5-5\"",
        "context_window = 258400",
        "price = { input = 2, cached = 0.1, output = 10 }",
    ] {
        assert!(config.contains(line), "{line}: {config}");
    }
    assert_eq!(sandbox.orch(&["agents"]).code, 0);
    assert_eq!(sandbox.orch(&["auth"]).code, 0);
    assert!(!sandbox.signal("asked").exists(), "nothing but version and login is asked");
    transcript!(sandbox);
}

#[test]
fn who_rests_is_told_until_when_and_who_is_missing_how_to_get_it() {
    let sandbox = with_programs();
    let missing = "\n[[agent]]\nname = \"helper\"\nadapter = \"gemini\"\n".to_owned();
    let codex = "\n[[agent]]\nname = \"codex\"\nadapter = \"codex\"\nmodel = \"gpt-5.5\"\n".to_owned();
    sandbox.configure(&[agent("echo x > x"), codex, missing]);
    sandbox.task("t-1", "Do it", &[]);
    assert_eq!(sandbox.quietly(&["step", "--agent", "script"]).code, 0);
    let rests = sandbox.repo().join(".git/orch/cooldowns");
    fs::create_dir_all(&rests).expect("a folder");
    let rest = r#"{"profile":"codex","until":"2099-01-01T00:00:00Z","why":"usage_limit: You've hit your usage limit.","times":1}"#;
    fs::write(rests.join("codex.json"), rest).expect("a file is written");
    assert_eq!(sandbox.orch(&["agents"]).code, 0);
    assert_eq!(sandbox.orch(&["agents", "--json"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn when_nobody_is_logged_in_auth_says_so_by_its_exit_code() {
    let sandbox = with_programs();
    let claude =
        "\n[[agent]]\nname = \"claude\"\nadapter = \"claude\"\nenv = [\"ANTHROPIC_API_KEY\"]\n".to_owned();
    sandbox.configure(&[claude]);
    assert_eq!(sandbox.orch(&["auth"]).code, 30);
    transcript!(sandbox);
}

/// A profile that runs this program.
fn running(name: &str, capability: u8, command: &str) -> String {
    format!(
        "\n[[agent]]\nname = \"{name}\"\nadapter = \"command\"\ncommand = {command}\ncapability = {capability}\n"
    )
}

#[test]
fn without_an_installed_agent_nothing_is_recorded_and_others_go_on() {
    let shell = "\n[[agent]]\nname = \"shell\"\nadapter = \"shell\"\n";
    let sandbox = Sandbox::with(&[running("gone", 5, "[\"nosuchprog\"]"), shell.to_owned()]);
    sandbox.task("a", "Do it", &[]);
    let before = sandbox.git(&["rev-parse", "HEAD"]);
    assert_eq!(sandbox.orch(&["step"]).code, 30);
    assert_eq!(sandbox.orch(&["next"]).code, 30);
    sandbox.orch(&["route"]);
    assert_eq!(sandbox.orch(&["step", "--agent", "gone"]).code, 30);
    assert_eq!(sandbox.orch(&["plan"]).code, 30);
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), before);
    sandbox.task("b", "Run it", &["--run", "echo x > b"]);
    assert_eq!(sandbox.orch(&["next", "--limit", "3"]).code, 0);
    assert_eq!(sandbox.quietly(&["step"]).code, 0, "what nobody can do holds nothing else");
    transcript!(sandbox);
}

#[test]
fn who_is_missing_is_passed_over_in_the_same_step_and_never_waited_for() {
    let strong = "\n[[agent]]\nname = \"strong\"\nadapter = \"claude\"\ncapability = 9\n";
    let sandbox = Sandbox::with(&[
        running("gone", 6, "[\"nosuchprog\"]"),
        running("here", 5, "[\"sh\", \"-c\", \"echo $ORCH_RUN > $ORCH_TASK\"]"),
        strong.to_owned(),
        gate("test", "test ! -e a"),
        table("policy", "max_attempts = 1"),
    ]);
    sandbox.task("a", "Do it", &["--complexity", "9"]);
    assert_eq!(sandbox.quietly(&["step", "--task", "a"]).code, 20);
    assert_eq!(sandbox.quietly(&["step", "--task", "a"]).code, 20, "and no stronger one is waited for");
    sandbox.orch(&["route", "a"]);
    sandbox.task("b", "Do another", &[]);
    sandbox.quietly(&["run"]);
    assert!(!sandbox.read("b").is_empty(), "the other task is reached");
    let here = running("here", 5, "[\"sh\", \"-c\", \"echo $ORCH_RUN > $ORCH_TASK\"]");
    let price = "price = { input = 1, cached = 1, output = 1 }\n";
    sandbox.configure(&[running("own", 5, "[\"./agent\"]"), here + price]);
    sandbox.task("c", "Do one more", &["--priority", "0"]);
    assert_eq!(sandbox.orch(&["step", "--task", "c"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_profile_that_cannot_work_does_not_stop_what_others_can_do() {
    let here = || running("here", 5, "[\"sh\", \"-c\", \"echo $ORCH_RUN > $ORCH_TASK\"]");
    let mut all = String::new();
    for strong in ["[\"/nowhere/agent\"]", "[\"./agent\"]"] {
        let sandbox = Sandbox::with(&[here(), running("strong", 9, strong)]);
        sandbox.note(&format!("# the program of the strong one: {strong}"));
        sandbox.task("a", "Do it", &["--complexity", "8", "--priority", "0"]);
        sandbox.task("b", "Do another", &["--complexity", "2"]);
        assert_eq!(sandbox.orch(&["step"]).code, 0);
        sandbox.orch(&["agents"]);
        sandbox.orch(&["status"]);
        if sandbox.quietly(&["list", "--ready"]).stdout.contains("Do it") {
            // Where nobody else is left, it is asked again: somebody may have acted.
            assert_eq!(sandbox.orch(&["step"]).code, 30);
            sandbox.program("agent", "#!/bin/sh\necho $ORCH_RUN > $ORCH_TASK\n");
            sandbox.commit("the program");
            assert_eq!(sandbox.orch(&["step"]).code, 0);
            assert!(!sandbox.quietly(&["status"]).stdout.contains("cannot work"));
        }
        all.push_str(&sandbox.transcript());
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_reviewer_whose_program_is_missing_is_told_of() {
    let script = "[\"sh\", \"-c\", \"echo $ORCH_RUN > $ORCH_TASK\"]";
    for (at, strong) in ["[\"/nowhere/agent\"]", "[\"./agent\"]"].into_iter().enumerate() {
        let sandbox = Sandbox::with(&[
            running("here", 5, script),
            running("strong", 9, strong),
            table("policy", "review = \"agent\""),
        ]);
        sandbox.task("a", "Do it", &[]);
        sandbox.quietly(&["step"]);
        sandbox.quietly(&["step"]);
        let said = sandbox.quietly(&["status"]).stdout;
        assert!(said.contains("orch approve a"), "{at} {said}");
        assert!(
            said.contains("`strong` needs `/nowhere/agent`")
                || said.contains("`strong` cannot work: missing"),
            "{at} {said}"
        );
    }
}
