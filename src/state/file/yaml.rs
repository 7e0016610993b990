//! Reading YAML: one mapping of texts and lists of texts.
//!
//! In: a path, bytes and the keys of a shape. Out: [`Fields`]. Invariant: a scalar is taken as it is
//! written (`no` is the text `no`), duplicate and merge keys are refused, and aliases, depth and
//! size are bounded, so that no file costs more than its size suggests.

use super::super::problem::{Problem, Severity, nearest};
use super::text::{clean, text_of};
use super::{Read, SCHEMA};
use jiff::Timestamp;
use serde::de::{Deserialize, DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_yaml::{DuplicateKeyPolicy, MergeKeyPolicy, Spanned};
use std::collections::HashMap;
use std::fmt;

/// The keys of a kind of file.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// All keys, in the order in which they are written.
    pub keys: &'static [&'static str],
    /// Those that hold lists.
    pub lists: &'static [&'static str],
}

/// A text and its line.
type Text = (String, usize);

/// What a file holds, and what was found to be wrong with it so far.
#[derive(Debug)]
pub struct Fields<'a> {
    path: &'a str,
    texts: HashMap<&'static str, Text>,
    lists: HashMap<&'static str, Vec<Text>>,
    /// Keys that are not of the shape, with their lines.
    unknown: Vec<Text>,
    problems: Vec<Problem>,
    /// The key whose value is being read.
    reading: Option<&'static str>,
    broken: bool,
}

/// Reads a file.
#[must_use]
pub fn parse<'a>(path: &'a str, bytes: &[u8], shape: &Shape) -> Fields<'a> {
    let mut fields = Fields {
        path,
        texts: HashMap::new(),
        lists: HashMap::new(),
        unknown: Vec::new(),
        problems: Vec::new(),
        reading: None,
        broken: false,
    };
    match text_of(path, bytes) {
        Ok(text) => fields.parse(text, shape),
        Err(problem) => {
            fields.problems.push(problem);
            fields.broken = true;
        }
    }
    fields
}

fn options() -> serde_yaml::Options {
    serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_depth: 16,
            max_aliases: 16,
            max_anchors: 16,
            max_documents: 1,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        reject_unsupported_tags: true,
        ignore_binary_tag_for_string: true,
        with_snippet: false,
    }
}

impl Fields<'_> {
    fn parse(&mut self, text: &str, shape: &Shape) {
        let found = serde_yaml::with_deserializer_from_str_with_options(text, options(), |yaml| {
            serde::Deserializer::deserialize_any(yaml, Root { shape, fields: self })
        });
        if let Err(error) = found {
            let line = error.location().map(|location| line(&location));
            let message = clean(&message(&error));
            let fact = match self.reading {
                Some(key) if message.starts_with("expected ") => format!("`{key}`: {message}"),
                None if line.is_none() => "the file is no YAML mapping, like `schema: 1`".to_owned(),
                _ => format!("not valid YAML: {message}"),
            };
            self.error(line, fact, None);
            self.broken = true;
        }
        for (key, line) in &self.unknown {
            let problem = Problem::warning(self.path, Some(*line), format!("unknown key `{}`", clean(key)));
            let near = nearest(key, shape.keys.iter().copied()).filter(|_| key.len() <= 64);
            self.problems.push(match near {
                Some(near) => problem.with_remedy(format!("did you mean `{near}`?")),
                None => problem,
            });
        }
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path
    }

    /// Adds an error.
    pub fn error(&mut self, line: Option<usize>, fact: impl Into<String>, remedy: Option<&str>) {
        let problem = Problem::error(self.path, line, fact);
        self.problems.push(match remedy {
            Some(remedy) => problem.with_remedy(remedy),
            None => problem,
        });
    }

    /// Adds the error that a key is not there, unless the file is broken and it may be.
    pub fn missing(&mut self, key: &str, remedy: &str) {
        if !self.broken {
            self.error(None, format!("`{key}` is missing"), Some(remedy));
        }
    }

    /// A text; none when it is not there or null.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<String> {
        self.texts.get(key).map(|(text, _)| text.clone())
    }

    /// A text that is not empty.
    #[must_use]
    pub fn filled(&self, key: &str) -> Option<String> {
        self.text(key).filter(|text| !text.is_empty())
    }

    /// The line of a text.
    #[must_use]
    pub fn line_of(&self, key: &str) -> Option<usize> {
        self.texts.get(key).map(|(_, line)| *line)
    }

    /// A list of texts.
    #[must_use]
    pub fn list(&self, key: &str) -> Vec<String> {
        self.lists.get(key).into_iter().flatten().map(|(text, _)| text.clone()).collect()
    }

    /// A text that has to obey rules of its own; what it breaks is the problem.
    pub fn checked<T, E: fmt::Display>(
        &mut self,
        key: &'static str,
        new: impl FnOnce(String) -> Result<T, E>,
    ) -> Option<T> {
        let (text, line) = self.texts.get(key).cloned().filter(|(text, _)| !text.is_empty())?;
        match new(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.error(Some(line), format!("`{key}`: {}", clean(&error.to_string())), None);
                None
            }
        }
    }

    /// A list of texts that have to obey rules of their own.
    pub fn all_checked<T, E: fmt::Display>(
        &mut self,
        key: &'static str,
        new: impl Fn(String) -> Result<T, E>,
    ) -> Vec<T> {
        let mut values = Vec::new();
        for (text, line) in self.lists.get(key).cloned().unwrap_or_default() {
            match new(text) {
                Ok(value) => values.push(value),
                Err(error) => {
                    self.error(Some(line), format!("`{key}`: {}", clean(&error.to_string())), None);
                }
            }
        }
        values
    }

    /// One of a few words; a word that must be there but is not is a problem too.
    pub fn word<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
        all: &[&str],
    ) -> Option<T> {
        let (word, line) = self.texts.get(key).cloned()?;
        let parsed = parse(&word);
        if parsed.is_none() {
            let remedy = format!("one of {}", all.join(", "));
            self.error(Some(line), format!("unknown {key} `{}`", clean(&word)), Some(&remedy));
        }
        parsed
    }

    /// A date and time with an offset.
    pub fn timestamp(&mut self, key: &'static str) -> Option<Timestamp> {
        let (text, line) = self.texts.get(key).cloned()?;
        let time = text.parse().ok();
        if time.is_none() {
            let fact = format!("`{key}` is not a date and time with an offset");
            self.error(Some(line), fact, Some("write it like 2026-11-20T10:00:00Z"));
        }
        time
    }

    /// Checks the version of the file's shape.
    pub fn schema(&mut self) {
        let Some((text, line)) = self.texts.get("schema").cloned() else {
            return self.missing("schema", &format!("add `schema: {SCHEMA}`"));
        };
        match text.parse::<i64>() {
            Ok(newer) if newer > SCHEMA => {
                let (fact, remedy) = super::newer(newer);
                self.error(Some(line), fact, Some(&remedy));
            }
            Ok(older) if older < SCHEMA => {
                let fact = format!("schema {older} is older than {SCHEMA}");
                self.error(Some(line), fact, Some("run `orch migrate`"));
            }
            Ok(_) => {}
            Err(_) => self.error(Some(line), "`schema` has to be an integer", None),
        }
    }

    /// The keys that are not of the shape.
    pub(super) fn unknown(&self) -> Vec<&str> {
        self.unknown.iter().map(|(key, _)| key.as_str()).collect()
    }

    /// What came of reading: the value unless something is an error, and all problems by line.
    #[must_use]
    pub fn finish<T>(mut self, value: Option<T>) -> Read<T> {
        self.problems.sort_by_key(|problem| problem.line);
        self.problems.truncate(100);
        let usable = !self.problems.iter().any(|problem| problem.severity == Severity::Error);
        Read { value: value.filter(|_| usable), problems: self.problems }
    }
}

fn line(location: &serde_yaml::Location) -> usize {
    usize::try_from(location.line()).unwrap_or(1).max(1)
}

/// What the parser says, without the position that it puts in front or at the end.
fn message(error: &serde_yaml::Error) -> String {
    let text = error.without_snippet().to_string();
    let cut =
        [" at line ", "(line ", ", set DuplicateKeyPolicy"].iter().filter_map(|mark| text.find(mark)).min();
    text.get(..cut.unwrap_or(text.len())).unwrap_or(&text).trim_end().to_owned()
}

/// The mapping of a file.
struct Root<'f, 'p> {
    shape: &'f Shape,
    fields: &'f mut Fields<'p>,
}

impl<'de> Visitor<'de> for Root<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let at = line(&key.referenced);
            let Some(known) = self.shape.keys.iter().copied().find(|known| *known == key.value) else {
                map.next_value::<IgnoredAny>()?;
                self.fields.unknown.push((key.value, at));
                continue;
            };
            self.fields.reading = Some(known);
            if self.shape.lists.contains(&known) {
                let list: Vec<Text> = map.next_value_seed(List)?;
                self.fields.lists.insert(known, list);
            } else if let Some(text) = map.next_value::<Option<String>>()? {
                self.fields.texts.insert(known, (text, at));
            }
            self.fields.reading = None;
        }
        Ok(())
    }
}

/// A list of texts, or nothing.
struct List;

impl<'de> DeserializeSeed<'de> for List {
    type Value = Vec<Text>;

    fn deserialize<D: serde::Deserializer<'de>>(self, yaml: D) -> Result<Vec<Text>, D::Error> {
        let list: Option<Vec<Spanned<String>>> = Option::deserialize(yaml)?;
        let texts = list.into_iter().flatten().map(|text| (text.value, line(&text.referenced)));
        Ok(texts.collect())
    }
}
