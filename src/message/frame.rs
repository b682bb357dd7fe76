//! [`Frame`]: one byte string.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::str::{self, Utf8Error};
use std::string::FromUtf8Error;
use std::sync::Arc;

use bytes::Bytes;

use super::payload::Payload;
use super::recycled::Recycled;

/// Payloads up to this many bytes live inside the [`Frame`] itself.
///
/// 64 makes a `Frame` 72 bytes, a little over one cache line, and covers the messages that benchmarks and
/// small RPC protocols like; copying that much is cheaper than a reference count.
pub(crate) const INLINE_CAPACITY: usize = 64;

/// One frame of a [`Message`](crate::Message): an immutable byte string.
///
/// Up to 64 bytes are stored inline, so a small frame neither allocates nor keeps a receive buffer
/// alive; larger ones are reference-counted [`Bytes`]. A frame made of a part of some `Bytes` keeps all of them
/// alive, of which only the part is counted.
///
/// ```
/// use monocoque::Frame;
///
/// let frame = Frame::from("text");
/// assert_eq!((frame.len(), &frame[..2]), (4, &b"te"[..]));
/// // A large one is shared with its clones, and with what it is taken out as.
/// let large = Frame::from(vec![7; 1000]);
/// assert_eq!(large.clone().into_bytes(), large[..]);
/// ```
#[derive(Clone)]
pub struct Frame(Repr);

#[derive(Clone)]
enum Repr {
    Inline(Inline),
    Shared(Payload),
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
    /// What a frame costs beside its payload, in bytes.
    ///
    /// Byte marks and permits count it for each frame: an empty frame takes as much memory as one of 64 bytes,
    /// and many small frames take much more than their payloads. It is measured: in every shape that a message
    /// can have while it is queued, what is allocated for it is at most twice what is counted.
    pub const COST: usize = 112;

    /// An empty frame, such as the delimiter of a REQ/REP envelope.
    ///
    /// ```
    /// use monocoque::{Frame, Message};
    ///
    /// let envelope = Message::from([Frame::new(), Frame::from("body")]);
    /// assert!(envelope[0].is_empty() && !envelope.is_empty());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self(Repr::Inline(Inline::EMPTY))
    }

    /// Copies `bytes` into a new frame.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use monocoque::Frame;
    ///
    /// let read = Bytes::from(vec![7; 1_000_000]);
    /// // A part of it, which does not keep the whole in memory.
    /// let frame = Frame::copy_from_slice(&read[..1000]);
    /// assert_eq!(frame, read.slice(..1000));
    /// ```
    #[inline]
    #[must_use]
    pub fn copy_from_slice(bytes: &[u8]) -> Self {
        if bytes.len() <= INLINE_CAPACITY {
            Self::inline(bytes)
        } else {
            Self(Repr::Shared(Bytes::copy_from_slice(bytes).into()))
        }
    }

    /// The length of the payload, without the payload.
    #[inline(always)]
    pub(crate) fn payload_len(&self) -> usize {
        match &self.0 {
            Repr::Inline(inline) => usize::from(inline.len),
            Repr::Shared(bytes) => bytes.len(),
        }
    }

    /// An inline payload with what lies behind it, and its length: the counterpart of
    /// [`from_window`](Self::from_window) and [`Message::set_window`].
    #[inline]
    pub(crate) fn window(&self) -> Option<(&[u8; INLINE_CAPACITY], u8)> {
        match &self.0 {
            Repr::Inline(inline) => Some((&inline.data, inline.len)),
            Repr::Shared(_) => None,
        }
    }

    /// A frame of the first `len` bytes of `window`, at most all of it.
    #[inline(always)]
    pub(crate) fn from_window(window: &[u8; INLINE_CAPACITY], len: usize) -> Self {
        Self(Repr::Inline(Inline::new(*window, len.min(INLINE_CAPACITY) as u8)))
    }

    /// Makes this the first `len` bytes of `window`, at most all of it.
    #[inline(always)]
    pub(super) fn set_window(&mut self, window: &[u8; INLINE_CAPACITY], len: usize) {
        let len = len.min(INLINE_CAPACITY) as u8;
        match &mut self.0 {
            Repr::Inline(inline) => {
                inline.len = len;
                inline.data = *window;
            }
            Repr::Shared(_) => self.0 = Repr::Inline(Inline::new(*window, len)),
        }
    }

    #[inline]
    fn inline(bytes: &[u8]) -> Self {
        let mut data = [0; INLINE_CAPACITY];
        data[..bytes.len()].copy_from_slice(bytes);
        // `bytes.len() <= INLINE_CAPACITY < 256` holds at both call sites.
        Self(Repr::Inline(Inline::new(data, bytes.len() as u8)))
    }

    /// The payload as text, if it is UTF-8.
    ///
    /// ```
    /// use monocoque::Frame;
    ///
    /// assert_eq!(Frame::from("text").to_str(), Ok("text"));
    /// assert!(Frame::from([0xFF]).to_str().is_err());
    /// ```
    ///
    /// # Errors
    /// Where the first byte is that is not UTF-8.
    pub fn to_str(&self) -> Result<&str, Utf8Error> {
        str::from_utf8(self)
    }

    /// The payload as text, with U+FFFD in the place of what is not UTF-8.
    ///
    /// ```
    /// use monocoque::Frame;
    ///
    /// assert_eq!(Frame::from(b"caf\xE9").to_string_lossy(), "caf\u{FFFD}");
    /// ```
    #[must_use]
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self)
    }

    /// The payload as [`Bytes`]: without copying where the frame is larger than the inline capacity.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use monocoque::Frame;
    ///
    /// let large = Bytes::from(vec![7; 1000]);
    /// assert_eq!(Frame::from(large.clone()).into_bytes().as_ptr(), large.as_ptr());
    /// ```
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Repr::Inline(inline) => Bytes::copy_from_slice(inline.bytes()),
            Repr::Shared(payload) => payload.into_bytes(),
        }
    }

    /// Has the memory of its payload used again if that is worth it: nobody else has it, and it is no part of more.
    pub(super) fn recycle(&mut self, home: &Arc<Recycled>) {
        match &mut self.0 {
            Repr::Shared(payload) if payload.len() >= Recycled::LEAST => payload.recycle(home),
            _ => {}
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
        if bytes.len() <= INLINE_CAPACITY { Self::inline(&bytes) } else { Self(Repr::Shared(bytes.into())) }
    }
}

impl From<Frame> for Bytes {
    fn from(frame: Frame) -> Self {
        frame.into_bytes()
    }
}

impl From<Frame> for Vec<u8> {
    /// Without copying where the frame is larger than the inline capacity and the only one of its payload.
    fn from(frame: Frame) -> Self {
        match frame.0 {
            Repr::Inline(inline) => inline.bytes().to_vec(),
            Repr::Shared(payload) => payload.into_bytes().into(),
        }
    }
}

impl TryFrom<Frame> for String {
    type Error = FromUtf8Error;

    /// The payload as text; the error has the bytes if they are not UTF-8.
    fn try_from(frame: Frame) -> Result<Self, FromUtf8Error> {
        Self::from_utf8(frame.into())
    }
}

impl From<Vec<u8>> for Frame {
    fn from(mut bytes: Vec<u8>) -> Self {
        if bytes.len() <= INLINE_CAPACITY {
            return Self::inline(&bytes);
        }
        if bytes.capacity() / 2 > bytes.len() {
            // Room that nobody will use, nor counts.
            bytes.shrink_to_fit();
        }
        Self(Repr::Shared(Bytes::from(bytes).into()))
    }
}

impl From<Box<[u8]>> for Frame {
    fn from(bytes: Box<[u8]>) -> Self {
        bytes.into_vec().into()
    }
}

impl From<String> for Frame {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&String> for Frame {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<&Vec<u8>> for Frame {
    fn from(bytes: &Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}

impl From<Cow<'_, str>> for Frame {
    fn from(text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
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
