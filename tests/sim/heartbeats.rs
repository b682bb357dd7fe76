//! Heartbeats find the dead, and only the dead.

use super::support::*;

const INTERVAL: u64 = 1_000;
const TIMEOUT: u64 = 2_000;

fn beating() -> SocketOptions {
    SocketOptions::default()
        .with_heartbeat_interval(Some(ms(INTERVAL)))
        .with_heartbeat_timeout(ms(TIMEOUT))
        .with_backoff(Backoff::new().with_initial(ms(10)))
}

/// Both ends notice a pulled cable within interval and timeout, wherever in the interval it happens,
/// whether the connection was idle or busy.
#[test]
fn silence_is_noticed_in_time() {
    for busy in [false, true] {
        for moment in [0, 1, 500, 999, 1_000, 1_001, 1_500, 2_500, 2_999, 10_300] {
            let sim = Sim::new(moment);
            sim.block_on(async {
                let (push, pull) = pipeline(beating(), beating()).await;
                let mut monitors = [push.monitor(), pull.monitor()];
                let until = sim.elapsed() + ms(moment);
                while busy && sim.elapsed() < until {
                    push.send("x").await.unwrap();
                    pull.recv().await.unwrap();
                    sim::sleep(ms(1)).await;
                }
                sim::sleep(until.saturating_sub(sim.elapsed())).await;
                let link = sim.network().links()[0].id;
                sim.network().cut(link, Cut::Silence);
                let cut_at = sim.elapsed();
                for monitor in &mut monitors {
                    let reason = disconnection(monitor).await;
                    assert!(matches!(reason, DisconnectReason::Timeout(TimeoutKind::Heartbeat)), "{reason}");
                    let after = sim.elapsed() - cut_at;
                    assert!(after <= ms(INTERVAL + TIMEOUT + 10), "{after:?}, {moment} ms, busy: {busy}");
                    assert!(after >= ms(TIMEOUT - INTERVAL), "not before its time: {after:?}");
                }
            });
        }
    }
}

/// Answers what is asked in between messages, and returns when it has read so many.
async fn read_and_answer(peer: &mut RawStream, messages: u32) {
    let mut read = 0;
    while read < messages {
        let (flags, body) = frame(peer).await;
        if let Some(ping) = body.strip_prefix(b"\x04PING").filter(|_| flags == 4) {
            let context = &ping[2..];
            let header = [4, 5 + context.len() as u8];
            peer.write_all(&[&header, &b"\x04PONG"[..], context].concat()).await.unwrap();
        } else {
            assert_eq!(body[..4], read.to_be_bytes(), "in order, and once");
            read += 1;
        }
    }
}

/// Nothing is read for an hour, far longer than every timer, and the system takes no more; then all is.
#[test]
fn a_peer_that_stops_reading_is_alive() {
    const MESSAGES: u32 = 2_000;
    // Before it stops, it has been asked, or not yet.
    for moment in [0, 500, 1_500, 2_500] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let push = Push::bind_with_options(SERVER, beating().with_unlimited_send_hwm()).await.unwrap();
            let mut peer = sim::raw_connect(SERVER).await.unwrap();
            shake(&mut peer, "PULL").await;
            let capacity = 20_000;
            sim.network().set_capacity(peer.link(), Direction::ToClient, capacity);
            let _ = sim::timeout(ms(moment), read_and_answer(&mut peer, 1)).await;
            for n in 0..MESSAGES {
                push.send([&n.to_be_bytes()[..], &[0; 196]].concat()).await.unwrap();
            }
            sim::sleep(secs(3600)).await;
            assert_eq!(push.stats().disconnects(), 0);
            read_and_answer(&mut peer, MESSAGES).await;
            let _ = sim::timeout(secs(100), read_and_answer(&mut peer, 1)).await;
            let stats = push.stats();
            assert_eq!((stats.sent, stats.connects, stats.disconnects()), (u64::from(MESSAGES), 1, 0));
            assert_eq!(stats.in_doubt, 0);
        });
    }
}

/// One that reads everything and answers nothing hangs.
#[test]
fn a_peer_that_reads_and_does_not_answer_is_dead() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let push = Push::bind_with_options(SERVER, beating()).await.unwrap();
        let mut monitor = push.monitor();
        let mut peer = sim::raw_connect(SERVER).await.unwrap();
        shake(&mut peer, "PULL").await;
        let since = sim.elapsed();
        sim::spawn(async move { while peer.read_some(&mut [0; 1_000]).await.is_ok_and(|read| read > 0) {} });
        let sender = push.clone();
        sim::spawn(async move {
            while sender.send(vec![0; 10_000]).await.is_ok() {
                sim::sleep(ms(10)).await;
            }
        });
        let reason = disconnection(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::Timeout(TimeoutKind::Heartbeat)), "{reason}");
        assert!(sim.elapsed() - since <= ms(INTERVAL + TIMEOUT + 10), "{:?}", sim.elapsed() - since);
        drop(push);
    });
}

/// Behind a full queue nobody can say whether the peer is gone or slow: the system finds out, which sends what is
/// under way again and again. Nothing that was not sent is lost.
#[test]
fn silence_means_nothing_to_a_blocked_sender() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (push, pull) = pipeline(beating(), beating()).await;
        let mut monitor = push.monitor();
        let link = sim.network().links()[0].id;
        sim.network().cut(link, Cut::Silence);
        for _ in 0..100 {
            push.send(vec![0; 10_000]).await.unwrap();
        }
        assert!(sim::timeout(secs(900), disconnection(&mut monitor)).await.is_err());
        let reason = disconnection(&mut monitor).await;
        let given_up = |error: &std::io::Error| error.kind() == std::io::ErrorKind::TimedOut;
        assert!(matches!(&reason, DisconnectReason::Io(error) if given_up(error)), "{reason}");
        let stats = push.stats();
        for _ in 0..stats.accepted - stats.in_doubt {
            sim::timeout(secs(10), pull.recv()).await.unwrap().unwrap();
        }
    });
}

/// libzmq#3937: one hour at the receiver's mark: the sender hears that the receiver lives, and the receiver does not
/// hold its own pause against the sender.
#[test]
fn a_paused_reader_is_alive() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (push, pull) = pipeline(beating(), beating().with_recv_hwm(2)).await;
        for _ in 0..500 {
            push.send(vec![0; 1_000]).await.unwrap();
        }
        sim::sleep(secs(3600)).await;
        assert_eq!((push.stats().connects, pull.stats().connects), (1, 1));
        assert_eq!((push.stats().in_doubt, pull.stats().recv_queued), (0, 2));
        for _ in 0..500 {
            sim::timeout(secs(1), pull.recv()).await.unwrap().unwrap();
        }
        assert!(push.is_connected() && pull.is_connected());
    });
}

/// libzmq#2709: a message that takes a hundred times the heartbeat interval is under way, and not dead: neither for
/// the one who sends it, whose PING waits behind it, nor for the one who receives it.
#[test]
fn a_huge_message_over_a_slow_link_is_alive() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let slow = Plan::new()
            .with_capacity(Direction::ToServer, 5_000)
            .with_latency(ms(500)..=ms(500))
            .with_write_chunk(5_000..=5_000);
        sim.network().on_next_connect(slow);
        let (push, pull) = pipeline(beating(), beating()).await;
        let begun = sim.elapsed();
        push.send(vec![7; 2_000_000]).await.unwrap();
        let message = pull.recv().await.unwrap();
        assert_eq!(message[0].len(), 2_000_000);
        assert!(sim.elapsed() - begun > secs(190));
        assert_eq!((push.stats().connects, pull.stats().connects), (1, 1));
    });
}

/// Idle connections cost heartbeats and nothing else.
#[test]
fn idle_sockets_sleep() {
    for (options, at_most) in [(without_heartbeats(), 10), (beating(), 20_000)] {
        let sim = Sim::new(1);
        let kept = sim.block_on(pipeline(options.clone(), options));
        sim.block_on(async {
            kept.0.send("x").await.unwrap();
            kept.1.recv().await.unwrap();
            sim::sleep(secs(1)).await;
        });
        let before = sim.polls();
        sim.advance(secs(1000));
        let polls = sim.polls() - before;
        assert!(polls <= at_most, "{polls} polls in 1000 s");
        assert!(kept.0.is_connected());
    }
}

/// A peer that asked to be considered dead after so long is.
#[test]
fn the_ttl_of_the_peer_is_honoured() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let pull = Pull::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
        let mut monitor = pull.monitor();
        let mut peer = sim::raw_connect(SERVER).await.unwrap();
        shake(&mut peer, "PUSH").await;
        // PING with a TTL of 1.5 s and a context.
        peer.write_all(b"\x04\x0A\x04PING\x00\x0Fabc").await.unwrap();
        assert_eq!(frame(&mut peer).await, (4, b"\x04PONGabc".to_vec()));
        let last_sign = sim.elapsed();
        let reason = disconnection(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::Timeout(TimeoutKind::Heartbeat)), "{reason}");
        let after = sim.elapsed() - last_sign;
        assert!(after >= ms(1_490) && after <= ms(3_010), "{after:?}");
    });
}

/// What a PONG has proven is not in doubt when the connection is lost.
#[test]
fn a_pong_proves_what_was_sent_before_its_ping() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (push, pull) = pipeline(beating(), beating()).await;
        for _ in 0..10 {
            push.send("proven").await.unwrap();
            pull.recv().await.unwrap();
        }
        sim::sleep(ms(2 * INTERVAL + 10)).await;
        let mut monitor = push.monitor();
        let link = sim.network().links()[0].id;
        // Three more arrive, but no PONG can say so any more.
        sim.network().stall(link, Direction::ToClient);
        for _ in 0..3 {
            push.send("in doubt").await.unwrap();
            pull.recv().await.unwrap();
        }
        sim.network().cut(link, Cut::Reset);
        disconnection(&mut monitor).await;
        let stats = push.stats();
        assert_eq!((stats.sent, stats.in_doubt), (13, 3));
    });
}

/// A connection that never rests proves what it sent, too.
#[test]
fn a_busy_connection_is_proven_now_and_then() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (push, pull) = pipeline(beating(), beating()).await;
        let mut monitor = push.monitor();
        for _ in 0..3_000 {
            push.send("x").await.unwrap();
            pull.recv().await.unwrap();
            sim::sleep(ms(10)).await;
        }
        sim.network().cut(sim.network().links()[0].id, Cut::Reset);
        disconnection(&mut monitor).await;
        let stats = push.stats();
        assert!(stats.in_doubt <= 300, "those of the last intervals only: {}", stats.in_doubt);
    });
}

/// What the option asks for is on the wire, in deciseconds, as is its absence; a longer time than 16 bits
/// can say is the longest that they can.
#[test]
fn the_ttl_asked_for_is_sent() {
    for (ttl, deciseconds) in [
        (None, [0, 0]),
        (Some(ms(1_500)), [0, 15]),
        (Some(secs(600)), 6_000_u16.to_be_bytes()),
        (Some(ms(6_553_500)), [0xFF, 0xFF]),
    ] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let options = beating().with_heartbeat_ttl(ttl);
            let pull = Pull::bind_with_options(SERVER, options).await.unwrap();
            let mut peer = sim::raw_connect(SERVER).await.unwrap();
            shake(&mut peer, "PUSH").await;
            let (flags, ping) = frame(&mut peer).await;
            assert_eq!((flags, &ping[..5], &ping[5..7]), (4, &b"\x04PING"[..], &deciseconds[..]), "{ttl:?}");
            assert!(ping.len() <= 7 + 16, "the context is not over 16 bytes");
            drop(pull);
        });
    }
}
