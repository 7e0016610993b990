//! What trends, totals and decisions need of a run record, and the cache of it.
//!
//! Invariant: an entry of the cache counts only for the very file that it was made from; a cache
//! that is damaged or of another version is as good as none. Safe to delete.

use super::cache::{Stamp, opened, position, sealed};
use super::id::{RunId, TaskId};
use super::layout;
use super::news::StateFile;
use super::run::{AttemptRecord, GateRecord, OutcomeKind, Run, Tokens, plain_usd};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The layout of the cache; a change here makes all older ones void.
const VERSION: [u8; 1] = [7];

/// How often a token that was read is thought to be read again from the cache.
pub const REREAD: u64 = 6;

/// How many paths of changed files a digest has.
const FILES_MAX: usize = 20;

/// What one profile did in a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its name.
    pub agent: String,
    /// Whether it was only asked about the work, such as for a review.
    pub asked: bool,
    /// What its sessions used.
    pub tokens: Tokens,
    /// What they cost in USD, where that is known.
    pub cost_usd: Option<f64>,
}

impl Part {
    /// The part of a profile that has used nothing yet.
    #[must_use]
    pub fn new(agent: impl Into<String>, asked: bool) -> Self {
        Self { agent: agent.into(), asked, tokens: Tokens::default(), cost_usd: None }
    }

    fn add(&mut self, tokens: Tokens, cost_usd: Option<f64>) {
        self.tokens = self.tokens + tokens;
        if let Some(cost_usd) = cost_usd {
            self.cost_usd = Some(plain_usd(self.cost_usd.unwrap_or_default() + cost_usd));
        }
    }
}

/// Who did what in a run. What a decision says again of the work is not its own.
fn parts(run: &Run) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut part = |agent: &str, asked: bool, tokens: Tokens, cost_usd: Option<f64>| match parts
        .iter_mut()
        .find(|part| part.agent == agent && part.asked == asked)
    {
        Some(part) => part.add(tokens, cost_usd),
        None => parts.push(Part { tokens, cost_usd, ..Part::new(agent, asked) }),
    };
    let own = |session: &&AttemptRecord| run.decides.is_none() || session.role.is_some();
    for session in run.attempts.iter().filter(own) {
        let agent = session.agent.as_ref().unwrap_or(&run.agent);
        part(agent, session.role.is_some(), session.tokens, session.cost_usd);
    }
    let told: f64 = run.attempts.iter().filter(own).filter_map(|session| session.cost_usd).sum();
    // What no session is known to have cost was the profile's own.
    let rest = run.cost_usd.map(|all| plain_usd(all - told)).filter(|rest| *rest > 0.0);
    if rest.is_some() || (run.decides.is_none() && run.attempts.is_empty()) {
        part(&run.agent, run.at_work() == 0 && !run.attempts.is_empty(), Tokens::default(), rest);
    }
    parts
}

/// What trends, totals and decisions need of a run record.
#[derive(Debug, Clone, PartialEq)]
pub struct Digest {
    /// The run.
    pub id: RunId,
    /// The task that it worked on.
    pub task: TaskId,
    /// The run whose work it decides on, if it does.
    pub decides: Option<RunId>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// The judgement.
    pub outcome: OutcomeKind,
    /// Why, in one line.
    pub reason: String,
    /// The profile's name.
    pub agent: String,
    /// Its adapter.
    pub adapter: String,
    /// Who did what, and what it cost.
    pub parts: Vec<Part>,
    /// Agent sessions that did the work.
    pub attempts: u32,
    /// How long the agent was at work in all of them.
    pub agent_ms: u64,
    /// The gates that rejected something, one for each session that was rejected.
    pub rejected_by: Vec<String>,
    /// The gates that passed only at a later try.
    pub flaky: Vec<String>,
    /// Cost in USD, where it is known.
    pub cost_usd: Option<f64>,
    /// What all sessions used together.
    pub tokens: Tokens,
    /// The size of the first prompt, estimated.
    pub prompt_tokens: u64,
    /// Tokens predicted when the step began.
    pub estimated_tokens: Option<u64>,
    /// What a gate measured as coverage, in percent.
    pub coverage: Option<f64>,
    /// How often its agent claimed what was not so.
    pub false_claims: u32,
    /// Paths of files that its candidate changes, the first of them.
    pub files: Vec<String>,
    /// The largest share of the context window that was used.
    pub context_peak: Option<f64>,
    /// How often the context was full, and made smaller or left for a fresh one.
    pub full: u32,
}

impl Digest {
    /// What is needed of a record.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let named =
            |gate: &GateRecord| gate.metric.as_ref().filter(|(name, _)| name == "coverage").map(|(_, v)| *v);
        let at_work = run.attempts.iter().filter(|attempt| attempt.role.is_none());
        let mut coverage = run.gates.iter().filter_map(|gate| gate.coverage.or_else(|| named(gate)));
        Self {
            id: run.id.clone(),
            task: run.task.clone(),
            decides: run.decides.clone(),
            started: run.started,
            finished: run.finished,
            outcome: run.outcome,
            reason: run.reason.clone(),
            agent: run.agent.clone(),
            adapter: run.adapter.clone(),
            attempts: u32::try_from(run.at_work()).unwrap_or(u32::MAX),
            parts: parts(run),
            agent_ms: at_work.map(|attempt| attempt.duration_ms).sum(),
            rejected_by: run.attempts.iter().filter_map(|attempt| attempt.rejected_by.clone()).collect(),
            flaky: run.flaky_gates().map(|gate| gate.name.clone()).collect(),
            cost_usd: run.cost_usd,
            tokens: run.tokens(),
            prompt_tokens: run.prompt_tokens,
            estimated_tokens: run.estimated_tokens,
            coverage: coverage.next_back(),
            false_claims: u32::try_from(run.claims.len()).unwrap_or(u32::MAX),
            files: run.files.iter().take(FILES_MAX).cloned().collect(),
            context_peak: run.context_peak,
            full: run.compactions + run.rotations,
        }
    }

    /// Whether the work passed its gates, and its review; none where nothing was judged, or not yet.
    #[must_use]
    pub fn passed(&self) -> Option<bool> {
        match self.outcome {
            OutcomeKind::Accepted => Some(true),
            OutcomeKind::Rejected => Some(false),
            // The last rejection that the policy gives a task blocks it.
            OutcomeKind::Blocked if !self.rejected_by.is_empty() => Some(false),
            OutcomeKind::NeedsReview | OutcomeKind::Blocked | OutcomeKind::Deferred => None,
        }
    }

    /// Whether the work passed its gates at the first attempt; none where nothing was judged.
    #[must_use]
    pub fn first_pass(&self) -> Option<bool> {
        self.passed().map(|passed| passed && self.attempts <= 1)
    }

    /// Tokens that were read anew or written.
    #[must_use]
    pub fn fresh_tokens(&self) -> u64 {
        self.tokens.input.saturating_add(self.tokens.output)
    }

    /// The same of those who did the work: how large it turned out to be.
    #[must_use]
    pub fn work_tokens(&self) -> u64 {
        let asked = self.parts.iter().filter(|part| part.asked).map(|part| part.tokens);
        asked.fold(self.fresh_tokens(), |left, used| left.saturating_sub(used.input + used.output))
    }

    /// How large the work was: what was read anew or written, or as much as all that was read tells of, where nearly
    /// all of it came from the cache.
    #[must_use]
    pub fn size_tokens(&self) -> u64 {
        let asked: u64 = self.parts.iter().filter(|part| part.asked).map(|part| part.tokens.cached).sum();
        let work = self.work_tokens();
        work.max(work.saturating_add(self.tokens.cached.saturating_sub(asked)) / (1 + REREAD))
    }

    /// What the work of the profile itself cost, where that is known.
    #[must_use]
    pub fn work_usd(&self) -> Option<f64> {
        let others = self.parts.iter().filter(|part| part.asked || part.agent != self.agent);
        let others: f64 = others.filter_map(|part| part.cost_usd).sum();
        Some(plain_usd(self.cost_usd? - others).max(0.0))
    }

    /// Whether a profile had a hand in it.
    #[must_use]
    pub fn is_by(&self, profile: &str) -> bool {
        self.parts.iter().any(|part| part.agent == profile)
    }

    /// Whether the task's own command did the work, and no agent.
    #[must_use]
    pub fn is_shell(&self) -> bool {
        self.adapter == "shell"
    }
}

#[derive(Serialize, Deserialize)]
struct Shape<'a> {
    stamp: Stamp,
    path: &'a str,
    task: &'a str,
    decides: Option<&'a str>,
    started: i128,
    finished: i128,
    outcome: u8,
    reason: &'a str,
    agent: &'a str,
    adapter: &'a str,
    #[serde(borrow)]
    parts: Vec<(&'a str, bool, [u64; 4], Option<f64>)>,
    attempts: u32,
    agent_ms: u64,
    #[serde(borrow)]
    rejected_by: Vec<&'a str>,
    flaky: Vec<&'a str>,
    cost_usd: Option<f64>,
    tokens: [u64; 4],
    prompt_tokens: u64,
    estimated_tokens: Option<u64>,
    coverage: Option<f64>,
    false_claims: u32,
    files: Vec<&'a str>,
    context_peak: Option<f64>,
    full: u32,
}

/// Digests that were made before.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Kept {
    /// The tree whose newest records these are, if they are of one.
    pub(super) tree: Option<Vec<u8>>,
    /// Their paths, the newest record first.
    pub(super) order: Vec<String>,
    /// By path.
    pub(super) by_path: HashMap<String, (Stamp, Digest)>,
}

/// Digests as bytes: version, checksum, content. `tree` is the one whose newest records they are.
pub(super) fn encode(tree: Option<&[u8]>, kept: &[(StateFile, Digest)]) -> Vec<u8> {
    let shapes: Vec<Shape<'_>> = kept.iter().map(|(file, digest)| Shape::of(file, digest)).collect();
    let Ok(body) = postcard::to_stdvec(&(tree, shapes)) else { return Vec::new() };
    sealed(&VERSION, &body)
}

/// The digests that bytes hold; none if they are damaged or of another version.
pub(super) fn decode(bytes: &[u8]) -> Option<Kept> {
    let (tree, shapes): (Option<&[u8]>, Vec<Shape<'_>>) =
        postcard::from_bytes(opened(&VERSION, bytes)?).ok()?;
    let order = shapes.iter().map(|shape| shape.path.to_owned()).collect();
    let by_path = shapes.into_iter().map(Shape::into_entry).collect::<Option<_>>()?;
    Some(Kept { tree: tree.map(<[u8]>::to_vec), order, by_path })
}

impl<'a> Shape<'a> {
    fn of(file: &'a StateFile, digest: &'a Digest) -> Self {
        let part = |part: &'a Part| (part.agent.as_str(), part.asked, numbers(part.tokens), part.cost_usd);
        Self {
            stamp: file.stamp,
            path: &file.path,
            task: digest.task.as_str(),
            decides: digest.decides.as_ref().map(RunId::as_str),
            started: digest.started.as_nanosecond(),
            finished: digest.finished.as_nanosecond(),
            outcome: position(&OutcomeKind::ALL, &digest.outcome),
            reason: &digest.reason,
            agent: &digest.agent,
            adapter: &digest.adapter,
            parts: digest.parts.iter().map(part).collect(),
            attempts: digest.attempts,
            agent_ms: digest.agent_ms,
            rejected_by: digest.rejected_by.iter().map(String::as_str).collect(),
            flaky: digest.flaky.iter().map(String::as_str).collect(),
            cost_usd: digest.cost_usd,
            tokens: numbers(digest.tokens),
            prompt_tokens: digest.prompt_tokens,
            estimated_tokens: digest.estimated_tokens,
            coverage: digest.coverage,
            false_claims: digest.false_claims,
            files: digest.files.iter().map(String::as_str).collect(),
            context_peak: digest.context_peak,
            full: digest.full,
        }
    }

    fn into_entry(self) -> Option<(String, (Stamp, Digest))> {
        let part = |(agent, asked, tokens, cost_usd): (&str, bool, [u64; 4], Option<f64>)| Part {
            tokens: of_numbers(tokens),
            cost_usd,
            ..Part::new(agent, asked)
        };
        let digest = Digest {
            id: RunId::new(layout::stem(self.path)).ok()?,
            task: TaskId::new(self.task).ok()?,
            decides: self.decides.map(RunId::new).transpose().ok()?,
            started: Timestamp::from_nanosecond(self.started).ok()?,
            finished: Timestamp::from_nanosecond(self.finished).ok()?,
            outcome: *OutcomeKind::ALL.get(usize::from(self.outcome))?,
            reason: self.reason.to_owned(),
            agent: self.agent.to_owned(),
            adapter: self.adapter.to_owned(),
            parts: self.parts.into_iter().map(part).collect(),
            attempts: self.attempts,
            agent_ms: self.agent_ms,
            rejected_by: self.rejected_by.into_iter().map(str::to_owned).collect(),
            flaky: self.flaky.into_iter().map(str::to_owned).collect(),
            cost_usd: self.cost_usd,
            tokens: of_numbers(self.tokens),
            prompt_tokens: self.prompt_tokens,
            estimated_tokens: self.estimated_tokens,
            coverage: self.coverage,
            false_claims: self.false_claims,
            files: self.files.into_iter().map(str::to_owned).collect(),
            context_peak: self.context_peak,
            full: self.full,
        };
        Some((self.path.to_owned(), (self.stamp, digest)))
    }
}

fn numbers(tokens: Tokens) -> [u64; 4] {
    let Tokens { input, cached, output, reasoning } = tokens;
    [input, cached, output, reasoning]
}

fn of_numbers([input, cached, output, reasoning]: [u64; 4]) -> Tokens {
    Tokens { input, cached, output, reasoning }
}

/// A digest for tests: of a run that `agent` took at a time and that ended so.
#[cfg(test)]
pub(crate) fn sample(started: &str, agent: &str, outcome: OutcomeKind) -> Digest {
    let started: Timestamp = started.parse().expect("a time");
    let millis = u64::try_from(started.as_millisecond()).expect("after 1970");
    let tokens = Tokens { input: 40_000, cached: 200_000, output: 10_000, reasoning: 0 };
    Digest {
        id: RunId::new(super::id::ulid(millis, 0)).expect("an id"),
        task: TaskId::new("t-1").expect("an id"),
        decides: None,
        started,
        finished: started + jiff::SignedDuration::from_secs(120),
        outcome,
        reason: "it says so".to_owned(),
        agent: agent.to_owned(),
        adapter: "command".to_owned(),
        parts: vec![Part { tokens, cost_usd: Some(0.5), ..Part::new(agent, false) }],
        attempts: 1,
        agent_ms: 60_000,
        rejected_by: if outcome == OutcomeKind::Rejected { vec!["test".to_owned()] } else { Vec::new() },
        flaky: Vec::new(),
        cost_usd: Some(0.5),
        tokens,
        prompt_tokens: 400,
        estimated_tokens: Some(46_800),
        coverage: None,
        false_claims: 0,
        files: Vec::new(),
        context_peak: None,
        full: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::MODE_FILE;
    use proptest::prelude::*;

    fn one() -> (StateFile, Digest) {
        let digest = Digest {
            rejected_by: vec!["test".to_owned(), "lint".to_owned()],
            flaky: vec!["e2e".to_owned()],
            decides: Some(RunId::new("01JD").unwrap()),
            parts: vec![Part::new("sonnet", false), Part { cost_usd: Some(0.1), ..Part::new("eyes", true) }],
            coverage: Some(87.2),
            false_claims: 2,
            files: vec!["src/a.rs".to_owned()],
            context_peak: Some(0.25),
            full: 1,
            ..sample("2026-11-20T10:00:00.5Z", "sonnet", OutcomeKind::Blocked)
        };
        let path = format!(".orchestrator/runs/2026-11/{}.toml", digest.id);
        (StateFile { path, mode: Some(MODE_FILE), stamp: Stamp::Stat([1, 2, 3, 4]) }, digest)
    }

    #[test]
    fn a_cache_holds_what_was_put_in() {
        let (file, digest) = one();
        for cost_usd in [None, Some(0.25)] {
            let digest = Digest { cost_usd, ..digest.clone() };
            let kept = decode(&encode(Some(&[7; 20]), &[(file.clone(), digest.clone())])).unwrap();
            assert_eq!(kept.by_path.get(&file.path), Some(&(file.stamp, digest)));
            assert_eq!((kept.tree, kept.order), (Some(vec![7; 20]), vec![file.path.clone()]));
        }
    }

    #[test]
    fn only_what_was_judged_passes_or_fails() {
        let (_, blocked) = one();
        assert_eq!((blocked.passed(), blocked.first_pass()), (Some(false), Some(false)));
        let of = |outcome| sample("2026-11-20T10:00:00Z", "a", outcome);
        assert_eq!(of(OutcomeKind::Blocked).passed(), None);
        assert_eq!(of(OutcomeKind::Deferred).first_pass(), None);
        // The gates have passed it, and the last word is not spoken.
        assert_eq!(of(OutcomeKind::NeedsReview).passed(), None);
        let second = Digest { attempts: 2, ..of(OutcomeKind::Accepted) };
        assert_eq!((second.passed(), second.first_pass()), (Some(true), Some(false)));
    }

    proptest! {
        #[test]
        fn a_damaged_cache_is_as_good_as_none(at in 0_usize..200, bit in 0_u8..8) {
            let mut bytes = encode(None, &[one()]);
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            prop_assert!(decode(&bytes).is_none());
            prop_assert!(decode(&bytes[..at]).is_none());
        }
    }
}
