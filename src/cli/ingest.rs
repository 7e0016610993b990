//! `orch ingest`: takes in one issue from a webhook.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::output::Answer;
use crate::import::Format;
use crate::state::file;
use crate::state::status::Status;
use crate::upkeep::delivery::{self, MAX_BYTES, Proof, Refused};
use crate::upkeep::intake::{Intake, Received, receive};
use serde_json::json;
use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

/// Take in one issue, from a webhook's payload on standard input
///
/// The payload of GitHub, Gitea, Forgejo or GitLab becomes a task, or changes the one that it became
/// before. Formatted metadata (`**Complexity:** 5`) is trusted; an issue that says less becomes a
/// `proposed` task, and one that says too little a `blocked` one.
#[derive(Debug, clap::Args)]
#[command(after_help = "The secret is read from `ORCH_WEBHOOK_SECRET` or `--secret-file`.\n\
    Example: orch ingest --signature \"$SIGNATURE\" --delivery \"$DELIVERY\" < payload.json\n\
    Where the runner itself vouches for the payload: orch ingest --unsigned < \"$GITHUB_EVENT_PATH\"")]
pub(super) struct Args {
    /// The forge: github, gitea, forgejo, gitlab; guessed if left out
    #[arg(long, value_parser = forge)]
    forge: Option<Format>,
    /// What `X-Hub-Signature-256` or `X-Gitea-Signature` says
    #[arg(long, value_name = "SIGNATURE", group = "proof")]
    signature: Option<String>,
    /// What `X-Gitlab-Token` says
    #[arg(long, value_name = "TOKEN", group = "proof")]
    token: Option<String>,
    /// Somebody else has made sure where the payload is from
    #[arg(long, group = "proof")]
    unsigned: bool,
    /// A file that holds the secret
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// What `X-GitHub-Delivery` or `X-Gitea-Delivery` says: the same one is not taken in twice
    #[arg(long, value_name = "ID")]
    delivery: Option<String>,
    /// Say what would be done
    #[arg(long)]
    dry_run: bool,
}

fn forge(word: &str) -> Result<Format, String> {
    let found = Format::parse(word).filter(|format| format.is_forge());
    found.ok_or_else(|| "one of github, gitea, forgejo, gitlab".to_owned())
}

/// Ingests in a commit of its own.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let payload = payload()?;
    let weakness = check(global, args, &payload)?;
    let context = Context::open(global)?;
    let world = context.world();
    let _lock = world
        .files
        .lock("deliveries.lock", Duration::from_secs(10))?
        .ok_or_else(|| CliError::new(Exit::Busy, "another delivery is being taken in"))?;
    let names = delivery::names(&payload, args.delivery.as_deref());
    let base = context.base()?;
    if delivery::is_known(world.files, &names)? || delivery::is_committed(world, base.commit.id, &names)? {
        return Ok(nothing("this delivery was taken in before"));
    }
    let (source, intake) = match receive(world, &base, args.forge, payload)? {
        Received::Issue { source, intake } => (source, intake),
        Received::Nothing(why) => return Ok(nothing(&why)),
        Received::Unreadable(fact) => return Err(CliError::new(Exit::Invalid, fact)),
    };
    if !args.dry_run && !intake.files.is_empty() {
        context.put_as(global, &base, &intake.files, &delivery::message(&source, &names))?;
    }
    if !args.dry_run {
        delivery::remember(world.files, &names)?;
    }
    answer(&source, &intake, weakness)
}

fn payload() -> Result<Vec<u8>, CliError> {
    let mut payload = Vec::new();
    let read = std::io::stdin().take(MAX_BYTES + 1).read_to_end(&mut payload);
    read.map_err(|error| CliError::new(Exit::Error, format!("cannot read standard input: {error}")))?;
    Ok(payload)
}

/// Checks where the payload is from, before anything of it is read; what speaks against the secret.
fn check(global: &Global, args: &Args, payload: &[u8]) -> Result<Option<String>, CliError> {
    let proof = match (&args.signature, &args.token) {
        (Some(signature), _) => Proof::Signature(signature),
        (None, Some(token)) => Proof::Token(token),
        (None, None) if args.unsigned => return Ok(None),
        (None, None) => return Err(Refused::Unproved.into()),
    };
    let secret = match &args.secret_file {
        Some(path) => std::fs::read(global.path(path))
            .map_err(|error| CliError::usage(format!("cannot read `{}`: {error}", path.display())))?,
        None => std::env::var("ORCH_WEBHOOK_SECRET").unwrap_or_default().into_bytes(),
    };
    Ok(delivery::verify(payload, proof, secret.trim_ascii_end())?)
}

fn nothing(why: &str) -> Answer {
    let why = crate::report::safe::text(why);
    Answer::ok(json!({"task": null, "change": "none", "why": why}), format!("nothing to do: {why}\n"))
}

fn answer(source: &str, intake: &Intake, weakness: Option<String>) -> Result<Answer, CliError> {
    let losses: Vec<String> = intake.losses.iter().map(ToString::to_string).collect();
    let Some((path, Some(content))) = intake.files.first() else {
        let data = json!({"task": null, "source": source, "change": "none", "losses": losses});
        return Ok(Answer::ok(data, format!("nothing changed: {source} is as it should be\n")));
    };
    let read = file::task::read(path, content);
    let Some(task) = read.value else { return Err(CliError::problems(&read.problems)) };
    let change = if intake.new.is_empty() { "changed" } else { "new" };
    let task_json = crate::report::json::task(&task);
    let data = json!({"task": task_json, "path": path, "source": source, "change": change, "losses": losses});
    let line = format!("{}  {change}  {}  {}\n", task.id, task.status.as_str(), task.title);
    let mut answer = Answer::ok(data, crate::report::safe::lines(&line));
    answer.warnings = losses.into_iter().chain(weakness).collect();
    if task.status == Status::Proposed {
        return Ok(answer.hint(format!("type `orch approve {}`", task.id)));
    }
    Ok(answer)
}
