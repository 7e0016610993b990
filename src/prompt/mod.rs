//! What the agent reads.
//!
//! In: [`Material`], all of it from one commit. Out: a [`Prompt`] within its budget, or
//! [`TooLarge`]. Invariant: deterministic; required sections are always whole (only a long
//! description and what earlier steps left are cut, with a pointer to their file); everything left out is
//! listed.

pub mod area;
pub mod relevance;
pub mod likely;
pub mod tokens;
mod sections;
mod failure;
mod notes;

pub use likely::Likely;
pub use sections::{described, description_share, fence, one_paragraph, section, words_of};

use crate::state::checkpoint::Checkpoint;
use crate::state::id::TaskId;
use crate::state::note::Gist;
use crate::state::task::Task;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write as _;
use thiserror::Error;

/// Another task, as far as a prompt tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub status: String,
}

/// A gate that rejected work in the area of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The gate.
    pub gate: String,
    /// How many sessions it rejected.
    pub times: u32,
    /// The tasks that they worked on.
    pub tasks: Vec<String>,
}

/// How work has gone lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    /// Tasks that were accepted within a week.
    pub accepted: usize,
    /// The newest steps of the week that were judged.
    pub judged: usize,
    /// Those of them that passed their gates.
    pub passed: usize,
}

/// What a prompt is made from.
#[derive(Debug, Clone)]
pub struct Material<'m> {
    /// The task.
    pub task: &'m Task,
    /// Path of its file.
    pub path: &'m str,
    /// Its epic, and the epic's description.
    pub parent: Option<(Neighbour, String)>,
    /// What was done before it.
    pub dependencies: Vec<Neighbour>,
    /// What waits for it.
    pub dependents: Vec<Neighbour>,
    /// How far tasks in its neighbourhood are away: 1 or 2 steps.
    pub near: &'m HashMap<TaskId, u8>,
    /// All notes.
    pub notes: &'m [Gist<'m>],
    /// Gates that rejected work in its area, the worst first.
    pub trouble: &'m [Trouble],
    /// Files that it will likely change, the likeliest first; none where it says what it changes.
    pub likely: &'m [Likely],
    /// How work has gone lately; none where few steps tell.
    pub pace: Option<Pace>,
    /// The newest checkpoint of the task.
    pub checkpoint: Option<&'m Checkpoint>,
    /// Gates that judge the result: name and command.
    pub gates: Vec<(String, String)>,
    /// Globs of paths that no agent may change.
    pub protected: &'m [String],
    /// The time of the base commit.
    pub now: Timestamp,
    /// The most that the prompt may have, in estimated tokens.
    pub budget_tokens: u64,
}

/// One part of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Its size, estimated.
    pub tokens: u64,
    /// Whether it is always in.
    pub required: bool,
    /// How much it has to do with the task; required sections have none.
    pub score: f64,
}

/// What the agent reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// The text.
    pub text: String,
    /// Its size, estimated.
    pub tokens: u64,
    /// The most that it may have.
    pub budget_tokens: u64,
    /// What is in it, in its order.
    pub sections: Vec<Section>,
    /// What did not fit, the most relevant first.
    pub omitted: Vec<Section>,
    /// Ids of notes that did not compete: they share nothing with the task, or many others share more.
    pub passed_over: Vec<String>,
    input_sha256: String,
}

/// How many names of what was left out a record holds: it does not grow with the state.
const LEFT_OUT_MAX: usize = 50;

impl Prompt {
    /// SHA-256 of its bytes, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex(&Sha256::digest(self.text.as_bytes()))
    }

    /// Names of what is in it.
    #[must_use]
    pub fn section_names(&self) -> Vec<String> {
        self.sections.iter().map(|section| section.name.clone()).collect()
    }

    /// What a record says of what is not in it: the names of the most relevant, and how many more there are.
    #[must_use]
    pub fn left_out(&self) -> (Vec<String>, u32) {
        let names: Vec<String> =
            self.omitted.iter().take(LEFT_OUT_MAX).map(|section| section.name.clone()).collect();
        let more = self.omitted.len() + self.passed_over.len() - names.len();
        (names, u32::try_from(more).unwrap_or(u32::MAX))
    }

    /// SHA-256 of what is in it whatever earlier steps left and however work goes, in hexadecimal: two steps
    /// with the same one were given the same work.
    #[must_use]
    pub fn input_sha256(&self) -> String {
        self.input_sha256.clone()
    }
}

/// SHA-256 of sections that do not depend on how work went, in hexadecimal.
fn input_sha256(sections: &[Section]) -> String {
    let mut digest = Sha256::new();
    let of_steps = [failure::LAST_FAILURE, sections::PACE];
    for section in sections.iter().filter(|section| !of_steps.contains(&section.name.as_str())) {
        digest.update(section.text.as_bytes());
        digest.update([0]);
    }
    hex(&digest.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The required sections alone do not fit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the required parts of the prompt have about {} tokens and the budget is {}: {}", .total, .budget_tokens, sizes(.sections))]
pub struct TooLarge {
    /// What they have together.
    pub total: u64,
    /// What they may have.
    pub budget_tokens: u64,
    /// Name and size of each.
    pub sections: Vec<(String, u64)>,
    /// What those have that are the same for every task; none where that was not asked.
    pub common: u64,
}

impl TooLarge {
    /// Whether no task at all would fit: what is the same for each of them alone is over the budget.
    #[must_use]
    pub fn is_of_all_tasks(&self) -> bool {
        self.common > self.budget_tokens
    }

    /// What makes it fit.
    #[must_use]
    pub fn remedy(&self) -> String {
        let largest = self.sections.iter().max_by_key(|(_, tokens)| *tokens);
        let shorter = if largest.is_some_and(|(name, _)| name == sections::CONSTRAINTS) {
            "retire constraints by `orch note retire ID`"
        } else {
            "shorten the task"
        };
        format!("{shorter}, or raise `prompt.budget_tokens` in `.orchestrator/config.toml`")
    }
}

fn sizes(sections: &[(String, u64)]) -> String {
    let all: Vec<String> = sections.iter().map(|(name, tokens)| format!("{name} {tokens}")).collect();
    all.join(", ")
}

/// Builds the prompt for a task.
///
/// # Errors
/// When the required sections alone are over the budget; nothing required is cut silently.
pub fn build(material: &Material<'_>) -> Result<Prompt, TooLarge> {
    let limit = description_share(material.budget_tokens);
    let prompt = build_with(material, limit)?;
    let left = material.budget_tokens.saturating_sub(prompt.tokens);
    let is_cut = prompt.omitted.first().is_some_and(|section| section.name == sections::REST);
    if !is_cut || left == 0 {
        return Ok(prompt);
    }
    // What nothing else needs is the description's. How much that is rests on how work went, and so is no input.
    match build_with(material, limit + left) {
        Ok(fuller) if fuller.sections.len() >= prompt.sections.len() => {
            Ok(Prompt { input_sha256: prompt.input_sha256, ..fuller })
        }
        Ok(_) | Err(_) => Ok(prompt),
    }
}

/// Builds the prompt, with a description of at most so many tokens.
fn build_with(material: &Material<'_>, limit: u64) -> Result<Prompt, TooLarge> {
    let (related, passed_over) = notes::sections(material);
    let optional = sections::optional(material).into_iter().chain(related).collect();
    let (mut required, cut) = sections::required(material, limit);
    let fixed: u64 = required.iter().map(|section| section.tokens).sum();
    let (last, rest) = failure::sections(material, material.budget_tokens.saturating_sub(fixed));
    required.extend(last);
    let mut prompt = fit(required, optional, material.budget_tokens)
        .map_err(|too_large| TooLarge { common: common(material), ..too_large })?;
    prompt.omitted.splice(0..0, cut.into_iter().chain(rest));
    Ok(Prompt { passed_over, ..prompt })
}

/// What the required sections of a task have of which nothing is known.
fn common(material: &Material<'_>) -> u64 {
    let nothing = Task::new(material.task.id.clone(), "");
    let (required, _) = sections::required(&Material { task: &nothing, ..material.clone() }, 0);
    required.iter().map(|section| section.tokens).sum()
}

/// Fits sections into a budget: the required ones in their order, then the optional ones by their score.
///
/// # Errors
/// When the required sections alone are over the budget.
pub fn fit(
    required: Vec<Section>,
    mut optional: Vec<Section>,
    budget_tokens: u64,
) -> Result<Prompt, TooLarge> {
    let fixed: u64 = required.iter().map(|section| section.tokens).sum();
    if fixed > budget_tokens {
        let sections = required.into_iter().map(|section| (section.name, section.tokens)).collect();
        return Err(TooLarge { total: fixed, budget_tokens, sections, common: 0 });
    }
    optional.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.name.cmp(&b.name)));
    let mut left = budget_tokens - fixed;
    let mut sections = required;
    let mut omitted = Vec::new();
    for section in optional {
        if section.tokens <= left && section.score > 0.0 {
            left -= section.tokens;
            sections.push(section);
        } else {
            omitted.push(section);
        }
    }
    let mut text = String::new();
    for section in &sections {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&section.text);
    }
    let tokens = sections.iter().map(|section| section.tokens).sum();
    let input_sha256 = input_sha256(&sections);
    Ok(Prompt { text, tokens, budget_tokens, sections, omitted, passed_over: Vec::new(), input_sha256 })
}

/// What a rejected attempt is told: what failed, what it claimed otherwise, and that it ended early with
/// this share of its budget left, in percent.
#[must_use]
pub fn continuation(
    attempt: u32,
    max_attempts: u32,
    failures: &[(String, String)],
    claims: &[String],
    early: Option<u32>,
) -> String {
    let mut text = format!("The work is not accepted yet (attempt {attempt} of {max_attempts}).\n");
    if let Some(left) = early {
        let _ = writeln!(
            text,
            "You said it was done with more than {left} % of the budget left, but the checks below fail: done means that they pass."
        );
    }
    for claim in claims {
        let _ = writeln!(text, "You {claim}.");
    }
    for (gate, evidence) in failures {
        let fence = fence(evidence);
        let _ = write!(text, "\n## `{gate}` failed\n\n{fence}text\n{}\n{fence}\n", evidence.trim_end());
    }
    text.push_str("\nCorrect the work in the same directory. It is judged by the same checks again.\n");
    text
}
