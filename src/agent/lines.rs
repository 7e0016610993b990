//! Lines out of pieces, in bounded memory.
//!
//! In: what a program printed, in pieces as they come. Out: whole lines. Invariant: no more than one line
//! of [`LONGEST`] bytes is held; a longer one is left out whole, since half of one says nothing.

/// The longest line that is kept, in bytes.
pub const LONGEST: usize = 8 << 20;

/// What is left over between two pieces.
#[derive(Debug, Default)]
pub struct Lines {
    rest: Vec<u8>,
    skipping: bool,
}

impl Lines {
    /// Hands over every line that a piece ends.
    pub fn feed(&mut self, piece: &[u8], line: &mut dyn FnMut(&[u8])) {
        let mut piece = piece;
        while let Some(at) = piece.iter().position(|byte| *byte == b'\n') {
            let (head, tail) = (&piece[..at], &piece[at + 1..]);
            if self.skipping || self.rest.len() + head.len() > LONGEST {
                self.skipping = false;
            } else if self.rest.is_empty() {
                line(head);
            } else {
                self.rest.extend_from_slice(head);
                line(&self.rest);
            }
            self.rest.clear();
            piece = tail;
        }
        if self.skipping || self.rest.len() + piece.len() > LONGEST {
            self.skipping = true;
            self.rest = Vec::new();
        } else {
            self.rest.extend_from_slice(piece);
        }
    }

    /// Hands over what stands behind the last end of a line.
    pub fn end(&mut self, line: &mut dyn FnMut(&[u8])) {
        if !self.rest.is_empty() && !self.skipping {
            line(&self.rest);
        }
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut lines, mut all) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.feed(piece, &mut |line| all.push(line.to_vec()));
        }
        lines.end(&mut |line| all.push(line.to_vec()));
        all
    }

    #[test]
    fn a_line_that_is_too_long_is_left_out_and_those_around_it_are_not() {
        let long = vec![b'x'; LONGEST / 2 + 1];
        assert_eq!(lines(&[b"a\n", &long, &long, &long, b"y\nb\nc"]), [b"a", b"b", b"c"]);
        assert_eq!(lines(&[&long, &long[..10], b"\nb"])[0].len(), LONGEST / 2 + 11);
    }

    proptest! {
        #[test]
        fn where_the_pieces_end_makes_no_difference(text in "[ab\n]{0,40}", cuts in proptest::collection::vec(0_usize..40, 0..5)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            let bytes = text.as_bytes();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([bytes.len()]) {
                pieces.push(&bytes[from..cut]);
                from = cut;
            }
            prop_assert_eq!(lines(&pieces), lines(&[bytes]));
        }
    }
}
