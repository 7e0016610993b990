//! The command line: one thin file per command, which decides nothing.

pub mod exit;
pub mod error;
pub mod output;
pub mod context;
mod hint;
mod question;
mod one_of;
mod flags;
mod fleet;
mod init;
mod add;
mod next;
mod waits;
mod step;
mod end;
mod tally;
mod worker;
mod workspaces;
mod jobs;
mod run;
mod shift;
mod prompt;
mod plan;
mod planned;
mod transition;
mod undo;
mod trust;
mod demo;
mod demo_files;
mod demo_place;
mod topics;
mod reading;
mod damage;
mod edited;
mod tip;
mod branches;
mod list;
mod show;
mod status;
mod log;
mod picture;
mod graph;
mod completions;
mod man;
mod home;
mod import;
mod export_place;
mod close;
mod export;
mod ingest;
mod ci;
mod ci_place;
mod crontab;
mod unopened;
mod request;
mod edit;
mod archive;
mod migrate;
mod fsck;
mod conflicts;
mod doctor;
mod agents;
mod gate;
mod explain;
mod verify;
mod note;
mod notes;
mod checkpoint;
mod sandbox_exec;
mod mcp;
mod route;
mod estimate;
mod trends;
mod report;
mod help;
mod elsewhere;
mod unknown;
mod command_line;

use clap::{Parser, Subcommand};
pub use command_line::{read, refused};
use context::Global;
use error::CliError;
pub use output::Printed;
use output::{Answer, Format, Style, render};

/// A git-native orchestrator for coding agents.
///
/// The task graph, decisions and run records live under `.orchestrator/`, committed to git beside
/// the code. Each step takes the next runnable task, runs one agent on it, gates the result, and
/// commits code, state and evidence in one commit, or nothing.
#[derive(Debug, Parser)]
#[command(name = "orch", version, propagate_version = true, arg_required_else_help = true)]
#[command(args_override_self = true, disable_help_subcommand = true)]
#[command(
    after_help = "Begin with `orch init`, then `orch add \"what to do\"`, then `orch step`.\nSee it work first: `orch demo`.\nMore: `orch help TOPIC`; topics: config, exit-codes, environment, files, formats, gates, sandbox, sessions, ci."
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Add(add::Args),
    Next(next::Args),
    Step(step::Args),
    Run(run::Args),
    Prompt(prompt::Args),
    Plan(plan::PlanArgs),
    Split(plan::SplitArgs),
    /// Approve a proposed task, or work that waits for a review
    Approve(transition::ApproveArgs),
    /// Send work back with a reason, or decline a proposed task
    Reject(transition::Args),
    /// Keep a task from running until it is unblocked
    Block(transition::Args),
    /// Let a blocked task run again
    Unblock(transition::Args),
    /// Give a task up
    Cancel(transition::Args),
    /// Take a done or cancelled task up again
    Reopen(transition::Args),
    Undo(undo::Args),
    Trust(trust::Args),
    Demo(demo::Args),
    #[command(hide = true, help_template = topics::TEMPLATE, long_about = topics::config())]
    Config,
    #[command(hide = true, help_template = topics::TEMPLATE, long_about = topics::EXIT_CODES)]
    ExitCodes,
    #[command(hide = true, help_template = topics::TEMPLATE, long_about = topics::ENVIRONMENT)]
    Environment,
    #[command(hide = true, help_template = topics::TEMPLATE, long_about = topics::FILES)]
    Files,
    #[command(hide = true, help_template = topics::TEMPLATE, long_about = topics::FORMATS)]
    Formats,
    #[command(hide = true, help_template = topics::TEMPLATE, long_about = topics::GATES)]
    Gates,
    #[command(hide = true, help_template = topics::TEMPLATE, long_about = topics::SANDBOX)]
    Sandbox,
    #[command(hide = true, help_template = topics::TEMPLATE, long_about = topics::SESSIONS)]
    Sessions,
    Ci(ci::Args),
    List(list::Args),
    Show(show::Args),
    Status(status::Args),
    Log(log::Args),
    Graph(graph::Args),
    Completions(completions::Args),
    Man(man::Args),
    Import(import::Args),
    Export(export::Args),
    Ingest(ingest::Args),
    Edit(edit::Args),
    Archive(archive::Args),
    Migrate(migrate::Args),
    Fsck(fsck::Args),
    Doctor(doctor::Args),
    Agents(agents::Args),
    Auth(agents::AuthArgs),
    Gate(gate::Args),
    Verify(verify::Args),
    Note(note::Args),
    Notes(notes::Args),
    Checkpoint(checkpoint::Args),
    Mcp(mcp::Args),
    #[command(name = "__sandbox-exec", hide = true)]
    SandboxExec(sandbox_exec::Args),
    Route(route::Args),
    Estimate(estimate::Args),
    Trends(trends::Args),
    Report(report::Args),
    Help(help::Args),
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::Add(_) => "add",
            Self::Next(_) => "next",
            Self::Step(_) => "step",
            Self::Run(_) => "run",
            Self::Prompt(_) => "prompt",
            Self::Plan(_) => "plan",
            Self::Split(_) => "split",
            Self::Approve(_) => "approve",
            Self::Reject(_) => "reject",
            Self::Block(_) => "block",
            Self::Unblock(_) => "unblock",
            Self::Cancel(_) => "cancel",
            Self::Reopen(_) => "reopen",
            Self::Undo(_) => "undo",
            Self::Trust(_) => "trust",
            Self::Demo(_) => "demo",
            Self::Config => "config",
            Self::ExitCodes => "exit-codes",
            Self::Environment => "environment",
            Self::Files => "files",
            Self::Formats => "formats",
            Self::Gates => "gates",
            Self::Sandbox => "sandbox",
            Self::Sessions => "sessions",
            Self::Ci(_) => "ci",
            Self::List(_) => "list",
            Self::Show(_) => "show",
            Self::Status(_) => "status",
            Self::Log(_) => "log",
            Self::Graph(_) => "graph",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
            Self::Import(_) => "import",
            Self::Export(_) => "export",
            Self::Ingest(_) => "ingest",
            Self::Edit(_) => "edit",
            Self::Archive(_) => "archive",
            Self::Migrate(_) => "migrate",
            Self::Fsck(_) => "fsck",
            Self::Doctor(_) => "doctor",
            Self::Agents(_) => "agents",
            Self::Auth(_) => "auth",
            Self::Gate(_) => "gate",
            Self::Verify(_) => "verify",
            Self::Note(_) => "note",
            Self::Notes(_) => "notes",
            Self::Checkpoint(_) => "checkpoint",
            Self::Mcp(_) => "mcp",
            Self::SandboxExec(_) => "__sandbox-exec",
            Self::Route(_) => "route",
            Self::Estimate(_) => "estimate",
            Self::Trends(_) => "trends",
            Self::Report(_) => "report",
            Self::Help(_) => "help",
        }
    }

    fn run(&self, global: &Global) -> Result<Answer, CliError> {
        use crate::state::status::Move;
        match self {
            Self::Init(args) => init::run(global, args),
            Self::Add(args) => add::run(global, args),
            Self::Next(args) => next::run(global, args),
            Self::Step(args) => step::run(global, args),
            Self::Run(args) => run::run(global, args),
            Self::Prompt(args) => prompt::run(global, args),
            Self::Plan(args) => plan::plan(global, args),
            Self::Split(args) => plan::split(global, args),
            Self::Approve(args) => transition::approve(global, args),
            Self::Reject(args) => transition::run(global, args, Move::Reject),
            Self::Block(args) => transition::run(global, args, Move::Block),
            Self::Unblock(args) => transition::run(global, args, Move::Unblock),
            Self::Cancel(args) => transition::run(global, args, Move::Cancel),
            Self::Reopen(args) => transition::run(global, args, Move::Reopen),
            Self::Undo(args) => undo::run(global, args),
            Self::Trust(args) => trust::run(global, args),
            Self::Demo(args) => demo::run(global, args),
            Self::Config => Ok(topics::answer("config", &topics::config())),
            Self::ExitCodes => Ok(topics::answer("exit-codes", topics::EXIT_CODES)),
            Self::Environment => Ok(topics::answer("environment", topics::ENVIRONMENT)),
            Self::Files => Ok(topics::answer("files", topics::FILES)),
            Self::Formats => Ok(topics::answer("formats", topics::FORMATS)),
            Self::Gates => Ok(topics::answer("gates", topics::GATES)),
            Self::Sandbox => Ok(topics::answer("sandbox", topics::SANDBOX)),
            Self::Sessions => Ok(topics::answer("sessions", topics::SESSIONS)),
            Self::Ci(args) => ci::run(global, args),
            Self::List(args) => list::run(global, args),
            Self::Show(args) => show::run(global, args),
            Self::Status(args) => status::run(global, args),
            Self::Log(args) => log::run(global, args),
            Self::Graph(args) => graph::run(global, args),
            Self::Completions(args) => Ok(completions::run(args)),
            Self::Man(args) => man::run(global, args),
            Self::Import(args) => import::run(global, args),
            Self::Export(args) => export::run(global, args),
            Self::Ingest(args) => ingest::run(global, args),
            Self::Edit(args) => edit::run(global, args),
            Self::Archive(args) => archive::run(global, args),
            Self::Migrate(args) => migrate::run(global, args),
            Self::Fsck(args) => fsck::run(global, args),
            Self::Doctor(args) => Ok(doctor::run(global, args)),
            Self::Agents(args) => agents::run(global, args),
            Self::Auth(args) => agents::auth(global, args),
            Self::Gate(args) => gate::run(global, args),
            Self::Verify(args) => verify::run(global, args),
            Self::Note(args) => note::run(global, args),
            Self::Notes(args) => notes::run(global, args),
            Self::Checkpoint(args) => checkpoint::run(global, args),
            Self::Mcp(mcp::Args {}) => mcp::run(global),
            Self::SandboxExec(args) => Err(sandbox_exec::run(args)),
            Self::Route(args) => route::run(global, args),
            Self::Estimate(args) => estimate::run(global, args),
            Self::Trends(args) => trends::run(global, args),
            Self::Report(args) => report::run(global, args),
            Self::Help(args) => help::run(global, args),
        }
    }
}

/// Runs a command line and says what to print and how to end.
#[must_use]
pub fn main(cli: &Cli) -> Printed {
    let refusal = only_of_others(&cli.command, cli.global.format())
        .or_else(|| only_with_a_commit(&cli.command).filter(|_| cli.global.no_commit));
    let mut result = match refusal {
        Some(refusal) => Err(refusal),
        None => cli.command.run(&cli.global),
    };
    hint::complete(&mut result, &cli.global);
    let style = Style {
        format: cli.global.format(),
        quiet: cli.global.quiet,
        ci: cli.global.ci,
        annotations: command_line::is_annotated(),
        log: cli.global.log().map(|log| log.now()),
    };
    render(cli.command.name(), &result, style)
}

/// Whether orch calls itself by a command, and people do not.
fn own(command: &clap::Command) -> bool {
    command.get_name().starts_with("__")
}

/// Refuses a format that another command has alone.
fn only_of_others(command: &Command, format: Format) -> Option<CliError> {
    let (word, of) = match format {
        Format::Dot => ("dot", "graph"),
        Format::Mermaid => ("mermaid", "graph"),
        Format::Svg => ("svg", "graph"),
        Format::Text => ("text", "graph"),
        Format::Openmetrics => ("openmetrics", "status"),
        Format::Otlp => ("otlp", "show"),
        Format::Human | Format::Json | Format::Jsonl | Format::Md => return None,
    };
    let refusal = || {
        CliError::usage(format!("`orch {}` has no format `{word}`, only `orch {of}` has", command.name()))
            .hint("one of human, json, jsonl, md")
    };
    (command.name() != of).then(refusal)
}

/// The refusal of `--no-commit` by commands that are nothing without their commit.
fn only_with_a_commit(command: &Command) -> Option<CliError> {
    let why = "code, record and state are one commit or nothing";
    let refusal = || {
        CliError::usage(format!("`orch {}` takes no `--no-commit`: {why}", command.name()))
            .hint("leave out `--no-commit`")
    };
    let is_a_commit =
        matches!(command, Command::Step(_) | Command::Run(_) | Command::Plan(_) | Command::Split(_))
            || matches!(command, Command::Undo(_) | Command::Demo(_));
    is_a_commit.then(refusal)
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory as _;

    #[test]
    fn no_command_has_an_argument_with_the_name_of_a_global_one() {
        let command = Cli::command();
        command.clone().debug_assert();
        for sub in command.get_subcommands() {
            for global in command.get_arguments() {
                let clash = sub.get_arguments().find(|own| own.get_id() == global.get_id());
                assert!(clash.is_none(), "`{}` of `{}`", global.get_id(), sub.get_name());
            }
        }
    }
}
