//! What may go to a terminal.
//!
//! In: any text, from a task, an issue or an agent. Out: text that only shows something.
//! Invariant: no control character, escape, bidi override or invisible character survives; each is
//! replaced by its visible spelling, such as `\u{202e}`. Every function here is linear.

use crate::state::task::is_unprintable;
use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Marks that may sit on one character; more would paint over the lines around it.
const MARKS_PER_CHARACTER: usize = 4;
/// How a command begins that old CI runners find anywhere in a line.
const OLD_COMMAND: &str = "##[";
/// How the width of a tab is shown where lines are kept.
const TAB: &str = "    ";

/// One line that is safe to show; line ends are spelled out as `\n`.
#[must_use]
pub fn text(raw: &str) -> String {
    if is_plain(raw) { raw.to_owned() } else { visible(raw, false) }
}

/// Text that is safe to show, with its line ends kept and its tabs as spaces.
#[must_use]
pub fn lines(raw: &str) -> String {
    visible(raw, true)
}

/// Text in which a CI runner sees no command of its own: neither `::error::` at the start of a line, nor the
/// older `##[error]` anywhere in one.
#[must_use]
pub fn inert(text: &str) -> Cow<'_, str> {
    if !text.contains("::") && !text.contains(OLD_COMMAND) {
        return Cow::Borrowed(text);
    }
    let spell = |line: &str| {
        let start = line.len() - line.trim_start().len();
        let (indent, rest) = line.split_at(start);
        match rest.strip_prefix("::") {
            Some(rest) => format!("{indent}\\u{{3a}}:{rest}"),
            None => line.to_owned(),
        }
    };
    let lines: String = text.split_inclusive('\n').map(spell).collect();
    Cow::Owned(lines.replace(OLD_COMMAND, "#\\u{23}["))
}

/// One line for the cell of a table in Markdown: it formats nothing, links to nothing and loads nothing.
#[must_use]
pub fn cell(raw: &str) -> String {
    let mut safe = String::with_capacity(raw.len());
    for c in text(raw).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '`' => safe.push('\''),
            '\\' | '|' | '[' | ']' | '*' => safe.extend(['\\', c]),
            _ => safe.push(c),
        }
    }
    safe
}

/// Spells dangerous characters of a JSON document as `\uXXXX`: the same value, safe to show and to embed in HTML.
#[must_use]
pub fn json(document: &str) -> String {
    let mut safe = String::with_capacity(document.len());
    // What most documents are made of is taken in whole pieces.
    let mut rest = document;
    while let Some(at) = rest.bytes().position(|byte| !is_harmless(byte)) {
        let (plain, more) = rest.split_at(at);
        safe.push_str(plain);
        let mut chars = more.chars();
        let Some(c) = chars.next() else { break };
        rest = chars.as_str();
        let layout = matches!(c, '\n' | ' ');
        if !layout && (is_dangerous(c) || is_selector(c) || matches!(c, '<' | '>' | '&')) {
            let mut units = [0; 2];
            safe.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            safe.push(c);
        }
    }
    safe.push_str(rest);
    // Within strings alone can this be; the value stays the same.
    if safe.contains(OLD_COMMAND) { safe.replace(OLD_COMMAND, "#\\u0023[") } else { safe }
}

/// Whether a byte of a document means the same to everybody.
fn is_harmless(byte: u8) -> bool {
    matches!(byte, b'\n' | b' '..=b'~') && !matches!(byte, b'<' | b'>' | b'&')
}

/// Cuts a text to a display width; what is cut becomes `…`.
#[must_use]
pub fn truncate(text: &str, width: usize) -> String {
    truncate_with(text, width, "…")
}

/// Cuts a text to a display width; what is cut becomes `mark`, where there is room for it.
#[must_use]
pub fn truncate_with(text: &str, width: usize, mark: &str) -> String {
    if text.len() <= width && is_plain(text) {
        return text.to_owned();
    }
    let (mut used, mut kept, mut before) = (0, 0, 0);
    let room = width.saturating_sub(mark.width());
    for (at, c) in text.char_indices() {
        let own = advance(c, before);
        if used + own > width {
            let mark = if mark.width() <= width { mark } else { "" };
            return text[..kept].trim_end().to_owned() + mark;
        }
        used += own;
        before = if own == 0 { before } else { own };
        if used <= room {
            kept = at + c.len_utf8();
        }
    }
    text.to_owned()
}

/// Columns that a text takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    if is_plain(text) { text.len() } else { text.width() }
}

/// Whether a text is what most are: printable ASCII, one column each.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Columns that a character adds after one of width `before`; never less than a terminal uses.
fn advance(c: char, before: usize) -> usize {
    if c == '\u{fe0f}' { 2_usize.saturating_sub(before) } else { c.width().unwrap_or(1) }
}

fn visible(raw: &str, keep_lines: bool) -> String {
    let mut safe = String::with_capacity(raw.len());
    let (mut marks, mut on_character) = (0, false);
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if keep_lines && chars.peek() == Some(&'\n') => continue,
            '\n' if keep_lines => safe.push('\n'),
            '\t' if keep_lines => safe.push_str(TAB),
            // One selector chooses between the two looks of an emoji; a run of them hides data.
            _ if is_selector(c) && on_character && marks == 0 => safe.push(c),
            _ if is_dangerous(c) || is_selector(c) => safe.push_str(&spelled(c)),
            _ if c.width() == Some(0) && marks >= MARKS_PER_CHARACTER => {
                if marks == MARKS_PER_CHARACTER {
                    safe.push('\u{fffd}');
                }
            }
            _ => safe.push(c),
        }
        let is_mark = c.width() == Some(0) && !is_dangerous(c);
        marks = if is_mark { marks + 1 } else { 0 };
        on_character = is_mark && on_character || !is_mark && !c.is_whitespace() && !is_dangerous(c);
    }
    safe
}

fn spelled(c: char) -> String {
    match c {
        '\n' | '\r' | '\t' => c.escape_default().to_string(),
        _ => c.escape_unicode().to_string(),
    }
}

/// The two selectors that ordinary emoji carry.
fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe0e}' | '\u{fe0f}')
}

/// Whether a character steers a terminal, reorders text, shows nothing, or is none.
#[must_use]
pub fn is_dangerous(c: char) -> bool {
    is_unprintable(c)
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0d}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
        || matches!(c, '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_steers_a_terminal_is_spelled_out() {
        assert_eq!(text("a\x1b[31mb"), "a\\u{1b}[31mb");
        assert_eq!(text("\u{9b}2J"), "\\u{9b}2J");
        assert_eq!(text("abc\u{202e}cba"), "abc\\u{202e}cba");
        assert_eq!(text("a\u{200b}b\u{ad}c\u{feff}"), "a\\u{200b}b\\u{ad}c\\u{feff}");
        assert_eq!(text("\u{ffff}\u{1fffe}\u{fdd0}\u{3164}"), "\\u{ffff}\\u{1fffe}\\u{fdd0}\\u{3164}");
        assert_eq!(text("one\r\ntwo\tthree\u{7f}"), "one\\r\\ntwo\\tthree\\u{7f}");
    }

    #[test]
    fn ordinary_text_of_any_language_stays_as_it_is() {
        for ordinary in ["naïve café", "日本語のタイトル", "ошибка", "a \\ b", "⚠️ careful ✔", "हिन्दी", "🙂"]
        {
            assert_eq!(text(ordinary), ordinary);
        }
    }

    #[test]
    fn line_ends_are_kept_only_where_lines_are_wanted() {
        assert_eq!(lines("one\r\ntwo\n\tthree\rfour\x1b"), "one\ntwo\n    three\\rfour\\u{1b}");
    }

    #[test]
    fn a_heap_of_marks_and_hidden_selectors_is_cut_down() {
        assert_eq!(text(&format!("a{}", "\u{301}".repeat(500))).chars().count(), 6);
        assert_eq!(text("❤\u{fe0f}\u{fe0f}"), "❤\u{fe0f}\\u{fe0f}");
        assert_eq!(text("\u{fe0f}"), "\\u{fe0f}");
    }

    #[test]
    fn a_long_text_is_cut_by_its_width() {
        assert_eq!(truncate("abcdef", 6), "abcdef");
        assert_eq!(truncate("abcdef", 4), "abc…");
        assert_eq!(truncate("日本語", 5), "日本…");
        assert_eq!(truncate("日本語", 4), "日…");
        assert_eq!(truncate("one two", 5), "one…");
        assert_eq!(truncate("ab", 0), "");
        assert_eq!(truncate_with("abcdef", 5, "..."), "ab...");
        assert_eq!(truncate_with("abcdef", 2, "..."), "");
    }

    #[test]
    fn json_keeps_its_value_and_shows_nothing_dangerous() {
        let value = "</script>\u{9b}\u{202e}\u{e0041}\u{2028}é";
        let document = serde_json::to_string(value).unwrap();
        let safe = json(&document);
        assert_eq!(safe, r#""\u003c/script\u003e\u009b\u202e\udb40\udc41\u2028é""#);
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), value);
    }

    #[test]
    fn no_ci_runner_finds_a_command_in_it() {
        let hostile =
            "::error::a\n  ::add-mask::b\nok ::c::\n \u{a0}::set-env::d\r\n##[error]e\nf ###[group]\n";
        let safe = inert(hostile);
        assert!(safe.lines().all(|line| !line.trim_start().starts_with("::")), "{safe}");
        assert!(!safe.contains("##["), "{safe}");
        assert!(safe.contains("\n  \\u{3a}:add-mask::b\nok ::c::\n"), "{safe}");
        assert_eq!(inert("a::b\n# [c]\n"), "a::b\n# [c]\n");
        let document = serde_json::to_string("##[error]").unwrap();
        assert_eq!(json(&document), r##""#\u0023[error]""##);
        assert_eq!(serde_json::from_str::<String>(&json(&document)).unwrap(), "##[error]");
    }

    /// Text in which the characters that matter are common.
    fn hostile() -> impl Strategy<Value = String> {
        let character = prop_oneof![
            any::<char>(),
            proptest::sample::select(vec![
                '\n',
                '\t',
                '\r',
                '\x1b',
                '\u{9b}',
                '\u{202e}',
                '\u{200d}',
                '\u{fe0f}',
                '\u{fe0e}',
                '\u{301}',
                '日',
                'a',
                ' ',
                '1',
                '❤',
                '👍',
                '\u{1f3fb}',
                '\u{3164}',
                '\u{ffff}',
                '\u{e0061}',
            ]),
        ];
        proptest::collection::vec(character, 0..60).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn no_dangerous_character_survives(raw in hostile()) {
            prop_assert!(!text(&raw).chars().any(is_dangerous));
            prop_assert!(!lines(&raw).chars().any(|c| c != '\n' && is_dangerous(c)));
            prop_assert!(!text(&raw).chars().any(char::is_control));
        }

        #[test]
        fn safe_text_is_safe_already(raw in hostile()) {
            let once = text(&raw);
            prop_assert_eq!(text(&once), once);
        }

        #[test]
        fn a_cut_text_is_never_wider_than_asked(raw in hostile(), columns in 0_usize..30) {
            let cut = truncate(&text(&raw), columns);
            prop_assert!(width(&cut) <= columns, "{:?} has {}", cut, width(&cut));
        }

        #[test]
        fn safe_json_has_the_same_value(raw in hostile()) {
            let safe = json(&serde_json::to_string(&raw).unwrap());
            prop_assert!(!safe.chars().any(is_dangerous));
            prop_assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), raw);
        }
    }
}
