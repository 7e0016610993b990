//! `orch fsck`: the integrity of state and history.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::output::Answer;
use super::verify::tell_limits;
use crate::audit::history::{self, Options, Walk};
use crate::audit::{Finding, Place, join, state};
use crate::effects::os::git::tree_name;
use crate::report::plural;
use crate::state::layout;
use crate::state::problem::Problem;
use crate::state::store::Source;
use crate::step::StepError;
use crate::step::base::here;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

/// Check the state, and that state and code agree in every commit
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Look at the newest N commits only (0: only at the state)
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// Looks at everything.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let world = context.world();
    let (branch, tip) = here(world, &context.caller)?;
    let tree = world.git.commit(tip)?.tree;
    let in_work = world.git.work_dir().filter(|root| root.join(layout::ROOT).is_dir());
    let in_tip = world.git.subtree(tree, layout::ROOT)?.is_some();
    if in_work.is_none() && !in_tip {
        return Err(StepError::NoProject(branch).into());
    }
    let work = match in_work {
        Some(root) => state::audit(world, &Source::Work(root.to_owned()))?,
        None => Vec::new(),
    };
    let at_tip = if in_tip {
        state::audit(world, &Source::Tree(tree))?
    } else {
        let fact = format!("`{}` is not committed on `{branch}`", layout::ROOT);
        vec![Problem::error(layout::ROOT, None, fact).with_remedy(format!("type `git add {}`", layout::ROOT))]
    };
    let mut findings = join(work, at_tip);
    let started = std::time::Instant::now();
    let told = std::cell::Cell::new(false);
    let talk = std::io::stderr().is_terminal() && !global.quiet && !global.ci;
    let progress = |at: usize, all: usize| {
        if talk && at.is_multiple_of(64) && started.elapsed().as_secs() >= 1 {
            told.set(true);
            // Somebody who does not listen is not an error.
            let _ = write!(std::io::stderr(), "\r{at} of {all} commits");
        }
    };
    let limit = args.limit.unwrap_or(usize::MAX);
    let options = Options { limit, from: None, name_tree: tree_name, progress: &progress };
    let (found, walk) = history::audit(world, tip, &options)?;
    findings.extend(found);
    if told.get() {
        let _ = writeln!(std::io::stderr());
    }
    Ok(answer(&findings, &walk))
}

fn answer(findings: &[Finding], walk: &Walk) -> Answer {
    let mut human = String::new();
    for finding in findings {
        let word = if finding.is_error() { "error" } else { "warning" };
        let place = match &finding.place {
            Place::Commit(commit) => format!("commit {}", commit.short()),
            place @ (Place::Work | Place::Tip | Place::Both) => place.word().to_owned(),
        };
        let path = &finding.problem.path;
        let what = if path.is_empty() { finding.problem.fact.clone() } else { finding.problem.to_string() };
        let _ = writeln!(human, "{word}: {place}: {}", crate::report::safe::text(&what));
        if let Some(remedy) = &finding.problem.remedy {
            let _ = writeln!(human, "  {}", crate::report::safe::text(remedy));
        }
    }
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let verdict = match (errors, findings.len()) {
        (0, 0) if !walk.unread.is_empty() => "no damage in what could be read".to_owned(),
        (0, 0) => "everything is in order".to_owned(),
        (0, warnings) => format!("no damage; {}", plural(warnings, "warning")),
        (errors, all) => format!("{}, {}", plural(errors, "error"), plural(all - errors, "warning")),
    };
    let _ = writeln!(human, "{verdict}: {}, {}", plural(walk.commits, "commit"), plural(walk.steps, "step"));
    if walk.combined > 0 {
        let _ = writeln!(
            human,
            "{} with more than one step; the code was not compared",
            plural(walk.combined, "commit")
        );
    }
    if walk.unproven > 0 {
        let _ = writeln!(human, "{} not to be compared with what was judged", plural(walk.unproven, "step"));
    }
    let all: Vec<Value> = findings.iter().map(finding).collect();
    let data = json!({
        "findings": all, "errors": errors, "commits": walk.commits, "steps": walk.steps,
        "combined": walk.combined, "unproven": walk.unproven, "shallow": walk.cut_off > 0,
        "unread": walk.unread.len(),
    });
    let exit = if errors == 0 { Exit::Ok } else { Exit::Invalid };
    tell_limits(Answer::ok(data, human).exit(exit), walk)
}

fn finding(finding: &Finding) -> Value {
    let commit = match &finding.place {
        Place::Commit(commit) => Some(commit.to_string()),
        Place::Work | Place::Tip | Place::Both => None,
    };
    json!({
        "severity": if finding.is_error() { "error" } else { "warning" },
        "place": finding.place.word(), "commit": commit, "path": finding.problem.path,
        "line": finding.problem.line, "fact": finding.problem.fact, "remedy": finding.problem.remedy,
    })
}
