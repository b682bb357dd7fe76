//! Peers that mean harm.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;

use monocoque::Endpoint;
use socket2::{Domain, Socket, Type};

use crate::peer::IDENTITY;
use crate::stalled::opening;

/// The identity of the peer that others wait for.
pub const STALLED: &str = "stalled";

/// How many calls wait for it.
#[cfg_attr(
    not(any(feature = "tokio", feature = "compio")),
    expect(dead_code, reason = "the server makes them, and there is none without a runtime")
)]
pub const CALLS: usize = 2_000;

#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Attack {
    None,
    Pings,
    EmptyFrames,
    Leftovers,
    Silence,
    Subscriptions,
    SmallMessages,
    UnknownCommands,
    Calls,
    Theft,
    Incomplete,
    #[cfg(feature = "curve")]
    Handshakes,
    #[cfg(feature = "curve")]
    Hellos,
}

impl Attack {
    pub const ALL: &[Self] = &[
        Self::None,
        Self::Pings,
        Self::EmptyFrames,
        Self::Leftovers,
        Self::Silence,
        Self::Subscriptions,
        Self::SmallMessages,
        Self::UnknownCommands,
        Self::Calls,
        Self::Theft,
        Self::Incomplete,
        #[cfg(feature = "curve")]
        Self::Handshakes,
        #[cfg(feature = "curve")]
        Self::Hellos,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pings => "PINGs whose answers are not read",
            Self::EmptyFrames => "messages of 1,000 empty frames",
            Self::Leftovers => "connections that leave 32 KiB of empty messages and end",
            Self::Silence => "1,200 connections that say nothing",
            Self::Subscriptions => "subscriptions that come and go",
            Self::SmallMessages => "messages of 1 B",
            Self::UnknownCommands => "commands that nobody knows",
            Self::Calls => "2,000 calls that wait for a peer which does not read",
            Self::Theft => "attempts at the good peer's identity",
            Self::Incomplete => "16 connections with messages that are never complete",
            #[cfg(feature = "curve")]
            Self::Handshakes => "CURVE handshakes, 16 at a time",
            #[cfg(feature = "curve")]
            Self::Hellos => "a CURVE HELLO said again and again",
        }
    }

    /// Publishers answer on topics; all others are aimed at ROUTERs, which send back what they get.
    pub fn is_on_publishers(self) -> bool {
        self == Self::Subscriptions
    }

    /// Whether servers and good peers speak CURVE, by what `sealed` has for them.
    #[cfg(feature = "curve")]
    pub fn is_sealed(self) -> bool {
        matches!(self, Self::Handshakes | Self::Hellos)
    }

    /// Goes on, on a thread of its own, for as long as the process lasts.
    pub fn begin(self, endpoint: Endpoint) {
        thread::spawn(move || match self {
            Self::None => {}
            Self::Pings => flood(&endpoint, "DEALER", b"\x04\x0B\x04PING\0\0ping"),
            Self::EmptyFrames => flood(&endpoint, "DEALER", &[&[1, 0].repeat(999)[..], &[0, 0]].concat()),
            Self::Leftovers => leave_behind(&endpoint),
            Self::Silence => say_nothing(&endpoint),
            Self::Subscriptions => flood(&endpoint, "SUB", &subscriptions()),
            Self::SmallMessages => flood(&endpoint, "DEALER", b"\0\x01x"),
            Self::UnknownCommands => flood(&endpoint, "DEALER", b"\x04\x08\x07UNKNOWN"),
            Self::Calls => not_read(&endpoint),
            Self::Theft => steal(&endpoint),
            Self::Incomplete => begin_messages(&endpoint),
            #[cfg(feature = "curve")]
            Self::Handshakes | Self::Hellos => unreachable!("it is not made of bytes alone"),
        });
    }
}

fn dial(endpoint: &Endpoint, socket_type: &str, identity: &[u8]) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port().expect("tcp")))?;
    stream.write_all(&opening(socket_type, identity))?;
    Ok(stream)
}

/// The same again and again, without reading; on another connection if one is ended.
fn flood(endpoint: &Endpoint, socket_type: &str, bytes: &[u8]) {
    let many = bytes.repeat(32 * 1024 / bytes.len() + 1);
    loop {
        if let Ok(mut stream) = dial(endpoint, socket_type, b"") {
            while stream.write_all(&many).is_ok() {}
        }
    }
}

/// To a long topic and back.
fn subscriptions() -> Vec<u8> {
    let frame = |kind| [&[2][..], &1_001_u64.to_be_bytes(), &[kind], &[b'x'; 1_000]].concat();
    [frame(1), frame(0)].concat()
}

/// Holds as many connections as there is room for, the oldest first to go.
pub fn hold(room: usize, open: impl Fn() -> std::io::Result<TcpStream>) {
    let mut held = VecDeque::new();
    loop {
        held.extend(open());
        if held.len() > room {
            held.pop_front();
        }
    }
}

/// Only our half ends: a reset would take along what the other side has not read.
fn leave_behind(endpoint: &Endpoint) {
    hold(100, || {
        let mut stream = dial(endpoint, "DEALER", b"")?;
        stream.write_all(&[0; 32 * 1024])?;
        stream.shutdown(Shutdown::Write)?;
        Ok(stream)
    });
}

fn say_nothing(endpoint: &Endpoint) {
    hold(1_200, || TcpStream::connect(("127.0.0.1", endpoint.port().expect("tcp"))));
}

fn not_read(endpoint: &Endpoint) {
    let _stream = dial(endpoint, "DEALER", STALLED.as_bytes());
    loop {
        thread::park();
    }
}

/// From another address, as far as loopback has them.
fn steal(endpoint: &Endpoint) {
    let server = SocketAddr::from(([127, 0, 0, 1], endpoint.port().expect("tcp")));
    let attempt = || -> std::io::Result<usize> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into())?;
        socket.connect(&server.into())?;
        let mut stream = TcpStream::from(socket);
        stream.write_all(&opening("DEALER", IDENTITY))?;
        stream.read_to_end(&mut Vec::new())
    };
    loop {
        let _refused = attempt();
    }
}

/// Messages of 1 MiB in turn, each without its last bytes.
fn begin_messages(endpoint: &Endpoint) {
    const LEN: usize = 1 << 20;
    let begun = || -> std::io::Result<(TcpStream, usize)> {
        let mut stream = dial(endpoint, "DEALER", b"")?;
        stream.write_all(&[&[2][..], &(LEN as u64).to_be_bytes()].concat())?;
        Ok((stream, 0))
    };
    let mut messages = VecDeque::new();
    loop {
        while messages.len() < 16 {
            messages.extend(begun());
        }
        let (mut stream, sent) = messages.pop_front().expect("there are sixteen");
        let part = (LEN - 1 - sent).min(32 * 1024);
        if part > 0 && stream.write_all(&vec![0; part]).is_ok() {
            messages.push_back((stream, sent + part));
        }
    }
}
