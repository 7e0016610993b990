//! `orch run --jobs N`: several steps at once, each by a process of its own in a slot of its own.
//!
//! Processes and not threads: what notes signals, ends an agent's leftovers and holds a slot's lock is of a
//! process, so that a step which crashes or is killed takes nothing from the others. Invariant: no worker
//! outlives the run: its group is ended with it, and it is told to stop when the run itself is killed.

use super::context::{Context, Global};
use super::end::{End, texts};
use super::error::CliError;
use super::exit::Exit;
use super::output::{Answer, Format};
use super::run::Asked;
use super::tally::Tally;
use super::worker::{Job, invocation};
use crate::effects::{Finished, Invocation, Pool};
use crate::report::jobs::Board;
use crate::report::json::Lines;
use crate::step::crew::{Came, Crew};
use crate::step::wait::{Patience, pass};
use crate::step::{Event, Reporter as _};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

/// Takes steps, so many at once.
pub(super) fn run(
    global: &Global,
    context: &Context,
    jobs: u32,
    asked: Asked<'_>,
) -> Result<Answer, CliError> {
    let world = context.world();
    let lock = world.files.lock("run.lock", Duration::ZERO)?;
    let Some(_lock) = lock else {
        let error = CliError::new(Exit::Busy, "another `orch run --jobs` is at work in this clone");
        return Err(error.hint("wait for it to end, then type the command again"));
    };
    let terminal = std::io::stderr().is_terminal();
    let began = world.clock.now();
    let mut shift = Shift {
        global,
        context,
        asked,
        crew: Crew::new(jobs, asked.limits),
        began,
        patience: Patience::new(began, asked.limits.period),
        again: None,
        lines: Lines::default(),
        board: Board::new(terminal && !global.ci, global.may_colour(terminal), global.log()),
        heard: BTreeMap::new(),
        tally: Tally::default(),
        started: 0,
        told: false,
        last: None,
        unplanned: None,
        failed: None,
    };
    loop {
        world.process.run_several(&mut shift)?;
        if !shift.wait() {
            return shift.end();
        }
    }
}

/// All workers of a run.
struct Shift<'s> {
    global: &'s Global,
    context: &'s Context,
    asked: Asked<'s>,
    crew: Crew,
    began: Timestamp,
    patience: Patience,
    /// When to look again for what nobody found.
    again: Option<Timestamp>,
    lines: Lines,
    board: Board,
    /// The line that each is printing, and its last word.
    heard: BTreeMap<u32, (Vec<u8>, Option<Value>)>,
    tally: Tally,
    started: usize,
    /// Whether it was said that the run comes to its end.
    told: bool,
    /// What the last one said that found nothing, or that ended the run.
    last: Option<End>,
    /// Why a planner could not be asked: it is asked again when nothing else is left.
    unplanned: Option<End>,
    failed: Option<CliError>,
}

impl Pool for Shift<'_> {
    fn start(&mut self) -> Option<(usize, Invocation)> {
        self.look();
        if self.again.is_some_and(|again| self.context.world().clock.now() >= again) {
            self.crew.look_again();
            self.unplanned = None;
        }
        let most_usd = self.crew.left();
        let (slot, plans) = self.crew.next(self.elapsed())?;
        self.again = None;
        self.started += 1;
        let job = Job { slot, parent: std::process::id(), plans, most_usd };
        match invocation(self.global, (self.asked.agent, self.context.caller.push), job, self.started) {
            Ok(invocation) => Some((slot as usize, invocation)),
            Err(error) => {
                self.crew.ended(slot, Came::Stop);
                self.failed = Some(error);
                None
            }
        }
    }

    fn output(&mut self, id: usize, piece: &[u8]) {
        let slot = slot_of(id);
        let (line, _) = self.heard.entry(slot).or_default();
        line.extend_from_slice(piece);
        while let Some(end) =
            self.heard.get(&slot).and_then(|(line, _)| line.iter().position(|b| *b == b'\n'))
        {
            let rest = self.heard.get_mut(&slot).map(|(line, _)| line.drain(..=end).collect::<Vec<u8>>());
            // What is no object is no word of a worker.
            if let Ok(event) = serde_json::from_slice::<Value>(&rest.unwrap_or_default()) {
                self.event(slot, event);
            }
        }
    }

    fn look(&mut self) {
        let Some(signal) = self.context.is_last() else { return };
        self.crew.stop();
        if !std::mem::replace(&mut self.told, true) && Exit::of_signal(signal) == Exit::Interrupted {
            let text = "no step begins any more, those at work come to their end; once more ends them now";
            self.say(|board| board.note(text));
        }
    }

    fn ended(&mut self, id: usize, finished: Finished) {
        let slot = slot_of(id);
        self.board.ended(slot);
        let (_, doc) = self.heard.remove(&slot).unwrap_or_default();
        let came = if let Some(doc) = doc {
            self.came(slot, &doc)
        } else {
            let said = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
            let text = format!("its process ended without a word ({}) {said}", finished.ended);
            self.say(|board| board.fail(slot, text.trim_end()));
            self.last = Some(End::new("steps were killed again and again", Exit::Error));
            Came::Died
        };
        self.crew.ended(slot, came);
    }
}

/// A step as every other is told of, without what its worker told the run alone.
fn without_talk(mut step: Value) -> Value {
    if let Some(keys) = step.as_object_mut() {
        keys.remove("hints");
        keys.remove("left");
    }
    step
}

/// Whether those at work may change what a worker ended with. A file that cannot be read may be of one task alone.
fn may_change(exit: Exit) -> bool {
    matches!(exit, Exit::Idle | Exit::Waiting | Exit::Busy | Exit::Paused | Exit::Invalid)
}

fn slot_of(id: usize) -> u32 {
    u32::try_from(id).unwrap_or_default()
}

impl Shift<'_> {
    fn elapsed(&self) -> Duration {
        self.context.world().clock.now().duration_since(self.began).unsigned_abs()
    }

    fn say(&self, tell: impl FnOnce(&Board)) {
        if !self.global.quiet && self.global.format() != Format::Jsonl {
            tell(&self.board);
        }
    }

    /// Takes an event of a worker.
    fn event(&mut self, slot: u32, mut event: Value) {
        match event["event"].as_str() {
            Some("end") => {
                self.heard.entry(slot).or_default().1 = Some(event);
                return;
            }
            Some("workspace.prepared") => self.crew.chose(slot),
            Some("agent.started") => self.crew.plans(slot),
            Some("agent.progress") => self.crew.spent(slot, event["cost_usd"].as_f64().unwrap_or_default()),
            Some(_) | None => {}
        }
        if self.global.format() == Format::Jsonl {
            event["job"] = json!(slot + 1);
            // A reader that has gone is not the run's trouble.
            let _ = writeln!(std::io::stdout(), "{}", crate::report::safe::json(&event.to_string()));
        } else if !self.global.quiet {
            self.board.event(slot, &event);
        }
    }

    /// What a worker's last word says.
    fn came(&mut self, slot: u32, doc: &Value) -> Came {
        let data = &doc["data"];
        let usd = |key: &str| data[key].as_f64();
        let mut end = End::of(doc);
        let unplanned =
            |shift: &Self| shift.say(|board| board.note(&format!("nothing is planned: {}", end.why)));
        if data["planned"] == true {
            if data["why"].is_string() {
                unplanned(self);
            }
            return Came::Plan(usd("planned_usd"));
        }
        if data["unplanned"] == true {
            unplanned(self);
            self.unplanned = Some(end);
            return Came::Unplanned(usd("planned_usd").unwrap_or_default());
        }
        self.tally.left(texts(&data["left"]), texts(&doc["warnings"]));
        if data["run"].is_object() {
            let stops = matches!(data["failure"].as_str(), Some("deferred" | "no_agent"));
            // Who waits looks for what others may take meanwhile.
            let stops = stops && !(self.asked.waits && end.retry_after.is_some());
            self.patience.worked();
            let usd = data["run"]["cost_usd"].as_f64().unwrap_or_default();
            self.tally.add(without_talk(data.clone()));
            if stops {
                self.last = Some(end);
                return Came::Stop;
            }
            return Came::Step(usd);
        }
        let returns = end.is_away && self.asked.waits;
        let lost = (end.exit == Exit::Busy || returns) && self.crew.has_chosen(slot);
        let waits = may_change(end.exit) || returns;
        if lost || !waits {
            self.say(|board| board.fail(slot, &end.why));
        }
        if lost {
            self.last = Some(end);
            return Came::Lost;
        }
        // What nobody plans is all that is left.
        if let Some(unplanned) = self.unplanned.clone().filter(|_| waits && end.cause().is_none()) {
            end = unplanned;
        }
        if self.will_wait(&end) {
            self.last = Some(end);
            return Came::Nothing;
        }
        let new = self.last.as_ref().is_none_or(|last| last.why != end.why);
        if end.exit == Exit::Paused && new {
            self.say(|board| board.note(&end.why));
        }
        self.last = Some(end);
        if waits { Came::Nothing } else { Came::Stop }
    }

    /// Whether it is worth another look later on, which is told.
    fn will_wait(&mut self, end: &End) -> bool {
        let world = self.context.world();
        let Some(cause) = end.cause().filter(|_| self.asked.waits) else { return false };
        let now = world.clock.now();
        self.again = self.patience.until(cause, now, world.ids.random());
        if self.again.is_some()
            && let Some(event) = self.patience.tell(cause, &end.why, now, world.clock.zone())
        {
            if self.global.format() == Format::Jsonl {
                self.lines.event(&event);
            } else if let Event::Waiting { text, .. } = &event {
                self.say(|board| board.note(text));
            }
        }
        self.again.is_some()
    }

    /// Waits, with nobody at work, for what may be there later; whether there is anything to wait for.
    fn wait(&self) -> bool {
        let Some(until) = self.again else { return false };
        let world = self.context.world();
        let is_over = || self.context.is_last().is_some();
        pass(until, &|| world.clock.now(), &|piece| world.process.wait(piece), &is_over);
        !self.crew.is_stopped() && !is_over() && self.crew.reached(self.elapsed()).is_none()
    }

    fn end(self) -> Result<Answer, CliError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let reached = self.crew.reached(self.elapsed()).map(End::limit);
        let signal = self.context.is_last().map(End::interrupted);
        let end = match (self.crew.is_stopped(), reached) {
            _ if signal.is_some() => signal,
            // It has ended while it waited for a remote.
            (false, Some(reached)) => {
                self.last.filter(|end| end.is_away && self.again.is_some()).or(Some(reached))
            }
            (true | false, _) => self.last.map(|end| end.advised(self.asked.advice)),
        };
        Ok(self.tally.answer(end.unwrap_or_else(|| End::new("nothing was begun", Exit::Ok))))
    }
}
