//! What is kept of tasks that were read before changes how long an answer takes, and nothing else.

use crate::sandbox::{Sandbox, agent};
use std::fs;

/// The whole queue, by whoever remembers what was read before.
fn queue(sandbox: &Sandbox) -> (i32, String, String) {
    let said = sandbox.quietly(&["next", "--json", "--limit", "1000"]);
    (said.code, said.stdout, said.stderr)
}

/// A prompt with all that was left out of it, by whoever remembers what was read before.
fn prompt(sandbox: &Sandbox) -> (i32, String, String) {
    let said = sandbox.quietly(&["prompt", "t-1", "--json"]);
    (said.code, said.stdout, said.stderr)
}

/// All notes of the work tree.
fn notes(sandbox: &Sandbox) -> (i32, String, String) {
    let said = sandbox.quietly(&["notes", "--all", "--json"]);
    (said.code, said.stdout, said.stderr)
}

/// The answer is the same as without anything kept; what is kept stays as it is for the next question.
fn is_as_read_afresh(sandbox: &Sandbox, ask: fn(&Sandbox) -> (i32, String, String), what: &str) {
    let (cache, aside) = (sandbox.repo().join(".git/orch/cache"), sandbox.root().join("aside"));
    let kept = ask(sandbox);
    fs::rename(&cache, &aside).expect("something is kept");
    assert_eq!(kept, ask(sandbox), "{what}");
    let _ = fs::remove_dir_all(&cache);
    fs::rename(&aside, &cache).expect("it is put back");
    assert_eq!(kept, ask(sandbox), "{what}, asked again");
}

fn task(sandbox: &Sandbox, path: &str, id: &str, title: &str) {
    let text = format!(
        "schema = 1\n# what\nid = \"{id}\"\ntitle = \"{title}\"\nkind = \"chore\"\ncomplexity = 1\n\n\n# standing\nstatus = \"pending\"\n"
    );
    sandbox.write(&format!(".orchestrator/tasks/{path}.toml"), &text);
}

#[test]
fn whatever_was_committed_since_is_read() {
    let sandbox = Sandbox::with(&[agent("true")]);
    for n in 10..50 {
        task(&sandbox, &format!("t-{n}"), &format!("t-{n}"), "First");
    }
    sandbox.commit("forty tasks");
    assert_eq!(queue(&sandbox).0, 0);
    let tasks = sandbox.repo().join(".orchestrator/tasks");
    let steps: [(&str, &dyn Fn()); 8] = [
        ("one is edited", &|| task(&sandbox, "t-11", "t-11", "Second")),
        ("one is added, before and after all others", &|| {
            task(&sandbox, "a-1", "a-1", "First");
            task(&sandbox, "z/z-1", "z-1", "First");
        }),
        ("one is gone", &|| fs::remove_file(tasks.join("t-12.toml")).expect("it was there")),
        ("one is moved", &|| {
            fs::create_dir(tasks.join("mine")).expect("a folder");
            fs::rename(tasks.join("t-13.toml"), tasks.join("mine/t-13.toml")).expect("it was there");
        }),
        ("one is damaged", &|| task(&sandbox, "t-14", "t-14", "\\")),
        ("one has a key that nobody knows", &|| task(&sandbox, "t-14", "t-14", "Odd\"\nodd = \"1")),
        ("most are edited", &|| {
            for n in 20..45 {
                task(&sandbox, &format!("t-{n}"), &format!("t-{n}"), "Third");
            }
        }),
        ("something that is no task is added", &|| sandbox.write(".orchestrator/tasks/notes.txt", "x\n")),
    ];
    for (what, step) in steps {
        step();
        sandbox.commit(what);
        is_as_read_afresh(&sandbox, queue, what);
    }
    sandbox.git(&["checkout", "-q", "-b", "past", "HEAD~6"]);
    is_as_read_afresh(&sandbox, queue, "an older commit is checked out");
    sandbox.git(&["branch", "-q", "-D", "main"]);
    sandbox.git(&["-c", "gc.reflogExpire=now", "reflog", "expire", "--expire=now", "--all"]);
    sandbox.git(&["gc", "-q", "--prune=now"]);
    is_as_read_afresh(&sandbox, queue, "git has tidied away what was read");
}

fn note(sandbox: &Sandbox, id: &str, text: &str) {
    let text = format!("schema: 1\nid: {id}\nkind: decision\ntext: {text}\ntasks: [t-1]\n");
    sandbox.write(&format!(".orchestrator/notes/{id}.yaml"), &text);
}

#[test]
fn whatever_was_noted_since_is_in_the_prompt() {
    let sandbox = Sandbox::with(&[agent("true")]);
    task(&sandbox, "t-1", "t-1", "Limit requests");
    for n in 10..50 {
        note(&sandbox, &format!("n-{n}"), "Requests are counted");
    }
    sandbox.commit("forty notes");
    assert_eq!((prompt(&sandbox).0, notes(&sandbox).0), (0, 0));
    let steps: [(&str, &dyn Fn()); 6] = [
        ("one is edited", &|| note(&sandbox, "n-11", "Requests are limited")),
        ("one is added, before and after all others", &|| {
            note(&sandbox, "a-1", "Requests come first");
            note(&sandbox, "z-1", "Requests come last");
        }),
        ("one is gone", &|| {
            fs::remove_file(sandbox.repo().join(".orchestrator/notes/n-12.yaml")).expect("it was there");
        }),
        ("one has a key that nobody knows", &|| note(&sandbox, "n-14", "Odd requests\nodd: 1")),
        ("most are edited", &|| {
            for n in 20..45 {
                note(&sandbox, &format!("n-{n}"), "Requests are counted by the minute");
            }
        }),
        ("one is damaged", &|| note(&sandbox, "n-14", "[")),
    ];
    for (what, step) in steps {
        step();
        is_as_read_afresh(&sandbox, notes, what);
        sandbox.commit(what);
        is_as_read_afresh(&sandbox, prompt, what);
    }
    assert_eq!(prompt(&sandbox).0, 3, "a note that cannot be read is no note that is left out");
    sandbox.git(&["checkout", "-q", "-b", "past", "HEAD~5"]);
    is_as_read_afresh(&sandbox, prompt, "an older commit is checked out");
    let cache = sandbox.repo().join(".git/orch/cache/notes");
    let kept = fs::read(&cache).expect("notes are kept");
    for at in [0, 3, 9, kept.len() / 2, kept.len() - 1] {
        let mut damaged = kept.clone();
        damaged[at] ^= 1;
        let whole = prompt(&sandbox);
        fs::write(&cache, &damaged).expect("it can be written");
        assert_eq!(prompt(&sandbox), whole, "byte {at} is another one");
    }
}

/// A note that is told about each time is read each time, and never kept.
#[test]
fn notes_with_a_warning_do_not_make_every_question_write_what_is_kept() {
    use std::os::unix::fs::MetadataExt as _;
    let sandbox = Sandbox::with(&[agent("true")]);
    task(&sandbox, "t-1", "t-1", "Limit requests");
    for n in 10..30 {
        note(&sandbox, &format!("n-{n}"), "Requests are counted");
        note(&sandbox, &format!("odd-{n}"), "Odd requests\nodd: 1");
    }
    sandbox.commit("forty notes");
    let cache = sandbox.repo().join(".git/orch/cache/notes");
    let first = prompt(&sandbox);
    let written = || fs::metadata(&cache).map(|there| there.ino()).expect("notes are kept");
    let before = written();
    assert_eq!(prompt(&sandbox), first);
    assert_eq!(written(), before, "it is written only where there is more to keep");
    let told = notes(&sandbox);
    assert!(format!("{}{}", told.1, told.2).contains("15 more problems"), "{told:?}");
}

/// What tells that a record is the same is another thing in a tree than in the work tree.
#[test]
fn questions_about_the_tip_and_about_the_work_tree_do_not_write_over_each_others_records() {
    use std::os::unix::fs::MetadataExt as _;
    let sandbox = Sandbox::with(&[agent("echo x > $ORCH_TASK")]);
    task(&sandbox, "t-1", "t-1", "Limit requests");
    task(&sandbox, "t-2", "t-2", "Count requests");
    sandbox.commit("tasks");
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    let ask = || [&["next"][..], &["status"], &["prompt"]].map(|question| sandbox.quietly(question).code);
    let written = || {
        ["recent", "recent-work", "runs-work"].map(|name| {
            let kept = sandbox.repo().join(".git/orch/cache").join(name);
            fs::metadata(kept).map(|there| there.ino()).expect("records are kept")
        })
    };
    assert_eq!(ask(), [0, 0, 0]);
    let before = written();
    assert_eq!(ask(), [0, 0, 0]);
    assert_eq!(written(), before, "nothing has changed, and nothing is written");
}

/// One task with all of its runs.
fn shown(sandbox: &Sandbox) -> (i32, String, String) {
    let said = sandbox.quietly(&["show", "t-1", "--json"]);
    (said.code, said.stdout, said.stderr)
}

#[test]
fn a_task_is_shown_without_a_look_at_the_records_of_others() {
    let sandbox = Sandbox::with(&[agent("echo $ORCH_RUN > x"), "[policy]\nmax_attempts = 1\n".to_owned()]);
    for id in ["t-1", "t-2"] {
        sandbox.task(id, id, &[]);
        assert_eq!(sandbox.quietly(&["step", "--task", id]).code, 0);
    }
    is_as_read_afresh(&sandbox, shown, "two records");
    let at_the_tip = || sandbox.quietly(&["show", "t-1", "--at", "HEAD", "--json"]);
    let before = at_the_tip();
    assert_eq!(before.code, 0, "{}", before.stderr);
    // The object of the other's record is gone: whoever looks at it fails.
    let listed = sandbox.git(&["ls-tree", "-r", "HEAD", ".orchestrator/runs"]);
    for line in listed.lines() {
        let (entry, path) = line.split_once('\t').expect("a path");
        let blob = entry.rsplit(' ').next().expect("an object");
        if sandbox.read(path).contains("task = \"t-2\"") {
            fs::remove_file(sandbox.repo().join(".git/objects").join(&blob[..2]).join(&blob[2..]))
                .expect("an object");
        }
    }
    let after = at_the_tip();
    assert_eq!((after.code, after.stdout), (0, before.stdout), "{}", after.stderr);
    fs::remove_dir_all(sandbox.repo().join(".git/orch/cache")).expect("something is kept");
    assert_ne!(at_the_tip().code, 0, "nothing is kept: all are looked at");
}
