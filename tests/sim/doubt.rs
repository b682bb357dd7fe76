//! What is in doubt when a connection has ended, and what proves that it is not.

use std::time::Duration;

use futures_util::future::join;

use super::support::*;

/// Its PONG, to a PING frame; `None` to any other.
fn pong(flags: u8, body: &[u8]) -> Option<Vec<u8>> {
    let context = body.strip_prefix(b"\x04PING").filter(|_| flags == 4)?.get(2..)?;
    let mut frame = vec![4, 5 + context.len() as u8];
    frame.extend_from_slice(b"\x04PONG");
    frame.extend_from_slice(context);
    Some(frame)
}

/// A PULL played by hand.
async fn raw_pull(listener: &mut sim::RawListener) -> RawStream {
    let mut peer = listener.accept().await.unwrap();
    shake(&mut peer, "PULL").await;
    peer
}

/// Reads `messages`, and returns the PONGs to what is asked in between and right behind them.
async fn read(peer: &mut RawStream, messages: usize) -> Vec<Vec<u8>> {
    let mut pongs = Vec::new();
    let mut read = 0;
    while read < messages {
        let (flags, body) = frame(peer).await;
        match pong(flags, &body) {
            Some(pong) => pongs.push(pong),
            None => read += 1,
        }
    }
    pongs
}

async fn send(push: &Push, messages: usize, size: usize) {
    for _ in 0..messages {
        push.send(vec![7; size]).await.unwrap();
    }
    push.flush().await.unwrap();
}

async fn dialled(options: SocketOptions) -> (Push, sim::RawListener, RawStream) {
    let mut listener = sim::raw_listen(SERVER).await.unwrap();
    let push = Push::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
    let peer = raw_pull(&mut listener).await;
    push.wait_for_peers(1).await.unwrap();
    (push, listener, peer)
}

/// One PING for a thousand messages or a mebibyte, if the one before it is answered; and without heartbeats.
#[test]
fn proof_rides_on_traffic() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (push, _listener, mut peer) = dialled(without_heartbeats()).await;
        for (messages, size, asks) in [(999, 1, 0), (1, 1, 1), (5_000, 1, 0)] {
            let (pongs, ()) = join(read(&mut peer, messages), send(&push, messages, size)).await;
            // A PING leaves with the message that it comes behind.
            let ping = if asks == 1 { Some(frame(&mut peer).await) } else { None };
            assert_eq!(pongs.len(), 0, "one at a time");
            if let Some((flags, body)) = ping {
                assert!(pong(flags, &body).is_some());
            }
        }
        // Nothing is concluded from the answer that did not come.
        sim::sleep(secs(3600)).await;
        assert_eq!((push.stats().connects, push.stats().disconnects()), (1, 0));
        peer.write_all(b"\x04\x0D\x04PONG\0\0\0\0\0\0\x03\xE8").await.unwrap();
        sim::sleep(ms(10)).await;
        let (pongs, ()) = join(read(&mut peer, 2), send(&push, 2, 1)).await;
        assert_eq!(pongs.len(), 1, "5,000 messages after the last one");
        peer.write_all(&pongs[0]).await.unwrap();
        sim::sleep(ms(10)).await;
        let (pongs, ()) = join(read(&mut peer, 6_000), send(&push, 6_000, 200)).await;
        assert_eq!(pongs.len(), 1, "more than a mebibyte");
        peer.write_all(&pongs[0]).await.unwrap();
        sim::sleep(ms(10)).await;
        let polls = sim.polls();
        sim::sleep(secs(3600)).await;
        assert!(sim.polls() - polls <= 5, "no timer");
        sim.network().cut(peer.link(), Cut::Reset);
        let mut monitor = push.monitor();
        disconnection(&mut monitor).await;
        let stats = push.stats();
        assert_eq!(stats.sent, 12_002);
        assert!(stats.in_doubt > 0 && stats.in_doubt < 6_000, "{stats:?}");
    });
}

/// A peer of ZMTP 3.0 may not know what a PING is.
#[test]
fn older_peers_are_not_asked() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let mut listener = sim::raw_listen(SERVER).await.unwrap();
        let push = Push::connect_with_reconnect_and_options(SERVER, without_heartbeats()).await.unwrap();
        let mut peer = listener.accept().await.unwrap();
        let mut opening = crate::stalled::opening("PULL", b"");
        opening[11] = 0;
        peer.write_all(&opening).await.unwrap();
        peer.read_exact(&mut [0; 64]).await.unwrap();
        frame(&mut peer).await;
        push.wait_for_peers(1).await.unwrap();
        let (pongs, ()) = join(read(&mut peer, 5_000), send(&push, 5_000, 1)).await;
        assert_eq!(pongs.len(), 0);
    });
}

/// With so long a way that everything that happens is told apart.
fn far_away(sim: &Sim) {
    sim.network().on_next_connect(Plan::new().with_latency(ms(100)..=ms(100)));
}

const ROUND_TRIP: Duration = ms(200);

/// The peer has read everything and closes. That takes a round trip to show, and the next connection does not wait
/// for it.
#[test]
fn what_was_read_before_the_end_has_arrived() {
    let sim = Sim::new(1);
    sim.block_on(async {
        far_away(&sim);
        let quick = without_heartbeats().with_backoff(Backoff::new().with_initial(ms(1)).with_jitter(0.0));
        let (push, mut listener, mut peer) = dialled(quick).await;
        let mut monitor = push.monitor();
        let (_, ()) = join(read(&mut peer, 10), send(&push, 10, 1)).await;
        drop(peer);
        let reason = disconnection(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::EndOfStream), "{reason}");
        let ended = sim.elapsed();
        assert_eq!((push.stats().sent, push.stats().in_doubt), (10, 10), "nobody knows yet");
        let again = listener.accept().await.unwrap();
        assert!(sim.elapsed() - ended < ms(10));
        sim::sleep(ROUND_TRIP).await;
        assert_eq!(push.stats().in_doubt, 0);
        drop(again);
    });
}

/// The end of the stream alone looks the same: what came after the peer had gone shows by a reset.
#[test]
fn what_comes_after_the_peer_has_gone_is_in_doubt() {
    let sim = Sim::new(1);
    sim.block_on(async {
        far_away(&sim);
        let (push, _listener, mut peer) = dialled(without_heartbeats()).await;
        let mut monitor = push.monitor();
        let (_, ()) = join(read(&mut peer, 10), send(&push, 10, 1)).await;
        drop(peer);
        sim::sleep(ms(50)).await;
        send(&push, 3, 1).await;
        let reason = disconnection(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::EndOfStream), "{reason}");
        sim::sleep(secs(2)).await;
        assert_eq!((push.stats().sent, push.stats().in_doubt), (13, 13));
    });
}

/// A peer of which nothing more is heard, not even its system's answer.
#[test]
fn what_nobody_confirms_stays_in_doubt() {
    let sim = Sim::new(1);
    sim.block_on(async {
        far_away(&sim);
        let (push, _listener, mut peer) = dialled(without_heartbeats()).await;
        let mut monitor = push.monitor();
        let (_, ()) = join(read(&mut peer, 10), send(&push, 10, 1)).await;
        let link = peer.link();
        peer.close().unwrap();
        disconnection(&mut monitor).await;
        sim.network().cut(link, Cut::Silence);
        sim::sleep(secs(3600)).await;
        assert_eq!(push.stats().in_doubt, 10);
    });
}

/// What is kept for it keeps nobody from closing.
#[test]
fn close_does_not_wait_for_proof() {
    let sim = Sim::new(1);
    sim.block_on(async {
        far_away(&sim);
        let (push, listener, mut peer) = dialled(without_heartbeats().with_reconnect(false)).await;
        let mut monitor = push.monitor();
        let (_, ()) = join(read(&mut peer, 10), send(&push, 10, 1)).await;
        drop((peer, listener));
        disconnection(&mut monitor).await;
        let ended = sim.elapsed();
        let other = push.clone();
        assert_eq!(push.close().await, 0);
        assert!(sim.elapsed() - ended < ms(10));
        assert_eq!(other.stats().in_doubt, 10);
    });
}

/// However many connections end at once, so many are kept; what they have been sent stays in doubt.
#[test]
fn what_is_kept_for_proof_is_bounded() {
    const CLIENTS: usize = 300;
    let sim = Sim::new(1);
    sim.block_on(async {
        sim.network().on_every_connect(Plan::new().with_latency(ms(100)..=ms(100)));
        let push = Push::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            let mut client = sim::raw_connect(SERVER).await.unwrap();
            shake(&mut client, "PULL").await;
            clients.push(client);
        }
        push.wait_for_peers(CLIENTS).await.unwrap();
        send(&push, CLIENTS, 1).await;
        for client in &mut clients {
            read(client, 1).await;
        }
        drop(clients);
        sim::sleep(secs(2)).await;
        let stats = push.stats();
        assert_eq!((stats.sent, stats.disconnects()), (CLIENTS as u64, CLIENTS as u64));
        assert_eq!(stats.in_doubt, CLIENTS as u64 - 256);
    });
}
