//! Opening requests to merge: by the forge's own program where it is installed, else by what to type.

use super::context::Context;
use super::error::CliError;
use super::output::Answer;
use super::unopened;
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
    let made: Vec<&Request> = requests.into_iter().collect();
    let left = unopened::left(context, &made)?;
    for request in made.into_iter().chain(&left) {
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
        let name = format!("requests/{}.md", request.task);
        world.files.write(&name, request.body.as_bytes(), false)?;
        let file = world.files.root().join(name).to_string_lossy().into_owned();
        let command = command(&url, request, &file);
        if !on_path(&command[0]) {
            // A request that is open already shows the new work by itself.
            answer.hints.extend((!request.again).then(|| format!("type `{}`", spelled(&command, &file))));
            continue;
        }
        match run(context, &command, request)? {
            Opened::Now(said) => answer.hints.push(format!("look at {said}")),
            Opened::Before => {}
            Opened::Not { why, hung } => {
                answer
                    .warnings
                    .push(format!("`{}` opened no request for `{}`: {why}", command[0], request.branch));
                answer
                    .hints
                    .push(format!("type `{}`; the next step tries it again", spelled(&command, &file)));
                unopened::keep(world, request, hung)?;
                continue;
            }
        }
        unopened::forget(world, &request.task)?;
    }
    Ok(answer)
}

/// What became of a request: what the program said last; that it was open already, and shows the new work by itself.
enum Opened {
    Now(String),
    Before,
    /// It is not; why, and whether the program did not answer at all.
    Not {
        why: String,
        hung: bool,
    },
}

/// Runs a forge's program.
fn run(context: &Context, command: &[String], request: &Request) -> Result<Opened, CliError> {
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
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let last = |text: &str| {
        text.lines().rev().find(|line| !line.trim().is_empty()).map(|line| line.trim().to_owned())
    };
    if finished.ended == Ended::Exited(0) {
        return Ok(Opened::Now(last(&text(&finished.stdout)).unwrap_or_else(|| request.branch.clone())));
    }
    let complaint = text(&finished.stderr);
    if complaint.contains("already exists") {
        return Ok(Opened::Before);
    }
    let hung = finished.ended == Ended::TimedOut;
    let why = last(&complaint).filter(|_| !hung).unwrap_or_else(|| finished.ended.to_string());
    Ok(Opened::Not { why, hung })
}

/// A command as it can be typed: a text of several lines is read from its file.
fn spelled(command: &[String], file: &str) -> String {
    let word = |word: &String| match word.split_once('=') {
        Some((name, text)) if text.contains('\n') => format!("{name}=\"$(cat {})\"", shell::quoted(file)),
        _ => shell::word(word),
    };
    command.iter().map(word).collect::<Vec<_>>().join(" ")
}
