//! Files that nobody should have written, and what an import makes of them.

use super::*;
use crate::state::graph::{Graph, Node};
use crate::state::id::{self, TaskId};
use crate::state::status::Status;
use crate::state::task::Kind;
use proptest::prelude::*;

fn file(path: &str, text: &str) -> ForeignFile {
    ForeignFile { path: path.to_owned(), bytes: text.as_bytes().to_vec() }
}

fn one(format: Format, path: &str, text: &str) -> Import {
    read(format, &[file(path, text)]).unwrap()
}

fn beads(text: &str) -> Import {
    one(Format::Beads, "issues.jsonl", text)
}

fn losses(import: &Import, what: LossKind) -> Vec<String> {
    import
        .losses
        .iter()
        .filter(|loss| loss.what == what)
        .map(|loss| format!("{}: {}", loss.item, loss.detail))
        .collect()
}

fn ids(import: &Import) -> Vec<&str> {
    import.tasks.iter().map(|task| task.id.as_str()).collect()
}

fn is_sound(import: &Import) {
    let graph = Graph::new(import.tasks.iter().map(|task| Node::of(task, "")).collect());
    assert_eq!(graph.faults(), []);
    assert_eq!(graph.nodes().len(), import.tasks.len());
    for task in &import.tasks {
        assert!(id::check(task.id.as_str()).is_ok());
        assert!(!task.title.is_empty() && !task.title.contains(char::is_control));
        assert!(!task.description.contains('\u{1b}') && task.run.is_none());
        assert!((task.priority <= 4) && task.complexity.is_none_or(|c| (1..=10).contains(&c)));
    }
}

#[test]
fn a_broken_line_among_good_ones_is_a_loss_with_its_place() {
    let import = beads(
        "{\"id\":\"a\",\"title\":\"A\"}\n{\"id\":\"b\",\"ti\n<<<<<<< ours\n[1]\n{\"title\":\"no id\"}\n{\"id\":\"c\",\"title\":\"C\"}\n",
    );
    assert_eq!(ids(&import), ["a", "c"]);
    assert_eq!(
        losses(&import, LossKind::Skipped),
        [
            "issues.jsonl:2: not valid JSON at column 13: EOF while parsing a string",
            "issues.jsonl:3: a mark of an unresolved merge",
            "issues.jsonl:4: not a record",
            "issues.jsonl:5: the record has no `id`",
        ]
    );
}

#[test]
fn a_file_of_which_nothing_can_be_read_is_an_error() {
    for (format, path, text) in [
        (Format::Beads, "issues.jsonl", "garbage\n"),
        (Format::TaskMaster, "tasks.json", "{\"master\":"),
        (Format::TaskMaster, "tasks.json", "{\"a\": 1}"),
        (Format::BacklogMd, "a.md", "no front matter"),
        (Format::SpecKit, "tasks.md", "# Nothing\n"),
        (Format::Ralph, "prd.json", "[]"),
        (Format::Ralph, "issues.jsonl", "{\"id\":\"bd-1\",\"title\":\"A\",\"issue_type\":\"task\"}\n"),
        (Format::Tk, "a.md", ""),
        (Format::Weathervane, "r.yaml", "epics: [\n"),
        (Format::Weathervane, "r.yaml", "a: 1\n"),
    ] {
        let error = read(format, &[file(path, text)]).unwrap_err();
        assert!(error.to_string().starts_with(path), "{format}: {error}");
    }
    assert_eq!(read(Format::Tk, &[]).unwrap_err(), ImportError::NoFiles(Format::Tk));
    assert_eq!(beads("\n\n"), Import::default(), "an empty file holds no tasks, and that is no error");
}

#[test]
fn an_illegal_id_is_replaced_everywhere() {
    let import = beads(
        "{\"id\":\"a/b c\",\"title\":\"A\"}\n{\"id\":\"../../etc\",\"title\":\"B\",\"dependencies\":[{\"depends_on_id\":\"a/b c\",\"type\":\"blocks\"}]}\n{\"id\":\"--force\",\"title\":\"C\"}\n{\"id\":\"con\",\"title\":\"D\"}\n{\"id\":\"é\",\"title\":\"E\"}\n",
    );
    is_sound(&import);
    assert_eq!(losses(&import, LossKind::Renamed).len(), 5);
    let task = |title: &str| import.tasks.iter().find(|task| task.title == title).unwrap();
    assert!(task("A").id.as_str().starts_with("a-b-c-"), "{}", task("A").id);
    assert_eq!(task("B").depends_on, [task("A").id.clone()]);
    assert_eq!(task("A").source.as_deref(), Some("beads:a/b c"));
    assert!(task("E").id.as_str().starts_with("task-"));
}

#[test]
fn of_two_records_with_one_id_the_first_keeps_it() {
    let import = beads(
        "{\"id\":\"a\",\"title\":\"first\"}\n{\"id\":\"a\",\"title\":\"second\"}\n{\"id\":\"A\",\"title\":\"third\"}\n{\"id\":\"a\",\"title\":\"first\"}\n{\"id\":\"b\",\"title\":\"B\",\"dependencies\":[\"a\"]}\n",
    );
    is_sound(&import);
    assert_eq!(import.tasks.len(), 4);
    let titles: Vec<&str> =
        import.tasks.iter().filter(|t| t.id.as_str() == "a").map(|t| t.title.as_str()).collect();
    assert_eq!(titles, ["first"]);
    assert_eq!(
        losses(&import, LossKind::Duplicate),
        [
            "issues.jsonl:2: `a` is there already, at issues.jsonl:1; this one gets another id",
            "issues.jsonl:4: `a` is there already, at issues.jsonl:1; the same record, left out",
        ]
    );
    assert_eq!(losses(&import, LossKind::Renamed).len(), 2);
    assert!(import.tasks.iter().any(|task| task.source.as_deref() == Some("beads:a#2")));
    let b = import.tasks.iter().find(|task| task.title == "B").unwrap();
    assert_eq!(b.depends_on[0].as_str(), "a");
}

#[test]
fn an_edge_that_closes_a_cycle_is_left_out() {
    let edge = |from: &str, to: &str, kind: &str| {
        format!("{{\"issue_id\":\"{from}\",\"depends_on_id\":\"{to}\",\"type\":\"{kind}\"}}\n")
    };
    let issue = |id: &str| format!("{{\"id\":\"{id}\",\"title\":\"{id}\"}}\n");
    let text = [
        issue("a"),
        issue("b"),
        issue("c"),
        edge("a", "b", "blocks"),
        edge("b", "c", "blocked-by"),
        edge("c", "a", "blocks"),
        edge("a", "a", "blocks"),
        edge("a", "b", "parent-child"),
        edge("b", "a", "parent_child"),
        edge("c", "gone", "blocks"),
        edge("c", "x", "child"),
        edge("a", "c", "related"),
        edge("b", "c", "related"),
        edge("z", "a", "blocks"),
    ]
    .concat();
    let import = beads(&text);
    is_sound(&import);
    assert_eq!(
        losses(&import, LossKind::Cycle),
        [
            "b: the parent `a` would close a cycle, left out",
            "a: its dependency `a` would close a cycle, left out",
            "c: its dependency `a` would close a cycle, left out",
        ]
    );
    assert_eq!(
        losses(&import, LossKind::Dangling),
        ["c: the parent `x` is not there", "c: depends on `gone`, which is not there",]
    );
    let related = import.losses.iter().find(|loss| loss.item == "edges `related`").unwrap();
    assert_eq!(related.count, 2);
}

#[test]
fn a_child_never_waits_for_the_epic_that_waits_for_it() {
    let import = beads(
        "{\"id\":\"e\",\"title\":\"E\",\"issue_type\":\"epic\"}\n{\"id\":\"f\",\"title\":\"F\",\"issue_type\":\"epic\"}\n\
         {\"id\":\"a\",\"title\":\"A\",\"dependencies\":[{\"depends_on_id\":\"e\",\"type\":\"parent-child\"},{\"depends_on_id\":\"e\",\"type\":\"blocks\"},{\"depends_on_id\":\"f\",\"type\":\"blocks\"}]}\n\
         {\"id\":\"b\",\"title\":\"B\",\"dependencies\":[{\"depends_on_id\":\"f\",\"type\":\"parent-child\"}]}\n",
    );
    is_sound(&import);
    let a = import.tasks.iter().find(|task| task.id.as_str() == "a").unwrap();
    assert_eq!(a.depends_on.iter().map(TaskId::as_str).collect::<Vec<_>>(), ["f"]);
    assert_eq!(
        losses(&import, LossKind::Cycle),
        ["a: its dependency `e` is an epic that waits for it, left out"]
    );
}

#[test]
fn what_a_text_could_do_to_a_terminal_or_a_file_is_gone() {
    let import = beads(
        "{\"id\":\"a\",\"title\":\"x\\u001b]0;pwn\\u0007\\n  y\\u202e\",\"description\":\"l1\\r\\n\\u001b[2Jl2\\u0000\",\"labels\":[\" a\\nb \",\"\"],\"run\":\"rm -rf /\"}\n{\"id\":\"b\",\"title\":\" \\u200b \"}\n",
    );
    is_sound(&import);
    assert_eq!(import.tasks[0].title, "x]0;pwn y");
    assert_eq!(import.tasks[0].description, "l1\n[2Jl2");
    assert_eq!(import.tasks[0].labels, ["a b"]);
    assert_eq!(import.tasks[0].run, None);
    assert_eq!(import.tasks[1].title, "untitled b");
    assert_eq!(losses(&import, LossKind::Mapped), ["issues.jsonl:2: `b` has no title"]);
}

#[test]
fn a_line_of_ten_megabytes_is_cut_to_what_a_task_file_may_hold() {
    let long = "é".repeat(5 << 20);
    let criteria = "- criterion\\n".repeat(100_000);
    let import = beads(&format!(
        "{{\"id\":\"a\",\"title\":\"{long}\",\"description\":\"{long}\",\"acceptance_criteria\":\"{criteria}\"}}"
    ));
    let task = &import.tasks[0];
    assert_eq!(task.title.chars().count(), 200);
    assert_eq!(task.description.len(), 256 << 10);
    assert!(task.acceptance.iter().map(String::len).sum::<usize>() <= 64 << 10);
    assert_eq!(losses(&import, LossKind::Truncated).len(), 3);
}

#[test]
fn many_tasks_in_chains_and_stars_are_read() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for n in 0..20_000 {
        let parent = if n == 0 { 0 } else { n - 1 };
        writeln!(text, "{{\"id\":\"t-{n}\",\"title\":\"T\",\"issue_type\":\"epic\",\"dependencies\":[{{\"depends_on_id\":\"t-{parent}\",\"type\":\"parent-child\"}},{{\"depends_on_id\":\"t-0\",\"type\":\"blocks\"}}]}}").unwrap();
    }
    // A quadratic reader would take hours here.
    is_sound(&beads(&text));
}

#[test]
fn wrong_types_are_read_as_far_as_they_go() {
    let import = beads(
        "{\"id\":7,\"title\":[\"a\",\"b\"],\"description\":{\"x\":1},\"status\":5,\"priority\":\"P1\",\"labels\":\"x, y\",\"dependencies\":{\"a\":1},\"created_at\":12,\"comments\":[1,null]}\n{\"id\":\"b\",\"title\":\"B\",\"priority\":99,\"status\":\"frobnicating\",\"issue_type\":\"not_a_real_type\"}\n",
    );
    is_sound(&import);
    let seven = &import.tasks[0];
    assert_eq!((seven.id.as_str(), seven.title.as_str(), seven.priority), ("7", "a b", 1));
    assert_eq!(seven.labels, ["x", "y"]);
    assert_eq!(
        losses(&import, LossKind::Mapped),
        [
            "priority `99`: read as 4",
            "status `5`: not known, read as `pending`",
            "status `frobnicating`: not known, read as `pending`",
            "type `not_a_real_type`: not known, read as `feature`",
        ]
    );
}

#[test]
fn records_beside_issues_are_joined_counted_or_kept_as_notes() {
    let import = read(Format::Beads, &[
        file("issues.jsonl", "{\"_type\":\"issue\",\"id\":\"a\",\"title\":\"A\"}\n{\"id\":\"b\",\"title\":\"B\"}\n{\"_type\":\"memory\",\"key\":\"style\",\"value\":\"tabs\"}\n{\"_type\":\"event\",\"id\":\"e\"}\n"),
        file("dependencies.jsonl", "{\"issue_id\":\"b\",\"depends_on_id\":\"a\",\"type\":\"blocks\"}\n"),
        file("labels.jsonl", "{\"issue_id\":\"a\",\"label\":\"l\"}\n"),
        file("comments.jsonl", "{\"issue_id\":\"a\",\"author\":\"me\",\"text\":\"hm\",\"created_at\":\"2026-01-02T00:00:00Z\"}\n"),
        file("deletions.jsonl", "{\"id\":\"gone\",\"ts\":\"2026-01-02T00:00:00Z\",\"by\":\"me\"}\n"),
        file("backup/issues.jsonl", "{\"id\":\"a\",\"title\":\"old A\"}\n"),
        file("events.jsonl", "{}\n"),
    ])
    .unwrap();
    assert_eq!(ids(&import), ["a", "b"]);
    assert_eq!(import.tasks[0].labels, ["l"]);
    assert_eq!(import.tasks[0].description, "## Comments\n\nme 2026-01-02: hm");
    assert_eq!(import.tasks[1].depends_on[0].as_str(), "a");
    assert_eq!((import.notes[0].id.as_str(), import.notes[0].text.as_str()), ("style", "tabs"));
    assert_eq!(
        losses(&import, LossKind::Skipped),
        ["backup/issues.jsonl: it is a backup of a file that is there", "events.jsonl: it holds no tasks",]
    );
}

#[test]
fn task_master_addresses_are_understood_in_all_shapes() {
    let import = one(
        Format::TaskMaster,
        "tasks.json",
        r#"{"version": "x", "tasks": [
        {"id": 1, "title": "one", "dependencies": [], "complexity": 40, "status": "review"},
        {"id": "2", "title": "two", "dependencies": [1], "status": "deferred", "subtasks": [
            {"id": 1, "title": "two one", "dependencies": []},
            {"id": 2.2, "title": "two two", "dependencies": [1, "1"]},
            {"id": 3, "title": "two three", "dependencies": ["2.2", 9]}]}]}"#,
    );
    is_sound(&import);
    let after = |id: &str| {
        let task = import.tasks.iter().find(|task| task.id.as_str() == id).unwrap();
        task.depends_on.iter().map(TaskId::as_str).collect::<Vec<_>>()
    };
    assert_eq!(ids(&import), ["1", "2", "2.1", "2.2", "2.3"]);
    assert_eq!(import.tasks[1].kind, Kind::Epic);
    assert_eq!((import.tasks[0].complexity, import.tasks[0].status), (Some(10), Status::NeedsReview));
    assert_eq!(
        (import.tasks[1].status, import.tasks[1].reason.as_deref()),
        (Status::Blocked, Some("deferred"))
    );
    assert_eq!(after("2.1"), ["1"], "the first subtask waits for what its parent waits for");
    assert_eq!(after("2.2"), ["2.1"]);
    assert_eq!(after("2.3"), ["2.2"]);
    assert_eq!(losses(&import, LossKind::Dangling), ["2.3: depends on `2.9`, which is not there"]);
}

#[test]
fn nesting_is_bounded_in_every_format() {
    let deep =
        |n: usize| format!("{}{}", "{\"id\":1,\"title\":\"t\",\"subtasks\":[".repeat(n), "]}".repeat(n));
    let import = one(Format::TaskMaster, "tasks.json", &format!("{{\"tasks\":[{}]}}", deep(60)));
    is_sound(&import);
    assert_eq!(import.tasks.len(), 60);
    assert!(
        read(Format::TaskMaster, &[file("tasks.json", &format!("{{\"tasks\":[{}]}}", deep(10_000)))])
            .is_err()
    );
    assert!(
        read(Format::Weathervane, &[file("r.yaml", &format!("epics: {}", "- epics: ".repeat(1_000)))])
            .is_err()
    );
}

#[test]
fn two_features_without_a_number_are_not_one() {
    let source = |title: &str| {
        let import = one(Format::SpecKit, "tasks.md", &format!("# Tasks: {title}\n- [ ] T001 x\n"));
        import.tasks[0].source.clone().unwrap()
    };
    assert_eq!(source("User Login!"), "spec-kit:user-login/T001");
    assert_ne!(source("a"), source("b"));
}

#[test]
fn tags_keep_their_tasks_apart() {
    let import = one(
        Format::TaskMaster,
        "tasks.json",
        r#"{"master": {"tasks": [{"id": 1, "title": "m"}]}, "next": {"tasks": [{"id": 1, "title": "n"}, {"id": 2, "title": "o", "dependencies": [1]}]}}"#,
    );
    assert_eq!(ids(&import), ["1", "next-1", "next-2"]);
    assert_eq!(import.tasks[2].depends_on[0].as_str(), "next-1");
}

#[test]
fn spec_kit_order_becomes_edges() {
    let text = "# Tasks\n\n## Phase 1: Setup\n- [x] T001 Make it\n- [ ] T002 [P] a\n- [ ] T003 [P] b\n- [ ] T004 join (depends on T001-T003, T999)\n## Phase 2: User Story 1 (Priority: P1)\n- [ ] T005 [P] [US1] s1 in src/a.rs\n  more of it\n## Phase 3: User Story 2 (Priority: P3)\n- [ ] T006 [US2] s2\n- [ ] no id\n```\n- [ ] T007 in code\n```\n## Phase 4: Polish\n- [ ] T008 shine\n## Notes\nnothing\n";
    let import = one(Format::SpecKit, "specs/042-x/tasks.md", text);
    is_sound(&import);
    let after = |id: &str| {
        let task = import.tasks.iter().find(|task| task.id.as_str() == id).unwrap();
        task.depends_on.iter().map(TaskId::as_str).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        ids(&import),
        ["T001", "T002", "T003", "T004", "T005", "T006", "T008", "phase-1", "phase-2", "phase-3", "phase-4"]
    );
    assert_eq!([after("T001"), after("T002"), after("T004")], ["", "T001", "T001 T002 T003"]);
    assert_eq!([after("T005"), after("T006"), after("T008")], ["phase-1", "phase-1", "phase-2 phase-3"]);
    let t5 = import.tasks.iter().find(|task| task.id.as_str() == "T005").unwrap();
    assert_eq!(
        (t5.priority, t5.files.as_slice(), t5.labels.as_slice()),
        (1, &["src/a.rs".to_owned()][..], &["US1".to_owned()][..])
    );
    assert_eq!(t5.description, "  more of it");
    assert_eq!(t5.source.as_deref(), Some("spec-kit:042-x/T005"));
    assert_eq!(
        losses(&import, LossKind::Dangling),
        ["042-x/T004: depends on `042-x/T999`, which is not there"]
    );
}

#[test]
fn ralph_orchestrator_lines_are_tasks() {
    let import = one(
        Format::Ralph,
        ".ralph/agent/tasks.jsonl",
        "{\"id\":\"task-1\",\"title\":\"A\",\"status\":\"failed\",\"priority\":1,\"blocked_by\":[]}\n{\"id\":\"task-2\",\"title\":\"B\",\"status\":\"in_progress\",\"priority\":5,\"blocked_by\":[\"task-1\"]}\n",
    );
    let seen: Vec<_> =
        import.tasks.iter().map(|task| (task.status, task.priority, task.depends_on.len())).collect();
    assert_eq!(seen, [(Status::NeedsImprovement, 0, 0), (Status::Pending, 4, 1)]);
}

#[test]
fn a_folder_decides_about_drafts_and_the_archive() {
    let page = |id: &str, status: &str| {
        format!("---\r\nid: {id}\r\ntitle: T\r\nstatus: {status}\r\ndependencies:\r\n  - task-1\r\n---\r\n")
    };
    let import = read(
        Format::BacklogMd,
        &[
            file(
                "tasks/back-1 - a.md",
                "\u{feff}---\nid: BACK-1\ntitle: T\nstatus: In Progress\nparent_task_id: ''\n",
            ),
            file("drafts/draft-1 - d.md", &page("DRAFT-1", "To Do")),
            file("archive/tasks/back-2 - x.md", &page("BACK-2", "To Do")),
            file("archive/tasks/back-3 - y.md", &page("BACK-3", "Done")),
        ],
    )
    .unwrap();
    is_sound(&import);
    let seen: Vec<_> =
        import.tasks.iter().map(|task| (task.id.as_str(), task.status, task.depends_on.len())).collect();
    assert_eq!(
        seen,
        [
            ("BACK-1", Status::Pending, 0),
            ("BACK-2", Status::Cancelled, 1),
            ("BACK-3", Status::Done, 1),
            ("DRAFT-1", Status::Proposed, 1),
        ]
    );
}

const JUNK: &[&str] = &[
    "{\"id\":\"a\",\"title\":\"x\",\"status\":\"closed\"}",
    "\"tasks\":",
    "[",
    "]",
    "{",
    "}",
    "\n",
    "---\n",
    "id: a\n",
    "- [ ] T001 [P] x\n",
    "- [x] T2 ",
    "## Phase 1: (Priority: P",
    "depends on T001-T999",
    "epics:\n",
    "  - id: ",
    "tasks:\n",
    "\"subtasks\":[{\"id\":",
    "1e999",
    "é",
    "\u{0}",
    "\"userStories\":[",
    "\"id\":\"US-1\"",
    ",",
    ":",
    "deps: [a, b",
    "dependencies:\n  - task-1\n",
    "&a ",
    "*a",
    "<<: ",
    "#",
    "- ",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), name in "(tasks/|decisions/|archive/)?[a-z]{1,3}\\.(md|json|jsonl|yaml)") {
        for format in Format::ALL {
            if let Ok(import) = read(format, &[ForeignFile { path: name.clone(), bytes: bytes.clone() }]) {
                is_sound(&import);
            }
        }
    }

    #[test]
    fn pieces_of_real_formats_never_panic_and_import_twice_the_same(pieces in prop::collection::vec(prop::sample::select(JUNK), 0..24)) {
        for format in Format::ALL {
            let files = [file("tasks/a - b.md", &pieces.concat()), file("x.tasks.md", &pieces.concat()), file("tasks.jsonl", &pieces.join("\n"))];
            for files in [&files[..1], &files[1..2], &files[2..], &files[..]] {
                let Ok(import) = read(format, files) else { continue };
                is_sound(&import);
                let here = reconcile(&[], import.tasks.clone(), &[], &[]).new;
                let again = reconcile(&here, read(format, files).unwrap().tasks, &[], &[]);
                prop_assert_eq!((again.new.len(), again.changed.len(), again.unchanged), (0, 0, import.tasks.len()));
            }
        }
    }

    #[test]
    fn any_graph_of_issues_becomes_a_sound_one(edges in prop::collection::vec((0..9_u8, 0..11_u8, 0..3_u8), 0..40), epics in 0..512_u16) {
        let mut text = String::new();
        for n in 0..9 {
            let kind = if epics >> n & 1 == 1 { "epic" } else { "task" };
            text.push_str(&format!("{{\"id\":\"i{n}\",\"title\":\"t\",\"issue_type\":\"{kind}\"}}\n"));
        }
        for (from, to, kind) in edges {
            let kind = ["blocks", "parent-child", "related"][usize::from(kind)];
            text.push_str(&format!("{{\"issue_id\":\"i{from}\",\"depends_on_id\":\"i{to}\",\"type\":\"{kind}\"}}\n"));
        }
        let import = beads(&text);
        is_sound(&import);
        prop_assert!(super::reconcile::tests::can_finish(&import.tasks), "some task can never be done");
    }
}
