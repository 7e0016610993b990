//! `orch gate`: runs the gates on the work tree as it is, without an agent.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::explain::explain;
use super::output::Answer;
use super::tip;
use crate::config::GateConfig;
use crate::effects::Oid;
use crate::gate::Verdict;
use crate::report::json;
use crate::report::table::{Cell, Table};
use crate::state::problem::nearest;
use crate::step::Base;
use crate::step::base::here;
use crate::step::judge::{Case, Site, judge};
use serde_json::json;

/// Run the gates on the work tree as it is, without an agent
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only these gates
    names: Vec<String>,
    /// Run them also where they have passed exactly this tree before
    #[arg(long)]
    no_cache: bool,
    /// Say what would run, in which order and why, and run nothing
    #[arg(long)]
    explain: bool,
}

/// Runs gates.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let (branch, commit) = here(context.world(), &context.caller)?;
    let base = Base::at(context.world(), &context.caller, branch, commit)?;
    let root = context.root()?;
    let gates = choose(&base.config.gates, &args.names)?;
    let tip = tip::look(&context, &base)?;
    let tree = what_is_there(&context, &base);
    let reporter = global.reporter();
    let case = Case {
        world: context.world(),
        config: &base.config,
        gates: &gates,
        branch: &base.branch,
        base: &base.commit,
        tree: tree.unwrap_or(base.commit.tree),
        kind: None,
        allow: &[],
        site: Site::Here(root.to_owned()),
        recall: tree.is_some() && !args.no_cache,
        reporter: reporter.as_ref(),
    };
    if args.explain {
        return Ok(tip.beside(explain(global, &case)?));
    }
    base.check_trust(&context.caller)?;
    let verdicts = judge(&case)?;
    if let Some(signal) = context.world().process.interrupted() {
        let exit = Exit::of_signal(signal);
        return Ok(tip.beside(answer(global, &verdicts).exit(exit)));
    }
    Ok(tip.beside(answer(global, &verdicts)))
}

/// The tree of everything in the work tree that git does not ignore; none where it cannot be named.
fn what_is_there(context: &Context, base: &Base) -> Option<Oid> {
    let world = context.world();
    let checkout = world.git.checkout_of(&base.branch).ok().flatten()?;
    let here = world.git.work_dir() == Some(checkout.dir.as_path());
    let mut place = world.git.open_checkout(&checkout).ok().filter(|_| here)?;
    place.snapshot().ok().map(|seen| seen.tree)
}

/// The gates that were named, in the order of the configuration; all if none was.
fn choose(all: &[GateConfig], names: &[String]) -> Result<Vec<GateConfig>, CliError> {
    if let Some(name) = names.iter().find(|name| all.iter().all(|gate| gate.name != **name)) {
        let known: Vec<&str> = all.iter().map(|gate| gate.name.as_str()).collect();
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "the configuration has no gates".to_owned(),
            None => format!("one of {}", known.join(", ")),
        };
        return Err(CliError::usage(format!("there is no gate `{name}`")).hint(hint));
    }
    Ok(all.iter().filter(|gate| names.is_empty() || names.contains(&gate.name)).cloned().collect())
}

fn answer(global: &Global, verdicts: &[Verdict]) -> Answer {
    let mut table = Table::new();
    for verdict in verdicts {
        let record = verdict.record();
        let metric = verdict.metric.as_ref().map(|(name, value)| format!("{name} {value}"));
        let last = || verdict.evidence.lines().last().unwrap_or_default().to_owned();
        table.row([
            Cell::new(&verdict.name),
            Cell::new(verdict.kind.as_str()),
            Cell::new(if verdict.required { "" } else { "optional" }),
            Cell::new(record.how().unwrap_or_default()),
            Cell::new(metric.unwrap_or_else(last)),
        ]);
    }
    let rejecting: Vec<&str> =
        verdicts.iter().filter(|verdict| verdict.rejects()).map(|verdict| verdict.name.as_str()).collect();
    let mut human = table.render(global.width(), global.colour_out());
    for verdict in verdicts.iter().filter(|verdict| verdict.rejects() && !verdict.evidence.is_empty()) {
        let evidence = crate::report::safe::lines(verdict.evidence.trim_end());
        human.push_str(&format!("\n{}:\n{evidence}\n", verdict.name));
    }
    if verdicts.is_empty() {
        human.push_str("there are no gates\n");
    }
    let data = json!({
        "gates": verdicts.iter().map(json::verdict).collect::<Vec<_>>(), "rejected_by": rejecting,
    });
    let exit = if rejecting.is_empty() { Exit::Ok } else { Exit::Rejected };
    let mut answer = Answer::ok(data, human).exit(exit);
    // Nothing will try again by itself.
    answer.steps_left = false;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_gates_come_in_the_order_of_the_configuration() {
        let all = [GateConfig::new("build", "b"), GateConfig::new("test", "t")];
        let chosen = choose(&all, &["test".to_owned(), "build".to_owned()]).unwrap();
        let names: Vec<&str> = chosen.iter().map(|gate| gate.name.as_str()).collect();
        assert_eq!(names, ["build", "test"]);
        assert_eq!(choose(&all, &[]).unwrap().len(), 2);
    }

    #[test]
    fn a_misspelt_gate_is_told_the_nearest() {
        let error = choose(&[GateConfig::new("test", "t")], &["tets".to_owned()]).unwrap_err();
        assert_eq!(error.hints, ["did you mean `test`?"]);
    }
}
