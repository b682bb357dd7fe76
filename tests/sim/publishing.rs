//! What is published reaches all that subscribed, and nobody waits for anybody.

use super::support::*;

const SERVERS: [&str; 3] = ["tcp://a:1", "tcp://b:1", "tcp://c:1"];

/// A PUB and three SUBs that are subscribed to everything, on either end of the connections.
async fn three(options: SocketOptions, publisher_binds: bool) -> (Pub, Vec<Sub>) {
    let mut subs = Vec::new();
    let publisher = if publisher_binds {
        let publisher = Pub::bind_with_options(SERVER, options).await.unwrap();
        for _ in 0..3 {
            let sub = Sub::connect_with_reconnect_and_options(SERVER, without_heartbeats()).await.unwrap();
            subs.push(sub);
        }
        publisher
    } else {
        let publisher = Pub::new(options).unwrap();
        for server in SERVERS {
            subs.push(Sub::bind_with_options(server, without_heartbeats()).await.unwrap());
            publisher.connect_to(server).unwrap();
        }
        publisher
    };
    for sub in &subs {
        sub.subscribe("").unwrap();
    }
    (publisher, subs)
}

/// Ten thousand times, with other latencies and orders of tasks each time; fewer where nothing is optimized.
#[test]
fn the_first_message_reaches_all_that_were_waited_for() {
    let seeds = if cfg!(debug_assertions) { 500 } else { 5_000 };
    for publisher_binds in [true, false] {
        for seed in 0..seeds {
            let plan = Plan::new().with_latency(ms(0)..=ms(20)).with_write_chunk(1..=64);
            let sim = Sim::with_config(seed, SimConfig::new().with_links(plan));
            sim.block_on(async {
                let (publisher, subs) = three(without_heartbeats(), publisher_binds).await;
                publisher.wait_for_subscribers("first", 3).await.unwrap();
                publisher.send("first").await.unwrap();
                for sub in &subs {
                    let received = sim::timeout(secs(1), sub.recv()).await;
                    assert_eq!(received.expect("it arrives").unwrap()[0], "first");
                }
            });
        }
    }
}

/// Stalls the connection to the last of three subscribers.
fn stall_last(sim: &Sim, bytes: usize) {
    let links = sim.network().links();
    let last = links.iter().max_by_key(|link| link.id).unwrap().id;
    sim.network().set_capacity(last, Direction::ToClient, bytes);
}

#[test]
fn a_slow_subscriber_delays_nobody() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (publisher, subs) = three(without_heartbeats().with_send_hwm(5), true).await;
        publisher.wait_for_subscribers("", 3).await.unwrap();
        stall_last(&sim, 0);
        let began = sim.elapsed();
        for n in 0..1000_u32 {
            publisher.send(n.to_be_bytes()).await.unwrap();
            for sub in &subs[..2] {
                assert_eq!(number(&sub.recv().await.unwrap()), n);
            }
        }
        // Each takes the latency of a connection, and not more.
        let took = sim.elapsed() - began;
        assert!(took <= ms(1) * 1000, "{took:?}");
        let stats = publisher.stats();
        assert_eq!((stats.dropped(DropCause::PeerFull), stats.queued), (995, 5));
        assert_balanced(&stats);
        stall_last(&sim, 1 << 16);
        for n in 0..5 {
            assert_eq!(number(&subs[2].recv().await.unwrap()), n, "those that there was room for");
        }
        publisher.send(1000_u32.to_be_bytes()).await.unwrap();
        assert_eq!(number(&subs[2].recv().await.unwrap()), 1000);
    });
}

/// libzmq#1598, PR#3996: nobody gets what one had no room for, and it counts nowhere.
#[test]
fn libzmq_1598_nodrop_waits_for_the_slowest() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let options = without_heartbeats().with_send_hwm(5).with_xpub_nodrop(true);
        let (publisher, subs) = three(options, true).await;
        subs[0].subscribe("other").unwrap();
        publisher.wait_for_subscribers("", 3).await.unwrap();
        sim::sleep(ms(10)).await;
        stall_last(&sim, 0);
        let accepted = (0..20_u32).take_while(|n| publisher.try_send(n.to_be_bytes()).is_ok()).count();
        assert_eq!(accepted, 5);
        for n in 0..5 {
            for sub in &subs[..2] {
                assert_eq!(number(&sub.recv().await.unwrap()), n);
            }
        }
        sim::sleep(secs(1)).await;
        let stats = publisher.stats();
        assert_eq!((stats.accepted, stats.sent, stats.queued, stats.dropped_total()), (15, 10, 5, 0));
        assert!(subs[..2].iter().all(|sub| sub.try_recv().is_err()));
        let waiting = publisher.clone();
        let waiting = sim::spawn(async move { waiting.send(5_u32.to_be_bytes()).await.unwrap() });
        sim::sleep(secs(1)).await;
        assert!(!waiting.is_finished());
        stall_last(&sim, 6);
        sim::sleep(ms(10)).await;
        assert!(waiting.is_finished(), "one out, one in");
        stall_last(&sim, 1 << 16);
        for n in 0..=5 {
            assert_eq!(number(&subs[2].recv().await.unwrap()), n);
        }
        for sub in &subs[..2] {
            assert_eq!(number(&sub.recv().await.unwrap()), 5);
        }
    });
}

/// A cache of last values that found no room still answers nobody but the one who asked.
#[test]
fn nodrop_keeps_whom_the_last_value_is_for() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let options =
            without_heartbeats().with_send_hwm(1).with_xpub_nodrop(true).with_xpub_manual_last_value(true);
        let xpub = XPub::bind_with_options(SERVER, options).await.unwrap();
        let mut subs = Vec::new();
        for topic in ["first", "last"] {
            let sub = Sub::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
            sub.subscribe(topic).unwrap();
            assert_eq!(xpub.recv().await.unwrap()[0][1..], *topic.as_bytes());
            xpub.subscribe("").unwrap();
            subs.push(sub);
        }
        stall_last(&sim, 0);
        xpub.send("last one").await.unwrap();
        subs[1].subscribe("last").unwrap();
        xpub.recv().await.unwrap();
        for _ in 0..3 {
            assert!(matches!(xpub.try_send("last two").unwrap_err().error(), Error::WouldBlock));
        }
        stall_last(&sim, 1 << 16);
        xpub.send("last two").await.unwrap();
        xpub.send("first and last").await.unwrap();
        for expected in ["last one", "last two"] {
            assert_eq!(subs[1].recv().await.unwrap()[0], expected);
        }
        sim::sleep(secs(1)).await;
        // It filters what it did not subscribe to itself.
        assert_eq!(subs[0].recv().await.unwrap()[0], "first and last");
        assert_eq!(subs[0].stats().received, 1);
    });
}

/// Who takes a subscription back, or goes, waits for no value: the next message is for everybody, as before.
#[test]
fn the_end_of_a_subscription_asks_for_no_last_value() {
    for leaves in [false, true] {
        Sim::new(1).block_on(async {
            let options = without_heartbeats().with_xpub_manual_last_value(true);
            let xpub = XPub::bind_with_options(SERVER, options).await.unwrap();
            let mut subs = Vec::new();
            for value in ["first", "second", "third"] {
                let sub = Sub::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
                sub.subscribe("A").unwrap();
                assert_eq!(xpub.recv().await.unwrap()[0], "\u{1}A");
                xpub.subscribe("A").unwrap();
                xpub.send(["A", value]).await.unwrap();
                assert_eq!(sub.recv().await.unwrap()[1], value);
                subs.push(sub);
            }
            let third = subs.pop().unwrap();
            if leaves {
                third.close().await;
            } else {
                third.unsubscribe("A").unwrap();
            }
            assert_eq!(xpub.recv().await.unwrap()[0], "\u{0}A");
            let _ = xpub.unsubscribe("A").unwrap();
            xpub.send(["A", "tick"]).await.unwrap();
            for sub in &subs {
                let received = sim::timeout(secs(1), sub.recv()).await;
                assert_eq!(received.expect("it arrives").unwrap()[1], "tick");
            }

            // Of what was asked for and taken back before it was answered nothing is left either.
            for sub in &subs {
                sub.subscribe("B").unwrap();
                assert_eq!(xpub.recv().await.unwrap()[0], "\u{1}B");
                xpub.subscribe("B").unwrap();
            }
            subs[1].unsubscribe("B").unwrap();
            assert_eq!(xpub.recv().await.unwrap()[0], "\u{0}B");
            let _ = xpub.unsubscribe("B").unwrap();
            xpub.send(["B", "tick"]).await.unwrap();
            let received = sim::timeout(secs(1), subs[0].recv()).await;
            assert_eq!(received.expect("it arrives").unwrap()[1], "tick");
        });
    }
}

/// A subscriber that a send waits for goes away: the send goes on.
#[test]
fn nodrop_does_not_wait_for_the_dead() {
    for cut in CUTS {
        let sim = quick_network(1);
        sim.block_on(async {
            let options = quick().with_send_hwm(5).with_xpub_nodrop(true);
            let (publisher, subs) = three(options, true).await;
            publisher.wait_for_subscribers("", 3).await.unwrap();
            stall_last(&sim, 0);
            while publisher.try_send("x").is_ok() {}
            let last = sim.network().links().iter().map(|link| link.id).max().unwrap();
            sim.network().refuse(SERVER);
            sim.network().cut(last, cut);
            sim::timeout(secs(1), publisher.send("last")).await.expect("it goes on").unwrap();
            for sub in &subs[..2] {
                while sub.recv().await.unwrap()[0] != "last" {}
            }
            let stats = publisher.stats();
            assert_eq!((stats.dropped(DropCause::PeerLost), stats.peers.len()), (5, 2));
            assert_balanced(&stats);
        });
    }
}

/// A message holds its permit until the last subscriber has it.
#[test]
fn permits_are_held_for_the_slowest() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let cost = 3000 + Frame::COST;
        let budget = SemaphorePermits::new(4 * cost - 1);
        let (publisher, subs) = three(without_heartbeats(), true).await;
        publisher.wait_for_subscribers("", 3).await.unwrap();
        let publisher = publisher.with_permits(budget.clone());
        stall_last(&sim, 0);
        for n in 1..=3 {
            publisher.send(vec![0; 3000]).await.unwrap();
            for sub in &subs[..2] {
                sub.recv().await.unwrap();
            }
            assert_eq!(budget.in_use(), n * cost);
        }
        assert!(publisher.try_send(vec![0; 3000]).is_err());
        stall_last(&sim, 1 << 16);
        for _ in 0..3 {
            subs[2].recv().await.unwrap();
        }
        assert_eq!(budget.in_use(), 0);
    });
}

/// Encoded once for all or by each connection, it is the same on the wire.
#[test]
fn every_peer_gets_the_same_bytes() {
    Sim::new(1).block_on(async {
        let publisher = Pub::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
        let mut raws = Vec::new();
        for count in 1..=3 {
            let mut raw = sim::raw_connect(SERVER).await.unwrap();
            shake(&mut raw, "SUB").await;
            raw.write_all(&[0, 1, 1]).await.unwrap();
            publisher.wait_for_subscribers("", count).await.unwrap();
            raws.push(raw);
            for size in [0, 1, 62, 63, 255, 256, 2000, 4086, 4087, 4096, 5000] {
                for frames in [1, 2, 7] {
                    let message: Message = (0..frames).map(|n| vec![n as u8; size]).collect();
                    publisher.send(message).await.unwrap();
                    let mut expected = Vec::new();
                    for n in 0..frames {
                        let more = u8::from(n + 1 < frames);
                        match u8::try_from(size) {
                            Ok(len) => expected.extend([more, len]),
                            Err(_) => {
                                expected.push(more | 2);
                                expected.extend((size as u64).to_be_bytes());
                            }
                        }
                        expected.extend(vec![n as u8; size]);
                    }
                    for raw in &mut raws {
                        let mut bytes = vec![0; expected.len()];
                        raw.read_exact(&mut bytes).await.unwrap();
                        assert!(bytes == expected, "{frames} frames of {size} to {count}");
                    }
                }
            }
        }
        assert_balanced(&publisher.stats());
    });
}
