//! What of a reply is not taken up, in one line.

use super::reply::MAX_ITEMS;
use std::collections::BTreeSet;

/// How many complaints about one reply are told.
const MAX_COMPLAINTS: usize = 5;

/// That not all of so many things are taken up.
pub(super) fn beyond(what: &str, count: usize) -> Option<String> {
    let more = count.saturating_sub(MAX_ITEMS);
    (more > 0).then(|| format!("of {count} {what} only the first {MAX_ITEMS} are taken up"))
}

/// All complaints as one, each once; of many the first.
pub(super) fn all_of(told: Vec<String>) -> Option<String> {
    let mut seen = BTreeSet::new();
    let mut told: Vec<String> = told.into_iter().filter(|each| seen.insert(each.clone())).collect();
    let more = told.len().saturating_sub(MAX_COMPLAINTS);
    if more > 0 {
        told.truncate(MAX_COMPLAINTS);
        told.push(format!("and {more} more like these"));
    }
    (!told.is_empty()).then(|| told.join("; "))
}
