//! A run record: whatever is read is written so that it reads back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orch::state::file::run;

const PATH: &str = ".orchestrator/runs/2026-11/01JD0000000000000000000000.toml";

fuzz_target!(|bytes: &[u8]| {
    let Some(read) = run::read(PATH, bytes).value else { return };
    let written = run::write(&read);
    let again = run::read(PATH, written.as_bytes());
    assert_eq!(again.value.as_ref(), Some(&read), "{written}\n{:?}", again.problems);
});
