//! The model speaks to the CLIs: each is run by itself, does what the model says, and ends.

use crate::model::{Model, in_turn, say, shell, write};
use crate::place::{Cli, Place};

/// A model that has a file written by a command and another by the CLI's own tool.
fn model() -> Model {
    Model::new(in_turn([
        shell("echo one > one.txt"),
        write("two.txt", "two\n"),
        say("Both files are written."),
    ]))
}

fn check(place: &Place, model: &Model, argv: &[&str]) {
    let said = place.run(argv, "write two files\n");
    let told = said.told();
    assert_eq!(said.code, 0, "{told}");
    for (name, content) in [("repo/one.txt", "one\n"), ("repo/two.txt", "two\n")] {
        assert_eq!(std::fs::read_to_string(place.path(name)).ok().as_deref(), Some(content), "{told}");
    }
    assert!(said.stdout.contains("Both files are written."), "{told}");
    assert_eq!(model.asked().len(), 3, "{told}");
}

#[test]
fn claude_code_does_what_the_model_says() {
    let Some(mut place) = Place::new(Cli::Claude) else { return };
    let model = model();
    place.point(Cli::Claude, &model);
    check(
        &place,
        &model,
        &[
            "claude",
            "-p",
            "--input-format",
            "text",
            "--output-format",
            "stream-json",
            "--verbose",
            "--permission-mode",
            "acceptEdits",
            "--allowedTools",
            "Bash",
        ],
    );
}

#[test]
fn codex_does_what_the_model_says() {
    let Some(mut place) = Place::new(Cli::Codex) else { return };
    let model = model();
    place.point(Cli::Codex, &model);
    check(&place, &model, &["codex", "exec", "--json", "--sandbox", "workspace-write", "-"]);
}

#[test]
fn copilot_does_what_the_model_says() {
    let Some(mut place) = Place::new(Cli::Copilot) else { return };
    let model = model();
    place.point(Cli::Copilot, &model);
    check(&place, &model, &["copilot", "--allow-all", "--output-format", "json", "--no-ask-user"]);
}

#[test]
fn gemini_does_what_the_model_says() {
    let Some(mut place) = Place::new(Cli::Gemini) else { return };
    let model = model();
    place.point(Cli::Gemini, &model);
    place.choose_gemini_key();
    check(
        &place,
        &model,
        &[
            "gemini",
            "-m",
            "gemini-3.1-pro-preview",
            "--output-format",
            "stream-json",
            "--approval-mode",
            "yolo",
            "--skip-trust",
        ],
    );
}

#[test]
fn opencode_does_what_the_model_says() {
    let Some(mut place) = Place::new(Cli::Opencode) else { return };
    let model = model();
    place.point(Cli::Opencode, &model);
    check(&place, &model, &["opencode", "run", "--format", "json", "--auto", "-m", "scripted/model-1"]);
}
