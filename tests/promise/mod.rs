//! What the failure tests share: a repository with a user's unfinished work in it, and the promises.
//!
//! A promise that is broken is returned by its name, so that a sweep can say which failure broke it.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// What the agent of the tests does: it makes and changes files that name its run, and then says
/// in a place of orch's own that it has done so; then it does what a test put beside the journal.
const AGENT: &str = "echo \\\"$ORCH_RUN\\\" > made.txt && echo more >> src/code.txt && mkdir -p deep/er \
    && echo \\\"$ORCH_RUN\\\" > deep/er/file && rm src/old.txt && touch \\\"${ORCH_PROMPT_FILE%/*}/ran\\\" \
    && if [ -e \\\"${ORCH_PROMPT_FILE%/*}/../../also\\\" ]; then . \\\"${ORCH_PROMPT_FILE%/*}/../../also\\\"; fi";

/// A Claude Code that is at its limit as one model; as another, its first session in a directory fills its
/// context, and the next one does the work.
const CLAUDE: &str = r#"#!/bin/sh
cat > /dev/null
answer() {
  echo '{"type":"system","subtype":"init","session_id":"s-1","model":"fills-up"}'
  echo '{"type":"assistant","message":{"id":"m-1","model":"fills-up","content":[],"usage":{"input_tokens":'$1'}}}'
}
case "$*" in *at-its-limit*) cat 'FIXTURES/rate-limit.stdout'; exit 1;; esac
if [ -e half.txt ]; then WORK; answer 10; echo '{"type":"result","subtype":"success","result":"Done."}'; exit 0; fi
echo half > half.txt; answer 960000; exec sleep 60
"#;

/// What a scenario is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    /// A step whose work is accepted, beside a user's unfinished work.
    Accepted,
    /// A step whose work a gate rejects.
    Rejected,
    /// A step whose work waits for a person.
    NeedsReview,
    /// An accepted step of several sessions: one profile rests, and another hands over to itself.
    Sessions,
    /// An accepted step in the work tree itself.
    InPlace,
    /// An accepted step that lands by push.
    Pushed,
    /// A change of the state that a person makes.
    Person,
    /// The first commit of an unborn branch.
    Init,
}

impl Scenario {
    fn config(self) -> String {
        let gate = if self == Self::Rejected { "test -e never" } else { "test -e made.txt" };
        let review = if self == Self::NeedsReview { "human" } else { "none" };
        let claude = |model: &str| {
            let window = "context_window = 1000000\nsandbox = \"none\"\ncapability = 10\n";
            format!("[[agent]]\nname = \"{model}\"\nadapter = \"claude\"\nmodel = \"{model}\"\n{window}\n")
        };
        let agents = match self {
            Self::Sessions => claude("at-its-limit") + &claude("fills-up"),
            Self::Accepted
            | Self::Rejected
            | Self::NeedsReview
            | Self::InPlace
            | Self::Pushed
            | Self::Person
            | Self::Init => "[[agent]]\nname = \"shell\"\nadapter = \"shell\"\n\n".to_owned(),
        };
        format!(
            "schema = 1\n\n[policy]\nreview = \"{review}\"\nmax_steps_per_task = 50\n\n\
             {agents}[[gate]]\nname = \"made\"\nrun = \"{gate}\"\n"
        )
    }
}

/// A repository on disk, with a home of its own.
pub struct Repo {
    _temporary: TempDir,
    pub base: PathBuf,
    pub dir: PathBuf,
    pub scenario: Scenario,
    /// What the user had: files, refs and configuration.
    before: Theirs,
}

/// What belongs to the user and stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Theirs {
    files: BTreeMap<String, Option<Vec<u8>>>,
    staged: String,
    stash: String,
    config: Vec<u8>,
    head: String,
    status: String,
}

/// Files of the user's that nothing may touch.
const THEIRS: [&str; 6] =
    ["notes.txt", "staged.txt", "untracked.txt", "ignored.log", "dir/untracked too.txt", "gone.txt"];

fn template(scenario: Scenario) -> &'static Path {
    static ALL: OnceLock<std::sync::Mutex<BTreeMap<Scenario, &'static Path>>> = OnceLock::new();
    let mut all = ALL.get_or_init(Default::default).lock().unwrap();
    all.entry(scenario).or_insert_with(|| {
        let dir = tempfile::tempdir().unwrap().keep();
        build(&dir, scenario);
        Box::leak(dir.into_boxed_path())
    })
}

fn build(base: &Path, scenario: Scenario) {
    let dir = base.join("repo");
    let write = |path: &str, content: &str| {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    fs::create_dir_all(&dir).unwrap();
    fs::create_dir_all(base.join("home/bin")).unwrap();
    if scenario == Scenario::Sessions {
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/agents/claude");
        let claude = CLAUDE.replace("FIXTURES", fixtures).replace("WORK", &AGENT.replace("\\\"", "\""));
        let program = base.join("home/bin/claude");
        fs::write(&program, claude).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let git = |args: &[&str]| assert!(run_git(base, &dir, args).0, "git {args:?}");
    git(&["init", "-q", "-b", "main"]);
    for (key, value) in [("user.name", "A User"), ("user.email", "user@example.com")] {
        git(&["config", key, value]);
    }
    write(".gitignore", "*.log\n");
    write("notes.txt", "notes\n");
    if scenario == Scenario::Init {
        git(&["add", "notes.txt", ".gitignore"]);
        write("notes.txt", "notes, changed after they were staged\n");
        write("untracked.txt", "untracked\n");
        return;
    }
    write("src/code.txt", "code\n");
    write("src/old.txt", "old\n");
    write("gone.txt", "the user deletes this\n");
    write(".orchestrator/config.toml", &scenario.config());
    write(".orchestrator/tasks/README.md", "tasks\n");
    for (id, status, run) in [("t-1", "pending", AGENT), ("t-2", "blocked", "true")] {
        let reason = if status == "blocked" { "reason = \"waits\"\n" } else { "" };
        let head = format!("# what\nid = \"{id}\"\ntitle = \"Make it\"\nkind = \"chore\"\n\n\n");
        let standing = format!("# standing\nstatus = \"{status}\"\n{reason}\n\n# edges\n\n\n");
        let run = if scenario == Scenario::Sessions { String::new() } else { format!("run = \"{run}\"\n") };
        let rest = format!("# scope\n{run}\n\n# text\n\n\n# estimate\n\n\n# history\n");
        write(&format!(".orchestrator/tasks/{id}.toml"), &format!("schema = 1\n{head}{standing}{rest}"));
    }
    git(&["add", "-A"]);
    git(&["commit", "-qm", "begin"]);
    if scenario == Scenario::Pushed {
        // Named by where it lies from here, because all of this is copied.
        git(&["init", "-q", "--bare", "-b", "main", ".git/remote.git"]);
        git(&["remote", "add", "origin", ".git/remote.git"]);
        git(&["push", "-q", "origin", "main"]);
    }
    write("notes.txt", "stashed\n");
    git(&["stash", "-q"]);
    write("ignored.log", "ignored\n");
    if scenario != Scenario::InPlace {
        write("notes.txt", "notes, changed by the user\n");
        write("staged.txt", "staged\n");
        git(&["add", "staged.txt"]);
        write("untracked.txt", "untracked\n");
        write("dir/untracked too.txt", "untracked\n");
        fs::remove_file(dir.join("gone.txt")).unwrap();
    }
}

/// Runs git as the user would.
pub fn run_git(base: &Path, dir: &Path, args: &[&str]) -> (bool, String) {
    let output = Command::new("git")
        .args(args)
        .current_dir(dir)
        .env("HOME", base.join("home"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// A promise that was broken: its name, and how.
pub type Broken = String;

impl Repo {
    /// A fresh copy of a scenario's repository.
    pub fn new(scenario: Scenario) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let base = temporary.path().to_owned();
        for name in ["repo", "home"] {
            let from = template(scenario).join(name);
            let copied = Command::new("cp").arg("-a").arg(from).arg(&base).status().unwrap();
            assert!(copied.success());
        }
        let dir = base.join("repo");
        let before = Theirs::of(&base, &dir);
        Self { _temporary: temporary, base, dir, scenario, before }
    }

    /// What the agent is to do beside its work, in the shell.
    pub fn agent_also(&self, script: &str) {
        fs::create_dir_all(self.dir.join(".git/orch")).unwrap();
        fs::write(self.dir.join(".git/orch/also"), script).unwrap();
    }

    /// Runs git there and returns what it printed.
    pub fn git(&self, args: &[&str]) -> Result<String, Broken> {
        match run_git(&self.base, &self.dir, args) {
            (true, text) => Ok(text),
            (false, text) => Err(format!("git {}: {text}", args.join(" "))),
        }
    }

    fn show(&self, commit: &str, path: &str) -> Option<String> {
        self.git(&["show", &format!("{commit}:{path}")]).ok()
    }

    /// The status of a task at a commit.
    pub fn status_of(&self, commit: &str, task: &str) -> Option<String> {
        let text = self.show(commit, &format!(".orchestrator/tasks/{task}.toml"))?;
        text.lines().find_map(|line| Some(line.strip_prefix("status = \"")?.trim_end_matches('"').to_owned()))
    }

    /// The commits of the branch.
    pub fn commits(&self) -> Vec<String> {
        self.git(&["rev-list", "main"]).map_or(Vec::new(), |text| text.lines().map(str::to_owned).collect())
    }

    /// The runs whose agent said that it had done its work.
    pub fn runs_that_ran(&self) -> Vec<String> {
        let steps = self.dir.join(".git/orch/steps");
        let mut runs = Vec::new();
        for entry in fs::read_dir(steps).into_iter().flatten().flatten() {
            if entry.path().join("ran").exists() {
                runs.push(entry.file_name().into_string().unwrap());
            }
        }
        runs
    }

    /// Promises that hold at every moment, with a killed orch too.
    pub fn always(&self) -> Result<(), Broken> {
        self.p1_what_is_the_users_stays()?;
        self.p2_code_and_state_agree()?;
        self.p5_accepted_at_most_once()?;
        self.p6_the_repository_is_sound()
    }

    /// Promises that hold once the next command has run.
    pub fn afterwards(&self) -> Result<(), Broken> {
        self.always()?;
        self.p3_work_is_reachable()?;
        self.p4_nothing_blocks()?;
        self.p6_the_work_tree_is_at_the_tip()
    }

    /// Whether the scenario's command has come to its end.
    pub fn reached(&self) -> bool {
        match self.scenario {
            Scenario::Accepted | Scenario::Sessions | Scenario::InPlace => self.accepted() == 1,
            Scenario::Pushed => self.accepted() == 1 && self.there() == self.commits(),
            Scenario::Rejected => self.status_of("main", "t-1").as_deref() == Some("needs_improvement"),
            Scenario::NeedsReview => self.status_of("main", "t-1").as_deref() == Some("needs_review"),
            Scenario::Person => self.status_of("main", "t-2").as_deref() == Some("pending"),
            Scenario::Init => self.commits().len() == 1,
        }
    }

    fn p1_what_is_the_users_stays(&self) -> Result<(), Broken> {
        let now = Theirs::of(&self.base, &self.dir);
        let before = &self.before;
        if self.scenario != Scenario::InPlace && now.files != before.files {
            return Err(format!("P1: the user's files changed: {:?}", now.files));
        }
        if now.staged != before.staged {
            return Err(format!("P1: what was staged changed: {:?}, was {:?}", now.staged, before.staged));
        }
        if (&now.stash, &now.config, &now.head) != (&before.stash, &before.config, &before.head) {
            return Err(format!("P1: stash, configuration or HEAD changed: {} {}", now.stash, now.head));
        }
        Ok(())
    }

    fn p2_code_and_state_agree(&self) -> Result<(), Broken> {
        for commit in self.commits() {
            if self.scenario == Scenario::Init {
                self.show(&commit, ".orchestrator/config.toml")
                    .ok_or("P2: a commit without a configuration")?;
                continue;
            }
            let done = self.status_of(&commit, "t-1").as_deref() == Some("done");
            let made = self.show(&commit, "made.txt").is_some();
            let all = self.show(&commit, "deep/er/file").is_some() == made
                && self.show(&commit, "src/old.txt").is_none() == made;
            let trailer =
                self.git(&["log", "-1", "--format=%(trailers:key=Orch-Outcome,valueonly)", &commit])?;
            if done != made || !all {
                return Err(format!("P2: {commit}: done is {done}, and the code is there is {made}, {all}"));
            }
            if trailer.trim() == "accepted" && !done {
                return Err(format!("P2: {commit} says accepted, and the task is not done"));
            }
        }
        Ok(())
    }

    fn p3_work_is_reachable(&self) -> Result<(), Broken> {
        let refs = self.git(&["for-each-ref", "--format=%(refname)"])?;
        for run in self.runs_that_ran() {
            let found = refs.lines().any(|name| {
                let made = format!("{run}\n");
                self.show(name, "made.txt").is_some_and(|text| text == made)
                    && self.show(name, "deep/er/file").is_some_and(|text| text == made)
            });
            if !found {
                return Err(format!("P3: the work of run {run} is nowhere: {refs}"));
            }
        }
        Ok(())
    }

    fn p4_nothing_blocks(&self) -> Result<(), Broken> {
        let leases = self.git(&["for-each-ref", "refs/orch/leases"])?;
        if !leases.is_empty() && self.scenario != Scenario::Pushed {
            return Err(format!("P4: a lease stays: {leases}"));
        }
        let orch = self.dir.join(".git/orch");
        for name in ["journal.json", "landing.json"] {
            if orch.join(name).exists() {
                return Err(format!(
                    "P4: a journal is left: {}",
                    fs::read_to_string(orch.join(name)).unwrap()
                ));
            }
        }
        let mut locks = Vec::new();
        find_locks(&self.dir.join(".git"), &mut locks);
        if locks.is_empty() { Ok(()) } else { Err(format!("P4: locks are left: {locks:?}")) }
    }

    fn p5_accepted_at_most_once(&self) -> Result<(), Broken> {
        let count = self.accepted();
        if count > 1 { Err(format!("P5: the task was accepted {count} times")) } else { Ok(()) }
    }

    /// The commits of the remote's branch.
    pub fn there(&self) -> Vec<String> {
        let remote = self.dir.join(".git/remote.git");
        run_git(&self.base, &remote, &["rev-list", "main"]).1.lines().map(str::to_owned).collect()
    }

    /// How many commits of the branch say that the task was accepted.
    pub fn accepted(&self) -> usize {
        let format = "--format=%(trailers:key=Orch-Outcome,valueonly,separator=)";
        let log = self.git(&["log", format, "main"]).unwrap_or_default();
        log.lines().filter(|line| line.trim() == "accepted").count()
    }

    fn p6_the_repository_is_sound(&self) -> Result<(), Broken> {
        let text = self.git(&["fsck", "--strict", "--no-dangling", "--no-progress"])?;
        // An unborn branch is not a fault.
        let bad: Vec<&str> =
            text.lines().filter(|line| !line.starts_with("notice: ") && !line.is_empty()).collect();
        if bad.is_empty() { Ok(()) } else { Err(format!("P6: fsck says {bad:?}")) }
    }

    fn p6_the_work_tree_is_at_the_tip(&self) -> Result<(), Broken> {
        let now = Theirs::of(&self.base, &self.dir).status;
        if now == self.before.status { Ok(()) } else { Err(format!("P6: git status says {now:?}")) }
    }
}

impl Theirs {
    fn of(base: &Path, dir: &Path) -> Self {
        let git = |args: &[&str]| run_git(base, dir, args).1;
        let files = THEIRS.iter().map(|name| ((*name).to_owned(), fs::read(dir.join(name)).ok())).collect();
        Self {
            files,
            staged: git(&["ls-files", "-s", "staged.txt", "notes.txt", ".gitignore"]),
            stash: git(&["rev-parse", "--verify", "-q", "refs/stash"]),
            config: fs::read(dir.join(".git/config")).unwrap(),
            head: git(&["symbolic-ref", "HEAD"]),
            status: git(&["status", "--porcelain=v1", "-uall"]),
        }
    }
}

/// Locks of git's that somebody left.
fn find_locks(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find_locks(&path, found);
        } else if (path.extension().is_some_and(|extension| extension == "lock")
            && !path.starts_with(dir.join("orch"))
            // Orch's own stay: who has one is told by the system, not by the file.
            && ![".git/orch", ".git/orch/sessions"].iter().any(|own| dir.ends_with(own)))
            || path.ends_with("index.orch")
        {
            found.push(path);
        }
    }
}
