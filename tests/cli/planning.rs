//! `orch plan` and `orch split`: a planner proposes, orch checks.

use crate::sandbox::{Sandbox, agent, agent_with, send, table};
use crate::transcript;
use rustix::process::Signal;

/// A planner that answers with a block of YAML at the end of what it prints.
fn planner(yaml: &str) -> String {
    agent(&format!(
        "cat > /dev/null; echo mess > mess; echo 'I looked around.'; echo; echo '```yaml'; echo '{yaml}'; echo '```'"
    ))
}

const PARTS: &str = "follow_ups:
  - {key: a, title: Parse dates, kind: feature, complexity: 3, acceptance: [dates of 1970 are read], files: [src/date]}
  - {key: b, title: Print dates, kind: feature, complexity: 2, acceptance: [what was read is printed], depends_on: [a]}";

#[test]
fn an_epic_is_split_into_parts_that_wait_for_approval() {
    let sandbox = Sandbox::with(&[planner(PARTS)]);
    sandbox.task("e-1", "Dates everywhere", &["--kind", "epic", "--body", "People want dates."]);
    assert_eq!(sandbox.orch(&["split", "e-1"]).code, 0);
    assert!(!sandbox.has("mess"));
    sandbox.show_git(&["log", "-1", "--format=%B", "--name-status"]);
    sandbox.orch(&["list"]);
    assert_eq!(sandbox.orch(&["fsck"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_plan_that_is_not_whole_goes_back_with_the_reasons() {
    let script = "cat > $HOME/asked-$$; if grep -q 'was not accepted' $HOME/asked-$$; \
                  then printf 'follow_ups:\n  - {title: Print dates, acceptance: [they are printed]}\n' > $ORCH_OUTCOME; \
                  else printf 'follow_ups:\n  - {title: Print dates}\n' > $ORCH_OUTCOME; fi";
    let sandbox = Sandbox::with(&[agent(script)]);
    let said = sandbox.orch(&["plan"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    sandbox.show_git(&["log", "-1", "--format=%s"]);
    transcript!(sandbox);
}

#[test]
fn a_planner_that_proposes_nothing_leaves_the_record_of_what_it_cost() {
    let script = "echo all is well; echo 'cost_usd: 0.2' > $ORCH_OUTCOME";
    let sandbox = Sandbox::with(&[agent(script), table("policy", "max_attempts = 2")]);
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    assert_eq!(sandbox.orch(&["plan", "--dry-run"]).code, 0);
    assert_eq!(sandbox.orch(&["split", "nowhere"]).code, 2);
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(sandbox.orch(&["plan"]).code, 21);
    sandbox.show_git(&["log", "-1", "--format=%B", "--name-status"]);
    assert_eq!(sandbox.orch(&["status"]).code, 0);
    assert_eq!(sandbox.orch(&["fsck"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn all_plans_of_the_roadmap_are_runs_of_one_task() {
    let script = "printf \"follow_ups:\n  - {title: Go on with $ORCH_RUN, acceptance: [it is there]}\n\" > $ORCH_OUTCOME";
    let sandbox = Sandbox::with(&[agent(script), table("plan", "land = \"pending\"")]);
    for _ in 0..3 {
        assert_eq!(sandbox.quietly(&["plan"]).code, 0);
    }
    let said = sandbox.quietly(&["list", "--all", "--json"]);
    let read: serde_json::Value = serde_json::from_str(&said.stdout).expect("one document");
    let tasks = read["data"]["tasks"].as_array().expect("tasks");
    let plans = tasks.iter().filter(|task| task["title"] == "Plan what comes next");
    assert_eq!((tasks.len(), plans.count()), (4, 1), "{}", said.stdout);
    assert_eq!(sandbox.git(&["ls-files", ".orchestrator/runs"]).lines().count(), 3);
    assert_eq!(sandbox.quietly(&["fsck"]).code, 0);
}

#[test]
fn plans_of_which_nothing_came_are_runs_of_one_task_that_is_not_done() {
    let script = "if [ -e $HOME/inspired ]; \
                  then printf 'follow_ups:\n  - {title: Go on, acceptance: [it is there]}\n' > $ORCH_OUTCOME; fi";
    let sandbox = Sandbox::with(&[agent(script), table("policy", "max_attempts = 1")]);
    assert_eq!(sandbox.quietly(&["plan"]).code, 21);
    assert_eq!(sandbox.quietly(&["plan"]).code, 21);
    sandbox.orch(&["list", "--all"]);
    std::fs::write(sandbox.signal("inspired"), "").expect("a file");
    assert_eq!(sandbox.quietly(&["plan"]).code, 0);
    sandbox.orch(&["list", "--all"]);
    sandbox.orch(&["status"]);
    assert_eq!(sandbox.orch(&["fsck"]).code, 0);
    let records = sandbox.git(&["ls-files", ".orchestrator/runs"]);
    assert_eq!(records.lines().count(), 3);
    for record in records.lines() {
        let run = record.rsplit('/').next().expect("a name").trim_end_matches(".toml");
        assert_eq!(sandbox.quietly(&["prompt", "--run", run]).code, 0, "{run}");
    }
    transcript!(sandbox);
}

#[test]
fn a_split_that_failed_leaves_the_task_as_it_was() {
    let sandbox =
        Sandbox::with(&[agent("echo 'cost_usd: 0.2' > $ORCH_OUTCOME"), table("policy", "max_attempts = 1")]);
    sandbox.task("t-1", "Do everything", &[]);
    assert_eq!(sandbox.quietly(&["split", "t-1"]).code, 21);
    sandbox.orch(&["show", "t-1"]);
    let said = sandbox.quietly(&["next", "--json"]);
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert_eq!(sandbox.quietly(&["fsck"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_run_plans_by_itself_where_little_is_left_and_does_what_it_planned() {
    let script = "if [ -n \"$ORCH_TASK\" ] && grep -q 'Extend the roadmap' $ORCH_PROMPT_FILE; \
                  then if [ -e src/planned ]; then echo nothing left; \
                  else printf 'follow_ups:\n  - {title: Leave a mark, acceptance: [it is there]}\n' > $ORCH_OUTCOME; fi; \
                  else echo here > src/planned; fi";
    let sandbox = Sandbox::with(&[agent(script), table("plan", "floor = 1\nland = \"pending\"")]);
    assert_eq!(sandbox.orch(&["run"]).code, 10);
    assert_eq!(sandbox.read("src/planned"), "here\n");
    sandbox.show_git(&["log", "--format=%s"]);
    transcript!(sandbox);
}

#[test]
fn a_planner_that_had_nothing_is_not_asked_again_before_there_is_something_new() {
    let script = "if grep -q 'Extend the roadmap' $ORCH_PROMPT_FILE || grep -q 'Split a task' $ORCH_PROMPT_FILE; \
                  then echo x >> $HOME/asked; echo nothing comes to mind; else echo here > src/done; fi";
    let sandbox = Sandbox::with(&[
        agent(script),
        table("plan", "floor = 1\nsplit = true"),
        table("policy", "max_attempts = 1"),
    ]);
    let asked = || std::fs::read_to_string(sandbox.signal("asked")).map_or(0, |asked| asked.lines().count());
    for _ in 0..3 {
        assert_eq!((sandbox.orch(&["run"]).code, asked()), (10, 1));
    }
    let commits = sandbox.git(&["rev-list", "--count", "HEAD"]);
    assert_eq!(
        (sandbox.quietly(&["run"]).code, sandbox.git(&["rev-list", "--count", "HEAD"])),
        (10, commits)
    );
    // A task that was done is something new.
    sandbox.task("t-1", "Do it", &[]);
    assert_eq!((sandbox.quietly(&["run"]).code, asked()), (10, 2));
    assert_eq!((sandbox.quietly(&["run"]).code, asked()), (10, 2));
    // So is an epic, which nobody splits; and what is left to do.
    sandbox.task("e-1", "Do much", &["--kind", "epic"]);
    for times in [3, 4, 4] {
        assert_eq!((sandbox.quietly(&["run"]).code, asked()), (11, times));
    }
    // Who asks by hand is answered.
    assert_eq!((sandbox.quietly(&["plan"]).code, asked()), (21, 5));
    transcript!(sandbox);
}

#[test]
fn a_planner_that_fails_is_asked_a_few_times_and_not_for_ever() {
    let sandbox = Sandbox::with(&[
        agent("echo x >> $HOME/asked; exit 7"),
        table("plan", "floor = 1"),
        table("policy", "max_attempts = 1"),
    ]);
    let asked = || std::fs::read_to_string(sandbox.signal("asked")).map_or(0, |asked| asked.lines().count());
    for times in [1, 2, 3, 3, 3] {
        assert_eq!((sandbox.quietly(&["run"]).code, asked()), (10, times));
    }
}

#[test]
fn what_is_too_large_is_next_for_nobody_and_no_step_takes_it() {
    let small =
        agent("echo done > src/done").replace("capability = 10", "capability = 10\ncontext_window = 120000");
    let sandbox = Sandbox::with(&[small]);
    let files: Vec<String> = (0..9).map(|n| format!("src/{n}.rs")).collect();
    let flags: Vec<&str> = files.iter().flat_map(|file| ["--file", file.as_str()]).collect();
    sandbox.task("t-1", "Do everything", &[&flags[..], &["--priority", "0"]].concat());
    assert_eq!(sandbox.orch(&["next"]).code, 11);
    sandbox.task("t-2", "Do a little", &[]);
    assert_eq!(sandbox.orch(&["next", "--limit", "5"]).code, 0);
    assert_eq!(sandbox.orch(&["status"]).code, 0);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    assert_eq!(sandbox.orch(&["next"]).code, 11);
    transcript!(sandbox);
}

#[test]
fn a_run_splits_what_is_too_large_for_any_agent() {
    let script = "if grep -q 'Split a task' $ORCH_PROMPT_FILE; \
                  then printf 'follow_ups:\n  - {title: Do the first half, acceptance: [it is there]}\n  - {title: Do the rest of it, acceptance: [so is this]}\n' > $ORCH_OUTCOME; \
                  else echo $ORCH_TASK >> src/done; fi";
    let small = agent(script).replace("capability = 10", "capability = 10\ncontext_window = 120000");
    let sandbox = Sandbox::with(&[small, table("plan", "split = true\nland = \"pending\"")]);
    let files: Vec<String> = (0..9).map(|n| format!("src/{n}.rs")).collect();
    let flags: Vec<&str> = files.iter().flat_map(|file| ["--file", file.as_str()]).collect();
    sandbox.task("t-1", "Do everything", &flags);
    assert_eq!(sandbox.orch(&["run"]).code, 10);
    sandbox.orch(&["list", "--all"]);
    transcript!(sandbox);
}

#[test]
fn what_a_plan_costs_counts_in_a_run() {
    let script = "printf 'cost_usd: 0.5\nfollow_ups:\n  - {title: Leave a mark, acceptance: [it is there]}\n' > $ORCH_OUTCOME";
    let sandbox = Sandbox::with(&[agent(script), table("plan", "floor = 1\nland = \"pending\"")]);
    let said = sandbox.orch(&["run", "--max-cost", "0.4"]);
    assert_eq!(said.code, 13, "{}", said.stderr);
    assert!(said.stdout.contains("0 steps, 0 accepted; the cost limit is reached"), "{}", said.stdout);
}

/// A planner beside whoever does the work.
fn planner_beside(script: &str) -> String {
    agent(script).replace("name = \"script\"", "name = \"planner\"")
}

#[test]
fn where_no_planner_can_be_asked_other_tasks_are_done_all_the_same() {
    let works = agent("echo done > $ORCH_TASK");
    let rests = planner_beside("echo 'You have hit your usage limit. Try again in 2 hours.' >&2; exit 1");
    let is_missing = rests.replace("\"sh\"", "\"/nowhere/planner\"");
    let plan = |agent: &str| table("plan", &format!("agent = \"{agent}\"\nfloor = 3\nsplit = true"));
    for (planner, plan, code) in
        [(&is_missing, plan("planner"), 30), (&works, plan("nobody"), 3), (&rests, plan("planner"), 13)]
    {
        for jobs in ["1", "2"] {
            let parts =
                if planner == &works { vec![works.clone()] } else { vec![works.clone(), planner.clone()] };
            let sandbox = Sandbox::with(&[&parts[..], std::slice::from_ref(&plan)].concat());
            for id in ["t-1", "t-2"] {
                sandbox.task(id, &format!("Do {id}"), &["--kind", "chore"]);
            }
            let said = sandbox.quietly(&["run", "--jobs", jobs, "--json"]);
            assert_eq!(said.code, code, "{jobs} {}{}", said.stdout, said.stderr);
            assert_eq!(said.stdout.contains("\"retry_after\":\"2026-"), code == 13, "{jobs} {}", said.stdout);
            sandbox.task("t-3", "Do one more", &["--kind", "chore"]);
            let said = sandbox.quietly(&["run", "--jobs", jobs]);
            assert_eq!(said.code, code, "{jobs} {}{}", said.stdout, said.stderr);
            assert!(said.stderr.contains("nothing is planned: "), "{jobs} {}", said.stderr);
            assert!(["t-1", "t-2", "t-3"].into_iter().all(|id| sandbox.has(id)), "{code} {jobs}");
        }
    }
}

#[test]
fn a_plan_does_not_land_where_others_have_planned_or_decided_meanwhile() {
    let proposes =
        "printf 'follow_ups:\\n  - {title: Parse dates, acceptance: [they are read]}\\n' > $ORCH_OUTCOME";
    let cancels = "ORCH_TEST_CLOCK=2026-11-20T11:00:00Z orch -C \"$HOME/../repo\" cancel e-1 >&2";
    let plans = "( cd \"$HOME/../repo\" && unset GIT_DIR && printf '\\n[history]\\nlast_run = \"01JD0000000000000000000000\"\\n' \
                 >> .orchestrator/tasks/e-1.toml && git commit --quiet -a -m other )";
    for (meanwhile, why) in
        [(cancels, "is `cancelled` now"), (plans, "was planned, or run, by others meanwhile")]
    {
        let sandbox = Sandbox::with(&[agent(&format!("{meanwhile}; {proposes}"))]);
        sandbox.task("e-1", "Dates everywhere", &["--kind", "epic"]);
        let said = sandbox.quietly(&["split", "e-1"]);
        assert_eq!(said.code, 12, "{}", said.stderr);
        assert!(said.stderr.contains(why), "{}", said.stderr);
        let list = sandbox.quietly(&["list", "--all"]);
        assert!(!list.stdout.contains("Parse dates"), "{}", list.stdout);
        assert!(!sandbox.has(".git/orch/journal.json"));
        assert_eq!(sandbox.quietly(&["fsck"]).code, 0);
    }
}

#[test]
fn a_plan_tells_of_no_task_that_others_have_added_meanwhile() {
    let plans = |adds: &[&str]| {
        let adds: String = adds
            .iter()
            .map(|title| {
                format!("ORCH_TEST_CLOCK=2026-11-20T11:00:00Z orch -C \"$HOME/../repo\" add '{title}' >&2; ")
            })
            .collect();
        let sandbox = Sandbox::with(&[agent(&format!(
            "{adds}printf 'follow_ups:\\n  - {{title: Parse dates, acceptance: [they are read]}}\\n  \
             - {{title: Print dates, acceptance: [they are printed]}}\\n' > $ORCH_OUTCOME"
        ))]);
        sandbox.task("e-1", "Dates everywhere", &[]);
        let said = sandbox.quietly(&["split", "e-1", "--json"]);
        assert_eq!(sandbox.quietly(&["fsck"]).code, 0);
        (sandbox, said)
    };
    let (sandbox, said) = plans(&["Parse dates"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stderr.contains("`Parse dates` is left out: "), "{}", said.stderr);
    assert!(said.stdout.contains("\"planned 1 task\""), "{}", said.stdout);
    let message = sandbox.git(&["log", "-1", "--format=%B"]);
    assert!(message.contains("planned 1 task ") && message.contains("- Print dates ("), "{message}");
    assert!(!message.contains("Parse dates"), "{message}");
    let record = sandbox.git(&["ls-files", ".orchestrator/runs"]);
    assert!(sandbox.read(record.trim()).contains("reason = \"planned 1 task\""), "{record}");

    let (sandbox, said) = plans(&["Parse dates", "Print dates"]);
    assert_eq!(said.code, 12, "{}", said.stderr);
    assert!(said.stderr.contains("others have added all that was planned meanwhile"), "{}", said.stderr);
    let task = sandbox.read(".orchestrator/tasks/e-1.toml");
    assert!(!task.contains("epic") && !task.contains("last_run"), "it can still be done, or split: {task}");
}

#[test]
fn what_touches_the_files_of_a_task_does_not_wait_while_that_is_split() {
    let script = "ORCH_TEST_CLOCK=2026-11-20T10:20:00Z orch -C \"$HOME/../repo\" next --limit 5 > \"$HOME/next\"; \
                  printf 'follow_ups:\\n  - {title: Parse dates, acceptance: [they are read]}\\n' > $ORCH_OUTCOME";
    for kind in ["epic", "feature"] {
        let sandbox = Sandbox::with(&[agent_with(script, "max_parallel = 2")]);
        sandbox.task("e-1", "Dates everywhere", &["--kind", kind, "--file", "src/**"]);
        sandbox.task("t-1", "Look at the clock", &["--file", "src/clock.rs"]);
        let said = sandbox.quietly(&["split", "e-1"]);
        assert_eq!(said.code, 0, "{}", said.stderr);
        let next = std::fs::read_to_string(sandbox.signal("next")).expect("the planner has looked");
        assert!(next.contains("at work: "), "{next}");
        assert!(next.contains("t-1") && !next.contains("touches files"), "{next}");
    }
}

#[test]
fn an_interrupted_planner_is_asked_again() {
    let script = "if test -e \"$HOME/go-on\"; \
                  then printf 'follow_ups:\\n  - {title: Parse dates, acceptance: [they are read]}\\n' > $ORCH_OUTCOME; \
                  else touch \"$HOME/at-work\"; sleep 60; fi";
    let sandbox = Sandbox::with(&[agent(script), table("plan", "split = true")]);
    sandbox.task("e-1", "Dates everywhere", &["--kind", "epic"]);
    let split = sandbox.start(&["split", "e-1"]);
    sandbox.wait_for(&sandbox.signal("at-work"));
    send(&split, Signal::INT);
    let said = sandbox.ended(&["split", "e-1"], split);
    assert_eq!((said.code, said.stdout.as_str()), (130, "planned nothing: interrupted\n"));
    std::fs::write(sandbox.signal("go-on"), "").expect("written");
    assert_eq!(sandbox.quietly(&["run"]).code, 11);
    assert!(sandbox.quietly(&["list"]).stdout.contains("Parse dates"));
}

#[test]
fn a_planner_reads_the_beginning_of_a_long_text_and_all_of_each_constraint() {
    let sandbox = Sandbox::with(&[planner(PARTS)]);
    let body: String =
        (0..300).map(|n| format!("Paragraph {n} is about dates and what they are for.\n\n")).collect();
    sandbox.task("e-1", "Dates everywhere", &["--kind", "epic", "--body", &body]);
    let rule = format!("{}THE END", "No date is guessed. ".repeat(20));
    assert_eq!(sandbox.quietly(&["note", "constraint", &rule]).code, 0);
    let said = sandbox.quietly(&["split", "e-1", "--dry-run"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    for part in ["Paragraph 0 is", "(Shortened; the whole text is in `.orchestrator/tasks/e-1.toml`.)", &rule]
    {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
    assert_eq!(sandbox.quietly(&["split", "e-1"]).code, 0);
}

#[test]
fn what_of_an_answer_is_not_taken_up_is_told() {
    let sandbox = Sandbox::with(&[
        agent("printf 'follow_ups: [{title: [}\\n' > $ORCH_OUTCOME"),
        table("policy", "max_attempts = 2"),
    ]);
    let said = sandbox.quietly(&["plan", "--json"]);
    assert_eq!(said.code, 21);
    let read: serde_json::Value = serde_json::from_str(&said.stdout).expect("one document");
    let reason = read["data"]["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("planned nothing: the outcome file cannot be read: "), "{reason}");
    assert!(
        said.stderr.contains("the answer of `script` is no plan: the outcome file cannot be read"),
        "{}",
        said.stderr
    );
}

#[test]
fn what_a_person_has_declined_is_not_proposed_again() {
    let script =
        "printf 'follow_ups:\\n  - {title: Parse dates, acceptance: [they are read]}\\n' > $ORCH_OUTCOME";
    let sandbox = Sandbox::with(&[agent(script), table("policy", "max_attempts = 1")]);
    let said = sandbox.quietly(&["plan"]);
    let id = said.stdout.split_whitespace().next().expect("an id");
    assert_eq!(sandbox.quietly(&["reject", id, "--reason", "nobody wants it"]).code, 0);
    let said = sandbox.quietly(&["plan"]);
    assert_eq!(said.code, 21);
    assert!(
        said.stderr.contains(&format!("refused: Parse dates: `{id}` is the same work, and was given up")),
        "{}",
        said.stderr
    );
    assert!(sandbox.quietly(&["plan", "--dry-run"]).stdout.contains("Given up: do not propose it again"));
}

#[test]
fn what_was_too_large_waits_for_nobody_once_it_is_split() {
    let script =
        "printf 'follow_ups:\\n  - {title: Do the first half, acceptance: [it is there]}\\n' > $ORCH_OUTCOME";
    let small = agent(script).replace("capability = 10", "capability = 10\ncontext_window = 120000");
    let sandbox = Sandbox::with(&[small]);
    let files: Vec<String> = (0..9).map(|n| format!("src/{n}.rs")).collect();
    let flags: Vec<&str> = files.iter().flat_map(|file| ["--file", file.as_str()]).collect();
    sandbox.task("t-1", "Do everything", &flags);
    assert_eq!(sandbox.quietly(&["step"]).code, 11);
    assert!(sandbox.quietly(&["status"]).stdout.contains("orch split t-1"));
    assert_eq!(sandbox.quietly(&["split", "t-1"]).code, 0);
    let status = sandbox.quietly(&["status"]).stdout;
    assert!(!status.contains("too large") && !status.contains("blocked"), "{status}");
}
