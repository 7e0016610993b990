//! Whether two tasks are about the same area of the code.
//!
//! Globs are compared by what they have before their first wildcard, element by element: `src/api/**`
//! and `src/api/limit.rs` meet, `src/api/**` and `src/apis/x` do not.

/// Whether two lists of globs may name a common file.
#[must_use]
pub fn overlap(a: &[impl AsRef<str>], b: &[impl AsRef<str>]) -> bool {
    a.iter().any(|left| b.iter().any(|right| meet(left.as_ref(), right.as_ref())))
}

fn meet(left: &str, right: &str) -> bool {
    let (left, right) = (fixed(left), fixed(right));
    // A glob that begins with a wildcard says nothing about an area.
    !left.is_empty() && !right.is_empty() && left.iter().zip(&right).all(|(a, b)| a == b)
}

/// The elements of a glob before the first that has a wildcard.
fn fixed(glob: &str) -> Vec<&str> {
    let glob = glob.trim_start_matches("./");
    glob.split('/')
        .take_while(|element| !element.contains(['*', '?', '[', '{']))
        .filter(|e| !e.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::overlap;

    fn meets(a: &str, b: &str) -> bool {
        let (forth, back) =
            (overlap(&[a.to_owned()], &[b.to_owned()]), overlap(&[b.to_owned()], &[a.to_owned()]));
        assert_eq!(forth, back, "{a} {b}");
        forth
    }

    #[test]
    fn globs_meet_where_one_may_name_a_file_of_the_other() {
        for (a, b) in [
            ("src/api/**", "src/api/limit.rs"),
            ("src/api/**", "src/**"),
            ("./src/api/", "src/api/*.rs"),
            ("README.md", "README.md"),
            ("src/api/l?mit.rs", "src/api/burst.rs"),
        ] {
            assert!(meets(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("src/api/**", "src/apis/x"),
            ("src/api/a.rs", "src/api/b.rs"),
            ("**/*.rs", "src/api/b.rs"),
            ("", "src"),
            ("docs/**", "src/**"),
        ] {
            assert!(!meets(a, b), "{a} {b}");
        }
    }
}
