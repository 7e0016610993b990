//! The graph for a terminal.
//!
//! Out: one line a task, in an order in which they can be done. A task stands under the last of
//! the tasks that it needs, an epic's tasks stand under the epic, and `←` names all that is needed.
//! Invariant: at most `limit` tasks are drawn; what is left out is counted where it would stand.

use super::tree::{Row, Tree, What};
use super::{Look, View};
use crate::report::safe;
use crate::report::table::paint;
use crate::state::graph::{Index, Standing};
use anstyle::{AnsiColor, Style};
use std::collections::HashSet;

/// How a graph is drawn on a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Columns of the terminal, if it has any.
    pub width: Option<usize>,
    /// Whether only ASCII can be shown.
    pub ascii: bool,
    /// Whether colours can be shown.
    pub colour: bool,
    /// How many tasks are drawn; all without it.
    pub limit: Option<usize>,
    /// The command that draws all.
    pub all: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { width: None, ascii: false, colour: false, limit: Some(60), all: "orch graph --all".to_owned() }
    }
}

/// How many needed tasks a line names.
const NEEDS_MAX: usize = 4;
/// Columns that a title keeps on a narrow terminal.
const TITLE_MIN: usize = 12;
/// The column at which `←` stands at the latest when the terminal's width is not known.
const LEFT_MAX: usize = 76;
/// How many faults are listed, and how much of each.
const FAULTS_MAX: usize = 12;
const FAULT_MAX: usize = 320;
/// Cells of an epic's bar.
const BAR: usize = 8;

/// Draws a view.
#[must_use]
pub fn render(view: &View, options: &Options) -> String {
    if view.picked().is_empty() {
        return match view.hidden_closed() {
            0 => "no tasks\n".to_owned(),
            closed => format!("nothing is open; {closed} closed\n"),
        };
    }
    let sheet = Sheet { view, options, tree: Tree::new(view, options.ascii, options.limit) };
    let mut out = sheet.lines();
    out.push(String::new());
    out.push(sheet.legend());
    out.extend(sheet.left_out());
    out.extend(sheet.faults());
    out.join("\n") + "\n"
}

struct Sheet<'a, 'v> {
    view: &'a View<'v>,
    options: &'a Options,
    tree: Tree<'a, 'v>,
}

impl Sheet<'_, '_> {
    fn sign(&self, sign: &'static str, ascii: &'static str) -> &'static str {
        if self.options.ascii { ascii } else { sign }
    }

    fn paint(&self, text: &str, style: Style) -> String {
        paint(text, style, self.options.colour)
    }

    fn lines(&self) -> Vec<String> {
        let rows = self.tree.rows();
        let ids = rows.iter().map(|row| self.id_width(row)).max().unwrap_or(0);
        let widest = rows.iter().map(|row| self.natural_width(row, ids)).max().unwrap_or(0);
        let needs = rows.iter().map(|row| safe::width(&self.needs(row).0)).max().unwrap_or(0);
        let room =
            self.options.width.map_or(LEFT_MAX, |width| width.saturating_sub(needs.min(width / 3) + 2));
        let left = widest.min(room);
        rows.iter().map(|row| self.line(row, ids, left)).collect()
    }

    fn id_width(&self, row: &Row) -> usize {
        match row.what {
            What::Task(index) if safe::width(&row.lead) <= 12 => self.view.id(index).len().min(12),
            What::Task(_) | What::More(..) => 0,
        }
    }

    fn natural_width(&self, row: &Row, ids: usize) -> usize {
        match row.what {
            What::Task(index) if !self.needs(row).0.is_empty() => {
                safe::width(&row.lead)
                    + 4
                    + ids.max(self.view.id(index).len())
                    + safe::width(&self.view.title(index))
            }
            What::Task(_) | What::More(..) => 0,
        }
    }

    fn line(&self, row: &Row, ids: usize, left: usize) -> String {
        let dim = Style::new().dimmed();
        let mut line = self.paint(&row.lead, dim);
        let index = match row.what {
            What::Task(index) => index,
            What::More(closed, open) => return line + &self.paint(&more(closed, open), dim),
        };
        let look = self.view.look(index);
        let id = self.view.id(index);
        let (needs, plain) = self.needs(row);
        let tail = if self.view.graph().children(index).is_empty() { String::new() } else { self.bar(index) };
        let before = safe::width(&row.lead) + 2 + id.len().max(ids) + 2;
        let edge = if needs.is_empty() { self.options.width.unwrap_or(usize::MAX) } else { left };
        let room = edge.saturating_sub(before + safe::width(&tail)).max(TITLE_MIN);
        let title = safe::truncate_with(&self.view.title(index), room, self.sign("…", "..."));
        line += &self.paint(look.glyph(self.options.ascii), style(look));
        line += " ";
        line += &self.paint(id, if look == Look::Ready { style(look) } else { Style::new() });
        line += &" ".repeat(id.len().max(ids) - id.len() + 2);
        line += &self.paint(&title, title_style(look, self.view.focus() == Some(index)));
        line += &self.paint(&tail, dim);
        if !needs.is_empty() {
            let width = before + safe::width(&title) + safe::width(&tail);
            let rest =
                self.options.width.map_or(usize::MAX, |columns| columns.saturating_sub(width.max(left) + 2));
            line += &" ".repeat(left.saturating_sub(width) + 2);
            let needs = safe::truncate_with(&needs, rest.max(6), self.sign("…", "..."));
            line += &self.paint(&needs, if plain { dim } else { style(Look::Blocked) });
        }
        line.trim_end().to_owned()
    }

    /// What a task needs, the open ones first, and whether nothing is wrong with it.
    fn needs(&self, row: &Row) -> (String, bool) {
        let index = match row.what {
            What::Task(index) => index,
            What::More(..) => return (String::new(), true),
        };
        let graph = self.view.graph();
        let mut seen = HashSet::new();
        let mut ids: Vec<Index> =
            graph.dependencies(index).iter().copied().filter(|&needed| seen.insert(needed)).collect();
        ids.sort_by_key(|&needed| (graph.status(needed).is_closed(), self.tree.place[needed]));
        let more = ids.len().saturating_sub(NEEDS_MAX);
        let standing = self.view.standing(index);
        let cancelled =
            |needed| if standing == Standing::DependencyCancelled(needed) { " (cancelled)" } else { "" };
        let mut names: Vec<String> = Vec::new();
        if let Standing::DependencyMissing(missing) = &standing {
            names.push(format!("{missing} (missing)"));
        }
        names.extend(
            ids.iter()
                .take(NEEDS_MAX)
                .map(|&needed| format!("{}{}", self.view.id(needed), cancelled(needed))),
        );
        names.extend((more > 0).then(|| format!("+{more}")));
        let cycle = if standing == Standing::InCycle { "  (in a cycle)" } else { "" };
        let text = if names.is_empty() {
            cycle.trim_start().to_owned()
        } else {
            format!("{} {}{cycle}", self.sign("←", "<-"), names.join(", "))
        };
        (text, !is_stuck(&standing))
    }

    fn bar(&self, index: Index) -> String {
        let progress = self.view.progress(index);
        let full = (progress.done * BAR).checked_div(progress.total).unwrap_or(0);
        let (on, off) = (self.sign("▰", "="), self.sign("▱", "."));
        format!("  {}/{} {}{}", progress.done, progress.total, on.repeat(full), off.repeat(BAR - full))
    }

    fn legend(&self) -> String {
        let entry = |(look, count): (Look, usize)| {
            let sign = self.paint(look.glyph(self.options.ascii), style(look));
            format!("{sign} {count} {}", look.legend(count))
        };
        let width = |(look, count): (Look, usize)| 5 + count.to_string().len() + look.legend(count).len();
        let (mut out, mut used) = (String::new(), 0);
        for counted in self.view.counts() {
            let fits = self.options.width.is_none_or(|columns| used + 1 + width(counted) <= columns);
            out += if used == 0 {
                ""
            } else if fits {
                "   "
            } else {
                "\n"
            };
            used = if fits { used } else { 0 } + 1 + width(counted);
            out += &entry(counted);
        }
        out
    }

    /// The line that says what is not drawn and how to see it.
    fn left_out(&self) -> Option<String> {
        let graph = self.view.graph();
        let hidden = || self.view.picked().iter().filter(|&&index| !self.tree.drawn[index]);
        let closed = hidden().filter(|&&index| graph.status(index).is_closed()).count();
        let open = hidden().count() - closed;
        let text = match (open, closed) {
            (0, 0) => return None,
            (0, closed) => format!("{closed} closed not drawn"),
            (open, 0) => format!("{open} open not drawn"),
            (open, closed) => format!("{open} open and {closed} closed not drawn"),
        };
        Some(self.paint(&format!("{text}; all: {}", self.options.all), Style::new().dimmed()))
    }

    /// What is wrong with the graph, after an empty line.
    fn faults(&self) -> Vec<String> {
        let sign = self.paint(self.sign("✖", "!"), style(Look::Blocked));
        let shorten =
            |text: String| safe::truncate_with(&safe::text(&text), FAULT_MAX, self.sign("…", "..."));
        let mut lines: Vec<String> = self
            .view
            .faults()
            .take(FAULTS_MAX)
            .map(|fault| format!("{sign} {}", shorten(fault.to_string())))
            .collect();
        let more = self.view.faults().count() - lines.len();
        lines.extend((more > 0).then(|| format!("{sign} + {more} of the kind")));
        if !lines.is_empty() {
            lines.insert(0, String::new());
        }
        lines
    }
}

fn more(closed: usize, open: usize) -> String {
    match (closed, open) {
        (closed, 0) => format!("+ {closed} closed"),
        (0, open) => format!("+ {open} open"),
        (closed, open) => format!("+ {open} open, {closed} closed"),
    }
}

/// Whether a task can't be run although nobody holds it.
fn is_stuck(standing: &Standing) -> bool {
    match standing {
        Standing::DependencyCancelled(_) | Standing::DependencyMissing(_) | Standing::InCycle => true,
        Standing::Runnable
        | Standing::Waiting(_)
        | Standing::Container
        | Standing::Held(_)
        | Standing::Closed(_) => false,
    }
}

/// How a task that looks like this is painted.
#[must_use]
pub fn style(look: Look) -> Style {
    match look {
        Look::Done => AnsiColor::Green.on_default().dimmed(),
        Look::Running => AnsiColor::Blue.on_default().bold(),
        Look::Ready => AnsiColor::Green.on_default().bold(),
        Look::Person => AnsiColor::Yellow.on_default().bold(),
        Look::Blocked => AnsiColor::Red.on_default(),
        Look::Waiting => Style::new(),
        Look::Proposed => AnsiColor::Magenta.on_default(),
        Look::Epic => AnsiColor::Cyan.on_default().bold(),
        Look::Cancelled => Style::new().dimmed(),
    }
}

fn title_style(look: Look, focus: bool) -> Style {
    let style = match look {
        Look::Done => Style::new().dimmed(),
        Look::Cancelled => Style::new().dimmed().strikethrough(),
        Look::Epic => Style::new().bold(),
        Look::Running | Look::Ready | Look::Person | Look::Blocked | Look::Waiting | Look::Proposed => {
            Style::new()
        }
    };
    if focus { style.bold().underline() } else { style }
}

#[cfg(test)]
mod tests {
    use super::super::Options as Part;
    use super::super::samples::{ATTACKS, any_graph, epic, graph, small, task, with};
    use super::*;
    use crate::state::graph::Graph;
    use crate::state::status::Status;
    use proptest::prelude::*;

    fn draw(graph: &Graph, options: &Options) -> String {
        render(&View::new(graph, &Part::default()), options)
    }

    #[test]
    fn the_whole_of_a_small_graph() {
        insta::assert_snapshot!(draw(&small(), &Options::default()));
    }

    #[test]
    fn the_same_in_ascii_on_a_narrow_terminal() {
        let out = draw(&small(), &Options { ascii: true, width: Some(56), ..Options::default() });
        assert!(out.is_ascii());
        assert!(out.lines().take(17).all(|line| line.len() <= 56), "{out}");
        insta::assert_snapshot!(out);
    }

    #[test]
    fn the_part_around_one_task() {
        let graph = small();
        let part = Part { around: graph.find("t-ref"), ..Part::default() };
        insta::assert_snapshot!(render(&View::new(&graph, &part), &Options::default()), @r"
        ◆ e-api     Public API  2/7 ▰▰▱▱▱▱▱▱
        ┊  ✔ t-schema  Describe the schema
        ┊  ◆ e-docs    Documentation  0/2 ▱▱▱▱▱▱▱▱
        ┊  ┊  ? t-ref     Reference  ← t-schema
        ○ t-launch  Launch           ← e-api, t-load

        ✔ 1 done   ? 1 needs a person   ○ 1 waiting   ◆ 2 open epics
        ");
    }

    #[test]
    fn what_is_open_only() {
        let graph = small();
        let part =
            Part { hide_closed: true, running: vec![graph.find("t-keys").unwrap()], ..Part::default() };
        let out = render(&View::new(&graph, &part), &Options::default());
        assert!(!out.contains('✔') && out.contains("▶ t-keys"), "{out}");
        assert!(out.contains("2/7"), "what is hidden still counts: {out}");
    }

    #[test]
    fn closed_tasks_give_way_first_and_what_is_left_out_is_counted() {
        let mut tasks = vec![epic("e", "Epic")];
        tasks.extend((0..112).map(|n| with(task(&format!("d-{n:03}"), "Done", &[]), Status::Done, "e")));
        tasks.extend((0..8).map(|n| with(task(&format!("o-{n}"), "Open", &["d-007"]), Status::Pending, "e")));
        let out = draw(&graph(&tasks), &Options { limit: Some(10), ..Options::default() });
        insta::assert_snapshot!(out, @r"
        ◆ e      Epic  112/120 ▰▰▰▰▰▰▰▱
        ┊  ✔ d-007  Done
        ┊  ├─ ● o-0    Open  ← d-007
        ┊  ├─ ● o-1    Open  ← d-007
        ┊  ├─ ● o-2    Open  ← d-007
        ┊  ├─ ● o-3    Open  ← d-007
        ┊  ├─ ● o-4    Open  ← d-007
        ┊  ├─ ● o-5    Open  ← d-007
        ┊  ├─ ● o-6    Open  ← d-007
        ┊  └─ ● o-7    Open  ← d-007
        ┊  + 111 closed

        ✔ 112 done   ● 8 ready   ◆ 1 open epic
        111 closed not drawn; all: orch graph --all
        ");
    }

    #[test]
    fn nothing_to_draw_is_said() {
        assert_eq!(draw(&graph(&[]), &Options::default()), "no tasks\n");
        let closed = graph(&[with(task("a", "A", &[]), Status::Done, "")]);
        let part = Part { hide_closed: true, ..Part::default() };
        assert_eq!(render(&View::new(&closed, &part), &Options::default()), "nothing is open; 1 closed\n");
    }

    #[test]
    fn no_title_steers_the_terminal_or_takes_a_second_line() {
        for attack in ATTACKS {
            let out = draw(&graph(&[task("t", attack, &[])]), &Options::default());
            assert!(!out.chars().any(|c| c != '\n' && safe::is_dangerous(c)), "{out:?}");
            assert_eq!(out.lines().count(), 3, "{out}");
        }
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let colour = draw(&small(), &Options { colour: true, ..Options::default() });
        let mut plain = String::new();
        for (number, part) in colour.split('\u{1b}').enumerate() {
            plain += if number == 0 { part } else { part.split_once('m').unwrap().1 };
        }
        assert_eq!(plain, draw(&small(), &Options::default()));
    }

    #[test]
    fn a_long_chain_and_epics_in_epics_stay_narrow() {
        let chain: Vec<_> = (1..3_000)
            .map(|n| with(task(&format!("t-{n}"), "T", &[&format!("t-{}", n - 1)]), Status::Pending, ""))
            .collect();
        let nested: Vec<_> = (1..3_000)
            .map(|n| with(epic(&format!("t-{n}"), "T"), Status::Pending, &format!("t-{}", n + 1)))
            .collect();
        for tasks in [chain, nested] {
            let out = draw(&graph(&tasks), &Options { limit: None, ..Options::default() });
            assert_eq!(out.lines().take_while(|line| !line.is_empty()).count(), 2_999);
            assert!(out.lines().all(|line| safe::width(line) < 160));
        }
    }

    proptest! {
        #[test]
        fn every_task_is_drawn_once_after_what_it_needs_beside_it(graph in any_graph()) {
            let view = View::new(&graph, &Part::default());
            let rows = Tree::new(&view, false, None).rows();
            let drawn: Vec<_> = rows
                .iter()
                .map(|row| match row.what {
                    What::Task(index) => index,
                    What::More(..) => unreachable!("nothing is left out"),
                })
                .collect();
            let mut sorted = drawn.clone();
            sorted.sort_unstable();
            prop_assert_eq!(&sorted, view.picked());
            if graph.faults().is_empty() {
                let place = |index| drawn.iter().position(|&other| other == index);
                for edge in view.edges().iter().filter(|edge| view.container(edge.from) == view.container(edge.to)) {
                    prop_assert!(place(edge.from) < place(edge.to));
                }
            }
        }

        #[test]
        fn every_graph_is_drawn_within_its_limit(graph in any_graph(), limit in 0_usize..6, width in 0_usize..90) {
            let out = draw(&graph, &Options { limit: Some(limit), width: Some(width), ..Options::default() });
            prop_assert!(!out.is_empty());
            prop_assert!(out.lines().all(|line| line == line.trim_end()), "{}", out);
        }
    }
}
