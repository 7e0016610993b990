//! What every command needs: the repository, the caller, the reporter.

use super::error::CliError;
use super::exit::Exit;
use super::home;
use super::output::{Format, LogFormat};
use super::workspaces;
use crate::commit::state_commit;
use crate::effects::os::clock::{OsClock, OsIds};
use crate::effects::os::files::{OsFiles, replace};
use crate::effects::os::git::OsGit;
use crate::effects::os::process::OsProcess;
use crate::effects::{Files as _, Git as _, Oid, World};
use crate::report::human::Human;
use crate::report::json::Lines;
use crate::report::logged::Logged;
use crate::step::land::FileEdit;
use crate::step::person::land_files;
use crate::step::{Base, Caller, Event, Reporter, Silent, recover};
use sha2::{Digest, Sha256};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Colour {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Flags that every command takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// Run as if started in this directory (of several, each is from the one before)
    #[arg(short = 'C', value_name = "DIR", global = true, help_heading = "Global options")]
    pub dir: Vec<PathBuf>,
    /// How to print the answer
    #[arg(long, value_enum, global = true, env = "ORCH_FORMAT", help_heading = "Global options")]
    pub format: Option<Format>,
    /// Short for `--format json`
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// How to print talk: events, warnings, hints and errors on standard error
    #[arg(
        long,
        value_enum,
        default_value = "human",
        global = true,
        env = "ORCH_LOG_FORMAT",
        help_heading = "Global options"
    )]
    pub log_format: LogFormat,
    /// Say only what was asked for
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub verbose: u8,
    /// When to use colour
    #[arg(
        long = "color",
        value_enum,
        default_value = "auto",
        global = true,
        env = "ORCH_COLOR",
        help_heading = "Global options"
    )]
    pub colour: Colour,
    /// Never ask
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_input: bool,
    /// Exit codes and annotations for CI: red means that a person is needed
    #[arg(long, global = true, help_heading = "Global options")]
    pub ci: bool,
    /// The target branch
    #[arg(long, value_name = "NAME", global = true, help_heading = "Global options")]
    pub branch: Option<String>,
    /// Trust the commands of this repository for this one call
    #[arg(long, global = true, help_heading = "Global options")]
    pub trust: bool,
    /// Change the files and leave the commit to you
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_commit: bool,
}

impl Global {
    /// How to print.
    #[must_use]
    pub fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format.unwrap_or_default() }
    }

    /// The directory that was named, if any.
    #[must_use]
    pub fn given(&self) -> Option<PathBuf> {
        (!self.dir.is_empty()).then(|| self.dir.iter().collect())
    }

    /// Where the command was given, as an absolute path: programs that orch runs elsewhere are told
    /// of files below it.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        let dir = self.given().unwrap_or_else(|| PathBuf::from("."));
        std::path::absolute(&dir).unwrap_or(dir)
    }

    /// A path that was given, from where the command was.
    #[must_use]
    pub fn path(&self, path: &Path) -> PathBuf {
        self.directory().join(path)
    }

    /// Whether standard output may have colour.
    #[must_use]
    pub fn colour_out(&self) -> bool {
        self.may_colour(std::io::stdout().is_terminal())
    }

    /// Whether colour may go to a stream that is, or is not, a terminal.
    #[must_use]
    pub fn may_colour(&self, terminal: bool) -> bool {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let forced = |name: &str| set(name) && std::env::var(name).as_deref() != Ok("0");
        match self.colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto if set("NO_COLOR") => false,
            Colour::Auto if forced("CLICOLOR_FORCE") || forced("FORCE_COLOR") => true,
            Colour::Auto => terminal && std::env::var("TERM").as_deref() != Ok("dumb"),
        }
    }

    /// How wide a table may be; none without a terminal.
    #[must_use]
    pub fn width(&self) -> Option<usize> {
        let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        std::io::stdout().is_terminal().then(|| columns.or_else(terminal_width).unwrap_or(80))
    }

    /// The log for programs, where talk is one.
    #[must_use]
    pub fn log(&self) -> Option<Logged> {
        (self.log_format == LogFormat::Json).then(|| Logged::new(Box::new(OsClock::from_env())))
    }

    /// Who is told what happens in a step.
    #[must_use]
    pub fn reporter(&self) -> Box<dyn Reporter> {
        let terminal = std::io::stderr().is_terminal();
        match self.format() {
            _ if self.quiet && self.format() != Format::Jsonl => Box::new(Silent),
            Format::Jsonl => Box::new(Lines::default()),
            Format::Human
            | Format::Json
            | Format::Md
            | Format::Dot
            | Format::Mermaid
            | Format::Svg
            | Format::Text
            | Format::Openmetrics
            | Format::Otlp => match self.log() {
                Some(log) => Box::new(log),
                None => Box::new(Human::new(terminal && !self.ci, self.may_colour(terminal))),
            },
        }
    }
}

fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}

/// The repository and the caller.
pub struct Context {
    git: OsGit,
    process: OsProcess,
    clock: OsClock,
    ids: OsIds,
    files: OsFiles,
    /// What the caller knows.
    pub caller: Caller,
}

impl Context {
    /// Finds the repository, and puts right what a killed step left there.
    ///
    /// # Errors
    /// When there is none, or it cannot be worked in.
    pub fn open(global: &Global) -> Result<Self, CliError> {
        Self::open_with(global, OsProcess::new()?)
    }

    /// The same, with programs that end by other rules.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(global: &Global, process: OsProcess) -> Result<Self, CliError> {
        Ok(Self::found(global, process)?.recovered(global))
    }

    /// Finds the repository.
    ///
    /// # Errors
    /// When there is none, or it cannot be worked in.
    pub fn open_as_it_is(global: &Global) -> Result<Self, CliError> {
        Self::found(global, OsProcess::new()?)
    }

    fn found(global: &Global, process: OsProcess) -> Result<Self, CliError> {
        let dir = global.directory();
        if !dir.is_dir() {
            return Err(CliError::usage(format!("there is no directory `{}`", dir.display()))
                .hint("name one that is there with `-C DIR`"));
        }
        let probe = OsGit::discover(&dir, PathBuf::new())?;
        let repository = identity_of(probe.common_dir());
        let user_config = home::settings()?;
        let user =
            user_config.as_ref().map(|(path, bytes): &(String, Vec<u8>)| (path.as_str(), bytes.as_slice()));
        let workspaces = workspaces::place(&probe, &repository, user)?;
        let git = probe.with_workspaces(workspaces);
        let files = OsFiles::new(git.common_dir());
        let caller = Caller {
            branch: global.branch.clone(),
            user_config,
            trust: home::trusted()?,
            repository,
            push: false,
            ci: global.ci,
            trust_all: global.trust || std::env::var("ORCH_TRUST").is_ok_and(|value| value == "1"),
        };
        Ok(Self { git, process, clock: OsClock::from_env(), ids: OsIds::from_env(), files, caller })
    }

    /// The same context with workspaces in another place.
    #[must_use]
    pub fn with_workspaces(mut self, workspaces: PathBuf) -> Self {
        self.git = self.git.with_workspaces(workspaces);
        self
    }

    /// Puts right what a killed command left, unless somebody is at work. What cannot be put right is told: it
    /// keeps nobody from asking, and whoever needs it so fails by that.
    fn recovered(self, global: &Global) -> Self {
        let (world, reporter) = (self.world(), global.reporter());
        let put_right = recover::recover_landing(world, reporter.as_ref())
            .and_then(|()| recover::recover(world, recover::By::Anyone, reporter.as_ref()));
        if let Err(error) = put_right {
            let error = CliError::from(error);
            let text = error.facts.into_iter().chain(error.hints).collect::<Vec<_>>().join("; ");
            reporter.event(&Event::Warning { text });
        }
        self
    }

    /// The signal after which nothing new is to be begun.
    #[must_use]
    pub fn is_last(&self) -> Option<i32> {
        self.process.is_last()
    }

    /// The outside world.
    #[must_use]
    pub fn world(&self) -> World<'_> {
        World {
            git: &self.git,
            remote: &self.git,
            process: &self.process,
            clock: &self.clock,
            ids: &self.ids,
            files: &self.files,
        }
    }

    /// State and configuration at the tip of the target branch.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn base(&self) -> Result<Base, CliError> {
        Ok(Base::load(self.world(), &self.caller)?)
    }

    /// The root of the work tree.
    ///
    /// # Errors
    /// In a bare repository.
    pub fn root(&self) -> Result<&Path, CliError> {
        self.git
            .work_dir()
            .ok_or_else(|| CliError::new(Exit::Git, "this is a bare repository, without a work tree"))
            .map_err(|error| error.hint("type it in a clone that has one, and push what it makes"))
    }

    /// Writes files to the work tree and commits nothing.
    ///
    /// # Errors
    /// When another branch was named than the one that is checked out there, or they cannot be written.
    pub fn put_uncommitted(&self, files: &[FileEdit]) -> Result<(), CliError> {
        let root = self.root()?;
        if let Some(branch) = self.other_branch()? {
            let fact =
                format!("`--no-commit` writes to the work tree, in which `{branch}` is not checked out");
            let branch = crate::config::shell::word(branch);
            let remedy = format!("type `git switch {branch}` first, or leave out `--no-commit`");
            return Err(CliError::usage(fact).hint(remedy));
        }
        for (path, content) in files {
            self.files.write_work(root, path, content.as_deref())?;
        }
        Ok(())
    }

    /// Lands files in a commit of their own; with `--no-commit`, only writes them.
    ///
    /// # Errors
    /// When they cannot land, or not be written.
    pub fn put(
        &self,
        global: &Global,
        base: &Base,
        files: &[FileEdit],
        what: &str,
    ) -> Result<Option<Oid>, CliError> {
        self.put_as(global, base, files, &state_commit(what))
    }

    /// The same with a whole message.
    ///
    /// # Errors
    /// When they cannot be written or committed.
    pub fn put_as(
        &self,
        global: &Global,
        base: &Base,
        files: &[FileEdit],
        message: &str,
    ) -> Result<Option<Oid>, CliError> {
        if global.no_commit {
            return self.put_uncommitted(files).map(|()| None);
        }
        let reporter = global.reporter();
        Ok(Some(land_files(self.world(), base, files, message, reporter.as_ref())?.commit))
    }

    /// Who commits, as git is configured; none if it does not know.
    #[must_use]
    pub fn identity(&self) -> Option<crate::effects::Identity> {
        self.git.identity()
    }

    /// Where private work trees lie.
    #[must_use]
    pub fn workspaces(&self) -> &Path {
        self.git.workspaces()
    }

    /// Trusts the commands of a base from now on.
    ///
    /// # Errors
    /// When the trust store cannot be written.
    pub fn trust(&mut self, commands: &[crate::config::trust::TrustedCommand]) -> Result<(), CliError> {
        let now = self.world().clock.now();
        self.caller.trust = home::trusted()?;
        self.caller.trust.allow(&self.caller.repository, commands, now);
        let text =
            self.caller.trust.render().map_err(|error| CliError::new(Exit::Error, error.to_string()))?;
        Ok(replace(&home::trust_path()?, text.as_bytes(), true)?)
    }
}

/// The name of a repository outside of it: its folder's name and a hash of where it lies.
fn identity_of(common_dir: &Path) -> String {
    let path = std::fs::canonicalize(common_dir).unwrap_or_else(|_| common_dir.to_owned());
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let hash: String = digest[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    let named = if path.file_name().is_some_and(|name| name == ".git") {
        path.parent()
    } else {
        Some(path.as_path())
    };
    let name: String = named
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy().chars().filter(char::is_ascii_alphanumeric).take(30).collect())
        .unwrap_or_default();
    format!("{name}-{hash}")
}
