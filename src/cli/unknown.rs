//! What was typed and is not there: the nearest word, or what does here what another tool's word does there.

use super::elsewhere::{CLOSE, ELSEWHERE};
use super::error::CliError;
use crate::config::shell;
use crate::state::note::NoteKind;
use crate::state::problem::nearest;
use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What a refused command line means, where orch knows better than clap; none where clap's words do.
pub(super) fn explained(error: &clap::Error, commands: &Command, arguments: &[String]) -> Option<CliError> {
    let named = |kind| {
        let Some(ContextValue::String(word)) = error.get(kind) else { return None };
        Some(word.as_str())
    };
    let command = |word: &str| {
        let mut before = arguments.iter().skip(1).take_while(|each| *each != word);
        let above = before.find_map(|each| commands.find_subcommand(each))?;
        // Those of a command of its own stand right behind it.
        Some(before.next().and_then(|each| above.find_subcommand(each)).unwrap_or(above))
    };
    let kind = error.kind();
    if kind == ErrorKind::InvalidSubcommand {
        let word = named(ContextKind::InvalidSubcommand)?;
        return Some(no_command(command(word).unwrap_or(commands), word));
    }
    if kind == ErrorKind::UnknownArgument {
        let word = named(ContextKind::InvalidArg)?;
        if word.starts_with('-') {
            return Some(no_flag(command(word).unwrap_or(commands), word, arguments));
        }
        return Some(no_place(command(word)?, word, arguments));
    }
    // A text that was not quoted, where a command of a command's own could stand.
    let word = named(ContextKind::InvalidSubcommand).filter(|_| kind == ErrorKind::ArgumentConflict)?;
    Some(no_place(command(word)?, word, arguments))
}

fn no_command(above: &Command, word: &str) -> CliError {
    let names = above.get_subcommands().filter(|each| !super::own(each)).map(Command::get_name);
    let near = nearest(word, names).map(|near| format!("did you mean `{near}`?"));
    let name = typed(above);
    if name != "orch" {
        let hint = near.unwrap_or_else(|| format!("type `{name} --help` to see them all"));
        return CliError::usage(format!("`{name}` has no command `{word}`")).hint(hint);
    }
    let elsewhere = ELSEWHERE.iter().find(|(words, _)| words.contains(&word));
    let hint = elsewhere.map(|(_, hint)| (*hint).to_owned()).or(near);
    CliError::usage(format!("there is no command `{word}`"))
        .hint(hint.unwrap_or_else(|| "type `orch help` to see them all".to_owned()))
}

/// A command as it is typed.
fn typed(command: &Command) -> &str {
    command.get_bin_name().unwrap_or(command.get_name())
}

fn no_flag(command: &Command, word: &str, arguments: &[String]) -> CliError {
    let of = typed(command);
    let flag = word.split('=').next().unwrap_or(word);
    let error = CliError::usage(format!("`{of}` has no `{flag}`"));
    if matches!((of, flag), ("orch edit", "--status" | "-s")) {
        return error.hint(CLOSE).hint("or type `orch block`, `unblock`, `cancel` or `reopen`");
    }
    if let Some(error) = text_with_a_dash(command, arguments) {
        return error;
    }
    let flags = command.get_arguments().filter(|each| !each.is_hide_set()).filter_map(clap::Arg::get_long);
    match nearest(flag.trim_start_matches('-'), flags).filter(|_| flag.starts_with("--")) {
        Some(near) => error.hint(format!("did you mean `--{near}`?")),
        None => error.hint(format!("type `{of} --help` to see what it takes")),
    }
}

/// A text that begins with `-`, which is read as flags of one letter each.
fn text_with_a_dash(command: &Command, arguments: &[String]) -> Option<CliError> {
    let of = typed(command);
    let is_text = |each: &String| each.starts_with('-') && each.contains(char::is_whitespace);
    let at = arguments.iter().skip(1).position(is_text)? + 1;
    let (before, text) = (&arguments[at - 1], &arguments[at]);
    let is_its = |each: &&clap::Arg| {
        each.get_long().is_some_and(|long| before.strip_prefix("--") == Some(long))
            && each.get_action().takes_values()
    };
    if command.get_arguments().any(|each| is_its(&each)) {
        let error = CliError::usage(format!("`{before}` takes a text that begins with `-` behind `=` alone"));
        return Some(error.hint(format!("type it as `{before}={}`", shell::word(text))));
    }
    if text.starts_with("--") {
        return None;
    }
    let error = CliError::usage(format!("`{of}` takes a text that begins with `-` behind `--` alone"));
    Some(error.hint(format!("type `{of} -- {}`", shell::word(text))))
}

/// A word too many, which most often is one of a text that was not quoted.
fn no_place(command: &Command, word: &str, arguments: &[String]) -> CliError {
    let of = typed(command);
    let error = CliError::usage(format!("`{of}` takes no `{word}` there"));
    let texts = arguments.iter().skip_while(|each| *each != command.get_name()).skip(1);
    let words: Vec<&str> = texts.map(String::as_str).take_while(|each| !each.starts_with('-')).collect();
    match (of, words.split_first()) {
        ("orch add", Some(_)) => {
            error.hint(format!("quote it: type `orch add {}`", shell::word(&words.join(" "))))
        }
        ("orch note", Some((kind, text))) if NoteKind::parse(kind).is_some() && !text.is_empty() => {
            error.hint(format!("quote it: type `orch note {kind} {}`", shell::word(&text.join(" "))))
        }
        ("orch list", _) => error.hint(format!("type `orch list --search {}`", shell::word(word))),
        _ => error.hint(format!("type `{of} --help` to see what it takes")),
    }
}
