//! `orch doctor`: the environment that orch works in.

use super::conflicts::conflicts;
use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::output::Answer;
use crate::agent::{adapter_word, facts};
use crate::audit::machine::{self, Check, Health, Repository};
use crate::config::{Adapter, Profile};
use crate::effects::os::machine::{git_version, room};
use crate::effects::os::process::on_path;
use crate::effects::{Head, World};
use crate::report::table::{Cell, Table};
use crate::step::land::LOCK;
use crate::step::{journal, slot};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Check the environment: git, the repository, agents, trust, and where each setting came from
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Resolve what a merge left of tasks and notes, field by field; what both sides changed is named
    #[arg(long)]
    fix: bool,
}

/// Adapters whose programs people install.
const AGENTS: [Adapter; 6] =
    [Adapter::Claude, Adapter::Codex, Adapter::Gemini, Adapter::Opencode, Adapter::Copilot, Adapter::Aider];

/// Looks at everything, and goes on where something is wrong.
pub(super) fn run(global: &Global, args: &Args) -> Answer {
    let mut checks = vec![machine::git_version(git_version().as_deref())];
    let mut settings = BTreeMap::new();
    let mut failed = Exit::Invalid;
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
    let hint = error.hints.first().cloned().unwrap_or_default();
    Check::failed(name, error.facts.join("; "), hint)
}

/// What the repository is like, and what is under way in it.
fn repository(context: &Context, fix: bool, checks: &mut Vec<Check>) {
    let world = context.world();
    let head = world.git.head().unwrap_or(Head::Branch("?".to_owned(), None));
    let checkout = match &head {
        Head::Branch(branch, Some(_)) => world.git.checkout_of(branch).ok().flatten(),
        Head::Branch(_, None) | Head::Detached(_) => None,
    };
    let opened = checkout.as_ref().map(|checkout| world.git.open_checkout(checkout).map(|_| ()));
    checks.extend(machine::repository(&Repository {
        bare: world.git.work_dir().is_none(),
        shallow: world.git.common_dir().join("shallow").is_file(),
        linked: checkout.as_ref().is_some_and(|checkout| checkout.git_dir != world.git.common_dir()),
        head,
        in_progress: checkout.as_ref().and_then(|checkout| checkout.in_progress.clone()),
        index: opened.unwrap_or(Ok(())).map_err(|error| error.fact),
    }));
    checks.push(identity(context));
    checks.extend(under_way(world));
    let dir = context.workspaces();
    checks.push(machine::room("workspaces", &dir.display().to_string(), room(dir)));
    match conflicts(world, fix) {
        Ok(found) => checks.extend(found),
        Err(error) => checks.push(from_error("conflict", &error)),
    }
}

fn identity(context: &Context) -> Check {
    match context.identity() {
        Some(identity) => Check::ok("identity", format!("{} <{}>", identity.name, identity.email)),
        None => Check::failed(
            "identity",
            "git does not know who you are",
            "type `git config user.name \"Your Name\"` and `git config user.email you@example.com`",
        ),
    }
}

/// Locks that are held, and a step that was cut off.
fn under_way(world: World<'_>) -> Vec<Check> {
    let landing = matches!(world.files.lock(LOCK, std::time::Duration::ZERO), Ok(None));
    let used = slot::used(world, ".lock").unwrap_or_default();
    let held: Vec<u32> =
        std::iter::once(slot::FIRST).chain(used).filter(|slot| slot::is_held(world, *slot)).collect();
    let mut checks = Vec::new();
    checks.push(match (!held.is_empty(), landing) {
        (true, _) => Check::warning("locks", "a step is at work in this clone", "wait for it to end"),
        (false, true) => Check::warning("locks", "a command is committing", "wait for it to end"),
        (false, false) => Check::ok("locks", "none is held"),
    });
    let journals = journal::landing(world).and_then(|landing| {
        journal::at_work(world)?;
        Ok((landing.is_some(), journal::slots(world)?))
    });
    checks.push(match journals {
        Ok((false, slots)) if slots.is_empty() => Check::ok("journal", "nothing is under way"),
        Ok((_, slots)) if !held.is_empty() && slots.iter().all(|slot| held.contains(slot)) => {
            Check::ok("journal", "of the step at work")
        }
        Ok(_) => Check::warning(
            "journal",
            "a step was cut off",
            "the next command puts it right; `orch status` is one",
        ),
        Err(error) => Check::failed("journal", error.fact, "move that file aside, and look at `git status`"),
    });
    checks
}

/// Configuration, trust and agents at the tip; where each setting came from.
fn project(context: &Context, checks: &mut Vec<Check>) -> Result<BTreeMap<String, String>, CliError> {
    let base = context.base()?;
    checks.push(Check::ok("project", crate::report::plural(base.snapshot.graph.nodes().len(), "task")));
    checks.push(match base.check_trust(&context.caller) {
        Ok(()) => Check::ok("trust", "the commands of this repository are trusted"),
        Err(_) => Check::warning(
            "trust",
            "the commands of this repository are not trusted, so no step runs",
            "type `orch trust` to see and trust them",
        ),
    });
    checks.extend(base.config.agents.iter().map(profile));
    let found: Vec<&str> = AGENTS.into_iter().map(adapter_word).filter(|name| on_path(name)).collect();
    checks.push(Check::ok(
        "agents",
        if found.is_empty() { "none on `PATH`".to_owned() } else { found.join(", ") },
    ));
    Ok(base.config.provenance)
}

/// Whether a profile could be run now.
fn profile(profile: &Profile) -> Check {
    let word = adapter_word(profile.adapter);
    let program = match profile.adapter {
        Adapter::Command | Adapter::Acp => profile.command.first().cloned().unwrap_or_default(),
        Adapter::Shell => "sh".to_owned(),
        Adapter::Claude
        | Adapter::Codex
        | Adapter::Gemini
        | Adapter::Opencode
        | Adapter::Copilot
        | Adapter::Aider => facts(profile.adapter).program.to_owned(),
    };
    // A path is of the repository, and looked up there when it runs.
    if program.contains('/') || on_path(&program) {
        return Check::ok("profile", format!("`{}` ({word}: {program})", profile.name));
    }
    let detail = format!("`{}` needs `{program}`, which is not on `PATH`", profile.name);
    let known = facts(profile.adapter).install;
    let hint = if known.is_empty() { format!("install `{program}`") } else { format!("type `{known}`") };
    Check::warning("profile", detail, hint)
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
    let list: Vec<Value> = checks
        .iter()
        .map(|check| {
            json!({
                "name": check.name, "health": check.health.as_str(), "detail": check.detail,
                "hint": check.hint,
            })
        })
        .collect();
    let data = json!({"health": health.as_str(), "checks": list, "settings": settings});
    let exit = if health == Health::Failed { failed } else { Exit::Ok };
    let mut answer = Answer::ok(data, human).exit(exit);
    for check in checks {
        let hint = check.hint.as_ref().map(|hint| format!("{}: {hint}", check.name));
        if let Some(hint) = hint.filter(|hint| !answer.hints.contains(hint)) {
            answer.hints.push(hint);
        }
    }
    answer
}
