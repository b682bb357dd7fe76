//! What can be done to a connection: [`Plan`], [`Cut`], and how directions and links are named.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use fastrand::Rng;

/// Stands in for the kernel's send and receive buffers together.
const DEFAULT_CAPACITY: usize = 64 * 1024;

/// What `tcp_retries2` comes to by default.
const DEFAULT_GIVE_UP: Duration = Duration::from_millis(924_600);

/// A local network: wide enough for seeds to reorder what happens on different links.
const DEFAULT_LATENCY: RangeInclusive<Duration> = Duration::from_micros(50)..=Duration::from_micros(500);

/// One connection, numbered in the order of establishment from 0.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LinkId(pub(super) u64);

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link {}", self.0)
    }
}

/// One of the two directions of a connection.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_enums, reason = "a connection has two directions")]
pub enum Direction {
    /// From the end that connected to the end that accepted.
    ToServer,
    /// From the end that accepted to the end that connected.
    ToClient,
}

impl Direction {
    /// Both, in the order in which they are stored.
    pub(super) const BOTH: [Self; 2] = [Self::ToServer, Self::ToClient];

    /// The other direction.
    ///
    /// ```
    /// use monocoque::runtime::sim::Direction;
    ///
    /// assert_eq!(Direction::ToServer.reverse(), Direction::ToClient);
    /// ```
    #[must_use]
    pub const fn reverse(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }
}

/// How a connection is cut; always both directions, and what is under way at that moment is lost.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Cut {
    /// Something in between closes in order: both ends read what has arrived and then the end of the
    /// stream; writes fail with [`BrokenPipe`](std::io::ErrorKind::BrokenPipe).
    Fin,
    /// A peer or firewall resets: both ends read what has arrived, as on Linux; then reads and writes
    /// fail with [`ConnectionReset`](std::io::ErrorKind::ConnectionReset).
    Reset,
    /// The cable is pulled: nothing arrives any more, not even the end of the stream. Writes succeed
    /// until the capacity of their direction is used up, then they wait. The system of an end that has something
    /// under way sends it again and again, and gives up with [`TimedOut`](std::io::ErrorKind::TimedOut)
    /// ([`Plan::with_give_up`]).
    Silence,
}

/// What a connection is like and what will happen to it.
///
/// What a plan leaves open is taken from the plan of the whole network
/// ([`SimConfig::with_links`](super::SimConfig::with_links)), then from the defaults given here.
/// Byte counts are positions in the stream of one direction, counted from its beginning.
///
/// ```
/// use monocoque::runtime::sim::{Cut, Direction, Plan, Sim};
/// use std::time::Duration;
///
/// let sim = Sim::new(7);
/// let plan = Plan::new()
///     .with_latency(Duration::from_millis(1)..=Duration::from_millis(5))
///     .with_capacity(Direction::ToServer, 64 * 1024)
///     // Behind the greeting, in the middle of the handshake.
///     .cut_after(Direction::ToServer, 100, Cut::Reset);
/// sim.network().on_next_connect(plan);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Plan {
    answer: Option<Answer>,
    capacity: [Option<usize>; 2],
    cut_after: [Option<(u64, Cut)>; 2],
    give_up: Option<Duration>,
    latency: Option<RangeInclusive<Duration>>,
    read_chunk: Option<RangeInclusive<usize>>,
    stall_after: [Option<u64>; 2],
    write_chunk: Option<RangeInclusive<usize>>,
}

/// How a connection attempt ends, whoever listens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answer {
    BlackHole,
    Refused,
}

impl Plan {
    /// A plan that leaves everything open.
    ///
    /// [`Plan`] shows one that is followed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How long establishment takes, and then each write until it arrives, drawn anew each time; order
    /// within a direction is kept. Default: 50 to 500 us.
    ///
    /// [`SimConfig::with_links`](super::SimConfig::with_links) measures it.
    #[must_use]
    pub fn with_latency(mut self, latency: RangeInclusive<Duration>) -> Self {
        self.latency = Some(latency);
        self
    }

    /// How many bytes one read returns at most, drawn anew for each read, at least 1. Default: no limit.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Plan, Sim};
    ///
    /// let sim = Sim::new(7);
    /// // What reads a frame in one piece has not seen a network.
    /// sim.network().on_every_connect(Plan::new().with_read_chunk(1..=1).with_write_chunk(1..=3));
    /// sim.block_on(async {
    ///     let mut listener = sim::raw_listen("tcp://server:5555").await?;
    ///     let mut client = sim::raw_connect("tcp://server:5555").await?;
    ///     client.write_all(b"hello").await?;
    ///     assert_eq!(listener.accept().await?.read_some(&mut [0; 100]).await?, 1);
    /// #     Ok::<_, std::io::Error>(())
    /// })
    /// # .unwrap();
    /// ```
    #[must_use]
    pub fn with_read_chunk(mut self, bytes: RangeInclusive<usize>) -> Self {
        self.read_chunk = Some(bytes);
        self
    }

    /// How many bytes one write accepts at most, drawn anew for each write, at least 1. Default: no
    /// limit.
    ///
    /// See [`with_read_chunk`](Self::with_read_chunk).
    #[must_use]
    pub fn with_write_chunk(mut self, bytes: RangeInclusive<usize>) -> Self {
        self.write_chunk = Some(bytes);
        self
    }

    /// How many bytes of `direction` may be written and not yet read, the stand-in for the kernel's
    /// buffers; with 0 every write waits. Default: 64 KiB.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Direction, Plan, Sim};
    /// use std::time::Duration;
    ///
    /// let sim = Sim::new(7);
    /// sim.network().on_next_connect(Plan::new().with_capacity(Direction::ToServer, 3));
    /// sim.block_on(async {
    /// #     let _listener = sim::raw_listen("tcp://server:5555").await.unwrap();
    ///     let mut client = sim::raw_connect("tcp://server:5555").await.unwrap();
    ///     // Nobody reads, and there is no room for four bytes.
    ///     let writing = client.write_all(b"four");
    ///     assert!(sim::timeout(Duration::from_secs(3600), writing).await.is_err());
    /// });
    /// ```
    #[must_use]
    pub const fn with_capacity(mut self, direction: Direction, bytes: usize) -> Self {
        self.capacity[direction as usize] = Some(bytes);
        self
    }

    /// Cuts the connection when exactly `bytes` bytes of `direction` have arrived; with 0 right after
    /// establishment.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Cut, Direction, Plan, Sim};
    ///
    /// let sim = Sim::new(7);
    /// sim.network().on_next_connect(Plan::new().cut_after(Direction::ToServer, 3, Cut::Reset));
    /// sim.block_on(async {
    ///     let mut listener = sim::raw_listen("tcp://server:5555").await.unwrap();
    ///     let mut client = sim::raw_connect("tcp://server:5555").await.unwrap();
    ///     client.write_all(b"hello").await.unwrap();
    ///     // What has arrived is read, and then the reset.
    ///     let mut received = Vec::new();
    ///     let end = listener.accept().await.unwrap().read_to_end(&mut received).await;
    ///     assert_eq!((&received[..], end.unwrap_err().kind()), (&b"hel"[..], std::io::ErrorKind::ConnectionReset));
    /// });
    /// ```
    #[must_use]
    pub const fn cut_after(mut self, direction: Direction, bytes: u64, cut: Cut) -> Self {
        self.cut_after[direction as usize] = Some((bytes, cut));
        self
    }

    /// Stalls `direction` when exactly `bytes` bytes of it have arrived, until
    /// [`Network::resume`](super::Network::resume).
    ///
    /// [`Network::stall`](super::Network::stall) is the same at any time.
    #[must_use]
    pub const fn stall_after(mut self, direction: Direction, bytes: u64) -> Self {
        self.stall_after[direction as usize] = Some(bytes);
        self
    }

    /// How long the system of an end tries to get something through on a silent connection. Default: 924.6 s, as on
    /// Linux.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Cut, Direction, Plan, Sim};
    /// use std::time::Duration;
    ///
    /// let sim = Sim::new(7);
    /// let plan = Plan::new().with_give_up(Duration::from_secs(60)).cut_after(Direction::ToServer, 0, Cut::Silence);
    /// sim.network().on_next_connect(plan);
    /// sim.block_on(async {
    /// #     let _listener = sim::raw_listen("tcp://server:5555").await.unwrap();
    ///     let mut client = sim::raw_connect("tcp://server:5555").await.unwrap();
    ///     client.write_all(b"hello?").await.unwrap();
    ///     // The system tried for a minute.
    ///     let end = client.read_some(&mut [0; 1]).await.unwrap_err();
    ///     assert_eq!((end.kind(), sim::elapsed().as_secs()), (std::io::ErrorKind::TimedOut, 60));
    /// });
    /// ```
    #[must_use]
    pub const fn with_give_up(mut self, after: Duration) -> Self {
        self.give_up = Some(after);
        self
    }

    /// Refuses the connection, although somebody may listen.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Plan, Sim};
    ///
    /// let sim = Sim::new(7);
    /// sim.network().on_next_connect(Plan::new().refuse());
    /// sim.block_on(async {
    ///     let _listener = sim::raw_listen("tcp://server:5555").await.unwrap();
    ///     assert!(sim::raw_connect("tcp://server:5555").await.is_err());
    ///     assert!(sim::raw_connect("tcp://server:5555").await.is_ok(), "the second has no plan");
    /// });
    /// ```
    #[must_use]
    pub const fn refuse(mut self) -> Self {
        self.answer = Some(Answer::Refused);
        self
    }

    /// Never answers the attempt to connect.
    ///
    /// [`Network::black_hole`](super::Network::black_hole) is the same for all attempts.
    #[must_use]
    pub const fn black_hole(mut self) -> Self {
        self.answer = Some(Answer::BlackHole);
        self
    }

    /// This plan, and `base` where it leaves something open.
    pub(super) fn over(self, base: &Self) -> Self {
        Self {
            answer: self.answer.or(base.answer),
            capacity: [0, 1].map(|d| self.capacity[d].or(base.capacity[d])),
            cut_after: [0, 1].map(|d| self.cut_after[d].or(base.cut_after[d])),
            give_up: self.give_up.or(base.give_up),
            latency: self.latency.or_else(|| base.latency.clone()),
            read_chunk: self.read_chunk.or_else(|| base.read_chunk.clone()),
            stall_after: [0, 1].map(|d| self.stall_after[d].or(base.stall_after[d])),
            write_chunk: self.write_chunk.or_else(|| base.write_chunk.clone()),
        }
    }

    pub(super) const fn answer(&self) -> Option<Answer> {
        self.answer
    }

    pub(super) fn capacity(&self, direction: Direction) -> usize {
        self.capacity[direction as usize].unwrap_or(DEFAULT_CAPACITY)
    }

    pub(super) fn give_up(&self) -> Duration {
        self.give_up.unwrap_or(DEFAULT_GIVE_UP)
    }

    pub(super) const fn cut_point(&self, direction: Direction) -> Option<(u64, Cut)> {
        self.cut_after[direction as usize]
    }

    pub(super) const fn stall_point(&self, direction: Direction) -> Option<u64> {
        self.stall_after[direction as usize]
    }

    pub(super) fn draw_latency(&self, rng: &mut Rng) -> Duration {
        let range = self.latency.as_ref().unwrap_or(&DEFAULT_LATENCY);
        let nanos = |duration: &Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let (low, high) = (nanos(range.start()), nanos(range.end()));
        Duration::from_nanos(rng.u64(low..=high.max(low)))
    }

    pub(super) fn draw_read_chunk(&self, rng: &mut Rng) -> usize {
        draw_chunk(self.read_chunk.as_ref(), rng)
    }

    pub(super) fn draw_write_chunk(&self, rng: &mut Rng) -> usize {
        draw_chunk(self.write_chunk.as_ref(), rng)
    }
}

fn draw_chunk(range: Option<&RangeInclusive<usize>>, rng: &mut Rng) -> usize {
    range.map_or(usize::MAX, |range| {
        let low = (*range.start()).max(1);
        rng.usize(low..=(*range.end()).max(low))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plan_leaves_open_comes_from_its_base() {
        let base = Plan::new().with_capacity(Direction::ToServer, 7).stall_after(Direction::ToClient, 3);
        let plan = Plan::new()
            .with_capacity(Direction::ToServer, 9)
            .cut_after(Direction::ToServer, 1, Cut::Fin)
            .refuse()
            .over(&base);
        assert_eq!(plan.capacity(Direction::ToServer), 9);
        assert_eq!(plan.capacity(Direction::ToClient), DEFAULT_CAPACITY);
        assert_eq!(plan.stall_point(Direction::ToClient), Some(3));
        assert_eq!(plan.cut_point(Direction::ToServer), Some((1, Cut::Fin)));
        assert_eq!(plan.answer(), Some(Answer::Refused));
        assert_eq!(Plan::new().over(&base).capacity(Direction::ToServer), 7);
    }

    #[test]
    fn draws_stay_in_range_and_chunks_are_never_empty() {
        let mut rng = Rng::with_seed(1);
        let ms = Duration::from_millis;
        let plan = Plan::new().with_latency(ms(2)..=ms(3)).with_read_chunk(0..=4).with_write_chunk(5..=5);
        for _ in 0..100 {
            assert!((ms(2)..=ms(3)).contains(&plan.draw_latency(&mut rng)));
            assert!((1..=4).contains(&plan.draw_read_chunk(&mut rng)));
            assert_eq!(plan.draw_write_chunk(&mut rng), 5);
        }
        assert_eq!(Plan::new().draw_read_chunk(&mut rng), usize::MAX);
    }
}
