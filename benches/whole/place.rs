//! Repositories to measure in: tasks where orch would put them, and other files beside them.
//!
//! Invariant: no configuration of the machine is seen, and nothing runs in the background (git's
//! own upkeep is off), so that two runs of the same command do the same.

use orch::state::id::TaskId;
use orch::state::layout;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Tracked files beside many tasks.
pub(crate) const OTHER_FILES: usize = 10_000;

/// The agent changes three files and says nothing.
const CONFIG: &str = r#"schema = 1

[[agent]]
name = "script"
adapter = "command"
command = ["sh", "-c", "echo $ORCH_RUN | tee src/0/0.txt src/1/0.txt src/2/0.txt >&2"]
capability = 10
sandbox = "none"
"#;

/// What git commits in comparison: as many files as a step, the task and the run record included.
pub(crate) const GIT_COMMIT: &str = "date +%s%N | tee src/3/0.txt src/4/0.txt src/5/0.txt src/6/0.txt \
     src/7/0.txt >&2 && git -c core.fsync=all add -A && git -c core.fsync=all commit -q -m change";

/// A repository with a home of its own.
pub(crate) struct Place {
    root: tempfile::TempDir,
}

impl Place {
    /// A repository with so many tasks and other files, packed.
    pub(crate) fn new(tasks: usize, others: usize) -> Self {
        let this = Self { root: tempfile::tempdir().expect("a temporary directory") };
        fs::create_dir_all(this.repo()).expect("a folder");
        this.git(&["init", "-q", "-b", "main", "."]);
        let settings = [
            ("user.name", "A Person"),
            ("user.email", "person@example.com"),
            ("gc.auto", "0"),
            ("maintenance.auto", "false"),
        ];
        for (key, value) in settings {
            this.git(&["config", key, value]);
        }
        this.write(".orchestrator/config.toml", CONFIG);
        this.write(".orchestrator/tasks/README.md", "One task a file.\n");
        for n in 0..others {
            let text = format!("line {n} of some source file\n").repeat(20);
            this.write(&format!("src/{}/{}.txt", n % 100, n / 100), &text);
        }
        for n in 0..tasks {
            let task_id = TaskId::new(id(n)).expect("an id");
            this.write(&layout::new_task(&task_id, n), &task(n, tasks));
        }
        this.git(&["add", "-A"]);
        this.git(&["commit", "-q", "-m", "begin"]);
        this.git(&["gc", "-q"]);
        this
    }

    /// So many notes, committed; each names a task and shares words with others.
    pub(crate) fn note(&self, count: usize) {
        for n in 0..count {
            let kind = ["decision", "learning", "hypothesis", "decision"][n % 4];
            let text = format!(
                "Change {} of the project goes through module {} before src/{}/{}.txt is written, or number {} waits",
                n % 97,
                n % 31,
                n % 100,
                n % 13,
                n % 89
            );
            let note = format!(
                "schema: 1\nid: n-{n:06}\nkind: {kind}\ntopic: area-{}\ntext: {text}\nbecause: It was tried \
                 {} times and it held\ntasks: [{}]\nstatus: in_force\nauthor: script\ncreated: \
                 2026-01-{:02}T00:00:00Z\n",
                n % 17,
                n % 7,
                id(n),
                n % 28 + 1
            );
            self.write(&format!(".orchestrator/notes/n-{n:06}.yaml"), &note);
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "notes"]);
    }

    /// The root of the work tree.
    pub(crate) fn repo(&self) -> PathBuf {
        self.root.path().join("repo")
    }

    /// Writes a file of the work tree.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let full = self.repo().join(path);
        fs::create_dir_all(full.parent().unwrap_or(Path::new("/"))).expect("a folder");
        fs::write(full, text).expect("a file is written");
    }

    /// A command in the repository, with nothing of the machine's configuration.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.repo())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.root.path())
            .env("XDG_STATE_HOME", self.root.path().join("state"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("ORCH_TRUST", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    /// The orch that was built for this run.
    pub(crate) fn orch(&self, arguments: &[&str]) -> Command {
        self.command(env!("CARGO_BIN_EXE_orch"), arguments)
    }

    /// Runs git, for preparation.
    pub(crate) fn git(&self, arguments: &[&str]) {
        crate::measure::finish(self.command("git", arguments));
    }

    /// Forgets what orch keeps to be fast.
    pub(crate) fn cool(&self) {
        let cache = self.repo().join(".git/orch/cache");
        if cache.exists() {
            fs::remove_dir_all(cache).expect("the cache goes");
        }
    }
}

fn id(n: usize) -> String {
    format!("t-{n:06}")
}

/// The first half is done. In the other half every fourth task may run; the others wait for the one
/// before. All depend on two.
fn task(n: usize, of: usize) -> String {
    let (done, free) = (n < of / 2, n.is_multiple_of(4));
    let mut depends_on = match n {
        0..=4 => Vec::new(),
        _ if done || free => vec![n / 4, n / 3],
        _ => vec![n - 1, n / 3],
    };
    // What may run only waits for what is done.
    depends_on.retain(|&on| !free || done || on < of / 2);
    depends_on.sort_unstable();
    depends_on.dedup();
    let mut edges = String::new();
    if !depends_on.is_empty() {
        let lines: Vec<String> = depends_on.into_iter().map(|on| format!("  \"{}\",\n", id(on))).collect();
        let _ = write!(edges, "depends_on = [\n{}]\n", lines.concat());
    }
    let status = if done { "done" } else { "pending" };
    let priority = if n.is_multiple_of(3) { "priority = 1\n" } else { "" };
    format!(
        "schema = 1\n# what\nid = \"{}\"\ntitle = \"Change number {n} of the project\"\nkind = \"feature\"\n\
         complexity = {}\ncreated = 2026-01-01T{:02}:{:02}:00Z\n\n\n# standing\nstatus = \"{status}\"\n{priority}\
         \n\n# edges\n{edges}\n\n# scope\nlabels = [\n  \"area-{}\",\n]\n\n\n# text\ndescription = \"\"\"\n\
         What is to be done, in a few words.\nAnd why.\n\"\"\"\n\n\n# estimate\n\n\n# history\n",
        id(n),
        n % 10 + 1,
        n / 60 % 24,
        n % 60,
        n % 17,
    )
}

/// So many tasks with dependencies, as another tool exports them.
pub(crate) fn foreign(tasks: usize) -> String {
    let mut text = String::new();
    for n in 0..tasks {
        let on: Vec<String> = [n / 2, n / 3]
            .into_iter()
            .filter(|&on| on < n && on > 0)
            .map(|on| format!(r#"{{"issue_id":"b-{n}","depends_on_id":"b-{on}","type":"blocks"}}"#))
            .collect();
        let _ = writeln!(
            text,
            r#"{{"id":"b-{n}","title":"Change number {n}","description":"What is to be done.","status":"open","priority":2,"issue_type":"task","created_at":"2026-01-01T00:00:00Z","dependencies":[{}]}}"#,
            on.join(",")
        );
    }
    text
}
