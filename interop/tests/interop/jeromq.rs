//! JeroMQ as the other end: an implementation of its own, in Java. `MONOCOQUE_JEROMQ` names a class path that has it (a
//! jar of JeroMQ 0.4.3 or later, with the jar of jnacl if its own does not contain that); Java 17 is needed, or later.
//! Without them the tests say so and are over.
//!
//! What is peculiar to JeroMQ, as far as these tests have met it:
//! - 0.6.0 greets as ZMTP 3.0, sends PINGs nevertheless, and answers them.
//! - A socket of 0.6.0 that connects may not hear anything, to whomever, libzmq as well: in `zmq.poll.Poller` the end of
//!   the handle that awaited the connection takes the key of the one that is to read with it, where a hash set has
//!   them in this order. Its limit on the handshake, 30 s by default, mostly ends that, and it tries again; with PLAIN
//!   and CURVE neither that nor our hanging up was noticed at times, and the test ran into its time limit.
//! - 0.4.3 does not say which port it has bound where it was to choose one, so the tests choose.

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::matrix::{self, Frames, Kind, Ours, PAIRS, envelope, options};
use super::program::Program;
use super::rt::{self, *};
use futures_util::future::join;

const HOW: &str = "a class path with JeroMQ in MONOCOQUE_JEROMQ, and Java 17 or later, run this test";

/// A program that does what it is told, one command after the other.
#[derive(Clone)]
pub struct Java(Arc<Mutex<Program>>);

impl Java {
    /// The program, running; `None`, and a line that says so, where there is no Java, or no JeroMQ.
    pub async fn start() -> Option<Self> {
        let Ok(path) = std::env::var("MONOCOQUE_JEROMQ") else {
            println!("skipped: {HOW}");
            return None;
        };
        let mut command = Command::new("java");
        // It lives for seconds: what starts fast is better than what would run fast.
        command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", &path]);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/JeroMq.java"));
        let why = match rt::blocking(move || Program::start(&mut command)).await {
            Ok((java, greeting)) if greeting.starts_with("JeroMQ ") => {
                println!("{greeting}");
                return Some(Self(Arc::new(Mutex::new(java))));
            }
            Ok(_) => format!("no JeroMQ at {path}"),
            Err(error) => format!("java: {error}"),
        };
        println!("skipped: {why}; {HOW}");
        None
    }

    /// Its answer to a command, which it gives off the runtime that its peer runs on.
    pub async fn ask(&self, command: String) -> String {
        let java = self.0.clone();
        rt::blocking(move || {
            let mut java = java.lock().unwrap();
            java.say(&command);
            java.line()
        })
        .await
    }

    /// Has its authentication let in who says this, and nobody else.
    pub async fn admit(&self, credentials: &[&[u8]]) {
        let words: Vec<String> = credentials.iter().map(|word| hex(word)).collect();
        assert_eq!(self.ask(format!("zap all {}", words.join(" "))).await, "ok");
    }

    /// A socket, with a name and a few options of its own that may be set anew; it gives up rather than hang.
    pub async fn open(&self, kind: zmq::SocketType, settings: &str) -> Theirs {
        let theirs = self.try_open(kind, settings).await;
        theirs.expect("an option that all versions have")
    }

    /// `None` where an option is unknown to this version.
    pub async fn try_open(&self, kind: zmq::SocketType, settings: &str) -> Option<Theirs> {
        let theirs = Theirs { java: self.clone(), name: fastrand::u64(..).to_string() };
        let mut all = "IDENTITY=theirs RCVTIMEO=20000 SNDTIMEO=20000 LINGER=2000 RECONNECT_IVL=2 \
            HANDSHAKE_IVL=300"
            .to_owned();
        match kind {
            zmq::ROUTER => all += " ROUTER_MANDATORY=1",
            zmq::SUB if !settings.contains("SUBSCRIBE=") => all += " SUBSCRIBE=0x",
            _ => {}
        }
        let answer = theirs.tell("open", &format!("{kind:?} {all} {settings}")).await;
        if answer == "unknown" {
            println!("skipped: this JeroMQ does not know all of {settings}");
            return None;
        }
        assert_eq!(answer, "ok", "{kind:?} {settings}");
        Some(theirs)
    }
}

/// A socket of JeroMQ's.
pub struct Theirs {
    java: Java,
    name: String,
}

impl Theirs {
    async fn tell(&self, verb: &str, what: &str) -> String {
        self.java.ask(format!("{verb} {} {what}", self.name)).await
    }

    async fn tell_well(&self, verb: &str, what: &str) {
        assert_eq!(self.tell(verb, what).await, "ok", "{verb} {what}");
    }

    /// Binds, also where somebody else has just let go.
    pub async fn bind(&self, endpoint: &str) {
        const IN_USE: &str = "48";
        loop {
            match self.tell("bind", endpoint).await.as_str() {
                IN_USE => rt::yield_now().await,
                answer => return assert_eq!(answer, "ok", "{endpoint}"),
            }
        }
    }

    pub async fn connect(&self, endpoint: &str) {
        self.tell_well("connect", endpoint).await;
    }

    /// Sends, again while a ROUTER does not know us yet.
    pub async fn send(&self, frames: &[Vec<u8>]) {
        let text = frames.iter().map(|frame| hex(frame) + ",").collect::<String>();
        self.tell_well("send", &text).await;
    }

    pub async fn recv(&self) -> Frames {
        let answer = self.tell("recv", "").await;
        let Some(text) = answer.strip_prefix("ok ") else { panic!("error {answer} of JeroMQ") };
        text.split_terminator(',').map(unhex).collect()
    }

    pub async fn close(self) {
        self.tell_well("close", "").await;
    }
}

pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = Vec::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
    String::from_utf8(text).unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |digit: u8| if digit > b'9' { digit - b'a' + 10 } else { digit - b'0' };
    text.as_bytes().chunks_exact(2).map(|pair| (digit(pair[0]) << 4) | digit(pair[1])).collect()
}

fn message(frames: &[Vec<u8>]) -> Message {
    frames.iter().cloned().collect()
}

/// From nothing to a megabyte, in one frame and in several.
fn script() -> Vec<Frames> {
    let large = (0..1 << 20).map(|i: u32| (i * 31 + i / 251) as u8).collect();
    matrix::script().into_iter().chain([vec![large]]).collect()
}

/// Where the question is whether anything passes.
pub fn short() -> Vec<Frames> {
    vec![vec![Vec::new()], vec![b"a".to_vec(), Vec::new(), vec![7; 300]]]
}

/// What stands in front of what we send unasked.
pub fn our_envelope(kind: Kind, their: zmq::SocketType) -> Frames {
    envelope(kind == Kind::Dealer, their == zmq::REP, (kind == Kind::Router).then_some("theirs"))
}

/// The one that asks adds the envelope; the other one gives back what it got, whose end is the message.
async fn we_ask((kind, ours): (Kind, &Ours), (their, theirs): (zmq::SocketType, &Theirs), script: &[Frames]) {
    ours.wait_for_peer().await;
    let front = our_envelope(kind, their);
    for body in script {
        let asked = message(&[&front[..], body].concat());
        ours.send(asked.clone()).await;
        let received = theirs.recv().await;
        assert!(received.ends_with(body), "{kind:?} to {their:?}");
        theirs.send(&received).await;
        assert!(ours.recv().await == asked, "{kind:?} asks {their:?}");
    }
}

async fn they_ask(
    (kind, ours): (Kind, &Ours),
    (their, theirs): (zmq::SocketType, &Theirs),
    script: &[Frames],
) {
    let to = (their == zmq::ROUTER).then_some("ours");
    let front = envelope(their == zmq::DEALER, kind == Kind::Rep, to);
    for body in script {
        let asked = [&front[..], body].concat();
        theirs.send(&asked).await;
        let received = ours.recv().await;
        ours.send(received).await;
        assert!(theirs.recv().await == asked, "{their:?} asks {kind:?}");
    }
}

async fn we_send(
    (kind, ours): (Kind, &Ours),
    (their, theirs): (zmq::SocketType, &Theirs),
    script: &[Frames],
) {
    if their == zmq::XSUB {
        theirs.send(&[vec![1]]).await;
    }
    // Like libzmq it subscribes when its application calls it next, and not before.
    let receiving = async {
        for body in script {
            assert!(theirs.recv().await == *body, "{kind:?} to {their:?}");
        }
    };
    let sending = async {
        ours.wait_for_receiver().await;
        for body in script {
            ours.send(message(body)).await;
        }
    };
    join(receiving, sending).await;
}

/// A PUB does not say when somebody has subscribed: it begins once we have heard it.
async fn they_send(
    (kind, ours): (Kind, &Ours),
    (their, theirs): (zmq::SocketType, &Theirs),
    script: &[Frames],
) {
    const QUESTION: &str = "are you there?";
    let interval = Duration::from_millis(1);
    if their != zmq::PUSH {
        theirs.send(&[QUESTION.into()]).await;
        while rt::timeout(interval, ours.recv()).await.is_none() {
            theirs.send(&[QUESTION.into()]).await;
        }
    }
    for body in script {
        theirs.send(body).await;
        let mut received = ours.recv().await;
        while received[0] == QUESTION {
            received = ours.recv().await;
        }
        assert!(received == message(body), "{their:?} to {kind:?}");
    }
}

/// Everything that the two types can do with each other.
pub async fn play(
    (kind, ours): (Kind, &Ours),
    (their, theirs): (zmq::SocketType, &Theirs),
    script: &[Frames],
) {
    match kind {
        Kind::Pub | Kind::XPub | Kind::Push => return we_send((kind, ours), (their, theirs), script).await,
        Kind::Sub | Kind::XSub | Kind::Pull => return they_send((kind, ours), (their, theirs), script).await,
        _ => {}
    }
    if kind != Kind::Rep && their != zmq::REQ {
        we_ask((kind, ours), (their, theirs), script).await;
    }
    if kind != Kind::Req && their != zmq::REP {
        they_ask((kind, ours), (their, theirs), script).await;
    }
}

/// One side binds, the other connects; both know where.
pub async fn meet(kind: Kind, options: SocketOptions, theirs: &Theirs, ours_bind: bool) -> (Ours, String) {
    let endpoint = vacant();
    let ours = if ours_bind {
        let ours = Ours::bind(kind, &endpoint, options).await;
        theirs.connect(&endpoint).await;
        ours
    } else {
        theirs.bind(&endpoint).await;
        Ours::connect(kind, &endpoint, options).await
    };
    ours.prepare().await;
    (ours, endpoint)
}

/// All pairs of types, their sockets with these settings and ours with these options.
pub async fn all_pairs(
    java: &Java,
    settings: &str,
    options: SocketOptions,
    ours_bind: bool,
    script: &[Frames],
) {
    for (kind, their) in PAIRS {
        let theirs = java.open(their, settings).await;
        let (ours, _) = meet(kind, options.clone(), &theirs, ours_bind).await;
        play((kind, &ours), (their, &theirs), script).await;
        join(theirs.close(), ours.close()).await;
    }
}

#[test]
fn every_pair() {
    rt::run(async {
        let Some(java) = Java::start().await else { return };
        for ours_bind in [true, false] {
            all_pairs(&java, "", options(), ours_bind, &script()).await;
        }
    });
}

/// The side that binds is closed and bound again, and everything works as before.
#[test]
fn every_pair_after_a_restart() {
    rt::run(async {
        let Some(java) = Java::start().await else { return };
        for ours_bind in [true, false] {
            for (kind, their) in PAIRS {
                let mut theirs = java.open(their, "").await;
                let (mut ours, endpoint) = meet(kind, options(), &theirs, ours_bind).await;
                play((kind, &ours), (their, &theirs), &short()).await;
                if ours_bind {
                    ours.close().await;
                    ours = Ours::bind(kind, &endpoint, options()).await;
                    ours.prepare().await;
                } else {
                    theirs.close().await;
                    while ours.is_connected() {
                        rt::yield_now().await;
                    }
                    theirs = java.open(their, "").await;
                    theirs.bind(&endpoint).await;
                }
                ours.wait_for_peer().await;
                play((kind, &ours), (their, &theirs), &short()).await;
                theirs.close().await;
                ours.close().await;
            }
        }
    });
}
