//! What agents say while they work: each adapter turns its own stream into these signals.
//!
//! In: lines, as they come. Out: [`Signal`]s. Invariant: a line that is not understood says nothing and
//! stops nothing; figures are of this process alone, whatever totals a session reports.

use super::failure::Failure;
use crate::effects::Finished;
use crate::state::run::Tokens;

/// Which conversation a process takes up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Session {
    /// A new one; with this id (a UUID) where the agent lets others choose it.
    #[default]
    New,
    /// A new one, with this id.
    Named(String),
    /// One that is there.
    Resumed(String),
    /// One that is there, only to make it smaller; there is no work to do.
    Compacted(String),
}

/// What was used, by one process, so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spent {
    /// Tokens.
    pub tokens: Tokens,
    /// USD, where the agent says it.
    pub cost_usd: Option<f64>,
}

/// One thing that an agent's stream says.
#[derive(Debug, Clone, PartialEq)]
pub enum Signal {
    /// The id by which this conversation can be taken up again.
    Session(String),
    /// The model that answers, which may be another than was asked for.
    Model(String),
    /// What this process has used so far; replaces what was said before.
    Spent(Spent),
    /// How full the context is, in tokens, and how large, where that is known.
    Context {
        /// In use.
        used: u64,
        /// All there is.
        window: Option<u64>,
    },
    /// A tool is used; its name, and what it is used on.
    Tool(String),
    /// What the agent says to people; the last one is its summary.
    Text(String),
    /// The agent made its context smaller by itself, or because it was asked to.
    Compacted,
    /// A tool was denied to it.
    Denied(String),
    /// A request failed and the agent tries again by itself.
    Retrying(Failure),
    /// The work has failed.
    Failed(Failure),
    /// The turn is over: the process has nothing more to do.
    Finished,
}

/// The understanding of one agent's output, line by line.
pub trait Listener {
    /// Understands one line of standard output.
    fn line(&mut self, line: &[u8], signal: &mut dyn FnMut(Signal));

    /// Understands one line of the file that [`Listener::follows`] names.
    fn side_line(&mut self, _line: &[u8], _signal: &mut dyn FnMut(Signal)) {}

    /// The end of the name of a file below the profile's own folder that tells more than standard
    /// output does, once it is known.
    fn follows(&self) -> Option<String> {
        None
    }

    /// Understands how the process ended, and what it printed to standard error.
    fn end(&mut self, finished: &Finished, signal: &mut dyn FnMut(Signal));
}
