//! Telling people and programs what happens: reporters of a step's events, tables, pictures.
//!
//! Invariant: what comes from a task, an agent or a gate is made harmless before it reaches a terminal.

pub mod safe;
pub mod at_work;
pub mod table;
pub mod graph;
pub mod progress;
pub mod human;
pub mod json;
pub mod logged;
pub mod jobs;
pub mod otel;
pub mod summary;
pub mod list;
pub mod queue;
pub mod branches;
pub mod show;
pub mod verify;
pub mod status;
pub mod log;
pub mod closing;
pub mod notes;
pub mod agents;
pub mod checkpoints;
pub mod prompt;
pub mod route;
pub mod trends;
pub mod page;

pub use crate::state::run::spell_usd;

/// A duration as people read it: `0.3 s`, `12 s`, `3m05`, `1h02`.
#[must_use]
pub fn spell_ms(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..=9 => format!("{}.{} s", seconds, (ms % 1000) / 100),
        10..=59 => format!("{seconds} s"),
        60..=3599 => format!("{}m{:02}", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}", seconds / 3600, (seconds % 3600) / 60),
    }
}

/// A name and how long it took, in two columns. A name that is longer than its own takes of the room beside it.
#[must_use]
pub fn timed(name: &str, took: &str) -> String {
    const NAME: usize = 18;
    const ALL: usize = 26;
    let room = (ALL - 1).saturating_sub(safe::width(name).max(NAME));
    format!("{name:<NAME$} {took:>room$}")
}

/// How long ago something was, as briefly as it can be said: `12s`, `5m`, `3h`, `4d`, `6w`, `2y`.
#[must_use]
pub fn spell_age(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    match seconds.max(0) {
        s @ 0..MINUTE => format!("{s}s"),
        s @ MINUTE..HOUR => format!("{}m", s / MINUTE),
        s if s < DAY => format!("{}h", s / HOUR),
        s if s < 21 * DAY => format!("{}d", s / DAY),
        s if s < 365 * DAY => format!("{}w", s / (7 * DAY)),
        s => format!("{}y", s / (365 * DAY)),
    }
}

/// An amount of money beside which there are tokens (`unpriced`) of which nobody knows what they cost: what is not known
/// is not nothing.
#[must_use]
pub fn spell_spent(usd: f64, unpriced: u64) -> String {
    match (unpriced > 0, usd > 0.0) {
        (false, _) => spell_usd(usd),
        (true, true) => format!("≥ {}", spell_usd(usd)),
        (true, false) => "unknown".to_owned(),
    }
}

/// How long something is thought to take, roughly.
#[must_use]
pub fn spell_days(days: f64) -> String {
    match days {
        d if d < 1.0 => "less than a day".to_owned(),
        d if d < 1.5 => "about a day".to_owned(),
        d if d < 60.0 => format!("about {d:.0} days"),
        d if d < 730.0 => format!("about {:.0} months", d / 30.4),
        _ => "years".to_owned(),
    }
}

/// A large number, three digits of it: `950`, `12.3k`, `4.56M`.
#[must_use]
pub fn spell_count(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let number = count as f64;
    let (value, unit) = match count {
        0..1_000 => return count.to_string(),
        1_000..999_500 => (number / 1e3, "k"),
        999_500..999_500_000 => (number / 1e6, "M"),
        _ => (number / 1e9, "G"),
    };
    match value {
        v if v < 9.995 => format!("{v:.2}{unit}"),
        v if v < 99.95 => format!("{v:.1}{unit}"),
        v => format!("{v:.0}{unit}"),
    }
}

/// `1 task`, `2 tasks`.
#[must_use]
pub fn plural(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_does_not_push_its_time_out_of_the_column() {
        let gates = ["test", "conflict-markers", "invisible-characters"];
        for (gate, took) in gates.into_iter().flat_map(|gate| [(gate, "0.1 s"), (gate, "9.9 s")]) {
            assert_eq!(timed(gate, took).len(), 26, "{gate}");
        }
        assert_eq!(timed("a-name-that-is-longer-than-all", "12 s"), "a-name-that-is-longer-than-all 12 s");
    }

    #[test]
    fn ages_are_brief() {
        let day = 86_400;
        let cases = [
            (-5, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3_599, "59m"),
            (3_600, "1h"),
            (day - 1, "23h"),
            (day, "1d"),
            (20 * day, "20d"),
            (21 * day, "3w"),
            (365 * day, "1y"),
            (i64::MAX, "292471208677y"),
        ];
        for (seconds, spelled) in cases {
            assert_eq!(spell_age(seconds), spelled);
        }
    }

    #[test]
    fn money_and_counts_keep_the_digits_that_matter() {
        assert_eq!(spell_usd([0.0_f64; 0].iter().sum()), "$0.00");
        let money = [(0.0, "$0.00"), (0.0123, "$0.0123"), (0.1, "$0.10"), (1234.5, "$1234.50")];
        for (usd, spelled) in money {
            assert_eq!(spell_usd(usd), spelled);
        }
        let counts = [
            (0, "0"),
            (999, "999"),
            (1_000, "1.00k"),
            (12_345, "12.3k"),
            (999_499, "999k"),
            (999_500, "1.00M"),
            (9_999_999_999, "10.0G"),
        ];
        for (count, spelled) in counts {
            assert_eq!(spell_count(count), spelled);
        }
        assert_eq!((plural(1, "task"), plural(0, "task")), ("1 task".to_owned(), "0 tasks".to_owned()));
    }
}
