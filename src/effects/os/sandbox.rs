//! Confining programs on this machine: bubblewrap, found and tried; landlock, by restricting orch's own
//! process before it becomes the program.
//!
//! Restricting between fork and exec would need unsafe code; a hidden command of orch's restricts
//! itself instead and then becomes the program, under the same process id.

#![expect(clippy::disallowed_methods, reason = "a program is tried, and become, here")]

use super::process::OsProcess;
use crate::effects::{Confine, EffectError, Result, Spot};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

impl Confine for OsProcess {
    fn bwrap(&self) -> std::result::Result<PathBuf, String> {
        let Some(program) = super::process::find(BWRAP) else {
            return Err("it is not installed".to_owned());
        };
        // Tried as it will be used: that it is there does not say that the kernel lets it work.
        let tried = Command::new(&program)
            .args(crate::effects::confine::BWRAP_BASE)
            .arg("--")
            .arg(&program)
            .arg("--version")
            .env_clear()
            .stdin(Stdio::null())
            .output();
        match tried {
            Ok(output) if output.status.success() => Ok(program),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                Err(said.lines().next().unwrap_or("it fails without a reason").to_owned())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    fn landlock(&self) -> std::result::Result<PathBuf, String> {
        landlock::check()?;
        std::env::current_exe().map_err(|error| format!("orch cannot find its own program: {error}"))
    }

    fn spot(&self, path: &Path) -> Option<Spot> {
        let own = std::fs::symlink_metadata(path).ok()?;
        let real = std::fs::canonicalize(path).ok()?;
        let there = std::fs::metadata(&real).ok()?;
        let size = there.is_file().then_some(there.len());
        Some(Spot { is_dir: there.is_dir(), size, is_link: own.is_symlink(), real })
    }

    fn make_dir(&self, path: &Path) -> Result<()> {
        std::fs::create_dir_all(path).map_err(|error| EffectError::io("make the directory", path, &error))
    }

    fn clear(&self, places: &[PathBuf]) -> Result<()> {
        for place in places.iter().rev() {
            let Ok(there) = std::fs::symlink_metadata(place) else { continue };
            let removed = if there.is_dir() {
                // One that is not empty holds something of somebody's.
                match std::fs::remove_dir(place) {
                    Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => Ok(()),
                    other => other,
                }
            } else if there.is_file() && there.len() == 0 {
                std::fs::remove_file(place)
            } else {
                Ok(())
            };
            removed.map_err(|error| EffectError::io("remove", place, &error))?;
        }
        Ok(())
    }
}

/// The name of bubblewrap's program.
const BWRAP: &str = "bwrap";

/// How orch restricts itself.
#[derive(Debug, Clone, Default)]
pub struct Restriction {
    /// Files, and directories with everything below, that stay writable.
    pub writable: Vec<PathBuf>,
    /// Whether TCP stays open.
    pub network: bool,
    /// Whether processes outside may be signalled.
    pub signals: bool,
}

/// Restricts this process and becomes a program. Returns only when it cannot.
#[must_use]
pub fn restrict_and_become(restriction: &Restriction, argv: &[String]) -> EffectError {
    use crate::effects::Trouble;
    use std::os::unix::process::CommandExt as _;
    let Some((program, arguments)) = argv.split_first() else {
        return EffectError::new(Trouble::Other, "no program is named");
    };
    if let Err(why) = landlock::restrict(restriction) {
        return EffectError::new(Trouble::Unsupported, format!("cannot restrict by landlock: {why}"));
    }
    let error = Command::new(program).args(arguments).exec();
    EffectError::io("start", Path::new(program), &error)
}

#[cfg(target_os = "linux")]
mod landlock {
    //! The kernel's own restriction, which a process can put on itself and never take off.

    use super::Restriction;
    use ::landlock::{
        ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
        RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, path_beneath_rules,
    };

    /// Devices that every program may write to.
    const DEVICES: [&str; 7] =
        ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/ptmx", "/dev/pts"];

    pub(super) fn check() -> Result<(), String> {
        // Making a set of rules restricts nothing yet.
        let made = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_write(ABI::V1))
            .and_then(Ruleset::create);
        made.map(|_| ()).map_err(|_| "this kernel does not have it, or has it switched off".to_owned())
    }

    pub(super) fn restrict(restriction: &Restriction) -> Result<(), String> {
        match rules(restriction).map_err(|error| error.to_string())? {
            RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
            RulesetStatus::NotEnforced => Err("this kernel does not have it".to_owned()),
        }
    }

    /// Writing is what has to be restricted; the network and signals as far as the kernel can.
    fn rules(restriction: &Restriction) -> Result<RulesetStatus, RulesetError> {
        let write = AccessFs::from_write(ABI::V4);
        let mut ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_write(ABI::V1))?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(write)?;
        if !restriction.network {
            ruleset = ruleset.handle_access(AccessNet::from_all(ABI::V4))?;
        }
        if !restriction.signals {
            ruleset = ruleset.scope(Scope::from_all(ABI::V6))?;
        }
        let created = ruleset.create()?;
        let created = created.add_rules(path_beneath_rules(&restriction.writable, write))?;
        let devices = AccessFs::WriteFile | AccessFs::Truncate;
        Ok(created.add_rules(path_beneath_rules(DEVICES, devices))?.restrict_self()?.ruleset)
    }
}

#[cfg(not(target_os = "linux"))]
mod landlock {
    //! Only Linux has it.

    use super::Restriction;

    pub(super) fn check() -> Result<(), String> {
        Err("only Linux has it".to_owned())
    }

    pub(super) fn restrict(_: &Restriction) -> Result<(), String> {
        check()
    }
}
