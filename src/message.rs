//! [`Message`] and [`Frame`]: what travels through a socket.

mod convert;
mod extent;
mod frame;
mod iter;
mod list;
mod payload;
mod recycled;

use std::fmt;
use std::ops::Index;
use std::sync::Arc;

pub(crate) use self::extent::{Count, Extent, Tally};
pub use self::frame::Frame;
pub(crate) use self::frame::INLINE_CAPACITY;
pub use self::iter::{IntoIter, Iter};
pub(crate) use self::list::FrameList;
pub(crate) use self::payload::{Held, Payload};
pub(crate) use self::recycled::{Recycled, Spare};

/// A multipart message: sent, received, queued and dropped as a whole.
///
/// ```
/// use monocoque::Message;
///
/// let mut message = Message::from("body");
/// message.push_front("envelope");
/// assert_eq!(message.len(), 2);
/// assert_eq!(&message[1], "body");
/// assert_eq!(message, Message::from(("envelope", b"body")));
/// ```
///
/// It is made of one frame from whatever a [`Frame`] is made of, and of several from a tuple of such things (of
/// up to six, of different types), an array, a `Vec`, or any iterator of them.
#[derive(Clone)]
pub struct Message(Frames);

/// Nearly every message has one frame, which then needs no allocation of its own.
#[derive(Clone)]
enum Frames {
    One(Frame),
    Many(FrameList),
}

impl Message {
    /// A message without frames, to be filled; a socket refuses to send it empty.
    ///
    /// ```
    /// use monocoque::Message;
    ///
    /// let mut message = Message::new();
    /// assert!(message.is_empty());
    /// message.extend(["frame", "by frame"]);
    /// assert_eq!(message, ["frame", "by frame"].into());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self(Frames::Many(FrameList::new()))
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
        match &mut self.0 {
            Frames::One(frame) => frame.set_window(window, len),
            Frames::Many(_) => {
                let mut frame = Frame::new();
                frame.set_window(window, len);
                self.0 = Frames::One(frame);
            }
        }
    }

    /// The number of frames.
    ///
    /// ```
    /// use monocoque::Message;
    ///
    /// // Frames, and not bytes: those are `size`.
    /// let message = Message::from(["two", "frames"]);
    /// assert_eq!((message.len(), message.size()), (2, 9));
    /// ```
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Frames::One(_) => 1,
            Frames::Many(frames) => frames.len(),
        }
    }

    /// Whether the message has no frame (a message of one empty frame is not empty).
    ///
    /// ```
    /// use monocoque::Message;
    ///
    /// assert!(Message::new().is_empty() && !Message::from("").is_empty());
    /// ```
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sum of the frames' payload lengths, in bytes.
    ///
    /// [`cost`](Self::cost) is what it takes of marks and budgets, and [`len`](Self::len) counts the frames.
    #[inline(always)]
    #[must_use]
    pub fn size(&self) -> usize {
        self.extent().size
    }

    /// What the message costs while it is queued: its payload and [`Frame::COST`] for each frame, in bytes.
    ///
    /// This is what byte marks and permits count.
    ///
    /// ```
    /// use monocoque::{Frame, Message};
    ///
    /// assert_eq!(Message::from("body").cost(), 4 + Frame::COST);
    /// assert_eq!(Message::from(("envelope", "body")).cost(), 12 + 2 * Frame::COST);
    /// ```
    #[inline(always)]
    #[must_use]
    pub fn cost(&self) -> usize {
        self.extent().cost()
    }

    /// How large it is.
    #[inline(always)]
    pub(crate) fn extent(&self) -> Extent {
        match &self.0 {
            Frames::One(frame) => Extent { size: frame.payload_len(), frames: 1 },
            Frames::Many(frames) => frames.extent(),
        }
    }

    /// Lets go of memory that it has for frames and does not need, before it is queued.
    #[inline(always)]
    pub(crate) fn trim(&mut self) {
        if self.only_frame().is_none() {
            self.trim_many();
        }
    }

    #[inline(never)]
    fn trim_many(&mut self) {
        let Frames::Many(frames) = &mut self.0 else { return };
        if frames.len() == 1 {
            self.0 = Frames::One(frames.pop_front().unwrap_or_default());
        } else {
            frames.trim();
        }
    }

    /// The frame at `index`, if there is one.
    ///
    /// ```
    /// use monocoque::Message;
    ///
    /// // `message[2]` would panic if a peer has sent fewer.
    /// let message = Message::from(["name", "value"]);
    /// assert!(message.get(1).is_some_and(|frame| frame == "value") && message.get(2).is_none());
    /// ```
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Frame> {
        match &self.0 {
            Frames::One(frame) => (index == 0).then_some(frame),
            Frames::Many(frames) => frames.get(index),
        }
    }

    /// Has the memory of the last frame used again, which was read into memory of its own.
    pub(crate) fn recycle(&mut self, home: &Arc<Recycled>) {
        match &mut self.0 {
            Frames::One(frame) => frame.recycle(home),
            Frames::Many(frames) => frames.last_mut().into_iter().for_each(|frame| frame.recycle(home)),
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
    ///
    /// ```
    /// use monocoque::{Frame, Message};
    ///
    /// let message = Message::from(["name", "value"]);
    /// let [name, value] = message.frames().collect::<Vec<_>>()[..] else { panic!("two were expected") };
    /// assert_eq!((name.to_str(), value.to_str()), (Ok("name"), Ok("value")));
    /// # let _: &Frame = name;
    /// ```
    #[inline]
    pub fn frames(&self) -> Iter<'_> {
        Iter::of(self)
    }

    /// [`frames`](Self::frames), under the name that collections use.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        self.frames()
    }

    /// Puts a frame in front, as an envelope does.
    ///
    /// ```
    /// use monocoque::{Frame, Message};
    ///
    /// // An envelope as REQ makes it, for a DEALER that talks to a REP.
    /// let mut message = Message::from("question");
    /// message.push_front(Frame::new());
    /// assert_eq!(message, ["", "question"].into());
    /// ```
    pub fn push_front(&mut self, frame: impl Into<Frame>) {
        self.make_many().push_front(frame.into());
    }

    /// Appends a frame.
    ///
    /// ```
    /// use monocoque::Message;
    ///
    /// let mut message = Message::from("prices.gold");
    /// message.push_back(1_850_u32.to_be_bytes());
    /// assert_eq!((message.len(), &message[1][..]), (2, &[0, 0, 7, 58][..]));
    /// ```
    pub fn push_back(&mut self, frame: impl Into<Frame>) {
        self.make_many().push_back(frame.into());
    }

    /// Takes the first frame off.
    ///
    /// ```
    /// use monocoque::Message;
    ///
    /// // What a ROUTER receives begins with who it is from.
    /// let mut message = Message::from(["worker-7", "done"]);
    /// let identity = message.pop_front().unwrap();
    /// assert!(identity == "worker-7" && message == "done".into());
    /// ```
    pub fn pop_front(&mut self) -> Option<Frame> {
        self.make_many().pop_front()
    }

    /// Takes the last frame off.
    ///
    /// ```
    /// use monocoque::Message;
    ///
    /// let mut message = Message::from(["body", "checksum"]);
    /// assert_eq!(message.pop_back().unwrap(), "checksum");
    /// assert!(message.pop_back().is_some() && message.pop_back().is_none());
    /// ```
    pub fn pop_back(&mut self) -> Option<Frame> {
        self.make_many().pop_back()
    }

    /// The only frame of a single-frame message; the message back if it has several or none.
    ///
    /// ```
    /// use monocoque::Message;
    ///
    /// assert_eq!(Message::from("one").into_single().unwrap(), "one");
    /// // What was not expected is there to be looked at.
    /// let unexpected = Message::from(["one", "two"]).into_single().unwrap_err();
    /// assert_eq!(unexpected.len(), 2);
    /// ```
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

    fn make_many(&mut self) -> &mut FrameList {
        if let Frames::One(frame) = &mut self.0 {
            let mut frames = FrameList::new();
            frames.push_back(std::mem::take(frame));
            self.0 = Frames::Many(frames);
        }
        match &mut self.0 {
            Frames::Many(frames) => frames,
            Frames::One(_) => unreachable!("turned into Many above"),
        }
    }
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

#[cfg(test)]
mod tests;
