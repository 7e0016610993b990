//! Which commands a repository's files name, and whether a person has allowed them.
//!
//! In: a configuration, the tasks' `run` commands, the text of the trust store. Out: a fingerprint,
//! the store's new text, what changed since.
//! Invariant: two sets of commands have one fingerprint only if they are equal; order means nothing.
//! Not here: where the store lies (it is kept outside every repository), and who asks.

use super::{Config, entry_key, shell};
use crate::state::id::TaskId;
use crate::state::layout;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use thiserror::Error;

/// The newest schema of the trust store that this version knows.
const STORE_SCHEMA: i64 = 1;
/// Entries that are kept for one repository: its branches may differ.
const KEPT_PER_REPOSITORY: usize = 16;

/// A command that a repository's files name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedCommand {
    /// What would run it, such as "gate `test`".
    pub what: String,
    /// The command, as `sh` would read it.
    pub command: String,
}

impl TrustedCommand {
    fn new(what: impl Into<String>, command: impl Into<String>) -> Self {
        Self { what: what.into(), command: command.into() }
    }
}

/// Lists the commands of a repository: the workspace's setup, its agents, its gates, its tasks.
///
/// Agents of the user's own file are not the repository's, so they are left out.
#[must_use]
pub fn commands(config: &Config, task_runs: &[(TaskId, String)]) -> Vec<TrustedCommand> {
    let setup = config.workspace.setup.iter();
    let setup = setup.map(|setup| TrustedCommand::new("`workspace.setup`", setup));
    let agents = config
        .agents
        .iter()
        .filter(|agent| !agent.command.is_empty() && is_of_repository(config, &agent.name))
        .map(|agent| TrustedCommand::new(format!("agent `{}`", agent.name), shell::line(&agent.command)));
    // What an agent may write outside of its workspace, others may run.
    let folders = config
        .agents
        .iter()
        .filter(|agent| !agent.writable.is_empty() && is_of_repository(config, &agent.name))
        .map(|agent| {
            TrustedCommand::new(format!("`writable` of agent `{}`", agent.name), shell::line(&agent.writable))
        });
    let gates =
        config.gates.iter().map(|gate| TrustedCommand::new(format!("gate `{}`", gate.name), &gate.run));
    let mut tasks: Vec<_> =
        task_runs.iter().map(|(id, run)| TrustedCommand::new(format!("task `{id}`"), run)).collect();
    tasks.sort();
    setup.chain(agents).chain(folders).chain(gates).chain(tasks).collect()
}

fn is_of_repository(config: &Config, agent: &str) -> bool {
    let source = config.provenance.get(&entry_key("agent", agent));
    source.is_none_or(|source| {
        source.strip_prefix(layout::CONFIG).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    })
}

/// The fingerprint of a repository's commands: SHA-256 in hexadecimal.
#[must_use]
pub fn fingerprint(repository: &str, commands: &[TrustedCommand]) -> String {
    let mut hasher = Sha256::new();
    // Every text has its length before it, so that no two lists are written alike.
    let mut add = |text: &str| {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    };
    add("orch trust 1");
    add(repository);
    let sorted: BTreeSet<&TrustedCommand> = commands.iter().collect();
    for command in sorted {
        add(&command.what);
        add(&command.command);
    }
    hasher.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What differs between two lists of commands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Only in the new list.
    pub added: Vec<TrustedCommand>,
    /// In both, with another command: the old one, then the new one.
    pub changed: Vec<(TrustedCommand, TrustedCommand)>,
    /// Only in the old list.
    pub removed: Vec<TrustedCommand>,
}

impl Difference {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

impl Difference {
    /// Each difference in a line: the old command, then the new one.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let changed =
            self.changed.iter().map(|(old, new)| format!("{}: {} -> {}", new.what, old.command, new.command));
        let added = self.added.iter().map(|new| format!("{} (new): {}", new.what, new.command));
        let removed = self.removed.iter().map(|old| format!("{} (gone): {}", old.what, old.command));
        changed.chain(added).chain(removed).collect()
    }
}

/// Compares two lists of commands; each part is in the order of `what`.
#[must_use]
pub fn difference(old: &[TrustedCommand], new: &[TrustedCommand]) -> Difference {
    let index = |list: &[TrustedCommand]| -> BTreeMap<String, TrustedCommand> {
        list.iter().map(|command| (command.what.clone(), command.clone())).collect()
    };
    let (mut old, mut difference) = (index(old), Difference::default());
    for (what, now) in index(new) {
        match old.remove(&what) {
            None => difference.added.push(now),
            Some(before) if before.command != now.command => difference.changed.push((before, now)),
            Some(_) => {}
        }
    }
    difference.removed = old.into_values().collect();
    difference
}

/// Something that a person has allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// The repository, as it was named to [`fingerprint`].
    pub repository: String,
    /// The fingerprint of its commands.
    pub fingerprint: String,
    /// When it was allowed.
    pub when: Timestamp,
    /// The commands, to show what changed since.
    pub commands: Vec<TrustedCommand>,
}

/// All that was allowed on this machine, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Store {
    /// The entries.
    pub entries: Vec<Trusted>,
}

/// Why a trust store cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// It is not in the form that [`Store::render`] writes.
    #[error("the trust store cannot be read: {0}")]
    Malformed(String),
    /// A newer version wrote it.
    #[error("the trust store has schema {0}, this version knows {STORE_SCHEMA}")]
    Newer(i64),
}

/// The shape of the store's file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreFile {
    schema: i64,
    #[serde(default)]
    trusted: Vec<TrustedFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrustedFile {
    repository: String,
    fingerprint: String,
    when: String,
    #[serde(default)]
    command: Vec<TrustedCommand>,
}

impl Store {
    /// How commands differ from those that were trusted last in a repository; where none ever were,
    /// there is nothing to compare with.
    #[must_use]
    pub fn since(&self, repository: &str, commands: &[TrustedCommand]) -> Difference {
        self.latest(repository).map_or_else(Difference::default, |last| difference(&last.commands, commands))
    }

    /// Whether each of these commands was trusted in a repository at some time.
    #[must_use]
    pub fn knows(&self, repository: &str, commands: &[TrustedCommand]) -> bool {
        let here: Vec<&Trusted> = self.entries.iter().filter(|each| each.repository == repository).collect();
        commands.iter().all(|command| here.iter().any(|each| each.commands.contains(command)))
    }

    /// Reads a store's text; an empty one trusts nothing.
    ///
    /// # Errors
    /// When the text is not a store's; nothing is trusted then.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let malformed = |error: &dyn std::fmt::Display| {
            StoreError::Malformed(error.to_string().lines().next().unwrap_or_default().to_owned())
        };
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| malformed(&error))?;
        if let Some(schema) = table.get("schema").and_then(toml::Value::as_integer)
            && schema > STORE_SCHEMA
        {
            return Err(StoreError::Newer(schema));
        }
        let file: StoreFile = table.try_into().map_err(|error: toml::de::Error| malformed(&error))?;
        let entry = |entry: TrustedFile| {
            let when = entry.when.parse().map_err(|error: jiff::Error| malformed(&error))?;
            let TrustedFile { repository, fingerprint, command: commands, .. } = entry;
            Ok(Trusted { repository, fingerprint, when, commands })
        };
        Ok(Self { entries: file.trusted.into_iter().map(entry).collect::<Result<_, _>>()? })
    }

    /// Writes the store.
    ///
    /// # Errors
    /// When an entry cannot be written as TOML.
    pub fn render(&self) -> Result<String, StoreError> {
        let entry = |entry: &Trusted| TrustedFile {
            repository: entry.repository.clone(),
            fingerprint: entry.fingerprint.clone(),
            when: entry.when.to_string(),
            command: entry.commands.clone(),
        };
        let file = StoreFile { schema: STORE_SCHEMA, trusted: self.entries.iter().map(entry).collect() };
        let text = toml::to_string(&file).map_err(|error| StoreError::Malformed(error.to_string()))?;
        Ok(format!("# What `orch trust` has allowed on this machine.\n{text}"))
    }

    /// Whether these commands were allowed in this repository.
    #[must_use]
    pub fn trusts(&self, repository: &str, fingerprint: &str) -> bool {
        self.entries.iter().any(|entry| entry.repository == repository && entry.fingerprint == fingerprint)
    }

    /// What was last allowed in a repository.
    #[must_use]
    pub fn latest(&self, repository: &str) -> Option<&Trusted> {
        self.entries.iter().rev().find(|entry| entry.repository == repository)
    }

    /// Allows commands; the oldest entries of the same repository go when there are many.
    pub fn allow(&mut self, repository: &str, commands: &[TrustedCommand], when: Timestamp) {
        let fingerprint = fingerprint(repository, commands);
        self.entries.retain(|entry| entry.repository != repository || entry.fingerprint != fingerprint);
        let same = self.entries.iter().filter(|entry| entry.repository == repository).count();
        let mut surplus = (same + 1).saturating_sub(KEPT_PER_REPOSITORY);
        self.entries.retain(|entry| {
            let goes = surplus > 0 && entry.repository == repository;
            surplus -= usize::from(goes);
            !goes
        });
        let (repository, commands) = (repository.to_owned(), commands.to_vec());
        self.entries.push(Trusted { repository, fingerprint, when, commands });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{
        Adapter, Budget, ContextConfig, GateConfig, Integration, ModePolicy, PlanConfig, Policy, Profile,
        Project, PromptConfig, Regate, ReviewPolicy, WorkspaceConfig,
    };
    use proptest::prelude::*;

    fn config() -> Config {
        let script = Profile {
            command: vec!["./agent.sh".to_owned(), "it's a".to_owned(), String::new()],
            ..Profile::new("script", Adapter::Command)
        };
        Config {
            project: Project::default(),
            prompt: PromptConfig { budget_tokens: 600, review_tokens: 6_000, plan_tokens: 1_500 },
            policy: Policy {
                max_attempts: 3,
                max_steps_per_task: 5,
                mode: ModePolicy::Auto,
                review: ReviewPolicy::None,
                integration: Integration::Branch,
                regate: Regate::Overlap,
                protect: Vec::new(),
                allow: Vec::new(),
                deny: Vec::new(),
                gate_jobs: 2,
            },
            budget: Budget::default(),
            context: ContextConfig { compact_at: 0.8, rotate_at: 0.95, task_share: 0.5 },
            workspace: WorkspaceConfig { setup: Some("npm ci".to_owned()), ..WorkspaceConfig::default() },
            agents: vec![Profile::new("claude", Adapter::Claude), script],
            gates: vec![GateConfig::new("test", "cargo test")],
            reviews: Vec::new(),
            plan: PlanConfig::default(),
            provenance: BTreeMap::new(),
        }
    }

    fn command(what: &str, command: &str) -> TrustedCommand {
        TrustedCommand::new(what, command)
    }

    fn run(id: &str, run: &str) -> (TaskId, String) {
        (TaskId::new(id).unwrap(), run.to_owned())
    }

    #[test]
    fn every_command_of_a_repository_is_listed() {
        let list = commands(&config(), &[run("t-2", "b"), run("t-1", "a")]);
        let expected = [
            command("`workspace.setup`", "npm ci"),
            command("agent `script`", r"./agent.sh 'it'\''s a' ''"),
            command("gate `test`", "cargo test"),
            command("task `t-1`", "a"),
            command("task `t-2`", "b"),
        ];
        assert_eq!(list, expected);
    }

    #[test]
    fn an_agent_of_the_users_own_file_needs_no_trust() {
        let mut config = config();
        config.provenance.insert("agent.script".to_owned(), "/home/u/.config/orch/config.toml:3".to_owned());
        assert!(!commands(&config, &[]).iter().any(|command| command.what.starts_with("agent")));
        config.provenance.insert("agent.script".to_owned(), ".orchestrator/config.toml:3".to_owned());
        assert!(commands(&config, &[]).iter().any(|command| command.what == "agent `script`"));
    }

    #[test]
    fn a_fingerprint_means_one_set_of_commands_in_one_repository() {
        let base = [command("gate `a`", "x"), command("gate `b`", "y")];
        let print = fingerprint("r", &base);
        assert_eq!(print.len(), 64);
        assert_eq!(print, fingerprint("r", &[base[1].clone(), base[0].clone()]), "order means nothing");
        for other in [
            vec![],
            vec![base[0].clone()],
            vec![command("gate `a`", "y"), command("gate `b`", "x")],
            // The same letters, cut elsewhere.
            vec![command("gate `a`x", ""), command("gate `b`", "y")],
            vec![command("gate `a`", "xgate `b`y")],
        ] {
            assert_ne!(print, fingerprint("r", &other), "{other:?}");
        }
        assert_ne!(print, fingerprint("s", &base));
        assert_ne!(fingerprint("ra", &[command("b", "")]), fingerprint("r", &[command("ab", "")]));
        assert_eq!(
            fingerprint("r", &commands(&config(), &[run("t-1", "a"), run("t-2", "b")])),
            fingerprint("r", &commands(&config(), &[run("t-2", "b"), run("t-1", "a")])),
        );
    }

    #[test]
    fn a_difference_names_what_was_added_changed_and_removed() {
        let old = [command("a", "1"), command("b", "2"), command("c", "3")];
        let new = [command("c", "4"), command("d", "5"), command("a", "1")];
        let found = difference(&old, &new);
        assert_eq!(found.added, [command("d", "5")]);
        assert_eq!(found.changed, [(command("c", "3"), command("c", "4"))]);
        assert_eq!(found.removed, [command("b", "2")]);
        assert!(difference(&old, &old).is_empty() && !found.is_empty());
        assert_eq!(found.lines(), ["c: 3 -> 4", "d (new): 5", "b (gone): 2"]);
        let mut store = Store::default();
        assert!(store.since("r", &new).is_empty(), "there is nothing to compare with");
        store.allow("r", &old, Timestamp::UNIX_EPOCH);
        assert_eq!(store.since("r", &new), found);
        assert!(store.since("s", &new).is_empty());
        assert!(store.knows("r", &old[..1]) && !store.knows("r", &new) && !store.knows("s", &old));
    }

    #[test]
    fn a_store_trusts_what_was_allowed_and_nothing_else() {
        let mut store = Store::default();
        let list = [command("gate `test`", "cargo test\n'\"\\ \u{7f}")];
        store.allow("r", &list, Timestamp::UNIX_EPOCH);
        let store = Store::parse(&store.render().unwrap()).unwrap();
        let print = fingerprint("r", &list);
        assert!(store.trusts("r", &print) && !store.trusts("s", &print) && !store.trusts("r", ""));
        assert_eq!(store.latest("r").unwrap().commands, list);
        assert_eq!(store.latest("s"), None);
    }

    #[test]
    fn a_store_keeps_the_newest_entries_of_a_repository() {
        let mut store = Store::default();
        store.allow("other", &[], Timestamp::UNIX_EPOCH);
        for n in 0..40 {
            store.allow("r", &[command("gate", &n.to_string())], Timestamp::UNIX_EPOCH);
        }
        store.allow("r", &[command("gate", "39")], Timestamp::UNIX_EPOCH);
        assert_eq!(store.entries.len(), 1 + KEPT_PER_REPOSITORY);
        assert!(store.trusts("r", &fingerprint("r", &[command("gate", "39")])));
        assert!(!store.trusts("r", &fingerprint("r", &[command("gate", "0")])));
        assert!(store.latest("other").is_some());
    }

    #[test]
    fn a_store_that_is_damaged_or_newer_trusts_nothing() {
        assert_eq!(Store::parse(" \n"), Ok(Store::default()));
        assert_eq!(Store::parse("schema = 2\nmore = 1"), Err(StoreError::Newer(2)));
        for text in
            ["x", "schema = 'a'", "schema = 1\nother = 1", "schema = 1\n[[trusted]]\nrepository = 'r'"]
        {
            assert!(matches!(Store::parse(text), Err(StoreError::Malformed(_))), "{text}");
        }
        let deep = format!("schema = {}1", "[".repeat(100_000));
        assert!(Store::parse(&deep).is_err());
    }

    proptest! {
        #[test]
        fn a_store_is_read_back(entries in proptest::collection::vec((".*", ".*", ".*", 0_i64..4_000_000_000), 0..5)) {
            let mut store = Store::default();
            for (repository, what, line, second) in &entries {
                let when = Timestamp::from_second(*second).unwrap();
                store.allow(repository, &[command(what, line)], when);
            }
            prop_assert_eq!(Store::parse(&store.render().unwrap()), Ok(store));
        }

        #[test]
        fn no_text_makes_the_store_panic(text in ".*") {
            let _ = Store::parse(&text);
        }

        #[test]
        fn arguments_that_differ_are_spelt_differently(a in proptest::collection::vec("[a' ]{0,3}", 0..4), b in proptest::collection::vec("[a' ]{0,3}", 0..4)) {
            prop_assert_eq!(a == b, shell::line(&a) == shell::line(&b));
        }
    }
}
