//! What is asked of a gate that passed: how the base compares, and whether the change's tests fail
//! without the change. Both run the gate again on another tree, in a room.

use super::error::StepError;
use super::event::Event;
use super::judge::{Case, prepare, read, reports, unprepared};
use super::recall::Recall;
use super::room::{Entered, Rooms};
use crate::config::GateConfig;
use crate::effects::{Change, Ended, Finished, Oid};
use crate::gate::ask::{self, Fewer, Measured, Reports};
use crate::gate::protect::Protected;
use crate::gate::red_green::{self, Proof};
use crate::gate::test_file::TestFiles;
use crate::gate::{Verdict, change, command, tamper};
use crate::state::concern::Concern;
use crate::state::run::VerdictKind;

/// Why nothing is compared with a base that has nothing to compare with.
const NOTHING: &str = "the gate measured nothing there";

/// Whether anything more is asked of a gate whose command passed.
#[must_use]
pub fn asks_more(gate: &GateConfig) -> bool {
    gate.red_green || ask::compares(gate)
}

/// What a case changes, outside of the state.
///
/// # Errors
/// When a tree cannot be read.
pub fn changes(case: &Case<'_>) -> Result<Vec<Change>, StepError> {
    let mut changes = case.world.git.changes(case.base.tree, case.tree)?;
    changes.retain(|change| !Protected::is_state(&change.path));
    Ok(changes)
}

/// Asks what is left to ask of a gate that passed; `green` is what it reported.
///
/// # Errors
/// When the machine fails.
pub fn ask(
    case: &Case<'_>,
    rooms: &mut Rooms<'_>,
    recall: &Recall<'_>,
    gate: &GateConfig,
    green: &Reports,
    verdict: &mut Verdict,
) -> Result<(), StepError> {
    if ask::compares(gate) && !recall.is_base() {
        match measure_base(case, rooms, recall, gate)? {
            Ok(measured) => ask::compare(verdict, gate, measured, || fewer(case))?,
            // Of reports that were asked for it is told that they cannot be compared; a count is only used where it is.
            Err(_) if !ask::asks_for_reports(gate) => {}
            Err(why) => verdict.add(&format!("not compared with the base: {why}")),
        }
    }
    if gate.red_green && verdict.kind == VerdictKind::Pass {
        prove(case, rooms, gate, green, verdict)?;
    }
    Ok(())
}

/// How many tests fewer may be run: what a person said, in the task or for all of them, or what the change explains.
fn fewer(case: &Case<'_>) -> Result<Fewer, StepError> {
    let policy = &case.config.policy;
    let meant = |names: &[String]| names.iter().any(|name| Concern::TestsRemoved.is_meant_by(name));
    if meant(case.allow) || meant(&policy.allow) && !meant(&policy.deny) {
        return Ok(Fewer::Allowed);
    }
    let files = change::load(&changes(case)?, &|id| read(case.world, id));
    Ok(Fewer::Explained(tamper::fewer_tests(&files)))
}

/// What the gate measures on the base, or why that cannot be said.
fn measure_base(
    case: &Case<'_>,
    rooms: &mut Rooms<'_>,
    recall: &Recall<'_>,
    gate: &GateConfig,
) -> Result<Result<Measured, String>, StepError> {
    if let Some(measured) = recall.measured(gate)? {
        let nothing = measured == Measured::default();
        return Ok(if nothing { Err(NOTHING.to_owned()) } else { Ok(measured) });
    }
    let (finished, reports) = match run(case, rooms, gate, case.base.tree, "on the base")? {
        Ok(ran) => ran,
        Err(unprepared) => return Ok(Err(unprepared.evidence)),
    };
    let mut verdict = command::judge(gate, &finished);
    let asked = GateConfig { coverage: gate.coverage.clone(), ..gate.clone() };
    ask::examine(&mut verdict, &asked, &reports, &[], "");
    let measured = Measured::of(&verdict.record());
    let nothing = measured == Measured::default();
    // What failed before it measured anything may measure something the next time.
    if matches!(finished.ended, Ended::Exited(status) if status == 0 || !nothing) {
        recall.keep_measured(gate, &verdict);
    }
    let why = || format!("{NOTHING} ({})", finished.ended);
    Ok(if nothing { Err(why()) } else { Ok(measured) })
}

/// Runs the gate on the base with the change's test files alone.
fn prove(
    case: &Case<'_>,
    rooms: &mut Rooms<'_>,
    gate: &GateConfig,
    green: &Reports,
    verdict: &mut Verdict,
) -> Result<(), StepError> {
    let tests = TestFiles::new(&case.config.project.tests);
    match red_green::proof(case.kind, &changes(case)?, &tests) {
        Proof::Exempt(why) => red_green::exempt(verdict, why),
        Proof::NoTests => red_green::no_tests(verdict),
        Proof::Files(edits) => {
            let red = case.world.git.edit_tree(case.base.tree, &edits)?;
            match run(case, rooms, gate, red, "on the base with the change's tests")? {
                Ok((finished, before)) => {
                    verdict.duration_ms += finished.duration_ms;
                    red_green::judge(verdict, &finished, &before, green);
                }
                Err(why) => *verdict = why,
            }
        }
    }
    Ok(())
}

/// Runs a gate's command on another tree, in a room.
fn run(
    case: &Case<'_>,
    rooms: &mut Rooms<'_>,
    gate: &GateConfig,
    tree: Oid,
    words: &str,
) -> Result<Result<(Finished, Reports), Verdict>, StepError> {
    let dir = match rooms.enter(gate, tree)? {
        Entered::Ready(dir) => dir,
        Entered::Unprepared(why) => return Ok(Err(unprepared(gate, &why))),
    };
    case.reporter.event(&Event::GateStarted { gate: format!("{} {words}", gate.name) });
    let finished = case.world.process.run(&prepare(case.world, gate, &dir)?)?;
    if finished.ended == Ended::Interrupted {
        return Ok(Err(Verdict { kind: VerdictKind::Error, ..command::skipped(gate, "interrupted") }));
    }
    let reports = reports(case.world, gate, &dir)?;
    Ok(Ok((finished, reports)))
}
