//! What a peer with our own options would hang up on is not sent: it would come again on every connection, and
//! nothing behind it would ever arrive.

use futures_util::SinkExt;

use super::rt::{self, *};

fn small() -> SocketOptions {
    SocketOptions::default().with_max_message_size(1000).with_max_frames(3)
}

/// Over each of the limits by one.
fn over() -> [Message; 2] {
    [vec![0; 1001].into(), ("1", "2", "3", "4").into()]
}

fn assert_names_the_limit(error: &Error, message: &Message) {
    match error {
        Error::MessageTooLarge { size, max } => {
            assert_eq!((*size, *max, message.size()), (1001, 1000, 1001));
        }
        Error::TooManyFrames { frames, max } => assert_eq!((*frames, *max, message.len()), (4, 3, 4)),
        other => panic!("{other}"),
    }
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

fn assert_refused(refused: Result<(), SendError>, message: &Message) {
    let (error, back) = refused.unwrap_err().into_parts();
    assert_names_the_limit(&error, message);
    assert_eq!(back, *message, "it comes back");
}

#[test]
fn every_call_that_sends_refuses_what_is_over_a_limit() {
    rt::run(async {
        let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", small()).await.unwrap();
        let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), small()).await.unwrap();
        push.send("first").await.unwrap();
        for message in over() {
            assert_refused(push.send(message.clone()).await, &message);
            assert_refused(push.try_send(message.clone()), &message);
            assert_refused(push.send_buffered(message.clone()), &message);
            assert_refused(push.feed(message.clone()).await, &message);
            // In the middle of a burst too.
            push.send_buffered("burst").unwrap();
            assert_refused(push.send(message.clone()).await, &message);
            let refused = SinkExt::send(&mut push.clone(), message.clone()).await.unwrap_err();
            assert_names_the_limit(refused.error(), &message);
            assert_eq!(refused.into_message().as_ref(), Some(&message));
            let reserved = push.reserve_frames(message.size(), message.len()).await.unwrap_err();
            assert_names_the_limit(&reserved, &message);
        }
        push.send((vec![1; 998], "2", "3")).await.unwrap();
        for expected in ["first", "burst", "burst"] {
            assert_eq!(pull.recv().await.unwrap(), Message::from(expected));
        }
        assert_eq!(pull.recv().await.unwrap().size(), 1000);
        assert_eq!((push.stats().accepted, push.stats().reconnects), (4, 0));
    });
}

/// What counts is what goes over the wire: the identity in front of a ROUTER's messages does not, the envelope of
/// a request and its reply does.
#[test]
fn limits_are_for_what_goes_over_the_wire() {
    rt::run(async {
        let router = RouterSocket::bind_with_options("tcp://127.0.0.1:0", small()).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let dealer = DealerSocket::connect_with_options(&endpoint, small()).await.unwrap();
        let largest = Message::from((vec![1; 998], "2", "3"));
        dealer.send(largest.clone()).await.unwrap();
        let (identity, message) = router.recv_from().await.unwrap();
        assert_eq!(message, largest);
        for message in over() {
            let refused = router.send_to(identity.clone(), message.clone()).await.unwrap_err();
            assert_names_the_limit(refused.error(), &message);
        }
        router.send_to(identity, largest.clone()).await.unwrap();
        assert_eq!(dealer.recv().await.unwrap(), largest);

        let rep = RepSocket::bind_with_options("tcp://127.0.0.1:0", small()).await.unwrap();
        let correlated = small().with_req_correlate(true);
        let req = ReqSocket::connect_with_options(rep.local_endpoint().unwrap(), correlated).await.unwrap();
        // Its number and the delimiter are two of the three frames, and four of the bytes.
        let refused = req.send(("1", "2")).await.unwrap_err();
        assert!(matches!(refused.error(), Error::TooManyFrames { frames: 4, max: 3 }));
        let refused = req.send(vec![0; 997]).await.unwrap_err();
        assert!(matches!(refused.error(), Error::MessageTooLarge { size: 1001, max: 1000 }));
        req.send(vec![0; 996]).await.unwrap();
        assert_eq!(rep.recv().await.unwrap().size(), 996);
        let refused = rep.send(("1", "2")).await.unwrap_err();
        assert!(matches!(refused.error(), Error::TooManyFrames { frames: 4, max: 3 }));
        rep.send(vec![0; 996]).await.unwrap();
        assert_eq!(req.recv().await.unwrap().size(), 996);
    });
}

#[test]
fn subscriptions_over_a_limit_are_refused() {
    rt::run(async {
        let options = SocketOptions::default().with_max_subscriptions(2).with_max_subscription_bytes(10);
        let publisher = PubSocket::bind_with_options("tcp://127.0.0.1:0", options.clone()).await.unwrap();
        let endpoint = publisher.local_endpoint().unwrap();
        let over = |error: &Error, name: &str, limit: usize| match error {
            Error::SubscriptionLimit { option, max } => assert_eq!((*option, *max), (name, limit)),
            other => panic!("{other}"),
        };

        let sub = SubSocket::connect_with_options(&endpoint, options.clone()).await.unwrap();
        sub.subscribe("12345").unwrap();
        over(&sub.subscribe("123456").unwrap_err(), "max_subscription_bytes", 10);
        sub.subscribe("abcde").unwrap();
        over(&sub.subscribe("").unwrap_err(), "max_subscriptions", 2);
        sub.subscribe("abcde").unwrap();
        assert!(sub.unsubscribe("12345").unwrap());
        sub.subscribe("ABCDE").unwrap();

        let xsub = XSubSocket::connect_with_options(&endpoint, options).await.unwrap();
        xsub.send((b"\x0112345", b"\x01ABCDE")).await.unwrap();
        let refused = xsub.send(b"\x01").await.unwrap_err();
        over(refused.error(), "max_subscriptions", 2);
        assert_eq!(refused.into_message(), Message::from(b"\x01"));
        xsub.send(b"\x0012345").await.unwrap();
        xsub.send(b"\x01").await.unwrap();

        publisher.wait_for_subscribers("ABCDE", 2).await.unwrap();
        publisher.wait_for_subscribers("anything", 1).await.unwrap();
        assert_eq!((sub.stats().reconnects, xsub.stats().reconnects), (0, 0));
    });
}

#[test]
fn messages_to_every_peer_that_are_over_a_limit_are_refused_at_opening() {
    rt::run(async {
        for message in over().into_iter().chain([Message::new()]) {
            for options in [
                small().with_hello_message(message.clone()),
                small().with_xpub_welcome_message(message.clone()),
            ] {
                assert!(matches!(DealerSocket::new(options), Err(Error::Option(_))));
            }
        }
    });
}
