//! Messages as lines of two streams, one request at a time.
//!
//! In: two streams. Out: requests, in their order. Invariant: a call waits for the one before, so that it sees what
//! that one wrote, and the input's end waits for the last answer. What is under way when the library drops the wish for
//! a request (it does so whenever something else happens) is kept here, and goes on with the next wish.

use super::message::{LINE_LIMIT, Said, said};
use rmcp::RoleServer;
use rmcp::model::JsonRpcMessage;
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinHandle;

/// Two streams of lines.
pub(super) struct Lines<I, O> {
    input: BufReader<I>,
    /// What there is of a line so far.
    line: Vec<u8>,
    output: Arc<Mutex<O>>,
    /// An answer of our own that is being written.
    answering: Option<JoinHandle<io::Result<()>>>,
    /// Taken by a request, given back with its answer; closed once nobody takes answers.
    turn: Arc<Semaphore>,
}

impl<I: AsyncRead + Send + Unpin, O: AsyncWrite + Send + Unpin + 'static> Lines<I, O> {
    pub(super) fn new(input: I, output: O) -> Self {
        let (input, output) = (BufReader::new(input), Arc::new(Mutex::new(output)));
        Self { input, line: Vec::new(), output, answering: None, turn: Arc::new(Semaphore::new(1)) }
    }

    /// The next line; of one that is too long, enough to see that it is. None at the end of the input.
    async fn line(&mut self) -> Option<Vec<u8>> {
        loop {
            let here = self.input.fill_buf().await.ok().filter(|here| !here.is_empty())?;
            let end = here.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(here.len(), |end| end + 1);
            if self.line.len() <= LINE_LIMIT {
                self.line.extend_from_slice(&here[..taken]);
            }
            self.input.consume(taken);
            if end.is_some() {
                return Some(std::mem::take(&mut self.line));
            }
        }
    }

    /// Writes a line, whether or not anybody waits until that is done.
    fn write(&self, line: serde_json::Result<String>) -> JoinHandle<io::Result<()>> {
        let output = Arc::clone(&self.output);
        tokio::spawn(async move {
            let mut output = output.lock().await;
            output.write_all((line? + "\n").as_bytes()).await?;
            output.flush().await
        })
    }
}

impl<I: AsyncRead + Send + Unpin, O: AsyncWrite + Send + Unpin + 'static> Transport<RoleServer>
    for Lines<I, O>
{
    type Error = io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let answers = matches!(item, JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_));
        let (sent, turn) = (self.write(serde_json::to_string(&item)), Arc::clone(&self.turn));
        async move {
            let sent = sent.await.unwrap_or_else(|lost| Err(io::Error::other(lost)));
            if sent.is_err() {
                turn.close();
            } else if answers {
                turn.add_permits(1);
            }
            sent
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            if let Some(answering) = &mut self.answering {
                let answered = answering.await;
                self.answering = None;
                answered.ok()?.ok()?;
            }
            let turn = Arc::clone(&self.turn).acquire_owned().await.ok()?;
            let line = self.line().await?;
            match said(&line) {
                Said::Asks(request) => {
                    turn.forget();
                    return Some(*request);
                }
                Said::Refused(answer) => self.answering = Some(self.write(Ok(answer.to_string()))),
                Said::Nothing => {}
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.output.lock().await.shutdown().await
    }
}
