//! Recorded expectations: snapshots, golden files, approved output.

use crate::gate::change::{Content, File};
use crate::gate::finding::Finding;
use crate::state::concern::Concern;
use crate::state::problem::Severity;

/// Parts of paths of recorded expectations.
const RECORDED: [&str; 12] = [
    ".snap",
    "__snapshots__/",
    "/snapshots/",
    ".approved.",
    ".golden",
    "/golden/",
    "/goldens/",
    ".ambr",
    "/__image_snapshots__/",
    ".verified.",
    "/expected/",
    "-snapshots/",
];

/// Recorded expectations that were recorded anew, or are gone.
#[must_use]
pub fn findings(files: &[File], source_changed: bool) -> Vec<Finding> {
    let moved = |file: &File| files.iter().any(|other| other.old == Content::Absent && other.new == file.old);
    let one = |file: &File| {
        if !is_recorded(&file.shown) || file.old == Content::Absent || file.old == file.new {
            return None;
        }
        let gone = file.new == Content::Absent;
        let fact = match (gone, source_changed) {
            (true, _) if moved(file) => return None,
            (true, _) => "a recorded expectation is gone",
            (false, true) => "was recorded anew with the code",
            (false, false) => "was recorded anew, and no code changed",
        };
        let line = file.added().first().map(|(line, _)| *line);
        let severity = if source_changed { Severity::Warning } else { Severity::Error };
        Some(Finding { severity, ..Finding::error(Concern::SnapshotsChanged, &file.shown, line, fact) })
    };
    files.iter().filter_map(one).collect()
}

fn is_recorded(path: &str) -> bool {
    let whole = format!("/{path}");
    let name = path.rsplit('/').next().unwrap_or_default();
    let by_name = name
        .split(['.', '_', '-'])
        .any(|part| matches!(part, "expected" | "golden" | "snapshot" | "baseline"));
    let is_source = super::language::Language::of(path).is_some();
    !is_source && (by_name || RECORDED.iter().any(|part| whole.contains(part)))
        || path.ends_with(".snap")
        || path.contains("__snapshots__/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::change::tests::file;

    #[test]
    fn what_is_recorded_is_known_by_its_place() {
        for path in [
            "a/__snapshots__/b.js.snap",
            "x.snap",
            "testdata/a.golden",
            "tests/expected/a.json",
            "tests/out.expected.txt",
            "src/snapshots/x.snap",
        ] {
            assert!(is_recorded(path), "{path}");
        }
        for path in ["src/snapshot.rs", "docs/expectations.md", "src/expected.py"] {
            assert!(!is_recorded(path), "{path}");
        }
    }

    #[test]
    fn a_record_that_moved_is_the_same() {
        let (old, new) = (file("a/x.snap", Some("1\n"), None), file("b/x.snap", None, Some("1\n")));
        assert_eq!(findings(&[old.clone(), new], false), []);
        assert_eq!(findings(&[old], false)[0].severity, Severity::Error);
    }
}
