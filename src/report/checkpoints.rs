//! Checkpoints: a list of them, one whole, and what changed from one to another.

use super::safe;
use super::table::{Cell, Table, paint};
use crate::state::checkpoint::Checkpoint;
use crate::state::id::RunId;
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};
use std::fmt::Write as _;

/// For people, one a line.
#[must_use]
pub fn human(all: &[Checkpoint], width: Option<usize>, colour: bool) -> String {
    let mut table = Table::with_head(&["TASK", "NO", "REASON", "RUN", "SUMMARY"]);
    for checkpoint in all {
        let said = [&checkpoint.summary, &checkpoint.evidence];
        let first = said.iter().find_map(|text| text.lines().find(|line| !line.trim().is_empty()));
        table.row([
            Cell::new(checkpoint.task.as_str()),
            checkpoint.number.into(),
            Cell::new(checkpoint.reason.as_str()),
            Cell::new(checkpoint.run.as_ref().map_or("", |run| run.as_str())),
            Cell::new(first.unwrap_or_default()),
        ]);
    }
    table.render(width, colour)
}

/// One of them, whole.
#[must_use]
pub fn whole(checkpoint: &Checkpoint) -> String {
    let mut out =
        format!("checkpoint {} of {}: {}\n", checkpoint.number, checkpoint.task, checkpoint.reason.as_str());
    for (name, text) in fields(checkpoint) {
        match text.lines().count() {
            0 => {}
            1 => {
                let _ = writeln!(out, "{name:<8} {}", safe::text(text.trim_end()));
            }
            _ => {
                let _ = writeln!(out, "{name}");
                for line in safe::lines(text.trim_end()).lines() {
                    let _ = writeln!(out, "{}", format!("  {line}").trim_end());
                }
            }
        }
    }
    out
}

/// What it says beside its number, field by field.
fn fields(checkpoint: &Checkpoint) -> [(&'static str, String); 6] {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let next: Vec<String> = checkpoint.next.iter().map(|step| format!("- {step}")).collect();
    [
        ("run", text(checkpoint.run.as_ref().map(RunId::as_str))),
        ("base", text(checkpoint.base.as_deref())),
        ("work", text(checkpoint.work.as_deref())),
        ("summary", checkpoint.summary.clone()),
        ("next", next.join("\n")),
        ("evidence", checkpoint.evidence.clone()),
    ]
}

/// One line of a difference: `-`, `+` or a space, and the text.
type Line = (char, String);

/// What changed from one checkpoint to another: fields, each with its lines.
#[must_use]
pub fn changes(old: &Checkpoint, new: &Checkpoint) -> Vec<(&'static str, Vec<Line>)> {
    let reason = |checkpoint: &Checkpoint| ("reason", checkpoint.reason.as_str().to_owned());
    let all = |checkpoint: &Checkpoint| std::iter::once(reason(checkpoint)).chain(fields(checkpoint));
    all(old)
        .zip(all(new))
        .filter(|((_, before), (_, now))| before.trim_end() != now.trim_end())
        .map(|((name, before), (_, now))| (name, lines(before.trim_end(), now.trim_end())))
        .collect()
}

fn lines(before: &str, now: &str) -> Vec<Line> {
    let mark = |tag: ChangeTag| match tag {
        ChangeTag::Delete => '-',
        ChangeTag::Insert => '+',
        ChangeTag::Equal => ' ',
    };
    let diff = TextDiff::from_lines(before, now);
    diff.iter_all_changes().map(|change| (mark(change.tag()), change.value().trim_end().to_owned())).collect()
}

/// The same for people.
#[must_use]
pub fn human_changes(changes: &[(&'static str, Vec<Line>)], colour: bool) -> String {
    let mut out = String::new();
    for (name, lines) in changes {
        let _ = writeln!(out, "{}", paint(name, Style::new().bold(), colour));
        for (mark, text) in lines {
            let style = match mark {
                '-' => AnsiColor::Red.on_default(),
                '+' => AnsiColor::Green.on_default(),
                _ => Style::new(),
            };
            let line = format!("  {mark} {}", safe::text(text));
            let _ = writeln!(out, "{}", paint(line.trim_end(), style, colour));
        }
    }
    out
}

/// The same for programs.
#[must_use]
pub fn document(changes: &[(&'static str, Vec<Line>)]) -> Value {
    let shape = |(name, lines): &(&'static str, Vec<Line>)| {
        let of = |mark: char| -> Vec<&str> {
            lines.iter().filter(|(each, _)| *each == mark).map(|(_, text)| text.as_str()).collect()
        };
        json!({"field": name, "removed": of('-'), "added": of('+')})
    };
    Value::Array(changes.iter().map(shape).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::checkpoint::CheckpointReason;
    use crate::state::id::TaskId;

    fn checkpoint(number: u32, summary: &str) -> Checkpoint {
        Checkpoint {
            task: TaskId::new("t-1").unwrap(),
            number,
            run: RunId::new(format!("01JD{number}")).ok(),
            reason: CheckpointReason::Rejected,
            base: Some("4f2c".to_owned()),
            work: None,
            summary: summary.to_owned(),
            next: vec!["handle the burst case".to_owned()],
            evidence: "gate `test`: 1 failed\n\u{1b}[31mred".to_owned(),
        }
    }

    #[test]
    fn one_of_them_whole() {
        insta::assert_snapshot!(whole(&checkpoint(2, "Half of it.\n\nThe rest is hard.\n")), @r"
        checkpoint 2 of t-1: rejected
        run      01JD2
        base     4f2c
        summary
          Half of it.

          The rest is hard.
        next     - handle the burst case
        evidence
          gate `test`: 1 failed
          \u{1b}[31mred
        ");
    }

    #[test]
    fn a_difference_names_only_what_changed() {
        let (old, new) = (checkpoint(1, "One.\nTwo."), checkpoint(2, "One.\nThree."));
        let changes = changes(&old, &new);
        insta::assert_snapshot!(human_changes(&changes, false), @r"
        run
          - 01JD1
          + 01JD2
        summary
            One.
          - Two.
          + Three.
        ");
        assert_eq!(document(&changes)[1]["removed"][0], "Two.");
        assert!(super::changes(&old, &old).is_empty());
    }
}
