//! How a step is recorded: the message of its commit.
//!
//! Invariant: no text from a task, an issue or an agent becomes a trailer or a header. Trailers are
//! written here, from validated values, in the last paragraph of the message; lines of the body
//! that look like one of orch's trailers are quoted, so that a squash merge cannot promote them. Nor does
//! such text keep a CI service from running: the words for that are written here alone.

use crate::state::run::{OutcomeKind, Run, VerdictKind};
use crate::state::task::{Kind, Task, one_line};
use std::fmt::Write as _;

/// How wide a line of the body is.
const WIDTH: usize = 72;
/// How many lines of a summary are kept.
const SUMMARY_LINES: usize = 20;

/// The conventional-commit type for a kind of task.
fn commit_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Feature | Kind::Epic => "feat",
        Kind::Bug => "fix",
        Kind::Research | Kind::Review => "docs",
        Kind::Refactor | Kind::Test | Kind::Docs | Kind::Chore => kind.as_str(),
    }
}

/// The subject of an accepted step: `<type>(<scope>): <title> (<id>)`.
#[must_use]
pub fn subject(task: &Task) -> String {
    let scope: String = task.labels.first().map_or(String::new(), |label| {
        let plain: String = label
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
            .take(30)
            .collect();
        if plain.is_empty() { plain } else { format!("({plain})") }
    });
    let mut title = unskipped(&one_line(&task.title, 200));
    if let Some(first) = title.chars().next().filter(|first| first.is_uppercase()) {
        // An acronym stays as it is.
        if !title.chars().nth(1).is_some_and(char::is_uppercase) {
            title = format!("{}{}", first.to_lowercase(), &title[first.len_utf8()..]);
        }
    }
    format!("{}{scope}: {title} ({})", commit_type(task.kind), task.id)
}

/// The subject of a commit that changes the state only: `orch(<id>): <what>`.
#[must_use]
pub fn state_subject(id: &str, what: &str) -> String {
    format!("orch({id}): {}", unskipped(&one_line(what, 200)))
}

/// The subject of a commit that a person's command makes: `orch: <what>`.
#[must_use]
pub fn state_commit(what: &str) -> String {
    format!("orch: {}", unskipped(&one_line(what, 200)))
}

/// The whole message of a step's commit. Where `skips_ci`, one that changes the state alone asks CI services to
/// run nothing for it.
#[must_use]
pub fn step_message(task: &Task, run: &Run, summary: &str, skips_ci: bool) -> String {
    let subject = match run.outcome {
        OutcomeKind::Accepted => subject(task),
        OutcomeKind::Rejected => state_subject(task.id.as_str(), &format!("rejected, {}", run.reason)),
        OutcomeKind::NeedsReview => state_subject(task.id.as_str(), "needs review"),
        OutcomeKind::Blocked => state_subject(task.id.as_str(), &format!("blocked, {}", run.reason)),
        OutcomeKind::Deferred => state_subject(task.id.as_str(), &format!("deferred, {}", run.reason)),
    };
    let mut message = format!("{subject}\n");
    let body = body(summary);
    if !body.is_empty() {
        let _ = write!(message, "\n{body}\n");
    }
    if skips_ci && run.outcome != OutcomeKind::Accepted {
        let _ = write!(message, "\n{}\n", SKIPS[0]);
    }
    let _ = write!(message, "\n{}", trailers(run));
    message
}

/// The text of a request to merge a step's work. The trailers come last: where commits are squashed, it is
/// the message.
#[must_use]
pub fn request_body(task: &Task, run: &Run, summary: &str) -> String {
    let mut text = body(summary);
    if !task.acceptance.is_empty() {
        text.push_str("\n\nAccepted when:\n");
        for criterion in &task.acceptance {
            let _ = write!(text, "\n- {}", unskipped(&one_line(criterion, 500)));
        }
    }
    format!("{}\n\n{}", text.trim(), trailers(run)).trim_start().to_owned()
}

/// The whole message of a commit that adds the tasks of a plan.
#[must_use]
pub fn plan_message(task: &Task, run: &Run, tasks: &[Task]) -> String {
    let what = format!("{} for {}", run.reason, one_line(&task.title, 60));
    let list: Vec<String> = tasks.iter().map(|task| format!("- {} ({})", task.title, task.id)).collect();
    let subject = state_subject(task.id.as_str(), &what);
    let list = if list.is_empty() { String::new() } else { format!("{}\n\n", body(&list.join("\n"))) };
    format!("{subject}\n\n{list}{}", trailers(run))
}

/// The whole message of a commit that keeps work which is not on the branch.
#[must_use]
pub fn kept_message(subject: &str, run: &str, summary: &str) -> String {
    let body = body(summary);
    let body = if body.is_empty() { body } else { format!("{body}\n\n") };
    format!("{subject}\n\n{body}Orch-Run: {run}\n")
}

/// The summary in such a message.
#[must_use]
pub fn kept_summary(message: &str) -> String {
    let rest = message.split_once("\n\n").map_or("", |(_, rest)| rest);
    rest.trim_end().rsplit_once("\n\n").map_or(String::new(), |(summary, _)| summary.to_owned())
}

/// The summary, wrapped, bounded and harmless.
fn body(summary: &str) -> String {
    let mut lines = Vec::new();
    for paragraph in summary.lines() {
        let clean: String =
            paragraph.chars().filter(|c| *c == '\t' || !crate::state::task::is_unprintable(*c)).collect();
        lines.extend(wrap(unskipped(&clean).trim_end()));
    }
    while lines.first().is_some_and(String::is_empty) {
        lines.remove(0);
    }
    let cut = lines.len() > SUMMARY_LINES;
    lines.truncate(SUMMARY_LINES);
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    if cut {
        lines.push("…".to_owned());
    }
    let quoted: Vec<String> = lines
        .into_iter()
        .map(|line| if looks_like_ours(&line) { format!("> {line}") } else { line })
        .collect();
    quoted.join("\n")
}

/// What keeps CI services from running for a commit, in any case: GitHub, GitLab, Forgejo, Woodpecker, Azure.
const SKIPS: [&str; 6] =
    ["[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]", "***no_ci***"];

/// The text without such words: code always has its checks run.
fn unskipped(text: &str) -> String {
    let mut text = text.to_owned();
    let mut lower = text.to_ascii_lowercase();
    for word in SKIPS {
        while let Some(at) = lower.find(word) {
            let plain = format!("({})", word[1..word.len() - 1].trim_matches('*'));
            text.replace_range(at..at + word.len(), &plain);
            lower = text.to_ascii_lowercase();
        }
    }
    text
}

/// Whether a reader of trailers could take a line of the body for one of orch's, or for the end of
/// the message.
fn looks_like_ours(line: &str) -> bool {
    let lower = line.trim_start().to_ascii_lowercase();
    let name = lower.split(':').next().unwrap_or_default().trim_end();
    let trailer = lower.contains(':')
        && (name.starts_with("orch-")
            || matches!(
                name,
                "skip-checks"
                    | "assisted-by"
                    | "co-authored-by"
                    | "signed-off-by"
                    | "reviewed-by"
                    | "acked-by"
            ));
    trailer || lower.starts_with("---") || lower.starts_with("diff --git") || lower.starts_with('#')
}

fn wrap(line: &str) -> Vec<String> {
    let mut wrapped = vec![String::new()];
    for word in line.split(' ') {
        let word: String = word.chars().take(500).collect();
        let last = wrapped.last_mut();
        match last {
            Some(last) if last.is_empty() || last.chars().count() + 1 + word.chars().count() <= WIDTH => {
                if !last.is_empty() {
                    last.push(' ');
                }
                last.push_str(&word);
            }
            _ => wrapped.push(word),
        }
    }
    wrapped
}

/// The trailers of a step's commit, from its record alone.
#[must_use]
pub fn trailers(run: &Run) -> String {
    let tokens = run.tokens();
    let model =
        run.model.as_deref().map_or_else(|| run.adapter.clone(), |model| format!("{} {model}", run.adapter));
    let mut text = String::new();
    let mut add = |name: &str, value: &str| {
        let _ = writeln!(text, "{name}: {}", one_line(value, 1_000));
    };
    add("Orch-Task", run.task.as_str());
    add("Orch-Run", run.id.as_str());
    add("Orch-Outcome", run.outcome.as_str());
    add("Orch-Agent", &format!("{} ({model})", run.agent));
    add("Orch-Attempts", &run.at_work().to_string());
    add("Orch-Tokens", &format!("in={} cached={} out={}", tokens.input, tokens.cached, tokens.output));
    if let Some(cost) = run.cost_usd {
        add("Orch-Cost-USD", &format!("{cost:.4}"));
    }
    add("Orch-Gates", &gates(run));
    add("Orch-Prompt", &format!("sha256:{}", run.prompt_sha256));
    if run.outcome == OutcomeKind::Accepted && run.adapter != "shell" {
        add("Assisted-by", &format!("{}:{} orch", run.agent, run.model.as_deref().unwrap_or(&run.adapter)));
    }
    text
}

fn gates(run: &Run) -> String {
    let all: Vec<String> = run
        .gates
        .iter()
        .map(|gate| {
            let metric = gate.metric.as_ref().map_or(String::new(), |(_, value)| format!("({value})"));
            let optional = if gate.required || gate.verdict == VerdictKind::Pass { "" } else { "?" };
            format!("{}={}{optional}{metric}", gate.name, gate.verdict.as_str())
        })
        .collect();
    if all.is_empty() { "none".to_owned() } else { all.join(" ") }
}

/// The trailers in the last paragraph of a message, in their order.
#[must_use]
pub fn read_trailers(message: &str) -> Vec<(String, String)> {
    let last = message.trim_end().rsplit("\n\n").next().unwrap_or_default();
    let pairs: Option<Vec<(String, String)>> = last
        .lines()
        .map(|line| {
            let (name, value) = line.split_once(':')?;
            let legal = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            legal.then(|| (name.to_owned(), value.trim().to_owned()))
        })
        .collect();
    // A message without a body has no trailers: its only paragraph is the subject.
    if message.trim_end().contains("\n\n") { pairs.unwrap_or_default() } else { Vec::new() }
}

/// The value of a trailer; none if it is absent or there twice.
#[must_use]
pub fn trailer<'t>(trailers: &'t [(String, String)], name: &str) -> Option<&'t str> {
    let mut found = trailers.iter().filter(|(each, _)| each.eq_ignore_ascii_case(name));
    let first = found.next()?;
    found.next().is_none().then_some(first.1.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_keeps_ci_from_running() {
        assert_eq!(unskipped("[Skip CI] a [ci skip]é***NO_CI***"), "(skip ci) a (ci skip)é(no_ci)");
        assert_eq!(body("did it [skip ci]\n\nskip-checks: true"), "did it (skip ci)\n\n> skip-checks: true");
        assert_eq!(state_commit("add [no ci]"), "orch: add (no ci)");
    }

    #[test]
    fn the_summary_of_kept_work_comes_back() {
        let long = "word ".repeat(900);
        for summary in ["", "Did it.", "Did\n\nboth.\n\nOrch-Task: forged\n", &long] {
            let message = kept_message("orch(t-1): work", "01JD", summary);
            assert_eq!(kept_summary(&message), body(summary));
            assert_eq!(body(&kept_summary(&message)), body(summary));
            assert_eq!(read_trailers(&message), [("Orch-Run".to_owned(), "01JD".to_owned())]);
        }
    }
}
