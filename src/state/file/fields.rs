//! Reading TOML field by field, with every problem of a file collected on the way.
//!
//! In: a path and bytes. Out: a [`Document`]; its [`Table`]s answer for one key at a time.
//! Invariant: no bytes make it panic, overflow the stack or take more than linear time (times the
//! logarithm of the number of keys); text that comes from the file is cleaned before it gets into a
//! message. Not here: what the keys of a task, a run or the configuration are.

use super::super::problem::{Problem, Severity, nearest};
use super::text::{clean, text_of};
use super::toml_text::timestamp_of;
use super::{Read, SCHEMA, lex};
use jiff::Timestamp;
use std::cell::{Cell, OnceCell, RefCell};
use std::ops::RangeInclusive;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The most parts that a dotted key may have: deeper tables would overflow the stack when dropped.
const MAX_KEY_PARTS: usize = 16;
/// The most problems that one file reports.
const MAX_PROBLEMS: usize = 100;

/// A parsed TOML file, and what was found to be wrong with it so far.
#[derive(Debug)]
pub struct Document<'a> {
    path: &'a str,
    text: &'a str,
    table: DeTable<'a>,
    broken: bool,
    lines: OnceCell<Vec<usize>>,
    problems: RefCell<Vec<Problem>>,
    has_error: Cell<bool>,
}

impl<'a> Document<'a> {
    /// Parses a file; what is wrong with it is told by [`Document::finish`].
    #[must_use]
    pub fn parse(path: &'a str, bytes: &'a [u8]) -> Self {
        let mut document = Self {
            path,
            text: "",
            table: DeTable::new(),
            broken: true,
            lines: OnceCell::new(),
            problems: RefCell::default(),
            has_error: Cell::new(false),
        };
        match text_of(path, bytes) {
            Ok(text) => {
                document.text = text;
                document.parse_text();
            }
            Err(problem) => document.report(problem),
        }
        document
    }

    fn parse_text(&mut self) {
        let (parts, at) = lex::longest_key(self.text);
        if parts > MAX_KEY_PARTS {
            return self.error(Some(self.line_of(at)), "tables are nested too deep");
        }
        let (table, errors) = DeTable::parse_recoverable(self.text);
        self.table = table.into_inner();
        self.broken = !errors.is_empty();
        for error in errors.iter().take(MAX_PROBLEMS) {
            let span = error.span().unwrap_or(0..0);
            let line = self.line_of(span.start);
            let message = clean(error.message());
            let fact = match self.text.get(span).filter(|_| message == "duplicate key") {
                Some(key) => format!("duplicate key `{}`", clean(key)),
                None => format!("not valid TOML: {message}"),
            };
            self.error(Some(line), fact);
        }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// Its text; empty when the bytes could not be used at all.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The table of everything.
    #[must_use]
    pub fn root(&self) -> Table<'_> {
        Table { document: self, entries: &self.table, name: String::new(), line: None, asked: Vec::new() }
    }

    /// The one-based line of a byte.
    #[must_use]
    pub fn line_of(&self, at: usize) -> usize {
        let lines = self.lines.get_or_init(|| {
            self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(index, _)| index).collect()
        });
        lines.partition_point(|&newline| newline < at) + 1
    }

    /// Adds a problem.
    pub fn report(&self, problem: Problem) {
        if problem.is_error() {
            self.has_error.set(true);
        }
        let mut problems = self.problems.borrow_mut();
        if problems.len() < MAX_PROBLEMS {
            problems.push(problem);
        }
    }

    fn is_full(&self) -> bool {
        self.problems.borrow().len() >= MAX_PROBLEMS
    }

    /// Adds an error without a remedy.
    pub fn error(&self, line: Option<usize>, fact: impl Into<String>) {
        self.report(Problem::error(self.path, line, fact));
    }

    /// What came of reading: the value unless something is an error, and all problems by line.
    #[must_use]
    pub fn finish<T>(self, value: Option<T>) -> Read<T> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.line);
        Read { value: value.filter(|_| !self.has_error.get()), problems }
    }
}

/// A table that is being read: asking for a key marks it as known, and a value of the wrong type is
/// a problem of the document.
#[derive(Debug)]
pub struct Table<'d> {
    document: &'d Document<'d>,
    entries: &'d DeTable<'d>,
    name: String,
    line: Option<usize>,
    asked: Vec<&'static str>,
}

impl<'d> Table<'d> {
    /// The line of its header; none for the root.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The line of a key, if it is there.
    #[must_use]
    pub fn line_of(&self, key: &str) -> Option<usize> {
        let (key, _) = self.entries.get_key_value(key)?;
        Some(self.document.line_of(key.span().start))
    }

    /// Adds an error at a key's line, or at the table's if the key is not there.
    pub fn error(&self, key: &str, fact: impl Into<String>, remedy: Option<&str>) {
        self.report(self.line_of(key).or(self.line), fact.into(), remedy);
    }

    /// Adds an error at a line.
    pub fn error_at(&self, line: usize, fact: impl Into<String>, remedy: Option<&str>) {
        self.report(Some(line), fact.into(), remedy);
    }

    fn report(&self, line: Option<usize>, fact: String, remedy: Option<&str>) {
        let problem = Problem::error(self.document.path, line, fact);
        self.document.report(match remedy {
            Some(remedy) => problem.with_remedy(remedy),
            None => problem,
        });
    }

    /// Adds the problem that a key is not there, unless the file is broken and it may be.
    pub fn missing(&self, key: &str, remedy: &str) {
        if !self.document.broken {
            self.error(key, format!("`{}` is missing", self.full(key)), Some(remedy));
        }
    }

    fn full(&self, key: &str) -> String {
        if self.name.is_empty() { clean(key) } else { format!("{}.{}", self.name, clean(key)) }
    }

    fn value(&mut self, key: &'static str) -> Option<&'d Spanned<DeValue<'d>>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.entries.get(key)
    }

    /// A value of one type; the other types are a problem.
    fn typed<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        pick: impl FnOnce(&'d DeValue<'d>) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(key)?;
        let picked = pick(value.get_ref());
        if picked.is_none() {
            self.wrong(key, wanted, value);
        }
        picked
    }

    fn wrong(&self, key: &str, wanted: &str, value: &Spanned<DeValue<'_>>) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        let line = self.document.line_of(value.span().start);
        self.document.error(Some(line), format!("`{}` has to be {wanted}, not {found}", self.full(key)));
    }

    /// A string.
    pub fn str(&mut self, key: &'static str) -> Option<String> {
        self.str_at(key).map(|(text, _)| text)
    }

    /// A string and its line.
    pub fn str_at(&mut self, key: &'static str) -> Option<(String, usize)> {
        let text = self.typed(key, "a string", |value| Some(value.as_str()?.to_owned()))?;
        Some((text, self.line_of(key).unwrap_or(1)))
    }

    /// An integer within a range.
    pub fn int(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let number = self.typed(key, "an integer", |value| {
            let integer = value.as_integer()?;
            Some(i64::from_str_radix(integer.as_str(), integer.radix()).ok())
        })?;
        let inside = number.filter(|number| range.contains(number));
        if inside.is_none() {
            let (least, most) = (range.start(), range.end());
            let fact = match (*least, *most) {
                (i64::MIN, i64::MAX) => format!("`{}` is out of range", self.full(key)),
                (least, i64::MAX) => format!("`{}` has to be at least {least}", self.full(key)),
                (least, most) => format!("`{}` has to be between {least} and {most}", self.full(key)),
            };
            self.error(key, fact, None);
        }
        inside
    }

    /// A number within a range; never NaN.
    pub fn float(&mut self, key: &'static str, range: RangeInclusive<f64>) -> Option<f64> {
        let number = self.typed(key, "a number", |value| {
            let text = match value {
                DeValue::Float(float) => float.as_str(),
                DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Array(_)
                | DeValue::Table(_) => return None,
            };
            Some(text.parse::<f64>().ok())
        })?;
        let inside = number.filter(|number| range.contains(number));
        if inside.is_none() {
            let (least, most) = (range.start(), range.end());
            self.error(key, format!("`{}` has to be between {least} and {most}", self.full(key)), None);
        }
        inside
    }

    /// A boolean.
    pub fn bool(&mut self, key: &'static str) -> Option<bool> {
        self.typed(key, "true or false", DeValue::as_bool)
    }

    /// A date and time with an offset.
    pub fn timestamp(&mut self, key: &'static str) -> Option<Timestamp> {
        let datetime = self.typed(key, "a date and time", DeValue::as_datetime)?;
        let timestamp = timestamp_of(datetime);
        if timestamp.is_none() {
            let fact = format!("`{}` is not a date and time with an offset", self.full(key));
            self.error(key, fact, Some("write it like 2026-11-20T10:00:00Z"));
        }
        timestamp
    }

    /// An array of strings; empty when it is not there.
    pub fn strings(&mut self, key: &'static str) -> Vec<String> {
        self.strings_at(key).into_iter().map(|(text, _)| text).collect()
    }

    /// An array of strings with their lines; empty when it is not there.
    pub fn strings_at(&mut self, key: &'static str) -> Vec<(String, usize)> {
        let mut strings = Vec::new();
        for value in self.typed(key, "an array of strings", DeValue::as_array).into_iter().flatten() {
            match value.get_ref().as_str() {
                Some(text) => strings.push((text.to_owned(), self.document.line_of(value.span().start))),
                None => self.wrong(key, "an array of strings", value),
            }
        }
        strings
    }

    /// A table inside this one.
    pub fn table(&mut self, key: &'static str) -> Option<Table<'d>> {
        let table = self.typed(key, "a table", DeValue::as_table)?;
        Some(self.inner(key, table, self.line_of(key)))
    }

    /// An array of tables; empty when it is not there.
    pub fn tables(&mut self, key: &'static str) -> Vec<Table<'d>> {
        let mut tables = Vec::new();
        for value in self.typed(key, "an array of tables", DeValue::as_array).into_iter().flatten() {
            match value.get_ref().as_table() {
                Some(table) => {
                    let line = self.document.line_of(value.span().start);
                    tables.push(self.inner(key, table, Some(line)));
                }
                None => self.wrong(key, "an array of tables", value),
            }
        }
        tables
    }

    fn inner(&self, key: &str, table: &'d DeTable<'d>, line: Option<usize>) -> Table<'d> {
        Table { document: self.document, entries: table, name: self.full(key), line, asked: Vec::new() }
    }

    /// One of a few words.
    pub fn word<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
        all: &[&str],
    ) -> Option<T> {
        let word = self.str(key)?;
        let parsed = parse(&word);
        if parsed.is_none() {
            let remedy = format!("one of {}", all.join(", "));
            self.error(key, format!("unknown {key} `{}`", clean(&word)), Some(&remedy));
        }
        parsed
    }

    /// A text that has to obey rules of its own; what it breaks is the problem.
    pub fn checked<T, E: std::fmt::Display>(
        &mut self,
        key: &'static str,
        new: impl FnOnce(String) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.str(key)?;
        new(text).map_err(|error| self.error(key, format!("`{}`: {error}", self.full(key)), None)).ok()
    }

    /// Checks the version of the file's shape.
    pub fn schema(&mut self) {
        if self.value("schema").is_none() {
            return self.missing("schema", &format!("add `schema = {SCHEMA}`"));
        }
        match self.int("schema", i64::MIN..=i64::MAX) {
            Some(newer) if newer > SCHEMA => {
                let (fact, remedy) = super::newer(newer);
                self.error("schema", fact, Some(&remedy));
            }
            Some(older) if older < SCHEMA => {
                let fact = format!("schema {older} is older than {SCHEMA}");
                self.error("schema", fact, Some("run `orch migrate`"));
            }
            _ => {}
        }
    }

    /// Reports the keys that nobody asked for.
    pub fn unknown_keys(&mut self, severity: Severity) {
        for key in self.entries.keys() {
            if self.document.is_full() {
                return;
            }
            // An empty key is what is left of a line that is no TOML, which has been told.
            let no_key = self.document.broken && key.get_ref().is_empty();
            if no_key || self.asked.contains(&key.get_ref().as_ref()) {
                continue;
            }
            let line = Some(self.document.line_of(key.span().start));
            let fact = format!("unknown key `{}`", self.full(key.get_ref()));
            let mut problem = Problem { severity, ..Problem::error(self.document.path, line, fact) };
            let short = key.get_ref().len() <= 64;
            if let Some(near) = nearest(key.get_ref(), self.asked.iter().copied()).filter(|_| short) {
                problem = problem.with_remedy(format!("did you mean `{near}`?"));
            }
            self.document.report(problem);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts(problems: &[Problem]) -> Vec<String> {
        problems.iter().map(|p| format!("{}: {}", p.line.unwrap_or(0), p.fact)).collect()
    }

    fn problems(text: &str, read: impl FnOnce(&mut Table<'_>)) -> Vec<Problem> {
        let document = Document::parse("f.toml", text.as_bytes());
        let mut root = document.root();
        read(&mut root);
        drop(root);
        document.finish(Some(())).problems
    }

    #[test]
    fn values_of_every_type_are_read() {
        let text = "s='x'\ni=0x10\nf=0.5\ng=2\nb=true\nt=2026-11-20T11:00:00+01:00\na=['x','y']\n\
                    [n]\nk='v'\n[[m]]\nk='1'\n[[m]]\nk='2'\n";
        let found = problems(text, |root| {
            assert_eq!(root.str_at("s"), Some(("x".to_owned(), 1)));
            assert_eq!(root.int("i", 0..=16), Some(16));
            assert_eq!(root.float("f", 0.0..=1.0), Some(0.5));
            assert_eq!(root.float("g", 0.0..=2.0), Some(2.0));
            assert_eq!(root.bool("b"), Some(true));
            assert_eq!(root.timestamp("t").unwrap().to_string(), "2026-11-20T10:00:00Z");
            assert_eq!(root.strings("a"), ["x", "y"]);
            assert_eq!(root.table("n").unwrap().str("k").as_deref(), Some("v"));
            let keys: Vec<_> = root.tables("m").iter_mut().filter_map(|t| t.str_at("k")).collect();
            assert_eq!(keys, [("1".to_owned(), 11), ("2".to_owned(), 13)]);
            assert_eq!(root.str("absent"), None);
            root.unknown_keys(Severity::Error);
        });
        assert_eq!(found, []);
    }

    #[test]
    fn every_problem_of_a_file_is_told_with_its_line() {
        let text = "schema = 7\ntitel = 1\nn = 9\nf = nan\nt = 2026-11-20\na = ['x',\n 3]\nstatus = 'finished'\n\
                    title = 'x'\ntitle = 'y'\n[table]\nk = []\noops\n";
        let found = problems(text, |root| {
            root.schema();
            root.str("title");
            root.int("n", 0..=4);
            root.float("f", 0.0..=1.0);
            root.timestamp("t");
            root.strings("a");
            root.word("status", |_| None::<()>, &["pending", "done"]);
            root.table("table").unwrap().str("k");
            root.missing("id", "add it");
            root.unknown_keys(Severity::Warning);
        });
        assert_eq!(
            facts(&found),
            [
                "1: schema 7 is newer than this orch knows (1)",
                "2: unknown key `titel`",
                "3: `n` has to be between 0 and 4",
                "4: `f` has to be between 0 and 1",
                "5: `t` is not a date and time with an offset",
                "7: `a` has to be an array of strings, not an integer",
                "8: unknown status `finished`",
                "10: duplicate key `title`",
                "12: `table.k` has to be a string, not an array",
                "13: not valid TOML: key with no value, expected `=`",
            ]
        );
        assert_eq!(found[1].remedy.as_deref(), Some("did you mean `title`?"));
        assert_eq!(found[6].remedy.as_deref(), Some("one of pending, done"));
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        let key = vec!["a"; MAX_KEY_PARTS].join(".");
        let deepest = format!("[{key}]\n{key} = {}1{}\n", format!("{{{key} = ").repeat(79), "}".repeat(79));
        for text in [
            format!("{} = 1", vec!["a"; 400_000].join(".")),
            format!("x = {{{} = 1}}\nx = 2", vec!["a"; 200_000].join(".")),
            format!("[{}]", vec!["\"é\""; 100_000].join(" . ")),
            format!("a = {}", "[".repeat(1_000_000)),
            format!("a = {}", "{a=".repeat(300_000)),
            format!("{deepest}[{key}]"),
        ] {
            let read = Document::parse("f.toml", text.as_bytes()).finish(Some(()));
            assert!(read.problems.iter().any(Problem::is_error));
        }
    }

    #[test]
    fn hostile_files_take_no_more_than_linear_time() {
        let lines =
            ["]\n", "=", "[[a]]\n", "[a]\n", "a=1\n", "\"", "'''", "[a.b]\n", "{", "a.b=1\n", "a=[\n"];
        for line in lines {
            let text = line.repeat(1_000_000 / line.len());
            let found = problems(&text, |root| root.unknown_keys(Severity::Warning));
            assert!(found.len() <= MAX_PROBLEMS);
        }
        let many: String = (0..90_000).map(|n| format!("k{n}=1\n")).collect();
        assert_eq!(problems(&many, |root| root.unknown_keys(Severity::Warning)).len(), MAX_PROBLEMS);
    }

    #[test]
    fn a_message_shows_no_escape_sequence_of_the_file() {
        let found = problems("\"\\u001b[2Jx\" = 1", |root| root.unknown_keys(Severity::Error));
        assert_eq!(facts(&found), ["1: unknown key `[2Jx`"]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let document = Document::parse("f.toml", &bytes);
            document.root().unknown_keys(Severity::Error);
            let _ = document.finish(Some(()));
        }

        #[test]
        fn no_text_panics(text in "(\\PC|[\\[\\]{}=.\"'#\r\n\t ae0-9:T-]){0,80}") {
            problems(&text, |root| {
                root.int("a", 0..=1);
                root.timestamp("e");
                root.unknown_keys(Severity::Error);
            });
        }
    }
}
