//! `large-file`: nothing is so large that nobody looks into it.

use crate::gate::change::{Content, File};
use crate::gate::finding::Finding;
use crate::state::concern::Concern;

/// From here on a file is reported, in bytes.
const LARGE: usize = 1 << 20;

/// Files that are new or grew, and are large.
#[must_use]
pub fn findings(files: &[File]) -> Vec<Finding> {
    let large = |file: &File| match (&file.old, &file.new) {
        (Content::TooLarge, Content::TooLarge) => {
            let fact = "is too large for the other gates to look into, as it was before";
            Some(Finding::warning(Concern::LargeFile, &file.shown, None, fact))
        }
        (_, Content::TooLarge) => {
            let fact = "is too large for the other gates to look into";
            Some(Finding::error(Concern::LargeFile, &file.shown, None, fact))
        }
        (old, new) => {
            let (before, now) = (old.len().unwrap_or(usize::MAX), new.len().unwrap_or_default());
            let fact = format!("has {} KiB", now >> 10);
            (now >= LARGE && now > before)
                .then(|| Finding::warning(Concern::LargeFile, &file.shown, None, fact))
        }
    };
    files.iter().filter_map(large).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::change::tests::file;
    use crate::state::problem::Severity;

    #[test]
    fn what_is_large_is_reported_and_what_nobody_looks_into_rejects() {
        let mut one = file("a", None, Some("x"));
        assert!(findings(std::slice::from_ref(&one)).is_empty());
        one.new = Content::Binary(LARGE - 1);
        assert!(findings(std::slice::from_ref(&one)).is_empty());
        one.new = Content::Binary(LARGE);
        assert_eq!(findings(std::slice::from_ref(&one))[0].severity, Severity::Warning);
        one.old = Content::Binary(LARGE + 2);
        assert!(findings(std::slice::from_ref(&one)).is_empty(), "it became smaller");
        one.new = Content::TooLarge;
        assert_eq!(findings(std::slice::from_ref(&one))[0].severity, Severity::Error);
        one.old = Content::TooLarge;
        assert_eq!(findings(&[one])[0].severity, Severity::Warning);
    }
}
