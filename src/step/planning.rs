//! Planning: a planner proposes tasks, which are checked and committed with the record of what they cost.
//!
//! In: what is to be planned. Out: a commit of state alone. Invariant: nothing that the planner changes in its
//! workplace is kept; what it proposes goes through [`crate::plan`], and lands only where what it was asked about
//! still stands as it did.

use super::attempt::Job;
use super::base::Base;
use super::course::Course;
use super::error::StepError;
use super::event::{Event, Reporter};
use super::finish::{code_tree, identity};
use super::journal;
use super::land::{Ask, FileEdit, Judged, Made, Plan as Landing, land, tree_with};
use super::planner::{Came, planned, propose_until_whole};
use super::publish;
use super::record::{new_run_id, note_files};
use super::site::Workplace;
use super::subject::Subject;
use super::twin;
use super::who::{self, Halt, Who};
use super::{Caller, Options, Plans, confine, consult, lease, propose, quarantine, recover, slot, upstream};
use crate::commit::plan_message;
use crate::config::PlanLanding;
use crate::effects::{Oid, World};
use crate::gate::protect::Protected;
use crate::plan::ask::{Material, prompt};
use crate::plan::{Refusal, Rules};
use crate::prompt::{Prompt, TooLarge};
use crate::state::id::RunId;
use crate::state::run::{OutcomeKind, Run};
use crate::state::status::Status;
use crate::state::store::{self, Source};
use crate::state::task::Task;
use crate::state::{file, layout};
use jiff::Timestamp;
use std::slice;

/// What is to be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The parts of this task.
    Split(String),
    /// What comes next.
    Extend,
}

/// How planning ended.
#[derive(Debug)]
pub enum Ending {
    /// What the planner would read, and who it would be.
    Would {
        /// The profile.
        agent: String,
        /// What it reads.
        prompt: Prompt,
    },
    /// New tasks are on the branch, or none that can be used; what it cost is, in any case.
    Planned(Box<Planned>),
}

impl Ending {
    /// What becomes of planning after it: a planner that has brought nothing is not asked again.
    ///
    /// # Errors
    /// When the planner has to rest before it is.
    pub fn leaves(&self) -> Result<Plans, StepError> {
        match self {
            Self::Planned(planned) if !planned.tasks.is_empty() => Ok(Plans::Caller),
            Self::Planned(planned) => match planned.rests_until {
                Some(until) => {
                    let fact = format!("the planner `{}` rests until {until:.0}", planned.run.agent);
                    Err(StepError::Paused { fact, until: Some(until) })
                }
                None => Ok(Plans::Never),
            },
            Self::Would { .. } => Ok(Plans::Never),
        }
    }

    /// What it cost, as far as it is known.
    #[must_use]
    pub fn cost_usd(&self) -> f64 {
        match self {
            Self::Planned(planned) => planned.run.cost_usd.unwrap_or_default(),
            Self::Would { .. } => 0.0,
        }
    }
}

/// What came of planning.
#[derive(Debug)]
pub struct Planned {
    /// The new tasks; none where nothing that was proposed can be used.
    pub tasks: Vec<Task>,
    /// What was proposed and refused.
    pub refused: Vec<Refusal>,
    /// Until when whoever was asked rests, where nothing came of it for that reason.
    pub rests_until: Option<Timestamp>,
    /// The record.
    pub run: Run,
    /// The commit.
    pub commit: Oid,
    /// The branch.
    pub branch: String,
}

/// Plans.
///
/// # Errors
/// When it cannot be done; nothing has changed then.
pub fn plan(
    world: World<'_>,
    caller: &Caller,
    wanted: &Wanted,
    options: Options<'_>,
    reporter: &dyn Reporter,
) -> Result<Ending, StepError> {
    let _lock = slot::take(world, options.slot)?;
    recover::recover(world, recover::By::Step(options.slot), reporter)?;
    upstream::follow(world, caller, reporter)?;
    let base = Base::load(world, caller)?;
    base.check_commands(caller)?;
    let subject = Subject::new(world, &base, wanted)?;
    let who = match who::planner(world, &base, &subject.task, options.agent)? {
        Ok(who) => who.within(options.most_usd),
        Err(Halt::Pause(fact, until)) => return Err(StepError::Paused { fact, until: Some(until) }),
        Err(Halt::Hold(fact)) => return Err(StepError::Paused { fact, until: None }),
    };
    let prompt = ask(world, &base, &subject)?
        .map_err(|why| StepError::NotRunnable { id: subject.task.id.to_string(), why: why.to_string() })?;
    if options.dry_run {
        return Ok(Ending::Would { agent: who.profile.name, prompt });
    }
    let status = match base.config.plan.land {
        PlanLanding::Proposed => Status::Proposed,
        PlanLanding::Pending => Status::Pending,
    };
    let rules = Rules {
        graph: &base.snapshot.graph,
        parent: subject.parent(),
        status,
        most_tokens: most_tokens(&base),
        most: base.config.plan.most as usize,
        is_asked: true,
    };
    work(world, &base, &subject, (&who, options.slot), &prompt, rules, reporter)
}

/// What a planner reads.
///
/// # Errors
/// When the notes cannot be read. A prompt that does not fit is the inner result.
pub(super) fn ask(
    world: World<'_>,
    base: &Base,
    subject: &Subject,
) -> Result<Result<Prompt, TooLarge>, StepError> {
    let notes = base.notes(world)?;
    Ok(prompt(&Material {
        goal: subject.goal(),
        most: base.config.plan.most as usize,
        most_tokens: most_tokens(base),
        graph: &base.snapshot.graph,
        notes: &notes,
        budget_tokens: base.config.prompt.plan_tokens,
    }))
}

/// The most that a task may be expected to need: its share of the largest window.
#[must_use]
pub fn most_tokens(base: &Base) -> Option<u64> {
    let window = base.config.agents.iter().filter_map(|profile| profile.context_window).max()?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a window"
    )]
    let most = (window as f64 * base.config.context.task_share) as u64;
    Some(most)
}

/// Has a planner work, and lands what can be used.
fn work(
    world: World<'_>,
    base: &Base,
    subject: &Subject,
    (who, slot): (&Who, u32),
    prompt: &Prompt,
    rules: Rules<'_>,
    reporter: &dyn Reporter,
) -> Result<Ending, StepError> {
    let started = world.clock.now();
    let run = new_run_id(world, started)?;
    let protected = Protected::new(&base.config.policy.protect);
    let confinement = confine::choose(world, &who.profile, reporter)?;
    let mut workplace = Workplace::workspace(world, slot, &base.branch, base.commit.id, base.commit.tree)?;
    let working = publish::working(base, (&run, &subject.task.id), workplace.site(), who.allowance);
    journal::begin_work(world, slot, &working)?;
    let held = claim(world, base, subject, (&run, &who.profile.name, started), reporter);
    if held.is_err() {
        journal::end_work(world, slot)?;
    }
    let held = held?;
    let job = Job {
        world,
        base,
        task: &subject.task,
        who,
        confinement: &confinement,
        prompt,
        run: run.as_str(),
        lease: held.as_ref(),
        started,
        protected: &protected,
        redactor: &confine::redactor(world, &base.config.agents),
        reporter,
    };
    let mut course = Course::new(who, &confinement, started);
    let came = propose_until_whole(&job, &mut course, &mut workplace, rules)?;
    let record = record(&job, &course, &came, run.clone())?;
    let planned = settle(&job, subject, came, record);
    // A plan that is of no use any more leaves nothing that would have to be recovered.
    if matches!(planned, Ok(_) | Err(StepError::Moved { .. })) {
        journal::end_work(world, slot)?;
    }
    Ok(Ending::Planned(Box::new(planned?)))
}

/// Claims what is planned, so that nobody else asks a planner the same meanwhile. A roadmap that was never planned
/// before has no name yet by which others would know it.
fn claim<'w>(
    world: World<'w>,
    base: &Base,
    subject: &Subject,
    (run, agent, started): (&RunId, &str, Timestamp),
    reporter: &dyn Reporter,
) -> Result<Option<lease::Held<'w>>, StepError> {
    if subject.is_new() {
        return Ok(None);
    }
    let (task, author) = (&subject.task.id, identity(base));
    let upstream = base.upstream.as_ref();
    let (base, author) = (base.commit.id, author.as_ref());
    let ask = lease::Ask { task, run, agent, base, author, started, upstream, plans: true };
    match lease::take(world, ask, reporter)? {
        Some(held) if held.share(reporter)? => Ok(Some(held)),
        Some(_) | None => Err(StepError::Taken(task.to_string())),
    }
}

fn record(job: &Job<'_>, course: &Course, came: &Came, id: RunId) -> Result<Run, StepError> {
    let (omitted, omitted_more) = job.prompt.left_out();
    Ok(Run {
        id,
        task: job.task.id.clone(),
        decides: None,
        base: job.base.commit.id.to_string(),
        started: job.started,
        finished: job.world.clock.now(),
        // The task itself stays as it is.
        outcome: OutcomeKind::Deferred,
        reason: came.reason(),
        agent: job.who.profile.name.clone(),
        adapter: crate::agent::adapter_word(job.who.profile.adapter).to_owned(),
        model: job.who.profile.model.clone(),
        chosen_because: job.who.because.clone(),
        prompt_sha256: job.prompt.sha256(),
        prompt_tokens: job.prompt.tokens,
        sections: job.prompt.section_names(),
        omitted,
        omitted_more,
        attempts: course.sessions.clone(),
        cost_usd: course.spent.cost_usd,
        tree: Some(code_tree(job.world, job.base.commit.tree)?.to_string()),
        orch: env!("CARGO_PKG_VERSION").to_owned(),
        failure: came.failure.map(|kind| kind.as_str().to_owned()),
        took_over: None,
        mode: Some(job.base.mode.spell()),
        sandbox: Some(job.confinement.level.as_str().to_owned()),
        input_sha256: Some(job.prompt.input_sha256()),
        context_peak: course.peak,
        compactions: 0,
        rotations: 0,
        gates: Vec::new(),
        claims: Vec::new(),
        files_changed: 0,
        files: Vec::new(),
        insertions: 0,
        deletions: 0,
        estimated_tokens: None,
    })
}

/// Lands the tasks and the record.
fn settle(job: &Job<'_>, subject: &Subject, came: Came, mut run: Run) -> Result<Planned, StepError> {
    let (world, base) = (job.world, job.base);
    let Came { plan, notes, .. } = came;
    let refused = plan.refused.clone();
    let (tasks, mut files) = propose::files(plan, &run, base.snapshot.flat_tasks());
    let (task, path, text) = subject.after(base, &mut run, tasks.len())?;
    files.push((path, Some(text.into_bytes())));
    if !tasks.is_empty() {
        files.extend(note_files(world, base, &notes, &task, &run)?);
    } else if !notes.is_empty() {
        // Who has nothing to propose is not to be asked again because of what it noted.
        let text = "what the planner noted is left out, as nothing was planned".to_owned();
        job.reporter.event(&Event::Warning { text });
    }
    files.push(record_file(&run));
    let tree = tree_with(world, base.commit.tree, &files)?;
    let rests_until = rests_until(job, &run)?;
    let landing = Landing {
        branch: &base.branch,
        base: base.commit.id,
        tree,
        message: plan_message(&task, &run, &tasks),
        author: identity(base),
        run: Some(job.run),
        in_place: None,
        push: publish::of(base, Some(job.run)),
        replay: &|replay| match replay.ask {
            // What it cost is told whatever became of the task.
            Ask::Wanted if !tasks.is_empty() => {
                let now = store::load(world, Source::Tree(world.git.commit(replay.tip)?.tree))?;
                Ok(subject.no_longer_wanted(world, &now)?.map_or(Judged::Fits, Judged::No))
            }
            Ask::AsIs(merged) => without_twins(job, (&task, &run), (&tasks, &files), (replay.tip, merged)),
            Ask::Wanted | Ask::Look(_) => Ok(Judged::Fits),
        },
    };
    let landed = land(world, &landing, job.reporter)?;
    let there = those_in(world, landed.tree, &tasks, &files)?;
    if there.len() < tasks.len() {
        run.reason = planned(there.len());
    }
    let (commit, branch) = (landed.commit, base.branch.clone());
    Ok(Planned { tasks: there, refused, rests_until, run, commit, branch })
}

/// Until when the planner rests, where it failed in a way that passes.
fn rests_until(job: &Job<'_>, run: &Run) -> Result<Option<Timestamp>, StepError> {
    if !quarantine::is_passing(run.failure.as_ref()) {
        return Ok(None);
    }
    let until = consult::first_awake(job.world, slice::from_ref(&job.who.profile), &[])?;
    Ok(Some(until.unwrap_or_else(|| job.world.clock.now())))
}

fn record_file(run: &Run) -> FileEdit {
    (layout::run(&run.id, run.started), Some(file::run::write(run).into_bytes()))
}

/// What lands of a plan on a tip: what others have added there meanwhile is not planned again, and neither record
/// nor message tells of it. A plan of which nothing is left does not land.
fn without_twins(
    job: &Job<'_>,
    (task, run): (&Task, &Run),
    (tasks, files): (&[Task], &[FileEdit]),
    (tip, merged): (Oid, Oid),
) -> Result<Judged, StepError> {
    let world = job.world;
    let trees = (job.base.commit.tree, world.git.commit(tip)?.tree);
    let tree = twin::left_out(world, trees, merged, job.reporter)?;
    let there = those_in(world, tree, tasks, files)?;
    if there.len() == tasks.len() {
        return Ok(Judged::As(Made { tree, message: plan_message(task, run, tasks) }));
    }
    if there.is_empty() {
        return Ok(Judged::No("others have added all that was planned meanwhile".to_owned()));
    }
    let run = Run { reason: planned(there.len()), ..run.clone() };
    let tree = tree_with(world, tree, &[record_file(&run)])?;
    Ok(Judged::As(Made { tree, message: plan_message(task, &run, &there) }))
}

/// The tasks whose files, which are the first of these, are in a tree.
fn those_in(world: World<'_>, tree: Oid, tasks: &[Task], files: &[FileEdit]) -> Result<Vec<Task>, StepError> {
    let mut there = Vec::with_capacity(tasks.len());
    for (task, (path, _)) in tasks.iter().zip(files) {
        if world.git.entry(tree, path)?.is_some() {
            there.push(task.clone());
        }
    }
    Ok(there)
}
