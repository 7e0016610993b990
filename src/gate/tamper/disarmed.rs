//! Tests that run and cannot fail: what prepares them leaves, what loads or runs them does nothing, what asserts is
//! theirs and asserts nothing; and code that overwrites what judges it.

use super::guard::guards;
use super::language::{BRACES, JAVASCRIPT, Language, PYTHON, Tests};
use super::lex::{Kind, Source, Token, matches};
use super::pairs::{Pairs, Which};
use super::read::{Changed, Side, before, origins};
use crate::gate::finding::Finding;
use crate::state::concern::Concern;
use crate::state::problem::Severity;
use std::ops::Range;

/// What is disarmed.
#[must_use]
pub(super) fn findings(sources: &[Changed<'_>], pairs: &Pairs) -> Vec<Finding> {
    let mut found = Vec::new();
    for (source, changed) in sources.iter().enumerate() {
        if changed.is_test {
            found.extend(hooks(changed, sources));
        } else {
            found.extend(spelt_apart(changed, sources));
        }
        found.extend(overwritten(changed, sources));
        found.extend(shim(changed, sources));
        for (before, after) in pairs.kept.iter().filter(|(_, after)| after.source == source) {
            found.extend(conditional(sources, *before, *after));
        }
    }
    found
}

/// A test that is declared under a condition, or left under one that asks for what is set outside.
fn conditional(sources: &[Changed<'_>], before: Which, after: Which) -> Option<Finding> {
    let (was, is) = (&sources[before.source], &sources[after.source]);
    let (old, new) = (was.old.as_ref()?, is.new.as_ref()?);
    let (then, now) = (&old.cases[before.case], &new.cases[after.case]);
    let over =
        |changed: &Changed<'_>, side: &Side<'_>, at: usize| guards(changed.language, &side.source, 0, at);
    let above = over(is, new, now.span.start);
    if above.len() > over(was, old, then.span.start).len() {
        let outside = above.iter().any(|guard| guard.asks_outside(&new.source));
        let severity = if outside { Severity::Error } else { Severity::Warning };
        let fact = format!("test `{}` is there under a condition only", now.name);
        let finding = Finding::error(Concern::TestsSkipped, is.path, Some(now.line), fact);
        return Some(Finding { severity, ..finding });
    }
    let left = |changed: &Changed<'_>, side: &Side<'_>, body: &Range<usize>| {
        let end = body.end.min(side.source.tokens.len());
        (body.start..end).find(|at| {
            side.source.tokens[*at].text == "return"
                && guards(changed.language, &side.source, body.start, *at)
                    .iter()
                    .any(|guard| guard.asks_outside(&side.source))
        })
    };
    let at = left(is, new, &now.body).filter(|_| left(was, old, &then.body).is_none())?;
    let fact = format!("test `{}` is left where what is set outside says so", now.name);
    Some(Finding::error(Concern::TestsSkipped, is.path, Some(new.source.tokens[at].line), fact))
}

/// A function of Python: its name, and what it does.
struct Function<'s, 'f> {
    name: &'f str,
    line: usize,
    decorated: bool,
    /// The names of what it is given.
    given: Vec<&'f str>,
    body: &'s [Token<'f>],
    /// The first tokens of the statements that stand in it and in nothing else.
    own: Vec<&'s [Token<'f>]>,
}

fn functions<'s, 'f>(source: &'s Source<'f>) -> Vec<Function<'s, 'f>> {
    let (tokens, starts) = (&source.tokens, &source.statements);
    let one = |(index, start): (usize, &usize)| {
        let def = start + usize::from(tokens[*start].text == "async");
        let name = tokens.get(def + 1).filter(|_| tokens[def].text == "def" && def + 2 < tokens.len())?;
        let behind = source.behind(def + 2);
        let indent = tokens[*start].indent;
        let end = starts[index + 1..].iter().find(|next| tokens[**next].indent <= indent);
        let end = end.copied().unwrap_or(tokens.len());
        let body = behind.min(end)..end;
        let inside: Vec<usize> = starts[index + 1..].iter().copied().take_while(|at| *at < end).collect();
        let depth = inside.first().map_or(0, |first| tokens[*first].indent);
        let line = (inside.is_empty() && behind + 1 < end).then_some(behind + 1);
        let own = inside.into_iter().filter(|at| tokens[*at].indent == depth).chain(line);
        Some(Function {
            name: name.text,
            line: name.line,
            decorated: index > 0 && tokens[starts[index - 1]].text == "@",
            given: tokens[def + 3..behind.max(def + 3)]
                .iter()
                .filter(|token| token.kind == Kind::Word)
                .map(|token| token.text)
                .collect(),
            own: own.map(|at| &tokens[at..]).collect(),
            body: &tokens[body],
        })
    };
    starts.iter().enumerate().filter_map(one).collect()
}

/// What a runner of Python calls around tests, made to do nothing or to leave.
fn hooks(changed: &Changed<'_>, sources: &[Changed<'_>]) -> Option<Finding> {
    let new = changed.new.as_ref().filter(|_| std::ptr::eq(changed.language, &raw const PYTHON))?;
    let before = origins(changed, sources);
    let before: Vec<(Concern, String)> = before
        .into_iter()
        .flat_map(|old| functions(&old.source).iter().filter_map(hook).collect::<Vec<_>>())
        .collect();
    let all = functions(&new.source);
    let mut now = all.iter().filter_map(|function| Some((function.line, hook(function)?)));
    let (line, (concern, fact)) = now.find(|(_, hook)| !before.contains(hook))?;
    Some(Finding::error(concern, changed.path, Some(line), fact))
}

fn hook(function: &Function<'_, '_>) -> Option<(Concern, String)> {
    let (name, body) = (function.name, function.body);
    let has = |all: &[&str]| body.iter().any(|token| all.contains(&token.text));
    let asserts = || body.iter().any(|token| token.text.to_lowercase().contains("assert"));
    let starts = |pattern: &str| function.own.iter().any(|tokens| matches(tokens, pattern));
    let prepares = name.to_lowercase().starts_with("setup")
        || name == "asyncSetUp"
        || name.starts_with("pytest_runtest_");
    let leaves = [
        "self . skipTest (",
        "cls . skipTest (",
        "pytest . skip (",
        "raise unittest . SkipTest",
        "raise SkipTest",
    ];
    if (prepares || function.decorated && !name.starts_with("test"))
        && leaves.iter().any(|pattern| starts(pattern))
    {
        let fact = format!("`{name}` leaves the tests that it prepares before they run");
        return Some((Concern::TestsSkipped, fact));
    }
    let loads = function.given.get(1).is_some_and(|tests| has(&[tests]))
        || body.iter().any(|token| token.text.starts_with("loadTests") || token.text == "discover");
    let idle = match name {
        "load_tests" => !loads,
        "run" | "debug"
            if function.given.first() == Some(&"self") && function.given.get(1) == Some(&"result") =>
        {
            !has(&["super", "TestCase"])
        }
        "pytest_ignore_collect" => starts("return True"),
        "pytest_collection_modifyitems" => starts("items [ : ] =") || starts("items . clear ("),
        _ if function.given.first() == Some(&"self") && is_assertion(&PYTHON, name) => {
            !has(&["raise", "fail", "super"]) && !asserts()
        }
        _ => false,
    };
    idle.then(|| {
        (Concern::HarnessChanged, format!("`{name}`, which the runner relies on, does nothing of its own"))
    })
}

/// Whether what is overwritten is so for one test: what a runner takes back by itself, a stub that it counts, and
/// what was there before.
fn is_stub(tokens: &[Token<'_>], at: usize) -> bool {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let by = text(at + 4);
    let was = ["=", "process", ".", "exit"];
    let kept = |one: usize| text(one) == by && (1..5).all(|next| text(one + next) == was[next - 1]);
    text(at.wrapping_sub(2)) == "monkeypatch"
        || text(at) == "process" && (matches!(by, "jest" | "vi") || (0..at).any(kept))
}

/// Whether a name is one that asserts in a language.
fn is_assertion(language: &Language, name: &str) -> bool {
    language.asserts.iter().any(|form| {
        let mut words = form.pattern.split(' ').filter(|word| word.starts_with(char::is_alphabetic));
        words.any(|word| {
            word == name
                && (word.starts_with("assert") || form.pattern.starts_with("assert ."))
                && word != "assert"
        })
    })
}

/// Names of what runs and judges tests, as code that looks for them has them.
const RUNNERS: [&str; 12] = [
    "unittest",
    "pytest",
    "_pytest",
    "PYTEST_CURRENT_TEST",
    "JEST_WORKER_ID",
    "VITEST",
    "VITEST_WORKER_ID",
    "node:test",
    "node:assert",
    "assertEqual",
    "strictEqual",
    "AssertionError",
];

/// The name of a runner that code puts together of parts, so that nobody finds it.
fn spelt_apart(changed: &Changed<'_>, sources: &[Changed<'_>]) -> Option<Finding> {
    let places = |side: &Side<'_>| -> Vec<usize> {
        let tokens = &side.source.tokens;
        let begins = |at: &usize| {
            tokens[*at].kind == Kind::Text && (*at == 0 || tokens[*at - 1].text != "+") && {
                let mut name = tokens[*at].bare().to_owned();
                let mut next = *at + 1;
                while name.len() < 32 && tokens.get(next).is_some_and(|token| token.text == "+") {
                    let Some(part) = tokens.get(next + 1).filter(|token| token.kind == Kind::Text) else {
                        break;
                    };
                    name.push_str(part.bare());
                    next += 2;
                }
                next > *at + 1 && RUNNERS.contains(&name.as_str())
            }
        };
        (0..tokens.len()).filter(begins).collect()
    };
    more(
        changed,
        sources,
        Concern::TestDetected,
        "the name of what runs tests is put together of parts",
        places,
    )
}

/// A place of which a source has more than before.
fn more(
    changed: &Changed<'_>,
    sources: &[Changed<'_>],
    concern: Concern,
    fact: &str,
    places: impl Fn(&Side<'_>) -> Vec<usize>,
) -> Option<Finding> {
    let new = changed.new.as_ref()?;
    let now = places(new);
    let before = before(changed, sources, |old| places(old).len());
    let at = now.last().filter(|_| now.len() > before)?;
    Some(Finding::error(concern, changed.path, Some(new.source.tokens[*at].line), fact))
}

/// What ends, asserts or runs for everybody, given another meaning: in code and in tests.
fn overwritten(changed: &Changed<'_>, sources: &[Changed<'_>]) -> Option<Finding> {
    const ALWAYS: [&str; 13] = [
        "sys . exit =",
        "os . _exit =",
        "builtins . AssertionError =",
        "builtins . __import__ =",
        "setattr ( sys , \"exit\"",
        "setattr ( sys , 'exit'",
        "failureException = unittest . SkipTest",
        "failureException = SkipTest",
        "process . exit =",
        "process . reallyExit =",
        "at_exit { exit ! ( 0",
        "# undef assert",
        "# define NDEBUG",
    ];
    let language = changed.language;
    let script = std::ptr::eq(language, &raw const JAVASCRIPT);
    let places = |side: &Side<'_>| -> Vec<usize> {
        let tokens = &side.source.tokens;
        // A library of assertions may well have functions of these names: another's are overwritten.
        let others = tokens.iter().any(|token| {
            token.kind == Kind::Text
                && matches!(
                    token.bare().trim_start_matches("node:"),
                    "assert" | "assert/strict" | "chai" | "vitest"
                )
        });
        let asserts = |at: usize| {
            let text = |by: usize| tokens.get(at + by).map_or("", |token| token.text);
            let own = text(0) == "." && text(2) == "=" && is_assertion(language, text(1));
            let holder = at.checked_sub(1).map_or("", |at| tokens[at].text);
            own && (script && others && holder == "assert"
                || language.tests == Tests::Indented && holder.ends_with("TestCase"))
        };
        let always =
            |at: usize| ALWAYS.iter().any(|pattern| matches(&tokens[at..], pattern)) && !is_stub(tokens, at);
        let ends = ["_Exit ( 0", "_exit ( 0", "exit ( 0"];
        let ends = tokens
            .iter()
            .enumerate()
            .any(|(at, _)| ends.iter().any(|pattern| matches(&tokens[at..], pattern)));
        let loaded = |at: usize| {
            ["__attribute__ ( ( constructor", "signal ( SIGABRT ,", "link_section = \".init_array\""]
                .iter()
                .any(|pattern| ends && matches(&tokens[at..], pattern))
        };
        let native = |at: usize| {
            std::ptr::eq(language, &raw const BRACES)
                && (matches(&tokens[at..], "# define assert ( _ ) ( ( void")
                    && !(at > 1 && tokens[at - 2].text == "ifdef" && tokens[at - 1].text == "NDEBUG")
                    || matches(&tokens[at..], "__assert_fail ( const")
                    || matches(&tokens[at..], "__assert_rtn ( const"))
        };
        (0..tokens.len()).filter(|at| always(*at) || asserts(*at) || native(*at) || loaded(*at)).collect()
    };
    more(changed, sources, Concern::HarnessChanged, "what ends, runs or judges tests is overwritten", places)
}

/// JavaScript whose tests take what asserts from a new file of the project, and no longer from the library: that file
/// does not even hand the library's on.
fn shim(changed: &Changed<'_>, sources: &[Changed<'_>]) -> Option<Finding> {
    let (old, new) = (changed.old.as_ref()?, changed.new.as_ref()?);
    if !std::ptr::eq(changed.language, &raw const JAVASCRIPT) || !changed.is_test {
        return None;
    }
    let from = |side: &Side<'_>, name: &str| -> Option<(String, usize)> {
        let tokens = &side.source.tokens;
        let imports = (0..tokens.len())
            .filter(|at| matches!(tokens[*at].text, "import" | "const") && tokens[*at].first);
        let mut all = imports.filter_map(|at| {
            let rest = tokens[at..].iter().take(60);
            let end = rest.clone().position(|token| token.kind == Kind::Text || token.text == ";")?;
            let named = rest.take(end).any(|token| token.text == name);
            let text = &tokens[at + end];
            (named && text.kind == Kind::Text).then(|| (text.bare().to_owned(), text.line))
        });
        all.next()
    };
    ["assert", "expect"].into_iter().find_map(|name| {
        let (was, (is, line)) = (from(old, name)?, from(new, name)?);
        let library = was.0;
        let file = is.rsplit('/').next().unwrap_or_default();
        let stem = file.split('.').next().unwrap_or_default();
        let fresh = sources.iter().find(|each| {
            let own = each.path.rsplit('/').next().unwrap_or_default();
            each.old.is_none() && own.split('.').next() == Some(stem)
        })?;
        let tokens = &fresh.new.as_ref()?.source.tokens;
        let hands_on = tokens.iter().any(|token| token.kind == Kind::Text && token.bare() == library);
        (!library.starts_with('.') && is.starts_with('.') && !hands_on).then(|| {
            let fact = format!("`{name}` is no longer `{library}`'s: `{is}`");
            Finding::error(Concern::HarnessChanged, changed.path, Some(line), fact)
        })
    })
}
