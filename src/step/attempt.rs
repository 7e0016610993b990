//! Agent and gates: one attempt after another, until the work is accepted or there is no point.

use super::base::Base;
use super::confine;
use super::error::StepError;
use super::event::{Event, Reporter};
use super::judge::{base_env, judge_candidate, set_variables};
use super::site::{Left, Workplace};
use crate::agent::redact::Redactor;
use crate::agent::sandbox::Chosen;
use crate::agent::stream::Session;
use crate::agent::{self, Brief, Reply};
use crate::config::Profile;
use crate::effects::{Ended, Finished, HookRun, World};
use crate::gate::builtin::{self, Evidence};
use crate::gate::finding::Say;
use crate::gate::protect::Protected;
use crate::gate::{self, Verdict};
use crate::outcome::{self, Outcome};
use crate::prompt::{self, Prompt};
use crate::state::run::{AttemptRecord, OutcomeKind, VerdictKind};
use crate::state::task::{Kind, Task};
use bstr::ByteSlice as _;

/// The largest blob that built-in gates look into, in bytes.
const MAX_BLOB: usize = 4 << 20;

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
    /// Every attempt.
    pub attempts: Vec<AttemptRecord>,
    /// What was wrong with what agents left, and used all the same.
    pub complaints: Vec<String>,
    /// What all of them cost, where it is known.
    pub cost_usd: Option<f64>,
}

/// What an attempt works with.
pub struct Job<'j> {
    /// The outside world.
    pub world: World<'j>,
    /// State and configuration.
    pub base: &'j Base,
    /// The task.
    pub task: &'j Task,
    /// Who does it.
    pub profile: &'j Profile,
    /// How far it is confined.
    pub confinement: &'j Chosen,
    /// What the agent reads first.
    pub prompt: &'j Prompt,
    /// The run's id.
    pub run: &'j str,
    /// Paths that no agent may change.
    pub protected: &'j Protected,
    /// Takes secrets out of what is written.
    pub redactor: &'j Redactor,
    /// Who is told.
    pub reporter: &'j dyn Reporter,
}

/// Runs attempts until the work is accepted, or another would be pointless.
///
/// # Errors
/// When the machine fails; an agent or a gate that fails is an outcome.
pub fn work(job: &Job<'_>, workplace: &mut Workplace<'_>) -> Result<Work, StepError> {
    let max_attempts =
        if agent::can_continue(job.profile.adapter) { job.base.config.policy.max_attempts } else { 1 };
    let mut attempts = Vec::new();
    let mut complaints = Vec::new();
    let mut cost_usd: Option<f64> = None;
    let mut text = job.prompt.text.clone();
    for attempt in 1.. {
        let mut work = one(job, workplace, attempt, max_attempts, &text)?;
        if let Some(cost) = work.reply.cost_usd {
            cost_usd = Some(cost_usd.unwrap_or_default() + cost);
        }
        attempts.append(&mut work.attempts);
        complaints.append(&mut work.complaints);
        let stop = attempt >= max_attempts
            || is_final(&work.outcome)
            || job.base.config.budget.step_usd.is_some_and(|limit| cost_usd.unwrap_or_default() >= limit);
        if stop {
            return Ok(Work { attempts, complaints, cost_usd, ..work });
        }
        let failures: Vec<(String, String)> = work
            .verdicts
            .iter()
            .filter(|verdict| verdict.rejects() && verdict.kind != VerdictKind::Skipped)
            .map(|verdict| (verdict.name.clone(), verdict.evidence.clone()))
            .collect();
        let more = prompt::continuation(attempt + 1, max_attempts, &failures, false);
        text = format!("{}\n{more}", job.prompt.text);
    }
    Err(StepError::Busy("no attempt was made".to_owned()))
}

/// Whether another attempt could not change the outcome.
fn is_final(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Accepted | Outcome::NeedsReview | Outcome::Blocked(_) | Outcome::Deferred(_) => true,
        Outcome::TimedOut(_) => true,
        Outcome::AgentFailed(how) => how.starts_with("not started"),
        Outcome::Rejected(_) => false,
    }
}

fn one(
    job: &Job<'_>,
    workplace: &mut Workplace<'_>,
    attempt: u32,
    max_attempts: u32,
    text: &str,
) -> Result<Work, StepError> {
    let world = job.world;
    let dir = format!("steps/{}", job.run);
    let (prompt_name, outcome_name) = (format!("{dir}/prompt-{attempt}.md"), format!("{dir}/outcome.yaml"));
    world.files.write(&prompt_name, text.as_bytes(), false)?;
    world.files.remove(&outcome_name)?;
    let brief = Brief {
        task: job.task,
        run: job.run,
        attempt,
        prompt: text,
        dir: workplace.dir(),
        confined: job.confinement.level,
        prompt_file: world.files.root().join(&prompt_name),
        outcome_file: world.files.root().join(&outcome_name),
        base_env: base_env(world),
        profile_env: set_variables(world, &job.profile.env),
        session: Session::New,
        budget_usd: job.base.config.budget.step_usd,
    };
    let invocation =
        agent::invocation(job.profile, &brief).map_err(|error| StepError::NoAgent(error.to_string()))?;
    let agent = job.profile.name.clone();
    job.reporter.event(&Event::AgentStarted { agent, attempt, max_attempts });
    let (invocation, confined) = confine::enter(job, workplace, invocation)?;
    let finished = confined.leave(world, world.process.run(&invocation)?)?;
    let finished = job.redactor.finished(finished);
    let reply = agent::read_reply(&finished, outcome_left(job, &outcome_name)?.as_deref());
    world.files.write(&format!("{dir}/transcript-{attempt}.txt"), &transcript(&finished), false)?;
    let mut left = workplace.look(job.base.commit.tree, job.protected)?;
    job.reporter.event(&Event::AgentFinished {
        ended: finished.ended.to_string(),
        duration_ms: finished.duration_ms,
        tokens: reply.tokens,
        files_changed: left.changes.len(),
        survivors: finished.survivors,
    });
    let mut verdicts = look_at(job, &finished, &reply, &left);
    for verdict in verdicts.iter().filter(|verdict| !verdict.evidence.is_empty() && reply.blocked.is_none()) {
        job.reporter.event(&Event::GateFinished { verdict: verdict.clone() });
    }
    let stop = reply.blocked.is_some() || gate::first_rejection(&verdicts).is_some();
    if stop {
        verdicts.extend(job.base.config.gates.iter().map(|gate| gate::command::skipped(gate, "not reached")));
    } else {
        verdicts.extend(judge_candidate(job, workplace, left.candidate)?);
    }
    let mut outcome = outcome::judge(&finished.ended, &reply, &verdicts, job.base.config.policy.review);
    if outcome == Outcome::Accepted {
        outcome = run_pre_commit(job, workplace, &mut left, &mut verdicts, &reply, &finished.ended)?;
    }
    if world.process.interrupted().is_some() && outcome.kind() == OutcomeKind::Rejected {
        // A gate or a hook that was ended because orch was told to stop has not judged anything.
        outcome = Outcome::Deferred("interrupted".to_owned());
    }
    let record = AttemptRecord {
        ended: finished.ended.to_string(),
        duration_ms: finished.duration_ms,
        tokens: reply.tokens,
        rejected_by: gate::first_rejection(&verdicts).map(|verdict| verdict.name.clone()),
        ..AttemptRecord::default()
    };
    let complaints = reply.complaint.clone().into_iter().collect();
    Ok(Work { outcome, reply, left, verdicts, attempts: vec![record], complaints, cost_usd: None })
}

/// The outcome that an agent left, without secrets. What is no plain file is none: a link leads to what the
/// agent may not read itself, and a pipe never ends.
fn outcome_left(job: &Job<'_>, name: &str) -> Result<Option<Vec<u8>>, StepError> {
    let world = job.world;
    let Some(spot) = world.process.spot(&world.files.root().join(name)) else { return Ok(None) };
    let size = spot.size.filter(|_| !spot.is_link);
    match size.and_then(|size| usize::try_from(size).ok()) {
        None => Ok(Some(b"no plain file".to_vec())),
        // Nobody reads it: that it is too large is all that is told.
        Some(size) if size > agent::MAX_OUTCOME_BYTES => Ok(Some(vec![b'#'; agent::MAX_OUTCOME_BYTES + 1])),
        Some(_) => Ok(world.files.read(name)?.map(|bytes| job.redactor.bytes(&bytes))),
    }
}

/// What the built-in gates say of what an agent left.
fn look_at(job: &Job<'_>, finished: &Finished, reply: &Reply, left: &Left) -> Vec<Verdict> {
    let git = job.world.git;
    let policy = &job.base.config.policy;
    builtin::run(&Evidence {
        finished,
        changes: &left.changes,
        nested: &left.seen.nested,
        protected: job.protected,
        expected: &job.task.files,
        say: Say { task: &job.task.allow, allow: &policy.allow, deny: &policy.deny },
        must_change: must_change(job.task.kind),
        unreadable: reply.unreadable.as_deref(),
        read: &|id| git.blob(id).ok().filter(|blob| blob.len() <= MAX_BLOB),
        list: &|dir| git.names(left.candidate, &dir.to_str_lossy()).unwrap_or_default(),
    })
}

/// Work whose result is knowledge need not change a file.
fn must_change(kind: Kind) -> bool {
    match kind {
        Kind::Research | Kind::Review => false,
        Kind::Epic | Kind::Feature | Kind::Bug | Kind::Refactor | Kind::Test | Kind::Docs | Kind::Chore => {
            true
        }
    }
}

fn transcript(finished: &Finished) -> Vec<u8> {
    let mut text = finished.stdout.clone();
    if !finished.stderr.is_empty() {
        text.extend_from_slice(b"\n--- standard error ---\n");
        text.extend_from_slice(&finished.stderr);
    }
    text
}

/// The repository's `pre-commit` hook, which may change the tree: then the gates run once more.
fn run_pre_commit(
    job: &Job<'_>,
    workplace: &mut Workplace<'_>,
    left: &mut Left,
    verdicts: &mut Vec<Verdict>,
    reply: &Reply,
    ended: &Ended,
) -> Result<Outcome, StepError> {
    let accepted = Outcome::Accepted;
    let base = &job.base.commit;
    match workplace.hook("pre-commit", base.id, "")? {
        HookRun::Absent => return Ok(accepted),
        HookRun::Refused(said) => {
            let said = builtin::last_lines(said.as_bytes(), 20);
            let hook = "pre-commit".to_owned();
            job.reporter.event(&Event::HookFinished { hook, passed: false, said: said.clone() });
            verdicts.push(Verdict::fail("pre-commit", said));
        }
        HookRun::Passed(_) => {
            let hook = "pre-commit".to_owned();
            job.reporter.event(&Event::HookFinished { hook, passed: true, said: String::new() });
            verdicts.push(Verdict::pass("pre-commit"));
            let before = left.candidate;
            let now = workplace.look(base.tree, job.protected)?;
            if now.candidate != before {
                *left = now;
                verdicts.retain(|verdict| job.base.config.gates.iter().all(|gate| gate.name != verdict.name));
                verdicts.extend(judge_candidate(job, workplace, left.candidate)?);
            }
        }
    }
    Ok(outcome::judge(ended, reply, verdicts, job.base.config.policy.review))
}
