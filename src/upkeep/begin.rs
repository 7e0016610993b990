//! Beginning where files of a state lie in the work tree already, written by hand or by
//! `orch init --no-commit`: they are what the project begins with.

use crate::effects::World;
use crate::state::layout::{self, FileKind};
use crate::state::problem::Problem;
use crate::state::store::{Source, load};
use crate::step::base::read_config;
use crate::step::land::FileEdit;
use crate::step::{Caller, StepError};
use std::path::Path;

/// The files of a state in a work tree without one at its tip; none if there are none.
///
/// # Errors
/// When orch did not write what is there, or it cannot be used.
pub fn left(world: World<'_>, caller: &Caller, root: &Path) -> Result<Option<Vec<FileEdit>>, StepError> {
    match root.join(layout::ROOT).symlink_metadata() {
        Err(_) => return Ok(None),
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(foreign()),
    }
    let config = world.files.read_work(root, layout::CONFIG)?.ok_or_else(foreign)?;
    let mut problems = read_config(&config, caller).1;
    problems.extend(load(world, Source::Work(root.to_owned()))?.problems);
    if problems.iter().any(Problem::is_error) {
        return Err(StepError::Invalid(problems));
    }
    let mut files = Vec::new();
    for file in world.files.work_files(root, layout::ROOT)? {
        if layout::kind_of(&file.path) != FileKind::Unknown {
            let content = world.files.read_work(root, &file.path)?;
            files.push((file.path, content));
        }
    }
    Ok(Some(files))
}

fn foreign() -> StepError {
    let remedy = format!("move it elsewhere, or add a `{}`", layout::CONFIG);
    StepError::Invalid(vec![
        Problem::error(layout::ROOT, None, "it is there, but orch did not write it").with_remedy(remedy),
    ])
}
