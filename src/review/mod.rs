//! A second pair of eyes: who looks at a change, what a reviewer reads, and what its answer is worth.
//!
//! In: the change, the criteria, the configuration. Out: a policy, a prompt, a [`Verdict`]. Invariant: the
//! strictest rule decides; a reviewer that does not judge every criterion has not passed anything; its
//! words are never run, only shown.

mod ask;

pub use ask::{FileDiff, Material, prompt};

use crate::agent::Review;
use crate::config::{Config, ReviewPolicy, ReviewRule};
use crate::gate::Verdict;
use crate::gate::protect::any_covered;
use crate::state::run::VerdictKind;
use crate::state::task::{Task, one_line};
use std::fmt::Write as _;

/// The name of the verdict.
pub const GATE: &str = "review";

/// What decides who looks at a change.
#[derive(Debug, Clone, Copy)]
pub struct Change<'c> {
    /// The files that it changes.
    pub paths: &'c [Vec<u8>],
    /// Lines added and removed; none where lines do not say how much it changes.
    pub lines: Option<u32>,
}

/// Who looks at a change, and which rule says so: the strictest of all that fit.
#[must_use]
pub fn policy(config: &Config, task: &Task, change: Change<'_>) -> (ReviewPolicy, String) {
    let mut found = (config.policy.review, "policy.review".to_owned());
    for rule in config.reviews.iter().filter(|rule| fits(rule, task, change)) {
        if rank(rule.by) > rank(found.0) {
            found = (rule.by, format!("review rule `{}`", rule.name));
        }
    }
    found
}

/// Whether an agent may take tasks that wait for a review: no rule may want a person.
#[must_use]
pub fn by_agents_alone(config: &Config) -> bool {
    config.policy.review == ReviewPolicy::Agent
        && config.reviews.iter().all(|rule| rule.by != ReviewPolicy::Human)
}

fn rank(policy: ReviewPolicy) -> u8 {
    match policy {
        ReviewPolicy::None => 0,
        ReviewPolicy::Agent => 1,
        ReviewPolicy::Human => 2,
    }
}

fn fits(rule: &ReviewRule, task: &Task, change: Change<'_>) -> bool {
    let kind = rule.kinds.is_empty() || rule.kinds.iter().any(|kind| kind == task.kind.as_str());
    let path = rule.paths.is_empty() || any_covered(&rule.paths, change.paths);
    kind && path && change.lines.is_none_or(|lines| lines >= rule.min_lines)
}

/// What no answer is worth; why there is none.
#[must_use]
pub fn none(reviewer: &str, why: &str) -> Verdict {
    let evidence = format!("{reviewer} gave no review: {why}");
    Verdict { kind: VerdictKind::Error, ..Verdict::fail(GATE, evidence) }
}

/// What a reviewer's answer is worth.
#[must_use]
pub fn judge(reviewer: &str, answer: Option<&Review>, acceptance: &[String]) -> Verdict {
    let Some(answer) = answer else {
        let evidence = format!("{reviewer} gave no review that can be read");
        return Verdict { kind: VerdictKind::Error, ..Verdict::fail(GATE, evidence) };
    };
    let unmet: Vec<(&String, &str)> = acceptance
        .iter()
        .enumerate()
        .filter_map(|(at, criterion)| match answer.criteria.get(at) {
            Some(judged) if judged.met => None,
            Some(judged) => Some((criterion, judged.why.as_str())),
            None => Some((criterion, "not judged")),
        })
        .collect();
    if answer.approves && unmet.is_empty() {
        return Verdict { evidence: format!("{reviewer} approves"), ..Verdict::pass(GATE) };
    }
    let mut evidence = format!("{reviewer} does not approve");
    for (criterion, why) in unmet {
        let _ = write!(evidence, "\nnot met: {}: {}", one_line(criterion, 200), one_line(why, 300));
    }
    for finding in &answer.findings {
        let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
        let file = finding.file.as_ref().map(|file| format!("{file}{line}: ")).unwrap_or_default();
        let _ = write!(evidence, "\n{file}{}", finding.problem);
    }
    // An approval that leaves criteria open contradicts itself: it is no judgement.
    let judged = !answer.approves || answer.criteria.len() >= acceptance.len();
    let kind = if judged { VerdictKind::Fail } else { VerdictKind::Error };
    Verdict { kind, ..Verdict::fail(GATE, evidence) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Criterion, Finding};
    use crate::config::read::{Layers, read};
    use crate::state::id::TaskId;
    use crate::state::task::Kind;

    fn config(text: &str) -> Config {
        let text = format!("schema = 1\n{text}");
        let read = read(&Layers { repository: Some(text.as_bytes()), user: None });
        assert_eq!(read.problems, []);
        read.value.unwrap()
    }

    fn task(kind: Kind) -> Task {
        Task { kind, ..Task::new(TaskId::new("t").unwrap(), "a title") }
    }

    #[test]
    fn the_strictest_rule_that_fits_decides() {
        let config = config(
            "[policy]\nreview = \"agent\"\n\
             [[review]]\nname = \"auth\"\nby = \"human\"\npaths = [\"src/auth/**\"]\n\
             [[review]]\nname = \"large-features\"\nby = \"human\"\nkinds = [\"feature\"]\nmin_lines = 100\n",
        );
        let who = |kind, path: &str, lines: u32| {
            let paths = [path.as_bytes().to_vec()];
            policy(&config, &task(kind), Change { paths: &paths, lines: Some(lines) })
        };
        assert_eq!(who(Kind::Docs, "README.md", 500).0, ReviewPolicy::Agent);
        assert_eq!(
            who(Kind::Docs, "src/auth/a.rs", 1),
            (ReviewPolicy::Human, "review rule `auth`".to_owned())
        );
        assert_eq!(who(Kind::Feature, "src/b.rs", 99).0, ReviewPolicy::Agent);
        assert_eq!(who(Kind::Feature, "src/b.rs", 100).0, ReviewPolicy::Human);
        // What cannot be counted in lines is never too small.
        let binary = Change { paths: &[b"logo.png".to_vec()], lines: None };
        assert_eq!(policy(&config, &task(Kind::Feature), binary).0, ReviewPolicy::Human);
        assert!(!by_agents_alone(&config));
    }

    #[test]
    fn a_rule_that_asks_for_less_changes_nothing() {
        let config = config("[policy]\nreview = \"human\"\n[[review]]\nname = \"docs\"\nby = \"agent\"\n");
        assert_eq!(
            policy(&config, &task(Kind::Docs), Change { paths: &[], lines: Some(0) }).0,
            ReviewPolicy::Human
        );
    }

    fn review(approves: bool, met: &[bool]) -> Review {
        let criteria = met.iter().map(|met| Criterion { met: *met, why: "because".to_owned() }).collect();
        let problem = "reads past the end".to_owned();
        let findings = vec![Finding { file: Some("a.rs".to_owned()), line: Some(3), problem }];
        Review { approves, criteria, findings }
    }

    #[test]
    fn only_a_whole_approval_passes() {
        let acceptance = ["it works".to_owned(), "it is fast".to_owned()];
        let kind = |answer: Option<&Review>| judge("opus", answer, &acceptance).kind;
        assert_eq!(kind(Some(&review(true, &[true, true]))), VerdictKind::Pass);
        assert_eq!(kind(Some(&review(true, &[true]))), VerdictKind::Error);
        assert_eq!(kind(Some(&review(true, &[true, false]))), VerdictKind::Fail);
        assert_eq!(kind(Some(&review(false, &[true, true]))), VerdictKind::Fail);
        assert_eq!(kind(Some(&review(false, &[]))), VerdictKind::Fail);
        assert_eq!(kind(None), VerdictKind::Error);
    }

    #[test]
    fn a_rejection_says_which_criterion_and_where() {
        let verdict = judge("opus", Some(&review(false, &[false])), &["it works".to_owned()]);
        assert_eq!(
            verdict.evidence,
            "opus does not approve\nnot met: it works: because\na.rs:3: reads past the end"
        );
    }
}
