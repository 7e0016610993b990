//! Whether an agent CLI is there, of which version, and logged in: asked without a request to a model.
//!
//! In: [`Facts`], what small programs printed, which variables are set, which files are there. Out: a
//! version and a [`Login`]. Invariant: no value of a credential is looked at, only whether one is there.

use super::Facts;
use crate::effects::{Ended, Finished, Input, Invocation, Stop};
use crate::state::task::one_line;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// The longest that such a question may take; some need five seconds to start.
const LIMIT: Duration = Duration::from_secs(20);

/// Whether it is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// It needs no login that orch knows of.
    Unneeded,
    /// By this.
    In(String),
    /// Not at all.
    Out,
    /// It cannot be told without a request; why.
    Unknown(String),
}

/// Asks a CLI one thing.
#[must_use]
pub fn question(facts: &Facts, arguments: &[&str], env: &[(String, String)], dir: &Path) -> Invocation {
    let words = std::iter::once(&facts.program).chain(arguments);
    Invocation {
        argv: words.map(|word| (*word).to_owned()).collect(),
        dir: dir.to_owned(),
        env: env.to_vec(),
        stdin: Input::Text(Vec::new()),
        timeout: LIMIT,
        idle_timeout: None,
        output_limit: 1 << 20,
        stop: Stop::Terminate,
    }
}

/// The version in what a CLI printed: the first word that begins like one.
#[must_use]
pub fn version(finished: &Finished) -> Option<String> {
    let text = String::from_utf8_lossy(&finished.stdout);
    let looks = |word: &&str| {
        let parts: Vec<&str> = word.split('.').collect();
        parts.len() >= 2 && parts[..2].iter().all(|part| part.starts_with(|c: char| c.is_ascii_digit()))
    };
    let mut words = text.split_whitespace().map(|word| word.trim_start_matches('v').trim_end_matches('.'));
    words.find(looks).map(|word| one_line(word, 40))
}

/// Whether it is logged in, from what it answered (where it can be asked), the names of the credentials
/// that are set, and whether the file is there that a login leaves.
#[must_use]
pub fn login(facts: &Facts, answer: Option<&Finished>, set: &[&str], has_file: bool) -> Login {
    // A key in the environment is what such a run would use.
    if let Some(name) = set.first().filter(|_| facts.adapter != crate::config::Adapter::Claude) {
        return Login::In((*name).to_owned());
    }
    match answer.map(|answer| (&answer.ended, answer)) {
        Some((Ended::Exited(0), answer)) => Login::In(how(answer, set)),
        Some((Ended::Exited(1), _)) => Login::Out,
        Some((ended, _)) => Login::Unknown(format!("`{}` cannot be asked: {ended}", facts.program)),
        None if has_file => Login::In("a login of its own".to_owned()),
        None if facts.login_file.is_some() && facts.adapter == crate::config::Adapter::Copilot => {
            Login::Unknown("no token is set; it may be logged in by itself".to_owned())
        }
        None => Login::Out,
    }
}

/// What it says about how it is logged in; Claude Code says it in JSON, Codex in a line on standard error.
fn how(answer: &Finished, set: &[&str]) -> String {
    if let Ok(json) = serde_json::from_slice::<Value>(&answer.stdout) {
        let word = |key: &str| json.get(key).and_then(Value::as_str).map(|text| one_line(text, 40));
        let method = word("apiKeySource").or_else(|| word("authMethod"));
        return method.unwrap_or_else(|| "a login of its own".to_owned());
    }
    if let Some(name) = set.first() {
        return (*name).to_owned();
    }
    // Behind a dash it shows a part of the key.
    let stderr = String::from_utf8_lossy(&answer.stderr);
    let line = stderr.lines().next().unwrap_or_default().split(" - ").next().unwrap_or_default();
    if line.trim().is_empty() { "a login of its own".to_owned() } else { one_line(line, 60) }
}

#[cfg(test)]
mod tests {
    use super::super::facts;
    use super::*;
    use crate::config::Adapter;

    fn said(code: i32, stdout: &str, stderr: &str) -> Finished {
        Finished {
            ended: Ended::Exited(code),
            stdout: stdout.as_bytes().to_vec(),
            stderr: stderr.as_bytes().to_vec(),
            duration_ms: 1,
            survivors: 0,
        }
    }

    #[test]
    fn versions_are_found_in_what_each_cli_prints() {
        let printed = [
            ("2.1.329 (Claude Code)\n", "2.1.329"),
            ("codex-cli 0.169.0\n", "0.169.0"),
            ("GitHub Copilot CLI 1.0.102.\nRun 'copilot update' to check for updates.\n", "1.0.102"),
            ("0.61.0\n", "0.61.0"),
            ("aider v0.86.2\n", "0.86.2"),
        ];
        for (text, expected) in printed {
            assert_eq!(version(&said(0, text, "")).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(version(&said(1, "not found", "")), None);
    }

    #[test]
    fn a_login_is_told_without_its_secret() {
        let claude = facts(Adapter::Claude);
        let json = r#"{"loggedIn": true, "authMethod": "api_key", "apiKeySource": "ANTHROPIC_API_KEY"}"#;
        let answer = said(0, json, "");
        assert_eq!(
            login(claude, Some(&answer), &["ANTHROPIC_API_KEY"], false),
            Login::In("ANTHROPIC_API_KEY".to_owned())
        );
        assert_eq!(login(claude, Some(&said(1, "{\"loggedIn\": false}", "")), &[], true), Login::Out);
        let codex = facts(Adapter::Codex);
        let answer = said(0, "", "API key configured - dummy-ke***67890\nAuthentication is checked\n");
        assert_eq!(login(codex, Some(&answer), &[], true), Login::In("API key configured".to_owned()));
        assert_eq!(login(codex, Some(&said(1, "", "Not logged in\n")), &[], false), Login::Out);
        let by_key = login(codex, Some(&said(1, "", "Not logged in\n")), &["CODEX_API_KEY"], false);
        assert_eq!(
            by_key,
            Login::In("CODEX_API_KEY".to_owned()),
            "`exec` uses it, `login status` does not see it"
        );
        assert_eq!(login(facts(Adapter::Gemini), None, &[], false), Login::Out);
        assert!(matches!(login(facts(Adapter::Copilot), None, &[], false), Login::Unknown(_)));
    }
}
