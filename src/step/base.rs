//! State: everything that a step decides by, all of it from one commit.

use super::error::{StepError, how_to_end};
use super::upstream;
use crate::config::read::{Layers, namesakes, read};
use crate::config::trust::{self, Store};
use crate::config::{Adapter, Config, Integration, Profile, shell};
use crate::effects::{Commit, Head, Oid, Upstream, World};
use crate::select::Rules;
use crate::select::mode::{self, InForce, Mode};
use crate::state::digest::Digest;
use crate::state::file;
use crate::state::graph::{Graph, Index};
use crate::state::id::TaskId;
use crate::state::layout;
use crate::state::note::Gist;
use crate::state::notes::{self, Notes};
use crate::state::problem::Problem;
use crate::state::runs;
use crate::state::settle::settled;
use crate::state::store::{self, Snapshot, Source};
use crate::state::task::Task;
use jiff::Timestamp;
use std::cell::OnceCell;

/// What the caller knows that is not in the repository.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The branch, if one was named.
    pub branch: Option<String>,
    /// The user's own configuration: where it is, and its bytes.
    pub user_config: Option<(String, Vec<u8>)>,
    /// What was trusted before.
    pub trust: Store,
    /// The name of this repository in the trust store.
    pub repository: String,
    /// Whether this one call trusts what is there.
    pub trust_all: bool,
    /// Whether what is done lands by push.
    pub push: bool,
    /// Whether it is a job of a CI service.
    pub ci: bool,
}

/// Everything that a step decides by.
#[derive(Debug)]
pub struct Base {
    /// The target branch, without `refs/heads/`.
    pub branch: String,
    /// Whether commits of the state alone ask CI services to run nothing for them. They do where each is
    /// pushed by itself: in a push of several, the last one would speak for all.
    pub skips_ci: bool,
    /// Where what is done is pushed to, if it lands by push.
    pub upstream: Option<Upstream>,
    /// Its tip.
    pub commit: Commit,
    /// Tasks and their graph.
    pub snapshot: Snapshot,
    /// The configuration.
    pub config: Config,
    /// Warnings about files.
    pub warnings: Vec<Problem>,
    /// The scheduling policy in force, and why.
    pub mode: InForce,
    /// What the caller knows.
    pub(super) caller: Caller,
    pub(super) notes: OnceCell<Notes>,
    pub(super) recent: OnceCell<Vec<Digest>>,
}

/// The full name of a branch's ref.
#[must_use]
pub fn branch_ref(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

/// The branch to work on, and its tip.
///
/// # Errors
/// When `HEAD` is detached and no branch was named, or the branch has no commit.
pub fn target(world: World<'_>, caller: &Caller) -> Result<(String, Oid), StepError> {
    let branch = target_branch(world, caller)?;
    if let Some(tip) = world.git.tip(&branch_ref(&branch))? {
        return Ok((branch, tip));
    }
    // The branch that is checked out may have no commit yet.
    if matches!(world.git.head()?, Head::Branch(here, None) if here == branch) {
        return Err(StepError::NoProject(branch));
    }
    let fact = format!("there is no branch `{branch}` here");
    let hint = match branch.strip_prefix("refs/heads/") {
        Some(name) => format!("name it without `refs/heads/`: `--branch {name}`"),
        None if world.git.resolve(&branch)?.is_some() => {
            "that names a commit: type `git branch` to see the branches".to_owned()
        }
        None => format!("type `git switch -c {}` to begin it", shell::word(&branch)),
    };
    Err(StepError::git(fact, hint))
}

/// The commit to look at, with the branch that it is on: the tip of one that was named, else whatever is checked out,
/// which may be no branch at all (in a bisect, in a rebase, in a job). Nothing can land on that.
///
/// # Errors
/// When the named branch is not there, or there is no commit yet.
pub fn here(world: World<'_>, caller: &Caller) -> Result<(String, Oid), StepError> {
    match world.git.head()? {
        Head::Detached(commit) if caller.branch.is_none() => Ok(("HEAD".to_owned(), commit)),
        Head::Detached(_) | Head::Branch(..) => target(world, caller),
    }
}

/// The branch to work on, which may be unborn.
///
/// # Errors
/// When `HEAD` is detached and no branch was named.
pub fn target_branch(world: World<'_>, caller: &Caller) -> Result<String, StepError> {
    if let Some(branch) = &caller.branch {
        return Ok(branch.clone());
    }
    match world.git.head()? {
        Head::Branch(branch, _) => Ok(branch),
        Head::Detached(_) => Err(match world.git.in_progress() {
            Some(what) => {
                StepError::git(format!("a {what} is in progress, so HEAD is detached"), how_to_end(what))
            }
            None => StepError::git(
                "HEAD is detached, so there is no branch to work on",
                "name one with `--branch NAME`",
            ),
        }),
    }
}

impl Base {
    /// Loads everything from the tip of the target branch.
    ///
    /// # Errors
    /// When the branch cannot be determined, or a file of the state cannot be used.
    pub fn load(world: World<'_>, caller: &Caller) -> Result<Self, StepError> {
        let (branch, tip) = target(world, caller)?;
        let base = Self::at(world, caller, branch, tip)?;
        match &base.config.project.branch {
            Some(wanted) if *wanted != base.branch && caller.branch.is_none() => Err(StepError::git(
                format!(
                    "the configuration names the branch `{wanted}`, and `{}` is checked out",
                    base.branch
                ),
                format!("name one with `--branch {wanted}` or `--branch {}`", base.branch),
            )),
            _ => Ok(base),
        }
    }

    /// Loads everything from a commit.
    ///
    /// # Errors
    /// When a file of the state cannot be used.
    pub fn at(world: World<'_>, caller: &Caller, branch: String, tip: Oid) -> Result<Self, StepError> {
        let commit = world.git.commit(tip)?;
        let source = Source::Tree(commit.tree);
        let Some(text) = source.read_path(world, layout::CONFIG)? else {
            return Err(StepError::NoProject(branch));
        };
        let (config, mut problems) = read_config(&text, caller);
        let snapshot = store::load(world, source)?;
        problems.extend(snapshot.problems.iter().cloned());
        match config {
            Some(config) if !problems.iter().any(Problem::is_error) => {
                let mode =
                    mode_in_force(world, &config, &snapshot.source, Some(&snapshot.graph), commit.time)?;
                let upstream = caller.push.then(|| upstream::of(world, &branch)).transpose()?;
                let read = Self::of(caller, (branch, commit), (config, snapshot), mode);
                Ok(Self { upstream, warnings: problems, ..read })
            }
            _ => Err(StepError::Invalid(problems)),
        }
    }

    /// The same from what was read already, such as a work tree: for who only asks what a step would do.
    #[must_use]
    pub fn of(
        caller: &Caller,
        (branch, commit): (String, Commit),
        (config, snapshot): (Config, Snapshot),
        mode: InForce,
    ) -> Self {
        Self {
            branch,
            skips_ci: caller.ci && caller.push,
            upstream: None,
            commit,
            snapshot,
            config,
            warnings: Vec::new(),
            mode,
            caller: caller.clone(),
            notes: OnceCell::new(),
            recent: OnceCell::new(),
        }
    }

    /// The same once the branch is at another commit.
    ///
    /// # Errors
    /// As [`Base::at`].
    pub fn become_commit(&self, world: World<'_>, commit: Oid) -> Result<Self, StepError> {
        Self::at(world, &self.caller, self.branch.clone(), commit)
    }

    /// What selection has to know of the configuration.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules { mode: self.mode.mode, ..rules(&self.config) }
    }

    /// All notes at the base; they are read once.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn notes(&self, world: World<'_>) -> Result<Vec<Gist<'_>>, StepError> {
        if let Some(notes) = self.notes.get() {
            return Ok(notes.gists());
        }
        let (notes, problems) = notes::load(world, &self.snapshot.source)?;
        if problems.iter().any(Problem::is_error) {
            return Err(StepError::Invalid(problems));
        }
        Ok(self.notes.get_or_init(|| notes).gists())
    }

    /// The profile with a name.
    ///
    /// # Errors
    /// When there is none.
    pub fn profile(&self, name: &str) -> Result<&Profile, StepError> {
        let found = self.config.agents.iter().find(|profile| profile.name == name);
        found.ok_or_else(|| StepError::UnknownAgent(name.to_owned()))
    }

    /// Where a task is in the graph.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, id: &str) -> Result<Index, StepError> {
        self.snapshot.graph.find(id).ok_or_else(|| StepError::UnknownTask(id.to_owned()))
    }

    /// A task as another tree of the same branch has it; none if it is gone, or cannot be read any more.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub fn task_at(&self, world: World<'_>, id: &str, tree: Oid) -> Result<Option<Task>, StepError> {
        let graph = &self.snapshot.graph;
        let Some(index) = graph.find(id) else { return Ok(None) };
        let path = &graph.nodes()[index].path;
        let Some((_, blob)) = world.git.entry(tree, path)? else { return Ok(None) };
        Ok(file::task::read(path, &world.git.blob(blob)?).value)
    }

    /// Refuses to go on where no step can run by this commit: what it records would be ambiguous, or its commands
    /// are not trusted.
    ///
    /// # Errors
    /// When none can.
    pub fn check_commands(&self, caller: &Caller) -> Result<(), StepError> {
        match namesakes(&self.config) {
            none if none.is_empty() => self.check_trust(caller),
            found => Err(StepError::Invalid(found)),
        }
    }

    /// Refuses to go on unless the commands of this commit are trusted.
    ///
    /// # Errors
    /// When they are not.
    pub fn check_trust(&self, caller: &Caller) -> Result<(), StepError> {
        let commands = commands(&self.config, &self.snapshot);
        let fingerprint = trust::fingerprint(&caller.repository, &commands);
        let trusted =
            caller.trust_all || commands.is_empty() || caller.trust.trusts(&caller.repository, &fingerprint);
        if trusted {
            return Ok(());
        }
        let since = caller.trust.since(&caller.repository, &commands);
        Err(StepError::Untrusted { commands, since })
    }
}

/// What selection has to know of a configuration, the mode aside.
#[must_use]
pub fn rules(config: &Config) -> Rules {
    let agents = || config.agents.iter().filter(|profile| profile.adapter != Adapter::Shell);
    Rules {
        // What waits to be merged has been looked at as far as agents can.
        agent_review: config.policy.integration == Integration::Branch
            && crate::review::by_agents_alone(config)
            && agents().count() > 1,
        has_agent: agents().count() > 0,
        mode: Mode::Balance,
    }
}

/// The scheduling policy in force: what the configuration says, or what the newest runs call for.
///
/// # Errors
/// When they cannot be read.
pub fn mode_in_force(
    world: World<'_>,
    config: &Config,
    source: &Source,
    known: Option<&Graph>,
    now: Timestamp,
) -> Result<InForce, StepError> {
    if let Some(mode) = mode::fixed(config.policy.mode) {
        return Ok(mode);
    }
    // Where tasks stand is asked for only where work waits for a review.
    let loaded = OnceCell::new();
    let load = || store::load(world, source.clone()).ok().map(|snapshot| snapshot.graph);
    let stands = |task: &TaskId| {
        let graph = known.or_else(|| loaded.get_or_init(load).as_ref())?;
        graph.find(task.as_str()).map(|at| graph.nodes()[at].status)
    };
    let runs = runs::recent(world, source, now)?.0;
    Ok(mode::from_runs(&settled(runs, stands, store::undone(world, source))))
}

/// The repository's configuration with the caller's own on top, and what is wrong with them.
#[must_use]
pub fn read_config(text: &[u8], caller: &Caller) -> (Option<Config>, Vec<Problem>) {
    let user = caller.user_config.as_ref().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
    let read = read(&Layers { repository: Some(text), user });
    (read.value, read.problems)
}

/// The commands that the files of a commit name.
#[must_use]
pub fn commands(config: &Config, snapshot: &Snapshot) -> Vec<trust::TrustedCommand> {
    let runs: Vec<(TaskId, String)> = snapshot
        .graph
        .nodes()
        .iter()
        .filter_map(|node| Some((node.id.clone(), node.run.as_ref()?.to_string())))
        .collect();
    trust::commands(config, &runs)
}
