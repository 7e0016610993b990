//! Under which name a pass is remembered: everything that it depends on, as one hash.
//!
//! Invariant: two gates have one name only where tree, definition, place and environment are the
//! same. What orch cannot see (the network, the tools' versions) is why an answer is only good for a
//! while, and why a gate may say `cache = false`.

use crate::config::GateConfig;
use crate::state::layout;
use sha2::{Digest as _, Sha256};

/// How long an answer is good for, in seconds.
pub const GOOD_FOR_S: i64 = 7 * 24 * 3600;
/// The version of what is hashed.
const VERSION: &str = "orch gate 1";

/// Where a gate looked at a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a checkout that no agent works in.
    Room,
    /// In somebody's work tree, with everything that git ignores there.
    WorkTree,
}

/// What an answer depends on.
#[derive(Debug, Clone)]
pub struct Circumstances<'c> {
    /// The name of the tree, outside of the state.
    pub tree: &'c str,
    /// The base's, where the answer depends on it.
    pub base: Option<&'c str>,
    /// Where.
    pub place: Place,
    /// The gate.
    pub gate: &'c GateConfig,
    /// Whether only what it measures is meant.
    pub numbers: bool,
    /// What prepares the place.
    pub setup: Option<&'c str>,
    /// What is kept there.
    pub keep: &'c [String],
    /// Which task's rules hold, where that matters.
    pub kind: Option<&'c str>,
    /// Which files hold tests.
    pub tests: &'c [String],
    /// What people allowed and denied, where that matters.
    pub allow: [&'c [String]; 3],
    /// What the gate sees of the environment.
    pub env: &'c [(String, String)],
}

impl Circumstances<'_> {
    /// The name of the file that remembers the answer.
    #[must_use]
    pub fn name(&self) -> String {
        let mut hasher = Sha256::new();
        // Every text has its length before it, so that no two lists are written alike.
        let mut add = |text: &str| {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        };
        let gate = self.gate;
        add(VERSION);
        add(env!("CARGO_PKG_VERSION"));
        add(self.tree);
        add(&format!("{:?} {:?} {:?} {}", self.base, self.place, self.kind, self.numbers));
        // Everything that a gate's entry says, but what it needs: that passed, or it would not run.
        add(&format!("{:?}", GateConfig { needs: Vec::new(), ..gate.clone() }));
        add(&format!("{:?} {:?} {:?} {:?}", self.setup, self.keep, self.tests, self.allow));
        // Where temporary files lie and how wide the terminal is changes nothing.
        for (name, value) in self.env.iter().filter(|(name, _)| !matches!(name.as_str(), "TMPDIR" | "TERM")) {
            add(name);
            add(value);
        }
        let name: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("gates/{name}.toml")
    }
}

/// The name of a tree without the state, from the tree as git stores it.
#[must_use]
pub fn without_state(raw: &[u8], hash_len: usize) -> String {
    let rest = layout::without_entry(raw, layout::ROOT.as_bytes(), hash_len);
    Sha256::digest(rest).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_an_answer_depends_on_is_in_its_name() {
        let gate = GateConfig::new("test", "make test");
        let env = [("PATH".to_owned(), "/bin".to_owned())];
        let one = Circumstances {
            tree: "1",
            numbers: false,
            base: None,
            place: Place::Room,
            gate: &gate,
            setup: None,
            keep: &[],
            kind: None,
            tests: &[],
            allow: [&[]; 3],
            env: &env,
        };
        assert_eq!(one.name(), one.clone().name());
        let other_gate = GateConfig { clean: true, ..gate.clone() };
        let other_env = [("PATH".to_owned(), "/usr/bin".to_owned())];
        let keep = ["target".to_owned()];
        for other in [
            Circumstances { tree: "2", ..one.clone() },
            Circumstances { numbers: true, ..one.clone() },
            Circumstances { base: Some("1"), ..one.clone() },
            Circumstances { place: Place::WorkTree, ..one.clone() },
            Circumstances { gate: &other_gate, ..one.clone() },
            Circumstances { setup: Some("npm ci"), ..one.clone() },
            Circumstances { keep: &keep, ..one.clone() },
            Circumstances { kind: Some("bug"), ..one.clone() },
            Circumstances { tests: &keep, ..one.clone() },
            Circumstances { allow: [&keep, &[], &[]], ..one.clone() },
            Circumstances { env: &other_env, ..one.clone() },
        ] {
            assert_ne!(one.name(), other.name());
        }
    }
}
