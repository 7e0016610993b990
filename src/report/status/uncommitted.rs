//! What of the state is not committed, and what to type about it.

use super::super::plural;
use super::gather;
use crate::step::error::how_to_end;

/// Files of the state that are not to be committed as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unfit {
    /// How many a merge left undecided.
    pub undecided: usize,
    /// How many cannot be read.
    pub damaged: usize,
    /// What git has in progress (`merge`, `revert`, …), to which changes may belong.
    pub in_progress: Option<&'static str>,
}

/// The warning about changes that are not committed, with the commit to make, unless something speaks against it.
#[must_use]
pub fn not_committed(paths: &[String], unfit: Unfit) -> Option<String> {
    let first = paths.first()?;
    if unfit.undecided > 0 {
        let files = plural(unfit.undecided, "file");
        return Some(format!("a merge left {files} of the state undecided: type `orch doctor` to see which"));
    }
    if unfit.damaged > 0 {
        let files = plural(unfit.damaged, "file");
        return Some(format!(
            "{files} of the state cannot be read, and may not be committed so: type `orch fsck`"
        ));
    }
    let what = match paths.len() {
        1 => format!("`{first}` is not committed"),
        gather::PATHS_MAX => "a thousand files or more below `.orchestrator/` are not committed".to_owned(),
        more => format!("{more} files below `.orchestrator/` are not committed"),
    };
    if let Some(operation) = unfit.in_progress {
        return Some(format!("{what}, and a {operation} is in progress: {}", how_to_end(operation)));
    }
    let it = if paths.len() == 1 { "it" } else { "them" };
    Some(format!(
        "{what}, so no step sees {it}: type `git add .orchestrator && git commit -m \"orch: edit\" .orchestrator`"
    ))
}
