//! The Model Context Protocol: our tools behind the official library, which keeps up with its versions.
//!
//! In: two streams of lines, and who carries out calls. Out: an answer for each request, in the order in
//! which they were asked. Invariant: a line that is not understood changes nothing and ends nothing
//! (`serve/message.rs`); what was asked before the input ended is answered before the conversation ends.

use super::lines::Lines;
use super::tool::{TOOLS, Tool, find};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, ServerInitializeError};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Map, Value};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

const INSTRUCTIONS: &str = "Tasks, their order and what is known of this project. Inside of a step, notes and new tasks \
                            are proposals that land with the step's commit.";

/// What a call of a tool gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// A JSON document, or a sentence.
    pub text: String,
    /// Whether it could not be done.
    pub failed: bool,
}

/// Carries out a call of a tool.
pub type Carry = dyn Fn(&Tool, &Map<String, Value>) -> Given + Send + Sync;

/// Why a conversation could not be had.
#[derive(Debug, thiserror::Error)]
pub enum TalkError {
    /// It did not begin.
    #[error("no conversation began: {0}")]
    Begin(Box<ServerInitializeError>),
    /// It broke off.
    #[error("the conversation broke off: {0}")]
    Lost(#[from] tokio::task::JoinError),
}

/// Answers what is asked on these streams until the input ends, or until nobody takes the answers.
///
/// # Errors
/// When the library gives up; no input makes it do so.
pub async fn talk<I, O>(input: I, output: O, carry: Arc<Carry>) -> Result<(), TalkError>
where
    I: AsyncRead + Send + Unpin + 'static,
    O: AsyncWrite + Send + Unpin + 'static,
{
    // A last line needs no end of its own.
    let input = input.chain(&b"\n"[..]);
    match rmcp::serve_server(Orch { carry }, Lines::new(input, output)).await {
        Ok(conversation) => {
            conversation.waiting().await?;
            Ok(())
        }
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::TransportError { .. }) => {
            Ok(())
        }
        Err(error) => Err(TalkError::Begin(Box::new(error))),
    }
}

/// What the library asks for answers.
struct Orch {
    carry: Arc<Carry>,
}

impl ServerHandler for Orch {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("orch", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools: Result<Vec<_>, _> =
            TOOLS.iter().map(|tool| serde_json::from_value(tool.shape())).collect();
        Ok(ListToolsResult::with_all_items(tools.map_err(internal)?))
    }

    async fn call_tool(
        &self,
        asked: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let unknown = || ErrorData::invalid_params(format!("there is no tool `{}`", asked.name), None);
        let tool = find(&asked.name).ok_or_else(unknown)?;
        let arguments = asked.arguments.unwrap_or_default();
        let carry = Arc::clone(&self.carry);
        // Beside the conversation, which a command that takes long or goes wrong does not end.
        let given = tokio::task::spawn_blocking(move || carry(tool, &arguments)).await.map_err(internal)?;
        Ok(shown(given).into())
    }
}

fn internal(error: impl std::fmt::Display) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

fn shown(given: Given) -> CallToolResult {
    let document = serde_json::from_str(&given.text).ok().filter(Value::is_object);
    let content = vec![ContentBlock::text(given.text)];
    let mut shown =
        if given.failed { CallToolResult::error(content) } else { CallToolResult::success(content) };
    shown.structured_content = document;
    shown
}

#[cfg(test)]
mod tests {
    use super::super::message::LINE_LIMIT;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const HELLO: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"a test","version":"1"}}}"#;

    /// The answers to these bytes; a call of `note` panics.
    fn asked(input: &[u8]) -> Vec<Value> {
        let carry = |tool: &Tool, arguments: &Map<String, Value>| {
            assert_ne!(tool.name, "note");
            Given { text: json!({"tool": tool.name, "with": arguments}).to_string(), failed: false }
        };
        let input = std::io::Cursor::new(input.to_vec());
        let (output, mut said) = tokio::io::duplex(1 << 20);
        let mut text = String::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            talk(input, output, Arc::new(carry)).await.unwrap();
            said.read_to_string(&mut text).await.unwrap();
        });
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn lines(lines: &[&str]) -> Vec<Value> {
        asked(lines.join("\n").as_bytes())
    }

    #[test]
    fn a_conversation() {
        let said = lines(&[
            HELLO,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            r#"{"jsonrpc":"2.0","id":"a","method":"tools/list"}"#,
            r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"next","arguments":{"limit":2}}}"#,
        ]);
        assert_eq!(said.len(), 3);
        assert_eq!(said[0]["result"]["protocolVersion"], "2025-06-18");
        let shapes: Vec<Value> = TOOLS.iter().map(Tool::shape).collect();
        assert_eq!(said[1]["result"]["tools"], json!(shapes), "nothing is lost on the way");
        assert_eq!(said[2]["result"]["structuredContent"], json!({"tool": "next", "with": {"limit": 2}}));
        assert_eq!(said[2]["result"]["isError"], false);
    }

    #[test]
    fn the_version_that_was_asked_for_is_spoken_where_it_is_known() {
        for (asked, spoken) in [
            ("2024-11-05", "2024-11-05"),
            ("2025-03-26", "2025-03-26"),
            ("2025-11-25", "2025-11-25"),
            ("1999-01-01", "2025-11-25"),
        ] {
            let said = lines(&[&HELLO.replace("2025-06-18", asked)]);
            assert_eq!(said[0]["result"]["protocolVersion"], spoken);
        }
    }

    #[test]
    fn every_request_is_answered_in_turn_though_the_input_has_ended() {
        let mut asked = vec![HELLO.to_owned()];
        asked.extend((1..200).map(|id| {
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"status"}}}}"#)
        }));
        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        let ids: Vec<_> = lines(&asked).iter().filter_map(|answer| answer["id"].as_i64()).collect();
        assert_eq!(ids, (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_not_understood_is_answered_with_an_error() {
        let (deep, long) = ("[".repeat(100_000), "x".repeat(LINE_LIMIT + 7));
        for (line, id, code) in [
            ("{", json!(null), -32_700),
            ("\u{0}", json!(null), -32_700),
            (&deep, json!(null), -32_700),
            (&long, json!(null), -32_600),
            ("[]", json!(null), -32_600),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, json!(null), -32_600),
            ("3", json!(null), -32_600),
            (r#"{"id":1}"#, json!(1), -32_600),
            (r#"{"jsonrpc":"1.0","id":"a","method":"ping"}"#, json!("a"), -32_600),
            (r#"{"jsonrpc":"2.0","id":1,"method":5}"#, json!(1), -32_600),
            (r#"{"jsonrpc":"2.0","id":1}"#, json!(1), -32_600),
            (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, json!(null), -32_600),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, json!(null), -32_600),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, json!(null), -32_600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":3}"#, json!(1), -32_600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"resources/lost"}"#, json!(1), -32_601),
            (r#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#, json!(1), -32_601),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#, json!(1), -32_602),
            (r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#, json!(1), -32_602),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, json!(1), -32_602),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"approve"}}"#,
                json!(1),
                -32_602,
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"next","arguments":[1]}}"#,
                json!(1),
                -32_602,
            ),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"note"}}"#, json!(1), -32_603),
        ] {
            let said = lines(&[HELLO, line, r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#]);
            assert_eq!(said.len(), 3, "{line:.80}");
            assert_eq!(said[1]["error"]["code"], code, "{line:.80}: {said:?}");
            assert_eq!(said[1].get("id"), Some(&id), "{line:.80}");
            assert_eq!(said[2]["result"], json!({}), "{line:.80}");
        }
    }

    #[test]
    fn what_asks_for_nothing_is_never_answered() {
        for line in [
            " ",
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}"#,
            r#"{"jsonrpc":"2.0","method":"tools/call","params":7}"#,
            r#"{"jsonrpc":"2.0","method":"exit"}"#,
        ] {
            let said = lines(&[line, HELLO, line, r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#, line]);
            assert_eq!(said.len(), 2, "{line:.80}");
            assert_eq!(said[1]["result"], json!({}), "{line:.80}");
        }
    }

    #[test]
    fn refusals_before_the_conversation_begins_end_nothing() {
        let said = lines(&["{", "[]", HELLO]);
        let codes: Vec<_> = said.iter().map(|answer| answer["error"]["code"].as_i64()).collect();
        assert_eq!(codes, [Some(-32_700), Some(-32_600), None]);
    }

    proptest! {
        #[test]
        fn no_line_ends_the_conversation(line in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut input = [line.as_bytes(), b"\n", &bytes, b"\n"].concat();
            input.extend(HELLO.as_bytes());
            let said = asked(&input);
            prop_assert_eq!(&said[said.len() - 1]["id"], &json!(0));
        }
    }
}
