//! `orch demo`: a throw-away repository, and real steps on it.

use super::context::{Context, Global};
use super::demo_place::{directory, repository};
use super::error::CliError;
use super::exit::Exit;
use super::output::{Answer, Format};
use crate::config::shell;
use crate::effects::os::process::on_path;
use crate::report::graph::{self, View};
use crate::report::json;
use crate::report::table::paint;
use crate::state::run::OutcomeKind;
use crate::step::{self, Ending, Options, Ran};
use anstyle::Style;
use serde_json::json;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

/// Watch it work: a throw-away repository with a failing test, and real steps on it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It needs git and nothing else: no account, no network, no tokens. Your own repositories\nand settings are not touched. The repository is kept, for you to look at."
)]
pub(super) struct Args {
    /// Where to make it; a new directory for temporary files if left out
    #[arg(value_name = "DIR")]
    place: Option<PathBuf>,
}

/// How many steps are taken; the last task is left to the user.
const STEPS: usize = 5;
/// How they are meant to end.
const MEANT: [OutcomeKind; STEPS] = {
    use OutcomeKind::{Accepted, Rejected};
    [Rejected, Accepted, Accepted, Accepted, Accepted]
};

/// Makes the repository, takes the steps, shows what came of it.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let dir = directory(global, args.place.as_deref())?;
    let workspaces = tempfile::tempdir()
        .map_err(|error| crate::effects::EffectError::io("use", &std::env::temp_dir(), &error))?;
    let context = repository(global, &dir, workspaces.path())?;
    let story = Story::new(global);
    story.tell(&format!(
        "A repository of its own, in {}: a shell script, a test that fails, six tasks.\n\
         A shell script stands in for the coding agent. All the rest is the real thing.\n",
        dir.display()
    ));
    story.typed("orch graph");
    story.tell(&picture(global, &context, story.colour)?);
    let mut steps: Vec<Ran> = Vec::new();
    while steps.len() < STEPS {
        story.typed("orch step");
        let ending =
            step::step(context.world(), &context.caller, Options::default(), global.reporter().as_ref())?;
        let Ending::Ran(ran) = ending else { break };
        if ran.run.outcome == OutcomeKind::Rejected {
            story.tell("    nothing of it is on the branch; the next prompt says why");
        }
        story.tell("");
        steps.push(*ran);
    }
    answer(global, &context, &dir, &steps)
}

/// What is told between the steps, on standard error.
struct Story {
    told: bool,
    colour: bool,
}

impl Story {
    fn new(global: &Global) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { told: global.format() == Format::Human && !global.quiet, colour: global.may_colour(terminal) }
    }

    fn tell(&self, text: &str) {
        if self.told {
            // A reader that has gone is not the demonstration's trouble.
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    fn typed(&self, command: &str) {
        self.tell(&paint(&format!("$ {command}"), Style::new().bold(), self.colour));
    }
}

fn picture(global: &Global, context: &Context, colour: bool) -> Result<String, CliError> {
    let base = context.base()?;
    let view = View::new(&base.snapshot.graph, &graph::Options::default());
    let look = graph::text::Options { width: global.width(), colour, ..Default::default() };
    Ok(graph::text::render(&view, &look))
}

fn answer(global: &Global, context: &Context, dir: &Path, steps: &[Ran]) -> Result<Answer, CliError> {
    let outcomes: Vec<OutcomeKind> = steps.iter().map(|ran| ran.run.outcome).collect();
    if outcomes != MEANT {
        let words: Vec<&str> = outcomes.iter().map(|outcome| outcome.as_str()).collect();
        let fact = format!("the demonstration went otherwise than it should: {}", words.join(", "));
        return Err(CliError::new(Exit::Error, fact).hint(format!("look into `{}`", dir.display())));
    }
    let bold = |text: &str| paint(text, Style::new().bold(), global.colour_out());
    let world = context.world();
    let base = context.base()?;
    let log: Vec<(String, String)> = world
        .git
        .history(base.commit.id, 20)?
        .iter()
        .map(|commit| (commit.id.short(), commit.message.lines().next().unwrap_or_default().to_owned()))
        .collect();
    let mut human = format!("{}\n", bold("$ git log --oneline"));
    for (short, subject) in &log {
        let _ = writeln!(human, "{short} {subject}");
    }
    if let Some(fixed) = steps.get(1) {
        let _ = write!(human, "\n{}\n{}", bold("$ git show --name-status"), commit(context, fixed)?);
    }
    let _ = write!(human, "\n{}\n{}", bold("$ orch graph"), picture(global, context, global.colour_out())?);
    let next = next(dir, steps);
    let _ = writeln!(human, "\n{}", bold("What to type next:"));
    for (command, why) in &next {
        let _ = writeln!(human, "{}", format!("  {command:<17}  {why}").trim_end());
    }
    let data = json!({
        "dir": dir.display().to_string(),
        "steps": steps.iter().map(json::ran).collect::<Vec<_>>(),
        "log": log.iter().map(|(short, subject)| json!({"commit": short, "subject": subject})).collect::<Vec<_>>(),
        "next": next.iter().map(|(command, why)| json!({"type": command, "to": why})).collect::<Vec<_>>(),
    });
    Ok(Answer::ok(data, human))
}

/// What one commit says and changes: code, state and evidence together.
fn commit(context: &Context, ran: &Ran) -> Result<String, CliError> {
    let git = context.world().git;
    let commit = git.commit(ran.commit)?;
    let before = match commit.parents.first() {
        Some(parent) => git.commit(*parent)?.tree,
        None => git.empty_tree(),
    };
    let mut text = String::new();
    for line in commit.message.lines() {
        let _ = writeln!(text, "{}", format!("    {line}").trim_end());
    }
    text.push('\n');
    for change in git.changes(before, commit.tree)? {
        let letter = match (change.old, change.new) {
            (None, _) => 'A',
            (_, None) => 'D',
            (Some(_), Some(_)) => 'M',
        };
        let _ = writeln!(text, "{letter}  {}", change.path);
    }
    Ok(text)
}

fn next(dir: &Path, steps: &[Ran]) -> Vec<(String, String)> {
    let row = |command: &str, why: &str| (command.to_owned(), why.to_owned());
    let mut next = vec![
        row(&format!("cd {}", shell::word(&dir.to_string_lossy())), ""),
        row("orch --trust step", "take the last step yourself"),
        row("orch log", "the history by step"),
        row("orch undo manual", "revert a step, code and state together"),
        row("orch init", "begin in a repository of your own"),
    ];
    if let Some(kept) = steps.iter().find_map(|ran| ran.kept.as_deref()) {
        next.insert(3, row(&format!("git show {kept}"), "the rejected work"));
    }
    if let Some(own) = std::env::current_exe().ok().filter(|_| !on_path("orch")) {
        next.insert(0, row(&format!("alias orch={}", shell::word(&own.to_string_lossy())), ""));
    }
    next
}
