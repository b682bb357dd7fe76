//! pyzmq as the other end: another binding, another libzmq. Where it cannot be imported the test says so and
//! is over; `MONOCOQUE_PYTHON` names an interpreter that has it.

use std::process::Command;

use super::program::Program;
use super::rt::{self, *};

/// Does what it reads: a socket type, what to do with it, where; and says where, and when it is done.
const PROGRAM: &str = r#"
import sys
try:
    import zmq
except ImportError as error:
    print(error)
    sys.exit()
context = zmq.Context()
print("pyzmq", zmq.__version__, "libzmq", zmq.zmq_version(), flush=True)

def message(n):
    return [b"%d" % n, b"", bytes(n % 256 for _ in range(n * 37 % 600))]

for line in sys.stdin:
    kind, work, where = line.split()
    socket = context.socket(getattr(zmq, kind))
    socket.linger = 1000
    socket.rcvtimeo = socket.sndtimeo = 10000
    socket.setsockopt(zmq.IDENTITY, b"python")
    if kind == "SUB":
        socket.subscribe(b"")
    if where == "bind":
        socket.bind("tcp://127.0.0.1:*")
    else:
        socket.connect(where)
    print(socket.last_endpoint.decode().rstrip("\0"), flush=True)
    if kind == "XPUB":
        assert socket.recv() == b"\x01"
    for n in range(100):
        if work == "echo":
            socket.send_multipart(socket.recv_multipart())
        if work in ("send", "ask"):
            socket.send_multipart(message(n))
        if work in ("recv", "ask"):
            received = socket.recv_multipart()
            assert received == message(n), (n, received)
    socket.close()
    print("done", flush=True)
"#;

/// The same message as above.
pub fn message(n: usize) -> Message {
    Message::from_iter([n.to_string().into_bytes(), Vec::new(), vec![n as u8; n * 37 % 600]])
}

/// A program that speaks with the test by lines.
pub struct Python(Program);

impl Python {
    /// The program, running; `None` where there is no Python, or no pyzmq.
    pub fn start(program: &str) -> Option<Self> {
        let python = std::env::var("MONOCOQUE_PYTHON").unwrap_or_else(|_| "python3".into());
        let why = match Program::start(Command::new(&python).args(["-c", program])) {
            Ok((started, greeting)) if greeting.starts_with("pyzmq") => return Some(Self(started)),
            Ok((_, greeting)) => greeting,
            Err(error) => error.to_string(),
        };
        println!("skipped: {python}: {why}");
        None
    }

    pub fn line(&mut self) -> String {
        self.0.line()
    }

    pub fn say(&mut self, line: &str) {
        self.0.say(line);
    }

    /// Has a socket opened; returns its endpoint.
    fn open(&mut self, kind: &str, work: &str, place: &str) -> String {
        self.say(&format!("{kind} {work} {place}"));
        self.line()
    }

    /// Waits for the end of what it was told to do, off the runtime that its peer runs on.
    pub async fn done(mut self) -> Self {
        rt::blocking(move || {
            assert_eq!(self.line(), "done");
            self
        })
        .await
    }
}

/// Opens a socket of ours and one of theirs, and gives both to what is to be done.
macro_rules! meet {
    ($python:ident, $ours_bind:ident, $ours:ident, $kind:literal $work:literal) => {{
        let options = SocketOptions::default().with_identity("rust");
        if $ours_bind {
            let socket = $ours::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
            $python.open($kind, $work, &socket.local_endpoint().unwrap().to_string());
            socket
        } else {
            let endpoint = $python.open($kind, $work, "bind");
            $ours::connect_with_options(endpoint, options).await.unwrap()
        }
    }};
}

#[test]
fn every_pattern() {
    rt::run(async {
        let Some(mut python) = Python::start(PROGRAM) else { return };
        for ours_bind in [true, false] {
            let req = meet!(python, ours_bind, ReqSocket, "REP" "echo");
            for n in 0..100 {
                req.send(message(n)).await.unwrap();
                assert_eq!(req.recv().await.unwrap(), message(n));
            }
            python = python.done().await;

            let rep = meet!(python, ours_bind, RepSocket, "REQ" "ask");
            for n in 0..100 {
                assert_eq!(rep.recv().await.unwrap(), message(n));
                rep.send(message(n)).await.unwrap();
            }
            python = python.done().await;

            let router = meet!(python, ours_bind, RouterSocket, "DEALER" "ask");
            for n in 0..100 {
                let (identity, received) = router.recv_from().await.unwrap();
                assert!(identity == "python" && received == message(n));
                router.send_to(identity, received).await.unwrap();
            }
            python = python.done().await;

            let dealer = meet!(python, ours_bind, DealerSocket, "ROUTER" "echo");
            for n in 0..100 {
                dealer.send(message(n)).await.unwrap();
                assert_eq!(dealer.recv().await.unwrap(), message(n));
            }
            python = python.done().await;

            let pull = meet!(python, ours_bind, PullSocket, "PUSH" "send");
            for n in 0..100 {
                assert_eq!(pull.recv().await.unwrap(), message(n));
            }
            python = python.done().await;

            let push = meet!(python, ours_bind, PushSocket, "PULL" "recv");
            for n in 0..100 {
                push.send(message(n)).await.unwrap();
            }
            python = python.done().await;

            let sub = meet!(python, ours_bind, SubSocket, "XPUB" "send");
            sub.subscribe("").unwrap();
            for n in 0..100 {
                assert_eq!(sub.recv().await.unwrap(), message(n));
            }
            python = python.done().await;

            let publisher = meet!(python, ours_bind, PubSocket, "SUB" "recv");
            publisher.wait_for_subscribers("", 1).await.unwrap();
            for n in 0..100 {
                publisher.send(message(n)).await.unwrap();
            }
            python = python.done().await;

            let pair = meet!(python, ours_bind, PairSocket, "PAIR" "echo");
            for n in 0..100 {
                pair.send(message(n)).await.unwrap();
                assert_eq!(pair.recv().await.unwrap(), message(n));
            }
            python = python.done().await;
        }
    });
}
