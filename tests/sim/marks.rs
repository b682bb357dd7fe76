//! High-water marks are exact.

use super::support::*;
use monocoque::monitor::DisconnectKind;
use monocoque::options::{RouterHandover, RouterNotify};

/// A PUSH connected to a peer that the test plays, over a link that takes nothing more.
async fn blocked(sim: &Sim, options: SocketOptions) -> (Push, RawStream) {
    let mut listener = sim::raw_listen(SERVER).await.unwrap();
    let push = Push::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
    let mut peer = listener.accept().await.unwrap();
    shake(&mut peer, "PULL").await;
    push.wait_for_peers(1).await.unwrap();
    sim.network().set_capacity(peer.link(), Direction::ToServer, 0);
    (push, peer)
}

/// How many messages of `size` bytes are accepted at once.
fn accepted(push: &Push, size: usize) -> usize {
    std::iter::from_fn(|| push.try_send(vec![1; size]).ok()).count()
}

#[test]
fn send_hwm_is_exact() {
    for hwm in [1, 2, 7, 1000] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let (push, peer) = blocked(&sim, without_heartbeats().with_send_hwm(hwm)).await;
            assert_eq!(accepted(&push, 10), hwm);
            sim::sleep(secs(1)).await;
            assert_eq!((accepted(&push, 10), push.stats().sent), (0, 0), "time makes no room");
            for out in 1..=3 {
                // One message is 2 bytes of header and 10 of payload.
                sim.network().set_capacity(peer.link(), Direction::ToServer, 12 * out);
                sim::sleep(ms(1)).await;
                assert_eq!(push.stats().sent, out as u64);
                assert_eq!(accepted(&push, 10), 1, "one out, one in");
            }
            assert_balanced(&push.stats());
            // Part of a message is no message.
            sim.network().set_capacity(peer.link(), Direction::ToServer, 12 * 3 + 11);
            sim::sleep(ms(1)).await;
            assert_eq!(accepted(&push, 10), 0);
        });
    }
}

#[test]
fn a_waiting_send_goes_on_when_one_message_is_out() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (push, peer) = blocked(&sim, without_heartbeats().with_send_hwm(3)).await;
        assert_eq!(accepted(&push, 10), 3);
        let waiting = [0; 4].map(|_| {
            let push = push.clone();
            sim::spawn(async move { push.send([9; 10]).await.unwrap() })
        });
        for out in 0..=4 {
            sim.network().set_capacity(peer.link(), Direction::ToServer, 12 * out);
            sim::sleep(ms(1)).await;
            assert_eq!(waiting.iter().filter(|send| send.is_finished()).count(), out);
            assert_eq!(push.buffered_messages(), 3);
        }
    });
}

#[test]
fn send_hwm_bytes_is_exact() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let mark = 10 * (100 + Frame::COST);
        let (push, peer) = blocked(&sim, without_heartbeats().with_send_hwm_bytes(mark)).await;
        assert_eq!(accepted(&push, 100), 10);
        assert_eq!(push.buffered_bytes(), mark);
        sim.network().set_capacity(peer.link(), Direction::ToServer, 102);
        sim::sleep(ms(1)).await;
        assert!(push.try_send(vec![1; 101]).is_err());
        assert_eq!(accepted(&push, 100), 1);
        assert!(push.try_send("").is_err(), "full is full");
    });
}

/// A mark or a budget that is less than any message costs admits one at a time.
#[test]
fn a_mark_below_the_cost_of_a_frame_admits_one_at_a_time() {
    for (mark, budget) in [(1, usize::MAX), (Frame::COST - 1, usize::MAX), (usize::MAX, 0), (usize::MAX, 50)]
    {
        let sim = Sim::new(1);
        sim.block_on(async {
            let (push, peer) = blocked(&sim, without_heartbeats().with_send_hwm_bytes(mark)).await;
            let push = push.with_permits(SemaphorePermits::new(budget));
            for out in 1..=3 {
                push.try_send("").unwrap();
                assert!(push.try_send("").is_err(), "alone");
                sim.network().set_capacity(peer.link(), Direction::ToServer, 2 * out);
                sim::sleep(ms(1)).await;
                assert_eq!(push.stats().sent, out as u64);
            }
        });
    }
}

#[test]
fn the_sockets_own_queue_has_the_same_mark() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let options = without_heartbeats().with_send_hwm(5);
        let push = Push::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
        assert_eq!(accepted(&push, 10), 5);
        let pull = Pull::bind(SERVER).await.unwrap();
        push.wait_for_peers(1).await.unwrap();
        push.flush().await.unwrap();
        for _ in 0..5 {
            pull.recv().await.unwrap();
        }
        pull.close().await;
        sim::sleep(secs(2)).await;
        assert_eq!((push.is_connected(), accepted(&push, 10)), (false, 5), "the mark is all there again");
    });
}

/// A PULL that nobody receives from, flooded with messages of `size` bytes.
async fn flooded(options: SocketOptions, size: usize) -> Pull {
    let (push, pull) = pipeline(without_heartbeats().with_unlimited_send_hwm(), options).await;
    for _ in 0..2000 {
        push.send(vec![1; size]).await.unwrap();
    }
    sim::spawn(async move {
        sim::sleep(secs(3600)).await;
        drop(push);
    });
    sim::sleep(secs(1)).await;
    pull
}

#[test]
fn recv_hwm_is_exact() {
    for hwm in [1, 2, 9, 1000] {
        for size in [1, 100, 20_000] {
            Sim::new(1).block_on(async {
                let pull = flooded(without_heartbeats().with_recv_hwm(hwm), size).await;
                assert_eq!(pull.stats().recv_queued, hwm as u64);
                for out in 1..=5 {
                    pull.try_recv().unwrap();
                    sim::sleep(secs(1)).await;
                    let stats = pull.stats();
                    assert_eq!((stats.recv_queued, stats.delivered), (hwm as u64, out), "one out, one in");
                    assert_balanced(&stats);
                }
            });
        }
    }
}

#[test]
fn recv_hwm_bytes_is_exact() {
    const MARK: usize = 10 * (100 + Frame::COST);
    for size in [0, 100, 300, 999, 1000, 20_000] {
        // Full is what has no room for an empty message.
        let messages = (1..).find(|n| n * (size + Frame::COST) + Frame::COST > MARK).unwrap() as u64;
        Sim::new(1).block_on(async {
            let pull = flooded(without_heartbeats().with_recv_hwm_bytes(MARK), size).await;
            assert_eq!(pull.stats().recv_queued, messages, "of {size} bytes");
            pull.try_recv().unwrap();
            sim::sleep(secs(1)).await;
            assert_eq!(pull.stats().recv_queued, messages, "of {size} bytes");
        });
    }
}

/// Each peer has a mark of its own: a flood takes nothing from a quiet peer.
/// What one message of several frames says is acted on at once; the next is not read.
#[test]
fn an_xpub_passes_recv_hwm_by_one_message_at_most() {
    const FRAMES: u16 = 5_000;
    Sim::new(1).block_on(async {
        let options = without_heartbeats().with_recv_hwm(10);
        let xpub = XPub::bind_with_options(SERVER, options).await.unwrap();
        let mut raw = sim::raw_connect(SERVER).await.unwrap();
        raw.write_all(&crate::stalled::opening("SUB", b"")).await.unwrap();
        xpub.wait_for_peers(1).await.unwrap();
        let single = (0..9).flat_map(|n| [0, 2, 1, n]);
        let frames = (0..FRAMES).flat_map(|n| {
            let [high, low] = n.to_be_bytes();
            [u8::from(n + 1 < FRAMES), 3, 1, high, low]
        });
        let both: Vec<u8> = single.chain(frames.clone()).chain(frames).collect();
        raw.write_all(&both).await.unwrap();
        sim::sleep(secs(1)).await;
        assert_eq!(xpub.stats().recv_queued, 9 + u64::from(FRAMES));
    });
}

#[test]
fn recv_hwm_is_for_each_peer() {
    Sim::new(1).block_on(async {
        let pull = Pull::bind_with_options(SERVER, without_heartbeats().with_recv_hwm(10)).await.unwrap();
        let mut pushes = Vec::new();
        for count in [1, 5, 100] {
            let push = Push::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
            for _ in 0..count {
                push.send("x").await.unwrap();
            }
            pushes.push(push);
        }
        sim::sleep(secs(1)).await;
        let mut queued: Vec<_> = pull.stats().peers.iter().map(|peer| peer.recv_queued_messages).collect();
        queued.sort_unstable();
        assert_eq!(queued, [1, 5, 10]);
    });
}

/// A sender cannot run ahead of a receiver that does not receive: the marks of both and the link hold.
#[test]
fn the_pressure_reaches_the_sender() {
    Sim::new(1).block_on(async {
        let (push, pull) =
            pipeline(without_heartbeats().with_send_hwm(10), without_heartbeats().with_recv_hwm(10)).await;
        let sending = async {
            loop {
                push.send(vec![1; 1000]).await.unwrap();
            }
        };
        assert!(sim::timeout(secs(10), sending).await.is_err());
        // Behind both marks: the link's 64 KiB and the receiver's slab of 64 KiB.
        let most = 10 + 10 + (64 + 64) * 1024 / 1000;
        assert!(push.stats().accepted <= most, "{}", push.stats().accepted);
        assert_eq!(push.stats().queued, 10);
        assert_eq!(pull.stats().recv_queued, 10);
    });
}

/// What the socket itself tells of connections waits past the marks, and there may be any number of them while nobody
/// receives. Who took an identity over unheard of, and lost it again, is no news while there is no room.
#[test]
fn notices_of_identities_taken_over_are_bounded() {
    Sim::new(1).block_on(async {
        let options = without_heartbeats()
            .with_recv_hwm(10)
            .with_router_handover(RouterHandover::Always)
            .with_router_notify(RouterNotify::Both);
        let router = Router::bind_with_options(SERVER, options).await.unwrap();
        let mut monitor = router.monitor();
        let same = without_heartbeats().with_identity("same").with_reconnect(false);
        let first = Dealer::connect_with_options(SERVER, same.clone()).await.unwrap();
        first.send("hello").await.unwrap();
        assert_eq!(router.recv().await.unwrap()[1], "");
        assert_eq!(router.recv().await.unwrap()[1], "hello");
        let mut taken_over = Vec::new();
        for _ in 0..200 {
            taken_over.push(Dealer::connect_with_options(SERVER, same.clone()).await.unwrap());
            assert_eq!(disconnection(&mut monitor).await.kind(), DisconnectKind::Replaced);
        }
        let stats = router.stats();
        // That the first was lost, which was heard of, and of the last that it came.
        let told = stats.recv_queued - 2;
        assert!((10..12).contains(&told), "{told}");
        assert_eq!(told + stats.recv_dropped_by(DropCause::Leftover), 2 * 199);
        for _ in 0..stats.recv_queued {
            assert_eq!(router.recv().await.unwrap(), Message::from(["same", ""]));
        }
        assert!(matches!(router.try_recv(), Err(Error::WouldBlock)));
        assert_balanced(&router.stats());
    });
}

/// Who only sends, and leaves what it is told lying.
#[test]
fn disconnect_messages_that_nobody_receives_are_bounded() {
    Sim::new(1).block_on(async {
        let options = without_heartbeats().with_recv_hwm(10).with_disconnect_message("gone");
        let dealer = Dealer::bind_with_options(SERVER, options).await.unwrap();
        let lose_one = || async {
            let mut peer = sim::raw_connect(SERVER).await.unwrap();
            shake(&mut peer, "DEALER").await;
            dealer.wait_for_peers(1).await.unwrap();
            drop(peer);
            while !dealer.peers().is_empty() {
                drop(dealer.try_send("x"));
                sim::sleep(ms(1)).await;
            }
        };
        for _ in 0..200 {
            lose_one().await;
        }
        let stats = dealer.stats();
        assert_eq!((stats.recv_queued, stats.recv_dropped_by(DropCause::Leftover)), (10, 190));
        for _ in 0..10 {
            assert_eq!(dealer.recv().await.unwrap()[0], "gone");
        }
        // There is room again.
        lose_one().await;
        assert_eq!(dealer.recv().await.unwrap()[0], "gone");
        assert!(matches!(dealer.try_recv(), Err(Error::WouldBlock)));
        assert_balanced(&dealer.stats());
    });
}

/// A message that there is no room for is not heard of either.
#[test]
fn what_is_dropped_of_a_connection_does_not_make_it_news() {
    for message in [b"\0\x01x".as_slice(), b"\0\x01x\0\x01x"] {
        Sim::new(1).block_on(async {
            let options =
                without_heartbeats().with_recv_hwm(10).with_leftover_bytes(0).with_disconnect_message("gone");
            let dealer = Dealer::bind_with_options(SERVER, options).await.unwrap();
            for _ in 0..200 {
                let mut peer = sim::raw_connect(SERVER).await.unwrap();
                // What is read together with the handshake is there when the connection ends.
                let mut all = crate::stalled::opening("DEALER", b"");
                all.extend_from_slice(message);
                peer.write_all(&all).await.unwrap();
                dealer.wait_for_peers(1).await.unwrap();
                drop(peer);
                while !dealer.peers().is_empty() {
                    drop(dealer.try_send("x"));
                    sim::sleep(ms(1)).await;
                }
            }
            let stats = dealer.stats();
            assert!(stats.recv_queued <= 12, "{stats:?}");
            assert_balanced(&stats);
            let mut left = 0;
            while dealer.try_recv().is_ok() {
                left += 1;
            }
            assert_eq!(left, stats.recv_queued);
            assert_balanced(&dealer.stats());
        });
    }
}

/// However much there is, one call takes a part of it, as so many calls of `recv` would before others have their turn.
#[test]
fn one_recv_many_takes_no_more_than_a_turn() {
    const ALL: usize = 20_000;
    Sim::new(1).block_on(async {
        let pull = Pull::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
        let mut peer = sim::raw_connect(SERVER).await.unwrap();
        shake(&mut peer, "PUSH").await;
        let writing = async {
            peer.write_all(&[0, 1, b'x'].repeat(ALL)).await.unwrap();
        };
        let reading = async {
            sim::sleep(ms(100)).await;
            let (mut messages, mut most) = (Vec::new(), 0);
            while messages.len() < ALL {
                most = most.max(pull.recv_many(&mut messages, usize::MAX).await.unwrap());
            }
            assert!(most <= 1024, "{most} under one lock");
        };
        futures_util::future::join(writing, reading).await;
        assert_balanced(&pull.stats());
    });
}
