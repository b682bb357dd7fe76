//! Marks, limits on waiting, and what is queued for whom.

use std::time::{Duration, Instant};

use futures_util::future::{Either, join, select};
use monocoque::error::TimeoutKind;
use monocoque::proxy::Proxy;
use monocoque::resilience::WhileDisconnected;

use super::rt::{self, *};
use super::support::*;

fn marks(send: usize, recv: usize) -> [SocketOptions; 2] {
    let unlimited = usize::MAX;
    let send =
        if send == unlimited { unlimited_send() } else { SocketOptions::default().with_send_hwm(send) };
    let recv = match recv {
        usize::MAX => SocketOptions::default().with_unlimited_recv_hwm(),
        recv => SocketOptions::default().with_recv_hwm(recv),
    };
    [send, recv]
}

fn unlimited_send() -> SocketOptions {
    SocketOptions::default().with_unlimited_send_hwm()
}

const MOST: usize = 10_000;

fn send_until_full(push: &PushSocket) -> usize {
    (0..MOST).take_while(|_| push.try_send("").is_ok()).count()
}

fn recv_all(pull: &PullSocket) -> usize {
    std::iter::from_fn(|| pull.try_recv().ok()).count()
}

/// Within the process both marks together are the limit, and it is exact: one out, one in.
async fn count(send: usize, recv: usize, bind_first: bool) -> usize {
    let ([send, recv], name) = (marks(send, recv), inproc());
    let (push, pull) = if bind_first {
        let pull = PullSocket::bind_with_options(&name, recv).await.unwrap();
        (PushSocket::connect_with_options(&name, send).await.unwrap(), pull)
    } else {
        let push = PushSocket::connect_with_reconnect_and_options(&name, send).await.unwrap();
        (push, PullSocket::bind_with_options(&name, recv).await.unwrap())
    };
    push.wait_for_peers(1).await.unwrap();
    pull.wait_for_peers(1).await.unwrap();
    let sent = send_until_full(&push);
    if sent < MOST {
        pull.try_recv().unwrap();
        assert_eq!(send_until_full(&push), 1);
        assert_eq!(recv_all(&pull), sent);
    } else {
        assert_eq!(recv_all(&pull), sent);
    }
    push.send("").await.unwrap();
    pull.recv().await.unwrap();
    sent
}

#[test]
fn hwm() {
    rt::run(async {
        let unlimited = usize::MAX;
        for bind_first in [true, false] {
            assert_eq!(count(1000, 1000, bind_first).await, 2000, "the defaults");
            assert_eq!(count(unlimited, unlimited, bind_first).await, MOST);
            assert_eq!(count(1, unlimited, bind_first).await, MOST);
            assert_eq!(count(unlimited, 1, bind_first).await, MOST);
            assert_eq!(count(1, 1, bind_first).await, 2);
            assert_eq!(count(2, 5, bind_first).await, 7);
        }
        // Before there is a peer only the sender's counts, and what it left survives it.
        let name = inproc();
        let options = SocketOptions::default().with_send_hwm(1);
        let push = PushSocket::connect_with_reconnect_and_options(&name, options).await.unwrap();
        assert_eq!(send_until_full(&push), 1);
        drop(push);
        let pull = PullSocket::bind(&name).await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "");
        // Who only binds keeps nothing for peers to come.
        let options = SocketOptions::default().with_send_hwm(1);
        let push = PushSocket::bind_with_options(inproc(), options).await.unwrap();
        assert_eq!(send_until_full(&push), 0);
    });
}

/// As much as the mark allows is never dropped.
async fn below_the_mark(endpoint: &str, hwm: usize) {
    let publisher = SocketOptions::default().with_send_hwm(hwm);
    let (publisher, sub) = pub_sub(endpoint, publisher, SocketOptions::default()).await;
    for _ in 0..hwm {
        publisher.try_send("test message").unwrap();
    }
    for _ in 0..hwm {
        assert_eq!(sub.recv().await.unwrap()[0], "test message");
    }
    assert_eq!(publisher.stats().dropped_total(), 0);
}

/// With XPUB_NODROP everything arrives, whatever the mark.
async fn blocking(endpoint: &str, hwm: usize, messages: u32) {
    let publisher = SocketOptions::default().with_send_hwm(hwm).with_xpub_nodrop(true);
    let (publisher, sub) = pub_sub(endpoint, publisher, SocketOptions::default()).await;
    let (mut blocked, mut received) = (0, 0);
    for n in 0..messages {
        let mut message = Message::from([&n.to_be_bytes()[..], &[0; 4000]].concat());
        while let Err(refused) = publisher.try_send(message) {
            assert!(matches!(refused.error(), Error::WouldBlock));
            message = refused.into_message();
            blocked += 1;
            assert_eq!(sub.recv().await.unwrap()[0][..4], u32::to_be_bytes(received));
            received += 1;
        }
    }
    assert!(blocked > 0);
    for n in received..messages {
        assert_eq!(sub.recv().await.unwrap()[0][..4], n.to_be_bytes());
    }
    assert_eq!(publisher.stats().dropped_total(), 0);
}

/// What fits twice fits again after it was received.
async fn reset(endpoint: &str) {
    let publisher = SocketOptions::default().with_send_hwm(11_024);
    let subscriber = SocketOptions::default().with_recv_hwm(11_024);
    let (publisher, sub) = pub_sub(endpoint, publisher, subscriber).await;
    for messages in [9_999, 1_100, 9_999] {
        for _ in 0..messages {
            publisher.try_send("").unwrap();
        }
        for _ in 0..messages {
            sub.recv().await.unwrap();
        }
    }
    assert_eq!(publisher.stats().dropped_total(), 0);
}

/// A subscriber that does not receive goes without, and gets the later ones when it does.
async fn drops_and_recovers(endpoint: &str) {
    let publisher = SocketOptions::default().with_send_hwm(10);
    let subscriber = SocketOptions::default().with_recv_hwm(10);
    let (publisher, sub) = pub_sub(endpoint, publisher, subscriber).await;
    let mut n = 0_u32;
    while publisher.stats().dropped(DropCause::PeerFull) < 100 {
        publisher.try_send([&n.to_be_bytes()[..], &[0; 10_000]].concat()).unwrap();
        n += 1;
    }
    let number = |message: Message| u32::from_be_bytes(message[0][..4].try_into().unwrap());
    // In order and without a gap up to the first that was dropped.
    let mut last = number(sub.recv().await.unwrap());
    assert_eq!(last, 0);
    let kept = u64::from(n) - publisher.stats().dropped(DropCause::PeerFull);
    for _ in 1..kept {
        let next = number(sub.recv().await.unwrap());
        assert!(next > last, "{next} after {last}");
        last = next;
    }
    publisher.send(n.to_be_bytes()).await.unwrap();
    assert_eq!(number(sub.recv().await.unwrap()), n, "it recovered");
}

#[test]
fn hwm_pubsub() {
    for endpoint in endpoints() {
        rt::run(async move {
            below_the_mark(&endpoint, 1000).await;
            below_the_mark(&fresh(&endpoint), 100).await;
            blocking(&fresh(&endpoint), 2000, 6000).await;
            reset(&fresh(&endpoint)).await;
            drops_and_recovers(&fresh(&endpoint)).await;
        });
    }
}

/// Another endpoint of the same transport.
fn fresh(endpoint: &str) -> String {
    if endpoint.starts_with("inproc") { inproc() } else { endpoint.to_owned() }
}

/// Marks are given when a socket is opened, typed, and hold for all that it connects to later: there is no
/// changing them afterwards (libzmq's other two cases).
#[test]
fn sockopt_hwm() {
    rt::run(async {
        let name = inproc();
        let recv = SocketOptions::default().with_recv_hwm(1);
        assert_eq!(recv.recv_hwm(), Some(1));
        let pull = PullSocket::bind_with_options(&name, recv).await.unwrap();
        let push = PushSocket::new(SocketOptions::default().with_send_hwm(2)).unwrap();
        push.connect_to(&name).unwrap();
        push.wait_for_peers(1).await.unwrap();
        pull.wait_for_peers(1).await.unwrap();
        assert_eq!(send_until_full(&push), 3);
        assert_eq!(recv_all(&pull), 3);
        let refused = PushSocket::new(SocketOptions::default().with_send_hwm(0)).unwrap_err();
        assert!(matches!(refused, Error::Option(_)), "{refused}");
    });
}

/// Nothing is assigned to a peer that is not there, with IMMEDIATE or without: here we depart from libzmq,
/// where half of the messages are stuck without it.
#[test]
fn immediate() {
    for policy in [WhileDisconnected::Queue, WhileDisconnected::Wait] {
        rt::run(async move {
            let options = SocketOptions::default().with_while_disconnected(policy);
            let pull = PullSocket::bind(TCP).await.unwrap();
            let push = PushSocket::new(options.clone()).unwrap();
            // A port that nobody listens on.
            push.connect_to("tcp://127.0.0.1:1").unwrap();
            push.connect_to(pull.local_endpoint().unwrap()).unwrap();
            for n in 0..10_u8 {
                push.send([n]).await.unwrap();
            }
            for n in 0..10_u8 {
                assert_eq!(pull.recv().await.unwrap()[0], [n]);
            }

            let backend = DealerSocket::bind(TCP).await.unwrap();
            let endpoint = backend.local_endpoint().unwrap();
            let frontend = DealerSocket::connect_with_options(&endpoint, options).await.unwrap();
            frontend.try_send("Hello").unwrap();
            assert_eq!(backend.recv().await.unwrap()[0], "Hello");
            let mut monitor = frontend.monitor();
            backend.close().await;
            while frontend.is_connected() {
                monitor.next().await;
            }
            let waits = policy == WhileDisconnected::Wait;
            assert_eq!(frontend.try_send("while disconnected").is_err(), waits);
            let backend = DealerSocket::bind(&endpoint).await.unwrap();
            backend.send("Hello").await.unwrap();
            assert_eq!(frontend.recv().await.unwrap()[0], "Hello");
            frontend.try_send("again").unwrap();
            if !waits {
                assert_eq!(backend.recv().await.unwrap()[0], "while disconnected");
            }
            assert_eq!(backend.recv().await.unwrap()[0], "again");
        });
    }
}

const LIMIT: Duration = Duration::from_millis(200);

/// What comes of `work`, which takes as long as the limit.
async fn limited<T>(work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let result = work.await;
    let took = began.elapsed();
    assert!(took >= LIMIT && took < LIMIT * 20, "{took:?}");
    result
}

#[test]
fn timeo() {
    rt::run(async {
        let options = SocketOptions::default().with_recv_timeout(Some(LIMIT)).with_send_timeout(Some(LIMIT));
        let name = inproc();
        let pull = PullSocket::bind_with_options(&name, options.clone()).await.unwrap();
        assert!(matches!(pull.try_recv(), Err(Error::WouldBlock)));
        let timed_out = limited(pull.recv()).await.unwrap_err();
        assert!(matches!(timed_out, Error::Timeout(TimeoutKind::Recv)));
        // A connection meanwhile does not prolong it.
        let connecting = PushSocket::connect_with_options(&name, options.clone());
        let (timed_out, push) = join(limited(pull.recv()), connecting).await;
        assert!(matches!(timed_out.unwrap_err(), Error::Timeout(TimeoutKind::Recv)));
        // Nor do the limits disturb what is in time.
        push.unwrap().send("12345678ABCDEFGH12345678abcdefgh").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "12345678ABCDEFGH12345678abcdefgh");
        // With nobody to send to; the message comes back.
        let alone = PushSocket::bind_with_options(inproc(), options).await.unwrap();
        let refused = limited(alone.send("mine")).await.unwrap_err();
        assert!(matches!(refused.error(), Error::Timeout(TimeoutKind::Send)));
        assert_eq!(refused.into_message(), Message::from("mine"));
    });
}

#[test]
fn conflate() {
    for endpoint in endpoints() {
        rt::run(async move {
            let within = endpoint.starts_with("inproc");
            let options = SocketOptions::default().with_conflate(true);
            let pull = PullSocket::bind_with_options(endpoint, options).await.unwrap();
            let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
            pull.wait_for_peers(1).await.unwrap();
            for n in 0..20_u8 {
                push.send([n]).await.unwrap();
            }
            // Within the process nothing is read before it is received.
            while !within && pull.stats().received < 20 {
                rt::yield_now().await;
            }
            assert_eq!(pull.recv().await.unwrap()[0], [19]);
            assert!(matches!(pull.try_recv(), Err(Error::WouldBlock)));
            assert_eq!(pull.stats().recv_dropped, 19);
        });
    }
}

/// Two hops of two marks each: so much goes in before the publisher is refused, all of it comes out, and
/// nobody who asks the proxy for its figures has to wait.
#[test]
fn proxy_hwm() {
    const HWM: usize = 10;
    rt::run(async {
        let options =
            || SocketOptions::default().with_send_hwm(HWM).with_recv_hwm(HWM).with_xpub_nodrop(true);
        let xsub = XSubSocket::bind_with_options(inproc(), options()).await.unwrap();
        let xpub = XPubSocket::bind_with_options(inproc(), options()).await.unwrap();
        let mut proxy = Proxy::new(&xsub, &xpub);
        let control = proxy.control();
        let publisher_at = xsub.local_endpoint().unwrap();
        let publisher = XPubSocket::connect_with_options(publisher_at, options()).await.unwrap();
        let subscriber = options().with_xpub_nodrop(false);
        let sub = SubSocket::connect_with_options(xpub.local_endpoint().unwrap(), subscriber).await.unwrap();
        sub.subscribe("").unwrap();
        let test = async {
            expect(&publisher, 1, "").await;
            let mut sent = 0_usize;
            // The proxy empties the first hop into the second.
            while sent < 2 * HWM || control.stats().backend.sent < 2 * HWM as u64 {
                sent += usize::from(publisher.try_send([sent as u8; 50_000]).is_ok());
                rt::yield_now().await;
            }
            while publisher.try_send([sent as u8; 50_000]).is_ok() {
                sent += 1;
            }
            assert_eq!(sent, 4 * HWM);
            assert_eq!(control.stats().frontend.received, 2 * HWM as u64);
            for n in 0..sent {
                assert_eq!(sub.recv().await.unwrap()[0][..], [n as u8; 50_000]);
            }
            let stats = control.stats();
            assert_eq!((stats.frontend.received, stats.backend.sent), (sent as u64, sent as u64));
        };
        let (test, running) = (std::pin::pin!(test), std::pin::pin!(proxy.run()));
        assert!(matches!(select(test, running).await, Either::Left(_)), "the proxy goes on");
        let dropped = [publisher.stats(), xpub.stats()].map(|stats| stats.dropped_total());
        assert_eq!(dropped, [0, 0]);
    });
}

/// libzmq stops at ZMQ_MAX_SOCKETS, 1,023 to a context; here there is no context, and a socket without an
/// endpoint takes nothing from the system.
#[test]
fn many_sockets() {
    rt::run(async {
        let sockets: Vec<_> =
            (0..5_000).map(|_| PairSocket::new(SocketOptions::default()).unwrap()).collect();
        let name = inproc();
        sockets[0].bind_to(&name).await.unwrap();
        sockets[4_999].connect_to(&name).unwrap();
        sockets[4_999].send("the last").await.unwrap();
        assert_eq!(sockets[0].recv().await.unwrap()[0], "the last");
    });
}
