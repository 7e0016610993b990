//! Settings of checks: coverage, lints, types, test runners, build files.
//!
//! Read line by line, as `key` and value, so that one set of rules does for TOML, YAML, JSON, INI,
//! XML and scripts of configuration. A setting that moved from one file to another is the same.

use super::words::{ALLOWED, EXCLUDES, GENERATED, LIMITS, LOOSE, Level, MINIMA, STRICT, level};
use crate::gate::change::{Content, File};
use crate::gate::finding::Finding;
use crate::state::concern::Concern;
use crate::state::problem::Severity;
use std::collections::BTreeSet;

/// Names of files, or their beginnings, that say what checks do and little else.
const OWN: [&str; 47] = [
    ".coveragerc",
    "codecov.",
    ".codecov.",
    ".nycrc",
    "jest.config",
    "vitest.config",
    "vitest.workspace",
    "tarpaulin.toml",
    ".tarpaulin.toml",
    ".eslintrc",
    "eslint.config",
    ".eslintignore",
    "biome.json",
    "tsconfig",
    "clippy.toml",
    ".clippy.toml",
    "rustfmt.toml",
    ".flake8",
    ".pylintrc",
    "pylintrc",
    "mypy.ini",
    ".mypy.ini",
    "ruff.toml",
    ".ruff.toml",
    "pytest.ini",
    ".pytest.ini",
    "tox.ini",
    ".golangci.",
    "checkstyle",
    "pmd",
    "spotbugs",
    ".rubocop",
    "detekt",
    "deny.toml",
    "playwright.config",
    "karma.conf",
    ".mocharc",
    "cypress.config",
    "nextest.toml",
    "phpunit.xml",
    "phpstan.",
    "psalm.xml",
    "sonar-project",
    ".prettierignore",
    ".stylelintrc",
    "noxfile.py",
    ".simplecov",
];
/// The same for files that say other things as well.
const SHARED: [&str; 16] = [
    "pyproject.toml",
    "setup.cfg",
    "package.json",
    "Cargo.toml",
    "pom.xml",
    "build.gradle",
    "next.config",
    "vite.config",
    ".swcrc",
    "Directory.Build.props",
    "conftest.py",
    "composer.json",
    ".cargo/config",
    "gradle.properties",
    ".gitattributes",
    ".mvn/",
];

/// What checks ask for less of; `homes` are the files that tests moved to.
#[must_use]
pub fn findings(files: &[File], homes: &BTreeSet<&str>) -> Vec<Finding> {
    let settings: Vec<&File> = files.iter().filter(|file| kind(&file.shown).is_some()).collect();
    let anywhere: Vec<Setting> =
        settings.iter().flat_map(|file| file.added()).flat_map(|(line, text)| read(line, text)).collect();
    let mut found = Vec::new();
    for file in &settings {
        let own = kind(&file.shown) == Some(true);
        let replaced = settings.iter().any(|other| other.old == Content::Absent);
        if own && file.new == Content::Absent && !replaced {
            let fact = "the settings of a check are gone";
            found.push(Finding::error(Concern::ChecksChanged, &file.shown, None, fact));
            continue;
        }
        let before = found.len();
        found.extend(lowered(file, &anywhere));
        let moved = moved(file, &settings);
        found.extend(loosened(file, &anywhere, &moved, homes));
        found.extend(excluded(file, &moved));
        found.extend(filters(file));
        let changed = file.old != file.new && file.old != Content::Absent;
        if found.len() == before && own && changed {
            let line = file.added().first().map(|(line, _)| *line);
            let fact = "the settings of a check were edited";
            found.push(Finding::warning(Concern::ChecksChanged, &file.shown, line, fact));
        }
    }
    found
}

/// The lines of files of the same name that are gone, where a file is new: what moved with it is not.
fn moved<'f>(file: &File, settings: &[&'f File]) -> Vec<&'f str> {
    let name = |file: &File| file.shown.rsplit('/').next().unwrap_or_default().to_owned();
    let own = name(file);
    let gone = settings
        .iter()
        .filter(|other| file.old == Content::Absent && other.new == Content::Absent && name(other) == own);
    gone.filter_map(|other| other.old.text()).flat_map(str::lines).collect()
}

/// Whether a file says what checks do: nothing else (true), or among other things (false).
#[must_use]
pub fn kind(path: &str) -> Option<bool> {
    let name = path.rsplit('/').next().unwrap_or_default();
    // What cargo keeps of a manifest that it rewrote is read by nobody.
    if name.ends_with(".orig") {
        return None;
    }
    if OWN.iter().any(|begin| name.starts_with(begin)) {
        return Some(true);
    }
    SHARED
        .iter()
        .any(|begin| name.starts_with(begin) || (begin.contains('/') && path.contains(begin)))
        .then_some(false)
}

/// A setting: a key with a number or a word.
#[derive(Debug, Clone, PartialEq)]
struct Setting {
    line: usize,
    key: String,
    value: String,
}

impl Setting {
    fn number(&self) -> Option<f64> {
        self.value.trim_end_matches(['%', 's', 'm']).parse().ok()
    }
}

/// The settings of a line.
fn read(line: usize, text: &str) -> Vec<Setting> {
    let bare = text.trim();
    if bare.starts_with("//") || (bare.starts_with('#') && !bare.starts_with("#[")) || bare.starts_with('*') {
        return Vec::new();
    }
    let part = |c: char| c.is_alphanumeric() || "_-.@/%:".contains(c);
    let words: Vec<&str> = text
        .split(|c: char| !part(c))
        .map(|word| word.trim_matches([':', '/']))
        .filter(|word| !word.is_empty())
        .collect();
    let pair = |two: &[&str]| {
        let key = two[0].trim_start_matches("--").to_ascii_lowercase();
        let names = key.starts_with(|c: char| c.is_alphabetic() || c == '@' || c == '_');
        names.then(|| Setting { line, key, value: two[1].to_owned() })
    };
    let joined = words.iter().filter_map(|word| word.split_once([':', '=']));
    let joined: Vec<Setting> = joined.filter_map(|(key, value)| pair(&[key, value])).collect();
    words.windows(2).filter_map(pair).chain(joined).collect()
}

/// Limits that are lower, or gone.
fn lowered(file: &File, anywhere: &[Setting]) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let name = file.shown.rsplit('/').next().unwrap_or_default();
    for was in file.removed().iter().flat_map(|(line, text)| read(*line, text)) {
        let (Some(number), Some(minimum)) = (was.number(), direction(name, &was.key)) else { continue };
        let now = anywhere.iter().find(|each| each.key == was.key && each.number().is_some());
        let line = now.map(|each| each.line);
        let soft = was.key.contains("timeout") || was.key.contains("retries") || was.key.contains("retry");
        let fact = match now.and_then(Setting::number) {
            Some(is) if (minimum && is < number) || (!minimum && is > number) => {
                format!("`{}` is {is}, before: {number}", was.key)
            }
            Some(_) => continue,
            None if soft => continue,
            None => format!("`{}` of {number} is gone", was.key),
        };
        found.push(if soft {
            Finding::warning(Concern::ThresholdLowered, &file.shown, line, fact)
        } else {
            Finding::error(Concern::ThresholdLowered, &file.shown, line, fact)
        });
    }
    found
}

/// Whether a key is a minimum (true) or a limit (false).
fn direction(name: &str, key: &str) -> Option<bool> {
    let last = key.rsplit(['.', '/']).next().unwrap_or(key);
    // Clippy's thresholds are how much is tolerated.
    if name.contains("clippy") && last.ends_with("threshold")
        || LIMITS.iter().any(|each| last == *each || last.ends_with(each))
    {
        return Some(false);
    }
    MINIMA.iter().any(|each| last == *each || last.ends_with(each)).then_some(true)
}

/// Levels and switches that are looser, or gone.
fn loosened(file: &File, anywhere: &[Setting], moved: &[&str], homes: &BTreeSet<&str>) -> Vec<Finding> {
    let mut found = Vec::new();
    let removed: Vec<Setting> = file.removed().iter().flat_map(|(line, text)| read(*line, text)).collect();
    let error = |line, fact: String| Finding::error(Concern::ThresholdLowered, &file.shown, line, fact);
    for was in &removed {
        let Some(before) = level(&was.key, &was.value) else { continue };
        let now = anywhere.iter().find(|each| each.key == was.key && level(&each.key, &each.value).is_some());
        match now.map(|each| (each, level(&each.key, &each.value).unwrap_or(Level::Off))) {
            Some((each, is)) if is < before => {
                found.push(error(
                    Some(each.line),
                    format!("`{}` is `{}`, before: `{}`", was.key, each.value, was.value),
                ));
            }
            Some(_) => {}
            None if before >= Level::Error
                && !ALLOWED.contains(&was.key.as_str())
                && !anywhere.iter().any(|each| each.key == was.key) =>
            {
                found.push(error(None, format!("`{}`, before: `{}`, is gone", was.key, was.value)));
            }
            None => {}
        }
    }
    let moved: Vec<Setting> = moved.iter().flat_map(|text| read(0, text)).collect();
    let own = is_of_new_package(file, homes);
    for now in file.added().iter().flat_map(|(line, text)| read(*line, text)) {
        let last = now.key.rsplit('.').next().unwrap_or_default();
        let loose = (LOOSE.contains(&last) && now.value == "true")
            || (STRICT.contains(&last) && now.value == "false");
        let known = removed.iter().any(|was| was.key == now.key)
            || moved.iter().any(|was| was.key == now.key && was.value == now.value);
        if loose && !known && !of_no_test(file, now.line) {
            let fact = format!("`{}` is `{}`", now.key, now.value);
            let severity = if own { Severity::Warning } else { Severity::Error };
            found.push(Finding { severity, ..error(Some(now.line), fact) });
        }
    }
    found.truncate(5);
    found
}

/// Whether a line of a `Cargo.toml` is about a target that no test is.
fn of_no_test(file: &File, line: usize) -> bool {
    let text = file.new.text().filter(|_| file.shown.ends_with("Cargo.toml")).unwrap_or_default();
    let above: Vec<&str> = text.lines().take(line).map(str::trim).collect();
    let table = above.into_iter().rev().find(|line| line.starts_with('['));
    table.is_some_and(|table| table.starts_with("[[bench]]") || table.starts_with("[[example]]"))
}

/// Whether a file is the `Cargo.toml` of a package that is new, and so are the tests in it: none are run less than before.
fn is_of_new_package(file: &File, homes: &BTreeSet<&str>) -> bool {
    let dir = file.shown.strip_suffix("Cargo.toml").filter(|_| file.old == Content::Absent);
    dir.is_some_and(|dir| !homes.iter().any(|home| home.starts_with(dir)))
}

/// Paths and rules that a check leaves out.
fn excluded(file: &File, moved: &[&str]) -> Vec<Finding> {
    // There these words are names of dependencies.
    let text = file.new.text().filter(|_| !file.shown.ends_with("Cargo.toml"));
    let Some(text) = text else { return Vec::new() };
    let lines: Vec<&str> = text.lines().collect();
    let before: Vec<&str> =
        file.old.text().unwrap_or_default().lines().chain(moved.iter().copied()).flat_map(items).collect();
    let mut found = Vec::new();
    for (number, added) in file.added() {
        let Some(key) = enclosing(&lines, number - 1) else { continue };
        if file.shown.ends_with("package.json") && !key.ends_with("patterns") {
            continue;
        }
        let fresh = items(added).into_iter().filter(|item| !before.contains(item));
        let harmless =
            fresh.map(str::to_ascii_lowercase).all(|item| GENERATED.iter().any(|part| item.contains(part)));
        let of_tests =
            key.contains("test") || key.contains("collect") || key == "addopts" || key.contains("specs");
        let concern = if of_tests { Concern::TestsRemoved } else { Concern::ChecksChanged };
        let fact = format!("`{key}` leaves out more: `{}`", added.trim());
        found.push(if harmless {
            Finding::warning(concern, &file.shown, Some(number), fact)
        } else {
            Finding::error(concern, &file.shown, Some(number), fact)
        });
    }
    found.truncate(3);
    found
}

/// What a line of a list names, its key aside.
fn items(line: &str) -> Vec<&str> {
    let values = line
        .split_once([':', '=', '>'])
        .filter(|(key, _)| !key.contains(['"', '\'', '/', '*']))
        .map_or(line, |(_, rest)| rest);
    let apart = |c: char| c.is_whitespace() || "\"'`[](){},<>".contains(c);
    values.split(apart).filter(|item| item.chars().any(char::is_alphanumeric)).collect()
}

/// The key of exclusions that a line belongs to: its own, or that of the list that it stands in.
fn enclosing(lines: &[&str], at: usize) -> Option<String> {
    let own = |text: &str| -> Option<String> {
        let key = text.trim_start().trim_start_matches(['"', '\'', '<', '-', ' ']);
        let key: String = key.chars().take_while(|c| c.is_alphanumeric() || "_-.@".contains(*c)).collect();
        let lower = key.to_ascii_lowercase();
        let last = lower.rsplit('.').next().unwrap_or_default().to_owned();
        EXCLUDES.contains(&last.as_str()).then_some(last)
    };
    let names_something = |text: &str| text.chars().any(char::is_alphanumeric);
    if !names_something(lines[at]) {
        return None;
    }
    if let Some(key) = own(lines[at]) {
        // A key that opens a list leaves out nothing by itself.
        let rest = lines[at].split_once(['=', ':', '>']).map_or("", |(_, rest)| rest);
        return names_something(rest).then_some(key);
    }
    let indent = |text: &str| text.len() - text.trim_start().len();
    let is_item = |text: &str| {
        let bare = text.trim();
        bare.starts_with(['"', '\'', '-', '<']) || !bare.contains([':', '=', '{'])
    };
    if !is_item(lines[at]) {
        return None;
    }
    let mut above = lines[..at]
        .iter()
        .rev()
        .take(60)
        .skip_while(|text| text.trim().is_empty() || (is_item(text) && own(text).is_none()));
    let head = above.next()?;
    let opens = indent(head) <= indent(lines[at])
        && (head.trim_end().ends_with(['[', ':', '=', '(', '>']) || own(head).is_some());
    own(head).filter(|_| opens && !closed(lines, at, head))
}

/// Whether a list that a line opens is closed before another line.
fn closed(lines: &[&str], at: usize, head: &str) -> bool {
    let from = lines[..at].iter().rposition(|line| std::ptr::eq(*line, head)).unwrap_or(at);
    let marks = |text: &str, all: &[char]| text.chars().filter(|c| all.contains(c)).count();
    let text = lines[from..at].concat();
    head.contains(['[', '(']) && marks(&text, &['[', '(']) <= marks(&text, &[']', ')'])
}

/// How git merges and shows files by itself, without a program.
const DRIVERS: [&str; 3] = ["merge=union", "merge=text", "merge=binary"];

/// Programs that git would run on files, and differences that nobody is shown.
fn filters(file: &File) -> Vec<Finding> {
    if !file.shown.ends_with(".gitattributes") {
        return Vec::new();
    }
    let one = |(line, text): (usize, &str)| {
        let words = text.split_whitespace().filter(|word| !DRIVERS.contains(word) && !word.ends_with("=lfs"));
        let runs =
            ["filter=", "diff=", "merge="].iter().find(|key| words.clone().any(|word| word.contains(**key)));
        if let Some(key) = runs {
            let fact = format!("`{key}` names a program that git runs on files");
            return Some(Finding::error(Concern::ChecksChanged, &file.shown, Some(line), fact));
        }
        let hides =
            text.split_whitespace().any(|word| matches!(word, "-diff" | "binary" | "linguist-generated"));
        hides.then(|| {
            Finding::warning(Concern::ChecksChanged, &file.shown, Some(line), "changes are not shown")
        })
    };
    file.added().into_iter().filter_map(one).collect()
}
