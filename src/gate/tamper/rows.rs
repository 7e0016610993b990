//! Tables of cases: what a parametrised test, or a loop over a list, runs with.

use super::case::Case;
use super::language::Language;
use super::lex::Kind;
use super::read::Side;
use std::ops::Range;

/// One row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its tokens.
    pub text: String,
    /// Its line, one-based.
    pub line: usize,
}

/// Attributes that are a row each.
const ROW_ATTRIBUTES: [&str; 5] = ["case", "test_case", "InlineData", "DataRow", "TestCase"];

/// The rows of a test: of what stands before its body, and of tables inside.
#[must_use]
pub fn of_case(side: &Side<'_>, case: &Case, language: &Language) -> Vec<Row> {
    let asserts: Vec<Range<usize>> =
        side.asserts(language, case).into_iter().map(|found| found.span).collect();
    // The brace that opens the body is no list.
    let opens = case.body.start.checked_sub(1).filter(|at| side.source.tokens[*at].text == "{");
    let head = case.span.start..opens.unwrap_or(case.body.start);
    let mut rows = lists(side, &head, &[], true);
    rows.extend(lists(side, &case.body, &asserts, false));
    rows
}

/// The rows of tables that stand beside the tests of a file of tests.
#[must_use]
pub fn beside(side: &Side<'_>) -> Vec<Row> {
    let cases: Vec<Range<usize>> = side.cases.iter().map(|case| case.span.clone()).collect();
    lists(side, &side.around, &cases, false)
}

/// Elements of lists in a part. In the head of a test every list is a table; elsewhere a table is a
/// list of at least two lists.
fn lists(side: &Side<'_>, part: &Range<usize>, except: &[Range<usize>], head: bool) -> Vec<Row> {
    let tokens = &side.source.tokens;
    let (mut rows, mut at) = (Vec::new(), part.start);
    while at < part.end.min(tokens.len()) {
        if let Some(passed) = except.iter().find(|range| range.contains(&at)) {
            at = passed.end;
            continue;
        }
        let pairs = head && tokens[at].text == "(";
        let opens = (pairs || matches!(tokens[at].text, "[" | "{")) && side.source.closes[at] > 0;
        if opens && let Some(found) = table(side, at, head) {
            rows.extend(found);
            at = side.source.behind(at);
        } else {
            at += 1;
        }
    }
    rows
}

/// The rows of the list that opens here, if it is a table.
fn table(side: &Side<'_>, open: usize, head: bool) -> Option<Vec<Row>> {
    let elements = elements(side, open)?;
    let tokens = &side.source.tokens;
    let attribute = open > 0 && matches!(tokens[open - 1].text, "#" | "]") || open == 0;
    let is_row = |element: &&Range<usize>| {
        tokens[(*element).clone()].iter().any(|token| matches!(token.kind, Kind::Number | Kind::Text))
    };
    let nested = |element: &&Range<usize>| {
        let closes = side.source.closes[element.start];
        let named =
            side.part(&(element.start..element.start + 2)).iter().map(|token| token.text).collect::<Vec<_>>();
        // A list, a pair, or the call that makes one.
        closes > 0
            || (named.len() == 2
                && matches!(named[1], "(" | "{")
                && side.source.closes[element.start + 1] > 0)
    };
    let counts = if head && attribute {
        elements.iter().all(|element| ROW_ATTRIBUTES.contains(&tokens[element.start].text))
    } else if head && tokens[open].text != "(" {
        true
    } else {
        elements.len() >= 2 && elements.iter().all(|element| nested(&element))
    };
    let row = |element: &Range<usize>| Row {
        text: side.part(element).iter().map(super::lex::Token::bare).collect::<Vec<_>>().join(" "),
        line: tokens[element.start].line,
    };
    counts.then(|| elements.iter().filter(is_row).map(row).collect())
}

/// The elements of a list; none where it is a block of statements.
fn elements(side: &Side<'_>, open: usize) -> Option<Vec<Range<usize>>> {
    let tokens = &side.source.tokens;
    let close = side.source.closes[open];
    let (mut found, mut from, mut at) = (Vec::new(), open + 1, open + 1);
    while at < close {
        if tokens[at].text == ";" || (tokens[at].first && at > from) {
            return None;
        }
        if tokens[at].text == "," {
            found.push(from..at);
            from = at + 1;
        }
        at = if side.source.closes[at] > 0 { side.source.behind(at) } else { at + 1 };
    }
    if from < close {
        found.push(from..close);
    }
    found.retain(|element| !element.is_empty());
    (!found.is_empty()).then_some(found)
}
