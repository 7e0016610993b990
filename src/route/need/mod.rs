//! What a task needs: the capability of the least profile that should be trusted with it, 1..=10.
//!
//! In: a task and [`Facts`] about its surroundings. Out: a [`Need`] with its reasons. Epics, reviews,
//! what has to be designed or decided, many decisions and quality trouble need a strategist.

use super::STRATEGIST;
use crate::state::task::{Kind, Task};
use regex_lite::Regex;
use std::sync::LazyLock;

/// So many decisions that concern a task make it a strategist's.
const MANY_DECISIONS: usize = 5;
/// So many rejections in the area make a task a strategist's.
const MUCH_TROUBLE: usize = 3;
/// So many tasks that come before it are a deep context.
const DEEP: usize = 5;

/// What is known about the surroundings of a task.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts {
    /// Tasks that it builds upon.
    pub depends_on: usize,
    /// Decisions and constraints in force that name it.
    pub decisions: usize,
    /// Steps that were rejected in its area in the last seven days.
    pub trouble: usize,
}

/// What a task needs, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The capability, 1..=10.
    pub capability: u8,
    /// Why so much, in a few words each.
    pub because: Vec<String>,
}

impl Need {
    /// Whether it is a strategist's work.
    #[must_use]
    pub fn is_strategic(&self) -> bool {
        self.capability >= STRATEGIST
    }

    /// In one line.
    #[must_use]
    pub fn spell(&self) -> String {
        format!("needs {} ({})", self.capability, self.because.join(", "))
    }
}

/// What a task needs.
#[must_use]
pub fn need(task: &Task, facts: &Facts) -> Need {
    let mut because = Vec::new();
    let mut capability = task.complexity.unwrap_or_else(|| usual(task.kind));
    because.push(match task.complexity {
        Some(complexity) => format!("complexity {complexity}"),
        None => format!("usual for kind {}", task.kind.as_str()),
    });
    let strategic = strategic(task, facts);
    let (more, words) = words(task);
    if let Some(words) = words.filter(|_| strategic.is_empty()) {
        capability = capability.saturating_add_signed(more).clamp(2, 7.max(capability));
        because.push(words);
    }
    if facts.depends_on >= DEEP {
        capability = (capability + 1).min(7.max(capability));
        because.push(format!("builds on {} tasks", facts.depends_on));
    }
    if (1..MUCH_TROUBLE).contains(&facts.trouble) {
        capability = (capability + 1).min(7.max(capability));
        because.push("quality trouble in the area".to_owned());
    }
    for reason in strategic {
        capability = capability.max(STRATEGIST);
        because.push(reason);
    }
    Need { capability: capability.clamp(1, 10), because }
}

/// The complexity of a task that does not say, by its kind.
fn usual(kind: Kind) -> u8 {
    match kind {
        Kind::Epic => 9,
        Kind::Review => 8,
        Kind::Research | Kind::Refactor => 6,
        Kind::Feature | Kind::Bug => 5,
        Kind::Test => 4,
        Kind::Docs | Kind::Chore => 3,
    }
}

/// Why it is a strategist's, if it is.
fn strategic(task: &Task, facts: &Facts) -> Vec<String> {
    let mut reasons = Vec::new();
    if matches!(task.kind, Kind::Epic | Kind::Review) {
        reasons.push("epics and reviews are a strategist's".to_owned());
    }
    if let Some(word) = thinking(task) {
        reasons.push(format!("`{word}` in its title"));
    }
    if facts.decisions >= MANY_DECISIONS {
        reasons.push(format!("{} decisions concern it", facts.decisions));
    }
    if facts.trouble >= MUCH_TROUBLE {
        reasons.push(format!("{} rejections in the area within a week", facts.trouble));
    }
    reasons
}

/// Words are English ones, and each pattern is asked once or twice: one that is made in no time serves best.
fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// Titles whose work is to design, to judge or to decide; the first group is the word to name.
static THINKING: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let lead = r"(?i)^(?:[\w./ -]{1,24}: *)?";
    [
        // What is designed is the first thing, not an object that has `design` in its name.
        format!(r"{lead}(design)(?:ing)?\b(?: tokens?| system\b| theme)?"),
        format!(r"{lead}(review|decide|evaluate|assess|clarify|compare|research|proposal|rfc)\b"),
        r"(?i)\b(architecture|architect)\b".to_owned(),
        r"(?i)\b(strategy|strategic|assessment|feasibility|trade-?offs?|proposal|adr)\b".to_owned(),
        r"(?i)\b(spec review|code review|design review|security (?:audit|review)|security hardening|threat model)\b"
            .to_owned(),
    ]
    .iter()
    .filter_map(|text| pattern(text))
    .collect()
});

/// What says that such a word names a thing and not the work.
static A_THING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(design (?:tokens?|system|theme)|diagrams?|docs/\S*|--\w+|setup|set up|scaffold\w*)\b|^audit and|^(?:fix|update|add|copy|rename|document) \S*(?:docs|readme)",
    )
});

/// Texts that weigh things up.
static WEIGHING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(evaluate (?:if|whether|:)|would provide value|alternatives considered|weigh the options)",
    )
});

/// The word by which thinking is the work, if it is.
fn thinking(task: &Task) -> Option<String> {
    let title = task.title.as_str();
    let captures = THINKING.iter().find_map(|words| words.captures(title));
    let word = captures.and_then(|captures| Some(captures.get(1)?.as_str().to_lowercase()));
    let a_thing = A_THING.as_ref().is_some_and(|things| things.is_match(title));
    if let Some(word) = word.filter(|_| !a_thing) {
        return Some(word);
    }
    let asks = task.title.to_lowercase().starts_with("investigate") && task.kind != Kind::Bug;
    let weighs = WEIGHING.as_ref().is_some_and(|words| words.is_match(&task.description));
    (asks && weighs).then(|| "investigate".to_owned())
}

/// Words that make it harder, or easier.
static HARDER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(race|deadlock|concurren\w*|crypto\w*|securit\w*|auth\w*|protocol|migrat\w*|schema|consisten\w*)\b",
    )
});
static EASIER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(typo|rename|bump|lint\w*|format(?:ting)?|readme|comment|changelog|spelling|wording|docs?)\b",
    )
});

/// How much words of the title add or take away, and which did.
fn words(task: &Task) -> (i8, Option<String>) {
    let word = |words: &LazyLock<Option<Regex>>| {
        let words = words.as_ref()?;
        words.find(&task.title).map(|word| word.as_str().to_lowercase())
    };
    match (word(&HARDER), word(&EASIER)) {
        (Some(word), None) => (1, Some(format!("`{word}` in its title"))),
        // Whoever wrote a complexity down knew better than a word.
        (None, Some(word)) if task.complexity.is_none() => (-2, Some(format!("`{word}` in its title"))),
        (Some(_) | None, Some(_) | None) => (0, None),
    }
}

#[cfg(test)]
mod labelled;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::id::TaskId;

    fn task(title: &str, kind: Kind, complexity: Option<u8>) -> Task {
        Task { kind, complexity, ..Task::new(TaskId::new("t").unwrap(), title) }
    }

    fn of(title: &str, kind: Kind, complexity: Option<u8>, facts: Facts) -> String {
        need(&task(title, kind, complexity), &facts).spell()
    }

    #[test]
    fn every_signal_has_its_reason() {
        let none = Facts::default();
        let lines = [
            of("Add a flag", Kind::Feature, None, none),
            of("Add a flag", Kind::Feature, Some(9), none),
            of("Fix a typo", Kind::Docs, None, none),
            of("Fix the race in the daemon", Kind::Bug, None, none),
            of("Everything about billing", Kind::Epic, None, none),
            of("Design the wire format", Kind::Feature, Some(4), none),
            of("Add a flag", Kind::Feature, Some(4), Facts { depends_on: 7, ..none }),
            of("Add a flag", Kind::Feature, Some(4), Facts { decisions: 5, ..none }),
            of("Add a flag", Kind::Feature, Some(4), Facts { trouble: 2, ..none }),
            of("Add a flag", Kind::Feature, Some(4), Facts { trouble: 3, ..none }),
        ];
        insta::assert_snapshot!(lines.join("\n"), @r"
        needs 5 (usual for kind feature)
        needs 9 (complexity 9)
        needs 2 (usual for kind docs, `typo` in its title)
        needs 6 (usual for kind bug, `race` in its title)
        needs 9 (usual for kind epic, epics and reviews are a strategist's)
        needs 8 (complexity 4, `design` in its title)
        needs 5 (complexity 4, builds on 7 tasks)
        needs 8 (complexity 4, 5 decisions concern it)
        needs 5 (complexity 4, quality trouble in the area)
        needs 8 (complexity 4, 3 rejections in the area within a week)
        ");
    }
}
