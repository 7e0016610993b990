//! The tests of a source.
//!
//! In: tokens, and how a language declares tests. Out: [`Case`]s, in the order of the text.

use super::language::{Language, Tests};
use super::lex::{Kind, Source, Token, matches};
use std::collections::BTreeMap;
use std::ops::Range;

/// How far the parts of a test's head may lie apart, in tokens: no text makes reading it slow.
const FAR: usize = 2_000;

/// One test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its name or title.
    pub name: String,
    /// Where it begins, one-based.
    pub line: usize,
    /// Its tokens, attributes included.
    pub span: Range<usize>,
    /// The tokens inside its body.
    pub body: Range<usize>,
    /// Whether a runner finds it, as far as its own name and class say.
    pub found: bool,
}

/// Finds the tests of a source.
#[must_use]
pub fn cases(language: &Language, source: &Source<'_>) -> Vec<Case> {
    match language.tests {
        Tests::Attribute(mark, names) => by_attribute(source, mark, names),
        Tests::Indented => indented(source),
        Tests::Call(names) => by_call(source, names),
        Tests::Named(begins) => by_name(source, begins),
        Tests::Patterns(patterns) => by_pattern(source, patterns),
    }
}

fn case(source: &Source<'_>, name: &str, at: usize, span: Range<usize>, body: Range<usize>) -> Case {
    Case { name: name.to_owned(), line: source.tokens[at].line, span, body, found: true }
}

/// The braces behind a place: the first that belong to a function and not to one of its arguments.
fn braces(source: &Source<'_>, from: usize, to: usize) -> Option<Range<usize>> {
    let tokens = &source.tokens;
    let open = (from..to.min(tokens.len()).min(from + FAR)).find(|at| {
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        tokens[*at].text == "{"
            && before.is_some_and(|token| {
                token.kind == Kind::Word || matches!(token.text, "=>" | ")" | ">" | "]" | "?")
            })
    })?;
    Some(open + 1..source.behind(open).saturating_sub(1).max(open + 1))
}

/// Where the item that a token belongs to begins: behind the end of the one before.
fn item_start(tokens: &[Token<'_>], at: usize) -> usize {
    let mut depth = 0_usize;
    for place in (at.saturating_sub(FAR)..at).rev() {
        match tokens[place].text {
            ")" | "]" => depth += 1,
            "(" | "[" => depth = depth.saturating_sub(1),
            ";" | "}" | "{" if depth == 0 => return place + 1,
            _ => {}
        }
    }
    at.saturating_sub(FAR)
}

fn by_attribute(source: &Source<'_>, mark: &'static str, names: &[&str]) -> Vec<Case> {
    let tokens = &source.tokens;
    let mut found: Vec<Case> = Vec::new();
    for at in source.find(mark) {
        let from = at + mark.split(' ').count();
        let Some(last) = path_end(tokens, from).filter(|last| names.contains(&tokens[*last].text)) else {
            continue;
        };
        let start = item_start(tokens, at);
        if found.last().is_some_and(|case| case.span.start == start || case.span.contains(&at)) {
            continue;
        }
        let Some(name) = function_name(source, last + 1) else { continue };
        let Some(body) = braces(source, name + 1, tokens.len()) else { continue };
        let mut one = case(source, tokens[name].text.trim_matches('`'), at, start..body.end + 1, body);
        // Runners of Java and C# pass over those that they may not call.
        one.found = !tokens[start..name].iter().any(|token| token.text == "private");
        found.push(one);
    }
    found
}

/// The last name of a path, such as `tokio :: test` or `org . junit . Test`.
fn path_end(tokens: &[Token<'_>], from: usize) -> Option<usize> {
    let word = |at: usize| tokens.get(at).is_some_and(|token| token.kind == Kind::Word);
    let mut last = Some(from).filter(|from| word(*from))?;
    while tokens.get(last + 1).is_some_and(|token| matches!(token.text, "::" | ".")) && word(last + 2) {
        last += 2;
    }
    Some(last)
}

/// The name of the function behind an attribute: behind `fn` or `fun`, or before its arguments.
fn function_name(source: &Source<'_>, from: usize) -> Option<usize> {
    let tokens = &source.tokens;
    let mut at = from;
    while at < tokens.len().min(from + FAR) {
        match tokens[at].text {
            "fn" | "fun" => return (at + 1 < tokens.len()).then_some(at + 1),
            "(" if at > 0 && tokens[at - 1].kind == Kind::Word && is_attribute(tokens, at - 1) => {
                at = source.behind(at);
            }
            "(" if at > 0 => return (tokens[at - 1].kind == Kind::Word).then_some(at - 1),
            "{" | "}" | ";" => return None,
            _ => at += 1,
        }
    }
    None
}

/// Whether a word before arguments is an attribute's.
fn is_attribute(tokens: &[Token<'_>], word: usize) -> bool {
    let mut at = word;
    while at >= 2 && matches!(tokens[at - 1].text, "." | "::") {
        at -= 2;
    }
    at > 0 && matches!(tokens[at - 1].text, "@" | "[")
}

/// The class that a function stands in: its place, or its name where another of that name takes its place.
type Scope<'t> = Option<(usize, &'t str)>;

fn indented(source: &Source<'_>) -> Vec<Case> {
    let (tokens, starts) = (&source.tokens, &source.statements);
    let mut found: Vec<Case> = Vec::new();
    let mut scopes: BTreeMap<(Scope<'_>, String), usize> = BTreeMap::new();
    // Others have classes of that name as well, and some of those wait.
    let names = |from: usize| {
        source.tokens[from + 3..].iter().take_while(|token| !matches!(token.text, "from" | "class" | "def"))
    };
    let unittest =
        source.find("from unittest import").any(|at| names(at).any(|name| name.text == "TestCase"));
    for (index, &start) in starts.iter().enumerate() {
        let def = start + usize::from(tokens[start].text == "async");
        let Some(name) = tokens.get(def + 1).filter(|_| tokens[def].text == "def") else { continue };
        if !name.text.starts_with("test") {
            continue;
        }
        let indent = tokens[start].indent;
        let end = starts[index + 1..].iter().find(|next| tokens[**next].indent <= indent);
        let end = end.copied().unwrap_or(tokens.len());
        let body = starts.get(index + 1).copied().filter(|body| *body < end).unwrap_or_else(|| {
            // The body stands in the line of its head.
            let arguments = source.behind((def + 2).min(tokens.len() - 1));
            (arguments + 1).min(end)
        });
        let decorated = starts[..index]
            .iter()
            .rev()
            .take_while(|at| tokens[**at].text == "@" && tokens[**at].indent == indent);
        let from = decorated.last().copied().unwrap_or(start);
        let mut one = case(source, name.text, start, from..end, body.min(end)..end);
        let class = starts[..index].iter().rev().find(|at| tokens[**at].indent < indent);
        let head = class.map(|at| &tokens[*at..]);
        let plain = from == start;
        one.found = head.is_none_or(is_test_class)
            && !(plain && yields(source, &one.body, indent))
            && !(plain && def > start && head.is_some_and(|head| never_awaits(head, unittest)));
        // One of the same name in the same class takes the place of the one before, and so does a class of the file.
        let scope = class.map(|at| {
            let named = tokens[*at].text == "class" && tokens[*at].indent == 0;
            if named { (0, tokens.get(at + 1).map_or("", |name| name.text)) } else { (*at, "") }
        });
        let place = (scope, one.name.clone());
        if let Some(index) = scopes.insert(place, found.len()) {
            let before: &mut Case = &mut found[index];
            before.found = false;
        }
        found.push(one);
    }
    found
}

/// Whether a runner looks into a class, by its name or one that it inherits from; into a function it does not.
fn is_test_class(tokens: &[Token<'_>]) -> bool {
    if matches!(tokens[0].text, "def" | "async") {
        return false;
    }
    let head = tokens.iter().take_while(|token| token.text != ":");
    tokens[0].text != "class"
        || head.skip(1).enumerate().any(|(at, token)| {
            if at == 0 { token.text.starts_with("Test") } else { token.text.contains("Test") }
        })
}

/// Whether a class is one whose runner calls its tests and does not wait for what they return.
fn never_awaits(class: &[Token<'_>], unittest: bool) -> bool {
    let head: Vec<&str> = class.iter().map(|token| token.text).take_while(|text| *text != ":").collect();
    let own = unittest && matches!(head[..], ["class", _, "(", "TestCase", ")"]);
    own || matches!(head[..], ["class", _, "(", "unittest", ".", "TestCase", ")"])
}

/// Whether a test only makes a generator, of which nobody asks anything: it yields, and no function inside it.
fn yields(source: &Source<'_>, body: &Range<usize>, indent: usize) -> bool {
    let (tokens, starts) = (&source.tokens, &source.statements);
    let is_def =
        |at: usize| matches!(tokens[at].text, "def" | "async" | "class") && tokens[at].indent > indent;
    let inside = |at: usize| {
        let mut least = usize::MAX;
        let before = starts[..starts.partition_point(|start| *start <= at)].iter().rev();
        let outer = before.take_while(|start| **start >= body.start).filter(|start| {
            let outer = tokens[**start].indent < least;
            least = least.min(tokens[**start].indent);
            outer
        });
        outer.into_iter().any(|start| is_def(*start))
    };
    (body.start..body.end.min(tokens.len())).any(|at| tokens[at].text == "yield" && !inside(at))
}

fn by_call(source: &Source<'_>, names: &[&str]) -> Vec<Case> {
    let tokens = &source.tokens;
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let after_dot = at > 0
            && tokens[at - 1].text == "."
            && tokens.get(at.wrapping_sub(2)).is_none_or(|token| token.text != "Deno");
        if !names.contains(&tokens[at].text) || after_dot {
            continue;
        }
        let mut open = at + 1;
        // `.only`, `.each(table)` and `.each` with a text stand between the word and the title.
        loop {
            let is_call = |place: usize| tokens.get(place).is_some_and(|token| token.text == "(");
            if tokens.get(open).is_some_and(|token| token.text == ".") {
                open += 2;
            } else if (is_call(open) && is_call(source.behind(open)))
                || tokens.get(open).is_some_and(|token| token.kind == Kind::Text)
            {
                open = if is_call(open) { source.behind(open) } else { open + 1 };
            } else {
                break;
            }
        }
        let Some(title) = tokens.get(open + 1).filter(|_| tokens[open].text == "(") else { continue };
        let end = source.behind(open);
        let titled = tokens.get(open + 2).is_some_and(|token| matches!(token.text, "," | ")" | "+"));
        if title.kind == Kind::Mark || !titled || tokens.get(end).is_some_and(|token| token.text == "{") {
            continue;
        }
        let body = braces(source, open + 2, end)
            .filter(|body| body.end <= end)
            .unwrap_or(open + 2..end.saturating_sub(1).max(open + 2));
        found.push(case(source, title.text.trim_matches(['"', '\'', '`']), at, at..end, body));
    }
    found
}

fn by_name(source: &Source<'_>, begins: &[&str]) -> Vec<Case> {
    let tokens = &source.tokens;
    let mut found = Vec::new();
    for at in source.find("func") {
        let mut name = at + 1;
        if tokens.get(name).is_some_and(|token| token.text == "(") {
            name = source.behind(name);
        }
        let Some(token) = tokens.get(name) else { continue };
        let is_test = begins.iter().any(|begin| {
            token.text.strip_prefix(begin).is_some_and(|rest| !rest.starts_with(char::is_lowercase))
        });
        if !is_test {
            continue;
        }
        let Some(body) = braces(source, name + 1, tokens.len()) else { continue };
        found.push(case(source, token.text, at, at..body.end + 1, body));
    }
    found
}

fn by_pattern(source: &Source<'_>, patterns: &[&'static str]) -> Vec<Case> {
    let tokens = &source.tokens;
    let mut starts: Vec<(usize, usize)> = Vec::new();
    for at in 0..tokens.len() {
        let pattern = patterns.iter().find(|pattern| matches(&tokens[at..], pattern));
        if let Some(pattern) = pattern.filter(|_| at == 0 || tokens[at - 1].text != ".") {
            let last = (at + pattern.split(' ').count()).min(tokens.len());
            let name = (at..last).rev().find(|place| tokens[*place].kind != Kind::Mark);
            starts.push((at, name.unwrap_or(at)));
        }
    }
    let ends: Vec<usize> = starts.iter().skip(1).map(|(at, _)| *at).chain([tokens.len()]).collect();
    let one = |((at, name), end): (&(usize, usize), &usize)| {
        case(source, tokens[*name].text.trim_matches(['"', '\'']), *at, *at..*end, (name + 1).min(*end)..*end)
    };
    starts.iter().zip(&ends).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(path: &str, text: &str) -> Vec<String> {
        let language = Language::of(path).unwrap();
        let source = Source::new(text, &language.syntax);
        let told = cases(language, &source).into_iter().map(|case| {
            let words = |range: Range<usize>| {
                source.tokens[range].iter().map(|token| token.text).collect::<Vec<_>>().join(" ")
            };
            format!("{}{}:{} {}", if case.found { "" } else { "!" }, case.name, case.line, words(case.body))
        });
        told.collect()
    }

    #[test]
    fn tests_are_found_in_every_language() {
        assert_eq!(
            of(
                "a.rs",
                "fn x() {}\n#[test]\n#[ignore]\nfn a() { b(1); }\n#[tokio::test(flavor = \"x\")]\nasync fn c() -> Result<()> { d }\n#[derive(Test)]\nstruct E {}\n"
            ),
            ["a:2 b ( 1 ) ;", "c:5 d"]
        );
        assert_eq!(
            of(
                "a.py",
                "class TestA:\n    @mark.x(1)\n    def test_a(self):\n        b()\n\nclass Helper:\n    async def test_c(self): d()\n\ndef other():\n    pass\n"
            ),
            ["test_a:3 b ( )", "!test_c:7 d ( )"]
        );
        assert_eq!(
            of(
                "a.ts",
                "describe('x', () => {\n  it('a', async () => { b(); });\n  it.each([1])('c', (n) => { d(n) });\n  test.only(`e`, f);\n  /x/.test('no');\n  test('g', { timeout: 5 }, () => { h })\n});"
            ),
            ["a:2 b ( ) ;", "c:3 d ( n )", "e:4 , f", "g:6 h"]
        );
        assert_eq!(
            of(
                "a_test.go",
                "func TestA(t *testing.T) { b() }\nfunc Testing() {}\nfunc (s *Suite) TestC() { d() }\n"
            ),
            ["TestA:1 b ( )", "TestC:3 d ( )"]
        );
        assert_eq!(
            of(
                "A.java",
                "class A {\n  @Test\n  @DisplayName(\"x\")\n  void a() throws E { b(); }\n  @org.junit.Test(expected = X.class) public void c() { }\n}"
            ),
            ["a:2 b ( ) ;", "c:5 "]
        );
        assert_eq!(of("a.kt", "@Test\nfun `it works`() { b() }"), ["it works:1 b ( )"]);
        assert_eq!(of("a.cs", "[Fact]\npublic async Task A() { b(); }"), ["A:1 b ( ) ;"]);
        assert_eq!(
            of("a_spec.rb", "it 'a' do\n b\nend\nit \"c\" do\n d\nend"),
            ["a:1 do b end", "c:4 do d end"]
        );
        assert_eq!(of("a.cc", "TEST(A, b) { c(); }"), ["b:1 ) { c ( ) ; }"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(
            text in "(\\PC|#\\[test\\]|@Test|fn a|def test_x|async|func TestX|it|'t'|[(){}\\[\\];:@,.\n ]){0,50}",
        ) {
            for path in ["a.rs", "a.py", "a.ts", "a_test.go", "A.java", "a.cs", "a.rb", "a.cc"] {
                let language = Language::of(path).unwrap();
                let source = Source::new(&text, &language.syntax);
                for case in cases(language, &source) {
                    prop_assert!(case.span.end <= source.tokens.len() + 1);
                    prop_assert!(case.body.start <= case.body.end && case.body.end <= source.tokens.len());
                }
            }
        }
    }
}
