//! What a gate asks of the reports that its command wrote: tests run and passed, lines covered.
//!
//! In: a verdict on the command, its reports, what the base measured. Out: the verdict with numbers,
//! and with a reason where they are not good enough. Invariant: a report that was asked for and
//! cannot be read is not a pass; nothing here turns a verdict into a pass.

use super::Verdict;
use super::command::PASSED;
use super::measure::{Coverage, Tests, share};
use super::touched::Touched;
use crate::config::{CoverageConfig, GateConfig};
use crate::state::run::{GateRecord, VerdictKind};

/// How many names are shown.
const SHOWN: usize = 10;

/// What a gate's command wrote, or why it cannot be used.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reports {
    /// Its tests, where the gate has `junit`.
    pub tests: Option<Result<Tests, String>>,
    /// Its covered lines, where the gate has `coverage`.
    pub coverage: Option<Result<Coverage, String>>,
}

/// What the same gate measured on the base.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measured {
    /// Tests that were run.
    pub tests: Option<u64>,
    /// The share of lines that were run, in per cent.
    pub coverage: Option<f64>,
}

impl Measured {
    /// What a gate measured. Tests are those of its report or, where it has none, those that it counts as passed.
    #[must_use]
    pub fn of(record: &GateRecord) -> Self {
        let counted = record.metric.as_ref().filter(|(name, _)| name == PASSED).map(|(_, value)| *value);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "what no tests can be that many counts as very many"
        )]
        let counted = counted.map(|count| count as u64);
        Self { tests: record.tests.or(counted), coverage: record.coverage }
    }
}

/// How many tests fewer than on the base may be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fewer {
    /// Any number: a person allowed it.
    Allowed,
    /// So many, as that many went for good reasons.
    Explained(u64),
}

/// Whether a verdict depends on what the base measures.
#[must_use]
pub fn compares(gate: &GateConfig) -> bool {
    let counts = gate.metric.as_ref().is_some_and(|metric| metric.name == PASSED);
    counts || asks_for_reports(gate)
}

/// Whether a verdict depends on what the base says in reports.
#[must_use]
pub fn asks_for_reports(gate: &GateConfig) -> bool {
    gate.junit.is_some() || gate.coverage.as_ref().is_some_and(|asked| asked.max_drop.is_some())
}

/// Puts what the reports say into a verdict.
pub fn examine(verdict: &mut Verdict, gate: &GateConfig, reports: &Reports, touched: &[Touched], root: &str) {
    match &reports.tests {
        Some(Ok(tests)) => examine_tests(verdict, tests),
        Some(Err(why)) => unusable(verdict, gate.junit.as_deref().unwrap_or_default(), why),
        None => {}
    }
    match (&reports.coverage, &gate.coverage) {
        (Some(Ok(coverage)), Some(asked)) => examine_coverage(verdict, asked, coverage, touched, root),
        (Some(Err(why)), Some(asked)) => unusable(verdict, &asked.file, why),
        _ => {}
    }
    if verdict.metric.is_none() {
        let coverage = verdict.coverage.map(|percent| ("coverage".to_owned(), percent));
        #[expect(clippy::cast_precision_loss, reason = "there are fewer tests than a float can count")]
        let tests = verdict.tests.map(|tests| ("tests".to_owned(), tests as f64));
        verdict.metric = coverage.or(tests);
    }
}

fn unusable(verdict: &mut Verdict, file: &str, why: &str) {
    if verdict.kind == VerdictKind::Pass {
        verdict.kind = VerdictKind::Error;
        verdict.add(&format!("its report `{file}` cannot be used: {why}"));
    }
}

fn examine_tests(verdict: &mut Verdict, tests: &Tests) {
    verdict.tests = Some(tests.run);
    let failed: Vec<&str> = tests.failed.iter().map(String::as_str).collect();
    if !failed.is_empty() {
        let count = if failed.len() == 1 { "1 test".to_owned() } else { format!("{} tests", failed.len()) };
        if verdict.kind == VerdictKind::Pass {
            refuse(verdict, "the command ended well although tests failed");
        }
        verdict.add(&format!("{count} failed: {}", names(&failed)));
    } else if tests.run == 0 {
        let skipped =
            if tests.skipped > 0 { format!(", {} were skipped", tests.skipped) } else { String::new() };
        refuse(verdict, &format!("no test was run{skipped}"));
    }
}

fn examine_coverage(
    verdict: &mut Verdict,
    asked: &CoverageConfig,
    coverage: &Coverage,
    touched: &[Touched],
    root: &str,
) {
    let percent = coverage.percent();
    verdict.coverage = Some(cut(percent));
    if let Some(min) = asked.min.filter(|min| percent < *min) {
        refuse(verdict, &format!("{} % of all lines are covered, less than {min} %", cut(percent)));
    }
    let Some(min) = asked.changed_min else { return };
    let (mut all, mut missed) = (Vec::new(), Vec::new());
    for file in touched {
        let Some(lines) = coverage.of(&file.path, root) else { continue };
        for line in &file.lines {
            if let Some(hit) = lines.get(line) {
                all.push(*hit);
                if !hit {
                    missed.push(format!("{}:{line}", file.path));
                }
            }
        }
    }
    let percent = share(all.iter().copied());
    if percent < min {
        let missed: Vec<&str> = missed.iter().map(String::as_str).collect();
        let fact = format!(
            "{} % of the {} changed lines that can run are covered, less than {min} %",
            cut(percent),
            all.len()
        );
        refuse(verdict, &format!("{fact}: not {}", names(&missed)));
    }
}

/// Compares a verdict with what the base measured, where it measured anything. That there are fewer tests is only
/// told where it may be; `may` is asked where there are.
///
/// # Errors
/// When it cannot be said whether it may be.
pub fn compare<E>(
    verdict: &mut Verdict,
    gate: &GateConfig,
    base: Measured,
    may: impl FnOnce() -> Result<Fewer, E>,
) -> Result<(), E> {
    if verdict.kind != VerdictKind::Pass {
        return Ok(());
    }
    // A run that no longer tells how many there were is not known to have run any.
    let now = Measured::of(&verdict.record()).tests.unwrap_or(0);
    if let Some(before) = base.tests.filter(|before| now < *before) {
        let fact = format!("fewer tests were run than on the base: {now}, there {before}");
        match may()? {
            Fewer::Allowed => verdict.add(&format!("{fact} (allowed)")),
            Fewer::Explained(count) if before - now <= count => {
                verdict.add(&format!("{fact} (the change says why)"));
            }
            Fewer::Explained(_) => {
                refuse(verdict, &format!("{fact}; a person can allow that: allow = [\"tests-removed\"]"));
            }
        }
    }
    let most = gate.coverage.as_ref().and_then(|coverage| coverage.max_drop);
    if let (Some(most), Some(now), Some(before)) = (most, verdict.coverage, base.coverage)
        && rounded(before - now) > most
    {
        let drop = rounded(before - now);
        refuse(verdict, &format!("coverage fell by {drop} % to {now} %, {most} % are allowed"));
    }
    Ok(())
}

fn refuse(verdict: &mut Verdict, why: &str) {
    if verdict.kind == VerdictKind::Pass {
        verdict.kind = VerdictKind::Fail;
    }
    verdict.add(why);
}

/// What is shown of a share is never more than it is.
fn cut(percent: f64) -> f64 {
    // No fraction of counts of lines comes as near to a hundredth below it.
    (percent * 100.0 + 1e-9).floor() / 100.0
}

fn rounded(percent: f64) -> f64 {
    (percent * 100.0).round() / 100.0
}

/// The first of some names, and how many more there are.
pub(super) fn names(all: &[&str]) -> String {
    let more = all.len().saturating_sub(SHOWN);
    let shown = all.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::super::measure::{coverage, tests};
    use super::*;

    fn gate(coverage: CoverageConfig) -> GateConfig {
        GateConfig { junit: Some("j.xml".to_owned()), coverage: Some(coverage), ..GateConfig::new("t", "t") }
    }

    fn asked(min: Option<f64>, changed_min: Option<f64>, max_drop: Option<f64>) -> GateConfig {
        gate(CoverageConfig { file: "l.info".to_owned(), min, changed_min, max_drop })
    }

    fn lcov() -> Reports {
        let report = b"SF:src/a.rs\nDA:1,1\nDA:2,0\nDA:3,1\nDA:4,1\nend_of_record\n";
        Reports { tests: None, coverage: Some(coverage(report).map_err(|error| error.to_string())) }
    }

    fn junit(cases: &str) -> Reports {
        let report = format!("<testsuite>{cases}</testsuite>").into_bytes();
        Reports { tests: Some(tests(&[report]).map_err(|error| error.to_string())), coverage: None }
    }

    fn after(gate: &GateConfig, reports: &Reports, touched: &[Touched]) -> Verdict {
        let mut verdict = Verdict::pass("t");
        examine(&mut verdict, gate, reports, touched, "/w");
        verdict
    }

    #[test]
    fn a_command_that_ends_well_while_tests_failed_does_not_pass() {
        let gate = GateConfig { junit: Some("j.xml".to_owned()), ..GateConfig::new("t", "t") };
        let reports = junit("<testcase name='a'/><testcase name='b'><failure/></testcase>");
        let verdict = after(&gate, &reports, &[]);
        assert_eq!((verdict.kind, verdict.tests), (VerdictKind::Fail, Some(2)));
        assert_eq!(verdict.evidence, "the command ended well although tests failed\n1 test failed: `b`");
    }

    #[test]
    fn no_test_run_is_not_a_pass() {
        let gate = GateConfig { junit: Some("j.xml".to_owned()), ..GateConfig::new("t", "t") };
        for (cases, why) in [
            ("", "no test was run"),
            ("<testcase name='a'><skipped/></testcase>", "no test was run, 1 were skipped"),
        ] {
            let verdict = after(&gate, &junit(cases), &[]);
            assert_eq!((verdict.kind, verdict.evidence.as_str()), (VerdictKind::Fail, why));
        }
    }

    #[test]
    fn a_report_that_is_not_there_is_an_error_and_no_pass() {
        let reports = Reports { tests: None, coverage: Some(Err("it was not written".to_owned())) };
        let verdict = after(&asked(None, None, None), &reports, &[]);
        assert_eq!(verdict.kind, VerdictKind::Error);
        assert_eq!(verdict.evidence, "its report `l.info` cannot be used: it was not written");
    }

    #[test]
    fn coverage_is_compared_as_it_is_and_shown_as_no_more_than_that() {
        let report = b"SF:src/a.rs\nDA:1,1\nDA:2,0\nDA:3,1\nend_of_record\n";
        let reports = Reports { tests: None, coverage: Some(coverage(report).map_err(|e| e.to_string())) };
        let low = after(&asked(Some(66.67), None, None), &reports, &[]);
        assert_eq!(low.evidence, "66.66 % of all lines are covered, less than 66.67 %");
        assert_eq!(after(&asked(Some(66.66), None, None), &reports, &[]).kind, VerdictKind::Pass);
        for (percent, shown) in [(84.996, 84.99), (87.2, 87.2), (0.29, 0.29), (100.0, 100.0)] {
            assert!((cut(percent) - shown).abs() < 1e-9, "{percent}");
        }
    }

    #[test]
    fn coverage_is_asked_of_all_lines_and_of_those_that_changed() {
        let reports = lcov();
        let fine = after(&asked(Some(75.0), None, None), &reports, &[]);
        assert_eq!((fine.kind, fine.coverage), (VerdictKind::Pass, Some(75.0)));
        assert_eq!(fine.metric, Some(("coverage".to_owned(), 75.0)));
        let low = after(&asked(Some(75.1), None, None), &reports, &[]);
        assert_eq!(
            (low.kind, low.evidence.as_str()),
            (VerdictKind::Fail, "75 % of all lines are covered, less than 75.1 %")
        );
        let touched = |lines: &[u32]| [Touched { path: "src/a.rs".to_owned(), lines: lines.to_vec() }];
        let changed = asked(None, Some(90.0), None);
        assert_eq!(after(&changed, &reports, &touched(&[1, 3, 99])).kind, VerdictKind::Pass);
        let missed = after(&changed, &reports, &touched(&[1, 2]));
        let why = "50 % of the 2 changed lines that can run are covered, less than 90 %: not `src/a.rs:2`";
        assert_eq!((missed.kind, missed.evidence.as_str()), (VerdictKind::Fail, why));
        assert_eq!(
            after(&changed, &reports, &[]).kind,
            VerdictKind::Pass,
            "nothing that can run was touched"
        );
    }

    #[test]
    fn less_than_on_the_base_is_found() {
        let gate = asked(None, None, Some(0.5));
        let now = || Verdict { tests: Some(9), coverage: Some(80.0), ..Verdict::pass("t") };
        for (tests, coverage, why) in [
            (Some(9), Some(80.5), ""),
            (
                Some(10),
                None,
                "fewer tests were run than on the base: 9, there 10; a person can allow that: allow = [\"tests-removed\"]",
            ),
            (None, Some(80.51), "coverage fell by 0.51 % to 80 %, 0.5 % are allowed"),
            (None, None, ""),
        ] {
            let mut verdict = now();
            let may = || Ok::<_, ()>(Fewer::Explained(0));
            compare(&mut verdict, &gate, Measured { tests, coverage }, may).unwrap();
            let kind = if why.is_empty() { VerdictKind::Pass } else { VerdictKind::Fail };
            assert_eq!((verdict.kind, verdict.evidence.as_str()), (kind, why));
        }
        let mut silent = Verdict::pass("t");
        let base = Measured { tests: Some(10), coverage: None };
        compare(&mut silent, &gate, base, || Ok::<_, ()>(Fewer::Explained(0))).unwrap();
        assert!(silent.evidence.starts_with("fewer tests were run than on the base: 0, there 10"));
        for (may, then) in [(Fewer::Allowed, "allowed"), (Fewer::Explained(1), "the change says why")] {
            let mut verdict = now();
            let base = Measured { tests: Some(10), coverage: None };
            compare(&mut verdict, &gate, base, || Ok::<_, ()>(may)).unwrap();
            assert_eq!(verdict.kind, VerdictKind::Pass);
            let fact = "fewer tests were run than on the base: 9, there 10";
            assert_eq!(verdict.evidence, format!("{fact} ({then})"));
        }
    }

    #[test]
    fn tests_that_passed_are_counted_where_there_is_no_report() {
        let passed = Verdict { metric: Some(("passed".to_owned(), 7.0)), ..Verdict::pass("t") };
        assert_eq!(Measured::of(&passed.record()).tests, Some(7));
        let reported = Verdict { tests: Some(9), ..passed };
        assert_eq!(Measured::of(&reported.record()).tests, Some(9));
        let other = Verdict { metric: Some(("warnings".to_owned(), 7.0)), ..Verdict::pass("t") };
        assert_eq!(Measured::of(&other.record()), Measured::default());
    }

    #[test]
    fn names_are_shown_up_to_a_number() {
        let all: Vec<String> = (0..12).map(|n| n.to_string()).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert!(names(&all).ends_with("`9` and 2 more"));
    }
}
