//! Connections that their peers have ended, until it is known whether the peers had read everything.
//!
//! The end of a stream looks the same whether the peer has read all that was sent to it or not. What tells is what
//! its system answers to the end of our half, a round trip later: that it has got everything up to there, or a
//! reset, since something came that nobody will read. So where nothing else has proved what was sent, the stream
//! is kept for that long, shut down. Nothing waits for it: the messages are counted as in doubt until they are
//! proven, and the socket goes on as without.

use std::collections::VecDeque;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::base::Base;
use super::clock::{Timer, later};
use super::inproc::Link;
use super::peer::Peer;
use crate::monitor::{DisconnectReason, PeerId};
use crate::runtime::AsyncStream;

/// How many are kept at once: each has a descriptor. The oldest makes room, with its messages in doubt.
const KEPT: usize = 256;
/// The first look comes after so long, which is a round trip in one's own house, and each further one after
/// twice the time.
const FIRST_LOOK: Duration = Duration::from_millis(1);
/// They come to a second together; by then the answer is there or will not come.
const LAST_LOOK: Duration = Duration::from_millis(512);

/// Streams that are over as far as anybody but the ledger is concerned.
#[derive(Debug)]
pub(crate) struct Endings<S> {
    /// Oldest first.
    kept: VecDeque<Ending<S>>,
}

#[derive(Debug)]
struct Ending<S> {
    id: PeerId,
    link: Link<S>,
    /// Messages that nothing has proved to have arrived.
    unproven: u64,
    next_look: Duration,
}

impl<S> Default for Endings<S> {
    fn default() -> Self {
        Self { kept: VecDeque::new() }
    }
}

impl<S> Endings<S> {
    /// Keeps one, and returns the one that makes room for it.
    fn keep(&mut self, ending: Ending<S>) -> Option<Ending<S>> {
        let oldest = if self.kept.len() < KEPT { None } else { self.kept.pop_front() };
        self.kept.push_back(ending);
        oldest
    }

    fn take(&mut self, id: PeerId) -> Option<Ending<S>> {
        let place = self.kept.iter().position(|ending| ending.id == id)?;
        self.kept.remove(place)
    }
}

/// What the end of a connection says about the messages that were sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verdict {
    Arrived,
    InDoubt,
    /// The peer's system has not answered yet, or does not tell.
    Open,
}

impl<S: AsyncStream> Link<S> {
    fn verdict(&self) -> Verdict {
        match self.has_ended() {
            Ok(true) => Verdict::Arrived,
            Ok(false) => Verdict::Open,
            Err(_) => Verdict::InDoubt,
        }
    }
}

impl<S: AsyncStream> Endings<S> {
    /// Lets go of the stream of a connection that has ended, once it has told what it can about messages that
    /// nothing has proved: they have been counted as in doubt.
    pub(super) fn part_with(&mut self, base: &mut Base<S>, mut peer: Peer<S>, reason: &DisconnectReason) {
        let unproven = peer.unproven();
        let answered = peer.is_shut_down();
        let in_order = matches!(reason, DisconnectReason::EndOfStream) && unproven > 0;
        let shut = in_order && (answered || matches!(peer.poll_shutdown(), Poll::Ready(Ok(()))));
        let Peer { id, link, .. } = peer;
        match if shut { link.verdict() } else { Verdict::InDoubt } {
            Verdict::Open if base.life.is_minded() => {
                return self.keep_ending(base, Ending { id, link, unproven, next_look: FIRST_LOOK });
            }
            // Whoever answers the end of our stream with its own has read what came before it.
            Verdict::Open if answered => base.ledger.prove(unproven),
            Verdict::Arrived => base.ledger.prove(unproven),
            Verdict::Open | Verdict::InDoubt => {}
        }
        base.effects.drop_link(link);
    }

    fn keep_ending(&mut self, base: &mut Base<S>, ending: Ending<S>) {
        base.clock.begin(Timer::Ending(ending.id), ending.next_look);
        if let Some(oldest) = self.keep(ending) {
            base.clock.cancel(Timer::Ending(oldest.id));
            base.effects.drop_link(oldest.link);
        }
    }

    /// Looks once more at a stream that was kept.
    pub(super) fn look_at_ending(&mut self, base: &mut Base<S>, id: PeerId, now: Instant) {
        let Some(mut ending) = self.take(id) else { return };
        match ending.link.verdict() {
            Verdict::Open if ending.next_look < LAST_LOOK => {
                ending.next_look *= 2;
                base.clock.set(Timer::Ending(id), later(now, ending.next_look));
                // A place further back is as good: each has its own time.
                self.kept.push_back(ending);
                return;
            }
            Verdict::Arrived => base.ledger.prove(ending.unproven),
            Verdict::Open | Verdict::InDoubt => {}
        }
        base.effects.drop_link(ending.link);
    }

    /// The socket has ended: what is not known by now stays in doubt.
    pub(super) fn drop_endings(&mut self, base: &mut Base<S>) {
        for ending in std::mem::take(&mut self.kept) {
            base.clock.cancel(Timer::Ending(ending.id));
            base.effects.drop_link(ending.link);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::FuturesIo;

    #[test]
    fn so_many_are_kept_and_the_oldest_makes_room() {
        let link = || Link::Stream(FuturesIo::new(futures_util::io::Cursor::new(Vec::<u8>::new())));
        let ending =
            |number| Ending { id: PeerId::new(number, 0), link: link(), unproven: 1, next_look: FIRST_LOOK };
        let mut endings = Endings::default();
        for number in 0..KEPT as u32 {
            assert!(endings.keep(ending(number)).is_none());
        }
        assert_eq!(endings.keep(ending(1_000)).map(|oldest| oldest.id), Some(PeerId::new(0, 0)));
        assert!(endings.take(PeerId::new(0, 0)).is_none());
        assert!(endings.take(PeerId::new(1_000, 0)).is_some());
        assert_eq!(endings.kept.len(), KEPT - 1);
    }
}
