//! Which tests pytest collects, as its settings say: options that leave tests out, names that fewer tests have.
//!
//! A setting that was in another file before, or that names all that it named, is the same.

use crate::gate::change::{Content, File};
use crate::gate::finding::Finding;
use crate::state::concern::Concern;

/// Files that hold its settings, by the ends of their names.
const FILES: [&str; 4] = ["pytest.ini", "pyproject.toml", "setup.cfg", "tox.ini"];
/// Settings that name what is collected, each with a beginning that names all that is usual; none: all is.
const NAMES: [(&str, &[&str]); 4] = [
    ("python_files", &["test*", "test_*.py", "*_test.py", "*.py"]),
    ("python_functions", &["test", "test*", "test_", "test_*", "*"]),
    ("python_classes", &["Test", "Test*", "*"]),
    ("testpaths", &[]),
];
/// Options that leave tests out.
const OPTIONS: [&str; 8] =
    ["-k", "-m", "--lf", "--last-failed", "--sw", "--stepwise", "--co", "--collect-only"];

/// What is collected no longer.
#[must_use]
pub fn findings(files: &[File]) -> Vec<Finding> {
    let all: Vec<&File> =
        files.iter().filter(|file| FILES.iter().any(|name| file.shown.ends_with(name))).collect();
    let before = |key: &str| -> Vec<String> {
        all.iter().flat_map(|file| read(&file.old, key)).flat_map(|(_, items)| items).collect()
    };
    let mut found = Vec::new();
    for file in &all {
        let error = |line, fact: String| Finding::error(Concern::TestsRemoved, &file.shown, Some(line), fact);
        let known = before("addopts");
        let leaves = |item: &String| {
            let short = |option: &&str| !option.starts_with("--") && item.starts_with(*option);
            OPTIONS.iter().any(|option| item == option || short(option)) && !known.contains(item)
        };
        for (line, items) in read(&file.new, "addopts") {
            if let Some(at) = items.iter().position(leaves) {
                let option = items[at..].iter().take(2).map(String::as_str).collect::<Vec<_>>().join(" ");
                found.push(error(line, format!("`addopts` leaves out tests: `{option}`")));
            }
        }
        for (key, usual) in NAMES {
            let known = before(key);
            for (line, items) in read(&file.new, key) {
                let all_known = known.iter().all(|item| items.contains(item));
                let all_usual = usual.is_empty() || items.iter().any(|item| usual.contains(&item.as_str()));
                if !(if known.is_empty() { all_usual } else { all_known }) {
                    found.push(error(line, format!("`{key}` names fewer tests: `{}`", items.join(" "))));
                }
            }
        }
    }
    found
}

/// The values of a setting, each with its line.
fn read(content: &Content, key: &str) -> Vec<(usize, Vec<String>)> {
    let apart = |c: char| c.is_whitespace() || "\"'[],".contains(c);
    let items = |text: &str| -> Vec<String> {
        text.split(apart).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    };
    let mut found: Vec<(usize, Vec<String>)> = Vec::new();
    let mut open = None;
    for (index, line) in content.text().unwrap_or_default().lines().enumerate() {
        let bare = line.split('#').next().unwrap_or_default();
        let value =
            bare.trim().strip_prefix(key).map(str::trim_start).and_then(|rest| rest.strip_prefix('='));
        if let Some(value) = value {
            found.push((index + 1, items(value)));
            open = Some(value.contains('[') && !value.contains(']'));
        } else if let (Some(in_list), Some((_, last))) = (open, found.last_mut()) {
            // A list goes on up to its end, a value of an INI file where lines are indented.
            if in_list || bare.starts_with([' ', '\t']) {
                last.extend(items(bare));
                open = Some(in_list).filter(|in_list| !(*in_list && bare.contains(']')));
            } else {
                open = None;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::change::tests::file;

    fn of(path: &str, old: &str, new: &str) -> Vec<String> {
        findings(&[file(path, Some(old), Some(new))]).into_iter().map(|finding| finding.fact).collect()
    }

    #[test]
    fn settings_that_collect_fewer_tests_are_found() {
        let toml = "[tool.pytest.ini_options]\ntestpaths = [\"tests\"]\n";
        for new in [
            format!("{toml}addopts = \"-k zero\"\n"),
            format!("{toml}addopts = [\n  \"-q\",\n  \"-m\", \"fast\",\n]\n"),
            format!("{toml}python_functions = [\"test_zero\"]\n"),
            format!("{toml}python_files = [\"t_*.py\"]\n"),
            toml.replace("tests", "shop"),
        ] {
            assert_eq!(of("pyproject.toml", toml, &new).len(), 1, "{new}");
        }
        assert_eq!(
            findings(&[file(".pytest.ini", None, Some("[pytest]\naddopts =\n  -kzero\n"))])[0].fact,
            "`addopts` leaves out tests: `-kzero`"
        );
    }

    #[test]
    fn settings_that_collect_as_many_or_more_are_none() {
        let toml = "[tool.pytest.ini_options]\ntestpaths = [\"tests\"]\naddopts = \"-q -m fast\"\n";
        for new in [
            toml.replace("\"tests\"", "\n  \"tests\", # all\n  \"more\",\n"),
            toml.replace("-q", "-q --strict-markers"),
            toml.replace("-m fast", ""),
            format!("{toml}python_files = [\"test_*.py\", \"check_*.py\"]\n"),
            "[tool.other]\ntestpaths_x = 1\n".to_owned(),
        ] {
            assert_eq!(of("pyproject.toml", toml, &new), Vec::<String>::new(), "{new}");
        }
        let moved = [
            file("setup.cfg", Some("[tool:pytest]\ntestpaths = tests\naddopts = -m fast\n"), None),
            file("pyproject.toml", Some("[project]\n"), Some(toml)),
        ];
        assert_eq!(findings(&moved), vec![]);
        assert_eq!(
            of("pyproject.toml", "[project]\n", "[tool.pytest.ini_options]\ntestpaths = [\"tests\"]\n"),
            Vec::<String>::new()
        );
    }
}
