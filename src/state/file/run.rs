//! Run records.
//!
//! In: the bytes of `runs/<yyyy-mm>/<id>.toml`. Out: a [`Run`], and back. A record is written once,
//! so there is nothing here that changes one.

use super::super::id::{RunId, TaskId};
use super::super::layout;
use super::super::problem::Severity;
use super::super::run::{AttemptRecord, GateRecord, OutcomeKind, Run, Tokens, VerdictKind};
use super::fields::{Document, Table};
use super::toml_text::{array, float, integer, long_string, string, timestamp};
use super::{Read, SCHEMA};
use jiff::Timestamp;

/// Reads a run record.
#[must_use]
pub fn read(path: &str, bytes: &[u8]) -> Read<Run> {
    let document = Document::parse(path, bytes);
    let mut root = document.root();
    root.schema();
    let run = read_root(&mut root, layout::stem(path));
    root.unknown_keys(Severity::Warning);
    document.finish(run)
}

fn read_root(root: &mut Table<'_>, stem: &str) -> Option<Run> {
    let id = root.checked("id", RunId::new);
    if let Some(id) = id.as_ref().filter(|id| id.as_str() != stem) {
        let remedy = format!("rename the file to `{id}.toml`, or set `id = \"{stem}\"`");
        root.error("id", format!("the id `{id}` is not the name of the file, `{stem}`"), Some(&remedy));
    }
    let task = root.checked("task", TaskId::new);
    let started = root.timestamp("started");
    let finished = root.timestamp("finished");
    let outcome = root.word("outcome", OutcomeKind::parse, &OutcomeKind::ALL.map(OutcomeKind::as_str));
    for key in ["id", "task", "started", "finished", "outcome"] {
        if root.line_of(key).is_none() {
            root.missing(key, "restore the file as it was committed; records are never edited");
        }
    }
    let text = |root: &mut Table<'_>, key| root.str(key).unwrap_or_default();
    let reason = text(root, "reason");
    Some(Run {
        decides: root.checked("decides", RunId::new).or_else(|| approved(&reason)),
        base: text(root, "base"),
        reason,
        failure: filled(root, "failure"),
        agent: text(root, "agent"),
        adapter: text(root, "adapter"),
        model: filled(root, "model"),
        chosen_because: text(root, "chosen_because"),
        mode: filled(root, "mode"),
        took_over: filled(root, "took_over"),
        sandbox: filled(root, "sandbox"),
        prompt_sha256: text(root, "prompt_sha256"),
        input_sha256: filled(root, "input_sha256"),
        prompt_tokens: count(root, "prompt_tokens"),
        sections: root.strings("sections"),
        omitted: root.strings("omitted"),
        omitted_more: small(root, "omitted_more"),
        attempts: root.tables("attempt").iter_mut().map(read_attempt).collect(),
        context_peak: root.float("context_peak", 0.0..=f64::MAX),
        compactions: small(root, "compactions"),
        rotations: small(root, "rotations"),
        claims: root.strings("claims"),
        cost_usd: root.float("cost_usd", 0.0..=f64::MAX),
        gates: root.tables("gate").iter_mut().filter_map(read_gate).collect(),
        tree: filled(root, "tree"),
        files_changed: small(root, "files_changed"),
        files: root.strings("files"),
        insertions: small(root, "insertions"),
        deletions: small(root, "deletions"),
        estimated_tokens: maybe(root, "estimated_tokens"),
        orch: text(root, "orch"),
        id: id?,
        task: task?,
        started: started?,
        finished: finished?,
        outcome: outcome?,
    })
}

/// The run whose work was approved, by the reason of records that have no key for it.
fn approved(reason: &str) -> Option<RunId> {
    let (_, run) = reason.strip_prefix("approved").and_then(|rest| rest.rsplit_once("; work of run "))?;
    RunId::new(run).ok()
}

fn read_attempt(table: &mut Table<'_>) -> AttemptRecord {
    let attempt = AttemptRecord {
        ended: table.str("ended").unwrap_or_default(),
        duration_ms: count(table, "duration_ms"),
        tokens: Tokens {
            input: count(table, "input"),
            cached: count(table, "cached"),
            output: count(table, "output"),
            reasoning: count(table, "reasoning"),
        },
        rejected_by: filled(table, "rejected_by"),
        agent: filled(table, "agent"),
        session: filled(table, "session"),
        failure: filled(table, "failure"),
        role: filled(table, "role"),
        cost_usd: table.float("cost_usd", 0.0..=f64::MAX),
        early: table.int("early", 0..=100).and_then(|percent| u32::try_from(percent).ok()),
    };
    table.unknown_keys(Severity::Warning);
    attempt
}

fn read_gate(table: &mut Table<'_>) -> Option<GateRecord> {
    let verdict = table.word("verdict", VerdictKind::parse, &VerdictKind::ALL.map(VerdictKind::as_str));
    if table.line_of("verdict").is_none() {
        table.missing("verdict", "restore the file as it was committed; records are never edited");
    }
    let metric = table.str("metric");
    let value = table.float("value", f64::MIN..=f64::MAX);
    let gate = GateRecord {
        name: table.str("name").unwrap_or_default(),
        required: table.bool("required").unwrap_or(true),
        duration_ms: count(table, "duration_ms"),
        metric: metric.zip(value),
        evidence: table.str("evidence").unwrap_or_default(),
        tests: maybe(table, "tests"),
        coverage: table.float("coverage", 0.0..=100.0),
        tries: table.int("tries", 1..=100).and_then(|tries| u32::try_from(tries).ok()).unwrap_or(1),
        cached: table.bool("cached").unwrap_or_default(),
        verdict: verdict?,
    };
    table.unknown_keys(Severity::Warning);
    Some(gate)
}

fn filled(table: &mut Table<'_>, key: &'static str) -> Option<String> {
    table.str(key).filter(|text| !text.is_empty())
}

fn maybe(table: &mut Table<'_>, key: &'static str) -> Option<u64> {
    table.int(key, 0..=i64::MAX).and_then(|number| u64::try_from(number).ok())
}

fn count(table: &mut Table<'_>, key: &'static str) -> u64 {
    maybe(table, key).unwrap_or_default()
}

fn small(table: &mut Table<'_>, key: &'static str) -> u32 {
    let number = table.int(key, 0..=i64::from(u32::MAX));
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or_default()
}

/// Lines of a record; what is empty is left out.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn put(&mut self, key: &str, value: &str) {
        self.0.extend([key, " = ", value, "\n"]);
    }

    fn maybe(&mut self, key: &str, value: Option<String>) {
        if let Some(value) = value {
            self.put(key, &value);
        }
    }

    fn text(&mut self, key: &str, text: &str) {
        self.maybe(key, Some(text).filter(|text| !text.is_empty()).map(string));
    }

    fn list(&mut self, key: &str, list: &[String]) {
        self.maybe(key, Some(list).filter(|list| !list.is_empty()).map(array));
    }
}

/// Writes the answer of one gate by itself, with when it was given.
#[must_use]
pub fn write_verdict(gate: &GateRecord, when: Timestamp) -> String {
    let mut lines = Lines::default();
    lines.put("schema", &SCHEMA.to_string());
    lines.maybe("when", timestamp(when));
    write_gate(&mut lines, gate);
    lines.0
}

/// Reads what [`write_verdict`] wrote; none where it is anything else.
#[must_use]
pub fn read_verdict(path: &str, bytes: &[u8]) -> Option<(GateRecord, Timestamp)> {
    let document = Document::parse(path, bytes);
    let mut root = document.root();
    root.schema();
    let when = root.timestamp("when");
    let gate = root.tables("gate").iter_mut().find_map(read_gate);
    root.unknown_keys(Severity::Error);
    drop(root);
    let read = document.finish(gate.zip(when));
    if read.problems.is_empty() { read.value } else { None }
}

/// Writes a run record.
#[must_use]
pub fn write(run: &Run) -> String {
    let mut lines = Lines::default();
    lines.put("schema", &SCHEMA.to_string());
    write_step(&mut lines, run);
    write_prompt(&mut lines, run);
    write_size(&mut lines, run);
    for attempt in &run.attempts {
        write_attempt(&mut lines, attempt);
    }
    for gate in &run.gates {
        write_gate(&mut lines, gate);
    }
    lines.0
}

fn write_step(lines: &mut Lines, run: &Run) {
    lines.text("id", run.id.as_str());
    lines.text("task", run.task.as_str());
    lines.text("decides", run.decides.as_ref().map_or("", RunId::as_str));
    lines.text("base", &run.base);
    lines.maybe("started", timestamp(run.started));
    lines.maybe("finished", timestamp(run.finished));
    lines.text("outcome", run.outcome.as_str());
    lines.text("reason", &run.reason);
    lines.text("failure", run.failure.as_deref().unwrap_or_default());
    lines.text("agent", &run.agent);
    lines.text("adapter", &run.adapter);
    lines.text("model", run.model.as_deref().unwrap_or_default());
    lines.text("chosen_because", &run.chosen_because);
    lines.text("took_over", run.took_over.as_deref().unwrap_or_default());
    lines.text("mode", run.mode.as_deref().unwrap_or_default());
    lines.text("sandbox", run.sandbox.as_deref().unwrap_or_default());
}

fn write_prompt(lines: &mut Lines, run: &Run) {
    lines.text("prompt_sha256", &run.prompt_sha256);
    lines.text("input_sha256", run.input_sha256.as_deref().unwrap_or_default());
    lines.put("prompt_tokens", &integer(run.prompt_tokens));
    lines.list("sections", &run.sections);
    lines.list("omitted", &run.omitted);
    lines.maybe("omitted_more", Some(run.omitted_more).filter(|more| *more > 0).map(|more| more.to_string()));
    lines.maybe("context_peak", run.context_peak.and_then(float));
    lines.put("compactions", &run.compactions.to_string());
    lines.put("rotations", &run.rotations.to_string());
    lines.list("claims", &run.claims);
}

fn write_size(lines: &mut Lines, run: &Run) {
    lines.maybe("cost_usd", run.cost_usd.and_then(float));
    lines.text("tree", run.tree.as_deref().unwrap_or_default());
    lines.put("files_changed", &run.files_changed.to_string());
    lines.list("files", &run.files);
    lines.put("insertions", &run.insertions.to_string());
    lines.put("deletions", &run.deletions.to_string());
    lines.maybe("estimated_tokens", run.estimated_tokens.map(integer));
    lines.text("orch", &run.orch);
}

fn write_attempt(lines: &mut Lines, attempt: &AttemptRecord) {
    lines.0.push_str("\n[[attempt]]\n");
    lines.text("ended", &attempt.ended);
    lines.put("duration_ms", &integer(attempt.duration_ms));
    lines.put("input", &integer(attempt.tokens.input));
    lines.put("cached", &integer(attempt.tokens.cached));
    lines.put("output", &integer(attempt.tokens.output));
    lines.maybe("reasoning", Some(attempt.tokens.reasoning).filter(|count| *count > 0).map(integer));
    for (key, value) in [
        ("rejected_by", &attempt.rejected_by),
        ("agent", &attempt.agent),
        ("session", &attempt.session),
        ("failure", &attempt.failure),
        ("role", &attempt.role),
    ] {
        lines.text(key, value.as_deref().unwrap_or_default());
    }
    lines.maybe("cost_usd", attempt.cost_usd.and_then(float));
    lines.maybe("early", attempt.early.map(|percent| percent.to_string()));
}

fn write_gate(lines: &mut Lines, gate: &GateRecord) {
    lines.0.push_str("\n[[gate]]\n");
    lines.text("name", &gate.name);
    lines.text("verdict", gate.verdict.as_str());
    lines.put("required", if gate.required { "true" } else { "false" });
    lines.put("duration_ms", &integer(gate.duration_ms));
    if let Some((name, Some(value))) = gate.metric.as_ref().map(|(name, value)| (name, float(*value))) {
        lines.put("metric", &string(name));
        lines.put("value", &value);
    }
    lines.maybe("tests", gate.tests.map(integer));
    lines.maybe("coverage", gate.coverage.and_then(float));
    if gate.tries > 1 {
        lines.put("tries", &gate.tries.to_string());
    }
    if gate.cached {
        lines.put("cached", "true");
    }
    let evidence = Some(&gate.evidence).filter(|text| !text.is_empty());
    lines.maybe("evidence", evidence.map(|text| long_string(text)));
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use proptest::prelude::*;

    const PATH: &str = ".orchestrator/runs/2026-11/r.toml";

    #[test]
    fn a_record_without_its_key_facts_is_refused() {
        let read = read(PATH, b"schema = 1\nid = \"x\"\noutcome = \"good\"\n[[gate]]\nname = \"test\"\n");
        let facts: Vec<String> = read.problems.iter().map(ToString::to_string).collect();
        assert_eq!(read.value, None);
        assert_eq!(
            facts.join("\n").replace(".orchestrator/runs/2026-11/", ""),
            "r.toml: `task` is missing\nr.toml: `started` is missing\nr.toml: `finished` is missing\n\
             r.toml:2: the id `x` is not the name of the file, `r`\nr.toml:3: unknown outcome `good`\n\
             r.toml:4: `gate.verdict` is missing"
        );
    }

    #[test]
    fn an_approval_without_a_key_for_it_says_in_words_what_it_decides_on() {
        for (reason, run) in [
            ("approved; work of run 01JD", Some("01JD")),
            ("approved: fine; by me; work of run 01JD", Some("01JD")),
            ("approved: it does the work of run time", None),
            ("all gates passed; work of run 01JD", None),
        ] {
            assert_eq!(approved(reason).as_ref().map(RunId::as_str), run, "{reason}");
        }
    }

    #[test]
    fn a_verdict_is_never_guessed() {
        let text = "schema = 1\n[[gate]]\nname = 't'\nverdict = 'passed'\n";
        let read = read(PATH, text.as_bytes());
        let unknown = read.problems.iter().find(|problem| problem.line == Some(4)).unwrap();
        assert_eq!(unknown.fact, "unknown verdict `passed`");
        assert_eq!(unknown.remedy.as_deref(), Some("one of pass, fail, error, skipped"));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(run in samples::run()) {
            let text = write(&run);
            let read = read(PATH, text.as_bytes());
            prop_assert_eq!(&read.problems, &[]);
            prop_assert_eq!(read.value, Some(run));
        }

        #[test]
        fn no_text_panics(text in "(\\PC|[\\[\\]{}=.\"'#\n\t ae0-9:T-]|id = |\\[\\[gate\\]\\]\n){0,60}") {
            let _ = read(PATH, text.as_bytes());
        }
    }
}
