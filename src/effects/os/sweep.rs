//! Ending what a program left running, also while other programs run.
//!
//! Every program is noted with its group before anybody can look for orphans (the lock is held while
//! it starts) until it has been waited for. On Linux orch is the parent of every descendant whose own
//! parent has died. Such an orphan belongs to the program in whose group it is; else to the one whose
//! mark it has in its environment (`ORCH_PROCESS`, which what it starts inherits). What has left its
//! group and forgotten its mark belongs to whoever is last: while others run it is left alone, because
//! it may be theirs, and it ends with the last of them. So nothing outlives the programs that orch
//! runs at one time, and no program loses a process to the end of another.

#![expect(clippy::disallowed_methods, reason = "processes are waited for here")]

#[cfg(target_os = "linux")]
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a group is given between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
/// The variable that tells whose a process is.
pub(super) const MARK: &str = "ORCH_PROCESS";

/// The programs that run now.
static RUNNING: Mutex<Vec<Running>> = Mutex::new(Vec::new());

/// A program that runs: its first process, which leads its group, and its mark. Without a mark it is
/// one of orch's own that leaves nothing behind.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Running {
    leader: i32,
    mark: String,
    /// Whether it ends by itself, and well, when orch has ended.
    settles: bool,
}

/// What a look at all processes says about one of them.
#[cfg(any(target_os = "linux", test))]
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    pid: i32,
    parent: i32,
    group: i32,
    /// Whether it has ended and nobody has waited for it.
    dead: bool,
    /// Its mark, looked up only where nothing else tells whose it is.
    mark: Option<String>,
}

/// A program that was started; it is noted until this is dropped, which is after it was waited for.
#[derive(Debug)]
pub(super) struct Noted(Running);

impl Drop for Noted {
    fn drop(&mut self) {
        running().retain(|each| *each != self.0);
    }
}

fn running() -> MutexGuard<'static, Vec<Running>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A mark that no other program has. Those of an orch that runs inside of a program begin with the
/// program's own.
pub(super) fn new_mark() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let outer = std::env::var(MARK).map_or_else(|_| String::new(), |outer| outer + "/");
    format!("{outer}{}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Starts a program that leads a group of its own, and notes it.
pub(super) fn start(mark: String, expression: &duct::Expression) -> std::io::Result<(duct::Handle, Noted)> {
    note(mark, false, expression)
}

/// The same for a program that ends by itself, and well, when orch has ended.
pub(super) fn start_settling(
    mark: String,
    expression: &duct::Expression,
) -> std::io::Result<(duct::Handle, Noted)> {
    note(mark, true, expression)
}

fn note(
    mark: String,
    settles: bool,
    expression: &duct::Expression,
) -> std::io::Result<(duct::Handle, Noted)> {
    let mut running = running();
    let handle = expression.start()?;
    let leader = handle.pids().first().and_then(|pid| i32::try_from(*pid).ok()).unwrap_or_default();
    let noted = Running { leader, mark, settles };
    running.push(noted.clone());
    Ok((handle, Noted(noted)))
}

/// Makes orch the parent of every descendant whose own parent has died.
pub(super) fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    {
        // Without it (an old kernel), orphans that left the group are not found; nothing else changes.
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    }
}

/// Asks a program to end, as a person at a terminal does.
pub(super) fn interrupt(Noted(program): &Noted) {
    if let Some(pid) = rustix::process::Pid::from_raw(program.leader) {
        // It may have ended by itself meanwhile, which is as good.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
    }
}

/// Ends a program's group and everything that left it; says how many processes had to be ended
/// beside the first one.
pub(super) fn end_all(program: &Noted) -> u32 {
    let Noted(program) = program;
    let Some(group) = rustix::process::Pid::from_raw(program.leader) else { return 0 };
    let alive = members(program);
    if alive.is_empty() {
        return 0;
    }
    let survivors = alive.iter().filter(|pid| **pid != group).count();
    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
    for pid in &alive {
        let _ = rustix::process::kill_process(*pid, rustix::process::Signal::TERM);
    }
    let deadline = Instant::now() + GRACE;
    let mut pause = Duration::from_millis(1);
    loop {
        let alive = members(program);
        if alive.is_empty() {
            return u32::try_from(survivors).unwrap_or(u32::MAX);
        }
        if Instant::now() >= deadline {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            for pid in alive {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Kills all that runs and would go on without orch, with what left it. Nobody asks it to end well any more.
pub(super) fn kill_all() {
    let lasting = |each: &&Running| !each.mark.is_empty() && !each.settles;
    let programs: Vec<Running> = running().iter().filter(lasting).cloned().collect();
    for program in &programs {
        let alive = members(program);
        if let Some(group) = rustix::process::Pid::from_raw(program.leader).filter(|_| !alive.is_empty()) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        for pid in alive {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// The living processes that belong to a program. Orphans that have ended are waited for.
#[cfg(target_os = "linux")]
fn members(program: &Running) -> Vec<rustix::process::Pid> {
    // While this is held nothing is started, so that what is seen is either noted or an orphan.
    let running = running();
    let others: Vec<&Running> = running.iter().filter(|each| *each != program).collect();
    let own = (rustix::process::getpid(), rustix::process::getpgrp());
    let own = (own.0.as_raw_nonzero().get(), own.1.as_raw_nonzero().get());
    if others.is_empty() && is_alone(program) {
        return Vec::new();
    }
    let all = look(own);
    for orphan in all.iter().filter(|each| each.dead && is_orphan(each, own)) {
        let led = |each: &Running| each.leader == orphan.pid;
        if !running.iter().any(led)
            && let Some(pid) = rustix::process::Pid::from_raw(orphan.pid)
        {
            let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::NOHANG);
        }
    }
    whose(&all, program, &others, own).into_iter().filter_map(rustix::process::Pid::from_raw).collect()
}

/// Whether nobody can belong to a program, the only one that runs: its group is empty, and orch has no
/// child. Whatever comes from it is in its group, below somebody who is, or below a child of orch's.
#[cfg(target_os = "linux")]
fn is_alone(program: &Running) -> bool {
    let group = rustix::process::Pid::from_raw(program.leader);
    let is_empty = group
        .is_some_and(|group| rustix::process::test_kill_process_group(group) == Err(rustix::io::Errno::SRCH));
    is_empty && has_no_child()
}

/// Whether no thread of orch has a child; not where the kernel does not tell. (A list is whole as long as
/// nobody waits for a child at the same time, which only happens while another program runs.)
#[cfg(target_os = "linux")]
fn has_no_child() -> bool {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return false };
    threads.flatten().all(|thread| {
        std::fs::read_to_string(thread.path().join("children")).is_ok_and(|children| children.is_empty())
    })
}

/// Whether a process is a child of orch outside of its group: a program that it runs, or an orphan.
#[cfg(any(target_os = "linux", test))]
fn is_orphan(seen: &Seen, own: (i32, i32)) -> bool {
    seen.parent == own.0 && seen.group != own.1
}

/// Of all processes those that belong to a program, while others run.
#[cfg(any(target_os = "linux", test))]
fn whose(all: &[Seen], program: &Running, others: &[&Running], own: (i32, i32)) -> Vec<i32> {
    let marked = |seen: &Seen, each: &Running| {
        let rest = seen.mark.as_deref().and_then(|mark| mark.strip_prefix(each.mark.as_str()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let belongs = |seen: &Seen| {
        if seen.group == program.leader || seen.pid == program.leader {
            return true;
        }
        if !is_orphan(seen, own) || others.iter().any(|each| each.leader == seen.group) {
            return false;
        }
        others.iter().all(|each| each.mark.is_empty()) || marked(seen, program)
    };
    let mut found: Vec<i32> =
        all.iter().filter(|seen| !seen.dead && belongs(seen)).map(|seen| seen.pid).collect();
    // Children of what was found come along, however deep.
    let mut at = 0;
    while at < found.len() {
        let below = all.iter().filter(|seen| !seen.dead && seen.parent == found[at]);
        let below: Vec<i32> = below.map(|seen| seen.pid).filter(|pid| !found.contains(pid)).collect();
        found.extend(below);
        at += 1;
    }
    found
}

/// All processes that can be seen.
#[cfg(target_os = "linux")]
fn look(own: (i32, i32)) -> Vec<Seen> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let seen = entries.flatten().filter_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let (parent, group, dead) = stat(&entry.path())?;
        let mut seen = Seen { pid, parent, group, dead, mark: None };
        if !dead && is_orphan(&seen, own) {
            seen.mark = variable(&entry.path(), MARK);
        }
        Some(seen)
    });
    seen.collect()
}

/// The living programs of some orch that work in a directory.
#[cfg(target_os = "linux")]
pub(super) fn left_in(dir: &Path) -> Vec<rustix::process::Pid> {
    let Ok(dir) = std::fs::canonicalize(dir) else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| {
        let pid = rustix::process::Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        let works_there = std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&dir));
        // A person's shell that looks around there has no mark.
        let marked = works_there && variable(&entry.path(), MARK).is_some();
        (marked && pid != rustix::process::getpid() && !stat(&entry.path())?.2).then_some(pid)
    });
    pids.collect()
}

/// Whether a git works in one of these folders. (Elsewhere that cannot be seen.)
pub(super) fn git_works_in(dirs: &[std::path::PathBuf]) -> bool {
    let real: Vec<_> = dirs.iter().filter_map(|dir| std::fs::canonicalize(dir).ok()).collect();
    std::fs::read_dir("/proc").into_iter().flatten().flatten().any(|entry| {
        let path = entry.path();
        let is_git = || std::fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim_end() == "git");
        std::fs::read_link(path.join("cwd")).is_ok_and(|cwd| real.iter().any(|dir| cwd.starts_with(dir)))
            && is_git()
    })
}

/// Elsewhere they cannot be seen.
#[cfg(not(target_os = "linux"))]
pub(super) fn left_in(_: &std::path::Path) -> Vec<rustix::process::Pid> {
    Vec::new()
}

/// A variable of a process's environment, as it was when it began.
#[cfg(target_os = "linux")]
fn variable(dir: &Path, name: &str) -> Option<String> {
    let environment = std::fs::read(dir.join("environ")).ok()?;
    let value = environment
        .split(|byte| *byte == 0)
        .find_map(|variable| variable.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    String::from_utf8(value.to_vec()).ok()
}

/// Parent, group and whether it has ended already, from `/proc/<pid>/stat`.
#[cfg(target_os = "linux")]
pub(super) fn stat(dir: &Path) -> Option<(i32, i32, bool)> {
    let text = std::fs::read_to_string(dir.join("stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    Some((parent, group, matches!(state, "Z" | "X")))
}

/// Elsewhere only the group itself can be seen.
#[cfg(all(unix, not(target_os = "linux")))]
fn members(program: &Running) -> Vec<rustix::process::Pid> {
    let Some(group) = rustix::process::Pid::from_raw(program.leader) else { return Vec::new() };
    match rustix::process::test_kill_process_group(group) {
        Ok(()) => vec![group],
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: (i32, i32) = (10, 10);

    fn program(leader: i32, mark: &str) -> Running {
        Running { leader, mark: mark.to_owned(), settles: false }
    }

    fn seen(pid: i32, parent: i32, group: i32, mark: &str) -> Seen {
        let mark = Some(mark.to_owned()).filter(|mark| !mark.is_empty());
        Seen { pid, parent, group, dead: false, mark }
    }

    /// Two programs, 20 and 30, with children, orphans and orphans' children of both.
    fn both() -> Vec<Seen> {
        vec![
            seen(10, 1, 10, ""),
            seen(20, 10, 20, "10.0"),
            seen(21, 20, 20, ""),
            // It left the group of 20, and what it started left its own again.
            seen(22, 10, 22, "10.0"),
            seen(23, 22, 23, ""),
            // An orphan in the group of 20.
            seen(24, 10, 20, ""),
            seen(30, 10, 30, "10.1"),
            seen(31, 10, 31, "10.1/30.0"),
            seen(40, 10, 40, ""),
            seen(50, 1, 50, "10.0"),
        ]
    }

    #[test]
    fn the_end_of_one_program_takes_nothing_from_another() {
        let (first, second) = (program(20, "10.0"), program(30, "10.1"));
        let all = both();
        let mut ends = whose(&all, &first, &[&second], OWN);
        ends.sort_unstable();
        assert_eq!(ends, [20, 21, 22, 23, 24]);
        let mut ends = whose(&all, &second, &[&first], OWN);
        ends.sort_unstable();
        assert_eq!(ends, [30, 31], "what an orch inside of it left is its, too");
    }

    #[test]
    fn who_forgot_whose_it_is_ends_with_the_last_program() {
        let last = program(30, "10.1");
        let mut ends = whose(&both(), &last, &[], OWN);
        ends.sort_unstable();
        assert_eq!(ends, [20, 21, 22, 23, 24, 30, 31, 40], "nobody else is there to need them");
    }

    #[test]
    fn a_mark_is_not_the_beginning_of_a_longer_one() {
        let (first, second) = (program(20, "10.1"), program(30, "10.10"));
        let all = [seen(60, 10, 60, "10.10")];
        assert_eq!(whose(&all, &first, &[&second], OWN), [0; 0]);
        assert_eq!(whose(&all, &second, &[&first], OWN), [60]);
    }

    #[test]
    fn marks_differ() {
        assert_ne!(new_mark(), new_mark());
    }
}
