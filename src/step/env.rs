//! What a program that orch runs sees of orch's own environment.

use crate::agent::keys::is_secret;
use crate::agent::program;
use crate::agent::redact::Redactor;
use crate::config::Profile;
use crate::effects::{PUSH_TOKEN, World};

/// The variables that every program sees, where they are set.
const BASE_ENV: [&str; 5] = ["PATH", "HOME", "LANG", "TERM", "TMPDIR"];

/// The variables that every program sees.
#[must_use]
pub fn base_env(world: World<'_>) -> Vec<(String, String)> {
    set_variables(world, &BASE_ENV.map(str::to_owned))
}

/// Of these variables those that are set; never what pushes.
#[must_use]
pub fn set_variables(world: World<'_>, names: &[String]) -> Vec<(String, String)> {
    // A secret that a CI service does not have is a variable that is empty.
    let set = |name: &String| world.process.env(name).filter(|value| !value.is_empty());
    let seen = names.iter().filter(|name| *name != PUSH_TOKEN);
    seen.filter_map(|name| Some((name.clone(), set(name)?))).collect()
}

/// Who takes out of what is written what programs are given by these names, as far as it is secret.
pub fn redactor<'n>(world: World<'_>, names: impl IntoIterator<Item = &'n String>) -> Redactor {
    let secret = |name: &'n String| world.process.env(name).filter(|value| is_secret(name, value));
    let values: Vec<String> = names.into_iter().filter_map(secret).collect();
    Redactor::new(values.iter().map(String::as_str))
}

/// Whether the program of a profile is on this machine. A path that begins nowhere is of the workspace, and looked
/// up there when it runs.
#[must_use]
pub fn is_installed(world: World<'_>, profile: &Profile) -> bool {
    let program = program(profile);
    let of_the_workspace = program.contains('/') && !program.starts_with('/');
    program.is_empty() || of_the_workspace || world.process.has_program(program)
}
