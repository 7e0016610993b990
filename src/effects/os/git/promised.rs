//! Objects that are not there when they are looked for: of a partial clone, which only its remote has, they are
//! fetched by the git binary when they are needed; and a `git gc` beside orch moves them.
//!
//! Invariant: nothing is asked for in an ordinary clone, nor twice in vain; one that cannot be had is
//! [`Trouble::Promised`], never damage.

use super::{EffectError, ObjectId, Oid, OsGit, Result, Trouble, id};
use std::collections::HashSet;
use std::time::Duration;

/// How long a remote has for one answer.
const PATIENCE: Duration = Duration::from_secs(120);
/// The most objects that are asked for at once: their names have to fit into one command line.
const AT_ONCE: usize = 500;

/// How often a `git gc` may come in between.
const AGAIN: u32 = 10;

/// What was asked for without success.
#[derive(Debug, Default)]
pub(super) struct InVain {
    /// Objects that the remote does not have either.
    objects: HashSet<ObjectId>,
    /// Why it does not answer at all.
    away: Option<String>,
}

impl OsGit {
    /// The remote that promised to have what this clone lacks.
    fn promisor(&self) -> Option<String> {
        let config = self.repo().config_snapshot();
        let named = config.string("extensions.partialClone").map(|name| name.to_string());
        let promises =
            |name: &String| config.boolean(format!("remote.{name}.promisor").as_str()) == Some(true);
        named.or_else(|| self.remotes().into_iter().find(promises))
    }

    /// Does something that can be done again: what turns out to be lacking in a partial clone is fetched, and it is
    /// done once more; also where what it needs was only being moved.
    pub(super) fn complete<T>(&self, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        let (mut fetched, mut again) = (HashSet::new(), 0);
        loop {
            let error = match work() {
                Err(error) if error.trouble == Trouble::Missing || lost_its_folder(&error) => error,
                done => return done,
            };
            let lacking = lacking(&error.fact);
            let moved =
                lost_its_folder(&error) || lacking.is_some_and(|object| self.repo().has_object(object));
            if moved && again < AGAIN {
                again += 1;
                continue;
            }
            let Some((lacking, remote)) = lacking.zip(self.promisor()) else {
                return Err(error);
            };
            if !fetched.insert(lacking) {
                return Err(error);
            }
            self.fetch_promised(&remote, &[lacking]).map_err(|why| {
                let short = lacking.to_hex_with_len(9);
                let fact =
                    format!("`{short}` is not in this partial clone, and `{remote}` did not give it: {why}");
                EffectError::new(Trouble::Promised, fact)
            })?;
        }
    }

    /// Fetches objects; why not, where that fails.
    fn fetch_promised(&self, remote: &str, objects: &[ObjectId]) -> std::result::Result<(), String> {
        const FIXED: [&str; 9] = [
            "-c",
            "fetch.negotiationAlgorithm=noop",
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--filter=blob:none",
        ];
        let mut in_vain = self.in_vain.borrow_mut();
        if let Some(why) = &in_vain.away {
            return Err(why.clone());
        }
        if objects.iter().any(|object| in_vain.objects.contains(object)) {
            return Err("it does not have it".to_owned());
        }
        let mut arguments: Vec<String> = FIXED.iter().map(|argument| (*argument).to_owned()).collect();
        arguments.extend(["--".to_owned(), remote.to_owned()]);
        arguments.extend(objects.iter().map(ToString::to_string));
        match self.try_far(&arguments, PATIENCE) {
            Ok(()) => Ok(()),
            Err(why) if why.contains("not our ref") => {
                in_vain.objects.extend(objects);
                Err("it does not have it".to_owned())
            }
            Err(why) => {
                in_vain.away = Some(why.clone());
                Err(why)
            }
        }
    }

    /// Fetches at once those of these objects that a partial clone lacks. One that cannot be had is told of when it
    /// is read.
    pub(super) fn fetch_lacking(&self, objects: &[Oid]) {
        let Some(remote) = self.promisor() else { return };
        let lacks = |object: &ObjectId| !matches!(self.repo().try_find_header(*object), Ok(Some(_)));
        let lacking: Vec<ObjectId> = objects.iter().map(|object| id(*object)).filter(lacks).collect();
        for some in lacking.chunks(AT_ONCE) {
            let _ = self.fetch_promised(&remote, some);
        }
    }

    /// Fetches at once what a partial clone lacks of the history of a folder.
    pub(super) fn fetch_history(&self, tip: Oid, below: &str) -> Result<()> {
        if self.promisor().is_some() {
            // Without all trees git cannot tell what lies below a folder.
            self.fetch_lacking(&self.lacking_of(tip, &["--filter=blob:none"])?);
            self.fetch_lacking(&self.lacking_of(tip, &["--", below])?);
        }
        Ok(())
    }

    /// What is not here of a history.
    fn lacking_of(&self, tip: Oid, of_it: &[&str]) -> Result<Vec<Oid>> {
        let tip = tip.to_string();
        let arguments = [&["rev-list", "--objects", "--missing=print", tip.as_str()], of_it].concat();
        let said = self.git(&arguments)?.stdout_text();
        Ok(said.lines().filter_map(|line| line.strip_prefix('?')).filter_map(Oid::from_hex).collect())
    }
}

/// Whether an object could not be written because the folder that it was to come into was gone again: what packs
/// objects takes away the folders that it has emptied.
fn lost_its_folder(error: &EffectError) -> bool {
    error.fact.contains("Could not persist loose object") && error.fact.contains("No such file or directory")
}

/// The object that an error of gix says is not there.
fn lacking(fact: &str) -> Option<ObjectId> {
    let mut words = fact.split(|c: char| !c.is_ascii_hexdigit());
    words.find_map(|word| ObjectId::from_hex(word.as_bytes()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lacks_is_read_from_the_error() {
        let name = "1f399fc8a1bade31e378423cf203a2eff5f0185e";
        let fact = format!("cannot read an object: An object with id {name} could not be found");
        assert_eq!(lacking(&fact).map(|id| id.to_string()).as_deref(), Some(name));
        assert_eq!(lacking("`/deadbeef/face` could not be found"), None);
    }

    #[test]
    fn an_object_whose_folder_is_taken_away_meanwhile_is_written_again() {
        let home = tempfile::tempdir().expect("a directory");
        gix::init(home.path()).expect("a repository");
        let git = OsGit::discover(home.path(), home.path().join("workspaces")).expect("a repository");
        // The first two digits of what `hello` is called; a link to nowhere is there, and leads nowhere.
        let folder = home.path().join(".git/objects/b6");
        std::os::unix::fs::symlink("nowhere", &folder).expect("a link");
        let mut times = 0;
        let written = git.complete(|| {
            times += 1;
            if times == 3 {
                std::fs::remove_file(&folder).expect("the link");
            }
            super::super::or("write an object", git.repo().write_blob("hello")).map(gix::Id::detach)
        });
        assert_eq!(written.expect("it is written").to_string(), "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0");
        assert_eq!(times, 3);
    }

    #[test]
    fn what_is_lost_is_not_looked_for_for_ever() {
        let home = tempfile::tempdir().expect("a directory");
        gix::init(home.path()).expect("a repository");
        let git = OsGit::discover(home.path(), home.path().join("workspaces")).expect("a repository");
        std::os::unix::fs::symlink("nowhere", home.path().join(".git/objects/b6")).expect("a link");
        let written = git.complete(|| super::super::or("write an object", git.repo().write_blob("hello")));
        assert!(written.is_err_and(|error| lost_its_folder(&error)));
    }
}
