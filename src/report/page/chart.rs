//! Small pictures of numbers, one bar or point a week.
//!
//! Invariant: every number is in the table beside it as well; a picture is well-formed whatever they are.

use crate::report::graph::svg::escaped;
use crate::report::status::as_f64;
use std::fmt::Write as _;

/// The size of a picture, and what is left for words on its left, above and below.
const SIZE: (f64, f64) = (360.0, 140.0);
const LEFT: f64 = 46.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 22.0;
/// The most that a bar is wide, and how many words stand below.
const BAR_MAX: f64 = 28.0;
const LABELS: usize = 6;

/// One week.
pub(super) struct Column {
    /// What stands below it.
    pub(super) label: String,
    /// What is put one above the other: the name of a style, and how much.
    pub(super) parts: Vec<(&'static str, f64)>,
    /// What is told about it where a pointer rests on it.
    pub(super) told: String,
}

/// A picture of columns; `spell` says what a height is.
pub(super) fn columns(name: &str, all: &[Column], spell: impl Fn(f64) -> String) -> String {
    let height = |column: &Column| column.parts.iter().map(|(_, part)| sane(*part)).sum::<f64>();
    let top = all.iter().map(height).fold(0.0, f64::max);
    let mut out = begin(name, &spell(top));
    let slot = (SIZE.0 - LEFT) / as_f64(all.len().max(1));
    let width = (slot * 0.7).min(BAR_MAX);
    let room = SIZE.1 - TOP - BOTTOM;
    let every = all.len().div_ceil(LABELS).max(1);
    for (at, column) in all.iter().enumerate() {
        let x = LEFT + slot * as_f64(at) + (slot - width) / 2.0;
        let mut y = SIZE.1 - BOTTOM;
        let _ = write!(out, "<g><title>{}</title>", escaped(&column.told));
        for (style, part) in &column.parts {
            let tall = if top > 0.0 { sane(*part) / top * room } else { 0.0 };
            y -= tall;
            let _ = write!(
                out,
                r#"<rect class="c-{style}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{tall:.1}" rx="2"/>"#
            );
        }
        if at % every == 0 {
            let middle = x + width / 2.0;
            let _ = write!(
                out,
                r#"<text class="c-word c-below" x="{middle:.1}" y="{:.1}">{}</text>"#,
                SIZE.1 - 7.0,
                escaped(&column.label)
            );
        }
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    out
}

fn begin(name: &str, top: &str) -> String {
    let name = escaped(name);
    let (width, height) = SIZE;
    let floor = height - BOTTOM;
    format!(
        r#"<svg class="chart" role="img" aria-label="{name}" viewBox="0 0 {width} {height}"><title>{name}</title><path class="c-line" d="M{LEFT} {TOP}H{width}M{LEFT} {floor}H{width}"/><text class="c-word c-left" x="{x}" y="{y}">{top}</text><text class="c-word c-left" x="{x}" y="{floor}">0</text>
"#,
        x = LEFT - 6.0,
        y = TOP + 4.0,
        top = escaped(top),
    )
}

fn sane(value: f64) -> f64 {
    if value.is_finite() { value.max(0.0) } else { 0.0 }
}
