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
/// Those that stand before a test once for each time that it is run.
const EACH: [&str; 3] = ["test_case", "TestCase", "InlineData"];
/// Those before a list of what it is run with.
const LISTS: [&str; 4] = ["each", "parametrize", "ValueSource", "CsvSource"];
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

/// How many tests fewer than before there are for good reasons, at most. A test that is run many times counts as often as
/// its rows say; where they are not there to be counted, once.
pub(super) fn fewer(whole: &Whole<'_, '_>, files: &[File]) -> u64 {
    let times = |side: Option<&Side<'_>>, which: Which| {
        let case = side.map(|side| (side, &side.cases[which.case]));
        case.map_or(0, |(side, case)| times(&side.texts(&(case.span.start..case.body.start))))
    };
    let old = |which: Which| times(whole.sources[which.source].old.as_ref(), which);
    let new = |which: Which| times(whole.sources[which.source].new.as_ref(), which);
    let gone = whole.pairs.gone.iter().map(|which| match became(whole, *which) {
        Became::NeverRun | Became::Lost => 0,
        Became::Absorbed | Became::Pointless(_) => old(*which),
    });
    let rows = whole.pairs.kept.iter().map(|(before, after)| old(*before).saturating_sub(new(*after)));
    gone.chain(rows).fold(examples_gone(files), u64::saturating_add)
}

/// How often a runner runs a test, as far as what stands before its body says.
fn times(head: &[&str]) -> u64 {
    let next = |at: usize| head.get(at + 1).copied().unwrap_or_default();
    // `#[case(1)]` is a row of `rstest`, `#[case]` an argument.
    let is_row =
        |at: &usize| EACH.contains(&head[*at]) || head[*at] == "case" && ["(", "::"].contains(&next(*at));
    let rows = (0..head.len()).filter(is_row).count().max(1) as u64;
    let lists = (0..head.len()).filter(|at| LISTS.contains(&head[*at]) && next(*at) == "(");
    lists.map(|at| last_list(&head[at + 1..])).fold(rows, u64::saturating_mul)
}

/// How many elements the last list among some arguments has; one where there is none.
fn last_list(arguments: &[&str]) -> u64 {
    let (mut depth, mut count, mut full) = (0_usize, 0, false);
    for text in arguments {
        match *text {
            "(" | "[" | "{" => {
                depth += 1;
                if depth == 2 && *text != "(" {
                    (count, full) = (0, false);
                } else {
                    full = true;
                }
            }
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 1 && *text != ")" {
                    count += u64::from(std::mem::take(&mut full));
                } else if depth == 0 {
                    break;
                }
            }
            "," if depth == 2 => count += u64::from(std::mem::take(&mut full)),
            _ => full = depth >= 2,
        }
    }
    count.max(1)
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
