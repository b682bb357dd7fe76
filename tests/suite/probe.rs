//! PROBE_ROUTER: an empty message to each new peer, so that a ROUTER at the other end learns who is there.

use super::rt::{self, *};

fn probing(identity: &'static str) -> SocketOptions {
    SocketOptions::default().with_probe_router(true).with_identity(identity)
}

#[test]
fn a_dealer_and_a_router_announce_themselves() {
    rt::run(async {
        let router = RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let dealer = DealerSocket::connect_with_options(&endpoint, probing("dealer")).await.unwrap();
        let other = RouterSocket::connect_with_options(&endpoint, probing("router")).await.unwrap();
        let mut from = Vec::new();
        for _ in 0..2 {
            let (identity, probe) = router.recv_from().await.unwrap();
            assert_eq!((probe.len(), probe.size()), (1, 0), "one empty frame");
            from.push(identity.to_vec());
        }
        from.sort_unstable();
        assert_eq!(from, [b"dealer", b"router"]);
        // What follows is not mixed up with the probe.
        router.send_to("router", "hello").await.unwrap();
        let (identity, hello) = other.recv_from().await.unwrap();
        assert_eq!(hello[0], "hello");
        other.send_to(identity, "reply").await.unwrap();
        let (identity, reply) = router.recv_from().await.unwrap();
        assert!(identity == "router" && reply.len() == 1 && reply[0] == "reply");
        assert_eq!((dealer.stats().accepted, other.stats().accepted), (1, 2));
    });
}

/// PUSH and PULL have nothing to announce, and PULL could not: they have no such option.
#[test]
fn other_types_do_not_probe() {
    rt::run(async {
        let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", probing("pull")).await;
        assert!(matches!(pull, Err(Error::Option(_))), "{pull:?}");
        let push = PushSocket::connect_with_reconnect_and_options("tcp://127.0.0.1:1", probing("push")).await;
        assert!(matches!(push, Err(Error::Option(_))), "{push:?}");
    });
}
