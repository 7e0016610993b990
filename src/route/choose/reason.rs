//! Why a profile was chosen, in words: the reason is the one by which it was.

use super::{Candidate, Query, Refusal, STRATEGIST, fails_often, knows_costs};

/// Why one of them is the best.
pub(super) fn because(
    query: &Query<'_>,
    all: &[Candidate],
    at: usize,
    trusted: bool,
    guarded: bool,
) -> String {
    let chosen = &all[at];
    let free: Vec<&Candidate> = all.iter().filter(|each| each.refusal.is_none()).collect();
    let mut text = query.need.spell();
    if !trusted {
        text.push_str("; the most capable, none is trusted with that");
    }
    let in_vain = |each: &&Candidate| matches!(each.refusal, Some(Refusal::HasTried | Refusal::Outdone));
    let tried = all.iter().filter(in_vain).map(|each| each.capability);
    match tried.max().filter(|_| trusted) {
        Some(tried) if tried < chosen.capability => text.push_str("; stronger than what was rejected"),
        Some(_) => text.push_str("; another one than was rejected"),
        None => {}
    }
    match free.as_slice() {
        [_] if trusted => text.push_str("; the only one that may take it"),
        [_] | [] => {}
        several => {
            let dearest = several.iter().filter_map(|each| each.expected_usd).fold(0.0, f64::max);
            match chosen.expected_usd.filter(|_| dearest > 0.0 && knows_costs(several.iter().copied())) {
                Some(usd) => text.push_str(&with_costs(usd, dearest)),
                None => text.push_str(&without_costs(chosen, several)),
            }
        }
    }
    if guarded && chosen.capability < STRATEGIST {
        text.push_str("; strategists have had more than their share");
    }
    text
}

/// What one costs, and what others would.
fn with_costs(usd: f64, dearest: f64) -> String {
    let digits = if dearest < 0.1 { 4 } else { 2 };
    let spell = |usd: f64| format!("{usd:.digits$}");
    let (usd, dearest) = (spell(usd), spell(dearest));
    if usd == dearest {
        return format!("; {usd} USD for an accepted task, as with the others");
    }
    format!("; {usd} USD for an accepted task, up to {dearest} with the others")
}

/// Why one is the best where money does not tell.
fn without_costs(chosen: &Candidate, free: &[&Candidate]) -> String {
    let costs = match free.iter().filter(|each| each.run_usd.is_some()).count() {
        0 => "no cost is known",
        known if known < free.len() => "not every cost is known",
        _ => "none costs anything",
    };
    let weaker = free.iter().filter(|each| each.capability < chosen.capability && fails_often(each));
    let rejected: Vec<String> =
        weaker.map(|each| format!("`{}` ({:.0} % accepted)", each.name, each.accept * 100.0)).collect();
    if rejected.is_empty() {
        return format!("; the least capable that is enough, {costs}");
    }
    format!("; it needs fewer steps than {}, {costs}", rejected.join(", "))
}
