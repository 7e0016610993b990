//! What a step takes on: a task, a profile for it, and the prompt; or why there is nothing to take on.

use super::assemble::Known;
use super::base::Base;
use super::error::{StepError, Way};
use super::event::{Event, Reporter};
use super::met::Met;
use super::occupied::{self, Occupied, Waiting};
use super::passed::{Pass, Passed};
use super::past::{self, Limits};
use super::who::{self, Halt, Who};
use super::{Options, Planned, Plans, assemble, quarantine, second, upstream};
use crate::effects::{self, World};
use crate::prompt::{Prompt, Trouble};
use crate::route::{NoRoute, Past};
use crate::select::{self, Candidate, Idle};
use crate::state::digest::Digest;
use crate::state::graph::{Index, Standing};
use crate::state::note::Gist;
use crate::state::status::Status;
use crate::state::task::Task;

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
/// others took what was chosen before, so many times. Who turned out just now to need a person first is not asked;
/// who did so before is asked last, where nobody else may take any.
///
/// # Errors
/// When the named task cannot run, or nobody may take any now.
pub(super) fn choose(
    world: World<'_>,
    base: &Base,
    options: Options<'_>,
    met: &mut Met,
) -> Result<Choice, StepError> {
    let (graph, rules) = (&base.snapshot.graph, base.rules());
    if let Some(name) = options.agent {
        base.profile(name)?;
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
    if met.taken > 0 {
        draw(&mut queue, met.taken, world.ids.random());
    }
    let mut limits = Limits::now(world, &base.config.agents)?;
    let mut passed = Passed::default();
    loop {
        for candidate in &queue {
            match take_on(world, base, candidate.clone(), &limits, options)? {
                Ok(choice) => return Ok(choice),
                Err(why) => {
                    met.unread(&graph.nodes()[candidate.index].id, &why);
                    passed.over(why);
                }
            }
        }
        if passed.wait.is_some() || !limits.ask_again(|name| met.unusable.iter().all(|each| each != name)) {
            break;
        }
        passed = Passed::default();
    }
    if let (None, Some((index, why))) = (&passed.wait, waits.first()) {
        return Err(StepError::Busy(format!("task `{}` {why}", graph.nodes()[*index].id)));
    }
    if let Some(error) = passed.error() {
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

/// Why nobody does a task.
enum Unstaffed {
    /// It ends the choice: the task has to be changed first.
    Ends(Choice),
    /// Others may still have somebody.
    Passes(Pass),
}

/// What a step could take now.
#[derive(Debug)]
pub struct Queue {
    /// Tasks that somebody may take, in the order in which a step would.
    pub free: Vec<Candidate>,
    /// Those before them that have to wait, or to be changed first.
    pub waits: Vec<Waiting>,
    /// Those of them whose work waits for a person: why, and what can be done.
    pub people: Vec<(Index, String, Way)>,
    /// What a step would say where nobody may take any.
    pub error: Option<StepError>,
}

/// What a step could take now, at most `limit` tasks.
///
/// # Errors
/// When the state cannot be read.
pub fn queue(world: World<'_>, base: &Base, limit: usize) -> Result<Queue, StepError> {
    let mut limits = Limits::now(world, &base.config.agents)?;
    let queue = free(world, base, limit, &limits)?;
    // Who needed a person first is asked last.
    let again = queue.free.is_empty() && queue.error.as_ref().is_some_and(|error| !is_paused(error));
    if again && limits.ask_again(|_| true) { free(world, base, limit, &limits) } else { Ok(queue) }
}

fn is_paused(error: &StepError) -> bool {
    matches!(error, StepError::Paused { .. })
}

/// What could be taken with these limits.
fn free(world: World<'_>, base: &Base, limit: usize, limits: &Limits) -> Result<Queue, StepError> {
    let (all, mut waits) = occupied::queue(world, base, limit.max(QUEUE_MAX))?;
    let (mut free, mut people, mut passed) = (Vec::new(), Vec::new(), Passed::default());
    for candidate in all {
        if free.len() == limit {
            break;
        }
        match why_passed(world, base, &candidate, limits)? {
            None => free.push(candidate),
            Some(why) => {
                waits.push((candidate.index, why.spell()));
                if let Pass::Nobody(StepError::Unreviewed { why, way, .. }) = &why {
                    people.push((candidate.index, why.clone(), way.clone()));
                }
                passed.over(why);
            }
        }
    }
    let error = passed.error().filter(|_| free.is_empty());
    Ok(Queue { free, waits, people, error })
}

/// Why a step would pass a task over; none if it would take it.
fn why_passed(
    world: World<'_>,
    base: &Base,
    candidate: &Candidate,
    limits: &Limits,
) -> Result<Option<Pass>, StepError> {
    let waits = base.snapshot.graph.status(candidate.index) == Status::NeedsReview;
    Ok(match take_on(world, base, candidate.clone(), limits, Options::default()) {
        Ok(Ok(Choice::Chosen(_) | Choice::Oversized(_) | Choice::Nothing(_))) => None,
        Ok(Ok(Choice::Unfit(_, why))) => Some(Pass::Unfit(why)),
        Ok(Err(why)) => Some(why),
        // Whether waiting work still fits is seen by merging it, which writes: where nothing can be written, a
        // question is answered all the same.
        Err(StepError::Effect(error)) if waits && error.trouble.forbids_writing() => None,
        Err(error) => return Err(error),
    })
}

/// Who does a task, and what is known about it by then.
struct Staff<'b> {
    who: Who,
    runs: &'b [Digest],
    trouble: Vec<Trouble>,
    notes: Vec<Gist<'b>>,
}

/// Chooses who does a task.
fn staff<'b>(
    world: World<'_>,
    base: &'b Base,
    index: Index,
    task: &Task,
    limits: &Limits,
    options: Options<'_>,
) -> Result<Result<Staff<'b>, Unstaffed>, StepError> {
    let runs = past::recent(world, base)?;
    let trouble = past::trouble(world, base, task, runs)?;
    let notes = base.notes(world)?;
    let facts = past::facts(base, index, task, &notes, &trouble);
    let past = Past::new(runs, past::kinds(base));
    let (_, route) = past::route(base, task, &facts, &past, limits, options.agent);
    let chosen = match route.chosen {
        Ok(at) => at,
        Err(why) => return Ok(Err(nobody(base, task, why, (limits, options.plans)))),
    };
    let allowance = match who::allowance(world, base, task, &limits.noted)? {
        Ok(allowance) => allowance,
        Err(Halt::Hold(why)) => return Ok(Err(Unstaffed::Ends(unfit(task, why)))),
        Err(Halt::Pause(why, until)) => {
            return Ok(Err(Unstaffed::Passes(Pass::Later(why, Some(until)))));
        }
    };
    let others = who::successors(base, &route, chosen, options.agent);
    // The candidates are in the order of the configuration.
    let profile = base.config.agents[chosen].clone();
    let who = Who { profile, because: route.because, others, allowance }.within(options.most_usd);
    Ok(Ok(Staff { who, runs, trouble, notes }))
}

fn unfit(task: &Task, why: String) -> Choice {
    Choice::Unfit(Box::new(task.clone()), why)
}

fn take_on(
    world: World<'_>,
    base: &Base,
    candidate: Candidate,
    limits: &Limits,
    options: Options<'_>,
) -> Result<Result<Choice, Pass>, StepError> {
    let (text, task) = base.snapshot.task(world, candidate.index)?;
    if task.status == Status::NeedsReview {
        return review(world, base, candidate, (text, task), (limits, options));
    }
    if let Some(why) = quarantine::cut_off(&limits.noted, &task) {
        return Ok(Ok(unfit(&task, why)));
    }
    let Staff { who, runs, trouble, notes } =
        match staff(world, base, candidate.index, &task, limits, options)? {
            Ok(staff) => staff,
            Err(Unstaffed::Ends(choice)) => return Ok(Ok(choice)),
            Err(Unstaffed::Passes(why)) => return Ok(Err(why)),
        };
    let known = Known { trouble: &trouble, runs, notes: &notes };
    Ok(match assemble::assemble(world, base, candidate.index, &task, known) {
        Err(error @ StepError::Invalid(_)) => Err(Pass::Nobody(error)),
        Err(error) => return Err(error),
        Ok(Ok(prompt)) => Ok(Choice::Chosen(Box::new(Chosen { candidate, text, task, who, prompt }))),
        // It is no fault of the task.
        Ok(Err(too_large)) if too_large.is_of_all_tasks() => Err(Pass::Nobody(too_large.into())),
        Ok(Err(too_large)) => Ok(unfit(&task, format!("{too_large}; {}", too_large.remedy()))),
    })
}

/// What becomes of a task that nobody may take.
fn nobody(base: &Base, task: &Task, why: NoRoute, (limits, plans): (&Limits, Plans)) -> Unstaffed {
    let pass = match why {
        NoRoute::Oversized(why) => match plans {
            Plans::Others if base.config.plan.split => Pass::Later(why, None),
            Plans::Caller if base.config.plan.split => {
                return Unstaffed::Ends(Choice::Oversized(task.id.to_string()));
            }
            Plans::Others | Plans::Caller | Plans::Never => return Unstaffed::Ends(unfit(task, why)),
        },
        NoRoute::Nobody(why) => Pass::Nobody(StepError::NoAgent(why)),
        NoRoute::Unusable(name, why) => Pass::Nobody(unusable(limits, &name, &why)),
        NoRoute::Missing(names) => Pass::Nobody(who::not_installed(base, &names)),
        NoRoute::Busy => Pass::Later("all agents that may take it are at work".to_owned(), None),
        NoRoute::Cooling(until) => {
            Pass::Later(format!("agents are cooling down until {until:.0}"), Some(until))
        }
    };
    Unstaffed::Passes(pass)
}

/// That a person has to act before a profile can work.
fn unusable(limits: &Limits, name: &str, why: &str) -> StepError {
    let known = limits.unusable.iter().find(|each| each.profile == name);
    StepError::Unusable {
        agent: Some(name.to_owned()),
        fact: format!("`{name}` cannot work: {why}"),
        todo: known.map(|each| each.todo.clone()).unwrap_or_default(),
    }
}

/// Who reviews the work of a task; or until when nobody can, or what speaks against it until a person has looked.
fn reviewer(
    world: World<'_>,
    base: &Base,
    task: &Task,
    wanted: Option<&str>,
    limits: &Limits,
) -> Result<Result<Who, Pass>, StepError> {
    Ok(who::reviewer(world, base, task, wanted, &limits.noted)?.map_err(|halt| match halt {
        Halt::Hold(why) => unreviewed(task, why, Way::Decide),
        Halt::Pause(why, until) => Pass::Later(why, Some(until)),
    }))
}

/// Work that no agent reviews.
fn unreviewed(task: &Task, why: String, way: Way) -> Pass {
    Pass::Nobody(StepError::Unreviewed { id: task.id.to_string(), why, way })
}

/// Takes on the review of work that waits for one.
fn review(
    world: World<'_>,
    base: &Base,
    candidate: Candidate,
    (text, task): (String, Task),
    (limits, options): (&Limits, Options<'_>),
) -> Result<Result<Choice, Pass>, StepError> {
    let who = match reviewer(world, base, &task, options.agent, limits)? {
        Ok(who) => who.within(options.most_usd),
        Err(why) => return Ok(Err(why)),
    };
    let prompt =
        upstream::bring_work_of(world, base, &task).and_then(|()| second::prompt(world, base, &task));
    Ok(match prompt {
        Ok(Ok(prompt)) => Ok(Choice::Chosen(Box::new(Chosen { candidate, text, task, who, prompt }))),
        Ok(Err(too_large)) => Err(unreviewed(&task, too_large.to_string(), Way::Decide)),
        Err(error) if is_of_the_machine(&error) => return Err(error),
        Err(StepError::NoWork { why, way, .. }) => Err(unreviewed(&task, why, way)),
        Err(StepError::Moved { fact, .. }) => Err(unreviewed(&task, fact, Way::Redo)),
        // It may be there the next time, or with what a person can do: nobody's work ends because of it.
        Err(error) => Err(unreviewed(&task, error.to_string(), Way::Decide)),
    })
}

/// Whether an error would meet every other task as well.
fn is_of_the_machine(error: &StepError) -> bool {
    use effects::Trouble::{Foreign, Locked, Unreachable};
    let StepError::Effect(error) = error else { return false };
    error.trouble.forbids_writing() || matches!(error.trouble, Foreign | Locked | Unreachable)
}

impl Chosen {
    /// Tells what is taken on, and why.
    pub(super) fn announce(&self, base: &Base, reporter: &dyn Reporter) {
        let prompt = &self.prompt;
        for warning in &base.warnings {
            reporter.event(&Event::Warning { text: warning.to_string() });
        }
        reporter.event(&Event::Selected {
            task: self.task.id.to_string(),
            title: self.task.title.clone(),
            because: self.candidate.because.clone(),
        });
        reporter.event(&Event::Prompted {
            tokens: prompt.tokens,
            budget_tokens: prompt.budget_tokens,
            sections: prompt.sections.iter().map(|section| section.name.clone()).collect(),
            omitted: prompt.omitted.len(),
        });
    }

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
