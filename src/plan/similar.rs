//! Whether two titles mean the same work.
//!
//! Two measures, both of which have to agree: words as sets (order and filling words do not count), and
//! letters in pairs (endings and typing errors do not count much).

use std::collections::BTreeSet;

/// The share of words that two titles have in common.
const WORDS: f64 = 0.6;
/// The share of pairs of letters.
const PAIRS: f64 = 0.8;

/// Words that say nothing about what is to be done.
const FILLING: [&str; 22] = [
    "a", "an", "the", "of", "to", "for", "in", "on", "at", "and", "or", "with", "by", "from", "is", "be",
    "that", "this", "it", "its", "as", "into",
];

/// A title, ready to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Title {
    words: BTreeSet<String>,
    text: String,
    /// What tells works of one kind apart: numbers, and letters that stand for something.
    marks: BTreeSet<String>,
}

impl Title {
    /// The title without what makes no difference: case, marks, filling words, plural endings.
    pub(super) fn new(title: &str) -> Self {
        let lower = title.to_lowercase();
        let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let words: BTreeSet<String> =
            words.filter(|word| !FILLING.contains(word)).map(|word| stem(word).to_owned()).collect();
        let text = words.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        Self { words, text, marks: marks(title) }
    }

    /// Whether it means the same work as another.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        if self.words.is_empty() || other.words.is_empty() {
            return self.text == other.text;
        }
        if !self.marks.is_empty() && !other.marks.is_empty() && self.marks != other.marks {
            return false;
        }
        let common = self.words.intersection(&other.words).count();
        let all = self.words.union(&other.words).count();
        #[expect(clippy::cast_precision_loss, reason = "words of a title")]
        let share = common as f64 / all as f64;
        share >= WORDS && strsim::sorensen_dice(&self.text, &other.text) >= PAIRS
    }
}

/// Words of a title with a digit in them, and single letters: an `A` in a title whose other words begin small as well.
fn marks(title: &str) -> BTreeSet<String> {
    let is_in_word = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’');
    let words = || title.split(|c: char| !is_in_word(c)).filter(|word| !word.is_empty());
    let is_sentence = words().skip(1).any(|word| word.len() > 3 && word.starts_with(char::is_lowercase));
    let is_mark = |(at, word): &(usize, &str)| {
        let is_article = word.eq_ignore_ascii_case("a") && (*at == 0 || *word == "a" || !is_sentence);
        word.contains(|c: char| c.is_ascii_digit()) || (word.len() == 1 && !is_article)
    };
    words().enumerate().filter(is_mark).map(|(_, word)| word.to_lowercase()).collect()
}

fn stem(word: &str) -> &str {
    let without = word.strip_suffix('s').filter(|stem| stem.len() > 2 && !stem.ends_with('s'));
    without.unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(a: &str, b: &str) -> bool {
        Title::new(a).is_like(&Title::new(b))
    }

    #[test]
    fn the_same_work_in_other_words_is_found() {
        for (a, b) in [
            ("Add rate limits to the public API", "add rate limit to public API"),
            ("Document the exit codes", "Document exit codes."),
            ("Fix crash on empty configuration file", "Fix the crash on an empty configuration file"),
            ("Test the parser for dates", "test the date parser"),
            ("Fix A Crash On An Empty Configuration File", "Fix crash 12 on an empty configuration file"),
        ] {
            assert!(like(a, b), "{a} / {b}");
        }
    }

    #[test]
    fn other_work_on_the_same_thing_is_other_work() {
        for (a, b) in [
            ("Add rate limits to the public API", "Document rate limits of the public API"),
            ("Parse dates", "Parse times"),
            ("Add tests for the parser", "Add benchmarks for the parser"),
            ("Support YAML import", "Support YAML export"),
            ("", "Fix it"),
            ("Migrate module A to ESM", "Migrate module B to ESM"),
            ("Port the login page to version 2 components", "Port the login page to version 3 components"),
            (
                "Move step 1 of the migration to the new storage",
                "Move step 2 of the migration to the new storage",
            ),
        ] {
            assert!(!like(a, b), "{a} / {b}");
        }
    }
}
