//! The parse cache: nodes of task files that were read before, keyed by content.
//!
//! Invariant: never trusted over content. An entry counts only for the very blob (or, in a work
//! tree, the very size, inode and times) that it was made from; a cache that is damaged or of
//! another version is as good as none. Safe to delete.

use super::graph::Node;
use super::id::TaskId;
use super::status::Status;
use super::task::Kind;
use crate::effects::Oid;
use arcstr::{ArcStr, Substr};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::io::Read;

/// What tells that a file is the one that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stamp {
    /// The name of its blob.
    Blob(Oid),
    /// Size, inode, times of modification and change.
    Stat([u64; 4]),
}

/// A set of cached nodes, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cache {
    /// The tree that these nodes are all of, if they are of one.
    pub tree: Option<Oid>,
    /// The nodes; the path of each is its file's.
    pub nodes: Vec<Node>,
    /// What each was made from.
    pub stamps: Vec<Stamp>,
    /// The places of all nodes in the order of their paths.
    pub by_path: Vec<u32>,
}

/// The layout of the file; a change here makes all older caches void.
///
/// A head and then parts, each sealed and with its length before it (four bytes, the lowest first): a large cache is
/// read and checked part by part, so that it never lies in memory whole beside what is made of it.
const VERSION: [u8; 1] = [4];
/// The most entries of a part.
const PART: usize = 4_096;

/// What stands before the parts.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    tree: Option<&'a [u8]>,
    by_path: Vec<u32>,
}

/// What stands before the entries of a part.
#[derive(Serialize, Deserialize)]
struct PartHead<'a> {
    /// All texts of its entries, one after the other.
    texts: &'a str,
    /// How long each of them is.
    lengths: Vec<u32>,
    entries: u32,
}

/// An entry without its texts; of those it only says which there are.
#[derive(Serialize, Deserialize)]
struct EntryShape<'a> {
    #[serde(borrow)]
    stamp: StampShape<'a>,
    parent: bool,
    run: bool,
    depends_on: u32,
    labels: u32,
    kind: u8,
    status: u8,
    priority: u8,
    complexity: Option<u8>,
    created: Option<i64>,
    attempts: u32,
}

/// A stamp as a cache has it.
#[derive(Serialize, Deserialize)]
pub(super) enum StampShape<'a> {
    Blob(&'a [u8]),
    Stat([u64; 4]),
}

impl<'a> StampShape<'a> {
    pub(super) fn of(stamp: &'a Stamp) -> Self {
        match stamp {
            Stamp::Blob(blob) => Self::Blob(blob.as_bytes()),
            Stamp::Stat(stat) => Self::Stat(*stat),
        }
    }

    pub(super) fn stamp(&self) -> Stamp {
        match self {
            Self::Blob(bytes) => Stamp::Blob(Oid::from_bytes(bytes)),
            Self::Stat(stat) => Stamp::Stat(*stat),
        }
    }
}

/// How long a checksum is.
pub(super) const SUM: usize = 4;

/// A cache as it lies on the disk: version, checksum, content.
pub(super) fn sealed(version: &[u8], body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(version.len() + SUM + body.len());
    bytes.extend_from_slice(version);
    bytes.extend_from_slice(&crc32fast::hash(body).to_le_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// The content of a cache; none if it is damaged or of another version.
pub(super) fn opened<'b>(version: &[u8], bytes: &'b [u8]) -> Option<&'b [u8]> {
    let (sum, body) = bytes.strip_prefix(version)?.split_at_checked(SUM)?;
    (crc32fast::hash(body).to_le_bytes() == sum).then_some(body)
}

/// Nodes as bytes. `tree` is the one that they are all of.
#[must_use]
pub fn encode<'n>(tree: Option<Oid>, entries: impl Iterator<Item = (&'n Node, &'n Stamp)>) -> Vec<u8> {
    let entries: Vec<(&Node, &Stamp)> = entries.collect();
    let mut by_path: Vec<u32> = (0..u32::try_from(entries.len()).unwrap_or(0)).collect();
    by_path.sort_by_key(|&place| entries[place as usize].0.path.as_str());
    let head = Head { tree: tree.as_ref().map(Oid::as_bytes), by_path };
    let mut all = Vec::new();
    // Bytes in memory can always be written.
    put(&mut all, &postcard::to_stdvec(&head).unwrap_or_default());
    for part in entries.chunks(PART) {
        let (mut texts, mut shapes) = (Put::default(), Vec::new());
        for (node, stamp) in part {
            let shape = EntryShape::of(node, stamp, &mut texts);
            shapes = postcard::to_extend(&shape, shapes).unwrap_or_default();
        }
        let entries = u32::try_from(part.len()).unwrap_or_default();
        let head = PartHead { texts: &texts.all, lengths: texts.lengths, entries };
        let mut body = postcard::to_stdvec(&head).unwrap_or_default();
        body.append(&mut shapes);
        put(&mut all, &body);
    }
    all
}

/// One more part of a file.
fn put(all: &mut Vec<u8>, body: &[u8]) {
    let part = sealed(&VERSION, body);
    all.extend_from_slice(&u32::try_from(part.len()).unwrap_or_default().to_le_bytes());
    all.extend_from_slice(&part);
}

/// The next part of a file, read into `part`; none at its end, or where it is cut off or damaged.
fn next<'p>(file: &mut impl Read, part: &'p mut Vec<u8>) -> Option<&'p [u8]> {
    let mut length = [0; 4];
    file.read_exact(&mut length).ok()?;
    let length = u64::from(u32::from_le_bytes(length));
    part.clear();
    // A length that is damaged is no reason to ask for all memory at once.
    part.reserve(usize::try_from(length.min(1 << 20)).unwrap_or_default() + 1);
    let read = file.take(length).read_to_end(part).ok()?;
    opened(&VERSION, part).filter(|_| read as u64 == length)
}

impl Cache {
    /// The cache that a file holds; none if it is damaged or of another version.
    #[must_use]
    pub fn decode(mut file: impl Read) -> Option<Self> {
        let mut part = Vec::new();
        let head: Head<'_> = postcard::from_bytes(next(&mut file, &mut part)?).ok()?;
        let (tree, by_path) = (head.tree.map(Oid::from_bytes), head.by_path);
        let count = by_path.len();
        let (mut nodes, mut stamps) = (Vec::with_capacity(count), Vec::with_capacity(count));
        while nodes.len() < count {
            let (head, mut rest): (PartHead<'_>, _) =
                postcard::take_from_bytes(next(&mut file, &mut part)?).ok()?;
            let mut texts = Texts { all: ArcStr::from(head.texts), at: 0, lengths: head.lengths.iter() };
            for _ in 0..head.entries.max(1) {
                let shape: EntryShape<'_>;
                (shape, rest) = postcard::take_from_bytes(rest).ok()?;
                stamps.push(shape.stamp.stamp());
                nodes.push(shape.into_node(&mut texts)?);
            }
        }
        let fits = nodes.len() == count && by_path.iter().all(|&place| (place as usize) < count);
        fits.then_some(Self { tree, nodes, stamps, by_path })
    }
}

/// Texts that are put one after the other.
#[derive(Default)]
struct Put {
    all: String,
    lengths: Vec<u32>,
}

impl Put {
    fn text(&mut self, text: &str) {
        self.all.push_str(text);
        self.lengths.push(u32::try_from(text.len()).unwrap_or_default());
    }
}

/// Texts that are taken off one buffer, one after the other.
struct Texts<'a> {
    all: ArcStr,
    at: usize,
    lengths: std::slice::Iter<'a, u32>,
}

impl Texts<'_> {
    fn take(&mut self) -> Option<Substr> {
        let end = self.at + *self.lengths.next()? as usize;
        let text = self.all.substr_from(self.all.get(self.at..end)?);
        self.at = end;
        Some(text)
    }

    fn id(&mut self) -> Option<TaskId> {
        self.take().map(TaskId::known)
    }
}

impl<'a> EntryShape<'a> {
    fn of(node: &Node, stamp: &'a Stamp, texts: &mut Put) -> Self {
        texts.text(node.id.as_str());
        texts.text(&node.path);
        texts.text(&node.title);
        node.parent.iter().for_each(|id| texts.text(id.as_str()));
        node.run.iter().for_each(|run| texts.text(run));
        node.depends_on.iter().for_each(|id| texts.text(id.as_str()));
        node.labels.iter().for_each(|label| texts.text(label));
        Self {
            stamp: StampShape::of(stamp),
            parent: node.parent.is_some(),
            run: node.run.is_some(),
            depends_on: u32::try_from(node.depends_on.len()).unwrap_or_default(),
            labels: u32::try_from(node.labels.len()).unwrap_or_default(),
            kind: position(&Kind::ALL, &node.kind),
            status: position(&Status::ALL, &node.status),
            priority: node.priority,
            complexity: node.complexity,
            created: node.created.map(Timestamp::as_second),
            attempts: node.attempts,
        }
    }

    fn into_node(self, texts: &mut Texts<'_>) -> Option<Node> {
        // In the order in which `of` put them.
        let (id, path, title) = (texts.id()?, texts.take()?, texts.take()?);
        let parent = if self.parent { Some(texts.id()?) } else { None };
        let run = if self.run { Some(texts.take()?) } else { None };
        // The numbers are those of a checked file, and yet no reason to ask for all memory at once.
        let mut depends_on = Vec::with_capacity(self.depends_on.min(1_000) as usize);
        for _ in 0..self.depends_on {
            depends_on.push(texts.id()?);
        }
        let mut labels = Vec::with_capacity(self.labels.min(1_000) as usize);
        for _ in 0..self.labels {
            labels.push(texts.take()?);
        }
        Some(Node {
            id,
            path,
            title,
            kind: *Kind::ALL.get(usize::from(self.kind))?,
            status: *Status::ALL.get(usize::from(self.status))?,
            priority: self.priority,
            complexity: self.complexity,
            created: self.created.map(Timestamp::from_second).transpose().ok()?,
            parent,
            depends_on,
            labels,
            run,
            attempts: self.attempts,
        })
    }
}

/// Which of all it is: what a cache has for a word.
pub(super) fn position<T: PartialEq>(all: &[T], one: &T) -> u8 {
    let place = all.iter().position(|each| each == one).unwrap_or_default();
    u8::try_from(place).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::file::samples;
    use proptest::prelude::*;

    fn entries(tasks: &[crate::state::task::Task]) -> (Vec<Node>, Vec<Stamp>) {
        let nodes: Vec<Node> =
            tasks.iter().map(|task| Node::of(task, format!("{}.toml", task.title))).collect();
        let stamp = |n: usize| match n % 3 {
            0 => Stamp::Blob(Oid::from_bytes(&[7; 20])),
            1 => Stamp::Blob(Oid::from_bytes(&[8; 32])),
            _ => Stamp::Stat([1, u64::MAX, n as u64, 0]),
        };
        let stamps = (0..nodes.len()).map(stamp).collect();
        (nodes, stamps)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn what_is_kept_comes_back_with_its_order_by_path(
            tasks in proptest::collection::vec(samples::task(), 0..5), of_a_tree: bool,
        ) {
            let (mut nodes, stamps) = entries(&tasks);
            // Times are kept to the second, as files hold them.
            for node in &mut nodes {
                node.created = None;
            }
            let tree = of_a_tree.then(|| Oid::from_bytes(&[9_u8; 20]));
            let bytes = encode(tree, nodes.iter().zip(&stamps));
            let cache = Cache::decode(bytes.as_slice()).unwrap();
            prop_assert_eq!(cache.tree, tree);
            let paths: Vec<&str> = cache.by_path.iter().map(|&at| &*nodes[at as usize].path).collect();
            prop_assert!(paths.is_sorted() && paths.len() == nodes.len());
            prop_assert_eq!((&cache.nodes, &cache.stamps), (&nodes, &stamps));
            for end in 0..bytes.len() {
                prop_assert_eq!(Cache::decode(&bytes[..end]), None);
            }
        }

        #[test]
        fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = Vec::new();
            put(&mut bytes, &body);
            put(&mut bytes, &body);
            let _ = Cache::decode(bytes.as_slice());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4))]

        #[test]
        fn what_takes_several_parts_comes_back_whole(task in samples::task(), more in 0..3_usize) {
            let (nodes, stamps) = entries(&vec![task; PART + more]);
            let nodes: Vec<Node> = nodes.into_iter().map(|node| Node { created: None, ..node }).collect();
            let bytes = encode(None, nodes.iter().zip(&stamps));
            let cache = Cache::decode(bytes.as_slice()).unwrap();
            prop_assert_eq!((&cache.nodes, &cache.stamps), (&nodes, &stamps));
            for end in [bytes.len() / 2, bytes.len() - 1] {
                prop_assert_eq!(Cache::decode(&bytes[..end]), None);
            }
        }
    }
}
