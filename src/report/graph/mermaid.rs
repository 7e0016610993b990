//! The graph for Mermaid, which many forges draw inside Markdown.
//!
//! Invariant: names are made here (`n12`); of a label only letters, digits and harmless signs are
//! written as they are, everything else as an entity. No label ends a line, a block or a fence.

use super::{Look, View};
use crate::report::safe;
use crate::state::graph::Index;
use std::collections::BTreeMap;

/// Columns of a title.
const TITLE_WIDTH: usize = 60;
/// Arrows that renderers draw unless they are configured to draw more.
const ARROWS_DRAWN: usize = 500;

/// Draws a view.
#[must_use]
pub fn render(view: &View) -> String {
    let mut out = vec!["flowchart LR".to_owned()];
    if view.edges().len() > ARROWS_DRAWN {
        out.push(format!("  %% more than {ARROWS_DRAWN} arrows: raise maxEdges where this is drawn"));
    }
    super::nested(view, &mut |depth, piece| {
        let indent = "  ".repeat(depth + 1);
        out.push(match piece {
            super::Piece::Open(epic) => {
                format!("{indent}subgraph s{epic}[\"{}\"]", label(&view.title_with_progress(epic)))
            }
            super::Piece::Close => format!("{indent}end"),
            super::Piece::Point(index) => format!("{indent}{}", node(view, index)),
        });
    });
    let mut missing: BTreeMap<&str, usize> = view.missing().map(|(_, id)| (id, 0)).collect();
    for (number, (id, place)) in missing.iter_mut().enumerate() {
        *place = number;
        out.push(format!("  m{number}[\"{} is missing\"]:::missing", label(id)));
    }
    out.extend(view.edges().iter().map(|edge| format!("  n{} --> n{}", edge.from, edge.to)));
    for (task, id) in view.missing() {
        out.extend(missing.get(id).map(|number| format!("  m{number} -.-> n{task}")));
    }
    let faulty = view.edges().iter().enumerate().filter(|(_, edge)| edge.faulty);
    out.extend(faulty.map(|(at, _)| format!("  linkStyle {at} stroke:#d64545,stroke-width:2px")));
    out.extend(classes(view));
    out.join("\n") + "\n"
}

fn node(view: &View, index: Index) -> String {
    let look = view.look(index);
    let text = label(&format!("{} · {}", view.id(index), view.title_with_progress(index)));
    let (open, close) = if view.is_container(index) { ("([", "])") } else { ("(", ")") };
    let focus = if view.focus() == Some(index) { ",focus" } else { "" };
    let class = if focus.is_empty() { format!(":::{}", look.word()) } else { String::new() };
    let line = format!("n{index}{open}\"{} {text}\"{close}{class}", look.glyph(false));
    if focus.is_empty() { line } else { format!("{line}\n  class n{index} {}{focus}", look.word()) }
}

fn classes(view: &View) -> Vec<String> {
    let dashed = |look| if look == Look::Proposed { ",stroke-dasharray:4 3" } else { "" };
    let class = |(look, _): (Look, usize)| {
        let (fill, border, text) = look.colours();
        format!("  classDef {} fill:{fill},stroke:{border},color:{text}{}", look.word(), dashed(look))
    };
    let mut lines: Vec<String> = view.counts().into_iter().map(class).collect();
    if view.missing().next().is_some() {
        lines.push(
            "  classDef missing fill:none,stroke:#d64545,color:#d64545,stroke-dasharray:4 3".to_owned(),
        );
    }
    lines.extend(view.focus().map(|_| "  classDef focus stroke-width:3px".to_owned()));
    lines
}

/// A text for between quotes.
///
/// Letters stay as they are. What could end the label, begin markup or a directive becomes `#NN;`,
/// and so does a sign that is not inside a word, where it could begin an arrow or a Markdown list.
fn label(text: &str) -> String {
    let text = safe::truncate(&safe::text(text), TITLE_WIDTH);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let in_word =
            out.ends_with(char::is_alphanumeric) && chars.peek().is_some_and(|next| next.is_alphanumeric());
        let harmless = match c {
            ' ' | ',' | '(' | ')' | '/' | ':' | '_' | '\'' | '?' => true,
            '.' | '-' | '+' => in_word,
            _ => c.is_ascii_alphanumeric() || !c.is_ascii(),
        };
        if harmless {
            out.push(c);
        } else {
            out.extend(["#", &u32::from(c).to_string(), ";"]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::samples::{ATTACKS, graph, small, task};
    use super::*;

    #[test]
    fn the_whole_of_a_small_graph() {
        insta::assert_snapshot!(render(&View::new(&small(), &super::super::Options::default())));
    }

    #[test]
    fn the_task_that_is_asked_about_stands_out() {
        let graph = small();
        let around = graph.find("t-ref");
        let out = render(&View::new(&graph, &super::super::Options { around, ..Default::default() }));
        assert!(out.contains(",focus\n") && out.contains("classDef focus"), "{out}");
    }

    #[test]
    fn no_title_gets_out_of_its_label() {
        for attack in ATTACKS {
            let graph = graph(&[task("t", attack, &[])]);
            let out = render(&View::new(&graph, &super::super::Options::default()));
            let line = out.lines().nth(1).unwrap();
            let inside =
                line.strip_prefix("  n0(\"● t · ").and_then(|line| line.strip_suffix("\"):::ready")).unwrap();
            assert!(
                !inside.contains(['"', '<', '>', '`', '[', ']', '{', '}', '%', '\\', '|', '&', '*']),
                "{line}"
            );
            assert!(!inside.contains("--"), "{line}");
            assert_eq!(out.lines().count(), 3, "{out}");
        }
    }
}
