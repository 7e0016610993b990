//! Code that makes checks say what they should not: it knows that it is tested, equals everything,
//! bends the runner, mocks what is tested, or is excepted from a check.

use super::language::{Asks, Language};
use super::lex::{Kind, matches};
use super::pairs::{Pairs, Which};
use super::read::{Changed, Side, before};
use crate::gate::finding::Finding;
use crate::state::concern::Concern;
use crate::state::problem::Severity;

/// How long a list of rules may be, in tokens: a longer one is no narrow one.
const FAR: usize = 2_000;

/// All tricks in the sources of a change.
#[must_use]
pub fn findings(sources: &[Changed<'_>], pairs: &Pairs) -> Vec<Finding> {
    let mut found = Vec::new();
    for changed in sources {
        let language = changed.language;
        let support = changed.is_test || is_support(changed.path);
        let mut more = |patterns, concern, severity, fact: &str| {
            found.extend(new_marks(changed, sources, patterns, concern, severity, fact));
        };
        if !support {
            more(language.detects, Concern::TestDetected, Severity::Error, "code asks whether it is tested");
            more(
                language.hints,
                Concern::TestDetected,
                Severity::Warning,
                "code may behave otherwise while it is tested",
            );
        }
        if support || changed.new.as_ref().is_some_and(|new| !new.cases.is_empty()) {
            more(
                language.harness,
                Concern::HarnessChanged,
                Severity::Error,
                "what runs or judges tests is bent",
            );
        }
        more(
            language.equals,
            Concern::HarnessChanged,
            Severity::Error,
            "values equal whatever they are compared with",
        );
    }
    found.extend(excepted(sources));
    found.extend(
        sources.iter().enumerate().flat_map(|(source, changed)| mocked(changed, source, pairs, sources)),
    );
    found
}

/// Files that runners load beside the tests.
fn is_support(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    [
        "conftest",
        "jest.",
        "vitest.",
        "setupTests",
        "karma.",
        "playwright.",
        "cypress.",
        "test_helper",
        "spec_helper",
        ".mocharc",
    ]
    .iter()
    .any(|begin| name.starts_with(begin))
}

fn places(side: &Side<'_>, patterns: &[&'static str]) -> Vec<usize> {
    let here = |at: &usize| patterns.iter().any(|pattern| matches(&side.source.tokens[*at..], pattern));
    (0..side.source.tokens.len()).filter(here).collect()
}

/// Patterns that a source has more often than before: where it is new, than all that are gone.
fn new_marks(
    changed: &Changed<'_>,
    sources: &[Changed<'_>],
    patterns: &[&'static str],
    concern: Concern,
    severity: Severity,
    fact: &str,
) -> Option<Finding> {
    let new = changed.new.as_ref()?;
    let now = places(new, patterns);
    let before = before(changed, sources, |old| places(old, patterns).len());
    let at = now.last().filter(|_| now.len() > before)?;
    let line = Some(new.source.tokens[*at].line);
    Some(Finding { severity, ..Finding::error(concern, changed.path, line, fact) })
}

/// Exceptions from checks, of which there are more than before over the whole change.
fn excepted(sources: &[Changed<'_>]) -> Vec<Finding> {
    let mut found = Vec::new();
    for all in [true, false] {
        let count = |after: bool| -> usize {
            sources.iter().map(|changed| exceptions(changed, after, all).len()).sum()
        };
        if count(true) <= count(false) {
            continue;
        }
        for changed in sources {
            let (old, now) = (exceptions(changed, false, all), exceptions(changed, true, all));
            let Some(line) = now.last().filter(|_| now.len() > old.len()) else { continue };
            let (severity, fact) = if all {
                (Severity::Error, "the whole file is excepted from a check")
            } else {
                (Severity::Warning, "a place is excepted from a check")
            };
            let finding = Finding::error(Concern::ChecksSuppressed, changed.path, Some(*line), fact);
            found.push(Finding { severity, ..finding });
        }
    }
    found
}

/// Lines with exceptions: for all of a file, or for one place.
fn exceptions(changed: &Changed<'_>, after: bool, all: bool) -> Vec<usize> {
    let language: &Language = changed.language;
    let Some(side) = changed.side(after) else { return Vec::new() };
    let tokens = &side.source.tokens;
    let has =
        |patterns: &[&'static str], at: usize| patterns.iter().any(|pattern| matches(&tokens[at..], pattern));
    let made = changed.old.is_none() && is_generated(changed.path, side);
    let mut blocks_end = 0;
    let in_code = (0..tokens.len()).filter(|at| {
        if tokens[*at].text == "{" {
            blocks_end = blocks_end.max(side.source.closes[*at]);
        }
        let own = has(language.excepts_all, *at);
        let apart = changed.old.is_none() || changed.is_test || blocks_end > *at;
        let whole = own && !made && !(apart && is_narrow(side, *at));
        if all { whole } else { !whole && (own || has(language.excepts, *at)) }
    });
    let in_comments = side.source.comments.iter().filter(|(_, text)| {
        let one = language.comments.iter().any(|mark| text.contains(mark));
        let own = language.comments_all.iter().any(|mark| text.contains(mark))
            && !text.contains("-line")
            && !text.contains("-next-line");
        let whole = own && !made && !(changed.old.is_none() && names_a_rule(text));
        if all { whole } else { (one || own) && !whole }
    });
    let mut lines: Vec<usize> =
        in_code.map(|at| tokens[at].line).chain(in_comments.map(|(line, _)| *line)).collect();
    lines.sort_unstable();
    lines
}

/// Whether an exception at the head of a file or a module is from rules that it names. So narrow ones count less for
/// what no check has judged: a file that is new, one of tests, or a module inside a file.
fn is_narrow(side: &Side<'_>, at: usize) -> bool {
    const BROAD: [&str; 14] = [
        "warnings",
        "all",
        "unused",
        "correctness",
        "suspicious",
        "style",
        "complexity",
        "perf",
        "pedantic",
        "restriction",
        "nursery",
        "coverage",
        "file",
        "\"all\"",
    ];
    let tokens = &side.source.tokens;
    let mut named = tokens[at..].iter().take(FAR);
    let end = named.find(|token| token.text == "]" || BROAD.contains(&token.text));
    end.is_some_and(|token| token.text == "]")
}

/// Whether a file says at its head that a program wrote it, and where it lies as well: anybody can write a comment.
fn is_generated(path: &str, side: &Side<'_>) -> bool {
    const PLACES: [&str; 9] =
        ["gen", "generated", "autogenerated", "codegen", "pb", "pb2", "grpc", "bindings", "bindgen"];
    let mut words = path.split(|c: char| !c.is_alphanumeric());
    let placed = path.ends_with(".d.ts") || words.any(|word| PLACES.contains(&word));
    let head = side.source.comments.iter().take_while(|(line, _)| *line <= 20);
    placed
        && head.map(|(_, text)| text.to_lowercase()).any(|text| {
            ["@generated", "auto-generated", "autogenerated", "generated by"]
                .iter()
                .any(|mark| text.contains(mark))
        })
}

/// Whether an exception in a comment says which rules it is from; what follows `noqa` without a colon is no rule.
fn names_a_rule(comment: &str) -> bool {
    ["eslint-disable", "tslint:disable", "ruff: noqa:", "flake8: noqa:"].iter().any(|mark| {
        let rest = comment.split_once(mark).map_or("", |(_, rest)| rest);
        let rule = rest.trim_start_matches([':', ' ']);
        rule.starts_with(|c: char| c.is_alphanumeric() || c == '@')
    })
}

/// Tests that assert what they mock: the thing that they call, or a value that was really computed.
fn mocked(changed: &Changed<'_>, source: usize, pairs: &Pairs, sources: &[Changed<'_>]) -> Vec<Finding> {
    let Some(new) = &changed.new else { return Vec::new() };
    let mut found = Vec::new();
    let mocks = places(new, changed.language.mocks);
    if mocks.is_empty() {
        return found;
    }
    for (case, one) in new.cases.iter().enumerate() {
        let which = Which { source, case };
        let old = pairs.kept.iter().find(|(_, after)| *after == which).map(|(before, _)| *before);
        let before = old.and_then(|old| {
            Some((&sources[old.source], sources[old.source].old.as_ref()?.cases.get(old.case)?))
        });
        let own: Vec<usize> = mocks.iter().copied().filter(|at| one.span.contains(at)).collect();
        if own.is_empty() {
            continue;
        }
        let mocks_of = |side: &Side<'_>, span: &std::ops::Range<usize>| -> usize {
            let here = |at: &usize| {
                changed.language.mocks.iter().any(|pattern| matches(&side.source.tokens[*at..], pattern))
            };
            (span.start..span.end.min(side.source.tokens.len())).filter(here).count()
        };
        let grew = before.is_some_and(|(was, old_case)| {
            was.old.as_ref().is_some_and(|side| own.len() > mocks_of(side, &old_case.span))
        });
        let asserts = new.asserts(changed.language, one);
        let expected: Vec<&str> = asserts
            .iter()
            .filter(|each| each.asks == Asks::Exactly)
            .flat_map(|each| each.literals.clone())
            .collect();
        for at in own {
            let (values, names) = statement(new, at);
            let copied = !values.is_empty() && values.iter().all(|value| expected.contains(value));
            let called = names.iter().any(|name| is_called(new, &one.body, name, at));
            if copied && (called || grew) {
                let line = Some(new.source.tokens[at].line);
                let fact = format!("test `{}` expects what it mocks: `{}`", one.name, values.join(" "));
                found.push(Finding::error(Concern::TestsMocked, changed.path, line, fact));
                break;
            }
        }
    }
    found
}

/// The literals that a mock returns, and the last parts of the names that its statement has before.
fn statement<'f>(side: &Side<'f>, at: usize) -> (Vec<&'f str>, Vec<&'f str>) {
    let tokens = &side.source.tokens;
    let start = (0..=at).rev().find(|place| tokens[*place].first).unwrap_or(0);
    let end = (at + 1..tokens.len())
        .find(|place| tokens[*place].first || tokens[*place].text == ";")
        .unwrap_or(tokens.len());
    let literal = |token: &&super::lex::Token<'f>| matches!(token.kind, Kind::Number | Kind::Text);
    let values = tokens[at..end].iter().filter(literal).map(|token| token.text).collect();
    let last = |text: &'f str| {
        text.trim_matches(['"', '\'', '`']).rsplit(['.', ':', '/']).next().unwrap_or_default()
    };
    let named = tokens[start..at].iter().filter(|token| matches!(token.kind, Kind::Word | Kind::Text));
    (values, named.map(|token| last(token.text)).filter(|name| name.len() > 1).collect())
}

/// Whether a test calls a name itself, outside of the statement at a place.
fn is_called(side: &Side<'_>, body: &std::ops::Range<usize>, name: &str, at: usize) -> bool {
    const PLUMBING: [&str; 9] =
        ["fn", "spyOn", "patch", "Mock", "MagicMock", "object", "when", "setattr", "doReturn"];
    let tokens = &side.source.tokens;
    let line = tokens[at].line;
    !PLUMBING.contains(&name)
        && body.clone().any(|place| {
            place + 1 < tokens.len()
                && tokens[place].text == name
                && tokens[place + 1].text == "("
                && tokens[place].line != line
        })
}
