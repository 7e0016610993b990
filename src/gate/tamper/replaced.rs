//! Tests that bring what they test: what they imported before they define themselves, or put into its module.

use super::language::{JAVASCRIPT, Language, PYTHON, RUST};
use super::lex::{Kind, Token};
use super::pairs::Pairs;
use super::read::{Changed, Side};
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
            found.extend(unmade(changed));
        }
        if changed.is_test || support {
            found.extend(assigned(changed, sources));
        }
        found.extend(ended(changed));
    }
    found
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
    let one = |(name, _): &(&str, usize)| before.contains(name) && !had.contains(name) && !gone(name);
    let (name, at) = own(changed.language, new).into_iter().find(one)?;
    let fact = format!("`{name}`, which was imported, is defined by the tests themselves");
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
    let grew = changed.old.as_ref().is_none_or(|old| count(old) < count(new));
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

/// Python that takes a test away again after it was defined.
fn unmade(changed: &Changed<'_>) -> Option<Finding> {
    let new = changed.new.as_ref().filter(|_| is(changed.language, &PYTHON))?;
    let tokens = &new.source.tokens;
    let one = |at: &usize| {
        let named = |place: usize| {
            tokens.get(place).is_some_and(|token| new.cases.iter().any(|case| case.name == token.text))
        };
        let set = tokens.get(at + 1).is_some_and(|token| token.text == "=");
        tokens[*at].indent == 0 && (tokens[*at].text == "del" && named(at + 1) || set && named(*at))
    };
    let at = new.source.statements.iter().copied().find(one)?;
    let fact = format!("a test is taken away where it was defined: `{}`", tokens[at].text);
    Some(Finding::error(Concern::TestsRemoved, changed.path, Some(tokens[at].line), fact))
}

/// Code that ends whatever runs it, as if all was well.
fn ended(changed: &Changed<'_>) -> Option<Finding> {
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
        let at_once =
            |at: &usize| module && super::lex::matches(&side.source.tokens[*at..], "process . exit ( 0");
        let bare = side.source.statements.iter().copied().filter(at_once);
        ENDS.into_iter().flat_map(|pattern| side.source.find(pattern)).chain(bare).collect()
    };
    let now = places(new);
    let before = changed.old.as_ref().map_or(0, |old| places(old).len());
    let at = now.last().filter(|_| now.len() > before)?;
    let fact = "the code ends whatever runs it, as if all was well";
    Some(Finding::error(Concern::HarnessChanged, changed.path, Some(new.source.tokens[*at].line), fact))
}
