//! The words that settings are spelt with in files and output.
//!
//! Invariant: `parse` and `as_str` are inverse, and `ALL` lists every word.

use super::detect::ProjectKind;
use super::{
    Adapter, GateConfig, Integration, ModePolicy, PlanLanding, Profile, PromptBy, Regate, ReviewPolicy,
};
use std::time::Duration;

macro_rules! words {
    ($name:ident: $($variant:ident = $word:literal),+ $(,)?) => {
        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Their words, in the same order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word in files and output.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// What a word names.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
    };
}

words!(ModePolicy: Auto = "auto", Balance = "balance", Stabilize = "stabilize", Accelerate = "accelerate");
words!(ReviewPolicy: None = "none", Agent = "agent", Human = "human");
words!(PlanLanding: Proposed = "proposed", Pending = "pending");
words!(Integration: Branch = "branch", PullRequest = "pull-request");
words!(Regate: Always = "always", Overlap = "overlap", Never = "never");
words!(PromptBy: Stdin = "stdin", Arg = "arg", File = "file");
words!(Adapter:
    Claude = "claude",
    Codex = "codex",
    Gemini = "gemini",
    Opencode = "opencode",
    Copilot = "copilot",
    Aider = "aider",
    Acp = "acp",
    Command = "command",
    Shell = "shell",
);

/// What `effort` may say.
pub const EFFORTS: &[&str] = &["low", "medium", "high"];
/// What `sandbox` may say.
pub const SANDBOXES: &[&str] = &["auto", "none", "bwrap", "landlock"];

impl Profile {
    /// A profile with the defaults everywhere else.
    #[must_use]
    pub fn new(name: impl Into<String>, adapter: Adapter) -> Self {
        Self {
            name: name.into(),
            adapter,
            command: Vec::new(),
            prompt: PromptBy::Stdin,
            model: None,
            effort: None,
            capability: 5,
            context_window: None,
            price: None,
            max_parallel: 1,
            timeout: Duration::from_secs(45 * 60),
            idle_timeout: Some(Duration::from_secs(10 * 60)),
            env: Vec::new(),
            sandbox: "auto".to_owned(),
            writable: Vec::new(),
            network: true,
        }
    }
}

impl ProjectKind {
    /// The folder that a kind of project builds in and that is worth keeping.
    #[must_use]
    pub fn kept(self) -> Option<&'static str> {
        match self {
            Self::Cargo => Some("target"),
            Self::Npm | Self::Pnpm | Self::Yarn => Some("node_modules"),
            // Theirs lie elsewhere, or are not known.
            Self::Python | Self::Uv | Self::Poetry | Self::Go | Self::Make | Self::Just => None,
        }
    }
}

impl GateConfig {
    /// A gate with the defaults everywhere else.
    #[must_use]
    pub fn new(name: impl Into<String>, run: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            run: run.into(),
            timeout: Duration::from_secs(10 * 60),
            required: true,
            needs: Vec::new(),
            metric: None,
            env: Vec::new(),
            retries: 0,
            clean: false,
            cache: true,
            red_green: false,
            junit: None,
            coverage: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for adapter in Adapter::ALL {
            assert_eq!(Adapter::parse(adapter.as_str()), Some(*adapter));
        }
        assert_eq!(Adapter::WORDS.len(), Adapter::ALL.len());
        assert_eq!(Integration::parse("pull-request"), Some(Integration::PullRequest));
        assert_eq!(Integration::parse("Pull-Request"), None);
        assert_eq!(Regate::WORDS, ["always", "overlap", "never"]);
        assert_eq!(ReviewPolicy::parse(""), None);
        assert_eq!(ModePolicy::parse("stabilize"), Some(ModePolicy::Stabilize));
        assert_eq!(PromptBy::parse("arg"), Some(PromptBy::Arg));
    }
}
