//! Running programs.
//!
//! Each program gets a process group of its own and writes to files, not to pipes: a grandchild
//! that keeps a pipe open would otherwise keep orch waiting. When the program has ended, by itself
//! or by a limit, its group and what left it are ended (`sweep`). Whoever watches it is handed what it
//! prints as it comes, a bounded piece at a time (`tail`), and may end it.

#![expect(clippy::disallowed_methods, reason = "processes are waited for here")]

use super::search;
use super::signals::Signals;
use super::sweep;
use super::tail::{self, Followed, Outputs};
use crate::effects::{
    EffectError, Ended, Finished, Invocation, Order, Pool, Process, Result, Stop, Trouble, Watch,
};
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How long what a killed orch left is given to end.
const GRACE: Duration = Duration::from_secs(5);
/// The longest time between two looks at a program that runs.
pub(super) const LOOK: Duration = Duration::from_millis(50);
/// How long a program that is asked to end by SIGINT is given for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an orch is given that has programs to end and work to keep.
const SETTLING: Duration = Duration::from_secs(60);

/// Programs of this machine.
#[derive(Debug)]
pub struct OsProcess {
    signals: Arc<Signals>,
    /// Whether time passes at once and the machine has no name of its own, for tests.
    hurried: bool,
}

impl OsProcess {
    /// Programs of this machine. From now on SIGINT, SIGTERM and SIGHUP are noted, not obeyed,
    /// until the second one, which ends orch at once; unless this process heeds them otherwise already.
    ///
    /// # Errors
    /// When the signals cannot be watched.
    pub fn new() -> Result<Self> {
        Ok(Self::heeding(Signals::new()?))
    }

    /// The same, but a first SIGINT lets the programs that run go on to their end, and others begin that belong
    /// to them; the second one ends them, and the third one ends orch at once.
    ///
    /// # Errors
    /// When the signals cannot be watched.
    pub fn patient() -> Result<Self> {
        Ok(Self::heeding(Signals::patient()?))
    }

    /// The first, for a process that stops as well when the one that started it has ended.
    ///
    /// # Errors
    /// When the signals cannot be watched.
    pub fn of_child(parent: u32) -> Result<Self> {
        Ok(Self::heeding(Signals::of_child(parent)?))
    }

    fn heeding(signals: Arc<Signals>) -> Self {
        Self { signals, hurried: std::env::var_os("ORCH_TEST_CLOCK").is_some() }
    }

    /// The signal after which nothing new is to be begun, although what runs may go on.
    #[must_use]
    pub fn is_last(&self) -> Option<i32> {
        self.signals.first()
    }
}

impl Process for OsProcess {
    fn watch(&self, invocation: &Invocation, watch: &mut dyn Watch) -> Result<Finished> {
        let started = Instant::now();
        let (outputs, mouth) = Outputs::new(&invocation.stdin)?;
        let Some((program, arguments)) = invocation.argv.split_first() else {
            return Ok(not_started("no program is named", started));
        };
        if self.interrupted().is_some() {
            return Ok(Finished { ended: Ended::Interrupted, ..not_started("", started) });
        }
        sweep::adopt_orphans();
        let mark = sweep::new_mark();
        let env = invocation.env.iter().cloned().chain([(sweep::MARK.to_owned(), mark.clone())]);
        let expression = search::command(program, arguments, &invocation.env)
            .dir(&invocation.dir)
            .full_env(env)
            .stdin_file(outputs.stdin.try_clone().map_err(cannot_watch)?)
            .stdout_file(outputs.stdout.try_clone().map_err(cannot_watch)?)
            .stderr_file(outputs.stderr.try_clone().map_err(cannot_watch)?)
            .unchecked()
            .before_spawn(|command| {
                own_group(command);
                Ok(())
            });
        let mut followed = Followed::new(watch, mouth);
        let start = if invocation.stop == Stop::Settle { sweep::start_settling } else { sweep::start };
        let (handle, noted) = match start(mark, &expression) {
            Ok(started) => started,
            Err(error) => return Ok(not_started(&error.to_string(), started)),
        };
        let ended = self.watch_until_end(&handle, &outputs, invocation, &mut followed, started)?;
        let time = match invocation.stop {
            Stop::Terminate => None,
            Stop::Interrupt => Some(PATIENCE),
            Stop::Settle => Some(SETTLING),
        };
        if let Some(time) = time.filter(|_| !ended.is_its_own()) {
            sweep::interrupt(&noted);
            handle.wait_timeout(time).map_err(cannot_watch)?;
        }
        let survivors = sweep::end_all(&noted);
        handle.wait().map_err(cannot_watch)?;
        followed.show_rest(&outputs)?;
        Ok(Finished {
            ended,
            stdout: tail::last(&outputs.stdout)?,
            stderr: tail::last(&outputs.stderr)?,
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            survivors,
        })
    }

    fn check_temporary(&self) -> Result<()> {
        tempfile::tempfile().map(drop).map_err(cannot_watch)
    }

    fn wait(&self, duration: Duration) {
        let started = Instant::now();
        while !self.hurried && self.interrupted().is_none() && started.elapsed() < duration {
            std::thread::sleep(LOOK.min(duration.saturating_sub(started.elapsed())));
        }
    }

    fn run_several(&self, pool: &mut dyn Pool) -> Result<()> {
        std::thread::scope(|scope| {
            let (send, news) = channel();
            let (mut running, mut failed) = (0, None);
            loop {
                while failed.is_none()
                    && let Some((id, invocation)) = pool.start()
                {
                    let send = send.clone();
                    running += 1;
                    scope.spawn(move || {
                        let finished = self.watch(&invocation, &mut Teller { id, send: send.clone() });
                        send.send((id, News::Ended(finished)))
                    });
                }
                if running == 0 {
                    return failed.map_or(Ok(()), Err);
                }
                let ended = match news.recv_timeout(LOOK) {
                    Ok((id, News::Printed(piece))) => {
                        pool.output(id, &piece);
                        continue;
                    }
                    Ok((id, News::Ended(result))) => Some((id, result)),
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
                };
                pool.look();
                let Some((id, result)) = ended else { continue };
                running -= 1;
                match result {
                    Ok(finished) => pool.ended(id, finished),
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
        })
    }

    fn end_strays(&self, run: &str, dir: &Path) -> Result<()> {
        end_all_of(&format!("run {run}"), || strays(run, dir))
    }

    fn end_left_in(&self, dir: &Path) -> Result<()> {
        end_all_of("gates of an earlier command", || sweep::left_in(dir))
    }

    fn has_program(&self, name: &str) -> bool {
        on_path(name)
    }

    fn interrupted(&self) -> Option<i32> {
        self.signals.stop()
    }

    fn host(&self) -> String {
        if self.hurried {
            return "localhost".to_owned();
        }
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// What is told of one of several programs.
enum News {
    Printed(Vec<u8>),
    Ended(Result<Finished>),
}

/// Who tells what one of several programs prints.
struct Teller {
    id: usize,
    send: Sender<(usize, News)>,
}

impl Watch for Teller {
    fn output(&mut self, piece: &[u8]) {
        // Whoever listened has gone: then nobody needs it.
        let _ = self.send.send((self.id, News::Printed(piece.to_vec())));
    }

    fn look(&mut self, _: Duration, _: Duration) -> Order {
        Order::GoOn
    }
}

impl OsProcess {
    fn watch_until_end(
        &self,
        handle: &duct::Handle,
        outputs: &Outputs,
        invocation: &Invocation,
        followed: &mut Followed<'_>,
        started: Instant,
    ) -> Result<Ended> {
        let mut printed = 0;
        let mut last_print = started;
        loop {
            if let Some(output) = handle.wait_timeout(followed.pause()).map_err(cannot_watch)? {
                return Ok(how_it_ended(output.status));
            }
            if self.interrupted().is_some() {
                return Ok(Ended::Interrupted);
            }
            followed.show(outputs)?;
            followed.speak();
            let now_printed = outputs.printed() + followed.beside();
            if now_printed != printed {
                printed = now_printed;
                last_print = Instant::now();
            }
            match followed.watch.look(started.elapsed(), last_print.elapsed()) {
                Order::GoOn => {}
                Order::End(ended) => return Ok(ended),
            }
            if outputs.printed() > invocation.output_limit {
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

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
pub(super) fn cannot_watch(error: std::io::Error) -> EffectError {
    EffectError::io("run a program with temporary files in", &std::env::temp_dir(), &error)
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

/// Ends processes for as long as some are found.
fn end_all_of(what: &str, find: impl Fn() -> Vec<rustix::process::Pid>) -> Result<()> {
    let deadline = Instant::now() + GRACE;
    loop {
        let found = find();
        if found.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let fact = format!("processes of {what} are still alive and do not end");
            return Err(EffectError::new(Trouble::Repository, fact));
        }
        for pid in found {
            // It may have ended by itself meanwhile, which is as good.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
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
        (marked && ours() && pid != own && !sweep::stat(&entry.path())?.2).then_some(pid)
    });
    pids.collect()
}

/// Elsewhere they cannot be seen.
#[cfg(not(target_os = "linux"))]
fn strays(_: &str, _: &Path) -> Vec<rustix::process::Pid> {
    Vec::new()
}

/// Whether a program of this name can be found.
#[must_use]
pub fn on_path(name: &str) -> bool {
    find(name).is_some()
}

/// The variables of this process, as far as they are text.
#[must_use]
pub fn variables() -> Vec<(String, String)> {
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}

/// The first program of this name on `PATH`.
pub(super) fn find(name: &str) -> Option<std::path::PathBuf> {
    use rustix::fs::{Access, access};
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file() && access(file, Access::EXEC_OK).is_ok())
}

/// The path of a file as text, for a program's arguments.
#[must_use]
pub fn as_argument(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::effects::Input;
    use std::path::PathBuf;

    /// Programs that are all started at once, but for those that wait for an earlier one to end.
    struct Programs {
        dir: PathBuf,
        /// The script, and after whose end it starts.
        scripts: Vec<(&'static str, Option<usize>)>,
        started: Vec<usize>,
        ended: Vec<(usize, Finished)>,
    }

    impl Pool for Programs {
        fn start(&mut self) -> Option<(usize, Invocation)> {
            let has_ended = |wanted: usize| self.ended.iter().any(|(id, _)| *id == wanted);
            let may = |id: &usize| !self.started.contains(id) && self.scripts[*id].1.is_none_or(has_ended);
            let id = (0..self.scripts.len()).find(may)?;
            self.started.push(id);
            let argv = ["sh", "-c", self.scripts[id].0].map(str::to_owned).to_vec();
            let env = vec![("PATH".to_owned(), std::env::var("PATH").unwrap_or_default())];
            let (dir, timeout) = (self.dir.clone(), Duration::from_secs(60));
            let invocation = Invocation {
                argv,
                dir,
                env,
                stdin: Input::Text(Vec::new()),
                timeout,
                idle_timeout: None,
                output_limit: 1 << 20,
                stop: crate::effects::Stop::Terminate,
            };
            Some((id, invocation))
        }

        fn ended(&mut self, id: usize, finished: Finished) {
            self.ended.push((id, finished));
        }
    }

    #[test]
    fn a_program_that_ends_takes_nothing_from_one_that_runs() {
        let dir = tempfile::tempdir().unwrap();
        // The second one needs a process that has left its group and lost its parent; the third one,
        // which starts once the first has ended, tells that process to answer.
        let needs_its_orphan =
            "mkfifo go back; (setsid sh -c 'read x < go; echo x > back' &); : > ready; read y < back";
        let scripts = vec![
            ("until [ -e ready ]; do :; done", None),
            (needs_its_orphan, None),
            ("echo x > go", Some(0)),
        ];
        let mut pool =
            Programs { dir: dir.path().to_owned(), scripts, started: Vec::new(), ended: Vec::new() };
        let process = OsProcess { signals: Arc::default(), hurried: false };
        process.run_several(&mut pool).unwrap();
        pool.ended.sort_by_key(|(id, _)| *id);
        let endings: Vec<&Ended> = pool.ended.iter().map(|(_, finished)| &finished.ended).collect();
        assert_eq!(endings, [&Ended::Exited(0); 3]);
    }

    #[test]
    fn what_left_its_group_ends_with_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let leaves = "setsid sh -c 'echo $$ > pid; exec sleep 600' & until [ -s pid ]; do :; done";
        let mut pool = Programs {
            dir: dir.path().to_owned(),
            scripts: vec![(leaves, None)],
            started: Vec::new(),
            ended: Vec::new(),
        };
        let process = OsProcess { signals: Arc::default(), hurried: false };
        process.run_several(&mut pool).unwrap();
        assert!(pool.ended[0].1.survivors >= 1);
        let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
        let left = sweep::stat(&Path::new("/proc").join(pid.trim()));
        assert!(left.is_none_or(|(_, _, dead)| dead), "it is gone");
    }
}
