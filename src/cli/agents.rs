//! `orch agents` and `orch auth`: who could be given work, and who is logged in.

use super::context::Global;
use super::error::CliError;
use super::exit::Exit;
use super::output::Answer;
use super::reading::Reading;
use crate::agent::FACTS;
use crate::effects::os::process::on_path;
use crate::report::agents::{human, human_login, shape};
use crate::report::status::not_committed;
use crate::state::layout;
use crate::upkeep::agents::{AgentState, Machine, Standing, look};
use serde_json::{Value, json};

/// List agent profiles: what is installed, ready or resting, and what it used so far
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Show which agents are logged in, and how to log in, without spending a token
#[derive(Debug, clap::Args)]
pub(super) struct AuthArgs {}

/// Lists the profiles.
pub(super) fn run(global: &Global, _: &Args) -> Result<Answer, CliError> {
    let (reading, states) = looked(global)?;
    let now = reading.context.world().clock.now();
    let human = human(&states, now, global.width(), global.colour_out());
    let mut answer = Answer::ok(data(&states), human);
    for facts in FACTS.iter().filter(|facts| on_path(facts.program)) {
        if states.iter().all(|state| state.profile.adapter != facts.adapter) {
            answer.hints.push(format!(
                "`{0}` is installed and no profile uses it: add an `[[agent]]` with `adapter = \"{0}\"`",
                facts.program
            ));
        }
    }
    Ok(with_remedies(answer, &reading, &states))
}

/// Shows the logins.
pub(super) fn auth(global: &Global, _: &AuthArgs) -> Result<Answer, CliError> {
    let (reading, states) = looked(global)?;
    let human = human_login(&states, global.width(), global.colour_out());
    let usable = states.iter().any(|state| matches!(state.standing(), Standing::Ready | Standing::Resting));
    let exit = if usable { Exit::Ok } else { Exit::NoAgent };
    Ok(with_remedies(Answer::ok(data(&states), human).exit(exit), &reading, &states))
}

fn looked(global: &Global) -> Result<(Reading, Vec<AgentState>), CliError> {
    let mut reading = Reading::open_and_compare(global, None)?;
    let world = reading.context.world();
    let machine = Machine { has_file: &|path| path.is_file(), dir: world.files.root().to_owned() };
    let profiles = reading.config.as_ref().map_or(&[][..], |config| &config.agents);
    let (states, problems) = look(world, &reading.snapshot.source, profiles, &machine)?;
    reading.problems.extend(problems);
    Ok((reading, states))
}

fn data(states: &[AgentState]) -> Value {
    json!({"agents": states.iter().map(shape).collect::<Vec<_>>()})
}

fn with_remedies(mut answer: Answer, reading: &Reading, states: &[AgentState]) -> Answer {
    let mut remedies: Vec<String> = states.iter().filter_map(AgentState::remedy).collect();
    remedies.dedup_by(|a, b| {
        a.split_once(": ").map(|(_, todo)| todo) == b.split_once(": ").map(|(_, todo)| todo)
    });
    if states.is_empty() {
        let hint = "no agent profile is configured: add an `[[agent]]` to `.orchestrator/config.toml`: `orch help config` shows one";
        answer.hints.push(hint.to_owned());
    }
    answer.hints.extend(remedies);
    answer.warnings = reading.warnings();
    // What is shown is what the file says, which no step sees before it is committed.
    let edited =
        reading.uncommitted.as_deref().filter(|paths| paths.iter().any(|path| path == layout::CONFIG));
    answer.warnings.extend(edited.and_then(|paths| not_committed(paths, reading.unfit)));
    answer
}
