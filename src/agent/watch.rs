//! What is known of a session while it goes on, and what is decided about it.
//!
//! In: [`Signal`]s, the time as data, what the session may use. Out: a [`Tally`], and a [`Decision`] each
//! time it is asked for. Invariant: pure; a session that has finished is never stopped for what it used.

use super::failure::{Failure, FailureKind, Remedy};
use super::stream::{Signal, Spent};
use crate::config::Price;
use crate::state::run::spell_usd;
use jiff::Timestamp;
use std::time::Duration;

/// How long a process may take to end after it has finished its work.
const GRACE: Duration = Duration::from_secs(5);
/// The longest wait that an agent may spend by itself before it tries again.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// The longest that an agent may try the same thing again and again.
const STUBBORN: Duration = Duration::from_secs(300);
/// How often an agent may make its context smaller by itself, in one process.
const COMPACTIONS: u32 = 4;
/// How many of the newest texts and tools are remembered for whoever takes over.
const REMEMBERED: usize = 8;

/// What a session may use.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// When its process starts.
    pub now: Timestamp,
    /// What it may cost, in USD.
    pub usd: Option<f64>,
    /// What it may use, in tokens of all kinds.
    pub tokens: Option<u64>,
    /// The share of the window from which it is to be made smaller; none where that cannot be done.
    pub compact_at: Option<f64>,
    /// The share of the window from which a fresh session takes over; none where none can.
    pub rotate_at: Option<f64>,
    /// How large its window is, by the configuration.
    pub window: Option<u64>,
    /// What its tokens cost, by the configuration.
    pub price: Option<Price>,
}

/// What is known of a session.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tally {
    /// The id by which it can be taken up again.
    pub session: Option<String>,
    /// The model that answers.
    pub model: Option<String>,
    /// What it used.
    pub spent: Spent,
    /// The share of its window that is in use, where that is known.
    pub context: Option<f64>,
    /// The largest share that was in use.
    pub peak: Option<f64>,
    /// How often its context was made smaller.
    pub compactions: u32,
    /// The newest tools, the last one last.
    pub tools: Vec<String>,
    /// The newest texts, the last one last.
    pub texts: Vec<String>,
    /// How many tools were denied to it.
    pub denials: u32,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What it tries again because of.
    pub retrying: Option<Failure>,
    /// Whether it has finished.
    pub finished: bool,
}

/// What is to become of a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It goes on.
    GoOn,
    /// Its context is to be made smaller, then it goes on.
    Compact,
    /// A fresh session is to take over.
    Rotate,
    /// It is to end: going on is pointless, or not allowed.
    Stop(Failure),
    /// It has finished and stayed: its process is to end.
    Dismiss,
}

/// Folds signals, and decides.
#[derive(Debug)]
pub struct Watcher {
    limits: Limits,
    tally: Tally,
    finished_at: Option<Duration>,
    retrying_since: Option<Duration>,
}

impl Watcher {
    /// The watcher of a process that is about to start.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, tally: Tally::default(), finished_at: None, retrying_since: None }
    }

    /// What is known.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What is known, at the end.
    #[must_use]
    pub fn into_tally(self) -> Tally {
        self.tally
    }

    /// Hears one thing.
    pub fn signal(&mut self, signal: Signal) {
        let tally = &mut self.tally;
        match signal {
            Signal::Session(id) => tally.session = Some(id),
            Signal::Model(model) => tally.model = Some(model),
            Signal::Spent(spent) => tally.spent = spent.priced(self.limits.price),
            Signal::Context { used, window } => {
                // What the configuration says goes first: it may be meant to be smaller.
                let window = self.limits.window.or(window).filter(|window| *window > 0);
                tally.context = window.map(|window| share(used, window));
                tally.peak = [tally.peak, tally.context].into_iter().flatten().reduce(f64::max);
            }
            Signal::Tool(tool) => {
                remember(&mut tally.tools, tool);
                tally.retrying = None;
            }
            Signal::Text(text) => {
                remember(&mut tally.texts, text);
                tally.retrying = None;
            }
            Signal::Compacted => {
                tally.compactions += 1;
                tally.context = None;
            }
            Signal::Denied(_) => tally.denials += 1,
            Signal::Retrying(failure) => tally.retrying = Some(failure),
            Signal::Failed(failure) => tally.failure = Some(failure),
            Signal::Finished => tally.finished = true,
        }
    }

    /// Decides what becomes of the session, `elapsed` after its process started.
    #[must_use]
    pub fn decide(&mut self, elapsed: Duration) -> Decision {
        if self.tally.finished || self.tally.failure.is_some() {
            let since = *self.finished_at.get_or_insert(elapsed);
            return if elapsed.saturating_sub(since) >= GRACE { Decision::Dismiss } else { Decision::GoOn };
        }
        if let Some(failure) = self.pointless(elapsed).or_else(|| self.over_budget()) {
            return Decision::Stop(failure);
        }
        if self.tally.compactions > COMPACTIONS && self.limits.rotate_at.is_some() {
            return Decision::Rotate;
        }
        let reached = |at: Option<f64>| at.is_some_and(|at| self.tally.context.is_some_and(|now| now >= at));
        if reached(self.limits.rotate_at) {
            Decision::Rotate
        } else if reached(self.limits.compact_at) {
            Decision::Compact
        } else {
            Decision::GoOn
        }
    }

    /// Whether what it tries again will not work in time.
    fn pointless(&mut self, elapsed: Duration) -> Option<Failure> {
        let Some(failure) = &self.tally.retrying else {
            self.retrying_since = None;
            return None;
        };
        let since = *self.retrying_since.get_or_insert(elapsed);
        let hopeless = failure.kind.remedy() == Remedy::Person;
        let far = failure.wait.is_some_and(|wait| wait > PATIENCE)
            || failure.until.is_some_and(|until| {
                until.duration_since(self.limits.now).unsigned_abs() > elapsed + PATIENCE
                    && until > self.limits.now
            });
        let long = elapsed.saturating_sub(since) >= STUBBORN;
        (hopeless || far || long).then(|| failure.clone())
    }

    fn over_budget(&self) -> Option<Failure> {
        let Spent { tokens, cost_usd } = self.tally.spent;
        let cost = cost_usd.unwrap_or_default();
        let said = match (self.limits.usd, self.limits.tokens) {
            (Some(limit), _) if cost >= limit && cost_usd.is_some() => {
                format!("it has cost {} of the {} that were left", spell_usd(cost), spell_usd(limit))
            }
            (_, Some(limit)) if tokens.total() >= limit => {
                format!("it has used {} of the {limit} tokens that were left", tokens.total())
            }
            (_, _) => return None,
        };
        Some(Failure::new(FailureKind::Budget, &said))
    }
}

fn remember(list: &mut Vec<String>, new: String) {
    if list.len() == REMEMBERED {
        list.remove(0);
    }
    list.push(new);
}

#[expect(clippy::cast_precision_loss, reason = "counts of tokens are far below 2^52")]
fn share(used: u64, window: u64) -> f64 {
    used as f64 / window as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::run::Tokens;

    fn limits() -> Limits {
        Limits {
            now: "2026-11-20T10:00:00Z".parse().unwrap(),
            usd: None,
            tokens: None,
            compact_at: Some(0.8),
            rotate_at: Some(0.95),
            window: Some(1_000),
            price: None,
        }
    }

    fn watcher(limits: Limits, signals: impl IntoIterator<Item = Signal>) -> Watcher {
        let mut watcher = Watcher::new(limits);
        signals.into_iter().for_each(|signal| watcher.signal(signal));
        watcher
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn context(used: u64) -> Signal {
        Signal::Context { used, window: Some(5_000) }
    }

    fn spent(input: u64, output: u64, cost_usd: Option<f64>) -> Signal {
        Signal::Spent(Spent { tokens: Tokens { input, output, ..Tokens::default() }, cost_usd })
    }

    #[test]
    fn at_80_percent_it_is_compacted_and_at_95_a_fresh_session_takes_over() {
        let decide = |limits: Limits, used| watcher(limits, [context(used)]).decide(seconds(1));
        assert_eq!(decide(limits(), 799), Decision::GoOn);
        assert_eq!(decide(limits(), 800), Decision::Compact);
        assert_eq!(decide(limits(), 950), Decision::Rotate);
        let cannot = || Limits { compact_at: None, rotate_at: Some(0.8), ..limits() };
        assert_eq!(decide(cannot(), 800), Decision::Rotate);
        assert_eq!(decide(Limits { window: None, ..limits() }, 950), Decision::GoOn, "of 5000");
        assert_eq!(decide(Limits { window: None, ..limits() }, 4_000), Decision::Compact, "of 5000");
        let mut shrunk = watcher(limits(), [context(850), Signal::Compacted, context(200)]);
        assert_eq!(shrunk.decide(seconds(1)), Decision::GoOn);
        assert_eq!((shrunk.tally().compactions, shrunk.tally().peak), (1, Some(0.85)));
    }

    #[test]
    fn an_agent_that_keeps_compacting_is_taken_over() {
        let mut watcher = watcher(limits(), (0..5).map(|_| Signal::Compacted));
        assert_eq!(watcher.decide(seconds(1)), Decision::Rotate);
    }

    #[test]
    fn a_session_ends_when_its_money_or_its_tokens_are_used_up() {
        let price = Some(Price { input: 2.0, cached: 0.1, output: 10.0 });
        let money = || Limits { usd: Some(1.0), price, ..limits() };
        let kind = |limits, signal| match watcher(limits, [signal]).decide(seconds(1)) {
            Decision::Stop(failure) => Some(failure.kind),
            Decision::GoOn => None,
            other @ (Decision::Compact | Decision::Rotate | Decision::Dismiss) => panic!("{other:?}"),
        };
        assert_eq!(kind(money(), spent(100_000, 79_999, None)), None);
        assert_eq!(kind(money(), spent(100_000, 80_000, None)), Some(FailureKind::Budget), "by the price");
        assert_eq!(kind(money(), spent(100_000, 80_000, Some(0.2))), None, "its own figure goes first");
        let tokens = || Limits { tokens: Some(1_000), ..limits() };
        assert_eq!(kind(tokens(), spent(900, 99, None)), None);
        assert_eq!(kind(tokens(), spent(900, 100, None)), Some(FailureKind::Budget));
        let done = watcher(money(), [spent(0, 500_000, None), Signal::Finished]).decide(seconds(1));
        assert_eq!(done, Decision::GoOn, "what is done is done");
    }

    #[test]
    fn what_has_finished_and_stays_is_dismissed() {
        let mut watcher = watcher(limits(), [Signal::Finished]);
        assert_eq!(watcher.decide(seconds(10)), Decision::GoOn);
        assert_eq!(watcher.decide(seconds(14)), Decision::GoOn);
        assert_eq!(watcher.decide(seconds(15)), Decision::Dismiss);
    }

    #[test]
    fn pointless_retrying_ends_at_once() {
        let retrying = |kind, wait: Option<u64>, until: Option<&str>| {
            Signal::Retrying(Failure {
                wait: wait.map(seconds),
                until: until.map(|time| time.parse().unwrap()),
                ..Failure::new(kind, "x")
            })
        };
        let stops = |signal| matches!(watcher(limits(), [signal]).decide(seconds(1)), Decision::Stop(_));
        assert!(stops(retrying(FailureKind::BadKey, None, None)), "no retry makes a key good");
        assert!(!stops(retrying(FailureKind::RateLimit, Some(2), None)));
        assert!(stops(retrying(FailureKind::RateLimit, Some(3_600), None)));
        assert!(stops(retrying(FailureKind::UsageLimit, None, Some("2026-11-20T12:00:00Z"))));
        assert!(!stops(retrying(FailureKind::UsageLimit, None, Some("2026-11-20T10:01:00Z"))));
        let mut stubborn = watcher(limits(), [retrying(FailureKind::Server, None, None)]);
        assert_eq!(stubborn.decide(seconds(10)), Decision::GoOn);
        stubborn.signal(retrying(FailureKind::Server, None, None));
        assert!(matches!(stubborn.decide(seconds(310)), Decision::Stop(_)));
        let mut goes_on = watcher(limits(), [retrying(FailureKind::Server, None, None)]);
        let _ = goes_on.decide(seconds(10));
        goes_on.signal(Signal::Tool("Bash: ls".to_owned()));
        assert_eq!(goes_on.decide(seconds(310)), Decision::GoOn, "it worked in the end");
    }
}
