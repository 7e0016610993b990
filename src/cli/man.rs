//! `orch man`: manual pages.

use super::Cli;
use super::context::Global;
use super::error::CliError;
use super::output::Answer;
use crate::effects::EffectError;
use crate::effects::os::files::replace;
use clap::CommandFactory as _;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Print the manual page, or write one page for each command to a directory
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: orch man | man -l -")]
pub(super) struct Args {
    /// Where to write a page for each command
    #[arg(id = "pages_dir", value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Writes manual pages.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let Some(shown) = &args.dir else {
        let page = page(&command)?;
        return Ok(Answer::ok(json!({"page": page}), page));
    };
    let dir = global.path(shown);
    let write = |name: &str, command: &clap::Command| -> Result<String, EffectError> {
        replace(&dir.join(format!("{name}.1")), page(command)?.as_bytes(), false)?;
        Ok(shown.join(format!("{name}.1")).display().to_string())
    };
    let mut written = vec![write("orch", &command)?];
    // Names with two lines before them are orch's own affair.
    for sub in command.get_subcommands().filter(|sub| !sub.get_name().starts_with("__")) {
        let name = format!("orch-{}", sub.get_name());
        written.push(write(&name, sub)?);
    }
    let human = written.iter().map(|path| format!("{path}\n")).collect::<String>();
    Ok(Answer::ok(json!({"pages": written}), human))
}

fn page(command: &clap::Command) -> Result<String, EffectError> {
    let mut bytes = Vec::new();
    let failed = |error: std::io::Error| EffectError::io("write", Path::new("orch.1"), &error);
    clap_mangen::Man::new(command.clone()).render(&mut bytes).map_err(failed)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
