//! Companions that panic or are aborted, and callers that panic: every waiter is told, nothing hangs.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use monocoque::socket;

use super::fragile::{self, At, Stream};
use super::support::*;

type FragileDealer = socket::DealerSocket<Stream>;
type FragilePush = socket::PushSocket<Stream>;

/// All calls that can wait, each in a task of its own, and what they end with.
fn wait_in_every_call(dealer: &FragileDealer) -> Vec<sim::JoinHandle<Error>> {
    let handle = || dealer.clone();
    let (a, b, c, d, e, f, g, h) =
        (handle(), handle(), handle(), handle(), handle(), handle(), handle(), handle());
    vec![
        sim::spawn(async move { a.send("x").await.unwrap_err().into() }),
        sim::spawn(async move { b.recv().await.unwrap_err() }),
        sim::spawn(async move { c.reserve(1).await.unwrap_err() }),
        sim::spawn(async move { d.feed("x").await.unwrap_err().into() }),
        sim::spawn(async move { e.wait_for_peers(9).await.unwrap_err() }),
        sim::spawn(async move { f.recv_many(&mut Vec::new(), 3).await.unwrap_err() }),
        sim::spawn(async move { g.flush().await.unwrap_err() }),
        sim::spawn(async move { h.recv_with_reconnect().await.unwrap_err() }),
    ]
}

/// A DEALER at its mark, connected to a peer that the test plays and that reads nothing.
async fn at_its_mark(sim: &Sim) -> (FragileDealer, RawStream) {
    let mut listener = sim::raw_listen(SERVER).await.unwrap();
    let options = SocketOptions::default().with_send_hwm(1);
    let dealer = FragileDealer::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
    let mut peer = listener.accept().await.unwrap();
    shake(&mut peer, "ROUTER").await;
    dealer.wait_for_peers(1).await.unwrap();
    sim.network().set_capacity(peer.link(), Direction::ToServer, 0);
    dealer.send("queued").await.unwrap();
    (dealer, peer)
}

async fn assert_all_told(dealer: &FragileDealer, waiting: Vec<sim::JoinHandle<Error>>, mut monitor: Monitor) {
    for task in waiting {
        let error = sim::timeout(secs(1), task).await.expect("nobody waits for ever").unwrap();
        assert!(matches!(error, Error::CompanionGone), "{error}");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }
    event(&mut monitor, |event| matches!(event, SocketEvent::CompanionGone).then_some(())).await;
    assert!(monitor.next().await.is_none());
    assert!(matches!(dealer.try_send("x").unwrap_err().error(), Error::CompanionGone));
    assert!(matches!(dealer.try_recv(), Err(Error::CompanionGone)));
    assert!(matches!(dealer.bind_to("tcp://other:1").await, Err(Error::CompanionGone)));
    assert!(matches!(dealer.connect_to(SERVER), Err(Error::CompanionGone)));
    let stats = dealer.stats();
    assert_balanced(&stats);
    assert_eq!((stats.queued, stats.dropped(DropCause::CompanionGone)), (0, 1));
    assert_eq!(dealer.close().await, 1);
}

#[test]
fn an_aborted_companion_is_missed_by_everybody() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (dealer, _peer) = at_its_mark(&sim).await;
        let monitor = dealer.monitor();
        let waiting = wait_in_every_call(&dealer);
        sim::sleep(ms(1)).await;
        assert!(waiting.iter().all(|task| !task.is_finished()));
        fragile::companions().iter().for_each(sim::JoinHandle::abort);
        assert_all_told(&dealer, waiting, monitor).await;
    });
}

/// Inside of the socket's lock (reading), and outside of it (sleeping).
#[test]
fn a_companion_that_panics_is_missed_by_everybody() {
    for at in [At::Read, At::Sleep] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let (dealer, mut peer) = at_its_mark(&sim).await;
            let monitor = dealer.monitor();
            // A `recv` would be the one to read; the rest waits.
            let mut waiting = wait_in_every_call(&dealer);
            sim::sleep(ms(1)).await;
            if at == At::Read {
                for reader in [7, 5, 1] {
                    waiting.remove(reader).abort();
                }
                sim::sleep(ms(1)).await;
                peer.write_all(b"\x00\x01x").await.unwrap();
            }
            fragile::panic_at(at);
            let companion = fragile::companions().remove(0);
            assert!(companion.await.unwrap_err().try_into_panic().is_ok(), "it was the companion");
            assert_all_told(&dealer, waiting, monitor).await;
        });
    }
}

/// While a socket is being opened.
#[test]
fn a_companion_that_panics_fails_the_opening() {
    for at in [At::Connect, At::Accept] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let _listener = sim::raw_listen(SERVER).await.unwrap();
            fragile::panic_at(at);
            let result = match at {
                At::Connect => FragilePush::connect(SERVER).await,
                _ => FragilePush::bind("tcp://other:1").await,
            };
            assert!(matches!(result, Err(Error::CompanionGone)), "{result:?}");
            drop(fragile::companions().remove(0).await);
        });
    }
}

/// A panic inside of a caller's write is the caller's; it costs that one connection, and the socket goes
/// on with the next. What was half written goes out again whole.
#[test]
fn a_caller_that_panics_in_a_write_costs_the_connection_only() {
    for on_cancel in [OnCancel::Resume, OnCancel::Poison] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let pull = Pull::bind_with_options(SERVER, quick()).await.unwrap();
            let options = quick().with_on_cancel(on_cancel).with_flush_policy(FlushPolicy::Eager);
            let push = FragilePush::connect_with_options(SERVER, options).await.unwrap();
            push.send("before").await.unwrap();
            sim.network().set_capacity(sim.network().links()[0].id, Direction::ToServer, 100);
            fragile::panic_at(At::Write);
            let sent = AssertUnwindSafe(push.send(vec![7; 1000])).catch_unwind().await;
            assert!(sent.is_err(), "the panic is not swallowed");
            push.send("after").await.unwrap();
            push.flush().await.unwrap();
            assert_eq!(pull.recv().await.unwrap()[0], "before");
            let mut received = Vec::new();
            while received.last().is_none_or(|last: &Frame| *last != "after") {
                received.push(pull.recv().await.unwrap().pop_front().unwrap());
            }
            assert!(received.len() <= 2 && received[0] == vec![7; 1000] || received.len() == 1);
            let stats = push.stats();
            assert_balanced(&stats);
            assert_eq!((stats.accepted, stats.queued, stats.connects), (3, 0, 2), "{stats:?}");
            assert_eq!(stats.dropped_total(), 0);
        });
    }
}
