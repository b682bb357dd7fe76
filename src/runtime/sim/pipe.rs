//! One direction of a connection: what is under way, what has arrived, and how each end has ended.

use std::collections::VecDeque;
use std::io;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;

use super::clock::{Event, EventKey};
use super::fault::{Cut, Direction, LinkId, Plan};
use super::link_info::DirectionInfo;
use super::world::Core;

/// A direction of one link.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) arrived: VecDeque<u8>,
    pub(super) capacity: usize,
    pub(super) cut_after: Option<(u64, Cut)>,
    /// Bytes that have reached the receiving end.
    pub(super) delivered: u64,
    in_flight: VecDeque<Segment>,
    pub(super) read_waker: Option<Waker>,
    pub(super) reader: ReadSide,
    /// Its system has begun to lose patience.
    pub(super) gives_up: bool,
    /// Something arrived that nobody was there to read.
    pub(super) refused: bool,
    /// A reset has come back.
    pub(super) was_reset: bool,
    /// Bytes that were accepted.
    sent: u64,
    pub(super) stall_after: Option<u64>,
    pub(super) stalled: bool,
    /// Bytes that were accepted and not read, wherever they are: `used <= capacity` unless it shrank.
    used: usize,
    pub(super) write_waker: Option<Waker>,
    pub(super) writer: WriteSide,
}

/// What the receiving end reads once it has read what arrived.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ReadSide {
    Open,
    Ended,
    Reset,
    TimedOut,
}

/// What the sending end gets for a write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum WriteSide {
    Open,
    /// Shut down by its owner.
    Shut,
    /// Cut in order.
    Broken,
    Reset,
    TimedOut,
}

/// Something under way, with the event of its arrival.
#[derive(Debug)]
struct Segment {
    at: Duration,
    key: EventKey,
    load: Load,
}

#[derive(Debug)]
pub(super) enum Load {
    Data(Bytes),
    Fin,
    Reset,
}

impl Pipe {
    pub(super) fn new(plan: &Plan, direction: Direction) -> Self {
        Self {
            arrived: VecDeque::new(),
            capacity: plan.capacity(direction),
            cut_after: plan.cut_point(direction),
            delivered: 0,
            in_flight: VecDeque::new(),
            read_waker: None,
            reader: ReadSide::Open,
            gives_up: false,
            refused: false,
            was_reset: false,
            sent: 0,
            stall_after: plan.stall_point(direction),
            stalled: false,
            used: 0,
            write_waker: None,
            writer: WriteSide::Open,
        }
    }

    /// How many bytes a write may add.
    pub(super) const fn room(&self) -> usize {
        self.capacity.saturating_sub(self.used)
    }

    /// Counts `len` bytes as accepted.
    pub(super) fn accept(&mut self, len: usize) {
        self.sent += len as u64;
        self.used += len;
    }

    /// Sends `load`; it never overtakes what was sent before it.
    pub(super) fn push(
        &mut self,
        link: LinkId,
        direction: Direction,
        latency: Duration,
        load: Load,
        core: &mut Core,
    ) {
        let at = core.now() + latency;
        let key = core.clock.schedule(at, Event::Arrive(link, direction));
        self.in_flight.push_back(Segment { at, key, load });
    }

    /// What arrives next, if its time has come and nothing holds it up.
    pub(super) fn pop_due(&mut self, core: &Core) -> Option<Load> {
        if self.stalled || core.held || self.in_flight.front()?.at > core.now() {
            return None;
        }
        self.in_flight.pop_front().map(|segment| segment.load)
    }

    /// Lets the part of `data` arrive that lies before the next cut or stall; returns how much that was.
    /// The rest goes back to the head of what is under way.
    pub(super) fn deliver(
        &mut self,
        mut data: Bytes,
        link: LinkId,
        direction: Direction,
        core: &mut Core,
    ) -> usize {
        let limit = [self.cut_after.map(|(at, _)| at), self.stall_after]
            .into_iter()
            .flatten()
            .map(|at| at.saturating_sub(self.delivered))
            .min()
            .unwrap_or(u64::MAX);
        let len = data.len().min(usize::try_from(limit).unwrap_or(usize::MAX));
        self.arrived.extend(&data.split_to(len));
        self.delivered += len as u64;
        core.wake(&mut self.read_waker);
        if !data.is_empty() {
            let at = core.now();
            let key = core.clock.schedule(at, Event::Arrive(link, direction));
            self.in_flight.push_front(Segment { at, key, load: Load::Data(data) });
        }
        len
    }

    /// Reads what has arrived into the front of `buf`.
    pub(super) fn take(&mut self, buf: &mut [u8], core: &mut Core) -> usize {
        let len = buf.len().min(self.arrived.len());
        let (front, back) = self.arrived.as_slices();
        let split = len.min(front.len());
        buf[..split].copy_from_slice(&front[..split]);
        buf[split..len].copy_from_slice(&back[..len - split]);
        self.arrived.drain(..len);
        self.used -= len;
        core.wake(&mut self.write_waker);
        len
    }

    /// Whether something is under way, or waits for room.
    pub(super) fn is_busy(&self) -> bool {
        !self.in_flight.is_empty() || self.room() == 0
    }

    /// Loses what is under way; it goes on using up the capacity, as what is never acknowledged does.
    pub(super) fn lose_in_flight(&mut self, core: &mut Core) {
        for segment in self.in_flight.drain(..) {
            core.clock.cancel(segment.key);
        }
    }

    /// Says what the receiving end gets after what has arrived, unless that is settled.
    pub(super) fn end_reading(&mut self, reader: ReadSide, core: &mut Core) {
        if self.reader == ReadSide::Open {
            self.reader = reader;
        }
        core.wake(&mut self.read_waker);
    }

    /// Says what the sending end gets for a write, unless that is settled.
    pub(super) fn end_writing(&mut self, writer: WriteSide, core: &mut Core) {
        if self.writer == WriteSide::Open {
            self.writer = writer;
        }
        core.wake(&mut self.write_waker);
    }

    /// What a read gets that finds nothing; 0 bytes unless the connection was reset.
    pub(super) fn read_end(&self) -> io::Result<usize> {
        match self.reader {
            ReadSide::Open | ReadSide::Ended => Ok(0),
            ReadSide::Reset => Err(io::ErrorKind::ConnectionReset.into()),
            ReadSide::TimedOut => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    pub(super) fn check_writable(&self) -> io::Result<()> {
        match self.writer {
            WriteSide::Open => Ok(()),
            WriteSide::Shut | WriteSide::Broken => Err(io::ErrorKind::BrokenPipe.into()),
            WriteSide::Reset => Err(io::ErrorKind::ConnectionReset.into()),
            WriteSide::TimedOut => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    pub(super) fn discard_wakers(&mut self, core: &mut Core) {
        core.discard(&mut self.read_waker);
        core.discard(&mut self.write_waker);
    }

    pub(super) fn info(&self) -> DirectionInfo {
        DirectionInfo {
            sent: self.sent,
            delivered: self.delivered,
            unread: self.arrived.len(),
            stalled: self.stalled,
        }
    }
}
