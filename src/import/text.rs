//! Text from outside, made harmless: no control characters, bounded sizes, known times.

use crate::state::task::is_unprintable;
pub(super) use crate::state::task::one_line;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// The content of a file as text, without a byte order mark; what is not UTF-8 is replaced.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
}

/// Several lines without control, bidi or invisible characters, with `\n` only.
///
/// Lines keep their indentation; blank lines at both ends go.
pub(super) fn lines(text: &str) -> String {
    let unix = text.replace("\r\n", "\n").replace('\r', "\n");
    let clean: String = unix.chars().filter(|c| matches!(c, '\n' | '\t') || !is_unprintable(*c)).collect();
    let mut kept: Vec<&str> = clean.split('\n').map(str::trim_end).collect();
    while kept.last().is_some_and(|line| line.is_empty()) {
        kept.pop();
    }
    let first = kept.iter().position(|line| !line.is_empty()).unwrap_or(0);
    kept[first..].join("\n")
}

/// Cuts a text to at most `max` bytes, between characters; says whether it had to.
pub(super) fn cut(text: &mut String, max: usize) -> bool {
    if text.len() <= max {
        return false;
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    true
}

/// The moment that a text names, to the second: RFC 3339, or a date with or without a time (UTC).
pub(super) fn time(text: &str) -> Option<Timestamp> {
    // GitLab writes the name of the zone.
    let text = text.trim().trim_end_matches(" UTC");
    if !(10..=64).contains(&text.len()) {
        return None;
    }
    let utc = |at: DateTime| at.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let moment = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok().and_then(utc))
        .or_else(|| text.parse::<Date>().ok().and_then(|day| utc(day.at(0, 0, 0, 0))))?;
    moment.round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Trunc)).ok()
}

/// A few bits that depend on all parts, the same on every machine.
pub(super) fn hash(parts: &[&str]) -> u64 {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    let digest = hasher.finalize();
    digest.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

/// The last component of a path.
pub(super) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What follows the last dot of a file's name, in lower case.
pub(super) fn extension(path: &str) -> String {
    name_of(path).rsplit_once('.').map_or_else(String::new, |(_, extension)| extension.to_ascii_lowercase())
}

/// Paths in a text that are safe as globs: relative, with a folder, nothing special in them.
pub(super) fn paths_in(text: &str) -> Vec<String> {
    let edge = |c: char| matches!(c, '`' | '\'' | '"' | '(' | ')' | ',' | ';' | ':' | '.' | '*');
    text.split_whitespace()
        .map(|word| word.trim_end_matches(edge).trim_start_matches(|c| edge(c) && c != '.'))
        .filter(|word| word.contains('/'))
        .filter_map(safe_path)
        .collect()
}

/// A path that is safe as a glob; a folder means everything in it.
pub(super) fn safe_path(path: &str) -> Option<String> {
    let path = path.trim().trim_start_matches("./");
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/' | b'@' | b'+');
    let shape =
        !path.is_empty() && path.len() <= 200 && path.bytes().all(legal) && !path.starts_with(['/', '-']);
    let file = name_of(path);
    let parts_fine =
        path.trim_end_matches('/').split('/').all(|part| !part.is_empty() && part != ".." && part != ".");
    if !shape || !parts_fine {
        None
    } else if file.is_empty() {
        Some(format!("{path}**"))
    } else {
        file.contains('.').then(|| path.to_owned())
    }
}

/// The items of a list in prose: every line that says something, without its marker; an indented
/// line goes on with the item before it.
pub(super) fn items(text: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let body = unmarked(line.trim());
        let goes_on = body == line.trim() && line.starts_with([' ', '\t']);
        match items.last_mut() {
            Some(last) if goes_on => {
                last.push(' ');
                last.push_str(body);
            }
            _ => items.push(body.to_owned()),
        }
    }
    items.retain(|item| !item.is_empty());
    items
}

/// A line without its list marker, checkbox or heading marks.
pub(super) fn unmarked(line: &str) -> &str {
    let line = line.trim();
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rest = if let Some(rest) = ["- ", "* ", "+ "].iter().find_map(|mark| line.strip_prefix(mark)) {
        rest
    } else if let Some(rest) =
        line.get(digits..).filter(|_| digits > 0).and_then(|rest| rest.strip_prefix(['.', ')']))
    {
        if rest.starts_with(' ') { rest } else { line }
    } else {
        line.trim_start_matches('#')
    };
    let rest = rest.trim_start();
    ["[ ]", "[x]", "[X]"].iter().find_map(|mark| rest.strip_prefix(mark)).unwrap_or(rest).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_loses_what_steers_a_terminal_and_keeps_its_lines() {
        assert_eq!(lines("\r\n\r\na\u{1b}[31m b\r\n\tc\u{202e}\u{0}  \r\n\n"), "a[31m b\n\tc");
        assert_eq!(lines(" \n \n"), "");
    }

    #[test]
    fn times_are_read_in_every_spelling_that_was_seen() {
        let at = |text: &str| time(text).map(|moment| moment.to_string());
        assert_eq!(at("2025-11-02T21:58:07.295058-08:00").as_deref(), Some("2025-11-03T05:58:07Z"));
        assert_eq!(at("2026-01-12T12:29:15.106618817Z").as_deref(), Some("2026-01-12T12:29:15Z"));
        assert_eq!(at("2026-01-01 23:37").as_deref(), Some("2026-01-01T23:37:00Z"));
        assert_eq!(at("2026-09-14 08:00:00 UTC").as_deref(), Some("2026-09-14T08:00:00Z"));
        assert_eq!(at("2025-06-20").as_deref(), Some("2025-06-20T00:00:00Z"));
        for bad in ["", "yesterday", "2025-13-40", "0000000000000", "99999-01-01T00:00:00Z"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }

    #[test]
    fn paths_are_taken_only_when_they_are_safe_as_globs() {
        assert_eq!(
            paths_in(
                "Add x in `src/api/mod.rs`, then (docs/) and ../up.rs /etc/passwd a/*.rs http://x.y/z.html frontend/.env"
            ),
            ["src/api/mod.rs", "docs/**", "frontend/.env"]
        );
        assert_eq!(safe_path("Cargo.toml").as_deref(), Some("Cargo.toml"));
        assert_eq!(safe_path("and/or"), None);
    }

    #[test]
    fn a_list_in_prose_becomes_its_items() {
        assert_eq!(
            items("- [x] one\n  goes on\n2. two\n\nCases:\n* three\n### four\n3.5 GB fit"),
            ["one goes on", "two", "Cases:", "three", "four", "3.5 GB fit"]
        );
    }

    #[test]
    fn a_cut_falls_between_characters() {
        let mut text = "aé".to_owned();
        assert!(cut(&mut text, 2));
        assert_eq!(text, "a");
        assert!(!cut(&mut text, 2));
    }
}
