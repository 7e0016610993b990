//! `conflict-markers`: no text is left with the marks of an unresolved merge.

use crate::gate::change::File;
use crate::gate::finding::Finding;
use crate::state::concern::Concern;

/// Files that have marks which they did not have.
#[must_use]
pub fn findings(files: &[File]) -> Vec<Finding> {
    let marked = |file: &File| {
        let line = first_mark(file.new.text()?)?;
        let before = file.old.text().is_some_and(|text| first_mark(text).is_some());
        let fact = "a merge was left unresolved";
        (!before).then(|| Finding::error(Concern::ConflictMarkers, &file.shown, Some(line), fact))
    };
    files.iter().filter_map(marked).collect()
}

/// The line of the first mark, where both marks of a pair begin a line.
fn first_mark(text: &str) -> Option<usize> {
    let begins = |mark: &str| text.lines().position(|line| line.starts_with(mark));
    begins(">>>>>>> ").and(begins("<<<<<<< ")).map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflict_markers_count_only_in_pairs_at_the_start_of_lines() {
        assert_eq!(first_mark("a\n<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\n"), Some(2));
        assert_eq!(first_mark("<<<<<<< only one side\n"), None);
        assert_eq!(first_mark("  <<<<<<< indented\n  >>>>>>> b\n"), None);
    }
}
