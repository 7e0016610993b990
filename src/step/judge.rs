//! Gates: the configured ones, run on exactly the candidate.

use super::attempt::Job;
use super::error::StepError;
use super::event::{Event, Reporter};
use super::site::Workplace;
use crate::config::GateConfig;
use crate::effects::{Ended, Oid, World};
use crate::gate::{self, Verdict};
use crate::state::run::VerdictKind;

/// The variables that every program sees, where they are set.
pub const BASE_ENV: [&str; 5] = ["PATH", "HOME", "LANG", "TERM", "TMPDIR"];

/// Runs the configured gates on exactly the candidate, and drops what they change.
///
/// # Errors
/// When the machine fails.
pub fn judge_candidate(
    job: &Job<'_>,
    workplace: &mut Workplace<'_>,
    candidate: Oid,
) -> Result<Vec<Verdict>, StepError> {
    if job.base.config.gates.is_empty() {
        return Ok(Vec::new());
    }
    if workplace.holds() != candidate {
        workplace.restore(candidate)?;
    }
    let verdicts = run_gates(job.world, &job.base.config.gates, &workplace.dir(), job.reporter)?;
    workplace.restore(candidate)?;
    Ok(verdicts)
}

/// Runs configured gates in a directory, in an order in which what a gate needs comes first.
///
/// # Errors
/// When the machine fails.
pub fn run_gates(
    world: World<'_>,
    gates: &[GateConfig],
    dir: &std::path::Path,
    reporter: &dyn Reporter,
) -> Result<Vec<Verdict>, StepError> {
    let mut verdicts: Vec<Verdict> = Vec::with_capacity(gates.len());
    let mut waiting: Vec<&GateConfig> = gates.iter().collect();
    while !waiting.is_empty() {
        let known = |name: &String| verdicts.iter().any(|verdict| verdict.name == *name);
        let asked = |name: &String| gates.iter().any(|gate| gate.name == *name);
        // The configuration's needs are closed and acyclic; a choice of gates leaves some out.
        let ready = waiting.iter().position(|gate| gate.needs.iter().all(|need| known(need) || !asked(need)));
        let gate = waiting.remove(ready.unwrap_or_default());
        let failed = gate.needs.iter().find(|need| {
            verdicts.iter().any(|verdict| verdict.name == **need && verdict.kind != VerdictKind::Pass)
        });
        let verdict = if let Some(need) = failed {
            gate::command::skipped(gate, &format!("`{need}` did not pass"))
        } else {
            reporter.event(&Event::GateStarted { gate: gate.name.clone() });
            let mut env = base_env(world);
            env.extend(set_variables(world, &gate.env));
            env.push(("ORCH_GATE".to_owned(), gate.name.clone()));
            let finished = world.process.run(&gate::command::invocation(gate, dir.to_owned(), env))?;
            let interrupted = finished.ended == Ended::Interrupted;
            let verdict = gate::command::judge(gate, &finished);
            if interrupted {
                verdicts.push(verdict);
                verdicts.extend(waiting.drain(..).map(|gate| gate::command::skipped(gate, "interrupted")));
                break;
            }
            verdict
        };
        reporter.event(&Event::GateFinished { verdict: verdict.clone() });
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

/// The variables that every program sees.
#[must_use]
pub fn base_env(world: World<'_>) -> Vec<(String, String)> {
    let names: Vec<String> = BASE_ENV.iter().map(|name| (*name).to_owned()).collect();
    set_variables(world, &names)
}

/// Of these variables those that are set.
#[must_use]
pub fn set_variables(world: World<'_>, names: &[String]) -> Vec<(String, String)> {
    names.iter().filter_map(|name| Some((name.clone(), world.process.env(name)?))).collect()
}
