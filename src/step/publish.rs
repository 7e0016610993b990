//! Landing by push: the branch there is moved, and what belongs to the step with it.
//!
//! In: a commit on top of the tip that was seen there. Out: whether it has landed. One request moves
//! the branch, gives the task back and keeps the attempts, all or nothing where the server can.
//! Invariant: what the server said is not believed where another look can tell ([`landing`]).

use super::base::{Base, branch_ref};
use super::budget::Allowance;
use super::error::StepError;
use super::event::{Event, Reporter};
use super::journal::{self, Pushes, Site, Working};
use super::lease;
use super::record::{ATTEMPTS, attempts_ref};
use super::upstream::{self, IMPATIENCE, PATIENCE};
use crate::effects::{EffectError, Oid, Pushed, Trouble, Update, Upstream, World};
use crate::landing::{self, Look, Next, Reply};
use crate::state::id::{RunId, TaskId};

/// What else is to move together with a branch, from a tip to a commit; none where nothing is.
pub type Beside<'p> = dyn Fn(Oid, Oid) -> Option<Update> + 'p;

/// A landing by push.
#[derive(Clone, Copy)]
pub struct Push<'p> {
    /// Where to.
    pub upstream: &'p Upstream,
    /// The run whose attempts and lease go along, where there is one.
    pub run: Option<&'p str>,
    /// What goes along beside these.
    pub beside: Option<&'p Beside<'p>>,
}

/// The landing by push of what is done on a base, if it lands so.
#[must_use]
pub fn of<'p>(base: &'p Base, run: Option<&'p str>) -> Option<Push<'p>> {
    base.upstream.as_ref().map(|upstream| Push { upstream, run, beside: None })
}

/// A step on a base, as its journal has it.
#[must_use]
pub fn working(base: &Base, (run, task): (&RunId, &TaskId), site: Site, may: Allowance) -> Working {
    let pushes = |Upstream { remote, branch }| Pushes { remote, branch, commit: None };
    Working {
        run: run.to_string(),
        task: task.to_string(),
        branch: base.branch.clone(),
        base: base.commit.id.to_string(),
        site,
        may_usd: may.usd,
        may_tokens: may.tokens,
        pushes: base.upstream.clone().map(pushes),
    }
}

/// Whether the commit that a step which was cut off had pushed is there; none where it had not come to
/// that, or the remote does not answer, which is told, and asked again by whoever reaches it next.
///
/// # Errors
/// When the journal, or history, cannot be read.
pub fn outcome(
    world: World<'_>,
    working: &Working,
    done: &mut Vec<String>,
) -> Result<Option<bool>, StepError> {
    let Some(Pushes { remote, branch, commit }) = working.pushes.clone() else { return Ok(None) };
    // Whoever was killed while it noted its lease there may have left a lock on the ref: no fetch gets past it.
    world.git.claim(&lease::seen(&remote, &working.task), None, None)?;
    let Some(commit) = commit else { return Ok(None) };
    let commit = journal::oid(&commit)?;
    match upstream::fetch(world, &Upstream { remote: remote.clone(), branch }, IMPATIENCE) {
        Ok(tip) => {
            let landed = world.git.is_ancestor(commit, tip)?;
            done.extend(landed.then(|| format!("commit {} had landed on `{remote}`", commit.short())));
            Ok(Some(landed))
        }
        Err(error) => {
            journal::leave_push(world, &working.run)?;
            done.push(format!(
                "whether commit {} has landed is not known: {error}; type `orch status --fetch` once it answers",
                commit.short()
            ));
            Ok(None)
        }
    }
}

/// Says of pushes that were never answered whether they have landed, now that the branch is seen there; and gives back
/// there what could not be given back meanwhile.
///
/// # Errors
/// When a journal, or history, cannot be read.
pub fn settle(
    world: World<'_>,
    upstream: &Upstream,
    tip: Oid,
    reporter: &dyn Reporter,
) -> Result<(), StepError> {
    for Working { run, task, pushes, .. } in journal::left_pushes(world)? {
        let Some(Pushes { remote, branch, commit: Some(commit) }) = pushes else { continue };
        if (&remote, &branch) != (&upstream.remote, &upstream.branch) {
            continue;
        }
        let (commit, kept) = (journal::oid(&commit)?, attempts_ref(&run));
        let landed = world.git.is_ancestor(commit, tip)?;
        let mut what = format!("commit {} of task `{task}` had ", commit.short());
        what.push_str(&if landed {
            format!("landed on `{remote}`")
        } else {
            format!("not landed on `{remote}`")
        });
        if !landed && world.git.tip(&kept)?.is_some() {
            what.push_str(&format!("; its work is kept at `{kept}`"));
        }
        reporter.event(&Event::Recovered { what });
        journal::forget_push(world, &run)?;
    }
    Ok(lease::give_back(world, &upstream.remote)?)
}

impl Push<'_> {
    /// Waits a little where others were first, so many times.
    pub fn pause(&self, world: World<'_>, lost: u32) {
        if lost > 0 {
            world.process.wait(landing::pause(lost, world.ids.random()));
        }
    }

    /// Where the branch is there.
    ///
    /// # Errors
    /// When the remote does not answer.
    pub fn tip(&self, world: World<'_>) -> Result<Oid, StepError> {
        upstream::fetch(world, self.upstream, PATIENCE)
            .map_err(|error| upstream::no_branch(self.upstream, error))
    }

    /// Moves the branch there; says whether the commit has landed, or the branch had moved before.
    ///
    /// # Errors
    /// When the server refuses, or it is not known whether the commit has landed.
    pub fn push(
        &self,
        world: World<'_>,
        (tip, commit): (Oid, Oid),
        reporter: &dyn Reporter,
    ) -> Result<bool, StepError> {
        if let Some(run) = self.run {
            journal::begin_push(world, run, commit)?;
        }
        let (mut with, mut without) = (With::All, String::new());
        let mut beside = self.beside.and_then(|beside| beside(tip, commit));
        for pushes in 1.. {
            let mut updates = self.updates(world, (tip, commit), with)?;
            updates.extend(beside.clone().filter(|_| with == With::All));
            let said = world.remote.push(&self.upstream.remote, &updates, PATIENCE, true);
            let reply = match said {
                Ok(Pushed::Done) => Reply::Done,
                Ok(Pushed::Moved) => Reply::Moved,
                Ok(Pushed::Refused { references, words }) if self.less(with, &references).is_some() => {
                    (with, without) = (self.less(with, &references).unwrap_or(with), words);
                    continue;
                }
                Ok(Pushed::Refused { words, .. }) => Reply::Refused(words),
                Err(error) if error.trouble == Trouble::Unreachable => Reply::Unknown(error.fact),
                Err(error) => return Err(error.into()),
            };
            // It may have been this that had moved: then it is not for this push to say what becomes of it.
            beside = beside.filter(|_| reply != Reply::Moved);
            let look = if reply == Reply::Done { Look::Landed } else { self.look(world, tip, commit) };
            match landing::next(reply, look, pushes) {
                Next::Landed => {
                    self.tell(commit, reporter);
                    with.tell(&self.upstream.remote, &without, reporter);
                    // It has landed: what is not noted is looked up there the next time.
                    if let Err(error) = note(world, &self.upstream.remote, &updates) {
                        let text = format!("it has landed, which is not noted here: {error}");
                        reporter.event(&Event::Warning { text });
                    }
                    return Ok(true);
                }
                Next::Replay => return Ok(false),
                Next::Again => world.process.wait(landing::pause(pushes, world.ids.random())),
                Next::Refused(words) => return Err(self.refused(&words)),
                Next::Unknown(why) => {
                    self.run.map_or(Ok(()), |run| journal::leave_push(world, run))?;
                    return Err(self.unknown(commit, &why));
                }
            }
        }
        Ok(false)
    }

    /// What to push where a server refused these refs, and less may do; none named means the push as a whole.
    fn less(&self, with: With, references: &[String]) -> Option<With> {
        let of_work = |reference: &String| reference.starts_with(ATTEMPTS);
        let others = !references.is_empty() && !references.contains(&branch_ref(&self.upstream.branch));
        match with {
            With::All if others && !references.iter().any(of_work) => Some(With::Branch),
            // It may be what the work holds that it does not take.
            With::All if self.run.is_some() => Some(With::Lease),
            With::All | With::Lease if others => Some(With::Branch),
            With::All | With::Lease | With::Branch => None,
        }
    }

    /// What is to move: the branch; and with it the attempts of the run and its lease, if that is still
    /// there.
    fn updates(
        &self,
        world: World<'_>,
        (tip, commit): (Oid, Oid),
        with: With,
    ) -> Result<Vec<Update>, EffectError> {
        let reference = branch_ref(&self.upstream.branch);
        let mut updates = vec![Update { reference, expected: Some(tip), new: Some(commit) }];
        let Some(run) = self.run.filter(|_| with != With::Branch) else { return Ok(updates) };
        if with == With::All {
            updates.extend(attempts(world, run)?);
        }
        if let Some((name, value)) = lease::of_run(world, run)? {
            let there = world.git.tip(&lease::seen(&self.upstream.remote, &name))?;
            let reference = lease::reference(&name);
            updates.extend((there == Some(value)).then_some(Update {
                reference,
                expected: there,
                new: None,
            }));
        }
        Ok(updates)
    }

    fn look(&self, world: World<'_>, tip: Oid, commit: Oid) -> Look {
        let looked = upstream::fetch(world, self.upstream, PATIENCE).and_then(|now| {
            Ok(if world.git.is_ancestor(commit, now)? {
                Look::Landed
            } else if now == tip {
                Look::Same
            } else {
                Look::Moved
            })
        });
        looked.unwrap_or(Look::Unseen)
    }

    fn tell(&self, commit: Oid, reporter: &dyn Reporter) {
        let Upstream { remote, branch } = self.upstream.clone();
        reporter.event(&Event::Pushed { remote, branch, commit: commit.to_string() });
    }

    fn refused(&self, words: &str) -> StepError {
        let Upstream { remote, branch } = self.upstream;
        StepError::git(
            format!("`{remote}` refuses the push to `{branch}`: {words}"),
            "see to it that you may push there, or name another branch with `--branch NAME`; then type the command again",
        )
    }

    fn unknown(&self, commit: Oid, why: &str) -> StepError {
        let Upstream { remote, branch } = self.upstream;
        let fact = format!(
            "it is not known whether {} has landed on `{branch}` of `{remote}`: {why}",
            commit.short()
        );
        StepError::Unanswered { fact }
    }
}

/// What goes along with the branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum With {
    /// The work of the run that is kept, its lease, and what else the caller has.
    All,
    /// Its lease, which is given back.
    Lease,
    /// Nothing.
    Branch,
}

impl With {
    /// Tells what stayed here.
    fn tell(self, remote: &str, words: &str, reporter: &dyn Reporter) {
        let text = match self {
            Self::All => return,
            Self::Lease => format!("the work is kept here only: `{remote}` does not take it: {words}"),
            Self::Branch => format!("`{remote}` does not take refs of orch's own: {words}"),
        };
        reporter.event(&Event::Warning { text });
    }
}

/// The refs that keep the work of a run.
fn attempts(world: World<'_>, run: &str) -> Result<Vec<Update>, EffectError> {
    let kept = world.git.refs(&attempts_ref(run))?;
    Ok(kept
        .into_iter()
        .map(|(reference, oid)| Update { reference, expected: None, new: Some(oid) })
        .collect())
}

/// Keeps the work of a run there as well; what comes of that is told, and no reason to stop.
pub fn keep(world: World<'_>, upstream: &Upstream, run: &str, reporter: &dyn Reporter) {
    let kept = attempts(world, run).and_then(|updates| {
        if updates.is_empty() {
            return Ok(Pushed::Done);
        }
        world.remote.push(&upstream.remote, &updates, PATIENCE, false)
    });
    let why = match kept {
        Ok(Pushed::Done) => return,
        Ok(Pushed::Moved) => "it is there already, and differs".to_owned(),
        Ok(Pushed::Refused { words, .. }) => words,
        Err(error) => error.fact,
    };
    reporter.event(&Event::Warning { text: format!("the work is kept here only: {why}") });
}

/// Notes here what has become of refs there.
fn note(world: World<'_>, remote: &str, updates: &[Update]) -> Result<(), EffectError> {
    for Update { reference, expected, new } in updates {
        let Some(task) = reference.strip_prefix(crate::lease::REFS) else { continue };
        world.git.claim(&lease::seen(remote, task), *expected, *new)?;
        world.git.claim(reference, *expected, *new)?;
    }
    Ok(())
}
