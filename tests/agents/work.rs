//! Work that goes well in the end: each CLI edits files in a step of orch's, gates judge them, and a commit
//! holds everything.

use crate::model::{Answer, Asked, Model, in_turn, say, shell, write};
use crate::place::{Cli, Place};

const GATE: &str = "[[gate]]\nname = \"right\"\nrun = \"grep -q right made.txt && test -f two.txt\"\n";

/// Two files, one by a command and one by the CLI's own tool.
fn good() -> impl Fn(&Asked) -> Answer + Send + Sync {
    in_turn([shell("echo right > made.txt"), write("two.txt", "two\n"), say("Both files are written.")])
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
    assert_eq!(place.trailer("Orch-Outcome"), "accepted", "{message}");
    assert_eq!(place.trailer("Orch-Attempts"), "1", "{message}");
    assert!(place.trailer("Orch-Gates").contains("right=pass"), "{message}");
    assert_eq!(model.asked().len(), 3, "{told}");
    assert!(model.asked()[0].contains("Make two files"), "the prompt came: {told}");
    assert_eq!(place.processes(), [""; 0], "nothing is left running");
    let fsck = place.orch(&["fsck"]);
    assert_eq!(fsck.code, 0, "{}", fsck.told());
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
