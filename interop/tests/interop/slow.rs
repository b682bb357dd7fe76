//! An application of libzmq's that does not receive for longer than any timer of ours, at its mark, and a slow
//! link: it is all there afterwards, in order and once, over one connection.
//!
//! By default all pairs rest at the same time, for two seconds. With `MONOCOQUE_SLOW_SECONDS=40`, for example,
//! they rest for so long, which is longer than TCP's probes of idle connections take as well.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use super::matrix::{Kind, Ours, PAIRS, envelope, meet, options, their_send, theirs};
use super::rt::{self, *};
use futures_util::future::{join, join_all};

/// Every timer is shorter than this rest.
pub fn rest() -> Duration {
    let seconds = std::env::var("MONOCOQUE_SLOW_SECONDS").ok().and_then(|n| n.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

/// No mark of ours is in the way; all that waits does so here, as the kernel takes little.
pub fn impatient() -> SocketOptions {
    let limit = Duration::from_millis(400);
    options()
        .with_unlimited_send_hwm()
        .with_send_buffer(64 * 1024)
        .with_handshake_timeout(limit)
        .with_frame_timeout(Some(limit))
}

/// The same with heartbeats, which such a peer does not answer until it reads on. All pairs go on at once, and a busy
/// machine may keep one from answering for a while; still both are shorter than the rest.
fn beating() -> SocketOptions {
    let (interval, timeout) = (Duration::from_millis(200), Duration::from_millis(1_000));
    impatient().with_heartbeat_interval(Some(interval)).with_heartbeat_timeout(timeout)
}

/// One that is at its mark with its first message.
fn slow(kind: zmq::SocketType) -> zmq::Socket {
    let socket = theirs(kind);
    socket.set_rcvhwm(1).unwrap();
    socket.set_rcvbuf(16 * 1024).unwrap();
    // Longer than it rests, but not for ever: this blocks a thread that the runtime waits for in the end, and what
    // is lost must fail the test instead of hanging it.
    socket.set_rcvtimeo(i32::try_from(rest().as_millis()).unwrap() + 20_000).unwrap();
    socket
}

/// What goes to whom: 4 MiB in all, more than the buffers of both kernels.
#[derive(Clone, Copy)]
struct Load {
    kind: Kind,
    their: zmq::SocketType,
    count: usize,
    size: usize,
}

impl Load {
    fn new(kind: Kind, their: zmq::SocketType) -> Self {
        // Who asks waits for the answer before it asks again.
        let count = if kind == Kind::Req || their == zmq::REQ { 1 } else { 400 };
        Self { kind, their, count, size: (4 << 20) / count }
    }

    fn body(self, n: usize) -> Vec<u8> {
        let mut body = vec![n as u8; self.size];
        body[..8].copy_from_slice(&n.to_be_bytes());
        body
    }

    /// What their side has to do before ours can send.
    fn prepare(self, socket: &zmq::Socket) {
        match (self.kind, self.their) {
            (_, zmq::XSUB) => socket.send("\u{1}", 0).unwrap(),
            (Kind::Router, zmq::REQ) | (Kind::Rep, zmq::REQ) => their_send(socket, &[b"ask".to_vec()]),
            (Kind::Rep, _) => {
                (0..self.count).for_each(|_| their_send(socket, &[Vec::new(), b"ask".to_vec()]));
            }
            _ => {}
        }
    }

    async fn send(self, ours: &Ours) {
        ours.wait_for_receiver().await;
        let mut front = envelope(self.kind == Kind::Dealer, self.their == zmq::REP, self.to_router_peer());
        if self.kind == Kind::Router && self.their == zmq::REQ {
            front.push(Vec::new());
        }
        for n in 0..self.count {
            if self.kind == Kind::Rep || self.their == zmq::REQ {
                ours.recv().await;
            }
            ours.send(front.iter().cloned().chain([self.body(n)]).collect()).await;
        }
    }

    fn to_router_peer(self) -> Option<&'static str> {
        (self.kind == Kind::Router).then_some("theirs")
    }

    /// Rests, then receives all of it.
    fn receive(self, socket: &zmq::Socket) {
        thread::sleep(rest());
        for n in 0..self.count {
            let frames = socket.recv_multipart(0).unwrap();
            assert!(*frames.last().unwrap() == self.body(n), "{:?} to {:?}: {n}", self.kind, self.their);
            if self.their == zmq::REP {
                socket.send("answer", 0).unwrap();
            }
        }
    }
}

/// Neither side has lost the other, and nothing is unaccounted for.
fn assert_undisturbed(load: Load, ours: &Ours, monitor: &mut Monitor) {
    let stats = ours.stats();
    let what = format!("{:?} to {:?}: {stats:?}", load.kind, load.their);
    assert_eq!(
        (stats.reconnects, stats.in_doubt, stats.queued, stats.dropped_total()),
        (0, 0, 0, 0),
        "{what}"
    );
    assert_eq!(stats.sent, stats.accepted, "{what}");
    while let Some(event) = monitor.try_next() {
        let ended = matches!(event, SocketEvent::Disconnected { .. } | SocketEvent::HandshakeFailed { .. });
        assert!(!ended, "{event:?} {what}");
    }
}

async fn rests(load: Load, options: SocketOptions, ours_bind: bool) {
    let socket = slow(load.their);
    let ours = meet((load.kind, options), &socket, "tcp://127.0.0.1:*", ours_bind).await;
    let mut monitor = ours.monitor();
    let receiving = rt::blocking(move || {
        load.prepare(&socket);
        load.receive(&socket);
        socket
    });
    let (socket, ()) = join(receiving, load.send(&ours)).await;
    assert_undisturbed(load, &ours, &mut monitor);
    drop(socket);
}

/// All pairs in which ours sends more than what a subscription takes.
async fn all_rest(options: SocketOptions) {
    let sends = |kind: &Kind| !matches!(kind, Kind::Sub | Kind::XSub | Kind::Pull);
    for ours_bind in [true, false] {
        let loads = PAIRS.iter().filter(|(kind, _)| sends(kind));
        let rests = |(kind, their): &_| rests(Load::new(*kind, *their), options.clone(), ours_bind);
        join_all(loads.map(rests)).await;
    }
}

#[test]
fn a_slow_application_gets_everything() {
    rt::run(all_rest(impatient()));
}

#[test]
fn a_slow_application_is_not_taken_for_dead() {
    rt::run(all_rest(beating()));
}

/// Passes 100 kB in a second, in each direction.
fn throttled(target: &str) -> String {
    let target = target.trim_start_matches("tcp://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let server = TcpStream::connect(target).unwrap();
        let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || pass(client, server));
        pass(back.0, back.1);
    });
    endpoint
}

/// Until either side has gone.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut some = [0; 2_000];
    while let Ok(len @ 1..) = from.read(&mut some) {
        thread::sleep(Duration::from_millis(len as u64 / 100));
        if to.write_all(&some[..len]).is_err() {
            return;
        }
    }
}

/// Both directions at once, with a message that takes longer than every timer in the middle.
#[test]
fn a_slow_link_carries_everything() {
    const COUNT: usize = 20;
    let body = |n: usize| vec![n as u8; if n == 10 { 100_000 } else { 5_000 }];
    rt::run(async move {
        for (kind, their) in [(Kind::Dealer, zmq::DEALER), (Kind::Pair, zmq::PAIR)] {
            let socket = theirs(their);
            socket.bind("tcp://127.0.0.1:*").unwrap();
            let link = throttled(&socket.get_last_endpoint().unwrap().unwrap());
            let ours = Ours::connect(kind, &link, impatient()).await;
            let mut monitor = ours.monitor();
            let theirs = rt::blocking(move || {
                (0..COUNT).for_each(|n| their_send(&socket, &[body(n)]));
                (0..COUNT).for_each(|n| assert!(socket.recv_bytes(0).unwrap() == body(n)));
                socket
            });
            let both = async {
                for n in 0..COUNT {
                    ours.send(body(n).into()).await;
                }
                for n in 0..COUNT {
                    assert!(ours.recv().await[0] == body(n));
                }
            };
            let (socket, ()) = join(theirs, both).await;
            let load = Load { kind, their, count: COUNT, size: 0 };
            assert_undisturbed(load, &ours, &mut monitor);
            drop(socket);
        }
    });
}
