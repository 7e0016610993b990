//! Files that git would not take in, and those that only git itself can write.

use crate::sandbox::{Sandbox, agent, table};
use crate::transcript;
use std::fs;

/// A step whose agent leaves such a file: rejected with its name, what can be kept is kept, and orch works on.
fn unfit(script: &str, settings: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.configure(&[agent(script)]);
    sandbox.lend("truncate");
    for (key, value) in settings {
        sandbox.git(&["config", key, value]);
    }
    sandbox.task("t-1", "Do it", &[]);
    sandbox.task("t-2", "Do another", &["--run", "echo fine > fine"]);
    assert_eq!(sandbox.orch(&["step", "--task", "t-1"]).code, 20);
    for question in ["list", "next", "status"] {
        let said = sandbox.quietly(&[question]);
        assert!([0, 11].contains(&said.code) && said.stderr.is_empty(), "{}", said.stderr);
    }
    assert_eq!(sandbox.quietly(&["step", "--task", "t-2"]).code, 0);
    let kept = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch/attempts"]);
    sandbox.show_git(&["diff", "--stat", &format!("{}~", kept.trim()), kept.trim()]);
    sandbox
}

#[test]
fn mixed_line_ends_that_git_is_told_to_refuse_are_rejected_and_kept() {
    let sandbox = unfit(
        "printf \"a\\r\\nb\\n\" > mix; echo 1 > new",
        &[("core.autocrlf", "input"), ("core.safecrlf", "true")],
    );
    let kept = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch/attempts"]);
    assert_eq!(sandbox.git(&["cat-file", "blob", &format!("{}:mix", kept.trim())]), "a\r\nb\n");
    transcript!(sandbox);
}

#[test]
fn an_encoding_that_nobody_knows_is_rejected() {
    transcript!(unfit("echo \"*.q working-tree-encoding=NOPE-9\" > .gitattributes; echo 1 > x.q", &[]));
}

#[test]
fn what_is_not_in_the_encoding_that_it_is_said_to_be_in_is_rejected() {
    transcript!(unfit("echo \"*.z working-tree-encoding=UTF-16\" > .gitattributes; printf abc > y.z", &[]));
}

#[test]
fn a_file_larger_than_any_memory_is_rejected_and_left_out() {
    let probe = Sandbox::new();
    let file = fs::File::create(probe.repo().join("probe")).expect("a file");
    if file.set_len(9 << 40).is_err() || !probe.lend("truncate") {
        // This file system has no files of that size.
        return;
    }
    transcript!(unfit("truncate -s 9T big; echo 1 > new", &[]));
}

#[test]
fn an_agent_cannot_have_such_a_file_read_by_a_filter_that_nobody_set_up() {
    let script = "echo \"*.bin filter=x\" > .gitattributes; truncate -s 600M x.bin";
    let sandbox = unfit(script, &[("filter.x.smudge", "cat"), ("filter.x.clean", "")]);
    let said = sandbox.transcript();
    assert!(said.contains("`x.bin`: it is too large to be taken in ("), "{said}");
}

/// UTF-16 as git writes it.
const UTF16: [u8; 8] = [0xff, 0xfe, b'h', 0, b'i', 0, b'\n', 0];

#[test]
fn files_in_an_encoding_of_their_own_are_what_git_would_write() {
    for encoding in ["UTF-16", "UTF-16LE-BOM"] {
        let sandbox = Sandbox::new();
        sandbox.configure(&[agent(
            "cp w.rc seen; printf \"\\377\\376o\\000k\\000\\n\\000\" > w.rc; cp w.rc wrote; cp w.rc new.rc",
        )]);
        sandbox.write(".gitattributes", &format!("*.rc working-tree-encoding={encoding}\n"));
        fs::write(sandbox.repo().join("w.rc"), UTF16).expect("a file");
        sandbox.commit("an encoding");
        sandbox.task("t-1", "Do it", &[]);
        let said = sandbox.quietly(&["step"]);
        assert_eq!(said.code, 0, "{}", said.stderr);
        let bytes = |name: &str| fs::read(sandbox.repo().join(name)).expect("a file");
        assert_eq!(bytes("seen"), UTF16, "the agent sees what a person does");
        assert_eq!((bytes("w.rc"), bytes("new.rc")), (bytes("wrote"), bytes("wrote")));
        assert_eq!(sandbox.git(&["cat-file", "blob", "HEAD:w.rc"]), "ok\n");
        fs::write(sandbox.repo().join("w.rc"), bytes("wrote")).expect("a touch");
        assert_eq!(sandbox.git(&["status", "--short"]), "");
    }
}

#[test]
fn what_is_called_git_by_other_letters_is_not_dropped_without_a_word() {
    let script = "mkdir -p .GIT; echo precious > .GIT/notes.txt; echo new > new";
    let sandbox = Sandbox::with(&[agent(script), table("policy", "max_attempts = 1")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    let said = sandbox.quietly(&["step"]);
    assert_eq!(said.code, 20, "{}", said.stderr);
    assert!(said.stderr.contains(".GIT"), "{}", said.stderr);
    let said = sandbox.quietly(&["step", "--in-place"]);
    assert_eq!(said.code, 20, "{}", said.stderr);
    assert_eq!(sandbox.git(&["status", "--short"]), "");
    assert!(sandbox.repo().join(".git/orch/repositories/.GIT/notes.txt").exists());
}

#[test]
fn a_huge_file_is_taken_in_whole_and_lands_where_a_person_allows_it() {
    let sandbox = Sandbox::new();
    sandbox.configure(&[agent("truncate -s 40M core; echo 1 > new")]);
    sandbox.lend("truncate");
    sandbox.task("t-1", "Do it", &[]);
    assert_eq!(sandbox.orch(&["step"]).code, 20);
    let kept = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch/attempts"]);
    assert_eq!(sandbox.git(&["cat-file", "-s", &format!("{}:core", kept.trim())]).trim(), "41943040");
    assert_eq!(sandbox.orch(&["edit", "t-1", "--allow", "large-file"]).code, 0);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    let content = fs::read(sandbox.repo().join("core")).expect("the file of the work tree");
    assert!(content.len() == 40 << 20 && content.iter().all(|byte| *byte == 0), "{} bytes", content.len());
    assert_eq!(sandbox.git(&["status", "--short"]), "");
}

#[test]
fn a_huge_file_of_which_a_filter_makes_a_pointer_is_a_pointer() {
    let sandbox = Sandbox::new();
    sandbox.configure(&[agent("truncate -s 40M x.bin")]);
    sandbox.lend("truncate");
    sandbox.git(&["config", "filter.x.clean", "cat > /dev/null; echo pointer"]);
    sandbox.git(&["config", "filter.x.smudge", "cat"]);
    sandbox.write(".gitattributes", "*.bin filter=x\n");
    sandbox.commit("a filter");
    sandbox.task("t-1", "Do it", &[]);
    let said = sandbox.quietly(&["step"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(sandbox.git(&["cat-file", "blob", "HEAD:x.bin"]), "pointer\n");
}
