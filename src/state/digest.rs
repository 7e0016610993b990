//! What trends, totals and decisions need of a run record, and the cache of it.
//!
//! Invariant: an entry of the cache counts only for the very file that it was made from; a cache
//! that is damaged or of another version is as good as none. Safe to delete.

use super::cache::{Stamp, opened, position, sealed};
use super::id::{RunId, TaskId};
use super::layout;
use super::news::StateFile;
use super::run::{GateRecord, OutcomeKind, Run, Tokens};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The layout of the cache; a change here makes all older ones void.
const VERSION: [u8; 1] = [5];

/// How many paths of changed files a digest has.
const FILES_MAX: usize = 20;

/// What trends, totals and decisions need of a run record.
#[derive(Debug, Clone, PartialEq)]
pub struct Digest {
    /// The run.
    pub id: RunId,
    /// The task that it worked on.
    pub task: TaskId,
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
    /// Agent sessions.
    pub attempts: u32,
    /// How long the agent was at work in all of them.
    pub agent_ms: u64,
    /// The gates that rejected something, one for each session that was rejected.
    pub rejected_by: Vec<String>,
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
        let mut coverage = run.gates.iter().filter_map(|gate| gate.coverage.or_else(|| named(gate)));
        Self {
            id: run.id.clone(),
            task: run.task.clone(),
            started: run.started,
            finished: run.finished,
            outcome: run.outcome,
            reason: run.reason.clone(),
            agent: run.agent.clone(),
            adapter: run.adapter.clone(),
            attempts: u32::try_from(run.at_work()).unwrap_or(u32::MAX),
            agent_ms: run.attempts.iter().map(|attempt| attempt.duration_ms).sum(),
            rejected_by: run.attempts.iter().filter_map(|attempt| attempt.rejected_by.clone()).collect(),
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

    /// Whether the work passed its gates; none where nothing was judged.
    #[must_use]
    pub fn passed(&self) -> Option<bool> {
        match self.outcome {
            OutcomeKind::Accepted | OutcomeKind::NeedsReview => Some(true),
            OutcomeKind::Rejected => Some(false),
            // The last rejection that the policy gives a task blocks it.
            OutcomeKind::Blocked if !self.rejected_by.is_empty() => Some(false),
            OutcomeKind::Blocked | OutcomeKind::Deferred => None,
        }
    }

    /// Whether the work passed its gates at the first attempt; none where nothing was judged.
    #[must_use]
    pub fn first_pass(&self) -> Option<bool> {
        self.passed().map(|passed| passed && self.attempts <= 1)
    }

    /// Tokens that were read anew or written: how large the work turned out to be.
    #[must_use]
    pub fn fresh_tokens(&self) -> u64 {
        self.tokens.input.saturating_add(self.tokens.output)
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
    started: i128,
    finished: i128,
    outcome: u8,
    reason: &'a str,
    agent: &'a str,
    adapter: &'a str,
    attempts: u32,
    agent_ms: u64,
    #[serde(borrow)]
    rejected_by: Vec<&'a str>,
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
        let Tokens { input, cached, output, reasoning } = digest.tokens;
        Self {
            stamp: file.stamp,
            path: &file.path,
            task: digest.task.as_str(),
            started: digest.started.as_nanosecond(),
            finished: digest.finished.as_nanosecond(),
            outcome: position(&OutcomeKind::ALL, &digest.outcome),
            reason: &digest.reason,
            agent: &digest.agent,
            adapter: &digest.adapter,
            attempts: digest.attempts,
            agent_ms: digest.agent_ms,
            rejected_by: digest.rejected_by.iter().map(String::as_str).collect(),
            cost_usd: digest.cost_usd,
            tokens: [input, cached, output, reasoning],
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
        let [input, cached, output, reasoning] = self.tokens;
        let digest = Digest {
            id: RunId::new(layout::stem(self.path)).ok()?,
            task: TaskId::new(self.task).ok()?,
            started: Timestamp::from_nanosecond(self.started).ok()?,
            finished: Timestamp::from_nanosecond(self.finished).ok()?,
            outcome: *OutcomeKind::ALL.get(usize::from(self.outcome))?,
            reason: self.reason.to_owned(),
            agent: self.agent.to_owned(),
            adapter: self.adapter.to_owned(),
            attempts: self.attempts,
            agent_ms: self.agent_ms,
            rejected_by: self.rejected_by.into_iter().map(str::to_owned).collect(),
            cost_usd: self.cost_usd,
            tokens: Tokens { input, cached, output, reasoning },
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

/// A digest for tests: of a run that `agent` took at a time and that ended so.
#[cfg(test)]
pub(crate) fn sample(started: &str, agent: &str, outcome: OutcomeKind) -> Digest {
    let started: Timestamp = started.parse().expect("a time");
    let millis = u64::try_from(started.as_millisecond()).expect("after 1970");
    Digest {
        id: RunId::new(super::id::ulid(millis, 0)).expect("an id"),
        task: TaskId::new("t-1").expect("an id"),
        started,
        finished: started + jiff::SignedDuration::from_secs(120),
        outcome,
        reason: "it says so".to_owned(),
        agent: agent.to_owned(),
        adapter: "command".to_owned(),
        attempts: 1,
        agent_ms: 60_000,
        rejected_by: if outcome == OutcomeKind::Rejected { vec!["test".to_owned()] } else { Vec::new() },
        cost_usd: Some(0.5),
        tokens: Tokens { input: 40_000, cached: 200_000, output: 10_000, reasoning: 0 },
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
    use proptest::prelude::*;

    fn one() -> (StateFile, Digest) {
        let digest = Digest {
            rejected_by: vec!["test".to_owned(), "lint".to_owned()],
            coverage: Some(87.2),
            false_claims: 2,
            files: vec!["src/a.rs".to_owned()],
            context_peak: Some(0.25),
            full: 1,
            ..sample("2026-11-20T10:00:00.5Z", "sonnet", OutcomeKind::Blocked)
        };
        let path = format!(".orchestrator/runs/2026-11/{}.toml", digest.id);
        (StateFile { path, stamp: Stamp::Stat([1, 2, 3, 4]) }, digest)
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
