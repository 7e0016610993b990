//! `orch trends`: how it goes over time.

use super::context::Global;
use super::error::CliError;
use super::output::Answer;
use super::reading::Reading;
use crate::report::route::accuracy;
use crate::report::status::{health, looks};
use crate::report::trends::{Given, human, trends};
use crate::route::Past;
use crate::state::layout;
use crate::state::runs::{self, RECENT_MAX};
use jiff::Timestamp;
use serde_json::json;

/// How far back, where nobody says: eight weeks.
const DAYS: i64 = 56;

/// Show quality, cost, pace and estimates over time
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples: orch trends --since 30d\n          orch trends --at v1.0 --json")]
pub(super) struct Args {
    /// Since when: a date, or a time such as `30d` (default 56d)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<Since>,
    /// As of this revision, not the work tree
    #[arg(long, value_name = "REV")]
    at: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum Since {
    On(jiff::civil::Date),
    Seconds(i64),
}

fn since(text: &str) -> Result<Since, String> {
    if let Ok(date) = text.parse() {
        return Ok(Since::On(date));
    }
    let age = crate::config::duration::parse(text)
        .map_err(|_| "a date such as 2026-11-20, or a time such as 30d".to_owned())?;
    Ok(Since::Seconds(i64::try_from(age.as_secs()).unwrap_or(i64::MAX)))
}

impl Since {
    fn before(self, now: Timestamp) -> Timestamp {
        let started = match self {
            Self::On(date) => date.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp()),
            Self::Seconds(age) => Timestamp::from_second(now.as_second().saturating_sub(age)),
        };
        started.unwrap_or(Timestamp::MIN)
    }
}

/// Shows them.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let mut reading = Reading::open(global, args.at.as_deref())?;
    let world = reading.context.world();
    let now = reading.context.time_of(args.at.as_deref())?;
    let since = args.since.unwrap_or(Since::Seconds(DAYS * 86_400)).before(now);
    let (source, graph) = (&reading.snapshot.source, &reading.snapshot.graph);
    let (all, problems) = runs::since(world, source, since, now)?;
    let kind = |task: &crate::state::id::TaskId| graph.find(task.as_str()).map(|at| graph.nodes()[at].kind);
    // Estimates are learned from the newest runs alone, as routing learns.
    let past = Past::new(all.get(..RECENT_MAX).unwrap_or(&all), kind);
    let health = health(graph, &looks(graph, reading.rules, &reading.running), &all, now);
    let given = Given {
        runs: &all,
        since,
        until: now,
        health: &health,
        profiles: reading.config.as_ref().map_or(&[], |config| config.agents.as_slice()),
        state_files: source.list(world, layout::ROOT)?.len(),
    };
    let trends = trends(&given, &past);
    let mut data = json!(trends);
    data["estimates"] = accuracy(&trends.estimates);
    data["health"] = json!(health);
    let mut answer = Answer::ok(data, human(&trends, global.width(), global.colour_out()));
    if all.is_empty() {
        answer = answer.hint("type `orch step`, and there will be something to see");
    }
    reading.problems.extend(problems);
    answer.warnings = reading.warnings();
    Ok(answer)
}
