//! Reading what lies outside of the state: a project's folder, another tool's files, and a text in the
//! user's editor.

use crate::effects::{EffectError, Result, Trouble};
use std::collections::BTreeMap;
use std::path::Path;

/// The most directory entries that are looked at.
const ENTRIES_MAX: usize = 200_000;
/// The most bytes that are read in all.
const BYTES_MAX: u64 = 1 << 30;
/// How deep folders are entered.
const DEPTH_MAX: usize = 32;
/// Folders that never hold another tool's tasks, and are large.
const SKIPPED: [&str; 4] = [".git", "node_modules", "target", ".orchestrator"];

/// Files with their content, and the paths of others that cannot be read as files.
pub type Found = (Vec<(String, Vec<u8>)>, Vec<String>);

/// The files at a path (the file itself, or those below the folder) that `wants` asks for by their
/// path from there, with `/`, in the order of their paths; with those among them that are no ordinary files, and
/// are not read: links are not followed.
///
/// # Errors
/// When something cannot be read, or there is too much of it.
pub fn read_files(path: &Path, file_limit: u64, wants: &dyn Fn(&str) -> bool) -> Result<Found> {
    if path.is_file() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let content = super::files::read(path, file_limit)?;
        return Ok((content.map(|content| (name, content)).into_iter().collect(), Vec::new()));
    }
    let too_much =
        |what: &str| EffectError::new(Trouble::Other, format!("`{}` holds more than {what}", path.display()));
    let (mut found, mut odd) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    let skipped = |entry: &walkdir::DirEntry| {
        entry.depth() > 0
            && entry.file_type().is_dir()
            && SKIPPED.iter().any(|name| entry.file_name() == *name)
    };
    let walk = walkdir::WalkDir::new(path).max_depth(DEPTH_MAX).sort_by_file_name();
    for (seen, entry) in walk.into_iter().filter_entry(|entry| !skipped(entry)).enumerate() {
        if seen >= ENTRIES_MAX {
            return Err(too_much(&format!("{ENTRIES_MAX} files")));
        }
        let entry = entry.map_err(|error| {
            EffectError::new(Trouble::Other, format!("cannot read `{}`: {error}", path.display()))
        })?;
        let below = entry.path().strip_prefix(path).unwrap_or(entry.path()).to_string_lossy().into_owned();
        if entry.file_type().is_dir() || !wants(&below) {
            continue;
        }
        if !entry.file_type().is_file() {
            odd.push(below);
            continue;
        }
        if let Some(content) = super::files::read(entry.path(), file_limit)? {
            bytes += content.len() as u64;
            if bytes > BYTES_MAX {
                return Err(too_much(&format!("{} MiB", BYTES_MAX >> 20)));
            }
            found.push((below, content));
        }
    }
    found.sort();
    Ok((found, odd))
}

/// The names in a folder and, two folders deep, in those inside of it, those of folders with a `/` at their end, each with
/// the text of the file where that is wanted. What cannot be read has none; what git or tools keep there, other
/// repositories and what is named in `except` are not looked into.
#[must_use]
pub fn listing(dir: &Path, wanted: &[&str], except: &[&str]) -> BTreeMap<String, String> {
    let walk = walkdir::WalkDir::new(dir).min_depth(1).max_depth(3).sort_by_file_name().into_iter();
    let own = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        let closed = name.starts_with('.') || except.contains(&&*name) || entry.path().join(".git").exists();
        entry.depth() == 0 || !entry.file_type().is_dir() || !closed
    };
    let mut listing = BTreeMap::new();
    for entry in walk.filter_entry(own).flatten().take(ENTRIES_MAX) {
        let Some(path) = entry.path().strip_prefix(dir).ok().and_then(Path::to_str) else { continue };
        let name = entry.file_name().to_string_lossy();
        let is_dir = entry.path().is_dir();
        let wanted = !is_dir && wanted.contains(&&*name);
        let text =
            if wanted { std::fs::read_to_string(entry.path()).unwrap_or_default() } else { String::new() };
        listing.insert(if is_dir { format!("{path}/") } else { path.to_owned() }, text);
    }
    listing
}

/// Opens a file in an editor (a command of the user's shell) and waits for it. Says whether it ended well.
///
/// # Errors
/// When it cannot be started.
pub fn edit(editor: &str, path: &Path) -> Result<bool> {
    let script = format!("{editor} \"$@\"");
    let output =
        duct::cmd("sh", [std::ffi::OsStr::new("-c"), script.as_ref(), "sh".as_ref(), path.as_os_str()])
            .unchecked()
            .run()
            .map_err(|error| EffectError::new(Trouble::Other, format!("cannot start `{editor}`: {error}")))?;
    Ok(output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn files_below_a_folder_come_in_order_and_only_those_that_are_wanted() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [("b/x.md", "1"), ("a.md", "2"), ("c.txt", "3"), (".git/y.md", "4")] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("link.md")).unwrap();
        let (found, odd) = read_files(dir.path(), 100, &|path| path.ends_with(".md")).unwrap();
        assert_eq!(found, [("a.md".to_owned(), b"2".to_vec()), ("b/x.md".to_owned(), b"1".to_vec())]);
        assert_eq!(odd, ["link.md"]);
    }

    #[test]
    fn a_single_file_is_read_whatever_its_name_and_never_beyond_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("odd");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read_files(&path, 5, &|_| false).unwrap().0, [("odd".to_owned(), b"12345".to_vec())]);
        assert!(read_files(&path, 4, &|_| false).is_err());
    }

    #[test]
    fn a_listing_has_all_names_and_only_the_texts_that_are_wanted() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("src")).unwrap();
        fs::create_dir(dir.path().join("Makefile")).unwrap();
        for folder in ["src/deep/er/still", "vendor/x", ".hidden", "other/.git"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        fs::write(dir.path().join("src/deep/Cargo.toml"), "[package]").unwrap();
        fs::write(dir.path().join("Cargo.toml"), "[package]").unwrap();
        fs::write(dir.path().join("README"), "long").unwrap();
        let found: Vec<_> =
            listing(dir.path(), &["Cargo.toml", "Makefile"], &["vendor"]).into_iter().collect();
        let texts = [
            ("Cargo.toml", "[package]"),
            ("Makefile/", ""),
            ("README", ""),
            ("src/", ""),
            ("src/deep/", ""),
            ("src/deep/Cargo.toml", "[package]"),
            ("src/deep/er/", ""),
        ];
        assert_eq!(found, texts.map(|(name, text)| (name.to_owned(), text.to_owned())));
    }

    #[test]
    fn an_editor_edits_and_may_refuse() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a b");
        fs::write(&path, "old\n").unwrap();
        assert!(edit("sed -i s/old/new/", &path).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\n");
        assert!(!edit("false", &path).unwrap());
    }
}
