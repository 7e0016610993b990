//! What one session hands over to the next, from what was seen of it: no further question is asked.

use crate::agent::watch::Tally;
use crate::effects::Change;
use crate::state::task::{Task, one_line};
use std::fmt::Write as _;

/// The most files that are named.
const FILES: usize = 40;
/// How many of the newest texts are told, and how long each may be, in characters.
const TEXTS: (usize, usize) = (3, 1_200);

/// What a fresh session is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handoff {
    /// What was done and said.
    pub summary: String,
    /// What remains, in order.
    pub next: Vec<String>,
}

/// What is handed over.
#[must_use]
pub fn build(task: &Task, tally: &Tally, changes: &[Change]) -> Handoff {
    let mut summary = String::new();
    let files = files(changes);
    if !files.is_empty() {
        let _ = writeln!(summary, "Changed so far: {files}.");
    }
    for text in tally.texts.iter().rev().take(TEXTS.0).rev() {
        let _ = writeln!(summary, "\n{}", text.chars().take(TEXTS.1).collect::<String>().trim());
    }
    if !tally.tools.is_empty() {
        let tools: Vec<String> = tally.tools.iter().map(|tool| one_line(tool, 120)).collect();
        let _ = writeln!(summary, "\nLast steps: {}.", tools.join("; "));
    }
    let next = task.acceptance.iter().map(|criterion| format!("see that it holds: {criterion}")).collect();
    Handoff { summary: summary.trim().to_owned(), next }
}

impl Handoff {
    /// As a fresh session reads it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = "## Handed over\n\nAnother session began this task in this directory; its context is \
                        full. Its work is there: look at it first (`git diff`), then go on.\n"
            .to_owned();
        if !self.summary.is_empty() {
            let _ = write!(text, "\n{}\n", self.summary);
        }
        for next in &self.next {
            let _ = writeln!(text, "- {next}");
        }
        text
    }
}

/// Changed files, by name.
fn files(changes: &[Change]) -> String {
    let mut names: Vec<String> = changes
        .iter()
        .take(FILES)
        .map(|change| format!("`{}`", one_line(&change.path.to_string(), 200)))
        .collect();
    if changes.len() > FILES {
        names.push(format!("and {} more", changes.len() - FILES));
    }
    names.join(", ")
}

/// What an agent is told that takes over from one that failed; nothing where that had changed nothing.
#[must_use]
pub fn begun(changes: &[Change]) -> String {
    let files = files(changes);
    if files.is_empty() {
        return files;
    }
    format!(
        "## Begun\n\nAnother agent began this task in this directory and had to stop. It changed: {files}. Look at that first.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::id::TaskId;

    #[test]
    fn a_fresh_session_is_told_what_was_changed_said_and_left() {
        let mut task = Task::new(TaskId::new("t-1").unwrap(), "Do it".to_owned());
        task.acceptance = vec!["it is done".to_owned()];
        let change = |path: &str| Change { path: path.into(), old: None, new: None };
        let tally = Tally {
            texts: ["one", "two", "three", "four"].map(str::to_owned).to_vec(),
            tools: vec!["Edit: a".to_owned()],
            ..Tally::default()
        };
        let handoff = build(&task, &tally, &[change("a"), change("b/c")]);
        assert_eq!(
            handoff.summary,
            "Changed so far: `a`, `b/c`.\n\ntwo\n\nthree\n\nfour\n\nLast steps: Edit: a."
        );
        assert!(handoff.text().ends_with("- see that it holds: it is done\n"));
        let many: Vec<Change> = (0..50).map(|at| change(&format!("f{at}"))).collect();
        assert!(files(&many).ends_with("`f39`, and 10 more"));
        assert_eq!(files(&[]), "");
    }
}
