//! What was typed and is not there: the nearest word, or what does here what another tool's word does there.

use super::elsewhere::{CLOSE, ELSEWHERE};
use super::error::CliError;
use crate::config::shell;
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
        before.find_map(|each| commands.find_subcommand(each))
    };
    let kind = error.kind();
    if kind == ErrorKind::InvalidSubcommand {
        let word = named(ContextKind::InvalidSubcommand)?;
        return Some(no_command(command(word).unwrap_or(commands), word));
    }
    if kind == ErrorKind::UnknownArgument {
        let word = named(ContextKind::InvalidArg)?;
        if word.starts_with('-') {
            // A text that begins with `-` is read as flags of one letter each.
            let is_text = |each: &&String| each.starts_with('-') && each.contains(char::is_whitespace);
            let text = arguments.iter().skip(1).find(is_text).filter(|text| !text.starts_with("--"));
            return Some(no_flag(command(word).unwrap_or(commands), word, text));
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
    let name = above.get_name();
    if name != "orch" {
        let hint = near.unwrap_or_else(|| format!("type `orch {name} --help` to see them all"));
        return CliError::usage(format!("`orch {name}` has no command `{word}`")).hint(hint);
    }
    let elsewhere = ELSEWHERE.iter().find(|(words, _)| words.contains(&word));
    let hint = elsewhere.map(|(_, hint)| (*hint).to_owned()).or(near);
    CliError::usage(format!("there is no command `{word}`"))
        .hint(hint.unwrap_or_else(|| "type `orch help` to see them all".to_owned()))
}

fn no_flag(command: &Command, word: &str, text: Option<&String>) -> CliError {
    let name = command.get_name();
    let of = if name == "orch" { name.to_owned() } else { format!("orch {name}") };
    let flag = word.split('=').next().unwrap_or(word);
    let error = CliError::usage(format!("`{of}` has no `{flag}`"));
    if matches!((name, flag), ("edit", "--status" | "-s")) {
        return error.hint(CLOSE).hint("or type `orch block`, `unblock`, `cancel` or `reopen`");
    }
    if let Some(text) = text {
        let error = CliError::usage(format!("`{of}` takes a text that begins with `-` behind `--` alone"));
        return error.hint(format!("type `{of} -- {}`", shell::word(text)));
    }
    let flags = command.get_arguments().filter(|each| !each.is_hide_set()).filter_map(clap::Arg::get_long);
    match nearest(flag.trim_start_matches('-'), flags).filter(|_| flag.starts_with("--")) {
        Some(near) => error.hint(format!("did you mean `--{near}`?")),
        None => error.hint(format!("type `{of} --help` to see what it takes")),
    }
}

/// A word too many, which most often is one of a text that was not quoted.
fn no_place(command: &Command, word: &str, arguments: &[String]) -> CliError {
    let name = command.get_name();
    let error = CliError::usage(format!("`orch {name}` takes no `{word}` there"));
    let texts = arguments.iter().skip_while(|each| *each != name).skip(1);
    let words: Vec<&str> = texts.map(String::as_str).take_while(|each| !each.starts_with('-')).collect();
    match (name, words.split_first()) {
        ("add", Some(_)) => {
            error.hint(format!("quote it: type `orch add {}`", shell::word(&words.join(" "))))
        }
        ("note", Some((kind, text))) if !text.is_empty() => {
            error.hint(format!("quote it: type `orch note {kind} {}`", shell::word(&text.join(" "))))
        }
        ("list", _) => error.hint(format!("type `orch list --search {}`", shell::word(word))),
        _ => error.hint(format!("type `orch {name} --help` to see what it takes")),
    }
}
