//! One process of an agent: started, listened to while it works, ended when that is decided.
//!
//! In: a brief and what it may use. Out: what was [`Heard`]. Invariant: what is printed goes to the
//! transcript, to whoever listens and to the ledger as it comes, never all of it into memory.

use super::attempt::Job;
use super::confine;
use super::crowd;
use super::error::StepError;
use super::event::{Event, Progress};
use super::site::Workplace;
use crate::agent::failure::Failure;
use crate::agent::lines::Lines;
use crate::agent::redact::{Redactor, Stream};
use crate::agent::sandbox::Chosen;
use crate::agent::stream::{Listener, Session, Signal, Spent};
use crate::agent::watch::{Decision, Limits, Tally, Watcher};
use crate::agent::{self, Brief, Known, Reply};
use crate::config::{Adapter, Profile};
use crate::effects::{EffectError, Ended, Finished, Follow, Invocation, Order, Watch};
use crate::state::ledger;
use crate::state::run::plain_usd;
use jiff::Timestamp;
use std::path::PathBuf;
use std::time::Duration;

/// The most of what a process prints that is kept in its transcript, in bytes.
const TRANSCRIPT: usize = 64 << 20;
/// The time between two reports of how it goes.
const REPORT: Duration = Duration::from_secs(1);

/// A process to run.
pub struct Turn<'t> {
    /// Who does it.
    pub profile: &'t Profile,
    /// Its number in the step, from 1.
    pub number: usize,
    /// The attempt that it is part of, and the most there may be.
    pub attempt: (u32, u32),
    /// The conversation that it takes up.
    pub session: Session,
    /// What earlier processes of this conversation used.
    pub earlier: Spent,
    /// What it reads.
    pub text: &'t str,
    /// What it may use.
    pub limits: Limits,
    /// What the step has spent before it.
    pub before: Spent,
    /// How far it is confined.
    pub confinement: &'t Chosen,
    /// When the step began.
    pub started: Timestamp,
}

/// What came of a process.
#[derive(Debug)]
pub struct Heard {
    /// How it ended.
    pub finished: Finished,
    /// What is known of it.
    pub tally: Tally,
    /// What was decided about it; [`Decision::GoOn`] where it ended by itself.
    pub decision: Decision,
    /// What the agent says.
    pub reply: Reply,
}

impl Heard {
    /// Why the session failed, by itself or because it was ended for it.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match &self.decision {
            Decision::Stop(failure) => Some(failure),
            Decision::GoOn | Decision::Compact | Decision::Rotate | Decision::Dismiss => {
                self.tally.failure.as_ref()
            }
        }
    }
}

/// Runs a process and listens to it.
///
/// # Errors
/// When the machine fails.
pub fn run(job: &Job<'_>, workplace: &Workplace<'_>, turn: &Turn<'_>) -> Result<Heard, StepError> {
    let world = job.world;
    let _place = crowd::place(job, turn.profile)?;
    let dir = format!("steps/{}", job.run);
    let number = turn.number;
    let (prompt_name, outcome_name) = (format!("{dir}/prompt-{number}.md"), format!("{dir}/outcome.yaml"));
    world.files.write(&prompt_name, turn.text.as_bytes(), false)?;
    world.files.remove(&outcome_name)?;
    let brief = Brief {
        task: job.task,
        run: job.run,
        attempt: turn.attempt.0,
        prompt: turn.text,
        dir: workplace.dir(),
        confined: turn.confinement.level,
        prompt_file: world.files.root().join(&prompt_name),
        outcome_file: world.files.root().join(&outcome_name),
        base_env: super::env::base_env(world),
        profile_env: super::env::set_variables(world, &turn.profile.env),
        session: turn.session.clone(),
        budget_usd: turn.limits.usd,
    };
    let invocation =
        agent::invocation(turn.profile, &brief).map_err(|error| StepError::NoAgent(error.to_string()))?;
    if let Some(beside) = agent::beside(turn.profile, &brief) {
        world.files.write(&format!("{dir}/{}", beside.file), beside.content.as_bytes(), false)?;
    }
    let (attempt, max_attempts) = turn.attempt;
    job.reporter.event(&Event::AgentStarted { agent: turn.profile.name.clone(), attempt, max_attempts });
    let mut ear = Ear::new(job, turn, format!("{dir}/transcript-{number}.txt"), &invocation);
    let who = (turn.profile, turn.confinement);
    let (invocation, confined) = confine::enter(job, workplace, who, invocation)?;
    ear.note();
    let finished = confined.leave(world, world.process.watch(&invocation, &mut ear)?)?;
    let finished = job.redactor.finished(finished);
    let (tally, decision) = ear.end(&finished)?;
    let outcome = outcome_left(job, &outcome_name)?;
    let mut reply = reply(turn.profile, &finished, outcome.as_deref(), &tally);
    // They stay for the whole step: a session that takes over is not to propose them again.
    let proposals = outcome_left(job, &format!("{dir}/{}", agent::PROPOSALS))?;
    agent::add_proposals(&mut reply, &proposals.unwrap_or_default());
    Ok(Heard { finished, tally, decision, reply })
}

/// What an agent says: its own figures and words go before those of an outcome file that it left out; what
/// tokens cost that nobody priced, its profile says.
fn reply(profile: &Profile, finished: &Finished, outcome: Option<&[u8]>, tally: &Tally) -> Reply {
    let mut finished = finished.clone();
    if agent::is_understood(profile.adapter) {
        finished.stdout = tally.texts.last().cloned().unwrap_or_default().into_bytes();
    }
    let mut reply = agent::read_reply(&finished, outcome);
    if tally.spent.tokens.total() > 0 {
        reply.tokens = tally.spent.tokens;
    }
    let told = tally.spent.cost_usd.or(reply.cost_usd);
    reply.cost_usd =
        Spent { tokens: reply.tokens, cost_usd: told }.priced(profile.price).cost_usd.map(plain_usd);
    reply
}

/// The outcome that an agent left, without secrets; it lies there without them from then on. What is no plain file
/// is none: a link leads to what the agent may not read itself, and a pipe never ends.
fn outcome_left(job: &Job<'_>, name: &str) -> Result<Option<Vec<u8>>, StepError> {
    let world = job.world;
    let Some(spot) = world.process.spot(&world.files.root().join(name)) else { return Ok(None) };
    let size = spot.size.filter(|_| !spot.is_link);
    match size.and_then(|size| usize::try_from(size).ok()) {
        None => Ok(Some(b"no plain file".to_vec())),
        // Nobody reads it: that it is too large is all that is told.
        Some(size) if size > agent::MAX_OUTCOME_BYTES => Ok(Some(vec![b'#'; agent::MAX_OUTCOME_BYTES + 1])),
        Some(_) => {
            let Some(bytes) = world.files.read(name)? else { return Ok(None) };
            let clean = job.redactor.bytes(&bytes);
            if clean != bytes {
                world.files.write(name, &clean, false)?;
            }
            Ok(Some(clean))
        }
    }
}

/// Whoever listens to a process while it works.
struct Ear<'e> {
    job: &'e Job<'e>,
    turn: &'e Turn<'e>,
    listener: Box<dyn Listener>,
    watcher: Watcher,
    clean: Stream<'e>,
    lines: Lines,
    side_lines: Lines,
    folder: Option<PathBuf>,
    transcript: String,
    written: usize,
    reported: Option<(Duration, Progress)>,
    noted: Option<Spent>,
    decision: Decision,
    failed: Option<EffectError>,
}

impl<'e> Ear<'e> {
    fn new(job: &'e Job<'e>, turn: &'e Turn<'e>, transcript: String, invocation: &Invocation) -> Self {
        let known = Known {
            session: turn.session.clone(),
            prompt: turn.text.to_owned(),
            dir: job.world.process.spot(&invocation.dir).map_or(invocation.dir.clone(), |spot| spot.real),
            earlier: turn.earlier,
            now: turn.limits.now,
            zone: job.world.clock.zone(),
        };
        Self {
            job,
            turn,
            listener: agent::listener(turn.profile, &known),
            watcher: Watcher::new(turn.limits.clone()),
            clean: job.redactor.stream(),
            lines: Lines::default(),
            side_lines: Lines::default(),
            folder: folder(turn.profile.adapter, &invocation.env),
            transcript,
            written: 0,
            reported: None,
            noted: None,
            decision: Decision::GoOn,
            failed: None,
        }
    }

    /// Everything was heard.
    fn end(mut self, finished: &Finished) -> Result<(Tally, Decision), StepError> {
        let mut rest = Vec::new();
        self.clean.end(&mut rest);
        self.write(&rest);
        let (listener, watcher, redactor) = (&mut self.listener, &mut self.watcher, self.job.redactor);
        let signal = &mut |signal: Signal| watcher.signal(harmless(redactor, signal));
        self.lines.end(&mut |line| listener.line(line, signal));
        self.side_lines.end(&mut |line| listener.side_line(line, signal));
        listener.end(finished, signal);
        if !finished.stderr.is_empty() {
            self.write(b"\n--- standard error ---\n");
            self.write(&finished.stderr);
        }
        self.note();
        match self.failed {
            Some(error) => Err(StepError::Effect(error)),
            None => Ok((self.watcher.into_tally(), self.decision)),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        let room = TRANSCRIPT.saturating_sub(self.written);
        let kept = &bytes[..bytes.len().min(room)];
        if kept.is_empty() || self.failed.is_some() {
            return;
        }
        self.written += kept.len();
        if let Err(error) = self.job.world.files.append(&self.transcript, kept) {
            self.failed = Some(error);
        }
    }

    /// Notes in the ledger that the step is at work and what was spent, so that both outlive a kill.
    fn note(&mut self) {
        let spent = self.watcher.tally().spent;
        if self.noted == Some(spent) || self.failed.is_some() {
            return;
        }
        self.noted = Some(spent);
        let tokens = (self.turn.before.tokens + spent.tokens).total();
        let usd = self.turn.before.cost_usd.unwrap_or_default() + spent.cost_usd.unwrap_or_default();
        let entry = ledger::Entry {
            run: self.job.run.to_owned(),
            task: self.job.task.id.to_string(),
            started: self.turn.started,
            tokens,
            usd,
            told: false,
        };
        if let Err(error) = ledger::save(self.job.world.files, &entry) {
            self.failed = Some(error);
        }
    }

    fn report(&mut self, elapsed: Duration, silent: Duration) {
        let tally = self.watcher.tally();
        let progress = Progress {
            tokens: tally.spent.tokens,
            cost_usd: tally.spent.cost_usd,
            context: tally.context,
            tool: tally.tools.last().cloned(),
        };
        if is_due(self.reported.as_ref(), elapsed, &progress) {
            let agent = self.turn.profile.name.clone();
            let progress_now = progress.clone();
            self.job.reporter.event(&Event::Progress { agent, elapsed, silent, progress: progress_now });
            self.reported = Some((elapsed, progress));
        }
    }
}

impl Watch for Ear<'_> {
    fn output(&mut self, piece: &[u8]) {
        let mut clean = Vec::with_capacity(piece.len());
        self.clean.feed(piece, &mut clean);
        self.write(&clean);
        // Whoever listens hears at once what the transcript may hold back: it could be half of a secret.
        let (listener, watcher, redactor) = (&mut self.listener, &mut self.watcher, self.job.redactor);
        let signal = &mut |signal: Signal| watcher.signal(harmless(redactor, signal));
        self.lines.feed(piece, &mut |line| listener.line(line, signal));
    }

    fn side(&mut self, piece: &[u8]) {
        let (listener, watcher, redactor) = (&mut self.listener, &mut self.watcher, self.job.redactor);
        let signal = &mut |signal: Signal| watcher.signal(harmless(redactor, signal));
        self.side_lines.feed(piece, &mut |line| listener.side_line(line, signal));
    }

    fn says(&mut self) -> Option<Vec<u8>> {
        self.listener.says()
    }

    fn follows(&self) -> Option<Follow> {
        Some(Follow { below: self.folder.clone()?, ends: self.listener.follows()? })
    }

    fn look(&mut self, elapsed: Duration, silent: Duration) -> Order {
        self.note();
        self.report(elapsed, silent);
        self.job.renew();
        if let Some(error) = &self.failed {
            return Order::End(Ended::Stopped(error.fact.clone()));
        }
        self.decision = self.watcher.decide(elapsed);
        match &self.decision {
            Decision::GoOn => Order::GoOn,
            Decision::Compact => Order::End(Ended::Stopped("its context is to be made smaller".to_owned())),
            Decision::Rotate => Order::End(Ended::Stopped("a fresh session takes over".to_owned())),
            Decision::Stop(failure) => Order::End(Ended::Stopped(failure.said.clone())),
            Decision::Dismiss => Order::End(Ended::Dismissed),
        }
    }
}

/// Whether how it goes is told again: what is new, once a second at most, and each minute that it is at work.
fn is_due(told: Option<&(Duration, Progress)>, elapsed: Duration, progress: &Progress) -> bool {
    told.is_none_or(|(at, last)| {
        let minute = elapsed.as_secs() / 60 > at.as_secs() / 60;
        minute || (elapsed.saturating_sub(*at) >= REPORT && last != progress)
    })
}

/// A signal without secrets.
fn harmless(redactor: &Redactor, signal: Signal) -> Signal {
    let failure = |failure: Failure| Failure { said: redactor.text(&failure.said), ..failure };
    match signal {
        Signal::Tool(text) => Signal::Tool(redactor.text(&text)),
        Signal::Text(text) => Signal::Text(redactor.text(&text)),
        Signal::Denied(text) => Signal::Denied(redactor.text(&text)),
        Signal::Retrying(what) => Signal::Retrying(failure(what)),
        Signal::Failed(what) => Signal::Failed(failure(what)),
        Signal::Session(_)
        | Signal::Model(_)
        | Signal::Spent(_)
        | Signal::Context { .. }
        | Signal::Compacted
        | Signal::Finished => signal,
    }
}

/// An agent's own folder, as its environment says it.
fn folder(adapter: Adapter, env: &[(String, String)]) -> Option<PathBuf> {
    let (variable, below_home) = agent::facts(adapter).home;
    let of =
        |name: &str| env.iter().rev().find(|(key, _)| key == name).map(|(_, value)| PathBuf::from(value));
    variable.and_then(of).or_else(|| of("HOME").map(|home| home.join(below_home)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_is_told_once_a_second_and_silence_once_a_minute() {
        let progress = |tool: &str| Progress { tool: Some(tool.to_owned()), ..Progress::default() };
        let told = (Duration::from_secs(10), progress("Bash: ls"));
        let due =
            |seconds: f64, tool: &str| is_due(Some(&told), Duration::from_secs_f64(seconds), &progress(tool));
        assert!(is_due(None, Duration::ZERO, &progress("")), "that it began is told");
        assert!(!due(10.5, "Bash: pwd") && due(11.0, "Bash: pwd"));
        assert!(!due(59.9, "Bash: ls") && due(60.0, "Bash: ls"), "a heartbeat");
    }
}
