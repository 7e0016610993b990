//! Agents whose mistakes, prices and faults are known: what a simulated day is made of.
//!
//! Everything here is chosen, not measured: the point is that orch's figures follow from it by themselves.

use std::time::Duration;

/// A seeded stream of numbers (SplitMix64, Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    pub(crate) fn share(&mut self) -> f64 {
        f64::from(u32::try_from(self.bits() >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.bits() % limit.max(1)
    }
}

/// One kind of agent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Agent {
    pub(crate) name: &'static str,
    pub(crate) model: &'static str,
    pub(crate) capability: u8,
    /// USD per million tokens: input, cached, output.
    pub(crate) price: [f64; 3],
    /// How often work of complexity 0 is good at the first try, and what each point of it takes away.
    pub(crate) good: (f64, f64),
}

pub(crate) const AGENTS: [Agent; 3] = [
    Agent {
        name: "small",
        model: "claude-haiku-5-5",
        capability: 4,
        price: [0.1, 0.01, 0.5],
        good: (0.97, 0.05),
    },
    Agent {
        name: "middle",
        model: "claude-sonnet-5-5",
        capability: 7,
        price: [2.0, 0.1, 10.0],
        good: (0.98, 0.03),
    },
    Agent {
        name: "strong",
        model: "claude-opus-5-5",
        capability: 10,
        price: [4.0, 0.2, 20.0],
        good: (0.99, 0.015),
    },
];

/// How a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It says that it is done, and it is.
    Good,
    /// It says that it is done, and the gate will see that it is not.
    Bad,
    /// It says that it is done, it is not, and no gate sees it.
    Subtle,
    /// Its allowance is used up for so many minutes.
    Limited(u64),
    /// The provider has no room.
    Overloaded,
    /// It is cut off.
    Crashed,
    /// Nothing is heard of it any more.
    Hung,
}

/// What a session came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Session {
    pub(crate) fate: Fate,
    pub(crate) took: Duration,
    /// Input, cached, output.
    pub(crate) tokens: [u64; 3],
}

impl Agent {
    /// What the session costs, in USD.
    pub(crate) fn cost(&self, session: &Session) -> f64 {
        let million = |tokens: u64| f64::from(u32::try_from(tokens).unwrap_or(u32::MAX)) / 1e6;
        (0..3).map(|at| million(session.tokens[at]) * self.price[at]).sum()
    }

    /// One session on a task; `again` says that it is told what was wrong with its last one.
    pub(crate) fn session(&self, complexity: u8, again: bool, random: &mut Random) -> Session {
        let size = u64::from(complexity).max(1);
        let tokens = [8_000 * size, 40_000 * size, 1_500 * size];
        let minutes = 3 + 2 * size + random.below(4);
        let whole = |fate| Session { fate, took: Duration::from_secs(60 * minutes), tokens };
        let short = |fate| Session { fate, took: Duration::from_secs(20), tokens: [0, 0, 0] };
        match random.below(1_000) {
            0..30 => return short(Fate::Limited(15 + random.below(45))),
            30..50 => return short(Fate::Overloaded),
            50..70 => return whole(Fate::Crashed),
            70..75 => return whole(Fate::Hung),
            _ => {}
        }
        let first = self.good.0 - self.good.1 * f64::from(complexity);
        let good = if again { first + (1.0 - first) * 0.6 } else { first };
        if random.share() < good {
            whole(Fate::Good)
        } else if random.share() < 0.2 {
            whole(Fate::Subtle)
        } else {
            whole(Fate::Bad)
        }
    }
}
