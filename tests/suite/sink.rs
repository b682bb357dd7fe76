//! Sockets as `Sink`s: what they wait for, and what they do not.

use std::io::Write;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt, stream};

use super::rt::{self, *};

const ANY: &str = "tcp://127.0.0.1:0";
const NOWHERE: &str = "tcp://127.0.0.1:1";

/// A publisher with a subscriber that reads and one that does not.
async fn published(options: SocketOptions) -> (PubSocket, SubSocket, std::net::TcpStream) {
    let publisher = PubSocket::bind_with_options(ANY, options.with_send_hwm(5)).await.unwrap();
    let endpoint = publisher.local_endpoint().unwrap();
    let mut stalled = std::net::TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap();
    stalled.write_all(&rt::opening("SUB", b"")).unwrap();
    stalled.write_all(b"\x00\x01\x01").unwrap();
    let sub = SubSocket::connect(&endpoint).await.unwrap();
    sub.subscribe("").unwrap();
    publisher.wait_for_subscribers("", 2).await.unwrap();
    (publisher, sub, stalled)
}

fn large(n: u8) -> Message {
    vec![n; 200_000].into()
}

#[test]
fn one_stalled_subscriber_stops_no_sink() {
    rt::run(async {
        let (mut publisher, sub, _stalled) = published(SocketOptions::default()).await;
        for n in 0..200 {
            SinkExt::send(&mut publisher, large(n)).await.unwrap();
            assert_eq!(sub.recv().await.unwrap(), large(n));
        }
        assert!(publisher.stats().dropped(DropCause::PeerFull) > 0, "it was full");
    });
}

/// A stream that yields the next message when the last was received; when it has ended, the stalled
/// subscriber's part holds the end up for as long as the socket lingers.
#[test]
fn one_stalled_subscriber_stops_no_forwarding() {
    rt::run(async {
        let options = SocketOptions::default().with_linger(Duration::from_millis(50));
        let (mut publisher, sub, _stalled) = published(options).await;
        let messages = stream::unfold((sub, 0), async |(sub, n)| {
            if n > 0 {
                assert_eq!(sub.recv().await.unwrap(), large(n - 1));
            }
            (n < 200).then(|| (Ok(large(n)), (sub, n + 1)))
        });
        messages.forward(&mut publisher).await.unwrap();
        let stats = publisher.stats();
        assert!(stats.queued > 0 && stats.dropped(DropCause::PeerFull) > 0, "{stats:?}");
    });
}

#[test]
fn a_sink_does_not_wait_for_the_connection() {
    rt::run(async {
        let mut dealer = DealerSocket::connect_with_reconnect(NOWHERE).await.unwrap();
        SinkExt::send(&mut dealer, "x".into()).await.unwrap();
        assert_eq!(dealer.stats().queued, 1);
        let (mut sender, _receiver) = dealer.clone().split();
        SinkExt::send(&mut sender, "y".into()).await.unwrap();
        SinkExt::<Message>::flush(&mut sender).await.unwrap();
        assert_eq!((dealer.stats().queued, dealer.stats().connects), (2, 0));
    });
}

/// Nobody else writes for it: what the sink is given leaves with the flush that follows.
#[test]
fn a_sink_that_is_flushed_by_hand_writes() {
    rt::run(async {
        let pull = PullSocket::bind(ANY).await.unwrap();
        let manual = SocketOptions::default().with_flush_policy(FlushPolicy::Manual);
        let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), manual);
        let mut push = push.await.unwrap();
        SinkExt::feed(&mut push, "fed".into()).await.unwrap();
        SinkExt::feed(&mut push, "after it".into()).await.unwrap();
        assert_eq!((push.stats().accepted, push.stats().sent), (1, 0));
        SinkExt::<Message>::flush(&mut push).await.unwrap();
        for expected in ["fed", "after it"] {
            assert_eq!(pull.recv().await.unwrap()[0], expected);
        }
    });
}

#[test]
fn forwarding_loses_no_tail() {
    const MESSAGES: u32 = 3_000;
    for policy in [FlushPolicy::Adaptive, FlushPolicy::Eager, FlushPolicy::Manual] {
        rt::run(async move {
            let pull = PullSocket::bind(ANY).await.unwrap();
            let options = SocketOptions::default().with_flush_policy(policy);
            let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), options);
            let mut push = push.await.unwrap();
            let messages = stream::iter((0..MESSAGES).map(|n| Ok(n.to_be_bytes().into())));
            let received = async {
                for n in 0..MESSAGES {
                    assert_eq!(pull.recv().await.unwrap()[0], n.to_be_bytes());
                }
            };
            let sent = async {
                messages.forward(&mut push).await.unwrap();
                let stats = push.stats();
                assert_eq!((stats.accepted, stats.sent), (MESSAGES.into(), MESSAGES.into()));
            };
            futures_util::future::join(sent, received).await;
        });
    }
}

/// The end of a sink waits for a peer that does not read, but only for so long.
#[test]
fn closing_a_sink_lingers() {
    rt::run(async {
        let peer = rt::stalled_peer();
        for linger in [Duration::ZERO, Duration::from_millis(20)] {
            let options = SocketOptions::default().with_linger(linger);
            let mut push = DealerSocket::connect_with_options(peer.endpoint(), options).await.unwrap();
            while push.buffered_messages() < 3 {
                push.try_send(large(0)).unwrap();
                rt::yield_now().await;
            }
            SinkExt::<Message>::close(&mut push).await.unwrap();
            assert!(push.buffered_messages() > 0);
            push.try_send("it is still open").unwrap();
        }
    });
}
