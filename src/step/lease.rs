//! Leases as refs: taken, renewed and released by compare-and-swap.
//!
//! In: a task and the run that is to work on it. Out: whether it may. Invariant: a lease is written
//! after the step's journal and removed before it, so that a run which was killed leaves none behind
//! that recovery does not find. A lease needs no sync: what a loss of power takes is double work.

use super::event::{Event, Reporter};
use super::{journal, upstream};
use crate::effects::{Identity, NewCommit, Oid, Pushed, Result, Swap, Trouble, Update, Upstream, World};
use crate::landing;
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
    /// Where it was seen; none is this clone's own.
    pub remote: Option<String>,
    /// What it says; none if that cannot be read.
    pub lease: Option<Lease>,
    /// Whether it counts.
    pub standing: Standing,
}

impl Claim {
    /// Who holds it, as people read it.
    #[must_use]
    pub fn holder(&self) -> String {
        let unread = || "somebody whose lease cannot be read (see `orch doctor`)".to_owned();
        self.lease.as_ref().map_or_else(unread, Lease::to_string)
    }

    /// Whether this profile of this clone holds it.
    #[must_use]
    pub fn is_of(&self, profile: &str) -> bool {
        self.remote.is_none() && self.lease.as_ref().is_some_and(|lease| lease.agent == profile)
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
    /// Where the task is claimed as well.
    pub upstream: Option<&'a Upstream>,
    /// Whether it is claimed for a planner.
    pub plans: bool,
}

/// A lease that this run holds.
pub struct Held<'w> {
    world: World<'w>,
    base: Oid,
    author: Option<Identity>,
    remote: Option<String>,
    /// What was seen there when it was taken.
    there: Option<Oid>,
    /// None when somebody took it over.
    now: RefCell<Option<(Lease, Oid)>>,
    /// When it was written last.
    written: Cell<Duration>,
}

/// All leases of this clone, and those that were last seen elsewhere.
///
/// # Errors
/// When they cannot be read.
pub fn all(world: World<'_>) -> Result<Vec<Claim>> {
    let mut refs = world.git.refs(REFS)?;
    let own: Vec<Oid> = refs.iter().map(|(_, value)| *value).collect();
    refs.extend(world.git.refs(upstream::SEEN)?.into_iter().filter(|(name, _)| name.contains("/leases/")));
    if refs.is_empty() {
        return Ok(Vec::new());
    }
    let now = world.clock.now();
    let seen = sightings(world, &refs, now)?;
    let at_work: Vec<String> = journal::at_work(world)?.into_iter().map(|working| working.run).collect();
    let claim = |(name, value): (String, Oid)| {
        let (remote, task) = place(&name);
        let lease = read(world, value).filter(|lease| lease.task.as_str() == task);
        let ended = |lease: &Lease| !at_work.iter().any(|run| *run == lease.run.as_str());
        let standing = if own.contains(&value) && lease.as_ref().is_none_or(ended) {
            // Its journal is gone, and with that goes the claim, also where nobody could be told.
            Standing::Stale("its step has ended".to_owned())
        } else {
            judge(lease.as_ref(), seen.get(&value.to_string()).copied().unwrap_or(now), now)
        };
        Claim { task, value, remote, lease, standing }
    };
    Ok(refs.into_iter().map(claim).collect())
}

/// Where a lease's ref was seen, and of which task it is.
fn place(name: &str) -> (Option<String>, String) {
    match name.strip_prefix(upstream::SEEN).and_then(|seen| seen.rsplit_once("/leases/")) {
        Some((remote, task)) => (Some(remote.to_owned()), task.to_owned()),
        None => (None, name.trim_start_matches(REFS).to_owned()),
    }
}

/// The leases that count, each once. What cannot be read, and lies where no task of these has its lease, is none.
///
/// # Errors
/// When they cannot be read.
pub fn live(world: World<'_>, is_task: &dyn Fn(&str) -> bool) -> Result<Vec<Claim>> {
    let mut live: Vec<Claim> = Vec::new();
    for claim in all(world)? {
        // A claim of this clone's own is seen on its remote as well. What cannot be read may stand for several
        // tasks with one value.
        let is_same = |known: &Claim| (known.value, &known.task) == (claim.value, &claim.task);
        let is_one = claim.lease.is_some() || is_task(&claim.task);
        if is_one && claim.standing == Standing::Live && !live.iter().any(is_same) {
            live.push(claim);
        }
    }
    Ok(live)
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
/// When the lease cannot be written, or the remote does not answer.
pub fn take<'w>(world: World<'w>, ask: Ask<'_>, reporter: &dyn Reporter) -> Result<Option<Held<'w>>> {
    let remote = ask.upstream.map(|upstream| upstream.remote.clone());
    let mut claims = all(world)?;
    claims.retain(|claim| claim.task == ask.task.as_str());
    let ids = (ask.task.clone(), ask.run.clone());
    let mut lease = Lease::new(ids, (ask.agent, &world.process.host()), ask.started);
    lease.plans = ask.plans;
    for claim in &claims {
        let Standing::Stale(why) = &claim.standing else { return Ok(None) };
        lease.took_over = Some(format!("the lease of {}: {why}", claim.holder()));
    }
    if let Some(what) = &lease.took_over {
        reporter.event(&Event::Recovered { what: format!("task `{}` is taken over from {what}", ask.task) });
    }
    let value = |remote: Option<&String>| {
        claims.iter().find(|claim| claim.remote.as_ref() == remote).map(|claim| claim.value)
    };
    let held = Held {
        world,
        base: ask.base,
        author: ask.author.cloned(),
        there: remote.as_ref().and_then(|remote| value(Some(remote))),
        remote,
        now: RefCell::default(),
        written: Cell::default(),
    };
    let taken = held.put(lease, value(None))?;
    Ok(taken.then_some(held))
}

impl Held<'_> {
    /// Writes a lease where another value, or none, is expected.
    fn put(&self, lease: Lease, expected: Option<Oid>) -> Result<bool> {
        let commit = write(self.world, &lease, self.base, self.author.clone())?;
        let name = reference(lease.task.as_str());
        let mine = self.world.git.claim(&name, expected, Some(commit))? == Swap::Done;
        self.written.set(self.world.clock.elapsed());
        *self.now.borrow_mut() = mine.then_some((lease, commit));
        Ok(mine)
    }

    /// Claims the task on the remote as well, where the step lands by push; whether nobody else had it.
    ///
    /// # Errors
    /// When the remote does not answer.
    pub fn share(&self, reporter: &dyn Reporter) -> Result<bool> {
        self.put_there(self.there, upstream::PATIENCE, reporter)
    }

    /// Writes the lease on the remote. A server that takes no such refs is no reason not to work.
    fn put_there(&self, expected: Option<Oid>, patience: Duration, reporter: &dyn Reporter) -> Result<bool> {
        let now = self.now.borrow().clone();
        let (Some(remote), Some((lease, commit))) = (&self.remote, now) else { return Ok(true) };
        let task = lease.task.as_str();
        let push = |expected| {
            let update = Update { reference: reference(task), expected, new: Some(commit) };
            self.world.remote.push(remote, &[update], patience, false)
        };
        let mut said = push(expected);
        if patience >= upstream::PATIENCE
            && said.as_ref().is_err_and(|error| error.trouble == Trouble::Unreachable)
        {
            // A line broke: whether the claim came through is seen by what the second one meets.
            self.world.process.wait(landing::pause(1, self.world.ids.random()));
            said = push(expected);
        }
        let (mut expected, mut said) = (expected, said?);
        if said == Pushed::Moved {
            match self.there_now(remote, task, patience)? {
                // A renewal came through, and its answer did not.
                Some(ours) if self.is_ours(ours, &lease) => {
                    (expected, said) = (Some(ours), push(Some(ours))?);
                }
                // Whoever had it may have given it back since. Where nobody has it still, others did not come first.
                None if expected.is_none() => {
                    said = push(None)?;
                    if said == Pushed::Moved && self.there_now(remote, task, patience)?.is_none() {
                        let words = format!("something is in the way of `{}`", reference(task));
                        said = Pushed::Refused { references: Vec::new(), words };
                    }
                }
                Some(_) | None => {}
            }
        }
        match said {
            Pushed::Done => {
                self.world.git.claim(&seen(remote, task), expected, Some(commit))?;
                Ok(true)
            }
            Pushed::Moved => Ok(false),
            Pushed::Refused { words, .. } => {
                let text = format!("`{remote}` takes no lease, so others may do the same work: {words}");
                reporter.event(&Event::Warning { text });
                Ok(true)
            }
        }
    }

    /// Whether a value is a lease of the same run.
    fn is_ours(&self, value: Oid, lease: &Lease) -> bool {
        read(self.world, value).is_some_and(|there| there.run == lease.run)
    }

    /// The value there.
    fn there_now(&self, remote: &str, task: &str, patience: Duration) -> Result<Option<Oid>> {
        let seen = seen(remote, task);
        match upstream::fetch_refs(self.world, remote, &[(reference(task), seen.clone())], patience) {
            Ok(()) => {}
            Err(error) if error.trouble == Trouble::Missing => return Ok(None),
            Err(error) => return Err(error),
        }
        self.world.git.tip(&seen)
    }

    /// Renews it if it is time to. One that somebody took over is not taken back.
    ///
    /// # Errors
    /// When it cannot be written, or the remote does not answer.
    pub fn renew(&self, reporter: &dyn Reporter) -> Result<()> {
        if self.world.clock.elapsed().saturating_sub(self.written.get()) < RENEWED_AFTER {
            return Ok(());
        }
        self.written.set(self.world.clock.elapsed());
        let Some((lease, value)) = self.now.borrow().clone() else { return Ok(()) };
        let there = match &self.remote {
            Some(remote) => self.world.git.tip(&seen(remote, lease.task.as_str()))?,
            None => None,
        };
        if self.put(lease.renewed(self.world.clock.now()), Some(value))?
            && !self.put_there(there, upstream::IMPATIENCE, reporter)?
        {
            *self.now.borrow_mut() = None;
        }
        Ok(())
    }

    /// Why the task could be taken although somebody had it.
    #[must_use]
    pub fn took_over(&self) -> Option<String> {
        self.now.borrow().as_ref().and_then(|(lease, _)| lease.took_over.clone())
    }
}

/// Gives a task back, if this run still has it: on the remote as well, if that answers; otherwise it runs
/// out there.
///
/// # Errors
/// When the ref cannot be removed.
pub fn release(world: World<'_>, task: &str, run: &str, remote: Option<&str>) -> Result<()> {
    let name = reference(task);
    let Some(value) = world.git.tip(&name)? else {
        // Whoever was killed while it took the task, or gave it back, may have left a lock on the ref.
        return world.git.claim(&name, None, None).map(|_| ());
    };
    // What cannot be read may be what a loss of power left of it.
    if read(world, value).is_some_and(|lease| lease.run.as_str() != run) {
        return Ok(());
    }
    if let Some(remote) = remote {
        let update = Update { reference: name.clone(), expected: Some(value), new: None };
        // What could not be given back is known by this ref to be nobody's.
        let Ok(said) = world.remote.push(remote, &[update], upstream::IMPATIENCE, false) else {
            return Ok(());
        };
        if said == Pushed::Done {
            world.git.claim(&seen(remote, task), Some(value), None)?;
        }
    }
    world.git.claim(&name, Some(value), None).map(|_| ())
}

/// Gives back what ended steps of this clone could not while a remote was away.
///
/// # Errors
/// When the leases cannot be read, or a ref cannot be removed.
pub fn give_back(world: World<'_>, remote: &str) -> Result<()> {
    let own = world.git.refs(REFS)?;
    if own.is_empty() {
        return Ok(());
    }
    // A lease is written after its journal: what has none by now is nobody's.
    let at_work = journal::at_work(world)?;
    for (_, value) in own {
        let Some(lease) = read(world, value) else { continue };
        if at_work.iter().all(|working| working.run != lease.run.as_str()) {
            release(world, lease.task.as_str(), lease.run.as_str(), Some(remote))?;
        }
    }
    Ok(())
}

/// The lease of a run of this clone: of which task it is, and its value.
///
/// # Errors
/// When the leases cannot be read.
pub fn of_run(world: World<'_>, run: &str) -> Result<Option<(String, Oid)>> {
    let own = world.git.refs(REFS)?;
    let found =
        own.into_iter().find(|(_, value)| read(world, *value).is_some_and(|lease| lease.run.as_str() == run));
    Ok(found.map(|(name, value)| (place(&name).1, value)))
}

/// The ref of a task's lease, here and on a remote.
#[must_use]
pub fn reference(task: &str) -> String {
    format!("{REFS}{task}")
}

/// The ref here that says what was seen of it on a remote.
#[must_use]
pub fn seen(remote: &str, task: &str) -> String {
    format!("{}{task}", upstream::seen_leases(remote))
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
