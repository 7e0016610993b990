//! What a built-in gate can find wrong with a change, by name.
//!
//! The names are what a person writes into a task's `allow`, or into the policy's `allow` and
//! `deny`; an agent cannot, as both are read from the base commit. A gate's name stands for all of
//! its concerns, `tests-changed` for those about tests.

use super::problem::nearest;

/// One thing that can be wrong with a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Concern {
    /// Tests are gone, or nothing finds them any more.
    TestsRemoved,
    /// Tests do not run any more, or may fail.
    TestsSkipped,
    /// Some tests are marked so that all others do not run.
    TestsFocused,
    /// Assertions are gone, cannot fail or ask for less.
    TestsWeakened,
    /// Tests expect something else than before.
    ExpectationsChanged,
    /// What is tested, or the expected value, is mocked.
    TestsMocked,
    /// Recorded expectations were recorded anew.
    SnapshotsChanged,
    /// What runs or compares tests was bent.
    HarnessChanged,
    /// Code behaves otherwise while it is tested.
    TestDetected,
    /// A limit of a check is lower: coverage, a lint's level, retries, timeouts.
    ThresholdLowered,
    /// A check cannot fail any more: an exit code is swallowed, a script does nothing.
    ChecksBypassed,
    /// A place in the code is excepted from a check.
    ChecksSuppressed,
    /// The configuration of a check was edited.
    ChecksChanged,
    /// What a gate of the configuration runs is not what it was: a recipe, a script.
    GateChanged,
    /// Something outside the task's `files` was changed.
    Scope,
    /// A key or a password is in the change.
    Secrets,
    /// A file is so large that nobody looks into it.
    LargeFile,
    /// A merge was left unresolved.
    ConflictMarkers,
    /// A link leads out of the tree.
    LinkEscapes,
    /// A directory is a repository of its own.
    NestedRepository,
    /// A path is longer than the system lets programs name.
    PathTooLong,
    /// A submodule came, went or moved.
    SubmoduleChanged,
    /// A name that git or a terminal takes for something else.
    TreacherousName,
    /// Two names that are one where case does not count.
    CaseCollision,
    /// A name that Windows cannot have.
    UnportableName,
    /// A file became a program, or is none any more.
    ModeChanged,
    /// Characters that hide text or turn it around.
    InvisibleCharacters,
    /// Nothing was changed.
    Change,
}

/// The group of the concerns about tests.
const TESTS: &str = "tests-changed";

impl Concern {
    /// All of them.
    pub const ALL: [Self; 28] = [
        Self::TestsRemoved,
        Self::TestsSkipped,
        Self::TestsFocused,
        Self::TestsWeakened,
        Self::ExpectationsChanged,
        Self::TestsMocked,
        Self::SnapshotsChanged,
        Self::HarnessChanged,
        Self::TestDetected,
        Self::ThresholdLowered,
        Self::ChecksBypassed,
        Self::ChecksSuppressed,
        Self::ChecksChanged,
        Self::GateChanged,
        Self::Scope,
        Self::Secrets,
        Self::LargeFile,
        Self::ConflictMarkers,
        Self::LinkEscapes,
        Self::NestedRepository,
        Self::PathTooLong,
        Self::SubmoduleChanged,
        Self::TreacherousName,
        Self::CaseCollision,
        Self::UnportableName,
        Self::ModeChanged,
        Self::InvisibleCharacters,
        Self::Change,
    ];

    /// The word in files and output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TestsRemoved => "tests-removed",
            Self::TestsSkipped => "tests-skipped",
            Self::TestsFocused => "tests-focused",
            Self::TestsWeakened => "tests-weakened",
            Self::ExpectationsChanged => "expectations-changed",
            Self::TestsMocked => "tests-mocked",
            Self::SnapshotsChanged => "snapshots-changed",
            Self::HarnessChanged => "harness-changed",
            Self::TestDetected => "test-detected",
            Self::ThresholdLowered => "threshold-lowered",
            Self::ChecksBypassed => "checks-bypassed",
            Self::ChecksSuppressed => "checks-suppressed",
            Self::ChecksChanged => "checks-changed",
            Self::GateChanged => "gate-changed",
            Self::Scope => "scope",
            Self::Secrets => "secrets",
            Self::LargeFile => "large-file",
            Self::ConflictMarkers => "conflict-markers",
            Self::LinkEscapes => "link-escapes",
            Self::NestedRepository => "nested-repository",
            Self::PathTooLong => "path-too-long",
            Self::SubmoduleChanged => "submodule-changed",
            Self::TreacherousName => "treacherous-name",
            Self::CaseCollision => "case-collision",
            Self::UnportableName => "unportable-name",
            Self::ModeChanged => "mode-changed",
            Self::InvisibleCharacters => "invisible-characters",
            Self::Change => "change",
        }
    }

    /// The gate that finds it.
    #[must_use]
    pub fn gate(self) -> &'static str {
        match self {
            Self::TestsRemoved
            | Self::TestsSkipped
            | Self::TestsFocused
            | Self::TestsWeakened
            | Self::ExpectationsChanged
            | Self::TestsMocked
            | Self::SnapshotsChanged
            | Self::HarnessChanged
            | Self::TestDetected
            | Self::ThresholdLowered
            | Self::ChecksBypassed
            | Self::ChecksSuppressed
            | Self::ChecksChanged
            | Self::GateChanged => "tamper",
            Self::LinkEscapes
            | Self::NestedRepository
            | Self::PathTooLong
            | Self::SubmoduleChanged
            | Self::TreacherousName => "escape",
            Self::CaseCollision | Self::UnportableName | Self::ModeChanged => "portability",
            Self::Scope
            | Self::Secrets
            | Self::LargeFile
            | Self::ConflictMarkers
            | Self::InvisibleCharacters
            | Self::Change => self.as_str(),
        }
    }

    fn is_about_tests(self) -> bool {
        match self {
            Self::TestsRemoved
            | Self::TestsSkipped
            | Self::TestsFocused
            | Self::TestsWeakened
            | Self::ExpectationsChanged
            | Self::TestsMocked
            | Self::SnapshotsChanged => true,
            Self::HarnessChanged
            | Self::TestDetected
            | Self::ThresholdLowered
            | Self::ChecksBypassed
            | Self::ChecksSuppressed
            | Self::ChecksChanged
            | Self::GateChanged
            | Self::Scope
            | Self::Secrets
            | Self::LargeFile
            | Self::ConflictMarkers
            | Self::LinkEscapes
            | Self::NestedRepository
            | Self::PathTooLong
            | Self::SubmoduleChanged
            | Self::TreacherousName
            | Self::CaseCollision
            | Self::UnportableName
            | Self::ModeChanged
            | Self::InvisibleCharacters
            | Self::Change => false,
        }
    }

    /// Whether a name means it: its own, its gate's, or the group's.
    #[must_use]
    pub fn is_meant_by(self, name: &str) -> bool {
        name == self.as_str() || name == self.gate() || (name == TESTS && self.is_about_tests())
    }
}

/// Gates without concerns: nobody can allow what they say. The last are recorded as gates.
const OTHERS: [&str; 9] =
    ["execution", "timeliness", "reply", "state", "protected", "unfit", "review", "pre-commit", "commit-msg"];

/// Whether a gate is one of orch's own, by its name in records and trailers.
#[must_use]
pub fn is_built_in(gate: &str) -> bool {
    OTHERS.contains(&gate) || Concern::ALL.iter().any(|concern| concern.gate() == gate)
}

/// Whether a name means any concern.
///
/// # Errors
/// What could have been meant, as the end of a sentence.
pub fn check_name(name: &str) -> Result<(), String> {
    if Concern::ALL.iter().any(|concern| concern.is_meant_by(name)) {
        return Ok(());
    }
    let names = Concern::ALL.iter().flat_map(|concern| [concern.as_str(), concern.gate()]).chain([TESTS]);
    match nearest(name, names) {
        Some(meant) => Err(format!("no built-in gate finds this; did you mean `{meant}`?")),
        None => Err("no built-in gate finds this; `orch help gates` lists what they find".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_concern_is_meant_by_its_name_its_gate_and_its_group() {
        assert!(Concern::TestsRemoved.is_meant_by("tests-removed"));
        assert!(Concern::TestsRemoved.is_meant_by("tamper"));
        assert!(Concern::TestsRemoved.is_meant_by("tests-changed"));
        assert!(!Concern::ChecksBypassed.is_meant_by("tests-changed"));
        assert!(!Concern::Secrets.is_meant_by("tamper"));
    }

    #[test]
    fn every_name_is_one_and_a_misspelt_one_is_told() {
        for concern in Concern::ALL {
            assert_eq!(check_name(concern.as_str()), Ok(()));
            assert_eq!(check_name(concern.gate()), Ok(()));
        }
        assert_eq!(check_name("tests-changed"), Ok(()));
        assert!(check_name("test-changed").unwrap_err().contains("`tests-changed`"));
        for name in ["", "execution", "state", "protected", "everything"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
