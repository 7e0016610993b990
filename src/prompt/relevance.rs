//! How much a text has to do with a task.
//!
//! BM25 (Robertson and Zaragoza, 2009; k1 = 1.2, b = 0.75) over words, with the task's title,
//! labels, files and acceptance as the query.

use std::collections::HashMap;

const K1: f64 = 1.2;
const B: f64 = 0.75;

/// The words of a text, lower case, without those that say nothing.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    const COMMON: [&str; 28] = [
        "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "has", "in", "is", "it", "its", "no",
        "not", "of", "on", "or", "so", "that", "the", "then", "this", "to", "with", "without",
    ];
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() > 1)
        .map(str::to_lowercase)
        .filter(|word| !COMMON.contains(&word.as_str()))
        .map(|word| stem(&word))
        .collect()
}

/// Cuts the commonest English endings, so that `limits` meets `limit`.
fn stem(word: &str) -> String {
    for ending in ["ing", "ed", "es", "s"] {
        if let Some(stem) = word.strip_suffix(ending).filter(|stem| stem.len() >= 3) {
            return stem.to_owned();
        }
    }
    word.to_owned()
}

/// The score of each text for the query; 0 where they share no word.
#[must_use]
pub fn scores(query: &str, texts: &[String]) -> Vec<f64> {
    let documents: Vec<Vec<String>> = texts.iter().map(|text| words(text)).collect();
    let query: std::collections::BTreeSet<String> = words(query).into_iter().collect();
    let mut containing: HashMap<&str, f64> = HashMap::new();
    for document in &documents {
        let distinct: std::collections::HashSet<&str> = document.iter().map(String::as_str).collect();
        for word in distinct {
            *containing.entry(word).or_default() += 1.0;
        }
    }
    let total = count(documents.len());
    let mean = documents.iter().map(|document| count(document.len())).sum::<f64>() / total.max(1.0);
    documents
        .iter()
        .map(|document| {
            let length = 1.0 - B + B * count(document.len()) / mean.max(1.0);
            query
                .iter()
                .map(|word| {
                    let found = count(document.iter().filter(|each| *each == word).count());
                    let in_texts = containing.get(word.as_str()).copied().unwrap_or_default();
                    let rarity = ((total - in_texts + 0.5) / (in_texts + 0.5)).ln_1p();
                    rarity * found * (K1 + 1.0) / (found + K1 * length)
                })
                .sum()
        })
        .collect()
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::scores;

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
}
