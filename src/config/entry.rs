//! The lists of a configuration file: `[[agent]]` and `[[gate]]`, and what all lists have.
//!
//! In: their tables. Out: profiles and gates, laid over what an entry has that says nothing.
//! Invariant: names are legal and differ by more than case; gates need only gates, and no cycle.

use super::check;
use super::models;
use super::section::{Section, Sources};
use super::word::{EFFORTS, SANDBOXES};
use super::{Adapter, CoverageConfig, GateConfig, MetricConfig, Price, Profile, PromptBy, entry_key};
use crate::state::file::fields::Table;
use crate::state::id;
use crate::state::problem::{Severity, nearest};
use std::collections::BTreeMap;
use std::time::Duration;

/// The most agents, and the most gates, of one file.
const MAX_ENTRIES: usize = 100;
/// The most strings of a list in an entry.
const MAX_STRINGS: usize = 100;
/// The most that a million tokens may cost, in USD.
const MAX_PRICE: f64 = 1e6;
/// The most often that a gate may run again.
const MAX_RETRIES: i64 = 5;
/// The largest number of a metric.
const MAX_METRIC: f64 = 1e15;

/// Reads the entries of a list, those whose name is not usable left out.
pub(super) fn entries<'d>(root: &mut Table<'d>, list: &'static str) -> Vec<(String, Table<'d>)> {
    let tables = root.tables(list);
    if tables.len() > MAX_ENTRIES {
        root.error(list, format!("there are more than {MAX_ENTRIES} entries in `{list}`"), None);
        return Vec::new();
    }
    let mut seen: BTreeMap<String, Option<usize>> = BTreeMap::new();
    let mut named = Vec::new();
    for mut table in tables {
        let Some(name) = table.checked("name", |name| id::check(&name).map(|()| name)) else {
            if table.line_of("name").is_none() {
                table.missing("name", "give it a name");
            }
            continue;
        };
        if let Some(line) = seen.get(&name.to_ascii_lowercase()) {
            let first = line.map_or_else(String::new, |line| format!(", the first is at line {line}"));
            table.error("name", format!("two entries of `{list}` have the name `{name}`{first}"), None);
        } else {
            seen.insert(name.to_ascii_lowercase(), table.line_of("name"));
        }
        named.push((name, table));
    }
    named
}

/// Reads the agents of a file.
pub(super) fn agents(root: &mut Table<'_>, base: &Profile, sources: &mut Sources) -> Vec<Profile> {
    let agents = entries(root, "agent").into_iter();
    agents.filter_map(|(name, table)| agent(&name, table, base, sources)).collect()
}

fn agent(name: &str, mut table: Table<'_>, base: &Profile, sources: &mut Sources) -> Option<Profile> {
    let adapter = table.word("adapter", Adapter::parse, Adapter::WORDS);
    if table.line_of("adapter").is_none() {
        table.missing("adapter", &format!("one of {}", Adapter::WORDS.join(", ")));
    }
    let mut profile = Profile { name: name.to_owned(), ..base.clone() };
    let mut section = Section::entry(table, "agent", name, sources);
    section.set("adapter", &mut profile.adapter, |_, _| adapter);
    section.set_list("command", &mut profile.command, MAX_STRINGS, |text| {
        check::word(text.to_owned()).map(|_| ())
    });
    section.set_text("model", &mut profile.model, check::argument);
    section.set("effort", &mut profile.effort, |table, key| one_of(table, key, EFFORTS).map(Some));
    section.set("context_window", &mut profile.context_window, |table, key| {
        table.int(key, 1..=1_000_000_000).and_then(|tokens| u64::try_from(tokens).ok()).map(Some)
    });
    section.set("price", &mut profile.price, |table, key| price(table, key).map(Some));
    section.set_list("writable", &mut profile.writable, MAX_STRINGS, check::writable);
    agent_defaults(&mut section, &mut profile);
    let table = section.end();
    let adapter = adapter?;
    check_command(&table, adapter, &profile);
    for key in models::fill(&mut profile) {
        let source = models::provenance(profile.model.as_deref().unwrap_or_default());
        sources.map.insert(format!("{}.{key}", entry_key("agent", name)), source);
    }
    Some(profile)
}

/// Reads the keys of an agent that have defaults.
pub(super) fn agent_defaults(section: &mut Section<'_, '_>, profile: &mut Profile) {
    section
        .set("prompt", &mut profile.prompt, |table, key| table.word(key, PromptBy::parse, PromptBy::WORDS));
    section.set_int("capability", &mut profile.capability, 1..=10);
    section.set_int("max_parallel", &mut profile.max_parallel, 1..=64);
    limit(section, &mut profile.timeout);
    // A limit of nothing would end every session; it is how "no limit" is written.
    let mut idle = profile.idle_timeout.unwrap_or_default();
    section.set_duration("idle_timeout", &mut idle);
    profile.idle_timeout = Some(idle).filter(|idle| !idle.is_zero());
    section.set_list("env", &mut profile.env, MAX_STRINGS, check::variable);
    section.set("sandbox", &mut profile.sandbox, |table, key| one_of(table, key, SANDBOXES));
    section.set("network", &mut profile.network, Table::bool);
}

fn limit(section: &mut Section<'_, '_>, timeout: &mut Duration) {
    section.set_duration("timeout", timeout);
    if timeout.is_zero() {
        section.table.error("timeout", "`timeout` has to be longer than nothing", None);
    }
}

fn check_command(table: &Table<'_>, adapter: Adapter, profile: &Profile) {
    let name = &profile.name;
    let program = profile.command.first().is_some_and(|program| !program.trim().is_empty());
    let word = adapter.as_str();
    let example = match adapter {
        Adapter::Command => Some("add command = [\"./tools/agent.sh\"]"),
        Adapter::Acp => Some("add command = [\"gemini\", \"--acp\"]"),
        Adapter::Claude
        | Adapter::Codex
        | Adapter::Gemini
        | Adapter::Opencode
        | Adapter::Copilot
        | Adapter::Aider
        | Adapter::Shell => None,
    };
    if let Some(example) = example.filter(|_| !program) {
        let fact = format!("agent `{name}` has the adapter `{word}` and no `command`");
        table.error("command", fact, Some(example));
    }
    for (key, takes) in [("command", example.is_some()), ("prompt", adapter == Adapter::Command)] {
        if !takes && table.line_of(key).is_some() {
            let fact = format!("agent `{name}` has the adapter `{word}`, which takes no `{key}`");
            table.error(key, fact, Some("remove the key, or use adapter = \"command\""));
        }
    }
}

fn one_of(table: &mut Table<'_>, key: &'static str, words: &[&str]) -> Option<String> {
    let known = |text: String| {
        let near = Some(&text).filter(|text| text.len() <= 64);
        let near = near.and_then(|text| nearest(text, words.iter().copied()));
        let hint = near.map_or_else(String::new, |near| format!(", did you mean `{near}`?"));
        let is_known = words.contains(&text.as_str());
        if is_known { Ok(text) } else { Err(format!("one of {}{hint}", words.join(", "))) }
    };
    table.checked(key, known)
}

fn price(table: &mut Table<'_>, key: &'static str) -> Option<Price> {
    let mut table = table.table(key)?;
    let [input, cached, output] = ["input", "cached", "output"].map(|key| table.float(key, 0.0..=MAX_PRICE));
    for key in ["input", "output"].into_iter().filter(|key| table.line_of(key).is_none()) {
        table.missing(key, "write price = { input = 2.0, cached = 0.2, output = 10.0 }");
    }
    table.unknown_keys(Severity::Error);
    // Without a price of its own, cached input is not thought to be cheaper.
    Some(Price { input: input?, cached: cached.or(input)?, output: output? })
}

/// Reads the gates of a file.
pub(super) fn gates(root: &mut Table<'_>, base: &GateConfig, sources: &mut Sources) -> Vec<GateConfig> {
    let mut gates = Vec::new();
    let mut tables = Vec::new();
    for (name, table) in entries(root, "gate") {
        let (gate, table) = gate(&name, table, base, sources);
        gates.push(gate);
        tables.push(table);
    }
    check_needs(&gates, &tables);
    gates
}

fn gate<'d>(
    name: &str,
    mut table: Table<'d>,
    base: &GateConfig,
    sources: &mut Sources,
) -> (GateConfig, Table<'d>) {
    let mut gate = GateConfig { name: name.to_owned(), ..base.clone() };
    let mut run = None;
    let mut section = Section::entry(table, "gate", name, sources);
    section.set_text("run", &mut run, check::command);
    gate_defaults(&mut section, &mut gate);
    section.set("metric", &mut gate.metric, |table, key| metric(table, key).map(Some));
    section.set_text("junit", &mut gate.junit, check::report);
    section.set("coverage", &mut gate.coverage, |table, key| coverage(table, key).map(Some));
    table = section.end();
    if table.line_of("run").is_none() {
        table.missing("run", "add the command that judges, such as run = \"cargo test\"");
    }
    gate.run = run.unwrap_or_default();
    (gate, table)
}

/// Reads the keys of a gate that have defaults.
pub(super) fn gate_defaults(section: &mut Section<'_, '_>, gate: &mut GateConfig) {
    limit(section, &mut gate.timeout);
    section.set("required", &mut gate.required, Table::bool);
    section.set_list("needs", &mut gate.needs, MAX_STRINGS, |name| {
        id::check(name).map_err(|error| error.to_string())
    });
    section.set_list("env", &mut gate.env, MAX_STRINGS, check::variable);
    section.set_int("retries", &mut gate.retries, 0..=MAX_RETRIES);
    section.set("clean", &mut gate.clean, Table::bool);
    section.set("cache", &mut gate.cache, Table::bool);
    section.set("red-green", &mut gate.red_green, Table::bool);
}

fn coverage(table: &mut Table<'_>, key: &'static str) -> Option<CoverageConfig> {
    let mut table = table.table(key)?;
    let file = table.checked("file", check::report);
    let [min, changed_min, max_drop] =
        ["min", "changed_min", "max_drop"].map(|key| table.float(key, 0.0..=100.0));
    if table.line_of("file").is_none() {
        table.missing("file", "write coverage = { file = \"lcov.info\", min = 85 }");
    }
    table.unknown_keys(Severity::Error);
    Some(CoverageConfig { file: file?, min, changed_min, max_drop })
}

fn metric(table: &mut Table<'_>, key: &'static str) -> Option<MetricConfig> {
    let mut table = table.table(key)?;
    let name = table.checked("name", |name| id::check(&name).map(|()| name));
    let regex = table.checked("regex", check::pattern);
    let [min, max] = ["min", "max"].map(|key| table.float(key, -MAX_METRIC..=MAX_METRIC));
    for key in ["name", "regex"].into_iter().filter(|key| table.line_of(key).is_none()) {
        table.missing(key, "write metric = { name = \"passed\", regex = '(\\d+) passed', min = 1 }");
    }
    if let (Some(least), Some(most)) = (min, max)
        && least > most
    {
        table.error("min", format!("`min` ({least}) is above `max` ({most})"), None);
    }
    table.unknown_keys(Severity::Error);
    Some(MetricConfig { name: name?, regex: regex?, min, max })
}

/// Checks that gates need only gates that are there, and not each other.
fn check_needs(gates: &[GateConfig], tables: &[Table<'_>]) {
    let places: BTreeMap<&str, usize> =
        gates.iter().enumerate().map(|(at, gate)| (gate.name.as_str(), at)).collect();
    let mut edges = Vec::new();
    for (gate, table) in gates.iter().zip(tables) {
        let legal = |need: &&String| id::check(need).is_ok();
        let absent = gate.needs.iter().filter(legal).filter(|need| !places.contains_key(need.as_str()));
        for (at, need) in absent.enumerate() {
            // To compare every name with every other one would take long where there are many.
            let near = if at == 0 { nearest(need, places.keys().copied()) } else { None };
            let fact = format!("gate `{}` needs `{need}`, which is no gate", gate.name);
            table.error("needs", fact, near.map(|near| format!("did you mean `{near}`?")).as_deref());
        }
        edges.push(gate.needs.iter().filter_map(|need| places.get(need.as_str()).copied()).collect());
    }
    for cycle in check::cycles(&edges) {
        let names: Vec<String> =
            cycle.iter().chain(cycle.first()).map(|at| format!("`{}`", gates[*at].name)).collect();
        let fact = format!("gates need each other: {}", names.join(" -> "));
        if let Some(table) = cycle.first().and_then(|at| tables.get(*at)) {
            table.error("needs", fact, Some("remove one of these `needs` entries"));
        }
    }
}
