//! Hints for who named a branch or a directory, or types in a folder of the work tree: what is to be typed next is
//! meant for the same branch and from the same place. Paths in hints are from the top of the work tree.

use super::context::Global;
use super::error::CliError;
use super::output::Answer;
use crate::config::shell;
use crate::effects::Git as _;
use crate::effects::os::git::OsGit;
use std::path::{Path, PathBuf};

/// The same answer, whose hints do what they say where and for which they were asked.
pub(super) fn complete(result: &mut Result<Answer, CliError>, global: &Global) {
    if let Some(branch) = &global.branch {
        let option = format!("--branch {}", shell::word(branch));
        let open = |command: &str| is_of("orch", command) && !command.contains("--branch");
        each_hint(result, |hint| {
            commands(hint, |command| open(command).then(|| format!("{command} {option}")))
        });
    }
    if let Some(dir) = global.given() {
        let option = format!("-C {}", shell::word(&dir.to_string_lossy()));
        each_hint(result, |hint| commands(hint, |command| with("orch", &option, command)));
    }
    if is_any(result, |hint| hint.contains("`git "))
        && let Some(top) = top(global)
    {
        let option = format!("-C {}", shell::word(&top.to_string_lossy()));
        each_hint(result, |hint| commands(hint, |command| with("git", &option, command)));
    }
}

/// The way from where the command is typed to the top of the work tree; none where that is the same.
fn top(global: &Global) -> Option<PathBuf> {
    let dir = global.directory().canonicalize().ok()?;
    // Most often it is the top itself, and nothing has to be opened to know that.
    let below = if dir.join(".git").exists() {
        0
    } else {
        let git = OsGit::discover(&dir, PathBuf::new()).ok()?;
        dir.strip_prefix(git.work_dir()?.canonicalize().ok()?).ok()?.components().count()
    };
    let up = std::iter::repeat_n("..", below);
    let way: PathBuf = global.given().iter().map(PathBuf::as_path).chain(up.map(Path::new)).collect();
    (!way.as_os_str().is_empty()).then_some(way)
}

/// What a result says to a person that may have a command in it.
fn lines(result: &mut Result<Answer, CliError>) -> Vec<&mut String> {
    match result {
        Ok(answer) => answer.hints.iter_mut().chain(&mut answer.warnings).collect(),
        Err(error) => error.hints.iter_mut().collect(),
    }
}

fn is_any(result: &mut Result<Answer, CliError>, is_so: impl Fn(&str) -> bool) -> bool {
    lines(result).into_iter().any(|hint| is_so(hint))
}

fn each_hint(result: &mut Result<Answer, CliError>, change: impl Fn(&str) -> String) {
    for hint in lines(result) {
        *hint = change(hint);
    }
}

/// A hint whose commands, which stand between two backticks, are changed where they have to be.
fn commands(hint: &str, change: impl Fn(&str) -> Option<String>) -> String {
    let parts = hint.split('`').enumerate().map(|(at, part)| {
        let changed = if at % 2 == 1 { change(part) } else { None };
        changed.unwrap_or_else(|| part.to_owned())
    });
    parts.collect::<Vec<_>>().join("`")
}

fn is_of(program: &str, command: &str) -> bool {
    command.strip_prefix(program).is_some_and(|rest| rest.starts_with(' '))
}

/// A command with this option of its program; none where it is another program's.
fn with(program: &str, option: &str, command: &str) -> Option<String> {
    let one = |each: &str| match each.strip_prefix(program).filter(|rest| rest.starts_with(' ')) {
        Some(rest) => format!("{program} {option}{rest}"),
        None => each.to_owned(),
    };
    is_of(program, command).then(|| command.split(" && ").map(one).collect::<Vec<_>>().join(" && "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        global: Global,
    }

    fn completed(hint: &str, options: [&str; 2]) -> String {
        let global = Line::parse_from(std::iter::once("orch").chain(options)).global;
        let mut result = Ok(Answer::ok(serde_json::Value::Null, "").hint(hint));
        complete(&mut result, &global);
        result.map(|answer| answer.hints.concat()).unwrap_or_default()
    }

    #[test]
    fn a_command_of_orchs_names_the_branch_and_nothing_else_does() {
        for (hint, expected) in [
            ("type `orch unblock a`", "type `orch unblock a --branch x`"),
            ("type `git log` or `orch log`", "type `git log` or `orch log --branch x`"),
            ("name one with `--branch NAME`", "name one with `--branch NAME`"),
            ("edit `.orchestrator/config.toml`", "edit `.orchestrator/config.toml`"),
        ] {
            assert_eq!(completed(hint, ["--branch", "x"]), expected);
        }
    }

    #[test]
    fn a_command_is_typed_where_it_was_asked_for() {
        let change = |hint: &str| commands(hint, |command| with("git", "-C ..", command));
        assert_eq!(
            change("type `git add a && git commit -m \"orch: add\" a`, or look at `a`"),
            "type `git -C .. add a && git -C .. commit -m \"orch: add\" a`, or look at `a`"
        );
        assert_eq!(change("`gitk` and `orch log`"), "`gitk` and `orch log`");
        assert_eq!(
            completed("type `orch log` or `git log`", ["-C", "no such place"]),
            "type `orch -C 'no such place' log` or `git log`"
        );
    }
}
