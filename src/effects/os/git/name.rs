//! Names: of objects that are not written, of who commits, of where private work trees lie.

use super::{Oid, OsGit, oid};
use crate::effects::Identity;
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
        let signature = self.repo().committer()?.ok()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some(Identity { name: text(signature.name), email: text(signature.email) })
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
    fn the_empty_tree_has_the_name_that_everybody_knows() {
        let name = tree_name(b"", Oid::from_bytes(&[1; 20]));
        assert_eq!(name.to_string(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
        let name = tree_name(b"", Oid::from_bytes(&[1; 32]));
        assert_eq!(name.to_string(), "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321");
    }
}
