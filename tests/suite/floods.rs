//! Peers that do what nobody sane would do: each ends its own connection at most, and the rest goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::rt::{self, *};

/// A peer that has completed its half of the handshake, as bytes on a stream.
fn raw_peer(endpoint: &Endpoint, socket_type: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap();
    stream.write_all(&opening(socket_type, b"")).unwrap();
    stream
}

fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let len = 1 + name.len() + data.len();
    [&[6][..], &(len as u64).to_be_bytes(), &[name.len() as u8], name.as_bytes(), data].concat()
}

/// Runs a test on a thread whose stack is small: nothing that a peer sends may take more of it.
fn on_a_small_stack(test: fn()) {
    let thread = std::thread::Builder::new().stack_size(256 * 1024).name("a small stack".into());
    thread.spawn(test).unwrap().join().unwrap();
}

/// One connection ends once; its subscriptions behind the one too many are not even looked at.
#[test]
fn too_many_subscriptions_at_once_end_one_connection_and_take_no_stack() {
    on_a_small_stack(|| {
        rt::run(async {
            let options = SocketOptions::default().with_max_subscription_bytes(64 * 1024);
            let publisher = XPubSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
            let endpoint = publisher.local_endpoint().unwrap();
            let mut monitor = publisher.monitor();
            let good = SubSocket::connect(&endpoint).await.unwrap();
            good.subscribe("good").unwrap();
            assert_eq!(publisher.recv().await.unwrap()[0], &b"\x01good"[..]);

            let (hostile, gone) = blocking({
                let endpoint = endpoint.clone();
                move || {
                    let mut hostile = raw_peer(&endpoint, "SUB");
                    let long = [&[1][..], &vec![b'x'; 64 * 1024 + 1]].concat();
                    let mut bytes = [&[2][..], &(long.len() as u64).to_be_bytes(), &long].concat();
                    for number in 0..20_000_u16 {
                        bytes.extend([0, 3, 1]);
                        bytes.extend(number.to_be_bytes());
                    }
                    // It may be hung up on in the middle of this.
                    let _ = hostile.write_all(&bytes);
                    let gone = hostile.read_to_end(&mut Vec::new());
                    (hostile, gone)
                }
            })
            .await;
            drop((hostile, gone));
            let mut ends = 0;
            while let Some(event) = monitor.try_next() {
                if let SocketEvent::Disconnected { reason, .. } = event {
                    assert!(matches!(reason, DisconnectReason::TooManySubscriptions), "{reason:?}");
                    ends += 1;
                }
            }
            assert_eq!(ends, 1);
            publisher.send("good news").await.unwrap();
            assert_eq!(good.recv().await.unwrap()[0], "good news");
        });
    });
}

/// The same by an honest subscriber that has more topics than the publisher allows.
#[test]
fn a_subscriber_with_too_many_topics_is_told_apart() {
    on_a_small_stack(|| {
        rt::run(async {
            let options = SocketOptions::default().with_max_subscriptions(1000);
            let publisher = PubSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
            let endpoint = publisher.local_endpoint().unwrap();
            let mut monitor = publisher.monitor();
            let greedy = SubSocket::new(SocketOptions::default()).unwrap();
            for topic in 0..1800_u16 {
                greedy.subscribe(topic.to_be_bytes()).unwrap();
            }
            greedy.connect_to(&endpoint).unwrap();
            loop {
                if let SocketEvent::Disconnected { reason, .. } = monitor.next().await.unwrap() {
                    assert!(matches!(reason, DisconnectReason::TooManySubscriptions), "{reason:?}");
                    break;
                }
            }
        });
    });
}

/// A peer that asks and does not read is read on, and others with it; the newest PING is the one answered last.
#[test]
fn a_flood_of_pings_is_answered_once_the_peer_reads() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let (mut stream, sent) = blocking({
            let endpoint = endpoint.clone();
            move || {
                let mut stream = raw_peer(&endpoint, "PUSH");
                let pings: Vec<u8> = (0..100_000_u32)
                    .flat_map(|n| command("PING", &[&[0, 0], &n.to_be_bytes()[..]].concat()))
                    .collect();
                // More than the kernel takes: it is read although nothing of the answers is.
                stream.write_all(&pings).unwrap();
                stream.write_all(b"\0\x04last").unwrap();
                (stream, pings.len())
            }
        })
        .await;
        assert!(sent > 1_000_000);
        assert_eq!(pull.recv().await.unwrap()[0], "last");
        let newest = blocking(move || {
            let (mut read, mut chunk) = (Vec::new(), [0; 65536]);
            let newest = [&b"PONG"[..], &99_999_u32.to_be_bytes()].concat();
            while !read.ends_with(&newest) {
                let count = stream.read(&mut chunk).unwrap();
                assert!(count > 0, "closed without the newest answer");
                read.extend_from_slice(&chunk[..count]);
            }
            read.len()
        })
        .await;
        assert!(newest < sent, "{newest} bytes of answers to {sent}");
    });
}

/// What connections left that ended is received in full, and not all at once: it waits undecoded.
#[test]
fn what_ended_connections_left_waits_undecoded_and_is_received_in_full() {
    const CONNECTIONS: usize = 20;
    const MESSAGES: usize = 8000;
    rt::run(async {
        let options = SocketOptions::default().with_recv_hwm(100);
        let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let mut monitor = pull.monitor();
        leave_behind(&pull.local_endpoint().unwrap(), CONNECTIONS, MESSAGES).await;
        for _ in 0..CONNECTIONS {
            let accepted = |event: &SocketEvent| matches!(event, SocketEvent::HandshakeSucceeded { .. });
            while !accepted(&monitor.next().await.unwrap()) {}
        }
        assert!(pull.stats().recv_queued <= 100 * (CONNECTIONS as u64 + 1), "{:?}", pull.stats());
        for _ in 0..CONNECTIONS * MESSAGES {
            pull.recv().await.unwrap();
        }
        let stats = pull.stats();
        assert_eq!((stats.received, stats.recv_dropped), ((CONNECTIONS * MESSAGES) as u64, 0));
    });
}

/// Clients that send empty messages and are gone.
async fn leave_behind(endpoint: &Endpoint, connections: usize, messages: usize) {
    let endpoint = endpoint.clone();
    blocking(move || {
        for _ in 0..connections {
            let mut stream = raw_peer(&endpoint, "PUSH");
            stream.write_all(&vec![0; 2 * messages]).unwrap();
            // Our half ends; that of the other side is read, so that nothing is reset.
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            std::thread::spawn(move || {
                let _ = stream.read_to_end(&mut Vec::new());
            });
        }
    })
    .await;
}

/// Past the bound on leftovers the newest are dropped, and counted.
#[test]
fn leftovers_beyond_their_bound_are_dropped_and_counted() {
    const CONNECTIONS: usize = 6;
    rt::run(async {
        // Room for the undecoded bytes of one connection and no more.
        let options = SocketOptions::default().with_recv_hwm(10).with_leftover_bytes(34 * 1024);
        let dealer = DealerSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let endpoint = dealer.local_endpoint().unwrap();
        let mut monitor = dealer.monitor();
        let streams = blocking(move || -> Vec<TcpStream> {
            let send = |_| {
                let mut stream = raw_peer(&endpoint, "DEALER");
                stream.write_all(&[0; 16 * 1024]).unwrap();
                stream
            };
            (0..CONNECTIONS).map(send).collect()
        })
        .await;
        dealer.wait_for_peers(CONNECTIONS).await.unwrap();
        for stream in &streams {
            socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
        drop(streams);
        // Writing to each is how the ends are noticed, since reading has stopped at the mark.
        let mut ended = 0;
        while ended < CONNECTIONS {
            let _ = dealer.try_send("x");
            while let Some(event) = monitor.try_next() {
                ended += usize::from(matches!(event, SocketEvent::Disconnected { .. }));
            }
            yield_now().await;
        }
        let before = dealer.stats();
        assert!(before.recv_dropped > 0 && before.recv_queued <= 10 * (CONNECTIONS as u64 + 1), "{before:?}");
        while dealer.try_recv().is_ok() {}
        let stats = dealer.stats();
        assert!(stats.delivered > 8000, "one leftover was kept whole: {stats:?}");
        assert_eq!(stats.received, stats.delivered + stats.recv_dropped);
        assert_eq!(stats.recv_queued, 0);
    });
}
