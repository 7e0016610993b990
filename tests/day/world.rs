//! A machine whose clock is set by hand and whose programs are scripted; the repository and git are real.

use crate::model::{AGENTS, Agent, Fate, Random, Session};
use jiff::Timestamp;
use orch::effects::{Clock, Confine, Ended, Finished, Ids, Invocation, Order, Process, Result, Spot, Watch};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What only the test knows of a step: whether work that landed is really good, and what was spent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Truth {
    /// Tasks whose last work is not good although no gate can see it.
    pub(crate) subtle: HashMap<String, bool>,
    /// USD, by the prices of the agents.
    pub(crate) spent: f64,
    /// Sessions by agent.
    pub(crate) sessions: HashMap<&'static str, u32>,
    /// Faults that were injected.
    pub(crate) faults: u32,
}

/// A machine that is not there.
pub(crate) struct Machine {
    now: Cell<Timestamp>,
    random: RefCell<Random>,
    ids: RefCell<Random>,
    complexity: HashMap<String, u8>,
    pub(crate) truth: RefCell<Truth>,
}

impl Machine {
    pub(crate) fn new(seed: u64, start: Timestamp, complexity: HashMap<String, u8>) -> Self {
        Self {
            now: Cell::new(start),
            random: RefCell::new(Random::new(seed)),
            ids: RefCell::new(Random::new(seed ^ 0x5eed)),
            complexity,
            truth: RefCell::default(),
        }
    }

    /// Sets the clock; it never goes back.
    pub(crate) fn sleep_until(&self, time: Timestamp) {
        self.now.set(self.now.get().max(time));
    }

    fn pass(&self, time: Duration) {
        let later = self.now.get().checked_add(time).expect("a day is not that long");
        self.now.set(later);
    }

    /// The gate: it sees everything but what is subtle.
    fn check(invocation: &Invocation) -> Finished {
        let bad = fs::read_dir(invocation.dir.join("work"))
            .into_iter()
            .flatten()
            .flatten()
            .find(|entry| fs::read_to_string(entry.path()).is_ok_and(|text| text.starts_with("bad")));
        match bad {
            None => finished(Ended::Exited(0), "12 passed\n"),
            Some(file) => {
                finished(Ended::Exited(1), &format!("FAILED {}\n", file.file_name().to_string_lossy()))
            }
        }
    }

    /// One session of an agent: it changes a file, and says that it is done.
    fn session(&self, agent: &'static Agent, invocation: &Invocation, watch: &mut dyn Watch) -> Finished {
        let env = |name: &str| {
            let found = invocation.env.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let task = env("ORCH_TASK");
        let again = String::from_utf8_lossy(invocation.stdin.text()).contains("FAILED");
        let complexity = self.complexity.get(&task).copied().unwrap_or(5);
        let session = agent.session(complexity, again, &mut self.random.borrow_mut());
        self.pass(session.took);
        if session.fate == Fate::Hung {
            self.pass(invocation.idle_timeout.unwrap_or_default());
        }
        self.note(agent, &session, &task);
        let text = match session.fate {
            Fate::Good => Some("good"),
            Fate::Subtle => Some("good on the face of it"),
            Fate::Bad | Fate::Crashed | Fate::Hung => Some("bad"),
            Fate::Limited(_) | Fate::Overloaded => None,
        };
        if let Some(text) = text {
            let stamp = self.random.borrow_mut().bits();
            fs::create_dir_all(invocation.dir.join("work")).expect("a folder");
            fs::write(invocation.dir.join("work").join(&task), format!("{text} {stamp}\n")).expect("a file");
        }
        let printed = printed(agent, &session, &env("ORCH_RUN"), self.now.get());
        watch.output(printed.as_bytes());
        let _: Order = watch.look(session.took, Duration::ZERO);
        let ended = match session.fate {
            Fate::Good | Fate::Bad | Fate::Subtle => Ended::Exited(0),
            Fate::Limited(_) | Fate::Overloaded | Fate::Crashed => Ended::Exited(1),
            Fate::Hung => Ended::Silent,
        };
        finished(ended, &printed)
    }

    fn note(&self, agent: &'static Agent, session: &Session, task: &str) {
        let mut truth = self.truth.borrow_mut();
        truth.spent += agent.cost(session);
        *truth.sessions.entry(agent.name).or_default() += 1;
        match session.fate {
            Fate::Good | Fate::Bad | Fate::Subtle => {
                truth.subtle.insert(task.to_owned(), session.fate == Fate::Subtle);
            }
            Fate::Limited(_) | Fate::Overloaded | Fate::Crashed | Fate::Hung => truth.faults += 1,
        }
    }
}

fn finished(ended: Ended, stdout: &str) -> Finished {
    Finished { ended, stdout: stdout.into(), stderr: Vec::new(), duration_ms: 1, survivors: 0 }
}

/// What Claude Code would print: the lines that orch reads, with the figures of the session.
fn printed(agent: &Agent, session: &Session, id: &str, now: Timestamp) -> String {
    let [input, cached, output] = session.tokens;
    let usage = json!({"input_tokens": input, "cache_creation_input_tokens": 0, "cache_read_input_tokens": cached,
        "output_tokens": output});
    let used = json!({agent.model: {"inputTokens": input, "outputTokens": output, "cacheReadInputTokens": cached,
        "cacheCreationInputTokens": 0, "costUSD": agent.cost(session), "contextWindow": 1_000_000}});
    let init = json!({"type": "system", "subtype": "init", "session_id": id, "model": agent.model});
    let says = |text: &str| {
        json!({"type": "assistant", "session_id": id, "parent_tool_use_id": null, "message": {
            "id": "m1", "model": agent.model, "role": "assistant", "usage": usage.clone(),
            "content": [{"type": "text", "text": text}]}})
    };
    let result = |is_error: bool, text: &str| {
        json!({"type": "result", "subtype": "success", "is_error": is_error, "result": text, "session_id": id,
            "total_cost_usd": agent.cost(session), "usage": usage.clone(), "modelUsage": used.clone(),
            "model_usage_since_last_result": used.clone(),
            "terminal_reason": if is_error { "api_error" } else { "completed" }})
    };
    let synthetic = |text: &str, error: &str, status: u64, kind: &str| {
        json!({"type": "assistant", "session_id": id, "parent_tool_use_id": null, "error": error,
            "is_api_error_message": true, "api_error_status": status, "api_error_type": kind, "message": {
            "id": "e1", "model": "<synthetic>", "role": "assistant", "content": [{"type": "text", "text": text}],
            "usage": {"input_tokens": 0, "output_tokens": 0}}})
    };
    let lines: Vec<Value> = match session.fate {
        Fate::Good | Fate::Bad | Fate::Subtle => {
            vec![init, says("It is done, all tests pass."), result(false, "It is done, all tests pass.")]
        }
        Fate::Crashed | Fate::Hung => vec![init, says("I am looking at it.")],
        Fate::Limited(minutes) => {
            let resets = now.as_second() + i64::try_from(minutes * 60).unwrap_or_default();
            let limit = json!({"type": "rate_limit_event", "session_id": id, "rate_limit_info": {
                "status": "rejected", "resetsAt": resets, "rateLimitType": "five_hour"}});
            let text = "You've hit your 5-hour limit";
            vec![init, limit, synthetic(text, "rate_limit", 429, "rate_limit_error"), result(true, text)]
        }
        Fate::Overloaded => {
            let text = "API Error: Repeated 529 Overloaded errors.";
            vec![init, synthetic(text, "server_error", 529, "overloaded_error"), result(true, text)]
        }
    };
    lines.iter().map(|line| format!("{line}\n")).collect()
}

impl Process for Machine {
    fn watch(&self, invocation: &Invocation, watch: &mut dyn Watch) -> Result<Finished> {
        let model = invocation.argv.iter().position(|word| word == "--model");
        let model = model.and_then(|at| invocation.argv.get(at + 1));
        let agent = AGENTS.iter().find(|agent| model.is_some_and(|model| model == agent.model));
        Ok(match agent {
            Some(agent) => self.session(agent, invocation, watch),
            None => Self::check(invocation),
        })
    }

    fn wait(&self, duration: Duration) {
        self.pass(duration);
    }

    fn end_strays(&self, _: &str, _: &Path) -> Result<()> {
        Ok(())
    }

    fn end_left_in(&self, _: &Path) -> Result<()> {
        Ok(())
    }

    fn interrupted(&self) -> Option<i32> {
        None
    }

    fn env(&self, _: &str) -> Option<String> {
        None
    }

    fn has_program(&self, _: &str) -> bool {
        true
    }
}

impl Confine for Machine {
    fn bwrap(&self) -> std::result::Result<PathBuf, String> {
        Err("there are no walls in a simulation".to_owned())
    }

    fn landlock(&self) -> std::result::Result<PathBuf, String> {
        Err("there are no walls in a simulation".to_owned())
    }

    fn spot(&self, _: &Path) -> Option<Spot> {
        None
    }

    fn make_dir(&self, _: &Path) -> Result<()> {
        Ok(())
    }

    fn clear(&self, _: &[PathBuf]) -> Result<()> {
        Ok(())
    }
}

impl Clock for Machine {
    fn now(&self) -> Timestamp {
        self.now.get()
    }
}

impl Ids for Machine {
    fn random(&self) -> u128 {
        let mut ids = self.ids.borrow_mut();
        u128::from(ids.bits()) << 64 | u128::from(ids.bits())
    }
}
