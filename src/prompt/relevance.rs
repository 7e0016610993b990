//! How much a text has to do with a task.
//!
//! BM25 (Robertson and Zaragoza, 2009; k1 = 1.2, b = 0.75) over words, each of which is a number. Only the
//! words of the query are counted, so that ten thousand notes take milliseconds.

use crate::state::words::numbers;

const K1: f64 = 1.2;
const B: f64 = 0.75;

/// The words of a query.
struct Terms {
    sorted: Vec<u32>,
    /// Which last bytes they have: most words are none of them, and that is told by one bit.
    last: [bool; 256],
}

impl Terms {
    fn new(query: &str) -> Self {
        let mut sorted = numbers(query);
        sorted.sort_unstable();
        sorted.dedup();
        let mut last = [false; 256];
        for term in &sorted {
            last[usize::from(term.to_le_bytes()[0])] = true;
        }
        Self { sorted, last }
    }

    fn place(&self, word: u32) -> Option<usize> {
        if !self.last[usize::from(word.to_le_bytes()[0])] {
            return None;
        }
        self.sorted.binary_search(&word).ok()
    }
}

/// The score of each text, of which the words are given, for the query; 0 where they share no word.
#[must_use]
pub fn scores<W: IntoIterator<Item = u32>>(query: &str, texts: impl Iterator<Item = W>) -> Vec<f64> {
    let terms = Terms::new(query);
    let mut lengths = Vec::with_capacity(texts.size_hint().0);
    // For each text, the terms that it has, and how often; one after the other, with where each text ends.
    let (mut hits, mut ends): (Vec<(usize, f64)>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut containing = vec![0.0; terms.sorted.len()];
    for text in texts {
        let (mut length, first) = (0_usize, hits.len());
        for word in text {
            length += 1;
            if let Some(place) = terms.place(word) {
                match hits[first..].iter_mut().find(|(known, _)| *known == place) {
                    Some((_, times)) => *times += 1.0,
                    None => hits.push((place, 1.0)),
                }
            }
        }
        hits[first..].sort_unstable_by_key(|(place, _)| *place);
        for (place, _) in &hits[first..] {
            containing[*place] += 1.0;
        }
        lengths.push(count(length));
        ends.push(hits.len());
    }
    let total = count(ends.len());
    let mean = lengths.iter().sum::<f64>() / total.max(1.0);
    let rarity: Vec<f64> =
        containing.iter().map(|texts| ((total - texts + 0.5) / (texts + 0.5)).ln_1p()).collect();
    let mut first = 0;
    let score = |(end, length): (&usize, &f64)| {
        let own = &hits[std::mem::replace(&mut first, *end)..*end];
        let length = 1.0 - B + B * length / mean.max(1.0);
        own.iter().map(|(place, times)| rarity[*place] * times * (K1 + 1.0) / (times + K1 * length)).sum()
    };
    ends.iter().zip(&lengths).map(score).collect()
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::{numbers, scores};

    #[test]
    fn the_text_that_shares_rare_words_comes_first() {
        let texts = [
            "Errors are values; the parser returns them",
            "The cache is keyed by the tree",
            "Use the parser of the toml crate",
        ];
        let scores = scores("Fix the toml parser", texts.into_iter().map(numbers));
        assert!(scores[2] > scores[0] && scores[0] > scores[1]);
        assert!(scores[1].abs() < f64::EPSILON);
    }
}
