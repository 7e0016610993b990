//! Agent and gates: one attempt after another, until the work is accepted or there is no point.

use super::base::Base;
use super::budget::Span;
use super::candidate::{Bench, PRE_COMMIT, pre_commit, tell_idle_hooks};
use super::course::{Course, Done};
use super::early::{early, last_at_work};
use super::error::StepError;
use super::event::{Event, Reporter};
use super::lease::Held;
use super::next::{self, Next, describe};
use super::quarantine;
use super::rest;
use super::second;
use super::site::{Left, Workplace};
use super::who::Who;
use crate::agent::failure::{Failure, FailureKind};
use crate::agent::redact::Redactor;
use crate::agent::sandbox::{self, Chosen};
use crate::agent::todo::todo;
use crate::agent::{self, Reply};
use crate::effects::{Ended, World};
use crate::gate::builtin;
use crate::gate::claims;
use crate::gate::protect::Protected;
use crate::gate::{self, Verdict};
use crate::outcome::{self, How, Outcome};
use crate::prompt::{self, Prompt};
use crate::state::ledger;
use crate::state::run::{OutcomeKind, Run, VerdictKind};
use crate::state::task::Task;
use bstr::BString;
use jiff::Timestamp;

/// What all attempts of a step came to.
pub struct Work {
    /// The judgement on the last one.
    pub outcome: Outcome,
    /// What the last agent said.
    pub reply: Reply,
    /// What it left.
    pub left: Left,
    /// Verdicts on it.
    pub verdicts: Vec<Verdict>,
    /// Why the last session failed.
    pub failure: Option<Failure>,
    /// Every session, and what they used.
    pub course: Course,
    /// What was wrong with what agents left, and used all the same.
    pub complaints: Vec<String>,
    /// What the agent claimed in each attempt, and what speaks against it.
    pub claims: Vec<String>,
    /// Why the task is not to be run again by itself.
    pub quarantine: Option<String>,
    /// What a person has to do before the agent can work.
    pub todo: Option<String>,
    /// The run whose work was only looked at, where that is all that was done.
    pub looked_at: Option<Run>,
}

/// What an attempt works with.
pub struct Job<'j> {
    /// The outside world.
    pub world: World<'j>,
    /// State and configuration.
    pub base: &'j Base,
    /// The task.
    pub task: &'j Task,
    /// Who does it, who can take over, and what they may spend.
    pub who: &'j Who,
    /// How far the agent that begins is confined.
    pub confinement: &'j Chosen,
    /// What the agent reads first.
    pub prompt: &'j Prompt,
    /// The run's id.
    pub run: &'j str,
    /// The claim on the task, where there is one.
    pub lease: Option<&'j Held<'j>>,
    /// When it began.
    pub started: Timestamp,
    /// Paths that no agent may change.
    pub protected: &'j Protected,
    /// Takes secrets out of what is written.
    pub redactor: &'j Redactor,
    /// Who is told.
    pub reporter: &'j dyn Reporter,
}

impl Job<'_> {
    /// Keeps the claim on the task. A lease that cannot be renewed is no reason to stop working.
    pub fn renew(&self) {
        if let Some(Err(error)) = self.lease.map(|lease| lease.renew(self.reporter)) {
            self.reporter.event(&Event::Warning { text: format!("the lease is not renewed: {error}") });
        }
    }

    /// What its work is judged by.
    #[must_use]
    pub fn bench(&self) -> Bench<'_> {
        let Job { world, base, task, protected, reporter, .. } = *self;
        Bench::new(world, base, task, protected, reporter)
    }

    /// Whether gates will run.
    #[must_use]
    pub fn is_gated(&self) -> bool {
        !self.base.config.gates.is_empty()
    }
}

impl Work {
    /// The error of a step whose agent cannot work before a person has acted, when nothing was spent and
    /// nothing was made: then there is nothing to record.
    #[must_use]
    pub fn nothing_came_of_it(&self, job: &Job<'_>) -> Option<StepError> {
        let Outcome::NoAgent(fact) = &self.outcome else { return None };
        let idle = self.course.spent.tokens.total() == 0 && self.left.seen.tree == job.base.commit.tree;
        let agent = Some(self.course.profile.name.clone());
        let todo = || self.todo.clone().unwrap_or_default();
        idle.then(|| StepError::Unusable { agent, fact: fact.clone(), todo: todo() })
    }
}

/// Runs attempts until the work is accepted, or another would be pointless.
///
/// # Errors
/// When the machine fails; an agent or a gate that fails is an outcome.
pub fn work(job: &Job<'_>, workplace: &mut Workplace<'_>) -> Result<Work, StepError> {
    let max_attempts =
        if agent::can_continue(job.who.profile.adapter) { job.base.config.policy.max_attempts } else { 1 };
    tell_idle_hooks(job.world, &job.base.commit, job.reporter)?;
    let mut course = Course::new(job.who, job.confinement, job.started);
    let (mut complaints, mut all_claims) = (Vec::new(), Vec::new());
    let mut rejected = String::new();
    for attempt in 1.. {
        let Judged { outcome, failure, reply, left, verdicts } =
            one(job, workplace, &mut course, (attempt, max_attempts), &rejected)?;
        complaints.extend(reply.complaint.clone());
        let changed: Vec<BString> = left.changes.iter().map(|change| change.path.clone()).collect();
        let claims = claims::refuted(&reply.summary, &verdicts, &changed);
        for claim in &claims {
            if !all_claims.contains(claim) {
                all_claims.push(claim.clone());
            }
        }
        let early = if outcome.kind() == OutcomeKind::Rejected { early(job, &mut course) } else { None };
        let stop = attempt >= max_attempts
            || is_final(&outcome)
            || failure.as_ref().is_some_and(|failure| next::is_final(failure.kind))
            || course.used_up().is_some();
        if stop {
            if let Some(how) = quarantine::everywhere(job, &course.profile, &outcome, failure.as_ref())? {
                rest::everywhere(job, &course.profile, &how)?;
            }
            let quarantine = quarantine::diagnosis(job, &outcome, failure.as_ref())?;
            let todo = match &outcome {
                Outcome::NoAgent(_) => failure.as_ref().map(|failure| todo(&course.profile, failure.kind)),
                Outcome::Accepted
                | Outcome::NeedsReview
                | Outcome::Rejected(_)
                | Outcome::AgentFailed(_)
                | Outcome::TimedOut(_)
                | Outcome::Blocked(_)
                | Outcome::Deferred(_) => None,
            };
            return Ok(Work {
                outcome,
                reply,
                left,
                verdicts,
                failure,
                course,
                complaints,
                claims: all_claims,
                quarantine,
                todo,
                looked_at: None,
            });
        }
        rejected = again((attempt + 1, max_attempts), &verdicts, (&claims, early));
    }
    Err(StepError::Busy("no attempt was made".to_owned()))
}

/// What the next attempt reads about this one.
fn again(
    (attempt, max): (u32, u32),
    verdicts: &[Verdict],
    (claims, early): (&[String], Option<u32>),
) -> String {
    let failures: Vec<(String, String)> = verdicts
        .iter()
        .filter(|verdict| verdict.rejects() && verdict.kind != VerdictKind::Skipped)
        .map(|verdict| (verdict.name.clone(), verdict.evidence.clone()))
        .collect();
    prompt::continuation(attempt, max, &failures, claims, early)
}

/// Whether another attempt could not change the outcome.
fn is_final(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Accepted
        | Outcome::NeedsReview
        | Outcome::Blocked(_)
        | Outcome::Deferred(_)
        | Outcome::NoAgent(_)
        | Outcome::TimedOut(_) => true,
        Outcome::AgentFailed(_) | Outcome::Rejected(_) => false,
    }
}

/// One attempt, judged.
struct Judged {
    outcome: Outcome,
    failure: Option<Failure>,
    reply: Reply,
    left: Left,
    verdicts: Vec<Verdict>,
}

fn one(
    job: &Job<'_>,
    workplace: &mut Workplace<'_>,
    course: &mut Course,
    attempt: (u32, u32),
    rejected: &str,
) -> Result<Judged, StepError> {
    let Done { heard, mut left, failure, next } = course.run(job, workplace, attempt, rejected)?;
    let (finished, reply) = (heard.finished, heard.reply);
    // What the end of the process says by itself needs no second telling.
    let well = finished.ended == Ended::Exited(0);
    let told = failure.as_ref().filter(|failure| well || says_more(failure.kind)).map(describe);
    let bench = job.bench();
    let mut verdicts = builtin::ended(&finished, told.as_deref()).to_vec();
    verdicts.extend(bench.built_in(&left)?);
    verdicts.extend(reply.unreadable.as_deref().map(builtin::unreadable));
    let unfinished = failure.is_some() || finished.ended == Ended::Interrupted;
    for verdict in verdicts.iter().filter(|verdict| is_told(verdict, &next, unfinished, &reply)) {
        job.reporter.event(&Event::GateFinished { verdict: verdict.clone() });
    }
    let stop = reply.blocked.is_some() || gate::first_rejection(&verdicts).is_some();
    verdicts.extend(if stop {
        bench.not_reached()
    } else {
        bench.configured(left.candidate, Some(workplace))?
    });
    let ended = How { ended: &finished.ended, told: told.as_deref() };
    let mut outcome = outcome::judge(ended, &reply, &verdicts);
    if outcome == Outcome::Accepted {
        outcome = run_pre_commit(job, workplace, &mut left, &mut verdicts, &reply, ended)?;
    }
    if outcome == Outcome::Accepted {
        outcome = second::look(job, workplace, course, &left, &mut verdicts)?;
    }
    outcome = halted(job, course, &next, failure.as_ref(), outcome);
    if job.world.process.interrupted().is_some() && outcome.kind() == OutcomeKind::Rejected {
        // A gate or a hook that was ended because orch was told to stop has not judged anything.
        outcome = Outcome::Deferred("interrupted".to_owned());
    }
    let confined = course.confinement.level;
    let refused = |output: &[u8]| sandbox::refused_write(confined, output);
    if outcome != Outcome::Accepted && (refused(&finished.stdout) || refused(&finished.stderr)) {
        let profile = &course.profile.name;
        let text =
            format!("the sandbox refused a write; `writable` of agent `{profile}` names what else it may");
        job.reporter.event(&Event::Warning { text: format!("{text} write: see `orch help sandbox`") });
    }
    // A reviewer who gave no answer leaves the work waiting: nobody has rejected it.
    if let Some(session) = last_at_work(&mut course.sessions).filter(|_| outcome != Outcome::NeedsReview) {
        session.rejected_by = gate::first_rejection(&verdicts).map(|verdict| verdict.name.clone());
    }
    if failure.is_none() {
        course.went_well(job)?;
    }
    Ok(Judged { outcome, failure, reply, left, verdicts })
}

/// Whether what a built-in gate says is worth a line: not where the outcome says it all, and who did not come to the
/// end need not be told as well that nothing was changed.
fn is_told(verdict: &Verdict, next: &Next, unfinished: bool, reply: &Reply) -> bool {
    let outcome_says_it = reply.blocked.is_some() || matches!(next, Next::Rest(_) | Next::Person(_));
    let idle = unfinished && verdict.name == builtin::CHANGE;
    !verdict.evidence.is_empty() && !outcome_says_it && !idle
}

/// Whether the class of a failure says more than a process that ended badly.
fn says_more(kind: FailureKind) -> bool {
    use FailureKind::{Crash, Garbage, Hang, Missing, TimeLimit};
    !matches!(kind, Crash | Garbage | Hang | Missing | TimeLimit)
}

/// The outcome of a step that could not go on, whatever was left by then.
fn halted(
    job: &Job<'_>,
    course: &mut Course,
    next: &Next,
    failure: Option<&Failure>,
    outcome: Outcome,
) -> Outcome {
    let name = &course.profile.name;
    match next {
        Next::Rest(failure) => {
            let until = course.retry_after.map_or(String::new(), |until| format!(" until {until}"));
            return Outcome::Deferred(format!("`{name}` rests{until}: {}", describe(failure)));
        }
        Next::Person(failure) => {
            return Outcome::NoAgent(format!("`{name}` cannot work: {}", describe(failure)));
        }
        Next::Judge | Next::Compact | Next::Rotate | Next::Again(_) | Next::Another(_) => {}
    }
    let Some(failure) = failure.filter(|failure| failure.kind == FailureKind::Budget) else { return outcome };
    let (day, month) = ledger::ends(job.world.clock.now());
    let Some((span, key)) = course.used_up() else { return outcome };
    let why = format!("`{key}` is spent: {}", failure.said);
    course.retry_after = match span {
        Span::Step => return outcome,
        Span::Task => return Outcome::Blocked(why),
        Span::Run => None,
        Span::Day => Some(day),
        Span::Month => Some(month),
    };
    Outcome::Deferred(why)
}

/// The repository's `pre-commit` hook, which may change the tree: then the gates run once more.
fn run_pre_commit(
    job: &Job<'_>,
    workplace: &mut Workplace<'_>,
    left: &mut Left,
    verdicts: &mut Vec<Verdict>,
    reply: &Reply,
    ended: How<'_>,
) -> Result<Outcome, StepError> {
    let base = &job.base.commit;
    let hook = workplace.hook((PRE_COMMIT, ""), base.id, job.reporter)?;
    let Some(verdict) = pre_commit(hook, job.reporter) else { return Ok(Outcome::Accepted) };
    if !verdict.rejects() {
        let before = left.candidate;
        let now = workplace.look(base.tree, job.protected, job.is_gated(), job.reporter)?;
        if now.candidate != before {
            *left = now;
            verdicts.retain(|verdict| builtin::judges_session(&verdict.name));
            verdicts.extend(job.bench().judge(left, Some(workplace))?);
        }
    }
    verdicts.push(verdict);
    Ok(outcome::judge(ended, reply, verdicts))
}
