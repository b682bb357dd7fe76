//! What became of each message of ours, as its senders and receivers saw it.

use std::collections::BTreeMap;

use monocoque::prelude::*;

use crate::plan::{Kind, Letter};

/// In front of the last frame of each of our messages; scripted peers never say it.
const MAGIC: [u8; 4] = [0xC5, 0x5A, 0x77, 0x01];
const TAG: usize = 20;

/// A message of ours: who sends it, and its number.
pub type Name = (usize, u32);

/// How a message's call ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It has not yet, or was dropped: then nothing was sent.
    Offered,
    /// As the first, second... of its socket.
    Accepted(u64),
    Refused,
    /// A `request`, of which only the reply tells.
    Unsure,
}

#[derive(Clone, Debug)]
pub struct Receipt {
    pub receiver: usize,
    pub name: Name,
}

#[derive(Debug, Default)]
pub struct Journal {
    fates: BTreeMap<Name, Fate>,
    accepted: BTreeMap<usize, u64>,
    delivered: BTreeMap<usize, u64>,
    pub receipts: Vec<Receipt>,
    /// The identity in front of what each ROUTER received last.
    pub last_identity: BTreeMap<usize, Frame>,
    pub faults: Vec<String>,
}

impl Journal {
    /// A message with a tag as its last frame.
    pub fn write(&mut self, sender: usize, letter: &Letter) -> (Name, Message) {
        let number = self.fates.len() as u32;
        let name = (sender, number);
        self.fates.insert(name, Fate::Offered);
        let mut frames: Vec<Frame> = Vec::new();
        for (place, size) in letter.sizes.iter().enumerate() {
            let topic = if place == 0 { letter.topic.bytes() } else { b"" };
            // Neither 0 nor 1, which would be subscriptions.
            let filling = std::iter::repeat_n(number as u8 | 0x10, size.saturating_sub(topic.len()));
            frames.push(topic.iter().copied().chain(filling).collect::<Vec<u8>>().into());
        }
        let mut tag = MAGIC.to_vec();
        for value in [sender as u32, number, frames.len() as u32, sum(&frames)] {
            tag.extend_from_slice(&value.to_be_bytes());
        }
        frames.push(tag.into());
        (name, frames.into())
    }

    pub fn settle(&mut self, name: Name, accepted: bool) {
        let fate = if accepted {
            let count = self.accepted.entry(name.0).or_default();
            *count += 1;
            Fate::Accepted(*count)
        } else {
            Fate::Refused
        };
        self.fates.insert(name, fate);
    }

    pub fn unsure(&mut self, name: Name) {
        self.fates.insert(name, Fate::Unsure);
    }

    pub fn fate(&self, name: Name) -> Option<Fate> {
        self.fates.get(&name).copied()
    }

    /// Calls of this socket that said a message was accepted.
    pub fn accepted(&self, socket: usize) -> u64 {
        self.accepted.get(&socket).copied().unwrap_or_default()
    }

    pub fn has_unsure(&self, socket: usize) -> bool {
        self.fates.iter().any(|((sender, _), fate)| *sender == socket && *fate == Fate::Unsure)
    }

    /// Messages that calls of this socket have returned.
    pub fn delivered(&self, socket: usize) -> u64 {
        self.delivered.get(&socket).copied().unwrap_or_default()
    }

    /// A call has returned a message; one of ours is whole.
    pub fn receive(&mut self, (receiver, kind): (usize, Kind), message: &Message) {
        *self.delivered.entry(receiver).or_default() += 1;
        if let Some(first) = message.get(0) {
            self.last_identity.insert(receiver, first.clone());
        }
        let frames: Vec<Frame> = message.frames().cloned().collect();
        let Some((tag, body)) = frames.split_last() else {
            return self.faults.push("a message without frames".into());
        };
        if tag.len() != TAG || tag[..4] != MAGIC {
            return;
        }
        let [sender, number, count, expected] =
            [4, 8, 12, 16].map(|at| u32::from_be_bytes(tag[at..at + 4].try_into().unwrap()));
        let name = (sender as usize, number);
        // REP, REQ and theirs of `rpc` take an envelope, up to an empty frame, which may be the message's own.
        let missing = body.len() < count as usize
            && matches!(kind, Kind::Rep | Kind::Req | Kind::Client | Kind::Server);
        let from = body.len().checked_sub(count as usize);
        let whole = missing || from.is_some_and(|from| sum(&body[from..]) == expected);
        if !whole || !self.fates.contains_key(&name) {
            self.faults.push(format!("socket {receiver} received message {name:?} damaged: {frames:?}"));
        }
        self.receipts.push(Receipt { receiver, name });
    }
}

/// A checksum over the lengths and contents of frames.
fn sum(frames: &[Frame]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for frame in frames {
        hasher.update(&(frame.len() as u32).to_be_bytes());
        hasher.update(frame);
    }
    hasher.finalize()
}
