//! The repositories of submodules in the disposable repository of a workspace: they stay when that is made anew.
//!
//! Invariant: what says there what git does (configuration, hooks, attributes) or where its objects are does not stay,
//! for every git enters submodules, also one that a hook of the trusted repository starts.

use super::Result;
use super::bring::{is_folder, remove_any, write_plain};
use crate::effects::os::files;
use crate::effects::{EffectError, MODE_FILE};
use bstr::ByteSlice as _;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Where they lie.
const MODULES: &str = "modules";
/// What stays of each.
const KEPT: [&str; 8] = ["HEAD", "index", "logs", MODULES, "objects", "packed-refs", "refs", "shallow"];
/// What of that names objects of others.
const BORROWS: [&str; 2] = ["objects/info/alternates", "objects/info/http-alternates"];
/// What stays of what is set in `core`, where it is on or off: it says what the file system can do.
const SWITCHES: [&str; 4] = ["filemode", "ignorecase", "precomposeunicode", "symlinks"];
/// The most of a configuration that is read, in bytes.
const MOST_TEXT: u64 = 1 << 20;
/// How deep they lie in each other.
const DEPTH: usize = 16;

/// Where those submodules come from that are named by where they lie beside their superproject, as settings: a
/// disposable repository has no remote by which that could be told. No secret is handed on.
pub(super) fn beside(gitmodules: &str, superproject: &str) -> String {
    let mut settings = String::new();
    let Ok(found) = gix::config::File::try_from(gitmodules) else { return settings };
    for section in found.sections_by_name("submodule").into_iter().flatten() {
        let name = section.header().subsection_name().map(|name| name.to_str_lossy());
        let url = section.value("url").map(|url| url.to_str_lossy().into_owned());
        let (Some(name), Some(url)) = (name, url) else { continue };
        let Some(url) = resolved(&without_secret(superproject), &url) else { continue };
        if !name.contains(char::is_control) && !url.contains(char::is_control) {
            let _ = writeln!(settings, "[submodule \"{}\"]\n\turl = \"{}\"", quoted(&name), quoted(&url));
        }
    }
    settings
}

/// The URL that a relative one means beside a superproject, as git has it; none where it is no relative one.
fn resolved(superproject: &str, url: &str) -> Option<String> {
    let (mut above, mut rest) = (superproject.trim_end_matches('/'), url);
    let mut joint = '/';
    loop {
        if let Some(further) = rest.strip_prefix("../") {
            let at = above.rfind('/').or_else(|| above.rfind(':'))?;
            joint = if above[at..].starts_with(':') { ':' } else { '/' };
            (above, rest) = (&above[..at], further);
        } else if let Some(further) = rest.strip_prefix("./") {
            rest = further;
        } else if rest.len() == url.len() {
            return None;
        } else {
            return Some(format!("{above}{joint}{}", rest.trim_end_matches('/')));
        }
    }
}

/// A URL without what may be a secret in it: a password, or whoever it names for HTTP, which often is a token.
fn without_secret(url: &str) -> String {
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        let at = rest[..rest.find('/').unwrap_or(rest.len())].rfind('@')?;
        let user = rest[..at].split(':').next().filter(|_| !scheme.starts_with("http"));
        let host = &rest[at + 1..];
        Some(user.map_or_else(|| format!("{scheme}://{host}"), |user| format!("{scheme}://{user}@{host}")))
    });
    parts.unwrap_or_else(|| url.to_owned())
}

/// A value between the quotes of a configuration.
fn quoted(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"")
}

/// Removes all of a disposable repository but those of its submodules.
pub(super) fn clear(git_dir: &Path) -> Result<()> {
    let modules = git_dir.join(MODULES);
    if !is_folder(git_dir) || !is_folder(&modules) {
        return remove_any(git_dir);
    }
    for child in children(git_dir)?.iter().filter(|child| **child != modules) {
        remove_any(child)?;
    }
    clean(&modules, DEPTH)
}

/// Cleans the repositories below a folder, and removes what is none.
fn clean(folder: &Path, depth: usize) -> Result<()> {
    for child in children(folder)? {
        if depth == 0 || !is_folder(&child) {
            remove_any(&child)?;
        } else if is_folder(&child.join("objects")) {
            clean_repository(&child, depth - 1)?;
        } else {
            clean(&child, depth - 1)?;
        }
    }
    Ok(())
}

fn clean_repository(dir: &Path, depth: usize) -> Result<()> {
    let config = config_of(dir);
    for child in children(dir)? {
        let is_kept = KEPT.iter().any(|name| child.ends_with(name)) && !child.is_symlink();
        if !is_kept {
            remove_any(&child)?;
        }
    }
    BORROWS.iter().try_for_each(|name| remove_any(&dir.join(name)))?;
    write_plain(&dir.join("config"), config.as_bytes(), MODE_FILE)?;
    let modules = dir.join(MODULES);
    if is_folder(&modules) { clean(&modules, depth) } else { Ok(()) }
}

/// What stays of a configuration: where it came from, and what its files are like.
fn config_of(dir: &Path) -> String {
    let path = dir.join("config");
    let is_file = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
    let bytes = if is_file { files::read(&path, MOST_TEXT).ok().flatten() } else { None };
    let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
    let found = gix::config::File::try_from(text.as_str()).unwrap_or_default();
    let value = |key: &str| found.string(key).filter(|value| value.iter().all(|byte| *byte >= b' '));
    let format = value("extensions.objectFormat");
    let mut config = format!(
        "[core]\n\trepositoryformatversion = {}\n\tbare = false\n\tlogallrefupdates = true\n",
        u8::from(format.is_some())
    );
    for name in SWITCHES {
        if let Ok(Some(is_on)) = found.boolean(&format!("core.{name}")) {
            let _ = writeln!(config, "\t{name} = {is_on}");
        }
    }
    if let Some(format) = format {
        let _ = writeln!(config, "[extensions]\n\tobjectFormat = \"{}\"", quoted(&format.to_str_lossy()));
    }
    config.push_str("[remote \"origin\"]\n");
    for name in ["url", "fetch"] {
        if let Some(value) = value(&format!("remote.origin.{name}")) {
            let _ = writeln!(config, "\t{name} = \"{}\"", quoted(&value.to_str_lossy()));
        }
    }
    config
}

fn children(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error: std::io::Error| EffectError::io("read", folder, &error);
    let found = fs::read_dir(folder).map_err(failed)?;
    found.map(|found| found.map(|found| found.path()).map_err(failed)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_submodules_repository_nothing_stays_that_says_what_git_does() {
        let home = tempfile::tempdir().expect("a directory");
        let git_dir = home.path().join(".git");
        for repository in ["modules/libs/a", "modules/libs/a/modules/b"] {
            let dir = git_dir.join(repository);
            for name in ["HEAD", "index", "objects/pack/x", "refs/heads/main", "hooks/post-checkout"] {
                files::make_parent(&dir.join(name)).expect("folders");
                fs::write(dir.join(name), "x").expect("a file");
            }
            for name in ["objects/info/alternates", "info/attributes", "worktrees/w/HEAD", "config.worktree"]
            {
                files::make_parent(&dir.join(name)).expect("folders");
                fs::write(dir.join(name), "x").expect("a file");
            }
            let config = "[core]\n\tfsmonitor = touch /tmp/x\n\tignorecase = true\n\tworktree = /etc\n\
                          [remote \"origin\"]\n\turl = \"/a \\\"b\"\n\tfetch = +refs/*:refs/*\n\
                          \tuploadpack = touch x\n[include]\n\tpath = ../x\n[filter \"x\"]\n\tclean = touch x\n";
            fs::write(dir.join("config"), config).expect("a file");
            std::os::unix::fs::symlink("/etc/passwd", dir.join("packed-refs")).expect("a link");
        }
        fs::write(git_dir.join("config"), "").expect("a file");
        std::os::unix::fs::symlink("/etc", git_dir.join("modules/link")).expect("a link");
        clear(&git_dir).expect("it is cleared");
        let mut left: Vec<String> = walk(&git_dir);
        left.sort();
        let of = |at: &str| {
            ["HEAD", "config", "index", "objects/pack/x", "refs/heads/main"]
                .map(|name| format!("{at}/{name}"))
        };
        let mut expected = [of("modules/libs/a"), of("modules/libs/a/modules/b")].concat();
        expected.sort();
        assert_eq!(left, expected);
        let config = fs::read_to_string(git_dir.join("modules/libs/a/config")).expect("a configuration");
        let expected = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tlogallrefupdates = true\n\
                        \tignorecase = true\n[remote \"origin\"]\n\turl = \"/a \\\"b\"\n\
                        \tfetch = \"+refs/*:refs/*\"\n";
        assert_eq!(config, expected);
    }

    #[test]
    fn a_submodule_beside_its_superproject_is_found_where_git_would_look() {
        let is = |superproject: &str, url: &str, expected: &str| {
            assert_eq!(resolved(superproject, url).as_deref(), Some(expected), "{url} beside {superproject}");
        };
        is("https://host/org/repo.git", "../lib.git", "https://host/org/lib.git");
        is("https://host/org/repo/", "../../other/lib/", "https://host/other/lib");
        is("git@host:org/repo.git", "../lib.git", "git@host:org/lib.git");
        is("git@host:repo.git", "../lib.git", "git@host:lib.git");
        is("/srv/git/repo", "./lib", "/srv/git/repo/lib");
        assert_eq!(resolved("/srv/git/repo", "https://host/lib"), None);
        assert_eq!(resolved("/srv/git/repo", "/lib"), None);
        assert_eq!(resolved("repo", "../../../lib"), None);
        let text = "[submodule \"a\\\"b\"]\n\tpath = x\n\turl = ../x\n[submodule \"c\"]\n\turl = /c\n";
        for (superproject, url) in [
            ("https://me:secret@host/org/repo", "https://host/org/x"),
            ("https://token@host/org/repo", "https://host/org/x"),
            ("ssh://git:secret@host/org/repo", "ssh://git@host/org/x"),
        ] {
            let expected = format!("[submodule \"a\\\"b\"]\n\turl = \"{url}\"\n");
            assert_eq!(beside(text, superproject), expected);
        }
    }

    /// The files below a folder.
    fn walk(folder: &Path) -> Vec<String> {
        let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
        while let Some(at) = folders.pop() {
            for child in children(&at).expect("it is read") {
                if is_folder(&child) {
                    folders.push(child);
                } else {
                    files.push(child.strip_prefix(folder).expect("below").display().to_string());
                }
            }
        }
        files
    }
}
