//! `orch doctor [--fix]`: state files that a merge left undecided.

use super::error::CliError;
use crate::audit::leftover::{self, Leftover, What};
use crate::audit::machine::Check;
use crate::config::shell;
use crate::effects::World;
use crate::report::safe;

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
        if let What::Decided(text) = &each.what {
            world.files.write_work(root, &each.path, Some(text.as_bytes()))?;
        }
    }
    Ok(checks(&found, fix))
}

/// Judges what was found; `fixed` says that what could be decided was written.
fn checks(found: &[Leftover], fixed: bool) -> Vec<Check> {
    let name = "conflict";
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
            Check::warning(name, format!("resolved by fields: {}", told(&decided)), add(&decided))
        } else {
            let detail = format!("a merge is unfinished in {}, whose fields say how it ends", told(&decided));
            Check::failed(name, detail, "type `orch doctor --fix` to have them written")
        });
    }
    let not_added = paths(|what| matches!(what, What::NotAdded));
    if !not_added.is_empty() {
        let detail = format!("resolved, and git was not told: {}", told(&not_added));
        checks.push(Check::warning(name, detail, add(&not_added)));
    }
    for each in found {
        let path = safe::text(&each.path);
        match &each.what {
            What::Decided(_) | What::NotAdded => {}
            What::Clashes(clashes) => {
                let hint = "edit the file: keep one side of each, and remove the markers; then `git add` it";
                for clash in clashes {
                    let detail = format!(
                        "`{path}`: `{}` is {} here and {} there",
                        clash.field,
                        shown(clash.ours.as_deref()),
                        shown(clash.theirs.as_deref())
                    );
                    checks.push(Check::failed(name, detail, hint));
                }
            }
            What::Person(why) => {
                let hint = "edit the file: keep what is right, and remove the markers; then `git add` it";
                checks.push(Check::failed(name, format!("`{path}`: {}", safe::text(why)), hint));
            }
            What::Removed => {
                let detail = format!("`{path}`: one side removed it, the other one changed it");
                let hint = format!("type `git add {path}` to keep it, or `git rm {path}`");
                checks.push(Check::failed(name, detail, hint));
            }
        }
    }
    checks
}

fn shown(value: Option<&str>) -> String {
    value.map_or("not set".to_owned(), |text| safe::truncate(&safe::text(text), SHOWN))
}
