//! `scope`: what was changed beside what the task is about. It is reported, and rejects only where
//! the policy denies it.

use crate::gate::change::File;
use crate::gate::finding::Finding;
use crate::state::concern::Concern;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Files outside of a task's `files`; none where it names none.
#[must_use]
pub fn findings(files: &[File], expected: &[String]) -> Vec<Finding> {
    if expected.is_empty() {
        return Vec::new();
    }
    let set = globs(expected);
    let outside = files.iter().filter(|file| !set.is_match(&file.shown));
    let fact = "is outside the task's `files`";
    outside.map(|file| Finding::warning(Concern::Scope, &file.shown, None, fact)).collect()
}

/// The globs as a task has them: a folder stands for all that is in it.
fn globs(expected: &[String]) -> GlobSet {
    let mut builder = GlobSetBuilder::new();
    for text in expected {
        let bare = text.trim_start_matches("./").trim_end_matches('/');
        for glob in [bare.to_owned(), format!("{bare}/**")] {
            if let Ok(glob) = GlobBuilder::new(&glob).literal_separator(true).build() {
                builder.add(glob);
            }
        }
    }
    builder.build().unwrap_or_else(|_| GlobSet::empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::change::tests::file;

    #[test]
    fn folders_globs_and_files_are_scope() {
        let expected: Vec<String> = ["src/api", "docs/*.md", "./Cargo.toml", "["].map(str::to_owned).to_vec();
        let inside = ["src/api/v1/a.rs", "docs/a.md", "Cargo.toml"];
        let outside = ["src/apis/a.rs", "docs/b/a.md", "x/Cargo.toml"];
        for path in inside {
            assert!(findings(&[file(path, None, Some("x"))], &expected).is_empty(), "{path}");
        }
        for path in outside {
            assert_eq!(findings(&[file(path, None, Some("x"))], &expected).len(), 1, "{path}");
        }
        assert!(findings(&[file("a", None, Some("x"))], &[]).is_empty());
    }
}
