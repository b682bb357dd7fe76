//! Servers and clients that are lost.

use super::common::*;

fn quick() -> SocketOptions {
    SocketOptions::default().with_backoff(Backoff::new().with_max(Duration::from_millis(5)))
}

#[test]
fn requests_of_a_lost_server_fail() {
    rt::run(async {
        let (server, client) = pair().await;
        let (mut one, mut two) = (pin!(client.request("one")), pin!(client.request("two")));
        assert!(started(&mut one).await.is_pending() && started(&mut two).await.is_pending());
        let request = server.next().await.unwrap();
        server.socket().close().await;
        for failed in [one.await, two.await] {
            let failed = failed.unwrap_err();
            assert!(matches!(failed.error(), Error::PeerLost));
            assert_eq!(failed.into_message(), None, "it may have been acted on");
        }
        let refused = request.reply.send("too late").await.unwrap_err();
        assert!(matches!(refused.error(), Error::Closed));
        assert_eq!((client.outstanding(), server.outstanding()), (0, 0));
    });
}

/// What was answered before the end of the connection is answered.
#[test]
fn replies_before_the_end_count() {
    rt::run(async {
        for _ in 0..20 {
            let (server, client) = pair().await;
            let asked: Vec<_> = (0..50).map(|_| client.try_request("x").unwrap()).collect();
            for _ in 0..25 {
                server.next().await.unwrap().reply.send("y").await.unwrap();
            }
            server.socket().close().await;
            let mut answered = 0;
            for asked in asked {
                match asked.reply().await {
                    Ok(_) => answered += 1,
                    Err(error) => assert!(matches!(error, Error::PeerLost), "{error:?}"),
                }
            }
            assert_eq!(answered, 25);
        }
    });
}

/// The same client goes on with the server that takes the place of the first, and asks it again.
#[test]
fn requests_are_sent_again_where_that_is_wanted() {
    rt::run(async {
        let endpoint = rt::vacant();
        let server = Server::bind(endpoint.as_str()).await.unwrap();
        let options = ClientOptions::from(quick()).with_on_server_lost(OnServerLost::Resend);
        let client = Client::connect_with_options(endpoint.as_str(), options).await.unwrap();
        let mut asked = pin!(client.request("x"));
        assert!(started(&mut asked).await.is_pending());
        let held = server.next().await.unwrap();
        server.socket().close().await;
        let next = async {
            let server = Server::bind(endpoint.as_str()).await.unwrap();
            let request = server.next().await.unwrap();
            assert_eq!(request.message, "x".into());
            request.reply.send("y").await.unwrap();
            server
        };
        let (reply, _server) = futures_util::future::join(asked, next).await;
        assert_eq!(reply.unwrap(), "y".into());
        assert_eq!(client.socket().stats().accepted, 2);
        drop(held);
    });
}

/// A request that no server survives is given up.
#[test]
fn what_servers_do_not_survive_is_given_up() {
    rt::run(async {
        let options = ClientOptions::from(quick().with_max_resends(Some(2)));
        let client = Client::new(options.with_on_server_lost(OnServerLost::Resend)).unwrap();
        let (server, endpoint) = server().await;
        client.socket().connect_to(endpoint).unwrap();
        let mut asked = pin!(client.request("deadly"));
        let mut met = 0;
        let failed = loop {
            let serving = pin!(async {
                let request = server.next().await.unwrap();
                server.socket().disconnect_peer(request.reply.peer()).unwrap();
            });
            match futures_util::future::select(asked.as_mut(), serving).await {
                futures_util::future::Either::Left((failed, _)) => break failed.unwrap_err(),
                futures_util::future::Either::Right(_) => met += 1,
            }
        };
        assert!(matches!(failed.error(), Error::PeerLost));
        assert_eq!((met, failed.into_message()), (3, None));
        assert_eq!(server.socket().stats().dropped(DropCause::Unanswered), 3);
    });
}

/// Only what the lost one of two was asked fails.
#[test]
fn one_server_of_two_is_lost() {
    rt::run(async {
        let ((one, first), (two, second)) = (server().await, server().await);
        let client = Client::new(quick().into()).unwrap();
        client.socket().connect_to(first).unwrap();
        client.socket().connect_to(second).unwrap();
        client.socket().wait_for_peers(2).await.unwrap();
        let asked: Vec<_> = (0..10).map(|n| client.try_request(n.to_string()).unwrap()).collect();
        let mut lost = Vec::new();
        for _ in 0..5 {
            lost.push(one.next().await.unwrap().message);
        }
        one.socket().close().await;
        rt::spawn(echo(two));
        for (n, asked) in asked.into_iter().enumerate() {
            let text = Message::from(n.to_string());
            match asked.reply().await {
                Ok(reply) => assert!(reply == text && !lost.contains(&text)),
                Err(error) => assert!(matches!(error, Error::PeerLost) && lost.contains(&text)),
            }
        }
    });
}

/// What was asked of an endpoint that is given up fails, whether it was answered meanwhile or not.
#[test]
fn an_endpoint_is_given_up() {
    rt::run(async {
        let (server, endpoint) = server().await;
        let client = Client::new(ClientOptions::default()).unwrap();
        client.socket().connect_to(endpoint.clone()).unwrap();
        client.socket().wait_for_peers(1).await.unwrap();
        let asked = client.try_request("x").unwrap();
        let request = server.next().await.unwrap();
        client.socket().disconnect(endpoint).unwrap();
        assert!(matches!(asked.reply().await, Err(Error::PeerLost)));
        assert_eq!(client.request("y").await.unwrap_err().into_message(), Some("y".into()));
        drop(request);
    });
}

/// The one that asked has gone: who replies is told, and it is counted, once.
#[test]
fn a_reply_to_who_has_left_is_told() {
    rt::run(async {
        let (server, client) = pair().await;
        let asked = client.try_request("x").unwrap();
        let request = server.next().await.unwrap();
        let peer = request.reply.peer();
        assert!(server.socket().peer(peer).is_some());
        let mut monitor = server.socket().monitor();
        drop(asked);
        client.socket().close().await;
        event(&mut monitor, |event| matches!(event, SocketEvent::Disconnected { .. }).then_some(())).await;
        let refused = request.reply.send(vec!["a", "", "b"]).await.unwrap_err();
        assert!(matches!(refused.error(), Error::Unroutable));
        assert_eq!(refused.into_message(), vec!["a", "", "b"].into());
        let cause = event(&mut monitor, |event| match event {
            SocketEvent::MessagesDropped { cause, count: 1, .. } => Some(*cause),
            _ => None,
        });
        assert_eq!(cause.await, DropCause::Unroutable);
        let stats = server.socket().stats();
        assert_eq!(
            (stats.dropped_total(), stats.dropped(DropCause::Unroutable), server.outstanding()),
            (1, 1, 0)
        );
    });
}
