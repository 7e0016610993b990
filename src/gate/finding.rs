//! What a built-in gate finds in a change, and what a person has allowed or denied of it.
//!
//! In: findings. Out: one verdict a gate. Invariant: what is allowed is still reported; a finding
//! never shows a key or a password.

use super::Verdict;
use super::content::secrets::redact;
use crate::state::concern::Concern;
use crate::state::problem::Severity;
use crate::state::task::{is_unprintable, one_line};

/// The most findings that a verdict shows.
const SHOWN: usize = 10;
/// The most characters of a fact.
const FACT: usize = 240;

/// One thing that a gate found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What sort of thing.
    pub concern: Concern,
    /// Whether it rejects, unless a person said otherwise.
    pub severity: Severity,
    /// Where: a path as it can be shown; empty for the change as a whole.
    pub path: String,
    /// One-based line, where there is one: of the candidate, or of the base for what is gone.
    pub line: Option<usize>,
    /// What.
    pub fact: String,
}

impl Finding {
    /// A finding that rejects.
    pub fn error(concern: Concern, path: &str, line: Option<usize>, fact: impl Into<String>) -> Self {
        Self { concern, severity: Severity::Error, path: path.to_owned(), line, fact: fact.into() }
    }

    /// A finding that is reported only.
    pub fn warning(concern: Concern, path: &str, line: Option<usize>, fact: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(concern, path, line, fact) }
    }

    /// Where and what, in one line.
    fn spell(&self, level: Level) -> String {
        // A name may have more than one line.
        let escaped =
            |c: char| if is_unprintable(c) { c.escape_default().to_string() } else { c.to_string() };
        let mut at: String = self.path.chars().map(escaped).collect();
        if let Some(line) = self.line {
            at.push_str(&format!(":{line}"));
        }
        let (dots, name) = (if at.is_empty() { "" } else { ": " }, self.concern.as_str());
        let said = match level {
            Level::Rejects => "",
            Level::Reported => " (reported only)",
            Level::Allowed => " (allowed)",
        };
        format!("{at}{dots}{name}: {}{said}", one_line(&redact(&self.fact), FACT))
    }
}

/// What becomes of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Rejects,
    Reported,
    Allowed,
}

/// What people said about findings: all of it read from the base commit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Say<'s> {
    /// Names that the task allows.
    pub task: &'s [String],
    /// Names that the policy allows.
    pub allow: &'s [String],
    /// Names that the policy denies.
    pub deny: &'s [String],
}

impl Say<'_> {
    /// The nearest word counts: what the task allows, then what the policy denies, then what it
    /// allows, then what the gate itself thinks.
    fn level(&self, finding: &Finding) -> Level {
        let in_list = |names: &[String]| names.iter().any(|name| finding.concern.is_meant_by(name));
        if in_list(self.task) {
            Level::Allowed
        } else if in_list(self.deny) {
            Level::Rejects
        } else if in_list(self.allow) {
            Level::Allowed
        } else {
            match finding.severity {
                Severity::Error => Level::Rejects,
                Severity::Warning => Level::Reported,
            }
        }
    }
}

/// The verdict of a gate on what it found: a rejection if anything rejects; what does stands first.
#[must_use]
pub fn verdict(gate: &str, findings: &[Finding], say: Say<'_>) -> Verdict {
    let mut all: Vec<(Level, &Finding)> =
        findings.iter().map(|finding| (say.level(finding), finding)).collect();
    all.sort_by_key(|(level, finding)| (*level, finding.path.clone(), finding.line));
    let mut lines: Vec<String> = all.iter().take(SHOWN).map(|(level, each)| each.spell(*level)).collect();
    if all.len() > SHOWN {
        lines.push(format!("and {} more", all.len() - SHOWN));
    }
    let mut names: Vec<&str> = all
        .iter()
        .filter(|(level, _)| *level == Level::Rejects)
        .map(|(_, finding)| finding.concern.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Verdict { evidence: lines.join("\n"), ..Verdict::pass(gate) };
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    lines.push(format!("only a person can allow this, in the task: allow = [{}]", quoted.join(", ")));
    Verdict::fail(gate, lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::run::VerdictKind;

    fn of(task: &[&str], allow: &[&str], deny: &[&str], finding: &Finding) -> (VerdictKind, String) {
        let own = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        let (task, allow, deny) = (own(task), own(allow), own(deny));
        let say = Say { task: &task, allow: &allow, deny: &deny };
        let verdict = verdict(finding.concern.gate(), std::slice::from_ref(finding), say);
        (verdict.kind, verdict.evidence)
    }

    #[test]
    fn the_nearest_word_of_a_person_counts() {
        let error = Finding::error(Concern::TestsRemoved, "a.py", Some(3), "test `x` is gone");
        assert_eq!(
            of(&[], &[], &[], &error),
            (
                VerdictKind::Fail,
                "a.py:3: tests-removed: test `x` is gone\n\
                 only a person can allow this, in the task: allow = [\"tests-removed\"]"
                    .to_owned()
            )
        );
        for (task, allow) in
            [(&["tests-changed"][..], &[][..]), (&["tamper"], &[]), (&[], &["tests-removed"])]
        {
            let (kind, evidence) = of(task, allow, &[], &error);
            assert_eq!(kind, VerdictKind::Pass);
            assert_eq!(evidence, "a.py:3: tests-removed: test `x` is gone (allowed)");
        }
        let warning = Finding::warning(Concern::Scope, "b", None, "is outside");
        assert_eq!(of(&[], &[], &[], &warning).0, VerdictKind::Pass);
        assert_eq!(of(&[], &["scope"], &["scope"], &warning).0, VerdictKind::Fail);
        assert_eq!(of(&["scope"], &[], &["scope"], &warning).0, VerdictKind::Pass);
    }

    #[test]
    fn what_rejects_is_shown_first_and_the_rest_is_counted() {
        let mut all: Vec<Finding> =
            (0..20).map(|n| Finding::warning(Concern::Scope, &format!("a{n:02}"), None, "x")).collect();
        all.push(Finding::error(Concern::Scope, "z", None, "y"));
        let verdict = verdict("scope", &all, Say::default());
        assert!(verdict.evidence.starts_with("z: scope: y\na00"), "{}", verdict.evidence);
        assert!(verdict.evidence.contains("\nand 11 more\n"), "{}", verdict.evidence);
    }
}
