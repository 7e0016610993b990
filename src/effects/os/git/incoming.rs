//! Writing the files of a work tree, durably: one by one, or many at once.
//!
//! A user's file is written under another name first, in git's own folder, and then renamed: a crash
//! leaves the old content or the new one, and nothing half-written beside it. Syncing files one by one
//! takes many times as long as all at once, so all are written first, synced together, then renamed.

use super::bring as write;
use super::filters::Filters;
use super::place::Place;
use super::worktree::Owner;
use super::{EffectError, Result};
use crate::effects::os::files::{MANY, SYNCS_AT_ONCE, sync_file_system, sync_together};
use crate::effects::{Change, MODE_FILE, MODE_LINK, MODE_PROGRAM, Mode};
use bstr::ByteSlice;
use std::fs;
use std::path::{Path, PathBuf};

/// Files for a user's work tree, under numbers in a folder of git's; each only has to be renamed. The folder
/// goes with this.
pub(super) struct Ready {
    dir: PathBuf,
    pub(super) files: Vec<PathBuf>,
}

impl Ready {
    /// Where the file of the change with this number lies.
    pub(super) fn at(&self, number: usize) -> PathBuf {
        self.dir.join(number.to_string())
    }

    /// Makes all of them durable at once.
    pub(super) fn sync(&self) -> Result<()> {
        let many = SYNCS_AT_ONCE && self.files.len() >= MANY;
        if many { sync_file_system(&self.dir) } else { sync_together(&self.files, &[]) }
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        // What stays is removed by the next one.
        let _ = write::remove_any(&self.dir);
    }
}

/// Writes the new files of changes for a user's work tree, not yet durably.
pub(super) fn make_ready(place: &Place<'_>, changes: &[&Change], filters: &mut Filters<'_>) -> Result<Ready> {
    let dir = place.repo.git_dir().join("orch-incoming.d");
    write::remove_any(&dir)?;
    fs::create_dir(&dir).map_err(|error| EffectError::io("make the directory", &dir, &error))?;
    let mut ready = Ready { dir, files: Vec::with_capacity(changes.len()) };
    for (at, change) in changes.iter().enumerate() {
        let Some((mode, blob)) = change.new.filter(|(mode, _)| matches!(*mode, MODE_FILE | MODE_PROGRAM))
        else {
            continue;
        };
        let content = filters.content(change.path.as_bstr(), mode, blob)?;
        let to = ready.at(at);
        write::create(&to, &content, mode, false)?;
        ready.files.push(to);
    }
    Ok(ready)
}

/// Writes one file.
pub(super) fn write_file(place: &Place<'_>, full: &Path, mode: Mode, content: &[u8]) -> Result<()> {
    match place.owner {
        Owner::Orch => {
            write::remove_any(full)?;
            write::create(full, content, mode, false)
        }
        Owner::User => {
            // Under another name first, outside the work tree, so that a crash leaves the old
            // content or the new one, and nothing half-written beside it.
            let temporary = place.repo.git_dir().join("orch-incoming");
            write::remove_any(&temporary)?;
            write::create(&temporary, content, mode, mode != MODE_LINK)?;
            match fs::rename(&temporary, full) {
                Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => {
                    write::remove_any(&temporary)?;
                    write::remove_any(full)?;
                    write::create(full, content, mode, mode != MODE_LINK)
                }
                renamed => renamed.map_err(|error| EffectError::io("write", full, &error)),
            }
        }
    }
}
