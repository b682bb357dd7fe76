//! Every legal pair of socket types, with ours on either side: both directions of binding, over TCP and Unix
//! sockets, and after either side was killed and bound again.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::rt::{self, *};
use futures_util::future::join;

/// Declares a socket of ours of any type, with what all of them can do, and what some can.
macro_rules! ours {
    ($($kind:ident $socket:ident [$($send:ident)?] [$($recv:ident)?];)+) => {
        pub enum Ours {
            $($kind($socket)),+
        }

        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Kind {
            $($kind),+
        }

        impl Ours {
            pub async fn bind(kind: Kind, endpoint: &str, options: SocketOptions) -> Self {
                match kind {
                    $(Kind::$kind => {
                        Self::$kind($socket::bind_with_options(endpoint, options).await.unwrap())
                    })+
                }
            }

            pub async fn connect(kind: Kind, endpoint: &str, options: SocketOptions) -> Self {
                match kind {
                    $(Kind::$kind => {
                        Self::$kind($socket::connect_with_options(endpoint, options).await.unwrap())
                    })+
                }
            }

            pub async fn send(&self, message: Message) {
                match self {
                    $($(Self::$kind(socket) => socket.$send(message).await.unwrap(),)?)+
                    _ => unreachable!("it does not send"),
                }
            }

            pub async fn recv(&self) -> Message {
                match self {
                    $($(Self::$kind(socket) => socket.$recv().await.unwrap(),)?)+
                    _ => unreachable!("it does not receive"),
                }
            }

            pub async fn wait_for_peer(&self) {
                match self {
                    $(Self::$kind(socket) => socket.wait_for_peers(1).await.unwrap()),+
                }
            }

            pub fn is_connected(&self) -> bool {
                match self {
                    $(Self::$kind(socket) => socket.is_connected()),+
                }
            }

            pub fn endpoint(&self) -> String {
                match self {
                    $(Self::$kind(socket) => socket.local_endpoint().unwrap().to_string()),+
                }
            }

            pub fn monitor(&self) -> Monitor {
                match self {
                    $(Self::$kind(socket) => socket.monitor()),+
                }
            }

            pub fn stats(&self) -> SocketStats {
                match self {
                    $(Self::$kind(socket) => socket.stats()),+
                }
            }

            pub async fn close(self) {
                match self {
                    $(Self::$kind(socket) => assert_eq!(socket.close().await, 0)),+
                }
            }
        }
    };
}

ours! {
    Req ReqSocket [send] [recv];
    Rep RepSocket [send] [recv];
    Dealer DealerSocket [send] [recv];
    Router RouterSocket [send] [recv];
    Pub PubSocket [send] [];
    Sub SubSocket [] [recv];
    XPub XPubSocket [send] [recv];
    XSub XSubSocket [send] [recv];
    Push PushSocket [send] [];
    Pull PullSocket [] [recv];
    Pair PairSocket [send] [recv];
}

impl Ours {
    /// What subscribers need once.
    pub async fn prepare(&self) {
        match self {
            Self::Sub(sub) => sub.subscribe("").unwrap(),
            Self::XSub(xsub) => xsub.send("\u{1}").await.unwrap(),
            _ => {}
        }
    }

    /// Waits until whoever is to receive what we send does so.
    pub async fn wait_for_receiver(&self) {
        match self {
            Self::Pub(publisher) => publisher.wait_for_subscribers("", 1).await.unwrap(),
            Self::XPub(publisher) => publisher.wait_for_subscribers("", 1).await.unwrap(),
            _ => self.wait_for_peer().await,
        }
    }
}

pub fn options() -> SocketOptions {
    SocketOptions::default()
        .with_identity("ours")
        .with_reconnect_interval(Duration::from_millis(2))
        .with_reconnect_interval_max(Duration::from_millis(20))
}

/// The 12 legal pairs; 21, with ours on either side.
pub const PAIRS: [(Kind, zmq::SocketType); 21] = [
    (Kind::Req, zmq::REP),
    (Kind::Req, zmq::ROUTER),
    (Kind::Rep, zmq::REQ),
    (Kind::Rep, zmq::DEALER),
    (Kind::Dealer, zmq::REP),
    (Kind::Dealer, zmq::DEALER),
    (Kind::Dealer, zmq::ROUTER),
    (Kind::Router, zmq::REQ),
    (Kind::Router, zmq::DEALER),
    (Kind::Router, zmq::ROUTER),
    (Kind::Pub, zmq::SUB),
    (Kind::Pub, zmq::XSUB),
    (Kind::XPub, zmq::SUB),
    (Kind::XPub, zmq::XSUB),
    (Kind::Sub, zmq::PUB),
    (Kind::Sub, zmq::XPUB),
    (Kind::XSub, zmq::PUB),
    (Kind::XSub, zmq::XPUB),
    (Kind::Push, zmq::PULL),
    (Kind::Pull, zmq::PUSH),
    (Kind::Pair, zmq::PAIR),
];

pub type Frames = Vec<Vec<u8>>;

/// Empty frames, those around the short form of a length, a large one, and several of each.
pub fn script() -> Vec<Frames> {
    let sizes: [&[usize]; 9] =
        [&[0], &[1], &[255], &[256], &[100_000], &[0, 3, 0], &[255, 256, 255], &[0; 20], &[70_000, 0, 255]];
    let frames = |sizes: &[usize]| {
        sizes.iter().enumerate().map(|(n, size)| (0..*size).map(|i| (i + n * 7) as u8).collect()).collect()
    };
    sizes.into_iter().map(frames).collect()
}

/// What goes out of one end comes back in.
fn message(frames: impl IntoIterator<Item = Vec<u8>>) -> Message {
    frames.into_iter().collect()
}

/// A socket of libzmq's that gives up rather than hang.
pub fn theirs(kind: zmq::SocketType) -> zmq::Socket {
    theirs_of(&zmq::Context::new(), kind)
}

/// One that shares a context with others.
pub fn theirs_of(context: &zmq::Context, kind: zmq::SocketType) -> zmq::Socket {
    let socket = context.socket(kind).unwrap();
    socket.set_identity(b"theirs").unwrap();
    socket.set_rcvtimeo(20_000).unwrap();
    socket.set_sndtimeo(20_000).unwrap();
    // What nobody takes any more must not keep its context, and the test with it, for ever.
    socket.set_linger(2_000).unwrap();
    socket.set_reconnect_ivl(2).unwrap();
    match kind {
        zmq::ROUTER => socket.set_router_mandatory(true).unwrap(),
        zmq::SUB => socket.set_subscribe(b"").unwrap(),
        _ => {}
    }
    socket
}

/// Sends, again while a ROUTER does not know us yet.
pub fn their_send(socket: &zmq::Socket, frames: &[Vec<u8>]) {
    loop {
        match socket.send_multipart(frames, 0) {
            Ok(()) => return,
            // One that is to know its peers is ready to send once it knows one.
            Err(zmq::Error::EHOSTUNREACH) => drop(socket.poll(zmq::POLLOUT, -1).unwrap()),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Their side gives so many messages back.
pub async fn their_echo(socket: zmq::Socket, count: usize) -> zmq::Socket {
    rt::blocking(move || {
        for _ in 0..count {
            let frames = socket.recv_multipart(0).unwrap();
            socket.send_multipart(frames, 0).unwrap();
        }
        socket
    })
    .await
}

/// What goes in front of a message, and of the echo of it.
pub fn envelope(from_dealer: bool, to_rep: bool, router_to: Option<&str>) -> Frames {
    match router_to {
        Some(identity) => vec![identity.as_bytes().to_vec()],
        None if from_dealer && to_rep => vec![Vec::new()],
        None => Vec::new(),
    }
}

/// All messages there and back; the one that begins adds the envelope.
async fn we_ask(kind: Kind, ours: &Ours, socket: zmq::Socket, their: zmq::SocketType) -> zmq::Socket {
    ours.wait_for_peer().await;
    let echo = their_echo(socket, script().len());
    let asking = async {
        let front =
            envelope(kind == Kind::Dealer, their == zmq::REP, (kind == Kind::Router).then_some("theirs"));
        for body in script() {
            let asked = message(front.iter().cloned().chain(body));
            ours.send(asked.clone()).await;
            assert!(ours.recv().await == asked, "{kind:?} asks {their:?}");
        }
    };
    join(echo, asking).await.0
}

async fn they_ask(kind: Kind, ours: &Ours, socket: zmq::Socket, their: zmq::SocketType) -> zmq::Socket {
    let asking = rt::blocking(move || {
        let front =
            envelope(their == zmq::DEALER, kind == Kind::Rep, (their == zmq::ROUTER).then_some("ours"));
        for body in script() {
            let asked: Frames = front.iter().cloned().chain(body).collect();
            their_send(&socket, &asked);
            assert!(socket.recv_multipart(0).unwrap() == asked, "{their:?} asks {kind:?}");
        }
        socket
    });
    let echo = async {
        for _ in script() {
            let asked = ours.recv().await;
            ours.send(asked).await;
        }
    };
    join(asking, echo).await.0
}

async fn we_send(kind: Kind, ours: &Ours, socket: zmq::Socket, their: zmq::SocketType) -> zmq::Socket {
    let receiving = rt::blocking(move || {
        if their == zmq::XSUB {
            socket.send("\u{1}", 0).unwrap();
        }
        for body in script() {
            assert!(socket.recv_multipart(0).unwrap() == body, "{kind:?} to {their:?}");
        }
        socket
    });
    let sending = async {
        ours.wait_for_receiver().await;
        for body in script() {
            ours.send(message(body)).await;
        }
    };
    join(receiving, sending).await.0
}

/// A PUB of libzmq's does not say when somebody has subscribed: it begins once we have heard it.
async fn they_send(kind: Kind, ours: &Ours, socket: zmq::Socket, their: zmq::SocketType) -> zmq::Socket {
    let (tell, heard) = mpsc::channel();
    let sending = rt::blocking(move || {
        let interval = Duration::from_millis(1);
        while their != zmq::PUSH && heard.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
            socket.send("are you there?", 0).unwrap();
        }
        for body in script() {
            their_send(&socket, &body);
        }
        socket
    });
    let receiving = async {
        for body in script() {
            let mut received = ours.recv().await;
            while received[0] == "are you there?" {
                // The first time is enough, and nobody listens afterwards.
                let _ = tell.send(());
                received = ours.recv().await;
            }
            assert!(received == message(body), "{their:?} to {kind:?}");
        }
    };
    join(sending, receiving).await.0
}

/// Everything that the two types can do with each other.
pub async fn play(kind: Kind, ours: &Ours, mut socket: zmq::Socket, their: zmq::SocketType) -> zmq::Socket {
    match kind {
        Kind::Pub | Kind::XPub | Kind::Push => return we_send(kind, ours, socket, their).await,
        Kind::Sub | Kind::XSub | Kind::Pull => return they_send(kind, ours, socket, their).await,
        _ => {}
    }
    if kind != Kind::Rep && their != zmq::REQ {
        socket = we_ask(kind, ours, socket, their).await;
    }
    if kind != Kind::Req && their != zmq::REP {
        socket = they_ask(kind, ours, socket, their).await;
    }
    socket
}

/// One side binds, the other connects.
pub async fn meet(
    (kind, options): (Kind, SocketOptions),
    socket: &zmq::Socket,
    endpoint: &str,
    ours_bind: bool,
) -> Ours {
    let ours = if ours_bind {
        let ours = Ours::bind(kind, endpoint, options).await;
        socket.connect(&ours.endpoint()).unwrap();
        ours
    } else {
        socket.bind(endpoint).unwrap();
        Ours::connect(kind, &socket.get_last_endpoint().unwrap().unwrap(), options).await
    };
    ours.prepare().await;
    ours
}

/// Endpoints are free ones, or wildcards that the side which binds understands.
async fn all_pairs(mut endpoint: impl FnMut() -> String, ours_bind: bool) {
    for (kind, their) in PAIRS {
        let socket = theirs(their);
        let ours = meet((kind, options()), &socket, &endpoint(), ours_bind).await;
        play(kind, &ours, socket, their).await;
    }
}

#[test]
fn over_tcp_where_we_bind() {
    rt::run(all_pairs(|| "tcp://127.0.0.1:*".into(), true));
}

#[test]
fn over_tcp_where_they_bind() {
    rt::run(all_pairs(|| "tcp://127.0.0.1:*".into(), false));
}

#[cfg(unix)]
#[test]
fn over_ipc_where_we_bind() {
    rt::run(all_pairs(|| "ipc://*".into(), true));
}

#[cfg(unix)]
#[test]
fn over_ipc_where_they_bind() {
    // libzmq's own wildcards are files in the working directory, which it may leave there.
    let folder = Folder::new();
    let mut pairs = 0_u32..;
    rt::run(all_pairs(|| folder.socket(&pairs.next().unwrap().to_string()).1, false));
}

/// Binds again where somebody else has just let go.
async fn bind_again(socket: &zmq::Socket, endpoint: &str) {
    while socket.bind(endpoint).is_err() {
        rt::timeout(Duration::from_millis(1), std::future::pending::<()>()).await;
    }
}

/// The side that binds is killed and bound again, and everything works as before.
async fn all_restarts(mut endpoint: impl FnMut() -> String, ours_bind: bool) {
    for (kind, their) in PAIRS {
        let endpoint = endpoint();
        let mut socket = theirs(their);
        let mut ours = meet((kind, options()), &socket, &endpoint, ours_bind).await;
        socket = play(kind, &ours, socket, their).await;
        if ours_bind {
            ours.close().await;
            ours = Ours::bind(kind, &endpoint, options()).await;
            ours.prepare().await;
        } else {
            drop(socket);
            while ours.is_connected() {
                rt::yield_now().await;
            }
            socket = theirs(their);
            bind_again(&socket, &endpoint).await;
        }
        ours.wait_for_peer().await;
        play(kind, &ours, socket, their).await;
    }
}

#[test]
fn over_tcp_after_we_were_killed() {
    rt::run(all_restarts(vacant, true));
}

#[test]
fn over_tcp_after_they_were_killed() {
    rt::run(all_restarts(vacant, false));
}

#[cfg(unix)]
#[test]
fn over_ipc_after_we_were_killed() {
    let folder = Folder::new();
    rt::run(all_restarts(|| folder.socket("socket").1, true));
}

#[cfg(unix)]
#[test]
fn over_ipc_after_they_were_killed() {
    let folder = Folder::new();
    rt::run(all_restarts(|| folder.socket("socket").1, false));
}
