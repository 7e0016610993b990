//! The changed sources of a change, both sides as tokens, with their tests.

use super::assertion::{Assertion, VALUES, assertions};
use super::case::{Case, cases};
use super::language::Language;
use super::lex::{Kind, Source, Token, matches};
use crate::gate::change::File;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// One side of a changed source.
#[derive(Debug)]
pub struct Side<'f> {
    /// Its tokens.
    pub source: Source<'f>,
    /// Its tests.
    pub cases: Vec<Case>,
    /// What belongs to tests beside them: all of a file of tests, or a module of them.
    pub around: Range<usize>,
}

/// A changed source.
#[derive(Debug)]
pub struct Changed<'f> {
    /// Its path.
    pub path: &'f str,
    /// Its language.
    pub language: &'static Language,
    /// Whether it is a file of tests.
    pub is_test: bool,
    /// Before; none where it was not there.
    pub old: Option<Side<'f>>,
    /// After; none where it is gone.
    pub new: Option<Side<'f>>,
    /// Where it is new, the places of those that are gone and that it was made of.
    pub made_of: Vec<usize>,
}

/// The most that is read as source, in bytes.
const LONG: usize = 1 << 20;

/// Whether a source is too long for its tests to be compared.
#[must_use]
pub fn is_too_long(file: &File) -> bool {
    [&file.old, &file.new].into_iter().any(|side| side.text().is_some_and(|text| text.len() > LONG))
}

/// Reads the sources among the files of a change.
#[must_use]
pub fn read(files: &[File]) -> Vec<Changed<'_>> {
    files.iter().filter_map(Changed::new).collect()
}

impl<'f> Changed<'f> {
    fn new(file: &'f File) -> Option<Self> {
        let path = file.shown.as_str();
        let language = Language::of(path).filter(|_| !is_too_long(file))?;
        let is_test = language.is_test_file(path);
        let side = |text| Side::new(language, path, text);
        let (old, new) = (file.old.text().map(side), file.new.text().map(side));
        Some(Self { path, language, is_test, old, new, made_of: Vec::new() })
    }

    /// The base's side, or the candidate's.
    #[must_use]
    pub fn side(&self, after: bool) -> Option<&Side<'f>> {
        if after { self.new.as_ref() } else { self.old.as_ref() }
    }
}

/// What a source was before: itself, or where it is new, what it was made of; what moved is not new.
#[must_use]
pub fn origins<'s, 'f>(changed: &'s Changed<'f>, sources: &'s [Changed<'f>]) -> Vec<&'s Side<'f>> {
    let gone = changed.made_of.iter().filter_map(|at| sources.get(*at));
    gone.chain([changed]).filter_map(|each| each.old.as_ref()).collect()
}

/// How much of something a source had before: where it is new, what was in those that it was made of and is not in
/// others made of them already.
#[must_use]
pub fn before(changed: &Changed<'_>, sources: &[Changed<'_>], count: impl Fn(&Side<'_>) -> usize) -> usize {
    let left = |gone: &usize| {
        let mut left = sources.get(*gone).and_then(|gone| gone.old.as_ref()).map_or(0, &count);
        let others = sources.iter().take_while(|each| !std::ptr::eq(*each, changed));
        for heir in others.filter(|each| each.made_of.contains(gone)) {
            if left == 0 {
                break;
            }
            left = left.saturating_sub(heir.new.as_ref().map_or(0, &count));
        }
        left
    };
    changed.old.as_ref().map_or(0, &count) + changed.made_of.iter().map(left).sum::<usize>()
}

impl<'f> Side<'f> {
    fn new(language: &'static Language, path: &str, text: &'f str) -> Self {
        let source = Source::new(text, &language.syntax);
        let is_test = language.is_test_file(path);
        let mut cases = cases(language, &source);
        cases.extend(alone(language, path, &source).filter(|_| is_test && cases.is_empty()));
        let module = source.find("mod tests {").next().map(|at| at..source.behind(at + 2));
        let around = if is_test { 0..source.tokens.len() } else { module.unwrap_or(0..0) };
        Self { source, cases, around }
    }

    /// The tokens of a part, as texts.
    #[must_use]
    pub fn texts(&self, part: &Range<usize>) -> Vec<&'f str> {
        self.part(part).iter().map(|token| token.text).collect()
    }

    /// The tokens of a part.
    #[must_use]
    pub fn part(&self, part: &Range<usize>) -> &[Token<'f>] {
        let end = part.end.min(self.source.tokens.len());
        &self.source.tokens[part.start.min(end)..end]
    }

    /// Whether a token belongs to a test.
    #[must_use]
    pub fn case_at(&self, at: usize) -> Option<usize> {
        let behind = self.cases.partition_point(|case| case.span.start <= at);
        // Tests lie one after another; where one lies in another, that is not far.
        let near = behind.saturating_sub(8)..behind;
        near.rev().find(|index| self.cases[*index].span.contains(&at))
    }

    /// The assertions of a test.
    #[must_use]
    pub fn asserts(&self, language: &Language, case: &Case) -> Vec<Assertion<'f>> {
        assertions(language, &self.source, &case.span, Some(case), &[])
    }

    /// The assertions of what tests share.
    #[must_use]
    pub fn shared_asserts(&self, language: &Language) -> Vec<Assertion<'f>> {
        assertions(language, &self.source, &self.around, None, &self.cases)
    }

    /// The tokens that are no test and belong to none.
    #[must_use]
    pub fn code(&self) -> Vec<&'f str> {
        let code = |at: &usize| !self.around.contains(at) && self.case_at(*at).is_none();
        (0..self.source.tokens.len()).filter(code).map(|at| self.source.tokens[at].text).collect()
    }

    /// Whether a number, a text or a constant is among its literals, or part of one.
    #[must_use]
    pub fn has_literal(&self, literal: &str) -> bool {
        let bare = literal.trim_matches(['"', '\'', '`']);
        self.source.tokens.iter().any(|token| match token.kind {
            Kind::Number => token.text == bare,
            Kind::Text => token.text.contains(bare),
            Kind::Word => token.text == bare && VALUES.contains(&bare),
            Kind::Mark => false,
        })
    }

    /// Names that the code defines.
    #[must_use]
    pub fn defined(&self) -> BTreeSet<&'f str> {
        const DEFINES: [&str; 17] = [
            "fn",
            "def",
            "function",
            "func",
            "class",
            "struct",
            "enum",
            "const",
            "interface",
            "type",
            "trait",
            "let",
            "var",
            "fun",
            "record",
            "static",
            "macro_rules",
        ];
        const NO_TYPE: [&str; 9] = ["new", "return", "throw", "else", "in", "await", "case", "yield", "not"];
        let tokens = &self.source.tokens;
        let defines = |at: &usize| {
            let before = &tokens[at - 1];
            let method = before.kind == Kind::Word
                && !NO_TYPE.contains(&before.text)
                && tokens.get(at + 1).is_some_and(|token| token.text == "(");
            tokens[*at].kind == Kind::Word
                && !self.around.contains(at)
                && self.case_at(*at).is_none()
                && (DEFINES.contains(&before.text) || method)
        };
        (1..tokens.len()).filter(defines).map(|at| tokens[at].text).filter(|name| name.len() > 2).collect()
    }
}

/// A file of tests without a test that has a name, as one test.
fn alone(language: &Language, path: &str, source: &Source<'_>) -> Option<Case> {
    let all = 0..source.tokens.len();
    let here = |at: usize| language.alone.iter().any(|pattern| matches(&source.tokens[at..], pattern));
    let asserts = all.clone().any(here) && !assertions(language, source, &all, None, &[]).is_empty();
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    asserts.then(|| Case { name, line: 1, span: all.clone(), body: all, found: true })
}

/// Whether code that is no test does something else than before.
#[must_use]
pub fn source_changed(sources: &[Changed<'_>]) -> bool {
    let code = |side: &Option<Side<'_>>| side.as_ref().map(|side| side.code().join(" ")).unwrap_or_default();
    sources.iter().any(|source| !source.is_test && code(&source.old) != code(&source.new))
}

/// What is in the first list more often than in the second.
#[must_use]
pub fn minus<'t>(all: &[&'t str], without: &[&str]) -> Vec<&'t str> {
    let mut left: HashMap<&str, usize> = HashMap::new();
    for text in without {
        *left.entry(text).or_default() += 1;
    }
    let mut more = all.to_vec();
    more.retain(|text| match left.get_mut(text).filter(|count| **count > 0) {
        Some(count) => {
            *count -= 1;
            false
        }
        None => true,
    });
    more
}
