//! Busy loops and busy peers leave the others their share.

use std::cell::Cell;
use std::rc::Rc;

use super::support::*;

/// A task that wants to run all the time, and how often it could.
fn busy_neighbour() -> (Rc<Cell<u32>>, sim::JoinHandle<()>) {
    let turns = Rc::new(Cell::new(0));
    let counting = Rc::clone(&turns);
    let task = sim::spawn(async move {
        loop {
            counting.set(counting.get() + 1);
            sim::yield_now().await;
        }
    });
    (turns, task)
}

/// Tasks take turns in order.
fn fair() -> Sim {
    Sim::with_config(1, SimConfig::new().with_order(sim::TaskOrder::Fifo))
}

fn unlimited() -> SocketOptions {
    without_heartbeats().with_unlimited_send_hwm().with_unlimited_recv_hwm()
}

#[test]
fn a_loop_of_sends_that_never_wait_gives_way() {
    fair().block_on(async {
        let (push, _pull) = pipeline(unlimited(), unlimited()).await;
        let (turns, task) = busy_neighbour();
        for _ in 0..10_000 {
            push.send("x").await.unwrap();
        }
        task.abort();
        assert!(turns.get() >= 5, "{}", turns.get());
    });
}

#[test]
fn a_loop_of_receives_that_never_wait_gives_way() {
    for size in [1, 1_000] {
        fair().block_on(async {
            let (push, pull) = pipeline(unlimited(), unlimited()).await;
            for _ in 0..10_000 {
                push.send(vec![7; size]).await.unwrap();
            }
            sim::sleep(secs(1)).await;
            assert_eq!(pull.stats().recv_queued + pull.stats().delivered, pull.stats().received);
            let (turns, task) = busy_neighbour();
            for _ in 0..10_000 {
                pull.recv().await.unwrap();
            }
            task.abort();
            assert!(turns.get() >= 5, "{} with {size} bytes", turns.get());
        });
    }
}

/// What is read at once may be of one peer; then it is the turn of the next.
#[test]
fn a_flood_does_not_starve_a_quiet_peer() {
    for size in [10, 1_000, 100_000] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let pull = Pull::bind_with_options(SERVER, without_heartbeats().with_recv_hwm(10)).await.unwrap();
            let flood = Push::connect_with_options(SERVER, unlimited()).await.unwrap();
            let quiet = Push::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
            let flooding = sim::spawn(async move {
                loop {
                    flood.send(vec![0; size]).await.unwrap();
                    sim::sleep(std::time::Duration::from_micros(2)).await;
                }
            });
            sim::sleep(ms(10)).await;
            for _ in 0..20 {
                quiet.send("quiet").await.unwrap();
                sim::sleep(ms(1)).await;
                let mut between = 0;
                while pull.recv().await.unwrap()[0] != "quiet" {
                    between += size;
                }
                // The marks' worth that was read ahead, and one read.
                assert!(between <= 10 * size + 64 * 1024 + size, "{between} bytes in between");
            }
            flooding.abort();
        });
    }
}

/// A flood of small messages or of commands, in one read, gives a quiet peer its turn soon.
#[test]
fn a_quiet_peer_has_its_turn_beside_a_flood_in_one_read() {
    let small = [0, 0].repeat(16_000);
    let ping = b"\x04\x07\x04PING\0\0".repeat(3_000);
    let unknown = b"\x04\x02\x01x".repeat(8_000);
    for flood in [small, ping, unknown] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let pull = Pull::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
            let quiet = Push::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
            let mut hostile = sim::raw_connect(SERVER).await.unwrap();
            hostile.write_all(&crate::stalled::opening("PUSH", b"")).await.unwrap();
            pull.wait_for_peers(2).await.unwrap();
            let flooding = async {
                hostile.write_all(&flood).await.unwrap();
                hostile.write_all(b"\0\x05flood").await.unwrap();
            };
            let receiving = async {
                quiet.send("quiet").await.unwrap();
                let mut before = 0;
                while pull.recv().await.unwrap()[0] != "quiet" {
                    before += 1;
                }
                assert!(before <= 2 * 64, "{before} messages of the flood came first");
            };
            futures_util::future::join(flooding, receiving).await;
        });
    }
}

/// Who has had nothing until now comes before those that have had a turn and have more.
#[test]
fn a_quiet_peer_does_not_wait_for_a_turn_of_each_of_many_floods() {
    Sim::new(1).block_on(async {
        let pull = Pull::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
        let quiet = Push::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        let mut floods = Vec::new();
        for _ in 0..50 {
            let mut hostile = sim::raw_connect(SERVER).await.unwrap();
            hostile.write_all(&crate::stalled::opening("PUSH", b"")).await.unwrap();
            hostile.write_all(&[0; 32 * 1024]).await.unwrap();
            floods.push(hostile);
        }
        for _ in 0..20 {
            for _ in 0..5_000 {
                pull.recv().await.unwrap();
            }
            quiet.send("quiet").await.unwrap();
            sim::sleep(ms(1)).await;
            let mut before = 0;
            while pull.recv().await.unwrap()[0] != "quiet" {
                before += 1;
            }
            // Some turns of 64, and not one of each flood, or all that was read ahead of them.
            assert!(before <= 4 * 64, "{before} messages of floods came first");
        }
    });
}

/// Connections that leave thousands of messages and end as soon as they are answered, one after the other: the
/// living have their turn, be it while the application receives all the time, or comes after all was read ahead.
#[test]
fn what_ended_connections_have_left_leaves_the_living_their_turn() {
    for arrives in [ms(1), ms(100)] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let options = without_heartbeats().with_recv_hwm(100);
            let router = Router::bind_with_options(SERVER, options).await.unwrap();
            let quiet = Dealer::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
            let leaving: [_; 4] = std::array::from_fn(|_| {
                sim::spawn(async {
                    loop {
                        let mut hostile = sim::raw_connect(SERVER).await.unwrap();
                        shake(&mut hostile, "DEALER").await;
                        hostile.write_all(&[0; 32 * 1024]).await.unwrap();
                        let _answered = frame(&mut hostile).await;
                    }
                })
            });
            // Answers everything; whether it was the quiet peer's.
            let serve = async || {
                let message = router.recv().await.unwrap();
                let quiet = message[1] == "quiet";
                router.send(message).await.unwrap();
                quiet
            };
            for _ in 0..20_000 {
                serve().await;
            }
            for _ in 0..20 {
                sim::sleep(ms(100)).await;
                quiet.send("quiet").await.unwrap();
                sim::sleep(arrives).await;
                let mut before = 0;
                while !serve().await {
                    before += 1;
                    assert!(before <= 3_000, "no turn among {before} messages");
                }
                assert_eq!(quiet.recv().await.unwrap()[0], "quiet");
            }
            assert!(router.stats().disconnects() > 3, "{:?}", router.stats());
            leaving.iter().for_each(sim::JoinHandle::abort);
        });
    }
}
