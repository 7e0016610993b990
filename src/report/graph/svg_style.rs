//! The colours of the picture, light and dark.
//!
//! Invariant: every name begins with `og-`, so that a page into which the picture is put stays as it is.

use super::Look;

const SHAPES: &str = "
.og{max-width:100%;height:auto;font-family:ui-sans-serif,system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}
.og-task>rect{stroke-width:1.3}
.og-ready>rect,.og-running>rect,.og-review>rect,.og-blocked>rect{stroke-width:1.8}
.og-proposed>rect{stroke-dasharray:5 4}
.og-milestone>rect{stroke-dasharray:1 0;stroke-width:2.2}
.og-focus>rect{stroke-width:3.4}
.og-id{font:10.5px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;opacity:.75}
.og-title{font-size:12px;font-weight:500}
.og-done .og-title{opacity:.8}
.og-cancelled .og-title{text-decoration:line-through}
.og-priority{font-size:9.5px;font-weight:600;text-anchor:end;letter-spacing:.3px}
.og-sign{fill:none;stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round}
.og-dot{stroke:none}
.og-edge path{fill:none;stroke-width:1.4}
.og-edge .og-head{stroke:none}
.og-edge.og-faulty path{stroke-width:1.8;stroke-dasharray:5 3}
.og-strip{stroke-width:1}
.og-lane-name{font-size:12.5px;font-weight:600}
.og-lane-count{font-size:11px}
.og-legend,.og-note{font-size:11.5px}";

/// What is not a task: page, strip and its border, text, quiet text, arrow, arrow of the past, bar.
const LIGHT: [&str; 8] =
    ["#ffffff", "#f7f8fb", "#e3e7ef", "#28324a", "#667085", "#8590a5", "#c9dccf", "#dfe4ec"];
const DARK: [&str; 8] =
    ["#12161d", "#181e28", "#2a3342", "#dbe2ee", "#98a3b6", "#66738a", "#2f4d3d", "#2c3646"];

/// The style sheet.
pub(super) fn style() -> String {
    format!(
        "{SHAPES}{}\n@media (prefers-color-scheme:dark){{{}\n}}\n",
        colours(LIGHT, Look::colours),
        colours(DARK, dark)
    )
}

fn colours(base: [&str; 8], of: fn(Look) -> (&'static str, &'static str, &'static str)) -> String {
    let [page, strip, rim, text, quiet, arrow, past, bar] = base;
    let mut rules = vec![
        format!(
            "\n.og-page{{fill:{page}}}.og-strip{{fill:{strip};stroke:{rim}}}.og-lane-name{{fill:{text}}}"
        ),
        format!(
            ".og-lane-count,.og-legend,.og-note{{fill:{quiet}}}.og-bar{{fill:{bar}}}.og-bar-done{{fill:#3fa46c}}"
        ),
        format!(".og-edge path{{stroke:{arrow}}}.og-edge .og-head{{fill:{arrow}}}"),
        format!(".og-edge.og-past path{{stroke:{past}}}.og-edge.og-past .og-head{{fill:{past}}}"),
        ".og-edge.og-faulty path{stroke:#d64545}.og-edge.og-faulty .og-head{fill:#d64545}".to_owned(),
        ".og-priority{fill:#d6733a}".to_owned(),
    ];
    for look in Look::ALL {
        let (fill, border, text) = of(look);
        let word = look.word();
        rules.push(format!(
            ".og-{word}>rect{{fill:{fill};stroke:{border}}}.og-{word} .og-sign{{stroke:{border}}}.og-{word} .og-full{{fill:{border}}}.og-task.og-{word} text:not(.og-priority){{fill:{text}}}"
        ));
    }
    rules.join("\n")
}

/// Fill, border and text where the page is dark.
fn dark(look: Look) -> (&'static str, &'static str, &'static str) {
    match look {
        Look::Done => ("#16281f", "#3d7557", "#a8d5ba"),
        Look::Running => ("#14264a", "#4f8cff", "#d3e2ff"),
        Look::Ready => ("#10241b", "#2ecc80", "#e6f7ee"),
        Look::Person => ("#33270c", "#e0a52a", "#ffe6ad"),
        Look::Blocked => ("#381a1c", "#ef6461", "#ffd3d1"),
        Look::Waiting => ("#1d232e", "#4a5568", "#c3ccda"),
        Look::Proposed => ("#241c36", "#9a7fdc", "#ddd0fa"),
        Look::Epic => ("#202838", "#7c8db0", "#dfe7f6"),
        Look::Cancelled => ("#191c21", "#3a3f48", "#7b828e"),
    }
}
