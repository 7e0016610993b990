//! Leases as refs: taken, renewed and released by compare-and-swap.
//!
//! In: a task and the run that is to work on it. Out: whether it may. Invariant: a lease is written
//! after the step's journal and removed before it, so that a run which was killed leaves none behind
//! that recovery does not find. A lease needs no sync: what a loss of power takes is double work.

use super::event::{Event, Reporter};
use crate::effects::{Identity, NewCommit, Oid, Result, Swap, World};
use crate::lease::{Lease, REFS, RENEWED_AFTER, Standing, judge};
use crate::state::id::{RunId, TaskId};
use jiff::Timestamp;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

/// When this clone first saw each lease that is there.
const SEEN: &str = "leases.json";

/// A lease that is there, and whether it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The task, by the name of the ref.
    pub task: String,
    /// The ref's value.
    pub value: Oid,
    /// What it says; none if that cannot be read.
    pub lease: Option<Lease>,
    /// Whether it counts.
    pub standing: Standing,
}

impl Claim {
    /// Who holds it, as people read it.
    #[must_use]
    pub fn holder(&self) -> String {
        self.lease.as_ref().map_or_else(|| "somebody whose lease cannot be read".to_owned(), Lease::to_string)
    }

    /// Whether this profile holds it.
    #[must_use]
    pub fn is_of(&self, profile: &str) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.agent == profile)
    }
}

/// What is to be claimed.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The task.
    pub task: &'a TaskId,
    /// The run that is to work on it.
    pub run: &'a RunId,
    /// The profile.
    pub agent: &'a str,
    /// The commit that the run starts from.
    pub base: Oid,
    /// Who commits.
    pub author: Option<&'a Identity>,
    /// When the run began.
    pub started: Timestamp,
}

/// A lease that this run holds.
pub struct Held<'w> {
    world: World<'w>,
    base: Oid,
    author: Option<Identity>,
    /// None when somebody took it over.
    now: RefCell<Option<(Lease, Oid)>>,
    /// When it was written last.
    written: Cell<Duration>,
}

/// All leases of this clone, in the order of their tasks.
///
/// # Errors
/// When they cannot be read.
pub fn all(world: World<'_>) -> Result<Vec<Claim>> {
    let refs = world.git.refs(REFS)?;
    if refs.is_empty() {
        return Ok(Vec::new());
    }
    let now = world.clock.now();
    let seen = sightings(world, &refs, now)?;
    let claim = |(name, value): (String, Oid)| {
        let lease = read(world, value);
        let standing = judge(lease.as_ref(), seen.get(&value.to_string()).copied().unwrap_or(now), now);
        Claim { task: name[REFS.len()..].to_owned(), value, lease, standing }
    };
    Ok(refs.into_iter().map(claim).collect())
}

/// The leases that count.
///
/// # Errors
/// When they cannot be read.
pub fn live(world: World<'_>) -> Result<Vec<Claim>> {
    Ok(all(world)?.into_iter().filter(|claim| claim.standing == Standing::Live).collect())
}

/// What the value of a lease's ref says, if that is anything.
fn read(world: World<'_>, value: Oid) -> Option<Lease> {
    world.git.commit(value).ok().and_then(|commit| Lease::read(&commit.message).ok())
}

/// When each value was first seen here; those that are new are noted, those that are gone forgotten.
fn sightings(
    world: World<'_>,
    refs: &[(String, Oid)],
    now: Timestamp,
) -> Result<BTreeMap<String, Timestamp>> {
    // What cannot be read is noted anew.
    let known = world.files.read(SEEN)?.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let known: BTreeMap<String, Timestamp> = known.unwrap_or_default();
    let seen: BTreeMap<String, Timestamp> = refs
        .iter()
        .map(|(_, value)| value.to_string())
        .map(|value| {
            // A time that is still to come was told by a clock that has been put right since.
            let first = known.get(&value).copied().filter(|first| *first <= now).unwrap_or(now);
            (value, first)
        })
        .collect();
    if seen != known {
        // A place that cannot be written to takes no leases either; whoever only looks is answered.
        let _ = world.files.write(SEEN, &serde_json::to_vec(&seen).unwrap_or_default(), false);
    }
    Ok(seen)
}

/// Claims a task; none if somebody else has it.
///
/// # Errors
/// When the lease cannot be written.
pub fn take<'w>(world: World<'w>, ask: Ask<'_>, reporter: &dyn Reporter) -> Result<Option<Held<'w>>> {
    let there = all(world)?.into_iter().find(|claim| claim.task == ask.task.as_str());
    let ids = (ask.task.clone(), ask.run.clone());
    let mut lease = Lease::new(ids, (ask.agent, &world.process.host()), ask.started);
    if let Some(claim) = &there {
        let Standing::Stale(why) = &claim.standing else { return Ok(None) };
        let what = format!("the lease of {}: {why}", claim.holder());
        reporter.event(&Event::Recovered { what: format!("task `{}` is taken over from {what}", ask.task) });
        lease.took_over = Some(what);
    }
    let held = Held {
        world,
        base: ask.base,
        author: ask.author.cloned(),
        now: RefCell::default(),
        written: Cell::default(),
    };
    let taken = held.put(lease, there.map(|claim| claim.value))?;
    Ok(taken.then_some(held))
}

impl Held<'_> {
    /// Writes a lease where another value, or none, is expected.
    fn put(&self, lease: Lease, expected: Option<Oid>) -> Result<bool> {
        let commit = write(self.world, &lease, self.base, self.author.clone())?;
        let swapped = self.world.git.claim(&reference(lease.task.as_str()), expected, Some(commit))?;
        let mine = swapped == Swap::Done;
        self.written.set(self.world.clock.elapsed());
        *self.now.borrow_mut() = mine.then_some((lease, commit));
        Ok(mine)
    }

    /// Renews it if it is time to. One that somebody took over is not taken back.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn renew(&self) -> Result<()> {
        if self.world.clock.elapsed().saturating_sub(self.written.get()) < RENEWED_AFTER {
            return Ok(());
        }
        self.written.set(self.world.clock.elapsed());
        let Some((lease, value)) = self.now.borrow().clone() else { return Ok(()) };
        self.put(lease.renewed(self.world.clock.now()), Some(value)).map(|_| ())
    }

    /// Why the task could be taken although somebody had it.
    #[must_use]
    pub fn took_over(&self) -> Option<String> {
        self.now.borrow().as_ref().and_then(|(lease, _)| lease.took_over.clone())
    }
}

/// Gives a task back, if this run still has it.
///
/// # Errors
/// When the ref cannot be removed.
pub fn release(world: World<'_>, task: &str, run: &str) -> Result<()> {
    let reference = reference(task);
    let Some(value) = world.git.tip(&reference)? else { return Ok(()) };
    match read(world, value) {
        // What cannot be read may be what a loss of power left of it.
        Some(lease) if lease.run.as_str() != run => Ok(()),
        Some(_) | None => world.git.claim(&reference, Some(value), None).map(|_| ()),
    }
}

fn reference(task: &str) -> String {
    format!("{REFS}{task}")
}

/// Writes a lease as a commit on the one that its run starts from, which every clone has.
fn write(world: World<'_>, lease: &Lease, base: Oid, author: Option<Identity>) -> Result<Oid> {
    world.git.write_commit(&NewCommit {
        tree: world.git.commit(base)?.tree,
        parents: vec![base],
        author,
        time: lease.taken,
        message: lease.write(),
        may_sign: false,
    })
}
