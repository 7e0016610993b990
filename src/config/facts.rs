//! What is known of each agent CLI, as data: how it is called, what it can do, where its files lie.
//!
//! Measured with the versions that [`Facts::tested`] names. Not here: how its stream is understood.

use super::Adapter;
use crate::effects::Stop;

/// What is known of one agent CLI. Paths are below the user's home directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// How it is driven.
    pub adapter: Adapter,
    /// Its program.
    pub program: &'static str,
    /// Its name to people.
    pub title: &'static str,
    /// The version that it was measured with.
    pub tested: &'static str,
    /// Whether a session can be taken up again.
    pub resumes: bool,
    /// Whether the id of a new session can be chosen.
    pub names_sessions: bool,
    /// Whether a session can be made smaller from outside.
    pub compacts: bool,
    /// How it is asked to end, so that it ends its tools too.
    pub stop: Stop,
    /// The highest complexity that it is trusted with where its model is not known.
    pub capability: u8,
    /// The variable that moves its own folder, and where that is otherwise.
    pub home: (Option<&'static str>, &'static str),
    /// What else it writes; the last element may be the beginning of a name.
    pub writes: &'static [&'static str],
    /// Variables each of which is a credential.
    pub keys: &'static [&'static str],
    /// Variables that say where it connects to, and how.
    pub settings: &'static [&'static str],
    /// The file in its own folder, or below home, that a login leaves.
    pub login_file: Option<&'static str>,
    /// Arguments that make it say its version.
    pub version: &'static [&'static str],
    /// Arguments that make it say whether it is logged in, without a request to a model.
    pub auth: Option<&'static [&'static str]>,
    /// What a person does to log in.
    pub login: &'static str,
    /// What a person types to install it.
    pub install: &'static str,
}

/// Every agent CLI that orch drives.
pub const FACTS: [Facts; 6] = [
    Facts {
        adapter: Adapter::Claude,
        program: "claude",
        title: "Claude Code",
        tested: "2.1.329",
        resumes: true,
        names_sessions: true,
        compacts: true,
        stop: Stop::Terminate,
        capability: 8,
        home: (Some("CLAUDE_CONFIG_DIR"), ".claude"),
        writes: &[".claude.json"],
        keys: &["ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN"],
        settings: &["ANTHROPIC_BASE_URL", "CLAUDE_CONFIG_DIR"],
        login_file: Some(".credentials.json"),
        version: &["--version"],
        auth: Some(&["auth", "status"]),
        login: "claude auth login",
        install: "npm install -g @anthropic-ai/claude-code",
    },
    Facts {
        adapter: Adapter::Codex,
        program: "codex",
        title: "Codex CLI",
        tested: "0.169.0",
        resumes: true,
        names_sessions: false,
        compacts: false,
        stop: Stop::Interrupt,
        capability: 8,
        home: (Some("CODEX_HOME"), ".codex"),
        writes: &[],
        keys: &["CODEX_API_KEY"],
        settings: &["CODEX_HOME"],
        login_file: Some("auth.json"),
        version: &["--version"],
        auth: Some(&["login", "status"]),
        login: "codex login",
        install: "npm install -g @openai/codex",
    },
    Facts {
        adapter: Adapter::Gemini,
        program: "gemini",
        title: "Gemini CLI",
        tested: "0.61.0",
        resumes: false,
        names_sessions: false,
        compacts: false,
        stop: Stop::Terminate,
        capability: 7,
        home: (None, ".gemini"),
        writes: &[],
        keys: &["GEMINI_API_KEY"],
        settings: &["GOOGLE_GEMINI_BASE_URL"],
        login_file: Some("oauth_creds.json"),
        version: &["--version"],
        auth: None,
        login: "gemini",
        install: "npm install -g @google/gemini-cli",
    },
    Facts {
        adapter: Adapter::Opencode,
        program: "opencode",
        title: "opencode",
        tested: "1.18.33",
        resumes: true,
        names_sessions: false,
        compacts: false,
        stop: Stop::Terminate,
        capability: 6,
        home: (None, ".local/share/opencode"),
        writes: &[".config/opencode", ".cache/opencode", ".local/state/opencode"],
        keys: &["ANTHROPIC_API_KEY", "OPENAI_API_KEY"],
        settings: &["OPENCODE_CONFIG"],
        login_file: Some("auth.json"),
        version: &["--version"],
        auth: None,
        login: "opencode auth login",
        install: "npm install -g opencode-ai",
    },
    Facts {
        adapter: Adapter::Copilot,
        program: "copilot",
        title: "GitHub Copilot CLI",
        tested: "1.0.102",
        resumes: true,
        names_sessions: true,
        compacts: false,
        stop: Stop::Terminate,
        capability: 7,
        home: (Some("COPILOT_HOME"), ".copilot"),
        writes: &[".cache/copilot"],
        keys: &["COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN", "COPILOT_PROVIDER_API_KEY"],
        settings: &[
            "COPILOT_HOME",
            "COPILOT_PROVIDER_BASE_URL",
            "COPILOT_PROVIDER_WIRE_API",
            "COPILOT_MODEL",
            "COPILOT_OFFLINE",
        ],
        login_file: Some("config.json"),
        version: &["--version"],
        auth: None,
        login: "copilot",
        install: "npm install -g @github/copilot",
    },
    Facts {
        adapter: Adapter::Aider,
        program: "aider",
        title: "aider",
        tested: "0.86.2",
        resumes: false,
        names_sessions: false,
        compacts: false,
        stop: Stop::Terminate,
        capability: 5,
        home: (None, ".aider"),
        writes: &[],
        keys: &["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"],
        settings: &["OPENAI_API_BASE", "ANTHROPIC_API_BASE"],
        login_file: None,
        version: &["--version"],
        auth: None,
        login: "export ANTHROPIC_API_KEY=…",
        install: "python3 -m pip install aider-chat",
    },
];

/// What is known of a program that can be any.
const ANY: Facts = Facts {
    adapter: Adapter::Command,
    program: "",
    title: "any program",
    tested: "",
    resumes: false,
    names_sessions: false,
    compacts: false,
    stop: Stop::Terminate,
    capability: 5,
    home: (None, ""),
    writes: &[],
    keys: &[],
    settings: &[],
    login_file: None,
    version: &[],
    auth: None,
    login: "",
    install: "",
};

/// What is known of a program that speaks the Agent Client Protocol.
const SPEAKER: Facts = Facts { adapter: Adapter::Acp, title: "the agent", resumes: true, ..ANY };

/// What is known of an adapter's program.
#[must_use]
pub fn facts(adapter: Adapter) -> &'static Facts {
    let other = if adapter == Adapter::Acp { &SPEAKER } else { &ANY };
    FACTS.iter().find(|facts| facts.adapter == adapter).unwrap_or(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_adapter_but_those_for_any_program_has_its_facts() {
        for adapter in Adapter::ALL {
            let any_program = matches!(adapter, Adapter::Command | Adapter::Shell | Adapter::Acp);
            assert_eq!(facts(*adapter).program.is_empty(), any_program, "{}", adapter.as_str());
        }
        for known in FACTS {
            assert_eq!(known.program, known.adapter.as_str());
            assert!(known.resumes || !known.compacts, "what is compacted is taken up again");
        }
    }
}
