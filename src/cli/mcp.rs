//! `orch mcp`: answers agents and editors on standard input and output.

use super::context::Global;
use super::error::CliError;
use super::exit::Exit;
use super::output::Answer;
use super::reading::Reading;
use crate::agent::{PROPOSALS, Reply, add_proposals, read_proposal};
use crate::plan::dangling;
use crate::serve::mcp::{Given, talk};
use crate::serve::tool::{Call, Tool};
use serde_json::{Map, Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The stack of a thread that runs a command, in bytes.
const STACK: usize = 8 << 20;

/// Serve status, queue, tasks and notes to an agent or an editor: MCP on standard input and output
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Inside of a step, notes and new tasks are proposals that land with the step's commit.\n\nExample: claude mcp add orch -- orch mcp"
)]
pub(super) struct Args {}

/// Answers until standard input ends.
pub(super) fn run(global: &Global) -> Result<Answer, CliError> {
    let global = global.clone();
    let carry = move |tool: &Tool, arguments: &Map<String, Value>| carry_out(&global, tool, arguments);
    let failed = |error: &dyn std::fmt::Display| CliError::new(Exit::Error, format!("cannot talk: {error}"));
    // Commands run beside the conversation, and need the room that a program's own thread has.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().thread_stack_size(STACK).build();
    let runtime = runtime.map_err(|error| failed(&error))?;
    let conversation = talk(tokio::io::stdin(), tokio::io::stdout(), Arc::new(carry));
    runtime.block_on(conversation).map_err(|error| failed(&error))?;
    Ok(Answer::ok(json!({}), String::new()))
}

fn carry_out(global: &Global, tool: &Tool, arguments: &Map<String, Value>) -> Given {
    let step = step_dir();
    let done = match tool.call(arguments, step.is_some()) {
        Ok(Call::Command(words)) => Ok(command(global, &words)),
        Ok(Call::Proposal(proposal)) => propose(global, &step.unwrap_or_default(), &proposal),
        Err(why) => Err(why),
    };
    done.unwrap_or_else(|text| Given { text, failed: true })
}

/// Where the outcome of the step lies in which this process works; none outside of one.
fn step_dir() -> Option<PathBuf> {
    let run = std::env::var("ORCH_RUN").ok().filter(|run| !run.is_empty())?;
    let outcome = PathBuf::from(std::env::var_os("ORCH_OUTCOME")?);
    let dir = outcome.parent().filter(|dir| dir.is_dir() && dir.ends_with(&run))?;
    Some(dir.to_path_buf())
}

/// Leaves a proposal for the step to take up: a line of its own, written at once. What the step would not take up
/// as it is, is refused while its author can still mend it.
fn propose(global: &Global, dir: &Path, proposal: &Value) -> Result<Given, String> {
    let path = dir.join(PROPOSALS);
    let line = format!("{proposal}\n");
    let refused = |why: String| format!("nothing is proposed: {why}");
    let proposed = read_proposal(line.as_bytes()).map_err(refused)?;
    let lands = if proposed.follow_ups.is_empty() {
        "with the step's commit"
    } else {
        "with the step's commit, unless its work is rejected"
    };
    check_names(global, &std::fs::read(&path).unwrap_or_default(), proposed).map_err(refused)?;
    let opened = std::fs::File::options().append(true).create(true).open(&path);
    let written = opened.and_then(|mut file| file.write_all(line.as_bytes()));
    written.map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
    let text = json!({"proposed": true, "lands": lands}).to_string();
    Ok(Given { text, failed: false })
}

/// Checks that what new tasks depend on is there, or was proposed before.
fn check_names(global: &Global, before: &[u8], proposed: Reply) -> Result<(), String> {
    if proposed.follow_ups.iter().all(|task| task.depends_on.is_empty()) {
        return Ok(());
    }
    let mut all = Reply::default();
    add_proposals(&mut all, before);
    all.follow_ups.extend(proposed.follow_ups);
    let reading = Reading::open(global, None).map_err(|error| error.facts.join("; "))?;
    match dangling(&all.follow_ups, &reading.snapshot.graph) {
        None => Ok(()),
        Some((task, name)) => Err(format!("`{}` depends on `{name}`, which is not there", task.title)),
    }
}

/// Runs a command of orch's as if it was typed with `--json`.
fn command(global: &Global, words: &[String]) -> Given {
    let mut argv: Vec<String> = vec!["orch".to_owned(), "--json".to_owned(), "--no-input".to_owned()];
    let dir = global.given().map(|dir| format!("-C{}", dir.display()));
    argv.extend(dir.into_iter().chain(global.branch.as_ref().map(|branch| format!("--branch={branch}"))));
    argv.extend(global.no_commit.then(|| "--no-commit".to_owned()));
    argv.extend(words.iter().cloned());
    let printed = match super::command_line::parse(&argv) {
        Ok(cli) => super::main(&cli),
        Err(error) => match super::refused(&error, &argv) {
            Some(printed) => printed,
            None => return Given { text: error.to_string(), failed: true },
        },
    };
    // That nothing is left to do, or nothing can be done now, is an answer.
    let answered = [Exit::Ok, Exit::Idle, Exit::Waiting].iter().any(|exit| printed.code == *exit as u8);
    Given { text: printed.stdout.trim_end().to_owned(), failed: !answered }
}
