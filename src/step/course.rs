//! The course of an attempt: from one session to the next, until there is something to judge.
//!
//! In: what was heard of a session. Out: what follows ([`next`]), and that done: the same session
//! made smaller, a fresh one with a handoff, the same again after a wait, another profile, a rest.
//! Invariant: every turn but the last is bounded, so that nothing is tried for ever; the work tree is
//! carried from session to session.

use super::attempt::Job;
use super::budget::{Allowance, Span};
use super::confine;
use super::error::StepError;
use super::event::Event;
use super::handoff::{self, Handoff};
use super::next::{self, Next, ROTATIONS, Spare, cause, describe};
use super::rest;
use super::session::{self, Heard, Turn};
use super::site::{self, Workplace};
use super::who::Who;
use crate::agent::facts;
use crate::agent::failure::Failure;
use crate::agent::sandbox::{self, Chosen};
use crate::agent::stream::{Session, Spent};
use crate::agent::watch::Limits;
use crate::config::Profile;
use crate::effects::Oid;
use crate::state::cooldown;
use crate::state::ledger;
use crate::state::run::AttemptRecord;
use jiff::Timestamp;
use std::time::Duration;

/// How often one conversation is made smaller.
const COMPACTIONS: u32 = 3;
/// The first such wait, and the longest.
const WAIT: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));
/// What a session reads that goes on after it was made smaller, or after a wait.
const GO_ON: &str = "Go on with the task where you were interrupted.\n";

/// Everything that the sessions of a step came to.
pub struct Course {
    /// Who works now.
    pub profile: Profile,
    /// Why it does, where it is not the one that was chosen first.
    pub because: Option<String>,
    /// How far it is confined.
    pub confinement: Chosen,
    /// Every session.
    pub sessions: Vec<AttemptRecord>,
    /// What all of them used.
    pub spent: Spent,
    /// The largest share of a window that was in use.
    pub peak: Option<f64>,
    /// How often a session was made smaller.
    pub compactions: u32,
    /// What sessions handed over to fresh ones.
    pub handoffs: Vec<Handoff>,
    /// When what made the step pause is over.
    pub retry_after: Option<Timestamp>,
    allowance: Allowance,
    started: Timestamp,
    others: Vec<Profile>,
    handed_over: Option<Oid>,
    conversation: Option<Conversation>,
    retries: u32,
    /// What was wrong with the attempt before, if there was one.
    rejected: String,
}

/// What can be taken up again.
struct Conversation {
    id: String,
    spent: Spent,
    compactions: u32,
}

/// What an attempt came to.
pub struct Done {
    /// The last session.
    pub heard: Heard,
    /// What is there now.
    pub left: site::Left,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What follows, where it is not that the work is judged.
    pub next: Next,
}

impl Course {
    /// The course of a step.
    #[must_use]
    pub fn new(who: &Who, confinement: &Chosen, started: Timestamp) -> Self {
        Self {
            profile: who.profile.clone(),
            confinement: confinement.clone(),
            because: None,
            sessions: Vec::new(),
            spent: Spent::default(),
            peak: None,
            compactions: 0,
            handoffs: Vec::new(),
            retry_after: None,
            allowance: who.allowance,
            started,
            others: who.others.clone(),
            handed_over: None,
            conversation: None,
            retries: 0,
            rejected: String::new(),
        }
    }

    /// Counts a session that was not part of the work itself.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub(super) fn count(
        &mut self,
        job: &Job<'_>,
        session: AttemptRecord,
        used: Spent,
    ) -> Result<(), StepError> {
        self.spent = self.spent + used;
        self.sessions.push(session);
        self.note_spending(job)
    }

    /// What is left to be spent.
    #[must_use]
    pub(super) fn left(&self) -> Allowance {
        self.allowance.after(self.spent)
    }

    /// The budget that the step has used up, if it has.
    #[must_use]
    pub fn used_up(&self) -> Option<(Span, String)> {
        self.allowance.used_up(self.spent)
    }

    /// Runs sessions until there is something to judge, or the step cannot go on; `rejected` is what was wrong with
    /// the attempt before, if there was one.
    ///
    /// # Errors
    /// When the machine fails.
    pub fn run(
        &mut self,
        job: &Job<'_>,
        workplace: &mut Workplace<'_>,
        attempt: (u32, u32),
        rejected: &str,
    ) -> Result<Done, StepError> {
        // A session that goes on knows the rest.
        let goes_on = self.conversation.is_some() && !rejected.is_empty();
        rejected.clone_into(&mut self.rejected);
        let mut text = if goes_on { rejected.to_owned() } else { self.afresh(job, "") };
        loop {
            let session = self.session(job);
            let (heard, there) = self.one(job, workplace, attempt, &session, &text)?;
            let failure = heard.failure().cloned();
            if failure.is_some() {
                self.others.retain(|profile| sandbox::choose(profile, job.world.process).is_ok());
            }
            let rotations = u32::try_from(self.handoffs.len()).unwrap_or(u32::MAX);
            let is_spent = self.used_up().is_some();
            let spare = Spare { others: !self.others.is_empty(), retries: self.retries, rotations, is_spent };
            let mut next = next::next(&heard.decision, failure.as_ref(), spare);
            if job.world.process.interrupted().is_some() {
                next = Next::Judge;
            }
            text = match &next {
                Next::Judge => return Ok(Done { heard, left: there, failure, next }),
                Next::Rest(failure) | Next::Person(failure) => {
                    self.retry_after = rest::after(job, &self.profile, failure)?;
                    return Ok(Done { failure: Some(failure.clone()), heard, left: there, next });
                }
                Next::Compact if self.compact(job, workplace, attempt, &heard)? => GO_ON.to_owned(),
                Next::Compact | Next::Rotate => match self.rotate(job, &heard, &there) {
                    Ok(text) => text,
                    Err(failure) => {
                        return Ok(Done { heard, left: there, failure: Some(failure), next: Next::Judge });
                    }
                },
                Next::Again(failure) => self.again(job, failure, &text),
                Next::Another(failure) => self.another(job, failure, &there)?,
            };
        }
    }

    /// The conversation of the next process.
    fn session(&self, job: &Job<'_>) -> Session {
        match &self.conversation {
            Some(conversation) => Session::Resumed(conversation.id.clone()),
            None if facts(self.profile.adapter).names_sessions => {
                Session::named(&format!("{}/{}", job.run, self.sessions.len()))
            }
            None => Session::New,
        }
    }

    /// Runs one process and notes what it came to.
    fn one(
        &mut self,
        job: &Job<'_>,
        workplace: &mut Workplace<'_>,
        attempt: (u32, u32),
        session: &Session,
        text: &str,
    ) -> Result<(Heard, site::Left), StepError> {
        let earlier = self.conversation.as_ref().map_or(Spent::default(), |conversation| conversation.spent);
        let compacting = matches!(session, Session::Compacted(_));
        let heard = session::run(
            job,
            workplace,
            &Turn {
                profile: &self.profile,
                number: self.sessions.len() + 1,
                attempt,
                session: session.clone(),
                earlier,
                text,
                limits: self.limits(job, compacting),
                before: self.spent,
                confinement: &self.confinement,
                started: self.started,
            },
        )?;
        let left = workplace.look(job.base.commit.tree, job.protected, job.is_gated(), job.reporter)?;
        job.reporter.event(&Event::AgentFinished {
            agent: self.profile.name.clone(),
            role: None,
            ended: heard.finished.ended.to_string(),
            duration_ms: heard.finished.duration_ms,
            tokens: heard.reply.tokens,
            files_changed: left.changes.len(),
            survivors: heard.finished.survivors,
        });
        self.note(job, &heard, session)?;
        Ok((heard, left))
    }

    /// What the next process may use.
    fn limits(&self, job: &Job<'_>, compacting: bool) -> Limits {
        let context = &job.base.config.context;
        let compacted = self.conversation.as_ref().map_or(0, |conversation| conversation.compactions);
        let may_compact = facts(self.profile.adapter).compacts && compacted < COMPACTIONS;
        let rotate_at = if may_compact { context.rotate_at } else { context.compact_at };
        let left = self.allowance.after(self.spent);
        Limits {
            now: if self.sessions.is_empty() { job.started } else { job.world.clock.now() },
            usd: left.usd,
            tokens: left.tokens,
            compact_at: Some(context.compact_at).filter(|_| may_compact && !compacting),
            rotate_at: Some(rotate_at).filter(|_| !compacting && self.handoffs.len() < ROTATIONS as usize),
            window: self.profile.context_window,
            price: self.profile.price,
        }
    }

    fn note(&mut self, job: &Job<'_>, heard: &Heard, session: &Session) -> Result<(), StepError> {
        let tally = &heard.tally;
        let used = Spent { tokens: heard.reply.tokens, cost_usd: heard.reply.cost_usd };
        self.spent = self.spent + used;
        self.peak = [self.peak, tally.peak].into_iter().flatten().reduce(f64::max);
        self.compactions += tally.compactions;
        let id = tally.session.clone().or_else(|| match session {
            Session::New => None,
            Session::Named(id) | Session::Resumed(id) | Session::Compacted(id) => Some(id.clone()),
        });
        self.conversation = id.clone().filter(|_| facts(self.profile.adapter).resumes).map(|id| {
            let earlier = self.conversation.take().filter(|earlier| earlier.id == id);
            let (spent, compactions) =
                earlier.map_or((Spent::default(), 0), |earlier| (earlier.spent, earlier.compactions));
            Conversation { id, spent: spent + used, compactions: compactions + tally.compactions }
        });
        self.sessions.push(AttemptRecord {
            ended: heard.finished.ended.to_string(),
            duration_ms: heard.finished.duration_ms,
            tokens: heard.reply.tokens,
            // The profile is the run's own, unless another takes over.
            session: id,
            failure: heard.failure().map(|failure| failure.kind.as_str().to_owned()),
            cost_usd: heard.reply.cost_usd,
            ..AttemptRecord::default()
        });
        self.note_spending(job)
    }

    /// Notes what the step has spent, until its record says it.
    fn note_spending(&self, job: &Job<'_>) -> Result<(), StepError> {
        let Spent { tokens, cost_usd } = self.spent;
        if tokens.total() == 0 && cost_usd.is_none() {
            return Ok(());
        }
        let entry = ledger::Entry {
            run: job.run.to_owned(),
            task: job.task.id.to_string(),
            started: job.started,
            tokens: tokens.total(),
            usd: cost_usd.unwrap_or_default(),
            told: false,
        };
        Ok(ledger::save(job.world.files, &entry)?)
    }

    /// Makes the conversation smaller; whether that could be done.
    fn compact(
        &mut self,
        job: &Job<'_>,
        workplace: &mut Workplace<'_>,
        attempt: (u32, u32),
        heard: &Heard,
    ) -> Result<bool, StepError> {
        let Some(id) = self.conversation.as_ref().map(|conversation| conversation.id.clone()) else {
            return Ok(false);
        };
        turned(job, "compacted", &format!("{}: the session is made smaller", cause(&heard.tally)));
        let (smaller, _) = self.one(job, workplace, attempt, &Session::Compacted(id), "")?;
        Ok(smaller.tally.failure.is_none() && smaller.tally.compactions > 0)
    }

    /// Hands over to a fresh session; says what it reads. Another one helps only as long as each has got
    /// somewhere.
    fn rotate(&mut self, job: &Job<'_>, heard: &Heard, there: &site::Left) -> Result<String, Failure> {
        let tree = there.seen.tree;
        if self.handed_over == Some(tree) || self.handoffs.len() >= ROTATIONS as usize {
            return Err(next::pointless(&heard.tally, &self.profile));
        }
        self.handed_over = Some(tree);
        turned(job, "rotated", &format!("{}: a fresh session takes over", cause(&heard.tally)));
        let handoff = handoff::build(job.task, &heard.tally, &there.changes);
        let text = self.afresh(job, &handoff.text());
        self.handoffs.push(handoff);
        self.conversation = None;
        Ok(text)
    }

    /// What a session reads that knows nothing yet.
    fn afresh(&self, job: &Job<'_>, handed_over: &str) -> String {
        let more = [handed_over, &self.rejected].into_iter().filter(|part| !part.is_empty());
        std::iter::once(&*job.prompt.text).chain(more).collect::<Vec<_>>().join("\n")
    }

    /// Waits; says what is read then.
    fn again(&mut self, job: &Job<'_>, failure: &Failure, text: &str) -> String {
        let dice = job.world.ids.random();
        let wait = failure.wait.filter(|wait| *wait <= WAIT.1);
        let wait = wait.unwrap_or_else(|| cooldown::backoff(WAIT.0, WAIT.1, self.retries * 2, dice));
        self.retries += 1;
        let said = format!("{}: tried again after {} s", describe(failure), wait.as_secs());
        turned(job, "retried", &said);
        job.world.process.wait(wait);
        if self.conversation.is_some() { GO_ON.to_owned() } else { text.to_owned() }
    }

    /// Lets another profile take over; says what it reads.
    fn another(&mut self, job: &Job<'_>, failure: &Failure, there: &site::Left) -> Result<String, StepError> {
        let from = self.profile.name.clone();
        rest::after(job, &self.profile, failure)?;
        for session in &mut self.sessions {
            session.agent.get_or_insert_with(|| from.clone());
        }
        let profile = self.others.remove(0);
        let because = format!("`{from}` failed: {}", describe(failure));
        turned(job, "fell_back", &format!("{because}; `{}` takes over", profile.name));
        self.confinement = confine::choose(job.world, &profile, job.reporter)?;
        self.profile = profile;
        self.handed_over = None;
        self.because = Some(because);
        self.conversation = None;
        self.retries = 0;
        Ok(self.afresh(job, &handoff::begun(&there.changes)))
    }

    /// Forgets the rests of the profile that has done its work.
    ///
    /// # Errors
    /// When the note cannot be removed.
    pub fn went_well(&self, job: &Job<'_>) -> Result<(), StepError> {
        let known = cooldown::load(job.world.files)?;
        if known.iter().any(|rest| rest.profile == self.profile.name) {
            cooldown::forget(job.world.files, &self.profile.name)?;
        }
        Ok(())
    }
}

pub(super) fn turned(job: &Job<'_>, how: &'static str, text: &str) {
    job.reporter.event(&Event::Turned { how, text: text.to_owned() });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::run::Tokens;

    #[test]
    fn costs_add_up_where_they_are_known() {
        let spent = |cost_usd| Spent { tokens: Tokens { input: 1, ..Tokens::default() }, cost_usd };
        assert_eq!((spent(None) + spent(None)).cost_usd, None);
        assert_eq!((spent(None) + spent(Some(0.5))).cost_usd, Some(0.5));
        assert_eq!((spent(Some(0.25)) + spent(Some(0.5))).tokens.input, 2);
    }
}
