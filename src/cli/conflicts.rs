//! `orch doctor [--fix]`: state files that a merge left undecided.

use super::error::CliError;
use crate::audit::leftover::{self, Leftover, What};
use crate::audit::machine::Check;
use crate::config::shell;
use crate::effects::World;
use crate::report::safe;
use crate::state::file::merge::Clash;

/// As these checks are called.
const NAME: &str = "conflict";
/// The longest value that is shown, in characters.
const SHOWN: usize = 60;

/// State files of the work tree that a merge left unfinished; with `fix`, what their fields decide is
/// written. Git is not told: that is for who looked at them.
///
/// # Errors
/// When a file cannot be read or written.
pub(super) fn conflicts(world: World<'_>, fix: bool) -> Result<Vec<Check>, CliError> {
    let Some(root) = world.git.work_dir() else { return Ok(Vec::new()) };
    let found = leftover::find(world, root)?;
    for each in found.iter().filter(|_| fix) {
        if let What::Decided(files) = &each.what {
            // What is new comes first: what it was taken out of holds it until then.
            for (path, text) in files.iter().rev() {
                world.files.write_work(root, path, Some(text.as_bytes()))?;
            }
        }
    }
    Ok(checks(&found, fix))
}

/// Judges what was found; `fixed` says that what could be decided was written.
fn checks(found: &[Leftover], fixed: bool) -> Vec<Check> {
    let paths = |is: fn(&What) -> bool| -> Vec<&str> {
        found.iter().filter(|each| is(&each.what)).map(|each| each.path.as_str()).collect()
    };
    let told = |paths: &[&str]| -> String {
        paths.iter().map(|path| format!("`{}`", safe::text(path))).collect::<Vec<_>>().join(", ")
    };
    let add = |paths: &[&str]| {
        let paths: Vec<String> = paths.iter().map(|path| shell::word(path)).collect();
        format!("look at `git diff`, then type `git add {}`", safe::text(&paths.join(" ")))
    };
    let mut checks = Vec::new();
    let decided = paths(|what| matches!(what, What::Decided(_)));
    if !decided.is_empty() {
        checks.push(if fixed {
            let written = written(found);
            Check::warning(NAME, format!("resolved by fields: {}", told(&written)), add(&written))
        } else {
            let detail = format!("a merge is unfinished in {}, whose fields say how it ends", told(&decided));
            Check::failed(NAME, detail, "type `orch doctor --fix` to have them written")
        });
    }
    let not_added = paths(|what| matches!(what, What::NotAdded));
    if !not_added.is_empty() {
        let detail = format!("resolved, and git was not told: {}", told(&not_added));
        checks.push(Check::warning(NAME, detail, add(&not_added)));
    }
    checks.extend(found.iter().flat_map(undecided));
    checks
}

/// What a person has to decide about one file.
fn undecided(each: &Leftover) -> Vec<Check> {
    let path = safe::text(&each.path);
    let keep = |how: &str| {
        let word = safe::text(&shell::word(&each.path));
        let hint = format!("type `git add {word}` to keep it, or `git rm {word}`");
        vec![Check::failed(NAME, format!("`{path}`: {how}"), hint)]
    };
    match &each.what {
        What::Decided(_) | What::NotAdded => Vec::new(),
        What::Clashes(clashes) => {
            let hint = "edit the file: keep one side of each, and remove the markers; then `git add` it";
            let clash = |clash: &Clash| {
                let (ours, theirs) = (shown(clash.ours.as_deref()), shown(clash.theirs.as_deref()));
                let detail = format!("`{path}`: `{}` is {ours} here and {theirs} there", clash.field);
                Check::failed(NAME, detail, hint)
            };
            clashes.iter().map(clash).collect()
        }
        What::Person(why) => {
            let hint = "edit the file: keep what is right, and remove the markers; then `git add` it";
            vec![Check::failed(NAME, format!("`{path}`: {}", safe::text(why)), hint)]
        }
        What::Removed => keep("one side removed it, the other one changed it"),
        What::Alone => keep("only one side has it there: the other one moved it elsewhere, or has none"),
        What::Gone => {
            let detail = format!("`{path}`: both sides moved it elsewhere, or removed it");
            let hint = format!("type `git rm {}`", safe::text(&shell::word(&each.path)));
            vec![Check::failed(NAME, detail, hint)]
        }
    }
}

/// The files that the fields of what was found make.
fn written(found: &[Leftover]) -> Vec<&str> {
    let mut paths = Vec::new();
    for each in found {
        if let What::Decided(files) = &each.what {
            paths.extend(files.iter().map(|(path, _)| path.as_str()));
        }
    }
    paths
}

fn shown(value: Option<&str>) -> String {
    value.map_or("not set".to_owned(), |text| safe::truncate(&safe::text(text), SHOWN))
}
