//! Checkpoint files.
//!
//! In: the bytes of `checkpoints/<task-id>/<n>.yaml`. Out: a [`Checkpoint`], and back. Checkpoints
//! are numbered, so none is ever changed.

use super::super::checkpoint::{Checkpoint, CheckpointReason};
use super::super::id::{RunId, TaskId};
use super::super::layout;
use super::yaml::{Fields, Shape, parse};
use super::yaml_text::{Entry, Value, entry};
use super::{Read, SCHEMA};

const SHAPE: Shape = Shape {
    keys: &["schema", "task", "number", "run", "reason", "base", "work", "summary", "next", "evidence"],
    lists: &["next"],
};

/// Reads a checkpoint.
#[must_use]
pub fn read(path: &str, bytes: &[u8]) -> Read<Checkpoint> {
    let mut fields = parse(path, bytes, &SHAPE);
    fields.schema();
    let checkpoint = read_fields(&mut fields, path);
    fields.finish(checkpoint)
}

fn read_fields(fields: &mut Fields<'_>, path: &str) -> Option<Checkpoint> {
    let task = read_task(fields, path.rsplit('/').nth(1).unwrap_or_default());
    let number = read_number(fields, layout::stem(path));
    let all = CheckpointReason::ALL.map(CheckpointReason::as_str);
    let reason = fields.word("reason", CheckpointReason::parse, &all);
    if fields.line_of("reason").is_none() {
        fields.missing("reason", "add `reason: manual`");
    }
    Some(Checkpoint {
        run: fields.checked("run", RunId::new),
        base: fields.filled("base"),
        work: fields.filled("work"),
        summary: fields.text("summary").unwrap_or_default(),
        next: fields.list("next"),
        evidence: fields.text("evidence").unwrap_or_default(),
        task: task?,
        number: number?,
        reason: reason?,
    })
}

fn read_task(fields: &mut Fields<'_>, folder: &str) -> Option<TaskId> {
    if fields.filled("task").is_none() {
        fields.missing("task", &format!("add `task: {folder}`"));
    }
    let task = fields.checked("task", TaskId::new)?;
    if task.as_str() != folder {
        let remedy = format!("move the file to `{task}/`, or set `task: {folder}`");
        let line = fields.line_of("task");
        fields.error(
            line,
            format!("the task `{task}` is not the name of the folder, `{folder}`"),
            Some(&remedy),
        );
    }
    Some(task)
}

fn read_number(fields: &mut Fields<'_>, stem: &str) -> Option<u32> {
    let Some(text) = fields.filled("number") else {
        fields.missing("number", &format!("add `number: {stem}`"));
        return None;
    };
    let number: Option<u32> = text.parse().ok().filter(|number| *number > 0);
    let line = fields.line_of("number");
    match number {
        None => fields.error(line, "`number` has to be a positive integer", None),
        Some(number) if number.to_string() != stem => {
            let remedy = format!("rename the file to `{number}.yaml`, or set `number: {stem}`");
            let fact = format!("the number {number} is not the name of the file, `{stem}`");
            fields.error(line, fact, Some(&remedy));
        }
        Some(_) => {}
    }
    number
}

fn entries(checkpoint: &Checkpoint) -> Vec<Entry> {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty()).map(Value::Text);
    let next = Some(checkpoint.next.clone()).filter(|next| !next.is_empty());
    vec![
        ("task", text(checkpoint.task.as_str())),
        ("number", Some(Value::Plain(checkpoint.number.to_string()))),
        ("run", checkpoint.run.as_ref().and_then(|run| text(run.as_str()))),
        ("reason", Some(Value::Plain(checkpoint.reason.as_str().to_owned()))),
        ("base", checkpoint.base.as_deref().and_then(text)),
        ("work", checkpoint.work.as_deref().and_then(text)),
        ("summary", text(&checkpoint.summary)),
        ("next", next.map(Value::List)),
        ("evidence", text(&checkpoint.evidence)),
    ]
}

/// Writes a checkpoint.
#[must_use]
pub fn write(checkpoint: &Checkpoint) -> String {
    let mut out = format!("schema: {SCHEMA}\n");
    for (key, value) in entries(checkpoint) {
        out.extend(value.map(|value| entry(key, &value)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use proptest::prelude::*;

    const PATH: &str = ".orchestrator/checkpoints/t/2.yaml";

    #[test]
    fn a_checkpoint_is_written_as_it_is_documented() {
        let text = "schema: 1\ntask: t\nnumber: 2\nrun: 01JDX\nreason: rotated\nbase: 4f2c9k1\n\
                    work: refs/orch/attempts/01JDX\nsummary: |\n  What is done.\nnext:\n  - handle the burst case\n\
                    evidence: |\n  gate `test`: 1 failed: burst_is_limited\n";
        let checkpoint = read(PATH, text.as_bytes()).value.unwrap();
        assert_eq!(checkpoint.summary, "What is done.\n");
        assert_eq!(write(&checkpoint), text);
    }

    #[test]
    fn a_checkpoint_in_the_wrong_place_is_refused() {
        let read = read(PATH, b"schema: 1\ntask: u\nnumber: 3\nreason: tired\n");
        assert_eq!(read.value, None);
        let told = read.problems.iter().map(|p| format!("{}: {}\n", p.line.unwrap_or(0), p.fact));
        assert_eq!(
            told.collect::<String>(),
            "2: the task `u` is not the name of the folder, `t`\n3: the number 3 is not the name of the file, `2`\n\
             4: unknown reason `tired`\n"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn what_is_written_reads_back(checkpoint in samples::checkpoint()) {
            let text = write(&checkpoint);
            let read = read(PATH, text.as_bytes());
            prop_assert_eq!(&read.problems, &[], "{}", text);
            prop_assert_eq!(read.value, Some(checkpoint));
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(PATH, &bytes);
        }
    }
}
