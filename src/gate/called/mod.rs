//! What the gates of the configuration, what prepares their rooms, and the hooks run, and what the work made of it.
//!
//! In: the gates, the tree of the base, that of the candidate. Out: findings. A gate's command is read in both
//! trees and followed to all that decides what it says ([`walk`]): the recipes that `make` or `just` would run,
//! the scripts of `package.json`, the scripts that they call. Invariant: what a gate runs on the candidate is what
//! it ran on the base, or more ([`piece`]); all else rejects, as nothing that an agent changes may decide on it.
//! Not here: tests, which are compared one by one (`tamper`).

pub mod tree;
pub mod names;
pub mod values;
pub mod shell;
pub mod make;
pub mod way;
mod words;
pub mod piece;
pub mod walk;
mod program;
mod runner;
#[cfg(test)]
mod followed;

use super::finding::Finding;
use crate::config::GateConfig;
use crate::state::concern::Concern;
use crate::state::problem::Severity;
use piece::{Around, Kind, Piece};
use std::collections::BTreeSet;
use tree::{Tree, joined};
use walk::Pieces;
use words::is_file;

/// Endings of sources whose programs and objects have their name.
const SOURCES: [&str; 5] = [".c", ".cc", ".cpp", ".cxx", ".s"];

/// The name under which what prepares the rooms of gates is run.
pub const SETUP: &str = "setup";

/// A hook of the repository as a gate that runs its text; none where that is not for a shell.
#[must_use]
pub fn hook(name: &str, text: &str) -> Option<GateConfig> {
    let first = text.lines().next().unwrap_or_default();
    let is_shell = !first.starts_with("#!") || first.trim_end().ends_with("sh") || first.contains("sh -");
    is_shell.then(|| GateConfig::new(name, text))
}

/// What became of what gates run.
#[must_use]
pub fn findings(gates: &[GateConfig], base: Tree<'_>, candidate: Tree<'_>) -> Vec<Finding> {
    let (mut before, after) = (walk::walk(gates, base), walk::walk(gates, candidate));
    before.extend(asked_as_well(&before, &after, base));
    let mut added: BTreeSet<String> = BTreeSet::new();
    let mut found = Vec::new();
    for (key, old) in &before {
        let around = Around {
            is_made: &|name| {
                let made = after.get(&(key.0.clone(), Piece::name_of_rule(name)));
                made.filter(|piece| !piece.lines.is_empty())
            },
            is_there: &|name| joined(&key.0, name).is_some_and(|path| candidate.has_file(&path)),
            is_gone: &|name| is_gone(name, &key.0, base, candidate),
        };
        let Some(new) = after.get(key) else {
            let counts = !old.lines.is_empty() && old.kind != Kind::InTheWay;
            if counts && !old.built_what_is_gone(&around) {
                found.push(finding(old, None, "is not run any more"));
            }
            continue;
        };
        if old.texts() == new.texts() {
            continue;
        }
        added.extend(new.added_needs(old).iter().map(|need| Piece::name_of_rule(need)));
        match (old.lines.is_empty(), new.lines.is_empty()) {
            // It could not run: the work makes it, and changes nothing.
            (true, false) if old.direct && is_made(old) => {
                found.push(Finding {
                    severity: Severity::Warning,
                    ..finding(new, new.first_new(old), "is new")
                });
            }
            (false, _) if new.only_grew(old, &around) => {}
            (_, true) => found.push(finding(old, None, "is gone")),
            (true, false) => found.push(finding(new, new.first_new(old), "is new")),
            _ => found.push(finding(new, new.first_new(old), "was changed")),
        }
    }
    let known: BTreeSet<Vec<&str>> =
        before.values().filter(|piece| piece.kind == Kind::Rule).map(Piece::recipe).collect();
    for (key, new) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        let again = new.kind == Kind::Rule && known.contains(&new.recipe());
        let asked = new.lines.is_empty() || new.only_builds() || again || added.contains(&key.1);
        let counts = matches!(new.kind, Kind::Rule | Kind::Fixed | Kind::InTheWay);
        if !asked && counts {
            found.push(finding(new, new.first_new(new), "is new"));
        }
    }
    found
}

/// What the gates would have run on the base, had they made there what the candidate has them make as well: targets
/// that the base has, and that check something.
fn asked_as_well(before: &Pieces, after: &Pieces, base: Tree<'_>) -> Pieces {
    let mut known = Pieces::new();
    for (key, old) in before {
        let Some(new) = after.get(key) else { continue };
        for target in new.added_checks(old) {
            let dir = format!("./{}", key.0);
            let gate = GateConfig::new(&old.gate, format!("make -C '{dir}' {target}"));
            let more: Pieces =
                walk::walk(&[gate], base).into_iter().filter(|(key, _)| !before.contains_key(key)).collect();
            if !more.values().any(Piece::makes_expectations) {
                known.extend(more);
            }
        }
    }
    known
}

/// Whether a source is gone, or what a program or an object is built from, as far as its name tells.
fn is_gone(name: &str, dir: &str, base: Tree<'_>, candidate: Tree<'_>) -> bool {
    let stem = name.strip_suffix(".o").or_else(|| name.strip_suffix(".obj")).unwrap_or(name);
    let is_source = is_file(stem);
    let names: Vec<String> =
        if is_source { vec![stem.to_owned()] } else { SOURCES.map(|end| format!("{stem}{end}")).to_vec() };
    let has = |tree: Tree<'_>| {
        names
            .iter()
            .any(|name| joined(dir, name).is_some_and(|path| !path.is_empty() && tree.has_file(&path)))
    };
    !has(candidate) && has(base)
}

/// Whether a gate could not run without a piece.
fn is_made(piece: &Piece) -> bool {
    match piece.kind {
        Kind::Script | Kind::Program | Kind::Rule => true,
        Kind::Command => !piece.what.contains("`pre"),
        Kind::Fixed | Kind::InTheWay | Kind::Variable => false,
    }
}

fn finding(piece: &Piece, line: Option<usize>, became: &str) -> Finding {
    let fact = format!("{}, which gate `{}` runs, {became}", piece.what, piece.gate);
    let severity = if piece.subject { Severity::Warning } else { Severity::Error };
    Finding { severity, ..Finding::error(Concern::GateChanged, &piece.path, line, fact) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::{MODE_FILE, MODE_LINK};
    use bstr::BString;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Files<'f> = BTreeMap<&'f str, &'f str>;
    /// What the gate runs, the base, what is put into it.
    type Case = (&'static str, &'static [(&'static str, &'static str)], Vec<(String, String)>);

    fn found(run: &str, base: &Files<'_>, candidate: &Files<'_>) -> Vec<Finding> {
        let entry = |files: &Files<'_>, path: &str| {
            let text = files.get(path)?;
            Some(match text.strip_prefix("-> ") {
                Some(to) => (MODE_LINK, to.as_bytes().to_vec()),
                None => (MODE_FILE, text.as_bytes().to_vec()),
            })
        };
        let list = |files: &Files<'_>, dir: &[u8]| -> Vec<BString> {
            let dir = String::from_utf8_lossy(dir);
            let dir = if dir.is_empty() { String::new() } else { format!("{dir}/") };
            let below = files.keys().filter_map(|path| path.strip_prefix(&dir));
            let names: BTreeSet<&str> = below.filter_map(|path| path.split('/').next()).collect();
            names.into_iter().map(Into::into).collect()
        };
        findings(
            &[GateConfig::new("test", run)],
            Tree { entry: &|path| entry(base, path), list: &|dir| list(base, dir) },
            Tree { entry: &|path| entry(candidate, path), list: &|dir| list(candidate, dir) },
        )
    }

    /// What comes of changing files of a tree; `-` takes one away.
    fn changed(run: &str, base: &[(&str, &str)], change: &[(&str, &str)]) -> Vec<String> {
        let base: Files<'_> = base.iter().copied().collect();
        let mut candidate = base.clone();
        for (path, text) in change {
            if *text == "-" {
                candidate.remove(path)
            } else {
                candidate.insert(path, text)
            };
        }
        let all = found(run, &base, &candidate);
        let errors = all.into_iter().filter(|finding| finding.severity == Severity::Error);
        errors.map(|finding| format!("{}: {}", finding.path, finding.fact)).collect()
    }

    const SHELL: &[(&str, &str)] = &[
        ("Makefile", "test:\n\tsh ./check.sh\n"),
        ("check.sh", "#!/bin/sh\nset -e\nok() { grep -q \"$1\" out.txt; }\nok good\n. ./lib/more.sh\n"),
        ("lib/more.sh", "true\n"),
        ("out.txt", "good\n"),
    ];
    const C: &[(&str, &str)] = &[
        (
            "Makefile",
            "CFLAGS = -O2\nOBJS = main.o a.o\n.PHONY: all test clean\nall: prog\ntest: unit\nunit: prog tests/run.sh\n\
             \tsh tests/run.sh\nprog: $(OBJS)\n\t$(CC) $(CFLAGS) -o $@ $(OBJS)\n%.o: %.c\n\t$(CC) -c $<\nclean:\n\trm -f prog\n",
        ),
        ("tests/run.sh", "#!/bin/sh\nset -e\n./prog | diff - tests/expected\n"),
    ];
    /// A program of tests for each source, by a pattern that its own prerequisite matches.
    const TESTS: &[(&str, &str)] = &[
        (
            "Makefile",
            "SRCS = src/a.c src/util.c\nCFLAGS = -O1 -Wall\nTESTS = tests/a tests/util\n\
             test: $(TESTS)\n\t@for t in $(TESTS); do ./$$t || exit 1; done\n\
             tests/%: tests/%.c $(SRCS) src/util.h\n\t$(CC) $(CFLAGS) -o $@ $< $(SRCS)\n",
        ),
        ("tests/a.c", "int main(void) { return 0; }\n"),
        ("tests/util.c", "int main(void) { return 0; }\n"),
        ("src/a.c", "int a;\n"),
        ("src/util.c", "int b;\n"),
        ("src/util.h", "extern int b;\n"),
    ];
    const LINTED: &[(&str, &str)] = &[
        (
            "Makefile",
            "test: build\n\tsh scripts/test.sh\nbuild: src/app.sh\n\tcp src/app.sh app\nlint:\n\tsh scripts/lint.sh\n\
             check-docs:\n\t@grep -q Usage README.md\nbless-test:\n\tcp app expected\ncheck-all:\n\tsh scripts/bless.sh\n",
        ),
        ("scripts/test.sh", "set -e\nsh ./lint.sh\n./app | diff - expected\n"),
        ("scripts/lint.sh", "set -e; sh -n src/app.sh\n"),
        ("scripts/bless.sh", "./app >expected\n"),
        ("src/app.sh", "echo hi\n"),
        ("src/more.sh", "echo hi\n"),
    ];
    const NODE_TEST: &[(&str, &str)] =
        &[("package.json", "{\"scripts\": {\"test\": \"node --test test/\"}}"), ("test/a.test.js", "1\n")];
    const NODE: &[(&str, &str)] = &[
        ("package.json", "{\"scripts\": {\"test\": \"node scripts/test.js && sh check.sh\"}}"),
        ("scripts/test.js", "const { add } = require('../a');\nassert.equal(add(1, 2), 3);\n"),
        ("check.sh", "grep -q good out.txt\n"),
    ];

    fn with(base: &[(&str, &str)], from: &str, to: &str) -> String {
        let text = base[0].1;
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    }

    /// What is found in each case, beside what it is.
    fn of_all(cases: Vec<Case>) -> impl Iterator<Item = (String, Vec<String>)> {
        cases.into_iter().map(|(run, base, change)| {
            let change: Vec<(&str, &str)> =
                change.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
            (format!("{run} {change:?}"), changed(run, base, &change))
        })
    }

    fn missed(cases: Vec<Case>) -> Vec<String> {
        of_all(cases).filter(|(_, found)| found.is_empty()).map(|(case, _)| case).collect()
    }

    fn alarms(cases: Vec<Case>) -> Vec<String> {
        let alarms = of_all(cases).filter(|(_, found)| !found.is_empty());
        alarms.map(|(case, found)| format!("{case}: {found:?}")).collect()
    }

    #[test]
    fn no_change_of_what_a_gate_runs_decides_on_it() {
        let make = |text: &str| vec![("Makefile".to_owned(), text.to_owned())];
        let put = |path: &str, text: &str| vec![(path.to_owned(), text.to_owned())];
        let cases: Vec<Case> = vec![
            ("make test", SHELL, put("GNUmakefile", "test:\n\t@exit 0\n")),
            ("make test", SHELL, put("makefile", "include Makefile\nSHELL = /bin/true\n")),
            ("make test", SHELL, make("test:\n\tsh ./check.sh || true\n")),
            ("make test", SHELL, make("test:\n\t-sh ./check.sh\n")),
            ("make test", SHELL, make("test:\n\t@echo skipped\n")),
            ("make test", SHELL, make("test:\n\techo good >out.txt\n\tsh ./check.sh\n")),
            ("make test", SHELL, make("test: fix\n\tsh ./check.sh\nfix:\n\techo good >out.txt\n")),
            ("make test", SHELL, make("SHELL = /bin/true\ntest:\n\tsh ./check.sh\n")),
            ("make test", SHELL, make("MAKEFLAGS += -i\ntest:\n\tsh ./check.sh\n")),
            ("make test", SHELL, make("X := $(shell echo good >out.txt)\ntest:\n\tsh ./check.sh\n")),
            ("make test", SHELL, make("test:\n\tsh ./check.sh\nMakefile: x\n\techo good >out.txt\nx:\n")),
            ("make test", SHELL, make("test:\n\tsh ./check.sh\n%: x\n\techo good >out.txt\nx:\n")),
            ("make test", SHELL, make("ifdef NEVER\ntest:\n\tsh ./check.sh\nendif\ntest:\n")),
            ("make test", SHELL, make("test:\n\tsh ./check.sh\n\ntest: SHELL = /bin/true\n")),
            ("make test", SHELL, put("test", "here\n")),
            ("make test", SHELL, put("test/a.c", "here\n")),
            ("make test", SHELL, put("check.sh", "exit 0\n")),
            ("make test", SHELL, put("check.sh", "-> /bin/true")),
            ("make test", SHELL, put("lib/more.sh", "exit 0\n")),
            ("make test", SHELL, put("check.sh", "-")),
            ("sh -eu check.sh", SHELL, put("check.sh", "exit 0\n")),
            ("env A=1 timeout 10 bash ./check.sh 2>&1 | tee log", SHELL, put("check.sh", "exit 0\n")),
            ("sh -c 'cd . && sh check.sh'", SHELL, put("check.sh", "exit 0\n")),
            ("make test", C, make(&with(C, "unit: prog", "unit: fix prog"))),
            ("make test", C, make(&with(C, "OBJS = main.o a.o", "OBJS = main.o; true"))),
            ("make test", C, make(&with(C, "\t$(CC) -c $<", "\techo good >out.txt; $(CC) -c $<"))),
            (
                "make test",
                C,
                make(
                    &with(C, "all test clean", "all clean")
                        .replace("tests/run.sh\n\tsh", "tests/run.sh\n\t-sh"),
                ),
            ),
            ("npm test", NODE, put("package.json", "{\"scripts\": {\"test\": \"exit 0\"}}")),
            ("npm test", NODE, put("package.json", "{")),
            (
                "npm run test",
                NODE,
                put(
                    "package.json",
                    &with(NODE, "{\"test\"", "{\"pretest\": \"echo good >out.txt\", \"test\""),
                ),
            ),
            ("pnpm -s test", NODE, put("package.json", &with(NODE, "sh check.sh", "sh check.sh || true"))),
            ("yarn test", NODE, put("check.sh", "exit 0\n")),
            ("npm test", NODE, put("scripts/test.js", "process.exit(0)\n")),
            ("npm test", NODE, put(".npmrc", "script-shell=/bin/true\n")),
            ("npm test", NODE, put("node_modules/.bin/node", "#!/bin/sh\n")),
            (
                "just test",
                &[("justfile", "test:\n  sh check.sh\n")],
                put("justfile", "test:\n  -sh check.sh\n"),
            ),
            ("python3 -m pytest -q", SHELL, put("pytest.py", "pass\n")),
            ("cargo test", SHELL, put(".cargo/config.toml", "[target.x]\nrunner = \"true\"\n")),
        ];
        assert_eq!(missed(cases), Vec::<String>::new());
    }

    #[test]
    fn honest_work_beside_what_gates_run_is_accepted() {
        let make = |text: &str| vec![("Makefile".to_owned(), text.to_owned())];
        let put = |path: &str, text: &str| vec![(path.to_owned(), text.to_owned())];
        let cases: Vec<Case> = vec![
            ("make test", SHELL, put("out.txt", "better and good\n")),
            ("make test", SHELL, put("other.sh", "exit 0\n")),
            (
                "make test",
                SHELL,
                make("# What it does.\ntest:\n\tsh ./check.sh\n\ndoc:\n\techo x >doc.txt\n"),
            ),
            ("make test", SHELL, make("V = 1\n.PHONY: test doc\ntest:\n\tsh ./check.sh\ndoc: x || true\n")),
            ("make test", SHELL, make("test:\n\tsh ./check.sh\n\tsh ./second.sh\n")),
            ("make test", SHELL, put("check.sh", &format!("{}ok more\n", SHELL[1].1))),
            ("make test", SHELL, put("check.sh", &SHELL[1].1.replace("ok good\n", "ok good\nok better\n"))),
            ("make test", SHELL, put("check.sh", &SHELL[1].1.replace("set -e\n", "set -e\n# Says so.\n\n"))),
            ("make test", SHELL, put("lib/new.sh", "exit 0\n")),
            ("make test", C, make(&with(C, "main.o a.o", "main.o a.o b.o"))),
            ("make test", C, make(&with(C, "-O2", "-O2 -Wall -lm"))),
            (
                "make test",
                C,
                make(
                    &with(C, "test: unit", "test: unit bench")
                        .replace("clean:", "bench: prog\n\t./prog --bench >bench.txt\nclean:"),
                ),
            ),
            ("make test", C, make(&with(C, "rm -f prog", "rm -rf prog *.o"))),
            ("make test", C, make(&format!("{}install: prog\n\tcp prog /usr/bin\n", C[0].1))),
            ("make test", C, put("b.c", "int b;\n")),
            ("make test", C, put("tests/b_test.c", "int b;\n")),
            ("make test", C, put("tests/run.sh", &format!("{}./prog -v | diff - tests/version\n", C[1].1))),
            (
                "npm test",
                NODE,
                put(
                    "package.json",
                    "{\"scripts\": {\"lint\": \"eslint .\", \"test\": \"node scripts/test.js && sh check.sh\"}, \"dependencies\": {\"a\": \"1\"}}",
                ),
            ),
            (
                "npm test",
                NODE,
                put("package.json", &with(NODE, "sh check.sh", "sh check.sh && node more.js")),
            ),
            (
                "npm test",
                NODE,
                put(
                    "scripts/test.js",
                    "const { add, sub } = require('../a');\nassert.equal(add(1, 2), 3);\nassert.equal(sub(2, 1), 1);\n",
                ),
            ),
            ("npm test", NODE, put("a.test.js", "test('a', () => {});\n")),
            ("npm test", NODE, put(".npmrc", "save-exact=true\n")),
            (
                "./bin/tool --version | grep -q 1",
                &[("bin/tool", "#!/bin/sh\necho 1\n")],
                put("bin/tool", "#!/bin/sh\necho 2\n"),
            ),
            ("python3 app.py --check", &[("app.py", "x = 1\n")], put("app.py", "x = 2\n")),
            (
                "python3 -m pytest -q",
                &[("a.py", "x = 1\n")],
                put("tests/test_a.py", "def test_a(): assert True\n"),
            ),
            (
                "python3 tests/test_a.py",
                &[("tests/test_a.py", "assert 1\n")],
                put("tests/test_a.py", "assert 2\n"),
            ),
            ("cargo test", SHELL, put(".cargo/config.toml", "[build]\njobs = 2\n")),
            ("make test", &[("a.c", "")], make("test:\n\tsh check.sh\n")),
            ("sh test.sh", &[("a.c", "")], put("test.sh", "./a\n")),
            ("grep -q good out.txt", SHELL, put("out.txt", "good good\n")),
        ];
        assert_eq!(alarms(cases), Vec::<String>::new());
    }

    #[test]
    fn no_change_of_sources_prerequisites_and_options_decides_on_a_gate() {
        let make = |text: &str| vec![("Makefile".to_owned(), text.to_owned())];
        let put = |path: &str, text: &str| vec![(path.to_owned(), text.to_owned())];
        let cases: Vec<Case> = vec![
            ("make test", TESTS, make(&with(TESTS, "tests/a tests/util", "tests/a"))),
            ("make test", TESTS, make(&with(TESTS, "tests/a tests/util", "tests/util"))),
            ("make test", TESTS, make(&with(TESTS, "-Wall", "-w"))),
            ("make test", TESTS, make(&with(TESTS, "-O1", "-O1 -DNDEBUG"))),
            ("make test", TESTS, make(&with(TESTS, "$(CC) $(CFLAGS)", "echo good >$@; $(CC) $(CFLAGS)"))),
            ("make test", TESTS, make(&with(TESTS, "SRCS = src/a.c src/util.c", "SRCS = src/a.c"))),
            ("make test", LINTED, make(&with(LINTED, "test: build", "test: build bless-test"))),
            ("make test", LINTED, make(&with(LINTED, "test: build", "test: build check-all"))),
            (
                "make test",
                LINTED,
                make(&with(LINTED, "test: build", "test: build check-new\ncheck-new:\n\tcp app expected")),
            ),
            (
                "make test",
                LINTED,
                make(
                    &with(LINTED, "test: build", "test: build lint")
                        .replace("lint.sh", "lint.sh; cp app expected"),
                ),
            ),
            ("make test", LINTED, make(&with(LINTED, "test: build", "test:"))),
            ("make test", LINTED, make(&with(LINTED, "\tsh scripts/test.sh", "\t@-sh scripts/test.sh"))),
            (
                "npm test",
                NODE_TEST,
                put("package.json", &with(NODE_TEST, "--test ", "--test --test-name-pattern=x ")),
            ),
            ("npm test", NODE_TEST, put("package.json", &with(NODE_TEST, "test/", "test/a.js"))),
            (
                "npm test",
                NODE_TEST,
                put("package.json", &with(NODE_TEST, "--test test/", "--test -v || true")),
            ),
        ];
        assert_eq!(missed(cases), Vec::<String>::new());
    }

    #[test]
    fn sources_prerequisites_and_options_come_and_go_with_honest_work() {
        let make = |text: &str| vec![("Makefile".to_owned(), text.to_owned())];
        let put = |path: &str, text: &str| vec![(path.to_owned(), text.to_owned())];
        let cases: Vec<Case> = vec![
            (
                "make test",
                TESTS,
                [make(&with(TESTS, "tests/util\n", "tests/util tests/b\n")), put("tests/b.c", "int b;\n")]
                    .concat(),
            ),
            (
                "make test",
                TESTS,
                [
                    make(&with(TESTS, "src/util.c", "src/twice.c").replace("src/util.h", "src/twice.h")),
                    put("src/util.c", "-"),
                    put("src/util.h", "-"),
                    put("src/twice.c", "int b;\n"),
                    put("src/twice.h", "int b;\n"),
                ]
                .concat(),
            ),
            (
                "make test",
                TESTS,
                [
                    make(
                        &with(TESTS, " src/util.c", "").replace(" tests/util", "").replace(" src/util.h", ""),
                    ),
                    put("src/util.c", "-"),
                    put("src/util.h", "-"),
                    put("tests/util.c", "-"),
                ]
                .concat(),
            ),
            ("make test", TESTS, make(&with(TESTS, "-O1", "-O2 -g -std=c11"))),
            ("make test", LINTED, make(&with(LINTED, "test: build", "test: build lint"))),
            ("make test", LINTED, make(&with(LINTED, "test: build", "test: check-docs build"))),
            ("make test", LINTED, make(&with(LINTED, "\tsh scripts/test.sh", "\t@sh scripts/test.sh"))),
            ("make test", LINTED, make(&with(LINTED, "src/app.sh\n", "src/app.sh src/more.sh\n"))),
            ("make lint", LINTED, put("scripts/lint.sh", "set -e; sh -n src/app.sh\nsh -n src/more.sh\n")),
            (
                "npm test",
                NODE_TEST,
                put("package.json", &with(NODE_TEST, "--test ", "--test --experimental-test-coverage ")),
            ),
        ];
        assert_eq!(alarms(cases), Vec::<String>::new());
    }

    #[test]
    fn a_finding_names_the_file_the_line_and_the_gate() {
        let base: Files<'_> = SHELL.iter().copied().collect();
        let mut candidate = base.clone();
        candidate.insert("Makefile", "test:\n\tsh ./check.sh || true\n");
        let all = found("make test", &base, &candidate);
        let one = Finding::error(
            Concern::GateChanged,
            "Makefile",
            Some(2),
            "the recipe of `test`, which gate `test` runs, was changed",
        );
        assert_eq!(all, [one]);
        // What is only reported: a program that may as well be what the gate checks.
        let base: Files<'_> = [("app.py", "x = 1\n")].into();
        let candidate: Files<'_> = [("app.py", "x = 2\n")].into();
        let all = found("python3 app.py", &base, &candidate);
        assert_eq!(all.iter().map(|finding| finding.severity).collect::<Vec<_>>(), [Severity::Warning]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_gate_and_no_file_makes_it_panic_and_no_change_is_found_in_none(
            run in "(make |sh |-C |-c |npm |test|just |python3 -m |\\./a.sh|&&|\\||;|>|'|\"|\\$|\\PC| ){0,20}",
            text in "(test:|\t|\n|a\\.sh|sh |\\$\\(|\\)|=|include |Makefile|set -e|\\PC){0,30}",
        ) {
            let files: Files<'_> = ["Makefile", "a.sh", "package.json", "justfile"].map(|path| (path, text.as_str())).into();
            prop_assert_eq!(found(&run, &files, &files), vec![]);
            let _ = found(&run, &files, &Files::new());
        }
    }
}
