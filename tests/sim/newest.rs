//! `OnFull::DropOldest` and `OnFull::Disconnect`, to the message.

use monocoque::socket;

use super::support::*;

fn newest(hwm: usize) -> SocketOptions {
    without_heartbeats().with_send_hwm(hwm).with_on_full(OnFull::DropOldest)
}

/// A PULL that the test plays, whose link takes one byte of the first message.
async fn blocked(sim: &Sim, push: &Push, endpoint: &str) -> RawStream {
    let mut listener = sim::raw_listen(endpoint).await.unwrap();
    push.connect_to(endpoint).unwrap();
    let mut peer = listener.accept().await.unwrap();
    sim.network().set_capacity(peer.link(), Direction::ToServer, 1);
    shake(&mut peer, "PULL").await;
    sim::sleep(ms(10)).await;
    peer
}

async fn send(push: &socket::PushSocket<SimStream, impl BytePermits>, numbers: std::ops::Range<u32>) {
    for n in numbers {
        push.send(n.to_be_bytes()).await.unwrap();
    }
}

/// The next messages that a peer reads.
async fn read(peer: &mut RawStream, count: usize) -> Vec<u32> {
    let mut numbers = Vec::new();
    for _ in 0..count {
        let (_, body) = frame(peer).await;
        numbers.push(u32::from_be_bytes(body.try_into().unwrap()));
    }
    numbers
}

/// What is lost is the oldest but what is being written, by count and by event, and its permits come back.
#[test]
fn the_newest_are_kept() {
    for hwm in [1, 2, 8, 80] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let push = Push::new(newest(hwm)).unwrap();
            let mut monitor = push.monitor();
            let mut peer = blocked(&sim, &push, SERVER).await;
            let budget = SemaphorePermits::new(1 << 20);
            let push = push.with_permits(budget.clone());
            let many = hwm as u32 * 3;
            send(&push, 0..many).await;
            // With a mark of one, what is being written takes all of it.
            let kept = hwm.max(2) as u32;
            let stats = push.stats();
            assert_eq!(
                (stats.queued, stats.dropped(DropCause::Displaced)),
                (kept.into(), (many - kept).into())
            );
            assert_eq!(stats.dropped_total(), u64::from(many - kept));
            assert_eq!(budget.in_use(), push.buffered_bytes());
            assert_balanced(&stats);
            let mut told = 0;
            while told < many - kept {
                told += event(&mut monitor, |event| match event {
                    SocketEvent::MessagesDropped { cause: DropCause::Displaced, count, peer: Some(_) } => {
                        Some(*count as u32)
                    }
                    _ => None,
                })
                .await;
            }
            sim.network().set_capacity(peer.link(), Direction::ToServer, 1 << 20);
            let got = read(&mut peer, kept as usize).await;
            assert_eq!(got.first(), Some(&0), "it was being written");
            assert!(got[1..].iter().copied().eq(many - kept + 1..many), "{got:?}");
            assert_eq!((push.buffered_messages(), budget.in_use()), (0, 0));
            send(&push, many..many + 1).await;
            assert_eq!(read(&mut peer, 1).await, [many]);
        });
    }
}

/// Nothing gives way to a message that has no permits yet: it waits for them, whatever the mark is.
#[test]
fn permits_are_waited_for() {
    for hwm in [4, 1_000] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let push = Push::new(newest(hwm)).unwrap();
            let mut peer = blocked(&sim, &push, SERVER).await;
            let push = push.with_permits(SemaphorePermits::new(4 * (4 + Frame::COST)));
            send(&push, 0..4).await;
            let waiting = push.clone();
            let fifth = sim::spawn(async move { send(&waiting, 4..5).await });
            sim::sleep(secs(1_000)).await;
            assert!(!fifth.is_finished());
            assert_eq!(push.try_send("at once").unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
            assert_eq!((push.buffered_messages(), push.stats().dropped_total()), (4, 0));
            sim.network().set_capacity(peer.link(), Direction::ToServer, 1 << 20);
            assert_eq!(read(&mut peer, 5).await, [0, 1, 2, 3, 4]);
            fifth.await.unwrap();
            assert_eq!(push.stats().dropped_total(), 0);
            assert_balanced(&push.stats());
        });
    }
}

/// A message that needs the room of many gets it, and one that needs more than there is as well.
#[test]
fn a_large_message_takes_the_place_of_many() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let mark = 10 * (4 + Frame::COST);
        let push = Push::new(newest(1000).with_send_hwm_bytes(mark)).unwrap();
        let _peer = blocked(&sim, &push, SERVER).await;
        send(&push, 0..10).await;
        assert_eq!((push.buffered_messages(), push.buffered_bytes()), (10, mark));
        push.try_send(vec![0; 3 * Frame::COST]).unwrap();
        assert_eq!(push.stats().dropped(DropCause::Displaced), 4);
        push.try_send(vec![0; 2 * mark]).unwrap();
        assert_eq!(push.buffered_messages(), 2, "what is being written, and the newest");
        assert_balanced(&push.stats());
    });
}

/// Two peers that are full lose in turn.
#[test]
fn where_any_peer_will_do_each_loses_in_turn() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let push = Push::new(newest(4)).unwrap();
        let mut peers =
            [blocked(&sim, &push, "tcp://one:1").await, blocked(&sim, &push, "tcp://two:1").await];
        send(&push, 0..16).await;
        for (peer, first) in peers.iter_mut().zip([0, 1]) {
            sim.network().set_capacity(peer.link(), Direction::ToServer, 1 << 20);
            assert_eq!(read(peer, 4).await, [first, first + 10, first + 12, first + 14]);
        }
    });
}

/// What waits in the socket itself gives way as well, and a lost peer's messages go to the next in order.
#[test]
fn the_sockets_own_queue_keeps_the_newest_too() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let push = Push::new(newest(5)).unwrap();
        push.connect_to("tcp://later:1").unwrap();
        send(&push, 0..12).await;
        assert_eq!((push.buffered_messages(), push.stats().dropped(DropCause::Displaced)), (5, 7));
        let peer = blocked(&sim, &push, SERVER).await;
        assert_eq!(push.buffered_messages(), 5);
        send(&push, 12..14).await;
        drop(peer);
        sim::sleep(ms(10)).await;
        let pull = Pull::bind("tcp://later:1").await.unwrap();
        for n in [7, 10, 11, 12, 13] {
            assert_eq!(number(&pull.recv().await.unwrap()), n);
        }
        assert_balanced(&push.stats());
    });
}

/// A peer of this process can be spared what it has not looked at; the marks of both are one there.
#[test]
fn on_inproc_too() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let pull = Pull::bind_with_options("inproc://newest", SocketOptions::default().with_recv_hwm(2));
        let pull = pull.await.unwrap();
        let push = Push::connect_with_options("inproc://newest", newest(4)).await.unwrap();
        send(&push, 0..2).await;
        assert_eq!(number(&pull.recv().await.unwrap()), 0);
        send(&push, 2..50).await;
        assert!(push.buffered_messages() <= 7, "{}", push.buffered_messages());
        let mut got = Vec::new();
        while let Ok(message) = pull.try_recv() {
            got.push(number(&message));
        }
        assert_eq!(got.last(), Some(&49));
        assert!(got.is_sorted(), "{got:?}");
        let stats = push.stats();
        assert_eq!(stats.dropped(DropCause::Displaced), 49 - got.len() as u64);
        assert_balanced(&stats);
    });
}

/// Room is held for a message in the place of older ones; for one that finds nothing to give way it is waited.
#[test]
fn room_can_be_held_in_the_place_of_others() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let push = Push::new(newest(3)).unwrap();
        let mut peer = blocked(&sim, &push, SERVER).await;
        send(&push, 0..3).await;
        let [first, second] = [push.reserve(4).await.unwrap(), push.reserve(4).await.unwrap()];
        assert_eq!(push.stats().dropped(DropCause::Displaced), 2);
        let waiting = push.clone();
        let third = sim::spawn(async move {
            waiting.reserve(4).await.unwrap().send(6_u32.to_be_bytes().to_vec()).unwrap();
        });
        sim::sleep(ms(10)).await;
        assert!(!third.is_finished());
        // Nobody who only sends waits behind it.
        send(&push, 3..5).await;
        assert_eq!(push.stats().dropped(DropCause::Displaced), 3);
        drop(second);
        first.send(5_u32.to_be_bytes().to_vec()).unwrap();
        sim.network().set_capacity(peer.link(), Direction::ToServer, 1 << 20);
        third.await.unwrap();
        assert_eq!(read(&mut peer, 4).await, [0, 4, 5, 6]);
        assert_eq!(push.stats().dropped(DropCause::Displaced), 3);
        assert_balanced(&push.stats());
    });
}

/// What stands behind what is encoded leaves as well, however the socket or the connection is ended.
#[test]
fn what_stands_behind_leaves_too() {
    for how in 0..3 {
        let sim = Sim::new(1);
        sim.block_on(async {
            let push = Push::new(newest(80).with_linger(secs(1000))).unwrap();
            let mut peer = blocked(&sim, &push, SERVER).await;
            send(&push, 0..50).await;
            let other = push.clone();
            let ending = async {
                match how {
                    0 => assert_eq!(other.close().await, 0),
                    1 => other.disconnect(SERVER).unwrap(),
                    _ => other.flush().await.unwrap(),
                }
            };
            let reading = async {
                sim::sleep(ms(10)).await;
                sim.network().set_capacity(peer.link(), Direction::ToServer, 7);
                let got = read(&mut peer, 50).await;
                assert!(got.into_iter().eq(0..50));
            };
            futures_util::future::join(ending, reading).await;
            assert_balanced(&push.stats());
            assert_eq!(push.stats().dropped_total(), 0, "{how}");
        });
    }
}
