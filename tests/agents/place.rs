//! A place for one test: a repository, a private home, and nothing of the machine's own settings.

use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The context window that the profiles of the tests say, in tokens: less than any of the CLIs believes in.
pub(crate) const WINDOW: u32 = 200_000;

/// The CLIs that can be installed for the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cli {
    Claude,
    Codex,
    Copilot,
    Gemini,
    Opencode,
}

impl Cli {
    /// The name of its program.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Copilot => "copilot",
            Self::Gemini => "gemini",
            Self::Opencode => "opencode",
        }
    }

    /// The model that it is asked for.
    pub(crate) fn model(self) -> &'static str {
        match self {
            Self::Claude => "claude-sonnet-5-5",
            Self::Codex => "gpt-5.5",
            Self::Copilot => "gpt-5.4",
            Self::Gemini => "gemini-3.1-pro-preview",
            Self::Opencode => "scripted/model-1",
        }
    }
}

/// Where the CLIs are installed, below the build's own folder.
fn installed() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("below the target folder");
    target.join("agents/bin")
}

/// The time, in seconds since 1970.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// What a program printed and returned.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// All of it, for the message of a test that fails.
    pub(crate) fn told(&self) -> String {
        format!("exit {}\n{}\n{}", self.code, self.stdout, self.stderr)
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let signalled = output.status.signal().map(|signal| -signal);
        Self {
            code: output.status.code().or(signalled).expect("an end"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// A place for one test of one CLI.
pub(crate) struct Place {
    dir: tempfile::TempDir,
    /// Variables that orch sees beside the usual ones.
    env: Vec<(String, String)>,
}

impl Place {
    /// A repository with one commit, and a home in which nobody is logged in. Nothing where the CLI is
    /// not installed and need not be.
    pub(crate) fn new(cli: Cli) -> Option<Self> {
        let program = installed().join(cli.program());
        if !program.is_file() {
            let what = format!("{} is not installed (tests/agents/install/install.sh)", program.display());
            assert!(std::env::var_os("ORCH_NEED_AGENTS").is_none(), "{what}");
            return skipped(&what);
        }
        if cli == Cli::Gemini && !has_node() {
            return skipped("Gemini CLI needs node 20 or newer");
        }
        let dir = tempfile::tempdir().expect("a temporary directory");
        let this = Self { dir, env: Vec::new() };
        for name in ["home", "repo", "tmp", "bin"] {
            fs::create_dir(this.path(name)).expect("a directory");
        }
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_orch"), this.path("bin/orch")).expect("a link");
        std::os::unix::fs::symlink(program, this.path("bin").join(cli.program())).expect("a link");
        this.git(&["init", "--quiet", "--initial-branch=main", "."]);
        for (key, value) in [("user.name", "A Person"), ("user.email", "person@example.com")] {
            this.git(&["config", key, value]);
        }
        this.write("repo/README", "a project\n");
        this.commit("begin");
        Some(this)
    }

    /// Something of this place.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().expect("the temporary directory is there").join(name)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        fs::write(path, content).expect("a file is written");
    }

    /// Lets orch see a variable.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// Lets orch see a variable no longer.
    pub(crate) fn unset(&mut self, name: &str) {
        self.env.retain(|(set, _)| set != name);
    }

    /// Runs git in the repository, and returns what it printed.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let said = Said::from(self.command("git").args(arguments).output().expect("git runs"));
        assert_eq!(said.code, 0, "git {arguments:?}: {}", said.stderr);
        said.stdout
    }

    /// Commits everything that is there.
    pub(crate) fn commit(&self, subject: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", subject]);
    }

    /// Writes and commits a configuration: the CLI's profile with these variables and more lines, and then what
    /// else there is.
    pub(crate) fn configure(&self, cli: Cli, env: &[&str], agent: &str, more: &str) {
        self.configure_as(cli.program(), cli, env, agent, more);
    }

    /// The same with another adapter than the CLI's own.
    pub(crate) fn configure_as(&self, adapter: &str, cli: Cli, env: &[&str], agent: &str, more: &str) {
        let config = format!(
            "schema = 1\n\n[[agent]]\nname = \"real\"\nadapter = \"{adapter}\"\nmodel = \"{}\"\ncapability = 10\n\
             context_window = {WINDOW}\nprice = {{ input = 2.0, cached = 0.1, output = 10.0 }}\ntimeout = \"2m\"\n\
             env = {env:?}\n{agent}\n\n{more}\n",
            cli.model(),
        );
        self.write("repo/.orchestrator/config.toml", &config);
        self.write("repo/.orchestrator/tasks/README.md", "One task a file.\n");
        self.commit("configure");
    }

    /// Adds a task.
    pub(crate) fn task(&self, id: &str, title: &str) {
        let said = self.orch(&["add", "--id", id, "--", title]);
        assert_eq!(said.code, 0, "{}", said.told());
    }

    /// Types an orch command.
    pub(crate) fn orch(&self, arguments: &[&str]) -> Said {
        self.command("orch").args(arguments).output().expect("orch runs").into()
    }

    /// Types an orch command, and reads the document that it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let said = self.orch(&[arguments, &["--json"]].concat());
        serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}\n{}", said.told()))
    }

    /// The run record of the newest commit.
    pub(crate) fn record(&self) -> toml::Table {
        let names = self.git(&["show", "--name-only", "--format=", "HEAD", "--", ".orchestrator/runs"]);
        let text = self.git(&["show", &format!("HEAD:{}", names.trim())]);
        text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// A trailer of the newest commit.
    pub(crate) fn trailer(&self, key: &str) -> String {
        let format = format!("--format=%(trailers:key={key},valueonly)");
        self.git(&["log", "-1", &format]).trim().to_owned()
    }

    /// The processes that have this place in their environment.
    pub(crate) fn processes(&self) -> Vec<String> {
        let mark = format!("HOME={}", self.path("home").display());
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").expect("proc").flatten() {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            if environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) {
                let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).replace('\0', " ");
                found.push(format!("{} {line}", entry.file_name().to_string_lossy()));
            }
        }
        found
    }

    /// Runs a program in the repository with a text on its standard input.
    pub(crate) fn run(&self, argv: &[&str], stdin: &str) -> Said {
        self.run_with(argv, &[], stdin)
    }

    /// The same with more variables.
    pub(crate) fn run_with(&self, argv: &[&str], env: &[(String, String)], stdin: &str) -> Said {
        let mut command = self.command(argv[0]);
        command.envs(env.iter().map(|(name, value)| (name, value)));
        let started =
            command.args(&argv[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = started.spawn().expect("the program starts");
        // One that does not read its input is one of the things that are tested.
        let _ = child.stdin.take().expect("a pipe").write_all(stdin.as_bytes());
        child.wait_with_output().expect("the program ends").into()
    }

    /// A program with this place's environment, in the repository.
    #[expect(clippy::disallowed_methods, reason = "a test runs programs as a person would")]
    pub(crate) fn command(&self, program: &str) -> Command {
        let path = std::env::var("PATH").expect("PATH is set");
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("ORCH_TRUST", "1")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.path("repo"))
            .stdin(Stdio::null());
        command
    }
}

/// Says that nothing is tested, past the harness, which keeps what a passing test prints to itself.
fn skipped(why: &str) -> Option<Place> {
    let _ = writeln!(std::io::stderr(), "SKIPPED, NOTHING WAS TESTED: {why}");
    None
}

/// Whether there is a node that is new enough for the CLI that needs one.
#[expect(clippy::disallowed_methods, reason = "a test runs programs as a person would")]
fn has_node() -> bool {
    let version = Command::new("node").arg("--version").output().ok().map(|output| output.stdout);
    let text = String::from_utf8_lossy(&version.unwrap_or_default()).into_owned();
    let major = text.trim_start_matches('v').split('.').next().and_then(|word| word.parse::<u32>().ok());
    major.is_some_and(|major| major >= 20)
}
