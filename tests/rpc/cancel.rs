//! Requests, and calls of a server, that are dropped at every await point.

use super::common::*;
use crate::dropping::poll_times;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// A request dropped after any number of polls frees its place; what replies to it is dropped and counted, and never
/// taken for the reply to another.
#[test]
fn dropped_requests_leave_nothing() {
    rt::run(async {
        let (server, endpoint) = server().await;
        rt::spawn(echo(server));
        let options = ClientOptions::default().with_max_outstanding(2);
        let client = Client::connect_with_options(endpoint, options).await.unwrap();
        let mut monitor = client.socket().monitor();
        let (mut dropped, mut answered) = (0, 0);
        for round in 0..1_000_usize {
            // Others hold all places now and then, so that it is dropped while it waits for one, too.
            let held = (round % 3 == 0).then(|| client.try_request("held"));
            let more = (round % 6 == 0).then(|| client.try_request("held"));
            let text = round.to_string();
            match poll_times(client.request(text.clone()), round % 5, rt::yield_now).await {
                Some(reply) => {
                    assert_eq!(reply.unwrap(), text.into());
                    answered += 1;
                }
                None => dropped += 1,
            }
            drop((held, more));
            assert_eq!(client.outstanding(), 0);
        }
        assert!(dropped > 100, "{dropped} dropped, {answered} answered");
        assert_eq!(client.request("the last").await.unwrap(), "the last".into());
        // All that was sent is answered, some of it in vain.
        let accepted = client.socket().stats().accepted;
        unexpected(&client, &mut monitor, accepted - answered - 1).await;
        let stats = client.socket().stats();
        assert_eq!((stats.received, stats.delivered), (accepted, answered + 1));
    });
}

/// The same of a reply that is waited for apart from its request.
#[test]
fn dropped_replies_leave_nothing() {
    rt::run(async {
        let (server, client) = pair().await;
        rt::spawn(echo(server));
        let mut monitor = client.socket().monitor();
        let mut taken = 0;
        for polls in 0..200 {
            let reply = client.try_request("x").unwrap().reply();
            taken += u64::from(poll_times(reply, polls % 4, rt::yield_now).await.is_some());
            let reply = client.try_request("y").unwrap().reply_within(Duration::from_secs(100));
            taken += u64::from(poll_times(reply, polls % 4, rt::yield_now).await.is_some());
            assert_eq!(client.outstanding(), 0);
        }
        assert!(taken < 400, "some were dropped");
        unexpected(&client, &mut monitor, 400 - taken).await;
        assert_eq!(client.socket().stats().delivered, taken);
    });
}

/// A `next` dropped after any number of polls takes no request, and no place.
#[test]
fn dropped_nexts_take_nothing() {
    rt::run(async {
        let options = ServerOptions::default().with_max_outstanding(1);
        let server = Server::bind_with_options(TCP, options).await.unwrap();
        let client = Client::connect(server.socket().local_endpoint().unwrap()).await.unwrap();
        for round in 0..300_usize {
            let text = round.to_string();
            let asked = client.request(text.clone());
            let serving = async {
                let taken = poll_times(server.next(), round % 4, rt::yield_now).await;
                let request = match taken {
                    Some(request) => request.unwrap(),
                    None => {
                        assert_eq!(server.outstanding(), 0);
                        server.next().await.unwrap()
                    }
                };
                let next = poll_times(server.next(), 2, rt::yield_now).await;
                assert!(next.is_none(), "there is no place until it is answered");
                request.reply.send("done").await.unwrap();
            };
            let (reply, ()) = futures_util::future::join(asked, serving).await;
            assert_eq!(reply.unwrap(), "done".into());
        }
        assert_eq!(server.outstanding(), 0);
    });
}

/// A stream whose `next()`s are dropped after any number of polls loses no request, and holds one place at most.
#[test]
fn dropped_nexts_of_a_stream_lose_nothing() {
    rt::run(async {
        let options = ServerOptions::default().with_max_outstanding(2);
        let server = Server::bind_with_options(TCP, options).await.unwrap();
        let client = Client::connect(server.socket().local_endpoint().unwrap()).await.unwrap();
        let mut requests = server.requests();
        for round in 0..300_usize {
            let text = round.to_string();
            let none = poll_times(requests.next(), round % 4, rt::yield_now).await;
            assert!(none.is_none(), "nobody has asked yet");
            let asked = client.request(text.clone());
            let serving = async {
                let request = loop {
                    match poll_times(requests.next(), 1 + round % 3, rt::yield_now).await {
                        Some(request) => break request.unwrap().unwrap(),
                        None => rt::yield_now().await,
                    }
                };
                request.reply.send(request.message).await.unwrap();
            };
            let (reply, ()) = futures_util::future::join(asked, serving).await;
            assert_eq!(reply.unwrap(), text.into());
            // One that is dropped after it was polled leaves no place behind.
            let another = poll_times(server.requests().next(), round % 3, rt::yield_now).await;
            assert!(another.is_none() && server.outstanding() == 0);
        }
    });
}

/// A reply that was dropped while it waited for permits counts as none.
#[test]
fn a_dropped_reply_is_none() {
    rt::run(async {
        let budget = monocoque::resilience::SemaphorePermits::new(100);
        let (server, client) = pair().await;
        let server = server.with_permits(budget.clone());
        let _asked = client.try_request("x").unwrap();
        let taken = budget.try_acquire(100);
        let request = server.next().await.unwrap();
        assert!(poll_times(request.reply.send("never"), 3, rt::yield_now).await.is_none());
        let stats = server.socket().stats();
        assert_eq!((stats.sent, stats.dropped(DropCause::Unanswered)), (0, 1));
        assert_eq!((server.outstanding(), budget.waiters()), (0, 0));
        drop(taken);
    });
}

/// A dropped `drain` has stopped the server, and can be called again.
#[test]
fn a_dropped_drain_goes_on() {
    rt::run(async {
        let (server, client) = pair().await;
        let asked = client.try_request("x").unwrap();
        let request = server.next().await.unwrap();
        let long = Duration::from_secs(100);
        for polls in 1..4 {
            assert!(poll_times(server.drain(long), polls, rt::yield_now).await.is_none());
        }
        assert!(matches!(server.next().await, Err(Error::Closed)));
        request.reply.send("y").await.unwrap();
        server.drain(long).await.unwrap();
        assert_eq!(asked.reply().await.unwrap(), "y".into());
    });
}

/// Opening one that is dropped leaves no connection.
#[test]
fn a_dropped_connect_is_abandoned() {
    rt::run(async {
        let (server, endpoint) = server().await;
        for polls in 1..6 {
            drop(poll_times(Client::connect(endpoint.clone()), polls, rt::yield_now).await);
            drop(poll_times(Server::bind(TCP), polls, rt::yield_now).await);
        }
        let mut monitor = server.socket().monitor();
        while !server.socket().peers().is_empty() {
            event(&mut monitor, |event| matches!(event, SocketEvent::Disconnected { .. }).then_some(()))
                .await;
        }
    });
}

/// Who waits for one of two replies drops the other.
#[test]
fn requests_race() {
    rt::run(async {
        let (server, client) = pair().await;
        let (slow, fast) = (Box::pin(client.request("slow")), Box::pin(client.request("fast")));
        let mut both = select(slow, fast);
        assert!(poll_fn(|cx| Poll::Ready(Pin::new(&mut both).poll(cx))).await.is_pending());
        let first = server.next().await.unwrap();
        let second = server.next().await.unwrap();
        let (slow, fast) = if first.message == "slow".into() { (first, second) } else { (second, first) };
        fast.reply.send("fast").await.unwrap();
        match both.await {
            Either::Right((reply, slow)) => {
                assert_eq!(reply.unwrap(), "fast".into());
                assert_eq!(client.outstanding(), 1);
                drop(slow);
            }
            Either::Left(_) => panic!("it was not answered"),
        }
        slow.reply.send("in vain").await.unwrap();
        unexpected(&client, &mut client.socket().monitor(), 1).await;
    });
}
