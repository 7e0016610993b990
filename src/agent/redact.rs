//! Secrets that leave what an agent says before anything of it is written.
//!
//! In: the values that an agent may know, and bytes as they come, in pieces of any size. Out: the same
//! bytes with a mark where a secret was. Known are the values themselves, the same in base64, hexadecimal,
//! percent and JSON, keys of a known form, and private keys. Invariant: how the bytes are cut into pieces
//! changes nothing; without secrets nothing is changed. Not here: values of fewer than [`LEAST`] bytes,
//! which are words.

use super::keys::{FORMS, Form};
use crate::effects::{Finished, KEPT_OUTPUT};
use regex::bytes::{Regex, RegexBuilder};
use std::ops::Range;

/// The fewest bytes of a value that is a secret.
pub const LEAST: usize = 8;
/// What stands where a secret was.
pub const MARK: &str = "[redacted]";
/// The longest run of a token's characters that is kept back until it ends.
const RUN: usize = 4096;
/// The longest private key that is left out.
const PRIVATE_KEY: usize = 64 << 10;
/// How a private key begins, and ends.
const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
/// What its first line says, in the end.
const KINDS: [&[u8]; 2] = [b"PRIVATE KEY", b"PRIVATE KEY BLOCK"];
/// The most bytes that its first line says before that.
const OF_A_KIND: usize = 40;
/// The most bytes of its first line.
const BEGIN_LEAST: usize = 80;

/// Finds secrets.
#[derive(Debug)]
pub struct Redactor {
    /// How secrets begin. Nothing else is in this pattern, so that it is made in no time and fast. None
    /// where there are too many values for one pattern: then everything is a secret.
    heads: Option<Regex>,
    /// The values in all their forms, the longest first: of two at one place it is the longer one.
    needles: Vec<Vec<u8>>,
}

impl Redactor {
    /// Finds these values, and keys of a known form.
    #[must_use]
    pub fn new<'v>(values: impl IntoIterator<Item = &'v str>) -> Self {
        let mut needles: Vec<Vec<u8>> = values
            .into_iter()
            .map(str::trim)
            .filter(|value| value.len() >= LEAST)
            .flat_map(|value| forms_of(value.as_bytes()))
            .filter(|needle| needle.len() >= LEAST)
            .collect();
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        needles.dedup();
        let prefixes = FORMS.iter().map(|form| form.prefix.as_bytes());
        let heads = needles.iter().map(Vec::as_slice).chain(prefixes).chain([BEGIN]);
        let all: Vec<String> = heads.map(literal).collect();
        let pattern = format!("(?-u:{})", all.join("|"));
        let built = RegexBuilder::new(&pattern).size_limit(64 << 20).build();
        Self { heads: built.ok(), needles }
    }

    /// The bytes of the longest value, in its longest form.
    fn longest(&self) -> usize {
        self.needles.first().map_or(0, Vec::len)
    }

    /// Bytes without secrets.
    #[must_use]
    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut stream = self.stream();
        stream.feed(bytes, &mut out);
        stream.end(&mut out);
        out
    }

    /// A text without secrets.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.bytes(text.as_bytes())).into_owned()
    }

    /// What a program did, without secrets. Where its output was cut, the line that lost its beginning
    /// may have lost that of a secret, and goes.
    #[must_use]
    pub fn finished(&self, finished: Finished) -> Finished {
        let output = |bytes: &[u8]| {
            let cut = bytes.len() >= KEPT_OUTPUT;
            let from =
                if cut { bytes.iter().position(|byte| *byte == b'\n').unwrap_or(self.longest()) } else { 0 };
            self.bytes(&bytes[from.min(bytes.len())..])
        };
        let (stdout, stderr) = (output(&finished.stdout), output(&finished.stderr));
        Finished { stdout, stderr, ..finished }
    }

    /// Bytes without secrets, as they come.
    #[must_use]
    pub fn stream(&self) -> Stream<'_> {
        Stream { redactor: self, held: Vec::new(), inside: None }
    }

    /// The first secret from here on.
    fn find(&self, held: &[u8], at: usize) -> Option<Range<usize>> {
        let Some(heads) = &self.heads else { return (at < held.len()).then_some(at..held.len()) };
        let mut from = at;
        while let Some(head) = heads.find_at(held, from) {
            if let Some(length) = self.secret_at(&held[head.start()..]) {
                return Some(head.start()..head.start() + length);
            }
            from = head.start() + 1;
        }
        None
    }

    /// How long the secret is that these bytes begin with, if they do.
    fn secret_at(&self, bytes: &[u8]) -> Option<usize> {
        let needle = self.needles.iter().find(|needle| bytes.starts_with(needle));
        needle
            .map(Vec::len)
            .or_else(|| FORMS.iter().find_map(|form| key_at(form, bytes)))
            .or_else(|| first_line_at(bytes))
    }

    /// How much of what is there can be judged, whatever comes next.
    fn settled(&self, held: &[u8]) -> usize {
        let token = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-.+/=%".contains(byte);
        let run = held.iter().rev().take(RUN).take_while(token).count();
        held.len() - run.max(self.longest().saturating_sub(1)).max(BEGIN_LEAST).min(held.len())
    }
}

/// Bytes that come in pieces.
#[derive(Debug)]
pub struct Stream<'r> {
    redactor: &'r Redactor,
    /// What could be the beginning of a secret.
    held: Vec<u8>,
    /// Inside of a private key: how much of it has gone by.
    inside: Option<usize>,
}

impl Stream<'_> {
    /// Takes a piece, and passes on what is known to be none of a secret.
    pub fn feed(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(piece);
        let settled = self.redactor.settled(&self.held);
        self.pass(settled, false, out);
    }

    /// Passes on the rest.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        self.pass(self.held.len(), true, out);
    }

    fn pass(&mut self, settled: usize, all: bool, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        let mut at = 0;
        loop {
            if let Some(gone) = self.inside {
                match end_of_key(&held[at..], gone, all) {
                    KeyEnd::At(end) => {
                        self.inside = None;
                        at += end;
                    }
                    KeyEnd::NotBefore(gone_by) => {
                        self.inside = Some(gone + gone_by);
                        at += gone_by;
                        break;
                    }
                }
            }
            let found = self.redactor.find(&held, at).filter(|found| found.start < settled);
            let Some(found) = found else { break };
            out.extend_from_slice(&held[at..found.start]);
            out.extend_from_slice(MARK.as_bytes());
            if held[found.clone()].starts_with(BEGIN) {
                self.inside = Some(0);
            }
            at = found.end;
        }
        if self.inside.is_none() && at < settled {
            out.extend_from_slice(&held[at..settled]);
            at = settled;
        }
        self.held = held[at..].to_vec();
    }
}

/// How long the key of a form is that these bytes begin with, if they do.
fn key_at(form: &Form, bytes: &[u8]) -> Option<usize> {
    let body = bytes.strip_prefix(form.prefix.as_bytes())?;
    let length = body.iter().take_while(|byte| byte.is_ascii() && (form.body)(**byte)).count();
    (length >= form.least).then(|| form.prefix.len() + length)
}

/// How long the first line of a private key is that these bytes begin with, if they do.
fn first_line_at(bytes: &[u8]) -> Option<usize> {
    let said = bytes.strip_prefix(BEGIN)?;
    let in_it = |byte: &&u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b' ';
    let length = said.iter().take(BEGIN_LEAST).take_while(in_it).count();
    let of_a_kind = |kind: &[u8]| said[..length].strip_suffix(kind).is_some_and(|of| of.len() <= OF_A_KIND);
    let is_one = said[length..].starts_with(b"-----") && KINDS.iter().any(|kind| of_a_kind(kind));
    is_one.then(|| BEGIN.len() + length + b"-----".len())
}

/// Where a private key ends.
enum KeyEnd {
    At(usize),
    NotBefore(usize),
}

/// Where a private key ends: behind its last line, or where it is too long to be one.
fn end_of_key(held: &[u8], gone: usize, all: bool) -> KeyEnd {
    if let Some(from) = held.windows(END.len()).position(|at| at == END) {
        let rest = &held[from + END.len()..];
        return match rest.windows(5).position(|at| at == b"-----") {
            Some(at) => KeyEnd::At(from + END.len() + at + 5),
            None if all || rest.len() > BEGIN_LEAST => KeyEnd::At(held.len()),
            None => KeyEnd::NotBefore(from),
        };
    }
    if all || gone + held.len() > PRIVATE_KEY {
        return KeyEnd::At(held.len());
    }
    // The mark of its end may have been cut in two.
    KeyEnd::NotBefore(held.len().saturating_sub(END.len()))
}

/// A needle as a pattern of bytes.
fn literal(needle: &[u8]) -> String {
    needle.iter().map(|byte| format!("\\x{byte:02x}")).collect()
}

/// The ways in which a value is written.
fn forms_of(value: &[u8]) -> Vec<Vec<u8>> {
    let hex = |upper: bool| -> Vec<u8> {
        let digits =
            value.iter().map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
        digits.collect::<String>().into_bytes()
    };
    let percent = |upper: bool| -> Vec<u8> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        let each = value.iter().map(|byte| match (plain(*byte), upper) {
            (true, _) => char::from(*byte).to_string(),
            (false, true) => format!("%{byte:02X}"),
            (false, false) => format!("%{byte:02x}"),
        });
        each.collect::<String>().into_bytes()
    };
    let mut all = vec![value.to_vec(), hex(true), hex(false), percent(true), percent(false)];
    if let Ok(text) = std::str::from_utf8(value) {
        let quoted = serde_json::Value::from(text).to_string();
        all.push(quoted.trim_matches('"').as_bytes().to_vec());
    }
    for offset in 0..3 {
        for alphabet in [STANDARD, URL] {
            all.push(base64_core(value, offset, alphabet));
        }
    }
    all
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The characters of base64 that depend on the value alone, where it begins `offset` bytes into a group.
fn base64_core(value: &[u8], offset: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let bits = value.len() * 8;
    // The first character that begins inside of the value, and so on while whole ones fit.
    let skip = (6 - offset * 8 % 6) % 6;
    let bit = |at: usize| (value[at / 8] >> (7 - at % 8)) & 1;
    let character = |from: usize| (from..from + 6).fold(0_u8, |sum, at| sum << 1 | bit(at));
    (skip..bits.saturating_sub(5)).step_by(6).map(|from| alphabet[usize::from(character(from))]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Redacts in pieces of these sizes, again and again.
    fn in_pieces(redactor: &Redactor, bytes: &[u8], sizes: &[usize]) -> Vec<u8> {
        let (mut out, mut stream, mut at) = (Vec::new(), redactor.stream(), 0);
        for size in sizes.iter().cycle() {
            if at >= bytes.len() {
                break;
            }
            let end = (at + size).min(bytes.len());
            stream.feed(&bytes[at..end], &mut out);
            at = end;
        }
        stream.end(&mut out);
        out
    }

    fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> Vec<u8> {
        let mut padded = bytes.to_vec();
        padded.resize(bytes.len().div_ceil(3) * 3, 0);
        base64_core(&padded, 0, alphabet)
    }

    #[test]
    fn base64_is_base64() {
        assert_eq!(base64(b"Man", STANDARD), b"TWFu");
        // The value's own characters, wherever it begins: `Man` after one byte is inside of `xMan`.
        let whole = base64(b"x-secret-value-y", STANDARD);
        for offset in 0..3 {
            let shifted = base64(&[&b"012"[..offset], b"secret-value"].concat(), STANDARD);
            let core = base64_core(b"secret-value", offset, STANDARD);
            assert!(shifted.windows(core.len()).any(|at| at == core), "{offset}");
        }
        assert!(whole.len() > 16);
    }

    #[test]
    fn keys_of_a_known_form_and_private_keys_are_found_without_being_told() {
        let redactor = Redactor::new([]);
        let key = format!("sk-ant-api03-{}", "aB3".repeat(20));
        let pem = format!(
            "a\n-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\nb",
            "MIIE".repeat(500)
        );
        for (text, wanted) in [
            (format!("key={key};"), "key=[redacted];".to_owned()),
            (format!("ghp_{} and more", "A1b2".repeat(9)), "[redacted] and more".to_owned()),
            (pem.clone(), "a\n[redacted]\nb".to_owned()),
            (pem.replace('\n', "\\n"), "a\\n[redacted]\\nb".to_owned()),
            ("sk-short and ghp_x".to_owned(), "sk-short and ghp_x".to_owned()),
        ] {
            assert_eq!(redactor.text(&text), wanted);
            for size in [1, 7, 100, 5_000] {
                let out = in_pieces(&redactor, text.as_bytes(), &[size]);
                assert_eq!(String::from_utf8_lossy(&out), wanted, "in pieces of {size}");
            }
        }
    }

    #[test]
    fn a_private_key_without_an_end_does_not_swallow_everything() {
        let redactor = Redactor::new([]);
        let text = format!("-----BEGIN PRIVATE KEY-----\n{}\nthe end", "x\n".repeat(PRIVATE_KEY));
        assert!(redactor.text(&text).ends_with("the end") || redactor.text(&text).len() < 20);
        let long = in_pieces(&redactor, text.as_bytes(), &[1000]);
        assert!(long.ends_with(b"the end"), "{} bytes", long.len());
    }

    #[test]
    fn words_are_no_secrets() {
        let redactor = Redactor::new(["true", "1", "debug", ""]);
        assert_eq!(redactor.text("true is 1 in debug"), "true is 1 in debug");
    }

    proptest! {
        #[test]
        fn a_secret_is_found_in_every_form_however_it_is_cut(
            secret in "[!-~]{8,60}", before in "[ -~\n]{0,40}", after in "[ -~\n]{0,40}",
            form in 0..9_usize, sizes in prop::collection::vec(1..50_usize, 1..6),
        ) {
            let redactor = Redactor::new([secret.as_str()]);
            let forms = forms_of(secret.trim().as_bytes());
            let needle = forms[form].clone();
            prop_assume!(needle.len() >= LEAST);
            let text = [before.as_bytes(), &needle, after.as_bytes()].concat();
            let out = in_pieces(&redactor, &text, &sizes);
            prop_assert!(!out.windows(needle.len()).any(|at| at == needle), "{}", String::from_utf8_lossy(&out));
            prop_assert_eq!(out, redactor.bytes(&text));
        }

        #[test]
        fn what_holds_no_secret_is_not_changed(
            bytes in prop::collection::vec(any::<u8>(), 0..3_000), sizes in prop::collection::vec(1..900_usize, 1..6),
        ) {
            let redactor = Redactor::new(["a-value-that-is-not-there"]);
            prop_assert_eq!(in_pieces(&redactor, &bytes, &sizes), bytes);
        }
    }
}
