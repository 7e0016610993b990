//! Task Master's tasks: what is imported is a sound graph of tasks that can be written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orch::import::{ForeignFile, Format, read};
use orch::state::file::task;
use orch::state::graph::{Graph, Node};

fuzz_target!(|bytes: &[u8]| {
    let file = ForeignFile { path: "tasks.json".to_owned(), bytes: bytes.to_vec() };
    let Ok(import) = read(Format::TaskMaster, &[file]) else { return };
    let graph = Graph::new(import.tasks.iter().map(|task| Node::of(task, "")).collect());
    assert_eq!(graph.faults(), []);
    for imported in import.tasks {
        let path = format!(".orchestrator/tasks/{}.toml", imported.id);
        let again = task::read(&path, task::write(&imported).as_bytes());
        assert_eq!(again.value, Some(imported), "{:?}", again.problems);
    }
});
