//! `orch list --branches`: tasks on other branches, and what would conflict.

use super::context::{Context, Global};
use super::error::CliError;
use super::output::Answer;
use super::tip::has_project;
use crate::report::branches::{gather, human, json, markdown};
use crate::state::store::{Source, load};
use crate::step::base::target;

/// Compares the target branch with all others.
pub(super) fn run(global: &Global) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let world = context.world();
    let (here, tip) = target(world, &context.caller)?;
    has_project(world, tip)?;
    let snapshot = load(world, Source::Tree(world.git.commit(tip)?.tree))?;
    let found = gather(world, &here, tip, &snapshot.graph)?;
    let mut answer = Answer::ok(json(&found), human(&found, global.width(), global.colour_out()));
    answer.md = Some(markdown(&found));
    Ok(answer)
}
