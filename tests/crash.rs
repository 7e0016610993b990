//! Real processes, killed, failed and interrupted at their system calls; then a plain command, and
//! the promises hold.
//!
//! Needs `strace`. `ORCH_SWEEP=all` tries every point, `ORCH_SWEEP=N` every Nth.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may panic, and runs real git")]
#![allow(clippy::panic, clippy::print_stderr, reason = "a test may panic and talk")]

mod promise;

use promise::{Broken, Repo, Scenario};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// Calls that change something on disk.
const CALLS: &str = "write,pwrite64,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,\
    symlink,symlinkat,openat,fsync,fdatasync,ftruncate,chmod,fchmod,fchmodat,utimensat,copy_file_range";

fn have_strace() -> bool {
    let have = Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !have {
        assert!(std::env::var_os("ORCH_NEED_STRACE").is_none(), "`strace` is not installed");
        eprintln!("SKIPPED, NOTHING WAS TESTED: `strace` is not installed (apt-get install strace)");
    }
    have
}

/// Which of so many points are tried: all, every Nth, or (the rule) a few, evenly spread.
fn chosen(points: usize, few: usize) -> impl Iterator<Item = usize> {
    let stride = match std::env::var("ORCH_SWEEP") {
        Ok(text) if text == "all" => 1,
        Ok(text) => text.parse().unwrap(),
        Err(_) => points.div_ceil(few).max(1),
    };
    (0..points).filter(move |point| point % stride == stride / 2)
}

fn arguments(scenario: Scenario) -> &'static [&'static str] {
    match scenario {
        Scenario::Accepted | Scenario::Rejected | Scenario::NeedsReview | Scenario::Sessions => &["step"],
        Scenario::InPlace => &["step", "--in-place"],
        Scenario::Pushed => &["step", "--push"],
        Scenario::Person => &["unblock", "t-2"],
        Scenario::Init => &["init"],
    }
}

/// A command in the repository, seeing nothing of the machine's own settings.
fn command(repo: &Repo, program: &str) -> Command {
    let mut command = Command::new(program);
    let path = std::env::var("PATH").unwrap();
    command
        .current_dir(&repo.dir)
        .env_clear()
        .env("PATH", format!("{}:{path}", repo.base.join("bin").display()))
        .env("HOME", repo.base.join("home"))
        .env("XDG_STATE_HOME", repo.base.join("state"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("ORCH_TRUST", "1")
        .stdin(Stdio::null());
    command
}

struct Ended {
    status: ExitStatus,
    said: String,
}

fn orch(repo: &Repo, arguments: &[&str]) -> Ended {
    end(command(repo, env!("CARGO_BIN_EXE_orch")).args(arguments))
}

fn end(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ended { status: output.status, said: said.concat() }
}

/// One call of a trace: which it was, counted among those of its name, as strace counts them.
struct Call {
    name: String,
    number: usize,
    line: String,
}

/// Runs the scenario's command under strace, which does something at one call.
fn traced(repo: &Repo, inject: Option<(&str, &Call)>) -> Ended {
    let mut strace = command(repo, "strace");
    strace.args(["-qq", "-s", "200", "-o"]).arg(repo.base.join("trace")).args(["-e", "signal=none"]);
    strace.args(["-e", &format!("trace={CALLS}")]);
    if let Some((what, call)) = inject {
        strace.args(["-e", &format!("inject={}:{what}:when={}", call.name, call.number)]);
    }
    end(strace.arg(env!("CARGO_BIN_EXE_orch")).args(arguments(repo.scenario)))
}

/// The calls of a trace that changed something: not opening for reading, not talking.
fn changing(trace: &Path) -> Vec<Call> {
    let text = fs::read_to_string(trace).unwrap();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let Some((name, rest)) = line.split_once('(') else { continue };
        let number = counts.entry(name).or_default();
        *number += 1;
        let only_reads = name == "openat" && !rest.contains("O_CREAT") && !rest.contains("O_WRONLY");
        let talks = name == "write" && (rest.starts_with("1,") || rest.starts_with("2,"));
        if !only_reads && !talks && !line.contains(" = -1 ") {
            let line = line.chars().take(130).collect();
            calls.push(Call { name: name.to_owned(), number: *number, line });
        }
    }
    calls
}

/// The next command recovers, and the same command again comes to its end.
fn recovers(repo: &Repo) -> Result<(), Broken> {
    repo.always().map_err(|broken| format!("at once: {broken}"))?;
    let next = orch(repo, &["next"]);
    if !matches!(next.status.code(), Some(0 | 4 | 10 | 11)) {
        return Err(format!("P4: `orch next` ends with {}: {}", next.status, next.said));
    }
    repo.afterwards().map_err(|broken| format!("after `orch next`: {broken}"))?;
    if repo.reached() && repo.scenario != Scenario::Init {
        return Ok(());
    }
    let again = orch(repo, arguments(repo.scenario));
    repo.afterwards().map_err(|broken| format!("after the same again: {broken}: {}", again.said))?;
    if repo.reached() { Ok(()) } else { Err(format!("P4: the same again: {}: {}", again.status, again.said)) }
}

/// What ended with success has reached its end.
fn tells_the_truth(repo: &Repo, ended: &Ended) -> Result<(), Broken> {
    let success = ended.status.code() == Some(0);
    if success && !repo.reached() { Err(format!("a false success: {}", ended.said)) } else { Ok(()) }
}

/// Tries injections at the calls of one scenario's command.
fn sweep(scenario: Scenario, what: &[&str], few: usize, judge: fn(&Repo, &Ended) -> Result<(), Broken>) {
    if !have_strace() {
        return;
    }
    let model = Repo::new(scenario);
    let ended = traced(&model, None);
    let model_code = ended.status.code();
    assert!(model.reached(), "without a failure: {}", ended.said);
    let calls = changing(&model.base.join("trace"));
    assert!(calls.len() > 20, "the trace is empty");
    let points: Vec<(&str, &Call)> =
        what.iter().flat_map(|what| calls.iter().map(|call| (*what, call))).collect();
    let mut broken = Vec::new();
    let (mut tried, mut hit) = (0, 0);
    for point in chosen(points.len(), few) {
        let (what, call) = points[point];
        let repo = Repo::new(scenario);
        let ended = traced(&repo, Some((what, call)));
        tried += 1;
        hit += usize::from(ended.status.code() != model_code || !what.contains("KILL"));
        if let Err(why) = judge(&repo, &ended).and_then(|()| recovers(&repo)) {
            broken.push(format!(
                "{scenario:?}, {what} at {} {}: {}\n    {why}",
                call.name, call.number, call.line
            ));
        }
    }
    eprintln!("{scenario:?}: {tried} of {} points tried", points.len());
    assert!(hit * 10 >= tried * 8, "only {hit} of {tried} were killed");
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n"));
}

/// A few calls differ between runs, so that a late one may not be reached; then it has to be well.
fn was_killed(repo: &Repo, ended: &Ended) -> Result<(), Broken> {
    let killed = ended.status.signal() == Some(9);
    if killed || repo.reached() { Ok(()) } else { Err(format!("neither killed nor done: {}", ended.said)) }
}

#[test]
fn a_step_that_is_killed_loses_nothing() {
    sweep(Scenario::Accepted, &["signal=SIGKILL"], 18, was_killed);
}

#[test]
fn a_rejected_step_that_is_killed_loses_nothing() {
    sweep(Scenario::Rejected, &["signal=SIGKILL"], 5, was_killed);
}

#[test]
fn a_step_in_place_that_is_killed_loses_nothing() {
    sweep(Scenario::InPlace, &["signal=SIGKILL"], 8, was_killed);
}

#[test]
fn a_step_that_lands_by_push_and_is_killed_loses_nothing() {
    sweep(Scenario::Pushed, &["signal=SIGKILL"], 10, was_killed);
}

#[test]
fn a_persons_change_that_is_killed_loses_nothing() {
    sweep(Scenario::Person, &["signal=SIGKILL"], 6, was_killed);
}

#[test]
fn a_beginning_that_is_killed_loses_nothing() {
    sweep(Scenario::Init, &["signal=SIGKILL"], 8, was_killed);
}

#[test]
fn a_step_on_a_failing_disk_never_says_that_it_landed_when_it_did_not() {
    let errors = ["error=ENOSPC", "error=EIO"];
    sweep(Scenario::Accepted, &errors, 16, tells_the_truth);
    sweep(Scenario::InPlace, &errors, 6, tells_the_truth);
}

#[test]
fn a_change_on_a_failing_disk_never_says_that_it_landed_when_it_did_not() {
    sweep(Scenario::Person, &["error=ENOSPC", "error=EIO"], 6, tells_the_truth);
    sweep(Scenario::Init, &["error=ENOSPC", "error=EIO"], 6, tells_the_truth);
}

#[test]
fn the_lock_of_a_lease_that_cannot_be_removed_at_first_does_not_stay() {
    if !have_strace() {
        return;
    }
    let model = Repo::new(Scenario::Accepted);
    traced(&model, None);
    let is_it = |call: &Call| call.name == "unlink" && call.line.contains("refs/orch/leases/t-1.lock");
    let call = changing(&model.base.join("trace")).into_iter().find(is_it).expect("a lease is let go");
    let repo = Repo::new(Scenario::Accepted);
    let ended = traced(&repo, Some(("error=EIO", &call)));
    let trace = fs::read_to_string(repo.base.join("trace")).unwrap();
    let fails = |line: &str| line.contains("refs/orch/leases/t-1.lock") && line.contains("INJECTED");
    assert!(trace.lines().any(fails), "the call was another one: {trace}");
    assert!(repo.reached(), "{}", ended.said);
    repo.afterwards().unwrap();
}

/// Interrupted means 130 or 143 and nothing left behind, unless the step was over already.
fn stopped_by(repo: &Repo, ended: &Ended, signal: i32) -> Result<(), Broken> {
    let by_signal = ended.status.signal() == Some(signal) || ended.status.code() == Some(128 + signal);
    let over = ended.status.success() && repo.accepted() == 1;
    if !by_signal && !over {
        return Err(format!("P14: signal {signal} ends it with {}: {}", ended.status, ended.said));
    }
    repo.afterwards().map_err(|broken| format!("P14: {broken}"))
}

#[test]
fn an_interrupted_step_says_so_and_leaves_nothing_behind() {
    sweep(Scenario::Accepted, &["signal=SIGINT"], 6, |repo, ended| stopped_by(repo, ended, 2));
    sweep(Scenario::Accepted, &["signal=SIGTERM"], 6, |repo, ended| stopped_by(repo, ended, 15));
}

/// Puts a git before the real one that is killed at a call (or only traced); orch lives on, or is
/// killed right after it.
fn mortal_git(repo: &Repo, call: Option<&Call>, with_orch: bool) {
    // Here git itself has to move refs, because somebody wants to hear of it.
    let hook = repo.dir.join(".git/hooks/reference-transaction");
    fs::create_dir_all(repo.dir.join(".git/hooks")).unwrap();
    fs::write(&hook, "#!/bin/sh\nexit 0\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let bin = repo.base.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let inject = call
        .map_or(String::new(), |call| format!("-e inject={}:signal=SIGKILL:when={}", call.name, call.number));
    let after = if with_orch { "[ $code -lt 128 ] || kill -9 $PPID" } else { "" };
    let log = repo.base.join("git-trace");
    let script = format!(
        "#!/bin/sh\nPATH=${{PATH#*:}}\nstrace -qq -o '{}' -e signal=none -e trace={CALLS} {inject} git \"$@\"\n\
         code=$?\n{after}\nexit $code\n",
        log.display()
    );
    fs::write(bin.join("git"), script).unwrap();
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
}

fn sweep_git(scenario: Scenario, with_orch: bool, few: usize) {
    if !have_strace() {
        return;
    }
    let model = Repo::new(scenario);
    mortal_git(&model, None, with_orch);
    let ended = orch(&model, arguments(scenario));
    assert!(model.reached(), "without a failure: {}", ended.said);
    let calls = changing(&model.base.join("git-trace"));
    assert!(calls.len() > 3, "the trace is empty");
    let mut broken = Vec::new();
    let mut tried = 0;
    for point in chosen(calls.len(), few) {
        let call = &calls[point];
        let repo = Repo::new(scenario);
        mortal_git(&repo, Some(call), with_orch);
        let ended = orch(&repo, arguments(scenario));
        fs::remove_file(repo.base.join("bin/git")).unwrap();
        tried += 1;
        let told = if with_orch { Ok(()) } else { tells_the_truth(&repo, &ended) };
        if let Err(why) = told.and_then(|()| recovers(&repo)) {
            broken.push(format!("{scenario:?}, git killed at {}\n    {why}\n    {}", call.line, ended.said));
        }
    }
    eprintln!("{scenario:?}, git: {tried} of {} points tried", calls.len());
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn a_git_that_is_killed_while_it_moves_the_branch_loses_nothing() {
    sweep_git(Scenario::Accepted, false, 4);
}

#[test]
fn a_git_that_is_killed_together_with_orch_loses_nothing() {
    sweep_git(Scenario::Accepted, true, 4);
    sweep_git(Scenario::Init, true, 4);
    // Here git moves a ref of orch's own first.
    sweep_git(Scenario::NeedsReview, true, 4);
}

/// The processes that a run left alive.
fn strays(run: &str) -> usize {
    let mark = format!("ORCH_RUN={run}");
    let marked = |entry: fs::DirEntry| {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().join("environ").exists())
        .map(marked)
        .filter(|marked| *marked)
        .count()
}

#[test]
fn an_agent_that_outlives_its_orch_is_ended_before_its_work_is_kept() {
    for late in ["sleep 30; echo late > late.txt", "setsid sh -c 'sleep 30; echo late > late.txt' & sleep 30"]
    {
        let repo = Repo::new(Scenario::Accepted);
        repo.agent_also(&format!("kill -9 $PPID; {late}"));
        let killed = orch(&repo, &["step"]);
        assert_eq!(killed.status.signal(), Some(9), "{}", killed.said);
        let run = repo.runs_that_ran().pop().unwrap();
        assert!(strays(&run) > 0, "the agent is gone by itself");
        fs::remove_file(repo.dir.join(".git/orch/also")).unwrap();
        let next = orch(&repo, &["next"]);
        assert_eq!(next.status.code(), Some(0), "{}", next.said);
        assert_eq!(strays(&run), 0, "the agent lives on");
        recovers(&repo).unwrap();
    }
}

#[test]
fn a_persons_change_while_an_agent_works_does_not_make_its_work_forgotten() {
    let repo = Repo::new(Scenario::Accepted);
    let (bin, dir) = (env!("CARGO_BIN_EXE_orch"), repo.dir.display());
    repo.agent_also(&format!("'{bin}' -C '{dir}' unblock t-2 >/dev/null 2>&1; kill -9 $PPID"));
    let killed = orch(&repo, &["step"]);
    assert_eq!(killed.status.signal(), Some(9), "{}", killed.said);
    assert_eq!(repo.status_of("main", "t-2").as_deref(), Some("pending"), "the change did not land");
    fs::remove_file(repo.dir.join(".git/orch/also")).unwrap();
    recovers(&repo).unwrap();
}

#[test]
fn a_step_goes_on_top_of_what_a_person_changed_meanwhile() {
    let repo = Repo::new(Scenario::Accepted);
    let (bin, dir) = (env!("CARGO_BIN_EXE_orch"), repo.dir.display());
    repo.agent_also(&format!("'{bin}' -C '{dir}' unblock t-2 >/dev/null 2>&1"));
    let ended = orch(&repo, &["step"]);
    assert_eq!(ended.status.code(), Some(0), "{}", ended.said);
    assert_eq!(repo.status_of("main", "t-2").as_deref(), Some("pending"));
    repo.afterwards().unwrap();
    assert!(repo.reached());
}

#[test]
fn a_persons_change_that_is_killed_while_an_agent_works_is_ended_by_the_step() {
    if !have_strace() {
        return;
    }
    let repo = Repo::new(Scenario::Accepted);
    let (bin, dir) = (env!("CARGO_BIN_EXE_orch"), repo.dir.display());
    // Killed when it writes the first file of the work tree: the branch has moved.
    let killed =
        format!("strace -qq -o /dev/null -P '{dir}/.git/orch-incoming' -e inject=openat:signal=SIGKILL");
    repo.agent_also(&format!("{killed} '{bin}' -C '{dir}' unblock t-2 >/dev/null 2>&1; true"));
    let ended = orch(&repo, &["step"]);
    assert_eq!(ended.status.code(), Some(0), "{}", ended.said);
    assert_eq!(repo.status_of("main", "t-2").as_deref(), Some("pending"), "it was killed too early");
    repo.afterwards().unwrap();
    assert!(repo.reached());
}

#[test]
fn a_step_in_place_whose_agent_staged_or_committed_before_it_was_killed_loses_nothing() {
    for git in ["git add -A", "git add -A && git commit -qm mine"] {
        let repo = Repo::new(Scenario::InPlace);
        repo.agent_also(&format!("{git}; kill -9 $PPID"));
        let killed = orch(&repo, &["step", "--in-place"]);
        assert_eq!(killed.status.signal(), Some(9), "{}", killed.said);
        let run = repo.runs_that_ran().pop().unwrap();
        let next = orch(&repo, &["next"]);
        assert_eq!(next.status.code(), Some(0), "{}", next.said);
        let kept = repo.git(&["show", &format!("refs/orch/attempts/{run}:made.txt")]).unwrap();
        assert_eq!(kept, format!("{run}\n"));
        assert_eq!(repo.git(&["status", "--porcelain"]).unwrap(), "", "{git}");
    }
}

#[test]
fn two_steps_at_once_are_one_step_and_a_polite_refusal() {
    let repo = Repo::new(Scenario::Accepted);
    let (bin, dir) = (env!("CARGO_BIN_EXE_orch"), repo.dir.display());
    repo.agent_also(&format!(
        "'{bin}' -C '{dir}' step --trust > '{dir}/.git/orch/second' 2>&1; echo $? >> '{dir}/.git/orch/second'"
    ));
    let ended = orch(&repo, &["step"]);
    assert_eq!(ended.status.code(), Some(0), "{}", ended.said);
    let second = fs::read_to_string(repo.dir.join(".git/orch/second")).unwrap();
    assert!(second.ends_with("12\n"), "{second}");
    repo.afterwards().unwrap();
}

#[test]
fn an_index_without_a_checksum_is_no_obstacle() {
    let repo = Repo::new(Scenario::Accepted);
    repo.git(&["config", "index.skipHash", "true"]).unwrap();
    repo.git(&["update-index", "--force-write-index"]).unwrap();
    let ended = orch(&repo, &["step"]);
    assert!(ended.status.success() && repo.reached(), "{}", ended.said);
}

#[test]
fn twenty_changes_at_once_all_land_once() {
    let repo = Repo::new(Scenario::Person);
    let children: Vec<_> = (0..20)
        .map(|n| {
            let mut add = command(&repo, env!("CARGO_BIN_EXE_orch"));
            add.args(["add", &format!("Task {n}"), "--id", &format!("n-{n}")]);
            add.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(repo.commits().len(), 21);
    assert!((0..20).all(|n| repo.status_of("main", &format!("n-{n}")).is_some()));
    repo.afterwards().unwrap();
}
