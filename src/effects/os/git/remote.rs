//! The remote: fetched from and pushed to by the git binary, which knows every transport and every
//! credential helper.
//!
//! Invariant: a ref of the remote only ever moves from an expected value, which is named. An exit
//! code is not an outcome: what was cut off may have happened, or may happen later.

use super::super::process::cannot_watch;
use super::child::{Waited, wait};
use super::hooks::HOOK_TIME;
use super::{EffectError, Oid, OsGit, Result, Trouble};
use crate::effects::{Pushed, Remote, Update, Upstream};
use std::io::{Read as _, Seek as _};
use std::path::PathBuf;
use std::time::Duration;

/// The most that is read of what git says.
const SAID_MAX: u64 = 1 << 20;
/// The most of a server's words that is told.
const WORDS_MAX: usize = 400;
/// The most lines of a reflog that are looked at.
const LOG_MAX: usize = 100;
/// What a server, or git before it asks one, says when a ref is not what was expected.
const MOVED: [&str; 8] = [
    "stale info",
    "fetch first",
    "non-fast-forward",
    "needs force",
    "already exists",
    "incorrect old value",
    "cannot lock ref",
    "failed to update ref",
];
/// What it says of refs that did not move because another one did not.
const ALONG: [&str; 3] = ["atomic push failed", "atomic push failure", "atomic transaction failed"];

/// What is of no use to whoever reads what git says.
const USELESS: [&str; 5] = [
    "hint:",
    "error: failed to push some refs",
    "fatal: Could not read from remote",
    "Please make sure you have the correct access",
    "and the repository exists",
];

/// What a git command that talks to a remote said.
struct Far {
    /// None when it was ended before it was done.
    code: Option<i32>,
    /// Whether it was ended because orch is to stop.
    is_stopped: bool,
    stdout: String,
    stderr: String,
}

impl OsGit {
    /// Runs git with the network, for so long.
    fn git_far(&self, arguments: &[String], patience: Duration) -> Result<Far> {
        let failed = |error: std::io::Error| {
            let what = arguments.first().map_or("", String::as_str);
            EffectError::new(Trouble::Other, format!("cannot run `git {what}`: {error}"))
        };
        // Files, not pipes: what a credential helper leaves running would keep a pipe open.
        let (mut out, mut err) =
            (tempfile::tempfile().map_err(cannot_watch)?, tempfile::tempfile().map_err(cannot_watch)?);
        self.guard()?;
        let env = self.far_environment();
        let expression = super::super::search::command("git", arguments, &env)
            .full_env(env)
            .dir(self.repo().workdir().unwrap_or_else(|| self.repo().git_dir()))
            .stdin_null()
            .stdout_file(out.try_clone().map_err(failed)?)
            .stderr_file(err.try_clone().map_err(failed)?)
            .unchecked()
            .before_spawn(|command| {
                super::super::process::own_group(command);
                Ok(())
            });
        let (handle, noted) = super::super::sweep::start(String::new(), &expression).map_err(failed)?;
        let waited = wait(&handle, patience).map_err(failed)?;
        let code = if let Waited::Ended(code) = waited {
            code
        } else {
            super::super::sweep::end_all(&noted);
            handle.wait().map_err(failed)?;
            None
        };
        let read = |file: &mut std::fs::File| -> std::io::Result<String> {
            let mut bytes = Vec::new();
            file.rewind()?;
            file.take(SAID_MAX).read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let (stdout, stderr) = (read(&mut out).map_err(failed)?, read(&mut err).map_err(failed)?);
        Ok(Far { code, is_stopped: waited == Waited::Stopped, stdout, stderr })
    }

    /// As every git child's, with what a caller says about how remotes are reached.
    fn far_environment(&self) -> Vec<(String, String)> {
        const KEPT: [&str; 9] = [
            "GIT_SSH",
            "GIT_SSH_COMMAND",
            "GIT_SSH_VARIANT",
            "GIT_ASKPASS",
            "GIT_PROXY_COMMAND",
            "GIT_SSL_NO_VERIFY",
            "GIT_SSL_CAINFO",
            "GIT_SSL_CERT",
            "GIT_SSL_KEY",
        ];
        let mut env = self.environment();
        let set = |name: &str| std::env::var(name).ok();
        env.extend(KEPT.iter().filter_map(|name| Some(((*name).to_owned(), set(name)?))));
        // A job hands its credentials over in settings of this one call: they come after ours.
        let ours = env.iter().position(|(name, _)| name == "GIT_CONFIG_COUNT");
        let theirs: usize = set("GIT_CONFIG_COUNT").and_then(|count| count.parse().ok()).unwrap_or(0);
        if let Some(at) = ours {
            let count: usize = env[at].1.parse().unwrap_or(0);
            let mut more = 0;
            for n in 0..theirs.min(1_000) {
                let pair = set(&format!("GIT_CONFIG_KEY_{n}")).zip(set(&format!("GIT_CONFIG_VALUE_{n}")));
                let Some((key, value)) = pair else { continue };
                env.push((format!("GIT_CONFIG_KEY_{}", count + more), key));
                env.push((format!("GIT_CONFIG_VALUE_{}", count + more), value));
                more += 1;
            }
            env[at].1 = (count + more).to_string();
        }
        if set("GIT_SSH_COMMAND").or_else(|| set("GIT_SSH")).is_none()
            && self.repo().config_snapshot().string("core.sshCommand").is_none()
        {
            // A question at the terminal would be waited for until the time is over.
            env.push(("GIT_SSH_COMMAND".to_owned(), "ssh -oBatchMode=yes".to_owned()));
        }
        env.push(("GIT_DIR".to_owned(), absolute(self.repo().git_dir())));
        env
    }

    /// Runs git with the network; why not, where that fails.
    pub(super) fn try_far(
        &self,
        arguments: &[String],
        patience: Duration,
    ) -> std::result::Result<(), String> {
        let far = self.git_far(arguments, patience).map_err(|error| error.fact)?;
        if far.code == Some(0) { Ok(()) } else { Err(why_not(&far, patience)) }
    }

    /// The error of a remote that was not reached. A folder that is not there may be of a disk that is away; git says
    /// of it only that it is no repository.
    fn unreachable(&self, remote: &str, far: &Far, patience: Duration) -> EffectError {
        let gone = far.code.and_then(|_| self.gone(remote));
        let why =
            gone.map_or_else(|| why_not(far, patience), |path| format!("`{}` is not there", path.display()));
        EffectError::new(Trouble::Unreachable, format!("`{remote}` cannot be reached: {why}"))
    }

    /// The folder that a remote is, where that is not there.
    fn gone(&self, remote: &str) -> Option<PathBuf> {
        let url = self.url(remote).ok().flatten()?;
        let path = url.strip_prefix("file://").unwrap_or(&url);
        let is_elsewhere = path.split('/').next().is_some_and(|first| first.contains(':'));
        let path = self.repo().workdir().unwrap_or_else(|| self.repo().git_dir()).join(path);
        (!is_elsewhere && !path.exists()).then_some(path)
    }

    /// The names of all remotes, in order.
    pub(super) fn remotes(&self) -> Vec<String> {
        self.repo().remote_names().iter().map(ToString::to_string).collect()
    }
}

fn absolute(path: &std::path::Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}

impl Remote for OsGit {
    fn url(&self, remote: &str) -> Result<Option<String>> {
        let config = self.repo().config_snapshot();
        Ok(config.string(format!("remote.{remote}.url").as_str()).map(|url| url.to_string()))
    }

    fn was(&self, upstream: &Upstream) -> Result<Vec<Oid>> {
        let name = format!("refs/remotes/{}/{}", upstream.remote, upstream.branch);
        let failed = |error: &dyn std::fmt::Display| super::failed("read a reflog", error);
        let found = self.repo().try_find_reference(name.as_str()).map_err(|error| failed(&error))?;
        let Some(reference) = found else { return Ok(Vec::new()) };
        let mut log = reference.log_iter();
        let Some(lines) = log.rev().map_err(|error| failed(&error))? else { return Ok(Vec::new()) };
        let mut was: Vec<Oid> = Vec::new();
        // The last lines say enough; one that cannot be read says nothing.
        for line in lines.take(LOG_MAX).flatten() {
            for id in [line.new_oid, line.previous_oid].into_iter().filter(|id| !id.is_null()) {
                if !was.contains(&super::oid(id)) {
                    was.push(super::oid(id));
                }
            }
        }
        Ok(was)
    }

    fn upstream(&self, branch: &str) -> Result<Option<Upstream>> {
        let config = self.repo().config_snapshot();
        let value = |key: &str| {
            config.string(format!("branch.{branch}.{key}").as_str()).map(|value| value.to_string())
        };
        let known = self.remotes();
        let tracked = value("remote").filter(|remote| known.contains(remote));
        let there = value("merge").filter(|_| tracked.is_some());
        let there = there.and_then(|name| name.strip_prefix("refs/heads/").map(str::to_owned));
        let remote = match (tracked, known.as_slice()) {
            (Some(remote), _) => Some(remote),
            (None, [only]) => Some(only.clone()),
            (None, several) => several.iter().find(|name| *name == "origin").cloned(),
        };
        let branch = there.unwrap_or_else(|| branch.to_owned());
        Ok(remote.map(|remote| Upstream { remote, branch }))
    }

    fn fetch(&self, remote: &str, refs: &[(String, String)], patience: Duration) -> Result<()> {
        let prune = refs.iter().any(|(from, _)| from.contains('*'));
        let fixed = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"];
        let mut arguments: Vec<String> = fixed.iter().map(|argument| (*argument).to_owned()).collect();
        arguments.extend(prune.then(|| "--prune".to_owned()));
        arguments.extend(["--no-recurse-submodules".to_owned(), "--".to_owned(), remote.to_owned()]);
        arguments.extend(refs.iter().map(|(from, to)| format!("+{from}:{to}")));
        let far = self.git_far(&arguments, patience)?;
        match far.code {
            Some(0) => Ok(()),
            Some(_) if far.stderr.contains("couldn't find remote ref") => {
                Err(EffectError::new(Trouble::Missing, words(&far.stderr)))
            }
            // Another command of this clone fetches the same just now.
            Some(_) if far.stderr.contains("cannot lock ref") => {
                Err(EffectError::new(Trouble::Locked, words(&far.stderr)))
            }
            // The remote has answered; it is here that what it sent cannot be written.
            Some(_) if is_full(&far.stderr) => {
                let fact = format!("what `{remote}` sent cannot be written: {}", words(&far.stderr));
                Err(EffectError::new(Trouble::Full, fact))
            }
            Some(_) | None => Err(self.unreachable(remote, &far, patience)),
        }
    }

    fn push(&self, remote: &str, updates: &[Update], patience: Duration, hook: bool) -> Result<Pushed> {
        // It is not the remote that is slow where the repository's own hook works.
        let own = if hook && self.may_run_pre_push() { HOOK_TIME } else { Duration::ZERO };
        let patience = patience + own;
        let far = self.git_far(&push_arguments(remote, updates, hook, true)?, patience)?;
        let far = if far.code.is_some_and(|code| code != 0) && far.stderr.contains("not support --atomic") {
            self.git_far(&push_arguments(remote, updates, hook, false)?, patience)?
        } else {
            far
        };
        match understand(&far, updates) {
            Some(pushed) => Ok(pushed),
            None => Err(self.unreachable(remote, &far, patience)),
        }
    }
}

fn push_arguments(remote: &str, updates: &[Update], hook: bool, atomic: bool) -> Result<Vec<String>> {
    let fixed = ["push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no", "--no-progress"];
    let mut arguments: Vec<String> = fixed.iter().map(|argument| (*argument).to_owned()).collect();
    arguments.extend(atomic.then(|| "--atomic".to_owned()));
    arguments.extend((!hook).then(|| "--no-verify".to_owned()));
    let mut refspecs = Vec::new();
    for Update { reference, expected, new } in updates {
        let name = |oid: &Oid| -> Result<String> {
            let text = oid.to_string();
            // An empty name would make the refspec a deletion.
            if text.is_empty() {
                return Err(EffectError::new(
                    Trouble::Other,
                    format!("no commit is named for `{reference}`"),
                ));
            }
            Ok(text)
        };
        let expected = expected.as_ref().map(name).transpose()?.unwrap_or_default();
        let new = new.as_ref().map(name).transpose()?.unwrap_or_default();
        arguments.push(format!("--force-with-lease={reference}:{expected}"));
        refspecs.push(format!("{new}:{reference}"));
    }
    arguments.extend(["--".to_owned(), remote.to_owned()]);
    arguments.extend(refspecs);
    Ok(arguments)
}

/// What git says became of a push; none when it does not know.
fn understand(far: &Far, updates: &[Update]) -> Option<Pushed> {
    let code = far.code?;
    let mut refused = Vec::new();
    let (mut moved, mut said) = (false, Vec::new());
    let (mut told, mut along) = (0, false);
    for line in far.stdout.lines() {
        let mut parts = line.splitn(3, '\t');
        let (Some(flag), Some(refs), Some(summary)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let Some((_, reference)) = refs.split_once(':') else { continue };
        if !updates.iter().any(|update| update.reference == reference) {
            continue;
        }
        told += 1;
        if flag != "!" {
            continue;
        }
        if ALONG.iter().any(|word| summary.contains(word)) {
            along = true;
            continue;
        }
        if summary.contains("remote failed to report status") {
            return None;
        }
        if MOVED.iter().any(|word| summary.contains(word)) {
            moved = true;
        } else {
            refused.push(reference.to_owned());
            said.push(summary.to_owned());
        }
    }
    if !refused.is_empty() {
        let its_own = far.stderr.lines().filter(|line| line.starts_with("remote:"));
        let its_own: Vec<&str> = its_own.filter(|line| !line.contains("hook declined to update")).collect();
        let text = if its_own.is_empty() { said.join("\n") } else { its_own.join("\n") };
        return Some(Pushed::Refused { references: refused, words: words(&text) });
    }
    // Where others came first in the middle of the server's transaction, no ref says so, only its own words do.
    if moved || along && MOVED.iter().any(|word| far.stderr.contains(word)) {
        return Some(Pushed::Moved);
    }
    if code == 0 && told == updates.len() {
        return Some(Pushed::Done);
    }
    let cut_off = ["fatal:", "unexpected disconnect", "hung up"];
    let known = code != 0 && told == 0 && !cut_off.iter().any(|word| far.stderr.contains(word));
    // Nobody was asked: the repository's own hook said no.
    known.then(|| Pushed::Refused { references: Vec::new(), words: words(&far.stderr) })
}

/// Whether git could not write here what a remote sent, because the disk is full.
fn is_full(stderr: &str) -> bool {
    const FULL: [&str; 4] = ["No space left", "quota exceeded", "couldn't write", "write error"];
    let mut own = stderr.lines().filter(|line| !line.starts_with("remote:"));
    own.any(|line| FULL.iter().any(|word| line.contains(word)))
}

fn why_not(far: &Far, patience: Duration) -> String {
    match far.code {
        None if far.is_stopped => "interrupted before it answered".to_owned(),
        None => format!("no answer within {} s", patience.as_secs()),
        Some(_) => words(&far.stderr),
    }
}

/// Somebody else's words on one line: nothing that steers a terminal, and not too many.
fn words(text: &str) -> String {
    let hidden = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let useful = |line: &&str| !line.is_empty() && !USELESS.iter().any(|start| line.starts_with(start));
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.trim_start_matches("remote:").trim())
        .map(|line| line.strip_prefix("fatal: ").filter(|_| !line.contains("Could not read")).unwrap_or(line))
        .filter(useful)
        .map(|line| line.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !hidden(*c)).collect())
        .collect();
    let all: String = lines.join("; ").chars().take(WORDS_MAX).collect();
    if all.is_empty() { "it gave no reason".to_owned() } else { all }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_of_the_server_that_others_came_before_has_moved_nothing() {
        let reference = "refs/orch/leases/t-1".to_owned();
        let updates = [Update { reference: reference.clone(), expected: None, new: None }];
        let said = |stderr: &str| Far {
            code: Some(1),
            is_stopped: false,
            stdout: format!(
                "To remote.git\n!\t:{reference}\t[remote rejected] (atomic transaction failed)\nDone\n"
            ),
            stderr: stderr.to_owned(),
        };
        let moved =
            format!("remote: error: cannot lock ref '{reference}': reference already exists        \n");
        assert_eq!(understand(&said(&moved), &updates), Some(Pushed::Moved));
        assert_eq!(understand(&said("remote: error: disk full\n"), &updates), None, "nobody knows why");
    }

    #[test]
    fn a_full_disk_here_is_no_remote_that_is_away() {
        let here = "error: cannot update ref 'refs/orch/x': couldn't write '/r/refs/orch/x.lock'";
        assert!(is_full(here) && is_full("fatal: write error: No space left on device"));
        assert!(!is_full("remote: fatal: write error: No space left on device\nfatal: unable to access"));
    }
}
