//! The agents of a project: installed, logged in, resting, and what they used.
//!
//! In: profiles, run records, rests, and what small programs answer. Out: one [`AgentState`] for each
//! profile. Invariant: no request to a model is made, and no program is asked twice the same.

use crate::agent::probe::{Login, login, question, version};
use crate::agent::{Facts, facts, program};
use crate::config::{Adapter, Profile};
use crate::effects::{EffectError, Finished, Invocation, Pool, World};
use crate::state::cooldown::{self, Cooldown};
use crate::state::problem::Problem;
use crate::state::run::{Tokens, plain_usd};
use crate::state::runs;
use crate::state::settle::settled;
use crate::state::store::Source;
use crate::step::env::{base_env, is_installed, set_variables};
use jiff::SignedDuration;
use std::path::{Path, PathBuf};

/// How far back what was used is summed: five years.
const PAST: SignedDuration = SignedDuration::from_hours(5 * 365 * 24);
/// How many questions are asked at a time.
const AT_ONCE: usize = 4;

/// What a machine has, beside what programs answer.
pub struct Machine<'m> {
    /// Whether a file is there.
    pub has_file: &'m dyn Fn(&Path) -> bool,
    /// Where the questions are asked.
    pub dir: PathBuf,
}

/// What a profile used so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Used {
    /// Runs.
    pub runs: u64,
    /// Tokens of all of them.
    pub tokens: Tokens,
    /// USD, of those whose cost is known; none where it is known of none.
    pub cost_usd: Option<f64>,
}

/// Whether a profile could be given work now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It could.
    Ready,
    /// Its program is not there.
    Missing,
    /// Nobody is logged in.
    LoggedOut,
    /// It rests.
    Resting,
}

/// How a profile stands.
#[derive(Debug, Clone)]
pub struct AgentState {
    /// The profile.
    pub profile: Profile,
    /// What its program is called.
    pub program: String,
    /// What is known of it.
    pub facts: &'static Facts,
    /// Of which version it is, where it said so.
    pub version: Option<String>,
    /// Whether it is there.
    pub installed: bool,
    /// Whether it is logged in; always, for those that need no login.
    pub login: Login,
    /// Until when it rests, and why.
    pub rest: Option<Cooldown>,
    /// What it used.
    pub used: Used,
}

impl AgentState {
    /// Whether it could be given work.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match (&self.login, &self.rest) {
            _ if !self.installed => Standing::Missing,
            (Login::Out, _) => Standing::LoggedOut,
            (Login::Unneeded | Login::In(_) | Login::Unknown(_), Some(_)) => Standing::Resting,
            (Login::Unneeded | Login::In(_) | Login::Unknown(_), None) => Standing::Ready,
        }
    }

    /// What a person does about it.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        let name = &self.profile.name;
        match self.standing() {
            Standing::Ready => None,
            Standing::Missing if self.facts.install.is_empty() => {
                Some(format!("`{name}`: put an executable `{}` where its `command` says", self.program))
            }
            Standing::Missing => Some(format!("`{name}`: type `{}`", self.facts.install)),
            Standing::LoggedOut => {
                let keys: Vec<&str> = self
                    .facts
                    .keys
                    .iter()
                    .copied()
                    .filter(|key| self.profile.env.iter().any(|name| name == key))
                    .collect();
                let or = if keys.is_empty() {
                    String::new()
                } else {
                    format!(", or set `{}`", keys.join("` or `"))
                };
                Some(format!("`{name}`: type `{}`{or}", self.facts.login))
            }
            Standing::Resting => {
                if let Some(Cooldown { why, todo: Some(todo), until, .. }) = &self.rest {
                    let last = format!("it is asked last until {until:.0}");
                    return Some(format!("`{name}` could not work: {why}; {todo}; {last}"));
                }
                let why = self.rest.as_ref().map_or("", |rest| &rest.why);
                Some(format!("`{name}` rests: {why}; others take its tasks meanwhile, where there are any"))
            }
        }
    }
}

/// Looks at every profile but the built-in shell.
///
/// # Errors
/// When the repository or the machine cannot be read.
pub fn look(
    world: World<'_>,
    source: &Source,
    profiles: &[Profile],
    machine: &Machine<'_>,
) -> Result<(Vec<AgentState>, Vec<Problem>), EffectError> {
    let now = world.clock.now();
    let rests = cooldown::load(world.files)?;
    let (digests, problems) = runs::since(world, source, now - PAST, now)?;
    let digests = settled(digests, |_| None, |_| Vec::new());
    let profiles: Vec<&Profile> =
        profiles.iter().filter(|profile| profile.adapter != Adapter::Shell).collect();
    let mut questions = Questions::default();
    for profile in &profiles {
        let known = facts(profile.adapter);
        if is_installed(world, profile) && !known.program.is_empty() {
            let env = environment(world, profile);
            questions.add(question(known, known.version, &env, &machine.dir));
            questions.add_some(known.auth.map(|words| question(known, words, &env, &machine.dir)));
        }
    }
    world.process.run_several(&mut questions)?;
    let states = profiles.into_iter().map(|profile| {
        let mut used = Used::default();
        for digest in digests.iter().filter(|digest| digest.is_by(&profile.name)) {
            used.runs += 1;
            for part in digest.parts.iter().filter(|part| part.agent == profile.name) {
                used.tokens = used.tokens + part.tokens;
                let sum = |usd| plain_usd(used.cost_usd.unwrap_or_default() + usd);
                used.cost_usd = part.cost_usd.map(sum).or(used.cost_usd);
            }
        }
        let rest = rests.iter().find(|rest| rest.profile == profile.name && rest.lasts(now));
        state(world, profile, &questions, machine, (rest.cloned(), used))
    });
    Ok((states.collect(), problems))
}

fn state(
    world: World<'_>,
    profile: &Profile,
    questions: &Questions,
    machine: &Machine<'_>,
    (rest, used): (Option<Cooldown>, Used),
) -> AgentState {
    let known = facts(profile.adapter);
    let env = environment(world, profile);
    let ask = |words: &[&str]| questions.answer(&question(known, words, &env, &machine.dir));
    let set: Vec<&str> = known
        .keys
        .iter()
        .copied()
        .filter(|key| env.iter().any(|(name, value)| name == key && !value.is_empty()))
        .collect();
    let login = if known.program.is_empty() {
        Login::Unneeded
    } else {
        login(known, known.auth.and_then(ask), &set, has_login_file(known, &env, machine))
    };
    AgentState {
        version: ask(known.version).and_then(version),
        profile: profile.clone(),
        facts: known,
        program: program(profile).to_owned(),
        installed: is_installed(world, profile),
        login,
        rest,
        used,
    }
}

fn environment(world: World<'_>, profile: &Profile) -> Vec<(String, String)> {
    let mut env = base_env(world);
    env.extend(set_variables(world, &profile.env));
    env
}

fn has_login_file(known: &Facts, env: &[(String, String)], machine: &Machine<'_>) -> bool {
    let value =
        |wanted: &str| env.iter().find(|(name, _)| name == wanted).map(|(_, value)| PathBuf::from(value));
    let moved = known.home.0.and_then(value);
    let folder = moved.or_else(|| Some(value("HOME")?.join(known.home.1)));
    match (known.login_file, folder) {
        (Some(file), Some(folder)) => (machine.has_file)(&folder.join(file)),
        (None, _) | (_, None) => false,
    }
}

/// Questions that are asked several at a time, and their answers.
#[derive(Default)]
struct Questions {
    asked: Vec<(Invocation, Option<Finished>)>,
    next: usize,
    running: usize,
}

impl Questions {
    fn add(&mut self, question: Invocation) {
        if self.asked.iter().all(|(other, _)| *other != question) {
            self.asked.push((question, None));
        }
    }

    fn add_some(&mut self, question: Option<Invocation>) {
        if let Some(question) = question {
            self.add(question);
        }
    }

    fn answer(&self, question: &Invocation) -> Option<&Finished> {
        self.asked.iter().find(|(other, _)| other == question)?.1.as_ref()
    }
}

impl Pool for Questions {
    fn start(&mut self) -> Option<(usize, Invocation)> {
        if self.running >= AT_ONCE {
            return None;
        }
        let (question, _) = self.asked.get(self.next)?;
        self.running += 1;
        self.next += 1;
        Some((self.next - 1, question.clone()))
    }

    fn ended(&mut self, id: usize, finished: Finished) {
        self.running -= 1;
        if let Some((_, answer)) = self.asked.get_mut(id) {
            *answer = Some(finished);
        }
    }
}
