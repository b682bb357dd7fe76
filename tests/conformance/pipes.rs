//! Traps 14 to 17 and 22 to 24: which peer gets a message, and what becomes of it when that peer is lost.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::common::*;
use super::rt::{self, *};
use crate::support::handshake;

/// libzmq gives half of the messages to the peer that is not there, unless IMMEDIATE is on.
#[test]
fn trap_14_nothing_is_assigned_to_a_peer_that_is_not_there() {
    rt::run(async {
        let (there, late) = (PullSocket::bind(ANY).await.unwrap(), vacant());
        let push = PushSocket::new(quick()).unwrap();
        push.connect_to(there.local_endpoint().unwrap()).unwrap();
        push.connect_to(&late).unwrap();
        for n in 0..10_u8 {
            push.send([n]).await.unwrap();
            assert_eq!(there.recv().await.unwrap()[0], [n]);
        }
        // Once it is there it gets its turns.
        let late = PullSocket::bind(&late).await.unwrap();
        push.wait_for_peers(2).await.unwrap();
        for _ in 0..2 {
            push.send("x").await.unwrap();
        }
        there.recv().await.unwrap();
        late.recv().await.unwrap();
    });
}

#[test]
fn trap_15_who_waits_for_a_peer_and_who_never_does() {
    /// A socket that is bound and alone keeps nothing.
    macro_rules! waits {
        ($($socket:ty),+) => {$(
            let socket = <$socket>::bind(ANY).await.unwrap();
            let refused = socket.try_send(["a", "b"]).unwrap_err();
            assert!(matches!(refused.error(), Error::WouldBlock));
            assert_eq!(refused.into_message(), Message::from(["a", "b"]));
            assert!(rt::timeout(Duration::from_millis(2), socket.send("x")).await.is_none());
            assert_eq!(socket.stats().accepted, 0, "a send that timed out has sent nothing");
        )+};
    }
    macro_rules! drops {
        ($($socket:ty: $cause:ident),+) => {$(
            let socket = <$socket>::bind(ANY).await.unwrap();
            socket.send(["a", "b"]).await.unwrap();
            assert_eq!(socket.stats().dropped(DropCause::$cause), 1);
        )+};
    }
    rt::run(async {
        waits!(PushSocket, DealerSocket, ReqSocket, PairSocket);
        drops!(PubSocket: NoSubscriber, XPubSocket: NoSubscriber, RouterSocket: Unroutable);
        let router = RouterSocket::bind(ANY).await.unwrap();
        assert!(matches!(refused(router.try_send(["a", "b"])), Error::Unroutable));
    });
}

#[test]
fn trap_16_full_peers_are_skipped_at_once() {
    rt::run(async {
        let options = SocketOptions::default().with_send_hwm(4);
        let push = PushSocket::bind_with_options(ANY, options).await.unwrap();
        let local = push.local_endpoint().unwrap();
        let _full = raw(&local, "PULL", b"").await;
        let pull = PullSocket::connect(&local).await.unwrap();
        push.wait_for_peers(2).await.unwrap();
        // All of a message goes to one of them, and only its first frame counts.
        let message = |n: u32| Message::from_iter([n.to_be_bytes().to_vec(), vec![0; 300_000], Vec::new()]);
        let (mut sent, mut received) = (0, 0);
        while received < 100 {
            push.send(message(sent)).await.unwrap();
            sent += 1;
            while let Ok(message) = pull.try_recv() {
                assert_eq!((message.len(), message[1].len(), message[2].len()), (3, 300_000, 0));
                received += 1;
            }
            rt::yield_now().await;
        }
        // The kernel has taken some for the full one, and its queue four; all others went past it.
        assert!(sent - received < 100, "{sent} sent, {received} received");
    });
}

/// And whole messages of others are not held up by it.
#[test]
fn trap_17_a_message_without_its_end_is_never_shown() {
    rt::run(async {
        let pull = PullSocket::bind(ANY).await.unwrap();
        let local = pull.local_endpoint().unwrap();
        let mut cut = raw(&local, "PUSH", b"").await;
        cut.write_all(&[frame(0, "whole"), frame(1, "one of two")].concat()).unwrap();
        assert_eq!(pull.recv().await.unwrap(), Message::from("whole"));
        let other = PushSocket::connect(&local).await.unwrap();
        other.send(["a", "b"]).await.unwrap();
        assert_eq!(pull.recv().await.unwrap(), Message::from(["a", "b"]));
        drop(cut);
        until(|| pull.stats().recv_incomplete == 1).await;
        other.send("next").await.unwrap();
        assert_eq!(pull.recv().await.unwrap(), Message::from("next"));
        assert_balanced(&pull.stats());
    });
}

/// Numbered messages, each far larger than what the kernel takes.
fn numbered(n: u32) -> Message {
    Message::from([&n.to_be_bytes()[..], &[0; 2_000_000]])
}

/// A kernel that takes little, so that the first message gets stuck half-way.
fn small_buffer() -> SocketOptions {
    quick().with_send_buffer(65_536)
}

/// Sends five to a peer that reads nothing, cuts it off in the middle of one, and has another take its place.
async fn survives(push: &PushSocket, stalled: TcpStream, next: impl AsyncFnOnce() -> PullSocket) {
    for n in 0..5 {
        push.send(numbered(n)).await.unwrap();
    }
    let before = push.stats();
    assert!(before.queued >= 4, "the kernel cannot have taken much: {before:?}");
    drop(stalled);
    until(|| push.peers().is_empty()).await;
    assert_eq!(push.stats().dropped_total(), 0);
    let pull = next().await;
    // What the kernel had taken whole is in doubt; all else comes, in order, and whole.
    for n in before.sent as u32..5 {
        let message = pull.recv().await.unwrap();
        assert!(message == numbered(n), "{n}");
    }
    assert_balanced(&push.stats());
}

/// In libzmq only the connecting side keeps them, and the half-sent one is lost there too.
#[test]
fn trap_22_unsent_messages_survive_a_bound_push() {
    rt::run(async {
        let push = PushSocket::bind_with_options(ANY, small_buffer()).await.unwrap();
        let local = push.local_endpoint().unwrap();
        let stalled = raw(&local, "PULL", b"").await;
        push.wait_for_peers(1).await.unwrap();
        survives(&push, stalled, async || PullSocket::connect(&local).await.unwrap()).await;
    });
}

#[test]
fn trap_22_unsent_messages_survive_a_connecting_push() {
    rt::run(async {
        let fixed: Endpoint = vacant().parse().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", fixed.port().unwrap())).unwrap();
        let push = PushSocket::connect_with_reconnect_and_options(&fixed, small_buffer()).await.unwrap();
        let stalled = rt::blocking(move || {
            let mut stream = listener.accept().unwrap().0;
            handshake(&mut stream, "PULL", b"").unwrap();
            stream
        })
        .await;
        push.wait_for_peers(1).await.unwrap();
        survives(&push, stalled, async || PullSocket::bind(&fixed).await.unwrap()).await;
    });
}

#[test]
fn trap_23_a_second_connect_to_the_same_endpoint() {
    /// Connects twice; that is to make as many connections as given.
    macro_rules! connections {
        ($connects:ty, $binds:ty, $peers:literal) => {{
            let bound = <$binds>::bind(ANY).await.unwrap();
            let local = bound.local_endpoint().unwrap();
            let socket = <$connects>::new(SocketOptions::default()).unwrap();
            let mut monitor = socket.monitor();
            for _ in 0..2 {
                socket.connect_to(&local).unwrap();
            }
            // All that are to come: an attempt that `close` comes before never starts.
            socket.wait_for_peers($peers).await.unwrap();
            // Closing is the last that happens: no attempt can come after it.
            socket.close().await;
            let mut started = 0;
            while let Some(event) = monitor.next().await {
                started += usize::from(matches!(event, SocketEvent::ConnectStarted { .. }));
            }
            assert_eq!(started, $peers, "{} to {}", stringify!($connects), stringify!($binds));
        }};
    }
    rt::run(async {
        connections!(DealerSocket, RouterSocket, 1);
        connections!(ReqSocket, RepSocket, 1);
        connections!(PubSocket, SubSocket, 1);
        connections!(SubSocket, PubSocket, 1);
        connections!(PushSocket, PullSocket, 2);
        connections!(PullSocket, PushSocket, 2);
        connections!(RouterSocket, DealerSocket, 2);
        connections!(XSubSocket, XPubSocket, 2);
        // Bound twice, by one socket or by two, an address is in use.
        for endpoint in endpoints() {
            let router = RouterSocket::bind(&endpoint).await.unwrap();
            let local = router.local_endpoint().unwrap();
            for again in [router.bind_to(&local).await.map(drop), PullSocket::bind(&local).await.map(drop)] {
                assert_eq!(again.unwrap_err().kind(), ErrorKind::AddrInUse);
            }
        }
    });
}

#[test]
fn trap_24_a_pair_turns_others_away_until_it_is_free() {
    rt::run(async {
        for endpoint in endpoints() {
            let bound = PairSocket::bind(&endpoint).await.unwrap();
            let local = bound.local_endpoint().unwrap();
            let first = PairSocket::connect(&local).await.unwrap();
            bound.wait_for_peers(1).await.unwrap();
            let mut monitor = bound.monitor();
            let second = PairSocket::connect_with_reconnect_and_options(&local, quick()).await.unwrap();
            for _ in 0..3 {
                failed_handshake(&mut monitor).await;
            }
            first.send("undisturbed").await.unwrap();
            assert_eq!(bound.recv().await.unwrap(), Message::from("undisturbed"));
            first.close().await;
            // It has gone on trying, and what it was given meanwhile has waited.
            second.send("at last").await.unwrap();
            assert_eq!(bound.recv().await.unwrap(), Message::from("at last"));
        }
    });
}
