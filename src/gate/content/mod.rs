//! What must not be in a change whatever it is about: keys, large files, links out of the tree,
//! names that trouble, hidden characters, unresolved merges, things out of scope.
//!
//! Each file looks at the files of a change and gives findings.

pub mod links;
pub mod markers;
pub mod names;
pub mod hidden;
pub mod scope;
pub mod secrets;
pub mod size;
