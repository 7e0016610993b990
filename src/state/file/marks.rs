//! Git's conflict markers in a file.
//!
//! In: text with markers. Out: the two texts that it was made of, and their common ancestor where the
//! markers show it. What was merged, or edited by hand, outside of the markers is in all of them.

/// The texts between which a file is undecided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// As it was here.
    pub ours: String,
    /// What both began with, if the markers show it (`merge.conflictStyle = diff3`).
    pub before: Option<String>,
    /// As it came from elsewhere.
    pub theirs: String,
}

/// The part of a conflict that a line is in.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Outside,
    Ours,
    Before,
    Theirs,
}

/// The one-based line of the first conflict marker. A `=======` alone is none: prose has such lines.
#[must_use]
pub fn first_line(text: &str) -> Option<usize> {
    let marks = |line: &str, mark: &str| {
        line.strip_prefix(mark).is_some_and(|rest| rest.trim_end().is_empty() || rest.starts_with(' '))
    };
    text.lines().position(|line| marks(line, "<<<<<<<") || marks(line, ">>>>>>>")).map(|index| index + 1)
}

/// Whether a file has markers.
#[must_use]
pub fn are_in(bytes: &[u8]) -> bool {
    first_line(&String::from_utf8_lossy(bytes)).is_some()
}

/// Takes the sides apart; none where the markers do not say for certain which line is whose.
#[must_use]
pub fn sides(text: &str) -> Option<Sides> {
    let mut sides = Sides { ours: String::new(), before: None, theirs: String::new() };
    let (mut before, mut shown, mut conflicts, mut part) = (String::new(), 0, 0, Part::Outside);
    for line in text.split_inclusive('\n') {
        let is = |mark: &str| {
            line.starts_with(mark) && matches!(line.as_bytes().get(7), Some(b' ' | b'\r' | b'\n'))
        };
        part = match part {
            Part::Outside if is("<<<<<<<") => {
                conflicts += 1;
                Part::Ours
            }
            Part::Ours if is("|||||||") => {
                shown += 1;
                Part::Before
            }
            Part::Ours | Part::Before if line.trim_end() == "=======" => Part::Theirs,
            Part::Theirs if line.starts_with(">>>>>>>") => Part::Outside,
            _ if is("<<<<<<<") || is(">>>>>>>") || is("|||||||") => return None,
            Part::Theirs if line.trim_end() == "=======" => return None,
            Part::Outside => {
                for side in [&mut sides.ours, &mut before, &mut sides.theirs] {
                    side.push_str(line);
                }
                part
            }
            Part::Ours => {
                sides.ours.push_str(line);
                part
            }
            Part::Before => {
                before.push_str(line);
                part
            }
            Part::Theirs => {
                sides.theirs.push_str(line);
                part
            }
        };
    }
    sides.before = Some(before).filter(|_| shown == conflicts);
    (part == Part::Outside && conflicts > 0).then_some(sides)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_of_its_side_and_what_is_outside_of_all() {
        let text = "a\n<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> other\nb\n";
        let found = sides(text).unwrap();
        assert_eq!((&*found.ours, &*found.theirs, found.before), ("a\nx\nb\n", "a\ny\nb\n", None));
        let text = "<<<<<<< HEAD\nx\n||||||| 1234\nw\n=======\n>>>>>>> other";
        let found = sides(text).unwrap();
        assert_eq!((&*found.ours, found.before.as_deref(), &*found.theirs), ("x\n", Some("w\n"), ""));
    }

    #[test]
    fn markers_that_do_not_fit_say_nothing() {
        for text in [
            "",
            "a\n",
            "<<<<<<< HEAD\nx\n",
            "<<<<<<< HEAD\nx\n=======\ny\n",
            "<<<<<<< HEAD\nx\n>>>>>>> other\n",
            "<<<<<<< HEAD\nx\n=======\ny\n=======\nz\n>>>>>>> other\n",
            "<<<<<<< HEAD\n<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> other\n",
            ">>>>>>> other\n<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> other\n",
        ] {
            assert_eq!(sides(text), None, "{text}");
        }
    }
}
