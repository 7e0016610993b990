//! Keeping the state in order: what people bring in, change, put away and upgrade.
//!
//! In: state at the tip or in the work tree, and what a person wants. Out: files for one commit, and
//! what to say about it. Not here: landing that commit (`step`), or looking for damage (`audit`).

pub mod begin;
pub mod intake;
pub mod edit;
pub mod archive;
pub mod migrate;
pub mod note;
pub mod delivery;
pub mod agents;
