//! Peers that do not keep up: what is older gives way to what is newer, or the peer goes.

use super::rt::{self, *};

const ANY: &str = "tcp://127.0.0.1:0";
const SIZE: usize = 50_000;

fn message(n: u32) -> Vec<u8> {
    let mut payload = vec![0; SIZE];
    payload[..4].copy_from_slice(&n.to_be_bytes());
    payload
}

fn number(message: &Message) -> u32 {
    u32::from_be_bytes(message[0][..4].try_into().unwrap())
}

fn options(on_full: OnFull) -> SocketOptions {
    SocketOptions::default().with_send_hwm(16).with_on_full(on_full)
}

/// Whoever lags gets what is newest, in order, and the last of all; nobody waits for it.
#[test]
fn a_subscriber_that_lags_gets_the_newest() {
    rt::run(async {
        let publisher = PubSocket::bind_with_options(ANY, options(OnFull::DropOldest)).await.unwrap();
        let few = SocketOptions::default().with_recv_hwm(1);
        let endpoint = publisher.local_endpoint().unwrap();
        let sub = SubSocket::connect_with_options(endpoint, few).await.unwrap();
        sub.subscribe("").unwrap();
        publisher.wait_for_subscribers("", 1).await.unwrap();
        let mut sent = 0;
        while publisher.stats().dropped(DropCause::Displaced) < 500 {
            publisher.send(message(sent)).await.unwrap();
            sent += 1;
        }
        assert!(publisher.buffered_messages() <= 17, "{}", publisher.buffered_messages());
        let mut last = None;
        while last != Some(sent - 1) {
            let next = number(&sub.recv().await.unwrap());
            assert!(last < Some(next), "{next} after {last:?}");
            last = Some(next);
        }
        assert_eq!(publisher.stats().dropped(DropCause::PeerFull), 0);
    });
}

/// A queue of telemetry: no call ever waits or fails.
#[test]
fn a_dealer_sends_whatever_its_peer_does() {
    rt::run(async {
        let few = SocketOptions::default().with_recv_hwm(1);
        let router = RouterSocket::bind_with_options(ANY, few).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let dealer = DealerSocket::connect_with_options(endpoint, options(OnFull::DropOldest)).await.unwrap();
        let mut sent = 0;
        while dealer.stats().dropped(DropCause::Displaced) < 500 {
            match sent % 3 {
                0 => dealer.send(message(sent)).await.unwrap(),
                1 => dealer.try_send(message(sent)).unwrap(),
                _ => dealer.send_buffered(message(sent)).unwrap(),
            }
            sent += 1;
        }
        let mut last = None;
        while last != Some(sent - 1) {
            let mut received = router.recv().await.unwrap();
            received.pop_front();
            let next = number(&received);
            assert!(last < Some(next), "{next} after {last:?}");
            last = Some(next);
        }
        assert_eq!(dealer.close().await, 0);
    });
}

async fn too_slow(monitor: &mut Monitor) {
    loop {
        if let SocketEvent::Disconnected { reason, .. } = monitor.next().await.unwrap() {
            assert!(matches!(reason, DisconnectReason::TooSlow), "{reason}");
            return;
        }
    }
}

/// A subscriber that is at its mark is let go, comes back, and gets what is new.
#[test]
fn a_slow_subscriber_is_disconnected() {
    rt::run(async {
        let publisher = PubSocket::bind_with_options(ANY, options(OnFull::Disconnect)).await.unwrap();
        let mut monitor = publisher.monitor();
        let endpoint = publisher.local_endpoint().unwrap();
        let few = SocketOptions::default().with_recv_hwm(1);
        let sub = SubSocket::connect_with_reconnect_and_options(endpoint, few).await.unwrap();
        sub.subscribe("").unwrap();
        publisher.wait_for_subscribers("", 1).await.unwrap();
        while publisher.stats().disconnects_by(DisconnectKind::TooSlow) == 0 {
            publisher.send(message(0)).await.unwrap();
        }
        too_slow(&mut monitor).await;
        assert_eq!(publisher.stats().dropped(DropCause::PeerFull), 1);
        let receive = async { while number(&sub.recv().await.unwrap()) == 0 {} };
        let back = async {
            publisher.wait_for_subscribers("", 1).await.unwrap();
            publisher.send(message(1)).await.unwrap();
        };
        futures_util::future::join(receive, back).await;
    });
}

/// A client that does not read its answers is let go; who only tries is told instead.
#[test]
fn a_slow_client_is_disconnected() {
    rt::run(async {
        let router = RouterSocket::bind_with_options(ANY, options(OnFull::Disconnect)).await.unwrap();
        let mut monitor = router.monitor();
        let stuck = rt::dealer_that_never_reads(&router.local_endpoint().unwrap(), b"stuck");
        router.wait_for_peers(1).await.unwrap();
        while router.try_send([b"stuck".to_vec(), message(0)]).is_ok() {}
        assert!(router.is_connected());
        while router.is_connected() {
            router.send([b"stuck".to_vec(), message(0)]).await.unwrap();
        }
        too_slow(&mut monitor).await;
        let stats = router.stats();
        assert_eq!(stats.dropped(DropCause::PeerFull), 1);
        assert_eq!(stats.dropped_total(), stats.accepted - stats.sent);
        drop(stuck);
    });
}
