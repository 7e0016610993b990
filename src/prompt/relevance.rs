//! How much a text has to do with a task.
//!
//! BM25 (Robertson and Zaragoza, 2009; k1 = 1.2, b = 0.75) over words. Only the words of the query
//! are counted, so that ten thousand notes take milliseconds.

use std::collections::HashMap;

const K1: f64 = 1.2;
const B: f64 = 0.75;

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

/// The words of a text, lower case, without those that say nothing.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    each_word(text, |word| words.push(word.to_owned()));
    words
}

/// Cuts the commonest English endings, so that `limits` meets `limit`.
fn stem(word: &str) -> &str {
    let cut = |ending| word.strip_suffix(ending).filter(|stem: &&str| stem.len() >= 3);
    ["ing", "ed", "es", "s"].into_iter().find_map(cut).unwrap_or(word)
}

/// The score of each text for the query; 0 where they share no word.
#[must_use]
pub fn scores<T: AsRef<str>>(query: &str, texts: &[T]) -> Vec<f64> {
    let mut terms: Vec<String> = words(query);
    terms.sort();
    terms.dedup();
    let places: HashMap<&str, usize> =
        terms.iter().enumerate().map(|(at, term)| (term.as_str(), at)).collect();
    let mut lengths = Vec::with_capacity(texts.len());
    // For each text, the terms that it has, and how often.
    let mut found: Vec<Vec<(usize, f64)>> = Vec::with_capacity(texts.len());
    let mut containing = vec![0.0; terms.len()];
    for text in texts {
        let (mut length, mut hits) = (0_usize, Vec::<(usize, f64)>::new());
        each_word(text.as_ref(), |word| {
            length += 1;
            if let Some(&place) = places.get(word) {
                match hits.iter_mut().find(|(known, _)| *known == place) {
                    Some((_, times)) => *times += 1.0,
                    None => hits.push((place, 1.0)),
                }
            }
        });
        hits.sort_by_key(|(place, _)| *place);
        for (place, _) in &hits {
            containing[*place] += 1.0;
        }
        lengths.push(count(length));
        found.push(hits);
    }
    let total = count(texts.len());
    let mean = lengths.iter().sum::<f64>() / total.max(1.0);
    let rarity: Vec<f64> =
        containing.iter().map(|texts| ((total - texts + 0.5) / (texts + 0.5)).ln_1p()).collect();
    let score = |(hits, length): (&Vec<(usize, f64)>, &f64)| {
        let length = 1.0 - B + B * length / mean.max(1.0);
        hits.iter().map(|(place, times)| rarity[*place] * times * (K1 + 1.0) / (times + K1 * length)).sum()
    };
    found.iter().zip(&lengths).map(score).collect()
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::{scores, words};

    #[test]
    fn the_text_that_shares_rare_words_comes_first() {
        let texts = [
            "Errors are values; the parser returns them".to_owned(),
            "The cache is keyed by the tree".to_owned(),
            "Use the parser of the toml crate".to_owned(),
        ];
        let scores = scores("Fix the toml parser", &texts);
        assert!(scores[2] > scores[0] && scores[0] > scores[1]);
        assert!(scores[1].abs() < f64::EPSILON);
    }

    #[test]
    fn words_are_lower_case_stems_without_what_says_nothing() {
        assert_eq!(words("The Limits of parsing: a_b, ÄRGER und x"), ["limit", "pars", "ärger", "und"]);
    }
}
