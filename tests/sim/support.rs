//! What all simulated tests need.

use std::time::Duration;

pub use monocoque::error::TimeoutKind;
pub use monocoque::prelude::*;
pub use monocoque::runtime::sim::{self, Cut, Direction, Plan, RawStream, Sim, SimConfig, SimStream};
use monocoque::socket;

pub type Push = socket::PushSocket<SimStream>;
pub type Pull = socket::PullSocket<SimStream>;
pub type Dealer = socket::DealerSocket<SimStream>;
pub type Router = socket::RouterSocket<SimStream>;
pub type Req = socket::ReqSocket<SimStream>;
pub type Pub = socket::PubSocket<SimStream>;
pub type Sub = socket::SubSocket<SimStream>;
pub type XPub = socket::XPubSocket<SimStream>;
pub type XSub = socket::XSubSocket<SimStream>;

pub const SERVER: &str = "tcp://server:5555";
pub const DIRECTIONS: [Direction; 2] = [Direction::ToServer, Direction::ToClient];
pub const CUTS: [Cut; 3] = [Cut::Fin, Cut::Reset, Cut::Silence];

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Notices everything soon: a dead peer after 200 ms, a dead handshake likewise, and tries again at once.
pub fn quick() -> SocketOptions {
    SocketOptions::default()
        .with_backoff(Backoff::new().with_initial(ms(10)).with_max(ms(40)))
        .with_handshake_timeout(ms(200))
        .with_heartbeat_interval(Some(ms(100)))
        .with_heartbeat_timeout(ms(100))
}

/// A network on which systems give up soon, too.
pub fn quick_network(seed: u64) -> Sim {
    Sim::with_config(seed, SimConfig::new().with_links(Plan::new().with_give_up(ms(200))))
}

/// No traffic but what the test sends.
pub fn without_heartbeats() -> SocketOptions {
    SocketOptions::default().with_heartbeat_interval(None).with_frame_timeout(None)
}

/// A PULL that listens, and a PUSH connected to it.
pub async fn pipeline(push: SocketOptions, pull: SocketOptions) -> (Push, Pull) {
    let pull = Pull::bind_with_options(SERVER, pull).await.unwrap();
    let push = Push::connect_with_options(SERVER, push).await.unwrap();
    (push, pull)
}

/// The next event that `fits`.
pub async fn event<T>(monitor: &mut Monitor, fits: impl Fn(&SocketEvent) -> Option<T>) -> T {
    loop {
        let event = monitor.next().await.expect("the socket lives");
        if let Some(found) = fits(&event) {
            return found;
        }
    }
}

/// Why the next connection ends.
pub async fn disconnection(monitor: &mut Monitor) -> DisconnectReason {
    event(monitor, |event| match event {
        SocketEvent::Disconnected { reason, .. } => Some(reason.clone()),
        _ => None,
    })
    .await
}

/// The two equations that always hold.
#[track_caller]
pub fn assert_balanced(stats: &SocketStats) {
    assert_eq!(stats.accepted, stats.sent + stats.queued + stats.dropped_total());
    assert_eq!(stats.received, stats.delivered + stats.recv_queued + stats.recv_dropped);
}

/// Plays the whole NULL handshake.
pub async fn shake(stream: &mut RawStream, socket_type: &str) {
    stream.write_all(&crate::stalled::opening(socket_type, b"")).await.unwrap();
    stream.read_exact(&mut [0; 64]).await.unwrap();
    let (flags, _) = frame(stream).await;
    assert_eq!(flags, 4, "READY");
}

/// The flags and the body of the next short frame.
pub async fn frame(stream: &mut RawStream) -> (u8, Vec<u8>) {
    let mut header = [0; 2];
    stream.read_exact(&mut header).await.unwrap();
    let mut body = vec![0; usize::from(header[1])];
    stream.read_exact(&mut body).await.unwrap();
    (header[0], body)
}

/// The number that stands in front of a message.
#[track_caller]
pub fn number(message: &Message) -> u32 {
    u32::from_be_bytes(message[0][..4].try_into().unwrap())
}
