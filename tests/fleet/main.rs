//! Many workers, each in a clone of its own, and one remote: what a night of them comes to.
//!
//! Real `orch run --push --wait` on an excerpt of a real plan, over files and over HTTP. Workers are killed at
//! random, the server refuses every seventh push, connections break before and after a request is done,
//! answers are slow, clocks are ten minutes off. A person lets a task go on on which steps were killed again and
//! again. `ORCH_FLEET=16x1000` is so many workers and tasks, `ORCH_FLEET_AGENT_S=30` how long an agent takes for
//! a task; `cargo test --test fleet -- --nocapture` shows how fast they were.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may panic, and runs git"
)]
#![allow(clippy::print_stderr, reason = "a test may talk")]

mod server;

use server::Server;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The agent does its task, and takes its time for it.
const CONFIG: &str = "schema = 1\n\n[[agent]]\nname = \"script\"\nadapter = \"command\"\ncommand = [\"sh\", \"-c\", \
    \"mkdir -p work && echo $ORCH_RUN > work/$ORCH_TASK && sleep SECONDS\"]\ncapability = 10\nsandbox = \"none\"\n\n\
    [[gate]]\nname = \"made\"\nrun = \"test -d work\"\n";
/// Refuses every seventh push.
const HOOK: &str = "#!/bin/sh\ncase $1 in refs/heads/*) ;; *) exit 0;; esac\necho x >> pushes\n\
    n=$(wc -l < pushes)\nif [ $((n % 7)) -eq 0 ]; then echo 'every seventh push is refused'; exit 1; fi\n";
/// The longest until somebody who has ended is started again.
const RESTART: Duration = Duration::from_secs(2);
/// The longest that a fleet may take: so long, and so long for each task.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(300), Duration::from_secs(10));
/// Why a task is blocked on which somebody was killed again and again; no other may be.
const CUT_OFF: &str = "steps on it never came to an end";

/// How bad the world is.
#[derive(Clone, Copy)]
struct Weather {
    /// Of so many requests over HTTP, one breaks before it is done, one after it, and one is slow.
    breaks: u64,
    /// Whether every seventh push is refused.
    refuses: bool,
    /// How often somebody is killed.
    kills: Option<Duration>,
}

const FAIR: Weather = Weather { breaks: 0, refuses: false, kills: None };
const FOUL: Weather = Weather { breaks: 23, refuses: true, kills: Some(Duration::from_millis(700)) };

/// A remote and the clones of its workers.
struct Fleet {
    root: TempDir,
    server: Server,
    tasks: usize,
    weather: Weather,
}

/// What came of a fleet.
struct Came {
    /// Until the first of them found everything done.
    took: Duration,
    kills: u32,
    /// How often a person let a task go on.
    unblocked: u32,
    /// How often each exit code was seen.
    exits: BTreeMap<i32, u32>,
}

impl Fleet {
    fn new(tasks: usize, weather: Weather, agent_s: f64) -> Self {
        let memory = Path::new("/dev/shm");
        let root = tempfile::tempdir_in(if memory.is_dir() { memory } else { Path::new("/tmp") }).unwrap();
        let server = Server::start(root.path().to_owned(), weather.breaks);
        let fleet = Self { root, server, tasks, weather };
        fs::create_dir(fleet.root.path().join("home")).unwrap();
        fleet.git(fleet.root.path(), &["init", "-q", "--bare", "-b", "main", "remote.git"]);
        fleet.git(&fleet.remote(), &["config", "http.receivepack", "true"]);
        fleet.git(&fleet.remote(), &["config", "gc.auto", "0"]);
        let plan = fleet.clone("plan", &fleet.remote().to_string_lossy());
        fs::create_dir_all(plan.join(".orchestrator/tasks")).unwrap();
        let config = CONFIG.replace("SECONDS", &agent_s.to_string());
        fs::write(plan.join(".orchestrator/config.toml"), config).unwrap();
        fs::write(plan.join(".orchestrator/tasks/README.md"), "One task a file.\n").unwrap();
        fleet.git(&plan, &["checkout", "-q", "-b", "main"]);
        fleet.git(&plan, &["add", "-A"]);
        fleet.git(&plan, &["commit", "-qm", "begin"]);
        let all =
            fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/fleet/issues.jsonl")).unwrap();
        let some: String = all.lines().take(tasks).map(|line| format!("{line}\n")).collect();
        let issues = fleet.root.path().join("issues.jsonl");
        fs::write(&issues, some).unwrap();
        let imported = fleet.orch(&plan, 0).args(["import", "beads"]).arg(&issues).output().unwrap();
        assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
        fleet.git(&plan, &["push", "-q", "-u", "origin", "main"]);
        if weather.refuses {
            let hook = fleet.remote().join("hooks/update");
            fs::create_dir_all(hook.parent().unwrap()).unwrap();
            fs::write(&hook, HOOK).unwrap();
            fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fleet
    }

    fn remote(&self) -> PathBuf {
        self.root.path().join("remote.git")
    }

    fn clone(&self, name: &str, url: &str) -> PathBuf {
        let dir = self.root.path().join(name);
        // Over a line that breaks, also this is tried again.
        while !self.tried(self.root.path(), &["clone", "-q", url, &dir.to_string_lossy()]) {}
        for (key, value) in [("user.name", name), ("user.email", "worker@example.com"), ("gc.auto", "0")] {
            self.git(&dir, &["config", key, value]);
        }
        dir
    }

    fn command(&self, program: &str, dir: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(dir)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", self.root.path().join("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stdin(Stdio::null());
        command
    }

    fn orch(&self, dir: &Path, skew_s: i64) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_orch"), dir);
        command.env("ORCH_TRUST", "1").env("ORCH_TEST_SKEW", skew_s.to_string());
        // Each clone is a machine of its own.
        command.env("XDG_STATE_HOME", dir.with_extension("state"));
        command
    }

    fn tried(&self, dir: &Path, arguments: &[&str]) -> bool {
        self.command("git", dir).args(arguments).output().unwrap().status.success()
    }

    fn git(&self, dir: &Path, arguments: &[&str]) -> String {
        let output = self.command("git", dir).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Lets workers work until nothing is left to do.
    fn work(&self, workers: usize) -> Came {
        let mut all: Vec<Worker> = (0..workers).map(|number| self.worker(number)).collect();
        let began = Instant::now();
        let (mut took, mut kills, mut unblocked, mut exits) = (None, 0, 0, BTreeMap::new());
        let mut last_kill = Instant::now();
        let person = self.clone("person", &self.remote().to_string_lossy());
        let patience = PATIENCE.0 + PATIENCE.1 * u32::try_from(self.tasks).unwrap();
        while all.iter().any(|worker| !worker.is_done) {
            assert!(began.elapsed() < patience, "they never come to an end: {exits:?}");
            std::thread::sleep(Duration::from_millis(20));
            for worker in &mut all {
                // Nothing is ready: perhaps as a person has to say that it may go on.
                if worker.look(self, &mut exits) == Some(11) {
                    unblocked += self.unblock(&person);
                }
            }
            if took.is_none() && all.iter().any(|worker| worker.is_done) {
                took = Some(began.elapsed());
            }
            // On a slow machine a step may take longer than anybody is left alone: at last it ends.
            let may_kill = usize::try_from(kills).unwrap() < self.tasks;
            if may_kill && self.weather.kills.is_some_and(|often| last_kill.elapsed() > often) {
                last_kill = Instant::now();
                // No two runs are alike, and the promises hold in each.
                let at = usize::try_from(began.elapsed().as_nanos() % workers as u128).unwrap();
                kills += u32::from(all[at].kill());
            }
        }
        Came { took: took.unwrap(), kills, unblocked, exits }
    }

    /// What the person does who is told of a task on which steps were killed three times: lets it go on.
    /// How many there were.
    fn unblock(&self, dir: &Path) -> u32 {
        self.git(dir, &["fetch", "-q"]);
        self.git(dir, &["reset", "-q", "--hard", "origin/main"]);
        let mut count = 0;
        for entry in fs::read_dir(dir.join(".orchestrator/tasks")).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            if text.contains("\nstatus = \"blocked\"\n") {
                assert!(text.contains(CUT_OFF), "{text}");
                let id = path.file_stem().unwrap();
                assert!(self.orch(dir, 0).arg("unblock").arg(id).output().unwrap().status.success());
                count += 1;
            }
        }
        // Who is refused comes again when somebody next finds nothing to do.
        if count > 0 && self.tried(dir, &["push", "-q"]) { count } else { 0 }
    }

    fn worker(&self, number: usize) -> Worker {
        let url = if number.is_multiple_of(2) {
            format!("file://{}", self.remote().display())
        } else {
            self.server.url("remote.git")
        };
        let skew_s = i64::try_from(number % 5).unwrap() * 300 - 600;
        let dir = self.clone(&format!("worker-{number}"), &url);
        Worker { dir, skew_s, child: None, begins: Instant::now(), is_done: false }
    }

    /// Looks at everything that is on the remote.
    fn check(&self) {
        let dir = self.clone("check", &self.remote().to_string_lossy());
        assert_eq!(self.git(&dir, &["rev-list", "--merges", "main"]), "", "history is linear");
        let format = "--format=%x00%(trailers:key=Orch-Task,valueonly,separator=)|%(trailers:key=Orch-Outcome,valueonly,separator=)";
        let log = self.git(&dir, &["log", "--name-status", "--no-renames", format, "main"]);
        let mut accepted: BTreeMap<&str, u32> = BTreeMap::new();
        for commit in log.split('\0').skip(1) {
            let (head, files) = commit.split_once('\n').unwrap();
            let (task, outcome) = head.split_once('|').unwrap();
            let work: Vec<&str> = files.lines().filter(|line| line.contains("\twork/")).collect();
            if outcome == "accepted" {
                *accepted.entry(task).or_default() += 1;
                assert_eq!(work, [format!("A\twork/{task}")], "code and state are of the same task");
                assert!(files.contains(&format!("/{task}.toml")), "{files}");
            } else {
                assert_eq!(work, [""; 0], "{head} brings code");
            }
        }
        let twice: Vec<_> = accepted.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "landed twice: {twice:?}");
        assert_eq!(accepted.len(), self.tasks, "every task is done");
        let made: BTreeSet<String> = fs::read_dir(dir.join("work"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(made.len(), self.tasks, "no work is lost");
        let fsck = self.orch(&dir, 0).arg("fsck").output().unwrap();
        assert!(fsck.status.success(), "{}", String::from_utf8_lossy(&fsck.stdout));
        self.git(&self.remote(), &["fsck", "--strict", "--no-dangling"]);
    }
}

struct Worker {
    dir: PathBuf,
    skew_s: i64,
    child: Option<Child>,
    /// When it is started again.
    begins: Instant,
    is_done: bool,
}

impl Worker {
    /// Starts it again a moment after it has ended, unless nothing is left to do; with which code it ended, if it
    /// just did.
    fn look(&mut self, fleet: &Fleet, exits: &mut BTreeMap<i32, u32>) -> Option<i32> {
        if self.is_done {
            return None;
        }
        let mut ended = None;
        if let Some(child) = &mut self.child {
            let status = child.try_wait().unwrap()?;
            let code = status.code().unwrap_or(-9);
            ended = Some(code);
            *exits.entry(code).or_default() += 1;
            self.is_done = code == 10;
            let known = [0, 10, 11, 12, 31, -9];
            assert!(known.contains(&code), "{}: exit {code}: {}", self.dir.display(), self.said());
            self.child = None;
            // Whoever was refused, or did not reach the remote, does not come again with all others.
            self.begins = Instant::now() + RESTART * (self.begins.elapsed().subsec_micros() % 1_000) / 1_000;
        }
        if !self.is_done && Instant::now() >= self.begins {
            let said = fs::File::create(self.dir.with_extension("said")).unwrap();
            let mut orch = fleet.orch(&self.dir, self.skew_s);
            orch.args(["run", "--push", "--wait"]).stdout(Stdio::null()).stderr(said);
            self.child = Some(orch.spawn().unwrap());
        }
        ended
    }

    fn kill(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.kill().is_ok())
    }

    fn said(&self) -> String {
        fs::read_to_string(self.dir.with_extension("said")).unwrap_or_default()
    }
}

/// Lets a fleet work, looks at everything, and says how it went.
fn sail(workers: usize, tasks: usize, weather: Weather, agent_s: f64) -> f64 {
    let set = std::env::var("ORCH_FLEET_AGENT_S").ok().map(|text| text.parse().unwrap());
    let agent_s = set.unwrap_or(agent_s);
    let fleet = Fleet::new(tasks, weather, agent_s);
    let Came { took, kills, unblocked, exits } = fleet.work(workers);
    fleet.check();
    let rate = f64::from(u32::try_from(tasks).unwrap()) * 60.0 / took.as_secs_f64();
    eprintln!(
        "{workers} workers, {tasks} tasks of {agent_s} s: {took:.1?}, {rate:.0} a minute, {kills} killed, \
         {unblocked} unblocked, exits {exits:?}"
    );
    rate
}

#[test]
fn a_fleet_in_foul_weather_does_every_task_once() {
    sail(4, 24, FOUL, 0.1);
}

#[test]
#[ignore = "takes long: ORCH_FLEET=16x1000 cargo test --release --test fleet -- --ignored --nocapture"]
fn a_large_fleet_in_foul_weather_does_every_task_once() {
    let wanted = std::env::var("ORCH_FLEET").unwrap_or_else(|_| "16x1000".to_owned());
    let (workers, tasks) = wanted.split_once('x').unwrap();
    sail(workers.parse().unwrap(), tasks.parse().unwrap(), FOUL, 0.1);
}

#[test]
#[ignore = "a measurement: cargo test --release --test fleet -- --ignored --nocapture"]
fn more_workers_do_more() {
    for workers in [1, 2, 4, 8, 16] {
        sail(workers, 24.max(8 * workers), FAIR, 2.0);
    }
}
