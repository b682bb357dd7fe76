//! What the sending side of a scenario has to send.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::wire;

/// Bytes of all payloads of a ring together: more than the second-level cache of a core holds.
const RING: usize = 4 << 20;

/// Payloads that a ring has at least.
const LEAST: usize = 8;

/// Where payloads come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// One buffer, which the program writes each payload into.
    #[default]
    Hot,
    /// Separate payloads of 4 MiB in all, each in memory of its own, sent over and over.
    Ring,
}

/// One payload, as a program has it when it calls the library.
#[derive(Clone, Copy)]
pub enum Payload<'a> {
    /// To be copied: the program writes the next one into the same buffer.
    Buffer(&'a [u8]),
    /// To be shared, where the library can.
    Shared(&'a Bytes),
}

impl Payload<'_> {
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Buffer(buffer) => buffer,
            Self::Shared(bytes) => bytes,
        }
    }

    #[inline]
    pub fn to_bytes(self) -> Bytes {
        match self {
            Self::Buffer(buffer) => Bytes::copy_from_slice(buffer),
            Self::Shared(bytes) => bytes.clone(),
        }
    }
}

/// The payloads of a sender, by number. What stands above 32 bits of it says which of several clients sends.
pub enum Payloads {
    Hot(Vec<u8>),
    Ring { payloads: Vec<Bytes>, numbering: Numbering },
}

impl Payloads {
    pub fn new(source: Source, size: usize, clients: usize) -> Self {
        if source == Source::Hot {
            return Self::Hot(vec![0; size]);
        }
        let numbering = Numbering::new(source, size, clients);
        let numbers =
            (0..clients as u64).flat_map(|client| (0..=numbering.0).map(move |n| (client << 32) | n));
        let payload = |number| {
            let mut payload = vec![0; size];
            wire::fill(&mut payload, number);
            let payload = Bytes::from(payload);
            // The first clone of all takes memory for the count of references.
            drop(payload.clone());
            payload
        };
        Self::Ring { payloads: numbers.map(payload).collect(), numbering }
    }

    #[inline]
    pub fn get(&mut self, number: u64) -> Payload<'_> {
        match self {
            Self::Hot(buffer) => {
                wire::fill(buffer, number);
                Payload::Buffer(buffer)
            }
            Self::Ring { payloads, numbering } => {
                let first = (number >> 32) * (numbering.0 + 1);
                Payload::Shared(&payloads[(first + (number & numbering.0)) as usize])
            }
        }
    }
}

/// Which number a payload has that is sent as the n-th of its client: all of its bits, or the lowest.
#[derive(Clone, Copy)]
pub struct Numbering(u64);

impl Numbering {
    pub fn new(source: Source, size: usize, clients: usize) -> Self {
        match source {
            Source::Hot => Self(u64::MAX),
            Source::Ring => Self((RING / size / clients).max(LEAST).next_power_of_two() as u64 - 1),
        }
    }

    #[inline]
    pub fn of(self, number: u64) -> u64 {
        number & self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Numbering, Payloads, Source, wire};

    #[test]
    fn the_receiver_expects_what_the_sender_has() {
        for source in [Source::Hot, Source::Ring] {
            let numbering = Numbering::new(source, 1024, 3);
            let mut payloads = Payloads::new(source, 1024, 3);
            for (client, number) in [(0, 0), (2, 5), (1, 4095), (2, 4096), (0, 1_000_000)] {
                let payload = payloads.get((client << 32) | number);
                wire::check(payload.as_slice(), 1024, (client << 32) | numbering.of(number));
            }
        }
    }

    #[test]
    fn payloads_of_a_ring_are_separate() {
        let Payloads::Ring { payloads, .. } = Payloads::new(Source::Ring, 64, 1) else { panic!("a ring") };
        assert!(payloads.iter().map(|payload| payload.len()).sum::<usize>() >= super::RING);
        let places: std::collections::HashSet<_> = payloads.iter().map(|payload| payload.as_ptr()).collect();
        assert_eq!(places.len(), payloads.len());
    }
}
