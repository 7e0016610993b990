//! Real tasks, each labelled by a person as a worker's or a strategist's before the rules were written.

use super::*;
use crate::state::id::TaskId;
use std::fmt::Write as _;

/// Sources and licence: `fixtures/README.md`.
const TASKS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/tasks/labelled.jsonl"));

#[test]
fn nine_in_ten_real_tasks_go_where_a_person_would_send_them() {
    let (mut counts, mut wrong) = ([[0_u32; 2]; 2], String::new());
    for line in TASKS.lines() {
        let read: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| read[key].as_str().unwrap().to_owned();
        let task = Task {
            kind: Kind::parse(&text("kind")).unwrap(),
            description: text("description"),
            ..Task::new(TaskId::new(text("id")).unwrap(), text("title"))
        };
        let depends_on = usize::try_from(read["depends_on"].as_u64().unwrap()).unwrap();
        let need = need(&task, &Facts { depends_on, ..Facts::default() });
        let strategist = text("label") == "strategist";
        counts[usize::from(strategist)][usize::from(need.is_strategic())] += 1;
        if strategist != need.is_strategic() {
            let title: String = task.title.chars().take(70).collect();
            let _ = writeln!(wrong, "{:<10} {title}: {}", text("label"), need.spell());
        }
    }
    let [[kept, sent_up], [kept_down, sent]] = counts;
    let all = kept + sent_up + kept_down + sent;
    let right = f64::from(kept + sent) / f64::from(all);
    let table = format!(
        "                to a worker  to a strategist\n\
         a worker's      {kept:>11}  {sent_up:>15}\n\
         a strategist's  {kept_down:>11}  {sent:>15}\n\
         right: {:.1} % of {all}\n\nwrong:\n{wrong}",
        right * 100.0
    );
    insta::assert_snapshot!(table, @r"
                    to a worker  to a strategist
    a worker's              129                2
    a strategist's            4               33
    right: 96.4 % of 168

    wrong:
    strategist Phase 1: Implement RPC protocol infrastructure: needs 6 (usual for kind feature, `protocol` in its title)
    strategist CLI: Migrate terminal UI to Ink: needs 6 (usual for kind feature, `migrate` in its title)
    strategist Production Deployment and Validation: needs 6 (usual for kind feature, builds on 19 tasks)
    strategist Implement Machine Learning Pipeline: needs 5 (usual for kind feature)
    worker     Research Claude Code plugin structure and requirements: needs 8 (usual for kind feature, `research` in its title)
    worker     Evaluate pending async gates: needs 8 (usual for kind feature, `evaluate` in its title)
    ");
    assert!(all >= 100 && right > 0.9, "{table}");
    assert!(
        f64::from(sent) / f64::from(sent + kept_down) > 0.8,
        "most of a strategist's work is seen\n{table}"
    );
}
