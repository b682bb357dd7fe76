//! Those who wait: how often they are woken, and what their wakers may do.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_test::task::new_count_waker;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use super::rt::{self, *};
use crate::watched::{Seen, counting, nosy, panicking};

/// A burst comes while many wait: each gets its message, and is polled for little else.
async fn a_burst_for_all_who_wait(endpoint: &str) {
    const TASKS: usize = 100;
    let pull = PullSocket::bind(endpoint).await.unwrap();
    let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
    let polls = AtomicUsize::new(0);
    let mut waiting: FuturesUnordered<_> = (0..TASKS).map(|_| counting(&polls, pull.recv())).collect();
    assert!(waiting.poll_next_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
    for n in 0..TASKS {
        push.send_buffered([n as u8]).unwrap();
    }
    push.flush().await.unwrap();
    for n in 0..TASKS {
        assert_eq!(waiting.next().await.unwrap().unwrap()[0], [n as u8]);
    }
    let polls = polls.load(Ordering::Relaxed);
    assert!(polls <= 3 * TASKS, "{polls} polls for {TASKS} messages");
}

#[test]
fn each_of_those_who_wait_gets_its_message_of_a_burst() {
    rt::run(async {
        a_burst_for_all_who_wait("tcp://127.0.0.1:0").await;
        a_burst_for_all_who_wait(concat!("inproc://", module_path!(), "/burst")).await;
    });
}

/// Senders at the mark: as many are woken as there is room for.
#[test]
fn senders_at_the_mark_are_no_herd() {
    const TASKS: usize = 100;
    const EACH: usize = 10;
    rt::run(async {
        let pull = PullSocket::bind_with_options(
            concat!("inproc://", module_path!(), "/herd"),
            SocketOptions::default().with_recv_hwm(1),
        );
        let pull = pull.await.unwrap();
        let options = SocketOptions::default().with_send_hwm(1);
        let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), options).await.unwrap();
        let polls = Arc::new(AtomicUsize::new(0));
        for task in 0..TASKS {
            let (push, polls) = (push.clone(), Arc::clone(&polls));
            rt::spawn(async move {
                for n in 0..EACH {
                    counting(&polls, push.send([task as u8, n as u8])).await.unwrap();
                }
            });
        }
        let mut next = [0; TASKS];
        for _ in 0..TASKS * EACH {
            let message = pull.recv().await.unwrap();
            let task = usize::from(message[0][0]);
            assert_eq!(message[0][1], next[task]);
            next[task] += 1;
        }
        let polls = polls.load(Ordering::Relaxed);
        assert!(polls <= 3 * TASKS * EACH, "{polls} polls for {} messages", TASKS * EACH);
    });
}

/// Futures that were told of what happens and are not polled, though they are kept: a call that lost a race, a
/// socket that was used as a `Stream`. What they do not come for does not wait for them.
#[test]
fn futures_that_nobody_polls_any_more_hold_nothing_up() {
    rt::run(async {
        let router = RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let mut monitor = router.monitor();
        let mut kept: Vec<_> = (0..50).map(|_| Box::pin(router.recv())).collect();
        let mut stream = router.clone();
        for recv in &mut kept {
            assert!(recv.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        assert!(stream.poll_next_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
        let dealer = DealerSocket::connect(router.local_endpoint().unwrap()).await.unwrap();
        dealer.send("x").await.unwrap();
        assert_eq!(dealer.close().await, 0);
        while !matches!(monitor.next().await, Some(SocketEvent::Disconnected { .. })) {}
        drop(kept);
        assert_eq!(stream.next().await.unwrap().unwrap()[1], "x");
    });
}

type Wait<'a> = rt::BoxFuture<'a, ()>;

/// Polls with a waker, then with another in its place.
fn poll_with_two(wait: &mut Wait<'_>, look: impl Fn() + Clone + 'static, seen: &Arc<Seen>) {
    for _ in 0..2 {
        let waker = nosy(look.clone(), seen);
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
}

/// All kinds of waits of a socket at its mark at once; they end as the socket is closed, or are dropped.
async fn nosy_wakers(drop_them: bool) {
    let stalled = rt::stalled_peer();
    let options = SocketOptions::default()
        .with_send_hwm(1)
        .with_linger(Duration::ZERO)
        .with_send_timeout(Some(Duration::from_secs(60)))
        .with_recv_timeout(Some(Duration::from_secs(60)));
    let dealer = DealerSocket::connect_with_options(stalled.endpoint(), options).await.unwrap();
    let _stream = stalled.stream();
    while dealer.try_send(vec![0; 1 << 20]).is_ok() {
        rt::yield_now().await;
    }
    let budget = monocoque::resilience::SemaphorePermits::new(10);
    let _all = budget.try_acquire(10).unwrap();
    let without_permits = dealer.clone().with_permits(budget);
    let publisher = PubSocket::bind("tcp://127.0.0.1:0").await.unwrap();
    let (mut monitor, mut other_monitor) = (dealer.monitor(), publisher.monitor());
    let looked = dealer.clone();
    let look = move || {
        let _ = (looked.peers(), looked.stats(), looked.buffered_bytes());
    };
    let mut waits: Vec<Wait<'_>> = vec![
        Box::pin(async { drop(dealer.recv().await) }),
        Box::pin(async { drop(dealer.recv_with_reconnect().await) }),
        Box::pin(async { drop(dealer.send("x").await) }),
        Box::pin(async { drop(dealer.feed("x").await) }),
        Box::pin(async { drop(dealer.reserve(10).await) }),
        Box::pin(async { drop(dealer.flush().await) }),
        Box::pin(async { drop(dealer.wait_for_peers(2).await) }),
        Box::pin(async { drop(without_permits.send("x").await) }),
        Box::pin(async { drop(publisher.wait_for_subscribers("", 1).await) }),
        Box::pin(async { while monitor.next().await.is_some() {} }),
        Box::pin(async { while other_monitor.next().await.is_some() {} }),
    ];
    let seen: Vec<Arc<Seen>> = waits.iter().map(|_| Arc::default()).collect();
    for (wait, seen) in waits.iter_mut().zip(&seen) {
        poll_with_two(wait, look.clone(), seen);
        assert!(seen.clones.load(Ordering::SeqCst) >= 2, "the second waker takes the place of the first");
    }
    if drop_them {
        drop(waits);
    } else {
        dealer.close().await;
        publisher.close().await;
        for (at, wait) in waits.into_iter().enumerate() {
            assert!(seen[at].wakes.load(Ordering::SeqCst) > 0, "wait {at} is not woken");
            wait.await;
        }
    }
    // A monitor keeps its waker for as long as it may be polled again.
    drop((monitor, other_monitor));
    for (at, seen) in seen.iter().enumerate() {
        let made = seen.clones.load(Ordering::SeqCst) + 2;
        assert_eq!(seen.drops.load(Ordering::SeqCst), made, "wakers of wait {at}");
    }
}

#[test]
fn wakers_may_look_at_the_socket_when_they_are_cloned_woken_and_dropped() {
    rt::run(nosy_wakers(false));
    rt::run(nosy_wakers(true));
}

#[test]
fn a_waker_that_looks_at_the_socket_is_woken_by_a_message() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        let looked = pull.clone();
        let seen = Arc::default();
        let mut recv = pull.recv();
        let waker = nosy(move || drop(looked.stats()), &seen);
        let mut poll = || Pin::new(&mut recv).poll(&mut Context::from_waker(&waker));
        assert!(poll().is_pending());
        push.send("x").await.unwrap();
        while seen.wakes.load(Ordering::SeqCst) == 0 {
            rt::yield_now().await;
        }
        let Poll::Ready(message) = poll() else { panic!("woken for nothing") };
        assert_eq!(message.unwrap()[0], "x");
    });
}

/// A waker that panics is the fault of the one whose it is: all others go on.
#[test]
fn a_waker_that_panics_leaves_the_socket_whole() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let options = SocketOptions::default().with_send_hwm(1);
        let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), options).await.unwrap();
        let waker = panicking();
        let mut recv = pull.recv();
        assert!(Pin::new(&mut recv).poll(&mut Context::from_waker(&waker)).is_pending());
        let mut watch = Box::pin(push.wait_for_peers(2));
        assert!(watch.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        // Whoever runs the waker, another waits behind it.
        let (first, second) = (pull.clone(), push.clone());
        rt::spawn(async move {
            for n in 0..100_u8 {
                second.send([n]).await.unwrap();
            }
        });
        for n in 0..100_u8 {
            assert_eq!(first.recv().await.unwrap()[0], [n]);
        }
        drop(recv);
        push.send("last").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "last");
        assert_eq!(push.close().await, 0);
    });
}

/// With `recv_spin` a call wakes itself for that long, and sleeps afterwards until something comes.
#[test]
fn a_receiver_that_spins_sleeps_in_the_end() {
    rt::run(async {
        let options = SocketOptions::default().with_recv_spin(Duration::from_millis(1));
        let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        pull.wait_for_peers(1).await.unwrap();
        let (waker, woken) = new_count_waker();
        let mut recv = Box::pin(pull.recv());
        let mut looks = 0;
        // Each look has the call polled again.
        while recv.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() && woken.get() > looks {
            looks += 1;
        }
        assert!((2..=10_000).contains(&looks), "{looks} looks");
        push.send("late").await.unwrap();
        assert_eq!(recv.await.unwrap()[0], "late");
        for n in 0..100_u8 {
            // Dropped while it spins: what comes is for the next.
            assert!(pull.recv().poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
            push.send([n]).await.unwrap();
            assert_eq!(pull.recv().await.unwrap()[0], [n]);
        }
    });
}

#[test]
fn requests_between_those_who_spin() {
    rt::run(async {
        let options = || SocketOptions::default().with_recv_spin(Duration::from_micros(50));
        let rep = RepSocket::bind_with_options("tcp://127.0.0.1:0", options()).await.unwrap();
        let req = ReqSocket::connect_with_options(rep.local_endpoint().unwrap(), options()).await.unwrap();
        rt::spawn(async move {
            while let Ok(question) = rep.recv().await {
                rep.send(question).await.unwrap();
            }
        });
        for n in 0..500_u16 {
            let answer = req.request(&n.to_be_bytes()[..]).await.unwrap();
            assert_eq!(answer[0], n.to_be_bytes());
        }
    });
}
