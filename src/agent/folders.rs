//! Folders of a user's home that agents and tools need: data, looked up by the name of a program.
//!
//! What is not listed here, or in the facts of an agent, is hidden from a confined agent.

use super::{FACTS, Facts};

/// What one agent keeps in a user's home. Paths are below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folders {
    /// What it reads and writes; the first is its own folder, in which its conversations lie.
    pub(super) kept: Vec<&'static str>,
    /// What it only reads, such as its own program.
    pub(super) read: &'static [&'static str],
    /// The variable that moves its own folder.
    pub(super) moved_by: Option<&'static str>,
}

/// What the agents that orch drives only read: program and folders.
const READ: [(&str, &[&str]); 3] = [
    ("claude", &[".local/share/claude"]),
    ("opencode", &[".opencode"]),
    ("aider", &[".aider.conf.yml", ".aider.model.settings.yml"]),
];

/// Agents that orch does not drive by itself, and that a `command` may be: program, what it keeps, and
/// what it only reads.
const OTHERS: [(&str, &[&str], &[&str]); 5] = [
    ("qwen", &[".qwen"], &[]),
    ("goose", &[".config/goose", ".local/share/goose", ".local/state/goose"], &[]),
    ("amp", &[".config/amp", ".local/share/amp", ".cache/amp"], &[".amp"]),
    ("crush", &[".local/share/crush", ".config/crush"], &[]),
    ("cursor-agent", &[".cursor", ".config/cursor"], &[".local/share/cursor-agent"]),
];

/// Where tools lie that agents build and test with; shown, never written to. Files that hold
/// credentials (`.cargo/credentials.toml`, `.npmrc`, `.netrc`) are not among them.
pub(super) const TOOLS: [&str; 26] = [
    ".cargo/bin",
    ".cargo/config.toml",
    ".cargo/env",
    ".cargo/git",
    ".cargo/registry",
    ".rustup",
    ".nvm",
    ".fnm",
    ".volta",
    ".bun",
    ".deno",
    ".pyenv",
    ".rbenv",
    ".asdf",
    ".sdkman",
    ".local/bin",
    ".local/lib",
    ".local/pipx",
    ".local/share/fnm",
    ".local/share/mise",
    ".local/share/pnpm",
    ".local/share/uv",
    ".npm-global",
    ".m2/repository",
    "go",
    "miniconda3",
];

/// The folders of the agent whose program has this name.
pub(super) fn of(program: &str) -> Option<Folders> {
    let driven = FACTS.iter().find(|facts| facts.program == program).map(driven);
    driven.or_else(|| OTHERS.iter().find(|(name, _, _)| *name == program).map(other))
}

/// The folders of all agents.
pub(super) fn all() -> Vec<Folders> {
    FACTS.iter().map(driven).chain(OTHERS.iter().map(other)).collect()
}

fn driven(facts: &Facts) -> Folders {
    let read = READ.iter().find(|(program, _)| *program == facts.program).map_or(&[][..], |(_, read)| *read);
    let kept = std::iter::once(facts.home.1).chain(facts.writes.iter().copied()).collect();
    Folders { kept, read, moved_by: facts.home.0 }
}

fn other((_, kept, read): &(&str, &'static [&'static str], &'static [&'static str])) -> Folders {
    Folders { kept: kept.to_vec(), read, moved_by: None }
}
