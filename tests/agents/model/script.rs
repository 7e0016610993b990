//! What the model of a test says, without the words of any dialect.

use serde_json::Value;

/// What a client asked, in one request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Which of the requests that offer tools it is, from 1; 0 for one that offers none (a title, a summary).
    pub(crate) number: usize,
    /// The tools that it offers.
    pub(crate) tools: Vec<String>,
    /// How many results of tools it holds since the last words of the user.
    pub(crate) results: usize,
    /// The last words of the user.
    pub(crate) text: String,
    /// The key that it was made with.
    pub(crate) key: String,
    /// All of it.
    pub(crate) body: Value,
}

impl Asked {
    /// Whether a text is anywhere in it.
    pub(crate) fn contains(&self, text: &str) -> bool {
        let quoted = Value::from(text).to_string();
        self.body.to_string().contains(quoted.trim_matches('"'))
    }

    /// Whether it offers a tool.
    pub(crate) fn offers(&self, tool: &str) -> bool {
        self.tools.iter().any(|offered| offered == tool)
    }
}

/// The tokens that a reply says were used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// Those that were in no cache.
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) output: u64,
}

impl Usage {
    /// All that the model had before its eyes.
    pub(crate) fn context(self) -> u64 {
        self.input + self.cached
    }
}

/// What the model does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Words, and with them the end of the turn.
    Say(String),
    /// A command, by the tool that the client has for commands.
    Shell(String),
    /// A whole file, by the tool that the client has for that.
    Write { path: String, content: String },
    /// The provider refuses the request.
    Fail(Failure),
    /// The reply breaks off in the middle.
    Cut,
    /// The reply begins, and nothing more comes until the client goes away.
    Hang,
    /// A reply that no client can read.
    Junk,
}

/// The ways in which a provider refuses a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Failure {
    /// Too many requests; try again after so many seconds.
    RateLimit {
        retry_after_s: u64,
    },
    /// The subscription's share is used up until a time, in seconds since 1970.
    UsageLimit {
        resets_at: i64,
    },
    Overloaded,
    BadKey,
    NoModel,
    TooLong,
}

/// An act with the usage that comes with it.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) act: Act,
    pub(crate) usage: Usage,
}

impl Answer {
    fn new(act: Act) -> Self {
        Self { act, usage: Usage { input: 1_500, cached: 8_000, output: 42 } }
    }

    /// The same with a context of so many tokens.
    pub(crate) fn in_context(mut self, tokens: u64) -> Self {
        self.usage.cached = tokens.saturating_sub(self.usage.input);
        self
    }
}

/// Words, and the end of the turn.
pub(crate) fn say(text: &str) -> Answer {
    Answer::new(Act::Say(text.to_owned()))
}

/// A command.
pub(crate) fn shell(command: &str) -> Answer {
    Answer::new(Act::Shell(command.to_owned()))
}

/// A whole file; a relative path is one of the directory that the client works in.
pub(crate) fn write(path: &str, content: &str) -> Answer {
    Answer::new(Act::Write { path: path.to_owned(), content: content.to_owned() })
}

/// A refusal.
pub(crate) fn fail(failure: Failure) -> Answer {
    Answer::new(Act::Fail(failure))
}

/// A reply that breaks off.
pub(crate) fn cut() -> Answer {
    Answer::new(Act::Cut)
}

/// No reply for ever.
pub(crate) fn hang() -> Answer {
    Answer::new(Act::Hang)
}

/// Nothing of use.
pub(crate) fn junk() -> Answer {
    Answer::new(Act::Junk)
}

/// A script that says one after the other, and the last of them for ever.
pub(crate) fn in_turn(answers: impl Into<Vec<Answer>>) -> impl Fn(&Asked) -> Answer + Send + Sync {
    let answers = answers.into();
    move |asked| answers[(asked.number - 1).min(answers.len() - 1)].clone()
}
