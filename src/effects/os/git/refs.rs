//! Refs: where they point, and moving one by compare-and-swap.
//!
//! The move is made by git's protocol ([`super::swap`]), or by `git update-ref`, which syncs the ref file
//! (`core.fsync`) and runs the repository's `reference-transaction` hook. Its exit code is not the
//! answer: a command that was interrupted may have moved the ref all the same, so the ref is read again.

use super::head::{in_progress, rebasing};
use super::left::{remove_left, work_trees};
use super::{Checkout, EffectError, Head, Oid, OsGit, Result, Swap, Trouble, id, oid, or};
use bstr::ByteSlice;
use std::path::Path;
use std::time::Duration;

/// Refs of orch's own.
const OWN: &str = "refs/orch/";
/// How long an empty lock of git's lies before it counts as left behind.
const OLD: Duration = Duration::from_secs(1);

impl OsGit {
    pub(super) fn read_head(&self) -> Result<Head> {
        let head = or("read HEAD", self.repo().head())?;
        Ok(match head.kind {
            gix::head::Kind::Symbolic(reference) => {
                let name = reference.name.shorten().to_str_lossy().into_owned();
                let tip = self.read_tip(&reference.name.as_bstr().to_str_lossy())?;
                Head::Branch(name, tip)
            }
            gix::head::Kind::Unborn(name) => Head::Branch(name.shorten().to_str_lossy().into_owned(), None),
            gix::head::Kind::Detached { target, .. } => Head::Detached(oid(target)),
        })
    }

    pub(super) fn read_tip(&self, name: &str) -> Result<Option<Oid>> {
        // What no ref can be called is the name of none.
        if <&gix::refs::PartialNameRef>::try_from(name).is_err() {
            return Ok(None);
        }
        let Some(mut reference) = or("read a ref", self.repo().try_find_reference(name))? else {
            return Ok(None);
        };
        Ok(Some(oid(or("read a ref", reference.peel_to_id())?.detach())))
    }

    pub(super) fn read_revision(&self, revision: &str) -> Result<Option<Oid>> {
        let Ok(found) = self.repo().rev_parse_single(revision.as_bytes().as_bstr()) else { return Ok(None) };
        let object = or("read an object", found.object())?;
        Ok(object.peel_to_kind(gix::object::Kind::Commit).ok().map(|commit| oid(commit.id)))
    }

    pub(super) fn read_refs(&self, prefix: &str) -> Result<Vec<(String, Oid)>> {
        let platform = or("read refs", self.repo().references())?;
        let mut found = Vec::new();
        for reference in or("read refs", platform.prefixed(prefix))? {
            let Ok(mut reference) = reference else { continue };
            let name = reference.name().as_bstr().to_str_lossy().into_owned();
            if let Ok(target) = reference.peel_to_id() {
                found.push((name, oid(target.detach())));
            }
        }
        Ok(found)
    }

    pub(super) fn update_ref(
        &self,
        name: &str,
        expected: Option<Oid>,
        new: Oid,
        reason: &str,
    ) -> Result<Swap> {
        self.sync_written(&[])?;
        if let Some(expected) = expected
            && self.move_ref(name, expected, new, reason)?
        {
            self.sync_ref(name)?;
            return Ok(Swap::Done);
        }
        let zero = gix::ObjectId::null(self.repo().object_hash()).to_string();
        let old = expected.map_or(zero, |oid| oid.to_string());
        let new_text = new.to_string();
        self.clear_own_lock(name)?;
        let output = self.git(&["update-ref", "--create-reflog", "-m", reason, name, &new_text, &old])?;
        if output.killed {
            self.remove_ref_lock(name, new)?;
        }
        let now = self.read_tip(name)?;
        if now == Some(new) {
            self.sync_ref(name)?;
            return Ok(Swap::Done);
        }
        if now != expected {
            return Ok(Swap::Moved(now));
        }
        Err(EffectError::new(
            Trouble::Repository,
            format!("git did not move `{name}`: {}", output.stderr_line()),
        ))
    }

    /// Moves or removes a ref by gix, which looks at its value under git's lock.
    pub(super) fn edit_ref(&self, name: &str, expected: Option<Oid>, new: Option<Oid>) -> Result<Swap> {
        use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit, RefLog};
        self.clear_own_lock(name)?;
        if expected.is_none() && new.is_none() {
            return Ok(self.read_tip(name)?.map_or(Swap::Done, |now| Swap::Moved(Some(now))));
        }
        let target = |oid| gix::refs::Target::Object(id(oid));
        let before =
            expected.map_or(PreviousValue::MustNotExist, |old| PreviousValue::MustExistAndMatch(target(old)));
        let change = match new {
            Some(new) => Change::Update { log: LogChange::default(), expected: before, new: target(new) },
            None => Change::Delete { expected: before, log: RefLog::AndReference },
        };
        self.clear_packed_lock()?;
        let full_name = or("name a ref", gix::refs::FullName::try_from(name))?;
        let (who, mut buffer) = (self.mover(), gix::date::parse::TimeBuf::default());
        let who = who.as_ref().map(|who| who.to_ref(&mut buffer));
        let edited = self.repo().edit_references_as([RefEdit { change, name: full_name, deref: false }], who);
        // A lock that could not be removed is told by nobody; if it cannot be now, whoever comes next does it.
        let _ = self.clear_own_lock(name);
        let now = self.read_tip(name)?;
        match edited {
            _ if now == new => Ok(Swap::Done),
            Ok(_) => Ok(Swap::Moved(now)),
            Err(_) if now != expected => Ok(Swap::Moved(now)),
            Err(error) => or("move a ref", Err(error)),
        }
    }

    /// Only orch writes its own refs, and keeps no lock on one: one that is old was left.
    fn clear_own_lock(&self, name: &str) -> Result<()> {
        let lock = self.repo().common_dir().join(format!("{name}.lock"));
        if name.starts_with(OWN) && lock.exists() {
            crate::effects::os::files::wait_until_old(&lock, OLD)?;
            super::bring::remove_any(&lock)?;
        }
        Ok(())
    }

    /// Whoever looks at all refs that are packed, or removes one, holds the lock on them, also gix; one that was
    /// killed has left it.
    fn clear_packed_lock(&self) -> Result<()> {
        let common = self.repo().common_dir();
        let lock = common.join("packed-refs.lock");
        // Where nobody can be seen, it is left to a person, whom gix tells of it.
        if lock.exists() && cfg!(target_os = "linux") {
            remove_left(&lock, &work_trees(common))?;
        }
        Ok(())
    }

    /// Removes what a killed `git update-ref` left. Its lock holds the new value; one that holds
    /// nothing yet is told from a living git's by its age, since git writes it at once.
    pub(super) fn remove_ref_lock(&self, name: &str, new: Oid) -> Result<()> {
        let lock = self.repo().common_dir().join(format!("{name}.lock"));
        match read_small(&lock)? {
            Some(content) if content.trim() == new.to_string() => super::bring::remove_any(&lock)?,
            Some(content) if content.is_empty() => remove_if_old(&lock)?,
            Some(_) | None => {}
        }
        // Git holds `HEAD` as well while it moves the branch that `HEAD` names, and writes nothing to it.
        let head = self.repo().git_dir().join("HEAD.lock");
        match read_small(&head)? {
            Some(content) if content.is_empty() => remove_if_old(&head),
            Some(_) | None => Ok(()),
        }
    }

    fn sync_ref(&self, name: &str) -> Result<()> {
        let path = self.repo().common_dir().join(name);
        let above = path.ancestors().skip(1).take_while(|dir| dir.starts_with(self.repo().common_dir()));
        crate::effects::os::files::sync_together(&[], &above.map(Path::to_owned).collect::<Vec<_>>())
    }

    pub(super) fn find_checkout(&self, branch: &str) -> Result<Option<Checkout>> {
        if let Some(found) = checkout_in(self.repo(), branch)? {
            return Ok(Some(found));
        }
        if or("list work trees", self.repo().worktrees())?.is_empty()
            && self.repo().git_dir() == self.repo().common_dir()
        {
            return Ok(None);
        }
        for repo in or("list work trees", self.repo().worktrees_including_main())? {
            let Ok(repo) = repo else { continue };
            if let Some(found) = checkout_in(&repo, branch)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// The work tree of an opened repository, if the branch is checked out there.
fn checkout_in(repo: &gix::Repository, branch: &str) -> Result<Option<Checkout>> {
    let Some(dir) = repo.workdir() else { return Ok(None) };
    let wanted = format!("refs/heads/{branch}");
    let is_locked = || repo.git_dir().join("locked").exists();
    if !dir.is_dir() && !is_locked() {
        // A work tree whose folder is gone holds nothing that could be in the way.
        return Ok(None);
    }
    let head = or("read HEAD", repo.head_name())?;
    let on_branch = head.is_some_and(|name| name.as_bstr() == wanted.as_str());
    if on_branch && !dir.is_dir() {
        // Once it is back, its index would take all that has landed meanwhile for removed.
        let dir = dir.display();
        let fact = format!(
            "`{branch}` is checked out in `{dir}`, which is away, and locked: bring it back, or type `git worktree unlock {dir}`"
        );
        return Err(EffectError::new(Trouble::Repository, fact));
    }
    // During a rebase HEAD is detached, but the branch is still somebody's.
    Ok((on_branch || dir.is_dir() && rebasing(repo.git_dir(), &wanted)).then(|| Checkout {
        dir: dir.to_owned(),
        git_dir: repo.git_dir().to_owned(),
        in_progress: repo.state().map(|state| in_progress(&state).to_owned()),
    }))
}

pub(super) fn read_small(path: &Path) -> Result<Option<String>> {
    let content = crate::effects::os::files::read(path, 1 << 10)?;
    Ok(content.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// Removes an empty lock that is empty still when it is as old as no living git leaves it.
fn remove_if_old(path: &Path) -> Result<()> {
    crate::effects::os::files::wait_until_old(path, OLD)?;
    match read_small(path)? {
        Some(content) if content.is_empty() => super::bring::remove_any(path),
        Some(_) | None => Ok(()),
    }
}
