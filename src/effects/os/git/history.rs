//! History: walking commits; and what is not part of it yet.

use super::{Commit, Oid, OsGit, Result, id, oid, or};

impl OsGit {
    pub(super) fn walk_history(&self, tip: Oid, limit: usize) -> Result<Vec<Commit>> {
        let mut commits = Vec::new();
        if limit > 0 {
            self.walk_while(tip, &mut |commit| {
                commits.push(commit);
                commits.len() < limit
            })?;
        }
        Ok(commits)
    }

    pub(super) fn walk_while(&self, tip: Oid, more: &mut dyn FnMut(Commit) -> bool) -> Result<()> {
        use gix::revision::walk::Sorting;
        use gix::traverse::commit::simple::CommitTimeOrder;
        let platform =
            self.repo().rev_walk([id(tip)]).sorting(Sorting::ByCommitTime(CommitTimeOrder::NewestFirst));
        for info in or("walk the history", platform.all())? {
            let info = or("walk the history", info)?;
            if !more(self.read_commit(oid(info.id))?) {
                break;
            }
        }
        Ok(())
    }

    /// Paths at or below some others at which `HEAD`, index and work tree are not all the same.
    pub(super) fn differences(&self, paths: Vec<bstr::BString>, limit: usize) -> Result<Vec<bstr::BString>> {
        let doing = "look at the work tree";
        let literal = |path: bstr::BString| [b":(top,literal)", path.as_slice()].concat().into();
        let patterns: Vec<bstr::BString> = paths.into_iter().map(literal).collect();
        let status = or(doing, self.repo().status(gix::progress::Discard))?
            .untracked_files(gix::status::UntrackedFiles::Files)
            .tree_index_track_renames(gix::status::tree_index::TrackRenames::Disabled)
            .index_worktree_rewrites(None)
            .index_worktree_submodules(None);
        let mut found = std::collections::BTreeSet::new();
        for item in or(doing, status.into_iter(patterns))? {
            found.insert(or(doing, item)?.location().to_owned());
            if found.len() >= limit {
                break;
            }
        }
        Ok(found.into_iter().collect())
    }

    pub(super) fn reaches(&self, ancestor: Oid, of: Oid) -> Result<bool> {
        if ancestor == of {
            return Ok(true);
        }
        if or("read a commit", self.repo().try_find_header(id(ancestor)))?.is_none() {
            return Ok(false);
        }
        Ok(self.forks_at(ancestor, of)? == Some(ancestor))
    }

    pub(super) fn forks_at(&self, one: Oid, other: Oid) -> Result<Option<Oid>> {
        let base = or("walk the history", self.repo().merge_base(id(one), id(other)))?;
        Ok(base.map(|base| oid(base.detach())))
    }
}
