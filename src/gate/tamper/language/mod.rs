//! What tests look like, language by language: data, and no more.
//!
//! A pattern is a row of tokens divided by blanks; `_` stands for any token, a word that ends in
//! `*` for all that begin so.

mod go;
mod java;
mod javascript;
mod other;
mod python;
mod rust;
mod shell;

pub use go::GO;
pub use java::{CSHARP, JAVA};
pub use javascript::JAVASCRIPT;
pub use other::{BRACES, HASHES};
pub use python::PYTHON;
pub use rust::RUST;
pub use shell::SHELL;

use super::lex::Syntax;

/// A language.
#[derive(Debug)]
pub struct Language {
    /// Endings of its files.
    pub endings: &'static [&'static str],
    /// How it writes comments and texts.
    pub syntax: Syntax,
    /// How tests are declared.
    pub tests: Tests,
    /// Which files a runner looks into.
    pub found: Found,
    /// What a file of tests has that is one test by itself, where none has a name in it.
    pub alone: &'static [&'static str],
    /// What asserts.
    pub asserts: &'static [Assert],
    /// Words of chained matchers: those that ask for an exact value, and those that ask for little.
    pub exact: &'static [&'static str],
    /// See `exact`.
    pub weak: &'static [&'static str],
    /// Marks of tests that do not run, or may fail.
    pub skips: &'static [&'static str],
    /// The same under a condition.
    pub maybe: &'static [&'static str],
    /// Calls that end a test which runs as passed or skipped.
    pub quits: &'static [&'static str],
    /// Marks of tests beside which no others run.
    pub focus: &'static [&'static str],
    /// What catches a failure and forgets it.
    pub swallows: &'static [&'static str],
    /// What mocks; the value follows.
    pub mocks: &'static [&'static str],
    /// What tells code that it is tested: surely, and perhaps.
    pub detects: &'static [&'static str],
    /// See `detects`.
    pub hints: &'static [&'static str],
    /// What bends the runner.
    pub harness: &'static [&'static str],
    /// What equals everything.
    pub equals: &'static [&'static str],
    /// Exceptions from checks in code: for all of a file, and for one place.
    pub excepts_all: &'static [&'static str],
    /// See `excepts_all`.
    pub excepts: &'static [&'static str],
    /// The same in comments.
    pub comments_all: &'static [&'static str],
    /// See `comments_all`.
    pub comments: &'static [&'static str],
}

/// How a language declares tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tests {
    /// By an attribute before a function: the mark that begins it, and the names of the attribute.
    Attribute(&'static str, &'static [&'static str]),
    /// By the beginning of a function's name, which the indent ends.
    Indented,
    /// By a call with a title.
    Call(&'static [&'static str]),
    /// By the beginning of a function's name, in braces.
    Named(&'static [&'static str]),
    /// By patterns, the last word or text of which is the name; a test ends where the next begins.
    Patterns(&'static [&'static str]),
}

/// Which files a runner looks into.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// Folders.
    pub dirs: &'static [&'static str],
    /// Beginnings of names.
    pub begins: &'static [&'static str],
    /// Parts of names.
    pub has: &'static [&'static str],
    /// Whether a test elsewhere is not found; else it is only no file of tests.
    pub strict: bool,
}

/// One thing that asserts.
#[derive(Debug, Clone, Copy)]
pub struct Assert {
    /// What begins it.
    pub pattern: &'static str,
    /// What belongs to it.
    pub how: How,
    /// How much it asks for.
    pub asks: Asks,
}

/// What belongs to an assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The first so many arguments of the call.
    Args(usize),
    /// Everything up to the end of the statement's line.
    Line,
    /// A call, and the calls chained to it.
    Chain,
    /// The condition under which it is reached.
    Branch,
    /// A command of a shell up to the end of its line, where what it says counts.
    Command,
    /// Its own words.
    Words,
}

/// How much an assertion asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asks {
    /// Nothing: it cannot fail.
    Nothing,
    /// That there is something.
    Something,
    /// A bound, a part, a shape.
    Part,
    /// One value.
    Exactly,
    /// As much as what it is given says.
    AsGiven,
}

/// A language's table entry.
const fn assert(pattern: &'static str, how: How, asks: Asks) -> Assert {
    Assert { pattern, how, asks }
}

/// Languages in the order in which their endings are tried.
const ALL: [&Language; 9] = [&RUST, &PYTHON, &JAVASCRIPT, &GO, &JAVA, &CSHARP, &BRACES, &HASHES, &SHELL];

impl Language {
    /// The language of a file.
    #[must_use]
    pub fn of(path: &str) -> Option<&'static Self> {
        let lower = path.to_ascii_lowercase();
        ALL.into_iter().find(|language| language.endings.iter().any(|ending| lower.ends_with(ending)))
    }

    /// Whether a file is one of tests, by its place and name.
    #[must_use]
    pub fn is_test_file(&self, path: &str) -> bool {
        let mut parts: Vec<&str> = path.split('/').collect();
        let name = parts.pop().unwrap_or_default();
        parts.iter().any(|part| self.found.dirs.contains(part)) || self.is_test_name(name)
    }

    /// Whether it is the shell, where an exit code is all that a test says.
    #[must_use]
    pub fn is_shell(&self) -> bool {
        std::ptr::eq(self, &raw const SHELL)
    }

    /// Whether a test was moved out of the folders of tests, where only those say what is run.
    #[must_use]
    pub fn leaves(&self, was: &str, is: &str) -> bool {
        let inside = |path: &str| {
            path.rsplit_once('/')
                .is_some_and(|(dirs, _)| dirs.split('/').any(|dir| self.found.dirs.contains(&dir)))
        };
        self.is_shell() && inside(was) && !inside(is)
    }

    /// Whether a runner looks into a file.
    #[must_use]
    pub fn finds(&self, path: &str) -> bool {
        if !self.found.strict {
            return true;
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        // Where names decide, folders do not.
        let by_dir = self.found.has.iter().all(|part| part.starts_with('.'));
        self.is_test_name(name) || (by_dir && !self.found.dirs.is_empty() && self.is_test_file(path))
    }

    fn is_test_name(&self, name: &str) -> bool {
        self.found.begins.iter().any(|begin| name.starts_with(begin))
            || self.found.has.iter().any(|part| name.contains(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_as_the_runners_of_their_language_do() {
        for path in [
            "tests/test_a.py",
            "a/b_test.py",
            "a/x.test.ts",
            "__tests__/x.js",
            "a_test.go",
            "src/x.rs",
            "FooTest.java",
        ] {
            assert!(Language::of(path).is_some_and(|language| language.finds(path)), "{path}");
        }
        for path in ["tests/checks.py", "src/x.js", "tests.go", "FooChecks.java"] {
            assert!(!Language::of(path).is_some_and(|language| language.finds(path)), "{path}");
        }
        assert!(Language::of("README.md").is_none());
    }
}
