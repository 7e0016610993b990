//! One task, or one run, whole.
//!
//! In: what was gathered about it. Out: a page for a terminal. Invariant: text of tasks, agents and
//! gates is made safe line by line here; facts stand before prose, the newest run first.

pub mod gather;

use super::graph::{Look, text::style};
use super::log::look as outcome_look;
use super::table::{Cell, Table, paint};
use super::{plural, safe, spell_age, spell_count, spell_ms, spell_usd, timed};
use crate::select::priority_word;
use crate::state::checkpoint::Checkpoint;
use crate::state::run::{GateRecord, Run, Tokens, VerdictKind};
use crate::state::task::Task;
use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use std::fmt::Write as _;

/// How many tasks, runs or lines of a kind are shown before they are counted.
const LISTED_MAX: usize = 12;
const EVIDENCE_LINES: usize = 12;

/// How a page is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Columns of the terminal, if it has any.
    pub width: Option<usize>,
    /// Whether colours can be shown.
    pub colour: bool,
    /// Now.
    pub now: Timestamp,
}

/// Another task, as far as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it looks like.
    pub look: Look,
    /// Where it stands, in the word of a list.
    pub word: String,
}

/// Everything about a task.
#[derive(Debug, Clone)]
pub struct TaskPage {
    /// The task.
    pub task: Task,
    /// What it looks like.
    pub look: Look,
    /// Its status in a word; an epic's is derived, and what is being worked on is in progress.
    pub status: &'static str,
    /// The same in the word of a list, which knows what waits and what is ready.
    pub word: String,
    /// Where it stands when everything around it is taken into account, in a word.
    pub standing: &'static str,
    /// Why it is not run; none if it may be.
    pub why: Option<String>,
    /// Where its file is.
    pub path: String,
    /// Its epic.
    pub parent: Option<Other>,
    /// What has to be done first.
    pub needs: Vec<Other>,
    /// What has to be done first and is not there.
    pub missing: Vec<String>,
    /// What waits for it.
    pub needed_by: Vec<Other>,
    /// What is part of it.
    pub children: Vec<Other>,
    /// Its checkpoints, the newest last.
    pub checkpoints: Vec<Checkpoint>,
    /// Its runs, the newest first.
    pub runs: Vec<Run>,
    /// Refs that hold work which is not on the branch.
    pub kept: Vec<String>,
}

impl Page {
    fn bold(self, text: &str) -> String {
        paint(text, Style::new().bold(), self.colour)
    }

    fn dim(self, text: &str) -> String {
        paint(text, Style::new().dimmed(), self.colour)
    }

    fn heading(self, out: &mut String, text: &str) {
        let _ = writeln!(out, "\n{}", self.bold(text));
    }

    fn facts(self, facts: &[(&str, String)]) -> String {
        let mut table = Table::new();
        for (name, text) in facts.iter().filter(|(_, text)| !text.is_empty()) {
            table.row([Cell::new(name).styled(Style::new().dimmed()), Cell::new(text)]);
        }
        // Facts are never cut: whoever asks for one task wants all of it.
        table.render(None, self.colour)
    }

    fn ago(self, time: Timestamp) -> String {
        spell_age(self.now.as_second() - time.as_second())
    }

    fn when(self, time: Timestamp) -> String {
        format!("{} ({} ago)", time.strftime("%Y-%m-%d %H:%M UTC"), self.ago(time))
    }

    fn others(self, out: &mut String, name: &str, others: &[Other]) {
        if others.is_empty() {
            return;
        }
        self.heading(out, name);
        let mut table = Table::new();
        for other in others.iter().take(LISTED_MAX) {
            table.row([
                Cell::new(format!("  {}", other.look.glyph(false))).styled(style(other.look)),
                Cell::new(&other.id),
                Cell::new(&other.word).styled(style(other.look)),
                Cell::new(&other.title),
            ]);
        }
        out.push_str(&table.render(self.width, self.colour));
        if others.len() > LISTED_MAX {
            let more = format!("  and {} more", others.len() - LISTED_MAX);
            let _ = writeln!(out, "{}", self.dim(&more));
        }
    }
}

fn indent(out: &mut String, text: &str, by: &str) {
    for line in safe::lines(text.trim_end()).lines() {
        let _ = writeln!(out, "{}", format!("{by}{line}").trim_end());
    }
}

/// The page of a task.
#[must_use]
pub fn task(all: &TaskPage, page: Page) -> String {
    let task = &all.task;
    let glyph = paint(all.look.glyph(false), style(all.look), page.colour);
    let mut out = format!("{glyph} {}  {}\n", task.id, page.bold(&safe::text(&task.title)));
    let state = match &all.why {
        // That it is what it is says nothing; the reason has a line of its own.
        Some(why) if *why == format!("it is `{}`", all.status) => all.word.clone(),
        Some(why) if all.look == Look::Running || !all.task.status.is_closed() => {
            format!("{}: {why}", all.word)
        }
        Some(_) => all.word.clone(),
        None => format!("{}: a step may take it", all.word),
    };
    out.push('\n');
    out.push_str(&page.facts(&[
        ("status", state),
        ("reason", task.reason.clone().unwrap_or_default()),
        ("kind", task.kind.as_str().to_owned()),
        ("priority", format!("{} ({})", task.priority, priority_word(task.priority))),
        ("complexity", task.complexity.map(|number| format!("{number} of 10")).unwrap_or_default()),
        ("epic", all.parent.as_ref().map(|epic| format!("{}  {}", epic.id, epic.title)).unwrap_or_default()),
        ("labels", task.labels.join(", ")),
        ("estimate", estimate(task)),
        ("created", task.created.map(|time| page.when(time)).unwrap_or_default()),
        ("source", task.source.clone().unwrap_or_default()),
        ("file", all.path.clone()),
        ("run", task.run.clone().unwrap_or_default()),
    ]));
    if !task.description.trim().is_empty() {
        out.push('\n');
        indent(&mut out, &task.description, "  ");
    }
    prose(&mut out, page, "acceptance", &task.acceptance);
    prose(&mut out, page, "expected files", &task.files);
    page.others(&mut out, "needs", &all.needs);
    for missing in &all.missing {
        let _ = writeln!(out, "  ! {missing}  is not there");
    }
    page.others(&mut out, "needed by", &all.needed_by);
    page.others(&mut out, "contains", &all.children);
    checkpoint(&mut out, all, page);
    runs(&mut out, all, page);
    out
}

fn estimate(task: &Task) -> String {
    let Some(estimate) = &task.estimate else { return String::new() };
    let mut parts = Vec::new();
    parts.extend(estimate.tokens.map(|tokens| format!("≈{} tokens", spell_count(tokens))));
    parts.extend(estimate.files.map(|files| plural(files as usize, "file")));
    parts.extend(estimate.tests.as_ref().map(|tests| format!("tests {tests}")));
    parts.extend(estimate.docs.as_ref().map(|docs| format!("docs {docs}")));
    parts.extend(estimate.confidence.map(|share| format!("confidence {share:.2}")));
    parts.join(", ")
}

fn prose(out: &mut String, page: Page, name: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    page.heading(out, name);
    for line in lines {
        let _ = writeln!(out, "  - {}", safe::text(line));
    }
}

fn checkpoint(out: &mut String, all: &TaskPage, page: Page) {
    let Some(last) = all.checkpoints.last() else { return };
    let of = if all.checkpoints.len() > 1 { format!(" of {}", all.checkpoints.len()) } else { String::new() };
    let run = last.run.as_ref().map_or(String::new(), |run| format!(", run {run}"));
    page.heading(out, &format!("checkpoint {}{of}: {}{run}", last.number, last.reason.as_str()));
    indent(out, &last.summary, "  ");
    for next in &last.next {
        let _ = writeln!(out, "  next: {}", safe::text(next));
    }
    if !last.evidence.trim().is_empty() {
        indent(out, &last.evidence, "  | ");
    }
}

fn runs(out: &mut String, all: &TaskPage, page: Page) {
    if !all.runs.is_empty() {
        page.heading(out, "runs");
        let mut table = Table::new();
        for run in all.runs.iter().take(LISTED_MAX) {
            let (glyph, style) = outcome_look(run.outcome);
            table.row([
                Cell::new(format!("  {glyph}")).styled(style),
                Cell::new(run.id.as_str()),
                Cell::right(page.ago(run.finished)).styled(Style::new().dimmed()),
                Cell::new(&run.agent),
                Cell::right(spell_ms(took(run))),
                Cell::right(run.cost_usd.map(spell_usd).unwrap_or_default()),
                Cell::new(format!("{}: {}", run.outcome.as_str(), run.reason)),
            ]);
        }
        out.push_str(&table.render(page.width, page.colour));
        if all.runs.len() > LISTED_MAX {
            let more =
                format!("  and {} more: `orch log --task {}`", all.runs.len() - LISTED_MAX, all.task.id);
            let _ = writeln!(out, "{}", page.dim(&more));
        }
    }
    kept(out, &all.kept, page);
}

fn kept(out: &mut String, kept: &[String], page: Page) {
    if kept.is_empty() {
        return;
    }
    page.heading(out, "work that is not on the branch");
    for reference in kept.iter().take(LISTED_MAX) {
        let _ = writeln!(out, "  git show {reference}");
    }
}

fn took(run: &Run) -> u64 {
    u64::try_from(run.finished.as_millisecond() - run.started.as_millisecond()).unwrap_or_default()
}

/// What an agent printed, attempt by attempt.
#[must_use]
pub fn transcripts(all: &[String]) -> String {
    let mut out = String::new();
    for (number, text) in all.iter().enumerate() {
        if all.len() > 1 {
            let _ = writeln!(out, "--- attempt {} ---", number + 1);
        }
        let said = if text.is_empty() { "(it printed nothing)" } else { text };
        out.push_str(&safe::lines(said));
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
    out
}

/// The page of a run.
#[must_use]
pub fn run(run: &Run, title: Option<&str>, kept_at: &[String], page: Page) -> String {
    let (glyph, style) = outcome_look(run.outcome);
    let glyph = paint(glyph, style, page.colour);
    let verdict = format!("{}: {}", run.outcome.as_str(), safe::text(&run.reason));
    let mut out = format!("{glyph} {}  {}\n\n", run.id, page.bold(&verdict));
    let model =
        run.model.as_deref().map_or_else(|| run.adapter.clone(), |model| format!("{} {model}", run.adapter));
    let because =
        if run.chosen_because.is_empty() { String::new() } else { format!(": {}", run.chosen_because) };
    let more = (run.omitted_more > 0).then(|| format!("{} more", run.omitted_more));
    let left_out: Vec<String> = run.omitted.iter().cloned().chain(more).collect();
    let left_out =
        if left_out.is_empty() { String::new() } else { format!("; left out {}", left_out.join(", ")) };
    out.push_str(&page.facts(&[
        ("task", format!("{}  {}", run.task, title.unwrap_or_default()).trim_end().to_owned()),
        ("decides", run.decides.as_ref().map_or(String::new(), |work| format!("on the work of run {work}"))),
        ("started", page.when(run.started)),
        ("took", spell_ms(took(run))),
        ("agent", format!("{} ({model}){because}", run.agent)),
        ("prompt", format!("≈{} tokens: {}{left_out}", run.prompt_tokens, run.sections.join(", "))),
        ("used", used(run)),
        ("cost", run.cost_usd.map(spell_usd).unwrap_or_default()),
        ("changed", changed(run)),
        ("base", run.base.clone()),
        ("orch", run.orch.clone()),
    ]));
    if !run.attempts.is_empty() {
        page.heading(&mut out, "attempts");
        out.push_str(&attempts(run).render(page.width, page.colour));
    }
    if !run.gates.is_empty() {
        page.heading(&mut out, "gates");
        run.gates.iter().for_each(|each| gate(&mut out, each, page));
    }
    kept(&mut out, kept_at, page);
    out
}

fn changed(run: &Run) -> String {
    if run.files_changed == 0 {
        return "nothing".to_owned();
    }
    format!("{}, +{} -{}", plural(run.files_changed as usize, "file"), run.insertions, run.deletions)
}

fn used(run: &Run) -> String {
    let mut parts = Vec::new();
    parts.extend(spell_tokens(run.tokens()));
    parts.extend(run.estimated_tokens.map(|tokens| format!("estimated {}", spell_count(tokens))));
    parts.extend(run.context_peak.map(|peak| format!("{:.0} % of the context", peak * 100.0)));
    parts.extend((run.compactions > 0).then(|| plural(run.compactions as usize, "compaction")));
    parts.extend((run.rotations > 0).then(|| plural(run.rotations as usize, "rotation")));
    parts.join(", ")
}

fn spell_tokens(tokens: Tokens) -> Option<String> {
    let Tokens { input, cached, output, .. } = tokens;
    (input + cached + output > 0).then(|| {
        format!("tokens in {} cached {} out {}", spell_count(input), spell_count(cached), spell_count(output))
    })
}

fn attempts(run: &Run) -> Table {
    let mut table = Table::new();
    for (number, attempt) in run.attempts.iter().enumerate() {
        let rejected =
            attempt.rejected_by.as_ref().map_or(String::new(), |gate| format!("rejected by {gate}"));
        table.row([
            Cell::right(format!("  {}", number + 1)),
            Cell::right(spell_ms(attempt.duration_ms)),
            Cell::new(&attempt.ended),
            Cell::new(spell_tokens(attempt.tokens).unwrap_or_default()),
            Cell::new(attempt.role.as_ref().map_or(rejected, |role| {
                format!("{role} by {}", attempt.agent.as_deref().unwrap_or_default())
            })),
        ]);
    }
    table
}

fn gate(out: &mut String, gate: &GateRecord, page: Page) {
    let (glyph, style) = match gate.verdict {
        VerdictKind::Pass => ("✔", AnsiColor::Green.on_default()),
        VerdictKind::Skipped => ("·", Style::new().dimmed()),
        VerdictKind::Fail | VerdictKind::Error if gate.required => ("✖", AnsiColor::Red.on_default()),
        VerdictKind::Fail | VerdictKind::Error => ("!", AnsiColor::Yellow.on_default()),
    };
    let metric =
        gate.metric.as_ref().map_or(String::new(), |(name, value)| format!("  {} {value}", safe::text(name)));
    let time = match gate.verdict {
        VerdictKind::Skipped => "not run".to_owned(),
        VerdictKind::Pass | VerdictKind::Fail | VerdictKind::Error => spell_ms(gate.duration_ms),
    };
    let glyph = paint(glyph, style, page.colour);
    let how = gate.how().map_or(String::new(), |how| format!("  {how}"));
    let _ = writeln!(out, "  {glyph} {}{metric}{how}", timed(&safe::text(&gate.name), &time));
    let lines: Vec<&str> = gate.evidence.trim_end().lines().collect();
    if lines.len() > EVIDENCE_LINES {
        let _ = writeln!(out, "      … {} above", plural(lines.len() - EVIDENCE_LINES, "line"));
    }
    for line in &lines[lines.len().saturating_sub(EVIDENCE_LINES)..] {
        let _ = writeln!(out, "      {}", safe::text(line));
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::samples::{ATTACKS, task as sample};
    use super::*;
    use crate::state::checkpoint::CheckpointReason;
    use crate::state::id::{RunId, TaskId};
    use crate::state::run::{AttemptRecord, OutcomeKind};

    const PLAIN: Page = Page { width: Some(100), colour: false, now: Timestamp::UNIX_EPOCH };

    fn a_run() -> Run {
        let time = |text: &str| text.parse().unwrap();
        Run {
            id: RunId::new("01JD0000000000000000000000").unwrap(),
            task: TaskId::new("t-1").unwrap(),
            decides: None,
            base: "4f2c9e1b".into(),
            started: time("2026-11-20T10:00:00Z"),
            finished: time("2026-11-20T10:02:14Z"),
            outcome: OutcomeKind::Rejected,
            reason: "gate test failed".into(),
            agent: "sonnet".into(),
            adapter: "claude".into(),
            model: Some("model-5".into()),
            chosen_because: "the cheapest that can".into(),
            took_over: None,
            mode: None,
            sandbox: None,
            prompt_sha256: "ab".into(),
            input_sha256: None,
            failure: None,
            prompt_tokens: 398,
            sections: vec!["task".into(), "done".into()],
            omitted: vec!["learnings".into()],
            omitted_more: 2,
            attempts: vec![AttemptRecord {
                ended: "exit 0".into(),
                duration_ms: 130_000,
                tokens: Tokens { input: 12_034, cached: 88_123, output: 2_311, reasoning: 0 },
                rejected_by: Some("test".into()),
                ..AttemptRecord::default()
            }],
            context_peak: Some(0.42),
            compactions: 1,
            rotations: 0,
            claims: Vec::new(),
            cost_usd: Some(0.1234),
            gates: vec![
                GateRecord {
                    duration_ms: 8_200,
                    metric: Some(("passed".into(), 63.0)),
                    ..GateRecord::new("build", VerdictKind::Pass)
                },
                GateRecord {
                    duration_ms: 12_400,
                    evidence: "1 failed: burst_is_limited".into(),
                    ..GateRecord::new("test", VerdictKind::Fail)
                },
            ],
            tree: None,
            files_changed: 3,
            files: vec!["src/api/limit.rs".into()],
            insertions: 120,
            deletions: 4,
            estimated_tokens: Some(46_800),
            orch: "0.1.0".into(),
        }
    }

    fn a_task() -> TaskPage {
        let other = |id: &str, look: Look| Other {
            id: id.into(),
            title: format!("The task {id}"),
            look,
            word: look.word().into(),
        };
        let mut task = sample("t-1", "Rate-limit the public API", &["t-0"]);
        task.description = "More than 100 requests a minute.\n\nSee the notes.\n".into();
        task.acceptance = vec!["101 requests get a 429".into()];
        task.files = vec!["src/api/**".into()];
        task.labels = vec!["api".into()];
        task.complexity = Some(5);
        task.created = Some("2026-11-19T10:00:00Z".parse().unwrap());
        TaskPage {
            task,
            look: Look::Waiting,
            status: "pending",
            word: "waiting".into(),
            standing: "waiting",
            why: Some("waits for `t-0`".into()),
            path: ".orchestrator/tasks/t-1.toml".into(),
            parent: Some(other("e-1", Look::Epic)),
            needs: vec![other("t-0", Look::Ready)],
            missing: vec!["t-gone".into()],
            needed_by: (0..14).map(|n| other(&format!("t-{n}"), Look::Waiting)).collect(),
            children: Vec::new(),
            checkpoints: vec![Checkpoint {
                task: TaskId::new("t-1").unwrap(),
                number: 2,
                run: Some(RunId::new("01JD").unwrap()),
                reason: CheckpointReason::Rejected,
                base: None,
                work: None,
                summary: "The limiter is there.\n".into(),
                next: vec!["handle the burst case".into()],
                evidence: "gate `test`: 1 failed\n".into(),
            }],
            runs: vec![a_run()],
            kept: vec!["refs/orch/attempts/01JD".into()],
        }
    }

    fn page() -> Page {
        Page { now: "2026-11-21T10:00:00Z".parse().unwrap(), ..PLAIN }
    }

    #[test]
    fn the_whole_page_of_a_task() {
        insta::assert_snapshot!(task(&a_task(), page()));
    }

    #[test]
    fn the_whole_page_of_a_run() {
        let kept = ["refs/orch/attempts/01JD".to_owned()];
        insta::assert_snapshot!(run(&a_run(), Some("Rate-limit the public API"), &kept, page()));
    }

    #[test]
    fn a_task_with_nothing_but_a_title_has_a_short_page() {
        let all = TaskPage {
            task: sample("t-1", "Do it", &[]),
            look: Look::Ready,
            word: "ready".into(),
            why: None,
            parent: None,
            needs: Vec::new(),
            missing: Vec::new(),
            needed_by: Vec::new(),
            checkpoints: Vec::new(),
            runs: Vec::new(),
            kept: Vec::new(),
            ..a_task()
        };
        insta::assert_snapshot!(task(&all, page()));
    }

    #[test]
    fn no_text_of_others_steers_the_terminal() {
        for attack in ATTACKS {
            let attack = (*attack).to_owned();
            let (mut all, mut record) = (a_task(), a_run());
            all.task.description.clone_from(&attack);
            all.task.reason = Some(attack.clone());
            all.task.acceptance = vec![attack.clone()];
            all.checkpoints[0].evidence.clone_from(&attack);
            all.needs[0].title.clone_from(&attack);
            record.gates[1].evidence.clone_from(&attack);
            record.reason.clone_from(&attack);
            record.agent = attack;
            for text in [task(&all, page()), run(&record, None, &[], page())] {
                assert!(!text.chars().any(|c| c != '\n' && safe::is_dangerous(c)), "{text:?}");
            }
        }
    }

    #[test]
    fn transcripts_are_told_apart_where_there_are_several() {
        assert_eq!(transcripts(&["one".into()]), "one\n");
        assert_eq!(transcripts(&[String::new()]), "(it printed nothing)\n");
        let two = transcripts(&["a\u{1b}[2J\n".into(), "b".into()]);
        assert_eq!(two, "--- attempt 1 ---\na\\u{1b}[2J\n--- attempt 2 ---\nb\n");
    }

    #[test]
    fn long_evidence_shows_its_end() {
        let mut record = a_run();
        record.gates[1].evidence = (0..40).map(|n| format!("line {n}\n")).collect();
        let text = run(&record, None, &[], page());
        assert!(
            text.contains("… 28 lines above") && text.contains("line 39") && !text.contains("line 27\n"),
            "{text}"
        );
    }
}
