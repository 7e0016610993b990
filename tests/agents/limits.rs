//! What a provider refuses: limits with a time at which they end, and keys that open nothing.

use crate::model::{Failure, Model, fail};
use crate::place::{Cli, Place, now};
use serde_json::Value;

/// How long the limits of these tests last, in seconds.
const HOUR: i64 = 3_600;

/// A place where the provider refuses everything.
fn place(cli: Cli, failure: Failure) -> Option<(Place, Model)> {
    let mut place = Place::new(cli)?;
    let model = Model::new(move |_| fail(failure));
    let env = match (cli, failure) {
        // Only a subscription is told when its limit ends.
        (Cli::Claude, Failure::UsageLimit { .. }) => place.claude_by_subscription(&model),
        _ => place.point(cli, &model),
    };
    place.configure(cli, &env, "", "");
    place.task("make", "Make a file");
    Some((place, model))
}

/// Steps in two processes: the first meets the limit, the second does not even ask.
fn rests(cli: Cli, failure: Failure, until: i64) {
    let Some((place, model)) = place(cli, failure) else { return };
    let first = place.json(&["step"]);
    assert_eq!(first["exit"], 13, "{first:#}");
    assert_eq!(first["code"], "paused", "{first:#}");
    let asked = model.asked().len();
    let second = place.json(&["step"]);
    assert_eq!(second["exit"], 13, "{second:#}");
    assert_eq!(model.asked().len(), asked, "nothing is asked while the profile rests: {second:#}");
    for said in [first, second] {
        let told = retry_after(&said);
        assert!((told - until).abs() <= 90, "{told} and not {until}: {said:#}");
    }
    let task = place.git(&["show", "HEAD:.orchestrator/tasks/make.toml"]);
    assert!(task.contains("status = \"pending\""), "the task stays as it was: {task}");
    assert_eq!(place.processes(), [""; 0], "nothing is left running");
}

/// When it may be tried again, in seconds since 1970.
fn retry_after(said: &Value) -> i64 {
    let text = said["data"]["retry_after"].as_str().unwrap_or_else(|| panic!("no time: {said:#}"));
    text.parse::<jiff::Timestamp>().expect("a time").as_second()
}

#[test]
fn claude_code_rests_until_its_subscription_is_reset() {
    let until = now() + HOUR;
    rests(Cli::Claude, Failure::UsageLimit { resets_at: until }, until);
}

#[test]
fn codex_rests_until_its_subscription_is_reset() {
    let until = now() + HOUR;
    rests(Cli::Codex, Failure::UsageLimit { resets_at: until }, until);
}

/// A step that ends because nobody is logged in, and says what to type.
fn is_told_to_log_in(cli: Cli, remedy: &str) {
    let Some((place, _model)) = place(cli, Failure::BadKey) else { return };
    let said = place.orch(&["step"]);
    let told = said.told();
    assert_eq!(said.code, 30, "{told}");
    assert!(said.stderr.contains(remedy), "{told}");
    assert_eq!(place.processes(), [""; 0], "nothing is left running");
}

#[test]
fn a_key_that_opens_nothing_is_told_with_what_to_do_for_claude_code() {
    is_told_to_log_in(Cli::Claude, "ANTHROPIC_API_KEY");
}

#[test]
fn a_key_that_opens_nothing_is_told_with_what_to_do_for_codex() {
    is_told_to_log_in(Cli::Codex, "codex login");
}

#[test]
fn a_key_that_opens_nothing_is_told_with_what_to_do_for_gemini() {
    is_told_to_log_in(Cli::Gemini, "GEMINI_API_KEY");
}

#[test]
fn a_key_that_opens_nothing_is_told_with_what_to_do_for_opencode() {
    is_told_to_log_in(Cli::Opencode, "opencode auth login");
}
