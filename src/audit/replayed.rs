//! A step that was replayed on a branch that had moved: how what landed compares with what was judged.

use crate::effects::Change;
use crate::gate::protect::Protected;
use bstr::BString;
use std::collections::{HashMap, HashSet};

/// How a step that was replayed on a branch that had moved compares with what was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Replay {
    /// The same change.
    Same,
    /// Both sides changed a file, so what was judged is only a part of it.
    Merged,
    /// Another change; the first path.
    Stray(BString),
}

/// Compares what landed with applying `ours` beside `theirs`.
pub(super) fn replay(ours: &[Change], theirs: &[Change], landed: &[Change]) -> Replay {
    let code = |change: &&Change| !Protected::is_state(&change.path);
    let theirs: HashSet<&BString> = theirs.iter().map(|change| &change.path).collect();
    let wanted: HashMap<&BString, _> =
        ours.iter().filter(code).map(|change| (&change.path, change.new)).collect();
    let landed: HashMap<&BString, _> =
        landed.iter().filter(code).map(|change| (&change.path, change.new)).collect();
    let lost = wanted
        .iter()
        .filter(|(path, new)| !theirs.contains(**path) && landed.get(**path) != Some(new))
        .map(|(path, _)| *path);
    let added = landed.keys().filter(|path| !wanted.contains_key(**path)).copied();
    match lost.chain(added).min() {
        Some(path) => Replay::Stray(path.clone()),
        None if wanted.keys().any(|path| theirs.contains(*path)) => Replay::Merged,
        None => Replay::Same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::Oid;

    fn oid(byte: u8) -> Oid {
        Oid::from_bytes(&[byte; 20])
    }

    fn change(path: &str, old: u8, new: u8) -> Change {
        let entry = |byte: u8| (byte > 0).then(|| (0o100_644, oid(byte)));
        Change { path: path.into(), old: entry(old), new: entry(new) }
    }

    #[test]
    fn a_clean_replay_is_what_was_judged() {
        let ours = [change("a", 1, 2), change("new", 0, 3)];
        let theirs = [change("other", 0, 6)];
        let state = change(".orchestrator/tasks/t.toml", 1, 2);
        let landed = [change("a", 1, 2), change("new", 0, 3), state];
        assert_eq!(replay(&ours, &theirs, &landed), Replay::Same);
    }

    #[test]
    fn a_file_that_both_sides_changed_proves_nothing() {
        let ours = [change("a", 1, 2), change("both", 1, 4)];
        let theirs = [change("both", 1, 5)];
        assert_eq!(replay(&ours, &theirs, &[change("a", 1, 2), change("both", 5, 9)]), Replay::Merged);
    }

    #[test]
    fn what_a_replay_changed_added_or_lost_is_named() {
        let ours = [change("a", 1, 2)];
        let stray = |path: &str| Replay::Stray(path.into());
        assert_eq!(replay(&ours, &[], &[change("a", 1, 3)]), stray("a"));
        assert_eq!(replay(&ours, &[], &[change("a", 1, 2), change("b", 0, 1)]), stray("b"));
        assert_eq!(replay(&ours, &[], &[]), stray("a"));
    }
}
