//! Passes that are remembered, so that a gate does not look twice at what has not changed.
//!
//! They lie below `gates/` in orch's own directory, a file each, and may be removed at any time. Only
//! a pass at the first try is remembered. Invariant: what was seen in a person's work tree, where
//! files that git ignores may have helped, never counts for a tree that is judged in a room.

use super::error::StepError;
use super::judge::{Case, Site, gate_env};
use crate::config::GateConfig;
use crate::effects::Oid;
use crate::gate::Verdict;
use crate::gate::ask::Measured;
use crate::gate::known::{Circumstances, GOOD_FOR_S, Place, without_state};
use crate::state::file::run::{read_verdict, write_verdict};
use crate::state::run::{GateRecord, VerdictKind};
use crate::state::task::Kind;

/// From so many on, all are forgotten: most are of trees that are long gone.
const MOST: usize = 2_000;

/// What is remembered about one case.
pub struct Recall<'r> {
    case: &'r Case<'r>,
    tree: String,
    base: String,
}

impl<'r> Recall<'r> {
    /// Looks at which trees a case is about.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn new(case: &'r Case<'r>) -> Result<Self, StepError> {
        let name = |tree: Oid| -> Result<String, StepError> {
            Ok(without_state(&case.world.git.blob(tree)?, tree.as_bytes().len()))
        };
        Ok(Self { case, tree: name(case.tree)?, base: name(case.base.tree)? })
    }

    /// A pass of before, where there is one that counts.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn verdict(&self, gate: &GateConfig) -> Result<Option<Verdict>, StepError> {
        // What passed in a room, without anything beside it, has passed in a work tree as well.
        for place in [self.place(gate), Place::Room] {
            if let Some(record) = self.read(&self.name(gate, place, false), gate)? {
                let verdict = Verdict::from(record);
                let required = gate.required;
                return Ok(Some(Verdict { required, duration_ms: 0, cached: true, ..verdict }));
            }
        }
        Ok(None)
    }

    /// Remembers a pass.
    pub fn keep(&self, gate: &GateConfig, verdict: &Verdict) {
        if !gate.cache || verdict.kind != VerdictKind::Pass || verdict.tries > 1 || verdict.cached {
            return;
        }
        let record = verdict.record();
        self.write(&self.name(gate, self.place(gate), false), &record);
        if Measured::of(&record) != Measured::default() {
            self.write(&self.name(gate, Place::Room, true), &record);
        }
    }

    /// What a gate measured on the base, where that is remembered.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn measured(&self, gate: &GateConfig) -> Result<Option<Measured>, StepError> {
        let name = self.circumstances(gate, Place::Room, &self.base, true);
        let record = self.read(&name, gate)?;
        Ok(record.map(|record| Measured::of(&record)))
    }

    /// Remembers what a gate measured on the base, whether or not that passes there.
    pub fn keep_measured(&self, gate: &GateConfig, verdict: &Verdict) {
        if !gate.cache {
            return;
        }
        let record = GateRecord { verdict: VerdictKind::Pass, ..verdict.record() };
        self.write(&self.circumstances(gate, Place::Room, &self.base, true), &record);
    }

    /// Whether the change changes nothing outside of the state.
    #[must_use]
    pub fn is_base(&self) -> bool {
        self.tree == self.base
    }

    fn place(&self, gate: &GateConfig) -> Place {
        match &self.case.site {
            Site::Here(_) if !gate.clean => Place::WorkTree,
            Site::Here(_) | Site::Rooms => Place::Room,
        }
    }

    fn name(&self, gate: &GateConfig, place: Place, numbers: bool) -> String {
        self.circumstances(gate, place, &self.tree, numbers)
    }

    fn circumstances(&self, gate: &GateConfig, place: Place, tree: &str, numbers: bool) -> String {
        let config = self.case.config;
        let depends_on_base = !numbers && (super::follow::asks_more(gate) || gate.coverage.is_some());
        Circumstances {
            tree,
            base: depends_on_base.then_some(self.base.as_str()),
            place,
            gate,
            numbers,
            setup: config.workspace.setup.as_deref(),
            keep: &config.workspace.keep,
            kind: self.case.kind.filter(|_| gate.red_green && !numbers).map(Kind::as_str),
            tests: &config.project.tests,
            allow: [self.case.allow, &config.policy.allow, &config.policy.deny]
                .map(|names| if depends_on_base { names } else { &[] }),
            env: &gate_env(self.case.world, gate),
        }
        .name()
    }

    fn read(&self, name: &str, gate: &GateConfig) -> Result<Option<GateRecord>, StepError> {
        if !gate.cache {
            return Ok(None);
        }
        let Some(bytes) = self.case.world.files.read(name)? else { return Ok(None) };
        let now = self.case.world.clock.now().as_second();
        let good = |(record, when): &(GateRecord, jiff::Timestamp)| {
            let age = now - when.as_second();
            (0..=GOOD_FOR_S).contains(&age) && record.verdict == VerdictKind::Pass && record.name == gate.name
        };
        Ok(read_verdict(name, &bytes).filter(good).map(|(record, _)| record))
    }

    /// What cannot be written (a full or read-only disk) only costs time: the gate runs again.
    fn write(&self, name: &str, record: &GateRecord) {
        let files = self.case.world.files;
        let all = files.list("gates").unwrap_or_default();
        if all.len() >= MOST {
            let _ = all.iter().try_for_each(|old| files.remove(&format!("gates/{old}")));
        }
        let text = write_verdict(record, self.case.world.clock.now());
        let _ = files.write(name, text.as_bytes(), false);
    }
}
