//! Closing, lingering, and sockets whose companion is gone.

use super::support::*;

/// A PUSH with ten messages queued for a peer that the network has stalled.
async fn stuck(sim: &Sim, options: SocketOptions) -> (Push, Pull) {
    let (push, pull) = pipeline(options, without_heartbeats()).await;
    let link = sim.network().links()[0].id;
    sim.network().set_capacity(link, Direction::ToServer, 0);
    for n in 0..10_u32 {
        push.send(n.to_be_bytes()).await.unwrap();
    }
    sim::sleep(ms(1)).await;
    assert_eq!(push.buffered_messages(), 10);
    (push, pull)
}

#[test]
fn close_sends_what_is_queued() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (push, pull) = pipeline(without_heartbeats(), without_heartbeats()).await;
        for n in 0..1000_u32 {
            push.send([&n.to_be_bytes()[..], &[1; 1000]].concat()).await.unwrap();
        }
        let receiver = sim::spawn(async move {
            for n in 0..1000 {
                assert_eq!(number(&pull.recv().await.unwrap()), n);
            }
        });
        assert_eq!(push.close().await, 0);
        receiver.await.unwrap();
        let stats = push.stats();
        assert_eq!((stats.sent, stats.queued, stats.in_doubt), (1000, 0, 0));
        assert!(matches!(push.send("x").await.unwrap_err().error(), Error::Closed));
    });
    sim.advance(secs(60));
    assert_eq!(sim.tasks(), 0);
}

/// It is the socket that ends the connection: that is no loss of the peer, and nobody would receive the reply.
#[test]
fn a_request_whose_reply_is_outstanding_is_not_sent_again() {
    for endpoint in [SERVER, "ipc:///tmp/resent.sock", "inproc://resent"] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let router = Router::bind_with_options(endpoint, without_heartbeats()).await.unwrap();
            let options = without_heartbeats().with_req_resend(true);
            let req = Req::connect_with_options(endpoint, options).await.unwrap();
            req.send("once").await.unwrap();
            assert_eq!(router.recv().await.unwrap()[2], "once");
            assert_eq!(req.close().await, 0);
            sim::sleep(secs(5)).await;
            assert!(matches!(router.try_recv(), Err(Error::WouldBlock)), "{endpoint}");
            let stats = req.stats();
            assert_eq!((stats.accepted, stats.sent, stats.connects), (1, 1, 1));
            assert_balanced(&stats);
        });
    }
}

#[test]
fn linger_zero_drops_at_once_and_counts() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (push, _pull) = stuck(&sim, without_heartbeats().with_linger(ms(0))).await;
        let begun = sim.elapsed();
        assert_eq!(push.close().await, 10);
        assert!(sim.elapsed() - begun <= ms(2));
        let stats = push.stats();
        assert_eq!((stats.dropped(DropCause::Closed), stats.dropped_total()), (10, 10));
        assert_balanced(&stats);
    });
}

#[test]
fn linger_expires_exactly() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (push, _pull) = stuck(&sim, without_heartbeats().with_linger(secs(7))).await;
        let begun = sim.elapsed();
        assert_eq!(push.close().await, 10);
        assert_eq!(sim.elapsed() - begun, secs(7));
        assert_balanced(&push.stats());
    });
}

/// Lingering ends as soon as everything is sent.
#[test]
fn linger_ends_with_the_last_message() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (push, pull) = stuck(&sim, without_heartbeats().with_unlimited_linger()).await;
        let link = sim.network().links()[0].id;
        let closing = push.clone();
        let close = sim::spawn(async move { closing.close().await });
        sim::sleep(secs(3600)).await;
        assert!(!close.is_finished());
        sim.network().set_capacity(link, Direction::ToServer, 1_000);
        assert_eq!(sim::timeout(secs(2), close).await.unwrap().unwrap(), 0);
        for n in 0..10 {
            assert_eq!(number(&pull.recv().await.unwrap()), n);
        }
    });
}

/// Messages that wait for a peer that never came are given the same time.
#[test]
fn linger_waits_for_a_peer() {
    for comes in [false, true] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let options = without_heartbeats().with_linger(secs(10));
            let push = Push::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
            push.send("x").await.unwrap();
            let begun = sim.elapsed();
            let closing = push.clone();
            let close = sim::spawn(async move { closing.close().await });
            sim::sleep(secs(5)).await;
            let pull = if comes { Some(Pull::bind(SERVER).await.unwrap()) } else { None };
            assert_eq!(close.await.unwrap(), u64::from(!comes));
            match pull {
                Some(pull) => assert_eq!(pull.recv().await.unwrap()[0], "x"),
                None => assert_eq!(sim.elapsed() - begun, secs(10)),
            }
        });
    }
}

/// Dropping the last handle closes; a clone keeps the socket open.
#[test]
fn the_last_handle_lingers_in_the_background() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (push, pull) = pipeline(without_heartbeats(), without_heartbeats()).await;
        let clone = push.clone();
        for _ in 0..100 {
            push.send(vec![1; 5_000]).await.unwrap();
        }
        drop(push);
        sim::sleep(secs(60)).await;
        clone.send("last").await.unwrap();
        drop(clone);
        for _ in 0..100 {
            pull.recv().await.unwrap();
        }
        assert_eq!(pull.recv().await.unwrap()[0], "last");
        sim::sleep(secs(2)).await;
        assert_eq!((sim.tasks(), pull.peers().len()), (1, 0), "PULL's own companion is left");
    });
    sim.advance(secs(2));
    assert_eq!(sim.tasks(), 0);
    assert!(sim.network().links().is_empty());
}

#[test]
fn a_dropped_socket_lingers_no_longer_than_linger() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (push, pull) = stuck(&sim, without_heartbeats().with_linger(secs(7))).await;
        drop(push);
        sim::sleep(ms(6_990)).await;
        assert_eq!(sim.tasks(), 2);
        sim::sleep(ms(20)).await;
        assert_eq!(sim.tasks(), 1);
        drop(pull);
    });
    sim.advance(secs(2));
    assert_eq!(sim.tasks(), 0);
}

/// What peers send after `drain` is no drop while the socket drains; closing reads it from their connections, drops it,
/// and counts it as its own doing.
#[test]
fn what_comes_after_drain_is_counted_when_the_socket_closes() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (push, pull) = pipeline(without_heartbeats(), without_heartbeats()).await;
        let mut monitor = pull.monitor();
        push.send("before").await.unwrap();
        sim::sleep(ms(10)).await;
        pull.drain().unwrap();
        for _ in 0..3 {
            push.send("after").await.unwrap();
        }
        sim::sleep(ms(10)).await;
        assert_eq!(pull.recv().await.unwrap()[0], "before");
        assert!(matches!(pull.recv().await, Err(Error::Closed)));
        assert_eq!((push.stats().sent, pull.stats().recv_dropped), (4, 0));
        assert_eq!(pull.close().await, 0);
        let stats = pull.stats();
        assert_eq!((stats.received, stats.recv_dropped, stats.recv_dropped_by(DropCause::Closed)), (4, 3, 3));
        assert_balanced(&stats);
        let told = event(&mut monitor, |event| match event {
            SocketEvent::ReceivedDropped { cause, count, .. } => Some((*cause, *count)),
            _ => None,
        });
        assert_eq!(told.await, (DropCause::Closed, 3));
    });
}

/// Closing ends every call of every handle.
#[test]
fn close_ends_what_other_handles_wait_for() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let dealer = Dealer::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
        let mut monitor = dealer.monitor();
        let handles = [0; 4].map(|_| dealer.clone());
        let [sender, receiver, flusher, waiter] = handles;
        let send = sim::spawn(async move { sender.send("x").await });
        let recv = sim::spawn(async move { receiver.recv().await });
        let wait = sim::spawn(async move { waiter.wait_for_peers(1).await });
        sim::sleep(ms(1)).await;
        assert_eq!(dealer.close().await, 0);
        assert!(matches!(send.await.unwrap().unwrap_err().error(), Error::Closed));
        assert!(matches!(recv.await.unwrap().unwrap_err(), Error::Closed));
        assert!(matches!(wait.await.unwrap().unwrap_err(), Error::Closed));
        assert!(matches!(flusher.flush().await.unwrap_err(), Error::Closed));
        assert_eq!(dealer.close().await, 0, "closing again is no error");
        while monitor.next().await.is_some() {}
        // The endpoint is free.
        Pull::bind(SERVER).await.unwrap();
    });
}

/// A dropped `close` goes on in the background.
#[test]
fn a_dropped_close_goes_on() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (push, pull) = pipeline(without_heartbeats(), without_heartbeats()).await;
        push.send("x").await.unwrap();
        assert!(sim::timeout(ms(0), push.close()).await.is_err());
        assert_eq!(pull.recv().await.unwrap()[0], "x");
        sim::sleep(secs(2)).await;
        assert_eq!(sim.tasks(), 1);
    });
}

/// The runtime ends, and with it the companions: every waiter is woken and told.
#[test]
fn without_its_companion_a_socket_says_so() {
    let sim = Sim::new(1);
    let (push, pull) = sim.block_on(stuck(&sim, without_heartbeats()));
    let dealer = sim.block_on(async { Dealer::bind("tcp://other:1").await.unwrap() });
    let mut monitor = push.monitor();
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let mut waiting = Box::pin(pull.recv());
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
    let mut flushing = Box::pin(push.flush());
    assert!(flushing.as_mut().poll(&mut cx).is_pending());
    let mut sending = Box::pin(dealer.send("x"));
    assert!(sending.as_mut().poll(&mut cx).is_pending());
    let mut watching = Box::pin(dealer.wait_for_peers(1));
    assert!(watching.as_mut().poll(&mut cx).is_pending());
    drop(sim);

    let again = Sim::new(2);
    again.block_on(async {
        assert!(matches!(waiting.await, Err(Error::CompanionGone)));
        assert!(matches!(flushing.await, Err(Error::CompanionGone)));
        assert!(matches!(sending.await.unwrap_err().error(), Error::CompanionGone));
        assert!(matches!(watching.await, Err(Error::CompanionGone)));
        assert!(matches!(push.send("x").await.unwrap_err().error(), Error::CompanionGone));
        assert!(matches!(pull.try_recv(), Err(Error::CompanionGone)));
        let stats = push.stats();
        assert_balanced(&stats);
        assert_eq!((stats.queued, stats.dropped_total()), (0, 10), "{stats:?}");
        event(&mut monitor, |event| matches!(event, SocketEvent::CompanionGone).then_some(())).await;
        assert!(monitor.next().await.is_none());
        assert_eq!(push.close().await, 10);
    });
}
