//! What of a test is reached: up to the first way out that no condition guards.

use super::assertion::line_end;
use super::case::Case;
use super::language::{Language, Tests};
use super::lex::{Source, matches};

/// Where a test is left for good: behind the first `return` or exit that no condition guards.
#[must_use]
pub fn reached(language: &Language, source: &Source<'_>, case: &Case) -> usize {
    quits(language, source, case)
        .into_iter()
        .find(|(_, guarded)| !guarded)
        .map_or(case.span.end, |(at, _)| at)
}

/// The places at which a test is left early, and whether a condition guards them.
#[must_use]
pub fn quits(language: &Language, source: &Source<'_>, case: &Case) -> Vec<(usize, bool)> {
    let tokens = &source.tokens;
    let starts: &[usize] = if language.tests == Tests::Indented { &source.statements } else { &[] };
    let shell = language.is_shell();
    // The brace that opens a body stands in the line of its head.
    let first =
        case.body.start + usize::from(tokens.get(case.body.start).is_some_and(|token| token.text == "{"));
    let indent = tokens.get(first).map_or(0, |token| token.indent);
    let mut found = Vec::new();
    let (mut at, mut open) = (case.body.start, Vec::new());
    while at < case.body.end.min(tokens.len()) {
        let token = &tokens[at];
        match token.text {
            "{" => open.push(source.behind(at)),
            "}" => drop(open.pop()),
            _ => {}
        }
        let quits =
            token.text == "return" || language.quits.iter().any(|pattern| matches(&tokens[at..], pattern));
        if quits {
            let guarded = if shell {
                let own = token.first && token.indent <= indent || at == case.body.start;
                !own || at > 0 && matches!(tokens[at - 1].text, "then" | "do" | "else" | "&&" | "||")
            } else if starts.is_empty() {
                let begins = at == case.body.start
                    || matches!(tokens[at - 1].text, ";" | "{" | "}")
                    || token.first && tokens[at - 1].text != ")";
                !(always(source, at) || open.is_empty() && begins)
            } else {
                let first = starts[..starts.partition_point(|start| *start <= at)].last();
                let own = first.is_some_and(|start| *start == at && tokens[*start].indent <= indent);
                !own && !always_indented(source, starts, at)
            };
            // The last statement of a test may well be a `return`.
            let end = line_end(source, at);
            let last =
                end + usize::from(tokens.get(end).is_some_and(|token| token.text == ";")) >= case.body.end;
            if !(last && (token.text == "return" || shell)) {
                found.push((at, guarded));
            }
        }
        at += 1;
    }
    found
}

/// Conditions that always hold, with what opens what they guard.
const ALWAYS: [&str; 8] = [
    "if ( true )",
    "if ( true ) {",
    "if true {",
    "if ( 1 )",
    "if ( 1 ) {",
    "|| true {",
    "|| true ) {",
    "|| 1 ) {",
];

/// Whether the condition before a statement always holds.
fn always(source: &Source<'_>, at: usize) -> bool {
    let before: Vec<&str> = source.tokens[at.saturating_sub(5)..at].iter().map(|token| token.text).collect();
    let text = before.join(" ");
    ALWAYS.iter().any(|end| text.ends_with(end))
}

fn always_indented(source: &Source<'_>, starts: &[usize], at: usize) -> bool {
    let Some(index) = starts.partition_point(|start| *start <= at).checked_sub(1).filter(|index| *index > 0)
    else {
        return false;
    };
    let (own, before) = (starts[index], starts[index - 1]);
    let constant = |from: usize| {
        ["if True :", "if 1 :", "if not False :"]
            .iter()
            .any(|pattern| matches(&source.tokens[from..], pattern))
    };
    constant(before) || constant(own)
}
