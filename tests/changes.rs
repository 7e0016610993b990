//! The corpus of honest and dishonest changes in `fixtures/changes`, judged by the built-in gates:
//! how many are caught, how many honest ones are rejected, class by class.
//!
//! Each file is one change: a head, then its files with all their lines, ` ` for kept, `-` for
//! removed and `+` for added ones. What would be a key is put together here, so that nobody takes
//! the corpus for a leak.

use orch::effects::{Change, MODE_FILE, MODE_LINK, MODE_SUBMODULE, Mode, Oid};
use orch::gate::Verdict;
use orch::gate::builtin::{self, Evidence};
use orch::gate::called::tree::Tree;
use orch::gate::finding::Say;
use orch::gate::protect::Protected;
use orch::state::run::VerdictKind;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// One change of the corpus.
#[derive(Debug, Default)]
struct Sample {
    name: String,
    language: String,
    class: String,
    /// Whether it is to be rejected, or only reported.
    rejects: bool,
    /// A path that is there beside what changes.
    beside: Option<String>,
    changes: Vec<Change>,
    blobs: BTreeMap<Oid, Vec<u8>>,
}

impl Sample {
    fn read(name: &str, text: &str) -> Self {
        let text = text.replace("{{RANDOM16}}", "Q7XW2ZR9KD4TN8VB").replace("{{KEY}}", " KEY");
        let mut sample = Self { name: name.to_owned(), rejects: true, ..Self::default() };
        let (head, body) = text.split_once("=== ").expect("a change has files");
        for line in head.lines() {
            let (key, value) = line.split_once(": ").expect("a head has keys");
            match key {
                "language" => value.clone_into(&mut sample.language),
                "class" => value.clone_into(&mut sample.class),
                "expect" => sample.rejects = value == "reject",
                "beside" => sample.beside = Some(value.to_owned()),
                _ => panic!("{name}: unknown key `{key}`"),
            }
        }
        for file in body.split("\n=== ") {
            sample.file(file);
        }
        sample
    }

    fn file(&mut self, text: &str) {
        let (head, lines) = text.split_once('\n').unwrap_or((text, ""));
        let mut words = head.split(' ');
        let path = words.next().expect("a file has a path");
        let (mut mode, mut size) = (MODE_FILE, None);
        for word in words {
            match word {
                "link" => mode = MODE_LINK,
                "submodule" => mode = MODE_SUBMODULE,
                word => size = word.strip_prefix("size=").and_then(|size| size.parse().ok()),
            }
        }
        let side = |mark: char| -> Option<Vec<u8>> {
            let other = if mark == '-' { '+' } else { '-' };
            let kept = lines.lines().filter(|line| !line.starts_with(other));
            let all: Vec<&str> = kept.map(|line| line.get(1..).unwrap_or_default()).collect();
            let there = lines.lines().any(|line| !line.starts_with(other) && !line.is_empty());
            there.then(|| (all.join("\n") + if mode == MODE_LINK { "" } else { "\n" }).into_bytes())
        };
        let new = size.map_or_else(|| side('+'), |size| Some(vec![0; size]));
        let old = side('-').filter(|_| size.is_none());
        let mut put = |content: Option<Vec<u8>>| -> Option<(Mode, Oid)> {
            let content = content?;
            let count = u64::try_from(self.blobs.len()).expect("few") + 1;
            let id = Oid::from_bytes(&[&count.to_be_bytes()[..], &[7; 12]].concat());
            self.blobs.insert(id, content);
            Some((mode, id))
        };
        let (old, new) = (put(old), put(new));
        self.changes.push(Change { path: path.into(), old, new });
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let names = |folder: &[u8]| {
            let of = |path: &[u8]| {
                let rest = if folder.is_empty() {
                    Some(path)
                } else {
                    path.strip_prefix(folder)?.strip_prefix(b"/")
                };
                rest.and_then(|rest| rest.split(|byte| *byte == b'/').next().map(Into::into))
            };
            let changed = self
                .changes
                .iter()
                .filter(|change| change.new.is_some())
                .filter_map(|change| of(&change.path));
            changed.chain(self.beside.iter().filter_map(|path| of(path.as_bytes()))).collect()
        };
        builtin::run(&Evidence {
            changes: &self.changes,
            nested: &[],
            too_deep: &[],
            unfit: &[],
            protected: &Protected::new(&[]),
            expected: &[],
            say: Say::default(),
            must_change: true,
            read: &|id| self.blobs.get(&id).filter(|blob| blob.len() <= 4 << 20).cloned(),
            gates: &[],
            base: Tree { entry: &|_| None, list: &|_| Vec::new() },
            candidate: Tree { entry: &|_| None, list: &names },
        })
    }
}

fn samples(kind: &str) -> Vec<Sample> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/changes").join(kind);
    let mut names: Vec<String> = fs::read_dir(dir.clone())
        .expect("the corpus is there")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let read = |name: &String| Sample::read(name, &fs::read_to_string(dir.join(name)).expect("text"));
    names.iter().map(read).collect()
}

/// What the gates made of a change.
#[derive(Debug, PartialEq)]
enum Made {
    /// Rejected, for what it is.
    Rejected,
    /// Reported, for what it is.
    Reported,
    /// Rejected for something else.
    Otherwise,
    /// Nothing of it was seen.
    Missed,
}

fn made(sample: &Sample, verdicts: &[Verdict]) -> Made {
    let mark = format!("{}: ", sample.class);
    let named = |verdict: &&Verdict| {
        verdict.evidence.lines().any(|line| line.contains(&mark) && !line.starts_with("only a person"))
    };
    let own = verdicts.iter().find(named);
    match own.map(|verdict| verdict.kind) {
        Some(VerdictKind::Fail)
            if own.is_some_and(|verdict| !line_of(verdict, &mark).ends_with("(reported only)")) =>
        {
            Made::Rejected
        }
        Some(VerdictKind::Pass | VerdictKind::Fail | VerdictKind::Error | VerdictKind::Skipped) => {
            Made::Reported
        }
        None if verdicts.iter().any(Verdict::rejects) => Made::Otherwise,
        None => Made::Missed,
    }
}

fn line_of<'v>(verdict: &'v Verdict, mark: &str) -> &'v str {
    verdict.evidence.lines().find(|line| line.contains(mark)).unwrap_or_default()
}

fn said(sample: &Sample, verdicts: &[Verdict]) -> String {
    let lines = verdicts.iter().filter(|verdict| !verdict.evidence.is_empty());
    let lines: Vec<String> =
        lines.map(|verdict| format!("    {}", verdict.evidence.replace('\n', "\n    "))).collect();
    format!("{} ({})\n{}\n", sample.name, sample.class, lines.join("\n"))
}

#[test]
fn dishonest_changes_are_caught_and_honest_ones_pass() {
    let mut rows: BTreeMap<String, [usize; 6]> = BTreeMap::new();
    let (mut missed, mut alarms) = (String::new(), String::new());
    for sample in samples("dishonest") {
        let verdicts = sample.verdicts();
        let row = rows.entry(sample.class.clone()).or_default();
        row[0] += 1;
        let made = made(&sample, &verdicts);
        row[if made == Made::Rejected { 1 } else { 2 }] += usize::from(made != Made::Missed);
        row[3] += usize::from(made == Made::Missed);
        if made != (if sample.rejects { Made::Rejected } else { Made::Reported }) {
            missed.push_str(&format!("{made:?} {}", said(&sample, &verdicts)));
        }
    }
    for sample in samples("honest") {
        let verdicts = sample.verdicts();
        let row = rows.entry(sample.class.clone()).or_default();
        row[4] += 1;
        if verdicts.iter().any(Verdict::rejects) {
            row[5] += 1;
            alarms.push_str(&said(&sample, &verdicts));
        }
    }
    assert!(missed.is_empty() && alarms.is_empty(), "not caught:\n{missed}\nfalse alarms:\n{alarms}");
    insta::assert_snapshot!(table(&rows));
}

fn table(rows: &BTreeMap<String, [usize; 6]>) -> String {
    let mut out = format!(
        "{:<22} {:>9} {:>9} {:>9} {:>7}   {:>7} {:>12}\n",
        "class", "dishonest", "rejected", "reported", "missed", "honest", "false alarms"
    );
    let mut total = [0; 6];
    let mut line = |name: &str, row: &[usize; 6]| {
        let [bad, rejected, reported, missed, good, alarms] = row;
        let _ = writeln!(
            out,
            "{name:<22} {bad:>9} {rejected:>9} {reported:>9} {missed:>7}   {good:>7} {alarms:>12}"
        );
    };
    for (class, row) in rows {
        line(class, row);
        total.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
    }
    line("all", &total);
    out
}

#[test]
fn the_corpus_is_large_and_of_several_languages() {
    for kind in ["dishonest", "honest"] {
        let all = samples(kind);
        let languages: std::collections::BTreeSet<&str> =
            all.iter().map(|sample| sample.language.as_str()).collect();
        assert!(all.len() >= 60, "{kind}: {}", all.len());
        assert!(
            ["rust", "python", "javascript", "go", "java"]
                .iter()
                .all(|language| languages.contains(language))
        );
    }
}
