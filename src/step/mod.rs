//! The pipeline: state -> select -> prompt -> agent -> gates -> outcome -> commit.
//!
//! In: the outside world and what the caller knows. Out: an [`Ending`]. Invariant: one commit point
//! ([`land`]); what an agent made is on the branch or under `refs/orch/attempts/`, never nowhere.

pub mod event;
pub mod error;
pub mod env;
pub mod base;
pub mod upstream;
pub mod slot;
pub mod lease;
mod hold;
pub mod journal;
pub mod publish;
mod commits;
pub mod in_place;
mod settle;
pub mod land;
pub mod along;
pub mod past;
mod met;
mod passed;
pub mod choice;
pub mod occupied;
pub mod assemble;
pub mod site;
pub mod room;
pub mod recall;
pub mod follow;
pub mod judge;
pub mod candidate;
pub mod message;
mod twin;
pub mod replay;
pub mod budget;
pub mod who;
pub mod confine;
pub mod crowd;
pub mod session;
pub mod handoff;
pub mod next;
pub mod crew;
pub mod wait;
pub mod meter;
pub mod course;
mod early;
pub mod attempt;
pub mod quarantine;
pub mod record;
pub mod propose;
pub mod keep;
mod extent;
pub mod finish;
pub mod defer;
pub mod recover;
pub mod person;
pub mod review;
pub mod offered;
pub mod request;
pub mod rest;
pub mod consult;
pub mod second;
mod subject;
pub mod planner;
pub mod planning;
mod due;
pub mod rebuild;
pub mod undo;
pub mod init;

pub use base::{Base, Caller};
pub use error::StepError;
pub use event::{Event, Reporter, Silent};

use crate::effects::{Oid, World};
use crate::gate::protect::Protected;
use crate::outcome::Outcome;
use crate::prompt::Prompt;
use crate::select::Idle;
use crate::state::id::RunId;
use crate::state::ledger;
use crate::state::run::Run;
use crate::state::status::Status;
use crate::state::task::Task;
use attempt::Job;
use choice::{Choice, Chosen};
use due::Due;
use jiff::Timestamp;
use met::Met;
use site::Workplace;

/// What a step is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'o> {
    /// This task and no other.
    pub task: Option<&'o str>,
    /// This profile and no other.
    pub agent: Option<&'o str>,
    /// Say what would be done.
    pub dry_run: bool,
    /// Work in the work tree itself.
    pub in_place: bool,
    /// What becomes of planning that is due.
    pub plans: Plans,
    /// The slot to work in.
    pub slot: u32,
    /// What is left of what the run that takes this step may spend, in USD.
    pub most_usd: Option<f64>,
    /// A base that was loaded before; it counts while the branch is where it was.
    pub known: Option<&'o Base>,
}

/// Who plans when that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Plans {
    /// Nobody: what is too large for any agent is blocked.
    #[default]
    Never,
    /// The caller.
    Caller,
    /// Somebody else, just now: what is to be split is left alone.
    Others,
}

/// How a step ended.
#[derive(Debug)]
pub enum Ending {
    /// Nothing was runnable; branches were made for work that had waited without one.
    Nothing(Idle, Vec<request::Request>),
    /// Planning comes first, as the configuration has it.
    PlanDue(planning::Wanted),
    /// What would be done.
    Planned(Box<Planned>),
    /// A task was run, and the outcome is on the branch.
    Ran(Box<Ran>),
}

/// What a step would do.
#[derive(Debug)]
pub struct Planned {
    /// The task.
    pub task: Task,
    /// Why it and no other.
    pub because: String,
    /// The profile.
    pub agent: String,
    /// Why it and no other.
    pub chosen_because: String,
    /// What the agent would read.
    pub prompt: Prompt,
    /// Names and commands of the gates.
    pub gates: Vec<(String, String)>,
}

/// What a step did.
#[derive(Debug)]
pub struct Ran {
    /// The task as it now is.
    pub task: Task,
    /// The judgement.
    pub outcome: Outcome,
    /// The record.
    pub run: Run,
    /// The commit that holds it.
    pub commit: Oid,
    /// The branch.
    pub branch: String,
    /// Where work that is not on the branch is kept.
    pub kept: Option<String>,
    /// Whether the task may be run again by itself.
    pub steps_left: bool,
    /// When it is worth another try, where something has to be waited for.
    pub retry_after: Option<Timestamp>,
    /// What a person has to do before the agent can work.
    pub todo: Option<String>,
    /// What a person should know beside.
    pub warnings: Vec<String>,
    /// Branches that were made for work that waits to be merged; none where work lands otherwise.
    pub requests: Option<Vec<request::Request>>,
    /// The branch that was pushed together with the commit, until it is known that it has arrived.
    pub pushed: Option<request::Draft>,
}

/// Takes one step.
///
/// # Errors
/// When the step could not be taken; nothing is then lost, and the branch is where it was.
pub fn step(
    world: World<'_>,
    caller: &Caller,
    options: Options<'_>,
    reporter: &dyn Reporter,
) -> Result<Ending, StepError> {
    let _lock = slot::take(world, options.slot)?;
    recover::recover(world, recover::By::of(options.slot, options.dry_run), reporter)?;
    let mut met = Met::default();
    loop {
        upstream::follow(world, caller, reporter)?;
        let (branch, tip) = base::target(world, caller)?;
        if !options.dry_run {
            site::look_ahead(world, &branch, options)?;
        }
        let loaded;
        let base = match options.known {
            Some(known) if (&known.branch, known.commit.id) == (&branch, tip) => known,
            Some(_) | None => {
                loaded = Base::load(world, caller)?;
                &loaded
            }
        };
        base.check_commands(caller)?;
        let taken = match due::due(world, base, options.plans)? {
            Due::Nothing => None,
            Due::Plan(wanted) => return Ok(Ending::PlanDue(wanted)),
            Due::Taken(id) => Some(id),
        };
        let choice = choice::choose(world, base, options, &mut met);
        met.tell(&choice, reporter);
        match choice? {
            Choice::Nothing(idle) => return nothing(world, base, (idle, taken), options, reporter),
            Choice::Oversized(id) => return Ok(Ending::PlanDue(planning::Wanted::Split(id))),
            Choice::Chosen(chosen) if options.dry_run => {
                return Ok(Ending::Planned(Box::new(chosen.into_planned(base))));
            }
            Choice::Chosen(chosen) => match run(world, base, &chosen, options, reporter) {
                Ok(Some(mut ran)) => {
                    ran.requests = request::after(world, caller, base, ran.pushed.take(), reporter);
                    return Ok(Ending::Ran(Box::new(ran)));
                }
                Ok(None) => met.others()?,
                Err(error) => met.passes(error, options)?,
            },
            Choice::Unfit(task, why) => {
                // That task is held with the reason; others go on.
                if !options.dry_run {
                    quarantine::hold(world, base, &task, &why, reporter)?;
                }
                if options.task.is_some() || options.dry_run {
                    return Err(StepError::NotRunnable { id: task.id.to_string(), why });
                }
            }
        }
    }
}

/// Ends a step that has found nothing; what others plan just now may bring something.
fn nothing(
    world: World<'_>,
    base: &Base,
    (idle, taken): (Idle, Option<String>),
    options: Options<'_>,
    reporter: &dyn Reporter,
) -> Result<Ending, StepError> {
    if let Some(id) = taken {
        return Err(StepError::Taken(id));
    }
    let made = if options.dry_run { Vec::new() } else { request::make(world, base, reporter)? };
    Ok(Ending::Nothing(idle, made))
}

/// Runs a chosen task: prepare, work, judge, record, land. None where somebody else has taken it.
fn run(
    world: World<'_>,
    base: &Base,
    chosen: &Chosen,
    options: Options<'_>,
    reporter: &dyn Reporter,
) -> Result<Option<Ran>, StepError> {
    let started = world.clock.now();
    let run_id = record::new_run_id(world, started)?;
    chosen.announce(base, reporter);
    refuse_early(world, base, chosen, options)?;
    upstream::bring_work_of(world, base, &chosen.task)?;
    let confinement = confine::choose(world, &chosen.who.profile, reporter)?;
    let mut workplace = if options.in_place {
        Workplace::in_place(world, &base.branch, base.commit.tree)?
    } else {
        Workplace::workspace(world, options.slot, &base.branch, base.commit.id, base.commit.tree)?
    };
    let start = (&run_id, started, &workplace);
    let Some(held) = begin(world, base, chosen, start, reporter)? else { return Ok(None) };
    reporter.event(&Event::Prepared { dir: workplace.dir().display().to_string() });
    if let Err(error) = room::prepare_workspace(world, base, &workplace, reporter) {
        end_for_nothing(world, &run_id, &mut workplace, reporter)?;
        return Err(error);
    }
    let protected = Protected::new(&base.config.policy.protect);
    // Others may take over, or review.
    let redactor = confine::redactor(world, &base.config.agents);
    let job = Job {
        world,
        base,
        task: &chosen.task,
        who: &chosen.who,
        confinement: &confinement,
        prompt: &chosen.prompt,
        run: run_id.as_str(),
        lease: Some(&held),
        started,
        protected: &protected,
        redactor: &redactor,
        reporter,
    };
    let work = if chosen.task.status == Status::NeedsReview {
        second::only(&job, &mut workplace)?
    } else {
        attempt::work(&job, &mut workplace)?
    };
    keep::prune(world, reporter);
    if let Some(error) = work.nothing_came_of_it(&job) {
        end_for_nothing(world, &run_id, &mut workplace, reporter)?;
        return Err(error);
    }
    let start =
        finish::Start { index: chosen.candidate.index, old_text: &chosen.text, run: run_id.clone(), started };
    finish::finish(&job, &mut workplace, work, &start).map(Some)
}

/// Ends a step in which nobody could work, as if it had not begun.
fn end_for_nothing(
    world: World<'_>,
    run: &RunId,
    workplace: &mut Workplace<'_>,
    reporter: &dyn Reporter,
) -> Result<(), StepError> {
    ledger::void(world.files, run.as_str())?;
    workplace.leave(reporter)
}

/// Writes the journal and claims the task; none where somebody else has it.
fn begin<'w>(
    world: World<'w>,
    base: &Base,
    chosen: &Chosen,
    (run, started, workplace): (&RunId, Timestamp, &Workplace<'_>),
    reporter: &dyn Reporter,
) -> Result<Option<lease::Held<'w>>, StepError> {
    let working = publish::working(base, (run, &chosen.task.id), workplace.site(), chosen.who.allowance);
    // Between the last look and the claim nobody else may claim what would have spoken against it.
    let lock = slot::claiming(world)?;
    if !occupied::Occupied::now(world, base)?.lets(world, base, chosen)? {
        return Ok(None);
    }
    if !in_place::begin(world, base, workplace.slot(), &working)? {
        return Ok(None);
    }
    let (author, agent) = (finish::identity(base), &chosen.who.profile.name);
    let ask = lease::Ask {
        task: &chosen.task.id,
        run,
        agent,
        base: base.commit.id,
        author: author.as_ref(),
        started,
        upstream: base.upstream.as_ref(),
        plans: false,
    };
    let held = lease::take(world, ask, reporter)?;
    // The remote is asked without the lock.
    drop(lock);
    match held.as_ref().map(|held| held.share(reporter)).transpose() {
        Ok(Some(true)) => Ok(held),
        Ok(_) => journal::end_work(world, workplace.slot()).map(|()| None).map_err(StepError::from),
        Err(error) => {
            journal::end_work(world, workplace.slot())?;
            Err(error.into())
        }
    }
}

/// Refuses before any money is spent when the work could not land anyway.
fn refuse_early(
    world: World<'_>,
    base: &Base,
    chosen: &Chosen,
    options: Options<'_>,
) -> Result<(), StepError> {
    world.process.check_temporary()?;
    if base.config.project.author.is_none() {
        world.git.check_identity()?;
    }
    let Some(checkout) = world.git.checkout_of(&base.branch)? else { return Ok(()) };
    land::refuse_in_progress(&checkout)?;
    along::refuse_locked(world, &checkout)?;
    if options.in_place || base.upstream.is_some() {
        // The one is looked at as a whole, and what lands by a push lands whatever is here.
        return Ok(());
    }
    let file = &base.snapshot.graph.nodes()[chosen.candidate.index].path;
    along::refuse_changed(world, &checkout, &base.branch, (file, &chosen.text))
}
