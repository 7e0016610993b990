//! Finding nodes by their ids, which are unique ignoring case.

use super::{Index, Node};
use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};

/// A table from the hash of an id to its node. No id is copied: the node itself is compared, and
/// where two ids share a hash the next number is tried.
#[derive(Debug, Default)]
pub(super) struct ById {
    keys: RandomState,
    table: HashMap<u64, Index, BuildHasherDefault<AsItIs>>,
}

/// A hasher for numbers that are hashes already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

impl ById {
    /// A table of nodes, and the nodes without those whose id an earlier one has.
    pub(super) fn new(all: Vec<Node>) -> (Self, Vec<Node>, Vec<(Node, Index)>) {
        let mut this = Self::default();
        this.table.reserve(all.len());
        let mut unique = 0;
        while let Some(node) = all.get(unique) {
            let Err(free) = this.slot(&all, node.id.as_str()) else { return Self::without_twins(all) };
            this.table.insert(free, unique);
            unique += 1;
        }
        (this, all, Vec::new())
    }

    /// The same where some ids are there more than once.
    fn without_twins(all: Vec<Node>) -> (Self, Vec<Node>, Vec<(Node, Index)>) {
        let mut this = Self::default();
        let mut nodes: Vec<Node> = Vec::with_capacity(all.len());
        let mut duplicates = Vec::new();
        for node in all {
            match this.slot(&nodes, node.id.as_str()) {
                Ok(kept) => duplicates.push((node, kept)),
                Err(free) => {
                    this.table.insert(free, nodes.len());
                    nodes.push(node);
                }
            }
        }
        (this, nodes, duplicates)
    }

    /// Where the node with this id is.
    pub(super) fn find(&self, nodes: &[Node], id: &str) -> Option<Index> {
        self.slot(nodes, id).ok()
    }

    /// The node with this id, or the free key under which it would be.
    fn slot(&self, nodes: &[Node], id: &str) -> Result<Index, u64> {
        let mut key = self.hash(id);
        while let Some(&index) = self.table.get(&key) {
            if nodes[index].id.as_str().eq_ignore_ascii_case(id) {
                return Ok(index);
            }
            key = key.wrapping_add(1);
        }
        Err(key)
    }

    fn hash(&self, id: &str) -> u64 {
        let mut folded = [0_u8; 64];
        let bytes = id.as_bytes();
        let length = bytes.len().min(folded.len());
        for (to, from) in folded.iter_mut().zip(bytes) {
            *to = from.to_ascii_lowercase();
        }
        self.keys.hash_one(&folded[..length])
    }
}
