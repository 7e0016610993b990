//! The folders of a repository that are packages of their own, and their gates.
//!
//! In: the files of the repository, two folders deep. Out: each folder with what can be asked of it, run there.
//! Invariant: what a tool of the root asks of all its members is not asked again folder by folder.

use super::GateConfig;
use super::detect::{Found, Listing, ProjectKind, found};
use std::collections::{BTreeMap, BTreeSet};

/// How many folders get gates; a repository with more of them needs a choice that a person makes.
const FOLDERS_MAX: usize = 12;

/// The files that make a folder a package.
const MANIFESTS: [&str; 4] = ["Cargo.toml", "package.json", "pyproject.toml", "go.mod"];

/// What is found in folders, and how many folders more there are.
pub(super) fn in_folders(
    files: &Listing,
    programs: &BTreeSet<String>,
    root: &[Found],
) -> (Vec<Found>, usize) {
    let asked: Vec<ProjectKind> =
        root.iter().filter(|found| !found.gates.is_empty()).map(|found| found.kind).collect();
    let mut all: BTreeMap<&str, Vec<Found>> = BTreeMap::new();
    for folder in folders(files) {
        let outer = |found: &Found| {
            all.iter().any(|(above, those)| {
                is_below(folder, above) && those.iter().any(|other| other.kind.is_like(found.kind))
            })
        };
        let own: Vec<Found> = found(&inside(files, folder), programs)
            .into_iter()
            .filter(|found| !found.gates.is_empty() && !outer(found))
            .filter(|found| !asked.iter().any(|kind| kind.is_like(found.kind)))
            .map(|found| moved(found, folder))
            .collect();
        if !own.is_empty() {
            all.insert(folder, own);
        }
    }
    let more = all.len().saturating_sub(FOLDERS_MAX);
    (all.into_values().take(FOLDERS_MAX).flatten().collect(), more)
}

/// Folders with a manifest whose names need no quoting, those above others first.
fn folders(files: &Listing) -> BTreeSet<&str> {
    let plain = |folder: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
        folder.starts_with(|c: char| c.is_ascii_alphanumeric())
            && folder.len() <= 40
            && folder.chars().all(fits)
    };
    let split = files.keys().filter_map(|path| path.rsplit_once('/'));
    split
        .filter(|(folder, name)| MANIFESTS.contains(name) && plain(folder))
        .map(|(folder, _)| folder)
        .collect()
}

fn is_below(folder: &str, above: &str) -> bool {
    folder.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

/// The files of a folder, as if it was the root.
pub(super) fn inside(files: &Listing, folder: &str) -> Listing {
    let below = files.iter().filter_map(|(path, text)| {
        let own = path.strip_prefix(folder)?.strip_prefix('/').filter(|own| !own.is_empty())?;
        Some((own.to_owned(), text.clone()))
    });
    below.collect()
}

/// The same, run in a folder.
fn moved(found: Found, folder: &str) -> Found {
    let named = |name: &str| format!("{}-{name}", folder.replace('/', "-"));
    let gate = |gate: GateConfig| GateConfig {
        name: named(&gate.name),
        run: format!("cd {folder} && {}", gate.run),
        needs: gate.needs.iter().map(|need| named(need)).collect(),
        ..gate
    };
    Found {
        gates: found.gates.into_iter().map(gate).collect(),
        setup: found.setup.map(|setup| format!("(cd {folder} && {setup})")),
        keep: found.keep.map(|kept| format!("{folder}/{kept}")),
        ..found
    }
}
