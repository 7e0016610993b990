//! Asking a planner, again where its plan is not whole.
//!
//! In: a question and the rules for what is proposed. Out: what [`Came`]. Invariant: a plan that is not whole goes
//! back with the reasons, as often as the policy has attempts; what of an answer is not taken up is told.

use super::attempt::Job;
use super::consult::{self, Question};
use super::course::Course;
use super::error::StepError;
use super::event::Event;
use super::record::new_task_id_in;
use super::site::Workplace;
use crate::agent::failure::FailureKind;
use crate::agent::{NewNote, Reply};
use crate::plan::{self, Plan, Rules};
use crate::state::task::one_line;
use std::fmt::Write as _;

/// What a session of a planner is called in the run record.
pub const ROLE: &str = "plan";

/// What an answer lacks that proposes nothing.
const NO_PLAN: &str = "no `follow_ups` in a block of YAML at its end";
/// Why nothing was planned where a person, or the machine, ended the planner: it says nothing of what was asked.
pub const INTERRUPTED: &str = "planned nothing: interrupted";

/// What came of asking.
#[derive(Debug, Default)]
pub struct Came {
    /// The best plan.
    pub plan: Plan,
    /// What it noted beside.
    pub notes: Vec<NewNote>,
    /// The class of the failure that the last session ended with.
    pub failure: Option<FailureKind>,
    /// What of the last answer cannot be read.
    unreadable: Option<String>,
    /// Whether the last session was ended from outside.
    is_interrupted: bool,
}

/// Asks until the plan is whole, or there is no point in asking again.
///
/// # Errors
/// When the machine fails.
pub fn propose_until_whole(
    job: &Job<'_>,
    course: &mut Course,
    workplace: &mut Workplace<'_>,
    rules: Rules<'_>,
) -> Result<Came, StepError> {
    let mut came = Came::default();
    let mut text = job.prompt.text.clone();
    let mut was_silent = false;
    for _ in 0..job.base.config.policy.max_attempts {
        let question =
            Question { profile: &job.who.profile, role: ROLE, text: &text, tree: job.base.commit.tree };
        let heard = consult::ask(job, course, workplace, question)?;
        came.failure = heard.failure().map(|failure| failure.kind);
        came.unreadable = heard.reply.unreadable.as_deref().map(|why| one_line(why, 200));
        came.is_interrupted = job.world.process.interrupted().is_some();
        let proposals = &heard.reply.follow_ups;
        let found = plan::check(proposals, rules, &mut || new_task_id_in(job.world, rules.graph))?;
        tell(job, &heard.reply, &found, came.unreadable.as_deref());
        came.notes.extend(heard.reply.notes.iter().cloned());
        let (is_silent, whole) = (proposals.is_empty(), found.refused.is_empty() && !found.tasks.is_empty());
        if whole || found.tasks.len() >= came.plan.tasks.len() {
            came.plan = found;
        }
        // Who has nothing to say twice has nothing to say.
        let hopeless = (is_silent && was_silent) || came.failure.is_some() || came.is_interrupted;
        if whole || hopeless || course.used_up().is_some() {
            break;
        }
        was_silent = is_silent;
        text = format!("{}\n{}", job.prompt.text, again(&came, is_silent));
    }
    Ok(came)
}

/// Tells what of an answer is not taken up, and why.
fn tell(job: &Job<'_>, reply: &Reply, found: &Plan, unreadable: Option<&str>) {
    let name = &job.who.profile.name;
    let warn = |text| job.reporter.event(&Event::Warning { text });
    match unreadable {
        Some(why) => warn(format!("the answer of `{name}` is no plan: {why}")),
        None if reply.follow_ups.is_empty() => warn(format!("`{name}` gave {NO_PLAN}")),
        None => {}
    }
    reply.complaint.iter().for_each(|complaint| warn(complaint.clone()));
    for refusal in &found.refused {
        warn(format!("refused: {}: {}", refusal.title, refusal.why));
    }
}

/// What a planner is told whose plan is not whole.
fn again(came: &Came, is_silent: bool) -> String {
    let mut text = "## Your last answer was not accepted\n\n".to_owned();
    match &came.unreadable {
        Some(why) => {
            let _ = writeln!(text, "It cannot be used: {why}.");
        }
        None if is_silent => {
            let _ = writeln!(text, "It had {NO_PLAN}.");
        }
        None => {}
    }
    for refusal in &came.plan.refused {
        let _ = writeln!(text, "- {}: {}", refusal.title, refusal.why);
    }
    text.push_str("\nAnswer again with the whole plan.\n");
    text
}

/// That so many tasks were planned, in one line.
#[must_use]
pub fn planned(tasks: usize) -> String {
    if tasks == 1 { "planned 1 task".to_owned() } else { format!("planned {tasks} tasks") }
}

impl Came {
    /// What came of it, in one line.
    #[must_use]
    pub fn reason(&self) -> String {
        match self.plan.tasks.len() {
            0 if self.is_interrupted => INTERRUPTED.to_owned(),
            0 => format!("planned nothing: {}", self.lacks()),
            tasks => planned(tasks),
        }
    }

    /// Why nothing was planned.
    fn lacks(&self) -> String {
        match (self.failure, &self.unreadable, self.plan.refused.len()) {
            (Some(kind), _, _) => format!("the planner failed ({})", kind.as_str().replace('_', " ")),
            (None, Some(why), 0) => why.clone(),
            (None, None, 0) => "the planner proposed nothing".to_owned(),
            (None, _, 1) => "the one proposal was refused".to_owned(),
            (None, _, refused) => format!("all {refused} proposals were refused"),
        }
    }
}
