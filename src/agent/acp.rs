//! Any agent that speaks the Agent Client Protocol: a dialogue of JSON-RPC messages, one a line.
//!
//! In: lines of the agent. Out: signals, and what is said back: who we are, which session, which model, the
//! prompt. Every tool is allowed, once: what holds the agent is the sandbox. It is offered neither our files
//! nor our terminal, so that it uses its own tools inside of the walls.

use super::account::Account;
use super::failure::{Failure, FailureKind};
use super::stream::{Listener, Session, Signal, Spent};
use super::wire::acp::{
    Choice, Content, Ended, Fault, Greeting, Message, News, Opened, Permission, ToolCall, Update,
};
use super::wire::{parse, part};
use super::{Brief, Known, command, copilot, gemini, invoke_with, opencode, sandbox, words};
use crate::config::{Adapter, Profile};
use crate::effects::{Finished, Input, Invocation};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fmt::Write as _;

/// The version of the protocol that is spoken here.
const VERSION: i64 = 1;
/// Kinds of tools that change nothing.
const READERS: &[&str] = &["read", "search", "think", "fetch"];
/// What an agent answers to who is not logged in.
const AUTH_REQUIRED: i64 = -32000;
/// The longest text that is put together from pieces, in bytes.
const TEXT: usize = 16 << 10;
/// How many of the newest tools are remembered.
const REMEMBERED: usize = 32;

/// The profile's program; the prompt is told to it when it asks for work.
pub(super) fn invocation(profile: &Profile, brief: &Brief<'_>) -> Invocation {
    let wanted = match sandbox::program_name(profile) {
        "copilot" => copilot::WANTED,
        "gemini" => gemini::WANTED,
        "opencode" => opencode::WANTED,
        _ => &[],
    };
    let argv = command::program(profile, brief);
    Invocation { stdin: Input::Dialogue, ..invoke_with(profile, brief, argv, Vec::new(), wanted) }
}

/// What we asked last, and now wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Greeting,
    Session,
    Model,
    Effort,
    Prompt,
    Nothing,
}

/// How far the dialogue has come.
pub(super) struct Acp {
    account: Account,
    asked: Asked,
    /// What is to be said, one message a line.
    words: String,
    model: Option<String>,
    effort: Option<String>,
    window: Option<u64>,
    greeting: Greeting,
    opened: Opened,
    session: String,
    spent: Spent,
    /// The message that is told in pieces, and its id.
    text: (String, String),
    /// The newest piece of it.
    piece: String,
    /// Tools that were told: id and title.
    tools: VecDeque<(String, String)>,
}

/// Who leads the dialogue.
pub(super) fn listener(profile: &Profile, known: &Known) -> Acp {
    let mut acp = Acp {
        account: Account::new(Adapter::Acp, known),
        asked: Asked::Greeting,
        words: String::new(),
        model: profile.model.clone(),
        effort: profile.effort.clone(),
        window: profile.context_window,
        greeting: Greeting::default(),
        opened: Opened::default(),
        session: String::new(),
        spent: Spent::default(),
        text: (String::new(), String::new()),
        piece: String::new(),
        tools: VecDeque::new(),
    };
    let files = json!({"readTextFile": false, "writeTextFile": false});
    let client = json!({"name": "orch", "title": "orch", "version": env!("CARGO_PKG_VERSION")});
    let capabilities = json!({"fs": files, "terminal": false});
    acp.ask(
        Asked::Greeting,
        "initialize",
        &json!({"protocolVersion": VERSION, "clientCapabilities": capabilities, "clientInfo": client}),
    );
    acp
}

impl Listener for Acp {
    fn line(&mut self, line: &[u8], signal: &mut dyn FnMut(Signal)) {
        let Some(message) = parse::<Message<'_>>(line) else { return };
        match (message.id, &*message.method) {
            (Some(id), "") => self.answered(id, &message, signal),
            (Some(id), "session/request_permission") => self.permit(id, part(message.params), signal),
            (Some(id), _) => self.refuse(id),
            (None, "session/update") => {
                self.account.heard();
                if let Some(News { update }) = part::<News<Update<'_>>>(message.params) {
                    self.update(&update, message.params, signal);
                }
            }
            (None, _) => {}
        }
    }

    fn says(&mut self) -> Option<Vec<u8>> {
        let words = std::mem::take(&mut self.words).into_bytes();
        (self.asked != Asked::Nothing || !words.is_empty()).then_some(words)
    }

    fn end(&mut self, finished: &Finished, signal: &mut dyn FnMut(Signal)) {
        self.flush(signal);
        self.account.end(finished, signal);
    }
}

impl Acp {
    fn say(&mut self, message: &Value) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.words, "{message}");
    }

    fn ask(&mut self, what: Asked, method: &str, params: &Value) {
        self.asked = what;
        self.say(&json!({"jsonrpc": "2.0", "id": what as u8, "method": method, "params": params}));
    }

    /// The answer to what we asked; another one is none.
    fn answered(&mut self, id: &RawValue, message: &Message<'_>, signal: &mut dyn FnMut(Signal)) {
        if id.get().parse() != Ok(self.asked as u8) || self.asked == Asked::Nothing {
            return;
        }
        self.account.heard();
        if message.error.is_some() {
            return self.over(Some(self.fault(&part(message.error).unwrap_or_default())), signal);
        }
        match self.asked {
            Asked::Greeting => self.greeted(part(message.result).unwrap_or_default(), signal),
            Asked::Session => self.opened(part(message.result).unwrap_or_default(), signal),
            Asked::Model => self.choose_effort(),
            Asked::Effort => self.prompt(),
            Asked::Prompt => self.ended(&part(message.result).unwrap_or_default(), signal),
            Asked::Nothing => {}
        }
    }

    /// The session that goes on.
    fn taken_up(&self) -> Option<String> {
        match &self.account.known().session {
            Session::New | Session::Named(_) => None,
            Session::Resumed(id) | Session::Compacted(id) => Some(id.clone()),
        }
    }

    fn greeted(&mut self, greeting: Greeting, signal: &mut dyn FnMut(Signal)) {
        self.greeting = greeting;
        if let Some(said) = self.greeting.other_version(VERSION) {
            return self.over(Some(Failure::new(FailureKind::WrongVersion, &said)), signal);
        }
        let dir = self.account.known().dir.to_string_lossy().into_owned();
        let mut params = json!({"cwd": dir, "mcpServers": []});
        let resumes = self.greeting.agent_capabilities.session_capabilities.resume.is_some();
        let method = match self.taken_up() {
            None => "session/new",
            Some(id) => {
                params["sessionId"] = Value::String(id);
                if resumes { "session/resume" } else { "session/load" }
            }
        };
        self.ask(Asked::Session, method, &params);
    }

    fn opened(&mut self, opened: Opened, signal: &mut dyn FnMut(Signal)) {
        self.session = self.taken_up().unwrap_or_else(|| opened.session_id.clone());
        let can = &self.greeting.agent_capabilities;
        let resumes = can.load_session || can.session_capabilities.resume.is_some();
        let id = &self.session;
        if resumes && (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
            signal(Signal::Session(id.clone()));
        }
        self.opened = opened;
        self.choose_model(signal);
    }

    /// Asks for the profile's model, where the agent lets it be chosen; else its command has to.
    fn choose_model(&mut self, signal: &mut dyn FnMut(Signal)) {
        let (listed, option) = (self.opened.models.current_model_id.clone(), self.option("model"));
        let current = option.as_ref().map_or(&listed, |(_, current)| current).clone();
        let Some(model) = self.model.take().filter(|model| *model != current) else {
            if !current.is_empty() {
                signal(Signal::Model(words::start(&current).to_owned()));
            }
            return self.choose_effort();
        };
        signal(Signal::Model(model.clone()));
        if let Some((id, _)) = option {
            self.configure(Asked::Model, &id, &model);
        } else if listed.is_empty() {
            self.choose_effort();
        } else {
            let params = json!({"sessionId": self.session, "modelId": model});
            self.ask(Asked::Model, "session/set_model", &params);
        }
    }

    fn choose_effort(&mut self) {
        let option = self.option("thought_level");
        match self.effort.take().zip(option).filter(|(effort, (_, current))| effort != current) {
            Some((effort, (id, _))) => self.configure(Asked::Effort, &id, &effort),
            None => self.prompt(),
        }
    }

    /// The id and the value of a setting of the session.
    fn option(&self, category: &str) -> Option<(String, String)> {
        let option = self.opened.config_options.iter().find(|option| option.category == category)?;
        Some((option.id.clone(), option.current_value.clone()))
    }

    fn configure(&mut self, what: Asked, id: &str, value: &str) {
        let params = json!({"sessionId": self.session, "configId": id, "value": value});
        self.ask(what, "session/set_config_option", &params);
    }

    fn prompt(&mut self) {
        let text = json!({"type": "text", "text": self.account.known().prompt});
        let params = json!({"sessionId": self.session, "prompt": [text]});
        self.ask(Asked::Prompt, "session/prompt", &params);
    }

    /// Allows a tool, once where that is offered.
    fn permit(&mut self, id: &RawValue, asked: Option<Permission<'_>>, signal: &mut dyn FnMut(Signal)) {
        let (call, options) = asked.map_or((None, Vec::new()), |asked| (asked.tool_call, asked.options));
        self.flush(signal);
        if let Some(call) = &call {
            self.tool(call, signal);
        }
        let of = |kind: &str| options.iter().find(|Choice { kind: offered, .. }| offered == kind);
        let outcome = if let Some(Choice { option_id, .. }) = of("allow_once").or_else(|| of("allow_always"))
        {
            json!({"outcome": "selected", "optionId": option_id})
        } else {
            let told = |call: &ToolCall<'_>| self.tools.iter().find(|(id, _)| id == words::start(&call.id));
            let title = call.as_ref().and_then(told).map_or("", |(_, title)| title);
            self.account.deny(if title.is_empty() { "a tool" } else { title }, signal);
            json!({"outcome": "cancelled"})
        };
        self.reply(id, "result", &json!({"outcome": outcome}));
    }

    /// What it may not ask for.
    fn refuse(&mut self, id: &RawValue) {
        self.reply(id, "error", &json!({"code": -32601, "message": "method not found"}));
    }

    fn reply(&mut self, id: &RawValue, key: &str, value: &Value) {
        let id: Value = serde_json::from_str(id.get()).unwrap_or_default();
        self.say(&json!({"jsonrpc": "2.0", "id": id, key: value}));
    }

    fn update(&mut self, update: &Update<'_>, whole: Option<&RawValue>, signal: &mut dyn FnMut(Signal)) {
        // Before the prompt was told, the session is what it was.
        if self.asked != Asked::Prompt {
            return;
        }
        match &*update.kind {
            "agent_message_chunk" => {
                self.account.goes_on();
                if self.text.0 != update.message_id {
                    self.flush(signal);
                    self.text.0 = update.message_id.to_string();
                }
                if let Some(piece) = part::<Content<'_>>(update.content) {
                    words::start(&piece.text).clone_into(&mut self.piece);
                    if self.text.1.len() < TEXT {
                        self.text.1.push_str(&self.piece);
                    }
                }
            }
            "agent_thought_chunk" => self.account.goes_on(),
            "tool_call" | "tool_call_update" => {
                self.flush(signal);
                if let Some(News { update }) = part::<News<ToolCall<'_>>>(whole) {
                    self.tool(&update, signal);
                }
            }
            "usage_update" => self.used(update, signal),
            _ => {}
        }
    }

    /// The message is whole.
    fn flush(&mut self, signal: &mut dyn FnMut(Signal)) {
        let (_, text) = std::mem::take(&mut self.text);
        if !text.is_empty() {
            self.account.text(&text, signal);
        }
    }

    /// A tool is used, perhaps one that was told before with fewer words.
    fn tool(&mut self, call: &ToolCall<'_>, signal: &mut dyn FnMut(Signal)) {
        let (id, title) = (words::start(&call.id), words::start(&call.title));
        let known = self.tools.iter_mut().find(|(known, _)| known == id);
        let reads = known.is_some() || READERS.contains(&&*call.kind);
        match known {
            Some((_, known)) if title.is_empty() || known == title => return,
            Some((_, known)) => title.clone_into(known),
            None => self.tools.push_back((id.to_owned(), title.to_owned())),
        }
        if self.tools.len() > REMEMBERED {
            self.tools.pop_front();
        }
        self.piece.clear();
        let kind = if call.kind.is_empty() { "tool" } else { &call.kind };
        self.account.tool(kind, title, reads, signal);
    }

    fn used(&mut self, update: &Update<'_>, signal: &mut dyn FnMut(Signal)) {
        let window = self.window.or(update.size.filter(|size| *size > 0));
        if let Some(used) = update.used {
            signal(Signal::Context { used, window });
        }
        if let Some(usd) = update.cost.as_ref().and_then(super::wire::acp::Cost::usd) {
            self.spent.cost_usd = Some(self.account.own_usd(usd));
            signal(Signal::Spent(self.spent));
        }
    }

    fn ended(&mut self, ended: &Ended, signal: &mut dyn FnMut(Signal)) {
        use FailureKind as K;
        let tokens = ended.tokens();
        if let Some(tokens) = tokens {
            self.spent.tokens = tokens;
            signal(Signal::Spent(self.spent));
        }
        let failed = |kind, said: &str| Some(Failure::new(kind, said));
        let failure = match &*ended.stop_reason {
            "max_tokens" => failed(K::OutputLimit, "one answer was longer than the model may write"),
            "max_turn_requests" => failed(K::MaxTurns, "it made all requests that it may make in a turn"),
            "refusal" => failed(K::Refusal, "the agent declined"),
            "cancelled" => failed(K::Crash, "its turn was interrupted"),
            "" => failed(K::Garbage, "its turn ended without saying how"),
            // It tells an error as if the model had said it, as the last it says; such a turn used nothing.
            _ if tokens.is_none() && self.greeting.is_of_copilot() => {
                self.piece.strip_prefix("Error: ").and_then(|said| {
                    let kind = words::class(said).or_else(|| words::class_of_status(words::status(said)?));
                    kind.map(|kind| self.account.dated(kind, said))
                })
            }
            _ => None,
        };
        self.over(failure, signal);
    }

    /// There is nothing more to say: its input ends, and it with that.
    fn over(&mut self, failure: Option<Failure>, signal: &mut dyn FnMut(Signal)) {
        self.flush(signal);
        if let Some(failure) = failure {
            self.account.fail(failure, signal);
        }
        self.account.finish(signal);
        self.asked = Asked::Nothing;
    }

    fn fault(&self, fault: &Fault) -> Failure {
        use FailureKind as K;
        let mut said = fault.said();
        let told = words::class(&said);
        let kind = match self.asked {
            _ if fault.code == AUTH_REQUIRED => {
                said.push_str(&self.greeting.ways_in());
                K::NotLoggedIn
            }
            Asked::Session if self.taken_up().is_some() => K::LostSession,
            Asked::Model => told.unwrap_or(K::UnknownModel),
            Asked::Greeting | Asked::Session | Asked::Effort | Asked::Prompt | Asked::Nothing => {
                let status = u16::try_from(fault.code).ok().and_then(words::class_of_status);
                told.or(status).unwrap_or(K::BadRequest)
            }
        };
        self.account.dated(kind, &said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;
    use std::path::PathBuf;

    const GREETING: &str =
        r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1,"agentCapabilities":{"loadSession":true}}}"#;
    const OPENED: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"sessionId":"s-1"}}"#;

    fn known(session: Session, earlier_usd: Option<f64>) -> Known {
        Known {
            session,
            prompt: "Do it.\n".to_owned(),
            dir: PathBuf::from("/work"),
            earlier: Spent { cost_usd: earlier_usd, ..Spent::default() },
            now: "2026-11-20T10:00:00Z".parse().unwrap(),
            zone: || TimeZone::UTC,
        }
    }

    fn profile(model: Option<&str>) -> Profile {
        Profile { model: model.map(str::to_owned), ..Profile::new("a", Adapter::Acp) }
    }

    /// What is said after each line, and what was heard.
    fn talk(profile: &Profile, known: &Known, lines: &[&str]) -> (Vec<Option<Vec<Value>>>, Vec<Signal>) {
        let mut acp = listener(profile, known);
        let mut heard = Vec::new();
        let values = |said: Vec<u8>| {
            let said = String::from_utf8(said).unwrap();
            said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let mut said = vec![acp.says().map(values)];
        for line in lines {
            acp.line(line.as_bytes(), &mut |signal| heard.push(signal));
            said.push(acp.says().map(values));
        }
        (said, heard)
    }

    fn methods(said: &[Option<Vec<Value>>]) -> Vec<&str> {
        said.iter().flatten().flatten().filter_map(|message| message["method"].as_str()).collect()
    }

    #[test]
    fn the_dialogue_goes_from_greeting_to_prompt_and_then_the_input_ends() {
        let done = r#"{"jsonrpc":"2.0","id":4,"result":{"stopReason":"end_turn"}}"#;
        let (said, heard) = talk(&profile(None), &known(Session::New, None), &[GREETING, OPENED, done]);
        assert_eq!(methods(&said), ["initialize", "session/new", "session/prompt"]);
        assert_eq!(said[1].as_ref().unwrap()[0]["params"]["cwd"], "/work");
        assert_eq!(said[2].as_ref().unwrap()[0]["params"]["prompt"][0]["text"], "Do it.\n");
        assert_eq!(said[3], None, "there is nothing more to say");
        assert_eq!(heard, [Signal::Session("s-1".to_owned()), Signal::Finished]);
    }

    #[test]
    fn tools_are_allowed_once_and_files_and_terminals_of_ours_are_not_given() {
        let asks = r#"{"jsonrpc":"2.0","id":"p/1","method":"session/request_permission","params":{"options":[
            {"optionId":"always","kind":"allow_always"},{"optionId":"once","kind":"allow_once"},{"optionId":"no","kind":"reject_once"}],
            "toolCall":{"toolCallId":"t","title":"rm x","kind":"delete"}}}"#;
        let asks = asks.replace('\n', "");
        let only_no = asks.replace("allow_", "maybe_");
        let reads =
            r#"{"jsonrpc":"2.0","id":7,"method":"fs/read_text_file","params":{"path":"/etc/shadow"}}"#;
        let (said, heard) =
            talk(&profile(None), &known(Session::New, None), &[GREETING, OPENED, &asks, &only_no, reads]);
        let answer = |at: usize| said[at].as_ref().unwrap()[0].clone();
        assert_eq!(
            answer(3),
            json!({"jsonrpc": "2.0", "id": "p/1", "result": {"outcome": {"outcome": "selected", "optionId": "once"}}})
        );
        assert_eq!(answer(4)["result"]["outcome"], json!({"outcome": "cancelled"}));
        assert_eq!((&answer(5)["id"], &answer(5)["error"]["code"]), (&json!(7), &json!(-32601)));
        assert!(heard.contains(&Signal::Tool("delete: rm x".to_owned())));
        assert!(heard.contains(&Signal::Denied("rm x".to_owned())));
    }

    #[test]
    fn a_model_is_asked_for_where_the_agent_lets_it_be_chosen() {
        let asks = |model: &str, opened: &str| {
            let opened = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"sessionId":"s-1",{opened}}}}}"#);
            let (said, _) = talk(&profile(Some(model)), &known(Session::New, None), &[GREETING, &opened]);
            said[2].as_ref().unwrap()[0].clone()
        };
        let listed = r#""models":{"currentModelId":"m-1","availableModels":[]}"#;
        assert_eq!(asks("m-1", listed)["method"], "session/prompt");
        assert_eq!(asks("m-2", listed)["params"], json!({"sessionId": "s-1", "modelId": "m-2"}));
        let option = r#""configOptions":[{"id":"llm","category":"model","currentValue":"m-1"}]"#;
        let set = asks("m-2", option);
        assert_eq!(set["method"], "session/set_config_option");
        assert_eq!(set["params"], json!({"sessionId": "s-1", "configId": "llm", "value": "m-2"}));
        assert_eq!(asks("m-2", r#""modes":{}"#)["method"], "session/prompt", "its command chooses");
        let opened = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"sessionId":"s-1",{listed}}}}}"#);
        let refused = r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"Invalid params"}}"#;
        let (said, heard) =
            talk(&profile(Some("m-2")), &known(Session::New, None), &[GREETING, &opened, refused]);
        assert_eq!(said[3], None);
        let failed = |signal: &Signal| matches!(signal, Signal::Failed(failure) if failure.kind == FailureKind::UnknownModel);
        assert!(heard.iter().any(failed), "{heard:?}");
    }

    #[test]
    fn a_session_is_taken_up_again_as_the_agent_offers_it() {
        let resumed = || known(Session::Resumed("s-0".to_owned()), Some(0.1));
        let (said, _) = talk(&profile(None), &resumed(), &[GREETING]);
        assert_eq!(methods(&said), ["initialize", "session/load"]);
        let resumes = GREETING.replace(r#""loadSession":true"#, r#""sessionCapabilities":{"resume":{}}"#);
        let replayed = r#"{"method":"session/update","params":{"update":{"sessionUpdate":"agent_message_chunk","content":{"text":"old"}}}}"#;
        let opened = r#"{"jsonrpc":"2.0","id":1,"result":null}"#;
        let costs = r#"{"method":"session/update","params":{"update":{"sessionUpdate":"usage_update","used":10,"size":100,"cost":{"amount":0.3,"currency":"USD"}}}}"#;
        let (said, heard) = talk(&profile(None), &resumed(), &[&resumes, replayed, opened, costs]);
        assert_eq!(methods(&said), ["initialize", "session/resume", "session/prompt"]);
        assert_eq!(said[1].as_ref().unwrap()[0]["params"]["sessionId"], "s-0");
        let cost = Signal::Spent(Spent { cost_usd: Some(0.2), ..Spent::default() });
        let context = Signal::Context { used: 10, window: Some(100) };
        assert_eq!(
            heard,
            [Signal::Session("s-0".to_owned()), context, cost],
            "what is old is not told again"
        );
    }

    #[test]
    fn who_is_not_logged_in_or_speaks_another_version_is_told_so() {
        let methods = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1,"authMethods":[{"id":"l","name":"Log in with It"}]}}"#;
        let out = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"Authentication required"}}"#;
        let kinds = |lines: &[&str]| {
            let (said, heard) = talk(&profile(None), &known(Session::New, None), lines);
            assert_eq!(said.last(), Some(&None));
            let Some(Signal::Failed(failure)) = heard.first() else { panic!("{heard:?}") };
            (failure.kind, failure.said.clone())
        };
        let said = "Authentication required (Log in with It)".to_owned();
        assert_eq!(kinds(&[methods, out]), (FailureKind::NotLoggedIn, said));
        let newer = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":2}}"#;
        assert_eq!(kinds(&[newer]).0, FailureKind::WrongVersion);
        let (kind, said) = kinds(&[r#"{"jsonrpc":"2.0","id":0,"result":{}}"#]);
        assert_eq!(kind, FailureKind::WrongVersion);
        assert_eq!(said, "it does not say which version of ACP it speaks, orch speaks version 1");
    }

    /// What is heard after the prompt was told to a new session of an agent with this greeting.
    fn heard_after(greeting: &str, lines: &[&str]) -> Vec<Signal> {
        let lines: Vec<&str> = [greeting, OPENED].into_iter().chain(lines.iter().copied()).collect();
        talk(&profile(None), &known(Session::New, None), &lines).1
    }

    fn failures(heard: &[Signal]) -> Vec<(FailureKind, &str)> {
        let mut failures = Vec::new();
        for signal in heard {
            if let Signal::Failed(failure) = signal {
                failures.push((failure.kind, &*failure.said));
            }
        }
        failures
    }

    #[test]
    fn a_turn_that_failed_is_never_told_as_finished_whatever_its_error_looks_like() {
        use FailureKind as K;
        let none = (K::Garbage, "its turn ended without saying how");
        for (end, failure) in [
            (
                r#""error":{"code":"429","message":"Rate limit exceeded"}"#,
                (K::RateLimit, "Rate limit exceeded"),
            ),
            (r#""error":{"code":429,"message":null}"#, (K::RateLimit, "its error has no words")),
            (r#""error":{"code":null,"message":{"a":1}}"#, (K::BadRequest, "its error has no words")),
            (r#""error":"it broke""#, (K::BadRequest, "its error has no words")),
            (r#""error":null,"result":{}"#, none),
            (r#""result":{"stopReason":null}"#, none),
            (r#""result":null"#, none),
        ] {
            let heard = heard_after(GREETING, &[&format!(r#"{{"jsonrpc":"2.0","id":4,{end}}}"#)]);
            assert_eq!(failures(&heard), [failure], "{end}");
        }
        let done = r#"{"jsonrpc":"2.0","id":4,"error":null,"result":{"stopReason":"end_turn"}}"#;
        assert_eq!(failures(&heard_after(GREETING, &[done])), []);
    }

    #[test]
    fn an_error_that_is_told_as_a_text_is_one_of_copilot_alone_and_of_its_last_words() {
        let copilot = GREETING.replace("{\"protocol", r#"{"agentInfo":{"name":"Copilot"},"protocol"#);
        let update = |update: &str| {
            format!(r#"{{"method":"session/update","params":{{"update":{{"sessionUpdate":{update}}}}}}}"#)
        };
        let text = update(r#""agent_message_chunk","content":{"text":"Error: 429 Too Many Requests"}"#);
        let tool = update(r#""tool_call","toolCallId":"t","title":"grep","kind":"search""#);
        let done = r#"{"jsonrpc":"2.0","id":4,"result":{"stopReason":"end_turn"}}"#;
        let failed = |greeting: &str, lines: &[&str]| failures(&heard_after(greeting, lines)).len();
        assert_eq!(failed(&copilot, &[&text, done]), 1);
        assert_eq!(failed(&copilot, &[&text, &tool, done]), 0, "it went on after that");
        assert_eq!(failed(&copilot, &[&tool, &text, done]), 1);
        assert_eq!(failed(GREETING, &[&text, done]), 0, "others say what they have read");
        let other = copilot.replace("Copilot", "Other");
        assert_eq!(failed(&other, &[&text, done]), 0);
    }

    #[test]
    fn a_tool_that_is_refused_has_the_name_that_was_told_before_or_none() {
        let told = r#"{"method":"session/update","params":{"update":{"sessionUpdate":"tool_call","toolCallId":"t","title":"rm x","kind":"delete"}}}"#;
        let asks = |call: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","id":9,"method":"session/request_permission","params":{{"options":[]{call}}}}}"#
            )
        };
        let denied = |lines: &[&str]| {
            let heard = heard_after(GREETING, lines);
            let Some(Signal::Denied(name)) = heard.last() else { panic!("{heard:?}") };
            name.clone()
        };
        let (known, other) =
            (asks(r#","toolCall":{"toolCallId":"t"}"#), asks(r#","toolCall":{"toolCallId":"u"}"#));
        assert_eq!(denied(&[told, &known]), "rm x");
        assert_eq!(denied(&[told, &other]), "a tool");
        assert_eq!(denied(&[told, &asks("")]), "a tool");
    }

    #[test]
    fn what_a_turn_used_is_understood_whether_its_parts_are_in_it_or_beside_it() {
        let used = |usage: &str| {
            let ended: Ended = serde_json::from_str(&format!(r#"{{"usage":{usage}}}"#)).unwrap();
            ended.tokens().map(|tokens| [tokens.input, tokens.cached, tokens.output, tokens.reasoning])
        };
        let within = r#"{"inputTokens":19000,"outputTokens":84,"totalTokens":19084,"thoughtTokens":14,"cachedReadTokens":16000,"cachedWriteTokens":600}"#;
        assert_eq!(used(within), Some([3_000, 16_000, 84, 14]));
        let beside = r#"{"inputTokens":1500,"outputTokens":35,"totalTokens":9542,"thoughtTokens":7,"cachedReadTokens":8000}"#;
        assert_eq!(used(beside), Some([1_500, 8_000, 42, 7]));
        assert_eq!(used("null"), None);
    }
}
