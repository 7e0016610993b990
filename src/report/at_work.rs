//! Who is at work on what, by the leases that are known here.

use crate::step::lease::Claim;
use serde::Serialize;

/// Somebody who is at work on a task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AtWork {
    /// The task.
    pub task: String,
    /// The run; none where the lease cannot be read, here and below.
    pub run: Option<String>,
    /// The profile.
    pub agent: Option<String>,
    /// The machine.
    pub holder: Option<String>,
    /// When the lease was taken or renewed, by the holder's clock.
    pub taken: Option<String>,
    /// When it ends, by the holder's clock.
    pub until: Option<String>,
    /// The remote that it was seen on; none where it is this clone's own.
    pub remote: Option<String>,
}

impl From<&Claim> for AtWork {
    fn from(claim: &Claim) -> Self {
        let lease = claim.lease.as_ref();
        Self {
            task: claim.task.clone(),
            run: lease.map(|lease| lease.run.to_string()),
            agent: lease.map(|lease| lease.agent.clone()),
            holder: lease.map(|lease| lease.holder.clone()),
            taken: lease.map(|lease| lease.taken.to_string()),
            until: lease.map(|lease| lease.until.to_string()),
            remote: claim.remote.clone(),
        }
    }
}

impl AtWork {
    /// Who it is and until when, in words that follow the name of the task.
    #[must_use]
    pub fn who(&self) -> String {
        match (&self.agent, &self.holder, &self.run, &self.until) {
            (Some(agent), Some(holder), Some(run), Some(until)) => {
                format!("worked on by {agent} on {holder} (run {run}) until {until}")
            }
            _ => "worked on by a lease that cannot be read".to_owned(),
        }
    }

    /// Who it is, as briefly as it can be said.
    #[must_use]
    pub fn by(&self) -> String {
        match (&self.agent, &self.holder) {
            (Some(agent), Some(holder)) => format!("{agent} on {holder}"),
            _ => "by a lease that cannot be read".to_owned(),
        }
    }

    /// The task and who it is.
    #[must_use]
    pub fn spell(&self) -> String {
        format!("{} ({})", self.task, self.by())
    }
}
