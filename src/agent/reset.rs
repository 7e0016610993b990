//! When a limit is over: the times and the waits in the words of an error.
//!
//! In: words, now, and the zone for times that have none. Invariant: what is told is plausible, in the
//! future and at most [`LONGEST`] away, or it is not told at all.

use super::failure::Failure;
use crate::effects::Zone;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};
use regex::Regex;
use std::sync::LazyLock;
use std::time::Duration;

/// The longest that a limit is believed to last: a month, and some days.
pub(super) const LONGEST: Duration = Duration::from_secs(35 * 24 * 3600);

/// `resets 12:43am (UTC)`, `try again at Nov 21st, 2026 12:47 AM`, `resets Nov 28, 3pm (Europe/Berlin)`,
/// `resets Monday 9am`.
static AT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(?:resets?|again|available)(?: at| on)? ",
        r"(?:([a-z]{3})[a-z]* (\d{1,2})(?:st|nd|rd|th)?,?(?: (\d{4}),?)?(?: at)? )?",
        r"(?:(mon|tue|wed|thu|fri|sat|sun|tomorrow)[a-z]*,?(?: at)? )?",
        r"(\d{1,2})(?::(\d{2}))?(?: ?([ap])\.?m\.?)?(?: \(?([a-z][a-z0-9_+/-]+)\)?)?"
    ))
    .ok()
});

/// `resets at 2026-11-26T12:00:00Z`.
static EXACT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(?:resets?|again|available|retry|until|after)[^\d\n]{0,20}",
        r"(\d{4}-\d\d-\d\d[t ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(z|[+-]\d\d:?\d\d)?"
    ))
    .ok()
});

/// `limit reached|1795700000`.
static EPOCH: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)(?:limit reached\||resets?_?(?: |at|in)*\W{0,4})(\d{10})\b").ok());

/// What stands before `in 20 seconds`, `after 6m0s`, `1.5s`.
static IN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)(?:again|retry|resets?|wait)(?:[ _-](?:in|after|for))?[:=]? ").ok());

/// One number with its unit, if it has one.
static PART: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^[ ,]*(?:and )?(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?|an?\b) ?([a-z]*)").ok()
});

/// `retry-after: 120`, a header in seconds.
static HEADER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i)retry[-_]after["']?\s*[:=]?\s*["']?(\d+(?:\.\d+)?)\b"#).ok());

/// Puts what the words say about its end into a failure, where it is not known otherwise.
#[must_use]
pub(super) fn dated(failure: Failure, text: &str, now: Timestamp, zone: Zone) -> Failure {
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
pub(super) fn time(text: &str, now: Timestamp, zone: Zone) -> Option<Timestamp> {
    exact(text, now, zone).or_else(|| spoken(text, now, zone))
}

/// A time as programs write it.
fn exact(text: &str, now: Timestamp, zone: Zone) -> Option<Timestamp> {
    if let Some(found) = EPOCH.as_ref()?.captures(text) {
        return epoch(found.get(1)?.as_str().parse().ok()?, now);
    }
    let found = EXACT.as_ref()?.captures(text)?;
    let (clock, zoned) = (found.get(1)?.as_str(), found.get(2).map(|part| part.as_str()));
    let at = match zoned {
        Some(offset) => format!("{clock}{offset}").parse().ok()?,
        None => clock.parse::<DateTime>().ok()?.to_zoned(zone()).ok()?.timestamp(),
    };
    plausible(at, now)
}

/// A time as people say it.
fn spoken(text: &str, now: Timestamp, zone: Zone) -> Option<Timestamp> {
    let found = AT.as_ref()?.captures(text)?;
    let part = |at: usize| found.get(at).map(|part| part.as_str());
    let number = |at: usize| part(at).and_then(|digits| digits.parse::<i8>().ok());
    // A bare number is a count, not an hour.
    if part(6).is_none() && part(7).is_none() {
        return None;
    }
    let half = part(7).map(|half| half.eq_ignore_ascii_case("p"));
    let hour = match (number(5)?, half) {
        (hour, None) => hour,
        (12, Some(false)) => 0,
        (12, Some(true)) => 12,
        (hour, Some(false)) => hour,
        (hour, Some(true)) => hour.checked_add(12)?,
    };
    let clock = Time::new(hour, number(6).unwrap_or(0), 0, 0).ok()?;
    let named = part(8).and_then(|name| match name {
        "UTC" | "GMT" | "Z" => Some(TimeZone::UTC),
        name => TimeZone::get(name).ok(),
    });
    let here = now.to_zoned(named.unwrap_or_else(zone));
    let at = match (part(1), part(4)) {
        (Some(month), _) => dated_time(month, number(2)?, part(3), clock, &here)?,
        (None, Some(day)) => day_time(day, clock, &here)?,
        (None, None) => next_time(clock, &here)?,
    };
    plausible(at.timestamp(), now)
}

/// The next time that it is this day and a clock shows this.
fn day_time(day: &str, clock: Time, here: &Zoned) -> Option<Zoned> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let tomorrow = here.date().tomorrow().ok()?;
    let is_it = |date: &Date| match DAYS.iter().position(|name| name.eq_ignore_ascii_case(day)) {
        Some(at) => usize::try_from(date.weekday().to_monday_zero_offset()).is_ok_and(|own| own == at),
        None => *date == tomorrow,
    };
    let days = here.date().series(1.day()).take(8).filter(is_it);
    let times = days.filter_map(|date| date.to_datetime(clock).to_zoned(here.time_zone().clone()).ok());
    times.filter(|at| at > here).min()
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
    let spoken = IN.as_ref()?.find_iter(text).find_map(|begin| parts(&text[begin.end()..]));
    let header = || HEADER.as_ref()?.captures(text)?.get(1)?.as_str().parse().ok();
    seconds(spoken.or_else(header)?)
}

/// The sum of the amounts of time that a text begins with, in seconds.
fn parts(mut text: &str) -> Option<f64> {
    let mut sum = None;
    while let Some(part) = PART.as_ref()?.captures(text) {
        let (amount, unit) = (part.get(1)?.as_str(), part.get(2)?.as_str());
        let one = amount.starts_with(['a', 'A']);
        let amount = if one { Some(1.0) } else { amount.replace(',', "").parse::<f64>().ok() };
        let Some((amount, unit)) = amount.zip(unit_seconds(unit)) else { break };
        sum = Some(sum.unwrap_or_default() + amount * unit);
        text = &text[part.get(0)?.end()..];
    }
    sum
}

/// A unit of time in seconds.
fn unit_seconds(word: &str) -> Option<f64> {
    const DAY: f64 = 86_400.0;
    Some(match word.to_ascii_lowercase().as_str() {
        "ms" | "millisecond" | "milliseconds" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
        "d" | "day" | "days" => DAY,
        "w" | "week" | "weeks" => 7.0 * DAY,
        "month" | "months" => 30.0 * DAY,
        _ => return None,
    })
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
        time(text, now, || TimeZone::get("America/New_York").unwrap()).map(|at| at.to_string())
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
            ("resets at 2026-11-26T12:00:00Z", Some("2026-11-26T12:00:00Z")),
            ("Try again after 2026-11-26 12:00:00.5+01:00.", Some("2026-11-26T11:00:00.5Z")),
            ("available again on 2026-11-26 12:00", Some("2026-11-26T17:00:00Z")),
            ("resets at 2026-11-19T12:00:00Z", None),
            ("Claude AI usage limit reached|1795300000", Some("2026-11-21T22:26:40Z")),
            ("\"resets_at\": 1795300000", Some("2026-11-21T22:26:40Z")),
            ("resets Monday 9am", Some("2026-11-23T14:00:00Z")),
            ("resets Fri at 11pm (UTC)", Some("2026-11-27T23:00:00Z")),
            ("Resets Friday, 23:50 (UTC)", Some("2026-11-20T23:50:00Z")),
            ("try again tomorrow at 8am", Some("2026-11-21T13:00:00Z")),
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
            ("try again in 1 minute and 30 seconds", Some(90.0)),
            ("Try again in 1,200 seconds.", Some(1_200.0)),
            ("Please retry after 2 weeks", Some(1_209_600.0)),
            ("Try again in an hour", Some(3_600.0)),
            ("try again in a day, 2 hours", Some(93_600.0)),
            ("HTTP 429; retry-after: 120", Some(120.0)),
            ("{\"retry_after\":0.5}", Some(0.5)),
            ("try again in 2 months", None),
            ("try again in 3 attempts", None),
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
            if let Some(at) = time(&text, now, || TimeZone::UTC) {
                prop_assert!(at > now);
            }
            prop_assert!(wait(&text).is_none_or(|wait| wait <= LONGEST));
            let _ = retry_after(&text, now);
        }
    }
}
