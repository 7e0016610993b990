//! Task Master's tasks.
#![no_main]

mod imported;

use libfuzzer_sys::fuzz_target;
use orch::import::Format;

fuzz_target!(|bytes: &[u8]| imported::check(Format::TaskMaster, "tasks.json", bytes));
