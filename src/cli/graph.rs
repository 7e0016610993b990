//! `orch graph`: a picture of the graph.

use super::context::Global;
use super::error::CliError;
use super::output::{self, Answer, Format};
use super::picture::{by_name, too_large};
use super::reading::Reading;
use crate::effects::os::files::publish;
use crate::report::graph::{Options, View, dot, json, mermaid, svg, text};
use serde_json::json;
use std::path::PathBuf;

/// How many tasks are drawn on a terminal when nobody says.
const LIMIT: usize = 60;

/// Draw the graph of tasks, or of one task with what it needs and what needs it
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples: orch graph --hide-closed\n          orch graph -o plan.svg")]
pub(super) struct Args {
    /// Only this task, what it needs and what needs it
    id: Option<String>,
    /// Draw all of a long text, not only the first 60 tasks
    #[arg(long)]
    all: bool,
    /// Leave out what is done or cancelled
    #[arg(long)]
    hide_closed: bool,
    /// Write the picture to this file, not to standard output (`-`); `.svg`, `.dot`, `.mmd`, `.md` and `.json` say
    /// what it is to be, if `--format` does not
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// As of this revision, not the work tree
    #[arg(long, value_name = "REV")]
    at: Option<String>,
}

/// Draws the graph.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let reading = Reading::open(global, args.at.as_deref())?;
    let around = args.id.as_deref().map(|id| reading.find(id)).transpose()?;
    let options = Options {
        around,
        only: None,
        hide_closed: args.hide_closed,
        agent_review: reading.rules.agent_review,
        running: reading.running.clone(),
    };
    let view = View::new(&reading.snapshot.graph, &options);
    let to_file = output::file(args.output.as_ref()).is_some();
    let format = match output::file(args.output.as_ref()) {
        Some(path) if global.format() == Format::Human => by_name(path)?,
        _ => global.format(),
    };
    let picture = match format {
        Format::Json | Format::Jsonl if to_file => json::render(&view),
        Format::Json | Format::Jsonl => String::new(),
        Format::Dot => dot::render(&view),
        Format::Mermaid => mermaid::render(&view),
        Format::Md => format!("```mermaid\n{}```\n", mermaid::render(&view)),
        Format::Svg => svg::render(&view),
        // These two are no picture, and refused before.
        Format::Human | Format::Text | Format::Openmetrics | Format::Otlp => {
            text::render(&view, &terminal(global, args))
        }
    };
    let too_large = matches!(format, Format::Mermaid | Format::Md).then(|| too_large(&picture)).flatten();
    let mut answer = match output::file(args.output.as_ref()) {
        Some(path) => {
            publish(&global.path(path), picture.as_bytes())?;
            let shown = path.display().to_string();
            Answer::ok(json!({"file": shown, "tasks": view.picked().len()}), format!("wrote {shown}\n"))
        }
        None if matches!(global.format(), Format::Json | Format::Jsonl) => {
            // Strings, numbers and lists always serialise.
            Answer::written(serde_json::to_string(&json::document(&view)).unwrap_or_default())
        }
        None => {
            let mut answer = Answer::ok(serde_json::Value::Null, picture.clone());
            answer.md = Some(picture);
            answer
        }
    };
    // A text picture lists what is wrong with the graph itself.
    answer.warnings = reading.warnings();
    answer.warnings.extend(too_large);
    Ok(answer)
}

fn terminal(global: &Global, args: &Args) -> text::Options {
    let to_file = output::file(args.output.as_ref()).is_some();
    let mut all = "orch graph".to_owned();
    all.extend(args.id.iter().map(|id| format!(" {id}")));
    all.push_str(if args.hide_closed { " --hide-closed --all" } else { " --all" });
    text::Options {
        width: global.width().filter(|_| !to_file),
        ascii: false,
        colour: global.colour_out() && !to_file,
        limit: (!args.all).then_some(LIMIT),
        all,
    }
}
