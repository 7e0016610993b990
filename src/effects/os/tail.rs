//! What a program prints: files without a name, and the end of them while it runs.
//!
//! Invariant: nothing here moves the offset of a file that the program still writes to (it shares it with
//! orch), and no more than one piece is in memory at a time.

use super::mouth::Mouth;
use super::process::{LOOK, cannot_watch};
use crate::effects::{Follow, Input, Result, Watch};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use walkdir::WalkDir;

/// How much of an output is kept.
const KEEP: u64 = crate::effects::KEPT_OUTPUT as u64;
/// The most that is handed over at once, in bytes.
const PIECE: usize = 64 << 10;
/// The most that is read before the program itself is looked at again, in bytes.
const ROUND: u64 = 16 << 20;
/// The time between two searches for a file that is to be followed.
const SEARCH: Duration = Duration::from_millis(500);
/// The longest time between two looks at a program that is spoken to.
const TALK: Duration = Duration::from_millis(5);
/// The most entries that one search looks at.
const ENTRIES: usize = 20_000;

/// Where a program reads and writes.
pub(super) struct Outputs {
    pub(super) stdin: OwnedFd,
    pub(super) stdout: File,
    pub(super) stderr: File,
}

impl Outputs {
    /// The files, and where the program is spoken to.
    pub(super) fn new(input: &Input) -> Result<(Self, Option<Mouth>)> {
        let open = || tempfile::tempfile().map_err(cannot_watch);
        let (stdin, mouth) = match input {
            Input::Text(text) => {
                let mut stdin = open()?;
                stdin.write_all(text).map_err(cannot_watch)?;
                stdin.seek(SeekFrom::Start(0)).map_err(cannot_watch)?;
                (stdin.into(), None)
            }
            Input::Dialogue => {
                let (mouth, ear) = Mouth::new()?;
                (ear, Some(mouth))
            }
        };
        Ok((Self { stdin, stdout: open()?, stderr: open()? }, mouth))
    }

    pub(super) fn printed(&self) -> u64 {
        let length = |file: &File| file.metadata().map_or(0, |metadata| metadata.len());
        length(&self.stdout) + length(&self.stderr)
    }
}

/// The last part of an output.
pub(super) fn last(file: &File) -> Result<Vec<u8>> {
    let mut file = file;
    let length = file.metadata().map_err(cannot_watch)?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(KEEP))).map_err(cannot_watch)?;
    let mut content = Vec::new();
    file.take(KEEP).read_to_end(&mut content).map_err(cannot_watch)?;
    Ok(content)
}

/// Who watches, and how far it has seen.
pub(super) struct Followed<'w> {
    pub(super) watch: &'w mut dyn Watch,
    mouth: Option<Mouth>,
    seen: u64,
    side: Option<(File, u64)>,
    searched: Option<Instant>,
    piece: Vec<u8>,
}

impl<'w> Followed<'w> {
    /// Before the program starts: what a followed file holds by then was seen by earlier watches.
    pub(super) fn new(watch: &'w mut dyn Watch, mouth: Option<Mouth>) -> Self {
        let side = watch.follows().and_then(|follow| find(&follow)).and_then(|path| {
            let file = File::open(path).ok()?;
            let length = file.metadata().ok()?.len();
            Some((file, length))
        });
        Self { watch, mouth, seen: 0, side, searched: None, piece: vec![0; PIECE] }
    }

    /// The longest time until the next look.
    pub(super) fn pause(&self) -> Duration {
        if self.mouth.is_some() { TALK } else { LOOK }
    }

    /// Says to the program what there is to say.
    pub(super) fn speak(&mut self) {
        if let Some(mouth) = &mut self.mouth {
            mouth.speak(self.watch);
        }
    }

    /// How much of the followed file was seen.
    pub(super) fn beside(&self) -> u64 {
        self.side.as_ref().map_or(0, |(_, seen)| *seen)
    }

    /// Hands over what is new, a round at most.
    pub(super) fn show(&mut self, outputs: &Outputs) -> Result<()> {
        let end = self.seen + ROUND;
        while self.seen < end {
            let count = outputs.stdout.read_at(&mut self.piece, self.seen).map_err(cannot_watch)?;
            if count == 0 {
                break;
            }
            self.watch.output(&self.piece[..count]);
            self.seen += count as u64;
        }
        self.search();
        if let Some((file, seen)) = &mut self.side {
            let end = *seen + ROUND;
            while *seen < end {
                // It is the agent's own file: that it cannot be read any more is no reason to stop.
                let count = file.read_at(&mut self.piece, *seen).unwrap_or_default();
                if count == 0 {
                    break;
                }
                self.watch.side(&self.piece[..count]);
                *seen += count as u64;
            }
        }
        Ok(())
    }

    /// Hands over everything that is left.
    pub(super) fn show_rest(&mut self, outputs: &Outputs) -> Result<()> {
        self.searched = None;
        loop {
            let before = (self.seen, self.beside());
            self.show(outputs)?;
            if (self.seen, self.beside()) == before {
                return Ok(());
            }
        }
    }

    fn search(&mut self) {
        if self.side.is_some() || self.searched.is_some_and(|last| last.elapsed() < SEARCH) {
            return;
        }
        let Some(follow) = self.watch.follows() else { return };
        self.searched = Some(Instant::now());
        self.side = find(&follow).and_then(|path| Some((File::open(path).ok()?, 0)));
    }
}

/// The newest file, by its name, whose path ends so.
fn find(follow: &Follow) -> Option<PathBuf> {
    let entries = WalkDir::new(&follow.below)
        .max_depth(8)
        .sort_by(|a, b| b.file_name().cmp(a.file_name()))
        .into_iter()
        .take(ENTRIES)
        .flatten();
    let mut files = entries.filter(|entry| entry.file_type().is_file());
    files
        .find(|entry| entry.path().to_string_lossy().ends_with(&follow.ends))
        .map(walkdir::DirEntry::into_path)
}

#[cfg(test)]
mod tests {
    use super::super::process::OsProcess;
    use super::*;
    use crate::effects::{Ended, Invocation, Order, Process as _, Stop};

    /// Counts what it sees, and ends the program for a reason of its own.
    #[derive(Default)]
    struct Seen {
        bytes: u64,
        largest: usize,
        beside: Vec<u8>,
        follow: Option<Follow>,
        end_at: Option<u64>,
    }

    impl Watch for Seen {
        fn output(&mut self, piece: &[u8]) {
            self.bytes += piece.len() as u64;
            self.largest = self.largest.max(piece.len());
        }

        fn side(&mut self, piece: &[u8]) {
            self.beside.extend_from_slice(piece);
        }

        fn follows(&self) -> Option<Follow> {
            self.follow.clone()
        }

        fn look(&mut self, _: Duration, _: Duration) -> Order {
            match self.end_at {
                Some(at) if self.bytes >= at => Order::End(Ended::Stopped("enough".to_owned())),
                _ => Order::GoOn,
            }
        }
    }

    fn shell(script: &str) -> Invocation {
        Invocation {
            argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
            dir: std::env::temp_dir(),
            env: vec![("PATH".to_owned(), std::env::var("PATH").unwrap())],
            stdin: Input::Text(Vec::new()),
            timeout: Duration::from_secs(60),
            idle_timeout: None,
            output_limit: 256 << 20,
            stop: Stop::Interrupt,
        }
    }

    #[test]
    fn everything_that_is_printed_is_seen_in_small_pieces() {
        let mut seen = Seen::default();
        let flood = shell("head -c 30000000 /dev/zero; echo end");
        let finished = OsProcess::new().unwrap().watch(&flood, &mut seen).unwrap();
        assert_eq!(finished.ended, Ended::Exited(0));
        assert_eq!((seen.bytes, seen.largest), (30_000_004, 64 << 10));
        assert!(finished.stdout.len() == 1 << 20 && finished.stdout.ends_with(b"end\n"));
    }

    #[test]
    fn whoever_watches_may_end_a_program_which_is_asked_first() {
        let mut seen = Seen { end_at: Some(1), ..Seen::default() };
        let waits = shell("trap 'echo asked; exit 3' INT; echo x; while :; do sleep 0.01; done");
        let finished = OsProcess::new().unwrap().watch(&waits, &mut seen).unwrap();
        assert_eq!(finished.ended, Ended::Stopped("enough".to_owned()));
        assert_eq!(String::from_utf8(finished.stdout).unwrap(), "x\nasked\n");
        assert_eq!(seen.bytes, 8, "what it says at its end is seen too");
    }

    #[test]
    fn a_file_beside_the_output_is_followed_from_where_it_stood() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("day")).unwrap();
        std::fs::write(dir.path().join("day/old-1.log"), "old\n").unwrap();
        let follow = |ends: &str| Some(Follow { below: dir.path().to_owned(), ends: ends.to_owned() });
        let process = OsProcess::new().unwrap();
        for (ends, expected) in [("-1.log", "new\n"), ("-2.log", "fresh\n")] {
            let mut seen = Seen { follow: follow(ends), ..Seen::default() };
            let script = format!(
                "echo new >> {0}/day/old-1.log; echo fresh > {0}/day/a-2.log",
                dir.path().to_str().unwrap()
            );
            let finished = process.watch(&shell(&script), &mut seen).unwrap();
            assert_eq!(finished.ended, Ended::Exited(0), "{ends}");
            assert_eq!(String::from_utf8(seen.beside).unwrap(), expected);
            std::fs::remove_file(dir.path().join("day/a-2.log")).unwrap();
        }
    }
}
