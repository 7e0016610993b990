//! Recipes for CI: what is printed is read as its provider would, and its shell steps are run as its runner
//! would, against a bare remote that only a job's token opens.

use crate::runner::{Job, TOKEN};
use crate::sandbox::{Sandbox, agent_with, gate, table};
use serde_json::Value;

/// A project whose agent says what it sees, with a task.
fn project(more: &[String]) -> Sandbox {
    let agent = agent_with(
        "env > \"$HOME/seen\"; echo \"$ROBOT_KEY\" >> src/code; printf 'summary: did it [skip ci]\\n' > \"$ORCH_OUTCOME\"",
        "timeout = \"60s\"\nenv = [\"ROBOT_KEY\", \"OTHER_KEY\", \"GITHUB_TOKEN\", \"ORCH_PUSH_TOKEN\"]\n",
    );
    let sandbox = Sandbox::with(&[&[agent, gate("test", "test -f src/code")], more].concat());
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox
}

/// The recipe, read as YAML.
fn read(sandbox: &Sandbox, provider: &str) -> Value {
    let said = sandbox.quietly(&["ci", provider]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    serde_yaml::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}\n{}", said.stdout))
}

/// What has to hold after a job, whoever ran it.
fn landed(job: &Job<'_>, author: &str) {
    let log =
        job.remote(&["log", "-1", "--format=%an <%ae>%n%s%n%(trailers:key=Orch-Outcome,valueonly)", "main"]);
    let expected = format!("{author}\nchore: do it (t-1)\naccepted");
    assert_eq!(log.trim(), expected, "{}", job.log());
    assert_eq!(job.remote(&["show", "main:src/code"]), "one\ntwo\nthree\nkey\n");
    assert!(job.remote(&["show", "main:.orchestrator/tasks/t-1.toml"]).contains("status = \"done\""));
    // The work has its checks run, whatever its agent says.
    assert!(!job.remote(&["log", "-1", "--format=%B", "main"]).contains("[skip ci]"));
    let seen = std::fs::read_to_string(job.home().join("seen")).expect("the agent ran");
    assert!(seen.contains("ROBOT_KEY=key"), "{seen}");
    assert!(!seen.contains("OTHER_KEY"), "a secret that is not there is no variable: {seen}");
    for hidden in [TOKEN, "ORCH_PUSH_TOKEN", "GITHUB_TOKEN", "CI_JOB_TOKEN"] {
        assert!(!seen.contains(hidden), "the agent sees {hidden}: {seen}");
    }
    assert_eq!(job.files_with(TOKEN), Vec::<std::path::PathBuf>::new(), "the token is in a file");
    // The variable alone opens the remote, and git asks for it there.
    assert_eq!(job.password(Some(TOKEN)).as_deref(), Some(TOKEN));
    assert_eq!(job.password(None), None);
}

#[test]
fn the_job_of_github_lands_a_step() {
    let sandbox = project(&[]);
    let job = Job::new(&sandbox);
    job.github(&read(&sandbox, "github"), "");
    assert!(
        job.installed("cargo install --locked --git https://forge.example/orch --rev 0a1b orch"),
        "{}",
        job.log()
    );
    landed(&job, "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>");
    let summary = job.summary();
    assert!(summary.contains("t-1") && summary.contains("accepted"), "{summary}");
}

#[test]
fn the_job_of_github_takes_the_task_that_it_is_started_with() {
    let sandbox = project(&[]);
    sandbox.task("t-0", "Do this first", &["--priority", "0"]);
    let job = Job::new(&sandbox);
    job.github(&read(&sandbox, "github"), "t-1");
    landed(&job, "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>");
    // A task is data, whatever it is called.
    let said = job.github_tried(&read(&sandbox, "github"), "$(touch pwned); touch pwned");
    assert_eq!(said.code, 2, "{}", said.stderr);
    assert!(job.files_with("pwned").is_empty() && !job.dir().join("pwned").exists());
}

#[test]
fn the_job_of_gitlab_lands_a_step() {
    let sandbox = project(&[]);
    let job = Job::new(&sandbox);
    job.gitlab(&read(&sandbox, "gitlab"));
    landed(&job, "orch <orch@noreply.forge.example>");
}

#[test]
fn the_job_of_forgejo_lands_a_step() {
    let sandbox = project(&[]);
    let job = Job::new(&sandbox);
    job.github(&read(&sandbox, "forgejo"), "");
    landed(&job, "orch <orch@noreply.invalid>");
}

#[test]
fn the_job_of_woodpecker_lands_a_step() {
    let sandbox = project(&[]);
    let job = Job::new(&sandbox);
    job.woodpecker(&read(&sandbox, "woodpecker"));
    landed(&job, "orch <orch@noreply.invalid>");
}

#[test]
fn the_action_lands_a_step() {
    let sandbox = project(&[]);
    let job = Job::new(&sandbox);
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/action.yml")).expect("the action");
    job.action(&serde_yaml::from_str(&text).expect("YAML"));
    assert!(job.installed("cargo install --locked --path "), "{}", job.log());
    landed(&job, "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>");
    assert!(job.summary().contains("t-1"), "{}", job.summary());
}

#[test]
fn a_rejection_is_green_while_it_is_tried_again_and_asks_for_no_other_job() {
    let sandbox =
        project(&[gate("never", "false"), table("policy", "max_attempts = 1\nmax_steps_per_task = 2")]);
    let job = Job::new(&sandbox);
    job.github(&read(&sandbox, "github"), "t-1");
    let message = job.remote(&["log", "-1", "--format=%B", "main"]);
    assert!(message.starts_with("orch(t-1): rejected"), "{message}\n{}", job.log());
    assert!(message.contains("\n\n[skip ci]\n\n"), "{message}");
    assert!(job.log().contains("::warning title=orch rejected::"), "{}", job.log());
    assert_eq!(
        job.remote(&["for-each-ref", "refs/orch/attempts"]).lines().count(),
        1,
        "the work is on the remote"
    );
    let said = job.github_tried(&read(&sandbox, "github"), "t-1");
    assert_eq!(said.code, 20, "no step is left: a person is needed\n{}", said.stderr);
}

#[test]
fn what_an_agent_says_is_no_command_to_the_runner() {
    let hostile = "::error::x\\n  ::add-mask::x\\n##[error]x";
    let sandbox = project(&[
        gate("loud", &format!("printf '{hostile}\\n::stop-commands::x\\n'; exit 1")),
        table("policy", "max_attempts = 1"),
    ]);
    for id in ["t-2", "t-3", "t-4", "t-5"] {
        sandbox.task(id, "::error::title ##[error]title", &["--priority", "0", "--body", "::error::body"]);
    }
    for arguments in [
        &["step", "--ci", "--task", "t-2"][..],
        &["step", "--ci", "--task", "t-3", "--format", "md"],
        &["step", "--ci", "--task", "t-4", "--json"],
        &["step", "--ci", "--task", "t-5", "--format", "jsonl"],
        &["show", "t-2"],
        &["list"],
        &["status", "--ci"],
        &["status", "--ci", "--format", "md"],
        &["log"],
        &["prompt", "t-2"],
        &["next", "--ci"],
    ] {
        let said = sandbox.with_env("GITHUB_ACTIONS", "true", arguments);
        let all = format!("{}{}", said.stdout, said.stderr);
        // A log names the gate alone.
        let is_log = arguments == ["log"];
        assert!(is_log || all.contains("error"), "{arguments:?} shows what the agent says: {all}");
        for line in said.stdout.lines().chain(said.stderr.lines()) {
            let command = line.trim_start().starts_with("::") && !line.contains(" title=orch ");
            assert!(!command && !line.contains("##["), "{arguments:?}: {line}");
        }
    }
}

#[test]
fn neither_a_gate_nor_a_hook_sees_the_token_that_pushes() {
    let sandbox = Sandbox::with(&[
        agent_with("echo x >> src/code", "timeout = \"60s\"\nenv = [\"ORCH_PUSH_TOKEN\"]\n"),
        format!("{}env = [\"ORCH_PUSH_TOKEN\"]\n", gate("test", "env >> \"$HOME/seen\"")),
    ]);
    sandbox.lend("env");
    sandbox
        .program(".git/hooks/pre-commit", "#!/bin/sh\nenv >> \"$HOME/seen\"\necho hook >> \"$HOME/seen\"\n");
    sandbox.task("t-1", "Do it", &[]);
    assert_eq!(sandbox.with_env("ORCH_PUSH_TOKEN", TOKEN, &["step"]).code, 0);
    let seen = std::fs::read_to_string(sandbox.signal("seen")).expect("both ran");
    assert!(seen.contains("ORCH_GATE=test") && seen.contains("\nhook\n"), "{seen}");
    assert!(!seen.contains(TOKEN), "{seen}");
}
