//! For programs: one JSON object a line for each event, and the shapes of step and run.

use crate::gate::Verdict;
use crate::outcome::Outcome;
use crate::state::checkpoint::Checkpoint;
use crate::state::run::{Run, Tokens};
use crate::state::task::Task;
use crate::step::request::Request;
use crate::step::{Event, Ran, Reporter};
use serde_json::{Value, json};
use std::cell::Cell;
use std::io::Write as _;

/// Tells programs, on standard output, one object a line.
#[derive(Debug, Default)]
pub struct Lines {
    seq: Cell<u64>,
    /// The last ten seconds of an agent's work that were told.
    told: Cell<u64>,
}

impl Lines {
    /// The object of an event; none for progress that was told a moment ago.
    pub(super) fn next(&self, event: &Event) -> Option<Value> {
        if let Event::Progress { elapsed, .. } = event
            && elapsed.as_secs() / 10 <= self.told.replace(elapsed.as_secs() / 10)
        {
            return None;
        }
        if matches!(event, Event::AgentStarted { .. }) {
            self.told.set(0);
        }
        let seq = self.seq.get() + 1;
        self.seq.set(seq);
        let mut value = shape(event);
        if let Some(object) = value.as_object_mut() {
            object.insert("seq".to_owned(), json!(seq));
        }
        Some(value)
    }
}

impl Reporter for Lines {
    fn event(&self, event: &Event) {
        if let Some(value) = self.next(event) {
            // A reader that has gone is not the step's trouble.
            let _ = writeln!(std::io::stdout(), "{}", super::safe::json(&value.to_string()));
        }
    }
}

fn shape(event: &Event) -> Value {
    match event {
        Event::Recovered { what } => json!({"event": "recovered", "what": what}),
        Event::Selected { task, title, because } => {
            json!({"event": "task.selected", "task": task, "title": title, "because": because})
        }
        Event::Prompted { tokens, budget_tokens, sections, omitted } => json!({
            "event": "prompt.built", "tokens": tokens, "budget_tokens": budget_tokens,
            "sections": sections, "omitted": omitted,
        }),
        Event::Prepared { dir } => json!({"event": "workspace.prepared", "dir": dir}),
        Event::Confined { level } => json!({"event": "sandbox.chosen", "level": level.as_str()}),
        Event::AgentStarted { agent, attempt, max_attempts } => json!({
            "event": "agent.started", "agent": agent, "attempt": attempt, "max_attempts": max_attempts,
        }),
        Event::Progress { agent, elapsed, silent, progress } => json!({
            "event": "agent.progress", "agent": agent, "elapsed_s": elapsed.as_secs(),
            "silent_s": silent.as_secs(), "tokens": self::tokens(progress.tokens),
            "cost_usd": progress.cost_usd, "context": progress.context, "tool": progress.tool,
        }),
        Event::Turned { how, text } => json!({"event": format!("agent.{how}"), "text": text}),
        Event::AgentFinished { agent, role, ended, duration_ms, tokens, files_changed, survivors } => json!({
            "event": "agent.finished", "agent": agent, "role": role, "ended": ended, "duration_ms": duration_ms,
            "tokens": self::tokens(*tokens),
            "files_changed": files_changed, "survivors": survivors,
        }),
        Event::GateStarted { gate } => json!({"event": "gate.started", "gate": gate}),
        Event::GateFinished { verdict: each } => {
            let mut value = verdict(each);
            if let Some(object) = value.as_object_mut() {
                object.insert("event".to_owned(), json!("gate.finished"));
            }
            value
        }
        Event::HookFinished { hook, passed, said } => {
            json!({"event": "hook.finished", "hook": hook, "passed": passed, "said": said})
        }
        Event::Replayed { regated } => json!({"event": "step.replayed", "regated": regated}),
        Event::Pushed { remote, branch, commit } => json!({
            "event": "step.pushed", "remote": remote, "branch": branch, "commit": commit,
        }),
        Event::Landed { outcome, reason, commit, branch } => json!({
            "event": "step.landed", "outcome": outcome, "reason": reason, "commit": commit, "branch": branch,
        }),
        Event::Offered { branch, target, commit } => {
            json!({"event": "work.offered", "branch": branch, "target": target, "commit": commit})
        }
        Event::Waiting { text, until } => {
            json!({"event": "run.waiting", "text": text, "until": until.map(|time| time.to_string())})
        }
        Event::Kept { reference } => json!({"event": "work.kept", "ref": reference}),
        Event::Warning { text } => json!({"event": "warning", "text": text}),
    }
}

/// A verdict.
#[must_use]
pub fn verdict(verdict: &Verdict) -> Value {
    json!({
        "gate": verdict.name, "verdict": verdict.kind.as_str(), "required": verdict.required,
        "duration_ms": verdict.duration_ms, "evidence": verdict.evidence,
        "metric": verdict.metric.as_ref().map(|(name, value)| json!({"name": name, "value": value})),
        "tests": verdict.tests, "coverage": verdict.coverage, "tries": verdict.tries, "cached": verdict.cached,
    })
}

/// A task.
#[must_use]
pub fn task(task: &Task) -> Value {
    json!({
        "id": task.id.as_str(), "title": task.title, "kind": task.kind.as_str(),
        "status": task.status.as_str(), "reason": task.reason, "priority": task.priority,
        "complexity": task.complexity, "created": task.created.map(|time| time.to_string()),
        "source": task.source, "parent": task.parent.as_ref().map(|id| id.as_str().to_owned()),
        "depends_on": task.depends_on.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>(),
        "labels": task.labels, "files": task.files, "acceptance": task.acceptance,
        "allow": task.allow, "run": task.run,
        "description": task.description,
        "estimate": task.estimate.as_ref().map(|estimate| json!({
            "files": estimate.files, "tests": estimate.tests, "docs": estimate.docs,
            "tokens": estimate.tokens, "confidence": estimate.confidence,
        })),
        "history": {
            "attempts": task.history.attempts,
            "last_run": task.history.last_run.as_ref().map(|id| id.as_str().to_owned()),
        },
    })
}

/// A run record.
#[must_use]
pub fn run(run: &Run) -> Value {
    json!({
        "id": run.id.as_str(), "task": run.task.as_str(), "base": run.base,
        "started": run.started.to_string(), "finished": run.finished.to_string(),
        "outcome": run.outcome.as_str(), "reason": run.reason,
        "agent": run.agent, "adapter": run.adapter, "model": run.model, "chosen_because": run.chosen_because,
        "sandbox": run.sandbox,
        "prompt_sha256": run.prompt_sha256, "prompt_tokens": run.prompt_tokens,
        "attempts": run.at_work(),
        "tokens": tokens(run.tokens()),
        "cost_usd": run.cost_usd, "tree": run.tree,
        "files_changed": run.files_changed, "insertions": run.insertions, "deletions": run.deletions,
        "flaky_gates": run.flaky_gates().count(),
        "gates": run.gates.iter().map(|gate| json!({
            "gate": gate.name, "verdict": gate.verdict.as_str(), "required": gate.required,
            "duration_ms": gate.duration_ms, "evidence": gate.evidence,
            "metric": gate.metric.as_ref().map(|(name, value)| json!({"name": name, "value": value})),
            "tests": gate.tests, "coverage": gate.coverage, "tries": gate.tries, "cached": gate.cached,
        })).collect::<Vec<_>>(),
    })
}

/// Tokens; what was only thought where it is told.
#[must_use]
pub fn tokens(tokens: Tokens) -> Value {
    let Tokens { input, cached, output, reasoning } = tokens;
    let mut value = json!({"input": input, "cached": cached, "output": output});
    if let Some(object) = value.as_object_mut().filter(|_| reasoning > 0) {
        object.insert("reasoning".to_owned(), json!(reasoning));
    }
    value
}

/// A run record with everything that is in it.
#[must_use]
pub fn run_whole(whole: &Run) -> Value {
    let mut value = run(whole);
    let sessions: Vec<Value> = whole
        .attempts
        .iter()
        .map(|attempt| {
            json!({
                "ended": attempt.ended, "duration_ms": attempt.duration_ms, "rejected_by": attempt.rejected_by,
                "tokens": tokens(attempt.tokens), "agent": attempt.agent, "session": attempt.session,
                "failure": attempt.failure, "role": attempt.role, "cost_usd": attempt.cost_usd,
                "early": attempt.early,
            })
        })
        .collect();
    if let Some(object) = value.as_object_mut() {
        let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
        put("sessions", Value::Array(sessions));
        put("decides", json!(whole.decides.as_ref().map(|run| run.as_str().to_owned())));
        put("failure", json!(whole.failure));
        put("sections", json!(whole.sections));
        put("omitted", json!(whole.omitted));
        put("omitted_more", json!(whole.omitted_more));
        put("files", json!(whole.files));
        put("context_peak", json!(whole.context_peak));
        put("compactions", json!(whole.compactions));
        put("rotations", json!(whole.rotations));
        put("claims", json!(whole.claims));
        put("estimated_tokens", json!(whole.estimated_tokens));
        put("mode", json!(whole.mode));
        put("orch", json!(whole.orch));
    }
    value
}

/// A checkpoint.
#[must_use]
pub fn checkpoint(checkpoint: &Checkpoint) -> Value {
    json!({
        "number": checkpoint.number, "reason": checkpoint.reason.as_str(),
        "run": checkpoint.run.as_ref().map(|run| run.as_str().to_owned()),
        "base": checkpoint.base, "work": checkpoint.work, "summary": checkpoint.summary,
        "next": checkpoint.next, "evidence": checkpoint.evidence,
    })
}

/// A branch that waits to be merged.
#[must_use]
pub fn request(request: &Request) -> Value {
    json!({
        "task": request.task, "branch": request.branch, "commit": request.commit.to_string(),
        "target": request.target, "title": request.title, "body": request.body, "again": request.again,
    })
}

/// What a step did.
#[must_use]
pub fn ran(ran: &Ran) -> Value {
    let mut value = json!({
        "task": task(&ran.task), "run": run(&ran.run), "outcome": ran.run.outcome.as_str(),
        "reason": ran.run.reason, "commit": ran.commit.to_string(), "branch": ran.branch, "kept": ran.kept,
        "failure": match &ran.outcome {
            Outcome::Accepted | Outcome::NeedsReview => Value::Null,
            Outcome::Rejected(_) => json!("rejected"),
            Outcome::AgentFailed(_) => json!("agent_failed"),
            Outcome::TimedOut(_) => json!("agent_timeout"),
            Outcome::Blocked(_) => json!("blocked"),
            Outcome::Deferred(_) => json!("deferred"),
            Outcome::NoAgent(_) => json!("no_agent"),
        },
    });
    if let (Some(object), Some(requests)) = (value.as_object_mut(), &ran.requests) {
        object.insert("requests".to_owned(), requests.iter().map(request).collect());
    }
    value
}
