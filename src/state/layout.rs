//! Where each entity lies below `.orchestrator/`.

use super::id::{NoteId, RunId, TaskId};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// The directory of all shared state, from the root of the repository.
pub const ROOT: &str = ".orchestrator";
/// The configuration.
pub const CONFIG: &str = ".orchestrator/config.toml";
/// The directory of tasks.
pub const TASKS: &str = ".orchestrator/tasks";
/// Two lines for people, which also keep git from taking an emptied folder for a renamed one.
pub const TASKS_README: &str = ".orchestrator/tasks/README.md";
/// The directory of notes.
pub const NOTES: &str = ".orchestrator/notes";
/// The directory of checkpoints.
pub const CHECKPOINTS: &str = ".orchestrator/checkpoints";
/// The directory of run records.
pub const RUNS: &str = ".orchestrator/runs";
/// The number of files that `tasks/` holds directly before folders are used.
pub const TASKS_FLAT: usize = 1_000;
/// The largest file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

/// What a file below `.orchestrator/` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// `config.toml`.
    Config,
    /// A task.
    Task,
    /// A note.
    Note,
    /// A checkpoint.
    Checkpoint,
    /// A run record.
    Run,
    /// A text for people.
    Readme,
    /// Something that orch did not write.
    Unknown,
}

/// What the file at a path holds, by its place alone.
#[must_use]
pub fn kind_of(path: &str) -> FileKind {
    let below = |dir: &str| path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'));
    let name = path.rsplit('/').next().unwrap_or(path);
    if name == "README.md" {
        FileKind::Readme
    } else if path == CONFIG {
        FileKind::Config
    } else if below(TASKS) && name.ends_with(".toml") {
        FileKind::Task
    } else if below(NOTES) && name.ends_with(".yaml") {
        FileKind::Note
    } else if below(CHECKPOINTS) && name.ends_with(".yaml") {
        FileKind::Checkpoint
    } else if below(RUNS) && name.ends_with(".toml") {
        FileKind::Run
    } else {
        FileKind::Unknown
    }
}

/// The stem of a path's last component.
#[must_use]
pub fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Whether a file is that of a task.
#[must_use]
pub fn is_task(path: &str, id: &str) -> bool {
    kind_of(path) == FileKind::Task && stem(path).eq_ignore_ascii_case(id)
}

/// Whether a task's file lies directly in `tasks/`.
#[must_use]
pub fn is_flat(path: &str) -> bool {
    path.strip_prefix(TASKS).is_some_and(|rest| rest.matches('/').count() == 1)
}

/// Where a new task goes: directly into `tasks/` while that holds few files, else into a folder
/// named by the first two hexadecimal digits of the SHA-256 of its lower-case id.
#[must_use]
pub fn new_task(id: &TaskId, files_directly_in_tasks: usize) -> String {
    if files_directly_in_tasks < TASKS_FLAT {
        format!("{TASKS}/{id}.toml")
    } else {
        format!("{TASKS}/{}/{id}.toml", shard(id))
    }
}

/// Where an archived task goes.
#[must_use]
pub fn archived_task(id: &TaskId) -> String {
    format!("{TASKS}/archive/{}/{id}.toml", shard(id))
}

fn shard(id: &TaskId) -> String {
    let digest = Sha256::digest(id.folded().as_bytes());
    format!("{:02x}", digest[0])
}

/// Where a note lies.
#[must_use]
pub fn note(id: &NoteId) -> String {
    format!("{NOTES}/{id}.yaml")
}

/// Where a checkpoint lies.
#[must_use]
pub fn checkpoint(task: &TaskId, number: u32) -> String {
    format!("{CHECKPOINTS}/{task}/{number}.yaml")
}

/// Where a run record lies: in a folder for the month (UTC) in which the step began.
#[must_use]
pub fn run(id: &RunId, started: Timestamp) -> String {
    format!("{RUNS}/{}/{id}.toml", started.strftime("%Y-%m"))
}

/// A tree as git stores it, without the entry of this name. What cannot be parsed is kept.
#[must_use]
pub fn without_entry(raw: &[u8], name: &[u8], hash_len: usize) -> Vec<u8> {
    let mut kept = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while !rest.is_empty() {
        let Some((entry_name, len)) = entry(rest, hash_len) else {
            kept.extend_from_slice(rest);
            break;
        };
        if entry_name != name {
            kept.extend_from_slice(&rest[..len]);
        }
        rest = &rest[len..];
    }
    kept
}

/// The name of the first entry of a tree (`mode SP name NUL hash`), and how long the entry is.
fn entry(raw: &[u8], hash_len: usize) -> Option<(&[u8], usize)> {
    let space = raw.iter().position(|byte| *byte == b' ')?;
    let nul = space + raw[space..].iter().position(|byte| *byte == 0)?;
    let len = nul + 1 + hash_len;
    (len <= raw.len()).then(|| (&raw[space + 1..nul], len))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(names: &[&str]) -> Vec<u8> {
        let mut raw = Vec::new();
        for name in names {
            raw.extend_from_slice(format!("40000 {name}\0").as_bytes());
            // Hashes may hold spaces and zeroes.
            raw.extend_from_slice(&[0, b' ', 7, 0, b' ', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        }
        raw
    }

    #[test]
    fn one_entry_is_left_out_and_the_others_keep_their_bytes() {
        assert_eq!(
            without_entry(&raw(&[".a", ".orchestrator", "z"]), b".orchestrator", 20),
            raw(&[".a", "z"])
        );
        assert_eq!(without_entry(&raw(&["a"]), b".orchestrator", 20), raw(&["a"]));
        assert_eq!(without_entry(&raw(&[".orchestrator"]), b".orchestrator", 20), Vec::<u8>::new());
    }

    #[test]
    fn a_damaged_tree_is_kept_as_it_is() {
        for damaged in [&b"40000 a"[..], b"40000", b"40000 a\x00123", b""] {
            assert_eq!(without_entry(damaged, b"a", 20), damaged);
        }
    }
}
