//! Note files.
//!
//! In: the bytes of `notes/<id>.yaml`. Out: a [`Note`], and back. Invariant: as for tasks, a rewrite
//! without a change keeps every byte, and one with a change keeps comments and unknown keys.

use super::super::id::{NoteId, TaskId};
use super::super::layout;
use super::super::note::{Note, NoteKind, NoteStatus};
use super::super::problem::Problem;
use super::merge::{Field, Said, Unmerged, Version};
use super::yaml::{Fields, Shape, parse};
use super::yaml_text::{Entry, Value, entry, splice};
use super::{Read, SCHEMA};
use jiff::civil::Date;

const SHAPE: Shape = Shape {
    keys: &[
        "schema",
        "id",
        "kind",
        "topic",
        "text",
        "because",
        "tasks",
        "supersedes",
        "status",
        "author",
        "created",
        "expires",
    ],
    lists: &["tasks"],
};

/// Reads a note.
#[must_use]
pub fn read(path: &str, bytes: &[u8]) -> Read<Note> {
    let mut fields = parse(path, bytes, &SHAPE);
    fields.schema();
    let note = read_fields(&mut fields, layout::stem(path));
    fields.finish(note)
}

fn read_fields(fields: &mut Fields<'_>, stem: &str) -> Option<Note> {
    let id = read_id(fields, stem);
    let kind = fields.word("kind", NoteKind::parse, &NoteKind::ALL.map(NoteKind::as_str));
    if fields.line_of("kind").is_none() {
        fields.missing("kind", "add `kind: learning`");
    }
    let status = read_status(fields, kind);
    let text = fields.text("text").filter(|text| !text.trim().is_empty());
    if text.is_none() {
        fields.missing("text", "add `text: ...`");
    }
    let supersedes = fields.checked("supersedes", NoteId::new);
    if supersedes.as_ref().is_some_and(|other| other.as_str().eq_ignore_ascii_case(stem)) {
        let line = fields.line_of("supersedes");
        fields.error(line, format!("`{stem}` supersedes itself"), Some("remove `supersedes`"));
    }
    Some(Note {
        topic: fields.filled("topic"),
        because: fields.filled("because"),
        tasks: fields.all_checked("tasks", TaskId::new),
        supersedes,
        author: fields.filled("author"),
        created: fields.timestamp("created"),
        expires: read_expires(fields),
        id: id?,
        kind: kind?,
        text: text?,
        status: status?,
    })
}

fn read_id(fields: &mut Fields<'_>, stem: &str) -> Option<NoteId> {
    if fields.filled("id").is_none() {
        fields.missing("id", &format!("add `id: {stem}`"));
    }
    let id = fields.checked("id", NoteId::new)?;
    if id.as_str() != stem {
        let remedy = format!("rename the file to `{id}.yaml`, or set `id: {stem}`");
        let line = fields.line_of("id");
        fields.error(line, format!("the id `{id}` is not the name of the file, `{stem}`"), Some(&remedy));
    }
    Some(id)
}

fn read_status(fields: &mut Fields<'_>, kind: Option<NoteKind>) -> Option<NoteStatus> {
    if fields.line_of("status").is_none() {
        return Some(NoteStatus::InForce);
    }
    let status = fields.word("status", NoteStatus::parse, &NoteStatus::ALL.map(NoteStatus::as_str))?;
    let belongs_to = match status {
        NoteStatus::Proposed => Some(NoteKind::Constraint),
        NoteStatus::Confirmed | NoteStatus::Refuted => Some(NoteKind::Hypothesis),
        NoteStatus::InForce | NoteStatus::Superseded | NoteStatus::Retired => None,
    };
    if let Some((wanted, kind)) = belongs_to.zip(kind).filter(|(wanted, kind)| wanted != kind) {
        let fact =
            format!("a {} cannot be `{}`, only a {} can", kind.as_str(), status.as_str(), wanted.as_str());
        let line = fields.line_of("status");
        fields.error(line, fact, Some("one of in_force, superseded, retired"));
    }
    Some(status)
}

fn read_expires(fields: &mut Fields<'_>) -> Option<Date> {
    let text = fields.filled("expires")?;
    let date = text.parse().ok();
    if date.is_none() {
        let line = fields.line_of("expires");
        fields.error(line, "`expires` is not a date", Some("write it like 2027-02-20"));
    }
    date
}

fn entries(note: &Note) -> Vec<Entry> {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty()).map(Value::Text);
    let tasks: Vec<String> = note.tasks.iter().map(ToString::to_string).collect();
    vec![
        ("id", Some(Value::Text(note.id.to_string()))),
        ("kind", Some(Value::Plain(note.kind.as_str().to_owned()))),
        ("topic", text(&note.topic)),
        ("text", Some(Value::Text(note.text.clone()))),
        ("because", text(&note.because)),
        ("tasks", Some(tasks).filter(|tasks| !tasks.is_empty()).map(Value::List)),
        ("supersedes", note.supersedes.as_ref().map(|id| Value::Text(id.to_string()))),
        ("status", Some(Value::Plain(note.status.as_str().to_owned()))),
        ("author", text(&note.author)),
        ("created", note.created.map(|time| Value::Plain(time.to_string()))),
        ("expires", note.expires.map(|date| Value::Plain(date.to_string()))),
    ]
}

/// Writes a new note.
#[must_use]
pub fn write(note: &Note) -> String {
    let mut out = format!("schema: {SCHEMA}\n");
    for (key, value) in entries(note) {
        out.extend(value.map(|value| entry(key, &value)));
    }
    out
}

/// Changes a note so that it says what `note` says, and nothing else of it.
///
/// # Errors
/// When `old` is no note, or cannot be changed without changing more.
pub fn rewrite(path: &str, old: &str, note: &Note) -> Result<String, Problem> {
    let before = read(path, old.as_bytes());
    let Some(current) = before.value else {
        let error = before.problems.into_iter().find(Problem::is_error);
        return Err(error.unwrap_or_else(|| Problem::error(path, None, "the file is not a note")));
    };
    if current == *note {
        return Ok(old.to_owned());
    }
    put(path, old, &entries(&current), &entries(note)).ok_or_else(|| {
        Problem::error(path, None, "the file cannot be changed without changing more than was asked for")
            .with_remedy("edit the file by hand")
    })
}

/// The text of a file with other values; none where more than those would change.
fn put(path: &str, old: &str, known: &[Entry], wanted: &[Entry]) -> Option<String> {
    let changes: Vec<Entry> = wanted.iter().filter(|entry| !known.contains(entry)).cloned().collect();
    let new = splice(old, SHAPE.keys, &changes);
    let says_it = read(path, new.as_bytes()).value.is_some_and(|note| entries(&note) == wanted);
    (says_it && unknown(path, &new) == unknown(path, old)).then_some(new)
}

/// The keys that are not ours.
fn unknown(path: &str, text: &str) -> String {
    parse(path, text.as_bytes(), &SHAPE).unknown().join("\n")
}

/// A note, taken apart for a merge. What may be a comment counts as one: what follows a `#`.
pub(super) fn version<'t>(path: &str, text: &'t str) -> Result<Version<'t>, Unmerged> {
    let read = read(path, text.as_bytes());
    let note = read.value.ok_or_else(|| Unmerged::why(&read.problems))?;
    let field = |(key, value): Entry| {
        let said = match value {
            None => Said::Nothing,
            Some(Value::Plain(text) | Value::Text(text)) => Said::One(text),
            Some(Value::List(list)) => Said::Set(list),
        };
        (key.to_owned(), said)
    };
    let comments: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once('#')?.1)).collect();
    let known: Vec<Entry> = SHAPE.keys.iter().map(|key| (*key, None)).collect();
    let rest = format!("{}\n{}", comments.join("\n"), splice(text, SHAPE.keys, &known));
    Ok(Version { text, fields: entries(&note).into_iter().map(field).collect(), rest })
}

/// The text of a version with other values; none where it would not be a note.
pub(super) fn with_fields(path: &str, version: &Version<'_>, fields: &[Field]) -> Option<String> {
    let known = entries(&read(path, version.text.as_bytes()).value?);
    let with = |((key, _), (_, said)): (&Entry, &Field)| {
        let value = match said.clone() {
            Said::Nothing => None,
            Said::One(text) if matches!(*key, "kind" | "status" | "created" | "expires") => {
                Some(Value::Plain(text))
            }
            Said::One(text) => Some(Value::Text(text)),
            Said::Set(list) => Some(Value::List(list)),
        };
        (*key, value)
    };
    let wanted: Vec<Entry> = known.iter().zip(fields).map(with).collect();
    put(path, version.text, &known, &wanted)
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use proptest::prelude::*;

    const PATH: &str = ".orchestrator/notes/n.yaml";

    fn problems(text: &str) -> String {
        let told = read(PATH, text.as_bytes()).problems.into_iter().map(|problem| {
            let remedy = problem.remedy.as_deref().unwrap_or("-");
            format!("{}: {} ({remedy})\n", problem.line.unwrap_or(0), problem.fact)
        });
        told.collect()
    }

    const BY_HAND: &str = "\
# Storage.
schema: 1
id: 'n'
kind: decision            # decision | constraint
topic: storage
text: Run records are one file each,
  and never edited.   # really

# why
because: \"Two machines\"   # then never
x-team: [a, b]
tasks:
# mine
- t-7k3fm
status: in_force          # in_force | superseded
expires: 2027-02-20
";

    #[test]
    fn a_note_is_read_as_it_is_documented() {
        let read = read(PATH, BY_HAND.as_bytes());
        let note = read.value.unwrap();
        assert_eq!(read.problems.len(), 1);
        assert_eq!(read.problems[0].to_string(), ".orchestrator/notes/n.yaml:11: unknown key `x-team`");
        assert_eq!(note.text, "Run records are one file each, and never edited.");
        assert_eq!(note.expires.unwrap().to_string(), "2027-02-20");
        assert_eq!(note.tasks[0].as_str(), "t-7k3fm");
    }

    #[test]
    fn a_rewrite_changes_only_what_differs() {
        let mut note = read(PATH, BY_HAND.as_bytes()).value.unwrap();
        assert_eq!(rewrite(PATH, BY_HAND, &note).as_deref(), Ok(BY_HAND));
        note.status = NoteStatus::Superseded;
        note.because = Some("no".to_owned());
        note.supersedes = Some(NoteId::new("m").unwrap());
        note.topic = None;
        note.tasks.push(TaskId::new("b").unwrap());
        let new = rewrite(PATH, BY_HAND, &note).unwrap();
        let expected = BY_HAND
            .replace("status: in_force          #", "status: superseded  #")
            .replace("\"Two machines\"   #", "\"no\"  #")
            .replace("topic: storage\n", "")
            .replace("- t-7k3fm\n", "  - t-7k3fm\n  - b\nsupersedes: m\n");
        assert_eq!(new.replace("  # mine", "# mine"), expected);
        assert_eq!(read(PATH, new.as_bytes()).value, Some(note));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        assert_eq!(
            problems(
                "schema: 2\nid: x\nkind: decision\ntext: ''\nstatus: refuted\nexpires: soon\ntopik: a\n"
            ),
            "0: `text` is missing (add `text: ...`)\n1: schema 2 is newer than this orch knows (1) (REMEDY)\n\
             2: the id `x` is not the name of the file, `n` (rename the file to `n.yaml`, or set `id: n`)\n"
                .replace("to `n.yaml`", "to `x.yaml`")
                .replace("REMEDY", &super::super::newer(2).1)
                + "5: a decision cannot be `refuted`, only a hypothesis can (one of in_force, superseded, retired)\n\
                   6: `expires` is not a date (write it like 2027-02-20)\n\
                   7: unknown key `topik` (did you mean `topic`?)\n"
        );
        assert_eq!(
            problems("schema: 1\nid: n\nkind: idea\ntext: x\n"),
            "3: unknown kind `idea` (one of decision, constraint, hypothesis, learning)\n"
        );
    }

    #[test]
    fn yaml_tricks_are_refused() {
        let bomb: String = (1..20)
            .map(|n| format!("x{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(",")))
            .collect();
        for text in [
            "schema: 1\nid: n\nid: n\nkind: learning\ntext: x\n",
            "schema: 1\nid: n\nkind: learning\ntext: x\n---\nid: m\n",
            "schema: 1\nid: n\nkind: learning\ntext: !!python/object x\n",
            "schema: 1\nid: n\nkind: learning\ntext: [x]\n",
            "schema: 1\nid: n\nkind: learning\ntext: x\n<<: {topic: y}\n",
            "- a\n",
            "x",
            &format!("x0: &a0 [a]\n{bomb}schema: 1\nid: n\nkind: learning\ntext: x\n"),
            &format!("a: {}", "[".repeat(500_000)),
            &"- ".repeat(400_000),
        ] {
            let read = read(PATH, text.as_bytes());
            assert_eq!(read.value, None, "{text}");
            assert!(
                read.problems
                    .iter()
                    .any(|p| p.is_error() && (p.fact.contains("YAML") || p.fact.starts_with("`text`: "))),
                "{:?}",
                read.problems
            );
        }
    }

    #[test]
    fn texts_that_once_could_not_be_changed_can() {
        let bare = read(PATH, b"schema: 1\nid: n\nkind: learning\ntext: x\n").value.unwrap();
        let texts = [
            "\u{a4b}o:サ=>",
            "ῲ\n\u{a0}",
            "ῲ\n\u{2003}\n",
            "x\n\n\n# scope\n\u{a0}",
            "\\n  npr",
            "\n  npr",
            "a\n  npr",
            "a\n\u{a0}#b",
            "a\u{a0}#b",
        ];
        for text in texts {
            let some = Some(text.to_owned());
            let full =
                Note { topic: some.clone(), text: text.to_owned(), because: some.clone(), ..bare.clone() };
            for (from, to) in [(&full, &bare), (&bare, &full)] {
                assert_eq!(rewrite(PATH, &write(from), to).as_deref(), Ok(write(to).as_str()), "{text:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn what_is_written_reads_back(note in samples::note()) {
            let text = write(&note);
            let read = read(PATH, text.as_bytes());
            prop_assert_eq!(&read.problems, &[], "{}", text);
            prop_assert_eq!(read.value.as_ref(), Some(&note));
            prop_assert_eq!(rewrite(PATH, &text, &note).unwrap(), text);
        }

        #[test]
        fn a_canonical_file_that_is_rewritten_is_canonical(old in samples::note(), new in samples::note()) {
            prop_assert_eq!(rewrite(PATH, &write(&old), &new).unwrap(), write(&new));
        }

        #[test]
        fn a_rewrite_keeps_comments_and_unknown_keys(
            old in samples::note(), new in samples::note(), seed: u64,
        ) {
            let mut before = String::new();
            for (index, line) in write(&old).split_inclusive('\n').enumerate() {
                let dice = (seed >> (index % 60)) & 3;
                if !line.starts_with([' ', '\n']) && dice == 1 {
                    before.push_str(&format!("# comment {index}\n"));
                }
                if !line.starts_with([' ', '\n']) && dice == 2 {
                    before.push_str(&format!("x{index}: [1]  # mine\n\n"));
                }
                if dice == 3 && line.starts_with("status") {
                    before.push_str(&format!("{}  # comment {index}\n", line.trim_end()));
                } else {
                    before.push_str(line);
                }
            }
            let count = |text: &str, mark: &str| text.matches(mark).count();
            let after = rewrite(PATH, &before, &new).unwrap();
            let read = read(PATH, after.as_bytes());
            prop_assert_eq!(read.value.as_ref(), Some(&new));
            prop_assert_eq!(count(&after, "# comment "), count(&before, "# comment "));
            prop_assert_eq!(count(&after, "  # mine\n\n"), count(&before, "  # mine\n\n"));
            prop_assert_eq!(rewrite(PATH, &after, &new).unwrap(), after);
        }

        #[test]
        fn no_text_panics(text in "(\\PC|[\\[\\]{}:&*!|>'\"#\r\n\t a0-]|id: n\n|text: |- ){0,60}") {
            let _ = read(PATH, text.as_bytes());
            let _ = splice(&text, SHAPE.keys, &[("text", Some(Value::Text("x".to_owned()))), ("id", None)]);
        }
    }
}
