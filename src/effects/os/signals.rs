//! SIGINT, SIGTERM and SIGHUP: noted, not obeyed, so that what was begun can be ended well.

#![expect(clippy::disallowed_methods, reason = "signals are waited for here")]

use super::sweep;
use crate::effects::{EffectError, Result, Trouble};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals as Coming;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// What this process has been told, as whoever came first wants it heeded: to watch again would count each signal
/// once more, and without patience.
static WATCHED: OnceLock<Arc<Signals>> = OnceLock::new();

/// What comes within this time is one signal.
const AT_ONCE: Duration = Duration::from_millis(20);
/// The longest that a moment takes.
const MOMENT: Duration = Duration::from_secs(5);

/// While one of these is there, orch does what takes only a moment, and leaves locks of git's if it is cut off.
pub(super) struct Moment(());

/// How many there are.
static MOMENTS: AtomicUsize = AtomicUsize::new(0);

impl Moment {
    pub(super) fn begin() -> Self {
        MOMENTS.fetch_add(1, Ordering::SeqCst);
        Self(())
    }

    fn wait_for_all() {
        let began = Instant::now();
        while MOMENTS.load(Ordering::SeqCst) > 0 && began.elapsed() < MOMENT {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Moment {
    fn drop(&mut self) {
        MOMENTS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The signals that have come.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Set to one by each signal.
    came: Arc<AtomicUsize>,
    last: Arc<AtomicUsize>,
    /// Where a first SIGINT lets what runs go on to its end.
    patience: Option<Patience>,
    /// The process whose end is a reason to stop, too. It is looked for, because the signal that Linux can send
    /// at a parent's end comes once for each of its threads.
    parent: Option<u32>,
}

/// How often SIGINT has come, which is found out by looking.
#[derive(Debug, Default)]
struct Patience {
    times: AtomicUsize,
    /// Set once the next SIGINT is to end orch at once.
    enough: AtomicBool,
}

impl Signals {
    /// Those that are watched already. Where none are, the first signal of a kind says from now on that orch is to
    /// stop; the second one ends it at once.
    pub(super) fn new() -> Result<Arc<Self>> {
        WATCHED.get().map_or_else(|| Self::default().noting(), |watched| Ok(Arc::clone(watched)))
    }

    /// Has a first SIGINT say only that nothing more is to be begun, the second that orch is to stop, and the third
    /// end it at once.
    pub(super) fn patient() -> Result<Arc<Self>> {
        Self { patience: Some(Patience::default()), ..Self::default() }.noting()
    }

    /// As at first, for a process that is to stop as well when the one that started it has ended.
    pub(super) fn of_child(parent: u32) -> Result<Arc<Self>> {
        Self { parent: Some(parent), ..Self::default() }.noting()
    }

    fn noting(self) -> Result<Arc<Self>> {
        // A terminal that is closed ends what runs in it, unless that was told not to heed it (`nohup`).
        let hangup = (!ignores_hangup()).then_some(SIGHUP);
        let signals: Vec<i32> = [SIGINT, SIGTERM].into_iter().chain(hangup).collect();
        let watched = Arc::new(self);
        watched
            .note(&signals)
            .map_err(|error| EffectError::new(Trouble::Other, format!("cannot watch signals: {error}")))?;
        // What runs later in the same process goes by the first.
        let _ = WATCHED.set(Arc::clone(&watched));
        Ok(watched)
    }

    fn note(self: &Arc<Self>, signals: &[i32]) -> std::io::Result<()> {
        let hurry = Arc::new(AtomicBool::new(false));
        for signal in signals {
            flag::register_conditional_shutdown(*signal, 128 + signal, Arc::clone(&hurry))?;
            let number = usize::try_from(*signal).unwrap_or_default();
            flag::register_usize(*signal, Arc::clone(&self.last), number)?;
            flag::register_usize(*signal, Arc::clone(&self.came), 1)?;
        }
        let (this, coming) = (Arc::clone(self), Coming::new(signals)?);
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || this.heed(coming, &hurry))?;
        Ok(())
    }

    /// Ends orch at the signal that is one too many: no agent goes on without it, and what takes only a moment is not
    /// cut off. One more signal ends it without that.
    fn heed(&self, mut coming: Coming, hurry: &AtomicBool) {
        let mut times: BTreeMap<i32, u32> = BTreeMap::new();
        loop {
            for signal in coming.wait() {
                let times = times.entry(signal).or_default();
                *times += 1;
                if self.is_too_many(signal, *times) {
                    hurry.store(true, Ordering::SeqCst);
                    sweep::kill_all();
                    Moment::wait_for_all();
                    signal_hook::low_level::exit(128 + signal);
                }
            }
            // What comes at once is one, such as what both a terminal and a parent send.
            std::thread::sleep(AT_ONCE);
            coming.pending().for_each(drop);
        }
    }

    fn is_too_many(&self, signal: i32, times: u32) -> bool {
        match &self.patience {
            Some(patience) if signal == SIGINT => times > 2 && patience.enough.load(Ordering::SeqCst),
            Some(_) | None => times > 1,
        }
    }

    /// The signal after which nothing more is to be begun.
    pub(super) fn first(&self) -> Option<i32> {
        let orphaned = self.parent.is_some_and(|parent| std::os::unix::process::parent_id() != parent);
        if self.times() > 0 { Some(self.signal()) } else { orphaned.then_some(SIGTERM) }
    }

    /// The signal after which orch is to stop.
    pub(super) fn stop(&self) -> Option<i32> {
        let waits = self.patience.is_some() && self.times() < 2 && self.signal() == SIGINT;
        self.first().filter(|_| !waits)
    }

    /// How often a signal came, as far as that matters; those that come between two looks are one.
    fn times(&self) -> usize {
        let Some(patience) = &self.patience else { return self.came.load(Ordering::SeqCst) };
        let new = self.came.swap(0, Ordering::SeqCst);
        let times = patience.times.fetch_add(new, Ordering::SeqCst) + new;
        if times > 1 {
            patience.enough.store(true, Ordering::SeqCst);
        }
        times
    }

    fn signal(&self) -> i32 {
        i32::try_from(self.last.load(Ordering::SeqCst)).unwrap_or(SIGINT)
    }
}

/// Whether this process was started with SIGHUP ignored. Only Linux tells; elsewhere it counts as ignored, so
/// that the signal does what it did before.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & (1 << (SIGHUP - 1)) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comes(signals: &Signals, signal: i32) {
        signals.last.store(usize::try_from(signal).unwrap(), Ordering::SeqCst);
        signals.came.store(1, Ordering::SeqCst);
    }

    #[test]
    fn a_first_signal_stops_at_once_who_is_not_patient() {
        let signals = Signals::default();
        assert_eq!((signals.first(), signals.stop()), (None, None));
        comes(&signals, SIGINT);
        assert_eq!((signals.first(), signals.stop()), (Some(SIGINT), Some(SIGINT)));
    }

    #[test]
    fn who_has_lost_its_parent_stops() {
        let parent = std::os::unix::process::parent_id();
        let signals = |parent| Signals { parent: Some(parent), ..Signals::default() };
        assert_eq!(signals(parent).stop(), None);
        assert_eq!(signals(parent + 1).stop(), Some(SIGTERM));
    }

    #[test]
    fn who_is_patient_stops_at_the_second_interrupt_or_at_a_termination() {
        let patient = || Signals { patience: Some(Patience::default()), ..Signals::default() };
        let signals = patient();
        comes(&signals, SIGINT);
        assert_eq!((signals.first(), signals.stop(), signals.stop()), (Some(SIGINT), None, None));
        assert!(!signals.patience.as_ref().unwrap().enough.load(Ordering::SeqCst));
        comes(&signals, SIGINT);
        assert_eq!(signals.stop(), Some(SIGINT));
        assert!(signals.patience.as_ref().unwrap().enough.load(Ordering::SeqCst));
        let signals = patient();
        comes(&signals, SIGTERM);
        assert_eq!((signals.first(), signals.stop()), (Some(SIGTERM), Some(SIGTERM)));
    }
}
