//! The shapes of files: bytes to state and back, one file per kind of entity.
//!
//! Invariant: reading never panics and reports every problem of a file at once; writing is
//! deterministic; rewriting keeps comments, formatting and unknown keys.

mod text;
pub mod lex;
pub mod fields;
pub mod toml_text;
pub mod splice;
mod said;
pub mod task;
pub mod run;
pub mod yaml;
pub mod yaml_text;
pub mod note;
pub mod checkpoint;
pub mod migrate;
pub mod marks;
pub mod merge;

use super::problem::Problem;

/// What came of reading a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Read<T> {
    /// The content; none when a problem is an error.
    pub value: Option<T>,
    /// All that is wrong with the file.
    pub problems: Vec<Problem>,
}

/// The newest schema that this version knows.
pub const SCHEMA: i64 = 1;

/// What is wrong with a file of a newer schema, and the remedy.
#[must_use]
pub fn newer(schema: i64) -> (String, String) {
    let this = env!("CARGO_PKG_VERSION");
    (
        format!("schema {schema} is newer than this orch knows ({SCHEMA})"),
        format!("this is orch {this}: update to a version whose changelog names schema {schema}"),
    )
}

#[cfg(test)]
pub(in crate::state) mod samples;
