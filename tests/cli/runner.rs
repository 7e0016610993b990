//! A runner of CI jobs, as small as it can be: it checks out like the real ones and runs the shell steps.
//!
//! Invariant: an expression, an action or a key that it does not know fails the test.

use crate::sandbox::{Said, Sandbox, find, finish, link};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// What opens the remote.
pub(crate) const TOKEN: &str = "token-of-the-job";
/// The programs of an image.
const IMAGE: [&str; 14] = [
    "git", "sh", "bash", "env", "cat", "mkdir", "rm", "touch", "printf", "echo", "test", "grep", "sleep",
    "ln",
];
/// Where the remote is said to be.
const REMOTE: &str = "https://forge.example/acme/widgets";

type Env = BTreeMap<String, String>;

/// A place in which jobs of a project run.
pub(crate) struct Job<'s> {
    sandbox: &'s Sandbox,
    root: PathBuf,
    log: RefCell<String>,
}

impl<'s> Job<'s> {
    /// A runner for a project, whose remote is a bare clone of it.
    pub(crate) fn new(sandbox: &'s Sandbox) -> Self {
        let root = sandbox.root().join("runner");
        for name in ["home", "image", "tools/bin", "home/.cargo/bin"] {
            fs::create_dir_all(root.join(name)).expect("a folder");
        }
        let remote = root.join("remote.git");
        sandbox.git(&["clone", "--quiet", "--bare", ".", &remote.to_string_lossy()]);
        for program in IMAGE {
            link(&find(program), &root.join("image").join(program));
        }
        let config = format!(
            "[url \"file://{}\"]\n\tinsteadOf = {REMOTE}.git\n\tinsteadOf = {REMOTE}\n[init]\n\tdefaultBranch = master\n",
            remote.display()
        );
        fs::write(root.join("home/.gitconfig"), config).expect("a file");
        let this = Self { sandbox, root, log: RefCell::default() };
        // What cargo leaves is the orch that is tested.
        this.stub("cargo", &format!(
            "root=\"$HOME/.cargo\"; test \"$3\" = --root && root=\"$4\"\nmkdir -p \"$root/bin\" && ln -sf {} \"$root/bin/orch\"",
            env!("CARGO_BIN_EXE_orch")
        ));
        this.stub("npm", ":");
        this
    }

    fn stub(&self, name: &str, script: &str) {
        let path = self.root.join("image").join(name);
        let calls = self.root.join("installed");
        let text = format!("#!/bin/sh\necho {name} \"$@\" >> '{}'\n{script}\n", calls.display());
        fs::write(&path, text).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permissions");
    }

    /// The home of the jobs.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// Where the last job worked.
    pub(crate) fn dir(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Everything that the jobs printed.
    pub(crate) fn log(&self) -> String {
        self.log.borrow().clone()
    }

    /// What the jobs left for their page.
    pub(crate) fn summary(&self) -> String {
        fs::read_to_string(self.root.join("summary")).unwrap_or_default()
    }

    /// Whether this was installed.
    pub(crate) fn installed(&self, line: &str) -> bool {
        fs::read_to_string(self.root.join("installed")).unwrap_or_default().contains(line)
    }

    /// Asks the remote.
    pub(crate) fn remote(&self, arguments: &[&str]) -> String {
        self.sandbox.git_in(&self.root.join("remote.git"), arguments)
    }

    /// The files that a job left in which a text is.
    pub(crate) fn files_with(&self, text: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.dir(), self.home(), self.root.join("tools")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                } else if fs::read(&path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(text)) {
                    found.push(path);
                }
            }
        }
        found
    }

    /// The password that git finds for the remote, in a job with this token and in one without.
    pub(crate) fn password(&self, token: Option<&str>) -> Option<String> {
        let mut env = self.env();
        env.insert("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned());
        env.extend(token.map(|token| ("ORCH_PUSH_TOKEN".to_owned(), token.to_owned())));
        let script = "printf 'protocol=https\\nhost=forge.example\\n\\n' | git credential fill";
        let said = self.run(&["sh", "-c"], script, &env);
        let password = said.stdout.lines().find_map(|line| line.strip_prefix("password=").map(str::to_owned));
        password.filter(|password| !password.is_empty())
    }

    fn env(&self) -> Env {
        let path =
            ["home/.cargo/bin", "tools/bin", "image"].map(|dir| self.root.join(dir).display().to_string());
        Env::from([
            ("PATH".to_owned(), path.join(":")),
            ("HOME".to_owned(), self.home().display().to_string()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("GIT_CONFIG_NOSYSTEM".to_owned(), "1".to_owned()),
        ])
    }

    fn run(&self, shell: &[&str], script: &str, env: &Env) -> Said {
        let mut command = Sandbox::bare(&self.root.join("image").join(shell[0]));
        command.args(&shell[1..]).arg(script).envs(env).current_dir(self.dir());
        let said = finish(&mut command);
        *self.log.borrow_mut() += &format!("$ {script}\n{}{}exit {}\n", said.stdout, said.stderr, said.code);
        said
    }

    /// An empty folder for the next job, or a shallow checkout of the remote.
    fn begin(&self, checkout: Option<(&str, &str)>) {
        let _ = fs::remove_dir_all(self.dir());
        fs::create_dir(self.dir()).expect("a folder");
        let Some((url, then)) = checkout else { return };
        let script = format!(
            "git init -q . && git remote add origin {url} && \
             git fetch -q --depth=1 origin +refs/heads/main:refs/remotes/origin/main && {then}"
        );
        let said = self.run(&["sh", "-c"], &script, &self.env());
        assert_eq!(said.code, 0, "{}", said.stderr);
    }

    /// Runs the only job of a workflow, which has to be green.
    pub(crate) fn github(&self, workflow: &Value, task: &str) {
        let said = self.github_tried(workflow, task);
        assert_eq!(said.code, 0, "{}", self.log());
    }

    /// Runs the only job of a workflow; what its first red step said.
    pub(crate) fn github_tried(&self, workflow: &Value, task: &str) -> Said {
        assert_eq!(workflow["permissions"], serde_json::json!({}), "the job alone is given rights");
        assert_eq!(workflow["concurrency"]["cancel-in-progress"], false);
        let job = &workflow["jobs"]["step"];
        assert!(job["timeout-minutes"].is_u64());
        self.begin(None);
        self.steps(&job["steps"], &[], &|expression| match expression {
            "inputs.task" => task.to_owned(),
            other => known(other),
        })
    }

    /// Runs a composite action in a checkout.
    pub(crate) fn action(&self, action: &Value) {
        assert_eq!(action["runs"]["using"], "composite");
        self.begin(Some((REMOTE, "git checkout -q -B main refs/remotes/origin/main")));
        let input = |name: &str| action["inputs"][name]["default"].as_str().expect("a default").to_owned();
        // What the step that uses it sets, it sees.
        let keys = [("ROBOT_KEY", "key")];
        let said = self.steps(&action["runs"]["steps"], &keys, &|expression| match expression
            .strip_prefix("inputs.")
        {
            Some(name) => filled(&input(name), &known),
            None => known(expression),
        });
        assert_eq!(said.code, 0, "{}", self.log());
    }

    fn steps(&self, steps: &Value, keys: &[(&str, &str)], value: &dyn Fn(&str) -> String) -> Said {
        let mut red = None;
        for step in steps.as_array().expect("steps") {
            let condition = step["if"].as_str().unwrap_or("success()");
            let runs = match condition {
                "success()" | "steps.built.outputs.cache-hit != 'true'" => red.is_none(),
                "${{ !cancelled() }}" => true,
                other => panic!("an unknown condition: {other}"),
            };
            if !runs {
                continue;
            }
            if let Some(uses) = step["uses"].as_str() {
                self.uses(uses, &step["with"]);
                continue;
            }
            let mut env = self.env();
            for (name, value) in keys.iter().copied().chain([
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_SERVER_URL", "https://forge.example"),
                ("GITHUB_REPOSITORY", "acme/widgets"),
                ("GITHUB_ACTION_PATH", "/action"),
            ]) {
                env.insert(name.to_owned(), value.to_owned());
            }
            let summary = self.root.join("summary").display().to_string();
            env.insert("GITHUB_STEP_SUMMARY".to_owned(), summary);
            for (name, text) in step["env"].as_object().into_iter().flatten() {
                env.insert(name.clone(), filled(text.as_str().expect("a string"), value));
            }
            let script = step["run"].as_str().expect("a step runs or uses something");
            assert!(!script.contains("${{"), "what others write is no part of a script: {script}");
            let shell: &[&str] = &["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"];
            let said = self.run(shell, script, &env);
            if said.code != 0 && red.is_none() {
                red = Some(said);
            }
        }
        red.unwrap_or(Said { code: 0, stdout: String::new(), stderr: String::new() })
    }

    fn uses(&self, action: &str, with: &Value) {
        let (name, version) = action.split_once('@').expect("a version");
        assert!(
            version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "pinned: {action}"
        );
        match name {
            "actions/checkout" => {
                assert_eq!(with["persist-credentials"], false);
                assert_eq!(with["ref"], "main");
                self.begin(Some((REMOTE, "git checkout -q -B main refs/remotes/origin/main")));
            }
            "actions/cache/restore" | "actions/cache/save" => assert_eq!(with["path"], "~/.cargo/bin/orch"),
            other => panic!("an unknown action: {other}"),
        }
    }

    /// Runs the only job of a pipeline.
    pub(crate) fn gitlab(&self, pipeline: &Value) {
        let job = &pipeline["orch"];
        assert_eq!(job["interruptible"], false);
        assert_eq!(job["variables"]["GIT_DEPTH"], "1");
        let url = format!("https://gitlab-ci-token:{TOKEN}@forge.example/acme/widgets.git");
        let then =
            format!("git checkout -q --detach refs/remotes/origin/main && git remote set-url origin {url}");
        self.begin(Some((&format!("{REMOTE}.git"), &then)));
        let mut env = self.env();
        for (name, value) in job["variables"].as_object().expect("variables") {
            let value = value.as_str().expect("a string").replace("$CI_SERVER_HOST", "forge.example");
            env.insert(name.clone(), value);
        }
        for (name, value) in [
            ("CI_COMMIT_BRANCH", "main"),
            ("CI_PROJECT_URL", REMOTE),
            ("CI_JOB_TOKEN", TOKEN),
            ("ORCH_SOURCE", "https://forge.example/orch"),
            ("ORCH_REV", "0a1b"),
            ("ROBOT_KEY", "key"),
        ] {
            env.insert(name.to_owned(), value.to_owned());
        }
        let script = format!("{}\n{}", lines(&job["before_script"]), lines(&job["script"]));
        for script in [script, lines(&job["after_script"])] {
            let said = self.run(&["bash", "-eo", "pipefail", "-c"], &script, &env);
            assert_eq!(said.code, 0, "{}", self.log());
        }
    }

    /// Runs the steps of a workflow of Woodpecker, each in a shell of its own.
    pub(crate) fn woodpecker(&self, workflow: &Value) {
        assert_eq!(workflow["skip_clone"], true);
        self.begin(None);
        for step in workflow["steps"].as_array().expect("steps") {
            let mut env = self.env();
            for (name, value) in [("CI_COMMIT_BRANCH", "main"), ("CI_REPO_CLONE_URL", REMOTE)] {
                env.insert(name.to_owned(), value.to_owned());
            }
            for (name, value) in step["environment"].as_object().expect("an environment") {
                let text = match value["from_secret"].as_str() {
                    None => value.as_str().expect("a string").to_owned(),
                    Some(secret) => known(&format!("secrets.{secret}")),
                };
                env.insert(name.clone(), text);
            }
            let script = lines(&step["commands"]);
            assert!(!script.contains("${"), "Woodpecker fills these in by itself: {script}");
            let script = script.replace("/woodpecker", &self.root.display().to_string());
            let said = self.run(&["sh", "-ec"], &script, &env);
            assert_eq!(said.code, 0, "{}", self.log());
        }
    }
}

fn lines(list: &Value) -> String {
    let lines = list.as_array().expect("a list").iter().map(|line| line.as_str().expect("a command"));
    lines.collect::<Vec<_>>().join("\n")
}

/// What an expression of a recipe is worth.
fn known(expression: &str) -> String {
    match expression {
        "secrets.ORCH_PUSH_TOKEN || github.token" | "github.token" | "secrets.orch_push_token" => TOKEN,
        "vars.ORCH_SOURCE" | "secrets.orch_source" => "https://forge.example/orch",
        "vars.ORCH_REV" | "secrets.orch_rev" => "0a1b",
        "secrets.ROBOT_KEY" => "key",
        "secrets.OTHER_KEY" => "",
        "github.ref_name" => "main",
        other => panic!("an unknown expression: {other}"),
    }
    .to_owned()
}

/// A text with its expressions filled in.
fn filled(text: &str, value: &dyn Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (expression, after) = after.split_once("}}").expect("an end");
        out.push_str(before);
        out.push_str(&value(expression.trim()));
        rest = after;
    }
    out + rest
}
