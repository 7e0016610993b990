//! What directs git in a checkout, its configuration and hooks, while somebody else works there.
//!
//! An agent that works in place can write where git keeps them. So they are read before it begins, and put back
//! before orch or its git looks at them again; meanwhile hooks run from a copy. It lies with the private work trees,
//! where an agent behind walls cannot write. The locks that are there before are noted as well: those that came
//! later, and that no living git holds, were left behind.

use super::bring::{is_absent, remove_any, set_aside};
use super::left::{locks, remove_locks};
use super::lock::IndexLock;
use super::purge::open_up;
use super::{Checkout, EffectError, Oid, OsGit, Restored, Result, Trouble, or};
use crate::effects::os::files;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The files beside configuration and hooks that say what git does with files.
const INFO: [&str; 4] = ["info/attributes", "info/exclude", "info/grafts", "info/sparse-checkout"];
/// How deep folders are copied and compared.
const DEPTH: usize = 16;
/// The most bytes of a file that are held.
const LARGEST: u64 = 512 << 20;
/// How much of a path is told by the name that it has when it was moved aside.
const LONGEST: usize = 60;

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Entry {
    /// A file: its permissions and its content.
    File(u32, Vec<u8>),
    /// A link, and where it leads.
    Link(OsString),
    /// Anything else; none of it is ever held.
    Other,
}

/// Everything, by its path.
type Entries = BTreeMap<OsString, Entry>;

/// What directed git in a checkout when a run began.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Settings {
    run: String,
    /// Files and folders that were looked at.
    roots: Vec<OsString>,
    entries: Entries,
    /// The locks that were there.
    locks: BTreeSet<OsString>,
    /// The folder for what others made of it.
    aside: OsString,
}

/// What is held while a run works in place.
#[derive(Debug)]
pub(super) struct Held {
    settings: Settings,
    /// The folder that hooks run from.
    pub(super) hooks: PathBuf,
    /// What was put back and not told yet.
    changed: BTreeSet<PathBuf>,
}

impl OsGit {
    /// Where copies lie.
    fn held_dir(&self) -> PathBuf {
        self.workspaces.join("in-place")
    }

    /// The folder that hooks run from while somebody works in place.
    pub(super) fn held_hooks(&self) -> Option<PathBuf> {
        self.held.borrow().as_ref().map(|held| held.hooks.clone())
    }

    /// Takes note of everything, and copies what hooks would run.
    pub(super) fn hold(&self, checkout: &Checkout, run: &str, base: Oid, aside: &Path) -> Result<()> {
        // Who works with git there just now is not interrupted; and a lock that is found later is not theirs.
        drop(IndexLock::take(&checkout.git_dir)?);
        let dir = self.held_dir();
        remove_any(&dir)?;
        let failed = |error: std::io::Error| EffectError::io("make the directory", &dir, &error);
        fs::create_dir_all(&dir).map_err(failed)?;
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        let copies = dir.join("hooks");
        let found = self.hooks_folder(base, &copies)?;
        let hooks = if found.starts_with(&copies) {
            found
        } else {
            copy_folder(&found, &copies, DEPTH)?;
            copies
        };
        let roots = self.roots(checkout, base)?;
        let entries = read(&roots)?;
        let settings = Settings {
            run: run.to_owned(),
            roots: roots.into_iter().map(PathBuf::into_os_string).collect(),
            entries,
            locks: locks(self.common(), &checkout.git_dir),
            aside: aside.as_os_str().to_owned(),
        };
        let bytes = postcard::to_stdvec(&settings).map_err(|error| {
            EffectError::new(Trouble::Other, format!("cannot note what directs git: {error}"))
        })?;
        files::replace(&dir.join("settings"), &bytes, true)?;
        *self.held.borrow_mut() = Some(Held { settings, hooks, changed: BTreeSet::new() });
        Ok(())
    }

    /// Puts everything back, and removes the locks that were left; says what there was to do.
    pub(super) fn restore(&self, checkout: &Checkout, run: &str) -> Result<Restored> {
        self.guard()?;
        let here = self.held.borrow_mut().as_mut().map(|held| {
            let changed = std::mem::take(&mut held.changed);
            (held.settings.clone(), changed)
        });
        let noted = || {
            let Some(mut settings) = self.noted()?.filter(|settings| settings.run == run) else {
                return Ok(None);
            };
            for folder in [&checkout.git_dir, &checkout.dir].into_iter().filter(|folder| !folder.is_dir()) {
                // A person has removed that work tree; nothing of it is made again.
                settings.entries.retain(|path, _| !Path::new(path).starts_with(folder));
            }
            let changed = put_back(&settings)?;
            if !changed.is_empty() {
                // What this command has read of it is somebody else's.
                let mut fresh = self.opened.clone();
                or("open the git repository", fresh.reload())?;
                let _ = self.fresh.set(super::unreplaced(fresh));
            }
            Ok(Some((settings, changed)))
        };
        let Some((settings, changed)) = here.map_or_else(noted, |here| Ok(Some(here)))? else {
            return Ok(Restored::default());
        };
        let left = remove_locks(self.common(), checkout, &settings.locks)?;
        let name = |path: PathBuf| path.strip_prefix(&checkout.dir).map_or(path.clone(), Path::to_owned);
        Ok(Restored {
            settings: changed.into_iter().map(name).collect(),
            aside: name(PathBuf::from(settings.aside)),
            locks: left.into_iter().map(name).collect(),
        })
    }

    /// Puts back whatever somebody could direct a git by that is about to be started.
    pub(super) fn guard(&self) -> Result<()> {
        if let Some(held) = &mut *self.held.borrow_mut() {
            held.changed.extend(put_back(&held.settings)?);
        }
        Ok(())
    }

    /// Forgets what was held for a run.
    pub(super) fn let_go(&self, run: &str) -> Result<()> {
        self.held.borrow_mut().take_if(|held| held.settings.run == run);
        match self.noted()? {
            Some(settings) if settings.run == run => remove_any(&self.held_dir()),
            Some(_) | None => Ok(()),
        }
    }

    /// What another command noted.
    fn noted(&self) -> Result<Option<Settings>> {
        let path = self.held_dir().join("settings");
        let Some(bytes) = files::read(&path, u64::MAX)? else { return Ok(None) };
        postcard::from_bytes(&bytes).map(Some).map_err(|error| {
            let path = path.display();
            let fact = format!(
                "`{path}` does not say what directed git before an agent worked in place: {error} (look at \
                 configuration and hooks, move it aside, and orch goes on without it)"
            );
            EffectError::new(Trouble::Other, fact)
        })
    }

    /// Files and folders that direct git in a checkout.
    fn roots(&self, checkout: &Checkout, base: Oid) -> Result<Vec<PathBuf>> {
        let common = self.common();
        let mut roots: Vec<PathBuf> =
            ["config", "hooks"].iter().chain(&INFO).map(|at| common.join(at)).collect();
        roots.extend(["config.worktree", INFO[3]].map(|at| checkout.git_dir.join(at)));
        roots.extend(self.untracked_hooks(checkout, base)?);
        roots.sort();
        roots.dedup();
        Ok(roots)
    }

    fn common(&self) -> &Path {
        self.repo().common_dir()
    }
}

/// Files and links, and what folders hold, as they are to be held.
fn read(roots: &[PathBuf]) -> Result<Entries> {
    let mut found = BTreeMap::new();
    roots.iter().try_for_each(|root| list(root, DEPTH, &mut found))?;
    found.into_iter().map(|(path, metadata)| Ok((path.clone().into(), entry(&path, &metadata)?))).collect()
}

/// Lists a file, a link, or what a folder holds, without git's samples.
fn list(path: &Path, depth: usize, into: &mut BTreeMap<PathBuf, fs::Metadata>) -> Result<()> {
    let failed = |error: std::io::Error| EffectError::io("read", path, &error);
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if is_absent(&error) => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if metadata.is_dir() && depth > 0 {
        open_up(path, 0o700);
        for found in fs::read_dir(path).map_err(failed)? {
            let path = found.map_err(failed)?.path();
            if !is_sample(&path) {
                list(&path, depth - 1, into)?;
            }
        }
        return Ok(());
    }
    if depth > 0
        && metadata.is_symlink()
        && let Ok(to) = fs::canonicalize(path)
        && is_sample(&to)
    {
        // Git runs it by the name of the link.
        list(&to, depth - 1, into)?;
    }
    into.insert(path.to_owned(), metadata);
    Ok(())
}

fn entry(path: &Path, metadata: &fs::Metadata) -> Result<Entry> {
    let failed = |error: std::io::Error| EffectError::io("read", path, &error);
    Ok(if metadata.is_symlink() {
        Entry::Link(fs::read_link(path).map_err(failed)?.into_os_string())
    } else if metadata.is_file() {
        let mode = metadata.mode() & 0o7777;
        open_up(path, 0o400);
        Entry::File(mode, files::read(path, LARGEST)?.unwrap_or_default())
    } else {
        Entry::Other
    })
}

/// Whether what lies at a path is what was held. Nothing is read that is longer than that.
fn is_same(path: &Path, found: &fs::Metadata, held: &Entry) -> bool {
    match held {
        Entry::Link(to) => {
            found.is_symlink() && fs::read_link(path).is_ok_and(|found| found.as_os_str() == to)
        }
        Entry::File(mode, content) => {
            let length = content.len() as u64;
            found.is_file()
                && (found.mode() & 0o7777, found.len()) == (*mode, length)
                && files::read(path, length).is_ok_and(|found| found.as_ref() == Some(content))
        }
        Entry::Other => !found.is_symlink() && !found.is_file(),
    }
}

/// Makes everything what it was; the paths that differed. What lay there is moved aside.
fn put_back(settings: &Settings) -> Result<BTreeSet<PathBuf>> {
    let mut now = BTreeMap::new();
    settings.roots.iter().try_for_each(|root| list(Path::new(root), DEPTH, &mut now))?;
    let (same, others): (Vec<_>, Vec<_>) = now.into_iter().partition(|(path, found)| {
        settings.entries.get(path.as_os_str()).is_some_and(|held| is_same(path, found, held))
    });
    let same: BTreeSet<PathBuf> = same.into_iter().map(|(path, _)| path).collect();
    let mut changed = BTreeSet::new();
    for (path, _) in others {
        move_aside(&path, settings)?;
        changed.insert(path);
    }
    for (path, entry) in settings.entries.iter().filter(|(path, _)| !same.contains(Path::new(path))) {
        write(Path::new(path), entry)?;
        changed.insert(PathBuf::from(path));
    }
    Ok(changed)
}

/// Moves what lies at a path into the folder for that, by the end of its name from the root that it lies in.
fn move_aside(path: &Path, settings: &Settings) -> Result<()> {
    let root = settings.roots.iter().map(Path::new).find(|root| path.starts_with(root));
    let above = root.and_then(Path::parent).unwrap_or(Path::new(""));
    let name = path.strip_prefix(above).unwrap_or(path).to_string_lossy().replace('/', "-");
    let longer = name.chars().count().saturating_sub(LONGEST);
    let name: String = name.chars().skip(longer).collect();
    set_aside(path, &Path::new(&settings.aside).join(name))
}

/// Writes what was held, at once, so that a loss of power does not undo it.
fn write(path: &Path, entry: &Entry) -> Result<()> {
    let failed = |error: std::io::Error| EffectError::io("write", path, &error);
    files::make_parent(path)?;
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
        remove_any(path)?;
    }
    let mut new = path.as_os_str().to_owned();
    new.push(".orch");
    let new = PathBuf::from(new);
    remove_any(&new)?;
    match entry {
        Entry::Link(to) => std::os::unix::fs::symlink(to, &new).map_err(failed)?,
        Entry::File(mode, content) => {
            let opened = fs::OpenOptions::new().write(true).create_new(true).mode(mode & 0o700).open(&new);
            let written = opened.and_then(|mut file| {
                std::io::Write::write_all(&mut file, content)?;
                file.set_permissions(fs::Permissions::from_mode(*mode))?;
                file.sync_all()
            });
            written.map_err(failed)?;
        }
        Entry::Other => return Ok(()),
    }
    fs::rename(&new, path).map_err(failed)?;
    path.parent().map_or(Ok(()), files::sync_dir)
}

/// Whether a name is that of one of git's samples of hooks, which it never runs.
fn is_sample(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "sample")
}

/// Copies the files of a folder, each with what it leads to, without git's samples.
pub(super) fn copy_folder(from: &Path, to: &Path, depth: usize) -> Result<()> {
    fs::create_dir_all(to).map_err(|error| EffectError::io("make the directory", to, &error))?;
    for found in fs::read_dir(from).into_iter().flatten().flatten() {
        let (path, to) = (found.path(), to.join(found.file_name()));
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() && depth > 0 => copy_folder(&path, &to, depth - 1)?,
            Ok(metadata) if metadata.is_file() && !is_sample(&path) => {
                fs::copy(&path, &to).map_err(|error| EffectError::io("copy", &path, &error))?;
            }
            // A link that leads nowhere, or what is no file: git runs none of it.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of every kind in a folder, as they are held.
    fn held(dir: &Path) -> Settings {
        fs::create_dir_all(dir.join("hooks")).expect("a folder");
        fs::write(dir.join("config"), "[core]\n").expect("a file");
        fs::set_permissions(dir.join("config"), fs::Permissions::from_mode(0o600)).expect("permissions");
        fs::write(dir.join("hooks/pre-commit"), "#!/bin/sh\n").expect("a file");
        fs::set_permissions(dir.join("hooks/pre-commit"), fs::Permissions::from_mode(0o755))
            .expect("permissions");
        std::os::unix::fs::symlink("../config", dir.join("hooks/commit-msg")).expect("a link");
        let roots = ["config", "hooks", "none"].map(|name| dir.join(name));
        let entries = read(&roots).expect("they are read");
        Settings {
            run: "R".to_owned(),
            roots: roots.map(PathBuf::into_os_string).to_vec(),
            entries,
            locks: BTreeSet::new(),
            aside: dir.join("aside").into_os_string(),
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a shell does what an agent does")]
    fn whatever_was_done_to_it_it_is_as_it_was() {
        let deeds: [(&str, &[&str]); 10] = [
            ("truncate -s 8T hooks/x config", &["config", "hooks/x"]),
            ("true", &[]),
            ("echo x >>config", &["config"]),
            ("rm config; mkdir -p config/x; echo 1 >config/x/y", &["config", "config/x/y"]),
            ("rm hooks/pre-commit", &["hooks/pre-commit"]),
            ("chmod -x hooks/pre-commit", &["hooks/pre-commit"]),
            ("chmod 0 hooks/pre-commit hooks", &["hooks/pre-commit"]),
            ("ln -sf /bin/true hooks/commit-msg", &["hooks/commit-msg"]),
            ("echo x >hooks/post-index-change; mkfifo hooks/p", &["hooks/p", "hooks/post-index-change"]),
            ("rm -r hooks; ln -s / hooks", &["hooks", "hooks/commit-msg", "hooks/pre-commit"]),
        ];
        for (deed, expected) in deeds {
            let dir = tempfile::tempdir().expect("a directory");
            let settings = held(dir.path());
            let done = std::process::Command::new("sh").args(["-c", deed]).current_dir(&dir).status();
            assert!(done.expect("a shell").success());
            let changed = put_back(&settings).expect("it is put back");
            let changed: Vec<&Path> =
                changed.iter().map(|path| path.strip_prefix(&dir).expect("below")).collect();
            assert_eq!(changed, expected.iter().map(Path::new).collect::<Vec<_>>(), "{deed}");
            assert!(put_back(&settings).expect("a look").is_empty(), "{deed}: it is not as it was");
        }
    }

    #[test]
    fn a_sample_is_nobodys_hook_unless_a_link_makes_it_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let hooks = dir.path().join("hooks");
        fs::create_dir(&hooks).expect("a folder");
        for name in ["pre-push.sample", "update.sample"] {
            fs::write(hooks.join(name), "#!/bin/sh\n").expect("a file");
        }
        std::os::unix::fs::symlink("update.sample", hooks.join("update")).expect("a link");
        std::os::unix::fs::symlink("a.sample", hooks.join("a.sample")).expect("a link to itself");
        std::os::unix::fs::symlink("a.sample", hooks.join("a")).expect("a link that leads nowhere");
        let settings = held(dir.path());
        for name in ["pre-push.sample", "update.sample"] {
            fs::write(hooks.join(name), "planted").expect("a file");
        }
        let changed = put_back(&settings).expect("it is put back");
        assert_eq!(changed.iter().collect::<Vec<_>>(), [&hooks.join("update.sample")]);
        assert_eq!(fs::read_to_string(hooks.join("update")).expect("the hook"), "#!/bin/sh\n");
    }

    #[test]
    fn what_is_moved_aside_takes_nobodys_place() {
        let dir = tempfile::tempdir().expect("a directory");
        let settings = held(dir.path());
        for text in ["one", "two"] {
            fs::create_dir_all(dir.path().join("hooks/a/b")).expect("folders");
            for path in ["config", "hooks/a/b/x", "hooks/b"] {
                let path = dir.path().join(path);
                let _ = remove_any(&path);
                fs::write(path, text).expect("a file");
            }
            put_back(&settings).expect("it is put back");
        }
        for (name, text) in
            [("config", "one"), ("config.1", "two"), ("hooks-a-b-x", "one"), ("hooks-b.1", "two")]
        {
            assert_eq!(fs::read_to_string(dir.path().join("aside").join(name)).expect(name), text);
        }
    }
}
