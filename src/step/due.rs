//! What is to be planned before the next step, as the configuration has it.
//!
//! Invariant: what a planner was asked in vain is not asked again by itself while the input is the same.

use super::Plans;
use super::base::Base;
use super::error::StepError;
use super::lease;
use super::planner::INTERRUPTED;
use super::planning::{Wanted, ask};
use super::quarantine;
use super::subject::Subject;
use crate::effects::World;
use crate::state::graph::{Graph, Index, Standing};
use crate::state::run::Run;
use crate::state::runs;
use crate::state::status::Status;
use crate::state::task::Kind;

/// Whether there is something to be planned before the next step.
pub(super) enum Due {
    /// Nothing.
    Nothing,
    /// This.
    Plan(Wanted),
    /// Others plan this task just now.
    Taken(String),
}

/// What is to be planned before the next step, where the caller plans.
///
/// # Errors
/// When the records cannot be read.
pub(super) fn due(world: World<'_>, base: &Base, plans: Plans) -> Result<Due, StepError> {
    if plans != Plans::Caller {
        return Ok(Due::Nothing);
    }
    let (graph, config) = (&base.snapshot.graph, &base.config);
    let is_one = |index: &Index| config.plan.split && is_to_be_split(graph, *index);
    for index in (0..graph.nodes().len()).filter(is_one) {
        let split = Wanted::Split(graph.nodes()[index].id.to_string());
        match look(world, base, &split)? {
            Look::Asks => return Ok(Due::Plan(split)),
            // What comes of it is not to be proposed beside.
            Look::Taken(id) => return Ok(Due::Taken(id)),
            Look::InVain => {}
        }
    }
    // What waits for approval counts: planning more of it would bring nothing.
    let rules = base.rules();
    let waits = |index: &usize| graph.status(*index) == Status::Proposed;
    let runs = |index: &usize| graph.standing(*index, rules.agent_review) == Standing::Runnable;
    let ahead = (0..graph.nodes().len()).filter(|index| waits(index) || runs(index)).count();
    if ahead >= config.plan.floor as usize {
        return Ok(Due::Nothing);
    }
    Ok(match look(world, base, &Wanted::Extend)? {
        Look::Asks => Due::Plan(Wanted::Extend),
        Look::Taken(id) => Due::Taken(id),
        Look::InVain => Due::Nothing,
    })
}

/// What becomes of asking a planner something.
enum Look {
    /// It is to be asked.
    Asks,
    /// Others ask it just now, about this task.
    Taken(String),
    /// It would be in vain.
    InVain,
}

fn look(world: World<'_>, base: &Base, wanted: &Wanted) -> Result<Look, StepError> {
    let subject = Subject::new(world, base, wanted)?;
    if was_in_vain(world, base, &subject)? {
        return Ok(Look::InVain);
    }
    let id = subject.task.id.as_str();
    let live = lease::live(world, &|task| task == id)?;
    Ok(if live.iter().any(|claim| claim.task == id) { Look::Taken(id.to_owned()) } else { Look::Asks })
}

/// Whether nothing came of asking a planner just this: it had nothing, or nothing that can be used; or it failed,
/// as often as is enough.
fn was_in_vain(world: World<'_>, base: &Base, subject: &Subject) -> Result<bool, StepError> {
    let Some(task) = subject.planned_before() else { return Ok(false) };
    // What cannot be asked is told by whoever tries.
    let Ok(prompt) = ask(world, base, subject)? else { return Ok(false) };
    let input = prompt.input_sha256();
    let (runs, _) = runs::of_task(world, &base.snapshot.source, task, 1)?;
    let alike = runs.iter().take_while(|run| run.input_sha256.as_deref() == Some(&*input));
    let is_lasting = |run: &&Run| run.reason != INTERRUPTED && !quarantine::is_passing(run.failure.as_ref());
    let lasting: Vec<&Run> = alike.filter(is_lasting).collect();
    let had_nothing = |run: &&Run| run.failure.is_none();
    Ok(lasting.iter().any(had_nothing) || lasting.len() >= quarantine::SAME as usize)
}

/// An open epic without parts.
fn is_to_be_split(graph: &Graph, index: Index) -> bool {
    let node = &graph.nodes()[index];
    let open = !matches!(node.status, Status::Done | Status::Cancelled | Status::Proposed | Status::Blocked);
    node.kind == Kind::Epic && open && graph.children(index).is_empty()
}
