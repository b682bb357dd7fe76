//! Messages in the making of all connections share a budget, over streams of the system.

use std::io::Write;
use std::net::TcpStream;
use std::thread::JoinHandle;

use super::rt::{self, *};

const KIB: usize = 1024;

/// A PUSH that has begun a message of so many bytes.
fn begun(endpoint: &Endpoint, len: usize, sent: usize) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap();
    stream.write_all(&rt::opening("PUSH", b"")).unwrap();
    stream.write_all(&[&[2][..], &(len as u64).to_be_bytes()].concat()).unwrap();
    stream.write_all(&vec![1; sent]).unwrap();
    stream
}

fn finish(mut stream: TcpStream, rest: usize) -> JoinHandle<TcpStream> {
    std::thread::spawn(move || {
        stream.write_all(&vec![1; rest]).unwrap();
        stream
    })
}

/// Far more than the budget arrives at once, and all of it is received: one message after the other.
#[test]
fn messages_that_share_a_small_budget_all_arrive() {
    const LEN: usize = 8 * 1024 * KIB;
    const PEERS: usize = 8;
    rt::run(async {
        let options = SocketOptions::default().with_incomplete_bytes(100 * KIB);
        let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let senders: Vec<_> =
            (0..PEERS).map(|n| finish(begun(&endpoint, LEN + n, 100), LEN + n - 100)).collect();
        let mut sizes = Vec::new();
        for _ in 0..PEERS {
            sizes.push(pull.recv().await.unwrap().size());
        }
        sizes.sort_unstable();
        assert_eq!(sizes, (0..PEERS).map(|n| LEN + n).collect::<Vec<_>>());
        let streams: Vec<_> = senders.into_iter().map(|sender| sender.join().unwrap()).collect();
        assert_eq!(pull.stats().disconnects(), 0);
        drop(streams);
    });
}

/// One connection holds the budget and sends no more; when it goes, the others go on.
#[test]
fn the_end_of_the_one_that_holds_the_budget_lets_the_others_go_on() {
    const LEN: usize = 2 * 1024 * KIB;
    rt::run(async {
        let options = SocketOptions::default().with_incomplete_bytes(100 * KIB);
        let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        // More than a buffer of the kernel's would keep: it is with the PULL when all is written.
        let to = endpoint.clone();
        let holder = rt::blocking(move || begun(&to, 256 * 1024 * KIB, 32 * 1024 * KIB)).await;
        let sender = finish(begun(&endpoint, LEN, 0), LEN);
        pull.wait_for_peers(2).await.unwrap();
        // What is small passes by.
        let push = PushSocket::connect(&endpoint).await.unwrap();
        for _ in 0..10 {
            push.send("small").await.unwrap();
            assert_eq!(pull.recv().await.unwrap()[0], "small");
        }
        drop(holder);
        assert_eq!(pull.recv().await.unwrap().size(), LEN);
        drop(sender.join().unwrap());
    });
}
