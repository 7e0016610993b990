//! Every effect of every command fails once, in every way, and the promises hold each time.
//!
//! `ORCH_SWEEP=all` tries every point; without it, every few of them.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may panic, and runs real git")]
#![allow(clippy::panic, clippy::print_stderr, reason = "a test may panic and talk")]

mod promise;

use orch::effects::fault::{Asked, Fault, Faulty, When};
use orch::effects::os::clock::{OsClock, OsIds};
use orch::effects::os::files::OsFiles;
use orch::effects::os::git::OsGit;
use orch::effects::os::process::OsProcess;
use orch::effects::{
    Clock, Confine, EffectError, Finished, Git as _, Invocation, Pool, Process, Spot, Trouble, Upstream,
    Watch, World,
};
use orch::state::id::{RunId, TaskId};
use orch::state::status::Move;
use orch::step::lease;
use orch::step::person::{Change, land_change};
use orch::step::{self, Base, Caller, Ending, Options, Silent, StepError};
use promise::{Broken, Repo, Scenario};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// The machine's world for a repository, as a new process would see it.
struct Machine {
    git: OsGit,
    files: OsFiles,
    clock: OsClock,
    ids: OsIds,
}

impl Machine {
    fn new(repo: &Repo) -> Self {
        let git = OsGit::discover(&repo.dir, repo.base.join("workspaces")).unwrap();
        let files = OsFiles::new(git.common_dir());
        Self { git, files, clock: OsClock::default(), ids: OsIds::default() }
    }

    fn world<'w>(&'w self, process: &'w dyn Process) -> World<'w> {
        World {
            git: &self.git,
            remote: &self.git,
            process,
            clock: &self.clock,
            ids: &self.ids,
            files: &self.files,
        }
    }
}

/// Processes that find a repository's own programs first, and wait for nothing.
struct Stage<'s> {
    inner: &'s OsProcess,
    programs: PathBuf,
}

impl Process for Stage<'_> {
    fn watch(&self, invocation: &Invocation, watch: &mut dyn Watch) -> Result<Finished, EffectError> {
        self.inner.watch(invocation, watch)
    }

    fn wait(&self, _: Duration) {}

    fn run_several(&self, pool: &mut dyn Pool) -> Result<(), EffectError> {
        self.inner.run_several(pool)
    }

    fn end_strays(&self, run: &str, dir: &Path) -> Result<(), EffectError> {
        self.inner.end_strays(run, dir)
    }

    fn end_left_in(&self, dir: &Path) -> Result<(), EffectError> {
        self.inner.end_left_in(dir)
    }

    fn interrupted(&self) -> Option<i32> {
        self.inner.interrupted()
    }

    fn has_program(&self, name: &str) -> bool {
        self.programs.join(name).is_file() || self.inner.has_program(name)
    }

    fn host(&self) -> String {
        self.inner.host()
    }

    fn env(&self, name: &str) -> Option<String> {
        let found = self.inner.env(name)?;
        Some(if name == "PATH" { format!("{}:{found}", self.programs.display()) } else { found })
    }
}

impl Confine for Stage<'_> {
    fn bwrap(&self) -> Result<PathBuf, String> {
        self.inner.bwrap()
    }

    fn landlock(&self) -> Result<PathBuf, String> {
        self.inner.landlock()
    }

    fn spot(&self, path: &Path) -> Option<Spot> {
        self.inner.spot(path)
    }

    fn make_dir(&self, path: &Path) -> Result<(), EffectError> {
        self.inner.make_dir(path)
    }

    fn clear(&self, places: &[PathBuf]) -> Result<(), EffectError> {
        self.inner.clear(places)
    }
}

fn caller() -> Caller {
    Caller { repository: "test".to_owned(), trust_all: true, ..Caller::default() }
}

/// What a command said.
#[derive(Debug)]
enum Said {
    /// The task was accepted, in this commit.
    Accepted(String),
    /// Something else was done.
    Done,
}

/// Does what a scenario is about, as the command does: recovering first.
fn act(world: World<'_>, scenario: Scenario) -> Result<Said, StepError> {
    match scenario {
        Scenario::Accepted
        | Scenario::Rejected
        | Scenario::NeedsReview
        | Scenario::Sessions
        | Scenario::Pushed
        | Scenario::InPlace => {
            let in_place = scenario == Scenario::InPlace;
            let caller = Caller { push: scenario == Scenario::Pushed, ..caller() };
            match step::step(world, &caller, Options { in_place, ..Options::default() }, &Silent)? {
                Ending::Ran(ran) if ran.outcome == orch::outcome::Outcome::Accepted => {
                    Ok(Said::Accepted(ran.commit.to_string()))
                }
                Ending::Ran(_) | Ending::Nothing(..) | Ending::Planned(_) | Ending::PlanDue(_) => {
                    Ok(Said::Done)
                }
            }
        }
        Scenario::Person => {
            recover(world)?;
            let base = Base::load(world, &caller())?;
            let change = Change { id: "t-2".to_owned(), action: Move::Unblock, reason: None };
            match land_change(world, &base, &change, &Silent) {
                Ok(_) | Err(StepError::NotRunnable { .. }) => Ok(Said::Done),
                Err(error) => Err(error),
            }
        }
        Scenario::Init => {
            recover(world)?;
            if world.git.tip("refs/heads/main")?.is_some() {
                return Ok(Said::Done);
            }
            let file = |name: &str, text: &str| (name.to_owned(), Some(text.as_bytes().to_vec()));
            let files = [
                file(".orchestrator/config.toml", "schema = 1\n"),
                file(".orchestrator/tasks/README.md", "t\n"),
            ];
            let tree = step::land::tree_with(world, world.git.empty_tree(), &files)?;
            step::init::first_commit(world, "main", tree, "orch: begin", &Silent).map(|()| Said::Done)
        }
    }
}

fn recover(world: World<'_>) -> Result<(), StepError> {
    let _lock = step::slot::take(world, step::slot::FIRST)?;
    step::recover::recover(world, step::recover::By::Step(step::slot::FIRST), &Silent)
}

/// Lets one effect fail, looks, runs the command again, and looks again. Says what was asked for.
fn one(scenario: Scenario, fault: Option<Fault>, process: &OsProcess) -> Result<Vec<Asked>, Broken> {
    let repo = Repo::new(scenario);
    let process = &Stage { inner: process, programs: repo.base.join("home/bin") };
    let asked;
    let said = {
        let machine = Machine::new(&repo);
        let faulty = Faulty::new(machine.world(process), fault);
        let said = act(faulty.world(), scenario);
        asked = faulty.asked();
        said
    };
    let at_all_times = || repo.always().map_err(|broken| format!("at once: {broken}"));
    at_all_times()?;
    if let Ok(Said::Accepted(commit)) = &said {
        // What landed by push counts there; the branch here follows, at the latest with the same again.
        let pushed = scenario == Scenario::Pushed;
        let (where_it_counts, place) =
            if pushed { (repo.there(), "remote") } else { (repo.commits(), "branch") };
        if !where_it_counts.contains(commit) {
            return Err(format!("P3: {commit} was said to be accepted, and is not on the {place}"));
        }
    }
    // Any command recovers, and then everything is in order.
    let machine = Machine::new(&repo);
    recover(machine.world(process)).map_err(|error| format!("P4: the next command fails: {error}"))?;
    repo.afterwards().map_err(|broken| format!("after recovery: {broken}"))?;
    // And the same command comes to its end.
    act(machine.world(process), scenario).map_err(|error| format!("P4: the same again fails: {error}"))?;
    repo.afterwards().map_err(|broken| format!("after the same again: {broken}"))?;
    if let Ok(Said::Accepted(commit)) = &said
        && !repo.commits().contains(commit)
    {
        return Err(format!("{commit} was said to be accepted, and is not on the branch"));
    }
    if repo.reached() {
        Ok(asked)
    } else {
        Err(format!("P4: the same again did not come to its end; first: {said:?}"))
    }
}

fn stride() -> usize {
    match std::env::var("ORCH_SWEEP") {
        Ok(text) if text == "all" => 1,
        Ok(text) => text.parse().unwrap(),
        Err(_) => 8,
    }
}

/// One sweep at a time: orch reaps and ends every child of its process that it does not know.
static ALONE: Mutex<()> = Mutex::new(());

fn sweep(scenario: Scenario) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let process = OsProcess::new().unwrap();
    let asked = one(scenario, None, &process).unwrap_or_else(|broken| panic!("without a failure: {broken}"));
    assert!(asked.len() > 10, "the world counts nothing");
    let only: Option<usize> = std::env::var("ORCH_SWEEP_ONLY").ok().map(|text| text.parse().unwrap());
    let mut broken = Vec::new();
    let mut point = 0;
    let mut tried = 0;
    for (index, effect) in asked.iter().enumerate() {
        for when in [When::Before, When::After, When::Onwards] {
            if when != When::Before && !effect.writes {
                continue;
            }
            point += 1;
            let number = index + 1;
            if only.is_some_and(|only| only != number) || (only.is_none() && point % stride() != 0) {
                continue;
            }
            tried += 1;
            let trouble = [Trouble::Full, Trouble::Denied, Trouble::Other][point % 3];
            let came = one(scenario, Some(Fault { number, when, trouble }), &process);
            // Whoever is told to stop by a signal (a job that is cut after its time) notes it, as orch does.
            assert!(process.interrupted().is_none(), "a signal came: what broke since then says nothing");
            if let Err(why) = came {
                broken.push(format!("{scenario:?}: {} (effect {number}) fails {when:?}: {why}", effect.name));
            }
        }
    }
    eprintln!("{scenario:?}: {tried} of {point} points of {} effects tried", asked.len());
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn an_accepted_step_survives_every_failure() {
    sweep(Scenario::Accepted);
}

#[test]
fn a_rejected_step_survives_every_failure() {
    sweep(Scenario::Rejected);
}

#[test]
fn a_step_that_needs_review_survives_every_failure() {
    sweep(Scenario::NeedsReview);
}

#[test]
fn a_step_of_several_sessions_survives_every_failure() {
    sweep(Scenario::Sessions);
}

#[test]
fn a_step_in_place_survives_every_failure() {
    sweep(Scenario::InPlace);
}

#[test]
fn a_step_that_lands_by_push_survives_every_failure() {
    sweep(Scenario::Pushed);
}

#[test]
fn a_persons_change_survives_every_failure() {
    sweep(Scenario::Person);
}

#[test]
fn a_first_commit_survives_every_failure() {
    sweep(Scenario::Init);
}

/// A clock that is set by hand.
struct ByHand(std::cell::Cell<Duration>);

impl Clock for ByHand {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH + self.0.get()
    }

    fn elapsed(&self) -> Duration {
        self.0.get()
    }

    fn zone(&self) -> orch::effects::Zone {
        || jiff::tz::TimeZone::UTC
    }
}

#[test]
fn a_renewal_whose_answer_was_lost_does_not_cost_the_holder_its_lease() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let repo = Repo::new(Scenario::Pushed);
    let process = &OsProcess::new().unwrap();
    let machine = Machine::new(&repo);
    let clock = ByHand(std::cell::Cell::new(Duration::from_secs(1_000_000)));
    let world = World { clock: &clock, ..machine.world(process) };
    let (task, run) = (TaskId::new("t-1").unwrap(), RunId::new("01JD0000000000000000000000").unwrap());
    let upstream = Upstream { remote: "origin".to_owned(), branch: "main".to_owned() };
    let ask = lease::Ask {
        task: &task,
        run: &run,
        agent: "script",
        base: world.git.tip("refs/heads/main").unwrap().unwrap(),
        author: None,
        started: clock.now(),
        upstream: Some(&upstream),
        plans: false,
    };
    let held = lease::take(world, ask, &Silent).unwrap().expect("nobody else has it");
    assert!(held.share(&Silent).unwrap());
    let seen = lease::seen("origin", "t-1");
    let before = world.git.tip(&seen).unwrap();
    let renew = || {
        clock.0.set(clock.0.get() + orch::lease::RENEWED_AFTER);
        held.renew(&Silent).unwrap();
        let there = repo.git(&["ls-remote", "origin", "refs/orch/leases/t-1"]).unwrap();
        (there, world.git.tip("refs/orch/leases/t-1").unwrap().expect("it is held").to_string())
    };
    let (there, _) = renew();
    // As if nobody had heard that the remote took it.
    world.git.claim(&seen, world.git.tip(&seen).unwrap(), before).unwrap();
    let (now_there, here) = renew();
    assert_ne!(there, now_there);
    assert!(now_there.starts_with(&here), "{now_there}: {here}");
    assert_eq!(world.git.tip(&seen).unwrap().map(|value| value.to_string()), Some(here));
    // What somebody else put there is not taken back.
    let other = lease_of_others(&repo, &now_there);
    clock.0.set(clock.0.get() + orch::lease::RENEWED_AFTER);
    held.renew(&Silent).unwrap();
    assert!(repo.git(&["ls-remote", "origin", "refs/orch/leases/t-1"]).unwrap().starts_with(&other));
}

/// Somebody else takes a lease over on the remote.
fn lease_of_others(repo: &Repo, there: &str) -> String {
    let value = there.split_whitespace().next().unwrap();
    let message = repo.git(&["log", "-1", "--format=%B", value]).unwrap();
    let message = message.replace("01JD0000000000000000000000", "01JD0000000000000000000001");
    let commit = repo.git(&["commit-tree", "-m", &message, "main^{tree}"]).unwrap().trim().to_owned();
    repo.git(&["push", "-q", "--force", "origin", &format!("{commit}:refs/orch/leases/t-1")]).unwrap();
    commit
}
