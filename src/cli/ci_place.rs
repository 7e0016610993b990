//! Where recipes lie, and what they have to know of this machine.

use super::ci::in_the_way;
use super::context::Context;
use super::crontab;
use super::error::CliError;
use super::exit::Exit;
use super::home;
use crate::effects::os::files::{read, replace};
use crate::recipe::local::Local;
use crate::recipe::seal::{There, look};
use crate::recipe::{Provider, Recipe};
use std::path::{Path, PathBuf};

/// What a recipe has to know of this machine.
pub(super) fn local(context: &Context) -> Result<Local, CliError> {
    let world = context.world();
    let text =
        |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
    let orch = std::env::current_exe()
        .map_err(|error| CliError::new(Exit::Error, format!("cannot tell where orch itself is: {error}")))?;
    let local = Local {
        dir: text(context.root()?),
        orch: text(&orch),
        variables: variables(),
        name: context.caller.repository.clone(),
        settings: home::dir("XDG_CONFIG_HOME", ".config")?.display().to_string(),
        log: text(&world.files.root().join("cron.log")),
        push: !world.git.refs("refs/remotes/origin/")?.is_empty(),
    };
    let values = local.variables.iter().map(|(_, value)| value);
    for text in [&local.dir, &local.orch, &local.settings, &local.log].into_iter().chain(values) {
        if text.contains(char::is_control) {
            let fact = format!("`{}` has a control character in it", text.escape_debug());
            return Err(CliError::new(Exit::Error, fact));
        }
    }
    Ok(local)
}

/// What a clock's own environment lacks: where programs are, and where what is trusted is written down.
fn variables() -> Vec<(&'static str, String)> {
    let own = ["XDG_CONFIG_HOME", "XDG_STATE_HOME"].into_iter().filter_map(|name| {
        let dir = PathBuf::from(std::env::var_os(name)?);
        dir.is_absolute().then(|| (name, dir.display().to_string()))
    });
    std::iter::once(("PATH", folders().join(":"))).chain(own).collect()
}

/// The folders in which programs lie, the system's own last.
fn folders() -> Vec<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&path).chain(["/usr/bin", "/bin"].map(PathBuf::from));
    let mut folders: Vec<String> = Vec::new();
    for folder in all.filter(|folder| folder.is_absolute() && folder.is_dir()) {
        let folder = folder.display().to_string();
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

/// Puts a recipe where it belongs; says what was there.
pub(super) fn put(
    context: &Context,
    provider: Provider,
    local: &Local,
    recipe: &Recipe,
) -> Result<There, CliError> {
    if provider == Provider::Cron {
        return crontab::put(context, local, recipe);
    }
    let path = Path::new(&local.dir).join(&recipe.path);
    let old = read(&path, 1 << 20)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let there = look(old.as_deref(), &recipe.content);
    match there {
        There::Same => {}
        There::Theirs => return Err(in_the_way(provider, &recipe.path)),
        There::Nothing | There::Ours => {
            refuse_links(Path::new(&local.dir), &path)?;
            replace(&path, recipe.content.as_bytes(), false)?;
        }
    }
    Ok(there)
}

/// What a link in the work tree leads to is not orch's to write.
fn refuse_links(root: &Path, path: &Path) -> Result<(), CliError> {
    let below = path.ancestors().take_while(|at| *at != root && at.starts_with(root));
    match below.into_iter().find(|at| at.is_symlink()) {
        None => Ok(()),
        Some(link) => Err(CliError::new(Exit::Error, format!("`{}` is a link", link.display()))
            .hint("print the recipe without `--write`, and put it where you want it")),
    }
}
