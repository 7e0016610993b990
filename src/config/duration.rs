//! Durations as people write them: `45m`, `90s`, `1h30m`, `2d`.
//!
//! Invariant: [`spell`] of a whole number of seconds is read back by [`parse`] to the same value.

use std::fmt::Write as _;
use std::time::Duration;
use thiserror::Error;

/// The longest duration that is accepted: a year.
pub const MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Units, the largest first, with their seconds.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DurationError {
    /// The text is empty.
    #[error("a duration cannot be empty")]
    Empty,
    /// A unit has no number before it.
    #[error("`{0}` has no number before `{1}`")]
    NoNumber(String, char),
    /// The last number has no unit.
    #[error("`{0}` has a number without a unit")]
    NoUnit(String),
    /// A unit is not one of `d`, `h`, `m`, `s`.
    #[error("`{0}` has the unknown unit `{1}`")]
    UnknownUnit(String, String),
    /// A unit comes twice, or after a smaller one.
    #[error("`{0}` has its units not in the order d, h, m, s")]
    Order(String),
    /// The duration is longer than [`MAX`].
    #[error("`{0}` is longer than a year")]
    TooLong(String),
}

/// Reads a duration, of at most [`MAX`].
///
/// # Errors
/// When the text is not numbers with the units `d`, `h`, `m`, `s`, each once and in this order, or too long.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let duration = age(text)?;
    if duration > MAX { Err(DurationError::TooLong(shown(text))) } else { Ok(duration) }
}

fn shown(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}

/// Reads how long ago something was, which may be any time.
///
/// # Errors
/// As [`parse`], but for the length.
pub fn age(text: &str) -> Result<Duration, DurationError> {
    if text.is_empty() {
        return Err(DurationError::Empty);
    }
    let (mut total, mut number, mut allowed) = (0_u64, None::<u64>, UNITS.as_slice());
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            let value = number.unwrap_or(0).saturating_mul(10).saturating_add(u64::from(digit));
            number = Some(value);
            continue;
        }
        let Some((_, seconds)) = UNITS.iter().find(|(unit, _)| *unit == c) else {
            return Err(DurationError::UnknownUnit(shown(text), c.escape_debug().to_string()));
        };
        let Some(value) = number.take() else {
            return Err(DurationError::NoNumber(shown(text), c));
        };
        let Some(at) = allowed.iter().position(|(unit, _)| *unit == c) else {
            return Err(DurationError::Order(shown(text)));
        };
        allowed = allowed.get(at + 1..).unwrap_or_default();
        total = total.saturating_add(value.saturating_mul(*seconds));
    }
    if number.is_some() {
        return Err(DurationError::NoUnit(shown(text)));
    }
    Ok(Duration::from_secs(total))
}

/// Writes a duration, in the largest units that are exact; parts of a second are dropped.
#[must_use]
pub fn spell(duration: Duration) -> String {
    let mut rest = duration.as_secs();
    let mut text = String::new();
    for (unit, seconds) in UNITS {
        if rest >= seconds {
            // Writing to a string cannot fail.
            let _ = write!(text, "{}{unit}", rest / seconds);
            rest %= seconds;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in
            [("45m", 2_700), ("90s", 90), ("1h30m", 5_400), ("2d", 172_800), ("1d1h1m1s", 90_061), ("0s", 0)]
        {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn a_bad_duration_is_explained() {
        for (text, message) in [
            ("", "a duration cannot be empty"),
            ("m", "`m` has no number before `m`"),
            ("45", "`45` has a number without a unit"),
            ("1h30", "`1h30` has a number without a unit"),
            ("45 m", "`45 m` has the unknown unit ` `"),
            ("-5m", "`-5m` has the unknown unit `-`"),
            ("1.5h", "`1.5h` has the unknown unit `.`"),
            ("30m1h", "`30m1h` has its units not in the order d, h, m, s"),
            ("1h1h", "`1h1h` has its units not in the order d, h, m, s"),
            ("400d", "`400d` is longer than a year"),
            ("99999999999999999999999d", "`99999999999999999999999d` is longer than a year"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), message);
        }
    }

    proptest! {
        #[test]
        fn a_spelt_duration_is_read_back(seconds in 0_u64..=366 * 86_400) {
            let duration = Duration::from_secs(seconds);
            prop_assert_eq!(parse(&spell(duration)), Ok(duration));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = parse(&text);
        }
    }
}
