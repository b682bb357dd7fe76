//! Peers that are refused for now: they never learn that they might send, and keep what they have.

use std::time::Duration;

use super::rt::{self, *};
use monocoque::options::RouterHandover;

const MESSAGES: u32 = 50;

/// Soon back, so that a test does not wait out the growing delays of refusals.
fn eager() -> SocketOptions {
    SocketOptions::default().with_backoff(Backoff::new().with_max(Duration::from_millis(50)))
}

fn endpoints(name: &str) -> Vec<String> {
    let inproc = format!("inproc://{}/{name}", module_path!());
    let mut endpoints = vec!["tcp://127.0.0.1:0".to_owned(), inproc];
    if cfg!(unix) {
        endpoints.push("ipc://*".to_owned());
    }
    endpoints
}

async fn event(monitor: &mut Monitor, fits: impl Fn(&SocketEvent) -> bool) {
    while !fits(&monitor.next().await.expect("the socket lives")) {}
}

/// The other side has let go of an attempt, or on inproc of a connection.
async fn refusal(monitor: &mut Monitor) {
    event(monitor, |event| {
        matches!(event, SocketEvent::HandshakeFailed { .. } | SocketEvent::Disconnected { .. })
    })
    .await;
}

#[test]
fn a_second_pair_keeps_its_messages_until_the_first_has_gone() {
    rt::run(async {
        for endpoint in endpoints("pair") {
            let server = PairSocket::bind(&endpoint).await.unwrap();
            let endpoint = server.local_endpoint().unwrap();
            let first = PairSocket::connect(&endpoint).await.unwrap();
            server.wait_for_peers(1).await.unwrap();
            let second = PairSocket::new(eager()).unwrap();
            let mut monitor = second.monitor();
            second.connect_to(&endpoint).unwrap();
            for n in 0..MESSAGES {
                second.send(n.to_be_bytes()).await.unwrap();
            }
            refusal(&mut monitor).await;
            first.close().await;
            for n in 0..MESSAGES {
                assert_eq!(server.recv().await.unwrap()[0], n.to_be_bytes(), "{endpoint}");
            }
            let stats = second.stats();
            assert_eq!((stats.accepted, stats.in_doubt, stats.dropped_total()), (u64::from(MESSAGES), 0, 0));
        }
    });
}

#[test]
fn a_dealer_keeps_its_messages_until_its_identity_is_free() {
    rt::run(async {
        for endpoint in endpoints("dealer") {
            let options = SocketOptions::default().with_router_handover(RouterHandover::Never);
            let router = RouterSocket::bind_with_options(&endpoint, options).await.unwrap();
            let endpoint = router.local_endpoint().unwrap();
            let first =
                DealerSocket::connect_with_options(&endpoint, eager().with_identity("same")).await.unwrap();
            router.wait_for_peers(1).await.unwrap();
            let second = DealerSocket::new(eager().with_identity("same")).unwrap();
            let mut monitor = second.monitor();
            second.connect_to(&endpoint).unwrap();
            for n in 0..MESSAGES {
                second.send(n.to_be_bytes()).await.unwrap();
            }
            refusal(&mut monitor).await;
            first.close().await;
            for n in 0..MESSAGES {
                let (identity, message) = router.recv_from().await.unwrap();
                assert_eq!((identity, &message[0]), ("same".into(), &n.to_be_bytes().into()), "{endpoint}");
            }
            let stats = second.stats();
            assert_eq!((stats.accepted, stats.in_doubt, stats.dropped_total()), (u64::from(MESSAGES), 0, 0));
        }
    });
}

/// A refusal that may pass is an end without a word: `connect` tells, and nobody gives up for good.
#[test]
fn a_refusal_that_may_pass_is_a_failed_handshake() {
    rt::run(async {
        let server = PairSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = server.local_endpoint().unwrap();
        let _first = PairSocket::connect(&endpoint).await.unwrap();
        let mut monitor = server.monitor();
        let error = PairSocket::connect(&endpoint).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{error}");
        event(&mut monitor, |event| matches!(event, SocketEvent::HandshakeFailed { .. })).await;

        let second = PairSocket::new(eager()).unwrap();
        let mut monitor = second.monitor();
        second.connect_to(&endpoint).unwrap();
        for _ in 0..3 {
            event(&mut monitor, |event| matches!(event, SocketEvent::RetryIn { .. })).await;
        }
        assert_eq!(second.stats().connects, 0);
    });
}

/// What its peer would send to it in the moment between the two READYs would be lost.
#[test]
fn a_pair_does_not_dial_while_it_has_a_peer() {
    rt::run(async {
        for endpoint in endpoints("dialling pair") {
            let pair = PairSocket::bind(&endpoint).await.unwrap();
            let first = PairSocket::connect(pair.local_endpoint().unwrap()).await.unwrap();
            pair.wait_for_peers(1).await.unwrap();
            let next = PairSocket::bind(endpoint.replace("dialling", "next")).await.unwrap();
            let mut monitor = pair.monitor();
            pair.connect_to(next.local_endpoint().unwrap()).unwrap();
            for n in 0..3_u8 {
                first.send([n]).await.unwrap();
                assert_eq!(pair.recv().await.unwrap()[0], [n]);
            }
            first.close().await;
            next.wait_for_peers(1).await.unwrap();
            next.send("from the next").await.unwrap();
            assert_eq!(pair.recv().await.unwrap()[0], "from the next");
            let began = |event: &SocketEvent| matches!(event, SocketEvent::ConnectStarted { .. });
            event(&mut monitor, |event| {
                assert!(!began(event), "while it has a peer: {event}");
                matches!(event, SocketEvent::Disconnected { .. })
            })
            .await;
            event(&mut monitor, began).await;
        }
    });
}

/// Whoever accepts or dials, and on streams of the user's own on both sides, somebody speaks first.
#[test]
fn somebody_speaks_first() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let stream = rt::tcp(&pull.local_endpoint().unwrap()).await;
        let given = PushSocket::from_tcp(stream).await.unwrap();
        given.send("given and accepted").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "given and accepted");
        #[cfg(unix)]
        {
            let (one, other) = rt::unix_pair();
            let (push, pull) =
                futures_util::future::join(PushSocket::from_unix(one), PullSocket::from_unix(other)).await;
            let (push, pull) = (push.unwrap(), pull.unwrap());
            push.send("given on both sides").await.unwrap();
            assert_eq!(pull.recv().await.unwrap()[0], "given on both sides");
        }
    });
}

/// Nothing but a change of configuration helps: that is told by an ERROR, and is the end on either side.
#[test]
fn what_configuration_must_mend_is_the_end() {
    rt::run(async {
        for endpoint in endpoints("wrong") {
            let bound = PushSocket::bind(&endpoint).await.unwrap();
            let wrong = PushSocket::new(eager()).unwrap();
            let mut monitor = wrong.monitor();
            wrong.connect_to(bound.local_endpoint().unwrap()).unwrap();
            event(&mut monitor, |event| match event {
                SocketEvent::ReconnectStopped { cause, .. } => {
                    assert!(matches!(cause, Error::Protocol(_)), "{cause}");
                    true
                }
                _ => false,
            })
            .await;
        }
    });
}
