//! Rules for single values: names of branches and variables, globs, commands, patterns.
//!
//! Invariant: a value that passes can be given to git, to a shell and to a terminal as what it is,
//! never as an option, a second line or a hidden text.

use crate::state::task::{is_unprintable, one_line};
use globset::{GlobBuilder, GlobSetBuilder};
use regex::RegexBuilder;

/// The most memory that a compiled pattern may take, in bytes.
const PATTERN_BYTES: usize = 1 << 20;
/// The most characters of a pattern.
const PATTERN_CHARS: usize = 1_000;

/// What a rule says about a value, as the end of a sentence.
pub(super) type Checked<T = String> = Result<T, String>;

/// A branch without `refs/heads/`, as `git check-ref-format --branch` takes it.
pub(super) fn branch(name: String) -> Checked {
    if name.starts_with("refs/") {
        return Err("a branch is written without `refs/heads/`".to_owned());
    }
    let forbidden = |c: char| is_unprintable(c) || c.is_whitespace() || "~^:?*[\\".contains(c);
    let component = |part: &str| {
        let lower = part.to_ascii_lowercase();
        !part.is_empty() && !part.starts_with('.') && lower.strip_suffix(".lock").is_none()
    };
    let legal = name.split('/').all(component)
        && !name.chars().any(forbidden)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.starts_with('-')
        && !name.ends_with('.')
        && name.len() <= 200
        && !matches!(name.as_str(), "@" | "HEAD");
    if legal { Ok(name) } else { Err("not a branch name that git takes".to_owned()) }
}

/// A name or an address of a person, as a commit's header may have it.
pub(super) fn person(text: String) -> Checked {
    let plain = one_line(&text, 200) == text && !text.is_empty();
    if plain && !text.contains(['<', '>']) {
        Ok(text)
    } else {
        Err("one line without `<` and `>` is needed".to_owned())
    }
}

/// One line that is not an option: a model, a path.
pub(super) fn argument(text: String) -> Checked {
    if text.starts_with('-') {
        return Err("it may not begin with `-`".to_owned());
    }
    if text.is_empty() || one_line(&text, 1_000) != text {
        return Err("one line of text is needed".to_owned());
    }
    Ok(text)
}

/// An absolute path, or one below the home directory.
pub(super) fn directory(text: String) -> Checked {
    let text = argument(text)?;
    let ends_somewhere = text.starts_with('/') || text.starts_with("~/") || text.get(1..3) == Some(":\\");
    if ends_somewhere && !text.split(['/', '\\']).any(|part| part == "..") {
        Ok(text)
    } else {
        Err("an absolute path without `..` is needed".to_owned())
    }
}

/// A folder outside of the repository that may be written, below the root or the home directory.
pub(super) fn writable(text: &str) -> Checked<()> {
    let below = text.strip_prefix("~/").or_else(|| text.strip_prefix('/')).unwrap_or_default();
    if below.split('/').all(|part| matches!(part, "" | ".")) {
        return Err("a folder below `/` or `~/` is needed, such as \"~/.cargo/registry\"".to_owned());
    }
    directory(text.to_owned()).map(|_| ())
}

/// A command for `sh -c`, which a person can see as a whole when asked to trust it.
pub(super) fn command(text: String) -> Checked {
    if text.trim().is_empty() {
        return Err("a command cannot be empty".to_owned());
    }
    word(text)
}

/// An argument of a command; it may be empty.
pub(super) fn word(text: String) -> Checked {
    if text.chars().any(|c| is_unprintable(c) && !matches!(c, '\n' | '\t')) {
        return Err("a command may not have invisible characters".to_owned());
    }
    Ok(text)
}

/// A name of an environment variable.
pub(super) fn variable(name: &str) -> Checked<()> {
    let letter = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let legal = name.bytes().all(|b| letter(b) || b.is_ascii_digit())
        && name.as_bytes().first().is_some_and(|b| letter(*b))
        && name.len() <= 200;
    if legal {
        Ok(())
    } else if name.contains('=') {
        Err("only the variable's name is written, its value comes from the environment".to_owned())
    } else {
        Err("not a name of an environment variable".to_owned())
    }
}

/// A glob over paths from the root of the repository.
pub(super) fn glob(text: &str) -> Checked<()> {
    if text.is_empty() || text.chars().count() > PATTERN_CHARS || one_line(text, PATTERN_CHARS) != text {
        return Err(format!("a glob is one line of 1 to {PATTERN_CHARS} characters"));
    }
    if text.starts_with('/') || text.split('/').any(|part| part == "..") {
        return Err("a glob begins at the root of the repository, without `/` and `..`".to_owned());
    }
    let reason = |error: globset::Error| error.kind().to_string();
    let compiled = GlobBuilder::new(text).literal_separator(true).build().map_err(reason)?;
    GlobSetBuilder::new().add(compiled).build().map_err(reason).map(|_| ())
}

/// A file or folder below the root of the repository; never the state or git's own.
pub(super) fn below(text: &str) -> Checked<()> {
    let root = text.split('/').next().unwrap_or_default();
    if text.is_empty() || one_line(text, 1_000) != text || text.starts_with(['/', '-']) {
        return Err("a path from the root of the repository is needed".to_owned());
    }
    if text.contains(['\\', '*', '?', '[']) {
        return Err("a path or a name is needed, without wildcards".to_owned());
    }
    if text.trim_end_matches('/').split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err("a path without `.`, `..` and empty names is needed".to_owned());
    }
    if root.eq_ignore_ascii_case(".git") || root.eq_ignore_ascii_case(crate::state::layout::ROOT) {
        return Err("what is git's or orch's own is never kept".to_owned());
    }
    Ok(())
}

/// A report that a gate writes below the root; its last name may have a `*`.
pub(super) fn report(text: String) -> Checked {
    let (folder, name) = text.rsplit_once('/').unwrap_or(("", &text));
    if name.matches('*').count() > 1 || name.is_empty() {
        return Err("the last name of a report's path may have one `*`".to_owned());
    }
    let plain = name.replace('*', "x");
    below(&if folder.is_empty() { plain } else { format!("{folder}/{plain}") })?;
    Ok(text)
}

/// A regular expression that has a group.
pub(super) fn pattern(text: String) -> Checked {
    if text.chars().count() > PATTERN_CHARS {
        return Err(format!("longer than {PATTERN_CHARS} characters"));
    }
    let built = RegexBuilder::new(&text).size_limit(PATTERN_BYTES).build();
    let regex = built.map_err(|error| {
        if matches!(error, regex::Error::CompiledTooBig(_)) {
            return "the pattern grows too big".to_owned();
        }
        // The last line names the fault, those before it draw where it is.
        error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })?;
    if regex.captures_len() < 2 {
        return Err("the number has to be in a group, such as `(\\d+) passed`; one called `each` counts how often it is found".to_owned());
    }
    Ok(text)
}

/// Cycles among gates: each gate is given as the places of those that it needs.
pub(super) fn cycles(needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut left: Vec<bool> = vec![true; needs.len()];
    let mut found = Vec::new();
    loop {
        while let Some(free) = (0..needs.len()).find(|n| left[*n] && !needs[*n].iter().any(|m| left[*m])) {
            left[free] = false;
        }
        let Some(start) = left.iter().position(|l| *l) else { return found };
        let mut walk = vec![start];
        // Everything that is left needs something that is left, so the walk comes back to itself.
        let cycle = loop {
            let here = walk[walk.len() - 1];
            let Some(next) = needs[here].iter().copied().find(|n| left[*n]) else { break walk };
            if let Some(at) = walk.iter().position(|n| *n == next) {
                break walk.split_off(at);
            }
            walk.push(next);
        };
        for n in &cycle {
            left[*n] = false;
        }
        found.push(cycle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_branch_is_what_git_takes() {
        for good in ["main", "feature/x.y", "a@b", "x-1"] {
            assert!(branch(good.to_owned()).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-x",
            "a b",
            "a..b",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a.lock/b",
            "a.",
            "@",
            "HEAD",
            "a@{1}",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[",
            "a\\b",
            "a\nb",
            "a\u{202e}b",
            "refs/heads/main",
        ] {
            assert!(branch(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_variable_has_a_name_and_no_value() {
        assert!(variable("API_KEY").is_ok() && variable("_x1").is_ok());
        for bad in ["", "1A", "A-B", "A B", "É"] {
            assert_eq!(variable(bad).unwrap_err(), "not a name of an environment variable");
        }
        assert!(variable("A=b").unwrap_err().contains("only the variable's name"));
    }

    #[test]
    fn a_glob_stays_in_the_repository_and_compiles() {
        assert!(glob("deploy/**").is_ok() && glob("{a,b}/*.[ch]").is_ok());
        for bad in ["", "/etc", "../x", "a/../b", "[", "{a", "a\nb"] {
            assert!(glob(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_pattern_compiles_and_has_a_group() {
        assert!(pattern(r"(\d+) passed".to_owned()).is_ok());
        assert!(pattern(r"\d+ passed".to_owned()).unwrap_err().contains("group"));
        assert!(pattern(r"(?:\d+)".to_owned()).is_err());
        assert_eq!(pattern("(".to_owned()).unwrap_err(), "unclosed group");
        assert_eq!(pattern(r"(\w{1000}){1000}".to_owned()).unwrap_err(), "the pattern grows too big");
        assert!(pattern("(".repeat(1_001)).is_err());
    }

    #[test]
    fn a_command_shows_all_of_itself() {
        assert!(command("a \\\n\tb 'é'".to_owned()).is_ok());
        for bad in ["", " \n", "a\0b", "a\u{202e}b", "a\u{1b}[2Jb", "a\rb"] {
            assert!(command(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn texts_cannot_become_options_headers_or_climb() {
        assert!(argument("--x".to_owned()).is_err() && argument("a\nb".to_owned()).is_err());
        assert!(argument("claude-sonnet-5-5".to_owned()).is_ok());
        assert!(person("A <b>".to_owned()).is_err() && person(String::new()).is_err());
        assert!(person("Ada Lovelace".to_owned()).is_ok());
        assert!(directory("/var/lib/orch".to_owned()).is_ok() && directory("~/w".to_owned()).is_ok());
        assert!(directory("w".to_owned()).is_err() && directory("/a/../b".to_owned()).is_err());
    }

    #[test]
    fn every_cycle_is_found_once() {
        assert!(cycles(&[]).is_empty());
        assert!(cycles(&[vec![1], vec![2], vec![]]).is_empty());
        assert_eq!(cycles(&[vec![0]]), [[0]]);
        assert_eq!(cycles(&[vec![1], vec![2], vec![1], vec![4], vec![3]]), [[1, 2], [3, 4]]);
    }

    proptest! {
        #[test]
        fn no_text_makes_a_rule_panic(text in "\\PC{0,60}") {
            let _ = (branch(text.clone()), person(text.clone()), argument(text.clone()), directory(text.clone()));
            let _ = (command(text.clone()), variable(&text), glob(&text), pattern(text));
        }

        #[test]
        fn cycles_end(needs in proptest::collection::vec(proptest::collection::vec(0_usize..12, 0..4), 12)) {
            for cycle in cycles(&needs) {
                for (at, n) in cycle.iter().enumerate() {
                    prop_assert!(needs[*n].contains(&cycle[(at + 1) % cycle.len()]));
                }
            }
        }
    }
}
