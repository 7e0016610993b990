//! Who else is asked: reviewers of work, and planners of what comes next.
//!
//! Rules of review only add: the strictest of `policy.review` and all that fit decides, so that their
//! order means nothing and a user's own file cannot loosen by adding one.

use super::ReviewPolicy;
use super::check;
use super::entry::entries;
use super::section::{Section, Sources};
use crate::state::file::fields::Table;
use crate::state::task::Kind;

/// The most kinds, and the most globs, of a rule.
const MAX_LIST: usize = 100;

/// `[[review]]`: work that somebody has to look at, whatever `policy.review` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewRule {
    /// Its name.
    pub name: String,
    /// Who looks.
    pub by: ReviewPolicy,
    /// Tasks of these kinds; empty: of all.
    pub kinds: Vec<String>,
    /// Changes of files that match one of these globs; empty: of any.
    pub paths: Vec<String>,
    /// Changes of at least so many lines, added and removed together.
    pub min_lines: u32,
}

/// What becomes of the tasks of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlanLanding {
    /// A person has to approve them.
    #[default]
    Proposed,
    /// They may run.
    Pending,
}

/// `[plan]`: who extends the roadmap, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlanConfig {
    /// The profile that plans; none: the most capable one.
    pub agent: Option<String>,
    /// `orch run` plans when fewer tasks are runnable; 0: never by itself.
    pub floor: u32,
    /// Whether `orch run` splits epics without children, and tasks that are too large, by itself.
    pub split: bool,
    /// What becomes of the tasks.
    pub land: PlanLanding,
    /// The most tasks of one plan.
    pub most: u32,
}

/// Reads `[plan]`.
pub(super) fn plan(section: &mut Section<'_, '_>, plan: &mut PlanConfig) {
    section.set_text("agent", &mut plan.agent, check::word);
    section.set_int("floor", &mut plan.floor, 0..=10_000);
    section.set("split", &mut plan.split, Table::bool);
    section.set("land", &mut plan.land, |table, key| table.word(key, PlanLanding::parse, PlanLanding::WORDS));
    section.set_int("most", &mut plan.most, 1..=50);
}

/// Reads the rules of review of a file.
pub(super) fn reviews(root: &mut Table<'_>, sources: &mut Sources) -> Vec<ReviewRule> {
    let rules = entries(root, "review").into_iter();
    rules.filter_map(|(name, table)| review(&name, table, sources)).collect()
}

fn review(name: &str, table: Table<'_>, sources: &mut Sources) -> Option<ReviewRule> {
    let mut by = None;
    let mut rule = ReviewRule {
        name: name.to_owned(),
        by: ReviewPolicy::Human,
        kinds: Vec::new(),
        paths: Vec::new(),
        min_lines: 0,
    };
    let mut section = Section::entry(table, "review", name, sources);
    section
        .set("by", &mut by, |table, key| table.word(key, ReviewPolicy::parse, ReviewPolicy::WORDS).map(Some));
    section.set_list("kinds", &mut rule.kinds, MAX_LIST, |word| {
        let words = || Kind::ALL.map(Kind::as_str).join(", ");
        Kind::parse(word).map(|_| ()).ok_or_else(|| format!("one of {}", words()))
    });
    section.set_list("paths", &mut rule.paths, MAX_LIST, check::glob);
    section.set_int("min_lines", &mut rule.min_lines, 0..=1_000_000);
    if section.table.line_of("by").is_none() {
        section.table.missing("by", "add by = \"agent\" or by = \"human\"");
    }
    section.end();
    by.map(|by| ReviewRule { by, ..rule })
}
