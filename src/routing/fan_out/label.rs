//! The piece of a key that one node of a prefix tree stands for.

/// A few bytes, in place if they fit.
#[derive(Clone, Debug)]
pub(super) enum Label {
    /// The first `len` of `bytes`.
    Inline {
        len: u8,
        bytes: [u8; Self::INLINE],
    },
    Heap(Box<[u8]>),
}

impl Label {
    /// Most topics are shorter; and so a label takes three words.
    const INLINE: usize = 22;

    /// The longest label; what is longer takes several nodes.
    ///
    /// Cutting a label and joining two copies bytes. With this bound a peer that does so by subscribing to
    /// a short topic in the middle of a long one, and cancelling it, again and again, achieves little.
    pub(super) const MAX: usize = 256;

    pub(super) fn new(bytes: &[u8]) -> Self {
        debug_assert!(bytes.len() <= Self::MAX, "the tree cuts keys to pieces");
        if bytes.len() > Self::INLINE {
            return Self::Heap(bytes.into());
        }
        let mut inline = [0; Self::INLINE];
        inline[..bytes.len()].copy_from_slice(bytes);
        Self::Inline { len: bytes.len() as u8, bytes: inline }
    }

    /// One label after the other.
    pub(super) fn joined(&self, rest: &Self) -> Self {
        let (head, tail) = (self.as_slice(), rest.as_slice());
        let mut bytes = [0; Self::MAX];
        bytes[..head.len()].copy_from_slice(head);
        bytes[head.len()..head.len() + tail.len()].copy_from_slice(tail);
        Self::new(&bytes[..head.len() + tail.len()])
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Self::Heap(bytes) => bytes,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// What comes after the label in `bytes`, if it is at the front of them, as its first byte is known to be.
    #[inline]
    pub(super) fn strip_from<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        match self {
            // Most nodes of large trees; spares a call for the comparison.
            Self::Inline { len: 1, .. } => bytes.get(1..),
            _ => bytes.strip_prefix(self.as_slice()),
        }
    }
}

impl Default for Label {
    fn default() -> Self {
        Self::new(&[])
    }
}
