//! The repository's hooks: where git would look for them, and running one on what a work tree holds.

use super::objects::MODE_TREE;
use super::settings::copy_folder;
use super::{Checkout, HookRun, Oid, OsGit, Result, or};
use crate::effects::{
    EffectError, Ended, Input, Invocation, MODE_FILE, PUSH_TOKEN, Process as _, Stop, Trouble, WorkTree,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The hooks that are asked about accepted work.
const ASKED: [&str; 2] = ["pre-commit", "commit-msg"];
/// How long a hook is given, as tests may run in one.
pub(super) const HOOK_TIME: Duration = Duration::from_secs(600);
/// What husky makes, untracked, beside hooks that are tracked; they call it.
const HUSKY: &str = "_";
/// What hooks are switched off with.
const NOWHERE: &str = "/dev/null";
/// How deep what is made beside hooks is copied.
const DEPTH: usize = 4;

/// Where git looks for hooks.
enum Place {
    /// In a folder of this machine.
    Folder(PathBuf),
    /// In a folder of the work tree, by its path there.
    Tree(PathBuf),
}

/// A folder for what a hook needs beside it.
fn scratch() -> Result<tempfile::TempDir> {
    tempfile::tempdir().map_err(|error| EffectError::io("use", &std::env::temp_dir(), &error))
}

fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

impl OsGit {
    /// Whether hooks may run on what a work tree holds: where a folder is named for them, that is not looked into.
    pub(super) fn may_run_hooks(&self) -> bool {
        match self.repo().config_snapshot().string("core.hooksPath") {
            Some(path) => !is_off(&path),
            None => ASKED.iter().any(|name| is_there(&self.repo().common_dir().join("hooks").join(name))),
        }
    }

    /// Whether a push runs a hook.
    pub(super) fn may_run_pre_push(&self) -> bool {
        let dir = match self.hooks_place() {
            Ok(Place::Folder(dir)) => Some(dir),
            Ok(Place::Tree(below)) => self.repo().workdir().map(|work| work.join(below)),
            // Git will say what is wrong, and in its own time.
            Err(_) => None,
        };
        dir.is_some_and(|dir| is_there(&dir.join("pre-push")))
    }

    fn hooks_place(&self) -> Result<Place> {
        let snapshot = self.repo().config_snapshot();
        if snapshot.string("core.hooksPath").is_some_and(|path| is_off(&path)) {
            return Ok(Place::Folder(PathBuf::from(NOWHERE)));
        }
        let configured = or("read `core.hooksPath`", snapshot.trusted_path("core.hooksPath"))?;
        let Some(path) = configured else { return Ok(Place::Folder(self.repo().common_dir().join("hooks"))) };
        let work = self.repo().workdir();
        let below = if path.is_relative() {
            path.clone()
        } else {
            match work.and_then(|work| path.strip_prefix(work).ok()) {
                Some(below) => below.to_owned(),
                None => return Ok(Place::Folder(path.clone())),
            }
        };
        // As a path of the tree, without the `.` that people write.
        let below: PathBuf =
            below.components().filter(|part| *part != std::path::Component::CurDir).collect();
        if below.as_os_str().is_empty() {
            let fact = "`core.hooksPath` is the root of the work tree, where orch cannot tell hooks from other files \
                        (give them a folder)";
            return Err(EffectError::new(Trouble::Unsupported, fact));
        }
        match work.filter(|_| below.starts_with(".git") || below.starts_with("..")) {
            Some(work) => Ok(Place::Folder(work.join(below))),
            None => Ok(Place::Tree(below)),
        }
    }

    /// The folder in which git would find the hooks for work on top of `base`. Those in a folder of the work tree are
    /// written to `scratch`, as the base has them. Where they are not tracked, like what husky makes, they are those
    /// that lie there, and the files above them, which they call, are the base's.
    pub(super) fn hooks_folder(&self, base: Oid, scratch: &Path) -> Result<PathBuf> {
        let below = match self.hooks_place()? {
            Place::Folder(dir) => return Ok(dir),
            Place::Tree(below) => below,
        };
        let to = scratch.join(&below);
        let here = self.repo().workdir().map(|work| work.join(&below));
        if self.has_folder(base, &below)? {
            if let Some(here) = here.map(|here| here.join(HUSKY)).filter(|here| here.is_dir()) {
                copy_folder(&here, &to.join(HUSKY), DEPTH)?;
            }
            self.write_folder(base, &below, scratch)?;
        } else if let Some(here) = here.filter(|here| here.is_dir()) {
            if let Some(above) = below.parent().filter(|above| !above.as_os_str().is_empty()) {
                self.write_folder(base, above, scratch)?;
            }
            copy_folder(&here, &to, DEPTH)?;
        }
        Ok(to)
    }

    /// The hooks that lie in the work tree of a checkout and that no commit has, or in the repository. A folder that
    /// others share is nobody's here.
    pub(super) fn untracked_hooks(&self, checkout: &Checkout, base: Oid) -> Result<Option<PathBuf>> {
        Ok(match self.hooks_place()? {
            Place::Folder(dir) => {
                let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
                let (at, owns) = (real(&dir), [self.repo().common_dir(), &checkout.dir].map(real));
                owns.iter().any(|own| at != *own && at.starts_with(own)).then_some(dir)
            }
            Place::Tree(below) if self.has_folder(base, &below)? => {
                Some(checkout.dir.join(below).join(HUSKY))
            }
            Place::Tree(below) => Some(checkout.dir.join(below)),
        })
    }

    fn has_folder(&self, base: Oid, dir: &Path) -> Result<bool> {
        let found = self.find_entry(self.tree_of(base)?, &dir.to_string_lossy())?;
        Ok(found.is_some_and(|(mode, _)| mode == MODE_TREE))
    }

    /// Writes the files of a folder as a commit has them.
    fn write_folder(&self, base: Oid, dir: &Path, to: &Path) -> Result<()> {
        let found = self.find_entry(self.tree_of(base)?, &dir.to_string_lossy())?;
        let Some((MODE_TREE, folder)) = found else { return Ok(()) };
        for file in self.list_files(folder, "")? {
            let Ok(below) = std::str::from_utf8(&file.path) else { continue };
            super::bring::write_plain(&to.join(dir).join(below), &self.read_blob(file.id)?, file.mode)?;
        }
        Ok(())
    }

    /// Where a hook lies, if there is one that would run.
    fn find_hook(&self, name: &str, base: Oid, scratch: &Path) -> Result<Option<PathBuf>> {
        let dir = self.held_hooks().map_or_else(|| self.hooks_folder(base, scratch), Ok)?;
        let path = dir.join(name);
        Ok(is_program(&path).then_some(path))
    }

    /// The text of a hook that would run, and of the one above it that husky's calls.
    pub(super) fn read_hook(&self, name: &str, base: Oid) -> Result<Option<String>> {
        if !self.may_run_hooks() {
            return Ok(None);
        }
        let scratch = scratch()?;
        let Some(path) = self.find_hook(name, base, scratch.path())? else { return Ok(None) };
        let read = |path: &Path| std::fs::read(path).map_err(|error| EffectError::io("read", path, &error));
        let mut text = String::from_utf8_lossy(&read(&path)?).into_owned();
        let folder = path.parent().filter(|dir| dir.file_name().is_some_and(|dir| dir == HUSKY));
        let above = folder.and_then(Path::parent).map(|dir| dir.join(name)).filter(|path| path.is_file());
        if let Some(above) = above {
            text.push('\n');
            text.push_str(&String::from_utf8_lossy(&read(&above)?));
        }
        Ok(Some(text))
    }

    /// Hooks that are there, or are to be, and that git does not run.
    pub(super) fn hooks_that_cannot_run(&self, base: Oid) -> Result<Vec<String>> {
        if !self.may_run_hooks() {
            return Ok(Vec::new());
        }
        let scratch = scratch()?;
        let dir = self.hooks_folder(base, scratch.path())?;
        if !dir.is_dir() {
            let snapshot = self.repo().config_snapshot();
            let named = snapshot.string("core.hooksPath").unwrap_or_default();
            return Ok(vec![format!("`core.hooksPath` is `{named}`, which is no folder: no hook runs")]);
        }
        let idle = ASKED.iter().filter(|name| dir.join(name).is_file() && !is_program(&dir.join(name)));
        Ok(idle.map(|name| format!("hook `{name}` is not executable, so that it does not run")).collect())
    }

    /// Runs a hook, if it is there, on what a work tree holds, as if that was staged.
    pub(super) fn run_hook(
        &self,
        name: &str,
        base: Oid,
        tree: &mut dyn WorkTree,
        message: &str,
    ) -> Result<HookRun> {
        if !self.may_run_hooks() {
            return Ok(HookRun::Absent);
        }
        let scratch = scratch()?;
        let Some(hook) = self.find_hook(name, base, scratch.path())? else { return Ok(HookRun::Absent) };
        tree.stage()?;
        let git_dir = tree.git_dir();
        let message_file = git_dir.join("COMMIT_EDITMSG");
        super::bring::write_plain(&message_file, message.as_bytes(), MODE_FILE)?;
        let mut argv = vec![hook.to_string_lossy().into_owned()];
        if name == "commit-msg" {
            argv.push(message_file.to_string_lossy().into_owned());
        }
        let mut env = self.environment();
        env.retain(|(name, _)| name != PUSH_TOKEN);
        env.push(("GIT_DIR".to_owned(), git_dir.to_string_lossy().into_owned()));
        env.push(("GIT_WORK_TREE".to_owned(), tree.dir().to_string_lossy().into_owned()));
        env.push(("GIT_EDITOR".to_owned(), ":".to_owned()));
        let finished = super::super::process::OsProcess::new()?.run(&Invocation {
            argv,
            dir: tree.dir().to_owned(),
            env,
            stdin: Input::Text(Vec::new()),
            timeout: HOOK_TIME,
            idle_timeout: None,
            output_limit: 64 << 20,
            stop: Stop::Terminate,
        })?;
        if finished.ended == Ended::Exited(0) {
            let left = std::fs::read_to_string(&message_file)
                .map_err(|error| EffectError::io("read", &message_file, &error))?;
            return Ok(HookRun::Passed(left));
        }
        let mut said = String::from_utf8_lossy(&finished.stdout).into_owned();
        said.push_str(&String::from_utf8_lossy(&finished.stderr));
        Ok(HookRun::Refused(format!("{}\n{}", finished.ended, said.trim())))
    }
}

/// Whether this is what people write to have no hooks.
fn is_off(path: &[u8]) -> bool {
    path.is_empty() || path == NOWHERE.as_bytes()
}

fn is_program(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}
