//! The gates that are always on: `execution`, `timeliness`, `reply`, `change`, `state`, `protected`,
//! `conflict-markers`, `escape`.

use super::Verdict;
use super::protect::Protected;
use crate::effects::{Change, Ended, Finished, MODE_LINK, MODE_SUBMODULE, Oid};
use bstr::{BString, ByteSlice};

/// What the built-in gates look at.
pub struct Evidence<'e> {
    /// How the agent ended.
    pub finished: &'e Finished,
    /// What differs between the base and what the agent left, protected paths included.
    pub changes: &'e [Change],
    /// Directories that the agent made repositories of their own.
    pub nested: &'e [BString],
    /// The paths that it may not change.
    pub protected: &'e Protected,
    /// Whether the task has to change something.
    pub must_change: bool,
    /// Why its outcome file cannot be read.
    pub unreadable: Option<&'e str>,
    /// Reads a blob, up to a size.
    pub read: &'e dyn Fn(Oid) -> Option<Vec<u8>>,
}

const SHOWN: usize = 10;

/// Runs all built-in gates.
#[must_use]
pub fn run(evidence: &Evidence<'_>) -> Vec<Verdict> {
    let mut verdicts = vec![
        execution(evidence.finished),
        timeliness(evidence.finished),
        state(evidence),
        protected(evidence),
        escape(evidence),
        conflict_markers(evidence),
        // Last: who changed only what may not be changed is told that, not that nothing changed.
        change(evidence),
    ];
    // What most agents never write is only told of where it is wrong.
    verdicts.extend(evidence.unreadable.map(unreadable));
    verdicts
}

/// The agent ended by itself, and well.
fn execution(finished: &Finished) -> Verdict {
    match &finished.ended {
        Ended::Exited(0) | Ended::Dismissed => Verdict::pass("execution"),
        // That is the other gate's to say.
        Ended::TimedOut | Ended::Silent => Verdict::pass("execution"),
        Ended::Exited(_)
        | Ended::Signalled(_)
        | Ended::Flooded
        | Ended::Interrupted
        | Ended::Stopped(_)
        | Ended::NotStarted(_) => {
            let said = last_lines(&finished.stderr, 10);
            Verdict::fail("execution", format!("the agent ended with {}\n{said}", finished.ended))
        }
    }
}

/// The agent ended in time.
fn timeliness(finished: &Finished) -> Verdict {
    match &finished.ended {
        Ended::TimedOut | Ended::Silent => {
            let seconds = finished.duration_ms / 1000;
            Verdict::fail("timeliness", format!("the agent {} after {seconds} s", finished.ended))
        }
        Ended::Exited(_)
        | Ended::Signalled(_)
        | Ended::Flooded
        | Ended::Interrupted
        | Ended::Stopped(_)
        | Ended::Dismissed
        | Ended::NotStarted(_) => Verdict::pass("timeliness"),
    }
}

/// What the agent left as its outcome cannot be read.
fn unreadable(why: &str) -> Verdict {
    Verdict::fail("reply", format!("{why}\nwrite it as one YAML mapping, or leave it out"))
}

/// Something changed, if it had to.
fn change(evidence: &Evidence<'_>) -> Verdict {
    let counted = evidence.changes.iter().any(|change| !evidence.protected.covers(&change.path));
    if counted || !evidence.must_change {
        Verdict::pass("change")
    } else {
        Verdict::fail("change", "the agent changed nothing that counts")
    }
}

/// Nothing under `.orchestrator/` was touched.
fn state(evidence: &Evidence<'_>) -> Verdict {
    let touched: Vec<&Change> =
        evidence.changes.iter().filter(|change| Protected::is_state(&change.path)).collect();
    listed("state", "the agent changed the state, which only orch does", &touched)
}

/// No protected path was touched.
fn protected(evidence: &Evidence<'_>) -> Verdict {
    let touched: Vec<&Change> = evidence
        .protected
        .violations(evidence.changes)
        .into_iter()
        .filter(|change| !Protected::is_state(&change.path))
        .collect();
    listed("protected", "the agent changed protected paths", &touched)
}

/// No text was left with the marks of an unresolved merge.
fn conflict_markers(evidence: &Evidence<'_>) -> Verdict {
    let marked: Vec<&Change> = evidence
        .changes
        .iter()
        .filter(|change| {
            let now = blob(evidence, change.new);
            let before = blob(evidence, change.old);
            now.is_some_and(|now| has_markers(&now)) && !before.is_some_and(|before| has_markers(&before))
        })
        .collect();
    listed("conflict-markers", "there are conflict markers in", &marked)
}

fn blob(evidence: &Evidence<'_>, entry: Option<(u32, Oid)>) -> Option<Vec<u8>> {
    entry
        .filter(|(mode, _)| *mode != MODE_SUBMODULE && *mode != MODE_LINK)
        .and_then(|(_, id)| (evidence.read)(id))
}

fn has_markers(content: &[u8]) -> bool {
    let begins = |mark: &[u8]| content.lines().any(|line| line.starts_with(mark));
    !content.contains(&0) && begins(b"<<<<<<< ") && begins(b">>>>>>> ")
}

/// No link leads out of the tree or into git's directory; no submodule moved; no repository of its
/// own was made; no path is one that git or a file system would take for another.
fn escape(evidence: &Evidence<'_>) -> Verdict {
    let mut findings = Vec::new();
    for change in evidence.changes {
        let shown = change.path.to_str_lossy();
        if [change.old, change.new].into_iter().flatten().any(|(mode, _)| mode == MODE_SUBMODULE) {
            findings.push(format!("`{shown}` is a submodule"));
        }
        match change.new {
            Some((MODE_LINK, id)) => {
                let target = (evidence.read)(id).unwrap_or_default();
                if leads_out(&change.path, &target) {
                    findings.push(format!("`{shown}` links to `{}`", target.to_str_lossy()));
                }
            }
            Some(_) if is_treacherous(&change.path) => {
                findings.push(format!("`{shown}` is a treacherous name"));
            }
            _ => {}
        }
    }
    findings.extend(
        evidence.nested.iter().map(|dir| format!("`{}` is a repository of its own", dir.to_str_lossy())),
    );
    if findings.is_empty() {
        return Verdict::pass("escape");
    }
    Verdict::fail("escape", limited(findings).join("\n"))
}

/// Whether a link at `path` leads out of the tree, or into `.git`.
fn leads_out(path: &[u8], target: &[u8]) -> bool {
    if target.is_empty()
        || target.starts_with(b"/")
        || target.contains(&b'\\')
        || target.get(1) == Some(&b':')
    {
        return true;
    }
    let mut at: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    at.pop();
    for name in target.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => {
                if at.pop().is_none() {
                    return true;
                }
            }
            name => at.push(name),
        }
    }
    at.first().is_some_and(|first| first.eq_ignore_ascii_case(b".git"))
}

fn is_treacherous(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(|name| {
        let bare = name.trim_end_with(|c| c == '.' || c == ' ');
        bare.eq_ignore_ascii_case(b".git")
            || bare.eq_ignore_ascii_case(b"git~1")
            || name.iter().any(|byte| *byte < b' ' || *byte == 0x7f)
            || name.to_str().is_ok_and(|text| text.chars().any(crate::state::task::is_unprintable))
    })
}

fn listed(gate: &str, fact: &str, changes: &[&Change]) -> Verdict {
    if changes.is_empty() {
        return Verdict::pass(gate);
    }
    let paths = changes.iter().map(|change| format!("`{}`", change.path.to_str_lossy())).collect();
    Verdict::fail(gate, format!("{fact}: {}", limited(paths).join(", ")))
}

fn limited(mut items: Vec<String>) -> Vec<String> {
    let more = items.len().saturating_sub(SHOWN);
    items.truncate(SHOWN);
    if more > 0 {
        items.push(format!("and {more} more"));
    }
    items
}

/// The last lines of what a program printed, each at most 500 characters.
#[must_use]
pub fn last_lines(output: &[u8], count: usize) -> String {
    let text = output.to_str_lossy();
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            line.chars().filter(|c| *c == '\t' || !crate::state::task::is_unprintable(*c)).take(500).collect()
        })
        .collect();
    let start = lines.len().saturating_sub(count);
    lines[start..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_out_of_the_tree_are_seen() {
        for (path, target) in [
            ("a", "/etc/passwd"),
            ("a/b", "../../x"),
            ("a", ".."),
            ("a", ".git/config"),
            ("a/b", "../.GIT"),
            ("a", ""),
        ] {
            let out = leads_out(path.as_bytes(), target.as_bytes());
            assert!(out || target == "..", "{path} -> {target}");
        }
        for (path, target) in [("a/b", "../c"), ("a/b/c", "../../d"), ("a", "./b"), ("a", "b/../c")] {
            assert!(!leads_out(path.as_bytes(), target.as_bytes()), "{path} -> {target}");
        }
    }

    #[test]
    fn treacherous_names_are_seen() {
        for path in [".git/config", "a/.GIT/x", ".git.", "git~1", "a\nb", "a\u{202e}b"] {
            assert!(is_treacherous(path.as_bytes()), "{path:?}");
        }
        for path in [".gitignore", "git", "a/.github/x", "ü"] {
            assert!(!is_treacherous(path.as_bytes()), "{path:?}");
        }
    }

    #[test]
    fn conflict_markers_count_only_in_text_and_in_pairs() {
        assert!(has_markers(b"a\n<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\n"));
        assert!(!has_markers(b"<<<<<<< only one side\n"));
        assert!(!has_markers(b"\0<<<<<<< a\n>>>>>>> b\n"));
        assert!(!has_markers(b"  <<<<<<< indented\n  >>>>>>> b\n"));
    }
}
