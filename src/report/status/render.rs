//! The state of affairs on a terminal, and as a job's summary.

use super::super::at_work::AtWork;
use super::super::graph::Look;
use super::super::graph::text::style;
use super::super::safe::cell;
use super::super::table::{Cell, Table, paint};
use super::super::{plural, safe, spell_age, spell_count, spell_days, spell_usd};
use super::{Health, LastStep, NotLanded, Status, Usage};
use anstyle::Style;
use std::fmt::Write as _;

/// For people.
#[must_use]
pub fn human(status: &Status, width: Option<usize>, colour: bool) -> String {
    let bold = |text: &str| paint(text, Style::new().bold(), colour);
    let mut out = format!("{}\n\n{}\n", headline(status, safe::text, &bold), legend(status, width, colour));
    if !status.next.is_empty() {
        let _ = write!(out, "\n{}", next(status, width, colour));
    }
    if !status.waits.is_empty() {
        let _ = write!(out, "\n{}", waits(status, width, colour));
    }
    if !status.needs_you.is_empty() {
        let _ = write!(out, "\n{}", needs_you(status, width, colour));
    }
    let mut facts = Table::new();
    for (name, text) in facts_of(status) {
        facts.row([Cell::new(name).styled(Style::new().bold()), Cell::new(text)]);
    }
    let _ = write!(out, "\n{}", facts.render(width, colour));
    out
}

/// The project, where it was looked at, and whether all of the state is committed.
pub(in crate::report) fn headline(
    status: &Status,
    text: fn(&str) -> String,
    bold: &dyn Fn(&str) -> String,
) -> String {
    let commit =
        status.commit.as_deref().map_or("no commit yet".to_owned(), |id| id.chars().take(9).collect());
    let clean = match status.uncommitted.as_deref() {
        None => String::new(),
        Some([]) => " (state committed)".to_owned(),
        Some(paths) => format!(" ({} of the state not committed)", plural(paths.len(), "file")),
    };
    let project = (!status.project.is_empty()).then(|| bold(&text(&status.project)));
    // Of a revision it is not known which branch it was on.
    let place = project.into_iter().chain(status.branch.as_deref().map(text)).collect::<Vec<_>>().join(" · ");
    let gap = if place.is_empty() { "" } else { " " };
    format!("{place}{gap}@ {commit}{clean}")
}

fn legend(status: &Status, width: Option<usize>, colour: bool) -> String {
    if status.counts.is_empty() && status.has_unreadable {
        return "no task can be read: `orch fsck`".to_owned();
    }
    if status.counts.is_empty() {
        return "no tasks yet: `orch add \"what to do\"`".to_owned();
    }
    let (mut out, mut used) = (String::new(), 0);
    for &(look, count) in &status.counts {
        let words = format!("{count} {}", look.legend(count));
        let own = 2 + safe::width(&words);
        if used > 0 {
            let fits = width.is_none_or(|width| used + 3 + own <= width);
            out += if fits { "   " } else { "\n" };
            used = if fits { used + 3 } else { 0 };
        }
        used += own;
        let _ = write!(out, "{} {words}", paint(look.glyph(false), style(look), colour));
    }
    out
}

fn next(status: &Status, width: Option<usize>, colour: bool) -> String {
    let mut table = Table::with_head(&["", "NEXT", "PRI", "TASK"]);
    for next in &status.next {
        table.row([
            Cell::new(Look::Ready.glyph(false)).styled(style(Look::Ready)),
            Cell::new(&next.id),
            Cell::from(next.priority),
            Cell::new(&next.title),
        ]);
    }
    table.render(width, colour) + &more_line(more(status), "orch list --ready", colour)
}

/// How many more may run than are named.
fn more(status: &Status) -> usize {
    status.ready.saturating_sub(status.next.len() + status.waits.len())
}

fn waits(status: &Status, width: Option<usize>, colour: bool) -> String {
    let mut table = Table::with_head(&["", "WAITS", "WHY"]);
    for wait in &status.waits {
        table.row([
            Cell::new(Look::Waiting.glyph(false)).styled(style(Look::Waiting)),
            Cell::new(&wait.id),
            Cell::new(&wait.why),
        ]);
    }
    let more = if status.next.is_empty() { more(status) } else { 0 };
    table.render(width, colour) + &more_line(more, "orch next --limit 20", colour)
}

fn needs_you(status: &Status, width: Option<usize>, colour: bool) -> String {
    let mut table = Table::with_head(&["", "NEEDS YOU", "WHAT TO DO", "WHY"]);
    for need in &status.needs_you {
        table.row([
            Cell::new(need.look.glyph(false)).styled(style(need.look)),
            Cell::new(&need.id),
            Cell::new(&need.todo),
            Cell::new(&need.why),
        ]);
    }
    let more = status.needs_you_total.saturating_sub(status.needs_you.len());
    let command = "orch list --status needs_review --status blocked --status proposed";
    table.render(width, colour) + &more_line(more, command, colour)
}

fn more_line(more: usize, command: &str, colour: bool) -> String {
    if more == 0 {
        return String::new();
    }
    format!("{}\n", paint(&format!("   {more} more: `{command}`"), Style::new().dimmed(), colour))
}

/// How it goes: name and text.
pub(in crate::report) fn facts_of(status: &Status) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if !status.leases.is_empty() {
        let all: Vec<String> = status.leases.iter().map(AtWork::spell).collect();
        facts.push(("at work", all.join(", ")));
    }
    if status.health.done + status.health.open > 0 {
        facts.push(("health", health(&status.health)));
        facts.push(("pace", pace(&status.health)));
    }
    facts.extend(status.last_step.as_ref().map(|last| ("last step", last_step(last))));
    if status.last_step.is_some() {
        facts.push(("today", usage(&status.today, status.day_usd, status.day_tokens)));
        facts.push(("month", usage(&status.month, status.month_usd, status.month_tokens)));
    }
    if status.not_landed.steps > 0 {
        facts.push(("unlanded", unlanded(&status.not_landed)));
    }
    if !status.mode.is_empty() {
        facts.push(("mode", mode(status)));
    }
    facts.extend(status.alerts.iter().map(|alert| ("alert", alert.text.clone())));
    facts
}

fn unlanded(them: &NotLanded) -> String {
    let mut text = format!("{} this month left no record (killed, or refused)", plural(them.steps, "step"));
    if them.cost_usd > 0.0 {
        let _ = write!(text, ", {}", spell_usd(them.cost_usd));
    }
    if them.tokens > 0 {
        let _ = write!(text, ", {} tokens", spell_count(them.tokens));
    }
    text
}

fn mode(status: &Status) -> String {
    match status.mode_policy {
        "auto" if status.mode_because.is_empty() => status.mode.to_owned(),
        "auto" => format!("{} ({})", status.mode, status.mode_because),
        _ => format!("{} (the configuration says so)", status.mode),
    }
}

fn health(health: &Health) -> String {
    let all = health.done + health.open;
    let mut text = format!("{:.0} % done ({} of {all})", health.done_percent, health.done);
    if health.blocked > 0 {
        let _ = write!(text, ", {:.0} % of what is open is blocked", health.blocked_percent);
    }
    if let Some(accepted) = health.accepted_percent {
        let _ = write!(text, ", {accepted:.0} % of recent steps accepted");
    }
    text
}

fn pace(health: &Health) -> String {
    let days = if health.days < 1.5 { "day".to_owned() } else { format!("{:.0} days", health.days) };
    match health.forecast_days {
        None => format!("nothing accepted in the last {days}"),
        Some(_) if health.open == 0 => format!("{:.1} accepted a day", health.velocity),
        Some(left) => format!(
            "{:.1} accepted a day over the last {days}; at that pace {} {} {}",
            health.velocity,
            plural(health.open, "open task"),
            if health.open == 1 { "takes" } else { "take" },
            spell_days(left)
        ),
    }
}

fn last_step(last: &LastStep) -> String {
    let reason = if last.reason.is_empty() { String::new() } else { format!(": {}", last.reason) };
    format!("{} ago: {} {}{reason}", spell_age(last.age_seconds), last.task, last.outcome)
}

fn usage(usage: &Usage, usd: Option<f64>, tokens: Option<u64>) -> String {
    let limit = usd.map_or(String::new(), |limit| format!(" of {}", spell_usd(limit)));
    let spent = spell_usd(usage.cost_usd);
    // What nobody knows is not nothing.
    let spent = match (usage.unpriced > 0, usage.cost_usd > 0.0) {
        (false, _) => format!("{spent}{limit}"),
        (true, true) => format!("at least {spent}{limit}"),
        (true, false) => usd
            .map_or("cost unknown".to_owned(), |limit| format!("cost unknown, budget {}", spell_usd(limit))),
    };
    let mut text = format!("{spent}, {}, {} accepted", plural(usage.steps, "step"), usage.accepted);
    if usage.flaky > 0 {
        let passes = if usage.flaky == 1 { "flaky pass" } else { "flaky passes" };
        let _ = write!(text, ", {} {passes}", usage.flaky);
    }
    if usage.tokens() > 0 {
        let _ = write!(
            text,
            ", tokens in {} cached {} out {}",
            spell_count(usage.input),
            spell_count(usage.cached),
            spell_count(usage.output)
        );
    }
    if let Some(limit) = tokens {
        let _ = write!(text, ", {} of {} tokens", spell_count(usage.tokens()), spell_count(limit));
    }
    text
}

/// For a job's summary: the most important first.
#[must_use]
pub fn markdown(status: &Status) -> String {
    let mut out = format!("### {}\n\n", headline(status, cell, &str::to_owned));
    let counts: Vec<String> =
        status.counts.iter().map(|&(look, count)| format!("**{count}** {}", look.legend(count))).collect();
    let _ =
        writeln!(out, "{}\n", if counts.is_empty() { "no tasks yet".to_owned() } else { counts.join(" · ") });
    if !status.needs_you.is_empty() {
        let _ = writeln!(out, "| needs you | why | what to do |\n|---|---|---|");
        for need in &status.needs_you {
            let _ = writeln!(
                out,
                "| `{}` {} | {} | `{}` |",
                need.id,
                cell(&need.title),
                cell(&need.why),
                need.todo
            );
        }
        out.push_str(&rest(status.needs_you_total.saturating_sub(status.needs_you.len())));
    }
    if !status.next.is_empty() {
        let _ = writeln!(out, "| next | priority | task |\n|---|---|---|");
        for next in &status.next {
            let _ = writeln!(out, "| `{}` | {} | {} |", next.id, next.priority, cell(&next.title));
        }
        out.push_str(&rest(more(status)));
    }
    if !status.waits.is_empty() {
        let _ = writeln!(out, "| waits | task | why |\n|---|---|---|");
        for wait in &status.waits {
            let _ = writeln!(out, "| `{}` | {} | {} |", wait.id, cell(&wait.title), cell(&wait.why));
        }
        out.push('\n');
    }
    for (name, text) in facts_of(status) {
        let _ = writeln!(out, "- **{name}** {}", cell(&text));
    }
    out
}

fn rest(more: usize) -> String {
    if more == 0 { "\n".to_owned() } else { format!("\n{more} more\n\n") }
}

#[cfg(test)]
mod tests {
    use super::super::super::graph::samples::ATTACKS;
    use super::super::alert::Alert;
    use super::super::{Need, Next, Unfit, Wait};
    use super::*;

    fn full() -> Status {
        let usage = Usage {
            steps: 4,
            accepted: 3,
            flaky: 0,
            cost_usd: 0.31,
            input: 12_034,
            cached: 88_123,
            output: 2_311,
            unpriced: 0,
        };
        Status {
            project: "app".into(),
            branch: Some("main".into()),
            commit: Some("4f2c9e1b3a4f2c9e1b3a4f2c9e1b3a4f2c9e1b3a".into()),
            uncommitted: Some(Vec::new()),
            unfit: Unfit::default(),
            has_unreadable: false,
            counts: vec![
                (Look::Done, 14),
                (Look::Running, 1),
                (Look::Ready, 8),
                (Look::Person, 1),
                (Look::Blocked, 1),
            ],
            running: vec!["t-run".into()],
            leases: vec![AtWork {
                task: "t-run".into(),
                run: Some("01JD".into()),
                agent: Some("sonnet".into()),
                holder: Some("build-7".into()),
                taken: Some("2026-11-20T10:00:00Z".into()),
                until: Some("2026-11-20T10:15:00Z".into()),
                remote: Some("origin".into()),
            }],
            next: vec![Next {
                id: "t-next".into(),
                title: "Add a login form".into(),
                priority: 1,
                kind: "feature",
                because: "priority 1".into(),
            }],
            waits: vec![Wait {
                id: "t-wait".into(),
                title: "Send mails".into(),
                why: "agents are cooling down until 2026-11-20T13:00:00Z".into(),
            }],
            ready: 8,
            without_agent: 0,
            needs_you: vec![Need {
                id: "t-you".into(),
                title: "Drop the column".into(),
                status: "needs_review",
                why: "all gates passed".into(),
                todo: "orch approve t-you".into(),
                look: Look::Person,
            }],
            needs_you_total: 2,
            health: Health {
                done: 14,
                open: 10,
                done_percent: 58.3,
                blocked: 1,
                blocked_percent: 10.0,
                velocity: 3.1,
                days: 14.0,
                forecast_days: Some(3.2),
                accepted_percent: Some(71.4),
            },
            last_step: Some(LastStep {
                run: "01JD".into(),
                task: "t-last".into(),
                outcome: "rejected",
                reason: "gate test failed".into(),
                finished: "2026-11-20T12:00:00Z".into(),
                age_seconds: 720,
            }),
            today: usage,
            month: Usage { steps: 40, flaky: 2, ..usage },
            not_landed: NotLanded::default(),
            day_usd: None,
            month_usd: Some(10.0),
            day_tokens: None,
            month_tokens: None,
            mode: "balance",
            mode_because: "7 of the last 9 runs passed, 5 at the first attempt".into(),
            mode_policy: "auto",
            alerts: vec![Alert { kind: "budget_burn", text: "$8.00 of the month's $10.00 are spent".into() }],
        }
    }

    #[test]
    fn the_whole_screen() {
        insta::assert_snapshot!(human(&full(), Some(100), false));
    }

    #[test]
    fn the_whole_summary() {
        insta::assert_snapshot!(markdown(&full()));
    }

    #[test]
    fn a_new_project_is_told_how_to_begin() {
        let text =
            human(&Status { mode: "balance", mode_policy: "balance", ..Status::default() }, None, false);
        assert_eq!(
            text,
            "@ no commit yet\n\nno tasks yet: `orch add \"what to do\"`\n\nmode  balance (the configuration says so)\n"
        );
    }

    #[test]
    fn no_text_of_a_task_reaches_a_terminal_or_a_summary_as_it_is() {
        for attack in ATTACKS {
            let mut status = full();
            status.next[0].title = (*attack).to_owned();
            status.needs_you[0].why = (*attack).to_owned();
            status.waits[0].why = (*attack).to_owned();
            for text in [human(&status, Some(80), false), markdown(&status)] {
                assert!(!text.chars().any(|c| c != '\n' && safe::is_dangerous(c)), "{text:?}");
            }
            assert_eq!(markdown(&status).lines().count(), markdown(&full()).lines().count());
            assert!(!markdown(&status).contains('<'));
        }
    }

    #[test]
    fn a_forecast_is_as_vague_as_it_should_be() {
        let cases =
            [(0.3, "less than a day"), (1.2, "about a day"), (3.4, "about 3 days"), (90.0, "about 3 months")];
        for (days, spelled) in cases {
            assert_eq!(spell_days(days), spelled);
        }
        assert_eq!(spell_days(f64::INFINITY), "years");
    }
}
