//! libzmq's test_monitor: what is told, in which order, and what it says.

use super::common::*;
use super::rt::{self, *};

/// The name of an event, short enough for a list of them.
fn name(event: &SocketEvent) -> String {
    let debug = format!("{event:?}");
    debug.split([' ', '{']).next().unwrap_or_default().to_owned()
}

#[test]
fn monitor() {
    rt::run(async {
        let fixed = vacant();
        let client = DealerSocket::new(quick().with_identity("client")).unwrap();
        let mut monitor = client.monitor();
        client.connect_to(&fixed).unwrap();
        let mut names = Vec::new();
        while names.last().is_none_or(|last| last != "RetryIn") {
            names.push(name(&monitor.next().await.unwrap()));
        }
        assert_eq!(names, ["ConnectStarted", "ConnectFailed", "RetryIn"]);

        let server = RouterSocket::new(SocketOptions::default()).unwrap();
        let mut server_monitor = server.monitor();
        let bound = server.bind_to(&fixed).await.unwrap();
        client.wait_for_peers(1).await.unwrap();
        server.wait_for_peers(1).await.unwrap();
        // Who it was, on both sides.
        let accepted = event(&mut server_monitor, |event| match event {
            SocketEvent::Accepted { peer, address, endpoint } => {
                Some((*peer, address.clone(), endpoint.clone()))
            }
            _ => None,
        })
        .await;
        assert_eq!(accepted.2, bound);
        assert!(accepted.1.is_some());
        let shaken = event(&mut server_monitor, |event| match event {
            SocketEvent::HandshakeSucceeded { peer, socket_type, identity, .. } => {
                Some((*peer, socket_type.to_string(), identity.clone()))
            }
            _ => None,
        })
        .await;
        assert_eq!(shaken, (accepted.0, "DEALER".into(), Bytes::from("client")));
        event(&mut monitor, |event| matches!(event, SocketEvent::Connected { .. }).then_some(())).await;
        event(&mut monitor, |event| matches!(event, SocketEvent::HandshakeSucceeded { .. }).then_some(()))
            .await;

        // Disconnected with its reason, and then a retry.
        server.close().await;
        let mut names = Vec::new();
        while names.last().is_none_or(|last| last != "RetryIn") {
            names.push(name(&monitor.next().await.unwrap()));
        }
        assert_eq!(names, ["Disconnected", "ShortLived", "RetryIn"]);
        let mut left = Vec::new();
        while let Some(event) = server_monitor.next().await {
            left.push(name(&event));
        }
        // The listener and the connection end side by side; that the socket has ended comes last.
        assert_eq!(left.pop().as_deref(), Some("Closed"));
        left.sort();
        assert_eq!(left, ["Disconnected", "Unbound"]);
    });
}

/// zmq_socket_monitor_pipes_stats: how much each connection holds, at any time.
#[test]
fn monitor_pipe_stats() {
    rt::run(async {
        let options = SocketOptions::default().with_flush_policy(FlushPolicy::Manual);
        let push = PushSocket::bind_with_options(ANY, options).await.unwrap();
        let pull = PullSocket::connect(push.local_endpoint().unwrap()).await.unwrap();
        push.wait_for_peers(1).await.unwrap();
        for _ in 0..3 {
            push.send_buffered("four").unwrap();
        }
        let cost = Message::from("four").cost();
        let peer = push.stats().peers.remove(0);
        assert_eq!((peer.queued_messages, peer.queued_bytes, peer.sent), (3, 3 * cost, 0));
        push.flush().await.unwrap();
        assert_eq!(pull.recv().await.unwrap(), Message::from("four"));
        let peer = push.stats().peers.remove(0);
        assert_eq!((peer.queued_messages, peer.queued_bytes, peer.sent), (0, 0, 3));
        until(|| pull.stats().received == 3).await;
        let peer = pull.stats().peers.remove(0);
        assert_eq!((peer.recv_queued_messages, peer.recv_queued_bytes, peer.received), (2, 2 * cost, 3));
    });
}

/// Several monitors see the same; one that comes late sees what is left; all end with the socket.
#[test]
fn monitors_are_independent() {
    rt::run(async {
        let pull = PullSocket::new(SocketOptions::default()).unwrap();
        let (mut one, mut other) = (pull.monitor(), pull.monitor());
        pull.bind_to(ANY).await.unwrap();
        drop(one.next().await.unwrap());
        let mut late = pull.monitor();
        pull.close().await;
        for (monitor, expected) in [
            (&mut one, &["Unbound", "Closed"][..]),
            (&mut other, &["Listening", "Unbound", "Closed"]),
            (&mut late, &["Unbound", "Closed"]),
        ] {
            let mut names = Vec::new();
            while let Some(event) = monitor.next().await {
                names.push(name(&event));
            }
            assert_eq!(names, expected);
        }
        assert!(pull.monitor().next().await.is_none());
    });
}
