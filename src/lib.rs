//! orch: a git-native orchestrator for coding agents.
//!
//! The modules are listed in reading order; each may use only those above it.

pub mod effects;
pub mod state;
pub mod config;
pub mod import;
pub mod export;
pub mod select;
pub mod prompt;
pub mod route;
pub mod agent;
pub mod plan;
pub mod gate;
pub mod review;
pub mod outcome;
pub mod commit;
pub mod lease;
pub mod landing;
pub mod step;
pub mod upkeep;
pub mod audit;
pub mod report;
pub mod recipe;
pub mod serve;
pub mod cli;
