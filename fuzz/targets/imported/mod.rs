//! What every import promises: a sound graph of tasks that can be written.

use orch::import::{ForeignFile, Format, read};
use orch::state::file::task;
use orch::state::graph::{Graph, Node};

/// Imports a file of this name and format, and checks what came of it.
pub fn check(format: Format, path: &str, bytes: &[u8]) {
    let file = ForeignFile { path: path.to_owned(), bytes: bytes.to_vec() };
    let Ok(import) = read(format, &[file]) else { return };
    let graph = Graph::new(import.tasks.iter().map(|task| Node::of(task, "")).collect());
    assert_eq!(graph.faults(), []);
    for imported in import.tasks {
        let path = format!(".orchestrator/tasks/{}.toml", imported.id);
        let again = task::read(&path, task::write(&imported).as_bytes());
        assert_eq!(again.value, Some(imported), "{:?}", again.problems);
    }
}
