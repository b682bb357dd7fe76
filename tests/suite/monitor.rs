//! What a socket tells about itself.

use super::rt;
use rt::*;
use std::collections::HashSet;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

fn quick() -> SocketOptions {
    SocketOptions::default().with_reconnect_interval(Duration::from_millis(1))
}

/// The names of all events that are left, once the socket is closed.
async fn names(mut monitor: Monitor) -> Vec<String> {
    let mut names = Vec::new();
    while let Some(event) = monitor.next().await {
        let debug = format!("{event:?}");
        names.push(debug.split([' ', '{']).next().unwrap().to_owned());
    }
    names
}

/// The events of both sides, from the first endpoint to the end.
async fn life(endpoint: &str) -> [Vec<String>; 2] {
    let pull = PullSocket::new(SocketOptions::default()).unwrap();
    let push = PushSocket::new(SocketOptions::default()).unwrap();
    let [bound, connected] = [pull.monitor(), push.monitor()];
    let endpoint = pull.bind_to(endpoint).await.unwrap();
    push.connect_to(&endpoint).unwrap();
    push.send("x").await.unwrap();
    pull.recv().await.unwrap();
    assert_eq!(push.close().await, 0);
    while pull.is_connected() {
        rt::yield_now().await;
    }
    pull.close().await;
    [names(bound).await, names(connected).await]
}

#[test]
fn events_tell_the_life_of_a_connection() {
    rt::run(async {
        for endpoint in ["tcp://127.0.0.1:0", concat!("inproc://", module_path!(), "/life")] {
            let [bound, connected] = life(endpoint).await;
            let expected =
                ["Listening", "Accepted", "HandshakeSucceeded", "Disconnected", "Unbound", "Closed"];
            assert_eq!(bound, expected);
            let expected = ["ConnectStarted", "Connected", "HandshakeSucceeded", "Disconnected", "Closed"];
            assert_eq!(connected, expected);
        }
    });
}

#[test]
fn both_ends_of_a_connection_have_addresses() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let mut accepting = pull.monitor();
        let push = PushSocket::new(quick()).unwrap();
        let mut connecting = push.monitor();
        push.connect_to(pull.local_endpoint().unwrap()).unwrap();
        let dialled_from = loop {
            if let Some(SocketEvent::Connected { local, .. }) = connecting.next().await {
                break local;
            }
        };
        let accepted_from = loop {
            if let Some(SocketEvent::Accepted { address, .. }) = accepting.next().await {
                break address;
            }
        };
        assert!(
            dialled_from.is_some() && dialled_from == accepted_from,
            "{dialled_from:?} {accepted_from:?}"
        );
    });
}

#[test]
fn each_connection_ends_exactly_once_under_an_id_of_its_own() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let push = PushSocket::new(quick()).unwrap();
        let mut monitor = push.monitor();
        push.connect_to(&endpoint).unwrap();
        push.wait_for_peers(1).await.unwrap();
        pull.close().await;
        for _ in 0..10 {
            let pull = PullSocket::bind(&endpoint).await.unwrap();
            pull.wait_for_peers(1).await.unwrap();
            pull.close().await;
        }
        push.close().await;

        let mut live = HashSet::new();
        let mut seen = HashSet::new();
        while let Some(event) = monitor.next().await {
            match event {
                SocketEvent::HandshakeSucceeded { peer, .. } => {
                    assert!(seen.insert(peer), "{peer} is not new");
                    live.insert(peer);
                }
                SocketEvent::Disconnected { peer, .. } => assert!(live.remove(&peer), "{peer} ended before"),
                _ => {}
            }
        }
        assert!(live.is_empty(), "never ended: {live:?}");
        assert!(seen.len() >= 11, "{}", seen.len());
    });
}

#[test]
fn a_monitor_that_nobody_reads_holds_nothing_up() {
    rt::run(async {
        let options = SocketOptions::default();
        let router = RouterSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let mut monitor = router.monitor();
        for _ in 0..3000 {
            router.send_to("nobody", "x").await.unwrap();
        }
        assert_eq!(router.stats().dropped(DropCause::Unroutable), 3000);
        assert_eq!(monitor.missed().total(), 0);
        let told: Vec<String> = std::iter::from_fn(|| monitor.try_next()).map(|e| e.to_string()).collect();
        assert_eq!(told, ["dropped 3000 messages: nobody has the identity that they were addressed to"]);
    });
}

/// A subscriber to everything that reads nothing, not even our greeting.
fn subscriber_that_never_reads(endpoint: &Endpoint) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap();
    let mut bytes = rt::opening("SUB", b"");
    bytes.extend_from_slice(b"\x04\x0a\x09SUBSCRIBE");
    stream.write_all(&bytes).unwrap();
    stream
}

/// A publisher whose subscriber does not read, past its mark, and how many messages were dropped for it.
async fn publisher_with_a_slow_subscriber() -> (PubSocket, TcpStream, PeerId) {
    let publisher = PubSocket::new(SocketOptions::default().with_send_hwm(1)).unwrap();
    let endpoint = publisher.bind_to("tcp://127.0.0.1:0").await.unwrap();
    let slow = subscriber_that_never_reads(&endpoint);
    publisher.wait_for_subscribers("", 1).await.unwrap();
    while publisher.stats().dropped(DropCause::PeerFull) == 0 {
        publisher.send(vec![0; 1_000_000]).await.unwrap();
    }
    let peer = publisher.peers()[0];
    (publisher, slow, peer)
}

#[test]
fn drops_for_a_slow_subscriber_push_nothing_out_of_a_monitor() {
    rt::run(async {
        let (publisher, _slow, peer) = publisher_with_a_slow_subscriber().await;
        let (before, mut monitor) = publisher.monitor_with_snapshot();
        for _ in 0..3 {
            let quick = SubSocket::connect(publisher.local_endpoint().unwrap()).await.unwrap();
            publisher.wait_for_peers(2).await.unwrap();
            for _ in 0..2_000 {
                publisher.send("x").await.unwrap();
            }
            quick.close().await;
            while publisher.peers().len() > 1 {
                rt::yield_now().await;
            }
        }
        let after = publisher.stats();
        let dropped = after.dropped(DropCause::PeerFull) - before.dropped(DropCause::PeerFull);
        assert_eq!(dropped, 6_000);
        let slow = after.peers.iter().find(|stats| stats.peer == peer).unwrap();
        assert_eq!(slow.dropped(DropCause::PeerFull), after.dropped(DropCause::PeerFull));

        let (mut shaken, mut ended, mut told) = (0, 0, 0);
        while let Some(event) = monitor.try_next() {
            match event {
                SocketEvent::HandshakeSucceeded { .. } => shaken += 1,
                SocketEvent::Disconnected { endpoint, address, .. } => {
                    assert_eq!(endpoint, publisher.local_endpoint());
                    assert!(address.is_some());
                    ended += 1;
                }
                SocketEvent::MessagesDropped { peer: Some(of), cause, count } => {
                    assert_eq!((of, cause), (peer, DropCause::PeerFull));
                    told += count;
                }
                _ => {}
            }
        }
        assert_eq!((shaken, ended, told, monitor.missed()), (3, 3, 6_000, Missed::default()));
    });
}

#[test]
fn a_peer_that_does_not_read_is_disconnected_at_once() {
    rt::run(async {
        let (publisher, _slow, peer) = publisher_with_a_slow_subscriber().await;
        let mut monitor = publisher.monitor();
        let queued = publisher.stats().queued;
        assert!(queued > 0);
        publisher.disconnect_peer(peer).unwrap();
        assert!(publisher.peers().is_empty());
        assert!(matches!(publisher.disconnect_peer(peer), Err(Error::Unroutable)), "it is gone");
        let stats = publisher.stats();
        assert_eq!((stats.queued, stats.dropped(DropCause::Dismissed)), (0, queued));
        assert_eq!(stats.disconnects_by(DisconnectKind::Dismissed), 1);
        let lines: Vec<String> = std::iter::from_fn(|| monitor.try_next()).map(|e| e.to_string()).collect();
        let [dropped, ended] = &lines[..] else { panic!("{lines:?}") };
        let cause = "the peer was disconnected by the application";
        assert_eq!(*dropped, format!("dropped {queued} messages of peer {peer}: {cause}"));
        assert!(ended.ends_with("disconnected: the application disconnected the peer"), "{ended}");
    });
}

#[test]
fn a_peer_that_was_dialled_comes_back_and_loses_nothing() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let push = PushSocket::new(quick()).unwrap();
        let (_, mut monitor) = push.monitor_with_snapshot();
        push.connect_to(pull.local_endpoint().unwrap()).unwrap();
        for n in 0..10_u8 {
            push.wait_for_peers(1).await.unwrap();
            push.send([n]).await.unwrap();
            push.send([n]).await.unwrap();
            let peer = push.peers()[0];
            push.disconnect_peer(peer).unwrap();
        }
        let mut received = Vec::new();
        for _ in 0..20 {
            received.push(pull.recv().await.unwrap()[0][0]);
        }
        received.sort_unstable();
        assert!(received.into_iter().eq((0..20).map(|n| n / 2)));
        push.wait_for_peers(1).await.unwrap();
        assert!(matches!(push.disconnect_peer("nobody"), Err(Error::Unroutable)), "no identities here");
        let mut dismissed = 0;
        while let Some(event) = monitor.try_next() {
            assert!(!matches!(event, SocketEvent::ReconnectStopped { .. }), "{event}");
            dismissed += usize::from(matches!(
                event,
                SocketEvent::Disconnected { reason: DisconnectReason::Dismissed, .. }
            ));
        }
        assert_eq!(dismissed, 10);
    });
}

#[test]
fn one_handshake_that_hangs_is_disconnected_by_its_id() {
    rt::run(async {
        let pull = PullSocket::new(SocketOptions::default()).unwrap();
        let mut monitor = pull.monitor();
        let endpoint = pull.bind_to("tcp://127.0.0.1:0").await.unwrap();
        let _silent = TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap();
        let peer = loop {
            if let SocketEvent::Accepted { peer, .. } = monitor.next().await.unwrap() {
                break peer;
            }
        };
        pull.disconnect_peer(peer).unwrap();
        let Some(SocketEvent::HandshakeFailed { peer: of, endpoint: at, .. }) = monitor.try_next() else {
            panic!("it failed at once")
        };
        assert_eq!((of, at), (peer, Some(endpoint)));
        let stats = pull.stats();
        assert_eq!((stats.handshakes_failed, stats.handshakes_failed_by(DisconnectKind::Dismissed)), (1, 1));
        assert_eq!((stats.endpoints[0].attempts, stats.endpoints[0].failed_attempts), (1, 1));
    });
}

#[test]
fn figures_of_endpoints_tell_of_attempts_that_failed() {
    rt::run(async {
        let push = PushSocket::new(quick()).unwrap();
        let mut monitor = push.monitor();
        let endpoint: Endpoint = rt::vacant().parse().unwrap();
        push.connect_to(&endpoint).unwrap();
        let mut failed = 0;
        while failed < 3 {
            failed += u64::from(matches!(monitor.next().await, Some(SocketEvent::ConnectFailed { .. })));
        }
        let stats = push.stats();
        let [dialled] = &stats.endpoints[..] else { panic!("{stats:?}") };
        assert_eq!((&dialled.endpoint, dialled.bound, dialled.stopped), (&endpoint, false, false));
        assert!(dialled.failed_attempts >= 3 && dialled.attempts >= dialled.failed_attempts, "{dialled}");
        assert_eq!(dialled.last_error.as_ref().map(Error::kind), Some(ErrorKind::ConnectionRefused));

        let pull = PullSocket::bind(&endpoint).await.unwrap();
        push.wait_for_peers(1).await.unwrap();
        pull.wait_for_peers(1).await.unwrap();
        let bound = &pull.stats().endpoints[0];
        assert_eq!((&bound.endpoint, bound.bound, bound.failed_attempts), (&endpoint, true, 0));
        assert_eq!(bound.attempts, 1);
        assert_eq!(push.stats().peers[0].endpoint.as_ref(), Some(&endpoint));
    });
}

#[test]
fn payload_is_counted_in_both_directions() {
    rt::run(async {
        for endpoint in ["tcp://127.0.0.1:0", concat!("inproc://", module_path!(), "/payload")] {
            let pull = PullSocket::bind(endpoint).await.unwrap();
            let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
            for size in [0, 5, 300, 100_000] {
                push.send(vec![7; size]).await.unwrap();
                push.send([Frame::from("a"), vec![7; size].into()]).await.unwrap();
            }
            for _ in 0..8 {
                pull.recv().await.unwrap();
            }
            push.flush().await.unwrap();
            let bytes = 4 + 2 * (5 + 300 + 100_000);
            let (sent, received) = (push.stats(), pull.stats());
            assert_eq!((sent.bytes_sent, sent.peers[0].bytes_sent), (bytes, bytes));
            assert_eq!((received.bytes_received, received.peers[0].bytes_received), (bytes, bytes));
            push.close().await;
            assert_eq!(push.stats().bytes_sent, bytes, "after the connection as well");
        }
    });
}

#[test]
fn what_was_not_received_by_the_end_is_dropped_by_cause() {
    rt::run(async {
        for endpoint in ["tcp://127.0.0.1:0", concat!("inproc://", module_path!(), "/unreceived")] {
            let dealer = DealerSocket::bind(endpoint).await.unwrap();
            let other = DealerSocket::connect(dealer.local_endpoint().unwrap()).await.unwrap();
            for _ in 0..10 {
                other.send("x").await.unwrap();
            }
            dealer.recv().await.unwrap();
            while endpoint.starts_with("tcp") && dealer.stats().recv_queued < 9 {
                rt::yield_now().await;
            }
            dealer.close().await;
            let stats = dealer.stats();
            assert_eq!((stats.recv_queued, stats.delivered), (0, 1));
            assert_eq!(stats.recv_dropped, stats.recv_dropped_by(DropCause::Closed), "{stats}");
            assert_eq!(stats.received, 1 + stats.recv_dropped);
            assert!(stats.recv_dropped == 9 || endpoint.starts_with("inproc"), "{stats}");
        }
    });
}

#[test]
fn one_peer_and_the_socket_tell_the_same() {
    rt::run(async {
        let pull = PullSocket::bind(concat!("inproc://", module_path!(), "/truth")).await.unwrap();
        let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        for _ in 0..100 {
            push.send("x").await.unwrap();
        }
        let peer = push.peers()[0];
        let queued = |push: &PushSocket| push.peer(peer).unwrap().queued_messages;
        assert_eq!((queued(&push), push.buffered_messages()), (100, 100));
        for _ in 0..100 {
            pull.recv().await.unwrap();
        }
        // Whichever is asked first.
        assert_eq!((queued(&push), push.peer(peer).unwrap().sent), (0, 100));
        assert_eq!((push.stats().queued, push.stats().peers[0].queued_messages), (0, 0));
    });
}

#[test]
fn what_a_monitor_keeps_is_bounded_by_options() {
    rt::run(async {
        let options = quick().with_monitor_events(4).with_monitor_drops(1).with_send_hwm(1);
        let options = options.with_router_mandatory(false);
        let router = RouterSocket::new(options).unwrap();
        let mut monitor = router.monitor();
        let endpoint = router.bind_to("tcp://127.0.0.1:0").await.unwrap();
        // Three events of each connection, and one of the endpoint.
        for n in 0..3_u8 {
            let options = SocketOptions::default().with_identity(vec![b'a' + n]);
            let dealer = DealerSocket::connect_with_options(&endpoint, options).await.unwrap();
            router.wait_for_peers(1).await.unwrap();
            dealer.close().await;
            while router.is_connected() {
                rt::yield_now().await;
            }
        }
        // Without a connection, past the one entry there is.
        router.send_to("nobody", "x").await.unwrap();
        router.send_to("nobody", "x").await.unwrap();
        let missed = monitor.missed();
        assert_eq!((missed.connections, missed.endpoints), (9 - 4, 0));
        let events: Vec<_> = std::iter::from_fn(|| monitor.try_next()).collect();
        assert_eq!(events.len(), 1 + 1 + 4 + 1, "{events:?}");
        assert!(
            matches!(events[0], SocketEvent::Listening { .. }) || matches!(events[0], SocketEvent::Missed(_))
        );
        assert!(events.iter().any(|event| matches!(event, SocketEvent::Missed(of) if *of == missed)));
        assert!(matches!(events.last(), Some(SocketEvent::MessagesDropped { count: 2, .. })));
    });
}

/// What comes from a peer after its endpoint was unbound is nowhere to be received, and counted.
#[test]
fn what_comes_from_a_peer_that_is_let_go_is_counted() {
    rt::run(async {
        let pull = PullSocket::new(SocketOptions::default()).unwrap();
        let mut monitor = pull.monitor();
        let endpoint = pull.bind_to("tcp://127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap();
        stream.write_all(&rt::opening("PUSH", b"")).unwrap();
        pull.wait_for_peers(1).await.unwrap();
        pull.unbind(&endpoint).unwrap();
        // Three messages, one of them large, a PING that nobody answers, and a message cut short.
        let mut bytes = b"\x00\x01a\x04\x08\x04PING\x00\x00x".to_vec();
        bytes.extend_from_slice(b"\x02\x00\x00\x00\x00\x00\x01\x00\x00");
        bytes.extend_from_slice(&[7; 65_536]);
        bytes.extend_from_slice(b"\x01\x01b\x00\x01c\x01\x01d");
        stream.write_all(&bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut told = 0;
        loop {
            match monitor.next().await.unwrap() {
                SocketEvent::ReceivedDropped { cause: DropCause::Departing, count, .. } => told += count,
                SocketEvent::Disconnected { .. } => break,
                _ => {}
            }
        }
        let stats = pull.stats();
        assert_eq!((stats.received, stats.recv_dropped_by(DropCause::Departing), told), (3, 3, 3), "{stats}");
        assert_eq!((stats.bytes_received, stats.recv_queued, stats.recv_incomplete), (65_539, 0, 1));
    });
}
