//! The journals: what is about to be done, written before it is done.
//!
//! Two kinds that guard work, because two kinds of locks guard them. A step's, one for each slot (under the slot's lock):
//! while it is there, an agent may have been at work, whose work has to be kept. The landing's (under the lock that covers
//! landing, which people's commands take as well while a step is at work): while it is there, a
//! branch may have moved whose work tree has yet to follow.

use super::{hold, lease, slot};
use crate::effects::{Checkout, EffectError, Oid, Result, Trouble, World};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The landing's journal.
pub const LANDING: &str = "landing.json";
/// What orch landed beside a step that works in place.
const BESIDE: &str = "beside.json";
/// The folder of steps of which nobody knows yet whether what they pushed has landed.
const PUSHES: &str = "pushes";

/// Where an agent works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Site {
    /// A private workspace.
    Workspace(u32),
    /// The work tree itself.
    InPlace {
        /// Its root.
        dir: String,
        /// Its git directory.
        git_dir: String,
    },
}

/// A step at work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Working {
    /// The run.
    pub run: String,
    /// The task.
    pub task: String,
    /// The branch.
    pub branch: String,
    /// Its tip when the step began.
    pub base: String,
    /// Where the agent works.
    pub site: Site,
    /// The most that it may spend, in USD; none where nothing limits it.
    #[serde(default)]
    pub may_usd: Option<f64>,
    /// The same in tokens.
    #[serde(default)]
    pub may_tokens: Option<u64>,
    /// Where the step lands by push, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushes: Option<Pushes>,
}

/// A step that lands by push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushes {
    /// The remote.
    pub remote: String,
    /// The branch there.
    pub branch: String,
    /// The commit that was pushed last, whatever became of it.
    pub commit: Option<String>,
}

/// A commit on its way to the branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moving {
    /// The branch.
    pub branch: String,
    /// What it is to become.
    pub commit: String,
    /// The run that this is the end of; none for a change that a person makes.
    pub run: Option<String>,
    /// The work tree that has to follow: root, git directory.
    pub checkout: Option<(String, String)>,
    /// Whether the agent worked there: then its index does not say what the work tree holds.
    pub in_place: bool,
    /// The tree that the work tree holds now.
    pub from: String,
    /// The tree that it is to hold.
    pub to: String,
}

/// The name of the journal of the step in a slot.
#[must_use]
pub fn name(slot: u32) -> String {
    if slot == slot::FIRST { "journal.json".to_owned() } else { format!("{}/{slot}.json", slot::DIR) }
}

/// The slots that may have a step at work, or one that was cut off.
///
/// # Errors
/// When they cannot be listed.
pub fn slots(world: World<'_>) -> Result<Vec<u32>> {
    let mut slots = slot::used(world, ".json")?;
    if world.files.read(&name(slot::FIRST))?.is_some() {
        slots.insert(0, slot::FIRST);
    }
    Ok(slots)
}

/// The step at work in a slot, if there is one.
///
/// # Errors
/// When the journal cannot be read.
pub fn working(world: World<'_>, slot: u32) -> Result<Option<Working>> {
    read(world, &name(slot))
}

/// All steps at work.
///
/// # Errors
/// When a journal cannot be read.
pub fn at_work(world: World<'_>) -> Result<Vec<Working>> {
    let all = slots(world)?.into_iter().map(|slot| working(world, slot).transpose());
    all.flatten().collect()
}

/// Notes that a step is at work. A loss of power may take that along with the first moments of the work.
///
/// # Errors
/// When it cannot be written.
pub fn begin_work(world: World<'_>, slot: u32, working: &Working) -> Result<()> {
    write(world, &name(slot), working, false)
}

/// A commit that orch landed while a step worked in place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Beside {
    /// The run of that step.
    run: String,
    /// The last such commit on its branch.
    commit: String,
    /// Where the branch was before.
    before: String,
}

/// Notes what the branch of a step that works in place is about to become, which is not the agent's doing.
///
/// # Errors
/// When it cannot be written.
pub fn land_beside(world: World<'_>, working: &Working, commit: Oid) -> Result<()> {
    let before = beside(world, working)?.to_string();
    let beside = Beside { run: working.run.clone(), commit: commit.to_string(), before };
    write(world, BESIDE, &beside, false)
}

/// Notes that a commit has not landed after all.
///
/// # Errors
/// When it cannot be written.
pub fn not_landed(world: World<'_>, commit: Oid) -> Result<()> {
    match read::<Beside>(world, BESIDE)?.filter(|beside| beside.commit == commit.to_string()) {
        Some(beside) => write(world, BESIDE, &Beside { commit: beside.before.clone(), ..beside }, false),
        None => Ok(()),
    }
}

/// Where orch left the branch of a step that works in place.
///
/// # Errors
/// When it cannot be read.
pub fn beside(world: World<'_>, working: &Working) -> Result<Oid> {
    let beside: Option<Beside> = read(world, BESIDE)?;
    let last = beside.filter(|beside| beside.run == working.run).map(|beside| beside.commit);
    oid(last.as_ref().unwrap_or(&working.base))
}

/// Notes, durably, that the commit of a run is about to be pushed.
///
/// # Errors
/// When it cannot be written.
pub fn begin_push(world: World<'_>, run: &str, commit: Oid) -> Result<()> {
    for slot in slots(world)? {
        let Some(mut working) = working(world, slot)?.filter(|working| working.run == run) else { continue };
        if let Some(pushes) = &mut working.pushes {
            pushes.commit = Some(commit.to_string());
            write(world, &name(slot), &working, true)?;
        }
    }
    Ok(())
}

/// Keeps what a run has pushed beyond the end of its step: no answer came, so whether it has landed is for
/// whoever reaches the remote next.
///
/// # Errors
/// When it cannot be written.
pub fn leave_push(world: World<'_>, run: &str) -> Result<()> {
    at_work(world)?
        .iter()
        .filter(|working| working.run == run)
        .try_for_each(|working| write(world, &push_name(run), working, true))
}

/// The steps whose pushes were never answered.
///
/// # Errors
/// When they cannot be read.
pub fn left_pushes(world: World<'_>) -> Result<Vec<Working>> {
    let names = world.files.list(PUSHES)?;
    let journals = names.iter().filter(|name| name.ends_with(".json"));
    journals.filter_map(|name| read(world, &format!("{PUSHES}/{name}")).transpose()).collect()
}

/// Forgets a push, because what became of it was told.
///
/// # Errors
/// When it cannot be removed.
pub fn forget_push(world: World<'_>, run: &str) -> Result<()> {
    world.files.remove(&push_name(run))
}

fn push_name(run: &str) -> String {
    format!("{PUSHES}/{run}.json")
}

/// Gives the task back, and notes that no step is at work in a slot any more.
///
/// # Errors
/// When it cannot be written.
pub fn end_work(world: World<'_>, slot: u32) -> Result<()> {
    if let Some(working) = working(world, slot)? {
        let remote = working.pushes.as_ref().map(|pushes| pushes.remote.as_str());
        lease::release(world, &working.task, &working.run, remote)?;
        if matches!(working.site, Site::InPlace { .. }) {
            world.files.remove(BESIDE)?;
            world.git.release_settings(&working.run)?;
        }
    }
    hold::release(world, slot)?;
    world.files.remove(&name(slot))
}

/// The commit on its way, if there is one.
///
/// # Errors
/// When the journal cannot be read.
pub fn landing(world: World<'_>) -> Result<Option<Moving>> {
    read(world, LANDING)
}

/// Notes that a branch is about to move, and makes this durable together with all that was written so far.
///
/// # Errors
/// When it cannot be written.
pub fn begin_landing(world: World<'_>, moving: &Moving) -> Result<()> {
    write(world, LANDING, moving, false)?;
    world.git.settle(&[world.files.root().join(LANDING)])
}

/// Notes that no branch is about to move any more, and (when one has, for a run) that the run ended.
///
/// # Errors
/// When it cannot be written.
pub fn end_landing(world: World<'_>, landed_run: Option<&str>) -> Result<()> {
    landed_run.map_or(Ok(()), |run| end_run(world, run))?;
    world.files.remove(LANDING)
}

/// Notes that a run has ended, in whichever slot it was at work.
///
/// # Errors
/// When it cannot be written.
pub fn end_run(world: World<'_>, run: &str) -> Result<()> {
    for slot in slots(world)? {
        if working(world, slot)?.is_some_and(|working| working.run == run) {
            end_work(world, slot)?;
        }
    }
    Ok(())
}

fn read<T: DeserializeOwned>(world: World<'_>, name: &str) -> Result<Option<T>> {
    let Some(bytes) = world.files.read(name)? else { return Ok(None) };
    if bytes.iter().all(|byte| *byte == 0) {
        // A loss of power can leave the name and not the content: nothing was done then that it spoke of.
        return Ok(None);
    }
    match serde_json::from_slice(&bytes) {
        Ok(journal) => Ok(Some(journal)),
        Err(error) => Err(damaged(world, name, &error.to_string())),
    }
}

fn damaged(world: World<'_>, name: &str, why: &str) -> EffectError {
    let path = world.files.root().join(name);
    let what = "it says what a killed command left; move it aside and orch goes on without it";
    EffectError::new(
        Trouble::Repository,
        format!("the journal `{}` is damaged ({why}): {what}", path.display()),
    )
}

fn write<T: Serialize>(world: World<'_>, name: &str, journal: &T, durable: bool) -> Result<()> {
    let bytes = serde_json::to_vec_pretty(journal)
        .map_err(|error| EffectError::new(Trouble::Other, format!("cannot write the journal: {error}")))?;
    world.files.write(name, &bytes, durable)
}

/// The work tree that a site or a landing names.
#[must_use]
pub fn checkout(dir: &str, git_dir: &str) -> Checkout {
    Checkout { dir: dir.into(), git_dir: git_dir.into(), in_progress: None }
}

/// An object name from a journal.
///
/// # Errors
/// When it is none.
pub fn oid(text: &str) -> Result<Oid> {
    Oid::from_hex(text).ok_or_else(|| {
        EffectError::new(Trouble::Repository, format!("the journal names `{text}`, which is no object"))
    })
}
