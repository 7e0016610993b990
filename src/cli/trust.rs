//! `orch trust`: shows and trusts the commands that the repository's files name.

use super::context::{Context, Global};
use super::error::CliError;
use super::output::Answer;
use crate::config::trust::{difference, fingerprint};
use crate::step::base::commands;
use serde_json::json;
use std::fmt::Write as _;

/// Show the commands that this repository's files name, and trust them
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only show them
    #[arg(long)]
    show: bool,
}

/// Shows and trusts.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let mut context = Context::open(global)?;
    let base = context.base()?;
    let all = commands(&base.config, &base.snapshot);
    let print = fingerprint(&context.caller.repository, &all);
    let trusted = context.caller.trust.trusts(&context.caller.repository, &print);
    let mut human = String::new();
    for command in &all {
        let _ = writeln!(human, "{}: {}", command.what, crate::report::safe::text(&command.command));
    }
    if let Some(before) = context.caller.trust.latest(&context.caller.repository).filter(|_| !trusted) {
        let changes = difference(&before.commands, &all);
        for (old, new) in &changes.changed {
            let _ =
                writeln!(human, "changed {}: was `{}`", new.what, crate::report::safe::text(&old.command));
        }
    }
    if !args.show && !trusted {
        context.trust(&all)?;
    }
    let now = trusted || !args.show;
    let count = all.len();
    let _ = writeln!(
        human,
        "{}, {}",
        crate::report::plural(count, "command"),
        if now { "trusted" } else { "not trusted" }
    );
    let list: Vec<_> = all.iter().map(|each| json!({"what": each.what, "command": each.command})).collect();
    Ok(Answer::ok(json!({"commands": list, "trusted": now, "fingerprint": print}), human))
}
