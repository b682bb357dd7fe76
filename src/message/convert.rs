//! What a [`Message`] is made of, and what it becomes.

use std::borrow::Cow;
use std::collections::VecDeque;

use bytes::Bytes;

use super::{Frame, FrameList, Frames, Message};

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
            Self(Frames::Many(frames.into()))
        }
    }
}

/// What came frame by frame, of which there are several.
impl From<FrameList> for Message {
    fn from(frames: FrameList) -> Self {
        Self(Frames::Many(frames))
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
from_single_frame!(&str, String, &String, Cow<'_, str>, &[u8], Vec<u8>, &Vec<u8>, Box<[u8]>, Bytes);

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

/// A frame from each.
impl<F: Into<Frame>, const N: usize> From<[F; N]> for Message {
    fn from(frames: [F; N]) -> Self {
        frames.into_iter().collect()
    }
}

/// A frame from each.
impl<F: Into<Frame>> From<Vec<F>> for Message {
    fn from(frames: Vec<F>) -> Self {
        // A vector of frames stays where it is.
        VecDeque::from(frames.into_iter().map(Into::into).collect::<Vec<Frame>>()).into()
    }
}

/// Frames from things of different types.
macro_rules! from_tuple {
    ($($frame:ident)+) => {
        impl<$($frame: Into<Frame>),+> From<($($frame,)+)> for Message {
            #[expect(non_snake_case, reason = "named after their types")]
            fn from(($($frame,)+): ($($frame,)+)) -> Self {
                [$($frame.into()),+].into_iter().collect::<VecDeque<Frame>>().into()
            }
        }
    };
}
from_tuple!(A B);
from_tuple!(A B C);
from_tuple!(A B C D);
from_tuple!(A B C D E);
from_tuple!(A B C D E F);

impl From<Message> for Vec<Bytes> {
    fn from(message: Message) -> Self {
        message.into_iter().map(Frame::into_bytes).collect()
    }
}
