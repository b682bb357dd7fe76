//! A simulated network with virtual time, for tests that are quick, repeatable and merciless.
//!
//! A [`Sim`] is an async runtime of its own: an executor on the calling thread, a clock that stands still
//! while anybody can run and leaps to the next timer or arrival when nobody can, and a network in memory
//! that delays, splits, stalls and cuts what is sent as the test asks. Sockets over [`SimStream`] run on
//! it as they do on tokio and compio, so code that is generic over the stream can be tested with days of
//! virtual time in milliseconds, and a connection can be cut at every single byte of a session:
//!
//! ```
//! use monocoque::runtime::sim::{self, Cut, Direction, Plan, Sim};
//!
//! for cut_at in 0..=11 {
//!     let sim = Sim::new(42);
//!     let plan = Plan::new().with_write_chunk(1..=3).cut_after(Direction::ToServer, cut_at, Cut::Fin);
//!     sim.network().on_next_connect(plan);
//!     let received = sim.block_on(async {
//!         let mut listener = sim::raw_listen("tcp://server:5555").await?;
//!         sim::spawn(async {
//!             let mut client = sim::raw_connect("tcp://server:5555").await?;
//!             client.write_all(b"hello world").await
//!         });
//!         let mut received = Vec::new();
//!         listener.accept().await?.read_to_end(&mut received).await?;
//!         Ok::<_, std::io::Error>(received)
//!     })?;
//!     assert_eq!(received, &b"hello world"[..cut_at as usize]);
//! }
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What is the same in every run
//!
//! All chance comes from the seed: latencies, sizes of reads and writes, which of several woken tasks
//! runs next, and what sockets draw (`block_on` seeds the `fastrand` generator of the thread). The same
//! program with the same seed does the same, to the byte and to the nanosecond ([`Sim::fingerprint`]
//! checks that), as long as it keeps to this module's clock ([`now`], [`sleep`]), to one thread, and to
//! collections of fixed order. When a run panics, its seed is printed; try many seeds in a loop, and
//! repeat the one that failed ([`for_seeds`]).
//!
//! # What goes wrong when nothing can go on
//!
//! A wait that can never end makes [`Sim::block_on`] panic with the tasks and connections there are,
//! instead of hanging; so does a loop of tasks that wake each other for ever without time passing. A
//! panic of a spawned task goes on in `block_on` when that ends, unless a [`JoinHandle`] was awaited
//! and reported it.
//!
//! Timers keep time going: beside a socket that tries to reconnect, or sends heartbeats, something always comes next,
//! and a wait for what never comes goes on for ever there, without a panic. A time limit ends it, [`timeout`]:
//!
//! ```
//! use monocoque::SocketOptions;
//! use monocoque::runtime::sim::{self, Sim, SimStream};
//! use monocoque::socket::PullSocket;
//! use std::time::Duration;
//!
//! Sim::new(7).block_on(async {
//!     let pull = PullSocket::<SimStream>::new(SocketOptions::default())?;
//!     // Nobody is there, which is found out again and again.
//!     pull.connect_to("tcp://nobody:5555")?;
//!     assert!(sim::timeout(Duration::from_secs(60), pull.recv()).await.is_err());
//!     assert!(pull.stats().endpoints[0].failed_attempts > 1);
//!     Ok::<_, monocoque::Error>(())
//! })?;
//! # Ok::<(), monocoque::Error>(())
//! ```
//!
//! # What is simulated
//!
//! - Names: every host name and address is a place of its own, unless [`Network::set_addresses`] gives the name
//!   addresses, which are then tried as on the other runtimes. Listening on `*` (or `0.0.0.0`, `[::]`)
//!   catches what is sent to its port anywhere; port 0 is given a free port; a used endpoint is
//!   [`AddrInUse`](std::io::ErrorKind::AddrInUse). The names of `ipc://` are places like any other: nothing
//!   touches the file system.
//! - Connecting takes one latency, then the connection stands, waits to be accepted or is refused. A
//!   full backlog makes the client try again a second later. A listener that is dropped resets what it
//!   did not accept.
//! - Streams: bytes in order, each write delayed by a latency; a capacity per direction that pushes back
//!   on the writer, until the reader reads; short reads and writes; half-closed connections; a reset
//!   instead of a close where a stream is dropped with unread bytes, or written to after that.
//! - Faults, by a [`Plan`] beforehand or by [`Network`] at any time: cuts (in order, by reset, in
//!   silence) and stalls at any byte, refused and unanswered connections, failing accepts, hosts that crash
//!   ([`crash`]) or are parted ([`Network::partition`]), a held network, leaps of
//!   the clock ([`skip`]); spurious wakes and put-off polls by [`SimConfig`].
//! - Readiness as in a kernel: a stream keeps one waker per direction, the last one wins; waking a task
//!   never runs it inside the call.
//!
//! # What is not
//!
//! Bandwidth, congestion, acknowledgements (room in the capacity is free as soon as the reader has read),
//! lost or reordered packets below TCP, name resolution that fails, the options of TCP sockets, the address that a
//! connection is made from, and threads: a waker may be called from another thread, but the simulation
//! does not wait for it.

mod clock;
mod config;
mod executor;
mod fault;
mod hosts;
mod link;
mod link_info;
mod machine;
mod network;
mod pipe;
mod raw;
mod seeds;
mod simulation;
mod stream;
mod task;
#[cfg(test)]
mod tests;
mod time;
mod world;

pub use self::config::{SimConfig, TaskOrder};
pub use self::fault::{Cut, Direction, LinkId, Plan};
pub use self::link_info::{DirectionInfo, LinkInfo};
pub use self::machine::{crash, on, spawn_on};
pub use self::network::Network;
pub use self::raw::{RawListener, RawStream, raw_connect, raw_listen};
pub use self::seeds::for_seeds;
pub use self::simulation::{Sim, SimRuntime, spawn};
pub use self::stream::{Connecting, SimListener, SimStream};
pub use self::task::{JoinError, JoinHandle};
pub use self::time::{Elapsed, Sleep, elapsed, now, skip, sleep, timeout, yield_now};
