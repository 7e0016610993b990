//! When a limit is over: the times and the waits in the words of an error.
//!
//! In: words, now, and the zone for times that have none. Invariant: what is told is plausible, in the
//! future and at most [`LONGEST`] away, or it is not told at all.

use super::failure::Failure;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};
use regex::Regex;
use std::sync::LazyLock;
use std::time::Duration;

/// The longest that a limit is believed to last: a month, and some days.
pub(super) const LONGEST: Duration = Duration::from_secs(35 * 24 * 3600);

/// `resets 12:43am (UTC)`, `try again at Nov 21st, 2026 12:47 AM`, `resets Nov 28, 3pm (Europe/Berlin)`.
static AT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(?:resets?|again|available)(?: at| on)? ",
        r"(?:([a-z]{3})[a-z]* (\d{1,2})(?:st|nd|rd|th)?,?(?: (\d{4}),?)?(?: at)? )?",
        r"(\d{1,2})(?::(\d{2}))?(?: ?([ap])\.?m\.?)?(?: \(?([a-z][a-z0-9_+/-]+)\)?)?"
    ))
    .ok()
});

/// `try again in 1.5s`, `retry after 6m0s`, `in 20 seconds`, `in 2 hours`.
static IN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:again|retry|reset[s]?|wait)(?: (?:in|after|for))?:? ((?:[\d.]+ ?(?:milliseconds?|ms|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|[smhd])[ ,]*)+)")
        .ok()
});

/// One number with its unit.
static PART: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)([\d.]+) ?(milliseconds?|ms|[smhd])").ok());

/// Puts what the words say about its end into a failure, where it is not known otherwise.
#[must_use]
pub(super) fn dated(failure: Failure, text: &str, now: Timestamp, zone: &TimeZone) -> Failure {
    let text = super::words::start(text);
    let until = failure.until.or_else(|| time(text, now, zone));
    let wait = failure.wait.or_else(|| if until.is_none() { wait(text) } else { None });
    Failure { until, wait, ..failure }
}

/// A time in seconds since 1970, where it is plausible.
#[must_use]
pub(super) fn epoch(seconds: i64, now: Timestamp) -> Option<Timestamp> {
    plausible(Timestamp::from_second(seconds).ok()?, now)
}

/// A wait, where it is plausible.
#[must_use]
pub(super) fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().filter(|wait| !wait.is_zero() && *wait <= LONGEST)
}

/// The value of a `retry-after` header: seconds, or a date.
#[must_use]
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(number) = value.trim().parse::<f64>() {
        return seconds(number);
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value.trim()).ok()?;
    Duration::try_from(plausible(date, now)?.duration_since(now)).ok()
}

/// The time that the words name.
#[must_use]
pub(super) fn time(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let found = AT.as_ref()?.captures(text)?;
    let part = |at: usize| found.get(at).map(|part| part.as_str());
    let number = |at: usize| part(at).and_then(|digits| digits.parse::<i8>().ok());
    // A bare number is a count, not an hour.
    if part(5).is_none() && part(6).is_none() {
        return None;
    }
    let half = part(6).map(|half| half.eq_ignore_ascii_case("p"));
    let hour = match (number(4)?, half) {
        (hour, None) => hour,
        (12, Some(false)) => 0,
        (12, Some(true)) => 12,
        (hour, Some(false)) => hour,
        (hour, Some(true)) => hour.checked_add(12)?,
    };
    let clock = Time::new(hour, number(5).unwrap_or(0), 0, 0).ok()?;
    let named = part(7).and_then(|name| match name {
        "UTC" | "GMT" | "Z" => Some(TimeZone::UTC),
        name => TimeZone::get(name).ok(),
    });
    let here = now.to_zoned(named.unwrap_or_else(|| zone.clone()));
    let at = match part(1) {
        Some(month) => dated_time(month, number(2)?, part(3), clock, &here)?,
        None => next_time(clock, &here)?,
    };
    plausible(at.timestamp(), now)
}

/// The next time that a clock shows this.
fn next_time(clock: Time, here: &Zoned) -> Option<Zoned> {
    let today = here.date().to_datetime(clock).to_zoned(here.time_zone().clone()).ok()?;
    if today > *here { Some(today) } else { today.checked_add(1.day()).ok() }
}

fn dated_time(month: &str, day: i8, year: Option<&str>, clock: Time, here: &Zoned) -> Option<Zoned> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?;
    let month = i8::try_from(month + 1).ok()?;
    let in_year = |year: i16| {
        let date: DateTime = Date::new(year, month, day).ok()?.to_datetime(clock);
        date.to_zoned(here.time_zone().clone()).ok()
    };
    match year {
        Some(year) => in_year(year.parse().ok()?),
        // Said in December about January.
        None => in_year(here.year()).filter(|at| at >= here).or_else(|| in_year(here.year() + 1)),
    }
}

/// The wait that the words name.
#[must_use]
pub(super) fn wait(text: &str) -> Option<Duration> {
    let found = IN.as_ref()?.captures(text)?.get(1)?;
    let mut sum = 0.0;
    for part in PART.as_ref()?.captures_iter(found.as_str()) {
        let amount: f64 = part.get(1)?.as_str().parse().ok()?;
        let unit = part.get(2)?.as_str().to_ascii_lowercase();
        sum += amount
            * match unit.as_str() {
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86400.0,
                _ => 0.001,
            };
    }
    seconds(sum)
}

fn plausible(at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let away = Duration::try_from(at.duration_since(now)).ok()?;
    (away <= LONGEST && !away.is_zero()).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Option<String> {
        let now = "2026-11-20T23:47:35Z".parse().unwrap();
        let zone = TimeZone::get("America/New_York").unwrap();
        time(text, now, &zone).map(|at| at.to_string())
    }

    #[test]
    fn times_are_read_in_the_zone_that_is_named_or_here() {
        let cases = [
            ("You've hit your 5-hour limit \u{b7} resets 12:43am (UTC)", Some("2026-11-21T00:43:00Z")),
            ("resets 3pm (America/New_York)", Some("2026-11-21T20:00:00Z")),
            ("resets 11:40pm (UTC)", Some("2026-11-21T23:40:00Z")),
            ("resets Nov 28, 3pm (UTC)", Some("2026-11-28T15:00:00Z")),
            ("or try again at Nov 21st, 2026 12:47 AM.", Some("2026-11-21T05:47:00Z")),
            ("or try again at 1:16 AM.", Some("2026-11-21T06:16:00Z")),
            ("try again at Jan 2nd, 2027 12:47 AM.", None),
            ("try again at Nov 19th, 2026 12:47 AM.", None),
            ("try again at 25:99 AM", None),
            ("try again 5", None),
            ("try again later", None),
        ];
        for (text, expected) in cases {
            assert_eq!(at(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn waits_are_read_in_their_units() {
        let cases = [
            ("Please try again in 1.5s.", Some(1.5)),
            ("Please try again in 2s. Visit", Some(2.0)),
            ("try again in 6m0s", Some(360.0)),
            ("try again in 120ms", Some(0.12)),
            ("retry in 20 seconds", Some(20.0)),
            ("Try again in 2 hours 5 minutes", Some(7500.0)),
            ("Please retry after 3 days", Some(259_200.0)),
            ("try again in 99999999999 days", None),
            ("try again in a moment", None),
        ];
        for (text, expected) in cases {
            assert_eq!(wait(text).map(|wait| wait.as_secs_f64()), expected, "{text}");
        }
    }

    #[test]
    fn a_header_is_seconds_or_a_date() {
        let now = "2026-11-21T00:33:59Z".parse().unwrap();
        assert_eq!(retry_after("30", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Sat, 21 Nov 2026 00:34:59 GMT", now), Some(Duration::from_secs(60)));
        for bad in ["-1", "NaN", "1e300", "0", "soon", "Sat, 21 Nov 2020 00:34:59 GMT"] {
            assert_eq!(retry_after(bad, now), None, "{bad}");
        }
        assert_eq!(epoch(i64::MAX, now), None);
        assert_eq!(epoch(0, now), None);
    }

    proptest! {
        #[test]
        fn no_words_are_too_strange(text in "(resets|try again) (at|in) [ -~]{0,40}", second in -4_000_000_000_i64..200_000_000_000) {
            let now = Timestamp::from_second(second).unwrap();
            if let Some(at) = time(&text, now, &TimeZone::UTC) {
                prop_assert!(at > now);
            }
            prop_assert!(wait(&text).is_none_or(|wait| wait <= LONGEST));
            let _ = retry_after(&text, now);
        }
    }
}
