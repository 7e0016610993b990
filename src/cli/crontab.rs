//! The user's crontab, by the program that keeps it.

use super::ci::in_the_way;
use super::context::Context;
use super::error::CliError;
use super::exit::Exit;
use crate::effects::{Ended, Finished, Input, Invocation, Stop};
use crate::recipe::local::{Local, into_crontab};
use crate::recipe::seal::There;
use crate::recipe::{Provider, Recipe};
use std::time::Duration;

/// The longest line of a crontab.
const LINE_MAX: usize = 990;
/// The longest that `crontab` may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Puts a line into the user's crontab; says what was there.
pub(super) fn put(context: &Context, local: &Local, recipe: &Recipe) -> Result<There, CliError> {
    if let Some(line) = recipe.content.lines().find(|line| line.len() > LINE_MAX) {
        let fact = format!("the line has {} characters, and cron reads {LINE_MAX}", line.len());
        return Err(CliError::new(Exit::Error, fact).hint("shorten `PATH` for this call"));
    }
    let listed = crontab(context, "-l", Vec::new())?;
    let old = there_is(listed)?;
    let (there, new) = into_crontab(&old, local, &recipe.content);
    match there {
        There::Same => return Ok(there),
        There::Theirs => return Err(in_the_way(Provider::Cron, "crontab")),
        There::Nothing | There::Ours => {}
    }
    let wrote = crontab(context, "-", new.into_bytes())?;
    if wrote.ended == Ended::Exited(0) {
        return Ok(there);
    }
    let said = String::from_utf8_lossy(&wrote.stderr);
    Err(by_hand(format!("`crontab` did not take it: {}: {}", wrote.ended, said.trim())))
}

/// The crontab that is there. What cannot be read for another reason than that there is none must not be
/// replaced.
fn there_is(listed: Finished) -> Result<String, CliError> {
    let said = String::from_utf8_lossy(&listed.stderr).trim().to_owned();
    let folded = said.to_lowercase();
    let has_none = folded.contains("no crontab") || folded.contains("no such file");
    if listed.ended == Ended::Exited(0) {
        return String::from_utf8(listed.stdout)
            .map_err(|_| by_hand("the crontab that is there is not UTF-8".to_owned()));
    }
    if matches!(listed.ended, Ended::Exited(_)) && has_none {
        return Ok(String::new());
    }
    Err(by_hand(format!("`crontab -l` failed: {}: {said}", listed.ended)))
}

fn by_hand(fact: String) -> CliError {
    CliError::new(Exit::Error, fact).hint("type `orch ci cron` and add what it prints with `crontab -e`")
}

fn crontab(context: &Context, argument: &str, stdin: Vec<u8>) -> Result<Finished, CliError> {
    let env = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let finished = context.world().process.run(&Invocation {
        argv: vec!["crontab".to_owned(), argument.to_owned()],
        dir: context.root()?.to_owned(),
        env: env.collect(),
        stdin: Input::Text(stdin),
        timeout: PATIENCE,
        idle_timeout: None,
        output_limit: 1 << 20,
        stop: Stop::Terminate,
    })?;
    if let Ended::NotStarted(why) = &finished.ended {
        let error = CliError::new(Exit::Error, format!("cannot run `crontab`: {why}"));
        return Err(error.hint("install cron, or type `orch ci systemd`"));
    }
    Ok(finished)
}
