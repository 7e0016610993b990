//! Scripts that run checks: shell, Makefiles, the scripts of `package.json` and the like.
//!
//! A line that swallows the exit code of a check, a check that is not run any more, hooks that are
//! passed by.

use super::words::checks;
use crate::gate::change::{Content, File};
use crate::gate::finding::Finding;
use crate::state::concern::Concern;

/// Ends and beginnings of names of scripts.
const ENDINGS: [&str; 8] = [".sh", ".bash", ".zsh", ".mk", ".just", ".ps1", ".bat", ".fish"];
const NAMES: [&str; 16] = [
    "Makefile",
    "makefile",
    "GNUmakefile",
    "justfile",
    "Justfile",
    "package.json",
    "tox.ini",
    "Taskfile",
    "Rakefile",
    "noxfile.py",
    "Dockerfile",
    "composer.json",
    "deno.json",
    "Procfile",
    "Earthfile",
    "tasks.py",
];

/// What makes a line succeed whatever it ran.
const SWALLOWS: [&str; 9] =
    ["|| true", "|| :", "|| exit 0", "|| echo", "; true", "; exit 0", "|| /bin/true", "; :", "|| printf"];
/// What passes hooks by.
const BYPASSES: [&str; 6] = [
    "--no-verify",
    "HUSKY=0",
    "HUSKY_SKIP_HOOKS",
    "core.hooksPath=/dev/null",
    "core.hooksPath /dev/null",
    "commit -n ",
];

/// What lets checks fail unseen.
#[must_use]
pub fn findings(files: &[File]) -> Vec<Finding> {
    let scripts: Vec<&File> = files.iter().filter(|file| is_script(file)).collect();
    let mut found = Vec::new();
    for file in &scripts {
        found.extend(swallowed(file));
        found.extend(bypassed(file));
        found.extend(stopped(file));
        found.extend(ended(file));
        found.extend(dropped(file, &scripts));
    }
    found
}

/// Whether a file is a script.
#[must_use]
pub fn is_script(file: &File) -> bool {
    let name = file.shown.rsplit('/').next().unwrap_or_default();
    let shebang = |content: &Content| {
        content.text().is_some_and(|text| {
            text.starts_with("#!") && text.lines().next().is_some_and(|line| line.contains("sh"))
        })
    };
    ENDINGS.iter().any(|ending| name.ends_with(ending))
        || NAMES.iter().any(|begin| name.starts_with(begin))
        || shebang(&file.old)
        || shebang(&file.new)
}

fn all_checks(content: &Content) -> Vec<&'static str> {
    content.text().map(|text| text.lines().flat_map(checks).collect()).unwrap_or_default()
}

/// Checks whose exit code is swallowed.
fn swallowed(file: &File) -> Vec<Finding> {
    let makefile = file
        .shown
        .rsplit('/')
        .next()
        .is_some_and(|name| name.to_ascii_lowercase().contains("makefile") || name.ends_with(".mk"));
    let one = |(line, text): (usize, &str)| {
        let code = without_comment(text);
        let what = SWALLOWS.iter().find(|swallow| code.contains(**swallow)).copied();
        let ignored =
            makefile && code.starts_with('\t') && code.trim_start().trim_start_matches('@').starts_with('-');
        let what = what.or(ignored.then_some("-"))?;
        let before = code.split(what).next().unwrap_or_default();
        let runs = !checks(if ignored { code } else { before }).is_empty();
        let fact = format!("the exit code of a check is swallowed: `{}`", text.trim());
        runs.then(|| Finding::error(Concern::ChecksBypassed, &file.shown, Some(line), fact))
    };
    let mut found: Vec<Finding> = file.added().into_iter().filter_map(one).collect();
    let special = file.added().into_iter().find(|(_, text)| makefile && text.starts_with(".IGNORE"));
    found.extend(special.map(|(line, _)| {
        let fact = "`.IGNORE` swallows the exit codes of what it names";
        Finding::error(Concern::ChecksBypassed, &file.shown, Some(line), fact)
    }));
    found
}

fn without_comment(text: &str) -> &str {
    text.split(" #").next().unwrap_or(text)
}

/// Whether a command makes a package public: what `cargo` and `npm` call `--no-verify` then is no hook.
fn publishes(command: &str) -> bool {
    const TOOLS: [&str; 6] = ["cargo", "npm", "pnpm", "yarn", "lerna", "vsce"];
    const BEFORE: [&str; 8] = ["-", "!", "RUN", "sudo", "exec", "then", "do", "npx"];
    let own = |word: &&str| !(word.ends_with(':') || word.contains('=') || BEFORE.contains(word));
    let quotes = ['"', '\'', '`', '@', ','];
    let mut words =
        command.split_whitespace().map(|word| word.trim_matches(quotes)).skip_while(|word| !own(word));
    let tool = words.next().is_some_and(|word| TOOLS.contains(&word));
    tool && words
        .find(|word| !word.starts_with(['-', '+']))
        .is_some_and(|word| matches!(word, "publish" | "package"))
}

fn bypassed(file: &File) -> Vec<Finding> {
    let one = |(line, text): (usize, &str)| {
        let code = without_comment(text);
        let mut parts = code.split(['&', '|', ';']);
        let passes = |part: &str| {
            BYPASSES
                .iter()
                .find(|bypass| part.contains(**bypass) && !(**bypass == "--no-verify" && publishes(part)))
        };
        let what = parts.find_map(passes)?;
        let fact = format!("hooks are passed by: `{}`", what.trim());
        Some(Finding::error(Concern::ChecksBypassed, &file.shown, Some(line), fact))
    };
    file.added().into_iter().filter_map(one).collect()
}

/// A script that does not stop any more where something fails.
fn stopped(file: &File) -> Option<Finding> {
    if all_checks(&file.new).is_empty() && all_checks(&file.old).is_empty() {
        return None;
    }
    let stops = |text: &str| {
        let bare = text.trim();
        (bare.starts_with("set -")
            && bare
                .split_whitespace()
                .any(|word| word.starts_with('-') && word.contains('e') && word.len() < 10 && word != "-o"))
            || bare.contains("-o errexit")
            || (bare.starts_with("#!") && bare.ends_with(" -e"))
    };
    let goes_on = file
        .added()
        .into_iter()
        .find(|(_, text)| matches!(text.trim(), "set +e" | "set +o errexit" | "set +eu"));
    if let Some((line, _)) = goes_on {
        return Some(Finding::error(
            Concern::ChecksBypassed,
            &file.shown,
            Some(line),
            "the script goes on where a check fails",
        ));
    }
    let lost = file.removed().into_iter().any(|(_, text)| stops(text));
    let still = file.new.text().is_some_and(|text| text.lines().any(stops));
    let fact = "the script does not stop any more where a check fails";
    (lost && !still && file.new != Content::Absent)
        .then(|| Finding::error(Concern::ChecksBypassed, &file.shown, None, fact))
}

/// A script that ends well before, or whatever, its checks said.
fn ended(file: &File) -> Vec<Finding> {
    let Some(text) = file.new.text() else { return Vec::new() };
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (number, added) in file.added() {
        if !matches!(
            added.trim(),
            "exit 0" | "exit 0;" | "return 0" | "trap 'exit 0' EXIT" | "trap \"exit 0\" EXIT"
        ) {
            continue;
        }
        let runs = |lines: &[&str]| lines.iter().any(|line| !checks(line).is_empty());
        let guarded = added.starts_with([' ', '\t']);
        let decided =
            file.removed().iter().any(|(_, old)| old.trim_start().starts_with("exit ") && old.contains('$'));
        let early = !guarded && runs(&lines[number..]);
        if early || decided || added.contains("trap") {
            let fact = "the script ends well whatever its checks say";
            found.push(Finding::error(Concern::ChecksBypassed, &file.shown, Some(number), fact));
        }
    }
    found
}

/// Checks that a script does not run any more.
fn dropped(file: &File, scripts: &[&File]) -> Option<Finding> {
    let (old, new) = (all_checks(&file.old), all_checks(&file.new));
    let others = |side: fn(&File) -> &Content| -> usize {
        scripts.iter().map(|other| all_checks(side(other)).len()).sum()
    };
    // What moved to another script, or was replaced, is still run.
    let fewer = others(|file| &file.new) < others(|file| &file.old);
    let gone = super::read::minus(&old, &new);
    let what = gone.first()?;
    let line = file.added().first().map(|(line, _)| *line);
    if fewer && new.len() < old.len() {
        let fact = format!("`{what}` is not run any more");
        return Some(Finding::error(Concern::ChecksBypassed, &file.shown, line, fact));
    }
    let fact = format!("another check is run instead of `{what}`");
    Some(Finding::warning(Concern::ChecksChanged, &file.shown, line, fact))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::change::tests::file;
    use crate::state::problem::Severity;

    fn of(path: &str, old: &str, new: &str) -> Vec<Severity> {
        findings(&[file(path, Some(old), Some(new))]).iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn exit_codes_of_checks_are_not_swallowed() {
        assert_eq!(of("a.sh", "cargo test\n", "cargo test || true\n"), [Severity::Error]);
        assert_eq!(of("a.sh", "x\n", "x\nrm -f y || true\n"), []);
        assert_eq!(of("Makefile", "test:\n\tpytest\n", "test:\n\t-pytest\n"), [Severity::Error]);
        assert_eq!(of("a.sh", "set -e\npytest\n", "pytest\n"), [Severity::Error]);
        assert_eq!(of("a.sh", "set -e\npytest\n", "set -euo pipefail\npytest\n"), []);
        assert_eq!(of("a.sh", "pytest\n", "exit 0\npytest\n"), [Severity::Error]);
    }

    #[test]
    fn a_hook_is_passed_by_unless_what_is_not_verified_is_a_package() {
        for passes in [
            "npx cz --no-verify --config package.json",
            "\"$GIT\" commit --no-verify && npm publish",
            "npm publish --no-verify; git push --no-verify",
            "HUSKY=0 npm publish --no-verify",
            "cz -m \"npm publish\" --no-verify",
        ] {
            assert_eq!(of("a.sh", "x\n", &format!("x\n{passes}\n")), [Severity::Error], "{passes}");
        }
        for honest in [
            "cargo +nightly publish -p a --no-verify",
            "cargo package --no-verify && echo done",
            "TOKEN=x npm publish --no-verify",
            "  \"release\": \"npm publish --no-verify\",",
            "\t@cargo publish --no-verify",
        ] {
            assert_eq!(of("a.sh", "x\n", &format!("x\n{honest}\n")), [], "{honest}");
        }
    }

    #[test]
    fn a_check_that_moved_or_was_replaced_is_still_run() {
        assert_eq!(of("a.sh", "jest\n", "vitest run\n"), [Severity::Warning]);
        assert_eq!(of("a.sh", "jest\neslint .\n", "jest\n"), [Severity::Error]);
        let moved = [file("a.sh", Some("pytest\n"), Some("./b.sh\n")), file("b.sh", None, Some("pytest\n"))];
        assert_eq!(findings(&moved).iter().filter(|finding| finding.severity == Severity::Error).count(), 0);
    }
}
