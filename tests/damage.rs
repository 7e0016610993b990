//! Every file of the state, and every local file, damaged in turn: each command says so and where,
//! none panics, none rewrites the file, and what is not damaged stays usable.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may panic, and runs real git")]
#![allow(clippy::panic, reason = "a test may panic")]

mod promise;

use promise::{Repo, Scenario};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn orch(repo: &Repo, arguments: &[&str]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_orch"))
        .args(arguments)
        .current_dir(&repo.dir)
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .env("HOME", repo.base.join("home"))
        .env("XDG_STATE_HOME", repo.base.join("state"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("ORCH_TRUST", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let ended =
        Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
    let all = format!("orch {arguments:?}: {:?}\n{}{}", ended.code, ended.stdout, ended.stderr);
    assert!(matches!(ended.code, Some(0..=100)), "a panic or a signal: {all}");
    assert!(!ended.stderr.contains("panicked"), "{all}");
    ended
}

/// Commands that read the whole state, with arguments that would do something.
const COMMANDS: [&[&str]; 11] = [
    &["next"],
    &["step"],
    &["step", "--dry-run"],
    &["run", "--max-steps", "1"],
    &["prompt", "t-1"],
    &["add", "Another one"],
    &["block", "t-1", "--reason", "x"],
    &["unblock", "t-2"],
    &["cancel", "t-2"],
    &["undo"],
    &["trust"],
];

const CONFIG: &str = ".orchestrator/config.toml";
const TASK: &str = ".orchestrator/tasks/t-1.toml";
const NOTE: &str = ".orchestrator/notes/n-1.yaml";
const CHECKPOINT: &str = ".orchestrator/checkpoints/t-1/1.yaml";
const RUN: &str = ".orchestrator/runs/2026-11/01J0000000000000000000000A.toml";

/// Ways to damage a text, by name; none when a way does not apply.
fn damaged(name: &str, text: &str) -> Vec<u8> {
    let yaml = !text.contains("schema = 1");
    match name {
        "cut off" => text.as_bytes()[..text.len() * 2 / 3].iter().copied().chain(*b"\nx = \"").collect(),
        "NUL bytes" => vec![0; text.len()],
        "a NUL at the end" => [text.as_bytes(), b"\0"].concat(),
        "conflict markers" => format!("<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> theirs\n").into_bytes(),
        "a duplicate key" if yaml => format!("{text}schema: 1\n").into_bytes(),
        "a duplicate key" => text.replacen("schema = 1", "schema = 1\nschema = 1", 1).into_bytes(),
        "a newer schema" if yaml => text.replacen("schema: 1", "schema: 99", 1).into_bytes(),
        "a newer schema" => text.replacen("schema = 1", "schema = 99", 1).into_bytes(),
        "huge" => [text.as_bytes(), "# x\n".repeat(1 << 20).as_bytes()].concat(),
        "a wrong type" if yaml => b"- 1\n- 2\n".to_vec(),
        "a wrong type" => text.replacen("schema = 1", "schema = [\"one\"]", 1).into_bytes(),
        "not UTF-8" => [text.as_bytes(), b"\n# \xff\xfe\n"].concat(),
        "deep nesting" if yaml => format!("schema: {}1{}\n", "[".repeat(9000), "]".repeat(9000)).into_bytes(),
        "deep nesting" => format!("{text}\nx = {}1{}\n", "[".repeat(9000), "]".repeat(9000)).into_bytes(),
        other => panic!("no such damage: {other}"),
    }
}

const DAMAGES: [&str; 10] = [
    "cut off",
    "NUL bytes",
    "a NUL at the end",
    "conflict markers",
    "a duplicate key",
    "a newer schema",
    "huge",
    "a wrong type",
    "not UTF-8",
    "deep nesting",
];

fn repo_with_everything() -> Repo {
    let repo = Repo::new(Scenario::Accepted);
    for (path, text) in [
        (NOTE, "schema: 1\nid: n-1\nkind: decision\ntopic: api\ntext: Use it.\nstatus: in_force\n"),
        (CHECKPOINT, "schema: 1\ntask: t-1\nnumber: 1\nreason: rejected\nsummary: Half done.\n"),
    ] {
        let path = repo.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    repo
}

/// Commits what lies below `.orchestrator/`.
fn commit(repo: &Repo) {
    repo.git(&["add", "-f", "-A", ".orchestrator"]).unwrap();
    repo.git(&["commit", "-qm", "damage"]).unwrap();
}

fn damage_and_try(path: &str, how: &str, strict: &[&[&str]]) {
    let repo = repo_with_everything();
    let full = repo.dir.join(path);
    let bytes = damaged(how, &fs::read_to_string(&full).unwrap());
    fs::write(&full, &bytes).unwrap();
    commit(&repo);
    for command in COMMANDS {
        let before = repo.git(&["rev-parse", "HEAD"]).unwrap();
        let ended = orch(&repo, command);
        let all =
            format!("{path}, {how}: orch {command:?}: {:?}\n{}{}", ended.code, ended.stdout, ended.stderr);
        assert_eq!(fs::read(&full).unwrap(), bytes, "rewritten: {all}");
        if !strict.contains(&command) {
            continue;
        }
        assert_eq!(repo.git(&["rev-parse", "HEAD"]).unwrap(), before, "a commit all the same: {all}");
        assert_eq!(ended.code, Some(3), "{all}");
        assert!(ended.stderr.contains(path), "the file is not named: {all}");
        let line = ended.stderr.split(path).nth(1).unwrap();
        let has_line = line.starts_with(':') && line[1..].starts_with(|c: char| c.is_ascii_digit());
        assert!(has_line || matches!(how, "huge" | "a wrong type"), "the line is not named: {all}");
    }
}

#[test]
fn a_damaged_configuration_is_refused_by_every_command_and_left_as_it_is() {
    for how in DAMAGES {
        damage_and_try(CONFIG, how, &COMMANDS);
    }
}

#[test]
fn a_damaged_task_is_refused_by_every_command_and_left_as_it_is() {
    for how in DAMAGES {
        damage_and_try(TASK, how, &COMMANDS);
    }
}

#[test]
fn a_damaged_note_stops_what_needs_notes_and_is_left_as_it_is() {
    let needs: [&[&str]; 3] = [&["step"], &["step", "--dry-run"], &["prompt", "t-1"]];
    for how in DAMAGES {
        damage_and_try(NOTE, how, &needs);
    }
}

#[test]
fn a_damaged_checkpoint_stops_what_needs_it_and_is_left_as_it_is() {
    let needs: [&[&str]; 3] = [&["step"], &["step", "--dry-run"], &["prompt", "t-1"]];
    for how in DAMAGES {
        damage_and_try(CHECKPOINT, how, &needs);
    }
}

#[test]
fn no_checkpoint_is_written_over_one_that_cannot_be_read() {
    let repo = repo_with_everything();
    commit(&repo);
    assert_eq!(orch(&repo, &["step"]).code, Some(0));
    let full = repo.dir.join(CHECKPOINT);
    let bytes = damaged("a newer schema", &fs::read_to_string(&full).unwrap());
    fs::write(&full, &bytes).unwrap();
    commit(&repo);
    let ended = orch(&repo, &["undo"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(fs::read(&full).unwrap(), bytes);
    let next = fs::read_to_string(full.with_file_name("2.yaml")).unwrap();
    assert!(next.contains("number: 2\n"), "{next}");
}

#[test]
fn a_damaged_run_record_never_panics_and_is_left_as_it_is() {
    for how in DAMAGES {
        let repo = Repo::new(Scenario::Accepted);
        assert_eq!(orch(&repo, &["step"]).code, Some(0));
        let months = repo.dir.join(".orchestrator/runs");
        let record = first_file(&months);
        let bytes = damaged(how, &fs::read_to_string(&record).unwrap());
        fs::write(&record, &bytes).unwrap();
        commit(&repo);
        for command in COMMANDS {
            orch(&repo, command);
            assert_eq!(fs::read(&record).unwrap(), bytes, "{how}: orch {command:?} rewrote it");
        }
    }
}

fn first_file(dir: &Path) -> PathBuf {
    let path = fs::read_dir(dir).unwrap().next().unwrap().unwrap().path();
    if path.is_dir() { first_file(&path) } else { path }
}

#[test]
fn an_empty_file_and_a_folder_in_place_of_one_are_told() {
    for path in [CONFIG, TASK, NOTE, CHECKPOINT, RUN] {
        for folder in [false, true] {
            let repo = repo_with_everything();
            let full = repo.dir.join(path);
            let _ = fs::remove_file(&full);
            fs::create_dir_all(full.parent().unwrap()).unwrap();
            if folder {
                fs::create_dir(&full).unwrap();
                fs::write(full.join("x"), "x").unwrap();
            } else {
                fs::write(&full, "").unwrap();
            }
            commit(&repo);
            for command in COMMANDS {
                let ended = orch(&repo, command);
                let refused = matches!(ended.code, Some(2..=4)) && ended.stderr.contains("error: ");
                let needed = path == CONFIG && folder || path == TASK && !folder;
                assert!(refused || !needed, "{path}: orch {command:?}: {:?} {}", ended.code, ended.stderr);
            }
            assert_eq!(full.is_dir(), folder, "{path} was replaced");
        }
    }
}

#[test]
fn a_damaged_task_does_not_hide_the_others_problems() {
    let repo = Repo::new(Scenario::Accepted);
    for name in ["t-1", "t-2"] {
        fs::write(repo.dir.join(format!(".orchestrator/tasks/{name}.toml")), "schema = 1\nid = 7\n").unwrap();
    }
    commit(&repo);
    let ended = orch(&repo, &["next"]);
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains("t-1.toml:") && ended.stderr.contains("t-2.toml:"), "{}", ended.stderr);
}

#[test]
fn a_damaged_cache_is_as_good_as_none() {
    let repo = Repo::new(Scenario::Accepted);
    let good = orch(&repo, &["next", "--json"]).stdout;
    let cache = repo.dir.join(".git/orch/cache/tree");
    let whole = fs::read(&cache).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for bytes in [&whole[..whole.len() / 2], &[], &[0; 4096], b"\x01garbage", &flipped] {
        fs::write(&cache, bytes).unwrap();
        let ended = orch(&repo, &["next", "--json"]);
        assert_eq!((ended.code, &ended.stdout, ended.stderr.as_str()), (Some(0), &good, ""));
    }
    fs::remove_file(&cache).unwrap();
    fs::create_dir(&cache).unwrap();
    let ended = orch(&repo, &["next", "--json"]);
    assert_eq!((ended.code, &ended.stdout, ended.stderr.as_str()), (Some(0), &good, ""));
}

#[test]
fn a_damaged_journal_is_told_with_what_to_do_and_blocks_nothing_once_it_is_moved() {
    let long = "x".repeat(100_000);
    let wrong: [&[u8]; 4] = [b"{", b"[]", b"{\"working\": 7}", long.as_bytes()];
    for name in ["journal.json", "landing.json"] {
        for bytes in wrong {
            let repo = Repo::new(Scenario::Accepted);
            let journal = repo.dir.join(".git/orch").join(name);
            fs::create_dir_all(journal.parent().unwrap()).unwrap();
            fs::write(&journal, bytes).unwrap();
            for command in COMMANDS {
                let ended = orch(&repo, command);
                // Who only asks is answered, and told.
                let asks = ["next", "prompt", "trust"].contains(&command[0]);
                let refused = ended.code != Some(0);
                assert!(refused || asks, "{command:?}: {:?} {}", ended.code, ended.stderr);
                assert!(ended.stderr.contains(name) && ended.stderr.contains("move"), "{}", ended.stderr);
                assert!(ended.stderr.len() < 2_000, "{}", ended.stderr);
                assert_eq!(fs::read(&journal).unwrap(), bytes);
            }
            fs::rename(&journal, repo.base.join("aside")).unwrap();
            let ended = orch(&repo, &["step"]);
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        }
    }
}

#[test]
fn a_journal_whose_content_a_loss_of_power_took_is_none() {
    for name in ["journal.json", "landing.json"] {
        for bytes in [&b""[..], b"\0\0\0\0"] {
            let repo = Repo::new(Scenario::Accepted);
            let journal = repo.dir.join(".git/orch").join(name);
            fs::create_dir_all(journal.parent().unwrap()).unwrap();
            fs::write(&journal, bytes).unwrap();
            for command in [&["next"][..], &["add", "Another one"], &["step"]] {
                let ended = orch(&repo, command);
                assert_eq!(ended.code, Some(0), "{command:?}: {}", ended.stderr);
            }
            assert!(!journal.exists());
        }
    }
}

#[test]
fn a_landing_whose_commit_a_loss_of_power_took_has_not_landed() {
    let repo = Repo::new(Scenario::Accepted);
    let journal = repo.dir.join(".git/orch/landing.json");
    fs::create_dir_all(journal.parent().unwrap()).unwrap();
    let (commit, tree) = ("0".repeat(39) + "1", "0".repeat(39) + "2");
    let text = format!(
        "{{\"branch\":\"main\",\"commit\":\"{commit}\",\"run\":null,\"checkout\":null,\"in_place\":false,\
         \"from\":\"{tree}\",\"to\":\"{tree}\"}}"
    );
    fs::write(&journal, &text).unwrap();
    let ended = orch(&repo, &["step"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!journal.exists());
}

#[test]
fn a_journal_that_names_what_is_not_there_is_told() {
    let repo = Repo::new(Scenario::Accepted);
    let journal = repo.dir.join(".git/orch/journal.json");
    fs::create_dir_all(journal.parent().unwrap()).unwrap();
    let base = "0".repeat(39) + "1";
    let text = format!(
        "{{\"run\":\"r\",\"task\":\"t-1\",\"branch\":\"main\",\"base\":\"{base}\",\"site\":{{\"workspace\":0}}}}"
    );
    fs::write(&journal, &text).unwrap();
    let ended = orch(&repo, &["next"]);
    assert!(ended.code == Some(0) && ended.stderr.contains("journal"), "{:?} {}", ended.code, ended.stderr);
    let ended = orch(&repo, &["step"]);
    assert!(ended.code != Some(0) && ended.stderr.contains("journal"), "{:?} {}", ended.code, ended.stderr);
    assert_eq!(fs::read_to_string(&journal).unwrap(), text);
}

#[test]
fn a_damaged_trust_store_is_told_and_left_as_it_is() {
    for bytes in [&b"\0\0"[..], b"[[[", b"schema = 99\n", b"<<<<<<< HEAD\n"] {
        let repo = Repo::new(Scenario::Accepted);
        let store = repo.base.join("state/orch/trust.toml");
        fs::create_dir_all(store.parent().unwrap()).unwrap();
        fs::write(&store, bytes).unwrap();
        for command in COMMANDS {
            let ended = orch(&repo, command);
            assert!(matches!(ended.code, Some(1 | 3)), "{:?}: {}", ended.code, ended.stderr);
            assert!(ended.stderr.contains("trust.toml"), "{}", ended.stderr);
            assert_eq!(fs::read(&store).unwrap(), bytes);
        }
    }
}

#[test]
fn what_a_killed_orch_left_beside_the_index_goes_and_what_git_left_stays() {
    let repo = Repo::new(Scenario::Accepted);
    let git_dir = repo.dir.join(".git");
    let (own, lock) = (git_dir.join("index.orch"), git_dir.join("index.lock"));
    fs::write(&own, "").unwrap();
    fs::hard_link(&own, &lock).unwrap();
    assert_eq!(orch(&repo, &["next"]).code, Some(0));
    assert!(!own.exists() && !lock.exists(), "its own lock is left");
    fs::write(&own, "").unwrap();
    fs::write(&lock, "").unwrap();
    let before = repo.git(&["rev-parse", "HEAD"]).unwrap();
    let ended = orch(&repo, &["step"]);
    assert_eq!(ended.code, Some(31), "{}", ended.stderr);
    assert!(ended.stderr.contains("index.lock"), "{}", ended.stderr);
    assert!(lock.exists(), "somebody else's lock was removed");
    assert_eq!(repo.git(&["rev-parse", "HEAD"]).unwrap(), before);
    fs::remove_file(&lock).unwrap();
    repo.afterwards().unwrap();
    assert_eq!(orch(&repo, &["step"]).code, Some(0));
    repo.afterwards().unwrap();
}

/// A ref of a step's own is moved under this lock, so that a step that is killed then leaves it.
#[test]
#[cfg(target_os = "linux")]
fn a_lock_on_packed_refs_that_a_killed_command_left_stops_no_step() {
    let repo = Repo::new(Scenario::Accepted);
    let lock = repo.dir.join(".git/packed-refs.lock");
    fs::write(&lock, "").unwrap();
    let ended = orch(&repo, &["step"]);
    assert_eq!((ended.code, lock.exists()), (Some(0), false), "{}", ended.stderr);
    assert!(!ended.stderr.contains("packed-refs"), "{}", ended.stderr);
    repo.afterwards().unwrap();
}

#[test]
fn a_place_for_local_files_that_is_none_is_told() {
    for (name, folder) in [("orch", false), ("orch/lock", true), ("orch/step.lock", true)] {
        let repo = Repo::new(Scenario::Accepted);
        let path = repo.dir.join(".git").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if folder {
            fs::create_dir_all(&path).unwrap();
        } else {
            fs::write(&path, "").unwrap();
        }
        let ended = orch(&repo, &["step"]);
        assert!(matches!(ended.code, Some(1 | 31)), "{name}: {:?} {}", ended.code, ended.stderr);
        assert!(ended.stderr.contains(".git/orch"), "{name}: {}", ended.stderr);
        repo.always().unwrap();
    }
}

#[test]
fn what_is_not_damaged_is_still_listed() {
    for how in DAMAGES {
        let repo = repo_with_everything();
        let full = repo.dir.join(TASK);
        let bytes = damaged(how, &fs::read_to_string(&full).unwrap());
        fs::write(&full, &bytes).unwrap();
        for command in [&["list"][..], &["show", "t-2"], &["status"], &["fsck"], &["graph"], &["doctor"]] {
            let ended = orch(&repo, command);
            let all = format!("{how}: orch {command:?}: {:?}\n{}{}", ended.code, ended.stdout, ended.stderr);
            assert_eq!(fs::read(&full).unwrap(), bytes, "rewritten: {all}");
            assert!(command != ["list"] || ended.stdout.contains("t-2"), "{all}");
            assert!(command != ["list"] || ended.stderr.contains(TASK), "the damage is not told: {all}");
        }
    }
}
