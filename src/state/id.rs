//! Identifiers: of tasks, notes and runs.
//!
//! Invariant: an id is safe as a file name, as part of a ref name, in a commit message and on a
//! command line, on every file system.

use arcstr::Substr;
use std::fmt;
use thiserror::Error;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IdError {
    /// The text is empty.
    #[error("an id cannot be empty")]
    Empty,
    /// The text is longer than 64 characters.
    #[error("id `{0}` is longer than 64 characters")]
    TooLong(String),
    /// The text has a character outside `[A-Za-z0-9._-]`, or begins with one of `._-`.
    #[error(
        "id `{0}` has characters other than letters, digits, `.`, `_`, `-`, or does not begin with a letter or digit"
    )]
    Character(String),
    /// The text would be refused as a ref or as a file name somewhere.
    #[error("id `{0}` is not usable as a file or ref name everywhere")]
    Reserved(String),
}

const WINDOWS_DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
    "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// Whether Windows takes a file of this name for a device.
#[must_use]
pub fn is_windows_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    // The longest device name has four characters.
    stem.len() <= 4 && WINDOWS_DEVICES.iter().any(|device| device.eq_ignore_ascii_case(stem))
}

/// Checks a text against the rules that all ids share.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > 64 {
        return Err(IdError::TooLong(text.chars().take(80).collect()));
    }
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if !text.bytes().all(legal) || !text.as_bytes()[0].is_ascii_alphanumeric() {
        return Err(IdError::Character(text.escape_debug().to_string()));
    }
    let bytes = text.as_bytes();
    let ends = |end: &str| {
        bytes.len() >= end.len() && bytes[bytes.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
    };
    if is_windows_device(text) || text.contains("..") || ends(".") || ends(".lock") {
        return Err(IdError::Reserved(text.to_owned()));
    }
    Ok(())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Substr);

        impl $name {
            /// Validates a text as an id.
            ///
            /// # Errors
            /// When the text breaks a rule of [`check`].
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                check(&text)?;
                Ok(Self(Substr::from(text)))
            }


            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The form under which the id is unique: ids that differ only in case are one id.
            #[must_use]
            pub fn folded(&self) -> String {
                self.0.to_ascii_lowercase()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// The id of a task: the stem of its file.
    TaskId
}
id! {
    /// The id of a note: the stem of its file.
    NoteId
}
id! {
    /// The id of a run: a ULID, so that records sort by the time a step began.
    RunId
}

impl TaskId {
    /// An id that was validated before it was stored.
    pub(in crate::state) fn known(text: Substr) -> Self {
        Self(text)
    }
}

impl NoteId {
    /// An id that was validated before it was stored.
    pub(in crate::state) fn known(text: Substr) -> Self {
        Self(text)
    }
}

/// The alphabet of generated ids: Crockford base32 in lower case, without `i`, `l`, `o`, `u`.
pub const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Spells `len` characters of Crockford base32, lower case, from random bits.
#[must_use]
pub fn short(mut bits: u64, len: usize) -> String {
    let mut text = String::with_capacity(len);
    for _ in 0..len {
        text.push(char::from(CROCKFORD[(bits & 31) as usize]));
        bits >>= 5;
    }
    text
}

/// Spells a ULID (26 upper-case Crockford characters) from a time and 80 random bits.
///
/// Source of the format: the ULID specification (48 bits of milliseconds, 80 random bits).
#[must_use]
pub fn ulid(millis: u64, random: u128) -> String {
    let bits = (u128::from(millis) << 80) | (random & ((1 << 80) - 1));
    (0..26)
        .rev()
        .map(|n| {
            let index = ((bits >> (n * 5)) & 31) as usize;
            char::from(CROCKFORD[index].to_ascii_uppercase())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_safe_as_a_file_a_ref_and_an_option() {
        for good in ["t-7k3fm", "A", "bd-a3f8.1", "5.2", "x_y", "lpt", "console"] {
            assert!(TaskId::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-x",
            ".x",
            "a..b",
            "a.",
            "a.lock",
            "A.LOCK",
            "con",
            "COM1.txt",
            "a/b",
            "a b",
            "a\nb",
            "é",
            "a\u{202e}b",
            "--output=x",
            "HEAD~1",
        ] {
            assert!(TaskId::new(bad).is_err(), "{bad:?}");
        }
        assert!(TaskId::new("x".repeat(64)).is_ok());
        assert!(TaskId::new("x".repeat(65)).is_err());
    }

    #[test]
    fn ulids_sort_by_time() {
        let early = ulid(1_000, u128::MAX);
        let late = ulid(1_001, 0);
        assert!(early < late);
        assert_eq!(early.len(), 26);
        assert_eq!(ulid(0, 0), "0".repeat(26));
    }
}
