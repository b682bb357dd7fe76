//! libzmq's tests of connections that are lost, refused and given up, and of closing.

use std::time::Duration;

use super::common::*;
use super::rt::{self, *};
use monocoque::options::ReconnectStop;

async fn bounce(one: &PairSocket, two: &PairSocket) {
    for (from, to) in [(one, two), (two, one)] {
        from.send("ball").await.unwrap();
        assert_eq!(to.recv().await.unwrap(), Message::from("ball"));
    }
}

/// RECONNECT_IVL -1: what was lost stays lost until the application connects again.
#[test]
fn reconnect_ivl() {
    rt::run(async {
        let folder = Folder::new();
        for fixed in fixed_endpoints(&folder) {
            let server = PairSocket::bind(&fixed).await.unwrap();
            let client = PairSocket::new(SocketOptions::default().with_reconnect(false)).unwrap();
            client.connect_to(&fixed).unwrap();
            bounce(&server, &client).await;
            server.unbind(&fixed).unwrap();
            until(|| !client.is_connected()).await;
            server.bind_to(&fixed).await.unwrap();
            assert!(matches!(refused(client.try_send("ball")), Error::GaveUp { .. }));
            assert!(matches!(client.recv().await, Err(Error::GaveUp { .. })));
            assert!(matches!(refused(server.try_send("ball")), Error::WouldBlock));
            client.connect_to(&fixed).unwrap();
            bounce(&server, &client).await;
        }
    });
}

/// Why the attempts to connect ended for good.
async fn stopped(monitor: &mut Monitor) -> Error {
    event(monitor, |event| match event {
        SocketEvent::ReconnectStopped { cause, .. } => Some(cause.clone()),
        _ => None,
    })
    .await
}

#[test]
fn reconnect_options() {
    rt::run(async {
        // Nobody listens.
        let stop = quick().with_reconnect_stop(ReconnectStop::new().on_connection_refused());
        let push = PushSocket::new(stop.clone()).unwrap();
        let mut monitor = push.monitor();
        push.connect_to(vacant()).unwrap();
        assert_eq!(stopped(&mut monitor).await.kind(), ErrorKind::ConnectionRefused);
        assert!(matches!(refused(push.try_send("x")), Error::GaveUp { .. }));

        // Somebody does who hangs up in the handshake.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let rude = Endpoint::from(listener.local_addr().unwrap());
        std::thread::spawn(move || while listener.accept().is_ok() {});
        let stop = quick().with_reconnect_stop(ReconnectStop::new().on_handshake_failure());
        let push = PushSocket::new(stop).unwrap();
        let mut monitor = push.monitor();
        push.connect_to(&rude).unwrap();
        stopped(&mut monitor).await;
        assert!(matches!(refused(push.try_send("x")), Error::GaveUp { .. }));

        // Neither stops without its option, and disconnecting always does.
        let push = PushSocket::new(quick()).unwrap();
        let mut monitor = push.monitor();
        push.connect_to(&rude).unwrap();
        for _ in 0..3 {
            failed_handshake(&mut monitor).await;
        }
        push.disconnect(&rude).unwrap();
        assert!(matches!(refused(push.try_send("x")), Error::NotConnected));
    });
}

/// Sockets that come and go while others still connect.
#[test]
fn shutdown_stress() {
    rt::run(async {
        for _ in 0..10 {
            let publisher = PubSocket::bind(ANY).await.unwrap();
            let local = publisher.local_endpoint().unwrap();
            let threads: Vec<_> = (0..10)
                .map(|_| {
                    let local = local.clone();
                    std::thread::spawn(move || {
                        rt::run(async move {
                            let sub = SubSocket::connect_with_reconnect(&local).await.unwrap();
                            drop(sub);
                        });
                    })
                })
                .collect();
            publisher.close().await;
            for thread in threads {
                rt::blocking(move || thread.join().unwrap()).await;
            }
        }
    });
}

/// Closing wakes whoever waits, on this thread and on others, and later calls fail alike.
#[test]
fn ctx_destroy() {
    rt::run(async {
        let pull = PullSocket::bind(ANY).await.unwrap();
        let waiting = pull.clone();
        let received = async move { waiting.recv().await };
        let (received, _) = futures_util::future::join(received, pull.close()).await;
        assert!(matches!(received, Err(Error::Closed)));
        assert!(matches!(pull.recv().await, Err(Error::Closed)));
        assert!(matches!(pull.bind_to(ANY).await, Err(Error::Closed)));
        assert_eq!(pull.close().await, 0, "twice is as good as once");
    });
}

fn beating(interval: u64) -> SocketOptions {
    let interval = Duration::from_millis(interval);
    SocketOptions::default().with_heartbeat_interval(Some(interval)).with_heartbeat_timeout(interval * 20)
}

/// Of all types: both sides ask and answer, and nobody is cut off.
#[test]
fn heartbeats() {
    /// Two sockets each that beat every few milliseconds, ten times and more; then, what they have to tell.
    macro_rules! beat {
        ($($pair:ident: $binds:ty, $connects:ty;)+) => {
            $(
                let bound = <$binds>::bind_with_options(ANY, beating(5)).await.unwrap();
                let local = bound.local_endpoint().unwrap();
                let connected = <$connects>::connect_with_options(local, beating(5)).await.unwrap();
                bound.wait_for_peers(1).await.unwrap();
                let mut $pair = ([bound.monitor(), connected.monitor()], bound, connected);
            )+
            rt::timeout(Duration::from_millis(100), std::future::pending::<()>()).await;
            $(
                for monitor in &mut $pair.0 {
                    let event = monitor.try_next();
                    assert!(event.is_none(), "{}: {event:?}", stringify!($pair));
                }
            )+
        };
    }
    rt::run(async {
        beat! {
            router_and_dealer: RouterSocket, DealerSocket;
            router_and_req: RouterSocket, ReqSocket;
            rep_and_req: RepSocket, ReqSocket;
            pull_and_push: PullSocket, PushSocket;
            push_and_pull: PushSocket, PullSocket;
            pub_and_sub: PubSocket, SubSocket;
            sub_and_pub: SubSocket, PubSocket;
            xpub_and_xsub: XPubSocket, XSubSocket;
            pair_and_pair: PairSocket, PairSocket;
        }
    });
}

#[test]
fn heartbeats_of_silent_peers() {
    rt::run(async {
        let brief = Duration::from_millis(20);
        let timed_out = |reason: &DisconnectReason| matches!(reason, DisconnectReason::Timeout(_));
        // One that never answers.
        let options =
            SocketOptions::default().with_heartbeat_interval(Some(brief)).with_heartbeat_timeout(brief);
        let router = RouterSocket::bind_with_options(ANY, options).await.unwrap();
        let mut monitor = router.monitor();
        let stream = raw(&router.local_endpoint().unwrap(), "DEALER", b"").await;
        let (_stream, flags, ping) = read_frame(stream).await;
        assert_eq!((flags, &ping[..5]), (4, &b"\x04PING"[..]));
        let reason = disconnection(&mut monitor).await;
        assert!(timed_out(&reason), "{reason}");

        // One that said how long it may be silent, and is for longer.
        let options = SocketOptions::default().with_heartbeat_interval(None);
        let router = RouterSocket::bind_with_options(ANY, options).await.unwrap();
        let mut monitor = router.monitor();
        let mut stream = raw(&router.local_endpoint().unwrap(), "DEALER", b"").await;
        std::io::Write::write_all(&mut stream, &frame(4, b"\x04PING\x00\x01")).unwrap();
        let (_stream, flags, pong) = read_frame(stream).await;
        assert_eq!((flags, &*pong), (4, &b"\x04PONG"[..]));
        let reason = disconnection(&mut monitor).await;
        assert!(timed_out(&reason), "{reason}");
    });
}

/// An application that has taken the first of several messages may not come back for the rest for a long
/// time.
#[test]
fn a_ping_behind_messages_that_nobody_takes_is_answered() {
    rt::run(async {
        let pull = PullSocket::bind(ANY).await.unwrap();
        let mut stream = raw(&pull.local_endpoint().unwrap(), "PUSH", b"").await;
        let together = [frame(0, "first"), frame(0, "second"), frame(4, b"\x04PING\x00\x00context")].concat();
        std::io::Write::write_all(&mut stream, &together).unwrap();
        assert_eq!(pull.recv().await.unwrap(), Message::from("first"));
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let (_stream, flags, pong) = read_frame(stream).await;
        assert_eq!((flags, &*pong), (4, &b"\x04PONGcontext"[..]));
        assert_eq!(pull.recv().await.unwrap(), Message::from("second"));
    });
}
