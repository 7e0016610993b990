//! What an agent says that it used, as far as that can be.

use crate::state::run::Tokens;

/// The most tokens, and USD, that a session can be said to have used: what says more is mistaken.
const MAX_TOKENS: u64 = 1_000_000_000_000;
const MAX_USD: f64 = 1_000_000.0;

/// What of these figures can be, and a complaint about what cannot.
pub(super) fn plausible(tokens: Tokens, usd: Option<f64>) -> (Tokens, Option<f64>, Option<String>) {
    let can_be = [tokens.input, tokens.cached, tokens.output].iter().all(|count| *count <= MAX_TOKENS);
    let kept = usd.filter(|usd| (0.0..=MAX_USD).contains(usd));
    let complaint = (!can_be || kept != usd).then(|| "figures that cannot be are left out".to_owned());
    (if can_be { tokens } else { Tokens::default() }, kept, complaint)
}
