//! Opening a work tree: the user's, with its index lock held, or a private one.

use super::cone::Cone;
use super::lock::IndexLock;
use super::look::Look;
use super::survey::{Ahead, Early};
use super::watch::Watch;
use super::worktree::{self, Owner};
use super::{Checkout, EffectError, Oid, OsGit, Result, Trouble, bring, id, oid, or};
use crate::effects::os::walk::threads;
use bstr::ByteSlice;
use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};

/// A work tree: a directory and its index.
pub(super) struct Place<'g> {
    pub(super) git: &'g OsGit,
    pub(super) repo: gix::Repository,
    pub(super) dir: PathBuf,
    pub(super) owner: Owner,
    pub(super) index: gix::index::File,
    pub(super) index_path: PathBuf,
    index_stamp: Stamp,
    pub(super) index_tree: Option<Oid>,
    pub(super) dirty_index: bool,
    pub(super) lock: Option<IndexLock>,
    /// What is heard of changes since the last look, which the index in memory holds.
    pub(super) watch: Option<Watch>,
    /// What a look that began before this was opened has found.
    pub(super) early: Option<Early>,
    /// What lies ready to be put in place.
    pub(super) prepared: Option<worktree::Prepared>,
    /// What a sparse checkout has, once that is asked for.
    pub(super) cone: OnceCell<Option<Cone>>,
}

impl OsGit {
    /// Where private work tree number `slot` lies, and its index.
    pub(super) fn private_paths(&self, slot: u32) -> (PathBuf, PathBuf) {
        let index = self.repo().common_dir().join(format!("orch/workspaces/{slot}.index"));
        (self.workspaces.join(slot.to_string()), index)
    }
}

impl<'g> Place<'g> {
    /// The user's work tree.
    pub(super) fn of_user(git: &'g OsGit, checkout: &Checkout) -> Result<Self> {
        let index_path = checkout.git_dir.join("index");
        let repo = if checkout.git_dir == git.repo().git_dir() {
            git.repo().clone()
        } else {
            super::unreplaced(or("open the work tree", gix::open(&checkout.git_dir))?)
        };
        let mut place = Self::new(git, repo, checkout.dir.clone(), Owner::User, index_path)?;
        if place.index.is_sparse() {
            return Err(EffectError::new(
                Trouble::Unsupported,
                format!(
                    "the index of `{}` is sparse, which orch can neither compare nor write",
                    checkout.dir.display()
                ),
            ));
        }
        place.index_tree = place.known_tree()?;
        Ok(place)
    }

    fn new(
        git: &'g OsGit,
        mut repo: gix::Repository,
        dir: PathBuf,
        owner: Owner,
        index_path: PathBuf,
    ) -> Result<Self> {
        or("open the work tree", repo.set_workdir(dir.clone()))?;
        let ahead = git.ahead.borrow_mut().take_if(|ahead| ahead.is_of(&dir, &index_path));
        let (index, index_stamp, early) = if let Some((index, stamp, early)) = ahead.and_then(Ahead::end) {
            (index, stamp, Some(early))
        } else {
            // The stamp first: an index that is written in between is then read again, not trusted.
            let stamp = stamp(&index_path)?;
            (load_index(repo.object_hash(), &index_path)?, stamp, None)
        };
        Ok(Self {
            git,
            repo,
            dir,
            owner,
            index,
            index_path,
            index_stamp,
            index_tree: None,
            dirty_index: false,
            lock: None,
            watch: None,
            early,
            prepared: None,
            cone: OnceCell::new(),
        })
    }

    /// Private work tree number `slot`.
    pub(super) fn private(git: &'g OsGit, slot: u32) -> Result<Self> {
        let (dir, index_path) = git.private_paths(slot);
        super::purge::own_root(&dir)?;
        crate::effects::os::files::make_parent(&index_path)?;
        let mut place = Self::new(git, git.repo().clone(), dir, Owner::Orch, index_path)?;
        place.index_tree = place.remembered_tree();
        if place.index_tree.is_none() {
            // Without its tree the index is worthless; everything there is then looked at afresh.
            place.index = empty_index(&place.repo, &place.index_path);
            place.early = None;
            place.index_tree = Some(super::super::super::Git::empty_tree(git));
        }
        Ok(place)
    }

    /// Which tree orch wrote this very index for.
    fn remembered_tree(&self) -> Option<Oid> {
        let checksum = self.index.checksum()?;
        let text = fs::read_to_string(self.memory()).ok()?;
        let (index, tree) = text.trim().split_once(' ')?;
        let tree = (index == checksum && !checksum.is_null()).then(|| Oid::from_hex(tree)).flatten();
        // Git may have tidied it away since.
        tree.filter(|tree| self.repo.has_object(id(*tree)))
    }

    fn memory(&self) -> PathBuf {
        let mut name = self.index_path.file_name().unwrap_or_default().to_owned();
        name.push(".tree");
        match self.owner {
            Owner::Orch => self.index_path.with_file_name(name),
            Owner::User => self.repo.git_dir().join("index.orch-tree"),
        }
    }

    /// Which tree a user's index stands for: as remembered, as git's cache says, or as compared
    /// with `HEAD`, entry by entry. None when it holds staged changes.
    fn known_tree(&self) -> Result<Option<Oid>> {
        if let Some(tree) = self.remembered_tree() {
            return Ok(Some(tree));
        }
        if let Some(cached) = self.index.tree().filter(|cached| cached.num_entries.is_some()) {
            return Ok(Some(oid(cached.id)));
        }
        let Ok(head) = self.repo.head_tree_id() else { return Ok(None) };
        let files = self.git.list_files(oid(head.detach()), "")?;
        let entries = self.index.entries();
        let same = files.len() == entries.len()
            && files.iter().zip(entries).all(|(file, entry)| {
                entry.stage_raw() == 0
                    && entry.id == id(file.id)
                    && entry.mode.bits() == file.mode
                    && entry.path(&self.index) == file.path.as_bstr()
            });
        Ok(same.then(|| oid(head.detach())))
    }

    /// Writes the index, for a user durably and under the lock.
    pub(super) fn write_index(&mut self) -> Result<()> {
        if !self.dirty_index {
            return Ok(());
        }
        self.index.remove_tree();
        let to = match &self.lock {
            Some(lock) => lock.path().to_owned(),
            None => self.index_path.with_extension("new"),
        };
        let failed = |error: std::io::Error| EffectError::io("write", &to, &error);
        let file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).open(&to).map_err(failed)?;
        let mut out = std::io::BufWriter::with_capacity(1 << 16, file);
        let options = gix::index::write::Options::default();
        let (_, checksum) = or("write the index", self.index.write_to(&mut out, options))?;
        let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
        if self.owner == Owner::User {
            file.sync_all().map_err(failed)?;
        }
        match self.lock.take() {
            Some(lock) => {
                lock.commit(&self.index_path)?;
                std::mem::forget(lock);
            }
            None => fs::rename(&to, &self.index_path)
                .map_err(|error| EffectError::io("write", &self.index_path, &error))?,
        }
        self.dirty_index = false;
        self.index_stamp = stamp(&self.index_path)?;
        let memory = self.memory();
        match self.index_tree {
            Some(tree) => {
                crate::effects::os::files::replace(&memory, format!("{checksum} {tree}\n").as_bytes(), false)
            }
            None => bring::remove_any(&memory),
        }
    }
}

/// Inode, size and time of a file.
pub(super) type Stamp = Option<[i64; 4]>;

/// What tells that an index file is the one that was read: git never writes one in place. Its
/// checksum does not tell, because `index.skipHash` leaves that out. None if there is no file.
pub(super) fn stamp(path: &Path) -> Result<Stamp> {
    use std::os::unix::fs::MetadataExt as _;
    match fs::symlink_metadata(path) {
        Ok(now) => {
            let (inode, size) = (now.ino().cast_signed(), now.size().cast_signed());
            Ok(Some([inode, size, now.mtime(), now.mtime_nsec()]))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(EffectError::io("read", path, &error)),
    }
}

pub(super) fn load_index(hash: gix::hash::Kind, path: &Path) -> Result<gix::index::File> {
    let options = gix::index::decode::Options { thread_limit: Some(threads()), ..Default::default() };
    if is_blank(path)? {
        // A loss of power can leave the name and not the content; what git knows of files can be seen again.
        return Ok(gix::index::File::from_state(gix::index::State::new(hash), path.to_owned()));
    }
    // Like git, which has its checksum compared by `git fsck` alone: that takes longer than reading it.
    let unchecked = true;
    let doing = format!("read the index `{}` (move it aside, and orch goes on without it)", path.display());
    or(&doing, gix::index::File::at_or_default(path, hash, unchecked, options))
}

/// Whether a file is there and holds nothing, or nothing but zeroes.
pub(super) fn is_blank(path: &Path) -> Result<bool> {
    use std::io::Read as _;
    let failed = |error: std::io::Error| EffectError::io("read", path, &error);
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    // An index begins with a word.
    let mut beginning = [0; 4];
    let mut read = 0;
    while read < beginning.len() {
        match file.read(&mut beginning[read..]).map_err(failed)? {
            0 => break,
            more => read += more,
        }
    }
    Ok(beginning == [0; 4])
}

fn empty_index(repo: &gix::Repository, path: &Path) -> gix::index::File {
    gix::index::File::from_state(gix::index::State::new(repo.object_hash()), path.to_owned())
}

impl Place<'_> {
    /// Does something that can be done again. Where it fails in a private work tree because something is closed
    /// to orch, as agents and gates may leave it, that is opened first.
    fn unlocking<T>(&mut self, work: impl Fn(&mut Self) -> Result<T>) -> Result<T> {
        let git = self.git;
        let work = |place: &mut Self| git.complete(|| work(place));
        if self.owner == Owner::Orch && !super::purge::own_root(&self.dir)? {
            // Nothing was heard of what is there now.
            self.watch = None;
            self.early = None;
        }
        let first = work(self);
        let done = if first.is_err() && super::purge::unlock(self) { work(self) } else { first };
        done.map_err(|error| super::purge::blame(self, error))
    }
}

impl crate::effects::WorkTree for Place<'_> {
    fn dir(&self) -> &Path {
        &self.dir
    }

    fn index_tree(&self) -> Option<Oid> {
        self.index_tree
    }

    fn lock(&mut self) -> Result<()> {
        if self.owner == Owner::Orch || self.lock.is_some() {
            return Ok(());
        }
        let lock = IndexLock::take(self.repo.git_dir())?;
        if stamp(&self.index_path)? != self.index_stamp {
            let fact = format!("`{}` was written by another git process", self.index_path.display());
            return Err(EffectError::new(Trouble::Locked, fact));
        }
        self.lock = Some(lock);
        Ok(())
    }

    fn refresh(&mut self) -> Result<()> {
        let now = stamp(&self.index_path)?;
        if self.owner == Owner::Orch || now == self.index_stamp {
            return Ok(());
        }
        self.index = load_index(self.repo.object_hash(), &self.index_path)?;
        self.watch = None;
        self.early = None;
        self.index_stamp = now;
        self.dirty_index = false;
        self.index_tree = self.known_tree()?;
        Ok(())
    }

    fn snapshot(&mut self) -> Result<crate::effects::Seen> {
        self.unlocking(|place| worktree::snapshot(place, Look::Whole))
    }

    fn attend(&mut self) -> Result<crate::effects::Seen> {
        self.unlocking(|place| worktree::snapshot(place, Look::Attending))
    }

    fn catch_up(&mut self) -> Result<crate::effects::Seen> {
        // A hook judges what lies there, so that it has to be what was seen.
        let how = if self.git.may_run_hooks() { Look::Whole } else { Look::CatchingUp };
        self.unlocking(|place| worktree::snapshot(place, how))
    }

    fn overlaps(&mut self, from: Oid, to: Oid) -> Result<Vec<bstr::BString>> {
        let git = self.git;
        let found = git.complete(|| super::users::overlaps(self, from, to));
        found.map_err(|error| super::purge::blame(self, error))
    }

    fn prepare(&mut self, from: Oid, to: Oid) -> Result<()> {
        let git = self.git;
        git.complete(|| worktree::prepare(self, from, to))
    }

    fn bring(&mut self, from: Oid, to: Oid, keep: &[bstr::BString]) -> Result<()> {
        self.early = None;
        self.unlocking(|place| worktree::bring(place, from, to, keep))
    }

    fn forget(&mut self, paths: &[bstr::BString]) {
        self.early = None;
        worktree::forget(self, paths);
    }

    fn save(&mut self) -> Result<()> {
        self.write_index()
    }

    fn git_dir(&self) -> PathBuf {
        match self.owner {
            Owner::Orch => self.dir.join(".git"),
            Owner::User => self.repo.git_dir().to_owned(),
        }
    }

    fn purge(&mut self, keep: &[bstr::BString], look: bool) -> Result<usize> {
        self.early = None;
        super::purge::purge(self, keep, look).map_err(|error| super::purge::blame(self, error))
    }

    fn unhide(&mut self) -> Result<bool> {
        super::purge::unhide(self).map_err(|error| super::purge::blame(self, error))
    }

    fn inside(&mut self, tree: Oid) -> Result<crate::effects::Inside> {
        self.unlocking(|place| super::inside::inside(place, tree))
    }

    fn empty_submodules(&mut self, tree: Oid) -> Result<bool> {
        let emptied =
            self.owner == Owner::Orch && self.unlocking(|place| super::inside::empty(place, tree))?;
        if emptied {
            self.watch = None;
            self.early = None;
        }
        Ok(emptied)
    }

    fn flatten(&mut self, seen: &crate::effects::Seen) -> Result<()> {
        super::purge::flatten(self, seen).map_err(|error| super::purge::blame(self, error))
    }

    fn stage(&mut self) -> Result<()> {
        match self.owner {
            Owner::Orch => {
                self.write_index()?;
                let to = self.dir.join(".git/index");
                bring::remove_any(&to)?;
                match fs::copy(&self.index_path, &to) {
                    Err(error) if !bring::is_absent(&error) => Err(EffectError::io("write", &to, &error)),
                    _ => Ok(()),
                }
            }
            Owner::User if self.dirty_index => {
                self.lock()?;
                self.write_index()
            }
            Owner::User => Ok(()),
        }
    }
}
