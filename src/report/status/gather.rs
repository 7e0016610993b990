//! Gathering the state of affairs.

use super::{NAMED_MAX, Need, NotLanded, Status, Unfit, alert};
use crate::config::Config;
use crate::effects::{EffectError, Head, Oid, World};
use crate::report::at_work::AtWork;
use crate::report::graph::Look;
use crate::select::mode::InForce;
use crate::select::{Rules, why_not};
use crate::state::cooldown::{self, Cooldown};
use crate::state::digest::Digest;
use crate::state::graph::Index;
use crate::state::id::TaskId;
use crate::state::ledger::{self, Sum};
use crate::state::note::{Note, NoteStatus};
use crate::state::notes;
use crate::state::problem::Problem;
use crate::state::runs;
use crate::state::settle::settled;
use crate::state::store::{self, Snapshot};
use crate::state::task::{TITLE_CHARS, Task, one_line};
use crate::step::choice::Queue;
use crate::step::journal;
use crate::step::lease::Claim;
use crate::step::offered::what_to_type;
use crate::step::review::waiting;
use jiff::Timestamp;

/// How many uncommitted paths are looked for.
pub const PATHS_MAX: usize = 1_000;

/// What the state of affairs is gathered from.
#[derive(Debug, Clone, Copy)]
pub struct Given<'g> {
    /// The name of the project's folder.
    pub project: &'g str,
    /// Tasks and their graph.
    pub snapshot: &'g Snapshot,
    /// The configuration, if it can be used.
    pub config: Option<&'g Config>,
    /// What selection has to know of it.
    pub rules: Rules,
    /// The scheduling policy in force, and why.
    pub mode: &'g InForce,
    /// What a step could take now; none where nobody has looked at who is free.
    pub queue: Option<&'g Queue>,
    /// Tasks that are being worked on.
    pub running: &'g [Index],
    /// Who works on them.
    pub claims: &'g [Claim],
    /// Paths of the state that are not committed; none where there is nothing to compare.
    pub uncommitted: Option<&'g [String]>,
    /// What speaks against committing them.
    pub unfit: Unfit,
    /// The commit that was asked for, if one was.
    pub at: Option<Oid>,
    /// The branch that was asked for, where it is not the one that is checked out, and its tip.
    pub branch: Option<(&'g str, Oid)>,
}

/// Gathers the state of affairs, with what is wrong with run records.
///
/// # Errors
/// When the repository cannot be read.
pub fn gather(world: World<'_>, given: Given<'_>) -> Result<(Status, Vec<Problem>), EffectError> {
    let (graph, rules) = (&given.snapshot.graph, given.rules);
    let (branch, commit) = match (given.at, given.branch, world.git.head()?) {
        (Some(commit), _, _) => (None, Some(commit)),
        (None, Some((branch, tip)), _) => (Some(branch.to_owned()), Some(tip)),
        (None, None, Head::Branch(branch, tip)) => (Some(branch), tip),
        (None, None, Head::Detached(tip)) => (None, Some(tip)),
    };
    // What was is judged by the clock of its own time.
    let now = match given.at {
        Some(commit) => world.git.commit(commit)?.time,
        None => world.clock.now(),
    };
    let ((day, month), source) = (super::periods(now), &given.snapshot.source);
    let (runs, mut problems) = runs::since(world, source, month.min(super::window(now)), now)?;
    let looks = looks(given);
    let people = super::needing_a_person(graph, &looks);
    let proposed = proposals(world, given.snapshot, &mut problems)?;
    let named = people.iter().take(NAMED_MAX).map(|&index| need(world, given, index, looks[index]));
    let recent = settle(world, given, runs::recent(world, source, now)?.0);
    let mut status = Status {
        project: given.project.to_owned(),
        branch,
        commit: commit.map(|commit| commit.to_string()),
        uncommitted: given.uncommitted.map(<[String]>::to_vec),
        unfit: given.unfit,
        has_unreadable: given.snapshot.problems.iter().any(Problem::is_error),
        counts: super::counts(&looks),
        running: given.running.iter().map(|&index| graph.nodes()[index].id.to_string()).collect(),
        leases: given.claims.iter().map(AtWork::from).collect(),
        next: match given.queue {
            Some(queue) => super::named(graph, &queue.free),
            None => super::named(graph, &super::next(graph, rules, given.running)),
        },
        waits: given.queue.map(|queue| super::queue::waits(graph, queue, given.running)).unwrap_or_default(),
        ready: looks.iter().filter(|look| **look == Look::Ready).count(),
        without_agent: super::without_agent(graph, rules),
        needs_you_total: people.len() + proposed.len(),
        needs_you: named.chain(proposed.into_iter().take(NAMED_MAX)).collect(),
        last_step: super::last_step(&runs, now),
        today: super::usage(&runs, day),
        month: super::usage(&runs, month),
        not_landed: if given.at.is_none() { not_landed(world, &runs, month)? } else { NotLanded::default() },
        health: super::health(graph, &looks, &settle(world, given, runs), now),
        mode: given.mode.mode.as_str(),
        mode_because: given.mode.because.clone(),
        mode_policy: given.config.map_or("unknown", |config| config.policy.mode.as_str()),
        ..limits(given.config)
    };
    status.alerts = alert::alerts(&alert::Given {
        health: &status.health,
        ready: status.ready,
        usage: (&status.today, &status.month),
        config: given.config,
        unusable: &unusable(world, given, now)?,
        runs: &recent,
        now,
    });
    Ok((status, problems))
}

/// The steps of this clone since a time that left no record, and are over.
fn not_landed(world: World<'_>, runs: &[Digest], from: Timestamp) -> Result<NotLanded, EffectError> {
    let at_work = journal::at_work(world)?;
    let is_over = |run: &str| {
        runs.iter().all(|known| known.id.as_str() != run) && at_work.iter().all(|working| working.run != run)
    };
    let (mut steps, mut sum) = (0, Sum::default());
    for entry in
        ledger::load(world.files)?.iter().filter(|entry| entry.started >= from && is_over(&entry.run))
    {
        steps += 1;
        sum.add(Some(entry.usd), entry.tokens);
    }
    Ok(NotLanded { steps, cost_usd: sum.usd, tokens: sum.tokens })
}

/// Runs, with what became of their work.
fn settle(world: World<'_>, given: Given<'_>, runs: Vec<Digest>) -> Vec<Digest> {
    let graph = &given.snapshot.graph;
    let stands = |task: &TaskId| graph.find(task.as_str()).map(|at| graph.nodes()[at].status);
    settled(runs, stands, store::undone(world, &given.snapshot.source))
}

/// What every task looks like, with what a person has to look at before a step takes it.
fn looks(given: Given<'_>) -> Vec<Look> {
    let mut looks = super::looks(&given.snapshot.graph, given.rules, given.running);
    for (index, ..) in given.queue.into_iter().flat_map(|queue| &queue.people) {
        looks[*index] = Look::Person;
    }
    looks
}

/// Profiles of the configuration that cannot work before a person has acted, as far as is known now.
fn unusable(world: World<'_>, given: Given<'_>, now: Timestamp) -> Result<Vec<Cooldown>, EffectError> {
    let mut known = cooldown::load(world.files)?;
    let is_there = |name: &str| {
        given.config.is_some_and(|config| config.agents.iter().any(|profile| profile.name == name))
    };
    known.retain(|rest| {
        given.at.is_none() && rest.todo.is_some() && rest.lasts(now) && is_there(&rest.profile)
    });
    Ok(known)
}

/// What may be spent.
fn limits(config: Option<&Config>) -> Status {
    let budget = config.map(|config| config.budget.clone()).unwrap_or_default();
    Status {
        day_usd: budget.day_usd,
        month_usd: budget.month_usd,
        day_tokens: budget.day_tokens,
        month_tokens: budget.month_tokens,
        ..Status::default()
    }
}

/// The notes that wait for a person.
fn proposals(
    world: World<'_>,
    snapshot: &Snapshot,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Need>, EffectError> {
    let (notes, of_notes) = notes::load(world, &snapshot.source)?;
    problems.extend(of_notes);
    let all = notes.all();
    let waits = all.iter().filter(|note| note.status == NoteStatus::Proposed);
    let need = |note: &Note| Need {
        id: note.id.to_string(),
        title: one_line(&note.text, TITLE_CHARS),
        status: note.status.as_str(),
        why: format!("{} proposed by an agent: {}", note.kind.as_str(), one_line(&note.text, TITLE_CHARS)),
        todo: format!("orch note approve {}", note.id),
        look: Look::Proposed,
    };
    Ok(waits.map(need).collect())
}

/// What a person has to do about a task; its reason is in its file.
fn need(world: World<'_>, given: Given<'_>, index: Index, look: Look) -> Need {
    let graph = &given.snapshot.graph;
    let node = &graph.nodes()[index];
    let task = given.snapshot.task(world, index).ok().map(|(_, task)| task);
    let reason = task.as_ref().and_then(|task| task.reason.clone());
    let derived = || why_not(graph, given.rules, index).unwrap_or_default();
    let review = || match &task {
        Some(task) => review(world, given, (index, task)),
        None => (format!("to review: {}", node.title), format!("orch show {}", node.id)),
    };
    let (why, todo) = super::advice(graph, index, look, reason, (derived, review));
    let status = graph.status(index).as_str();
    Need { id: node.id.to_string(), title: node.title.to_string(), status, why, todo, look }
}

/// Why a person has to look at work that waits, and what to type.
fn review(world: World<'_>, given: Given<'_>, (index, task): (Index, &Task)) -> (String, String) {
    let node = &given.snapshot.graph.nodes()[index];
    // What lands by a pull request names its branch.
    if task.reason.is_some() {
        let (typed, is_unseen) = what_to_type(world, task, &node.path)
            .unwrap_or_else(|_| (format!("orch show {}", node.id), false));
        let or = if is_unseen {
            format!(" (or `orch reject {}`, if its branch is gone there)", node.id)
        } else {
            String::new()
        };
        return (format!("to merge: {}{or}", node.title), typed);
    }
    let mut told = given.queue.into_iter().flat_map(|queue| &queue.people);
    if let Some((_, why, way)) = told.find(|(at, ..)| *at == index) {
        return (why.clone(), way.command(node.id.as_str()));
    }
    match waiting(world, &given.snapshot.source, task) {
        Ok(Err((why, way))) => (why, way.command(node.id.as_str())),
        Ok(Ok(_)) | Err(_) => (format!("to review: {}", node.title), format!("orch approve {}", node.id)),
    }
}
