//! How big a task is thought to be, from what its file says.
//!
//! In: a [`Task`]. Out: an [`Estimate`] whose parts add up to its tokens. Invariant: the same task gives
//! the same estimate, and what a person wrote about tests and docs stays. Not here: learning from how
//! past estimates turned out.
//!
//! Formula: 1.3 x (7 000 a file + complexity + tests + docs).

use super::task::{Estimate, Kind, Task};

/// The tests and the docs of a task that does not say.
const TESTS_DEFAULT: &str = "medium";
const DOCS_DEFAULT: &str = "light";
/// The complexity of a task that does not say.
const COMPLEXITY_DEFAULT: u8 = 5;
/// More files than this are not told apart.
const FILES_MAX: u32 = 10_000;

/// Predicts how big a task is.
#[must_use]
pub fn predict(task: &Task) -> Estimate {
    let said = task.estimate.as_ref();
    let files = files(task).clamp(1, FILES_MAX);
    let tests = said.and_then(|said| said.tests.clone()).unwrap_or_else(|| TESTS_DEFAULT.to_owned());
    let docs = said.and_then(|said| said.docs.clone()).unwrap_or_else(|| DOCS_DEFAULT.to_owned());
    let complexity = complexity_tokens(task.complexity.unwrap_or(COMPLEXITY_DEFAULT));
    // What an issue says as metadata is surer than its fields alone.
    let sure = said.and_then(|said| said.confidence).unwrap_or_default();
    let base = 7_000 * u64::from(files) + complexity + tests_tokens(&tests) + docs_tokens(&docs);
    Estimate {
        files: Some(files),
        tests: Some(tests),
        docs: Some(docs),
        // 1.3 in whole numbers: every part is a multiple of a thousand.
        tokens: Some(base * 13 / 10),
        confidence: Some(sure.max(confidence(task))),
    }
}

/// The tokens that a task is estimated at: what its file says, else by the formula.
#[must_use]
pub fn tokens(task: &Task) -> u64 {
    let said = task.estimate.as_ref().and_then(|estimate| estimate.tokens);
    said.or_else(|| predict(task).tokens).unwrap_or_default()
}

/// Whether somebody has said how many tokens a task takes, and not the formula.
#[must_use]
pub fn is_said(task: &Task) -> bool {
    let said = task.estimate.as_ref().and_then(|estimate| estimate.tokens);
    said.is_some_and(|tokens| Some(tokens) != predict(task).tokens)
}

/// Writes the estimate of a task that is being written down, with the files that it lists. An epic has none: its
/// children do.
pub fn put(task: &mut Task) {
    put_with(task, None);
}

fn put_with(task: &mut Task, files: Option<u32>) {
    if task.kind != Kind::Epic {
        task.estimate = Some(Estimate { files, ..task.estimate.take().unwrap_or_default() });
        task.estimate = Some(predict(task));
    }
}

/// The same, but files, tokens and confidence that somebody has said stay.
pub fn put_unless_said(task: &mut Task) {
    let said = task.estimate.clone().unwrap_or_default();
    put_with(task, said.files);
    if let Some(estimate) = &mut task.estimate {
        estimate.tokens = said.tokens.or(estimate.tokens);
        estimate.confidence = said.confidence.or(estimate.confidence);
    }
}

/// Brings the estimate of a changed task along, unless a person set its tokens.
pub fn refresh(old: &Task, new: &mut Task) {
    let tokens = |estimate: &Option<Estimate>| estimate.as_ref().and_then(|estimate| estimate.tokens);
    let set_now = tokens(&new.estimate) != tokens(&old.estimate);
    if !is_said(old) && !set_now {
        let files = |task: &Task| task.estimate.as_ref().and_then(|estimate| estimate.files);
        // What the formula counted it counts anew; any other number somebody has said.
        let counted = files(old).filter(|files| *files == listed(old));
        put_with(new, files(new).filter(|files| Some(*files) != counted));
    }
}

fn files(task: &Task) -> u32 {
    let said = task.estimate.as_ref().and_then(|estimate| estimate.files);
    said.unwrap_or_else(|| listed(task))
}

fn listed(task: &Task) -> u32 {
    u32::try_from(task.files.len()).unwrap_or(u32::MAX).clamp(1, FILES_MAX)
}

fn complexity_tokens(complexity: u8) -> u64 {
    match complexity {
        0..=3 => 10_000,
        4..=7 => 20_000,
        8.. => 30_000,
    }
}

fn tests_tokens(word: &str) -> u64 {
    match word {
        "low" => 5_000,
        "high" => 15_000,
        _ => 10_000,
    }
}

fn docs_tokens(word: &str) -> u64 {
    match word {
        "none" => 0,
        "medium" => 3_000,
        "heavy" => 5_000,
        _ => 2_000,
    }
}

/// How much of what the estimate rests on is known, in hundredths so that files read well.
fn confidence(task: &Task) -> f64 {
    let mut hundredths = 95_u32;
    if task.complexity.is_none() {
        hundredths -= 15;
    }
    if task.files.is_empty() {
        hundredths -= 20;
    }
    if task.acceptance.is_empty() {
        hundredths -= 5;
    }
    if task.description.trim().is_empty() {
        hundredths -= 10;
    }
    f64::from(hundredths) / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::id::TaskId;

    fn task() -> Task {
        Task::new(TaskId::new("t").unwrap(), "a title")
    }

    fn whole() -> Task {
        let mut task = task();
        task.complexity = Some(3);
        task.files = vec!["a/**".to_owned(), "b".to_owned()];
        task.acceptance = vec!["it works".to_owned()];
        task.description = "why".to_owned();
        task
    }

    #[test]
    fn the_parts_add_up_to_the_tokens() {
        let estimate = predict(&whole());
        // 1.3 x (2 x 7 000 + 10 000 + 10 000 + 2 000)
        assert_eq!(estimate.tokens, Some(46_800));
        assert_eq!(estimate.files, Some(2));
        assert_eq!(estimate.confidence, Some(0.95));
        assert_eq!((estimate.tests.as_deref(), estimate.docs.as_deref()), (Some("medium"), Some("light")));
    }

    #[test]
    fn the_less_is_known_the_lower_is_the_confidence() {
        assert_eq!(predict(&task()).confidence, Some(0.45));
        let mut some = task();
        some.description = "why".to_owned();
        some.complexity = Some(9);
        let estimate = predict(&some);
        assert_eq!(estimate.confidence, Some(0.7));
        assert_eq!(estimate.tokens, Some(63_700));
    }

    #[test]
    fn what_a_person_said_about_tests_and_docs_counts() {
        let mut said = whole();
        said.estimate = Some(Estimate {
            tests: Some("high".to_owned()),
            docs: Some("none".to_owned()),
            ..Estimate::default()
        });
        assert_eq!(predict(&said).tokens, Some((14_000 + 10_000 + 15_000) * 13 / 10));
    }

    #[test]
    fn an_estimate_follows_a_change_unless_a_person_set_it() {
        let mut old = whole();
        put(&mut old);
        let mut new = old.clone();
        new.complexity = Some(8);
        refresh(&old, &mut new);
        assert_eq!(new.estimate.clone().unwrap().tokens, Some(72_800));
        old.estimate.as_mut().unwrap().tokens = Some(5);
        let mut new = Task { complexity: Some(8), ..old.clone() };
        refresh(&old, &mut new);
        assert_eq!(new.estimate.unwrap().tokens, Some(5));
    }

    #[test]
    fn a_number_of_files_that_a_person_wrote_counts_and_stays() {
        let mut old = whole();
        put(&mut old);
        let mut more = old.clone();
        more.files.push("c".to_owned());
        refresh(&old, &mut more);
        assert_eq!(more.estimate.as_ref().and_then(|estimate| estimate.files), Some(3), "the formula's");
        old.estimate = Some(Estimate { files: Some(6), ..Estimate::default() });
        assert!(!is_said(&old));
        assert_eq!(tokens(&old), (42_000 + 10_000 + 10_000 + 2_000) * 13 / 10);
        let mut more = old.clone();
        more.files.push("c".to_owned());
        refresh(&old, &mut more);
        assert_eq!(more.estimate.and_then(|estimate| estimate.files), Some(6), "a person's");
    }

    #[test]
    fn an_epic_has_no_estimate_of_its_own() {
        let mut epic = Task { kind: Kind::Epic, ..whole() };
        put(&mut epic);
        assert_eq!(epic.estimate, None);
    }

    #[test]
    fn predicting_again_gives_the_same() {
        let mut task = whole();
        put(&mut task);
        assert_eq!(task.estimate, Some(predict(&task)));
    }
}
