//! What a command answers, and how it is printed: standard output is data, standard error is talk.

use super::error::CliError;
use super::exit::Exit;
use crate::prompt::fence;
use crate::report::logged::{Level, said};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// One JSON object a line, as things happen.
    Jsonl,
    /// Markdown, for a CI job's summary.
    Md,
    /// A picture for Graphviz (`orch graph` only).
    Dot,
    /// A picture for Mermaid (`orch graph` only).
    Mermaid,
    /// A picture (`orch graph` only).
    Svg,
    /// For people (`orch graph` only: the picture in text).
    Text,
    /// Metrics (`orch status` only).
    Openmetrics,
    /// A trace for OpenTelemetry, in JSON (`orch show` only).
    Otlp,
}

/// How talk on standard error is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line, with time and severity.
    Json,
}

/// The file that an `--output` names; none is standard output, which `-` stands for too.
pub(super) fn file(output: Option<&PathBuf>) -> Option<&Path> {
    output.map(PathBuf::as_path).filter(|path| *path != Path::new("-"))
}

/// What a command answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// How the program ends.
    pub exit: Exit,
    /// For programs.
    pub data: Value,
    /// For programs, already written as JSON; used in place of `data` where an answer is long.
    pub written: Option<String>,
    /// For people, on standard output.
    pub human: String,
    /// The line that says how it ended; none means the first one for people.
    pub ended: Option<String>,
    /// For a job summary; none means the same as for people, in a code block.
    pub md: Option<String>,
    /// Things a person should know.
    pub warnings: Vec<String>,
    /// What to look at before it becomes worse; an annotation each in CI.
    pub alerts: Vec<String>,
    /// What to type next.
    pub hints: Vec<String>,
    /// Whether a rejected task is tried again by itself.
    pub steps_left: bool,
}

impl Answer {
    /// An answer that ends well.
    pub fn ok(data: Value, human: impl Into<String>) -> Self {
        Self {
            exit: Exit::Ok,
            data,
            written: None,
            human: human.into(),
            ended: None,
            md: None,
            warnings: Vec::new(),
            alerts: Vec::new(),
            hints: Vec::new(),
            steps_left: true,
        }
    }

    /// An answer for programs only, already written as JSON.
    pub fn written(json: String) -> Self {
        Self { written: Some(json), ..Self::ok(Value::Null, "") }
    }

    /// The same answer with another end.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// The same answer with something to type next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// How a command is printed.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// The form.
    pub format: Format,
    /// No talk.
    pub quiet: bool,
    /// Whether it runs in CI: exit codes and annotations.
    pub ci: bool,
    /// Whether CI is one that reads `::warning::` lines.
    pub annotations: bool,
    /// Now, where talk is for programs.
    pub log: Option<jiff::Timestamp>,
}

/// What goes to standard output and standard error, and the number to end with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// Data.
    pub stdout: String,
    /// Talk.
    pub stderr: String,
    /// The exit code.
    pub code: u8,
}

/// Renders what a command answered.
#[must_use]
pub fn render(command: &str, result: &Result<Answer, CliError>, style: Style) -> Printed {
    let (exit, steps_left) = match result {
        Ok(answer) => (answer.exit, answer.steps_left),
        Err(error) => (error.exit, true),
    };
    let code = if style.ci { exit.ci_code(steps_left) } else { exit.code() };
    let remark = remark(result, exit).filter(|_| style.ci && code == 0);
    let document = |more: &str| {
        let ending = Ending { exit, code, remark: remark.as_deref() };
        format!("{}\n", crate::report::safe::json(&envelope(command, result, ending, more)))
    };
    let stdout = match style.format {
        Format::Json => document(""),
        Format::Jsonl => document("\"event\":\"end\","),
        Format::Md => match result {
            Ok(answer) => answer.md.clone().unwrap_or_else(|| match answer.human.as_str() {
                "" => String::new(),
                human => block(human),
            }),
            Err(error) => format!("**error** `{}`\n\n{}", exit.word(), block(&error.render())),
        },
        Format::Human
        | Format::Dot
        | Format::Mermaid
        | Format::Svg
        | Format::Text
        | Format::Openmetrics
        | Format::Otlp => result.as_ref().map_or(String::new(), |answer| answer.human.clone()),
    };
    // What goes to the log of a job is read by its runner too.
    let stdout = if style.annotations { crate::report::safe::inert(&stdout).into_owned() } else { stdout };
    let mut stderr = talk(result, style, remark.as_deref().map(|text| (level(exit), text)));
    if style.ci && style.annotations {
        stderr.push_str(&annotations(result, exit, code));
    }
    Printed { stdout, stderr, code }
}

/// Lines as a block of Markdown that nothing in them ends.
fn block(text: &str) -> String {
    let fence = fence(text);
    format!("{fence}text\n{text}{fence}\n")
}

/// How the program ends.
#[derive(Clone, Copy)]
struct Ending<'e> {
    exit: Exit,
    code: u8,
    /// What is to be known of an end that is green in CI.
    remark: Option<&'e str>,
}

/// The one JSON document of an answer, with more keys put in as they are.
fn envelope(command: &str, result: &Result<Answer, CliError>, ending: Ending<'_>, more: &str) -> String {
    let value;
    let (data, warnings) = match result {
        Ok(answer) => {
            value = if answer.written.is_some() { String::new() } else { answer.data.to_string() };
            (answer.written.as_deref().unwrap_or(&value), answer.warnings.as_slice())
        }
        Err(error) => {
            let mut data = json!({"errors": error.facts, "hints": error.hints});
            if let Some(time) = error.retry_after {
                data["retry_after"] = json!(time.to_string());
            }
            if error.is_away {
                data["unreachable"] = json!(true);
            }
            value = data.to_string();
            (value.as_str(), [].as_slice())
        }
    };
    format!(
        "{{\"code\":\"{}\",\"data\":{data},{more}\"exit\":{},\"ok\":{},\"schema\":\"orch.{command}/1\",\"warnings\":{}}}",
        ending.exit.word(),
        ending.code,
        ending.code == 0,
        json!(warnings.iter().map(String::as_str).chain(ending.remark).collect::<Vec<_>>()),
    )
}

fn talk(result: &Result<Answer, CliError>, style: Style, remark: Option<(&'static str, &str)>) -> String {
    let told = !style.quiet && style.format == Format::Human;
    // A runner that reads annotations is told of it by one.
    let remark = remark.filter(|_| !style.annotations);
    let text = match (result, style.log) {
        (result, Some(now)) => logged(result, told, remark, now),
        (Ok(answer), None) => {
            let hints = answer.hints.iter().filter(|_| told).map(|hint| ("hint", hint.as_str()));
            let warnings = answer.warnings.iter().map(|warning| ("warning", warning.as_str()));
            let all = warnings.chain(remark).chain(hints);
            all.map(|(word, said)| format!("{word}: {}\n", crate::report::safe::text(said))).collect()
        }
        (Err(error), None) => crate::report::safe::lines(&error.render()),
    };
    crate::report::safe::inert(&text).into_owned()
}

/// The same for programs, one object a line.
fn logged(
    result: &Result<Answer, CliError>,
    told: bool,
    remark: Option<(&'static str, &str)>,
    now: jiff::Timestamp,
) -> String {
    let (errors, warnings, hints) = match result {
        Ok(answer) => ([].as_slice(), answer.warnings.as_slice(), answer.hints.as_slice()),
        Err(error) => (error.facts.as_slice(), [].as_slice(), error.hints.as_slice()),
    };
    let hints =
        hints.iter().filter(|_| told || result.is_err()).map(|text| (Level::Info, "hint", text.as_str()));
    let warnings = warnings.iter().map(|text| (Level::Warn, "warning", text.as_str()));
    let errors = errors.iter().map(|text| (Level::Error, "error", text.as_str()));
    let remark = remark.filter(|_| result.is_ok()).map(|(word, text)| match word {
        "notice" => (Level::Info, word, text),
        _ => (Level::Warn, word, text),
    });
    let all = errors.chain(warnings).chain(remark).chain(hints);
    all.map(|(level, event, text)| format!("{}\n", said(now, level, event, text))).collect()
}

/// How loud CI is to be about an end; empty where there is nothing to say.
fn level(exit: Exit) -> &'static str {
    match exit {
        Exit::Ok | Exit::Idle | Exit::Busy => "",
        Exit::Paused | Exit::NeedsReview => "notice",
        Exit::Waiting | Exit::Rejected | Exit::AgentFailed | Exit::AgentTimeout => "warning",
        Exit::Error
        | Exit::Usage
        | Exit::Invalid
        | Exit::NoProject
        | Exit::NoAgent
        | Exit::Git
        | Exit::Interrupted
        | Exit::Terminated => "error",
    }
}

/// What CI is told about an end, in one line.
fn remark(result: &Result<Answer, CliError>, exit: Exit) -> Option<String> {
    let text = match result {
        Ok(answer) => {
            let first = || answer.human.lines().next().unwrap_or_default().to_owned();
            answer.ended.clone().unwrap_or_else(first)
        }
        Err(error) => error.facts.first().cloned().unwrap_or_default(),
    };
    Some(text).filter(|_| !level(exit).is_empty())
}

/// Lines that GitHub's runners show on the job: red where a person is needed.
fn annotations(result: &Result<Answer, CliError>, exit: Exit, code: u8) -> String {
    // What makes the job red is no mere warning.
    let level = if code == 0 { level(exit) } else { "error" };
    let line = |text: String| format!("::{level} title=orch {}::{}\n", exit.word(), escaped(&text));
    let mut lines = remark(result, exit).map(line).unwrap_or_default();
    for alert in result.iter().flat_map(|answer| &answer.alerts) {
        lines.push_str(&format!("::warning title=orch alert::{}\n", escaped(alert)));
    }
    lines
}

/// A text in an annotation.
fn escaped(text: &str) -> String {
    crate::report::safe::text(text).replace('%', "%25").replace(['\r', '\n'], "%0A")
}
