//! `tamper`: what judges the work was not bent by the work.
//!
//! In: the files of a change, before and after. Out: findings. Sources are read as tokens
//! ([`lex`]) with what tests look like in each language as data ([`language`]); the tests of both
//! sides are paired and compared ([`compare`]), marks ([`marks`]) and tricks ([`tricks`]) looked
//! for, as are tests that nothing builds any more (`built`), that bring what they test (`replaced`), and that run but cannot fail (`disarmed`); beside sources there are settings of checks ([`settings`], [`collected`]), scripts that run them
//! ([`scripts`]) and recorded expectations ([`snapshots`]). What a change may do and may not is
//! shown by the corpus in `fixtures/changes`. Not here: what a person allows (`finding`).

pub mod lex;
pub mod language;
pub mod case;
pub mod reach;
pub mod dead;
mod empty;
pub mod assertion;
pub mod read;
pub mod pairs;
pub mod guard;
pub mod judge;
pub mod rows;
mod gone;
pub mod compare;
pub mod marks;
mod attributes;
mod built;
mod forwards;
mod replaced;
mod disarmed;
pub mod tricks;
pub mod words;
pub mod settings;
pub mod collected;
pub mod scripts;
pub mod flags;
pub mod snapshots;

use super::change::{Content, File};
use super::finding::Finding;
use crate::state::concern::Concern;
use crate::state::problem::Severity;
use std::collections::BTreeSet;

/// What was bent.
#[must_use]
pub fn findings(files: &[File]) -> Vec<Finding> {
    let mut sources = read::read(files);
    let pairs = pairs::pairs(&sources);
    pairs::trace(&mut sources, &pairs);
    let source_changed = read::source_changed(&sources);
    let (mut found, skipped) = marks::findings(&sources, &pairs);
    found.extend(marks::left_files(&sources));
    let whole = gone::Whole { sources: &sources, pairs: &pairs, skipped: &skipped, source_changed };
    found.extend(compare::findings(&whole));
    found.extend(tricks::findings(&sources, &pairs));
    found.extend(attributes::findings(&sources, &pairs));
    let homes = homes(&sources, &pairs);
    found.extend(built::findings(files, &sources, &pairs, &homes));
    found.extend(replaced::findings(&sources, &pairs));
    found.extend(disarmed::findings(&sources, &pairs));
    found.extend(files.iter().filter(|file| read::is_too_long(file)).filter_map(too_long));
    found.extend(settings::findings(files, &homes));
    found.extend(collected::findings(files));
    found.extend(scripts::findings(files));
    found.extend(flags::findings(files));
    found.extend(snapshots::findings(files, source_changed));
    vendored(files, &homes, &mut found);
    found.sort_by(|a, b| (&a.path, a.line, a.concern).cmp(&(&b.path, b.line, b.concern)));
    found.dedup();
    found
}

/// The files that tests moved to.
fn homes<'f>(sources: &[read::Changed<'f>], pairs: &pairs::Pairs) -> BTreeSet<&'f str> {
    let paths =
        pairs.kept.iter().map(|(before, after)| (sources[before.source].path, sources[after.source].path));
    paths.filter(|(was, is)| was != is).map(|(_, is)| is).collect()
}

/// Checks and tests that come with the code of others judge nothing that was judged before: they are only told. Tests
/// that moved there did.
fn vendored(files: &[File], homes: &BTreeSet<&str>, found: &mut [Finding]) {
    const DIRS: [&str; 5] = ["vendor", "vendored", "third_party", "third-party", "node_modules"];
    let fresh: BTreeSet<&str> = files
        .iter()
        .filter(|file| file.old == Content::Absent && file.shown.split('/').any(|part| DIRS.contains(&part)))
        .map(|file| file.shown.as_str())
        .filter(|path| !homes.contains(path))
        .collect();
    let theirs = [
        Concern::ThresholdLowered,
        Concern::ChecksChanged,
        Concern::ChecksSuppressed,
        Concern::ChecksBypassed,
        Concern::TestsSkipped,
        Concern::TestsWeakened,
        Concern::TestsFocused,
    ];
    let theirs = found
        .iter_mut()
        .filter(|finding| theirs.contains(&finding.concern) && fresh.contains(finding.path.as_str()));
    theirs.for_each(|finding| finding.severity = Severity::Warning);
}

/// How many tests fewer a change leaves for good reasons, at most: what they tested is gone, or others assert what they
/// did, or rows of theirs went.
#[must_use]
pub fn fewer_tests(files: &[File]) -> u64 {
    let mut sources = read::read(files);
    let pairs = pairs::pairs(&sources);
    pairs::trace(&mut sources, &pairs);
    let (_, skipped) = marks::findings(&sources, &pairs);
    let whole = gone::Whole { sources: &sources, pairs: &pairs, skipped: &skipped, source_changed: false };
    gone::fewer(&whole, files)
}

/// A file of tests that cannot be compared: nothing may hide in length.
fn too_long(file: &File) -> Option<Finding> {
    let is_test = language::Language::of(&file.shown)?.is_test_file(&file.shown);
    let fact = "is too long for its tests to be compared";
    // Where it is new, what was there before is compared where it was.
    let severity = if file.old == Content::Absent { Severity::Warning } else { Severity::Error };
    is_test.then(|| Finding { severity, ..Finding::error(Concern::TestsRemoved, &file.shown, None, fact) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::change::tests::file;
    use proptest::prelude::*;

    const PATHS: [&str; 16] = [
        "src/a.rs",
        "tests/test_a.py",
        "tests/conftest.py",
        "a.test.ts",
        "a_test.go",
        "src/test/ATest.java",
        "a.cs",
        "a_spec.rb",
        "a_test.cc",
        "package.json",
        "Makefile",
        "check.sh",
        "pyproject.toml",
        "jest.config.js",
        ".eslintrc.json",
        "a.snap",
    ];

    #[test]
    fn so_many_tests_fewer_are_explained_as_went_for_good_reasons() {
        let code = "def tax(n):\n    return n\n\n\ndef zero(n):\n    return 0\n";
        let less = "def tax(n):\n    return n\n";
        let test =
            |head: &str, name: &str| format!("{head}def test_{name}(n):\n    assert {name}(n) == n\n\n\n");
        for (head, left, count) in [
            ("", "", 1),
            ("@pytest.mark.parametrize('n', [1, 2, 3])\n", "", 3),
            (
                "@pytest.mark.parametrize('n,m', [(1, 2), (3, 4),])\n@pytest.mark.parametrize(['o'], ROWS)\n",
                "",
                2,
            ),
            ("@pytest.mark.parametrize(['n', 'm'], [[1, f(2)], [3, 4], []], ids=str)\n", "", 3),
            ("@pytest.mark.parametrize('n', range(1000))\n", "", 1),
        ] {
            let old = test("", "tax") + &test(head, "zero");
            let new = test("", "tax") + left;
            let files =
                [file("shop.py", Some(code), Some(less)), file("tests/test_shop.py", Some(&old), Some(&new))];
            assert_eq!(fewer_tests(&files), count, "{head}");
        }
        let rows = |rows: &str| test(&format!("@pytest.mark.parametrize('n', [{rows}])\n"), "tax");
        for (old, new, count) in [(rows("1, 2, 3"), rows("1"), 2), (rows("1, 2, 3"), test("", "tax"), 2)] {
            assert_eq!(fewer_tests(&[file("tests/test_shop.py", Some(&old), Some(&new))]), count, "{new}");
        }
        let rust = |rows: &str| format!("{rows}#[test]\nfn a(#[case] n: u32) {{ assert_eq!(n, n); }}\n");
        let (old, new) = (rust("#[rstest]\n#[case(1)]\n#[case::two(2)]\n"), rust("#[rstest]\n#[case(1)]\n"));
        assert_eq!(fewer_tests(&[file("tests/a.rs", Some(&old), Some(&new))]), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_change_makes_it_panic_and_no_change_is_found_in_none(
            old in "(\\PC|assert|expect\\(|== |\\.toBe\\(|#\\[test\\]\nfn a\\(|def test_a\\(|it\\('a', |func TestA|@Test|return|if |[(){}\\[\\];:=,'\"\n\t ]|[0-9]){0,60}",
            new in "(\\PC|assert|expect\\(|== |\\.not|#\\[test\\]\nfn a\\(|def test_a\\(|it\\('a', |func TestA|@Test|exit 0|ignore|\\|\\| true|[(){}\\[\\];:=,'\"\n\t ]|[0-9]){0,60}",
        ) {
            let files: Vec<File> = PATHS.iter().map(|path| file(path, Some(&old), Some(&new))).collect();
            let _ = (findings(&files), fewer_tests(&files));
            let same: Vec<File> = PATHS.iter().map(|path| file(path, Some(&old), Some(&old))).collect();
            prop_assert_eq!(findings(&same), vec![]);
        }
    }
}
