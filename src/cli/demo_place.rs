//! The throw-away repository of `orch demo`.
//!
//! Invariant: nothing outside its own directory is written, and nothing of the user's git
//! configuration (identity, hooks, templates, ignored files) counts in it.

use super::context::{Context, Global};
use super::demo_files::{CONFIG, PROGRAM, tasks};
use super::error::CliError;
use super::exit::Exit;
use super::init::README;
use crate::commit::state_commit;
use crate::effects::os::process::{OsProcess, as_argument, on_path};
use crate::effects::{EffectError, Ended, Input, Invocation, Process as _, Stop};
use crate::state::{file, layout};
use crate::step::init::{empty_base, first_commit};
use crate::step::land::{FileEdit, tree_with};
use crate::step::person::land_files;
use crate::step::{Silent, StepError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Variables with which git looks at another place than the directory it is in.
const REDIRECTS: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
];

/// What the repository says itself, so that the user's settings do not count.
const SETTINGS: [(&str, &str); 7] = [
    ("user.name", "orch demo"),
    ("user.email", "demo@example.com"),
    ("core.hooksPath", ".git/hooks"),
    ("core.excludesFile", "/dev/null"),
    ("core.attributesFile", "/dev/null"),
    ("core.autocrlf", "false"),
    ("commit.gpgSign", "false"),
];

/// The branch.
const BRANCH: &str = "main";

/// Makes the directory: the one that was named, or a new one for temporary files.
pub(super) fn directory(global: &Global, named: Option<&Path>) -> Result<PathBuf, CliError> {
    if let Some(variable) = REDIRECTS.iter().find(|name| std::env::var_os(name).is_some()) {
        return Err(CliError::new(
            Exit::Git,
            format!("`{variable}` is set, so git would look at another repository"),
        )
        .hint(format!("type `unset {variable}`, then the command again")));
    }
    if !on_path("git") {
        return Err(CliError::new(Exit::Error, "`git` is not on this machine").hint("install git"));
    }
    let dir = if let Some(dir) = named {
        let dir = global.directory().join(dir);
        if std::fs::read_dir(&dir).map_or(dir.exists(), |mut entries| entries.next().is_some()) {
            let fact = format!("`{}` is there already, and not an empty directory", dir.display());
            return Err(CliError::usage(fact).hint("name one that is not there yet, or none"));
        }
        std::fs::create_dir_all(&dir).map_err(|error| EffectError::io("make", &dir, &error))?;
        dir
    } else {
        let temporary = std::env::temp_dir();
        let made = tempfile::Builder::new().prefix("orch-demo-").tempdir_in(&temporary);
        made.map_err(|error| EffectError::io("make a directory in", &temporary, &error))?.keep()
    };
    Ok(std::fs::canonicalize(&dir).map_err(|error| EffectError::io("find", &dir, &error))?)
}

/// Makes the repository: the program in one commit, the configuration and the tasks in another.
pub(super) fn repository(global: &Global, dir: &Path, workspaces: &Path) -> Result<Context, CliError> {
    git(dir, &["init", "--quiet", "--template="])?;
    // `core.hooksPath` names it.
    let hooks = dir.join(".git/hooks");
    std::fs::create_dir_all(&hooks).map_err(|error| EffectError::io("make", &hooks, &error))?;
    git(dir, &["symbolic-ref", "HEAD", &format!("refs/heads/{BRANCH}")])?;
    for (key, value) in SETTINGS {
        git(dir, &["config", key, value])?;
    }
    let here = Global { dir: vec![dir.to_owned()], branch: None, ..global.clone() };
    let mut context = Context::open(&here)?.with_workspaces(workspaces.to_owned());
    context.caller.trust_all = true;
    context.caller.user_config = None;
    fill(&context)?;
    Ok(context)
}

fn fill(context: &Context) -> Result<(), StepError> {
    let world = context.world();
    let program: Vec<FileEdit> =
        PROGRAM.iter().map(|(path, text)| edit((*path).to_owned(), (*text).to_owned())).collect();
    let tree = tree_with(world, world.git.empty_tree(), &program)?;
    first_commit(world, BRANCH, tree, "a greeter, and a test that fails", &crate::step::Silent)?;
    let mut state = vec![
        edit(layout::CONFIG.to_owned(), CONFIG.to_owned()),
        edit(layout::TASKS_README.to_owned(), README.to_owned()),
    ];
    let tasks = tasks(super::add::whole_second(world.clock.now()));
    state.extend(tasks.iter().map(|task| edit(layout::new_task(&task.id, 0), file::task::write(task))));
    let Some(tip) = world.git.tip(&crate::step::base::branch_ref(BRANCH))? else {
        return Err(StepError::NoProject(BRANCH.to_owned()));
    };
    let base = empty_base(world, BRANCH.to_owned(), tip)?;
    let subject = state_commit(&format!("begin, with {} tasks", tasks.len()));
    land_files(world, &base, &state, &subject, &Silent).map(|_| ())
}

fn edit(path: String, text: String) -> FileEdit {
    (path, Some(text.into_bytes()))
}

/// Runs git without any settings but the repository's own.
fn git(dir: &Path, arguments: &[&str]) -> Result<(), CliError> {
    let env = [
        ("PATH", std::env::var("PATH").unwrap_or_default()),
        ("HOME", as_argument(dir)),
        ("XDG_CONFIG_HOME", as_argument(dir)),
        ("GIT_CONFIG_GLOBAL", "/dev/null".to_owned()),
        ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
        ("LC_ALL", "C".to_owned()),
    ];
    let finished = OsProcess::new()?.run(&Invocation {
        argv: std::iter::once("git").chain(arguments.iter().copied()).map(str::to_owned).collect(),
        dir: dir.to_owned(),
        env: env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        stdin: Input::Text(Vec::new()),
        timeout: Duration::from_secs(60),
        idle_timeout: None,
        output_limit: 1 << 20,
        stop: Stop::Terminate,
    })?;
    if finished.ended == Ended::Exited(0) {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&finished.stderr);
    let fact = format!("`git {}` failed ({}): {}", arguments.join(" "), finished.ended, said.trim());
    Err(CliError::new(Exit::Error, fact))
}
