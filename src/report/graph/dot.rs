//! The graph for Graphviz.
//!
//! Invariant: every name and label is a quoted string from which nothing gets out.

use super::{Look, View};
use crate::report::safe;
use crate::state::graph::Index;
use std::collections::BTreeSet;

/// Columns after which a title goes on in a new line, and how many lines it has.
const TITLE_WIDTH: usize = 26;
const TITLE_LINES: usize = 3;

const HEAD: &str = r##"digraph orch {
  rankdir=LR;
  bgcolor="transparent";
  compound=true;
  graph [fontname="Helvetica" fontsize=12 fontcolor="#28324a" nodesep=0.25 ranksep=0.5];
  node [shape=box style="rounded,filled" fontname="Helvetica" fontsize=11 margin="0.12,0.07" height=0.4];
  edge [color="#8a94a6" arrowsize=0.7];"##;

/// Draws a view.
#[must_use]
pub fn render(view: &View) -> String {
    let mut out = vec![HEAD.to_owned()];
    super::nested(view, &mut |depth, piece| {
        let indent = "  ".repeat(depth + 1);
        match piece {
            super::Piece::Open(epic) => out.extend(cluster(view, epic).map(|line| format!("{indent}{line}"))),
            super::Piece::Close => out.push(format!("{indent}}}")),
            super::Piece::Point(index) => out.push(format!("{indent}{}", node(view, index))),
        }
    });
    let missing: BTreeSet<&str> = view.missing().map(|(_, id)| id).collect();
    for id in missing {
        let (name, label) = (quoted(&format!("missing {id}")), quoted(&format!("{id}\nmissing")));
        out.push(format!(
            r##"  {name} [label={label} style="rounded,dashed" color="#d64545" fontcolor="#d64545"];"##
        ));
    }
    for edge in view.edges() {
        let style = if edge.faulty { r##" [color="#d64545" penwidth=2]"## } else { "" };
        out.push(format!("  {} -> {}{style};", quoted(view.id(edge.from)), quoted(view.id(edge.to))));
    }
    for (task, id) in view.missing() {
        let (from, to) = (quoted(&format!("missing {id}")), quoted(view.id(task)));
        out.push(format!(r##"  {from} -> {to} [color="#d64545" style=dashed];"##));
    }
    out.join("\n") + "\n}\n"
}

fn cluster(view: &View, epic: Index) -> impl Iterator<Item = String> {
    let (fill, border, text) = Look::Epic.colours();
    [
        format!("subgraph {} {{", quoted(&format!("cluster_{}", view.id(epic)))),
        format!("  label={};", quoted(&safe::truncate(&view.title_with_progress(epic), 60))),
        format!(r#"  style="rounded,filled"; fillcolor="{fill}"; color="{border}"; fontcolor="{text}";"#),
    ]
    .into_iter()
}

fn node(view: &View, index: Index) -> String {
    let look = view.look(index);
    let (fill, border, text) = look.colours();
    let id = view.id(index);
    let lines = super::wrapped(&view.title_with_progress(index), TITLE_WIDTH, TITLE_LINES);
    let label = format!("{} {id}\n{}", look.glyph(false), lines.join("\n"));
    let shape = if view.is_container(index) { " penwidth=2" } else { "" };
    let style = if look == Look::Proposed { r#" style="rounded,filled,dashed""# } else { "" };
    let width = if view.focus() == Some(index) { " penwidth=3" } else { "" };
    format!(
        r#"{} [label={} tooltip={} fillcolor="{fill}" color="{border}" fontcolor="{text}"{shape}{style}{width}];"#,
        quoted(id),
        quoted(&label),
        quoted(&view.title(index)),
    )
}

/// A quoted string that shows exactly this text; line ends are kept.
///
/// Source of the rules: the DOT language, where `"` ends a string, `\` begins an escape such as `\N`
/// and `&` an HTML entity, which labels expand.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '&' => out.push_str("&amp;"),
            _ => out.push(c),
        }
    }
    out.push('"');
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

    /// The text outside quoted strings.
    fn outside(dot: &str) -> String {
        let (mut inside, mut out) = (false, String::new());
        let mut chars = dot.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' if inside => drop(chars.next()),
                '"' => inside = !inside,
                _ if !inside => out.push(c),
                _ => {}
            }
        }
        assert!(!inside, "a string is not ended: {dot}");
        out
    }

    #[test]
    fn no_title_gets_out_of_its_string() {
        let draw = |title| {
            let graph = graph(&[task("t", title, &[])]);
            outside(&render(&View::new(&graph, &super::super::Options::default())))
        };
        for attack in ATTACKS {
            assert_eq!(draw(attack), draw("harmless"), "{attack:?}");
        }
    }
}
