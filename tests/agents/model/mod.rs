//! A model on a loopback port that does what a test's script says, in the dialects of the providers.
//!
//! In: requests of a real client. Out: what the script says to each that offers tools; a word to the others.
//! Invariant: nothing but 127.0.0.1 is listened on or connected to.

mod anthropic;
mod chat;
mod dialect;
mod gemini;
mod http;
mod openai;
mod responses;
mod script;

pub(crate) use script::{Answer, Asked, Failure, cut, fail, hang, in_turn, junk, say, shell, write};

use dialect::Dialect;
use script::Act;
use serde_json::{Value, json};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a test waits for a request.
const PATIENCE: Duration = Duration::from_secs(60);

type Script = Box<dyn Fn(&Asked) -> Answer + Send + Sync>;

struct Shared {
    script: Script,
    asked: Mutex<Vec<Asked>>,
    came: Condvar,
    over: AtomicBool,
}

/// The model of one test.
pub(crate) struct Model {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Model {
    /// Begins to answer, on a port that the system picks.
    pub(crate) fn new(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared {
            script: Box::new(script),
            asked: Mutex::default(),
            came: Condvar::new(),
            over: AtomicBool::new(false),
        });
        let of_listener = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if of_listener.over.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&of_listener);
                // A client that goes away in the middle is one of the things that are tested.
                std::thread::spawn(move || drop(answer(&stream, &shared)));
            }
        });
        Self { address, shared }
    }

    /// Where it is asked, without a final `/`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that it was asked so far by requests that offer tools.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.log().iter().filter(|asked| asked.number > 0).cloned().collect()
    }

    /// Waits until it was asked so many times.
    pub(crate) fn wait_for(&self, number: usize) {
        let behind = |asked: &mut Vec<Asked>| asked.iter().all(|asked| asked.number < number);
        let waited = self.shared.came.wait_timeout_while(self.log(), PATIENCE, behind);
        let late = waited.unwrap_or_else(PoisonError::into_inner).1;
        assert!(!late.timed_out(), "request {number} never came");
    }

    fn log(&self) -> MutexGuard<'_, Vec<Asked>> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // So that the listener looks.
        let _ = TcpStream::connect(self.address);
    }
}

fn answer(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    let Some(request) = http::read(stream)? else { return Ok(()) };
    if request.method != "POST" {
        let models = json!({"object": "list", "data": [], "models": [], "has_more": false});
        return http::document(stream, 200, &[], &models.to_string());
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    if request.path.ends_with("count_tokens") || request.path.ends_with(":countTokens") {
        let count = json!({"input_tokens": 9_500, "totalTokens": 9_500});
        return http::document(stream, 200, &[], &count.to_string());
    }
    let Some(dialect) = dialect::of(&request.path) else {
        let none = json!({"error": {"type": "not_found_error", "message": "no such path"}});
        return http::document(stream, 404, &[], &none.to_string());
    };
    let key = ["x-api-key", "authorization", "x-goog-api-key"].iter().find_map(|name| request.header(name));
    let asked = shared.note(dialect.as_ref(), body, key.unwrap_or_default());
    let answer = if asked.number == 0 { say("A word.") } else { (shared.script)(&asked) };
    let streamed = dialect.is_streamed(&request.path, &asked.body);
    perform(stream, dialect.as_ref(), &asked, &answer, streamed)
}

impl Shared {
    fn note(&self, dialect: &dyn Dialect, body: Value, key: &str) -> Asked {
        let heard = dialect.hear(&body);
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.iter().filter(|asked| asked.number > 0).count();
        let asked = Asked {
            number: if heard.tools.is_empty() { 0 } else { before + 1 },
            tools: heard.tools,
            results: heard.results,
            text: heard.text,
            key: key.trim_start_matches("Bearer ").to_owned(),
            body,
        };
        all.push(asked.clone());
        self.came.notify_all();
        asked
    }
}

fn perform(
    stream: &TcpStream,
    dialect: &dyn Dialect,
    asked: &Asked,
    answer: &Answer,
    streamed: bool,
) -> io::Result<()> {
    match &answer.act {
        Act::Fail(failure) => {
            let (status, headers, body) = dialect.refusal(*failure);
            return http::document(stream, status, &headers, &body.to_string());
        }
        Act::Junk => return http::document(stream, 200, &[], r#"{"hello": "world"}"#),
        Act::Hang if !streamed => {
            http::hang(stream);
            return Ok(());
        }
        Act::Cut if !streamed => {
            http::cut(stream);
            return Ok(());
        }
        Act::Say(_) | Act::Shell(_) | Act::Write { .. } | Act::Hang | Act::Cut => {}
    }
    let said = dialect::said(asked, &answer.act);
    if !streamed {
        let whole = dialect.whole(asked, &said, answer.usage);
        return http::document(stream, 200, &[], &whole.to_string());
    }
    let mut events = http::Events::begin(stream)?;
    let all = dialect.events(asked, &said, answer.usage);
    // What breaks off has begun: the first event came.
    let shown = if matches!(answer.act, Act::Hang | Act::Cut) { 1 } else { all.len() };
    for (name, data) in all.iter().take(shown) {
        events.send(*name, &data.as_str().map_or_else(|| data.to_string(), str::to_owned))?;
    }
    match answer.act {
        Act::Hang => http::hang(stream),
        Act::Cut => http::cut(stream),
        Act::Say(_) | Act::Shell(_) | Act::Write { .. } | Act::Fail(_) | Act::Junk => events.end()?,
    }
    Ok(())
}
