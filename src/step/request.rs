//! Work that lands by a pull request: `policy.integration = "pull-request"`.
//!
//! A step whose work passed changes the state alone on the target: the task then `needs_review`. On top of
//! that commit a branch of the task's own, `orch/<task>`, holds one commit: the work, the task as `done`, and
//! the record of the approved run, as `orch approve` would have landed them. So merging that branch is the
//! approval, and nothing has to be recognised afterwards: by a merge, a squash or a rebase alike the target
//! gets work, state and record together. The branch begins at the commit that submitted the task, so of the
//! task's file only one side changes, and the merge cannot conflict in it; that the target moves on in other
//! tasks or notes is another file.
//!
//! Turned down (`orch reject`), the task is improved from the kept work, and the next submission replaces the
//! branch, by compare-and-swap of what orch itself had put there: commits that others added are left alone.
//! Where work lands by push, both commits go in one push, all or nothing, if the gates need not run again for
//! the second. A branch is made whenever one is missing for a task that waits, so a step that was killed between
//! both is made good by the next, of whichever clone.

use super::base::{Base, Caller, branch_ref};
use super::error::StepError;
use super::event::{Event, Reporter, Silent};
use super::finish::{code_tree, identity};
use super::offered::{There, is_work_of, look, move_aside};
use super::record::{attempts_ref, branch_of};
use super::review::{Ready, ready};
use super::upstream::{self, PATIENCE};
use crate::commit::request_body;
use crate::config::Integration;
use crate::effects::{EffectError, NewCommit, Oid, Pushed, Swap, Update, Upstream, World};
use crate::state::graph::Index;
use crate::state::id::TaskId;
use crate::state::status::Status;
use crate::state::task::Task;

/// A branch that waits to be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The task.
    pub task: String,
    /// The branch with the work.
    pub branch: String,
    /// Its commit.
    pub commit: Oid,
    /// Where it is to be merged.
    pub target: String,
    /// The title of the request.
    pub title: String,
    /// Its text; the trailers come last, since a squash merge has no other message.
    pub body: String,
    /// Whether it takes the place of an earlier one.
    pub again: bool,
}

/// Makes the branches that are missing for work that waits to be merged. What cannot be is told.
///
/// # Errors
/// When the machine fails.
pub fn make(world: World<'_>, base: &Base, reporter: &dyn Reporter) -> Result<Vec<Request>, StepError> {
    let mut made = Vec::new();
    if base.config.policy.integration != Integration::PullRequest {
        return Ok(made);
    }
    let nodes = base.snapshot.graph.nodes().iter();
    let waiting: Vec<_> = nodes.filter(|node| node.status == Status::NeedsReview).collect();
    if let Some(upstream) = base.upstream.as_ref().filter(|_| !waiting.is_empty())
        && let Err(error) = look_there(world, upstream)
    {
        let text = format!("whether work that waits has branches to merge is not known: {error}");
        reporter.event(&Event::Warning { text });
        return Ok(made);
    }
    for node in waiting {
        let index = base.find(node.id.as_str())?;
        let (_, task) = base.snapshot.task(world, index)?;
        match one(world, base, index, &task, reporter) {
            Ok(request) => made.extend(request),
            Err(error) => {
                let what = format!("task `{}` has no branch to merge: {error}", task.id);
                let text = if let StepError::Git { hint: Some(hint), .. } = error {
                    format!("{what}; {hint}")
                } else {
                    what
                };
                reporter.event(&Event::Warning { text });
            }
        }
    }
    Ok(made)
}

/// The same once a step has landed, with what the target has become, beside the one that was pushed with it;
/// trouble is told, for the step has landed and the next one makes it good.
pub fn after(
    world: World<'_>,
    caller: &Caller,
    before: &Base,
    pushed: Option<Draft>,
    reporter: &dyn Reporter,
) -> Option<Vec<Request>> {
    if before.config.policy.integration != Integration::PullRequest {
        return None;
    }
    let made = Base::load(world, caller).and_then(|base| make(world, &base, reporter));
    let made = made.unwrap_or_else(|error| {
        reporter.event(&Event::Warning { text: format!("no branch was made to merge: {error}") });
        Vec::new()
    });
    let arrived = pushed.and_then(|draft| arrived(world, before, draft, reporter));
    Some(arrived.into_iter().chain(made).collect())
}

/// The branch of a task that a commit on a tip submits, to be pushed together with it. None where it is made
/// afterwards: nobody runs gates between a look at the remote and the push.
pub fn beside(world: World<'_>, base: &Base, task: &Task, (tip, commit): (Oid, Oid)) -> Option<Draft> {
    let waits = task.status == Status::NeedsReview;
    let passes_are_known = base.config.gates.iter().all(|gate| gate.cache);
    if !waits || !passes_are_known || base.config.policy.integration != Integration::PullRequest {
        return None;
    }
    // What is wrong with it is told when it is made afterwards.
    draft_on(world, base, &task.id, (tip, commit)).ok().flatten()
}

fn draft_on(
    world: World<'_>,
    base: &Base,
    task: &TaskId,
    (tip, commit): (Oid, Oid),
) -> Result<Option<Draft>, StepError> {
    let Some(upstream) = &base.upstream else { return Ok(None) };
    if code_tree(world, base.commit.tree)? != code_tree(world, world.git.commit(tip)?.tree)? {
        return Ok(None);
    }
    look_there(world, upstream)?;
    let base = base.become_commit(world, commit)?;
    let index = base.find(task.as_str())?;
    let (_, task) = base.snapshot.task(world, index)?;
    draft(world, &base, index, &task, &Silent)
}

/// A branch that was pushed together with the commit that submits its task, if it is there, as was just seen: it
/// is told, and the branch here follows.
fn arrived(world: World<'_>, base: &Base, draft: Draft, reporter: &dyn Reporter) -> Option<Request> {
    let Draft { request, old } = draft;
    let upstream = base.upstream.as_ref()?;
    let seen = upstream::seen(upstream, &request.branch);
    world.git.tip(&seen).ok().flatten().filter(|tip| *tip == request.commit)?;
    follow(world, upstream, &request, old, reporter);
    tell(&request, reporter);
    Some(request)
}

/// The command of a forge's own program that opens a request; the forge is known by where the remote is.
#[must_use]
pub fn command(url: &str, request: &Request, body_file: &str) -> Vec<String> {
    let Request { branch, target, title, body, .. } = request;
    let after = url.split_once("://").map_or(url, |(_, rest)| rest);
    let after = after.split_once('@').map_or(after, |(_, rest)| rest);
    let host = after.split(['/', ':']).next().unwrap_or_default().to_ascii_lowercase();
    let words: Vec<String> = if host.contains("github") {
        let body = format!("--body-file={body_file}");
        vec!["gh pr create".to_owned(), format!("--head={branch}"), format!("--base={target}"), body]
    } else if host.contains("gitlab") {
        let (from, to) = (format!("--source-branch={branch}"), format!("--target-branch={target}"));
        vec!["glab mr create --yes".to_owned(), from, to, format!("--description={body}")]
    } else {
        let body = format!("--description={body}");
        vec!["tea pulls create".to_owned(), format!("--head={branch}"), format!("--base={target}"), body]
    };
    let program = words[0].split(' ').map(str::to_owned);
    program.chain([format!("--title={title}")]).chain(words[1..].iter().cloned()).collect()
}

/// A branch that is made, and where it was before; nothing has moved yet.
#[derive(Debug)]
pub struct Draft {
    request: Request,
    old: Option<Oid>,
}

impl Draft {
    /// The move of the branch on the remote.
    #[must_use]
    pub fn update(&self) -> Update {
        update(&self.request, self.old)
    }
}

fn one(
    world: World<'_>,
    base: &Base,
    index: Index,
    task: &Task,
    reporter: &dyn Reporter,
) -> Result<Option<Request>, StepError> {
    let Some(draft) = draft(world, base, index, task, reporter)? else { return Ok(None) };
    let Draft { request, old } = draft;
    if !put(world, base, (&request, old), reporter)? {
        let path = &base.snapshot.graph.nodes()[index].path;
        let tip = tip_of(world, base, &request.branch)?;
        // Another clone may have made good the very same.
        return match look(world, tip, path, task)? {
            There::Same => Ok(None),
            There::Nothing | There::Earlier(_) | There::Others => Err(moved(&request.branch)),
        };
    }
    tell(&request, reporter);
    Ok(Some(request))
}

fn tell(request: &Request, reporter: &dyn Reporter) {
    reporter.event(&Event::Offered {
        branch: request.branch.clone(),
        target: request.target.clone(),
        commit: request.commit.to_string(),
    });
}

/// Where a branch is: on the remote as last seen, where work lands by push.
fn tip_of(world: World<'_>, base: &Base, branch: &str) -> Result<Option<Oid>, EffectError> {
    match &base.upstream {
        Some(upstream) => world.git.tip(&upstream::seen(upstream, branch)),
        None => world.git.tip(&branch_ref(branch)),
    }
}

/// Makes the branch of a task that waits; none where it has one, or nobody has the work.
fn draft(
    world: World<'_>,
    base: &Base,
    index: Index,
    task: &Task,
    reporter: &dyn Reporter,
) -> Result<Option<Draft>, StepError> {
    let Some(run) = &task.history.last_run else { return Ok(None) };
    let branch = branch_of(task.id.as_str());
    let path = &base.snapshot.graph.nodes()[index].path;
    let tip = tip_of(world, base, &branch)?;
    let old = match (look(world, tip, path, task)?, tip) {
        (There::Same, _) => return Ok(None),
        (There::Earlier(old), _) => Some(old),
        (There::Others, Some(tip)) => {
            let remote = base.upstream.as_ref().map(|upstream| upstream.remote.as_str());
            let of = remote.map_or(String::new(), |remote| format!(" of `{remote}`"));
            let fact = format!("branch `{branch}`{of} has commits that orch did not make");
            return Err(StepError::git(fact, format!("type `{}`", move_aside(&branch, remote, tip))));
        }
        (There::Nothing | There::Others, _) => None,
    };
    if let Some(checkout) = world.git.checkout_of(&branch)? {
        let fact = format!("branch `{branch}` is checked out");
        let hint = format!("type `git switch --detach` in `{}`", checkout.dir.display());
        return Err(StepError::git(fact, hint));
    }
    let kept = attempts_ref(run.as_str());
    base.upstream.as_ref().map_or(Ok(()), |upstream| upstream::bring_kept(world, upstream, &kept))?;
    if world.git.tip(&kept)?.is_none() {
        return Ok(None);
    }
    let ready = match ready(world, base, task.id.as_str(), None, reporter)? {
        Ok(ready) => ready,
        Err(verdicts) => {
            let failed = crate::gate::first_rejection(&verdicts).map_or("", |verdict| verdict.name.as_str());
            let fact = format!("gate `{failed}` fails on what `{}` has become", base.branch);
            return Err(StepError::Moved { fact, kept: None });
        }
    };
    let commit = write(world, base, &ready)?;
    let again = old.is_some();
    let target = base.branch.clone();
    let title = ready.message.lines().next().unwrap_or_default().to_owned();
    let body = request_body(&ready.task, &ready.run, &ready.summary);
    let request = Request { task: task.id.to_string(), branch, commit, target, title, body, again };
    Ok(Some(Draft { request, old }))
}

/// Looks at the branches of all tasks on the remote, at once.
fn look_there(world: World<'_>, upstream: &Upstream) -> Result<(), EffectError> {
    let all = branch_of("*");
    let refs = [(branch_ref(&all), upstream::seen(upstream, &all))];
    upstream::fetch_refs(world, &upstream.remote, &refs, PATIENCE)
}

/// Moves the branch from what it was: on the remote first, where work lands by push, and then here. Whether it
/// was that.
fn put(
    world: World<'_>,
    base: &Base,
    (request, old): (&Request, Option<Oid>),
    reporter: &dyn Reporter,
) -> Result<bool, StepError> {
    let Some(upstream) = &base.upstream else { return swap(world, request, old) };
    match world.remote.push(&upstream.remote, &[update(request, old)], PATIENCE, true)? {
        Pushed::Done => {
            follow(world, upstream, request, old, reporter);
            Ok(true)
        }
        Pushed::Moved => look_there(world, upstream).map(|()| false).map_err(StepError::from),
        Pushed::Refused { words, .. } => Err(StepError::git(
            format!("`{}` refuses `{}`: {words}", upstream.remote, request.branch),
            "see to it that you may push branches there",
        )),
    }
}

fn update(request: &Request, old: Option<Oid>) -> Update {
    Update { reference: branch_ref(&request.branch), expected: old, new: Some(request.commit) }
}

/// Lets the branch here follow one that was pushed, also where orch's earlier work is still here and gone there;
/// what a person did on it stays, and that it is not what waits is told.
fn follow(
    world: World<'_>,
    upstream: &Upstream,
    request: &Request,
    old: Option<Oid>,
    reporter: &dyn Reporter,
) {
    let moved = || {
        let here = world.git.tip(&branch_ref(&request.branch))?;
        let ours = match here {
            Some(tip) if here != old => is_work_of(&world.git.commit(tip)?, &request.task),
            Some(_) | None => true,
        };
        Ok(ours && swap(world, request, here)?)
    };
    let Request { branch, .. } = request;
    let text = match moved() {
        Ok(true) => return,
        Ok(false) => format!(
            "branch `{branch}` here has commits that orch did not make; what waits to be merged is `{branch}` of `{}`",
            upstream.remote
        ),
        Err(error) => StepError::to_string(&error),
    };
    reporter.event(&Event::Warning { text });
}

fn swap(world: World<'_>, request: &Request, from: Option<Oid>) -> Result<bool, StepError> {
    let why = "orch: work that waits to be merged";
    Ok(world.git.swap(&branch_ref(&request.branch), from, request.commit, why)? == Swap::Done)
}

fn moved(branch: &str) -> StepError {
    StepError::git(format!("branch `{branch}` moved meanwhile"), "the next step looks at it again")
}

fn write(world: World<'_>, base: &Base, ready: &Ready) -> Result<Oid, StepError> {
    let commit = world.git.write_commit(&NewCommit {
        tree: ready.tree,
        parents: vec![base.commit.id],
        author: identity(base),
        time: world.clock.now(),
        message: ready.message.clone(),
        may_sign: true,
    })?;
    world.git.settle(&[])?;
    Ok(commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forge_is_known_by_where_its_remote_is() {
        let request = Request {
            task: "t-1".to_owned(),
            branch: "orch/t-1".to_owned(),
            commit: Oid::from_bytes(&[1; 20]),
            target: "main".to_owned(),
            title: "--help".to_owned(),
            body: "did it".to_owned(),
            again: false,
        };
        let of = |url| command(url, &request, "/f").join(" ");
        let gh = "gh pr create --title=--help --head=orch/t-1 --base=main --body-file=/f";
        for url in ["https://github.com/a/b.git", "git@github.com:a/b.git", "ssh://git@github.com/a/b"] {
            assert_eq!(of(url), gh, "{url}");
        }
        assert!(of("https://u:p@gitlab.example.com/a/b").starts_with("glab mr create --yes --title="));
        assert!(of("https://codeberg.org/github/b").starts_with("tea pulls create --title="));
    }
}
