//! The graph as a picture: one SVG file that needs nothing else.
//!
//! Invariant: no scripts, no links, no fonts or images from elsewhere; no text gets out of its
//! element. Light or dark as the reader's system is.

use super::layers::layers;
use super::layers::px;
use super::layout::{BOX, Curve, Layout, Point, Strip, layout};
use super::svg_style::style;
use super::{Look, View};
use crate::report::safe;
use crate::state::graph::{Index, Standing};

/// Around the drawing.
const MARGIN: f64 = 20.0;
/// Room of a line of the legend.
const LEGEND_LINE: f64 = 20.0;
/// Columns of a title's line, and of an id.
const TITLE_WIDTH: usize = 25;
const ID_WIDTH: usize = 20;
/// Pixels of a column of small text, roughly.
const COLUMN: f64 = 6.4;
/// How many faults are told.
const FAULTS_MAX: usize = 3;

/// Draws a view.
#[must_use]
pub fn render(view: &View) -> String {
    let layers = layers(view);
    let drawing = layout(&layers);
    let notes = notes(view, layers.implied);
    let legend = legend(view, drawing.size.0.max(320.0));
    let lines = legend.1 + notes.len();
    let width = drawing.size.0.max(320.0) + 2.0 * MARGIN;
    let height = drawing.size.1 + 2.0 * MARGIN + px(lines) * LEGEND_LINE + 8.0;
    let count = view.picked().len();
    let name = format!("Task graph: {count} {}", if count == 1 { "task" } else { "tasks" });
    let mut out = vec![
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="og" role="img" aria-label="{name}" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}">"#
        ),
        format!("<title>{name}</title>"),
        format!("<style>{}</style>", style()),
        r#"<rect class="og-page" width="100%" height="100%" rx="12"/>"#.to_owned(),
        format!(r#"<g transform="translate({MARGIN} {MARGIN})">"#),
    ];
    out.extend(drawing.strips.iter().map(|strip| lane(view, strip, drawing.size.0)));
    out.extend(drawing.curves.iter().map(|curve| arrow(view, curve, &drawing)));
    out.extend(drawing.boxes.iter().map(|&(index, at)| task(view, index, at)));
    out.push(format!(r#"<g transform="translate(0 {:.0})">"#, drawing.size.1 + 26.0));
    out.push(legend.0);
    for (line, note) in notes.iter().enumerate() {
        let y = px(legend.1 + line) * LEGEND_LINE;
        out.push(format!(r#"<text class="og-note" y="{y:.0}">{}</text>"#, escaped(note)));
    }
    out.push("</g>\n</g>\n</svg>".to_owned());
    out.join("\n") + "\n"
}

fn lane(view: &View, strip: &Strip, width: f64) -> String {
    let mut names = vec![view.title(strip.epic)];
    let mut around = view.container(strip.epic);
    while let Some(epic) = around {
        names.push(view.title(epic));
        around = view.container(epic);
    }
    names.reverse();
    let progress = view.progress(strip.epic);
    let counted = format!("{}/{}", progress.done, progress.total);
    let name_x = 88.0 + px(counted.len()) * 6.6;
    let name = safe::truncate(&names.join(" › "), columns((width - name_x) / 8.0).max(16));
    let (y, line) = (strip.y, strip.y + 18.5);
    let share = 60.0 * px(progress.done) / px(progress.total.max(1));
    [
        format!(
            "<g><title>{}</title>",
            escaped(&format!("{}: {}", view.id(strip.epic), view.title(strip.epic)))
        ),
        format!(
            r#"<rect class="og-strip" y="{y:.1}" width="{width:.1}" height="{:.1}" rx="10"/>"#,
            strip.height
        ),
        format!(r#"<rect class="og-bar" x="12" y="{:.1}" width="60" height="5" rx="2.5"/>"#, y + 12.0),
        format!(
            r#"<rect class="og-bar-done" x="12" y="{:.1}" width="{share:.1}" height="5" rx="2.5"/>"#,
            y + 12.0
        ),
        format!(r#"<text class="og-lane-count" x="80" y="{line:.1}">{counted}</text>"#),
        format!(r#"<text class="og-lane-name" x="{name_x:.1}" y="{line:.1}">{}</text></g>"#, escaped(&name)),
    ]
    .concat()
}

/// A number of pixels as a whole number of columns.
fn columns(room: f64) -> usize {
    let mut columns = 0;
    while px(columns + 1) <= room && columns < 400 {
        columns += 1;
    }
    columns
}

fn arrow(view: &View, curve: &Curve, drawing: &Layout) -> String {
    let from = view.look(curve.edge.from);
    let class = if curve.edge.faulty {
        "og-edge og-faulty"
    } else if matches!(from, Look::Done | Look::Cancelled) {
        "og-edge og-past"
    } else {
        "og-edge"
    };
    let Some(&(x, y)) = curve.points.last() else { return String::new() };
    let head = if drawing.down { (0.0, 6.0) } else { (6.0, 0.0) };
    let mut points = curve.points.clone();
    if let Some(last) = points.last_mut() {
        *last = (x - head.0, y - head.1);
    }
    let piece = |(number, &point): (usize, &Point)| match number {
        0 => format!("M{:.1} {:.1}", point.0, point.1),
        _ if number % 2 == 0 => format!("L{:.1} {:.1}", point.0, point.1),
        _ => bow(points[number - 1], point, drawing.down),
    };
    let path: String = points.iter().enumerate().map(piece).collect();
    let wing = if drawing.down { "l-3.5 -7h7z" } else { "l-7 -3.5v7z" };
    format!(r#"<g class="{class}"><path d="{path}"/><path class="og-head" d="M{x:.1} {y:.1}{wing}"/></g>"#)
}

/// A bow that leaves and arrives along the way of the arrows.
fn bow(from: Point, to: Point, down: bool) -> String {
    let reach = if down { to.1 - from.1 } else { to.0 - from.0 };
    // An arrow of a cycle goes back: it swings out on both sides, and past the boxes.
    let past = (if down { BOX.0 } else { BOX.1 }) / 1.5 + 8.0;
    let (ahead, aside) = if reach > 0.0 { (reach / 2.0, 0.0) } else { (60.0, past) };
    let ((ax, ay), (bx, by)) =
        if down { ((aside, ahead), (aside, -ahead)) } else { ((ahead, aside), (-ahead, aside)) };
    format!(
        "C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
        from.0 + ax,
        from.1 + ay,
        to.0 + bx,
        to.1 + by,
        to.0,
        to.1
    )
}

fn task(view: &View, index: Index, (x, y): Point) -> String {
    let look = view.look(index);
    let focus = if view.focus() == Some(index) { " og-focus" } else { "" };
    let epic = if view.is_container(index) { " og-milestone" } else { "" };
    let lines = super::wrapped(&view.title_with_progress(index), TITLE_WIDTH, 2);
    let line = |(number, line): (usize, &String)| {
        let y = if lines.len() == 1 { 40.0 } else { 34.0 + 14.0 * px(number) };
        format!(r#"<text class="og-title" x="12" y="{y}">{}</text>"#, escaped(line))
    };
    let mut text: Vec<String> = lines.iter().enumerate().map(line).collect();
    let priority = view.graph().nodes()[index].priority;
    if priority < 2 {
        let word = if priority == 0 { "urgent" } else { "high" };
        text.push(format!(r#"<text class="og-priority" x="{}" y="17">{word}</text>"#, BOX.0 - 12.0));
    }
    format!(
        r#"<g class="og-task og-{}{focus}{epic}" transform="translate({x:.1} {y:.1})"><title>{}</title><rect width="{}" height="{}" rx="9"/>{}<text class="og-id" x="26" y="17">{}</text>{}</g>"#,
        look.word(),
        escaped(&tooltip(view, index)),
        BOX.0,
        BOX.1,
        sign(look, (17.0, 13.0)),
        escaped(&safe::truncate(view.id(index), ID_WIDTH)),
        text.concat(),
    )
}

fn tooltip(view: &View, index: Index) -> String {
    let node = &view.graph().nodes()[index];
    let why = match view.standing(index) {
        Standing::DependencyCancelled(needed) => format!(": {} was cancelled", view.id(needed)),
        Standing::DependencyMissing(missing) => format!(": {missing} is missing"),
        Standing::InCycle => ": in a cycle".to_owned(),
        Standing::Runnable
        | Standing::Waiting(_)
        | Standing::Container
        | Standing::Held(_)
        | Standing::Closed(_) => String::new(),
    };
    let (title, kind, look) = (view.title(index), node.kind.as_str(), view.look(index).legend(1));
    let mut text = format!("{}: {title}\n{kind}, {look}{why}", node.id);
    if !node.depends_on.is_empty() {
        let ids: Vec<&str> = node.depends_on.iter().map(crate::state::id::TaskId::as_str).collect();
        text += &safe::truncate(&format!("\nneeds {}", ids.join(", ")), 300);
    }
    text
}

/// The sign of a look, drawn so that no font is needed.
fn sign(look: Look, (x, y): Point) -> String {
    let shape = match look {
        Look::Done => r#"<path d="M-4.5 .5l3 3.2 6-7"/>"#,
        Look::Running => r#"<path class="og-full" d="M-3.5 -4.5l8 4.5 -8 4.5z"/>"#,
        Look::Ready => r#"<circle class="og-full" r="4.5"/>"#,
        Look::Person => {
            r#"<path d="M-2.6 -2a2.6 2.6 0 1 1 3.9 2.2q-1.3 .8 -1.3 2"/><circle class="og-full og-dot" cy="5" r="1"/>"#
        }
        Look::Blocked => r#"<rect class="og-full" x="-4" y="-4" width="8" height="8" rx="1.5"/>"#,
        Look::Waiting => r#"<circle r="4"/>"#,
        Look::Proposed => r#"<circle r="4" stroke-dasharray="2 2.2"/>"#,
        Look::Epic => r#"<path class="og-full" d="M0 -5.2l5.2 5.2 -5.2 5.2 -5.2 -5.2z"/>"#,
        Look::Cancelled => r#"<path d="M-3.6 -3.6l7.2 7.2m0 -7.2l-7.2 7.2"/>"#,
    };
    format!(r#"<g class="og-sign" transform="translate({x} {y})">{shape}</g>"#)
}

/// The legend, and how many lines it has.
fn legend(view: &View, width: f64) -> (String, usize) {
    let (mut out, mut x, mut line) = (Vec::new(), 0.0, 0);
    for (look, count) in view.counts() {
        let text = format!("{count} {}", look.legend(count));
        let room = 18.0 + px(text.len()) * COLUMN + 16.0;
        if x > 0.0 && x + room > width {
            (x, line) = (0.0, line + 1);
        }
        out.push(format!(
            r#"<g class="og-{}" transform="translate({x:.0} {:.0})">{}<text class="og-legend" x="18" y="0">{text}</text></g>"#,
            look.word(),
            px(line) * LEGEND_LINE,
            sign(look, (6.0, -4.0)),
        ));
        x += room;
    }
    (out.join("\n"), line + 1)
}

/// What the picture does not show.
fn notes(view: &View, implied: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if implied > 0 {
        let (arrows, are) = if implied == 1 { ("arrow", "is") } else { ("arrows", "are") };
        notes.push(format!("{implied} {arrows} that others imply {are} not drawn"));
    }
    if view.hidden_closed() > 0 {
        notes.push(format!("{} closed not drawn", view.hidden_closed()));
    }
    let faults = view.faults().count();
    notes.extend(view.faults().take(FAULTS_MAX).map(|fault| safe::truncate(&fault.to_string(), 110)));
    if faults > FAULTS_MAX {
        notes.push(format!("+ {} faults", faults - FAULTS_MAX));
    }
    notes
}

/// Text for an element or a quoted attribute.
pub(in crate::report) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::super::samples::{ATTACKS, any_graph, graph, small, task};
    use super::*;
    use proptest::prelude::*;

    /// The names of the elements, in order; panics where the document is not well-formed.
    fn elements(svg: &str) -> Vec<String> {
        let (mut open, mut found, mut rest) = (Vec::new(), Vec::new(), svg.trim_end());
        while let Some(at) = rest.find('<') {
            assert!(
                !rest[..at].contains('>') || open.last() == Some(&"style".to_owned()),
                "stray >: {}",
                &rest[..at]
            );
            let mut references = rest[..at].split('&').skip(1);
            assert!(
                references.all(|part| part.split_once(';').is_some_and(|(name, _)| name.len() < 6)),
                "{rest}"
            );
            let end = at + rest[at..].find('>').unwrap();
            let tag = &rest[at + 1..end];
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(name));
            } else {
                let name = tag.split([' ', '/']).next().unwrap().to_owned();
                found.push(name.clone());
                if !tag.ends_with('/') {
                    open.push(name);
                }
            }
            rest = &rest[end + 1..];
        }
        assert!(open.is_empty() && rest.is_empty(), "not closed: {open:?}");
        found
    }

    #[test]
    fn the_picture_is_well_formed_and_needs_nothing_else() {
        let graph = small();
        let svg = render(&View::new(&graph, &Options { around: graph.find("e-api"), ..Options::default() }));
        let all = render(&View::new(&graph, &Options::default()));
        for picture in [&svg, &all] {
            let allowed = ["svg", "title", "style", "rect", "g", "path", "text", "circle"];
            assert!(elements(picture).iter().all(|name| allowed.contains(&name.as_str())));
            assert!(!picture.contains("href") && !picture.contains("url(") && !picture.contains("@import"));
        }
        assert_eq!(all.matches("class=\"og-task").count(), 16, "every task but the one epic without arrows");
        assert!(all.contains("Public API</text>") && all.contains(">2/7</text>"));
    }

    #[test]
    fn no_title_gets_out_of_its_element() {
        let draw = |title| {
            let graph = graph(&[task("t", title, &[]), task("u", title, &["t"])]);
            let svg = render(&View::new(&graph, &Options::default()));
            assert!(!svg.chars().any(|c| c != '\n' && safe::is_dangerous(c)));
            elements(&svg).into_iter().filter(|name| name != "text").collect::<Vec<_>>()
        };
        for attack in ATTACKS {
            assert_eq!(draw(attack), draw("harmless"), "{attack:?}");
        }
    }

    #[test]
    fn the_same_graph_gives_the_same_picture() {
        let draw = || render(&View::new(&small(), &Options::default()));
        assert_eq!(draw(), draw());
    }

    #[test]
    fn ten_thousand_tasks_are_drawn() {
        let tasks: Vec<_> = (1..=10_000)
            .map(|n| task(&format!("t-{n}"), "T", &[&format!("t-{}", n / 2), &format!("t-{}", n - 1), "t-1"]))
            .collect();
        let graph = graph(&tasks);
        let svg = render(&View::new(&graph, &Options::default()));
        assert_eq!(svg.matches("class=\"og-task").count(), 10_000);
    }

    proptest! {
        #[test]
        fn every_graph_is_drawn_well_formed(graph in any_graph(), around in proptest::option::of(0_usize..12)) {
            elements(&render(&View::new(&graph, &Options { around, ..Options::default() })));
        }
    }
}
