//! How connections are tried again.

use super::support::*;

/// The next backoff delay, and when it was announced.
async fn retry(monitor: &mut Monitor) -> std::time::Duration {
    event(monitor, |event| match event {
        SocketEvent::RetryIn { delay, .. } => Some(*delay),
        _ => None,
    })
    .await
}

async fn started(monitor: &mut Monitor) {
    event(monitor, |event| matches!(event, SocketEvent::ConnectStarted { .. }).then_some(())).await;
}

#[track_caller]
fn assert_near(delay: std::time::Duration, base: u64) {
    assert!(
        delay >= ms(base * 3 / 4) && delay <= ms((base * 5 / 4).min(30_000)),
        "{delay:?} around {base} ms"
    );
}

/// 100 ms doubling to 30 s, each spread by a quarter, and kept to.
#[test]
fn delays_double_up_to_the_cap() {
    for seed in 0..20 {
        let sim = Sim::new(seed);
        sim.block_on(async {
            let push = Push::connect_with_reconnect_and_options(SERVER, without_heartbeats()).await.unwrap();
            let mut monitor = push.monitor();
            for base in [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000] {
                let delay = retry(&mut monitor).await;
                assert_near(delay, base);
                let announced = sim.elapsed();
                started(&mut monitor).await;
                assert_eq!(sim.elapsed() - announced, delay);
            }
        });
    }
}

/// Clients that lost the same server do not come back in step.
#[test]
fn delays_are_spread() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let mut delays = Vec::new();
        for _ in 0..20 {
            let push = Push::connect_with_reconnect_and_options(SERVER, without_heartbeats()).await.unwrap();
            delays.push(retry(&mut push.monitor()).await);
        }
        delays.sort_unstable();
        delays.dedup();
        assert_eq!(delays.len(), 20);
        assert!(delays[19] - delays[0] > ms(20), "{delays:?}");
    });
}

/// A peer that accepts and hangs up is a failure like any other, before the handshake or right after it; only
/// a connection that lasts makes delays short.
#[test]
fn only_a_useful_connection_resets_the_delays() {
    let sim = Sim::new(3);
    sim.block_on(async {
        let mut listener = sim::raw_listen(SERVER).await.unwrap();
        let push = Push::connect_with_reconnect_and_options(SERVER, without_heartbeats()).await.unwrap();
        let mut monitor = push.monitor();
        for base in [100, 200, 400] {
            drop(listener.accept().await.unwrap());
            assert_near(retry(&mut monitor).await, base);
        }
        let mut peer = listener.accept().await.unwrap();
        // A greeting is no handshake.
        peer.write_all(&crate::stalled::opening("PULL", b"")[..64]).await.unwrap();
        sim::sleep(ms(10)).await;
        drop(peer);
        assert_near(retry(&mut monitor).await, 800);
        for (lasts, base) in [(ms(900), 1_600), (ms(1_100), 3_200), (secs(6), 100)] {
            let mut peer = listener.accept().await.unwrap();
            shake(&mut peer, "PULL").await;
            push.wait_for_peers(1).await.unwrap();
            sim::sleep(lasts).await;
            drop(peer);
            assert_near(retry(&mut monitor).await, base);
        }
        assert_eq!((push.stats().connects, push.stats().handshakes_failed), (3, 4));
    });
}

#[test]
fn a_black_hole_is_given_connect_timeout() {
    let sim = Sim::new(1);
    sim.network().black_hole(SERVER);
    sim.block_on(async {
        let options = without_heartbeats().with_connect_timeout(secs(2));
        let begun = sim.elapsed();
        let refused = Push::connect_with_options(SERVER, options.clone()).await.unwrap_err();
        assert!(matches!(refused, Error::Timeout(TimeoutKind::Connect)), "{refused}");
        assert_eq!(sim.elapsed() - begun, secs(2));

        let push = Push::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
        let mut monitor = push.monitor();
        for _ in 0..3 {
            started(&mut monitor).await;
            let begun = sim.elapsed();
            retry(&mut monitor).await;
            assert_eq!(sim.elapsed() - begun, secs(2));
        }
        sim.network().allow(SERVER);
        let pull = Pull::bind(SERVER).await.unwrap();
        push.send("x").await.unwrap();
        pull.recv().await.unwrap();
    });
}

/// `connect` has its answer within `connect_timeout`, handshake included.
#[test]
fn connect_is_bounded_by_connect_timeout() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let _listener = sim::raw_listen(SERVER).await.unwrap();
        let options = without_heartbeats().with_connect_timeout(secs(2));
        let begun = sim.elapsed();
        let refused = Push::connect_with_options(SERVER, options).await.unwrap_err();
        assert!(matches!(refused, Error::Timeout(TimeoutKind::Handshake)), "{refused}");
        assert!(sim.elapsed() - begun <= ms(2_001));
        sim::sleep(secs(60)).await;
        assert_eq!(sim.tasks(), 0, "nothing goes on trying");
    });
}

/// Accepting fails for a while, as without descriptors: it is reported, tried again ever more slowly, and
/// recovers.
#[test]
fn failing_accepts_back_off_and_recover() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let pull = Pull::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
        let mut monitor = pull.monitor();
        sim.network().fail_accepts(SERVER, 9);
        let push = Push::connect_with_reconnect_and_options(SERVER, without_heartbeats()).await.unwrap();
        let mut before = None;
        for pause in [10, 20, 40, 80, 160, 320, 640, 1_000, 1_000] {
            let retry_in = event(&mut monitor, |event| match event {
                SocketEvent::AcceptFailed { retry_in, .. } => Some(*retry_in),
                _ => None,
            })
            .await;
            if let Some((at, wait)) = before {
                assert_eq!(sim.elapsed() - at, wait, "the pause is kept to");
            }
            before = Some((sim.elapsed(), retry_in));
            assert_eq!(retry_in, ms(pause));
        }
        push.send("x").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "x");
        // After a success the pauses are short again.
        sim.network().fail_accepts(SERVER, 1);
        let _second = Push::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        let retry_in = event(&mut monitor, |event| match event {
            SocketEvent::AcceptFailed { retry_in, .. } => Some(*retry_in),
            _ => None,
        })
        .await;
        assert_eq!(retry_in, ms(10));
    });
}
