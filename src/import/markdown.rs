//! Markdown files as people and tools write them: front matter, sections, checkboxes.

use super::fields::Record;
use super::yaml;
use serde_json::Value;

/// A file with front matter.
#[derive(Debug)]
pub(super) struct Page<'a> {
    /// The front matter.
    pub(super) record: Record,
    /// Everything after it.
    pub(super) body: &'a str,
    /// Why the front matter had to be read line by line, if it had to.
    pub(super) repaired: Option<String>,
}

/// Parts a file into front matter and body; `None` if it has no front matter.
pub(super) fn page(text: &str) -> Option<Page<'_>> {
    let (front, body) = split(text)?;
    match yaml::parse(front) {
        Ok(Value::Object(record)) => Some(Page { record, body, repaired: None }),
        Ok(Value::Null) => Some(Page { record: Record::new(), body, repaired: None }),
        Ok(_) => Some(Page { record: by_lines(front), body, repaired: Some("not a map".to_owned()) }),
        Err(error) => Some(Page { record: by_lines(front), body, repaired: Some(error.fact) }),
    }
}

/// The front matter and the rest; without a closing fence, the front matter ends at the first line
/// that is neither a key, nor a list element, nor indented, nor empty.
fn split(text: &str) -> Option<(&str, &str)> {
    let is_fence = |line: &str| line.trim_end() == "---";
    let mut rest = text.split_inclusive('\n');
    let first = rest.next().filter(|line| is_fence(line))?;
    let mut at = first.len();
    let mut unclosed = None;
    for line in rest {
        if is_fence(line) {
            return Some((&text[first.len()..at], &text[at + line.len()..]));
        }
        if unclosed.is_none() && !may_be_front_matter(line) {
            unclosed = Some(at);
        }
        at += line.len();
    }
    let end = unclosed.unwrap_or(text.len());
    Some((&text[first.len()..end], &text[end..]))
}

fn may_be_front_matter(line: &str) -> bool {
    let trimmed = line.trim_end();
    let is_key = trimmed.split_once(':').is_some_and(|(key, _)| is_key(key));
    trimmed.is_empty() || is_key || trimmed.starts_with(['-', ' ', '\t'])
}

fn is_key(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ');
    (1..=40).contains(&text.len())
        && text.chars().all(legal)
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Front matter that is not quite YAML: `key: value`, `[a, b]`, and `- element` lines.
fn by_lines(front: &str) -> Record {
    let mut record = Record::new();
    let mut last = String::new();
    for line in front.lines() {
        let element = line.trim_start().strip_prefix("- ");
        if let Some(element) = element.filter(|_| !last.is_empty()) {
            let value = Value::String(unquoted(element).to_owned());
            match record.get_mut(&last) {
                Some(Value::Array(values)) => values.push(value),
                Some(slot @ Value::Null) => *slot = Value::Array(vec![value]),
                _ => {}
            }
        } else if let Some((key, value)) = line.split_once(':').filter(|(key, _)| is_key(key)) {
            key.clone_into(&mut last);
            record.insert(last.clone(), plain_value(value.trim()));
        }
    }
    record
}

fn plain_value(text: &str) -> Value {
    if text.is_empty() {
        Value::Null
    } else if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let elements = inner.split(',').map(unquoted).filter(|element| !element.is_empty());
        Value::Array(elements.map(|element| Value::String(element.to_owned())).collect())
    } else {
        Value::String(unquoted(text).to_owned())
    }
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inner = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// A section: its heading's text and level, and the lines below it up to the next such heading.
#[derive(Debug)]
pub(super) struct Section<'a> {
    /// The heading's text; empty for what comes before the first heading.
    pub(super) heading: &'a str,
    /// The lines.
    pub(super) lines: Vec<&'a str>,
}

/// Parts a body at its headings of one level (`## ` is 2), outside fenced code.
pub(super) fn sections(body: &str, level: usize) -> Vec<Section<'_>> {
    let mut sections = vec![Section { heading: "", lines: Vec::new() }];
    let mut fence = Fence::default();
    for line in body.lines() {
        let inside = fence.holds(line);
        match heading(line).filter(|(found, _)| *found == level && !inside) {
            Some((_, text)) => sections.push(Section { heading: text, lines: Vec::new() }),
            None => {
                if let Some(section) = sections.last_mut() {
                    section.lines.push(line);
                }
            }
        }
    }
    sections
}

/// The level and text of a heading line.
pub(super) fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let text = line.get(level..)?.strip_prefix(' ')?;
    (1..=6).contains(&level).then(|| (level, text.trim()))
}

/// Whether lines lie in fenced code.
#[derive(Debug, Default)]
pub(super) struct Fence(Option<char>);

impl Fence {
    /// Takes the next line; whether it is part of fenced code, the fences included.
    pub(super) fn holds(&mut self, line: &str) -> bool {
        let line = line.trim_start();
        let mark =
            ["```", "~~~"].iter().find(|mark| line.starts_with(**mark)).and_then(|mark| mark.chars().next());
        match (self.0, mark) {
            (None, Some(mark)) => self.0 = Some(mark),
            (Some(open), Some(mark)) if open == mark => self.0 = None,
            (None, None) => return false,
            (Some(_), _) => {}
        }
        true
    }
}

/// The text of a checkbox line and whether it is checked.
pub(super) fn checkbox(line: &str) -> Option<(bool, &str)> {
    let line = line.trim();
    let rest = line.strip_prefix("- ").or_else(|| line.strip_prefix("* "))?.trim_start();
    let checked = match rest.get(..3)? {
        "[ ]" => false,
        "[x]" | "[X]" => true,
        _ => return None,
    };
    Some((checked, rest.get(3..)?.trim()))
}

/// What a section demands: its list elements without boxes and `#1` numbers; an indented line goes on.
pub(super) fn demands(lines: &[&str]) -> Vec<String> {
    let without_comments: Vec<&str> = lines.iter().copied().filter(|line| !is_comment(line)).collect();
    let items = super::text::items(&without_comments.join("\n"));
    items.iter().map(|item| without_number(item).to_owned()).filter(|item| !item.is_empty()).collect()
}

/// Whether a line is nothing but an HTML comment, as tools use them for marks.
pub(super) fn is_comment(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("<!--") && line.ends_with("-->")
}

fn without_number(item: &str) -> &str {
    let Some(rest) = item.strip_prefix('#') else { return item };
    let text = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    if text.len() < rest.len() { text.trim_start() } else { item }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn front_matter_is_found_with_any_line_ends_and_without_its_end() {
        for text in ["---\nid: a-1\n---\n# T\n", "---\r\nid: a-1\r\n---\r\n# T\r\n", "---\nid: a-1\n# T\n"] {
            let page = page(text).unwrap();
            assert_eq!(Value::Object(page.record), json!({"id": "a-1"}), "{text:?}");
            assert_eq!(page.body.trim(), "# T", "{text:?}");
            assert_eq!(page.repaired, None);
        }
        assert!(page("# no front matter\n").is_none());
    }

    #[test]
    fn front_matter_that_is_not_quite_yaml_is_read_by_lines() {
        let page = page("---\nid: a-1\nassignee: @someone\ndeps: [a, 'b']\nlabels:\n  - x\n  - \"y\"\n---\n")
            .unwrap();
        let expected = json!({"id": "a-1", "assignee": "@someone", "deps": ["a", "b"], "labels": ["x", "y"]});
        assert_eq!(Value::Object(page.record), expected);
        assert!(page.repaired.is_some());
    }

    #[test]
    fn headings_in_code_are_not_headings() {
        let body = "intro\n## A\n```\n## not\n```\n### sub\n## B\nb";
        let found: Vec<_> = sections(body, 2).iter().map(|s| (s.heading.to_owned(), s.lines.len())).collect();
        assert_eq!(found, [(String::new(), 1), ("A".to_owned(), 4), ("B".to_owned(), 1)]);
    }

    #[test]
    fn demands_lose_boxes_numbers_and_marks() {
        let lines =
            ["<!-- AC:BEGIN -->", "- [x] #1 first", "  and more", "- [ ] second #2", "", "<!-- AC:END -->"];
        assert_eq!(demands(&lines), ["first and more", "second #2"]);
    }
}
