//! How far an agent is confined.
//!
//! In: a profile, and what the machine can do. Out: a level, with the program that builds its walls.
//! Invariant: what a level does not promise is said in its own documentation, and no profile ever gets
//! a lower level than it names. Not here: where the walls stand ([`super::walls`]).

use super::{adapter_word, folders};
use crate::config::{Adapter, Profile};
use crate::effects::Confine;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// How far an agent is confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Not at all: the process ends with its step, and that is all.
    #[default]
    None,
    /// Writes only in the workspace, the agent's own folders and temporary ones. It still reads
    /// everything, and the workspace's `.git` and protected paths are writable for it.
    Landlock,
    /// Sees the workspace, the system's programs and its own folders; `.git` and protected paths are
    /// read-only; no other process, and nothing of it outlives orch.
    Bwrap,
}

impl Level {
    /// The word in files and output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Landlock => "landlock",
            Self::Bwrap => "bwrap",
        }
    }
}

/// A profile asks for a level that the machine lacks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("agent `{profile}` asks for `sandbox = \"{}\"`, which does not work here: {why}", level.as_str())]
pub struct SandboxError {
    /// The profile.
    pub profile: String,
    /// What it asks for.
    pub level: Level,
    /// Why not.
    pub why: String,
}

/// The level that a profile gets on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chosen {
    /// The level.
    pub level: Level,
    /// The program that builds the walls.
    pub(super) program: PathBuf,
    /// Whether the profile asked for no level in particular and orch does not know its program: only
    /// its writes are confined.
    pub(super) lenient: bool,
    /// What a person should know about it.
    pub warning: Option<String>,
}

/// Chooses the level of a profile.
///
/// `auto` is the best that works here, for agents that are known. Of a program of the user's own it is
/// not known what it reads in their home, so that it is not hidden from it: its writes are confined,
/// and no more. The built-in shell is not confined, as gates are not.
///
/// # Errors
/// When the profile names a level that does not work here.
pub fn choose(profile: &Profile, machine: &dyn Confine) -> Result<Chosen, SandboxError> {
    let made = |level, program| Chosen { level, program, ..Chosen::default() };
    let refused = |level| move |why| SandboxError { profile: profile.name.clone(), level, why };
    match profile.sandbox.as_str() {
        "none" => Ok(Chosen::default()),
        // What the built-in shell runs is trusted word for word, as gates are.
        "auto" if profile.adapter == Adapter::Shell => Ok(Chosen::default()),
        "bwrap" => machine.bwrap().map(|it| made(Level::Bwrap, it)).map_err(refused(Level::Bwrap)),
        "landlock" => {
            machine.landlock().map(|it| made(Level::Landlock, it)).map_err(refused(Level::Landlock))
        }
        _ => Ok(best(profile, machine)),
    }
}

fn best(profile: &Profile, machine: &dyn Confine) -> Chosen {
    let known = folders::of(program_name(profile)).is_some();
    let mut whys = Vec::new();
    if known {
        match machine.bwrap() {
            Ok(program) => return Chosen { level: Level::Bwrap, program, ..Chosen::default() },
            Err(why) => whys.push(format!("bubblewrap: {why}")),
        }
    }
    match machine.landlock() {
        Ok(program) => Chosen { level: Level::Landlock, program, lenient: !known, ..Chosen::default() },
        Err(why) => {
            whys.push(format!("landlock: {why}"));
            let warning = format!("agent `{}` is not confined: {}", profile.name, whys.join("; "));
            Chosen { warning: Some(warning), ..Chosen::default() }
        }
    }
}

/// The name of a profile's program.
pub(super) fn program_name(profile: &Profile) -> &str {
    match profile.adapter {
        Adapter::Command | Adapter::Acp => {
            let program = profile.command.first().map(Path::new);
            program.and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default()
        }
        Adapter::Claude
        | Adapter::Codex
        | Adapter::Gemini
        | Adapter::Opencode
        | Adapter::Copilot
        | Adapter::Aider
        | Adapter::Shell => adapter_word(profile.adapter),
    }
}

/// Whether a program was refused a write by its walls, by what it printed. That git's own folder is closed
/// is as it should be.
#[must_use]
pub fn refused_write(level: Level, output: &[u8]) -> bool {
    let text = String::from_utf8_lossy(output);
    let other_than_git = |(at, _): (usize, &str)| {
        let before: Vec<char> = text[..at].chars().rev().take(200).collect();
        !before.iter().rev().collect::<String>().contains(".git/")
    };
    level == Level::Bwrap && text.match_indices("Read-only file system").any(other_than_git)
}

/// Why a confined program never began, by what its walls said; none if it did.
#[must_use]
pub fn not_begun(level: Level, code: i32, stdout: &[u8], stderr: &[u8]) -> Option<String> {
    let said = String::from_utf8_lossy(stderr);
    let first =
        said.lines().next().filter(|_| code == 1 && stdout.is_empty() && said.lines().count() == 1)?;
    // That the program itself is missing is told as it would be without walls.
    let missing = |why: &str| why.rsplit_once(": ").map(|(_, why)| why.to_owned());
    match level {
        Level::None => None,
        Level::Landlock => match first.strip_prefix("error: cannot start ") {
            Some(why) => missing(why),
            None => first.strip_prefix("error: ").filter(|why| why.contains("landlock")).map(str::to_owned),
        },
        Level::Bwrap => match first.strip_prefix("bwrap: ") {
            Some(why) if why.starts_with("execvp ") => missing(why),
            why => why.map(|why| format!("bubblewrap: {why}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::{Result, Spot};

    /// A machine that has these means.
    struct Machine(Option<&'static str>, Option<&'static str>);

    impl Confine for Machine {
        fn bwrap(&self) -> std::result::Result<PathBuf, String> {
            self.0.map(PathBuf::from).ok_or_else(|| "it is not installed".to_owned())
        }

        fn landlock(&self) -> std::result::Result<PathBuf, String> {
            self.1.map(PathBuf::from).ok_or_else(|| "this kernel does not have it".to_owned())
        }

        fn spot(&self, _: &Path) -> Option<Spot> {
            None
        }

        fn make_dir(&self, _: &Path) -> Result<()> {
            Ok(())
        }

        fn clear(&self, _: &[PathBuf]) -> Result<()> {
            Ok(())
        }
    }

    fn profile(command: &str, sandbox: &str) -> Profile {
        let mut profile = Profile::new("a", Adapter::Command);
        profile.command = vec![command.to_owned()];
        profile.sandbox = sandbox.to_owned();
        profile
    }

    #[test]
    fn auto_is_the_best_that_works_and_says_when_nothing_does() {
        let (bwrap, orch) = (Some("/bin/bwrap"), Some("/bin/orch"));
        for (command, machine, level, lenient) in [
            ("/opt/claude", Machine(bwrap, orch), Level::Bwrap, false),
            ("claude", Machine(None, orch), Level::Landlock, false),
            // What a program of the user's own reads is not known.
            ("./tools/agent.sh", Machine(bwrap, orch), Level::Landlock, true),
            ("claude", Machine(None, None), Level::None, false),
        ] {
            let chosen = choose(&profile(command, "auto"), &machine).unwrap();
            assert_eq!((chosen.level, chosen.lenient), (level, lenient), "{command}");
            assert_eq!(chosen.warning.is_some(), level == Level::None);
        }
        let told = choose(&profile("claude", "auto"), &Machine(None, None)).unwrap().warning.unwrap();
        assert_eq!(
            told,
            "agent `a` is not confined: bubblewrap: it is not installed; landlock: this kernel does not have it"
        );
    }

    #[test]
    fn a_level_that_is_named_is_never_lowered() {
        let none = Machine(None, None);
        for word in ["bwrap", "landlock"] {
            let refused = choose(&profile("claude", word), &none).unwrap_err();
            assert!(refused.to_string().contains(&format!("`sandbox = \"{word}\"`")), "{refused}");
        }
        assert_eq!(choose(&profile("claude", "none"), &none), Ok(Chosen::default()));
    }

    #[test]
    fn a_write_that_the_walls_refused_is_seen_but_for_gits_own() {
        let cargo = "error: failed to create file `~/.cargo/registry/a`: Read-only file system (os error 30)";
        let git = "fatal: Unable to create '/w/.git/index.lock': Read-only file system";
        let seen = |level, text: &str| refused_write(level, text.as_bytes());
        assert!(
            seen(Level::Bwrap, cargo) && seen(Level::Bwrap, &format!("{git}\n{}{cargo}", " ".repeat(200)))
        );
        assert!(!seen(Level::Bwrap, git) && !seen(Level::None, cargo) && !seen(Level::Bwrap, "all is well"));
    }

    #[test]
    fn what_the_walls_say_is_not_taken_for_the_agent() {
        let begun =
            |level, code, out: &str, err: &str| not_begun(level, code, out.as_bytes(), err.as_bytes());
        let missing = "No such file or directory";
        assert_eq!(
            begun(Level::Bwrap, 1, "", "bwrap: execvp x: No such file or directory\n").unwrap(),
            missing
        );
        let by_landlock = "error: cannot start `x`: No such file or directory\n";
        assert_eq!(begun(Level::Landlock, 1, "", by_landlock).unwrap(), missing);
        assert_eq!(begun(Level::Bwrap, 1, "", "bwrap: no room\n").unwrap(), "bubblewrap: no room");
        for (level, code, out, err) in [
            (Level::None, 1, "", "bwrap: no room\n"),
            (Level::Bwrap, 1, "work", "bwrap: no room\n"),
            (Level::Bwrap, 2, "", "bwrap: no room\n"),
            (Level::Bwrap, 1, "", "bwrap: no room\nfor me\n"),
            (Level::Landlock, 1, "", "error: tests failed\n"),
        ] {
            assert_eq!(begun(level, code, out, err), None, "{err}");
        }
    }
}
