//! Which files a task will change, where it does not say: those that tasks like it changed.
//!
//! In: tasks that were done, with what they changed. Out: files, the likeliest first. A task is like
//! another one where it is near it in the graph, or has a label or enough words in common.

use crate::state::words::numbers;
use std::collections::HashSet;

/// What being near is worth, and how many words in common are worth half as much.
const NEAR: f64 = 1.0;
const WORDS_HALF: f64 = 3.0;
/// Tasks that are less alike say nothing: one word in common is none.
const LEAST: f64 = 0.4;

/// A task that was done.
#[derive(Debug, Clone, Copy)]
pub struct Done<'d> {
    /// Its id.
    pub task: &'d str,
    /// Its title.
    pub title: &'d str,
    /// Whether it is near the task in question, or has a label in common.
    pub is_near: bool,
    /// What it changed.
    pub files: &'d [String],
}

/// A file that a task will likely change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Likely {
    /// Its path.
    pub file: String,
    /// Tasks like it that changed it.
    pub tasks: Vec<String>,
}

/// The files that a task will likely change whose words are these, the likeliest first.
#[must_use]
pub fn files(words: &str, done: &[Done<'_>]) -> Vec<Likely> {
    let own: HashSet<u32> = numbers(words).into_iter().collect();
    let mut found: Vec<(Likely, f64)> = Vec::new();
    for done in done {
        let title: HashSet<u32> = numbers(done.title).into_iter().collect();
        let shared = f64::from(u32::try_from(own.intersection(&title).count()).unwrap_or(u32::MAX));
        let alike = shared / (shared + WORDS_HALF) + if done.is_near { NEAR } else { 0.0 };
        for file in done.files.iter().filter(|_| alike >= LEAST) {
            let task = done.task.to_owned();
            match found.iter_mut().find(|(likely, _)| likely.file == *file) {
                Some((likely, weight)) => {
                    likely.tasks.push(task);
                    *weight += alike;
                }
                None => found.push((Likely { file: file.clone(), tasks: vec![task] }, alike)),
            }
        }
    }
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.file.cmp(&b.0.file)));
    found.into_iter().map(|(likely, _)| likely).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_tasks_like_it_come_first_and_those_of_others_not_at_all() {
        let file = |path: &str| path.to_owned();
        let (limit, auth) =
            ([file("src/limit.rs"), file("src/api.rs")], [file("src/auth.rs"), file("src/api.rs")]);
        let docs = [file("README.md")];
        let done = [
            Done { task: "a", title: "Count requests for the rate limit", is_near: false, files: &limit },
            Done { task: "b", title: "Log in by token", is_near: true, files: &auth },
            Done { task: "c", title: "Explain the installation", is_near: false, files: &docs },
        ];
        let told: Vec<(String, usize)> = files("Answer 429 above the rate limit of requests", &done)
            .into_iter()
            .map(|likely| (likely.file, likely.tasks.len()))
            .collect();
        assert_eq!(told, [(file("src/api.rs"), 2), (file("src/auth.rs"), 1), (file("src/limit.rs"), 1)]);
        assert!(files("", &[]).is_empty());
    }
}
