//! Giving up: after so many attempts, or because no attempt can help.

use super::support::*;

#[track_caller]
fn assert_gave_up(error: &Error, fits: impl Fn(&Error) -> bool) {
    match error {
        Error::GaveUp { cause, .. } => assert!(fits(cause), "{cause:?}"),
        other => panic!("{other:?}"),
    }
}

fn refused(error: &Error) -> bool {
    error.kind() == ErrorKind::ConnectionRefused
}

fn impatient() -> SocketOptions {
    without_heartbeats().with_max_attempts(Some(3))
}

/// Pending and later calls end with the cause; none hangs.
#[test]
fn after_max_attempts_every_call_says_why() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let options = impatient().with_send_hwm(2);
        let dealer = Dealer::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
        let mut monitor = dealer.monitor();
        dealer.send("queued").await.unwrap();
        dealer.send("queued").await.unwrap();
        let (sender, receiver, flusher, waiter) =
            (dealer.clone(), dealer.clone(), dealer.clone(), dealer.clone());
        let send = sim::spawn(async move { sender.send("waits").await });
        let recv = sim::spawn(async move { receiver.recv().await });
        let flush = sim::spawn(async move { flusher.flush().await });
        let peers = sim::spawn(async move { waiter.wait_for_peers(1).await });

        let refused_send = send.await.unwrap().unwrap_err();
        assert_gave_up(refused_send.error(), refused);
        assert_eq!(refused_send.into_message()[0], "waits");
        assert_gave_up(&recv.await.unwrap().unwrap_err(), refused);
        assert_gave_up(&flush.await.unwrap().unwrap_err(), refused);
        assert_gave_up(&peers.await.unwrap().unwrap_err(), refused);
        let attempts = std::iter::from_fn(|| monitor.try_next());
        let attempts = attempts.filter(|event| matches!(event, SocketEvent::ConnectStarted { .. })).count();
        assert_eq!(attempts, 3);

        assert_gave_up(dealer.send("later").await.unwrap_err().error(), refused);
        assert_gave_up(dealer.try_send("later").unwrap_err().error(), refused);
        assert_gave_up(&dealer.recv().await.unwrap_err(), refused);
        assert_gave_up(&dealer.try_recv().unwrap_err(), refused);
        assert_gave_up(&dealer.flush().await.unwrap_err(), refused);
        assert_gave_up(&dealer.try_reconnect().await.unwrap_err(), refused);
        sim::sleep(secs(3600)).await;
        assert_balanced(&dealer.stats());
        assert_eq!(dealer.close().await, 2, "what was queued is counted");
    });
}

/// What was received before the end is still delivered.
#[test]
fn giving_up_keeps_what_has_arrived() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let mut listener = sim::raw_listen(SERVER).await.unwrap();
        let dealer = Dealer::connect_with_reconnect_and_options(SERVER, impatient()).await.unwrap();
        let mut peer = listener.accept().await.unwrap();
        shake(&mut peer, "ROUTER").await;
        peer.write_all(b"\x00\x01a\x00\x01b").await.unwrap();
        sim::sleep(ms(10)).await;
        drop((peer, listener));
        sim::sleep(secs(60)).await;
        assert_eq!(dealer.recv().await.unwrap()[0], "a");
        assert_eq!(dealer.recv().await.unwrap()[0], "b");
        assert_gave_up(&dealer.recv().await.unwrap_err(), refused);
    });
}

/// A useful connection starts the count again.
#[test]
fn attempts_are_counted_from_the_last_useful_connection() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let push = Push::connect_with_reconnect_and_options(SERVER, impatient()).await.unwrap();
        for _ in 0..5 {
            let mut monitor = push.monitor();
            for _ in 0..2 {
                event(&mut monitor, |event| matches!(event, SocketEvent::ConnectFailed { .. }).then_some(()))
                    .await;
            }
            let pull = Pull::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
            push.wait_for_peers(1).await.unwrap();
            sim::sleep(secs(2)).await;
            pull.close().await;
        }
    });
}

/// Another mechanism or socket type: trying again cannot help.
#[test]
fn a_permanent_protocol_error_stops_at_once() {
    let mut other_mechanism = crate::stalled::opening("PULL", b"");
    other_mechanism[12..17].copy_from_slice(b"PLAIN");
    let another_type = crate::stalled::opening("PUB", b"");
    for (opening, expected) in [(other_mechanism, "mechanism"), (another_type, "cannot talk")] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let mut listener = sim::raw_listen(SERVER).await.unwrap();
            let push = Push::connect_with_reconnect_and_options(SERVER, without_heartbeats()).await.unwrap();
            let mut monitor = push.monitor();
            push.send("queued").await.unwrap();
            let flusher = push.clone();
            let flush = sim::spawn(async move { flusher.flush().await });
            let mut peer = listener.accept().await.unwrap();
            peer.write_all(&opening).await.unwrap();
            let permanent =
                |error: &Error| matches!(error, Error::Protocol(_)) && error.to_string().contains(expected);
            assert_gave_up(&flush.await.unwrap().unwrap_err(), permanent);
            assert_gave_up(push.send("x").await.unwrap_err().error(), permanent);
            let cause = event(&mut monitor, |event| match event {
                SocketEvent::ReconnectStopped { cause, .. } => Some(cause.clone()),
                _ => None,
            })
            .await;
            assert!(permanent(&cause), "{cause}");
            assert!(sim::timeout(secs(3600), listener.accept()).await.is_err(), "no further attempt");
        });
    }
}

/// Bytes that are not ZMTP at all: something else may answer there for the moment.
#[test]
fn garbage_counts_as_a_failed_attempt() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let mut listener = sim::raw_listen(SERVER).await.unwrap();
        let push = Push::connect_with_reconnect_and_options(SERVER, impatient()).await.unwrap();
        push.send("patience").await.unwrap();
        for garbage in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"SSH-2.0-OpenSSH_9.9\r\n"] {
            let mut peer = listener.accept().await.unwrap();
            // It may hang up in the middle of it.
            let _refused = peer.write_all(garbage).await;
            let _ended = peer.read_to_end(&mut Vec::new()).await;
        }
        drop(listener);
        let pull = Pull::bind(SERVER).await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "patience");
        assert_eq!(push.stats().handshakes_failed, 2);
    });
}
