//! The Model Context Protocol over lines of JSON-RPC: what is asked, and the answer.
//!
//! In: one line, and who carries out calls. Out: one line, or none for a notification. Invariant: every
//! line that is not understood is answered with an error and changes nothing. Written here: it is five
//! methods on two streams, and the official library brings an asynchronous runtime and some ninety
//! packages for them.

use super::tool::{TOOLS, Tool, find};
use serde_json::{Map, Value, json};

/// The longest line that is read, in bytes.
pub const LINE_LIMIT: usize = 1 << 20;

/// The versions of the protocol whose messages these are, the newest last.
const VERSIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// What a call of a tool gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// A JSON document, or a sentence.
    pub text: String,
    /// Whether it could not be done.
    pub failed: bool,
}

/// Carries out a call of a tool.
pub type Carry<'c> = dyn FnMut(&Tool, &Map<String, Value>) -> Given + 'c;

/// What is wrong with a message, as the protocol numbers it.
struct Wrong(i64, String);

/// The answer to one line.
#[must_use]
pub fn answer(line: &[u8], carry: &mut Carry<'_>) -> Option<String> {
    let message: Value = match serde_json::from_slice(line) {
        Ok(message) => message,
        Err(error) => return Some(refusal(&Value::Null, &Wrong(-32_700, format!("no JSON: {error}")))),
    };
    let id = message.get("id").cloned();
    let fits = id.as_ref().is_none_or(|id| id.is_string() || id.is_number() || id.is_null());
    let Some(method) = message.get("method").and_then(Value::as_str).filter(|_| fits) else {
        // An answer to something that was never asked is nobody's.
        let is_answer = message.get("result").is_some() || message.get("error").is_some();
        let wrong = Wrong(-32_600, "no request: `method` is missing".to_owned());
        return (!is_answer).then(|| refusal(&Value::Null, &wrong));
    };
    let id = id?;
    let empty = Map::new();
    let params = message.get("params").and_then(Value::as_object).unwrap_or(&empty);
    Some(match result(method, params, carry) {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string(),
        Err(wrong) => refusal(&id, &wrong),
    })
}

/// The answer to a line that is longer than any is read.
#[must_use]
pub fn too_long() -> String {
    refusal(&Value::Null, &Wrong(-32_600, format!("a line has more than {LINE_LIMIT} bytes")))
}

fn refusal(id: &Value, wrong: &Wrong) -> String {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": wrong.0, "message": wrong.1}}).to_string()
}

fn result(method: &str, params: &Map<String, Value>, carry: &mut Carry<'_>) -> Result<Value, Wrong> {
    match method {
        "initialize" => Ok(initialized(params)),
        "ping" => Ok(json!({})),
        "tools/list" => Ok(json!({"tools": TOOLS.iter().map(Tool::shape).collect::<Vec<_>>()})),
        "tools/call" => {
            let name = params.get("name").and_then(Value::as_str).unwrap_or_default();
            let tool = find(name).ok_or_else(|| Wrong(-32_602, format!("there is no tool `{name}`")))?;
            let empty = Map::new();
            let arguments = match params.get("arguments") {
                None | Some(Value::Null) => &empty,
                Some(Value::Object(arguments)) => arguments,
                Some(_) => return Err(Wrong(-32_602, "`arguments` is no object".to_owned())),
            };
            Ok(shown(&carry(tool, arguments)))
        }
        other => Err(Wrong(-32_601, format!("there is no method `{other}`"))),
    }
}

/// The version that was asked for, where it is known, else the newest one.
fn initialized(params: &Map<String, Value>) -> Value {
    let asked = params.get("protocolVersion").and_then(Value::as_str);
    let newest = VERSIONS[VERSIONS.len() - 1];
    let version = asked.filter(|asked| VERSIONS.contains(asked)).unwrap_or(newest);
    json!({
        "protocolVersion": version,
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "orch", "version": env!("CARGO_PKG_VERSION")},
        "instructions": "Tasks, their order and what is known of this project. Inside of a step, notes and new tasks \
                         are proposals that land with the step's commit.",
    })
}

fn shown(given: &Given) -> Value {
    let mut shown = json!({"content": [{"type": "text", "text": given.text}], "isError": given.failed});
    if let Ok(document @ Value::Object(_)) = serde_json::from_str(&given.text) {
        shown["structuredContent"] = document;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(line: &str) -> Option<Value> {
        let mut carry = |tool: &Tool, arguments: &Map<String, Value>| Given {
            text: json!({"tool": tool.name, "with": arguments}).to_string(),
            failed: false,
        };
        answer(line.as_bytes(), &mut carry).map(|line| {
            assert!(!line.contains('\n'));
            serde_json::from_str(&line).unwrap()
        })
    }

    #[test]
    fn a_conversation() {
        let hello = asked(
            r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#,
        );
        assert_eq!(hello.unwrap()["result"]["protocolVersion"], "2025-06-18");
        assert_eq!(asked(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#), None);
        let tools = asked(r#"{"jsonrpc":"2.0","id":"a","method":"tools/list"}"#).unwrap();
        assert_eq!(tools["result"]["tools"].as_array().unwrap().len(), TOOLS.len());
        let called = asked(
            r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"next","arguments":{"limit":2}}}"#,
        );
        let called = called.unwrap();
        assert_eq!(called["result"]["structuredContent"], json!({"tool": "next", "with": {"limit": 2}}));
        assert_eq!(called["result"]["isError"], false);
    }

    #[test]
    fn what_is_not_understood_is_answered_with_an_error() {
        for (line, code) in [
            ("{", -32_700),
            ("\u{0}", -32_700),
            ("[]", -32_600),
            ("3", -32_600),
            (r#"{"id":{},"method":"ping"}"#, -32_600),
            (r#"{"id":1,"method":"resources/list"}"#, -32_601),
            (r#"{"id":1,"method":"tools/call"}"#, -32_602),
            (r#"{"id":1,"method":"tools/call","params":{"name":"approve"}}"#, -32_602),
            (r#"{"id":1,"method":"tools/call","params":{"name":"next","arguments":[1]}}"#, -32_602),
        ] {
            assert_eq!(asked(line).unwrap()["error"]["code"], code, "{line}");
        }
        assert_eq!(asked(r#"{"id":1,"result":{}}"#), None);
        let deep = "[".repeat(100_000);
        assert_eq!(asked(&deep).unwrap()["error"]["code"], -32_700);
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "\\PC{0,200}") {
            let _ = asked(&line);
        }
    }
}
