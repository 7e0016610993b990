//! The forms of keys that can be recognised wherever they stand: in what an agent prints, and in what
//! it leaves.

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
