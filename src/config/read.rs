//! Settings from their layers: the defaults, the repository's file, the user's own file.
//!
//! In: the files' bytes. Out: a [`Config`] with where each value came from, or all problems at once.
//! Invariant: every default is in `default.toml`; a key that nobody knows is an error.
//! Not here: where the files lie, and which commit the repository's one is from.

use super::ask;
use super::section::{self, Section, Sources};
use super::{
    Adapter, Budget, Config, ContextConfig, GateConfig, Integration, ModePolicy, PlanConfig, Policy, Profile,
    Project, PromptConfig, Regate, ReviewPolicy, WorkspaceConfig, entry, entry_key, tighten,
};
use crate::state::concern::is_built_in;
use crate::state::file::Read;
use crate::state::file::fields::{Document, Table};
use crate::state::layout;
use crate::state::problem::{Problem, Severity};
use std::collections::BTreeMap;

/// The compiled-in defaults: readable, with a comment for every key.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// Every key that is set once, in the order of the file.
pub const KEYS: &[&str] = &[
    "project.branch",
    "project.author",
    "project.tests",
    "prompt.budget_tokens",
    "prompt.review_tokens",
    "prompt.plan_tokens",
    "policy.max_attempts",
    "policy.max_steps_per_task",
    "policy.mode",
    "policy.review",
    "policy.integration",
    "policy.regate",
    "policy.protect",
    "policy.allow",
    "policy.deny",
    "policy.gate_jobs",
    "budget.step_usd",
    "budget.task_usd",
    "budget.day_usd",
    "budget.month_usd",
    "budget.step_tokens",
    "budget.task_tokens",
    "budget.day_tokens",
    "budget.month_tokens",
    "context.compact_at",
    "context.rotate_at",
    "context.task_share",
    "plan.agent",
    "plan.floor",
    "plan.split",
    "plan.land",
    "plan.most",
    "workspace.setup",
    "workspace.root",
    "workspace.keep",
];

/// The files that say something, beside the compiled-in one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Layers<'a> {
    /// `.orchestrator/config.toml` of the base commit.
    pub repository: Option<&'a [u8]>,
    /// The user's own file: its path as it is shown, and its content.
    pub user: Option<(&'a str, &'a [u8])>,
}

/// What an entry of a list has that says nothing, and what is always there.
#[derive(Debug, Clone)]
struct Defaults {
    agent: Profile,
    gate: GateConfig,
    built_in: Vec<Profile>,
}

impl Defaults {
    fn nothing() -> Self {
        let (agent, gate) = (Profile::new("", Adapter::Command), GateConfig::new("", ""));
        Self { agent, gate, built_in: Vec::new() }
    }
}

/// Reads the settings.
#[must_use]
pub fn read(layers: &Layers<'_>) -> Read<Config> {
    let mut config = nothing();
    let mut defaults = Defaults::nothing();
    let mut problems = overlay_defaults(&mut config, &mut defaults);
    if let Some(bytes) = layers.repository {
        problems.extend(overlay(layout::CONFIG, bytes, &mut config, &defaults));
        problems.extend(only_the_users(&config));
    }
    if let Some((path, bytes)) = layers.user {
        let mut user = Config {
            agents: Vec::new(),
            gates: Vec::new(),
            reviews: Vec::new(),
            provenance: BTreeMap::new(),
            ..config.clone()
        };
        let found = overlay(path, bytes, &mut user, &defaults);
        let usable = !found.iter().any(Problem::is_error);
        problems.extend(found);
        if usable {
            problems.extend(tighten::tighten(&mut config, user, path));
        }
    }
    add_built_in(&mut config, defaults.built_in, &mut problems);
    let warning = |problem| Problem { severity: Severity::Warning, ..problem };
    problems.extend(namesakes(&config).into_iter().map(warning));
    let value = Some(config).filter(|_| !problems.iter().any(Problem::is_error));
    Read { value, problems }
}

/// Gates with the name of a built-in one. Records and trailers name gates, and one of two would speak for both, so no
/// step begins with such a configuration. It can be used all the same: history has it, and is judged by it.
#[must_use]
pub fn namesakes(config: &Config) -> Vec<Problem> {
    let is_one = |gate: &&GateConfig| is_built_in(&gate.name.to_ascii_lowercase());
    let told = |gate: &GateConfig| {
        let (path, line) = place(config, &entry_key("gate", &gate.name));
        let fact = format!("`{}` is a built-in gate, so no step runs", gate.name);
        Problem::error(path, line, fact).with_remedy("give the gate another name")
    };
    config.gates.iter().filter(is_one).map(told).collect()
}

/// Where a value was set: the file, and the line if it is known.
fn place<'c>(config: &'c Config, key: &str) -> (&'c str, Option<usize>) {
    let source = config.provenance.get(key).and_then(|source| source.rsplit_once(':'));
    source.map_or((layout::CONFIG, None), |(path, line)| (path, line.parse().ok()))
}

/// What a repository may not say: where folders are made and emptied on somebody's machine.
fn only_the_users(config: &Config) -> Option<Problem> {
    let key = "workspace.root";
    config.workspace.root.as_ref()?;
    let line = config.provenance.get(key)?.rsplit_once(':')?.1.parse().ok();
    let fact = format!("`{key}` is refused here: a repository could name any folder of a machine");
    let remedy = "remove it, and set it in your own `~/.config/orch/config.toml`";
    Some(Problem::error(layout::CONFIG, line, fact).with_remedy(remedy))
}

/// The folder of all workspaces and where it was set, if the user's own file says it. It is needed
/// where nothing else is known yet, so whatever else that file says does not matter here.
///
/// # Errors
/// When the file is no TOML, or names what cannot be a folder.
pub fn workspace_root(path: &str, bytes: &[u8]) -> Result<Option<(String, String)>, Vec<Problem>> {
    let table = std::str::from_utf8(bytes).ok();
    let table =
        table.and_then(|text| toml::from_str::<toml::Table>(text.trim_start_matches('\u{feff}')).ok());
    if table.is_some_and(|table| table.get("workspace").and_then(|table| table.get("root")).is_none()) {
        return Ok(None);
    }
    let (mut config, mut defaults) = (nothing(), Defaults::nothing());
    overlay_defaults(&mut config, &mut defaults);
    let problems = overlay(path, bytes, &mut config, &defaults);
    let source = config.provenance.remove("workspace.root").unwrap_or_default();
    match config.workspace.root {
        Some(root) => Ok(Some((root, source))),
        None => Err(problems),
    }
}

/// What stands before anything was read: nothing is allowed.
fn nothing() -> Config {
    Config {
        project: Project::default(),
        prompt: PromptConfig { budget_tokens: 0, review_tokens: 0, plan_tokens: 0 },
        policy: Policy {
            max_attempts: 0,
            max_steps_per_task: 0,
            mode: ModePolicy::Auto,
            review: ReviewPolicy::Human,
            integration: Integration::PullRequest,
            regate: Regate::Always,
            protect: Vec::new(),
            allow: Vec::new(),
            deny: Vec::new(),
            gate_jobs: 1,
        },
        budget: Budget::default(),
        context: ContextConfig { compact_at: 0.0, rotate_at: 0.0, task_share: 0.0 },
        workspace: WorkspaceConfig::default(),
        agents: Vec::new(),
        gates: Vec::new(),
        reviews: Vec::new(),
        plan: PlanConfig::default(),
        provenance: KEYS.iter().map(|key| ((*key).to_owned(), "default".to_owned())).collect(),
    }
}

/// Reads `default.toml`, which alone may say what entries have that say nothing.
fn overlay_defaults(config: &mut Config, defaults: &mut Defaults) -> Vec<Problem> {
    let document = Document::parse("default.toml", DEFAULT_TOML.as_bytes());
    let mut sources = Sources::default();
    let mut root = document.root();
    root.schema();
    section::overlay(&mut root, config, &mut sources);
    if let Some(mut tables) = root.table("defaults") {
        if let Some(table) = tables.table("agent") {
            let mut section = Section::entry(table, "defaults", "agent", &mut sources);
            entry::agent_defaults(&mut section, &mut defaults.agent);
            section.end();
        }
        if let Some(table) = tables.table("gate") {
            let mut section = Section::entry(table, "defaults", "gate", &mut sources);
            entry::gate_defaults(&mut section, &mut defaults.gate);
            section.end();
        }
        tables.unknown_keys(Severity::Error);
    }
    defaults.built_in = entry::agents(&mut root, &defaults.agent, &mut sources);
    root.unknown_keys(Severity::Error);
    drop(root);
    document.finish(Some(())).problems
}

/// Lays a file over the settings; its lists are appended.
fn overlay(path: &str, bytes: &[u8], config: &mut Config, defaults: &Defaults) -> Vec<Problem> {
    let document = Document::parse(path, bytes);
    let mut sources = Sources { path: Some(path.to_owned()), map: BTreeMap::new() };
    let mut root: Table<'_> = document.root();
    root.schema();
    section::overlay(&mut root, config, &mut sources);
    config.agents.extend(entry::agents(&mut root, &defaults.agent, &mut sources));
    config.gates.extend(entry::gates(&mut root, &defaults.gate, &mut sources));
    config.reviews.extend(ask::reviews(&mut root, &mut sources));
    config.provenance.append(&mut sources.map);
    root.unknown_keys(Severity::Error);
    drop(root);
    document.finish(Some(())).problems
}

/// Appends the built-in agents, but for the adapters that are configured.
fn add_built_in(config: &mut Config, built_in: Vec<Profile>, problems: &mut Vec<Problem>) {
    for profile in built_in {
        if config.agents.iter().any(|agent| agent.adapter == profile.adapter) {
            continue;
        }
        let same = config.agents.iter().find(|agent| agent.name.eq_ignore_ascii_case(&profile.name));
        if let Some(agent) = same {
            let (path, line) = place(config, &entry_key("agent", &agent.name));
            let fact = format!("agent `{}` has the name of the built-in one", agent.name);
            let remedy = format!("give it another name, or adapter = \"{}\"", profile.adapter.as_str());
            problems.push(Problem::error(path, line, fact).with_remedy(remedy));
            continue;
        }
        config.provenance.insert(entry_key("agent", &profile.name), "default".to_owned());
        config.agents.push(profile);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Price;
    use proptest::prelude::*;
    use std::time::Duration;

    const USER: &str = "/home/u/.config/orch/config.toml";

    fn layers<'a>(repository: &'a str, user: &'a str) -> Read<Config> {
        let user = Some((USER, user.as_bytes())).filter(|(_, bytes)| !bytes.is_empty());
        read(&Layers { repository: Some(repository.as_bytes()), user })
    }

    /// The settings of a repository's file without its first line, and what is wrong with it.
    fn of(text: &str) -> (Option<Config>, Vec<String>) {
        let read = layers(&format!("schema = 1\n{text}"), "");
        let shown = |problem: &Problem| {
            let remedy = problem.remedy.as_ref().map_or_else(String::new, |remedy| format!(" ({remedy})"));
            format!("{problem}{remedy}").replace(".orchestrator/config.toml", "config")
        };
        (read.value, read.problems.iter().map(shown).collect())
    }

    fn good(text: &str) -> Config {
        let (config, problems) = of(text);
        assert_eq!(problems, [""; 0], "{text}");
        config.unwrap()
    }

    fn bad(text: &str) -> Vec<String> {
        let (config, problems) = of(text);
        assert_eq!(config, None, "{text}");
        problems
    }

    #[test]
    fn only_the_users_own_file_says_where_workspaces_lie() {
        let text = "schema = 1\n[workspace]\nroot = '~/x'\n";
        let found = layers(text, text);
        let told: Vec<String> = found.problems.iter().map(Problem::to_string).collect();
        assert_eq!(
            told,
            [
                ".orchestrator/config.toml:3: `workspace.root` is refused here: a repository could name any folder of a machine"
            ]
        );
        let config = layers("schema = 1\n", text).value.unwrap();
        assert_eq!(config.workspace.root.as_deref(), Some("~/x"));
        let source = format!("{USER}:3");
        assert_eq!(config.provenance["workspace.root"], source);
        assert_eq!(workspace_root(USER, text.as_bytes()), Ok(Some(("~/x".to_owned(), source.clone()))));
        // Whatever else is wrong with the file is told by who reads all of it.
        let more = format!("{text}[no.such]\nkey = 1\n");
        assert_eq!(workspace_root(USER, more.as_bytes()), Ok(Some(("~/x".to_owned(), source))));
        assert_eq!(workspace_root(USER, b"schema = 1\nunknown = 1\n"), Ok(None));
        assert!(workspace_root(USER, b"[workspace]\nroot = 7\n").is_err());
        assert!(workspace_root(USER, b"[workspace\n").is_err());
        assert!(workspace_root(USER, b"\xff").is_err());
    }

    #[test]
    fn the_defaults_are_read_without_problems() {
        let read = read(&Layers::default());
        assert_eq!(read.problems, []);
        let config = read.value.unwrap();
        assert_eq!(config.prompt.budget_tokens, 600);
        assert_eq!((config.policy.max_attempts, config.policy.max_steps_per_task), (3, 5));
        assert_eq!((config.policy.mode, config.policy.review), (ModePolicy::Auto, ReviewPolicy::None));
        assert_eq!((config.policy.integration, config.policy.regate), (Integration::Branch, Regate::Overlap));
        assert_eq!(config.context, ContextConfig { compact_at: 0.8, rotate_at: 0.95, task_share: 0.5 });
        assert_eq!((config.budget, config.project), (Budget::default(), Project::default()));
        assert_eq!((config.agents.len(), config.gates.len()), (1, 0));
        let shell = &config.agents[0];
        assert_eq!((shell.adapter, shell.capability, shell.env.len()), (Adapter::Shell, 10, 0));
        assert!(KEYS.iter().all(|key| config.provenance[*key] == "default"));
    }

    #[test]
    fn every_key_has_its_default_in_the_file_or_says_why_not() {
        for (table, key) in KEYS.iter().map(|key| key.split_once('.').unwrap()) {
            let section = DEFAULT_TOML.split(&format!("\n[{table}]")).nth(1).unwrap();
            let section = section.split("\n[").next().unwrap();
            let set = section.lines().any(|line| line.starts_with(&format!("{key} = ")));
            let told = section.lines().any(|line| line.starts_with(&format!("# {key} = ")));
            assert!(set || told, "{table}.{key}");
        }
        let defaults = good("[[gate]]\nname = 'a'\nrun = 'b'\n[[agent]]\nname = 'c'\nadapter = 'codex'\n");
        assert_eq!(defaults.gates, [GateConfig::new("a", "b")]);
        assert_eq!(defaults.agents[0], Profile::new("c", Adapter::Codex));
    }

    #[test]
    fn a_repository_says_what_it_wants() {
        let config = good(
            r#"
[project]
branch = "main"
author = { name = "orch", email = "orch@example.com" }
[policy]
max_attempts = 20
mode = "stabilize"
review = "human"
integration = "pull-request"
regate = "always"
protect = ["deploy/**"]
[budget]
step_usd = 2
day_usd = 20.5
[context]
compact_at = 0.5
[workspace]
setup = "npm ci"
keep = ["node_modules"]
[[agent]]
name = "sonnet"
adapter = "claude"
model = "claude-sonnet-5-5"
effort = "medium"
capability = 7
context_window = 1000000
price = { input = 2.0, cached = 0.1, output = 10.0 }
timeout = "1h30m"
idle_timeout = "0s"
env = ["ANTHROPIC_API_KEY"]
sandbox = "bwrap"
[[gate]]
name = "test"
run = "cargo test"
needs = ["build"]
metric = { name = "passed", regex = "(\\d+) passed", min = 1 }
[[gate]]
name = "build"
run = "cargo build"
required = false
"#,
        );
        assert_eq!(config.project.branch.as_deref(), Some("main"));
        assert_eq!(config.project.author.as_ref().unwrap().email, "orch@example.com");
        assert_eq!((config.policy.max_attempts, config.policy.mode), (20, ModePolicy::Stabilize));
        assert_eq!(config.policy.protect, ["deploy/**"]);
        assert_eq!((config.budget.step_usd, config.budget.day_usd), (Some(2.0), Some(20.5)));
        assert_eq!((config.context.compact_at, config.context.rotate_at), (0.5, 0.95));
        assert_eq!(config.workspace.setup.as_deref(), Some("npm ci"));
        assert_eq!(config.workspace.keep, ["node_modules"]);
        let agent = &config.agents[0];
        assert_eq!(agent.price, Some(Price { input: 2.0, cached: 0.1, output: 10.0 }));
        assert_eq!((agent.timeout, agent.idle_timeout), (Duration::from_secs(5_400), None));
        assert_eq!((agent.capability, agent.sandbox.as_str()), (7, "bwrap"));
        assert_eq!(config.gates[0].needs, ["build"]);
        assert_eq!(config.gates[0].metric.as_ref().unwrap().min, Some(1.0));
        assert!(!config.gates[1].required);
        for (key, source) in [
            ("policy.max_attempts", ".orchestrator/config.toml:7"),
            ("policy.max_steps_per_task", "default"),
            ("agent.sonnet", ".orchestrator/config.toml:21"),
            ("agent.sonnet.capability", ".orchestrator/config.toml:26"),
            ("gate.build.required", ".orchestrator/config.toml:41"),
            ("agent.shell", "default"),
        ] {
            assert_eq!(config.provenance.get(key).map(String::as_str), Some(source), "{key}");
        }
    }

    #[test]
    fn each_rule_is_explained_with_its_line() {
        for (text, expected) in [
            ("nmae = 1", "config:2: unknown key `nmae`"),
            ("[polcy]", "config:2: unknown key `polcy` (did you mean `policy`?)"),
            (
                "[policy]\nmax_atempts = 3",
                "config:3: unknown key `policy.max_atempts` (did you mean `max_attempts`?)",
            ),
            ("[defaults.gate]\ntimeout = '1m'", "config:2: unknown key `defaults`"),
            ("[policy]\nmax_attempts = 0", "config:3: `policy.max_attempts` has to be between 1 and 20"),
            ("[policy]\nmax_attempts = 21", "config:3: `policy.max_attempts` has to be between 1 and 20"),
            (
                "[policy]\nmax_attempts = '3'",
                "config:3: `policy.max_attempts` has to be an integer, not a string",
            ),
            ("[budget]\nday_usd = -1", "config:3: `budget.day_usd` has to be between 0 and 1000000000"),
            ("[budget]\nday_usd = inf", "config:3: `budget.day_usd` has to be between 0 and 1000000000"),
            ("[budget]\nday_usd = nan", "config:3: `budget.day_usd` has to be between 0 and 1000000000"),
            ("[context]\ntask_share = 1.1", "config:3: `context.task_share` has to be between 0 and 1"),
            (
                "[context]\nrotate_at = 0.5",
                "config:3: `context.compact_at` (0.8) is above `context.rotate_at` (0.5) (a session is compacted before a fresh one takes over)",
            ),
            (
                "[policy]\nmode = 'fast'",
                "config:3: unknown mode `fast` (one of auto, balance, stabilize, accelerate)",
            ),
            (
                "[project]\nbranch = 'refs/heads/main'",
                "config:3: `project.branch`: a branch is written without `refs/heads/`",
            ),
            (
                "[project]\nauthor = { name = 'a' }",
                "config:3: `project.author.email` is missing (write author = { name = \"…\", email = \"…\" })",
            ),
            (
                "[policy]\nprotect = ['[']",
                "config:3: `[` in `protect`: unclosed character class; missing ']'",
            ),
            ("[workspace]\nsetup = ' '", "config:3: `workspace.setup`: a command cannot be empty"),
        ] {
            assert_eq!(bad(text), [expected]);
        }
        assert_eq!(
            layers("[policy]\n", "").problems[0].to_string(),
            ".orchestrator/config.toml: `schema` is missing"
        );
        assert!(layers("schema = 2\n", "").value.is_none());
    }

    #[test]
    fn each_rule_of_an_agent_is_explained_with_its_line() {
        let agent = |keys: &str| bad(&format!("[[agent]]\nname = 'a'\nadapter = 'claude'\n{keys}\n"));
        for (keys, expected) in [
            ("capability = 0", "config:5: `agent.capability` has to be between 1 and 10"),
            ("capability = 11", "config:5: `agent.capability` has to be between 1 and 10"),
            (
                "timeout = '45'",
                "config:5: `45` has a number without a unit (write it like \"45m\", \"90s\", \"1h30m\" or \"2d\")",
            ),
            ("timeout = '0s'", "config:5: `timeout` has to be longer than nothing"),
            (
                "sandbox = 'bwarp'",
                "config:5: `agent.sandbox`: one of auto, none, bwrap, landlock, did you mean `bwrap`?",
            ),
            ("effort = 'max'", "config:5: `agent.effort`: one of low, medium, high"),
            ("model = '--help'", "config:5: `agent.model`: it may not begin with `-`"),
            ("env = ['A-B']", "config:5: `A-B` in `env`: not a name of an environment variable"),
            ("max_parallel = 0", "config:5: `agent.max_parallel` has to be between 1 and 64"),
            ("context_window = 0", "config:5: `agent.context_window` has to be between 1 and 1000000000"),
            (
                "price = { input = -1, output = 1 }",
                "config:5: `agent.price.input` has to be between 0 and 1000000",
            ),
            (
                "command = ['x']",
                "config:5: agent `a` has the adapter `claude`, which takes no `command` (remove the key, or use adapter = \"command\")",
            ),
            ("colour = 1", "config:5: unknown key `agent.colour`"),
        ] {
            assert_eq!(agent(keys), [expected]);
        }
        assert_eq!(
            bad("[[agent]]\nname = 'a'\nadapter = 'command'\n"),
            [
                "config:2: agent `a` has the adapter `command` and no `command` (add command = [\"./tools/agent.sh\"])"
            ]
        );
        assert_eq!(
            bad("[[agent]]\nname = 'a b'\nadapter = 'codex'\n").len(),
            1,
            "names are ids, as those of tasks are"
        );
        assert_eq!(bad("[[agent]]\n").len(), 1);
        assert_eq!(bad("[[agent]]\nname = 'a'\n").len(), 1);
    }

    #[test]
    fn each_rule_of_a_gate_is_explained_with_its_line() {
        let gate = |keys: &str| bad(&format!("[[gate]]\nname = 'a'\nrun = 'x'\n{keys}\n"));
        for (keys, expected) in [
            ("needs = ['b']", "config:5: gate `a` needs `b`, which is no gate (did you mean `a`?)"),
            (
                "needs = ['a']",
                "config:5: gates need each other: `a` -> `a` (remove one of these `needs` entries)",
            ),
            (
                "metric = { name = 'n', regex = '\\d+' }",
                "config:5: `gate.metric.regex`: the number has to be in a group, such as `(\\d+) passed`; one called `each` counts how often it is found",
            ),
            ("metric = { name = 'n', regex = '(' }", "config:5: `gate.metric.regex`: unclosed group"),
            (
                "metric = { name = 'n', regex = '(.)', min = 2, max = 1 }",
                "config:5: `min` (2) is above `max` (1)",
            ),
            ("required = 'yes'", "config:5: `gate.required` has to be true or false, not a string"),
            ("timeout = '0m'", "config:5: `timeout` has to be longer than nothing"),
        ] {
            assert_eq!(gate(keys), [expected]);
        }
        let cycle = "[[gate]]\nname = 'a'\nrun = 'x'\nneeds = ['b']\n[[gate]]\nname = 'b'\nrun = 'x'\nneeds = ['a']\n";
        assert_eq!(
            bad(cycle),
            ["config:5: gates need each other: `a` -> `b` -> `a` (remove one of these `needs` entries)"]
        );
        assert_eq!(
            bad("[[gate]]\nname = 'a'\n"),
            ["config:2: `gate.run` is missing (add the command that judges, such as run = \"cargo test\")"]
        );
        assert_eq!(
            bad("[[gate]]\nname = 'a'\nrun = 'x'\n[[gate]]\nname = 'A'\nrun = 'y'\n"),
            ["config:6: two entries of `gate` have the name `A`, the first is at line 3"]
        );
    }

    #[test]
    fn a_gate_with_the_name_of_a_built_in_one_is_told_and_can_still_be_read() {
        for name in ["Secrets", "execution", "tamper", "pre-commit"] {
            let (config, told) = of(&format!("[[gate]]\nname = '{name}'\nrun = 'x'\n"));
            let expected = "is a built-in gate, so no step runs (give the gate another name)";
            assert_eq!(told, [format!("config:2: `{name}` {expected}")]);
            let config = config.expect("history has such configurations");
            assert_eq!(config.gates, [GateConfig::new(name, "x")]);
            assert!(namesakes(&config).iter().all(Problem::is_error));
        }
    }

    #[test]
    fn all_problems_are_told_at_once_in_the_order_of_their_lines() {
        let problems = bad(
            "[policy]\nmax_attempts = 0\nx = 1\n[[gate]]\nname = '-'\nrun = ''\n[context]\ncompact_at = 2\n",
        );
        let lines: Vec<&str> = problems.iter().filter_map(|problem| problem.split(": ").next()).collect();
        assert_eq!(lines, ["config:3", "config:4", "config:6", "config:9"]);
    }

    #[test]
    fn the_built_in_shell_agent_comes_last_unless_another_one_is_configured() {
        let config = good("[[agent]]\nname = 'a'\nadapter = 'codex'\n");
        assert_eq!(config.agents.last().unwrap().name, "shell");
        let config = good("[[agent]]\nname = 'sh'\nadapter = 'shell'\ncapability = 3\n");
        assert_eq!(config.agents.len(), 1);
        assert_eq!(
            bad("[[agent]]\nname = 'Shell'\nadapter = 'codex'\n"),
            [
                "config:2: agent `Shell` has the name of the built-in one (give it another name, or adapter = \"shell\")"
            ]
        );
    }

    #[test]
    fn the_users_file_tightens() {
        let repository = "schema = 1\n[policy]\nmax_attempts = 5\nreview = 'agent'\nprotect = ['a/**']\n[budget]\nstep_usd = 2\n";
        let user = "schema = 1\n[policy]\nmax_attempts = 2\nmax_steps_per_task = 1\nreview = 'human'\nregate = 'always'\nprotect = ['b/**', 'a/**']\n[budget]\nstep_usd = 1\nmonth_usd = 9\n[prompt]\nbudget_tokens = 500\n[context]\ntask_share = 0.2\n";
        let read = layers(repository, user);
        assert_eq!(read.problems, []);
        let config = read.value.unwrap();
        assert_eq!((config.policy.max_attempts, config.policy.max_steps_per_task), (2, 1));
        assert_eq!((config.policy.review, config.policy.regate), (ReviewPolicy::Human, Regate::Always));
        assert_eq!(config.policy.protect, ["a/**", "b/**"]);
        assert_eq!((config.budget.step_usd, config.budget.month_usd), (Some(1.0), Some(9.0)));
        assert_eq!(config.prompt.budget_tokens, 500);
        assert!(config.context.task_share < 0.21);
        assert_eq!(config.provenance["policy.max_attempts"], format!("{USER}:3"));
        assert_eq!(
            config.provenance["policy.protect"],
            format!(".orchestrator/config.toml:5, {USER}:7"),
            "both files have a say"
        );
    }

    #[test]
    fn the_users_file_never_loosens() {
        let repository = "schema = 1\n[policy]\nmax_attempts = 2\nreview = 'agent'\n[budget]\nstep_usd = 2.5\n[[gate]]\nname = 'test'\nrun = 'x'\n[[agent]]\nname = 'a'\nadapter = 'codex'\n";
        let user = "schema = 1\n[policy]\nmax_attempts = 3\nmax_steps_per_task = 6\nreview = 'none'\nregate = 'never'\nmode = 'accelerate'\nprotect = []\n[budget]\nstep_usd = 3\n[prompt]\nbudget_tokens = 700\n[workspace]\nsetup = 'evil'\n[context]\nrotate_at = 1.0\n[[gate]]\nname = 'test'\nrun = 'true'\n[[gate]]\nname = 'more'\nrun = 'true'\n[[agent]]\nname = 'A'\nadapter = 'gemini'\n";
        let read = layers(repository, user);
        let alone = layers(repository, "").value.unwrap();
        let both = Config { provenance: alone.provenance.clone(), ..read.value.unwrap() };
        assert_eq!(both, alone, "nothing of it is taken");
        let told: Vec<String> = read.problems.iter().map(|p| p.to_string().replace(USER, "user")).collect();
        let repo = ".orchestrator/config.toml";
        for expected in [
            format!("user:3: `policy.max_attempts` is ignored: it would loosen 2 of {repo}:3"),
            "user:4: `policy.max_steps_per_task` is ignored: it would loosen 5 of default".to_owned(),
            format!("user:5: `policy.review` is ignored: it would loosen `agent` of {repo}:4"),
            "user:6: `policy.regate` is ignored: it would loosen `overlap` of default".to_owned(),
            "user:7: `policy.mode` is ignored: only the repository says it, here default".to_owned(),
            format!("user:10: `budget.step_usd` is ignored: it would loosen 2.5 of {repo}:6"),
            "user:12: `prompt.budget_tokens` is ignored: it would loosen 600 of default".to_owned(),
            "user:14: `workspace.setup` is ignored: only the repository says it, here default".to_owned(),
            "user:16: `context.rotate_at` is ignored: it would loosen 0.95 of default".to_owned(),
            format!("user:17: gate `test` is ignored: {repo}:7 has it already"),
            "user:20: gate `more` is ignored: only the repository names gates".to_owned(),
            format!("user:23: agent `A` is ignored: {repo}:10 has it already"),
        ] {
            assert!(told.contains(&expected), "{expected}\n{told:#?}");
        }
        assert_eq!(told.len(), 12);
    }

    #[test]
    fn the_users_file_adds_agents_before_the_built_in_one() {
        let user = "schema = 1\n[[agent]]\nname = 'mine'\nadapter = 'command'\ncommand = ['x']\n";
        let config = layers("schema = 1\n[[agent]]\nname = 'a'\nadapter = 'codex'\n", user).value.unwrap();
        let names: Vec<&str> = config.agents.iter().map(|agent| agent.name.as_str()).collect();
        assert_eq!(names, ["a", "mine", "shell"]);
        assert_eq!(config.provenance["agent.mine.command"], format!("{USER}:5"));
        assert!(crate::config::trust::commands(&config, &[]).is_empty(), "the user trusts the user");
    }

    #[test]
    fn no_agent_of_the_user_lends_its_trust_to_one_of_the_repository() {
        let repository =
            "schema = 1\n[[agent]]\nname = 'mine.command'\nadapter = 'command'\ncommand = ['evil']\n";
        let user = "schema = 1\n[[agent]]\nname = 'mine'\nadapter = 'command'\ncommand = ['x']\n";
        let config = layers(repository, user).value.unwrap();
        let listed = crate::config::trust::commands(&config, &[]);
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].command, "evil");
    }

    #[test]
    fn a_broken_file_of_the_user_is_an_error_of_that_file() {
        let read = layers("schema = 1\n", "schema = 1\n[budgt]\n");
        assert_eq!(read.value, None);
        assert_eq!(read.problems[0].to_string(), format!("{USER}:2: unknown key `budgt`"));
    }

    #[test]
    fn too_many_entries_are_refused_before_they_are_looked_at() {
        let one = |n: usize| {
            format!(
                "[[gate]]\nname = 'g{n}'\nrun = 'x'\nmetric = {{ name = 'n', regex = '((\\w{{50}}){{9}}' }}\n"
            )
        };
        let text: String = (0..101).map(one).collect();
        assert_eq!(bad(&text), ["config:2: there are more than 100 entries in `gate`"]);
    }

    #[test]
    fn a_hostile_file_is_answered_with_few_problems() {
        let glob = format!("'{}',", "{a,b}[!c]**/".repeat(80));
        let globs = format!("[policy]\nprotect = [{}]\n", glob.repeat(200));
        let gate = |n: usize| {
            format!(
                "[[gate]]\nname = 'g{n}'\nrun = 'x'\nmetric = {{ name = 'n', regex = '((\\w{{50}}){{9}})' }}\nneeds = [{}]\n",
                "'nothing',".repeat(100)
            )
        };
        let gates: String = (0..100).map(gate).collect();
        assert!(of(&globs).1.len() <= 100 && of(&gates).1.len() <= 100);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(repository in proptest::collection::vec(any::<u8>(), 0..200), user in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&Layers { repository: Some(&repository), user: Some((USER, &user)) });
        }

        #[test]
        fn no_mixture_of_lines_makes_it_panic_or_loosens(lines in proptest::collection::vec(0_usize..40, 0..40), user in proptest::collection::vec(0_usize..40, 0..20)) {
            let known: Vec<&str> = DEFAULT_TOML.lines().map(|line| line.trim_start_matches("# ")).filter(|line| line.contains(" = ") || line.starts_with('[')).collect();
            let pick = |picked: &[usize]| picked.iter().map(|n| known[n % known.len()]).fold("schema = 1\n".to_owned(), |all, line| all + line + "\n");
            let (repository, user) = (pick(&lines), pick(&user));
            if let (Some(alone), Some(both)) = (layers(&repository, "").value, layers(&repository, &user).value) {
                prop_assert!(both.policy.max_attempts <= alone.policy.max_attempts);
                prop_assert!(alone.budget.day_usd.is_none_or(|limit| both.budget.day_usd.is_some_and(|now| now <= limit)));
                prop_assert_eq!(both.gates, alone.gates);
            }
        }
    }
}
