//! Where the private work trees of a repository lie on this machine.
//!
//! Invariant: it is a folder of orch's own, one for each repository, outside of every `.git` and of the
//! repository's work tree: what lies there is emptied.

use super::error::CliError;
use super::home;
use crate::config::read::workspace_root;
use crate::effects::Git as _;
use crate::effects::os::git::OsGit;
use crate::state::problem::Problem;
use std::path::{Path, PathBuf};

/// Below what the user's own file names, if it does; else below `$XDG_STATE_HOME`.
///
/// # Errors
/// When that file cannot be read, or names a folder that is no place for them.
pub(super) fn place(git: &OsGit, repository: &str, user: Option<(&str, &[u8])>) -> Result<PathBuf, CliError> {
    let named = user.map(|(path, bytes)| workspace_root(path, bytes)).transpose();
    let root = match named.map_err(|problems| CliError::problems(&problems))?.flatten() {
        None => home::dir("XDG_STATE_HOME", ".local/state")?,
        Some((text, source)) => {
            let root = match text.strip_prefix("~/") {
                Some(below) => home::home()?.join(below),
                None => PathBuf::from(&text),
            };
            if let Some(why) = unfit(git, &real(&root)) {
                let (path, line) = source.rsplit_once(':').unwrap_or((&source, ""));
                let fact = format!("`workspace.root = \"{text}\"` {why}");
                let remedy = "name a folder of its own, such as \"~/.cache/orch\"";
                let problem = Problem::error(path, line.parse().ok(), fact).with_remedy(remedy);
                return Err(CliError::problems(&[problem]));
            }
            root
        }
    };
    Ok(root.join(repository).join("workspaces"))
}

/// Why a folder is no place for work trees.
fn unfit(git: &OsGit, root: &Path) -> Option<&'static str> {
    let common = real(git.common_dir());
    if root.components().any(|part| part.as_os_str() == ".git") || root.starts_with(&common) {
        return Some("lies inside a `.git`");
    }
    let main = common.parent().filter(|_| common.ends_with(".git"));
    let work_tree = git.work_dir().map(real);
    let inside = main.into_iter().chain(work_tree.as_deref()).any(|tree| root.starts_with(tree));
    inside.then_some("lies inside the work tree of this repository")
}

/// A path without links, as far as it is there.
fn real(path: &Path) -> PathBuf {
    for above in path.ancestors() {
        if let (Ok(found), Ok(below)) = (std::fs::canonicalize(above), path.strip_prefix(above)) {
            return found.join(below);
        }
    }
    path.to_owned()
}
