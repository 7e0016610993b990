//! Variables that say where tools and what they keep lie, for gates and agents that need those tools.
//!
//! In: what was detected, and which variables are set. Out: the same with their names in `env`. Not here: what
//! changes what a tool does (`RUSTFLAGS`, `NODE_OPTIONS`, `PYTHONPATH`); that is for a person to name.

use super::GateConfig;
use super::detect::Detected;

/// Programs, as gates begin with them, each with its variables.
const HOMES: [(&str, &[&str]); 8] = [
    ("cargo", &["RUSTUP_HOME", "CARGO_HOME", "RUSTUP_TOOLCHAIN"]),
    ("npm", NODE),
    ("pnpm", NODE),
    ("yarn", NODE),
    ("python3", &["PYENV_ROOT", "PYENV_VERSION", "VIRTUAL_ENV", "CONDA_PREFIX"]),
    ("uv", &["UV_CACHE_DIR", "UV_PYTHON_INSTALL_DIR", "XDG_CACHE_HOME"]),
    ("poetry", &["POETRY_HOME", "POETRY_CACHE_DIR", "PYENV_ROOT", "PYENV_VERSION"]),
    ("go", &["GOROOT", "GOPATH", "GOMODCACHE", "GOCACHE", "GOTOOLCHAIN"]),
];
const NODE: &[&str] =
    &["NVM_DIR", "NODENV_ROOT", "VOLTA_HOME", "FNM_DIR", "COREPACK_HOME", "PNPM_HOME", "NPM_CONFIG_CACHE"];
/// Those of tools that only recipes call.
const OTHERS: &[&str] =
    &["JAVA_HOME", "MAVEN_HOME", "GRADLE_HOME", "GRADLE_USER_HOME", "SDKMAN_DIR", "RBENV_ROOT"];
/// Programs that run whatever a recipe says.
const RUNNERS: [&str; 2] = ["make", "just"];

/// Names what is set and where the tools of the gates look, for gates and agents.
pub fn name_homes(detected: &mut Detected, is_set: &dyn Fn(&str) -> bool) {
    let mut all: Vec<String> = Vec::new();
    for gate in &mut detected.gates {
        let names = homes(gate).into_iter().filter(|name| is_set(name)).map(str::to_owned);
        gate.env.extend(names);
        all.extend(gate.env.iter().filter(|name| !all.contains(name)).cloned().collect::<Vec<_>>());
    }
    for agent in &mut detected.agents {
        agent.env.extend(all.iter().cloned());
    }
}

fn homes(gate: &GateConfig) -> Vec<&'static str> {
    // A gate of a folder goes there first.
    let command = gate.run.split_once("&& ").map_or(&*gate.run, |(_, command)| command);
    let program = command.split_whitespace().next().unwrap_or_default();
    if RUNNERS.contains(&program) {
        let mut all: Vec<&str> = HOMES.iter().flat_map(|(_, names)| *names).chain(OTHERS).copied().collect();
        all.sort_unstable();
        all.dedup();
        return all;
    }
    let own = HOMES.iter().find(|(name, _)| *name == program);
    own.map(|(_, names)| names.to_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::detect::{Listing, detect};
    use super::*;

    fn named(files: &[&str], set: &[&str]) -> Detected {
        let files: Listing =
            files.iter().map(|path| ((*path).to_owned(), "test:\n\t./t\n".to_owned())).collect();
        let mut detected = detect(&files, &["claude".to_owned()].into());
        name_homes(&mut detected, &|name| set.contains(&name));
        detected
    }

    #[test]
    fn gates_and_agents_see_where_their_tools_are_where_that_is_set() {
        let set = ["CARGO_HOME", "JAVA_HOME", "GOROOT", "RUSTFLAGS", "HOME"];
        let rust = named(&["Cargo.toml", "go.mod"], &set);
        let env = |name: &str| rust.gates.iter().find(|gate| gate.name == name).unwrap().env.clone();
        assert_eq!(
            (env("cargo-test"), env("vet")),
            (vec!["CARGO_HOME".to_owned()], vec!["GOROOT".to_owned()])
        );
        assert!(["CARGO_HOME", "GOROOT"].iter().all(|name| rust.agents[0].env.contains(&(*name).to_owned())));
        let make = named(&["Makefile"], &set);
        assert_eq!(make.gates[0].env, ["CARGO_HOME", "GOROOT", "JAVA_HOME"]);
        assert!(named(&["Cargo.toml"], &["RUSTFLAGS"]).gates.iter().all(|gate| gate.env.is_empty()));
    }
}
