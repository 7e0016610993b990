//! `tamper`: what judges the work was not bent by the work.
//!
//! In: the files of a change, before and after. Out: findings. Sources are read as tokens
//! ([`lex`]) with what tests look like in each language as data ([`language`]); the tests of both
//! sides are paired and compared ([`compare`]), marks ([`marks`]) and tricks ([`tricks`]) looked
//! for, as are tests that nothing builds any more ([`built`]) and that bring what they test ([`replaced`]); beside sources there are settings of checks ([`settings`], [`collected`]), scripts that run them
//! ([`scripts`]) and recorded expectations ([`snapshots`]). What a change may do and may not is
//! shown by the corpus in `fixtures/changes`. Not here: what a person allows (`finding`).

pub mod lex;
pub mod language;
pub mod case;
pub mod reach;
mod empty;
pub mod assertion;
pub mod read;
pub mod pairs;
pub mod judge;
pub mod rows;
mod gone;
pub mod compare;
pub mod marks;
mod built;
mod replaced;
pub mod tricks;
pub mod words;
pub mod settings;
pub mod collected;
pub mod scripts;
pub mod flags;
pub mod snapshots;

use super::change::File;
use super::finding::Finding;
use crate::state::concern::Concern;

/// What was bent.
#[must_use]
pub fn findings(files: &[File]) -> Vec<Finding> {
    let sources = read::read(files);
    let pairs = pairs::pairs(&sources);
    let source_changed = read::source_changed(&sources);
    let (mut found, skipped) = marks::findings(&sources, &pairs);
    found.extend(marks::left_files(&sources));
    let whole = gone::Whole { sources: &sources, pairs: &pairs, skipped: &skipped, source_changed };
    found.extend(compare::findings(&whole));
    found.extend(tricks::findings(&sources, &pairs));
    found.extend(built::findings(files, &sources, &pairs));
    found.extend(replaced::findings(&sources, &pairs));
    found.extend(files.iter().filter(|file| read::is_too_long(file)).filter_map(too_long));
    found.extend(settings::findings(files));
    found.extend(collected::findings(files));
    found.extend(scripts::findings(files));
    found.extend(flags::findings(files));
    found.extend(snapshots::findings(files, source_changed));
    found.sort_by(|a, b| (&a.path, a.line, a.concern).cmp(&(&b.path, b.line, b.concern)));
    found.dedup();
    found
}

/// How many tests fewer a change leaves for good reasons: what they tested is gone, or others assert what they did.
/// None where that can be any number, as one that stood for many is among them.
#[must_use]
pub fn fewer_tests(files: &[File]) -> Option<u64> {
    let sources = read::read(files);
    let pairs = pairs::pairs(&sources);
    let (_, skipped) = marks::findings(&sources, &pairs);
    let whole = gone::Whole { sources: &sources, pairs: &pairs, skipped: &skipped, source_changed: false };
    gone::fewer(&whole, files)
}

/// A file of tests that cannot be compared: nothing may hide in length.
fn too_long(file: &File) -> Option<Finding> {
    let is_test = language::Language::of(&file.shown)?.is_test_file(&file.shown);
    let fact = "is too long for its tests to be compared";
    is_test.then(|| Finding::error(Concern::TestsRemoved, &file.shown, None, fact))
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_change_makes_it_panic_and_no_change_is_found_in_none(
            old in "(\\PC|assert|expect\\(|== |\\.toBe\\(|#\\[test\\]\nfn a\\(|def test_a\\(|it\\('a', |func TestA|@Test|return|if |[(){}\\[\\];:=,'\"\n\t ]|[0-9]){0,60}",
            new in "(\\PC|assert|expect\\(|== |\\.not|#\\[test\\]\nfn a\\(|def test_a\\(|it\\('a', |func TestA|@Test|exit 0|ignore|\\|\\| true|[(){}\\[\\];:=,'\"\n\t ]|[0-9]){0,60}",
        ) {
            let files: Vec<File> = PATHS.iter().map(|path| file(path, Some(&old), Some(&new))).collect();
            let _ = findings(&files);
            let same: Vec<File> = PATHS.iter().map(|path| file(path, Some(&old), Some(&old))).collect();
            prop_assert_eq!(findings(&same), vec![]);
        }
    }
}
