//! Values for property tests: every field, with the texts that break writers.

use super::super::checkpoint::{Checkpoint, CheckpointReason};
use super::super::concern::Concern;
use super::super::id::{NoteId, RunId, TaskId};
use super::super::note::{Note, NoteKind, NoteStatus};
use super::super::run::{AttemptRecord, GateRecord, OutcomeKind, Run, Tokens, VerdictKind};
use super::super::status::Status;
use super::super::task::{Estimate, History, Kind, Task, one_line};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Text that means something to some parser, or that a screen does not show.
pub(super) fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "\\PC{0,4}",
        "[a-z ]{0,6}",
        select(vec![
            "\n",
            "\n\n",
            "\r\n",
            "\r",
            "\t",
            "  ",
            " ",
            "\"",
            "\"\"\"",
            "'",
            "'''",
            "\\",
            "\\n",
            "\\u0000",
            "#",
            " #x",
            "# scope",
            "\n\n\n# scope\n",
            "[history]",
            "a = 1",
            "=",
            ":",
            ": ",
            "- ",
            "---",
            "...",
            "| ",
            ">",
            "&a",
            "*a",
            "!x",
            "%",
            "@",
            "`",
            "{",
            "}",
            "[",
            "]",
            ",",
            "? ",
            "~",
            "null",
            "no",
            "Yes",
            "0x1F",
            "1e3",
            ".inf",
            "12:30",
            "2020-01-01",
            "<<",
            "<<<<<<< HEAD\n",
            "=======\n",
            ">>>>>>> x\n",
            "\0",
            "\u{1}",
            "\u{1b}[2J",
            "\u{7f}",
            "\u{85}",
            "\u{a0}",
            "\u{2028}",
            "\u{2029}",
            "\u{202e}",
            "\u{feff}",
            "\u{e0001}",
            "\u{fffe}",
            "\u{10ffff}",
            "é",
            "🦀",
        ])
        .prop_map(str::to_owned),
    ];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn filled() -> impl Strategy<Value = String> {
    hostile().prop_filter("filled", |text| !text.is_empty())
}

fn line() -> impl Strategy<Value = String> {
    hostile().prop_map(|text| format!("x {}", one_line(&text, 60)).trim_end().to_owned())
}

fn word() -> impl Strategy<Value = String> {
    "[A-Za-z0-9][A-Za-z0-9_-]{0,6}".prop_filter("id", |text| TaskId::new(text).is_ok())
}

fn task_id() -> impl Strategy<Value = TaskId> {
    word()
        .prop_filter("not the task", |text| !text.eq_ignore_ascii_case("t"))
        .prop_map(|text| TaskId::new(text).unwrap())
}

fn run_id() -> impl Strategy<Value = RunId> {
    word().prop_map(|text| RunId::new(text).unwrap())
}

fn time() -> impl Strategy<Value = Timestamp> {
    (-62_000_000_000_i64..250_000_000_000, 0..1_000_000_000_i32)
        .prop_map(|(seconds, nanos)| Timestamp::new(seconds, nanos.max(0)).unwrap_or(Timestamp::UNIX_EPOCH))
}

prop_compose! {
    fn estimate()(
        files in option::of(0..9_u32),
        tests in option::of(select(vec!["low", "medium", "high"])),
        docs in option::of(select(vec!["none", "light", "medium", "heavy"])),
        tokens in option::of(0..=i64::MAX.unsigned_abs()),
        confidence in option::of(0.0..=1.0_f64),
    ) -> Option<Estimate> {
        let (tests, docs) = (tests.map(str::to_owned), docs.map(str::to_owned));
        Some(Estimate { files, tests, docs, tokens, confidence }).filter(|e| *e != Estimate::default())
    }
}

/// What a source said: words in their order.
fn said() -> impl Strategy<Value = String> {
    let words = ["acceptance:9d76g", "else", "labels:ccfbg", "parent:44z4e", "priority:1ypdf", "title:fs660"];
    subsequence(words.to_vec(), 1..=words.len()).prop_map(|words| words.join(" "))
}

prop_compose! {
    /// A task whose id is `t`.
    pub(in crate::state) fn task()(
        (title, kind, complexity) in (line(), select(Kind::ALL.to_vec()), option::of(1..=10_u8)),
        (created, source, source_digest) in (option::of(time()), option::of(filled()), option::of(said())),
        (status, reason) in (select(Status::ALL.to_vec()), option::of(filled())),
        priority in 0..=4_u8,
        (parent, depends_on) in (option::of(task_id()), vec(task_id(), 0..4)),
        (labels, files, acceptance) in (vec(hostile(), 0..4), vec(hostile(), 0..3), vec(hostile(), 0..4)),
        allow in vec(select(Concern::ALL.map(|concern| concern.as_str().to_owned()).to_vec()), 0..3),
        run in option::of(filled().prop_map(|text| format!("{}x", text.replace('\0', "")))),
        description in hostile(),
        estimate in option::of(estimate()).prop_map(Option::flatten),
        (attempts, last_run) in (0..4_u32, option::of(run_id())),
    ) -> Task {
        let history = History { attempts, last_run };
        let mut task = Task {
            kind, complexity, created, source, source_digest, status, reason, priority, parent, depends_on, labels,
            files, acceptance, allow, run, description, estimate, history,
            ..Task::new(TaskId::new("t").unwrap(), title)
        };
        task.normalise();
        task
    }
}

prop_compose! {
    fn attempt()(
        ended in hostile(),
        numbers in [0..=i64::MAX.unsigned_abs(), 0..=9_u64, 0..=9_u64, 0..=9_u64, 0..=9_u64],
        (rejected_by, agent) in (option::of(filled()), option::of(filled())),
        (session, failure, role) in (option::of(filled()), option::of(filled()), option::of(filled())),
        (cost_usd, early) in (option::of(0.0..1e6_f64), option::of(0..=100_u32)),
    ) -> AttemptRecord {
        let [duration_ms, input, cached, output, reasoning] = numbers;
        let tokens = Tokens { input, cached, output, reasoning };
        AttemptRecord { ended, duration_ms, tokens, rejected_by, agent, session, failure, role, cost_usd, early }
    }
}

prop_compose! {
    fn gate()(
        name in hostile(),
        verdict in select(VerdictKind::ALL.to_vec()),
        required: bool,
        duration_ms in 0..9_999_u64,
        metric in option::of((hostile(), -1e9..1e9_f64)),
        evidence in hostile(),
        (tests, coverage) in (option::of(0..9_999_u64), option::of(0.0..=100.0_f64)),
        (tries, cached) in (1..7_u32, any::<bool>()),
    ) -> GateRecord {
        GateRecord {
            name,
            verdict,
            required,
            duration_ms,
            metric,
            evidence,
            tests,
            coverage,
            tries,
            cached,
        }
    }
}

prop_compose! {
    /// A run whose id is `r`.
    pub(super) fn run()(
        (task, base, started, finished) in (task_id(), hostile(), time(), time()),
        (outcome, reason) in (select(OutcomeKind::ALL.to_vec()), hostile()),
        (agent, adapter, model, chosen_because) in (hostile(), hostile(), option::of(filled()), hostile()),
        sandbox in option::of(filled()),
        (prompt_sha256, prompt_tokens) in (hostile(), 0..9_999_u64),
        (input_sha256, failure) in (option::of(filled()), option::of(filled())),
        decides in option::of(run_id()),
        (sections, omitted, claims) in (vec(hostile(), 0..3), vec(hostile(), 0..3), vec(hostile(), 0..3)),
        (omitted_more, files) in (0..9_u32, vec(hostile(), 0..3)),
        (attempts, gates) in (vec(attempt(), 0..3), vec(gate(), 0..3)),
        (context_peak, cost_usd) in (option::of(0.0..=1.0_f64), option::of(0.0..1e6_f64)),
        counts in [0..9_u32, 0..9_u32, 0..9_u32, 0..9_u32, 0..9_u32],
        (tree, estimated_tokens, orch, took_over) in
            (option::of(filled()), option::of(0..9_u64), hostile(), option::of(filled())),
    ) -> Run {
        let [compactions, rotations, files_changed, insertions, deletions] = counts;
        Run {
            mode: None,
            decides,
            took_over,
            id: RunId::new("r").unwrap(),
            task, base, started, finished, outcome, reason, agent, adapter, model, chosen_because,
            sandbox, prompt_sha256, prompt_tokens, input_sha256, failure, sections, omitted, omitted_more, attempts, context_peak, compactions, rotations, claims,
            cost_usd, gates, tree, files_changed, files, insertions, deletions, estimated_tokens, orch,
        }
    }
}

fn note_status(kind: NoteKind) -> Vec<NoteStatus> {
    use NoteStatus::{Confirmed, InForce, Proposed, Refuted, Retired, Superseded};
    match kind {
        NoteKind::Constraint => vec![Proposed, InForce, Superseded, Retired],
        NoteKind::Hypothesis => vec![InForce, Superseded, Retired, Confirmed, Refuted],
        NoteKind::Decision | NoteKind::Learning => vec![InForce, Superseded, Retired],
    }
}

fn kind_and_status() -> impl Strategy<Value = (NoteKind, NoteStatus)> {
    select(NoteKind::ALL.to_vec()).prop_flat_map(|kind| (Just(kind), select(note_status(kind))))
}

prop_compose! {
    /// A note whose id is `n`.
    pub(crate) fn note()(
        (kind, status) in kind_and_status(),
        (topic, text, because) in (option::of(filled()), hostile(), option::of(filled())),
        tasks in vec(task_id(), 0..4),
        supersedes in option::of(word().prop_filter("other", |text| !text.eq_ignore_ascii_case("n"))),
        author in option::of(filled()),
        (created, expires) in (option::of(time()), option::of(time())),
    ) -> Note {
        Note {
            id: NoteId::new("n").unwrap(),
            kind, topic, text: format!("x{text}"), because, tasks,
            supersedes: supersedes.map(|text| NoteId::new(text).unwrap()),
            status, author, created,
            expires: expires.map(|time| jiff::tz::Offset::UTC.to_datetime(time).date()),
        }
    }
}

prop_compose! {
    /// The checkpoint 2 of the task `t`.
    pub(super) fn checkpoint()(
        (run, reason) in (option::of(run_id()), select(CheckpointReason::ALL.to_vec())),
        (base, work) in (option::of(filled()), option::of(filled())),
        (summary, next, evidence) in (hostile(), vec(hostile(), 0..4), hostile()),
    ) -> Checkpoint {
        let task = TaskId::new("t").unwrap();
        Checkpoint { task, number: 2, run, reason, base, work, summary, next, evidence }
    }
}
