//! Two projects whose tools count alike, read into one repository.

use super::*;
use crate::state::graph::{Graph, Node};
use proptest::prelude::*;

/// A project of a tool: what its tasks are called, what their texts say, and when it was begun.
#[derive(Debug, Clone)]
struct Project {
    titles: Vec<String>,
    texts: Vec<String>,
    created: &'static str,
}

impl Project {
    fn new(name: &str, tasks: usize, created: &'static str) -> Self {
        let of = |what: &str| (0..tasks).map(|n| format!("{what} {n} of {name}")).collect();
        Self { titles: of("title"), texts: of("text"), created }
    }

    /// Its files; each task waits for the one before it.
    fn files(&self, format: Format, folder: &str) -> Vec<ForeignFile> {
        let tasks = self.titles.iter().zip(&self.texts).enumerate();
        let file = |name: &str, text: String| ForeignFile {
            path: format!("{folder}{name}"),
            bytes: text.into_bytes(),
        };
        match format {
            Format::TaskMaster => {
                let tasks = tasks.map(|(n, (title, text))| {
                    let needs: Vec<usize> = (0..n).last().into_iter().collect();
                    serde_json::json!({"id": n, "title": title, "description": text, "dependencies": needs})
                });
                let root = serde_json::json!({"master": {"tasks": tasks.collect::<Vec<_>>()}});
                vec![file("tasks.json", root.to_string())]
            }
            Format::Beads => {
                let lines = tasks.map(|(n, (title, text))| {
                    let needs: Vec<_> = (0..n).last().into_iter().map(|before| {
                        serde_json::json!({"issue_id": format!("bd-{n}"), "depends_on_id": format!("bd-{before}"), "type": "blocks"})
                    }).collect();
                    let created = format!("{}T10:{n:02}:00Z", self.created);
                    serde_json::json!({"id": format!("bd-{n}"), "title": title, "description": text, "created_at": created, "dependencies": needs}).to_string()
                });
                vec![file("issues.jsonl", lines.collect::<Vec<_>>().join("\n"))]
            }
            Format::BacklogMd => tasks
                .map(|(n, (title, text))| {
                    let needs: String =
                        (0..n).last().into_iter().map(|before| format!("task-{before}")).collect();
                    let front = format!(
                        "id: task-{n}\ntitle: {title}\ncreated_date: '{}'\ndependencies: [{needs}]",
                        self.created
                    );
                    file(
                        &format!("tasks/task-{n} - x.md"),
                        format!("---\n{front}\n---\n\n## Description\n\n{text}\n"),
                    )
                })
                .collect(),
            Format::SpecKit
            | Format::Ralph
            | Format::Tk
            | Format::Weathervane
            | Format::Github
            | Format::Gitea
            | Format::Gitlab => panic!("{format} names its projects, or is like these"),
        }
    }
}

/// Reads files into the tasks that are here, as `orch import` does.
fn import(here: &mut Vec<Task>, format: Format, files: &[ForeignFile]) -> Reconciled {
    let mut read = read(format, files).unwrap();
    let mut losses = place(here, &mut read.tasks);
    let mut result = reconcile(here, read.tasks, &read.outer, &read.reopened);
    losses.append(&mut result.losses);
    result.losses = losses;
    for changed in &result.changed {
        let at = here.iter().position(|task| task.id == changed.id).unwrap();
        here[at] = changed.clone();
    }
    here.extend(result.new.iter().cloned());
    let graph = Graph::new(here.iter().map(|task| Node::of(task, "")).collect());
    assert_eq!(graph.faults(), []);
    result
}

fn counts(result: &Reconciled) -> (usize, usize, usize) {
    (result.new.len(), result.changed.len(), result.unchanged)
}

const FORMATS: [Format; 3] = [Format::Beads, Format::TaskMaster, Format::BacklogMd];

#[test]
fn another_projects_task_with_a_known_number_is_another_task_and_told() {
    for format in FORMATS {
        let [a, b] =
            [("a", "2026-01-01"), ("b", "2026-02-01")].map(|(name, created)| Project::new(name, 1, created));
        let mut here = Vec::new();
        import(&mut here, format, &a.files(format, ""));
        let result = import(&mut here, format, &b.files(format, ""));
        assert_eq!(counts(&result), (1, 0, 0), "{format}");
        let told: Vec<LossKind> = result.losses.iter().map(|loss| loss.what).collect();
        assert_eq!(told, [LossKind::Mapped, LossKind::Renamed], "{format}");
        let (id, source) = (here[1].id.as_str(), here[1].source.as_deref().unwrap());
        assert!(id.starts_with(&format!("{}-", here[0].id)), "{id}");
        assert!(source.starts_with(&format!("{}@", here[0].source.as_deref().unwrap())), "{source}");
    }
}

#[test]
fn a_lone_task_is_changed_by_what_leaves_its_text_or_its_time() {
    for format in FORMATS {
        let mut project = Project::new("a", 1, "2026-01-01");
        let mut here = Vec::new();
        import(&mut here, format, &project.files(format, ""));
        project.titles[0] = "another title".to_owned();
        if format != Format::TaskMaster {
            project.texts[0] = "another text".to_owned();
        }
        assert_eq!(counts(&import(&mut here, format, &project.files(format, ""))), (0, 1, 0), "{format}");
    }
}

#[test]
fn a_record_that_was_made_anew_in_its_project_is_told() {
    let mut here = Vec::new();
    let line = |n: usize, title: &str, day: usize| {
        format!("{{\"id\":\"bd-{n}\",\"title\":\"{title}\",\"created_at\":\"2026-01-{day:02}T10:00:00Z\"}}\n")
    };
    let file = |text: String| [ForeignFile { path: "issues.jsonl".to_owned(), bytes: text.into_bytes() }];
    import(&mut here, Format::Beads, &file(line(1, "one", 1) + &line(2, "two", 2)));
    let again = file(line(1, "one", 1) + &line(2, "three", 3));
    let result = import(&mut here, Format::Beads, &again);
    assert_eq!(counts(&result), (0, 1, 1));
    let told: Vec<String> = result.losses.iter().map(ToString::to_string).collect();
    let fact = "its record was made anew there; it was `two`, and gave way to what is there";
    assert_eq!(told, [format!("conflict: bd-2: {fact}")]);
    assert!(import(&mut here, Format::Beads, &again).losses.is_empty(), "it is told once");
}

#[test]
fn a_record_of_which_only_another_title_is_known_is_told() {
    let mut here = Vec::new();
    let file = |title: &str| {
        let root = serde_json::json!({"master": {"tasks": [{"id": 1, "title": title}]}});
        [ForeignFile { path: "tasks.json".to_owned(), bytes: root.to_string().into_bytes() }]
    };
    import(&mut here, Format::TaskMaster, &file("one"));
    let result = import(&mut here, Format::TaskMaster, &file("two"));
    assert_eq!(counts(&result), (0, 1, 0));
    let told: Vec<String> = result.losses.iter().map(ToString::to_string).collect();
    let fact = "whether its record is still of the same task cannot be told; it was `one`";
    assert!(told.contains(&format!("conflict: 1: {fact}")), "{told:?}");
    let again = import(&mut here, Format::TaskMaster, &file("two"));
    assert!(again.losses.iter().all(|loss| !loss.to_string().contains("cannot be told")), "it is told once");
}

#[test]
fn what_an_earlier_version_imported_without_digests_is_still_its_own() {
    for format in FORMATS {
        let [a, b] =
            [("a", "2026-01-01"), ("b", "2026-02-01")].map(|(name, created)| Project::new(name, 4, created));
        let mut here = Vec::new();
        import(&mut here, format, &a.files(format, ""));
        for task in &mut here {
            task.source_digest = None;
        }
        assert_eq!(counts(&import(&mut here, format, &b.files(format, ""))), (4, 0, 0), "{format}");
        let again = import(&mut here, format, &a.files(format, ""));
        assert_eq!(counts(&again), (0, 4, 0), "{format}: they get their digests");
        assert_eq!(counts(&import(&mut here, format, &a.files(format, ""))), (0, 0, 4), "{format}");
    }
}

proptest! {
    #[test]
    fn projects_stay_apart_and_are_known_again_wherever_they_lie(
        sizes in (1..9_usize, 1..9_usize, 1..9_usize),
        which in prop::sample::select(FORMATS.as_slice()),
        common in any::<bool>(),
        edited in (0..3_usize, any::<prop::sample::Index>()),
    ) {
        let mut projects = [
            Project::new("a", sizes.0, "2026-01-01"),
            Project::new("b", sizes.1, "2026-02-01"),
            Project::new("c", sizes.2, "2026-03-01"),
        ];
        if common && sizes.0.min(sizes.1) > 2 {
            projects[1].titles[0] = projects[0].titles[0].clone();
        }
        let mut here = Vec::new();
        for project in &projects {
            let result = import(&mut here, which, &project.files(which, ""));
            prop_assert_eq!(counts(&result), (project.titles.len(), 0, 0));
        }
        for project in projects.iter().rev() {
            let result = import(&mut here, which, &project.files(which, "moved/"));
            prop_assert_eq!(counts(&result), (0, 0, project.titles.len()));
            prop_assert!(result.losses.is_empty());
        }
        let project = &mut projects[edited.0];
        let at = edited.1.index(project.titles.len());
        project.titles[at] = "edited there".to_owned();
        let result = import(&mut here, which, &project.files(which, ""));
        prop_assert_eq!(counts(&result), (0, 1, project.titles.len() - 1));
        for project in &projects {
            let result = import(&mut here, which, &project.files(which, ""));
            prop_assert_eq!(counts(&result), (0, 0, project.titles.len()));
        }
    }
}
