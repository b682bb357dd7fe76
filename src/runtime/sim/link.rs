//! A connection: two pipes, two ends, and the rules of TCP that tie them together.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};

use super::clock::Event;
use super::fault::{Cut, Direction, LinkId, Plan};
use super::link_info::LinkInfo;
use super::machine::{Host, Parting};
use super::pipe::{Load, Pipe, ReadSide, WriteSide};
use super::world::Core;
use crate::endpoint::Endpoint;

/// One of the two ends of a link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// The one that connected.
    Client,
    /// The one that accepted.
    Server,
}

impl End {
    /// The direction that this end writes to.
    const fn outgoing(self) -> Direction {
        match self {
            Self::Client => Direction::ToServer,
            Self::Server => Direction::ToClient,
        }
    }

    const fn incoming(self) -> Direction {
        self.outgoing().reverse()
    }

    const fn receiver(direction: Direction) -> Self {
        match direction {
            Direction::ToServer => Self::Server,
            Direction::ToClient => Self::Client,
        }
    }
}

#[derive(Debug)]
pub(super) struct Link {
    id: LinkId,
    cut: Option<Cut>,
    endpoint: Endpoint,
    /// Whether the client and the server have dropped their ends.
    gone: [bool; 2],
    /// Where the client and the server run.
    hosts: [Host; 2],
    /// Nothing passes between them.
    parted: bool,
    pipes: [Pipe; 2],
    plan: Plan,
}

impl Link {
    pub(super) fn new(id: LinkId, endpoint: Endpoint, hosts: [Host; 2], plan: Plan, core: &mut Core) -> Self {
        let pipes = Direction::BOTH.map(|direction| Pipe::new(&plan, direction));
        let (gone, parted) = ([false; 2], false);
        let mut link = Self { id, cut: None, endpoint, gone, hosts, parted, pipes, plan };
        for direction in Direction::BOTH {
            link.trip(direction, core);
        }
        link
    }

    pub(super) fn poll_read(
        &mut self,
        end: End,
        cx: &Context<'_>,
        buf: &mut [u8],
        core: &mut Core,
    ) -> Poll<io::Result<usize>> {
        let pipe = &mut self.pipes[end.incoming() as usize];
        if pipe.arrived.is_empty() && pipe.reader == ReadSide::Open {
            core.park(&mut pipe.read_waker, cx);
            return Poll::Pending;
        }
        if core.put_off(cx) {
            return Poll::Pending;
        }
        if pipe.arrived.is_empty() {
            return Poll::Ready(pipe.read_end());
        }
        let limit = self.plan.draw_read_chunk(&mut core.rng).min(buf.len());
        let read = pipe.take(&mut buf[..limit], core);
        core.note(&[1, self.id.0, end as u64, read as u64]);
        Poll::Ready(Ok(read))
    }

    pub(super) fn poll_write(
        &mut self,
        end: End,
        cx: &Context<'_>,
        slices: &[IoSlice<'_>],
        core: &mut Core,
    ) -> Poll<io::Result<usize>> {
        let direction = end.outgoing();
        let pipe = &mut self.pipes[direction as usize];
        pipe.check_writable()?;
        if slices.iter().all(|slice| slice.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        if pipe.room() == 0 {
            core.park(&mut pipe.write_waker, cx);
            if self.cut == Some(Cut::Silence) {
                self.lose_patience(direction, core);
            }
            return Poll::Pending;
        }
        if core.put_off(cx) {
            return Poll::Pending;
        }
        let data = gather(slices, pipe.room().min(self.plan.draw_write_chunk(&mut core.rng)));
        let len = data.len();
        pipe.accept(len);
        core.note(&[2, self.id.0, end as u64, len as u64]);
        self.send(direction, Load::Data(data), core);
        Poll::Ready(Ok(len))
    }

    /// Shuts the writing half of `end` down.
    pub(super) fn shut(&mut self, end: End, core: &mut Core) -> io::Result<()> {
        let direction = end.outgoing();
        let pipe = &mut self.pipes[direction as usize];
        match pipe.writer {
            WriteSide::Open => {
                pipe.end_writing(WriteSide::Shut, core);
                self.send(direction, Load::Fin, core);
                Ok(())
            }
            WriteSide::Shut | WriteSide::Broken => Ok(()),
            WriteSide::Reset | WriteSide::TimedOut => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Whether both halves are over, as `end` knows: the other host has let everything arrive, up to the end.
    pub(super) fn has_ended(&self, end: End) -> io::Result<bool> {
        let [outgoing, incoming] = [end.outgoing(), end.incoming()].map(|way| &self.pipes[way as usize]);
        if outgoing.was_reset {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        // What cuts a connection in order confirms nothing; nor does a host that is about to answer with a reset.
        let confirmed = self.cut.is_none() && !outgoing.refused;
        Ok(confirmed && [outgoing, incoming].iter().all(|pipe| pipe.reader == ReadSide::Ended))
    }

    /// The owner of `end` is gone. As in TCP the connection is reset, not closed, if there was something
    /// left to read; also if the peer waits to write, which a probe of its would bring to light.
    pub(super) fn drop_end(&mut self, end: End, abort: bool, core: &mut Core) {
        self.gone[end as usize] = true;
        let incoming = &mut self.pipes[end.incoming() as usize];
        let reset = abort || !incoming.arrived.is_empty() || incoming.room() == 0;
        core.discard(&mut incoming.read_waker);
        let direction = end.outgoing();
        core.discard(&mut self.pipes[direction as usize].write_waker);
        if reset {
            self.send(direction, Load::Reset, core);
        } else if self.pipes[direction as usize].writer == WriteSide::Open {
            self.send(direction, Load::Fin, core);
        }
    }

    pub(super) const fn is_abandoned(&self) -> bool {
        self.gone[0] && self.gone[1]
    }

    /// Takes in what has come to the end of its way.
    pub(super) fn arrive(&mut self, direction: Direction, core: &mut Core) {
        if self.parted {
            return;
        }
        while let Some(load) = self.pipes[direction as usize].pop_due(core) {
            match load {
                Load::Data(data) => self.deliver(direction, data, core),
                Load::Fin => self.pipes[direction as usize].end_reading(ReadSide::Ended, core),
                Load::Reset => self.reset(End::receiver(direction), core),
            }
        }
    }

    /// Cuts the connection; what was cut before stays as it is, but a silent link can still be closed.
    pub(super) fn cut(&mut self, cut: Cut, core: &mut Core) {
        if !matches!(self.cut, None | Some(Cut::Silence)) {
            return;
        }
        self.cut = Some(cut);
        core.note(&[3, self.id.0, cut as u64]);
        for direction in Direction::BOTH {
            let pipe = &mut self.pipes[direction as usize];
            let busy = pipe.is_busy();
            pipe.lose_in_flight(core);
            match cut {
                Cut::Fin => {
                    pipe.end_reading(ReadSide::Ended, core);
                    pipe.end_writing(WriteSide::Broken, core);
                }
                Cut::Reset => {
                    pipe.end_reading(ReadSide::Reset, core);
                    pipe.end_writing(WriteSide::Reset, core);
                }
                Cut::Silence if busy => self.lose_patience(direction, core),
                Cut::Silence => {}
            }
        }
    }

    pub(super) fn cut_after(&mut self, direction: Direction, bytes: u64, cut: Cut, core: &mut Core) {
        self.pipes[direction as usize].cut_after = Some((bytes, cut));
        self.trip(direction, core);
    }

    pub(super) fn stall_after(&mut self, direction: Direction, bytes: u64, core: &mut Core) {
        self.pipes[direction as usize].stall_after = Some(bytes);
        self.trip(direction, core);
    }

    pub(super) fn stall(&mut self, direction: Direction) {
        self.pipes[direction as usize].stalled = true;
    }

    pub(super) fn resume(&mut self, direction: Direction, core: &mut Core) {
        self.pipes[direction as usize].stalled = false;
        self.arrive(direction, core);
    }

    /// Lets nothing arrive while its hosts are parted.
    pub(super) fn part(&mut self, parting: &Parting) {
        self.parted = parting.parts(&self.hosts);
    }

    pub(super) fn is_of(&self, host: &str) -> bool {
        self.hosts.iter().any(|of| **of == *host)
    }

    pub(super) fn set_capacity(&mut self, direction: Direction, bytes: usize, core: &mut Core) {
        let pipe = &mut self.pipes[direction as usize];
        pipe.capacity = bytes;
        core.wake(&mut pipe.write_waker);
    }

    /// Forgets what is under way: nobody is left to receive it.
    pub(super) fn clear(&mut self, core: &mut Core) {
        for pipe in &mut self.pipes {
            pipe.lose_in_flight(core);
        }
    }

    pub(super) fn discard_wakers(&mut self, core: &mut Core) {
        for pipe in &mut self.pipes {
            pipe.discard_wakers(core);
        }
    }

    pub(super) fn info(&self) -> LinkInfo {
        LinkInfo {
            id: self.id,
            endpoint: self.endpoint.clone(),
            hosts: self.hosts.clone(),
            cut: self.cut,
            closed: self.is_abandoned(),
            to_server: self.pipes[Direction::ToServer as usize].info(),
            to_client: self.pipes[Direction::ToClient as usize].info(),
        }
    }

    fn send(&mut self, direction: Direction, load: Load, core: &mut Core) {
        if self.cut.is_none() {
            let latency = self.plan.draw_latency(&mut core.rng);
            self.pipes[direction as usize].push(self.id, direction, latency, load, core);
        } else if self.cut == Some(Cut::Silence) {
            self.lose_patience(direction, core);
        }
    }

    /// The system at the beginning of `direction` tries in vain to get something through, from now on.
    fn lose_patience(&mut self, direction: Direction, core: &mut Core) {
        let pipe = &mut self.pipes[direction as usize];
        if !std::mem::replace(&mut pipe.gives_up, true) {
            let at = core.now() + self.plan.give_up();
            core.clock.schedule(at, Event::GiveUp(self.id, direction));
        }
    }

    /// It has tried for long enough.
    pub(super) fn give_up(&mut self, direction: Direction, core: &mut Core) {
        self.pipes[direction as usize].end_writing(WriteSide::TimedOut, core);
        self.pipes[direction.reverse() as usize].end_reading(ReadSide::TimedOut, core);
    }

    fn deliver(&mut self, direction: Direction, data: Bytes, core: &mut Core) {
        if self.gone[End::receiver(direction) as usize] {
            // Nobody reads any more: the host of the receiver answers with a reset.
            self.pipes[direction as usize].refused = true;
            self.send(direction.reverse(), Load::Reset, core);
            return;
        }
        let len = self.pipes[direction as usize].deliver(data, self.id, direction, core);
        core.note(&[4, self.id.0, direction as u64, len as u64]);
        self.trip(direction, core);
    }

    /// Stalls or cuts if the position planned for it is reached.
    fn trip(&mut self, direction: Direction, core: &mut Core) {
        let pipe = &mut self.pipes[direction as usize];
        if pipe.stall_after.is_some_and(|at| pipe.delivered >= at) {
            pipe.stall_after = None;
            pipe.stalled = true;
        }
        if let Some((at, cut)) = pipe.cut_after {
            if pipe.delivered >= at {
                pipe.cut_after = None;
                self.cut(cut, core);
            }
        }
    }

    /// A reset reaches `end`.
    fn reset(&mut self, end: End, core: &mut Core) {
        let outgoing = &mut self.pipes[end.outgoing() as usize];
        outgoing.lose_in_flight(core);
        outgoing.end_writing(WriteSide::Reset, core);
        outgoing.was_reset = true;
        self.pipes[end.incoming() as usize].end_reading(ReadSide::Reset, core);
    }
}

/// The first `limit` bytes of `slices`, in one piece.
fn gather(slices: &[IoSlice<'_>], limit: usize) -> Bytes {
    let total = slices.iter().map(|slice| slice.len()).sum();
    let mut data = BytesMut::with_capacity(limit.min(total));
    for slice in slices {
        let len = slice.len().min(limit - data.len());
        data.extend_from_slice(&slice[..len]);
    }
    data.freeze()
}
