//! What a session is, as a plain value: it can be drawn, printed, run again and made smaller.

use std::fmt;
use std::time::Duration;

use monocoque::prelude::*;
use monocoque::runtime::sim::{Cut, Direction};

use crate::options::{Choice, Rpc};
use crate::wire::Script;

/// One session. Sockets and places go by numbers, so that anything can be left out: what then names nothing does
/// nothing.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Of the simulation: latencies, sizes of reads and writes, the order of tasks.
    pub seed: u64,
    pub network: Vec<Weather>,
    /// Bytes of the budget that sockets with permits share.
    pub budget: usize,
    pub sockets: Vec<SocketPlan>,
    /// Listeners whose connections play a script each, one after the other.
    pub listeners: Vec<ListenerPlan>,
    pub steps: Vec<Step>,
    pub end: End,
}

/// What all links are like.
#[derive(Clone, Debug)]
pub enum Weather {
    Latency(Duration),
    ReadChunk(usize),
    WriteChunk(usize),
    Capacity(Direction, usize),
    SpuriousPending,
    SpuriousWakes,
    Fifo,
}

#[derive(Clone, Debug)]
pub struct SocketPlan {
    pub id: usize,
    pub kind: Kind,
    pub options: Vec<Choice>,
    pub permits: bool,
    /// How it is let go in the end.
    pub end: Ending,
}

#[derive(Clone, Debug)]
pub struct ListenerPlan {
    pub place: Place,
    pub scripts: Vec<Script>,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    Push,
    Pull,
    Dealer,
    Router,
    Req,
    Rep,
    Pub,
    Sub,
    XPub,
    XSub,
    Pair,
    /// Of `rpc`, over a DEALER.
    Client,
    /// Of `rpc`, over a ROUTER.
    Server,
}

/// Where sockets bind and connect.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Place {
    Tcp(u8),
    Ipc(u8),
    Inproc(u8),
}

#[derive(Clone, Debug)]
pub enum Step {
    Call {
        socket: usize,
        call: Call,
        /// The call is dropped after so long, if it has not ended by then.
        patience: Option<Duration>,
        /// The next step waits for it, for a while.
        wait: bool,
    },
    /// One handle of the socket goes; the last takes the socket with it.
    DropHandle(usize),
    CloneHandle(usize),
    /// A scripted peer connects.
    Dial(Place, Script),
    Network(Trouble),
    Sleep(Duration),
    Skip(Duration),
}

#[derive(Clone, Debug)]
pub enum Call {
    Send(How, Letter),
    /// So many, one after the other.
    SendMany(How, Letter, u8),
    /// So many at once.
    SendTogether(Letter, u8),
    Reserve {
        bytes: usize,
        frames: usize,
        hold: Duration,
        letter: Option<Letter>,
    },
    SendTo(u8, Letter),
    Request(Letter),
    RequestWithin(Letter, Duration),
    /// The reply is waited for later, or not at all.
    TryRequest {
        letter: Letter,
        hold: Duration,
        take: bool,
    },
    Receive(Take),
    /// So many, one after the other.
    ReceiveMany(Take, u8),
    /// Receives so many, and answers each.
    Serve(u8),
    /// Takes so many requests, and answers those that it does not drop, the last first; so many times.
    Answer {
        times: u8,
        count: u8,
        hold: Duration,
        stream: bool,
        drop: bool,
    },
    /// A server's, with a limit.
    DrainWithin(Duration),
    Flush,
    Subscribe(Topic),
    Unsubscribe(Topic),
    WaitForSubscribers(Topic, usize),
    WaitForPeers(usize),
    TryReconnect,
    Bind(Place),
    Unbind(Place),
    Connect(Place),
    ConnectAs(Place, u8),
    Disconnect(Place),
    DisconnectPeer(usize),
    DisconnectIdentity(u8),
    Drain,
    Close,
}

#[derive(Clone, Copy, Debug)]
pub enum How {
    Send,
    Feed,
    Try,
    Buffered,
    Sink,
    Reconnect,
}

#[derive(Clone, Copy, Debug)]
pub enum Take {
    Recv,
    Try,
    Many(usize),
    WithPeer,
    Stream,
    Reconnect,
}

/// A message to be: whom it is for, and the sizes of its frames, of which the first begins with a topic.
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: To,
    pub topic: Topic,
    pub sizes: Vec<usize>,
}

/// Whom a ROUTER's message is for.
#[derive(Clone, Copy, Debug)]
pub enum To {
    /// The identity that it received last, if any.
    Last,
    Name(u8),
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Topic(pub u8);

#[derive(Clone, Debug)]
pub enum Trouble {
    /// Links are counted modulo those that there are.
    Link(usize, LinkTrouble),
    Refuse(Place),
    BlackHole(Place),
    Allow(Place),
    Hold,
    Release,
}

#[derive(Clone, Debug)]
pub enum LinkTrouble {
    Cut(Cut),
    CutAfter(Direction, u64, Cut),
    Stall(Direction),
    Resume(Direction),
    Capacity(Direction, usize),
}

#[derive(Clone, Copy, Debug)]
pub enum Ending {
    Close,
    Drop,
    DrainAndClose,
}

#[derive(Clone, Debug)]
pub struct End {
    /// All trouble is over before the sockets close.
    pub heal: bool,
    pub settle: Duration,
}

impl SocketPlan {
    pub fn spins(&self) -> bool {
        self.options.iter().any(|choice| matches!(choice, Choice::RecvSpin(_)))
    }

    /// A request may be sent twice.
    pub fn resends(&self) -> bool {
        self.options.iter().any(|choice| matches!(choice, Choice::ReqResend | Choice::Rpc(Rpc::Resend)))
    }
}

/// A line for each part.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, budget {}, network {:?}", self.seed, self.budget, self.network)?;
        self.sockets.iter().try_for_each(|socket| writeln!(f, "  {socket:?}"))?;
        self.listeners.iter().try_for_each(|listener| writeln!(f, "  {listener:?}"))?;
        self.steps.iter().try_for_each(|step| writeln!(f, "  {step:?}"))?;
        write!(f, "  {:?}", self.end)
    }
}

impl Place {
    /// Names of `inproc://` are those of the whole process: `session` tells sessions apart.
    pub fn endpoint(self, session: u64) -> Endpoint {
        let text = match self {
            Self::Tcp(n) => format!("tcp://host{n}:{}", 1000 + u32::from(n)),
            Self::Ipc(n) => format!("ipc:///place{n}"),
            Self::Inproc(n) => format!("inproc://fuzz/{session}/{n}"),
        };
        text.parse().unwrap()
    }
}

impl Topic {
    /// Some are the beginnings of others.
    pub fn bytes(self) -> &'static [u8] {
        const TOPICS: [&[u8]; 6] = [b"", b"a", b"ab", b"abc", b"b", b"\xFFzz"];
        TOPICS[usize::from(self.0) % TOPICS.len()]
    }
}

/// An identity that sockets may have, and be called by.
pub fn name(n: u8) -> Vec<u8> {
    vec![b'A' + n % 4; usize::from(n % 4) * 20 + 1]
}

impl Kind {
    pub const ALL: [Self; 13] = [
        Self::Push,
        Self::Pull,
        Self::Dealer,
        Self::Router,
        Self::Req,
        Self::Rep,
        Self::Pub,
        Self::Sub,
        Self::XPub,
        Self::XSub,
        Self::Pair,
        Self::Client,
        Self::Server,
    ];

    /// What it is to its peers.
    pub fn socket(self) -> Self {
        match self {
            Self::Client => Self::Dealer,
            Self::Server => Self::Router,
            other => other,
        }
    }

    pub fn name(self) -> &'static str {
        match self.socket() {
            Self::Push => "PUSH",
            Self::Pull => "PULL",
            Self::Dealer => "DEALER",
            Self::Router => "ROUTER",
            Self::Req => "REQ",
            Self::Rep => "REP",
            Self::Pub => "PUB",
            Self::Sub => "SUB",
            Self::XPub => "XPUB",
            Self::XSub => "XSUB",
            Self::Pair => "PAIR",
            Self::Client | Self::Server => unreachable!("they are others to their peers"),
        }
    }

    /// Whom it may talk to.
    pub fn partners(self) -> &'static [Self] {
        match self {
            Self::Push => &[Self::Pull],
            Self::Pull => &[Self::Push],
            Self::Dealer => &[Self::Router, Self::Dealer, Self::Rep],
            Self::Router => &[Self::Dealer, Self::Req, Self::Router],
            Self::Req => &[Self::Rep, Self::Router],
            Self::Rep => &[Self::Req, Self::Dealer],
            Self::Pub | Self::XPub => &[Self::Sub, Self::XSub],
            Self::Sub | Self::XSub => &[Self::Pub, Self::XPub],
            Self::Pair => &[Self::Pair],
            Self::Client => &[Self::Server, Self::Server, Self::Rep, Self::Router],
            Self::Server => &[Self::Client, Self::Client, Self::Req, Self::Dealer],
        }
    }

    pub fn sends(self) -> bool {
        !matches!(self, Self::Pull | Self::Sub)
    }

    pub fn receives(self) -> bool {
        !matches!(self, Self::Push | Self::Pub)
    }

    /// Each of its messages goes to one peer at most.
    pub fn sends_once(self) -> bool {
        !matches!(self, Self::Pub | Self::XPub | Self::XSub)
    }
}
