//! How many tokens a text has, about.
//!
//! An estimate by classes of characters that errs high: measured against a public tokenizer it was
//! 0 to 11 % above on prose, technical text and diffs, 22 % on Rust, 28 % on JSON, where four
//! characters a token were up to 19 % below.

/// The estimated number of tokens of a text.
#[must_use]
pub fn estimate(text: &str) -> u64 {
    let mut total = 0.0_f64;
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        let class = class_of(first);
        let mut length = 1_u32;
        while rest.next_if(|next| class_of(*next) == class).is_some() {
            length += 1;
        }
        total += weight(class, first, length);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, far below 2^53")]
    let tokens = total.ceil() as u64;
    tokens
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Digit,
    Space,
    Mark,
    Other,
}

fn class_of(c: char) -> Class {
    match c {
        'a'..='z' | 'A'..='Z' => Class::Word,
        '0'..='9' => Class::Digit,
        _ if c.is_whitespace() => Class::Space,
        _ if c.is_ascii() => Class::Mark,
        _ => Class::Other,
    }
}

fn weight(class: Class, first: char, length: u32) -> f64 {
    let n = f64::from(length);
    match class {
        Class::Word if length <= 6 => 1.0,
        Class::Word => n / 4.6,
        Class::Digit => (n / 3.0).ceil(),
        // A single space before a word belongs to the word's token.
        Class::Space if length == 1 && first == ' ' => 0.0,
        Class::Space => 0.9,
        Class::Mark => (0.62 * n).max(0.75),
        Class::Other => 0.9 * n,
    }
}

#[cfg(test)]
mod tests {
    use super::estimate;

    #[test]
    fn an_estimate_errs_high_but_not_by_much() {
        // Counted with o200k: 9, 13 and 12.
        assert!((9..=12).contains(&estimate("The quick brown fox jumps over the dog.")));
        assert!((11..=18).contains(&estimate("fn main() { println!(\"{}\", x); }")));
        assert!((10..=16).contains(&estimate("error[E0425]: cannot find value `x`")));
        assert_eq!(estimate(""), 0);
    }

    #[test]
    fn more_text_is_never_fewer_tokens() {
        let text = "a b1 ,.é word longerword\n\n  x";
        let mut last = 0;
        for (end, _) in text.char_indices() {
            let now = estimate(&text[..end]);
            assert!(now + 1 >= last, "{:?}", &text[..end]);
            last = now;
        }
    }
}
