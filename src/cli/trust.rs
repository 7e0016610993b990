//! `orch trust`: shows and trusts the commands that the repository's files name.

use super::context::{Context, Global};
use super::error::CliError;
use super::output::Answer;
use crate::config::trust::{Difference, TrustedCommand, fingerprint};
use crate::report::safe;
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
    let since = if trusted {
        Difference::default()
    } else {
        context.caller.trust.since(&context.caller.repository, &all)
    };
    let mut human = String::new();
    for command in &all {
        let _ = writeln!(human, "{}: {}", command.what, safe::text(&command.command));
    }
    if !since.is_empty() {
        human.push_str("\nsince you trusted this repository last:\n");
        for line in since.lines() {
            let _ = writeln!(human, "  {}", safe::text(&line));
        }
        human.push('\n');
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
    let each = |command: &TrustedCommand| json!({"what": command.what, "command": command.command});
    let list: Vec<_> = all.iter().map(each).collect();
    let changes = json!({
        "added": since.added.iter().map(each).collect::<Vec<_>>(),
        "removed": since.removed.iter().map(each).collect::<Vec<_>>(),
        "changed": since.changed.iter().map(|(old, new)| {
            json!({"what": new.what, "old": old.command, "new": new.command})
        }).collect::<Vec<_>>(),
    });
    let data = json!({"commands": list, "trusted": now, "fingerprint": print, "changes": changes});
    Ok(Answer::ok(data, human))
}
