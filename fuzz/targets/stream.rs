//! What agents print while they work: the first byte says whose stream it is.
#![no_main]

use jiff::{Timestamp, tz::TimeZone};
use libfuzzer_sys::fuzz_target;
use orch::agent::stream::{Session, Spent};
use orch::agent::{Known, listener};
use orch::config::{Adapter, Profile};
use orch::effects::{Ended, Finished};
use std::path::PathBuf;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, output)) = bytes.split_first() else { return };
    let adapter = Adapter::ALL[usize::from(*first) % Adapter::ALL.len()];
    let known = Known {
        session: Session::New,
        prompt: "Do it.\n".to_owned(),
        dir: PathBuf::from("/work"),
        earlier: Spent::default(),
        now: Timestamp::UNIX_EPOCH,
        zone: TimeZone::UTC,
    };
    let mut listener = listener(&Profile::new("agent", adapter), &known);
    for line in output.split(|byte| *byte == b'\n') {
        listener.line(line, &mut |_| {});
        listener.side_line(line, &mut |_| {});
        let _ = (listener.follows(), listener.says());
    }
    let (stdout, stderr) = (output.to_vec(), output.to_vec());
    let finished = Finished { ended: Ended::Exited(1), stdout, stderr, duration_ms: 1, survivors: 0 };
    listener.end(&finished, &mut |_| {});
});
