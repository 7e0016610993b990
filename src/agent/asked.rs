//! What each adapter asks its CLI to do: the whole command line, and what it sees beside the prompt.

use super::stream::Session;
use super::{Brief, invocation, sandbox};
use crate::config::{Adapter, Profile};
use crate::state::id::TaskId;
use crate::state::task::Task;
use std::path::PathBuf;

const PROMPT: &str = "/do it; rm $HOME --help\n";

fn brief(task: &Task, session: Session) -> Brief<'_> {
    Brief {
        task,
        run: "01JD",
        attempt: 1,
        prompt: PROMPT,
        dir: PathBuf::from("/work"),
        confined: sandbox::Level::None,
        prompt_file: PathBuf::from("/orch/prompt-1.md"),
        outcome_file: PathBuf::from("/orch/outcome.yaml"),
        base_env: vec![("HOME".to_owned(), "/mine".to_owned()), ("PATH".to_owned(), "/bin".to_owned())],
        profile_env: vec![
            ("API_TIMEOUT_MS".to_owned(), "9".to_owned()),
            ("KEY".to_owned(), "secret".to_owned()),
        ],
        session,
        budget_usd: Some(1.5),
    }
}

fn profile(adapter: Adapter) -> Profile {
    let (model, effort) = (Some("model-1".to_owned()), Some("high".to_owned()));
    Profile { model, effort, ..Profile::new("agent", adapter) }
}

fn task() -> Task {
    let files = vec!["src/a.rs".to_owned(), "src/**".to_owned()];
    Task { files, ..Task::new(TaskId::new("t-1").unwrap(), "Do it") }
}

#[test]
fn every_command_line_is_as_it_was_reviewed() {
    let task = task();
    let mut text = String::new();
    for adapter in super::FACTS.map(|facts| facts.adapter) {
        for session in [
            Session::Named("11111111-2222-4333-8444-555555555555".to_owned()),
            Session::Resumed("11111111-2222-4333-8444-555555555555".to_owned()),
            Session::Compacted("11111111-2222-4333-8444-555555555555".to_owned()),
        ] {
            let compacts = matches!(session, Session::Compacted(_));
            if compacts && !super::facts(adapter).compacts {
                continue;
            }
            let asked = invocation(&profile(adapter), &brief(&task, session)).unwrap();
            text.push_str(&format!("$ {}\n", asked.argv.join(" ")));
            text.push_str(&format!("  stdin: {} bytes\n", asked.stdin.text().len()));
        }
        let asked = invocation(&profile(adapter), &brief(&task, Session::New)).unwrap();
        let env = asked.env.iter().map(|(name, value)| format!("{name}={value}"));
        text.push_str(&format!("  env: {}\n", env.collect::<Vec<_>>().join(" ")));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn no_word_of_a_prompt_is_an_argument() {
    let task = task();
    for adapter in super::FACTS.map(|facts| facts.adapter) {
        let asked = invocation(&profile(adapter), &brief(&task, Session::New)).unwrap();
        assert!(asked.argv.iter().all(|word| !word.contains("do it")), "{}", adapter.as_str());
        let by_file = asked.argv.iter().any(|word| word.contains("/orch/prompt-1.md"));
        assert!(asked.stdin.text() == PROMPT.as_bytes() || by_file, "{}", adapter.as_str());
        assert_eq!(asked.argv[0], super::facts(adapter).program);
    }
}

#[test]
fn what_a_profile_names_goes_before_what_the_adapter_wants() {
    let task = task();
    let asked = invocation(&profile(Adapter::Claude), &brief(&task, Session::New)).unwrap();
    let values: Vec<&str> = asked
        .env
        .iter()
        .filter(|(name, _)| name == "API_TIMEOUT_MS")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(values, ["9"]);
}

#[test]
fn gemini_is_told_that_the_key_is_the_method_where_it_would_not_know() {
    let task = task();
    let told = |adapter, named: &[&str]| {
        let mut brief = brief(&task, Session::New);
        brief.profile_env.extend(named.iter().map(|name| ((*name).to_owned(), "x".to_owned())));
        let profile = Profile { command: vec!["gemini".to_owned()], ..profile(adapter) };
        let asked = invocation(&profile, &brief).unwrap();
        let by = asked.env.into_iter().find(|(name, value)| name.contains("DEFAULTS_PATH") && value != "x");
        assert_eq!(by.is_some(), super::beside(&profile, &brief).is_some());
        by.map(|(_, path)| path)
    };
    let both = ["GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"];
    for adapter in [Adapter::Gemini, Adapter::Acp] {
        assert_eq!(told(adapter, &both).as_deref(), Some("/orch/gemini-defaults.json"));
        assert_eq!(told(adapter, &both[..1]), None);
        assert_eq!(told(adapter, &[both[0], both[1], "GEMINI_CLI_SYSTEM_DEFAULTS_PATH"]), None);
    }
    assert_eq!(told(Adapter::Command, &both), None);
}
