//! Retry budgets, and delays from a function of the user's own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::support::*;

const FLEET: usize = 200;

/// What comes of a fleet whose server is gone for a minute, and of its budget.
struct Outage {
    /// Attempts to reconnect in that minute.
    attempts: u64,
    /// Delays of those that were put off, as one of them was told.
    put_off: Vec<Duration>,
}

fn attempts(fleet: &[Push]) -> u64 {
    fleet.iter().map(|push| push.stats().endpoints[0].attempts).sum()
}

async fn outage(options: SocketOptions) -> Outage {
    let server = Pull::bind(SERVER).await.unwrap();
    let mut fleet = Vec::new();
    for _ in 0..FLEET {
        fleet.push(Push::connect_with_options(SERVER, options.clone()).await.unwrap());
    }
    server.wait_for_peers(FLEET).await.unwrap();
    let mut monitor = fleet[0].monitor();
    server.close().await;
    let before = attempts(&fleet);
    sim::sleep(secs(60)).await;
    let made = attempts(&fleet) - before;
    for push in &fleet {
        let stats = push.stats();
        assert!(stats.endpoints[0].attempts - stats.endpoints[0].failed_attempts <= 2, "only attempts fail");
        assert!(!stats.endpoints[0].stopped);
    }
    let mut put_off = Vec::new();
    while let Some(event) = monitor.try_next() {
        if let SocketEvent::RetryPutOff { delay, endpoint } = event {
            assert_eq!(endpoint, SERVER.parse().unwrap());
            put_off.push(delay);
        }
    }
    let server = Pull::bind(SERVER).await.unwrap();
    sim::timeout(secs(120), server.wait_for_peers(FLEET)).await.expect("all come back").unwrap();
    Outage { attempts: made, put_off }
}

/// A server that crashes is not stormed by those who share a budget, and all of them come back to it.
#[test]
fn a_fleet_spends_what_its_budget_has() {
    let options = without_heartbeats().with_backoff(Backoff::new().with_max(secs(4)));
    let (budget, plain) = (RetryBudget::new(20, 2.0), options.clone());
    let shared = options.with_retry_budget(budget.clone());
    let bounded = Sim::new(1).block_on(outage(shared));
    // Full at first, and two more each second.
    assert!(bounded.attempts <= 20 + 2 * 60 + 1, "{}", bounded.attempts);
    assert!(bounded.attempts >= 100, "what there is is used: {}", bounded.attempts);
    assert!(!bounded.put_off.is_empty());
    assert!(bounded.put_off.iter().all(|delay| (secs(3)..=secs(4)).contains(delay)), "{:?}", bounded.put_off);
    let unbounded = Sim::new(1).block_on(outage(plain));
    assert!(unbounded.attempts > 2_000, "{}", unbounded.attempts);
    assert_eq!(unbounded.put_off, []);
}

/// The next delay, as it is announced.
async fn delay(monitor: &mut Monitor) -> Duration {
    event(monitor, |event| match event {
        SocketEvent::RetryIn { delay, .. } => Some(*delay),
        _ => None,
    })
    .await
}

/// A first attempt costs nothing, and one connection pays for a part of a retry.
#[test]
fn connections_pay_for_retries() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let budget = RetryBudget::new(1, 0.0).with_deposit(0.5);
        let options = without_heartbeats().with_retry_budget(budget.clone());
        let server = Pull::bind(SERVER).await.unwrap();
        assert!(budget.withdraw(sim::now()), "empty from now on");
        let first = Push::connect_with_options(SERVER, options.clone()).await.unwrap();
        assert_eq!(budget.available(sim::now()), 0);
        let _second = Push::connect_with_options(SERVER, options).await.unwrap();
        assert_eq!(budget.available(sim::now()), 1);
        server.wait_for_peers(2).await.unwrap();
        let one = server.peers()[0];
        server.disconnect_peer(one).unwrap();
        first.wait_for_peers(1).await.unwrap();
        sim::sleep(secs(5)).await;
        server.wait_for_peers(2).await.unwrap();
        assert_eq!(budget.available(sim::now()), 0, "one was spent, and half of one came in");
    });
}

/// It is told how many attempts have failed, is called without any lock, and what it says is kept to.
#[test]
fn a_function_of_ones_own_says_how_long_to_wait() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let told = Arc::new(Mutex::new(Vec::new()));
        let slot = Arc::new(Mutex::new(None::<Push>));
        let (telling, asking) = (Arc::clone(&told), Arc::clone(&slot));
        let options = without_heartbeats().with_backoff_fn(move |failed| {
            telling.lock().unwrap().push(failed);
            let push = asking.lock().unwrap().clone();
            // Whoever called this under the socket's lock would wait for itself.
            let attempts = push.map_or(0, |push| push.stats().endpoints[0].attempts);
            if attempts == 1 { Duration::ZERO } else { secs(u64::from(failed)) }
        });
        let push = Push::new(options).unwrap();
        *slot.lock().unwrap() = Some(push.clone());
        let mut monitor = push.monitor();
        push.connect_to(SERVER).unwrap();
        for expected in [ms(1), secs(1), secs(2), secs(3)] {
            assert_eq!(delay(&mut monitor).await, expected);
        }
        let server = Pull::bind(SERVER).await.unwrap();
        push.wait_for_peers(1).await.unwrap();
        // Long enough to have been of use.
        sim::sleep(secs(10)).await;
        server.close().await;
        for expected in [ms(1), secs(1)] {
            assert_eq!(delay(&mut monitor).await, expected);
        }
        assert_eq!(*told.lock().unwrap(), [0, 1, 2, 3, 0, 1]);
        slot.lock().unwrap().take();
    });
}

/// One that panics has the delays of the backoff, and costs the socket nothing.
#[test]
fn a_function_that_panics_leaves_the_socket_whole() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        let options =
            without_heartbeats().with_backoff(Backoff::new().with_jitter(0.0)).with_backoff_fn(move |_| {
                match counted.fetch_add(1, Ordering::Relaxed) {
                    1 => secs(7),
                    _ => panic!("on purpose"),
                }
            });
        let push = Push::new(options).unwrap();
        let mut monitor = push.monitor();
        push.connect_to(SERVER).unwrap();
        for expected in [ms(100), secs(7), ms(400)] {
            assert_eq!(delay(&mut monitor).await, expected);
        }
        let server = Pull::bind(SERVER).await.unwrap();
        push.send("still there").await.unwrap();
        assert_eq!(server.recv().await.unwrap()[0], "still there");
        assert_eq!(calls.load(Ordering::Relaxed), 3);
        assert_balanced(&push.stats());
    });
}
