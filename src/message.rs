//! [`Message`] and [`Frame`]: what travels through a socket.

use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, Index};

use bytes::Bytes;

/// Payloads up to this many bytes live inside the [`Frame`] itself.
///
/// 64 makes a `Frame` 72 bytes, a little over one cache line, and covers the messages that benchmarks and
/// small RPC protocols like; copying that much is cheaper than a reference count.
pub(crate) const INLINE_CAPACITY: usize = 64;

/// One frame of a [`Message`]: an immutable byte string.
///
/// Up to 64 bytes are stored inline, so a small frame neither allocates nor keeps a receive buffer
/// alive; larger ones are reference-counted [`Bytes`].
#[derive(Clone)]
pub struct Frame(Repr);

#[derive(Clone)]
enum Repr {
    Inline(Inline),
    Shared(Bytes),
}

/// The payload comes first and what kind of frame it is last: frames are moved a lot, and so what is read
/// of one are the same 16 bytes at a time that were written, which spares a stall.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Inline {
    data: [u8; INLINE_CAPACITY],
    len: u8,
    kind: Kind,
}

/// Leaves all other values of its byte to say that a frame is not inline, or that there is none.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    Inline,
}

impl Inline {
    const EMPTY: Self = Self::new([0; INLINE_CAPACITY], 0);

    #[inline(always)]
    const fn new(data: [u8; INLINE_CAPACITY], len: u8) -> Self {
        Self { data, len, kind: Kind::Inline }
    }

    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        &self.data[..usize::from(self.len)]
    }
}

impl Frame {
    /// An empty frame, such as the delimiter of a REQ/REP envelope.
    #[must_use]
    pub const fn new() -> Self {
        Self(Repr::Inline(Inline::EMPTY))
    }

    /// Copies `bytes` into a new frame.
    #[inline]
    #[must_use]
    pub fn copy_from_slice(bytes: &[u8]) -> Self {
        if bytes.len() <= INLINE_CAPACITY {
            Self::inline(bytes)
        } else {
            Self(Repr::Shared(Bytes::copy_from_slice(bytes)))
        }
    }

    /// An inline payload with what lies behind it, and its length: the counterpart of
    /// [`Message::set_window`].
    #[inline]
    pub(crate) fn window(&self) -> Option<(&[u8; INLINE_CAPACITY], u8)> {
        match &self.0 {
            Repr::Inline(inline) => Some((&inline.data, inline.len)),
            Repr::Shared(_) => None,
        }
    }

    #[inline]
    fn inline(bytes: &[u8]) -> Self {
        let mut data = [0; INLINE_CAPACITY];
        data[..bytes.len()].copy_from_slice(bytes);
        // `bytes.len() <= INLINE_CAPACITY < 256` holds at both call sites.
        Self(Repr::Inline(Inline::new(data, bytes.len() as u8)))
    }

    /// The payload as [`Bytes`]: without copying where the frame is larger than the inline capacity.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Repr::Inline(inline) => Bytes::copy_from_slice(inline.bytes()),
            Repr::Shared(bytes) => bytes,
        }
    }

    /// A cheap reference to a shared payload; `None` for an inline one, which is copied instead.
    pub(crate) fn shared(&self) -> Option<&Bytes> {
        match &self.0 {
            Repr::Inline(_) => None,
            Repr::Shared(bytes) => Some(bytes),
        }
    }
}

impl Deref for Frame {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline(inline) => inline.bytes(),
            Repr::Shared(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Default for Frame {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Frame {
    /// Prints text as text, other bytes escaped, and cuts long payloads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 64;
        let cut = self.len().min(SHOWN);
        write!(f, "b\"{}\"", self[..cut].escape_ascii())?;
        if cut < self.len() {
            write!(f, "…{} bytes", self.len())?;
        }
        Ok(())
    }
}

impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Frame {}

impl std::hash::Hash for Frame {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

/// Lets a map keyed by frames be searched with a plain slice.
impl std::borrow::Borrow<[u8]> for Frame {
    fn borrow(&self) -> &[u8] {
        self
    }
}

/// Comparison with whatever a payload is usually written as.
macro_rules! eq_bytes {
    ($([$($generics:tt)*] $other:ty),+) => {$(
        impl<$($generics)*> PartialEq<$other> for Frame {
            fn eq(&self, other: &$other) -> bool {
                let other: &[u8] = other.as_ref();
                **self == *other
            }
        }
    )+};
}
eq_bytes!([] [u8], [] &[u8], [] str, [] &str, [] String, [] Vec<u8>, [] Bytes);
eq_bytes!([const N: usize] [u8; N], [const N: usize] &[u8; N]);

impl From<Bytes> for Frame {
    fn from(bytes: Bytes) -> Self {
        if bytes.len() <= INLINE_CAPACITY { Self::inline(&bytes) } else { Self(Repr::Shared(bytes)) }
    }
}

impl From<Frame> for Bytes {
    fn from(frame: Frame) -> Self {
        frame.into_bytes()
    }
}

impl From<Vec<u8>> for Frame {
    fn from(bytes: Vec<u8>) -> Self {
        if bytes.len() <= INLINE_CAPACITY { Self::inline(&bytes) } else { Self(Repr::Shared(bytes.into())) }
    }
}

impl From<String> for Frame {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&str> for Frame {
    fn from(text: &str) -> Self {
        Self::copy_from_slice(text.as_bytes())
    }
}

impl From<&[u8]> for Frame {
    #[inline]
    fn from(bytes: &[u8]) -> Self {
        Self::copy_from_slice(bytes)
    }
}

impl<const N: usize> From<&[u8; N]> for Frame {
    fn from(bytes: &[u8; N]) -> Self {
        Self::copy_from_slice(bytes)
    }
}

impl<const N: usize> From<[u8; N]> for Frame {
    fn from(bytes: [u8; N]) -> Self {
        Self::copy_from_slice(&bytes)
    }
}

/// A multipart message: sent, received, queued and dropped as a whole.
///
/// ```
/// use monocoque::Message;
///
/// let mut message = Message::from("body");
/// message.push_front("envelope");
/// assert_eq!(message.len(), 2);
/// assert_eq!(&message[1], "body");
/// ```
#[derive(Clone)]
pub struct Message(Frames);

/// Nearly every message has one frame, which then needs no allocation of its own.
#[derive(Clone)]
enum Frames {
    One(Frame),
    Many(VecDeque<Frame>),
}

impl Message {
    /// A message without frames, to be filled; a socket refuses to send it empty.
    #[must_use]
    pub const fn new() -> Self {
        Self(Frames::Many(VecDeque::new()))
    }

    /// A message to be overwritten with what arrives, which nearly always is one small frame.
    pub(crate) const BLANK: Self = Self(Frames::One(Frame::new()));

    /// Makes this the message of one frame with the first `len` bytes of `window`, at most all of it.
    ///
    /// The rest is copied along unseen, because a copy of fixed size takes a few instructions where one of
    /// any size takes a call. A [`BLANK`](Self::BLANK) message is written in place: a new one would be put
    /// together elsewhere and moved here.
    #[inline(always)]
    pub(crate) fn set_window(&mut self, window: &[u8; INLINE_CAPACITY], len: usize) {
        let len = len.min(INLINE_CAPACITY) as u8;
        match &mut self.0 {
            Frames::One(Frame(Repr::Inline(inline))) => {
                inline.len = len;
                inline.data = *window;
            }
            other => *other = Frames::One(Frame(Repr::Inline(Inline::new(*window, len)))),
        }
    }

    /// The number of frames.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Frames::One(_) => 1,
            Frames::Many(frames) => frames.len(),
        }
    }

    /// Whether the message has no frame (a message of one empty frame is not empty).
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sum of the frames' payload lengths, in bytes: what byte marks and permits count.
    #[inline(always)]
    #[must_use]
    pub fn size(&self) -> usize {
        match &self.0 {
            Frames::One(frame) => frame.len(),
            Frames::Many(frames) => sum_of_sizes(frames),
        }
    }

    /// The frame at `index`, if there is one.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Frame> {
        match &self.0 {
            Frames::One(frame) => (index == 0).then_some(frame),
            Frames::Many(frames) => frames.get(index),
        }
    }

    /// The frame of a message that never had another.
    #[inline]
    pub(crate) fn only_frame(&self) -> Option<&Frame> {
        match &self.0 {
            Frames::One(frame) => Some(frame),
            Frames::Many(_) => None,
        }
    }

    /// Iterates over the frames from first to last.
    #[inline]
    pub fn frames(&self) -> Iter<'_> {
        Iter(match &self.0 {
            Frames::One(frame) => IterRepr::One(Some(frame).into_iter()),
            Frames::Many(frames) => IterRepr::Many(frames.iter()),
        })
    }

    /// [`frames`](Self::frames), under the name that collections use.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        self.frames()
    }

    /// Puts a frame in front, as an envelope does.
    pub fn push_front(&mut self, frame: impl Into<Frame>) {
        self.make_many().push_front(frame.into());
    }

    /// Appends a frame.
    pub fn push_back(&mut self, frame: impl Into<Frame>) {
        self.make_many().push_back(frame.into());
    }

    /// Takes the first frame off.
    pub fn pop_front(&mut self) -> Option<Frame> {
        self.make_many().pop_front()
    }

    /// Takes the last frame off.
    pub fn pop_back(&mut self) -> Option<Frame> {
        self.make_many().pop_back()
    }

    /// The only frame of a single-frame message; the message back if it has several or none.
    ///
    /// # Errors
    /// The message itself, unchanged.
    pub fn into_single(mut self) -> Result<Frame, Self> {
        match self.0 {
            Frames::One(frame) => Ok(frame),
            Frames::Many(ref mut frames) if frames.len() == 1 => Ok(frames.pop_front().unwrap_or_default()),
            Frames::Many(_) => Err(self),
        }
    }

    fn make_many(&mut self) -> &mut VecDeque<Frame> {
        if let Frames::One(frame) = &mut self.0 {
            // Room for an envelope on both sides without growing again.
            let mut frames = VecDeque::with_capacity(4);
            frames.push_back(std::mem::take(frame));
            self.0 = Frames::Many(frames);
        }
        match &mut self.0 {
            Frames::Many(frames) => frames,
            Frames::One(_) => unreachable!("turned into Many above"),
        }
    }
}

#[inline(never)]
fn sum_of_sizes(frames: &VecDeque<Frame>) -> usize {
    frames.iter().map(|frame| frame.len()).sum()
}

impl Default for Message {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.frames()).finish()
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self.frames().eq(other.frames())
    }
}

impl Eq for Message {}

impl Index<usize> for Message {
    type Output = Frame;

    fn index(&self, index: usize) -> &Frame {
        let len = self.len();
        self.get(index).unwrap_or_else(|| panic!("frame {index} of a message of {len} frames"))
    }
}

/// The frames of a borrowed [`Message`].
#[derive(Clone, Debug)]
pub struct Iter<'a>(IterRepr<'a>);

#[derive(Clone, Debug)]
enum IterRepr<'a> {
    One(std::option::IntoIter<&'a Frame>),
    Many(std::collections::vec_deque::Iter<'a, Frame>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a Frame;

    #[inline]
    fn next(&mut self) -> Option<&'a Frame> {
        match &mut self.0 {
            IterRepr::One(iter) => iter.next(),
            IterRepr::Many(iter) => iter.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            IterRepr::One(iter) => iter.size_hint(),
            IterRepr::Many(iter) => iter.size_hint(),
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}

/// The frames of an owned [`Message`].
#[derive(Debug)]
pub struct IntoIter(std::collections::vec_deque::IntoIter<Frame>);

impl Iterator for IntoIter {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for IntoIter {}

impl IntoIterator for Message {
    type Item = Frame;
    type IntoIter = IntoIter;

    fn into_iter(mut self) -> IntoIter {
        IntoIter(std::mem::take(self.make_many()).into_iter())
    }
}

impl<'a> IntoIterator for &'a Message {
    type Item = &'a Frame;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.frames()
    }
}

impl<F: Into<Frame>> FromIterator<F> for Message {
    fn from_iter<I: IntoIterator<Item = F>>(frames: I) -> Self {
        frames.into_iter().map(Into::into).collect::<VecDeque<Frame>>().into()
    }
}

impl<F: Into<Frame>> Extend<F> for Message {
    fn extend<I: IntoIterator<Item = F>>(&mut self, frames: I) {
        self.make_many().extend(frames.into_iter().map(Into::into));
    }
}

impl From<VecDeque<Frame>> for Message {
    fn from(mut frames: VecDeque<Frame>) -> Self {
        if frames.len() == 1 {
            Self(Frames::One(frames.pop_front().unwrap_or_default()))
        } else {
            Self(Frames::Many(frames))
        }
    }
}

impl From<Frame> for Message {
    #[inline]
    fn from(frame: Frame) -> Self {
        Self(Frames::One(frame))
    }
}

/// One frame from anything that a [`Frame`] can be made of.
macro_rules! from_single_frame {
    ($($source:ty),+) => {$(
        impl From<$source> for Message {
            #[inline]
            fn from(payload: $source) -> Self {
                Frame::from(payload).into()
            }
        }
    )+};
}
from_single_frame!(&str, String, &[u8], Vec<u8>, Bytes);

impl<const N: usize> From<&[u8; N]> for Message {
    fn from(payload: &[u8; N]) -> Self {
        Frame::from(payload).into()
    }
}

impl<const N: usize> From<[u8; N]> for Message {
    fn from(payload: [u8; N]) -> Self {
        Frame::from(payload).into()
    }
}

impl<const N: usize> From<[Frame; N]> for Message {
    fn from(frames: [Frame; N]) -> Self {
        frames.into_iter().collect()
    }
}

impl<const N: usize> From<[&str; N]> for Message {
    fn from(frames: [&str; N]) -> Self {
        frames.into_iter().collect()
    }
}

impl<const N: usize> From<[&[u8]; N]> for Message {
    fn from(frames: [&[u8]; N]) -> Self {
        frames.into_iter().collect()
    }
}

impl From<Vec<Frame>> for Message {
    fn from(frames: Vec<Frame>) -> Self {
        VecDeque::from(frames).into()
    }
}

impl From<Vec<Bytes>> for Message {
    fn from(frames: Vec<Bytes>) -> Self {
        frames.into_iter().collect()
    }
}

impl From<Message> for Vec<Bytes> {
    fn from(message: Message) -> Self {
        message.into_iter().map(Frame::into_bytes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_stay_small() {
        assert_eq!(size_of::<Frame>(), 72);
        assert_eq!(size_of::<Message>(), 72);
    }

    #[test]
    fn inline_boundary() {
        for len in [0, 1, 63, 64, 65, 72, 4096] {
            let payload = vec![7_u8; len];
            let frame = Frame::from(payload.clone());
            assert_eq!(frame.shared().is_none(), len <= INLINE_CAPACITY);
            assert_eq!(frame, payload);
            assert_eq!(frame.into_bytes(), payload);
        }
    }

    #[test]
    fn window_beyond_the_payload_is_unseen() {
        let window = [7; INLINE_CAPACITY];
        for len in [0, 1, 63, 64] {
            for mut message in [Message::BLANK, Message::new(), Message::from(vec![1; 100])] {
                message.set_window(&window, len);
                assert_eq!(message, Message::from(&window[..len]));
            }
        }
        let mut message = Message::BLANK;
        message.set_window(&window, 65);
        assert_eq!(message.size(), 64);
    }

    #[test]
    fn large_payloads_are_not_copied() {
        let bytes = Bytes::from(vec![1_u8; 1000]);
        let frame = Frame::from(bytes.clone());
        assert_eq!(frame.as_ptr(), bytes.as_ptr());
        assert_eq!(Message::from(frame).into_single().unwrap().into_bytes().as_ptr(), bytes.as_ptr());
    }

    #[test]
    fn envelope_operations() {
        let mut message = Message::from("body");
        message.push_front(Frame::new());
        message.push_front("id");
        message.push_back("tail");
        assert_eq!(message.iter().map(|f| f.len()).collect::<Vec<_>>(), [2, 0, 4, 4]);
        assert_eq!(message.size(), 10);
        assert_eq!(message.pop_front().unwrap(), "id");
        assert_eq!(message.pop_back().unwrap(), "tail");
        assert_eq!(message.len(), 2);
        let message = message.into_single().unwrap_err();
        assert_eq!(Vec::<Bytes>::from(message), [Bytes::new(), Bytes::from("body")]);
    }

    #[test]
    fn single_and_many_forms_are_equal() {
        let one = Message::from("x");
        let mut many: Message = ["x", "y"].into_iter().collect();
        many.pop_back();
        assert_eq!(one, many);
        assert_eq!(many.into_single().unwrap(), "x");
        assert!(Message::new().is_empty());
        assert_eq!(Message::from(vec![Bytes::from("x")]), one);
    }

    #[test]
    fn debug_is_readable_and_short() {
        assert_eq!(format!("{:?}", Message::from("a\0")), "[b\"a\\x00\"]");
        assert!(format!("{:?}", Frame::from(vec![b'a'; 9999])).len() < 100);
    }
}
