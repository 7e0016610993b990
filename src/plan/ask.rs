//! What a planner reads: what to plan, what is there, and the form of the answer.
//!
//! In: state at the base commit. Out: sections under a budget, deterministic. Not here: running the planner.

use super::is_roadmap;
use crate::prompt::{Prompt, Section, TooLarge, described, description_share, fit, one_paragraph, section};
use crate::state::graph::{Graph, Index};
use crate::state::note::{Gist, NoteKind, NoteStatus};
use crate::state::status::Status;
use crate::state::task::{Kind, Task};
use std::fmt::Write as _;

/// What a plan is wanted for.
#[derive(Debug, Clone, Copy)]
pub enum Goal<'g> {
    /// Parts of this task, which is an epic or too large.
    Split {
        /// The task.
        task: &'g Task,
        /// Its place in the graph.
        index: Index,
    },
    /// What comes after what is there.
    Extend,
}

/// What the prompt of a planner is made from.
#[derive(Debug, Clone, Copy)]
pub struct Material<'m> {
    /// What is wanted.
    pub goal: Goal<'m>,
    /// How many tasks, at most.
    pub most: usize,
    /// The most tokens that one task may be expected to need.
    pub most_tokens: Option<u64>,
    /// What is there.
    pub graph: &'m Graph,
    /// All notes.
    pub notes: &'m [Gist<'m>],
    /// The most that the prompt may have, in estimated tokens.
    pub budget_tokens: u64,
}

/// The form of the answer.
const FORM: &str = "## Answer

End with one block of YAML in this form, and write nothing after it. Change no file.

```yaml
follow_ups:
  - key: a                # how others here call it
    title: Parse dates    # one line, says what is to be done
    kind: feature         # feature, bug, refactor, test, docs, chore or research
    complexity: 3         # 1 to 10
    files: [src/date.rs]  # what it will change
    acceptance: [dates of 1970 to 9999 are read]
    depends_on: []        # keys from here, or ids of tasks that are there
    body: Why, and what to look out for.
```
";

/// Builds the prompt of a planner.
///
/// # Errors
/// When what has to be in it does not fit the budget.
pub fn prompt(material: &Material<'_>) -> Result<Prompt, TooLarge> {
    let (goal, cut) = goal(material);
    let mut required = vec![section("goal", goal, true, 0.0)];
    let constraints: Vec<&Gist<'_>> =
        material.notes.iter().filter(|note| is_in_force(note, NoteKind::Constraint)).collect();
    if !constraints.is_empty() {
        let lines = constraints.iter().map(|note| format!("- {}\n", one_paragraph(note.text)));
        required.push(section(
            "constraints",
            format!("## Constraints\n\n{}", lines.collect::<String>()),
            true,
            0.0,
        ));
    }
    required.push(section("answer", FORM.to_owned(), true, 0.0));
    let mut prompt = fit(required, optional(material), material.budget_tokens)?;
    let rest = (cut > 0).then(|| Section { tokens: cut, ..section("goal (rest)", String::new(), true, 0.0) });
    prompt.omitted.splice(0..0, rest);
    Ok(prompt)
}

/// What is wanted, and how many tokens of a task's description were left out.
fn goal(material: &Material<'_>) -> (String, u64) {
    let size = material
        .most_tokens
        .map(|tokens| format!(" None may need more than about {tokens} tokens of an agent's context."))
        .unwrap_or_default();
    let rules = format!(
        "Each task is small enough for one agent in one sitting, and says how to see that it is done.{size} \
         Name what has to come first; what can be done at the same time does not wait for each other. \
         Propose nothing that is there already.\n"
    );
    match material.goal {
        Goal::Split { task, index } => {
            let mut text = format!(
                "# Split a task\n\nBreak `{}` ({}) into 2 to {} tasks that together are all of it.\n\n{rules}",
                task.id, task.title, material.most
            );
            let path = &material.graph.nodes()[index].path;
            let (description, cut) = described(task, path, description_share(material.budget_tokens));
            if !description.is_empty() {
                let _ = write!(text, "\n## What it is\n\n{description}\n");
            }
            if !task.acceptance.is_empty() {
                let lines: String = task.acceptance.iter().map(|line| format!("- {line}\n")).collect();
                let _ = write!(text, "\n## It is done when\n\n{lines}");
            }
            if !task.files.is_empty() {
                let _ = write!(text, "\nIt concerns: {}\n", task.files.join(", "));
            }
            (text, cut)
        }
        Goal::Extend => {
            let text = format!(
                "# Extend the roadmap\n\nLittle is left to do here. Look at the repository and at what was done, and \
             propose at most {} tasks that bring it forward: what is missing, wrong, untested or hard to use.\n\n{rules}",
                material.most
            );
            (text, 0)
        }
    }
}

/// What helps, the most important first.
fn optional(material: &Material<'_>) -> Vec<Section> {
    let graph = material.graph;
    let list = |name: &str, heading: &str, score: f64, lines: Vec<String>| {
        (!lines.is_empty())
            .then(|| section(name, format!("## {heading}\n\n{}", lines.concat()), false, score))
    };
    let line = |index: Index| {
        let node = &graph.nodes()[index];
        format!("- `{}` {} ({})\n", node.id, node.title, graph.status(index).as_str())
    };
    let all = || 0..graph.nodes().len();
    let mut found = Vec::new();
    if let Goal::Split { index, .. } = material.goal {
        let parts = all().filter(|at| graph.parent(*at) == Some(index)).map(line).collect();
        found.extend(list("parts", "Parts that are there already", 9.0, parts));
        let before = graph.dependencies(index).iter().copied().map(line).collect();
        found.extend(list("done-before", "Done before it", 5.0, before));
        let after = graph.dependents(index).iter().copied().map(line).collect();
        found.extend(list("waiting-for-this", "What waits for it", 4.0, after));
    }
    let is_open = |at: &Index| !graph.status(*at).is_closed();
    let epics: Vec<String> =
        all().filter(|at| graph.nodes()[*at].kind == Kind::Epic && is_open(at)).map(line).collect();
    found.extend(list("epics", "Open epics", 6.0, epics));
    let open: Vec<Index> = all().filter(|at| graph.nodes()[*at].kind != Kind::Epic && is_open(at)).collect();
    for (number, part) in open.chunks(10).enumerate() {
        let name = format!("open-{}", number + 1);
        found.extend(list(
            &name,
            "Open tasks",
            3.0 / order(number),
            part.iter().copied().map(line).collect(),
        ));
    }
    let mut given_up: Vec<Index> = all()
        .filter(|at| graph.status(*at) == Status::Cancelled && !is_roadmap(&graph.nodes()[*at]))
        .collect();
    given_up.sort_by_key(|at| std::cmp::Reverse(graph.nodes()[*at].created));
    if matches!(material.goal, Goal::Extend) {
        let lines = given_up.into_iter().take(10).map(line).collect();
        found.extend(list("given-up", "Given up: do not propose it again", 2.8, lines));
    }
    let mut done: Vec<Index> = all().filter(|at| graph.status(*at) == Status::Done).collect();
    done.sort_by_key(|at| std::cmp::Reverse(graph.nodes()[*at].created));
    for (number, part) in done.chunks(10).take(10).enumerate() {
        let name = format!("done-{}", number + 1);
        found.extend(list(&name, "Done", 2.0 / order(number), part.iter().copied().map(line).collect()));
    }
    let decisions: Vec<&Gist<'_>> =
        material.notes.iter().filter(|note| is_in_force(note, NoteKind::Decision)).collect();
    for (number, part) in decisions.chunks(5).enumerate() {
        let lines = part.iter().map(|note| format!("- {}\n", first_line(note.text))).collect();
        found.extend(list(&format!("decisions-{}", number + 1), "Decisions", 2.5 / order(number), lines));
    }
    found
}

fn order(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX)) + 1.0
}

fn is_in_force(note: &Gist<'_>, kind: NoteKind) -> bool {
    note.kind == kind && note.status == NoteStatus::InForce
}

fn first_line(text: &str) -> String {
    crate::state::task::one_line(text, 300)
}
