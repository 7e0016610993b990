//! What `orch agents` and `orch auth` find out about the real CLIs, without a request to a model.

use crate::model::{Model, say};
use crate::place::{Cli, Place};
use serde_json::Value;

/// The only agent that a command tells of; no agent is there to work where it is not logged in.
fn only(place: &Place, command: &str) -> Value {
    let said = place.json(&[command]);
    let works = said["data"]["agents"][0]["login"] == "logged_in";
    assert_eq!(said["exit"], if works || command == "agents" { 0 } else { 30 }, "{said:#}");
    said["data"]["agents"][0].clone()
}

/// The CLI is found in the version that was tested, and its key makes the difference.
fn is_known(cli: Cli, key: &str) {
    let Some(mut place) = Place::new(cli) else { return };
    let model = Model::new(|_| say("Nobody asked."));
    place.point(cli, &model);
    place.unset(key);
    place.configure(cli, &[key], "", "");
    let agent = only(&place, "agents");
    assert_eq!(agent["version"], agent["tested_version"], "{agent:#}");
    let without = only(&place, "auth");
    assert_eq!(without["login"], "logged_out", "{without:#}");
    assert!(without["remedy"].as_str().is_some_and(|remedy| remedy.contains(key)), "{without:#}");
    place.set(key, "a-key-of-the-tests");
    let with = only(&place, "auth");
    assert_eq!(with["login"], "logged_in", "{with:#}");
    assert!(model.asked().is_empty(), "no request was made");
    assert_eq!(place.processes(), [""; 0], "nothing is left running");
}

#[test]
fn claude_code_is_known_with_and_without_a_key() {
    is_known(Cli::Claude, "ANTHROPIC_API_KEY");
}

#[test]
fn codex_is_known_with_and_without_a_key() {
    is_known(Cli::Codex, "CODEX_API_KEY");
}

#[test]
fn gemini_is_known_with_and_without_a_key() {
    is_known(Cli::Gemini, "GEMINI_API_KEY");
}

/// A login of the CLI's own counts as well as a key.
#[test]
fn a_login_of_codex_is_found() {
    let Some(place) = Place::new(Cli::Codex) else { return };
    place.configure(Cli::Codex, &[], "", "");
    let said = place.run(&["codex", "login", "--with-api-key"], "a-key-of-the-tests-0123456789\n");
    assert_eq!(said.code, 0, "{}", said.told());
    let agent = only(&place, "auth");
    assert_eq!(agent["login"], "logged_in", "{agent:#}");
}
