//! `invisible-characters`: no line was added that shows something else than it says.
//!
//! Joiners are part of some scripts and of emoji, so they count only between plain letters; prose
//! may have marks that code may not.

use crate::gate::change::File;
use crate::gate::finding::Finding;
use crate::state::concern::Concern;

/// Endings of files that people read and no program runs.
const PROSE: [&str; 8] = [".md", ".txt", ".rst", ".adoc", ".po", ".pot", ".html", ".csv"];

/// Added lines that hide something.
#[must_use]
pub fn findings(files: &[File]) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in files {
        let prose = PROSE.iter().any(|ending| file.shown.to_ascii_lowercase().ends_with(ending));
        for (number, line) in file.added().into_iter().filter(|(_, line)| !line.is_ascii()) {
            // A mark of byte order may begin a file.
            let text = if number == 1 { line.trim_start_matches('\u{feff}') } else { line };
            let Some((what, c)) = hidden(text) else { continue };
            let fact = format!("{what} (U+{:04X})", u32::from(c));
            let line = Some(number);
            found.push(match what {
                Hidden::Order => Finding::error(Concern::InvisibleCharacters, &file.shown, line, fact),
                Hidden::Nothing if prose => {
                    Finding::warning(Concern::InvisibleCharacters, &file.shown, line, fact)
                }
                Hidden::Nothing => Finding::error(Concern::InvisibleCharacters, &file.shown, line, fact),
            });
        }
    }
    found
}

/// What a character does to what is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hidden {
    /// It turns the order of others around.
    Order,
    /// It shows nothing.
    Nothing,
}

impl std::fmt::Display for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Order => "a character turns the order of others around",
            Self::Nothing => "a character shows nothing",
        })
    }
}

fn hidden(line: &str) -> Option<(Hidden, char)> {
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        let after = line[at + c.len_utf8()..].chars().next().unwrap_or(' ');
        match c {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => return Some((Hidden::Order, c)),
            // Joiners, and the tags of flags, belong to what stands before them.
            '\u{200c}' | '\u{200d}' | '\u{e0020}'..='\u{e007f}'
                if !before.is_ascii() && !after.is_ascii_alphanumeric() => {}
            '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{2065}'
            | '\u{feff}'
            | '\u{3164}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{ffa0}'
            | '\u{e0000}'..='\u{e007f}'
            | '\u{e0100}'..='\u{e01ef}' => return Some((Hidden::Nothing, c)),
            _ => {}
        }
        before = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::change::tests::file;
    use crate::state::problem::Severity;

    fn of(path: &str, old: &str, new: &str) -> Vec<Severity> {
        findings(&[file(path, Some(old), Some(new))]).iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn only_added_lines_count() {
        assert_eq!(of("a.rs", "a\n", "a\nlet x = \"\u{202e}\";\n"), [Severity::Error]);
        assert_eq!(of("a.rs", "let x = \"\u{202e}\";\n", "b\n  let x = \"\u{202e}\";\n"), []);
        assert_eq!(of("a.py", "", "is_admin\u{200b} = 1\n"), [Severity::Error]);
        assert_eq!(of("a.md", "", "a\u{200b}b\n"), [Severity::Warning]);
    }

    #[test]
    fn scripts_emoji_and_marks_of_byte_order_are_honest() {
        for text in [
            "\u{feff}using System;\n",
            "👩\u{200d}💻\n",
            "می\u{200c}خواهم\n",
            "é ü 日本\n",
            "🏴\u{e0067}\u{e007f} x\n",
        ] {
            assert_eq!(of("a.cs", "", text), [], "{text:?}");
        }
    }
}
