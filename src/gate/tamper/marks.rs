//! Marks on tests: those that keep a test from running, or all others.
//!
//! A mark counts where it is new: on a test that had none, on what holds tests that were there
//! before. On a test that is new itself it is reported only.

use super::language::Tests;
use super::lex::matches;
use super::pairs::{Pairs, Which};
use super::reach::quits;
use super::read::{self, Changed, Side};
use crate::gate::finding::Finding;
use crate::state::concern::Concern;
use std::collections::BTreeSet;

/// Marks that are new, and the tests that do not run because of them.
#[must_use]
pub fn findings(sources: &[Changed<'_>], pairs: &Pairs) -> (Vec<Finding>, BTreeSet<Which>) {
    let (mut found, mut skipped) = (Vec::new(), BTreeSet::new());
    for (source, changed) in sources.iter().enumerate() {
        let Some(new) = &changed.new else { continue };
        found.extend(focused(sources, source, new));
        for at in 0..new.source.tokens.len() {
            let Some(pattern) = mark(changed.language.skips, new, at) else {
                if mark(changed.language.maybe, new, at).is_some()
                    && new_here(sources, source, new, changed.language.maybe)
                {
                    found.extend(condition(sources, pairs, source, new, at));
                }
                continue;
            };
            found.extend(skip(sources, pairs, source, at, pattern, &mut skipped));
        }
        for case in 0..new.cases.len() {
            found.extend(early(sources, pairs, Which { source, case }, &mut skipped));
        }
    }
    (found, skipped)
}

fn mark(patterns: &[&'static str], side: &Side<'_>, at: usize) -> Option<&'static str> {
    patterns.iter().copied().find(|pattern| matches(&side.source.tokens[at..], pattern))
}

fn count(side: &Side<'_>, patterns: &[&'static str]) -> usize {
    (0..side.source.tokens.len()).filter(|at| mark(patterns, side, *at).is_some()).count()
}

/// Whether a source has more of some marks than it had.
fn new_here(sources: &[Changed<'_>], source: usize, new: &Side<'_>, patterns: &[&'static str]) -> bool {
    let before = read::before(&sources[source], sources, |old| count(old, patterns));
    count(new, patterns) > before
}

/// Tests beside which no others run.
fn focused(sources: &[Changed<'_>], source: usize, new: &Side<'_>) -> Option<Finding> {
    let changed = &sources[source];
    let at = (0..new.source.tokens.len()).find(|at| mark(changed.language.focus, new, *at).is_some())?;
    let line = new.source.tokens[at].line;
    let fact = "only the tests that are marked so run: `only` or the like";
    new_here(sources, source, new, changed.language.focus)
        .then(|| Finding::error(Concern::TestsFocused, changed.path, Some(line), fact))
}

/// The test that a mark belongs to: the one that it stands in or right before.
fn owner(side: &Side<'_>, at: usize) -> Option<usize> {
    side.case_at(at)
}

/// What a test was in the base.
fn before(pairs: &Pairs, after: Which) -> Option<Which> {
    pairs.kept.iter().find(|(_, new)| *new == after).map(|(old, _)| *old)
}

fn case_has(sources: &[Changed<'_>], which: Which, patterns: &[&'static str]) -> bool {
    let Some(side) = &sources[which.source].old else { return false };
    side.cases[which.case]
        .span
        .clone()
        .any(|at| at < side.source.tokens.len() && mark(patterns, side, at).is_some())
}

/// A mark that keeps tests from running.
fn skip(
    sources: &[Changed<'_>],
    pairs: &Pairs,
    source: usize,
    at: usize,
    pattern: &'static str,
    skipped: &mut BTreeSet<Which>,
) -> Option<Finding> {
    let changed = &sources[source];
    let new = changed.new.as_ref()?;
    let line = Some(new.source.tokens[at].line);
    let concern =
        if pattern.contains("should_panic") { Concern::TestsWeakened } else { Concern::TestsSkipped };
    if let Some(case) = owner(new, at) {
        let which = Which { source, case };
        let name = &new.cases[case].name;
        return match before(pairs, which) {
            Some(old) if case_has(sources, old, changed.language.skips) => {
                skipped.insert(which);
                None
            }
            Some(_) => {
                skipped.insert(which);
                Some(Finding::error(
                    concern,
                    changed.path,
                    line,
                    format!("test `{name}` does not run, or may fail"),
                ))
            }
            None => Some(Finding::warning(
                concern,
                changed.path,
                line,
                format!("new test `{name}` does not run, or may fail"),
            )),
        };
    }
    if !new_here(sources, source, new, changed.language.skips) {
        return None;
    }
    // A mark on a module, a class or a group: it counts for the tests that were there before.
    let known = pairs.kept.iter().any(|(_, after)| after.source == source);
    let fact = "tests do not run, or may fail";
    let bare = changed.is_test || !new.cases.is_empty() || pattern.contains("cfg");
    if known || (bare && changed.old.is_some()) {
        return Some(Finding::error(concern, changed.path, line, fact));
    }
    bare.then(|| Finding::warning(concern, changed.path, line, fact))
}

/// A mark that keeps tests from running somewhere.
fn condition(
    sources: &[Changed<'_>],
    pairs: &Pairs,
    source: usize,
    new: &Side<'_>,
    at: usize,
) -> Option<Finding> {
    let changed = &sources[source];
    let line = Some(new.source.tokens[at].line);
    let case = owner(new, at);
    if !changed.is_test && case.is_none() && !new.around.contains(&at) {
        return None;
    }
    let which = case.map(|case| Which { source, case });
    let had = which
        .and_then(|which| before(pairs, which))
        .is_some_and(|old| case_has(sources, old, changed.language.maybe));
    (!had).then(|| {
        Finding::warning(Concern::TestsSkipped, changed.path, line, "tests do not run everywhere any more")
    })
}

/// A test that is left as skipped or passed before it asserts anything.
fn early(
    sources: &[Changed<'_>],
    pairs: &Pairs,
    which: Which,
    skipped: &mut BTreeSet<Which>,
) -> Option<Finding> {
    let changed = &sources[which.source];
    let new = changed.new.as_ref()?;
    let case = &new.cases[which.case];
    let left = quits(changed.language, &new.source, case);
    let (at, guarded) = *left.iter().find(|(_, guarded)| !guarded).or(left.first())?;
    let token = &new.source.tokens[at];
    let old = before(pairs, which);
    let had = old.is_some_and(|old| {
        let was = &sources[old.source];
        was.old.as_ref().is_some_and(|side| {
            quits(was.language, &side.source, &side.cases[old.case])
                .iter()
                .any(|(_, other)| *other == guarded)
        })
    });
    if had || (guarded && token.text == "return") {
        return None;
    }
    let concern = if token.text == "return" { Concern::TestsWeakened } else { Concern::TestsSkipped };
    let say = |severity: fn(Concern, &str, Option<usize>, String) -> Finding, what: &str| {
        Some(severity(concern, changed.path, Some(token.line), format!("test `{}` {what}", case.name)))
    };
    match (old, guarded) {
        (Some(_), false) => {
            skipped.insert(which);
            say(Finding::error, "is left before it asserts")
        }
        (_, true) => say(Finding::warning, "is left early under a condition"),
        (None, false) => say(Finding::warning, "is new and left before it asserts"),
    }
}

/// Tests of a whole file that are left: at the level of the file, or of a program that runs tests.
#[must_use]
pub fn left_files(sources: &[Changed<'_>]) -> Vec<Finding> {
    let file = |changed: &Changed<'_>| {
        let new = changed.new.as_ref().filter(|_| changed.is_test)?;
        let places = |side: &Side<'_>| -> Vec<usize> {
            let indented = changed.language.tests == Tests::Indented;
            let starts: &[usize] = if indented { &side.source.statements } else { &[] };
            let outer = |at: &usize| {
                let top = starts.is_empty() || starts.contains(at) && side.source.tokens[*at].indent == 0;
                side.case_at(*at).is_none() && top && mark(changed.language.quits, side, *at).is_some()
            };
            (0..side.source.tokens.len()).filter(outer).collect()
        };
        let before = read::before(changed, sources, |old| places(old).len());
        let now = places(new);
        let at = now.first().filter(|_| now.len() > before && changed.language.tests == Tests::Indented)?;
        let fact = "all tests of the file are left before they run";
        Some(Finding::error(Concern::TestsSkipped, changed.path, Some(new.source.tokens[*at].line), fact))
    };
    sources.iter().filter_map(file).collect()
}
