//! What the user's own file may change: it adds agents and tightens, it never loosens.
//!
//! In: the repository's settings, and the same with the user's file laid over them. Out: the
//! settings in force, and a warning for every value that is ignored.
//! Invariant: no limit of the result is above the repository's.

use super::{Config, Regate, ReviewPolicy, entry_key};
use crate::state::problem::Problem;
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of a value of the user's file.
enum Verdict {
    /// It is the stricter one, or the same.
    Taken,
    /// It would allow more than this.
    Loosens(String),
    /// Only the repository says it.
    NotTheirs,
}

/// Lays the user's settings over the repository's; `user` holds the base wherever its file is silent,
/// and its provenance has only the keys of its file.
pub(super) fn tighten(base: &mut Config, user: Config, path: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let line_of = |source: &str| source.rsplit_once(':').and_then(|(_, line)| line.parse().ok());
    for (key, source) in user.provenance.iter().filter(|(key, _)| !is_in_list(key)) {
        let before = base.provenance.get(key).map_or("the repository", String::as_str).to_owned();
        let fact = match take(base, &user, key) {
            Verdict::Taken => {
                let both = matches!(key.as_str(), "policy.protect" | "policy.deny") && before != "default";
                let now = if both { format!("{before}, {source}") } else { source.clone() };
                base.provenance.insert(key.clone(), now);
                continue;
            }
            Verdict::Loosens(limit) => format!("`{key}` is ignored: it would loosen {limit} of {before}"),
            Verdict::NotTheirs => {
                format!("`{key}` is ignored: only the repository says it, here {before}")
            }
        };
        problems.push(Problem::warning(path, line_of(source), fact));
    }
    problems.extend(gates(base, &user, path, &line_of));
    add_reviews(base, &user);
    problems.extend(agents(base, user, path, &line_of));
    problems
}

fn is_in_list(key: &str) -> bool {
    ["agent.", "gate.", "review."].iter().any(|list| key.starts_with(list))
}

fn take(base: &mut Config, user: &Config, key: &str) -> Verdict {
    let (policy, theirs) = (&mut base.policy, &user.policy);
    match key {
        "policy.max_attempts" => lower(&mut policy.max_attempts, theirs.max_attempts),
        "policy.max_steps_per_task" => lower(&mut policy.max_steps_per_task, theirs.max_steps_per_task),
        "policy.review" => stricter(&mut policy.review, theirs.review, strictness, ReviewPolicy::as_str),
        "policy.regate" => stricter(&mut policy.regate, theirs.regate, caution, Regate::as_str),
        "policy.gate_jobs" => lower(&mut policy.gate_jobs, theirs.gate_jobs),
        "policy.protect" => {
            let known: BTreeSet<String> = policy.protect.iter().cloned().collect();
            policy.protect.extend(theirs.protect.iter().filter(|glob| !known.contains(*glob)).cloned());
            Verdict::Taken
        }
        "policy.allow" => fewer(&mut policy.allow, &theirs.allow),
        "policy.deny" => {
            let known: BTreeSet<String> = policy.deny.iter().cloned().collect();
            policy.deny.extend(theirs.deny.iter().filter(|name| !known.contains(*name)).cloned());
            Verdict::Taken
        }
        "prompt.budget_tokens" => lower(&mut base.prompt.budget_tokens, user.prompt.budget_tokens),
        "prompt.review_tokens" => lower(&mut base.prompt.review_tokens, user.prompt.review_tokens),
        "prompt.plan_tokens" => lower(&mut base.prompt.plan_tokens, user.prompt.plan_tokens),
        "budget.step_usd" => cheaper(&mut base.budget.step_usd, user.budget.step_usd),
        "budget.task_usd" => cheaper(&mut base.budget.task_usd, user.budget.task_usd),
        "budget.day_usd" => cheaper(&mut base.budget.day_usd, user.budget.day_usd),
        "budget.month_usd" => cheaper(&mut base.budget.month_usd, user.budget.month_usd),
        "budget.step_tokens" => cheaper(&mut base.budget.step_tokens, user.budget.step_tokens),
        "budget.task_tokens" => cheaper(&mut base.budget.task_tokens, user.budget.task_tokens),
        "budget.day_tokens" => cheaper(&mut base.budget.day_tokens, user.budget.day_tokens),
        "budget.month_tokens" => cheaper(&mut base.budget.month_tokens, user.budget.month_tokens),
        "context.compact_at" => lower(&mut base.context.compact_at, user.context.compact_at),
        "context.rotate_at" => lower(&mut base.context.rotate_at, user.context.rotate_at),
        "context.task_share" => lower(&mut base.context.task_share, user.context.task_share),
        // Where workspaces lie on this machine allows nothing and forbids nothing.
        "workspace.root" => {
            base.workspace.root.clone_from(&user.workspace.root);
            Verdict::Taken
        }
        _ => Verdict::NotTheirs,
    }
}

/// A shorter list of exceptions is the stricter one.
fn fewer(base: &mut Vec<String>, user: &[String]) -> Verdict {
    if let Some(more) = user.iter().find(|name| !base.contains(name)) {
        return Verdict::Loosens(format!("`{more}`"));
    }
    base.retain(|name| user.contains(name));
    Verdict::Taken
}

fn lower<N: PartialOrd + ToString>(base: &mut N, user: N) -> Verdict {
    if user > *base {
        return Verdict::Loosens(base.to_string());
    }
    *base = user;
    Verdict::Taken
}

fn cheaper<N: PartialOrd + Copy + ToString>(base: &mut Option<N>, user: Option<N>) -> Verdict {
    match (*base, user) {
        (Some(limit), Some(wish)) if wish > limit => Verdict::Loosens(limit.to_string()),
        (Some(limit), None) => Verdict::Loosens(limit.to_string()),
        (_, wish) => {
            *base = wish;
            Verdict::Taken
        }
    }
}

fn stricter<W: Copy>(base: &mut W, user: W, rank: fn(W) -> u8, word: fn(W) -> &'static str) -> Verdict {
    if rank(user) < rank(*base) {
        return Verdict::Loosens(format!("`{}`", word(*base)));
    }
    *base = user;
    Verdict::Taken
}

fn strictness(review: ReviewPolicy) -> u8 {
    match review {
        ReviewPolicy::None => 0,
        ReviewPolicy::Agent => 1,
        ReviewPolicy::Human => 2,
    }
}

fn caution(regate: Regate) -> u8 {
    match regate {
        Regate::Never => 0,
        Regate::Overlap => 1,
        Regate::Always => 2,
    }
}

/// Takes rules of review: each only adds somebody who looks.
fn add_reviews(base: &mut Config, user: &Config) {
    let its = user.provenance.iter().filter(|(key, _)| key.starts_with("review."));
    base.provenance.extend(its.map(|(key, source)| (key.clone(), source.clone())));
    base.reviews.extend(user.reviews.iter().cloned());
}

fn gates(base: &Config, user: &Config, path: &str, line_of: &dyn Fn(&str) -> Option<usize>) -> Vec<Problem> {
    let ignored = |name: &String| {
        let key = entry_key("gate", name);
        let line = user.provenance.get(&key).and_then(|source| line_of(source));
        let fact = match base.provenance.get(&key) {
            Some(theirs) => format!("gate `{name}` is ignored: {theirs} has it already"),
            None => format!("gate `{name}` is ignored: only the repository names gates"),
        };
        Problem::warning(path, line, fact)
    };
    user.gates.iter().map(|gate| ignored(&gate.name)).collect()
}

/// Takes agents of new names, before the built-in ones would follow.
fn agents(
    base: &mut Config,
    user: Config,
    path: &str,
    line_of: &dyn Fn(&str) -> Option<usize>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let known: BTreeMap<String, String> =
        base.agents.iter().map(|agent| (agent.name.to_ascii_lowercase(), agent.name.clone())).collect();
    for agent in user.agents {
        let key = entry_key("agent", &agent.name);
        if let Some(name) = known.get(&agent.name.to_ascii_lowercase()) {
            let theirs = base.provenance.get(&entry_key("agent", name)).map_or("default", String::as_str);
            let line = user.provenance.get(&key).and_then(|source| line_of(source));
            let fact = format!("agent `{}` is ignored: {theirs} has it already", agent.name);
            problems.push(Problem::warning(path, line, fact).with_remedy("give it another name"));
            continue;
        }
        let below = format!("{key}.");
        let its = user.provenance.iter().filter(|(k, _)| **k == key || k.starts_with(&below));
        base.provenance.extend(its.map(|(key, source)| (key.clone(), source.clone())));
        base.agents.push(agent);
    }
    problems
}
