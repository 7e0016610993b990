//! Requests to merge that the forge's program did not open: noted in this clone, and tried again by the next step.
//!
//! Invariant: only what still waits to be merged, at the very commit, is tried again.

use super::context::Context;
use super::error::CliError;
use crate::effects::{EffectError, Upstream, World};
use crate::state::status::Status;
use crate::step::request::Request;
use crate::step::upstream::seen;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Where the notes lie.
const DIR: &str = "requests/unopened";
/// A program that did not answer at all is not waited for again before this is over.
const REST: SignedDuration = SignedDuration::from_hours(1);

fn name(task: &str) -> String {
    format!("{DIR}/{task}")
}

/// Notes that a request is to be opened yet; not at once, where the program `hung`.
pub(super) fn keep(world: World<'_>, request: &Request, hung: bool) -> Result<(), EffectError> {
    let now = world.clock.now();
    let from = if hung { now.checked_add(REST).unwrap_or(now) } else { now };
    let Request { task, branch, commit, target, title, body, again } = request;
    let note = json!({
        "task": task, "branch": branch, "commit": commit.to_string(), "target": target, "title": title,
        "body": body, "again": again, "from": from.to_string(),
    });
    world.files.write(&name(task), note.to_string().as_bytes(), false)
}

/// Forgets what was noted of a task.
pub(super) fn forget(world: World<'_>, task: &str) -> Result<(), EffectError> {
    world.files.remove(&name(task))
}

/// What is to be tried again: noted before, still waiting, and not among these.
pub(super) fn left(context: &Context, but: &[&Request]) -> Result<Vec<Request>, CliError> {
    let world = context.world();
    if !context.caller.push {
        return Ok(Vec::new());
    }
    let mut due = Vec::new();
    for task in world.files.list(DIR)? {
        let bytes = world.files.read(&name(&task))?.unwrap_or_default();
        // One that cannot be read is as good as none.
        let note = serde_json::from_slice::<Value>(&bytes).ok().and_then(|note| read(&note));
        match note.filter(|(request, _)| waits(context, request).unwrap_or(false)) {
            Some((request, from)) if from <= world.clock.now() => due.push(request),
            Some(_) => {}
            None => forget(world, &task)?,
        }
    }
    due.retain(|request| but.iter().all(|other| other.task != request.task));
    Ok(due)
}

fn read(note: &Value) -> Option<(Request, Timestamp)> {
    let text = |key: &str| note[key].as_str().map(str::to_owned);
    let request = Request {
        task: text("task")?,
        branch: text("branch")?,
        commit: crate::effects::Oid::from_hex(note["commit"].as_str()?)?,
        target: text("target")?,
        title: text("title")?,
        body: text("body")?,
        again: note["again"].as_bool()?,
    };
    Some((request, note["from"].as_str()?.parse().ok()?))
}

/// Whether the work of a request still waits, on the branch that was pushed.
fn waits(context: &Context, request: &Request) -> Result<bool, CliError> {
    let world = context.world();
    let Some(Upstream { remote, .. }) = world.remote.upstream(&request.target)? else { return Ok(false) };
    let there = Upstream { remote, branch: request.branch.clone() };
    let base = context.base()?;
    let index = base.find(&request.task)?;
    Ok(world.git.tip(&seen(&there, &request.branch))? == Some(request.commit)
        && base.snapshot.graph.status(index) == Status::NeedsReview)
}
