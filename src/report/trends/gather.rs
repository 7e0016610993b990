//! Gathering what trends are made from.

use super::{Given, Trends, trends};
use crate::config::Profile;
use crate::effects::{EffectError, World};
use crate::report::status::{Health, health, looks};
use crate::route::Past;
use crate::select::Rules;
use crate::state::digest::Digest;
use crate::state::graph::Index;
use crate::state::id::TaskId;
use crate::state::layout;
use crate::state::problem::Problem;
use crate::state::runs::{self, RECENT_MAX};
use crate::state::settle::settled;
use crate::state::store::{self, Snapshot};
use jiff::Timestamp;

/// What trends are of.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    /// Tasks and their graph.
    pub snapshot: &'w Snapshot,
    /// All profiles.
    pub profiles: &'w [Profile],
    /// What selection has to know.
    pub rules: Rules,
    /// Tasks that are being worked on.
    pub running: &'w [Index],
    /// When they begin.
    pub since: Timestamp,
    /// When they end.
    pub until: Timestamp,
}

/// Trends, and what they were made from.
#[derive(Debug)]
pub struct Gathered {
    /// How it goes over time.
    pub trends: Trends,
    /// How much is done, and open.
    pub health: Health,
    /// The runs.
    pub runs: Vec<Digest>,
    /// What is wrong with run records.
    pub problems: Vec<Problem>,
}

/// Gathers them.
///
/// # Errors
/// When the repository cannot be read.
pub fn gather(world: World<'_>, wanted: &Wanted<'_>) -> Result<Gathered, EffectError> {
    let (source, graph) = (&wanted.snapshot.source, &wanted.snapshot.graph);
    let (runs, problems) = runs::since(world, source, wanted.since, wanted.until)?;
    let stands = |task: &TaskId| graph.find(task.as_str()).map(|at| graph.nodes()[at].status);
    let runs = settled(runs, stands, store::undone(world, source));
    let kind = |task: &TaskId| graph.find(task.as_str()).map(|at| graph.nodes()[at].kind);
    // Estimates are learned from the newest runs alone, as routing learns.
    let past = Past::new(runs.get(..RECENT_MAX).unwrap_or(&runs), kind);
    let health = health(graph, &looks(graph, wanted.rules, wanted.running), &runs, wanted.until);
    let given = Given {
        runs: &runs,
        since: wanted.since,
        until: wanted.until,
        health: &health,
        profiles: wanted.profiles,
        state_files: source.list(world, layout::ROOT)?.len(),
    };
    let trends = trends(&given, &past);
    Ok(Gathered { trends, health, runs, problems })
}
