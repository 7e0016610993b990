//! The clone: what its repository is like, and what is under way in it.
//!
//! Out: facts, which `machine` judges, and [`Check`]s. Invariant: what cannot be read is a check too, so that
//! all else is still told.

use super::machine::{Check, Repository};
use crate::config::shell;
use crate::effects::{Head, World};
use crate::step::land::LOCK;
use crate::step::{journal, lease, slot};
use std::time::Duration;

/// What the repository is like.
#[must_use]
pub fn facts(world: World<'_>, shallow: bool) -> Repository {
    let head = world.git.head().unwrap_or(Head::Branch("?".to_owned(), None));
    let checkout = match &head {
        Head::Branch(branch, Some(_)) => world.git.checkout_of(branch).ok().flatten(),
        Head::Branch(_, None) | Head::Detached(_) => None,
    };
    let opened = checkout.as_ref().map(|checkout| world.git.open_checkout(checkout).map(|_| ()));
    Repository {
        bare: world.git.work_dir().is_none(),
        shallow,
        linked: checkout.as_ref().is_some_and(|checkout| checkout.git_dir != world.git.common_dir()),
        head,
        in_progress: world.git.in_progress(),
        index: opened.unwrap_or(Ok(())).map_err(|error| error.fact),
    }
}

/// Locks that are held, and a step that was cut off.
#[must_use]
pub fn under_way(world: World<'_>) -> Vec<Check> {
    let landing = matches!(world.files.lock(LOCK, Duration::ZERO), Ok(None));
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

/// Refs that lie where leases do on remotes, as was seen last, and are none that can be read.
#[must_use]
pub fn leases(world: World<'_>) -> Vec<Check> {
    let claims = match lease::all(world) {
        Ok(claims) => claims,
        Err(error) => return vec![Check::warning("leases", error.fact, "see `ls -l .git/refs/orch`")],
    };
    let unread = claims.into_iter().filter(|claim| claim.lease.is_none());
    unread
        .filter_map(|claim| {
            let (remote, reference) = (shell::word(&claim.remote?), lease::reference(&claim.task));
            let typed = format!("git push {remote} :{}", shell::word(&reference));
            let detail = format!(
                "`{reference}` on `{remote}` is no lease that can be read, and keeps its task from being taken"
            );
            Some(Check::warning("leases", detail, format!("type `{typed}` if nobody works on it")))
        })
        .collect()
}
