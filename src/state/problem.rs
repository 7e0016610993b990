//! What is wrong with a file: where, what, and what to do about it.

use std::fmt;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file is used as it is; a person should look at it.
    Warning,
    /// The file cannot be used.
    Error,
}

/// One problem in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Path from the root of the repository.
    pub path: String,
    /// One-based line, where it is known.
    pub line: Option<usize>,
    /// The fact, lower case, names in backticks.
    pub fact: String,
    /// What to type or edit; never destructive.
    pub remedy: Option<String>,
    /// Whether the file can be used all the same.
    pub severity: Severity,
}

impl Problem {
    /// An error in a file.
    pub fn error(path: impl Into<String>, line: Option<usize>, fact: impl Into<String>) -> Self {
        Self { path: path.into(), line, fact: fact.into(), remedy: None, severity: Severity::Error }
    }

    /// A warning about a file.
    pub fn warning(path: impl Into<String>, line: Option<usize>, fact: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(path, line, fact) }
    }

    /// The same problem, with what to do about it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Whether the file cannot be used.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.fact)
    }
}

/// The candidate nearest to a misspelt word, if one is near enough to be meant.
///
/// Distance is Damerau-Levenshtein (optimal string alignment), at most a third of the word.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
