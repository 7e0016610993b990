//! A checkpoint: whatever is read is written so that it reads back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orch::state::file::checkpoint;

const PATH: &str = ".orchestrator/checkpoints/t-1/1.yaml";

fuzz_target!(|bytes: &[u8]| {
    let Some(read) = checkpoint::read(PATH, bytes).value else { return };
    let written = checkpoint::write(&read);
    let again = checkpoint::read(PATH, written.as_bytes());
    assert_eq!(again.value.as_ref(), Some(&read), "{written}\n{:?}", again.problems);
});
