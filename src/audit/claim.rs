//! What a commit claims in its trailers, and whether its record says the same.
//!
//! Only the last paragraph of a message counts: trailers inside a body (a squash merge, a quoted
//! message) claim nothing.

use crate::commit::{read_trailers, trailer, trailers};
use crate::config::read::{Layers, read as read_config};
use crate::state::run::{OutcomeKind, Run, VerdictKind};
use crate::state::status::Status;

/// What a commit claims to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nothing that orch answers for.
    None,
    /// A step.
    Step(Step),
    /// A step, in words that contradict each other.
    Broken(String),
}

/// The step that a commit claims to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The task.
    pub task: String,
    /// The run.
    pub run: String,
    /// The outcome.
    pub outcome: OutcomeKind,
    /// All trailers of the message.
    pub trailers: Vec<(String, String)>,
}

/// What a message claims.
#[must_use]
pub fn read(message: &str) -> Claim {
    let all = read_trailers(message);
    let is = |name: &str, wanted: &str| name.eq_ignore_ascii_case(wanted);
    let has = |wanted: &str| all.iter().any(|(name, _)| is(name, wanted));
    // A run alone marks work that was kept aside; a task alone is a person's reference.
    if !has("Orch-Outcome") || !has("Orch-Run") {
        return Claim::None;
    }
    let twice = ["Orch-Task", "Orch-Run", "Orch-Outcome"]
        .into_iter()
        .find(|wanted| all.iter().filter(|(name, _)| is(name, wanted)).count() > 1);
    if let Some(twice) = twice {
        return Claim::Broken(format!("the trailer `{twice}` is there twice"));
    }
    let (Some(task), Some(run), Some(outcome)) =
        (trailer(&all, "Orch-Task"), trailer(&all, "Orch-Run"), trailer(&all, "Orch-Outcome"))
    else {
        return Claim::Broken("there is no trailer `Orch-Task` beside `Orch-Run`".to_owned());
    };
    match OutcomeKind::parse(outcome) {
        Some(outcome) => {
            let (task, run) = (task.to_owned(), run.to_owned());
            Claim::Step(Step { task, run, outcome, trailers: all })
        }
        None => Claim::Broken(format!("the trailer `Orch-Outcome` has the unknown word `{outcome}`")),
    }
}

/// How the trailers of a commit differ from those that its record gives.
#[must_use]
pub fn differences(step: &Step, record: &Run) -> Vec<String> {
    let expected = read_trailers(&format!("subject\n\n{}", trailers(record)));
    let ours = |name: &str| name.to_ascii_lowercase().starts_with("orch-");
    let mut found = Vec::new();
    for (name, value) in expected.iter().filter(|(name, _)| ours(name)) {
        let said: Vec<&str> = step
            .trailers
            .iter()
            .filter(|(each, _)| each.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect();
        match said.as_slice() {
            // Another version of orch may write fewer.
            [] => {}
            [one] if one == value => {}
            [one] => found.push(format!("the trailer `{name}` says `{one}`, and the record `{value}`")),
            _ => found.push(format!("the trailer `{name}` is there {} times", said.len())),
        }
    }
    found
}

/// The names of the required gates of a configuration; none where it cannot be read any more.
#[must_use]
pub fn required_gates(config: &[u8]) -> Vec<String> {
    let read = read_config(&Layers { repository: Some(config), user: None });
    let gates = read.value.map(|config| config.gates).unwrap_or_default();
    gates.into_iter().filter(|gate| gate.required).map(|gate| gate.name).collect()
}

/// What speaks against accepted work by its own record: a required gate without a pass.
#[must_use]
pub fn unproved(required: &[String], record: &Run) -> Vec<String> {
    let answered = |name: &String| record.gates.iter().any(|gate| gate.name == *name);
    let missing = required.iter().filter(|name| !answered(name));
    let missing = missing.map(|name| format!("was accepted without a verdict of the required gate `{name}`"));
    let against = record
        .gates
        .iter()
        .filter(|gate| gate.verdict != VerdictKind::Pass && (gate.required || required.contains(&gate.name)));
    let against = against.map(|gate| {
        format!(
            "was accepted although the verdict of the gate `{}` is `{}`",
            gate.name,
            gate.verdict.as_str()
        )
    });
    missing.chain(against).collect()
}

/// Why the status of a task does not agree with an outcome, if it does not.
#[must_use]
pub fn wrong_status(outcome: OutcomeKind, before: Option<Status>, after: Status) -> Option<String> {
    let fits = match outcome {
        OutcomeKind::Accepted => after == Status::Done,
        OutcomeKind::Rejected => matches!(after, Status::NeedsImprovement | Status::Blocked),
        OutcomeKind::NeedsReview => after == Status::NeedsReview,
        OutcomeKind::Blocked => after == Status::Blocked,
        OutcomeKind::Deferred => before.is_none_or(|before| before == after),
    };
    (!fits).then(|| format!("the outcome is `{}`, and the task is `{}`", outcome.as_str(), after.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::id::{RunId, TaskId};
    use crate::state::run::GateRecord;
    use jiff::Timestamp;

    fn record() -> Run {
        Run {
            id: RunId::new("01JD").unwrap(),
            task: TaskId::new("t-1").unwrap(),
            decides: None,
            base: String::new(),
            started: Timestamp::UNIX_EPOCH,
            finished: Timestamp::UNIX_EPOCH,
            outcome: OutcomeKind::Accepted,
            reason: "all gates passed".to_owned(),
            agent: "script".to_owned(),
            adapter: "command".to_owned(),
            model: None,
            chosen_because: String::new(),
            took_over: None,
            mode: None,
            sandbox: None,
            prompt_sha256: "ab".to_owned(),
            input_sha256: None,
            failure: None,
            prompt_tokens: 0,
            sections: Vec::new(),
            omitted: Vec::new(),
            omitted_more: 0,
            attempts: Vec::new(),
            context_peak: None,
            compactions: 0,
            rotations: 0,
            claims: Vec::new(),
            cost_usd: Some(0.5),
            gates: Vec::new(),
            tree: None,
            files_changed: 0,
            files: Vec::new(),
            insertions: 0,
            deletions: 0,
            estimated_tokens: None,
            orch: "1".to_owned(),
        }
    }

    fn step(message: &str) -> Step {
        match read(message) {
            Claim::Step(step) => step,
            other @ (Claim::None | Claim::Broken(_)) => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_orch_writes_agrees_with_its_record() {
        let step = step(&format!("feat: x (t-1)\n\nbody\n\n{}", trailers(&record())));
        assert_eq!((step.task.as_str(), step.run.as_str()), ("t-1", "01JD"));
        assert_eq!(differences(&step, &record()), Vec::<String>::new());
    }

    #[test]
    fn trailers_inside_a_body_claim_nothing() {
        let trailers = trailers(&record());
        for message in [
            format!("squash\n\n* feat: x\n\n{trailers}\n* more\n\nsome words"),
            format!("feat: x\n\n{trailers}(cherry picked from commit abc)\n"),
            format!("feat: x\n\n{trailers}\nCo-authored-by: A <a@b>\n"),
            "Revert \"feat: x (t-1)\"\n\nThis reverts commit abc.\n".to_owned(),
            "fix: y\n\nOrch-Task: t-1\n".to_owned(),
            "orch(t-1): work of run 01JD, rejected\n\nOrch-Run: 01JD\n".to_owned(),
            "Orch-Run: 1\nOrch-Outcome: accepted\nOrch-Task: a\n".to_owned(),
        ] {
            assert_eq!(read(&message), Claim::None, "{message}");
        }
    }

    #[test]
    fn a_trailer_that_was_added_or_changed_is_named() {
        let text = trailers(&record());
        let forged = step(&format!("feat: x\n\n{}", text.replace("0.5000", "0.0001")));
        let facts = differences(&forged, &record());
        assert_eq!(facts, ["the trailer `Orch-Cost-USD` says `0.0001`, and the record `0.5000`"]);
        let doubled = step(&format!("feat: x\n\n{text}Orch-Gates: none\n"));
        assert_eq!(differences(&doubled, &record()), ["the trailer `Orch-Gates` is there 2 times"]);
        let twice = read(&format!("feat: x\n\n{text}Orch-Run: 2\n"));
        assert_eq!(twice, Claim::Broken("the trailer `Orch-Run` is there twice".to_owned()));
        let word = read(&format!("feat: x\n\n{}", text.replace("accepted", "great")));
        assert_eq!(word, Claim::Broken("the trailer `Orch-Outcome` has the unknown word `great`".to_owned()));
    }

    #[test]
    fn accepted_work_has_the_pass_of_every_required_gate() {
        let config = b"schema = 1\n[[gate]]\nname = 'test'\nrun = 't'\n[[gate]]\nname = 'style'\nrun = 's'\nrequired = false\n";
        let required = required_gates(config);
        assert_eq!(required, ["test"]);
        assert_eq!(required_gates(b"nonsense"), [""; 0]);
        let taken = b"schema = 1\n[[gate]]\nname = 'secrets'\nrun = 'gitleaks'\n";
        assert_eq!(required_gates(taken), ["secrets"], "no step begins so, and history may have done");
        let with = |gates: Vec<GateRecord>| Run { gates, ..record() };
        let style = GateRecord { required: false, ..GateRecord::new("style", VerdictKind::Fail) };
        let pass = GateRecord::new("test", VerdictKind::Pass);
        assert_eq!(unproved(&required, &with(vec![pass, style])), [""; 0]);
        let nothing = unproved(&required, &with(Vec::new()));
        assert_eq!(nothing, ["was accepted without a verdict of the required gate `test`"]);
        for verdict in [VerdictKind::Fail, VerdictKind::Error, VerdictKind::Skipped] {
            let gate = GateRecord { required: false, ..GateRecord::new("test", verdict) };
            assert_eq!(unproved(&required, &with(vec![gate])).len(), 1, "whatever the record calls required");
        }
    }

    #[test]
    fn every_outcome_has_its_status() {
        use OutcomeKind::{Accepted, Blocked, Deferred, NeedsReview, Rejected};
        for (outcome, before, after, fits) in [
            (Accepted, Status::Pending, Status::Done, true),
            (Accepted, Status::Pending, Status::Pending, false),
            (Rejected, Status::Pending, Status::NeedsImprovement, true),
            (Rejected, Status::Pending, Status::Done, false),
            (NeedsReview, Status::Pending, Status::NeedsReview, true),
            (Blocked, Status::Pending, Status::Blocked, true),
            (Deferred, Status::NeedsImprovement, Status::NeedsImprovement, true),
            (Deferred, Status::Pending, Status::Done, false),
        ] {
            assert_eq!(wrong_status(outcome, Some(before), after).is_none(), fits, "{outcome:?} {after:?}");
        }
    }
}
