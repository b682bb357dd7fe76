//! Failures after which an endpoint is given up; libzmq's test_reconnect_options.

use super::support::*;
use monocoque::options::ReconnectStop;

fn stopping(stop: ReconnectStop) -> SocketOptions {
    quick().with_reconnect_stop(stop)
}

/// Why the attempts at an endpoint ended.
async fn stopped(monitor: &mut Monitor) -> Error {
    event(monitor, |event| match event {
        SocketEvent::ReconnectStopped { cause, .. } => Some(cause.clone()),
        _ => None,
    })
    .await
}

async fn attempt_failed(monitor: &mut Monitor) {
    event(monitor, |event| match event {
        SocketEvent::ConnectFailed { .. } | SocketEvent::HandshakeFailed { .. } => Some(()),
        _ => None,
    })
    .await;
}

/// Nothing goes on trying, although somebody listens now.
async fn assert_over(push: &Push) {
    let mut listener = sim::raw_listen(SERVER).await.unwrap();
    assert!(sim::timeout(secs(3600), listener.accept()).await.is_err(), "another attempt");
    assert!(matches!(push.send("x").await.unwrap_err().error(), Error::GaveUp { .. }));
}

#[test]
fn a_refused_connection_stops() {
    Sim::new(1).block_on(async {
        let options = stopping(ReconnectStop::new().on_connection_refused());
        let push = Push::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
        assert_eq!(stopped(&mut push.monitor()).await.kind(), ErrorKind::ConnectionRefused);
        assert_over(&push).await;
    });
}

/// A connection that is lost, and a handshake that fails, are something else: only the refusal afterwards
/// stops.
#[test]
fn only_a_refused_connection_does() {
    Sim::new(1).block_on(async {
        let options = stopping(ReconnectStop::new().on_connection_refused());
        let mut listener = sim::raw_listen(SERVER).await.unwrap();
        let push = Push::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
        let mut monitor = push.monitor();
        drop(listener.accept().await.unwrap());
        attempt_failed(&mut monitor).await;
        let mut peer = listener.accept().await.unwrap();
        shake(&mut peer, "PULL").await;
        push.wait_for_peers(1).await.unwrap();
        drop(peer);
        // It comes back, and then nobody listens.
        let peer = listener.accept().await.unwrap();
        drop((listener, peer));
        assert_eq!(stopped(&mut monitor).await.kind(), ErrorKind::ConnectionRefused);
        assert_over(&push).await;
    });
}

/// By silence, by the end of the stream, and by garbage.
#[test]
fn a_failed_handshake_stops() {
    for answer in [None, Some(&b""[..]), Some(b"HTTP/1.1 400 Bad Request\r\n\r\n")] {
        Sim::new(1).block_on(async {
            let options = stopping(ReconnectStop::new().on_handshake_failure());
            let push = Push::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
            let mut monitor = push.monitor();
            // Nobody is there for a while, which does not count.
            attempt_failed(&mut monitor).await;
            let mut listener = sim::raw_listen(SERVER).await.unwrap();
            let mut peer = listener.accept().await.unwrap();
            if let Some(answer) = answer {
                let _hung_up = peer.write_all(answer).await;
                drop(peer);
                stopped(&mut monitor).await;
            } else {
                let cause = stopped(&mut monitor).await;
                assert!(matches!(cause, Error::Timeout(TimeoutKind::Handshake)), "{cause}");
            }
            drop(listener);
            assert_over(&push).await;
        });
    }
}

/// A connection that had completed its handshake is tried again, whatever ended it.
#[test]
fn a_lost_connection_stops_nothing() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let options = stopping(ReconnectStop::new().on_handshake_failure());
        let (push, pull) = pipeline(options, quick()).await;
        for cut in CUTS {
            let mut monitor = push.monitor();
            let network = sim.network();
            let link = network.links().pop().unwrap().id;
            network.cut(link, cut);
            disconnection(&mut monitor).await;
            push.wait_for_peers(1).await.unwrap();
        }
        push.send("x").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "x");
    });
}

/// libzmq's AFTER_DISCONNECT: always.
#[test]
fn disconnecting_stops() {
    Sim::new(1).block_on(async {
        let push = Push::connect_with_reconnect_and_options(SERVER, quick()).await.unwrap();
        attempt_failed(&mut push.monitor()).await;
        push.disconnect(SERVER).unwrap();
        let mut listener = sim::raw_listen(SERVER).await.unwrap();
        assert!(sim::timeout(secs(3600), listener.accept()).await.is_err(), "another attempt");
    });
}
