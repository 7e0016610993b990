//! Agents one a line: what is there, who is logged in, who rests, what was used.
//!
//! In: [`AgentState`]s. Out: for people a table, for programs a document.

use super::table::{Cell, Table};
use crate::agent::probe::Login;
use crate::state::run::spell_usd;
use crate::upkeep::agents::{AgentState, Standing};
use anstyle::AnsiColor;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The word for how an agent stands.
#[must_use]
pub fn word(standing: &Standing) -> &'static str {
    match standing {
        Standing::Ready => "ready",
        Standing::Missing => "missing",
        Standing::LoggedOut => "logged_out",
        Standing::Resting => "resting",
    }
}

/// Profiles, for people.
#[must_use]
pub fn human(states: &[AgentState], now: Timestamp, width: Option<usize>, colour: bool) -> String {
    let mut table =
        Table::with_head(&["AGENT", "PROGRAM", "MODEL", "TRUSTED", "STANDS", "RUNS", "TOKENS", "USD"]);
    for state in states {
        let version = state.version.as_deref().map_or_else(String::new, |version| format!(" {version}"));
        let tokens = state.used.tokens.total();
        table.row([
            Cell::new(&state.profile.name),
            Cell::new(format!("{}{version}", state.program)),
            Cell::new(state.profile.model.as_deref().unwrap_or("-")),
            Cell::right(state.profile.capability.to_string()),
            stands(state, now),
            Cell::right(state.used.runs.to_string()),
            Cell::right(if tokens == 0 { "-".to_owned() } else { super::spell_count(tokens) }),
            Cell::right(
                state.used.cost_usd.map_or_else(|| "-".to_owned(), |usd| spell_usd(usd).replace('$', "")),
            ),
        ]);
    }
    table.render(width, colour)
}

/// Logins, for people.
#[must_use]
pub fn human_login(states: &[AgentState], width: Option<usize>, colour: bool) -> String {
    let mut table = Table::with_head(&["AGENT", "PROGRAM", "LOGIN", "BY"]);
    for state in states {
        let (text, by) = match &state.login {
            _ if !state.installed => ("not installed", String::new()),
            Login::Unneeded => ("not needed", String::new()),
            Login::In(by) => ("logged in", by.clone()),
            Login::Out => ("logged out", String::new()),
            Login::Unknown(why) => ("unknown", why.clone()),
        };
        let fine = matches!(text, "logged in" | "not needed");
        let style = if fine { AnsiColor::Green } else { AnsiColor::Yellow };
        table.row([
            Cell::new(&state.profile.name),
            Cell::new(&state.program),
            Cell::new(text).styled(style.on_default()),
            Cell::new(by),
        ]);
    }
    table.render(width, colour)
}

fn stands(state: &AgentState, now: Timestamp) -> Cell {
    let (text, style) = match state.standing() {
        Standing::Ready => ("ready".to_owned(), AnsiColor::Green),
        Standing::Missing => ("not installed".to_owned(), AnsiColor::Yellow),
        Standing::LoggedOut => ("logged out".to_owned(), AnsiColor::Yellow),
        Standing::Resting => {
            let until = state.rest.as_ref().map_or(now, |rest| rest.until);
            (format!("rests until {}", until.strftime("%Y-%m-%d %H:%M UTC")), AnsiColor::Yellow)
        }
    };
    Cell::new(text).styled(style.on_default())
}

/// A profile, for programs.
#[must_use]
pub fn shape(state: &AgentState) -> Value {
    let (login, by) = match &state.login {
        Login::Unneeded => ("not_needed", None),
        Login::In(by) => ("logged_in", Some(by)),
        Login::Out => ("logged_out", None),
        Login::Unknown(why) => ("unknown", Some(why)),
    };
    json!({
        "name": state.profile.name,
        "adapter": state.profile.adapter.as_str(),
        "program": state.program,
        "installed": state.installed,
        "version": state.version,
        "tested_version": Some(state.facts.tested).filter(|tested| !tested.is_empty()),
        "model": state.profile.model,
        "capability": state.profile.capability,
        "context_window": state.profile.context_window,
        "standing": word(&state.standing()),
        "login": login,
        "login_by": by,
        "retry_after": state.rest.as_ref().map(|rest| rest.until.to_string()),
        "rests_because": state.rest.as_ref().map(|rest| rest.why.clone()),
        "runs": state.used.runs,
        "tokens": {
            "input": state.used.tokens.input,
            "cached": state.used.tokens.cached,
            "output": state.used.tokens.output,
        },
        "cost_usd": state.used.cost_usd.or((state.used.runs == 0).then_some(0.0)),
        "remedy": state.remedy(),
    })
}
