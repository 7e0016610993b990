//! Pages of small, hostile and large projects.

use super::*;
use crate::report::graph::samples::{ATTACKS, graph, small, task};
use crate::report::safe;
use crate::report::status::{Health, LastStep, Need, Next, Usage, alert::Alert};
use crate::report::trends;
use crate::route::Past;
use crate::select::mode::Mode;
use crate::state::digest::sample;
use quick_xml::Reader;
use quick_xml::events::Event;

fn now() -> Timestamp {
    "2026-11-28T12:00:00Z".parse().unwrap()
}

fn rules() -> Rules {
    Rules { agent_review: false, has_agent: true, mode: Mode::Balance }
}

/// Runs of two months, with a text in every place where an agent or a person may put one.
fn runs(text: &str) -> Vec<Digest> {
    let mut all = Vec::new();
    for (month, days) in [(10, 31), (11, 28)] {
        for day in 1..=days {
            let outcome = if day % 4 == 0 { OutcomeKind::Rejected } else { OutcomeKind::Accepted };
            let mut run = sample(&format!("2026-{month}-{day:02}T10:00:00Z"), "small", outcome);
            run.task = crate::state::id::TaskId::new("t-limit").unwrap();
            run.agent = if day % 7 == 0 { format!("large {text}") } else { "small".to_owned() };
            run.reason = format!("because {text}");
            run.rejected_by = if day % 4 == 0 { vec![format!("gate {text}")] } else { Vec::new() };
            all.push(run);
        }
    }
    all
}

fn status(text: &str) -> Status {
    let need = Need {
        id: "t-limit".to_owned(),
        title: text.to_owned(),
        status: "needs_review",
        why: text.to_owned(),
        todo: "orch approve t-limit".to_owned(),
        look: Look::Person,
    };
    let next = Next {
        id: "t-keys".to_owned(),
        title: text.to_owned(),
        priority: 1,
        kind: "feature",
        because: text.to_owned(),
    };
    let last = LastStep {
        run: "01JD".to_owned(),
        task: "t-limit".to_owned(),
        outcome: "accepted",
        reason: text.to_owned(),
        finished: String::new(),
        age_seconds: 60,
    };
    Status {
        project: format!("project {text}"),
        branch: Some(text.to_owned()),
        commit: Some("0123456789abcdef".to_owned()),
        needs_you: vec![need],
        needs_you_total: 9,
        next: vec![next],
        ready: 3,
        health: Health { done: 12, open: 30, done_percent: 28.6, blocked: 2, ..Health::default() },
        last_step: Some(last),
        today: Usage { steps: 3, accepted: 2, cost_usd: 1.5, ..Usage::default() },
        mode: "balance",
        mode_because: text.to_owned(),
        mode_policy: "auto",
        alerts: vec![Alert { kind: "backlog", text: text.to_owned() }],
        ..Status::default()
    }
}

/// A page of a graph, with a text everywhere.
fn with_page<T>(text: &str, graph: &Graph, ask: impl FnOnce(&Page<'_>) -> T) -> T {
    let runs = runs(text);
    let status = status(text);
    let past = Past::new(&runs, |_| None);
    let trends = trends::trends(
        &trends::Given {
            runs: &runs,
            since: "2026-10-03T12:00:00Z".parse().unwrap(),
            until: now(),
            health: &status.health,
            profiles: &[],
            state_files: 100,
        },
        &past,
    );
    let given = Given {
        status: &status,
        trends: &trends,
        runs: &runs,
        graph,
        rules: rules(),
        running: &[],
        at: now(),
    };
    ask(&Page::new(&given))
}

/// The names of the elements and of their attributes, in order; panics where the page is not well-formed.
fn skeleton(html: &str) -> Vec<String> {
    let mut reader = Reader::from_str(html);
    reader.config_mut().check_end_names = true;
    reader.config_mut().allow_unmatched_ends = false;
    let (mut names, mut depth) = (Vec::new(), 0_i32);
    loop {
        let event =
            reader.read_event().unwrap_or_else(|error| panic!("at {}: {error}", reader.buffer_position()));
        match event {
            Event::Start(ref start) | Event::Empty(ref start) => {
                let name = start.name().as_ref().to_owned();
                let attributes = start
                    .attributes()
                    .map(|attribute| attribute.expect("an attribute").key.as_ref().to_owned());
                names.push(std::iter::once(name).chain(attributes).collect::<Vec<_>>().join(" "));
                depth += i32::from(matches!(event, Event::Start(_)));
            }
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
    }
    assert_eq!(depth, 0, "every element ends");
    names
}

#[test]
fn a_page_needs_nothing_else_and_has_every_part() {
    let graph = small();
    let html = with_page("harmless", &graph, html);
    let names = skeleton(&html);
    assert!(names.iter().all(|name| !name.starts_with("script") && !name.contains(" on")), "{names:?}");
    for forbidden in ["http://", "https://", "url(", "@import", "src=", "<link", "javascript:"] {
        let html = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    for id in ["needs", "next", "graph", "trends", "cost", "history", "open"] {
        assert!(html.contains(&format!("<section id=\"{id}\">")), "{id}");
        assert!(html.contains(&format!("<a href=\"#{id}\">")), "{id}");
    }
    assert!(html.contains("prefers-color-scheme:dark") && html.contains("@media print"));
    assert_eq!(html, with_page("harmless", &graph, super::html), "the same project gives the same page");
}

#[test]
fn no_text_gets_out_of_its_element() {
    let of = |text: &str| {
        let graph = graph(&[task("t-limit", text, &[]), task("t-keys", text, &["t-limit"])]);
        let page = with_page(text, &graph, |page| (html(page), markdown(page)));
        assert!(!page.0.chars().any(|c| c != '\n' && safe::is_dangerous(c)), "{text:?}");
        assert!(!page.1.chars().any(|c| c != '\n' && safe::is_dangerous(c)), "{text:?}");
        page
    };
    let (plain, _) = of("harmless");
    for attack in ATTACKS {
        let (page, summary) = of(attack);
        // A long title takes two lines of text in the picture.
        let lines = |html: &str| {
            skeleton(html).into_iter().filter(|name| !name.starts_with("text")).collect::<Vec<_>>()
        };
        assert_eq!(lines(&page), lines(&plain), "{attack:?}");
        assert!(!summary.contains("<script") && !summary.contains("\n```\n```"), "{summary}");
    }
}

#[test]
fn a_cell_of_a_summary_formats_nothing() {
    assert_eq!(
        safe::cell("a|b [x](y) **c** `d` <e> & \\"),
        "a\\|b \\[x\\](y) \\*\\*c\\*\\* 'd' &lt;e> &amp; \\\\"
    );
}

#[test]
fn a_page_of_ten_thousand_tasks_is_bounded_and_says_what_it_leaves_out() {
    let tasks: Vec<_> = (1..=10_000)
        .map(|n| {
            task(&format!("t-{n}"), "A title of usual length, as people write", &[&format!("t-{}", n / 2)])
        })
        .collect();
    let graph = graph(&tasks);
    let (page, summary, drawn) =
        with_page("harmless", &graph, |page| (html(page), markdown(page), page.picture.drawn));
    assert_eq!(drawn, DRAWN_MAX);
    assert!(page.len() < 400_000 && summary.len() < 60_000, "{} {}", page.len(), summary.len());
    assert!(page.contains("120 of 10000 tasks") && page.contains("9800 more"));
    skeleton(&page);
}

#[test]
fn a_page_of_nothing_is_a_page() {
    let (graph, status) = (graph(&[]), Status::default());
    let past = Past::new(&[], |_| None);
    let health = Health::default();
    let given = trends::Given {
        runs: &[],
        since: now(),
        until: now(),
        health: &health,
        profiles: &[],
        state_files: 0,
    };
    let trends = trends::trends(&given, &past);
    let given = Given {
        status: &status,
        trends: &trends,
        runs: &[],
        graph: &graph,
        rules: rules(),
        running: &[],
        at: now(),
    };
    let page = Page::new(&given);
    skeleton(&html(&page));
    assert!(markdown(&page).contains("no tasks yet"));
}

#[test]
fn what_matters_now_is_in_the_picture_first() {
    let graph = small();
    let looks = crate::report::status::looks(&graph, rules(), &[]);
    let few = pick::picture(&graph, &looks, 6).unwrap();
    let ids: Vec<&str> = few.iter().map(|&index| graph.nodes()[index].id.as_str()).collect();
    assert_eq!(ids.len(), 6);
    assert!(ids.contains(&"t-ref") && ids.contains(&"t-load"), "{ids:?}");
    assert_eq!(pick::picture(&graph, &looks, 100), None);
}
