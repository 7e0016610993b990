//! Speaking to a program while it runs: a pipe to its standard input.
//!
//! Invariant: a program that does not read never keeps orch waiting; what it has not taken yet is said later.

use super::process::cannot_watch;
use crate::effects::{Result, Watch};
use rustix::fs::{OFlags, fcntl_setfl};
use std::io::{ErrorKind, PipeWriter, Write as _};
use std::os::fd::OwnedFd;

/// The writing end, and what is still to be written.
pub(super) struct Mouth {
    pipe: Option<PipeWriter>,
    rest: Vec<u8>,
}

impl Mouth {
    /// A mouth, and what the program reads from.
    pub(super) fn new() -> Result<(Self, OwnedFd)> {
        let (ear, pipe) = std::io::pipe().map_err(cannot_watch)?;
        fcntl_setfl(&pipe, OFlags::NONBLOCK).map_err(|error| cannot_watch(error.into()))?;
        Ok((Self { pipe: Some(pipe), rest: Vec::new() }, ear.into()))
    }

    /// Says what whoever watches has to say by now, as far as the program takes it; closed when that was all.
    pub(super) fn speak(&mut self, watch: &mut dyn Watch) {
        let Some(pipe) = &mut self.pipe else { return };
        let more = watch.says();
        let last = more.is_none();
        self.rest.extend(more.unwrap_or_default());
        while !self.rest.is_empty() {
            match pipe.write(&self.rest) {
                Ok(count) => drop(self.rest.drain(..count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // It reads no more; what becomes of that is told by how it ends.
                Err(_) => break,
            }
        }
        if last || !self.rest.is_empty() {
            self.pipe = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::process::OsProcess;
    use crate::effects::{Ended, Input, Invocation, Order, Process as _, Stop, Watch};
    use std::time::Duration;

    /// Answers every line with the next of its own.
    struct Partner {
        lines: Vec<Vec<u8>>,
        heard: Vec<u8>,
        answered: usize,
    }

    impl Watch for Partner {
        fn output(&mut self, piece: &[u8]) {
            self.heard.extend_from_slice(piece);
        }

        fn look(&mut self, _: Duration, _: Duration) -> Order {
            Order::GoOn
        }

        fn says(&mut self) -> Option<Vec<u8>> {
            let heard = String::from_utf8_lossy(&self.heard).lines().count();
            if heard < self.answered {
                return Some(Vec::new());
            }
            let line = self.lines.get(self.answered).cloned();
            self.answered += 1;
            line
        }
    }

    fn talk(script: &str, lines: &[&[u8]]) -> (Ended, String) {
        let lines = lines.iter().map(|line| line.to_vec()).collect();
        let mut partner = Partner { lines, heard: Vec::new(), answered: 0 };
        let invocation = Invocation {
            argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
            dir: std::env::temp_dir(),
            env: vec![("PATH".to_owned(), std::env::var("PATH").unwrap())],
            stdin: Input::Dialogue,
            timeout: Duration::from_secs(60),
            idle_timeout: None,
            output_limit: 1 << 20,
            stop: Stop::Terminate,
        };
        let finished = OsProcess::new().unwrap().watch(&invocation, &mut partner).unwrap();
        (finished.ended, String::from_utf8(finished.stdout).unwrap())
    }

    #[test]
    fn each_answer_is_said_when_it_is_asked_for_and_then_the_input_ends() {
        let echo = "while read line; do echo got $line; done; echo end";
        assert_eq!(
            talk(echo, &[b"one\n", b"two\n"]),
            (Ended::Exited(0), "got one\ngot two\nend\n".to_owned())
        );
    }

    #[test]
    fn what_is_longer_than_a_pipe_holds_is_said_whole() {
        let long = [vec![b'x'; 1 << 20], b"\n".to_vec()].concat();
        assert_eq!(talk("head -c 1048577 | wc -c", &[&long]), (Ended::Exited(0), "1048577\n".to_owned()));
    }

    #[test]
    fn who_does_not_listen_is_not_waited_for() {
        let long = vec![b'x'; 1 << 20];
        assert_eq!(talk("echo deaf; exit 3", &[&long]), (Ended::Exited(3), "deaf\n".to_owned()));
        assert_eq!(talk("exec <&-; echo deaf; sleep 0.1", &[&long]).0, Ended::Exited(0));
    }
}
