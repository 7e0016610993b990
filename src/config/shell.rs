//! Spelling words for `sh`.
//!
//! In: arguments. Out: text that `sh` splits into the same arguments, whatever is in them.

/// A word, quoted.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A word, quoted where it has to be.
#[must_use]
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { quoted(text) }
}

/// Words as one line.
#[must_use]
pub fn line(words: &[String]) -> String {
    words.iter().map(|each| word(each)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_one_word_each() {
        for (text, expected) in [
            ("a/b-c=1", "a/b-c=1"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
        ] {
            assert_eq!(word(text), expected);
        }
    }
}
