//! The same seed, the same run.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use super::*;

/// A session of some clients with echoes, timers and a cut; returns the fingerprint and a trace.
fn session(seed: u64, config: SimConfig) -> (u64, Vec<(u64, usize, Duration)>) {
    let sim = Sim::with_config(seed, config);
    sim.network().on_next_connect(Plan::new().cut_after(Direction::ToClient, 5_000, Cut::Reset));
    let trace = Rc::new(RefCell::new(Vec::new()));
    sim.block_on(async {
        let mut listener = raw_listen(SERVER).await.unwrap();
        let server = spawn(async move {
            loop {
                let mut stream = listener.accept().await.unwrap();
                spawn(async move {
                    let mut buf = [0; 1000];
                    while let Ok(read @ 1..) = stream.read_some(&mut buf).await {
                        if stream.write_all(&buf[..read]).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        let clients: Vec<_> = (0..4)
            .map(|client: u64| {
                let trace = Rc::clone(&trace);
                spawn(async move {
                    let mut stream = raw_connect(SERVER).await.unwrap();
                    stream.write_all(&[client as u8; 9_000]).await?;
                    stream.close()?;
                    let mut buf = [0; 700];
                    loop {
                        let read = stream.read_some(&mut buf).await?;
                        trace.borrow_mut().push((client, read, elapsed()));
                        if read == 0 {
                            return io::Result::Ok(());
                        }
                        sleep(MS / 10).await;
                    }
                })
            })
            .collect();
        let mut failed = 0;
        for client in clients {
            failed += usize::from(client.await.unwrap().is_err());
        }
        assert_eq!(failed, 1, "the one that was cut");
        server.abort();
    });
    (sim.fingerprint(), trace.take())
}

fn rough() -> SimConfig {
    let plan = Plan::new().with_read_chunk(1..=400).with_write_chunk(1..=300);
    SimConfig::new().with_links(plan).with_spurious_wakes(true).with_spurious_pending(true)
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let first = session(1, rough());
    assert_eq!(first, session(1, rough()));
    let other = session(2, rough());
    assert_ne!(first.0, other.0);
    assert_ne!(first.1, other.1);
    let received = |trace: &[(u64, usize, Duration)], client| -> usize {
        trace.iter().filter(|entry| entry.0 == client).map(|entry| entry.1).sum()
    };
    // Whatever the order, the whole bytes come back on the three that were not cut, 5,000 on the other.
    for (_, trace) in [&first, &other] {
        let mut totals = [0, 1, 2, 3].map(|client| received(trace, client));
        totals.sort_unstable();
        assert_eq!(totals, [5_000, 9_000, 9_000, 9_000]);
    }
}

fn order_of_ten(config: SimConfig, seed: u64) -> Vec<usize> {
    let order = Rc::new(RefCell::new(Vec::new()));
    let sim = Sim::with_config(seed, config);
    for index in 0..10 {
        let order = Rc::clone(&order);
        sim.spawn(async move { order.borrow_mut().push(index) });
    }
    sim.advance(MS);
    order.take()
}

#[test]
fn woken_tasks_run_in_order_or_shuffled_by_the_seed() {
    let fifo = SimConfig::new().with_order(TaskOrder::Fifo);
    assert_eq!(order_of_ten(fifo, 1), (0..10).collect::<Vec<_>>());
    let shuffled = order_of_ten(SimConfig::new(), 1);
    assert_eq!(shuffled, order_of_ten(SimConfig::new(), 1));
    assert_ne!(shuffled, order_of_ten(SimConfig::new(), 2));
    let mut sorted = shuffled;
    sorted.sort_unstable();
    assert_eq!(sorted, (0..10).collect::<Vec<_>>());
}

#[test]
fn the_random_numbers_of_the_thread_come_from_the_seed() {
    fastrand::seed(99);
    let outside = fastrand::u64(..);
    fastrand::seed(99);
    let draw = |sim: &Sim| sim.block_on(async { fastrand::u64(..) });
    let (one, same, other) = (Sim::new(1), Sim::new(1), Sim::new(2));
    let (first, second) = (draw(&one), draw(&one));
    assert_ne!(first, second, "the sequence goes on");
    assert_eq!((first, second), (draw(&same), draw(&same)));
    assert_ne!(first, draw(&other));
    assert_eq!(fastrand::u64(..), outside, "nothing changes outside");
}
