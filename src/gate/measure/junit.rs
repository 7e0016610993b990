//! How each test ended, from JUnit XML, as nearly every test tool can write it.
//!
//! The cases count, not the sums that a suite claims; but what a suite itself says went wrong, or claims to
//! have failed and shows no case of, has failed.

use super::xml::{Node, attribute, walk};
use super::{ReportError, malformed};
use quick_xml::events::BytesStart;
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

/// What is known while a report is read.
#[derive(Default)]
struct Reading {
    root: String,
    case: Option<(String, State)>,
    /// How deep suites lie in each other just now, with the name of the innermost that has one.
    suites: Vec<String>,
    /// How many failures the outermost suites that say so claim, and at which depth one of them is.
    claimed: u64,
    claims_at: Option<usize>,
    /// How many were shown.
    shown: u64,
}

fn read(text: &str, tests: &mut Tests) -> Result<(), ReportError> {
    let mut at = Reading::default();
    walk(text.trim_start_matches('\u{feff}'), &mut |node| {
        match node {
            Node::Begin(name, _) if at.root.is_empty() && !matches!(*name, "testsuites" | "testsuite") => {
                return Err(malformed(format!("it is no JUnit XML: it begins with `{name}`")));
            }
            Node::Begin(name @ ("testsuites" | "testsuite"), element) => {
                (*name).clone_into(&mut at.root);
                at.enter(element);
            }
            Node::Begin("testcase", element) => {
                let [class, name] =
                    ["classname", "name"].map(|key| attribute(element, key).unwrap_or_default());
                let whole = if class.is_empty() { name } else { format!("{class}::{name}") };
                at.case = Some((clean(&whole), State::Passed));
            }
            Node::Begin("failure" | "error", _) => {
                at.shown += 1;
                match &mut at.case {
                    Some(case) => case.1 = State::Failed,
                    // Something went wrong outside of all cases: an import, a fixture.
                    None => count(tests, at.suite(), State::Failed)?,
                }
            }
            Node::Begin("skipped", _) => at.skip(),
            Node::End("testcase") => {
                if let Some((name, state)) = at.case.take() {
                    count(tests, name, state)?;
                }
            }
            Node::End("testsuites" | "testsuite") => at.leave(),
            Node::Begin(..) | Node::End(_) => {}
        }
        Ok(())
    })?;
    if at.root.is_empty() {
        return Err(malformed("it is empty"));
    }
    if at.claimed > at.shown {
        let name = format!("{} more than it shows a case of", at.claimed - at.shown);
        count(tests, name, State::Failed)?;
    }
    Ok(())
}

impl Reading {
    fn enter(&mut self, element: &BytesStart<'_>) {
        let name = attribute(element, "name").map(|name| clean(&name)).filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| self.suite());
        self.suites.push(name);
        let sums = ["failures", "errors"].map(|key| attribute(element, key));
        if self.claims_at.is_none() && sums.iter().any(Option::is_some) {
            self.claims_at = Some(self.suites.len());
            let sum: u64 = sums.iter().flatten().filter_map(|sum| sum.trim().parse::<u64>().ok()).sum();
            self.claimed = self.claimed.saturating_add(sum);
        }
    }

    fn leave(&mut self) {
        self.claims_at = self.claims_at.filter(|depth| *depth != self.suites.len());
        self.suites.pop();
    }

    fn suite(&self) -> String {
        self.suites.last().cloned().unwrap_or_else(|| "a suite".to_owned())
    }

    fn skip(&mut self) {
        if let Some((_, state)) = self.case.as_mut().filter(|(_, state)| *state != State::Failed) {
            *state = State::Skipped;
        }
    }
}

/// A name that can be shown.
fn clean(name: &str) -> String {
    name.chars().filter(|c| !crate::state::task::is_unprintable(*c)).take(NAME_MAX).collect()
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
    fn what_a_suite_says_went_wrong_has_failed_without_a_case() {
        let failed = |report: &str| tests(&[report.into()]).unwrap().failed.into_iter().collect::<Vec<_>>();
        let suite_level = r#"<testsuites><testsuite name="s" errors="1"><error message="import failed"/></testsuite>
            <testsuite><testcase name="a"/></testsuite></testsuites>"#;
        assert_eq!(failed(suite_level), ["s"]);
        let claimed = r#"<testsuite tests="3" failures="1" errors="2"><testcase name="a"/></testsuite>"#;
        assert_eq!(failed(claimed), ["3 more than it shows a case of"]);
        // The sum of the whole counts once, and a suite's own within it does not count again.
        let nested = r#"<testsuites failures="1"><testsuite failures="1"><testcase name="a"><failure/></testcase>
            </testsuite></testsuites>"#;
        assert_eq!(failed(nested), ["a"]);
        let several = r#"<testsuites><testsuite failures="1"><testcase name="a"><failure/></testcase></testsuite>
            <testsuite failures="1"><testcase name="b"/></testsuite></testsuites>"#;
        assert_eq!(failed(several), ["1 more than it shows a case of", "a"]);
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
