//! What a person types or edits so that an agent can work again.

use super::failure::FailureKind;
use super::sandbox::program_name;
use super::{FACTS, facts, program};
use crate::config::{Adapter, Profile};

/// What to do about a profile that failed in this way.
#[must_use]
pub fn todo(profile: &Profile, kind: FailureKind) -> String {
    let by_program = FACTS.iter().find(|known| known.program == program_name(profile));
    let known = by_program.unwrap_or(facts(profile.adapter));
    match kind {
        FailureKind::NotLoggedIn | FailureKind::BadKey if !known.login.is_empty() => {
            let keys: Vec<String> = known.keys.iter().map(|key| format!("`{key}`")).collect();
            let keys =
                if keys.is_empty() { String::new() } else { format!(", or set {}", keys.join(" or ")) };
            format!("type `{}`{keys} and name it in the profile's `env`", known.login)
        }
        FailureKind::Missing | FailureKind::WrongVersion if !known.install.is_empty() => {
            format!("type `{}`", known.install)
        }
        FailureKind::Missing if profile.adapter == Adapter::Command => {
            format!(
                "put an executable `{}` where the `command` of the agent `{}` says",
                program(profile),
                profile.name
            )
        }
        FailureKind::UnknownModel => {
            format!("set another `model` for the agent `{}` in `.orchestrator/config.toml`", profile.name)
        }
        FailureKind::Billing => "see to the billing of the account that the agent uses".to_owned(),
        FailureKind::RateLimit
        | FailureKind::UsageLimit
        | FailureKind::Overloaded
        | FailureKind::Server
        | FailureKind::Network
        | FailureKind::NotLoggedIn
        | FailureKind::BadKey
        | FailureKind::ContextOverflow
        | FailureKind::OutputLimit
        | FailureKind::Refusal
        | FailureKind::MaxTurns
        | FailureKind::Budget
        | FailureKind::Denied
        | FailureKind::Cut
        | FailureKind::Garbage
        | FailureKind::Crash
        | FailureKind::Hang
        | FailureKind::TimeLimit
        | FailureKind::Missing
        | FailureKind::WrongVersion
        | FailureKind::LostSession
        | FailureKind::BadRequest => {
            format!("see the agent `{}` in `.orchestrator/config.toml`", profile.name)
        }
    }
}
