//! Flags that make a check pass, or leave tests out, wherever checks are run or set.

use super::{scripts, settings};
use crate::gate::change::File;
use crate::gate::finding::Finding;
use crate::state::concern::Concern;

/// Flags, and what they do.
const FLAGS: [(&str, Concern); 24] = [
    ("--exit-zero", Concern::ChecksBypassed),
    ("--passWithNoTests", Concern::ChecksBypassed),
    ("--pass-with-no-tests", Concern::ChecksBypassed),
    ("--no-error-on-unmatched-pattern", Concern::ChecksBypassed),
    ("-DskipTests", Concern::ChecksBypassed),
    ("-Dmaven.test.skip", Concern::ChecksBypassed),
    ("-x test", Concern::ChecksBypassed),
    ("--fail-never", Concern::ChecksBypassed),
    ("excludeTestsMatching", Concern::TestsRemoved),
    ("excludeTags", Concern::TestsRemoved),
    ("<testSourceDirectory>", Concern::TestsRemoved),
    ("onlyIf { false", Concern::ChecksBypassed),
    ("CTEST_CUSTOM_TESTS_IGNORE", Concern::TestsRemoved),
    ("DISABLED TRUE", Concern::TestsSkipped),
    ("--no-run", Concern::ChecksBypassed),
    ("--collect-only", Concern::ChecksBypassed),
    ("--cap-lints", Concern::ThresholdLowered),
    ("--no-cov", Concern::ThresholdLowered),
    ("--ignore=", Concern::TestsRemoved),
    ("--deselect", Concern::TestsRemoved),
    ("--testPathIgnorePatterns", Concern::TestsRemoved),
    ("-m \"not ", Concern::TestsRemoved),
    ("-m 'not ", Concern::TestsRemoved),
    ("-k \"not ", Concern::TestsRemoved),
];

/// Flags that were added.
#[must_use]
pub fn findings(files: &[File]) -> Vec<Finding> {
    let cmake = |path: &str| path.ends_with("CMakeLists.txt") || path.ends_with(".cmake");
    let looked_at = files.iter().filter(|file| {
        settings::kind(&file.shown).is_some() || scripts::is_script(file) || cmake(&file.shown)
    });
    looked_at.flat_map(of_file).collect()
}

fn of_file(file: &File) -> Vec<Finding> {
    let tail = |text: &str, flag: &str| -> String {
        text.split_once(flag)
            .and_then(|(_, rest)| rest.split_whitespace().next())
            .unwrap_or_default()
            .to_owned()
    };
    // A longer name is another flag.
    let has = |text: &str, flag: &str| {
        text.match_indices(flag).any(|(at, _)| {
            let longer = |c: char| c == '-' && flag.ends_with(char::is_alphanumeric);
            !text[at + flag.len()..].starts_with(longer)
        })
    };
    let removed = file.removed();
    let one = |(line, text): (usize, &str)| {
        let bare = text.trim_start();
        let (flag, concern) = FLAGS.iter().find(|(flag, _)| has(text, flag))?;
        let known = removed.iter().any(|(_, old)| old.contains(flag) && tail(old, flag) == tail(text, flag));
        let fact = format!("`{}` was added", flag.trim());
        (!known && !bare.starts_with('#')).then(|| Finding::error(*concern, &file.shown, Some(line), fact))
    };
    file.added().into_iter().filter_map(one).collect()
}
