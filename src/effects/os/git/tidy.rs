//! Git's own upkeep. A step leaves some fifteen loose objects; git would tidy them in the background
//! after a commit, but nothing of orch's is left running when a command ends.

use super::{OsGit, Result};

/// What `gc.auto` is where it is not set.
const LOOSE_MAX: i64 = 6_700;

impl OsGit {
    /// Lets git tidy its objects when it would find that there are too many of them.
    pub(super) fn tidy_objects(&self) -> Result<()> {
        let config = self.repo().config_snapshot();
        let most = config.integer("gc.auto").unwrap_or(LOOSE_MAX);
        if most <= 0 || config.boolean("maintenance.auto") == Some(false) || self.loose_objects() <= most {
            return Ok(());
        }
        let auto = format!("gc.auto={most}");
        let here = ["-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false"];
        let tidy = ["maintenance", "run", "--auto", "--quiet"];
        // What it says or returns is between git and itself, as it is after a commit of git's.
        self.git(&[&["-c", auto.as_str()], &here[..], &tidy[..]].concat()).map(|_| ())
    }

    /// How many there are, told as git tells it: by one of 256 folders, which all hold about as many.
    fn loose_objects(&self) -> i64 {
        let folder = self.repo().objects.store_ref().path().join("17");
        let some = std::fs::read_dir(folder).map_or(0, Iterator::count);
        i64::try_from(some).unwrap_or(i64::MAX).saturating_mul(256)
    }
}
