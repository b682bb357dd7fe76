//! Who decides about peers: in every order of answers and ends.

use std::future::{Future, pending, poll_fn};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use super::support::*;
use monocoque::ProtocolError;
use monocoque::monitor::DisconnectKind;
use monocoque::security::{Claim, Verdict};

/// A server's options, with this authenticator.
fn guarded<V>(authenticator: impl Fn(Claim) -> V + Send + Sync + 'static) -> SocketOptions
where
    V: Future<Output = Verdict> + Send,
{
    without_heartbeats().with_authenticator(authenticator)
}

/// Counts how many live, and how many at once at the most.
#[derive(Default)]
struct Census {
    alive: AtomicUsize,
    most: AtomicUsize,
    begun: AtomicUsize,
}

struct Life(Arc<Census>);

impl Census {
    fn begin(self: &Arc<Self>) -> Life {
        self.begun.fetch_add(1, SeqCst);
        self.most.fetch_max(self.alive.fetch_add(1, SeqCst) + 1, SeqCst);
        Life(Arc::clone(self))
    }

    fn alive(&self) -> usize {
        self.alive.load(SeqCst)
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, SeqCst);
    }
}

/// What opens once, for all.
#[derive(Clone, Default)]
struct Gate(Arc<(AtomicBool, Mutex<Vec<Waker>>)>);

impl Gate {
    fn open(&self) {
        self.0.0.store(true, SeqCst);
        self.0.1.lock().unwrap().drain(..).for_each(Waker::wake);
    }

    async fn passed(&self) {
        poll_fn(|cx| {
            self.0.1.lock().unwrap().push(cx.waker().clone());
            if self.0.0.load(SeqCst) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// An authenticator that never answers.
fn hangs(census: &Arc<Census>) -> SocketOptions {
    let census = Arc::clone(census);
    guarded(move |_| {
        let life = census.begin();
        async move {
            let _life = life;
            pending().await
        }
    })
}

/// An authenticator that accepts behind a gate.
fn waits(gate: &Gate, census: &Arc<Census>) -> SocketOptions {
    let (gate, census) = (gate.clone(), Arc::clone(census));
    guarded(move |_| {
        let (gate, life) = (gate.clone(), census.begin());
        async move {
            let _life = life;
            gate.passed().await;
            Verdict::accept()
        }
    })
}

async fn failure(monitor: &mut Monitor) -> Error {
    event(monitor, |event| match event {
        SocketEvent::HandshakeFailed { cause, .. } => Some(cause.clone()),
        _ => None,
    })
    .await
}

/// A peer that has said its READY before anybody answers.
async fn claims(socket_type: &str, identity: &[u8]) -> RawStream {
    let mut peer = sim::raw_connect(SERVER).await.unwrap();
    peer.write_all(&crate::stalled::opening(socket_type, identity)).await.unwrap();
    peer
}

#[test]
fn whom_it_names_is_told_with_what_it_knows_of_it() {
    Sim::new(1).block_on(async {
        let options = guarded(async |claim: Claim| {
            assert!(claim.accepted && claim.address.is_some());
            assert_eq!(claim.endpoint.as_ref().unwrap().to_string(), SERVER);
            assert_eq!((claim.socket_type, &claim.identity[..]), (monocoque::SocketType::Dealer, &b"me"[..]));
            match claim.property("X-Token") {
                Some(token) if token == "secret" => Verdict::accept_as("ann").with_metadata("role", "admin"),
                _ => Verdict::deny("no token"),
            }
        });
        let router = Router::bind_with_options(SERVER, options).await.unwrap();
        let mut monitor = router.monitor();
        let options = without_heartbeats().with_identity("me").with_metadata("X-Token", "secret");
        let dealer = Dealer::connect_with_options(SERVER, options).await.unwrap();
        dealer.send("hello").await.unwrap();
        let (id, _) = router.recv_with_peer().await.unwrap();
        let peer = router.peer(id).unwrap();
        assert_eq!(peer.user.as_deref(), Some("ann"));
        assert_eq!(peer.user_metadata, [("role".to_owned(), Bytes::from_static(b"admin"))]);
        assert!(
            !peer.metadata.iter().any(|(name, _)| name == "role"),
            "what it says itself is something else"
        );
        let user = event(&mut monitor, |event| match event {
            SocketEvent::HandshakeSucceeded { user, .. } => Some(user.clone()),
            _ => None,
        });
        assert_eq!(user.await.as_deref(), Some("ann"));
    });
}

/// Denied, and no answer to be had: the client learns of it and stops for good; nobody has come in.
#[test]
fn one_that_is_denied_stops_for_good() {
    for (verdict, status, kind) in [
        (Verdict::deny("not on the list"), "400", DisconnectKind::Denied),
        (Verdict::broken("the list is gone"), "500", DisconnectKind::AuthenticatorFailed),
    ] {
        Sim::new(1).block_on(async {
            let said = verdict.clone();
            let router =
                Router::bind_with_options(SERVER, guarded(move |_| std::future::ready(said.clone())));
            let router = router.await.unwrap();
            let mut monitor = router.monitor();
            let options = without_heartbeats().with_identity("me");
            let dealer = Dealer::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
            let mut client = dealer.monitor();
            dealer.send("never").await.unwrap();
            let stopped = event(&mut client, |event| match event {
                SocketEvent::ReconnectStopped { cause, .. } => Some(cause.clone()),
                _ => None,
            })
            .await;
            let refused = |error: &Error| {
                matches!(error, Error::Protocol(error)
                    if matches!(&**error, ProtocolError::PeerRefused { reason } if reason == status))
            };
            assert!(refused(&stopped), "{stopped}");
            let error = dealer.recv().await.unwrap_err();
            assert!(matches!(&error, Error::GaveUp { cause, .. } if refused(cause)), "{error}");
            let error = dealer.send("later").await.unwrap_err();
            assert!(matches!(error.error(), Error::GaveUp { cause, .. } if refused(cause)), "{error}");
            let cause = failure(&mut monitor).await.to_string();
            assert!(cause.contains("the list"), "{cause}");
            sim::sleep(secs(600)).await;
            let stats = router.stats();
            assert_eq!((stats.handshakes_failed_by(kind), stats.handshakes_failed), (1, 1), "it came once");
            assert_eq!((stats.connects, stats.received, stats.peers.len()), (0, 0, 0));
        });
    }
}

/// Not now: no word is said, and the client tries again until it is let in, with all that it has to say.
#[test]
fn one_that_is_put_off_comes_again() {
    Sim::new(1).block_on(async {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let pull = Pull::bind_with_options(
            SERVER,
            guarded(move |_| {
                let again = count.fetch_add(1, SeqCst) < 4;
                async move { if again { Verdict::try_later("busy") } else { Verdict::accept() } }
            }),
        );
        let pull = pull.await.unwrap();
        let mut raw = claims("PUSH", b"").await;
        let mut said = Vec::new();
        raw.read_to_end(&mut said).await.unwrap();
        assert_eq!(said.len(), 64, "the greeting and nothing else: {said:?}");
        let push = Push::connect_with_reconnect_and_options(SERVER, quick()).await.unwrap();
        push.send("at last").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "at last");
        assert_eq!((asked.load(SeqCst), pull.stats().handshakes_failed_by(DisconnectKind::PutOff)), (5, 4));
        assert_eq!(push.stats().reconnects, 0, "there was no connection before");
    });
}

/// Whatever panics, and wherever: this one peer is refused, and the next is asked about.
#[test]
fn a_panic_refuses_one_peer_and_nobody_else() {
    for place in 0..3 {
        Sim::new(1).block_on(async {
            struct PanicsWhenDropped;
            impl Drop for PanicsWhenDropped {
                fn drop(&mut self) {
                    panic!("when dropped");
                }
            }
            let options = guarded(move |claim| {
                let bad = claim.identity == "bad";
                assert!(!bad || place != 0, "when asked");
                async move {
                    let _bomb = (bad && place == 2).then(|| PanicsWhenDropped);
                    sim::yield_now().await;
                    assert!(!bad || place != 1, "while it is awaited");
                    if bad { pending().await } else { Verdict::accept() }
                }
            });
            let options = options.with_handshake_timeout(secs(1));
            let router = Router::bind_with_options(SERVER, options).await.unwrap();
            let mut monitor = router.monitor();
            let mut bad = claims("DEALER", b"bad").await;
            let cause = failure(&mut monitor).await;
            let expected = if place == 2 { "timed out" } else { "panicked" };
            assert!(cause.to_string().contains(expected), "{cause}");
            let mut said = Vec::new();
            bad.read_to_end(&mut said).await.unwrap();
            assert_eq!(&said[64..], if place == 2 { &b""[..] } else { b"\x04\x0a\x05ERROR\x03500" });
            let dealer = Dealer::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
            dealer.send("good").await.unwrap();
            assert_eq!(router.recv().await.unwrap()[1], "good");
        });
    }
}

/// One that hangs is ended when the handshake has taken too long, and holds nobody up meanwhile.
#[test]
fn one_that_hangs_is_ended_and_others_are_let_in() {
    Sim::new(1).block_on(async {
        let census = Arc::<Census>::default();
        let count = Arc::clone(&census);
        let options = guarded(move |claim| {
            let life = count.begin();
            async move {
                let _life = life;
                if claim.identity == "slow" { pending().await } else { Verdict::accept() }
            }
        });
        let options = options.with_handshake_timeout(secs(3));
        let router = Router::bind_with_options(SERVER, options).await.unwrap();
        let mut monitor = router.monitor();
        let mut slow = claims("DEALER", b"slow").await;
        let begun = sim::elapsed();
        let dealer = Dealer::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        dealer.send("x").await.unwrap();
        router.recv().await.unwrap();
        assert!(sim::elapsed() - begun < secs(1));
        assert_eq!((census.alive(), router.stats().connects), (1, 1));
        let cause = failure(&mut monitor).await;
        assert!(matches!(cause, Error::Timeout(TimeoutKind::Handshake)), "{cause}");
        let took = sim::elapsed() - begun;
        assert!(took >= secs(3) && took < ms(3_010), "{took:?}");
        let mut said = Vec::new();
        slow.read_to_end(&mut said).await.unwrap();
        assert_eq!((said.len(), census.alive()), (64, 0), "its future is dropped, and it was told nothing");
    });
}

/// The peer goes, the socket is closed or dropped: the future is dropped, and nothing has happened.
#[test]
fn whatever_ends_the_wait_leaves_no_trace() {
    for end in ["peer", "close", "drop", "unbind", "drain"] {
        Sim::new(1).block_on(async {
            let census = Arc::<Census>::default();
            let router = Router::bind_with_options(SERVER, hangs(&census)).await.unwrap();
            let mut monitor = router.monitor();
            let mut peer = claims("DEALER", b"me").await;
            sim::sleep(secs(1)).await;
            assert_eq!((census.alive(), router.peers().len()), (1, 0));
            match end {
                "peer" => peer.close().unwrap(),
                "close" => assert_eq!(router.close().await, 0),
                "drop" => drop(router.clone()),
                "unbind" => router.unbind(SERVER).unwrap(),
                _ => router.drain().unwrap(),
            }
            let stats = router.stats();
            if end == "drop" {
                drop(router);
            }
            failure(&mut monitor).await;
            sim::sleep(ms(1)).await;
            assert_eq!(census.alive(), 0, "{end}");
            assert_eq!((stats.connects, stats.received), (0, 0));
            while let Some(event) = monitor.try_next() {
                assert!(!matches!(event, SocketEvent::Disconnected { .. }), "{end}: {event}");
            }
        });
    }
}

/// As many looks as it takes, and the peer gone, or the time over, after each of them.
#[test]
fn it_may_be_dropped_at_every_await() {
    const AWAITS: usize = 6;
    for looks in 0..=AWAITS {
        Sim::new(looks as u64).block_on(async {
            let census = Arc::<Census>::default();
            let (count, at) = (Arc::clone(&census), Arc::<AtomicUsize>::default());
            let reached = Arc::clone(&at);
            let options = guarded(move |_| {
                let (life, reached) = (count.begin(), Arc::clone(&reached));
                async move {
                    let _life = life;
                    for _ in 0..AWAITS {
                        reached.fetch_add(1, SeqCst);
                        sim::sleep(ms(10)).await;
                    }
                    Verdict::accept_as("ann")
                }
            });
            let router = Router::bind_with_options(SERVER, options).await.unwrap();
            let mut peer = claims("DEALER", b"me").await;
            sim::sleep(ms(10 * looks as u64 + 5)).await;
            assert_eq!(at.load(SeqCst), AWAITS.min(looks + 1));
            peer.close().unwrap();
            drop(peer);
            sim::sleep(ms(500)).await;
            let stats = router.stats();
            let in_time = u64::from(looks == AWAITS);
            assert_eq!((stats.connects, stats.handshakes_failed), (in_time, 1 - in_time), "{looks}");
            assert_eq!((census.alive(), stats.peers.len()), (0, 0));
            // The name is free for somebody else.
            let options = without_heartbeats().with_identity("me");
            let dealer = Dealer::connect_with_options(SERVER, options).await.unwrap();
            dealer.send("x").await.unwrap();
            assert_eq!(router.recv().await.unwrap()[0], "me");
        });
    }
}

/// Until the answer has come a peer is none, whatever it says; then all of that counts.
#[test]
fn before_the_answer_nothing_counts_and_afterwards_everything() {
    for accepted in [true, false] {
        Sim::new(1).block_on(async {
            let gate = Gate::default();
            let passed = gate.clone();
            let options = guarded(move |_| {
                let passed = passed.clone();
                async move {
                    passed.passed().await;
                    if accepted { Verdict::accept() } else { Verdict::deny("no") }
                }
            });
            let router =
                Router::bind_with_options(SERVER, options.clone().with_router_mandatory(true)).await.unwrap();
            let publisher = Pub::bind_with_options("tcp://server:6666", options).await.unwrap();
            let mut dealer = claims("DEALER", b"me").await;
            dealer.write_all(b"\0\x05early").await.unwrap();
            let mut sub = sim::raw_connect("tcp://server:6666").await.unwrap();
            sub.write_all(&crate::stalled::opening("SUB", b"")).await.unwrap();
            sub.write_all(b"\x04\x0b\x09SUBSCRIBEa").await.unwrap();
            sim::sleep(secs(1)).await;
            assert!(matches!(router.try_recv(), Err(Error::WouldBlock)));
            assert_eq!((router.stats().received, router.peers().len()), (0, 0));
            let error = router.try_send(["me", "x"]).unwrap_err();
            assert!(matches!(error.error(), Error::Unroutable), "{error}");
            assert_eq!((publisher.topic_count(), publisher.peers().len()), (0, 0));
            gate.open();
            sim::sleep(secs(1)).await;
            let there = usize::from(accepted);
            assert_eq!((publisher.topic_count(), publisher.peers().len()), (there, there));
            assert_eq!(router.peers().len(), there);
            if accepted {
                assert_eq!(router.recv_from().await.unwrap(), ("me".into(), "early".into()));
                router.send_to("me", "x").await.unwrap();
            } else {
                assert!(matches!(router.try_recv(), Err(Error::WouldBlock)));
                assert_eq!(router.stats().received, 0);
            }
            let mut greeting = [0; 64];
            dealer.read_exact(&mut greeting).await.unwrap();
            let (_, body) = frame(&mut dealer).await;
            assert!(body.starts_with(if accepted { b"\x05READY" } else { b"\x05ERROR" }), "{body:?}");
        });
    }
}

/// What an accepted peer says before it is let in is bounded, and so is what we keep of one that we dialled.
#[test]
fn little_is_kept_of_one_that_is_judged() {
    Sim::new(1).block_on(async {
        let census = Arc::<Census>::default();
        let pull = Pull::bind_with_options(SERVER, hangs(&census)).await.unwrap();
        let mut monitor = pull.monitor();
        let mut peer = claims("PUSH", b"").await;
        peer.write_all(&[0; 8 * 1024]).await.unwrap();
        sim::sleep(secs(1)).await;
        assert_eq!((census.alive(), pull.stats().handshakes_failed), (1, 0), "8 KiB are kept");
        let mut peer = claims("PUSH", b"").await;
        let _ = peer.write_all(&vec![0; 1024 * 1024]).await;
        let cause = failure(&mut monitor).await;
        assert!(cause.to_string().contains("larger than 8192 bytes"), "{cause}");
        assert_eq!(census.alive(), 1);
    });
}

/// A peer that is dialled may speak as soon as it likes: it is read on when it is let in, and nothing is lost.
#[test]
fn one_that_was_dialled_is_judged_too() {
    Sim::new(1).block_on(async {
        let gate = Gate::default();
        let census = Arc::<Census>::default();
        let push = Push::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
        let options = waits(&gate, &census);
        let pull = Pull::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
        for n in 0..900_u32 {
            push.send(n.to_be_bytes().repeat(100)).await.unwrap();
        }
        sim::sleep(secs(1)).await;
        assert_eq!((pull.stats().received, pull.peers().len(), census.alive()), (0, 0, 1));
        gate.open();
        for n in 0..900 {
            assert_eq!(number(&pull.recv().await.unwrap()), n);
        }
        let denied =
            guarded(|_| std::future::ready(Verdict::deny("not the one"))).with_connect_timeout(secs(1));
        let error = Pull::connect_with_options(SERVER, denied.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        let pull = Pull::connect_with_reconnect_and_options(SERVER, denied).await.unwrap();
        sim::sleep(secs(10)).await;
        let failed = pull.stats().handshakes_failed_by(DisconnectKind::Denied);
        assert!((3..100).contains(&failed), "{failed}: another may answer there by and by");
    });
}

/// However many knock, no more are asked about than may be in the handshake, and a good one comes in.
#[test]
fn a_thousand_that_hang_stall_nobody() {
    Sim::new(1).block_on(async {
        let census = Arc::<Census>::default();
        let count = Arc::clone(&census);
        let options = guarded(move |claim| {
            let life = count.begin();
            async move {
                let _life = life;
                if claim.property("X-Token").is_some() { Verdict::accept() } else { pending().await }
            }
        });
        let router = Router::bind_with_options(SERVER, options.with_max_handshakes(16)).await.unwrap();
        let mut crowd = Vec::new();
        for _ in 0..1_000 {
            crowd.push(claims("DEALER", b"").await);
        }
        let begun = sim::elapsed();
        let options = without_heartbeats().with_metadata("X-Token", "1");
        let dealer = Dealer::connect_with_options(SERVER, options).await.unwrap();
        dealer.send("x").await.unwrap();
        router.recv().await.unwrap();
        assert!(sim::elapsed() - begun < secs(1));
        assert!(census.most.load(SeqCst) <= 16, "{} at once", census.most.load(SeqCst));
        assert!(router.stats().handshakes_failed >= 1_000 - 16);
        router.close().await;
        assert_eq!(census.alive(), 0);
    });
}

/// Those that hang cost no poll while others go on.
#[test]
fn one_that_hangs_is_polled_when_it_is_woken() {
    Sim::new(1).block_on(async {
        let polls = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&polls);
        let options = guarded(move |claim| {
            let count = Arc::clone(&count);
            poll_fn(move |_| match &claim.identity[..] {
                b"slow" => {
                    count.fetch_add(1, SeqCst);
                    Poll::Pending
                }
                _ => Poll::Ready(Verdict::accept()),
            })
        });
        let router = Router::bind_with_options(SERVER, options).await.unwrap();
        let _slow = claims("DEALER", b"slow").await;
        let dealer = Dealer::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        for _ in 0..1_000 {
            dealer.send("x").await.unwrap();
            router.recv().await.unwrap();
        }
        assert_eq!(polls.load(SeqCst), 1);
    });
}

/// An authenticator may use its own socket, and be asked about many at once that answer in any order.
#[test]
fn it_runs_without_the_lock() {
    Sim::new(1).block_on(async {
        let socket = Arc::<Mutex<Option<Router>>>::default();
        let own = Arc::clone(&socket);
        let options = guarded(move |_| {
            let router = own.lock().unwrap().clone().unwrap();
            async move {
                let before = router.stats().connects;
                sim::yield_now().await;
                Verdict::accept_as(format!("{before} before and {} peers", router.peers().len()))
            }
        });
        let router = Router::bind_with_options(SERVER, options).await.unwrap();
        *socket.lock().unwrap() = Some(router.clone());
        let dealer = Dealer::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        let peer = router.stats().peers.remove(0);
        assert_eq!(peer.user.as_deref(), Some("0 before and 0 peers"));
        dealer.close().await;
        socket.lock().unwrap().take();
        router.close().await;
    });
}

/// Who the user is decides whether an identity passes on, and not where it comes from.
#[test]
fn an_identity_passes_on_to_the_same_user_only() {
    Sim::new(1).block_on(async {
        let options = guarded(async |claim: Claim| match claim.property("X-User") {
            Some(user) => Verdict::accept_as(String::from_utf8_lossy(user)),
            None => Verdict::accept(),
        });
        let router = Router::bind_with_options(SERVER, options).await.unwrap();
        let dealer = async |user: Option<&str>| {
            let options = without_heartbeats().with_identity("same").with_reconnect(false);
            let options = match user {
                Some(user) => options.with_metadata("X-User", user.to_owned()),
                None => options,
            };
            Dealer::connect_with_options(SERVER, options).await
        };
        let old = dealer(Some("ann")).await.unwrap();
        dealer(Some("bob")).await.unwrap_err();
        dealer(None).await.unwrap_err();
        assert_eq!(router.stats().handshakes_failed_by(DisconnectKind::IdentityTaken), 2);
        let new = dealer(Some("ann")).await.unwrap();
        router.send_to("same", "for ann").await.unwrap();
        assert_eq!(new.recv().await.unwrap()[0], "for ann");
        old.recv().await.unwrap_err();
    });
}

/// Within the process nobody is asked about.
#[test]
fn inproc_peers_come_in_unasked() {
    Sim::new(1).block_on(async {
        let census = Arc::<Census>::default();
        let pull = Pull::bind_with_options("inproc://guarded", hangs(&census)).await.unwrap();
        let push = Push::connect_with_options("inproc://guarded", without_heartbeats()).await.unwrap();
        push.send("x").await.unwrap();
        let (id, _) = pull.recv_with_peer().await.unwrap();
        assert_eq!(pull.peer(id).unwrap().user, None);
        assert_eq!(census.begun.load(SeqCst), 0);
    });
}

/// A given stream is judged like all others, and its opening fails with what was said.
#[test]
fn a_given_stream_is_judged() {
    Sim::new(1).block_on(async {
        let mut listener = sim::raw_listen(SERVER).await.unwrap();
        for (verdict, kind) in [
            (Verdict::accept_as("ann"), None),
            (Verdict::deny("no"), Some(ErrorKind::PermissionDenied)),
            (Verdict::try_later("no"), Some(ErrorKind::ConnectionRefused)),
        ] {
            let stream = sim::raw_connect(SERVER).await.unwrap().into_inner();
            let mut peer = listener.accept().await.unwrap();
            peer.write_all(&crate::stalled::opening("PUSH", b"")).await.unwrap();
            let options = guarded(move |_| std::future::ready(verdict.clone()));
            let opened = Pull::from_runtime_stream(stream, options).await;
            assert_eq!(opened.as_ref().err().map(Error::kind), kind);
        }
    });
}

/// A message is its sender's, also when that has gone before it is received.
#[test]
fn who_has_sent_a_message_is_known_after_it_has_gone() {
    Sim::new(1).block_on(async {
        let options = guarded(async |claim: Claim| match claim.property("X-User") {
            Some(user) => Verdict::accept_as(String::from_utf8_lossy(user)),
            None => Verdict::accept(),
        });
        let pull = Pull::bind_with_options(SERVER, options).await.unwrap();
        for user in ["ann", "bob"] {
            let options = without_heartbeats().with_metadata("X-User", user);
            let push = Push::connect_with_options(SERVER, options).await.unwrap();
            for _ in 0..5 {
                push.send(user).await.unwrap();
            }
            push.close().await;
        }
        sim::sleep(secs(2)).await;
        assert_eq!(pull.peers().len(), 0);
        for user in ["ann", "bob"] {
            for _ in 0..5 {
                let (named, message) = pull.recv_with_user().await.unwrap();
                assert_eq!((named.as_deref(), &message[0][..]), (Some(user), user.as_bytes()));
            }
        }
        let push = Push::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        push.send("x").await.unwrap();
        assert_eq!(pull.recv_with_user().await.unwrap().0, None, "nobody's");
        push.close().await;
    });
}
