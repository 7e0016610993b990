//! Three versions of one file become one, field by field.
//!
//! In: a file as it was on two sides, and before. Out: the file that says what both changed, or the
//! fields that both changed to different values. Invariant: a value of the result is one that a side
//! has; a field that only one side changed is as that side has it; nothing is guessed.
//! Not here: where the versions come from (git's index, conflict markers).

use super::super::layout::{FileKind, kind_of};
use super::super::problem::Problem;
use super::{note, task};
use std::collections::{BTreeMap, BTreeSet};

/// What both sides began with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before<'t> {
    /// This text.
    Text(&'t str),
    /// Both added the file.
    Nothing,
    /// Nobody can tell.
    Unknown,
}

/// What a field says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is left out.
    Nothing,
    /// One value, as the file spells it.
    One(String),
    /// A list of which each element stands for itself.
    Set(Vec<String>),
}

/// A field and what it says. All versions have the same fields in one order.
pub(super) type Field = (String, Said);

/// A field that both sides changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// Its name; of a table, after a dot.
    pub field: String,
    /// Its value here, as the file spells it.
    pub ours: Option<String>,
    /// Its value there.
    pub theirs: Option<String>,
}

/// Why a file cannot be merged by its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmerged {
    /// Both sides changed these fields, to different values.
    Clashes(Vec<Clash>),
    /// Both sides changed what orch does not read: comments, or keys that it does not know.
    Unknown,
    /// A side is no file of its kind, or the result would not be.
    Invalid(String),
    /// A file of this kind has no fields to merge.
    NotByFields,
}

impl Unmerged {
    /// A side that cannot be read.
    pub(super) fn why(problems: &[Problem]) -> Self {
        let error = problems.iter().find(|problem| problem.is_error());
        Self::Invalid(error.map_or_else(String::new, |error| format!("one side of it: {}", error.fact)))
    }
}

/// A version of a file.
pub(super) struct Version<'t> {
    /// As it stands.
    pub text: &'t str,
    /// What it says.
    pub fields: Vec<Field>,
    /// What it has beside: comments, keys that nobody here knows.
    pub rest: String,
}

/// Merges the versions of a state file.
///
/// # Errors
/// When that cannot be done without a person.
pub fn merge(path: &str, before: Before<'_>, ours: &str, theirs: &str) -> Result<String, Unmerged> {
    let is_note = match kind_of(path) {
        FileKind::Task => false,
        FileKind::Note => true,
        FileKind::Config | FileKind::Checkpoint | FileKind::Run | FileKind::Readme | FileKind::Unknown => {
            return Err(Unmerged::NotByFields);
        }
    };
    let version = |text| if is_note { note::version(path, text) } else { task::version(path, text) };
    let (ours, theirs) = (version(ours)?, version(theirs)?);
    let before = match before {
        Before::Text(text) => version(text).ok(),
        Before::Nothing => {
            let fields = ours.fields.iter().map(|(name, _)| (name.clone(), Said::Nothing)).collect();
            Some(Version { text: "", fields, rest: String::new() })
        }
        Before::Unknown => None,
    };
    let text = before.as_ref().map(|before| before.text);
    let by_formula = !is_note && task::are_estimated(path, [ours.text, theirs.text], text);
    let was = before.as_ref().map(|before| before.fields.as_slice());
    let (fields, anew) = fields(was, &ours.fields, &theirs.fields, by_formula).map_err(Unmerged::Clashes)?;
    let carrier = carrier(before.as_ref(), &ours, &theirs).ok_or(Unmerged::Unknown)?;
    let merged = if is_note {
        note::with_fields(path, carrier, &fields)
    } else {
        task::with_fields(path, carrier, &fields)
    };
    let merged = if anew { merged.and_then(|text| task::estimated_anew(path, &text)) } else { merged };
    merged.ok_or_else(|| Unmerged::Invalid("the result would not be a file that can be read".to_owned()))
}

/// The version whose comments and unknown keys stay: the one that changed them.
fn carrier<'v, 't>(
    before: Option<&Version<'t>>,
    ours: &'v Version<'t>,
    theirs: &'v Version<'t>,
) -> Option<&'v Version<'t>> {
    let before = before.map(|before| &before.rest);
    if ours.rest == theirs.rest || before == Some(&theirs.rest) {
        Some(ours)
    } else {
        (before == Some(&ours.rest)).then_some(theirs)
    }
}

/// What the formula says of a task; where both sides follow it, so does the result.
const BY_FORMULA: [&str; 3] = ["estimate.files", "estimate.tokens", "estimate.confidence"];

/// Merges fields, and says whether the estimate has to be made anew of them; or those that clash, if any do.
fn fields(
    before: Option<&[Field]>,
    ours: &[Field],
    theirs: &[Field],
    by_formula: bool,
) -> Result<(Vec<Field>, bool), Vec<Clash>> {
    let (mut merged, mut clashes, mut anew) = (Vec::new(), Vec::new(), false);
    for (index, ((name, ours), (_, theirs))) in ours.iter().zip(theirs).enumerate() {
        let before = before.and_then(|fields| fields.get(index)).map(|(_, said)| said);
        match field(name, before, ours, theirs) {
            Some(said) => merged.push((name.clone(), said)),
            None if by_formula && BY_FORMULA.contains(&name.as_str()) => {
                anew = true;
                merged
                    .push((name.clone(), if figure(ours) >= figure(theirs) { ours } else { theirs }.clone()));
            }
            None => clashes.push(Clash { field: name.clone(), ours: spell(ours), theirs: spell(theirs) }),
        }
    }
    if clashes.is_empty() { Ok((merged, anew)) } else { Err(clashes) }
}

fn spell(said: &Said) -> Option<String> {
    match said {
        Said::Nothing => None,
        Said::One(text) => Some(text.clone()),
        Said::Set(list) => Some(format!("[{}]", list.join(", "))),
    }
}

/// What a field says after the merge; none where both sides changed it.
fn field(name: &str, before: Option<&Said>, ours: &Said, theirs: &Said) -> Option<Said> {
    if ours == theirs || before == Some(theirs) {
        return Some(ours.clone());
    }
    if before == Some(ours) {
        return Some(theirs.clone());
    }
    match (name, ours, theirs) {
        // What happened on both sides happened: the count is at least the larger one, the last run the later.
        ("history.attempts", _, _) => {
            Some(if number(ours) >= number(theirs) { ours } else { theirs }.clone())
        }
        ("history.last_run", Said::One(one), Said::One(other)) => Some(Said::One(one.max(other).clone())),
        ("history.last_run", Said::Nothing, other) | ("history.last_run", other, _) => Some(other.clone()),
        (_, Said::Set(_) | Said::Nothing, Said::Set(_) | Said::Nothing) => {
            Some(set(list(before?), list(ours), list(theirs)))
        }
        (_, Said::One(_), _) | (_, _, Said::One(_)) => None,
    }
}

fn figure(said: &Said) -> Option<f64> {
    match said {
        Said::One(text) => text.parse().ok(),
        Said::Nothing | Said::Set(_) => None,
    }
}

fn number(said: &Said) -> Option<u64> {
    match said {
        Said::One(text) => text.parse().ok(),
        Said::Nothing | Said::Set(_) => None,
    }
}

fn list(said: &Said) -> &[String] {
    match said {
        Said::Set(list) => list,
        Said::Nothing | Said::One(_) => &[],
    }
}

/// What a side added is in, what a side removed is not; in our order, with theirs after it.
fn set(before: &[String], ours: &[String], theirs: &[String]) -> Said {
    let (before, ours, theirs) = (counted(before), counted(ours), counted(theirs));
    let index = |list: &[(String, usize)]| list.iter().cloned().collect::<BTreeSet<_>>();
    let (was, here, there) = (index(&before), index(&ours), index(&theirs));
    let stays = |element: &(String, usize)| {
        !was.contains(element) || (here.contains(element) && there.contains(element))
    };
    let added = theirs.iter().filter(|element| !here.contains(*element));
    let merged: Vec<String> =
        ours.iter().chain(added).filter(|element| stays(element)).map(|(text, _)| text.clone()).collect();
    if merged.is_empty() { Said::Nothing } else { Said::Set(merged) }
}

/// Each element with how many like it stand before it: of a list that names one twice, the second is
/// an element of its own.
fn counted(list: &[String]) -> Vec<(String, usize)> {
    let mut seen = BTreeMap::new();
    let mut counted = Vec::with_capacity(list.len());
    for text in list {
        let before = seen.entry(text).or_insert(0);
        counted.push((text.clone(), *before));
        *before += 1;
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::state::id::TaskId;
    use crate::state::status::Status;
    use crate::state::task::Task;
    use proptest::prelude::*;

    const PATH: &str = ".orchestrator/tasks/t.toml";

    fn base() -> Task {
        let mut task = Task::new(TaskId::new("t").unwrap(), "Title");
        task.labels = vec!["a".to_owned(), "b".to_owned()];
        task.acceptance = vec!["one".to_owned(), "two".to_owned()];
        task
    }

    fn changed(change: impl FnOnce(&mut Task)) -> String {
        let mut task = base();
        change(&mut task);
        task::rewrite(PATH, &task::write(&base()), &task).unwrap()
    }

    fn read(text: &str) -> Task {
        task::read(PATH, text.as_bytes()).value.unwrap_or_else(|| panic!("it does not load\n{text}"))
    }

    fn merged(ours: &str, theirs: &str) -> Result<String, Unmerged> {
        merge(PATH, Before::Text(&task::write(&base())), ours, theirs)
    }

    #[test]
    fn a_field_that_one_side_changed_is_as_that_side_has_it() {
        let ours = changed(|task| {
            task.status = Status::Blocked;
            task.reason = Some("a key".to_owned());
        });
        let theirs = changed(|task| {
            task.title = "Better".to_owned();
            task.priority = 0;
        });
        let task = read(&merged(&ours, &theirs).unwrap());
        assert_eq!((task.status, task.reason.as_deref()), (Status::Blocked, Some("a key")));
        assert_eq!((&*task.title, task.priority), ("Better", 0));
    }

    #[test]
    fn sets_have_what_was_added_and_lack_what_was_removed() {
        let ours = changed(|task| {
            task.labels = vec!["b".to_owned(), "c".to_owned()];
            task.acceptance.push("ours".to_owned());
        });
        let theirs = changed(|task| {
            task.labels = ["a", "b", "d"].map(str::to_owned).to_vec();
            task.acceptance.insert(0, "theirs".to_owned());
        });
        let task = read(&merged(&ours, &theirs).unwrap());
        assert_eq!(task.labels, ["b", "c", "d"]);
        assert_eq!(task.acceptance, ["one", "two", "ours", "theirs"]);
    }

    #[test]
    fn what_a_list_names_twice_is_there_twice_on_whichever_side_it_is() {
        let ours = changed(|task| task.acceptance.push("one".to_owned()));
        let theirs = changed(|task| task.acceptance.remove(1).clear());
        for (one, other) in [(&ours, &theirs), (&theirs, &ours)] {
            assert_eq!(read(&merged(one, other).unwrap()).acceptance, ["one", "one"]);
        }
        let (three, four) = (
            changed(|task| task.acceptance = vec!["x".to_owned(); 3]),
            changed(|task| task.acceptance = vec!["x".to_owned(); 4]),
        );
        for (one, other) in [(&three, &four), (&four, &three)] {
            assert_eq!(read(&merged(one, other).unwrap()).acceptance.len(), 4);
        }
    }

    #[test]
    fn an_estimate_that_both_sides_made_by_the_formula_is_made_anew() {
        let estimated = |change: &dyn Fn(&mut Task)| {
            changed(|task| {
                change(task);
                crate::state::estimate::put(task);
            })
        };
        let before = estimated(&|_| {});
        let ours = estimated(&|task| task.files = vec!["a".to_owned(), "b".to_owned()]);
        let theirs = estimated(&|task| task.complexity = Some(9));
        let wanted = estimated(&|task| {
            task.files = vec!["a".to_owned(), "b".to_owned()];
            task.complexity = Some(9);
        });
        for (one, other) in [(&ours, &theirs), (&theirs, &ours)] {
            assert_eq!(merge(PATH, Before::Text(&before), one, other), Ok(wanted.clone()));
        }
        // What a person said about it is nobody's to change.
        let by_hand = changed(|task| {
            task.estimate = Some(crate::state::task::Estimate {
                tokens: Some(1),
                ..crate::state::estimate::predict(task)
            });
        });
        let clash = merge(PATH, Before::Text(&before), &ours, &by_hand);
        assert!(
            matches!(&clash, Err(Unmerged::Clashes(clashes)) if clashes[0].field == "estimate.tokens"),
            "{clash:?}"
        );
    }

    #[test]
    fn history_is_what_happened_on_either_side() {
        let run = |text: &str| Some(crate::state::id::RunId::new(text).unwrap());
        let (early, late) = ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "01BRZ3NDEKTSV4RRFFQ69G5FAV");
        let ours = changed(|task| {
            task.history.attempts = 10;
            task.history.last_run = run(early);
        });
        let theirs = changed(|task| {
            task.history.attempts = 9;
            task.history.last_run = run(late);
        });
        for (one, other) in [(&ours, &theirs), (&theirs, &ours)] {
            let task = read(&merged(one, other).unwrap());
            assert_eq!((task.history.attempts, task.history.last_run), (10, run(late)));
        }
    }

    #[test]
    fn what_both_changed_is_named_with_both_values() {
        let ours = changed(|task| task.status = Status::Done);
        let theirs = changed(|task| task.status = Status::Cancelled);
        let clash = Clash {
            field: "status".to_owned(),
            ours: Some("\"done\"".to_owned()),
            theirs: Some("\"cancelled\"".to_owned()),
        };
        assert_eq!(merged(&ours, &theirs), Err(Unmerged::Clashes(vec![clash])));
    }

    #[test]
    fn without_a_common_beginning_only_what_is_equal_or_history_is_merged() {
        let ours = changed(|task| task.history.attempts = 2);
        let theirs = changed(|task| task.history.attempts = 3);
        assert_eq!(merge(PATH, Before::Unknown, &ours, &theirs), Ok(theirs));
        let theirs = changed(|task| task.labels.push("c".to_owned()));
        let unknown = merge(PATH, Before::Unknown, &ours, &theirs);
        assert!(
            matches!(&unknown, Err(Unmerged::Clashes(clashes)) if clashes[0].field == "labels"),
            "{unknown:?}"
        );
        // Of a file that both added, everything is added.
        let both = read(&merge(PATH, Before::Nothing, &ours, &theirs).unwrap());
        assert_eq!((both.history.attempts, both.labels.len()), (2, 3));
    }

    #[test]
    fn comments_and_keys_of_somebody_else_are_never_lost() {
        let plain = changed(|task| task.priority = 1);
        let with = |line: &str| format!("{}\n{line}\n", task::write(&base()));
        for (ours, theirs) in [(&plain, &with("# mine")), (&with("# mine"), &plain)] {
            let text = merged(ours, theirs).unwrap();
            assert!(text.contains("# mine") && text.contains("priority = 1"), "{text}");
        }
        assert_eq!(merged(&with("# mine"), &with("# other")), Err(Unmerged::Unknown));
        assert_eq!(merged(&with("[x]\na = 1"), &with("[x]\na = 2")), Err(Unmerged::Unknown));
    }

    #[test]
    fn a_note_is_merged_by_its_keys() {
        let path = ".orchestrator/notes/n.yaml";
        let before = "schema: 1\nid: n\nkind: decision\ntext: x\nstatus: in_force\n";
        let ours = before.replace("in_force", "superseded");
        let theirs =
            before.replace("text: x\n", "text: x\nbecause: y\ntasks:\n  - t\n") + "x-mine: [1]  # here\n";
        for (one, other) in [(&ours, &theirs), (&theirs, &ours)] {
            let text = merge(path, Before::Text(before), one, other).unwrap();
            assert_eq!(text, theirs.replace("in_force", "superseded"));
        }
        let clash = merge(path, Before::Text(before), &ours, &before.replace("in_force", "retired"));
        assert!(
            matches!(&clash, Err(Unmerged::Clashes(clashes)) if clashes[0].field == "status"),
            "{clash:?}"
        );
        let other = theirs.replace("[1]", "[2]");
        assert_eq!(merge(path, Before::Text(before), &theirs, &other), Err(Unmerged::Unknown));
    }

    #[test]
    fn run_records_checkpoints_and_settings_are_not_merged() {
        for path in [".orchestrator/runs/2026-11/r.toml", ".orchestrator/config.toml", "x"] {
            assert_eq!(merge(path, Before::Nothing, "a", "b"), Err(Unmerged::NotByFields));
        }
        assert!(matches!(merge(PATH, Before::Nothing, "a", "b"), Err(Unmerged::Invalid(_))));
    }

    /// The fields of a file by name, lists as sets.
    fn by_name(text: &str) -> Vec<Field> {
        let mut fields =
            task::version(PATH, text).unwrap_or_else(|_| panic!("it does not load\n{text}")).fields;
        for (_, said) in &mut fields {
            if let Said::Set(list) = said {
                list.sort();
            }
        }
        fields
    }

    proptest! {
        #[test]
        fn a_merge_is_fair_and_its_result_loads(
            before in samples::task(), ours in samples::task(), theirs in samples::task(), mask in any::<u32>(),
        ) {
            let named = |task: &Task| Task { id: TaskId::new("t").unwrap(), parent: None, depends_on: Vec::new(), ..task.clone() };
            let text = |task: &Task| task::write(&named(task));
            // Each field of a side is its own or the one from before.
            let mix = |side: &Task, bits: u32| {
                let (old, mut new) = (named(&before), named(side));
                let keep = |bit: u32| bits >> bit & 1 == 0;
                if keep(0) { new.title.clone_from(&old.title); }
                if keep(1) { (new.status, new.reason) = (old.status, old.reason.clone()); }
                if keep(2) { new.priority = old.priority; }
                if keep(3) { new.labels.clone_from(&old.labels); }
                if keep(4) { new.acceptance.clone_from(&old.acceptance); }
                if keep(5) { new.description.clone_from(&old.description); }
                if keep(6) { new.history = old.history.clone(); }
                if keep(7) { new.estimate.clone_from(&old.estimate); }
                if keep(8) { (new.kind, new.complexity) = (old.kind, old.complexity); }
                if keep(9) {
                    new.created = old.created;
                    new.source.clone_from(&old.source);
                    new.source_digest.clone_from(&old.source_digest);
                    new.run.clone_from(&old.run);
                }
                if keep(10) {
                    new.files.clone_from(&old.files);
                    new.allow.clone_from(&old.allow);
                }
                new
            };
            let (was, one, other) = (text(&before), text(&mix(&ours, mask)), text(&mix(&theirs, mask >> 16)));
            let there = merge(PATH, Before::Text(&was), &one, &other);
            let back = merge(PATH, Before::Text(&was), &other, &one);
            match (&there, &back) {
                (Ok(there), Ok(back)) => {
                    prop_assert_eq!(by_name(there), by_name(back));
                    let (was, one, other) = (by_name(&was), by_name(&one), by_name(&other));
                    for (index, field) in by_name(there).into_iter().enumerate() {
                        if one[index] == was[index] { prop_assert_eq!(&field, &other[index]); }
                        if other[index] == was[index] { prop_assert_eq!(&field, &one[index]); }
                    }
                }
                (Err(Unmerged::Clashes(there)), Err(Unmerged::Clashes(back))) => {
                    let turned = |clash: &Clash| Clash {
                        field: clash.field.clone(), ours: clash.theirs.clone(), theirs: clash.ours.clone(),
                    };
                    prop_assert_eq!(there, &back.iter().map(turned).collect::<Vec<_>>());
                }
                (there, back) => prop_assert_eq!(there.is_ok(), back.is_ok(), "{:?} {:?}", there, back),
            }
            // Where one side changed nothing, the other side is the result.
            let text = merge(PATH, Before::Text(&was), &was, &one);
            prop_assert_eq!(text.as_ref().map(|text| by_name(text)), Ok(by_name(&one)));
        }

        #[test]
        fn nothing_that_it_is_given_makes_it_fail(before in ".{0,80}", ours in ".{0,80}", theirs in ".{0,80}") {
            for path in [PATH, ".orchestrator/notes/t.yaml"] {
                let _ = merge(path, Before::Text(&before), &ours, &theirs);
                let _ = super::super::marks::sides(&ours);
            }
        }
    }
}
