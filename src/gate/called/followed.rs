//! That what gates and hooks call is followed, however they call it.

use super::findings;
use super::tree::Tree;
use crate::config::GateConfig;
use crate::effects::MODE_FILE;
use crate::state::problem::Severity;
use bstr::BString;
use std::collections::{BTreeMap, BTreeSet};

type Files = BTreeMap<String, String>;

fn files(all: &[(&str, &str)]) -> Files {
    all.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

fn entry(files: &Files, path: &str) -> Option<(u32, Vec<u8>)> {
    files.get(path).map(|text| (MODE_FILE, text.as_bytes().to_vec()))
}

fn list(files: &Files, dir: &[u8]) -> Vec<BString> {
    let dir = String::from_utf8_lossy(dir);
    let dir = if dir.is_empty() { String::new() } else { format!("{dir}/") };
    let below = files.keys().filter_map(|path| path.strip_prefix(&dir));
    let names: BTreeSet<&str> = below.filter_map(|path| path.split('/').next()).collect();
    names.into_iter().map(Into::into).collect()
}

/// What rejects when files are put into a tree.
fn rejected(run: &str, base: &Files, put: &[(&str, &str)]) -> Vec<String> {
    rejected_by(&GateConfig::new("test", run), base, put)
}

fn rejected_by(gate: &GateConfig, base: &Files, put: &[(&str, &str)]) -> Vec<String> {
    let mut candidate = base.clone();
    candidate.extend(files(put));
    let found = findings(
        std::slice::from_ref(gate),
        Tree { entry: &|path| entry(base, path), list: &|dir| list(base, dir) },
        Tree { entry: &|path| entry(&candidate, path), list: &|dir| list(&candidate, dir) },
    );
    let errors = found.into_iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| format!("{}: {}", finding.path, finding.fact)).collect()
}

/// A tree in which `ci/a.sh` is the script that is given.
fn tree(script: &str) -> Files {
    files(&[
        ("ci/a.sh", script),
        ("ci/check.sh", "grep -q good out.txt\n"),
        ("check.sh", "grep -q good out.txt\n"),
        ("checks/one.sh", "grep -q good out.txt\n"),
        ("bin/check", "#!/bin/sh\ngrep -q good out.txt\n"),
        ("check.awk", "/good/ { ok = 1 } END { exit !ok }\n"),
        ("tools/check.py", "import sys\nfrom lib import look\nlook('out.txt')\n"),
        ("tools/lib.py", "def look(path):\n    assert 'good' in open(path).read()\n"),
        ("scripts/check.js", "const { look } = require('./look');\nlook();\n"),
        ("scripts/look.js", "exports.look = () => { throw 1 };\n"),
        ("tests/a_test.sh", "grep -q good out.txt\n"),
        ("examples/a.sh", "echo good\n"),
        ("out.txt", "good\n"),
    ])
}

#[test]
fn scripts_are_followed_however_they_are_called() {
    for (script, emptied) in [
        ("cd \"$(dirname \"$0\")\"; sh ./check.sh", "ci/check.sh"),
        ("cd \"$(dirname -- \"${BASH_SOURCE[0]}\")/..\" && sh check.sh", "check.sh"),
        ("cd \"${0%/*}/..\"\n./check.sh", "check.sh"),
        ("cd -- \"$(git rev-parse --show-toplevel)\"\nsh ci/check.sh", "ci/check.sh"),
        ("D=$(cd \"$(dirname \"$0\")/..\" && pwd)\ncd \"$D\"\nsh check.sh", "check.sh"),
        ("D=$(cd \"$(dirname \"$0\")\" && pwd); . \"$D/check.sh\"", "ci/check.sh"),
        ("for c in check.sh; do sh $c || exit 1; done", "check.sh"),
        ("for c in checks/*; do sh $c || exit 1; done", "checks/one.sh"),
        ("for c in checks/*.sh; do \"./${c}\" || exit 1; done", "checks/one.sh"),
        ("run-parts --exit-on-error checks", "checks/one.sh"),
        ("find checks -name '*.sh' | xargs -n1 sh", "checks/one.sh"),
        ("find checks -name '*.sh' -exec sh {} \\;", "checks/one.sh"),
        ("ls checks/* | xargs -I {} sh {}", "checks/one.sh"),
        ("S=check.sh; sh $S", "check.sh"),
        ("S=check.sh; T=./$S\nexport T\nsh \"$T\"", "check.sh"),
        ("sh < check.sh", "check.sh"),
        ("cat check.sh | sh", "check.sh"),
        ("PATH=$PWD/bin:$PATH check", "bin/check"),
        ("export PATH=\"$PWD/bin:$PATH\"\ncheck", "bin/check"),
        ("awk -f check.awk out.txt", "check.awk"),
        ("python3 -m tools.check", "tools/check.py"),
        ("python3 -m tools.check", "tools/lib.py"),
        ("python3 tools/check.py", "tools/lib.py"),
        ("node scripts/check.js", "scripts/look.js"),
    ] {
        let base = tree(script);
        let found = rejected("sh ci/a.sh", &base, &[(emptied, "exit 0\n")]);
        assert!(found.iter().any(|said| said.starts_with(emptied)), "{script}: {found:?}");
        assert_eq!(rejected("sh ci/a.sh", &base, &[("out.txt", "good good\n")]), [""; 0], "{script}");
    }
}

#[test]
fn what_is_taken_for_a_module_or_a_program_of_others_rejects() {
    for (run, path) in [
        ("python3 -m pytest -q", "iniconfig.py"),
        ("python3 -m pytest -q", "json.py"),
        ("python3 -m pytest -q", "pluggy/__init__.py"),
        ("python3 -m unittest", "_pytest/__init__.py"),
        ("python3 tools/check.py", "tools/json.py"),
        ("PATH=$PWD/bin:$PATH grep -q good out.txt", "bin/grep"),
    ] {
        assert_eq!(rejected(run, &tree(""), &[(path, "exit 0\n")]).len(), 1, "{run}: {path}");
    }
}

#[test]
fn honest_work_beside_what_is_followed_is_accepted() {
    for (run, path, text) in [
        // Tests are compared one by one.
        ("for t in tests/*.sh; do sh $t || exit 1; done", "tests/a_test.sh", "grep -q better out.txt\n"),
        ("for t in tests/*.sh; do sh $t || exit 1; done", "tests/b_test.sh", "grep -q better out.txt\n"),
        ("for c in checks/*; do sh $c || exit 1; done", "checks/two.sh", "grep -q better out.txt\n"),
        // They may as well be what is checked.
        ("for e in examples/*.sh; do sh $e || exit 1; done", "examples/a.sh", "echo better\n"),
        ("python3 -m pytest -q", "shop/json.py", "x = 1\n"),
        ("python3 -m pytest -q", "site/index.md", "# Site\n"),
        ("python3 -m pytest -q", "email/templates/a.txt", "Hi\n"),
        ("python3 -m pytest -q", "cart.py", "x = 1\n"),
        ("find . -name '*.sh' | xargs shellcheck", "check.sh", "grep -q better out.txt\n"),
        ("for c in *.sh; do sh -n $c; done", "check.sh", "grep -q better out.txt\n"),
    ] {
        assert_eq!(rejected(run, &tree(""), &[(path, text)]), [""; 0], "{run}: {path}");
    }
}

#[test]
fn scripts_of_all_members_of_a_workspace_are_followed() {
    let package = |scripts: &str| format!("{{\"scripts\": {{{scripts}}}}}");
    let mut base = tree("");
    for (path, scripts) in [("package.json", ""), ("packages/a/package.json", "\"test\": \"node a.js\"")] {
        base.insert(path.to_owned(), package(scripts));
    }
    base.insert("packages/b/package.json".to_owned(), package(""));
    for run in ["npm test --workspaces --if-present", "pnpm -r test"] {
        for (path, scripts) in [
            ("packages/a/package.json", "\"test\": \"true\""),
            ("packages/a/package.json", ""),
            ("packages/a/package.json", "\"test\": \"node a.js\", \"pretest\": \"sed -i d a.js\""),
        ] {
            assert!(!rejected(run, &base, &[(path, &package(scripts))]).is_empty(), "{run}: {scripts}");
        }
        for path in ["packages/b/package.json", "packages/c/package.json"] {
            let test = package("\"test\": \"node b.js\"");
            assert_eq!(rejected(run, &base, &[(path, &test)]), [""; 0], "{run}: {path}");
        }
    }
    base.insert("package.json".to_owned(), package("\"test\": \"mocha\""));
    // What is the script's own option, and the root beside its members.
    for run in ["npm test -- -r x", "yarn test -r x", "npm test --workspaces --include-workspace-root"] {
        let hollow = package("\"test\": \"true\"");
        assert!(!rejected(run, &base, &[("package.json", &hollow)]).is_empty(), "{run}");
    }
}

#[test]
fn what_hooks_and_the_preparation_of_rooms_call_is_followed() {
    let package = |scripts: &str| format!("{{\"scripts\": {{\"test\": \"node --test\"{scripts}}}}}");
    let base = |hook: &str| {
        let mut base = tree("");
        base.insert("package.json".to_owned(), package(", \"prepare\": \"node scripts/check.js\""));
        base.insert(".pre-commit-config.yaml".to_owned(), hook.to_owned());
        base
    };
    for (text, emptied) in [
        ("#!/bin/sh\nsh checks/one.sh\n", "checks/one.sh"),
        ("#!/usr/bin/env bash\nexec pre-commit run\n", "check.sh"),
        ("npm run prepare\n", "scripts/check.js"),
    ] {
        let hook = super::hook("pre-commit", text).expect("for a shell");
        let base =
            base("repos:\n  - repo: local\n    hooks:\n      - id: check\n        entry: sh check.sh\n");
        assert!(!rejected_by(&hook, &base, &[(emptied, "exit 0\n")]).is_empty(), "{text}");
    }
    assert!(super::hook("pre-commit", "#!/usr/bin/env python3\nimport x\n").is_none());
    let setup = GateConfig::new(super::SETUP, "npm ci");
    for scripts in [
        "\"prepare\": \"sed -i s/-/+/ a.js\"",
        "\"postinstall\": \"true\", \"prepare\": \"node scripts/check.js\"",
    ] {
        let found = rejected_by(&setup, &base(""), &[("package.json", &package(&format!(", {scripts}")))]);
        assert!(!found.is_empty(), "{scripts}");
    }
    let honest = package(", \"lint\": \"eslint .\", \"prepare\": \"node scripts/check.js\"");
    assert_eq!(rejected_by(&setup, &base(""), &[("package.json", &honest)]), [""; 0]);
    assert!(!rejected_by(&setup, &base(""), &[("scripts/look.js", "exports.look = 1;\n")]).is_empty());
}
