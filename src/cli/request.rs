//! Opening requests to merge: by the forge's own program where it is installed, else by what to type.

use super::context::Context;
use super::error::CliError;
use super::output::Answer;
use crate::config::shell;
use crate::effects::os::process::{on_path, variables};
use crate::effects::{Ended, Input, Invocation, PUSH_TOKEN, Stop};
use crate::step::request::{Request, command};
use std::time::Duration;

/// The longest that a forge's program may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Opens requests for branches that were made, where they were pushed; what became of that is told.
///
/// # Errors
/// When the text of a request cannot be written down.
pub(super) fn open<'r>(
    context: &Context,
    requests: impl IntoIterator<Item = &'r Request>,
    mut answer: Answer,
) -> Result<Answer, CliError> {
    let world = context.world();
    for request in requests {
        let upstream = if context.caller.push { world.remote.upstream(&request.target)? } else { None };
        let url = match &upstream {
            Some(upstream) => world.remote.url(&upstream.remote)?,
            None => None,
        };
        let Some(url) = url else {
            let merge = format!("type `git merge {}`, or push it and open a request for it", request.branch);
            answer.hints.push(merge);
            continue;
        };
        // A request that is open already shows the new work by itself.
        if request.again {
            continue;
        }
        let name = format!("requests/{}.md", request.task);
        world.files.write(&name, request.body.as_bytes(), false)?;
        let file = world.files.root().join(name).to_string_lossy().into_owned();
        let command = command(&url, request, &file);
        if !on_path(&command[0]) {
            answer.hints.push(format!("type `{}`", spelled(&command, &file)));
            continue;
        }
        match run(context, &command, request)? {
            Ok(said) => answer.hints.push(format!("look at {said}")),
            Err(why) => {
                answer.warnings.push(format!("`{}` opened no request: {why}", command[0]));
                answer.hints.push(format!("type `{}`", spelled(&command, &file)));
            }
        }
    }
    Ok(answer)
}

/// Runs a forge's program; what it said last.
fn run(context: &Context, command: &[String], request: &Request) -> Result<Result<String, String>, CliError> {
    let mut env = variables();
    // In a job, what may push may open requests too.
    let token = std::env::var(PUSH_TOKEN).ok().filter(|token| !token.is_empty());
    for name in ["GH_TOKEN", "GITLAB_TOKEN"] {
        if let Some(token) = token.as_ref().filter(|_| std::env::var_os(name).is_none()) {
            env.push((name.to_owned(), token.clone()));
        }
    }
    let dir = context.root().unwrap_or_else(|_| context.world().git.common_dir()).to_owned();
    let finished = context.world().process.run(&Invocation {
        argv: command.to_vec(),
        dir,
        env,
        stdin: Input::Text(Vec::new()),
        timeout: PATIENCE,
        idle_timeout: None,
        output_limit: 1 << 20,
        stop: Stop::Terminate,
    })?;
    let last = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or(&request.branch).trim().to_owned()
    };
    let went_well = finished.ended == Ended::Exited(0);
    Ok(if went_well { Ok(last(&finished.stdout)) } else { Err(last(&finished.stderr)) })
}

/// A command as it can be typed: a text of several lines is read from its file.
fn spelled(command: &[String], file: &str) -> String {
    let word = |word: &String| match word.split_once('=') {
        Some((name, text)) if text.contains('\n') => format!("{name}=\"$(cat {})\"", shell::quoted(file)),
        _ => shell::word(word),
    };
    command.iter().map(word).collect::<Vec<_>>().join(" ")
}
