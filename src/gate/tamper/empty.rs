//! Assertions that hold whatever the code under test does.

use super::language::How;
use super::lex::{Kind, Token};

/// Constants that are no value of the code under test.
const CONSTANTS: [&str; 12] =
    ["true", "false", "True", "False", "None", "null", "nil", "undefined", "!", "not", "is", "-"];

/// Whether an assertion holds whatever the code under test does.
pub(super) fn cannot_fail(parts: &[&[Token<'_>]], how: How) -> bool {
    const ESCAPES: [(&str, &str); 9] = [
        ("||", "true"),
        ("||", ":"),
        ("||", "echo"),
        ("or", "True"),
        ("or", "1"),
        ("&&", "false"),
        ("false", "&&"),
        ("true", "||"),
        ("True", "or"),
    ];
    let constant = |part: &&[Token<'_>]| !part.is_empty() && part.iter().all(|token| is_constant(token));
    let first = parts.first().copied().unwrap_or_default();
    // A text or a function holds as it is, and so does `(x, "message")` where it is no call.
    if how == How::Line && (first.first().is_some_and(|token| token.text == "lambda") || is_tuple(first)) {
        return true;
    }
    let escape =
        parts.iter().any(|part| part.windows(2).any(|two| ESCAPES.contains(&(two[0].text, two[1].text))));
    let itself = |sides: &[Token<'_>]| {
        let middle = sides.iter().position(|token| matches!(token.text, "==" | "==="));
        middle.is_some_and(|at| texts(&sides[..at]) == texts(&sides[at + 1..]))
    };
    match how {
        How::Branch => first.len() == 1 && first[0].text == "false" || escape,
        How::Chain => {
            let matcher = parts.iter().skip(1).rev().find(|part| part.len() > 1);
            let given = matcher.and_then(|part| part.get(2..part.len() - 1)).map(texts);
            escape
                || (constant(&first) && parts.len() > 1 && first.iter().all(|token| token.text != "!"))
                || given.is_some_and(|given| !given.is_empty() && given == texts(first))
        }
        How::Words => false,
        How::Args(_) | How::Line | How::Command => {
            escape
                || parts.len() == 1 && is_tuple(first)
                || itself(first)
                || (!parts.is_empty()
                    && parts.iter().all(constant)
                    && !texts(first).iter().any(|text| matches!(*text, "false" | "False")))
                || (parts.len() >= 2
                    && parts.windows(2).any(|two| !two[0].is_empty() && texts(two[0]) == texts(two[1])))
        }
    }
}

/// Whether an expression is several in brackets.
fn is_tuple(part: &[Token<'_>]) -> bool {
    let mut depth = 0_usize;
    let mut several = false;
    for (at, token) in part.iter().enumerate() {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            "," => several |= depth == 1,
            _ => {}
        }
        if depth == 0 && (at == 0 || at + 1 < part.len()) {
            return false;
        }
    }
    several
}

/// Whether a token has no value of its own; a text may hold a variable's.
fn is_constant(token: &Token<'_>) -> bool {
    let varies = token.kind == Kind::Text && !token.text.starts_with('\'') && token.text.contains(['$', '`']);
    token.kind != Kind::Word && token.text != "(" && !varies || CONSTANTS.contains(&token.text)
}

fn texts<'t>(part: &[Token<'t>]) -> Vec<&'t str> {
    part.iter().map(|token| token.text).collect()
}
