//! Issues of a forge: GitHub, Gitea and Forgejo, GitLab. One payload of a webhook, one issue, or the
//! list that the forge's interface or its command line prints.
//!
//! What an issue depends on may have come with an earlier payload: such edges leave here as references
//! to a source. Whoever wrote the issue is not known to be somebody who may give orders: where the
//! forge says that the author is a stranger, the task waits for approval.

use super::draft::{Draft, Harvest};
use super::fields::{Record, number, text};
use super::issue::{self, Found, PROPOSED, QUEUED};
use super::text::{decode, time};
use super::{ForeignFile, Format, LossKind, beads};
use crate::state::status::Status;
use crate::state::task::{Estimate, Kind};
use serde_json::Value;

/// Why a task that says too little waits; a later import of the same issue may take it back.
pub(super) const NEEDS_DETAILS: &str = "needs details";

/// Reads issues.
pub(super) fn read(format: Format, files: &[&ForeignFile]) -> Harvest {
    let mut harvest = Harvest::default();
    for file in files {
        match serde_json::from_str::<Value>(&decode(&file.bytes)) {
            Ok(Value::Array(records)) => {
                for (at, record) in records.iter().enumerate() {
                    let place = format!("{}: issue {}", file.path, at + 1);
                    one(format, &place, record, &mut harvest);
                }
            }
            Ok(record) => one(format, &file.path, &record, &mut harvest),
            Err(error) => {
                let place = format!("{}:{}", file.path, error.line());
                let fact = format!("not valid JSON: {}", beads::without_place(&error));
                harvest.losses.tell(LossKind::Skipped, &place, fact);
            }
        }
    }
    harvest
}

/// One issue, alone or in the payload of an event.
fn one(format: Format, place: &str, value: &Value, harvest: &mut Harvest) {
    let Some(outer) = value.as_object() else {
        harvest.losses.tell(LossKind::Skipped, place, "not a record");
        return;
    };
    let within = ["issue", "object_attributes"].iter().find_map(|key| outer.get(*key)?.as_object());
    let record = within.unwrap_or(outer);
    if record.contains_key("pull_request") || text(outer, &["object_kind"]) == "merge_request" {
        harvest.losses.tell(LossKind::Skipped, place, "a pull request is not a task");
        return;
    }
    let Some(number) = number(record, "number").or_else(|| number(record, "iid")).filter(|n| *n > 0) else {
        harvest.losses.tell(LossKind::Skipped, place, "no issue with a `number` in it");
        return;
    };
    let Some(repository) = repository(outer, record) else {
        harvest.losses.tell(LossKind::Skipped, place, "the repository of the issue is not named in it");
        return;
    };
    let draft = draft(format, place, &repository, number, (outer, record), harvest);
    harvest.drafts.push(draft);
}

fn draft(
    format: Format,
    place: &str,
    repository: &str,
    number: i64,
    (outer, record): (&Record, &Record),
    harvest: &mut Harvest,
) -> Draft {
    let mut draft = Draft::new(format!("{repository}#{number}"), place.to_owned());
    draft.id = format!("{}-{number}", prefix(format));
    draft.title = text(record, &["title"]);
    draft.created = time(&text(record, &["created_at", "createdAt"]));
    let labels = [record, outer].iter().find_map(|record| record.get("labels")?.as_array());
    draft.labels = labels.into_iter().flatten().filter_map(issue::label).collect();
    let found = issue::read(&draft.title, &draft.labels, &text(record, &["body", "description"]));
    let confidence = found.confidence;
    harvest.take(&mut draft, found, repository);
    if let Some((status, reason)) = ended(outer, record) {
        (draft.status, draft.reason) = (status, reason);
    } else {
        let action = |record| text(record, &["action"]);
        draft.is_reopened = [action(outer), action(record)].iter().any(|action| action.starts_with("reopen"));
        let author = text(record, &["author_association", "authorAssociation"]);
        harvest.judge(&mut draft, confidence, &author);
    }
    draft
}

impl Harvest {
    /// Puts what an issue says into its draft.
    fn take(&mut self, draft: &mut Draft, found: Found, repository: &str) {
        draft.kind = found.kind.unwrap_or(Kind::Feature);
        if let Some(word) = &found.priority {
            self.set_priority(draft, word);
        }
        self.set_complexity(draft, found.complexity.map(Value::String).as_ref());
        let key = |name: String| match name.strip_prefix('#') {
            Some(number) => format!("{repository}#{number}"),
            None => name,
        };
        draft.depends_on = found.depends_on.into_iter().map(key).filter(|name| *name != draft.key).collect();
        draft.parent = found.parent.map(key).filter(|name| *name != draft.key);
        draft.labels.extend(found.labels);
        draft.files = found.files;
        draft.acceptance = found.acceptance;
        draft.description = found.description;
        draft.estimate = found.estimate;
        if draft.kind != Kind::Epic {
            let confidence = Some(f64::from(found.confidence) / 100.0);
            draft.estimate = Some(Estimate { confidence, ..draft.estimate.take().unwrap_or_default() });
        }
    }

    /// An open issue waits for a person where its text says little, or its author is a stranger.
    fn judge(&mut self, draft: &mut Draft, confidence: u32, author: &str) {
        let sure = f64::from(confidence) / 100.0;
        let is_stranger =
            matches!(author, "NONE" | "FIRST_TIMER" | "FIRST_TIME_CONTRIBUTOR" | "MANNEQUIN" | "CONTRIBUTOR");
        let fact = if confidence < PROPOSED {
            draft.status = Status::Blocked;
            draft.reason = Some(NEEDS_DETAILS.to_owned());
            format!("its text says too little (confidence {sure:.2}): describe it in the issue")
        } else if confidence < QUEUED {
            draft.status = Status::Proposed;
            format!("its text is understood with a confidence of {sure:.2}: a person has to approve it")
        } else if is_stranger {
            draft.status = Status::Proposed;
            format!("its author is `{author}` here: a person has to approve it")
        } else {
            return;
        };
        self.losses.tell(LossKind::Mapped, &draft.key, fact);
    }
}

/// Where an issue that is closed or gone stands; none while it is open.
fn ended(outer: &Record, record: &Record) -> Option<(Status, Option<String>)> {
    let why = text(record, &["state_reason", "stateReason"]).to_ascii_lowercase();
    let is_closed = text(record, &["state"]).eq_ignore_ascii_case("closed");
    if matches!(text(outer, &["action"]).as_str(), "deleted" | "transferred") {
        Some((Status::Cancelled, Some("the issue is gone".to_owned())))
    } else if is_closed && matches!(why.as_str(), "not_planned" | "duplicate") {
        Some((Status::Cancelled, Some(why.replace('_', " "))))
    } else {
        is_closed.then_some((Status::Done, None))
    }
}

/// `owner/name`, by whichever field names it.
fn repository(outer: &Record, record: &Record) -> Option<String> {
    let within = |key: &str, names: &[&str]| {
        outer.get(key).or_else(|| record.get(key)).and_then(Value::as_object).map(|found| text(found, names))
    };
    let named = within("repository", &["full_name"])
        .or_else(|| within("project", &["path_with_namespace"]))
        .filter(|name| !name.is_empty());
    let of_reference = || {
        let references = record.get("references")?.as_object()?;
        text(references, &["full"]).split_once('#').map(|(name, _)| name.to_owned())
    };
    let of_address = || {
        let address = text(record, &["repository_url", "html_url", "web_url", "url"]);
        let (_, path) = address.split_once("://")?.1.split_once('/')?;
        let path = path
            .strip_prefix("repos/")
            .or_else(|| path.split_once("/repos/").map(|(_, p)| p))
            .unwrap_or(path);
        let name = path.split("/-/").next()?.split("/issues").next()?;
        Some(name.to_owned())
    };
    let name = named.or_else(of_reference).or_else(of_address)?;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    (name.contains('/') && name.len() <= 200 && name.chars().all(legal)).then_some(name)
}

fn prefix(format: Format) -> &'static str {
    match format {
        Format::Gitlab => "gl",
        Format::Gitea => "gt",
        Format::Github
        | Format::Beads
        | Format::TaskMaster
        | Format::BacklogMd
        | Format::SpecKit
        | Format::Ralph
        | Format::Tk
        | Format::Weathervane => "gh",
    }
}
