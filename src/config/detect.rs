//! What kind of project this is, which gates it can pass, and which agents are installed.
//!
//! In: the files of the repository and the programs on `PATH`, as data. Out: [`Detected`].
//! Invariant: a gate is proposed only where the files show that its command has something to run;
//! the same files give the same gates everywhere, installed or not, since the whole team shares them.
//! Not here: how this is written to `config.toml` (`render`).

use super::counted::{self, counted};
use super::facts::FACTS;
use super::folders::in_folders;
use super::models;
use super::node::node;
use super::{GateConfig, MetricConfig, Profile};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The files of the repository, two folders deep: path to content. A directory has a `/` at its end;
/// the content matters only for the files of [`WANTED`].
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

/// Folders whose names say that what is in them is made, of others, or no package to be tested by itself.
pub const OTHERS: &[&str] = &[
    "node_modules",
    "vendor",
    "third_party",
    "target",
    "dist",
    "build",
    "out",
    "venv",
    "example",
    "examples",
    "fixtures",
    "testdata",
    "docs",
];

/// The programs whose presence is asked for.
pub const PROGRAMS: &[&str] = &[
    "cargo", "rustfmt", "npm", "pnpm", "yarn", "python3", "uv", "poetry", "go", "make", "just", "claude",
    "codex", "gemini", "opencode", "copilot", "aider",
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
    /// Python with uv, by its lock file.
    Uv,
    /// Python with poetry, by its lock file.
    Poetry,
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
            Self::Uv => "uv",
            Self::Poetry => "poetry",
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
            Self::Cargo
            | Self::Npm
            | Self::Pnpm
            | Self::Yarn
            | Self::Uv
            | Self::Poetry
            | Self::Go
            | Self::Make
            | Self::Just => self.as_str(),
        }
    }

    /// Whether both build with the same language's tools, or with whatever a recipe says.
    #[must_use]
    pub(super) fn is_like(self, other: Self) -> bool {
        let group = |kind: Self| match kind {
            Self::Cargo => 0,
            Self::Npm | Self::Pnpm | Self::Yarn => 1,
            Self::Python | Self::Uv | Self::Poetry => 2,
            Self::Go => 3,
            Self::Make | Self::Just => 4,
        };
        group(self) == group(other)
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
    /// How many folders with a package of their own got no gate, because there are so many.
    pub left_out: usize,
}

/// A kind of project, with what can be asked of it.
pub(super) struct Found {
    pub(super) kind: ProjectKind,
    pub(super) gates: Vec<GateConfig>,
    pub(super) setup: Option<String>,
    pub(super) keep: Option<String>,
}

impl Found {
    pub(super) fn new(kind: ProjectKind, gates: Vec<GateConfig>) -> Self {
        Self { kind, gates, setup: None, keep: kind.kept().map(str::to_owned) }
    }
}

/// Looks at a repository.
#[must_use]
pub fn detect(files: &Listing, programs: &BTreeSet<String>) -> Detected {
    let mut all = found(files, programs);
    let (folders, left_out) = in_folders(files, programs, &all);
    all.extend(folders);
    let mut kinds: Vec<ProjectKind> = all.iter().map(|found| found.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let gated = |kind: ProjectKind| all.iter().any(|found| found.kind == kind && !found.gates.is_empty());
    let missing = kinds.iter().filter(|kind| gated(**kind) && !programs.contains(kind.program()));
    let setups: Vec<String> = all.iter().filter_map(|found| found.setup.clone()).collect();
    Detected {
        keep: all.iter().filter_map(|found| found.keep.clone()).collect(),
        setup: (!setups.is_empty()).then(|| setups.join(" && ")),
        agents: agents(programs),
        missing: missing.map(|kind| kind.program().to_owned()).collect(),
        left_out,
        kinds,
        gates: join(all),
    }
}

/// What a folder is, looked at alone.
pub(super) fn found(files: &Listing, programs: &BTreeSet<String>) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    all.extend(cargo(files, programs));
    all.extend(node(files));
    all.extend(python(files));
    all.extend(go(files));
    for recipes in [make(files), just(files)].into_iter().flatten() {
        // A makefile beside another build system nearly always calls that one again.
        let tested = all
            .iter()
            .any(|found| found.gates.iter().any(|gate| matches!(gate.name.as_str(), "test" | "check")));
        all.push(if tested { Found::new(recipes.kind, Vec::new()) } else { recipes });
    }
    all
}

/// Puts the gates of all kinds into one list; names that several kinds have get the kind before them.
fn join(all: Vec<Found>) -> Vec<GateConfig> {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for gate in all.iter().flat_map(|found| &found.gates) {
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
    all.into_iter()
        .flat_map(|found| found.gates.into_iter().map(move |gate| (found.kind, gate)))
        .map(|(kind, gate)| renamed(kind, gate))
        .collect()
}

/// A gate that may compile from nothing, since a workspace is a directory of its own.
fn slow(name: &str, run: &str, needs: &[&str]) -> GateConfig {
    GateConfig { timeout: Duration::from_secs(30 * 60), ..quick(name, run, needs) }
}

pub(super) fn quick(name: &str, run: &str, needs: &[&str]) -> GateConfig {
    GateConfig { needs: needs.iter().map(|need| (*need).to_owned()).collect(), ..GateConfig::new(name, run) }
}

/// A test run that ran nothing is no evidence.
fn tested(gate: GateConfig) -> GateConfig {
    let metric = MetricConfig { min: Some(1.0), ..counted::passed(counted::PASSED) };
    GateConfig { metric: Some(metric), ..gate }
}

fn cargo(files: &Listing, programs: &BTreeSet<String>) -> Option<Found> {
    let manifest: Option<toml::Table> = files.get("Cargo.toml")?.parse().ok();
    let has = |key: &str| manifest.as_ref().is_some_and(|table| table.contains_key(key));
    // In the root package of a workspace, cargo leaves the members out unless it is told.
    let all = if has("workspace") { " --workspace" } else { "" };
    let mut gates = vec![
        slow("build", &format!("cargo check{all} --bins --tests --examples"), &[]),
        tested(slow("test", &format!("cargo test{all}"), &["build"])),
    ];
    let formatted = files.contains_key("rustfmt.toml") || files.contains_key(".rustfmt.toml");
    if formatted && programs.contains("rustfmt") {
        gates.insert(0, quick("fmt", "cargo fmt --all --check", &[]));
    }
    Some(Found::new(ProjectKind::Cargo, gates))
}

fn python(files: &Listing) -> Option<Found> {
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
    // What a lock file names is in that tool's environment, and seldom in that of the system.
    let (kind, run) = if files.contains_key("uv.lock") {
        (ProjectKind::Uv, "uv run --frozen python -m pytest")
    } else if files.contains_key("poetry.lock") {
        (ProjectKind::Poetry, "poetry run python -m pytest")
    } else {
        (ProjectKind::Python, "python3 -m pytest")
    };
    let mentioned = present
        .iter()
        .any(|(name, text)| matches!(*name, "pytest.ini" | "conftest.py") || text.contains("pytest"));
    if !mentioned && !has_python_tests(files) {
        return Some(Found::new(kind, Vec::new()));
    }
    // A second `-q` would take away the line that has the number of tests.
    let quiet = present
        .iter()
        .flat_map(|(_, text)| text.lines())
        .any(|line| line.trim_start().starts_with("addopts") && line.contains("-q"));
    let run = if quiet { run.to_owned() } else { format!("{run} -q") };
    let setup = (kind == ProjectKind::Poetry).then(|| "poetry install --no-interaction".to_owned());
    Some(Found { setup, ..Found::new(kind, vec![tested(quick("test", &run, &[]))]) })
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

fn go(files: &Listing) -> Option<Found> {
    files.get("go.mod")?;
    // Only `-v` tells of each test.
    let test = quick("test", "go test -v ./...", &["build"]);
    let gates = vec![
        quick("build", "go build ./...", &[]),
        quick("vet", "go vet ./...", &["build"]),
        GateConfig { metric: Some(counted::passed(counted::GO)), ..test },
    ];
    Some(Found::new(ProjectKind::Go, gates))
}

fn make(files: &Listing) -> Option<Found> {
    // The order in which GNU make looks.
    let text = ["GNUmakefile", "makefile", "Makefile"].iter().find_map(|name| files.get(*name))?;
    Some(recipes(ProjectKind::Make, text, &has_target))
}

/// The gate for a recipe that tests, where there is one.
fn recipes(kind: ProjectKind, text: &str, begins: &dyn Fn(&str, &str) -> bool) -> Found {
    let target = ["test", "check"].into_iter().find(|name| text.lines().any(|line| begins(line, name)));
    let gate = |name: &str| {
        let after = text.lines().skip_while(|line| !begins(line, name)).skip(1);
        let commands: Vec<&str> = after.take_while(|line| line.starts_with(['\t', ' '])).collect();
        let gate = slow(name, &format!("{} {name}", kind.as_str()), &[]);
        GateConfig { metric: counted(&commands.join("\n")), ..gate }
    };
    Found::new(kind, target.map(gate).into_iter().collect())
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

fn just(files: &Listing) -> Option<Found> {
    let text = ["justfile", "Justfile", ".justfile"].iter().find_map(|name| files.get(*name))?;
    Some(recipes(ProjectKind::Just, text, &has_recipe))
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
            (
                &[("pyproject.toml", "pytest"), ("uv.lock", "")],
                &[("test", "uv run --frozen python -m pytest -q")],
            ),
            (
                &[("pyproject.toml", "pytest"), ("poetry.lock", "")],
                &[("test", "poetry run python -m pytest -q")],
            ),
            (&[("package.json", r#"{"scripts": {"lint": "eslint --fix ."}}"#)], &[]),
            (&[("requirements.txt", "pytest==8\n")], &[("test", "python3 -m pytest -q")]),
            (&[("pyproject.toml", ""), ("test_it.py", "")], &[("test", "python3 -m pytest -q")]),
            (&[("pytest.ini", "[pytest]\naddopts = -q -x\n")], &[("test", "python3 -m pytest")]),
            (&[("pyproject.toml", "[project]\nname = \"x\"\n")], &[]),
            (
                &[("go.mod", "module x\n")],
                &[("build", "go build ./..."), ("vet", "go vet ./..."), ("test", "go test -v ./...")],
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
    fn a_run_that_tells_how_many_passed_is_counted_and_may_have_none_yet() {
        let metric = |files: &[(&str, &str)]| look(files).gates.pop().unwrap().metric;
        let npm =
            |test: &str| metric(&[("package.json", &format!(r#"{{"scripts": {{"test": "{test}"}}}}"#))]);
        for told in [
            npm("node --test"),
            metric(&[("go.mod", "")]),
            metric(&[("Makefile", "all:\n\tcc\ntest: all\n\t@pytest tests\n\nlint:\n\tmocha\n")]),
        ] {
            let told = told.unwrap();
            assert_eq!((told.name.as_str(), told.min), ("passed", None));
        }
        for silent in [npm("./check"), metric(&[("Makefile", "test: unit\nunit:\n\tpytest\n")])] {
            assert_eq!(silent, None);
        }
    }

    #[test]
    fn what_the_root_asks_of_its_members_is_not_asked_again() {
        let member = r#"{"scripts": {"test": "mocha", "build": "tsc"}}"#;
        let inner = [("packages/a/package.json", member), ("packages/b/package.json", "{}")];
        let root = |text| [&[("package.json", text)], &inner[..]].concat();
        let found = look(&root(r#"{"workspaces": ["packages/*"]}"#));
        let runs: Vec<&str> = found.gates.iter().map(|gate| gate.run.as_str()).collect();
        assert_eq!(runs, ["npm run build --workspaces --if-present", "npm test --workspaces --if-present"]);
        assert!(found.gates[1].metric.is_some());
        let pnpm = [root("{}"), vec![("pnpm-workspace.yaml", ""), ("pnpm-lock.yaml", "")]].concat();
        assert_eq!(gates(&pnpm)[1].1, "pnpm -r test");
        assert_eq!(gates(&root(r#"{"scripts": {"test": "turbo test"}}"#)), pairs(&[("test", "npm test")]));
        let rust = [("Cargo.toml", "[workspace]\nmembers = [\"a\"]\n"), ("a/Cargo.toml", "[package]\n")];
        assert_eq!(gates(&rust).len(), 2);
    }

    #[test]
    fn folders_that_are_packages_of_their_own_have_gates_that_run_there() {
        let files = [
            ("README.md", ""),
            ("api/Cargo.toml", "[package]\n"),
            ("api/tools/Cargo.toml", "[package]\n"),
            ("apps/web/package.json", r#"{"scripts": {"test": "jest"}, "dependencies": {"x": "1"}}"#),
            ("apps/web/package-lock.json", "{}"),
            ("a b/package.json", r#"{"scripts": {"test": "jest"}}"#),
        ];
        let found = look(&files);
        assert_eq!(
            gates(&files),
            pairs(&[
                ("api-build", "cd api && cargo check --bins --tests --examples"),
                ("api-test", "cd api && cargo test"),
                ("apps-web-test", "cd apps/web && npm test"),
            ])
        );
        assert_eq!(found.gates[1].needs, ["api-build"]);
        assert_eq!(found.setup.as_deref(), Some("(cd apps/web && npm ci)"));
        assert_eq!(found.keep, ["api/target", "apps/web/node_modules"]);
        assert_eq!(found.kinds, [ProjectKind::Cargo, ProjectKind::Npm]);
    }

    #[test]
    fn so_many_packages_are_a_choice_of_a_person() {
        let files: Vec<String> = (10..30).map(|n| format!("p{n}/go.mod")).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|path| (path.as_str(), "")).collect();
        let found = look(&files);
        assert_eq!((found.gates.len(), found.left_out), (36, 8));
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
