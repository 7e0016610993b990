//! What a line says by the rules of JSON-RPC 2.0.
//!
//! In: a line. Out: a request for the library, an answer that can be given at once, or nothing to do. Invariant: a
//! notification is never answered; whatever else is not understood is answered with the code that the rules have for
//! it, and with `"id": null` where it has none that could be read. Lists of messages are refused: the protocol has had
//! none since 2025-06-18.

use rmcp::RoleServer;
use rmcp::model::{ClientRequest, JsonRpcMessage};
use rmcp::service::RxJsonRpcMessage;
use serde_json::{Map, Value, json};

/// The longest line that is read, in bytes.
pub(super) const LINE_LIMIT: usize = 1 << 20;

/// The line is no JSON.
const PARSE: i64 = -32_700;
/// It is JSON, and no request.
const REQUEST: i64 = -32_600;
/// What it asks for takes other parameters.
const PARAMS: i64 = -32_602;

/// The methods that are answered here, whose parameters have a form.
const METHODS: [&str; 4] = ["initialize", "ping", "tools/list", "tools/call"];

/// What a line says.
#[derive(Debug)]
pub(super) enum Said {
    /// It asks for something.
    Asks(Box<RxJsonRpcMessage<RoleServer>>),
    /// It is answered like this.
    Refused(Value),
    /// Nobody waits for an answer.
    Nothing,
}

/// What a line says.
pub(super) fn said(line: &[u8]) -> Said {
    if line.len() > LINE_LIMIT {
        return refused(&Value::Null, REQUEST, &format!("a line has at most {LINE_LIMIT} bytes"));
    }
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return Said::Nothing;
    }
    match serde_json::from_slice(line) {
        Ok(Value::Object(message)) => of_message(message),
        Ok(Value::Array(_)) => refused(&Value::Null, REQUEST, "one message a line, no lists of them"),
        Ok(_) => refused(&Value::Null, REQUEST, "a message is an object"),
        Err(error) => refused(&Value::Null, PARSE, &format!("not JSON: {error}")),
    }
}

fn of_message(mut message: Map<String, Value>) -> Said {
    let id = message.get("id").cloned();
    let is_id = |id: &Value| id.is_string() || id.is_i64();
    let known = id.clone().filter(is_id).unwrap_or_default();
    if message.get("jsonrpc").is_none_or(|version| version != "2.0") {
        return refused(&known, REQUEST, "`jsonrpc` is not \"2.0\"");
    }
    let method = match message.get("method") {
        Some(Value::String(method)) => method.clone(),
        // We ask for nothing, so nothing waits for what is answered.
        None if message.contains_key("result") || message.contains_key("error") => return Said::Nothing,
        Some(_) | None => return refused(&known, REQUEST, "`method` is not a text"),
    };
    match id {
        None => return Said::Nothing,
        Some(id) if !is_id(&id) => return refused(&known, REQUEST, "`id` is not a text or a whole number"),
        Some(_) => {}
    }
    match message.get("params") {
        Some(Value::Object(_)) | None => {}
        Some(Value::Array(_)) => return refused(&known, PARAMS, "parameters have names here"),
        Some(Value::Null) => drop(message.remove("params")),
        Some(_) => return refused(&known, REQUEST, "`params` is not an object"),
    }
    let wrong = || refused(&known, PARAMS, &format!("`{method}` takes other parameters"));
    // What the library does not know by its form, it takes for a method of somebody else's.
    let foreign = |request: &ClientRequest| matches!(request, ClientRequest::CustomRequest(_));
    match serde_json::from_value::<RxJsonRpcMessage<RoleServer>>(Value::Object(message)) {
        Ok(JsonRpcMessage::Request(asked)) if METHODS.contains(&&*method) && foreign(&asked.request) => {
            wrong()
        }
        Ok(JsonRpcMessage::Request(asked)) => Said::Asks(Box::new(JsonRpcMessage::Request(asked))),
        Ok(_) | Err(_) => wrong(),
    }
}

fn refused(id: &Value, code: i64, message: &str) -> Said {
    Said::Refused(json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}))
}
