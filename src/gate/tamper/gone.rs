//! Tests that are nowhere any more: why, and how many fewer are run for good reasons.
//!
//! A test may go with what it tested, into a table or a loop, or into another test that asserts all that it did.

use super::lex::Kind;
use super::pairs::{Pairs, Which};
use super::read::{Changed, Side, minus};
use crate::gate::change::File;
use crate::gate::finding::Finding;
use crate::state::concern::Concern;
use std::collections::BTreeSet;

/// Words that make many cases out of one test.
const STRUCTURE: [&str; 20] = [
    "for",
    "each",
    "forEach",
    "parametrize",
    "subTest",
    "ParameterizedTest",
    "Theory",
    "case",
    "test_case",
    "Run",
    "values",
    "ValueSource",
    "CsvSource",
    "MethodSource",
    "TestCase",
    "InlineData",
    "proptest",
    "given",
    "rstest",
    "times",
];
/// Those of them that a runner counts as many tests.
const COUNTED: [&str; 11] = [
    "each",
    "parametrize",
    "ParameterizedTest",
    "Theory",
    "test_case",
    "ValueSource",
    "CsvSource",
    "MethodSource",
    "TestCase",
    "InlineData",
    "rstest",
];
/// The most tests that are gone and looked for one by one.
const GONE: usize = 50;

/// What the comparison needs to know of the whole change.
pub struct Whole<'w, 'f> {
    /// The changed sources.
    pub sources: &'w [Changed<'f>],
    /// Which test is which.
    pub pairs: &'w Pairs,
    /// Tests that were skipped; what they assert is no matter then.
    pub skipped: &'w BTreeSet<Which>,
    /// Whether code that is no test changed.
    pub source_changed: bool,
}

/// What became of a test that is nowhere any more.
enum Became<'f> {
    /// No runner found it.
    NeverRun,
    /// Others assert what it did.
    Absorbed,
    /// What it tested is gone as well.
    Pointless(&'f str),
    /// Nothing that could be told.
    Lost,
}

/// Tests that are gone; those whose assertions moved into others are taken out of the pool of what moved.
pub(super) fn findings(whole: &Whole<'_, '_>, pool: &mut Vec<String>) -> Vec<Finding> {
    let gone = &whole.pairs.gone;
    let mut found: Vec<Finding> =
        gone.iter().take(GONE).filter_map(|which| one(whole, *which, pool)).collect();
    if let Some(more) = gone.len().checked_sub(GONE).filter(|more| *more > 0) {
        found.push(Finding::error(Concern::TestsRemoved, "", None, format!("{more} more tests are gone")));
    }
    found
}

/// How many tests fewer than before there are for good reasons; none where that can be any number.
pub(super) fn fewer(whole: &Whole<'_, '_>, files: &[File]) -> Option<u64> {
    let counted = |texts: &[&str]| texts.iter().filter(|text| COUNTED.contains(text)).count();
    let mut count = 0;
    for which in &whole.pairs.gone {
        match became(whole, *which) {
            Became::NeverRun | Became::Lost => continue,
            Became::Absorbed | Became::Pointless(_) => count += 1,
        }
        let side = whole.sources[which.source].old.as_ref()?;
        if counted(&side.texts(&side.cases[which.case].span)) > 0 {
            return None;
        }
    }
    for (before, after) in &whole.pairs.kept {
        let old = whole.sources[before.source].old.as_ref()?;
        let new = whole.sources[after.source].new.as_ref()?;
        let (then, now) = (old.texts(&old.cases[before.case].span), new.texts(&new.cases[after.case].span));
        if counted(&now) < counted(&then) {
            return None;
        }
    }
    Some(count + examples_gone(files))
}

/// Examples in the documentation of Rust are tests as well.
fn examples_gone(files: &[File]) -> u64 {
    let rust = files.iter().filter(|file| file.shown.ends_with(".rs"));
    let examples = |text: Option<&str>| {
        let comments = text.unwrap_or_default().lines().map(str::trim).filter(|line| line.starts_with("//"));
        comments.filter(|line| line.trim_start_matches(['/', '!', ' ']).starts_with("```")).count() as u64 / 2
    };
    let (old, new) = rust
        .fold((0, 0), |(old, new), file| (old + examples(file.old.text()), new + examples(file.new.text())));
    old.saturating_sub(new)
}

fn one(whole: &Whole<'_, '_>, which: Which, pool: &mut Vec<String>) -> Option<Finding> {
    let changed = &whole.sources[which.source];
    let side = changed.old.as_ref()?;
    let case = &side.cases[which.case];
    let at = (changed.path, Some(case.line));
    match became(whole, which) {
        Became::NeverRun => None,
        Became::Absorbed => {
            for assertion in side.asserts(changed.language, case) {
                let text = assertion.tokens.join(" ");
                pool.iter().position(|each| *each == text).map(|at| pool.swap_remove(at));
            }
            None
        }
        Became::Pointless(subject) => {
            let fact = format!("test `{}` is gone, as is `{subject}`, which it tested", case.name);
            Some(Finding::warning(Concern::TestsRemoved, at.0, at.1, fact))
        }
        Became::Lost => {
            let fact = match renamed_to(whole, changed, &case.name) {
                Some(name) => format!("test `{}` is `{name}` now, which no runner finds", case.name),
                None => format!("test `{}` is gone", case.name),
            };
            Some(Finding::error(Concern::TestsRemoved, at.0, at.1, fact))
        }
    }
}

fn became<'f>(whole: &Whole<'_, 'f>, which: Which) -> Became<'f> {
    let changed = &whole.sources[which.source];
    let Some(side) = changed.old.as_ref() else { return Became::NeverRun };
    if !side.cases[which.case].found || !changed.language.finds(changed.path) {
        Became::NeverRun
    } else if absorbed(whole, changed, side, which) || merged(whole, changed, side, which) {
        Became::Absorbed
    } else {
        subject_gone(whole, side, which).map_or(Became::Lost, Became::Pointless)
    }
}

/// Whether another test that runs got all that a test consisted of, its assertions included.
fn merged(whole: &Whole<'_, '_>, changed: &Changed<'_>, side: &Side<'_>, which: Which) -> bool {
    let case = &side.cases[which.case];
    let body = side.texts(&case.body);
    let asserts = side.asserts(changed.language, case);
    !asserts.is_empty()
        && whole.sources.iter().enumerate().any(|(source, each)| {
            let same = std::ptr::eq(each.language, changed.language) && each.language.finds(each.path);
            let Some(new) = each.new.as_ref().filter(|_| same) else { return false };
            new.cases.iter().enumerate().any(|(at, now)| {
                let home = Which { source, case: at };
                let pair = whole.pairs.kept.iter().find(|(_, after)| *after == home);
                let then = pair.and_then(|(before, _)| {
                    let old = whole.sources[before.source].old.as_ref()?;
                    Some(old.texts(&old.cases[before.case].body))
                });
                let texts = new.texts(&now.body);
                let more = minus(&texts, &then.unwrap_or_default());
                now.found && !whole.skipped.contains(&home) && minus(&body, &more).is_empty() && {
                    let here = new.asserts(each.language, now);
                    asserts.iter().all(|one| here.iter().any(|each| each.tokens == one.tokens))
                }
            })
        })
}

/// Whether a table or a loop of the candidate has what a test expected.
fn absorbed(whole: &Whole<'_, '_>, changed: &Changed<'_>, side: &Side<'_>, which: Which) -> bool {
    let asserts = side.asserts(changed.language, &side.cases[which.case]);
    let literals: Vec<&str> = asserts.iter().flat_map(|found| found.literals.clone()).collect();
    !literals.is_empty()
        && whole.sources.iter().filter(|each| std::ptr::eq(each.language, changed.language)).any(|each| {
            let Some(new) = &each.new else { return false };
            let before = each.old.as_ref().map_or(0, |old| structure(&old.texts(&(0..usize::MAX))));
            let asserting = new.cases.iter().any(|case| !new.asserts(each.language, case).is_empty());
            structure(&new.texts(&(0..usize::MAX))) > before
                && asserting
                && literals.iter().all(|literal| new.has_literal(literal))
        })
}

/// How many words there are that make many cases out of one.
pub(super) fn structure(texts: &[&str]) -> usize {
    texts.iter().filter(|text| STRUCTURE.contains(text)).count()
}

/// What a test called that the code defined and does not define any more.
fn subject_gone<'f>(whole: &Whole<'_, 'f>, side: &Side<'f>, which: Which) -> Option<&'f str> {
    let names = |after: bool| -> BTreeSet<&'f str> {
        let side = |changed: &Changed<'f>| {
            let side = changed.side(after);
            side.filter(|_| !changed.is_test).map(Side::defined).unwrap_or_default()
        };
        whole.sources.iter().flat_map(side).collect()
    };
    let now = names(true);
    let lost: BTreeSet<&str> = names(false).into_iter().filter(|name| !now.contains(name)).collect();
    side.texts(&side.cases[which.case].body).into_iter().find(|text| lost.contains(text))
}

/// A name that holds the name of a test and is none itself.
fn renamed_to<'f>(whole: &Whole<'_, 'f>, changed: &Changed<'_>, name: &str) -> Option<&'f str> {
    let bare = name.trim_start_matches("test_").trim_start_matches("Test").to_lowercase();
    let same = whole.sources.iter().filter(|each| std::ptr::eq(each.language, changed.language));
    let mut words = same
        .filter_map(|each| each.new.as_ref())
        .flat_map(|side| &side.source.tokens)
        .filter(|token| token.kind == Kind::Word);
    words
        .find(|token| bare.len() > 3 && token.text != name && token.text.to_lowercase().contains(&bare))
        .map(|token| token.text)
}
