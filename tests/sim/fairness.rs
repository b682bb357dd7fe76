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
                assert!(between <= 10 * size + 32 * 1024 + size, "{between} bytes in between");
            }
            flooding.abort();
        });
    }
}
