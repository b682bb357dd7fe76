//! What holds on every runtime.

use std::io::Write;
use std::net::TcpStream;

use super::cycles;
use super::rt::{self, *};
use super::until::until;

/// The numbers of the open descriptors, the directory's own excepted.
fn open() -> Vec<u64> {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap();
    let mut open: Vec<u64> = entries
        .map(|entry| entry.unwrap().file_name())
        .filter_map(|name| name.to_str()?.parse().ok())
        .collect();
    open.sort_unstable();
    open.pop();
    open
}

fn still_open() -> String {
    format!("{} open", open().len())
}

pub(crate) fn cycles_leave_none_open() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let cycle = async || {
            let push = PushSocket::connect(&endpoint).await.unwrap();
            push.send("x").await.unwrap();
            pull.recv().await.unwrap();
            drop(push);
            // One that is cut in the middle of a message, and one in the middle of its greeting.
            let mut begun = rt::opening("PUSH", b"");
            begun.extend_from_slice(b"\x00\x05abc");
            for bytes in [&begun[..], &begun[..20]] {
                let mut raw = TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap();
                raw.write_all(bytes).unwrap();
            }
        };
        cycle().await;
        until(|| pull.peers().is_empty(), still_open).await;
        let mut before = open().len();
        until(
            || {
                // The first cycle's own descriptors may take a moment to go.
                let now = open().len();
                std::mem::replace(&mut before, now) == now
            },
            still_open,
        )
        .await;
        for _ in 0..350 {
            cycle().await;
        }
        until(|| pull.peers().is_empty() && open().len() <= before, still_open).await;
    });
}

/// One socket that reconnects a thousand times leaves descriptors and tasks as they were.
pub(crate) fn reconnections_leave_none_open() {
    rt::run(async {
        let (pull, push) = cycles::pipeline().await;
        cycles::reconnect(20, &pull, &push).await;
        let (before, tasks) = (open().len(), rt::tasks());
        cycles::reconnect(1000, &pull, &push).await;
        until(|| open().len() <= before && rt::tasks() <= tasks, still_open).await;
        drop((pull, push));
        until(|| rt::tasks().is_none_or(|left| left == 0), || format!("{:?} tasks", rt::tasks())).await;
    });
}

/// So does one whose connection is reset a thousand times.
pub(crate) fn resets_leave_none_open() {
    rt::run(async {
        let (listener, push) = cycles::to_listener().await;
        cycles::reset(20, &listener, &push).await;
        let (before, tasks) = (open().len(), rt::tasks());
        cycles::reset(1000, &listener, &push).await;
        until(|| open().len() <= before && rt::tasks() <= tasks, still_open).await;
    });
}

pub(crate) fn running_out_is_survived() {
    const CLIENTS: usize = 20;
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let port = pull.local_endpoint().unwrap().port().unwrap();
        let mut monitor = pull.monitor();
        // They wait in the backlog: nobody accepts before the next await.
        let mut clients: Vec<TcpStream> =
            (0..CLIENTS).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
        let (soft, hard) = rlimit::getrlimit(rlimit::Resource::NOFILE).unwrap();
        let highest = open().pop().unwrap();
        rlimit::setrlimit(rlimit::Resource::NOFILE, highest + 1, hard).unwrap();

        let mut pauses = Vec::new();
        while pauses.len() < 4 {
            if let SocketEvent::AcceptFailed { cause, retry_in, .. } = monitor.next().await.unwrap() {
                pauses.push(retry_in.as_millis());
                assert!(cause.to_string().contains("Too many open files"), "{cause}");
            }
        }
        rlimit::setrlimit(rlimit::Resource::NOFILE, soft, hard).unwrap();
        assert_eq!(pauses, [10, 20, 40, 80]);

        let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        push.send("x").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "x");
        // Nobody in the backlog was lost.
        let opening = rt::opening("PUSH", b"");
        for client in &mut clients {
            client.write_all(&opening).unwrap();
        }
        pull.wait_for_peers(CLIENTS + 1).await.unwrap();
    });
}
