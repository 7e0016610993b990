//! Where an export is written.

use super::error::CliError;
use super::exit::Exit;
use crate::effects::os::files::{publish, read};
use crate::export::is_folder;
use crate::import::{ForeignFile, Format, MAX_FOREIGN_BYTES};
use std::path::{Path, PathBuf};

/// Writes files: one in place of what is there; a folder's only where nothing else is.
pub(super) fn put(output: &Path, format: Format, files: &[ForeignFile]) -> Result<Vec<PathBuf>, CliError> {
    let place = |file: &ForeignFile| {
        if is_folder(format) { output.join(&file.path) } else { output.to_owned() }
    };
    let mut new = Vec::new();
    for file in files {
        let path = place(file);
        let there = if is_folder(format) { read(&path, MAX_FOREIGN_BYTES as u64)? } else { None };
        match there {
            Some(bytes) if bytes == file.bytes => {}
            Some(_) => {
                let fact = format!("`{}` is there already, and says something else", path.display());
                return Err(CliError::new(Exit::Error, fact).hint("name a folder that is empty"));
            }
            None => new.push((path, &file.bytes)),
        }
    }
    for (path, bytes) in &new {
        publish(path, bytes)?;
    }
    Ok(files.iter().map(place).collect())
}
