//! A map from byte strings that finds all keys that a string begins with.

use std::mem;

use super::children::Children;
use super::label::Label;

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
            rest = rest.strip_prefix(self.node(at).label.as_slice())?;
        }
        self.node(at).value.is_some().then_some(at)
    }

    /// Writes the key of a node to `key`, which is cleared first.
    pub(super) fn key(&self, node: NodeId, key: &mut Vec<u8>) {
        key.clear();
        let mut at = node;
        while at != ROOT {
            key.extend(self.node(at).label.as_slice().iter().rev());
            at = self.node(at).parent;
        }
        key.reverse();
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
                    if let Some(rest) = self.rest.strip_prefix(child.label.as_slice()) {
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

/// How many bytes are the same at the front.
fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::mem::size_of;
    use std::thread;

    use super::*;

    const MIB: usize = 1 << 20;

    impl<V> PrefixTree<V> {
        /// Fails unless the links agree with each other and no node is there without need.
        pub(in crate::routing::fan_out) fn check(&self) {
            let (mut used, mut valued, mut stack) = (0, 0, vec![ROOT]);
            while let Some(at) = stack.pop() {
                let Node { label, children, value, .. } = self.node(at);
                used += 1;
                valued += usize::from(value.is_some());
                let mut count = 0;
                for byte in 0..=u8::MAX {
                    let Some(child) = children.find(byte) else { continue };
                    assert_eq!((self.node(child).parent, self.node(child).label.as_slice()[0]), (at, byte));
                    let fits = label.len() + self.node(child).label.len() <= Label::MAX;
                    assert!(at == ROOT || value.is_some() || children.len() > 1 || !fits);
                    stack.push(child);
                    count += 1;
                }
                assert_eq!(count, children.len());
                assert!(at == ROOT || value.is_some() || count > 0);
                assert_eq!(at == ROOT, label.len() == 0);
            }
            assert_eq!((used, valued), (self.nodes.len() - self.free.len(), self.len));
        }

        /// How many nodes there is memory for.
        pub(in crate::routing::fan_out) fn capacity(&self) -> usize {
            self.nodes.capacity()
        }

        fn insert(&mut self, key: &[u8], value: V) -> Option<V> {
            let mut value = Some(value);
            let (node, is_new) = self.insert_with(key, || value.take().unwrap());
            if is_new { None } else { mem::replace(&mut self.node_mut(node).value, value) }
        }

        fn remove_key(&mut self, key: &[u8]) -> Option<V> {
            let removed = self.find(key).and_then(|node| self.remove(node));
            self.compact_if_sparse(0, |_, _| {});
            removed
        }

        fn to_vec(&self) -> Vec<(Vec<u8>, V)>
        where
            V: Copy,
        {
            let (mut all, mut iter) = (Vec::new(), self.iter());
            while let Some((key, value)) = iter.next() {
                all.push((key.to_vec(), *value));
            }
            all
        }
    }

    /// Keys of up to 12 bytes out of 3, or of up to 600 out of 2, or single bytes: all forms of nodes.
    fn random_key(random: &mut fastrand::Rng) -> Vec<u8> {
        let (bytes, longest) = *random.choice(&[(3, 12), (3, 12), (2, 600), (0, 1)]).unwrap();
        let mut key = vec![b'a'; random.usize(..=longest)];
        match bytes {
            0 => key.fill_with(|| random.u8(..)),
            // Long ones differ late, or else they would not share much.
            2 => key.iter_mut().skip(240).step_by(40).for_each(|byte| *byte = b'a' + random.u8(..2)),
            _ => key.iter_mut().for_each(|byte| *byte = b'a' + random.u8(..3)),
        }
        key
    }

    #[test]
    fn a_node_is_a_cache_line() {
        assert_eq!(size_of::<Node<[usize; 1]>>(), 64);
    }

    #[test]
    fn agrees_with_a_simple_model() {
        let mut random = fastrand::Rng::with_seed(26);
        let (mut tree, mut model) = (PrefixTree::default(), BTreeMap::new());
        for step in 0..100_000_u32 {
            let key = random_key(&mut random);
            // Phases of growth and decline.
            if random.u32(..100) < if step / 5_000 % 2 == 0 { 60 } else { 35 } {
                assert_eq!(tree.insert(&key, step), model.insert(key.clone(), step));
            } else {
                let victim = model.range(key.clone()..).next().map_or(&key, |(key, _)| key).clone();
                assert_eq!(tree.remove_key(&victim), model.remove(&victim));
            }
            assert_eq!((tree.len(), tree.find(&key).is_some()), (model.len(), model.contains_key(&key)));
            let expected: Vec<_> = (0..=key.len()).filter_map(|len| model.get(&key[..len])).collect();
            assert_eq!(tree.prefixes_of(&key).collect::<Vec<_>>(), expected);
            if step % 500 == 0 {
                tree.check();
                assert_eq!(tree.to_vec(), model.clone().into_iter().collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn keys_are_found_from_their_nodes() {
        let mut random = fastrand::Rng::with_seed(3);
        let (mut tree, mut found) = (PrefixTree::default(), Vec::new());
        let keys: Vec<_> = (0..300).map(|_| random_key(&mut random)).collect();
        let nodes: Vec<_> = keys.iter().map(|key| tree.insert_with(key, || ()).0).collect();
        for (key, node) in keys.iter().zip(nodes) {
            tree.key(node, &mut found);
            assert_eq!(&found, key);
            assert_eq!(tree.find(key), Some(node), "inserting others does not move it");
        }
    }

    /// Kills any recursion over nodes, and bytes looked at twice.
    #[test]
    fn long_keys_take_little_stack() {
        let work = || {
            let mut tree = PrefixTree::default();
            let mut key = vec![b'x'; MIB];
            for last in 0..=u8::MAX {
                key[MIB - 1] = last;
                assert_eq!(tree.insert(&key, last), None);
            }
            assert_eq!(tree.prefixes_of(&key).collect::<Vec<_>>(), [&u8::MAX]);
            assert!(tree.nodes.len() < MIB / 256 + 300, "what they share is there once");
            let mut iter = tree.iter();
            for last in 0..=u8::MAX {
                let (found, value) = iter.next().unwrap();
                assert_eq!((found.len(), found[MIB - 1], *value), (MIB, last, last));
            }
            assert!(iter.next().is_none());
            drop(tree.clone());
            for last in 1..=u8::MAX {
                key[MIB - 1] = last;
                assert_eq!(tree.remove_key(&key), Some(last));
            }
            tree.check();
        };
        thread::Builder::new().stack_size(64 << 10).spawn(work).unwrap().join().unwrap();
    }

    /// A node for each of 2,000 bytes, and back: removed from the front, the back, and in between.
    #[test]
    fn nested_keys_are_joined_again() {
        let key = vec![b'x'; 2_000];
        let orders: [fn(usize) -> usize; 3] = [|i| i, |i| 1_999 - i, |i| i * 7 % 2_000];
        for order in orders {
            let mut tree = PrefixTree::default();
            (0..=2_000).for_each(|len| _ = tree.insert(&key[..len], len));
            assert_eq!(tree.prefixes_of(&key).count(), 2_001);
            (0..2_000).for_each(|i| _ = tree.remove_key(&key[..order(i)]).unwrap());
            tree.check();
            assert!(tree.nodes.len() - tree.free.len() <= 20);
            assert_eq!(tree.remove_key(&key), Some(2_000));
            assert_eq!(tree.nodes.len() - tree.free.len(), 1);
        }
    }

    /// Kills a cut of a label that copies all of it: a terabyte here.
    #[test]
    fn short_keys_inside_a_long_one_are_cheap() {
        let mut tree = PrefixTree::default();
        let key = vec![b'x'; MIB];
        tree.insert(&key, 0);
        for step in 0..1_000_000 {
            let inside = &key[..1 + step % 30];
            assert_eq!(tree.insert(inside, step), None);
            assert_eq!(tree.remove_key(inside), Some(step));
        }
        tree.check();
        assert!(tree.nodes.len() <= MIB / 128 + 3);
    }

    #[test]
    fn memory_of_a_burst_is_given_back() {
        let mut tree = PrefixTree::default();
        (0..100_000_u32).for_each(|key| _ = tree.insert(&key.to_be_bytes(), key));
        for key in (0..100_000_u32).filter(|key| key % 10_000 != 0) {
            tree.remove_key(&key.to_be_bytes());
        }
        tree.check();
        assert!(tree.capacity() <= 256 && tree.free.capacity() <= 256);
        assert!((0..10).all(|key| tree.find(&(key * 10_000_u32).to_be_bytes()).is_some()));
    }
}
