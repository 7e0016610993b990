//! `secrets`: no key and no password is in the change, and none is ever shown.
//!
//! Three rules: keys whose makers gave them a form that can be recognised, values of high entropy
//! that are assigned to a name that says what they are, and passwords: in an address, or shorter ones that are
//! given to a name which ends so. Written here because no maintained library
//! of such rules builds on the oldest Rust that orch supports; the forms are those that the makers
//! document.

use crate::agent::keys::{FORMS, dotted, word};
use crate::gate::change::File;
use crate::gate::finding::Finding;
use crate::state::concern::Concern;
use std::ops::Range;

/// Parts of names that hold secrets.
const NAMES: [&str; 9] =
    ["secret", "token", "passwd", "password", "api_key", "apikey", "api-key", "private_key", "access_key"];
/// Parts of values that are none.
const PLACEHOLDERS: [&str; 16] = [
    "example",
    "changeme",
    "placeholder",
    "your",
    "dummy",
    "redacted",
    "xxxx",
    "1234567890",
    "abcdef",
    "test",
    "fake",
    "sample",
    "todo",
    "localhost",
    "process.env",
    "secrets.",
];
/// Parts of paths where values are made up.
const MADE_UP: [&str; 9] =
    ["test", "spec", "fixture", "example", "sample", "mock", "testdata", "docs/", "snapshots/"];
/// The fewest characters of a value that is looked at.
const VALUE: usize = 20;
/// The fewest bits a character of a value that could be a secret.
const ENTROPY: f64 = 3.5;

/// Added lines with a secret; what is shown of it is how it begins.
#[must_use]
pub fn findings(files: &[File]) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in files {
        let path = file.shown.to_ascii_lowercase();
        let made_up = MADE_UP.iter().any(|part| path.contains(part));
        for (number, line) in file.added() {
            if let Some((at, what)) = known(line) {
                let fact = format!("{what}: `{}`", shown(line, &at));
                found.push(Finding::error(Concern::Secrets, &file.shown, Some(number), fact));
            } else if let Some(at) = assigned(line).or_else(|| password(line)) {
                let fact = format!("something like a secret: `{}`", shown(line, &at));
                found.push(if made_up {
                    Finding::warning(Concern::Secrets, &file.shown, Some(number), fact)
                } else {
                    Finding::error(Concern::Secrets, &file.shown, Some(number), fact)
                });
            }
        }
    }
    found
}

/// A text without its secrets.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let mut rest = line;
        while let Some(at) =
            known(rest).map(|(at, _)| at).or_else(|| assigned(rest)).or_else(|| password(rest))
        {
            out.push_str(&rest[..at.start]);
            out.push_str(&shown(rest, &at));
            rest = &rest[at.end..];
        }
        out.push_str(rest);
    }
    out
}

/// How a secret begins, and how long it is.
fn shown(line: &str, at: &Range<usize>) -> String {
    let secret = &line[at.clone()];
    let begin: String = secret.chars().take(4).collect();
    format!("{begin}… ({} characters)", secret.chars().count())
}

/// The first key of a known form in a line.
fn known(line: &str) -> Option<(Range<usize>, &'static str)> {
    if line.len() < VALUE {
        return None;
    }
    if let Some(at) = line.find("-----BEGIN ").filter(|at| line[*at..].contains("PRIVATE KEY")) {
        return Some((at..line.len(), "a private key"));
    }
    let bytes = line.as_bytes();
    for form in &FORMS {
        for (at, _) in line.match_indices(form.prefix) {
            let begins = at == 0 || !word(bytes[at - 1]);
            let from = at + form.prefix.len();
            let length = bytes[from..].iter().take_while(|byte| (form.body)(**byte)).count();
            let end = from + length;
            if begins && length >= form.least && is_random(&line[from..end]) {
                return Some((at..end, form.what));
            }
        }
    }
    None
}

/// The password in the address of a server, or one that is given to a name which ends so.
fn password(line: &str) -> Option<Range<usize>> {
    in_address(line).or_else(|| given(line))
}

/// `postgres://admin:…@db.acme.internal/app`.
fn in_address(line: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(at) = line[from..].find("://").map(|at| from + at + 3) {
        from = at;
        let end = line[at..].find(|c: char| "/ \t\"'`<>,)".contains(c)).map_or(line.len(), |end| at + end);
        let Some((who, host)) = line[at..end].rsplit_once('@') else { continue };
        let Some((user, text)) = who.split_once(':') else { continue };
        let here = host.contains('.')
            && !host.starts_with("127.")
            && !PLACEHOLDERS.iter().any(|part| host.contains(part));
        let start = at + user.len() + 1;
        if here && text != user && is_password(text, 8) {
            return Some(start..start + text.len());
        }
    }
    None
}

/// `db_password = "…"`, `DB_PASSWORD=…`.
fn given(line: &str) -> Option<Range<usize>> {
    let lower = line.to_ascii_lowercase();
    let name =
        ["password", "passwd"].iter().filter_map(|name| lower.rfind(name).map(|at| at + name.len())).max()?;
    let behind = line[name..].trim_start_matches(['"', '\'', ']']);
    let value = behind.trim_start().strip_prefix(['=', ':'])?;
    let bare = value.trim().trim_end_matches([',', ';']);
    let quote = bare.chars().next().filter(|c| "\"'".contains(*c));
    let text = match quote {
        Some(quote) => bare[1..].split(quote).next().filter(|text| text.len() + 2 == bare.len())?,
        // As files of the environment have it: nothing else is in the line.
        None if behind.starts_with('=')
            && value == bare
            && lower.trim_start_matches("export ").find(' ').is_none() =>
        {
            bare
        }
        None => return None,
    };
    let start = line.len() - value.len() + value.find(text)?;
    is_password(text, 10).then(|| start..start + text.len())
}

/// Whether a text could be somebody's password, and no placeholder of one.
fn is_password(text: &str, least: usize) -> bool {
    let has = |of: fn(&u8) -> bool| text.bytes().any(|b| of(&b));
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#%&*+-.=?@^_~".contains(&b));
    let lower = text.to_ascii_lowercase();
    let said = ["pass", "secret", "pwd", "admin", "user", "root", "guest", "hunter", "qwert"]
        .iter()
        .any(|part| lower.contains(part));
    let mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    text.len() >= least && plain && mixed && !said && is_random(text)
}

/// The first value of high entropy that is given to a name which says that it is secret.
fn assigned(line: &str) -> Option<Range<usize>> {
    let lower = line.to_ascii_lowercase();
    let name = NAMES.iter().filter_map(|name| lower.find(name).map(|at| at + name.len())).min()?;
    let sign = name + lower[name..].find(['=', ':'])?;
    // The name is all that may stand before the sign, with its end and its quote.
    if lower[name..sign].chars().any(|c| !(c.is_ascii_alphanumeric() || "_-\"' \t]".contains(c))) {
        return None;
    }
    let from = sign + 1 + lower[sign + 1..].find(|c: char| !"=:> \t\"'`".contains(c))?;
    let value = |b: u8| dotted(b) || b == b'+' || b == b'/' || b == b'=';
    let length = line.as_bytes()[from..].iter().take_while(|byte| value(**byte)).count();
    let text = &line[from..from + length];
    let mixed = text.bytes().any(|b| b.is_ascii_digit()) && text.bytes().any(|b| b.is_ascii_alphabetic());
    let path_or_call = text.contains("://") || line[from + length..].starts_with(['(', '{', '[']);
    (length >= VALUE
        && mixed
        && !path_or_call
        && !is_name(text)
        && is_random(text)
        && entropy(text) >= ENTROPY)
        .then(|| from..from + length)
}

/// Whether a text is a name that code has: words, a number or two at their ends.
fn is_name(text: &str) -> bool {
    let word = |part: &str| {
        let letters = part.trim_end_matches(|c: char| c.is_ascii_digit());
        let cased = letters.bytes().all(|b| b.is_ascii_lowercase())
            || letters.bytes().all(|b| b.is_ascii_uppercase());
        cased && letters.len() >= 2 && part.len() - letters.len() <= 2
    };
    text.contains('_') && text.split(['_', '.']).all(word)
}

/// Whether a text could have been drawn, and is not made up for people.
fn is_random(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    !PLACEHOLDERS.iter().any(|part| lower.contains(part)) && entropy(text) > 2.8
}

/// Bits a character.
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let length = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX)).max(1.0);
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|p| -p * p.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::change::tests::file;
    use proptest::prelude::*;

    /// Not written out, so that nobody takes the tests for a leak.
    fn key(prefix: &str, length: usize) -> String {
        let body: String = "q7Xw2Zr9Kd4Tn8Vb3Ym6Hc5Jf1Lg0Ps".chars().cycle().take(length).collect();
        format!("{prefix}{body}")
    }

    #[test]
    fn keys_of_every_form_are_found_and_not_shown() {
        for form in &FORMS {
            let mut secret = key(form.prefix, 110);
            if form.what.starts_with("an AWS") || form.what == "an age key" {
                secret = secret.to_ascii_uppercase();
            }
            if [64, 32].contains(&form.least) {
                secret = format!("{}{}", form.prefix, "0a1b2c3d4e5f69788f7e6d5c4b3a2918".repeat(2));
            }
            let found = findings(&[file("src/a.rs", None, Some(&format!("let k = \"{secret}\";\n")))]);
            assert_eq!(found.len(), 1, "{secret}");
            assert!(!found[0].fact.contains(&secret), "{}", found[0].fact);
            assert!(!redact(&format!("a {secret} b {secret}")).contains(&secret));
        }
    }

    #[test]
    fn placeholders_references_and_hashes_are_honest() {
        for line in [
            "AKIAIOSFODNN7EXAMPLE",
            "token = \"ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"",
            "password = os.environ[\"DATABASE_PASSWORD_FOR_PRODUCTION_1\"]",
            "api_key: ${{ secrets.PRODUCTION_API_KEY_NUMBER_2 }}",
            "secret = get_secret_from_vault_number_1(path)",
            "checksum = \"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"",
            "const TOKEN_URL: &str = \"https://auth.acme.dev/oauth/v2/token\";",
            "let tokens: Vec<String> = tokenizer.split_whitespace_and_marks_v2();",
            "risk-assessment-of-the-whole-department-in-the-year-twenty-twenty-six",
        ] {
            assert_eq!(findings(&[file("src/a.rs", None, Some(line))]), [], "{line}");
        }
    }

    #[test]
    fn a_value_of_high_entropy_counts_by_its_name() {
        let line = format!("DB_PASSWORD = \"{}\"\n", key("", 24));
        assert_eq!(findings(&[file("src/a.py", None, Some(&line))]).len(), 1);
        let line = format!("digest = \"{}\"\n", key("", 24));
        assert!(findings(&[file("src/a.py", None, Some(&line))]).is_empty());
    }

    #[test]
    fn passwords_are_found_and_placeholders_are_not() {
        // Not written out, so that nobody takes the tests for a leak.
        let word = ["hV8xq2", "LmZt9w"].concat();
        for line in [
            format!("DATABASE_URL=postgres://admin:{word}@db.acme.internal/app"),
            format!("db_password = \"{word}\""),
            format!("  \"password\": \"{word}\","),
            format!("DB_PASSWORD={word}"),
        ] {
            assert_eq!(findings(&[file("src/settings.py", None, Some(&line))]).len(), 1, "{line}");
            assert!(!redact(&line).contains(&word), "{line}");
        }
        for line in [
            "DATABASE_URL=postgres://postgres:postgres@localhost:5432/app".to_owned(),
            "DATABASE_URL=postgres://app:${DB_PASSWORD}@db.acme.internal/app".to_owned(),
            format!("url = \"postgres://app:{word}@db:5432/app\""),
            "password = \"Password123\"".to_owned(),
            "password = \"changeme2024A\"".to_owned(),
            "password = getPass2word(Config)".to_owned(),
            "let password = read_line2Secret;".to_owned(),
            format!("password_hash = \"{word}\""),
            "label.password = \"Your password, 8 Characters or more\"".to_owned(),
            "git clone https://user:token@github.com/a/b".to_owned(),
        ] {
            assert_eq!(findings(&[file("src/settings.py", None, Some(&line))]), [], "{line}");
        }
    }

    #[test]
    fn a_private_key_is_found() {
        let text = ["-----BEGIN RSA PRIVATE", " KEY-----\nMIIE\n"].concat();
        assert_eq!(findings(&[file("deploy/id", None, Some(&text))])[0].line, Some(1));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_none_grows_much(text in "(\\PC|password|=|AKIA|ghp_|[A-Z0-9]{8}|\"|\n){0,40}") {
            let clean = redact(&text);
            prop_assert_eq!(redact(&clean).lines().count(), clean.lines().count());
        }
    }
}
