//! Keeping work that is not on the branch: a commit under `refs/orch/attempts/`; and what the last steps were
//! told and said, for people alone.

use super::along::refuse_lack;
use super::error::StepError;
use super::event::{Event, Reporter};
use super::journal;
use super::record::attempts_ref;
use crate::commit::kept_message;
use crate::effects::{Identity, NewCommit, Oid, Swap, World};

/// How many steps' prompts and transcripts are kept in a clone.
const KEPT_STEPS: usize = 200;
/// After how many more steps older ones are removed.
const MORE_STEPS: usize = 16;
/// The most that they take, in bytes.
const KEPT_STEPS_BYTES: u64 = 256 << 20;

/// Keeps a tree as a commit on the base that it was made on; says where. Nothing is kept, and
/// nothing said, when the tree is the base's own.
///
/// # Errors
/// When it cannot be written.
pub fn keep(
    world: World<'_>,
    run: &str,
    base: Oid,
    tree: Oid,
    (subject, summary): (&str, &str),
    author: Option<Identity>,
    reporter: &dyn Reporter,
) -> Result<Option<String>, StepError> {
    let before = world.git.commit(base)?.tree;
    if before == tree {
        return Ok(None);
    }
    refuse_lack(world, (before, tree))?;
    let message = kept_message(subject, run, summary);
    let time = world.clock.now();
    // Whoever cannot sign loses no work for that.
    let new = NewCommit { tree, parents: vec![base], author, time, message, may_sign: false };
    let commit = world.git.write_commit(&new)?;
    let reference = attempts_ref(run);
    match world.git.swap(&reference, None, commit, "orch: kept")? {
        Swap::Done => {}
        Swap::Moved(Some(there)) if world.git.commit(there)?.tree == tree => {}
        Swap::Moved(_) => {
            // A second tree of the same run: it goes beside the first.
            let beside = format!("{reference}-{}", commit.short());
            world.git.swap(&beside, None, commit, "orch: kept")?;
            reporter.event(&Event::Kept { reference: beside.clone() });
            return Ok(Some(beside));
        }
    }
    reporter.event(&Event::Kept { reference: reference.clone() });
    Ok(Some(reference))
}

/// Removes what is kept here of old steps, which is for people alone.
pub fn prune(world: World<'_>, reporter: &dyn Reporter) {
    let pruned = world.files.list("steps").and_then(|kept| {
        if !kept.len().is_multiple_of(MORE_STEPS) {
            return Ok(());
        }
        let at_work: Vec<String> = journal::at_work(world)?.into_iter().map(|working| working.run).collect();
        world.files.prune("steps", KEPT_STEPS, KEPT_STEPS_BYTES, &at_work)
    });
    if let Err(error) = pruned {
        reporter.event(&Event::Warning { text: error.to_string() });
    }
}
