//! Changing keys of TOML text in place.
//!
//! In: valid TOML and the keys to change. Out: the text with those keys changed. Invariant: every
//! comment, every other key and every other byte stays; what is new goes to its canonical place, so
//! that two branches which change different groups change different lines.
//! Not here: whether the result says what was meant; the caller reads it again.

use super::lex::{Kind, tokens};
use super::toml_text::{Value, array, array_line};
use std::collections::HashMap;
use std::ops::Range;

/// Keys that belong together, below a comment line of their own.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// The comment line.
    pub comment: &'static str,
    /// The table that holds the keys; none for the root.
    pub table: Option<&'static str>,
    /// The keys in their order.
    pub keys: &'static [&'static str],
}

/// What is to become of one key.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// The table that holds the key; none for the root.
    pub table: Option<&'static str>,
    /// The key.
    pub key: &'static str,
    /// Its value; none removes it.
    pub value: Option<Value>,
}

impl Edit {
    /// The line that a new key gets.
    #[must_use]
    pub fn line(&self) -> Option<String> {
        Some(format!("{} = {}\n", self.key, self.value.as_ref()?.spell()))
    }
}

/// What a logical line (one that may span many lines of text) holds.
#[derive(Debug, PartialEq)]
enum What {
    Blank,
    Comment,
    Header,
    Pair { key: String, value: Range<usize> },
}

#[derive(Debug)]
struct Line {
    what: What,
    span: Range<usize>,
    comments: Vec<Range<usize>>,
    /// The table that the line is in, or that its header opens; empty for the root.
    table: String,
}

/// Changes keys; `edits` come in the order of `groups`.
#[must_use]
pub fn splice(text: &str, groups: &[Group], edits: &[Edit]) -> String {
    let map = Map { text, lines: lines(text) };
    let mut splices: Vec<(Range<usize>, String)> = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let edits: Vec<&Edit> =
            edits.iter().filter(|edit| edit.table == group.table && group.keys.contains(&edit.key)).collect();
        if group.table.is_some_and(|table| map.header(table).is_none()) {
            splices.extend(map.add_table(group, &edits));
            continue;
        }
        for edit in &edits {
            splices.extend(map.change(&groups[..=index], edit));
        }
        splices.extend(map.drop_table(group, &edits));
    }
    // At one place, the keys of the table above come before the header of a new table.
    splices.sort_by_key(|(span, new)| (span.start, span.end, new.starts_with(['[', '\n'])));
    apply(text, &splices)
}

fn apply(text: &str, splices: &[(Range<usize>, String)]) -> String {
    let crlf = text.lines().next().is_some() && text.split('\n').next().is_some_and(|l| l.ends_with('\r'));
    let mut out = String::with_capacity(text.len() + 256);
    let mut at = 0;
    for (span, new) in splices {
        out.push_str(text.get(at..span.start).unwrap_or_default());
        let inserts_lines = span.is_empty() && !out.is_empty() && !out.ends_with('\n');
        if inserts_lines && out != "\u{feff}" {
            out.push('\n');
        }
        if crlf && !new.contains("\"\"\"") {
            out.push_str(&new.replace('\n', "\r\n"));
        } else {
            out.push_str(new);
        }
        at = at.max(span.end);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

struct Map<'t> {
    text: &'t str,
    lines: Vec<Line>,
}

impl Map<'_> {
    fn header(&self, table: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.what == What::Header && line.table == table)
    }

    fn pair(&self, table: Option<&str>, wanted: &str) -> Option<&Line> {
        let table = table.unwrap_or_default();
        self.lines
            .iter()
            .find(|line| matches!(&line.what, What::Pair { key, .. } if key == wanted) && line.table == table)
    }

    fn comment(&self, text: &str, only_root: bool) -> Option<&Line> {
        self.lines.iter().find(|line| {
            line.what == What::Comment
                && (line.table.is_empty() || !only_root)
                && self.text.get(line.span.clone()).is_some_and(|comment| comment.trim() == text)
        })
    }

    /// The change that an edit makes in a table that is there; its group is the last of `groups`.
    fn change(&self, groups: &[Group], edit: &Edit) -> Option<(Range<usize>, String)> {
        let Some(line) = self.pair(edit.table, edit.key) else {
            let at = self.place(groups, edit);
            return Some((at..at, edit.line()?));
        };
        let What::Pair { value: span, .. } = &line.what else { return None };
        match &edit.value {
            None => Some((line.span.clone(), self.comments_of(line))),
            Some(Value::One(new)) => Some((span.clone(), new.clone())),
            Some(Value::List(elements)) => {
                Some((span.clone(), relist(self.text.get(span.clone())?, elements)))
            }
        }
    }

    /// The comments of a line that goes: they stay, each on a line of its own.
    fn comments_of(&self, line: &Line) -> String {
        line.comments
            .iter()
            .filter_map(|span| self.text.get(span.clone()))
            .flat_map(|comment| [comment, "\n"])
            .collect()
    }

    /// Where the line of a new key goes.
    fn place(&self, groups: &[Group], edit: &Edit) -> usize {
        let Some((group, earlier)) = groups.split_last() else { return 0 };
        let before = group.keys.iter().take_while(|key| **key != edit.key);
        let neighbour = before.filter_map(|key| self.pair(group.table, key)).last();
        let header = || group.table.and_then(|table| self.header(table));
        let comment = || self.comment(group.comment, true).filter(|_| group.table.is_none());
        let any_earlier = || {
            let roots = earlier.iter().filter(|group| group.table.is_none());
            let mut keys = roots.rev().flat_map(|group| group.keys.iter().rev());
            keys.find_map(|key| self.pair(None, key)).or_else(|| self.pair(None, "schema"))
        };
        let after = neighbour.or_else(header).or_else(comment).or_else(any_earlier);
        after.map_or_else(|| self.lines.first().map_or(0, |line| line.span.start), |line| line.span.end)
    }

    /// A table that is not there yet: below its comment line, or with that at the end.
    fn add_table(&self, group: &Group, edits: &[&Edit]) -> Option<(Range<usize>, String)> {
        let keys: String = edits.iter().filter_map(|edit| edit.line()).collect();
        let table = group.table.filter(|_| !keys.is_empty())?;
        let (at, intro) = match self.comment(group.comment, false) {
            Some(line) => (self.last_pair_after(line), String::new()),
            None => (self.text.len(), format!("\n\n{}\n", group.comment)),
        };
        Some((at..at, format!("{intro}[{table}]\n{keys}")))
    }

    /// The end of a line, or of the last pair between it and the next header: a header before those
    /// pairs would take them into its table.
    fn last_pair_after(&self, line: &Line) -> usize {
        let below = self.lines.iter().skip_while(|other| other.span.start <= line.span.start);
        let run = below.take_while(|other| other.what != What::Header);
        let pairs = run.filter(|other| matches!(other.what, What::Pair { .. }));
        pairs.last().unwrap_or(line).span.end
    }

    /// The header of a table that loses its last key.
    fn drop_table(&self, group: &Group, edits: &[&Edit]) -> Option<(Range<usize>, String)> {
        let table = group.table?;
        let stays = |line: &Line| match &line.what {
            What::Pair { key, .. } => !edits.iter().any(|edit| edit.key == key && edit.value.is_none()),
            What::Blank | What::Comment | What::Header => false,
        };
        let mut inside = self.lines.iter().filter(|line| line.table == table);
        if edits.is_empty() || edits.iter().any(|edit| edit.value.is_some()) || inside.any(stays) {
            return None;
        }
        let header = self.header(table)?;
        Some((header.span.clone(), self.comments_of(header)))
    }
}

/// Cuts text into logical lines.
fn lines(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut draft = Draft::default();
    let mut table = String::new();
    let mut end = 0;
    for token in tokens(text) {
        end = token.span.end;
        if draft.push(text, token.kind, &token.span) {
            lines.push(std::mem::take(&mut draft).finish(end, &mut table));
        }
    }
    if draft.start.is_some() {
        lines.push(draft.finish(end, &mut table));
    }
    lines
}

/// A logical line that is not complete.
#[derive(Default)]
struct Draft {
    start: Option<usize>,
    depth: usize,
    /// The names before the `=`, or in the header.
    names: Vec<String>,
    dotted: bool,
    header: Option<usize>,
    equals: bool,
    value: Option<Range<usize>>,
    comments: Vec<Range<usize>>,
}

impl Draft {
    /// Takes one more token; whether it is the last of the line.
    fn push(&mut self, text: &str, kind: Kind, span: &Range<usize>) -> bool {
        let first = self.names.is_empty() && !self.equals && self.header.is_none();
        self.start.get_or_insert(span.start);
        match kind {
            Kind::Newline => return self.depth == 0 || self.header.is_some(),
            Kind::Blank => return false,
            Kind::Comment => {
                self.comments.push(span.clone());
                return false;
            }
            Kind::Mark(b'[') if first => self.header = Some(1),
            Kind::Mark(b'[') if !self.equals => self.header = self.header.map(|n| n + 1),
            Kind::Mark(b'[' | b'{') => self.depth += 1,
            Kind::Mark(b']' | b'}') => self.depth = self.depth.saturating_sub(1),
            Kind::Mark(b'.') if !self.equals => self.dotted = true,
            Kind::Mark(b'=') if !self.equals => {
                self.equals = true;
                return false;
            }
            Kind::Text | Kind::Atom if !self.equals => self.names.push(name(&text[span.clone()])),
            Kind::Mark(_) | Kind::Text | Kind::Atom => {}
        }
        if self.equals {
            let start = self.value.as_ref().map_or(span.start, |value| value.start);
            self.value = Some(start..span.end);
        }
        false
    }

    fn finish(self, end: usize, table: &mut String) -> Line {
        // A name that no key of ours has: with a dot, or in an array of tables.
        let simple =
            self.names.len() == 1 && !self.dotted && self.header.is_none_or(|brackets| brackets == 1);
        let name = if simple { self.names.concat() } else { ".".to_owned() };
        let what = match (self.header, self.value) {
            (Some(_), _) => {
                table.clone_from(&name);
                What::Header
            }
            (None, Some(value)) => What::Pair { key: name, value },
            (None, None) if self.comments.is_empty() => What::Blank,
            (None, None) => What::Comment,
        };
        let span = self.start.unwrap_or(end)..end;
        Line { what, span, comments: self.comments, table: table.clone() }
    }
}

/// A key without its quotes. One with escapes stays as it is: then it is found by nobody.
fn name(text: &str) -> String {
    let inner = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.unwrap_or(text).to_owned()
}

/// One line of an array that has at most one element on each.
struct Row<'t> {
    line: &'t str,
    /// The element and where its spelling ends in the line.
    element: Option<(String, usize)>,
    comma: bool,
    comment: Option<&'t str>,
}

/// The array `old` with other elements: the lines of those that stay, and all comments, are kept.
fn relist(old: &str, wanted: &[String]) -> String {
    let Some((head, rows, tail)) = rows(old) else {
        let comments = tokens(old).filter(|token| token.kind == Kind::Comment);
        let comments: String = comments.flat_map(|token| ["  ", &old[token.span], "\n"]).collect();
        return array(wanted).replacen("[\n", &format!("[\n{comments}"), 1);
    };
    let mut left: HashMap<&str, usize> = HashMap::new();
    for element in wanted {
        *left.entry(element).or_default() += 1;
    }
    let mut out = head.to_owned();
    let mut queue = wanted.iter().map(String::as_str);
    for row in &rows {
        let Some((value, end)) = &row.element else {
            out.push_str(row.line);
            continue;
        };
        let is_left = |left: &HashMap<&str, usize>| left.get(value.as_str()).is_some_and(|&n| n > 0);
        if !is_left(&left) {
            out.extend(row.comment.map(|comment| format!("  {comment}\n")));
            continue;
        }
        for next in queue.by_ref() {
            left.entry(next).and_modify(|n| *n -= 1);
            if next == value {
                break;
            }
            out.push_str(&array_line(next));
        }
        out.push_str(&row.line[..*end]);
        out.push_str(if row.comma { "" } else { "," });
        out.push_str(&row.line[*end..]);
    }
    out.extend(queue.map(array_line));
    out.push_str(tail);
    out
}

/// The first line, the lines between and the last line of an array; none if an element shares its
/// line with another one or with a bracket.
fn rows(array: &str) -> Option<(&str, Vec<Row<'_>>, &str)> {
    let mut rows = vec![Row { line: "", element: None, comma: false, comment: None }];
    let mut start = 0;
    for token in tokens(array) {
        let row = rows.last_mut()?;
        match token.kind {
            Kind::Text if row.element.is_some() || start == 0 => return None,
            Kind::Text => {
                let value = toml::de::DeValue::parse(&array[token.span.clone()]).ok()?;
                row.element = Some((value.get_ref().as_str()?.to_owned(), token.span.end - start));
            }
            Kind::Mark(b',') if row.element.is_none() => return None,
            Kind::Mark(b',') => row.comma = true,
            Kind::Comment => row.comment = Some(&array[token.span]),
            Kind::Newline => {
                row.line = &array[start..token.span.end];
                start = token.span.end;
                rows.push(Row { line: "", element: None, comma: false, comment: None });
            }
            Kind::Blank | Kind::Mark(_) | Kind::Atom => {}
        }
    }
    let tail = rows.pop()?;
    if rows.is_empty() || tail.element.is_some() {
        return None;
    }
    let head = rows.remove(0);
    Some((head.line, rows, &array[start..]))
}

/// Changes keys in text that is written in a way which [`splice`] doesn't know, such as inline
/// tables and dotted keys; comments of what is removed may go.
#[must_use]
pub fn splice_loosely(text: &str, edits: &[Edit]) -> Option<String> {
    let mut document: toml_edit::DocumentMut = text.parse().ok()?;
    for edit in edits {
        let root = document.as_table_mut();
        let table: &mut dyn toml_edit::TableLike = match edit.table {
            None => root,
            Some(_) if edit.value.is_none() && !root.contains_key(edit.table?) => continue,
            Some(name) => root.entry(name).or_insert_with(toml_edit::table).as_table_like_mut()?,
        };
        match &edit.value {
            None => drop(table.remove(edit.key)),
            Some(value) => {
                let mut value: toml_edit::Value = value.spell().parse().ok()?;
                if let Some(old) = table.get(edit.key).and_then(toml_edit::Item::as_value) {
                    *value.decor_mut() = old.decor().clone();
                }
                table.insert(edit.key, toml_edit::Item::Value(value));
            }
        }
    }
    Some(document.to_string())
}
