//! `orch man`: manual pages.

use super::context::Global;
use super::error::CliError;
use super::output::Answer;
use super::{Cli, own};
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

/// How every page ends.
const EXIT_STATUS: &str =
    ".SH \"EXIT STATUS\"\n0 if it went well; all others are in \\fBorch\\-exit\\-codes\\fR(1).\n";

/// Writes manual pages.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let mut command = Cli::command();
    command.build();
    let Some(shown) = &args.dir else {
        let page = page(&command)?;
        return Ok(Answer::ok(json!({"page": page}), page));
    };
    let dir = global.path(shown);
    let mut written = Vec::new();
    for (name, command) in pages("orch", &command) {
        replace(&dir.join(format!("{name}.1")), page(&command)?.as_bytes(), false)?;
        written.push(shown.join(format!("{name}.1")).display().to_string());
    }
    let human = written.iter().map(|path| format!("{path}\n")).collect::<String>();
    Ok(Answer::ok(json!({"pages": written}), human))
}

/// A command and all below it, each with the name of its page.
fn pages(name: &str, command: &clap::Command) -> Vec<(String, clap::Command)> {
    let below = command.get_subcommands().filter(|sub| !own(sub) && sub.get_name() != "help");
    let below = below.flat_map(|sub| pages(&format!("{name}-{}", sub.get_name()), sub));
    std::iter::once((name.to_owned(), command.clone())).chain(below).collect()
}

fn page(command: &clap::Command) -> Result<String, EffectError> {
    let mut bytes = Vec::new();
    let failed = |error: std::io::Error| EffectError::io("write", Path::new("orch.1"), &error);
    clap_mangen::Man::new(command.clone()).render(&mut bytes).map_err(failed)?;
    let page = String::from_utf8_lossy(&bytes).into_owned();
    Ok(with_usage(&page, &command.clone().render_usage().to_string()) + EXIT_STATUS)
}

/// A page whose synopsis is the usage that `--help` has: options are told of below, with what they take.
fn with_usage(page: &str, usage: &str) -> String {
    let usage = usage.trim_start_matches("Usage:").trim().replace('\\', "\\e").replace('-', "\\-");
    let usage: Vec<&str> = usage.lines().map(str::trim).collect();
    let Some((before, rest)) = page.split_once(".SH SYNOPSIS\n") else { return page.to_owned() };
    let after = rest.split_once(".SH ").map_or("", |(_, after)| after);
    format!("{before}.SH SYNOPSIS\n{}\n.SH {after}", usage.join("\n.br\n"))
}
