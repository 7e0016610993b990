//! How far this step's agent is confined, and running it inside its walls.
//!
//! In: a profile and a workplace. Out: an invocation inside of walls; afterwards, nothing of them.
//! The level is chosen before anything is spent, and is part of the run record.

use super::attempt::Job;
use super::env;
use super::error::StepError;
use super::event::{Event, Reporter};
use super::site::Workplace;
use crate::agent::redact::Redactor;
use crate::agent::sandbox::{self, Chosen, Level};
use crate::agent::walls::{Ground, SETTINGS, Sealed, Walls, needed_folders};
use crate::config::Profile;
use crate::config::facts::FACTS;
use crate::effects::{Ended, Finished, Invocation, World};
use std::path::{Path, PathBuf};

/// How many repositories may lend their objects to one another in a row.
const MAX_LENDERS: usize = 5;

/// Chooses how far a profile is confined, and tells it.
///
/// # Errors
/// When it names a level that does not work here.
pub fn choose(world: World<'_>, profile: &Profile, reporter: &dyn Reporter) -> Result<Chosen, StepError> {
    let chosen = sandbox::choose(profile, world.process)?;
    if let Some(text) = &chosen.warning {
        reporter.event(&Event::Warning { text: text.clone() });
    }
    reporter.event(&Event::Confined { level: chosen.level });
    Ok(chosen)
}

/// Who takes secrets out of what a step writes: those among what agents are given by name, which where one
/// connects to and where its folder lies is not.
#[must_use]
pub fn redactor<'p>(world: World<'_>, profiles: impl IntoIterator<Item = &'p Profile>) -> Redactor {
    let setting = |name: &str| FACTS.iter().any(|facts| facts.settings.contains(&name));
    let names = profiles.into_iter().flat_map(|profile| &profile.env).filter(|name| !setting(name));
    env::redactor(world, names)
}

/// A process inside of its walls.
pub struct Confined {
    level: Level,
    /// What the walls leave where nothing was.
    placeholders: Vec<PathBuf>,
}

/// Puts an invocation inside of its walls.
///
/// # Errors
/// When the machine fails.
pub fn enter(
    job: &Job<'_>,
    workplace: &Workplace<'_>,
    (profile, chosen): (&Profile, &Chosen),
    invocation: Invocation,
) -> Result<(Invocation, Confined), StepError> {
    let world = job.world;
    let level = chosen.level;
    if level == Level::None {
        return Ok((invocation, Confined { level, placeholders: Vec::new() }));
    }
    let ground = ground(job, workplace, &invocation)?;
    for folder in needed_folders(chosen, profile, &ground) {
        if world.process.spot(&folder).is_none() {
            world.process.make_dir(&folder)?;
        }
    }
    let walls = Walls::plan(chosen, profile, &ground);
    for folder in &walls.folders {
        world.process.make_dir(folder)?;
    }
    if workplace.checkout.is_none() {
        // Git is not to tell the agent of files that are there for nobody but the walls.
        let below = walls.placeholders.iter().filter_map(|path| path.strip_prefix(&walls.dir).ok());
        let names: String = below.map(|path| format!("/{}\n", path.display())).collect();
        world.files.write_work(&walls.dir, ".git/info/exclude", Some(names.as_bytes()))?;
    }
    let argv = walls.around(profile.network, invocation.argv.clone());
    Ok((Invocation { argv, ..invocation }, Confined { level, placeholders: walls.placeholders }))
}

impl Confined {
    /// Takes the walls down; a program that never began because of them is told apart from one that
    /// failed.
    ///
    /// # Errors
    /// When the machine fails.
    pub fn leave(self, world: World<'_>, mut finished: Finished) -> Result<Finished, StepError> {
        if !self.placeholders.is_empty() {
            world.process.clear(&self.placeholders)?;
        }
        if let Ended::Exited(code) = finished.ended
            && let Some(why) = sandbox::not_begun(self.level, code, &finished.stdout, &finished.stderr)
        {
            finished.ended = Ended::NotStarted(why);
            finished.stderr.clear();
        }
        if self.level == Level::Bwrap {
            // What ends after the agent is the first process of its namespace, with all that is in it.
            finished.survivors = 0;
        }
        Ok(finished)
    }
}

fn ground<'g>(
    job: &Job<'g>,
    workplace: &Workplace<'_>,
    invocation: &'g Invocation,
) -> Result<Ground<'g>, StepError> {
    let world = job.world;
    let common = world.git.common_dir().to_owned();
    let root = world.files.root();
    let empty = "empty";
    if world.files.read(empty)?.is_none() {
        world.files.write(empty, b"", false)?;
    }
    let mut hidden = Vec::new();
    let mut shown = lenders(world, &common)?;
    if let Some(checkout) = &workplace.checkout {
        // The agent works in the repository itself: it reads it, and changes nothing in it.
        shown.extend([common, checkout.git_dir.clone()]);
    } else {
        hidden.extend(world.git.work_dir().map(Path::to_path_buf));
        hidden.push(common);
    }
    let mut sealed: Vec<Sealed> =
        SETTINGS.iter().map(|(path, is_dir)| Sealed { path: (*path).to_owned(), is_dir: *is_dir }).collect();
    let places = job.protected.places();
    sealed.extend(places.map(|(path, is_dir)| Sealed { path: path.to_owned(), is_dir }));
    Ok(Ground {
        machine: world.process,
        workspace: workplace.dir(),
        step: root.join(format!("steps/{}", job.run)),
        empty: root.join(empty),
        hidden,
        shown,
        sealed,
        env: &invocation.env,
        argv: &invocation.argv,
    })
}

/// The directories that git reads objects from: the repository's own, and those it borrows.
fn lenders(world: World<'_>, common: &Path) -> Result<Vec<PathBuf>, StepError> {
    let mut all = vec![common.join("objects")];
    let mut at = 0;
    while at < all.len() && all.len() <= MAX_LENDERS {
        let borrowed = world.files.read_work(&all[at], "info/alternates")?.unwrap_or_default();
        let from = all[at].clone();
        let lines = String::from_utf8_lossy(&borrowed).into_owned();
        all.extend(lines.lines().filter(|line| !line.is_empty()).map(|line| from.join(line)));
        at += 1;
    }
    Ok(all)
}
