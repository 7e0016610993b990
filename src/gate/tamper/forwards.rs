//! Functions of tests that only hand on to the one that they are named after.

use super::language::{Language, PYTHON};
use super::lex::{Kind, Source};

/// How far the call may lie behind the name, in tokens: no text makes reading it slow.
const NEAR: usize = 64;
/// What chooses whether, or between what, a function calls.
const CHOOSES: [&str; 10] = ["if", "else", "match", "switch", "case", "for", "while", "try", "?", "&&"];
/// What gives the name behind it to something new.
const GIVES: [&str; 9] = ["mod", "class", "struct", "enum", "trait", "let", "mut", "const", "var"];

/// Whether the function whose name stands at a place does no more than to call another's of this name, which nothing
/// in the file stands for: what it is named after is still what answers.
#[must_use]
pub(super) fn forwards(language: &Language, source: &Source<'_>, at: usize) -> bool {
    let tokens = &source.tokens;
    let text = |place: usize| tokens.get(place).map_or("", |token| token.text);
    let calls = |place: &usize| text(*place) == text(at) && text(place + 1) == "(";
    let Some(call) = (at + 2..tokens.len().min(at + NEAR)).find(calls) else { return false };
    let mut head = call;
    while head > at + 2 && matches!(text(head - 1), "." | "::") && tokens[head - 2].kind == Kind::Word {
        head -= 2;
    }
    let mut begin = head - 1;
    while begin > at && matches!(text(begin), "return" | "await") {
        begin -= 1;
    }
    let own = |place: usize| {
        text(place) == text(head)
            && text(place + 2) != "require"
            && (matches!(text(place + 1), "=" | ":=") || place > 0 && GIVES.contains(&text(place - 1)))
    };
    let another =
        head < call && !matches!(text(head), "self" | "this" | "cls") && !(0..tokens.len()).any(own);
    another
        && is_whole(language, source, at, begin, source.behind(call + 1))
        && !(at..begin).any(|place| CHOOSES.contains(&text(place)))
}

/// Whether what stands between two places is all that a function does.
fn is_whole(language: &Language, source: &Source<'_>, at: usize, begin: usize, behind: usize) -> bool {
    let tokens = &source.tokens;
    let text = |place: usize| tokens.get(place).map_or("", |token| token.text);
    let next = behind + usize::from(text(behind) == ";");
    let ends = match text(begin) {
        "{" => source.closes[begin] == next,
        ":" => {
            std::ptr::eq(language, &raw const PYTHON)
                && tokens.get(next).is_none_or(|token| token.first && token.indent <= tokens[at].indent)
        }
        "|" | "||" | "=>" => {
            next > behind || tokens.get(next).is_none_or(|token| token.first && token.kind == Kind::Word)
        }
        _ => false,
    };
    // Bars are those of a closure, and choose nothing.
    let value = at + 2 + usize::from(text(at + 2) == "move");
    let mut bars = (at + 1..=begin).filter(|place| matches!(text(*place), "|" | "||"));
    let most = if text(value) == "||" { 1 } else { 2 };
    let closure = bars.clone().count() <= most && bars.next().is_none_or(|first| first == value);
    ends && closure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hands_on(path: &str, text: &str) -> bool {
        let language = Language::of(path).unwrap();
        let source = Source::new(text, &language.syntax);
        let at = source.tokens.iter().position(|token| token.text == "parse").unwrap();
        forwards(language, &source, at)
    }

    #[test]
    fn who_only_calls_what_it_is_named_after_hands_on() {
        for (path, text) in [
            ("a.rs", "let parse = |s| super::parse(s, &opts);\nx();"),
            ("a.rs", "let parse = move || crate::a::parse(OPTS);\nx();"),
            ("a.rs", "fn parse(s: &str) -> u8 { lib::parse(s, 1) }\nx();"),
            ("a.py", "def parse(s):\n    return lib.parse(s, strict=False)\n\nx()"),
            ("a.py", "parse = lambda s: lib.parse(s, 1)\nx()"),
            ("a.ts", "const lib = require('./lib');\nconst parse = (s) => lib.parse(s, {})\nexpect(1)"),
            ("a.ts", "const parse = async (s) => { return await lib.parse(s); };"),
            ("a_test.go", "parse := func(s string) int { return lib.parse(s, 1) }"),
        ] {
            assert!(hands_on(path, text), "{text}");
        }
    }

    #[test]
    fn who_does_anything_else_does_not() {
        for (path, text) in [
            ("a.rs", "let parse = |s| 5;\nsuper::parse(s);"),
            ("a.rs", "let parse = |s| true || super::parse(s);"),
            ("a.rs", "let parse = |s| true | super::parse(s);"),
            ("a.rs", "let parse = |s| { super::parse(s); 5 };"),
            ("a.rs", "fn parse(s: &str) -> u8 { if s == \"1\" { 1 } else { lib::parse(s) } }"),
            ("a.rs", "mod fake { }\nlet parse = |s| fake::parse(s);"),
            ("a.py", "def parse(s):\n    lib.parse(s)\n    return 5"),
            ("a.py", "def parse(s):\n    return self.parse(s)"),
            ("a.py", "def parse(s):\n    return 5 or lib.parse(s)"),
            ("a.py", "def parse(s):\n    return parse(s)"),
            ("a.py", "lib = Fake()\ndef parse(s):\n    return lib.parse(s)"),
            ("a.ts", "const parse = (s) => s ? 5 : lib.parse(s);"),
            ("a.ts", "const parse = (s) => lib.parse(s) || 5;"),
        ] {
            assert!(!hands_on(path, text), "{text}");
        }
    }
}
