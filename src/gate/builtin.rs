//! The gates that are always on: `execution`, `timeliness`, `reply`, `state`, `protected`, those that
//! look at the content of the change, and `change`.
//!
//! What a person may allow is a [`Concern`]; how the agent ended,
//! the state and protected paths are not.

use super::called::{self, tree::Tree};
use super::change::{self, File};
use super::content::secrets::redact;
use super::content::{hidden, links, markers, names, scope, secrets, size};
use super::finding::{Finding, Say, verdict};
use super::protect::Protected;
use super::{Verdict, tamper};
use crate::config::GateConfig;
use crate::effects::{Change, Ended, Finished, Oid, Unfit};
use crate::state::concern::Concern;
use bstr::{BString, ByteSlice};

/// The gate that wants a change.
pub const CHANGE: &str = "change";

/// What the built-in gates look at that judge a change.
pub struct Evidence<'e> {
    /// What differs between the base and what the agent left, protected paths included.
    pub changes: &'e [Change],
    /// Directories that the agent made repositories of their own.
    pub nested: &'e [BString],
    /// Directories so deep that what they hold was left out.
    pub too_deep: &'e [BString],
    /// Files that git would not take in as they are.
    pub unfit: &'e [Unfit],
    /// The paths that it may not change.
    pub protected: &'e Protected,
    /// The task's expected scope.
    pub expected: &'e [String],
    /// What people said about findings.
    pub say: Say<'e>,
    /// Whether the task has to change something.
    pub must_change: bool,
    /// Reads a blob, up to a size.
    pub read: &'e dyn Fn(Oid) -> Option<Vec<u8>>,
    /// What is run of the tree: the gates of the configuration, what prepares their rooms, the hooks.
    pub gates: &'e [GateConfig],
    /// What the work started from.
    pub base: Tree<'e>,
    /// What it left.
    pub candidate: Tree<'e>,
}

const SHOWN: usize = 10;

/// How a session ended; `failure` is what is known where that says more.
#[must_use]
pub fn ended(finished: &Finished, failure: Option<&str>) -> [Verdict; 2] {
    [execution(finished, failure), timeliness(finished)]
}

/// Whether a gate judges a session, and not what it made.
#[must_use]
pub fn judges_session(gate: &str) -> bool {
    ["execution", "timeliness", "reply"].contains(&gate)
}

/// The built-in gates that judge a change.
#[must_use]
pub fn run(evidence: &Evidence<'_>) -> Vec<Verdict> {
    let mut verdicts = vec![state(evidence), protected(evidence)];
    verdicts.extend(unfit(evidence.unfit));
    verdicts.extend(content(evidence));
    // Last: who changed only what may not be changed is told that, not that nothing changed.
    verdicts.push(change(evidence));
    verdicts
}

/// The gates that look into what was changed, protected paths aside: those never count.
fn content(evidence: &Evidence<'_>) -> Vec<Verdict> {
    let counted = evidence.changes.iter().filter(|change| !evidence.protected.covers(&change.path));
    let files: Vec<File> = change::load(counted, evidence.read);
    let mut bent = tamper::findings(&files);
    bent.extend(called::findings(evidence.gates, evidence.base, evidence.candidate));
    let all: [(&str, Vec<Finding>); 8] = [
        ("escape", links::findings(&files, (evidence.nested, evidence.too_deep))),
        ("conflict-markers", markers::findings(&files)),
        ("large-file", size::findings(&files)),
        ("secrets", secrets::findings(&files)),
        ("invisible-characters", hidden::findings(&files)),
        ("portability", names::findings(&files, evidence.candidate.list)),
        ("scope", scope::findings(&files, evidence.expected)),
        ("tamper", bent),
    ];
    all.iter().map(|(gate, findings)| verdict(gate, findings, evidence.say)).collect()
}

/// The agent ended by itself, and well.
fn execution(finished: &Finished, failure: Option<&str>) -> Verdict {
    if let Some(failure) = failure {
        return Verdict::fail("execution", format!("the agent failed: {failure}"));
    }
    match &finished.ended {
        Ended::Exited(0) | Ended::Dismissed => Verdict::pass("execution"),
        // That is the other gate's to say.
        Ended::TimedOut | Ended::Silent => Verdict::pass("execution"),
        Ended::Exited(_)
        | Ended::Signalled(_)
        | Ended::Flooded
        | Ended::Interrupted
        | Ended::Stopped(_)
        | Ended::NotStarted(_) => {
            let said = last_lines(&finished.stderr, 10);
            Verdict::fail("execution", format!("the agent ended with {}\n{said}", finished.ended))
        }
    }
}

/// The agent ended in time.
fn timeliness(finished: &Finished) -> Verdict {
    match &finished.ended {
        Ended::TimedOut | Ended::Silent => {
            let was = if finished.ended == Ended::Silent { "was " } else { "" };
            let seconds = finished.duration_ms / 1000;
            Verdict::fail("timeliness", format!("the agent {was}{} after {seconds} s", finished.ended))
        }
        Ended::Exited(_)
        | Ended::Signalled(_)
        | Ended::Flooded
        | Ended::Interrupted
        | Ended::Stopped(_)
        | Ended::Dismissed
        | Ended::NotStarted(_) => Verdict::pass("timeliness"),
    }
}

/// What the agent left as its outcome cannot be read. What most agents never write is only told of where it is
/// wrong.
#[must_use]
pub fn unreadable(why: &str) -> Verdict {
    Verdict::fail("reply", format!("{why}\nwrite it as one YAML mapping, or leave it out"))
}

/// Something changed, if it had to.
fn change(evidence: &Evidence<'_>) -> Verdict {
    let nothing = Finding::error(Concern::Change, "", None, "the agent changed nothing that counts");
    // Where only what may not be changed was, that is another gate's to say.
    let made = !evidence.changes.is_empty() || !evidence.must_change;
    let findings = if made { Vec::new() } else { vec![nothing] };
    verdict(CHANGE, &findings, evidence.say)
}

/// Nothing under `.orchestrator/` was touched.
fn state(evidence: &Evidence<'_>) -> Verdict {
    let touched: Vec<&Change> =
        evidence.changes.iter().filter(|change| Protected::is_state(&change.path)).collect();
    listed("state", "the agent changed the state, which only orch does", &touched)
}

/// No protected path was touched.
fn protected(evidence: &Evidence<'_>) -> Verdict {
    let touched: Vec<&Change> = evidence
        .protected
        .violations(evidence.changes)
        .into_iter()
        .filter(|change| !Protected::is_state(&change.path))
        .collect();
    let mut verdict = listed("protected", "the agent changed protected paths", &touched);
    if verdict.rejects() {
        verdict
            .evidence
            .push_str("; no task can allow that: take it over by hand, from the work that is kept");
    }
    verdict
}

/// Git takes every file in as it is; only told of where it does not, because the tree is then not what lies there.
fn unfit(files: &[Unfit]) -> Option<Verdict> {
    let lines = files.iter().map(|file| format!("`{}`: {}", file.path.to_str_lossy(), file.why)).collect();
    (!files.is_empty()).then(|| {
        Verdict::fail("unfit", format!("git would not take these files in:\n{}", limited(lines).join("\n")))
    })
}

fn listed(gate: &str, fact: &str, changes: &[&Change]) -> Verdict {
    if changes.is_empty() {
        return Verdict::pass(gate);
    }
    let paths = changes.iter().map(|change| format!("`{}`", change.path.to_str_lossy())).collect();
    Verdict::fail(gate, format!("{fact}: {}", limited(paths).join(", ")))
}

fn limited(mut items: Vec<String>) -> Vec<String> {
    let more = items.len().saturating_sub(SHOWN);
    items.truncate(SHOWN);
    if more > 0 {
        items.push(format!("and {more} more"));
    }
    items
}

/// What a program printed, without the colours that it gave it.
#[must_use]
pub fn plain(output: &[u8]) -> String {
    anstream::adapter::strip_bytes(output).into_vec().to_str_lossy().into_owned()
}

/// The last lines of what a program printed, each at most 500 characters, without secrets.
#[must_use]
pub fn last_lines(output: &[u8], count: usize) -> String {
    let text = plain(output);
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            line.chars().filter(|c| *c == '\t' || !crate::state::task::is_unprintable(*c)).take(500).collect()
        })
        .collect();
    let start = lines.len().saturating_sub(count);
    redact(&lines[start..].join("\n"))
}
