//! tk: a folder of tickets, each a Markdown file with front matter.

use super::draft::{Draft, Harvest};
use super::fields::{list, text};
use super::markdown::{self, demands, heading, sections};
use super::text::{decode, name_of, time};
use super::{ForeignFile, LossKind};

const READ: [&str; 13] = [
    "id",
    "title",
    "status",
    "deps",
    "links",
    "created",
    "type",
    "priority",
    "parent",
    "tags",
    "external-ref",
    "blocked_by",
    "created_at",
];

/// Reads the tickets.
pub(super) fn read(files: &[&ForeignFile]) -> Harvest {
    let mut harvest = Harvest::default();
    for file in files {
        let content = decode(&file.bytes);
        let Some(page) = markdown::page(&content) else {
            harvest.losses.tell(LossKind::Skipped, &file.path, "no front matter in it");
            continue;
        };
        if let Some(why) = &page.repaired {
            harvest.losses.tell(
                LossKind::Mapped,
                &file.path,
                format!("front matter read line by line: {why}"),
            );
        }
        let draft = ticket(file, &page, &mut harvest);
        harvest.drafts.push(draft);
    }
    harvest
}

fn ticket(file: &ForeignFile, page: &markdown::Page<'_>, harvest: &mut Harvest) -> Draft {
    let record = &page.record;
    let mut id = text(record, &["id"]).trim().to_owned();
    if id.is_empty() {
        name_of(&file.path).trim_end_matches(".md").clone_into(&mut id);
        harvest.losses.tell(
            LossKind::Mapped,
            &file.path,
            format!("no `id` in it, taken from its name: `{id}`"),
        );
    }
    let mut draft = Draft::new(id, file.path.clone());
    let (title, body) = titled(page.body);
    draft.title = if title.is_empty() { text(record, &["title"]) } else { title.to_owned() };
    harvest.set_status(&mut draft, &text(record, &["status"]));
    harvest.set_kind(&mut draft, &text(record, &["type"]));
    harvest.set_priority(&mut draft, &text(record, &["priority"]));
    draft.created = time(&text(record, &["created", "created_at"]));
    draft.depends_on = list(record, "deps");
    draft.depends_on.extend(list(record, "blocked_by"));
    draft.parent = Some(text(record, &["parent"])).filter(|parent| !parent.trim().is_empty());
    draft.labels = list(record, "tags");
    for _ in list(record, "links") {
        harvest.losses.count(LossKind::Dropped, "edges `links`", "have no meaning here");
    }
    let mut rest = Vec::new();
    for section in sections(&body, 2) {
        if section.heading.eq_ignore_ascii_case("acceptance criteria") {
            draft.acceptance.extend(demands(&section.lines));
        } else {
            if !section.heading.is_empty() {
                rest.push(format!("## {}", section.heading));
            }
            rest.extend(section.lines.iter().map(|line| (*line).to_owned()));
        }
    }
    draft.description =
        super::fields::joined(&[("", &rest.join("\n")), ("References", &text(record, &["external-ref"]))]);
    harvest.count_unread(record, &READ);
    draft
}

/// The first heading, and the body without it.
fn titled(body: &str) -> (&str, String) {
    let first = body.lines().position(|line| !line.trim().is_empty()).unwrap_or(0);
    let title = body.lines().nth(first).and_then(heading).filter(|(level, _)| *level == 1);
    match title {
        Some((_, title)) => (title, body.lines().skip(first + 1).collect::<Vec<_>>().join("\n")),
        None => ("", body.to_owned()),
    }
}
