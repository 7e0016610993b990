//! The configured gates, run on exactly the candidate.
//!
//! In: a tree, the gates of its base, and where they may look at it. Out: one verdict for each gate,
//! in an order in which what a gate needs comes before it. Independent gates run at one time; people
//! are told of each in that same order. What a gate passed before is not run again ([`super::recall`]).

use super::env::{self, base_env, set_variables};
use super::error::StepError;
use super::event::{Event, Reporter};
use super::follow;
use super::recall::Recall;
use super::room::{Entered, Furnish, Rooms};
use crate::agent::redact::Redactor;
use crate::config::{Config, GateConfig};
use crate::effects::{Commit, Ended, Finished, Invocation, Oid, Pool, World};
use crate::gate::ask::{self, Reports};
use crate::gate::measure::{REPORT_LIMIT, coverage, tests};
use crate::gate::queue::{Queue, in_order};
use crate::gate::touched::touched;
use crate::gate::{Verdict, command};
use crate::state::run::VerdictKind;
use crate::state::task::Kind;
use std::cell::OnceCell;
use std::path::{Path, PathBuf};

/// The largest blob whose lines are compared.
const MAX_BLOB: usize = 1 << 20;

/// Where gates look at the tree.
#[derive(Debug, Clone)]
pub enum Site {
    /// In rooms of their own.
    Rooms,
    /// In this directory, which holds the tree; clean gates in a room.
    Here(PathBuf),
}

/// What is judged.
pub struct Case<'c> {
    /// The outside world.
    pub world: World<'c>,
    /// The settings of the base.
    pub config: &'c Config,
    /// The gates to ask, of these settings.
    pub gates: &'c [GateConfig],
    /// The branch that gates see.
    pub branch: &'c str,
    /// What the change is a change of.
    pub base: &'c Commit,
    /// The tree with the change.
    pub tree: Oid,
    /// What kind of task it was made for; none where it is nobody's task.
    pub kind: Option<Kind>,
    /// What that task allows.
    pub allow: &'c [String],
    /// Where.
    pub site: Site,
    /// Whether a pass of before counts.
    pub recall: bool,
    /// Who is told.
    pub reporter: &'c dyn Reporter,
}

/// Asks gates about a tree.
///
/// # Errors
/// When the machine fails; a gate that fails is a verdict.
pub fn judge(case: &Case<'_>) -> Result<Vec<Verdict>, StepError> {
    let gates = in_order(case.gates);
    let mut round = Round::new(case, &gates)?;
    case.world.process.run_several(&mut round)?;
    round.end()
}

/// One gate on its way.
#[derive(Default)]
struct Asked {
    /// Where it runs.
    dir: PathBuf,
    tries: u32,
    /// Why it did not pass at first.
    before: String,
    reports: Reports,
    verdict: Option<Verdict>,
    /// Whether the verdict is final: nothing more is asked.
    settled: bool,
}

/// All gates on their way.
struct Round<'r> {
    case: &'r Case<'r>,
    gates: &'r [GateConfig],
    queue: Queue,
    asked: Vec<Asked>,
    rooms: Rooms<'r>,
    recall: Recall<'r>,
    redactor: OnceCell<Redactor>,
    running: usize,
    clean_taken: bool,
    interrupted: bool,
    failed: Option<StepError>,
    /// How many verdicts people were told.
    told: usize,
}

impl<'r> Round<'r> {
    fn new(case: &'r Case<'r>, gates: &'r [GateConfig]) -> Result<Self, StepError> {
        let with = Furnish {
            world: case.world,
            config: case.config,
            branch: case.branch,
            base: case.base,
            reporter: case.reporter,
        };
        let mut this = Self {
            case,
            gates,
            queue: Queue::new(gates),
            asked: gates.iter().map(|_| Asked::default()).collect(),
            rooms: Rooms::new(with),
            recall: Recall::new(case)?,
            redactor: OnceCell::new(),
            running: 0,
            clean_taken: false,
            interrupted: false,
            failed: None,
            told: 0,
        };
        for (at, gate) in gates.iter().enumerate().filter(|_| case.recall) {
            if let Some(verdict) = this.recall.verdict(gate)? {
                this.queue.done(at, true);
                this.settle(at, verdict);
            }
        }
        Ok(this)
    }

    /// The next gate to start, prepared.
    fn begin(&mut self) -> Result<Option<(usize, Invocation)>, StepError> {
        loop {
            while let Some((at, need)) = self.queue.hopeless() {
                let because = format!("`{}` did not pass", self.gates[need].name);
                self.answer(at, command::skipped(&self.gates[at], &because));
            }
            if self.running >= self.case.config.policy.gate_jobs {
                return Ok(None);
            }
            let (gates, taken) = (self.gates, self.clean_taken);
            let Some(at) = self.queue.next(|at| !(gates[at].clean && taken)) else { return Ok(None) };
            let gate = &self.gates[at];
            let dir = match &self.case.site {
                Site::Here(dir) if !gate.clean => dir.clone(),
                Site::Here(_) | Site::Rooms => match self.rooms.enter(gate, self.case.tree)? {
                    Entered::Ready(dir) => dir,
                    Entered::Unprepared(why) => {
                        self.answer(at, unprepared(gate, &why));
                        continue;
                    }
                },
            };
            self.clean_taken |= gate.clean;
            self.running += 1;
            self.case.reporter.event(&Event::GateStarted { gate: gate.name.clone() });
            let invocation = prepare(self.case.world, gate, &dir)?;
            self.asked[at].dir = dir;
            return Ok(Some((at, invocation)));
        }
    }

    /// Takes what a gate's command did.
    fn take(&mut self, at: usize, finished: &Finished) -> Result<(), StepError> {
        let gate = &self.gates[at];
        self.running -= 1;
        self.clean_taken &= !gate.clean;
        self.interrupted |= finished.ended == Ended::Interrupted;
        self.asked[at].tries += 1;
        let dir = self.asked[at].dir.clone();
        let mut verdict = command::judge(gate, finished);
        let reports = reports(self.case.world, gate, &dir)?;
        let lines = if gate.coverage.as_ref().is_some_and(|asked| asked.changed_min.is_some()) {
            touched(&follow::changes(self.case)?, &|id| read(self.case.world, id))
        } else {
            Vec::new()
        };
        ask::examine(&mut verdict, gate, &reports, &lines, &dir.to_string_lossy());
        let asked = &mut self.asked[at];
        verdict.tries = asked.tries;
        if verdict.kind != VerdictKind::Pass && asked.tries <= gate.retries && !self.interrupted {
            verdict.evidence.lines().last().unwrap_or_default().clone_into(&mut asked.before);
            self.queue.again(at);
            return Ok(());
        }
        if verdict.record().is_flaky() {
            verdict.add(&format!("flaky: passed at try {}, before that: {}", verdict.tries, asked.before));
        }
        asked.reports = reports;
        self.answer(at, verdict);
        Ok(())
    }

    /// Notes what a gate's command came to; more may be asked once nothing runs.
    fn answer(&mut self, at: usize, verdict: Verdict) {
        let passed = verdict.kind == VerdictKind::Pass;
        self.queue.done(at, passed);
        if passed && follow::asks_more(&self.gates[at]) {
            self.asked[at].verdict = Some(verdict);
        } else {
            self.settle(at, verdict);
        }
    }

    /// Notes a gate's final verdict, and tells those that are final in the order of the gates.
    fn settle(&mut self, at: usize, verdict: Verdict) {
        self.asked[at].verdict = Some(verdict);
        self.asked[at].settled = true;
        while let Some(Asked { settled: true, verdict: Some(verdict), .. }) = self.asked.get(self.told) {
            self.case.reporter.event(&Event::GateFinished { verdict: verdict.clone() });
            self.told += 1;
        }
    }

    /// All verdicts, once nothing runs any more and nothing is left to be asked.
    fn end(mut self) -> Result<Vec<Verdict>, StepError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        for at in 0..self.gates.len() {
            let gate = &self.gates[at];
            match self.asked[at].verdict.take() {
                Some(verdict) if self.asked[at].settled => self.asked[at].verdict = Some(verdict),
                Some(mut verdict) => {
                    let green = std::mem::take(&mut self.asked[at].reports);
                    follow::ask(self.case, &mut self.rooms, &self.recall, gate, &green, &mut verdict)?;
                    self.settle(at, verdict);
                }
                None => self.settle(at, command::skipped(gate, "interrupted")),
            }
        }
        let verdicts: Vec<Verdict> = self.asked.into_iter().filter_map(|asked| asked.verdict).collect();
        for (gate, verdict) in self.gates.iter().zip(&verdicts) {
            self.recall.keep(gate, verdict);
        }
        Ok(verdicts)
    }
}

impl Pool for Round<'_> {
    fn start(&mut self) -> Option<(usize, Invocation)> {
        if self.interrupted || self.failed.is_some() {
            return None;
        }
        self.begin().unwrap_or_else(|error| {
            self.failed = Some(error);
            None
        })
    }

    fn ended(&mut self, id: usize, finished: Finished) {
        let names = || self.gates.iter().flat_map(|gate| &gate.env);
        let redactor = self.redactor.get_or_init(|| env::redactor(self.case.world, names()));
        let finished = redactor.finished(finished);
        if let Err(error) = self.take(id, &finished) {
            self.failed = Some(error);
        }
    }
}

/// A gate whose room could not be prepared.
pub(super) fn unprepared(gate: &GateConfig, why: &Verdict) -> Verdict {
    let evidence = format!("its room could not be prepared by `workspace.setup`:\n{}", why.evidence);
    Verdict { kind: VerdictKind::Error, required: gate.required, evidence, ..Verdict::pass(&gate.name) }
}

/// What to run for a gate; reports that lie there already are not its own.
pub(super) fn prepare(world: World<'_>, gate: &GateConfig, dir: &Path) -> Result<Invocation, StepError> {
    let coverage = gate.coverage.as_ref().map(|coverage| coverage.file.as_str());
    for path in gate.junit.as_deref().into_iter().chain(coverage) {
        for file in files(world, dir, path)? {
            world.files.write_work(dir, &file, None)?;
        }
    }
    Ok(command::invocation(gate, dir.to_owned(), gate_env(world, gate)))
}

/// What a gate's command wrote, where the gate has reports.
pub(super) fn reports(world: World<'_>, gate: &GateConfig, dir: &Path) -> Result<Reports, StepError> {
    let written = |path: &str| -> Result<Result<Vec<Vec<u8>>, String>, StepError> {
        let mut all = Vec::new();
        let mut room = REPORT_LIMIT;
        for file in files(world, dir, path)? {
            match world.files.read_report(dir, &file, room) {
                Ok(content) => {
                    let content = content.unwrap_or_default();
                    room -= content.len() as u64;
                    all.push(content);
                }
                Err(error) => return Ok(Err(error.fact)),
            }
        }
        Ok(if all.is_empty() { Err("the command did not write it".to_owned()) } else { Ok(all) })
    };
    let mut found = Reports::default();
    if let Some(path) = &gate.junit {
        let all = written(path)?;
        found.tests = Some(all.and_then(|all| tests(&all).map_err(|error| error.to_string())));
    }
    if let Some(asked) = &gate.coverage {
        let all = written(&asked.file)?;
        let first = |all: Vec<Vec<u8>>| all.into_iter().next().unwrap_or_default();
        found.coverage = Some(all.and_then(|all| coverage(&first(all)).map_err(|error| error.to_string())));
    }
    Ok(found)
}

/// The files that a path with a `*` in its last name stands for, in order; without one, itself.
fn files(world: World<'_>, dir: &Path, path: &str) -> Result<Vec<String>, StepError> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let Some((begin, end)) = name.split_once('*') else {
        let there = world.files.read_report(dir, path, u64::MAX);
        return Ok(if matches!(there, Ok(None)) { Vec::new() } else { vec![path.to_owned()] });
    };
    let below = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let listed = world.files.work_files(dir, folder)?.into_iter();
    let listed = listed.map(|file| file.path.trim_start_matches('/').to_owned());
    let fits = |path: &String| {
        let name = path.strip_prefix(&below).filter(|name| !name.contains('/'));
        name.and_then(|name| name.strip_prefix(begin)).is_some_and(|rest| rest.ends_with(end))
    };
    Ok(listed.filter(fits).collect())
}

pub(super) fn read(world: World<'_>, id: Oid) -> Option<Vec<u8>> {
    world.git.blob_within(id, MAX_BLOB).ok().flatten()
}

/// What a gate sees of the environment.
#[must_use]
pub fn gate_env(world: World<'_>, gate: &GateConfig) -> Vec<(String, String)> {
    let mut env = base_env(world);
    env.extend(set_variables(world, &gate.env));
    env.push(("ORCH_GATE".to_owned(), gate.name.clone()));
    env
}
