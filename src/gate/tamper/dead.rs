//! What of a test is never reached: behind a condition that never holds, in a loop over nothing, behind
//! a way out in the same block, in a function that nobody calls.

use super::assertion::line_end;
use super::case::Case;
use super::language::{Language, Tests};
use super::lex::{Kind, Source, matches};
use std::ops::Range;

/// How far a block may reach, in tokens: no text makes reading it slow.
const FAR: usize = 2_000;
/// Conditions that never hold and lists of nothing, up to the brace that opens their block.
const NEVER: [&str; 12] = [
    "if false {",
    "if ( false ) {",
    "if ( 0 ) {",
    "while ( false ) {",
    "while ( 0 ) {",
    "while false {",
    "for ( const _ of [ ] ) {",
    "for ( let _ of [ ] ) {",
    "for _ in [ ] {",
    "# [ cfg ( any ( ) ) ] {",
    "[ ] . forEach (",
    "[ ] . map (",
];
/// The same where indents make blocks.
const NEVER_INDENTED: [&str; 9] = [
    "if False :",
    "if 0 :",
    "if not True :",
    "while False :",
    "while 0 :",
    "for _ in ( ) :",
    "for _ in [ ] :",
    "for _ in { } :",
    "for _ in range ( 0 ) :",
];

/// Blocks that are never reached; in a test also functions that it does not call.
#[must_use]
pub fn dead_blocks(
    language: &Language,
    source: &Source<'_>,
    part: &Range<usize>,
    case: Option<&Case>,
) -> Vec<Range<usize>> {
    let end = part.end.min(source.tokens.len());
    if language.tests == Tests::Indented {
        return indented(source, part.start..end, case);
    }
    let mut dead = Vec::new();
    let blocks = language.syntax.block.is_some();
    // What lies in what is left out is read once.
    let mut behind_left_out = part.start;
    for at in part.start..end {
        if let Some(pattern) = NEVER.iter().find(|pattern| matches(&source.tokens[at..], pattern)) {
            let open = at + pattern.split(' ').count() - 1;
            dead.push(open..source.behind(open));
        }
        if blocks
            && at >= behind_left_out
            && let Some(rest) = left_out(source, at..end)
        {
            behind_left_out = rest.end;
            dead.push(rest);
        }
        if blocks && leaves(source, at) {
            let behind = line_end(source, at);
            let behind =
                behind + usize::from(source.tokens.get(behind).is_some_and(|token| token.text == ";"));
            dead.extend(Some(behind..block_end(source, at)).filter(|rest| rest.start < rest.end));
        }
    }
    if blocks && let Some(case) = case {
        dead.extend(uncalled(source, case));
    }
    dead
}

/// What the preprocessor of C leaves out of a part: from `#if 0` at its begin to what ends it or answers it.
fn left_out(source: &Source<'_>, part: Range<usize>) -> Option<Range<usize>> {
    if !matches(&source.tokens[part.start..], "# if 0") {
        return None;
    }
    let mut depth = 0_usize;
    for place in part.start..part.end - 1 {
        match (source.tokens[place].text, source.tokens[place + 1].text) {
            ("#", "if" | "ifdef" | "ifndef") => depth += 1,
            ("#", "else" | "elif" | "endif") if depth <= 1 => return Some(part.start..place),
            ("#", "endif") => depth -= 1,
            _ => {}
        }
    }
    Some(part)
}

/// Whether a statement begins here, as far as what stands before it tells.
fn begins(source: &Source<'_>, at: usize) -> bool {
    const GO_ON: [&str; 15] =
        [",", "(", ")", "[", "=", "=>", "&&", "||", "?", ":", "+", ".", "return", "else", "await"];
    let before = at.checked_sub(1).map_or("", |before| source.tokens[before].text);
    matches!(before, "{" | "}" | ";") || source.tokens[at].first && !GO_ON.contains(&before)
}

/// Whether a block is left here, whatever holds.
fn leaves(source: &Source<'_>, at: usize) -> bool {
    let next = source.tokens.get(at + 1);
    let ends = |by: usize| source.tokens.get(at + by).is_some_and(|token| token.text == ";");
    let bare = next.is_some_and(|next| next.first) || ends(1) || ends(2);
    let way_out = match source.tokens[at].text {
        "continue" | "break" => true,
        "return" => bare,
        _ => false,
    };
    way_out && begins(source, at)
}

/// Where the block that a statement stands in ends, or its branch of a switch.
fn block_end(source: &Source<'_>, at: usize) -> usize {
    let end = source.tokens.len().min(at + FAR);
    let mut place = at + 1;
    while place < end && !matches!(source.tokens[place].text, "}" | "case" | "default") {
        place = if source.closes[place] > 0 { source.behind(place) } else { place + 1 };
    }
    place.min(end)
}

/// Functions in a test that it neither calls nor hands on.
fn uncalled(source: &Source<'_>, case: &Case) -> Vec<Range<usize>> {
    let tokens = &source.tokens;
    let (mut dead, mut at) = (Vec::new(), case.body.start);
    while at < case.body.end.min(tokens.len()) {
        if begins(source, at)
            && let Some((name, end)) = function(source, at)
            && !is_named(source, &case.span, name, &(at..end))
        {
            dead.push(at..end);
        }
        at = if source.closes[at] > 0 { source.behind(at) } else { at + 1 };
    }
    dead
}

/// The function that a statement is or gives a name to: its name, if it has one, and where it ends.
fn function<'t>(source: &Source<'t>, at: usize) -> Option<(Option<&'t str>, usize)> {
    let tokens = &source.tokens;
    let text = |place: usize| tokens.get(place).map_or("", |token| token.text);
    let is_arrow = |from: usize| {
        let open = from + usize::from(text(from) == "async");
        text(open) == "(" && text(source.behind(open)) == "=>"
    };
    if is_arrow(at) {
        return Some((None, line_end(source, at)));
    }
    let declared = at + usize::from(text(at) == "async");
    if matches!(text(declared), "function" | "fn") && text(declared + 2) == "(" {
        let body =
            (source.behind(declared + 2)..tokens.len().min(at + FAR)).find(|place| text(*place) == "{")?;
        return Some((Some(tokens[declared + 1].text), source.behind(body)));
    }
    let name = at + usize::from(matches!(text(at), "const" | "let" | "var"));
    let value = name + 2;
    let given = matches!(text(name + 1), "=" | ":=")
        && (is_arrow(value)
            || matches!(text(value), "function" | "func")
            || text(value) == "async" && text(value + 1) == "function"
            || name > at && matches!(text(value), "||" | "|" | "move"));
    given.then(|| (Some(tokens[name].text), line_end(source, at)))
}

/// Whether a name stands in a part, outside of what defines it.
fn is_named(source: &Source<'_>, part: &Range<usize>, name: Option<&str>, except: &Range<usize>) -> bool {
    let end = part.end.min(source.tokens.len());
    name.filter(|name| *name != "_").is_some_and(|name| {
        (part.start..end).any(|at| !except.contains(&at) && source.tokens[at].text == name)
    })
}

/// The same where indents make blocks.
fn indented(source: &Source<'_>, part: Range<usize>, case: Option<&Case>) -> Vec<Range<usize>> {
    let (tokens, starts) = (&source.tokens, &source.statements);
    let (mut dead, mut behind_dead) = (Vec::new(), part.start);
    for at in part.clone() {
        // What lies in what is never reached is read once.
        if at >= behind_dead && NEVER_INDENTED.iter().any(|pattern| matches(&tokens[at..], pattern)) {
            let indent = tokens[at].indent;
            let mut rest = at + 1..part.end;
            behind_dead = rest
                .find(|place| tokens[*place].first && tokens[*place].indent <= indent)
                .unwrap_or(part.end);
            dead.push(at..behind_dead);
        }
    }
    let first = starts.partition_point(|start| *start < part.start);
    let last = starts.partition_point(|start| *start < part.end);
    for index in first..last {
        let (at, indent) = (starts[index], tokens[starts[index]].indent);
        let behind = |most: usize| {
            let mut next = starts[index + 1..].iter().take(FAR);
            next.find(|next| tokens[**next].indent < most).copied().unwrap_or(tokens.len())
        };
        let next = starts.get(index + 1).copied().unwrap_or(tokens.len());
        let own = case.filter(|case| case.body.contains(&at));
        match tokens[at].text {
            "continue" | "break" => {
                dead.extend(Some(next..behind(indent)).filter(|rest| rest.start < rest.end));
            }
            "lambda" => dead.push(at..next),
            // A generator that nobody asks.
            "(" if source.behind(at) == next && is_generator(source, at) => dead.push(at..next),
            "def" | "async" if own.is_some_and(|case| is_uncalled(source, case, index)) => {
                dead.push(at..behind(indent + 1));
            }
            name if tokens[at].kind == Kind::Word
                && matches(&tokens[at + 1..], "= lambda")
                && own.is_some_and(|case| !is_named(source, &case.span, Some(name), &(at..next))) =>
            {
                dead.push(at..next);
            }
            _ => {}
        }
    }
    dead
}

/// Whether what stands in a bracket is a generator; one that is an argument of a call is asked by it.
fn is_generator(source: &Source<'_>, open: usize) -> bool {
    let mut place = open + 1;
    while place < source.closes[open] && source.tokens[place].text != "for" {
        place = if source.closes[place] > 0 { source.behind(place) } else { place + 1 };
    }
    place < source.closes[open]
}

/// Whether a function inside a test is neither called nor handed on, nor registered by what decorates it, nor a method.
fn is_uncalled(source: &Source<'_>, case: &Case, index: usize) -> bool {
    let (tokens, starts) = (&source.tokens, &source.statements);
    let (at, indent) = (starts[index], tokens[starts[index]].indent);
    let def = at + usize::from(tokens[at].text == "async");
    let Some(name) = tokens.get(def + 1).filter(|_| tokens[def].text == "def") else { return false };
    let end = starts[index + 1..].iter().find(|next| tokens[**next].indent <= indent);
    let before = starts[..index].iter().rev();
    let decorated = before.clone().next().is_some_and(|at| tokens[*at].text == "@");
    let holder = before.into_iter().find(|at| tokens[**at].indent < indent);
    let method = holder.is_some_and(|at| tokens[*at].text == "class");
    let own = at..end.copied().unwrap_or(tokens.len());
    !decorated && !method && !is_named(source, &case.span, Some(name.text), &own)
}

#[cfg(test)]
mod tests {
    use super::super::language::{Language, PYTHON};
    use super::*;

    fn dead(language: &Language, text: &str) -> Vec<Range<usize>> {
        let source = Source::new(text, &language.syntax);
        dead_blocks(language, &source, &(0..source.tokens.len()), None)
    }

    #[test]
    fn what_lies_in_a_dead_block_is_read_once() {
        let c = Language::of("a.c").expect("a language");
        assert_eq!(
            dead(c, "#if 0\na;\n#if 0\nb;\n#endif\nc;\n#else\nd;\n#endif\n#if 0\ne;\n#endif\n").len(),
            2
        );
        // One end that is looked for anew from each beginning would take minutes here.
        let many = 60_000;
        assert_eq!(dead(c, &"#if 0\n".repeat(many)), vec![0..3 * many]);
        assert_eq!(dead(&PYTHON, &"if 0: ".repeat(many)), vec![0..3 * many]);
        assert_eq!(dead(&PYTHON, "if 0:\n  a\n  if 0:\n    b\nc\nif 0:\n  d\n").len(), 2);
    }
}
