//! Running programs.
//!
//! Each program gets a process group of its own and writes to files, not to pipes: a grandchild
//! that keeps a pipe open would otherwise keep orch waiting. When the program has ended, by itself
//! or by a limit, its group is ended (SIGTERM, a grace period, SIGKILL). On Linux orch is also the
//! reaper of orphans, so that what left the group is found among orch's own children and ended too.

#![expect(clippy::disallowed_methods, reason = "processes are waited for here")]

use crate::effects::{EffectError, Ended, Finished, Invocation, Process, Result, Trouble};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long a group is given between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
/// How much of an output is kept.
const KEEP: u64 = 1 << 20;

/// Programs of this machine.
#[derive(Debug)]
pub struct OsProcess {
    signals: Arc<AtomicUsize>,
    last: Arc<AtomicUsize>,
    /// Whether SIGINT lets a program that runs go on to its end.
    patient: bool,
}

impl OsProcess {
    /// Programs of this machine. From now on SIGINT and SIGTERM are noted, not obeyed, until the
    /// second one, which ends orch at once.
    ///
    /// # Errors
    /// When the signals cannot be watched.
    pub fn new() -> Result<Self> {
        let this = Self { signals: Arc::default(), last: Arc::default(), patient: false };
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            this.watch(signal).map_err(|error| {
                EffectError::new(Trouble::Other, format!("cannot watch signal {signal}: {error}"))
            })?;
        }
        Ok(this)
    }

    /// The same, but a first SIGINT lets the program that runs go on to its end.
    #[must_use]
    pub fn patient(self) -> Self {
        Self { patient: true, ..self }
    }

    fn watch(&self, signal: i32) -> std::io::Result<()> {
        let second = Arc::new(std::sync::atomic::AtomicBool::new(false));
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&second))?;
        signal_hook::flag::register(signal, second)?;
        let number = usize::try_from(signal).unwrap_or_default();
        signal_hook::flag::register_usize(signal, Arc::clone(&self.last), number)?;
        signal_hook::flag::register_usize(signal, Arc::clone(&self.signals), 1)?;
        Ok(())
    }
}

impl Process for OsProcess {
    fn run(&self, invocation: &Invocation) -> Result<Finished> {
        let started = Instant::now();
        let outputs = Outputs::new(&invocation.stdin)?;
        let Some((program, arguments)) = invocation.argv.split_first() else {
            return Ok(not_started("no program is named", started));
        };
        if self.interrupted().is_some() {
            return Ok(Finished { ended: Ended::Interrupted, ..not_started("", started) });
        }
        adopt_orphans();
        let expression = duct::cmd(program, arguments)
            .dir(&invocation.dir)
            .full_env(invocation.env.iter().cloned())
            .stdin_file(outputs.stdin.try_clone().map_err(cannot_watch)?)
            .stdout_file(outputs.stdout.try_clone().map_err(cannot_watch)?)
            .stderr_file(outputs.stderr.try_clone().map_err(cannot_watch)?)
            .unchecked()
            .before_spawn(|command| {
                own_group(command);
                Ok(())
            });
        let handle = match expression.start() {
            Ok(handle) => handle,
            Err(error) => return Ok(not_started(&error.to_string(), started)),
        };
        let pid = handle.pids().first().copied().unwrap_or_default();
        let ended = self.watch_until_end(&handle, &outputs, invocation, started)?;
        let survivors = end_all(pid);
        handle.wait().map_err(cannot_watch)?;
        Ok(Finished {
            ended,
            stdout: tail(&outputs.stdout)?,
            stderr: tail(&outputs.stderr)?,
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            survivors,
        })
    }

    fn end_strays(&self, run: &str, dir: &Path) -> Result<()> {
        let deadline = Instant::now() + GRACE;
        loop {
            let strays = strays(run, dir);
            if strays.is_empty() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let fact = format!("processes of run {run} are still alive and do not end");
                return Err(EffectError::new(Trouble::Repository, fact));
            }
            for pid in strays {
                // It may have ended by itself meanwhile, which is as good.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn interrupted(&self) -> Option<i32> {
        (self.signals.load(Ordering::SeqCst) > 0)
            .then(|| i32::try_from(self.last.load(Ordering::SeqCst)).unwrap_or(2))
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl OsProcess {
    fn watch_until_end(
        &self,
        handle: &duct::Handle,
        outputs: &Outputs,
        invocation: &Invocation,
        started: Instant,
    ) -> Result<Ended> {
        let mut printed = 0;
        let mut last_print = started;
        loop {
            if let Some(output) = handle.wait_timeout(Duration::from_millis(50)).map_err(cannot_watch)? {
                return Ok(how_it_ended(output.status));
            }
            let waits = |signal: i32| self.patient && signal == signal_hook::consts::SIGINT;
            if self.interrupted().is_some_and(|signal| !waits(signal)) {
                return Ok(Ended::Interrupted);
            }
            let now_printed = outputs.printed();
            if now_printed != printed {
                printed = now_printed;
                last_print = Instant::now();
            }
            if printed > invocation.output_limit {
                return Ok(Ended::Flooded);
            }
            if started.elapsed() >= invocation.timeout {
                return Ok(Ended::TimedOut);
            }
            if invocation.idle_timeout.is_some_and(|limit| last_print.elapsed() >= limit) {
                return Ok(Ended::Silent);
            }
        }
    }
}

/// Where a program reads and writes: files without a name.
struct Outputs {
    stdin: File,
    stdout: File,
    stderr: File,
}

impl Outputs {
    fn new(input: &[u8]) -> Result<Self> {
        let open = || tempfile::tempfile().map_err(cannot_watch);
        let mut stdin = open()?;
        stdin.write_all(input).map_err(cannot_watch)?;
        stdin.seek(SeekFrom::Start(0)).map_err(cannot_watch)?;
        Ok(Self { stdin, stdout: open()?, stderr: open()? })
    }

    fn printed(&self) -> u64 {
        let length = |file: &File| file.metadata().map_or(0, |metadata| metadata.len());
        length(&self.stdout) + length(&self.stderr)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn cannot_watch(error: std::io::Error) -> EffectError {
    EffectError::io("run a program with files in", &std::env::temp_dir(), &error)
}

fn tail(file: &File) -> Result<Vec<u8>> {
    let mut file = file;
    let length = file.metadata().map_err(cannot_watch)?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(KEEP))).map_err(cannot_watch)?;
    let mut content = Vec::new();
    file.take(KEEP).read_to_end(&mut content).map_err(cannot_watch)?;
    Ok(content)
}

fn not_started(why: &str, started: Instant) -> Finished {
    Finished {
        ended: Ended::NotStarted(why.to_owned()),
        stdout: Vec::new(),
        stderr: Vec::new(),
        duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        survivors: 0,
    }
}

#[cfg(unix)]
fn how_it_ended(status: std::process::ExitStatus) -> Ended {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exited(code),
        (None, Some(signal)) => Ended::Signalled(signal),
        (None, None) => Ended::Exited(-1),
    }
}

#[cfg(unix)]
pub(super) fn own_group(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

/// Makes orch the parent of every descendant whose own parent has died.
fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    {
        // Without it (an old kernel), orphans that left the group are not found; nothing else changes.
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    }
}

/// Ends a group and everything that left it; says how many processes had to be ended beside the
/// first one.
fn end_all(leader: u32) -> u32 {
    let Some(group) = i32::try_from(leader).ok().and_then(rustix::process::Pid::from_raw) else { return 0 };
    let alive = members(group);
    if alive.is_empty() {
        return 0;
    }
    let survivors = alive.iter().filter(|pid| **pid != group).count();
    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
    for pid in &alive {
        let _ = rustix::process::kill_process(*pid, rustix::process::Signal::TERM);
    }
    let deadline = Instant::now() + GRACE;
    let mut pause = Duration::from_millis(1);
    loop {
        let alive = members(group);
        if alive.is_empty() {
            return u32::try_from(survivors).unwrap_or(u32::MAX);
        }
        if Instant::now() >= deadline {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            for pid in alive {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// The processes of a group that are alive, and the orphans that orch has adopted.
#[cfg(target_os = "linux")]
fn members(group: rustix::process::Pid) -> Vec<rustix::process::Pid> {
    let own = rustix::process::getpid();
    let mut all: Vec<(rustix::process::Pid, i32, i32, bool)> = Vec::new();
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let Some(pid) = rustix::process::Pid::from_raw(pid) else { continue };
        if let Some((parent, pgid, dead)) = stat(&entry.path()) {
            all.push((pid, parent, pgid, dead));
        }
    }
    let mut found: Vec<rustix::process::Pid> = Vec::new();
    for (pid, parent, pgid, dead) in &all {
        let adopted = *parent == own.as_raw_nonzero().get() && *pgid != own_group_id();
        if *dead {
            if adopted && *pid != group {
                let _ = rustix::process::waitpid(Some(*pid), rustix::process::WaitOptions::NOHANG);
            }
        } else if adopted || *pgid == group.as_raw_nonzero().get() {
            found.push(*pid);
        }
    }
    // Children of what was adopted come along, however deep.
    let mut at = 0;
    while at < found.len() {
        let above = found[at].as_raw_nonzero().get();
        for (pid, parent, _, dead) in &all {
            if *parent == above && !dead && !found.contains(pid) {
                found.push(*pid);
            }
        }
        at += 1;
    }
    found
}

#[cfg(target_os = "linux")]
fn own_group_id() -> i32 {
    rustix::process::getpgrp().as_raw_nonzero().get()
}

/// Parent, group and whether it has ended already, from `/proc/<pid>/stat`.
#[cfg(target_os = "linux")]
fn stat(dir: &Path) -> Option<(i32, i32, bool)> {
    let text = std::fs::read_to_string(dir.join("stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    Some((parent, group, matches!(state, "Z" | "X")))
}

/// The living processes that were started for a run, by what their environment says.
#[cfg(target_os = "linux")]
fn strays(run: &str, dir: &Path) -> Vec<rustix::process::Pid> {
    use std::os::unix::ffi::OsStrExt as _;
    let whole = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let dir = whole(dir);
    let mark = format!("ORCH_RUN={run}");
    let own = rustix::process::getpid();
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| {
        let pid = rustix::process::Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        let environment = std::fs::read(entry.path().join("environ")).ok()?;
        let variables = || environment.split(|byte| *byte == 0);
        let marked = variables().any(|variable| variable == mark.as_bytes());
        // Of this repository, where a copy of it has a run of the same name.
        let outcome = variables().find_map(|variable| variable.strip_prefix(b"ORCH_OUTCOME="));
        let ours = || {
            outcome.is_some_and(|file| {
                let file = Path::new(std::ffi::OsStr::from_bytes(file));
                file.parent().is_some_and(|parent| whole(parent) == dir)
            })
        };
        (marked && ours() && pid != own && !stat(&entry.path())?.2).then_some(pid)
    });
    pids.collect()
}

/// Elsewhere they cannot be seen.
#[cfg(not(target_os = "linux"))]
fn strays(_: &str, _: &Path) -> Vec<rustix::process::Pid> {
    Vec::new()
}

/// Elsewhere only the group itself can be seen.
#[cfg(all(unix, not(target_os = "linux")))]
fn members(group: rustix::process::Pid) -> Vec<rustix::process::Pid> {
    match rustix::process::test_kill_process_group(group) {
        Ok(()) => vec![group],
        Err(_) => Vec::new(),
    }
}

/// Whether a program of this name can be found.
#[must_use]
pub fn on_path(name: &str) -> bool {
    use rustix::fs::{Access, access};
    let Some(path) = std::env::var_os("PATH") else { return false };
    std::env::split_paths(&path).any(|dir| {
        let file = dir.join(name);
        file.is_file() && access(&file, Access::EXEC_OK).is_ok()
    })
}

/// The path of a file as text, for a program's arguments.
#[must_use]
pub fn as_argument(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
