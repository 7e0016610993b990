//! What gix says of its errors, as ours.

use super::{EffectError, Result, Trouble};
use std::fmt::Display;

/// An error of gix, with what was being done.
pub(super) fn failed(doing: &str, error: &dyn Display) -> EffectError {
    let text = error.to_string();
    let trouble = if text.contains("No space left") || text.contains("quota exceeded") {
        Trouble::Full
    } else if text.contains("Permission denied") {
        Trouble::Denied
    } else if text.contains("Read-only file system") {
        Trouble::ReadOnly
    } else if text.contains("could not be found") || text.contains("not found") {
        Trouble::Missing
    } else {
        Trouble::Other
    };
    EffectError::new(trouble, format!("cannot {doing}: {text}"))
}

/// Turns an error of gix, with all its causes, into one of ours.
pub(super) fn or<T, E: std::error::Error>(doing: &str, result: std::result::Result<T, E>) -> Result<T> {
    result.map_err(|error| {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let more = inner.to_string();
            if !text.contains(&more) {
                text = format!("{text}: {more}");
            }
            cause = inner.source();
        }
        failed(doing, &text)
    })
}
