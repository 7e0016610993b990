//! A context that fills up: from one share on the session is made smaller, from another a fresh one takes over.

use crate::model::{Answer, Asked, Model, hang, say, shell};
use crate::place::{Cli, Place, WINDOW};

/// What a session leaves to the next one, in the model's words.
const HANDOFF: &str = "half is done";

/// A model whose context is so full after its first act that it goes on only in a smaller one.
fn fills_up(tokens: u64) -> impl Fn(&Asked) -> Answer + Send + Sync {
    move |asked| {
        let begun = asked.contains("touch half.txt");
        if asked.number < 4 {
            // A conversation of one word is not worth making smaller.
            shell("date")
        } else if asked.number == 4 {
            shell("touch half.txt").in_context(tokens)
        } else if asked.contains("Do NOT call any tools") {
            say(&format!("<analysis>It is plain.</analysis>\n<summary>{HANDOFF}</summary>"))
        } else if begun && !asked.contains(HANDOFF) {
            if asked.results > 0 { hang() } else { say(HANDOFF) }
        } else if asked.results == 0 {
            shell("echo right > made.txt")
        } else {
            say("All is done.")
        }
    }
}

/// Compactions and rotations of a step in which the context was filled to a share of the window.
fn step(cli: Cli, share: f64) -> Option<(i64, i64)> {
    let mut place = Place::new(cli)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the window")]
    let tokens = (share * f64::from(WINDOW)) as u64;
    let model = Model::new(fills_up(tokens));
    let env = place.point(cli, &model);
    place.configure(cli, &env, "", "[[gate]]\nname = \"right\"\nrun = \"grep -q right made.txt\"\n");
    place.task("make", "Make a file");
    let said = place.orch(&["step"]);
    let told = said.told();
    assert_eq!(said.code, 0, "{told}");
    assert_eq!(place.git(&["show", "HEAD:made.txt"]), "right\n", "{told}");
    assert_eq!(place.processes(), [""; 0], "nothing is left running");
    let record = place.record();
    let peak = record["context_peak"].as_float().expect("a share");
    assert!((peak - share).abs() < 0.01, "{record}\n{told}");
    let count = |key: &str| record[key].as_integer().expect("a number");
    Some((count("compactions"), count("rotations")))
}

#[test]
fn claude_code_is_compacted_when_its_context_is_large() {
    let Some(counts) = step(Cli::Claude, 0.85) else { return };
    assert_eq!(counts, (1, 0));
}

#[test]
fn a_fresh_session_of_claude_code_takes_over_when_its_context_is_full() {
    let Some(counts) = step(Cli::Claude, 0.96) else { return };
    assert_eq!(counts, (0, 1));
}

#[test]
fn a_fresh_session_of_codex_takes_over_since_it_cannot_be_compacted() {
    let Some(counts) = step(Cli::Codex, 0.85) else { return };
    assert_eq!(counts, (0, 1));
}
