//! What an agent leaves behind: the outcome file, what it printed last, and proposals beside it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orch::agent::{add_proposals, read_reply};
use orch::effects::{Ended, Finished};

fuzz_target!(|bytes: &[u8]| {
    let finished = |stdout: &[u8]| Finished {
        ended: Ended::Exited(0),
        stdout: stdout.to_vec(),
        stderr: Vec::new(),
        duration_ms: 1,
        survivors: 0,
    };
    let mut reply = read_reply(&finished(b""), Some(bytes));
    add_proposals(&mut reply, bytes);
    let _ = read_reply(&finished(bytes), None);
});
