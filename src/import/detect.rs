//! Which format files are in, and which files a format reads.

use super::beads::WORDS_OF_BEADS;
use super::text::{extension, name_of};
use super::{ForeignFile, Format};
use bstr::ByteSlice;

/// The format of files: by their names, else by how they begin.
pub(super) fn detect(files: &[ForeignFile]) -> Option<Format> {
    files.iter().find_map(by_name).or_else(|| files.iter().find_map(by_content))
}

/// The formats that the names of files tell.
pub(super) fn named(files: &[ForeignFile]) -> Vec<Format> {
    files.iter().filter_map(by_name).collect()
}

/// Whether a file's name makes it worth reading.
pub(super) fn wants(format: Format, path: &str) -> bool {
    let name = name_of(path);
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.to_ascii_lowercase().ends_with(suffix));
    match format {
        Format::Beads => ends(&[".jsonl"]),
        Format::TaskMaster => name == "tasks.json" || ends(&[".tasks.json"]),
        Format::BacklogMd => {
            ends(&[".md"]) || matches!(name, "config.yml" | "config.yaml" | "backlog.config.yml")
        }
        Format::SpecKit => ends(&["tasks.md"]),
        Format::Ralph => ends(&["prd.json", "tasks.jsonl", "prd.json.example"]),
        Format::Tk => ends(&[".md"]) && !path.contains(".locks/"),
        Format::Weathervane => ends(&[".yaml", ".yml"]),
        Format::Github | Format::Gitea | Format::Gitlab => ends(&[".json"]),
    }
}

fn by_name(file: &ForeignFile) -> Option<Format> {
    let path = format!("/{}", file.path);
    let name = name_of(&path);
    if path.contains("/.beads/") || matches!(name, "issues.jsonl" | "beads.jsonl") {
        Some(Format::Beads)
    } else if path.contains("/.taskmaster/") && name == "tasks.json" {
        Some(Format::TaskMaster)
    } else if path.contains("/.tickets/") {
        Some(Format::Tk)
    } else if name == "prd.json" || path.contains("/.ralph/") {
        Some(Format::Ralph)
    } else if path.contains("/specs/") && name == "tasks.md" {
        Some(Format::SpecKit)
    } else if name.contains(" - ")
        && ["/tasks/", "/completed/", "/drafts/"].iter().any(|dir| path.contains(dir))
    {
        Some(Format::BacklogMd)
    } else {
        None
    }
}

fn by_content(file: &ForeignFile) -> Option<Format> {
    let extension = extension(&file.path);
    if extension == "json" {
        return by_keys(&file.bytes);
    }
    let head = String::from_utf8_lossy(&file.bytes[..file.bytes.len().min(64 << 10)]);
    let has = |word: &str| head.contains(word);
    let front = head.trim_start_matches('\u{feff}').starts_with("---");
    if extension == "jsonl" {
        let is_beads = WORDS_OF_BEADS.iter().any(|word| has(&format!("\"{word}\"")));
        Some(if has("\"blocked_by\"") && !is_beads { Format::Ralph } else { Format::Beads })
    } else if has("\"userStories\"") {
        Some(Format::Ralph)
    } else if front && has("\ndeps:") {
        Some(Format::Tk)
    } else if front && has("\nid:") && (has("\ndependencies:") || has("\ncreated_date:")) {
        Some(Format::BacklogMd)
    } else if extension == "md" && head.lines().any(super::spec_kit::is_task_line) {
        Some(Format::SpecKit)
    } else if matches!(extension.as_str(), "yaml" | "yml") && has("epics:") {
        Some(Format::Weathervane)
    } else {
        None
    }
}

/// The format of a JSON document, by its keys wherever they are: what texts in it say does not count.
fn by_keys(bytes: &[u8]) -> Option<Format> {
    let has = |key: &str| has_key(bytes, key);
    if has("userStories") {
        Some(Format::Ralph)
    } else if let Some(forge) = forge(bytes) {
        Some(forge)
    } else {
        has("tasks").then_some(Format::TaskMaster)
    }
}

/// The forge that issues come from, by what only it writes.
fn forge(bytes: &[u8]) -> Option<Format> {
    let has = |key: &str| has_key(bytes, key);
    if !has("title") {
        None
    } else if has("object_attributes") || has("iid") {
        Some(Format::Gitlab)
    } else if !has("number") {
        None
    } else if has("node_id") || has("author_association") || is_on_github(bytes) {
        Some(Format::Github)
    } else {
        has("html_url").then_some(Format::Gitea)
    }
}

/// Whether an address in a JSON document is one of GitHub's; a link in a text is none.
fn is_on_github(bytes: &[u8]) -> bool {
    let is_there = |value: &[u8]| value.starts_with(b"\"https://github.com/");
    ["html_url", "url"].into_iter().any(|key| values(bytes, key).any(is_there))
}

/// Whether a JSON document has a key.
fn has_key(bytes: &[u8], key: &str) -> bool {
    values(bytes, key).next().is_some()
}

/// What follows each key of this name in a JSON document: in a text the quotes around it would be escaped, and no colon
/// follows a text.
fn values<'b>(bytes: &'b [u8], key: &str) -> impl Iterator<Item = &'b [u8]> {
    let quoted = format!("\"{key}\"");
    let ends: Vec<usize> = bytes.find_iter(&quoted).map(|at| at + quoted.len()).collect();
    let after = |end: usize| bytes[end..].trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start);
    ends.into_iter().filter_map(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(path: &str, text: &str) -> Vec<ForeignFile> {
        vec![ForeignFile { path: path.to_owned(), bytes: text.as_bytes().to_vec() }]
    }

    #[test]
    fn a_format_is_recognised_by_names_and_by_content() {
        let cases = [
            (".beads/issues.jsonl", "", Some(Format::Beads)),
            ("old.jsonl", "{\"id\":\"bd-1\",\"issue_type\":\"task\"}", Some(Format::Beads)),
            ("x/.taskmaster/tasks/tasks.json", "", Some(Format::TaskMaster)),
            ("a.json", "{\"master\": {\"tasks\": []}}", Some(Format::TaskMaster)),
            (".tickets/a-1.md", "", Some(Format::Tk)),
            ("a-1.md", "---\nid: a-1\ndeps: []\n---\n", Some(Format::Tk)),
            ("a.md", "---\nid: t-1\ndependencies: []\n---\n", Some(Format::BacklogMd)),
            ("tasks/back-1 - X.md", "", Some(Format::BacklogMd)),
            ("tasks.md", "- [ ] T001 [P] Do it\n", Some(Format::SpecKit)),
            ("plan.json", "{\"userStories\": []}", Some(Format::Ralph)),
            ("tasks.jsonl", "{\"id\":\"t\",\"blocked_by\":[]}", Some(Format::Ralph)),
            ("roadmap.yaml", "epics:\n- id: E1\n", Some(Format::Weathervane)),
            ("i.json", "[{\"number\": 1, \"title\": \"x\", \"node_id\": \"I\"}]", Some(Format::Github)),
            ("i.json", "[{\"number\": 1, \"title\": \"x\", \"html_url\": \"\"}]", Some(Format::Gitea)),
            ("i.json", "[{\"iid\": 1, \"title\": \"x\"}]", Some(Format::Gitlab)),
            (
                "i.json",
                "[{\"number\": 1, \"title\": \"x\", \"url\": \"https://github.com/a/b\"}]",
                Some(Format::Github),
            ),
            (
                "i.json",
                "[{\"number\": 1, \"title\": \"x\", \"html_url\": \"\", \"body\": \"as https://github.com/a/b\"}]",
                Some(Format::Gitea),
            ),
            ("i.json", "[{\"title\": \"iid\", \"number\" : 1, \"node_id\": \"I\"}]", Some(Format::Github)),
            ("i.json", "[{\"title\": \"tasks\", \"body\": \"\\\"userStories\\\": 1\"}]", None),
            ("README.md", "# hello\n", None),
        ];
        for (path, text, expected) in cases {
            assert_eq!(Format::detect(&one(path, text)), expected, "{path}");
        }
    }

    #[test]
    fn a_forge_is_recognised_however_long_a_text_comes_before_what_tells() {
        let body = "word ".repeat(40_000);
        let text = format!("{{\"body\": \"{body}\", \"number\": 1, \"title\": \"x\", \"node_id\": \"I\"}}");
        assert_eq!(Format::detect(&one("payload.json", &text)), Some(Format::Github));
    }

    #[test]
    fn what_else_lies_there_is_known_by_its_name() {
        let both = [one(".beads/issues.jsonl", ""), one(".taskmaster/tasks/tasks.json", "")].concat();
        assert_eq!(Format::detect(&both), Some(Format::Beads));
        let others = Format::Beads.others(&both, "old");
        assert_eq!(others.len(), 1);
        assert_eq!(others[0].detail, "is here, too: type `orch import task-master old`");
        assert_eq!(Format::Beads.others(&one("README.md", ""), "old"), []);
    }

    #[test]
    fn every_format_has_its_word() {
        for format in Format::ALL {
            assert_eq!(Format::parse(format.as_str()), Some(format));
        }
        assert_eq!(Format::parse("taskmaster"), Some(Format::TaskMaster));
        assert_eq!(Format::parse("backlog.md"), Some(Format::BacklogMd));
        assert_eq!(Format::parse("jira"), None);
    }
}
