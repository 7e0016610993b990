//! What is in a prompt, and what was left out: for people and for programs.

use super::plural;
use super::table::{Cell, Table};
use crate::prompt::{Prompt, Section};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Its sections with their scores and sizes, for people.
#[must_use]
pub fn human(prompt: &Prompt, width: Option<usize>, colour: bool) -> String {
    let mut table = Table::with_head(&["SECTION", "TOKENS", "SCORE", ""]);
    for (list, included) in [(&prompt.sections, true), (&prompt.omitted, false)] {
        for section in list {
            let score =
                if section.required { "required".to_owned() } else { format!("{:.2}", section.score) };
            table.row([
                Cell::new(&section.name),
                Cell::right(format!("≈{}", section.tokens)),
                Cell::right(score),
                Cell::new(if included { "" } else { "left out" }),
            ]);
        }
    }
    let mut out = table.render(width, colour);
    if !prompt.passed_over.is_empty() {
        let notes = plural(prompt.passed_over.len(), "note");
        let _ = writeln!(out, "passed over: {notes} with nothing of the task, or less of it than others");
    }
    let (tokens, budget_tokens) = (prompt.tokens, prompt.budget_tokens);
    let _ = writeln!(out, "≈{tokens} of {budget_tokens} tokens, sha256 {}", prompt.sha256());
    out
}

/// All of it, for programs.
#[must_use]
pub fn document(task: &str, prompt: &Prompt) -> Value {
    let section = |section: &Section| {
        json!({
            "name": section.name, "tokens": section.tokens, "required": section.required,
            "score": section.score,
        })
    };
    let sections = |list: &[Section]| -> Vec<Value> { list.iter().map(section).collect() };
    json!({
        "task": task, "text": prompt.text, "tokens": prompt.tokens, "budget_tokens": prompt.budget_tokens,
        "sha256": prompt.sha256(), "sections": sections(&prompt.sections), "omitted": sections(&prompt.omitted),
        "passed_over": prompt.passed_over,
    })
}
