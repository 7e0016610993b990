//! Timing whole commands, and the table of what came of it.

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

/// What a measurement should come to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// At most so many times as long as git.
    Ratio(f64),
    /// At most so many milliseconds.
    Millis(f64),
}

/// One line of the table.
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: String,
    /// Each run of orch, in milliseconds.
    pub(crate) orch: Vec<f64>,
    /// What git was asked, and each run of it.
    pub(crate) git: Option<(String, Vec<f64>)>,
    /// What it should come to.
    pub(crate) goal: Option<Goal>,
    /// The most memory that orch held, in MB, where it can be told.
    pub(crate) peak_mb: Option<f64>,
    /// The same of git.
    pub(crate) git_peak_mb: Option<f64>,
    /// What orch's memory should come to.
    pub(crate) room: Option<Room>,
}

/// How much memory orch may hold, in MB.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Room {
    /// At most so much.
    Most(f64),
    /// At most so much more than git.
    MoreThanGit(f64),
}

/// Runs a command to its end, which has to be a good one.
pub(crate) fn finish(command: Command) -> Duration {
    let mut command = command;
    let start = Instant::now();
    let output = command.output().expect("the program starts");
    let took = start.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}: {said}", output.status);
    took
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

/// Runs orch alone.
pub(crate) fn alone(rounds: usize, mut orch: impl FnMut() -> Command) -> Vec<f64> {
    (0..rounds).map(|_| millis(finish(orch()))).collect()
}

/// Runs orch and git in turn, so that both see the same load of the machine.
pub(crate) fn in_turn(
    rounds: usize,
    mut orch: impl FnMut() -> Command,
    mut git: impl FnMut() -> Command,
) -> (Vec<f64>, Vec<f64>) {
    (0..rounds).map(|_| (millis(finish(orch())), millis(finish(git())))).unzip()
}

/// The most memory that a command held, if GNU time is there to tell.
pub(crate) fn peak_mb(command: &Command) -> Option<f64> {
    let mut timed = Command::new("/usr/bin/time");
    timed.args(["-f", "peak %M"]).arg(command.get_program()).args(command.get_args());
    timed.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    timed.current_dir(command.get_current_dir()?).stdout(std::process::Stdio::null());
    let output = timed.output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let kilobytes: f64 =
        said.lines().rev().find_map(|line| line.strip_prefix("peak "))?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// How long a processor is at work for one run of a command: the mean of some, as the system counts them in
/// hundredths of a second.
pub(crate) fn processor_ms(rounds: usize, command: impl Fn() -> Command) -> f64 {
    let spent = || {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        // The times of ended children are the 16th and 17th field; two stand before the name's end.
        let ticks =
            after_name.split_whitespace().skip(13).take(2).filter_map(|field| field.parse::<f64>().ok());
        ticks.sum::<f64>() * 10.0
    };
    let before = spent();
    for _ in 0..rounds {
        finish(command());
    }
    (spent() - before) / f64::from(u32::try_from(rounds).unwrap_or(1))
}

/// The middle one.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn spread(values: &[f64], digits: usize) -> String {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(0.0, f64::max);
    format!("{:.digits$} ({low:.digits$}..{high:.digits$})", median(values))
}

impl Row {
    /// Each run of orch as a multiple of the run of git beside it.
    fn ratios(&self) -> Vec<f64> {
        let git = self.git.as_ref().map(|(_, times)| times.as_slice()).unwrap_or_default();
        self.orch.iter().zip(git).map(|(orch, git)| orch / git).collect()
    }

    fn is_met(&self) -> Option<bool> {
        match self.goal? {
            Goal::Ratio(most) => Some(median(&self.ratios()) <= most),
            Goal::Millis(most) => Some(median(&self.orch) <= most),
        }
    }

    /// As it is in the table.
    pub(crate) fn line(&self) -> String {
        let git =
            self.git.as_ref().map_or(String::new(), |(what, times)| format!("{what}: {}", spread(times, 1)));
        let ratio = if self.git.is_some() { spread(&self.ratios(), 2) } else { String::new() };
        let goal = match self.goal {
            Some(Goal::Ratio(most)) => format!("{most} × git"),
            Some(Goal::Millis(most)) => format!("{most} ms"),
            None => String::new(),
        };
        let met = self.is_met().map_or("", |met| if met { "yes" } else { "**no**" });
        let peak = self.peak_mb.map_or(String::new(), |peak| format!("{peak:.0}"));
        format!("| {} | {} | {git} | {ratio} | {goal} | {met} | {peak} |", self.what, spread(&self.orch, 1))
    }
}

/// The memory that has a goal, in Markdown.
pub(crate) fn memory(rows: &[Row]) -> String {
    let mut out = String::from("| memory | orch, MB | git, MB | goal | met |\n|---|---|---|---|---|\n");
    for row in rows {
        let Some(room) = row.room else { continue };
        let spell = |peak: Option<f64>| peak.map_or("not told".to_owned(), |peak| format!("{peak:.0}"));
        let (goal, most) = match room {
            Room::Most(most) => (format!("{most} MB"), Some(most)),
            Room::MoreThanGit(more) => (format!("git + {more} MB"), row.git_peak_mb.map(|git| git + more)),
        };
        let met = match (row.peak_mb, most) {
            (Some(peak), Some(most)) if peak <= most => "yes",
            (Some(_), Some(_)) => "**no**",
            (None, _) | (_, None) => "not measured",
        };
        let (what, orch, git) = (&row.what, spell(row.peak_mb), spell(row.git_peak_mb));
        let _ = writeln!(out, "| {what} | {orch} | {git} | {goal} | {met} |");
    }
    out
}

/// The table, in Markdown.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut out = String::from(
        "| what | orch, ms | git, ms | orch / git | goal | met | peak MB |\n|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let _ = writeln!(out, "{}", row.line());
    }
    out
}

/// The machine, and how busy it is.
pub(crate) fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unknown processor");
    let load: Vec<String> = read("/proc/loadavg").split(' ').take(2).map(str::to_owned).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.map_or(String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let temporary = std::env::temp_dir();
    let disk = said("df", &["--output=fstype", &temporary.to_string_lossy()]);
    let disk = disk.lines().last().unwrap_or_default();
    format!(
        "{cores} cores, {}, {disk}, {}; load {}",
        model.trim_start_matches([' ', '\t', ':']),
        said("git", &["--version"]),
        load.join(" ")
    )
}
