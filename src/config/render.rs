//! The `config.toml` that `orch init` writes.
//!
//! In: what was detected. Out: TOML 1.0 text that says only what was decided.
//! Invariant: [`read`](super::read::read) reads the text back to the same gates, agents and setup.

use super::detect::Detected;
use super::{CoverageConfig, GateConfig, MetricConfig, Price, Profile, duration};
use std::fmt::Write as _;

const HEAD: &str = "\
# How orch works on this repository. What is not said here has a default: `orch doctor -v` shows
# each setting and where it came from, `orch trust` the commands that are named here.
schema = 1
";

const NO_AGENT: &str = "
# No agent was found on this machine. Any program can be one:
# [[agent]]
# name = \"script\"
# adapter = \"command\"
# command = [\"./tools/agent.sh\"]
# capability = 7
";

const NO_GATE: &str = "
# No gate was found to fit this repository. Any command can be one; it passes by exit status 0:
# [[gate]]
# name = \"test\"
# run = \"make test\"
";

/// Writes the text of `config.toml`.
#[must_use]
pub fn render(detected: &Detected) -> String {
    let mut text = HEAD.to_owned();
    workspace(&mut text, detected);
    if detected.agents.is_empty() {
        text.push_str(NO_AGENT);
    } else {
        text.push_str(
            "\n# Who works. `capability` is the highest complexity (1..10) that an agent is trusted with, `env`\n\
             # what it may see of the environment. `price` is in USD per million tokens; it and `context_window`\n\
             # may be left out where orch knows the model.\n",
        );
    }
    for (at, profile) in detected.agents.iter().enumerate() {
        text.push_str(if at == 0 { "[[agent]]\n" } else { "\n[[agent]]\n" });
        agent(&mut text, profile);
    }
    if detected.gates.is_empty() {
        text.push_str(NO_GATE);
    } else {
        text.push_str(
            "\n# What work has to pass. Each command is run by `sh -c` in the tree that is judged.\n",
        );
    }
    for (at, config) in detected.gates.iter().enumerate() {
        text.push_str(if at == 0 { "[[gate]]\n" } else { "\n[[gate]]\n" });
        gate(&mut text, config);
    }
    text
}

fn workspace(text: &mut String, detected: &Detected) {
    if detected.setup.is_none() && detected.keep.is_empty() {
        return;
    }
    text.push_str("\n[workspace]\n");
    if let Some(setup) = &detected.setup {
        text.push_str("# Prepares a workspace.\n");
        line(text, "setup", &quote(setup));
    }
    if !detected.keep.is_empty() {
        text.push_str("# What gates find again of what gates before them left; no agent works there.\n");
        line(text, "keep", &list(&detected.keep));
    }
}

fn line(text: &mut String, key: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{key} = {value}");
}

fn agent(text: &mut String, profile: &Profile) {
    let usual = Profile::new("", profile.adapter);
    line(text, "name", &quote(&profile.name));
    line(text, "adapter", &quote(profile.adapter.as_str()));
    if !profile.command.is_empty() {
        line(text, "command", &list(&profile.command));
    }
    if profile.prompt != usual.prompt {
        line(text, "prompt", &quote(profile.prompt.as_str()));
    }
    if let Some(model) = &profile.model {
        line(text, "model", &quote(model));
    }
    if let Some(effort) = &profile.effort {
        line(text, "effort", &quote(effort));
    }
    line(text, "capability", &profile.capability.to_string());
    if let Some(tokens) = profile.context_window {
        line(text, "context_window", &tokens.to_string());
    }
    if let Some(Price { input, cached, output }) = profile.price {
        let [input, cached, output] = [input, cached, output].map(number);
        line(text, "price", &format!("{{ input = {input}, cached = {cached}, output = {output} }}"));
    }
    if profile.max_parallel != usual.max_parallel {
        line(text, "max_parallel", &profile.max_parallel.to_string());
    }
    if profile.timeout != usual.timeout {
        line(text, "timeout", &quote(&duration::spell(profile.timeout)));
    }
    if profile.idle_timeout != usual.idle_timeout {
        line(text, "idle_timeout", &quote(&duration::spell(profile.idle_timeout.unwrap_or_default())));
    }
    if !profile.env.is_empty() {
        line(text, "env", &list(&profile.env));
    }
    if !profile.writable.is_empty() {
        line(text, "writable", &list(&profile.writable));
    }
    if profile.sandbox != usual.sandbox {
        line(text, "sandbox", &quote(&profile.sandbox));
    }
    if profile.network != usual.network {
        line(text, "network", &profile.network.to_string());
    }
}

fn gate(text: &mut String, gate: &GateConfig) {
    let usual = GateConfig::new("", "");
    line(text, "name", &quote(&gate.name));
    line(text, "run", &quote(&gate.run));
    if gate.timeout != usual.timeout {
        line(text, "timeout", &quote(&duration::spell(gate.timeout)));
    }
    if gate.required != usual.required {
        line(text, "required", &gate.required.to_string());
    }
    if !gate.needs.is_empty() {
        line(text, "needs", &list(&gate.needs));
    }
    if let Some(config) = &gate.metric {
        line(text, "metric", &metric(config));
    }
    if !gate.env.is_empty() {
        line(text, "env", &list(&gate.env));
    }
    reports(text, gate);
    for (key, value, usual) in [
        ("clean", gate.clean, usual.clean),
        ("cache", gate.cache, usual.cache),
        ("red-green", gate.red_green, usual.red_green),
    ] {
        if value != usual {
            line(text, key, &value.to_string());
        }
    }
    if gate.retries != usual.retries {
        line(text, "retries", &gate.retries.to_string());
    }
}

fn reports(text: &mut String, gate: &GateConfig) {
    if let Some(files) = &gate.junit {
        line(text, "junit", &quote(files));
    }
    if let Some(CoverageConfig { file, min, changed_min, max_drop }) = &gate.coverage {
        let bound = |key: &str, value: &Option<f64>| {
            value.map_or_else(String::new, |value| format!(", {key} = {}", number(value)))
        };
        let bounds = [("min", min), ("changed_min", changed_min), ("max_drop", max_drop)]
            .map(|(key, value)| bound(key, value));
        line(text, "coverage", &format!("{{ file = {}{} }}", quote(file), bounds.concat()));
    }
}

fn metric(metric: &MetricConfig) -> String {
    let bound = |key: &str, value: Option<f64>| {
        value.map_or_else(String::new, |value| format!(", {key} = {}", number(value)))
    };
    let (name, regex) = (quote(&metric.name), quote(&metric.regex));
    format!("{{ name = {name}, regex = {regex}{}{} }}", bound("min", metric.min), bound("max", metric.max))
}

/// A number, whole ones without a point.
fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 { format!("{value:.0}") } else { format!("{value:?}") }
}

fn list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| quote(text)).collect::<Vec<_>>().join(", "))
}

/// A TOML string: a literal one where backslashes would be doubled, else a basic one.
fn quote(text: &str) -> String {
    if text.contains(['\\', '"']) && !text.contains('\'') && !text.chars().any(char::is_control) {
        return format!("'{text}'");
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::detect::{Listing, PROGRAMS, WANTED, detect};
    use crate::config::read::{Layers, read};
    use crate::config::{Adapter, Config, PromptBy};
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::time::Duration;

    fn read_back(text: &str) -> Config {
        let read = read(&Layers { repository: Some(text.as_bytes()), user: None });
        assert_eq!(read.problems, [], "{text}");
        read.value.unwrap()
    }

    fn is_read_back(detected: &Detected) {
        let config = read_back(&render(detected));
        assert_eq!(config.gates, detected.gates);
        assert_eq!(config.agents[..config.agents.len() - 1], detected.agents, "the built-in one comes last");
        assert_eq!(config.workspace.setup, detected.setup);
        assert_eq!(config.workspace.keep, detected.keep);
    }

    fn programs() -> BTreeSet<String> {
        PROGRAMS.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_init_writes_says_only_what_was_decided() {
        let files = Listing::from([("Cargo.toml".to_owned(), String::new())]);
        let programs = ["cargo", "gemini"].map(str::to_owned).into();
        let detected = detect(&files, &programs);
        insta::assert_snapshot!(render(&detected), @r#"
        # How orch works on this repository. What is not said here has a default: `orch doctor -v` shows
        # each setting and where it came from, `orch trust` the commands that are named here.
        schema = 1

        [workspace]
        # What gates find again of what gates before them left; no agent works there.
        keep = ["target"]

        # Who works. `capability` is the highest complexity (1..10) that an agent is trusted with, `env`
        # what it may see of the environment. `price` is in USD per million tokens; it and `context_window`
        # may be left out where orch knows the model.
        [[agent]]
        name = "gemini"
        adapter = "gemini"
        capability = 7
        env = ["GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"]

        # What work has to pass. Each command is run by `sh -c` in the tree that is judged.
        [[gate]]
        name = "build"
        run = "cargo check --bins --tests --examples"
        timeout = "30m"

        [[gate]]
        name = "test"
        run = "cargo test"
        timeout = "30m"
        needs = ["build"]
        metric = { name = "passed", regex = '(\d+) passed', min = 1 }
        "#);
        is_read_back(&detected);
    }

    #[test]
    fn a_repository_where_nothing_is_found_gets_examples() {
        let text = render(&Detected::default());
        assert!(text.contains("# No agent was found") && text.contains("# No gate was found"));
        is_read_back(&Detected::default());
        let uncommented: String = text
            .lines()
            .map(|line| line.strip_prefix("# ").unwrap_or(line))
            .filter(|line| line.contains(" = ") || line.starts_with('['))
            .fold(String::new(), |all, line| all + line + "\n");
        let config = read_back(&uncommented);
        assert_eq!((config.agents.len(), config.gates.len()), (2, 1), "the examples are correct");
    }

    #[test]
    fn every_key_of_an_entry_is_read_back() {
        let agent = Profile {
            command: vec!["./a b".to_owned(), "it's \"x\" \\".to_owned(), "é\n\t".to_owned()],
            prompt: PromptBy::File,
            model: Some("m".to_owned()),
            effort: Some("high".to_owned()),
            capability: 1,
            context_window: Some(200_000),
            price: Some(Price { input: 2.5, cached: 0.1, output: 10.0 }),
            max_parallel: 4,
            timeout: Duration::from_secs(90),
            idle_timeout: None,
            env: vec!["A".to_owned()],
            sandbox: "none".to_owned(),
            network: false,
            ..Profile::new("a.b", Adapter::Command)
        };
        let metric = MetricConfig {
            name: "m".to_owned(),
            regex: "'(\\d+)\"".to_owned(),
            min: Some(-0.5),
            max: Some(1e15),
        };
        let gate = GateConfig {
            timeout: Duration::from_secs(3_661),
            required: false,
            needs: vec!["first".to_owned()],
            metric: Some(metric),
            env: vec!["CI".to_owned()],
            retries: 2,
            clean: true,
            cache: false,
            red_green: true,
            junit: Some("out/TEST-*.xml".to_owned()),
            coverage: Some(CoverageConfig {
                file: "lcov.info".to_owned(),
                min: Some(85.0),
                changed_min: None,
                max_drop: Some(0.5),
            }),
            ..GateConfig::new("second", "a \\\n  'b'")
        };
        is_read_back(&Detected {
            agents: vec![agent],
            gates: vec![gate, GateConfig::new("first", "true")],
            setup: Some("x".to_owned()),
            keep: vec!["target".to_owned()],
            ..Detected::default()
        });
    }

    proptest! {
        #[test]
        fn whatever_is_detected_is_read_back(chosen in proptest::collection::vec(any::<bool>(), WANTED.len()), tools in proptest::collection::vec(any::<bool>(), PROGRAMS.len())) {
            let content = |name: &str| match name {
                "package.json" => r#"{"scripts": {"test": "a", "lint": "b", "build": "c"}, "dependencies": {"x": "1"}}"#,
                "Makefile" | "justfile" => "test:\n\tx\ncheck:\n\ty\n",
                "pytest.ini" => "[pytest]\naddopts = -q\n",
                _ => "",
            };
            let files = WANTED.iter().zip(chosen).filter(|(_, chosen)| *chosen)
                .map(|(name, _)| ((*name).to_owned(), content(name).to_owned())).collect();
            let programs = programs().into_iter().zip(tools).filter(|(_, has)| *has).map(|(name, _)| name).collect();
            is_read_back(&detect(&files, &programs));
        }

        #[test]
        fn any_command_is_read_back(setup in "[a-z][ -~\n\té]{0,40}") {
            is_read_back(&Detected { setup: Some(setup), ..Detected::default() });
        }
    }
}
