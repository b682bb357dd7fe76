//! What a client promises while nothing goes wrong.

use super::common::*;
use futures_util::future::join_all;
use monocoque::error::TimeoutKind;
use monocoque::resilience::SemaphorePermits;
use monocoque::rpc::Request;
use std::collections::BTreeSet;
use std::sync::mpsc::TryRecvError;

#[test]
fn replies_may_come_in_any_order() {
    rt::run(async {
        let (server, client) = pair().await;
        let asked = join_all((0..100_u32).map(|n| client.request(n.to_be_bytes())));
        let answered = async {
            let mut requests = Vec::new();
            while requests.len() < 100 {
                requests.push(server.next().await.unwrap());
            }
            for request in requests.into_iter().rev() {
                request.reply.send(request.message).await.unwrap();
            }
        };
        let (replies, ()) = futures_util::future::join(asked, answered).await;
        for (n, reply) in replies.into_iter().enumerate() {
            assert_eq!(reply.unwrap(), (n as u32).to_be_bytes().into());
        }
        assert_eq!((client.outstanding(), server.outstanding()), (0, 0));
        let stats = client.socket().stats();
        assert_eq!((stats.accepted, stats.received, stats.delivered), (100, 100, 100));
    });
}

/// A REP repeats the envelope by itself, and a ROUTER as it repeats any.
#[test]
fn a_rep_and_a_router_serve_clients() {
    rt::run(async {
        let (rep, router) = (RepSocket::bind(TCP).await.unwrap(), RouterSocket::bind(TCP).await.unwrap());
        let client = Client::new(ClientOptions::default()).unwrap();
        client.socket().connect_to(rep.local_endpoint().unwrap()).unwrap();
        client.socket().connect_to(router.local_endpoint().unwrap()).unwrap();
        client.socket().wait_for_peers(2).await.unwrap();
        rt::spawn(async move {
            while let Ok(request) = rep.recv().await {
                rep.send([&request[0], &Frame::from("by a REP")].map(Frame::clone)).await.unwrap();
            }
        });
        rt::spawn(async move {
            while let Ok(mut request) = router.recv().await {
                request.push_back("by a ROUTER");
                router.send(request).await.unwrap();
            }
        });
        let mut by = BTreeSet::new();
        for n in 0..10_u8 {
            let reply = client.request([n]).await.unwrap();
            assert_eq!((reply.len(), &reply[0]), (2, &Frame::from([n])));
            by.insert(reply[1].to_string_lossy().into_owned());
        }
        assert_eq!(Vec::from_iter(by), ["by a REP", "by a ROUTER"], "in turn");
    });
}

#[test]
fn within_the_process_as_well() {
    rt::run(async {
        let name = format!("inproc://rpc-{:016x}", fastrand::u64(..));
        let server = Server::bind(name.as_str()).await.unwrap();
        // The last request may be made when there is no server any more, and waits for another.
        let options = ClientOptions::default().with_timeout(Duration::from_secs(2));
        let client = Client::connect_with_options(name.as_str(), options).await.unwrap();
        rt::spawn(echo(server.clone()));
        let replies = join_all((0..10).map(|n| client.request(n.to_string()))).await;
        assert!(replies.into_iter().enumerate().all(|(n, reply)| reply.unwrap() == n.to_string().into()));
        // The server goes first, with a request in its hands.
        let lost = client.request("the last");
        server.socket().close().await;
        let refused = lost.await.unwrap_err();
        assert!(
            matches!(refused.error(), Error::PeerLost | Error::NotConnected | Error::Timeout(_)),
            "{refused:?}"
        );
    });
}

/// Replies to come are kept and waited for elsewhere, and keep their client: it closes when they are gone.
#[test]
fn replies_to_come_go_anywhere() {
    rt::run(async {
        let (server, client) = pair().await;
        let asked: Vec<_> = (0..20_u8).map(|n| client.try_request([n]).unwrap()).collect();
        assert_eq!(client.outstanding(), 20);
        let mut monitor = server.socket().monitor();
        drop(client);
        let (done, replies) = std::sync::mpsc::channel();
        for (n, asked) in asked.into_iter().enumerate() {
            let done = done.clone();
            rt::spawn(async move {
                let limit = Duration::from_secs(100);
                let reply = if n % 2 == 0 { asked.reply().await } else { asked.reply_within(limit).await };
                done.send((n, reply)).unwrap();
            });
        }
        drop(done);
        let mut requests = Vec::new();
        while requests.len() < 20 {
            requests.push(server.next().await.unwrap());
        }
        for request in requests.into_iter().rev() {
            request.reply.send(request.message).await.unwrap();
        }
        for _ in 0..20 {
            let (n, reply) = loop {
                match replies.try_recv() {
                    Ok(replied) => break replied,
                    Err(error) => assert_eq!(error, TryRecvError::Empty, "each task has its reply"),
                }
                rt::yield_now().await;
            };
            assert_eq!(reply.unwrap(), [n as u8].into());
        }
        event(&mut monitor, |event| matches!(event, SocketEvent::Disconnected { .. }).then_some(())).await;
        assert_eq!(server.socket().stats().dropped(DropCause::Unanswered), 0);
    });
}

/// A message of many frames stays what it is, empty ones in it too.
#[test]
fn messages_are_whole_both_ways() {
    rt::run(async {
        let (server, client) = pair().await;
        rt::spawn(echo(server));
        for message in [vec!["", ""], vec!["", "a", ""], vec!["a"; 50], vec![""]] {
            assert_eq!(client.request(message.clone()).await.unwrap(), message.into());
        }
        let large = vec![7; 1_000_000];
        assert_eq!(client.request(large.clone()).await.unwrap(), large.into());
    });
}

#[test]
fn what_cannot_be_sent_comes_back() {
    rt::run(async {
        let (server, endpoint) = server().await;
        rt::spawn(echo(server));
        let options = SocketOptions::default().with_max_message_size(100);
        let client = Client::connect_with_options(endpoint, options.into()).await.unwrap();
        let refused = client.request(Message::new()).await.unwrap_err();
        assert!(matches!(refused.error(), Error::EmptyMessage));
        assert!(matches!(client.try_request(Message::new()).unwrap_err().error(), Error::EmptyMessage));
        let large = Message::from(vec![1; 93]);
        let refused = client.request(large.clone()).await.unwrap_err();
        // Eight bytes are the number's.
        assert!(matches!(refused.error(), Error::MessageTooLarge { size: 101, max: 100 }));
        assert_eq!(refused.into_message(), Some(large.clone()));
        assert_eq!(client.try_request(large.clone()).unwrap_err().into_message(), large);
        assert_eq!(client.request(vec![1; 92]).await.unwrap()[0].len(), 92);
        assert_eq!(client.outstanding(), 0);
    });
}

#[test]
fn a_time_limit_counts_from_the_call() {
    rt::run(async {
        let (server, client) = pair().await;
        let short = Duration::from_millis(30);
        // Sent, and not answered.
        let refused = client.request_within("x", short).await.unwrap_err();
        assert!(matches!(refused.error(), Error::Timeout(TimeoutKind::Reply)));
        assert_eq!((refused.kind(), refused.into_message()), (ErrorKind::TimedOut, None));
        let held = server.next().await.unwrap();
        let asked = client.try_request("y").unwrap();
        assert!(matches!(asked.reply_within(short).await, Err(Error::Timeout(TimeoutKind::Reply))));
        // Never sent: there is nobody.
        let options = ClientOptions::default().with_timeout(Some(short));
        let alone = Client::new(options.clone()).unwrap();
        alone.socket().bind_to(TCP).await.unwrap();
        let refused = alone.request("z").await.unwrap_err();
        assert!(matches!(refused.error(), Error::Timeout(TimeoutKind::Reply)));
        assert_eq!(refused.into_message(), Some("z".into()));
        // Nor a place.
        let options = options.with_max_outstanding(1);
        let endpoint = server.socket().local_endpoint().unwrap();
        let client = Client::connect_with_options(endpoint, options).await.unwrap();
        let first = client.try_request("first").unwrap();
        assert_eq!(client.request("second").await.unwrap_err().into_message(), Some("second".into()));
        assert!(matches!(first.reply().await, Err(Error::Timeout(TimeoutKind::Reply))));
        drop(held);
    });
}

/// A limit that is longer than time is none.
#[test]
fn no_time_limit_is_too_long() {
    rt::run(async {
        let (server, client) = pair().await;
        rt::spawn(echo(server));
        assert_eq!(client.request_within("x", Duration::MAX).await.unwrap(), "x".into());
    });
}

/// Kills a place that is given back too early, too late, or never.
#[test]
fn outstanding_requests_are_bounded() {
    rt::run(async {
        let (server, endpoint) = server().await;
        let options = ClientOptions::default().with_max_outstanding(2);
        let client = Client::connect_with_options(endpoint, options).await.unwrap();
        let clone = client.clone();
        let [one, two] = ["one", "two"].map(|text| client.try_request(text).unwrap());
        let refused = clone.try_request("three").unwrap_err();
        assert!(matches!(refused.error(), Error::WouldBlock));
        assert_eq!(refused.into_message(), "three".into());
        let mut three = pin!(clone.request("three"));
        assert!(started(&mut three).await.is_pending());
        assert_eq!(client.outstanding(), 2);

        let Request { message, reply, .. } = server.next().await.unwrap();
        reply.send(message).await.unwrap();
        assert_eq!(one.reply().await.unwrap(), "one".into());
        assert!(started(&mut three).await.is_pending(), "sent by now");
        assert!(clone.try_request("four").is_err());
        drop(two);
        let four = clone.try_request("four").unwrap();
        rt::spawn(echo(server));
        assert_eq!(three.await.unwrap(), "three".into());
        assert_eq!(four.reply().await.unwrap(), "four".into());
        assert_eq!(client.outstanding(), 0);
    });
}

#[test]
fn requests_are_paid_with_permits() {
    rt::run(async {
        let (server, client) = pair().await;
        let budget = SemaphorePermits::new(1000);
        let client = client.with_permits(budget.clone());
        let taken = budget.try_acquire(1000);
        assert!(matches!(client.try_request("x").unwrap_err().error(), Error::WouldBlock));
        let mut waiting = pin!(client.request("x"));
        assert!(started(&mut waiting).await.is_pending());
        assert_eq!(budget.waiters(), 1);
        drop(taken);
        rt::spawn(echo(server));
        assert_eq!(waiting.await.unwrap(), "x".into());
        assert_eq!(client.clone().socket().stats().accepted, 1);
    });
}

/// Kills requests that wait on, whatever they wait for, when their client is closed.
#[test]
fn closing_ends_what_waits() {
    rt::run(async {
        let (_server, endpoint) = server().await;
        let options = ClientOptions::default().with_max_outstanding(1).with_timeout(None);
        let client = Client::connect_with_options(endpoint, options).await.unwrap();
        let (mut sent, mut waiting) = (pin!(client.request("sent")), pin!(client.request("waiting")));
        assert!(started(&mut sent).await.is_pending() && started(&mut waiting).await.is_pending());
        let closer = client.clone();
        rt::spawn(async move {
            closer.socket().close().await;
        });
        let (sent, waiting) = futures_util::future::join(sent, waiting).await;
        assert!(matches!(sent.as_ref().unwrap_err().error(), Error::Closed));
        assert!(matches!(waiting.as_ref().unwrap_err().error(), Error::Closed));
        assert_eq!(sent.unwrap_err().into_message(), None);
        assert_eq!(waiting.unwrap_err().into_message(), Some("waiting".into()));
        assert!(matches!(client.request("late").await.unwrap_err().error(), Error::Closed));
    });
}

/// The first request of a client that connects with nobody there waits with its caller.
#[test]
fn nothing_waits_in_the_socket() {
    rt::run(async {
        let endpoint = rt::vacant();
        let client = Client::new(ClientOptions::default()).unwrap();
        client.socket().connect_to(endpoint.as_str()).unwrap();
        assert!(matches!(client.try_request("x").unwrap_err().error(), Error::WouldBlock));
        let given_up = client.request_within("given up", Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(given_up.into_message(), Some("given up".into()));
        assert_eq!(client.socket().buffered_messages(), 0);

        let fails = SocketOptions::default().with_while_disconnected(WhileDisconnected::Fail);
        let client = Client::new(fails.into()).unwrap();
        client.socket().connect_to(endpoint.as_str()).unwrap();
        let refused = client.request("x").await.unwrap_err();
        assert!(matches!(refused.error(), Error::NotConnected));
        assert_eq!(refused.into_message(), Some("x".into()));
    });
}
