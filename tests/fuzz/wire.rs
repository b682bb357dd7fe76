//! Peers whose bytes are scripted: good ones up to some point, and then whatever comes to mind.

use std::time::Duration;

use monocoque::Bytes;
use monocoque::runtime::sim::{self, RawStream};

use crate::plan::{Kind, Topic};

/// What a scripted peer says and does, in this order.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub says: Vec<Say>,
    /// Changes of the bytes, at places counted modulo their number.
    pub damages: Vec<Damage>,
    /// Bytes written at once.
    pub piece: usize,
}

#[derive(Clone, Debug)]
pub enum Say {
    Greeting {
        minor: u8,
        mechanism: &'static str,
    },
    Ready {
        kind: Kind,
        identity: Bytes,
    },
    Metadata {
        properties: usize,
        len: usize,
    },
    Message {
        sizes: Vec<usize>,
    },
    /// An empty frame, so many more, and the last.
    EmptyFrames(usize),
    Ping {
        count: usize,
        context: usize,
        ttl: u16,
    },
    Pong {
        context: usize,
    },
    Subscribe {
        count: usize,
        len: usize,
        command: bool,
    },
    Topic {
        topic: Topic,
        on: bool,
    },
    /// A frame that promises so many bytes, of which so many come.
    Announce {
        flags: u8,
        len: u64,
        comes: usize,
    },
    Error(&'static str),
    Command {
        name: &'static str,
        len: usize,
    },
    Noise {
        seed: u64,
        len: usize,
    },
    /// What has been said so far leaves.
    Pause(Duration),
    Read {
        bytes: usize,
        within: Duration,
    },
    /// Reads all that comes, for so long.
    Listen(Duration),
    HalfClose,
}

#[derive(Clone, Debug)]
pub enum Damage {
    Set(usize, u8),
    Flip(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Truncate(usize),
}

impl Script {
    /// Says all of it on the stream, which ends then; the other end may hang up at any time.
    pub async fn play(self, mut stream: RawStream) {
        let mut bytes = Vec::new();
        for say in &self.says {
            if let Some(more) = say.bytes() {
                bytes.extend(more);
                continue;
            }
            if self.write(&mut stream, std::mem::take(&mut bytes)).await.is_err() {
                return;
            }
            say.act(&mut stream).await;
        }
        let _ = self.write(&mut stream, bytes).await;
    }

    /// Damage is done to the first bytes that are long enough for it, so that it often hits the handshake.
    async fn write(&self, stream: &mut RawStream, mut bytes: Vec<u8>) -> std::io::Result<()> {
        self.damages.iter().for_each(|damage| damage.apply(&mut bytes));
        for piece in bytes.chunks(self.piece.max(1)) {
            // A peer at its mark is not waited for without end.
            let Ok(written) = sim::timeout(Duration::from_millis(300), stream.write_all(piece)).await else {
                return Err(std::io::ErrorKind::TimedOut.into());
            };
            written?;
        }
        Ok(())
    }
}

impl Say {
    /// What goes over the wire; `None` for what is done instead of said.
    fn bytes(&self) -> Option<Vec<u8>> {
        Some(match self {
            Self::Greeting { minor, mechanism } => greeting(*minor, mechanism),
            Self::Ready { kind, identity } => ready(kind.name(), identity, &[]),
            Self::Metadata { properties, len } => ready("DEALER", b"", &vec![vec![b'm'; *len]; *properties]),
            Self::Message { sizes } => message(sizes),
            Self::EmptyFrames(count) => [&[1, 0].repeat(*count)[..], &[0, 0]].concat(),
            Self::Ping { count, context, ttl } => {
                let ping = command("PING", &[&ttl.to_be_bytes()[..], &vec![b'p'; *context]].concat());
                ping.repeat(*count)
            }
            Self::Pong { context } => command("PONG", &vec![b'p'; *context]),
            Self::Subscribe { count, len, command } => {
                (0..*count).flat_map(|n| subscription(&topic(n, *len), true, *command)).collect()
            }
            Self::Topic { topic, on } => subscription(topic.bytes(), *on, true),
            Self::Announce { flags, len, comes } => {
                [&[flags | 2][..], &len.to_be_bytes(), &vec![b'a'; *comes]].concat()
            }
            Self::Error(reason) => command("ERROR", &[&[reason.len() as u8][..], reason.as_bytes()].concat()),
            Self::Command { name, len } => command(name, &vec![b'c'; *len]),
            Self::Noise { seed, len } => {
                let mut bytes = vec![0; *len];
                fastrand::Rng::with_seed(*seed).fill(&mut bytes);
                bytes
            }
            Self::Pause(_) | Self::Read { .. } | Self::Listen(_) | Self::HalfClose => return None,
        })
    }

    async fn act(&self, stream: &mut RawStream) {
        match self {
            Self::Pause(time) => sim::sleep(*time).await,
            Self::Read { bytes, within } => {
                let mut heard = vec![0; (*bytes).max(1)];
                let _ = sim::timeout(*within, stream.read_some(&mut heard)).await;
            }
            Self::Listen(time) => {
                let mut heard = Vec::new();
                let _ = sim::timeout(*time, stream.read_to_end(&mut heard)).await;
            }
            Self::HalfClose => drop(stream.close()),
            _ => {}
        }
    }
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let len = bytes.len();
        match *self {
            Self::Set(at, byte) => bytes[at % len] = byte,
            Self::Flip(at, bit) => bytes[at % len] ^= 1 << (bit % 8),
            Self::Insert(at, byte) => bytes.insert(at % len, byte),
            Self::Remove(at) => drop(bytes.remove(at % len)),
            Self::Truncate(at) => bytes.truncate(at % len),
        }
    }
}

fn greeting(minor: u8, mechanism: &str) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[0] = 0xFF;
    bytes[9] = 0x7F;
    bytes[10..12].copy_from_slice(&[3, minor]);
    bytes[12..12 + mechanism.len()].copy_from_slice(mechanism.as_bytes());
    bytes
}

fn ready(socket_type: &str, identity: &[u8], more: &[Vec<u8>]) -> Vec<u8> {
    let mut data = Vec::new();
    let properties = [("Socket-Type", socket_type.as_bytes()), ("Identity", identity)];
    let more = more.iter().map(|value| ("X-more", &value[..]));
    for (name, value) in properties.into_iter().chain(more) {
        data.push(name.len() as u8);
        data.extend_from_slice(name.as_bytes());
        data.extend_from_slice(&(value.len() as u32).to_be_bytes());
        data.extend_from_slice(value);
    }
    command("READY", &data)
}

fn command(name: &str, data: &[u8]) -> Vec<u8> {
    frame(4, &[&[name.len() as u8][..], name.as_bytes(), data].concat())
}

fn message(sizes: &[usize]) -> Vec<u8> {
    let last = sizes.len().saturating_sub(1);
    sizes.iter().enumerate().flat_map(|(n, size)| frame(u8::from(n < last), &vec![b'x'; *size])).collect()
}

fn subscription(topic: &[u8], on: bool, as_command: bool) -> Vec<u8> {
    if as_command {
        return command(if on { "SUBSCRIBE" } else { "CANCEL" }, topic);
    }
    frame(0, &[&[u8::from(on)][..], topic].concat())
}

fn topic(n: usize, len: usize) -> Vec<u8> {
    let mut topic = vec![b't'; len];
    let number = (n as u32).to_be_bytes();
    let overlap = len.min(4);
    topic[..overlap].copy_from_slice(&number[4 - overlap..]);
    topic
}

fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(len) => [&[flags, len][..], body].concat(),
        Err(_) => [&[flags | 2][..], &(body.len() as u64).to_be_bytes(), body].concat(),
    }
}
