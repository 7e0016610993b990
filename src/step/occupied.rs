//! What is being worked on, and what has to wait for it: the same task, and tasks that touch the same files.
//!
//! In: the leases that count, and the base. A task that names no `files` may touch anything and nothing is
//! known about it: it waits for nobody and nobody waits for it, because a landing looks at what really
//! changed. So do files that only a wildcard at the beginning names.

use super::base::{Base, branch_ref};
use super::budget::Allowance;
use super::choice::Chosen;
use super::error::StepError;
use super::lease::{self, Claim};
use super::who;
use crate::config::Adapter;
use crate::effects::World;
use crate::prompt::area::overlap;
use crate::select::{self, Candidate};
use crate::state::graph::Index;
use crate::state::ledger;

/// How many tasks of the queue are looked at for one that need not wait.
const QUEUE_MAX: usize = 20;

/// A task, and why it has to wait.
pub type Waiting = (Index, String);

/// The tasks that could be taken now, in the order in which they would be, at most `limit`; and those before
/// them that have to wait.
///
/// # Errors
/// When a lease or a task cannot be read.
pub fn queue(
    world: World<'_>,
    base: &Base,
    limit: usize,
) -> Result<(Vec<Candidate>, Vec<Waiting>), StepError> {
    let occupied = Occupied::now(world, base)?;
    let more = if occupied.claims.is_empty() { 0 } else { QUEUE_MAX + occupied.claims.len() };
    let (mut free, mut waits, mut taken) = (Vec::new(), Vec::new(), Vec::new());
    for candidate in select::queue(&base.snapshot.graph, base.rules(), limit + more) {
        if free.len() == limit {
            break;
        }
        match occupied.why_wait(world, base, candidate.index)? {
            None => free.push(candidate),
            Some(why) if occupied.claim(base, candidate.index).is_some() => {
                taken.push((candidate.index, why));
            }
            Some(why) => waits.push((candidate.index, why)),
        }
    }
    // Who waits for others is told of first.
    waits.extend(taken);
    Ok((free, waits))
}

/// What is being worked on.
#[derive(Debug)]
pub struct Occupied {
    /// Each lease, with the files that its task names.
    claims: Vec<(Claim, Vec<String>)>,
}

impl Occupied {
    /// As it is now.
    ///
    /// # Errors
    /// When a lease or a task cannot be read.
    pub fn now(world: World<'_>, base: &Base) -> Result<Self, StepError> {
        let mut claims = Vec::new();
        let graph = &base.snapshot.graph;
        for claim in lease::live(world, &|task| graph.find(task).is_some())? {
            // Who plans a task changes none of its files.
            let plans = claim.lease.as_ref().is_some_and(|lease| lease.plans);
            let files = match graph.find(&claim.task).filter(|_| !plans) {
                Some(index) => base.snapshot.task(world, index)?.1.files,
                None => Vec::new(),
            };
            claims.push((claim, files));
        }
        Ok(Self { claims })
    }

    /// The lease on a task.
    fn claim(&self, base: &Base, index: Index) -> Option<&Claim> {
        let id = &base.snapshot.graph.nodes()[index].id;
        self.claims.iter().map(|(claim, _)| claim).find(|claim| claim.task == id.as_str())
    }

    /// Why a task has to wait, in words that follow its name; none if it need not.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn why_wait(&self, world: World<'_>, base: &Base, index: Index) -> Result<Option<String>, StepError> {
        if let Some(claim) = self.claim(base, index) {
            return Ok(Some(format!("is being worked on by {}", claim.holder())));
        }
        if self.claims.iter().all(|(_, files)| files.is_empty()) {
            return Ok(None);
        }
        let files = base.snapshot.task(world, index)?.1.files;
        let in_the_way = self.claims.iter().find(|(_, theirs)| overlap(&files, theirs));
        Ok(in_the_way.map(|(claim, theirs)| {
            let task = &claim.task;
            let shown: Vec<String> = theirs.iter().take(2).map(|file| format!("`{file}`")).collect();
            let (holder, shown) = (claim.holder(), shown.join(", "));
            format!("touches files of `{task}` ({shown}), which is being worked on by {holder}")
        }))
    }

    /// Whether a chosen task may still be claimed, and the profile may take it. The caller holds the lock
    /// that covers claiming.
    ///
    /// # Errors
    /// When a lease or a task cannot be read.
    pub(super) fn lets(&self, world: World<'_>, base: &Base, chosen: &Chosen) -> Result<bool, StepError> {
        let profile = &chosen.who.profile;
        let sessions = self.claims.iter().filter(|(claim, _)| claim.is_of(&profile.name)).count();
        let crowded = profile.adapter != Adapter::Shell && sessions >= profile.max_parallel as usize;
        if crowded || self.why_wait(world, base, chosen.candidate.index)?.is_some() {
            return Ok(false);
        }
        // Others may have been promised what is left of a budget.
        let may = chosen.who.allowance;
        let still = |now: Allowance| (now.usd.is_none() || now.usd >= may.usd) && now.tokens >= may.tokens;
        if !who::allowance(world, base, &chosen.task, &ledger::load(world.files)?)?.is_ok_and(still) {
            return Ok(false);
        }
        // Whoever had it may have landed it since the base was loaded.
        let Some(tip) = world.git.tip(&branch_ref(&base.branch))?.filter(|tip| *tip != base.commit.id) else {
            return Ok(true);
        };
        let now = base.task_at(world, chosen.task.id.as_str(), world.git.commit(tip)?.tree)?;
        Ok(now.is_some_and(|now| now.status == chosen.task.status))
    }
}
