//! What a socket tells about itself.

use super::rt;
use rt::*;
use std::collections::HashSet;
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
        assert!(dialled_from.is_some() && dialled_from == accepted_from, "{dialled_from:?} {accepted_from:?}");
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
        let options = SocketOptions::default().with_router_mandatory(false);
        let router = RouterSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let mut monitor = router.monitor();
        for _ in 0..3000 {
            router.send_to("nobody", "x").await.unwrap();
        }
        assert_eq!(router.stats().dropped(DropCause::Unroutable), 3000);
        assert_eq!(monitor.missed(), 3000 - 1024);
        assert!(matches!(monitor.try_next(), Some(SocketEvent::MessagesDropped { count: 1, .. })));
    });
}
