//! `orch step`: every way in which work is judged.

use crate::sandbox::{Sandbox, agent, agent_with, gate, table};
use crate::transcript;
use std::fs;

/// A project with one task, whose agent is a line of shell.
fn project(script: &str, more: &[String]) -> Sandbox {
    let sandbox = Sandbox::with(&[&[agent(script)], more].concat());
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox
}

/// What a step that did not accept leaves: the branch without the work, and the work on a ref.
fn show_what_is_left(sandbox: &Sandbox) {
    sandbox.show_git(&["log", "-1", "--format=%B", "--name-status"]);
    sandbox.show_git(&["status", "--short"]);
    sandbox.show_git(&["for-each-ref", "--format=%(refname) %(contents:subject)", "refs/orch"]);
    for reference in sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch"]).lines() {
        sandbox.show_git(&["diff", "--stat", &format!("{reference}^"), reference]);
    }
}

#[test]
fn accepted_work_lands_with_its_state_and_its_record_in_one_commit() {
    let sandbox = Sandbox::with(&[
        agent("cat > prompt; echo new >> src/code; echo did it"),
        gate("test", "test -f src/code"),
    ]);
    sandbox.task("t-1", "Rate-limit the API", &["--kind", "feature", "--label", "api"]);
    sandbox.orch(&["step"]);
    sandbox.show_git(&["log", "-1", "--format=%an <%ae> %aI%n%B", "--name-status"]);
    sandbox.show_git(&["status", "--short"]);
    sandbox.show(".orchestrator/tasks/t-1.toml");
    let run = sandbox.git(&["ls-tree", "-r", "--name-only", "HEAD", ".orchestrator/runs"]);
    sandbox.show(run.trim());
    sandbox.show("prompt");
    transcript!(sandbox);
}

#[test]
fn the_tree_that_was_gated_is_the_tree_that_is_committed() {
    // The gate changes the tree: nothing of that may land.
    let sandbox = project("echo new >> src/code", &[gate("test", "echo junk >> src/code; echo junk > junk")]);
    sandbox.orch(&["step"]);
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\nnew\n");
    assert!(!sandbox.has("junk"));
    let run = sandbox.git(&["ls-tree", "-r", "--name-only", "HEAD", ".orchestrator/runs"]);
    let record = sandbox.git(&["show", &format!("HEAD:{}", run.trim())]);
    sandbox.git(&["rm", "-r", "--quiet", "--cached", ".orchestrator"]);
    let tree = sandbox.git(&["write-tree"]);
    assert!(record.contains(&format!("tree = \"{}\"", tree.trim())), "{record}");
    transcript!(sandbox);
}

#[test]
fn the_built_in_shell_runs_a_tasks_own_command() {
    let sandbox = Sandbox::with(&[gate("test", "test -f bumped")]);
    sandbox.task("t-1", "Bump it", &["--kind", "chore", "--run", "echo $ORCH_TASK > bumped; echo bumped"]);
    sandbox.orch(&["next"]);
    sandbox.orch(&["step"]);
    sandbox.show_git(&["log", "-1", "--format=%B", "--name-status"]);
    sandbox.orch(&["step"]);
    transcript!(sandbox);
}

#[test]
fn rejected_work_goes_back_with_the_evidence_and_may_pass_then() {
    let sandbox = project(
        "echo $ORCH_ATTEMPT > attempt; cat > prompt-$ORCH_ATTEMPT",
        &[gate("test", "echo looking; grep -q 2 attempt || { echo 'attempt is not 2'; exit 1; }")],
    );
    sandbox.orch(&["step"]);
    sandbox.show_git(&["log", "-1", "--format=%B", "--name-status"]);
    sandbox.show("prompt-2");
    transcript!(sandbox);
}

#[test]
fn work_that_never_passes_is_rejected_and_kept() {
    let sandbox = project(
        "echo $ORCH_ATTEMPT >> src/code; echo tried $ORCH_ATTEMPT",
        &[
            gate("test", "echo '1 failed: burst_is_limited'; exit 1"),
            table("policy", "max_attempts = 2\nmax_steps_per_task = 2"),
        ],
    );
    sandbox.orch(&["step"]);
    show_what_is_left(&sandbox);
    sandbox.show(".orchestrator/tasks/t-1.toml");
    sandbox.show(".orchestrator/checkpoints/t-1/1.yaml");
    sandbox.orch(&["next"]);
    sandbox.orch(&["step", "--ci"]);
    sandbox.show_git(&["log", "-1", "--format=%s"]);
    sandbox.orch(&["step"]);
    transcript!(sandbox);
}

#[test]
fn who_goes_on_after_a_block_is_told_why_and_where_the_work_is() {
    let sandbox = project(
        "cat > prompt; echo half >> src/code; printf 'blocked: needs a key\\n' > \"$ORCH_OUTCOME\"",
        &[],
    );
    sandbox.quietly(&["step"]);
    sandbox.orch(&["unblock", "t-1"]);
    sandbox.orch(&["prompt", "t-1"]);
    transcript!(sandbox);
}

#[test]
fn the_next_step_is_told_how_the_last_one_failed() {
    let sandbox = project(
        "cat > prompt; echo tried",
        &[gate("test", "echo '1 failed'; exit 1"), table("policy", "max_attempts = 1")],
    );
    sandbox.quietly(&["step"]);
    sandbox.orch(&["prompt", "t-1"]);
    transcript!(sandbox);
}

#[test]
fn in_ci_a_rejection_is_red_only_when_no_step_is_left() {
    let sandbox = project(
        "echo x >> src/code",
        &[gate("test", "exit 1"), table("policy", "max_attempts = 1\nmax_steps_per_task = 2")],
    );
    assert_eq!(sandbox.orch(&["step", "--ci"]).code, 0);
    assert_eq!(sandbox.orch(&["step", "--ci"]).code, 20);
    assert_eq!(sandbox.orch(&["step", "--ci"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn an_agent_that_exits_badly_has_failed() {
    let sandbox = project("echo half > half; echo oops >&2; exit 3", &[table("policy", "max_attempts = 1")]);
    sandbox.orch(&["step"]);
    show_what_is_left(&sandbox);
    transcript!(sandbox);
}

#[test]
fn an_agent_that_is_killed_has_failed() {
    let sandbox = project("echo half > half; kill -9 $$", &[table("policy", "max_attempts = 1")]);
    sandbox.orch(&["step"]);
    show_what_is_left(&sandbox);
    transcript!(sandbox);
}

#[test]
fn an_agent_that_cannot_be_started_is_told_and_nothing_is_recorded() {
    let agent = "\n[[agent]]\nname = \"gone\"\nsandbox = \"none\"\nadapter = \"command\"\ncommand = [\"./no-such-program\"]\n";
    let sandbox = Sandbox::with(&[agent.to_owned()]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox.orch(&["step"]);
    show_what_is_left(&sandbox);
    transcript!(sandbox);
}

#[test]
fn an_agent_that_changed_nothing_has_failed() {
    let sandbox = project("echo all done, I promise", &[table("policy", "max_attempts = 2")]);
    sandbox.orch(&["step"]);
    show_what_is_left(&sandbox);
    transcript!(sandbox);
}

#[test]
fn research_need_not_change_a_file() {
    let sandbox = Sandbox::with(&[agent("echo it is the cache")]);
    sandbox.task("t-1", "Why is it slow", &["--kind", "research"]);
    sandbox.orch(&["step"]);
    sandbox.show_git(&["log", "-1", "--format=%B", "--name-status"]);
    transcript!(sandbox);
}

#[test]
fn an_agent_that_takes_too_long_is_ended() {
    let sandbox = Sandbox::with(&[agent_with("echo half > half; exec sleep 600", "timeout = \"1s\"")]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox.orch(&["step"]);
    show_what_is_left(&sandbox);
    transcript!(sandbox);
}

#[test]
fn an_agent_that_is_silent_for_too_long_is_ended() {
    let sandbox = Sandbox::with(&[agent_with("echo half > half; exec sleep 600", "idle_timeout = \"1s\"")]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox.orch(&["step"]);
    transcript!(sandbox);
}

#[test]
fn no_process_of_an_agent_survives_the_step() {
    let sandbox = project("echo x > x; sleep 600 & echo $! > \"$HOME/pid\"", &[]);
    sandbox.orch(&["step"]);
    let pid = std::fs::read_to_string(sandbox.signal("pid")).expect("the agent wrote it");
    assert!(!std::path::Path::new("/proc").join(pid.trim()).exists());
    transcript!(sandbox);
}

#[test]
fn an_agent_can_say_that_somebody_else_has_to_act_first() {
    let sandbox = project(
        "echo half > half; printf 'summary: |\\n  Looked at it.\\nblocked: needs an API key\\nfollow_ups:\\n  \
         - title: Get a key\\n    kind: chore\\n' > \"$ORCH_OUTCOME\"",
        &[],
    );
    sandbox.orch(&["step"]);
    show_what_is_left(&sandbox);
    sandbox.show(".orchestrator/tasks/t-1.toml");
    sandbox.orch(&["next"]);
    sandbox.orch(&["unblock", "t-1"]);
    sandbox.orch(&["next"]);
    transcript!(sandbox);
}

#[test]
fn notes_follow_ups_tokens_and_cost_are_recorded() {
    let sandbox = project(
        "echo x > x; printf 'summary: Did it.\\nnotes:\\n  - {kind: decision, topic: storage, text: One file \
         each}\\n  - {kind: constraint, text: Never edit runs}\\n  - {kind: learning, text: It is \
         slow}\\nfollow_ups:\\n  - {title: Clean up, depends_on: [t-1, nowhere]}\\ntokens: {input: 12034, \
         cached: 88123, output: 2311}\\ncost_usd: 0.1234\\n' > \"$ORCH_OUTCOME\"",
        &[],
    );
    sandbox.orch(&["step"]);
    sandbox.show_git(&["show", "--format=%B", "HEAD"]);
    sandbox.orch(&["next"]);
    transcript!(sandbox);
}

#[test]
fn an_outcome_that_cannot_be_read_is_told_and_not_believed() {
    let sandbox = project(
        "cat > prompt; echo 'blocked: [' > \"$ORCH_OUTCOME\"; echo did it",
        &[table("policy", "max_attempts = 2")],
    );
    assert_eq!(sandbox.orch(&["step"]).code, 21);
    show_what_is_left(&sandbox);
    let kept = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch"]);
    sandbox.show_git(&["show", &format!("{}:prompt", kept.trim())]);
    transcript!(sandbox);
}

#[test]
fn a_note_of_an_unknown_kind_is_a_warning() {
    let sandbox = project(
        "echo $ORCH_TASK > x; printf 'notes: [{kind: order, text: obey}]\\n' > \"$ORCH_OUTCOME\"",
        &[],
    );
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    sandbox.task("t-2", "Do it", &["--kind", "chore"]);
    assert!(
        sandbox.quietly(&["step", "--json"]).stdout.contains(r#""warnings":["unknown note kind `order`"]"#)
    );
    transcript!(sandbox);
}

#[test]
fn an_agent_that_edits_the_state_is_rejected_and_the_edit_never_lands() {
    let sandbox = project(
        "echo good >> src/code; echo '# mine' >> .orchestrator/config.toml; rm .orchestrator/tasks/t-1.toml",
        &[table("policy", "max_attempts = 1")],
    );
    sandbox.orch(&["step"]);
    show_what_is_left(&sandbox);
    transcript!(sandbox);
}

#[test]
fn an_agent_that_weakens_its_gate_is_judged_by_the_gate_of_the_base() {
    let sandbox = project(
        "echo bad > src/code; mkdir -p ci; echo 'exit 0' > ci/check.sh",
        &[gate("test", "sh ci/check.sh"), table("policy", "max_attempts = 1\nprotect = [\"ci/**\"]")],
    );
    sandbox.write("ci/check.sh", "grep -q three src/code\n");
    sandbox.commit("a check");
    sandbox.orch(&["step"]);
    show_what_is_left(&sandbox);
    transcript!(sandbox);
}

#[test]
fn ci_configuration_is_protected_everywhere() {
    let sandbox = project(
        "echo x > x; mkdir -p .github/workflows; echo 'on: push' > .github/workflows/ci.yml",
        &[table("policy", "max_attempts = 1")],
    );
    sandbox.orch(&["step"]);
    transcript!(sandbox);
}

#[test]
fn conflict_markers_are_rejected() {
    let sandbox = project(
        "printf '<<<<<<< ours\\na\\n=======\\nb\\n>>>>>>> theirs\\n' > src/code",
        &[table("policy", "max_attempts = 1")],
    );
    sandbox.orch(&["step"]);
    transcript!(sandbox);
}

#[test]
fn a_link_that_leads_out_of_the_tree_is_rejected() {
    let sandbox = project(
        "ln -s /etc/passwd absolute; mkdir d; ln -s ../../up d/relative; ln -s .git/config git; ln -s src/code fine",
        &[table("policy", "max_attempts = 1")],
    );
    sandbox.orch(&["step"]);
    transcript!(sandbox);
}

#[test]
fn a_repository_inside_the_tree_is_rejected() {
    let sandbox = project(
        "git init --quiet inner; echo x > inner/file; git -C inner add file; \
         git -C inner -c maintenance.auto=false -c user.name=x -c user.email=x@y commit --quiet -m x; echo y > y",
        &[table("policy", "max_attempts = 1")],
    );
    sandbox.orch(&["step"]);
    show_what_is_left(&sandbox);
    transcript!(sandbox);
}

#[test]
fn repositories_that_one_agent_left_are_not_held_against_the_next() {
    let sandbox = project(
        "case $ORCH_TASK in t-1) git init --quiet inner; echo x > inner/file; git init --quiet inner/.more; \
         git init --quiet src; mkdir build; git init --quiet build/cache; echo y > y;; *) echo z > z;; esac",
        &[table("policy", "max_attempts = 1")],
    );
    sandbox.write(".gitignore", "build\n");
    sandbox.commit("ignore what builds leave");
    sandbox.task("t-2", "Do something else", &[]);
    assert_eq!(sandbox.quietly(&["step", "--task", "t-1"]).code, 20);
    let said = sandbox.quietly(&["step", "--task", "t-2"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(sandbox.git(&["show", "--format=", "--name-only", "HEAD", "--", ":!.orchestrator"]), "z\n");
}

/// For root nothing is closed, so this says something where others run it.
#[test]
fn what_an_agent_or_a_gate_closes_to_others_is_opened_again() {
    let closing = "mkdir shut; echo x > shut/x; echo y > y; chmod 000 y shut .git; chmod 555 src";
    let sandbox = project(
        &format!("case $ORCH_TASK in t-1) {closing}; chmod 555 .;; *) echo z > z; echo z >> src/code;; esac"),
        &[gate("test", "mkdir left; touch left/x; chmod 000 left")],
    );
    sandbox.task("t-2", "Do something else", &[]);
    for (task, files) in [("t-1", "shut/x\ny\n"), ("t-2", "src/code\nz\n")] {
        let said = sandbox.quietly(&["step", "--task", task]);
        assert_eq!(said.code, 0, "{}", said.stderr);
        let changed = ["show", "--format=", "--name-only", "HEAD", "--", ":!.orchestrator"];
        assert_eq!(sandbox.git(&changed), files);
    }
}

#[test]
fn an_ignore_file_that_hides_itself_hides_nothing_of_the_next_task() {
    let hiding = "echo '*' > .gitignore; echo '*' > src/.gitignore; echo x > hidden";
    let sandbox = project(
        &format!(
            "case $ORCH_TASK in t-1) {hiding};; *) test ! -e hidden || exit 1; echo z > src/z; echo z > z;; esac"
        ),
        &[table("policy", "max_attempts = 1")],
    );
    sandbox.task("t-2", "Do something else", &[]);
    assert_eq!(sandbox.quietly(&["step", "--task", "t-1"]).code, 21);
    let said = sandbox.quietly(&["step", "--task", "t-2"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(
        sandbox.git(&["show", "--format=", "--name-only", "HEAD", "--", ":!.orchestrator"]),
        "src/z\nz\n"
    );
}

#[test]
fn a_link_in_place_of_the_workspace_leads_orch_nowhere() {
    let outside = tempfile::tempdir().expect("a folder of somebody's");
    let file = outside.path().join("inner/file");
    fs::create_dir_all(file.parent().expect("a folder").join(".git")).expect("a folder");
    fs::write(&file, "somebody's").expect("a file");
    let script = format!(
        "case $ORCH_TASK in t-1) here=$PWD; cd ..; rm -r \"$here\"; ln -s {} \"$here\";; *) echo z > z;; esac",
        outside.path().display()
    );
    let sandbox = project(&script, &[table("policy", "max_attempts = 1")]);
    sandbox.task("t-2", "Do something else", &[]);
    let said = sandbox.quietly(&["step", "--task", "t-1"]);
    assert!([20, 21].contains(&said.code), "{}", said.stderr);
    let said = sandbox.quietly(&["step", "--task", "t-2"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(sandbox.git(&["show", "--format=", "--name-only", "HEAD", "--", ":!.orchestrator"]), "z\n");
    assert!(file.with_file_name(".git").is_dir());
    let names: Vec<_> = fs::read_dir(outside.path()).expect("it is there").flatten().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn what_an_agent_commits_by_itself_in_the_workspace_is_judged_as_files() {
    let sandbox =
        project("echo x > x; git add x; git commit --quiet -m mine; git checkout --quiet -b other", &[]);
    sandbox.orch(&["step"]);
    sandbox.show_git(&["log", "--format=%s", "--all"]);
    transcript!(sandbox);
}

#[test]
fn a_gate_that_cannot_run_is_not_a_pass() {
    let sandbox =
        project("echo x > x", &[gate("lint", "no-such-linter ."), table("policy", "max_attempts = 1")]);
    sandbox.orch(&["step"]);
    transcript!(sandbox);
}

#[test]
fn a_gate_that_takes_too_long_is_not_a_pass() {
    let slow = gate("slow", "exec sleep 600") + "timeout = \"1s\"\n";
    let sandbox = project("echo x > x", &[slow, table("policy", "max_attempts = 1")]);
    sandbox.orch(&["step"]);
    transcript!(sandbox);
}

#[test]
fn a_metric_below_its_minimum_is_not_a_pass() {
    let metric = "metric = { name = \"passed\", regex = '(\\d+) passed', min = 1 }\n";
    let test = gate("test", "cat count") + metric;
    let sandbox = project("echo \"$(($ORCH_ATTEMPT - 1)) passed\" > count", &[test]);
    sandbox.orch(&["step"]);
    sandbox.show_git(&["log", "-1", "--format=%(trailers:key=Orch-Gates)"]);
    transcript!(sandbox);
}

#[test]
fn gates_run_in_order_of_need_and_optional_ones_only_report() {
    let optional = gate("style", "echo ugly; exit 1") + "required = false\n";
    let test = gate("test", "exit 0") + "needs = [\"build\"]\n";
    let deploy = gate("deploy", "exit 0") + "needs = [\"style\"]\nrequired = false\n";
    let sandbox = project("echo x > x", &[test, optional, deploy, gate("build", "exit 0")]);
    sandbox.orch(&["step"]);
    sandbox.show_git(&["log", "-1", "--format=%(trailers:key=Orch-Gates)"]);
    transcript!(sandbox);
}

#[test]
fn a_dry_run_says_everything_and_does_nothing() {
    let sandbox = project("echo x > x", &[gate("test", "exit 0")]);
    let before = sandbox.git(&["for-each-ref"]);
    sandbox.orch(&["step", "--dry-run"]);
    sandbox.orch(&["step", "--dry-run", "--json"]);
    assert_eq!(sandbox.git(&["for-each-ref"]), before);
    transcript!(sandbox);
}

#[test]
fn the_dry_runs_prompt_is_the_prompt() {
    let sandbox = project("cat > prompt", &[gate("test", "exit 0")]);
    let prompt = sandbox.orch(&["prompt", "t-1"]).stdout;
    let planned = sandbox.orch(&["step", "--dry-run"]).stdout;
    assert!(planned.ends_with(&prompt), "{planned}");
    sandbox.orch(&["step", "--quiet"]);
    assert_eq!(sandbox.read("prompt"), prompt);
    let run = sandbox.git(&["log", "-1", "--format=%(trailers:key=Orch-Run,valueonly)"]);
    assert_eq!(sandbox.orch(&["prompt", "--run", run.trim()]).stdout, prompt);
    transcript!(sandbox);
}

#[test]
fn a_prompt_that_does_not_fit_blocks_its_task_and_others_go_on() {
    let sandbox = project("echo x > x", &[table("prompt", "budget_tokens = 120")]);
    let long = "must hold in every one of all these circumstances and more ".repeat(8);
    let flags: Vec<&str> =
        (0..9).flat_map(|_| ["--accept", long.as_str()]).chain(["--priority", "0"]).collect();
    sandbox.task("big", "Too much", &flags);
    let before = sandbox.git(&["rev-parse", "HEAD"]);
    sandbox.orch(&["step", "--dry-run"]);
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), before, "a dry run blocks nothing");
    sandbox.orch(&["step"]);
    sandbox.show_git(&["log", "--format=%s", "-3"]);
    sandbox.orch(&["step", "--task", "big"]);
    transcript!(sandbox);
}

#[test]
fn many_loose_objects_are_tidied_by_git_before_the_step_returns() {
    let sandbox = Sandbox::with(&[agent("echo $ORCH_RUN > src/more")]);
    for n in 0..600 {
        sandbox.write(&format!("many/{n}"), &format!("{n}\n"));
    }
    sandbox.commit("many files");
    let packs = || sandbox.git(&["count-objects", "-v"]).lines().any(|line| line == "packs: 1");
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox.task("t-2", "Do it", &["--kind", "chore"]);
    assert_eq!(sandbox.quietly(&["step", "--task", "t-1"]).code, 0);
    assert!(!packs(), "git was told not to");
    for key in ["gc.auto", "maintenance.auto"] {
        sandbox.git(&["config", "--unset", key]);
    }
    sandbox.git(&["config", "gc.auto", "1"]);
    assert_eq!(sandbox.quietly(&["step", "--task", "t-2"]).code, 0);
    assert!(packs(), "{}", sandbox.git(&["count-objects", "-v"]));
    assert_eq!(sandbox.git(&["fsck", "--no-progress", "--no-dangling"]), "");
}

#[test]
fn a_failure_that_says_much_is_shortened_and_the_task_goes_on() {
    let line = "at Object.asyncJestLifecycle (/srv/app/node_modules/jest/build/install.js:$i:58)";
    let script = format!(
        "for i in $(seq 40); do echo \"    {line} [as handler] in src/Table.test.tsx\"; done; exit 1"
    );
    let sandbox = project(
        "echo $ORCH_RUN >> src/code",
        &[table("policy", "max_attempts = 1\nmax_steps_per_task = 9"), gate("test", &script)],
    );
    for _ in 0..3 {
        assert_eq!(sandbox.quietly(&["step"]).code, 20);
    }
    sandbox.orch(&["prompt"]);
    sandbox.orch(&["prompt", "--explain"]);
    let run = sandbox.git(&["log", "-1", "--format=%(trailers:key=Orch-Run,valueonly)"]);
    assert_eq!(sandbox.orch(&["prompt", "--run", run.trim(), "-q"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn what_an_earlier_attempt_claimed_is_recorded_with_how_early_it_ended() {
    let claim = "printf 'summary: all tests pass\\n' > $ORCH_OUTCOME";
    let sandbox = project(
        &format!("echo new >> src/code; if [ $ORCH_ATTEMPT = 2 ]; then touch ok; else {claim}; fi"),
        &[gate("test", "test -f ok")],
    );
    sandbox.orch(&["step"]);
    let run = sandbox.git(&["log", "-1", "--format=%(trailers:key=Orch-Run,valueonly)"]);
    let said = sandbox.quietly(&["show", run.trim(), "--json"]).stdout;
    let read: serde_json::Value = serde_json::from_str(&said).expect("one document");
    let (run, sessions) = (&read["data"]["run"], &read["data"]["run"]["sessions"]);
    assert_eq!(run["claims"].as_array().map(Vec::len), Some(1), "{run}");
    assert_eq!((&sessions[0]["early"], &sessions[1]["early"]), (&90.into(), &serde_json::Value::Null));
    transcript!(sandbox);
}

#[test]
fn tokens_that_a_step_may_use_count_for_how_early_an_agent_ended() {
    let told =
        "printf 'summary: all done\\ntokens: {input: 94000, cached: 0, output: 1000}\\n' > $ORCH_OUTCOME";
    let sandbox = Sandbox::with(&[
        agent(&format!("echo $ORCH_ATTEMPT > new; {told}")),
        gate("test", "false"),
        table("budget", "step_tokens = 100000"),
        table("policy", "max_attempts = 2"),
    ]);
    sandbox.task("t-1", "Do it", &[]);
    assert_eq!(sandbox.quietly(&["step"]).code, 20);
    let record = sandbox.git(&["show", "--format=", "HEAD", "--", ".orchestrator/runs"]);
    assert!(!record.contains("early ="), "{record}");
}

#[test]
fn an_agent_that_changes_nothing_with_the_same_input_is_not_asked_for_ever() {
    let sandbox = Sandbox::with(&[agent("exit 0")]);
    sandbox.task("t-1", "Do it", &[]);
    for code in [21, 21, 21, 11] {
        assert_eq!(sandbox.orch(&["step", "--quiet"]).code, code, "{}", sandbox.transcript());
    }
    assert_eq!(sandbox.orch(&["show", "t-1"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_priority_that_is_changed_during_a_step_is_settled_with_it() {
    let sandbox = Sandbox::with(&[agent(
        "touch \"$HOME/at-work\"; until [ -e \"$HOME/edited\" ]; do sleep 0.01; done; echo new > new",
    )]);
    sandbox.task("t-1", "Do it", &[]);
    let step = sandbox.start(&["step"]);
    sandbox.wait_for(&sandbox.signal("at-work"));
    assert_eq!(sandbox.quietly(&["edit", "t-1", "--priority", "0"]).code, 0);
    std::fs::write(sandbox.signal("edited"), "").expect("a file");
    assert_eq!(sandbox.ended(&["step"], step).code, 0, "{}", sandbox.transcript());
    let task = sandbox.read(".orchestrator/tasks/t-1.toml");
    assert!(task.contains("status = \"done\"") && task.contains("priority = 0"), "{task}");
    assert_eq!(sandbox.quietly(&["fsck"]).code, 0);
}

#[test]
fn what_is_done_waits_for_nothing() {
    let sandbox = Sandbox::with(&[agent("echo $ORCH_RUN > $ORCH_TASK")]);
    sandbox.task("a", "First", &[]);
    sandbox.task("b", "Second", &["--depends-on", "a"]);
    assert!(sandbox.quietly(&["prompt", "a"]).stdout.contains("## Waiting for this"));
    assert_eq!(sandbox.quietly(&["run"]).code, 10);
    assert_eq!(sandbox.quietly(&["reopen", "a"]).code, 0);
    assert!(!sandbox.quietly(&["prompt", "a"]).stdout.contains("## Waiting for this"));
}
