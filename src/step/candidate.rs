//! The gates of a candidate tree against a base: the built-in ones, and then those of the configuration.
//!
//! In: a base, a task, and what its work makes of the base. Out: verdicts on exactly that tree. Whoever is about
//! to land a tree asks here: a step, a step whose `pre-commit` changed the tree, one whose branch moved, a
//! review, an approval. Invariant: no tree lands on the word of gates that saw another.

use super::base::Base;
use super::error::StepError;
use super::event::{Event, Reporter};
use super::judge::{Case, Site, judge};
use super::land::list;
use super::message::HOOK;
use super::room::{Furnish, Rooms};
use super::site::{Left, Workplace};
use crate::config::{Config, GateConfig};
use crate::effects::{Commit, HookRun, Oid, World};
use crate::gate::builtin::{self, Evidence};
use crate::gate::called::{self, tree::Tree};
use crate::gate::finding::Say;
use crate::gate::protect::Protected;
use crate::gate::{Verdict, command, first_rejection};
use crate::state::task::{Kind, Task};
use bstr::{BString, ByteSlice as _};

/// The hook that sees a tree.
pub const PRE_COMMIT: &str = "pre-commit";
/// The largest blob that built-in gates look into, in bytes.
const MAX_BLOB: usize = 4 << 20;

/// What a candidate is judged by, and who is told.
#[derive(Clone, Copy)]
pub struct Bench<'b> {
    /// The outside world.
    pub world: World<'b>,
    /// The branch that gates see.
    pub branch: &'b str,
    /// What the candidate is a change of.
    pub base: &'b Commit,
    /// The settings that count.
    pub config: &'b Config,
    /// The task that it was made for.
    pub task: &'b Task,
    /// Paths that no agent may change.
    pub protected: &'b Protected,
    /// Whether a pass of before counts.
    pub recall: bool,
    /// Who is told.
    pub reporter: &'b dyn Reporter,
}

impl<'b> Bench<'b> {
    /// For work on a base, where passes of before count.
    #[must_use]
    pub fn new(
        world: World<'b>,
        base: &'b Base,
        task: &'b Task,
        protected: &'b Protected,
        reporter: &'b dyn Reporter,
    ) -> Self {
        let Base { branch, commit, config, .. } = base;
        Self { world, branch, base: commit, config, task, protected, recall: true, reporter }
    }

    /// What all gates say. Those of the configuration run in the workplace if that is the work tree itself, else
    /// in rooms of their own, and only if none that is built in rejects.
    ///
    /// # Errors
    /// When the machine fails; a gate that fails is a verdict.
    pub fn judge(
        self,
        left: &Left,
        workplace: Option<&mut Workplace<'_>>,
    ) -> Result<Vec<Verdict>, StepError> {
        let mut verdicts = self.look(left)?;
        let rejected = first_rejection(&verdicts).is_some();
        verdicts.extend(if rejected {
            self.not_reached()
        } else {
            self.configured(left.candidate, workplace)?
        });
        Ok(verdicts)
    }

    /// What all gates say of work that has become another tree since it was made, and then the repository's
    /// `pre-commit` hook, which has not seen that tree.
    ///
    /// # Errors
    /// When the machine fails; a gate that fails is a verdict.
    pub fn judge_again(
        self,
        left: &Left,
        workplace: Option<&mut Workplace<'_>>,
    ) -> Result<Vec<Verdict>, StepError> {
        let mut verdicts = self.judge(left, workplace)?;
        if first_rejection(&verdicts).is_none() {
            let Self { world, branch, base, config, reporter, .. } = self;
            let rooms = Rooms::new(Furnish { world, config, branch, base, reporter });
            let (hook, now) = rooms.hook(PRE_COMMIT, left.candidate, "")?;
            let hook = match hook {
                HookRun::Passed(_) if now != left.candidate => {
                    let changes = self.world.git.changes(left.candidate, now)?;
                    let paths: Vec<BString> = changes.into_iter().map(|change| change.path).collect();
                    HookRun::Refused(format!("it changes what the work has become in {}", list(&paths)))
                }
                said @ (HookRun::Absent | HookRun::Refused(_) | HookRun::Passed(_)) => said,
            };
            verdicts.extend(pre_commit(hook, self.reporter));
        }
        Ok(verdicts)
    }

    /// What the built-in gates say; people are told what they found.
    ///
    /// # Errors
    /// When a hook cannot be read.
    pub fn look(self, left: &Left) -> Result<Vec<Verdict>, StepError> {
        let verdicts = self.built_in(left)?;
        for verdict in verdicts.iter().filter(|verdict| !verdict.evidence.is_empty()) {
            self.reporter.event(&Event::GateFinished { verdict: verdict.clone() });
        }
        Ok(verdicts)
    }

    /// What the built-in gates say.
    ///
    /// # Errors
    /// When a hook cannot be read.
    pub fn built_in(self, left: &Left) -> Result<Vec<Verdict>, StepError> {
        let git = self.world.git;
        let policy = &self.config.policy;
        let read = |id| git.blob_within(id, MAX_BLOB).ok().flatten();
        let entry = |tree: Oid, path: &str| {
            let (mode, id) = git.entry(tree, path).ok().flatten()?;
            Some((mode, read(id).unwrap_or_default()))
        };
        let names = |tree: Oid, dir: &[u8]| git.names(tree, &dir.to_str_lossy()).unwrap_or_default();
        let (base, candidate) = (self.base.tree, left.candidate);
        Ok(builtin::run(&Evidence {
            changes: &left.changes,
            nested: &left.seen.nested,
            too_deep: &left.seen.too_deep,
            unfit: &left.seen.unfit,
            protected: self.protected,
            expected: &self.task.files,
            say: Say { task: &self.task.allow, allow: &policy.allow, deny: &policy.deny },
            must_change: must_change(self.task.kind),
            read: &read,
            gates: &self.called()?,
            base: Tree { entry: &|path| entry(base, path), list: &|dir| names(base, dir) },
            candidate: Tree { entry: &|path| entry(candidate, path), list: &|dir| names(candidate, dir) },
        }))
    }

    /// What is run of a tree, as the base has it: the gates, what prepares the rooms for them, the hooks.
    fn called(self) -> Result<Vec<GateConfig>, StepError> {
        let setup = self.config.workspace.setup.iter().map(|run| GateConfig::new(called::SETUP, run));
        let mut all: Vec<GateConfig> = self.config.gates.iter().cloned().chain(setup).collect();
        for name in [PRE_COMMIT, HOOK] {
            let text = self.world.git.hook_text(name, self.base.id)?;
            all.extend(text.and_then(|text| called::hook(name, &text)));
        }
        Ok(all)
    }

    /// What the gates of the configuration say of a tree.
    ///
    /// # Errors
    /// When the machine fails; a gate that fails is a verdict.
    pub fn configured(
        self,
        candidate: Oid,
        workplace: Option<&mut Workplace<'_>>,
    ) -> Result<Vec<Verdict>, StepError> {
        let config = self.config;
        if config.gates.is_empty() {
            return Ok(Vec::new());
        }
        let mut here = workplace.filter(|workplace| workplace.checkout.is_some());
        if let Some(workplace) = here.as_deref_mut().filter(|workplace| workplace.holds() != candidate) {
            workplace.restore(candidate)?;
        }
        let verdicts = judge(&Case {
            world: self.world,
            config,
            gates: &config.gates,
            branch: self.branch,
            base: self.base,
            tree: candidate,
            kind: Some(self.task.kind),
            allow: &self.task.allow,
            site: here.as_ref().map_or(Site::Rooms, |workplace| Site::Here(workplace.dir())),
            recall: self.recall,
            reporter: self.reporter,
        })?;
        here.map_or(Ok(()), |workplace| workplace.restore(candidate))?;
        Ok(verdicts)
    }

    /// The gates of the configuration, where it did not come to them.
    #[must_use]
    pub fn not_reached(self) -> Vec<Verdict> {
        self.config.gates.iter().map(|gate| command::skipped(gate, "not reached")).collect()
    }
}

/// Tells of hooks that are set up and do not run: then their silence is no consent.
///
/// # Errors
/// When they cannot be looked at.
pub fn tell_idle_hooks(world: World<'_>, base: &Commit, reporter: &dyn Reporter) -> Result<(), StepError> {
    for text in world.git.idle_hooks(base.id)? {
        reporter.event(&Event::Warning { text });
    }
    Ok(())
}

/// The verdict of the repository's `pre-commit` hook; none where there is no such hook.
pub fn pre_commit(hook: HookRun, reporter: &dyn Reporter) -> Option<Verdict> {
    let verdict = match hook {
        HookRun::Absent => return None,
        HookRun::Passed(_) => Verdict::pass(PRE_COMMIT),
        HookRun::Refused(said) => Verdict::fail(PRE_COMMIT, builtin::last_lines(said.as_bytes(), 20)),
    };
    let (passed, said) = (!verdict.rejects(), verdict.evidence.clone());
    reporter.event(&Event::HookFinished { hook: PRE_COMMIT.to_owned(), passed, said });
    Some(verdict)
}

/// Work whose result is knowledge need not change a file.
fn must_change(kind: Kind) -> bool {
    match kind {
        Kind::Research | Kind::Review => false,
        Kind::Epic | Kind::Feature | Kind::Bug | Kind::Refactor | Kind::Test | Kind::Docs | Kind::Chore => {
            true
        }
    }
}
