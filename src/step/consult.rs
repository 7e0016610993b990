//! Asking another agent about the work, or about what comes next.
//!
//! In: a profile and what it reads. Out: what was [`Heard`]. Invariant: what it changes in the workplace is
//! not looked at and goes away; what it uses counts against the same budgets.

use super::attempt::Job;
use super::confine;
use super::course::Course;
use super::env::is_installed;
use super::error::StepError;
use super::event::Event;
use super::rest;
use super::session::{self, Heard, Turn};
use super::site::Workplace;
use crate::agent::stream::{Session, Spent};
use crate::agent::watch::Limits;
use crate::agent::{facts, program};
use crate::config::{Adapter, Profile};
use crate::effects::{Oid, World};
use crate::state::cooldown;
use crate::state::run::AttemptRecord;
use jiff::Timestamp;

/// What is asked of whom.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// Who is asked.
    pub profile: &'q Profile,
    /// What for: the word in the run record.
    pub role: &'static str,
    /// What it reads.
    pub text: &'q str,
    /// What lies in the workplace while it looks.
    pub tree: Oid,
}

/// Asks, in one session of its own.
///
/// # Errors
/// When the machine fails.
pub fn ask(
    job: &Job<'_>,
    course: &mut Course,
    workplace: &mut Workplace<'_>,
    question: Question<'_>,
) -> Result<Heard, StepError> {
    let Question { profile, role, text, tree } = question;
    if workplace.holds() != tree {
        workplace.restore(tree)?;
    }
    let number = course.sessions.len() + 1;
    let own =
        (profile.name != job.who.profile.name).then(|| confine::choose(job.world, profile, job.reporter));
    let own = own.transpose()?;
    let named = facts(profile.adapter).names_sessions;
    let session = if named { Session::named(&format!("{}/{number}", job.run)) } else { Session::New };
    let heard = session::run(
        job,
        workplace,
        &Turn {
            profile,
            number,
            attempt: (1, 1),
            session,
            earlier: Spent::default(),
            text,
            limits: limits(job, course, profile),
            before: course.spent,
            confinement: own.as_ref().unwrap_or(job.confinement),
            started: job.started,
        },
    )?;
    workplace.restore(tree)?;
    job.reporter.event(&Event::AgentFinished {
        agent: profile.name.clone(),
        role: Some(role.to_owned()),
        ended: heard.finished.ended.to_string(),
        duration_ms: heard.finished.duration_ms,
        tokens: heard.reply.tokens,
        files_changed: 0,
        survivors: heard.finished.survivors,
    });
    let record = AttemptRecord {
        ended: heard.finished.ended.to_string(),
        duration_ms: heard.finished.duration_ms,
        tokens: heard.reply.tokens,
        agent: Some(profile.name.clone()),
        failure: heard.failure().map(|failure| failure.kind.as_str().to_owned()),
        role: Some(role.to_owned()),
        cost_usd: heard.reply.cost_usd,
        ..AttemptRecord::default()
    };
    if let Some(failure) = heard.failure() {
        rest::after(job, profile, failure)?;
    }
    course.count(job, record, Spent { tokens: heard.reply.tokens, cost_usd: heard.reply.cost_usd })?;
    Ok(heard)
}

/// What is left of the budgets, and no other limit: a question is short.
fn limits(job: &Job<'_>, course: &Course, profile: &Profile) -> Limits {
    let left = course.left();
    Limits {
        now: job.world.clock.now(),
        usd: left.usd,
        tokens: left.tokens,
        compact_at: None,
        rotate_at: None,
        window: profile.context_window,
        price: profile.price,
    }
}

/// When the first of these profiles that rests, and is not one of those, is awake again.
///
/// # Errors
/// When what rests cannot be read.
pub fn first_awake(
    world: World<'_>,
    profiles: &[Profile],
    but: &[&str],
) -> Result<Option<Timestamp>, StepError> {
    let now = world.clock.now();
    let mut rests = cooldown::load(world.files)?;
    let could = |name: &str| !but.contains(&name) && profiles.iter().any(|profile| profile.name == name);
    rests.retain(|rest| rest.todo.is_none() && rest.lasts(now) && could(&rest.profile));
    Ok(rests.iter().map(|rest| rest.until).min())
}

/// Those of these profiles that are not one of those, and cannot work before a person has acted: why not, and what
/// that is.
///
/// # Errors
/// When what rests cannot be read.
pub fn unusable(world: World<'_>, profiles: &[Profile], but: &[&str]) -> Result<Vec<String>, StepError> {
    let now = world.clock.now();
    let rests = cooldown::load(world.files)?;
    let spare = profiles
        .iter()
        .filter(|profile| profile.adapter != Adapter::Shell && !but.contains(&profile.name.as_str()));
    let why = |profile: &Profile| {
        if !is_installed(world, profile) {
            return Some(format!("`{}` needs `{}`", profile.name, program(profile)));
        }
        let rest = rests.iter().find(|rest| rest.profile == profile.name && rest.lasts(now))?;
        let todo = rest.todo.as_ref()?;
        Some(format!("`{}` cannot work: {}; {todo}", profile.name, rest.why))
    };
    Ok(spare.filter_map(why).collect())
}

/// The most capable profile that is installed, not one of these and does not rest; the first of equals.
///
/// # Errors
/// When what rests cannot be read.
pub fn another<'p>(
    world: World<'_>,
    profiles: &'p [Profile],
    but: &[&str],
) -> Result<Option<&'p Profile>, StepError> {
    let now = world.clock.now();
    let rests = cooldown::load(world.files)?;
    let rests = |name: &str| rests.iter().any(|rest| rest.profile == name && rest.lasts(now));
    let spare = profiles.iter().filter(|profile| {
        profile.adapter != Adapter::Shell
            && !but.contains(&profile.name.as_str())
            && !rests(&profile.name)
            && is_installed(world, profile)
    });
    Ok(spare.reduce(|best, next| if next.capability > best.capability { next } else { best }))
}
