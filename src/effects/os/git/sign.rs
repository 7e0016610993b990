//! Commits that are signed, where `commit.gpgSign` says so. Git writes them: it knows all formats and
//! every setting of them, which come from the trusted repository and its user alone.

use super::{EffectError, NewCommit, Oid, OsGit, Result, Trouble};
use gix::actor::Signature;

impl OsGit {
    /// Whether the user signs commits.
    pub(super) fn signs(&self) -> bool {
        self.repo().config_snapshot().boolean("commit.gpgSign") == Some(true)
    }

    /// Writes a commit with the user's signature.
    pub(super) fn build_signed(
        &self,
        commit: &NewCommit,
        author: &Signature,
        committer: &Signature,
    ) -> Result<Oid> {
        let mut arguments = vec!["-c", "i18n.commitEncoding=UTF-8", "commit-tree", "-S", "-F", "-"];
        let (tree, parents) = (commit.tree.to_string(), commit.parents.iter().map(ToString::to_string));
        let parents: Vec<String> = parents.collect();
        arguments.extend(parents.iter().flat_map(|parent| ["-p", parent.as_str()]));
        arguments.push(&tree);
        let env = [("AUTHOR", author), ("COMMITTER", committer)].into_iter().flat_map(|(who, signature)| {
            let set = |what: &str, value: String| (format!("GIT_{who}_{what}"), value);
            [
                set("NAME", signature.name.to_string()),
                set("EMAIL", signature.email.to_string()),
                set("DATE", format!("@{} +0000", signature.time.seconds)),
            ]
        });
        let output = self.git_with(&arguments, env.collect(), commit.message.as_bytes())?;
        let id = gix::ObjectId::from_hex(output.stdout_line().as_bytes());
        id.map(|id| self.note_written(id)).map_err(|_| {
            let said = output.stderr_line();
            let why = said.strip_prefix("error: ").unwrap_or(&said);
            EffectError::new(Trouble::Signing, format!("the commit cannot be signed: {why}"))
        })
    }
}
