//! What commands that only read have in common: the state, the rules in force, who is at work.

use super::context::{Context, Global};
use super::damage::{uncommitted, unfit};
use super::error::CliError;
use super::output::Format;
use crate::config::Config;
use crate::report::status::Unfit;
use crate::select::Rules;
use crate::select::mode::InForce;
use crate::state::graph::Index;
use crate::state::layout;
use crate::state::news::StateFile;
use crate::state::problem::Problem;
use crate::state::store::{Snapshot, Source, load_listed};
use crate::step::base::{read_config, rules};
use crate::step::lease::{self, Claim};

/// Whether an answer is for programs.
pub(super) fn for_programs(global: &Global) -> bool {
    matches!(global.format(), Format::Json | Format::Jsonl)
}

/// The state, as a command that only reads needs it. What is wrong with it is a warning here.
pub(super) struct Reading {
    /// The repository.
    pub(super) context: Context,
    /// Tasks and their graph.
    pub(super) snapshot: Snapshot,
    /// The configuration, if it can be used.
    pub(super) config: Option<Config>,
    /// What selection has to know of it.
    pub(super) rules: Rules,
    /// The scheduling policy in force, and why.
    pub(super) mode: InForce,
    /// Tasks that somebody is at work on.
    pub(super) running: Vec<Index>,
    /// Who works on them, as far as this clone knows.
    pub(super) claims: Vec<Claim>,
    /// What is wrong with files.
    pub(super) problems: Vec<Problem>,
    /// Paths of the state that are not committed, where they were asked for.
    pub(super) uncommitted: Option<Vec<String>>,
    /// What speaks against committing them.
    pub(super) unfit: Unfit,
}

impl Reading {
    /// Reads the work tree, or a revision.
    ///
    /// # Errors
    /// When there is no state, or it cannot be read at all.
    pub(super) fn open(global: &Global, at: Option<&str>) -> Result<Self, CliError> {
        let context = Context::open(global)?;
        let snapshot = context.snapshot(at)?;
        Self::of(context, snapshot, at)
    }

    /// The same, and compares a work tree with what is committed; its files are listed once for both.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) fn open_and_compare(global: &Global, at: Option<&str>) -> Result<Self, CliError> {
        let context = Context::open(global)?;
        let source = context.source(at)?;
        let Source::Work(root) = &source else {
            let snapshot = context.snapshot(at)?;
            return Self::of(context, snapshot, at);
        };
        let world = context.world();
        let files = world.files.work_files(root, layout::ROOT)?;
        let (paths, undecided) = uncommitted(world, &files)?;
        let unfit = unfit(world, root, (&files, &paths), undecided)?;
        let tasks: Vec<StateFile> = Source::whole(world, layout::TASKS, files)?
            .into_iter()
            .filter(|file| layout::kind_of(&file.path) == layout::FileKind::Task)
            .collect();
        let snapshot = load_listed(world, source, &tasks)?;
        let reading = Self::of(context, snapshot, at)?;
        Ok(Self { uncommitted: Some(paths), unfit, ..reading })
    }

    fn of(context: Context, snapshot: Snapshot, at: Option<&str>) -> Result<Self, CliError> {
        let world = context.world();
        let text = snapshot.source.read_path(world, layout::CONFIG)?.unwrap_or_default();
        let (config, mut problems) = read_config(&text, &context.caller);
        problems.extend(snapshot.problems.iter().cloned());
        // A configuration that cannot be read says nothing against any agent.
        let mode = context.mode_of(config.as_ref(), at)?;
        let unknown = Rules { agent_review: false, has_agent: true, mode: mode.mode };
        let rules = config.as_ref().map_or(unknown, |config| Rules { mode: mode.mode, ..rules(config) });
        let is_task = |task: &str| snapshot.graph.find(task).is_some();
        let claims = if at.is_none() { lease::live(world, &is_task)? } else { Vec::new() };
        let running = claims.iter().filter_map(|claim| snapshot.graph.find(&claim.task)).collect();
        Ok(Self {
            context,
            snapshot,
            config,
            rules,
            mode,
            running,
            claims,
            problems,
            uncommitted: None,
            unfit: Unfit::default(),
        })
    }

    /// Where a task is in the graph.
    ///
    /// # Errors
    /// When there is none; the error names the most similar id.
    pub(super) fn find(&self, id: &str) -> Result<Index, CliError> {
        self.snapshot.graph.find(id).ok_or_else(|| self.no_such_task(id))
    }
}
