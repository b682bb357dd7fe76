//! The frames of a [`Message`], one after the other.

use std::collections::vec_deque;
use std::{mem, option};

use super::{Frame, Frames, Message};

/// The frames of a borrowed [`Message`].
#[derive(Clone, Debug)]
pub struct Iter<'a>(IterRepr<'a>);

#[derive(Clone, Debug)]
enum IterRepr<'a> {
    One(option::IntoIter<&'a Frame>),
    Many(vec_deque::Iter<'a, Frame>),
}

impl<'a> Iter<'a> {
    #[inline]
    pub(super) fn of(message: &'a Message) -> Self {
        Self(match &message.0 {
            Frames::One(frame) => IterRepr::One(Some(frame).into_iter()),
            Frames::Many(frames) => IterRepr::Many(frames.iter()),
        })
    }
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
pub struct IntoIter(vec_deque::IntoIter<Frame>);

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
        IntoIter(mem::take(self.make_many()).into_iter())
    }
}

impl<'a> IntoIterator for &'a Message {
    type Item = &'a Frame;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.frames()
    }
}
