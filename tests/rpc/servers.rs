//! What a server promises.

use super::common::*;
use crate::dropping::poll_times;
use futures_test::task::new_count_waker;
use futures_util::StreamExt;
use futures_util::stream::FusedStream;
use monocoque::error::TimeoutKind;
use monocoque::rpc::Request;
use std::future::Future;
use std::task::Context;

#[test]
fn req_dealer_and_client_are_served_alike() {
    rt::run(async {
        let (server, endpoint) = server().await;
        rt::spawn(echo(server));
        let req = ReqSocket::connect(endpoint.clone()).await.unwrap();
        let correlated = SocketOptions::default().with_req_correlate(true);
        let correlated = ReqSocket::connect_with_options(endpoint.clone(), correlated).await.unwrap();
        for req in [req, correlated] {
            for text in ["one", "two"] {
                assert_eq!(req.request(text).await.unwrap(), text.into());
            }
        }
        let dealer = DealerSocket::connect(endpoint.clone()).await.unwrap();
        let envelope = ["a", "b", "", "x", "", "y"];
        dealer.send(envelope).await.unwrap();
        assert_eq!(
            dealer.recv().await.unwrap(),
            envelope.into(),
            "all that stands before the first empty frame"
        );
        let client = Client::connect(endpoint).await.unwrap();
        assert_eq!(client.request("x").await.unwrap(), "x".into());
    });
}

/// From any task, in any order.
#[test]
fn handles_go_anywhere() {
    rt::run(async {
        let (server, client) = pair().await;
        rt::spawn(async move {
            let mut held = Vec::new();
            while let Ok(request) = server.next().await {
                held.push(request);
                if held.len() == 10 {
                    for Request { message, reply, .. } in held.drain(..).rev() {
                        rt::spawn(async move {
                            rt::yield_now().await;
                            reply.send(message).await.unwrap();
                        });
                    }
                }
            }
        });
        let asked = (0..100_u8).map(|n| client.request([n]));
        let replies = futures_util::future::join_all(asked).await;
        assert!(replies.into_iter().enumerate().all(|(n, reply)| reply.unwrap() == [n as u8].into()));
    });
}

#[test]
fn a_dropped_handle_is_told() {
    rt::run(async {
        let (server, client) = pair().await;
        let mut monitor = server.socket().monitor();
        let _asked = ["x", "y"].map(|text| client.try_request(text).unwrap());
        let (one, two) = (server.next().await.unwrap(), server.next().await.unwrap());
        assert_eq!(server.outstanding(), 2);
        let peer = one.reply.peer();
        drop(one);
        // One that cannot be sent is none.
        let refused = two.reply.send(Message::new()).await.unwrap_err();
        assert!(matches!(refused.error(), Error::EmptyMessage));
        let told = event(&mut monitor, |event| match event {
            SocketEvent::MessagesDropped { peer, cause: DropCause::Unanswered, count } => {
                Some((*peer, *count))
            }
            _ => None,
        });
        assert_eq!(told.await, (Some(peer), 2));
        let stats = server.socket().stats();
        assert_eq!((stats.dropped(DropCause::Unanswered), server.outstanding()), (2, 0));
        assert_eq!(stats.accepted, stats.sent + stats.queued + stats.dropped_total());
        assert_eq!(client.outstanding(), 2, "they have their time limits");
    });
}

/// Kills handing out what there is no place for, and a place that is never given back.
#[test]
fn handles_are_bounded() {
    rt::run(async {
        let options = ServerOptions::default().with_max_outstanding(2);
        let server = Server::bind_with_options(TCP, options).await.unwrap();
        let client = Client::connect(server.socket().local_endpoint().unwrap()).await.unwrap();
        let _asked = ["1", "2", "3", "4"].map(|text| client.try_request(text).unwrap());
        let (one, two) = (server.next().await.unwrap(), server.next().await.unwrap());
        let clone = server.clone();
        let mut next = pin!(clone.next());
        assert!(started(&mut next).await.is_pending());
        drop(one);
        let three = next.await.unwrap();
        two.reply.send("2").await.unwrap();
        let four = server.next().await.unwrap();
        assert_eq!((three.message, four.message), ("3".into(), "4".into()));
        assert_eq!(server.outstanding(), 2);
        let mut next = pin!(server.next());
        assert!(started(&mut next).await.is_pending());
        server.socket().close().await;
        assert!(matches!(next.await, Err(Error::Closed)));
    });
}

/// Requests that have arrived are handed out and answered, none that comes later is taken, and all is written when it
/// is done.
#[test]
fn a_drained_server_answers_what_it_has() {
    rt::run(async {
        let (server, client) = pair().await;
        let asked: Vec<_> = (0..20).map(|n| client.try_request(n.to_string()).unwrap()).collect();
        let first = server.next().await.unwrap();
        while server.socket().stats().received < 20 {
            rt::yield_now().await;
        }
        let long = Duration::from_secs(100);
        let mut draining = pin!(server.drain(long));
        assert!(started(&mut draining).await.is_pending());
        let late = client.try_request("late").unwrap();
        let mut held = vec![first];
        let ended = loop {
            match server.next().await {
                Ok(request) => held.push(request),
                Err(error) => break error,
            }
        };
        assert!(matches!(ended, Error::Closed));
        assert_eq!((held.len(), server.outstanding()), (20, 20));
        for request in held {
            assert!(started(&mut draining).await.is_pending());
            request.reply.send(request.message).await.unwrap();
        }
        draining.await.unwrap();
        assert_eq!(server.socket().buffered_messages(), 0);
        for (n, asked) in asked.into_iter().enumerate() {
            assert_eq!(asked.reply().await.unwrap(), n.to_string().into());
        }
        assert_eq!(server.socket().close().await, 0);
        assert!(matches!(late.reply().await, Err(Error::PeerLost)));
    });
}

#[test]
fn a_drain_takes_no_longer_than_it_may() {
    rt::run(async {
        let (server, client) = pair().await;
        server.drain(Duration::ZERO).await.unwrap_or_else(|error| panic!("nothing is there: {error}"));
        drop((server, client));

        let (server, client) = pair().await;
        let _asked = client.try_request("x").unwrap();
        let request = server.next().await.unwrap();
        let late = server.drain(Duration::from_millis(20)).await;
        assert!(matches!(late, Err(Error::Timeout(TimeoutKind::Drain))));
        // Dropped instead of answered is settled as well.
        drop(request);
        server.drain(Duration::from_secs(100)).await.unwrap();
        server.socket().close().await;
        assert!(matches!(server.drain(Duration::ZERO).await, Err(Error::Closed)));
    });
}

/// Streams share the requests with each other and with `next`, and end when the server is drained.
#[test]
fn requests_come_as_a_stream() {
    rt::run(async {
        let (server, client) = pair().await;
        for _ in 0..2 {
            let requests = server.requests();
            rt::spawn(requests.for_each_concurrent(10, async |request| {
                let request = request.unwrap();
                rt::yield_now().await;
                request.reply.send(request.message).await.unwrap();
            }));
        }
        rt::spawn(echo(server.clone()));
        let replies = futures_util::future::join_all((0..100_u8).map(|n| client.request([n]))).await;
        assert!(replies.into_iter().enumerate().all(|(n, reply)| reply.unwrap() == [n as u8].into()));
        let mut last = server.requests();
        assert!(!last.is_terminated());
        server.drain(Duration::from_secs(100)).await.unwrap();
        assert!(last.next().await.is_none() && last.is_terminated());
        assert!(last.next().await.is_none(), "it stays at its end");
        assert!(server.requests().next().await.is_none());
    });
}

/// A stream waits for a place as `next` does, is told of the end there, and gives what it has back when it is dropped.
#[test]
fn a_stream_is_bounded() {
    rt::run(async {
        let options = ServerOptions::default().with_max_outstanding(1);
        let server = Server::bind_with_options(TCP, options).await.unwrap();
        let client = Client::connect(server.socket().local_endpoint().unwrap()).await.unwrap();
        let mut requests = server.requests();
        assert!(poll_times(requests.next(), 2, rt::yield_now).await.is_none());
        // It has the only place, and keeps it.
        assert!(poll_times(server.next(), 2, rt::yield_now).await.is_none());
        let asked = ["one", "two"].map(|text| client.try_request(text).unwrap());
        let one = requests.next().await.unwrap().unwrap();
        assert!(poll_times(requests.next(), 2, rt::yield_now).await.is_none());
        one.reply.send("1").await.unwrap();
        let two = requests.next().await.unwrap().unwrap();
        two.reply.send("2").await.unwrap();
        for (asked, reply) in asked.into_iter().zip(["1", "2"]) {
            assert_eq!(asked.reply().await.unwrap(), reply.into());
        }
        assert!(poll_times(requests.next(), 2, rt::yield_now).await.is_none());
        drop(requests);
        let (request, asked) = (server.next(), client.request("three"));
        let answered = async { request.await.unwrap().reply.send("3").await.unwrap() };
        let (reply, ()) = futures_util::future::join(asked, answered).await;
        assert_eq!(reply.unwrap(), "3".into());
        let asked = client.try_request("four").unwrap();
        let held = server.next().await.unwrap();
        let mut requests = server.requests();
        assert!(poll_times(requests.next(), 2, rt::yield_now).await.is_none());
        server.socket().close().await;
        assert!(requests.next().await.is_none(), "it waited for a place");
        drop((held, asked));
    });
}

/// A request that does not come in time ends no stream.
#[test]
fn a_stream_goes_on_after_its_time_limit() {
    rt::run(async {
        let options = SocketOptions::default().with_recv_timeout(Some(Duration::from_millis(10)));
        let server = Server::bind_with_options(TCP, options.into()).await.unwrap();
        let mut requests = server.requests();
        let late = requests.next().await.unwrap();
        assert!(matches!(late, Err(Error::Timeout(TimeoutKind::Recv))));
        let client = Client::connect(server.socket().local_endpoint().unwrap()).await.unwrap();
        let asked = client.try_request("x").unwrap();
        let request = loop {
            match requests.next().await.unwrap() {
                Ok(request) => break request,
                Err(late) => assert!(matches!(late, Error::Timeout(TimeoutKind::Recv))),
            }
        };
        request.reply.send("y").await.unwrap();
        assert_eq!(asked.reply().await.unwrap(), "y".into());
    });
}

/// Handles keep their server: it closes when they are gone.
#[test]
fn handles_outlive_their_server() {
    rt::run(async {
        let (server, client) = pair().await;
        let asked = client.try_request("x").unwrap();
        let request = server.next().await.unwrap();
        drop(server);
        request.reply.send("y").await.unwrap();
        assert_eq!(asked.reply().await.unwrap(), "y".into());
    });
}

/// Each place that is freed wakes one of those who wait for one, and a connection that comes or goes none of them.
#[test]
fn those_who_wait_for_a_place_are_no_herd() {
    const WAITING: usize = 50;
    rt::run(async {
        let options = ServerOptions::default().with_max_outstanding(2);
        let server = Server::bind_with_options(TCP, options).await.unwrap();
        let endpoint = server.socket().local_endpoint().unwrap();
        let options = ClientOptions::default().with_max_outstanding(4);
        let client = Client::connect_with_options(endpoint.clone(), options).await.unwrap();
        let asked: Vec<_> = (0..4).map(|n| client.try_request(n.to_string()).unwrap()).collect();
        let (first, second) = (server.next().await.unwrap(), server.next().await.unwrap());
        let (waker, woken) = new_count_waker();
        let mut nexts: Vec<_> = (0..WAITING).map(|_| Box::pin(server.next())).collect();
        let mut requests: Vec<_> = (0..WAITING).map(|n| Box::pin(client.request(n.to_string()))).collect();
        for next in &mut nexts {
            assert!(next.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        for request in &mut requests {
            assert!(request.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        let other = Client::connect(endpoint).await.unwrap();
        assert_eq!(woken.get(), 0, "a connection is no place");
        first.reply.send("x").await.unwrap();
        drop(second);
        assert_eq!(woken.get(), 2, "places for two");
        drop(other);
        server.socket().close().await;
        assert!(woken.get() >= WAITING - 2, "all are to know");
        drop(asked);
    });
}
