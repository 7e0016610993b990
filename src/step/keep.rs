//! Keeping work that is not on the branch: a commit under `refs/orch/attempts/`.

use super::error::StepError;
use super::event::{Event, Reporter};
use super::record::attempts_ref;
use crate::commit::kept_message;
use crate::effects::{Identity, NewCommit, Oid, Swap, World};

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
    if world.git.commit(base)?.tree == tree {
        return Ok(None);
    }
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
