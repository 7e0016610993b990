//! What the runs before a commit say about a task: what was rejected in its area, who should do it.
//!
//! Invariant: everything is from the base commit and its time, so the same base says the same.

use super::base::Base;
use super::env::is_installed;
use super::error::StepError;
use super::lease;
use crate::config::Profile;
use crate::effects::World;
use crate::prompt::Trouble;
use crate::prompt::area::overlap;
use crate::route::{self, Facts, Need, Offer, Past, Query, Route};
use crate::state::cooldown::{self, Cooldown};
use crate::state::digest::Digest;
use crate::state::estimate;
use crate::state::graph::Index;
use crate::state::id::TaskId;
use crate::state::ledger;
use crate::state::note::{Gist, NoteKind};
use crate::state::runs;
use crate::state::settle::settled;
use crate::state::store;
use crate::state::task::{Kind, Task};
use jiff::Timestamp;

/// How long trouble in an area counts, in seconds: a week.
const TROUBLE_SECONDS: i64 = 7 * 86_400;
/// From this share of passed work on, an area has no trouble.
const SOUND: f64 = 0.85;
/// How many other tasks with rejected work are looked at.
const TROUBLE_TASKS: usize = 30;

/// Profiles that may not take a task now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Limits {
    /// Those that rest, and until when.
    pub cooldowns: Vec<(String, Timestamp)>,
    /// How many of their sessions are at work.
    pub busy: Vec<(String, u32)>,
    /// Those whose program is not on this machine.
    pub missing: Vec<String>,
    /// Those that cannot work before a person has acted.
    pub unusable: Vec<Unusable>,
    /// What steps of this clone have noted that they spent.
    pub noted: Vec<ledger::Entry>,
}

/// A profile that cannot work before a person has acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// Its name.
    pub profile: String,
    /// Why not.
    pub why: String,
    /// What a person has to do.
    pub todo: String,
}

impl Limits {
    /// Those of these profiles that this clone knows of, now.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn now(world: World<'_>, profiles: &[Profile]) -> Result<Self, StepError> {
        let mut resting = cooldown::load(world.files)?;
        if !resting.is_empty() {
            let now = world.clock.now();
            resting.retain(|cooldown| cooldown.lasts(now));
        }
        let (mut cooldowns, mut unusable) = (Vec::new(), Vec::new());
        for Cooldown { profile, until, why, todo, .. } in resting {
            match todo {
                Some(todo) => unusable.push(Unusable { profile, why, todo }),
                None => cooldowns.push((profile, until)),
            }
        }
        let mut busy: Vec<(String, u32)> = Vec::new();
        // What other clones do is not of this clone's agents.
        let here = lease::live(world, &|_| false)?.into_iter().filter(|claim| claim.remote.is_none());
        for lease in here.filter_map(|claim| claim.lease) {
            match busy.iter_mut().find(|(profile, _)| *profile == lease.agent) {
                Some((_, sessions)) => *sessions += 1,
                None => busy.push((lease.agent, 1)),
            }
        }
        let missing = profiles.iter().filter(|profile| !is_installed(world, profile));
        let missing = missing.map(|profile| profile.name.clone()).collect();
        Ok(Self { cooldowns, busy, missing, unusable, noted: ledger::load(world.files)? })
    }

    /// Lets those be asked again that needed a person before and are among these. Whether there are any.
    pub fn ask_again(&mut self, may: impl Fn(&str) -> bool) -> bool {
        let known = self.unusable.len();
        self.unusable.retain(|each| !may(&each.profile));
        self.unusable.len() < known
    }
}

/// The newest work before a base with what was decided on it, the newest first; it is read once.
///
/// # Errors
/// When the records cannot be read.
pub fn recent<'b>(world: World<'_>, base: &'b Base) -> Result<&'b [Digest], StepError> {
    if let Some(known) = base.recent.get() {
        return Ok(known);
    }
    let runs = runs::recent(world, &base.snapshot.source, base.commit.time)?.0;
    let graph = &base.snapshot.graph;
    let stands = |task: &TaskId| graph.find(task.as_str()).map(|at| graph.nodes()[at].status);
    let settled = settled(runs, stands, store::undone(world, &base.snapshot.source));
    Ok(base.recent.get_or_init(|| settled))
}

/// What was rejected in the area of a task within a week: gates, with the tasks whose work they rejected. Where nearly
/// all work there passed (`SOUND`), nothing.
///
/// # Errors
/// When a task cannot be read.
pub fn trouble(
    world: World<'_>,
    base: &Base,
    task: &Task,
    runs: &[Digest],
) -> Result<Vec<Trouble>, StepError> {
    let now = base.commit.time.as_second();
    let fresh = |run: &&Digest| now - run.finished.as_second() <= TROUBLE_SECONDS;
    let others = || runs.iter().filter(fresh).filter(|run| run.task != task.id);
    let failed = others().filter(|run| !run.rejected_by.is_empty());
    let passed = others().filter(|run| run.rejected_by.is_empty() && run.passed() == Some(true));
    let mut areas: Vec<(&TaskId, bool)> = Vec::new();
    let mut found: Vec<Trouble> = Vec::new();
    let (mut bad, mut good) = (0, 0);
    for run in failed.chain(passed) {
        if run.rejected_by.is_empty() && bad == 0 {
            break;
        }
        let known = areas.iter().find(|(id, _)| **id == run.task).map(|(_, same)| *same);
        let touched = overlap(&task.files, &run.files);
        if known.is_none() && !touched && areas.len() >= TROUBLE_TASKS {
            continue;
        }
        let same = match known {
            _ if touched => true,
            Some(same) => same,
            None => same_area(world, base, task, &run.task)?,
        };
        if known.is_none() && !touched {
            areas.push((&run.task, same));
        }
        *(if run.rejected_by.is_empty() { &mut good } else { &mut bad }) += u32::from(same);
        for gate in run.rejected_by.iter().filter(|_| same) {
            match found.iter_mut().find(|each| each.gate == *gate) {
                Some(each) => {
                    each.times += 1;
                    if !each.tasks.contains(&run.task.to_string()) {
                        each.tasks.push(run.task.to_string());
                    }
                }
                None => {
                    found.push(Trouble { gate: gate.clone(), times: 1, tasks: vec![run.task.to_string()] });
                }
            }
        }
    }
    if f64::from(good) >= SOUND * f64::from(good + bad) {
        return Ok(Vec::new());
    }
    found.sort_by(|a, b| b.times.cmp(&a.times).then_with(|| a.gate.cmp(&b.gate)));
    Ok(found)
}

/// Whether another task belongs to the same epic, has a label in common, or names a common file.
fn same_area(world: World<'_>, base: &Base, task: &Task, other: &TaskId) -> Result<bool, StepError> {
    let Some(index) = base.snapshot.graph.find(other.as_str()) else { return Ok(false) };
    let node = &base.snapshot.graph.nodes()[index];
    let family = task.parent.is_some() && task.parent == node.parent;
    let label = node.labels.iter().any(|label| task.labels.iter().any(|own| *own == **label));
    if family || label || task.files.is_empty() {
        return Ok(family || label);
    }
    Ok(overlap(&task.files, &base.snapshot.task(world, index)?.1.files))
}

/// What is known about the surroundings of a task.
#[must_use]
pub fn facts(base: &Base, index: Index, task: &Task, notes: &[Gist<'_>], trouble: &[Trouble]) -> Facts {
    let today = base.commit.time.to_zoned(jiff::tz::TimeZone::UTC).date();
    let settles = |note: &&Gist<'_>| {
        matches!(note.kind, NoteKind::Decision | NoteKind::Constraint)
            && note.counts_on(today)
            && note.tasks.contains(&task.id.as_str())
    };
    Facts {
        depends_on: base.snapshot.graph.dependencies(index).len(),
        decisions: notes.iter().filter(settles).count(),
        trouble: trouble.iter().map(|each| each.times as usize).sum(),
    }
}

/// The kind of a task that is still there.
pub fn kinds(base: &Base) -> impl Fn(&TaskId) -> Option<Kind> + '_ {
    let graph = &base.snapshot.graph;
    |task| graph.find(task.as_str()).map(|index| graph.nodes()[index].kind)
}

/// Who does a task, with what it needs.
#[must_use]
pub fn route<'b>(
    base: &'b Base,
    task: &Task,
    facts: &Facts,
    past: &Past<'_>,
    limits: &Limits,
    wanted: Option<&str>,
) -> (Need, Route) {
    let offer =
        |profile: &'b Profile| Offer { profile, price: profile.price, window: profile.context_window };
    let offers: Vec<Offer<'_>> = base.config.agents.iter().map(offer).collect();
    let need = route::need(task, facts);
    let unusable = |each: &Unusable| (each.profile.clone(), each.why.clone());
    let route = route::choose(&Query {
        task,
        need: &need,
        formula: estimate::tokens(task),
        offers: &offers,
        past,
        task_share: base.config.context.task_share,
        cooldowns: &limits.cooldowns,
        busy: &limits.busy,
        missing: &limits.missing,
        unusable: &limits.unusable.iter().map(unusable).collect::<Vec<_>>(),
        now: base.commit.time,
        wanted,
    });
    (need, route)
}
