//! The tools that orch offers to agents: thin, without a state of their own, each one a command of orch's.
//!
//! In: the name of a tool and its arguments. Out: a command line, or a proposal for the step that the
//! caller works in. Invariant: no tool changes the status of a task; no argument becomes an option.

use crate::state::note::NoteKind;
use crate::state::task::Kind;
use serde_json::{Map, Value, json};

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Text,
    Number,
    Switch,
    Texts,
    Tasks,
    TaskKind,
    NoteKind,
}

/// One parameter of a tool.
#[derive(Debug, Clone, Copy)]
struct Param {
    name: &'static str,
    /// The flag of the command; none where it stands by itself.
    flag: Option<&'static str>,
    holds: Holds,
    required: bool,
    what: &'static str,
}

const fn flag(name: &'static str, flag: &'static str, holds: Holds, what: &'static str) -> Param {
    Param { name, flag: Some(flag), holds, required: false, what }
}

const fn bare(name: &'static str, what: &'static str) -> Param {
    must(name, Holds::Text, what)
}

const fn must(name: &'static str, holds: Holds, what: &'static str) -> Param {
    Param { name, flag: None, holds, required: true, what }
}

/// A tool.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    command: &'static str,
    what: &'static str,
    changes: bool,
    params: &'static [Param],
}

/// All tools.
pub const TOOLS: [Tool; 8] = [
    Tool {
        name: "status",
        command: "status",
        what: "How the project stands: queue, health, quality, cost.",
        changes: false,
        params: &[],
    },
    Tool {
        name: "auth_status",
        command: "auth",
        what: "Which agents are installed and logged in, and what to do about the others.",
        changes: false,
        params: &[],
    },
    Tool {
        name: "next",
        command: "next",
        what: "The task that the next step would take, and why; with a limit, the queue.",
        changes: false,
        params: &[flag("limit", "--limit", Holds::Number, "At most so many")],
    },
    Tool {
        name: "task_list",
        command: "list",
        what: "Tasks, open ones unless all are asked for.",
        changes: false,
        params: &[
            flag("status", "--status", Holds::Texts, "Only these statuses"),
            flag("kind", "--kind", Holds::Texts, "Only these kinds"),
            flag("label", "--label", Holds::Texts, "Only what has all of these labels"),
            flag("ready", "--ready", Holds::Switch, "Only what a step may take"),
            flag("all", "--all", Holds::Switch, "Closed tasks, too"),
            flag("limit", "--limit", Holds::Number, "At most so many"),
        ],
    },
    Tool {
        name: "task_show",
        command: "show",
        what: "One task whole, with its checkpoints and runs.",
        changes: false,
        params: &[bare("id", "The task's id")],
    },
    Tool {
        name: "task_add",
        command: "add",
        what: "Writes a task down. Inside of a step: proposes it, in the step's own commit, for a person to approve.",
        changes: true,
        params: &[
            bare("title", "What is to be done, in one line"),
            flag("body", "--body", Holds::Text, "What it is about"),
            flag("kind", "--kind", Holds::TaskKind, "What kind of work it is"),
            flag("priority", "--priority", Holds::Number, "0 (urgent) to 4 (someday)"),
            flag("complexity", "--complexity", Holds::Number, "1 to 10"),
            flag("depends_on", "--depends-on", Holds::Texts, "Ids of tasks that have to be done first"),
            flag("labels", "--label", Holds::Texts, "Labels"),
            flag("files", "--file", Holds::Texts, "Globs of what it will change"),
            flag("acceptance", "--accept", Holds::Texts, "What \"done\" means"),
        ],
    },
    Tool {
        name: "note",
        command: "note",
        what: "Writes down what later steps should know. Inside of a step: in the step's own commit.",
        changes: true,
        params: &[
            must("kind", Holds::NoteKind, "What kind of knowledge it is"),
            bare("text", "The knowledge"),
            flag("topic", "--topic", Holds::Text, "What it is about, in a word"),
        ],
    },
    Tool {
        name: "plan_propose",
        command: "",
        what: "Proposes several tasks at once, from inside of a step; they land with the step's commit, for a person to approve.",
        changes: true,
        params: &[must(
            "tasks",
            Holds::Tasks,
            "The tasks: title, body, kind, key (a name for the others), depends_on (ids or keys), complexity, priority, labels, files, acceptance",
        )],
    },
];

/// What a call comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// A command line, without the name of the program.
    Command(Vec<String>),
    /// Something that the step in which the caller works is to take up: an outcome's `notes` or `follow_ups`.
    Proposal(Value),
}

/// The tool of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

impl Tool {
    /// As `tools/list` shows it.
    #[must_use]
    pub fn shape(&self) -> Value {
        let mut properties = Map::new();
        for param in self.params {
            let mut shape = match param.holds {
                Holds::Text => json!({"type": "string"}),
                Holds::Number => json!({"type": "integer", "minimum": 0}),
                Holds::Switch => json!({"type": "boolean"}),
                Holds::Texts => json!({"type": "array", "items": {"type": "string"}}),
                Holds::TaskKind | Holds::NoteKind => json!({"type": "string", "enum": param.words()}),
                Holds::Tasks => {
                    json!({"type": "array", "minItems": 1, "items": {"type": "object", "required": ["title"],
                    "properties": {"title": {"type": "string"}, "kind": {"type": "string", "enum": kinds()}}}})
                }
            };
            shape["description"] = json!(param.what);
            properties.insert(param.name.to_owned(), shape);
        }
        let required: Vec<&str> =
            self.params.iter().filter(|param| param.required).map(|param| param.name).collect();
        json!({
            "name": self.name, "description": self.what,
            "inputSchema": {
                "type": "object", "properties": properties, "required": required, "additionalProperties": false,
            },
            "annotations": {"readOnlyHint": !self.changes, "destructiveHint": false, "openWorldHint": false},
        })
    }

    /// What a call of it comes to; `in_step` says whether the caller works in a step.
    ///
    /// # Errors
    /// When an argument is missing, unknown or of the wrong type; which.
    pub fn call(&self, arguments: &Map<String, Value>, in_step: bool) -> Result<Call, String> {
        if let Some(unknown) = arguments.keys().find(|key| self.params.iter().all(|param| param.name != *key))
        {
            return Err(format!("`{}` takes no `{unknown}`", self.name));
        }
        let missing = |param: &&Param| param.required && arguments.get(param.name).is_none_or(Value::is_null);
        if let Some(param) = self.params.iter().find(missing) {
            return Err(format!("`{}` needs `{}`", self.name, param.name));
        }
        let (mut words, mut last) = (vec![self.command.to_owned()], Vec::new());
        for param in self.params {
            let Some(value) = arguments.get(param.name).filter(|value| !value.is_null()) else { continue };
            let texts =
                param.texts(value).ok_or_else(|| format!("`{}` is not {}", param.name, param.wanted()))?;
            match (param.flag, param.holds) {
                (Some(flag), Holds::Switch) => words.extend(texts.iter().map(|_| flag.to_owned())),
                // Joined, so that what begins with a dash is no flag of its own.
                (
                    Some(flag),
                    Holds::Text
                    | Holds::Number
                    | Holds::Texts
                    | Holds::Tasks
                    | Holds::TaskKind
                    | Holds::NoteKind,
                ) => words.extend(texts.iter().map(|text| format!("{flag}={text}"))),
                (None, _) => last.extend(texts),
            }
        }
        if in_step && self.changes {
            return Ok(Call::Proposal(self.proposal(arguments)));
        }
        if self.command.is_empty() {
            return Err(format!("`{}` is for agents inside of a step; use `task_add`", self.name));
        }
        if !last.is_empty() {
            words.push("--".to_owned());
            words.extend(last);
        }
        Ok(Call::Command(words))
    }

    /// What a step is to take up, in the words of an outcome file.
    fn proposal(&self, arguments: &Map<String, Value>) -> Value {
        match self.name {
            "note" => json!({"notes": [arguments]}),
            "plan_propose" => json!({"follow_ups": arguments.get("tasks")}),
            _ => json!({"follow_ups": [arguments]}),
        }
    }
}

impl Param {
    /// The texts that a value stands for; none if it is of the wrong type.
    fn texts(&self, value: &Value) -> Option<Vec<String>> {
        let text = |value: &Value| value.as_str().filter(|text| !text.contains('\0')).map(str::to_owned);
        match self.holds {
            Holds::Text => text(value).map(|text| vec![text]),
            Holds::TaskKind | Holds::NoteKind => {
                text(value).filter(|text| self.words().contains(&text.as_str())).map(|text| vec![text])
            }
            Holds::Number => value.as_u64().map(|number| vec![number.to_string()]),
            Holds::Switch => value.as_bool().map(|on| if on { vec![String::new()] } else { Vec::new() }),
            Holds::Texts => value.as_array()?.iter().map(text).collect(),
            Holds::Tasks => {
                let titled = |task: &Value| task.get("title").is_some_and(Value::is_string).then(String::new);
                value.as_array().filter(|tasks| !tasks.is_empty())?.iter().map(titled).collect()
            }
        }
    }

    fn wanted(&self) -> String {
        let wanted = match self.holds {
            Holds::Text => "a text",
            Holds::Number => "a whole number",
            Holds::Switch => "true or false",
            Holds::Texts => "a list of texts",
            Holds::Tasks => "a list of tasks, each with a title",
            Holds::TaskKind | Holds::NoteKind => return format!("one of {}", self.words().join(", ")),
        };
        wanted.to_owned()
    }

    /// The words that it can be; none where it is no word of ours.
    fn words(&self) -> Vec<&'static str> {
        match self.holds {
            Holds::TaskKind => kinds(),
            Holds::NoteKind => NoteKind::ALL.into_iter().map(NoteKind::as_str).collect(),
            Holds::Text | Holds::Number | Holds::Switch | Holds::Texts | Holds::Tasks => Vec::new(),
        }
    }
}

fn kinds() -> Vec<&'static str> {
    Kind::ALL.into_iter().map(Kind::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, arguments: &Value, in_step: bool) -> Result<Call, String> {
        find(name).unwrap().call(arguments.as_object().unwrap(), in_step)
    }

    #[test]
    fn no_argument_becomes_an_option() {
        let arguments =
            json!({"title": "--no-commit", "body": "--run=x", "labels": ["-x", "a b"], "kind": "bug"});
        let Call::Command(words) = call("task_add", &arguments, false).unwrap() else { panic!("a command") };
        assert_eq!(
            words,
            ["add", "--body=--run=x", "--kind=bug", "--label=-x", "--label=a b", "--", "--no-commit"]
        );
    }

    #[test]
    fn inside_of_a_step_nothing_but_proposals_is_made() {
        let note = json!({"kind": "learning", "text": "it is so"});
        assert_eq!(call("note", &note, true).unwrap(), Call::Proposal(json!({"notes": [note]})));
        let task = json!({"title": "more"});
        assert_eq!(call("task_add", &task, true).unwrap(), Call::Proposal(json!({"follow_ups": [task]})));
        assert!(TOOLS.iter().all(|tool| !["approve", "unblock", "reopen", "cancel"].contains(&tool.command)));
        assert!(matches!(call("task_show", &json!({"id": "t-1"}), true), Ok(Call::Command(_))));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        for (name, arguments, why) in [
            ("task_show", json!({}), "`task_show` needs `id`"),
            ("task_show", json!({"id": 3}), "`id` is not a text"),
            ("next", json!({"limit": -1}), "`limit` is not a whole number"),
            ("task_list", json!({"label": "x"}), "`label` is not a list of texts"),
            ("status", json!({"run": "rm"}), "`status` takes no `run`"),
            ("task_add", json!({"title": "x", "run": "rm"}), "`task_add` takes no `run`"),
            ("note", json!({"kind": "learning", "text": "a\u{0}b"}), "`text` is not a text"),
            (
                "note",
                json!({"kind": "nonsense", "text": "x"}),
                "`kind` is not one of decision, constraint, hypothesis, learning",
            ),
            ("plan_propose", json!({"tasks": [{}]}), "`tasks` is not a list of tasks, each with a title"),
        ] {
            assert_eq!(call(name, &arguments, false).unwrap_err(), why);
        }
    }
}
