//! Rooms: where gates look at a tree, in a checkout that no agent works in.
//!
//! What an agent leaves beside its change (a planted `target/` or `node_modules/.bin/`, a file that it
//! made git ignore) is in its own workspace, and a room is a directory of its own. Before a tree is
//! looked at, everything that is not of the tree is removed, so that nothing which the code of one
//! candidate left while it was judged helps the next one; but for what `workspace.keep` names, which a
//! person gives up that certainty for, because building from nothing takes long. A gate with
//! `clean = true` has the other room, in which nothing is ever kept.
//!
//! Rooms come in pairs, a pair for each command that is judging at one time; a lock says that it is
//! taken, and goes with the process that held it.

use super::base::Base;
use super::error::StepError;
use super::event::{Event, Reporter};
use super::judge::gate_env;
use super::site::{Workplace, set_up_marker};
use crate::config::{Config, GateConfig};
use crate::effects::{Change, Commit, Edit, HookRun, Lock, Oid, WorkTree, World};
use crate::gate::{Verdict, command};
use crate::state::run::VerdictKind;
use bstr::BString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The first workspace that is a room; those before it are agents'.
const FIRST: u32 = 1_000;
/// How many commands may judge at one time.
const PAIRS: u32 = 64;
/// Files that say what a project needs: what prepares a room runs again when one changes.
const MANIFESTS: [&str; 26] = [
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "yarn.lock",
    "bun.lock",
    "bun.lockb",
    ".npmrc",
    ".yarnrc.yml",
    "pyproject.toml",
    "requirements.txt",
    "requirements-dev.txt",
    "setup.py",
    "setup.cfg",
    "uv.lock",
    "poetry.lock",
    "Pipfile.lock",
    "Cargo.lock",
    "go.sum",
    "Gemfile.lock",
    "composer.lock",
    "mix.lock",
    "build.gradle",
    "pom.xml",
    "flake.lock",
];

/// What rooms are furnished by.
#[derive(Clone, Copy)]
pub struct Furnish<'f> {
    /// The outside world.
    pub world: World<'f>,
    /// What is kept, and what prepares a room.
    pub config: &'f Config,
    /// The branch that programs in a room see.
    pub branch: &'f str,
    /// Its tip, for them.
    pub base: &'f Commit,
    /// Who is told.
    pub reporter: &'f dyn Reporter,
}

/// A pair of rooms, opened when they are needed.
pub struct Rooms<'f> {
    with: Furnish<'f>,
    taken: Option<(u32, Box<dyn Lock>)>,
    shared: Option<Room<'f>>,
    clean: Option<Room<'f>>,
}

/// One room.
struct Room<'f> {
    slot: u32,
    place: Box<dyn WorkTree + 'f>,
    /// The tree that it was prepared for.
    holds: Option<Oid>,
}

/// A room that was entered.
pub enum Entered {
    /// It holds the tree, in this directory.
    Ready(PathBuf),
    /// It could not be prepared.
    Unprepared(Verdict),
}

impl<'f> Rooms<'f> {
    /// Rooms that nobody has entered.
    #[must_use]
    pub fn new(with: Furnish<'f>) -> Self {
        Self { with, taken: None, shared: None, clean: None }
    }

    /// Makes the room that a gate is to run in hold a tree.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn enter(&mut self, gate: &GateConfig, tree: Oid) -> Result<Entered, StepError> {
        let first = self.take()?;
        let with = self.with;
        let (room, slot) = if gate.clean { (&mut self.clean, first + 1) } else { (&mut self.shared, first) };
        let mut held = if let Some(room) = room.take() { room } else { Room::open(with, slot)? };
        let entered = held.enter(with, gate.clean, tree);
        *room = Some(held);
        entered
    }

    /// Runs one of the repository's hooks on a tree, as if that was staged; what the hook made of the tree.
    ///
    /// # Errors
    /// When the room cannot be written, or the hook cannot be run.
    pub fn hook(mut self, name: &str, tree: Oid, message: &str) -> Result<(HookRun, Oid), StepError> {
        let (with, git) = (self.with, self.with.world.git);
        if git.hook_text(name, with.base.id)?.is_none() {
            return Ok((HookRun::Absent, tree));
        }
        let slot = self.take()?;
        let mut room = Room::open(with, slot)?;
        if let Entered::Unprepared(verdict) = room.enter(with, false, tree)? {
            let said = format!("the room that it was to run in cannot be set up\n{}", verdict.evidence);
            return Ok((HookRun::Refused(said), tree));
        }
        let run = git.hook(name, with.base.id, room.place.as_mut(), message)?;
        Ok((run, room.place.snapshot()?.tree))
    }

    /// Takes the first pair that nobody has; the number of its first room.
    fn take(&mut self) -> Result<u32, StepError> {
        if let Some((first, _)) = &self.taken {
            return Ok(*first);
        }
        for pair in 0..PAIRS {
            let name = format!("workspaces/rooms-{pair}");
            if let Some(lock) = self.with.world.files.lock(&name, Duration::ZERO)? {
                let first = FIRST + 2 * pair;
                self.taken = Some((first, lock));
                return Ok(first);
            }
        }
        Err(StepError::Busy(format!("{PAIRS} commands are judging in this clone already")))
    }
}

impl Furnish<'_> {
    /// What is kept in a room that is not clean.
    fn kept(&self) -> Vec<BString> {
        self.config.workspace.keep.iter().map(|kept| kept.as_str().into()).collect()
    }
}

impl<'f> Room<'f> {
    fn open(with: Furnish<'f>, slot: u32) -> Result<Self, StepError> {
        let place = with.world.git.open_workspace(slot)?;
        // Of a command that was killed: nobody else may be in a room that is taken.
        with.world.process.end_left_in(place.dir())?;
        Ok(Self { slot, place, holds: None })
    }

    fn enter(&mut self, with: Furnish<'_>, clean: bool, tree: Oid) -> Result<Entered, StepError> {
        let dir = self.place.dir().to_owned();
        if !clean && self.holds == Some(tree) {
            return Ok(Entered::Ready(dir));
        }
        self.holds = None;
        let keep = if clean { Vec::new() } else { with.kept() };
        self.hold(with, tree, &keep)?;
        if let Some(failed) = self.prepare(with, tree, &keep)? {
            return Ok(Entered::Unprepared(failed));
        }
        self.holds = Some(tree);
        Ok(Entered::Ready(dir))
    }

    /// Makes the directory hold exactly a tree, and what is kept.
    fn hold(&mut self, with: Furnish<'_>, tree: Oid, keep: &[BString]) -> Result<(), StepError> {
        self.place.purge(keep, false)?;
        let seen = self.place.snapshot()?;
        if seen.tree != tree {
            self.place.bring(seen.tree, tree, &[])?;
        }
        // What its programs are told of git is written anew: a gate may have changed it.
        with.world.git.disposable(self.place.as_ref(), with.branch, with.base.id)?;
        Ok(self.place.stage()?)
    }

    /// Runs `workspace.setup`, unless everything that it made for the same needs was kept.
    fn prepare(
        &mut self,
        with: Furnish<'_>,
        tree: Oid,
        keep: &[BString],
    ) -> Result<Option<Verdict>, StepError> {
        let Some(setup) = &with.config.workspace.setup else { return Ok(None) };
        let marker = set_up_marker(self.slot);
        if !keep.is_empty() && is_prepared(with.world, &marker, setup, tree)? {
            return Ok(None);
        }
        with.world.files.remove(&marker)?;
        let verdict = set_up(with.world, setup, self.place.dir(), with.reporter)?;
        if verdict.kind != VerdictKind::Pass {
            return Ok(Some(verdict));
        }
        self.undo(with, tree)?;
        if !keep.is_empty() && self.place.purge(keep, true)? == 0 {
            with.world.files.write(&marker, prepared(tree, setup).as_bytes(), false)?;
        }
        Ok(None)
    }

    /// Makes the files of the tree what they are there: what prepared the room may have run scripts that came with it.
    fn undo(&mut self, with: Furnish<'_>, tree: Oid) -> Result<(), StepError> {
        let (git, seen) = (with.world.git, self.place.snapshot()?.tree);
        let of_tree = git.changes(seen, tree)?.into_iter().filter(|change| change.new.is_some());
        let edits: Vec<Edit> = of_tree.map(|change| Edit { path: change.path, new: change.new }).collect();
        if edits.is_empty() {
            return Ok(());
        }
        self.place.bring(seen, git.edit_tree(seen, &edits)?, &[])?;
        Ok(self.place.stage()?)
    }
}

/// Runs `workspace.setup` in the workspace that an agent is to work in, unless that was done there for the same
/// needs.
///
/// # Errors
/// When it fails, or the machine does.
pub fn prepare_workspace(
    world: World<'_>,
    base: &Base,
    workplace: &Workplace<'_>,
    reporter: &dyn Reporter,
) -> Result<(), StepError> {
    let Some(setup) = base.config.workspace.setup.as_ref().filter(|_| workplace.checkout.is_none()) else {
        return Ok(());
    };
    let marker = set_up_marker(workplace.slot());
    let tree = base.commit.tree;
    if is_prepared(world, &marker, setup, tree)? {
        return Ok(());
    }
    let verdict = set_up(world, setup, &workplace.dir(), reporter)?;
    if !verdict.rejects() {
        return Ok(world.files.write(&marker, prepared(tree, setup).as_bytes(), false)?);
    }
    let why = verdict.evidence.lines().last().unwrap_or_default().to_owned();
    Err(StepError::Setup { setup: setup.clone(), why })
}

/// What is noted of a preparation: the tree that it was for, and its command.
fn prepared(tree: Oid, setup: &str) -> String {
    format!("{tree}\n{setup}")
}

/// Whether a preparation, of which this was noted, is what another tree needs: its command, and the files that say
/// what the project needs, are the same.
fn is_prepared(world: World<'_>, marker: &str, setup: &str, tree: Oid) -> Result<bool, StepError> {
    let noted = world.files.read(marker)?.unwrap_or_default();
    let noted = String::from_utf8_lossy(&noted);
    let of = noted.split_once('\n').filter(|(_, command)| *command == setup);
    let Some(old) = of.and_then(|(old, _)| Oid::from_hex(old)) else { return Ok(false) };
    let is_manifest = |change: &Change| {
        let name = change.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        MANIFESTS.iter().any(|manifest| manifest.as_bytes() == name)
    };
    // The tree of work that did not land may be gone; then it is prepared again.
    Ok(world.git.changes(old, tree).is_ok_and(|changes| !changes.iter().any(is_manifest)))
}

/// Runs `workspace.setup` in a directory.
fn set_up(world: World<'_>, setup: &str, dir: &Path, reporter: &dyn Reporter) -> Result<Verdict, StepError> {
    let gate = GateConfig { timeout: Duration::from_secs(3600), ..GateConfig::new("setup", setup) };
    reporter.event(&Event::GateStarted { gate: gate.name.clone() });
    let invocation = command::invocation(&gate, dir.to_owned(), gate_env(world, &gate));
    let verdict = command::judge(&gate, &world.process.run(&invocation)?);
    reporter.event(&Event::GateFinished { verdict: verdict.clone() });
    Ok(verdict)
}
