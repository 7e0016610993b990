//! What is checked of every file before its shape matters.
//!
//! In: a path and bytes. Out: text, or the problem that there is none.

use super::super::layout::MAX_FILE_BYTES;
use super::super::problem::Problem;
use super::super::task::one_line;
use super::marks;

/// What makes a text unusable before it is parsed.
pub(super) fn text_of<'a>(path: &str, bytes: &'a [u8]) -> Result<&'a str, Problem> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let fact = format!("the file has {} bytes, more than {MAX_FILE_BYTES}", bytes.len());
        return Err(Problem::error(path, None, fact).with_remedy("shorten the file"));
    }
    let line_at = |at: usize| Some(bytes[..at].split(|&b| b == b'\n').count());
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::error(path, line_at(error.valid_up_to()), "the file is not UTF-8")
            .with_remedy("save the file as UTF-8")
    })?;
    if let Some(at) = bytes.iter().position(|&b| b == 0) {
        return Err(Problem::error(path, line_at(at), "the file has a NUL character")
            .with_remedy("remove the character"));
    }
    if let Some(line) = marks::first_line(text) {
        return Err(Problem::error(path, Some(line), "git conflict markers")
            .with_remedy("type `orch doctor`: it names what is to be decided, and what `--fix` can decide"));
    }
    Ok(text)
}

/// Text of a file as a message may show it.
pub(super) fn clean(text: &str) -> String {
    one_line(text, 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(bytes: &[u8]) -> String {
        let problem = text_of("f.toml", bytes).unwrap_err();
        assert!(problem.is_error() && problem.remedy.is_some());
        problem.to_string()
    }

    #[test]
    fn bytes_that_are_not_usable_text_are_refused() {
        assert_eq!(fact(b"a = 1\nb = \"\xff\"\n"), "f.toml:2: the file is not UTF-8");
        assert_eq!(fact(b"a = 1\n\n# \0\n"), "f.toml:3: the file has a NUL character");
        let large = vec![b'#'; (1 << 20) + 1];
        assert_eq!(fact(&large), "f.toml: the file has 1048577 bytes, more than 1048576");
    }

    #[test]
    fn a_conflict_that_git_left_is_named() {
        let text = b"a = 1\n<<<<<<< HEAD\nb = 1\n=======\n>>>>>>> x\n";
        assert_eq!(fact(text), "f.toml:2: git conflict markers");
        assert_eq!(fact(b">>>>>>>\r\n"), "f.toml:1: git conflict markers");
    }

    #[test]
    fn a_line_of_equals_signs_is_prose() {
        for text in ["Title\n=======\n", " <<<<<<< x\n", "<<<<<<<<<<\n"] {
            assert_eq!(text_of("f.toml", text.as_bytes()), Ok(text));
        }
    }
}
