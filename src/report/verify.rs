//! `orch verify`: each accepted step, and whether it is what its gates passed.

use super::table::{Cell, Table};
use super::{json, plural};
use crate::audit::Finding;
use crate::audit::again::Again;
use crate::audit::history::{Accepted, Doubt, Walk};
use crate::effects::Oid;
use crate::gate::first_rejection;
use crate::state::run::VerdictKind;
use serde_json::{Value, json};

/// Why a replayed step may be unknown.
const REPLAYED: &str = "replayed on a branch that had moved: what was judged is not in this clone";

/// A step that was looked at.
pub struct Checked {
    commit: Oid,
    task: String,
    /// `good`, `broken`, `rejected` by a gate that ran again, or `unknown`.
    pub state: &'static str,
    /// Whether it is unknown because this clone lacks what would prove it.
    pub lacking: bool,
    detail: Vec<String>,
    gates: Vec<Value>,
}

impl Checked {
    /// What its record says, and what speaks against it.
    #[must_use]
    pub fn of(step: &Accepted, against: &[&Finding]) -> Self {
        let (state, detail) = match &step.doubt {
            _ if !against.is_empty() => {
                ("broken", against.iter().map(|finding| finding.problem.fact.clone()).collect())
            }
            Some(Doubt::Person(fact)) => ("unknown", vec![format!("a person committed it: {fact}")]),
            Some(Doubt::Replayed) => ("unknown", vec![REPLAYED.to_owned()]),
            Some(Doubt::Lacking(fact)) => ("unknown", vec![fact.clone()]),
            None => ("good", vec![format!("{} passed", plural(step.passed, "gate"))]),
        };
        let lacking = state == "unknown" && matches!(step.doubt, Some(Doubt::Lacking(_)));
        Self { commit: step.commit, task: step.task.clone(), state, lacking, detail, gates: Vec::new() }
    }

    /// Takes what running its gates again came to.
    pub fn again(&mut self, again: &Again) {
        match again {
            Again::Impossible(why) => (self.state, self.detail) = ("unknown", vec![why.clone()]),
            Again::Judged(verdicts) => {
                self.lacking = false;
                self.gates = verdicts.iter().map(json::verdict).collect();
                self.state = "good";
                let passed = verdicts.iter().filter(|each| each.kind == VerdictKind::Pass).count();
                self.detail = vec![format!("{} passed again", plural(passed, "gate"))];
                if let Some(verdict) = first_rejection(verdicts) {
                    let last = verdict.evidence.lines().last().unwrap_or_default();
                    self.state = "rejected";
                    self.detail = vec![format!("gate `{}`: {last}", verdict.name)];
                }
            }
        }
    }
}

/// How many steps stand like this.
#[must_use]
pub fn count(steps: &[Checked], state: &str) -> usize {
    steps.iter().filter(|step| step.state == state).count()
}

/// As people read it.
#[must_use]
pub fn human(steps: &[Checked], walk: &Walk, width: Option<usize>, colour: bool) -> String {
    let mut table = Table::new();
    for step in steps {
        table.row([
            Cell::new(step.commit.short()),
            Cell::new(&step.task),
            Cell::new(step.state),
            Cell::new(step.detail.join("; ")),
        ]);
    }
    let unknown = count(steps, "unknown");
    let verdict = match (steps.len() - count(steps, "good") - unknown, unknown) {
        (0, 0) if walk.cut_off > 0 => "all good, as far as this clone goes back".to_owned(),
        (0, 0) => "all good".to_owned(),
        (0, unknown) => format!("{unknown} not proved"),
        (bad, 0) => format!("{bad} not good"),
        (bad, unknown) => format!("{bad} not good, {unknown} not proved"),
    };
    let (steps, commits) = (plural(steps.len(), "accepted step"), plural(walk.commits, "commit"));
    format!("{}{steps} of {commits}: {verdict}\n", table.render(width, colour))
}

/// As programs read it.
#[must_use]
pub fn data(steps: &[Checked], walk: &Walk) -> Value {
    let list: Vec<Value> = steps
        .iter()
        .map(|step| {
            json!({
                "commit": step.commit.to_string(), "task": step.task, "state": step.state,
                "detail": step.detail, "gates": step.gates,
            })
        })
        .collect();
    json!({
        "steps": list, "commits": walk.commits, "bad": steps.len() - count(steps, "good"),
        "unproven": count(steps, "unknown"), "cut_off": walk.cut_off,
    })
}
