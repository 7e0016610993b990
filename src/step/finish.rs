//! Outcome and commit: what the work came to, recorded and landed.

use super::attempt::{Job, Work};
use super::defer;
use super::error::StepError;
use super::event::Event;
use super::extent::Extent;
use super::judge::judge_candidate;
use super::keep::keep;
use super::land::{self, Ask, FileEdit, Judged, Landed, Plan, Replay, tree_with};
use super::publish::{self, Push};
use super::request;
use super::site::Workplace;
use super::{Ran, lease, propose, record};
use crate::commit::{read_trailers, step_message, trailer};
use crate::config::Regate;
use crate::effects::{Change, HookRun, Identity, Oid, World};
use crate::gate::protect::Protected;
use crate::gate::{Verdict, builtin, first_rejection};
use crate::landing;
use crate::outcome::Outcome;
use crate::state::graph::Index;
use crate::state::id::RunId;
use crate::state::run::{OutcomeKind, Run};
use crate::state::status::Status;
use crate::state::task::Task;
use crate::state::{layout, ledger};
use bstr::ByteSlice;
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
    let mut draft = Draft::new(job, &work, start)?;
    if draft.run.outcome == OutcomeKind::Accepted
        && let Some(verdict) = draft.ask_commit_msg(job, workplace)?
    {
        work.verdicts.push(verdict);
        work.outcome = Outcome::Rejected("commit-msg".to_owned());
        draft = Draft::new(job, &work, start)?;
    }
    let accepted = draft.run.outcome == OutcomeKind::Accepted;
    let kept = if accepted && work.left.candidate == work.left.seen.tree {
        None
    } else {
        keep_work(job, &work, &draft)?
    };
    let mut files =
        record::files(job.world, job.base, start.index, start.old_text, &draft.task, &draft.run, &work)?;
    files.extend(propose::mentioned(job, &draft.task, &draft.run, &mut work)?);
    let code = if accepted { work.left.candidate } else { job.base.commit.tree };
    let (landed, pushed) = match land_draft(job, workplace, &draft, code, &files) {
        Ok(landed) => landed,
        Err(error) => return Err(give_up(job, workplace, &work, &draft, error)),
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
struct Draft {
    task: Task,
    run: Run,
    message: String,
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

    /// Shows the message to the repository's hook. What the hook may not do is touch the trailers.
    fn ask_commit_msg(
        &mut self,
        job: &Job<'_>,
        workplace: &mut Workplace<'_>,
    ) -> Result<Option<Verdict>, StepError> {
        let hook = "commit-msg";
        let refused = match workplace.hook(hook, job.base.commit.id, &self.message)? {
            HookRun::Absent => return Ok(None),
            HookRun::Refused(said) => Verdict::fail(hook, builtin::last_lines(said.as_bytes(), 20)),
            HookRun::Passed(left) => {
                let (ours, theirs) = (read_trailers(&self.message), read_trailers(&left));
                if ours.iter().all(|(name, value)| trailer(&theirs, name) == Some(value)) {
                    self.message = left;
                    let hook = hook.to_owned();
                    job.reporter.event(&Event::HookFinished { hook, passed: true, said: String::new() });
                    return Ok(None);
                }
                Verdict::fail(hook, "the hook changed the trailers that orch wrote")
            }
        };
        let said = refused.evidence.clone();
        job.reporter.event(&Event::HookFinished { hook: hook.to_owned(), passed: false, said });
        Ok(Some(refused))
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

fn keep_work(job: &Job<'_>, work: &Work, draft: &Draft) -> Result<Option<String>, StepError> {
    let subject =
        format!("orch({}): work of run {}, {}", draft.task.id, draft.run.id, draft.run.outcome.as_str());
    let base = job.base.commit.id;
    let text = (subject.as_str(), work.reply.summary.as_str());
    keep(job.world, draft.run.id.as_str(), base, work.left.seen.tree, text, identity(job.base), job.reporter)
}

fn land_draft(
    job: &Job<'_>,
    workplace: &mut Workplace<'_>,
    draft: &Draft,
    code: Oid,
    files: &[FileEdit],
) -> Result<(Landed, Option<request::Draft>), StepError> {
    let tree = tree_with(job.world, code, files)?;
    let world = workplace.world;
    let in_place = workplace.take_in_place();
    let accepted = draft.run.outcome == OutcomeKind::Accepted;
    let workplace = RefCell::new(workplace);
    let replay = |Replay { judged_on, tip, ask }| -> Result<Judged, StepError> {
        Ok(match ask {
            Ask::Wanted => no_longer_ours(job, tip)?.map_or(Judged::Fits, Judged::No),
            Ask::AsIs if accepted && must_regate(job, judged_on, tip, code)? => Judged::Gated,
            Ask::AsIs => Judged::Fits,
            Ask::Gates(merged) => {
                let verdicts = judge_candidate(job, &mut workplace.borrow_mut(), merged)?;
                first_rejection(&verdicts).map_or(Judged::Fits, |verdict| {
                    Judged::No(format!("gate `{}` fails on what it has become", verdict.name))
                })
            }
        })
    };
    let offer = RefCell::new(None);
    let beside = |tip, commit| {
        *offer.borrow_mut() = request::beside(world, job.base, &draft.task, (tip, commit));
        offer.borrow().as_ref().map(request::Draft::update)
    };
    let push = publish::of(job.base, Some(job.run)).map(|push| Push { beside: Some(&beside), ..push });
    let landed = land::land(
        world,
        &Plan {
            branch: &job.base.branch,
            base: job.base.commit.id,
            tree,
            message: draft.message.clone(),
            author: identity(job.base),
            run: Some(job.run),
            in_place,
            push,
            replay: &replay,
        },
        job.reporter,
    )?;
    Ok((landed, offer.into_inner()))
}

/// Whether the task has changed on the branch so that this step may not decide about it any more.
fn no_longer_ours(job: &Job<'_>, tip: Oid) -> Result<Option<String>, StepError> {
    let tree = job.world.git.commit(tip)?.tree;
    let now = job.base.task_at(job.world, job.task.id.as_str(), tree)?.map(|task| task.status);
    Ok(landing::no_longer_ours(job.task.id.as_str(), job.task.status, now))
}

/// Whether gates have to run again: `policy.regate`. What moved since they last ran counts.
fn must_regate(job: &Job<'_>, judged_on: Oid, tip: Oid, code: Oid) -> Result<bool, StepError> {
    let git = job.world.git;
    let tree = |commit| Ok::<_, StepError>(git.commit(commit)?.tree);
    let outside = |changes: Vec<Change>| -> Vec<Change> {
        changes.into_iter().filter(|change| !Protected::is_state(&change.path)).collect()
    };
    let theirs = outside(git.changes(tree(judged_on)?, tree(tip)?)?);
    if theirs.is_empty() {
        return Ok(false);
    }
    Ok(match job.base.config.policy.regate {
        Regate::Always => true,
        Regate::Never => false,
        Regate::Overlap => {
            let folder = |change: &Change| {
                change.path.rfind_byte(b'/').map_or(Vec::new(), |at| change.path[..at].to_vec())
            };
            let ours: std::collections::HashSet<Vec<u8>> =
                outside(git.changes(job.base.commit.tree, code)?).iter().map(folder).collect();
            theirs.iter().any(|change| ours.contains(&folder(change)))
        }
    })
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
    if let Err(second) = workplace.go_home() {
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
    match error {
        StepError::Moved { fact, .. } => StepError::Moved { fact, kept },
        StepError::Git { fact, hint } => {
            let at = kept.map_or(String::new(), |kept| format!("; the work is kept at `{kept}`"));
            StepError::Git { fact: format!("{fact}{at}"), hint }
        }
        StepError::Effect(_)
        | StepError::NoProject(_)
        | StepError::Invalid(_)
        | StepError::UnknownTask(_)
        | StepError::UnknownStep(_)
        | StepError::UnknownRun(_)
        | StepError::UnknownAgent(_)
        | StepError::NotRunnable { .. }
        | StepError::Untrusted { .. }
        | StepError::NoAgent(_)
        | StepError::NoSandbox(_)
        | StepError::Paused { .. }
        | StepError::Unusable { .. }
        | StepError::Busy(_) => error,
    }
}
