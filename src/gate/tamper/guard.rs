//! The conditions under which tests and their assertions stand, where they stood under none before.

use super::assertion::Assertion;
use super::case::Case;
use super::language::{Language, Tests};
use super::lex::{Kind, Source, matches};
use super::read::Side;
use std::ops::Range;

/// How far the parts of a condition may lie apart, in tokens: no text makes reading it slow.
const FAR: usize = 2_000;
/// Parts of words of conditions that hold on one system and not on another.
const SYSTEMS: [&str; 16] = [
    "platform",
    "windows",
    "win32",
    "linux",
    "darwin",
    "macos",
    "goos",
    "goarch",
    "posix",
    "unix",
    "arch",
    "version",
    "short",
    "has_",
    "have_",
    "available",
];

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// Its tokens.
    at: Range<usize>,
}

impl Guard {
    /// Whether it asks for what is set outside: another environment decides what is tested.
    #[must_use]
    pub fn asks_outside(&self, source: &Source<'_>) -> bool {
        const OUTSIDE: [&str; 8] =
            ["environ", "getenv", "Getenv", "LookupEnv", "globalThis", "global", "var_os", "argv"];
        let tokens = &source.tokens[self.at.clone()];
        let two = |first: &str, second: &str| {
            tokens.windows(3).any(|three| {
                three[0].text == first && matches!(three[1].text, "." | "::") && three[2].text == second
            })
        };
        tokens.iter().any(|token| OUTSIDE.contains(&token.text)) || two("process", "env") || two("env", "var")
    }

    /// Whether it asks for the system that tests run on.
    fn asks_system(&self, source: &Source<'_>) -> bool {
        let words = source.tokens[self.at.clone()].iter().map(|token| token.text.to_lowercase());
        words.into_iter().any(|word| SYSTEMS.iter().any(|part| word.contains(part)))
    }

    /// Its words and literals, spelt.
    fn spelt(&self, source: &Source<'_>) -> String {
        let texts = source.tokens[self.at.clone()].iter().map(|token| token.text);
        texts.collect::<Vec<_>>().join(" ").chars().take(80).collect()
    }
}

/// The conditions that a place stands under, from a place on; without those beside which there is another branch.
#[must_use]
pub fn guards(language: &Language, source: &Source<'_>, from: usize, at: usize) -> Vec<Guard> {
    if language.tests == Tests::Indented {
        indented(source, from, at)
    } else if language.syntax.block.is_some() {
        braced(source, from, at)
    } else {
        Vec::new()
    }
}

fn braced(source: &Source<'_>, from: usize, at: usize) -> Vec<Guard> {
    let tokens = &source.tokens;
    let text = |place: usize| tokens.get(place).map_or("", |token| token.text);
    let other = |behind: usize| text(behind) == "else" && (text(behind + 1), text(behind + 2)) != ("{", "}");
    let mut found = Vec::new();
    let mut first = at;
    while first > from && matches!(tokens[first - 1].text, "await" | "void" | "return") {
        first -= 1;
    }
    let before = if first > from { text(first - 1) } else { "" };
    if before == ")" {
        let open = (from.max(first.saturating_sub(FAR))..first)
            .rev()
            .find(|place| source.closes[*place] == first - 1);
        let end = super::assertion::line_end(source, at);
        let behind = end + usize::from(text(end) == ";");
        found.extend(
            open.filter(|open| *open > 0 && text(open - 1) == "if" && !other(behind))
                .map(|open| Guard { at: open + 1..first - 1 }),
        );
    } else if before == "&&" || before == "?" && !answered(source, at) {
        let mut begin = first - 1;
        while begin > from && !matches!(tokens[begin - 1].text, ";" | "{" | "}") && !tokens[begin].first {
            begin -= 1;
        }
        found.push(Guard { at: begin..first - 1 });
    }
    for open in (from.max(at.saturating_sub(FAR))..at).rev() {
        if tokens[open].text != "{" || source.closes[open] < at {
            continue;
        }
        let head = (open.saturating_sub(FAR)..open).rev();
        let head = head.take_while(|place| !matches!(tokens[*place].text, "{" | "}"));
        let head: Vec<usize> = head.collect();
        let chosen = head.iter().find(|place| matches!(tokens[**place].text, "match" | "switch"));
        let chosen = chosen.filter(|begin| lets_pass(source, open, tokens[**begin].text == "match"));
        found.extend(chosen.map(|begin| Guard { at: begin + 1..open }));
        let begin = head.into_iter().find(|place| tokens[*place].text == "if");
        // A statement before the condition (`if x := f(); x > 0 {`); not one before that of which this is the body.
        let parted = |begin: &usize| tokens[*begin..open].iter().any(|token| token.text == ";");
        let begin = begin.filter(|begin| !parted(begin) || text(begin + 1) != "(");
        let own = begin.filter(|begin| *begin == 0 || text(begin - 1) != "else");
        found.extend(own.filter(|_| !other(source.behind(open))).map(|begin| Guard { at: begin + 1..open }));
    }
    found
}

/// Whether the other side of a question asserts as well, or fails.
fn answered(source: &Source<'_>, at: usize) -> bool {
    let end = super::assertion::line_end(source, at);
    let rest = source.tokens[at..end].iter().skip_while(|token| token.text != ":");
    rest.map(|token| token.text)
        .any(|text| ["assert", "expect", "fail", "throw"].iter().any(|begin| text.starts_with(begin)))
}

/// Whether a choice between cases has one that does nothing, or none for all that is not named.
fn lets_pass(source: &Source<'_>, open: usize, arms: bool) -> bool {
    let block = &source.tokens[open..source.behind(open).min(open + FAR).min(source.tokens.len())];
    let has = |pattern: &str| (0..block.len()).any(|at| matches(&block[at..], pattern));
    if arms {
        has("=> { }") || has("=> ( )")
    } else {
        !has("default") || has("default : }") || has("default : break")
    }
}

fn indented(source: &Source<'_>, from: usize, at: usize) -> Vec<Guard> {
    let (tokens, starts) = (&source.tokens, &source.statements);
    let Some(own) = starts.partition_point(|start| *start <= at).checked_sub(1) else { return Vec::new() };
    let mut found = Vec::new();
    let condition = |start: usize| {
        let mut place = start + 1;
        while place < tokens.len() && tokens[place].text != ":" {
            place = if source.closes[place] > 0 { source.behind(place) } else { place + 1 };
        }
        Guard { at: start + 1..place.min(tokens.len()) }
    };
    if tokens[starts[own]].text == "if" && starts[own] < at {
        found.extend(Some(condition(starts[own])).filter(|guard| guard.at.end < at));
    }
    let mut first = at;
    while first > starts[own] + 1 && tokens[first - 1].text == "." {
        first -= 2;
    }
    if first > starts[own] && tokens[first - 1].text == "and" && tokens[starts[own]].text != "assert" {
        found.push(Guard { at: starts[own]..first - 1 });
    }
    let (mut indent, mut below) = (tokens[starts[own]].indent, own);
    for index in (0..own).rev() {
        let start = starts[index];
        if start < from || indent == 0 {
            break;
        }
        if tokens[start].indent >= indent {
            continue;
        }
        indent = tokens[start].indent;
        below = below.max(own);
        let next = starts[below + 1..].iter().position(|next| tokens[*next].indent <= indent);
        let next = next.map(|next| below + 1 + next);
        let other = next.is_some_and(|next| {
            matches!(tokens[starts[next]].text, "else" | "elif")
                && starts.get(next + 1).is_none_or(|body| !matches!(tokens[*body].text, "pass" | "return"))
        });
        // What is in no case passes, unless the same choice has one for all others.
        let choice = starts[index..].iter().take(FAR).take_while(|each| tokens[**each].indent >= indent);
        let others = |each: &usize| {
            tokens[*each].indent == indent
                && matches(&tokens[*each..], "case _ :")
                && tokens[*each + 1].text == "_"
                && tokens.get(each + 3).is_none_or(|body| body.text != "pass")
        };
        let case = tokens[start].text == "case" && !choice.into_iter().any(others);
        if tokens[start].text == "if" && !other || case {
            found.push(condition(start));
        }
    }
    found
}

/// A test on one side.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'s, 'f> {
    /// Its language.
    pub language: &'static Language,
    /// Its side.
    pub side: &'s Side<'f>,
    /// The test.
    pub case: &'s Case,
    /// Its assertions.
    pub asserts: &'s [Assertion<'f>],
}

impl<'f> Standing<'_, 'f> {
    /// What it asserts: under a condition that it does not assert as well, or under none.
    fn asserted(&self, under: bool) -> Vec<(String, &Assertion<'f>, Option<Guard>)> {
        let source = &self.side.source;
        let one = |each: &Assertion<'f>| {
            let guards = guards(self.language, source, self.case.body.start, each.span.start);
            guards.into_iter().find(|guard| !self.asserts_itself(guard, each))
        };
        let all = self.asserts.iter().map(|each| (each.tokens.join(" "), each, one(each)));
        all.filter(|(_, _, guard)| guard.is_some() == under).collect()
    }

    /// Whether what a condition names is asserted as well, before it (types are narrowed so) or by itself.
    fn asserts_itself(&self, guard: &Guard, one: &Assertion<'f>) -> bool {
        let tokens = &self.side.source.tokens;
        let words: Vec<&str> = tokens[guard.at.clone()]
            .iter()
            .filter(|token| token.kind == Kind::Word && !matches!(token.text, "not" | "is" | "None" | "null"))
            .map(|token| token.text)
            .collect();
        let asserts =
            |at: usize| self.language.asserts.iter().any(|form| matches(&tokens[at..], form.pattern));
        let by_itself = guard.at.clone().any(asserts);
        let mut before = self.asserts.iter().filter(|each| each.span.start < guard.at.start);
        by_itself
            || before.any(|each| each.span != one.span && words.iter().all(|word| each.tokens.contains(word)))
    }
}

/// An assertion that held in any case, and is made under a condition now: its line, what it stands under, and whether
/// that is the system.
#[must_use]
pub fn conditional(old: Standing<'_, '_>, new: Standing<'_, '_>) -> Option<(usize, String, bool)> {
    let (was, is) = (old.asserted(false), new.asserted(false));
    let count = |all: &[(String, &Assertion<'_>, Option<Guard>)], text: &str| {
        all.iter().filter(|(each, _, _)| each == text).count()
    };
    let mut under = new.asserted(true).into_iter();
    let (_, one, guard) = under.find(|(text, _, _)| count(&is, text) < count(&was, text))?;
    let guard = guard?;
    let source = &new.side.source;
    let system = guard.asks_system(source) && !guard.asks_outside(source);
    Some((one.line, guard.spelt(source), system))
}
