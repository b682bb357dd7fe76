//! Handshakes that take too long, and messages that do.

use super::support::*;

const LIMIT: u64 = 3_000;

fn limited() -> SocketOptions {
    without_heartbeats().with_handshake_timeout(ms(LIMIT))
}

/// Waits for the end of the stream, whichever.
async fn end_of(stream: &mut RawStream) {
    let _ended = stream.read_to_end(&mut Vec::new()).await;
}

async fn failed_handshake(monitor: &mut Monitor) -> Error {
    event(monitor, |event| match event {
        SocketEvent::HandshakeFailed { cause, .. } => Some(cause.clone()),
        _ => None,
    })
    .await
}

#[test]
fn a_silent_peer_is_closed_in_time() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let pull = Pull::bind_with_options(SERVER, limited()).await.unwrap();
        let mut monitor = pull.monitor();
        let mut peer = sim::raw_connect(SERVER).await.unwrap();
        let begun = sim.elapsed();
        end_of(&mut peer).await;
        let took = sim.elapsed() - begun;
        assert!(took >= ms(LIMIT) && took <= ms(LIMIT + 5), "{took:?}");
        let cause = failed_handshake(&mut monitor).await;
        assert!(matches!(cause, Error::Timeout(TimeoutKind::Handshake)), "{cause}");
        assert_eq!(pull.stats().handshakes_failed, 1);
    });
}

/// The limit is for the whole handshake: progress does not extend it.
#[test]
fn a_dripping_peer_is_closed_in_time() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let pull = Pull::bind_with_options(SERVER, limited()).await.unwrap();
        let mut monitor = pull.monitor();
        let mut peer = sim::raw_connect(SERVER).await.unwrap();
        let begun = sim.elapsed();
        let cause = {
            let dripping = async {
                for byte in crate::stalled::opening("PUSH", b"") {
                    sim::sleep(ms(LIMIT * 9 / 10)).await;
                    if peer.write_all(&[byte]).await.is_err() {
                        break;
                    }
                }
                std::future::pending::<()>().await;
            };
            while_running(failed_handshake(&mut monitor), dripping).await
        };
        assert!(matches!(cause, Error::Timeout(TimeoutKind::Handshake)), "{cause}");
        let took = sim.elapsed() - begun;
        assert!(took <= ms(LIMIT + 5), "{took:?}");
    });
}

/// The first of the two, while the second runs.
async fn while_running<T>(first: impl Future<Output = T>, second: impl Future<Output = ()>) -> T {
    use futures_util::future::{Either, select};
    match select(std::pin::pin!(first), std::pin::pin!(second)).await {
        Either::Left((output, _)) => output,
        Either::Right(_) => unreachable!("it never ends"),
    }
}

/// Whoever fills the slots of handshakes makes room for others, at once.
#[test]
fn hanging_handshakes_do_not_shut_others_out() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let pull = Pull::bind_with_options(SERVER, limited().with_max_handshakes(4)).await.unwrap();
        let mut monitor = pull.monitor();
        let mut silent = Vec::new();
        for _ in 0..10 {
            silent.push(sim::raw_connect(SERVER).await.unwrap());
        }
        let begun = sim.elapsed();
        let push = Push::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        assert!(sim.elapsed() - begun < ms(LIMIT), "it waits for no time limit");
        push.send("x").await.unwrap();
        pull.recv().await.unwrap();
        let crowded = std::iter::from_fn(|| monitor.try_next()).filter(|event| {
            matches!(event, SocketEvent::HandshakeFailed { cause, .. } if cause.to_string().contains("no room"))
        });
        assert_eq!(crowded.count(), 7, "ten hung, four have a slot, and one of those made room for the good one");
    });
}

/// The bound on connections: those that are through stay, and the next is told by an event.
#[test]
fn one_connection_too_many_is_hung_up_on() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let options = without_heartbeats().with_max_connections(2);
        let pull = Pull::bind_with_options(SERVER, options).await.unwrap();
        let first = Push::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        let second = Push::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        Push::connect_with_options(SERVER, without_heartbeats()).await.unwrap_err();
        assert_eq!(pull.stats().handshakes_failed_by(monocoque::monitor::DisconnectKind::Crowded), 1);
        for push in [&first, &second] {
            push.send("x").await.unwrap();
            pull.recv().await.unwrap();
        }
        first.close().await;
        let third = Push::connect_with_reconnect_and_options(SERVER, without_heartbeats()).await.unwrap();
        third.send("x").await.unwrap();
        pull.recv().await.unwrap();
    });
}

/// A frame that was begun has to go on.
#[test]
fn a_begun_frame_that_makes_no_progress_ends_the_connection() {
    for begun_with in [&b"\x00\x05abc"[..], b"\x01\x01a", b"\x02\0\0\0\0\0\x10\0\0abc"] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let options = without_heartbeats().with_frame_timeout(Some(ms(LIMIT)));
            let pull = Pull::bind_with_options(SERVER, options).await.unwrap();
            let mut monitor = pull.monitor();
            let mut peer = sim::raw_connect(SERVER).await.unwrap();
            shake(&mut peer, "PUSH").await;
            peer.write_all(b"\x00\x01x").await.unwrap();
            sim::sleep(ms(10 * LIMIT)).await;
            assert_eq!(pull.peers().len(), 1, "nothing is begun");
            peer.write_all(begun_with).await.unwrap();
            let begun = sim.elapsed();
            let reason = disconnection(&mut monitor).await;
            assert!(matches!(reason, DisconnectReason::Timeout(TimeoutKind::Frame)), "{reason}");
            let took = sim.elapsed() - begun;
            assert!(took >= ms(LIMIT) && took <= ms(2 * LIMIT + 5), "{took:?}");
            assert_eq!(pull.stats().recv_incomplete, 1);
        });
    }
}

#[test]
fn a_cut_message_is_counted_and_never_delivered() {
    for (rest, cut) in [
        (&b""[..], 0),
        (b"\x00", 1),
        (b"\x00\x05abc", 1),
        (b"\x01\x01b", 1),
        (b"\x01\x01b\x00", 1),
        (b"\x02\0\0\0\0\0\x10\0\0abc", 1),
        (b"\x04\x09\x04PING", 0),
    ] {
        Sim::new(1).block_on(async {
            let pull = Pull::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
            let mut monitor = pull.monitor();
            let mut peer = sim::raw_connect(SERVER).await.unwrap();
            shake(&mut peer, "PUSH").await;
            peer.write_all(&[b"\x00\x01a", rest].concat()).await.unwrap();
            drop(peer);
            disconnection(&mut monitor).await;
            assert_eq!(pull.recv().await.unwrap()[0], "a");
            assert!(pull.try_recv().is_err());
            assert_eq!(pull.stats().recv_incomplete, cut, "{rest:?}");
            assert_balanced(&pull.stats());
        });
    }
}

/// `connect_timeout` bounds what `connect` does in all, not its parts one by one.
#[test]
fn connect_answers_in_time() {
    let sim = Sim::with_config(1, SimConfig::new().with_links(Plan::new().with_latency(ms(40)..=ms(40))));
    sim.block_on(async {
        let _silent = sim::raw_listen(SERVER).await.unwrap();
        let begun = sim.elapsed();
        let options = SocketOptions::default().with_connect_timeout(ms(100));
        let error = Push::connect_with_options(SERVER, options).await.unwrap_err();
        let took = sim.elapsed() - begun;
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        assert!(took >= ms(100) && took <= ms(105), "{took:?}");
    });
}

/// What lost connections have left may fill the mark: whoever comes then waits to be read, and not to be
/// let in.
#[test]
fn a_receiver_at_its_mark_still_shakes_hands() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let pull = Pull::bind_with_options(SERVER, without_heartbeats().with_recv_hwm(2)).await.unwrap();
        for _ in 0..2 {
            let mut lost = sim::raw_connect(SERVER).await.unwrap();
            shake(&mut lost, "PUSH").await;
            lost.write_all(b"\x00\x04lost").await.unwrap();
        }
        sim::sleep(secs(1)).await;
        let stats = pull.stats();
        assert_eq!((stats.recv_queued, stats.peers.len()), (2, 0));

        let options = without_heartbeats().with_connect_timeout(secs(1));
        let push = Push::connect_with_options(SERVER, options).await.unwrap();
        push.send("new").await.unwrap();
        sim::sleep(secs(1)).await;
        assert_eq!(pull.stats().recv_queued, 2, "the mark holds");
        for expected in ["lost", "lost", "new"] {
            assert_eq!(pull.recv().await.unwrap()[0], expected);
        }
    });
}

/// The handshake was done, whatever has come since: what the peer had said is received.
#[test]
fn a_stream_that_ends_right_behind_its_handshake_was_a_connection() {
    let links = Plan::new().with_read_chunk(1..=1).with_latency(ms(1)..=ms(1));
    let sim = Sim::with_config(1, SimConfig::new().with_links(links));
    sim.block_on(async {
        let mut listener = sim::raw_listen(SERVER).await.unwrap();
        let stream = sim::raw_connect(SERVER).await.unwrap().into_inner();
        let mut peer = listener.accept().await.unwrap();
        peer.write_all(&[&crate::stalled::opening("PUSH", b"")[..], b"\0\x04last"].concat()).await.unwrap();
        peer.close().unwrap();
        sim::sleep(ms(10)).await;
        let pull = Pull::from_runtime_stream(stream, without_heartbeats()).await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "last");
        assert!(matches!(pull.recv().await, Err(Error::NotConnected)));
    });
}
