//! What is kept of tasks that were read before changes how long an answer takes, and nothing else.

use crate::sandbox::{Sandbox, agent};
use std::fs;

/// The whole queue, by whoever remembers what was read before.
fn queue(sandbox: &Sandbox) -> (i32, String, String) {
    let said = sandbox.quietly(&["next", "--json", "--limit", "1000"]);
    (said.code, said.stdout, said.stderr)
}

/// The queue is the same as without anything kept; what is kept stays as it is for the next question.
fn is_as_read_afresh(sandbox: &Sandbox, what: &str) {
    let (cache, aside) = (sandbox.repo().join(".git/orch/cache"), sandbox.root().join("aside"));
    let kept = queue(sandbox);
    fs::rename(&cache, &aside).expect("something is kept");
    assert_eq!(kept, queue(sandbox), "{what}");
    let _ = fs::remove_dir_all(&cache);
    fs::rename(&aside, &cache).expect("it is put back");
    assert_eq!(kept, queue(sandbox), "{what}, asked again");
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
        is_as_read_afresh(&sandbox, what);
    }
    sandbox.git(&["checkout", "-q", "-b", "past", "HEAD~6"]);
    is_as_read_afresh(&sandbox, "an older commit is checked out");
    sandbox.git(&["branch", "-q", "-D", "main"]);
    sandbox.git(&["-c", "gc.reflogExpire=now", "reflog", "expire", "--expire=now", "--all"]);
    sandbox.git(&["gc", "-q", "--prune=now"]);
    is_as_read_afresh(&sandbox, "git has tidied away what was read");
}
