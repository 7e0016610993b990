//! What goes out comes back: for tasks in a format's own words whole, for any others with every difference told.

use super::*;
use crate::import::{LossKind, read};
use crate::state::status::Status;
use crate::state::task::Kind;
use proptest::prelude::*;

/// What a format holds without loss.
struct Holds {
    format: Format,
    statuses: &'static [Status],
    kinds: &'static [Kind],
    priorities: &'static [u8],
    complexity: bool,
    created: bool,
    files: bool,
    labels: bool,
    nests: bool,
    keeps_ids: bool,
}

const PLAIN: Holds = Holds {
    format: Format::Beads,
    statuses: &[Status::Pending, Status::Done],
    kinds: &[Kind::Feature, Kind::Bug, Kind::Chore],
    priorities: &[0, 1, 2, 3, 4],
    complexity: false,
    created: true,
    files: false,
    labels: true,
    nests: true,
    keeps_ids: true,
};

const WORK: &[Kind] = &[
    Kind::Feature,
    Kind::Bug,
    Kind::Refactor,
    Kind::Test,
    Kind::Docs,
    Kind::Chore,
    Kind::Research,
    Kind::Review,
];

const ALL: [Holds; 9] = [
    PLAIN,
    Holds { format: Format::Tk, ..PLAIN },
    Holds {
        format: Format::TaskMaster,
        statuses: &[Status::Pending, Status::NeedsReview, Status::Done],
        kinds: &[Kind::Feature],
        priorities: &[1, 2, 3],
        complexity: true,
        files: true,
        keeps_ids: false,
        ..PLAIN
    },
    Holds {
        format: Format::BacklogMd,
        statuses: &[Status::Proposed, Status::Pending, Status::Done],
        kinds: WORK,
        priorities: &[1, 2, 3],
        files: true,
        ..PLAIN
    },
    Holds {
        format: Format::Weathervane,
        statuses: &[
            Status::Proposed,
            Status::Pending,
            Status::NeedsReview,
            Status::NeedsImprovement,
            Status::Done,
        ],
        kinds: WORK,
        complexity: true,
        ..PLAIN
    },
    Holds {
        format: Format::Ralph,
        kinds: &[Kind::Feature],
        created: false,
        labels: false,
        nests: false,
        ..PLAIN
    },
    Holds { format: Format::Github, kinds: WORK, complexity: true, files: true, keeps_ids: false, ..PLAIN },
    Holds { format: Format::Gitea, kinds: WORK, complexity: true, files: true, keeps_ids: false, ..PLAIN },
    Holds { format: Format::Gitlab, kinds: WORK, complexity: true, files: true, keeps_ids: false, ..PLAIN },
];

/// Random choices for one task.
type Choice = (u8, u8, u8, Vec<prop::sample::Index>, Option<prop::sample::Index>, u8);

fn choices() -> impl Strategy<Value = Vec<Choice>> {
    let choice = (
        any::<u8>(),
        any::<u8>(),
        any::<u8>(),
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        prop::option::of(any::<prop::sample::Index>()),
        any::<u8>(),
    );
    prop::collection::vec(choice, 1..12)
}

fn pick<T: Copy>(list: &[T], number: u8) -> T {
    list[usize::from(number) % list.len()]
}

/// A graph in a format's own words: two epics, and tasks that depend on earlier ones.
fn graph(holds: &Holds, choices: &[Choice]) -> Vec<Task> {
    let id = |name: &str, number: usize| TaskId::new(format!("{name}-{number}")).unwrap();
    let mut epics = Vec::new();
    let mut tasks: Vec<Task> = Vec::new();
    for (number, (status, kind, priority, depends_on, parent, extra)) in choices.iter().enumerate() {
        let mut task = Task::new(id("t", number), format!("Do \"{number}\": it's #1, [x] & <b>"));
        task.status = pick(holds.statuses, *status);
        task.kind = pick(holds.kinds, *kind);
        task.priority = pick(holds.priorities, *priority);
        task.created = holds.created.then(|| "2026-11-26T04:05:06Z".parse().unwrap());
        task.complexity = (holds.complexity && extra % 2 == 0).then_some(extra % 10 + 1);
        if holds.labels && extra % 3 == 0 {
            task.labels = vec!["api v2".to_owned(), "no".to_owned()];
        }
        if holds.files && extra % 5 == 0 {
            task.files = vec!["docs/**".to_owned(), "src/a.rs".to_owned()].split_off(usize::from(extra % 2));
        }
        if extra % 4 > 0 {
            task.acceptance = vec!["it says \"a: b\"".to_owned(), "5 of `x` # fit".to_owned()];
            task.description = "Somebody wants this.\n\n- one\n- two\n\n## Why\n\nBecause: *so*.".to_owned();
        }
        if !tasks.is_empty() {
            task.depends_on = depends_on.iter().map(|at| at.get(&tasks).id.clone()).collect();
        }
        if let Some(parent) = parent.filter(|_| holds.nests) {
            task.parent = Some(id("epic", parent.index(2)));
        }
        task.normalise();
        tasks.push(task);
    }
    for number in 0..2 {
        if tasks.iter().any(|task| task.parent == Some(id("epic", number))) {
            let mut epic = Task::new(id("epic", number), "A container");
            epic.kind = Kind::Epic;
            epic.created = Some("2026-11-26T04:05:06Z".parse().unwrap());
            epics.push(epic);
        }
    }
    epics.extend(tasks);
    epics
}

/// What a task says, field by field, as losses name it.
const FIELDS: [Field; 4] = [
    ("title", |task| task.title.clone()),
    ("labels", |task| format!("{:?}", task.labels)),
    ("acceptance", |task| format!("{:?}", task.acceptance)),
    ("description", |task| task.description.trim().to_owned()),
];

type Field = (&'static str, fn(&Task) -> String);

fn hostile() -> impl Strategy<Value = Vec<Task>> {
    let text = prop_oneof!["\\PC{1,30}", "[-#:*>|'\"\\[\\]{}& \n`~!%@0-9a-z]{1,60}"];
    let task =
        (text.clone(), text.clone(), prop::collection::vec(text, 0..3), 0..7_usize, 0..9_usize, 0..8_usize);
    prop::collection::vec(task, 1..8)
        .prop_map(|all| all.into_iter().enumerate().map(|(number, parts)| strange(number, parts)).collect())
}

fn strange(
    number: usize,
    (title, text, list, status, kind, other): (String, String, Vec<String>, usize, usize, usize),
) -> Task {
    let id = |number: usize| TaskId::new(format!("x{number}.{number}")).unwrap();
    let title = crate::state::task::one_line(&title, 200);
    let mut task = Task::new(id(number), if title.is_empty() { "x".to_owned() } else { title });
    task.status = Status::ALL[status];
    task.kind = Kind::ALL[kind];
    task.description = text;
    task.acceptance.clone_from(&list);
    task.labels = list;
    task.run = Some("true".to_owned());
    task.parent = Some(id(other));
    task.depends_on = vec![id((other + 1) % 8)];
    task.normalise();
    task
}

/// Whether a format has no place for some tasks at all.
fn holds_not_all(format: Format) -> bool {
    matches!(format, Format::Ralph | Format::SpecKit)
}

proptest! {
    #[test]
    fn tasks_in_the_words_of_a_format_come_back_whole(choices in choices(), which in 0..ALL.len()) {
        let holds = &ALL[which];
        let tasks = graph(holds, &choices);
        let export = write(holds.format, &tasks);
        let lost: Vec<&Loss> =
            export.losses.iter().filter(|loss| holds.keeps_ids || loss.what != LossKind::Renamed).collect();
        prop_assert!(lost.is_empty(), "{}: {lost:?}\n{}", holds.format, String::from_utf8_lossy(&export.files[0].bytes));
        prop_assert_eq!(Format::detect(&export.files), Some(holds.format));
        let back = read(holds.format, &export.files).unwrap();
        prop_assert_eq!(back.tasks.len(), tasks.len());
        if holds.keeps_ids {
            let mut sorted = tasks;
            sorted.sort_by(|a, b| a.id.cmp(&b.id));
            let back: Vec<Task> = back.tasks.into_iter().map(|task| Task { source: None, ..task }).collect();
            prop_assert_eq!(back, sorted);
        }
    }

    #[test]
    fn any_tasks_can_be_written_and_each_difference_is_told(tasks in hostile(), which in 0..FORMATS.len()) {
        let format = FORMATS[which];
        let export = write(format, &tasks);
        let back = read(format, &export.files).map(|import| import.tasks).unwrap_or_default();
        let skipped = export.losses.iter().filter(|loss| loss.what == LossKind::Skipped).count();
        prop_assert_eq!(back.len() + skipped, tasks.len(), "{}: {:?}", format, &export.losses);
        prop_assert!(holds_not_all(format) || skipped == 0, "{}: {:?}", format, &export.losses);
        let told = |task: &Task, name: &str| export.losses.iter().any(|loss| {
            loss.item == format!("field `{name}`")
                || (loss.item == task.id.as_str()
                    && (loss.what == LossKind::Skipped || loss.detail.contains(&format!("`{name}`"))))
        });
        for task in &tasks {
            for (name, field) in FIELDS {
                let same = back.iter().any(|read| field(read) == field(task));
                prop_assert!(same || told(task, name), "{format}: {name}: {task:?}\n{:?}", &export.losses);
            }
        }
        prop_assert!(back.iter().all(|task| task.run.is_none()));
        let run = export.losses.iter().find(|loss| loss.item == "field `run`").map_or(0, |loss| loss.count);
        prop_assert_eq!(run + skipped, tasks.len());
    }
}

#[test]
fn edges_to_what_is_not_exported_are_told() {
    let mut task = Task::new(TaskId::new("t-1").unwrap(), "Do it");
    task.depends_on = vec![TaskId::new("t-0").unwrap()];
    task.parent = Some(TaskId::new("epic").unwrap());
    for format in FORMATS {
        let losses = write(format, std::slice::from_ref(&task)).losses;
        let told: Vec<String> = losses.iter().map(ToString::to_string).collect();
        assert!(told.contains(&"dropped: t-1: its dependency on `t-0` is not there".to_owned()), "{told:?}");
        assert!(
            told.contains(&"dropped: t-1: its parent `epic` is not its parent there".to_owned()),
            "{told:?}"
        );
    }
}

#[test]
fn an_issue_is_that_issue_again_and_ids_that_are_numbers_are_kept() {
    let mut tasks = [("gh-7", Some("github:acme/api#7")), ("t-1", None)].map(|(id, source)| {
        let mut task = Task::new(TaskId::new(id).unwrap(), "Do it");
        task.source = source.map(str::to_owned);
        task
    });
    tasks[1].depends_on = vec![tasks[0].id.clone()];
    let export = write(Format::Github, &tasks);
    let told: Vec<String> = export.losses.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["renamed: t-1: it is `gh-8` there"]);
    let text = String::from_utf8_lossy(&export.files[0].bytes);
    let addresses: Vec<&str> = text.lines().filter(|line| line.contains("github.com")).collect();
    assert_eq!(addresses.len(), 1, "no issue of acme's is made up: {addresses:?}");
    let ids = ["5", "5.2", "x"].map(|id| TaskId::new(id).unwrap());
    let mut tasks = ids.clone().map(|id| Task::new(id, "Do it"));
    tasks[0].kind = Kind::Epic;
    tasks[1].parent = Some(ids[0].clone());
    tasks[2].parent = Some(ids[0].clone());
    let told = write(Format::TaskMaster, &tasks).losses;
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["renamed: x: it is `5.1` there"]);
}

#[test]
fn what_a_subtask_has_from_its_parent_never_names_a_sibling() {
    let ids = ["2", "4", "4.1", "4.2"].map(|id| TaskId::new(id).unwrap());
    let mut tasks = ids.clone().map(|id| Task::new(id, "Do it"));
    tasks[1].kind = Kind::Epic;
    tasks[1].depends_on = vec![ids[0].clone()];
    tasks[2].depends_on = vec![ids[0].clone()];
    tasks[3].depends_on = vec![ids[2].clone()];
    for number in [2, 3] {
        tasks[number].parent = Some(ids[1].clone());
    }
    let export = write(Format::TaskMaster, &tasks);
    assert_eq!(export.losses, []);
    let back = read(Format::TaskMaster, &export.files).unwrap().tasks;
    let edges = |tasks: &[Task]| tasks.iter().map(|task| task.depends_on.clone()).collect::<Vec<_>>();
    assert_eq!(edges(&back), edges(&tasks));
}

#[test]
fn what_beads_sets_aside_comes_back_as_it_was() {
    let here = |status, reason: Option<&str>, labels: &[&str]| {
        let mut task = Task::new(TaskId::new("a").unwrap(), "Do it");
        (task.status, task.reason) = (status, reason.map(str::to_owned));
        task.labels = labels.iter().map(|label| (*label).to_owned()).collect();
        task
    };
    for task in [
        here(Status::Proposed, None, &["ephemeral"]),
        here(Status::Proposed, None, &["template"]),
        here(Status::Pending, None, &["ephemeral"]),
        here(Status::Done, None, &["ephemeral"]),
        here(Status::Blocked, Some("deferred"), &["ephemeral"]),
        here(Status::Blocked, Some("pinned"), &[]),
    ] {
        let export = write(Format::Beads, std::slice::from_ref(&task));
        assert_eq!(export.losses, [], "{task:?}");
        let mut back = read(Format::Beads, &export.files).unwrap().tasks;
        back[0].source = None;
        assert_eq!(back, [task]);
    }
}

#[test]
fn circles_and_towers_of_parents_are_cut_not_followed() {
    let id = |number: usize| TaskId::new(format!("t-{number}")).unwrap();
    let tower = |count: usize, top: Option<usize>| -> Vec<Task> {
        let one = |number: usize| {
            let mut task = Task::new(id(number), "Do it");
            task.kind = Kind::Epic;
            task.parent = if number == 0 { top.map(id) } else { Some(id(number - 1)) };
            task
        };
        (0..count).map(one).collect()
    };
    for format in FORMATS.into_iter().filter(|format| !holds_not_all(*format)) {
        for tasks in [tower(2_000, None), tower(3, Some(2))] {
            let losses = write(format, &tasks).losses;
            assert!(losses.iter().all(|loss| loss.what != LossKind::Skipped), "{format}: {losses:?}");
        }
    }
}

/// What is read of a file, and the file that is written of it, for tasks that all come from it.
fn there_and_back(text: &str) -> (Vec<Task>, Export) {
    let file = |text: &str| ForeignFile { path: "tasks.md".to_owned(), bytes: text.as_bytes().to_vec() };
    let mut tasks = read(Format::SpecKit, &[file(text)]).unwrap().tasks;
    for task in &mut tasks {
        task.normalise();
    }
    let export = write(Format::SpecKit, &tasks);
    (tasks, export)
}

#[test]
fn a_list_of_spec_kit_comes_back_as_it_was_read() {
    let text = include_str!("../../fixtures/imports/spec-kit/tasks.md");
    let (tasks, export) = there_and_back(text);
    let lost: Vec<&Loss> = export.losses.iter().filter(|loss| loss.item != "field `source`").collect();
    assert!(lost.is_empty(), "{lost:?}\n{}", String::from_utf8_lossy(&export.files[0].bytes));
    assert_eq!(read(Format::SpecKit, &export.files).unwrap().tasks, tasks);
}

#[test]
fn what_waits_for_nothing_here_waits_for_nothing_in_a_list_of_spec_kit() {
    let task = |id: &str, parent: Option<&str>, needs: &[&str]| {
        let mut task = Task::new(TaskId::new(id).unwrap(), format!("Do {id}"));
        task.parent = parent.map(|id| TaskId::new(id).unwrap());
        task.depends_on = needs.iter().map(|id| TaskId::new(*id).unwrap()).collect();
        task
    };
    let epic = |id: &str| Task { kind: Kind::Epic, ..task(id, None, &[]) };
    let mut told = task("t-b2", Some("e-1"), &["t-a1"]);
    told.description = "## Phase 9: no\n- [ ] T900 no task\n```\n".to_owned();
    let tasks = [
        epic("e-1"),
        epic("e-2"),
        task("t-a1", Some("e-1"), &[]),
        told,
        task("t-c3", Some("e-1"), &["t-a1"]),
        task("t-d4", Some("e-2"), &[]),
        task("t-e5", None, &["t-d4", "t-b2"]),
    ];
    let export = write(Format::SpecKit, &tasks);
    insta::assert_snapshot!(String::from_utf8_lossy(&export.files[0].bytes));
    let told = |what: &str| export.losses.iter().any(|loss| loss.detail.contains(what));
    assert!(!told("depends on") && !told("dependency on"), "{:?}", export.losses);
    assert_eq!(read(Format::SpecKit, &export.files).unwrap().tasks.len(), tasks.len());
}
