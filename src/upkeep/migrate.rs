//! Migrating: every file of the state in the newest schema, in one commit.

use crate::config::read::{Layers, read as read_config};
use crate::effects::World;
use crate::state::file::{self, migrate};
use crate::state::layout::{self, FileKind};
use crate::state::problem::Problem;
use crate::state::store::Source;
use crate::step::StepError;
use crate::step::land::FileEdit;

/// What migrating does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Migration {
    /// The files of its commit; none when nothing changes.
    pub files: Vec<FileEdit>,
    /// How many files have the newest schema already.
    pub current: usize,
    /// Files that a newer orch wrote. Then nothing is changed at all.
    pub newer: Vec<Problem>,
    /// Files that cannot be used, or could not be even in the newest schema; they stay as they are.
    pub broken: Vec<Problem>,
}

/// Decides what to upgrade.
///
/// # Errors
/// When the source cannot be read.
pub fn plan(world: World<'_>, source: &Source) -> Result<Migration, StepError> {
    let mut migration = Migration::default();
    for state_file in source.list(world, layout::ROOT)? {
        let kind = layout::kind_of(&state_file.path);
        if matches!(kind, FileKind::Readme | FileKind::Unknown) {
            continue;
        }
        if let Some(problem) = state_file.odd() {
            migration.broken.push(problem);
            continue;
        }
        let bytes = source.read(world, &state_file)?;
        one(&state_file.path, kind, &bytes, &mut migration);
    }
    Ok(migration)
}

fn one(path: &str, kind: FileKind, bytes: &[u8], migration: &mut Migration) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        migration.broken.push(Problem::error(path, None, "the file is not UTF-8"));
        return;
    };
    let step = match kind {
        FileKind::Config | FileKind::Task | FileKind::Run => migrate::toml(text),
        FileKind::Note | FileKind::Checkpoint => migrate::yaml(text),
        FileKind::Readme | FileKind::Unknown => return,
    };
    match step {
        migrate::Step::Current => match unusable(path, kind, bytes) {
            Some(problem) => migration.broken.push(problem),
            None => migration.current += 1,
        },
        migrate::Step::Newer(schema) => {
            let (fact, remedy) = file::newer(schema);
            migration.newer.push(Problem::error(path, None, fact).with_remedy(remedy));
        }
        migrate::Step::Upgrade(new) => match unusable(path, kind, new.as_bytes()) {
            Some(problem) => migration.broken.push(problem),
            None => migration.files.push((path.to_owned(), Some(new.into_bytes()))),
        },
    }
}

/// The first thing that keeps a file from being used.
#[must_use]
pub fn unusable(path: &str, kind: FileKind, bytes: &[u8]) -> Option<Problem> {
    let problems = match kind {
        FileKind::Config => read_config(&Layers { repository: Some(bytes), user: None }).problems,
        FileKind::Task => file::task::read(path, bytes).problems,
        FileKind::Note => file::note::read(path, bytes).problems,
        FileKind::Checkpoint => file::checkpoint::read(path, bytes).problems,
        FileKind::Run => file::run::read(path, bytes).problems,
        FileKind::Readme | FileKind::Unknown => Vec::new(),
    };
    problems.into_iter().find(Problem::is_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = ".orchestrator/tasks/a.toml";

    fn migrated(text: &str) -> Migration {
        let mut migration = Migration::default();
        one(TASK, FileKind::Task, text.as_bytes(), &mut migration);
        migration
    }

    #[test]
    fn an_old_file_is_upgraded() {
        let text = "id = \"a\"\ntitle = \"t\"\nkind = \"bug\"\nstatus = \"pending\"\n";
        let migration = migrated(text);
        assert_eq!(migration.files, [(TASK.to_owned(), Some(format!("schema = 1\n{text}").into_bytes()))]);
    }

    #[test]
    fn a_file_that_would_still_be_broken_stays_and_is_named() {
        let migration = migrated("schema = 0\nid = \"a\"\nstatus = \"finished\"\n");
        assert!(migration.files.is_empty());
        assert!(migration.broken[0].to_string().starts_with(TASK), "{:?}", migration.broken);
    }

    #[test]
    fn a_schema_that_cannot_be_read_is_not_the_newest() {
        let migration =
            migrated("schema = \"1\"\nid = \"a\"\ntitle = \"t\"\nkind = \"bug\"\nstatus = \"pending\"\n");
        assert_eq!((migration.current, migration.files.len()), (0, 0));
        assert_eq!(migration.broken.len(), 1);
    }

    #[test]
    fn a_newer_file_is_named_with_its_schema() {
        let migration = migrated("schema = 9\n");
        assert_eq!(migration.newer[0].fact, "schema 9 is newer than this orch knows (1)");
        assert!(migration.files.is_empty());
    }
}
