//! The other end does what it likes.

use super::common::*;
use monocoque::security::{Claim, Verdict};
use std::task::Poll;

/// A client, and a ROUTER that is its server.
async fn at_router() -> (RouterSocket, Client) {
    let router = RouterSocket::bind(TCP).await.unwrap();
    let client = Client::connect(router.local_endpoint().unwrap()).await.unwrap();
    (router, client)
}

/// Wrong numbers, doubled replies, none of the frames that belong there: nothing of it is taken for a reply, and all
/// of it is counted.
#[test]
fn only_a_reply_is_a_reply() {
    rt::run(async {
        let (router, client) = at_router().await;
        let mut monitor = client.socket().monitor();
        let asked = client.try_request("x").unwrap();
        let request = router.recv().await.unwrap();
        assert_eq!(request.len(), 4, "identity, number, delimiter, body");
        let (to, number) = (request[0].clone(), request[1].clone());
        let mut other = number.to_vec();
        other[7] ^= 1;
        let nothing = Frame::new();
        let made_up: [Vec<Frame>; 8] = [
            vec![other.into(), nothing.clone(), "another's".into()],
            vec![number.clone(), "no delimiter".into(), "x".into()],
            vec![number.clone(), nothing.clone()],
            vec![number.clone()],
            vec![nothing.clone()],
            vec![nothing.clone(), number.clone(), "turned round".into()],
            vec![number[..7].into(), nothing.clone(), "short".into()],
            vec![vec![9; 1_000_000].into(), nothing.clone(), "long".into()],
        ];
        let count = made_up.len() as u64;
        for frames in made_up {
            router.send_to(to.clone(), frames).await.unwrap();
        }
        unexpected(&client, &mut monitor, count).await;
        assert_eq!(client.outstanding(), 1, "it goes on waiting");
        for text in ["the reply", "another", "and one more"] {
            router.send_to(to.clone(), [number.clone(), nothing.clone(), text.into()]).await.unwrap();
        }
        assert_eq!(asked.reply().await.unwrap(), "the reply".into());
        unexpected(&client, &mut monitor, count + 2).await;
    });
}

/// Who guesses a number has to be the one that was asked.
#[test]
fn another_server_cannot_reply() {
    rt::run(async {
        let (asked, other) = (RouterSocket::bind(TCP).await.unwrap(), RouterSocket::bind(TCP).await.unwrap());
        let client = Client::connect(asked.local_endpoint().unwrap()).await.unwrap();
        let mut monitor = client.socket().monitor();
        let first = client.try_request("x").unwrap();
        let request = asked.recv().await.unwrap();
        client.socket().connect_to(other.local_endpoint().unwrap()).unwrap();
        client.socket().wait_for_peers(2).await.unwrap();
        let second = client.try_request("y").unwrap();
        // It is the turn of one of them.
        let (by_other, by_asked) = (pin!(other.recv()), pin!(asked.recv()));
        let to = match futures_util::future::select(by_other, by_asked).await {
            futures_util::future::Either::Left((request, _)) => request.unwrap()[0].clone(),
            futures_util::future::Either::Right(_) => {
                drop(client.try_request("z").unwrap());
                other.recv().await.unwrap()[0].clone()
            }
        };
        other.send_to(to, [request[1].clone(), Frame::new(), "made up".into()]).await.unwrap();
        unexpected(&client, &mut monitor, 1).await;
        asked.send(request).await.unwrap();
        assert_eq!(first.reply().await.unwrap(), "x".into());
        drop(second);
    });
}

/// What has no envelope is not handed out, and counted.
#[test]
fn only_a_request_is_a_request() {
    rt::run(async {
        let (server, endpoint) = server().await;
        let mut monitor = server.socket().monitor();
        let dealer = DealerSocket::connect(endpoint).await.unwrap();
        for frames in [vec!["no envelope"], vec![""], vec!["a", ""], vec!["a", "b", "c"]] {
            dealer.send(frames).await.unwrap();
        }
        dealer.send(vec!["", ""]).await.unwrap();
        let request = server.next().await.unwrap();
        assert_eq!(request.message, "".into(), "a body that is empty is one");
        let stats = server.socket().stats();
        assert_eq!((stats.recv_dropped_by(DropCause::Unexpected), stats.received), (4, 5));
        let dropped = event(&mut monitor, |event| match event {
            SocketEvent::ReceivedDropped { cause: DropCause::Unexpected, count, .. } => Some(*count),
            _ => None,
        });
        assert_eq!(dropped.await, 4);
        request.reply.send("reply").await.unwrap();
        assert_eq!(dealer.recv().await.unwrap(), vec!["", "reply"].into());
    });
}

/// A client that asks and does not read gets no more replies than its mark, and stops nobody.
#[test]
fn who_does_not_read_stops_no_server() {
    rt::run(async {
        let options = SocketOptions::default().with_send_hwm(2).with_send_buffer(4096);
        let server = Server::bind_with_options(TCP, options.into()).await.unwrap();
        let endpoint = server.socket().local_endpoint().unwrap();
        let options = SocketOptions::default().with_recv_hwm(1).with_recv_buffer(4096);
        let deaf = DealerSocket::connect_with_options(endpoint.clone(), options).await.unwrap();
        let mut monitor = server.socket().monitor();
        let reply = Message::from(vec![1; 1_000_000]);
        loop {
            deaf.send(vec!["", "x"]).await.unwrap();
            let request = server.next().await.unwrap();
            let Err(refused) = request.reply.send(reply.clone()).await else { continue };
            assert!(matches!(refused.error(), Error::Full));
            assert_eq!(refused.into_message(), reply, "without its envelope");
            break;
        }
        let count = event(&mut monitor, |event| match event {
            SocketEvent::MessagesDropped { peer: Some(_), cause: DropCause::PeerFull, count } => Some(*count),
            _ => None,
        });
        assert_eq!(count.await, 1);
        let stats = server.socket().stats();
        assert_eq!(
            (stats.dropped_total(), stats.dropped(DropCause::PeerFull), server.outstanding()),
            (1, 1, 0)
        );
        rt::spawn(echo(server));
        let client = Client::connect(endpoint).await.unwrap();
        assert_eq!(client.request("x").await.unwrap(), "x".into());
    });
}

/// Where that is wanted, a reply waits for its client to read.
#[test]
fn a_reply_may_wait_for_room() {
    rt::run(async {
        let options = SocketOptions::default().with_send_hwm(2).with_send_buffer(4096);
        let server = Server::bind_with_options(TCP, options.with_on_full(OnFull::Wait).into()).await.unwrap();
        let endpoint = server.socket().local_endpoint().unwrap();
        let options = SocketOptions::default().with_recv_hwm(1).with_recv_buffer(4096);
        let slow = DealerSocket::connect_with_options(endpoint, options).await.unwrap();
        let mut asked = 0;
        loop {
            slow.send(vec!["", "x"]).await.unwrap();
            asked += 1;
            let request = server.next().await.unwrap();
            let mut replying = pin!(request.reply.send(vec![1; 1_000_000]));
            if let Poll::Ready(sent) = started(&mut replying).await {
                sent.unwrap();
                continue;
            }
            let reading = async {
                for _ in 0..asked {
                    assert_eq!(slow.recv().await.unwrap().size(), 1_000_000);
                }
            };
            let (sent, ()) = futures_util::future::join(replying, reading).await;
            sent.unwrap();
            break;
        }
        assert_eq!(server.socket().stats().dropped_total(), 0);
    });
}

/// An identity is free once its peer has left: what was asked under it before is not for who has it now.
#[test]
fn a_reply_is_for_the_connection_that_asked() {
    rt::run(async {
        let options = SocketOptions::default().with_authenticator(async |claim: Claim| {
            Verdict::accept_as(String::from_utf8_lossy(claim.property("X-User").unwrap()))
        });
        let server = Server::bind_with_options(TCP, options.into()).await.unwrap();
        let mut monitor = server.socket().monitor();
        let endpoint = server.socket().local_endpoint().unwrap();
        let asks = async |user: &'static str| {
            let options = SocketOptions::default().with_identity("same").with_metadata("X-User", user);
            let dealer = DealerSocket::connect_with_options(endpoint.clone(), options).await.unwrap();
            dealer.send(["", user]).await.unwrap();
            let request = server.next().await.unwrap();
            assert_eq!(request.message[0], user);
            (dealer, request)
        };
        let (ann, from_ann) = asks("ann").await;
        ann.close().await;
        event(&mut monitor, |event| matches!(event, SocketEvent::Disconnected { .. }).then_some(())).await;
        let (bob, from_bob) = asks("bob").await;
        let refused = from_ann.reply.send("for ann").await.unwrap_err();
        assert!(matches!(refused.error(), Error::Unroutable));
        assert_eq!(refused.into_message(), "for ann".into());
        from_bob.reply.send("for bob").await.unwrap();
        assert_eq!(bob.recv().await.unwrap(), ["", "for bob"].into());
        assert_eq!(server.socket().stats().dropped(DropCause::Unroutable), 1);
    });
}
