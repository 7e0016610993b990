//! Red-green proof: the tests of a change fail without it, and pass with it.
//!
//! In: how a gate ended on the change (green) and on the base with the change's test files alone
//! (red). Out: the verdict with which tests turned. Invariant: a red run that could not run, or ran
//! into a limit, proves nothing.

use super::Verdict;
use super::ask::{Reports, names};
use super::measure::Tests;
use super::test_file::TestFiles;
use crate::effects::{Change, Edit, Ended, Finished};
use crate::state::run::VerdictKind;
use crate::state::task::Kind;
use bstr::ByteSlice;
use std::collections::BTreeSet;

/// What the proof is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// These files of the change, put into the base.
    Files(Vec<Edit>),
    /// It does not apply; why.
    Exempt(&'static str),
    /// The change has no tests, and needs some.
    NoTests,
}

/// What is to be proved about a change. Tasks that change what the program does need tests that show
/// it; others only move, describe or test what is there already. Without a task, tests are proved
/// where there are some.
#[must_use]
pub fn proof(kind: Option<Kind>, changes: &[Change], tests: &TestFiles) -> Proof {
    let edits: Vec<Edit> = changes
        .iter()
        .filter(|change| change.new.is_some() && change.path.to_str().is_ok_and(|path| tests.has(path)))
        .map(|change| Edit { path: change.path.clone(), new: change.new })
        .collect();
    let needed = match kind {
        None => edits.is_empty().then_some("the change has no test files"),
        Some(Kind::Feature | Kind::Bug | Kind::Epic) => None,
        Some(Kind::Refactor) => Some("a refactoring changes nothing that a test could see"),
        Some(Kind::Test) => Some("tests of what is there already pass on the base, too"),
        Some(Kind::Docs | Kind::Chore | Kind::Research | Kind::Review) => {
            Some("a task of this kind needs no tests")
        }
    };
    match needed {
        Some(why) => Proof::Exempt(why),
        None if edits.is_empty() => Proof::NoTests,
        None => Proof::Files(edits),
    }
}

/// Says that the proof does not apply.
pub fn exempt(verdict: &mut Verdict, why: &str) {
    verdict.add(&format!("red-green: not asked for, {why}"));
}

/// Refuses a change that has no tests.
pub fn no_tests(verdict: &mut Verdict) {
    verdict.kind = VerdictKind::Fail;
    verdict.add(
        "red-green: the change has no test files, and needs a test that fails without it \
         (one beside the code that it tests, in the same file, cannot be run without that code)",
    );
}

/// Judges the red run.
pub fn judge(verdict: &mut Verdict, red: &Finished, before: &Reports, green: &Reports) {
    let turned = match (&before.tests, &green.tests) {
        (Some(Ok(before)), Some(Ok(green))) => Some(turned(before, green)),
        _ => None,
    };
    let why = match &red.ended {
        Ended::Exited(0) => {
            Some("the change's tests pass on the base as well, so they show nothing".to_owned())
        }
        Ended::Exited(126 | 127) | Ended::NotStarted(_) | Ended::Interrupted => {
            verdict.kind = VerdictKind::Error;
            verdict.add(&format!("red-green: the gate could not run on the base: {}", red.ended));
            return;
        }
        Ended::TimedOut | Ended::Silent | Ended::Flooded | Ended::Stopped(_) | Ended::Dismissed => {
            Some(format!(
                "on the base the gate {}, which shows nothing",
                if red.ended == Ended::TimedOut { "timed out".to_owned() } else { red.ended.to_string() }
            ))
        }
        Ended::Exited(_) | Ended::Signalled(_) => turned
            .as_ref()
            .filter(|turned| turned.is_empty())
            .map(|_| "the gate fails on the base, but not by a test that passes with the change".to_owned()),
    };
    match (why, turned) {
        (Some(why), _) => {
            verdict.kind = VerdictKind::Fail;
            verdict.add(&format!("red-green: {why}"));
        }
        (None, Some(turned)) => {
            // What the base's report does not have was not run there, for whatever reason.
            let failed =
                |test: &&String| matches!(&before.tests, Some(Ok(all)) if all.failed.contains(*test));
            let named: Vec<&str> = turned.iter().filter(failed).map(String::as_str).collect();
            verdict.add(&if named.is_empty() {
                format!(
                    "red-green: on the base not every test could be run ({}), with the change they pass",
                    red.ended
                )
            } else {
                format!("red-green: red on the base, green with the change: {}", names(&named))
            });
        }
        (None, None) => {
            verdict.add(&format!(
                "red-green: with the change's tests the base fails ({}), with the whole change they pass",
                red.ended
            ));
        }
    }
}

/// The tests that pass with the change and did not pass without it.
fn turned(before: &Tests, green: &Tests) -> BTreeSet<String> {
    green.passed.difference(&before.passed).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::super::measure::tests as read;
    use super::*;
    use crate::effects::Oid;

    fn finished(ended: Ended) -> Finished {
        Finished { ended, stdout: Vec::new(), stderr: Vec::new(), duration_ms: 1, survivors: 0 }
    }

    fn reports(passed: &[&str], failed: &[&str]) -> Reports {
        let cases = |names: &[&str], inside: &str| -> String {
            names.iter().map(|name| format!("<testcase name='{name}'>{inside}</testcase>")).collect()
        };
        let text = format!("<testsuite>{}{}</testsuite>", cases(passed, ""), cases(failed, "<failure/>"));
        Reports { tests: Some(read(&[text.into_bytes()]).map_err(|error| error.to_string())), coverage: None }
    }

    fn judged(red: Ended, before: &Reports, green: &Reports) -> (VerdictKind, String) {
        let mut verdict = Verdict::pass("test");
        judge(&mut verdict, &finished(red), before, green);
        (verdict.kind, verdict.evidence.trim_start_matches("red-green: ").to_owned())
    }

    #[test]
    fn tests_that_turned_are_named() {
        let (kind, said) =
            judged(Ended::Exited(1), &reports(&["old"], &["new"]), &reports(&["old", "new", "other"], &[]));
        assert_eq!(
            (kind, said.as_str()),
            (VerdictKind::Pass, "red on the base, green with the change: `new`")
        );
    }

    #[test]
    fn without_reports_the_gate_itself_turned() {
        let none = Reports::default();
        let (kind, said) = judged(Ended::Exited(101), &none, &none);
        assert_eq!(kind, VerdictKind::Pass);
        assert_eq!(
            said,
            "with the change's tests the base fails (exit 101), with the whole change they pass"
        );
    }

    #[test]
    fn what_does_not_turn_shows_nothing() {
        let none = Reports::default();
        for red in [Ended::Exited(0), Ended::TimedOut, Ended::Flooded] {
            assert_eq!(judged(red, &none, &none).0, VerdictKind::Fail);
        }
        let same = reports(&["old"], &[]);
        let (kind, said) = judged(Ended::Exited(1), &same, &same);
        assert_eq!(kind, VerdictKind::Fail);
        assert!(said.contains("not by a test that passes"), "{said}");
        for red in [Ended::Exited(127), Ended::Interrupted] {
            assert_eq!(judged(red, &none, &none).0, VerdictKind::Error);
        }
    }

    #[test]
    fn only_tasks_that_change_what_the_program_does_need_tests() {
        let change = |path: &str| Change {
            path: path.into(),
            old: None,
            new: Some((0o100_644, Oid::from_bytes(&[1; 20]))),
        };
        let usual = TestFiles::new(&[]);
        let code = [change("src/a.py")];
        let both = [change("src/a.py"), change("tests/test_a.py")];
        let gone = [Change {
            new: None,
            old: Some((0o100_644, Oid::from_bytes(&[1; 20]))),
            ..change("tests/test_a.py")
        }];
        for kind in [Kind::Feature, Kind::Bug] {
            assert_eq!(proof(Some(kind), &code, &usual), Proof::NoTests);
            assert_eq!(proof(Some(kind), &gone, &usual), Proof::NoTests);
            let Proof::Files(files) = proof(Some(kind), &both, &usual) else { panic!("there is a test") };
            assert_eq!(
                files.iter().map(|edit| edit.path.to_string()).collect::<Vec<_>>(),
                ["tests/test_a.py"]
            );
        }
        for kind in [Kind::Refactor, Kind::Test, Kind::Docs, Kind::Chore] {
            assert!(matches!(proof(Some(kind), &both, &usual), Proof::Exempt(_)));
        }
        assert!(matches!(proof(None, &code, &usual), Proof::Exempt(_)));
        assert!(matches!(proof(None, &both, &usual), Proof::Files(_)));
    }
}
