//! What gates report in files: which lines were run, and how each test ended.
//!
//! In: the bytes of a report, in one of the formats that test tools write. Out: [`Coverage`],
//! [`Tests`]. Invariant: a report is hostile input: nothing in it makes orch read another file, take
//! more memory than a fixed amount, or panic. Not here: what a gate asks of them ([`super::ask`]).

mod xml;
mod lines;
mod json;
mod junit;

pub use junit::{Tests, tests};

use std::collections::BTreeMap;
use thiserror::Error;

/// The largest report that is read, in bytes.
pub const REPORT_LIMIT: u64 = 64 << 20;
/// The most lines that a report may name.
const MAX_LINES: usize = 5_000_000;
/// The largest number of a line.
const MAX_LINE: u32 = 2_000_000;

/// Why a report cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReportError {
    /// It is in none of the known formats.
    #[error("it is in none of the formats that are known (LCOV, Cobertura, JaCoCo, Go, JSON)")]
    Unknown,
    /// It breaks the rules of its format.
    #[error("{0}")]
    Malformed(String),
    /// It has no line that could have been run.
    #[error("it names no line")]
    Empty,
}

/// A report in a format that it does not keep to.
fn malformed(why: impl std::fmt::Display) -> ReportError {
    let why: String =
        why.to_string().chars().filter(|c| !crate::state::task::is_unprintable(*c)).take(200).collect();
    ReportError::Malformed(why)
}

/// The lines of one file that can be run, and whether each was.
pub type Lines = BTreeMap<u32, bool>;

/// Which lines were run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// The lines of each file, by the path that the report gives.
    pub files: BTreeMap<String, Lines>,
    /// How many lines there are: kept beside them, so that a report cannot grow without end.
    count: usize,
}

impl Coverage {
    /// Notes whether a line was run; once is enough.
    fn note(&mut self, file: &str, line: u32, hit: bool) -> Result<(), ReportError> {
        if line == 0 || line > MAX_LINE {
            return Err(malformed(format!("it names the line {line}")));
        }
        if !self.files.contains_key(file) {
            self.files.insert(file.to_owned(), Lines::new());
        }
        let Some(lines) = self.files.get_mut(file) else { return Ok(()) };
        let before = lines.len();
        *lines.entry(line).or_default() |= hit;
        self.count += lines.len() - before;
        if self.count > MAX_LINES {
            return Err(malformed(format!("it names more than {MAX_LINES} lines")));
        }
        Ok(())
    }

    /// The share of lines that were run, in per cent, of all files.
    #[must_use]
    pub fn percent(&self) -> f64 {
        share(self.files.values().flat_map(Lines::values).copied())
    }

    /// The lines of a file of the repository, whatever the report's paths begin with: the same path,
    /// or the only file whose path ends with the other's, in whole names.
    #[must_use]
    pub fn of(&self, path: &str, root: &str) -> Option<&Lines> {
        let whole = format!("{}/{path}", root.trim_end_matches('/'));
        if let Some(lines) = self.files.get(path).or_else(|| self.files.get(&whole)) {
            return Some(lines);
        }
        let ends = |long: &str, short: &str| {
            long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        };
        let mut found = self.files.iter().filter(|(name, _)| {
            let name = name.trim_start_matches("./");
            ends(name, path) || ends(path, name)
        });
        match (found.next(), found.next()) {
            (Some((_, lines)), None) => Some(lines),
            _ => None,
        }
    }
}

/// The share of what is true, in per cent; of nothing, everything is.
#[expect(clippy::cast_precision_loss, reason = "there are fewer lines than a float can count")]
pub fn share(lines: impl Iterator<Item = bool>) -> f64 {
    let (hit, all) = lines.fold((0_u64, 0_u64), |(hit, all), each| (hit + u64::from(each), all + 1));
    if all == 0 { 100.0 } else { hit as f64 * 100.0 / all as f64 }
}

/// Reads a report of covered lines, in whichever format it is.
///
/// # Errors
/// When the format is not known, not kept to, or nothing is in it.
pub fn coverage(bytes: &[u8]) -> Result<Coverage, ReportError> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let coverage = match text.as_bytes().first() {
        Some(b'<') => xml::coverage(text)?,
        Some(b'{') => json::coverage(text)?,
        _ if text.starts_with("mode:") => lines::go(text)?,
        _ if text.lines().any(|line| line.starts_with("SF:")) => lines::lcov(text)?,
        _ => return Err(ReportError::Unknown),
    };
    if coverage.count == 0 { Err(ReportError::Empty) } else { Ok(coverage) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The lines of a report as `path line[!]`, `!` for one that was not run.
    fn shown(report: &str) -> Vec<String> {
        let coverage = coverage(report.as_bytes()).unwrap_or_else(|error| panic!("{error}: {report}"));
        let each = coverage.files.iter().flat_map(|(path, lines)| lines.iter().map(move |line| (path, line)));
        each.map(|(path, (line, hit))| format!("{path} {line}{}", if *hit { "" } else { "!" })).collect()
    }

    #[test]
    fn every_format_says_the_same() {
        let same = ["src/a.x 1", "src/a.x 2!", "src/b.x 7"];
        for report in [
            "TN:\nSF:src/a.x\nFN:1,f\nDA:1,3\nDA:2,0\nLF:2\nLH:1\nend_of_record\nSF:src/b.x\nDA:7,1,abc\nend_of_record\n",
            "mode: count\nsrc/a.x:1.2,1.9 1 3\nsrc/a.x:2.1,2.5 1 0\nsrc/b.x:7.1,7.3 2 1\n",
            r#"<?xml version="1.0"?><!DOCTYPE coverage SYSTEM "x.dtd">
               <coverage line-rate="0.9"><sources><source>.</source></sources><packages><package><classes>
               <class filename="src/a.x"><methods><method><lines><line number="1" hits="3"/></lines></method></methods>
               <lines><line number="1" hits="3"/><line number="2" hits="0"/></lines></class>
               <class filename="src/b.x"><lines><line number="7" hits="1"></line></lines></class>
               </classes></package></packages></coverage>"#,
            r#"<report name="x"><group name="g"><package name="src"><class name="src/A"><counter type="LINE" missed="1" covered="1"/></class>
               <sourcefile name="a.x"><line nr="1" mi="0" ci="3"/><line nr="2" mi="2" ci="0"/></sourcefile>
               <sourcefile name="b.x"><line nr="7" mi="1" ci="1"/></sourcefile></package></group></report>"#,
            r#"{"meta": {"version": "7.6"}, "files": {
                "src/a.x": {"executed_lines": [1], "missing_lines": [2], "summary": {}},
                "src/b.x": {"executed_lines": [7], "missing_lines": []}}, "totals": {}}"#,
            r#"{"src/a.x": {"path": "src/a.x", "statementMap": {"0": {"start": {"line": 1, "column": 0}}, "1": {"start": {"line": 2}}},
                "fnMap": {}, "s": {"0": 3, "1": 0}, "f": {}, "b": {}},
               "src/b.x": {"path": "src/b.x", "statementMap": {"0": {"start": {"line": 7}}}, "s": {"0": 1}}}"#,
            r#"{"type": "llvm.coverage.json.export", "version": "2.0.1", "data": [{"files": [
                {"filename": "src/a.x", "segments": [[1, 1, 3, true, true, false], [2, 1, 0, true, true, false], [2, 9, 0, false, false, false]]},
                {"filename": "src/b.x", "segments": [[7, 1, 1, true, true, false], [7, 5, 0, false, false, false]]}]}]}"#,
        ] {
            assert_eq!(shown(report), same, "{report}");
        }
    }

    #[test]
    fn a_share_is_of_the_lines_that_can_be_run() {
        let report = coverage(b"SF:a\nDA:1,1\nDA:2,1\nDA:9,0\nDA:10,1\nend_of_record\n").unwrap();
        assert!((report.percent() - 75.0).abs() < 1e-9);
    }

    #[test]
    fn a_file_is_found_by_the_end_of_its_path() {
        let report = coverage(
            b"SF:/tmp/w/src/a.rs\nDA:1,1\nSF:com/x/B.java\nDA:1,1\nSF:./lib/c.js\nDA:1,1\nSF:one/d.py\nDA:1,1\nSF:two/d.py\nDA:1,1\n",
        )
        .unwrap();
        assert!(report.of("src/a.rs", "/tmp/w").is_some() && report.of("src/a.rs", "/other").is_some());
        assert!(report.of("app/src/main/java/com/x/B.java", "/w").is_some());
        assert!(report.of("lib/c.js", "/w").is_some() && report.of("one/d.py", "/w").is_some());
        assert!(report.of("d.py", "/w").is_none(), "there are two");
        assert!(report.of("xsrc/a.rs", "/w").is_none() && report.of("c.js.map", "/w").is_none());
    }

    #[test]
    fn what_is_no_report_is_refused_with_a_reason() {
        for (report, why) in [
            ("", ReportError::Unknown),
            ("all good\n", ReportError::Unknown),
            ("SF:a\nend_of_record\n", ReportError::Empty),
            ("{\"total\": 5}", ReportError::Unknown),
            ("<html></html>", ReportError::Unknown),
            ("<coverage></coverage>", ReportError::Empty),
        ] {
            assert_eq!(coverage(report.as_bytes()), Err(why), "{report}");
        }
        for report in [
            "SF:a\nDA:x,1\n",
            "SF:a\nDA:4294967295,1\n",
            "SF:a\nDA:0,1\n",
            "DA:1,1\nSF:a\n",
            "mode: set\nx\n",
            "mode: set\na:1.1,4000000000.1 1 1\n",
            "mode: set\na:5.1,1.1 1 1\n",
            "<coverage><class filename='a'><line number='1'/></class>",
            "{\"files\": {\"a\": {\"executed_lines\": [-1], \"missing_lines\": []}}}",
            "{",
        ] {
            let error = coverage(report.as_bytes()).unwrap_err();
            assert!(matches!(error, ReportError::Malformed(_)), "{report}: {error:?}");
        }
    }

    #[test]
    fn a_small_report_cannot_name_very_many_lines() {
        let mut go = "mode: set\n".to_owned();
        for file in 0..6 {
            go.push_str(&format!("f{file}:1.1,1900000.1 1 1\n"));
        }
        assert!(matches!(coverage(go.as_bytes()), Err(ReportError::Malformed(_))));
        let deep = format!("{{\"files\": {}", "[".repeat(100_000));
        assert!(coverage(deep.as_bytes()).is_err());
        let nested = format!("<report>{}", "<group name='x'>".repeat(200_000));
        assert!(coverage(nested.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = coverage(&bytes);
            let _ = tests(&[bytes]);
        }

        #[test]
        fn no_text_that_looks_like_a_report_makes_a_reader_panic(text in "(SF:|DA:|mode: set\n|[0-9]{1,12}|[,.:/ \n]|end_of_record\n|<coverage>|<class filename='a'>|<line number='|' hits='1'/>|<report>|</report>|&#x41;|<testsuite>|<testcase name='|'/>|</testcase>|<failure/>|\\{\"files\":|\\{\"a\":|\\[|\\]|\\}|\"|segments|statementMap){0,40}") {
            let _ = coverage(text.as_bytes());
            let _ = tests(&[text.into_bytes()]);
        }

        #[test]
        fn lcov_is_read_back(lines in proptest::collection::btree_map(1_u32..1000, 0_u64..3, 1..20)) {
            let mut text = "SF:a/b.rs\n".to_owned();
            for (line, hits) in &lines {
                text.push_str(&format!("DA:{line},{hits}\n"));
            }
            let read = coverage(text.as_bytes()).unwrap();
            let expected: Lines = lines.iter().map(|(line, hits)| (*line, *hits > 0)).collect();
            prop_assert_eq!(&read.files["a/b.rs"], &expected);
        }
    }
}
