//! Which format files are in, and which files a format reads.

use super::beads::WORDS_OF_BEADS;
use super::text::{extension, name_of};
use super::{ForeignFile, Format};

/// The format of files: by their names, else by how they begin.
pub(super) fn detect(files: &[ForeignFile]) -> Option<Format> {
    files.iter().find_map(by_name).or_else(|| files.iter().find_map(by_content))
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
    let head = String::from_utf8_lossy(&file.bytes[..file.bytes.len().min(64 << 10)]);
    let has = |word: &str| head.contains(word);
    let extension = extension(&file.path);
    let front = head.trim_start_matches('\u{feff}').starts_with("---");
    if extension == "jsonl" {
        let is_beads = WORDS_OF_BEADS.iter().any(|word| has(&format!("\"{word}\"")));
        Some(if has("\"blocked_by\"") && !is_beads { Format::Ralph } else { Format::Beads })
    } else if has("\"userStories\"") {
        Some(Format::Ralph)
    } else if let Some(forge) = forge(&head).filter(|_| extension == "json") {
        Some(forge)
    } else if extension == "json" && has("\"tasks\"") {
        Some(Format::TaskMaster)
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

/// The forge that issues come from, by what only it writes.
fn forge(head: &str) -> Option<Format> {
    let has = |word: &str| head.contains(word);
    if !has("\"title\"") {
        None
    } else if has("\"object_attributes\"") || has("\"iid\"") {
        Some(Format::Gitlab)
    } else if !has("\"number\"") {
        None
    } else if has("\"node_id\"") || has("github.com/") || has("\"author_association\"") {
        Some(Format::Github)
    } else {
        has("\"html_url\"").then_some(Format::Gitea)
    }
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
            ("README.md", "# hello\n", None),
        ];
        for (path, text, expected) in cases {
            assert_eq!(Format::detect(&one(path, text)), expected, "{path}");
        }
    }

    #[test]
    fn every_format_has_its_word() {
        for format in Format::ALL {
            assert_eq!(Format::parse(format.as_str()), Some(format));
        }
        assert_eq!(Format::parse("jira"), None);
    }
}
