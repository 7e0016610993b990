//! Attributes of Rust that keep a test from being built or run, by what their conditions say.
//!
//! A condition holds, does not, or is nobody's to know: features and systems are not looked up.

use super::language::RUST;
use super::lex::{Kind, Source, matches};
use super::pairs::Pairs;
use super::read::Changed;
use crate::gate::finding::Finding;
use crate::state::concern::Concern;
use std::collections::BTreeSet;
use std::ops::Range;

/// How deep conditions may lie in each other: what is deeper is nobody's to know.
const DEEP: usize = 32;

/// Tests that are there on both sides and are built or run no more.
#[must_use]
pub(super) fn findings(sources: &[Changed<'_>], pairs: &Pairs) -> Vec<Finding> {
    let mut found = Vec::new();
    for (before, after) in &pairs.kept {
        let (was, is) = (&sources[before.source], &sources[after.source]);
        let (Some(old), Some(new)) = (&was.old, &is.new) else { continue };
        if !std::ptr::eq(is.language, &raw const RUST) {
            continue;
        }
        let (then, now) = (&old.cases[before.case], &new.cases[after.case]);
        let had: BTreeSet<String> =
            off(&old.source, &(then.span.start..then.body.start)).into_iter().map(|(_, what)| what).collect();
        let has = off(&new.source, &(now.span.start..now.body.start));
        if let Some((line, what)) = has.into_iter().find(|(_, what)| !had.contains(what)) {
            let fact = format!("test `{}` does not run: `{what}`", now.name);
            found.push(Finding::error(Concern::TestsSkipped, is.path, Some(line), fact));
        }
    }
    found
}

/// The attributes in the head of a test by which it does not run, each with its line.
fn off(source: &Source<'_>, head: &Range<usize>) -> Vec<(usize, String)> {
    let tokens = &source.tokens;
    let one = |at: usize| {
        // What nothing closes is no attribute.
        let end = source.closes.get(at + 1).copied().filter(|close| *close > 0)?;
        let runs_not = if matches(&tokens[at..], "# [ cfg (") {
            holds(source, end, at + 4, 0).0 == Some(false)
        } else if matches(&tokens[at..], "# [ cfg_attr (") {
            let (held, behind) = holds(source, end, at + 4, 0);
            held == Some(true) && matches(&tokens[behind.min(end)..end], ", ignore")
        } else {
            false
        };
        let spelt = || tokens[at + 2..end].iter().map(|token| token.text).collect::<Vec<_>>().join(" ");
        runs_not.then(|| (tokens[at].line, spelt()))
    };
    (head.start..head.end.min(tokens.len())).filter_map(one).collect()
}

/// Whether the condition that begins here, so deep in others, holds, as far as that can be known, and where it ends:
/// at the end of the attribute at the latest.
fn holds(source: &Source<'_>, end: usize, at: usize, depth: usize) -> (Option<bool>, usize) {
    let tokens = &source.tokens[..end];
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    if text(at + 1) == "(" && depth >= DEEP {
        return (None, source.behind(at + 1));
    }
    if text(at + 1) == "(" {
        let (mut all, mut place) = (Vec::new(), at + 2);
        while !matches!(text(place), ")" | "") {
            let (held, behind) = holds(source, end, place, depth + 1);
            all.push(held);
            place = behind + usize::from(text(behind) == ",");
        }
        let held = match text(at) {
            "all" if all.contains(&Some(false)) => Some(false),
            "all" if all.iter().all(|held| *held == Some(true)) => Some(true),
            "any" if all.contains(&Some(true)) => Some(true),
            "any" if all.iter().all(|held| *held == Some(false)) => Some(false),
            "not" => all.first().copied().flatten().map(|held| !held),
            _ => None,
        };
        return (held, place + 1);
    }
    if text(at + 1) == "=" && tokens.get(at + 2).is_some_and(|token| token.kind == Kind::Text) {
        let value = tokens[at + 2].bare();
        let held = match text(at) {
            "target_pointer_width" => Some(value == "64"),
            "target_endian" => Some(value == "little"),
            "panic" => Some(value == "unwind"),
            "target_os" if value == "none" => Some(false),
            "target_arch" if !matches!(value, "x86_64" | "aarch64") => Some(false),
            _ => None,
        };
        return (held, at + 3);
    }
    let held = match text(at) {
        "test" | "debug_assertions" => Some(true),
        "FALSE" | "false" => Some(false),
        "true" => Some(true),
        _ => None,
    };
    (held, at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_hold_or_not_or_are_nobody_s_to_know() {
        for (text, held) in [
            ("all()", Some(true)),
            ("any()", Some(false)),
            ("not(test)", Some(false)),
            ("all(test, not(any()))", Some(true)),
            ("all(unix, target_pointer_width = \"16\")", Some(false)),
            ("any(windows, debug_assertions)", Some(true)),
            ("feature = \"slow\"", None),
            ("not(miri)", None),
            ("all(test, feature = \"slow\")", None),
        ] {
            let source = Source::new(text, &RUST.syntax);
            let end = source.tokens.len();
            assert_eq!(holds(&source, end, 0, 0), (held, end), "{text}");
        }
    }

    #[test]
    fn conditions_are_read_in_their_attribute_alone_and_so_deep_at_the_most() {
        let deep = |count: usize| "all(".repeat(count) + &")".repeat(count);
        for text in ["all(".repeat(100_000), deep(100_000), deep(DEEP + 1)] {
            let source = Source::new(&text, &RUST.syntax);
            let known = (text.len() <= 5 * DEEP).then_some(true);
            assert_eq!(holds(&source, source.tokens.len(), 0, 0).0, known, "{} bytes", text.len());
            let test = format!("#[test] fn a() where #[cfg(all(x {{ {text}");
            let source = Source::new(&test, &RUST.syntax);
            assert_eq!(off(&source, &(0..source.tokens.len())), [], "{} bytes", test.len());
        }
        let known = deep(DEEP);
        let source = Source::new(&known, &RUST.syntax);
        assert_eq!(holds(&source, source.tokens.len(), 0, 0).0, Some(true));
    }
}
