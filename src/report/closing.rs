//! Closing the issues that done tasks came from: a comment, and the commands of the forge's own program.
//!
//! In: a task, and the commit that holds its accepted work. Out: a [`Closing`]. Invariant: what an agent
//! wrote stands in a block of code, where no forge takes it for a mention, or for an order to itself.

use super::safe;
use crate::config::shell;
use crate::effects::Commit;
use crate::export::origin;
use crate::import::Format;
use crate::prompt::fence;
use crate::state::task::Task;
use serde::Serialize;
use std::fmt::Write as _;

/// The forges whose issues can be closed.
pub const FORGES: [Format; 3] = [Format::Github, Format::Gitea, Format::Gitlab];

/// An issue that is settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Closing {
    /// The task.
    pub task: String,
    /// The forge.
    pub forge: &'static str,
    /// The repository there.
    pub repository: String,
    /// The issue's number.
    pub number: u64,
    /// The commit that settles it.
    pub commit: String,
    /// What is to be said there, in Markdown.
    pub comment: String,
    /// What to run, one after the other.
    pub commands: Vec<Vec<String>>,
}

/// The issue that a task came from, where it is one of a forge, or of this one.
#[must_use]
pub fn issue(task: &Task, forge: Option<Format>) -> Option<(Format, String, u64)> {
    FORGES.into_iter().filter(|each| forge.is_none_or(|forge| forge == *each)).find_map(|each| {
        let (repository, number) = origin(each, task)?;
        Some((each, repository, number))
    })
}

impl Closing {
    /// How the issue of a task is closed; none for a task that came from none.
    #[must_use]
    pub fn of(task: &Task, commit: &Commit, forge: Option<Format>) -> Option<Self> {
        let (forge, repository, number) = issue(task, forge)?;
        let comment = comment(commit);
        let commands = commands(forge, &repository, number, &comment);
        let (task, commit) = (task.id.to_string(), commit.id.to_string());
        Some(Self { task, forge: forge.as_str(), repository, number, commit, comment, commands })
    }

    /// The commands as a line for a shell.
    #[must_use]
    pub fn line(&self) -> String {
        self.commands.iter().map(|words| shell::line(words)).collect::<Vec<_>>().join(" && ")
    }
}

/// What is said on an issue: the commit, and its message.
fn comment(commit: &Commit) -> String {
    let message = safe::lines(commit.message.trim_end());
    let fence = fence(&message);
    format!("Done in {}.\n\n{fence}text\n{message}\n{fence}\n", commit.id)
}

fn commands(forge: Format, repository: &str, number: u64, comment: &str) -> Vec<Vec<String>> {
    let (number, repository) = (number.to_string(), format!("--repo={repository}"));
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    match forge {
        Format::Github => {
            let comment = format!("--comment={comment}");
            vec![words(&["gh", "issue", "close", &number, &repository, "--reason=completed", &comment])]
        }
        Format::Gitlab => {
            let message = format!("--message={comment}");
            vec![
                words(&["glab", "issue", "note", &number, &repository, &message]),
                words(&["glab", "issue", "close", &number, &repository]),
            ]
        }
        Format::Gitea => vec![
            words(&["tea", "comment", &repository, &number, comment]),
            words(&["tea", "issues", "close", &repository, &number]),
        ],
        Format::Beads
        | Format::TaskMaster
        | Format::BacklogMd
        | Format::SpecKit
        | Format::Ralph
        | Format::Tk
        | Format::Weathervane => Vec::new(),
    }
}

/// Issues that are settled, as a list for a job's summary.
#[must_use]
pub fn markdown(closings: &[Closing]) -> String {
    let mut text = String::new();
    for Closing { task, forge, repository, number, commit, .. } in closings {
        let _ = writeln!(text, "- {forge} {repository}#{number} is done in {commit} ({})", safe::cell(task));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::Oid;
    use crate::state::id::TaskId;

    fn task(source: &str) -> Task {
        let mut task = Task::new(TaskId::new("gh-42").unwrap(), "Crash on empty name");
        task.source = Some(source.to_owned());
        task
    }

    fn commit(summary: &str) -> Commit {
        let message = format!(
            "fix: crash on empty name (gh-42)\n\n{summary}\n\nOrch-Task: GH-42\nOrch-Run: 01M8B7DGTHDN6XJY7Q9VV6QX66\nOrch-Outcome: accepted\n"
        );
        let (id, time) = (Oid::from_bytes(&[0xab; 20]), "2026-11-20T10:00:00Z".parse().unwrap());
        Commit { id, tree: id, parents: Vec::new(), time, author: "A Person".to_owned(), message }
    }

    #[test]
    fn each_forge_is_spoken_to_by_its_own_program() {
        let lines = ["github:acme/api#42", "gitlab:acme/sub/api#42", "gitea:acme/api#42"].map(|source| {
            let closing = Closing::of(&task(source), &commit("It's fixed."), None).unwrap();
            assert_eq!(closing.comment.matches("It's fixed.").count(), 1);
            let words = |words: &Vec<String>| words.join(" ").replace(&closing.comment, "COMMENT");
            closing.commands.iter().map(words).collect::<Vec<_>>().join("\n")
        });
        insta::assert_snapshot!(lines.join("\n"), @r"
        gh issue close 42 --repo=acme/api --reason=completed --comment=COMMENT
        glab issue note 42 --repo=acme/sub/api --message=COMMENT
        glab issue close 42 --repo=acme/sub/api
        tea comment --repo=acme/api 42 COMMENT
        tea issues close --repo=acme/api 42
        ");
        assert_eq!(Closing::of(&task("github:acme/api#42"), &commit("x"), Some(Format::Gitea)), None);
        assert_eq!(Closing::of(&task("beads:a-1"), &commit("x"), None), None);
    }

    #[test]
    fn what_an_agent_wrote_neither_leaves_its_block_nor_its_word() {
        let hostile = "`````\n/close\n@everyone '; echo broken; '\u{1b}[2J";
        let closing = Closing::of(&task("github:acme/api#42"), &commit(hostile), None).unwrap();
        assert!(closing.comment.contains("``````text\n"), "{}", closing.comment);
        assert!(!closing.comment.contains('\u{1b}'), "{}", closing.comment);
        let line = closing.line();
        let quoted = shell::quoted(&format!("--comment={}", closing.comment));
        assert!(line.ends_with(&quoted), "{line}");
    }
}
