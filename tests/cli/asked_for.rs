//! What is asked for is done, or refused with what speaks against it: the commit, the branch, the
//! revision, the profile that a command line names.

use crate::sandbox::{Sandbox, agent, table};
use crate::transcript;

#[test]
fn a_command_that_is_nothing_without_its_commit_refuses_to_leave_it_out() {
    let sandbox = Sandbox::with(&["[policy]\nreview = \"human\"\n".to_owned()]);
    sandbox.task("t-1", "Do it", &["--run", "echo 1 >file"]);
    sandbox.task("t-2", "Do it later", &[]);
    assert_eq!(sandbox.quietly(&["step", "--task", "t-1"]).code, 23);
    let before = sandbox.git(&["rev-parse", "HEAD"]);
    for command in
        [&["step"][..], &["run"], &["plan"], &["split", "t-2"], &["undo"], &["demo"], &["approve", "t-1"]]
    {
        assert_eq!(sandbox.orch(&[command, &["--no-commit"]].concat()).code, 2);
    }
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), before);
    assert_eq!(sandbox.git(&["status", "--short"]), "");
    transcript!(sandbox);
}

#[test]
fn a_revision_from_before_the_project_is_not_taken_for_an_empty_one() {
    let sandbox = Sandbox::with(&[]);
    for command in
        ["list", "status", "graph", "notes", "trends", "report", "checkpoint", "log", "prompt"].map(|c| [c])
    {
        let said = sandbox.quietly(&[&command[..], &["--at", "HEAD~1"]].concat());
        assert_eq!(said.code, 4, "{command:?}: {}", said.stderr);
        assert!(said.stderr.contains("has no `.orchestrator/`"), "{}", said.stderr);
    }
    assert_eq!(sandbox.quietly(&["export", "beads", "--at", "HEAD~1"]).code, 4);
}

#[test]
fn what_is_no_branch_is_not_proposed_as_the_name_of_a_new_one() {
    let sandbox = Sandbox::with(&[]);
    sandbox.git(&["tag", "v1"]);
    for name in ["HEAD", "v1", "refs/heads/main", "topic/new"] {
        assert_eq!(sandbox.orch(&["next", "--branch", name]).code, 31);
    }
    transcript!(sandbox);
}

#[test]
fn a_hint_names_the_branch_that_was_named() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-1", "Do it", &["--run", "echo 1 >file"]);
    sandbox.git(&["branch", "other"]);
    assert_eq!(sandbox.quietly(&["step", "--branch", "other"]).code, 0);
    let said = sandbox.orch(&["undo", "--branch", "other"]);
    assert!(said.stderr.contains("`orch unblock t-1 --branch other`"), "{}", said.stderr);
    assert_eq!(sandbox.orch(&["unblock", "t-1", "--branch", "other"]).code, 0);
}

#[test]
fn a_profile_that_is_not_there_is_invalid_to_whoever_asks() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-1", "Do it", &[]);
    for command in [&["route", "t-1"][..], &["step"], &["plan"], &["split", "t-1"]] {
        assert_eq!(sandbox.quietly(&[command, &["--agent", "nosuch"]].concat()).code, 3, "{command:?}");
    }
}

#[test]
fn next_names_no_task_that_no_step_would_take() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-1", "Do it", &["--run", "echo 1 >file"]);
    sandbox.write(".orchestrator/notes/n-z.yaml", "schema: 1\nid: n-z\nkind: decision\n");
    sandbox.commit("half a note");
    let (next, step) = (sandbox.quietly(&["next"]), sandbox.quietly(&["step"]));
    assert_eq!((next.code, next.stderr), (3, step.stderr));
    assert_eq!(step.code, 3);
}

#[test]
fn the_gates_of_all_steps_are_run_again_where_no_range_is_named() {
    let sandbox = Sandbox::with(&["[[gate]]\nname = \"there\"\nrun = \"test -e file\"\n".to_owned()]);
    sandbox.task("t-1", "Do it", &["--run", "echo 1 >file"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    let said = sandbox.quietly(&["verify", "--rerun"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stdout.contains("1 accepted step"), "{}", said.stdout);
}

#[test]
fn a_text_that_is_too_long_is_refused_and_not_cut() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-1", "Do it", &[]);
    let long = "word ".repeat(500);
    for command in [
        &["add", &long][..],
        &["add", "x", "--accept", &long],
        &["edit", "t-1", "--title", &long],
        &["block", "t-1", "--reason", &long],
        &["approve", "t-1", "--reason", &long],
        &["note", "constraint", &long],
        &["note", "decision", "x", "--because", &long],
    ] {
        let said = sandbox.quietly(command);
        assert_eq!(said.code, 2, "{command:?}");
        assert!(said.stderr.contains("characters, and"), "{}", said.stderr);
    }
    let just = "a".repeat(200);
    assert_eq!(sandbox.quietly(&["add", &just, "--id", "t-2"]).code, 0);
    assert!(sandbox.read(".orchestrator/tasks/t-2.toml").contains(&just));

    sandbox.write("prd.json", &format!("{{\"userStories\": [{{\"id\": \"u-1\", \"title\": \"{long}\"}}]}}"));
    let said = sandbox.quietly(&["import", "ralph", "prd.json"]);
    assert!(said.stdout.contains("its title was cut to 200 characters"), "{}{}", said.stdout, said.stderr);
}

#[test]
fn a_task_that_is_not_committed_is_told_from_one_that_is_not_there() {
    let sandbox = Sandbox::with(&[]);
    sandbox.orch(&["add", "Do it", "--id", "t-1", "--no-commit"]);
    for command in [&["block", "t-1"][..], &["approve", "t-1"], &["step", "--task", "t-1"], &["route", "t-1"]]
    {
        assert_eq!(sandbox.orch(command).code, 2);
    }
    sandbox.orch(&["block", "t-2"]);
    sandbox.orch(&["list"]);
    let said = sandbox.quietly(&["show", "t-1"]);
    assert!(said.stderr.contains("t-1.toml` is not committed"), "{}", said.stderr);
    transcript!(sandbox);
}

#[test]
fn a_task_of_a_newer_orch_is_not_taken_for_none() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-1", "Do it", &[]);
    let path = ".orchestrator/tasks/t-1.toml";
    let text = sandbox.read(path);
    sandbox.write(path, &text.replace("schema = 1", "schema = 9"));
    sandbox.commit("from the future");
    sandbox.orch(&["list"]);
    assert_eq!(sandbox.orch(&["show", "t-1"]).code, 3);
    sandbox.write(path, &text.replace("schema = 1", "schema = \"1\""));
    sandbox.commit("no number");
    sandbox.orch(&["migrate"]);
    transcript!(sandbox);
}

#[test]
fn what_an_agent_that_printed_nothing_said_is_known_where_it_worked() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-1", "Do it", &["--run", "echo 1 >file"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    let said = sandbox.quietly(&["show", "t-1", "--transcript"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "(it printed nothing)\n"), "{}", said.stderr);
}

#[test]
fn what_is_green_in_ci_says_why_all_the_same() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox.quietly(&["block", "t-1"]);
    for arguments in
        [&["next", "--ci"][..], &["next", "--ci", "--json"], &["next", "--ci", "--log-format", "json"]]
    {
        assert_eq!(sandbox.orch(arguments).code, 0);
    }
    assert_eq!(sandbox.orch(&["next", "--json"]).code, 11);
    transcript!(sandbox);
}

#[test]
fn a_step_that_is_claimed_and_has_no_record_is_damage() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-1", "Do it", &[]);
    let trailers = "Orch-Task: t-1\nOrch-Run: 01M7W6YF4GJB9GRGZ7P08V5ETB\nOrch-Outcome: accepted";
    let message = format!("feat: do it (t-1)\n\n{trailers}");
    sandbox.git(&["commit", "--quiet", "--allow-empty", "--message", &message]);
    let said = sandbox.quietly(&["fsck"]);
    assert_eq!(said.code, 3);
    assert!(said.stdout.contains("does not hold its record"), "{}", said.stdout);
    let log = sandbox.quietly(&["log"]);
    assert!(log.stdout.contains("t-1  ! no record") && !log.stdout.contains('✔'), "{}", log.stdout);
    assert!(log.stderr.contains("1 commit only claimed to be a step"), "{}", log.stderr);
    let log = sandbox.quietly(&["log", "--json"]).stdout;
    assert!(log.contains("\"recorded\":false"), "{log}");
}

#[test]
fn a_step_that_is_picked_once_more_has_its_record() {
    let sandbox = Sandbox::with(&[agent("echo x > x")]);
    sandbox.task("t-1", "Do it", &[]);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    sandbox.git(&["cherry-pick", "--allow-empty", "--keep-redundant-commits", "HEAD"]);
    let log = sandbox.quietly(&["log"]);
    assert_eq!((log.stdout.matches('✔').count(), log.stderr.as_str()), (2, ""), "{}", log.stdout);
}

#[test]
fn what_a_run_ended_by_is_what_ci_shows() {
    let sandbox = Sandbox::with(&[agent("test $ORCH_TASK = t-1 && echo x > x")]);
    sandbox.task("t-1", "Do it", &["--priority", "0"]);
    sandbox.task("t-2", "Do more", &[]);
    sandbox.quietly(&["block", "t-2", "--reason", "nobody knows how"]);
    let said = sandbox.with_env("GITHUB_ACTIONS", "true", &["run", "--ci"]);
    let shown: Vec<&str> = said.stderr.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(
        (said.code, shown.as_slice()),
        (0, ["::warning title=orch waiting::1 step, 1 accepted; no task is runnable: 1 blocked"].as_slice())
    );
    // A variable that is set to nothing is not set.
    let said = sandbox.with_env("GITHUB_ACTIONS", "", &["run", "--ci"]);
    assert!(!said.stderr.contains("::warning"), "{}", said.stderr);
}

#[test]
fn a_conflict_is_not_said_to_be_decided_by_a_program() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-1", "Do it", &[]);
    let path = ".orchestrator/tasks/t-1.toml";
    let text = sandbox
        .read(path)
        .replace("title = \"Do it\"", "<<<<<<< HEAD\ntitle = \"a\"\n=======\ntitle = \"b\"\n>>>>>>> other");
    sandbox.write(path, &text);
    sandbox.commit("a merge");
    for command in [&["next"][..], &["doctor"]] {
        let said = sandbox.quietly(command);
        assert!(!said.stderr.contains("type `orch doctor --fix`"), "{}", said.stderr);
    }
}

#[test]
fn a_command_line_that_is_not_understood_is_logged_where_a_log_is_wanted() {
    let sandbox = Sandbox::with(&[]);
    assert_eq!(sandbox.orch(&["--log-format", "json", "nosuch"]).code, 2);
    assert_eq!(sandbox.orch(&["step", "--nosuch", "--json"]).code, 2);
    transcript!(sandbox);
}

#[test]
fn what_is_not_there_to_be_undone_is_a_wrong_argument_named_or_not() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-1", "Do it", &[]);
    assert_eq!(sandbox.orch(&["undo"]).code, 2);
    assert_eq!(sandbox.orch(&["undo", "t-1"]).code, 2);
    transcript!(sandbox);
}

#[test]
fn what_is_not_committed_is_written_where_its_branch_is_checked_out_or_not_at_all() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-1", "Do it", &[]);
    sandbox.git(&["branch", "other"]);
    sandbox.quietly(&["block", "t-1", "--reason", "here"]);
    for asked in [
        &["add", "Another"][..],
        &["edit", "t-1", "--priority", "1"],
        &["cancel", "t-1"],
        &["note", "decision", "Why"],
        &["migrate"],
    ] {
        let said = sandbox.quietly(&[asked, &["--branch", "other", "--no-commit"]].concat());
        let nothing_to_do = asked == ["migrate"];
        assert!(said.code == 2 || nothing_to_do, "{asked:?}: {}", said.stderr);
        assert!(said.stderr.contains("`other` is not checked out") || nothing_to_do, "{}", said.stderr);
    }
    assert_eq!(sandbox.git(&["status", "--short"]), "");
    let said = sandbox.quietly(&["cancel", "t-1", "--branch", "main", "--no-commit"]);
    assert_eq!((said.code, &*sandbox.git(&["status", "--short"])), (0, " M .orchestrator/tasks/t-1.toml\n"));
}

#[test]
fn a_path_is_from_where_the_command_is_said_to_start() {
    let mut sandbox = Sandbox::with(&[]);
    sandbox.task("a", "Do it", &[]);
    sandbox.write("secret", "0123456789abcdef0123456789abcdef\n");
    let repo = sandbox.repo().to_owned();
    sandbox.enter(sandbox.root().join("tmp"));
    let there = repo.to_string_lossy().into_owned();
    for (command, file) in [
        (&["graph", "--format", "svg", "-o", "g.svg"][..], "g.svg"),
        (&["report", "-o", "r.html"], "r.html"),
        (&["man", "m"], "m/orch.1"),
        (&["export", "beads", "-o", "e.jsonl"], "e.jsonl"),
    ] {
        let said = sandbox.quietly(&[&["-C", there.as_str()], command].concat());
        assert_eq!(said.code, 0, "{command:?}: {}", said.stderr);
        assert!(repo.join(file).is_file() && !sandbox.has(file), "{command:?}");
    }
    let ingest = ["-C", there.as_str(), "ingest", "--signature", "x", "--secret-file", "secret"];
    let said = sandbox.fed(&ingest, b"{}");
    assert!(!said.stderr.contains("cannot read"), "{}", said.stderr);
}

#[test]
fn what_is_to_be_typed_works_where_it_is_read() {
    let mut sandbox = Sandbox::with(&[]);
    sandbox.write("a place/below/file", "\n");
    sandbox.commit("a folder");
    sandbox.task("a", "Do it", &["--no-commit"]);
    let top = sandbox.repo().to_owned();
    let hint = |said: &str, begin: &str| {
        let line =
            said.lines().find(|line| line.contains(begin)).unwrap_or_else(|| panic!("{said}")).to_owned();
        line.split('`').find(|part| part.starts_with(begin)).expect("a command").to_owned()
    };
    sandbox.enter(top.join("a place/below"));
    let said = sandbox.quietly(&["list"]);
    assert!(
        said.stderr.contains("`git -C ../.. add .orchestrator && git -C ../.. commit"),
        "{}",
        said.stderr
    );
    let said = sandbox.quietly(&["block", "a"]);
    let typed = hint(&said.stderr, "git ");
    assert_eq!(typed.matches("git -C ../.. ").count(), 2, "{typed}");
    sandbox.enter(sandbox.root());
    let said = sandbox.quietly(&["-C", "repo/a place", "block", "a"]);
    assert!(said.stderr.contains("`git -C 'repo/a place/..' add "), "{}", said.stderr);
    let said = sandbox.quietly(&["-C", "repo", "show", "nothing"]);
    assert!(said.stderr.contains("type `orch -C repo list`"), "{}", said.stderr);
}

#[test]
fn no_number_is_no_limit() {
    let sandbox = Sandbox::with(&[agent("true")]);
    for amount in ["nan", "inf", "-1", "much"] {
        let said = sandbox.quietly(&["run", &format!("--max-cost={amount}")]);
        assert_eq!(said.code, 2, "{amount}");
    }
}

#[test]
fn what_shows_more_of_a_history_shows_the_same_one() {
    let sandbox = Sandbox::with(&[]);
    for id in ["a", "b", "c"] {
        sandbox.task(id, "Do it", &[]);
    }
    let said = sandbox.quietly(&["log", "--all", "-1"]);
    assert!(said.stderr.contains("`orch log -5 --all`"), "{}", said.stderr);
    let said = sandbox.quietly(&["log", "--task", "a", "--all", "-0"]);
    assert_eq!(said.code, 0);
}

#[test]
fn a_place_without_settings_may_be_no_folder() {
    let sandbox = Sandbox::with(&[]);
    assert_eq!(sandbox.with_env("XDG_CONFIG_HOME", "/dev/null", &["list"]).code, 0);
}

#[test]
fn list_and_show_have_one_word_for_where_a_task_stands() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("root", "Given up", &[]);
    sandbox.task("open", "Goes on", &[]);
    sandbox.task("epic", "Holds two", &["--kind", "epic"]);
    sandbox.task("stuck", "Depends on what was given up", &["--depends-on", "root", "--parent", "epic"]);
    sandbox.task("next", "Depends on what goes on", &["--depends-on", "open", "--parent", "epic"]);
    sandbox.orch(&["cancel", "root"]);
    for args in [&["list", "--all"][..], &["show", "root"], &["show", "stuck"], &["show", "epic"]] {
        sandbox.orch(args);
    }
    for (word, found) in [("blocked", "stuck"), ("waiting", "next"), ("ready", "open")] {
        let listed = sandbox.orch(&["list", "--status", word]).stdout;
        let ids: Vec<&str> =
            listed.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).collect();
        assert_eq!(ids, [found], "{word}");
        let shown = sandbox.orch(&["show", found]).stdout;
        let status = shown.lines().find_map(|line| line.strip_prefix("status")).unwrap();
        assert!(status.trim().starts_with(&format!("{word}: ")), "{word}: {status}");
    }
    transcript!(sandbox);
}

#[test]
fn help_is_an_answer_like_any_other() {
    let sandbox = Sandbox::with(&[]);
    for args in [&["help", "exit-codes", "--json"][..], &["--json", "help", "exit-codes"]] {
        let said: serde_json::Value = serde_json::from_str(&sandbox.quietly(args).stdout).unwrap();
        assert!(said["data"]["text"].as_str().unwrap().contains("130  interrupted"), "{said}");
    }
    let whole = sandbox.quietly(&["--help"]).stdout;
    assert_eq!(sandbox.quietly(&["help"]).stdout, whole);
    assert_eq!(sandbox.quietly(&["help", "note", "approve", "-q"]).code, 0);
    assert!(sandbox.quietly(&["help", "--help"]).stdout.contains("COMMAND|TOPIC"));
    for args in [&["help", "nothing"][..], &["help", "__sandbox-exec"], &["-q"], &["-q", "--json"]] {
        let said = sandbox.orch(args);
        assert_eq!(said.code, 2);
        assert!(!said.stderr.contains("subcommands: "), "{}", said.stderr);
    }
    assert!(sandbox.quietly(&["--color", "always", "--help"]).stdout.contains('\u{1b}'));
    transcript!(sandbox);
}

#[test]
fn what_is_given_twice_counts_as_it_was_given_last() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-1", "Do it", &[]);
    std::fs::create_dir_all(sandbox.repo().join("below/deeper")).unwrap();
    let listed = sandbox.orch(&["list"]).stdout;
    for args in [
        &["-C", "below", "-C", "deeper", "list"][..],
        &["list", "-q", "--quiet"],
        &["list", "--color", "always", "--color", "never"],
    ] {
        assert_eq!(sandbox.orch(args).stdout, listed, "{args:?}");
    }
    assert_eq!(sandbox.orch(&["list", "--json", "--json"]).code, 0);
    assert_eq!(sandbox.quietly(&["-C", "below", "-C", "missing", "list"]).code, 2);
    // What may be repeated still is.
    assert_eq!(sandbox.quietly(&["edit", "t-1", "--label", "a", "--label", "b"]).code, 0);
    assert!(sandbox.read(".orchestrator/tasks/t-1.toml").contains("\"a\",\n  \"b\""));
}

#[test]
fn an_older_file_that_only_the_work_tree_has_is_told_by_migrate() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-1", "Do it", &[]);
    let path = ".orchestrator/tasks/t-1.toml";
    sandbox.write(path, &sandbox.read(path).replace("schema = 1", "schema = 0"));
    sandbox.orch(&["show", "t-1"]);
    let said = sandbox.orch(&["migrate"]);
    assert!(said.stderr.contains("in the work tree only"), "{}", said.stderr);
    transcript!(sandbox);
}

#[test]
fn an_age_may_be_years() {
    let sandbox = Sandbox::with(&[]);
    assert_eq!(sandbox.quietly(&["archive", "--older-than", "400d"]).code, 0);
    assert_eq!(sandbox.quietly(&["trends", "--since", "4000d"]).code, 0);
    assert_eq!(sandbox.quietly(&["run", "--for", "400d"]).code, 2);
}

#[test]
fn a_task_or_a_branch_that_is_named_by_nothing_is_none() {
    let sandbox = Sandbox::with(&[agent("echo x > x")]);
    sandbox.task("t-1", "Do it", &[]);
    assert_eq!(sandbox.quietly(&["step", "--task", ""]).code, 2);
    for branch in ["", "a..b", "a b"] {
        let said = sandbox.quietly(&["step", "--branch", branch]);
        assert!(said.code == 31 && said.stderr.contains("there is no branch"), "{}", said.stderr);
    }
    assert!(!sandbox.has("x"));
}

#[test]
fn a_variable_that_is_set_to_nothing_says_nothing() {
    let sandbox = Sandbox::with(&[]);
    sandbox.task("t-1", "Do it", &[]);
    for variable in ["ORCH_FORMAT", "ORCH_COLOR", "ORCH_LOG_FORMAT"] {
        assert_eq!(sandbox.with_env(variable, "", &["list"]).code, 0, "{variable}");
        assert_eq!(sandbox.with_env(variable, "x", &["list"]).code, 2, "{variable}");
    }
    for (value, has_colour) in [("1", true), ("0", false)] {
        let said = sandbox.with_env("FORCE_COLOR", value, &["list"]);
        assert_eq!(said.stdout.contains('\u{1b}'), has_colour, "{value}");
    }
}

#[test]
fn no_step_begins_where_no_temporary_file_can_be_made() {
    let sandbox = Sandbox::with(&[agent("echo x > x")]);
    sandbox.task("t-1", "Do it", &[]);
    for _ in 0..4 {
        let said = sandbox.with_env("TMPDIR", "/nowhere", &["step"]);
        assert_eq!(said.code, 1, "{}", said.stderr);
        assert!(said.stderr.contains("set `TMPDIR`"), "{}", said.stderr);
    }
    let said = sandbox.with_env("TMPDIR", "/nowhere", &["doctor"]);
    assert!(said.code == 3 && said.stdout.contains("temporary   cannot"), "{}", said.stdout);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
}

#[test]
fn a_budget_passes_over_no_record_that_cannot_be_read() {
    let spends = agent("echo x >> x; echo 'cost_usd: 0.5' > \"$ORCH_OUTCOME\"");
    let sandbox = Sandbox::with(&[spends, table("budget", "day_usd = 0.6")]);
    for id in ["t-1", "t-2"] {
        sandbox.task(id, &format!("Do {id}"), &[]);
    }
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    let path = sandbox.git(&["ls-files", ".orchestrator/runs"]).trim().to_owned();
    let run = path.rsplit(['/', '.']).nth(1).expect("an id").to_owned();
    let explained = sandbox.quietly(&["prompt", "--run", &run, "--explain"]);
    assert!(explained.stdout.starts_with("SECTION"), "{}", explained.stdout);
    sandbox.write(&path, &sandbox.read(&path).replace("schema = 1", "schema = 99"));
    sandbox.commit("a record of a newer orch");
    for command in [&["next"][..], &["step"], &["prompt", "--run", &run]] {
        let said = sandbox.quietly(command);
        assert!(said.code == 3 && said.stderr.contains(&path), "{command:?}: {}", said.stderr);
    }
}
