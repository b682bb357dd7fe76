//! Who waits is woken when it can go on, and only then: on one thread, in virtual time.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_test::task::{AwokenCount, new_count_waker};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;

use monocoque::runtime::sim::SimRuntime;
use monocoque::runtime::{Runtime, timeout};

use super::support::*;
use crate::watched::counting;

/// No timer paces those who wait: they take no time beside that of the network.
#[test]
fn a_burst_for_all_who_wait_takes_no_time() {
    for endpoint in [SERVER, "inproc://sim/waits/burst"] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let pull = Pull::bind(endpoint).await.unwrap();
            let push = Push::connect(endpoint).await.unwrap();
            let (came, served) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
            let tasks = (0..100).map(|task| {
                let (pull, came, served) = (pull.clone(), Rc::clone(&came), Rc::clone(&served));
                sim::spawn(async move {
                    came.borrow_mut().push(task);
                    let message = pull.recv().await.unwrap();
                    assert_eq!(usize::from(message[0][0]), served.borrow().len());
                    served.borrow_mut().push(task);
                })
            });
            let tasks: Vec<_> = tasks.collect();
            sim::sleep(ms(100)).await;
            let before = sim::elapsed();
            for n in 0..100_u8 {
                push.send_buffered([n]).unwrap();
            }
            join_all(tasks).await;
            // Of those that are woken one after the other the runtime may poll a later one first.
            for (place, task) in served.borrow().iter().enumerate() {
                let came = came.borrow().iter().position(|other| other == task).unwrap();
                assert!(place.abs_diff(came) <= 10, "first come, first served: {came} at {place}");
            }
            assert!(sim::elapsed() - before < ms(5), "{endpoint}: {:?}", sim::elapsed() - before);
        });
    }
}

/// A `recv` that was woken and is dropped leaves its message to the next.
#[test]
fn what_a_dropped_receiver_was_woken_for_is_for_the_next() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (push, pull) = pipeline(without_heartbeats(), without_heartbeats()).await;
        let mut waiting: Vec<_> = (0..10).map(|_| Box::pin(pull.recv())).collect();
        let woken: Vec<_> = waiting.iter().map(|_| new_count_waker()).collect();
        for (recv, (waker, _)) in waiting.iter_mut().zip(&woken) {
            assert!(recv.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
        }
        push.send("x").await.unwrap();
        for at in 0..10 {
            while woken[at].1.get() == 0 {
                sim::sleep(Duration::from_micros(10)).await;
            }
            assert!(woken[at + 1..].iter().all(|(_, woken)| woken.get() == 0), "one at a time");
            drop(waiting.remove(0));
        }
        assert_eq!(pull.recv().await.unwrap()[0], "x");
        assert!(sim::elapsed() < ms(5), "{:?}", sim::elapsed());
    });
}

async fn at_the_mark(endpoint: &str) -> (Push, Pull) {
    let pull = Pull::bind_with_options(endpoint, SocketOptions::default().with_recv_hwm(1)).await.unwrap();
    let push = Push::connect_with_options(endpoint, SocketOptions::default().with_send_hwm(1)).await.unwrap();
    (push, pull)
}

#[test]
fn senders_at_the_mark_are_served_as_they_came() {
    const TASKS: usize = 100;
    const EACH: usize = 20;
    for endpoint in [SERVER, "inproc://sim/waits/order"] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let (push, pull) = at_the_mark(endpoint).await;
            let polls = Arc::new(AtomicUsize::new(0));
            for task in 0..TASKS {
                let (push, polls) = (push.clone(), Arc::clone(&polls));
                sim::spawn(async move {
                    for _ in 0..EACH {
                        counting(&polls, push.send([task as u8; 30_000])).await.unwrap();
                    }
                });
            }
            let mut sent = [0_usize; TASKS];
            for n in 0..TASKS * EACH {
                sim::yield_now().await;
                sent[usize::from(pull.recv().await.unwrap()[0][0])] += 1;
                if n > TASKS {
                    let (least, most) = (sent.iter().min().unwrap(), sent.iter().max().unwrap());
                    // Those that came while there was room are ahead by as many.
                    assert!(most - least <= 8, "{sent:?}");
                }
            }
            let polls = polls.load(Ordering::Relaxed);
            assert!(polls <= 3 * TASKS * EACH, "{polls} polls for {} messages", TASKS * EACH);
        });
    }
}

/// Sends are polled when they are woken, and dropped at random; what is left gets through.
#[test]
fn no_wake_is_lost_however_senders_are_dropped() {
    for seed in 0..30 {
        let endpoint = format!("inproc://sim/waits/dropped/{seed}");
        for endpoint in [SERVER, &endpoint] {
            let sim = Sim::new(seed);
            sim.block_on(async {
                let mut random = fastrand::Rng::with_seed(seed);
                let (push, pull) = at_the_mark(endpoint).await;
                let mut sends = Vec::new();
                let mut received = 0;
                for n in 0..300_u32 {
                    let (waker, woken) = new_count_waker();
                    waker.wake_by_ref();
                    let size = random.usize(4..40_000);
                    let mut message = n.to_be_bytes().to_vec();
                    message.resize(size, 0);
                    sends.push((Box::pin(push.send(message)), waker, woken, 0));
                    if random.u8(..3) == 0 && !sends.is_empty() {
                        drop(sends.remove(random.usize(..sends.len())));
                    }
                    if random.u8(..3) == 0 && pull.try_recv().is_ok() {
                        received += 1;
                    }
                    poll_woken(&mut sends);
                    sim::yield_now().await;
                }
                while !sends.is_empty() {
                    poll_woken(&mut sends);
                    match sim::timeout(ms(50), pull.recv()).await {
                        Ok(message) => drop(message.unwrap()),
                        Err(_) if sends.iter().any(|(_, _, woken, seen)| woken.get() > *seen) => continue,
                        Err(_) if sends.is_empty() => break,
                        Err(_) => panic!("{} sleep beside room", sends.len()),
                    }
                    received += 1;
                }
                let accepted = push.stats().accepted;
                while received < accepted {
                    pull.recv().await.unwrap();
                    received += 1;
                }
            });
        }
    }
}

/// One that sends, its waker, how often that was called, and how often by the last poll.
type Woken<F> = (F, Waker, AwokenCount, usize);

fn poll_woken<F: Future<Output = Result<(), SendError>> + Unpin>(sends: &mut Vec<Woken<F>>) {
    sends.retain_mut(|(send, waker, woken, seen)| {
        let before = std::mem::replace(seen, woken.get());
        *seen == before || Pin::new(send).poll(&mut Context::from_waker(waker)).is_pending()
    });
}

/// Two thousand calls wait for one peer that reads nothing; another's traffic wakes none of them.
#[test]
fn those_who_wait_for_a_stalled_peer_cost_the_others_nothing() {
    const CALLS: usize = 2000;
    let sim = Sim::new(1);
    sim.block_on(async {
        let options = without_heartbeats().with_router_mandatory(true).with_send_hwm(2);
        let router = Router::bind_with_options(SERVER, options).await.unwrap();
        let mut stalled = sim::raw_connect(SERVER).await.unwrap();
        stalled.write_all(&crate::stalled::opening("DEALER", b"stalled")).await.unwrap();
        let good = Dealer::connect_with_options(SERVER, without_heartbeats().with_identity("good"));
        let good = good.await.unwrap();
        router.wait_for_peers(2).await.unwrap();
        let full = || router.try_send(Message::from(vec![Bytes::from("stalled"), vec![0; 100_000].into()]));
        while full().is_ok() {
            sim::yield_now().await;
        }
        let polls = AtomicUsize::new(0);
        let mut waiting: FuturesUnordered<Pin<Box<dyn Future<Output = ()> + '_>>> = FuturesUnordered::new();
        for call in 0..CALLS {
            if call % 4 == 0 {
                waiting.push(Box::pin(async { counting(&polls, router.flush()).await.unwrap() }));
            } else {
                waiting.push(Box::pin(async {
                    counting(&polls, router.send_to("stalled", "x")).await.unwrap();
                }));
            }
        }
        let echo = async {
            for _ in 0..500 {
                good.send("ping").await.unwrap();
                let (identity, message) = router.recv_from().await.unwrap();
                router.send_to(identity, message).await.unwrap();
                good.recv().await.unwrap();
            }
        };
        let mut echo = pin!(echo);
        poll_fn(|cx| {
            assert!(waiting.poll_next_unpin(cx).is_pending());
            echo.as_mut().poll(cx)
        })
        .await;
        let before = polls.load(Ordering::Relaxed);
        assert!(before <= 2 * CALLS, "{before} polls of {CALLS} calls");
        // And they are woken once their time has come.
        let mut rest = vec![0; 1 << 20];
        let drain = async {
            loop {
                stalled.read_some(&mut rest).await.unwrap();
            }
        };
        let mut drain = pin!(drain);
        poll_fn(|cx| {
            let _ = drain.as_mut().poll(cx);
            while let Poll::Ready(Some(())) = waiting.poll_next_unpin(cx) {}
            if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let polls = polls.load(Ordering::Relaxed);
        assert!(polls <= 4 * CALLS, "{polls} polls of {CALLS} calls");
    });
}

/// Who waits for permits as well keeps its place among those who wait for room: if it left it, the next would be
/// woken, leave for the same reason and wake the first again, for ever.
#[test]
fn senders_under_one_budget_do_not_wake_each_other_in_circles() {
    for seed in 0..50 {
        let config = SimConfig::new().with_poll_limit(20_000).with_order(sim::TaskOrder::Fifo);
        let sim = Sim::with_config(seed, config);
        sim.block_on(async {
            let push = Push::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
            let push = push.with_permits(SemaphorePermits::new(1));
            let senders: Vec<_> = (0..6)
                .map(|_| {
                    let push = push.clone();
                    sim::spawn(async move {
                        for _ in 0..30 {
                            let Ok(()) = push.feed("x").await else { return };
                        }
                    })
                })
                .collect();
            let mut peer = sim::raw_connect(SERVER).await.unwrap();
            peer.write_all(&crate::stalled::opening("PULL", b"")).await.unwrap();
            push.wait_for_peers(1).await.unwrap();
            for _ in 0..seed {
                sim::yield_now().await;
            }
            push.disconnect_peer(push.peers()[0]).unwrap();
            sim.network().cut(peer.link(), Cut::Reset);
            sim::sleep(secs(1)).await;
            push.close().await;
            for sender in senders {
                sender.await.unwrap();
            }
        });
    }
}

/// With the peer goes the place among those who wait for room at it; whoever waits for permits then does not turn
/// in circles.
#[test]
fn a_sender_whose_peer_is_gone_waits_for_its_permits() {
    let sim = Sim::with_config(1, SimConfig::new().with_poll_limit(5_000));
    sim.block_on(async {
        let options = without_heartbeats().with_send_hwm(1).with_on_full(OnFull::Wait);
        let router = Router::bind_with_options(SERVER, options).await.unwrap();
        let peer =
            |identity: &'static str| without_heartbeats().with_identity(identity).with_reconnect(false);
        let _lost = Dealer::connect_with_options(SERVER, peer("lost")).await.unwrap();
        let _stays = Dealer::connect_with_options(SERVER, peer("stays")).await.unwrap();
        router.wait_for_peers(2).await.unwrap();
        for link in sim.network().links() {
            sim.network().set_capacity(link.id, Direction::ToClient, 0);
        }
        let budget = SemaphorePermits::new(4 * Frame::COST + 11);
        let router = router.with_permits(budget.clone());

        router.try_send(vec!["lost", "x"]).unwrap();
        let clone = router.clone();
        let waits = sim::spawn(async move { clone.send_to("lost", "y").await });
        sim::sleep(ms(1)).await;
        router.try_send(vec!["stays", "x"]).unwrap();
        let clone = router.clone();
        let large = sim::spawn(async move { clone.send_to("stays", vec![0; 1_000]).await });
        sim::sleep(ms(1)).await;
        assert_eq!(budget.waiters(), 1, "the large one");

        router.disconnect_peer("lost").unwrap();
        sim::sleep(ms(1)).await;
        assert!(!waits.is_finished() && !large.is_finished());
        router.close().await;
        assert!(waits.await.unwrap().is_err() && large.await.unwrap().is_err());
        assert_eq!(budget.in_use(), 0);
    });
}

/// As the timers of the runtimes do.
#[test]
fn a_time_limit_counts_from_its_call() {
    Sim::new(1).block_on(async {
        let runtime = SimRuntime::current().unwrap();
        let hour = Duration::from_secs(3600);
        let limited = timeout(&runtime, hour, std::future::pending::<()>());
        sim::sleep(hour / 2).await;
        assert!(matches!(limited.await, Err(Error::Timeout(TimeoutKind::Limit))));
        assert_eq!(sim::elapsed(), hour);
    });
}
