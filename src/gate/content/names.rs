//! `portability`: new names are different where case does not count and can be had on Windows, and
//! no file becomes a program by the way.
//!
//! Only folders that a new name lies in are listed.

use crate::effects::{MODE_FILE, MODE_PROGRAM};
use crate::gate::change::File;
use crate::gate::finding::Finding;
use crate::state::concern::Concern;
use crate::state::id::is_windows_device;
use bstr::{BString, ByteSlice};
use std::collections::{BTreeMap, HashMap};

/// Lists the names in a folder of the candidate.
pub type List<'l> = &'l dyn Fn(&[u8]) -> Vec<BString>;

/// What other systems could not have side by side, or at all.
#[must_use]
pub fn findings(files: &[File], list: List<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut folders: BTreeMap<Vec<u8>, Folder> = BTreeMap::new();
    for file in files {
        match file.modes {
            (None, Some(_)) => {
                found.extend(collision(file, list, &mut folders));
                found.extend(unportable(file));
            }
            (Some(MODE_FILE), Some(MODE_PROGRAM)) => {
                found.push(Finding::warning(Concern::ModeChanged, &file.shown, None, "became a program"));
            }
            (Some(MODE_PROGRAM), Some(MODE_FILE)) => {
                let fact = "is not a program any more";
                found.push(Finding::warning(Concern::ModeChanged, &file.shown, None, fact));
            }
            _ => {}
        }
    }
    found
}

/// The names in a folder, by what they are where case does not count.
type Folder = HashMap<String, Vec<BString>>;

fn folded(name: &[u8]) -> String {
    name.to_str_lossy().to_lowercase()
}

fn folder_of(names: Vec<BString>) -> Folder {
    let mut folder = Folder::new();
    for name in names {
        folder.entry(folded(&name)).or_default().push(name);
    }
    folder
}

/// A name beside which there is the same in other letters.
fn collision(file: &File, list: List<'_>, folders: &mut BTreeMap<Vec<u8>, Folder>) -> Option<Finding> {
    let mut folder: Vec<u8> = Vec::new();
    for name in file.path.split_str("/") {
        let names = folders.entry(folder.clone()).or_insert_with(|| folder_of(list(&folder)));
        let alike = names.get(&folded(name));
        if let Some(twin) = alike.and_then(|alike| alike.iter().find(|each| *each != name)) {
            let fact = format!("`{}` and `{}` are one name where case does not count", name.as_bstr(), twin);
            return Some(Finding::error(Concern::CaseCollision, &file.shown, None, fact));
        }
        if !folder.is_empty() {
            folder.push(b'/');
        }
        folder.extend_from_slice(name);
    }
    None
}

/// A name that Windows cannot have.
fn unportable(file: &File) -> Option<Finding> {
    let illegal = |name: &[u8]| {
        let text = name.to_str_lossy();
        is_windows_device(&text)
            || text.ends_with(['.', ' '])
            || text.contains(['<', '>', ':', '"', '|', '?', '*', '\\'])
            || text.chars().count() > 255
    };
    let name = file.path.split_str("/").find(|name| illegal(name))?;
    let fact = format!("Windows cannot have the name `{}`", name.as_bstr());
    Some(Finding::warning(Concern::UnportableName, &file.shown, None, fact))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::change::tests::file;

    fn concerns(path: &str, there: &[(&str, &[&str])]) -> Vec<Concern> {
        let list = |folder: &[u8]| -> Vec<BString> {
            let names = there.iter().find(|(each, _)| each.as_bytes() == folder);
            names.map_or(Vec::new(), |(_, names)| names.iter().map(|name| (*name).into()).collect())
        };
        findings(&[file(path, None, Some("x"))], &list).iter().map(|finding| finding.concern).collect()
    }

    #[test]
    fn names_collide_in_every_part_of_a_path() {
        assert_eq!(concerns("src/a.rs", &[("src", &["A.rs", "a.rs"])]), [Concern::CaseCollision]);
        assert_eq!(concerns("Src/b.rs", &[("", &["src", "Src"])]), [Concern::CaseCollision]);
        assert_eq!(concerns("É", &[("", &["é", "É"])]), [Concern::CaseCollision]);
        assert!(concerns("src/a.rs", &[("", &["src"]), ("src", &["a.rs", "b.rs"])]).is_empty());
    }

    #[test]
    fn a_folder_with_very_many_new_names_is_looked_through_once() {
        let names: Vec<String> = (0..40_000).map(|at| format!("f{at}")).chain(["F7".to_owned()]).collect();
        let files: Vec<File> = names.iter().map(|name| file(&format!("d/{name}"), None, Some("x"))).collect();
        let list = |folder: &[u8]| -> Vec<BString> {
            if folder.is_empty() {
                vec!["d".into()]
            } else {
                names.iter().map(|name| name.as_str().into()).collect()
            }
        };
        let paths: Vec<String> = findings(&files, &list).into_iter().map(|finding| finding.path).collect();
        assert_eq!(paths, ["d/f7", "d/F7"]);
    }

    #[test]
    fn names_that_windows_cannot_have_are_reported() {
        for path in ["aux.c", "a/NUL", "a:b", "what?", "end.", "a\\b"] {
            assert_eq!(concerns(path, &[]), [Concern::UnportableName], "{path}");
        }
        for path in ["auxiliary.c", "a/.x", "console"] {
            assert!(concerns(path, &[]).is_empty(), "{path}");
        }
    }

    #[test]
    fn a_file_that_becomes_a_program_is_reported() {
        let mut one = file("a", Some("x"), Some("x"));
        one.modes.1 = Some(MODE_PROGRAM);
        assert_eq!(findings(&[one], &|_| Vec::new())[0].concern, Concern::ModeChanged);
    }
}
