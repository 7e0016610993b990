//! What a step takes on: a task, a profile for it, and the prompt; or why there is nothing to take on.

use super::assemble::Known;
use super::base::Base;
use super::error::StepError;
use super::occupied::{self, Occupied};
use super::past::{self, Limits};
use super::who::{self, Halt, Who};
use super::{Options, Planned, Plans, assemble, second};
use crate::effects::World;
use crate::prompt::Prompt;
use crate::route::{NoRoute, Past};
use crate::select::{self, Candidate, Idle};
use crate::state::graph::Standing;
use crate::state::status::Status;
use crate::state::task::Task;
use jiff::Timestamp;

/// How many tasks of the queue are looked at for one that somebody may take now.
const QUEUE_MAX: usize = 20;
/// The most times that the part of the queue doubles out of which a task is drawn.
const DOUBLINGS_MAX: usize = 5;

/// What a step takes on.
pub(super) enum Choice {
    /// This.
    Chosen(Box<Chosen>),
    /// A task that is too large for any agent, and that the caller may have split.
    Oversized(String),
    /// A task that has to be changed before anybody can take it, and why.
    Unfit(Box<Task>, String),
    /// Nothing is runnable.
    Nothing(Idle),
}

/// A task, who does it, and what they read.
pub(super) struct Chosen {
    pub(super) candidate: Candidate,
    pub(super) text: String,
    pub(super) task: Task,
    pub(super) who: Who,
    pub(super) prompt: Prompt,
}

/// Chooses: the task that was named, or the best one that somebody may take now; one near the best where
/// others took what was chosen before, so many times.
///
/// # Errors
/// When the named task cannot run, or nobody may take any now.
pub(super) fn choose(
    world: World<'_>,
    base: &Base,
    options: Options<'_>,
    taken: usize,
) -> Result<Choice, StepError> {
    let (graph, rules) = (&base.snapshot.graph, base.rules());
    if let Some(name) = options.agent.filter(|name| base.config.agents.iter().all(|each| each.name != **name))
    {
        return Err(StepError::UnknownAgent(name.to_owned()));
    }
    let (mut queue, waits) = match options.task {
        Some(id) => {
            let named = named(base, id)?;
            match Occupied::now(world, base)?.why_wait(world, base, named.index)? {
                None => (vec![named], Vec::new()),
                Some(why) => (Vec::new(), vec![(named.index, why)]),
            }
        }
        None => occupied::queue(world, base, QUEUE_MAX)?,
    };
    if taken > 0 {
        draw(&mut queue, taken, world.ids.random());
    }
    let limits = Limits::now(world, &base.config.agents)?;
    let mut wait: Option<(String, Option<Timestamp>)> = None;
    let mut nobody = None;
    for candidate in queue {
        match take_on(world, base, candidate, &limits, options)? {
            Taken::Choice(choice) => return Ok(choice),
            // The first time that somebody is free again is when to come back.
            Taken::Later(why, until) => {
                let earlier = wait.as_ref().is_some_and(|(_, known)| *known <= until && known.is_some());
                wait = if earlier { wait } else { Some((why, until)) };
            }
            // Others may still have somebody.
            Taken::Nobody(error) => nobody = nobody.or(Some(error)),
        }
    }
    if let Some((fact, until)) = wait {
        return Err(StepError::Paused { fact, until });
    }
    if let Some((index, why)) = waits.first() {
        return Err(StepError::Busy(format!("task `{}` {why}", graph.nodes()[*index].id)));
    }
    if let Some(error) = nobody {
        return Err(error);
    }
    match select::next(graph, rules) {
        select::Selection::Nothing(idle) => Ok(Choice::Nothing(idle)),
        select::Selection::Next(_) => Err(StepError::NoAgent("no agent profile can take it".to_owned())),
    }
}

/// Puts another one first. Many who look at one queue would all ask for its first task, and then all but
/// one of them for the second: out of twice as many each time, they soon ask for different ones.
fn draw(queue: &mut [Candidate], taken: usize, random: u128) {
    let among = queue.len().min(1 << taken.min(DOUBLINGS_MAX));
    let at = random.checked_rem(among as u128).and_then(|at| usize::try_from(at).ok()).unwrap_or_default();
    if let Some(drawn) = queue.get_mut(..=at).filter(|_| at > 0) {
        drawn.rotate_right(1);
        drawn[0].because.push_str(", drawn by lot: others took what came first");
    }
}

/// The task that was named, if it may run.
fn named(base: &Base, id: &str) -> Result<Candidate, StepError> {
    let (graph, rules) = (&base.snapshot.graph, base.rules());
    let index = base.find(id)?;
    match select::why_not(graph, rules, index) {
        None => Ok(Candidate { index, because: "named on the command line".to_owned() }),
        Some(why) if graph.standing(index, rules.agent_review) == Standing::Runnable => {
            Err(StepError::NoAgent(format!("task `{}` cannot run: {why}", graph.nodes()[index].id)))
        }
        Some(why) => Err(StepError::NotRunnable { id: graph.nodes()[index].id.to_string(), why }),
    }
}

enum Taken {
    Choice(Choice),
    /// Nobody may take it now; why, and until when.
    Later(String, Option<Timestamp>),
    /// No profile can take it, unless a person acts.
    Nobody(StepError),
}

fn take_on(
    world: World<'_>,
    base: &Base,
    candidate: Candidate,
    limits: &Limits,
    options: Options<'_>,
) -> Result<Taken, StepError> {
    let (text, task) = base.snapshot.task(world, candidate.index)?;
    if task.status == Status::NeedsReview {
        return review(world, base, candidate, (text, task), options);
    }
    let runs = past::recent(world, base)?;
    let trouble = past::trouble(world, base, &task, &runs)?;
    let notes = base.notes(world)?;
    let facts = past::facts(base, candidate.index, &task, &notes, &trouble);
    let past = Past::new(&runs, past::kinds(base));
    let (_, route) = past::route(base, &task, &facts, &past, limits, options.agent);
    let chosen = match route.chosen {
        Ok(at) => at,
        Err(why) => return Ok(nobody(base, task, why, options.plans)),
    };
    let unfit = |why| Ok(Taken::Choice(Choice::Unfit(Box::new(task.clone()), why)));
    let allowance = match who::allowance(world, base, &task)? {
        Ok(allowance) => allowance,
        Err(Halt::Hold(why)) => return unfit(why),
        Err(Halt::Pause(why, until)) => return Ok(Taken::Later(why, Some(until))),
    };
    let others = who::successors(base, &route, chosen, options.agent);
    let prompt = match assemble::assemble(
        world,
        base,
        candidate.index,
        &task,
        Known { trouble: &trouble, runs: &runs, notes: &notes },
    )? {
        Ok(prompt) => prompt,
        Err(too_large) => return unfit(too_large.to_string()),
    };
    Ok(Taken::Choice(Choice::Chosen(Box::new(Chosen {
        candidate,
        text,
        task,
        // The candidates are in the order of the configuration.
        who: Who { profile: base.config.agents[chosen].clone(), because: route.because, others, allowance },
        prompt,
    }))))
}

/// What becomes of a task that nobody may take.
fn nobody(base: &Base, task: Task, why: NoRoute, plans: Plans) -> Taken {
    match why {
        NoRoute::Oversized(why) => match plans {
            Plans::Others if base.config.plan.split => Taken::Later(why, None),
            Plans::Caller if base.config.plan.split => Taken::Choice(Choice::Oversized(task.id.to_string())),
            Plans::Others | Plans::Caller | Plans::Never => Taken::Choice(Choice::Unfit(Box::new(task), why)),
        },
        NoRoute::Nobody(why) => Taken::Nobody(StepError::NoAgent(why)),
        NoRoute::Missing(names) => Taken::Nobody(who::not_installed(base, &names)),
        NoRoute::Busy => Taken::Later("all agents that may take it are at work".to_owned(), None),
        NoRoute::Cooling(until) => {
            Taken::Later(format!("agents are cooling down until {until:.0}"), Some(until))
        }
    }
}

/// Takes on the review of work that waits for one.
fn review(
    world: World<'_>,
    base: &Base,
    candidate: Candidate,
    (text, task): (String, Task),
    options: Options<'_>,
) -> Result<Taken, StepError> {
    let who = match who::reviewer(world, base, &task, options.agent)? {
        Ok(who) => who,
        Err(Halt::Hold(why)) => return Ok(Taken::Later(why, None)),
        Err(Halt::Pause(why, until)) => return Ok(Taken::Later(why, Some(until))),
    };
    match second::prompt(world, base, &task)? {
        Ok(prompt) => {
            let chosen = Chosen { candidate, text, task, who, prompt };
            Ok(Taken::Choice(Choice::Chosen(Box::new(chosen))))
        }
        Err(too_large) => Ok(Taken::Later(format!("nobody can review `{}`: {too_large}", task.id), None)),
    }
}

impl Chosen {
    pub(super) fn into_planned(self, base: &Base) -> Planned {
        Planned {
            because: self.candidate.because,
            agent: self.who.profile.name,
            chosen_because: self.who.because,
            prompt: self.prompt,
            gates: base.config.gates.iter().map(|gate| (gate.name.clone(), gate.run.clone())).collect(),
            task: self.task,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_drawn_comes_first_and_nothing_else_changes(
            length in 0..40_usize,
            taken in 1..100_usize,
            random: u128,
        ) {
            let candidate = |index| Candidate { index, because: "it is ready".to_owned() };
            let mut queue: Vec<Candidate> = (0..length).map(candidate).collect();
            draw(&mut queue, taken, random);
            let drawn = queue.first().map_or(0, |first| first.index);
            prop_assert!(drawn < length.clamp(1, 1 << taken.min(DOUBLINGS_MAX)));
            let first = (length > 0).then_some(drawn);
            let expected = first.into_iter().chain((0..length).filter(|index| *index != drawn));
            prop_assert_eq!(queue.iter().map(|each| each.index).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            prop_assert_eq!(queue.iter().filter(|each| each.because != "it is ready").count(), usize::from(drawn > 0));
        }
    }

    #[test]
    fn those_who_draw_at_once_draw_different_ones() {
        let drawn = |random| {
            let candidate = |index| Candidate { index, because: String::new() };
            let mut queue: Vec<Candidate> = (0..20).map(candidate).collect();
            draw(&mut queue, 4, random);
            queue[0].index
        };
        let all: std::collections::BTreeSet<usize> = (0..16).map(drawn).collect();
        assert_eq!(all.len(), 16);
    }
}
