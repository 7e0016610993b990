//! The tokens of TOML text, as far as finding one's way in it needs them.
//!
//! In: any text. Out: tokens that cover it without a gap. Invariant: strings, comments and line ends
//! are cut exactly where the parser of the `toml` crate cuts them, also in text that is not TOML,
//! so that a limit which holds for these tokens holds inside that parser.
//! Not here: what a value means.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One of `.=,[]{}`.
    Mark(u8),
    /// Spaces and tabs.
    Blank,
    /// The end of a line.
    Newline,
    /// From `#` to the end of the line.
    Comment,
    /// A string of any of the four kinds, quotes included.
    Text,
    /// Everything else: bare keys, numbers, dates, booleans.
    Atom,
}

/// One token and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub span: Range<usize>,
}

/// The tokens of a text.
#[must_use]
pub fn tokens(text: &str) -> Tokens<'_> {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    Tokens { bytes: text.as_bytes(), at: start }
}

/// An iterator over the tokens of a text.
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let rest = &self.bytes[self.at..];
        let (kind, len) = match *rest.first()? {
            mark @ (b'.' | b'=' | b',' | b'[' | b']' | b'{' | b'}') => (Kind::Mark(mark), 1),
            b' ' | b'\t' => (Kind::Blank, until(rest, |b| b != b' ' && b != b'\t')),
            b'#' => (Kind::Comment, until(rest, |b| b == b'\r' || b == b'\n')),
            b'\r' if rest.get(1) == Some(&b'\n') => (Kind::Newline, 2),
            b'\r' | b'\n' => (Kind::Newline, 1),
            quote @ (b'"' | b'\'') => (Kind::Text, string(rest, quote)),
            _ => (Kind::Atom, until(rest, |b| b".=,[]{} \t#\r\n".contains(&b))),
        };
        let span = self.at..self.at + len;
        self.at += len;
        Some(Token { kind, span })
    }
}

fn until(bytes: &[u8], stop: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|&b| stop(b)).unwrap_or(bytes.len())
}

/// The length of the string at the start of `bytes`; one that nothing closes ends with its line, or
/// with the text if it may have many lines.
fn string(bytes: &[u8], quote: u8) -> usize {
    let long = bytes.starts_with(&[quote; 3]);
    let mut at = if long { 3 } else { 1 };
    while let Some(&byte) = bytes.get(at) {
        if byte == b'\\' && quote == b'"' {
            at += if matches!(bytes.get(at + 1), Some(b'\\' | b'"')) { 2 } else { 1 };
        } else if long && bytes[at..].starts_with(&[quote; 3]) {
            let more = bytes[at + 3..].iter().take(2).take_while(|&&b| b == quote).count();
            return at + 3 + more;
        } else if !long && byte == quote {
            return at + 1;
        } else if !long && byte == b'\n' {
            return at;
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// The largest number of parts of one dotted key, and the byte where it is reached.
#[must_use]
pub fn longest_key(text: &str) -> (usize, usize) {
    let (mut parts, mut longest) = (1, (0, 0));
    for token in tokens(text) {
        match token.kind {
            Kind::Mark(b'.') => parts += 1,
            Kind::Mark(_) | Kind::Newline => parts = 1,
            Kind::Blank | Kind::Comment | Kind::Text | Kind::Atom => {}
        }
        if parts > longest.0 {
            longest = (parts, token.span.start);
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dots_in_strings_and_comments_are_not_keys() {
        let dots = ".".repeat(100);
        for text in [
            format!("a = \"{dots}\""),
            format!("a = '''\n{dots}\n'''"),
            format!("a = \"\"\"\n\\\"\"\"{dots}\n\"\"\""),
            format!("# {dots}"),
        ] {
            assert_eq!(longest_key(&text).0, 1, "{text}");
        }
        assert_eq!(longest_key("a.b.\"c.d\" = 1.5"), (3, 3));
    }

    proptest! {
        #[test]
        fn tokens_cover_the_text(text in "[a=.\\[\\]{}\"'#\\\\ \t\r\n,é]{0,60}") {
            let mut at = 0;
            for token in tokens(&text) {
                prop_assert_eq!(token.span.start, at);
                prop_assert!(token.span.end > at);
                at = token.span.end;
                prop_assert!(text.is_char_boundary(at));
            }
            prop_assert_eq!(at, text.len());
        }
    }
}
