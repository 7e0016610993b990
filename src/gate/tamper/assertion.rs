//! What tests assert, and how much it asks for.
//!
//! In: the tokens of a test, and what asserts in its language. Out: [`Assertion`]s; those that are
//! never reached are not among them.

use super::case::Case;
use super::dead::dead_blocks;
use super::empty::cannot_fail;
use super::language::{Asks, Assert, How, JAVA, Language, RUST};
use super::lex::{Kind, Source, Token, matches};
use super::reach::reached;
use std::ops::Range;

/// How far the parts of an assertion may lie apart, in tokens: no text makes reading it slow.
const FAR: usize = 2_000;

/// One assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion<'t> {
    /// Its line, one-based.
    pub line: usize,
    /// Where it stands among the tokens.
    pub span: Range<usize>,
    /// Its tokens, without messages.
    pub tokens: Vec<&'t str>,
    /// The places of numbers among them.
    pub numbers: Vec<usize>,
    /// Numbers and texts among them.
    pub literals: Vec<&'t str>,
    /// How much it asks for.
    pub asks: Asks,
    /// Whether it calls something of the project's own that asserts.
    pub custom: bool,
    /// Whether it asks that something is not so.
    pub negated: bool,
    /// How many ways to hold it has beside the first: alternatives, or what else has to be so before it fails.
    pub ways: usize,
}

/// Words that make an assertion out of its opposite.
const NEGATORS: [&str; 15] = [
    "!",
    "not",
    "!=",
    "!==",
    "assert_ne",
    "assertFalse",
    "assertIsNotNone",
    "assertNotEqual",
    "assertNotEquals",
    "assertNotIn",
    "isFalse",
    "NotEqual",
    "False",
    "notEqual",
    "refute",
];
/// What compares for one value.
const SAME: [&str; 7] = ["==", "===", "equals", "Equal", "DeepEqual", "=", "eq"];
/// What compares for less.
const BOUNDS: [&str; 25] = [
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "<",
    ">",
    "<=",
    ">=",
    "!=",
    "!==",
    "in",
    "contains",
    "Contains",
    "starts_with",
    "startswith",
    "ends_with",
    "startsWith",
    "includes",
    "has",
    "approx",
    "isclose",
    "matches",
    "match",
    "is",
];
/// What asks for nothing in a value, which is one value.
pub const EMPTY: [&str; 6] = ["is_empty", "isEmpty", "is_none", "Empty", "Zero", "toBeUndefined"];
/// Constants that are values, as literals are.
pub const VALUES: [&str; 8] = ["true", "false", "True", "False", "None", "null", "nil", "undefined"];
/// What equals everything.
const ANYTHING: [&str; 5] = ["ANY", "anything", "objectContaining", "any", "stringMatching"];

/// The assertions in a part of a source that can be reached: in a test, or beside the tests.
#[must_use]
pub fn assertions<'t>(
    language: &Language,
    source: &Source<'t>,
    part: &Range<usize>,
    case: Option<&Case>,
    beside: &[Case],
) -> Vec<Assertion<'t>> {
    let end = case.map_or(part.end, |case| reached(language, source, case)).min(source.tokens.len());
    let dead = dead_blocks(language, source, part, case);
    let (mut found, mut at, mut next) = (Vec::new(), part.start, beside.iter().peekable());
    while at < end {
        if let Some(case) = next.next_if(|case| case.span.start <= at) {
            at = at.max(case.span.end);
            continue;
        }
        let form = language.asserts.iter().find(|form| matches(&source.tokens[at..], form.pattern));
        let defines = at > 0
            && matches!(
                source.tokens[at - 1].text,
                "def" | "fn" | "func" | "function" | "macro_rules" | "void" | "!"
            );
        let counts = !defines && form.is_none_or(|form| form.how != How::Command || decides(source, at));
        let Some(form) = form.filter(|_| counts && !dead.iter().any(|block| block.contains(&at))) else {
            at += 1;
            continue;
        };
        let extent = extent(source, at, form.how);
        found.push(assertion(language, source, at, &extent, form));
        at = extent.behind.max(at + 1);
    }
    found
}

/// The tokens of an assertion.
struct Extent {
    /// Arguments, each a range.
    arguments: Vec<Range<usize>>,
    /// Where the next one may begin.
    behind: usize,
}

fn extent(source: &Source<'_>, at: usize, how: How) -> Extent {
    let tokens = &source.tokens;
    match how {
        How::Args(most) => {
            let open = (at..tokens.len()).find(|place| tokens[*place].text == "(").unwrap_or(at);
            let behind = source.behind(open);
            let mut arguments = split(source, open + 1..behind.saturating_sub(1).max(open + 1));
            arguments.truncate(most);
            Extent { arguments, behind }
        }
        How::Words => {
            let behind = line_end(source, at);
            Extent { arguments: std::iter::once(at + 1..behind).collect(), behind }
        }
        How::Line | How::Command => {
            let behind = line_end(source, at);
            let mut arguments = split(source, at + 1..behind);
            // What follows a comma is the message.
            arguments.truncate(if tokens[at].text == "assert" { 1 } else { 3 });
            Extent { arguments, behind }
        }
        How::Chain => {
            let open = (at..tokens.len()).find(|place| tokens[*place].text == "(").unwrap_or(at);
            let mut behind = source.behind(open);
            let mut arguments = split(source, open + 1..behind.saturating_sub(1).max(open + 1));
            while tokens.get(behind).is_some_and(|token| token.text == ".") && behind + 1 < tokens.len() {
                let from = behind + 1;
                behind += 2;
                if tokens.get(behind).is_some_and(|token| token.text == "(") {
                    behind = source.behind(behind);
                }
                arguments.push(from..behind.min(tokens.len()));
            }
            Extent { arguments, behind }
        }
        How::Branch => {
            let condition = condition(source, at);
            Extent { arguments: condition.into_iter().collect(), behind: line_end(source, at) }
        }
    }
}

/// Arguments divided by commas outside of brackets.
fn split(source: &Source<'_>, part: Range<usize>) -> Vec<Range<usize>> {
    let (mut arguments, mut from, mut at) = (Vec::new(), part.start, part.start);
    while at < part.end {
        if source.tokens[at].text == "," {
            arguments.push(from..at);
            from = at + 1;
        }
        at = if source.closes[at] > 0 { source.behind(at) } else { at + 1 };
    }
    if from < part.end {
        arguments.push(from..part.end);
    }
    arguments
}

/// Where the statement that begins here ends: with its line, brackets aside.
#[must_use]
pub fn line_end(source: &Source<'_>, at: usize) -> usize {
    let mut place = at + 1;
    while place < source.tokens.len().min(at + FAR) {
        let token = &source.tokens[place];
        if token.first || matches!(token.text, ";" | "}") {
            return place;
        }
        place = if source.closes[place] > 0 { source.behind(place) } else { place + 1 };
    }
    place.min(source.tokens.len())
}

/// The condition of the block that a token stands in.
fn condition(source: &Source<'_>, at: usize) -> Option<Range<usize>> {
    let tokens = &source.tokens;
    let open = (at.saturating_sub(FAR)..at)
        .rev()
        .find(|place| tokens[*place].text == "{" && source.closes[*place] > at)?;
    let from = (open.saturating_sub(FAR)..open)
        .rev()
        .take_while(|place| !matches!(tokens[*place].text, "{" | "}"))
        .find(|place| tokens[*place].text == "if")?;
    Some(from + 1..open)
}

fn assertion<'t>(
    language: &Language,
    source: &Source<'t>,
    at: usize,
    extent: &Extent,
    form: &Assert,
) -> Assertion<'t> {
    let (tokens, how, asks) = (&source.tokens, form.how, form.asks);
    let custom = form.pattern.ends_with("* (") && tokens[at].text.contains('_');
    let parts: Vec<&[Token<'t>]> = extent.arguments.iter().map(|part| &tokens[part.clone()]).collect();
    let head = std::iter::once(&tokens[at]).filter(|_| how != How::Branch);
    let all: Vec<&Token<'t>> = head.chain(parts.iter().copied().flatten()).collect();
    let literal =
        |token: &&&Token<'t>| matches!(token.kind, Kind::Number | Kind::Text) || VALUES.contains(&token.text);
    let asks = match how {
        _ if !custom && cannot_fail(&parts, how) => Asks::Nothing,
        How::Chain => chained(language, &parts, asks),
        How::Branch if fails_on_one_value(&all) || fails_on_a_bound(&all) => Asks::Part,
        How::Args(_) | How::Line | How::Branch | How::Command | How::Words => match asks {
            Asks::AsGiven => as_given(parts.first().copied().unwrap_or_default()),
            Asks::Nothing | Asks::Something | Asks::Part | Asks::Exactly => asks,
        },
    };
    let typed = [&raw const RUST, &raw const JAVA].iter().any(|one| std::ptr::eq(language, *one));
    let plain = truth(&parts).filter(|_| typed && form.asks == Asks::Exactly && how == How::Args(2));
    let wide = asks == Asks::Exactly && is_wide(&all);
    let asks = if wide { Asks::Part } else { asks };
    let asks = plain.map_or(asks, |(_, given)| as_given(given).min(asks));
    let anything = all.iter().any(|token| ANYTHING.contains(&token.text));
    // The head's own name counts: `assertFalse` is `assertTrue` turned around. A macro's mark turns nothing around.
    let is_macro = |at: usize| {
        at > usize::from(how != How::Branch)
            && all[at].text == "!"
            && all[at - 1].kind == Kind::Word
            && all.get(at + 1).is_some_and(|next| matches!(next.text, "(" | "[" | "{"))
    };
    let negates = |at: &usize| NEGATORS.contains(&all[*at].text) && !is_macro(*at);
    let negations =
        (0..all.len()).filter(negates).count() + usize::from(plain.is_some_and(|(held, _)| !held));
    Assertion {
        line: tokens[at].line,
        span: at..extent.behind.max(at + 1),
        tokens: all.iter().map(|token| token.bare()).collect(),
        numbers: (0..all.len()).filter(|at| all[*at].kind == Kind::Number).collect(),
        literals: all.iter().filter(literal).map(|token| token.bare()).collect(),
        custom,
        asks: if anything { asks.min(Asks::Something) } else { asks },
        negated: how != How::Branch && negations % 2 == 1,
        ways: parts
            .first()
            .filter(|_| how == How::Branch || form.asks == Asks::AsGiven)
            .map_or(0, |part| ways(part, how)),
    }
}

/// What is compared with `true` or `false`, which of both, as if it was asserted or its opposite was.
fn truth<'p, 't>(parts: &[&'p [Token<'t>]]) -> Option<(bool, &'p [Token<'t>])> {
    let [one, other] = parts else { return None };
    let held = |part: &[Token<'_>]| match part {
        [token] if token.text == "true" => Some(true),
        [token] if token.text == "false" => Some(false),
        _ => None,
    };
    held(one).map(|held| (held, *other)).or_else(|| held(other).map(|held| (held, *one)))
}

/// The ways to hold that an expression has beside its first one.
fn ways(part: &[Token<'_>], how: How) -> usize {
    let (mut depth, mut count) = (0_usize, 0);
    for token in part {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            "&&" if depth == 0 && how == How::Branch => count += 1,
            "||" | "or" if depth == 0 && how != How::Branch => count += 1,
            _ => {}
        }
    }
    count
}

/// Whether a branch that fails is taken beyond a bound only.
fn fails_on_a_bound(condition: &[&Token<'_>]) -> bool {
    let has = |all: &[&str]| condition.iter().any(|token| all.contains(&token.text));
    has(&["<", ">", "<=", ">="]) && !has(&["!=", "!==", "==", "===", "!", "||"])
}

/// Whether a branch that fails is taken for one value only: all others pass.
fn fails_on_one_value(condition: &[&Token<'_>]) -> bool {
    let negated = condition.iter().any(|token| NEGATORS.contains(&token.text));
    let one = |two: &[&Token<'_>]| {
        matches!(two[0].text, "==" | "===") && !VALUES.contains(&two[1].text) && two[1].text != "\"\""
    };
    !negated && condition.windows(2).any(one)
}

/// How much an expression asks for.
fn as_given(expression: &[Token<'_>]) -> Asks {
    let has = |list: &[&str]| expression.iter().any(|token| list.contains(&token.text));
    let turned = has(&["!", "not"]);
    let is_value = has(&["is"]) && has(&["None", "True", "False"]);
    if has(&SAME) || !turned && (is_value || has(&EMPTY)) {
        Asks::Exactly
    } else if turned && is_value {
        Asks::Something
    } else if has(&BOUNDS) {
        Asks::Part
    } else {
        Asks::Something
    }
}

/// How much the last matcher of a chain asks for.
fn chained(language: &Language, parts: &[&[Token<'_>]], asks: Asks) -> Asks {
    let names: Vec<&str> =
        parts.iter().skip(1).filter_map(|part| part.first()).map(|token| token.text).collect();
    let turned = names.contains(&"not");
    let most = names.iter().map(|name| {
        if language.exact.contains(name) {
            // That something is not one value asks for little.
            if turned { Asks::Something } else { Asks::Exactly }
        } else if language.weak.contains(name) {
            Asks::Something
        } else if matches!(
            *name,
            "not" | "to" | "be" | "resolves" | "rejects" | "deep" | "have" | "is" | "that"
        ) {
            Asks::Nothing
        } else {
            asks
        }
    });
    // `expect(x)` without a matcher asks for nothing at all.
    most.max().unwrap_or(Asks::Nothing)
}

/// Whether a value is asked for so roughly that another would do: `approx(119, abs=1000)`.
fn is_wide(all: &[&Token<'_>]) -> bool {
    let number = |at: usize| all.get(at).and_then(|token| token.text.replace('_', "").parse::<f64>().ok());
    let after = |name: &str| {
        let at = all.windows(2).position(|two| two[0].text == name && two[1].text == "=");
        at.and_then(|at| number(at + 2))
    };
    let Some(at) = all.windows(2).position(|two| two[0].text == "approx" && two[1].text == "(") else {
        return false;
    };
    let value = number(at + 2).map(f64::abs);
    after("rel").is_some_and(|rel| rel >= 0.2)
        || after("abs").zip(value).is_some_and(|(abs, value)| value > 0.0 && abs >= value * 0.2)
}

/// Whether what a command of a shell says counts: it is no condition, but for one that leads to a failure.
fn decides(source: &Source<'_>, at: usize) -> bool {
    const BEGINS: [&str; 8] = [";", "&&", "||", "{", "then", "do", "else", "|"];
    const GOES_ON: [&str; 8] = ["[", "test", "grep", "diff", "cmp", "echo", "!", "assert"];
    let (tokens, end) = (&source.tokens, line_end(source, at));
    let turned = at > 0 && tokens[at - 1].text == "!" && !tokens[at].first;
    let begin = if turned { at - 1 } else { at };
    let before = begin.checked_sub(1).map_or("", |before| tokens[before].text);
    if tokens[begin].first || BEGINS.contains(&before) {
        let mut and = (at..end).filter(|place| tokens[*place].text == "&&" && place + 1 < end);
        return and.all(|place| GOES_ON.contains(&tokens[place + 1].text));
    }
    let inside =
        tokens[end..].iter().take(60).take_while(|token| !matches!(token.text, "fi" | "else" | "elif"));
    let inside: Vec<&str> = inside.map(|token| token.text).collect();
    matches!(before, "if" | "elif")
        && (inside.windows(2).any(|two| matches!(two[0], "exit" | "return") && two[1] == "1")
            || inside.iter().any(|text| text.starts_with("fail") || *text == "die"))
}

#[cfg(test)]
mod tests {
    use super::super::case::cases;
    use super::*;

    fn asks(path: &str, body: &str) -> Vec<Asks> {
        let language = Language::of(path).unwrap();
        let text = match path.rsplit('.').next() {
            Some("rs") => format!("#[test]\nfn a() {{\n{body}\n}}"),
            Some("py") => format!("def test_a():\n    {}", body.replace('\n', "\n    ")),
            Some("ts") => format!("it('a', () => {{\n{body}\n}});"),
            Some("go") => format!("func TestA(t *testing.T) {{\n{body}\n}}"),
            _ => format!("class A {{ @Test void a() {{\n{body}\n}} }}"),
        };
        let source = Source::new(&text, &language.syntax);
        let case = cases(language, &source).remove(0);
        assertions(language, &source, &case.span.clone(), Some(&case), &[])
            .into_iter()
            .map(|found| found.asks)
            .collect()
    }

    #[test]
    fn assertions_ask_for_much_or_little() {
        use Asks::{Exactly, Nothing, Part, Something};
        assert_eq!(
            asks("a.rs", "assert_eq!(a, 1); assert!(x.is_some()); assert!(a > 1, \"m\"); assert!(a == 1);"),
            [Exactly, Something, Part, Exactly]
        );
        assert_eq!(
            asks(
                "a.py",
                "assert a == 1, 'm'\nassert a\nassert a is not None\nself.assertEqual(a, 1)\nassert a in b"
            ),
            [Exactly, Something, Something, Exactly, Part]
        );
        assert_eq!(
            asks(
                "a.ts",
                "expect(a).toBe(1); expect(a).toBeTruthy(); expect(a).not.toBe(1); expect(a).toContain(1); expect(a); expect(a).to.equal(1); expect(a).toEqual(expect.anything())"
            ),
            [Exactly, Something, Something, Part, Nothing, Exactly, Something]
        );
        assert_eq!(
            asks("a_test.go", "if got != 1 { t.Errorf(\"x\") }\nassert.NotNil(t, a)"),
            [Exactly, Something]
        );
        assert_eq!(
            asks("ATest.java", "assertEquals(1, a); assertThat(a).isNotNull(); assertNotNull(a);"),
            [Exactly, Something, Something]
        );
    }

    #[test]
    fn what_cannot_fail_asks_for_nothing() {
        for (path, body) in [
            ("a.rs", "assert!(true);"),
            ("a.rs", "assert_eq!(a, a);"),
            ("a.rs", "assert!(a == 1 || true);"),
            ("a.py", "assert True"),
            ("a.py", "assert 1 == 1"),
            ("a.py", "assert x == x"),
            ("a.py", "assert ok(x) or True"),
            ("a.ts", "expect(true).toBe(true)"),
            ("a.ts", "expect(a).toEqual(a)"),
            ("a_test.go", "if false { t.Fatal(\"x\") }"),
            ("ATest.java", "assertTrue(true);"),
        ] {
            let found = asks(path, body);
            assert!(found.is_empty() || found == [Asks::Nothing], "{path}: {body}: {found:?}");
        }
    }

    #[test]
    fn what_is_never_reached_does_not_assert() {
        for (path, body) in [
            ("a.rs", "return;\nassert_eq!(a, 1);"),
            ("a.rs", "if false { assert_eq!(a, 1); }"),
            ("a.py", "return\nassert a == 1"),
            ("a.py", "if True:\n    return\nassert a == 1"),
            ("a.py", "if False:\n    assert a == 1"),
            ("a.ts", "if (true) return;\nexpect(a).toBe(1)"),
            ("a.ts", "return;\nexpect(a).toBe(1)"),
            ("a_test.go", "t.Skip()\nif a != 1 { t.Fatal() }"),
            ("ATest.java", "if (true) { return; }\nassertEquals(1, a);"),
        ] {
            assert_eq!(asks(path, body), [], "{path}: {body}");
        }
        assert_eq!(asks("a.py", "if windows:\n    return\nassert a == 1").len(), 1);
        assert_eq!(asks("a.ts", "if (x) return;\nexpect(a).toBe(1)").len(), 1);
    }
}
