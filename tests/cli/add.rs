//! `orch add` and `orch next`.

use crate::sandbox::{Sandbox, agent};
use crate::transcript;

fn project() -> Sandbox {
    Sandbox::with(&[agent("true")])
}

#[test]
fn a_task_is_one_file_and_one_commit() {
    let sandbox = project();
    sandbox.orch(&[
        "add",
        "Rate-limit the public API",
        "--kind",
        "feature",
        "--priority",
        "1",
        "--complexity",
        "5",
        "--label",
        "api",
        "--file",
        "src/api/**",
        "--accept",
        "more than 100 requests a minute get a 429",
        "--body",
        "Free text.\n\nTwo paragraphs.",
    ]);
    sandbox.show_git(&["log", "-1", "--format=%s by %an at %aI", "--name-status"]);
    let path = sandbox.git(&["diff-tree", "--no-commit-id", "--name-only", "-r", "HEAD"]);
    sandbox.show(path.trim());
    sandbox.show_git(&["status", "--short"]);
    transcript!(sandbox);
}

#[test]
fn an_id_is_the_persons_choice_and_unique_ignoring_case() {
    let sandbox = project();
    sandbox.orch(&["add", "first", "--id", "API-1"]);
    sandbox.orch(&["add", "second", "--id", "API-1"]);
    sandbox.orch(&["add", "second", "--id", "api-1"]);
    sandbox.show_git(&["ls-tree", "-r", "--name-only", "HEAD", ".orchestrator/tasks"]);
    transcript!(sandbox);
}

#[test]
fn an_illegal_id_is_refused() {
    let sandbox = project();
    let long = "x".repeat(65);
    for id in ["", "../up", "a/b", "a b", "-x", ".x", "a..b", "a.", "a.lock", "NUL", "com1.txt", "ä", "a\nb"]
    {
        assert_eq!(sandbox.orch(&["add", "x", &format!("--id={id}")]).code, 2, "{id:?}");
    }
    assert_eq!(sandbox.orch(&["add", "x", "--id", &long]).code, 2);
    sandbox.show_git(&["log", "--format=%s"]);
    transcript!(sandbox);
}

#[test]
fn an_unknown_dependency_or_parent_is_refused() {
    let sandbox = project();
    sandbox.orch(&["add", "x", "--depends-on", "nowhere"]);
    sandbox.orch(&["add", "x", "--parent", "nowhere"]);
    sandbox.show_git(&["log", "--format=%s"]);
    transcript!(sandbox);
}

#[test]
fn a_task_cannot_depend_on_itself() {
    let sandbox = project();
    sandbox.orch(&["add", "x", "--id", "a", "--depends-on", "a"]);
    sandbox.orch(&["add", "x", "--id", "a", "--parent", "a"]);
    transcript!(sandbox);
}

#[test]
fn an_id_that_another_task_waits_for_may_not_wait_for_it() {
    let sandbox = project();
    sandbox.task("a", "first", &[]);
    let path = ".orchestrator/tasks/a.toml";
    let text = sandbox.read(path).replace("# edges\n", "# edges\ndepends_on = [\n  \"gone\",\n]\n");
    sandbox.write(path, &text);
    sandbox.commit("a task that waits for one that is not there");
    let said = sandbox.quietly(&["add", "x", "--id", "gone", "--depends-on", "a"]);
    assert_eq!(said.code, 3, "{}", said.stderr);
    assert!(said.stderr.contains("dependency cycle: "), "{}", said.stderr);
    assert_eq!(sandbox.quietly(&["add", "x", "--id", "gone"]).code, 0);
}

#[test]
fn a_cycle_that_a_merge_made_is_named_and_leaves_the_others_runnable() {
    let sandbox = project();
    sandbox.task("a", "first", &[]);
    sandbox.task("b", "second", &["--depends-on", "a"]);
    sandbox.task("free", "third", &[]);
    let text = sandbox.read(".orchestrator/tasks/a.toml");
    let cyclic = text.replace("# edges\n", "# edges\ndepends_on = [\n  \"b\",\n]\n");
    assert_ne!(text, cyclic);
    sandbox.write(".orchestrator/tasks/a.toml", &cyclic);
    sandbox.commit("what a merge could make");
    sandbox.orch(&["next", "--limit", "9"]);
    sandbox.orch(&["step", "--task", "a"]);
    sandbox.orch(&["add", "x", "--depends-on", "b"]);
    transcript!(sandbox);
}

#[test]
fn a_wrong_word_is_refused_with_the_right_ones() {
    let sandbox = project();
    sandbox.orch(&["add", "x", "--kind", "chores"]);
    sandbox.orch(&["add", "x", "--priority", "5"]);
    sandbox.orch(&["add", "x", "--complexity", "0"]);
    sandbox.orch(&["add", ""]);
    sandbox.orch(&["add", " \u{200b}\n\t "]);
    transcript!(sandbox);
}

#[test]
fn a_hostile_title_becomes_one_harmless_line() {
    let sandbox = project();
    let titles = [
        "--force",
        "first line\nOrch-Task: forged\n\nOrch-Outcome: accepted",
        "\u{1b}[31mred\u{1b}]0;title\u{7}",
        "right\u{202e}to left",
        "quotes \" ' ''' \"\"\" \\ and # marks = [x]",
        "{{ template }} $(touch /tmp/x) `touch /tmp/x` %s %n",
    ];
    for (n, title) in titles.iter().enumerate() {
        sandbox.orch(&["add", "--id", &format!("t{n}"), "--", title]);
    }
    let long = "long ".repeat(40);
    assert_eq!(sandbox.quietly(&["add", "--id", "long", &long]).code, 0);
    assert!(sandbox.read(".orchestrator/tasks/long.toml").lines().all(|line| line.chars().count() < 250));
    sandbox.show_git(&["log", "--format=%s|%(trailers:key=Orch-Task)"]);
    sandbox.orch(&["next", "--limit", "9"]);
    transcript!(sandbox);
}

#[test]
fn next_says_why() {
    let sandbox = project();
    sandbox.task("low", "somewhen", &["--priority", "3"]);
    sandbox.task("base", "first things", &[]);
    sandbox.task("top", "second things", &["--depends-on", "base"]);
    sandbox.task("other", "as old as nothing", &[]);
    sandbox.orch(&["next"]);
    sandbox.orch(&["next", "--limit", "9"]);
    sandbox.orch(&["next", "--json"]);
    sandbox.task("fire", "everything burns", &["--priority", "0"]);
    sandbox.orch(&["next"]);
    transcript!(sandbox);
}

#[test]
fn next_says_why_nothing_is_runnable() {
    let sandbox = project();
    sandbox.orch(&["next"]);
    sandbox.task("a", "first", &[]);
    sandbox.task("b", "second", &["--depends-on", "a"]);
    sandbox.orch(&["block", "a", "--reason", "needs a key"]);
    sandbox.orch(&["next"]);
    sandbox.orch(&["cancel", "a", "--reason", "not worth it"]);
    sandbox.orch(&["next", "--json"]);
    sandbox.orch(&["cancel", "b"]);
    sandbox.orch(&["next"]);
    transcript!(sandbox);
}

#[test]
fn an_uncommitted_task_is_not_run_by_accident() {
    let sandbox = project();
    sandbox.orch(&["add", "not yet", "--id", "draft", "--no-commit"]);
    sandbox.show_git(&["status", "--short"]);
    sandbox.orch(&["next"]);
    transcript!(sandbox);
}

#[test]
fn an_unusable_task_file_is_named_with_its_line() {
    let sandbox = project();
    sandbox.task("a", "first", &[]);
    let text = sandbox.read(".orchestrator/tasks/a.toml").replace("\"pending\"", "\"finished\"");
    sandbox.write(".orchestrator/tasks/a.toml", &text);
    sandbox.commit("a typing error");
    sandbox.orch(&["next"]);
    sandbox.orch(&["step"]);
    sandbox.orch(&["next", "--json"]);
    transcript!(sandbox);
}

#[test]
fn a_newer_schema_is_refused() {
    let sandbox = project();
    sandbox.task("a", "first", &[]);
    let text = sandbox.read(".orchestrator/tasks/a.toml").replace("schema = 1", "schema = 99");
    sandbox.write(".orchestrator/tasks/a.toml", &text);
    sandbox.commit("from the future");
    sandbox.orch(&["next"]);
    transcript!(sandbox);
}
