//! What an agent says against what was seen: its word is never evidence, but a wrong word is a fact.
//!
//! In: its summary, the verdicts, the paths that changed. Out: sentences, each a claim and what
//! speaks against it. Only plain claims are understood; what is denied or wished for is none.

use super::Verdict;
use crate::state::run::VerdictKind;
use crate::state::task::one_line;
use bstr::{BString, ByteSlice};

/// The most claims of one summary.
const MOST: usize = 10;
/// What is claimed of checks: a word of the claim, and a part of the names of gates it is about.
const CHECKS: [(&str, &str); 7] = [
    ("test", "test"),
    ("lint", "lint"),
    ("clippy", "lint"),
    ("build", "build"),
    ("compile", "build"),
    ("type", "type"),
    ("coverage", "cover"),
];
/// Words that say that a check is well.
const WELL: [&str; 9] =
    ["pass", "passes", "passed", "passing", "green", "succeed", "succeeds", "clean", "works"];
/// Words that say that a file was changed.
const CHANGED: [&str; 12] = [
    "created", "added", "wrote", "edited", "updated", "modified", "changed", "rewrote", "fixed", "removed",
    "deleted", "extended",
];
/// Words that take a claim back.
const NOT: [&str; 12] = [
    "not", "no", "never", "without", "cannot", "fail", "fails", "failing", "failed", "should", "would",
    "unless",
];

/// Claims that what was seen speaks against.
#[must_use]
pub fn refuted(summary: &str, verdicts: &[Verdict], changed: &[BString]) -> Vec<String> {
    let mut found = Vec::new();
    for sentence in sentences(summary) {
        let lower = sentence.to_lowercase();
        let words: Vec<&str> = lower
            .split(|c: char| !c.is_alphanumeric() && c != '\'')
            .filter(|word| !word.is_empty())
            .collect();
        if words.iter().any(|word| NOT.contains(word) || word.ends_with("n't")) {
            continue;
        }
        if words.iter().any(|word| WELL.contains(word)) {
            found.extend(of_checks(sentence, &words, verdicts));
        }
        if words.iter().any(|word| CHANGED.contains(word)) {
            found.extend(of_files(sentence, changed));
        }
    }
    found.dedup();
    found.truncate(MOST);
    found
}

/// Sentences and lines; a full stop inside of a name ends none.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .flat_map(|line| line.split(". "))
        .flat_map(|part| part.split("; "))
        .filter(|part| !part.trim().is_empty())
}

/// A claim that checks are well, where a gate of theirs says otherwise.
fn of_checks(sentence: &str, words: &[&str], verdicts: &[Verdict]) -> Option<String> {
    let about = |gate: &Verdict| {
        let named = CHECKS.iter().any(|(word, part)| {
            words.iter().any(|each| each.starts_with(word)) && gate.name.to_lowercase().contains(part)
        });
        let all = words.iter().any(|word| matches!(*word, "everything" | "all" | "gates" | "checks"));
        named || (all && words.iter().any(|word| matches!(*word, "everything" | "gates" | "checks")))
    };
    let against = verdicts
        .iter()
        .find(|verdict| verdict.required && verdict.kind == VerdictKind::Fail && about(verdict))?;
    Some(format!("said \"{}\", but gate {} failed", one_line(sentence, 120), against.name))
}

/// A claim that a file was changed, which was not.
fn of_files(sentence: &str, changed: &[BString]) -> Vec<String> {
    let is_path = |word: &&str| {
        let name = word.rsplit('/').next().unwrap_or_default();
        let ending =
            name.rsplit_once('.').map_or("", |(stem, ending)| if stem.is_empty() { "" } else { ending });
        // The colon of an address has parted it from its scheme.
        !word.starts_with("//")
            && (1..=6).contains(&ending.len())
            && ending.chars().all(|c| c.is_ascii_alphanumeric())
            && ending.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./@".contains(c))
    };
    let quoted = |word: &&str| word.contains('/') || sentence.contains(&format!("`{word}`"));
    let words = sentence
        .split(|c: char| c.is_whitespace() || "`'\"(),:*".contains(c))
        .map(|word| word.trim_end_matches('.'));
    let missing = words.filter(is_path).filter(quoted).filter(|word| {
        let bare = word.trim_start_matches("./").as_bytes();
        !changed.iter().any(|path| path.as_bstr() == bare.as_bstr() || path.ends_with(&[b"/", bare].concat()))
    });
    missing
        .map(|word| format!("said \"{}\", but `{word}` was not changed", one_line(sentence, 120)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(summary: &str) -> Vec<String> {
        let verdicts =
            [Verdict::pass("build"), Verdict::fail("unit-tests", "1 failed"), Verdict::pass("lint")];
        refuted(summary, &verdicts, &["src/a.rs".into(), "docs/b.md".into()])
    }

    #[test]
    fn what_is_claimed_and_was_seen_otherwise_is_told() {
        assert_eq!(of("Done. All tests pass."), ["said \"All tests pass.\", but gate unit-tests failed"]);
        assert_eq!(of("Everything is green"), ["said \"Everything is green\", but gate unit-tests failed"]);
        assert_eq!(
            of("I created `src/new.rs` and updated src/a.rs"),
            ["said \"I created `src/new.rs` and updated src/a.rs\", but `src/new.rs` was not changed"]
        );
    }

    #[test]
    fn what_is_true_denied_or_unclear_is_not() {
        for summary in [
            "The build passes; lint is clean.",
            "Tests do not pass yet",
            "All tests should pass once the server is up",
            "Updated `a.rs` and `b.md`",
            "Added support for config.toml files",
            "See https://acme.dev/added/x.html for what was added",
            "Fixed version 1.2.3 e.g. in docs/b.md",
        ] {
            assert_eq!(of(summary), Vec::<String>::new(), "{summary}");
        }
    }

    proptest! {
        #[test]
        fn no_summary_makes_it_panic(summary in "(\\PC|tests pass|created `|\\. |\n|/a\\.rs){0,40}") {
            prop_assert!(of(&summary).len() <= MOST);
        }
    }
}
