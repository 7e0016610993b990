//! History: that in every commit of a step, state and code agree.
//!
//! For a commit that claims a step: its record is in it and says what the trailers say, the task stands
//! where the outcome put it, what was not accepted changed no code, and accepted code is what was judged.
//! For every commit: no run record of an earlier one is changed.
//! A commit without trailers that adds one record is a step too, which a person committed (a squash merge). One
//! that adds several records is what a person made of several steps: of it only its own record is compared. A step
//! that was replayed on a branch that had moved, by orch or by a person, is compared file by file.

use super::claim::{self, Claim, Step};
use super::replayed::{Replay, replay};
use super::rewritten::Rewritten;
use super::tree::{NameTree, code_tree};
pub use super::walk::{Accepted, Doubt, Options, Walk};
use super::{Finding, Place, twice};
use crate::effects::{Change, Commit, Oid, Trouble, World};
use crate::gate::protect::Protected;
use crate::state::file;
use crate::state::layout::{self, FileKind};
use crate::state::problem::{Problem, Severity};
use crate::state::recorded::{Recorded, Records};
use crate::state::run::{OutcomeKind, Run, VerdictKind};
use crate::state::task::Task;
use crate::step::StepError;
use bstr::ByteSlice;
use std::collections::{HashMap, HashSet};

/// Looks at every commit from a tip backwards.
///
/// # Errors
/// When history cannot be walked.
pub fn audit(world: World<'_>, tip: Oid, options: &Options<'_>) -> Result<(Vec<Finding>, Walk), StepError> {
    let before: HashSet<Oid> = match options.from {
        Some(from) => world.git.history(from, usize::MAX)?.iter().map(|commit| commit.id).collect(),
        None => HashSet::new(),
    };
    let mut commits = world.git.history(tip, options.limit)?;
    commits.retain(|commit| !before.contains(&commit.id));
    if !commits.is_empty() {
        world.git.gather_history(tip, layout::ROOT)?;
    }
    let trees = commits.iter().map(|commit| (commit.id, Some(commit.tree))).collect();
    let mut look = Look {
        world,
        name_tree: options.name_tree,
        trees,
        recorded: Recorded::of(world, tip)?,
        required: HashMap::new(),
        findings: Vec::new(),
        walk: Walk::default(),
        rewritten: Rewritten::default(),
    };
    for (at, commit) in commits.iter().enumerate() {
        (options.progress)(at, commits.len());
        look.walk.commits += 1;
        match look.commit(commit) {
            Err(StepError::Effect(error)) if error.trouble == Trouble::Missing => {
                let remedy = "type `git fsck` to see what the repository lacks";
                look.unread(commit, None);
                look.find(commit, "", error.fact, remedy);
            }
            Err(StepError::Effect(error)) if error.trouble == Trouble::Promised => {
                let lacking = "this partial clone lacks a part of it".to_owned();
                look.walk.unread.push(error.fact);
                look.unread(commit, Some(Doubt::Lacking(lacking)));
            }
            other => other?,
        }
    }
    let rewritten = std::mem::take(&mut look.rewritten);
    look.findings.extend(rewritten.findings(world, world.git.commit(tip)?.tree)?);
    Ok((look.findings, look.walk))
}

struct Look<'w> {
    world: World<'w>,
    name_tree: NameTree,
    /// Trees of commits; none for one that is not in this clone.
    trees: HashMap<Oid, Option<Oid>>,
    /// Names of the required gates, by the configuration that names them.
    required: HashMap<Oid, Vec<String>>,
    recorded: Recorded<'w>,
    findings: Vec<Finding>,
    walk: Walk,
    rewritten: Rewritten,
}

impl Look<'_> {
    fn find(&mut self, commit: &Commit, path: &str, fact: impl Into<String>, remedy: impl Into<String>) {
        let problem = Problem::error(path, None, fact).with_remedy(remedy);
        self.findings.push(Finding { place: Place::Commit(commit.id), problem });
    }

    fn warn(&mut self, commit: &Commit, path: &str, fact: impl Into<String>, remedy: impl Into<String>) {
        let problem = Problem::warning(path, None, fact).with_remedy(remedy);
        self.findings.push(Finding { place: Place::Commit(commit.id), problem });
    }

    /// A commit that could not be read whole: if it says that work was accepted, that is not proved.
    fn unread(&mut self, commit: &Commit, doubt: Option<Doubt>) {
        if self.walk.accepted.last().is_some_and(|last| last.commit == commit.id) {
            self.walk.accepted.pop();
        }
        if let Claim::Step(step) = claim::read(&commit.message) {
            self.walk.unproven += 1;
            self.unproved(commit, &step, doubt);
        }
    }

    /// A step that only says of itself that its work was accepted.
    fn unproved(&mut self, commit: &Commit, step: &Step, doubt: Option<Doubt>) {
        if step.outcome == OutcomeKind::Accepted {
            let (commit, task, task_path) = (commit.id, step.task.clone(), String::new());
            self.walk.accepted.push(Accepted { commit, task, task_path, passed: 0, doubt });
        }
    }

    fn tree_of(&mut self, commit: Oid) -> Option<Oid> {
        let git = self.world.git;
        *self.trees.entry(commit).or_insert_with(|| git.commit(commit).ok().map(|commit| commit.tree))
    }

    fn commit(&mut self, commit: &Commit) -> Result<(), StepError> {
        let parents: Vec<Option<Oid>> = commit.parents.iter().map(|parent| self.tree_of(*parent)).collect();
        let claim = claim::read(&commit.message);
        if parents.iter().any(Option::is_none) {
            self.walk.cut_off += 1;
            return match claim {
                Claim::Step(step) => self.step_alone(commit, &step),
                Claim::None | Claim::Broken(_) => Ok(()),
            };
        }
        let parents: Vec<Oid> = parents.into_iter().flatten().collect();
        let before = parents.first().copied().unwrap_or_else(|| self.world.git.empty_tree());
        let records = self.recorded.between(before, commit.tree)?;
        self.judge_records(commit, &records, &parents)?;
        if parents.len() > 1 || records.added.len() > 1 {
            self.walk.combined += usize::from(claim != Claim::None);
            return Ok(());
        }
        match claim {
            Claim::None => self.combined(commit, before, &records),
            Claim::Broken(fact) => {
                self.find(commit, "", fact, look_at(commit));
                Ok(())
            }
            Claim::Step(step) => self.step(commit, &step, before, &records),
        }
    }

    /// A step whose commit a person made, with a message of their own (a squash merge): it is known by the record
    /// that it brings. How it differs from that is theirs to answer for, and no damage.
    fn combined(&mut self, commit: &Commit, before: Oid, records: &Records) -> Result<(), StepError> {
        let [(path, blob)] = records.added.as_slice() else { return Ok(()) };
        let Some(run) = file::run::read(path, &self.world.git.blob(*blob)?).value else { return Ok(()) };
        if commit.parents.is_empty() {
            return Ok(());
        }
        let (task, outcome) = (run.task.to_string(), run.outcome);
        let step = Step { task, run: run.id.to_string(), outcome, trailers: Vec::new() };
        let (found, accepted) = (self.findings.len(), self.walk.accepted.len());
        self.step(commit, &step, before, records)?;
        for finding in &mut self.findings[found..] {
            finding.problem.severity = Severity::Warning;
        }
        let doubt = self.findings.get(found).map(|finding| Doubt::Person(finding.problem.fact.clone()));
        if doubt.is_some() {
            self.walk.accepted[accepted..].iter_mut().for_each(|step| step.doubt.clone_from(&doubt));
        }
        Ok(())
    }

    /// Records are written once. A commit that reverts a step takes its record out.
    fn judge_records(
        &mut self,
        commit: &Commit,
        records: &Records,
        parents: &[Oid],
    ) -> Result<(), StepError> {
        for (path, blob) in &records.changed {
            let mut from_another = false;
            for parent in parents.iter().skip(1) {
                from_another |= self.world.git.entry(*parent, path)?.is_some_and(|(_, old)| old == *blob);
            }
            if let (Some(before), Some(tree)) = (commit.parents.first(), parents.first())
                && let Some((_, old)) = self.world.git.entry(*tree, path)?
                && !from_another
            {
                self.rewritten.changed(path, (commit.id, *blob), (*before, old));
            }
        }
        for (path, blob) in &records.added {
            self.rewritten.added(path, (commit.id, *blob));
        }
        if parents.len() > 1 || is_revert(&commit.message) {
            return Ok(());
        }
        for path in &records.gone {
            let was = commit.parents.first().map_or_else(String::new, Oid::short);
            let remedy = format!("type `git show {was}:{path}` to see it");
            self.warn(commit, path, "takes out the record of a run", remedy);
        }
        Ok(())
    }

    /// A step whose parent is not here: only what is in its own tree can be compared.
    fn step_alone(&mut self, commit: &Commit, step: &Step) -> Result<(), StepError> {
        self.walk.steps += 1;
        self.walk.unproven += 1;
        let lacking = "the clone is shallow: what it started from is not here";
        self.unproved(commit, step, Some(Doubt::Lacking(lacking.to_owned())));
        let Some((path, blob)) = self.record_in(commit.tree, step)? else {
            let fact = format!("names the run `{}`, whose record is not there", step.run);
            self.find(commit, "", fact, look_at(commit));
            return Ok(());
        };
        self.record(commit, step, &path, blob).map(|_| ())
    }

    /// Where a tree holds the record of a step.
    fn record_in(&mut self, tree: Oid, step: &Step) -> Result<Option<(String, Oid)>, StepError> {
        let runs = self.recorded.folder(tree)?;
        let files = self.world.git.files(runs, layout::RUNS)?;
        let found = files.iter().find(|file| layout::stem(&file.path.to_str_lossy()) == step.run);
        Ok(found.map(|file| (file.path.to_str_lossy().into_owned(), file.id)))
    }

    fn step(
        &mut self,
        commit: &Commit,
        step: &Step,
        before: Oid,
        records: &Records,
    ) -> Result<(), StepError> {
        self.walk.steps += 1;
        let own = records.added.iter().find(|(path, _)| layout::stem(path) == step.run);
        let Some((path, blob)) = own else {
            // A step that is there already changes nothing when it is picked once more.
            if before != commit.tree || self.record_in(commit.tree, step)?.is_none() {
                let fact = format!("names the run `{}`, but does not hold its record", step.run);
                self.unproved(commit, step, None);
                self.find(commit, "", fact, look_at(commit));
            }
            return Ok(());
        };
        let Some(run) = self.record(commit, step, path, *blob)? else { return Ok(()) };
        let changes = self.world.git.changes(before, commit.tree)?;
        let task_path = self.judge_status(commit, step, &changes)?;
        if run.outcome == OutcomeKind::Accepted {
            self.judge_verdicts(commit, &run, path)?;
            let passed = run.gates.iter().filter(|gate| gate.verdict == VerdictKind::Pass).count();
            let (commit, task) = (commit.id, step.task.clone());
            self.walk.accepted.push(Accepted { commit, task, task_path, passed, doubt: None });
        }
        self.judge_code(commit, &run, before, &changes)
    }

    /// Accepted work has the pass of every required gate of its base.
    fn judge_verdicts(&mut self, commit: &Commit, run: &Run, path: &str) -> Result<(), StepError> {
        let base = Oid::from_hex(&run.base).and_then(|base| self.tree_of(base));
        let config = match base {
            Some(tree) => self.world.git.entry(tree, layout::CONFIG)?,
            None => None,
        };
        let mut required = Vec::new();
        if let Some((_, blob)) = config {
            if !self.required.contains_key(&blob) {
                let names = claim::required_gates(&self.world.git.blob(blob)?);
                self.required.insert(blob, names);
            }
            required.clone_from(&self.required[&blob]);
        }
        for fact in claim::unproved(&required, run) {
            self.find(commit, path, fact, look_at(commit));
        }
        Ok(())
    }

    /// Reads the record of a step and compares it with the trailers.
    fn record(
        &mut self,
        commit: &Commit,
        step: &Step,
        path: &str,
        blob: Oid,
    ) -> Result<Option<Run>, StepError> {
        let read = file::run::read(path, &self.world.git.blob(blob)?);
        let Some(run) = read.value else {
            let why = read.problems.first().map_or_else(String::new, |problem| problem.fact.clone());
            self.find(commit, path, format!("holds a record that cannot be read: {why}"), look_at(commit));
            return Ok(None);
        };
        for fact in claim::differences(step, &run) {
            self.find(commit, path, fact, look_at(commit));
        }
        Ok(Some(run))
    }

    /// Compares the task with the outcome; the path of its file, where that was changed.
    fn judge_status(
        &mut self,
        commit: &Commit,
        step: &Step,
        changes: &[Change],
    ) -> Result<String, StepError> {
        let is_task = |path: &str| {
            layout::kind_of(path) == FileKind::Task && layout::stem(path).eq_ignore_ascii_case(&step.task)
        };
        let change = changes.iter().find(|change| is_task(&change.path.to_str_lossy()));
        if change.is_none() && step.outcome == crate::state::run::OutcomeKind::Deferred {
            // Work that did not fit any more: the task belongs to who moved the branch.
            return Ok(String::new());
        }
        if change.is_none() && twice::was_done_before(self.world, commit, step)? {
            return Ok(String::new());
        }
        let Some((change, Some((_, blob)))) = change.map(|change| (change, change.new)) else {
            let fact = format!("records a step of `{}`, but does not touch its file", step.task);
            self.find(commit, "", fact, look_at(commit));
            return Ok(String::new());
        };
        let path = change.path.to_str_lossy().into_owned();
        let before = match change.old {
            Some((_, blob)) => self.task(&path, blob)?,
            None => None,
        };
        let Some(after) = self.task(&path, blob)? else {
            self.find(commit, &path, "leaves a task file that cannot be read", look_at(commit));
            return Ok(path);
        };
        if let Some(fact) = claim::wrong_status(step.outcome, before.map(|task| task.status), after.status) {
            self.find(commit, &path, fact, format!("look at it: `orch show {}`", step.task));
        }
        Ok(path)
    }

    fn task(&self, path: &str, blob: Oid) -> Result<Option<Task>, StepError> {
        Ok(file::task::read(path, &self.world.git.blob(blob)?).value)
    }

    fn judge_code(
        &mut self,
        commit: &Commit,
        run: &Run,
        before: Oid,
        changes: &[Change],
    ) -> Result<(), StepError> {
        if run.outcome != OutcomeKind::Accepted {
            let outside = changes.iter().find(|change| !Protected::is_state(&change.path));
            if let Some(change) = outside {
                let path = change.path.to_str_lossy().into_owned();
                let fact = format!("the outcome is `{}`, and yet it changes code", run.outcome.as_str());
                self.find(commit, &path, fact, look_at(commit));
            }
            return Ok(());
        }
        let Some(judged) = run.tree.as_deref().and_then(Oid::from_hex) else { return Ok(()) };
        if code_tree(self.world, commit.tree, self.name_tree)? == judged {
            return Ok(());
        }
        let on_its_base = commit.parents.first().is_some_and(|parent| parent.to_string() == run.base);
        let shown = judged.short();
        if on_its_base {
            let fact = format!("its code is not the tree `{shown}` that the gates judged");
            let remedy = format!("type `git diff {} {shown} -- . ':!{}'`", commit.id.short(), layout::ROOT);
            self.find(commit, "", fact, remedy);
            return Ok(());
        }
        match self.replayed(run, judged, before, changes) {
            Some(Replay::Same) => {}
            Some(Replay::Stray(path)) => {
                let fact = format!("was replayed, and is not what the gates judged (tree `{shown}`)");
                let path = path.to_str_lossy().into_owned();
                self.warn(commit, &path, fact, format!("type `git show {} -- {path}`", commit.id.short()));
            }
            Some(Replay::Merged) | None => {
                self.walk.unproven += 1;
                self.walk.accepted.last_mut().into_iter().for_each(|step| step.doubt = Some(Doubt::Replayed));
            }
        }
        Ok(())
    }

    /// How a replayed step compares with what was judged; none when that is not here.
    fn replayed(&mut self, run: &Run, judged: Oid, before: Oid, changes: &[Change]) -> Option<Replay> {
        let base = self.tree_of(Oid::from_hex(&run.base)?)?;
        let ours = self.world.git.changes(base, judged).ok()?;
        let theirs = self.world.git.changes(base, before).ok()?;
        Some(replay(&ours, &theirs, changes))
    }
}

/// Whether a message says that its commit takes another one back.
fn is_revert(message: &str) -> bool {
    message.contains("This reverts commit") || message.starts_with("Revert \"")
}

fn look_at(commit: &Commit) -> String {
    format!("type `git show {}`", commit.id.short())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revert_says_so() {
        assert!(is_revert("Revert \"feat: x\"\n\nThis reverts commit abc.\n"));
        assert!(is_revert("undone\n\nThis reverts commit abc.\n"));
        assert!(!is_revert("clean up\n"));
    }
}
