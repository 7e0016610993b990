//! `orch trends`: how it goes over time.

use super::context::Global;
use super::error::CliError;
use super::output::Answer;
use super::reading::Reading;
use crate::report::route::accuracy;
use crate::report::trends::gather::{Gathered, Wanted, gather};
use crate::report::trends::human;
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

/// Since when.
#[derive(Debug, Clone, Copy)]
pub(super) enum Since {
    /// A day.
    On(jiff::civil::Date),
    /// So many seconds ago.
    Seconds(i64),
}

/// Reads a date, or an age.
pub(super) fn since(text: &str) -> Result<Since, String> {
    if let Ok(date) = text.parse() {
        return Ok(Since::On(date));
    }
    let age = crate::config::duration::age(text)
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

/// Gathers them: since when, or for as long as is usual.
pub(super) fn gathered(
    reading: &Reading,
    since: Option<Since>,
    at: Option<&str>,
) -> Result<Gathered, CliError> {
    let until = reading.context.time_of(at)?;
    let wanted = Wanted {
        snapshot: &reading.snapshot,
        profiles: reading.config.as_ref().map_or(&[], |config| config.agents.as_slice()),
        rules: reading.rules,
        running: &reading.running,
        since: since.unwrap_or(Since::Seconds(DAYS * 86_400)).before(until),
        until,
    };
    Ok(gather(reading.context.world(), &wanted)?)
}

/// Shows them.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let mut reading = Reading::open(global, args.at.as_deref())?;
    let Gathered { trends, health, runs, problems } = gathered(&reading, args.since, args.at.as_deref())?;
    let mut data = json!(trends);
    data["estimates"] = accuracy(&trends.estimates);
    data["health"] = json!(health);
    let mut answer = Answer::ok(data, human(&trends, global.width(), global.colour_out()));
    if runs.is_empty() {
        answer = answer.hint("type `orch step`, and there will be something to see");
    }
    reading.problems.extend(problems);
    answer.warnings = reading.warnings();
    Ok(answer)
}
