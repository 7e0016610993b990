//! A hermetic place for one test: a repository, a private home, a clock and a seed of its own.
//!
//! In: commands. Out: a transcript of what was typed, printed and returned, whole. Invariant: no
//! environment variable, configuration file or program of the machine is seen but those named here.
//! Only temporary paths, durations and object names are replaced in a transcript.

use regex::Regex;
use rustix::process::{Pid, Signal};
use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The programs that orch and the scripts of agents find.
const PROGRAMS: [&str; 15] = [
    "git", "sh", "cat", "mkdir", "ln", "rm", "cp", "mv", "touch", "chmod", "mkfifo", "sleep", "seq", "grep",
    "kill",
];
/// How long a test waits for what another process is to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a command printed and returned.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A place for one test.
pub(crate) struct Sandbox {
    dir: tempfile::TempDir,
    /// The repository that commands are typed in.
    repo: PathBuf,
    calls: Cell<u32>,
    trusted: bool,
    transcript: RefCell<String>,
}

impl Sandbox {
    /// An empty repository on the unborn branch `main`.
    pub(crate) fn unborn() -> Self {
        Self::nowhere().initialised()
    }

    fn begun(self) -> Self {
        let this = self.initialised();
        this.write("README", "a project\n");
        this.write("src/code", "one\ntwo\nthree\n");
        this.commit("begin");
        this
    }

    fn initialised(self) -> Self {
        self.git(&["init", "--quiet", "--initial-branch=main", "."]);
        self.identify(&self.repo);
        self
    }

    /// A repository with one commit, which has `README` and `src/code`.
    pub(crate) fn new() -> Self {
        Self::nowhere().begun()
    }

    /// A directory that is no repository.
    pub(crate) fn nowhere() -> Self {
        // In memory where that can be had: most of a step's time is waiting for the disk to sync.
        let memory = Path::new("/dev/shm");
        Self::nowhere_in(&if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() })
    }

    /// A repository with one commit, in no temporary folder: confined agents may write in those.
    pub(crate) fn on_disk() -> Self {
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let is_temporary = ["/tmp", "/var/tmp", "/dev/shm"].iter().any(|place| target.starts_with(place));
        let Some(home) = std::env::var_os("HOME").filter(|_| is_temporary) else {
            return Self::nowhere_in(&target).begun();
        };
        // A clone that lies in a temporary folder itself has no other place, and the walls hide its program.
        let this = Self::nowhere_in(Path::new(&home));
        let orch = this.root().join("bin/orch");
        fs::remove_file(&orch).expect("a link");
        fs::copy(env!("CARGO_BIN_EXE_orch"), &orch).expect("a copy");
        this.begun()
    }

    fn nowhere_in(place: &Path) -> Self {
        let dir = tempfile::tempdir_in(place).expect("a temporary directory");
        let root = dir.path().canonicalize().expect("the temporary directory is there");
        for name in ["home", "bin", "repo", "tmp"] {
            fs::create_dir(root.join(name)).expect("a directory");
        }
        for program in PROGRAMS {
            link(&find(program), &root.join("bin").join(program));
        }
        link(Path::new(env!("CARGO_BIN_EXE_orch")), &root.join("bin/orch"));
        let repo = root.join("repo");
        Self { dir, repo, calls: Cell::new(0), trusted: true, transcript: RefCell::default() }
    }

    /// A repository whose configuration is these parts.
    pub(crate) fn with(parts: &[String]) -> Self {
        let this = Self::new();
        this.configure(parts);
        this
    }

    /// The same without trust in what the repository names.
    pub(crate) fn untrusted(mut self) -> Self {
        self.trusted = false;
        self
    }

    /// Writes and commits a configuration.
    pub(crate) fn configure(&self, parts: &[String]) {
        self.write(".orchestrator/config.toml", &format!("schema = 1\n{}", parts.concat()));
        self.write(".orchestrator/tasks/README.md", "One task a file.\n");
        self.commit("configure");
    }

    /// Adds a task without showing it.
    pub(crate) fn task(&self, id: &str, title: &str, flags: &[&str]) {
        let said = self.quietly(&[&["add", "--id", id], flags, &["--", title]].concat());
        assert_eq!(said.code, 0, "{}", said.stderr);
    }

    /// Names who commits, where no global configuration does.
    pub(crate) fn identify(&self, repo: &Path) {
        // Without the upkeep that git starts in the background: it would be one process more or less.
        let upkeep = [("gc.auto", "0"), ("maintenance.auto", "false")];
        for (key, value) in
            [("user.name", "A Person"), ("user.email", "person@example.com")].into_iter().chain(upkeep)
        {
            self.git_in(repo, &["config", key, value]);
        }
    }

    /// Lets orch and agents find one more program of the machine; whether there is one.
    pub(crate) fn lend(&self, program: &str) -> bool {
        let found = look_for(program);
        if let Some(found) = &found {
            link(found, &self.root().join("bin").join(program));
        }
        found.is_some()
    }

    /// The directory of the test.
    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().expect("the temporary directory is there")
    }

    /// The repository.
    pub(crate) fn repo(&self) -> &Path {
        &self.repo
    }

    /// Types the following commands in another directory.
    pub(crate) fn enter(&mut self, repo: PathBuf) {
        self.repo = repo;
    }

    /// A file in the private home, through which agents and tests tell each other how far they are.
    pub(crate) fn signal(&self, name: &str) -> PathBuf {
        self.root().join("home").join(name)
    }

    /// The content of a file of the repository.
    pub(crate) fn read(&self, path: &str) -> String {
        let full = self.repo.join(path);
        fs::read_to_string(&full).unwrap_or_else(|error| panic!("{}: {error}", full.display()))
    }

    /// Whether something lies in the repository.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.repo.join(path).symlink_metadata().is_ok()
    }

    /// Writes a file of the repository.
    pub(crate) fn write(&self, path: &str, content: &str) {
        let full = self.repo.join(path);
        fs::create_dir_all(full.parent().expect("a file has a folder")).expect("a folder");
        fs::write(full, content).expect("a file is written");
    }

    /// Writes a program of the repository.
    pub(crate) fn program(&self, path: &str, content: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        self.write(path, content);
        fs::set_permissions(self.repo.join(path), fs::Permissions::from_mode(0o755)).expect("permissions");
    }

    /// Commits everything that is there.
    pub(crate) fn commit(&self, subject: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", subject]);
    }

    /// Runs git on behalf of the person, and returns what it printed.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.repo, arguments)
    }

    /// The same elsewhere.
    pub(crate) fn git_in(&self, dir: &Path, arguments: &[&str]) -> String {
        let said = self.git_tried(dir, arguments);
        assert_eq!(said.code, 0, "git {arguments:?}: {}", said.stderr);
        said.stdout
    }

    /// Runs git where it may fail.
    pub(crate) fn git_tried(&self, dir: &Path, arguments: &[&str]) -> Said {
        let mut command = self.command("git");
        let path = std::env::var_os("PATH").unwrap_or_default();
        finish(command.args(arguments).env("PATH", path).current_dir(dir))
    }

    /// Runs git and puts what it printed into the transcript.
    pub(crate) fn show_git(&self, arguments: &[&str]) {
        let printed = self.git(arguments);
        self.note(&format!("$ git {}\n{}", spell(arguments), printed));
    }

    /// Puts a file into the transcript.
    pub(crate) fn show(&self, path: &str) {
        self.note(&format!("$ cat {path}\n{}", self.read(path)));
    }

    /// Types an orch command; what it did goes into the transcript.
    pub(crate) fn orch(&self, arguments: &[&str]) -> Said {
        let said = self.quietly(arguments);
        self.tell(arguments, &said);
        said
    }

    /// Types an orch command that reads something; what it did goes into the transcript.
    pub(crate) fn orch_reading(&self, arguments: &[&str], input: &str) -> Said {
        use std::io::Write as _;
        let mut child = self.prepare(arguments).stdin(Stdio::piped()).spawn().expect("orch starts");
        // It may refuse before it has read everything.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        self.ended(arguments, child)
    }

    /// Types an orch command, unseen.
    pub(crate) fn quietly(&self, arguments: &[&str]) -> Said {
        finish(&mut self.prepare(arguments))
    }

    /// Whether a program does what it is asked.
    pub(crate) fn tried(&self, program: &str, arguments: &[&str]) -> bool {
        self.told(program, arguments).code == 0
    }

    /// What a program of the machine says that was lent.
    pub(crate) fn told(&self, program: &str, arguments: &[&str]) -> Said {
        let path = self.root().join("bin").join(program);
        finish(self.command(&path.to_string_lossy()).args(arguments))
    }

    /// Types an orch command, unseen, with one more variable in its environment.
    pub(crate) fn with_env(&self, name: &str, value: &str, arguments: &[&str]) -> Said {
        finish(self.prepare(arguments).env(name, value))
    }

    /// Types an orch command, unseen, and writes this to it.
    pub(crate) fn fed(&self, arguments: &[&str], input: &[u8]) -> Said {
        use std::io::Write as _;
        let mut child = self.prepare(arguments).stdin(Stdio::piped()).spawn().expect("orch starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let said = said(child.wait_with_output().expect("orch ends"));
        let _ = writer.join();
        said
    }

    /// Starts an orch command that goes on while the test does something else.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.prepare(arguments).spawn().expect("orch starts")
    }

    /// Waits for a started command; what it did goes into the transcript.
    pub(crate) fn ended(&self, arguments: &[&str], child: Child) -> Said {
        let said = said(child.wait_with_output().expect("orch ends"));
        self.tell(arguments, &said);
        said
    }

    /// Starts an orch command whose agent says that it is `at-work`, and kills it then.
    pub(crate) fn killed(&self, arguments: &[&str]) -> Said {
        let at_work = self.signal("at-work");
        let child = self.start(arguments);
        self.wait_for(&at_work);
        fs::remove_file(at_work).expect("it is there");
        send(&child, Signal::KILL);
        self.ended(arguments, child)
    }

    /// Waits until a file is there.
    pub(crate) fn wait_for(&self, file: &Path) {
        self.wait_until(&format!("`{}` is there", file.display()), || file.exists());
    }

    /// Waits until something is so.
    #[expect(clippy::disallowed_methods, reason = "between two looks")]
    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < PATIENCE, "it never came that {what}\n{}", self.transcript());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// A line of the test's own in the transcript.
    pub(crate) fn note(&self, text: &str) {
        let mut transcript = self.transcript.borrow_mut();
        transcript.push_str(text.trim_end_matches('\n'));
        transcript.push_str("\n\n");
    }

    /// Everything so far, with temporary paths, durations and object names replaced.
    pub(crate) fn transcript(&self) -> String {
        let mut text = self.transcript.borrow().replace(&*self.root().to_string_lossy(), "[SANDBOX]");
        for (pattern, with) in [
            (r"\b(repo|[a-z]+)-[0-9a-f]{12}/workspaces", "$1-[HASH]/workspaces"),
            (r"\b\d+\.\d s\b", "[T] s"),
            (r#""duration_ms":\d+"#, r#""duration_ms":[T]"#),
            (r"duration_ms = \d+", "duration_ms = [T]"),
            (r#"base: "([0-9a-f]{40})""#, "base: $1"),
            (r"\bscript on [^\s)]+", "script on [HOST]"),
            (r"\bon \S+ \(run ([0-9A-Z]{26})\)", "on [HOST] (run $1)"),
            (r"(?m)^index [0-9a-f]{7,}\.\.[0-9a-f]{7,}", "index [OBJECT]..[OBJECT]"),
            (r"\b[0-9a-f]{40}\b", "[OBJECT]"),
            (r"\b[0-9a-f]{9}\b", "[OBJECT]"),
        ] {
            text = Regex::new(pattern).expect("a pattern").replace_all(&text, with).into_owned();
        }
        text
    }

    fn tell(&self, arguments: &[&str], said: &Said) {
        let mut text = format!("$ orch {}\n", spell(arguments));
        for (mark, stream) in [("1|", &said.stdout), ("2|", &said.stderr)] {
            for line in stream.lines() {
                let _ = writeln!(text, "{}", format!("{mark} {line}").trim_end());
            }
        }
        let _ = writeln!(text, "exit {}", said.code);
        self.note(&text);
    }

    fn prepare(&self, arguments: &[&str]) -> Command {
        // Every call happens five minutes after the one before, and draws its own numbers.
        let call = self.calls.get() + 1;
        self.calls.set(call);
        let (hour, minute) = (10 + call / 12, call % 12 * 5);
        let mut command = self.command(env!("CARGO_BIN_EXE_orch"));
        command
            .args(arguments)
            .current_dir(&self.repo)
            .env("ORCH_TEST_CLOCK", format!("2026-11-20T{hour:02}:{minute:02}:00Z"))
            .env("ORCH_TEST_SEED", (call * 1000).to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.trusted {
            command.env("ORCH_TRUST", "1");
        }
        command
    }

    /// A program that sees nothing of the environment.
    #[expect(clippy::disallowed_methods, reason = "a test runs programs as a machine would")]
    pub(crate) fn bare(program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear();
        command
    }

    #[expect(clippy::disallowed_methods, reason = "a test runs programs as a person would")]
    fn command(&self, program: &str) -> Command {
        let root = self.root();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", root.join("bin"))
            .env("HOME", root.join("home"))
            .env("TMPDIR", root.join("tmp"))
            .env("XDG_CONFIG_HOME", root.join("home/.config"))
            .env("XDG_STATE_HOME", root.join("home/.local/state"))
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CEILING_DIRECTORIES", &root)
            .env("GIT_AUTHOR_DATE", "2026-11-20T09:00:00Z")
            .env("GIT_COMMITTER_DATE", "2026-11-20T09:00:00Z");
        if program != "git" {
            command.env_remove("GIT_AUTHOR_DATE").env_remove("GIT_COMMITTER_DATE");
        }
        command
    }
}

/// An agent that is a line of shell.
pub(crate) fn agent(script: &str) -> String {
    format!(
        "\n[[agent]]\nname = \"script\"\nadapter = \"command\"\ncommand = [\"sh\", \"-c\", '''{script}''']\n\
         capability = 10\ntimeout = \"60s\"\nsandbox = \"none\"\n"
    )
}

/// An agent with limits of its own.
pub(crate) fn agent_with(script: &str, more: &str) -> String {
    format!("{}{more}\n", agent(script).replace("timeout = \"60s\"\n", ""))
}

/// A gate that is a line of shell.
pub(crate) fn gate(name: &str, run: &str) -> String {
    format!("\n[[gate]]\nname = \"{name}\"\nrun = '''{run}'''\n")
}

/// A table of the configuration.
pub(crate) fn table(name: &str, lines: &str) -> String {
    format!("\n[{name}]\n{lines}\n")
}

/// Sends a signal to what was started.
pub(crate) fn send(child: &Child, signal: Signal) {
    rustix::process::kill_process(Pid::from_child(child), signal).expect("it is alive");
}

pub(crate) fn finish(command: &mut Command) -> Said {
    said(command.stdin(Stdio::null()).output().expect("the program runs"))
}

fn said(output: std::process::Output) -> Said {
    use std::os::unix::process::ExitStatusExt as _;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let signalled = output.status.signal().map(|signal| -signal);
    Said {
        code: output.status.code().or(signalled).expect("an end"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A command line as it would be typed.
fn spell(arguments: &[&str]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:%(){}^~,@".contains(c);
    let quoted: Vec<String> = arguments
        .iter()
        .map(|argument| match argument {
            argument if !argument.is_empty() && argument.chars().all(plain) => (*argument).to_owned(),
            argument => format!("'{}'", argument.escape_debug()),
        })
        .collect();
    quoted.join(" ")
}

pub(crate) fn find(program: &str) -> PathBuf {
    look_for(program).unwrap_or_else(|| panic!("`{program}` is not on the PATH"))
}

fn look_for(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").expect("PATH is set");
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

pub(crate) fn link(to: &Path, at: &Path) {
    std::os::unix::fs::symlink(to, at).expect("a link");
}
