//! A map from byte strings that finds all keys that a string begins with.

use std::{iter, mem};

use super::children::Children;
use super::label::Label;

#[cfg(test)]
mod tests;

/// Where a node is; that of a key stays until the key is removed or the tree is compacted.
pub(super) type NodeId = u32;

/// The node of the empty key.
const ROOT: NodeId = 0;

/// A compressed radix tree from byte strings to values (libzmq's `generic_mtrie` has a node per byte).
///
/// Looking up, inserting and removing take time in proportion to the length of the key, whatever else
/// there is. Nothing recurses: keys may be of any length. Nodes that no longer branch are joined when a key
/// goes.
#[derive(Clone, Debug)]
pub(super) struct PrefixTree<V> {
    /// The root, and then the other nodes in no order.
    nodes: Vec<Node<V>>,
    /// Which of `nodes` are not in use.
    free: Vec<NodeId>,
    /// How many keys there are.
    len: usize,
}

/// All but the root have a label, and a value or children.
///
/// One without a value has two children, or else one whose label would not fit with its own in one: long
/// keys are chains of nodes that are half full at least.
#[derive(Clone, Debug)]
struct Node<V> {
    label: Label,
    children: Children,
    value: Option<V>,
    parent: NodeId,
}

impl<V> PrefixTree<V> {
    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The value at the node of a key.
    #[inline]
    pub(super) fn value(&self, node: NodeId) -> Option<&V> {
        self.node(node).value.as_ref()
    }

    /// The value at the node of a key.
    #[inline]
    pub(super) fn value_mut(&mut self, node: NodeId) -> Option<&mut V> {
        self.node_mut(node).value.as_mut()
    }

    /// The values of all keys that `bytes` begins with, from the shortest, which may be the empty one.
    #[inline]
    pub(super) fn prefixes_of<'a>(&'a self, bytes: &'a [u8]) -> PrefixesOf<'a, V> {
        PrefixesOf { tree: self, next: Some(self.node(ROOT)), rest: bytes }
    }

    /// All keys, in lexicographic order, and their values.
    pub(super) fn iter(&self) -> Iter<'_, V> {
        Iter { tree: self, next: Some(ROOT), key: Vec::new(), above: 0 }
    }

    /// The node of a key.
    pub(super) fn find(&self, key: &[u8]) -> Option<NodeId> {
        let (mut at, mut rest) = (ROOT, key);
        while let Some(&first) = rest.first() {
            at = self.node(at).children.find(first)?;
            rest = self.node(at).label.strip_from(rest)?;
        }
        self.node(at).value.is_some().then_some(at)
    }

    /// Writes the key of a node to `key`, which is cleared first.
    pub(super) fn key(&self, node: NodeId, key: &mut Vec<u8>) {
        let upwards = || {
            let parent = |at: &NodeId| (*at != ROOT).then(|| self.node(*at).parent);
            iter::successors(Some(node), parent).map(|at| self.node(at).label.as_slice())
        };
        key.clear();
        key.resize(upwards().map(<[u8]>::len).sum(), 0);
        let mut end = key.len();
        for label in upwards() {
            let start = end - label.len();
            key[start..end].copy_from_slice(label);
            end = start;
        }
    }

    /// The node of a key, and whether the key is new: then its value was made by `value`.
    pub(super) fn insert_with(&mut self, key: &[u8], value: impl FnOnce() -> V) -> (NodeId, bool) {
        let (mut at, mut rest) = (ROOT, key);
        while let Some(&first) = rest.first() {
            let Some(child) = self.node(at).children.find(first) else {
                at = self.append(at, rest);
                break;
            };
            let label = self.node(child).label.as_slice();
            let common = common_prefix(label, rest);
            at = if common < label.len() { self.split(child, common) } else { child };
            rest = &rest[common..];
        }
        let node = self.node_mut(at);
        let is_new = node.value.is_none();
        if is_new {
            node.value = Some(value());
            self.len += 1;
        }
        (at, is_new)
    }

    /// Removes the key of a node, unless it has none. Other keys stay where they are.
    pub(super) fn remove(&mut self, node: NodeId) -> Option<V> {
        let value = self.node_mut(node).value.take()?;
        self.len -= 1;
        self.prune(node);
        Some(value)
    }

    /// Gives the memory of a burst of keys back, if that costs no more than removing them has; tells every
    /// value that moves its new node.
    ///
    /// `weight` is the number of steps that `moved` will take for all values together.
    pub(super) fn compact_if_sparse(&mut self, weight: usize, moved: impl FnMut(&mut V, NodeId)) {
        const KEPT_NODES: usize = 64;
        // Each free node is at least one removal ago, and each of those pays for moving so much. On the
        // other hand what is kept is never more than a few times what is needed anyway.
        let live = self.nodes.len() - self.free.len();
        if self.free.len() >= KEPT_NODES.max(3 * live).max(weight / 4) {
            self.compact(moved);
        }
    }

    fn compact(&mut self, mut moved: impl FnMut(&mut V, NodeId)) {
        const NOWHERE: NodeId = NodeId::MAX;
        let mut places = vec![0; self.nodes.len()];
        for &free in &mem::take(&mut self.free) {
            places[free as usize] = NOWHERE;
        }
        let live = places.iter_mut().filter(|place| **place != NOWHERE);
        let count = live.zip(0..).map(|(place, new)| *place = new).count();
        let nodes = mem::replace(&mut self.nodes, Vec::with_capacity(count * 2));
        for (mut node, &place) in nodes.into_iter().zip(&places).filter(|(_, place)| **place != NOWHERE) {
            node.parent = places[node.parent as usize];
            node.children.relocate(|child| places[child as usize]);
            if let Some(value) = &mut node.value {
                moved(value, place);
            }
            self.nodes.push(node);
        }
    }

    /// Adds a chain of nodes for the rest of a key, and returns its last.
    fn append(&mut self, parent: NodeId, rest: &[u8]) -> NodeId {
        rest.chunks(Label::MAX).fold(parent, |parent, piece| {
            let node = self.add(Node {
                label: Label::new(piece),
                children: Children::default(),
                value: None,
                parent,
            });
            self.node_mut(parent).children.insert(piece[0], node);
            node
        })
    }

    /// Cuts a node in two after `at` bytes of its label; returns the upper half, which is to have a value or
    /// another child. A value stays at its node, which is the lower half.
    fn split(&mut self, node: NodeId, at: usize) -> NodeId {
        let Node { label, parent, .. } = self.node(node);
        let (head, tail, parent) = (&label.as_slice()[..at], &label.as_slice()[at..], *parent);
        let (first, below) = (head[0], tail[0]);
        let (head, tail) = (Label::new(head), Label::new(tail));
        let mut children = Children::default();
        children.insert(below, node);
        let upper = self.add(Node { label: head, children, value: None, parent });
        self.node_mut(parent).children.replace(first, upper);
        let lower = self.node_mut(node);
        (lower.label, lower.parent) = (tail, upper);
        // Both halves are shorter than the whole, and may fit with their neighbours now.
        self.join_with_child(parent);
        self.join_with_child(node);
        upper
    }

    /// Removes what a node that has lost its value leaves without use.
    fn prune(&mut self, node: NodeId) {
        let mut at = node;
        while at != ROOT && self.node(at).value.is_none() && self.node(at).children.len() == 0 {
            let Node { label, parent, .. } = self.release(at);
            self.node_mut(parent).children.remove(label.as_slice()[0]);
            at = parent;
        }
        self.join_with_child(at);
    }

    /// Joins a node with its child, which stays the node it is, unless the node is still of use.
    fn join_with_child(&mut self, node: NodeId) {
        let Node { label, children, value, parent } = self.node(node);
        let parent = *parent;
        if node == ROOT || value.is_some() || children.len() != 1 {
            return;
        }
        let Some(child) = children.first_from(0) else { return };
        let lower = &self.node(child).label;
        if label.len() + lower.len() > Label::MAX {
            return;
        }
        let joined = label.joined(lower);
        self.node_mut(parent).children.replace(joined.as_slice()[0], child);
        let lower = self.node_mut(child);
        (lower.label, lower.parent) = (joined, parent);
        self.release(node);
    }

    #[inline]
    fn node(&self, node: NodeId) -> &Node<V> {
        &self.nodes[node as usize]
    }

    #[inline]
    fn node_mut(&mut self, node: NodeId) -> &mut Node<V> {
        &mut self.nodes[node as usize]
    }

    fn add(&mut self, node: Node<V>) -> NodeId {
        if let Some(place) = self.free.pop() {
            *self.node_mut(place) = node;
            return place;
        }
        self.nodes.push(node);
        // 2^32 nodes are hundreds of gigabytes: memory ends first.
        (self.nodes.len() - 1) as NodeId
    }

    fn release(&mut self, node: NodeId) -> Node<V> {
        self.free.push(node);
        mem::take(self.node_mut(node))
    }
}

impl<V> Default for PrefixTree<V> {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], free: Vec::new(), len: 0 }
    }
}

impl<V> Default for Node<V> {
    fn default() -> Self {
        Self { label: Label::default(), children: Children::default(), value: None, parent: ROOT }
    }
}

/// The values of the keys that some bytes begin with.
#[derive(Debug)]
pub(super) struct PrefixesOf<'a, V> {
    tree: &'a PrefixTree<V>,
    /// The next node on the way, whose label was found at the front of the bytes.
    next: Option<&'a Node<V>>,
    /// What comes after it.
    rest: &'a [u8],
}

impl<'a, V> Iterator for PrefixesOf<'a, V> {
    type Item = &'a V;

    #[inline]
    fn next(&mut self) -> Option<&'a V> {
        while let Some(node) = self.next.take() {
            if let Some(&first) = self.rest.first() {
                if let Some(child) = node.children.find(first) {
                    let child = self.tree.node(child);
                    if let Some(rest) = child.label.strip_from(self.rest) {
                        (self.next, self.rest) = (Some(child), rest);
                    }
                }
            }
            if node.value.is_some() {
                return node.value.as_ref();
            }
        }
        None
    }
}

/// All keys and values.
///
/// No [`Iterator`], because each key is lent out of the one buffer that they are put together in.
#[derive(Debug)]
pub(in crate::routing) struct Iter<'a, V> {
    tree: &'a PrefixTree<V>,
    next: Option<NodeId>,
    key: Vec<u8>,
    /// How much of `key` is above `next`.
    above: usize,
}

impl<'a, V> Iter<'a, V> {
    /// The next key and its value.
    pub(crate) fn next(&mut self) -> Option<(&[u8], &'a V)> {
        let value = loop {
            let place = self.next?;
            let node = self.tree.node(place);
            self.key.truncate(self.above);
            self.key.extend_from_slice(node.label.as_slice());
            self.step(place);
            if let Some(value) = &node.value {
                break value;
            }
        };
        Some((&self.key, value))
    }

    /// Finds what comes after a node: its first child, or the next one of the nearest ancestor that has one.
    fn step(&mut self, node: NodeId) {
        let mut at = node;
        self.above = self.key.len();
        self.next = self.tree.node(at).children.first_from(0);
        while self.next.is_none() && at != ROOT {
            let Node { label, parent, .. } = self.tree.node(at);
            self.above -= label.len();
            let after = label.as_slice()[0].checked_add(1);
            self.next = after.and_then(|byte| self.tree.node(*parent).children.first_from(byte));
            at = *parent;
        }
    }
}

/// How many bytes of a label are at the front of a key.
fn common_prefix(label: &[u8], key: &[u8]) -> usize {
    if key.starts_with(label) {
        return label.len();
    }
    label.iter().zip(key).take_while(|(a, b)| a == b).count()
}
