//! `orch help`: the help of a command, or a topic.

use super::context::Global;
use super::error::CliError;
use super::output::Answer;
use super::{Cli, own};
use clap::CommandFactory as _;
use serde_json::json;

/// Print this message, the help of a command, or a topic
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A command, with one of its own, or a topic
    #[arg(value_name = "COMMAND|TOPIC")]
    words: Vec<String>,
}

/// Shows it.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let mut all = Cli::command();
    all.build();
    let mut at = &mut all;
    for word in &args.words {
        at = at.find_subcommand_mut(word).filter(|found| !own(found)).ok_or_else(|| {
            CliError::usage(format!("there is no command or topic `{word}`"))
                .hint("type `orch help` to see them all")
        })?;
    }
    let help = at.render_long_help();
    let text = help.to_string();
    let human = if global.colour_out() { help.ansi().to_string() } else { text.clone() };
    Ok(Answer::ok(json!({"of": args.words.join(" "), "text": text}), human))
}
