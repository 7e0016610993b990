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
//! A branch is made whenever one is missing for a task that waits, so a step that was killed between both
//! commits is made good by the next.

use super::base::{Base, Caller, branch_ref};
use super::error::StepError;
use super::event::{Event, Reporter};
use super::finish::identity;
use super::record::{attempts_ref, branch_of};
use super::review::{Ready, ready};
use super::upstream::{self, PATIENCE};
use crate::commit::{read_trailers, request_body, trailer};
use crate::config::Integration;
use crate::effects::{EffectError, NewCommit, Oid, Pushed, Swap, Update, Upstream, World};
use crate::state::file;
use crate::state::graph::Index;
use crate::state::status::Status;
use crate::state::task::Task;

/// How far down a branch orch looks for its own commit.
const DEPTH: usize = 100;

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

/// The same once a step has landed, with what the target has become; trouble is told, for the step has
/// landed and the next one makes it good.
pub fn after(
    world: World<'_>,
    caller: &Caller,
    before: &Base,
    reporter: &dyn Reporter,
) -> Option<Vec<Request>> {
    if before.config.policy.integration != Integration::PullRequest {
        return None;
    }
    let made = Base::load(world, caller).and_then(|base| make(world, &base, reporter));
    Some(made.unwrap_or_else(|error| {
        reporter.event(&Event::Warning { text: format!("no branch was made to merge: {error}") });
        Vec::new()
    }))
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

/// What there is on a task's branch.
enum There {
    /// Nothing.
    Nothing,
    /// This very submission, whatever others have added to it.
    Same,
    /// An earlier one, as orch left it.
    Earlier(Oid),
    /// Commits that are not orch's.
    Others,
}

fn one(
    world: World<'_>,
    base: &Base,
    index: Index,
    task: &Task,
    reporter: &dyn Reporter,
) -> Result<Option<Request>, StepError> {
    let Some(run) = &task.history.last_run else { return Ok(None) };
    // Work that another clone kept is for that clone to offer.
    if world.git.tip(&attempts_ref(run.as_str()))?.is_none() {
        return Ok(None);
    }
    let branch = branch_of(task.id.as_str());
    let path = &base.snapshot.graph.nodes()[index].path;
    let tip = match &base.upstream {
        Some(upstream) => world.git.tip(&seen(upstream, &branch))?,
        None => world.git.tip(&branch_ref(&branch))?,
    };
    let old = match look(world, tip, path, task)? {
        There::Nothing => None,
        There::Same => return Ok(None),
        There::Earlier(old) => Some(old),
        There::Others => return Err(occupied(&branch, "has commits that orch did not make")),
    };
    if world.git.checkout_of(&branch)?.is_some() {
        return Err(occupied(&branch, "is checked out"));
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
    put(world, base, &branch, (old, commit))?;
    let again = old.is_some();
    let target = base.branch.clone();
    let title = ready.message.lines().next().unwrap_or_default().to_owned();
    let body = request_body(&ready.task, &ready.run, &ready.summary);
    let request = Request { task: task.id.to_string(), branch, commit, target, title, body, again };
    reporter.event(&Event::Offered {
        branch: request.branch.clone(),
        target: request.target.clone(),
        commit: commit.to_string(),
    });
    Ok(Some(request))
}

/// Looks at the branches of all tasks on the remote, at once.
fn look_there(world: World<'_>, upstream: &Upstream) -> Result<(), EffectError> {
    let all = branch_of("*");
    let refs = [(branch_ref(&all), seen(upstream, &all))];
    upstream::fetch_refs(world, &upstream.remote, &refs, PATIENCE)
}

/// The ref here that says where a branch was there.
fn seen(upstream: &Upstream, branch: &str) -> String {
    upstream::seen_branch(&Upstream { branch: branch.to_owned(), ..upstream.clone() })
}

/// Moves the branch from what it was: on the remote first, where work lands by push, and then here.
fn put(world: World<'_>, base: &Base, branch: &str, (old, new): (Option<Oid>, Oid)) -> Result<(), StepError> {
    let reference = branch_ref(branch);
    let mut here = old;
    if let Some(upstream) = &base.upstream {
        let update = Update { reference: reference.clone(), expected: old, new: Some(new) };
        match world.remote.push(&upstream.remote, &[update], PATIENCE, true)? {
            Pushed::Done => {}
            Pushed::Moved => return Err(occupied(branch, "moved meanwhile")),
            Pushed::Refused { words, .. } => {
                return Err(StepError::git(
                    format!("`{}` refuses `{branch}`: {words}", upstream.remote),
                    "see to it that you may push branches there",
                ));
            }
        }
        here = world.git.tip(&reference)?;
        if here.is_some() && here != old {
            // What a person did on the local branch stays.
            return Ok(());
        }
    }
    match world.git.swap(&reference, here, new, "orch: work that waits to be merged")? {
        Swap::Done => Ok(()),
        Swap::Moved(_) => Err(occupied(branch, "moved meanwhile")),
    }
}

fn occupied(branch: &str, why: &str) -> StepError {
    StepError::git(format!("branch `{branch}` {why}"), "move it aside with `git branch --move`")
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
    world.git.settle()?;
    Ok(commit)
}

/// Looks for orch's own commit on a task's branch, and whether it holds what waits now.
fn look(world: World<'_>, tip: Option<Oid>, path: &str, task: &Task) -> Result<There, StepError> {
    let Some(tip) = tip else { return Ok(There::Nothing) };
    for commit in world.git.history(tip, DEPTH)? {
        let trailers = read_trailers(&commit.message);
        let ours = trailer(&trailers, "Orch-Task") == Some(task.id.as_str())
            && trailer(&trailers, "Orch-Outcome") == Some("accepted");
        if !ours {
            continue;
        }
        let parent = commit.parents.first().and_then(|parent| world.git.commit(*parent).ok());
        let before = match parent {
            Some(parent) => task_in(world, parent.tree, path)?,
            None => None,
        };
        let same = before.is_some_and(|before| before.history.last_run == task.history.last_run);
        return Ok(match (same, commit.id == tip) {
            (true, _) => There::Same,
            (false, true) => There::Earlier(tip),
            (false, false) => There::Others,
        });
    }
    Ok(There::Others)
}

fn task_in(world: World<'_>, tree: Oid, path: &str) -> Result<Option<Task>, StepError> {
    let Some((_, blob)) = world.git.entry(tree, path)? else { return Ok(None) };
    Ok(file::task::read(path, &world.git.blob(blob)?).value)
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
