//! Planning: a planner proposes tasks, which are checked and committed with the record of what they cost.
//!
//! In: what is to be planned. Out: a commit of state alone. Invariant: nothing that the planner changes in its
//! workplace is kept; what it proposes goes through [`crate::plan`]; a plan that is not whole goes back to
//! it with the reasons, as often as the policy has attempts.

use super::attempt::Job;
use super::base::Base;
use super::consult::{self, Question};
use super::course::Course;
use super::error::StepError;
use super::event::{Event, Reporter};
use super::finish::{code_tree, identity};
use super::journal;
use super::land::{FileEdit, Judged, Plan as Landing, land, tree_with};
use super::publish;
use super::record::{new_run_id, new_task_id_in};
use super::site::Workplace;
use super::subject::Subject;
use super::who::{self, Halt, Who};
use super::{Caller, Options, confine, propose, recover, slot, upstream};
use crate::commit::plan_message;
use crate::config::PlanLanding;
use crate::effects::{Oid, World};
use crate::gate::protect::Protected;
use crate::plan::ask::{Material, prompt};
use crate::plan::{self, Plan, Refusal, Rules};
use crate::prompt::{Prompt, TooLarge};
use crate::state::run::{OutcomeKind, Run};
use crate::state::status::Status;
use crate::state::task::Task;
use crate::state::{file, layout};
use std::fmt::Write as _;

/// What a session of a planner is called in the run record.
pub const ROLE: &str = "plan";

/// What an answer lacks that proposes nothing.
const NO_PLAN: &str = "no `follow_ups` in a block of YAML at its end";

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
    /// Whether no task came of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Planned(planned) => planned.tasks.is_empty(),
            Self::Would { .. } => true,
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
    base.check_trust(caller)?;
    let subject = Subject::new(world, &base, wanted)?;
    let who = match who::planner(world, &base, &subject.task, options.agent)? {
        Ok(who) => who,
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
    let job = Job {
        world,
        base,
        task: &subject.task,
        who,
        confinement: &confinement,
        prompt,
        run: run.as_str(),
        lease: None,
        started,
        protected: &protected,
        redactor: &confine::redactor(world, &base.config.agents),
        reporter,
    };
    let mut course = Course::new(who, &confinement, started);
    let (best, failure) = propose_until_whole(&job, &mut course, &mut workplace, rules)?;
    let record = Run { failure, ..record(&job, &course, &best, run.clone())? };
    let planned = settle(&job, subject, best, record)?;
    journal::end_work(world, slot)?;
    Ok(Ending::Planned(Box::new(planned)))
}

/// Asks until the plan is whole, or there is no point in asking again; the best that came, and the class of
/// the failure that the last session ended with.
fn propose_until_whole(
    job: &Job<'_>,
    course: &mut Course,
    workplace: &mut Workplace<'_>,
    rules: Rules<'_>,
) -> Result<(Plan, Option<String>), StepError> {
    let mut best = Plan::default();
    let mut failure = None;
    let mut text = job.prompt.text.clone();
    let mut was_silent = false;
    for _ in 0..job.base.config.policy.max_attempts {
        let question =
            Question { profile: &job.who.profile, role: ROLE, text: &text, tree: job.base.commit.tree };
        let heard = consult::ask(job, course, workplace, question)?;
        failure = heard.tally.failure.as_ref().map(|failure| failure.kind.as_str().to_owned());
        let proposals = heard.reply.follow_ups;
        let found = plan::check(&proposals, rules, &mut || new_task_id_in(job.world, rules.graph))?;
        if proposals.is_empty() {
            let text = format!("`{}` gave {NO_PLAN}", job.who.profile.name);
            job.reporter.event(&Event::Warning { text });
        }
        for refusal in &found.refused {
            let text = format!("refused: {}: {}", refusal.title, refusal.why);
            job.reporter.event(&Event::Warning { text });
        }
        let whole = found.refused.is_empty() && !found.tasks.is_empty();
        if whole || found.tasks.len() >= best.tasks.len() {
            best = found;
        }
        // Who has nothing to say twice has nothing to say.
        let hopeless = (proposals.is_empty() && was_silent)
            || failure.is_some()
            || job.world.process.interrupted().is_some();
        if whole || hopeless || course.used_up().is_some() {
            break;
        }
        was_silent = proposals.is_empty();
        text = format!("{}\n{}", job.prompt.text, again(&best, was_silent));
    }
    Ok((best, failure))
}

/// What a planner is told whose plan is not whole.
fn again(plan: &Plan, silent: bool) -> String {
    let mut text = "## Your last answer was not accepted\n\n".to_owned();
    if silent {
        let _ = writeln!(text, "It had {NO_PLAN}.");
    }
    for refusal in &plan.refused {
        let _ = writeln!(text, "- {}: {}", refusal.title, refusal.why);
    }
    text.push_str("\nAnswer again with the whole plan.\n");
    text
}

/// What came of it, in one line.
fn reason(plan: &Plan) -> String {
    match (plan.tasks.len(), plan.refused.len()) {
        (0, 0) => "planned nothing: the planner proposed nothing".to_owned(),
        (0, 1) => "planned nothing: the one proposal was refused".to_owned(),
        (0, refused) => format!("planned nothing: all {refused} proposals were refused"),
        (1, _) => "planned 1 task".to_owned(),
        (tasks, _) => format!("planned {tasks} tasks"),
    }
}

fn record(
    job: &Job<'_>,
    course: &Course,
    plan: &Plan,
    id: crate::state::id::RunId,
) -> Result<Run, StepError> {
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
        reason: reason(plan),
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
        failure: None,
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
fn settle(job: &Job<'_>, subject: &Subject, plan: Plan, mut run: Run) -> Result<Planned, StepError> {
    let (world, base) = (job.world, job.base);
    let refused = plan.refused.clone();
    let (tasks, mut files) = propose::files(plan, &run, base.snapshot.flat_tasks());
    let (task, path, text) = subject.after(base, &mut run, tasks.len())?;
    files.push((path, Some(text.into_bytes())));
    let record: FileEdit = (layout::run(&run.id, run.started), Some(file::run::write(&run).into_bytes()));
    files.push(record);
    let tree = tree_with(world, base.commit.tree, &files)?;
    let landing = Landing {
        branch: &base.branch,
        base: base.commit.id,
        tree,
        message: plan_message(&task, &run, &tasks),
        author: identity(base),
        run: Some(job.run),
        in_place: None,
        push: publish::of(base, Some(job.run)),
        replay: &|_| Ok(Judged::Fits),
    };
    let landed = land(world, &landing, job.reporter)?;
    Ok(Planned { tasks, refused, run, commit: landed.commit, branch: base.branch.clone() })
}
