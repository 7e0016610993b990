//! Configured gates: a command in the candidate tree, with a time limit, its last lines as evidence,
//! and a number taken from what it printed.

use super::Verdict;
use super::builtin::{last_lines, plain};
use crate::config::{GateConfig, MetricConfig};
use crate::effects::{Ended, Finished, Input, Invocation, Stop};
use crate::state::run::VerdictKind;
use regex::Regex;
use std::path::PathBuf;

/// How many lines of a gate's output are kept as evidence.
const EVIDENCE_LINES: usize = 20;
/// The metric that counts the tests that passed.
pub const PASSED: &str = "passed";
/// The name of a group that is counted, instead of read as a number.
const EACH: &str = "each";
/// How lines begin that `go test -v` says of each test, and that say nothing once it has passed.
const CHATTER: [&str; 6] = ["=== RUN", "=== PAUSE", "=== CONT", "=== NAME", "--- PASS:", "--- SKIP:"];
/// The most that a gate may print, in bytes.
const OUTPUT_LIMIT: u64 = 256 << 20;

/// What to run for a gate.
#[must_use]
pub fn invocation(gate: &GateConfig, dir: PathBuf, env: Vec<(String, String)>) -> Invocation {
    Invocation {
        argv: vec!["sh".to_owned(), "-c".to_owned(), gate.run.clone()],
        dir,
        env,
        stdin: Input::Text(Vec::new()),
        timeout: gate.timeout,
        idle_timeout: None,
        output_limit: OUTPUT_LIMIT,
        stop: Stop::Terminate,
    }
}

/// A gate that was not reached because one that it needs did not pass.
#[must_use]
pub fn skipped(gate: &GateConfig, because: &str) -> Verdict {
    Verdict {
        kind: VerdictKind::Skipped,
        required: gate.required,
        evidence: because.to_owned(),
        ..Verdict::pass(&gate.name)
    }
}

/// What a gate's command did, as a verdict.
#[must_use]
pub fn judge(gate: &GateConfig, finished: &Finished) -> Verdict {
    let mut output = finished.stdout.clone();
    output.extend_from_slice(&finished.stderr);
    let measured = gate.metric.as_ref().map(|metric| (metric, measure(metric, &output)));
    let (kind, why) = match &finished.ended {
        Ended::NotStarted(_) | Ended::Interrupted | Ended::Stopped(_) | Ended::Dismissed => {
            (VerdictKind::Error, finished.ended.to_string())
        }
        Ended::Exited(0) => {
            match measured.as_ref().and_then(|(metric, value)| out_of_range(metric, *value)) {
                Some(why) => (VerdictKind::Fail, why),
                None => (VerdictKind::Pass, String::new()),
            }
        }
        // The shell's own words for a program that is not there, or cannot be run.
        Ended::Exited(126 | 127) => (VerdictKind::Error, finished.ended.to_string()),
        Ended::Exited(_) | Ended::Signalled(_) | Ended::TimedOut | Ended::Silent | Ended::Flooded => {
            (VerdictKind::Fail, finished.ended.to_string())
        }
    };
    let evidence = match kind {
        VerdictKind::Pass => String::new(),
        VerdictKind::Fail | VerdictKind::Error | VerdictKind::Skipped => {
            format!("{}\n{why}", last_lines(&telling(&output), EVIDENCE_LINES)).trim().to_owned()
        }
    };
    Verdict {
        kind,
        required: gate.required,
        duration_ms: finished.duration_ms,
        metric: measured.and_then(|(metric, value)| Some((metric.name.clone(), value?))),
        evidence,
        ..Verdict::pass(&gate.name)
    }
}

/// What is said beside the running commentary of a test run.
fn telling(output: &[u8]) -> Vec<u8> {
    let chatter = |line: &&[u8]| {
        let line = line.trim_ascii_start();
        CHATTER.iter().any(|begin| line.starts_with(begin.as_bytes()))
    };
    output.split_inclusive(|byte| *byte == b'\n').filter(|line| !chatter(line)).flatten().copied().collect()
}

/// How often the pattern is found, where its group is called so; else the last number that it finds; the sum of all where it is a count of things that passed
/// in several places, such as several test binaries.
fn measure(metric: &MetricConfig, output: &[u8]) -> Option<f64> {
    let pattern = Regex::new(&metric.regex).ok()?;
    let text = plain(output);
    if pattern.capture_names().flatten().any(|name| name == EACH) {
        #[expect(clippy::cast_precision_loss, reason = "there are fewer lines than a float can count")]
        return Some(pattern.captures_iter(&text).count() as f64);
    }
    let found = pattern.captures_iter(&text).filter_map(|captures| captures.get(1));
    let values: Vec<f64> = found
        .filter_map(|group| number(group.as_str(), text[group.end()..].trim_start().starts_with('%')))
        .collect();
    if metric.name == PASSED {
        (!values.is_empty()).then(|| values.iter().sum())
    } else {
        values.last().copied()
    }
}

/// A number as people and tools write it: a comma is a point, unless it parts thousands, of which there is one at least
/// and 999 at the most before the first.
fn number(text: &str, per_cent: bool) -> Option<f64> {
    let bare = text.replace('_', "");
    let (whole, rest) = bare.split_once('.').unwrap_or((&bare, ""));
    let mut parts = whole.split(',');
    let first = parts.next().unwrap_or_default().trim_start_matches(['-', '+']);
    let may = (1..=3).contains(&first.len()) && !first.starts_with('0');
    let thousands = may && whole.contains(',') && parts.all(|part| part.len() == 3);
    let plain = match (thousands && !(per_cent && rest.is_empty()), bare.matches(',').count()) {
        (true, _) => bare.replace(',', ""),
        (false, 1) if rest.is_empty() => bare.replace(',', "."),
        (false, _) => bare.clone(),
    };
    plain.parse().ok().filter(|value: &f64| value.is_finite())
}

fn out_of_range(metric: &MetricConfig, value: Option<f64>) -> Option<String> {
    let name = &metric.name;
    let counts = *name == PASSED && metric.min.is_none();
    match value {
        Some(count) if counts && count <= 0.0 => Some(format!("`{name}` is 0: no test was run")),
        None if counts || metric.min.is_some() || metric.max.is_some() => {
            Some(format!("`{name}` was not found in the output (looked for `{}`)", metric.regex))
        }
        None => None,
        Some(value) => {
            let low = metric
                .min
                .filter(|min| value < *min)
                .map(|min| format!("`{name}` is {value}, less than {min}"));
            low.or_else(|| {
                metric
                    .max
                    .filter(|max| value > *max)
                    .map(|max| format!("`{name}` is {value}, more than {max}"))
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn gate(min: Option<f64>) -> GateConfig {
        GateConfig {
            timeout: Duration::from_secs(1),
            metric: Some(MetricConfig {
                name: "passed".to_owned(),
                regex: "(\\d+) passed".to_owned(),
                min,
                max: None,
            }),
            ..GateConfig::new("test", "true")
        }
    }

    fn finished(ended: Ended, stdout: &str) -> Finished {
        Finished { ended, stdout: stdout.into(), stderr: Vec::new(), duration_ms: 1, survivors: 0 }
    }

    #[test]
    fn a_green_run_that_ran_no_test_is_not_a_pass() {
        let verdict = judge(&gate(Some(1.0)), &finished(Ended::Exited(0), "0 passed\n"));
        assert_eq!(verdict.kind, VerdictKind::Fail);
        assert!(verdict.evidence.contains("`passed` is 0, less than 1"));
        let silent = judge(&gate(Some(1.0)), &finished(Ended::Exited(0), "ok\n"));
        assert_eq!(silent.kind, VerdictKind::Fail);
        let green = judge(&gate(Some(1.0)), &finished(Ended::Exited(0), "3 passed\n4 passed\n"));
        assert_eq!((green.kind, green.metric), (VerdictKind::Pass, Some(("passed".to_owned(), 7.0))));
    }

    #[test]
    fn what_is_counted_one_by_one_is_counted_and_the_rest_is_told() {
        let metric = MetricConfig {
            name: "passed".to_owned(),
            regex: "(?m)^(?<each>--- PASS: )".to_owned(),
            min: None,
            max: None,
        };
        let gate = GateConfig { metric: Some(metric), ..gate(None) };
        let output = "=== RUN   TestA\n--- PASS: TestA (0.00s)\n    --- PASS: TestA/one (0.00s)\n=== RUN   TestB\n    b_test.go:9: 1 is not 2\n--- FAIL: TestB (0.00s)\n--- PASS: TestC (0.00s)\nFAIL\n";
        let red = judge(&gate, &finished(Ended::Exited(1), output));
        assert_eq!(red.metric, Some(("passed".to_owned(), 2.0)));
        assert_eq!(red.evidence, "b_test.go:9: 1 is not 2\n--- FAIL: TestB (0.00s)\nFAIL\nexit 1");
        let none = judge(&gate, &finished(Ended::Exited(0), "ok  x 0.1s\n"));
        assert_eq!((none.kind, none.metric), (VerdictKind::Fail, Some(("passed".to_owned(), 0.0))));
    }

    #[test]
    fn a_gate_that_counts_tests_wants_one_unless_it_says_that_none_will_do() {
        for output in ["0 passed\n", "ok\n"] {
            assert_eq!(judge(&gate(None), &finished(Ended::Exited(0), output)).kind, VerdictKind::Fail);
        }
        let none = judge(&gate(Some(0.0)), &finished(Ended::Exited(0), "0 passed\n"));
        assert_eq!(none.kind, VerdictKind::Pass);
    }

    #[test]
    fn colours_are_no_part_of_what_was_printed() {
        let green = judge(&gate(Some(1.0)), &finished(Ended::Exited(0), "\u{1b}[32m3\u{1b}[0m passed\n"));
        assert_eq!((green.kind, green.metric), (VerdictKind::Pass, Some(("passed".to_owned(), 3.0))));
        let red = judge(&gate(None), &finished(Ended::Exited(1), "\u{1b}[1;31mFAIL\u{1b}[0m a\n"));
        assert_eq!(red.evidence, "FAIL a\nexit 1");
    }

    #[test]
    fn numbers_are_read_as_people_and_tools_write_them() {
        for (text, per_cent, value) in [
            ("87", false, Some(87.0)),
            ("87.5", true, Some(87.5)),
            ("8,5", false, Some(8.5)),
            ("8,512", true, Some(8.512)),
            ("1,234", false, Some(1234.0)),
            ("-12,345", false, Some(-12_345.0)),
            ("0,850", false, Some(0.85)),
            ("-0,850", false, Some(-0.85)),
            ("1234,567", false, Some(1234.567)),
            ("1234,567,890", false, None),
            ("1,234,567.5", false, Some(1_234_567.5)),
            ("1_234", false, Some(1234.0)),
            ("1,2,3", false, None),
            ("NaN", false, None),
        ] {
            assert_eq!(number(text, per_cent), value, "{text}");
        }
    }

    #[test]
    fn a_gate_that_could_not_run_is_not_a_pass() {
        for ended in [Ended::Exited(127), Ended::NotStarted("gone".to_owned())] {
            assert_eq!(judge(&gate(None), &finished(ended, "")).kind, VerdictKind::Error);
        }
        assert_eq!(judge(&gate(None), &finished(Ended::TimedOut, "")).kind, VerdictKind::Fail);
    }
}
