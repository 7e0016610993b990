//! The tables of a configuration file that have one value for each key.
//!
//! In: a parsed file. Out: the values that it has, laid over a [`Config`], with their lines.
//! Invariant: a key that the file does not have leaves its value alone.

use super::ask;
use super::check::{self, Checked};
use super::duration;
use super::{Author, Config, Integration, ModePolicy, Regate, ReviewPolicy, entry_key};
use crate::state::concern::check_name;
use crate::state::file::fields::Table;
use crate::state::problem::Severity;
use std::collections::BTreeMap;
use std::time::Duration;

/// The most globs of one list.
const MAX_GLOBS: usize = 200;
/// The most that a budget may be, in USD.
const MAX_USD: f64 = 1e9;
/// The most that a budget may be, in tokens.
const MAX_TOKENS: i64 = 1_000_000_000_000;

/// Where the values of one file are noted down.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// The path that is shown; none for the compiled-in defaults.
    pub(super) path: Option<String>,
    /// Dotted key to source.
    pub(super) map: BTreeMap<String, String>,
}

impl Sources {
    /// Notes that a key has its value from a line.
    pub(super) fn note(&mut self, key: String, line: Option<usize>) {
        let source = match (&self.path, line) {
            (None, _) => "default".to_owned(),
            (Some(path), Some(line)) => format!("{path}:{line}"),
            (Some(path), None) => path.clone(),
        };
        self.map.insert(key, source);
    }
}

/// A table that is read key by key.
pub(super) struct Section<'d, 's> {
    /// The table.
    pub(super) table: Table<'d>,
    key: String,
    sources: &'s mut Sources,
}

impl<'d, 's> Section<'d, 's> {
    /// A table of the file's root.
    fn of(root: &mut Table<'d>, key: &'static str, sources: &'s mut Sources) -> Option<Self> {
        Some(Self { table: root.table(key)?, key: key.to_owned(), sources })
    }

    /// An entry of a list of tables, by its name.
    pub(super) fn entry(table: Table<'d>, list: &str, name: &str, sources: &'s mut Sources) -> Self {
        let key = entry_key(list, name);
        sources.note(key.clone(), table.line());
        Self { table, key, sources }
    }

    /// Sets a value if the table has it.
    pub(super) fn set<T>(
        &mut self,
        key: &'static str,
        slot: &mut T,
        read: impl FnOnce(&mut Table<'d>, &'static str) -> Option<T>,
    ) {
        if let Some(value) = read(&mut self.table, key) {
            *slot = value;
            self.sources.note(format!("{}.{key}", self.key), self.table.line_of(key));
        }
    }

    /// Sets a number.
    pub(super) fn set_int<N: TryFrom<i64>>(
        &mut self,
        key: &'static str,
        slot: &mut N,
        range: std::ops::RangeInclusive<i64>,
    ) {
        self.set(key, slot, |table, key| table.int(key, range).and_then(|number| N::try_from(number).ok()));
    }

    /// Sets a text that obeys a rule.
    pub(super) fn set_text(
        &mut self,
        key: &'static str,
        slot: &mut Option<String>,
        rule: fn(String) -> Checked,
    ) {
        self.set(key, slot, |table, key| table.checked(key, rule).map(Some));
    }

    /// Sets a duration.
    pub(super) fn set_duration(&mut self, key: &'static str, slot: &mut Duration) {
        self.set(key, slot, |table, key| {
            let text = table.str(key)?;
            let remedy = Some("write it like \"45m\", \"90s\", \"1h30m\" or \"2d\"");
            duration::parse(&text).map_err(|error| table.error(key, error.to_string(), remedy)).ok()
        });
    }

    /// Sets a list whose every text obeys a rule.
    pub(super) fn set_list(
        &mut self,
        key: &'static str,
        slot: &mut Vec<String>,
        most: usize,
        rule: impl Fn(&str) -> Checked<()>,
    ) {
        self.set(key, slot, |table, key| {
            let texts = table.strings(key);
            table.line_of(key)?;
            if texts.len() > most {
                table.error(key, format!("`{key}` has more than {most} entries"), None);
                return None;
            }
            for text in &texts {
                if let Err(why) = rule(text) {
                    let shown: String = text.chars().flat_map(char::escape_default).take(80).collect();
                    table.error(key, format!("`{shown}` in `{key}`: {why}"), None);
                }
            }
            Some(texts)
        });
    }

    /// Ends the table: what nobody asked for is an error.
    pub(super) fn end(mut self) -> Table<'d> {
        self.table.unknown_keys(Severity::Error);
        self.table
    }
}

/// Lays the tables of a file over the settings.
pub(super) fn overlay(root: &mut Table<'_>, config: &mut Config, sources: &mut Sources) {
    if let Some(mut section) = Section::of(root, "project", sources) {
        section.set_text("branch", &mut config.project.branch, check::branch);
        section.set("author", &mut config.project.author, |table, key| author(table, key).map(Some));
        section.set_list("tests", &mut config.project.tests, MAX_GLOBS, check::glob);
        section.end();
    }
    if let Some(mut section) = Section::of(root, "prompt", sources) {
        let prompt = &mut config.prompt;
        section.set_int("budget_tokens", &mut prompt.budget_tokens, 1..=10_000_000);
        section.set_int("review_tokens", &mut prompt.review_tokens, 1..=10_000_000);
        section.set_int("plan_tokens", &mut prompt.plan_tokens, 1..=10_000_000);
        section.end();
    }
    if let Some(section) = Section::of(root, "policy", sources) {
        policy(section, config);
    }
    if let Some(mut section) = Section::of(root, "budget", sources) {
        let usd = |table: &mut Table<'_>, key| table.float(key, 0.0..=MAX_USD).map(Some);
        let tokens = |table: &mut Table<'_>, key| {
            table.int(key, 0..=MAX_TOKENS).and_then(|number| u64::try_from(number).ok()).map(Some)
        };
        let budget = &mut config.budget;
        section.set("step_usd", &mut budget.step_usd, usd);
        section.set("task_usd", &mut budget.task_usd, usd);
        section.set("day_usd", &mut budget.day_usd, usd);
        section.set("month_usd", &mut budget.month_usd, usd);
        section.set("step_tokens", &mut budget.step_tokens, tokens);
        section.set("task_tokens", &mut budget.task_tokens, tokens);
        section.set("day_tokens", &mut budget.day_tokens, tokens);
        section.set("month_tokens", &mut budget.month_tokens, tokens);
        section.end();
    }
    if let Some(section) = Section::of(root, "context", sources) {
        context(section, config);
    }
    if let Some(mut section) = Section::of(root, "plan", sources) {
        ask::plan(&mut section, &mut config.plan);
        section.end();
    }
    if let Some(mut section) = Section::of(root, "workspace", sources) {
        section.set_text("setup", &mut config.workspace.setup, check::command);
        section.set_text("root", &mut config.workspace.root, check::directory);
        section.set_list("keep", &mut config.workspace.keep, MAX_GLOBS, check::below);
        section.end();
    }
}

fn author(table: &mut Table<'_>, key: &'static str) -> Option<Author> {
    let mut table = table.table(key)?;
    let (name, email) = (table.checked("name", check::person), table.checked("email", check::person));
    for key in ["name", "email"].into_iter().filter(|key| table.line_of(key).is_none()) {
        table.missing(key, "write author = { name = \"…\", email = \"…\" }");
    }
    table.unknown_keys(Severity::Error);
    Some(Author { name: name?, email: email? })
}

fn policy(mut section: Section<'_, '_>, config: &mut Config) {
    let policy = &mut config.policy;
    section.set_int("max_attempts", &mut policy.max_attempts, 1..=20);
    section.set_int("max_steps_per_task", &mut policy.max_steps_per_task, 1..=1_000);
    section.set("mode", &mut policy.mode, |table, key| table.word(key, ModePolicy::parse, ModePolicy::WORDS));
    section.set("review", &mut policy.review, |table, key| {
        table.word(key, ReviewPolicy::parse, ReviewPolicy::WORDS)
    });
    section.set("integration", &mut policy.integration, |table, key| {
        table.word(key, Integration::parse, Integration::WORDS)
    });
    section.set("regate", &mut policy.regate, |table, key| table.word(key, Regate::parse, Regate::WORDS));
    section.set_list("protect", &mut policy.protect, MAX_GLOBS, check::glob);
    section.set_list("allow", &mut policy.allow, MAX_GLOBS, check_name);
    section.set_list("deny", &mut policy.deny, MAX_GLOBS, check_name);
    section.set_int("gate_jobs", &mut policy.gate_jobs, 1..=64);
    section.end();
}

fn context(mut section: Section<'_, '_>, config: &mut Config) {
    let context = &mut config.context;
    let share = |table: &mut Table<'_>, key| table.float(key, 0.0..=1.0);
    section.set("compact_at", &mut context.compact_at, share);
    section.set("rotate_at", &mut context.rotate_at, share);
    section.set("task_share", &mut context.task_share, share);
    let (compact_at, rotate_at) = (context.compact_at, context.rotate_at);
    if compact_at > rotate_at {
        let key = if section.table.line_of("compact_at").is_some() { "compact_at" } else { "rotate_at" };
        let fact = format!("`context.compact_at` ({compact_at}) is above `context.rotate_at` ({rotate_at})");
        section.table.error(key, fact, Some("a session is compacted before a fresh one takes over"));
    }
    section.end();
}
