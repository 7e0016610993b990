//! Agents that never end, and an orch that is killed.

use crate::model::{Model, hang, in_turn, shell};
use crate::place::{Cli, Place};

/// A place where the model answers once with a command and then no more.
fn place(cli: Cli, limit: &str) -> Option<(Place, Model)> {
    let mut place = Place::new(cli)?;
    // The program that is left behind belongs to no group and no terminal of the agent's.
    let model =
        Model::new(in_turn([shell("(setsid sleep 300 >/dev/null 2>&1 &); echo begun > made.txt"), hang()]));
    let env = place.point(cli, &model);
    place.configure(cli, &env, limit, "");
    place.task("make", "Make a file");
    Some((place, model))
}

/// An agent that is silent is ended with everything that it started, and its work is kept.
fn is_ended_when_silent(cli: Cli) {
    let Some((place, model)) = place(cli, "idle_timeout = \"8s\"") else { return };
    let said = place.orch(&["step"]);
    let told = said.told();
    assert_eq!(said.code, 22, "{told}");
    assert_eq!(place.processes(), [""; 0], "nothing is left running: {told}");
    assert!(!model.asked().is_empty(), "{told}");
    let run = place.trailer("Orch-Run");
    let kept = place.git(&["show", &format!("refs/orch/attempts/{run}:made.txt")]);
    assert_eq!(kept, "begun\n", "{told}");
}

#[test]
fn claude_code_is_ended_when_it_is_silent() {
    is_ended_when_silent(Cli::Claude);
}

#[test]
fn codex_is_ended_when_it_is_silent() {
    is_ended_when_silent(Cli::Codex);
}

#[test]
fn copilot_is_ended_when_it_is_silent() {
    is_ended_when_silent(Cli::Copilot);
}

/// orch itself is killed while the agent works; the next command ends what was left and keeps the work.
fn a_kill_is_recovered(cli: Cli) {
    let Some((place, model)) = place(cli, "") else { return };
    let mut orch = place.command("orch").arg("step").spawn().expect("orch starts");
    model.wait_for(2);
    orch.kill().expect("orch is killed");
    orch.wait().expect("it is over");
    let said = place.orch(&["status"]);
    let told = said.told();
    assert_eq!(said.code, 0, "{told}");
    assert_eq!(place.processes(), [""; 0], "nothing is left running: {told}");
    let kept = place.git(&["for-each-ref", "--format=%(refname)", "refs/orch/attempts/"]);
    assert_eq!(place.git(&["show", &format!("{}:made.txt", kept.trim())]), "begun\n", "{told}");
}

#[test]
fn what_claude_code_leaves_behind_a_killed_orch_is_ended() {
    a_kill_is_recovered(Cli::Claude);
}

#[test]
fn what_codex_leaves_behind_a_killed_orch_is_ended() {
    a_kill_is_recovered(Cli::Codex);
}
