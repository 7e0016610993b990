//! Which commands tell how many tests passed, and where in what they print.
//!
//! In: the text of a script or a recipe. Out: the metric `passed`. Invariant: there is one only where exactly one known
//! runner is called that prints its summary; it has no `min`, since a project may have no test yet: fewer than on the
//! base is too few.

use super::MetricConfig;

/// What cargo and pytest print.
pub(super) const PASSED: &str = r"(\d+) passed";
/// A line of `go test -v`, one for each test that passed; those that are part of another one begin with spaces.
pub(super) const GO: &str = "(?m)^(?<each>--- PASS: )";
/// `ok 3` is one of TAP, `# pass 3` its sum; the other form is that of the runner's `spec` reporter.
const NODE: &str = r"(?m)^(?:#|ℹ) pass (\d+)";
const JEST: &str = r"(?m)^Tests:\s+(?:\d+ \w+, )*(\d+) passed";
const VITEST: &str = r"(?m)^\s*Tests\s+(?:\d+ \w+ \| )*(\d+) passed";
const MOCHA: &str = r"(?m)^\s*(\d+) passing";

/// The words that call a runner, and what it prints.
const RUNNERS: [(&[&str], &str); 7] = [
    (&["pytest"], PASSED),
    (&["cargo", "test"], PASSED),
    (&["go", "test", "-v"], GO),
    (&["node", "--test"], NODE),
    (&["jest"], JEST),
    (&["vitest"], VITEST),
    (&["mocha"], MOCHA),
];
/// Options that make a runner print something else, or never end.
const OTHERWISE: [&str; 9] =
    ["--reporter", "--reporters", "--test-reporter", "-R", "--json", "--silent", "--watch", "-qq", "-json"];

/// The metric of commands that tell how many tests passed.
#[must_use]
pub(super) fn counted(commands: &str) -> Option<MetricConfig> {
    let words: Vec<&str> = commands.split(|c: char| c.is_whitespace() || ";&|()\"'`@".contains(c)).collect();
    let option = |word: &str| word.split('=').next().is_some_and(|name| OTHERWISE.contains(&name));
    if words.iter().any(|word| option(word)) {
        return None;
    }
    let name = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    // The second word follows at once, but for options.
    let called = |call: &[&str]| {
        (0..words.len()).any(|at| {
            let mut rest = words[at + 1..].iter();
            name(words[at]) == call[0] && call[1..].iter().all(|next| rest.any(|word| word == next))
        })
    };
    let mut told: Vec<&str> =
        RUNNERS.iter().filter(|(call, _)| called(call)).map(|(_, regex)| *regex).collect();
    told.dedup();
    match told[..] {
        [regex] => Some(passed(regex)),
        _ => None,
    }
}

/// The number of tests that passed, where this finds it.
pub(super) fn passed(regex: &str) -> MetricConfig {
    MetricConfig { name: "passed".to_owned(), regex: regex.to_owned(), min: None, max: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    #[test]
    fn only_a_runner_that_tells_is_counted() {
        for (commands, regex) in [
            ("python3 -m pytest tests", Some(PASSED)),
            ("cd x && .venv/bin/pytest -q", Some(PASSED)),
            ("cargo build && cargo test --all", Some(PASSED)),
            ("go test -race -v ./...", Some(GO)),
            ("go test ./...", None),
            ("tsc && node --import tsx --test 'test/*.js'", Some(NODE)),
            ("NODE_OPTIONS=--experimental-vm-modules jest --ci", Some(JEST)),
            ("vitest run --coverage", Some(VITEST)),
            ("c8 mocha", Some(MOCHA)),
            ("mocha --reporter=dot", None),
            ("jest --json", None),
            ("pytest -qq", None),
            ("jest && mocha", None),
            ("eslint . && node build.js", None),
            ("./run-tests", None),
            ("", None),
        ] {
            assert_eq!(counted(commands).map(|metric| metric.regex).as_deref(), regex, "{commands}");
        }
    }

    #[test]
    fn each_summary_is_read_and_nothing_beside_it() {
        for (regex, output, number) in [
            (NODE, "# tests 4\n# pass 3\n# fail 0\n", "3"),
            (NODE, "ℹ tests 4\nℹ pass 3\n", "3"),
            (
                JEST,
                "Test Suites: 1 skipped, 2 passed, 2 of 3 total\nTests:       1 skipped, 1 todo, 12 passed, 14 total\n",
                "12",
            ),
            (VITEST, " Test Files  2 passed (2)\n      Tests  1 failed | 8 passed | 1 skipped (10)\n", "8"),
            (MOCHA, "\n  6 passing (12ms)\n  1 pending\n", "6"),
        ] {
            let found: Vec<String> =
                Regex::new(regex).unwrap().captures_iter(output).map(|found| found[1].to_owned()).collect();
            assert_eq!(found, [number], "{regex}");
        }
    }
}
