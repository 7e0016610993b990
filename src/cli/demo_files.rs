//! What `orch demo` begins with: a small program with a test that fails, gates, and a task graph.
//!
//! Everything needs `sh` and the tools of POSIX, and nothing else. `agent.sh` stands in for a coding
//! agent: it reads its prompt, changes files and ends; its first attempt at the first task is bad.

use crate::state::id::TaskId;
use crate::state::task::{Kind, Task};

/// The program and its tests.
pub(super) const PROGRAM: [(&str, &str); 5] = [
    (
        "greet.sh",
        r#"#!/bin/sh
# Greets people: greet.sh [NAME...]
for name in "$@"; do
    echo "Hello, $name!"
done
"#,
    ),
    (
        "test.sh",
        r#"#!/bin/sh
# Runs every test in tests/, and fails if one of them does.
passed=0 failed=0
for test in tests/*.sh; do
    if sh "$test"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
"#,
    ),
    (
        "tests/names.sh",
        r#"got=$(sh greet.sh Ada Grace | tr '\n' ' ')
[ "$got" = 'Hello, Ada! Hello, Grace! ' ] || { echo "names: got '$got'"; exit 1; }
"#,
    ),
    (
        "tests/nobody.sh",
        r#"got=$(sh greet.sh)
[ "$got" = 'Hello, world!' ] || { echo "nobody: expected 'Hello, world!', got '$got'"; exit 1; }
"#,
    ),
    ("agent.sh", AGENT),
];

const AGENT: &str = r#"#!/bin/sh
# Stands in for a coding agent: reads its prompt, changes files, ends. What it claims does not
# count: orch looks at the files, runs the gates itself, and commits or rejects.
set -eu

case $ORCH_TASK in
fix-nobody)
    if ! grep -q '^## Last attempt' "$ORCH_PROMPT_FILE"; then
        # The first idea: a comment, and a test runner that always says yes.
        echo '# Greets the world when nobody is named.' >>greet.sh
        echo 'echo "2 passed, 0 failed"' >test.sh
    else
        # The prompt says why that was rejected.
        sed 's/^for name/[ $# -gt 0 ] || set -- world\
&/' greet.sh >greet.new
        mv greet.new greet.sh
    fi
    ;;
shout)
    cat >shout.sh <<'END'
#!/bin/sh
# Greets people loudly: shout.sh [NAME...]
sh greet.sh "$@" | tr '[:lower:]' '[:upper:]'
END
    cat >tests/shout.sh <<'END'
got=$(sh shout.sh Ada)
[ "$got" = 'HELLO, ADA!' ] || { echo "shout: got '$got'"; exit 1; }
END
    ;;
part)
    cat >bye.sh <<'END'
#!/bin/sh
# Parts from people: bye.sh [NAME...]
sh greet.sh "$@" | sed 's/^Hello/Goodbye/'
END
    cat >tests/bye.sh <<'END'
got=$(sh bye.sh)
[ "$got" = 'Goodbye, world!' ] || { echo "bye: got '$got'"; exit 1; }
END
    ;;
manual)
    for script in greet.sh shout.sh bye.sh; do
        sed -n '2s/^# /- /p' "$script"
    done >README.md
    ;;
release)
    echo 1.0.0 >VERSION
    ;;
*)
    echo "this stand-in knows nothing of the task $ORCH_TASK" >&2
    exit 1
    ;;
esac
"#;

/// The configuration.
pub(super) const CONFIG: &str = r#"# The configuration of a demonstration. `orch doctor` shows every setting and where it came from.
schema = 1

[project]
author = { name = "orch demo", email = "demo@example.com" }

[policy]
protect = ["test.sh"]           # what says whether tests passed is not the agent's to change

[[gate]]
name = "syntax"
run = "for script in *.sh tests/*.sh; do sh -n \"$script\" || exit 1; done"

[[gate]]
name = "test"
run = "sh test.sh"
needs = ["syntax"]
metric = { name = "passed", regex = "(\\d+) passed", min = 2 }
"#;

/// A task in a few words: id, kind, priority, title, dependencies, what "done" means.
type Plan = (&'static str, Kind, u8, &'static str, &'static [&'static str], &'static str);

const PLANS: [Plan; 6] = [
    ("greeter", Kind::Epic, 2, "A greeter to rely on", &[], ""),
    (
        "fix-nobody",
        Kind::Bug,
        0,
        "Greet the world when nobody is named",
        &[],
        "`sh greet.sh` prints `Hello, world!`",
    ),
    ("shout", Kind::Feature, 1, "Greet loudly", &["fix-nobody"], "`sh shout.sh Ada` prints `HELLO, ADA!`"),
    ("part", Kind::Feature, 2, "Say goodbye", &["fix-nobody"], "`sh bye.sh` prints `Goodbye, world!`"),
    ("manual", Kind::Docs, 2, "Describe the scripts", &["part", "shout"], "README.md names every script"),
    ("release", Kind::Chore, 2, "Release 1.0.0", &["manual"], "VERSION says 1.0.0"),
];

/// The tasks.
pub(super) fn tasks(now: jiff::Timestamp) -> Vec<Task> {
    let id = |id: &str| TaskId::new(id).ok();
    let task = |(name, kind, priority, title, depends_on, done): Plan| {
        let mut task = Task::new(id(name)?, title);
        task.kind = kind;
        task.priority = priority;
        task.created = Some(now);
        task.depends_on = depends_on.iter().filter_map(|name| id(name)).collect();
        if kind != Kind::Epic {
            task.parent = id("greeter");
            task.acceptance = vec![done.to_owned()];
            task.run = Some("sh agent.sh".to_owned());
        }
        task.normalise();
        Some(task)
    };
    PLANS.into_iter().filter_map(task).collect()
}

#[cfg(test)]
mod tests {
    use super::{CONFIG, PLANS, tasks};
    use crate::config::read::{Layers, read};
    use crate::state::file;

    #[test]
    fn the_configuration_has_no_problem() {
        let read = read(&Layers { repository: Some(CONFIG.as_bytes()), user: None });
        assert_eq!(read.problems, Vec::new());
        assert_eq!(read.value.map(|config| config.gates.len()), Some(2));
    }

    #[test]
    fn every_task_is_written_and_read_back_the_same() {
        let tasks = tasks(jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(tasks.len(), PLANS.len());
        for task in tasks {
            let path = crate::state::layout::new_task(&task.id, 0);
            let read = file::task::read(&path, file::task::write(&task).as_bytes());
            assert_eq!(read.value, Some(task), "{:?}", read.problems);
        }
    }
}
