//! aider: the prompt in a file, text on standard output.
//!
//! It ends with 0 whatever happened: only its words count. It would write its histories and a cache into
//! the repository, and run what the repository's configuration names; all of that is off.

use super::account::{Account, Tally};
use super::failure::FailureKind;
use super::stream::{Listener, Signal};
use super::{Brief, Known, ending, invoke, words};
use crate::config::{Adapter, Profile};
use crate::effects::{Finished, Invocation};
use crate::state::run::Tokens;

/// What it is told, whatever its configuration says.
const FLAGS: &[&str] = &[
    "--yes-always",
    "--no-auto-commits",
    "--no-dirty-commits",
    "--no-auto-lint",
    "--no-auto-test",
    "--no-suggest-shell-commands",
    "--no-detect-urls",
    "--no-pretty",
    "--no-fancy-input",
    "--no-stream",
    "--no-check-update",
    "--no-show-release-notes",
    "--no-show-model-warnings",
    "--no-notifications",
    "--analytics-disable",
    "--no-gitignore",
    "--map-tokens=0",
    "--env-file=/dev/null",
    "--input-history-file=/dev/null",
    "--chat-history-file=/dev/null",
];
/// What it says of itself before it begins.
const HEADER: &[&str] = &["Aider v", "Weak model: ", "Editor model: ", "Git repo: ", "Repo-map: ", "Added "];
/// The most files that it is told to begin with.
const FILES: usize = 20;

/// What to run. Without a map of the repository it knows only the files that the task names.
pub(super) fn invocation(profile: &Profile, brief: &Brief<'_>) -> Invocation {
    let mut argv = vec!["aider".to_owned()];
    argv.extend(FLAGS.iter().map(|flag| (*flag).to_owned()));
    argv.push(format!("--message-file={}", brief.prompt_file.to_string_lossy()));
    argv.extend(profile.model.as_ref().map(|model| format!("--model={model}")));
    argv.extend(profile.effort.as_ref().map(|effort| format!("--reasoning-effort={effort}")));
    let named =
        brief.task.files.iter().filter(|file| !file.contains(['*', '?', '[', '{']) && !file.ends_with('/'));
    argv.extend(named.take(FILES).map(|file| format!("--file={file}")));
    invoke(profile, brief, argv, Vec::new())
}

/// What aider has said so far.
#[derive(Debug)]
pub(super) struct Aider {
    account: Account,
    tally: Tally,
    spent: Tokens,
    /// The lines since the last report, which are the answer.
    text: String,
    failure: Option<(FailureKind, String)>,
}

/// Who understands it.
pub(super) fn listener(known: &Known) -> Aider {
    Aider {
        account: Account::new(Adapter::Aider, known),
        tally: Tally::default(),
        spent: Tokens::default(),
        text: String::new(),
        failure: None,
    }
}

impl Listener for Aider {
    fn line(&mut self, line: &[u8], signal: &mut dyn FnMut(Signal)) {
        let line = String::from_utf8_lossy(&line[..line.len().min(4 << 10)]);
        let line = line.trim_end();
        if ["Aider v", "Main model: ", "Model: "].iter().any(|start| line.starts_with(start)) {
            self.account.heard();
        }
        if let Some(model) = line.strip_prefix("Main model: ").or_else(|| line.strip_prefix("Model: ")) {
            let model = model.split(" with ").next().unwrap_or(model);
            signal(Signal::Model(words::start(model).to_owned()));
        } else if let Some(report) = line.strip_prefix("Tokens: ") {
            self.report(report, signal);
        } else if let Some(file) = line.strip_prefix("Applied edit to ") {
            self.failure = None;
            self.account.tool("edit", file, false, signal);
        } else if line.starts_with("litellm.") || line.starts_with("Retrying in ") {
            self.error(line, signal);
        } else if line.contains("token limit") && line.contains("has hit") {
            self.failure = Some((FailureKind::ContextOverflow, line.to_owned()));
        } else if self.account.is_heard()
            && HEADER.iter().all(|start| !line.starts_with(start))
            && self.text.len() < 16 << 10
        {
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    fn end(&mut self, finished: &Finished, signal: &mut dyn FnMut(Signal)) {
        if let Some((kind, said)) = self.failure.take().filter(|_| !ending::was_stopped(&finished.ended)) {
            let failure = self.account.dated(kind, &said);
            self.account.fail(failure, signal);
        } else if self.account.is_heard() && finished.ended == crate::effects::Ended::Exited(0) {
            self.account.finish(signal);
        }
        self.account.end(finished, signal);
    }
}

impl Aider {
    /// `12k sent, 3.4k cache hit, 256 received. Cost: $0.05 message, $0.10 session.`
    fn report(&mut self, report: &str, signal: &mut dyn FnMut(Signal)) {
        self.failure = None;
        let text = std::mem::take(&mut self.text);
        self.account.text(&text, signal);
        let (tokens, cost) = report.split_once("Cost: $").unwrap_or((report, ""));
        let (mut input, mut used) = (0, Tokens::default());
        for part in tokens.split(',') {
            let Some((number, what)) = part.trim().trim_end_matches('.').split_once(' ') else { continue };
            match what {
                "sent" => input = count(number),
                "cache hit" => used.cached = count(number),
                "received" => used.output = count(number),
                _ => {}
            }
        }
        used.input = input.saturating_sub(used.cached);
        self.spent = self.spent + used;
        self.tally.set(self.spent);
        let session = cost.split('$').nth(1).and_then(|rest| rest.split(' ').next());
        let cost =
            session.and_then(|text| text.parse::<f64>().ok()).filter(|cost| cost.is_finite() && *cost >= 0.0);
        self.tally.cost_usd = cost.or(self.tally.cost_usd);
        signal(Signal::Spent(self.tally.spent()));
        signal(Signal::Context { used: input.saturating_add(used.output), window: None });
    }

    fn error(&mut self, line: &str, signal: &mut dyn FnMut(Signal)) {
        if line.starts_with("Retrying in ") {
            if let Some((kind, said)) = self.failure.clone() {
                let failure = self.account.dated(kind, &said);
                self.account.retry(failure, signal);
            }
            return;
        }
        let kind = words::class(line).unwrap_or(FailureKind::Server);
        self.failure = Some((kind, line.to_owned()));
    }
}

/// `256`, `3.4k` or `1.2M`.
fn count(number: &str) -> u64 {
    let (digits, unit) = match number.chars().last() {
        Some('k') => (&number[..number.len() - 1], 1_000.0),
        Some('M') => (&number[..number.len() - 1], 1_000_000.0),
        _ => (number, 1.0),
    };
    let value = digits.replace(',', "").parse::<f64>().unwrap_or_default() * unit;
    if (0.0..1e12).contains(&value) { format!("{value:.0}").parse().unwrap_or_default() } else { 0 }
}
