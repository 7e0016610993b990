//! Who would do a task, and how large it will be: for people and for programs.

use super::table::{Cell, Table};
use super::{spell_count, spell_ms, spell_usd};
use crate::route::choose::{Candidate, NoRoute, Refusal, Route};
use crate::route::need::Need;
use crate::route::past::Ratio;
use crate::route::predict::{Accuracy, CLAIM, Prediction};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A share in percent, without decimals.
fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Every candidate and why, for people.
#[must_use]
pub fn human(route: &Route, need: &Need, ratio: Ratio, width: Option<usize>, colour: bool) -> String {
    let mut table =
        Table::with_head(&["", "PROFILE", "CAN", "ACCEPTED", "STEP", "PER ACCEPTED", "WINDOW", "WHY NOT"]);
    let of_its_sort = |each: &Candidate| !matches!(each.refusal, Some(Refusal::NotItsSort(_)));
    let shown = route.candidates.iter().enumerate().filter(|(_, each)| of_its_sort(each));
    for (at, each) in shown {
        let chosen = route.chosen.as_ref().is_ok_and(|chosen| *chosen == at);
        let style = match (chosen, &each.refusal) {
            (true, _) => AnsiColor::Green.on_default().bold(),
            (false, None) => Style::new(),
            (false, Some(_)) => Style::new().dimmed(),
        };
        let cells = [
            Cell::new(if chosen { "▶" } else { "" }),
            Cell::new(&each.name),
            Cell::right(each.capability.to_string()),
            Cell::right(percent(each.accept)),
            Cell::right(each.run_usd.map_or("-".to_owned(), spell_usd)),
            Cell::right(
                each.expected_usd.filter(|_| each.refusal.is_none()).map_or("-".to_owned(), spell_usd),
            ),
            Cell::right(each.share.map_or("-".to_owned(), percent)),
            Cell::new(each.refusal.as_ref().map_or(String::new(), Refusal::spell)),
        ];
        table.row(cells.map(|cell| cell.styled(style)));
    }
    let mut out = table.render(width, colour);
    let _ = match &route.chosen {
        Ok(at) => writeln!(out, "\n{}: {}", route.candidates[*at].name, route.because),
        Err(why) => writeln!(out, "\nnobody: {}; {}", need.spell(), spell_no_route(why)),
    };
    if ratio.workers + ratio.strategists > 0 {
        let _ = writeln!(
            out,
            "recent runs: {} by workers, {} by strategists{}",
            ratio.workers,
            ratio.strategists,
            if ratio.is_broken() { ", more than one in six" } else { "" }
        );
    }
    out
}

/// Why nobody may take it, in a few words.
#[must_use]
pub fn spell_no_route(why: &NoRoute) -> String {
    match why {
        NoRoute::Nobody(why) | NoRoute::Oversized(why) => why.clone(),
        NoRoute::Missing(names) => format!("not installed: `{}`", names.join("`, `")),
        NoRoute::Unusable(name, why) => format!("`{name}` cannot work: {why}"),
        NoRoute::Cooling(until) => format!("those that may rest until {until:.0}"),
        NoRoute::Busy => "those that may are at work".to_owned(),
    }
}

/// The same, for programs.
#[must_use]
pub fn document(task: &str, route: &Route, need: &Need, ratio: Ratio) -> Value {
    let candidate = |each: &Candidate| {
        json!({
            "profile": each.name, "capability": each.capability, "accept": round(each.accept),
            "run_usd": each.run_usd.map(round), "expected_usd": each.expected_usd.map(round),
            "expected_steps": round(each.expected_steps), "context_window": each.window,
            "window_share": each.share.map(round),
            "estimate": prediction(&each.prediction),
            "may": each.refusal.is_none(), "why_not": each.refusal.as_ref().map(Refusal::spell),
        })
    };
    json!({
        "task": task,
        "profile": route.chosen.as_ref().ok().map(|at| route.candidates[*at].name.clone()),
        "because": route.because,
        "why_nobody": route.chosen.as_ref().err().map(spell_no_route),
        "needs": {"capability": need.capability, "because": need.because, "strategic": need.is_strategic()},
        "candidates": route.candidates.iter().map(candidate).collect::<Vec<_>>(),
        "recent_runs": {"workers": ratio.workers, "strategists": ratio.strategists, "broken": ratio.is_broken()},
    })
}

/// Numbers in documents have so many digits as they are good for.
fn round(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}

/// A prediction, for programs.
#[must_use]
pub fn prediction(of: &Prediction) -> Value {
    json!({
        "tokens": of.tokens, "low": of.low, "high": of.high, "interval": CLAIM, "formula": of.formula,
        "samples": of.samples, "borrowed": of.borrowed,
    })
}

/// How good past predictions were, for programs.
#[must_use]
pub fn accuracy(of: &Accuracy) -> Value {
    json!({
        "count": of.count, "within_20_percent": round(of.within), "mean_error": round(of.error),
        "formula_within_20_percent": round(of.formula_within), "formula_mean_error": round(of.formula_error),
        "in_interval": round(of.covered),
    })
}

/// How large a task will be, for people; `is_said` tells that somebody wrote that down, and not the formula.
#[must_use]
pub fn estimate(
    candidates: &[Candidate],
    chosen: Option<usize>,
    of: &Accuracy,
    (duration, is_said): (Option<u64>, bool),
) -> String {
    let Some(first) = chosen.and_then(|at| candidates.get(at)).or_else(|| candidates.first()) else {
        return "there is no agent profile\n".to_owned();
    };
    let told = &first.prediction;
    let mut out = format!(
        "about {} tokens with {}, {} likely {} to {}\n",
        spell_count(told.tokens),
        first.name,
        percent(CLAIM),
        spell_count(told.low),
        spell_count(told.high)
    );
    if let Some(duration) = duration {
        let _ = writeln!(out, "about {} of the agent's time", spell_ms(duration));
    }
    let from = match told.samples {
        0 => "no task is done yet: the formula, and how far off it was elsewhere".to_owned(),
        some if told.borrowed => {
            format!("from {}; the interval is that of other projects", super::plural(some, "task"))
        }
        some => format!("from {}", super::plural(some, "task")),
    };
    let who = if is_said { "its file" } else { "the formula" };
    let _ = writeln!(out, "{who} says {}; {from}", spell_count(told.formula));
    for each in candidates {
        // What a profile without a window can hold, nobody knows.
        if let Some((window, share)) = each.window.zip(each.share.map(percent)) {
            let why = each.refusal.as_ref().map_or(String::new(), |why| format!(": {}", why.spell()));
            let _ = writeln!(out, "{}: {share} of its window of {}{why}", each.name, spell_count(window));
        }
    }
    out + &so_far(of)
}

/// How good predictions were until now; nothing where there were none.
#[must_use]
pub fn so_far(of: &Accuracy) -> String {
    if of.count == 0 {
        return String::new();
    }
    format!(
        "so far: {} within 20 % (the formula {}), off by {} on average ({}), {} in the interval, of {}\n",
        percent(of.within),
        percent(of.formula_within),
        percent(of.error),
        percent(of.formula_error),
        percent(of.covered),
        super::plural(of.count, "task")
    )
}
