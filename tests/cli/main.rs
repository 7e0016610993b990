//! The program as people and machines use it: each test types commands in a sandbox of its own and
//! looks at everything that came out, and at the repository.

mod sandbox;
mod demo;
mod init;
mod add;
mod edit;
mod step;
mod endings;
mod json;
mod newcomer;
mod lease;
mod jobs;
mod tree;
mod held;
mod behind;
mod unfit;
mod branches;
mod in_place;
mod settings;
mod hooks;
mod signing;
mod submodules;
mod review;
mod request;
mod second;
mod undo;
mod forge;
mod gates;
mod ingest;
mod export;
mod import;
mod planning;
mod push;
mod race;
mod tamper;
mod run;
mod walls;
mod secrets;
mod mcp;
mod note;
mod cache;
mod route;
mod telemetry;
mod trends;
mod asked_for;
mod asking;
mod report;
mod agents;
mod sessions;
mod ci;
mod runner;
mod recipe;
mod doctor;
mod fsck;

/// Compares the transcript of a sandbox with the one that was reviewed.
macro_rules! transcript {
    ($sandbox:expr) => {
        insta::assert_snapshot!($sandbox.transcript())
    };
}
pub(crate) use transcript;
