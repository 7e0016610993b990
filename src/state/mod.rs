//! What is true: tasks, their graph, notes, checkpoints and run records.
//!
//! In: the files under `.orchestrator/`, as bytes. Out: a [`Snapshot`](store::Snapshot).
//! Invariant: nothing here touches the machine; a value that exists is valid.
//! Not here: which task runs next (`select`), or how a change is committed (`commit`).

pub mod id;
pub mod problem;
pub mod concern;
pub mod status;
pub mod task;
pub mod estimate;
pub mod words;
pub mod note;
pub mod checkpoint;
pub mod run;
pub mod graph;
pub mod layout;
pub mod file;
pub mod cache;
pub mod news;
pub mod store;
pub mod notes;
pub mod digest;
mod whose;
pub mod runs;
pub mod recorded;
pub mod settle;
pub mod cooldown;
pub mod ledger;
