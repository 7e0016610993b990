//! The forms of keys that can be recognised wherever they stand, in what an agent prints and in what it leaves;
//! and which variables hold secrets.

/// The form of a key.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// What it is.
    pub what: &'static str,
    /// How it begins.
    pub prefix: &'static str,
    /// The characters that follow the prefix.
    pub body: fn(u8) -> bool,
    /// The fewest of them.
    pub least: usize,
}

const fn form(what: &'static str, prefix: &'static str, body: fn(u8) -> bool, least: usize) -> Form {
    Form { what, prefix, body, least }
}

fn upper(b: u8) -> bool {
    b.is_ascii_uppercase() || b.is_ascii_digit()
}

fn alnum(b: u8) -> bool {
    b.is_ascii_alphanumeric()
}

/// A letter, a digit or `_`.
#[must_use]
pub fn word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

fn dashed(b: u8) -> bool {
    word(b) || b == b'-'
}

fn hex(b: u8) -> bool {
    b.is_ascii_hexdigit()
}

/// A letter, a digit, `_`, `-` or `.`.
#[must_use]
pub fn dotted(b: u8) -> bool {
    dashed(b) || b == b'.'
}

/// The forms, as the makers of the keys document them.
pub const FORMS: [Form; 31] = [
    form("an AWS access key", "AKIA", upper, 16),
    form("an AWS session key", "ASIA", upper, 16),
    form("a GitHub token", "ghp_", alnum, 36),
    form("a GitHub token", "gho_", alnum, 36),
    form("a GitHub token", "ghu_", alnum, 36),
    form("a GitHub token", "ghs_", alnum, 36),
    form("a GitHub token", "ghr_", alnum, 36),
    form("a GitHub token", "github_pat_", word, 40),
    form("a GitLab token", "glpat-", dashed, 20),
    form("a Slack token", "xoxb-", dashed, 20),
    form("a Slack token", "xoxp-", dashed, 20),
    form("a Slack token", "xapp-", dashed, 20),
    form("a Stripe key", "sk_live_", alnum, 24),
    form("a Stripe key", "rk_live_", alnum, 24),
    form("an Anthropic key", "sk-ant-", dashed, 40),
    form("an OpenAI key", "sk-proj-", dashed, 40),
    form("an OpenAI key", "sk-", alnum, 48),
    form("a Google key", "AIza", dashed, 35),
    form("an npm token", "npm_", alnum, 36),
    form("a PyPI token", "pypi-AgE", dashed, 50),
    form("a SendGrid key", "SG.", dotted, 60),
    form("a Hugging Face token", "hf_", alnum, 34),
    form("a DigitalOcean token", "dop_v1_", hex, 64),
    form("a Shopify token", "shpat_", hex, 32),
    form("a Databricks token", "dapi", hex, 32),
    form("a Docker token", "dckr_pat_", dashed, 27),
    form("a Linear key", "lin_api_", alnum, 40),
    form("an Atlassian token", "ATATT3", dashed, 100),
    form("a Vault token", "hvs.", dashed, 60),
    form("an age key", "AGE-SECRET-KEY-1", upper, 50),
    form("a Slack webhook", "hooks.slack.com/services/", |b| alnum(b) || b == b'/', 30),
];

/// What names of variables say that hold a secret.
const NAMES: [&str; 8] = ["KEY", "TOKEN", "SECRET", "PASS", "PWD", "CREDENTIAL", "COOKIE", "PRIVATE"];
/// The longest word, and the longest number, of a setting.
const WORD: usize = 20;
const NUMBER: usize = 5;

/// Whether what a variable holds is a secret: its name says so, or it is more than words and small numbers, of
/// which modes, places, hosts and versions are made.
#[must_use]
pub fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let of_words = |value: &str| value.trim().split(['-', '_', '.', ',', ':', '/', ' ']).all(is_plain);
    NAMES.iter().any(|word| name.contains(word)) || !of_words(value)
}

/// Whether this is one word, one small number, or nothing.
fn is_plain(piece: &str) -> bool {
    let number = piece.strip_prefix('v').unwrap_or(piece);
    if number.bytes().all(|byte| byte.is_ascii_digit()) {
        return number.len() <= NUMBER;
    }
    let Some((first, rest)) = piece.split_at_checked(1) else { return false };
    let all = |text: &str, is: fn(&u8) -> bool| text.bytes().all(|byte| is(&byte));
    let lower = all(rest, u8::is_ascii_lowercase) && all(first, u8::is_ascii_alphabetic);
    piece.len() <= WORD && (lower || all(piece, u8::is_ascii_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn settings_are_no_secrets_and_what_could_be_one_is() {
        for value in [
            "production",
            "us-east-1",
            "https://api.example.com:8080/v1",
            "/var/cache/us",
            "en_US.UTF-8,C",
            "claude-sonnet-4-5",
            "20000",
            "debug verbose",
        ] {
            assert!(!is_secret("SETTING", value), "{value}");
            assert!(is_secret("MY_API_KEY", value) && is_secret("db_password", value));
        }
        for value in [
            "hunter22",
            "postgres://me:hunter@db/main",
            "https://example.com/?auth=abcdefgh",
            "550e8400-e29b-41d4-a716-446655440000",
            "deadbeefdeadbeefdeadbeef",
            "1234567890",
            "qWeRtYuIoP",
            "пароль",
        ] {
            assert!(is_secret("SETTING", value), "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_mixes_letters_and_digits_is_a_secret(text in "[a-z]{2,9}[0-9]{1,9}[a-z]{1,9}", name: String) {
            prop_assert!(is_secret(&name, &text));
        }
    }
}
