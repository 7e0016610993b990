//! CLIs that are driven by the Agent Client Protocol instead of their own output.

use crate::model::{Answer, Asked, Model, in_turn, say, shell, write};
use crate::place::{Cli, Place};
use crate::work::{GATE, goes_on_in, wrong_then_right};

/// The command that makes a CLI speak the protocol.
fn command(cli: Cli) -> &'static [&'static str] {
    match cli {
        Cli::Gemini => &["gemini", "--acp", "--skip-trust"],
        Cli::Opencode => &["opencode", "acp"],
        Cli::Copilot => &["copilot", "--acp"],
        Cli::Claude | Cli::Codex => unreachable!("it does not speak ACP by itself"),
    }
}

fn place(cli: Cli, script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Option<(Place, Model)> {
    let mut place = Place::new(cli)?;
    let model = Model::new(script);
    let env = place.point(cli, &model);
    place.configure_as("acp", cli, &env, &format!("command = {:?}", command(cli)), GATE);
    place.task("make", "Make two files");
    Some((place, model))
}

fn lands(cli: Cli, tokens: &str) {
    let script =
        in_turn([shell("echo right > made.txt"), write("two.txt", "two\n"), say("Both are written.")]);
    let Some((place, model)) = place(cli, script) else { return };
    let said = place.orch(&["step"]);
    let told = said.told();
    assert_eq!(said.code, 0, "{told}");
    assert_eq!(place.git(&["show", "HEAD:made.txt"]), "right\n", "{told}");
    assert_eq!(place.git(&["show", "HEAD:two.txt"]), "two\n", "{told}");
    let message = place.git(&["log", "-1", "--format=%B"]);
    assert!(message.contains("Both are written."), "{message}");
    assert!(place.trailer("Orch-Gates").contains("right=pass"), "{message}");
    assert_eq!(place.trailer("Orch-Tokens"), tokens, "{message}");
    assert!(model.asked()[0].contains("Make two files"), "the prompt came: {told}");
    assert_eq!(place.record()["attempt"][0]["ended"].as_str(), Some("exit 0"), "it ends with its input");
    assert_eq!(place.processes(), [""; 0], "nothing is left running");
}

fn goes_on(cli: Cli) {
    let Some((place, model)) = place(cli, wrong_then_right) else { return };
    goes_on_in(&place, &model);
}

#[test]
fn gemini_edits_files_over_acp_and_the_commit_lands() {
    lands(Cli::Gemini, "in=28500 cached=0 out=126");
}

#[test]
fn opencode_edits_files_over_acp_and_the_commit_lands() {
    // It tells the last request alone.
    lands(Cli::Opencode, "in=1500 cached=8000 out=42");
}

#[test]
fn copilot_edits_files_over_acp_and_the_commit_lands() {
    lands(Cli::Copilot, "in=4500 cached=24000 out=126");
}

#[test]
fn a_rejected_attempt_over_acp_goes_on_in_the_same_session() {
    goes_on(Cli::Opencode);
    goes_on(Cli::Copilot);
}
