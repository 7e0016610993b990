//! What providers and agents say of a failure, in words: texts and HTTP statuses to classes.
//!
//! Only messages of errors are looked at, never what a model writes. Invariant: the order is from the
//! particular to the general, and a text that says nothing known has no class.

use super::failure::FailureKind::{
    self, BadKey, BadRequest, Billing, ContextOverflow, Cut, LostSession, Network, NotLoggedIn, OutputLimit,
    Overloaded, RateLimit, Refusal, Server, UnknownModel, UsageLimit, WrongVersion,
};

/// Words, in lower case, and what they mean.
const WORDS: &[(FailureKind, &[&str])] = &[
    (LostSession, &["no conversation found with session id", "no rollout found", "session not found"]),
    (
        ContextOverflow,
        &[
            "prompt is too long",
            "ran out of room in the model's context",
            "context_length_exceeded",
            "exceeds the context window",
            "context window limit",
            "maximum context length",
            "input token count",
            "rejected the prompt as too long",
            "contextoverflow",
            "contextwindowexceeded",
        ],
    ),
    (
        Billing,
        &["credit balance", "insufficient_quota", "check your plan and billing", "insufficient credits"],
    ),
    (
        UsageLimit,
        &[
            "hit your usage limit",
            "reached your usage limit",
            "hit your limit",
            "session limit",
            "quota exceeded",
            "-hour limit",
            "weekly limit",
            "exhausted your daily quota",
            "usage_limit_reached",
            "usage limit reached",
            "monthly limit",
            "usage limit has been reached",
            "premium request",
        ],
    ),
    (RateLimit, &["not your usage limit", "rate limit", "rate_limit", "ratelimit", "too many requests"]),
    (
        RateLimit,
        &[
            "resource_exhausted",
            "request rejected (429)",
            "exhausted your capacity",
            "exceeded your current quota",
        ],
    ),
    (Overloaded, &["overloaded", "at capacity", "no capacity", "experiencing high demand for"]),
    (
        NotLoggedIn,
        &[
            "not logged in",
            "please run /login",
            "no authentication information found",
            "must specify the gemini_api_key",
            "set an auth method",
            "no api key",
            "api_key client option must be set",
            "missing api key",
        ],
    ),
    (
        BadKey,
        &[
            "invalid api key",
            "incorrect api key",
            "api key not valid",
            "api_key_invalid",
            "invalid_api_key",
            "invalid x-api-key",
            "authenticationerror",
            "401 unauthorized",
            "403 forbidden",
            "failed to authenticate",
            "bad credentials",
            "permission_denied",
        ],
    ),
    (
        UnknownModel,
        &[
            "does not exist or you do not have access",
            "may not exist or you may not have access",
            "model_not_found",
            "model not found",
            "modelnotfound",
            "is not found for api version",
            "not_found_error",
            "unknown model",
            "no such model",
            "model is not supported",
        ],
    ),
    (OutputLimit, &["max_output_tokens", "output token maximum", "output limit", "output length"]),
    (
        Refusal,
        &["content_filter", "safeguards flagged", "content policy", "blocked due to safety", "refusal"],
    ),
    (
        Cut,
        &[
            "stream disconnected",
            "stream closed before",
            "without a finish reason",
            "connection reset",
            "econnreset",
            "socket hang up",
            "terminated",
            "premature close",
            "without a completed response",
            "streamtruncated",
            "connection dropped",
        ],
    ),
    (
        Network,
        &[
            "econnrefused",
            "enotfound",
            "getaddrinfo",
            "connection failed",
            "connection error",
            "connection refused",
            "error sending request",
            "fetch failed",
            "unable to connect",
            "cannot connect to",
            "timed out",
            "timeout",
            "idle timeout",
        ],
    ),
    (
        Server,
        &[
            "internal server error",
            "malformed response",
            "high demand",
            "unexpected server error",
            "incomplete json",
        ],
    ),
];

/// What a program says of options that it does not know.
const OPTIONS: &[&str] = &[
    "unknown option",
    "unknown argument",
    "unexpected argument",
    "unrecognized argument",
    "unrecognized option",
    "unrecognized subcommand",
    "invalid value",
    "unknown command",
    "unsupported option",
    "requires --",
];

/// The class of the words of an error.
#[must_use]
pub(super) fn class(text: &str) -> Option<FailureKind> {
    let text = start(text).to_lowercase().replace('\u{2019}', "'");
    let says = |words: &&(_, &[&str])| words.1.iter().any(|word| text.contains(word));
    let known = WORDS.iter().find(says).map(|(kind, _)| *kind);
    known.or_else(|| names_status(&text, "429").then_some(RateLimit))
}

/// Before the number of an HTTP status, in lower case, with no more than [`BETWEEN`].
const BEFORE_STATUS: [&str; 10] = [
    "http",
    "http/1.0",
    "http/1.1",
    "http/2",
    "status",
    "status code",
    "status_code",
    "statuscode",
    "api error",
    "error code",
];
/// What may stand between an HTTP status and what says that it is one.
const BETWEEN: [char; 4] = [' ', ':', '/', '"'];

/// Whether words, in lower case, name an HTTP status: its number alone may be anything.
fn names_status(text: &str, status: &str) -> bool {
    text.match_indices(status).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + status.len()..]);
        let named = before.trim_end_matches(BETWEEN);
        named.len() < before.len()
            && !after.starts_with(|c: char| c.is_ascii_alphanumeric())
            && BEFORE_STATUS.iter().any(|word| named.ends_with(word))
    })
}

/// Whether a line tells of a test: one may be about any failure there is.
#[must_use]
pub(super) fn is_of_a_test(line: &str) -> bool {
    let lower = line.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphabetic());
    words.any(|word| ["assert", "expect", "test"].iter().any(|of| word.starts_with(of)))
}

/// The class of what a program printed to standard error before it ended without a word more.
#[must_use]
pub(super) fn class_of_stderr(text: &str) -> Option<FailureKind> {
    let lower = text.to_lowercase();
    let options = OPTIONS.iter().any(|word| lower.contains(word));
    if options { Some(WrongVersion) } else { class(text) }
}

/// The class of an HTTP status; what the words say goes before it.
#[must_use]
pub(super) fn class_of_status(status: u16) -> Option<FailureKind> {
    match status {
        401 | 403 => Some(BadKey),
        402 => Some(Billing),
        404 => Some(UnknownModel),
        408 => Some(Network),
        413 => Some(ContextOverflow),
        429 => Some(RateLimit),
        503 | 529 => Some(Overloaded),
        400..=499 => Some(BadRequest),
        500..=599 => Some(Server),
        _ => None,
    }
}

/// The HTTP status in the words of an error, as in `(HTTP 401)`.
#[must_use]
pub(super) fn status(said: &str) -> Option<u16> {
    said.split_once("(HTTP ")?.1.get(..3)?.parse().ok()
}

/// The beginning of a text: nobody says more than this about what went wrong.
#[must_use]
pub(super) fn start(text: &str) -> &str {
    let most = text.len().min(4 << 10);
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or_default()]
}

/// Whether it can be the id of a conversation: it becomes an argument and a part of a file's path.
pub(super) fn is_id(id: &str) -> bool {
    (8..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_providers_say_has_its_class() {
        let said = [
            ("You\u{2019}ve hit your usage limit. Upgrade to Pro", UsageLimit),
            ("You've hit your 5-hour limit \u{b7} resets 12:43am (UTC)", UsageLimit),
            ("You've hit your session limit \u{b7} resets 4:30pm (Europe/Berlin)", UsageLimit),
            ("You've hit your limit \u{b7} resets 4:30pm (UTC)", UsageLimit),
            ("You've reached your usage limit", UsageLimit),
            ("quota exceeded, resets in 3 days", UsageLimit),
            ("Quota exceeded. Check your plan and billing details.", Billing),
            ("exceeded retry limit, last status: 429 Too Many Requests", RateLimit),
            ("Request failed with status code 429", RateLimit),
            ("HTTP/1.1 429", RateLimit),
            ("API Error: 429, retry after 90 s", RateLimit),
            ("{\"status\":429}", RateLimit),
            ("Server is temporarily limiting requests (not your usage limit)", RateLimit),
            ("Selected model is at capacity. Please try a different model.", Overloaded),
            ("We\u{2019}re currently experiencing high demand, which may cause temporary errors.", Server),
            ("unexpected status 401 Unauthorized: Incorrect API key provided: dummy.", BadKey),
            ("The model `gpt-5.5` does not exist or you do not have access to it.", UnknownModel),
            ("Codex ran out of room in the model's context window. Start a new thread", ContextOverflow),
            ("[API Error: You have exhausted your daily quota on this model.]", UsageLimit),
            ("Incomplete response returned, reason: content_filter", Refusal),
            ("stream disconnected before completion: stream closed", Cut),
            ("Connection failed: error sending request", Network),
            ("Cannot connect to API: Was there a typo in the url or port?", Network),
        ];
        for (text, kind) in said {
            assert_eq!(class(text), Some(kind), "{text}");
        }
        for text in [
            "all is well",
            "429 tests failed",
            "error: 429 tests failed",
            "AssertionError: 429 != 200",
            "assert status == 429",
            "error at main.c:429",
            "error TS4290",
            "status 1.429",
        ] {
            assert_eq!(class(text), None, "{text}");
        }
        assert_eq!(class_of_stderr("error: unknown option '--no-such-flag'"), Some(WrongVersion));
    }
}
