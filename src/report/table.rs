//! Aligned columns for a terminal.
//!
//! In: cells. Out: lines in which every column begins where the one above it does.
//! Invariant: cells are made safe for a terminal here, whoever filled them; no line ends in spaces.

use super::safe;
use anstyle::Style;

/// Between two columns.
const GAP: &str = "  ";
/// What the last column keeps on a terminal that is too narrow for the others.
const LAST_COLUMN_MIN: usize = 8;

/// One field of a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    text: String,
    style: Style,
    right: bool,
}

impl Cell {
    /// A cell that begins at the left edge of its column.
    #[must_use]
    pub fn new(text: impl AsRef<str>) -> Self {
        Self { text: safe::text(text.as_ref()), ..Self::default() }
    }

    /// A cell that ends at the right edge of its column, as numbers do.
    #[must_use]
    pub fn right(text: impl AsRef<str>) -> Self {
        Self { right: true, ..Self::new(text) }
    }

    /// The same cell with a style, which is used only where colour is wanted.
    #[must_use]
    pub fn styled(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

macro_rules! number {
    ($($number:ty),*) => {$(
        impl From<$number> for Cell {
            fn from(number: $number) -> Self {
                Self::right(number.to_string())
            }
        }
    )*};
}
number!(u8, u32, u64, usize, i32, i64);

/// Rows of cells, with or without a head.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    head: Vec<Cell>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without a head.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A table with a bold name over each column.
    #[must_use]
    pub fn with_head(names: &[&str]) -> Self {
        let head = names.iter().map(|name| Cell::new(name).styled(Style::new().bold())).collect();
        Self { head, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines; nothing at all when there are no rows. `width` is the terminal's, if it has one.
    #[must_use]
    pub fn render(&self, width: Option<usize>, colour: bool) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let head = self.aligned_head();
        let all: Vec<&Vec<Cell>> = head.iter().chain(&self.rows).collect();
        let widths = column_widths(&all, width);
        let mut out = String::new();
        for cells in all {
            line(&mut out, cells, &widths, colour);
            out.push('\n');
        }
        out
    }

    /// The head, each name at the edge at which its column's cells are.
    fn aligned_head(&self) -> Option<Vec<Cell>> {
        let right = |column: usize| {
            let mut cells = self
                .rows
                .iter()
                .filter_map(|row| row.get(column))
                .filter(|cell| !cell.text.is_empty())
                .peekable();
            cells.peek().is_some() && cells.all(|cell| cell.right)
        };
        let align = |(column, name): (usize, &Cell)| Cell { right: right(column), ..name.clone() };
        (!self.head.is_empty()).then(|| self.head.iter().enumerate().map(align).collect())
    }
}

/// As wide as the widest cell; the last column no wider than what the terminal has left.
fn column_widths(rows: &[&Vec<Cell>], terminal: Option<usize>) -> Vec<usize> {
    let count = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let mut widths = vec![0; count];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row.iter()) {
            *width = safe::width(&cell.text).max(*width);
        }
    }
    if let (Some(terminal), Some((last, others))) = (terminal, widths.split_last_mut()) {
        let used: usize = others.iter().map(|width| width + GAP.len()).sum();
        *last = (*last).min(terminal.saturating_sub(used).max(LAST_COLUMN_MIN));
    }
    widths
}

fn line(out: &mut String, cells: &[Cell], widths: &[usize], colour: bool) {
    // Spaces are owed until something follows them, so that none is left at the end.
    let mut owed = 0;
    for (column, (cell, &width)) in cells.iter().zip(widths).enumerate() {
        owed += if column > 0 { GAP.len() } else { 0 };
        let mut own = safe::width(&cell.text);
        let cut = if own > width { safe::truncate(&cell.text, width) } else { String::new() };
        let text = if own > width { &cut } else { &cell.text };
        own = if own > width { safe::width(text) } else { own };
        let slack = width.saturating_sub(own);
        let shown = text.trim_end();
        if shown.is_empty() {
            owed += width;
            continue;
        }
        let before = if cell.right { slack } else { 0 };
        out.extend(std::iter::repeat_n(' ', owed + before));
        if colour {
            out.push_str(&paint(shown, cell.style, colour));
        } else {
            out.push_str(shown);
        }
        owed = slack - before + (own - safe::width(shown));
    }
}

/// A text in a style, or as it is where colour is not wanted.
#[must_use]
pub fn paint(text: &str, style: Style, colour: bool) -> String {
    if colour && !style.is_plain() && !text.is_empty() {
        format!("{style}{text}{style:#}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstyle::AnsiColor;
    use proptest::prelude::*;

    fn sample() -> Table {
        let mut table = Table::with_head(&["ID", "COST", "TITLE"]);
        table.row(["t-1".into(), 7_u64.into(), "Rate-limit the public API".into()]);
        table.row(["日本".into(), 1234_u64.into(), Cell::new("Docs").styled(AnsiColor::Green.on_default())]);
        table.row(["t-longer".into(), "".into(), "".into()]);
        table
    }

    #[test]
    fn columns_line_up_and_numbers_are_on_the_right() {
        insta::assert_snapshot!(sample().render(None, false), @r"
        ID        COST  TITLE
        t-1          7  Rate-limit the public API
        日本      1234  Docs
        t-longer
        ");
    }

    #[test]
    fn the_last_column_is_cut_to_the_terminal() {
        insta::assert_snapshot!(sample().render(Some(30), false), @r"
        ID        COST  TITLE
        t-1          7  Rate-limit th…
        日本      1234  Docs
        t-longer
        ");
        assert!(
            sample().render(Some(3), false).contains("Rate-li…"),
            "something is left of it on any terminal"
        );
    }

    #[test]
    fn styles_are_used_only_where_colour_is_wanted() {
        let green = "\u{1b}[32mDocs\u{1b}[0m";
        assert!(sample().render(None, true).contains(green));
        assert!(!sample().render(None, false).contains('\u{1b}'));
    }

    #[test]
    fn a_cell_cannot_steer_the_terminal_or_break_the_line() {
        let mut table = Table::new();
        table.row(["\u{1b}[2J\nx".into(), "y".into()]);
        assert_eq!(table.render(None, true), "\\u{1b}[2J\\nx  y\n");
    }

    #[test]
    fn a_table_without_rows_is_nothing() {
        assert_eq!(Table::with_head(&["ID"]).render(None, false), "");
    }

    proptest! {
        #[test]
        fn no_line_ends_in_spaces_or_is_wider_than_the_terminal(
            rows in proptest::collection::vec(proptest::collection::vec("[ a日]{0,6}", 0..4), 1..6),
            columns in 40_usize..60,
        ) {
            let mut table = Table::new();
            for row in &rows {
                table.row(row.iter().map(Cell::new));
            }
            let out = table.render(Some(columns), false);
            prop_assert_eq!(out.lines().count(), rows.len());
            for line in out.lines() {
                prop_assert_eq!(line, line.trim_end());
                prop_assert!(safe::width(line) <= columns);
            }
        }
    }
}
