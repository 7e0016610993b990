//! A step's work on top of what the branch has become meanwhile: whether it may still land, and what is said of it
//! then.
//!
//! In: a new tip, and the tree that both make together. Out: an answer for [`super::land`]. Invariant: what the commit
//! and its record say of the gates is said of the tree that lands, by the settings of the tip that it lands on;
//! `policy.regate` decides only whether the configured ones and `pre-commit` run again where they are still the same.

use super::attempt::Job;
use super::base::Base;
use super::candidate::Bench;
use super::error::StepError;
use super::event::Event;
use super::finish::Draft;
use super::land::{Ask, Judged, Made, Replay, tree_with};
use super::second;
use super::site::{Left, Workplace};
use super::twin;
use crate::config::Regate;
use crate::config::read::namesakes;
use crate::effects::{Change, Oid};
use crate::gate::first_rejection;
use crate::gate::protect::Protected;
use crate::landing;
use crate::select;
use crate::state::run::OutcomeKind;
use crate::state::store::{self, Source};
use crate::state::task::Task;
use crate::state::{file, layout};
use bstr::ByteSlice as _;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;

/// The work of a step whose branch may move.
pub(super) struct Moved<'m, 'j, 'w> {
    job: &'m Job<'j>,
    workplace: RefCell<&'m mut Workplace<'w>>,
    draft: RefCell<Draft>,
    /// The base with the work.
    code: Oid,
    /// What the agent said of it.
    summary: &'m str,
    /// The commit on which it was last looked at.
    looked_on: Cell<Oid>,
}

impl<'m, 'j, 'w> Moved<'m, 'j, 'w> {
    /// Work that was judged on the base of its step.
    pub(super) fn new(
        job: &'m Job<'j>,
        workplace: &'m mut Workplace<'w>,
        draft: Draft,
        (code, summary): (Oid, &'m str),
    ) -> Self {
        let (workplace, draft) = (RefCell::new(workplace), RefCell::new(draft));
        Self { job, workplace, draft, code, summary, looked_on: Cell::new(job.base.commit.id) }
    }

    /// What was written of it in the end.
    pub(super) fn draft(self) -> Draft {
        self.draft.into_inner()
    }

    /// Whether it may land on a tip.
    ///
    /// # Errors
    /// When the machine fails.
    pub(super) fn answer(&self, Replay { tip, ask }: Replay) -> Result<Judged, StepError> {
        let is_accepted = || self.draft.borrow().run.outcome == OutcomeKind::Accepted;
        match ask {
            Ask::Wanted => Ok(self.no_longer_ours(tip)?.map_or(Judged::Fits, Judged::No)),
            Ask::AsIs(_) if is_accepted() && self.is_to_be_looked_at(tip)? => Ok(Judged::Gated),
            Ask::AsIs(merged) => self.as_told(tip, merged),
            Ask::Look(merged) => self.look(tip, merged),
        }
    }

    /// Why this step may not decide about the task any more, if it may not.
    fn no_longer_ours(&self, tip: Oid) -> Result<Option<String>, StepError> {
        let Job { world, base, task, .. } = *self.job;
        let snapshot = store::load(world, Source::Tree(world.git.commit(tip)?.tree))?;
        let (graph, id) = (&snapshot.graph, task.id.as_str());
        let index = graph.find(id);
        let now = index.map(|index| graph.status(index));
        if let Some(why) = landing::no_longer_ours(id, task.status, now) {
            return Ok(Some(why));
        }
        let why = index.and_then(|index| select::why_not(graph, base.rules(), index));
        Ok(why.map(|why| format!("task `{id}` can no longer be run: {why}")))
    }

    /// Whether anything moved, since it was last looked at, that what is said of it rests on: code, the
    /// configuration, its task.
    fn is_to_be_looked_at(&self, tip: Oid) -> Result<bool, StepError> {
        let id = self.job.task.id.as_str();
        let rests = |change: &Change| {
            let path = change.path.to_str_lossy();
            let own = layout::kind_of(&path) == layout::FileKind::Task && layout::stem(&path) == id;
            own || path == layout::CONFIG || !Protected::is_state(&change.path)
        };
        Ok(self.changes(self.looked_on.get(), tip)?.iter().any(rests))
    }

    /// What lands, as was found at the last look; without what others have proposed or noted since the base as well.
    fn as_told(&self, tip: Oid, merged: Oid) -> Result<Judged, StepError> {
        let Job { world, base, reporter, .. } = *self.job;
        let trees = (base.commit.tree, world.git.commit(tip)?.tree);
        let merged = twin::left_out(world, trees, merged, reporter)?;
        let draft = self.draft.borrow();
        let record = file::run::write(&draft.run).into_bytes();
        let files = [(layout::run(&draft.run.id, draft.run.started), Some(record))];
        let tree = tree_with(world, merged, &files)?;
        Ok(Judged::As(Made { tree, message: draft.message.clone() }))
    }

    /// Looks at what both make together, by the settings of the tip.
    fn look(&self, tip: Oid, merged: Oid) -> Result<Judged, StepError> {
        let Job { world, reporter, .. } = *self.job;
        let base = match self.job.base.become_commit(world, tip) {
            Ok(base) if namesakes(&base.config).is_empty() => base,
            Ok(_) | Err(StepError::Invalid(_)) => {
                return Ok(no("its state or its configuration cannot be used"));
            }
            Err(error) => return Err(error),
        };
        let Some(task) = base.task_at(world, self.job.task.id.as_str(), merged)? else {
            return Ok(no("the task cannot be read any more"));
        };
        self.tell_of_edits(&task);
        let was = (self.job.base, self.job.task, self.code);
        if let Some(why) = second::asks_for_more(world, was, (&base, &task, merged))? {
            return Ok(no(why));
        }
        let regated = self.must_regate(&base, tip)?;
        if regated && base.check_trust(&base.caller).is_err() {
            return Ok(no("the commands that it names now are not trusted: see `orch trust`"));
        }
        let protected = Protected::new(&base.config.policy.protect);
        let bench = Bench::new(world, &base, &task, &protected, reporter);
        let left = Left::of(world, base.commit.tree, merged)?;
        let mut workplace = self.workplace.borrow_mut();
        let held = workplace.holds();
        let verdicts =
            if regated { bench.judge_again(&left, Some(&mut **workplace))? } else { bench.look(&left)? };
        if workplace.holds() != held {
            workplace.restore(held)?;
        }
        let fails = |gate: &str| no(&format!("gate `{gate}` fails on what it has become"));
        if let Some(verdict) = first_rejection(&verdicts) {
            return Ok(fails(&verdict.name));
        }
        let again =
            self.draft.borrow().again(self.job, &mut workplace, (task, self.summary), (&verdicts, merged))?;
        match again {
            Ok(draft) => *self.draft.borrow_mut() = draft,
            Err(refused) => return Ok(fails(&refused.name)),
        }
        self.looked_on.set(tip);
        Ok(if regated { Judged::Gated } else { Judged::Fits })
    }

    /// Tells a person what was asked when the work was done, where somebody has asked for something else since.
    fn tell_of_edits(&self, task: &Task) {
        let Job { task: was, base, reporter, .. } = *self.job;
        if (&task.acceptance, &task.description) != (&was.acceptance, &was.description) {
            let (id, at) = (&task.id, base.commit.id.short());
            let text = format!("task `{id}` was edited meanwhile: what was judged is its text at {at}");
            reporter.event(&Event::Warning { text });
        }
    }

    /// Whether configured gates have to run again: where others are configured now, and by `policy.regate`. What moved
    /// since they last ran counts.
    fn must_regate(&self, base: &Base, tip: Oid) -> Result<bool, StepError> {
        let outside = |mut changes: Vec<Change>| {
            changes.retain(|change| !Protected::is_state(&change.path));
            changes
        };
        let moved = self.changes(self.looked_on.get(), tip)?;
        let configured = moved.iter().any(|change| change.path == layout::CONFIG);
        if configured && base.config.gates != self.job.base.config.gates {
            return Ok(true);
        }
        let theirs = outside(moved);
        Ok(match base.config.policy.regate {
            Regate::Always => !theirs.is_empty(),
            Regate::Never => false,
            Regate::Overlap => {
                let folder = |change: &Change| {
                    change.path.rfind_byte(b'/').map_or(Vec::new(), |at| change.path[..at].to_vec())
                };
                let git = self.job.world.git;
                let ours = outside(git.changes(self.job.base.commit.tree, self.code)?);
                let ours: HashSet<Vec<u8>> = ours.iter().map(folder).collect();
                theirs.iter().any(|change| ours.contains(&folder(change)))
            }
        })
    }

    fn changes(&self, from: Oid, to: Oid) -> Result<Vec<Change>, StepError> {
        let git = self.job.world.git;
        Ok(git.changes(git.commit(from)?.tree, git.commit(to)?.tree)?)
    }
}

fn no(why: &str) -> Judged {
    Judged::No(why.to_owned())
}
