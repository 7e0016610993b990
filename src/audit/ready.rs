//! Whether steps could run: trust in the repository's commands, and the programs of agents.

use super::machine::Check;
use crate::agent::{adapter_word, facts, program};
use crate::config::{Adapter, Budget, Profile};
use crate::step::{Base, Caller};

/// Adapters whose programs people install.
const AGENTS: [Adapter; 6] =
    [Adapter::Claude, Adapter::Codex, Adapter::Gemini, Adapter::Opencode, Adapter::Copilot, Adapter::Aider];

/// Whether the commands at a base are trusted.
#[must_use]
pub fn trust(base: &Base, caller: &Caller) -> Check {
    match base.check_trust(caller) {
        Ok(()) => Check::ok("trust", "the commands of this repository are trusted"),
        Err(_) => Check::warning(
            "trust",
            "the commands of this repository are not trusted, so no step runs",
            "type `orch trust` to see and trust them",
        ),
    }
}

/// Whether a profile could be run now.
#[must_use]
pub fn profile(profile: &Profile, has_program: &dyn Fn(&str) -> bool) -> Check {
    let word = adapter_word(profile.adapter);
    let program = if profile.adapter == Adapter::Shell { "sh" } else { program(profile) };
    // A path that begins nowhere is of the workspace, and looked up there when it runs.
    if (program.contains('/') && !program.starts_with('/')) || has_program(program) {
        return Check::ok("profile", format!("`{}` ({word}: {program})", profile.name));
    }
    let place = if program.starts_with('/') { "there" } else { "on `PATH`" };
    let detail = format!("`{}` needs `{program}`, which is not {place}", profile.name);
    let known = facts(profile.adapter).install;
    let hint = if known.is_empty() { format!("install `{program}`") } else { format!("type `{known}`") };
    Check::warning("profile", detail, hint)
}

/// Whether a budget in USD counts what a profile uses; none where it does, or there is no such budget.
#[must_use]
pub fn price(profile: &Profile, budget: &Budget) -> Option<Check> {
    let key = budget.in_usd()?;
    // Claude Code knows what it costs.
    let is_known = profile.price.is_some() || matches!(profile.adapter, Adapter::Claude | Adapter::Shell);
    let name = &profile.name;
    let detail = format!("`{key}` counts of `{name}` only what it says that it cost: its price is not known");
    let hint =
        format!("set `price` of the agent `{name}` in `.orchestrator/config.toml`, or a budget in tokens");
    (!is_known).then(|| Check::warning("budget", detail, hint))
}

/// The agents that are installed, in any profile or none.
#[must_use]
pub fn installed(has_program: &dyn Fn(&str) -> bool) -> Check {
    let found: Vec<&str> = AGENTS.into_iter().map(adapter_word).filter(|name| has_program(name)).collect();
    Check::ok("agents", if found.is_empty() { "none on `PATH`".to_owned() } else { found.join(", ") })
}

#[cfg(test)]
mod tests {
    use super::super::machine::Health;
    use super::*;

    #[test]
    fn a_profile_is_as_ready_as_its_program_is_there() {
        let claude = Profile::new("strong", Adapter::Claude);
        let here = profile(&claude, &|name| name == "claude");
        assert_eq!((here.health, here.detail.as_str()), (Health::Ok, "`strong` (claude: claude)"));
        let missing = profile(&claude, &|_| false);
        assert_eq!(missing.detail, "`strong` needs `claude`, which is not on `PATH`");
        assert!(missing.hint.is_some_and(|hint| hint.starts_with("type `")), "it says how to install it");
    }

    #[test]
    fn a_budget_in_money_needs_a_price() {
        let budget = Budget { day_usd: Some(1.0), ..Budget::default() };
        let said = |adapter, budget: &Budget| price(&Profile::new("one", adapter), budget);
        let told = said(Adapter::Gemini, &budget).expect("a warning");
        assert!(
            told.detail.starts_with("`budget.day_usd` counts of `one` only what it says"),
            "{}",
            told.detail
        );
        assert!(said(Adapter::Claude, &budget).is_none() && said(Adapter::Shell, &budget).is_none());
        let in_tokens = Budget { day_tokens: Some(1), ..Budget::default() };
        assert!(said(Adapter::Gemini, &in_tokens).is_none());
    }

    #[test]
    fn a_command_of_the_repository_is_looked_up_when_it_runs() {
        let own = Profile { command: vec!["./agent".to_owned()], ..Profile::new("own", Adapter::Command) };
        assert_eq!(profile(&own, &|_| false).health, Health::Ok);
        let gone = Profile { command: vec!["agent".to_owned()], ..own };
        assert_eq!(profile(&gone, &|_| false).hint.as_deref(), Some("install `agent`"));
    }

    #[test]
    fn agents_that_are_installed_are_named() {
        assert_eq!(installed(&|name| name != "claude").detail, "codex, gemini, opencode, copilot, aider");
        assert_eq!(installed(&|_| false).detail, "none on `PATH`");
    }
}
