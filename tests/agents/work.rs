//! Work that goes well in the end: each CLI edits files in a step of orch's, gates judge them, and a commit
//! holds everything.

use crate::model::{Answer, Asked, Model, in_turn, say, shell, write};
use crate::place::{Cli, Place};

pub(crate) const GATE: &str =
    "[[gate]]\nname = \"right\"\nrun = \"grep -q right made.txt && test -f two.txt\"\n";

/// Two files, one by a command and one by the CLI's own tool.
fn good() -> impl Fn(&Asked) -> Answer + Send + Sync {
    in_turn([shell("echo right > made.txt"), write("two.txt", "two\n"), say("Both files are written.")])
}

/// Wrong work at first; right work where the user speaks a second time in the same conversation.
pub(crate) fn wrong_then_right(asked: &Asked) -> Answer {
    match (asked.contains("The first try is done."), asked.results) {
        (false, 0) => shell("echo wrong > made.txt && echo two > two.txt"),
        (false, _) => say("The first try is done."),
        (true, 0) => shell("echo right > made.txt"),
        (true, _) => say("It is right now."),
    }
}

/// A place where a CLI does what a script says.
fn place(cli: Cli, script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Option<(Place, Model)> {
    let mut place = Place::new(cli)?;
    let model = Model::new(script);
    let env = place.point(cli, &model);
    place.configure(cli, &env, "", GATE);
    place.task("make", "Make two files");
    Some((place, model))
}

fn lands(cli: Cli) {
    let Some((place, model)) = place(cli, good()) else { return };
    let said = place.orch(&["step"]);
    let told = said.told();
    assert_eq!(said.code, 0, "{told}");
    assert_eq!(place.git(&["show", "HEAD:made.txt"]), "right\n", "{told}");
    assert_eq!(place.git(&["show", "HEAD:two.txt"]), "two\n", "{told}");
    let message = place.git(&["log", "-1", "--format=%B"]);
    assert!(message.contains("Both files are written."), "{message}");
    assert_eq!(place.trailer("Orch-Outcome"), "accepted", "{message}");
    assert_eq!(place.trailer("Orch-Attempts"), "1", "{message}");
    assert!(place.trailer("Orch-Gates").contains("right=pass"), "{message}");
    // Three requests, each with 1500 new, 8000 cached and 42 written tokens.
    assert_eq!(place.trailer("Orch-Tokens"), "in=4500 cached=24000 out=126", "{message}");
    assert!(place.trailer("Orch-Cost-USD").parse::<f64>().is_ok_and(|cost| cost > 0.0), "{message}");
    assert_eq!(model.asked().len(), 3, "{told}");
    assert!(model.asked()[0].contains("Make two files"), "the prompt came: {told}");
    assert_eq!(place.processes(), [""; 0], "nothing is left running");
    let fsck = place.orch(&["fsck"]);
    assert_eq!(fsck.code, 0, "{}", fsck.told());
}

/// Has a place's task done by [`wrong_then_right`]: it takes two attempts in one session.
pub(crate) fn goes_on_in(place: &Place, model: &Model) {
    let said = place.orch(&["step"]);
    let told = said.told();
    assert_eq!(said.code, 0, "{told}");
    assert_eq!(place.trailer("Orch-Attempts"), "2", "{told}");
    assert_eq!(place.git(&["show", "HEAD:made.txt"]), "right\n", "{told}");
    let second = model.asked().into_iter().find(|asked| asked.contains("The first try is done."));
    let second = second.expect("the second attempt knows the first");
    assert!(second.text.contains("right"), "and it is told which gate said no: {}", second.text);
}

fn goes_on(cli: Cli) {
    let Some((place, model)) = place(cli, wrong_then_right) else { return };
    goes_on_in(&place, &model);
    // Two requests of the first attempt, two of the second.
    assert_eq!(place.trailer("Orch-Tokens"), "in=6000 cached=32000 out=168");
}

#[test]
fn claude_code_edits_files_and_the_commit_lands() {
    lands(Cli::Claude);
}

#[test]
fn codex_edits_files_and_the_commit_lands() {
    lands(Cli::Codex);
}

#[test]
fn copilot_edits_files_and_the_commit_lands() {
    lands(Cli::Copilot);
}

#[test]
fn gemini_edits_files_and_the_commit_lands() {
    lands(Cli::Gemini);
}

#[test]
fn opencode_edits_files_and_the_commit_lands() {
    lands(Cli::Opencode);
}

#[test]
fn a_rejected_attempt_of_claude_code_goes_on_in_the_same_session() {
    goes_on(Cli::Claude);
}

#[test]
fn a_rejected_attempt_of_codex_goes_on_in_the_same_session() {
    goes_on(Cli::Codex);
}

#[test]
fn a_rejected_attempt_of_copilot_goes_on_in_the_same_session() {
    goes_on(Cli::Copilot);
}

#[test]
fn a_rejected_attempt_of_opencode_goes_on_in_the_same_session() {
    goes_on(Cli::Opencode);
}
