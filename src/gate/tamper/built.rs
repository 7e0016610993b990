//! Tests in sources that are not built any more: modules that nobody declares, files that are for other systems.

use super::language::{GO, JAVA, RUST};
use super::pairs::Pairs;
use super::read::{Changed, Side};
use crate::gate::change::{Content, File};
use crate::gate::finding::Finding;
use crate::state::concern::Concern;
use std::collections::BTreeSet;

/// Tags of Go that may well hold where gates run.
const USUAL: [&str; 7] = ["linux", "unix", "amd64", "arm64", "cgo", "gc", "race"];

/// What is not built any more.
#[must_use]
pub(super) fn findings(
    files: &[File],
    sources: &[Changed<'_>],
    pairs: &Pairs,
    homes: &BTreeSet<&str>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(modules(files, sources));
    found.extend(files.iter().filter_map(|file| featured(file, files, homes)));
    found.extend(moved(files, sources, pairs));
    for changed in sources.iter().filter(|changed| changed.is_test) {
        found.extend(constrained(changed));
        found.extend(abstracted(changed, sources));
    }
    found
}

/// A test of cargo that was there, maybe elsewhere, and is built only with features now.
fn featured(file: &File, files: &[File], homes: &BTreeSet<&str>) -> Option<Finding> {
    let dir = file.shown.strip_suffix("Cargo.toml")?;
    let (old, new) = (targets(file.old.text()?), targets(file.new.text()?));
    let had = |name: &str| old.iter().any(|(other, line)| other == name && line.is_some());
    let is_new = |name: &str| {
        let own = [format!("{dir}tests/{name}.rs"), format!("{dir}tests/{name}/main.rs")];
        let fresh = |each: &File| each.old == Content::Absent && !homes.contains(each.shown.as_str());
        files.iter().any(|each| fresh(each) && own.contains(&each.shown))
    };
    let (name, line) = new.into_iter().find(|(name, line)| line.is_some() && !had(name) && !is_new(name))?;
    let fact = format!("the test `{name}` is built only with `required-features` now");
    Some(Finding::error(Concern::TestsSkipped, &file.shown, line, fact))
}

/// The targets of a `Cargo.toml` that are tests, with the line that says which features they need.
fn targets(text: &str) -> Vec<(String, Option<usize>)> {
    let mut found: Vec<(String, Option<usize>)> = Vec::new();
    let mut inside = false;
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if line.starts_with('[') {
            inside = line.starts_with("[[test]]");
            found.extend(inside.then(|| (String::new(), None)));
        }
        let Some((name, features)) = found.last_mut().filter(|_| inside) else { continue };
        match line.split_once('=').map(|(key, value)| (key.trim(), value)) {
            Some(("name", value)) => value.trim().trim_matches(['"', '\'']).clone_into(name),
            Some(("required-features", _)) => *features = Some(index + 1),
            _ => {}
        }
    }
    found
}

/// Modules of Rust that are declared no more, or from elsewhere, while their files stay.
fn modules(files: &[File], sources: &[Changed<'_>]) -> Vec<Finding> {
    let rust = || sources.iter().filter(|changed| std::ptr::eq(changed.language, &raw const RUST));
    let now: BTreeSet<(&str, &str)> =
        rust().filter_map(|changed| changed.new.as_ref()).flat_map(declared).map(|one| one.0).collect();
    let mut found = Vec::new();
    for changed in rust() {
        let (Some(old), Some(_)) = (&changed.old, &changed.new) else { continue };
        for ((from, name), line) in declared(old) {
            let ends = [format!("/{name}.rs"), format!("/{name}/mod.rs")];
            let gone = files.iter().any(|file| {
                let path = format!("/{}", file.shown);
                file.new == Content::Absent && ends.iter().any(|end| path.ends_with(end))
            });
            if !now.contains(&(from, name)) && !gone {
                let fact = format!("`mod {name};` is not declared any more, while its file stays");
                found.push(Finding::error(Concern::TestsRemoved, changed.path, Some(line), fact));
            }
        }
    }
    found
}

/// The modules that a source of Rust declares in files: the path that an attribute names, the name, the line.
fn declared<'f>(side: &Side<'f>) -> Vec<((&'f str, &'f str), usize)> {
    let tokens = &side.source.tokens;
    let one = |at: usize| {
        let name = tokens[at + 1].text;
        let attribute = tokens[at.saturating_sub(6)..at].iter().rposition(|token| token.text == "path");
        let path = attribute.and_then(|back| tokens.get(at.saturating_sub(6) + back + 2));
        let near = path.filter(|_| tokens[at - 1].text == "]");
        ((near.map_or("", |path| path.text), name), tokens[at].line)
    };
    side.source.find("mod _ ;").map(one).collect()
}

/// Tests that were moved to where cargo or go do not build them.
fn moved(files: &[File], sources: &[Changed<'_>], pairs: &Pairs) -> Vec<Finding> {
    let mut found = BTreeSet::new();
    for (before, after) in &pairs.kept {
        let (was, is) = (&sources[before.source], &sources[after.source]);
        if was.path == is.path {
            continue;
        }
        let named =
            files.iter().filter(|file| file.shown.ends_with("Cargo.toml") || file.shown.ends_with(".rs"));
        let declared = |stem: &str| {
            named
                .clone()
                .filter_map(|file| file.new.text())
                .any(|text| text.contains(&format!("mod {stem};")) || text.contains(is.path))
        };
        let stem = is.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        let rust = std::ptr::eq(is.language, &raw const RUST)
            && is_target(was.path)
            && !is_target(is.path)
            && !declared(stem);
        let go = std::ptr::eq(is.language, &raw const GO) && !elsewhere(was.path) && elsewhere(is.path);
        if rust || go {
            found.insert(is.path);
        }
    }
    let fact = "its tests are where they are not built";
    found.into_iter().map(|path| Finding::error(Concern::TestsRemoved, path, None, fact)).collect()
}

/// Whether cargo builds a file of `tests/` by itself, or a source that is none of those.
fn is_target(path: &str) -> bool {
    let Some((_, below)) =
        format!("/{path}").rsplit_once("/tests/").map(|(dir, below)| (dir.to_owned(), below.to_owned()))
    else {
        return true;
    };
    path.contains("src/") || !below.contains('/') || below.ends_with("/main.rs")
}

/// Whether the name of a file of Go says that it is for another system, or for nobody.
fn elsewhere(path: &str) -> bool {
    const SYSTEMS: [&str; 23] = [
        "windows",
        "darwin",
        "plan9",
        "freebsd",
        "netbsd",
        "openbsd",
        "dragonfly",
        "solaris",
        "illumos",
        "aix",
        "android",
        "ios",
        "js",
        "wasip1",
        "wasm",
        "386",
        "s390x",
        "arm",
        "mips64",
        "ppc64le",
        "riscv64",
        "loong64",
        "zos",
    ];
    let name = path.rsplit('/').next().unwrap_or_default();
    let passed_over = name.starts_with(['_', '.']) || format!("/{path}").contains("/testdata/");
    let name = name.trim_end_matches("_test.go");
    passed_over || name.rsplit_once('_').is_some_and(|(_, system)| SYSTEMS.contains(&system))
}

/// A file of tests in Go that is built only with tags that it did not need.
fn constrained(changed: &Changed<'_>) -> Option<Finding> {
    let (old, new) = (changed.old.as_ref()?, changed.new.as_ref()?);
    let first = |side: &Side<'_>| {
        let constraint = |(line, text): &(usize, &str)| {
            let text = text.strip_prefix("//go:build ").or(text.strip_prefix("// +build "))?;
            Some((*line, text.trim().to_owned()))
        };
        side.source.comments.iter().find_map(constraint)
    };
    let (line, now) = first(new).filter(|_| std::ptr::eq(changed.language, &raw const GO))?;
    let before = first(old).is_none_or(|(_, text)| holds(&text));
    let fact = format!("its tests are built only with `{now}`");
    (before && !holds(&now)).then(|| Finding::error(Concern::TestsSkipped, changed.path, Some(line), fact))
}

/// Whether a constraint holds on a usual system without tags of its own.
fn holds(constraint: &str) -> bool {
    let word = |text: &str| {
        let bare = text.trim_matches(['(', ')', ' ']);
        let name = bare.trim_start_matches(['!', '(']);
        (USUAL.contains(&name) || name.starts_with("go1")) != bare.starts_with('!')
    };
    constraint.split("||").any(|either| either.split("&&").all(word))
}

/// A class of tests in Java that became one that no runner makes.
fn abstracted(changed: &Changed<'_>, sources: &[Changed<'_>]) -> Option<Finding> {
    let (old, new) = (changed.old.as_ref()?, changed.new.as_ref()?);
    let names = |side: &Side<'_>| -> BTreeSet<String> {
        let at = side.source.find("abstract class _");
        at.map(|at| side.source.tokens[at + 2].text.to_owned()).collect()
    };
    let before = names(old);
    let extended = |name: &String| {
        sources.iter().filter_map(|changed| changed.new.as_ref()).any(|side| {
            let mut at = side.source.find("extends _");
            at.any(|at| side.source.tokens[at + 1].text == name)
        })
    };
    let lost = names(new).into_iter().find(|name| !before.contains(name) && !extended(name));
    let name = lost.filter(|_| std::ptr::eq(changed.language, &raw const JAVA) && !new.cases.is_empty())?;
    let fact = format!("`{name}` is abstract now, and nothing extends it: its tests do not run");
    Some(Finding::error(Concern::TestsSkipped, changed.path, None, fact))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_of_go_hold_or_not() {
        for text in ["linux", "!windows", "unix && go1.21", "windows || linux", "(linux || darwin) && cgo"] {
            assert!(holds(text), "{text}");
        }
        for text in ["never", "ignore", "windows", "linux && integration", "!linux"] {
            assert!(!holds(text), "{text}");
        }
        assert!(elsewhere("pkg/tax_windows_test.go") && !elsewhere("pkg/tax_linux_test.go"));
        assert!(!elsewhere("pkg/windows_test.go") && !elsewhere("pkg/tax_test.go"));
    }
}
