//! The parts of a prompt: those that are always in, and those that compete for what is left.

use super::relevance;
use super::tokens::estimate;
use super::{Material, Pace, Section, notes};
use crate::state::note::{Gist, NoteKind};
use crate::state::task::Task;
use crate::state::words::numbers;
use std::fmt::Write as _;

/// The section of how work has gone lately.
pub(super) const PACE: &str = "pace";
/// The section of the task itself.
pub(super) const TASK: &str = "task";
/// What stands for the part of its description that was left out.
pub(super) const REST: &str = "task (rest)";
/// The section of what holds for all tasks.
pub(super) const CONSTRAINTS: &str = "constraints";
/// From here on a word is a long one, in bytes.
const WORD_BYTES: usize = 200;

/// A section, its size estimated.
pub fn section(name: impl Into<String>, text: String, required: bool, score: f64) -> Section {
    let tokens = estimate(&text) + 1;
    Section { name: name.into(), text, tokens, required, score }
}

/// Sections that are always in and always whole: the task, what "done" means, constraints; and what stands for the
/// part of a long description that was left out, of more than so many tokens.
pub(super) fn required(material: &Material<'_>, limit: u64) -> (Vec<Section>, Option<Section>) {
    let (task, rest) = task(material, limit);
    let rest = (rest > 0).then(|| Section { tokens: rest, ..section(REST, String::new(), true, 0.0) });
    let mut all = vec![section(TASK, task, true, 0.0), section("done", done(material), true, 0.0)];
    let constraints: Vec<&Gist<'_>> =
        notes::in_force(material).filter(|note| note.kind == NoteKind::Constraint).collect();
    if !constraints.is_empty() {
        let mut text = "## Constraints\n\n".to_owned();
        for note in constraints {
            let _ = writeln!(text, "- {}", one_paragraph(note.text));
        }
        all.push(section(CONSTRAINTS, text, true, 0.0));
    }
    (all, rest)
}

/// The tokens that a description may have of a budget, whatever else there is.
#[must_use]
pub fn description_share(budget_tokens: u64) -> u64 {
    budget_tokens / 2
}

/// The task, its description in so many tokens, and how many tokens of that were left out.
fn task(material: &Material<'_>, limit: u64) -> (String, u64) {
    let task = material.task;
    let mut text = format!("# {} ({})\n\nTask `{}`.\n", task.title, task.kind.as_str(), task.id);
    let (description, cut) = described(task, material.path, limit);
    if !description.is_empty() {
        let _ = write!(text, "\n{description}\n");
    }
    if !task.files.is_empty() {
        let _ = write!(text, "\nExpected files: {}\n", code_list(&task.files));
    }
    (text, cut)
}

/// What so many tokens say of a description: all of it, or its most telling paragraphs in their order and where the
/// whole text is; and how many tokens were left out.
#[must_use]
pub fn described(task: &Task, path: &str, limit: u64) -> (String, u64) {
    let whole = task.description.trim();
    if estimate(whole) <= limit {
        return (whole.to_owned(), 0);
    }
    let kept = most_telling(whole, &words_of(task), limit);
    let cut = estimate(whole).saturating_sub(estimate(&kept)).max(1);
    (format!("{kept}\n\n(Shortened; the whole text is in `{path}`.)").trim_start().to_owned(), cut)
}

/// The paragraphs of a text that have most to do with these words and fit into so many tokens, in their order.
fn most_telling(whole: &str, words: &str, limit: u64) -> String {
    let paragraphs: Vec<String> =
        whole.split("\n\n").map(|paragraph| paragraph.trim().to_owned()).filter(|p| !p.is_empty()).collect();
    let scores = relevance::scores(words, paragraphs.iter().map(|text| numbers(text)));
    let mut order: Vec<usize> = (0..paragraphs.len()).collect();
    // The first paragraph says what it is about.
    order.sort_by(|&a, &b| {
        (b == 0).cmp(&(a == 0)).then_with(|| scores[b].total_cmp(&scores[a])).then_with(|| a.cmp(&b))
    });
    let mut left = limit;
    let mut kept = std::collections::BTreeMap::new();
    for index in order {
        let tokens = estimate(&paragraphs[index]) + 1;
        if tokens <= left {
            left -= tokens;
            kept.insert(index, paragraphs[index].clone());
        } else if index == 0 {
            let share = if paragraphs.len() == 1 { left } else { left / 2 };
            let short = first_tokens(&paragraphs[0], share);
            left -= estimate(&short).min(left);
            kept.insert(0, format!("{short} …"));
        }
    }
    kept.into_values().collect::<Vec<_>>().join("\n\n")
}

/// The words of a text that fit into so many tokens. Of what is long without a space the beginning is kept: a trace
/// goes on with the words after it, a script without spaces as far as there is room.
fn first_tokens(text: &str, limit: u64) -> String {
    let mut kept = String::new();
    let mut left = limit;
    for word in text.split_whitespace() {
        let is_long = word.len() > WORD_BYTES;
        let mut part = word.to_owned();
        if is_long && word.is_ascii() {
            part.truncate(WORD_BYTES);
            part.push('…');
        } else if is_long && estimate(word) > left {
            part = beginning(word, left);
        }
        if part.is_empty() || estimate(&part) > left {
            break;
        }
        if !kept.is_empty() {
            kept.push(' ');
        }
        left -= estimate(&part);
        kept.push_str(&part);
        if !word.is_ascii() && part.len() < word.len() {
            break;
        }
    }
    kept
}

/// The most characters of a word that fit into so many tokens.
fn beginning(word: &str, limit: u64) -> String {
    let ends: Vec<usize> = word.char_indices().map(|(at, _)| at).collect();
    let count = ends.partition_point(|&end| estimate(&word[..end]) <= limit);
    word[..count.checked_sub(1).map_or(0, |last| ends[last])].to_owned()
}

fn done(material: &Material<'_>) -> String {
    let mut text = "## Done means\n\n".to_owned();
    for criterion in &material.task.acceptance {
        let _ = writeln!(text, "- {}", one_paragraph(criterion));
    }
    if !material.gates.is_empty() {
        let gates: Vec<String> =
            material.gates.iter().map(|(name, run)| format!("{name} (`{run}`)")).collect();
        let _ = writeln!(text, "- these checks pass, run by orch on a clean tree: {}", gates.join(", "));
    }
    text.push_str("- the change is complete in this directory; orch commits it\n");
    let _ = writeln!(text, "\nDo not change: {}, CI and hook configuration", code_list(material.protected));
    text
}

/// Sections that compete, notes aside: the epic, trouble, what was done before, what waits.
pub(super) fn optional(material: &Material<'_>) -> Vec<Section> {
    let mut all = Vec::new();
    if let Some((parent, description)) = &material.parent {
        let mut text = format!("## Part of `{}`: {}\n", parent.id, parent.title);
        let begins = first_tokens(description, 60);
        if !begins.is_empty() {
            let _ = write!(text, "\n{begins}\n");
        }
        all.push(section("parent", text, false, 3.0));
    }
    all.extend(trouble(material));
    all.extend(likely(material));
    if !material.dependencies.is_empty() {
        all.push(section("done-before", neighbours("## Done before", &material.dependencies), false, 2.0));
    }
    all.extend(material.pace.map(|pace| section(PACE, spell(pace), false, 0.5)));
    if !material.dependents.is_empty() {
        all.push(section(
            "waiting-for-this",
            neighbours("## Waiting for this", &material.dependents),
            false,
            1.0,
        ));
    }
    all
}

fn spell(Pace { accepted, judged, passed }: Pace) -> String {
    let tasks = if accepted == 1 { "1 task".to_owned() } else { format!("{accepted} tasks") };
    format!(
        "## Pace\n\n- {tasks} accepted within a week; {passed} of the last {judged} steps passed the checks\n"
    )
}

/// Gates that rejected work in this area within a week: what the next session should take care of.
fn trouble(material: &Material<'_>) -> Option<Section> {
    if material.trouble.is_empty() {
        return None;
    }
    let mut text = "## Trouble in this area within a week\n\n".to_owned();
    for each in material.trouble.iter().take(3) {
        let times = if each.times == 1 { "once".to_owned() } else { format!("{} times", each.times) };
        let tasks: Vec<String> = each.tasks.iter().take(3).cloned().collect();
        let _ = writeln!(text, "- `{}` rejected work {times}: {}", each.gate, code_list(&tasks));
    }
    Some(section("trouble", text, false, 2.5))
}

/// Files that tasks like this one changed.
fn likely(material: &Material<'_>) -> Option<Section> {
    if material.likely.is_empty() {
        return None;
    }
    let mut text = "## Files that tasks like this one changed\n\n".to_owned();
    for each in material.likely {
        let tasks: Vec<String> = each.tasks.iter().take(3).cloned().collect();
        let _ = writeln!(text, "- `{}` ({})", each.file, code_list(&tasks));
    }
    Some(section("likely-files", text, false, 1.5))
}

fn neighbours(heading: &str, all: &[super::Neighbour]) -> String {
    let mut text = format!("{heading}\n\n");
    for neighbour in all.iter().take(8) {
        let _ = writeln!(text, "- `{}` {}", neighbour.id, neighbour.title);
    }
    if all.len() > 8 {
        let _ = writeln!(text, "- and {} more", all.len() - 8);
    }
    text
}

pub(super) fn query(material: &Material<'_>) -> String {
    words_of(material.task)
}

/// What tells what a task is about.
#[must_use]
pub fn words_of(task: &Task) -> String {
    let mut text = task.title.clone();
    for part in task.labels.iter().chain(&task.files).chain(&task.acceptance) {
        text.push(' ');
        text.push_str(part);
    }
    text
}

fn code_list(items: &[String]) -> String {
    let quoted: Vec<String> = items.iter().map(|item| format!("`{item}`")).collect();
    quoted.join(", ")
}

/// A text on one line, whole.
#[must_use]
pub fn one_paragraph(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A fence of backticks that no line of the text closes.
#[must_use]
pub fn fence(text: &str) -> String {
    let longest = text
        .lines()
        .map(|line| line.trim_start_matches(['+', '-', ' ']))
        .map(|line| line.bytes().take_while(|byte| *byte == b'`').count())
        .max();
    "`".repeat(longest.unwrap_or_default().max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_without_a_space_is_begun_and_what_follows_is_told() {
        let script = "東京都の人口は約千四百万人で日本の首都である。".repeat(60);
        let begun = first_tokens(&script, 300);
        assert!(
            script.starts_with(&begun) && (270..=300).contains(&estimate(&begun)),
            "{}",
            estimate(&begun)
        );
        let trace = format!("Crash with this trace: {} please fix the panic", "at/0x7f/".repeat(500));
        let told = first_tokens(&trace, 300);
        assert!(
            told.starts_with("Crash with this trace: at/0x7f/") && told.ends_with("… please fix the panic")
        );
        assert_eq!(first_tokens("one two three", 2), "one two");
        assert_eq!(first_tokens(&script, 0), "");
    }
}
