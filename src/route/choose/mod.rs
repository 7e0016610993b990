//! The profile with the least expected cost for an accepted task, among those that may take it.
//!
//! In: a [`Query`]. Out: a [`Route`]: every candidate with its numbers, and the one that is chosen or
//! why none is. What a profile fails goes to a stronger one, so the cost of an accepted task is its
//! own step and, as often as that is rejected, what the stronger one costs.

mod reason;
mod refusal;

pub use refusal::Refusal;

use super::need::Need;
use super::past::{Past, Ratio};
use super::predict::{Prediction, predict};
use super::{OVERSIZED, STRATEGIST, tokens, window};
use crate::config::{Adapter, Price, Profile};
use crate::state::task::Task;
use jiff::Timestamp;

/// What a worker is given on a strategist where strategists do more than their share.
const GUARD: f64 = 0.9;

/// A profile, and what is known about it beside its configuration.
#[derive(Debug, Clone)]
pub struct Offer<'o> {
    /// The profile.
    pub profile: &'o Profile,
    /// What it costs, configured or known of its model.
    pub price: Option<Price>,
    /// How much it can hold, configured or known of its model.
    pub window: Option<u64>,
}

/// What is to be decided.
#[derive(Debug, Clone, Copy)]
pub struct Query<'q> {
    /// The task.
    pub task: &'q Task,
    /// What it needs.
    pub need: &'q Need,
    /// Its size by the formula, in tokens.
    pub formula: u64,
    /// All profiles, in the order of the configuration.
    pub offers: &'q [Offer<'q>],
    /// What past runs say.
    pub past: &'q Past<'q>,
    /// The most of a window that a task may be expected to need.
    pub task_share: f64,
    /// Profiles that rest, and until when.
    pub cooldowns: &'q [(String, Timestamp)],
    /// Sessions that are at work, by profile.
    pub busy: &'q [(String, u32)],
    /// Profiles whose program is not on this machine.
    pub missing: &'q [String],
    /// Profiles that cannot work before a person has acted, and why.
    pub unusable: &'q [(String, String)],
    /// Now.
    pub now: Timestamp,
    /// The profile that a person named.
    pub wanted: Option<&'q str>,
}

/// A profile as a candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// What it is trusted with.
    pub capability: u8,
    /// Why it may not take the task.
    pub refusal: Option<Refusal>,
    /// How large the task would be for it.
    pub prediction: Prediction,
    /// How much it can hold.
    pub window: Option<u64>,
    /// The share of that which the task is expected to need.
    pub share: Option<f64>,
    /// How likely a step of it is to be accepted.
    pub accept: f64,
    /// What a step costs, in USD; none where nobody knows.
    pub run_usd: Option<f64>,
    /// What an accepted task costs, with what it fails going to a stronger one; none where nobody knows.
    pub expected_usd: Option<f64>,
    /// Steps for an accepted task, likewise.
    pub expected_steps: f64,
}

/// Why nobody is chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum NoRoute {
    /// No profile can take it, whatever happens.
    Nobody(String),
    /// Those that could are not installed.
    Missing(Vec<String>),
    /// Before this one, which could, a person has to act; why.
    Unusable(String, String),
    /// Those that could rest, the first of them until then.
    Cooling(Timestamp),
    /// Those that could are at work.
    Busy,
    /// It is too large for all that could: it has to be split.
    Oversized(String),
}

/// Who does it.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The place of the chosen candidate, or why there is none.
    pub chosen: Result<usize, NoRoute>,
    /// Why it and no other.
    pub because: String,
    /// All of them, in the order of the configuration.
    pub candidates: Vec<Candidate>,
}

/// Chooses who does a task.
#[must_use]
pub fn choose(query: &Query<'_>) -> Route {
    let mut candidates: Vec<Candidate> = query.offers.iter().map(|offer| candidate(query, offer)).collect();
    if let Some(wanted) = query.wanted {
        expect(&mut candidates);
        return named(wanted, candidates);
    }
    if query.task.run.is_some() {
        let free = candidates.iter().position(|each| each.refusal.is_none());
        let chosen = free.ok_or_else(|| unavailable(&candidates, "no profile uses the `shell` adapter"));
        return Route { chosen, because: "the task has a command of its own".to_owned(), candidates };
    }
    let trusted = hold_back(query, &mut candidates);
    expect(&mut candidates);
    let guarded =
        query.past.ratio(&query.offers.iter().map(|offer| offer.profile.clone()).collect::<Vec<_>>());
    let best = ranked(&candidates, guarded.is_broken()).first().copied();
    let Some(at) = best else {
        let why = unavailable(&candidates, "no agent profile can take it");
        return Route { chosen: Err(why), because: String::new(), candidates };
    };
    if waits_for_worker(&candidates, at, guarded) {
        return Route { chosen: Err(NoRoute::Busy), because: String::new(), candidates };
    }
    let because = reason::because(query, &candidates, at, trusted, guarded.is_broken());
    Route { chosen: Ok(at), because, candidates }
}

/// Those that may take it, the best first: the cheapest, if it is known of all of them what they cost. Where money
/// does not tell, the least capable that is enough is, unless it fails too often.
#[must_use]
pub fn ranked(candidates: &[Candidate], guarded: bool) -> Vec<usize> {
    let mut free: Vec<usize> = (0..candidates.len()).filter(|&at| candidates[at].refusal.is_none()).collect();
    let all_known = knows_costs(free.iter().map(|&at| &candidates[at]));
    let price = |each: &Candidate| {
        let favour = guarded && each.capability < STRATEGIST;
        each.expected_usd.unwrap_or(f64::MAX) * if favour { GUARD } else { 1.0 }
    };
    free.sort_by(|&a, &b| {
        let (left, right) = (&candidates[a], &candidates[b]);
        let usd = price(left).total_cmp(&price(right));
        let capability = if fails_often(left) == fails_often(right) {
            left.capability.cmp(&right.capability)
        } else {
            left.expected_steps.total_cmp(&right.expected_steps)
        };
        if all_known { usd.then(capability) } else { capability.then(usd) }.then(a.cmp(&b))
    });
    free
}

fn knows_costs<'c>(mut candidates: impl Iterator<Item = &'c Candidate>) -> bool {
    candidates.all(|each| each.expected_usd.is_some())
}

/// Whether so much of a profile's work is rejected that a more capable one is no dearer in the end.
fn fails_often(candidate: &Candidate) -> bool {
    candidate.accept < 0.5
}

/// Whether a strategist was only chosen because the worker that is enough, and costs no more, is at work. It
/// stands in for workers as often as its share of the work allows.
fn waits_for_worker(candidates: &[Candidate], chosen: usize, ratio: Ratio) -> bool {
    let best = &candidates[chosen];
    let at_work = candidates.iter().filter(|each| matches!(each.refusal, Some(Refusal::Busy(_))));
    let is_dearer = |each: &Candidate| each.run_usd.zip(best.run_usd).is_some_and(|(its, best)| its > best);
    let mut worker = at_work.filter(|each| each.capability < STRATEGIST && !is_dearer(each));
    best.capability >= STRATEGIST && worker.next().is_some() && !ratio.has_room()
}

/// What a person named is taken, but for what cannot be done at all.
fn named(wanted: &str, candidates: Vec<Candidate>) -> Route {
    let because = "named on the command line".to_owned();
    let Some(at) = candidates.iter().position(|each| each.name == wanted) else {
        let why = format!("no agent profile is called `{wanted}`");
        return Route { chosen: Err(NoRoute::Nobody(why)), because, candidates };
    };
    let chosen = match &candidates[at].refusal {
        Some(Refusal::NotItsSort(why)) => Err(NoRoute::Nobody(format!("profile `{wanted}`: {why}"))),
        Some(Refusal::Cooling(until)) => Err(NoRoute::Cooling(*until)),
        Some(Refusal::Busy(_)) => Err(NoRoute::Busy),
        // Whoever asks for it is told what it takes.
        Some(
            Refusal::Missing
            | Refusal::Unusable(_)
            | Refusal::TooSmall(_)
            | Refusal::TooWeak
            | Refusal::HasTried
            | Refusal::Outdone,
        )
        | None => Ok(at),
    };
    Route { chosen, because, candidates }
}

fn candidate(query: &Query<'_>, offer: &Offer<'_>) -> Candidate {
    let profile = offer.profile;
    let prediction = predict(query.formula, Some(&profile.name), Some(query.task.kind), &query.past.samples);
    let margin = i16::from(profile.capability) - i16::from(query.need.capability);
    let run_usd = query.past.run_usd(&profile.name, offer.price, query.formula);
    let samples = &query.past.samples;
    let share = offer
        .window
        .map(|room| window::share(&prediction, &profile.name, Some(query.task.kind), room, samples));
    Candidate {
        name: profile.name.clone(),
        capability: profile.capability,
        refusal: refusal(query, offer, share),
        prediction,
        window: offer.window,
        share,
        accept: query.past.accept(&profile.name, margin, query.task.kind),
        run_usd,
        expected_usd: run_usd,
        expected_steps: 1.0,
    }
}

/// Why a profile may not take the task, its capability aside.
fn refusal(query: &Query<'_>, offer: &Offer<'_>, share: Option<f64>) -> Option<Refusal> {
    let profile = offer.profile;
    let shell = profile.adapter == Adapter::Shell;
    match (shell, query.task.run.is_some()) {
        (true, false) => {
            return Some(Refusal::NotItsSort(
                "the task has no `run` command, which the built-in `shell` needs",
            ));
        }
        (false, true) if query.wanted.is_none() => {
            return Some(Refusal::NotItsSort("the task has a command of its own"));
        }
        (true | false, true | false) => {}
    }
    let too_small = share.filter(|share| *share > query.task_share && !shell).map(Refusal::TooSmall);
    // Where all are too small, the task is too large, whoever is installed, rests or is at work. Who is named
    // takes it all the same, when it can.
    if too_small.is_some() && query.wanted.is_none() {
        return too_small;
    }
    if query.missing.contains(&profile.name) {
        return too_small.or(Some(Refusal::Missing));
    }
    let rests = query.cooldowns.iter().find(|(name, until)| *name == profile.name && *until > query.now);
    if let Some((_, until)) = rests {
        return Some(Refusal::Cooling(*until));
    }
    if let Some((_, why)) = query.unusable.iter().find(|(name, _)| *name == profile.name) {
        return Some(Refusal::Unusable(why.clone()));
    }
    let at_work = query.busy.iter().find(|(name, _)| *name == profile.name).map_or(0, |(_, count)| *count);
    if at_work >= profile.max_parallel && !shell {
        return Some(Refusal::Busy(profile.max_parallel));
    }
    too_small
}

/// Refuses those that are too weak, or have tried in vain; but never all of them. Whether the task is
/// one that somebody is trusted with.
fn hold_back(query: &Query<'_>, candidates: &mut [Candidate]) -> bool {
    let able = |each: &Candidate| match each.refusal {
        None | Some(Refusal::Cooling(_) | Refusal::Busy(_) | Refusal::Unusable(_)) => true,
        Some(
            Refusal::NotItsSort(_)
            | Refusal::Missing
            | Refusal::TooSmall(_)
            | Refusal::TooWeak
            | Refusal::HasTried
            | Refusal::Outdone,
        ) => false,
    };
    // Who only rests, is at work or waits for a person is worth waiting for; a weaker one does not take its place.
    let strongest = candidates.iter().filter(|each| able(each)).map(|each| each.capability).max();
    let Some(strongest) = strongest else { return false };
    let needed = query.need.capability.min(strongest);
    let tried = query.past.rejected(&query.task.id);
    let in_vain =
        candidates.iter().filter(|each| tried.contains(&each.name.as_str())).map(|each| each.capability);
    let in_vain = in_vain.max().filter(|capability| *capability < strongest);
    // Where there is no stronger one, one as strong that has not tried yet comes first.
    let untried = candidates.iter().filter(|each| able(each) && !tried.contains(&each.name.as_str()));
    let equal = untried.map(|each| each.capability).max();
    for each in candidates.iter_mut().filter(|each| able(each)) {
        let has_tried = tried.contains(&each.name.as_str());
        let has_equal = equal >= Some(each.capability) && has_tried;
        if has_equal || in_vain.is_some_and(|capability| each.capability <= capability) {
            each.refusal = Some(if has_tried { Refusal::HasTried } else { Refusal::Outdone });
        } else if each.capability < needed {
            each.refusal = Some(Refusal::TooWeak);
        }
    }
    query.need.capability <= strongest
}

/// What an accepted task costs, the strongest first: each needs what the stronger ones cost.
fn expect(candidates: &mut [Candidate]) {
    let mut order: Vec<usize> =
        (0..candidates.len()).filter(|&at| candidates[at].refusal.is_none()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(candidates[at].capability));
    for (place, &at) in order.iter().enumerate() {
        let own = candidates[at].run_usd;
        let accept = candidates[at].accept.max(0.05);
        let stronger = order[..place].iter().map(|&other| &candidates[other]);
        let known_first = |usd: Option<f64>| usd.unwrap_or(f64::MAX);
        let next = stronger
            .filter(|other| other.capability > candidates[at].capability)
            .map(|other| (other.expected_usd, other.expected_steps))
            .min_by(|a, b| known_first(a.0).total_cmp(&known_first(b.0)).then(a.1.total_cmp(&b.1)));
        let (usd, steps) = match next {
            Some((usd, steps)) => {
                let usd = own.zip(usd).map(|(own, next)| own + (1.0 - accept) * next);
                (usd, 1.0 + (1.0 - accept) * steps)
            }
            None => (own.map(|own| own / accept), 1.0 / accept),
        };
        candidates[at].expected_usd = usd;
        candidates[at].expected_steps = steps;
    }
}

/// Why nobody is there: whoever becomes free first is waited for.
fn unavailable(candidates: &[Candidate], nobody: &str) -> NoRoute {
    let refusals = || candidates.iter().filter_map(|each| each.refusal.as_ref());
    let until = refusals().filter_map(Refusal::until);
    if let Some(until) = until.min() {
        return NoRoute::Cooling(until);
    }
    if refusals().any(|refusal| matches!(refusal, Refusal::Busy(_))) {
        return NoRoute::Busy;
    }
    let why = |each: &Candidate| each.refusal.as_ref().and_then(Refusal::needs_a_person).map(str::to_owned);
    let unusable = candidates.iter().find_map(|each| Some((each.name.clone(), why(each)?)));
    if let Some((name, why)) = unusable {
        return NoRoute::Unusable(name, why);
    }
    let missing = candidates.iter().filter(|each| each.refusal == Some(Refusal::Missing));
    let missing: Vec<String> = missing.map(|each| each.name.clone()).collect();
    if !missing.is_empty() {
        return NoRoute::Missing(missing);
    }
    let large = candidates.iter().find_map(|each| match (&each.refusal, each.window) {
        (Some(Refusal::TooSmall(share)), Some(window)) => Some(share * tokens(window)),
        (_, _) => None,
    });
    match large {
        Some(size) => NoRoute::Oversized(format!(
            "{OVERSIZED}{size:.0} tokens, more than one task may need of any window; split it"
        )),
        None => NoRoute::Nobody(nobody.to_owned()),
    }
}

#[cfg(test)]
mod tests;
