//! Names: of objects that are not written, of who commits, of where private work trees lie.

use super::{EffectError, Oid, OsGit, Result, Trouble, oid};
use crate::effects::Identity;
use bstr::ByteSlice as _;
use gix::actor::Signature;
use gix::date::Time;
use std::path::Path;

/// The name that git gives a tree with this content, in the kind of hash that `like` is of.
#[must_use]
pub fn tree_name(content: &[u8], like: Oid) -> Oid {
    let hash = if like.as_bytes().len() == 32 { gix::hash::Kind::Sha256 } else { gix::hash::Kind::Sha1 };
    match gix::objs::compute_hash(hash, gix::objs::Kind::Tree, content) {
        Ok(name) => oid(name),
        // A hash that detects an attack on itself names nothing.
        Err(_) => Oid::from_bytes(&vec![0; like.as_bytes().len()]),
    }
}

impl OsGit {
    /// Who commits, as git is configured; none if it does not know.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        let signature = self.known("committer", Time::default()).ok()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some(Identity { name: text(&signature.name), email: text(&signature.email) })
    }

    /// Whom git knows as the `committer` or the `author` of what is done at a time. Gix tells that together with
    /// the local time, for which it looks at hundreds of time zones.
    pub(super) fn known(&self, role: &str, time: Time) -> Result<Signature> {
        let config = self.repo().config_snapshot();
        let of = |whose: &str, what: &str| config.string(format!("{whose}.{what}").as_str());
        let find = |what: &str| of(role, what).or_else(|| of("user", what));
        let email = find("email").or_else(|| config.string("gitoxide.user.emailFallback"));
        let (Some(name), Some(email)) = (find("name"), email) else {
            return Err(EffectError::new(Trouble::Identity, "git does not know who you are"));
        };
        Ok(Signature { name, email, time })
    }

    /// Who moves refs now, as their logs name it: in UTC, like commits; none if git does not know.
    pub(super) fn mover(&self) -> Option<Signature> {
        let set = self.repo().config_snapshot().string("gitoxide.commit.committerDate");
        let set = set.and_then(|date| gix::date::parse(date.to_str().ok()?, None).ok());
        self.known("committer", set.unwrap_or_else(Time::now_utc)).ok()
    }

    /// Where private work trees lie.
    #[must_use]
    pub fn workspaces(&self) -> &Path {
        &self.workspaces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_git_knows_is_whom_gix_knows() {
        let configs: [&[&str]; 5] = [
            &["user.name=A", "user.email=a@b"],
            &["user.name=A", "user.email=a@b", "committer.name=C", "author.email=x@y"],
            &["author.name=B", "committer.name=C", "user.email=a@b"],
            &["user.name=A", "gitoxide.user.emailFallback=e@f"],
            &["author.name=B", "author.email=x@y"],
        ];
        for overrides in configs {
            let root = tempfile::tempdir().expect("a directory");
            let options = gix::open::Options::isolated().config_overrides(overrides.iter().copied());
            gix::init(root.path()).expect("a repository");
            let mut git = OsGit::discover(root.path(), root.path().join("w")).expect("a repository");
            git.opened = gix::open_opts(root.path(), options).expect("the same");
            let repo = git.opened.clone();
            for (role, theirs) in [("committer", repo.committer()), ("author", repo.author())] {
                let theirs = theirs.and_then(std::result::Result::ok).map(|who| (who.name, who.email));
                let ours = git.known(role, Time::default()).ok();
                let ours = ours.as_ref().map(|who| (who.name.as_ref(), who.email.as_ref()));
                assert_eq!(ours, theirs, "{role} of {overrides:?}");
            }
        }
    }

    #[test]
    fn the_empty_tree_has_the_name_that_everybody_knows() {
        let name = tree_name(b"", Oid::from_bytes(&[1; 20]));
        assert_eq!(name.to_string(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
        let name = tree_name(b"", Oid::from_bytes(&[1; 32]));
        assert_eq!(name.to_string(), "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321");
    }
}
