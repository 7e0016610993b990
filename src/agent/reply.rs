//! What an agent says: its output, and the outcome file that it may have left.
//!
//! The outcome file is YAML written by an agent: unknown keys are ignored, wrong ones are told, and
//! every text is one that could have been made to deceive.

use super::complaint::{all_of, beyond};
use super::figures;
use super::judgement::{Review, ReviewShape};
use crate::effects::Finished;
use crate::state::note::NoteKind;
use crate::state::run::Tokens;
use crate::state::task::{Kind, one_line, plain_lines};
use serde::Deserialize;
use std::collections::BTreeSet;

/// A task that an agent proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUp {
    /// One line.
    pub title: String,
    /// Free text.
    pub body: String,
    /// What sort of work it is.
    pub kind: Kind,
    /// Ids that it names, or keys of others beside it; checked by whoever makes a task of it.
    pub depends_on: Vec<String>,
    /// How others beside it call it.
    pub key: Option<String>,
    /// 1..=10.
    pub complexity: Option<u8>,
    /// 0 (urgent) ..= 4 (someday).
    pub priority: Option<u8>,
    /// Labels.
    pub labels: Vec<String>,
    /// Globs of what it will change.
    pub files: Vec<String>,
    /// What "done" means.
    pub acceptance: Vec<String>,
}

/// A note that an agent proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNote {
    /// What sort of knowledge it is.
    pub kind: NoteKind,
    /// What it is about.
    pub topic: Option<String>,
    /// The knowledge.
    pub text: String,
}

/// What an agent says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reply {
    /// What it did, in its own words.
    pub summary: String,
    /// Why somebody else has to act first.
    pub blocked: Option<String>,
    /// What it learned.
    pub notes: Vec<NewNote>,
    /// What it thinks should be done next.
    pub follow_ups: Vec<FollowUp>,
    /// Its judgement on somebody else's work, where it was asked for one.
    pub review: Option<Review>,
    /// What it used.
    pub tokens: Tokens,
    /// What it cost.
    pub cost_usd: Option<f64>,
    /// Why nothing of what it said can be read.
    pub unreadable: Option<String>,
    /// What was wrong with what it said, of which the rest can be read.
    pub complaint: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Shape {
    summary: Option<String>,
    blocked: Option<String>,
    notes: Vec<NoteShape>,
    follow_ups: Vec<FollowUpShape>,
    review: Option<ReviewShape>,
    tokens: TokensShape,
    cost_usd: Option<f64>,
}

#[derive(Deserialize)]
struct NoteShape {
    kind: String,
    topic: Option<String>,
    text: String,
}

#[derive(Deserialize)]
struct FollowUpShape {
    title: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    depends_on: Vec<String>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    complexity: Option<u8>,
    #[serde(default)]
    priority: Option<u8>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    acceptance: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct TokensShape {
    input: u64,
    cached: u64,
    output: u64,
}

/// The file beside an outcome in which proposals are left, one JSON object a line: an outcome's `notes` or
/// `follow_ups`.
pub const PROPOSALS: &str = "proposals.jsonl";

/// What a proposal says, as a step takes it up.
///
/// # Errors
/// When it would not be taken up as it is; why.
pub fn read_proposal(line: &[u8]) -> Result<Reply, String> {
    let shape = serde_json::from_slice::<Shape>(line).map_err(|error| one_line(&error.to_string(), 200))?;
    let wanted = shape.notes.len() + shape.follow_ups.len();
    let reply = shape.into_reply(String::new());
    match &reply.complaint {
        Some(complaint) => Err(complaint.clone()),
        None if reply.notes.len() + reply.follow_ups.len() < wanted => Err("a text is empty".to_owned()),
        None => Ok(reply),
    }
}

/// Adds what was proposed beside the outcome. A line that cannot be read is told.
pub fn add_proposals(reply: &mut Reply, lines: &[u8]) {
    let mut seen = BTreeSet::new();
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut lines = lines.filter(|line| seen.insert(*line));
    let mut told: Vec<String> = reply.complaint.take().into_iter().collect();
    for line in lines.by_ref().take(MAX_ITEMS) {
        match serde_json::from_slice::<Shape>(line) {
            Ok(shape) => {
                let proposed = shape.into_reply(String::new());
                reply.notes.extend(proposed.notes);
                reply.follow_ups.extend(proposed.follow_ups);
                told.extend(proposed.complaint);
            }
            Err(error) => {
                told.push(format!("a proposal cannot be read: {}", one_line(&error.to_string(), 200)));
            }
        }
    }
    told.extend(beyond("proposals", MAX_ITEMS + lines.count()));
    reply.complaint = all_of(told);
}

/// The largest outcome file that is read, in bytes.
pub const MAX_OUTCOME_BYTES: usize = 1 << 20;
/// The most notes, follow-ups or proposals that are taken up.
pub(super) const MAX_ITEMS: usize = 50;
/// The most characters of a note.
const MAX_NOTE: usize = 2_000;

/// Reads what an agent said.
#[must_use]
pub fn read_reply(finished: &Finished, outcome: Option<&[u8]>) -> Reply {
    let printed = summary_of_output(&finished.stdout);
    let whole = String::from_utf8_lossy(&finished.stdout);
    let outcome = outcome.filter(|bytes| !bytes.iter().all(u8::is_ascii_whitespace));
    let file = outcome.map(|bytes| parse(bytes, "the outcome file"));
    let block = final_block(&whole).map(|block| parse(block.as_bytes(), "the block of YAML at its end"));
    let (shape, unread) = match (file, block) {
        (Some(Err(why)), _) | (None, Some(Err(why))) => (Shape::default(), Some(why)),
        (Some(Ok(file)), Some(Err(why))) => (file, Some(why)),
        (Some(Ok(file)), Some(Ok(printed))) => (file.beside(printed), None),
        (Some(Ok(shape)), None) | (None, Some(Ok(shape))) => (shape, None),
        (None, None) => (Shape::default(), None),
    };
    let has_words = shape.has_words();
    let mut reply = shape.into_reply(printed);
    if has_words {
        reply.complaint = all_of(reply.complaint.into_iter().chain(unread).collect());
    } else {
        reply.unreadable = unread;
    }
    reply
}

/// The block of YAML with which a text ends, if it is an outcome: how an agent that cannot write the
/// outcome file says what it proposes.
fn final_block(text: &str) -> Option<&str> {
    let body = text.trim_end().strip_suffix("```")?;
    let start =
        ["```yaml\n", "```yml\n"].iter().filter_map(|fence| Some(body.rfind(fence)? + fence.len())).max()?;
    let block = &body[start..];
    let is_outcome = block
        .lines()
        .any(|line| ["follow_ups:", "notes:", "review:"].iter().any(|key| line.starts_with(key)));
    is_outcome.then_some(block)
}

fn parse(bytes: &[u8], what: &str) -> Result<Shape, String> {
    if bytes.len() > MAX_OUTCOME_BYTES {
        return Err(format!("{what} is larger than {MAX_OUTCOME_BYTES} bytes"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| format!("{what} is not UTF-8"))?;
    serde_yaml::from_str(text).map_err(|error| {
        let text = error.to_string();
        format!("{what} cannot be read: {}", text.lines().next().unwrap_or_default())
    })
}

impl FollowUpShape {
    /// What it says that is not understood, and what is made of it.
    fn complaint(&self) -> Option<String> {
        let title = one_line(&self.title, 60);
        if title.is_empty() {
            return Some("a follow-up has no title".to_owned());
        }
        if let Some(kind) = self.kind.as_ref().filter(|kind| Kind::parse(kind).is_none()) {
            return Some(format!(
                "the follow-up `{title}` is a chore: unknown kind `{}`",
                one_line(kind, 40)
            ));
        }
        let complexity = self.complexity.filter(|complexity| !(1..=10).contains(complexity))?;
        let made = complexity.clamp(1, 10);
        Some(format!("the follow-up `{title}` has complexity {made}: {complexity} is not from 1 to 10"))
    }
}

impl Shape {
    /// Whether it says more than figures.
    const fn has_words(&self) -> bool {
        self.summary.is_some()
            || self.blocked.is_some()
            || self.review.is_some()
            || !self.notes.is_empty()
            || !self.follow_ups.is_empty()
    }

    /// The same, with what was printed for what it leaves out; figures are its own.
    fn beside(self, printed: Self) -> Self {
        Self {
            summary: self.summary.or(printed.summary),
            blocked: self.blocked.or(printed.blocked),
            notes: if self.notes.is_empty() { printed.notes } else { self.notes },
            follow_ups: if self.follow_ups.is_empty() { printed.follow_ups } else { self.follow_ups },
            review: self.review.or(printed.review),
            ..self
        }
    }

    fn into_reply(self, printed: String) -> Reply {
        let many = [beyond("notes", self.notes.len()), beyond("follow-ups", self.follow_ups.len())];
        let (notes, mut told) = notes(self.notes);
        let follow_ups: Vec<FollowUpShape> = self.follow_ups.into_iter().take(MAX_ITEMS).collect();
        told.extend(follow_ups.iter().filter_map(FollowUpShape::complaint));
        told.extend(many.into_iter().flatten());
        let TokensShape { input, cached, output } = self.tokens;
        let tokens = Tokens { input, cached, output, reasoning: 0 };
        let (tokens, cost_usd, figures) = figures::plausible(tokens, self.cost_usd);
        told.extend(figures);
        let follow_ups = follow_ups
            .into_iter()
            .map(|follow_up| FollowUp {
                title: one_line(&follow_up.title, 200),
                body: plain_lines(&follow_up.body, 20_000),
                kind: follow_up.kind.as_deref().and_then(Kind::parse).unwrap_or(Kind::Chore),
                depends_on: follow_up.depends_on,
                key: follow_up.key.map(|key| one_line(&key, 64)).filter(|key| !key.is_empty()),
                complexity: follow_up.complexity.map(|complexity| complexity.clamp(1, 10)),
                priority: follow_up.priority,
                labels: lines(&follow_up.labels, 64),
                files: lines(&follow_up.files, 200),
                acceptance: lines(&follow_up.acceptance, 500),
            })
            .filter(|follow_up| !follow_up.title.is_empty())
            .collect();
        Reply {
            summary: self
                .summary
                .map(|text| plain_lines(&text, 4_000))
                .filter(|text| !text.is_empty())
                .unwrap_or(printed),
            blocked: self.blocked.map(|text| one_line(&text, 300)).filter(|text| !text.is_empty()),
            notes,
            follow_ups,
            review: self.review.map(ReviewShape::into_review),
            tokens,
            cost_usd,
            unreadable: None,
            complaint: all_of(told),
        }
    }
}

/// The notes that can be kept, and what is wrong with the others.
fn notes(shapes: Vec<NoteShape>) -> (Vec<NewNote>, Vec<String>) {
    let (mut notes, mut told) = (Vec::new(), Vec::new());
    for shape in shapes.into_iter().take(MAX_ITEMS) {
        let text = plain_lines(&shape.text, MAX_NOTE);
        if shape.text.trim().chars().count() > MAX_NOTE {
            told.push(format!("a note is cut to {MAX_NOTE} characters"));
        }
        match NoteKind::parse(&shape.kind) {
            None => told.push(format!("unknown note kind `{}`", one_line(&shape.kind, 40))),
            Some(_) if text.is_empty() => told.push("a note has no text".to_owned()),
            Some(kind) => {
                let topic = shape.topic.map(|topic| one_line(&topic, 60)).filter(|topic| !topic.is_empty());
                notes.push(NewNote { kind, topic, text });
            }
        }
    }
    (notes, told)
}

fn lines(texts: &[String], max: usize) -> Vec<String> {
    let texts = texts.iter().take(MAX_ITEMS).map(|text| one_line(text, max));
    texts.filter(|text| !text.is_empty()).collect()
}

/// The last paragraphs of what a program printed.
fn summary_of_output(stdout: &[u8]) -> String {
    let text = plain_lines(&String::from_utf8_lossy(stdout), 1 << 20);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::Ended;

    fn finished(stdout: &str) -> Finished {
        Finished {
            ended: Ended::Exited(0),
            stdout: stdout.as_bytes().to_vec(),
            stderr: Vec::new(),
            duration_ms: 1,
            survivors: 0,
        }
    }

    #[test]
    fn figures_that_cannot_be_are_left_out_and_told() {
        for figures in
            ["tokens: {input: 18446744073709551615}", "cost_usd: 1e308", "cost_usd: -1", "cost_usd: .inf"]
        {
            let reply = read_reply(&finished(""), Some(format!("summary: x\n{figures}\n").as_bytes()));
            assert_eq!((reply.tokens, reply.cost_usd), (Tokens::default(), None), "{figures}");
            assert_eq!(reply.complaint.as_deref(), Some("figures that cannot be are left out"), "{figures}");
        }
    }

    #[test]
    fn all_that_is_not_understood_is_told_and_of_many_the_first() {
        let outcome = "notes: [{kind: odd, text: x}, {kind: fact, text: x}, {kind: decision, text: ''}]\n\
                       follow_ups: [{title: A, kind: whim}, {title: ''}]";
        let told =
            |outcome: &str| read_reply(&finished(""), Some(outcome.as_bytes())).complaint.unwrap_or_default();
        assert_eq!(
            told(outcome),
            "unknown note kind `odd`; unknown note kind `fact`; a note has no text; the follow-up `A` is a chore: \
             unknown kind `whim`; a follow-up has no title"
        );
        let many: String = (0..9).map(|n| format!("  - {{kind: odd-{n}, text: x}}\n")).collect();
        assert!(told(&format!("notes:\n{many}")).ends_with("`odd-4`; and 4 more like these"));
    }

    #[test]
    fn what_is_printed_is_the_summary_unless_the_outcome_file_has_one() {
        assert_eq!(read_reply(&finished("did it\x1b[31m\n"), None).summary, "did it[31m");
        let reply = read_reply(&finished("noise"), Some(b"summary: |\n  Did it.\nblocked: needs a key\n"));
        assert_eq!(reply.summary, "Did it.");
        assert_eq!(reply.blocked.as_deref(), Some("needs a key"));
    }

    #[test]
    fn what_is_more_than_is_taken_up_is_told() {
        let lines: String =
            (0..60).map(|n| format!("{{\"follow_ups\":[{{\"title\":\"t{n}\"}}]}}\n")).collect();
        let mut reply = Reply::default();
        add_proposals(&mut reply, lines.as_bytes());
        assert_eq!(reply.follow_ups.len(), 50);
        assert_eq!(reply.complaint.as_deref(), Some("of 60 proposals only the first 50 are taken up"));
        let titles: Vec<String> = (0..51).map(|n| format!("{{title: t{n}}}")).collect();
        let outcome = format!("follow_ups: [{}]\nnotes: [{{kind: odd, text: x}}]\n", titles.join(", "));
        let told = read_reply(&finished(""), Some(outcome.as_bytes())).complaint.unwrap_or_default();
        assert_eq!(told, "unknown note kind `odd`; of 51 follow-ups only the first 50 are taken up");
    }

    #[test]
    fn a_text_may_end_with_what_the_outcome_file_would_say() {
        let text = "I looked.\n\n```yaml\nfollow_ups:\n  - {title: Parse dates, complexity: 12, acceptance: [it works]}\n```\n";
        let reply = read_reply(&finished(text), None);
        assert_eq!(reply.follow_ups.len(), 1);
        assert_eq!((reply.follow_ups[0].complexity, reply.follow_ups[0].acceptance.len()), (Some(10), 1));
        let code = "Like this:\n```yaml\nnotes: 3\n```\nand so on";
        assert_eq!(read_reply(&finished(code), None), Reply { summary: code.to_owned(), ..Reply::default() });
    }

    #[test]
    fn a_file_of_figures_alone_leaves_the_words_to_what_was_printed() {
        let text = "I looked.\n\n```yaml\nreview: {verdict: approve}\ncost_usd: 9\n```\n";
        let read = |file: &[u8]| read_reply(&finished(text), Some(file));
        let reply = read(b"cost_usd: 0.5\ntokens: {input: 7}\n");
        assert!(reply.review.is_some_and(|review| review.approves));
        assert_eq!((reply.cost_usd, reply.tokens.input), (Some(0.5), 7));
        let more = read(b"summary: mine\nnotes: [{kind: learning, text: x}]\n");
        assert!(more.review.is_some_and(|review| review.approves), "what it leaves out was printed");
        assert_eq!((more.summary.as_str(), more.notes.len()), ("mine", 1));
        let other = read(b"review: {verdict: reject}\n").review;
        assert!(other.is_some_and(|review| !review.approves), "what it says goes before what was printed");
    }

    #[test]
    fn what_was_printed_and_cannot_be_read_is_told_beside_a_file() {
        let text = "I looked.\n\n```yaml\nblocked: no key\nfollow_ups: [\n```\n";
        let read = |file: &[u8]| read_reply(&finished(text), Some(file));
        let why = "the block of YAML at its end cannot be read";
        let figures = read(b"cost_usd: 0.5\ntokens: {input: 7}\n");
        assert!(figures.unreadable.is_some_and(|told| told.starts_with(why)));
        assert_eq!((figures.cost_usd, figures.tokens.input, figures.complaint), (Some(0.5), 7, None));
        let words = read(b"summary: mine\nnotes: [{kind: odd, text: x}]\n");
        let complaint = words.complaint.unwrap_or_default();
        assert!(complaint.starts_with(&format!("unknown note kind `odd`; {why}")), "{complaint}");
        assert_eq!((words.summary.as_str(), words.unreadable), ("mine", None));
    }

    #[test]
    fn a_broken_outcome_file_is_told_and_never_believed() {
        for bad in [&b"- a\n- b"[..], b"notes: 3", b"\xff\xfe", b"summary: [", b"tokens: {input: -1}"] {
            let reply = read_reply(&finished("printed"), Some(bad));
            assert!(reply.unreadable.is_some(), "{bad:?}");
            assert_eq!(reply.summary, "printed");
        }
        let large = vec![b'#'; MAX_OUTCOME_BYTES + 1];
        assert!(read_reply(&finished(""), Some(&large)).unreadable.is_some());
        let reply = read_reply(&finished(""), Some(b"notes: [{kind: order, text: x}]\ncost_usd: .nan\n"));
        assert_eq!(reply.unreadable, None);
        let told = "unknown note kind `order`; figures that cannot be are left out";
        assert_eq!(reply.complaint.as_deref(), Some(told));
        assert_eq!(reply.cost_usd, None);
        assert_eq!(read_reply(&finished(""), Some(b"cost_usd: 1e300\n")).cost_usd, None);
    }
}
