//! Which test of the base is which of the candidate: by place and name, by name, by content.

use super::lex::Kind;
use super::read::{Changed, Side, minus};
use std::collections::{BTreeMap, BTreeSet};

/// A test: its source and its place among the tests of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Which {
    /// The source.
    pub source: usize,
    /// The test.
    pub case: usize,
}

/// Tests of both sides, told apart.
#[derive(Debug, Default)]
pub struct Pairs {
    /// The same test before and after.
    pub kept: Vec<(Which, Which)>,
    /// Tests that are nowhere any more.
    pub gone: Vec<Which>,
    /// Tests that were nowhere before.
    pub fresh: Vec<Which>,
}

/// From here on two tests are the same one with another name.
const ALIKE: f64 = 0.6;
/// The most tests on each side that are compared by content.
const COMPARED: usize = 300;

/// Pairs the tests of a change.
#[must_use]
pub fn pairs(sources: &[Changed<'_>]) -> Pairs {
    let mut old = all(sources, false);
    let mut new = all(sources, true);
    let mut kept = Vec::new();
    take(
        &mut old,
        &mut new,
        &mut kept,
        |a| (Some(a.source), name(sources, a, false)),
        |b| (Some(b.source), name(sources, b, true)),
    );
    take(&mut old, &mut new, &mut kept, |a| name(sources, a, false), |b| name(sources, b, true));
    if old.len() <= COMPARED && new.len() <= COMPARED {
        by_content(sources, &mut old, &mut new, &mut kept);
    }
    kept.sort_unstable();
    Pairs { kept, gone: old, fresh: new }
}

/// Tells each source that is new which of those that are gone it was made of: the ones whose tests it has, those of
/// its name, and those that are nowhere else with half of the names that they define.
pub fn trace(sources: &mut [Changed<'_>], pairs: &Pairs) {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let gone = (0..sources.len()).filter(|at| sources[*at].new.is_none());
    let fresh: Vec<usize> = (0..sources.len()).filter(|at| sources[*at].old.is_none()).collect();
    let mut heirs: BTreeSet<(usize, usize)> = pairs
        .kept
        .iter()
        .map(|(before, after)| (after.source, before.source))
        .filter(|(is, was)| sources[*is].old.is_none() && sources[*was].new.is_none())
        .collect();
    let mut found: BTreeSet<usize> = heirs.iter().map(|(_, was)| *was).collect();
    let mut names: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for at in &fresh {
        for defined in sources[*at].new.iter().flat_map(Side::defined) {
            names.entry(defined).or_default().push(*at);
        }
    }
    for was in gone {
        let alike = |is: &&usize| std::ptr::eq(sources[**is].language, sources[was].language);
        let same =
            fresh.iter().filter(alike).filter(|is| name(sources[**is].path) == name(sources[was].path));
        for is in same {
            heirs.insert((*is, was));
            found.insert(was);
        }
        if found.contains(&was) {
            continue;
        }
        let defined = sources[was].old.as_ref().map(Side::defined).unwrap_or_default();
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        for is in defined.iter().filter_map(|name| names.get(name)).flatten().filter(alike) {
            *shared.entry(*is).or_default() += 1;
        }
        heirs.extend(
            shared.into_iter().filter(|(_, count)| 2 * count >= defined.len()).map(|(is, _)| (is, was)),
        );
    }
    for (is, was) in heirs {
        sources[is].made_of.push(was);
    }
}

fn all(sources: &[Changed<'_>], after: bool) -> Vec<Which> {
    let one = |(source, changed): (usize, &Changed<'_>)| {
        let side = changed.side(after);
        let count = side.map_or(0, |side| side.cases.len());
        (0..count).map(move |case| Which { source, case }).collect::<Vec<_>>()
    };
    sources.iter().enumerate().flat_map(one).collect()
}

fn name<'s>(sources: &'s [Changed<'_>], which: &Which, after: bool) -> &'s str {
    let changed = &sources[which.source];
    let side = changed.side(after);
    side.map_or("", |side| side.cases[which.case].name.as_str())
}

/// Takes out of both lists what has the same key, in order.
fn take<K: Ord>(
    old: &mut Vec<Which>,
    new: &mut Vec<Which>,
    kept: &mut Vec<(Which, Which)>,
    old_key: impl Fn(&Which) -> K,
    new_key: impl Fn(&Which) -> K,
) {
    let mut places: BTreeMap<K, Vec<Which>> = BTreeMap::new();
    for which in new.iter().rev() {
        places.entry(new_key(which)).or_default().push(*which);
    }
    old.retain(|which| match places.get_mut(&old_key(which)).and_then(Vec::pop) {
        Some(partner) => {
            kept.push((*which, partner));
            false
        }
        None => true,
    });
    new.retain(|which| !kept.iter().any(|(_, partner)| partner == which));
}

fn by_content(
    sources: &[Changed<'_>],
    old: &mut Vec<Which>,
    new: &mut Vec<Which>,
    kept: &mut Vec<(Which, Which)>,
) {
    old.retain(|which| {
        let body = words(sources, which, false);
        let best = new
            .iter()
            .enumerate()
            .filter(|(_, each)| std::ptr::eq(sources[each.source].language, sources[which.source].language))
            .map(|(at, each)| (at, likeness(&body, &words(sources, each, true))))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        match best {
            Some((at, likeness)) if likeness >= ALIKE => {
                kept.push((*which, new.remove(at)));
                false
            }
            Some(_) | None => true,
        }
    });
}

fn words<'f>(sources: &[Changed<'f>], which: &Which, after: bool) -> Vec<&'f str> {
    let changed = &sources[which.source];
    let Some(side) = changed.side(after) else { return Vec::new() };
    let body = side.part(&side.cases[which.case].body);
    body.iter().filter(|token| token.kind != Kind::Mark).map(|token| token.text).collect()
}

/// How much two bodies have in common, 0..1.
fn likeness(a: &[&str], b: &[&str]) -> f64 {
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    let total = a.len() + b.len();
    if total == 0 {
        return 0.0;
    }
    let common = a.len() - minus(a, b).len();
    2.0 * count(common) / count(total)
}
