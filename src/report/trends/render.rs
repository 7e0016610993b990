//! Trends on a terminal.

use super::{Forecast, Saving, Stretch, Trends};
use crate::report::table::{Cell, Table};
use crate::report::{plural, spell_count, spell_days, spell_spent, spell_usd};
use crate::route::predict::{Accuracy, CLAIM};
use anstyle::Style;
use std::fmt::Write as _;

/// How many gates are named.
const GATES_MAX: usize = 5;

/// For people.
#[must_use]
pub fn human(trends: &Trends, width: Option<usize>, colour: bool) -> String {
    if trends.all.judged + trends.all.accepted == 0 {
        return format!("no run was judged from {} to {}\n", trends.since, trends.until);
    }
    let mut table = Table::with_head(&[
        "WEEK FROM",
        "JUDGED",
        "PASSED",
        "AT FIRST",
        "ACCEPTED",
        "COST",
        "EACH",
        "COVERAGE",
        "PROMPT",
    ]);
    for week in &trends.weeks {
        table.row(cells(week));
    }
    if trends.weeks.len() > 1 {
        let mut all = cells(&trends.all);
        all[0] = Cell::new("all");
        table.row(all.map(|cell| cell.styled(Style::new().bold())));
    }
    let mut facts = Table::new();
    for (name, text) in facts_of(trends) {
        facts.row([Cell::new(name).styled(Style::new().bold()), Cell::new(text)]);
    }
    format!("{}\n{}", table.render(width, colour), facts.render(width, colour))
}

fn cells(stretch: &Stretch) -> [Cell; 9] {
    let mut cells = spelled(stretch).map(Cell::right);
    cells[0] = Cell::new(&stretch.from);
    cells
}

/// A row: since when, judged, passed, at first, accepted, cost, each, coverage, prompt.
pub(in crate::report) fn spelled(stretch: &Stretch) -> [String; 9] {
    let percent = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{share:.0} %"));
    let usd = |usd: Option<f64>| usd.map_or("-".to_owned(), |usd| spell_spent(usd, stretch.unpriced));
    [
        stretch.from.clone(),
        stretch.judged.to_string(),
        percent(stretch.passed_percent),
        percent(stretch.first_pass_percent),
        stretch.accepted.to_string(),
        usd(Some(stretch.cost_usd)),
        usd(stretch.usd_per_accepted),
        percent(stretch.coverage),
        stretch.prompt_tokens.map_or("-".to_owned(), |tokens| format!("≈{tokens:.0}")),
    ]
}

/// What is said beside the weeks: name and text.
pub(in crate::report) fn facts_of(trends: &Trends) -> Vec<(&'static str, String)> {
    let mut facts = vec![("pace", pace(trends))];
    if !trends.rejected_by.is_empty() {
        facts.push(("rejected by", gates(&trends.rejected_by)));
    }
    if !trends.flaky.is_empty() {
        facts.push(("flaky", format!("{} (passed at a later try)", gates(&trends.flaky))));
    }
    facts.extend(trends.saving.as_ref().map(|saving| ("saving", spell_saving(saving))));
    if trends.estimates.count > 0 {
        facts.push(("estimates", estimates(&trends.estimates)));
    }
    if let Some(tokens) = trends.all.prompt_tokens {
        let files = plural(trends.state_files, "file");
        facts.push(("prompts", format!("≈{tokens:.0} tokens on average, out of {files} of state")));
    }
    facts
}

/// The first of some gates, with how often each.
fn gates(counts: &[(String, usize)]) -> String {
    let named = counts.iter().take(GATES_MAX);
    named.map(|(gate, count)| format!("{gate} {count}")).collect::<Vec<_>>().join(", ")
}

fn pace(trends: &Trends) -> String {
    let mut text = format!("{:.1} accepted a day", trends.velocity);
    if let Some(Forecast { days, low, high }) = trends.forecast {
        let _ = write!(text, "; what is open takes {}", spell_days(days));
        let _ = match high {
            Some(high) => write!(text, " ({low:.0} at the pace of good weeks, {high:.0} of bad ones)"),
            None => write!(text, " (too little is known for an interval)"),
        };
    }
    text
}

fn spell_saving(saving: &Saving) -> String {
    let from = if saving.measured { "by its runs" } else { "by its price" };
    let word = if saving.percent < 0.0 { "more" } else { "less" };
    format!(
        "{:.0} % {word} than `{}` for everything ({} against {}, {from})",
        saving.percent.abs(),
        saving.strongest,
        spell_usd(saving.spent_usd),
        spell_usd(saving.always_usd)
    )
}

fn estimates(of: &Accuracy) -> String {
    format!(
        "{:.0} % within 20 % (the formula {:.0} %), off by {:.0} % on average ({:.0} %), {:.0} % in the {:.0} % interval, of the newest {}",
        of.within * 100.0,
        of.formula_within * 100.0,
        of.error * 100.0,
        of.formula_error * 100.0,
        of.covered * 100.0,
        CLAIM * 100.0,
        spell_count(of.count as u64)
    )
}
