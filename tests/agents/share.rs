//! A measurement: how much of a step with a real agent is orch's own.

use crate::model::{Model, say, shell};
use crate::place::{Cli, Place};
use serde_json::Value;
use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// How many steps are measured.
const STEPS: usize = 11;

/// What was measured of one step.
struct Share {
    wall_ms: f64,
    agent_ms: f64,
    peak_mb: f64,
}

fn measure(place: &Place, number: usize) -> Share {
    place.task(&format!("t-{number}"), "Make a file");
    let began = Instant::now();
    let mut orch =
        place.command("orch").args(["step", "--json"]).stdout(Stdio::piped()).spawn().expect("orch starts");
    let peak_mb = peak(&mut orch);
    let wall_ms = began.elapsed().as_secs_f64() * 1e3;
    let said = orch.wait_with_output().expect("orch ends").stdout;
    let said: Value = serde_json::from_slice(&said).expect("a document");
    assert_eq!(said["exit"], 0, "{said:#}");
    let record = place.record();
    let took = |list: &str| -> f64 {
        let entries = record[list].as_array().expect("a list");
        let ms = entries.iter().filter_map(|entry| entry["duration_ms"].as_integer()).sum::<i64>();
        Duration::from_millis(ms.try_into().expect("time passes")).as_secs_f64() * 1e3
    };
    Share { wall_ms, agent_ms: took("attempt"), peak_mb }
}

/// The most memory that a process ever had, looked at until it ends.
#[expect(clippy::disallowed_methods, reason = "between two looks")]
fn peak(orch: &mut Child) -> f64 {
    let mut peak = 0.0;
    while orch.try_wait().expect("a child").is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", orch.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let kb = line.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
        peak = kb.map_or(peak, |kb| kb / 1024.0);
        std::thread::sleep(Duration::from_millis(2));
    }
    peak
}

#[expect(clippy::print_stdout, reason = "a measurement is printed")]
fn table(cli: Cli) {
    let Some(mut place) = Place::new(cli) else { return };
    let model = Model::new(|asked| match asked.results {
        0 => shell("date +%N >> made.txt"),
        _ => say("Done."),
    });
    let env = place.point(cli, &model);
    place.configure(cli, &env, "", "");
    let mut shares: Vec<Share> = (0..STEPS).map(|number| measure(&place, number)).collect();
    // The first one prepares what the others find.
    shares.remove(0);
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        format!("{:.0} ({:.0}..{:.0})", values[values.len() / 2], values[0], values[values.len() - 1])
    };
    let of = |value: fn(&Share) -> f64| median(shares.iter().map(value).collect());
    println!(
        "| {} | {} | {} | {} | {} |",
        cli.program(),
        of(|share| share.wall_ms),
        of(|share| share.agent_ms),
        of(|share| share.wall_ms - share.agent_ms),
        of(|share| share.peak_mb),
    );
}

#[test]
#[ignore = "a measurement: cargo test --release --test agents -- --ignored --nocapture --test-threads=1"]
fn how_much_of_a_step_is_orchs_own() {
    println!(
        "| agent | step, ms | agent's own, ms | orch's own, ms | orch's peak, MB |\n|---|---|---|---|---|"
    );
    table(Cli::Claude);
    table(Cli::Codex);
}
