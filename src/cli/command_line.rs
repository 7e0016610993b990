//! The command line itself: read, or refused to whoever asked.

use super::Cli;
use super::error::CliError;
use super::output::{Format, Printed, Style, render};
use super::unknown;
use crate::effects::Clock as _;
use crate::effects::os::clock::OsClock;
use clap::{CommandFactory as _, FromArgMatches as _};
use std::ffi::OsStr;

/// Reads a command line.
///
/// # Errors
/// When it is not one, or only help was wanted.
pub fn read(arguments: &[String]) -> Result<Cli, clap::Error> {
    let colour = match asked_for(arguments, "--color", "ORCH_COLOR").as_deref() {
        Some("never") => clap::ColorChoice::Never,
        Some("always") => clap::ColorChoice::Always,
        Some(_) | None => clap::ColorChoice::Auto,
    };
    let mut command = commands().color(colour);
    let read =
        command.try_get_matches_from_mut(std::env::args_os()).and_then(|all| Cli::from_arg_matches(&all));
    // What clap says of a missing command lists those by which orch calls itself, too.
    let missing = clap::error::ErrorKind::MissingSubcommand;
    let fact = "a command is missing: type `orch help` to see them all";
    read.map_err(|error| if error.kind() == missing { command.error(missing, fact) } else { error })
}

/// Reads words as the command line.
///
/// # Errors
/// When they are not one, or only help was wanted.
pub(super) fn parse(words: &[String]) -> Result<Cli, clap::Error> {
    commands().try_get_matches_from(words).and_then(|all| Cli::from_arg_matches(&all))
}

/// All commands. A variable that is set to nothing, as a CI job does for an input that nobody gave, says nothing.
fn commands() -> clap::Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    Cli::command()
        .mut_args(|arg| if arg.get_env().is_some_and(is_empty) { arg.env(None::<&'static str>) } else { arg })
}

/// The answer to a command line that cannot be understood, where orch knows what was meant or it was a program that
/// asked; none where clap's own words are for a person.
#[must_use]
pub fn refused(error: &clap::Error, arguments: &[String]) -> Option<Printed> {
    if !error.use_stderr() {
        return None;
    }
    let format = match asked_for(arguments, "--format", "ORCH_FORMAT").as_deref() {
        _ if arguments.iter().any(|argument| argument == "--json") => Some(Format::Json),
        Some("json") => Some(Format::Json),
        Some("jsonl") => Some(Format::Jsonl),
        Some(_) | None => None,
    };
    let wants_log = asked_for(arguments, "--log-format", "ORCH_LOG_FORMAT").as_deref() == Some("json");
    let log = wants_log.then(|| OsClock::from_env().now());
    let text = error.render().to_string();
    let annotates = arguments.iter().any(|argument| argument == "--ci") && is_annotated();
    let mut commands = Cli::command();
    commands.build();
    let explained = unknown::explained(error, &commands, arguments);
    if explained.is_none() && format.is_none() && log.is_none() && !annotates {
        return None;
    }
    let name = arguments.iter().skip(1).find(|argument| commands.find_subcommand(argument).is_some());
    let said: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let fact = said.join(" ").trim_start_matches("error: ").to_owned();
    let format = format.unwrap_or_default();
    let style = Style { format, quiet: false, ci: annotates, annotations: annotates, log };
    Some(render(
        name.map_or("orch", String::as_str),
        &Err(explained.unwrap_or_else(|| CliError::usage(fact))),
        style,
    ))
}

/// Whether a runner reads annotations.
pub(super) fn is_annotated() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| !value.is_empty())
}

/// What a command line, however wrong the rest of it is, or else the environment says for an option.
fn asked_for(arguments: &[String], option: &str, variable: &str) -> Option<String> {
    let inline = |argument: &String| argument.strip_prefix(option)?.strip_prefix('=').map(str::to_owned);
    let apart = || Some(arguments.iter().skip_while(|each| *each != option).nth(1)?.clone());
    arguments.iter().find_map(inline).or_else(apart).or_else(|| std::env::var(variable).ok())
}
