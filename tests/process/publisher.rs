//! The heap of a publisher.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread::JoinHandle;

use super::cycles::until;
use super::heap::{KIB, MIB};
use super::rt::{self, *};
use crate::{live, take_peak};

pub(crate) fn all() {
    rt::run(a_publisher_keeps_nothing_of_what_it_is_sent());
}

/// Connects as an XSUB on a thread of its own, and sends messages that are no subscriptions.
fn flood(endpoint: &Endpoint, messages: usize, size: usize) -> JoinHandle<()> {
    let (port, opening) = (endpoint.port().unwrap(), rt::opening("XSUB", b""));
    std::thread::spawn(move || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(&opening).unwrap();
        let mut frame = vec![2];
        frame.extend((size as u64).to_be_bytes());
        frame.resize(9 + size, b'x');
        for _ in 0..messages {
            stream.write_all(&frame).unwrap();
        }
        stream.shutdown(Shutdown::Write).unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    })
}

/// CVE-2021-20237: messages to a PUB were never freed. Two peers flood it, one of them with large frames.
async fn a_publisher_keeps_nothing_of_what_it_is_sent() {
    let publisher = PubSocket::bind("tcp://127.0.0.1:0").await.unwrap();
    let endpoint = publisher.local_endpoint().unwrap();
    let over = async |floods: Vec<JoinHandle<()>>| {
        let left = || floods.iter().filter(|flood| !flood.is_finished()).count();
        until(|| left() == 0 && publisher.peers().is_empty(), || left().to_string()).await;
    };
    over(vec![flood(&endpoint, 100, 1000)]).await;
    let before = live();
    take_peak();
    over(vec![flood(&endpoint, 20_000, 1000), flood(&endpoint, 50, MIB)]).await;
    let peak = take_peak() - before;
    let stats = publisher.stats();
    assert_eq!((stats.received, stats.recv_dropped, stats.recv_queued), (20_150, 20_150, 0));
    assert!(peak <= 6 * MIB, "{peak} bytes of what is thrown away");
    until(|| live() <= before + 128 * KIB, || format!("{} bytes", live() - before)).await;
}
