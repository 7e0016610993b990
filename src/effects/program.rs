//! Running programs: one, one that is watched, several at a time.

use super::{Confine, Finished, Follow, Invocation, Order, Result};
use std::path::Path;
use std::time::Duration;

/// What a program reads on standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// This, then its end.
    Text(Vec<u8>),
    /// What whoever watches it says while it runs.
    Dialogue,
}

impl Input {
    /// What it reads whatever it does.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        match self {
            Self::Text(text) => text,
            Self::Dialogue => b"",
        }
    }
}

/// Programs that are to be run several at a time, in an order that depends on how they end.
pub trait Pool {
    /// The next program to start, with a number of its own; none where another one has to end first,
    /// or none is left.
    fn start(&mut self) -> Option<(usize, Invocation)>;

    /// Sees the next piece of what a program printed to standard output.
    fn output(&mut self, _id: usize, _piece: &[u8]) {}

    /// Is called many times a second while programs run.
    fn look(&mut self) {}

    /// Takes what a program did.
    fn ended(&mut self, id: usize, finished: Finished);
}

/// Who looks at a program while it runs.
pub trait Watch {
    /// Sees the next piece of what it printed to standard output.
    fn output(&mut self, piece: &[u8]);

    /// Sees the next piece of the file that is followed.
    fn side(&mut self, _piece: &[u8]) {}

    /// A file beside standard output to be seen as well, once it is known.
    fn follows(&self) -> Option<Follow> {
        None
    }

    /// What is said to a program whose input is a [`Dialogue`](super::Input::Dialogue), now that everything
    /// it printed by now was seen; none where all is said, so that its input ends.
    fn says(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// Says, many times a second, whether it may go on; `silent` is how long nothing was printed.
    fn look(&mut self, elapsed: Duration, silent: Duration) -> Order;
}

/// Nobody: the program goes on until it ends or a limit of its invocation is reached.
#[derive(Debug, Clone, Copy)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn output(&mut self, _: &[u8]) {}

    fn look(&mut self, _: Duration, _: Duration) -> Order {
        Order::GoOn
    }
}

/// Running programs.
pub trait Process: Confine {
    /// Runs a program in a group of its own until it ends, then ends everything that it left.
    /// A program that cannot be started is a fact ([`NotStarted`](super::Ended::NotStarted)), not an error.
    ///
    /// # Errors
    /// When the machine cannot watch it.
    fn run(&self, invocation: &Invocation) -> Result<Finished> {
        self.watch(invocation, &mut Unwatched)
    }

    /// The same, with somebody who looks at it while it runs, and who has seen everything when it returns.
    ///
    /// # Errors
    /// When the machine cannot watch it.
    fn watch(&self, invocation: &Invocation, watch: &mut dyn Watch) -> Result<Finished>;

    /// Looks whether programs can be run at all: what they print goes to temporary files.
    ///
    /// # Errors
    /// When none can be made.
    fn check_temporary(&self) -> Result<()> {
        Ok(())
    }

    /// Lets time pass, unless orch is told to stop.
    fn wait(&self, duration: Duration);

    /// Runs programs several at a time, each as [`Process::run`] does, until the pool has none left
    /// to start and none runs. The pool is asked and told by the thread that called.
    ///
    /// # Errors
    /// When the machine cannot watch one; no further one is then started.
    fn run_several(&self, pool: &mut dyn Pool) -> Result<()> {
        while let Some((id, invocation)) = pool.start() {
            let finished = self.run(&invocation)?;
            pool.ended(id, finished);
        }
        Ok(())
    }

    /// Ends what a run whose orch was killed left running; its prompts and outcome are in `dir`.
    /// What cannot be seen is left.
    ///
    /// # Errors
    /// When something is seen and does not end.
    fn end_strays(&self, run: &str, dir: &Path) -> Result<()>;

    /// Ends what orch's programs of before still do in a directory that nobody else may use now. What
    /// cannot be seen is left.
    ///
    /// # Errors
    /// When something is seen and does not end.
    fn end_left_in(&self, dir: &Path) -> Result<()>;

    /// Whether orch was told to stop.
    fn interrupted(&self) -> Option<i32>;

    /// A variable of orch's own environment.
    fn env(&self, name: &str) -> Option<String>;

    /// Whether a program of this name can be found.
    fn has_program(&self, name: &str) -> bool;

    /// The name of the machine.
    fn host(&self) -> String {
        "localhost".to_owned()
    }
}
