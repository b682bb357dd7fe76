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

/// Keys of up to 12 bytes out of 3, now and then of up to 600 out of 2, or single bytes: all forms of nodes.
fn random_key(random: &mut fastrand::Rng) -> Vec<u8> {
    let (bytes, longest) = [(3, 12), (3, 12), (0, 1), (3, 12), (3, 12), (0, 1), (2, 600)][random.usize(..7)];
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
        if step % 2_000 == 0 {
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

/// Kills a cut of a label that copies all of it: 400 gigabytes here.
#[test]
fn short_keys_inside_a_long_one_are_cheap() {
    let mut tree = PrefixTree::default();
    let key = vec![b'x'; MIB];
    tree.insert(&key, 0);
    for step in 0..200_000 {
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
