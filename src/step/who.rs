//! Who does a task, who can take over from them, and what they may spend.

use super::base::Base;
use super::budget::{self, Allowance, Span};
use super::consult;
use super::env::is_installed;
use super::error::StepError;
use super::journal;
use super::{quarantine, second};
use crate::agent::failure::FailureKind;
use crate::agent::program;
use crate::agent::todo::todo;
use crate::config::{Adapter, Profile};
use crate::effects::World;
use crate::review::GATE;
use crate::route::Route;
use crate::route::choose::ranked;
use crate::state::ledger::{self, Spending, Sum};
use crate::state::problem::Problem;
use crate::state::run::{Run, VerdictKind};
use crate::state::runs;
use crate::state::task::Task;
use jiff::Timestamp;

/// Who does a task.
#[derive(Debug, Clone)]
pub struct Who {
    /// The profile.
    pub profile: Profile,
    /// Why it and no other.
    pub because: String,
    /// Those that can take over, the best first.
    pub others: Vec<Profile>,
    /// What the step may spend.
    pub allowance: Allowance,
}

impl Who {
    /// The same, who may spend no more than what a run has left, in USD.
    #[must_use]
    pub fn within(self, run: Option<f64>) -> Self {
        Self { allowance: self.allowance.within(run), ..self }
    }
}

/// What speaks against running a task now.
#[derive(Debug)]
pub enum Halt {
    /// A budget is spent until then.
    Pause(String, Timestamp),
    /// A person has to act first; why.
    Hold(String),
}

/// Those that could have been chosen as well, the best first; none where one was named.
#[must_use]
pub fn successors(base: &Base, route: &Route, chosen: usize, wanted: Option<&str>) -> Vec<Profile> {
    if wanted.is_some() {
        return Vec::new();
    }
    let free = ranked(&route.candidates, false).into_iter().filter(|&at| at != chosen);
    free.map(|at| base.config.agents[at].clone()).collect()
}

/// Chooses who reviews the work of a task: nobody who had a hand in it. The inner result says why
/// nobody can, and whether that may change by itself.
///
/// # Errors
/// When the machine fails.
pub fn reviewer(
    world: World<'_>,
    base: &Base,
    task: &Task,
    wanted: Option<&str>,
    noted: &[ledger::Entry],
) -> Result<Result<Who, Halt>, StepError> {
    let (runs, _) = runs::of_task(world, &base.snapshot.source, &task.id, u32::MAX)?;
    let authors = authors(&runs);
    let wrote = authors.join(", ");
    // Who is named is asked once more.
    let silent = if wanted.is_none() { silent(&runs) } else { Vec::new() };
    let but: Vec<&str> = authors.iter().chain(&silent).map(String::as_str).collect();
    let named = |profile: &&Profile| wanted.is_none_or(|name| profile.name == name);
    let agents: Vec<Profile> = base.config.agents.iter().filter(named).cloned().collect();
    let Some(profile) = consult::another(world, &agents, &but)?.cloned() else {
        let unusable = consult::unusable(world, &agents, &but)?;
        let why = match silent.as_slice() {
            [] if unusable.is_empty() => format!("no profile can review now what {wrote} wrote"),
            [] => format!("no profile can review now what {wrote} wrote: {}", unusable.join(", ")),
            silent => format!(
                "`{}` gave no review that can be read, asked {} times",
                silent.join("`, `"),
                quarantine::SAME
            ),
        };
        let until = consult::first_awake(world, &agents, &but)?;
        return Ok(Err(until.map_or(Halt::Hold(why.clone()), |until| Halt::Pause(why, until))));
    };
    let because = format!("reviews the work of {wrote}");
    let who = |allowance| Who { profile, because, others: Vec::new(), allowance };
    Ok(allowance(world, base, task, noted)?.map(who))
}

/// Chooses who plans: the profile that is named, else the most capable one.
///
/// # Errors
/// When the machine fails, or there is no such profile.
pub fn planner(
    world: World<'_>,
    base: &Base,
    task: &Task,
    wanted: Option<&str>,
) -> Result<Result<Who, Halt>, StepError> {
    let agents = &base.config.agents;
    let wanted = wanted.or(base.config.plan.agent.as_deref());
    if let Some(name) = wanted {
        base.profile(name)?;
    }
    let named: Vec<Profile> =
        agents.iter().filter(|profile| wanted.is_none_or(|name| profile.name == name)).cloned().collect();
    if named.iter().all(|profile| profile.adapter == Adapter::Shell) {
        return Err(StepError::NoAgent("there is no agent that can plan".to_owned()));
    }
    let able = || named.iter().filter(|profile| profile.adapter != Adapter::Shell);
    if able().all(|profile| !is_installed(world, profile)) {
        let names: Vec<String> = able().map(|profile| profile.name.clone()).collect();
        return Err(not_installed(base, &names));
    }
    let Some(profile) = consult::another(world, &named, &[])?.cloned() else {
        let why = "every agent that can plan rests".to_owned();
        let until = consult::first_awake(world, &named, &[])?;
        return Ok(Err(until.map_or(Halt::Hold(why.clone()), |until| Halt::Pause(why, until))));
    };
    let because = if wanted.is_some() { "named as the planner" } else { "the most capable profile plans" };
    let who = |allowance| Who { profile, because: because.to_owned(), others: Vec::new(), allowance };
    Ok(allowance(world, base, task, &ledger::load(world.files)?)?.map(who))
}

/// What a person has to install so that one of these profiles can work.
#[must_use]
pub fn not_installed(base: &Base, names: &[String]) -> StepError {
    let of_them = base.config.agents.iter().filter(|profile| names.contains(&profile.name));
    let needs = |profile: &Profile| format!("`{}` needs `{}`", profile.name, program(profile));
    let all: Vec<String> = of_them.clone().map(needs).collect();
    let todo = of_them.map(|profile| todo(profile, FailureKind::Missing)).next().unwrap_or_default();
    let fact = format!("no agent is installed that can take it: {}", all.join(", "));
    StepError::Unusable { agent: None, fact, todo }
}

/// Every profile that worked on a task, by its runs.
fn authors(runs: &[Run]) -> Vec<String> {
    let of_task = runs.iter().filter(|run| run.at_work() > 0);
    let sessions = |run: &Run| {
        let at_work = run.attempts.iter().filter(|session| session.role.is_none());
        at_work.filter_map(|session| session.agent.clone()).collect::<Vec<_>>()
    };
    let mut authors: Vec<String> =
        of_task.flat_map(|run| std::iter::once(run.agent.clone()).chain(sessions(run))).collect();
    authors.sort();
    authors.dedup();
    authors
}

/// The profiles that are not asked any more to review the work that waits: as often as is enough, they gave no
/// review that can be read. The runs are of one task, the newest first.
fn silent(runs: &[Run]) -> Vec<String> {
    let work = runs.iter().position(|run| run.decides.is_none()).map_or(runs.len(), |at| at + 1);
    let unread =
        |run: &&Run| run.gates.iter().any(|gate| gate.name == GATE && gate.verdict == VerdictKind::Error);
    let last = |run: &Run| {
        let asked = run.attempts.iter().rfind(|session| session.role.as_deref() == Some(second::ROLE))?;
        asked.agent.clone().filter(|_| !quarantine::is_passing(asked.failure.as_ref()))
    };
    let mut asked: Vec<String> = runs[..work].iter().filter(unread).filter_map(last).collect();
    asked.sort();
    let enough =
        asked.chunk_by(|one, next| one == next).filter(|times| times.len() >= quarantine::SAME as usize);
    enough.map(|times| times[0].clone()).collect()
}

/// What a step may spend on a task now.
///
/// # Errors
/// When the records cannot be read. A budget that is spent is the inner result.
pub fn allowance(
    world: World<'_>,
    base: &Base,
    task: &Task,
    noted: &[ledger::Entry],
) -> Result<Result<Allowance, Halt>, StepError> {
    let limits = &base.config.budget;
    if !budget::looks_back(limits) {
        return Ok(budget::allowance(limits, &Spending::default()).map_err(|spent| Halt::Hold(spent.fact)));
    }
    let now = world.clock.now();
    let whole = limits.task_usd.is_some() || limits.task_tokens.is_some();
    let of_task = (&task.id, whole);
    let (mut spending, problems) = ledger::spending(world, &base.snapshot.source, of_task, noted, now)?;
    // What a record says was spent, and nobody can read, may be all that there is.
    if problems.iter().any(Problem::is_error) {
        return Err(StepError::Invalid(problems));
    }
    let promised = promised(world, noted)?;
    for sum in [&mut spending.day, &mut spending.month] {
        sum.add(Some(promised.usd), promised.tokens);
    }
    let (day, month) = ledger::ends(now);
    let at_work = promised.usd > 0.0 || promised.tokens > 0;
    let fact = |fact| if at_work { format!("{fact}, with what steps at work may spend") } else { fact };
    Ok(budget::allowance(limits, &spending).map_err(|spent| match spent.span {
        Span::Step | Span::Task | Span::Run => Halt::Hold(spent.fact),
        Span::Day => Halt::Pause(fact(spent.fact), day),
        Span::Month => Halt::Pause(fact(spent.fact), month),
    }))
}

/// What the steps at work may spend beside what they have spent already: of a day's and a month's budget it is
/// gone, until they have ended and it is known what they really spent.
fn promised(world: World<'_>, noted: &[ledger::Entry]) -> Result<Sum, StepError> {
    let mut promised = Sum::default();
    for working in journal::at_work(world)? {
        let own = noted.iter().find(|entry| entry.run == working.run);
        let (usd, tokens) = own.map_or((0.0, 0), |entry| (entry.usd, entry.tokens));
        let left = working.may_usd.map(|may| (may - usd).max(0.0));
        promised.add(left, working.may_tokens.unwrap_or_default().saturating_sub(tokens));
    }
    Ok(promised)
}
