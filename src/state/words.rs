//! The words of a text, as texts are compared by them.
//!
//! Invariant: the same text gives the same words, on every machine and in every version that keeps
//! [`VERSION`]: what is kept of a text stands for it.

/// Which words a text has; whatever is kept of them is void when this changes.
pub const VERSION: u8 = 1;

/// Whether a word says nothing.
fn is_common(word: &str) -> bool {
    matches!(
        word,
        "a" | "an"
            | "and"
            | "are"
            | "as"
            | "at"
            | "be"
            | "by"
            | "for"
            | "from"
            | "has"
            | "in"
            | "is"
            | "it"
            | "its"
            | "no"
            | "not"
            | "of"
            | "on"
            | "or"
            | "so"
            | "that"
            | "the"
            | "then"
            | "this"
            | "to"
            | "with"
            | "without"
    )
}

/// Tells the words of a text, lower case and cut to their stems, without those that say nothing.
fn each_word(text: &str, mut tell: impl FnMut(&str)) {
    let mut lower = String::new();
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        lower.clear();
        if word.is_ascii() {
            lower.push_str(word);
            lower.make_ascii_lowercase();
        } else {
            lower.extend(word.chars().flat_map(char::to_lowercase));
        }
        if lower.len() > 1 && !(lower.len() <= 7 && is_common(&lower)) && lower.chars().nth(1).is_some() {
            tell(stem(&lower));
        }
    }
}

/// Cuts the commonest English endings, so that `limits` meets `limit`.
fn stem(word: &str) -> &str {
    let cut = |ending| word.strip_suffix(ending).filter(|stem: &&str| stem.len() >= 3);
    ["ing", "ed", "es", "s"].into_iter().find_map(cut).unwrap_or(word)
}

/// The words of a text as numbers, which compare faster: two words with one number are as good as one.
#[must_use]
pub fn numbers(text: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    each_word(text, |word| numbers.push(number(word)));
    numbers
}

/// FNV-1a, 32 bits.
fn number(word: &str) -> u32 {
    word.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// What in a text looks like the path of a file.
pub fn paths(text: &str) -> impl Iterator<Item = &str> {
    let trim = |c: char| !c.is_alphanumeric() && !matches!(c, '/' | '*');
    let is_path =
        |word: &&str| word.contains('/') || word.rsplit_once('.').is_some_and(|(stem, _)| !stem.is_empty());
    // Most texts name none.
    let words = if text.contains(['/', '.']) { text } else { "" };
    words.split_whitespace().map(move |word| word.trim_matches(trim)).filter(is_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        each_word(text, |word| words.push(word.to_owned()));
        words
    }

    #[test]
    fn words_are_lower_case_stems_without_what_says_nothing() {
        assert_eq!(words("The Limits of parsing: a_b, ÄRGER und x"), ["limit", "pars", "ärger", "und"]);
    }

    #[test]
    fn numbers_are_those_of_the_words() {
        assert_eq!(numbers("The Limits"), [number("limit")]);
        assert_eq!((number(""), number("a")), (0x811c_9dc5, 0xe40c_292c), "as FNV-1a is published");
    }

    #[test]
    fn paths_are_told_from_words() {
        let found: Vec<&str> = paths("See `src/api/`, main.rs and (docs/*); not this. Nor .x").collect();
        assert_eq!(found, ["src/api/", "main.rs", "docs/*"]);
        assert_eq!(paths("No path here").count(), 0);
    }
}
