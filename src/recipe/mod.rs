//! Recipes: how a CI service, or this machine, takes steps by the clock.
//!
//! In: what the project's configuration says. Out: files, each as its provider wants it. Their texts are
//! the templates beside this file: a line with `@name@` becomes one line for each value of that name, none
//! where there is none; after `@if name@`, a paragraph is there only where there is a value.
//! Invariant: no recipe puts a secret into a file, or before a program that does not need it.

pub mod local;
pub mod seal;
mod template;

use crate::config::{Adapter, Config, Integration, facts};
use local::Local;
use std::time::Duration;
use template::{Values, fill};

/// How long a job begins new steps.
const BEGIN: Duration = Duration::from_secs(30 * 60);
/// What a job needs beside: to build orch, and to land.
const BESIDE: Duration = Duration::from_secs(30 * 60);
/// The longest that the forges' own runners let a job take.
const LONGEST: Duration = Duration::from_secs(6 * 60 * 60);

/// Who runs the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
    /// Forgejo Actions, and Gitea's.
    Forgejo,
    /// Woodpecker.
    Woodpecker,
    /// The user's crontab.
    Cron,
    /// A timer of the user's systemd.
    Systemd,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Github, Self::Gitlab, Self::Forgejo, Self::Woodpecker, Self::Cron, Self::Systemd];

    /// The word on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Forgejo => "forgejo",
            Self::Woodpecker => "woodpecker",
            Self::Cron => "cron",
            Self::Systemd => "systemd",
        }
    }

    /// The provider that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == word)
    }
}

/// What a recipe has to know of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The target branch.
    pub branch: String,
    /// Variables of the agents that hold secrets.
    pub secrets: Vec<String>,
    /// Commands that install the agents.
    pub installs: Vec<String>,
    /// How long a job may take.
    pub minutes: u64,
    /// Whether work lands by pull requests.
    pub pull_requests: bool,
}

impl Facts {
    /// What a configuration says.
    #[must_use]
    pub fn new(config: &Config, branch: &str) -> Self {
        let (mut secrets, mut installs) = (Vec::new(), Vec::new());
        for profile in &config.agents {
            let known = facts::facts(profile.adapter);
            let secret = |name: &&String| match profile.adapter {
                Adapter::Acp | Adapter::Command | Adapter::Shell => may_be_secret(name),
                Adapter::Claude
                | Adapter::Codex
                | Adapter::Gemini
                | Adapter::Opencode
                | Adapter::Copilot
                | Adapter::Aider => may_be_secret(name) && known.keys.contains(&name.as_str()),
            };
            secrets.extend(profile.env.iter().filter(secret).cloned());
            // A runner is nobody's machine: there is no need for an environment of Python's own.
            let (before, by) = if profile.adapter == Adapter::Aider {
                ("PIP_BREAK_SYSTEM_PACKAGES=1 ", "==")
            } else {
                ("", "@")
            };
            let install =
                (!known.install.is_empty()).then(|| format!("{before}{}{by}{}", known.install, known.tested));
            installs.extend(install.filter(|install| !installs.contains(install)));
        }
        secrets.sort();
        secrets.dedup();
        // The last step may begin at the end of the run's time, and each of its attempts has the whole of the
        // agent's and of the gates'.
        let longest = config.agents.iter().map(|profile| profile.timeout).max().unwrap_or_default();
        let gates: Duration = config.gates.iter().map(|gate| gate.timeout).sum();
        let step = (longest + gates).saturating_mul(config.policy.max_attempts);
        Self {
            branch: branch.to_owned(),
            secrets,
            installs,
            minutes: (BEGIN + step + BESIDE).min(LONGEST).as_secs().div_ceil(60),
            pull_requests: config.policy.integration == Integration::PullRequest,
        }
    }
}

/// Commands that install what these need, in an image of Debian that has a toolchain and no more.
fn tools(installs: &[String]) -> Vec<String> {
    let tools = [("npm", "command -v npm", "npm"), (" pip ", "python3 -m pip --version", "python3-pip")];
    let needed = tools.iter().filter(|(word, ..)| installs.iter().any(|install| install.contains(word)));
    needed
        .map(|(_, has, package)| {
            let install = format!("apt-get install -y -qq --no-install-recommends {package}");
            format!("{has} || {{ apt-get update -qq && {install}; }}")
        })
        .collect()
}

/// Names of this kind are the runner's own, or orch's: an agent would get the token that pushes.
fn may_be_secret(name: &str) -> bool {
    !["GITHUB_", "ORCH_", "CI_", "FORGEJO_", "GITEA_"].iter().any(|own| name.starts_with(own))
}

/// One file of a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// Where it belongs, from the root of the work tree; for this machine, an absolute path.
    pub path: String,
    /// What it says, sealed.
    pub content: String,
}

/// The recipe for a CI service, or for this machine.
#[must_use]
pub fn recipe(provider: Provider, facts: &Facts, local: &Local) -> Vec<Recipe> {
    let one = |path: &str, template: &str| {
        vec![Recipe { path: path.to_owned(), content: seal::seal(provider, &fill(template, &values(facts))) }]
    };
    match provider {
        Provider::Github => one(".github/workflows/orch.yml", include_str!("github.yml")),
        Provider::Gitlab => one(".gitlab-ci.yml", include_str!("gitlab.yml")),
        Provider::Forgejo => one(".forgejo/workflows/orch.yml", include_str!("forgejo.yml")),
        Provider::Woodpecker => one(".woodpecker/orch.yml", include_str!("woodpecker.yml")),
        Provider::Cron => local::cron(local),
        Provider::Systemd => local::systemd(local, facts.minutes),
    }
}

fn values(facts: &Facts) -> Values {
    let request = "pull-requests: write # to open a request for it";
    let allowance = "and, under \"Actions\", \"General\": allow GitHub Actions to create pull requests";
    Values::new([
        // A JSON string is a YAML string, whatever is in it.
        ("branch", vec![serde_json::Value::from(facts.branch.as_str()).to_string()]),
        ("secret", facts.secrets.clone()),
        ("tool", tools(&facts.installs)),
        ("install", facts.installs.clone()),
        ("minutes", vec![facts.minutes.to_string()]),
        ("allowance", facts.pull_requests.then(|| allowance.to_owned()).into_iter().collect()),
        ("permission", facts.pull_requests.then(|| request.to_owned()).into_iter().collect()),
    ])
}
