//! Source text as tokens, as far as tests and assertions need them.
//!
//! In: text and a [`Syntax`]. Out: [`Source`]: words, numbers, texts and marks with their lines, and
//! the comments apart. Invariant: no text makes it panic or takes more than linear time; what it
//! cannot make sense of becomes marks. Not here: grammar. A parser for every language would be a C
//! build each and would still not know tests from other functions; the corpus in
//! `fixtures/changes` shows what tokens are good for.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A name or a keyword.
    Word,
    /// A number.
    Number,
    /// A literal text, with its quotes.
    Text,
    /// Anything else.
    Mark,
}

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'t> {
    /// What it is.
    pub kind: Kind,
    /// As it stands there.
    pub text: &'t str,
    /// One-based line.
    pub line: usize,
    /// How far its line is indented.
    pub indent: usize,
    /// Whether it is the first of its line.
    pub first: bool,
}

impl<'t> Token<'t> {
    /// Its text; a literal one without its quotes, which are a matter of style.
    #[must_use]
    pub fn bare(&self) -> &'t str {
        if self.kind == Kind::Text { self.text.trim_matches(['"', '\'', '`']) } else { self.text }
    }
}

/// How a language writes comments and texts.
#[derive(Debug, Clone, Copy)]
pub struct Syntax {
    /// What begins a comment that ends with the line.
    pub line_comments: &'static [&'static str],
    /// What begins and ends a longer comment.
    pub block: Option<(&'static str, &'static str)>,
    /// Quotes of texts that end with the line at the latest.
    pub short: &'static [&'static str],
    /// Quotes of texts that may have many lines.
    pub long: &'static [&'static str],
    /// `'` begins a lifetime or one character, and `r#"` a raw text.
    pub rust: bool,
    /// `/` may begin a pattern.
    pub patterns: bool,
}

/// A text as tokens.
#[derive(Debug, Default)]
pub struct Source<'t> {
    /// Its tokens.
    pub tokens: Vec<Token<'t>>,
    /// Its comments with their lines.
    pub comments: Vec<(usize, &'t str)>,
    /// For an opening bracket the place of its partner, for all others 0.
    pub closes: Vec<usize>,
    /// The first tokens of lines that stand in no bracket: statements, where indents make blocks.
    pub statements: Vec<usize>,
}

/// How many brackets may stay open before one that closes an earlier one is passed over.
const FAR: usize = 64;
/// Marks of more than one character.
const JOINED: [&str; 14] =
    ["===", "!==", "==", "!=", "<=", ">=", "=>", "->", "||", "&&", "::", ":=", "=~", ".."];

impl<'t> Source<'t> {
    /// Reads a text.
    #[must_use]
    pub fn new(text: &'t str, syntax: &Syntax) -> Self {
        let mut reader = Reader { text, at: 0, line: 1, indent: 0, fresh: true, out: Self::default() };
        while reader.at < text.len() {
            reader.step(syntax);
        }
        let mut source = reader.out;
        source.closes = partners(&source.tokens);
        source.statements = statements(&source);
        source
    }

    /// The place behind the partner of an opening bracket; the end where it has none.
    #[must_use]
    pub fn behind(&self, open: usize) -> usize {
        match self.closes.get(open) {
            Some(0) | None => self.tokens.len(),
            Some(close) => close + 1,
        }
    }

    /// The places at which a pattern begins.
    pub fn find<'s>(&'s self, pattern: &'static str) -> impl Iterator<Item = usize> + 's {
        (0..self.tokens.len()).filter(move |at| matches(&self.tokens[*at..], pattern))
    }
}

/// Whether tokens begin with a pattern: words divided by blanks, of which `_` stands for any token
/// and one that ends in `*` for all that begin so.
#[must_use]
pub fn matches(tokens: &[Token<'_>], pattern: &str) -> bool {
    // Nearly all end here: most tokens begin otherwise.
    let begin = tokens.first().and_then(|token| token.text.as_bytes().first());
    if begin != pattern.as_bytes().first() && !pattern.starts_with('_') {
        return false;
    }
    let mut tokens = tokens.iter();
    pattern.split(' ').all(|part| {
        tokens.next().is_some_and(|token| match part.strip_suffix('*').filter(|start| !start.is_empty()) {
            Some(start) => token.text.starts_with(start),
            None => part == "_" || token.text == part,
        })
    })
}

fn statements(source: &Source<'_>) -> Vec<usize> {
    let (mut behind, mut found) = (0, Vec::new());
    for (at, token) in source.tokens.iter().enumerate() {
        if at >= behind && token.first {
            found.push(at);
        }
        if at >= behind && source.closes[at] > 0 {
            behind = source.closes[at] + 1;
        }
    }
    found
}

fn partners(tokens: &[Token<'_>]) -> Vec<usize> {
    let mut closes = vec![0; tokens.len()];
    let mut open: Vec<(usize, &str)> = Vec::new();
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Mark) {
        let wanted = match token.text {
            "(" | "[" | "{" => {
                open.push((at, token.text));
                continue;
            }
            ")" => "(",
            "]" => "[",
            "}" => "{",
            _ => continue,
        };
        // What does not fit is passed over, so that one bracket too many spoils no more than itself.
        let near = open.len().saturating_sub(FAR);
        if let Some(place) = open[near..].iter().rposition(|(_, text)| *text == wanted) {
            closes[open[near + place].0] = at;
            open.truncate(near + place);
        }
    }
    closes
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    indent: usize,
    fresh: bool,
    out: Source<'t>,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn step(&mut self, syntax: &Syntax) {
        let rest = self.rest();
        let Some(c) = rest.chars().next() else { return };
        if c == '\n' {
            (self.line, self.indent, self.fresh) = (self.line + 1, 0, true);
            self.at += 1;
        } else if c.is_whitespace() {
            self.indent += usize::from(self.fresh) * if c == '\t' { 4 } else { 1 };
            self.at += c.len_utf8();
        } else if let Some(length) = comment(rest, syntax) {
            self.out.comments.push((self.line, &rest[..length]));
            self.pass(length);
        } else if let Some(length) = self.literal(rest, syntax) {
            self.push(Kind::Text, length);
        } else if c.is_numeric() {
            let length = run(rest, |c| c.is_alphanumeric() || c == '_' || c == '.');
            // A range or a method is not part of the number before it.
            let text = rest[..length].split("..").next().unwrap_or_default().trim_end_matches('.');
            self.push(Kind::Number, text.len().max(c.len_utf8()));
        } else if is_word(c) {
            self.push(Kind::Word, run(rest, is_word));
        } else {
            let joined = JOINED.iter().find(|mark| rest.starts_with(**mark));
            self.push(Kind::Mark, joined.map_or(c.len_utf8(), |mark| mark.len()));
        }
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let token = Token {
            kind,
            text: &self.rest()[..length],
            line: self.line,
            indent: self.indent,
            first: self.fresh,
        };
        self.fresh = false;
        self.out.tokens.push(token);
        self.pass(length);
    }

    /// Goes on behind something that may have many lines.
    fn pass(&mut self, length: usize) {
        self.line += self.rest()[..length].matches('\n').count();
        self.at += length;
    }

    /// The length of a literal text that begins here.
    fn literal(&self, rest: &str, syntax: &Syntax) -> Option<usize> {
        if syntax.rust && rest.starts_with('\'') {
            return character(rest);
        }
        if syntax.rust && rest.starts_with('r') && !rest[1..].starts_with(is_word) {
            return raw(rest);
        }
        if let Some(quote) = syntax.long.iter().find(|quote| rest.starts_with(**quote)) {
            return Some(quoted(rest, quote, true));
        }
        if let Some(quote) = syntax.short.iter().find(|quote| rest.starts_with(**quote)) {
            return Some(quoted(rest, quote, false));
        }
        let before = self.out.tokens.last();
        let operand = before.is_none_or(|token| {
            token.kind == Kind::Mark && !matches!(token.text, ")" | "]" | "}")
                || matches!(token.text, "return" | "case" | "in" | "of" | "typeof")
        });
        (syntax.patterns && operand && rest.starts_with('/')).then(|| pattern(rest)).flatten()
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn run(rest: &str, of: impl Fn(char) -> bool) -> usize {
    rest.find(|c| !of(c)).unwrap_or(rest.len())
}

fn comment(rest: &str, syntax: &Syntax) -> Option<usize> {
    if syntax.line_comments.iter().any(|begin| rest.starts_with(begin)) {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    let (begin, end) = syntax.block.filter(|(begin, _)| rest.starts_with(begin))?;
    Some(rest[begin.len()..].find(end).map_or(rest.len(), |at| begin.len() + at + end.len()))
}

/// A text between quotes; a short one ends with its line at the latest.
fn quoted(rest: &str, quote: &str, long: bool) -> usize {
    let mut at = quote.len();
    while at < rest.len() {
        let here = &rest[at..];
        if here.starts_with(quote) {
            return at + quote.len();
        }
        let Some(c) = here.chars().next() else { break };
        if c == '\n' && !long {
            return at;
        }
        let escaped = if c == '\\' { here[1..].chars().next().filter(|c| *c != '\n' || long) } else { None };
        at += c.len_utf8() + escaped.map_or(0, char::len_utf8);
    }
    rest.len()
}

/// A character; what has no quote so soon is a lifetime, and no text.
fn character(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    let (_, c) = chars.next()?;
    if c == '\\' {
        return Some(quoted(rest, "'", false));
    }
    chars.next().filter(|(_, c)| *c == '\'').map(|(at, _)| at + 1)
}

fn raw(rest: &str) -> Option<usize> {
    let hashes = run(&rest[1..], |c| c == '#');
    rest[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let from = hashes + 2;
    Some(rest[from..].find(&end).map_or(rest.len(), |at| from + at + end.len()))
}

/// A pattern between slashes, on one line.
fn pattern(rest: &str) -> Option<usize> {
    let (mut inside, mut escaped) = (false, false);
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '\n' => return None,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => inside = true,
            ']' => inside = false,
            '/' if !inside => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::language::{JAVASCRIPT, PYTHON, RUST};
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str, syntax: &Syntax) -> String {
        let source = Source::new(text, syntax);
        source.tokens.iter().map(|token| token.text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_texts_are_no_words() {
        assert_eq!(
            words("let a = 'x'; // it.only(\nf::<'a>(r#\"q\"x\"#, 1..2) /* y */", &RUST.syntax),
            "let a = 'x' ; f :: < ' a > ( r#\"q\"x\"# , 1 .. 2 )"
        );
        assert_eq!(
            words("x = \"\"\"a\n# b\n\"\"\" # c\ny = 'it\\'s'", &PYTHON.syntax),
            "x = \"\"\"a\n# b\n\"\"\" y = 'it\\'s'"
        );
        assert_eq!(
            words("a.match(/[\"/]x/) / 2 === `b\n${c}`", &JAVASCRIPT.syntax),
            "a . match ( /[\"/]x/ ) / 2 === `b\n${c}`"
        );
    }

    #[test]
    fn lines_and_indents_are_those_of_the_text() {
        let source = Source::new("a\n  b '''x\ny''' c\n\td", &PYTHON.syntax);
        let told: Vec<(&str, usize, usize, bool)> =
            source.tokens.iter().map(|token| (token.text, token.line, token.indent, token.first)).collect();
        assert_eq!(
            told,
            [
                ("a", 1, 0, true),
                ("b", 2, 2, true),
                ("'''x\ny'''", 2, 2, false),
                ("c", 3, 2, false),
                ("d", 4, 4, true)
            ]
        );
    }

    #[test]
    fn a_pattern_is_words_and_beginnings() {
        let source = Source::new("#[ignore = \"x\"] assert_eq!(a)", &RUST.syntax);
        assert_eq!(source.find("# [ ignore").collect::<Vec<_>>(), [0]);
        assert_eq!(source.find("assert* ! (").count(), 1);
        assert_eq!(source.find("[ ignored").count(), 0);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|['\"`/\\\\#r\n\t ]|/\\*|\"\"\"|[()\\[\\]{}]){0,60}") {
            for syntax in [&RUST.syntax, &PYTHON.syntax, &JAVASCRIPT.syntax] {
                let source = Source::new(&text, syntax);
                prop_assert_eq!(source.closes.len(), source.tokens.len());
                for at in 0..source.tokens.len() {
                    prop_assert!(source.behind(at) > at);
                }
            }
        }
    }
}
