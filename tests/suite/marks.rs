//! High-water marks, byte permits, waiting and failing.

use super::rt::{self, *};

/// A DEALER connected to a peer that never reads, with the kernel's buffers full.
async fn stuck(options: SocketOptions) -> (rt::StalledPeer, DealerSocket) {
    let peer = rt::stalled_peer();
    let dealer = DealerSocket::connect_with_options(peer.endpoint(), options).await.unwrap();
    let fill = rt::timeout(std::time::Duration::from_millis(300), async {
        loop {
            dealer.send(vec![0; 100_000]).await.unwrap();
        }
    });
    assert!(fill.await.is_none(), "the kernel takes no more");
    (peer, dealer)
}

#[test]
fn a_full_peer_holds_exactly_the_mark() {
    rt::run(async {
        let (peer, dealer) = stuck(SocketOptions::default().with_send_hwm(7)).await;
        assert_eq!(dealer.buffered_messages(), 7);
        let refused = dealer.try_send("x").unwrap_err();
        assert!(matches!(refused.error(), Error::WouldBlock));
        assert_eq!(refused.into_message()[0], "x");
        // One message out makes room for one.
        let before = dealer.stats().sent;
        let reader = std::thread::spawn(move || {
            let mut stream = peer.stream();
            let mut some = vec![0; 10_000_000];
            std::io::Read::read_exact(&mut stream, &mut some[..1_000_000]).unwrap();
            (peer, stream)
        });
        dealer.send("y").await.unwrap();
        assert!(dealer.stats().sent > before);
        assert!(dealer.buffered_messages() <= 7);
        drop(reader.join().unwrap());
    });
}

#[test]
fn the_byte_mark_is_exact_and_admits_a_giant_alone() {
    rt::run(async {
        let mark = 1000 + 2 * Frame::COST;
        let options =
            SocketOptions::default().with_send_hwm_bytes(mark).with_flush_policy(FlushPolicy::Manual);
        let (_router, dealer) = {
            let router = RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
            let endpoint = router.local_endpoint().unwrap();
            (router, DealerSocket::connect_with_options(endpoint, options).await.unwrap())
        };
        dealer.send_buffered(vec![0; 600]).unwrap();
        assert!(dealer.send_buffered(vec![0; 401]).is_err());
        dealer.send_buffered(vec![0; 400]).unwrap();
        assert_eq!(dealer.buffered_bytes(), mark);
        dealer.flush().await.unwrap();
        dealer.send_buffered(vec![0; 5000]).unwrap();
        assert!(dealer.send_buffered([0]).is_err());
    });
}

#[test]
fn messages_wait_in_the_socket_only_where_it_dials() {
    rt::run(async {
        let options = SocketOptions::default().with_send_hwm(3);
        let nowhere = "tcp://127.0.0.1:1";
        let dialing = PushSocket::connect_with_reconnect_and_options(nowhere, options.clone());
        let dialing = dialing.await.unwrap();
        assert_eq!((0..10).take_while(|_| dialing.try_send("x").is_ok()).count(), 3);

        let binding = PushSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        assert!(matches!(binding.try_send("x").unwrap_err().error(), Error::WouldBlock));
        let pull = PullSocket::connect(binding.local_endpoint().unwrap()).await.unwrap();
        binding.send("x").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "x");
    });
}

#[test]
fn a_reservation_cannot_fail() {
    rt::run(async {
        let options = SocketOptions::default().with_send_hwm(1).with_flush_policy(FlushPolicy::Manual);
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let push = PushSocket::connect_with_options(endpoint, options).await.unwrap();
        let permit = push.reserve(10).await.unwrap();
        assert_eq!(push.buffered_messages(), 0);
        assert!(push.try_send("y").is_err(), "the room is taken");
        permit.send("x").unwrap();
        push.flush().await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "x");
        let refused = push.reserve(1).await.unwrap().send("too large").unwrap_err();
        assert!(matches!(refused.error(), Error::MessageTooLarge { size: 9, max: 1 }));
        push.send_buffered("after").unwrap();
    });
}

#[test]
fn a_reservation_is_for_so_many_frames() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let budget = SemaphorePermits::new(10_000);
        let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        let push = push.with_permits(budget.clone());
        let refused = push.reserve(100).await.unwrap().send(("two", "frames")).unwrap_err();
        assert!(matches!(refused.error(), Error::TooManyFrames { frames: 2, max: 1 }));
        assert_eq!((budget.in_use(), refused.into_message().len()), (0, 2));
        let permit = push.reserve_frames(9, 2).await.unwrap();
        assert_eq!(budget.in_use(), 9 + 2 * Frame::COST);
        permit.send(("two", "frames")).unwrap();
        assert_eq!(pull.recv().await.unwrap(), Message::from(["two", "frames"]));
        push.flush().await.unwrap();
        assert_eq!(budget.in_use(), 0);
    });
}

/// The one exception: there is no socket any more.
#[test]
fn a_reservation_does_not_outlive_its_socket() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let budget = SemaphorePermits::new(1_000);
        let push = PushSocket::connect(endpoint).await.unwrap().with_permits(budget.clone());
        let permit = push.reserve(10).await.unwrap();
        assert_eq!(push.close().await, 0);
        let refused = permit.send("late").unwrap_err();
        assert!(matches!(refused.error(), Error::Closed));
        assert_eq!(refused.into_message(), "late".into());
        let stats = push.stats();
        assert_eq!((stats.accepted, stats.queued, stats.dropped_total()), (0, 0, 0));
        assert_eq!((push.close().await, budget.in_use()), (0, 0));

        // While it closes: what was accepted before is still waited for, and nothing is added.
        let linger = SocketOptions::default().with_linger(std::time::Duration::ZERO);
        let away = PushSocket::connect_with_reconnect_and_options("tcp://127.0.0.1:1", linger).await.unwrap();
        away.send("waits").await.unwrap();
        let permit = away.reserve(10).await.unwrap();
        let mut closing = Box::pin(away.close());
        assert!(futures_util::poll!(closing.as_mut()).is_pending());
        assert!(matches!(permit.send("late").unwrap_err().error(), Error::Closed));
        assert_eq!(closing.await, 1);
        let stats = away.stats();
        assert_eq!((stats.accepted, stats.queued, stats.dropped(DropCause::Closed)), (1, 0, 1));
    });
}

/// libzmq#2348, PR#4665: such a send was stuck when the full peer went away.
#[test]
fn a_mandatory_router_waits_for_the_addressee_and_for_nobody_else() {
    rt::run(async {
        let options = SocketOptions::default().with_send_hwm(1).with_router_mandatory(true);
        let router = RouterSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let quick_options = SocketOptions::default().with_identity("quick");
        let quick = DealerSocket::connect_with_options(&endpoint, quick_options).await.unwrap();
        let slow = rt::dealer_that_never_reads(&endpoint, b"slow");
        router.wait_for_peers(2).await.unwrap();
        let fill = rt::timeout(std::time::Duration::from_millis(300), async {
            loop {
                router.send_to("slow", vec![0; 1_000_000]).await.unwrap();
            }
        });
        assert!(fill.await.is_none());
        for n in 0..100_u8 {
            router.send_to("quick", [n]).await.unwrap();
            assert_eq!(quick.recv().await.unwrap()[0], [n]);
        }
        // A send that waits for a full peer ends when that peer goes away.
        let (refused, ()) = futures_util::future::join(router.send_to("slow", vec![0; 1_000_000]), async {
            // Unread bytes make this a reset.
            drop(slow);
        })
        .await;
        assert!(matches!(refused.unwrap_err().error(), Error::Unroutable));
        assert!(router.stats().dropped(DropCause::PeerLost) > 0);
    });
}

/// libzmq's way: what cannot be delivered is dropped, and, unlike there, counted.
#[test]
fn a_router_drops_and_counts() {
    rt::run(async {
        let options = SocketOptions::default().with_send_hwm(1);
        let router = RouterSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let slow = rt::dealer_that_never_reads(&router.local_endpoint().unwrap(), b"slow");
        router.wait_for_peers(1).await.unwrap();
        while router.stats().dropped(DropCause::PeerFull) < 3 {
            router.send_to("slow", vec![0; 1_000_000]).await.unwrap();
        }
        router.send_to("nobody", "x").await.unwrap();
        let stats = router.stats();
        assert_eq!((stats.dropped(DropCause::Unroutable), stats.dropped_total()), (1, 4));
        assert_eq!(stats.accepted, stats.sent + stats.queued + stats.dropped_total());
        assert!(stats.queued <= 1);
        drop(slow);
    });
}

#[test]
fn sockets_share_a_budget() {
    rt::run(async {
        let budget = SemaphorePermits::new(1000 + 2 * Frame::COST);
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let options = SocketOptions::default().with_flush_policy(FlushPolicy::Manual);
        let mut sockets = Vec::new();
        for _ in 0..3 {
            let push = PushSocket::connect_with_options(&endpoint, options.clone()).await.unwrap();
            sockets.push(push.with_permits(budget.clone()));
        }
        sockets[0].send_buffered(vec![0; 600]).unwrap();
        sockets[1].send_buffered(vec![0; 400]).unwrap();
        assert_eq!(budget.available(), 0);
        assert!(sockets[2].send_buffered([0]).is_err());
        // The third waits for a permit, holding no room, until the first has flushed.
        let (sent, flushed) =
            futures_util::future::join(sockets[2].feed(vec![0; 500]), sockets[0].flush()).await;
        sent.unwrap();
        flushed.unwrap();
        assert_eq!(budget.available(), 100);
        drop(sockets);
    });
}

/// Small messages of a burst take their bytes from what was acquired ahead, of their own budget, and what is
/// left of it comes back.
#[test]
fn a_burst_acquires_ahead_and_gives_back() {
    const SIZE: usize = 100;
    const BUDGET: usize = 64 * 1024 * 1024;
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        let (one, other) = (SemaphorePermits::new(BUDGET), SemaphorePermits::new(BUDGET));
        let first = push.clone().with_permits(one.clone());
        let second = push.with_permits(other.clone());
        let (mut most, mut refused) = (0, 0);
        for n in 1..=10_000_usize {
            first.send(vec![1; SIZE]).await.unwrap();
            if n % 3 == 0 {
                second.send(vec![2; SIZE]).await.unwrap();
            }
            most = most.max(one.in_use());
            refused += usize::from(one.in_use() > n * (SIZE + Frame::COST) + 16 * 1024);
        }
        assert!(most > SIZE, "{most} bytes at most");
        assert_eq!(refused, 0);
        for _ in 0..13_333 {
            pull.recv().await.unwrap();
        }
        first.flush().await.unwrap();
        assert_eq!((one.in_use(), other.in_use()), (0, 0));
    });
}

/// Types that take turns go on after a message of theirs was dropped.
#[test]
fn turns_go_on_after_a_drop() {
    rt::run(async {
        let options = || {
            SocketOptions::default()
                .with_on_full(OnFull::Drop)
                .with_send_hwm(1)
                .with_flush_policy(FlushPolicy::Manual)
        };
        let rep = RepSocket::bind_with_options("tcp://127.0.0.1:0", options()).await.unwrap();
        let dealer = DealerSocket::connect(rep.local_endpoint().unwrap()).await.unwrap();
        for n in 0..3_u8 {
            dealer.send([&[][..], &[n]]).await.unwrap();
        }
        for n in 0..3_u8 {
            assert_eq!(rep.recv().await.unwrap()[0], [n]);
            rep.send([n]).await.unwrap();
        }
        assert_eq!(rep.stats().dropped(DropCause::PeerFull), 2);
        rep.flush().await.unwrap();
        assert_eq!(dealer.recv().await.unwrap()[1], [0]);

        let router = RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let relaxed = options().with_req_relaxed(true).with_req_correlate(true);
        let req = ReqSocket::connect_with_options(router.local_endpoint().unwrap(), relaxed).await.unwrap();
        req.send("queued").await.unwrap();
        req.send("dropped").await.unwrap();
        assert_eq!(req.stats().dropped(DropCause::PeerFull), 1);
        assert!(matches!(req.recv().await.unwrap_err(), Error::PeerLost));
        req.flush().await.unwrap();
        req.send("another").await.unwrap();
        req.flush().await.unwrap();
        assert_eq!(router.recv().await.unwrap()[3], "queued");
        assert_eq!(router.recv().await.unwrap()[3], "another");
    });
}

/// An XSUB sends to all its peers, and what that means at a mark is for the option to say.
#[test]
fn an_xsub_at_the_mark() {
    rt::run(async {
        for (on_full, refused) in [(None, false), (Some(OnFull::Drop), false), (Some(OnFull::Fail), true)] {
            let options = SocketOptions::default()
                .with_on_full(on_full)
                .with_send_hwm(1)
                .with_flush_policy(FlushPolicy::Manual);
            let publisher = XPubSocket::bind("tcp://127.0.0.1:0").await.unwrap();
            let other = XPubSocket::bind("tcp://127.0.0.1:0").await.unwrap();
            let xsub = XSubSocket::new(options).unwrap();
            xsub.connect_to(publisher.local_endpoint().unwrap()).unwrap();
            xsub.wait_for_peers(1).await.unwrap();
            xsub.send("first").await.unwrap();
            xsub.connect_to(other.local_endpoint().unwrap()).unwrap();
            xsub.wait_for_peers(2).await.unwrap();
            let second = xsub.send("second").await;
            assert_eq!(second.is_err(), refused);
            if let Err(error) = second {
                assert!(matches!(error.error(), Error::Full));
            }
            assert_eq!(xsub.stats().dropped(DropCause::PeerFull), u64::from(!refused));
            // Subscriptions are outside of the mark.
            xsub.send("\x01topic").await.unwrap();
            xsub.flush().await.unwrap();
            let mut got = [publisher.recv().await.unwrap(), publisher.recv().await.unwrap()];
            got.sort_by_key(|message| message[0].len());
            assert_eq!(got, ["first".into(), "\x01topic".into()]);
            let expected = if refused { "\x01topic" } else { "second" };
            assert_eq!(other.recv().await.unwrap()[0], expected);
        }
    });
}

/// What peers that are gone have left, up to the mark, keeps nobody from connecting.
#[test]
fn a_handshake_is_no_message() {
    rt::run(async {
        let options = SocketOptions::default().with_recv_hwm(3);
        let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        for _ in 0..3 {
            let push = PushSocket::connect(&endpoint).await.unwrap();
            push.send("left").await.unwrap();
            assert_eq!(push.close().await, 0);
            while !pull.peers().is_empty() {
                rt::yield_now().await;
            }
        }
        assert_eq!(pull.stats().recv_queued, 3);
        let push = PushSocket::connect(&endpoint).await.unwrap();
        push.send("new").await.unwrap();
        for expected in ["left", "left", "left", "new"] {
            assert_eq!(pull.recv().await.unwrap()[0], expected);
        }
    });
}
