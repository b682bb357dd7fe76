//! The children of a node of a prefix tree, found by the first byte of their labels.

use super::prefix_tree::NodeId;

/// Children by first byte, in a form that suits their number.
///
/// A table of a kilobyte replaces at least 16 nodes' worth of arrays: it never dominates what the nodes
/// take themselves.
#[derive(Clone, Debug)]
pub(super) enum Children {
    Inline(Sorted<2>),
    Few(Box<Sorted<{ Self::FEW }>>),
    Table(Box<Table>),
}

impl Children {
    const FEW: usize = 16;

    /// A table that has no more is given up: below [`FEW`](Self::FEW), so that a peer that comes and goes
    /// at the border does not have it built each time.
    const FEW_AGAIN: usize = 12;

    #[inline]
    pub(super) fn find(&self, byte: u8) -> Option<NodeId> {
        match self {
            Self::Inline(few) => few.find(byte),
            Self::Few(few) => few.find(byte),
            Self::Table(table) => table.find(byte),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Inline(few) => few.len(),
            Self::Few(few) => few.len(),
            Self::Table(table) => table.len,
        }
    }

    /// The first child in the order of bytes, at or after `byte`.
    pub(super) fn first_from(&self, byte: u8) -> Option<NodeId> {
        match self {
            Self::Inline(few) => few.first_from(byte),
            Self::Few(few) => few.first_from(byte),
            Self::Table(table) => table.nodes[usize::from(byte)..].iter().copied().find(|node| *node != 0),
        }
    }

    /// Adds a child; `byte` has none.
    pub(super) fn insert(&mut self, byte: u8, node: NodeId) {
        self.grow();
        match self {
            Self::Inline(few) => few.insert(byte, node),
            Self::Few(few) => few.insert(byte, node),
            Self::Table(table) => table.insert(byte, node),
        }
    }

    /// Puts another node in the place of a child.
    pub(super) fn replace(&mut self, byte: u8, node: NodeId) {
        match self {
            Self::Inline(few) => few.replace(byte, node),
            Self::Few(few) => few.replace(byte, node),
            Self::Table(table) => table.nodes[usize::from(byte)] = node,
        }
    }

    pub(super) fn remove(&mut self, byte: u8) {
        match self {
            Self::Inline(few) => few.remove(byte),
            Self::Few(few) => few.remove(byte),
            Self::Table(table) => table.remove(byte),
        }
        self.shrink();
    }

    /// Every child has moved to where `place` says.
    pub(super) fn relocate(&mut self, place: impl Fn(NodeId) -> NodeId) {
        let nodes = match self {
            Self::Inline(few) => few.nodes_mut(),
            Self::Few(few) => few.nodes_mut(),
            Self::Table(table) => &mut table.nodes[..],
        };
        nodes.iter_mut().filter(|node| **node != 0).for_each(|node| *node = place(*node));
    }

    /// Makes room for one more.
    fn grow(&mut self) {
        match self {
            Self::Inline(few) if few.is_full() => *self = Self::Few(Box::new(few.resized())),
            Self::Few(few) if few.is_full() => {
                let mut table = Table::default();
                few.iter().for_each(|(byte, node)| table.insert(byte, node));
                *self = Self::Table(Box::new(table));
            }
            _ => {}
        }
    }

    /// Gives up room that is no longer needed.
    fn shrink(&mut self) {
        match self {
            Self::Few(few) if few.len() <= 2 => *self = Self::Inline(few.resized()),
            Self::Table(table) if table.len <= Self::FEW_AGAIN => {
                let mut few = Sorted::default();
                table.iter().for_each(|(byte, node)| few.insert(byte, node));
                *self = Self::Few(Box::new(few));
            }
            _ => {}
        }
    }
}

impl Default for Children {
    fn default() -> Self {
        Self::Inline(Sorted::default())
    }
}

/// Up to `N` children in the order of their bytes.
#[derive(Clone, Debug)]
pub(super) struct Sorted<const N: usize> {
    len: u8,
    bytes: [u8; N],
    nodes: [NodeId; N],
}

impl<const N: usize> Sorted<N> {
    fn len(&self) -> usize {
        usize::from(self.len)
    }

    fn is_full(&self) -> bool {
        self.len() == N
    }

    fn iter(&self) -> impl Iterator<Item = (u8, NodeId)> + '_ {
        self.bytes.iter().copied().zip(self.nodes.iter().copied()).take(self.len())
    }

    fn nodes_mut(&mut self) -> &mut [NodeId] {
        let len = self.len();
        &mut self.nodes[..len]
    }

    #[inline]
    fn find(&self, byte: u8) -> Option<NodeId> {
        self.position(byte).map(|place| self.nodes[place])
    }

    /// Compares with a few one by one, and with more in one word, where no branch depends on the data.
    #[inline]
    fn position(&self, byte: u8) -> Option<usize> {
        const ONES: u128 = u128::from_ne_bytes([1; 16]);
        const HIGHS: u128 = u128::from_ne_bytes([0x80; 16]);
        const { assert!(N <= 16) };
        if N <= 2 {
            return self.bytes[..self.len()].iter().position(|other| *other == byte);
        }
        let mut bytes = [0; 16];
        bytes[..N].copy_from_slice(&self.bytes);
        let differences = u128::from_le_bytes(bytes) ^ (ONES * u128::from(byte));
        // The high bit of each zero, and perhaps of bytes above the lowest one, which is what counts.
        let equal = differences.wrapping_sub(ONES) & !differences & HIGHS;
        let place = equal.trailing_zeros() as usize / 8;
        (place < self.len()).then_some(place)
    }

    fn first_from(&self, byte: u8) -> Option<NodeId> {
        self.iter().find(|(other, _)| *other >= byte).map(|(_, node)| node)
    }

    fn insert(&mut self, byte: u8, node: NodeId) {
        let len = self.len();
        let place = self.bytes[..len].partition_point(|other| *other < byte);
        self.bytes.copy_within(place..len, place + 1);
        self.nodes.copy_within(place..len, place + 1);
        (self.bytes[place], self.nodes[place]) = (byte, node);
        self.len += 1;
    }

    fn replace(&mut self, byte: u8, node: NodeId) {
        if let Some(place) = self.position(byte) {
            self.nodes[place] = node;
        }
    }

    fn remove(&mut self, byte: u8) {
        if let Some(place) = self.position(byte) {
            let len = self.len();
            self.bytes.copy_within(place + 1..len, place);
            self.nodes.copy_within(place + 1..len, place);
            self.len -= 1;
        }
    }

    /// The same children with room for another number of them.
    fn resized<const M: usize>(&self) -> Sorted<M> {
        let mut other = Sorted::default();
        self.iter().for_each(|(byte, node)| other.insert(byte, node));
        other
    }
}

impl<const N: usize> Default for Sorted<N> {
    fn default() -> Self {
        Self { len: 0, bytes: [0; N], nodes: [0; N] }
    }
}

/// A place for every byte; 0 where there is no child, since the root is nobody's.
#[derive(Clone, Debug)]
pub(super) struct Table {
    len: usize,
    nodes: [NodeId; 256],
}

impl Table {
    #[inline]
    fn find(&self, byte: u8) -> Option<NodeId> {
        let node = self.nodes[usize::from(byte)];
        (node != 0).then_some(node)
    }

    fn iter(&self) -> impl Iterator<Item = (u8, NodeId)> + '_ {
        (0..=u8::MAX).filter_map(|byte| self.find(byte).map(|node| (byte, node)))
    }

    fn insert(&mut self, byte: u8, node: NodeId) {
        self.nodes[usize::from(byte)] = node;
        self.len += 1;
    }

    fn remove(&mut self, byte: u8) {
        self.nodes[usize::from(byte)] = 0;
        self.len -= 1;
    }
}

impl Default for Table {
    fn default() -> Self {
        Self { len: 0, nodes: [0; 256] }
    }
}
