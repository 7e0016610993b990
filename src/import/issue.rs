//! The text of an issue: what it says about itself, and how sure that is.
//!
//! In: title, labels and body as people write them. Out: [`Found`]. Metadata that is written as such
//! (`**Complexity:** 5`, a form's `### Complexity` with its answer below) is trusted; so are lines such as
//! `Priority: high` where there are two of them, as one alone may be chance. Without such the text is read by rules,
//! and the more it says the surer it is. Code says nothing about its issue, and what is not understood stays text.
//!
//! Thresholds: from [`QUEUED`] on a task may run, from [`PROPOSED`] on a person has to approve it, below
//! it has to be described first.

use super::fields::{joined, scalar};
use super::markdown::{checkbox, heading, sections};
use super::references::{leading_references, references};
use super::text::{items, paths_in, safe_path};
use super::words;
use crate::state::task::{Estimate, Kind};

/// From here on a task may run.
pub(super) const QUEUED: u32 = 60;
/// From here on a person has to approve it.
pub(super) const PROPOSED: u32 = 30;
/// How sure metadata is that is written as such.
const FORMATTED: u32 = 95;
/// The surest that rules can be.
const RULES_MOST: u32 = 90;
/// Words in a body that says something.
const WORDS_FEW: usize = 12;
/// Words in a body that explains itself.
const WORDS_MANY: usize = 60;

/// What an issue says about itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Found {
    /// What sort of work it is.
    pub(super) kind: Option<Kind>,
    /// 1..=10.
    pub(super) complexity: Option<String>,
    /// A word or a number.
    pub(super) priority: Option<String>,
    /// Issues that it waits for: `#7` or `owner/name#7`.
    pub(super) depends_on: Vec<String>,
    /// The issue that it is a part of.
    pub(super) parent: Option<String>,
    /// Labels beside the forge's own.
    pub(super) labels: Vec<String>,
    /// Globs.
    pub(super) files: Vec<String>,
    /// What "done" means.
    pub(super) acceptance: Vec<String>,
    /// How big it is thought to be.
    pub(super) estimate: Option<Estimate>,
    /// Everything else of the body.
    pub(super) description: String,
    /// How sure all of this is, in hundredths.
    pub(super) confidence: u32,
}

/// The metadata that an issue can have, by every name that was seen for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Kind,
    Complexity,
    Priority,
    DependsOn,
    Parent,
    Labels,
    Files,
    Acceptance,
    Tokens,
    Tests,
    Docs,
}

fn key(name: &str) -> Option<Key> {
    let key = match words::plain(name.trim_matches(['*', '_', '`', ' ', ':'])).as_str() {
        "kind" | "type" | "category" | "issue_type" => Key::Kind,
        "complexity" | "difficulty" | "size" | "effort" => Key::Complexity,
        "priority" | "severity" | "urgency" => Key::Priority,
        "depends_on" | "depends" | "dependencies" | "dependency" | "blocked_by" | "requires" | "needs" => {
            Key::DependsOn
        }
        "parent" | "epic" | "part_of" => Key::Parent,
        "labels" | "label" | "tags" | "areas" | "area" => Key::Labels,
        "files" | "scope" | "paths" | "affected_files" | "files_to_change" | "estimated_files" => Key::Files,
        "acceptance" | "acceptance_criteria" | "definition_of_done" | "done_when" | "criteria" => {
            Key::Acceptance
        }
        "estimated_context" | "estimated_tokens" | "estimate" | "context" | "tokens" => Key::Tokens,
        "tests" | "test_needs" | "testing" => Key::Tests,
        "docs" | "documentation" => Key::Docs,
        _ => return None,
    };
    Some(key)
}

/// Reads an issue.
pub(super) fn read(title: &str, labels: &[String], body: &str) -> Found {
    let mut found = Found::default();
    let mut formatted = Formatted::default();
    let mut rest: Vec<(String, String)> = Vec::new();
    for part in parts(body) {
        let answer = part.text.trim();
        match key(&part.heading).filter(|_| !part.heading.is_empty()) {
            Some(Key::Acceptance) => found.acceptance.extend(items(answer)),
            // A form's heading has one short answer below it; a chapter of prose does not.
            Some(key) if answer.lines().count() <= 20 && found.take(key, answer) => {
                formatted.values += 1;
                formatted.is_marked |= key == Key::Complexity && answer.lines().count() == 1;
            }
            _ => {
                let lines = found.take_lines(&part.text, &mut formatted);
                rest.push((part.heading, lines));
            }
        }
    }
    let texts: Vec<(&str, &str)> =
        rest.iter().map(|(heading, text)| (heading.as_str(), text.as_str())).collect();
    found.description = joined(&texts);
    found.by_rules(title, labels, formatted);
    found
}

/// How much of an issue is written as metadata.
#[derive(Debug, Clone, Copy, Default)]
struct Formatted {
    values: u32,
    /// Whether one says how complex it is, and cannot be chance: in bold letters, in a table, the answer in a form.
    is_marked: bool,
}

/// A part of a body: a heading of level 2 or 3, and what stands below it.
struct Part {
    heading: String,
    text: String,
}

fn parts(body: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for section in sections(body, 2) {
        let text = section.lines.join("\n");
        for (number, part) in sections(&text, 3).into_iter().enumerate() {
            let heading = if number == 0 { section.heading } else { part.heading };
            if !heading.is_empty() || part.lines.iter().any(|line| !line.trim().is_empty()) {
                parts.push(Part { heading: heading.to_owned(), text: part.lines.join("\n") });
            }
        }
    }
    parts
}

impl Found {
    /// Takes lines such as `**Priority:** high` and `- Depends on: #7` out of a text.
    fn take_lines(&mut self, text: &str, formatted: &mut Formatted) -> String {
        let mut kept = Vec::new();
        let mut fence: Option<&str> = None;
        for line in text.lines() {
            let mark = ["```", "~~~"].into_iter().find(|mark| line.trim_start().starts_with(mark));
            if let Some(mark) = mark.filter(|mark| fence.is_none_or(|open| open == *mark)) {
                fence = if fence.is_none() { Some(mark) } else { None };
            }
            let pair = pair(line).filter(|_| fence.is_none());
            match pair.and_then(|(name, value)| Some((name, key(name)?, value))) {
                Some((name, key, value)) if self.take(key, value) => {
                    formatted.values += 1;
                    let marked = name.starts_with(['*', '_']) || line.trim().starts_with('|');
                    formatted.is_marked |= marked && key == Key::Complexity;
                }
                _ => kept.push(line),
            }
        }
        kept.join("\n")
    }

    /// Takes one value; whether it could be understood.
    fn take(&mut self, key: Key, value: &str) -> bool {
        let value = value.trim();
        // What forms write where nothing was chosen; no documents at all are an answer.
        let nothing = matches!(value, "_No response_" | "N/A" | "-")
            || (key != Key::Docs && matches!(value, "None" | "none"));
        if value.is_empty() || nothing {
            return false;
        }
        let one_line = value.lines().count() == 1;
        match key {
            Key::Kind => {
                let kind = words::kind(value);
                self.kind = kind.or(self.kind);
                return kind.is_some();
            }
            Key::Complexity if one_line && words::complexity(&first_word(value)).is_some() => {
                self.complexity = Some(first_word(value));
            }
            Key::Priority if one_line && is_priority(&first_word(value)) => {
                self.priority = Some(first_word(value));
            }
            Key::DependsOn => {
                let numbers = references(value);
                self.depends_on.extend(numbers.iter().cloned());
                return !numbers.is_empty();
            }
            Key::Parent => {
                let parent = references(value).into_iter().next();
                self.parent.clone_from(&parent);
                return parent.is_some();
            }
            Key::Labels => self.labels.extend(list(value)),
            Key::Files => return self.take_files(value),
            Key::Acceptance => self.acceptance.extend(items(value)),
            Key::Tokens => return self.take_tokens(value),
            Key::Tests => {
                let word = level(value, &["low", "medium", "high"]);
                self.sized().tests.clone_from(&word);
                return word.is_some();
            }
            Key::Docs => {
                let word = level(value, &["none", "light", "medium", "heavy"]);
                self.sized().docs.clone_from(&word);
                return word.is_some();
            }
            Key::Complexity | Key::Priority => return false,
        }
        true
    }

    fn sized(&mut self) -> &mut Estimate {
        self.estimate.get_or_insert(Estimate {
            files: None,
            tests: None,
            docs: None,
            tokens: None,
            confidence: None,
        })
    }

    fn take_files(&mut self, value: &str) -> bool {
        if let Ok(count) = value.parse::<u32>() {
            self.sized().files = Some(count.clamp(1, 10_000)).filter(|_| count > 0);
            return count > 0;
        }
        let before = self.files.len();
        self.files.extend(list(value).iter().filter_map(|path| safe_path(path.trim_matches('`'))));
        self.files.len() > before
    }

    fn take_tokens(&mut self, value: &str) -> bool {
        let digits: String =
            value.chars().take_while(|c| c.is_ascii_digit() || matches!(c, ',' | '_' | '.')).collect();
        let number = digits.replace([',', '_'], "").parse::<f64>().ok();
        let thousands = value[digits.len()..].trim_start().starts_with(['k', 'K']);
        let tokens = number.map(|number| if thousands { number * 1_000.0 } else { number });
        let tokens = tokens.filter(|tokens| (1_000.0..=100_000_000.0).contains(tokens));
        let tokens = tokens.and_then(|tokens| format!("{tokens:.0}").parse().ok());
        if tokens.is_some() {
            self.sized().tokens = tokens;
        }
        tokens.is_some()
    }

    /// What the text says without saying it as metadata, and how sure all of it is.
    fn by_rules(&mut self, title: &str, labels: &[String], formatted: Formatted) {
        if self.kind.is_none() {
            self.kind = labels.iter().find_map(|label| kind_of_label(label)).or_else(|| kind_of_title(title));
        }
        if self.priority.is_none() {
            self.priority = labels.iter().find_map(|label| priority_of_label(label));
        }
        let lines: Vec<&str> = self.description.lines().collect();
        if self.acceptance.is_empty() {
            self.acceptance =
                lines.iter().filter_map(|line| checkbox(line)).map(|(_, text)| text.to_owned()).collect();
        }
        for line in &lines {
            if let Some(rest) = after_any(line, &["depends on", "blocked by", "requires", "needs"]) {
                self.depends_on.extend(leading_references(rest));
            }
        }
        if self.files.is_empty() {
            self.files = paths_in(&self.description);
            self.files.truncate(20);
        }
        for list in [&mut self.depends_on, &mut self.files, &mut self.labels] {
            list.sort();
            list.dedup();
        }
        self.confidence = match formatted.values {
            0 => self.sureness(),
            1 if !formatted.is_marked => self.sureness(),
            values => FORMATTED + values.clamp(2, 7) - 2,
        };
    }

    /// The more an issue says, the surer it is what it wants.
    fn sureness(&self) -> u32 {
        let words = self.description.split_whitespace().count();
        let lower = self.description.to_lowercase();
        let tells = ["expected", "actual", "steps to reproduce", "should ", "must "]
            .iter()
            .any(|w| lower.contains(w));
        let points = [
            (true, 10),
            (words >= WORDS_FEW, 25),
            (words >= WORDS_MANY, 10),
            (!self.acceptance.is_empty(), 25),
            (self.kind.is_some(), 10),
            (!self.files.is_empty() || lower.contains('`'), 10),
            (tells, 10),
        ];
        points.iter().filter(|(holds, _)| *holds).map(|(_, points)| points).sum::<u32>().min(RULES_MOST)
    }
}

/// `name: value`, bold or not, in a list or not, in a table or not.
fn pair(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let line = ["- ", "* "].iter().find_map(|mark| line.strip_prefix(mark)).unwrap_or(line).trim();
    if let Some(row) = line.strip_prefix('|') {
        let (name, rest) = row.split_once('|')?;
        return Some((name.trim(), rest.trim().trim_end_matches('|').trim()));
    }
    if heading(line).is_some() {
        return None;
    }
    let (name, value) = line.split_once(':')?;
    let is_short = name.split_whitespace().count() <= 3 && name.len() <= 40;
    is_short.then(|| (name, value.trim_start_matches(['*', '_']).trim()))
}

fn after_any<'l>(line: &'l str, beginnings: &[&str]) -> Option<&'l str> {
    let line = line.trim_start_matches(['-', '*', ' ', '_']);
    let begins = |word: &&&str| line.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    beginnings.iter().find(begins).and_then(|word| line.get(word.len()..))
}

fn list(value: &str) -> Vec<String> {
    let lines: Vec<String> = if value.contains('\n') {
        items(value)
    } else {
        value.split(',').map(|word| word.trim().trim_matches('`').to_owned()).collect()
    };
    lines.into_iter().filter(|word| !word.is_empty()).collect()
}

/// Whether a word says how urgent something is.
fn is_priority(word: &str) -> bool {
    words::priority(word).is_some() || word.parse::<i64>().is_ok()
}

fn level(value: &str, words: &[&str]) -> Option<String> {
    let word = first_word(value).to_lowercase();
    words.iter().find(|known| **known == word).map(|word| (*word).to_owned())
}

/// `5/10` is 5, `high (breaks login)` is high.
fn first_word(value: &str) -> String {
    let value = value.trim_matches(['*', '`', '_', ' ']);
    value
        .split(|c: char| c.is_whitespace() || matches!(c, '/' | '(' | ','))
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn kind_of_label(label: &str) -> Option<Kind> {
    let name = label.rsplit([':', '/']).next().unwrap_or(label);
    words::kind(name)
}

fn kind_of_title(title: &str) -> Option<Kind> {
    let lower = title.to_lowercase();
    let begins = lower.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let prefixed = lower.contains(':') || lower.starts_with('[');
    let kind = words::kind(begins).filter(|_| prefixed);
    kind.or(match begins {
        "fix" | "crash" | "panic" => Some(Kind::Bug),
        "add" | "support" | "implement" | "allow" => Some(Kind::Feature),
        "document" => Some(Kind::Docs),
        "refactor" | "simplify" | "extract" => Some(Kind::Refactor),
        "bump" | "upgrade" | "update" => Some(Kind::Chore),
        _ => None,
    })
}

/// `priority: high`, `P1`, `prio/2`.
fn priority_of_label(label: &str) -> Option<String> {
    let lower = label.to_lowercase();
    let (name, value) = lower.rsplit_once([':', '/']).unwrap_or(("", &lower));
    let says_so = name.trim().starts_with("prio") || name.trim() == "severity";
    let short = lower.len() == 2 && lower.starts_with('p');
    let plain = matches!(lower.as_str(), "critical" | "urgent" | "blocker");
    (says_so || short || plain).then(|| value.trim().to_owned())
}

/// The name of a label, whatever its shape.
pub(super) fn label(value: &serde_json::Value) -> Option<String> {
    let named = ["name", "title"].iter().find_map(|key| value.get(key).and_then(scalar));
    named.or_else(|| scalar(value)).map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn metadata_that_is_written_as_such_is_trusted() {
        let body = "Requests are not limited.\n\n## Metadata\n\n- **Type:** bug\n- **Complexity:** 7/10\n\
            - Priority: high\n- Depends on: #12, acme/web#3\n- Files: `src/api/mod.rs`, `src/limit.rs`\n\
            - Estimated context: 46,800\n- Tests: high\n\n## Acceptance criteria\n\n- [ ] 101 get a 429\n- [x] docs\n";
        let found = read("Limit", &[], body);
        assert_eq!(found.kind, Some(Kind::Bug));
        assert_eq!((found.complexity.as_deref(), found.priority.as_deref()), (Some("7"), Some("high")));
        assert_eq!(found.depends_on, ["#12", "acme/web#3"]);
        assert_eq!(found.files, ["src/api/mod.rs", "src/limit.rs"]);
        assert_eq!(found.acceptance, ["101 get a 429", "docs"]);
        let estimate = found.estimate.unwrap();
        assert_eq!((estimate.tokens, estimate.tests.as_deref()), (Some(46_800), Some("high")));
        assert!(found.confidence >= FORMATTED && found.confidence <= 100, "{}", found.confidence);
        assert_eq!(found.description, "Requests are not limited.");
    }

    #[test]
    fn no_documents_are_an_answer() {
        let found = read("x", &[], "**Complexity:** 2\n**Docs:** none\n**Files:** None\n");
        assert_eq!(found.estimate.and_then(|estimate| estimate.docs).as_deref(), Some("none"));
        assert_eq!((found.description.as_str(), found.files.len()), ("**Files:** None", 0));
    }

    #[test]
    fn the_answers_of_an_issue_form_are_metadata() {
        let body = "### Type\n\nfeature\n\n### Complexity\n\n3\n\n### Depends on\n\n_No response_\n\n### What\n\nDo it.\n";
        let found = read("x", &[], body);
        assert_eq!((found.kind, found.complexity.as_deref()), (Some(Kind::Feature), Some("3")));
        assert!(found.depends_on.is_empty());
        assert!(found.confidence >= FORMATTED);
        assert!(found.description.contains("Do it."));
    }

    #[test]
    fn the_more_the_text_says_the_surer_it_is() {
        let empty = read("broken", &[], "");
        assert!(empty.confidence < PROPOSED, "{}", empty.confidence);
        let some =
            "When I open the settings on a phone the page jumps to the top and nothing is saved at all.";
        let some = read("broken", &[], some);
        assert!((PROPOSED..QUEUED).contains(&some.confidence), "{}", some.confidence);
        let full = "Opening `src/ui/settings.ts` on a phone makes the page jump.\n\nSteps to reproduce: open it.\n\
            Expected: it stays where it is and everything is saved.\n\n- [ ] stays\n- [ ] saves\n\nDepends on #4.";
        let full = read("Settings jump", &labels(&["type: bug", "priority: P1"]), full);
        assert!((QUEUED..FORMATTED).contains(&full.confidence), "{}", full.confidence);
        assert_eq!((full.kind, full.priority.as_deref()), (Some(Kind::Bug), Some("p1")));
        assert_eq!(full.depends_on, ["#4"]);
        assert_eq!(full.acceptance, ["stays", "saves"]);
        assert_eq!(full.files, ["src/ui/settings.ts"]);
    }

    #[test]
    fn prose_with_a_colon_is_not_metadata() {
        let found = read("x", &[], "I tried this: it broke.\nThe parent: nobody knows.\nneeds more coffee\n");
        assert!(found.confidence < QUEUED);
        assert_eq!((found.parent, found.depends_on.len()), (None, 0));
    }

    #[test]
    fn one_line_of_metadata_is_trusted_where_it_cannot_be_chance() {
        let prose = "Please add a limit of 100 requests a minute to the public API so that one client cannot take it.";
        for (line, is_trusted) in [
            ("**Complexity:** 5", true),
            ("- **Complexity:** 5", true),
            ("| Complexity | 5 |", true),
            ("### Complexity\n\n5\n\n### What", true),
            ("Complexity: 5", false),
            ("- Complexity: 5", false),
        ] {
            let found = read("Limit", &[], &format!("{line}\n\n{prose}"));
            assert_eq!(found.complexity.as_deref(), Some("5"), "{line}");
            assert_eq!(found.confidence >= FORMATTED, is_trusted, "{line}: {}", found.confidence);
        }
    }

    #[test]
    fn what_is_not_understood_or_is_code_stays_text() {
        let code = "```\n**Complexity:** 9\n```\nPlease do it.";
        let found = read("x", &[], code);
        assert_eq!((found.complexity, found.description.as_str()), (None, code));
        for line in ["**Difficulty:** unheard of", "**Files:** 0", "**Priority:** mine", "**Kind:** nonsense"]
        {
            let found = read("x", &[], line);
            assert_eq!(found.description, line);
            assert!(found.confidence < QUEUED, "{line}");
        }
        assert_eq!(read("x", &[], "**Difficulty:** hard").complexity.as_deref(), Some("hard"));
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(title in "\\PC{0,40}", body in "(\\PC|\n|#|\\*|:|\\|| ){0,400}") {
            let found = read(&title, std::slice::from_ref(&title), &body);
            prop_assert!(found.confidence <= 100);
        }
    }
}
