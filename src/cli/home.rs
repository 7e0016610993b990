//! Folders of the user: what orch is told of all repositories, what is trusted, and where workspaces lie.
//!
//! Invariant: none of them lies where anybody may make a folder, and what another user says is trusted is not.

use super::error::CliError;
use super::exit::Exit;
use crate::config::trust::Store;
use crate::effects::os::files::{is_own, read};
use std::path::PathBuf;

/// The home folder, as the environment names it or else the system.
///
/// # Errors
/// When there is none: a folder that anybody may make is no place for what is trusted.
pub(super) fn home() -> Result<PathBuf, CliError> {
    std::env::home_dir().filter(|path| path.is_absolute()).ok_or_else(|| {
        let fact = "this user has no home folder: `HOME` is not the absolute path of one";
        CliError::new(Exit::Error, fact.to_owned())
            .hint("set `HOME` to the absolute path of a folder of this user")
    })
}

/// The folder of orch below the one that a variable names, else below that one of the home folder.
///
/// # Errors
/// As [`home`].
pub(super) fn dir(variable: &str, default: &str) -> Result<PathBuf, CliError> {
    let set = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let dir = set.map_or_else(|| home().map(|home| home.join(default)), Ok)?;
    Ok(dir.join("orch"))
}

/// This user's own settings: the path of their file, and what it says.
///
/// # Errors
/// When there is no home folder, or the file cannot be read.
pub(super) fn settings() -> Result<Option<(String, Vec<u8>)>, CliError> {
    let dir = dir("XDG_CONFIG_HOME", ".config")?;
    let path = dir.join("config.toml");
    // Who wants no settings names a place that is no folder, as `/dev/null`.
    let bytes = if dir.is_dir() { read(&path, 1 << 20)? } else { None };
    Ok(bytes.map(|bytes| (path.display().to_string(), bytes)))
}

/// The file that says which repositories are trusted.
///
/// # Errors
/// As [`home`].
pub(super) fn trust_path() -> Result<PathBuf, CliError> {
    Ok(dir("XDG_STATE_HOME", ".local/state")?.join("trust.toml"))
}

/// What this user trusts.
///
/// # Errors
/// When there is no home folder, or the file cannot be read.
pub(super) fn trusted() -> Result<Store, CliError> {
    let path = trust_path()?;
    if !is_own(&path) {
        return Ok(Store::default());
    }
    let Some(bytes) = read(&path, 8 << 20)? else { return Ok(Store::default()) };
    let text = String::from_utf8_lossy(&bytes);
    Store::parse(&text).map_err(|error| {
        CliError::new(Exit::Error, format!("`{}`: {error}", path.display()))
            .hint("move that file aside; repositories are then to be trusted again")
    })
}
