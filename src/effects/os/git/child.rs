//! The git binary, hardened, for what gix does not do; and the repository that an agent gets.
//!
//! Every child gets `core.fsync=all` by environment (a setting that is forgotten on one child loses
//! everything), no `GIT_*` of the caller's that redirects it, and no pager, editor or prompt.

use super::super::process::{LOOK, variables};
use super::super::search;
use super::super::signals::Signals;
use super::super::sweep;
use super::{Oid, OsGit, Result, id, modules, or};
use crate::effects::{EffectError, Git as _, Remote as _, Trouble};
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// How long an answer is waited for that was asked before orch was told to stop, or is asked because of that.
const GRACE: Duration = Duration::from_secs(5);

/// What a git command said.
pub(super) struct GitOutput {
    pub(super) stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// Whether it did what it was asked.
    pub(super) ok: bool,
    /// Whether it was killed, so that it could not put away its locks.
    pub(super) killed: bool,
}

impl GitOutput {
    /// What it said on standard output, up to the first line's end.
    pub(super) fn stdout_line(&self) -> String {
        String::from_utf8_lossy(&self.stdout).lines().next().unwrap_or_default().to_owned()
    }

    /// What it said on standard output.
    pub(super) fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// What it said on standard error, on one line.
    pub(super) fn stderr_line(&self) -> String {
        let text = String::from_utf8_lossy(&self.stderr);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() { "it gave no reason".to_owned() } else { lines.join("; ") }
    }
}

/// How many refs of kept work a disposable repository has.
const MAX_ATTEMPTS: usize = 200;
/// How many tags it has.
const MAX_TAGS: usize = 2_000;

/// The settings of every git child, as `GIT_CONFIG_KEY_n` and `GIT_CONFIG_VALUE_n`.
const SETTINGS: [(&str, &str); 3] = [("core.fsync", "all"), ("core.fsmonitor", "false"), ("gc.auto", "0")];

/// What a git child sees: the caller's environment without what would redirect it.
fn environment(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    const KEPT: [&str; 3] = ["GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"];
    let kept = |name: &str| {
        !name.starts_with("GIT_")
            || name.starts_with("GIT_AUTHOR_")
            || name.starts_with("GIT_COMMITTER_")
            || KEPT.contains(&name)
    };
    let mut env = variables();
    env.retain(|(name, _)| kept(name));
    env.push(("GIT_CONFIG_COUNT".to_owned(), settings.len().to_string()));
    for (n, (key, value)) in settings.iter().enumerate() {
        env.push((format!("GIT_CONFIG_KEY_{n}"), (*key).to_owned()));
        env.push((format!("GIT_CONFIG_VALUE_{n}"), (*value).to_owned()));
    }
    env.push(("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned()));
    env.push(("GIT_NO_REPLACE_OBJECTS".to_owned(), "1".to_owned()));
    env.push(("LC_ALL".to_owned(), "C".to_owned()));
    env
}

/// How a git command ended that talks to a remote.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    /// By itself, with this exit code.
    Ended(Option<i32>),
    /// Its time was over.
    Over,
    /// Orch is to stop.
    Stopped,
}

/// Waits for git to end, for so long; for a while only, once orch is to stop.
///
/// # Errors
/// When it cannot be waited for.
pub(super) fn wait(handle: &duct::Handle, patience: Duration) -> std::io::Result<Waited> {
    let signals = Signals::new().map_err(std::io::Error::other)?;
    let (mut left, mut grace) = (patience, GRACE);
    loop {
        let is_to_stop = signals.stop().is_some();
        let piece = if is_to_stop { left.min(grace) } else { left }.min(LOOK);
        if piece.is_zero() {
            return Ok(if is_to_stop { Waited::Stopped } else { Waited::Over });
        }
        if let Some(output) = handle.wait_timeout(piece)? {
            return Ok(Waited::Ended(output.status.code()));
        }
        left -= piece;
        if is_to_stop {
            grace -= piece;
        }
    }
}

impl OsGit {
    /// What a git child sees. Where somebody works in place it runs the hooks that are held, whatever lies there.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let held = self.held_hooks().map(|dir| dir.to_string_lossy().into_owned());
        let hooks = held.as_deref().map(|dir| ("core.hooksPath", dir));
        environment(&SETTINGS.into_iter().chain(hooks).collect::<Vec<_>>())
    }

    /// Runs git on the trusted repository, without a work tree.
    pub(super) fn git(&self, arguments: &[&str]) -> Result<GitOutput> {
        self.git_with(arguments, Vec::new(), b"")
    }

    /// As [`Self::git`], with more in its environment and something to read.
    pub(super) fn git_with(
        &self,
        arguments: &[&str],
        env: Vec<(String, String)>,
        stdin: &[u8],
    ) -> Result<GitOutput> {
        self.run(arguments, env, |command| {
            if stdin.is_empty() { command.stdin_null() } else { command.stdin_bytes(stdin) }
        })
    }

    /// As [`Self::git_with`], into a file.
    pub(super) fn git_into(
        &self,
        arguments: &[&str],
        env: Vec<(String, String)>,
        stdin: &[u8],
        file: File,
    ) -> Result<GitOutput> {
        self.run(arguments, env, |command| command.stdin_bytes(stdin).stdout_file(file))
    }

    /// As [`Self::git`], with a file to read.
    pub(super) fn git_reading(&self, arguments: &[&str], file: File) -> Result<GitOutput> {
        self.run(arguments, Vec::new(), |command| command.stdin_file(file))
    }

    fn run(
        &self,
        arguments: &[&str],
        env: Vec<(String, String)>,
        reading: impl FnOnce(duct::Expression) -> duct::Expression,
    ) -> Result<GitOutput> {
        let git_dir = ("GIT_DIR".to_owned(), self.repo().git_dir().to_string_lossy().into_owned());
        self.guard()?;
        let env: Vec<_> = self.environment().into_iter().chain([git_dir]).chain(env).collect();
        let command = search::command("git", arguments.iter().copied(), &env);
        let expression = reading(command)
            .full_env(env)
            .stdout_capture()
            .stderr_capture()
            .unchecked()
            // Ctrl-C at a terminal is for orch to hear, not for a git that moves a ref.
            .before_spawn(|command| {
                super::super::process::own_group(command);
                Ok(())
            });
        let failed = |error: std::io::Error| {
            EffectError::new(Trouble::Other, format!("cannot run `git {}`: {error}", arguments.join(" ")))
        };
        // Noted, so that nobody takes it for an orphan while it runs; without a mark, because it leaves none.
        let (handle, _noted) = sweep::start(String::new(), &expression).map_err(failed)?;
        let output = handle.wait().map_err(failed)?;
        // A shell between reports a signal as a code above 128; git's own failure is 128.
        let killed = output.status.code().is_none_or(|code| code > 128);
        let ok = output.status.success();
        Ok(GitOutput { stdout: output.stdout.clone(), stderr: output.stderr.clone(), ok, killed })
    }

    /// The refs of kept work that an agent may want to look at, in the order of their names, which is
    /// the order of their time.
    fn newest_attempts(&self) -> Result<Vec<(String, Oid)>> {
        let mut kept = self.read_refs("refs/orch/attempts/")?;
        kept.sort();
        Ok(kept.split_off(kept.len().saturating_sub(MAX_ATTEMPTS)))
    }

    /// Tags, the last by name, as lines of `packed-refs`: versions are often made of them.
    fn tags(&self) -> Result<String> {
        let platform = or("read refs", self.repo().references())?;
        let mut lines: Vec<String> = Vec::new();
        for tag in or("read refs", platform.prefixed("refs/tags/"))? {
            let Ok(mut tag) = tag else { continue };
            let Some(own) = tag.target().try_id().map(ToOwned::to_owned) else { continue };
            let name = tag.name().as_bstr().to_string();
            let Ok(peeled) = tag.peel_to_id().map(gix::Id::detach) else { continue };
            let further = if peeled == own { String::new() } else { format!("^{peeled}\n") };
            lines.push(format!("{own} {name}\n{further}"));
        }
        lines.sort_by(|a, b| a.split(' ').nth(1).cmp(&b.split(' ').nth(1)));
        Ok(lines.split_off(lines.len().saturating_sub(MAX_TAGS)).concat())
    }

    /// Where the submodules of a commit come from that are named by where they lie beside this repository, as settings.
    fn submodules_beside(&self, branch: &str, base: Oid) -> Result<String> {
        let Some((_, blob)) = self.entry(self.commit(base)?.tree, ".gitmodules")? else {
            return Ok(String::new());
        };
        let text = String::from_utf8_lossy(&self.blob(blob)?).into_owned();
        let upstream = self.upstream(branch)?;
        let url = upstream.map(|upstream| self.url(&upstream.remote)).transpose()?.flatten();
        let here = self.repo().workdir().unwrap_or_else(|| self.repo().git_dir());
        let here = std::path::absolute(here).unwrap_or_else(|_| here.to_owned());
        let is_path = |url: &str| !url.split('/').next().is_some_and(|first| first.contains(':'));
        let superproject = match url {
            Some(url) if !is_path(&url) => url,
            Some(path) => here.join(path).to_string_lossy().into_owned(),
            None => here.to_string_lossy().into_owned(),
        };
        Ok(modules::beside(&text, &superproject))
    }

    /// Writes a repository that an agent may do with as it likes: objects are borrowed, everything
    /// else is its own, and nothing in it is ever read again but what its submodules hold.
    pub(super) fn write_disposable(&self, dir: &Path, branch: &str, base: Oid) -> Result<()> {
        let git_dir = dir.join(".git");
        modules::clear(&git_dir)?;
        // Absolute also where the caller's `GIT_DIR` is not.
        let objects = self.repo().objects.store_ref().path();
        let objects = std::path::absolute(objects).unwrap_or_else(|_| objects.to_owned());
        let format = if self.repo().object_hash() == gix::hash::Kind::Sha256 {
            "\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n"
        } else {
            "\trepositoryformatversion = 0\n"
        };
        let mut refs =
            format!("# pack-refs with: peeled fully-peeled sorted \n{} refs/heads/{branch}\n", id(base));
        refs.extend(self.newest_attempts()?.iter().map(|(name, commit)| format!("{commit} {name}\n")));
        refs.push_str(&self.tags()?);
        let submodules = self.submodules_beside(branch, base)?;
        let files: [(&str, String); 5] = [
            ("HEAD", format!("ref: refs/heads/{branch}\n")),
            (
                "config",
                format!(
                    "[core]\n{format}[core]\n\tbare = false\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[user]\n\tname = orch agent\n\temail = agent@localhost\n{submodules}"
                ),
            ),
            ("objects/info/alternates", format!("{}\n", objects.display())),
            ("info/exclude", String::new()),
            ("packed-refs", refs),
        ];
        for (name, content) in files {
            super::bring::write_plain(&git_dir.join(name), content.as_bytes(), crate::effects::MODE_FILE)?;
        }
        let refs = git_dir.join("refs/heads");
        std::fs::create_dir_all(&refs)
            .map_err(|error| EffectError::io("make the directory", &refs, &error))?;
        let shallow = self.repo().common_dir().join("shallow");
        if shallow.exists() {
            let to = git_dir.join("shallow");
            std::fs::copy(&shallow, &to).map_err(|error| EffectError::io("write", &to, &error))?;
        }
        Ok(())
    }
}
