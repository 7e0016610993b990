//! `orch doctor`: the environment that orch works in.

use super::conflicts::conflicts;
use super::context::{Context, Global};
use super::edited::edited;
use super::error::CliError;
use super::exit::Exit;
use super::output::Answer;
use crate::audit::machine::{self, Check, Health};
use crate::audit::{clone, ready};
use crate::effects::os::machine::{git_version, room};
use crate::effects::os::process::on_path;
use crate::report::table::{Cell, Table};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Check the environment: git, the repository, agents, trust, and where each setting came from
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Resolve what a merge left of tasks and notes, field by field; what both sides changed is named
    #[arg(long)]
    fix: bool,
}

/// Looks at everything, and goes on where something is wrong.
pub(super) fn run(global: &Global, args: &Args) -> Answer {
    let mut checks = vec![machine::git_version(git_version().as_deref())];
    let (mut settings, mut failed) = (BTreeMap::new(), Exit::Invalid);
    match Context::open_as_it_is(global) {
        Ok(context) => {
            repository(&context, args.fix, &mut checks);
            match project(&context, &mut checks) {
                Ok(found) => settings = found,
                Err(error) => {
                    checks.push(from_error("project", &error));
                    failed = nowhere(&error);
                }
            }
        }
        Err(error) => {
            checks.push(from_error("repository", &error));
            failed = nowhere(&error);
        }
    }
    answer(global, &checks, &settings, failed)
}

/// How it ends where there is no project, or no place to look for one; everything else is looked into.
fn nowhere(error: &CliError) -> Exit {
    if matches!(error.exit, Exit::NoProject | Exit::Usage) { error.exit } else { Exit::Invalid }
}

fn from_error(name: &'static str, error: &CliError) -> Check {
    let is_other = |hint: &&String| !hint.contains("`orch doctor`");
    let (detail, hint) = (error.facts.join("; "), error.hints.iter().find(is_other).cloned());
    Check { name, health: Health::Failed, detail, hint }
}

/// What the repository is like, and what is under way in it.
fn repository(context: &Context, fix: bool, checks: &mut Vec<Check>) {
    let world = context.world();
    // Before what is said about a merge: git ends none whose files are not decided.
    let found = conflicts(world, fix);
    checks.extend(found.unwrap_or_else(|error| vec![from_error("conflict", &error)]));
    let shallow = world.git.common_dir().join("shallow").is_file();
    checks.extend(machine::repository(&clone::facts(world, shallow)));
    checks.push(machine::identity(context.identity().as_ref()));
    checks.extend(clone::under_way(world).into_iter().chain(clone::leases(world)));
    let dir = context.workspaces();
    checks.push(machine::room("workspaces", &dir.display().to_string(), room(dir)));
    let temporary = world.process.check_temporary().map_err(CliError::from);
    checks.extend(temporary.err().map(|error| from_error("temporary", &error)));
    // Where state and commits are written; there is nothing to say of it where that can be done.
    for dir in world.git.work_dir().into_iter().chain([world.git.common_dir()]) {
        let check = machine::room("writing", &dir.display().to_string(), room(dir));
        checks.extend(Some(check).filter(|check| check.health == Health::Failed));
    }
}

/// Configuration, trust and agents at the tip; where each setting came from.
fn project(context: &Context, checks: &mut Vec<Check>) -> Result<BTreeMap<String, String>, CliError> {
    let base = context.base()?;
    checks.push(Check::ok("project", crate::report::plural(base.snapshot.graph.nodes().len(), "task")));
    for fact in context.world().git.idle_hooks(base.commit.id)? {
        let hint = "make it there, as `chmod +x` or the tool does that installs the hooks, or `git config --unset core.hooksPath`";
        checks.push(Check::warning("hooks", fact, hint));
    }
    checks.extend(base.warnings.iter().map(|each| Check::warning("state", each.to_string(), "mend it")));
    checks.extend(edited(context, &base)?.map(|told| Check::edited(&told)));
    checks.push(ready::trust(&base, &context.caller));
    checks.extend(base.config.agents.iter().map(|profile| ready::profile(profile, &on_path)));
    checks.extend(base.config.agents.iter().filter_map(|one| ready::price(one, &base.config.budget)));
    checks.push(ready::installed(&on_path));
    Ok(base.config.provenance)
}

fn answer(global: &Global, checks: &[Check], settings: &BTreeMap<String, String>, failed: Exit) -> Answer {
    let mut table = Table::new();
    for check in checks {
        table.row([Cell::new(check.health.as_str()), Cell::new(check.name), Cell::new(&check.detail)]);
    }
    let mut human = table.render(global.width(), global.colour_out());
    let mut sources = Table::new();
    for (key, source) in settings.iter().filter(|(_, source)| global.verbose > 0 || *source != "default") {
        sources.row([Cell::new(key), Cell::new(source)]);
    }
    if !sources.is_empty() {
        human.push_str("\nsettings\n");
        human.push_str(&sources.render(global.width(), global.colour_out()));
    }
    let health = machine::worst(checks);
    let shown = |check: &Check| {
        let Check { name, health, detail, hint } = check;
        json!({"name": name, "health": health.as_str(), "detail": detail, "hint": hint})
    };
    let list: Vec<Value> = checks.iter().map(shown).collect();
    let data = json!({"health": health.as_str(), "checks": list, "settings": settings});
    let exit = if health == Health::Failed { failed } else { Exit::Ok };
    let mut answer = Answer::ok(data, human).exit(exit);
    for check in checks {
        let hint = check.hint.as_ref().map(|hint| format!("{}: {hint}", check.name));
        let new = hint.filter(|hint| !answer.hints.contains(hint));
        answer.hints.extend(new);
    }
    answer
}
