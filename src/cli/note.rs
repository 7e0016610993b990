//! `orch note`: writes down what is to be known, and what becomes of it.

use super::context::{Context, Global};
use super::error::CliError;
use super::one_of::OneOf;
use super::output::Answer;
use crate::report::notes::shape;
use crate::state::note::{NoteKind, NoteMove};
use crate::state::task::{REASON_CHARS, one_line, whole_line};
use crate::upkeep::note::{Expiry, Wanted, add, moved};
use serde_json::json;

/// Write down a decision, constraint, hypothesis or learning
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(
    after_help = "Constraints that are in force are in every prompt; the others where they matter to the task.\n\nExamples:\n  orch note decision \"Errors are values\" --topic style --because \"callers decide\"\n  orch note constraint \"No new dependency without a reason\"\n  orch note approve n-4k2xz"
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// decision, constraint, hypothesis or learning
    #[arg(required = true, value_parser = KIND, hide_possible_values = true)]
    kind: Option<NoteKind>,
    /// The knowledge itself
    #[arg(required = true)]
    text: Option<String>,
    /// What it is about, in a word or two
    #[arg(long)]
    topic: Option<String>,
    /// A task that it concerns (may be repeated); none means all
    #[arg(long = "task", value_name = "ID")]
    tasks: Vec<String>,
    /// Why it is so
    #[arg(long)]
    because: Option<String>,
    /// The note whose place it takes
    #[arg(long, value_name = "NOTE")]
    supersedes: Option<String>,
    /// Until when it counts: a date, a time such as `30d`, or `never`; a learning fades after 90 days
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    expires: Option<Expiry>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Put a constraint in force that an agent proposed
    Approve(MoveArgs),
    /// A hypothesis turned out true
    Confirm(MoveArgs),
    /// A hypothesis turned out false
    Refute(MoveArgs),
    /// It is no longer of interest
    Retire(MoveArgs),
}

#[derive(Debug, clap::Args)]
struct MoveArgs {
    /// The note
    id: String,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

/// The kinds.
pub(super) const KIND: OneOf<NoteKind> =
    OneOf { words: || NoteKind::ALL.iter().map(|kind| kind.as_str()).collect(), read: NoteKind::parse };

fn expiry(text: &str) -> Result<Expiry, String> {
    if text == "never" {
        return Ok(Expiry::Never);
    }
    if let Ok(date) = text.parse() {
        return Ok(Expiry::On(date));
    }
    let duration = crate::config::duration::parse(text)
        .map_err(|_| "a date such as 2027-02-20, a time such as 30d, or never".to_owned())?;
    Ok(Expiry::Days(i64::try_from(duration.as_secs().div_ceil(86_400)).unwrap_or(i64::MAX)))
}

/// Writes or moves a note in a commit of its own.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let world = context.world();
    let base = context.base()?;
    let today = world.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let (note, files, what, human) = if let Some(action) = &args.action {
        let (action, args) = match action {
            Action::Approve(args) => (NoteMove::Approve, args),
            Action::Confirm(args) => (NoteMove::Confirm, args),
            Action::Refute(args) => (NoteMove::Refute, args),
            Action::Retire(args) => (NoteMove::Retire, args),
        };
        let (note, edit) = moved(world, &base, &args.id, action)?;
        let why = args.reason.as_deref().map(|why| whole_line("reason", why, REASON_CHARS)).transpose()?;
        let why = why.map_or(String::new(), |why| format!(": {why}"));
        let what = format!("{} note {}{why}", action.past(), note.id);
        let human = format!("{} is now {}\n", note.id, note.status.as_str());
        (note, vec![edit], what, human)
    } else {
        let kind = args.kind.ok_or_else(|| CliError::usage("a note needs a kind"))?;
        let wanted = Wanted {
            topic: args.topic.as_deref(),
            text: args.text.as_deref().unwrap_or_default(),
            because: args.because.as_deref(),
            tasks: &args.tasks,
            supersedes: args.supersedes.as_deref(),
            expiry: args.expires.unwrap_or_default(),
            author: context.identity().map(|identity| one_line(&identity.name, 100)),
        };
        let (note, files) = add(world, &base, kind, &wanted)?;
        let what = format!("note {} {}: {}", note.id, kind.as_str(), one_line(&note.text, 100));
        let human = format!("{}\n", note.id);
        (note, files, what, human)
    };
    context.put(global, &base, &files, &what)?;
    let data = json!({"note": shape(&note, today), "path": files.last().map(|(path, _)| path)});
    Ok(Answer::ok(data, human))
}
