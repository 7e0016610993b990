//! Which task each run record is of, as far as that was looked up before.
//!
//! In: files of records, the newest first. Out: the task that each names, and a file below `.git/orch/cache/` for the
//! next time. Invariant: what was kept counts only for the very same file.

use super::cache::{Stamp, opened, sealed};
use super::file::run::read;
use super::id::TaskId;
use super::news::StateFile;
use bstr::ByteSlice as _;
use std::collections::HashMap;

/// The version of what is kept.
const VERSION: [u8; 1] = [1];
/// The line of a record that names its task, as orch writes it: after `schema` and `id`.
const TASK_LINE: usize = 2;

/// What is known of records: the task of each, by path.
#[derive(Debug, Default)]
pub(super) struct Whose<'k>(HashMap<&'k str, (Stamp, &'k str)>);

impl<'k> Whose<'k> {
    /// What bytes hold; nothing if they are damaged or of another version.
    pub(super) fn decode(bytes: &'k [u8]) -> Self {
        let body = opened(&VERSION, bytes);
        let all: Vec<(Stamp, &str, &str)> =
            body.and_then(|body| postcard::from_bytes(body).ok()).unwrap_or_default();
        Self(all.into_iter().map(|(stamp, path, task)| (path, (stamp, task))).collect())
    }

    /// The task of a record; none where nobody has looked.
    pub(super) fn task(&self, file: &StateFile) -> Option<&'k str> {
        self.0.get(file.path.as_str()).filter(|(stamp, _)| *stamp == file.stamp).map(|(_, task)| *task)
    }

    /// All that is known of some records, with what was learnt of those at these places.
    pub(super) fn encode(&self, files: &[StateFile], learnt: &HashMap<usize, TaskId>) -> Vec<u8> {
        let task = |at: usize, file| learnt.get(&at).map(TaskId::as_str).or_else(|| self.task(file));
        let all: Vec<(Stamp, &str, &str)> = files
            .iter()
            .enumerate()
            .filter_map(|(at, file)| Some((file.stamp, file.path.as_str(), task(at, file)?)))
            .collect();
        postcard::to_stdvec(&all).map_or(Vec::new(), |body| sealed(&VERSION, &body))
    }
}

/// The task that a record names; none where it cannot be read.
pub(super) fn task_of(path: &str, content: &[u8]) -> Option<TaskId> {
    // To parse all of a record takes a hundred times as long as to look where orch writes it.
    let line = content.lines().nth(TASK_LINE).and_then(|line| line.to_str().ok());
    let written = line.and_then(|line| line.strip_prefix("task = \"")?.strip_suffix('"'));
    let written = written.and_then(|id| TaskId::new(id).ok());
    written.or_else(|| read(path, content).value.map(|run| run.task))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::MODE_FILE;
    use proptest::prelude::*;

    fn file(path: &str, size: u64) -> StateFile {
        StateFile { path: path.to_owned(), mode: Some(MODE_FILE), stamp: Stamp::Stat([size, 0, 0, 0]) }
    }

    #[test]
    fn what_was_learnt_counts_for_the_very_same_file() {
        let files = [file("a", 1), file("b", 2), file("c", 3)];
        let learnt = HashMap::from([(0, TaskId::new("t-1").unwrap()), (2, TaskId::new("t-2").unwrap())]);
        let first = Whose::default().encode(&files, &learnt);
        let kept = Whose::decode(&first);
        let known = |kept: &Whose<'_>| {
            [&files[0], &files[1], &files[2]].map(|file| kept.task(file).map(str::to_owned))
        };
        assert_eq!(known(&kept), [Some("t-1".to_owned()), None, Some("t-2".to_owned())]);
        assert_eq!(kept.task(&file("a", 9)), None, "it was written again");
        let more = kept.encode(&files, &HashMap::from([(1, TaskId::new("t-3").unwrap())]));
        assert_eq!(known(&Whose::decode(&more)).map(|task| task.is_some()), [true; 3]);
    }

    #[test]
    fn a_record_names_its_task_wherever_it_stands() {
        let plain = b"schema = 1\nid = \"01JD\"\ntask = \"t-1\"\nreason = \"\"\"\ntask = \"t-2\"\n\"\"\"\n";
        assert_eq!(task_of("x", plain).unwrap().as_str(), "t-1");
        assert_eq!(task_of("x", b"schema = 1\nid = \"01JD\"\ntask = \"../x\"\n"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_wrong_to_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = (Whose::decode(&bytes), Whose::decode(&sealed(&VERSION, &bytes)), task_of("x", &bytes));
        }
    }
}
