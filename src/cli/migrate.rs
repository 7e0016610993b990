//! `orch migrate`: upgrades the files of the state to the newest schema.

use super::context::{Context, Global};
use super::error::CliError;
use super::output::Answer;
use crate::commit::state_commit;
use crate::state::file::SCHEMA;
use crate::state::layout;
use crate::state::store::Source;
use crate::step::base::{read_config, target};
use crate::step::init::empty_base;
use crate::step::land::FileEdit;
use crate::step::person::land_files;
use crate::step::{Base, StepError};
use crate::upkeep::migrate::{Migration, plan};
use serde_json::json;
use std::fmt::Write as _;

/// Upgrade all files of the state to the newest schema
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Say what would be done
    #[arg(long)]
    dry_run: bool,
}

/// Migrates in a commit of its own.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let world = context.world();
    let (branch, tip) = target(world, &context.caller)?;
    let tree = world.git.commit(tip)?.tree;
    if world.git.subtree(tree, layout::ROOT)?.is_none() {
        return Err(StepError::NoProject(branch).into());
    }
    let migration = plan(world, &Source::Tree(tree))?;
    if !migration.newer.is_empty() {
        return Err(CliError::problems(&migration.newer));
    }
    let mut commit = None;
    if !args.dry_run && !migration.files.is_empty() {
        if global.no_commit {
            context.put_uncommitted(&migration.files)?;
        } else {
            let base = as_configured(&context, empty_base(world, branch, tip)?, &migration.files)?;
            let subject = state_commit(&format!("migrate {} to schema {SCHEMA}", files(&migration)));
            let reporter = global.reporter();
            commit = Some(land_files(world, &base, &migration.files, &subject, reporter.as_ref())?.commit);
        }
    }
    let mut answer = answer(&migration, args.dry_run, commit.map(|commit| commit.to_string()).as_deref());
    answer.warnings.extend(only_here(&context, &migration)?);
    Ok(answer)
}

/// That older files of the work tree are not committed: what is upgraded are those of the branch.
fn only_here(context: &Context, migration: &Migration) -> Result<Option<String>, CliError> {
    let Ok(root) = context.root() else { return Ok(None) };
    let here = plan(context.world(), &Source::Work(root.to_owned()))?.files;
    let is_only_here = |file: &&FileEdit| !migration.files.iter().any(|(path, _)| *path == file.0);
    let paths: Vec<&str> = here.iter().filter(is_only_here).map(|(path, _)| path.as_str()).collect();
    let [first, ..] = paths.as_slice() else { return Ok(None) };
    let what = match paths.len() {
        1 => format!("`{first}` has an older schema in the work tree only"),
        more => format!("`{first}` and {} have an older schema in the work tree only", more - 1),
    };
    Ok(Some(format!("{what}: commit it, then type `orch migrate`")))
}

/// The base with the author that its configuration, once upgraded, names.
fn as_configured(context: &Context, mut base: Base, files: &[FileEdit]) -> Result<Base, CliError> {
    let upgraded = files.iter().find(|(path, _)| path == layout::CONFIG).and_then(|(_, text)| text.clone());
    let text = match upgraded {
        Some(text) => Some(text),
        None => Source::Tree(base.commit.tree).read_path(context.world(), layout::CONFIG)?,
    };
    if let Some(config) = text.and_then(|text| read_config(&text, &context.caller).0) {
        base.config = config;
    }
    Ok(base)
}

fn files(migration: &Migration) -> String {
    match migration.files.len() {
        1 => "1 file".to_owned(),
        many => format!("{many} files"),
    }
}

fn answer(migration: &Migration, dry_run: bool, commit: Option<&str>) -> Answer {
    let mut human = if migration.files.is_empty() && migration.broken.is_empty() {
        format!("all {} files are at schema {SCHEMA}\n", migration.current)
    } else if migration.files.is_empty() {
        let broken = crate::report::plural(migration.broken.len(), "file");
        format!(
            "at schema {SCHEMA}: {}; cannot be used: {broken}\n",
            crate::report::plural(migration.current, "file")
        )
    } else {
        let verb = if dry_run { "would upgrade" } else { "upgraded" };
        format!("{verb} {} to schema {SCHEMA}; {} were there\n", files(migration), migration.current)
    };
    for (path, _) in &migration.files {
        let _ = writeln!(human, "  {}", crate::report::safe::text(path));
    }
    let paths: Vec<&str> = migration.files.iter().map(|(path, _)| path.as_str()).collect();
    let data = json!({
        "schema": SCHEMA, "upgraded": paths, "current": migration.current, "dry_run": dry_run,
        "commit": commit, "broken": migration.broken.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    let mut answer = Answer::ok(data, human);
    answer.warnings.extend(migration.broken.iter().map(|problem| format!("left as it is: {problem}")));
    answer
}
