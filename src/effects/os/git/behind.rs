//! What an agent left behind in the disposable repository of its workspace, and nowhere among its files.
//!
//! Its refs and reflogs are read as text; its objects are lent to git, which works in the trusted repository and
//! packs what they are, and the trusted repository takes in such a pack as it would take one from a stranger. Objects that the other repository only borrows are not lent.
//! Invariant: no configuration, hook or attribute of that repository is read, and nothing but what a path really
//! holds ends up under its name; where something else than files and folders lies there, it is left alone.

use super::bring::is_folder;
use super::{Behind, EffectError, Oid, OsGit, Result, Trouble, id};
use std::collections::BTreeSet;
use std::fs;
use std::io::Seek as _;
use std::path::{Path, PathBuf};

/// The most files of a repository that are looked at.
const MOST_FILES: usize = 200_000;
/// The most of one file that names commits, in bytes.
const MOST_TEXT: u64 = 1 << 20;
/// The most commits that are asked about.
const MOST_COMMITS: usize = 1_000;

impl OsGit {
    /// Takes in the commits that a disposable repository names and of which no other holds `seen`; says which.
    pub(super) fn take_behind(&self, dir: &Path, base: Oid, seen: Oid) -> Result<Behind> {
        let git_dir = dir.join(".git");
        let mut named = named_in(&git_dir)?;
        let mut known = BTreeSet::new();
        let is_new = |id: gix::ObjectId| !id.is_null() && !self.repo().has_object(id);
        named.retain(|commit| known.insert(*commit) && is_new(id(*commit)));
        let left_out = named.len().saturating_sub(MOST_COMMITS);
        named.truncate(MOST_COMMITS);
        let nothing = Behind { commits: Vec::new(), left_out };
        if named.is_empty() {
            return Ok(nothing);
        }
        let objects = git_dir.join("objects");
        self.lends_its_own(&objects)?;
        let lent = Lent { git: self, objects: quoted(&objects) };
        let held = [seen, self.tree_of(base)?];
        let commits = lent.commits(&named)?;
        if commits.iter().all(|(_, tree)| held.contains(tree)) {
            return Ok(nothing);
        }
        let heads = lent.independent(commits.iter().map(|(commit, _)| *commit))?;
        let heads: Vec<Oid> = commits
            .into_iter()
            .filter(|(commit, tree)| heads.contains(commit) && !held.contains(tree))
            .map(|(commit, _)| commit)
            .collect();
        if !heads.is_empty() {
            lent.take(&heads, base)?;
        }
        Ok(Behind { commits: heads, ..nothing })
    }

    /// That a disposable repository lends objects of its own, and borrows those of the trusted one alone: of others it
    /// may have heard that its agent could not read.
    fn lends_its_own(&self, objects: &Path) -> Result<()> {
        if !is_folder(objects) {
            return Err(no_file_of_gits(objects));
        }
        files_below(objects)?;
        let alternates = objects.join("info/alternates");
        let text = crate::effects::os::files::read(&alternates, MOST_TEXT)?.unwrap_or_default();
        let own = fs::canonicalize(self.repo().objects.store_ref().path()).ok();
        let is_own = |line: &str| Path::new(line).is_absolute() && fs::canonicalize(line).ok() == own;
        if own.is_some() && String::from_utf8_lossy(&text).lines().all(is_own) {
            return Ok(());
        }
        Err(refused(&format!("`{}` names objects that are not this repository's", alternates.display())))
    }
}

/// The trusted repository, to which the objects of another are lent.
struct Lent<'g> {
    git: &'g OsGit,
    objects: String,
}

impl Lent<'_> {
    fn env(&self) -> Vec<(String, String)> {
        vec![("GIT_ALTERNATE_OBJECT_DIRECTORIES".to_owned(), self.objects.clone())]
    }

    fn run(&self, arguments: &[&str], stdin: &str) -> Result<Vec<u8>> {
        let asked = self.git.git_with(arguments, self.env(), stdin.as_bytes())?;
        if asked.ok { Ok(asked.stdout) } else { Err(refused(&asked.stderr_line())) }
    }

    /// Those of these that are commits, with their trees.
    fn commits(&self, named: &[Oid]) -> Result<Vec<(Oid, Oid)>> {
        let list: String = named.iter().map(|oid| format!("{oid}\n")).collect();
        let arguments = ["rev-list", "--ignore-missing", "--no-walk", "--format=%T", "--stdin"];
        let said = String::from_utf8_lossy(&self.run(&arguments, &list)?).into_owned();
        let mut lines = said.lines();
        let mut commits = Vec::new();
        while let (Some(commit), Some(tree)) = (lines.next(), lines.next()) {
            let commit = commit.strip_prefix("commit ").and_then(Oid::from_hex);
            commits.extend(commit.zip(Oid::from_hex(tree)));
        }
        Ok(commits)
    }

    /// Those of these that are reachable from no other.
    fn independent(&self, commits: impl Iterator<Item = Oid>) -> Result<Vec<Oid>> {
        let commits: Vec<String> = commits.map(|commit| commit.to_string()).collect();
        let mut arguments = vec!["merge-base", "--independent"];
        arguments.extend(commits.iter().map(String::as_str));
        let said = self.run(&arguments, "")?;
        Ok(String::from_utf8_lossy(&said).lines().filter_map(Oid::from_hex).collect())
    }

    /// Takes commits in, with all that belongs to them and not to the base.
    fn take(&self, heads: &[Oid], base: Oid) -> Result<()> {
        // It has no name: whatever ends orch leaves nothing of it.
        let common_dir = self.git.repo().common_dir();
        let failed = |error: std::io::Error| EffectError::io("use", common_dir, &error);
        let mut pack = tempfile::tempfile_in(common_dir).map_err(failed)?;
        let list = heads.iter().map(|oid| format!("{oid}\n")).chain([format!("--not\n{base}\n")]);
        let list: String = list.collect();
        let arguments = ["pack-objects", "--quiet", "--revs", "--stdout"];
        let to = pack.try_clone().map_err(failed)?;
        let packed = self.git.git_into(&arguments, self.env(), list.as_bytes(), to)?;
        if !packed.ok {
            return Err(refused(&packed.stderr_line()));
        }
        pack.rewind().map_err(failed)?;
        let taken = self.git.git_reading(&["index-pack", "--strict", "--stdin"], pack)?;
        if !taken.ok {
            return Err(refused(&taken.stderr_line()));
        }
        match heads.iter().find(|head| !self.git.repo().has_object(id(**head))) {
            Some(head) => Err(refused(&format!("commit {} is not what it says", head.short()))),
            None => Ok(()),
        }
    }
}

fn refused(why: &str) -> EffectError {
    let fact = format!("what the agent committed in its own repository cannot be kept: {why}");
    EffectError::new(Trouble::Repository, fact)
}

fn no_file_of_gits(path: &Path) -> EffectError {
    refused(&format!("`{}` is no file of git's", path.display()))
}

/// A path as git reads it in a list of paths.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\""))
}

/// The files below a folder; an error where anything but files and folders lies there, or too many of them.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut files, mut folders, mut count) = (Vec::new(), vec![folder.to_owned()], 0);
    if !is_folder(folder) {
        return Ok(files);
    }
    while let Some(folder) = folders.pop() {
        for found in fs::read_dir(&folder).into_iter().flatten().flatten() {
            count += 1;
            match found.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(found.path()),
                Ok(kind) if kind.is_file() && count < MOST_FILES => files.push(found.path()),
                Ok(_) | Err(_) => return Err(no_file_of_gits(&found.path())),
            }
        }
    }
    Ok(files)
}

/// What the refs of a disposable repository name, then what its reflogs do, the last first. Refs of kept work are
/// orch's own.
fn named_in(git_dir: &Path) -> Result<Vec<Oid>> {
    let mut named = Vec::new();
    if !is_folder(git_dir) {
        return Ok(named);
    }
    let mut files = vec![git_dir.join("HEAD"), git_dir.join("ORIG_HEAD"), git_dir.join("packed-refs")];
    files.extend(files_below(&git_dir.join("refs"))?);
    let trees = || fs::read_dir(git_dir.join("worktrees")).into_iter().flatten().flatten();
    files.extend(trees().map(|tree| tree.path().join("HEAD")));
    files.extend(files_below(&git_dir.join("logs"))?);
    files.extend(trees().map(|tree| tree.path().join("logs/HEAD")));
    // A pipe would be waited for.
    files.retain(|file| fs::symlink_metadata(file).is_ok_and(|metadata| metadata.is_file()));
    for file in files {
        let Some(text) = crate::effects::os::files::read(&file, MOST_TEXT)? else { continue };
        let text = String::from_utf8_lossy(&text);
        for line in text.lines().rev().filter(|line| !line.contains(" refs/orch/attempts/")) {
            // A name, or the two of a reflog, of which the first was named before.
            named.extend(line.split([' ', '\t']).take(2).filter_map(Oid::from_hex));
        }
    }
    Ok(named)
}
