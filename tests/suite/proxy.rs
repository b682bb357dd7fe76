//! Proxies: forwarding, steering, capture, and what becomes of messages when they stop.

use std::future::Future;
use std::pin::pin;

use futures_util::future::{Either, join, join_all, select};
use monocoque::proxy::{Proxy, SideStats, forward, proxy};

use super::rt::{self, *};

const ANY: &str = "tcp://127.0.0.1:0";

/// Runs the test while the proxy runs, which must not end before it.
async fn beside<T>(proxy: impl Future<Output = monocoque::Result<()>>, test: impl Future<Output = T>) -> T {
    match select(pin!(test), pin!(proxy)).await {
        Either::Left((output, _)) => output,
        Either::Right((ended, _)) => panic!("the proxy ended: {ended:?}"),
    }
}

async fn until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        rt::yield_now().await;
    }
}

fn marks(messages: usize) -> SocketOptions {
    SocketOptions::default().with_send_hwm(messages).with_recv_hwm(messages)
}

fn number(message: &Message) -> u32 {
    u32::from_be_bytes(message[message.len() - 1][..].try_into().unwrap())
}

async fn queue() -> (RouterSocket, DealerSocket) {
    (RouterSocket::bind(ANY).await.unwrap(), DealerSocket::bind(ANY).await.unwrap())
}

/// libzmq's `proxy`: many clients and workers, with statistics.
#[test]
fn a_queue_between_clients_and_workers() {
    const ROUNDS: u32 = 50;
    rt::run(async {
        let (frontend, backend) = queue().await;
        let (front, back) = (frontend.local_endpoint().unwrap(), backend.local_endpoint().unwrap());
        for _ in 0..3 {
            let worker = RepSocket::connect(&back).await.unwrap();
            rt::spawn(async move {
                while let Ok(request) = worker.recv().await {
                    assert_eq!(request.len(), 2, "multipart, and no envelope");
                    worker.send(request).await.unwrap();
                }
            });
        }
        let client = |id: u32| {
            let front = front.clone();
            async move {
                let req = ReqSocket::connect(&front).await.unwrap();
                for round in 0..ROUNDS {
                    let request = Message::from([Frame::from(id.to_be_bytes()), round.to_be_bytes().into()]);
                    assert_eq!(req.request(request.clone()).await.unwrap(), request);
                }
            }
        };
        let mut proxy = Proxy::new(&frontend, &backend);
        let control = proxy.control();
        beside(proxy.run(), join_all((0..4).map(client))).await;
        let stats = control.stats();
        let messages = u64::from(4 * ROUNDS);
        // The identity, the delimiter and the two frames of the request.
        let bytes = messages * (5 + 8);
        let side = (messages, bytes, messages, bytes, 0);
        let figures =
            |side: SideStats| (side.received, side.received_bytes, side.sent, side.sent_bytes, side.dropped);
        assert_eq!(figures(stats.frontend), side);
        assert_eq!(figures(stats.backend), side);
        assert_eq!((stats.captured, stats.uncaptured), (0, 0));
    });
}

/// libzmq's `sub_forward`: subscriptions go one way, and messages the other.
#[test]
fn a_forwarder_between_publishers_and_subscribers() {
    rt::run(async {
        let publishers = XSubSocket::bind(ANY).await.unwrap();
        let subscribers = XPubSocket::bind(ANY).await.unwrap();
        let publisher = PubSocket::connect(publishers.local_endpoint().unwrap()).await.unwrap();
        let test = async {
            let sub = SubSocket::connect(subscribers.local_endpoint().unwrap()).await.unwrap();
            sub.subscribe("a").unwrap();
            publisher.wait_for_subscribers("a", 1).await.unwrap();
            for topic in ["b", "a1", "", "a2"] {
                publisher.send([topic, "body"]).await.unwrap();
            }
            assert_eq!(sub.recv().await.unwrap(), ["a1", "body"].into());
            assert_eq!(sub.recv().await.unwrap(), ["a2", "body"].into());
            assert_eq!(publisher.topic_count(), 1);
            sub.unsubscribe("a").unwrap();
            until(|| publisher.topic_count() == 0).await;
        };
        beside(proxy(&publishers, &subscribers), test).await;
    });
}

/// libzmq's `proxy_hwm`: where nothing is to be dropped the proxy waits, and neither stalls nor drops.
#[test]
fn a_slow_subscriber_holds_the_publisher_up_where_nothing_may_be_dropped() {
    const MESSAGES: u32 = 3000;
    rt::run(async {
        let careful = marks(10).with_xpub_nodrop(true);
        let publishers = XSubSocket::bind_with_options(ANY, marks(10)).await.unwrap();
        let subscribers = XPubSocket::bind_with_options(ANY, careful.clone()).await.unwrap();
        let publishers_at = publishers.local_endpoint().unwrap();
        let publisher = PubSocket::connect_with_options(publishers_at, careful).await.unwrap();
        let subscribers_at = subscribers.local_endpoint().unwrap();
        let sub = SubSocket::connect_with_options(subscribers_at, marks(10)).await.unwrap();
        sub.subscribe("").unwrap();
        let mut proxy = Proxy::new(&publishers, &subscribers);
        let control = proxy.control();
        let test = async {
            publisher.wait_for_subscribers("", 1).await.unwrap();
            let publish = async {
                for n in 0..MESSAGES {
                    let message = [Frame::from(vec![0; 3000]), n.to_be_bytes().into()];
                    publisher.send(message).await.unwrap();
                }
            };
            let receive = async {
                for n in 0..MESSAGES {
                    assert_eq!(number(&sub.recv().await.unwrap()), n);
                }
            };
            join(publish, receive).await;
        };
        beside(proxy.run(), test).await;
        assert_eq!(subscribers.stats().dropped_total() + publisher.stats().dropped_total(), 0);
        assert_eq!(control.stats().backend.sent, u64::from(MESSAGES));
    });
}

#[test]
fn a_streamer_forwards_one_way() {
    rt::run(async {
        let (pull, push) = (PullSocket::bind(ANY).await.unwrap(), PushSocket::bind(ANY).await.unwrap());
        let source = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        let sink = PullSocket::connect(push.local_endpoint().unwrap()).await.unwrap();
        for joined in [true, false] {
            let test = async {
                for n in 0..5000_u32 {
                    source.send(n.to_be_bytes()).await.unwrap();
                }
                for n in 0..5000_u32 {
                    assert_eq!(number(&sink.recv().await.unwrap()), n);
                }
            };
            if joined {
                beside(proxy(&pull, &push), test).await;
            } else {
                beside(forward(&pull, &push), test).await;
            }
        }
    });
}

/// Nothing is written without a flush: the proxy flushes when nothing more comes.
#[test]
fn a_side_that_is_flushed_by_hand() {
    rt::run(async {
        let manual = SocketOptions::default().with_flush_policy(FlushPolicy::Manual);
        let pull = PullSocket::bind(ANY).await.unwrap();
        let push = PushSocket::bind_with_options(ANY, manual).await.unwrap();
        let source = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        let sink = PullSocket::connect(push.local_endpoint().unwrap()).await.unwrap();
        let test = async {
            for n in 0..100_u32 {
                source.send(n.to_be_bytes()).await.unwrap();
                assert_eq!(number(&sink.recv().await.unwrap()), n);
            }
        };
        beside(proxy(&pull, &push), test).await;
    });
}

/// libzmq's `proxy_single_socket`.
#[test]
fn one_rep_as_both_sides_echoes() {
    rt::run(async {
        let rep = RepSocket::bind(ANY).await.unwrap();
        let req = ReqSocket::connect(rep.local_endpoint().unwrap()).await.unwrap();
        let test = async {
            for n in 0..100_u32 {
                assert_eq!(number(&req.request(n.to_be_bytes()).await.unwrap()), n);
            }
        };
        beside(proxy(&rep, &rep.clone()), test).await;
    });
}

/// REP in front, REQ behind: each waits for its turn.
#[test]
fn requests_one_at_a_time() {
    rt::run(async {
        let (frontend, backend) = (RepSocket::bind(ANY).await.unwrap(), ReqSocket::bind(ANY).await.unwrap());
        let worker = RepSocket::connect(backend.local_endpoint().unwrap()).await.unwrap();
        rt::spawn(async move {
            while let Ok(request) = worker.recv().await {
                worker.send(request).await.unwrap();
            }
        });
        let client = || async {
            let req = ReqSocket::connect(frontend.local_endpoint().unwrap()).await.unwrap();
            for n in 0..50_u32 {
                assert_eq!(number(&req.request(n.to_be_bytes()).await.unwrap()), n);
            }
        };
        beside(proxy(&frontend, &backend), join(client(), client())).await;
    });
}

#[test]
fn capture_sees_both_directions() {
    rt::run(async {
        let (frontend, backend) = queue().await;
        let client = DealerSocket::connect(frontend.local_endpoint().unwrap()).await.unwrap();
        let worker = RepSocket::connect(backend.local_endpoint().unwrap()).await.unwrap();
        let capture = PushSocket::bind(ANY).await.unwrap();
        let mut proxy = Proxy::new(&frontend, &backend).with_capture(&capture);
        let control = proxy.control();
        let test = async {
            client.send(["", "request"]).await.unwrap();
            // The capture socket has nobody to send to yet: nothing is forwarded unseen.
            until(|| frontend.stats().delivered == 1).await;
            for _ in 0..10 {
                rt::yield_now().await;
            }
            assert_eq!(backend.stats().accepted, 0);
            let watcher = PullSocket::connect(capture.local_endpoint().unwrap()).await.unwrap();
            assert_eq!(worker.recv().await.unwrap()[0], "request");
            worker.send("reply").await.unwrap();
            assert_eq!(client.recv().await.unwrap()[1], "reply");
            let (request, reply) = (watcher.recv().await.unwrap(), watcher.recv().await.unwrap());
            assert_eq!((request.len(), reply.len()), (3, 3), "with identity and delimiter");
            assert_eq!((&request[0], &request[2]), (&reply[0], &Frame::from("request")));
            assert_eq!(reply[2], "reply");
        };
        beside(proxy.run(), test).await;
        assert_eq!((control.stats().captured, control.stats().uncaptured), (2, 0));
    });
}

/// libzmq's `proxy_steerable`: PAUSE, RESUME, STATISTICS and TERMINATE, from another task.
#[test]
fn pause_resume_and_terminate() {
    rt::run(async {
        let (frontend, backend) = queue().await;
        let client = DealerSocket::connect(frontend.local_endpoint().unwrap()).await.unwrap();
        let worker = DealerSocket::connect(backend.local_endpoint().unwrap()).await.unwrap();
        let mut proxy = Proxy::new(&frontend, &backend);
        let control = proxy.control();
        let steering = control.clone();
        let test = async {
            client.send("one").await.unwrap();
            assert_eq!(worker.recv().await.unwrap()[1], "one");
            assert_eq!(control.stats().frontend.received, 1);

            control.pause();
            assert!(control.is_paused() && !control.is_terminated());
            client.send("two").await.unwrap();
            until(|| frontend.stats().recv_queued == 1).await;
            for _ in 0..10 {
                rt::yield_now().await;
            }
            assert!(matches!(worker.try_recv(), Err(Error::WouldBlock)));
            assert_eq!(control.stats().frontend.received, 1);

            control.resume();
            assert_eq!(worker.recv().await.unwrap()[1], "two");
            assert_eq!(control.stats().backend.sent, 2);
            assert_eq!(control.stats().backend.sent_bytes, 2 * (5 + 3));
            steering.terminate();
        };
        let (ended, ()) = join(proxy.run(), test).await;
        ended.unwrap();
        // For good, and without the socket having to be anything.
        control.resume();
        assert!(control.is_terminated());
        proxy.run().await.unwrap();
        client.send("three").await.unwrap();
        assert_eq!(frontend.recv().await.unwrap()[1], "three");
    });
}

/// libzmq's `proxy_terminate`, at the worst moment: what the proxy had in hand goes back.
#[test]
fn a_blocked_proxy_can_be_terminated_and_paused() {
    rt::run(async {
        let (frontend, backend) = queue().await;
        let client = DealerSocket::connect(frontend.local_endpoint().unwrap()).await.unwrap();
        let mut proxy = Proxy::new(&frontend, &backend);
        let control = proxy.control();
        for n in 0..3_u32 {
            client.send(n.to_be_bytes()).await.unwrap();
        }
        let test = async {
            // There is no worker: the first message is stuck between the sockets.
            until(|| frontend.stats().delivered == 1).await;
            control.pause();
            until(|| frontend.stats().delivered == 0).await;
            control.resume();
            until(|| frontend.stats().delivered == 1).await;
            control.terminate();
        };
        let (ended, ()) = join(proxy.run(), test).await;
        ended.unwrap();
        assert_eq!(control.stats(), Default::default());
        for n in 0..3_u32 {
            let (peer, message) = frontend.recv_with_peer().await.unwrap();
            assert_eq!((number(&message), frontend.peers()), (n, vec![peer]));
        }
        let stats = frontend.stats();
        assert_eq!((stats.received, stats.delivered, stats.recv_queued), (3, 3, 0));
    });
}

/// What nobody takes in one direction does not hold the other up.
#[test]
fn the_directions_are_independent() {
    rt::run(async {
        let left = DealerSocket::bind_with_options(ANY, marks(2)).await.unwrap();
        let right = DealerSocket::bind_with_options(ANY, marks(2)).await.unwrap();
        let client =
            DealerSocket::connect_with_options(left.local_endpoint().unwrap(), marks(2)).await.unwrap();
        let worker =
            DealerSocket::connect_with_options(right.local_endpoint().unwrap(), marks(2)).await.unwrap();
        let mut proxy = Proxy::new(&left, &right);
        let control = proxy.control();
        let test = async {
            let mut sent = 0_u32;
            // The worker does not receive. All is full when a message has been stuck while a hundred went the
            // other way.
            let (mut stuck, mut forwarded) = (0, 0);
            while stuck < 100 {
                let message = [Frame::from(vec![0; 100_000]), sent.to_be_bytes().into()];
                sent += u32::from(client.try_send(message).is_ok());
                worker.send("back").await.unwrap();
                assert_eq!(client.recv().await.unwrap()[0], "back");
                let before = std::mem::replace(&mut forwarded, control.stats().frontend.received);
                let held = left.stats().delivered == forwarded + 1;
                stuck = if held && before == forwarded { stuck + 1 } else { 0 };
            }
            for n in 0..1000_u32 {
                worker.send(n.to_be_bytes()).await.unwrap();
                assert_eq!(number(&client.recv().await.unwrap()), n);
            }
            // The kernel may have made room for another one meanwhile.
            assert!(control.stats().frontend.received < u64::from(sent), "still stuck");
            for n in 0..sent {
                assert_eq!(number(&worker.recv().await.unwrap()), n);
            }
        };
        beside(proxy.run(), test).await;
    });
}

/// Polls the proxy so often, looks, and drops it.
async fn run_for(run: impl Future<Output = monocoque::Result<()>>, turns: usize, look: impl FnOnce()) {
    let looking = async {
        for _ in 0..turns {
            rt::yield_now().await;
        }
        look();
    };
    beside(run, looking).await;
}

/// A proxy that is dropped and started again at every await point: in both directions all messages come
/// once and in order.
async fn cancel_at_every_await_point(budget: impl BytePermits, capture: bool) {
    let small = || marks(2).with_send_buffer(4096).with_recv_buffer(4096);
    let bind = || DealerSocket::bind_with_options(ANY, small());
    let connect = |endpoint| DealerSocket::connect_with_options(endpoint, small());
    let left = bind().await.unwrap().with_permits(budget.clone());
    let right = bind().await.unwrap().with_permits(budget);
    let client = connect(left.local_endpoint().unwrap()).await.unwrap();
    let worker = connect(right.local_endpoint().unwrap()).await.unwrap();
    let copies = PubSocket::bind(ANY).await.unwrap();
    let mut plain = Proxy::new(&left, &right);
    let mut captured = Proxy::new(&left, &right).with_capture(&copies);
    let control = if capture { captured.control() } else { plain.control() };
    let mut random = fastrand::Rng::with_seed(7);
    let ends = [(&client, &worker), (&worker, &client)];
    let (mut sent, mut received, mut in_hand) = ([0_u32; 2], [0_u32; 2], 0);
    for turns in (0..7).cycle() {
        let look = || in_hand += u32::from(left.stats().delivered > control.stats().frontend.received);
        if capture {
            run_for(captured.run(), turns, look).await;
        } else {
            run_for(plain.run(), turns, look).await;
        }
        for (way, (from, to)) in ends.into_iter().enumerate() {
            let message = [Frame::from(vec![0; random.usize(..20_000)]), sent[way].to_be_bytes().into()];
            sent[way] += u32::from(from.try_send(message).is_ok());
            while random.u8(..3) == 0 {
                let Ok(message) = to.try_recv() else { break };
                assert_eq!(number(&message), received[way], "in order, nothing lost or doubled");
                received[way] += 1;
            }
        }
        if received.iter().all(|count| *count >= 300) {
            break;
        }
    }
    assert!(in_hand > 100, "{in_hand}: messages were in hand when the proxy was dropped");
    let drain = async {
        for (way, (_, to)) in ends.into_iter().enumerate() {
            while received[way] < sent[way] {
                assert_eq!(number(&to.recv().await.unwrap()), received[way]);
                received[way] += 1;
            }
        }
    };
    beside(plain.run(), drain).await;
    assert!(client.try_recv().is_err() && worker.try_recv().is_err());
    for stats in [left.stats(), right.stats()] {
        assert_eq!(stats.received, stats.delivered + stats.recv_queued + stats.recv_dropped);
        assert_eq!(stats.dropped_total() + stats.recv_dropped + stats.recv_queued, 0);
    }
}

#[test]
fn a_cancelled_proxy_loses_nothing() {
    rt::run(cancel_at_every_await_point(NoOpPermits, false));
}

#[test]
fn a_cancelled_proxy_loses_nothing_with_a_budget_and_a_capture() {
    rt::run(cancel_at_every_await_point(SemaphorePermits::new(60_000), true));
}

/// A REP whose request comes back can receive it again, and answer.
#[test]
fn a_request_that_comes_back_can_be_answered() {
    rt::run(async {
        let frontend = RepSocket::bind(ANY).await.unwrap();
        let backend = DealerSocket::bind(ANY).await.unwrap();
        let req = ReqSocket::connect(frontend.local_endpoint().unwrap()).await.unwrap();
        req.send(["the", "request"]).await.unwrap();
        for _ in 0..2 {
            let taken = until(|| frontend.stats().delivered == 1);
            beside(proxy(&frontend, &backend), taken).await;
            assert_eq!(frontend.stats().delivered, 0);
        }
        let request = frontend.recv().await.unwrap();
        assert_eq!(request, ["the", "request"].into());
        frontend.send("the reply").await.unwrap();
        assert_eq!(req.recv().await.unwrap()[0], "the reply");
    });
}

/// The same for a REQ, whose reply comes back.
#[test]
fn a_reply_that_comes_back_can_be_received() {
    rt::run(async {
        let backend = ReqSocket::bind(ANY).await.unwrap();
        let rep = RepSocket::connect(backend.local_endpoint().unwrap()).await.unwrap();
        let frontend = DealerSocket::bind(ANY).await.unwrap();
        backend.send("request").await.unwrap();
        rep.recv().await.unwrap();
        rep.send("reply").await.unwrap();
        let taken = until(|| backend.stats().delivered == 1);
        beside(forward(&backend, &frontend), taken).await;
        assert!(matches!(backend.send("too soon").await.unwrap_err().error(), Error::InvalidState));
        assert_eq!(backend.recv().await.unwrap()[0], "reply");
        backend.send("another").await.unwrap();
        assert_eq!(rep.recv().await.unwrap()[0], "another");
    });
}

/// A message that nobody can get is counted, and the proxy goes on.
#[test]
fn what_a_side_refuses_is_counted() {
    rt::run(async {
        let mandatory = SocketOptions::default().with_router_mandatory(true);
        let frontend = RouterSocket::bind_with_options(ANY, mandatory).await.unwrap();
        let backend = DealerSocket::bind(ANY).await.unwrap();
        let client = DealerSocket::connect(frontend.local_endpoint().unwrap()).await.unwrap();
        let worker = DealerSocket::connect(backend.local_endpoint().unwrap()).await.unwrap();
        let mut proxy = Proxy::new(&frontend, &backend);
        let control = proxy.control();
        let test = async {
            worker.send(["nobody", "is this"]).await.unwrap();
            worker.send("no body").await.unwrap();
            client.send("request").await.unwrap();
            let request = worker.recv().await.unwrap();
            worker.send(request).await.unwrap();
            assert_eq!(client.recv().await.unwrap()[0], "request");
        };
        beside(proxy.run(), test).await;
        let stats = control.stats();
        assert_eq!((stats.backend.received, stats.frontend.sent, stats.frontend.dropped), (3, 1, 2));
        assert_eq!(stats.backend.received_bytes, (6 + 7) + 7 + (5 + 7));
    });
}

#[test]
fn a_closed_side_ends_the_proxy() {
    rt::run(async {
        let (frontend, backend) = queue().await;
        let client = DealerSocket::connect(frontend.local_endpoint().unwrap()).await.unwrap();
        client.send("kept").await.unwrap();
        let close = async {
            until(|| frontend.stats().delivered == 1).await;
            backend.close().await;
        };
        let (ended, ()) = join(proxy(&frontend, &backend), close).await;
        ended.unwrap();
        assert_eq!(frontend.recv().await.unwrap()[1], "kept");
    });
}

#[test]
fn a_side_without_hope_ends_the_proxy() {
    rt::run(async {
        let pull = PullSocket::bind(ANY).await.unwrap();
        let source = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        let nowhere = SocketOptions::default()
            .with_max_attempts(Some(1))
            .with_while_disconnected(WhileDisconnected::Wait);
        let push =
            PushSocket::connect_with_reconnect_and_options("tcp://127.0.0.1:1", nowhere).await.unwrap();
        source.send("kept").await.unwrap();
        let ended = forward(&pull, &push).await.unwrap_err();
        assert!(matches!(ended, Error::GaveUp { .. }), "{ended}");
        assert_eq!(pull.recv().await.unwrap()[0], "kept");
    });
}

/// The limits of calls do not end a proxy, which is there to wait.
#[test]
fn time_limits_of_calls_do_not_matter() {
    rt::run(async {
        let limit = Some(std::time::Duration::from_millis(1));
        let limited = SocketOptions::default().with_recv_timeout(limit).with_send_timeout(limit);
        let frontend = RouterSocket::bind_with_options(ANY, limited.clone()).await.unwrap();
        let backend = DealerSocket::bind_with_options(ANY, limited).await.unwrap();
        let client = DealerSocket::connect(frontend.local_endpoint().unwrap()).await.unwrap();
        let test = async {
            assert!(matches!(backend.recv().await, Err(Error::Timeout(_))), "the limit has passed once");
            client.send("request").await.unwrap();
            until(|| frontend.stats().delivered == 1).await;
            assert!(matches!(backend.send("x").await.unwrap_err().error(), Error::Timeout(_)));
            let worker = DealerSocket::connect(backend.local_endpoint().unwrap()).await.unwrap();
            assert_eq!(worker.recv().await.unwrap()[1], "request");
        };
        beside(proxy(&frontend, &backend), test).await;
    });
}
