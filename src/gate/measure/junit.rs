//! How each test ended, from JUnit XML, as nearly every test tool can write it.
//!
//! Only the cases count, not the sums that a suite claims.

use super::xml::{Node, attribute, walk};
use super::{ReportError, malformed};
use std::collections::BTreeSet;

/// The most cases of one report.
const MAX_CASES: usize = 1_000_000;
/// The most characters of a test's name.
const NAME_MAX: usize = 300;

/// How tests ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tests {
    /// How many were run: passed or failed, not skipped.
    pub run: u64,
    /// How many were left out.
    pub skipped: u64,
    /// Names of those that passed, and never failed.
    pub passed: BTreeSet<String>,
    /// Names of those that failed.
    pub failed: BTreeSet<String>,
}

/// How one case ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Passed,
    Failed,
    Skipped,
}

/// Reads all reports of one gate.
///
/// # Errors
/// When one is no JUnit XML.
pub fn tests(reports: &[Vec<u8>]) -> Result<Tests, ReportError> {
    let mut tests = Tests::default();
    for report in reports {
        read(&String::from_utf8_lossy(report), &mut tests)?;
    }
    let failed = std::mem::take(&mut tests.failed);
    tests.passed.retain(|name| !failed.contains(name));
    tests.failed = failed;
    Ok(tests)
}

fn read(text: &str, tests: &mut Tests) -> Result<(), ReportError> {
    let mut root = String::new();
    let mut case: Option<(String, State)> = None;
    walk(text.trim_start_matches('\u{feff}'), &mut |node| {
        match node {
            Node::Begin(name, _) if root.is_empty() => {
                (*name).clone_into(&mut root);
                if !matches!(*name, "testsuites" | "testsuite") {
                    return Err(malformed(format!("it is no JUnit XML: it begins with `{name}`")));
                }
            }
            Node::Begin("testcase", element) => {
                let [class, name] =
                    ["classname", "name"].map(|key| attribute(element, key).unwrap_or_default());
                let whole = if class.is_empty() { name } else { format!("{class}::{name}") };
                let clean = whole.chars().filter(|c| !crate::state::task::is_unprintable(*c));
                case = Some((clean.take(NAME_MAX).collect(), State::Passed));
            }
            Node::Begin("failure" | "error", _) => set(&mut case, State::Failed),
            Node::Begin("skipped", _) => set(&mut case, State::Skipped),
            Node::End("testcase") => {
                if let Some((name, state)) = case.take() {
                    count(tests, name, state)?;
                }
            }
            Node::Begin(..) | Node::End(_) => {}
        }
        Ok(())
    })?;
    if root.is_empty() { Err(malformed("it is empty")) } else { Ok(()) }
}

fn set(case: &mut Option<(String, State)>, state: State) {
    if let Some((_, now)) = case.as_mut().filter(|(_, now)| *now != State::Failed) {
        *now = state;
    }
}

fn count(tests: &mut Tests, name: String, state: State) -> Result<(), ReportError> {
    match state {
        State::Passed => {
            tests.run += 1;
            tests.passed.insert(name);
        }
        State::Failed => {
            tests.run += 1;
            tests.failed.insert(name);
        }
        State::Skipped => tests.skipped += 1,
    }
    if tests.run + tests.skipped > MAX_CASES as u64 {
        return Err(malformed(format!("it has more than {MAX_CASES} tests")));
    }
    Ok(())
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn cases_are_counted_and_named_over_all_reports() {
        let first = r#"<?xml version="1.0"?><testsuites tests="99"><testsuite name="s" tests="99" failures="0">
            <testcase classname="a.B" name="works &amp; lasts" time="0.1"/>
            <testcase classname="a.B" name="breaks"><failure message="x">no</failure><system-out>y</system-out></testcase>
            <testcase name="later"><skipped/></testcase></testsuite></testsuites>"#;
        let second = r#"<testsuite><testcase classname="a.B" name="errs"><error/></testcase>
            <testcase classname="p" name="twice"/><testcase classname="p" name="twice"><failure/></testcase></testsuite>"#;
        let tests = tests(&[first.into(), second.into()]).unwrap();
        assert_eq!((tests.run, tests.skipped), (5, 1));
        assert_eq!(tests.passed.into_iter().collect::<Vec<_>>(), ["a.B::works & lasts"]);
        assert_eq!(tests.failed.into_iter().collect::<Vec<_>>(), ["a.B::breaks", "a.B::errs", "p::twice"]);
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for report in ["", "ok", "<html/>", "<testsuite>", "{}"] {
            assert!(tests(&[report.into()]).is_err(), "{report}");
        }
        assert_eq!(tests(&["<testsuite/>".into()]).unwrap(), Tests::default(), "nothing was run");
        assert_eq!(tests(&[]).unwrap(), Tests::default());
    }

    #[test]
    fn names_steer_no_terminal() {
        let report = "<testsuite><testcase name='a&#x1b;[2Jb\u{202e}c'/></testsuite>";
        let tests = tests(&[report.into()]).unwrap();
        assert!(tests.passed.iter().all(|name| !name.contains(['\u{1b}', '\u{202e}'])), "{tests:?}");
    }
}
