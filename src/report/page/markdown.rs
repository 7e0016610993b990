//! The page for a CI job's summary: the state of affairs, then trends, cost and the newest steps.

use super::{Cost, Page};
use crate::report::safe::cell;
use crate::report::trends::Trends;
use crate::report::trends::render as words;
use crate::report::{spell_count, spell_ms, spell_spent, spell_usd};
use std::fmt::Write as _;

/// How many weeks and steps a summary tells of.
const WEEKS_MAX: usize = 8;
const STEPS_MAX: usize = 15;
const PROFILES_MAX: usize = 20;

/// Makes the summary.
#[must_use]
pub fn markdown(page: &Page<'_>) -> String {
    let mut out = crate::report::status::markdown(page.status);
    out.push_str(&trends(page.trends));
    out.push_str(&cost(&page.profiles));
    out.push_str(&steps(page));
    if page.picture.total > 0 {
        let _ = write!(out, "\n#### Graph\n\n```mermaid\n{}```\n", page.picture.mermaid);
    }
    out
}

fn trends(trends: &Trends) -> String {
    if trends.all.judged + trends.all.accepted == 0 {
        return String::new();
    }
    let mut out = "\n#### Trends\n\n| week from | judged | passed | at first | accepted | cost | each | coverage | prompt |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n".to_owned();
    let skipped = trends.weeks.len().saturating_sub(WEEKS_MAX);
    for week in &trends.weeks[skipped..] {
        let _ = writeln!(out, "| {} |", words::spelled(week).map(|word| cell(&word)).join(" | "));
    }
    out.push('\n');
    for (name, fact) in words::facts_of(trends) {
        let _ = writeln!(out, "- **{name}** {}", cell(&fact));
    }
    out
}

fn cost(profiles: &[Cost]) -> String {
    if profiles.is_empty() {
        return String::new();
    }
    let mut out =
        "\n#### Cost\n\n| profile | steps | accepted | tokens | cost |\n|---|--:|--:|--:|--:|\n".to_owned();
    for cost in profiles.iter().take(PROFILES_MAX) {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            cell(&cost.name),
            cost.steps,
            cost.accepted,
            spell_count(cost.tokens),
            spell_spent(cost.cost_usd, cost.unpriced)
        );
    }
    out
}

fn steps(page: &Page<'_>) -> String {
    if page.steps.is_empty() {
        return String::new();
    }
    let mut out =
        "\n#### History\n\n| task | outcome | agent | cost | took |\n|---|---|---|--:|--:|\n".to_owned();
    for step in page.steps.iter().take(STEPS_MAX) {
        let _ = writeln!(
            out,
            "| `{}` {} | **{}** {} | {} | {} | {} |",
            step.task,
            cell(step.title.as_deref().unwrap_or_default()),
            step.outcome,
            cell(&step.reason),
            cell(&step.agent),
            step.cost_usd.map_or("–".to_owned(), spell_usd),
            spell_ms(step.duration_ms)
        );
    }
    out
}
