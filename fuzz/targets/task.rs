//! A task file: whatever is read is written so that it reads back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orch::state::file::task;

const PATH: &str = ".orchestrator/tasks/t-1.toml";

fuzz_target!(|bytes: &[u8]| {
    let Some(read) = task::read(PATH, bytes).value else { return };
    let written = task::write(&read);
    let again = task::read(PATH, written.as_bytes());
    assert_eq!(again.value.as_ref(), Some(&read), "{written}\n{:?}", again.problems);
    // What is rewritten says the same, whatever else stands in the file.
    let text = String::from_utf8_lossy(bytes);
    let rewritten = task::rewrite(PATH, &text, &read).expect("what was read can be rewritten");
    assert_eq!(task::read(PATH, rewritten.as_bytes()).value, Some(read), "{rewritten}");
});
