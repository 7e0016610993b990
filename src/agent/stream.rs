//! What agents say while they work: each adapter turns its own stream into these signals.
//!
//! In: lines, as they come. Out: [`Signal`]s. Invariant: a line that is not understood says nothing and
//! stops nothing; figures are of this process alone, whatever totals a session reports.

use super::failure::Failure;
use crate::config::Price;
use crate::effects::Finished;
use crate::state::ledger;
use crate::state::run::{Tokens, plain_usd};
use sha2::{Digest as _, Sha256};

/// Which conversation a process takes up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Session {
    /// A new one; with this id (a UUID) where the agent lets others choose it.
    #[default]
    New,
    /// A new one, with this id.
    Named(String),
    /// One that is there.
    Resumed(String),
    /// One that is there, only to make it smaller; there is no work to do.
    Compacted(String),
}

impl Session {
    /// A new one, with an id of its own for a seed: a UUID, as agents ask for.
    #[must_use]
    pub fn named(seed: &str) -> Self {
        let mut bits = [0; 16];
        bits.copy_from_slice(&Sha256::digest(seed)[..16]);
        // Version 4 and its variant; some agents check them.
        let bits = u128::from_be_bytes(bits) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
        let hex = format!("{bits:032x}");
        Self::Named([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
    }
}

/// What was used, by one process, so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spent {
    /// Tokens.
    pub tokens: Tokens,
    /// USD, where the agent says it.
    pub cost_usd: Option<f64>,
}

impl Spent {
    /// The same with what its tokens cost by a price, where nobody said what they did.
    #[must_use]
    pub fn priced(self, price: Option<Price>) -> Self {
        let used = price.filter(|_| self.tokens.total() > 0);
        let by_price =
            used.map(|price| ledger::price(self.tokens, [price.input, price.cached, price.output]));
        Self { cost_usd: self.cost_usd.or(by_price), ..self }
    }
}

impl std::ops::Add for Spent {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let cost_usd = match (self.cost_usd, other.cost_usd) {
            (None, None) => None,
            (one, two) => Some(plain_usd(one.unwrap_or_default() + two.unwrap_or_default())),
        };
        Self { tokens: self.tokens + other.tokens, cost_usd }
    }
}

/// One thing that an agent's stream says.
#[derive(Debug, Clone, PartialEq)]
pub enum Signal {
    /// The id by which this conversation can be taken up again.
    Session(String),
    /// The model that answers, which may be another than was asked for.
    Model(String),
    /// What this process has used so far; replaces what was said before.
    Spent(Spent),
    /// How full the context is, in tokens, and how large, where that is known.
    Context {
        /// In use.
        used: u64,
        /// All there is.
        window: Option<u64>,
    },
    /// A tool is used; its name, and what it is used on.
    Tool(String),
    /// What the agent says to people; the last one is its summary.
    Text(String),
    /// The agent made its context smaller by itself, or because it was asked to.
    Compacted,
    /// A tool was denied to it.
    Denied(String),
    /// A request failed and the agent tries again by itself.
    Retrying(Failure),
    /// The work has failed.
    Failed(Failure),
    /// The turn is over: the process has nothing more to do.
    Finished,
}

/// The understanding of one agent's output, line by line.
pub trait Listener {
    /// Understands one line of standard output.
    fn line(&mut self, line: &[u8], signal: &mut dyn FnMut(Signal));

    /// Understands one line of the file that [`Listener::follows`] names.
    fn side_line(&mut self, _line: &[u8], _signal: &mut dyn FnMut(Signal)) {}

    /// The end of the path of a file below the profile's own folder that tells more than standard
    /// output does, once it is known.
    fn follows(&self) -> Option<String> {
        None
    }

    /// What is said to the agent, where one speaks with it, now that these lines were understood; none where
    /// all is said.
    fn says(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// Understands how the process ended, and what it printed to standard error.
    fn end(&mut self, finished: &Finished, signal: &mut dyn FnMut(Signal));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_session_has_an_id_that_is_a_uuid() {
        let Session::Named(id) = Session::named("01JD/1") else { panic!("it is named") };
        assert_eq!(Session::named("01JD/1"), Session::Named(id.clone()));
        assert_ne!(Session::named("01JD/2"), Session::Named(id.clone()));
        let groups: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "4", "the version");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "the variant");
    }
}
