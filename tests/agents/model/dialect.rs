//! What the dialects have in common: which one a path speaks, and which tool of a client does what.

use super::script::{Act, Asked, Failure, Usage};
use super::{anthropic, chat, gemini, responses};
use regex::Regex;
use serde_json::{Value, json};

/// What a request says.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) tools: Vec<String>,
    /// Results of tools since the last words of the user.
    pub(super) results: usize,
    pub(super) text: String,
}

impl Heard {
    /// Words of the user: what came before them is an earlier turn.
    pub(super) fn words(&mut self, text: String) {
        if !text.trim().is_empty() {
            self.results = 0;
            self.text = text;
        }
    }
}

/// What the model says in answer.
pub(super) enum Said {
    Text(String),
    /// A call of a tool with arguments.
    Call {
        tool: String,
        arguments: Value,
    },
    /// A call of a tool that takes plain text.
    Raw {
        tool: String,
        input: String,
    },
}

/// Status, headers and body.
pub(super) type Refusal = (u16, Vec<(&'static str, String)>, Value);

/// The words of one provider.
pub(super) trait Dialect {
    /// Reads a request.
    fn hear(&self, body: &Value) -> Heard;
    /// Whether it wants its answer event by event.
    fn is_streamed(&self, path: &str, body: &Value) -> bool;
    /// The answer as a whole.
    fn whole(&self, asked: &Asked, said: &Said, usage: Usage) -> Value;
    /// The answer event by event, the first of them without content.
    fn events(&self, asked: &Asked, said: &Said, usage: Usage) -> Vec<(Option<&'static str>, Value)>;
    /// How the provider refuses.
    fn refusal(&self, failure: Failure) -> Refusal;
}

/// The dialect of a path.
pub(super) fn of(path: &str) -> Option<Box<dyn Dialect>> {
    if path.ends_with("/messages") {
        Some(Box::new(anthropic::Anthropic))
    } else if path.ends_with("/responses") {
        Some(Box::new(responses::Responses))
    } else if path.ends_with("/chat/completions") {
        Some(Box::new(chat::Chat))
    } else if path.contains("enerateContent") {
        Some(Box::new(gemini::Gemini))
    } else {
        None
    }
}

/// An act in the words of the client's own tools.
pub(super) fn said(asked: &Asked, act: &Act) -> Said {
    match act {
        Act::Say(text) => Said::Text(text.clone()),
        Act::Shell(command) => run(asked, command),
        Act::Write { path, content } => write(asked, path, content),
        Act::Hang | Act::Cut | Act::Fail(_) | Act::Junk => Said::Text("It never".to_owned()),
    }
}

fn call(tool: &str, arguments: Value) -> Said {
    Said::Call { tool: tool.to_owned(), arguments }
}

fn run(asked: &Asked, command: &str) -> Said {
    let described = json!({"command": command, "description": "do what the test says"});
    for tool in ["Bash", "run_shell_command", "bash"] {
        if asked.offers(tool) {
            return call(tool, described);
        }
    }
    if asked.offers("exec_command") {
        return call("exec_command", json!({"cmd": command}));
    }
    if asked.offers("shell_command") {
        return call("shell_command", json!({"command": command}));
    }
    if asked.offers("exec") {
        let input = format!("text(await tools.exec_command({}))", json!({"cmd": command}));
        return Said::Raw { tool: "exec".to_owned(), input };
    }
    panic!("no tool for commands among {:?}", asked.tools)
}

fn write(asked: &Asked, path: &str, content: &str) -> Said {
    let whole = format!("{}/{path}", place(asked));
    if asked.offers("Write") {
        call("Write", json!({"file_path": whole, "content": content}))
    } else if asked.offers("write_file") {
        call("write_file", json!({"file_path": whole, "content": content}))
    } else if asked.offers("write") {
        call("write", json!({"filePath": whole, "content": content}))
    } else if asked.offers("create") {
        call("create", json!({"path": whole, "file_text": content}))
    } else if asked.offers("apply_patch") {
        let lines: String = content.lines().map(|line| format!("+{line}\n")).collect();
        let input = format!("*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n");
        Said::Raw { tool: "apply_patch".to_owned(), input }
    } else {
        panic!("no tool for files among {:?}", asked.tools)
    }
}

/// The directory that the client says it works in.
fn place(asked: &Asked) -> String {
    let said =
        Regex::new(r"(?i)(?:working directory|workspace directories?|<cwd>)[^/<]{0,40}(/[^\s<`\x22\\]+)");
    let body = asked.body.to_string();
    let found =
        said.expect("a pattern").captures(&body).map(|found| found[1].trim_end_matches('.').to_owned());
    found.unwrap_or_else(|| panic!("the client does not say where it works:\n{body}"))
}

/// All texts of a message's content, which is a text or a list of parts.
pub(super) fn text_of(content: &Value) -> String {
    if let Some(text) = content.as_str() {
        return text.to_owned();
    }
    let texts: Vec<&str> = list(content).iter().filter_map(|part| part["text"].as_str()).collect();
    texts.join("\n")
}

/// The items of a list, or none.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A field that is a text.
pub(super) fn word(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}
