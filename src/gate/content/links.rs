//! `escape`: no link leads out of the tree or into git's directory, no submodule came, went or
//! moved, nothing was made a repository of its own, no name is one that git takes for another, none is too long.

use crate::effects::{MODE_LINK, MODE_SUBMODULE};
use crate::gate::change::{Content, File};
use crate::gate::finding::Finding;
use crate::state::concern::Concern;
use crate::state::task::is_unprintable;
use bstr::{BString, ByteSlice};

/// What leads out of the tree.
#[must_use]
pub fn findings(files: &[File], (nested, too_deep): (&[BString], &[BString])) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in files {
        let mut add = |concern, fact: String| found.push(Finding::error(concern, &file.shown, None, fact));
        if [file.modes.0, file.modes.1].contains(&Some(MODE_SUBMODULE)) {
            add(Concern::SubmoduleChanged, "is a submodule".to_owned());
        }
        if file.modes.1 == Some(MODE_LINK)
            && let Content::Link(target) = &file.new
            && leads_out(&file.path, target)
        {
            add(Concern::LinkEscapes, format!("links to `{}`", target.to_str_lossy()));
        }
        if file.modes.1.is_some() && is_treacherous(&file.path) {
            add(Concern::TreacherousName, "is a name that git or a terminal takes for another".to_owned());
        }
    }
    found.extend(nested.iter().map(|dir| {
        let fact = "is a repository of its own";
        Finding::error(Concern::NestedRepository, &dir.to_str_lossy(), None, fact)
    }));
    found.extend(too_deep.iter().map(|dir| {
        let top = dir.split(|byte| *byte == b'/').next().unwrap_or_default().as_bstr();
        let fact = format!("holds paths of more than {} bytes, which are left out", dir.len());
        Finding::error(Concern::PathTooLong, &top.to_str_lossy(), None, fact)
    }));
    found
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

/// Files at the top of any folder that git reads itself: as folders, servers that check objects refuse them.
const GIT_FILES: [&[u8]; 4] = [b".gitattributes", b".gitmodules", b".gitignore", b".mailmap"];

fn is_treacherous(path: &[u8]) -> bool {
    let folders = path.rsplit(|byte| *byte == b'/').skip(1);
    let of_git = |name: &[u8]| GIT_FILES.iter().any(|file| file.eq_ignore_ascii_case(name));
    folders.into_iter().any(of_git)
        || path.split(|byte| *byte == b'/').any(|name| {
            let bare = name.trim_end_with(|c| c == '.' || c == ' ');
            bare.eq_ignore_ascii_case(b".git")
                || bare.eq_ignore_ascii_case(b"git~1")
                || name.iter().any(|byte| *byte < b' ' || *byte == 0x7f)
                || name.to_str().is_ok_and(|text| text.chars().any(is_unprintable))
        })
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
        for path in [".git/config", "a/.GIT/x", ".git.", "git~1", "a/.gitattributes/x", "a\nb", "a\u{202e}b"]
        {
            assert!(is_treacherous(path.as_bytes()), "{path:?}");
        }
        for path in [".gitignore", "git", "a/.github/x", "ü"] {
            assert!(!is_treacherous(path.as_bytes()), "{path:?}");
        }
    }
}
