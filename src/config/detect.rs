//! What kind of project this is, which gates it can pass, and which agents are installed.
//!
//! In: the files of the repository's root and the programs on `PATH`, as data. Out: [`Detected`].
//! Invariant: a gate is proposed only where the files show that its command has something to run;
//! the same files give the same gates everywhere, installed or not, since the whole team shares them.
//! Not here: how this is written to `config.toml` (`render`).

use super::facts::FACTS;
use super::models;
use super::{GateConfig, MetricConfig, Profile};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The files of the repository's root: path to content. A directory has a `/` at its end; the
/// content matters only for the files of [`WANTED`].
pub type Listing = BTreeMap<String, String>;

/// The files whose content is looked at.
pub const WANTED: &[&str] = &[
    "Cargo.toml",
    "package.json",
    "pnpm-lock.yaml",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    ".yarnrc.yml",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "pytest.ini",
    "tox.ini",
    "requirements.txt",
    "requirements-dev.txt",
    "Pipfile",
    "conftest.py",
    "go.mod",
    "GNUmakefile",
    "makefile",
    "Makefile",
    "justfile",
    "Justfile",
    ".justfile",
];

/// The programs whose presence is asked for.
pub const PROGRAMS: &[&str] = &[
    "cargo", "rustfmt", "npm", "pnpm", "yarn", "python3", "go", "make", "just", "claude", "codex", "gemini",
    "opencode", "copilot", "aider",
];

/// A kind of project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProjectKind {
    /// Rust, by `Cargo.toml`.
    Cargo,
    /// JavaScript with npm.
    Npm,
    /// JavaScript with pnpm.
    Pnpm,
    /// JavaScript with yarn.
    Yarn,
    /// Python.
    Python,
    /// Go, by `go.mod`.
    Go,
    /// A makefile.
    Make,
    /// A justfile.
    Just,
}

impl ProjectKind {
    /// The word in output and in the names of gates.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cargo => "cargo",
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
            Self::Yarn => "yarn",
            Self::Python => "python",
            Self::Go => "go",
            Self::Make => "make",
            Self::Just => "just",
        }
    }

    /// The program that its gates need.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Python => "python3",
            Self::Cargo | Self::Npm | Self::Pnpm | Self::Yarn | Self::Go | Self::Make | Self::Just => {
                self.as_str()
            }
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Detected {
    /// Kinds of project, in the order of [`ProjectKind`].
    pub kinds: Vec<ProjectKind>,
    /// Gates, each after those that it needs.
    pub gates: Vec<GateConfig>,
    /// What prepares a workspace.
    pub setup: Option<String>,
    /// What gates may find again: folders that the tools fill by what they are given.
    pub keep: Vec<String>,
    /// Agents that are installed.
    pub agents: Vec<Profile>,
    /// Programs that the gates need and that are not on this machine's `PATH`.
    pub missing: Vec<String>,
}

/// Looks at a repository.
#[must_use]
pub fn detect(files: &Listing, programs: &BTreeSet<String>) -> Detected {
    let node = node(files);
    let mut found: Vec<(ProjectKind, Vec<GateConfig>)> = Vec::new();
    found.extend(cargo(files, programs).map(|gates| (ProjectKind::Cargo, gates)));
    found.extend(node.as_ref().map(|node| (node.kind, node.gates.clone())));
    found.extend(python(files).map(|gates| (ProjectKind::Python, gates)));
    found.extend(go(files).map(|gates| (ProjectKind::Go, gates)));
    for (kind, gate) in [(ProjectKind::Make, make(files)), (ProjectKind::Just, just(files))] {
        // A makefile beside another build system nearly always calls that one again.
        let tested = found
            .iter()
            .any(|(_, gates)| gates.iter().any(|gate| matches!(gate.name.as_str(), "test" | "check")));
        found.extend(gate.map(|gate| (kind, if tested { Vec::new() } else { gate })));
    }
    let missing = found
        .iter()
        .filter(|(kind, gates)| !gates.is_empty() && !programs.contains(kind.program()))
        .map(|(kind, _)| kind.program().to_owned())
        .collect();
    Detected {
        keep: found.iter().filter_map(|(kind, _)| kind.kept()).map(str::to_owned).collect(),
        kinds: found.iter().map(|(kind, _)| *kind).collect(),
        gates: join(found),
        setup: node.and_then(|node| node.setup),
        agents: agents(programs),
        missing,
    }
}

/// Puts the gates of all kinds into one list; names that several kinds have get the kind before them.
fn join(found: Vec<(ProjectKind, Vec<GateConfig>)>) -> Vec<GateConfig> {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for gate in found.iter().flat_map(|(_, gates)| gates) {
        *uses.entry(gate.name.clone()).or_default() += 1;
    }
    let rename = |kind: ProjectKind, name: &str| {
        let shared = uses.get(name).is_some_and(|count| *count > 1);
        if shared { format!("{}-{name}", kind.as_str()) } else { name.to_owned() }
    };
    let renamed = |kind: ProjectKind, gate: GateConfig| GateConfig {
        name: rename(kind, &gate.name),
        needs: gate.needs.iter().map(|need| rename(kind, need)).collect(),
        ..gate
    };
    found
        .into_iter()
        .flat_map(|(kind, gates)| gates.into_iter().map(move |gate| (kind, gate)))
        .map(|(kind, gate)| renamed(kind, gate))
        .collect()
}

/// A gate that may compile from nothing, since a workspace is a directory of its own.
fn slow(name: &str, run: &str, needs: &[&str]) -> GateConfig {
    GateConfig { timeout: Duration::from_secs(30 * 60), ..quick(name, run, needs) }
}

fn quick(name: &str, run: &str, needs: &[&str]) -> GateConfig {
    GateConfig { needs: needs.iter().map(|need| (*need).to_owned()).collect(), ..GateConfig::new(name, run) }
}

/// A test run that ran nothing is no evidence.
fn counted(gate: GateConfig) -> GateConfig {
    let metric = MetricConfig {
        name: "passed".to_owned(),
        regex: r"(\d+) passed".to_owned(),
        min: Some(1.0),
        max: None,
    };
    GateConfig { metric: Some(metric), ..gate }
}

fn cargo(files: &Listing, programs: &BTreeSet<String>) -> Option<Vec<GateConfig>> {
    let manifest: Option<toml::Table> = files.get("Cargo.toml")?.parse().ok();
    let has = |key: &str| manifest.as_ref().is_some_and(|table| table.contains_key(key));
    // In the root package of a workspace, cargo leaves the members out unless it is told.
    let all = if has("workspace") { " --workspace" } else { "" };
    let mut gates = vec![
        slow("build", &format!("cargo check{all} --bins --tests --examples"), &[]),
        counted(slow("test", &format!("cargo test{all}"), &["build"])),
    ];
    let formatted = files.contains_key("rustfmt.toml") || files.contains_key(".rustfmt.toml");
    if formatted && programs.contains("rustfmt") {
        gates.insert(0, quick("fmt", "cargo fmt --all --check", &[]));
    }
    Some(gates)
}

struct Node {
    kind: ProjectKind,
    gates: Vec<GateConfig>,
    setup: Option<String>,
}

fn node(files: &Listing) -> Option<Node> {
    let text = files.get("package.json")?;
    let package: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or(Value::Null);
    let kind = node_kind(files, &package);
    let program = kind.as_str();
    let mut gates = Vec::new();
    for (script, run) in [
        ("build", format!("{program} run build")),
        ("lint", format!("{program} run lint")),
        ("test", format!("{program} test")),
    ] {
        if has_script(&package, script) {
            gates.push(quick(script, &run, &[]));
        }
    }
    Some(Node { kind, gates, setup: node_setup(files, &package, kind) })
}

/// The package manager: the one that `packageManager` names, else the one whose lock file is there.
fn node_kind(files: &Listing, package: &Value) -> ProjectKind {
    let named = package.get("packageManager").and_then(Value::as_str).unwrap_or_default();
    match named.split('@').next().unwrap_or_default() {
        "pnpm" => ProjectKind::Pnpm,
        "yarn" => ProjectKind::Yarn,
        "npm" => ProjectKind::Npm,
        _ if files.contains_key("pnpm-lock.yaml") => ProjectKind::Pnpm,
        _ if files.contains_key("yarn.lock") => ProjectKind::Yarn,
        _ => ProjectKind::Npm,
    }
}

/// Whether a script does anything; `npm init` writes a test that only fails.
fn has_script(package: &Value, name: &str) -> bool {
    let script = package.get("scripts").and_then(|scripts| scripts.get(name)).and_then(Value::as_str);
    script.is_some_and(|text| !text.trim().is_empty() && !text.contains("no test specified"))
}

fn node_setup(files: &Listing, package: &Value, kind: ProjectKind) -> Option<String> {
    let package = package.as_object()?;
    let filled = |key: &&str| {
        package.get(*key).is_some_and(|value| match value {
            Value::Object(entries) => !entries.is_empty(),
            Value::Array(entries) => !entries.is_empty(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        })
    };
    let depends =
        ["dependencies", "devDependencies", "optionalDependencies", "workspaces"].iter().any(filled);
    let locked = |names: &[&str]| names.iter().any(|name| files.contains_key(*name));
    // Without a lock file none may be left behind: it would become part of the agent's work.
    let (lock, with, without): (bool, &str, &str) = match kind {
        ProjectKind::Pnpm => {
            (locked(&["pnpm-lock.yaml"]), "pnpm install --frozen-lockfile", "pnpm install --no-lockfile")
        }
        ProjectKind::Yarn if is_yarn_berry(files, package) => {
            (locked(&["yarn.lock"]), "yarn install --immutable", "yarn install")
        }
        ProjectKind::Yarn => {
            (locked(&["yarn.lock"]), "yarn install --frozen-lockfile", "yarn install --no-lockfile")
        }
        ProjectKind::Npm
        | ProjectKind::Cargo
        | ProjectKind::Python
        | ProjectKind::Go
        | ProjectKind::Make
        | ProjectKind::Just => {
            (locked(&["package-lock.json", "npm-shrinkwrap.json"]), "npm ci", "npm install --no-package-lock")
        }
    };
    (lock || depends).then(|| if lock { with } else { without }.to_owned())
}

/// Whether yarn is of version 2 or later, which spells its options differently.
fn is_yarn_berry(files: &Listing, package: &serde_json::Map<String, Value>) -> bool {
    let named = package.get("packageManager").and_then(Value::as_str).unwrap_or_default();
    let version = named.strip_prefix("yarn@").unwrap_or_default();
    let lock = files.get("yarn.lock").map_or("", String::as_str);
    (!version.is_empty() && !version.starts_with("1."))
        || files.contains_key(".yarnrc.yml")
        || lock.lines().any(|line| line.starts_with("__metadata:"))
}

fn python(files: &Listing) -> Option<Vec<GateConfig>> {
    let marks = [
        "pyproject.toml",
        "setup.py",
        "setup.cfg",
        "pytest.ini",
        "tox.ini",
        "requirements.txt",
        "requirements-dev.txt",
        "Pipfile",
        "conftest.py",
    ];
    let present: Vec<(&str, &str)> =
        marks.into_iter().filter_map(|name| Some((name, files.get(name)?.as_str()))).collect();
    if present.is_empty() {
        return None;
    }
    let mentioned = present
        .iter()
        .any(|(name, text)| matches!(*name, "pytest.ini" | "conftest.py") || text.contains("pytest"));
    if !mentioned && !has_python_tests(files) {
        return Some(Vec::new());
    }
    // A second `-q` would take away the line that has the number of tests.
    let quiet = present
        .iter()
        .flat_map(|(_, text)| text.lines())
        .any(|line| line.trim_start().starts_with("addopts") && line.contains("-q"));
    let run = if quiet { "python3 -m pytest" } else { "python3 -m pytest -q" };
    Some(vec![counted(quick("test", run, &[]))])
}

fn has_python_tests(files: &Listing) -> bool {
    files.keys().any(|path| {
        let (first, rest) =
            path.split_once('/').map_or((path.as_str(), None), |(dir, rest)| (dir, Some(rest)));
        match rest {
            Some(_) => matches!(first, "tests" | "test"),
            None => first.starts_with("test_") && first.strip_suffix(".py").is_some(),
        }
    })
}

fn go(files: &Listing) -> Option<Vec<GateConfig>> {
    files.get("go.mod")?;
    Some(vec![
        quick("build", "go build ./...", &[]),
        quick("vet", "go vet ./...", &["build"]),
        quick("test", "go test ./...", &["build"]),
    ])
}

fn make(files: &Listing) -> Option<Vec<GateConfig>> {
    // The order in which GNU make looks.
    let text = ["GNUmakefile", "makefile", "Makefile"].iter().find_map(|name| files.get(*name))?;
    let target = ["test", "check"].into_iter().find(|name| text.lines().any(|line| has_target(line, name)));
    Some(target.map(|name| slow(name, &format!("make {name}"), &[])).into_iter().collect())
}

/// Whether a line of a makefile is a rule for a target, not an assignment or a recipe.
fn has_target(line: &str, name: &str) -> bool {
    if line.starts_with(['\t', '#', '.']) {
        return false;
    }
    let Some((targets, rest)) = line.split_once(':') else { return false };
    let rest = rest.trim_start_matches(':');
    !rest.starts_with('=') && !targets.contains('=') && targets.split_whitespace().any(|word| word == name)
}

fn just(files: &Listing) -> Option<Vec<GateConfig>> {
    let text = ["justfile", "Justfile", ".justfile"].iter().find_map(|name| files.get(*name))?;
    let recipe = ["test", "check"].into_iter().find(|name| text.lines().any(|line| has_recipe(line, name)));
    Some(recipe.map(|name| slow(name, &format!("just {name}"), &[])).into_iter().collect())
}

/// Whether a line of a justfile begins a recipe that needs no arguments.
fn has_recipe(line: &str, name: &str) -> bool {
    let line = line.strip_prefix('@').unwrap_or(line);
    let Some(rest) = line.strip_prefix(name) else { return false };
    let Some((parameters, after)) = rest.split_once(':') else { return false };
    let begins = parameters.is_empty() || parameters.starts_with(char::is_whitespace);
    let optional = |word: &str| word.starts_with('*') || word.contains('=');
    begins && !after.starts_with('=') && parameters.split_whitespace().all(optional)
}

/// The profiles of the agents that are installed: of each, those that its models make worth having, or
/// one with the model that it chooses itself.
fn agents(programs: &BTreeSet<String>) -> Vec<Profile> {
    let installed = FACTS.iter().filter(|facts| programs.contains(facts.program));
    installed
        .flat_map(|facts| {
            let mut profiles = models::profiles(facts.adapter);
            if profiles.is_empty() {
                let profile = Profile::new(facts.program, facts.adapter);
                profiles.push(Profile { capability: facts.capability, ..profile });
            }
            let env: Vec<String> =
                facts.keys.iter().chain(facts.settings).map(|name| (*name).to_owned()).collect();
            profiles.into_iter().map(move |profile| Profile { env: env.clone(), ..profile })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Adapter;
    use proptest::prelude::*;

    fn look(files: &[(&str, &str)]) -> Detected {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        detect(&files, &PROGRAMS.iter().map(|name| (*name).to_owned()).collect())
    }

    fn gates(files: &[(&str, &str)]) -> Vec<(String, String)> {
        look(files).gates.into_iter().map(|gate| (gate.name, gate.run)).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(name, run)| ((*name).to_owned(), (*run).to_owned())).collect()
    }

    #[test]
    fn each_kind_of_project_has_its_gates() {
        type Case<'a> = (&'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)]);
        let cases: &[Case] = &[
            (&[("README.md", "")], &[]),
            (
                &[("Cargo.toml", "[package]\nname = \"x\"\n")],
                &[("build", "cargo check --bins --tests --examples"), ("test", "cargo test")],
            ),
            (
                &[("Cargo.toml", "[workspace]\nmembers = [\"a\"]\n"), ("rustfmt.toml", "")],
                &[
                    ("fmt", "cargo fmt --all --check"),
                    ("build", "cargo check --workspace --bins --tests --examples"),
                    ("test", "cargo test --workspace"),
                ],
            ),
            (
                &[("package.json", r#"{"scripts": {"test": "node --test", "lint": "eslint ."}}"#)],
                &[("lint", "npm run lint"), ("test", "npm test")],
            ),
            (
                &[("package.json", r#"{"scripts": {"build": "tsc"}}"#), ("pnpm-lock.yaml", "")],
                &[("build", "pnpm run build")],
            ),
            (
                &[("package.json", r#"{"scripts": {"test": "jest"}}"#), ("yarn.lock", "")],
                &[("test", "yarn test")],
            ),
            (&[("pyproject.toml", "[tool.pytest.ini_options]\n")], &[("test", "python3 -m pytest -q")]),
            (&[("setup.py", ""), ("tests/", "")], &[("test", "python3 -m pytest -q")]),
            (&[("requirements.txt", "pytest==8\n")], &[("test", "python3 -m pytest -q")]),
            (&[("pyproject.toml", ""), ("test_it.py", "")], &[("test", "python3 -m pytest -q")]),
            (&[("pytest.ini", "[pytest]\naddopts = -q -x\n")], &[("test", "python3 -m pytest")]),
            (&[("pyproject.toml", "[project]\nname = \"x\"\n")], &[]),
            (
                &[("go.mod", "module x\n")],
                &[("build", "go build ./..."), ("vet", "go vet ./..."), ("test", "go test ./...")],
            ),
            (&[("Makefile", ".PHONY: test\nall:\n\tcc\ntest: all\n\t./t\n")], &[("test", "make test")]),
            (&[("Makefile", "all check: x\n")], &[("check", "make check")]),
            (&[("Makefile", "test := 1\ntest ::= 2\n\ttest: no\n# test:\n.PHONY: test\n")], &[]),
            (&[("justfile", "set x := 'a'\ntest *args: build\n  x\n")], &[("test", "just test")]),
            (&[("justfile", "test name:\n  x\ntester:\n  y\ntest := '1'\n")], &[]),
        ];
        for (files, expected) in cases {
            assert_eq!(gates(files), pairs(expected), "{files:?}");
        }
    }

    #[test]
    fn the_placeholder_of_npm_is_no_test() {
        let package = r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1", "lint": " "}}"#;
        let found = look(&[("package.json", package)]);
        assert_eq!((found.kinds, found.gates), (vec![ProjectKind::Npm], vec![]));
        assert!(look(&[("package.json", "{\"scripts\": {\"test\": 5}}")]).gates.is_empty());
        assert!(look(&[("package.json", "no json")]).gates.is_empty());
    }

    #[test]
    fn a_workspace_is_prepared_by_the_package_manager_of_the_lock_file() {
        let bare = ("package.json", "{}");
        let needy = ("package.json", r#"{"dependencies": {"left-pad": "1"}}"#);
        let berry = ("package.json", r#"{"packageManager": "yarn@4.1.0"}"#);
        for (files, setup) in [
            (vec![bare], None),
            (vec![("package.json", "broken"), ("package-lock.json", "")], None),
            (vec![needy], Some("npm install --no-package-lock")),
            (vec![bare, ("package-lock.json", "")], Some("npm ci")),
            (vec![bare, ("pnpm-lock.yaml", "")], Some("pnpm install --frozen-lockfile")),
            (vec![bare, ("yarn.lock", "# yarn lockfile v1")], Some("yarn install --frozen-lockfile")),
            (vec![bare, ("yarn.lock", "__metadata:\n  version: 8")], Some("yarn install --immutable")),
            (vec![berry, ("yarn.lock", "")], Some("yarn install --immutable")),
        ] {
            assert_eq!(look(&files).setup.as_deref(), setup, "{files:?}");
        }
    }

    #[test]
    fn names_that_several_kinds_share_get_the_kind_before_them() {
        let package = r#"{"scripts": {"test": "jest", "lint": "eslint"}}"#;
        let found = look(&[("go.mod", ""), ("package.json", package), ("Makefile", "test:\n")]);
        let names: Vec<&str> = found.gates.iter().map(|gate| gate.name.as_str()).collect();
        assert_eq!(names, ["lint", "npm-test", "build", "vet", "go-test"]);
        assert_eq!(found.kinds, [ProjectKind::Npm, ProjectKind::Go, ProjectKind::Make]);
        let both = look(&[("go.mod", ""), ("Cargo.toml", "")]);
        let test = both.gates.iter().find(|gate| gate.name == "go-test").unwrap();
        assert_eq!(test.needs, ["go-build"]);
    }

    #[test]
    fn tests_that_print_their_number_have_to_run_one() {
        let gate = look(&[("Cargo.toml", "")]).gates.pop().unwrap();
        assert_eq!(gate.needs, ["build"]);
        let metric = gate.metric.unwrap();
        assert_eq!((metric.regex.as_str(), metric.min, metric.max), (r"(\d+) passed", Some(1.0), None));
    }

    #[test]
    fn installed_agents_become_profiles() {
        let programs = ["codex", "claude", "vim"].map(str::to_owned).into();
        let found = detect(&Listing::new(), &programs);
        let names: Vec<&str> = found.agents.iter().map(|agent| agent.name.as_str()).collect();
        assert_eq!(names, ["claude-sonnet", "claude-opus", "codex-terra", "codex-sol"]);
        let claude = &found.agents[0];
        assert_eq!(
            (claude.model.as_deref(), claude.context_window),
            (Some("claude-sonnet-5-5"), Some(1_000_000))
        );
        assert_eq!(
            (claude.adapter, claude.timeout.as_secs(), claude.sandbox.as_str()),
            (Adapter::Claude, 2_700, "auto")
        );
        assert_eq!(claude.idle_timeout, Some(Duration::from_secs(600)));
        assert!(claude.env.contains(&"ANTHROPIC_API_KEY".to_owned()));
        assert!(detect(&Listing::new(), &BTreeSet::new()).agents.is_empty());
    }

    #[test]
    fn programs_that_the_gates_need_and_that_are_not_there_are_named() {
        let files =
            Listing::from([("go.mod".to_owned(), String::new()), ("setup.py".to_owned(), String::new())]);
        let found = detect(&files, &BTreeSet::new());
        assert_eq!(found.missing, ["go"], "python has no gate here");
        assert_eq!(found.gates.len(), 3, "the team shares the gates all the same");
    }

    proptest! {
        #[test]
        fn no_content_makes_it_panic(texts in proptest::collection::vec("\\PC{0,40}(\n\\PC{0,40}){0,4}", WANTED.len())) {
            let files = WANTED.iter().map(|name| (*name).to_owned()).zip(texts).collect();
            let found = detect(&files, &BTreeSet::new());
            prop_assert!(found.kinds.contains(&ProjectKind::Cargo));
        }
    }
}
