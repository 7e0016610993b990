//! `orch report`: one page about everything.

use super::context::Global;
use super::error::CliError;
use super::output::{self, Answer, Format};
use super::reading::{Reading, for_programs};
use super::trends::{Since, since};
use super::{status, trends};
use crate::effects::os::files::publish;
use crate::report::page::{Given, Page, html, markdown};
use crate::report::route::accuracy;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Make one page about everything: graph, history, trends, cost
///
/// A single HTML file that needs nothing else: no script, nothing from the network; light or dark, and made to
/// be printed. With `--markdown`, a summary for a CI job.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples: orch report -o report.html\n          orch report --markdown >> \"$GITHUB_STEP_SUMMARY\""
)]
pub(super) struct Args {
    /// Write it to this file, not to standard output (`-`)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// A summary in Markdown, not a page
    #[arg(long)]
    markdown: bool,
    /// Tell of the time since: a date, or a time such as `30d` (default 56d)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<Since>,
    /// As of this revision, not the work tree
    #[arg(long, value_name = "REV")]
    at: Option<String>,
}

/// Makes it.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let at = args.at.as_deref();
    let mut reading = Reading::open_and_compare(global, at)?;
    let status = status::gathered(&mut reading, at)?;
    let gathered = trends::gathered(&reading, args.since, at)?;
    let page = Page::new(&Given {
        status: &status,
        trends: &gathered.trends,
        runs: &gathered.runs,
        graph: &reading.snapshot.graph,
        rules: reading.rules,
        running: &reading.running,
        at: reading.context.time_of(at)?,
    });
    let is_summary = args.markdown || global.format() == Format::Md;
    let text = || if is_summary { markdown(&page) } else { html(&page) };
    let mut answer = match output::file(args.output.as_ref()) {
        Some(path) => {
            let text = text();
            publish(&global.path(path), text.as_bytes())?;
            let shown = path.display().to_string();
            Answer::ok(json!({"file": shown, "bytes": text.len()}), format!("wrote {shown}\n"))
        }
        None if for_programs(global) => {
            let mut data = json!(page);
            data["trends"]["estimates"] = accuracy(&gathered.trends.estimates);
            Answer::ok(data, "")
        }
        None => {
            let text = text();
            Answer { md: Some(text.clone()), ..Answer::ok(Value::Null, text) }
        }
    };
    answer.warnings = reading.warnings();
    answer.warnings.extend(status.warnings());
    answer.alerts = status.alerts.iter().map(|alert| alert.text.clone()).collect();
    Ok(answer)
}
