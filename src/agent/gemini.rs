//! Gemini CLI: the prompt on standard input, one JSON object a line.
//!
//! What was used is told at the end alone, and the context not at all. Its exit code is the HTTP status
//! modulo 256, or 0 for a stream that broke: only the words count.

use super::account::{Account, Tally};
use super::failure::{Failure, FailureKind};
use super::stream::{Listener, Signal};
use super::wire::gemini::{Line, Stats};
use super::wire::parse;
use super::{Beside, Brief, Known, invoke_with, words};
use crate::config::{Adapter, Profile};
use crate::effects::{Ended, Finished, Invocation};
use crate::state::run::Tokens;

/// Tools that change nothing.
const READERS: &[&str] = &[
    "read_file",
    "read_many_files",
    "list_directory",
    "glob",
    "grep_search",
    "search_file_content",
    "web_fetch",
    "google_web_search",
    "update_topic",
    "write_todos",
];
/// The most text that is kept of one answer, in bytes.
const TEXT: usize = 16 << 10;

/// What it says where `GOOGLE_GEMINI_BASE_URL` is set and its settings name no method, whatever key there is; and
/// what helps.
const NO_METHOD: &str = "Invalid auth method selected";
const METHOD: &str = "with `GOOGLE_GEMINI_BASE_URL`, name `GEMINI_API_KEY` in the profile's `env`, or choose a method in \
    `~/.gemini/settings.json`";

/// Settings that go behind all others: that the key is the method.
const BY_KEY: Beside = Beside {
    variable: "GEMINI_CLI_SYSTEM_DEFAULTS_PATH",
    file: "gemini-defaults.json",
    content: "{\"security\":{\"auth\":{\"selectedType\":\"gemini-api-key\"}}}\n",
};

/// Without the first it would be two processes, of which one survives a signal.
pub(super) const WANTED: &[(&str, &str)] = &[("GEMINI_CLI_NO_RELAUNCH", "1"), ("NO_COLOR", "1")];

/// What to run. Its folder has to be trusted, or it asks before each tool; the servers that the
/// repository names are left out, since nobody is called `none`.
pub(super) fn invocation(profile: &Profile, brief: &Brief<'_>) -> Invocation {
    let mut argv: Vec<String> =
        ["gemini", "--output-format", "stream-json", "--approval-mode", "yolo", "--skip-trust"]
            .map(str::to_owned)
            .into();
    argv.extend(["--allowed-mcp-server-names", "none"].map(str::to_owned));
    if let Some(model) = &profile.model {
        argv.extend(["-m".to_owned(), model.clone()]);
    }
    if let Some(folder) = brief.outcome_file.parent() {
        argv.extend(["--include-directories".to_owned(), folder.to_string_lossy().into_owned()]);
    }
    invoke_with(profile, brief, argv, brief.prompt.as_bytes().to_vec(), WANTED)
}

/// The settings that it needs, if any: where the address of its provider is another, a key alone is no method to it.
pub(super) fn settings(brief: &Brief<'_>) -> Option<Beside> {
    let is_set = |wanted: &str| brief.profile_env.iter().any(|(name, _)| name == wanted);
    let by_key = is_set("GOOGLE_GEMINI_BASE_URL") && is_set("GEMINI_API_KEY") && !is_set(BY_KEY.variable);
    by_key.then_some(BY_KEY)
}

/// What Gemini CLI has said so far.
#[derive(Debug)]
pub(super) struct Gemini {
    account: Account,
    tally: Tally,
    /// The answer so far, which comes in pieces.
    text: String,
    /// The last error line: a result may not say why.
    error: String,
}

/// Who understands it.
pub(super) fn listener(known: &Known) -> Gemini {
    let account = Account::new(Adapter::Gemini, known);
    Gemini { account, tally: Tally::default(), text: String::new(), error: String::new() }
}

impl Listener for Gemini {
    fn line(&mut self, line: &[u8], signal: &mut dyn FnMut(Signal)) {
        let Some(line) = parse::<Line<'_>>(line) else { return };
        self.account.heard();
        match &*line.kind {
            "init" => {
                line.session_id
                    .into_iter()
                    .for_each(|id| signal(Signal::Session(words::start(&id).to_owned())));
                line.model
                    .into_iter()
                    .for_each(|model| signal(Signal::Model(words::start(&model).to_owned())));
            }
            "message" if line.role == "assistant" && self.text.len() < TEXT => {
                self.account.goes_on();
                self.text.push_str(words::start(&line.content));
            }
            "tool_use" => {
                self.text.clear();
                let on = line.parameters.as_ref().map_or("", |parameters| parameters.on());
                self.account.tool(&line.tool_name, on, READERS.contains(&&*line.tool_name), signal);
            }
            "tool_result"
                if line.error.as_ref().is_some_and(|error| is_denied(&error.kind, &error.message)) =>
            {
                self.account.deny("a tool", signal);
            }
            "error" if line.severity == "error" => words::start(&line.message).clone_into(&mut self.error),
            "result" => self.result(&line, signal),
            _ => {}
        }
    }

    fn end(&mut self, finished: &Finished, signal: &mut dyn FnMut(Signal)) {
        if let Some((kind, said)) = by_exit(&finished.ended) {
            let told = super::ending::telling_line(&finished.stderr, kind);
            let said = told.map_or_else(|| said.to_owned(), explained);
            self.account.fail(Failure::new(kind, &said), signal);
        }
        self.account.end(finished, signal);
    }
}

impl Gemini {
    fn result(&mut self, line: &Line<'_>, signal: &mut dyn FnMut(Signal)) {
        let text = std::mem::take(&mut self.text);
        self.account.text(&text, signal);
        if let Some(stats) = &line.stats {
            self.tally.set(tokens(stats));
            signal(Signal::Spent(self.tally.spent()));
        }
        if line.status == "error" {
            let said = line.error.as_ref().map_or(self.error.as_str(), |error| &error.message);
            let kind = words::class(said).unwrap_or(FailureKind::BadRequest);
            let failure = self.account.dated(kind, said);
            self.account.fail(failure, signal);
        }
        self.account.finish(signal);
    }
}

fn tokens(stats: &Stats) -> Tokens {
    let input = stats.input_tokens.saturating_sub(stats.cached);
    Tokens { input, cached: stats.cached, output: stats.output_tokens, reasoning: 0 }
}

fn is_denied(kind: &str, message: &str) -> bool {
    kind == "policy_violation" || kind == "permission_denied" || message.contains("denied by policy")
}

/// The codes that are its own, and no status.
fn by_exit(ended: &Ended) -> Option<(FailureKind, &'static str)> {
    match ended {
        Ended::Exited(41) => Some((FailureKind::NotLoggedIn, "no way to log in is chosen")),
        Ended::Exited(42) => Some((FailureKind::WrongVersion, "it does not accept its arguments")),
        Ended::Exited(53) => Some((FailureKind::MaxTurns, "it has reached its limit of turns")),
        Ended::Exited(55) => Some((FailureKind::Denied, "its folder is not trusted")),
        Ended::Exited(_)
        | Ended::Signalled(_)
        | Ended::TimedOut
        | Ended::Silent
        | Ended::Flooded
        | Ended::Interrupted
        | Ended::Stopped(_)
        | Ended::Dismissed
        | Ended::NotStarted(_) => None,
    }
}

/// What it says, with what helps where it does not.
fn explained(said: String) -> String {
    if said.contains(NO_METHOD) { format!("{NO_METHOD}: {METHOD}") } else { said }
}

#[cfg(test)]
mod tests {
    use super::explained;

    #[test]
    fn a_key_that_another_address_makes_useless_is_explained() {
        let said = explained("Invalid auth method selected.".to_owned());
        assert!(said.contains("name `GEMINI_API_KEY` in the profile's `env`"), "{said}");
        assert_eq!(explained("Please set an Auth method".to_owned()), "Please set an Auth method");
    }
}
