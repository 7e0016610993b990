//! Markdown files with front matter and the sections that tools look for.

use super::yaml::Yaml;
use std::fmt::Write as _;

/// Front matter, and parts with a blank line between them; empty parts are left out.
pub(super) fn page(front: Yaml, parts: &[String]) -> String {
    let mut text = format!("---\n{}---\n", front.finish());
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let _ = write!(text, "\n{}\n", part.trim_matches('\n'));
    }
    text
}

/// A section, empty if there is nothing to put in it.
pub(super) fn section(heading: &str, body: &str) -> String {
    if body.trim().is_empty() {
        String::new()
    } else {
        format!("## {heading}\n\n{}", body.trim_matches('\n'))
    }
}

/// What is demanded, as boxes to check; all are, once the task is done.
pub(super) fn boxes(demands: &[String], is_done: bool) -> String {
    let mark = if is_done { 'x' } else { ' ' };
    demands.iter().map(|demand| format!("- [{mark}] {demand}\n")).collect()
}
