//! A day without a person: agents with known mistakes, prices, limits and faults, a clock that is set by
//! hand, a real repository. What orch makes of it is compared with always taking the strongest agent, and
//! with a plain loop that believes what it is told. Everything follows from one seed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a test may talk, and runs real git")]

mod model;
mod world;

use jiff::{Span, Timestamp};
use model::{AGENTS, Agent, Fate, Random};
use orch::effects::Git as _;
use orch::effects::World;
use orch::effects::os::files::OsFiles;
use orch::effects::os::git::OsGit;
use orch::outcome::Outcome;
use orch::step::{self, Caller, Ending, Options, Silent, StepError};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use tempfile::TempDir;
use world::Machine;

/// How many tasks there are: more than a day takes.
const TASKS: u64 = 160;
/// The day begins.
const START: &str = "2026-11-20T06:00:00Z";

/// What a day came to.
#[derive(Debug, Clone, PartialEq)]
struct Day {
    steps: u32,
    accepted: u32,
    at_first: u32,
    subtle: u32,
    for_a_person: u32,
    pauses: u32,
    faults: u32,
    usd: f64,
    sessions: [u32; 3],
    tip: String,
}

impl Day {
    fn cost_per_accepted(&self) -> f64 {
        self.usd / f64::from(self.accepted.max(1))
    }

    fn good(&self) -> f64 {
        f64::from(self.accepted - self.subtle) / f64::from(self.accepted.max(1))
    }
}

/// Tasks of every size, most of them small, each eighth waiting for the one before it.
fn tasks(seed: u64) -> Vec<(String, u8, &'static str)> {
    let mut random = Random::new(seed ^ 0x7a5c);
    let kinds = ["feature", "bug", "test", "docs", "chore", "refactor"];
    (0..TASKS)
        .map(|n| {
            let complexity = match random.below(10) {
                0..5 => 1 + random.below(3),
                5..9 => 4 + random.below(3),
                _ => 8 + random.below(2),
            };
            let kind = kinds[usize::try_from(random.below(6)).unwrap()];
            (format!("t-{n:03}"), u8::try_from(complexity).unwrap(), kind)
        })
        .collect()
}

fn config() -> String {
    let mut text =
        "schema = 1\n\n[policy]\nmax_steps_per_task = 6\n\n[[gate]]\nname = \"test\"\nrun = \"check\"\n\
                    metric = { name = \"passed\", regex = '(\\d+) passed', min = 1 }\n"
            .to_owned();
    for Agent { name, model, capability, price: [input, cached, output], .. } in AGENTS {
        let _ = write!(
            text,
            "\n[[agent]]\nname = \"{name}\"\nadapter = \"claude\"\nmodel = \"{model}\"\ncapability = {capability}\n\
             context_window = 1000000\nprice = {{ input = {input:.2}, cached = {cached:.2}, output = {output:.2} }}\n\
             sandbox = \"none\"\n"
        );
    }
    text
}

fn repository(seed: u64) -> TempDir {
    let memory = Path::new("/dev/shm");
    let temporary = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let temporary = temporary.unwrap();
    let write = |path: &str, text: &str| {
        let path = temporary.path().join("repo").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(".orchestrator/config.toml", &config());
    write(".orchestrator/tasks/README.md", "One task a file.\n");
    write("README.md", "A project.\n");
    let all = tasks(seed);
    for (at, (id, complexity, kind)) in all.iter().enumerate() {
        let edge = match at.checked_sub(1).filter(|_| at % 8 == 7) {
            Some(before) => format!("depends_on = [\n  \"{}\",\n]\n", all[before].0),
            None => String::new(),
        };
        write(
            &format!(".orchestrator/tasks/{id}.toml"),
            &format!(
                "schema = 1\n# what\nid = \"{id}\"\ntitle = \"Part {at} of the work\"\nkind = \"{kind}\"\n\
                 complexity = {complexity}\n\n\n# standing\nstatus = \"pending\"\n\n\n# edges\n{edge}\n\n# scope\n\
                 acceptance = [\n  \"part {at} works\",\n]\n\n\n# text\n\n\n# estimate\n\n\n# history\n"
            ),
        );
    }
    let git = |args: &[&str]| {
        let output = Command::new("git")
            .args(args)
            .current_dir(temporary.path().join("repo"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_DATE", START)
            .env("GIT_COMMITTER_DATE", START)
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["config", "user.name", "A Person"]);
    git(&["config", "user.email", "person@example.com"]);
    git(&["add", "-A"]);
    git(&["commit", "-qm", "begin"]);
    temporary
}

/// One day at a time: a child that another test forks would hold this one's lock until it becomes git.
static ALONE: Mutex<()> = Mutex::new(());

/// A day of `orch step` after `orch step`, as a cron would have it.
fn day(seed: u64, agent: Option<&str>) -> Day {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let temporary = repository(seed);
    let complexity: HashMap<String, u8> =
        tasks(seed).into_iter().map(|(id, complexity, _)| (id, complexity)).collect();
    let start: Timestamp = START.parse().unwrap();
    let end = start.checked_add(Span::new().hours(24)).unwrap();
    let machine = Machine::new(seed, start, complexity);
    let git = OsGit::discover(&temporary.path().join("repo"), temporary.path().join("workspaces")).unwrap();
    let files = OsFiles::new(git.common_dir());
    let world =
        World { git: &git, remote: &git, process: &machine, clock: &machine, ids: &machine, files: &files };
    let caller = Caller { repository: "day".to_owned(), trust_all: true, ..Caller::default() };
    let mut day = Day {
        steps: 0,
        accepted: 0,
        at_first: 0,
        subtle: 0,
        for_a_person: 0,
        pauses: 0,
        faults: 0,
        usd: 0.0,
        sessions: [0; 3],
        tip: String::new(),
    };
    while orch::effects::Clock::now(&machine) < end {
        match step::step(world, &caller, Options { agent, ..Options::default() }, &Silent) {
            Ok(Ending::Ran(ran)) => {
                day.steps += 1;
                if ran.outcome == Outcome::Accepted {
                    day.accepted += 1;
                    day.at_first += u32::from(ran.run.attempts.len() == 1 && ran.task.history.attempts == 1);
                    let truth = machine.truth.borrow();
                    day.subtle += u32::from(truth.subtle.get(ran.task.id.as_str()) == Some(&true));
                }
            }
            Err(StepError::Paused { until, .. }) => {
                day.pauses += 1;
                let now = orch::effects::Clock::now(&machine);
                let later = now.checked_add(Span::new().minutes(10)).unwrap();
                machine.sleep_until(until.unwrap_or(later));
            }
            Ok(Ending::Nothing(idle, _)) => panic!("the day is over too early: {idle:?}"),
            Ok(Ending::Planned(_) | Ending::PlanDue(_)) => unreachable!("nobody asked for that"),
            Err(StepError::Unusable { .. } | StepError::NoAgent(_)) => day.for_a_person += 1,
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    let truth = machine.truth.borrow();
    day.usd = truth.spent;
    day.faults = truth.faults;
    day.sessions = AGENTS.map(|agent| truth.sessions.get(agent.name).copied().unwrap_or_default());
    day.tip = git.tip("refs/heads/main").unwrap().unwrap().to_string();
    day
}

/// The same agents in a loop that believes them: the strongest one, again after a fault, on to the next
/// task when it says that it is done. What a task is worth is known only to the test.
fn plain_loop(seed: u64) -> (u32, u32, f64) {
    let strong = &AGENTS[2];
    let mut random = Random::new(seed);
    let (mut said, mut good, mut usd, mut minutes) = (0, 0, 0.0, 0);
    for (_, complexity, _) in tasks(seed) {
        while minutes < 24 * 60 {
            let session = strong.session(complexity, false, &mut random);
            usd += strong.cost(&session);
            minutes += session.took.as_secs() / 60;
            match session.fate {
                Fate::Limited(wait) => minutes += wait,
                Fate::Overloaded => minutes += 1,
                Fate::Crashed => {}
                Fate::Hung => minutes += 10,
                Fate::Good | Fate::Bad | Fate::Subtle => {
                    said += 1;
                    good += u32::from(session.fate == Fate::Good);
                    break;
                }
            }
        }
    }
    (said, good, usd)
}

#[test]
fn a_day_goes_by_without_a_person_for_less_than_the_strongest_agent_would_cost() {
    let seed = 20_261_120;
    let (orch, strongest) = (day(seed, None), day(seed, Some("strong")));
    let (said, good, usd) = plain_loop(seed);
    let ratio = f64::from(orch.sessions[0] + orch.sessions[1]) / f64::from(orch.sessions[2].max(1));
    println!("| | accepted | good | at first | cost | per accepted | faults | pauses |");
    println!("|---|---|---|---|---|---|---|---|");
    for (name, day) in [("orch", &orch), ("always the strongest", &strongest)] {
        println!(
            "| {name} | {} | {:.0} % | {:.0} % | ${:.2} | ${:.3} | {} | {} |",
            day.accepted,
            day.good() * 100.0,
            f64::from(day.at_first) / f64::from(day.accepted) * 100.0,
            day.usd,
            day.cost_per_accepted(),
            day.faults,
            day.pauses
        );
    }
    let share = f64::from(good) / f64::from(said) * 100.0;
    println!(
        "| plain loop | {said} believed | {share:.0} % | | ${usd:.2} | ${:.3} a good one | | |",
        usd / f64::from(good)
    );
    println!(
        "sessions of the small, the middle and the strong: {:?}, {ratio:.1} workers to one strategist",
        orch.sessions
    );
    assert_eq!(orch.for_a_person, 0, "{orch:?}");
    assert!(orch.accepted >= 40, "{orch:?}");
    assert!(orch.faults > 0, "{orch:?}");
    assert!(orch.good() >= 0.85, "{orch:?}");
    assert!(orch.cost_per_accepted() < strongest.cost_per_accepted() * 0.7, "{orch:?}\n{strongest:?}");
    assert!(orch.cost_per_accepted() < usd / f64::from(good), "{orch:?}");
    assert!(f64::from(good) / f64::from(said) < orch.good(), "the plain loop believes what is not so");
    assert!(ratio >= 5.0, "{:?}", orch.sessions);
}

#[test]
fn the_same_seed_gives_the_same_day_to_the_last_commit() {
    assert_eq!(day(7, None), day(7, None));
}
