//! The page as HTML: one file, light or dark as the reader's system is, and made to be printed.
//!
//! Invariant: well-formed as XML, too; its policy forbids scripts and anything from elsewhere.

use super::chart::{Column, columns};
use super::{Cost, Open, Page, Picture, Step};
use crate::report::graph::svg::escaped;
use crate::report::status::render::{facts_of, headline};
use crate::report::status::{Need, Next, Status, as_f64};
use crate::report::trends::render as words;
use crate::report::trends::{Stretch, Trends};
use crate::report::{plural, safe, spell_count, spell_ms, spell_spent, spell_usd};
use std::fmt::Write as _;

const STYLE: &str = include_str!("style.css");
/// What the page may load: nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
/// How long a title may be in a table.
const TITLE_WIDTH: usize = 160;

/// Text for an element or an attribute.
fn text(raw: &str) -> String {
    escaped(&safe::text(raw))
}

/// A title or a reason: all of it, unless it is a book.
fn line(raw: &str) -> String {
    text(&safe::truncate(raw, TITLE_WIDTH))
}

/// A time to the minute.
fn minute(time: &str) -> String {
    time.get(..16).unwrap_or_default().replace('T', " ")
}

/// Makes the page.
#[must_use]
pub fn html(page: &Page<'_>) -> String {
    let status = page.status;
    let name = if status.project.is_empty() { "orch".to_owned() } else { text(&status.project) };
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>{name}: report</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{name}</h1>\n<p class=\"quiet\">{} · {} UTC</p>\n",
        headline(&Status { project: String::new(), ..status.clone() }, text, &str::to_owned),
        minute(&page.at.to_string())
    );
    let sections = [
        ("needs", "Needs you", needs(status)),
        ("next", "Next", next(status)),
        ("graph", "Graph", graph(&page.picture)),
        ("trends", "Trends", trends(page.trends)),
        ("cost", "Cost", cost(page)),
        ("history", "History", history(&page.steps, page.steps_total)),
        ("open", "Open tasks", open(&page.open, page.open_total)),
    ];
    let shown: Vec<_> = sections.into_iter().filter(|(.., body)| !body.is_empty()).collect();
    out.push_str("<nav>\n");
    for (id, title, _) in &shown {
        let _ = writeln!(out, "<a href=\"#{id}\">{title}</a>");
    }
    let _ = write!(out, "</nav>\n</header>\n<main>\n{}{}", cards(page), alerts(status));
    for (id, title, body) in shown {
        let _ = write!(out, "<section id=\"{id}\">\n<h2>{title}</h2>\n{body}</section>\n");
    }
    let _ = write!(
        out,
        "</main>\n<footer>Made by orch {} from what is committed to git.</footer>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    );
    out
}

fn cards(page: &Page<'_>) -> String {
    let (health, all) = (&page.status.health, &page.trends.all);
    let percent = |share: Option<f64>| share.map_or("–".to_owned(), |share| format!("{share:.0} %"));
    let mut out = "<dl class=\"cards\">\n".to_owned();
    let mut card = |name: &str, value: &str, more: &str, bar: Option<f64>| {
        let bar = bar.map_or(String::new(), |share| {
            format!("<div class=\"bar\"><i style=\"width:{:.1}%\"></i></div>", share.clamp(0.0, 100.0))
        });
        let _ = writeln!(
            out,
            "<div class=\"card\"><dt>{name}</dt><dd>{value}<small>{more}</small></dd>{bar}</div>"
        );
    };
    let total = health.done + health.open;
    let done = format!("{} of {}", health.done, plural(total, "task"));
    card("Done", &format!("{:.0} %", health.done_percent), &done, Some(health.done_percent));
    card("Ready", &page.status.ready.to_string(), &format!("{} blocked", health.blocked), None);
    let forecast = page.trends.forecast.map_or(String::new(), |forecast| match forecast.high {
        _ if forecast.days < 1.0 => "less than a day left".to_owned(),
        Some(high) => format!("{:.0} days left ({:.0} to {high:.0})", forecast.days, forecast.low),
        None => format!("about {:.0} days left", forecast.days),
    });
    card("Accepted a day", &format!("{:.1}", page.trends.velocity), &forecast, None);
    let passed = format!("{} passed in the end", percent(all.passed_percent));
    card("Passed at first", &percent(all.first_pass_percent), &passed, None);
    let spent = |usd: f64| spell_spent(usd, all.unpriced);
    let each = all.usd_per_accepted.map_or(String::new(), |usd| format!("{} an accepted task", spent(usd)));
    card("Spent", &spent(all.cost_usd), &each, None);
    if let Some(saving) = &page.trends.saving {
        let against = format!("against always {}", text(&saving.strongest));
        card("Saved", &format!("{:.0} %", saving.percent), &against, None);
    }
    card("Mode", &text(page.status.mode), &line(&page.status.mode_because), None);
    out.push_str("</dl>\n");
    out
}

fn alerts(status: &Status) -> String {
    status.alerts.iter().map(|alert| format!("<p class=\"alert\">{}</p>\n", text(&alert.text))).collect()
}

/// A table: the names of its columns (`#` before one for numbers), and its rows as finished cells.
fn table(head: &[&str], rows: &[String]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut out = "<div class=\"wide\">\n<table>\n<thead><tr>".to_owned();
    for name in head {
        let _ = match name.strip_prefix('#') {
            Some(name) => write!(out, "<th class=\"n\">{name}</th>"),
            None => write!(out, "<th>{name}</th>"),
        };
    }
    let _ = write!(out, "</tr></thead>\n<tbody>\n{}</tbody>\n</table>\n</div>\n", rows.concat());
    out
}

fn more(total: usize, shown: usize, command: &str) -> String {
    let rest = total.saturating_sub(shown);
    if rest == 0 {
        String::new()
    } else {
        format!("<p class=\"quiet\">{rest} more: <code>{command}</code></p>\n")
    }
}

fn needs(status: &Status) -> String {
    let row = |need: &Need| {
        format!(
            "<tr><td class=\"id\">{}</td><td>{}</td><td>{}</td><td><code>{}</code></td></tr>\n",
            text(&need.id),
            line(&need.title),
            line(&need.why),
            text(&need.todo)
        )
    };
    let rows: Vec<String> = status.needs_you.iter().map(row).collect();
    let command = "orch list --status needs_review --status blocked --status proposed";
    table(&["Task", "Title", "Why", "What to type"], &rows)
        + &more(status.needs_you_total, rows.len(), command)
}

fn next(status: &Status) -> String {
    let row = |next: &Next| {
        format!(
            "<tr><td class=\"id\">{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td></tr>\n",
            text(&next.id),
            next.priority,
            line(&next.title),
            line(&next.because)
        )
    };
    let rows: Vec<String> = status.next.iter().map(row).collect();
    table(&["Task", "#Priority", "Title", "Because"], &rows)
        + &more(status.ready, rows.len(), "orch list --ready")
}

fn graph(picture: &Picture) -> String {
    if picture.total == 0 {
        return String::new();
    }
    let part = if picture.drawn < picture.total {
        format!(
            "<p class=\"quiet\">{} of {}: what matters now, what that needs and what needs it. All of them: <code>orch graph --format svg -o graph.svg</code></p>\n",
            picture.drawn,
            plural(picture.total, "task")
        )
    } else {
        String::new()
    };
    format!("{part}<div class=\"graph\">\n{}</div>\n", picture.svg)
}

fn trends(trends: &Trends) -> String {
    if trends.all.judged + trends.all.accepted == 0 {
        return format!(
            "<p class=\"quiet\">No run was judged from {} to {}.</p>\n",
            text(&trends.since),
            text(&trends.until)
        );
    }
    let mut rows: Vec<String> = trends.weeks.iter().map(|week| week_row(week, &week.from, "")).collect();
    if rows.len() > 1 {
        rows.push(week_row(&trends.all, "all", " class=\"all\""));
    }
    let head = [
        "Week from",
        "#Judged",
        "#Passed",
        "#At first",
        "#Accepted",
        "#Cost",
        "#Each",
        "#Coverage",
        "#Prompt",
    ];
    let facts: String = words::facts_of(trends)
        .into_iter()
        .map(|(name, fact)| format!("<tr><th>{}</th><td>{}</td></tr>\n", text(name), text(&fact)))
        .collect();
    format!(
        "{}{}<div class=\"wide\">\n<table>\n<tbody>\n{facts}</tbody>\n</table>\n</div>\n",
        charts(trends),
        table(&head, &rows)
    )
}

fn week_row(week: &Stretch, name: &str, class: &str) -> String {
    let [_, judged, passed, first, accepted, cost, each, coverage, prompt] = words::spelled(week);
    let numbers: String = [judged, passed, first, accepted, cost, each, coverage, prompt]
        .iter()
        .map(|number| format!("<td class=\"n\">{}</td>", text(number)))
        .collect();
    format!("<tr{class}><td class=\"when\">{}</td>{numbers}</tr>\n", text(name))
}

fn charts(trends: &Trends) -> String {
    let week = |week: &Stretch, parts: Vec<(&'static str, f64)>, told: String| Column {
        label: week.from.get(5..).unwrap_or_default().to_owned(),
        parts,
        told: format!("from {}: {told}", week.from),
    };
    let work: Vec<Column> = trends
        .weeks
        .iter()
        .map(|each| {
            let not = each.judged.saturating_sub(each.accepted);
            let told = format!("{} accepted, {not} not", each.accepted);
            week(each, vec![("good", as_f64(each.accepted)), ("bad", as_f64(not))], told)
        })
        .collect();
    let money: Vec<Column> = trends
        .weeks
        .iter()
        .map(|each| week(each, vec![("cost", each.cost_usd)], spell_spent(each.cost_usd, each.unpriced)))
        .collect();
    let first: Vec<Column> = trends
        .weeks
        .iter()
        .map(|each| {
            let share = each.first_pass_percent.unwrap_or_default();
            week(each, vec![("good", share)], format!("{share:.0} % at first"))
        })
        .collect();
    let figure = |name: &str, picture: String| {
        format!("<figure><figcaption>{name}</figcaption>\n{picture}</figure>\n")
    };
    let whole = |height: f64| format!("{height:.0}");
    let names = ["Steps a week: accepted, and not", "Cost a week", "Passed at the first attempt"];
    format!(
        "<div class=\"charts\">\n{}{}{}</div>\n",
        figure(names[0], columns(names[0], &work, whole)),
        figure(names[1], columns(names[1], &money, spell_usd)),
        figure(names[2], columns(names[2], &first, |share| format!("{share:.0} %")))
    )
}

fn cost(page: &Page<'_>) -> String {
    if page.profiles.is_empty() {
        return String::new();
    }
    let budget: String = facts_of(page.status)
        .into_iter()
        .filter(|(name, _)| matches!(*name, "today" | "month"))
        .map(|(name, fact)| format!("<p><b>{name}</b> {}</p>\n", text(&fact)))
        .collect();
    let numbers = |cost: &Cost| {
        let each = if cost.accepted > 0 {
            spell_spent(cost.cost_usd / as_f64(cost.accepted), cost.unpriced)
        } else {
            "–".to_owned()
        };
        format!(
            "<td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{each}</td></tr>\n",
            cost.steps,
            cost.accepted,
            spell_count(cost.tokens),
            spell_spent(cost.cost_usd, cost.unpriced)
        )
    };
    let profile = |cost: &Cost| format!("<tr><td>{}</td>{}", line(&cost.name), numbers(cost));
    let task = |cost: &Cost| {
        let title = cost.title.as_deref().unwrap_or_default();
        format!("<tr><td class=\"id\">{}</td><td>{}</td>{}", text(&cost.name), line(title), numbers(cost))
    };
    let profiles: Vec<String> = page.profiles.iter().map(profile).collect();
    let tasks: Vec<String> = page.tasks.iter().filter(|cost| cost.cost_usd > 0.0).map(task).collect();
    let mut out = format!(
        "<p class=\"quiet\">From {} to {}.</p>\n{budget}<h3>By profile</h3>\n{}",
        text(&page.trends.since),
        text(&page.trends.until),
        table(&["Profile", "#Steps", "#Accepted", "#Tokens", "#Cost", "#Each accepted"], &profiles)
    );
    if !tasks.is_empty() {
        out.push_str("<h3>The dearest tasks</h3>\n");
        let head = ["Task", "Title", "#Steps", "#Accepted", "#Tokens", "#Cost", "#Each accepted"];
        out.push_str(&table(&head, &tasks));
    }
    out
}

fn history(steps: &[Step], total: usize) -> String {
    let row = |step: &Step| {
        let when = minute(&step.finished);
        let word = step.outcome;
        format!(
            "<tr><td class=\"when\">{}</td><td class=\"id\">{}</td><td>{}</td><td><span class=\"tag {word}\">{}</span> {}</td><td class=\"word\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
            text(&when),
            text(&step.task),
            line(step.title.as_deref().unwrap_or_default()),
            word.replace('_', " "),
            line(&step.reason),
            line(&step.agent),
            step.attempts,
            spell_count(step.tokens),
            step.cost_usd.map_or("–".to_owned(), spell_usd),
            spell_ms(step.duration_ms)
        )
    };
    let rows: Vec<String> = steps.iter().map(row).collect();
    let head = ["Ended (UTC)", "Task", "Title", "Outcome", "Agent", "#Attempts", "#Tokens", "#Cost", "#Took"];
    table(&head, &rows) + &more(total, rows.len(), "orch log --all")
}

fn open(open: &[Open], total: usize) -> String {
    let row = |task: &Open| {
        let word = task.stands;
        format!(
            "<tr><td class=\"id\">{}</td><td class=\"word\"><span class=\"tag {word}\">{word}</span></td><td class=\"n\">{}</td><td class=\"word\">{}</td><td>{}</td><td>{}</td></tr>\n",
            text(&task.id),
            task.priority,
            task.kind,
            line(&task.title),
            line(task.why.as_deref().unwrap_or_default())
        )
    };
    let rows: Vec<String> = open.iter().map(row).collect();
    let head = ["Task", "Stands", "#Priority", "Kind", "Title", "Why not now"];
    table(&head, &rows) + &more(total, rows.len(), "orch list")
}
