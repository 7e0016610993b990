//! The engine of gates: what they see, in which order they run, what they ask, what is remembered.

use crate::sandbox::{Sandbox, agent, gate, link, table};
use crate::transcript;

/// A project with one task, which one attempt is made at.
fn project(script: &str, parts: &[String]) -> Sandbox {
    let all = [&[agent(script), table("policy", "max_attempts = 1")], parts].concat();
    let sandbox = Sandbox::with(&all);
    sandbox.task("t-1", "Do it", &[]);
    sandbox
}

/// The newest run record.
fn record(sandbox: &Sandbox) -> String {
    let listed = sandbox.git(&["ls-tree", "-r", "--name-only", "HEAD", ".orchestrator/runs"]);
    sandbox.read(listed.lines().last().expect("a run"))
}

/// How often something was noted in the home that gates and tests share.
fn noted(sandbox: &Sandbox, name: &str) -> usize {
    std::fs::read_to_string(sandbox.signal(name)).map_or(0, |text| text.lines().count())
}

#[test]
fn what_an_agent_leaves_beside_its_change_makes_no_gate_pass() {
    let planted = "mkdir -p target deps/bin; echo ok > target/passed; echo ok > deps/bin/tool; \
                   echo /target > .gitignore; echo deps >> .gitignore; echo x > x";
    for keep in ["", "keep = [\"target\", \"deps\"]"] {
        let gates =
            [gate("test", "test -e target/passed || test -e deps/bin/tool"), table("workspace", keep)];
        let sandbox = project(planted, &gates);
        assert_eq!(sandbox.orch(&["step"]).code, 20, "keep: {keep:?}\n{}", sandbox.transcript());
    }
}

#[test]
fn what_gates_leave_is_kept_where_the_configuration_says_so_and_nowhere_else() {
    let script = "cat \"$HOME/n\" > x";
    let look = |file: &str| {
        format!(
            "for d in cache other; do test ! -e $d || echo $d; done >> \"$HOME/{file}\"; mkdir -p cache other"
        )
    };
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", "cache\nother\n");
    sandbox.configure(&[
        agent(script),
        gate("look", &look("seen")),
        gate("fresh", &look("fresh")) + "clean = true\n",
        table("workspace", "keep = [\"cache\"]"),
    ]);
    for n in ["1", "2"] {
        sandbox.task(&format!("t-{n}"), "Do it", &[]);
        std::fs::write(sandbox.signal("n"), n).expect("a file");
        assert_eq!(sandbox.orch(&["step"]).code, 0, "{}", sandbox.transcript());
    }
    let seen = std::fs::read_to_string(sandbox.signal("seen")).expect("the gate ran");
    assert_eq!(seen, "cache\n", "the first time nothing, then what is kept");
    assert_eq!(noted(&sandbox, "fresh"), 0, "a clean gate never finds anything");
}

#[test]
fn a_gate_cannot_help_another_candidate() {
    // The first candidate's test plants something that the second one's would find.
    let script = "if [ -e first ]; then echo 2 > second; else echo 1 > first; fi";
    let test = "test -e planted && exit 0; echo x > planted; mkdir -p hidden/dir; chmod 500 hidden; exit 1";
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", "planted\nhidden\n");
    sandbox.configure(&[agent(script), gate("test", test), table("policy", "max_attempts = 2")]);
    sandbox.task("t-1", "Do it", &[]);
    assert_eq!(sandbox.orch(&["step"]).code, 20, "{}", sandbox.transcript());
}

#[test]
fn independent_gates_run_at_one_time_and_are_told_in_order() {
    // Each of the two waits for the other one.
    let wait = |own: &str, other: &str| {
        format!(": > \"$HOME/{own}\"; until [ -e \"$HOME/{other}\" ]; do sleep 0.01; done")
    };
    let sandbox = project(
        "echo x > x",
        &[
            gate("last", "test -e \"$HOME/a\"") + "needs = [\"a\", \"b\"]\n",
            gate("a", &wait("a", "b")),
            gate("b", &wait("b", "a")),
        ],
    );
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    let run = record(&sandbox);
    let places: Vec<Option<usize>> =
        ["a", "b", "last"].iter().map(|name| run.find(&format!("name = \"{name}\"\n"))).collect();
    assert!(places[0].is_some() && places[0] < places[1] && places[1] < places[2], "{run}");
    transcript!(sandbox);
}

#[test]
fn a_pass_on_a_second_try_is_flaky_and_is_not_remembered() {
    let once = "echo try >> \"$HOME/tries\"; test -e \"$HOME/again\" || { : > \"$HOME/again\"; echo unlucky; exit 1; }";
    let sandbox = project("echo x > x", &[gate("test", once) + "retries = 1\n"]);
    let said = sandbox.orch(&["step"]);
    assert_eq!(said.code, 0);
    assert!(said.stderr.contains("flaky, 2 tries"), "{}", said.stderr);
    assert!(record(&sandbox).contains("tries = 2"), "{}", record(&sandbox));
    assert_eq!(noted(&sandbox, "tries"), 2);
    assert_eq!(sandbox.orch(&["gate"]).code, 0);
    assert_eq!(noted(&sandbox, "tries"), 3, "what was flaky is asked again");
    for (command, said) in [
        (&["trends"][..], "flaky    test 1 (passed at a later try)"),
        (&["status"], ", 1 flaky pass"),
        (&["status", "--json"], "\"flaky\":1"),
        (&["status", "--format", "openmetrics"], "orch_flaky_passes{period=\"day\"} 1"),
        (&["report", "--markdown"], "- **flaky** test 1 (passed at a later try)"),
        (&["report"], "<tr><th>flaky</th><td>test 1 (passed at a later try)</td></tr>"),
    ] {
        let out = sandbox.quietly(command).stdout;
        assert!(out.contains(said), "{command:?}\n{out}");
    }
    transcript!(sandbox);
}

#[test]
fn agents_and_gates_see_the_tags_that_versions_are_made_of() {
    let describe =
        "test \"$(git describe --abbrev=0)\" = v1.2 && git describe --tags --match light --abbrev=0";
    let sandbox = project(&format!("{describe} > x"), &[gate("test", describe)]);
    sandbox.git(&["tag", "-a", "v1.2", "-m", "v1.2"]);
    sandbox.git(&["tag", "light"]);
    assert_eq!(sandbox.orch(&["step"]).code, 0, "{}", sandbox.transcript());
    assert_eq!(sandbox.git(&["show", "HEAD:x"]).trim(), "light");
}

#[test]
fn a_gate_does_not_look_twice_at_what_has_not_changed() {
    let sandbox = project(
        "echo x > x",
        &[
            gate("test", "echo test >> \"$HOME/ran\""),
            gate("always", "echo always >> \"$HOME/ran\"") + "cache = false\n",
            gate("style", "echo style >> \"$HOME/ran\"; exit 1") + "required = false\n",
        ],
    );
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    assert_eq!(noted(&sandbox, "ran"), 3);
    assert_eq!(sandbox.orch(&["gate"]).code, 0);
    assert_eq!(noted(&sandbox, "ran"), 5, "a failure and what is never remembered run again");
    assert_eq!(sandbox.orch(&["gate", "test", "--no-cache"]).code, 0);
    assert_eq!(noted(&sandbox, "ran"), 6);
    sandbox.write("x", "changed\n");
    assert_eq!(sandbox.orch(&["gate", "test"]).code, 0);
    assert_eq!(noted(&sandbox, "ran"), 7);
    let said = sandbox.quietly(&["gate", "--explain"]).stdout;
    for line in [
        "at most 2 at one time",
        "1  test    cached  echo test",
        "2  always  runs    echo always",
        "Built-in gates",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    transcript!(sandbox);
}

#[test]
fn what_passed_in_a_work_tree_does_not_count_for_a_candidate() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", "local\n");
    sandbox.configure(&[
        agent("echo x > x"),
        gate("test", "test -e local"),
        table("policy", "max_attempts = 1"),
    ]);
    sandbox.task("t-1", "Do it", &[]);
    // The very tree that the agent will make, with something that git ignores beside it.
    sandbox.write("x", "x\n");
    sandbox.write("local", "");
    assert_eq!(sandbox.orch(&["gate"]).code, 0);
    std::fs::remove_file(sandbox.repo().join("x")).expect("a file");
    assert_eq!(sandbox.orch(&["step"]).code, 20);
}

#[test]
fn fewer_tests_that_passed_than_on_the_base_reject_unless_the_change_says_why() {
    let count = "if [ -f only ]; then echo '1 passed'; else echo \"$(cat tests/*.py | grep -c '^def test') passed\"; fi";
    let test = |name: &str| format!("\n\ndef test_{name}():\n    assert {name}(50) == 50\n");
    let code = |name: &str| format!("def {name}(n):\n    return n\n\n\n");
    let write = |path: &str, text: String| format!("printf '{}' > {path}", text.replace('\n', "\\n"));
    for (script, exit, why) in [
        ("echo x > only".to_owned(), 20, "fewer tests were run than on the base: 1, there 2; a person can"),
        (
            format!("{}; {}", write("shop.py", code("tax")), write("tests/test_shop.py", test("tax"))),
            0,
            "fewer tests were run than on the base: 1, there 2 (the change says why)",
        ),
        (
            format!(
                "echo x > only; {}; {}",
                write("shop.py", code("tax") + &code("more")),
                write("tests/test_shop.py", test("tax") + &test("zero") + &test("more"))
            ),
            20,
            "fewer tests were run than on the base: 1, there 2; a person can",
        ),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("shop.py", &(code("tax") + &code("zero")));
        sandbox.write("tests/test_shop.py", &(test("tax") + &test("zero")));
        let metric = "metric = { name = \"passed\", regex = '(\\d+) passed', min = 1 }\n";
        let test = gate("test", count) + metric;
        sandbox.configure(&[agent(&script), table("policy", "max_attempts = 1"), test]);
        sandbox.task("t-1", "Do it", &["--kind", "chore"]);
        let said = sandbox.orch(&["step"]);
        assert_eq!(said.code, exit, "{script}\n{}", sandbox.transcript());
        assert!(said.stderr.contains(why), "{why}\n{}", said.stderr);
    }
}

/// A gate whose command writes `JUnit` and coverage as its files say.
fn reporting(more: &str) -> String {
    let run = "{ echo '<testsuite>'; grep -h . tests/* 2>/dev/null; echo '</testsuite>'; } > junit.xml; \
               { echo SF:src/code; grep -n . src/code | grep -v never | while IFS=: read n _; do echo DA:$n,1; done; \
               grep -n never src/code | while IFS=: read n _; do echo DA:$n,0; done; echo end_of_record; } > lcov.info";
    gate("test", run) + "junit = \"ju*.xml\"\n" + more
}

const CASE: &str = "<testcase name='works'/>";

fn reporting_project(script: &str, more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("tests/works", &format!("{CASE}\n<testcase name='lasts'/>\n"));
    sandbox.configure(&[agent(script), table("policy", "max_attempts = 1"), reporting(more)]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox
}

#[test]
fn tests_and_coverage_are_measured_and_compared_with_the_base() {
    let coverage = "coverage = { file = \"lcov.info\", min = 60, changed_min = 90, max_drop = 10 }\n";
    let fine = reporting_project("echo four >> src/code", coverage);
    assert_eq!(fine.orch(&["step"]).code, 0, "{}", fine.transcript());
    let run = record(&fine);
    assert!(run.contains("tests = 2\n") && run.contains("coverage = 100"), "{run}");
    for (script, more, why) in [
        ("rm tests/works; echo x > x", "", "no test was run"),
        (
            "echo \"<testcase name='works'/>\" > tests/works",
            "",
            "fewer tests were run than on the base: 1, there 2",
        ),
        ("echo \"<testcase name='new'><failure/></testcase>\" >> tests/works", "", "1 test failed: `new`"),
        (
            "echo never >> src/code",
            coverage,
            "of the 1 changed lines that can run are covered, less than 90 %: not `src/code:4`",
        ),
        (
            "printf 'never\\nnever\\n' > src/code",
            "coverage = { file = \"lcov.info\", max_drop = 10 }\n",
            "coverage fell by 100 % to 0 %",
        ),
        ("echo x > x", "coverage = { file = \"other.info\" }\n", "the command did not write it"),
        // A report of the agent's own is not the gate's.
        ("echo DA > other.info", "coverage = { file = \"other.info\" }\n", "the command did not write it"),
    ] {
        let sandbox = reporting_project(script, more);
        let said = sandbox.orch(&["step"]);
        assert_eq!(said.code, 20, "{script}\n{}", sandbox.transcript());
        assert!(said.stderr.contains(why), "{why}\n{}", said.stderr);
    }
    let allowed = reporting_project("echo \"<testcase name='works'/>\" > tests/works", "");
    assert_eq!(allowed.quietly(&["edit", "t-1", "--allow", "tests-removed"]).code, 0);
    let said = allowed.orch(&["step"]);
    assert!(said.stderr.contains("there 2 (allowed)"), "{}", said.stderr);
}

#[test]
fn the_tests_of_a_change_have_to_fail_without_it() {
    let with_proof = |script: &str, kind: &str| {
        let gates = [gate("test", "for t in tests/*; do sh $t || exit 1; done") + "red-green = true\n"];
        let all = [&[agent(script), table("policy", "max_attempts = 1")], &gates[..]].concat();
        let sandbox = Sandbox::new();
        sandbox.write("tests/old", "test -e README\n");
        sandbox.configure(&all);
        sandbox.task("t-1", "Do it", &["--kind", kind]);
        sandbox
    };
    let honest = with_proof("echo made > made; echo 'test -e made' > tests/new", "feature");
    assert_eq!(honest.orch(&["step"]).code, 0, "{}", honest.transcript());
    assert!(
        record(&honest).contains("with the change's tests the base fails (exit 1)"),
        "{}",
        record(&honest)
    );
    for (script, kind, code, why) in [
        ("echo made > made; echo true > tests/new", "bug", 20, "the change's tests pass on the base as well"),
        ("echo made > made", "feature", 20, "the change has no test files"),
        ("echo made > made", "refactor", 0, "not asked for"),
    ] {
        let sandbox = with_proof(script, kind);
        let said = sandbox.orch(&["step"]);
        assert_eq!(said.code, code, "{script}\n{}", sandbox.transcript());
        assert!(record(&sandbox).contains(why), "{}", record(&sandbox));
    }
}

#[test]
fn what_prepares_a_room_does_not_change_what_is_judged() {
    let sandbox = project(
        "echo bad > src/code",
        &[gate("test", "grep -q good src/code"), table("workspace", "setup = \"echo good > src/code\"")],
    );
    assert_eq!(sandbox.orch(&["step"]).code, 20, "{}", sandbox.transcript());
}

#[test]
fn what_prepares_a_room_runs_for_a_gate_and_can_reject() {
    let sandbox = project(
        "echo x > x; test -e broken || true",
        &[
            gate("test", "test -e made"),
            table("workspace", "setup = \"echo set up >> $HOME/setup; test ! -e x || : > made\""),
        ],
    );
    assert_eq!(sandbox.orch(&["step"]).code, 0, "{}", sandbox.transcript());
    let failing =
        project("echo x > x", &[gate("test", "true"), table("workspace", "setup = \"test ! -e x\"")]);
    let said = failing.orch(&["step"]);
    assert_eq!(said.code, 20, "{}", failing.transcript());
    assert!(said.stderr.contains("its room could not be prepared"), "{}", said.stderr);
}

#[test]
fn a_changed_command_asks_again_and_shows_the_difference() {
    let sandbox = Sandbox::with(&[agent("echo x > x"), gate("test", "make test")]).untrusted();
    assert_eq!(sandbox.orch(&["trust"]).code, 0);
    sandbox.configure(&[agent("echo x > x"), gate("test", "true"), gate("lint", "make lint")]);
    assert_eq!(sandbox.orch(&["gate"]).code, 30);
    assert_eq!(sandbox.orch(&["trust", "--show"]).code, 0);
    assert_eq!(sandbox.orch(&["trust"]).code, 0);
    assert_eq!(sandbox.orch(&["trust"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn accepted_work_is_verified_by_its_records_and_again_by_its_gates() {
    let sandbox = project(
        "echo $ORCH_TASK > x",
        &[gate("test", "echo ran >> \"$HOME/ran\"; test -e x && test ! -e \"$HOME/broken\"")],
    );
    sandbox.task("t-2", "Do more", &[]);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    assert_eq!(sandbox.orch(&["verify"]).code, 0);
    assert_eq!(sandbox.orch(&["verify", "HEAD~1..", "--rerun"]).code, 0);
    assert_eq!(noted(&sandbox, "ran"), 3, "one step of two ran again");
    std::fs::write(sandbox.signal("broken"), "").expect("a file");
    assert_eq!(sandbox.orch(&["verify", "HEAD~1..", "--rerun"]).code, 20);
    assert_eq!(sandbox.orch(&["verify", "nowhere"]).code, 2);
    transcript!(sandbox);
}

#[test]
fn what_no_built_in_gate_has_seen_on_its_base_is_found_when_gates_run_again() {
    let parts = [agent("echo x > x"), gate("test", "true")];
    let sandbox = project("echo x > x", &parts[1..]);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    let step = sandbox.git(&["rev-parse", "HEAD"]);
    // A person puts the work on a base that would not have let it pass.
    sandbox.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    sandbox.configure(&[parts.concat(), table("policy", "protect = [\"x\"]")]);
    sandbox.git(&["cherry-pick", step.trim()]);
    assert_eq!(sandbox.orch(&["verify"]).code, 0);
    assert_eq!(sandbox.orch(&["verify", "--rerun"]).code, 20);
    transcript!(sandbox);
}

#[test]
fn work_without_the_pass_of_a_required_gate_is_found() {
    let sandbox = project("echo x > x", &[gate("test", "true")]);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    // A person rewrites the step's commit so that its record lacks the verdict.
    let message = sandbox.git(&["log", "-1", "--format=%B"]).replace("test=pass", "none");
    let listed = sandbox.git(&["ls-tree", "-r", "--name-only", "HEAD", ".orchestrator/runs"]);
    let path = listed.lines().last().expect("a run");
    let text = sandbox.read(path);
    let (without, _) = text.split_once("\n[[gate]]\nname = \"test\"").expect("a verdict");
    sandbox.git(&["reset", "--soft", "HEAD~1"]);
    sandbox.write(path, without);
    sandbox.git(&["add", "--all"]);
    sandbox.git(&["commit", "--quiet", "--message", &message]);
    for command in ["fsck", "verify"] {
        let said = sandbox.orch(&[command]);
        assert_eq!(said.code, 3, "{}", sandbox.transcript());
        assert!(said.stdout.contains("without a verdict of the required gate `test`"), "{}", said.stdout);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_gate_that_outlives_its_orch_is_ended_before_the_room_is_used_again() {
    let test = "test -e \"$HOME/again\" || { echo $$ > \"$HOME/pid.new\"; mv \"$HOME/pid.new\" \"$HOME/pid\"; exec sleep 600; }";
    let sandbox = project("echo x > x", &[gate("test", test)]);
    let mut child = sandbox.start(&["step"]);
    sandbox.wait_for(&sandbox.signal("pid"));
    child.kill().expect("orch is killed");
    child.wait().expect("orch has ended");
    let pid = std::fs::read_to_string(sandbox.signal("pid")).expect("a process");
    let alive = || std::path::Path::new("/proc").join(pid.trim()).join("cwd").exists();
    assert!(alive(), "it has lost its orch, and goes on");
    std::fs::write(sandbox.signal("again"), "").expect("a file");
    assert_eq!(sandbox.orch(&["step"]).code, 0, "{}", sandbox.transcript());
    assert!(!alive());
}

#[test]
fn gates_run_and_steps_are_verified_where_no_branch_is_checked_out() {
    let sandbox = project("echo x > x", &[gate("good", "! grep -q bad src/code")]);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    let first = sandbox.git(&["rev-parse", "HEAD"]);
    sandbox.git(&["commit", "--quiet", "--allow-empty", "--message", "nothing"]);
    sandbox.write("src/code", "bad\n");
    sandbox.commit("the culprit");
    let culprit = sandbox.git(&["rev-parse", "HEAD"]);
    sandbox.git(&["commit", "--quiet", "--allow-empty", "--message", "nothing more"]);
    sandbox.git(&["bisect", "start", "HEAD", first.trim()]);
    let mut codes = Vec::new();
    while sandbox.git(&["rev-parse", "refs/bisect/bad"]) != culprit {
        let code = sandbox.quietly(&["gate"]).code;
        codes.push(code);
        sandbox.git(&["bisect", if code == 0 { "good" } else { "bad" }]);
        assert!(codes.len() < 5, "{codes:?}");
    }
    assert!(codes.iter().all(|code| [0, 20].contains(code)), "{codes:?}");
    for command in ["verify", "fsck"] {
        assert_eq!(sandbox.orch(&[command]).code, 0, "{}", sandbox.transcript());
    }
}

#[test]
fn a_pass_that_cannot_be_remembered_is_one_all_the_same() {
    let sandbox = project("true", &[gate("test", "true")]);
    let own = sandbox.repo().join(".git/orch");
    std::fs::create_dir_all(&own).expect("a folder");
    link(&sandbox.root().join("nowhere/at/all"), &own.join("gates"));
    let said = sandbox.quietly(&["gate"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
}

#[test]
fn a_gate_that_is_not_committed_is_not_run_and_that_is_told() {
    let sandbox = project("echo x > x", &[gate("test", "true")]);
    let config = sandbox.read(".orchestrator/config.toml");
    sandbox.write(".orchestrator/config.toml", &config.replace("'''true'''", "'false'"));
    for args in [&["gate"][..], &["gate", "--explain"]] {
        let said = sandbox.quietly(args);
        assert_eq!(said.code, 0, "{}", said.stderr);
        assert!(said.stderr.contains("`.orchestrator/config.toml` is not committed"), "{}", said.stderr);
    }
}

#[test]
fn a_gate_with_the_name_of_a_built_in_one_holds_steps_and_leaves_the_state_readable() {
    let sandbox = project("echo x > x", &[gate("secrets", "true")]);
    for command in ["step", "run"] {
        let said = sandbox.orch(&[command]);
        assert_eq!(said.code, 3, "{}", sandbox.transcript());
        assert!(said.stderr.contains("`secrets` is a built-in gate, so no step runs"), "{}", said.stderr);
    }
    for arguments in [&["list"][..], &["next"], &["prompt", "t-1"], &["fsck"], &["doctor"]] {
        assert_eq!(sandbox.orch(arguments).code, 0, "{}", sandbox.transcript());
    }
    let text = sandbox.read(".orchestrator/config.toml").replace("\"secrets\"", "\"leaks\"");
    sandbox.write(".orchestrator/config.toml", &text);
    sandbox.commit("rename the gate");
    assert_eq!(sandbox.quietly(&["step"]).code, 0, "{}", sandbox.transcript());
}
