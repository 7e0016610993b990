//! YAML as records, with every scalar as it was written.
//!
//! Invariant: an id such as `5.10` or `1e5` stays that text and is never read as a number; nesting,
//! aliases and sizes are bounded by the parser's budget.

use super::fields::Record;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_yaml::Spanned;
use serde_yaml::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use std::fmt;

/// Levels of lists and maps: twice what a roadmap needs. Each costs tens of kilobytes of stack in a
/// debug build, so the parser's own limit would overflow a thread's.
const MAX_DEPTH: usize = 20;

/// Why a text is not YAML: the line in it, where known, and the fact.
#[derive(Debug)]
pub(super) struct YamlError {
    /// One-based line in the text that was given.
    pub(super) line: Option<usize>,
    /// The fact.
    pub(super) fact: String,
}

/// Reads one document; null for an empty one.
pub(super) fn parse(text: &str) -> Result<Value, YamlError> {
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! { max_depth: MAX_DEPTH, max_nodes: 2_000_000, max_events: 6_000_000, max_aliases: 1_000, max_documents: 1 },
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    match serde_yaml::from_str_with_options::<Spanned<Node>>(text, options) {
        Ok(node) => Ok(value(node, text)),
        Err(error) => {
            let line =
                error.location().and_then(|at| usize::try_from(at.line()).ok()).filter(|line| *line > 0);
            let fact = super::text::one_line(&error.without_snippet().to_string(), 200);
            Err(YamlError { line, fact: format!("not valid YAML: {fact}") })
        }
    }
}

/// A parsed node; what was not a quoted text is taken from the source again.
enum Node {
    Null,
    Text(String),
    Plain,
    List(Vec<Spanned<Node>>),
    Map(Vec<(String, Spanned<Node>)>),
}

fn value(node: Spanned<Node>, source: &str) -> Value {
    match node.value {
        Node::Null => Value::Null,
        Node::Text(text) => Value::String(text),
        Node::Plain => {
            let span = node.defined.span();
            let range = span.byte_offset().zip(span.byte_len()).and_then(|(start, len)| {
                let start = usize::try_from(start).ok()?;
                Some(start..start.checked_add(usize::try_from(len).ok()?)?)
            });
            let text = range.and_then(|range| source.get(range)).unwrap_or_default();
            Value::String(text.trim().to_owned())
        }
        Node::List(nodes) => Value::Array(nodes.into_iter().map(|node| value(node, source)).collect()),
        Node::Map(entries) => {
            let record: Record = entries.into_iter().map(|(key, node)| (key, value(node, source))).collect();
            Value::Object(record)
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(text))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Plain)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Plain)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Plain)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Node, E> {
        Ok(Node::Plain)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Node, E> {
        Ok(Node::Plain)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Plain)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = access.next_element()? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scalars_stay_as_they_were_written() {
        let text = "id: 5.10\nbig: 1e5\nhex: 0x1F\nyes: yes\nflag: true\nn: 007\ninf: .inf\nnone: null\nempty:\nq: '5.10'\nl: [1.0, é, 2.00]\n";
        let expected = json!({"id": "5.10", "big": "1e5", "hex": "0x1F", "yes": "yes", "flag": "true", "n": "007",
            "inf": ".inf", "none": null, "empty": null, "q": "5.10", "l": ["1.0", "é", "2.00"]});
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn folded_and_quoted_texts_over_several_lines_are_one() {
        let text = "a: >\n  one\n  two\nb: 'x\n  y'\nc: |\n  l1\n  l2\nd: &x 1.50\ne: *x\n";
        assert_eq!(
            parse(text).unwrap(),
            json!({"a": "one two\n", "b": "x y", "c": "l1\nl2\n", "d": "1.50", "e": "1.50"})
        );
    }

    #[test]
    fn a_bomb_of_aliases_or_nesting_is_an_error() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for n in 1..12 {
            let refs = vec![format!("*a{}", n - 1); 10].join(", ");
            bomb.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
        }
        assert!(parse(&bomb).is_err());
        assert!(parse(&"[".repeat(100_000)).is_err());
        for depth in [21, 64, 100_000] {
            assert!(parse(&"- ".repeat(depth)).is_err(), "{depth}");
        }
        let indented: String = (0..300).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
        assert!(parse(&indented).is_err());
        assert!(parse(&format!("{}{}", "[".repeat(18), "]".repeat(18))).is_ok());
    }

    #[test]
    fn an_error_names_its_line() {
        let error = parse("a: 1\nb: [\nc: }\n").unwrap_err();
        assert!(error.line.is_some_and(|line| line >= 2), "{error:?}");
        assert!(error.fact.starts_with("not valid YAML: "), "{error:?}");
    }
}
