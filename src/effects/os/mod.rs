//! The only code that touches the machine: clock, processes, git, files.

pub mod clock;
mod walk;
pub mod files;
mod search;
mod sweep;
mod mouth;
mod tail;
mod signals;
pub mod process;
pub mod sandbox;
pub mod git;
pub mod foreign;
pub mod machine;
