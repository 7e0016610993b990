//! Outcome and commit: what the work came to, recorded and landed.

use super::attempt::{Job, Work};
use super::budget;
use super::defer;
use super::error::StepError;
use super::event::Event;
use super::extent::Extent;
use super::keep::keep;
use super::land::{self, FileEdit, Landed, Plan, tree_with};
use super::message;
use super::publish::{self, Push};
use super::replay::Moved;
use super::request;
use super::site::Workplace;
use super::{Ran, lease, propose, record};
use crate::commit::step_message;
use crate::effects::{Identity, Oid, World};
use crate::gate::{Verdict, first_rejection};
use crate::outcome::Outcome;
use crate::state::graph::Index;
use crate::state::id::RunId;
use crate::state::run::{OutcomeKind, Run};
use crate::state::status::Status;
use crate::state::task::Task;
use crate::state::{layout, ledger};
use jiff::Timestamp;
use std::cell::RefCell;

/// What was known when the step began.
pub struct Start<'s> {
    /// The task's place in the graph.
    pub index: Index,
    /// The text of its file.
    pub old_text: &'s str,
    /// The run's id.
    pub run: RunId,
    /// When it began.
    pub started: Timestamp,
}

/// Records the outcome and lands it.
///
/// # Errors
/// When it cannot land; the work is then kept.
pub fn finish(
    job: &Job<'_>,
    workplace: &mut Workplace<'_>,
    mut work: Work,
    start: &Start<'_>,
) -> Result<Ran, StepError> {
    workplace.restore_settings(job.reporter)?;
    let mut draft = Draft::new(job, &work, start)?;
    if let Some(verdict) = draft.refused(job, workplace, &work)? {
        work.verdicts.push(verdict);
        work.outcome = Outcome::Rejected("commit-msg".to_owned());
        draft = Draft::new(job, &work, start)?;
    }
    let accepted = draft.run.outcome == OutcomeKind::Accepted;
    let kept = put_aside(job, workplace, &work, &draft)?;
    let mut files =
        record::files(job.world, job.base, start.index, start.old_text, &draft.task, &draft.run, &work)?;
    files.extend(propose::mentioned(job, &draft.task, &draft.run, &mut work)?);
    let code = if accepted { work.left.candidate } else { job.base.commit.tree };
    let told = draft.clone();
    let landed = land_draft(job, workplace, draft, (code, &work.reply.summary), &files);
    let (landed, draft, pushed) = match landed {
        Ok(landed) => landed,
        Err(error) => return Err(give_up(job, workplace, &work, &told, error)),
    };
    job.reporter.event(&Event::Landed {
        outcome: draft.run.outcome.as_str().to_owned(),
        reason: draft.run.reason.clone(),
        commit: landed.commit.to_string(),
        branch: job.base.branch.clone(),
    });
    // The record says what was spent; that the note is left is no reason to say less: a run counts once.
    let _ = ledger::forget(job.world.files, job.run);
    tidy(job);
    let steps_left = draft.task.status != Status::Blocked;
    let uncounted = budget::uncounted(job.who.allowance, &job.who.profile.name, &work.course.sessions);
    Ok(Ran {
        task: draft.task,
        // The judgement, also where it was the last step that the policy gives the task.
        outcome: work.outcome,
        run: draft.run,
        commit: landed.commit,
        branch: job.base.branch.clone(),
        kept,
        steps_left,
        retry_after: work.course.retry_after,
        todo: work.todo,
        warnings: work
            .complaints
            .into_iter()
            .chain(work.claims.iter().map(|claim| format!("the agent {claim}")))
            .chain(uncounted)
            .collect(),
        requests: None,
        pushed,
    })
}

/// Git's own upkeep. The step has landed: what comes of this is no reason to say less.
fn tidy(job: &Job<'_>) {
    if let Err(error) = job.world.git.tidy() {
        job.reporter.event(&Event::Warning { text: format!("git's own upkeep did not run: {error}") });
    }
}

/// What is to be written about a step.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) task: Task,
    pub(super) run: Run,
    pub(super) message: String,
}

impl Draft {
    fn new(job: &Job<'_>, work: &Work, start: &Start<'_>) -> Result<Self, StepError> {
        let (task, outcome) =
            record::task_after(job.base, job.task, &work.outcome, work.quarantine.as_deref(), &start.run)?;
        let extent = Extent::of(job.world, &work.left.changes, job.protected);
        let (prompt, profile) = (job.prompt, &work.course.profile);
        let (omitted, omitted_more) = prompt.left_out();
        let run = Run {
            id: start.run.clone(),
            task: task.id.clone(),
            decides: None,
            base: job.base.commit.id.to_string(),
            started: start.started,
            finished: job.world.clock.now(),
            outcome: outcome.kind(),
            reason: outcome.reason(),
            failure: work.failure.as_ref().map(|failure| failure.kind.as_str().to_owned()),
            agent: profile.name.clone(),
            adapter: crate::agent::adapter_word(profile.adapter).to_owned(),
            model: profile.model.clone(),
            chosen_because: work.course.because.as_ref().unwrap_or(&job.who.because).clone(),
            took_over: job.lease.and_then(lease::Held::took_over),
            mode: Some(job.base.mode.spell()),
            sandbox: Some(work.course.confinement.level.as_str().to_owned()),
            prompt_sha256: prompt.sha256(),
            input_sha256: Some(prompt.input_sha256()),
            prompt_tokens: prompt.tokens,
            sections: prompt.section_names(),
            omitted,
            omitted_more,
            attempts: work.course.sessions.clone(),
            context_peak: work.course.peak,
            compactions: work.course.compactions,
            rotations: u32::try_from(work.course.handoffs.len()).unwrap_or(u32::MAX),
            claims: work.claims.clone(),
            cost_usd: work.course.spent.cost_usd,
            gates: work.verdicts.iter().map(Verdict::record).collect(),
            tree: Some(code_tree(job.world, work.left.candidate)?.to_string()),
            files_changed: extent.files_changed,
            files: extent.files,
            insertions: extent.insertions,
            deletions: extent.deletions,
            estimated_tokens: Some(crate::state::estimate::tokens(&task)),
            orch: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let rejected_by = || first_rejection(&work.verdicts).map(|verdict| verdict.name.clone());
        let run = match &work.looked_at {
            Some(of) => record::of_review(run, of, rejected_by()),
            None => run,
        };
        let message = step_message(&task, &run, &work.reply.summary, job.base.skips_ci);
        Ok(Self { task, run, message })
    }

    /// Shows the message of work that passed to the repository's hook; its verdict where it refuses it. Work that
    /// waits for a review is not to wait for what its message will be refused for then.
    fn refused(
        &mut self,
        job: &Job<'_>,
        workplace: &mut Workplace<'_>,
        work: &Work,
    ) -> Result<Option<Verdict>, StepError> {
        match self.run.outcome {
            OutcomeKind::Accepted => self.ask_commit_msg(job, workplace),
            OutcomeKind::NeedsReview if work.looked_at.is_none() => {
                let (mut task, mut run) = (self.task.clone(), self.run.clone());
                (task.status, run.outcome) = (Status::Done, OutcomeKind::Accepted);
                let message = step_message(&task, &run, &work.reply.summary, job.base.skips_ci);
                Self { task, run, message }.ask_commit_msg(job, workplace)
            }
            OutcomeKind::NeedsReview
            | OutcomeKind::Rejected
            | OutcomeKind::Blocked
            | OutcomeKind::Deferred => Ok(None),
        }
    }

    /// Shows the message to the repository's hook; its verdict where it refuses it.
    fn ask_commit_msg(
        &mut self,
        job: &Job<'_>,
        workplace: &mut Workplace<'_>,
    ) -> Result<Option<Verdict>, StepError> {
        let hook = workplace.hook((message::HOOK, &self.message), job.base.commit.id, job.reporter)?;
        Ok(match message::hooked(self.message.clone(), hook, job.reporter) {
            Ok(message) => {
                self.message = message;
                None
            }
            Err(refused) => Some(*refused),
        })
    }

    /// The same, with what gates say of what it has become on another tip.
    pub(super) fn again(
        &self,
        job: &Job<'_>,
        workplace: &mut Workplace<'_>,
        (task, summary): (Task, &str),
        (verdicts, merged): (&[Verdict], Oid),
    ) -> Result<Result<Self, Verdict>, StepError> {
        let mut run = self.run.clone();
        for verdict in verdicts {
            match run.gates.iter_mut().find(|gate| gate.name == verdict.name) {
                Some(gate) => *gate = verdict.record(),
                None => run.gates.push(verdict.record()),
            }
        }
        run.tree = Some(code_tree(job.world, merged)?.to_string());
        let message = step_message(&task, &run, summary, job.base.skips_ci);
        let mut draft = Self { task, run, message };
        Ok(match draft.ask_commit_msg(job, workplace)? {
            Some(refused) => Err(refused),
            None => Ok(draft),
        })
    }
}

/// The tree outside `.orchestrator/`: what is gated is what is committed.
///
/// # Errors
/// When the tree cannot be read or written.
pub fn code_tree(world: World<'_>, tree: Oid) -> Result<Oid, StepError> {
    Ok(world.git.tree_without(tree, layout::ROOT)?)
}

/// Who commits, as the configuration says.
#[must_use]
pub fn identity(base: &super::Base) -> Option<Identity> {
    let author = base.config.project.author.as_ref()?;
    Some(Identity { name: author.name.clone(), email: author.email.clone() })
}

/// Keeps work that does not land as it is. Where it lies in place and does not land at all, it is taken away while
/// the journal still says what there was: then what shows only when it is gone is kept as well.
fn put_aside(
    job: &Job<'_>,
    workplace: &mut Workplace<'_>,
    work: &Work,
    draft: &Draft,
) -> Result<Option<String>, StepError> {
    let accepted = draft.run.outcome == OutcomeKind::Accepted;
    if accepted && work.left.candidate == work.left.seen.tree {
        return Ok(None);
    }
    let kept = keep_work(job, work, draft)?;
    if !accepted {
        workplace.go_home(job.reporter)?;
    }
    Ok(kept)
}

fn keep_work(job: &Job<'_>, work: &Work, draft: &Draft) -> Result<Option<String>, StepError> {
    let subject =
        format!("orch({}): work of run {}, {}", draft.task.id, draft.run.id, draft.run.outcome.as_str());
    let base = job.base.commit.id;
    let text = (subject.as_str(), work.reply.summary.as_str());
    keep(job.world, draft.run.id.as_str(), base, work.left.seen.tree, text, identity(job.base), job.reporter)
}

/// Lands what is to be written; what was written in the end, and the branch that was pushed beside it.
fn land_draft(
    job: &Job<'_>,
    workplace: &mut Workplace<'_>,
    draft: Draft,
    (code, summary): (Oid, &str),
    files: &[FileEdit],
) -> Result<(Landed, Draft, Option<request::Draft>), StepError> {
    let tree = tree_with(job.world, code, files)?;
    let world = workplace.world;
    let in_place = workplace.take_in_place();
    let offer = RefCell::new(None);
    let waiting = draft.task.clone();
    let beside = |tip, commit| {
        *offer.borrow_mut() = request::beside(world, job.base, &waiting, (tip, commit));
        offer.borrow().as_ref().map(request::Draft::update)
    };
    let push = publish::of(job.base, Some(job.run)).map(|push| Push { beside: Some(&beside), ..push });
    let message = draft.message.clone();
    let work = Moved::new(job, workplace, draft, (code, summary));
    let landed = land::land(
        world,
        &Plan {
            branch: &job.base.branch,
            base: job.base.commit.id,
            tree,
            message,
            author: identity(job.base),
            run: Some(job.run),
            in_place,
            push,
            replay: &|replay| work.answer(replay),
        },
        job.reporter,
    )?;
    Ok((landed, work.draft(), offer.into_inner()))
}

/// The work could not land: it is kept, what was prepared is put away, and the error says where.
fn give_up(
    job: &Job<'_>,
    workplace: &mut Workplace<'_>,
    work: &Work,
    draft: &Draft,
    error: StepError,
) -> StepError {
    match super::recover::end_cut_off_landing(job.world, job.reporter) {
        // It has landed all the same.
        Ok(true) => return error,
        Ok(false) => {}
        Err(second) => return second,
    }
    let kept = match keep_work(job, work, draft) {
        Ok(kept) => kept,
        Err(second) => return second,
    };
    if let Some(upstream) = &job.base.upstream {
        publish::keep(job.world, upstream, job.run, job.reporter);
    }
    if let Err(second) = workplace.go_home(job.reporter) {
        return second;
    }
    // The work is safe: that it cannot be recorded where it was to land is no reason to say less.
    if let StepError::Moved { fact, .. } = &error
        && let Err(second) = defer::record(job, workplace, work, &draft.run, (fact, kept.as_ref()))
    {
        let text = format!("the step is not recorded on `{}`: {second}", job.base.branch);
        job.reporter.event(&Event::Warning { text });
    }
    if let Err(second) = workplace.leave(job.reporter) {
        return second;
    }
    let at = kept.as_ref().map_or(String::new(), |kept| format!("; the work is kept at `{kept}`"));
    match error {
        StepError::Moved { fact, .. } => StepError::Moved { fact, kept },
        StepError::Git { fact, hint } => StepError::Git { fact: format!("{fact}{at}"), hint },
        StepError::Unanswered { fact } => StepError::Unanswered { fact: format!("{fact}{at}") },
        StepError::Effect(_)
        | StepError::NoProject(_)
        | StepError::Invalid(_)
        | StepError::UnknownTask(_)
        | StepError::UnknownStep(_)
        | StepError::UnknownRun(_)
        | StepError::UnknownAgent(_)
        | StepError::NotRunnable { .. }
        | StepError::Unreviewed { .. }
        | StepError::NoWork { .. }
        | StepError::TooLarge(_)
        | StepError::Untrusted { .. }
        | StepError::NoAgent(_)
        | StepError::Setup { .. }
        | StepError::NoSandbox(_)
        | StepError::Paused { .. }
        | StepError::Unusable { .. }
        | StepError::Busy(_)
        | StepError::Taken(_) => error,
    }
}
