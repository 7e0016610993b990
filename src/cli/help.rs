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
    let of = args.words.join(" ");
    // A topic is a text of its own, whose lines and examples stay as they are.
    if let Some(text) = at.get_long_about().filter(|_| at.is_hide_set()) {
        let text = format!("{text}\n");
        return Ok(Answer::ok(json!({"of": of, "text": text}), text));
    }
    let help = at.render_long_help();
    let text = help.to_string();
    let human = if global.colour_out() { help.ansi().to_string() } else { text.clone() };
    Ok(Answer::ok(json!({"of": of, "text": text}), human))
}
