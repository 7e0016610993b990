//! `orch ci`: recipes for CI services and for this machine.

use super::ci_place::{local, put};
use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::one_of::OneOf;
use super::output::Answer;
use super::topics;
use crate::recipe::local::Local;
use crate::recipe::seal::There;
use crate::recipe::{Facts, Provider, Recipe, recipe};
use serde_json::json;

/// Print a recipe that takes steps by the clock, or write it where it belongs
#[derive(Debug, clap::Args)]
#[command(after_help = topics::CI)]
pub(super) struct Args {
    /// Who runs the steps: github, gitlab, forgejo, woodpecker, cron, systemd
    #[arg(value_parser = PROVIDER, hide_possible_values = true)]
    provider: Provider,
    /// Write it where the provider looks for it
    #[arg(long)]
    write: bool,
}

const PROVIDER: OneOf<Provider> = OneOf {
    words: || Provider::ALL.iter().map(|provider| provider.as_str()).collect(),
    read: Provider::parse,
};

/// Prints, or writes.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let base = context.base()?;
    let local = local(&context)?;
    let facts = Facts::new(&base.config, &base.branch);
    let files = recipe(args.provider, &facts, &local);
    let mut there = Vec::new();
    if args.write {
        for file in &files {
            there.push(put(&context, args.provider, &local, file)?);
        }
    }
    Ok(answer(args, &facts, &local, &files, &there))
}

fn answer(args: &Args, facts: &Facts, local: &Local, files: &[Recipe], there: &[There]) -> Answer {
    let mut human = String::new();
    for (at, file) in files.iter().enumerate() {
        human.push_str(&match there.get(at) {
            Some(There::Same) => format!("{}  is as it should be\n", file.path),
            Some(There::Ours) => format!("{}  written again\n", file.path),
            Some(There::Nothing | There::Theirs) => format!("{}  written\n", file.path),
            // Where one recipe is several files, each is told apart.
            None if files.len() > 1 => format!("# {}\n{}\n", file.path, file.content),
            None => file.content.clone(),
        });
    }
    let list: Vec<_> = files.iter().map(|file| json!({"path": file.path, "content": file.content})).collect();
    let data = json!({
        "provider": args.provider.as_str(), "files": list, "secrets": facts.secrets, "branch": facts.branch,
        "written": there.iter().any(|there| *there != There::Same),
    });
    let answer = Answer::ok(data, human);
    let path = files.first().map_or("", |file| file.path.as_str());
    if args.write && there.iter().all(|there| *there == There::Same) {
        return answer;
    }
    match args.provider {
        Provider::Cron if args.write => answer.hint("type `crontab -l` to see it"),
        Provider::Cron => answer.hint("type `orch ci cron --write` to add it to your crontab"),
        Provider::Systemd if args.write => answer
            .hint("type `systemctl --user daemon-reload`")
            .hint(format!("type `systemctl --user enable --now {}.timer`", local.unit())),
        Provider::Github | Provider::Gitlab | Provider::Forgejo | Provider::Woodpecker if args.write => {
            answer.hint(format!("type `git add {path}` and commit it; its first lines say what it needs"))
        }
        Provider::Github
        | Provider::Gitlab
        | Provider::Forgejo
        | Provider::Woodpecker
        | Provider::Systemd => answer.hint(format!("add `--write` to write it to `{path}`")),
    }
}

/// The error where somebody else's file lies in the place of a recipe.
pub(super) fn in_the_way(provider: Provider, path: &str) -> CliError {
    let fact = format!("`{path}` is there, and orch did not write it, or somebody changed it since");
    let error = CliError::new(Exit::Error, fact);
    match provider {
        Provider::Gitlab => error.hint(
            "type `orch ci gitlab > .gitlab/ci/orch.yml`, and name that file in `include:` as `local:`",
        ),
        Provider::Cron => error.hint("type `crontab -e`, take that line out, then type the command again"),
        Provider::Github | Provider::Forgejo | Provider::Woodpecker | Provider::Systemd => {
            error.hint(format!("compare them: type `orch ci {} | diff {path} -`", provider.as_str()))
        }
    }
}
