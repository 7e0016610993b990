//! Tests that bring what they test: what they imported before they define themselves, or put into its module.

use super::forwards::forwards;
use super::language::{JAVASCRIPT, Language, PYTHON, RUST};
use super::lex::{Kind, Token};
use super::pairs::{Pairs, Which};
use super::read::{Changed, Side, before};
use crate::gate::finding::Finding;
use crate::state::concern::Concern;
use std::collections::BTreeSet;

/// What is replaced by the tests.
#[must_use]
pub(super) fn findings(sources: &[Changed<'_>], pairs: &Pairs) -> Vec<Finding> {
    let mut found = Vec::new();
    for (source, changed) in sources.iter().enumerate() {
        let kept = pairs.kept.iter().any(|(_, after)| after.source == source);
        let support = changed.path.rsplit('/').next() == Some("conftest.py");
        if changed.is_test && kept {
            found.extend(defined(changed, sources));
            found.extend(mocked(changed));
            found.extend(unmade(changed, source, pairs));
        } else if kept {
            found.extend(hidden(changed));
        }
        if changed.is_test || support {
            found.extend(assigned(changed, sources));
        }
        found.extend(ended(changed, sources));
        found.extend(skipping(changed, sources));
    }
    found.extend(pairs.kept.iter().filter_map(|(before, after)| inside(sources, *before, *after)));
    found
}

/// A function that a test called, and that it defines itself now: what it calls is not what it tested.
fn inside(sources: &[Changed<'_>], before: Which, after: Which) -> Option<Finding> {
    let (was, is) = (&sources[before.source], &sources[after.source]);
    let (old, new) = (was.old.as_ref()?, is.new.as_ref()?);
    let (then, now) = (&old.cases[before.case], &new.cases[after.case]);
    let texts = (old.texts(&then.body), new.texts(&now.body));
    if texts.0 == texts.1 {
        return None;
    }
    let calls = |texts: &[&str], name: &str| texts.windows(2).any(|two| two == [name, "("]);
    let had: BTreeSet<&str> = functions(&old.source, &then.body).into_iter().map(|(name, _)| name).collect();
    let one =
        |(name, _): &(&str, usize)| calls(&texts.0, name) && calls(&texts.1, name) && !had.contains(name);
    let mut defined = functions(&new.source, &now.body).into_iter().filter(one).peekable();
    defined.peek()?;
    // What the tests had beside them may have been put into the one that needs it.
    let helpers: BTreeSet<&str> = own(was.language, old)
        .into_iter()
        .filter(|(_, at)| old.around.contains(at))
        .map(|(name, _)| name)
        .collect();
    let other =
        |(name, at): &(&str, usize)| !helpers.contains(name) && !forwards(is.language, &new.source, *at);
    let (name, at) = defined.find(other)?;
    let fact = format!("`{name}`, which test `{}` calls, is defined in it", now.name);
    Some(Finding::error(Concern::TestsMocked, is.path, Some(new.source.tokens[at].line), fact))
}

/// The functions that a part defines, with their places.
fn functions<'f>(source: &super::lex::Source<'f>, part: &std::ops::Range<usize>) -> Vec<(&'f str, usize)> {
    let tokens = &source.tokens;
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let given = |value: usize| {
        matches!(text(value), "lambda" | "func" | "function" | "|" | "||" | "move" | "async")
            || text(value) == "(" && text(source.behind(value)) == "=>"
    };
    let one = |at: usize| match text(at) {
        "fn" | "def" | "function" if text(at + 2) == "(" => Some(at + 1),
        "const" | "let" | "var" if text(at + 2) == "=" && given(at + 3) => Some(at + 1),
        _ if matches!(text(at + 1), ":=" | "=") && given(at + 2) && tokens[at].first => Some(at),
        _ => None,
    };
    let end = part.end.min(tokens.len());
    (part.start.min(end)..end).filter_map(one).filter_map(|at| Some((tokens.get(at)?.text, at))).collect()
}

/// A function of Rust that tests inside a source define, and that the code beside them has: it hides that from them.
fn hidden(changed: &Changed<'_>) -> Option<Finding> {
    let (old, new) = (changed.old.as_ref()?, changed.new.as_ref()?);
    if !is(changed.language, &RUST) {
        return None;
    }
    let theirs = |side: &Side<'_>| -> Vec<(String, usize)> {
        let all = own(changed.language, side).into_iter().filter(|(_, at)| side.around.contains(at));
        all.map(|(name, at)| (name.to_owned(), at)).collect()
    };
    let before: BTreeSet<String> = theirs(old).into_iter().map(|(name, _)| name).collect();
    let code = free(new);
    let calls = old.part(&old.around).windows(2).filter(|two| two[1].text == "(");
    let called: BTreeSet<&str> = calls.map(|two| two[0].text).collect();
    let mut fresh = theirs(new).into_iter().filter(|(name, _)| !before.contains(name));
    let (name, at) =
        fresh.find(|(name, _)| code.contains(name.as_str()) && called.contains(name.as_str()))?;
    let fact = format!("`{name}`, which the code has, is defined by the tests themselves");
    Some(Finding::error(Concern::TestsMocked, changed.path, Some(new.source.tokens[at].line), fact))
}

/// The functions of a source of Rust that belong to no type and no module inside it.
fn free<'f>(side: &Side<'f>) -> BTreeSet<&'f str> {
    let tokens = &side.source.tokens;
    let name = |start: &usize| {
        let mut head = tokens[*start..].iter().take(8).take_while(|token| token.text != "{");
        let head = head.position(|token| token.text == "fn")?;
        tokens.get(start + head + 1).map(|token| token.text)
    };
    side.source.statements.iter().filter_map(name).collect()
}

/// Code of Python by which the tests that call it are skipped.
fn skipping(changed: &Changed<'_>, sources: &[Changed<'_>]) -> Option<Finding> {
    const SKIPS: [&str; 4] =
        ["raise unittest . SkipTest", "raise SkipTest", "pytest . skip (", "raise pytest . skip"];
    let helps = changed.is_test || changed.path.to_lowercase().contains("test");
    let new = changed.new.as_ref().filter(|_| is(changed.language, &PYTHON) && !helps)?;
    let places =
        |side: &Side<'_>| SKIPS.into_iter().flat_map(|pattern| side.source.find(pattern)).collect::<Vec<_>>();
    let now = places(new);
    let before = before(changed, sources, |old| places(old).len());
    let at = now.last().filter(|_| now.len() > before)?;
    let fact = "the code skips the tests that call it";
    Some(Finding::error(Concern::TestsSkipped, changed.path, Some(new.source.tokens[*at].line), fact))
}

/// A name that tests imported, and define themselves now, while the code still has it.
fn defined(changed: &Changed<'_>, sources: &[Changed<'_>]) -> Option<Finding> {
    let (old, new) = (changed.old.as_ref()?, changed.new.as_ref()?);
    let before = imported(changed.language, old);
    let had: BTreeSet<&str> = own(changed.language, old).into_iter().map(|(name, _)| name).collect();
    let gone = |name: &str| {
        let has = |side: &Option<Side<'_>>| side.as_ref().is_some_and(|side| side.defined().contains(name));
        let mut code = sources.iter().filter(|each| !each.is_test);
        code.any(|each| has(&each.old) && !has(&each.new))
    };
    let tokens = &new.source.tokens;
    let given =
        |at: usize| tokens.get(at + 2).is_some_and(|token| matches!(token.text, "(" | "async" | "function"));
    let runner = |name: &str, at: usize| {
        is(changed.language, &JAVASCRIPT)
            && matches!(name, "it" | "test" | "describe" | "expect")
            && given(at)
    };
    let one = |(name, at): &(&str, usize)| {
        (before.contains(name) || runner(name, *at)) && !had.contains(name) && !gone(name)
    };
    let (name, at) = own(changed.language, new).into_iter().find(one)?;
    let fact = format!("`{name}`, which was another's, is defined by the tests themselves");
    Some(Finding::error(Concern::TestsMocked, changed.path, Some(new.source.tokens[at].line), fact))
}

/// The names that a source imports.
fn imported<'f>(language: &Language, side: &Side<'f>) -> BTreeSet<&'f str> {
    let tokens = &side.source.tokens;
    let (python, rust) = (is(language, &PYTHON), is(language, &RUST));
    let begins = |at: &usize| {
        tokens[*at].first && matches!(tokens[*at].text, "import" | "from" | "use")
            || matches!(tokens[*at].text, "const" | "let" | "var") && !rust && required(tokens, *at)
    };
    let names = |at: usize| {
        let end = (at + 1..tokens.len()).find(|place| {
            tokens[*place].text == ";" || tokens[*place].first && side.source.statements.contains(place)
        });
        let all = &tokens[at..end.unwrap_or(tokens.len())];
        let from = if python { all.iter().position(|token| token.text == "import").unwrap_or(0) } else { 0 };
        all[from..].iter().take_while(|token| token.text != "require")
    };
    let places = (0..tokens.len()).filter(begins);
    let words = places.flat_map(names).filter(|token| token.kind == Kind::Word);
    words
        .map(|token| token.text)
        .filter(|text| {
            !matches!(
                *text,
                "import" | "from" | "as" | "use" | "const" | "let" | "var" | "crate" | "super" | "self"
            )
        })
        .collect()
}

/// Whether a declaration of JavaScript takes what a module has.
fn required(tokens: &[Token<'_>], at: usize) -> bool {
    let line = tokens[at].line;
    let same = tokens[at..].iter().take_while(|token| token.line == line && token.text != ";");
    let texts: Vec<&str> = same.map(|token| token.text).collect();
    texts.windows(2).any(|two| two == ["=", "require"])
}

/// The names that a file of tests defines beside its tests, with places.
fn own<'f>(language: &Language, side: &Side<'f>) -> Vec<(&'f str, usize)> {
    let tokens = &side.source.tokens;
    let (python, rust) = (is(language, &PYTHON), is(language, &RUST));
    let defines = |at: &usize| {
        let top = tokens[*at].first && tokens[*at].indent == 0;
        let text = tokens[*at].text;
        let next = |by: usize| tokens.get(at + by).map_or("", |token| token.text);
        if side.case_at(*at).is_some() {
            None
        } else if python && top && matches!(text, "def" | "class") {
            Some(at + 1)
        } else if python && top && next(1) == "=" && matches!(next(2), "lambda" | "Mock" | "MagicMock") {
            Some(*at)
        } else if rust && text == "fn"
            || is(language, &JAVASCRIPT) && top && text == "function"
            || is(language, &JAVASCRIPT)
                && top
                && matches!(text, "const" | "let" | "var")
                && !required(tokens, *at)
        {
            Some(at + 1)
        } else {
            None
        }
    };
    let places = (0..tokens.len()).filter_map(|at| defines(&at)).filter(|at| *at < tokens.len());
    places.map(|at| (tokens[at].text, at)).collect()
}

fn is(language: &Language, other: &'static Language) -> bool {
    std::ptr::eq(language, other)
}

/// The module of a source of Python, by its path.
fn module(path: &str) -> String {
    let bare = path.trim_end_matches(".py").trim_end_matches("/__init__");
    bare.trim_start_matches("src/").replace('/', ".")
}

/// Python that puts something into a module that the change touches, or into the tests.
fn assigned(changed: &Changed<'_>, sources: &[Changed<'_>]) -> Option<Finding> {
    let new = changed.new.as_ref().filter(|_| is(changed.language, &PYTHON))?;
    let tokens = &new.source.tokens;
    let touched: BTreeSet<String> = sources
        .iter()
        .filter(|each| !each.is_test && each.path.ends_with(".py"))
        .map(|each| module(each.path))
        .collect();
    let into_module = |at: &usize| {
        let parts =
            tokens[*at..].iter().take_while(|token| token.text != "=" && token.line == tokens[*at].line);
        let name: String = parts.clone().map(|token| token.text).collect();
        let value = tokens.get(at + parts.count() + 1).map_or("", |token| token.text);
        let place = name.rsplit_once('.').map(|(module, _)| module);
        tokens[*at].first
            && tokens[*at].indent == 0
            && matches!(value, "lambda" | "Mock" | "MagicMock")
            && place.is_some_and(|place| touched.contains(place))
    };
    let into_tests = |at: &usize| {
        let two = &tokens[*at..tokens.len().min(at + 3)];
        matches!(two, [set, open, target] if set.text == "setattr" && open.text == "("
            && (target.bare().starts_with("tests.") || target.bare().starts_with("test_")) && target.kind == Kind::Text)
    };
    let count = |side: &Side<'_>| side.source.find("setattr (").count();
    let grew = before(changed, sources, count) < count(new);
    let at = (0..tokens.len()).find(|at| into_module(at) || grew && into_tests(at))?;
    let fact = "what is tested is replaced before it is tested";
    Some(Finding::error(Concern::TestsMocked, changed.path, Some(tokens[at].line), fact))
}

/// JavaScript that mocks the very module that the file of tests is named after, and imports it.
fn mocked(changed: &Changed<'_>) -> Option<Finding> {
    let new = changed.new.as_ref().filter(|_| is(changed.language, &JAVASCRIPT))?;
    let stem = |path: &str| -> String {
        let name = path.rsplit('/').next().unwrap_or_default();
        name.split('.').next().unwrap_or_default().to_ascii_lowercase()
    };
    let calls = |side: &Side<'_>| -> Vec<(String, usize)> {
        let tokens = &side.source.tokens;
        let all = ["vi . mock (", "jest . mock ("].into_iter().flat_map(|call| side.source.find(call));
        let own = all.filter(|at| {
            let behind = side.source.behind(at + 3);
            !tokens[*at..behind]
                .iter()
                .any(|token| token.text.ends_with("Actual") || token.text == "importOriginal")
        });
        own.filter_map(|at| Some((tokens.get(at + 4)?.bare().to_owned(), tokens[at].line))).collect()
    };
    let before = changed.old.as_ref().map(calls).unwrap_or_default();
    let subject = stem(changed.path);
    let tokens = &new.source.tokens;
    let import = |path: &str| {
        let texts =
            tokens.windows(2).filter(|two| matches!(two[0].text, "from" | "(") && two[1].kind == Kind::Text);
        let named: BTreeSet<&str> =
            texts.map(|two| two[1].bare()).filter(|each| stem(each) == subject).collect();
        named.len() == 1 && named.contains(path)
    };
    let (path, line) = calls(new).into_iter().find(|(path, _)| {
        path.starts_with('.')
            && stem(path) == subject
            && import(path)
            && !before.iter().any(|(old, _)| old == path)
    })?;
    let fact = format!("`{path}`, which the file tests, is mocked");
    Some(Finding::error(Concern::TestsMocked, changed.path, Some(line), fact))
}

/// Python that takes a test, or the class of one that was there, away again after it was defined.
fn unmade(changed: &Changed<'_>, source: usize, pairs: &Pairs) -> Option<Finding> {
    let new = changed.new.as_ref().filter(|_| is(changed.language, &PYTHON))?;
    let kept = pairs.kept.iter().filter(|(_, after)| after.source == source);
    let outer = new.source.statements.iter().copied().filter(|at| new.source.tokens[*at].indent == 0);
    let outer: Vec<usize> = outer.collect();
    let classes: BTreeSet<&str> = kept.filter_map(|(_, after)| class_of(new, &outer, after.case)).collect();
    let places = |side: &Side<'_>| -> Vec<usize> {
        let tokens = &side.source.tokens;
        let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
        let one = |at: &usize| {
            let named = |place: usize| {
                classes.contains(text(place)) || side.cases.iter().any(|case| case.name == text(place))
            };
            let sets = matches!(text(*at), "setattr" | "delattr") && named(at + 2);
            let test = classes.contains(text(*at)) && text(at + 1) == "." && text(at + 2).starts_with("test");
            tokens[*at].indent == 0
                && (text(*at) == "del" && named(at + 1)
                    || text(at + 1) == "=" && named(*at)
                    || sets
                    || test && text(at + 3) == "=")
        };
        side.source.statements.iter().copied().filter(one).collect()
    };
    let before = changed.old.as_ref().map_or(0, |old| places(old).len());
    let now = places(new);
    let tokens = &new.source.tokens;
    let at = *now.last().filter(|_| now.len() > before)?;
    let fact = format!("a test is taken away where it was defined: `{}`", tokens[at].text);
    Some(Finding::error(Concern::TestsRemoved, changed.path, Some(tokens[at].line), fact))
}

/// The class of the file that a test of Python stands in, among the statements that stand in nothing.
fn class_of<'f>(side: &Side<'f>, outer: &[usize], case: usize) -> Option<&'f str> {
    let (tokens, at) = (&side.source.tokens, side.cases[case].span.start);
    let head = &outer[outer.partition_point(|start| *start < at).checked_sub(1)?];
    tokens.get(head + 1).filter(|_| tokens[*head].text == "class").map(|name| name.text)
}

/// Code that ends whatever runs it, as if all was well.
fn ended(changed: &Changed<'_>, sources: &[Changed<'_>]) -> Option<Finding> {
    const ENDS: [&str; 5] = [
        "func init ( ) { os . Exit ( 0",
        "atexit . register ( lambda : os . _exit ( 0",
        "atexit . register ( os . _exit , 0",
        "process . on ( 'exit' , ( ) => { process . exitCode = 0",
        "process . on ( \"exit\" , ( ) => { process . exitCode = 0",
    ];
    let new = changed.new.as_ref()?;
    let places = |side: &Side<'_>| -> Vec<usize> {
        let module = is(changed.language, &JAVASCRIPT)
            && side.source.tokens.iter().any(|token| matches!(token.text, "export" | "exports"));
        let begins = |at: usize, pattern: &str| super::lex::matches(&side.source.tokens[at..], pattern);
        let at_once = |at: &usize| {
            module && (begins(*at, "process . exit ( 0") || begins(*at, "process . reallyExit ("))
                || is(changed.language, &PYTHON)
                    && side.source.tokens[*at].indent == 0
                    && (begins(*at, "os . _exit (") || begins(*at, "os . exec* ("))
        };
        let bare = side.source.statements.iter().copied().filter(at_once);
        ENDS.into_iter().flat_map(|pattern| side.source.find(pattern)).chain(bare).collect()
    };
    let now = places(new);
    let before = before(changed, sources, |old| places(old).len());
    let at = now.last().filter(|_| now.len() > before)?;
    let fact = "the code ends whatever runs it, as if all was well";
    Some(Finding::error(Concern::HarnessChanged, changed.path, Some(new.source.tokens[*at].line), fact))
}
