//! A second pair of eyes: another agent reviews what the gates have passed.

use crate::sandbox::{Sandbox, agent, gate, table};
use crate::transcript;

/// A reviewer that is a line of shell.
fn eyes(script: &str) -> String {
    format!(
        "\n[[agent]]\nname = \"eyes\"\nadapter = \"command\"\ncommand = [\"sh\", \"-c\", '''{script}''']\n\
         capability = 9\ntimeout = \"60s\"\n"
    )
}

/// What an approving reviewer leaves, for one criterion.
const APPROVES: &str =
    "printf 'review:\\n  verdict: approve\\n  criteria:\\n    - {met: true, why: seen}\\n' > $ORCH_OUTCOME";
/// What a reviewer leaves that is not content.
const REJECTS: &str = "printf 'review:\\n  verdict: reject\\n  criteria:\\n    - {met: false, why: it says good}\\n  findings:\\n    - {file: src/code, line: 4, problem: too short}\\n' > $ORCH_OUTCOME";

fn reviewed(author: &str, reviewer: &str) -> Sandbox {
    let parts = [
        table("policy", "review = \"agent\"\nmax_attempts = 2"),
        agent(author).replace("capability = 10", "capability = 5"),
        eyes(reviewer),
        gate("test", "test -e src/code"),
    ];
    let sandbox = Sandbox::with(&parts);
    sandbox.task("t-1", "Do it", &["--kind", "chore", "--accept", "src/code says better"]);
    sandbox
}

#[test]
fn work_that_another_agent_approves_lands_with_its_verdict() {
    let script = format!("cat > ../seen.txt; echo mine >> src/code; {APPROVES}");
    let sandbox = reviewed("echo better >> src/code", &script);
    assert_eq!(sandbox.orch(&["step", "--agent", "script"]).code, 0);
    // What the reviewer writes goes away.
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\nbetter\n");
    sandbox.show_git(&["log", "-1", "--format=%B"]);
    sandbox.orch(&["show", "t-1"]);
    transcript!(sandbox);
}

#[test]
fn a_reviewer_sends_work_back_and_the_next_attempt_is_told_why() {
    let author = "cat > /dev/null; if [ $ORCH_ATTEMPT = 1 ]; then echo good >> src/code; \
                  else grep -q 'it says good' $ORCH_PROMPT_FILE && echo better >> src/code; fi";
    let script = format!("if grep -q better src/code; then {APPROVES}; else {REJECTS}; fi");
    let sandbox = reviewed(author, &script);
    let said = sandbox.orch(&["step", "--agent", "script"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\ngood\nbetter\n");
    transcript!(sandbox);
}

#[test]
fn a_reviewer_that_fails_has_approved_nothing_whatever_it_left() {
    for (end, told) in [("exit 1", "crash"), ("kill -9 $$", "crash: signal 9")] {
        let sandbox = reviewed("echo better >> src/code", &format!("{APPROVES}; {end}"));
        let said = sandbox.quietly(&["step", "--agent", "script"]);
        assert_eq!(said.code, 23, "{end}: {}", said.stderr);
        assert!(said.stderr.contains(&format!("eyes gave no review: {told}")), "{end}: {}", said.stderr);
    }
}

#[test]
fn a_reviewer_that_fails_after_it_turned_work_down_sends_it_back() {
    let prints =
        r"printf '```yaml\nreview:\n  verdict: reject\n  findings:\n    - {problem: it says good}\n```\n'";
    for script in [format!("{prints}; exit 1"), format!("{REJECTS}; exit 2")] {
        let author = "cat > /dev/null; echo good >> src/code; echo $ORCH_ATTEMPT >> $HOME/asked";
        let sandbox = reviewed(author, &script);
        let said = sandbox.quietly(&["step", "--agent", "script"]);
        assert_eq!(said.code, 20, "{script}: {}", said.stderr);
        assert!(said.stderr.contains("eyes does not approve"), "{script}: {}", said.stderr);
        let asked = std::fs::read_to_string(sandbox.signal("asked")).expect("it was asked");
        assert_eq!(asked, "1\n2\n", "its author was told");
    }
}

#[test]
fn a_reviewer_may_note_what_it_learned_beside_what_it_prints() {
    let script = r"printf 'summary: looked\n' > $ORCH_OUTCOME
        printf '```yaml\nreview: {verdict: approve, criteria: [{met: true, why: seen}]}\n```\n'";
    let sandbox = reviewed("echo better >> src/code", script);
    let said = sandbox.quietly(&["step", "--agent", "script"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
}

#[test]
fn a_reviewer_that_does_not_answer_has_passed_nothing_and_the_work_waits_for_the_next_one() {
    let script = format!("if [ -e $HOME/awake ]; then {APPROVES}; else echo fine by me; fi");
    let sandbox = reviewed("echo better >> src/code", &script);
    assert_eq!(sandbox.orch(&["step", "--agent", "script"]).code, 23);
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\n");
    sandbox.orch(&["next"]);
    // Nobody turned the work down.
    assert!(!sandbox.orch(&["trends"]).stdout.contains("rejected by"));
    std::fs::write(sandbox.signal("awake"), "").expect("a file");
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    assert_eq!(sandbox.read("src/code"), "one\ntwo\nthree\nbetter\n");
    sandbox.show_git(&["log", "--format=%s"]);
    assert_eq!(sandbox.orch(&["fsck"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_reviewer_whose_answers_cannot_be_read_is_not_asked_for_ever_and_other_work_goes_on() {
    let sandbox = reviewed("echo better >> src/code", "echo x >> $HOME/asked; echo LGTM");
    sandbox.task("t-2", "Do more", &["--kind", "chore"]);
    for code in [23, 13, 13] {
        assert_eq!(sandbox.quietly(&["step", "--task", "t-1"]).code, code);
    }
    assert_eq!(sandbox.orch(&["step", "--task", "t-1"]).code, 11);
    assert_eq!(sandbox.orch(&["next"]).code, 0);
    sandbox.orch(&["status"]);
    assert_eq!(sandbox.quietly(&["cancel", "t-2"]).code, 0);
    assert_eq!(sandbox.orch(&["next"]).code, 11);
    let asked = || std::fs::read_to_string(sandbox.signal("asked")).expect("it was asked").lines().count();
    assert_eq!((sandbox.orch(&["run"]).code, asked()), (11, 3));
    // A person may have it asked again.
    assert_eq!((sandbox.quietly(&["step", "--task", "t-1", "--agent", "eyes"]).code, asked()), (13, 4));
    assert_eq!(sandbox.quietly(&["approve", "t-1"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn work_that_waits_and_is_turned_down_needs_improvement() {
    let script = format!("if [ -e $HOME/awake ]; then {REJECTS}; fi");
    let sandbox = reviewed("echo better >> src/code", &script);
    assert_eq!(sandbox.orch(&["step", "--agent", "script"]).code, 23);
    std::fs::write(sandbox.signal("awake"), "").expect("a file");
    assert_eq!(sandbox.orch(&["step"]).code, 20);
    sandbox.show(".orchestrator/tasks/t-1.toml");
    transcript!(sandbox);
}

#[test]
fn the_author_alone_is_no_reviewer() {
    let sandbox = Sandbox::with(&[table("policy", "review = \"agent\""), agent("echo better >> src/code")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    assert_eq!(sandbox.orch(&["step"]).code, 23);
    assert_eq!(sandbox.orch(&["step"]).code, 11);
    transcript!(sandbox);
}

#[test]
fn a_rule_wants_a_person_for_some_of_the_work() {
    let rule = "\n[[review]]\nname = \"code\"\nby = \"human\"\npaths = [\"src/**\"]\n".to_owned();
    let sandbox = Sandbox::with(&[
        rule,
        agent("echo $ORCH_TASK >> $ORCH_TASK.md; [ $ORCH_TASK = t-2 ] || echo x >> src/code"),
    ]);
    sandbox.task("t-1", "Change code", &["--kind", "chore"]);
    sandbox.task("t-2", "Change docs", &["--kind", "docs"]);
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 23);
    assert_eq!(sandbox.orch(&["step", "--quiet"]).code, 0);
    assert_eq!(sandbox.orch(&["approve", "t-1"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn work_is_its_authors_whoever_looked_at_it_and_whatever_came_of_that() {
    let author = "echo better >> src/code; printf 'cost_usd: 0.1\\ntokens: {input: 100}\\n' > $ORCH_OUTCOME";
    let silent = "echo fine by me; printf 'cost_usd: 0.25\\ntokens: {input: 900}\\n' > $ORCH_OUTCOME";
    let sandbox = reviewed(author, silent);
    assert_eq!(sandbox.quietly(&["step", "--agent", "script"]).code, 23);
    sandbox.orch(&["step"]);
    sandbox.orch(&["approve", "t-1"]);
    sandbox.show_git(&["log", "-1", "--format=%(trailers)"]);
    let ask = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(&sandbox.quietly(arguments).stdout).expect("one document")
    };
    // All three are shown, and each profile has what it cost.
    let shown = ask(&["show", "t-1", "--json"]);
    let told = |run: &serde_json::Value| format!("{} by {}", run["outcome"], run["agent"]).replace('"', "");
    let runs: Vec<String> = shown["data"]["runs"].as_array().into_iter().flatten().map(told).collect();
    assert_eq!(runs, ["accepted by script", "deferred by script", "needs_review by script"]);
    sandbox.orch(&["agents"]);
    let read = ask(&["trends", "--json"]);
    assert_eq!((&read["data"]["all"]["judged"], &read["data"]["all"]["cost_usd"]), (&1.into(), &0.6.into()));
    assert_eq!(sandbox.quietly(&["fsck"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn every_past_prompt_can_be_rebuilt_whoever_read_it() {
    let author = "echo better >> src/code; [ -e $HOME/plans ] && \
                  printf \"follow_ups:\n  - {title: Go on with $ORCH_RUN, acceptance: [it is there]}\n\" > $ORCH_OUTCOME; true";
    let sandbox = reviewed(author, &format!("if [ -e $HOME/awake ]; then {APPROVES}; fi"));
    assert_eq!(sandbox.quietly(&["step", "--agent", "script"]).code, 23);
    std::fs::write(sandbox.signal("awake"), "").expect("a file");
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    sandbox.task("big", "Do much", &["--kind", "epic"]);
    std::fs::write(sandbox.signal("plans"), "").expect("a file");
    for arguments in [
        &["plan", "--agent", "script"][..],
        &["plan", "--agent", "script"],
        &["split", "big", "--agent", "script"],
    ] {
        assert_eq!(sandbox.quietly(arguments).code, 0, "{arguments:?}");
    }
    std::fs::remove_file(sandbox.signal("plans")).expect("a file");
    sandbox.task("t-2", "Do it again", &["--kind", "chore", "--accept", "it is done"]);
    assert_eq!(sandbox.quietly(&["step", "--task", "t-2"]).code, 0);
    let records = sandbox.git(&["ls-files", ".orchestrator/runs"]);
    assert_eq!(records.lines().count(), 6);
    for record in records.lines() {
        let run = record.rsplit('/').next().unwrap_or_default().trim_end_matches(".toml");
        let said = sandbox.quietly(&["prompt", "--run", run]);
        assert_eq!(said.code, 0, "{run}: {}{}", said.stderr, sandbox.read(record));
    }
}

#[test]
fn a_trace_has_what_a_reviewer_rejected_at_the_work_and_no_agent_where_none_ran() {
    let script = format!("if [ -e $HOME/awake ]; then {REJECTS}; fi");
    let sandbox = reviewed("echo good >> src/code", &script);
    std::fs::write(sandbox.signal("awake"), "").expect("a file");
    assert_eq!(sandbox.quietly(&["step", "--agent", "script"]).code, 20);
    let agents = |sandbox: &Sandbox| -> Vec<String> {
        let said = sandbox.quietly(&["show", "t-1", "--format", "otlp"]).stdout;
        let trace: serde_json::Value = serde_json::from_str(&said).expect("one document");
        let spans = trace["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().cloned();
        let named = |span: &serde_json::Value| format!("{} {}", span["name"], span["status"]["code"]);
        spans.into_iter().flatten().map(|span| named(&span)).filter(|span| span.contains("agent")).collect()
    };
    let attempt = ["\"invoke_agent script\" 2", "\"invoke_agent eyes\" 1"];
    assert_eq!(agents(&sandbox), [attempt, attempt].concat());
    std::fs::remove_file(sandbox.signal("awake")).expect("a file");
    assert_eq!(sandbox.quietly(&["step", "--agent", "script"]).code, 23);
    let before = agents(&sandbox);
    assert_eq!(sandbox.quietly(&["approve", "t-1"]).code, 0);
    assert_eq!(agents(&sandbox), before);
}

#[test]
fn what_was_marked_for_review_elsewhere_is_passed_over_and_a_person_is_told_what_helps() {
    let script = format!("echo mine >> src/code; {APPROVES}");
    let sandbox = reviewed("echo $ORCH_TASK > $ORCH_TASK.md", &script);
    sandbox.task("t-0", "From elsewhere", &["--kind", "chore"]);
    let path = ".orchestrator/tasks/t-0.toml";
    sandbox.write(path, &sandbox.read(path).replace("\"pending\"", "\"needs_review\""));
    sandbox.commit("orch: edit");
    // What nobody has made cannot be reviewed: other work goes on.
    assert_eq!(sandbox.orch(&["next"]).code, 0);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    assert_eq!(sandbox.orch(&["next"]).code, 11);
    assert_eq!(sandbox.orch(&["step"]).code, 11);
    assert_eq!(sandbox.orch(&["approve", "t-0"]).code, 2);
    sandbox.orch(&["status"]);
    assert_eq!(sandbox.orch(&["reject", "t-0", "--reason", "do it again"]).code, 0);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn work_that_another_clone_kept_does_not_stop_this_one() {
    let script = format!("if [ -e $HOME/awake ]; then {APPROVES}; fi");
    let mut sandbox = reviewed("echo $ORCH_TASK > $ORCH_TASK.md", &script);
    assert_eq!(sandbox.quietly(&["step"]).code, 23);
    std::fs::write(sandbox.signal("awake"), "").expect("a file");
    let clone = sandbox.root().join("clone");
    sandbox.git(&["clone", "--quiet", ".", &clone.to_string_lossy()]);
    sandbox.identify(&clone);
    sandbox.enter(clone);
    sandbox.task("t-2", "Do more", &["--kind", "chore", "--accept", "it is there"]);
    sandbox.orch(&["next", "--limit", "9"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    let said = sandbox.orch(&["step"]);
    assert_eq!(said.code, 11);
    let typed = said.stderr.split("`git ").nth(1).and_then(|rest| rest.split('`').next()).expect("a command");
    sandbox.git(&typed.split(' ').collect::<Vec<_>>());
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    assert!(sandbox.read("t-1.md").contains("t-1"));
    transcript!(sandbox);
}

#[test]
fn waiting_work_that_no_longer_fits_does_not_stop_others() {
    let script = format!("if [ -e $HOME/awake ]; then {APPROVES}; fi");
    let sandbox = reviewed("echo $ORCH_TASK >> src/code", &script);
    assert_eq!(sandbox.quietly(&["step"]).code, 23);
    std::fs::write(sandbox.signal("awake"), "").expect("a file");
    sandbox.write("src/code", "one\ntwo\nthree\nsomething else\n");
    sandbox.commit("meanwhile");
    sandbox.task("t-2", "Do more", &["--kind", "chore", "--accept", "it is there"]);
    assert_eq!(sandbox.orch(&["next"]).code, 0);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    assert_eq!(sandbox.orch(&["step"]).code, 11);
    sandbox.orch(&["status"]);
    transcript!(sandbox);
}

#[test]
fn waiting_work_of_which_something_is_missing_does_not_stop_others() {
    let script = format!("if [ -e $HOME/awake ]; then {APPROVES}; fi");
    let sandbox = reviewed("echo $ORCH_TASK >> $ORCH_TASK.md", &script);
    assert_eq!(sandbox.quietly(&["step"]).code, 23);
    std::fs::write(sandbox.signal("awake"), "").expect("a file");
    let kept = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orch/attempts"]);
    let alone = sandbox.git(&["commit-tree", "-m", "alone", "HEAD^{tree}"]);
    let tree = sandbox.git(&["rev-parse", "HEAD^{tree}"]);
    for (task, there) in [("t-2", alone), ("t-3", tree)] {
        sandbox.git(&["update-ref", kept.trim(), there.trim()]);
        sandbox.task(task, "Do more", &["--kind", "chore", "--accept", "it is there"]);
        let said = sandbox.quietly(&["step"]);
        assert_eq!(said.code, 0, "{}", said.stderr);
        let said = sandbox.quietly(&["step"]);
        assert_eq!(said.code, 11, "{}", said.stderr);
        assert!(said.stderr.contains("the work of `t-1` waits for a person"), "{}", said.stderr);
    }
}

#[test]
fn nobody_is_asked_for_a_review_once_a_budget_is_spent() {
    let sandbox = reviewed(
        "echo better >> src/code; echo 'cost_usd: 0.6' > $ORCH_OUTCOME",
        &format!("touch $HOME/asked; {APPROVES}"),
    );
    sandbox.write(
        ".orchestrator/config.toml",
        &format!("{}\n[budget]\nstep_usd = 0.5\n", sandbox.read(".orchestrator/config.toml")),
    );
    sandbox.commit("a budget");
    let said = sandbox.orch(&["step", "--agent", "script"]);
    assert_eq!((said.code, sandbox.signal("asked").exists()), (23, false), "{}", said.stderr);
    assert!(said.stderr.contains("`budget.step_usd` is spent"), "{}", said.stderr);
    // The next step has a budget of its own.
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    assert!(sandbox.signal("asked").exists());
}
