//! What became of the tests that there were.
//!
//! In: both sides of a change. Out: findings about tests that are gone, assertions that are gone or
//! ask for less, and expectations that changed. A test that moved, was renamed, split, put into a
//! table or made stricter gives none.

use super::assertion::Assertion;
use super::dead::dead_blocks;
use super::gone::{self, Whole, structure};
use super::guard::{Standing, conditional};
use super::judge::{Judged, judge};
use super::language::Asks;
use super::lex::matches;
use super::pairs::Which;
use super::read::{Changed, Side, minus};
use super::rows;
use crate::gate::finding::Finding;
use crate::state::concern::Concern;
use crate::state::problem::Severity;

/// How calls begin that assert by themselves.
const ASSERTING: [&str; 8] = ["assert", "check", "verify", "expect", "should", "ensure", "require", "must"];

/// Compares the tests of a change.
#[must_use]
pub fn findings(whole: &Whole<'_, '_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut pool = moved(whole);
    found.extend(gone::findings(whole, &mut pool));
    for (before, after) in &whole.pairs.kept {
        if !whole.skipped.contains(after) {
            found.extend(kept(whole, *before, *after, &mut pool));
        }
    }
    for changed in whole.sources {
        found.extend(shared(whole, changed, &mut pool));
    }
    found
}

/// Assertions of the candidate that are not where they were: those that moved are among them.
fn moved(whole: &Whole<'_, '_>) -> Vec<String> {
    let mut all = Vec::new();
    for (source, changed) in whole.sources.iter().enumerate() {
        let Some(new) = &changed.new else { continue };
        for (case, one) in new.cases.iter().enumerate() {
            let before = whole.pairs.kept.iter().find(|(_, after)| *after == Which { source, case });
            let old = before.and_then(|(old, _)| {
                let was = &whole.sources[old.source];
                was.old.as_ref().map(|side| (was, side, &side.cases[old.case]))
            });
            if old.is_some_and(|(_, side, then)| side.texts(&then.span) == new.texts(&one.span)) {
                continue;
            }
            let old = old.map(|(was, side, then)| side.asserts(was.language, then));
            all.extend(others(&new.asserts(changed.language, one), &old.unwrap_or_default()));
        }
        let old = changed.old.as_ref().map(|side| side.shared_asserts(changed.language)).unwrap_or_default();
        all.extend(others(&new.shared_asserts(changed.language), &old));
    }
    all
}

/// The assertions that are not among others, spelt.
fn others(these: &[Assertion<'_>], those: &[Assertion<'_>]) -> Vec<String> {
    let spell = |all: &[Assertion<'_>]| all.iter().map(|one| one.tokens.join(" ")).collect::<Vec<_>>();
    let (these, those) = (spell(these), spell(those));
    let texts = |all: &[String]| all.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
    let (these, those) = (texts(&these), texts(&those));
    minus(&these.lines().collect::<Vec<_>>(), &those.lines().collect::<Vec<_>>())
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// A test that is still there.
fn kept(whole: &Whole<'_, '_>, before: Which, after: Which, pool: &mut Vec<String>) -> Vec<Finding> {
    let (was, is) = (&whole.sources[before.source], &whole.sources[after.source]);
    let (Some(old), Some(new)) = (&was.old, &is.new) else { return Vec::new() };
    let (then, now) = (&old.cases[before.case], &new.cases[after.case]);
    let error = |concern, line, fact: String| Finding::error(concern, is.path, Some(line), fact);
    let finds = now.found && is.language.finds(is.path) && !is.language.leaves(was.path, is.path);
    if then.found && was.language.finds(was.path) && !finds {
        return vec![error(
            Concern::TestsRemoved,
            now.line,
            format!("test `{}` is not run as it stands there", now.name),
        )];
    }
    let mut found = Vec::new();
    let (old_texts, new_texts) = (old.texts(&then.span), new.texts(&now.span));
    if old_texts == new_texts {
        return found;
    }
    let (old_asserts, new_asserts) = (old.asserts(was.language, then), new.asserts(is.language, now));
    let swallowed = |side: &Side<'_>, span: &std::ops::Range<usize>, patterns: &[&'static str]| {
        span.clone()
            .filter(|at| {
                *at < side.source.tokens.len()
                    && patterns.iter().any(|pattern| matches(&side.source.tokens[*at..], pattern))
            })
            .count()
    };
    let swallows = is.language.swallows;
    if swallowed(new, &now.span, swallows) > swallowed(old, &then.span, swallows) {
        found.push(error(
            Concern::TestsWeakened,
            now.line,
            format!("test `{}` catches its own failures", now.name),
        ));
    }
    let structured = structure(&new_texts) > structure(&old_texts);
    let dead = dead_blocks(is.language, &new.source, &now.span, Some(now)).len()
        > dead_blocks(was.language, &old.source, &then.span, Some(then)).len();
    let spread = !dead && (structured || calls(new, now) > calls(old, then));
    let standing = |language, side, case, asserts| Standing { language, side, case, asserts };
    let before = standing(was.language, old, then, &old_asserts);
    let after = standing(is.language, new, now, &new_asserts);
    // A choice between cases is no table of them.
    let tabled = |texts: &[&str]| structure(texts) - texts.iter().filter(|text| **text == "case").count();
    found.extend(conditioned(before, after, is.path, tabled(&new_texts) > tabled(&old_texts)));
    let compared = Compared { whole, path: is.path, name: &now.name, line: now.line, new, spread };
    found.extend(compared.asserts(old_asserts, new_asserts, pool));
    let (was_long, is_long) = (then.body.len(), now.body.len());
    let emptied = was_long >= 4 && is_long * 4 < was_long;
    if found.is_empty() && emptied && !spread {
        found.push(error(Concern::TestsWeakened, now.line, format!("most of test `{}` is gone", now.name)));
    }
    if found.is_empty() {
        let lists = (rows::of_case(old, then, was.language), rows::of_case(new, now, is.language));
        found.extend(compared.rows(&lists.0, &lists.1, &[]));
    }
    found
}

/// What a test asserts under a condition that was not there; where it became a table, that is only told.
fn conditioned(
    before: Standing<'_, '_>,
    after: Standing<'_, '_>,
    path: &str,
    structured: bool,
) -> Option<Finding> {
    let (line, condition, system) = conditional(before, after)?;
    let fact = format!("`{}` asserts under a condition only: `{condition}`", after.case.name);
    let severity = if system || structured { Severity::Warning } else { Severity::Error };
    Some(Finding { severity, ..Finding::error(Concern::TestsWeakened, path, Some(line), fact) })
}

/// Calls in a test that assert by themselves, as far as names tell.
fn calls(side: &Side<'_>, case: &super::case::Case) -> usize {
    let texts = side.texts(&case.body);
    let calls = texts.windows(2).filter(|two| two[1] == "(").map(|two| two[0].to_lowercase());
    let own = |name: &String| {
        name == "check" || ASSERTING.iter().any(|begin| name.starts_with(begin)) && name.contains('_')
    };
    calls.filter(own).count()
}

/// What tests share: assertions in functions that they call, and tables beside them.
fn shared(whole: &Whole<'_, '_>, changed: &Changed<'_>, pool: &mut Vec<String>) -> Vec<Finding> {
    let (Some(old), Some(new)) = (&changed.old, &changed.new) else { return Vec::new() };
    let asserts = (old.shared_asserts(changed.language), new.shared_asserts(changed.language));
    let name = "what tests share";
    let compared = Compared { whole, path: changed.path, name, line: 1, new, spread: false };
    let mut found = compared.asserts(asserts.0, asserts.1, pool);
    if found.is_empty() {
        // A table may have moved into a file that is new, with the tests that it is for.
        let fresh = whole
            .sources
            .iter()
            .filter(|each| each.old.is_none() && std::ptr::eq(each.language, changed.language));
        let moved: Vec<rows::Row> =
            fresh.filter_map(|each| each.new.as_ref()).flat_map(rows::beside).collect();
        found.extend(compared.rows(&rows::beside(old), &rows::beside(new), &moved));
    }
    found
}

/// One comparison of assertions or tables.
struct Compared<'c, 'w, 'f> {
    whole: &'c Whole<'w, 'f>,
    path: &'f str,
    name: &'c str,
    line: usize,
    new: &'c Side<'f>,
    /// Whether a loop, a table or a call came to do what assertions did.
    spread: bool,
}

impl Compared<'_, '_, '_> {
    fn asserts(
        &self,
        old: Vec<Assertion<'_>>,
        mut new: Vec<Assertion<'_>>,
        pool: &mut Vec<String>,
    ) -> Vec<Finding> {
        let asserted = new.len();
        let mut left: Vec<Assertion<'_>> = Vec::new();
        for one in old {
            match new.iter().position(|each| each.tokens == one.tokens) {
                Some(at) => drop(new.remove(at)),
                None => left.push(one),
            }
        }
        let mut found = Vec::new();
        for one in left.into_iter().filter(|one| one.asks != Asks::Nothing) {
            let text = one.tokens.join(" ");
            if let Some(at) = pool.iter().position(|each| *each == text) {
                pool.swap_remove(at);
                continue;
            }
            match nearest(&one, &new) {
                Some(at) => found.extend(self.changed(&one, &new.remove(at))),
                None => found.extend(self.lost(&one, asserted)),
            }
        }
        found
    }

    /// An assertion without a successor.
    fn lost(&self, one: &Assertion<'_>, asserted: usize) -> Option<Finding> {
        let elsewhere = self.spread && one.literals.iter().all(|literal| self.new.has_literal(literal));
        let fact = match asserted {
            _ if elsewhere => return None,
            0 => format!("`{}` asserts nothing any more: `{}`", self.name, spell(one)),
            _ => format!("`{}` does not assert any more: `{}`", self.name, spell(one)),
        };
        Some(Finding::error(Concern::TestsWeakened, self.path, Some(self.line), fact))
    }

    /// An assertion that became another.
    fn changed<'t>(&self, old: &Assertion<'t>, new: &Assertion<'t>) -> Option<Finding> {
        let fact = |what: &str| format!("`{}` {what}: `{}`, before: `{}`", self.name, spell(new), spell(old));
        let line = Some(new.line);
        match judge(old, new, |literal| self.new.has_literal(literal)) {
            Judged::Same => None,
            Judged::CannotFail => Some(Finding::error(
                Concern::TestsWeakened,
                self.path,
                line,
                fact("asserts what always holds"),
            )),
            Judged::Less => {
                Some(Finding::error(Concern::TestsWeakened, self.path, line, fact("asks for less")))
            }
            Judged::Other => Some(self.expectation(line, fact("expects something else"))),
        }
    }

    /// Something else is expected: with changed code that may be right, without it is not.
    fn expectation(&self, line: Option<usize>, fact: String) -> Finding {
        let severity = if self.whole.source_changed { Severity::Warning } else { Severity::Error };
        Finding { severity, ..Finding::error(Concern::ExpectationsChanged, self.path, line, fact) }
    }

    fn rows(&self, old: &[rows::Row], new: &[rows::Row], moved: &[rows::Row]) -> Option<Finding> {
        let texts = |rows: &[rows::Row]| rows.iter().map(|row| row.text.clone()).collect::<Vec<_>>();
        let (old, all, moved) = (texts(old), texts(new), texts(moved));
        let (before, after, moved) = (words(&old), words(&all), words(&moved));
        let (lost, gained) = (minus(&minus(&before, &after), &moved), minus(&after, &before));
        let line =
            new.iter().find(|row| gained.contains(&row.text.as_str())).map_or(self.line, |row| row.line);
        match (lost.first(), gained.first()) {
            (None, _) => None,
            (Some(row), None) => {
                let fact = format!("`{}` has {} case(s) less: `{row}`", self.name, lost.len());
                Some(Finding::error(Concern::TestsRemoved, self.path, Some(line), fact))
            }
            (Some(was), Some(is)) => Some(
                self.expectation(Some(line), format!("a case of `{}` is `{is}`, before: `{was}`", self.name)),
            ),
        }
    }
}

fn words(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).collect()
}

fn spell(one: &Assertion<'_>) -> String {
    one.tokens.join(" ").chars().take(80).collect()
}

/// The assertion that has most in common with one.
fn nearest(one: &Assertion<'_>, all: &[Assertion<'_>]) -> Option<usize> {
    let common = |each: &Assertion<'_>| one.tokens.len() - minus(&one.tokens, &each.tokens).len();
    let best = all
        .iter()
        .enumerate()
        .filter(|(_, each)| one.custom || !each.custom)
        .map(|(at, each)| (at, common(each)))
        .max_by_key(|(at, common)| (*common, usize::MAX - at));
    // One argument may be all that there is in common.
    let enough = |common: usize| common > 1 || common == 1 && one.tokens.len() == 2;
    best.filter(|(_, common)| enough(*common)).or_else(|| best.filter(|_| all.len() == 1)).map(|(at, _)| at)
}
