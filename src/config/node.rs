//! What a `package.json` says of how a project is built and tested.
//!
//! In: the files of the repository, as data. Out: the scripts that are gates, and what prepares a workspace.
//! Where the root asks nothing itself, what its members (`workspaces`) have is asked of all of them at once.

use super::GateConfig;
use super::counted::counted;
use super::detect::{Found, Listing, ProjectKind, quick};
use serde_json::Value;

/// The scripts that are gates.
const SCRIPTS: [&str; 3] = ["build", "lint", "test"];

pub(super) fn node(files: &Listing) -> Option<Found> {
    let package = read(files.get("package.json")?);
    let kind = node_kind(files, &package);
    let members: Vec<Value> = if has_members(files, &package) {
        let inner = files.iter().filter(|(path, _)| path.ends_with("/package.json"));
        inner.map(|(_, text)| read(text)).collect()
    } else {
        Vec::new()
    };
    let mut gates = Vec::new();
    for name in SCRIPTS {
        let run = match name {
            "test" => "test".to_owned(),
            _ => format!("run {name}"),
        };
        if let Some(text) = script(&package, name) {
            gates.push(gate(name, &format!("{} {run}", kind.as_str()), text));
            continue;
        }
        let inner: Vec<&str> = members.iter().filter_map(|member| script(member, name)).collect();
        if let Some((run, plain)) = of_all(kind, &run).filter(|_| !inner.is_empty()) {
            let commands = if plain { inner.join(" && ") } else { String::new() };
            gates.push(gate(name, &run, &commands));
        }
    }
    Some(Found { setup: node_setup(files, &package, kind), ..Found::new(kind, gates) })
}

fn read(text: &str) -> Value {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or(Value::Null)
}

/// The gate for a script; `commands` is what it runs.
fn gate(name: &str, run: &str, commands: &str) -> GateConfig {
    let metric = if name == "test" { counted(commands) } else { None };
    GateConfig { metric, ..quick(name, run, &[]) }
}

/// How a script is run in all members that have it, and whether what they print is left as it is.
fn of_all(kind: ProjectKind, run: &str) -> Option<(String, bool)> {
    match kind {
        ProjectKind::Npm => Some((format!("npm {run} --workspaces --if-present"), true)),
        ProjectKind::Pnpm => Some((format!("pnpm -r {run}"), false)),
        // Its versions differ too much in this; each folder is asked for itself.
        ProjectKind::Yarn
        | ProjectKind::Cargo
        | ProjectKind::Python
        | ProjectKind::Uv
        | ProjectKind::Poetry
        | ProjectKind::Go
        | ProjectKind::Make
        | ProjectKind::Just => None,
    }
}

/// Whether the root is one of a workspace with members.
fn has_members(files: &Listing, package: &Value) -> bool {
    files.contains_key("pnpm-workspace.yaml")
        || package.as_object().is_some_and(|package| filled(package, "workspaces"))
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

/// A script that checks something; `npm init` writes a test that only fails, and what mends files judges none.
fn script<'p>(package: &'p Value, name: &str) -> Option<&'p str> {
    let text = package.get("scripts").and_then(|scripts| scripts.get(name)).and_then(Value::as_str)?;
    let mends = || text.split_whitespace().any(|word| matches!(word, "--fix" | "--write"));
    let useless = text.trim().is_empty() || text.contains("no test specified") || name == "lint" && mends();
    (!useless).then_some(text)
}

fn filled(package: &serde_json::Map<String, Value>, key: &str) -> bool {
    package.get(key).is_some_and(|value| match value {
        Value::Object(entries) => !entries.is_empty(),
        Value::Array(entries) => !entries.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    })
}

fn node_setup(files: &Listing, package: &Value, kind: ProjectKind) -> Option<String> {
    let package = package.as_object()?;
    let depends = ["dependencies", "devDependencies", "optionalDependencies", "workspaces"]
        .iter()
        .any(|key| filled(package, key));
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
        | ProjectKind::Uv
        | ProjectKind::Poetry
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
